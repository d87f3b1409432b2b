// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/way_back.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "base/scope_exit.h"
#include "controller/loop_call.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

constexpr int kAttempts = 3;

}  // namespace

bool is_lost(const Error& error) {
    return error.code() == ErrorCode::kTimeout || error.code() == ErrorCode::kVmmGone;
}

void WayBack::note_limits() {
    limits_ = limits_of(vmm_.process->pid);
}

void WayBack::arm(std::chrono::steady_clock::time_point end) {
    auto keeper = std::make_unique<Keeper>(limits_);
    for (size_t before = 0;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0)
            throw Error(ErrorCode::kTimeout, "the VMM did not list its descriptors in time");
        Message part = host_.vmm.call_for_fds("cpr-descriptors", {{"first", before}},
                                              std::min(left, host_.deadlines.query));
        keeper->add(part.body, std::move(part.fds));
        if (keeper->size() == before)
            break;
        before = keeper->size();
    }
    keeper->gate();
    keeper_ = std::move(keeper);
    host_.set_keeping(true);
}

void WayBack::offer_binary(const Binary& binary) {
    host_.vmm.call("getfd", {{"fdname", kBinaryFdName}}, host_.deadlines.query, binary.fd.get());
}

void WayBack::exec_in_place(const std::shared_ptr<const Binary>& binary,
                            std::chrono::milliseconds deadline) {
    std::vector<std::string> arguments = vmm_.arguments;
    arguments.at(0) = binary->path;
    host_.exec.order(binary);
    const ScopeExit withdraw([this] { host_.exec.order(nullptr); });
    host_.vmm.exec("cpr-exec", {{"fdname", kBinaryFdName}, {"arguments", arguments}}, deadline);
}

void WayBack::negotiate(std::chrono::milliseconds deadline) {
    host_.vmm.call("qmp_capabilities", json::object(), deadline);
}

void WayBack::go_back(bool vmm_answers) {
    if (!keeper_->gate().withdraw())
        throw Error(ErrorCode::kInvalidState, "the guest has run on already");
    if (vmm_answers) {
        try {
            go_back_in_place();
            return;
        } catch (const Error& error) {
            log::warning("the new binary cannot be told to go: {}", error.message());
        }
    }
    replace_process();
}

void WayBack::go_back_in_place() {
    offer_binary(*vmm_.binary);
    exec_in_place(vmm_.binary, host_.deadlines.exec);
    negotiate(host_.deadlines.query);
    keeper_->ring_interrupts();
    keeper_->gate().reopen();
}

void WayBack::replace_process() {
    kill_process(*vmm_.process, host_.deadlines.kill);
    keeper_->ring_interrupts();
    // The dead can enter nothing.
    keeper_->gate().reopen();
    // By the loop's thread, which lasts as long as the controller.
    Keeper::Started started = call_on_loop(host_.loop, [this] {
        return keeper_->start(*vmm_.binary, vmm_.arguments, vmm_.process->pid);
    });
    auto process = std::make_shared<const VmmProcess>(std::move(started.process));
    if (process->pid != vmm_.process->pid)
        log::warning(
            "the VMM is process {} now, not {}: what libvirt knows of its process is stale",
            process->pid, vmm_.process->pid);
    vmm_.process = process;
    host_.adopt(process);
    host_.vmm.restart(std::move(started.monitor), host_.deadlines.exec);
    negotiate(host_.deadlines.query);
}

void WayBack::load_and_run(bool was_running) {
    host_.vmm.call("cpr-load", json::object(), host_.deadlines.load);
    if (was_running)
        host_.vmm.call("cont", json::object(), host_.deadlines.resume);
}

void WayBack::run_again(bool was_running) {
    for (int attempt = 1;; ++attempt) {
        try {
            load_and_run(was_running);
            return;
        } catch (const Error& error) {
            if (attempt == kAttempts || !keeper_->gate().withdraw())
                throw;
            log::warning("the old binary has failed on the guest, attempt {}: {}", attempt,
                         error.message());
            replace_process();
        }
    }
}

}  // namespace cpr::controller

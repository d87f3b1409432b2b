// SPDX-License-Identifier: LGPL-2.1-or-later
// The way back of an update in QEMU's process, once QEMU has executed something.
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "controller/exec_filter.h"
#include "controller/loop_call.h"
#include "controller/qemu/exec_messages.h"
#include "controller/qemu/exec_steps.h"
#include "controller/qemu/transfer_steps.h"
#include "controller/vfio_recovery.h"

namespace cpr::controller::qemu {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr int kAttempts = 3;
constexpr auto kLook = 1ms;
constexpr const char* kVfioDevice = "anon_inode:[vfio-device]";

bool is_vfio_device(int fd) {
    std::error_code error;
    return std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd), error) == kVfioDevice;
}

}  // namespace

void ExecSteps::undo_exec() {
    if (executed_ && !resumed_)
        go_back();
}

// What the update does not want any more QEMU may do all the same: once the guest is saved, it
// executes what it was told to. Then the way back is the same.
void ExecSteps::undo_save() {
    if (executed_ || !saving_)
        return;
    if (!is_over(watch_->seen().migration))
        host_.vmm.call("migrate_cancel", json::object(), host_.deadlines.query);
    const auto seen = watch_->wait(
        N_("the end of the save"), [](const RunWatch::Seen& now) { return is_over(now.migration); },
        host_.deadlines.load, [this] { look_for_end(); });
    if (seen.migration != "completed" || !comes_to_execute())
        return;
    take_guest(host_.deadlines.query);
    go_back();
}

bool ExecSteps::comes_to_execute() {
    try {
        handover_->accept(*vmm_.process, host_.deadlines.exec, [this] {
            look_for_end();
            if (watch_->seen().migration == "failed")
                throw Error(ErrorCode::kExecFailed, "QEMU goes on with the guest");
        });
        return true;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::kExecFailed)
            throw;
        return false;
    }
}

// RESUME is sent before the first vCPU enters, and what was sent is read before the end is seen.
bool ExecSteps::has_run() {
    const auto end = std::chrono::steady_clock::now() + host_.deadlines.kill;
    while (!call_on_loop(host_.loop, [this] { return host_.link.closed(); })) {
        if (std::chrono::steady_clock::now() >= end)
            throw Error(ErrorCode::kTimeout, "QEMU was killed, and its monitor stays open");
        std::this_thread::sleep_for(kLook);
    }
    return watch_->seen().resumed_ns != 0;
}

// What starts and fails does not run the guest before its `cont`, so that it can be tried again.
void ExecSteps::go_back() {
    going_back_ = true;
    for (int attempt = 1;; ++attempt) {
        try {
            start_old();
            run_again();
            return;
        } catch (const Error& error) {
            if (attempt == kAttempts || error.code() == ErrorCode::kInvalidState)
                throw;
            log::warning("the old QEMU has failed on the guest, attempt {}: {}", attempt,
                         error.message());
        }
    }
}

void ExecSteps::recover_vfio() {
    const auto claims = call_on_loop(host_.loop, [this] {
        auto noted = guest().claims().all();
        guest().claims().forget();
        return noted;
    });
    for (const DmaClaim& claim : claims)
        if (const auto container = kept_.fds.find(claim.container); container != kept_.fds.end())
            give_back_range(container->second.get(), claim.iova, claim.size);
    for (const auto& [number, fd] : kept_.fds)
        if (is_vfio_device(fd.get()))
            signal_interrupts(fd.get());
}

// In the process that libvirt knows, as long as our program has not become another.
void ExecSteps::start_old() {
    if (replaced_) {
        start_elsewhere();
        return;
    }
    next_qemu_ = make_successor(vmm_.binary->path);
    run_in_place(vmm_.binary);
}

void ExecSteps::confine(ProcessSpec& spec) {
    spec.filter = exec_filter();
    // Before it can ask.
    host_.exec.order(vmm_.binary);
    spec.watch_filter = [this](UniqueFd listener, int64_t pid) {
        host_.exec.watch(std::move(listener), pid);
    };
}

void ExecSteps::start_elsewhere() {
    kill_process(*vmm_.process, host_.deadlines.kill);
    if (has_run())
        let_crash(*vmm_.process);
    recover_vfio();
    next_qemu_ = make_successor(vmm_.binary->path);
    prepare_queues(next_qemu_->start);
    lseek(kept_.fds.at(kept_.table).get(), 0, SEEK_SET);
    ProcessSpec spec;
    spec.binary = vmm_.binary->fd.get();
    spec.arguments = next_qemu_->start.arguments;
    spec.placed = next_qemu_->placed;
    // The successor's own numbers are none of these: they were chosen so.
    for (const auto& [number, fd] : kept_.fds)
        spec.placed.emplace_back(fd.get(), number);
    spec.environment = {fmt::format("{}={}", kTableVariable, kept_.table)};
    spec.limits = limits_;
    spec.wanted_pid = vmm_.process->pid;
    if (call_on_loop(host_.loop, [this] { return guest().confined(); }))
        confine(spec);
    // QEMU goes on when its monitor closes, and libvirt may know another number only: it ends with
    // the thread that makes it, and so with the controller.
    spec.ends_with_parent = true;
    StartingProcess starting = call_on_loop(host_.loop, [&] { return begin_process(spec); });
    const auto process = std::make_shared<const VmmProcess>(wait_for_start(std::move(starting)));
    if (!spec.filter.empty())
        call_on_loop(host_.loop, [&] { guest().set_confined(process->pidfd.get()); });
    if (process->pid != vmm_.process->pid)
        log::warning(
            "the VMM is process {} now, not {}: what libvirt knows of its process is stale",
            process->pid, vmm_.process->pid);
    vmm_.process = process;
    host_.adopt(process);
    UniqueFd monitor = std::move(next_qemu_->monitor);
    next_qemu_.reset();
    greet(std::move(monitor), host_.deadlines.exec);
}

// A guest that runs on other processors than it should is better than one that does not run.
void ExecSteps::run_again() {
    load_state(host_.deadlines.load);
    if (was_running_)
        run_guest(host_.deadlines.resume);
    try {
        place_threads(host_.vmm, *vmm_.process, host_.deadlines.query);
    } catch (const Error& error) {
        log::warning("{}", error.message());
    }
    call_on_loop(host_.loop, [this] { guest().gone_on(guest().version()); });
    note_pause();
}

}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/transfer_steps.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "controller/loop_call.h"
#include "controller/qemu/guest.h"
#include "controller/qemu/queue_checks.h"
#include "controller/shortages.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

// How often is looked whether a pause that may not be longer than so much already is.
constexpr std::chrono::milliseconds kOftenLook(5);
// Else who looks only takes a processor from the two QEMUs.
constexpr std::chrono::milliseconds kLook(100);

}  // namespace

TransferSteps::~TransferSteps() {
    entry_.reset();
    target_.reset();
}

void TransferSteps::validate() {
    validate_guest(UpdateMode::kTransfer, kFirstTransfer);
}

void TransferSteps::add_blockers() {
    find_shortages(vmm_.process->pid, 0, record_.blockers);
}

std::string TransferSteps::channel_path() const {
    return host_.folder + "/cpr";
}

std::string TransferSteps::main_path() const {
    return host_.folder + "/main";
}

void TransferSteps::prepare() {
    begin_preparation();
    source_.emplace(host_.vmm, host_.deadlines.query);
    target_ = std::make_unique<Target>(host_.loop, guest(), *next_, limits_of(vmm_.process->pid),
                                       channel_path());
    target_->wait_until_listening(within(host_.deadlines.start));
    connect();
    check_queues();
    note_threads();
    place_threads(target_->calls(), *target_->process());
}

// The new QEMU gets the guest's descriptors, and builds itself around them. The guest runs.
void TransferSteps::connect() {
    source_->begin_transfer(channel_path(), main_path());
    target_->greet(within(host_.deadlines.start));
    set_transfer_capabilities(target_->calls(), host_.deadlines.query);
    if (source_->has_silenced_description())
        set_describing(target_->calls(), false, host_.deadlines.query);
    give_named_descriptors(target_->calls());
}

void TransferSteps::check_queues() {
    const auto asker = [this](VmmCalls& calls) {
        return [this, &calls](const char* command, const json& arguments) {
            return calls.call(command, arguments, within(host_.deadlines.query));
        };
    };
    const Ask present = asker(host_.vmm);
    check_queue_sizes(present("qom-list", {{"path", "/machine/peripheral"}}), present,
                      asker(target_->calls()));
}

void TransferSteps::undo_prepare() {
    if (!source_)
        return;
    turn_back();
    if (target_ && target_->end(host_.deadlines.kill))
        let_crash(*vmm_.process);
    call_on_loop(host_.loop, [this] { guest().give_chardevs_back(); });
    source_->take_back(was_running_, host_.deadlines.load);
    const RunWatch::Seen seen = watch_->seen();
    record_.pause.stopped = was_running_ ? seen.stopped_ns : 0;
    record_.pause.running = seen.resumed_ns > seen.stopped_ns ? seen.resumed_ns : 0;
}

void TransferSteps::save() {
    begin_stop();
    call_on_loop(host_.loop, [this] { guest().hold_chardevs(); });
    // What it sets from now on is what the guest has.
    target_->open_taps();
    target_->calls().call("migrate-incoming",
                          {{"channels", {migration_channel("main", main_path())}}},
                          within(host_.deadlines.save));
    if (settings_beside(sets_as_for_transfer).empty())
        order_entry();
}

void TransferSteps::order_entry() {
    if (was_running_)
        entry_.emplace(host_.loop, EntryOrder::Between{*watch_, target_->watch(), target_->calls()},
                       [this] { return is_wanted(); });
}

bool TransferSteps::is_wanted() const {
    try {
        expect_wanted();
        expect_pause_so_far();
        return true;
    } catch (const Error&) {
        return false;
    }
}

bool TransferSteps::turn_back() {
    return !entry_ || entry_->withdraw();
}

// What fails when the guest has been given away changes nothing: resume() sees what comes of that.
void TransferSteps::before_entry(const std::function<void()>& step) {
    try {
        step();
    } catch (const Error&) {
        if (turn_back())
            throw;
    }
}

// A guest that has not stopped yet is not paused.
void TransferSteps::expect_pause_so_far() const {
    const int64_t stopped = watch_->seen().stopped_ns;
    if (was_running_ && stopped != 0)
        expect_pause(monotonic_ns() - stopped);
}

// The old QEMU lets go when the new one has told it that it has everything.
void TransferSteps::exec() {
    before_entry([this] { wait_for_release(); });
}

void TransferSteps::wait_for_release() {
    const auto seen = watch_->wait(
        N_("the end of the hand-over"),
        [](const RunWatch::Seen& now) { return is_over(now.migration); },
        within(host_.deadlines.load),
        [this] {
            check_wanted();
            expect_pause_so_far();
        },
        record_.max_pause ? kOftenLook : kLook);
    if (seen.migration != "completed") {
        const json why = host_.vmm.call("query-migrate", json::object(), host_.deadlines.query);
        throw Error(ErrorCode::kExecFailed, "the new QEMU cannot take the guest over: {}",
                    why.value("error-desc", seen.migration));
    }
    expect_pause_so_far();
}

void TransferSteps::load() {
    before_entry([this] {
        wait_for_load();
        if (entry_)
            return;
        give_settings(target_->calls(), within(host_.deadlines.query),
                      settings_beside(sets_as_for_transfer));
        order_entry();
    });
}

void TransferSteps::wait_for_load() {
    const auto seen = target_->watch().wait(
        N_("the end of the load"), [](const RunWatch::Seen& now) { return is_over(now.migration); },
        within(host_.deadlines.load), [this] { check_wanted(); });
    if (seen.migration != "completed")
        throw Error(ErrorCode::kExecFailed, "the new QEMU has not loaded the guest ({})",
                    seen.migration);
}

void TransferSteps::resume() {
    if (!was_running_)
        return;
    const int64_t told = entry_->wait(within(host_.deadlines.resume));
    wait_for_entry();
    resumed_ = true;
    note_pause(told);
}

// The new QEMU is there before the guest stops, and loads as the old one saves. What a QEMU says of
// its moments may be wrong.
void TransferSteps::note_pause(int64_t told) {
    const RunWatch::Seen loaded = target_->watch().seen();
    record_.pause.stopped = std::min(watch_->seen().stopped_ns, told);
    record_.pause.saved = record_.pause.stopped;
    record_.pause.executed = std::clamp(loaded.migration_ns, record_.pause.saved, told);
    record_.pause.loaded = told;
    record_.pause.running = std::max(loaded.resumed_ns, told);
}

void TransferSteps::wait_for_entry() {
    target_->watch().wait(
        N_("the guest's entry"), [](const RunWatch::Seen& now) { return now.resumed_ns != 0; },
        within(host_.deadlines.resume));
}

// Though its guest has gone, the old QEMU would take a packet out of each tap device now and then,
// and let it fall.
void TransferSteps::release_taps() {
    for (const std::string& id : call_on_loop(host_.loop, [this] { return guest().taps(); })) {
        try {
            host_.vmm.call("netdev_del", {{"id", id}}, host_.deadlines.query);
        } catch (const Error& error) {
            log::warning("the QEMU that the guest has left keeps '{}' open: {}", id,
                         error.message());
        }
    }
}

// Whoever migrates the guest next expects it.
void TransferSteps::describe_again() {
    if (!source_->has_silenced_description())
        return;
    try {
        set_describing(target_->calls(), true, host_.deadlines.query);
    } catch (const Error& error) {
        log::error("the guest cannot be migrated by libvirt: {}", error.message());
    }
}

// libvirt's process stays, an empty shell under the number that libvirt knows; others end.
void TransferSteps::finish() {
    resumed_ = true;
    describe_again();
    release_taps();
    const auto old = vmm_.process;
    call_on_loop(host_.loop,
                 [this] { guest().taken_over(next_version_, target_->take_tap_guard()); });
    target_->hand_to(host_.link);
    vmm_.process = target_->process();
    vmm_.binary = next_;
    host_.adopt(vmm_.process);
    ++record_.generation;
    if (old->pid == record_.domain_pid)
        return;
    try {
        kill_process(*old, host_.deadlines.kill);
    } catch (const Error& error) {
        log::error("the QEMU that the guest has left: {}", error.message());
    }
}

}  // namespace cpr::controller::qemu

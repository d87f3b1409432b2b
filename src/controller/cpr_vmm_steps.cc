// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/cpr_vmm_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/json_number.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "controller/rehearsal.h"
#include "controller/shortages.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

// A moment of the VMM's; 0 if it did not tell.
int64_t moment(const json& answer, const char* name) {
    const json timeline = answer.value("timeline", json::object());
    return timeline.is_object() && timeline.contains(name) && timeline[name].is_number_integer()
               ? timeline[name].get<int64_t>()
               : 0;
}

std::string text(const json& object, const char* key) {
    return object.is_object() && object.contains(key) && object[key].is_string()
               ? object[key].get<std::string>()
               : std::string();
}

bool flag(const json& object, const char* key) {
    return object.contains(key) && object[key] == true;
}

std::vector<SectionInUse> sections_of(const json& cpr) {
    try {
        std::vector<SectionInUse> sections;
        for (const json& section : cpr.at("sections"))
            sections.push_back({section.at("kind").get<std::string>(),
                                integer_in<uint32_t>(section.at("version")).value()});
        return sections;
    } catch (const std::exception& error) {
        throw Error(ErrorCode::kInternal, "the VMM's list of state sections is not understood: {}",
                    error.what());
    }
}

// How many would be kept; 0 if the VMM is too old to tell.
size_t descriptors_of(const json& cpr) {
    const auto found = cpr.find("descriptors");
    return found == cpr.end() ? 0 : integer_in<uint32_t>(*found).value_or(0);
}

}  // namespace

void CprVmmSteps::validate() {
    begin_validation(UpdateMode::kExec);
    const json cpr = query_cpr(host_.deadlines.query);
    record_.old_binary.version = text(cpr, "version");
    record_.blockers = cpr.value("blockers", json::array());
    if (!record_.blockers.is_array())
        throw Error(ErrorCode::kInternal, "the answer to query-cpr has no list of blockers");
    find_shortages(vmm_.process->pid, descriptors_of(cpr), record_.blockers);
    find_thread_tuning();
    next_ = std::make_shared<const Binary>(open_binary(record_.new_binary.path));
    const RunLimits limits{within(host_.deadlines.info)};
    next_info_ = read_binary_info(*next_, limits);
    record_.new_binary.version = next_info_.version;
    current_info_ = read_binary_info(*vmm_.binary, limits);
    check_compatible(current_info_, next_info_, sections_of(cpr));
    refuse_blockers();
    if (const std::string state = text(cpr, "state"); state != "none")
        throw Error(ErrorCode::kInvalidState, "the VMM is in the middle of an update ({})", state);
    rehearse();
}

// A VMM that came before rehearsals can be updated without one, and gone back to.
void CprVmmSteps::rehearse() {
    const auto lacking = [](const BinaryInfo& info) {
        return Text("version {} of the VMM has no rehearsal", info.version);
    };
    if (!current_info_.rehearses || !next_info_.rehearses) {
        const Text why = lacking(current_info_.rehearses ? next_info_ : current_info_);
        log::warning("the update goes on without a rehearsal: {}", why);
        record_.rehearsal = RehearsalRecord{0, 0, why};
        return;
    }
    const StateCopy copy = copy_state(host_.vmm, within(host_.deadlines.save));
    record_.rehearsal = RehearsalRecord{copy.pause_ns, copy.bytes, {}};
    const RunLimits limits{within(host_.deadlines.rehearsal)};
    const int64_t begin = monotonic_ns();
    controller::rehearse(*next_, {vmm_.arguments.begin() + 1, vmm_.arguments.end()}, copy, limits);
    record_.rehearsal->run_ns = monotonic_ns() - begin;
    if (copy.pause_ns > 0)
        expect_pause(copy.pause_ns + record_.rehearsal->run_ns);
}

json CprVmmSteps::query_cpr(std::chrono::milliseconds deadline) {
    json cpr = host_.vmm.call("query-cpr", json::object(), deadline);
    if (!cpr.is_object())
        throw Error(ErrorCode::kInternal, "the answer to query-cpr is no object");
    return cpr;
}

void CprVmmSteps::prepare() {
    note_threads();
    way_back_.note_limits();
    way_back_.offer_binary(*next_);
    offered_ = true;
}

void CprVmmSteps::undo_prepare() {
    if (!offered_ || executed_)
        return;
    try {
        host_.vmm.call("closefd", {{"fdname", kBinaryFdName}}, host_.deadlines.query);
    } catch (const Error& error) {
        // The VMM may have used it up; the next update replaces it in any case.
        log::debug("{}", error.message());
    }
}

void CprVmmSteps::save() {
    host_.begin_switch();
    host_.set_switch_status(host_.vmm.call("query-status", json::object(), host_.deadlines.query));
    begin_stop();
    const auto limit = within(host_.deadlines.save);
    const auto end = std::chrono::steady_clock::now() + limit;
    const json saved = host_.vmm.call("cpr-save", {{"timeout", limit.count()}}, limit);
    was_running_ = flag(saved, "was-running");
    record_.state_bytes = saved.value("state-bytes", uint64_t{0});
    way_back_.arm(end);
    if (was_running_) {
        record_.pause.stopped = moment(saved, "vcpus-stopped-ns");
        record_.pause.saved = monotonic_ns();
    }
    // The guest may have begun to use something newer since the validation.
    check_compatible(current_info_, next_info_, sections_of(saved));
    if (was_running_)
        expect_pause(record_.pause.saved - record_.pause.stopped +
                     record_.rehearsal.value_or(RehearsalRecord{}).run_ns);
}

void CprVmmSteps::undo_save() {
    if (resumed_)
        throw Error(ErrorCode::kInvalidState, "the guest has run on the new binary");
    if (executed_)
        way_back_.run_again(was_running_);
    else
        take_back_save();
    restore_threads();
    note_pause(query_cpr(host_.deadlines.query));
}

// The VMM is the old one, and knows what there is to undo: it may have undone the save by itself.
// Should it have ended since, the guest goes on in another process.
void CprVmmSteps::take_back_save() {
    try {
        // It may still be busy with the save that took too long.
        const json cpr = query_cpr(host_.deadlines.save);
        was_running_ = flag(cpr, "was-running") || was_running_;
        const std::string state = text(cpr, "state");
        if (state == "none")
            return;
        if (state != "saved")
            throw Error(ErrorCode::kInternal, "the VMM is in state '{}' after its save", state);
        host_.vmm.call("cpr-cancel", json::object(), host_.deadlines.load);
    } catch (const Error& error) {
        // What is kept of a guest that has run on is stale.
        if (!way_back_.armed() || way_back_.guest_entered())
            throw;
        log::warning("the VMM cannot undo its save: {}", error.message());
        way_back_.go_back(false);
        way_back_.run_again(was_running_);
    }
}

// The old binary has other threads after an exec, even after one that failed. A guest that runs on
// other processors than it should is better than one that does not run, so it runs first.
void CprVmmSteps::restore_threads() {
    try {
        place_threads(host_.vmm, *vmm_.process, host_.deadlines.query);
    } catch (const Error& error) {
        log::warning("{}", error.message());
    }
}

void CprVmmSteps::exec() {
    try {
        way_back_.exec_in_place(next_, within(host_.deadlines.exec));
        executed_ = true;
        way_back_.negotiate(within(host_.deadlines.query));
    } catch (const Error& error) {
        // Only an answer of the VMM's own says that it is the old binary still.
        lost_ = is_lost(error);
        executed_ = executed_ || lost_;
        throw;
    }
    record_.pause.executed = was_running_ ? monotonic_ns() : 0;
}

void CprVmmSteps::undo_exec() {
    if (executed_ && !resumed_)
        way_back_.go_back(!lost_);
}

void CprVmmSteps::load() {
    try {
        host_.vmm.call("cpr-load", json::object(), within(host_.deadlines.load));
        place_threads(host_.vmm, *vmm_.process);
    } catch (const Error& error) {
        lost_ = is_lost(error);
        throw;
    }
    record_.pause.loaded = was_running_ ? monotonic_ns() : 0;
}

// The gate is what counts: a VMM that has entered the guest and does not say so in time has done
// its work; one that says so and has not is at fault.
void CprVmmSteps::resume() {
    try {
        if (was_running_)
            let_guest_run();
        const json cpr = query_cpr(host_.deadlines.query);
        if (was_running_ && !way_back_.guest_entered())
            throw Error(ErrorCode::kInternal, "the new binary has not entered the guest");
        note_end_of_pause(cpr);
        resumed_ = was_running_;
    } catch (const Error& error) {
        resumed_ = way_back_.guest_entered();
        lost_ = lost_ || is_lost(error);
        if (!resumed_)
            throw;
        if (error.code() != ErrorCode::kTimeout) {
            note_new_binary();
            throw;
        }
        log::warning("the guest runs on the new binary, which does not answer: {}",
                     error.message());
    }
}

// Somebody may want the update undone even now: whoever comes first to the gate decides.
void CprVmmSteps::let_guest_run() {
    bool withdrawn = false;
    try {
        host_.vmm.call_watching("cont", within(host_.deadlines.resume), [&] {
            withdrawn = withdrawn || (host_.cancelled() && way_back_.withdraw());
        });
    } catch (const Error& error) {
        lost_ = is_lost(error);
        if (withdrawn)
            throw cancelled_update();
        throw;
    }
}

// A guest that was paused enters later, at somebody's `cont`; the VMM lets go now.
void CprVmmSteps::finish() {
    if (!was_running_)
        host_.vmm.call("cpr-finish", json::object(), host_.deadlines.query);
    resumed_ = true;
    note_new_binary();
}

// The guest runs on it, and the next update goes from there.
void CprVmmSteps::note_new_binary() {
    ++record_.generation;
    vmm_.arguments.at(0) = next_->path;
    vmm_.binary = next_;
}

// A save that failed by itself may have stopped the guest, or not have come so far.
void CprVmmSteps::note_pause(const json& cpr) {
    if (const int64_t stopped = moment(cpr, "vcpus-stopped-ns");
        record_.pause.stopped == 0 && was_running_ && stopped >= stop_begin_ns_)
        record_.pause.stopped = stopped;
    note_end_of_pause(cpr);
}

void CprVmmSteps::note_end_of_pause(const json& cpr) {
    const int64_t running = moment(cpr, "vcpus-running-ns");
    if (was_running_ && running > record_.pause.stopped)
        record_.pause.running = running;
}

}  // namespace cpr::controller

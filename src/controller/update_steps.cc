// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/update_steps.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/monotonic.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

// The name under which the VMM keeps the descriptor of the binary to execute.
constexpr const char* kBinaryFdName = "cpr-binary";

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
            sections.push_back(
                {section.at("kind").get<std::string>(), section.at("version").get<uint32_t>()});
        return sections;
    } catch (const json::exception& error) {
        throw Error(ErrorCode::kInternal, "the answer to query-cpr is not understood: {}",
                    error.what());
    }
}

void refuse_blockers(const json& blockers) {
    std::vector<std::string> reasons;
    for (const json& blocker : blockers)
        reasons.push_back(text(blocker, "reason"));
    if (!reasons.empty())
        throw Error(ErrorCode::kBlocked, "the guest cannot be updated: {}",
                    fmt::join(reasons, "; "));
}

}  // namespace

std::vector<Step> UpdateSteps::list() {
    std::vector<Step> steps{{"validate", [this] { validate(); }, {}}};
    if (record_.check)
        return steps;
    steps.push_back({"prepare", [this] { prepare(); }, [this] { undo_prepare(); }});
    steps.push_back({"save", [this] { save(); }, [this] { undo_save(); }});
    steps.push_back({"exec", [this] { exec(); }, [this] { undo_exec(); }});
    steps.push_back({"load", [this] { load(); }, {}});
    steps.push_back({"resume", [this] { resume(); }, {}});
    steps.push_back({"finish", [this] { ++record_.generation; }, {}});
    return steps;
}

void UpdateSteps::validate() {
    record_.old_binary.path = vmm_.binary->path;
    if (record_.new_binary.path.empty())
        record_.new_binary.path = host_.configured_binary();
    const json cpr = query_cpr();
    record_.old_binary.version = text(cpr, "version");
    next_ = std::make_shared<const Binary>(open_binary(record_.new_binary.path));
    const RunLimits limits{host_.deadlines.info};
    const BinaryInfo next = read_binary_info(*next_, limits);
    record_.new_binary.version = next.version;
    check_compatible(read_binary_info(*vmm_.binary, limits), next, sections_of(cpr));
    record_.blockers = cpr.value("blockers", json::array());
    refuse_blockers(record_.blockers);
    if (const std::string state = text(cpr, "state"); state != "none")
        throw Error(ErrorCode::kInvalidState, "the VMM is in the middle of an update ({})", state);
}

json UpdateSteps::query_cpr() {
    json cpr = host_.vmm.call("query-cpr", json::object(), host_.deadlines.query);
    if (!cpr.is_object())
        throw Error(ErrorCode::kInternal, "the answer to query-cpr is no object");
    return cpr;
}

void UpdateSteps::offer_binary(const Binary& binary) {
    host_.vmm.call("getfd", {{"fdname", kBinaryFdName}}, host_.deadlines.query, binary.fd.get());
}

void UpdateSteps::prepare() {
    offer_binary(*next_);
    offered_ = true;
}

void UpdateSteps::undo_prepare() {
    if (!offered_ || executed_)
        return;
    try {
        host_.vmm.call("closefd", {{"fdname", kBinaryFdName}}, host_.deadlines.query);
    } catch (const Error& error) {
        // The VMM may have used it up; the next update replaces it in any case.
        log::debug("{}", error.message());
    }
}

void UpdateSteps::save() {
    host_.begin_switch();
    host_.set_switch_status(host_.vmm.call("query-status", json::object(), host_.deadlines.query));
    save_begin_ns_ = monotonic_ns();
    const json saved = host_.vmm.call("cpr-save", json::object(), host_.deadlines.save);
    was_running_ = flag(saved, "was-running");
    record_.state_bytes = saved.value("state-bytes", uint64_t{0});
    if (was_running_) {
        record_.pause.stopped = moment(saved, "vcpus-stopped-ns");
        record_.pause.saved = monotonic_ns();
    }
}

// The VMM knows what there is to undo: it may have undone a save by itself, and it may be the old
// binary, started again on the state that it saved.
void UpdateSteps::undo_save() {
    json cpr = query_cpr();
    const std::string state = text(cpr, "state");
    was_running_ = flag(cpr, "was-running") || was_running_;
    if (state == "saved") {
        host_.vmm.call("cpr-cancel", json::object(), host_.deadlines.load);
    } else if (executed_ && !returned_) {
        throw Error(ErrorCode::kInvalidState, "the guest is left stopped in the new binary");
    } else if (state == "incoming") {
        load_state();
        if (was_running_)
            host_.vmm.call("cont", json::object(), host_.deadlines.resume);
    }
    cpr = query_cpr();
    // A save that failed by itself may have stopped the guest, or not have come so far.
    if (const int64_t stopped = moment(cpr, "vcpus-stopped-ns");
        record_.pause.stopped == 0 && was_running_ && stopped >= save_begin_ns_)
        record_.pause.stopped = stopped;
    note_end_of_pause(cpr);
}

void UpdateSteps::exec_binary(const Binary& binary) {
    std::vector<std::string> arguments = vmm_.arguments;
    arguments.at(0) = binary.path;
    host_.vmm.exec("cpr-exec", {{"fdname", kBinaryFdName}, {"arguments", arguments}},
                   host_.deadlines.exec);
}

void UpdateSteps::exec() {
    exec_binary(*next_);
    executed_ = true;
    record_.pause.executed = was_running_ ? monotonic_ns() : 0;
    host_.vmm.call("qmp_capabilities", json::object(), host_.deadlines.exec);
}

// Back to the old binary, on the same state.
void UpdateSteps::undo_exec() {
    if (!executed_)
        return;
    if (point_of_no_return_)
        throw Error(ErrorCode::kInvalidState, "the guest may have run on the new binary already");
    offer_binary(*vmm_.binary);
    exec_binary(*vmm_.binary);
    returned_ = true;
    host_.vmm.call("qmp_capabilities", json::object(), host_.deadlines.exec);
}

void UpdateSteps::load_state() {
    host_.vmm.call("cpr-load", json::object(), host_.deadlines.load);
}

void UpdateSteps::load() {
    load_state();
    record_.pause.loaded = was_running_ ? monotonic_ns() : 0;
}

void UpdateSteps::resume() {
    if (!was_running_)
        return;
    // Unless the VMM says that it failed, vCPUs may have entered the guest.
    point_of_no_return_ = true;
    try {
        host_.vmm.call("cont", json::object(), host_.deadlines.resume);
    } catch (const Error& error) {
        point_of_no_return_ =
            error.code() == ErrorCode::kTimeout || error.code() == ErrorCode::kVmmGone;
        throw;
    }
    note_end_of_pause(query_cpr());
}

void UpdateSteps::note_end_of_pause(const json& cpr) {
    const int64_t running = moment(cpr, "vcpus-running-ns");
    if (was_running_ && running > record_.pause.stopped)
        record_.pause.running = running;
}

}  // namespace cpr::controller

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_JOB_RECORD_H
#define CPR_CONTROLLER_JOB_RECORD_H

#include <array>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cpr::controller {

enum class JobStatus { kNone, kRunning, kCompleted, kFailed, kRolledBack, kCancelled };

std::string_view to_string(JobStatus status);

// How the guest gets from the old binary to the new one: by an exec in its process, or by a
// hand-over to another process. Automatic in a request: what its kind of VMM can.
enum class UpdateMode { kAuto, kExec, kTransfer };

std::string_view to_string(UpdateMode mode);
// Nothing for a name that is none.
std::optional<UpdateMode> update_mode_from(std::string_view name);

struct VersionedBinary {
    std::string path;
    std::string version;
};

struct PhaseTimes {
    std::string name;
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
};

// The moments of an update's pause, in ns of CLOCK_MONOTONIC; 0 for one that did not come about.
struct PauseMarks {
    // The first vCPU had stopped.
    int64_t stopped = 0;
    int64_t saved = 0;
    // The new binary's greeting was here.
    int64_t executed = 0;
    int64_t loaded = 0;
    // The last vCPU ran again.
    int64_t running = 0;

    // How long save, exec, load and resume took; nothing for one that did not come about. They add
    // up to the pause of a guest that runs again.
    std::array<std::optional<int64_t>, 4> parts() const;
};

// What the validation's rehearsal cost the guest, or why there was none.
struct RehearsalRecord {
    int64_t pause_ns = 0;
    uint64_t state_bytes = 0;
    Text skipped;
    // How long the new binary took to start and to load the copy: about what it will need for both
    // while the guest is stopped.
    int64_t run_ns = 0;
};

// An update job as its users see it: query-update-in-place of docs/protocol.md.
struct JobRecord {
    uint64_t id = 0;
    JobStatus status = JobStatus::kNone;
    bool check = false;
    // For the whole of it, up to the point of no return; nothing: as long as its steps may take.
    std::optional<std::chrono::milliseconds> timeout;
    // For how long the guest may be paused by an update that goes on; nothing: no limit.
    std::optional<std::chrono::milliseconds> max_pause;
    // As asked for, and from the validation on the one that is used.
    UpdateMode mode = UpdateMode::kAuto;
    // Somebody with the rights to will place the new VMM's threads (docs/protocol.md).
    bool place_threads = false;
    std::string phase;
    // What libvirt knows, and the VMM's process after a rollback that had to start another.
    int64_t domain_pid = 0;
    int64_t vmm_pid = 0;
    uint64_t generation = 0;
    VersionedBinary old_binary;
    VersionedBinary new_binary;
    nlohmann::json blockers = nlohmann::json::array();
    std::vector<PhaseTimes> phases;
    PauseMarks pause;
    uint64_t state_bytes = 0;
    std::optional<RehearsalRecord> rehearsal;
    std::optional<Error> error;
    // When the job ended, for people: of the host's clock, which may be set.
    std::string ended;

    // The whole document.
    nlohmann::json to_json() const;
    // The data of an UPDATE_IN_PLACE event.
    nlohmann::json to_event() const;
};

}  // namespace cpr::controller

#endif

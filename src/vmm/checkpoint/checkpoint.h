// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CHECKPOINT_CHECKPOINT_H
#define CPR_VMM_CHECKPOINT_CHECKPOINT_H

#include <chrono>
#include <cstdint>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "state/entry_gate.h"
#include "state/fd_table.h"
#include "state/stream.h"
#include "vmm/checkpoint/blockers.h"
#include "vmm/checkpoint/participant.h"
#include "vmm/core/device.h"

namespace cpr::vmm {

// What a checkpoint is taken of, and what a load builds: the VMM's machine with its character
// devices and monitors. Main thread.
class CheckpointSubject {
  public:
    virtual ~CheckpointSubject() = default;

    virtual bool running() const = 0;
    // When this returns no vCPU is in the guest, and guest-visible I/O has settled. Neither reports
    // an event.
    virtual void pause_vcpus() = 0;
    virtual void resume_vcpus() = 0;
    // Paused vCPUs lose their threads or get new ones. Without a machine it does nothing.
    virtual void set_vcpu_threads(bool there) = 0;
    // While it is held, no vCPU changes a device.
    virtual std::unique_lock<std::mutex> lock_devices() = 0;
    // When the first vCPU had left the guest, at the last pause (CLOCK_MONOTONIC, ns).
    virtual int64_t first_stopped_ns() const = 0;

    // In the order of saving: whoever holds DMA vaddrs last.
    virtual std::vector<CheckpointParticipant*> participants() = 0;
    virtual void save(state::StreamWriter& writer) const = 0;
    virtual void keep(state::OutgoingFds& fds) const = 0;
    // Sends out what is queued for users and peers; their sockets are about to change hands.
    virtual void flush() = 0;

    // Load: builds the machine, paused, around what came from the old binary. It takes everything
    // out of `restored` that it knows.
    virtual void build(Restored& restored) = 0;
    // Gives up what build() made, touching no descriptor but its own duplicates.
    virtual void discard() = 0;
};

// Checkpoint and restart, the VMM's half (docs/protocol.md, cpr-*). The order of operations, and
// what undoes each, is here and nowhere else; what they mean for a device is in the device. Main
// thread.
class Checkpoint {
  public:
    // kLoaded: a guest has been loaded that the old binary could still be given back.
    enum class Phase { kNone, kSaved, kIncoming, kLoaded };

    struct Outlook {
        std::vector<Blocker> blockers;
        size_t descriptors = 0;
    };
    struct SaveResult {
        bool was_running;
        size_t state_bytes;
        std::vector<state::SectionInfo> sections;
        int64_t begin_ns;
        int64_t vcpus_stopped_ns;
        int64_t interrupts_detached_ns;
        int64_t state_written_ns;
        int64_t vaddrs_invalidated_ns;
    };
    struct LoadResult {
        bool was_running;
        int64_t begin_ns;
        int64_t state_checked_ns;
        int64_t devices_built_ns;
        int64_t vaddrs_claimed_ns;
        int64_t interrupts_attached_ns;
    };

    struct CopyResult {
        UniqueFd state;
        // The descriptor table of a save now, for its names and kinds.
        UniqueFd table;
        size_t state_bytes;
        // From the first vCPU stopped to all of them running again; 0 for a guest that did not run.
        int64_t pause_ns;
    };

    // `incoming` are the descriptors of the old binary, in a program started with -cpr.
    Checkpoint(CheckpointSubject& subject, Blockers& blockers,
               std::optional<state::IncomingFds> incoming);

    Phase phase() const { return phase_; }
    // Whether the guest ran when it was saved; in phase kNone, whether it runs now.
    bool was_running() const;

    // What a save and an exec would meet with now: the registered blockers and what is found by
    // looking, and how many descriptors would be carried over. Only the former in other phases than
    // kNone.
    Outlook outlook() const;

    // Stops the guest and makes it ready to be carried over. Throws Error with everything undone:
    // kBlocked if there is a blocker, kInvalidState after another save, kTimeout if it took longer
    // than `limit`: nobody waits for it any more.
    SaveResult save(std::chrono::milliseconds limit = std::chrono::milliseconds::max());
    // A copy of what a save would write, for a rehearsal. The guest stops for as long as that
    // takes, if it runs; nothing else changes. Throws Error with the guest as it was; kInvalidState
    // after a save.
    CopyResult copy() const;
    // Undoes a save; does nothing if the vCPUs cannot have threads (Error). What cannot be undone
    // is reported when all the rest has been (Error). A guest that ran is entered as after a load:
    // not if the update has been given up meanwhile.
    void cancel();
    // Of a saved guest: what exec() would carry over, for somebody who keeps it in case that this
    // process ends. See OutgoingFds::share().
    nlohmann::json share(size_t first, size_t count, std::vector<UniqueFd>& duplicates) const;
    // Executes a binary in this process; returns only by Error kExecFailed, in the same phase.
    // After a save it carries the guest over; in the phases kIncoming and kLoaded it hands on what
    // came, back to the old binary.
    [[noreturn]] void exec(int binary_fd, std::vector<std::string> arguments);
    // Builds the machine from what the old binary left; it is ready to run then. Throws Error, and
    // can then be tried again.
    LoadResult load();
    // After a load: lets go of what the old binary would need.
    void finish();

    // Directly before the first vCPU enters the guest after a load: from here on the saved state is
    // stale, and finish() is implied. Throws Error kCancelled if the update has been given up
    // meanwhile. Does nothing at another entry.
    void enter_guest();

    // The state section of the checkpoint itself.
    static state::SectionInfo section();
    // Takes that section out; returns whether the guest ran when it was saved. Throws Error
    // kCorruptState.
    static bool take_section(state::StreamReader& state);

    // Takes a monitor's descriptor before the load, since the load is ordered over it.
    state::IncomingFds& incoming() { return *incoming_; }

  private:
    state::StreamWriter write_state(bool was_running) const;
    state::OutgoingFds subject_fds() const;
    state::OutgoingFds outgoing() const;
    LoadResult load_from(Restored& restored, LoadResult result);
    void undo_save(const std::vector<CheckpointParticipant*>& participants);

    CheckpointSubject& subject_;
    Blockers& blockers_;
    std::optional<state::IncomingFds> incoming_;
    Phase phase_;
    bool was_running_ = false;
    UniqueFd state_;
    UniqueFd gate_fd_;
    // After a save or a load, until the guest is entered.
    std::optional<state::EntryGate> gate_;
};

std::string_view to_string(Checkpoint::Phase phase);

}  // namespace cpr::vmm

#endif

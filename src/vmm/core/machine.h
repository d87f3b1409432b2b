// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_MACHINE_H
#define CPR_VMM_CORE_MACHINE_H

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "vmm/core/device.h"
#include "vmm/core/machine_config.h"

namespace cpr::vmm {

// QEMU's names for what a guest is doing (qapi run-state), as far as this VMM has them.
enum class RunState {
    kPrelaunch,
    kRunning,
    kPaused,
    kShutdown,
    kInMigrate,
    kInternalError,
    kGuestPanicked
};
std::string_view to_string(RunState state);

// Why the guest stops for good or starts again; QEMU's ShutdownCause.
enum class ShutdownCause {
    kHostQmpQuit,
    kHostQmpSystemReset,
    kHostSignal,
    kGuestShutdown,
    kGuestReset,
    kGuestPanic
};
std::string_view to_string(ShutdownCause cause);
bool is_guest_caused(ShutdownCause cause);

// What the machine reports; the monitor makes QMP events of it. Called on the main thread.
struct MachineEvents {
    // The vCPUs are ready, and the next thing is that they enter the guest; may throw Error to keep
    // them from it.
    std::function<void()> on_entry;
    std::function<void()> on_stop;
    std::function<void()> on_resume;
    std::function<void()> on_panic;  // STOP follows, then on_shutdown unless no_shutdown
    std::function<void(ShutdownCause)> on_reset;
    std::function<void(ShutdownCause)> on_shutdown;  // STOP or the end follow, by no_shutdown
};

// Times of CLOCK_MONOTONIC in ns.
struct RunTimes {
    int64_t first_stopped_ns = 0;  // last stop(): the first vCPU had left the guest
    int64_t last_running_ns = 0;   // last start(): the last vCPU was about to enter the guest
};

struct VcpuInfo {
    uint32_t index;
    int thread_id;
};

class KvmApi;
class VfioApi;

// The kernel's interfaces; what is null is the real one. For unit tests.
struct MachineBackends {
    std::unique_ptr<KvmApi> kvm;
    std::unique_ptr<VfioApi> vfio;
    MachineBackends();
    MachineBackends(MachineBackends&&) noexcept;
    ~MachineBackends();
};

// The virtual machine: KVM objects, memory, vCPUs, buses and devices. Built whole in the
// constructor, cold or around what an old binary left. All functions are for the main thread.
class Machine {
  public:
    // `restored` is null at a cold start. Throws Error and leaves nothing behind.
    Machine(const MachineConfig& config, EventLoop& loop, Blockers& blockers, Chardevs& chardevs,
            Restored* restored, MachineBackends backends = {});
    ~Machine();

    void set_events(MachineEvents events);
    RunState run_state() const;

    // Lets all vCPUs run, and returns when each is entering the guest; stops them all, and returns
    // when none is in the guest. Both report by events and do nothing if it is so already. start()
    // throws Error kInvalidState after the guest's power-off or a failure: it needs a reset then.
    // A guest that has panicked may go on, as its own policy for panics says.
    void start();
    void stop();
    // The same without events and without a change of the run state: an update's own stops.
    void pause_vcpus();
    void resume_vcpus();
    // While the vCPUs are paused for an update: whether they have threads.
    void set_vcpu_threads(bool there);
    RunTimes run_times() const;

    // Held by vCPU threads while they emulate an access; take it to touch devices while vCPUs run.
    std::mutex& lock();

    // A failure is logged, and leaves the guest stopped as kInternalError. With no_reboot the guest
    // shuts down instead.
    void reset(ShutdownCause cause);
    void press_power_button();
    // What a guest's reset and power-off do, instead of the configuration's no_reboot and
    // no_shutdown.
    void set_actions(bool no_reboot, bool no_shutdown);

    std::vector<VcpuInfo> vcpus() const;
    const std::vector<std::unique_ptr<Device>>& devices() const;
    // Everything that takes part in a checkpoint, in the order of saving: devices, then VFIO
    // containers.
    std::vector<CheckpointParticipant*> participants() const;

    // All state sections: vCPUs, interrupt controllers, clock, devices. vCPUs are stopped.
    void save(state::StreamWriter& writer) const;
    // What save() would write, without the content; vCPUs may run.
    std::vector<state::SectionInfo> sections() const;
    // Descriptors of guest memory and boot files, beside those of the participants.
    void keep(state::OutgoingFds& fds) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

// Builds from a copy of a state (restored.rehearsal) what can be built of a machine without KVM,
// VFIO and the guest's descriptors, and lets it go. Takes all sections and descriptors that a
// machine takes. Throws Error as the machine would.
void rehearse_machine(const MachineConfig& config, EventLoop& loop, Chardevs& chardevs,
                      Restored& restored);

}  // namespace cpr::vmm

#endif

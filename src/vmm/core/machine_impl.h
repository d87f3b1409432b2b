// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_MACHINE_IMPL_H
#define CPR_VMM_CORE_MACHINE_IMPL_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vmm/core/boot.h"
#include "vmm/core/bus.h"
#include "vmm/core/guest_clock.h"
#include "vmm/core/guest_memory.h"
#include "vmm/core/interrupt_controller.h"
#include "vmm/core/kvm_api.h"
#include "vmm/core/kvm_doorbells.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_devices.h"
#include "vmm/core/memory_map.h"
#include "vmm/core/vcpu_group.h"
#include "vmm/core/vcpu_state.h"
#include "vmm/vfio/vfio_manager.h"

namespace cpr::vmm {

// What a guest has asked for, and the main thread has not done yet.
enum class GuestRequest : uint8_t { kNone, kReset, kShutdown, kFailed };

// What of the machine belongs to none of its parts.
struct MachineState {
    static constexpr std::string_view kKind = "machine";
    static constexpr uint16_t kVersion = 1;
    RunState run_state = RunState::kPrelaunch;
    GuestRequest request = GuestRequest::kNone;
    uint32_t vcpus = 0;
    uint64_t memory_bytes = 0;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.run_state, self.request, self.vcpus, self.memory_bytes);
    }
    void validate() const;
};

// The sections of a machine beside those of its devices.
struct MachineSections {
    MachineState machine;
    std::vector<VcpuState> vcpus;
    IrqchipState irqchip;
    GuestClockState clock;
};

// Takes them out. Throws Error kCorruptState, also if they are not of a machine as configured.
MachineSections take_machine_sections(state::StreamReader& state, const MachineConfig& config);

// A KVM virtual machine with the pages that KVM needs in guest-physical space.
class KvmMemorySlots final : public MemorySlots {
  public:
    explicit KvmMemorySlots(KvmVm& vm) : vm_(vm) {}
    void set_slot(uint32_t slot, const MemoryRegion& region) override;
    void clear_slot(uint32_t slot) override;

  private:
    KvmVm& vm_;
};

class Machine::Impl final : public VcpuExits, public PlatformRequests {
  public:
    Impl(const MachineConfig& config, EventLoop& loop, Blockers& blockers, Chardevs& chardevs,
         Restored* restored, MachineBackends backends);
    ~Impl() override;

    void start();
    void stop();
    void pause_vcpus();
    void resume_vcpus();
    void set_vcpu_threads(bool there) { there ? vcpus_.begin_threads() : vcpus_.end_threads(); }
    void reset(ShutdownCause cause);
    void press_power_button();
    void save(state::StreamWriter& writer) const;
    std::vector<state::SectionInfo> sections() const;
    void keep(state::OutgoingFds& fds) const;
    std::vector<CheckpointParticipant*> participants() const;

    // VcpuExits; on vCPU threads.
    void port_read(uint16_t port, std::span<uint8_t> data) override;
    void port_write(uint16_t port, std::span<const uint8_t> data) override;
    void mmio_read(uint64_t address, std::span<uint8_t> data) override;
    void mmio_write(uint64_t address, std::span<const uint8_t> data) override;
    void guest_reset() override;
    void failed(uint32_t vcpu, const std::string& reason) override;

    // PlatformRequests
    void request_reset() override { request(GuestRequest::kReset); }
    void request_shutdown() override { request(GuestRequest::kShutdown); }
    void report_panic() override;

  private:
    friend class Machine;

    void add_memory(Restored* restored, Blockers& blockers);
    void add_vcpus();
    void restore(Restored& restored);
    void power_on();
    void mark_paused();
    void start_vcpus();
    void stop_vcpus();
    bool halt(RunState state);
    void shut_down(ShutdownCause cause);
    void request(GuestRequest request);
    void post_request();
    void handle_request();
    void enter(RunState state) { run_state_ = state; }

    MachineConfig config_;
    EventLoop& loop_;
    MachineEvents events_;
    RunState run_state_ = RunState::kPrelaunch;
    bool paused_for_update_ = false;
    std::mutex lock_;
    // Under lock_.
    GuestRequest request_ = GuestRequest::kNone;
    // Requests that are under way in the loop look whether this is still there.
    std::shared_ptr<Impl*> alive_ = std::make_shared<Impl*>(this);

    std::unique_ptr<KvmApi> kvm_;
    std::unique_ptr<KvmVm> vm_;
    std::vector<kvm_cpuid_entry2> supported_cpuid_;
    std::vector<uint32_t> msr_indices_;
    Boot boot_;
    std::unique_ptr<GuestMemory> memory_;
    Blockers::Registration memory_not_shared_;
    KvmMemorySlots slots_{*vm_};
    MemoryMap map_{slots_};
    Bus ports_;
    Bus mmio_;
    KvmInterrupts interrupts_{*vm_};
    KvmDoorbells doorbells_{*vm_, loop_};
    GuestClock clock_{*vm_};
    VcpuGroup vcpus_{*this};
    std::vector<std::vector<kvm_cpuid_entry2>> cpuid_;
    std::vector<VcpuState> fresh_vcpus_;  // as after power-on
    std::unique_ptr<VfioManager> vfio_;
    MachineDevices devices_;
};

}  // namespace cpr::vmm

#endif

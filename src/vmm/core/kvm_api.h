// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_KVM_API_H
#define CPR_VMM_CORE_KVM_API_H

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "vmm/core/doorbells.h"
#include "vmm/core/kvm_uapi.h"

namespace cpr::vmm {

// What this VMM asks of the kernel's KVM, one function per ioctl (Linux, Documentation/virt/kvm/
// api.rst). kvm_api.cc is the only file with KVM ioctls; unit tests have a fake. All functions
// throw Error kSystem, which names the ioctl, unless they say otherwise.

// A vCPU. Its state is for the thread that runs it, or for any thread while it does not run.
class KvmVcpu {
  public:
    virtual ~KvmVcpu() = default;

    // The area shared with the kernel.
    virtual kvm_run& run_area() = 0;
    // Runs the guest until it exits. Returns 0 or the errno (EINTR and EAGAIN are no failures);
    // never throws.
    virtual int run() = 0;

    virtual void get(kvm_regs& value) = 0;
    virtual void get(kvm_sregs2& value) = 0;
    virtual void get(kvm_debugregs& value) = 0;
    virtual void get(kvm_xcrs& value) = 0;
    virtual void get(kvm_lapic_state& value) = 0;
    virtual void get(kvm_vcpu_events& value) = 0;
    virtual void get(kvm_mp_state& value) = 0;
    virtual void set(const kvm_regs& value) = 0;
    virtual void set(const kvm_sregs2& value) = 0;
    virtual void set(const kvm_debugregs& value) = 0;
    virtual void set(const kvm_xcrs& value) = 0;
    virtual void set(const kvm_lapic_state& value) = 0;
    virtual void set(const kvm_vcpu_events& value) = 0;
    virtual void set(const kvm_mp_state& value) = 0;

    // The size depends on the host's extended states.
    virtual std::vector<uint8_t> xsave() = 0;
    // Throws Error kInvalidArgument if the size is not this host's.
    virtual void set_xsave(std::span<const uint8_t> area) = 0;
    virtual void set_cpuid(std::span<const kvm_cpuid_entry2> entries) = 0;

    // Nothing, respectively false, for a register that KVM refuses.
    virtual std::optional<uint64_t> msr(uint32_t index) = 0;
    virtual bool set_msr(uint32_t index, uint64_t value) = 0;

    virtual uint32_t tsc_khz() = 0;
    virtual void set_tsc_khz(uint32_t khz) = 0;
    // Guest TSC = scaled host TSC + this.
    virtual uint64_t tsc_offset() = 0;
    virtual void set_tsc_offset(uint64_t offset) = 0;

    // Tells the guest's watchdogs, through kvmclock, that it was stopped. Does nothing if the guest
    // does not use kvmclock. Never throws.
    virtual void mark_paused() = 0;
};

// A virtual machine.
class KvmVm {
  public:
    virtual ~KvmVm() = default;

    virtual std::unique_ptr<KvmVcpu> create_vcpu(uint32_t id) = 0;
    // Pages for KVM's own use in guest-physical space; before the first vCPU.
    virtual void set_tss_address(uint64_t gpa) = 0;
    virtual void set_identity_map_address(uint64_t gpa) = 0;
    // PIC, I/O APIC and local APICs; before the first vCPU.
    virtual void create_irqchip() = 0;
    virtual void create_pit() = 0;
    // No performance counters for the guest, if the kernel can do that; before the first vCPU.
    virtual void disable_pmu() = 0;

    // Size 0 removes the slot.
    virtual void set_memory_slot(const kvm_userspace_memory_region& region) = 0;

    virtual void set_irq_line(uint32_t gsi, bool level) = 0;
    // Replaces the whole table.
    virtual void set_gsi_routing(std::span<const kvm_irq_routing_entry> entries) = 0;
    virtual void assign_irqfd(uint32_t gsi, int eventfd) = 0;
    // For a line: a signal raises it, and it stays high until the guest ends the interrupt. Then
    // every `resample` eventfd of the line is signalled.
    virtual void assign_level_irqfd(uint32_t gsi, int eventfd, int resample) = 0;
    virtual void deassign_irqfd(uint32_t gsi, int eventfd) = 0;
    // The eventfd is borrowed until it is deassigned with the same arguments.
    virtual void assign_ioeventfd(const DoorbellWrite& write, int eventfd) = 0;
    virtual void deassign_ioeventfd(const DoorbellWrite& write, int eventfd) = 0;
    virtual void signal_msi(uint64_t address, uint32_t data) = 0;

    // `chip.chip_id` says which one.
    virtual void get(kvm_irqchip& chip) = 0;
    virtual void get(kvm_pit_state2& pit) = 0;
    virtual void get(kvm_clock_data& clock) = 0;
    virtual void set(const kvm_irqchip& chip) = 0;
    virtual void set(const kvm_pit_state2& pit) = 0;
    virtual void set(const kvm_clock_data& clock) = 0;

    // KVM's VFIO device, made when first used.
    virtual void add_vfio_group(int group_fd) = 0;
    virtual void remove_vfio_group(int group_fd) = 0;
};

// The kernel's KVM as a whole.
class KvmApi {
  public:
    virtual ~KvmApi() = default;
    virtual std::unique_ptr<KvmVm> create_vm() = 0;
    // What the guest's CPUID may say on this host.
    virtual std::vector<kvm_cpuid_entry2> supported_cpuid() = 0;
    // The registers that belong to a vCPU's state.
    virtual std::vector<uint32_t> msr_indices() = 0;
    virtual uint32_t max_vcpus() = 0;
};

// Opens /dev/kvm and checks that it has all that is needed. Throws Error kSystem, or kUnsupported
// with what the kernel lacks.
std::unique_ptr<KvmApi> open_kvm();

}  // namespace cpr::vmm

#endif

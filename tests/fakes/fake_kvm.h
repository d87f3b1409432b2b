// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_FAKES_FAKE_KVM_H
#define CPR_TESTS_FAKES_FAKE_KVM_H

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "vmm/core/kvm_api.h"

namespace cpr::vmm::fakes {

// What the tests see and steer of a fake KVM; it outlives the VM that it belongs to.
struct FakeKvmWorld {
    // What a vCPU's run area says when the guest leaves; an empty queue is a guest that computes
    // until it is kicked.
    using Exit = std::function<void(kvm_run&)>;

    void push_exit(uint32_t vcpu, Exit exit);
    size_t pending_exits(uint32_t vcpu);

    std::mutex mutex;
    std::map<uint32_t, std::deque<Exit>> exits;
    // Whether the exit before was finished by entering KVM again, by vCPU.
    std::map<uint32_t, bool> unfinished;
    std::map<uint32_t, int> entries;

    // Calls that set something, by name, in order; a call whose name is in `refused` fails.
    std::vector<std::string> calls;
    std::string refused;
    void call(const std::string& name);

    std::map<uint32_t, kvm_userspace_memory_region> slots;
    // Where the guest's memory is in this process; null if there is none.
    void* host_of(uint64_t gpa, uint64_t size) const;
    std::map<uint32_t, bool> lines;
    std::vector<kvm_irq_routing_entry> routes;
    std::map<uint32_t, int> irqfds;  // eventfd by GSI
    // Those for lines: several may share one.
    struct LevelIrqfd {
        uint32_t gsi;
        int eventfd;
        int resample;
        bool operator==(const LevelIrqfd&) const = default;
    };
    std::vector<LevelIrqfd> level_irqfds;
    // Those that are assigned, with their eventfds.
    std::vector<std::pair<DoorbellWrite, int>> ioeventfds;
    // Signals those that a guest's write of one byte concerns; returns how many there are.
    int signal_ioeventfds(uint16_t port, uint8_t value) const;
    std::vector<std::pair<uint64_t, uint32_t>> messages;
    uint64_t clock_ns = 0;
    // Instead of clock_ns, for a clock that runs.
    std::function<uint64_t()> read_clock;
    std::function<void(uint64_t)> set_clock;
    std::map<uint32_t, uint64_t> read_only_msrs;
    std::map<uint32_t, std::vector<kvm_cpuid_entry2>> cpuid;
    std::map<uint32_t, kvm_regs> regs;
    std::map<uint32_t, kvm_sregs2> sregs;
};

class FakeKvmVcpu final : public KvmVcpu {
  public:
    FakeKvmVcpu(FakeKvmWorld& world, uint32_t id);

    kvm_run& run_area() override;
    int run() override;
    void get(kvm_regs& value) override { value = world_.regs[id_]; }
    void get(kvm_sregs2& value) override { value = world_.sregs[id_]; }
    void get(kvm_debugregs& value) override { value = debugregs_; }
    void get(kvm_xcrs& value) override { value = xcrs_; }
    void get(kvm_lapic_state& value) override { value = lapic_; }
    void get(kvm_vcpu_events& value) override { value = events_; }
    void get(kvm_mp_state& value) override { value = mp_state_; }
    void set(const kvm_regs& value) override;
    void set(const kvm_sregs2& value) override;
    void set(const kvm_debugregs& value) override;
    void set(const kvm_xcrs& value) override;
    void set(const kvm_lapic_state& value) override;
    void set(const kvm_vcpu_events& value) override;
    void set(const kvm_mp_state& value) override;
    std::vector<uint8_t> xsave() override { return xsave_; }
    void set_xsave(std::span<const uint8_t> area) override;
    void set_cpuid(std::span<const kvm_cpuid_entry2> entries) override;
    std::optional<uint64_t> msr(uint32_t index) override;
    bool set_msr(uint32_t index, uint64_t value) override;
    uint32_t tsc_khz() override { return tsc_khz_; }
    void set_tsc_khz(uint32_t khz) override;
    uint64_t tsc_offset() override { return tsc_offset_; }
    void set_tsc_offset(uint64_t offset) override;
    void mark_paused() override { world_.call("mark paused"); }

    // The registers that it has, beside the read-only ones.
    std::map<uint32_t, uint64_t> msrs;

  private:
    FakeKvmWorld& world_;
    uint32_t id_;
    alignas(4096) std::array<uint8_t, 8192> run_area_{};
    kvm_debugregs debugregs_{};
    kvm_xcrs xcrs_{};
    kvm_lapic_state lapic_{};
    kvm_vcpu_events events_{};
    kvm_mp_state mp_state_{};
    std::vector<uint8_t> xsave_;
    uint32_t tsc_khz_ = 2000000;
    uint64_t tsc_offset_;
};

class FakeKvmVm final : public KvmVm {
  public:
    explicit FakeKvmVm(FakeKvmWorld& world) : world_(world) {}

    std::unique_ptr<KvmVcpu> create_vcpu(uint32_t id) override;
    void set_tss_address(uint64_t) override {}
    void set_identity_map_address(uint64_t) override {}
    void create_irqchip() override {}
    void create_pit() override {}
    void disable_pmu() override {}
    void set_memory_slot(const kvm_userspace_memory_region& region) override;
    void set_irq_line(uint32_t gsi, bool level) override;
    void set_gsi_routing(std::span<const kvm_irq_routing_entry> entries) override;
    void assign_irqfd(uint32_t gsi, int eventfd) override;
    void assign_level_irqfd(uint32_t gsi, int eventfd, int resample) override;
    void deassign_irqfd(uint32_t gsi, int eventfd) override;
    void assign_ioeventfd(const DoorbellWrite& write, int eventfd) override;
    void deassign_ioeventfd(const DoorbellWrite& write, int eventfd) override;
    void signal_msi(uint64_t address, uint32_t data) override;
    void get(kvm_irqchip& chip) override;
    void get(kvm_pit_state2& pit) override { pit = pit_; }
    void get(kvm_clock_data& clock) override;
    void set(const kvm_irqchip& chip) override;
    void set(const kvm_pit_state2& pit) override;
    void set(const kvm_clock_data& clock) override;
    void add_vfio_group(int) override {}
    void remove_vfio_group(int) override {}

  private:
    FakeKvmWorld& world_;
    std::map<uint32_t, kvm_irqchip> chips_;
    kvm_pit_state2 pit_{};
};

// A KVM whose guests do what the test says. Its CPUs have CPUID leaves 0, 1 and 0xb, and the
// registers 0x10 (TSC), 0x174 and 0x6e0 (TSC deadline).
class FakeKvm final : public KvmApi {
  public:
    explicit FakeKvm(FakeKvmWorld& world) : world_(world) {}
    std::unique_ptr<KvmVm> create_vm() override { return std::make_unique<FakeKvmVm>(world_); }
    std::vector<kvm_cpuid_entry2> supported_cpuid() override;
    std::vector<uint32_t> msr_indices() override { return {0x10, 0x174, 0x6e0}; }
    uint32_t max_vcpus() override { return 16; }

  private:
    FakeKvmWorld& world_;
};

}  // namespace cpr::vmm::fakes

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fakes/fake_kvm.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/error.h"

namespace cpr::vmm::fakes {

void FakeKvmWorld::push_exit(uint32_t vcpu, Exit exit) {
    const std::lock_guard lock(mutex);
    exits[vcpu].push_back(std::move(exit));
}

size_t FakeKvmWorld::pending_exits(uint32_t vcpu) {
    const std::lock_guard lock(mutex);
    return exits[vcpu].size();
}

void FakeKvmWorld::call(const std::string& name) {
    const std::lock_guard lock(mutex);
    if (!refused.empty() && name == refused)
        throw Error(ErrorCode::kSystem, "cannot do {}: refused", name);
    calls.push_back(name);
}

void* FakeKvmWorld::host_of(uint64_t gpa, uint64_t size) const {
    for (const auto& [slot, region] : slots)
        if (gpa >= region.guest_phys_addr &&
            gpa + size <= region.guest_phys_addr + region.memory_size)
            return reinterpret_cast<void*>(region.userspace_addr + gpa - region.guest_phys_addr);
    return nullptr;
}

int FakeKvmWorld::signal_ioeventfds(uint16_t port, uint8_t value) const {
    int count = 0;
    for (const auto& [event, fd] : ioeventfds)
        if (event.port == port && event.size == 1 && event.value == value) {
            eventfd_write(fd, 1);
            ++count;
        }
    return count;
}

FakeKvmVcpu::FakeKvmVcpu(FakeKvmWorld& world, uint32_t id)
    : msrs{{0x10, 0}, {0x174, 0}, {0x6e0, 0}},
      world_(world),
      id_(id),
      xsave_(sizeof(kvm_xsave)),
      tsc_offset_(1000 + id) {}

kvm_run& FakeKvmVcpu::run_area() {
    return *reinterpret_cast<kvm_run*>(run_area_.data());
}

int FakeKvmVcpu::run() {
    for (;;) {
        {
            const std::lock_guard lock(world_.mutex);
            world_.unfinished[id_] = false;
            ++world_.entries[id_];
            if (__atomic_load_n(&run_area().immediate_exit, __ATOMIC_SEQ_CST))
                return EINTR;
            auto& exits = world_.exits[id_];
            if (!exits.empty()) {
                exits.front()(run_area());
                exits.pop_front();
                world_.unfinished[id_] = true;
                return 0;
            }
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void FakeKvmVcpu::set(const kvm_regs& value) {
    world_.call("set regs");
    world_.regs[id_] = value;
}

void FakeKvmVcpu::set(const kvm_sregs2& value) {
    world_.call("set sregs");
    world_.sregs[id_] = value;
}

void FakeKvmVcpu::set(const kvm_debugregs& value) {
    world_.call("set debugregs");
    debugregs_ = value;
}

void FakeKvmVcpu::set(const kvm_xcrs& value) {
    world_.call("set xcrs");
    xcrs_ = value;
}

void FakeKvmVcpu::set(const kvm_lapic_state& value) {
    world_.call("set lapic");
    lapic_ = value;
}

void FakeKvmVcpu::set(const kvm_vcpu_events& value) {
    world_.call("set events");
    events_ = value;
}

void FakeKvmVcpu::set(const kvm_mp_state& value) {
    world_.call("set mp_state");
    mp_state_ = value;
}

void FakeKvmVcpu::set_xsave(std::span<const uint8_t> area) {
    world_.call("set xsave");
    xsave_.assign(area.begin(), area.end());
}

void FakeKvmVcpu::set_cpuid(std::span<const kvm_cpuid_entry2> entries) {
    world_.call("set cpuid");
    world_.cpuid[id_].assign(entries.begin(), entries.end());
}

std::optional<uint64_t> FakeKvmVcpu::msr(uint32_t index) {
    if (const auto found = world_.read_only_msrs.find(index); found != world_.read_only_msrs.end())
        return found->second;
    const auto found = msrs.find(index);
    if (found == msrs.end())
        return std::nullopt;
    return found->second;
}

bool FakeKvmVcpu::set_msr(uint32_t index, uint64_t value) {
    if (world_.read_only_msrs.contains(index) || !msrs.contains(index))
        return false;
    world_.call(fmt::format("set msr {:#x}", index));
    msrs[index] = value;
    return true;
}

void FakeKvmVcpu::set_tsc_khz(uint32_t khz) {
    world_.call("set tsc_khz");
    tsc_khz_ = khz;
}

void FakeKvmVcpu::set_tsc_offset(uint64_t offset) {
    world_.call("set tsc_offset");
    tsc_offset_ = offset;
}

std::unique_ptr<KvmVcpu> FakeKvmVm::create_vcpu(uint32_t id) {
    return std::make_unique<FakeKvmVcpu>(world_, id);
}

void FakeKvmVm::set_memory_slot(const kvm_userspace_memory_region& region) {
    world_.call("set memory slot");
    if (region.memory_size == 0)
        world_.slots.erase(region.slot);
    else
        world_.slots[region.slot] = region;
}

void FakeKvmVm::set_irq_line(uint32_t gsi, bool level) {
    world_.call("set irq line");
    world_.lines[gsi] = level;
}

void FakeKvmVm::set_gsi_routing(std::span<const kvm_irq_routing_entry> entries) {
    world_.call("set routing");
    world_.routes.assign(entries.begin(), entries.end());
}

void FakeKvmVm::assign_irqfd(uint32_t gsi, int eventfd) {
    world_.call("assign irqfd");
    world_.irqfds[gsi] = eventfd;
}

void FakeKvmVm::assign_level_irqfd(uint32_t gsi, int eventfd, int resample) {
    world_.call("assign level irqfd");
    world_.level_irqfds.push_back({gsi, eventfd, resample});
}

void FakeKvmVm::deassign_irqfd(uint32_t gsi, int eventfd) {
    world_.call("deassign irqfd");
    if (std::erase_if(world_.level_irqfds, [&](const FakeKvmWorld::LevelIrqfd& one) {
            return one.gsi == gsi && one.eventfd == eventfd;
        }))
        return;
    world_.irqfds.erase(gsi);
}

void FakeKvmVm::assign_ioeventfd(const DoorbellWrite& write, int eventfd) {
    world_.call("assign ioeventfd");
    world_.ioeventfds.emplace_back(write, eventfd);
}

void FakeKvmVm::deassign_ioeventfd(const DoorbellWrite& write, int eventfd) {
    world_.call("deassign ioeventfd");
    std::erase(world_.ioeventfds, std::pair(write, eventfd));
}

void FakeKvmVm::signal_msi(uint64_t address, uint32_t data) {
    world_.messages.emplace_back(address, data);
}

void FakeKvmVm::get(kvm_irqchip& chip) {
    const uint32_t id = chip.chip_id;
    chip = chips_[id];
    chip.chip_id = id;
}

void FakeKvmVm::get(kvm_clock_data& clock) {
    clock = {};
    clock.clock = world_.read_clock ? world_.read_clock() : world_.clock_ns;
}

void FakeKvmVm::set(const kvm_irqchip& chip) {
    world_.call("set irqchip");
    chips_[chip.chip_id] = chip;
}

void FakeKvmVm::set(const kvm_pit_state2& pit) {
    world_.call("set pit");
    pit_ = pit;
}

void FakeKvmVm::set(const kvm_clock_data& clock) {
    world_.call("set clock");
    if (world_.set_clock)
        world_.set_clock(clock.clock);
    else
        world_.clock_ns = clock.clock;
}

std::vector<kvm_cpuid_entry2> FakeKvm::supported_cpuid() {
    kvm_cpuid_entry2 vendor{};
    vendor.eax = 0xb;
    kvm_cpuid_entry2 features{};
    features.function = 1;
    features.ecx = 1u << 21 | 1u << 5;  // x2APIC, VMX
    features.edx = 1;
    kvm_cpuid_entry2 topology{};
    topology.function = 0xb;
    return {vendor, features, topology};
}

}  // namespace cpr::vmm::fakes

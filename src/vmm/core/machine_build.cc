// SPDX-License-Identifier: LGPL-2.1-or-later
// How a machine is built, saved and built again.
#include <algorithm>

#include "base/error.h"
#include "vmm/core/cpuid.h"
#include "vmm/core/machine_impl.h"
#include "vmm/core/platform.h"
#include "vmm/pci/pci_host.h"

namespace cpr::vmm {
namespace {

constexpr const char* kMachineSection = "machine";
constexpr const char* kIrqchipSection = "irqchip";
constexpr const char* kClockSection = "kvm-clock";
constexpr uint32_t kMaxVcpus = 255;  // what the tables of xAPIC ids can say

std::string vcpu_section(size_t index) {
    return fmt::format("vcpu{}", index);
}

std::unique_ptr<KvmApi> kvm_of(MachineBackends& backends) {
    return backends.kvm ? std::move(backends.kvm) : open_kvm();
}

std::unique_ptr<VfioApi> vfio_of(MachineBackends& backends) {
    return backends.vfio ? std::move(backends.vfio) : make_vfio_api();
}

std::unique_ptr<KvmVm> prepare_vm(KvmApi& kvm, uint32_t vcpus) {
    const uint32_t most = std::min(kvm.max_vcpus(), kMaxVcpus);
    if (vcpus == 0 || vcpus > most)
        throw Error(ErrorCode::kUnsupported, "a guest has 1 to {} vCPUs, not {}", most, vcpus);
    auto vm = kvm.create_vm();
    vm->set_identity_map_address(platform::kKvmIdentityBase);
    vm->set_tss_address(platform::kKvmTssBase);
    vm->disable_pmu();
    return vm;
}

}  // namespace

void MachineState::validate() const {
    if (run_state > RunState::kGuestPanicked || request > GuestRequest::kFailed)
        throw Error(ErrorCode::kCorruptState, "the run state {} or the request {} is unknown",
                    static_cast<int>(run_state), static_cast<int>(request));
}

MachineSections take_machine_sections(state::StreamReader& state, const MachineConfig& config) {
    const auto machine = state.take<MachineState>(kMachineSection);
    if (machine.vcpus != config.vcpus || machine.memory_bytes != config.memory_bytes)
        throw Error(ErrorCode::kCorruptState,
                    "the state is of a guest with {} vCPUs and {} bytes of memory, the command "
                    "line says {} and {}",
                    machine.vcpus, machine.memory_bytes, config.vcpus, config.memory_bytes);
    std::vector<VcpuState> vcpus;
    for (size_t index = 0; index < machine.vcpus; ++index)
        vcpus.push_back(state.take<VcpuState>(vcpu_section(index)));
    return {machine, std::move(vcpus), state.take<IrqchipState>(kIrqchipSection),
            state.take<GuestClockState>(kClockSection)};
}

Machine::Impl::Impl(const MachineConfig& config, EventLoop& loop, Blockers& blockers,
                    Chardevs& chardevs, Restored* restored, MachineBackends backends)
    : config_(config),
      loop_(loop),
      kvm_(kvm_of(backends)),
      vm_(prepare_vm(*kvm_, config.vcpus)),
      supported_cpuid_(kvm_->supported_cpuid()),
      msr_indices_(kvm_->msr_indices()),
      boot_(config, restored ? &restored->fds : nullptr) {
    add_memory(restored, blockers);
    add_vcpus();
    DeviceContext context{.loop = loop,
                          .memory = map_,
                          .ports = ports_,
                          .mmio = mmio_,
                          .interrupts = interrupts_,
                          .doorbells = doorbells_,
                          .blockers = blockers,
                          .chardevs = chardevs,
                          .requests = *this,
                          .restored = restored};
    vfio_ = std::make_unique<VfioManager>(context, vfio_of(backends));
    context.vfio = vfio_.get();
    devices_.build(config_, context);
    if (restored)
        restore(*restored);
    else
        power_on();
}

Machine::Impl::~Impl() {
    vcpus_.stop();
}

void Machine::Impl::add_memory(Restored* restored, Blockers& blockers) {
    using Sharing = GuestMemory::Sharing;
    if (restored)
        memory_ = std::make_unique<GuestMemory>(config_.memory_bytes,
                                                restored->fds.take(GuestMemory::kFdName));
    else
        memory_ = std::make_unique<GuestMemory>(
            config_.memory_bytes, config_.memory_shared ? Sharing::kShared : Sharing::kPrivate);
    if (memory_->fd() < 0)
        memory_not_shared_ = blockers.add(
            {"memory-not-shared",
             N_("the guest's memory belongs to the VMM's process alone, and ends with it"),
             N_("add <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking> "
                "to "
                "the domain, and start it anew")});
    for (const MemoryRegion& region : memory_->regions())
        map_.add(region);
}

void Machine::Impl::add_vcpus() {
    for (uint32_t index = 0; index < config_.vcpus; ++index) {
        cpuid_.push_back(make_cpuid(supported_cpuid_, config_, index));
        auto vcpu = vm_->create_vcpu(index);
        vcpu->set_cpuid(cpuid_.back());
        fresh_vcpus_.push_back(save_vcpu(*vcpu, cpuid_.back(), msr_indices_));
        vcpus_.add(std::move(vcpu));
    }
}

// What a machine does between power-on and the kernel's first instruction.
void Machine::Impl::power_on() {
    devices_.pci().assign_resources();
    interrupts_.reset();
    for (size_t index = 0; index < vcpus_.size(); ++index) {
        VcpuState state = fresh_vcpus_[index];
        // A guest may have moved them apart.
        state.tsc_offset = fresh_vcpus_.front().tsc_offset;
        restore_vcpu(vcpus_.vcpu(index), state);
        set_memory_types(vcpus_.vcpu(index), cpuid_[index]);
    }
    acpi::Config platform{.vcpus = config_.vcpus};
    for (const auto& device : devices_.all())
        device->describe(platform);
    enter_kernel(vcpus_.vcpu(0), boot_.load(map_, platform));
}

void Machine::Impl::restore(Restored& restored) {
    const MachineSections sections = take_machine_sections(restored.state, config_);
    // vCPUs first: the I/O APIC hands on to them what it has pending.
    for (size_t index = 0; index < vcpus_.size(); ++index) {
        const VcpuState& state = sections.vcpus[index];
        std::vector<kvm_cpuid_entry2> cpuid;
        for (const CpuidLeaf& leaf : state.cpuid)
            cpuid.push_back(leaf.entry);
        check_cpuid(cpuid, supported_cpuid_);
        vcpus_.vcpu(index).set_cpuid(cpuid);
        cpuid_[index] = std::move(cpuid);
        restore_vcpu(vcpus_.vcpu(index), state);
    }
    interrupts_.restore(sections.irqchip);
    clock_.restore(sections.clock);
    const MachineState& machine = sections.machine;
    request_ = machine.request;
    enter(machine.run_state == RunState::kRunning ? RunState::kPaused : machine.run_state);
}

void Machine::Impl::save(state::StreamWriter& writer) const {
    writer.add(kMachineSection,
               MachineState{run_state_, request_, config_.vcpus, config_.memory_bytes});
    auto& vcpus = const_cast<VcpuGroup&>(vcpus_);
    for (size_t index = 0; index < vcpus.size(); ++index)
        writer.add(vcpu_section(index), save_vcpu(vcpus.vcpu(index), cpuid_[index], msr_indices_));
    writer.add(kIrqchipSection, interrupts_.save());
    writer.add(kClockSection, clock_.save());
    for (const auto& device : devices_.all())
        device->save(writer);
    vfio_->save(writer);
}

std::vector<state::SectionInfo> Machine::Impl::sections() const {
    std::vector<state::SectionInfo> all{state::section_info<MachineState>(kMachineSection)};
    for (size_t index = 0; index < vcpus_.size(); ++index)
        all.push_back(state::section_info<VcpuState>(vcpu_section(index)));
    all.push_back(state::section_info<IrqchipState>(kIrqchipSection));
    all.push_back(state::section_info<GuestClockState>(kClockSection));
    for (const auto& device : devices_.all())
        for (state::SectionInfo& section : device->sections())
            all.push_back(std::move(section));
    for (state::SectionInfo& section : vfio_->sections())
        all.push_back(std::move(section));
    return all;
}

std::vector<CheckpointParticipant*> Machine::Impl::participants() const {
    std::vector<CheckpointParticipant*> all;
    for (const auto& device : devices_.all())
        all.push_back(device.get());
    all.push_back(vfio_.get());
    return all;
}

void Machine::Impl::keep(state::OutgoingFds& fds) const {
    if (memory_->fd() >= 0)
        fds.add(GuestMemory::kFdName, 0, memory_->fd());
    boot_.keep(fds);
}

}  // namespace cpr::vmm

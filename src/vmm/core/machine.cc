// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/machine.h"

#include "base/error.h"
#include "base/log.h"
#include "vmm/core/machine_impl.h"
#include "vmm/device/acpi_pm.h"
#include "vmm/pci/pci_host.h"

namespace cpr::vmm {

void KvmMemorySlots::set_slot(uint32_t slot, const MemoryRegion& region) {
    kvm_userspace_memory_region kvm{};
    kvm.slot = slot;
    kvm.flags = region.read_only ? KVM_MEM_READONLY : 0;
    kvm.guest_phys_addr = region.gpa;
    kvm.memory_size = region.size;
    kvm.userspace_addr = reinterpret_cast<uint64_t>(region.host);
    vm_.set_memory_slot(kvm);
}

void KvmMemorySlots::clear_slot(uint32_t slot) {
    kvm_userspace_memory_region kvm{};
    kvm.slot = slot;
    vm_.set_memory_slot(kvm);
}

void Machine::Impl::start() {
    if (run_state_ == RunState::kRunning)
        return;
    if (run_state_ == RunState::kShutdown || run_state_ == RunState::kInternalError)
        throw Error(ErrorCode::kInvalidState,
                    "the guest cannot run on after its {}: reset it first", to_string(run_state_));
    clock_.resume();
    mark_paused();
    // Only the guest's entry may follow: what fails from here on costs the guest.
    if (events_.on_entry)
        events_.on_entry();
    start_vcpus();
    enter(RunState::kRunning);
    if (events_.on_resume)
        events_.on_resume();
}

// A guest that waits for its reset or its end must not run on until then.
void Machine::Impl::start_vcpus() {
    doorbells_.listen(true);
    {
        const std::lock_guard lock(lock_);
        if (request_ != GuestRequest::kNone) {
            post_request();
            return;
        }
    }
    vcpus_.start();
}

void Machine::Impl::mark_paused() {
    for (size_t index = 0; index < vcpus_.size(); ++index)
        vcpus_.vcpu(index).mark_paused();
}

// Rings from here on wait in their doorbells: they may be saved already.
void Machine::Impl::stop_vcpus() {
    doorbells_.listen(false);
    vcpus_.stop();
}

// Returns whether the guest ran.
bool Machine::Impl::halt(RunState state) {
    const bool was_running = run_state_ == RunState::kRunning;
    stop_vcpus();
    clock_.stop();
    enter(state);
    return was_running;
}

void Machine::Impl::stop() {
    if (run_state_ != RunState::kRunning)
        return;
    halt(RunState::kPaused);
    if (events_.on_stop)
        events_.on_stop();
}

void Machine::Impl::pause_vcpus() {
    paused_for_update_ = true;
    stop_vcpus();
}

void Machine::Impl::resume_vcpus() {
    paused_for_update_ = false;
    if (run_state_ != RunState::kRunning)
        return;
    mark_paused();
    start_vcpus();
}

void Machine::Impl::port_read(uint16_t port, std::span<uint8_t> data) {
    const std::lock_guard lock(lock_);
    ports_.read(port, data);
}

void Machine::Impl::port_write(uint16_t port, std::span<const uint8_t> data) {
    const std::lock_guard lock(lock_);
    ports_.write(port, data);
}

void Machine::Impl::mmio_read(uint64_t address, std::span<uint8_t> data) {
    const std::lock_guard lock(lock_);
    mmio_.read(address, data);
}

void Machine::Impl::mmio_write(uint64_t address, std::span<const uint8_t> data) {
    const std::lock_guard lock(lock_);
    mmio_.write(address, data);
}

void Machine::Impl::guest_reset() {
    const std::lock_guard lock(lock_);
    request(GuestRequest::kReset);
}

void Machine::Impl::failed(uint32_t vcpu, const std::string& reason) {
    log::error("vCPU {} cannot go on: {}", vcpu, reason);
    const std::lock_guard lock(lock_);
    request(GuestRequest::kFailed);
}

// The first request counts; no vCPU executes another instruction before it is done.
void Machine::Impl::request(GuestRequest request) {
    if (request_ != GuestRequest::kNone)
        return;
    request_ = request;
    vcpus_.request_stop();
    post_request();
}

void Machine::Impl::post_request() {
    loop_.post([weak = std::weak_ptr(alive_)] {
        if (const auto impl = weak.lock())
            (*impl)->handle_request();
    });
}

void Machine::Impl::handle_request() {
    const auto runs = [this] { return run_state_ == RunState::kRunning && !paused_for_update_; };
    // While the guest is paused, its request waits with it: it may be saved already.
    if (!runs())
        return;
    // A guest that panics and then resets must be seen to panic.
    doorbells_.deliver();
    if (!runs())
        return;
    GuestRequest request;
    {
        const std::lock_guard lock(lock_);
        request = std::exchange(request_, GuestRequest::kNone);
    }
    switch (request) {
        case GuestRequest::kNone:
            break;
        case GuestRequest::kReset:
            reset(ShutdownCause::kGuestReset);
            break;
        case GuestRequest::kShutdown:
            shut_down(ShutdownCause::kGuestShutdown);
            break;
        case GuestRequest::kFailed:
            if (halt(RunState::kInternalError) && events_.on_stop)
                events_.on_stop();
            break;
    }
}

void Machine::Impl::report_panic() {
    if (run_state_ != RunState::kRunning)
        return;
    halt(RunState::kGuestPanicked);
    if (events_.on_panic)
        events_.on_panic();
    if (events_.on_stop)
        events_.on_stop();
    if (!config_.no_shutdown && events_.on_shutdown)
        events_.on_shutdown(ShutdownCause::kGuestPanic);
}

void Machine::Impl::shut_down(ShutdownCause cause) {
    const bool was_running = halt(RunState::kShutdown);
    if (events_.on_shutdown)
        events_.on_shutdown(cause);
    if (config_.no_shutdown && was_running && events_.on_stop)
        events_.on_stop();
}

void Machine::Impl::reset(ShutdownCause cause) {
    if (config_.no_reboot) {
        shut_down(cause);
        return;
    }
    stop_vcpus();
    try {
        const std::lock_guard lock(lock_);
        request_ = GuestRequest::kNone;
        for (const auto& device : devices_.all())
            device->reset();
        power_on();
    } catch (const Error& error) {
        log::error("the guest cannot be reset: {}", error.message());
        if (halt(RunState::kInternalError) && events_.on_stop)
            events_.on_stop();
        return;
    }
    if (events_.on_reset)
        events_.on_reset(cause);
    if (run_state_ == RunState::kRunning)
        start_vcpus();
    else
        enter(RunState::kPrelaunch);
}

void Machine::Impl::press_power_button() {
    const std::lock_guard lock(lock_);
    devices_.power().press_power_button();
}

MachineBackends::MachineBackends() = default;
MachineBackends::MachineBackends(MachineBackends&&) noexcept = default;
MachineBackends::~MachineBackends() = default;

Machine::Machine(const MachineConfig& config, EventLoop& loop, Blockers& blockers,
                 Chardevs& chardevs, Restored* restored, MachineBackends backends)
    : impl_(std::make_unique<Impl>(config, loop, blockers, chardevs, restored,
                                   std::move(backends))) {}

Machine::~Machine() = default;

void Machine::set_events(MachineEvents events) {
    impl_->events_ = std::move(events);
}

RunState Machine::run_state() const {
    return impl_->run_state_;
}

void Machine::start() {
    impl_->start();
}

void Machine::stop() {
    impl_->stop();
}

void Machine::pause_vcpus() {
    impl_->pause_vcpus();
}

void Machine::resume_vcpus() {
    impl_->resume_vcpus();
}

void Machine::set_vcpu_threads(bool there) {
    impl_->set_vcpu_threads(there);
}

RunTimes Machine::run_times() const {
    return impl_->vcpus_.times();
}

std::mutex& Machine::lock() {
    return impl_->lock_;
}

void Machine::reset(ShutdownCause cause) {
    impl_->reset(cause);
}

void Machine::press_power_button() {
    impl_->press_power_button();
}

void Machine::set_actions(bool no_reboot, bool no_shutdown) {
    impl_->config_.no_reboot = no_reboot;
    impl_->config_.no_shutdown = no_shutdown;
}

std::vector<VcpuInfo> Machine::vcpus() const {
    return impl_->vcpus_.info();
}

const std::vector<std::unique_ptr<Device>>& Machine::devices() const {
    return impl_->devices_.all();
}

std::vector<CheckpointParticipant*> Machine::participants() const {
    return impl_->participants();
}

void Machine::save(state::StreamWriter& writer) const {
    impl_->save(writer);
}

std::vector<state::SectionInfo> Machine::sections() const {
    // The version of a section may depend on what the guest has done.
    const std::lock_guard guard(impl_->lock_);
    return impl_->sections();
}

void Machine::keep(state::OutgoingFds& fds) const {
    impl_->keep(fds);
}

}  // namespace cpr::vmm

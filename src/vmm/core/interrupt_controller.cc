// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/interrupt_controller.h"

#include "base/error.h"
#include "base/log.h"
#include "vmm/core/platform.h"

namespace cpr::vmm {
namespace {

constexpr uint32_t kPicPins = 16;
constexpr uint32_t kMaxRoutes = 4096;  // KVM_MAX_IRQ_ROUTES
// The second PIC hangs on this line of the first.
constexpr uint32_t kCascade = 2;
// The timer's line arrives at pin 2 of the I/O APIC (the MADT says so).
constexpr uint32_t kTimerPin = 2;

kvm_irq_routing_entry line_route(uint32_t gsi, uint32_t chip, uint32_t pin) {
    kvm_irq_routing_entry entry{};
    entry.gsi = gsi;
    entry.type = KVM_IRQ_ROUTING_IRQCHIP;
    entry.u.irqchip.irqchip = chip;
    entry.u.irqchip.pin = pin;
    return entry;
}

kvm_irq_routing_entry message_route(uint32_t gsi, uint64_t address, uint32_t data) {
    kvm_irq_routing_entry entry{};
    entry.gsi = gsi;
    entry.type = KVM_IRQ_ROUTING_MSI;
    entry.u.msi.address_lo = static_cast<uint32_t>(address);
    entry.u.msi.address_hi = static_cast<uint32_t>(address >> 32);
    entry.u.msi.data = data;
    return entry;
}

std::vector<kvm_irq_routing_entry> line_routes() {
    std::vector<kvm_irq_routing_entry> routes;
    for (uint32_t gsi = 0; gsi < kPicPins; ++gsi)
        if (gsi != kCascade)
            routes.push_back(
                line_route(gsi, gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, gsi % 8));
    for (uint32_t gsi = 0; gsi < KVM_IOAPIC_NUM_PINS; ++gsi)
        if (gsi != kTimerPin)
            routes.push_back(line_route(gsi, KVM_IRQCHIP_IOAPIC, gsi == 0 ? kTimerPin : gsi));
    return routes;
}

}  // namespace

void IrqchipState::validate() const {
    for (uint32_t id = 0; id < chips.size(); ++id)
        if (chips[id].chip_id != id)
            throw Error(ErrorCode::kCorruptState, "interrupt controller {} says that it is {}", id,
                        chips[id].chip_id);
}

class KvmInterrupts::Route final : public MsiRoute {
  public:
    Route(KvmInterrupts& owner, uint32_t gsi) : owner_(owner), gsi_(gsi) {}
    ~Route() override {
        try {
            detach();
            if (owner_.messages_.erase(gsi_) > 0)
                owner_.commit_routes();
        } catch (const Error& error) {
            log::error("interrupt route {}: {}", gsi_, error.message());
        }
        owner_.used_gsis_.erase(gsi_);
    }

    void set(uint64_t address, uint32_t data) override {
        const auto found = owner_.messages_.find(gsi_);
        const bool present = found != owner_.messages_.end();
        if (present && address_ == address && data_ == data)
            return;
        const kvm_irq_routing_entry before = present ? found->second : kvm_irq_routing_entry{};
        owner_.messages_[gsi_] = message_route(gsi_, address, data);
        try {
            owner_.commit_routes();
        } catch (const Error&) {
            if (present)
                owner_.messages_[gsi_] = before;
            else
                owner_.messages_.erase(gsi_);
            throw;
        }
        address_ = address;
        data_ = data;
    }
    void attach(int eventfd) override {
        if (eventfd_ == eventfd)
            return;
        detach();
        owner_.vm_.assign_irqfd(gsi_, eventfd);
        eventfd_ = eventfd;
    }
    void detach() override {
        if (eventfd_ < 0)
            return;
        owner_.vm_.deassign_irqfd(gsi_, eventfd_);
        eventfd_ = -1;
    }
    void trigger() override { owner_.vm_.signal_msi(address_, data_); }

  private:
    KvmInterrupts& owner_;
    uint32_t gsi_;
    int eventfd_ = -1;
    uint64_t address_ = 0;
    uint32_t data_ = 0;
};

KvmInterrupts::KvmInterrupts(KvmVm& vm) : vm_(vm) {
    vm_.create_irqchip();
    vm_.create_pit();
    commit_routes();
    fresh_ = save();
}

KvmInterrupts::~KvmInterrupts() = default;

void KvmInterrupts::set_line(uint32_t gsi, bool level) {
    try {
        vm_.set_irq_line(gsi, level);
    } catch (const Error& error) {
        log::error("interrupt line {}: {}", gsi, error.message());
    }
}

void KvmInterrupts::attach_line(uint32_t gsi, int eventfd, int resample) {
    vm_.assign_level_irqfd(gsi, eventfd, resample);
}

void KvmInterrupts::detach_line(uint32_t gsi, int eventfd) {
    vm_.deassign_irqfd(gsi, eventfd);
}

std::unique_ptr<MsiRoute> KvmInterrupts::make_msi_route() {
    const uint32_t limit = kMaxRoutes - static_cast<uint32_t>(line_routes().size());
    uint32_t gsi = platform::kFirstMsiGsi;
    while (used_gsis_.contains(gsi))
        ++gsi;
    if (used_gsis_.size() >= limit)
        throw Error(ErrorCode::kUnsupported, "all {} interrupt routes are in use", limit);
    used_gsis_.insert(gsi);
    return std::make_unique<Route>(*this, gsi);
}

void KvmInterrupts::add_vfio_group(int group_fd) {
    vm_.add_vfio_group(group_fd);
}

void KvmInterrupts::remove_vfio_group(int group_fd) {
    vm_.remove_vfio_group(group_fd);
}

IrqchipState KvmInterrupts::save() const {
    IrqchipState state;
    for (uint32_t id = 0; id < state.chips.size(); ++id) {
        state.chips[id].chip_id = id;
        vm_.get(state.chips[id]);
    }
    vm_.get(state.pit);
    return state;
}

void KvmInterrupts::restore(const IrqchipState& state) {
    for (const kvm_irqchip& chip : state.chips)
        vm_.set(chip);
    vm_.set(state.pit);
}

void KvmInterrupts::commit_routes() {
    std::vector<kvm_irq_routing_entry> routes = line_routes();
    for (const auto& [gsi, entry] : messages_)
        routes.push_back(entry);
    vm_.set_gsi_routing(routes);
}

}  // namespace cpr::vmm

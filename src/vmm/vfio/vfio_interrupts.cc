// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/vfio_interrupts.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace cpr::vmm {
namespace {

bool overlap(size_t offset, size_t size, size_t begin, size_t length) {
    return offset < begin + length && begin < offset + size;
}

constexpr const char* kMsixFd = "vfio-irq.";
constexpr const char* kMsiFd = "vfio-msi.";

}  // namespace

// The state of one kind of interrupt: new, or as it came.
template <typename State>
State& VfioInterrupts::own(std::optional<State>& state, bool restored) {
    if (!restored)
        return state.emplace();
    if (!state)
        throw Error(ErrorCode::kCorruptState, "the state lacks interrupts that the device has");
    return *state;
}

VfioInterrupts::VfioInterrupts(Setup setup, VfioInterruptsState& state, state::IncomingFds* fds)
    : setup_(std::move(setup)) {
    const VfioConfig& layout = setup_.layout;
    const bool restored = fds != nullptr;
    if (layout.msix()) {
        const uint32_t control = layout.device_value(layout.msix() + PCI_MSIX_FLAGS, 2);
        msix_.emplace(
            message_setup(kMsixFd, VFIO_PCI_MSIX_IRQ_INDEX, (control & PCI_MSIX_FLAGS_QSIZE) + 1),
            own(state.msix, restored), fds);
    }
    if (const auto& msi = layout.msi())
        msi_.emplace(message_setup(kMsiFd, VFIO_PCI_MSI_IRQ_INDEX, msi->vectors()), *msi,
                     setup_.config, own(state.msi, restored), fds);
    if (setup_.gsi)
        intx_.emplace(Intx::Setup{.api = setup_.api,
                                  .interrupts = setup_.interrupts,
                                  .device = setup_.device,
                                  .name = setup_.name,
                                  .gsi = *setup_.gsi},
                      own(state.intx, restored), fds);
    if (state.msix.has_value() != msix_.has_value() || state.msi.has_value() != msi_.has_value() ||
        state.intx.has_value() != intx_.has_value())
        throw Error(ErrorCode::kCorruptState, "the state has interrupts that the device lacks");
}

void VfioInterrupts::rehearse(const std::string& name, const VfioInterruptsState& state,
                              state::IncomingFds& fds) {
    if (state.msix)
        MessageInterrupts::take(state.msix->vectors, kMsixFd + name, fds);
    if (state.msi)
        MessageInterrupts::take(state.msi->vectors, kMsiFd + name, fds);
    if (state.intx)
        Intx::take(*state.intx, name, fds);
}

MessageInterrupts::Setup VfioInterrupts::message_setup(const char* fd_name, uint32_t index,
                                                       uint32_t vectors) const {
    return {.api = setup_.api,
            .interrupts = setup_.interrupts,
            .device = setup_.device,
            .index = index,
            .name = setup_.name,
            .fd_name = fd_name + setup_.name,
            .vectors = vectors};
}

void VfioInterrupts::start() {
    if (intx_ && !msix_ && !msi_)
        intx_->enable();
    else
        enable_intx();
}

void VfioInterrupts::stop() {
    if (msix_)
        msix_->reset();
    if (msi_)
        msi_->disarm();
    if (intx_)
        intx_->disable();
}

// What goes off goes before what comes on: the kernel has one kind enabled at most.
void VfioInterrupts::config_written(size_t offset, size_t size) {
    const size_t control = setup_.layout.msix() + size_t{PCI_MSIX_FLAGS};
    const bool concerns_msix = msix_ && overlap(offset, size, control, 2);
    const bool concerns_msi =
        msi_ && overlap(offset, size, msi_->layout().begin(), msi_->layout().size());
    if (!concerns_msix && !concerns_msi)
        return;
    const uint16_t flags = msix_ ? setup_.config.get16(control) : uint16_t{0};
    const bool use_msix = flags & PCI_MSIX_FLAGS_ENABLE;
    const bool use_msi = !use_msix && msi_ && msi_->is_enabled();
    if (msix_ && !use_msix)
        msix_->set_control(false, flags & PCI_MSIX_FLAGS_MASKALL);
    if (msi_ && !use_msi)
        msi_->disarm();
    if (intx_ && (use_msix || use_msi))
        intx_->disable();
    if (use_msix)
        msix_->set_control(true, flags & PCI_MSIX_FLAGS_MASKALL);
    else if (use_msi)
        msi_->update();
    else
        enable_intx();
}

void VfioInterrupts::enable_intx() {
    try {
        if (intx_)
            intx_->enable();
    } catch (const Error& error) {
        if (!std::exchange(intx_refused_, true))
            log::warning("device '{}': INTx does not work: {}", setup_.name, error.message());
    }
}

void VfioInterrupts::before_config_read(size_t offset, size_t size) {
    if (msi_ && overlap(offset, size, msi_->layout().begin(), msi_->layout().size()))
        msi_->refresh_pending();
}

void VfioInterrupts::keep(state::OutgoingFds& fds) const {
    if (msix_)
        msix_->keep(fds);
    if (msi_)
        msi_->keep(fds);
    if (intx_)
        intx_->keep(fds);
}

void VfioInterrupts::detach() {
    if (msix_)
        msix_->detach();
    if (msi_)
        msi_->detach();
    if (intx_)
        intx_->detach();
}

void VfioInterrupts::attach() {
    if (msix_)
        msix_->attach();
    if (msi_)
        msi_->attach();
    if (intx_)
        intx_->attach();
}

}  // namespace cpr::vmm

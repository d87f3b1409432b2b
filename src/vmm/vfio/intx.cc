// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/intx.h"

#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/scope_exit.h"

namespace cpr::vmm {
namespace {

// Index of a descriptor in the table.
enum : uint32_t { kInterrupt, kUnmask };

UniqueFd make_event() {
    UniqueFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event)
        throw errno_error("make an eventfd");
    return event;
}

std::string fd_name(const std::string& name) {
    return "vfio-intx." + name;
}

}  // namespace

Intx::Intx(Setup setup, IntxState& state, state::IncomingFds* fds)
    : setup_(std::move(setup)), state_(state), detached_(fds != nullptr) {
    if (!fds)
        state_ = {};
    else
        events_ = take(state_, setup_.name, *fds);
}

Intx::Events Intx::take(const IntxState& state, const std::string& name, state::IncomingFds& fds) {
    if (!state.armed)
        return {};
    return {fds.take(fd_name(name), kInterrupt), fds.take(fd_name(name), kUnmask)};
}

// The kernel's VFIO goes on signalling, for whoever holds the device next.
Intx::~Intx() {
    disconnect_quietly();
}

void Intx::enable() {
    if (state_.armed)
        return;
    events_ = {make_event(), make_event()};
    const int fd = events_.interrupt.get();
    setup_.api.set_irqs(setup_.device, VFIO_PCI_INTX_IRQ_INDEX, 0, std::span(&fd, 1));
    state_.armed = true;
    ScopeExit undo([this] { disable(); });
    setup_.api.set_unmask(setup_.device, events_.unmask.get());
    if (!detached_)
        attach();
    undo.dismiss();
}

void Intx::disable() {
    if (!state_.armed)
        return;
    disconnect_quietly();
    try {
        setup_.api.disable_irqs(setup_.device, VFIO_PCI_INTX_IRQ_INDEX);
    } catch (const Error& error) {
        log::warning("device '{}': its INTx stays on: {}", setup_.name, error.message());
    }
    state_.armed = false;
    events_ = {};
}

void Intx::keep(state::OutgoingFds& fds) const {
    if (!state_.armed)
        return;
    fds.add(fd_name(setup_.name), kInterrupt, events_.interrupt.get());
    fds.add(fd_name(setup_.name), kUnmask, events_.unmask.get());
}

void Intx::disconnect() {
    if (std::exchange(attached_, false))
        setup_.interrupts.detach_line(setup_.gsi, events_.interrupt.get());
}

void Intx::disconnect_quietly() {
    try {
        disconnect();
    } catch (const Error& error) {
        log::warning("device '{}': {}", setup_.name, error.message());
    }
}

void Intx::detach() {
    detached_ = true;
    disconnect();
}

void Intx::attach() {
    detached_ = false;
    if (!state_.armed || attached_)
        return;
    setup_.interrupts.attach_line(setup_.gsi, events_.interrupt.get(), events_.unmask.get());
    attached_ = true;
    const uint64_t one = 1;
    if (write(events_.unmask.get(), &one, sizeof(one)) != sizeof(one))
        throw errno_error("unmask INTx");
}

}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/msix.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/log.h"

namespace cpr::vmm {
namespace {

bool is_signalled(int eventfd) {
    pollfd poll_fd{.fd = eventfd, .events = POLLIN, .revents = 0};
    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLIN);
}

template <typename T>
T load(const std::vector<uint8_t>& bytes, size_t offset) {
    T value{};
    std::memcpy(&value, &bytes[offset], sizeof(value));
    return value;
}

// All vectors are masked after power-on.
std::vector<uint8_t> initial_table(size_t vectors) {
    std::vector<uint8_t> table(vectors * Msix::kEntrySize);
    for (size_t i = 0; i < vectors; ++i)
        table[i * Msix::kEntrySize + PCI_MSIX_ENTRY_VECTOR_CTRL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
    return table;
}

}  // namespace

Msix::Msix(Setup setup, MsixState& state, state::IncomingFds* fds)
    : setup_(std::move(setup)),
      state_(state),
      resizable_(setup_.api.irq_info(setup_.device, VFIO_PCI_MSIX_IRQ_INDEX).resizable),
      detached_(fds != nullptr),
      vectors_(setup_.vectors) {
    if (!fds) {
        state_ = MsixState{};
        state_.table = initial_table(vectors_.size());
        state_.events.assign(vectors_.size(), 0);
        return;
    }
    if (state_.table.size() != table_size() || state_.events.size() != vectors_.size() ||
        state_.armed > vectors_.size())
        throw Error(ErrorCode::kCorruptState, "device '{}': the state is not of {} MSI-X vectors",
                    setup_.name, vectors_.size());
    for (uint32_t i = 0; i < vectors(); ++i)
        if (state_.events[i])
            vectors_[i].event = fds->take(fd_name(), i);
}

std::string Msix::fd_name() const {
    return "vfio-irq." + setup_.name;
}

bool Msix::is_masked(uint32_t vector) const {
    return state_.table[vector * kEntrySize + PCI_MSIX_ENTRY_VECTOR_CTRL] &
           PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

void Msix::set_control(bool enabled, bool masked) {
    state_.masked = masked;
    if (enabled && !state_.enabled)
        enable();
    else if (!enabled && state_.enabled)
        disable();
    apply_all();
}

// The device itself is to be in MSI-X mode from here, so its first vector is armed even while
// everything is masked.
void Msix::enable() {
    state_.enabled = true;
    try {
        arm(0);
    } catch (const Error& error) {
        log::warning("device '{}': MSI-X stays off: {}", setup_.name, error.message());
    }
}

void Msix::disable() {
    state_.enabled = false;
    for (Vector& vector : vectors_) {
        if (vector.attached)
            vector.route->detach();
        vector.attached = false;
    }
    if (state_.armed) {
        try {
            setup_.api.disable_irqs(setup_.device, VFIO_PCI_MSIX_IRQ_INDEX);
        } catch (const Error& error) {
            log::warning("device '{}': {}", setup_.name, error.message());
        }
    }
    state_.armed = 0;
    for (Vector& vector : vectors_)
        vector = Vector{};
    std::ranges::fill(state_.events, uint8_t{0});
}

// Gives a vector its eventfd, and the kernel's consent to signal it.
void Msix::arm(uint32_t vector) {
    Vector& one = vectors_[vector];
    if (!one.event) {
        one.event.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!one.event)
            throw errno_error("make an eventfd");
    }
    const int fd = one.event.get();
    if (state_.armed && (vector < state_.armed || resizable_)) {
        setup_.api.set_irqs(setup_.device, VFIO_PCI_MSIX_IRQ_INDEX, vector, std::span(&fd, 1));
        state_.armed = std::max(state_.armed, vector + 1);
    } else {
        // A kernel that cannot add vectors has to be told of all of them anew.
        if (state_.armed)
            setup_.api.disable_irqs(setup_.device, VFIO_PCI_MSIX_IRQ_INDEX);
        state_.armed = 0;
        std::vector<int> fds;
        for (uint32_t i = 0; i <= vector; ++i)
            fds.push_back(vectors_[i].event.get());
        setup_.api.set_irqs(setup_.device, VFIO_PCI_MSIX_IRQ_INDEX, 0, fds);
        state_.armed = vector + 1;
    }
    state_.events[vector] = 1;
}

void Msix::attach(uint32_t vector) {
    Vector& one = vectors_[vector];
    if (!one.route)
        one.route = setup_.interrupts.make_msi_route();
    const size_t entry = vector * kEntrySize;
    one.route->set(load<uint64_t>(state_.table, entry),
                   load<uint32_t>(state_.table, entry + PCI_MSIX_ENTRY_DATA));
    if (!one.attached)
        one.route->attach(one.event.get());
    one.attached = true;
}

// Brings a vector in line with the table after something changed.
void Msix::apply(uint32_t vector) {
    Vector& one = vectors_[vector];
    const bool wanted = state_.enabled && !state_.masked && !is_masked(vector);
    if (!wanted || detached_) {
        if (one.attached)
            one.route->detach();
        one.attached = false;
        return;
    }
    try {
        if (!state_.events[vector])
            arm(vector);
        attach(vector);
    } catch (const Error& error) {
        if (!one.complained)
            log::warning("device '{}': MSI-X vector {} does not work: {}", setup_.name, vector,
                         error.message());
        one.complained = true;
    }
}

void Msix::apply_all() {
    for (uint32_t i = 0; i < vectors(); ++i)
        apply(i);
}

void Msix::read_table(uint64_t offset, std::span<uint8_t> data) const {
    for (size_t i = 0; i < data.size(); ++i)
        data[i] = offset < table_size() && i < table_size() - offset ? state_.table[offset + i] : 0;
}

void Msix::write_table(uint64_t offset, std::span<const uint8_t> data) {
    if (offset >= table_size() || data.empty())
        return;
    const size_t size = std::min<uint64_t>(data.size(), table_size() - offset);
    std::copy_n(data.begin(), size, state_.table.begin() + static_cast<ptrdiff_t>(offset));
    for (uint64_t entry = offset / kEntrySize; entry <= (offset + size - 1) / kEntrySize; ++entry)
        apply(static_cast<uint32_t>(entry));
}

void Msix::read_pending(uint64_t offset, std::span<uint8_t> data) const {
    for (size_t i = 0; i < data.size(); ++i) {
        data[i] = 0;
        for (uint64_t bit = 0; bit < 8; ++bit) {
            const uint64_t vector = (offset + i) * 8 + bit;
            if (vector < vectors_.size() && vectors_[vector].event && !vectors_[vector].attached &&
                is_signalled(vectors_[vector].event.get()))
                data[i] |= static_cast<uint8_t>(1 << bit);
        }
    }
}

void Msix::reset() {
    disable();
    state_.masked = false;
    state_.table = initial_table(vectors_.size());
}

void Msix::keep(state::OutgoingFds& fds) const {
    for (uint32_t i = 0; i < vectors(); ++i)
        if (state_.events[i])
            fds.add(fd_name(), i, vectors_[i].event.get());
}

void Msix::detach_interrupts() {
    detached_ = true;
    apply_all();
}

void Msix::attach_interrupts() {
    detached_ = false;
    for (uint32_t i = 0; i < vectors(); ++i)
        if (state_.enabled && !state_.masked && !is_masked(i) && state_.events[i])
            attach(i);
}

}  // namespace cpr::vmm

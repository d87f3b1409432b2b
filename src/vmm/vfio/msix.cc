// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/msix.h"

#include <linux/pci_regs.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace cpr::vmm {
namespace {

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
    : MessageInterrupts(std::move(setup), state.vectors, fds), state_(state) {
    if (!fds) {
        state_.table = initial_table(vectors());
        state_.enabled = state_.masked = false;
    } else if (state_.table.size() != table_size()) {
        throw Error(ErrorCode::kCorruptState, "the state is not of {} MSI-X vectors", vectors());
    }
}

std::optional<MessageInterrupts::Message> Msix::message(uint32_t vector) const {
    const size_t entry = vector * kEntrySize;
    const bool masked =
        state_.table[entry + PCI_MSIX_ENTRY_VECTOR_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT;
    if (!state_.enabled || state_.masked || masked)
        return std::nullopt;
    return Message{load<uint64_t>(state_.table, entry),
                   load<uint32_t>(state_.table, entry + PCI_MSIX_ENTRY_DATA)};
}

void Msix::set_control(bool enabled, bool masked) {
    state_.masked = masked;
    if (enabled && !state_.enabled) {
        enable();
    } else if (!enabled && state_.enabled) {
        state_.enabled = false;
        disarm();
    }
    apply_all();
}

// The device itself is to be in MSI-X mode from here, so its first vector is armed even while
// everything is masked.
void Msix::enable() {
    state_.enabled = true;
    try {
        arm(0);
    } catch (const Error& error) {
        complain("MSI-X stays off", error.message());
    }
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

void Msix::overlay_pending(uint64_t offset, std::span<uint8_t> data) const {
    for (size_t bit = 0; bit < data.size() * 8; ++bit) {
        const uint64_t vector = offset * 8 + bit;
        const auto mask = static_cast<uint8_t>(1 << bit % 8);
        if (vector < vectors() && !is_armed(static_cast<uint32_t>(vector)))
            continue;
        data[bit / 8] &= static_cast<uint8_t>(~mask);
        if (vector < vectors() && is_pending(static_cast<uint32_t>(vector)))
            data[bit / 8] |= mask;
    }
}

void Msix::reset() {
    state_.enabled = false;
    disarm();
    state_.masked = false;
    state_.table = initial_table(vectors());
}

}  // namespace cpr::vmm

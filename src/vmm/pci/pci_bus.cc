// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/pci/pci_bus.h"

#include "base/error.h"
#include "vmm/pci/pci_function.h"

namespace cpr::vmm {
namespace {

constexpr uint8_t kSlots = 32;

}  // namespace

PciFunction* PciBus::at(uint8_t devfn) const {
    const auto found = functions_.find(devfn);
    return found == functions_.end() ? nullptr : found->second;
}

void PciBus::attach(PciFunction& function, PciAddress address) {
    if (bridge_ && address.slot != 0)
        throw Error(ErrorCode::kInvalidArgument,
                    "address {} is not possible on bus '{}': a PCI Express link has slot 0 only",
                    to_string(address), id_);
    if (const PciFunction* other = at(address.devfn()))
        throw Error(ErrorCode::kInvalidArgument, "address {} on bus '{}' is taken by '{}'",
                    to_string(address), id_, other->name());
    const auto refuse_single = [&](const PciFunction& first) {
        throw Error(ErrorCode::kInvalidArgument,
                    "slot {:#x} on bus '{}' has several functions, but '{}' at function 0 lacks "
                    "multifunction=on",
                    address.slot, id_, first.name());
    };
    const PciFunction* first = at(PciAddress{address.slot, 0}.devfn());
    if (address.function != 0 && first && !first->is_multifunction())
        refuse_single(*first);
    for (uint8_t f = 1; address.function == 0 && !function.is_multifunction() && f < 8; ++f)
        if (at(PciAddress{address.slot, f}.devfn()))
            refuse_single(function);
    functions_[address.devfn()] = &function;
}

void PciBus::detach(PciFunction& function) {
    std::erase_if(functions_, [&](const auto& entry) { return entry.second == &function; });
}

PciAddress PciBus::free_address() const {
    const uint8_t slots = bridge_ ? 1 : kSlots;
    for (uint8_t slot = 0; slot < slots; ++slot) {
        const auto next = functions_.lower_bound(PciAddress{slot, 0}.devfn());
        if (next == functions_.end() || PciAddress::from_devfn(next->first).slot != slot)
            return {slot, 0};
    }
    throw Error(ErrorCode::kInvalidArgument, "bus '{}' has no free slot", id_);
}

}  // namespace cpr::vmm

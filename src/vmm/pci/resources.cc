// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/pci/resources.h"

#include <linux/pci_regs.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "vmm/core/platform.h"
#include "vmm/pci/pci_bus.h"
#include "vmm/pci/pci_function.h"

namespace cpr::vmm {
namespace {

enum class Space { kIo, kMemory, kHigh };

constexpr uint64_t kMemoryGranule = 1 << 20;  // of a bridge's memory windows
constexpr uint64_t kIoGranule = 0x1000;       // of a bridge's I/O window
// A larger BAR goes above 4 GiB even if it is not prefetchable: over PCI Express that is safe, as
// nothing merges or prefetches there (PCI Express Base Specification, 7.5.1.2.1, note).
constexpr uint64_t kLargestLowBar = uint64_t{128} << 20;

// Something that needs a place: a BAR, or the window of a bridge.
struct Request {
    PciFunction* function;
    unsigned bar;  // kPciBars: the bridge's window
    uint64_t size;
    uint64_t align;
};

uint64_t align_up(uint64_t value, uint64_t align) {
    return (value + align - 1) & ~(align - 1);
}

Space space_of(const PciBar& bar) {
    if (bar.kind == PciBar::Kind::kIo)
        return Space::kIo;
    const bool high =
        bar.kind == PciBar::Kind::kMemory64 && (bar.prefetchable || bar.size > kLargestLowBar);
    return high ? Space::kHigh : Space::kMemory;
}

uint64_t place(const PciBus& bus, Space space, uint64_t base,
               const std::function<void(const Request&, uint64_t)>& visit);

// The largest alignments first, so that no gaps arise.
std::vector<Request> requests(const PciBus& bus, Space space) {
    std::vector<Request> result;
    for (const auto& [devfn, function] : bus.functions()) {
        uint64_t align = space == Space::kIo ? kIoGranule : kMemoryGranule;
        if (PciBus* behind = function->secondary()) {
            for (const Request& inner : requests(*behind, space))
                align = std::max(align, inner.align);
            const uint64_t size = align_up(place(*behind, space, 0, {}),
                                           space == Space::kIo ? kIoGranule : kMemoryGranule);
            result.push_back({function, kPciBars, size, align});
        }
        for (unsigned i = 0; i < kPciBars; ++i) {
            const PciBar& bar = function->bar(i);
            if (bar.kind == PciBar::Kind::kNone || space_of(bar) != space)
                continue;
            // A page of its own for each, so that it can be mapped into the guest.
            const uint64_t least =
                space == Space::kIo ? bar.size : std::max(bar.size, uint64_t{4096});
            result.push_back({function, i, least, least});
        }
    }
    std::ranges::stable_sort(result, std::ranges::greater(), &Request::align);
    return result;
}

// Lays the requests of a bus out from `base` on; returns the end.
uint64_t place(const PciBus& bus, Space space, uint64_t base,
               const std::function<void(const Request&, uint64_t)>& visit) {
    for (const Request& request : requests(bus, space)) {
        base = align_up(base, request.align);
        if (visit)
            visit(request, base);
        base += request.size;
    }
    return base;
}

// A window with a base above its limit is closed.
void write_window(PciFunction& bridge, Space space, uint64_t base, uint64_t size) {
    const bool open = size != 0;
    const uint64_t limit = base + size - 1;
    if (space == Space::kIo) {
        bridge.config_write(PCI_IO_BASE, open ? (base >> 8) & 0xf0 : 0xf0, 1);
        bridge.config_write(PCI_IO_LIMIT, open ? (limit >> 8) & 0xf0 : 0, 1);
    } else if (space == Space::kMemory) {
        bridge.config_write(PCI_MEMORY_BASE, open ? (base >> 16) & 0xfff0 : 0xfff0, 2);
        bridge.config_write(PCI_MEMORY_LIMIT, open ? (limit >> 16) & 0xfff0 : 0, 2);
    } else {
        bridge.config_write(PCI_PREF_MEMORY_BASE, open ? (base >> 16) & 0xfff0 : 0xfff0, 2);
        bridge.config_write(PCI_PREF_MEMORY_LIMIT, open ? (limit >> 16) & 0xfff0 : 0, 2);
        bridge.config_write(PCI_PREF_BASE_UPPER32, open ? static_cast<uint32_t>(base >> 32) : 0, 4);
        bridge.config_write(PCI_PREF_LIMIT_UPPER32, open ? static_cast<uint32_t>(limit >> 32) : 0,
                            4);
    }
}

void write_bar(PciFunction& function, unsigned index, uint64_t address) {
    const size_t offset = PCI_BASE_ADDRESS_0 + 4U * index;
    function.config_write(offset, static_cast<uint32_t>(address), 4);
    if (function.bar(index).kind == PciBar::Kind::kMemory64)
        function.config_write(offset + 4, static_cast<uint32_t>(address >> 32), 4);
}

void assign(const PciBus& bus, Space space, uint64_t base) {
    place(bus, space, base, [&](const Request& request, uint64_t address) {
        if (request.bar != kPciBars) {
            write_bar(*request.function, request.bar, address);
            return;
        }
        write_window(*request.function, space, address, request.size);
        assign(*request.function->secondary(), space, address);
    });
}

void close_windows(const PciBus& bus, Space space) {
    for (const auto& [devfn, function] : bus.functions()) {
        if (!function->secondary())
            continue;
        write_window(*function, space, 0, 0);
        close_windows(*function->secondary(), space);
    }
}

uint8_t number_buses(const PciBus& bus, uint8_t number) {
    uint8_t last = number;
    for (const auto& [devfn, function] : bus.functions()) {
        PciBus* behind = function->secondary();
        if (!behind)
            continue;
        if (last == 0xff)
            throw Error(ErrorCode::kUnsupported, "there are more than 256 PCI buses");
        const auto secondary = static_cast<uint8_t>(last + 1);
        function->config_write(PCI_PRIMARY_BUS, number, 1);
        function->config_write(PCI_SECONDARY_BUS, secondary, 1);
        function->config_write(PCI_SUBORDINATE_BUS, 0xff, 1);
        last = number_buses(*behind, secondary);
        function->config_write(PCI_SUBORDINATE_BUS, last, 1);
    }
    return last;
}

void enable(const PciBus& bus, bool io) {
    for (const auto& [devfn, function] : bus.functions()) {
        uint32_t command = function->config_read(PCI_COMMAND, 2);
        for (unsigned i = 0; i < kPciBars; ++i) {
            const PciBar::Kind kind = function->bar(i).kind;
            if (kind == PciBar::Kind::kIo)
                command |= io ? PCI_COMMAND_IO : 0;
            else if (kind != PciBar::Kind::kNone)
                command |= PCI_COMMAND_MEMORY;
        }
        if (function->secondary()) {
            command |= PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
            enable(*function->secondary(), io);
        }
        function->config_write(PCI_COMMAND, command, 2);
        if (const auto line = function->intx_line())
            function->config_write(PCI_INTERRUPT_LINE, *line, 1);
    }
}

void require_room(const PciBus& root, Space space, uint64_t base, uint64_t size,
                  const Text& where) {
    const uint64_t end = place(root, space, base, {});
    if (end - base > size)
        throw Error(ErrorCode::kUnsupported,
                    "the BARs of the PCI devices need {} MiB {}, and there are {}",
                    (end - base) >> 20, where, size >> 20);
}

}  // namespace

void assign_pci_resources(PciBus& root) {
    namespace p = platform;
    require_room(root, Space::kMemory, p::kPciMmio32Base, p::kPciMmio32Size, N_("below 4 GiB"));
    require_room(root, Space::kHigh, p::kPciMmio64Base, p::kPciMmio64Size, N_("above 4 GiB"));
    number_buses(root, 0);
    assign(root, Space::kMemory, p::kPciMmio32Base);
    assign(root, Space::kHigh, p::kPciMmio64Base);
    // Ports are few, and PCI Express devices work without: all get theirs, or nobody.
    const bool io = place(root, Space::kIo, p::kPciIoBase, {}) <= p::kPciIoBase + p::kPciIoSize;
    if (io) {
        assign(root, Space::kIo, p::kPciIoBase);
    } else {
        log::warning("the PCI devices need more I/O ports than there are; they get none");
        close_windows(root, Space::kIo);
    }
    enable(root, io);
}

}  // namespace cpr::vmm

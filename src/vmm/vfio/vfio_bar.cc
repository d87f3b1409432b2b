// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/vfio_bar.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"

namespace cpr::vmm {
namespace {

constexpr uint64_t kPage = 4096;

uint64_t page_down(uint64_t value) {
    return value & ~(kPage - 1);
}
uint64_t page_up(uint64_t value) {
    return page_down(value + kPage - 1);
}

using Area = VfioRegion::Area;

// What is left of the areas without the pages from `begin` to `end`.
std::vector<Area> without(const std::vector<Area>& areas, uint64_t begin, uint64_t end) {
    std::vector<Area> result;
    for (const Area& area : areas) {
        const uint64_t area_end = area.offset + area.size;
        if (area.offset < begin)
            result.push_back({area.offset, std::min(area_end, begin) - area.offset});
        if (area_end > end)
            result.push_back({std::max(area.offset, end), area_end - std::max(area.offset, end)});
    }
    return result;
}

}  // namespace

VfioBar::VfioBar(Setup setup, std::vector<Overlay> overlays)
    : setup_(std::move(setup)), overlays_(std::move(overlays)) {
    if (!setup_.is_io)
        make_pieces();
}

VfioBar::~VfioBar() {
    unmap();
    for (const Piece& piece : pieces_)
        setup_.api.unmap(piece.host, piece.size);
}

void VfioBar::make_pieces() {
    std::vector<Area> areas;
    for (const Area& area : setup_.region.mappable) {
        const uint64_t begin = page_up(area.offset);
        const uint64_t end = page_down(area.offset + area.size);
        if (begin < end && end <= setup_.region.size)
            areas.push_back({begin, end - begin});
    }
    for (const Overlay& overlay : overlays_)
        areas = without(areas, page_down(overlay.offset), page_up(overlay.offset + overlay.size));
    pieces_.reserve(areas.size());
    for (const Area& area : areas) {
        try {
            pieces_.push_back({area.offset, area.size,
                               setup_.api.map(setup_.device, setup_.region.offset + area.offset,
                                              area.size, setup_.region.writable)});
        } catch (const Error& error) {
            // Slower, but it works by single accesses.
            log::warning("{}: {}", setup_.name, error.message());
        }
    }
}

void VfioBar::map(uint64_t address) {
    setup_.bus.map(address, setup_.region.size, *this, setup_.name);
    size_t added = 0;
    try {
        for (; added < pieces_.size(); ++added) {
            const Piece& piece = pieces_[added];
            setup_.memory.add({.gpa = address + piece.offset,
                               .size = piece.size,
                               .host = piece.host,
                               .is_ram = false,
                               .read_only = !setup_.region.writable,
                               .name = setup_.name});
        }
    } catch (const Error&) {
        remove_pieces(address, added);
        setup_.bus.unmap(address);
        throw;
    }
    address_ = address;
}

void VfioBar::unmap() {
    if (!address_)
        return;
    remove_pieces(*address_, pieces_.size());
    setup_.bus.unmap(*address_);
    address_.reset();
}

void VfioBar::remove_pieces(uint64_t address, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        try {
            setup_.memory.remove(address + pieces_[i].offset);
        } catch (const Error& error) {
            log::error("{}: {}", setup_.name, error.message());
        }
    }
}

const VfioBar::Overlay* VfioBar::overlay_at(uint64_t offset, size_t size) const {
    for (const Overlay& overlay : overlays_)
        if (offset < overlay.offset + overlay.size && offset + size > overlay.offset)
            return &overlay;
    return nullptr;
}

void VfioBar::read(uint64_t offset, std::span<uint8_t> data) {
    std::ranges::fill(data, uint8_t{0xff});
    if (const Overlay* overlay = overlay_at(offset, data.size())) {
        // An access across the border of an emulated part has no meaning on hardware either.
        if (offset >= overlay->offset)
            overlay->read(offset - overlay->offset, data);
        return;
    }
    if (!setup_.api.read(setup_.device, setup_.region.offset + offset, data))
        std::ranges::fill(data, uint8_t{0xff});
}

void VfioBar::write(uint64_t offset, std::span<const uint8_t> data) {
    if (const Overlay* overlay = overlay_at(offset, data.size())) {
        if (offset >= overlay->offset)
            overlay->write(offset - overlay->offset, data);
        return;
    }
    setup_.api.write(setup_.device, setup_.region.offset + offset, data);
}

}  // namespace cpr::vmm

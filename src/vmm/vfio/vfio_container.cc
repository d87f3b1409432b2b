// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/vfio_container.h"

#include <linux/vfio.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/log.h"
#include "base/scope_exit.h"

namespace cpr::vmm {
namespace {

constexpr uint64_t kPage = 4096;  // the least that an IOMMU maps

VfioDma to_dma(const MemoryRegion& region) {
    return {.iova = region.gpa,
            .size = region.size,
            .vaddr = region.host,
            .writable = !region.read_only};
}

}  // namespace

void VfioContainerState::validate() const {
    uint64_t end = 0;
    for (const DmaRange& range : dma_map) {
        if (range.size == 0 || range.iova < end || range.iova + range.size < range.iova ||
            (range.iova | range.size) % kPage != 0)
            throw Error(ErrorCode::kCorruptState, "the DMA map has a bad range at {:#x}",
                        range.iova);
        end = range.iova + range.size;
    }
    if (iommu_type != VFIO_TYPE1v2_IOMMU)
        throw Error(ErrorCode::kCorruptState, "the VFIO container has the IOMMU type {}",
                    iommu_type);
}

VfioContainer::VfioContainer(VfioApi& api, MemoryMap& memory, Blockers& blockers, uint32_t index)
    : api_(api), memory_(memory), blockers_(blockers), index_(index), fd_(api.open_container()) {
    if (const int version = api_.api_version(fd_.get()); version != VFIO_API_VERSION)
        throw Error(ErrorCode::kUnsupported, "the kernel's VFIO has version {}, not {}", version,
                    VFIO_API_VERSION);
    if (!api_.check_extension(fd_.get(), VFIO_TYPE1v2_IOMMU))
        throw Error(ErrorCode::kUnsupported,
                    "the kernel's VFIO has no type 1 version 2 IOMMU: load the module "
                    "vfio_iommu_type1");
}

VfioContainer::VfioContainer(VfioApi& api, MemoryMap& memory, Blockers& blockers, uint32_t index,
                             UniqueFd fd, const VfioContainerState& saved)
    : api_(api),
      memory_(memory),
      blockers_(blockers),
      index_(index),
      fd_(std::move(fd)),
      iommu_type_(saved.iommu_type),
      invalid_(true) {
    saved.validate();
    for (const DmaRange& range : saved.dma_map)
        ranges_[range.iova] = range;
    check_abilities();
    note_capacity();
}

VfioContainer::~VfioContainer() {
    freeze();
}

bool VfioContainer::attach(int group, uint32_t number) {
    try {
        api_.set_container(group, fd_.get());
        return true;
    } catch (const Error& error) {
        log::info("VFIO group {} is not for container {}: {}", number, index_, error.message());
        return false;
    }
}

void VfioContainer::attach_first(int group, uint32_t number) {
    try {
        api_.set_container(group, fd_.get());
        api_.set_iommu(fd_.get(), VFIO_TYPE1v2_IOMMU);
        iommu_type_ = VFIO_TYPE1v2_IOMMU;
        check_abilities();
        note_capacity();
        listen(false);
    } catch (const Error& error) {
        throw error.within(Text("VFIO group {}", number));
    }
}

void VfioContainer::listen(bool quietly) {
    memory_.add_listener(*this, quietly);
    listening_ = true;
}

void VfioContainer::freeze() {
    if (listening_)
        memory_.remove_listener(*this, true);
    listening_ = false;
}

void VfioContainer::check_abilities() {
    registrations_.clear();
    if (!api_.check_extension(fd_.get(), VFIO_TYPE1v2_IOMMU))
        registrations_.push_back(blockers_.add({"vfio-not-type1v2",
                                                N_("the IOMMU driver of the VFIO container is not "
                                                   "type 1 version 2, whose DMA mappings "
                                                   "alone can be handed over"),
                                                N_("bind the devices to VFIO drivers on a host "
                                                   "whose IOMMU vfio_iommu_type1 drives")}));
    // These answer for the IOMMU driver in use: before VFIO_SET_IOMMU always 0 for UPDATE_VADDR.
    if (!api_.check_extension(fd_.get(), VFIO_UPDATE_VADDR))
        registrations_.push_back(blockers_.add(
            {"vfio-no-update-vaddr",
             N_("the kernel cannot move the DMA mappings of VFIO devices to another process "
                "(VFIO_UPDATE_VADDR)"),
             N_("use Linux 6.3 or later, and no mediated devices")}));
    if (!api_.check_extension(fd_.get(), VFIO_UNMAP_ALL))
        registrations_.push_back(blockers_.add(
            {"vfio-no-unmap-all",
             N_("the kernel cannot invalidate all DMA addresses of VFIO devices at once "
                "(VFIO_UNMAP_ALL)"),
             N_("use Linux 5.12 or later")}));
}

// By what was left when there were as many mappings as we know of: the module's limit
// (dma_entry_limit) may have been another when the container was opened.
void VfioContainer::note_capacity() {
    if (const auto left = api_.mappings_left(fd_.get()))
        capacity_ = *left + ranges_.size();
}

VfioContainerState VfioContainer::state() const {
    VfioContainerState state{.iommu_type = iommu_type_, .dma_map = {}};
    for (const auto& [iova, range] : ranges_)
        state.dma_map.push_back(range);
    return state;
}

void VfioContainer::region_added(const MemoryRegion& region) {
    try {
        api_.map_dma(fd_.get(), to_dma(region));
    } catch (const Error& error) {
        if (region.is_ram)
            throw error.within(region.name);
        // Only DMA from one passthrough device to another would need it.
        log::warning("{}: not reachable by other devices: {}", region.name, error.message());
        return;
    }
    ranges_[region.gpa] = {region.gpa, region.size, region.is_ram};
}

void VfioContainer::region_removed(const MemoryRegion& region) {
    const auto found = ranges_.find(region.gpa);
    if (found == ranges_.end())
        return;
    api_.unmap_dma(fd_.get(), region.gpa, region.size);
    ranges_.erase(found);
}

void VfioContainer::keep(state::OutgoingFds& fds) const {
    fds.add(kFdName, index_, fd_.get());
}

std::vector<VfioDma> VfioContainer::compare_with_memory() const {
    std::vector<VfioDma> result;
    for (const MemoryRegion& region : memory_.regions()) {
        const auto found = ranges_.find(region.gpa);
        const DmaRange here{region.gpa, region.size, region.is_ram};
        if (found != ranges_.end() && found->second == here)
            result.push_back(to_dma(region));
        else if (region.is_ram || found != ranges_.end())
            throw Error(ErrorCode::kCorruptState,
                        "the memory '{}' at {:#x} of {:#x} bytes is not what is mapped for DMA",
                        region.name, region.gpa, region.size);
    }
    if (result.size() != ranges_.size())
        throw Error(ErrorCode::kCorruptState,
                    "{} ranges are mapped for DMA, but the memory has {} of them", ranges_.size(),
                    result.size());
    return result;
}

void VfioContainer::check_dma_map() const {
    state().validate();
    compare_with_memory();
    const auto left = api_.mappings_left(fd_.get());
    if (!capacity_ || !left || *capacity_ - *left == ranges_.size())
        return;
    throw Error(ErrorCode::kCorruptState, "the kernel has {} mappings for DMA, but we know of {}",
                *capacity_ - *left, ranges_.size());
}

void VfioContainer::find_blockers(std::vector<Blocker>& found) const {
    try {
        check_dma_map();
    } catch (const Error& error) {
        found.push_back(
            {"dma-map-differs",
             Text("what is mapped for DMA in VFIO container {} is not what we know of: {}", index_,
                  error.text()),
             N_("shut the guest down and start it anew, and report this with the domain's log")});
    }
}

void VfioContainer::check_vaddrs() {
    if (!iommu_type_)
        throw Error(ErrorCode::kInvalidState, "VFIO container {} has no group", index_);
    if (invalid_)
        throw Error(ErrorCode::kInvalidState,
                    "the DMA addresses of VFIO container {} are invalid already", index_);
    for (const uint32_t extension : {VFIO_UPDATE_VADDR, VFIO_UNMAP_ALL})
        if (!api_.check_extension(fd_.get(), extension))
            throw Error(ErrorCode::kBlocked,
                        "VFIO container {} cannot move its DMA mappings to another process",
                        index_);
    check_dma_map();
}

void VfioContainer::invalidate_vaddrs() {
    uint64_t expected = 0;
    for (const auto& [iova, range] : ranges_)
        expected += range.size;
    const uint64_t done = api_.unmap_all_vaddrs(fd_.get());
    invalid_ = true;
    if (done == expected)
        return;
    restore_vaddrs();
    throw Error(ErrorCode::kInternal,
                "VFIO container {}: the kernel has {:#x} bytes mapped for DMA, we know of {:#x}",
                index_, done, expected);
}

// The kernel refuses (EINVAL) a vaddr for a mapping that has a valid one, be it of a process that
// is gone. Invalidating that mapping alone first makes it a matter of indifference who had it.
void VfioContainer::claim(const VfioDma& dma) {
    int error = api_.map_vaddr(fd_.get(), dma);
    if (error == EINVAL) {
        api_.unmap_vaddr(fd_.get(), dma.iova, dma.size);
        error = api_.map_vaddr(fd_.get(), dma);
    }
    if (error)
        throw Error(ErrorCode::kSystem,
                    "cannot take over the DMA mapping at {:#x} of {:#x} bytes in VFIO container "
                    "{}: {}",
                    dma.iova, dma.size, index_, errno_text(error));
}

void VfioContainer::restore_vaddrs() {
    if (!invalid_)
        return;
    std::optional<Error> first;
    for (const VfioDma& dma : compare_with_memory()) {
        try {
            claim(dma);
        } catch (const Error& error) {
            // Every range that can be saved is.
            log::error("{}", error.message());
            if (!first)
                first = error;
        }
    }
    if (first)
        throw *first;
    invalid_ = false;
}

void VfioContainer::claim_vaddrs() {
    if (!invalid_)
        return;
    const std::vector<VfioDma> all = compare_with_memory();
    size_t claimed = 0;
    ScopeExit undo([&] {
        for (size_t i = 0; i < claimed; ++i) {
            try {
                api_.unmap_vaddr(fd_.get(), all[i].iova, all[i].size);
            } catch (const Error& error) {
                log::warning("VFIO container {}: {}", index_, error.message());
            }
        }
    });
    for (; claimed < all.size(); ++claimed)
        claim(all[claimed]);
    if (!listening_)
        listen(true);
    undo.dismiss();
    invalid_ = false;
}

void VfioContainer::unclaim_vaddrs() {
    freeze();
    try {
        invalidate_vaddrs();
    } catch (const Error& error) {
        log::warning("VFIO container {}: {}", index_, error.message());
    }
}

}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_VFIO_CONTAINER_H
#define CPR_VMM_VFIO_VFIO_CONTAINER_H

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "state/fd_table.h"
#include "vmm/checkpoint/blockers.h"
#include "vmm/checkpoint/participant.h"
#include "vmm/core/memory_map.h"
#include "vmm/vfio/vfio_api.h"

namespace cpr::vmm {

// One DMA mapping of a container, exactly as the kernel has it: vaddrs can only be updated for a
// whole mapping.
struct DmaRange {
    static constexpr bool kFielded = true;
    uint64_t iova = 0;
    uint64_t size = 0;
    bool is_ram = false;

    bool operator==(const DmaRange&) const = default;
    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.iova, self.size, self.is_ram);
    }
};

struct VfioContainerState {
    static constexpr bool kFielded = true;
    uint32_t iommu_type = 0;
    std::vector<DmaRange> dma_map;  // by iova

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.iommu_type, self.dma_map);
    }
    // Throws Error kCorruptState on an empty, unsorted, overlapping or wrapping map.
    void validate() const;
};

// A VFIO container (type 1 IOMMU, version 2): follows the memory map, so that the devices of its
// groups reach what the guest reaches. Its mappings outlive this object and this process: a
// destructor only closes the descriptor.
//
// A restored container changes nothing in the kernel until claim_vaddrs(), which makes the vaddrs
// of the mappings this process's own; only from there does it follow the memory map.
class VfioContainer final : public MemoryListener, public CheckpointParticipant {
  public:
    static constexpr const char* kFdName = "vfio-container";

    // `index` tells the descriptors of several containers apart. Nothing is attached yet. Throws
    // Error if the kernel's VFIO is not one that we know.
    VfioContainer(VfioApi& api, MemoryMap& memory, Blockers& blockers, uint32_t index);
    // At a restore: around the preserved descriptor and the saved map.
    VfioContainer(VfioApi& api, MemoryMap& memory, Blockers& blockers, uint32_t index, UniqueFd fd,
                  const VfioContainerState& saved);
    ~VfioContainer() override;

    // Attaches the first group. It gives the container its IOMMU type, after which its memory is
    // mapped and its abilities are checked. Throws Error.
    void attach_first(int group, uint32_t number);
    // Attaches another group; false if the kernel cannot have it in this container.
    bool attach(int group, uint32_t number);

    // Stops following the memory map, for the time when the devices go: their BARs vanish from
    // the memory map, but what is mapped for DMA stays as it is until the kernel closes all.
    void freeze();

    VfioContainerState state() const;
    int fd() const { return fd_.get(); }

    void region_added(const MemoryRegion& region) override;
    void region_removed(const MemoryRegion& region) override;

    void find_blockers(std::vector<Blocker>& found) const override;
    void keep(state::OutgoingFds& fds) const override;
    void check_vaddrs() override;
    void invalidate_vaddrs() override;
    void restore_vaddrs() override;
    void claim_vaddrs() override;
    // Undoes claim_vaddrs(). Never throws.
    void unclaim_vaddrs();

  private:
    void check_abilities();
    void note_capacity();
    void listen(bool quietly);
    // The saved map beside the memory map: where each range is in this process. Throws Error
    // kCorruptState at the first difference.
    std::vector<VfioDma> compare_with_memory() const;
    // Our map beside memory map and kernel. Throws Error kCorruptState at the first difference.
    void check_dma_map() const;
    void claim(const VfioDma& dma);

    VfioApi& api_;
    MemoryMap& memory_;
    Blockers& blockers_;
    uint32_t index_;
    UniqueFd fd_;
    uint32_t iommu_type_ = 0;  // 0: not set yet
    std::map<uint64_t, DmaRange> ranges_;
    // How many mappings the kernel lets the container have; empty if it does not tell.
    std::optional<uint64_t> capacity_;
    bool listening_ = false;
    bool invalid_ = false;  // vaddrs were invalidated (or never claimed) by this process
    std::vector<Blockers::Registration> registrations_;
};

}  // namespace cpr::vmm

#endif

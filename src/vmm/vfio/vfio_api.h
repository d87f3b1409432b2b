// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_VFIO_API_H
#define CPR_VMM_VFIO_VFIO_API_H

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace cpr::vmm {

struct VfioDeviceInfo {
    bool is_pci = false;
    bool can_reset = false;
    uint32_t regions = 0;
    uint32_t irqs = 0;
};

struct VfioRegion {
    struct Area {
        uint64_t offset = 0;
        uint64_t size = 0;
    };
    uint64_t size = 0;    // 0: the region does not exist
    uint64_t offset = 0;  // in the device's descriptor
    bool readable = false;
    bool writable = false;
    std::vector<Area> mappable;  // parts that can be mapped into memory
};

struct VfioIrqs {
    uint32_t count = 0;
    bool resizable = false;  // single vectors can be added while others are in use
};

// A DMA mapping or its vaddr.
struct VfioDma {
    uint64_t iova = 0;
    uint64_t size = 0;
    void* vaddr = nullptr;
    bool writable = true;
};

// The kernel's VFIO interface (containers and groups, linux/vfio.h): the seam for tests, and the
// only place with VFIO ioctls. Functions throw Error kSystem unless said otherwise. Borrowed
// descriptors throughout; what is opened is close-on-exec.
class VfioApi {
  public:
    virtual ~VfioApi() = default;

    // The IOMMU group of a host device (DDDD:BB:SS.F). Throws Error kInvalidArgument if there is no
    // such device or it has no group.
    virtual uint32_t group_of(const std::string& host) = 0;
    virtual UniqueFd open_container() = 0;
    virtual UniqueFd open_group(uint32_t number) = 0;
    virtual UniqueFd open_device(int group, const std::string& host) = 0;

    virtual int api_version(int container) = 0;
    virtual bool check_extension(int container, uint32_t extension) = 0;
    virtual void set_iommu(int container, uint32_t type) = 0;
    virtual void set_container(int group, int container) = 0;
    // All devices of the group are bound to VFIO drivers.
    virtual bool is_viable(int group) = 0;

    // How many more DMA mappings the container may have. Empty if the kernel does not tell, as
    // before Linux 5.10; never throws.
    virtual std::optional<uint32_t> mappings_left(int container) = 0;
    virtual void map_dma(int container, const VfioDma& dma) = 0;
    virtual void unmap_dma(int container, uint64_t iova, uint64_t size) = 0;
    // Makes the vaddr of one mapping valid in this process. Returns 0 or errno: EINVAL if it is
    // valid already or the size differs, ENOENT if there is no such mapping.
    virtual int map_vaddr(int container, const VfioDma& dma) = 0;
    // Invalidates the vaddr of one mapping.
    virtual void unmap_vaddr(int container, uint64_t iova, uint64_t size) = 0;
    // Invalidates all vaddrs, or none if it throws; returns the bytes.
    virtual uint64_t unmap_all_vaddrs(int container) = 0;

    virtual VfioDeviceInfo device_info(int device) = 0;
    virtual VfioRegion region_info(int device, uint32_t index) = 0;
    virtual VfioIrqs irq_info(int device, uint32_t index) = 0;
    // Signals these eventfds from vector `start` on; -1 is none. The first call for an index
    // enables it; one index at most is enabled. Returns 0, or how many vectors the host has if
    // those are fewer: then nothing has been enabled.
    virtual uint32_t set_irqs(int device, uint32_t index, uint32_t start,
                              std::span<const int> fds) = 0;
    // Lets a signal of the eventfd unmask the interrupt of INTx, which the kernel masks whenever it
    // signals it. INTx is enabled.
    virtual void set_unmask(int device, int eventfd) = 0;
    virtual void disable_irqs(int device, uint32_t index) = 0;
    virtual void reset_device(int device) = 0;

    // Accesses to a region. False if the kernel refuses; nothing is logged here.
    virtual bool read(int device, uint64_t offset, std::span<uint8_t> data) = 0;
    virtual bool write(int device, uint64_t offset, std::span<const uint8_t> data) = 0;
    virtual void* map(int device, uint64_t offset, uint64_t size, bool writable) = 0;
    virtual void unmap(void* address, uint64_t size) = 0;
};

std::unique_ptr<VfioApi> make_vfio_api();

}  // namespace cpr::vmm

#endif

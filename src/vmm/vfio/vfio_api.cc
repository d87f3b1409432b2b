// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/vfio_api.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/io.h"

namespace cpr::vmm {
namespace {

template <typename Argument>
int call(int fd, unsigned long request, Argument argument, const char* what) {
    const int result = ioctl(fd, request, argument);
    if (result < 0)
        throw errno_error(what);
    return result;
}

// Copies what lies at an offset; false if the buffer ends before.
template <typename Part>
bool copy_at(const std::vector<uint8_t>& buffer, size_t offset, Part& part) {
    if (offset + sizeof(part) > buffer.size())
        return false;
    std::memcpy(&part, &buffer[offset], sizeof(part));
    return true;
}

// Where a capability is in a chain of information that begins at `at`; 0 if it is not there.
uint32_t find_capability(const std::vector<uint8_t>& buffer, uint32_t at, uint16_t id) {
    vfio_info_cap_header header{};
    while (at != 0 && copy_at(buffer, at, header)) {
        if (header.id == id)
            return at;
        if (header.next <= at)
            return 0;
        at = header.next;
    }
    return 0;
}

void read_mappable(const std::vector<uint8_t>& buffer, uint32_t chain, VfioRegion& region) {
    const uint32_t at = find_capability(buffer, chain, VFIO_REGION_INFO_CAP_SPARSE_MMAP);
    vfio_region_info_cap_sparse_mmap sparse{};
    if (at == 0 || !copy_at(buffer, at, sparse))
        return;
    region.mappable.clear();
    vfio_region_sparse_mmap_area area{};
    for (uint32_t i = 0; i < sparse.nr_areas; ++i)
        if (copy_at(buffer, at + sizeof(sparse) + i * sizeof(area), area) && area.size)
            region.mappable.push_back({area.offset, area.size});
}

class KernelVfioApi final : public VfioApi {
  public:
    uint32_t group_of(const std::string& host) override {
        const std::filesystem::path device = "/sys/bus/pci/devices/" + host;
        std::error_code error;
        if (!std::filesystem::exists(device, error))
            throw Error(ErrorCode::kInvalidArgument, "the host has no PCI device {}", host);
        const auto link = std::filesystem::read_symlink(device / "iommu_group", error);
        const std::string name = link.filename();
        uint32_t number = 0;
        const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error || bad != std::errc())
            throw Error(ErrorCode::kInvalidArgument,
                        "host device {} is in no IOMMU group: switch the IOMMU on in firmware and "
                        "kernel (intel_iommu=on or amd_iommu=on)",
                        host);
        return number;
    }

    UniqueFd open_container() override { return open_file("/dev/vfio/vfio", O_RDWR); }
    UniqueFd open_group(uint32_t number) override {
        return open_file(fmt::format("/dev/vfio/{}", number), O_RDWR);
    }
    UniqueFd open_device(int group, const std::string& host) override {
        // The kernel makes it close-on-exec.
        return UniqueFd(
            call(group, VFIO_GROUP_GET_DEVICE_FD, host.c_str(), N_("get the VFIO device")));
    }

    int api_version(int container) override {
        return call(container, VFIO_GET_API_VERSION, 0, N_("get the VFIO version"));
    }
    bool check_extension(int container, uint32_t extension) override {
        return ioctl(container, VFIO_CHECK_EXTENSION, static_cast<unsigned long>(extension)) > 0;
    }
    void set_iommu(int container, uint32_t type) override {
        call(container, VFIO_SET_IOMMU, static_cast<unsigned long>(type),
             N_("set the IOMMU type of the VFIO container"));
    }
    void set_container(int group, int container) override {
        call(group, VFIO_GROUP_SET_CONTAINER, &container,
             N_("add the VFIO group to the VFIO container"));
    }
    bool is_viable(int group) override {
        vfio_group_status status{.argsz = sizeof(status), .flags = 0};
        call(group, VFIO_GROUP_GET_STATUS, &status, N_("get the status of the VFIO group"));
        return status.flags & VFIO_GROUP_FLAGS_VIABLE;
    }

    std::optional<uint32_t> mappings_left(int container) override {
        std::vector<uint8_t> buffer(sizeof(vfio_iommu_type1_info));
        vfio_iommu_type1_info info{};
        info.argsz = sizeof(info);
        do {
            buffer.resize(info.argsz);
            std::memcpy(buffer.data(), &info, sizeof(info));
            if (ioctl(container, VFIO_IOMMU_GET_INFO, buffer.data()) < 0)
                return std::nullopt;
            std::memcpy(&info, buffer.data(), sizeof(info));
        } while (info.argsz > buffer.size());
        vfio_iommu_type1_info_dma_avail left{};
        const uint32_t chain = info.flags & VFIO_IOMMU_INFO_CAPS ? info.cap_offset : 0;
        const uint32_t at = find_capability(buffer, chain, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
        return at != 0 && copy_at(buffer, at, left) ? std::optional(left.avail) : std::nullopt;
    }
    void map_dma(int container, const VfioDma& dma) override {
        vfio_iommu_type1_dma_map map = map_request(dma);
        map.flags = VFIO_DMA_MAP_FLAG_READ | (dma.writable ? VFIO_DMA_MAP_FLAG_WRITE : 0U);
        call(container, VFIO_IOMMU_MAP_DMA, &map, N_("map memory for DMA"));
    }
    void unmap_dma(int container, uint64_t iova, uint64_t size) override {
        unmap_dma(container, iova, size, 0, N_("unmap memory for DMA"));
    }
    int map_vaddr(int container, const VfioDma& dma) override {
        vfio_iommu_type1_dma_map map = map_request(dma);
        map.flags = VFIO_DMA_MAP_FLAG_VADDR;
        return ioctl(container, VFIO_IOMMU_MAP_DMA, &map) < 0 ? errno : 0;
    }
    void unmap_vaddr(int container, uint64_t iova, uint64_t size) override {
        unmap_dma(container, iova, size, VFIO_DMA_UNMAP_FLAG_VADDR, N_("invalidate a DMA vaddr"));
    }
    uint64_t unmap_all_vaddrs(int container) override {
        return unmap_dma(container, 0, 0, VFIO_DMA_UNMAP_FLAG_VADDR | VFIO_DMA_UNMAP_FLAG_ALL,
                         N_("invalidate the DMA vaddrs"));
    }

    VfioDeviceInfo device_info(int device) override {
        vfio_device_info info{};
        info.argsz = sizeof(info);
        call(device, VFIO_DEVICE_GET_INFO, &info, N_("get information about the VFIO device"));
        return {.is_pci = (info.flags & VFIO_DEVICE_FLAGS_PCI) != 0,
                .can_reset = (info.flags & VFIO_DEVICE_FLAGS_RESET) != 0,
                .regions = info.num_regions,
                .irqs = info.num_irqs};
    }

    VfioRegion region_info(int device, uint32_t index) override {
        std::vector<uint8_t> buffer(sizeof(vfio_region_info));
        vfio_region_info info{};
        info.argsz = sizeof(info);
        info.index = index;
        std::memcpy(buffer.data(), &info, sizeof(info));
        const char* what = N_("get information about a VFIO region");
        call(device, VFIO_DEVICE_GET_REGION_INFO, buffer.data(), what);
        std::memcpy(&info, buffer.data(), sizeof(info));
        if (info.argsz > buffer.size()) {
            buffer.resize(info.argsz);
            call(device, VFIO_DEVICE_GET_REGION_INFO, buffer.data(), what);
            std::memcpy(&info, buffer.data(), sizeof(info));
        }
        VfioRegion region{.size = info.size,
                          .offset = info.offset,
                          .readable = (info.flags & VFIO_REGION_INFO_FLAG_READ) != 0,
                          .writable = (info.flags & VFIO_REGION_INFO_FLAG_WRITE) != 0,
                          .mappable = {}};
        if (info.flags & VFIO_REGION_INFO_FLAG_MMAP)
            region.mappable.push_back({0, info.size});
        if (info.flags & VFIO_REGION_INFO_FLAG_CAPS)
            read_mappable(buffer, info.cap_offset, region);
        return region;
    }

    VfioIrqs irq_info(int device, uint32_t index) override {
        vfio_irq_info info{};
        info.argsz = sizeof(info);
        info.index = index;
        call(device, VFIO_DEVICE_GET_IRQ_INFO, &info, N_("get information about VFIO interrupts"));
        return {.count = info.count, .resizable = !(info.flags & VFIO_IRQ_INFO_NORESIZE)};
    }

    uint32_t set_irqs(int device, uint32_t index, uint32_t start,
                      std::span<const int> fds) override {
        return set_eventfds(device, index, VFIO_IRQ_SET_ACTION_TRIGGER, start, fds);
    }
    void set_unmask(int device, int eventfd) override {
        set_eventfds(device, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK, 0,
                     std::span(&eventfd, 1));
    }
    void disable_irqs(int device, uint32_t index) override {
        vfio_irq_set set{};
        set.argsz = sizeof(set);
        set.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
        set.index = index;
        call(device, VFIO_DEVICE_SET_IRQS, &set, N_("disable the interrupts of the VFIO device"));
    }
    void reset_device(int device) override {
        call(device, VFIO_DEVICE_RESET, 0, N_("reset the VFIO device"));
    }

    bool read(int device, uint64_t offset, std::span<uint8_t> data) override {
        const ssize_t got = pread(device, data.data(), data.size(), static_cast<off_t>(offset));
        return got == static_cast<ssize_t>(data.size());
    }
    bool write(int device, uint64_t offset, std::span<const uint8_t> data) override {
        const ssize_t put = pwrite(device, data.data(), data.size(), static_cast<off_t>(offset));
        return put == static_cast<ssize_t>(data.size());
    }
    void* map(int device, uint64_t offset, uint64_t size, bool writable) override {
        void* address = mmap(nullptr, size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED,
                             device, static_cast<off_t>(offset));
        if (address == MAP_FAILED)
            throw errno_error("map a BAR of the VFIO device");
        return address;
    }
    void unmap(void* address, uint64_t size) override { munmap(address, size); }

  private:
    static uint32_t set_eventfds(int device, uint32_t index, uint32_t action, uint32_t start,
                                 std::span<const int> fds) {
        std::vector<uint8_t> buffer(sizeof(vfio_irq_set) + fds.size_bytes());
        vfio_irq_set set{};
        set.argsz = static_cast<uint32_t>(buffer.size());
        set.flags = VFIO_IRQ_SET_DATA_EVENTFD | action;
        set.index = index;
        set.start = start;
        set.count = static_cast<uint32_t>(fds.size());
        std::memcpy(buffer.data(), &set, sizeof(set));
        std::memcpy(buffer.data() + sizeof(set), fds.data(), fds.size_bytes());
        return static_cast<uint32_t>(call(device, VFIO_DEVICE_SET_IRQS, buffer.data(),
                                          N_("set the interrupts of the VFIO device")));
    }
    static vfio_iommu_type1_dma_map map_request(const VfioDma& dma) {
        vfio_iommu_type1_dma_map map{};
        map.argsz = sizeof(map);
        map.vaddr = reinterpret_cast<uintptr_t>(dma.vaddr);
        map.iova = dma.iova;
        map.size = dma.size;
        return map;
    }
    static uint64_t unmap_dma(int container, uint64_t iova, uint64_t size, uint32_t flags,
                              const char* what) {
        vfio_iommu_type1_dma_unmap unmap{};
        unmap.argsz = sizeof(unmap);
        unmap.flags = flags;
        unmap.iova = iova;
        unmap.size = size;
        call(container, VFIO_IOMMU_UNMAP_DMA, &unmap, what);
        return unmap.size;
    }
};

}  // namespace

std::unique_ptr<VfioApi> make_vfio_api() {
    return std::make_unique<KernelVfioApi>();
}

}  // namespace cpr::vmm

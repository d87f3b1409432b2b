// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fakes/fake_vfio.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/io.h"

namespace cpr::vmm::fakes {
namespace {

constexpr uint64_t kBarSize = 0x4000;
constexpr uint64_t kRegionShift = 40;  // as vfio-pci does it

void put(std::vector<uint8_t>& bytes, size_t offset, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i)
        bytes[offset + i] = static_cast<uint8_t>(value >> (8 * i));
}

uint64_t inode(int fd) {
    struct stat status {};
    if (fstat(fd, &status) != 0)
        throw errno_error("look at a descriptor");
    return status.st_ino;
}

}  // namespace

FakeVfio::Container& FakeVfio::container(int fd) {
    return containers.at(inode(fd));
}

FakeVfio::FakeVfio(uint32_t vectors) : config(4096), bar(kBarSize), vectors_(vectors) {
    build_config(vectors);
}

void FakeVfio::build_config(uint32_t vectors) {
    put(config, PCI_VENDOR_ID, 0x1234, 2);
    put(config, PCI_DEVICE_ID, 0x5678, 2);
    put(config, PCI_CLASS_PROG, 0x010802, 3);
    put(config, PCI_STATUS, PCI_STATUS_CAP_LIST, 2);
    put(config, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_MEM_TYPE_64, 4);
    put(config, PCI_ROM_ADDRESS, 0xfff00001, 4);
    put(config, PCI_INTERRUPT_PIN, 1, 1);
    put(config, PCI_CAPABILITY_LIST, 0x40, 1);
    put(config, 0x40, PCI_CAP_ID_PM | 0x50 << 8, 2);
    put(config, 0x50, PCI_CAP_ID_MSI | 0x60 << 8, 2);
    put(config, 0x60, PCI_CAP_ID_MSIX | 0x70 << 8, 2);
    put(config, 0x62, vectors - 1, 2);
    put(config, 0x64, 0x2000, 4);
    put(config, 0x68, 0x3000, 4);
    put(config, 0x70, PCI_CAP_ID_EXP, 2);
    put(config, 0x72, 2 | PCI_EXP_TYPE_RC_END << 4, 2);
    put(config, 0x100, PCI_EXT_CAP_ID_ARI | 1 << 16 | 0x140u << 20, 4);
    put(config, 0x140, PCI_EXT_CAP_ID_SRIOV | 1 << 16 | 0x180u << 20, 4);
    put(config, 0x180, PCI_EXT_CAP_ID_ERR | 1 << 16, 4);
}

int FakeVfio::record(const std::string& call) {
    for (auto& [name, error] : fail)
        if (call.starts_with(name) && fail_after-- <= 0)
            return error;
    calls.push_back(call);
    return 0;
}

void FakeVfio::record_or_throw(const std::string& call) {
    if (const int error = record(call))
        throw Error(ErrorCode::kSystem, "cannot {}: {}", call, std::strerror(error));
}

std::vector<std::string> FakeVfio::calls_of(const std::string& prefix) const {
    std::vector<std::string> result;
    std::ranges::copy_if(calls, std::back_inserter(result),
                         [&](const std::string& call) { return call.starts_with(prefix); });
    return result;
}

void FakeVfio::signal(uint32_t vector) {
    const auto found = armed.find(vector);
    const uint64_t one = 1;
    if (found != armed.end() && found->second && ::write(found->second.get(), &one, 8) != 8)
        throw errno_error("signal");
}

uint32_t FakeVfio::group_of(const std::string&) {
    return 7;
}

UniqueFd FakeVfio::open_container() {
    record_or_throw("open_container");
    UniqueFd fd = make_memfd("container");
    containers[inode(fd.get())] = {};
    return fd;
}

UniqueFd FakeVfio::open_group(uint32_t number) {
    record_or_throw(fmt::format("open_group {}", number));
    return make_memfd("group");
}

UniqueFd FakeVfio::open_device(int, const std::string& host) {
    record_or_throw("open_device " + host);
    return make_memfd("device");
}

int FakeVfio::api_version(int) {
    return VFIO_API_VERSION;
}

bool FakeVfio::check_extension(int container, uint32_t extension) {
    switch (extension) {
        case VFIO_TYPE1v2_IOMMU:
            return type1v2;
        case VFIO_UNMAP_ALL:
            return unmap_all;
        case VFIO_UPDATE_VADDR:
            return update_vaddr && this->container(container).iommu_type != 0;
        default:
            return false;
    }
}

void FakeVfio::set_iommu(int container, uint32_t type) {
    record_or_throw(fmt::format("set_iommu {}", type));
    this->container(container).iommu_type = type;
}

void FakeVfio::set_container(int, int) {
    record_or_throw("set_container");
}

bool FakeVfio::is_viable(int) {
    return viable;
}

void FakeVfio::map_dma(int container, const VfioDma& dma) {
    record_or_throw(fmt::format("map_dma {:#x} {:#x}", dma.iova, dma.size));
    this->container(container).mappings[dma.iova] = {dma.size, dma.vaddr, true};
}

void FakeVfio::unmap_dma(int container, uint64_t iova, uint64_t size) {
    record_or_throw(fmt::format("unmap_dma {:#x} {:#x}", iova, size));
    this->container(container).mappings.erase(iova);
}

int FakeVfio::map_vaddr(int container, const VfioDma& dma) {
    if (const int error = record(fmt::format("map_vaddr {:#x}", dma.iova)))
        return error;
    auto& mappings = this->container(container).mappings;
    const auto found = mappings.find(dma.iova);
    if (found == mappings.end())
        return ENOENT;
    if (found->second.valid || found->second.size != dma.size)
        return EINVAL;
    found->second.valid = true;
    found->second.vaddr = dma.vaddr;
    return 0;
}

void FakeVfio::unmap_vaddr(int container, uint64_t iova, uint64_t size) {
    record_or_throw(fmt::format("unmap_vaddr {:#x}", iova));
    auto& mappings = this->container(container).mappings;
    const auto found = mappings.find(iova);
    if (found == mappings.end() || found->second.size != size || !found->second.valid)
        throw Error(ErrorCode::kSystem, "cannot invalidate {:#x}: {}", iova, std::strerror(EINVAL));
    found->second.valid = false;
}

uint64_t FakeVfio::unmap_all_vaddrs(int container) {
    record_or_throw("unmap_all_vaddrs");
    auto& mappings = this->container(container).mappings;
    if (std::ranges::any_of(mappings, [](const auto& one) { return !one.second.valid; }))
        throw Error(ErrorCode::kSystem, "cannot invalidate all: {}", std::strerror(EINVAL));
    uint64_t bytes = 0;
    for (auto& [iova, mapping] : mappings) {
        mapping.valid = false;
        bytes += mapping.size;
    }
    return bytes;
}

VfioDeviceInfo FakeVfio::device_info(int) {
    return {.is_pci = true, .can_reset = true, .regions = 9, .irqs = 5};
}

VfioRegion FakeVfio::region_info(int, uint32_t index) {
    VfioRegion region{.size = 0,
                      .offset = uint64_t{index} << kRegionShift,
                      .readable = true,
                      .writable = true,
                      .mappable = {}};
    if (index == VFIO_PCI_BAR0_REGION_INDEX) {
        region.size = kBarSize;
        if (mappable)
            region.mappable = {{0, kBarSize}};
    } else if (index == VFIO_PCI_CONFIG_REGION_INDEX) {
        region.size = config.size();
    }
    return region;
}

VfioIrqs FakeVfio::irq_info(int, uint32_t) {
    return {.count = vectors_, .resizable = resizable};
}

void FakeVfio::set_irqs(int, uint32_t index, uint32_t start, std::span<const int> fds) {
    record_or_throw(fmt::format("set_irqs {} {}+{}", index, start, fds.size()));
    if (!armed.empty() && !resizable && start + fds.size() > armed.size())
        throw Error(ErrorCode::kSystem, "cannot set interrupts: {}", std::strerror(EINVAL));
    for (uint32_t i = 0; i < fds.size(); ++i)
        armed[start + i] = UniqueFd(fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, 0));
}

void FakeVfio::disable_irqs(int, uint32_t index) {
    record_or_throw(fmt::format("disable_irqs {}", index));
    armed.clear();
}

void FakeVfio::reset_device(int) {
    record_or_throw("reset_device");
}

bool FakeVfio::read(int, uint64_t offset, std::span<uint8_t> data) {
    const uint64_t at = offset & ((uint64_t{1} << kRegionShift) - 1);
    const bool is_config = offset >> kRegionShift == VFIO_PCI_CONFIG_REGION_INDEX;
    const std::vector<uint8_t>& bytes = is_config ? config : bar;
    if (at + data.size() > bytes.size())
        return false;
    std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(at), data.size(), data.begin());
    return true;
}

bool FakeVfio::write(int, uint64_t offset, std::span<const uint8_t> data) {
    const uint64_t at = offset & ((uint64_t{1} << kRegionShift) - 1);
    const bool is_config = offset >> kRegionShift == VFIO_PCI_CONFIG_REGION_INDEX;
    std::vector<uint8_t>& bytes = is_config ? config : bar;
    if (at + data.size() > bytes.size())
        return false;
    record(fmt::format("write {} {:#x} {}", is_config ? "config" : "bar", at, data.size()));
    std::copy(data.begin(), data.end(), bytes.begin() + static_cast<ptrdiff_t>(at));
    return true;
}

void* FakeVfio::map(int, uint64_t, uint64_t size, bool) {
    void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED)
        throw errno_error("map");
    mapped_.insert(address);
    return address;
}

void FakeVfio::unmap(void* address, uint64_t size) {
    mapped_.erase(address);
    munmap(address, size);
}

}  // namespace cpr::vmm::fakes

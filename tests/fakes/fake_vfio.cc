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
    put(config, 0x40, PCI_CAP_ID_PM | kMsi << 8, 2);
    put(config, kMsi, PCI_CAP_ID_MSI | kMsix << 8, 2);
    set_msi(PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 3 << 1);
    put(config, kMsix, PCI_CAP_ID_MSIX | kExpress << 8, 2);
    put(config, 0x62, vectors - 1, 2);
    put(config, 0x64, 0x2000, 4);
    put(config, 0x68, 0x3000, 4);
    put(config, kExpress, PCI_CAP_ID_EXP, 2);
    put(config, 0x72, 2 | PCI_EXP_TYPE_RC_END << 4, 2);
    put(config, 0x74, PCI_EXP_DEVCAP_FLR, 4);
    put(config, 0x100, PCI_EXT_CAP_ID_ARI | 1 << 16 | 0x140u << 20, 4);
    put(config, 0x140, PCI_EXT_CAP_ID_SRIOV | 1 << 16 | 0x180u << 20, 4);
    put(config, 0x180, PCI_EXT_CAP_ID_ERR | 1 << 16, 4);
}

void FakeVfio::set_msi(uint16_t flags) {
    put(config, kMsi + PCI_MSI_FLAGS, flags, 2);
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

namespace {

void write_event(const UniqueFd& event) {
    const uint64_t one = 1;
    if (event && ::write(event.get(), &one, 8) != 8)
        throw errno_error("signal");
}

}  // namespace

void FakeVfio::signal(uint32_t vector, const std::string& host) {
    Irqs& irqs = devices.at(host);
    const auto found = irqs.armed.find(vector);
    if (found != irqs.armed.end())
        write_event(found->second);
}

// drivers/vfio/pci/vfio_pci_intrs.c, vfio_intx_handler().
void FakeVfio::raise(Irqs& irqs) {
    const bool disabled = config[PCI_COMMAND + 1] & PCI_COMMAND_INTX_DISABLE >> 8;
    if (irqs.index != VFIO_PCI_INTX_IRQ_INDEX || !irqs.asserted || irqs.masked || disabled)
        return;
    irqs.masked = true;
    write_event(irqs.armed[0]);
}

void FakeVfio::assert_pin(bool level, const std::string& host) {
    devices.at(host).asserted = level;
    raise(devices.at(host));
}

void FakeVfio::serve_unmasks() {
    for (auto& [host, irqs] : devices) {
        uint64_t count = 0;
        if (!irqs.unmask || ::read(irqs.unmask.get(), &count, sizeof(count)) < 0)
            continue;
        irqs.masked = false;
        raise(irqs);
    }
}

FakeVfio::Irqs& FakeVfio::irqs_of(int device) {
    return devices.at(hosts_.at(inode(device)));
}

uint32_t FakeVfio::group_of(const std::string& host) {
    const auto found = groups.find(host);
    return found == groups.end() ? 7 : found->second;
}

UniqueFd FakeVfio::open_container() {
    record_or_throw("open_container");
    UniqueFd fd = make_memfd("container");
    containers[inode(fd.get())] = {};
    return fd;
}

UniqueFd FakeVfio::open_group(uint32_t number) {
    record_or_throw(fmt::format("open_group {}", number));
    UniqueFd fd = make_memfd("group");
    group_numbers_[inode(fd.get())] = number;
    return fd;
}

UniqueFd FakeVfio::open_device(int, const std::string& host) {
    record_or_throw("open_device " + host);
    UniqueFd fd = make_memfd("device");
    hosts_[inode(fd.get())] = host;
    devices[host] = {};
    return fd;
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

void FakeVfio::set_container(int group, int container) {
    const uint32_t number = group_numbers_.at(inode(group));
    Container& target = this->container(container);
    if (!target.groups.empty() && (loners.contains(number) || loners.contains(target.groups[0])))
        throw Error(ErrorCode::kSystem, "cannot add group {}: {}", number, std::strerror(EINVAL));
    record_or_throw("set_container");
    target.groups.push_back(number);
}

bool FakeVfio::is_viable(int) {
    return viable;
}

std::optional<uint32_t> FakeVfio::mappings_left(int container) {
    if (!tells_mappings_left)
        return std::nullopt;
    return kDmaEntryLimit - static_cast<uint32_t>(this->container(container).mappings.size());
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

VfioIrqs FakeVfio::irq_info(int, uint32_t index) {
    return {.count = vectors_, .resizable = resizable && index == VFIO_PCI_MSIX_IRQ_INDEX};
}

uint32_t FakeVfio::set_irqs(int device, uint32_t index, uint32_t start, std::span<const int> fds) {
    record_or_throw(fmt::format("set_irqs {} {}+{}", index, start, fds.size()));
    Irqs& irqs = irqs_of(device);
    const bool grows = start + fds.size() > irqs.armed.size();
    if ((irqs.index >= 0 && irqs.index != static_cast<int>(index)) ||
        (irqs.index >= 0 && grows && !irq_info(device, index).resizable))
        throw Error(ErrorCode::kSystem, "cannot set interrupts: {}", std::strerror(EINVAL));
    if (start + fds.size() > host_vectors)
        return host_vectors;
    irqs.index = static_cast<int>(index);
    for (uint32_t i = 0; i < fds.size(); ++i)
        irqs.armed[start + i] = UniqueFd(fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, 0));
    raise(irqs);
    return 0;
}

void FakeVfio::set_unmask(int device, int eventfd) {
    record_or_throw("set_unmask");
    Irqs& irqs = irqs_of(device);
    if (irqs.index != VFIO_PCI_INTX_IRQ_INDEX)
        throw Error(ErrorCode::kSystem, "cannot set unmask: {}", std::strerror(EINVAL));
    irqs.unmask.reset(fcntl(eventfd, F_DUPFD_CLOEXEC, 0));
}

void FakeVfio::disable_irqs(int device, uint32_t index) {
    record_or_throw(fmt::format("disable_irqs {}", index));
    Irqs& irqs = irqs_of(device);
    if (irqs.index != static_cast<int>(index))
        throw Error(ErrorCode::kSystem, "cannot disable interrupts: {}", std::strerror(EINVAL));
    const bool asserted = irqs.asserted;
    irqs = {};
    irqs.asserted = asserted;
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

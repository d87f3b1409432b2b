// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/vfio_pci.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "vmm/pci/pci_bus.h"

namespace cpr::vmm {
namespace {

// Checks the properties, and returns the host device.
std::string host_of(const DeviceConfig& config) {
    static const std::set<std::string> kKnown = {"host", "bus", "addr", "multifunction", "rombar"};
    if (config.properties.contains("sysfsdev"))
        throw Error(ErrorCode::kUnsupported,
                    "sysfsdev= (a mediated device) is not supported: only host= is");
    for (const auto& [name, value] : config.properties)
        if (!kKnown.contains(name))
            throw Error(ErrorCode::kUnsupported, "property '{}' is not supported", name);
    const auto rom = config.properties.find("rombar");
    if (rom != config.properties.end() && rom->second != "0" && rom->second != "off")
        throw Error(ErrorCode::kUnsupported, "rombar={}: the expansion ROM is never visible",
                    rom->second);
    const auto host = config.properties.find("host");
    if (host == config.properties.end())
        throw Error(ErrorCode::kInvalidArgument, "property 'host' is missing");
    return parse_host_pci_address(host->second);
}

}  // namespace

VfioPciState VfioPciState::upgrade(const VfioPciStateV1& old) {
    return {.host = old.host,
            .group = old.group,
            .pci = old.pci,
            .interrupts = {.msix = old.msix, .msi = {}, .intx = {}}};
}

VfioPci::VfioPci(const DeviceConfig& config, const DeviceContext& context)
    : StatefulDevice(config.id, context),
      PciFunction(config.id, StatefulDevice::state_.pci, restored()),
      vfio_(*context.vfio) {
    attach(*context.pci, config);
    std::string host;
    try {
        host = host_of(config);
        if (context.restored && context.restored->rehearsal) {
            take(host, *context.restored);
            VfioInterrupts::rehearse(id(), state_.interrupts, context.restored->fds);
            return;
        }
        open(host, context.restored);
        build(context);
    } catch (const Error& error) {
        vfio_.freeze();
        throw error.within(host.empty() ? Text("device '{}'", id())
                                        : Text("device '{}' (host device {})", id(), host));
    }
}

VfioPci::~VfioPci() {
    vfio_.freeze();
    unmap_bars();
}

void VfioPci::take(const std::string& host, Restored& restored) {
    if (state_.host != host)
        throw Error(ErrorCode::kCorruptState, "the state is of host device {}", state_.host);
    vfio_.restored_group(state_.group);
    device_ = restored.fds.take(fd_name());
}

void VfioPci::open(const std::string& host, Restored* restored) {
    if (restored) {
        take(host, *restored);
    } else {
        const VfioManager::Group group = vfio_.group_of(host);
        device_ = vfio_.api().open_device(group.fd, host);
        state_.host = host;
        state_.group = group.number;
    }
    const VfioDeviceInfo info = vfio_.api().device_info(device_.get());
    if (!info.is_pci || info.regions <= VFIO_PCI_CONFIG_REGION_INDEX)
        throw Error(ErrorCode::kUnsupported, "VFIO says that it is no PCI device");
    can_reset_ = info.can_reset;
}

void VfioPci::build(const DeviceContext& context) {
    VfioApi& api = vfio_.api();
    layout_.emplace(api, device_.get(),
                    api.region_info(device_.get(), VFIO_PCI_CONFIG_REGION_INDEX), config());
    if (layout_->device_value(PCI_HEADER_TYPE, 1) & 0x7f)
        throw Error(ErrorCode::kUnsupported,
                    "it is a bridge; only endpoints can be passed through");
    layout_->build({.behind_port = bus()->bridge() != nullptr,
                    .show_msi = !restored() || state_.interrupts.msi,
                    .show_intx = !restored() || state_.interrupts.intx});
    build_interrupts(context);
    build_bars(context);
    complete();
    if (!restored())
        interrupts_->start();
}

VfioPci::MsixPlace VfioPci::msix_place(uint8_t reg, size_t size) const {
    const uint32_t value = layout_->device_value(layout_->msix() + size_t{reg}, 4);
    MsixPlace place{value & PCI_MSIX_TABLE_BIR, value & PCI_MSIX_TABLE_OFFSET, 0};
    const VfioRegion region =
        place.bar < kPciBars ? vfio_.api().region_info(device_.get(), place.bar) : VfioRegion{};
    if (place.offset > region.size || size > region.size - place.offset)
        throw Error(ErrorCode::kUnsupported, "its MSI-X structures lie outside of its BARs");
    place.in_device = region.offset + place.offset;
    return place;
}

void VfioPci::build_interrupts(const DeviceContext& context) {
    interrupts_.emplace(VfioInterrupts::Setup{.api = vfio_.api(),
                                              .interrupts = context.interrupts,
                                              .device = device_.get(),
                                              .name = id(),
                                              .layout = *layout_,
                                              .config = config(),
                                              .gsi = intx_line()},
                        state_.interrupts, context.restored ? &context.restored->fds : nullptr);
    if (const Msix* msix = interrupts_->msix()) {
        table_ = msix_place(PCI_MSIX_TABLE, msix->table_size());
        pending_ = msix_place(PCI_MSIX_PBA, msix->pba_size());
    }
}

void VfioPci::read_pending(uint64_t offset, std::span<uint8_t> data) {
    if (!vfio_.api().read(device_.get(), pending_.in_device + offset, data))
        std::ranges::fill(data, uint8_t{0});
    interrupts_->msix()->overlay_pending(offset, data);
}

std::vector<VfioBar::Overlay> VfioPci::overlays(unsigned bar) {
    std::vector<VfioBar::Overlay> result;
    Msix* msix = interrupts_->msix();
    if (msix && table_.bar == bar)
        result.push_back(
            {table_.offset, msix->table_size(),
             [msix](uint64_t at, std::span<uint8_t> data) { msix->read_table(at, data); },
             [msix](uint64_t at, std::span<const uint8_t> data) { msix->write_table(at, data); }});
    if (msix && pending_.bar == bar)
        result.push_back({pending_.offset, msix->pba_size(),
                          [this](uint64_t at, std::span<uint8_t> data) { read_pending(at, data); },
                          [](uint64_t, std::span<const uint8_t>) {}});
    return result;
}

void VfioPci::build_bars(const DeviceContext& context) {
    for (unsigned i = 0; i < kPciBars; ++i) {
        build_bar(i, context);
        if (bar(i).kind == PciBar::Kind::kMemory64)
            ++i;
    }
}

void VfioPci::build_bar(unsigned index, const DeviceContext& context) {
    VfioRegion region = vfio_.api().region_info(device_.get(), index);
    if (region.size == 0)
        return;
    const uint32_t value = layout_->device_value(PCI_BASE_ADDRESS_0 + 4U * index, 4);
    PciBar bar{.kind = PciBar::Kind::kMemory32,
               .size = region.size,
               .prefetchable = (value & PCI_BASE_ADDRESS_MEM_PREFETCH) != 0};
    if (value & PCI_BASE_ADDRESS_SPACE_IO)
        bar = {.kind = PciBar::Kind::kIo, .size = region.size, .prefetchable = false};
    else if (value & PCI_BASE_ADDRESS_MEM_TYPE_64)
        bar.kind = PciBar::Kind::kMemory64;
    add_bar(index, bar);
    const bool is_io = bar.kind == PciBar::Kind::kIo;
    vfio_bars_[index] =
        std::make_unique<VfioBar>(VfioBar::Setup{.api = vfio_.api(),
                                                 .memory = context.memory,
                                                 .bus = is_io ? context.ports : context.mmio,
                                                 .device = device_.get(),
                                                 .region = std::move(region),
                                                 .name = fmt::format("{} BAR {}", id(), index),
                                                 .is_io = is_io},
                                  overlays(index));
}

bool VfioPci::decodes(PciBar::Kind kind) const {
    const uint8_t power = layout_->power();
    // Outside of D0 the kernel lets nobody at the BARs.
    const bool awake = !power || !(config().get16(power + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK);
    return awake && PciFunction::decodes(kind);
}

void VfioPci::map_bar(unsigned index, uint64_t address) {
    vfio_bars_[index]->map(address);
}

void VfioPci::unmap_bar(unsigned index) {
    vfio_bars_[index]->unmap();
}

void VfioPci::config_read(size_t offset, std::span<uint8_t> data) {
    interrupts_->before_config_read(offset, data.size());
    layout_->read(offset, data);
}

void VfioPci::config_write(size_t offset, std::span<const uint8_t> data) {
    if (layout_->asks_for_reset(offset, data)) {
        reset();
        return;
    }
    config().write(offset, data);
    // The device stops answering after we stop asking, and the other way round.
    stop_decoding();
    layout_->pass_on(offset, data);
    start_decoding();
    interrupts_->config_written(offset, data.size());
}

void VfioPci::reset() {
    interrupts_->stop();
    reset_function();
    // Without bus mastering there is no DMA into the guest's memory while the device is reset, nor
    // after it.
    layout_->pass_on_command();
    reset_host_device();
    layout_->pass_on_command();
    try {
        interrupts_->start();
    } catch (const Error& error) {
        log::error("device '{}': {}", id(), error.message());
    }
}

void VfioPci::reset_host_device() {
    if (!can_reset_) {
        log::warning("device '{}': the host cannot reset {}", id(), state_.host);
        return;
    }
    try {
        vfio_.api().reset_device(device_.get());
    } catch (const Error& error) {
        log::error("device '{}': {}", id(), error.message());
    }
}

void VfioPci::keep(state::OutgoingFds& fds) const {
    fds.add(fd_name(), 0, device_.get());
    interrupts_->keep(fds);
}

void VfioPci::detach_interrupts() {
    interrupts_->detach();
}

void VfioPci::attach_interrupts() {
    interrupts_->attach();
}

std::unique_ptr<Device> make_vfio_pci(const DeviceConfig& config, const DeviceContext& context) {
    return std::make_unique<VfioPci>(config, context);
}

}  // namespace cpr::vmm

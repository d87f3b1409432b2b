// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/device/catalog.h"

#include <algorithm>

#include "vmm/core/machine_impl.h"
#include "vmm/device/acpi_pm.h"
#include "vmm/device/cmos_rtc.h"
#include "vmm/device/pvpanic.h"
#include "vmm/device/reset_control.h"
#include "vmm/device/serial16550.h"
#include "vmm/pci/pci_host.h"
#include "vmm/pci/root_port.h"
#include "vmm/vfio/vfio_manager.h"
#include "vmm/vfio/vfio_pci.h"

namespace cpr::vmm {
namespace {

template <typename State>
StateKind kind_of() {
    return {State::kKind, State::kVersion, state::oldest_read<State>()};
}

// A device of the platform that needs nothing but its context.
template <typename PlatformDevice>
std::unique_ptr<Device> make_platform_device(const DeviceConfig&, const DeviceContext& context) {
    return std::make_unique<PlatformDevice>(context);
}

std::unique_ptr<Device> make_rtc(const DeviceConfig& config, const DeviceContext& context) {
    const auto base = config.properties.find("base");
    return std::make_unique<CmosRtc>(context,
                                     base == config.properties.end() || base->second == "utc");
}

std::unique_ptr<Device> make_vfio(const DeviceConfig&, const DeviceContext& context) {
    return std::make_unique<VfioManager>(context, make_vfio_api());
}

}  // namespace

std::span<const DeviceType> device_catalog() {
    static const std::vector<DeviceType> kCatalog{
        {.driver = "pci-host",
         .on_command_line = false,
         .is_pci = false,
         .sections = {kind_of<PciHostState>()},
         .properties = {},
         .make = make_platform_device<PciHost>},
        {.driver = "acpi-pm",
         .on_command_line = false,
         .is_pci = false,
         .sections = {kind_of<AcpiPmState>()},
         .properties = {},
         .make = make_platform_device<AcpiPm>},
        {.driver = "cmos-rtc",
         .on_command_line = false,
         .is_pci = false,
         .sections = {kind_of<CmosRtcState>()},
         .properties = {},
         .make = make_rtc},
        {.driver = "reset-control",
         .on_command_line = false,
         .is_pci = false,
         .sections = {kind_of<ResetControlState>()},
         .properties = {},
         .make = make_platform_device<ResetControl>},
        {.driver = "isa-serial",
         .on_command_line = true,
         .is_pci = false,
         .sections = {kind_of<Serial16550State>()},
         .properties = {{"chardev", "str", "id of the character device behind the port"},
                        {"index", "uint32", "number of the port, 0 for COM1"}},
         .make = make_serial16550},
        {.driver = "pvpanic",
         .on_command_line = true,
         .is_pci = false,
         .sections = {kind_of<PvpanicState>()},
         .properties = {{"ioport", "uint16", "the port, 0x505 if it is not given"}},
         .make = make_pvpanic,
         .only_one = true},
        {.driver = "pcie-root-port",
         .on_command_line = true,
         .is_pci = true,
         .sections = {kind_of<RootPortState>()},
         .properties = {{"port", "uint8", "number of the port in its link capabilities"},
                        {"chassis", "uint8", "slot number if 'slot' is not given"},
                        {"slot", "uint16", "physical slot number"},
                        {"hotplug", "bool", "off: nothing is plugged while the guest runs"},
                        {"multifunction", "bool", "the slot has several functions"}},
         .make = make_root_port},
        {.driver = "vfio",
         .on_command_line = false,
         .is_pci = false,
         .sections = {kind_of<VfioManagerState>()},
         .properties = {},
         .make = make_vfio},
        {.driver = "vfio-pci",
         .on_command_line = true,
         .is_pci = true,
         .sections = {kind_of<VfioPciState>()},
         .properties = {{"host", "str", "the host's PCI device, DDDD:BB:SS.F"},
                        {"multifunction", "bool", "the slot has several functions"},
                        {"rombar", "uint32", "0: the expansion ROM is never visible"}},
         .make = make_vfio_pci},
    };
    return kCatalog;
}

const DeviceType* find_device_type(std::string_view driver) {
    const auto types = device_catalog();
    const auto found = std::ranges::find(types, driver, &DeviceType::driver);
    return found == types.end() ? nullptr : &*found;
}

std::vector<StateKind> state_kinds() {
    std::vector<StateKind> kinds{kind_of<MachineState>(), kind_of<VcpuState>(),
                                 kind_of<IrqchipState>(), kind_of<GuestClockState>()};
    for (const DeviceType& type : device_catalog())
        kinds.insert(kinds.end(), type.sections.begin(), type.sections.end());
    return kinds;
}

}  // namespace cpr::vmm

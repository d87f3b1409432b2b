// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/transfer_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace cpr::controller::qemu {
namespace {

constexpr std::string_view kVfio = "vfio-";

std::string driver_of(const Option& device) {
    return device.value("driver");
}

void add(std::vector<Blocker>& blockers, const char* id, Text reason, Text remedy) {
    blockers.push_back({id, std::move(reason), std::move(remedy)});
}

void check_version(const ArgumentModel& line, const Version& version,
                   std::vector<Blocker>& blockers) {
    const Version needed = uses_vfio(line) ? kFirstVfioTransfer : kFirstTransfer;
    if (version < needed)
        add(blockers, kTooOldBlocker,
            Text("QEMU {} cannot hand this guest over: that takes {}", version.text(),
                 needed.text()),
            Text("use QEMU {} or later, and start the domain anew", needed.text()));
}

// A queue of a tap device can be attached once.
void check_networks(const ArgumentModel& line, std::vector<Blocker>& blockers) {
    for (const Option* netdev : line.all("netdev")) {
        const std::string type = netdev->value("type");
        const bool passed = netdev->get("fd") || netdev->get("fds");
        if (type.starts_with("vhost-"))
            add(blockers, kVhostBlocker,
                Text("network '{}' is in the hands of another process ({})", netdev->id(), type),
                N_("use a network without vhost-user or vDPA, and start the domain anew"));
        else if (type == "tap" && !passed)
            add(blockers, kTapBlocker,
                Text("QEMU has opened the tap device of network '{}' itself, and no other "
                     "can open it as long as it runs",
                     netdev->id()),
                N_("let libvirt make the tap device (<interface>), and start the domain anew"));
        else if (type != "tap" && type != "hubport")
            add(blockers, kNetworkBlocker,
                Text("the connections of network '{}' are QEMU's own, and end with it ({})",
                     netdev->id(), type),
                N_("use a tap device (<interface type='network'> or 'bridge'), and start the "
                   "domain "
                   "anew"));
    }
}

// VNC is looked at where its relay is known.
void check_displays(const ArgumentModel& line, std::vector<Blocker>& blockers) {
    if (line.has("spice"))
        add(blockers, kDisplayBlocker,
            N_("the guest has a SPICE display, whose ports QEMU does not give up for the next one"),
            N_("use <graphics type='vnc'>, and start the domain anew"));
    for (const Option* option : line.all("display")) {
        const std::string argument = option->argument();
        if (argument != "none" && !argument.starts_with("none,"))
            add(blockers, kDisplayBlocker,
                Text("the guest has a display that other processes use ({})", option->describe()),
                N_("use <graphics type='vnc'>, and start the domain anew"));
    }
}

void check_devices(const ArgumentModel& line, std::vector<Blocker>& blockers) {
    for (const Option* device : line.all("device")) {
        const std::string driver = driver_of(*device);
        if (driver.starts_with("vhost-"))
            add(blockers, kVhostBlocker,
                Text("device '{}' is in the hands of another process ({})", device->id(), driver),
                N_("remove the device"));
        if (driver.starts_with(kVfio) && device->get("sysfsdev"))
            add(blockers, kMdevBlocker, Text("device '{}' is a mediated device", device->id()),
                N_("detach the device (virsh detach-device)"));
        if (driver.starts_with(kVfio) && device->get("fd") && device->id().empty())
            add(blockers, kNotReproducibleBlocker,
                N_("a VFIO device was passed by descriptor, and has no id"), kRestartRemedy);
    }
    for (const Option* tpm : line.all("tpmdev"))
        add(blockers, kTpmBlocker,
            Text("the state of TPM '{}' is in another process, which serves one QEMU", tpm->id()),
            N_("remove <tpm>, and start the domain anew"));
}

// Without the filter nobody would know what a QEMU that has died had claimed of a device's memory.
void check_vfio_exec(const ArgumentModel& line, bool confined, std::vector<Blocker>& blockers) {
    const auto has_device = [&line](std::string_view name) {
        return std::ranges::any_of(line.all("device"), [name](const Option* device) {
            return driver_of(*device).find(name) != std::string::npos;
        });
    };
    const auto refuse = [&](const Text& why) {
        add(blockers, kExecDeviceBlocker,
            Text("a passthrough device could not be brought back if an update in mode exec failed: "
                 "{}",
                 why),
            N_("update in mode transfer"));
    };
    if (!confined)
        refuse(N_("QEMU was started without libvirt's sandbox (seccomp_sandbox in qemu.conf)"));
    if (has_device("-iommu"))
        refuse(N_("the guest has an IOMMU"));
    for (const Option* device : line.all("device"))
        if (driver_of(*device).starts_with(kVfio) && device->get("fd"))
            refuse(Text("device '{}' was passed by descriptor", device->id()));
    for (const Option* object : line.all("object"))
        if (object->value("qom-type") == "iommufd")
            refuse(N_("it is used by iommufd"));
}

}  // namespace

bool uses_vfio(const ArgumentModel& line) {
    return !vfio_devices(line).empty();
}

std::set<std::string> vfio_devices(const ArgumentModel& line) {
    std::set<std::string> ids;
    for (const Option* device : line.all("device"))
        if (driver_of(*device).starts_with(kVfio))
            ids.insert(device->id());
    return ids;
}

std::vector<Blocker> check_exec(const ArgumentModel& line, const Version& version, bool confined) {
    std::vector<Blocker> blockers;
    if (version < kFirstExec)
        add(blockers, kTooOldBlocker,
            Text("QEMU {} cannot execute another program: that takes {}", version.text(),
                 kFirstExec.text()),
            Text("update in mode transfer, or use QEMU {} or later and start the domain anew",
                 kFirstExec.text()));
    if (uses_vfio(line))
        check_vfio_exec(line, confined, blockers);
    return blockers;
}

std::vector<Blocker> check_transfer(const ArgumentModel& line, const Version& version) {
    std::vector<Blocker> blockers;
    check_version(line, version, blockers);
    check_networks(line, blockers);
    check_displays(line, blockers);
    check_devices(line, blockers);
    return blockers;
}

}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/option_table.h"

#include <algorithm>
#include <array>

namespace cpr::controller::qemu {
namespace {

using enum ArgumentForm;

// Of QEMU 10.0 to 11.1 on x86. Whether an option takes an argument decides where the next one
// begins, so there is no default for others. Without those that change other options from afar:
// -set and -readconfig.
constexpr std::array kOptions{
    OptionKind{"D", kText},
    OptionKind{"L", kText},
    OptionKind{"M", kPairs, "type", "machine"},
    OptionKind{"S", kNone},
    OptionKind{"accel", kPairs, "accel"},
    OptionKind{"acpitable", kPairs},
    OptionKind{"action", kPairs},
    OptionKind{"add-fd", kPairs},
    OptionKind{"append", kText},
    OptionKind{"audio", kPairs, "driver"},
    OptionKind{"audiodev", kPairsOrJson, "driver"},
    OptionKind{"bios", kText},
    OptionKind{"blockdev", kPairsOrJson, "driver"},
    OptionKind{"boot", kPairs, "order"},
    OptionKind{"cdrom", kText},
    OptionKind{"chardev", kPairs, "backend"},
    OptionKind{"compat", kPairsOrJson},
    OptionKind{"cpu", kText},
    OptionKind{"d", kText},
    OptionKind{"daemonize", kNone},
    OptionKind{"debugcon", kText},
    OptionKind{"device", kPairsOrJson, "driver"},
    OptionKind{"dfilter", kText},
    OptionKind{"display", kPairsOrJson, "type"},
    OptionKind{"drive", kPairs},
    OptionKind{"dtb", kText},
    OptionKind{"dump-vmstate", kText},
    OptionKind{"echr", kText},
    OptionKind{"enable-kvm", kNone},
    OptionKind{"enable-sync-profile", kNone},
    OptionKind{"fda", kText},
    OptionKind{"fdb", kText},
    OptionKind{"fsdev", kPairs, "fsdriver"},
    OptionKind{"full-screen", kNone},
    OptionKind{"fw_cfg", kPairs, "name"},
    OptionKind{"g", kText},
    OptionKind{"gdb", kText},
    OptionKind{"global", kPairs},
    OptionKind{"h", kNone},
    OptionKind{"hda", kText},
    OptionKind{"hdb", kText},
    OptionKind{"hdc", kText},
    OptionKind{"hdd", kText},
    OptionKind{"help", kNone},
    OptionKind{"icount", kPairs, "shift"},
    OptionKind{"incoming", kText},
    OptionKind{"initrd", kText},
    OptionKind{"iscsi", kPairs},
    OptionKind{"jitdump", kNone},
    OptionKind{"k", kText},
    OptionKind{"kernel", kText},
    OptionKind{"loadvm", kText},
    OptionKind{"m", kPairs, "size"},
    OptionKind{"machine", kPairs, "type"},
    OptionKind{"mem-path", kText},
    OptionKind{"mem-prealloc", kNone},
    OptionKind{"mon", kPairs, "chardev"},
    OptionKind{"monitor", kText},
    OptionKind{"msg", kPairs},
    OptionKind{"mtdblock", kText},
    OptionKind{"name", kPairs, "guest"},
    OptionKind{"net", kPairs, "type"},
    OptionKind{"netdev", kPairsOrJson, "type"},
    OptionKind{"nic", kPairs, "type"},
    OptionKind{"no-fd-bootchk", kNone},
    OptionKind{"no-reboot", kNone},
    OptionKind{"no-shutdown", kNone},
    OptionKind{"no-user-config", kNone},
    OptionKind{"nodefaults", kNone},
    OptionKind{"nographic", kNone},
    OptionKind{"numa", kPairs, "type"},
    OptionKind{"object", kPairsOrJson, "qom-type"},
    OptionKind{"only-migratable", kNone},
    OptionKind{"option-rom", kPairs, "romfile"},
    OptionKind{"overcommit", kPairs},
    OptionKind{"parallel", kText},
    OptionKind{"perfmap", kNone},
    OptionKind{"pflash", kText},
    OptionKind{"pidfile", kText},
    OptionKind{"plugin", kPairs, "file"},
    OptionKind{"preconfig", kNone},
    OptionKind{"qmp", kText},
    OptionKind{"qmp-pretty", kText},
    OptionKind{"qtest", kText},
    OptionKind{"qtest-log", kText},
    OptionKind{"rtc", kPairs, "base"},
    OptionKind{"run-with", kPairs},
    OptionKind{"s", kNone},
    OptionKind{"sandbox", kPairs, "enable"},
    OptionKind{"sd", kText},
    OptionKind{"seed", kText},
    OptionKind{"serial", kText},
    OptionKind{"shim", kText},
    OptionKind{"smbios", kPairs},
    OptionKind{"smp", kPairs, "cpus"},
    OptionKind{"snapshot", kNone},
    OptionKind{"spice", kPairs},
    OptionKind{"tpmdev", kPairs, "type"},
    OptionKind{"trace", kPairs, "enable"},
    OptionKind{"usb", kNone},
    OptionKind{"usbdevice", kText},
    OptionKind{"uuid", kText},
    OptionKind{"version", kNone},
    OptionKind{"vga", kText},
    OptionKind{"virtfs", kPairs, "fsdriver"},
    OptionKind{"vnc", kPairs, "vnc"},
    OptionKind{"watchdog-action", kText},
    OptionKind{"win2k-hack", kNone},
    OptionKind{"xen-attach", kNone},
    OptionKind{"xen-domid", kText},
    OptionKind{"xen-domid-restrict", kNone},
};

static_assert(std::ranges::is_sorted(kOptions, {}, &OptionKind::name));

}  // namespace

const OptionKind* find_option(std::string_view name) {
    const auto found = std::ranges::lower_bound(kOptions, name, {}, &OptionKind::name);
    return found != kOptions.end() && found->name == name ? &*found : nullptr;
}

}  // namespace cpr::controller::qemu

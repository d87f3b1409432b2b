// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/monitor/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"

namespace cpr::vmm {
namespace {

using Arguments = std::vector<std::string>;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What libvirt 11.3 starts a VMM with that reports few capabilities.
Arguments libvirt_11_3() {
    return {"-name",
            "guest=g1,debug-threads=on",
            "-S",
            "-object",
            R"({"qom-type":"secret","id":"masterKey0","format":"raw","file":"/master-key.aes"})",
            "-machine",
            "pc-q35-8.2,usb=off,dump-guest-core=off,memory-backend=pc.ram,acpi=on",
            "-accel",
            "kvm",
            "-cpu",
            "host,migratable=on",
            "-m",
            "size=4194304k",
            "-object",
            R"({"qom-type":"memory-backend-memfd","id":"pc.ram","share":true,)"
            R"("x-use-canonical-path-for-ramblock-id":false,"size":4294967296})",
            "-overcommit",
            "mem-lock=off",
            "-smp",
            "2,sockets=2,cores=1,threads=1",
            "-uuid",
            "6d1f7a5e-0a3f-4c8e-9d43-0d1a52c7b111",
            "-display",
            "none",
            "-no-user-config",
            "-nodefaults",
            "-chardev",
            "socket,id=charmonitor,fd=32,server=on,wait=off",
            "-mon",
            "chardev=charmonitor,id=monitor,mode=control",
            "-rtc",
            "base=utc",
            "-no-shutdown",
            "-boot",
            "strict=on",
            "-kernel",
            "/vmlinuz",
            "-initrd",
            "/initrd.img",
            "-append",
            "console=ttyS0, x=1",
            "-add-fd",
            "set=0,fd=30,opaque=serial0-log",
            "-chardev",
            "pty,id=charserial0,logfile=/dev/fdset/0,logappend=on",
            "-device",
            R"({"driver":"isa-serial","chardev":"charserial0","id":"serial0","index":0})",
            "-add-fd",
            "set=1,fd=31,opaque=serial1-source",
            "-chardev",
            "file,id=charserial1,path=/dev/fdset/1,append=on",
            "-device",
            R"({"driver":"isa-serial","chardev":"charserial1","id":"serial1","index":1})",
            "-chardev",
            "socket,id=charserial2,fd=29,server=on,wait=off",
            "-device",
            R"({"driver":"isa-serial","chardev":"charserial2","id":"serial2","index":2})",
            "-audiodev",
            R"({"id":"audio1","driver":"none"})",
            "-global",
            "ICH9-LPC.noreboot=off",
            "-watchdog-action",
            "reset",
            "-device",
            R"({"driver":"pvpanic","ioport":1285})",
            "-msg",
            "timestamp=on"};
}

// libvirt 9.0: keys and values instead of JSON.
Arguments libvirt_9_0() {
    return {"-name",
            "guest=g,,1,debug-threads=on",
            "-S",
            "-machine",
            "pc-q35-8.2,usb=off,dump-guest-core=off,memory-backend=pc.ram",
            "-accel",
            "kvm",
            "-cpu",
            "host",
            "-m",
            "512",
            "-object",
            "memory-backend-memfd,id=pc.ram,share=yes,size=536870912",
            "-overcommit",
            "mem-lock=off",
            "-smp",
            "4,sockets=1,dies=1,cores=2,threads=2",
            "-display",
            "none",
            "-no-user-config",
            "-nodefaults",
            "-chardev",
            "socket,id=charmonitor,fd=22,server=on,wait=off",
            "-mon",
            "chardev=charmonitor,id=monitor,mode=control",
            "-rtc",
            "base=localtime",
            "-no-reboot",
            "-boot",
            "strict=on",
            "-kernel",
            "/boot/vm,,linuz",
            "-chardev",
            "null,id=charserial0",
            "-device",
            "isa-serial,chardev=charserial0,id=serial0",
            "-msg",
            "timestamp=on"};
}

// libvirt 12.8 names the monitor as an object.
Arguments libvirt_12_8() {
    Arguments line = libvirt_11_3();
    const auto mon = std::ranges::find(line, "-mon");
    mon[0] = "-object";
    mon[1] = R"({"qom-type":"monitor-qmp","id":"monitor","chardev":"charmonitor"})";
    return line;
}

TEST(Options, ReadWhatLibvirt113Generates) {
    const CommandLine line = parse_command_line(libvirt_11_3());
    const MachineConfig& machine = line.machine;
    EXPECT_EQ(line.action, CommandLine::Action::kRun);
    EXPECT_FALSE(line.dump_guest_core);
    EXPECT_FALSE(line.daemonize);
    EXPECT_EQ(machine.name, "g1");
    EXPECT_EQ(machine.uuid, "6d1f7a5e-0a3f-4c8e-9d43-0d1a52c7b111");
    EXPECT_EQ(machine.machine_type, "pc-q35-8.2");
    EXPECT_EQ(machine.memory_bytes, uint64_t{4} << 30);
    EXPECT_EQ(machine.memory_backend_id, "pc.ram");
    EXPECT_TRUE(machine.memory_shared);
    EXPECT_EQ(machine.vcpus, 2U);
    EXPECT_EQ(machine.topology.sockets, 2U);
    EXPECT_TRUE(machine.start_paused);
    EXPECT_TRUE(machine.no_shutdown);
    EXPECT_FALSE(machine.no_reboot);
    EXPECT_TRUE(machine.rtc_utc);
    EXPECT_EQ(machine.kernel, "/vmlinuz");
    EXPECT_EQ(machine.initrd, "/initrd.img");
    EXPECT_EQ(machine.cmdline, "console=ttyS0, x=1");
    EXPECT_THAT(machine.serials, ElementsAre("charserial0", "charserial1", "charserial2"));
    EXPECT_FALSE(machine.cpr_fd);
    ASSERT_EQ(machine.devices.size(), 1U);
    EXPECT_EQ(machine.devices[0].driver, "pvpanic");
    EXPECT_EQ(machine.devices[0].properties.at("ioport"), "1285");
}

TEST(Options, ReadCharacterDevicesAndPassedDescriptors) {
    const MachineConfig machine = parse_command_line(libvirt_11_3()).machine;
    ASSERT_EQ(machine.chardevs.size(), 4U);
    const ChardevConfig& monitor = machine.chardevs[0];
    EXPECT_EQ(monitor.type, ChardevConfig::Type::kSocket);
    EXPECT_EQ(monitor.fd, 32);
    EXPECT_TRUE(monitor.server);
    EXPECT_FALSE(monitor.wait);
    EXPECT_EQ(machine.chardevs[1].type, ChardevConfig::Type::kPty);
    EXPECT_EQ(machine.chardevs[1].log_fdset, 0);
    EXPECT_TRUE(machine.chardevs[1].log_append);
    EXPECT_EQ(machine.chardevs[2].type, ChardevConfig::Type::kFile);
    EXPECT_EQ(machine.chardevs[2].fdset, 1);
    EXPECT_TRUE(machine.chardevs[2].append);
    ASSERT_EQ(machine.passed_fds.size(), 2U);
    EXPECT_EQ(machine.passed_fds[1].set, 1);
    EXPECT_EQ(machine.passed_fds[1].fd, 31);
    EXPECT_EQ(machine.passed_fds[1].opaque, "serial1-source");
    ASSERT_EQ(machine.monitors.size(), 1U);
    EXPECT_EQ(machine.monitors[0].id, "monitor");
    EXPECT_EQ(machine.monitors[0].chardev, "charmonitor");
}

TEST(Options, ReadWhatLibvirt90Generates) {
    const MachineConfig machine = parse_command_line(libvirt_9_0()).machine;
    EXPECT_EQ(machine.name, "g,1");
    EXPECT_EQ(machine.memory_bytes, uint64_t{512} << 20);
    EXPECT_EQ(machine.vcpus, 4U);
    EXPECT_EQ(machine.topology.cores, 2U);
    EXPECT_EQ(machine.topology.threads, 2U);
    EXPECT_FALSE(machine.rtc_utc);
    EXPECT_TRUE(machine.no_reboot);
    // A path of its own, not a list of properties: commas are as they are.
    EXPECT_EQ(machine.kernel, "/boot/vm,,linuz");
    EXPECT_THAT(machine.serials, ElementsAre("charserial0"));
}

TEST(Options, ReadWhatLibvirt128Generates) {
    const MachineConfig machine = parse_command_line(libvirt_12_8()).machine;
    ASSERT_EQ(machine.monitors.size(), 1U);
    EXPECT_EQ(machine.monitors[0].id, "monitor");
    EXPECT_EQ(machine.monitors[0].chardev, "charmonitor");
}

TEST(Options, ReadTheCapabilityProbe) {
    const CommandLine line = parse_command_line(
        {"-S", "-no-user-config", "-nodefaults", "-nographic", "-machine", "none,accel=kvm:tcg",
         "-qmp", "unix:/var/lib/q,,x/qmp.monitor,server=on,wait=off", "-pidfile", "/q.pid",
         "-daemonize"});
    EXPECT_EQ(line.action, CommandLine::Action::kProbe);
    EXPECT_TRUE(line.daemonize);
    EXPECT_EQ(line.pid_file, "/q.pid");
    ASSERT_EQ(line.machine.chardevs.size(), 1U);
    EXPECT_EQ(line.machine.chardevs[0].path, "/var/lib/q,x/qmp.monitor");
    ASSERT_EQ(line.machine.monitors.size(), 1U);
    EXPECT_EQ(line.machine.monitors[0].chardev, line.machine.chardevs[0].id);
    // libvirt also probes without KVM.
    EXPECT_EQ(parse_command_line({"-machine", "none,accel=tcg"}).action,
              CommandLine::Action::kProbe);
}

TEST(Options, ReadTheRequestsForInformation) {
    EXPECT_EQ(parse_command_line({"--help"}).action, CommandLine::Action::kHelp);
    EXPECT_EQ(parse_command_line({"-version"}).action, CommandLine::Action::kVersion);
    EXPECT_EQ(parse_command_line({"--info"}).action, CommandLine::Action::kInfo);
    EXPECT_THAT(command_line_help(), HasSubstr("-chardev null|pty|file|socket"));
}

TEST(Options, ContinueAGuest) {
    Arguments line = libvirt_11_3();
    line.insert(line.end(), {"-cpr", "fd=17"});
    EXPECT_EQ(parse_command_line(line).machine.cpr_fd, 17);
    EXPECT_EQ(parse_command_line(line).action, CommandLine::Action::kRun);
    line.back() = "fd=17,rehearse=18";
    const CommandLine rehearsal = parse_command_line(line);
    EXPECT_EQ(rehearsal.action, CommandLine::Action::kRehearse);
    EXPECT_EQ(rehearsal.machine.cpr_fd, 17);
    EXPECT_EQ(rehearsal.machine.rehearsal_fd, 18);
}

TEST(Options, ReadCpuFeatures) {
    Arguments line = libvirt_11_3();
    *(std::ranges::find(line, "-cpu") + 1) = "host,migratable=on,-pmu,+x2apic,svm=off";
    const auto features = parse_command_line(line).machine.cpu_features;
    EXPECT_EQ(features.size(), 4U);
    EXPECT_TRUE(features.at("migratable"));
    EXPECT_FALSE(features.at("pmu"));
    EXPECT_TRUE(features.at("x2apic"));
    EXPECT_FALSE(features.at("svm"));
}

// Replaces the argument after `option`, or appends both, and gives the message of the refusal.
std::string refusal(const std::string& option, const std::string& argument) {
    Arguments line = libvirt_11_3();
    const auto found = std::ranges::find(line, option);
    if (found != line.end() && argument != "+")
        found[1] = argument;
    else
        line.insert(line.end(), {option, argument});
    try {
        parse_command_line(line);
    } catch (const Error& error) {
        return error.message();
    }
    return "accepted";
}

std::string refusal_of(Arguments more) {
    Arguments line = libvirt_11_3();
    line.insert(line.end(), more.begin(), more.end());
    try {
        parse_command_line(line);
    } catch (const Error& error) {
        return error.message();
    }
    return "accepted";
}

struct BadInput {
    Arguments more;
    std::string says;
};

TEST(Options, TakeTheSandboxAsLibvirtAsksForIt) {
    const auto sandbox = [](const std::string& argument) {
        Arguments line = libvirt_11_3();
        line.insert(line.end(), {"-sandbox", argument});
        return parse_command_line(line).sandbox;
    };
    const SandboxOptions all =
        sandbox("on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    EXPECT_TRUE(all.on && all.deny_obsolete && all.deny_elevate_privileges && all.deny_spawn &&
                all.deny_resource_control);
    const SandboxOptions some = sandbox("on,spawn=deny,obsolete=allow");
    EXPECT_TRUE(some.on && some.deny_spawn);
    EXPECT_FALSE(some.deny_obsolete || some.deny_elevate_privileges || some.deny_resource_control);
    EXPECT_FALSE(sandbox("off").on);
    EXPECT_FALSE(parse_command_line(libvirt_11_3()).sandbox.on);
}

// Libvirt's default is memory-backend-ram.
TEST(Options, KnowWhetherTheMemoryIsShared) {
    const auto shared = [](const std::string& backend) {
        Arguments line = libvirt_9_0();
        *std::ranges::find(line, "memory-backend-memfd,id=pc.ram,share=yes,size=536870912") =
            backend;
        return parse_command_line(line).machine.memory_shared;
    };
    EXPECT_TRUE(shared("memory-backend-memfd,id=pc.ram,size=536870912"));
    EXPECT_FALSE(shared("memory-backend-memfd,id=pc.ram,share=off,size=536870912"));
    EXPECT_FALSE(shared(R"({"qom-type":"memory-backend-ram","id":"pc.ram","size":536870912})"));
    EXPECT_TRUE(shared("memory-backend-ram,id=pc.ram,share=on,size=536870912"));
    EXPECT_FALSE(parse_command_line({"-machine", "q35", "-cpu", "host", "-m", "64", "-kernel", "k"})
                     .machine.memory_shared);
}

TEST(Options, KnowWhetherSomebodyControlsTheProgram) {
    Arguments line = libvirt_11_3();
    EXPECT_FALSE(has_controller(parse_command_line(line).machine));
    *std::ranges::find(line, "socket,id=charmonitor,fd=32,server=on,wait=off") =
        "socket,id=charmonitor,fd=32";
    EXPECT_TRUE(has_controller(parse_command_line(line).machine));
}

TEST(Options, RefuseAdditionsAndSayWhatAndWhere) {
    const BadInput inputs[] = {
        {{"-tpmdev", "x"}, "option '-tpmdev' (argument 67) is not supported"},
        {{"-sandbox", "perhaps"}, "'perhaps', not 'on' or 'off'"},
        {{"-sandbox", "on,spawn=maybe"}, "spawn=maybe: only 'allow' and 'deny' are supported"},
        {{"-sandbox", "on,elevateprivileges=children"}, "only 'allow' and 'deny' are supported"},
        {{"-sandbox", "on,network=deny"}, "property 'network' is not supported"},
        {{"-sandbox", "off", "-sandbox", "on"}, "option '-sandbox' is given twice"},
        {{"disk.img"}, "argument 67 ('disk.img') is no option"},
        {{"-S"}, "option '-S' is given twice"},
        {{"-initrd"}, "option '-initrd' is given twice"},
        {{"-chardev"}, "option '-chardev' needs an argument"},
        {{"-chardev", "spicevmc,id=x"}, "backend 'spicevmc'"},
        {{"-device", R"({"driver":[[1]]})"}, "property 'driver' is a list or an object"},
        {{"-chardev", "null"}, "property 'id' is missing"},
        {{"-chardev", "null,id=charserial0"}, "the id 'charserial0' is taken"},
        {{"-chardev", "pty,id=x,path=/x"}, "property 'path' is not supported"},
        {{"-chardev", "file,id=x"}, "property 'path' is missing"},
        {{"-chardev", "file,id=x,path=/dev/fdset/7"}, "there is no -add-fd with set=7"},
        {{"-chardev", "file,id=x,path=/dev/fdset/1z"}, "names no descriptor set"},
        {{"-chardev", "socket,id=x,host=localhost,port=1"}, "either 'path' or 'fd'"},
        {{"-chardev", "socket,id=x,path=/x,fd=3"}, "either 'path' or 'fd'"},
        {{"-chardev", "socket,id=x,path=/x,server=on"}, "wait=off"},
        {{"-chardev", "socket,id=x,path=/x,server=perhaps"}, "'perhaps', not 'on' or 'off'"},
        {{"-chardev", "socket,id=x,path=/x,reconnect=3"}, "only '0' is supported"},
        {{"-chardev", "socket,id=x,fd=zwei"}, "'zwei', not a number"},
        {{"-chardev", "socket,id=x,fd=4294967296"}, "more than 2147483647"},
        {{"-chardev", "null,id=x,id=y"}, "property 'id' is given twice"},
        {{"-chardev", "null,id=x,mux"}, "'mux' has no value"},
        {{"-mon", "chardev=nobody,mode=control"}, "there is no -chardev with id=nobody"},
        {{"-mon", "chardev=charserial0,mode=control"}, "has a user already"},
        {{"-mon", "chardev=charmonitor"}, "only mode=control"},
        {{"-chardev", "null,id=n", "-mon", "chardev=n,mode=control"}, "is no socket"},
        {{"-qmp", "tcp:localhost:4444"}, "only unix:PATH"},
        {{"-object", "iothread,id=io1"}, "object type 'iothread'"},
        {{"-object", "secret,id=s,file=/f,format=base64"}, "only 'raw' is supported"},
        {{"-object", "{\"qom-type\":"}, "JSON object cannot be parsed"},
        {{"-object", "memory-backend-memfd,id=b,size=1M"}, "only one memory backend"},
        {{"-object", "memory-backend-memfd,id=b,size=1x"}, "'1x', not a size"},
        {{"-object", "memory-backend-memfd,id=b,size=1M,hugetlb=on"}, "only 'off' is supported"},
        {{"-device", "virtio-net-pci,netdev=n"}, "device 'virtio-net-pci' is not supported"},
        {{"-device", "isa-serial,id=serial3"}, "property 'chardev' is missing"},
        {{"-device", "isa-serial,chardev=x,index=0"}, "serial port 0 is taken"},
        {{"-device", "isa-serial,chardev=x,index=4"}, "more than 3"},
        {{"-device", "isa-serial,chardev=x"}, "there is no -chardev with id=x"},
        {{"-device", "isa-serial,chardev=x,iobase=1"}, "property 'iobase' is not supported"},
        {{"-device", "vfio-pci,id=h,sysfsdev=/sys/bus/mdev/devices/x"}, "mediated devices"},
        {{"-device", "pvpanic,events=1"}, "device 'pvpanic' has no property 'events'"},
        {{"-add-fd", "set=1,fd=2"}, "descriptors 0 to 2"},
        {{"-add-fd", "set=1,fd=31"}, "descriptor 31 is passed twice"},
        {{"-add-fd", "fd=40"}, "property 'set' is missing"},
        {{"-global", "e1000.mac=1"}, "-global e1000.mac=1"},
        {{"-cpr", "17"}, "'17' has no value"},
        {{"-pidfile", "/a", "-pidfile", "/b"}, "option '-pidfile' is given twice"},
    };
    for (const BadInput& input : inputs)
        EXPECT_THAT(refusal_of(input.more), HasSubstr(input.says)) << input.more[0];
}

struct BadValue {
    std::string option;
    std::string argument;
    std::string says;
};

TEST(Options, RefuseValuesAndSayWhatAndWhere) {
    const BadValue inputs[] = {
        {"-machine", "pc-i440fx-8.2,memory-backend=pc.ram", "machine type 'pc-i440fx-8.2'"},
        {"-machine", "q35,memory-backend=other", "memory-backend=other: there is no such -object"},
        {"-machine", "q35", "memory backend 'pc.ram' is not used"},
        {"-machine", "q35,usb=on", "property 'usb' is 'on'"},
        {"-machine", "q35,smm=on", "property 'smm' is 'on'"},
        {"-machine", "q35,acpi=off", "property 'acpi' is 'off'"},
        {"-machine", "q35,kernel_irqchip=split", "'split': only 'on' is supported"},
        {"-machine", "q35,confidential-guest-support=x", "'confidential-guest-support'"},
        {"-accel", "tcg", "only 'kvm' is supported"},
        {"-cpu", "qemu64", "model 'qemu64'"},
        {"-cpu", "host,migratable=maybe", "'migratable=maybe'"},
        {"-cpu", "host,hv-vendor-id=x", "'hv-vendor-id=x'"},
        {"-m", "size=0", "positive number of MiB"},
        {"-m", "size=1025k", "positive number of MiB"},
        {"-m", "size=18446744073709551615g", "not a size"},
        {"-m", "size=1g", "has 4294967296 bytes, but -m asks for 1073741824"},
        {"-m", "size=1g,slots=2,maxmem=2g", "memory hotplug is not supported"},
        {"-smp", "0", "1 to 8 are supported"},
        {"-smp", "9,sockets=9", "1 to 8 are supported"},
        {"-smp", "2,maxcpus=4", "vCPU hotplug is not supported"},
        {"-smp", "2,sockets=1,cores=1,threads=1", "must be the number of vCPUs, 2"},
        {"-smp", "2,cores=0", "must be the number of vCPUs, 2"},
        {"-overcommit", "mem-lock=on", "only 'off' is supported"},
        {"-uuid", "6d1f7a5e", "this is no UUID"},
        {"-display", "sdl", "only 'none' is supported"},
        {"-rtc", "base=2020-01-01T00:00:00", "base '2020-01-01T00:00:00'"},
        {"-rtc", "base=utc,driftfix=slew", "only 'none' is supported"},
        {"-boot", "menu=on", "property 'menu' is 'on'"},
        {"-boot", "n", "property 'order' is not supported"},
        {"-name", "guest=a,process=b", "property 'process' is not supported"},
        {"-msg", "timestamp=maybe", "property 'timestamp' is 'maybe'"},
        {"-watchdog-action", "poweroff", "there is no watchdog"},
        {"-audiodev", "alsa,id=a", "only 'none' is supported"},
    };
    for (const BadValue& input : inputs)
        EXPECT_THAT(refusal(input.option, input.argument), HasSubstr(input.says)) << input.argument;
}

TEST(Options, RefuseAGuestThatIsNotWhole) {
    for (const std::string option : {"-machine", "-cpu", "-m", "-kernel"}) {
        Arguments line = libvirt_11_3();
        const auto found = std::ranges::find(line, option);
        line.erase(found, found + 2);
        try {
            parse_command_line(line);
            ADD_FAILURE() << "accepted without " << option;
        } catch (const Error& error) {
            EXPECT_THAT(error.message(), HasSubstr("option " + option + " is missing"));
        }
    }
}

}  // namespace
}  // namespace cpr::vmm

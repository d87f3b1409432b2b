// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <charconv>

#include "vmm/core/platform.h"
#include "vmm/device/catalog.h"
#include "vmm/monitor/option_table.h"

namespace cpr::vmm {
namespace {

constexpr uint64_t kMaxFd = INT32_MAX;
constexpr std::string_view kFdsetPrefix = "/dev/fdset/";
constexpr size_t kSerialPorts = std::size(platform::kSerialPort);

// The number of a path /dev/fdset/N; -1 if it is another path.
int fdset_number(const Properties& where, const std::string& path) {
    if (!path.starts_with(kFdsetPrefix))
        return -1;
    int number = -1;
    const char* end = path.data() + path.size();
    const auto parsed = std::from_chars(path.data() + kFdsetPrefix.size(), end, number);
    if (parsed.ptr != end || parsed.ec != std::errc() || number < 0)
        throw where.error(ErrorCode::kInvalidArgument, "'{}' names no descriptor set", path);
    return number;
}

void parse_socket(Properties& p, ChardevConfig& chardev) {
    chardev.type = ChardevConfig::Type::kSocket;
    if (const auto fd = p.take_number("fd", kMaxFd))
        chardev.fd = static_cast<int>(*fd);
    chardev.path = p.take("path").value_or("");
    if ((chardev.fd < 0) == chardev.path.empty())
        throw p.error(ErrorCode::kInvalidArgument, "a socket needs either 'path' or 'fd'");
    chardev.server = p.take_bool("server", false);
    chardev.wait = p.take_bool("wait", chardev.server);
    if (chardev.wait)
        throw p.error(ErrorCode::kUnsupported,
                      "waiting for a client is not supported: a server needs wait=off");
    p.only("reconnect", {"0"});
    p.only("reconnect-ms", {"0"});
    p.only("telnet", {"off"});
}

void parse_file(Properties& p, ChardevConfig& chardev) {
    chardev.type = ChardevConfig::Type::kFile;
    chardev.path = p.require("path");
    chardev.fdset = fdset_number(p, chardev.path);
    chardev.append = p.take_bool("append", false);
}

ChardevConfig parse_chardev_properties(Properties& p) {
    ChardevConfig chardev;
    const std::string backend = p.require("backend");
    chardev.id = p.require("id");
    if (backend == "null")
        chardev.type = ChardevConfig::Type::kNull;
    else if (backend == "pty")
        chardev.type = ChardevConfig::Type::kPty;
    else if (backend == "file")
        parse_file(p, chardev);
    else if (backend == "socket")
        parse_socket(p, chardev);
    else
        throw p.error(ErrorCode::kUnsupported,
                      "backend '{}': only 'null', 'pty', 'file' and 'socket' are supported",
                      backend);
    if (const auto log = p.take("logfile")) {
        chardev.log_path = *log;
        chardev.log_fdset = fdset_number(p, *log);
    }
    chardev.log_append = p.take_bool("logappend", false);
    p.only("mux", {"off"});
    p.finish();
    return chardev;
}

void parse_chardev(OptionParser& parser, const std::string& text) {
    Properties p("-chardev", text, "backend");
    ChardevConfig chardev = parse_chardev_properties(p);
    for (const ChardevConfig& other : parser.line.machine.chardevs)
        if (other.id == chardev.id)
            throw p.error(ErrorCode::kInvalidArgument, "the id '{}' is taken", chardev.id);
    parser.line.machine.chardevs.push_back(std::move(chardev));
}

void parse_mon(OptionParser& parser, const std::string& text) {
    Properties p("-mon", text, "chardev");
    MonitorConfig monitor;
    monitor.chardev = p.require("chardev");
    monitor.id = p.take("id").value_or(monitor.chardev);
    if (p.take("mode").value_or("readline") != "control")
        throw p.error(ErrorCode::kUnsupported, "only mode=control (QMP) is supported");
    p.only("pretty", {"off"});
    p.finish();
    parser.line.machine.monitors.push_back(std::move(monitor));
}

void parse_qmp(OptionParser& parser, const std::string& text) {
    constexpr std::string_view kUnix = "unix:";
    if (!text.starts_with(kUnix))
        throw Error(ErrorCode::kUnsupported,
                    "-qmp {}: only unix:PATH,server=on,wait=off is supported", text);
    const auto id = fmt::format("compat_monitor{}", parser.line.machine.monitors.size());
    const std::string rest = text.substr(kUnix.size());
    Properties p("-qmp", "path=" + rest);
    ChardevConfig chardev;
    chardev.id = id;
    parse_socket(p, chardev);
    p.finish();
    parser.line.machine.chardevs.push_back(std::move(chardev));
    parser.line.machine.monitors.push_back({id, id});
}

void parse_memory_backend(OptionParser& parser, Properties& p, bool shared) {
    MemoryBackend backend;
    backend.id = p.require("id");
    const auto size = p.take_size("size");
    if (!size)
        throw p.error(ErrorCode::kInvalidArgument, "property 'size' is missing");
    backend.size = *size;
    backend.shared = p.take_bool("share", shared);
    p.only("x-use-canonical-path-for-ramblock-id", {"on", "off"});
    p.only("hugetlb", {"off"});
    p.only("prealloc", {"off"});
    p.only("merge", {"on", "off"});
    p.only("dump", {"on"});
    p.finish();
    parser.backends.push_back(std::move(backend));
}

// libvirt gives every guest the key that its passwords are encrypted with; nothing here has any.
void parse_secret(Properties& p) {
    p.require("id");
    p.only("format", {"raw"});
    p.require("file");
    p.finish();
}

void parse_object(OptionParser& parser, const std::string& text) {
    Properties p("-object", text, "qom-type");
    const std::string type = p.require("qom-type");
    if (type == "memory-backend-memfd") {
        parse_memory_backend(parser, p, true);
    } else if (type == "memory-backend-ram") {
        parse_memory_backend(parser, p, false);
    } else if (type == "secret") {
        parse_secret(p);
    } else if (type == "monitor-qmp") {
        MonitorConfig monitor{p.require("id"), p.require("chardev")};
        p.only("pretty", {"off"});
        p.finish();
        parser.line.machine.monitors.push_back(std::move(monitor));
    } else {
        throw p.error(ErrorCode::kUnsupported,
                      "object type '{}': only 'memory-backend-memfd' (<source type='memfd'/> in "
                      "<memoryBacking>), 'memory-backend-ram' and 'monitor-qmp' are supported",
                      type);
    }
}

// Without an index a serial port gets the first that is free.
void parse_serial(OptionParser& parser, Properties& p) {
    std::vector<std::string>& serials = parser.line.machine.serials;
    const auto index = p.take_number("index", kSerialPorts - 1);
    size_t port = 0;
    if (index)
        port = *index;
    else
        port = static_cast<size_t>(std::ranges::find(serials, "") - serials.begin());
    if (port >= kSerialPorts)
        throw p.error(ErrorCode::kUnsupported, "there are only {} serial ports", kSerialPorts);
    std::vector<std::string>& ids = parser.line.machine.serial_ids;
    if (serials.size() <= port) {
        serials.resize(port + 1);
        ids.resize(port + 1);
    }
    if (!serials[port].empty())
        throw p.error(ErrorCode::kInvalidArgument, "serial port {} is taken", port);
    serials[port] = p.require("chardev");
    ids[port] = p.take("id").value_or("");
    p.finish();
}

bool has_property(const DeviceType& type, std::string_view name) {
    return std::ranges::find(type.properties, name, &PropertyInfo::name) != type.properties.end() ||
           (type.is_pci && (name == "bus" || name == "addr"));
}

// libvirt names a mediated device by its folder; nothing can hand its DMA mappings over.
void refuse_mediated_device(const Properties& p, const std::string& driver) {
    if (driver == "vfio-pci" && p.has("sysfsdev"))
        throw p.error(ErrorCode::kUnsupported,
                      "mediated devices (<hostdev type='mdev'>) are not supported, only PCI "
                      "devices of the host, with 'host'");
}

void parse_device(OptionParser& parser, const std::string& text) {
    Properties p("-device", text, "driver");
    DeviceConfig device;
    device.driver = p.require("driver");
    if (device.driver == "isa-serial") {
        parse_serial(parser, p);
        return;
    }
    const DeviceType* type = find_device_type(device.driver);
    if (!type || !type->on_command_line)
        throw p.error(ErrorCode::kUnsupported, "device '{}' is not supported", device.driver);
    refuse_mediated_device(p, device.driver);
    device.id = p.take("id").value_or("");
    for (const DeviceConfig& other : parser.line.machine.devices)
        if (!device.id.empty() && other.id == device.id)
            throw p.error(ErrorCode::kInvalidArgument, "the id '{}' is taken", device.id);
    device.properties = p.take_rest();
    for (const auto& [name, value] : device.properties)
        if (!has_property(*type, name))
            throw p.error(ErrorCode::kUnsupported, "device '{}' has no property '{}'",
                          device.driver, name);
    parser.line.machine.devices.push_back(std::move(device));
}

void parse_add_fd(OptionParser& parser, const std::string& text) {
    Properties p("-add-fd", text);
    PassedFd passed;
    passed.set = static_cast<int>(p.require_number("set", kMaxFd));
    passed.fd = static_cast<int>(p.require_number("fd", kMaxFd));
    if (passed.fd < 3)
        throw p.error(ErrorCode::kInvalidArgument, "descriptors 0 to 2 cannot be passed");
    passed.opaque = p.take("opaque").value_or("");
    p.finish();
    for (const PassedFd& other : parser.line.machine.passed_fds)
        if (other.fd == passed.fd)
            throw p.error(ErrorCode::kInvalidArgument, "descriptor {} is passed twice", passed.fd);
    parser.line.machine.passed_fds.push_back(std::move(passed));
}

void parse_audiodev(OptionParser&, const std::string& text) {
    Properties p("-audiodev", text, "driver");
    p.only("driver", {"none"});
    p.take("id");
    p.finish();
}

constexpr Option kOptions[] = {
    {"device", "DRIVER,PROPERTY=VALUE,... or JSON", "a device of the guest", true, parse_device},
    {"object", "TYPE,id=ID,... or JSON",
     "memory-backend-memfd and memory-backend-ram (id, size, share), monitor-qmp (id, chardev); "
     "secret is accepted: "
     "nothing uses it",
     true, parse_object},
    {"chardev", "null|pty|file|socket,id=ID,path=PATH,fd=N,server=on,wait=off,logfile=PATH",
     "host side of a character device", true, parse_chardev},
    {"mon", "chardev=ID,id=ID,mode=control", "QMP on a socket character device", true, parse_mon},
    {"qmp", "unix:PATH,server=on,wait=off", "QMP on a unix socket", true, parse_qmp},
    {"add-fd", "set=SET,fd=N,opaque=TEXT", "descriptor N is /dev/fdset/SET", true, parse_add_fd},
    {"audiodev", "none,id=ID or JSON", "accepted: there is no sound", true, parse_audiodev},
};

bool is_passed_set(const MachineConfig& machine, int set) {
    return std::ranges::find(machine.passed_fds, set, &PassedFd::set) != machine.passed_fds.end();
}

void check_chardev(const MachineConfig& machine, const ChardevConfig& chardev) {
    for (const int set : {chardev.fdset, chardev.log_fdset})
        if (set >= 0 && !is_passed_set(machine, set))
            throw Error(ErrorCode::kInvalidArgument,
                        "-chardev id={}: there is no -add-fd with set={}", chardev.id, set);
}

// A character device has one user.
void check_user(const MachineConfig& machine, std::vector<std::string>& used,
                const std::string& user, const std::string& chardev) {
    if (std::ranges::find(machine.chardevs, chardev, &ChardevConfig::id) == machine.chardevs.end())
        throw Error(ErrorCode::kInvalidArgument, "{}: there is no -chardev with id={}", user,
                    chardev);
    if (std::ranges::count(used, chardev) > 0)
        throw Error(ErrorCode::kInvalidArgument, "{}: chardev '{}' has a user already", user,
                    chardev);
    used.push_back(chardev);
}

}  // namespace

std::span<const Option> device_options() {
    return kOptions;
}

void finish_devices(OptionParser& parser) {
    MachineConfig& machine = parser.line.machine;
    for (const ChardevConfig& chardev : machine.chardevs)
        check_chardev(machine, chardev);
    std::vector<std::string> used;
    for (size_t port = 0; port < machine.serials.size(); ++port)
        if (!machine.serials[port].empty())
            check_user(machine, used, fmt::format("serial port {}", port), machine.serials[port]);
    for (const MonitorConfig& monitor : machine.monitors) {
        check_user(machine, used, fmt::format("monitor '{}'", monitor.id), monitor.chardev);
        const auto chardev =
            std::ranges::find(machine.chardevs, monitor.chardev, &ChardevConfig::id);
        if (chardev->type != ChardevConfig::Type::kSocket)
            throw Error(ErrorCode::kUnsupported, "monitor '{}': chardev '{}' is no socket",
                        monitor.id, monitor.chardev);
    }
}

}  // namespace cpr::vmm

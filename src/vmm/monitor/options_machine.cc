// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "vmm/monitor/option_table.h"

namespace cpr::vmm {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

void parse_accel_name(const Properties& where, std::string_view list, bool probe) {
    // The probe names a list to choose from; a guest must have KVM.
    const std::string_view first = list.substr(0, list.find(':'));
    if (first != "kvm" && !(probe && first == "tcg"))
        throw where.error(ErrorCode::kUnsupported, "accelerator '{}': only 'kvm' is supported",
                          list);
}

void parse_machine(OptionParser& parser, const std::string& text) {
    Properties p("-machine", text, "type");
    const std::string type = p.require("type");
    parser.has_machine = true;
    const bool probe = type == "none";
    if (const auto accel = p.take("accel"))
        parse_accel_name(p, *accel, probe);
    if (probe) {
        parser.line.action = CommandLine::Action::kProbe;
        p.finish();
        return;
    }
    if (type != kMachineType && type != "q35")
        throw p.error(ErrorCode::kUnsupported, "machine type '{}': only 'q35' ('{}') is supported",
                      type, kMachineType);
    parser.line.machine.machine_type = kMachineType;
    parser.line.dump_guest_core = p.take_bool("dump-guest-core", true);
    parser.line.machine.memory_backend_id = p.take("memory-backend").value_or("");
    p.only("acpi", {"on"});
    p.only("kernel-irqchip", {"on"});
    p.only("kernel_irqchip", {"on"});
    // Devices that other machines have by default, and this one never has.
    for (const std::string_view absent : {"usb", "hpet", "graphics", "nvdimm", "hmat", "mem-merge",
                                          "i8042", "sata", "suppress-vmdesc"})
        p.only(absent, {"off"});
    p.only("smm", {"off", "auto"});
    p.only("vmport", {"off", "auto"});
    p.finish();
}

void parse_accel(OptionParser&, const std::string& text) {
    Properties p("-accel", text, "accel");
    parse_accel_name(p, p.require("accel"), false);
    p.finish();
}

void parse_cpu(OptionParser& parser, const std::string& text) {
    parser.has_cpu = true;
    // +flag and -flag are an older form of flag=on and flag=off.
    std::string normal;
    for (size_t start = 0; start <= text.size();) {
        const size_t end = std::min(text.find(',', start), text.size());
        std::string part = text.substr(start, end - start);
        if (part.starts_with('+') || part.starts_with('-'))
            part = fmt::format("{}={}", part.substr(1), part[0] == '+' ? "on" : "off");
        normal += (start == 0 ? "" : ",") + part;
        start = end + 1;
    }
    Properties p("-cpu", normal, "model");
    const std::string model = p.require("model");
    if (model != "host")
        throw p.error(ErrorCode::kUnsupported,
                      "model '{}': only 'host' (host-passthrough) is supported", model);
    for (const auto& [feature, value] : p.take_rest()) {
        if (value != "on" && value != "off")
            throw p.error(ErrorCode::kUnsupported,
                          "property '{}={}': only on and off of features "
                          "are supported",
                          feature, value);
        parser.line.machine.cpu_features[feature] = value == "on";
    }
}

void parse_memory(OptionParser& parser, const std::string& text) {
    Properties p("-m", text, "size");
    const auto size = p.take_size("size", kMiB);
    if (!size || *size == 0 || *size % kMiB != 0)
        throw p.error(ErrorCode::kInvalidArgument, "the size must be a positive number of MiB");
    if (p.has("slots") || p.has("maxmem"))
        throw p.error(ErrorCode::kUnsupported,
                      "memory hotplug is not supported: remove <maxMemory>");
    parser.line.machine.memory_bytes = *size;
    p.finish();
}

void parse_smp(OptionParser& parser, const std::string& text) {
    Properties p("-smp", text, "cpus");
    const uint64_t cpus = p.require_number("cpus");
    if (cpus == 0 || cpus > kMaxVcpus)
        throw p.error(ErrorCode::kUnsupported, "{} vCPUs: 1 to {} are supported", cpus, kMaxVcpus);
    if (p.take_number("maxcpus").value_or(cpus) != cpus)
        throw p.error(ErrorCode::kUnsupported,
                      "vCPU hotplug is not supported: maxcpus must be the number of vCPUs");
    CpuTopology& topology = parser.line.machine.topology;
    topology.dies = static_cast<uint32_t>(p.take_number("dies", kMaxVcpus).value_or(1));
    topology.cores = static_cast<uint32_t>(p.take_number("cores", kMaxVcpus).value_or(1));
    topology.threads = static_cast<uint32_t>(p.take_number("threads", kMaxVcpus).value_or(1));
    const uint64_t per_socket = uint64_t{topology.dies} * topology.cores * topology.threads;
    const uint64_t sockets =
        p.take_number("sockets", kMaxVcpus).value_or(per_socket > 0 ? cpus / per_socket : 0);
    if (sockets * per_socket != cpus)
        throw p.error(ErrorCode::kInvalidArgument,
                      "sockets x dies x cores x threads must be the number of vCPUs, {}", cpus);
    topology.sockets = static_cast<uint32_t>(sockets);
    p.only("clusters", {"1"});
    p.only("modules", {"1"});
    parser.line.machine.vcpus = static_cast<uint32_t>(cpus);
    p.finish();
}

void parse_overcommit(OptionParser&, const std::string& text) {
    Properties p("-overcommit", text);
    p.only("mem-lock", {"off"});
    p.only("cpu-pm", {"off"});
    p.finish();
}

void parse_rtc(OptionParser& parser, const std::string& text) {
    Properties p("-rtc", text);
    const std::string base = p.take("base").value_or("utc");
    if (base != "utc" && base != "localtime")
        throw p.error(ErrorCode::kUnsupported,
                      "base '{}': only 'utc' and 'localtime' are supported", base);
    parser.line.machine.rtc_utc = base == "utc";
    p.only("clock", {"host"});
    p.only("driftfix", {"none"});
    p.finish();
}

void parse_boot(OptionParser&, const std::string& text) {
    // There is no firmware and no boot device but the kernel: nothing to be strict about.
    Properties p("-boot", text, "order");
    p.only("strict", {"on", "off"});
    p.only("menu", {"off"});
    p.finish();
}

// Globals whose effect this machine has anyway.
void parse_global(OptionParser&, const std::string& text) {
    constexpr std::string_view kHarmless[] = {
        "ICH9-LPC.noreboot=off",  // about the TCO watchdog, which this machine does not have
        "ICH9-LPC.disable_s3=1",
        "ICH9-LPC.disable_s4=1",
        "kvm-pit.lost_tick_policy=delay",
    };
    if (std::ranges::find(kHarmless, text) == std::end(kHarmless))
        throw Error(ErrorCode::kUnsupported, "-global {}: this property is not supported", text);
}

void parse_watchdog_action(OptionParser&, const std::string& text) {
    if (text != "reset" && text != "none")
        throw Error(
            ErrorCode::kUnsupported,
            "-watchdog-action {}: there is no watchdog; only 'reset' and 'none' are accepted",
            text);
}

constexpr Option kOptions[] = {
    {"machine", "TYPE,...", "q35, or 'none' for a monitor without a guest", false, parse_machine},
    {"accel", "kvm", "accelerator", false, parse_accel},
    {"cpu", "host,FEATURE=on|off,...", "processor model", false, parse_cpu},
    {"m", "size=SIZE", "guest memory, in MiB without a suffix", false, parse_memory},
    {"smp", "N,sockets=S,dies=D,cores=C,threads=T", "number of vCPUs", false, parse_smp},
    {"overcommit", "mem-lock=off,cpu-pm=off", "accepted with these values", false,
     parse_overcommit},
    {"rtc", "base=utc|localtime", "what the real-time clock shows", false, parse_rtc},
    {"boot", "strict=on|off", "accepted: only the kernel is booted", false, parse_boot},
    {"global", "DRIVER.PROPERTY=VALUE", "accepted where it names what this machine does anyway",
     true, parse_global},
    {"watchdog-action", "reset|none", "accepted: there is no watchdog", false,
     parse_watchdog_action},
    {"kernel", "FILE", "Linux kernel to boot", false,
     [](OptionParser& p, const std::string& text) { p.line.machine.kernel = text; }},
    {"initrd", "FILE", "initial RAM disk", false,
     [](OptionParser& p, const std::string& text) { p.line.machine.initrd = text; }},
    {"append", "TEXT", "kernel command line", false,
     [](OptionParser& p, const std::string& text) { p.line.machine.cmdline = text; }},
};

void finish_memory(OptionParser& parser) {
    MachineConfig& machine = parser.line.machine;
    if (machine.memory_bytes == 0)
        throw Error(ErrorCode::kInvalidArgument, "option -m is missing");
    if (machine.memory_backend_id.empty()) {
        machine.memory_shared = false;
        if (!parser.backends.empty())
            throw Error(ErrorCode::kInvalidArgument,
                        "memory backend '{}' is not used: -machine needs memory-backend={}",
                        parser.backends[0].id, parser.backends[0].id);
        return;
    }
    const auto backend =
        std::ranges::find(parser.backends, machine.memory_backend_id, &MemoryBackend::id);
    if (backend == parser.backends.end())
        throw Error(ErrorCode::kInvalidArgument,
                    "-machine memory-backend={}: there is no such -object",
                    machine.memory_backend_id);
    if (parser.backends.size() > 1)
        throw Error(ErrorCode::kUnsupported, "only one memory backend is supported");
    if (backend->size != machine.memory_bytes)
        throw Error(ErrorCode::kInvalidArgument,
                    "memory backend '{}' has {} bytes, but -m asks for {}", backend->id,
                    backend->size, machine.memory_bytes);
    machine.memory_shared = backend->shared;
}

}  // namespace

std::span<const Option> machine_options() {
    return kOptions;
}

void finish_machine(OptionParser& parser) {
    if (parser.line.action == CommandLine::Action::kProbe)
        return;
    if (!parser.has_machine)
        throw Error(ErrorCode::kInvalidArgument, "option -machine is missing (-machine q35)");
    if (!parser.has_cpu)
        throw Error(ErrorCode::kInvalidArgument,
                    "option -cpu is missing (-cpu host: <cpu mode='host-passthrough'/>)");
    finish_memory(parser);
    MachineConfig& machine = parser.line.machine;
    if (machine.kernel.empty() && !machine.cpr_fd)
        throw Error(ErrorCode::kUnsupported,
                    "option -kernel is missing: there is no firmware to boot from disks; add "
                    "<kernel> to the domain's <os>");
}

}  // namespace cpr::vmm

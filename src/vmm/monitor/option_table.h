// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_MONITOR_OPTION_TABLE_H
#define CPR_VMM_MONITOR_OPTION_TABLE_H

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/monitor/options.h"
#include "vmm/monitor/properties.h"

namespace cpr::vmm {

// A memory-backend-memfd or memory-backend-ram object.
struct MemoryBackend {
    std::string id;
    uint64_t size = 0;
    bool shared = false;
};

// The command line while it is being parsed: what needs other options is kept until all are known.
struct OptionParser {
    CommandLine line;
    std::vector<MemoryBackend> backends;
    bool has_machine = false;
    bool has_cpu = false;
    bool has_display = false;
    std::vector<std::string> seen;
};

// An option: QEMU's name without the dash, its argument as --help shows it (empty: it takes none),
// what it does, and whether it may be given more than once.
struct Option {
    std::string_view name;
    std::string_view argument;
    std::string_view help;
    bool repeatable;
    void (*parse)(OptionParser& parser, const std::string& argument);
};

// The machine, its processors and memory.
std::span<const Option> machine_options();
// Character devices, monitors, objects, devices and passed-in descriptors.
std::span<const Option> device_options();
// How the program itself runs.
std::span<const Option> process_options();

// The properties of an option as query-command-line-options lists them. libvirt looks there for
// what it may generate.
struct OptionKey {
    std::string_view name;
    std::string_view type;
};
struct OptionGroup {
    std::string_view name;
    std::vector<OptionKey> keys;
};
std::span<const OptionGroup> option_groups();

// Checks that need the whole command line.
void finish_machine(OptionParser& parser);
void finish_devices(OptionParser& parser);

}  // namespace cpr::vmm

#endif

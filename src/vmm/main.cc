// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/io.h"
#include "base/text_json.h"
#include "vmm/monitor/daemon.h"
#include "vmm/monitor/info.h"
#include "vmm/monitor/options.h"
#include "vmm/rehearsal.h"
#include "vmm/signals.h"
#include "vmm/version.h"
#include "vmm/vmm.h"

namespace {

using namespace cpr;
using namespace cpr::vmm;

// After an exec by descriptor the kernel has named the process after its number.
void set_process_name(const char* path) {
    prctl(PR_SET_NAME, std::filesystem::path(path).filename().c_str());
}

// Guest memory is shared anonymous memory to the kernel: bit 1 of core(5)'s filter.
void leave_guest_memory_out_of_core_dumps() {
    constexpr std::string_view kFilter = "0x31";
    const UniqueFd file(open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC));
    if (file)
        (void)!write(file.get(), kFilter.data(), kFilter.size());
}

void run(CommandLine line) {
    set_up_signals();
    // The process that was a daemon before an update is one after it.
    const bool continued = line.machine.cpr_fd.has_value();
    std::optional<Daemon> daemon;
    if (line.daemonize && !continued)
        daemon.emplace();
    if (!line.dump_guest_core)
        leave_guest_memory_out_of_core_dumps();
    Confinement confinement = confine(line.sandbox, has_controller(line.machine));
    const std::string pid_file = continued ? "" : line.pid_file;
    Vmm vmm(std::move(line), std::string(version()), std::move(confinement));
    if (!pid_file.empty())
        write_pid_file(pid_file);
    if (daemon)
        daemon->ready();
    vmm.run();
    if (!pid_file.empty())
        unlink(pid_file.c_str());
}

// The controller reads a failure from standard output, in parts that can be translated; standard
// error has it for people.
void rehearse_and_tell(const MachineConfig& config) {
    try {
        rehearse(config);
        fmt::print("rehearsed\n");
    } catch (const Error& error) {
        using nlohmann::json;
        json failure;
        put_text(failure, "desc", error.text());
        fmt::print("{}\n", failure.dump(-1, ' ', false, json::error_handler_t::replace));
        throw;
    }
}

void act(CommandLine line) {
    using Action = CommandLine::Action;
    switch (line.action) {
        case Action::kHelp:
            fmt::print("{}", command_line_help());
            break;
        case Action::kVersion:
            fmt::print("cpr-vmm {}\n", version());
            break;
        case Action::kInfo:
            fmt::print("{}\n", info_text(version()));
            break;
        case Action::kRehearse:
            // What it reads comes from a process that may be in the guest's hands.
            confine(line.sandbox, false);
            rehearse_and_tell(line.machine);
            break;
        case Action::kRun:
        case Action::kProbe:
            run(std::move(line));
            break;
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc > 0)
            set_process_name(argv[0]);
        act(parse_command_line({argv + std::min(argc, 1), argv + argc}));
        return EXIT_SUCCESS;
    } catch (const Error& error) {
        fmt::print(stderr, "cpr-vmm: {}\n", error.message());
    } catch (const std::exception& error) {
        fmt::print(stderr, "cpr-vmm: internal failure: {}\n", error.what());
    }
    return EXIT_FAILURE;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "controller/command_line.h"
#include "controller/emulator_config.h"
#include "controller/launch.h"

namespace {

// By its answer this program would pass for the VMM behind it, and could be taken for a binary to
// update to, or to stand behind itself.
void refuse_info(const cpr::controller::CommandLine& line) {
    if (line.arguments().size() > 1 && line.arguments()[1] == "--info")
        throw cpr::Error(cpr::ErrorCode::kBinaryForeign,
                         "this is an emulator program for libvirt, and no VMM itself");
}

}  // namespace

// libvirt's <emulator>: becomes the VMM that emulators.conf names for it, for a domain with a
// controller at its side. Errors go to standard error, which is the domain's log.
int main(int argc, char** argv) {
    using namespace cpr::controller;
    try {
        if (argc < 1)
            throw cpr::Error(cpr::ErrorCode::kInvalidArgument, "the program's name is missing");
        const CommandLine line({argv, argv + argc});
        refuse_info(line);
        const std::string program(argv[0]);
        const EmulatorConfig config;
        const EmulatorEntry entry = config.find(program.substr(program.rfind('/') + 1));
        try {
            if (line.monitor_fd())
                launch_domain(line, entry, LIBEXECDIR "/libvirt-cpr/virt-cpr-controller");
            exec_vmm(entry.binary, line.arguments());
        } catch (const cpr::Error& error) {
            throw error.within(config.path() + ", group [" + entry.name + "]");
        }
    } catch (const std::exception& error) {
        cpr::log::error("{}", error.what());
        return EXIT_FAILURE;
    }
}

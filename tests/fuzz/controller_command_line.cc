// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line that libvirt gives to the emulator program: each argument with a zero byte.
#include "controller/command_line.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace cpr;
    using namespace cpr::controller;
    const std::string text = fuzz::Input(data, size).text();
    try {
        auto arguments = split_arguments(text);
        fuzz::require(join_arguments(arguments) == text, "arguments are joined as they were");
        if (arguments.empty())
            return 0;
        const CommandLine line(std::move(arguments));
        line.guest_name();
        if (!line.monitor_fd())
            return 0;
        const auto ours = line.for_vmm("/vmm", 7);
        fuzz::require(ours.size() == line.arguments().size() && ours[0] == "/vmm",
                      "only the monitor is replaced");
    } catch (const Error&) {
    }
    return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// A command line of cpr-vmm: arguments, each with a zero byte at its end but the last.
#include "fuzz/fuzz.h"
#include "vmm/monitor/options.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace cpr;
    std::vector<std::string> arguments(1);
    for (const uint8_t byte : std::span(data, size)) {
        if (byte == 0)
            arguments.emplace_back();
        else
            arguments.back() += static_cast<char>(byte);
    }
    try {
        vmm::parse_command_line(arguments);
    } catch (const Error& error) {
        fuzz::require(
            error.code() == ErrorCode::kInvalidArgument || error.code() == ErrorCode::kUnsupported,
            "the error is about the command line");
    }
    return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// What a program answers to --info.
#include "controller/binary_info.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace cpr;
    using namespace cpr::controller;
    const BinaryInfo current{"cpr-vmm", "1.0", 1, {}};
    try {
        const BinaryInfo next = parse_binary_info(fuzz::Input(data, size).text());
        check_compatible(current, next, {{"serial16550", 2}, {"vcpu", 1}});
        fuzz::require(
            next.name == current.name && next.state_format == 1 && next.sections.size() >= 2,
            "it knows what is in use");
    } catch (const Error& error) {
        fuzz::require(error.code() == ErrorCode::kBinaryForeign ||
                          error.code() == ErrorCode::kBinaryIncompatible,
                      "the error says what the binary is");
    }
    return 0;
}

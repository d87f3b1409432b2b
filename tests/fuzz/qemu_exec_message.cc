// SPDX-License-Identifier: LGPL-2.1-or-later
// What the program in a QEMU's process says to the controller, beside one descriptor or none.
#include "base/error.h"
#include "controller/qemu/exec_messages.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace cpr;
    using namespace cpr::controller::qemu;
    const std::string text = fuzz::Input(data, size).text();
    for (size_t descriptors = 0; descriptors < 4; ++descriptors)
        try {
            const ExecMessage message = parse_exec_message(text, descriptors);
            for (const int number : message.numbers)
                fuzz::require(number >= 3, "the first three are nobody's to give");
            fuzz::require(parse_exec_message(to_text(message), descriptors) == message,
                          "it says the same when it is written and read again");
        } catch (const Error&) {
        }
    try {
        parse_descriptor(text);
    } catch (const Error&) {
    }
    return 0;
}

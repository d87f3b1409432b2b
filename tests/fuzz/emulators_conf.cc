// SPDX-License-Identifier: LGPL-2.1-or-later
// emulators.conf.
#include <fmt/format.h>

#include "base/io.h"
#include "controller/emulator_config.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace cpr;
    using namespace cpr::controller;
    static const UniqueFd file = make_memfd("emulators.conf");
    write_all(file.get(), {data, size}, "the input");
    const EmulatorConfig config(fmt::format("/proc/self/fd/{}", file.get()));
    try {
        for (const EmulatorEntry& entry : config.list())
            fuzz::require(
                entry.binary.starts_with('/') && config.find(entry.name).name == entry.name,
                "what is listed can be found");
    } catch (const Error&) {
    }
    try {
        config.deadlines("virt-cpr-emulator");
        config.find("virt-cpr-emulator");
    } catch (const Error&) {
    }
    return 0;
}

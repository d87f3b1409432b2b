// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_VERSION_H
#define CPR_CONTROLLER_QEMU_VERSION_H

#include <compare>
#include <optional>
#include <string>

#include "controller/binary_info.h"
#include "controller/program_run.h"

namespace cpr::controller::qemu {

struct Version {
    int major = 0;
    int minor = 0;
    int micro = 0;

    auto operator<=>(const Version&) const = default;
    std::string text() const;
};

// cpr-transfer, and -machine aux-ram-share.
inline constexpr Version kFirstTransfer{10, 0, 0};
// cpr-transfer with VFIO devices.
inline constexpr Version kFirstVfioTransfer{10, 1, 0};
// cpr-exec, also with VFIO devices.
inline constexpr Version kFirstExec{10, 2, 0};

// "10.0.2". Nothing for anything else.
std::optional<Version> parse_version(const std::string& text);

// What QEMU says with --version, "QEMU emulator version 10.0.2 (...)"; nothing if it is no QEMU's.
std::optional<Version> version_in_banner(const std::string& output);

// Of a program that is started with --version; nothing if it answers, and is not QEMU. Throws Error
// if it cannot be executed or does not answer in time.
std::optional<Version> version_of(const Binary& binary, const RunLimits& limits = {});

// Whether `-machine help` of a QEMU (its output) has a machine type.
bool has_machine(const std::string& help, const std::string& machine);

}  // namespace cpr::controller::qemu

#endif

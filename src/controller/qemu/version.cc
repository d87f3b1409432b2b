// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/version.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "base/error.h"

namespace cpr::controller::qemu {
namespace {

constexpr std::string_view kBanner = "QEMU emulator version ";

// Reads a number from the begin of `text`, which then begins behind it.
bool take_number(std::string_view& text, int& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0)
        return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    return true;
}

bool take_dot(std::string_view& text) {
    if (!text.starts_with('.'))
        return false;
    text.remove_prefix(1);
    return true;
}

std::optional<Version> take_version(std::string_view& text) {
    Version version;
    if (take_number(text, version.major) && take_dot(text) && take_number(text, version.minor) &&
        take_dot(text) && take_number(text, version.micro))
        return version;
    return std::nullopt;
}

}  // namespace

std::string Version::text() const {
    return fmt::format("{}.{}.{}", major, minor, micro);
}

std::optional<Version> parse_version(const std::string& text) {
    std::string_view rest = text;
    const auto version = take_version(rest);
    return rest.empty() ? version : std::nullopt;
}

std::optional<Version> version_in_banner(const std::string& output) {
    if (!output.starts_with(kBanner))
        return std::nullopt;
    std::string_view rest = std::string_view(output).substr(kBanner.size());
    return take_version(rest);
}

std::optional<Version> version_of(const Binary& binary, const RunLimits& limits) {
    try {
        const RunResult result = run_program(binary.fd.get(), {binary.path, "--version"}, limits);
        return result.status == 0 ? version_in_banner(result.output) : std::nullopt;
    } catch (const Error& error) {
        throw Error(error.code(), "'{}' does not tell its version: {}", binary.path, error.text());
    }
}

bool has_machine(const std::string& help, const std::string& machine) {
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);)
        if (line.substr(0, line.find(' ')) == machine)
            return true;
    return false;
}

}  // namespace cpr::controller::qemu

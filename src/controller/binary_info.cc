// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/binary_info.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_number.h"

namespace cpr::controller {
namespace {

// What is wrong with a section for this binary; empty if nothing is.
Text section_problem(const BinaryInfo& next, const SectionInUse& section) {
    const auto support = std::ranges::find(next.sections, section.kind, &SectionSupport::kind);
    if (support == next.sections.end())
        return Text("it does not know '{}'", section.kind);
    if (section.version < support->min_version || section.version > support->version)
        return Text("'{}' has version {}, it supports {} to {}", section.kind, section.version,
                    support->min_version, support->version);
    return {};
}

// An emulator program passes the questions to a VMM on, and so seems to be one; started as the VMM
// of a domain it would put a second controller before it.
void refuse_emulator_program(const std::string& path, const struct stat& info) {
    struct stat program {};
    if (stat(BINDIR "/virt-cpr-emulator", &program) == 0 && program.st_dev == info.st_dev &&
        program.st_ino == info.st_ino)
        throw Error(ErrorCode::kBinaryForeign,
                    "'{}' is an emulator program for libvirt, and no VMM itself", path);
}

}  // namespace

Binary open_binary(const std::string& path) {
    // O_PATH: a program may be executable without being readable.
    Binary binary{path, UniqueFd(open(path.c_str(), O_PATH | O_CLOEXEC))};
    if (!binary.fd)
        throw Error(ErrorCode::kBinaryMissing, "cannot open '{}': {}", path, errno_text(errno));
    struct stat info {};
    if (fstat(binary.fd.get(), &info) < 0)
        throw errno_error("stat '{}'", path);
    if (!S_ISREG(info.st_mode))
        throw Error(ErrorCode::kBinaryNotExecutable, "'{}' is not a regular file", path);
    if ((info.st_mode & 0111) == 0)
        throw Error(ErrorCode::kBinaryNotExecutable, "'{}' is not executable", path);
    refuse_emulator_program(path, info);
    return binary;
}

BinaryInfo read_binary_info(const Binary& binary, const RunLimits& limits) {
    try {
        const RunResult result = run_program(binary.fd.get(), {binary.path, "--info"}, limits);
        if (result.status != 0)
            throw Error(ErrorCode::kBinaryForeign, "with --info it {}", result.status_text());
        return parse_binary_info(result.output);
    } catch (const Error& error) {
        const auto code =
            error.code() == ErrorCode::kTimeout ? ErrorCode::kBinaryForeign : error.code();
        throw Error(code, "'{}' is no VMM that can be used: {}", binary.path, error.text());
    }
}

BinaryInfo parse_binary_info(const std::string& text) {
    try {
        const auto json = nlohmann::json::parse(text);
        BinaryInfo info;
        info.name = json.at("name").get<std::string>();
        info.version = json.at("version").get<std::string>();
        info.state_format = integer_in<uint32_t>(json.at("state-format")).value();
        for (const auto& section : json.at("sections"))
            info.sections.push_back({section.at("kind").get<std::string>(),
                                     integer_in<uint32_t>(section.at("version")).value(),
                                     integer_in<uint32_t>(section.at("min-version")).value()});
        for (const auto& feature : json.value("features", nlohmann::json::array()))
            info.rehearses |= feature == "rehearsal";
        return info;
    } catch (const std::exception&) {
        throw Error(ErrorCode::kBinaryForeign, "its answer to --info is not understood: '{}'",
                    excerpt(text));
    }
}

void check_compatible(const BinaryInfo& current, const BinaryInfo& next,
                      const std::vector<SectionInUse>& in_use) {
    if (next.name != current.name)
        throw Error(ErrorCode::kBinaryForeign, "the new binary is '{}', the guest runs on '{}'",
                    next.name, current.name);
    std::vector<Text> problems;
    if (next.state_format != current.state_format)
        problems.push_back(Text("it has state format {}, the guest has {}", next.state_format,
                                current.state_format));
    for (const SectionInUse& section : in_use) {
        const Text problem = section_problem(next, section);
        // A guest has several sections of some kinds.
        if (!problem.empty() && std::ranges::find(problems, problem) == problems.end())
            problems.push_back(problem);
    }
    if (!problems.empty())
        throw Error(ErrorCode::kBinaryIncompatible,
                    "version {} of the VMM cannot take over this guest: {}", next.version,
                    Text::joined(problems, "; "));
}

}  // namespace cpr::controller

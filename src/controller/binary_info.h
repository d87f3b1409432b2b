// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_BINARY_INFO_H
#define CPR_CONTROLLER_BINARY_INFO_H

#include <cstdint>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "controller/program_run.h"

namespace cpr::controller {

// A kind of state section that a VMM writes (`version`) and reads (from `min_version`).
struct SectionSupport {
    std::string kind;
    uint32_t version = 0;
    uint32_t min_version = 0;
};

// What a VMM says of itself with --info (docs/protocol.md).
struct BinaryInfo {
    std::string name;
    std::string version;
    uint32_t state_format = 0;
    std::vector<SectionSupport> sections;
    // It takes part in rehearsals, before an update as the one that runs or as the new one.
    bool rehearses = false;
};

// A state section of a running guest, out of query-cpr.
struct SectionInUse {
    std::string kind;
    uint32_t version = 0;
};

// A VMM's program file, held open: it may be replaced on disk, and is still this one.
struct Binary {
    std::string path;
    UniqueFd fd;
};

// Opens a program. Throws Error kBinaryMissing, kBinaryNotExecutable, or kBinaryForeign for our own
// emulator program, with the path in it.
Binary open_binary(const std::string& path);

// Asks a binary what it is. Throws Error: kBinaryNotExecutable, or kBinaryForeign for whatever does
// not answer as a VMM of ours does.
BinaryInfo read_binary_info(const Binary& binary, const RunLimits& limits = {});

// Reads the answer to --info. Throws Error kBinaryForeign.
BinaryInfo parse_binary_info(const std::string& text);

// Whether `next` can take over a guest with these sections from `current`. Throws Error
// kBinaryForeign or kBinaryIncompatible, which names all that does not fit.
void check_compatible(const BinaryInfo& current, const BinaryInfo& next,
                      const std::vector<SectionInUse>& in_use);

}  // namespace cpr::controller

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_PROCESS_USE_H
#define CPR_BASE_PROCESS_USE_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"

namespace cpr {

// What a process uses of the host, in bytes, and its effective capabilities (proc(5), status).
struct ProcessUse {
    uint64_t locked = 0;  // as RLIMIT_MEMLOCK counts it
    uint64_t anonymous = 0;
    uint64_t page_tables = 0;
    uint64_t capabilities = 0;

    bool has_capability(unsigned capability) const { return capabilities >> capability & 1; }
};

// Of the process with that number, or of "self". Throws Error.
ProcessUse process_use(std::string_view pid);

// Why this process may not open so many more files, with all numbers, and what to do about it;
// `process` is what an operator calls it. Empty if it may. Throws Error.
struct FileShortage {
    Text reason;
    Text remedy;
};
std::optional<FileShortage> file_shortage(const Text& process, size_t more);

}  // namespace cpr

#endif

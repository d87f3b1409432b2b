// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/process_use.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/error.h"

namespace cpr {
namespace {

constexpr uint64_t kKib = 1024;

}  // namespace

ProcessUse process_use(std::string_view pid) {
    const std::string path = fmt::format("/proc/{}/status", pid);
    std::ifstream status(path);
    ProcessUse use;
    std::string key;
    while (status >> key) {
        if (key == "VmLck:" && status >> use.locked)
            use.locked *= kKib;
        else if (key == "RssAnon:" && status >> use.anonymous)
            use.anonymous *= kKib;
        else if (key == "VmPTE:" && status >> use.page_tables)
            use.page_tables *= kKib;
        else if (key == "CapEff:")
            status >> std::hex >> use.capabilities >> std::dec;
        status.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    if (key.empty())
        throw Error(ErrorCode::kSystem, "cannot read '{}'", path);
    return use;
}

std::optional<FileShortage> file_shortage(const Text& process, size_t more) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        throw errno_error("read the limit of open files");
    std::error_code error;
    const std::filesystem::directory_iterator files("/proc/self/fd", error);
    if (error)
        throw Error(ErrorCode::kSystem, "cannot read '/proc/self/fd': {}",
                    errno_text(error.value()));
    // Less the one by which they are counted.
    const auto open = static_cast<size_t>(std::distance(begin(files), end(files))) - 1;
    if (open + more <= limit.rlim_cur)
        return std::nullopt;
    return FileShortage{
        Text("{}, process {}, has {} files open and needs {} more for the update, but may "
             "have {} (RLIMIT_NOFILE)",
             process, getpid(), open, more, limit.rlim_cur),
        Text("raise the limit (prlimit --pid {} --nofile={}), for the next start of the "
             "domain by max_files in qemu.conf",
             getpid(), open + more)};
}

}  // namespace cpr

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/open_files.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"

namespace cpr::controller::qemu {
namespace {

// QEMU takes the lowest numbers that are free, and opens a few files more before it executes.
constexpr int kDistance = 64;

// "flags:\t02100002", octal. One that is gone again closed itself.
bool is_inherited(const std::filesystem::path& info) {
    std::ifstream file(info);
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("flags:"))
            return (strtoul(line.c_str() + strlen("flags:"), nullptr, 8) & O_CLOEXEC) == 0;
    return false;
}

}  // namespace

OpenFiles open_files(int64_t pid) {
    OpenFiles files;
    std::error_code error;
    const auto folder = fmt::format("/proc/{}/fdinfo", pid);
    for (auto file = std::filesystem::directory_iterator(folder, error);
         !error && file != std::filesystem::directory_iterator(); file.increment(error)) {
        const int number = atoi(file->path().filename().c_str());
        if (number >= 3)
            (is_inherited(file->path()) ? files.inherited : files.closing).insert(number);
    }
    if (error)
        throw Error(ErrorCode::kSystem, "cannot list '{}': {}", folder, error.message());
    return files;
}

std::map<int, int> number_beside(const OpenFiles& files, const std::vector<int>& descriptors) {
    std::map<int, int> numbers;
    int next = kDistance + (files.closing.empty() ? 0 : *files.closing.rbegin());
    for (const int fd : descriptors)
        if (numbers.emplace(fd, next).second)
            ++next;
    return numbers;
}

}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/cgroups.h"

#include <fmt/format.h>

#include <fstream>

namespace cpr {
namespace {

constexpr const char* kMount = "/sys/fs/cgroup";

}  // namespace

std::map<std::string, std::filesystem::path> cgroup_folders(pid_t id) {
    std::map<std::string, std::filesystem::path> folders;
    std::ifstream file(fmt::format("/proc/{}/cgroup", id));
    for (std::string line; std::getline(file, line);) {
        const size_t first = line.find(':');
        const size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos)
            continue;
        const std::string hierarchy = line.substr(first + 1, second - first - 1);
        std::filesystem::path folder(kMount);
        folder /= hierarchy;
        folder += line.substr(second + 1);
        folders[hierarchy] = folder.lexically_normal();
    }
    return folders;
}

}  // namespace cpr

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_CGROUPS_H
#define CPR_BASE_CGROUPS_H

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>

namespace cpr {

// The folders of the control groups that a process or thread is in, by hierarchy as cgroups(7) has
// it in /proc/PID/cgroup: "" for version 2, "cpu,cpuacct" for one of version 1. Empty if there is
// no such process.
std::map<std::string, std::filesystem::path> cgroup_folders(pid_t id);

}  // namespace cpr

#endif

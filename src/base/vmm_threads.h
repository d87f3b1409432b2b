// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_VMM_THREADS_H
#define CPR_BASE_VMM_THREADS_H

#include <sys/types.h>

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace cpr {

// The threads of a VMM that libvirt places one by one, by the names of their cgroups: "vcpu0",
// "iothread1".
using VmmThreads = std::map<std::string, pid_t>;

// From a VMM's answers to query-cpus-fast and query-iothreads (QEMU QMP Reference Manual). Throws
// Error kInternal.
VmmThreads parse_vmm_threads(const nlohmann::json& cpus, const nlohmann::json& iothreads);

// The name of a thread that is none of the process's (proc(5), task), if there is one: a VMM is in
// its guest's hands perhaps, and whoever places its threads has rights over other processes.
std::optional<std::string> stranger_among(const VmmThreads& threads, pid_t process);

}  // namespace cpr

#endif

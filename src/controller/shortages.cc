// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/shortages.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/blocker.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process_use.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

// Files that come and go with an update: binaries, pipes, the monitor of another VMM.
constexpr size_t kPassingFiles = 16;
constexpr uint64_t kKib = 1024;

// A VMM that is started beside the first, or to bring the guest back, can be given no more than
// this process may have. That of the first may have been raised since, as libvirt does when a
// device is plugged in.
void check_locked_memory(int64_t vmm, json& blockers) {
    rlimit limit{};
    const ProcessUse own = process_use("self");
    const uint64_t locked = process_use(std::to_string(vmm)).locked;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || locked <= limit.rlim_max ||
        own.has_capability(CAP_IPC_LOCK) || own.has_capability(CAP_SYS_RESOURCE))
        return;
    blockers.push_back(to_json(
        Blocker{"memlock-too-low",
                Text("the VMM has {} KiB of memory locked for passthrough devices, but the "
                     "controller, process {}, may give no more than {} KiB (RLIMIT_MEMLOCK) to the "
                     "next",
                     locked / kKib, getpid(), limit.rlim_max / kKib),
                Text("raise the limit (prlimit --pid {} --memlock={})", getpid(), locked)}));
}

}  // namespace

void find_shortages(int64_t vmm, size_t descriptors, json& blockers) {
    try {
        check_locked_memory(vmm, blockers);
        if (const auto files = file_shortage(N_("the controller"), descriptors + kPassingFiles))
            blockers.push_back(to_json(Blocker{"too-many-files", files->reason, files->remedy}));
    } catch (const Error& error) {
        log::warning("not all limits can be compared: {}", error.message());
    }
}

}  // namespace cpr::controller

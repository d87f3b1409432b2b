// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_SHARED_MEMORY_H
#define CPR_CONTROLLER_QEMU_SHARED_MEMORY_H

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/qemu/argument_model.h"
#include "controller/qemu/blocker.h"

namespace cpr::controller::qemu {

// What is at a path of the host's.
struct HostPath {
    bool folder = false;
    // In bytes, if it is in a file system of huge pages.
    uint64_t huge_page_size = 0;
};

// What has to be known beside the command line.
struct StartFacts {
    // -machine has aux-ram-share: QEMU 10.0 or later.
    bool has_aux_ram_share = false;
    // The machine type's "default-ram-id" of query-machines; empty if it is not known.
    std::string default_ram_id;
    // For folders of memory-backend-file.
    std::function<HostPath(const std::string& path)> look_at = [](const std::string&) {
        return HostPath{};
    };
};

// Changes a command line so that a guest which is started with it can be updated: all its memory is
// shared, in memory files that the next QEMU inherits, under the same RAM block names, sizes and
// NUMA policies. The guest does not see a difference. If something of it cannot be made so without
// changing what it means, nothing is changed, and the blockers say why. A second time changes
// nothing.
std::vector<Blocker> share_memory(ArgumentModel& model, const StartFacts& facts);

// The same for the arguments of an object-add command, before it is passed on: memory that is
// plugged into a running guest. Objects other than memory are left alone.
std::optional<Blocker> share_added_memory(Object& arguments, const StartFacts& facts);

}  // namespace cpr::controller::qemu

#endif

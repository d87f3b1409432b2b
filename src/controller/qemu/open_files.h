// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_OPEN_FILES_H
#define CPR_CONTROLLER_QEMU_OPEN_FILES_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace cpr::controller::qemu {

// The descriptors of a QEMU that runs, by number, from 3 on.
struct OpenFiles {
    // Those that end with the program. QEMU keeps those of the guest's for the next one by changing
    // that directly before it executes it.
    std::set<int> closing;
    // What has come from somebody who started QEMU, and would leak into each program after it.
    std::set<int> inherited;

    size_t count() const { return closing.size() + inherited.size(); }
};

// Throws Error.
OpenFiles open_files(int64_t pid);

// Numbers for descriptors of ours that the next QEMU is to have beside those that QEMU keeps: well
// above these, and not above what was inherited, or they would grow with each update.
std::map<int, int> number_beside(const OpenFiles& files, const std::vector<int>& descriptors);

}  // namespace cpr::controller::qemu

#endif

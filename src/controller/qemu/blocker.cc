// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/blocker.h"

#include <utility>

namespace cpr::controller::qemu {

void BlockerList::set(const std::string& key, Blocker blocker) {
    blockers_.insert_or_assign(key, std::move(blocker));
}

void BlockerList::clear(const std::string& key) {
    blockers_.erase(key);
}

void BlockerList::clear_all(std::string_view prefix) {
    std::erase_if(blockers_, [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

std::vector<Blocker> BlockerList::all() const {
    std::vector<Blocker> all;
    for (const auto& [key, blocker] : blockers_)
        all.push_back(blocker);
    return all;
}

}  // namespace cpr::controller::qemu

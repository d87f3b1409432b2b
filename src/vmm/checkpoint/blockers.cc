// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/checkpoint/blockers.h"

#include <utility>

namespace cpr::vmm {

Blockers::Registration::Registration(Registration&& other) noexcept
    : list_(std::exchange(other.list_, nullptr)), entry_(other.entry_) {}

Blockers::Registration& Blockers::Registration::operator=(Registration&& other) noexcept {
    if (this != &other) {
        remove();
        list_ = std::exchange(other.list_, nullptr);
        entry_ = other.entry_;
    }
    return *this;
}

void Blockers::Registration::remove() {
    if (Blockers* list = std::exchange(list_, nullptr))
        list->blockers_.erase(entry_);
}

Blockers::Registration Blockers::add(Blocker blocker) {
    blockers_.push_back(std::move(blocker));
    return Registration(*this, std::prev(blockers_.end()));
}

}  // namespace cpr::vmm

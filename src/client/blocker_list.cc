// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/blocker_list.h"

#include <cstdlib>
#include <new>

#include "client/c_string.h"

namespace cpr::client {

namespace {

template <typename T>
T* allocate(std::size_t count) {
    auto* memory = static_cast<T*>(std::calloc(count, sizeof(T)));
    if (!memory) {
        throw std::bad_alloc();
    }
    return memory;
}

}  // namespace

void FreeBlockerList::operator()(virDomainCprBlockerPtr* list) const {
    for (virDomainCprBlockerPtr* at = list; at && *at; ++at) {
        std::free((*at)->id);
        std::free((*at)->reason);
        std::free((*at)->remedy);
        std::free(*at);
    }
    std::free(list);
}

BlockerList make_blocker_list(const std::vector<Blocker>& blockers) {
    BlockerList list(allocate<virDomainCprBlockerPtr>(blockers.size() + 1));
    for (std::size_t i = 0; i < blockers.size(); ++i) {
        auto* blocker = list.get()[i] = allocate<virDomainCprBlocker>(1);
        blocker->id = copy_for_caller(blockers[i].id).release();
        blocker->reason = copy_for_caller(blockers[i].reason).release();
        blocker->remedy = copy_for_caller(blockers[i].remedy).release();
    }
    return list;
}

}  // namespace cpr::client

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_BLOCKER_LIST_H
#define CPR_CLIENT_BLOCKER_LIST_H

#include <libvirt-cpr/libvirt-cpr.h>

#include <memory>
#include <vector>

#include "client/job.h"

namespace cpr::client {

struct FreeBlockerList {
    void operator()(virDomainCprBlockerPtr* list) const;
};

// Blockers as a C caller gets them: a list that ends with NULL.
using BlockerList = std::unique_ptr<virDomainCprBlockerPtr, FreeBlockerList>;

// Throws std::bad_alloc.
BlockerList make_blocker_list(const std::vector<Blocker>& blockers);

}  // namespace cpr::client

#endif  // CPR_CLIENT_BLOCKER_LIST_H

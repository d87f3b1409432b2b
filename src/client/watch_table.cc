// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/watch_table.h"

#include <utility>

#include "base/translate.h"
#include "client/call_error.h"

namespace cpr::client {

WatchTable& WatchTable::of_process() {
    static auto* table = new WatchTable;
    return *table;
}

int WatchTable::add(std::shared_ptr<JobWatch> watch) {
    std::lock_guard lock(mutex_);
    watches_.emplace(++last_, std::move(watch));
    return last_;
}

std::shared_ptr<JobWatch> WatchTable::take(int number, virDomainPtr domain) {
    std::lock_guard lock(mutex_);
    auto found = watches_.find(number);
    if (found == watches_.end() || !found->second->is_of(domain)) {
        throw CallError(
            "invalid-argument",
            format_text(_("{} is no callback that is registered for the domain"), number));
    }
    return std::move(watches_.extract(found).mapped());
}

}  // namespace cpr::client

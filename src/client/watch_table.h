// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_WATCH_TABLE_H
#define CPR_CLIENT_WATCH_TABLE_H

#include <map>
#include <memory>
#include <mutex>

#include "client/job_watch.h"

namespace cpr::client {

// The watches of this process by the numbers that C callers have of them. Any thread.
class WatchTable {
  public:
    // A C caller has nothing else by which to find it. It is never destroyed: watches may be used
    // for as long as the process has threads.
    static WatchTable& of_process();

    // The number of the watch from now on.
    int add(std::shared_ptr<JobWatch> watch);

    // The watch of that number, which it loses. Throws CallError `invalid-argument` if it is none
    // of the domain's.
    std::shared_ptr<JobWatch> take(int number, virDomainPtr domain);

  private:
    std::mutex mutex_;
    std::map<int, std::shared_ptr<JobWatch>> watches_;
    int last_ = -1;
};

}  // namespace cpr::client

#endif  // CPR_CLIENT_WATCH_TABLE_H

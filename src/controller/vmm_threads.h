// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_VMM_THREADS_H
#define CPR_CONTROLLER_VMM_THREADS_H

#include <sched.h>
#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "base/vmm_threads.h"
#include "controller/vmm_calls.h"

namespace cpr::controller {

// Of the VMM in that process, as it tells them. Throws Error, also for threads of another's.
VmmThreads vmm_threads(VmmCalls& calls, pid_t process, std::chrono::milliseconds deadline);

// On which processors a VMM's threads may run: of one VMM, for the next.
class ThreadAffinity {
  public:
    ThreadAffinity() = default;
    // As it is now. Throws Error.
    explicit ThreadAffinity(const VmmThreads& threads);

    // For the threads of the same names. Throws Error if one has no counterpart, or may not run
    // there.
    void apply_to(const VmmThreads& threads) const;

  private:
    struct Free {
        void operator()(cpu_set_t* set) const { CPU_FREE(set); }
    };
    std::map<std::string, std::unique_ptr<cpu_set_t, Free>> sets_;
};

}  // namespace cpr::controller

#endif

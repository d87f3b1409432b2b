// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_JOB_WATCH_H
#define CPR_CLIENT_JOB_WATCH_H

#include <libvirt/libvirt.h>

#include <functional>
#include <memory>

#include "client/job.h"

namespace cpr::client {

// Tells of each change in the update jobs of a domain, from a thread of its own: by events if the
// application runs an event loop, by asking otherwise. Ends by itself with the domain or the
// connection. Any thread; stop() it before the last reference to it goes.
class JobWatch {
  public:
    struct Handlers {
        std::function<void(virDomainPtr domain, const Job& job)> on_news;
        // Once, after the last on_news.
        std::function<void()> on_end;
    };

    // Asks for the last job, which is no news. Throws CallError; no handler is called then.
    static std::shared_ptr<JobWatch> start(virDomainPtr domain, Handlers handlers);
    ~JobWatch();

    // Returns when on_news is not called any more, unless it is on_news that calls this. It does
    // not wait for libvirt, so on_end may come later.
    void stop();

    bool is_of(virDomainPtr domain) const;

  private:
    struct Shared;

    explicit JobWatch(std::shared_ptr<Shared> shared);

    std::shared_ptr<Shared> shared_;
};

}  // namespace cpr::client

#endif  // CPR_CLIENT_JOB_WATCH_H

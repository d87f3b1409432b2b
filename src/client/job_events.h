// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_JOB_EVENTS_H
#define CPR_CLIENT_JOB_EVENTS_H

#include <libvirt/libvirt.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace cpr::client {

// The UPDATE_IN_PLACE events of one domain, queued from the thread that runs libvirt's event loop
// for the thread that waits. Without an event loop none ever comes, so nobody may rely on them.
class JobEvents {
  public:
    // Subscribes, if the application has registered an event loop; failing to is not an error.
    explicit JobEvents(virDomainPtr domain);
    JobEvents(const JobEvents&) = delete;
    JobEvents& operator=(const JobEvents&) = delete;
    ~JobEvents();

    // The next event's data as JSON text; nothing if none came within `limit`, or if it was
    // interrupted.
    std::optional<std::string> next(std::chrono::milliseconds limit);

    // Ends a next() that waits, and all later ones. Any thread.
    void interrupt();

  private:
    struct Queue;

    virConnectPtr connection_;
    std::shared_ptr<Queue> queue_;
    int callback_id_ = -1;
};

}  // namespace cpr::client

#endif  // CPR_CLIENT_JOB_EVENTS_H

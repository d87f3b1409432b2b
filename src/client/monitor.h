// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_MONITOR_H
#define CPR_CLIENT_MONITOR_H

#include <libvirt/libvirt.h>

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/vmm_threads.h"
#include "client/job.h"
#include "client/update_options.h"

namespace cpr::client {

// The requests to a domain's controller (docs/protocol.md), each one round trip through libvirt.
// The domain is the caller's and has to outlive this. Failures are thrown as CallError.
class Monitor {
  public:
    explicit Monitor(virDomainPtr domain) : domain_(domain) {}

    // Starts a job, if the domain's policy allows it, and returns its number.
    long long start_update(const UpdateOptions& options);
    Job query_job();
    // An object.
    nlohmann::json query_stats();
    // The VMM's threads, as it tells them.
    VmmThreads query_threads();
    void cancel();

  private:
    nlohmann::json execute(const std::string& name, const nlohmann::json& arguments);

    virDomainPtr domain_;
};

// The arguments of update-in-place: those that were given.
nlohmann::json update_arguments(const UpdateOptions& options);

}  // namespace cpr::client

#endif  // CPR_CLIENT_MONITOR_H

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_MONITOR_H
#define CPR_CLIENT_MONITOR_H

#include <libvirt/libvirt.h>

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "client/job.h"

namespace cpr::client {

// The requests to a domain's controller (docs/protocol.md), each one round trip through libvirt.
// The domain is the caller's and has to outlive this. Failures are thrown as CallError.
class Monitor {
  public:
    explicit Monitor(virDomainPtr domain) : domain_(domain) {}

    // Starts a job and returns its number; the new binary is the host's choice if `emulator` is
    // empty. The timeout is in milliseconds, 0 for none.
    long long start_update(const std::string& emulator, unsigned int timeout, bool check_only);
    Job query_job();
    void cancel();

  private:
    nlohmann::json execute(const std::string& name, const nlohmann::json& arguments);

    virDomainPtr domain_;
};

}  // namespace cpr::client

#endif  // CPR_CLIENT_MONITOR_H

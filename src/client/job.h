// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_JOB_H
#define CPR_CLIENT_JOB_H

#include <libvirt/libvirt.h>

#include <libvirt-cpr/libvirt-cpr.h>

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "client/call_error.h"
#include "client/typed_params.h"

namespace cpr::client {

// What stands in the way of an update.
struct Blocker {
    std::string id;
    std::string reason;
    std::string remedy;
};

// One report on an update job: the answer of query-update-in-place, or the data of an
// UPDATE_IN_PLACE event (docs/protocol.md). Immutable; checked when it is made.
class Job {
  public:
    // Throws CallError if `data` is no report.
    explicit Job(nlohmann::json data);
    Job(Job&&) noexcept;
    Job& operator=(Job&&) noexcept;
    ~Job();

    long long id() const { return id_; }
    virDomainCprJobStatus status() const { return status_; }
    const std::string& phase() const { return phase_; }  // empty if there is none
    bool is_final() const { return status_ != VIR_DOMAIN_CPR_JOB_RUNNING; }

    // Whether it has more than where the job stands; the events before the final one do not.
    bool is_complete() const;

    // Why the job did not complete; nothing while it runs or if it completed.
    std::optional<CallError> error() const;

    std::vector<Blocker> blockers() const;
    // The report itself.
    const nlohmann::json& data() const { return *data_; }
    std::string json_text() const;
    TypedParams params() const;

  private:
    std::unique_ptr<nlohmann::json> data_;
    long long id_ = 0;
    virDomainCprJobStatus status_ = VIR_DOMAIN_CPR_JOB_NONE;
    std::string phase_;
};

}  // namespace cpr::client

#endif  // CPR_CLIENT_JOB_H

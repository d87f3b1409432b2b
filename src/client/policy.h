// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_POLICY_H
#define CPR_CLIENT_POLICY_H

#include <libvirt-cpr/libvirt-cpr.h>
#include <libvirt/libvirt.h>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "client/typed_params.h"

namespace cpr::client {

// What a domain's owner allows of updates in place: the element <policy> of its metadata. It is
// kept by this library, which every tool of ours goes through, since no VMM knows its domain's
// metadata; it is a rule, and no barrier for who may send commands to the domain's monitor.
struct Policy {
    bool allowed = true;
    std::string mode = VIR_DOMAIN_CPR_MODE_AUTO;
    unsigned int max_pause = 0;  // milliseconds; 0: no limit

    bool operator==(const Policy&) const = default;
};

// The element's text; throws CallError `invalid-argument` for what is not understood, since to pass
// over it could be to do what is not allowed.
Policy parse_policy(const std::string& element);
// Nothing if all is as without a policy.
std::optional<std::string> to_element(const Policy& policy);

TypedParams to_params(const Policy& policy);
// What is named by a parameter is changed. Throws CallError `invalid-argument`.
Policy changed_by(Policy policy, const virTypedParameter* params, int count);

// Of the running domain, or else of its configuration. Throws CallError.
Policy read_policy(virDomainPtr domain, unsigned int flags = VIR_DOMAIN_AFFECT_CURRENT);

// The arguments of `update-in-place` as the policy has them: what they do not say is the policy's.
// Throws CallError `not-allowed` if they go against it.
nlohmann::json under_policy(const Policy& policy, nlohmann::json arguments);

}  // namespace cpr::client

#endif  // CPR_CLIENT_POLICY_H

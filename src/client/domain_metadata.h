// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_DOMAIN_METADATA_H
#define CPR_CLIENT_DOMAIN_METADATA_H

#include <libvirt/libvirt.h>

#include <optional>
#include <string>

namespace cpr::client {

// What libvirt-cpr keeps in a domain's <metadata>: three elements, each with a namespace of its
// own, since libvirt reads and writes one namespace at a time: whoever writes the history cannot
// undo what somebody else has made of the policy. xml/domain-metadata.rng has their form.
inline constexpr const char* kPolicyUri = "http://libvirt-cpr.org/xmlns/domain/policy/1.0";
inline constexpr const char* kHistoryUri = "http://libvirt-cpr.org/xmlns/domain/history/1.0";
inline constexpr const char* kPreparedUri = "http://libvirt-cpr.org/xmlns/domain/prepared/1.0";

// The prefix of all three.
inline constexpr const char* kMetadataPrefix = "cpr";

// The element of a namespace, as libvirt hands it out: without the namespace. Nothing if there is
// none. `flags` are of virDomainModificationImpact. Throws CallError.
std::optional<std::string> read_metadata(virDomainPtr domain, const char* uri, unsigned int flags);

// Sets the element of a namespace, given without the namespace, or removes it. Throws CallError.
void write_metadata(virDomainPtr domain, const char* uri, const std::optional<std::string>& element,
                    unsigned int flags);

}  // namespace cpr::client

#endif  // CPR_CLIENT_DOMAIN_METADATA_H

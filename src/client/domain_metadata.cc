// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/domain_metadata.h"

#include <libvirt/virterror.h>

#include "client/c_string.h"
#include "client/call_error.h"

namespace cpr::client {

std::optional<std::string> read_metadata(virDomainPtr domain, const char* uri, unsigned int flags) {
    const Allocated<char> text(
        virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, uri, flags));
    if (text) {
        return text.get();
    }
    if (virGetLastErrorCode() != VIR_ERR_NO_DOMAIN_METADATA) {
        throw CallError::from_libvirt();
    }
    virResetLastError();
    return std::nullopt;
}

void write_metadata(virDomainPtr domain, const char* uri, const std::optional<std::string>& element,
                    unsigned int flags) {
    const char* text = element ? element->c_str() : nullptr;
    if (virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, text, kMetadataPrefix, uri,
                             flags) < 0) {
        throw CallError::from_libvirt();
    }
}

}  // namespace cpr::client

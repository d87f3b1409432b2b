// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_DOMAIN_COMMAND_H
#define CPR_TOOLS_DOMAIN_COMMAND_H

#include "tools/domain_request.h"
#include "tools/libvirt_session.h"

namespace cpr::tools {

// Carries out what is asked about a domain's XML, and tells of it as run_update() does of an
// update: what was done on standard output, unless `quiet`. Returns whether it succeeded.
bool run_domain_request(const ConnectionOptions& connection, const DomainRequest& request,
                        bool quiet);

}  // namespace cpr::tools

#endif

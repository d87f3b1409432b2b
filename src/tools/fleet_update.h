// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_FLEET_UPDATE_H
#define CPR_TOOLS_FLEET_UPDATE_H

#include <string>
#include <vector>

#include "tools/libvirt_session.h"
#include "tools/update_request.h"

namespace cpr::tools {

// Several domains of one host.
struct Fleet {
    std::vector<std::string> domains;
    bool all = false;               // those that run and have a controller, instead
    unsigned int parallel = 1;      // how many at a time
    unsigned int max_failures = 0;  // after so many no other is begun; 0: all are
};

// Carries the request out for each of them, with progress and a table at the end on standard
// output (with --json, a JSON object for each domain, a line each). Returns whether all succeeded.
// An interrupt cancels those under way, and begins no other.
bool run_fleet_update(const ConnectionOptions& connection, const UpdateRequest& request,
                      const Fleet& fleet, bool quiet);

}  // namespace cpr::tools

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_UPDATE_COMMAND_H
#define CPR_TOOLS_UPDATE_COMMAND_H

#include "tools/libvirt_session.h"
#include "tools/update_request.h"

namespace cpr::tools {

// Carries a request out and tells of it on standard output (unless `quiet`) and standard error, as
// virsh tells of its commands. The one implementation behind virt-update-in-place and
// `virsh update-in-place`. Returns whether it succeeded. Ctrl-C cancels the update,
// as SIGTERM and SIGHUP do.
bool run_update(const ConnectionOptions& connection, const UpdateRequest& request, bool quiet);

// Opens the session; tells why if that fails.
bool open_session(LibvirtSession& session);

// Tells that an interrupt cancels what is under way.
void tell_of_interrupt();

}  // namespace cpr::tools

#endif

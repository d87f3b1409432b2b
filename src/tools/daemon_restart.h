// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_DAEMON_RESTART_H
#define CPR_TOOLS_DAEMON_RESTART_H

namespace cpr::tools {

// Restarts libvirt's daemon on this host, by systemd, if it runs: it then asks each VMM for its
// threads again. Guests go on; clients of the daemon lose their connections. Throws Error.
void restart_libvirt_daemon();

}  // namespace cpr::tools

#endif

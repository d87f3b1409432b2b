// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_MONITOR_DAEMON_H
#define CPR_VMM_MONITOR_DAEMON_H

#include <string>

#include "base/unique_fd.h"

namespace cpr::vmm {

// -daemonize: the program goes on in a child process, and the parent waits until the child is ready
// to be used, so that whoever started it can connect at once.
class Daemon {
  public:
    // Forks; the parent does not come back but exits with the child's outcome. Call it before there
    // are threads. Throws Error.
    Daemon();
    // Lets the parent exit with success. Standard input, output and error are /dev/null from here
    // on, and the process is in a session of its own. Throws Error.
    void ready();

  private:
    UniqueFd parent_;
};

// Writes the process id. Throws Error.
void write_pid_file(const std::string& path);

}  // namespace cpr::vmm

#endif

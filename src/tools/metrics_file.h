// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_METRICS_FILE_H
#define CPR_TOOLS_METRICS_FILE_H

#include <string>

#include "tools/libvirt_session.h"

namespace cpr::tools {

// Asks the controllers of all running domains, and writes what they tell to a file, for the
// textfile collector of Prometheus's node exporter. Whoever reads it sees the old file or the new
// one, whole. Tells why if that fails; the file then stays what it was. Returns whether it was
// written.
bool write_metrics(const ConnectionOptions& connection, const std::string& path);

}  // namespace cpr::tools

#endif

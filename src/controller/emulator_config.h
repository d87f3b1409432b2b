// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_EMULATOR_CONFIG_H
#define CPR_CONTROLLER_EMULATOR_CONFIG_H

#include <string>
#include <vector>

#include "controller/job_record.h"
#include "controller/update_deadlines.h"

namespace cpr::controller {

// What stands behind an emulator program.
struct EmulatorEntry {
    std::string name;
    // Absolute path of the VMM.
    std::string binary;
    // For which a domain is started, if stock QEMU is behind it: it cannot be chosen later.
    UpdateMode mode = UpdateMode::kTransfer;
};

// emulators.conf: a key file with a group for each emulator program, named by the last part of its
// path. The file is read anew at each call, so that a change counts at once.
class EmulatorConfig {
  public:
    explicit EmulatorConfig(std::string path = default_path()) : path_(std::move(path)) {}

    // $(sysconfdir)/libvirt-cpr/emulators.conf
    static std::string default_path();

    // Throws Error kInvalidArgument, naming file and group, if it is not there or not valid.
    EmulatorEntry find(const std::string& name) const;
    // Those of updates of the emulator's domains; the default for what is not set, and for all if
    // the file cannot be read. Throws Error kInvalidArgument, naming file, group and key, for a
    // value that is not valid.
    UpdateDeadlines deadlines(const std::string& name) const;
    // All groups, in the file's order. Throws Error kSystem if there is no file.
    std::vector<EmulatorEntry> list() const;
    // Sets the binary. Writes the file atomically, comments kept; makes it if it does not exist.
    // Throws Error.
    void set(const EmulatorEntry& entry) const;
    // Takes a group out, if it is there. Throws Error.
    void remove(const std::string& name) const;

    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace cpr::controller

#endif

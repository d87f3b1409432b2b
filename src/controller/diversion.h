// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_DIVERSION_H
#define CPR_CONTROLLER_DIVERSION_H

#include <string>
#include <vector>

#include "controller/emulator_config.h"

namespace cpr::controller {

// The diversion of a VMM of the system's, such as /usr/bin/qemu-system-x86_64: under its path there
// is the emulator program then, and the VMM under the same with ".distrib" behind it, where dpkg
// puts it from then on. So guests whose XML cannot be changed can be updated as well. At every
// moment there is one of the two under the path, for libvirt to start.
class Diversion {
  public:
    // `program` is the emulator program's path.
    Diversion(EmulatorConfig config, std::string path, std::string program)
        : config_(std::move(config)), path_(std::move(path)), program_(std::move(program)) {}

    // Where the VMM is while it is diverted.
    std::string diverted_path() const { return path_ + ".distrib"; }
    bool exists() const;

    // Both throw Error, with nothing changed: kInvalidState if it is there already, or not there.
    void add() const;
    // Refused with kInvalidState, which names them, while domains run that were started with it.
    void remove() const;

  private:
    std::string name() const;
    void divert(const char* command) const;
    void put_program() const;
    void put_vmm_back() const;
    void forget_diverted_path() const;
    void replace_binaries(const std::string& from, const std::string& to) const;

    EmulatorConfig config_;
    std::string path_;
    std::string program_;
};

// The names of the domains on this host that were started with the emulator program of that name,
// by their controllers. `proc` is where processes are listed.
std::vector<std::string> domains_of_emulator(const std::string& name,
                                             const std::string& proc = "/proc");

}  // namespace cpr::controller

#endif

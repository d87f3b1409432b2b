// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_START_EDITS_H
#define CPR_CONTROLLER_QEMU_START_EDITS_H

#include <string>
#include <variant>

#include "controller/qemu/argument_model.h"

namespace cpr::controller::qemu {

// The id that libvirt gives to the character device of its monitor.
constexpr const char* kMonitorChardev = "charmonitor";

// libvirt's monitor, which it passes as the character device charmonitor and names by -mon or by
// -object monitor-qmp, gets the connected socket `fd` in the place of libvirt's. Throws Error
// kInvalidArgument if the command line has no such monitor, or more than one.
void set_private_monitor(ArgumentModel& model, int fd);

// Where a QEMU that is to take a guest over gets the guest's descriptors from: a listening socket,
// by number (QEMU 10.1 or later) or by path.
struct CprChannel {
    std::variant<int, std::string> socket;
};

// The QEMU waits for migrate-incoming; in transfer mode it gets the descriptors from `channel`
// first. What the command line had of -incoming and -loadvm is replaced. -S is added unless it is
// there: the guest runs when it is told to.
void set_incoming(ArgumentModel& model);
void set_incoming(ArgumentModel& model, const CprChannel& channel);

}  // namespace cpr::controller::qemu

#endif

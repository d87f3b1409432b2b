// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_QUEUE_CHECKS_H
#define CPR_CONTROLLER_QEMU_QUEUE_CHECKS_H

#include <functional>
#include <nlohmann/json.hpp>

namespace cpr::controller::qemu {

// Asks a QEMU: a command and its arguments; returns what it returns. Throws Error.
using Ask = std::function<nlohmann::json(const char* command, const nlohmann::json& arguments)>;

// Whether the next QEMU's virtio queues hold what the guest has in those of the present one.
// Debian's QEMU 10.0.13 gives each queue 1024 entries, and others refuse its state when the guest
// already stands still. `peripherals` is what qom-list of /machine/peripheral returned. Throws
// Error kBinaryIncompatible.
void check_queue_sizes(const nlohmann::json& peripherals, const Ask& present, const Ask& next);

}  // namespace cpr::controller::qemu

#endif

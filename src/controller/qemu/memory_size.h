// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_MEMORY_SIZE_H
#define CPR_CONTROLLER_QEMU_MEMORY_SIZE_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace cpr::controller::qemu {

// A size as -m has it, in bytes: MiB unless it ends in one of b, k, M, G, T. Nothing for one that
// is not whole, is 0, or is more than 2^63.
std::optional<uint64_t> parse_memory_size(std::string_view text);

}  // namespace cpr::controller::qemu

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_IO_H
#define CPR_BASE_IO_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/text.h"
#include "base/unique_fd.h"

namespace cpr {

// Reads the whole of an open regular file or memfd from offset 0, wherever its file position is.
// Throws Error; kCorruptState if it is larger than `cap` bytes. `what` names it in errors.
std::vector<uint8_t> read_all(int fd, size_t cap, const Text& what);

// Replaces the content of a memfd. Throws Error.
void write_all(int fd, std::span<const uint8_t> data, const Text& what);

// An empty close-on-exec memfd. Throws Error.
UniqueFd make_memfd(const std::string& name);

// A close-on-exec memfd whose content nobody can change any more, read back to be sure of it.
// Throws Error. `what` names it in errors.
UniqueFd make_sealed_memfd(const std::string& name, std::span<const uint8_t> content,
                           const Text& what);

// Opens a file close-on-exec. Throws Error with the path in it.
UniqueFd open_file(const std::string& path, int flags, unsigned mode = 0600);

}  // namespace cpr

#endif

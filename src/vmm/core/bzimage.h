// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_BZIMAGE_H
#define CPR_VMM_CORE_BZIMAGE_H

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cpr::vmm {

// What a Linux kernel file says of itself in its setup header (Documentation/arch/x86/boot.rst),
// after every value has been checked against the file.
struct BzImage {
    std::vector<uint8_t> setup_header;  // as it goes into the boot parameters at 0x1f1
    uint64_t code_offset = 0;           // of the 64-bit kernel within the file
    uint64_t code_size = 0;
    uint64_t preferred_address = 0;
    uint64_t alignment = 0;    // a power of two
    uint64_t memory_size = 0;  // what it needs from its load address on, to come up
    bool relocatable = false;
    uint64_t initrd_limit = 0;   // the RAM disk ends at or below this address
    uint64_t cmdline_limit = 0;  // bytes, without the terminating zero
};

// The most that parse_bzimage() needs to see of a file.
constexpr size_t kBzImageHead = 0x1000;

// Reads the setup header in the first bytes of a file of `file_size` bytes. Throws Error
// kInvalidArgument, which says what is wrong with file `name`.
BzImage parse_bzimage(std::span<const uint8_t> head, uint64_t file_size, const std::string& name);

// Where the kernel goes in RAM that ends at `ram_end`. Throws Error kInvalidArgument if it does not
// fit.
uint64_t place_kernel(const BzImage& image, uint64_t ram_end, const std::string& name);
// Where a RAM disk goes, as high as it may; the kernel ends at `kernel_end`. Throws Error
// kInvalidArgument if it does not fit.
uint64_t place_initrd(const BzImage& image, uint64_t size, uint64_t kernel_end, uint64_t ram_end);

}  // namespace cpr::vmm

#endif

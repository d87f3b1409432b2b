// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_GUESTS_IO_PATTERN_H
#define CPR_TESTS_GUESTS_IO_PATTERN_H

// A block that proves where and when it was written. tests/testbed/lib/pattern.py has the same
// definition for the host.

#include <stdbool.h>
#include <stdint.h>

#define IO_BLOCK_SIZE 4096u
#define IO_BLOCK_WORDS (IO_BLOCK_SIZE / 8u)
#define IO_BLOCK_MAGIC UINT64_C(0x4652564f49525043)  // "CPRIOVRF" in memory

static inline void io_block_fill(uint64_t* words, uint64_t offset, uint64_t generation) {
    uint64_t value = offset * UINT64_C(0x9e3779b97f4a7c15) + generation;
    uint64_t sum = 0;

    words[0] = IO_BLOCK_MAGIC;
    words[1] = offset;
    words[2] = generation;
    for (unsigned int i = 3; i < IO_BLOCK_WORDS - 1; i++) {
        value += UINT64_C(0xbf58476d1ce4e5b9);
        words[i] = value;
    }
    for (unsigned int i = 0; i < IO_BLOCK_WORDS - 1; i++) {
        sum += words[i];
    }
    words[IO_BLOCK_WORDS - 1] = sum;
}

static inline bool io_block_valid(const uint64_t* words, uint64_t offset, uint64_t generation) {
    uint64_t sum = 0;

    for (unsigned int i = 0; i < IO_BLOCK_WORDS - 1; i++) {
        sum += words[i];
    }
    return words[0] == IO_BLOCK_MAGIC && words[1] == offset && words[2] == generation &&
           words[IO_BLOCK_WORDS - 1] == sum;
}

#endif

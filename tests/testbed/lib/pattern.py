# SPDX-License-Identifier: LGPL-2.1-or-later
"""The blocks that the guest's ioverify writes (tests/guests/io_pattern.h), for the host."""

import struct

BLOCK_SIZE = 4096
WORDS = BLOCK_SIZE // 8
MAGIC = 0x4652564F49525043
MASK = (1 << 64) - 1


def block(offset, generation):
    """Content of the block at byte `offset`."""
    value = (offset * 0x9E3779B97F4A7C15 + generation) & MASK
    words = [MAGIC, offset, generation]
    for _ in range(3, WORDS - 1):
        value = (value + 0xBF58476D1CE4E5B9) & MASK
        words.append(value)
    words.append(sum(words) & MASK)
    return struct.pack(f"<{WORDS}Q", *words)


def fill(path, offset, count, generation):
    """Write blocks into a file."""
    with open(path, "r+b") as stream:
        stream.seek(offset)
        for index in range(count):
            stream.write(block(offset + index * BLOCK_SIZE, generation))


def wrong_blocks(path, offset, count, generation):
    """Offsets of the blocks in a file that are not as they should be."""
    wrong = []
    with open(path, "rb") as stream:
        stream.seek(offset)
        for index in range(count):
            position = offset + index * BLOCK_SIZE
            if stream.read(BLOCK_SIZE) != block(position, generation):
                wrong.append(position)
    return wrong

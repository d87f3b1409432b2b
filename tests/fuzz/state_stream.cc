// SPDX-License-Identifier: LGPL-2.1-or-later
// A state stream from anywhere. The mutator puts checksums right, since no chance ever would.
#include <zlib.h>

#include <cstring>

#include "fuzz/fuzz.h"
#include "state/stream.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

constexpr size_t kHeader = 32;
constexpr size_t kPrefix = 8;

void put(uint8_t* to, uint32_t value) {
    memcpy(to, &value, sizeof(value));
}

uint32_t crc(const uint8_t* data, size_t size) {
    return static_cast<uint32_t>(crc32_z(0, data, size));
}

// One section; returns its size, or 0 if there is no room for what it says.
size_t repair_section(uint8_t* data, size_t size) {
    uint32_t head = 0;
    uint64_t payload = 0;
    if (size < kPrefix)
        return 0;
    memcpy(&head, data, sizeof(head));
    if (head < 12 || head > size - kPrefix)
        return 0;
    uint8_t* end = data + kPrefix + head;
    memcpy(&payload, end - 12, sizeof(payload));
    const size_t left = size - kPrefix - head;
    if (payload <= left)
        put(end - 4, crc(end, payload));
    put(data + 4, crc(data + kPrefix, head));
    return payload <= left ? kPrefix + head + payload : 0;
}

void repair(uint8_t* data, size_t size) {
    if (size < kHeader)
        return;
    const uint64_t total = size;
    memcpy(data, "CPRSTATE", 8);
    memcpy(data + 16, &total, sizeof(total));
    uint32_t sections = 0;
    for (size_t at = kHeader; at < size; ++sections) {
        const size_t step = repair_section(data + at, size - at);
        if (step == 0)
            break;
        at += step;
    }
    put(data + 24, sections);
    put(data + 28, crc(data, 28));
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
    const size_t mutated = LLVMFuzzerMutate(data, size, max_size);
    // A few go as they are: wrong checksums are input as well.
    if (seed % 8 != 0)
        repair(data, mutated);
    return mutated;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace cpr;
    try {
        state::StreamReader reader(std::vector<uint8_t>(data, data + size));
        state::StreamWriter writer;
        for (const auto& section : state::cut_sections({data, size})) {
            fuzz::require(section.intact && reader.has(section.info.id), "a section is there");
            writer.add_payload(section.info, {section.payload.begin(), section.payload.end()});
        }
        // There is one way to write a stream.
        const std::vector<uint8_t> again = writer.finish();
        fuzz::require(std::ranges::equal(again, std::span(data, size)), "it is written as read");
    } catch (const Error&) {
    }
    return 0;
}

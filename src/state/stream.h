// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_STATE_STREAM_H
#define CPR_STATE_STREAM_H

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "state/versions.h"

namespace cpr::state {

// The state stream of docs/state-format.md: a header that can be read alone, then sections.
constexpr uint32_t kFormatVersion = 1;
constexpr size_t kMaxStream = size_t{64} << 20;
constexpr size_t kMaxSections = 4096;

struct Header {
    uint32_t format = 0;
    uint32_t architecture = 0;
    uint64_t total_length = 0;
    uint32_t sections = 0;
};

// What a section is, without its content.
struct SectionInfo {
    std::string id;
    std::string kind;
    uint16_t version = 0;
    uint64_t length = 0;
};

// The section that a state would be written as now.
template <Fielded State>
SectionInfo section_info(std::string_view id, const State& state) {
    return {std::string(id), std::string(State::kKind), version_needed(state), 0};
}
template <Fielded State>
SectionInfo section_info(std::string_view id) {
    static_assert(!kVersionVaries<State>, "the version depends on the state: pass it");
    return {std::string(id), std::string(State::kKind), State::kVersion, 0};
}

// Collects sections; ids are unique.
class StreamWriter {
  public:
    template <Fielded State>
    void add(std::string_view id, const State& state) {
        add_payload(section_info(id, state), write_payload(state));
    }
    // Throws Error kInternal if two sections have one id.
    void add_payload(SectionInfo info, std::vector<uint8_t> payload);
    std::vector<SectionInfo> sections() const;
    // The finished stream.
    std::vector<uint8_t> finish() const;

  private:
    struct Section {
        SectionInfo info;
        std::vector<uint8_t> payload;
    };
    std::vector<Section> sections_;
};

// Reads the header and checks it against the number of bytes there are. Throws Error kCorruptState.
Header read_header(std::span<const uint8_t> stream);

// A section as it lies in a stream: its head is right, and its content is what was written if it is
// intact. The content is the stream's.
struct SectionView {
    SectionInfo info;
    bool intact = false;
    std::span<const uint8_t> payload;
};

// Cuts a stream into its sections, in their order. Throws Error kCorruptState on anything that is
// wrong but their contents.
std::vector<SectionView> cut_sections(std::span<const uint8_t> stream);

// Checks a whole stream when constructed (lengths, checksums, unique ids); every section must then
// be taken by somebody. Throws Error kCorruptState, which names the section.
class StreamReader {
  public:
    explicit StreamReader(std::vector<uint8_t> stream);

    bool has(std::string_view id) const;
    std::vector<SectionInfo> sections() const;

    // Takes a section out and reads it whole: it must be of the type's kind, in a version that the
    // type can read.
    template <Fielded State>
    State take(std::string_view id) {
        const SectionView section =
            take_section(id, State::kKind, {oldest_read<State>(), State::kVersion});
        try {
            return read_payload<State>(section.info.version, section.payload);
        } catch (const Error& error) {
            throw Error(ErrorCode::kCorruptState, "state section '{}': {}", id, error.text());
        }
    }
    // Refuses sections that nobody took.
    void finish() const;

  private:
    struct VersionRange {
        uint16_t oldest;
        uint16_t newest;
    };
    SectionView take_section(std::string_view id, std::string_view kind, VersionRange known);

    std::vector<uint8_t> stream_;
    std::map<std::string, SectionView, std::less<>> sections_;
};

}  // namespace cpr::state

#endif

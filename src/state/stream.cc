// SPDX-License-Identifier: LGPL-2.1-or-later
#include "state/stream.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace cpr::state {
namespace {

constexpr std::array<char, 8> kMagic{'C', 'P', 'R', 'S', 'T', 'A', 'T', 'E'};
// EM_X86_64 of the ELF specification.
constexpr uint32_t kArchitecture = 62;

struct RawHeader {
    std::array<char, 8> magic;
    uint32_t format;
    uint32_t architecture;
    uint64_t total_length;
    uint32_t sections;
    uint32_t checksum;
};
static_assert(sizeof(RawHeader) == 32);

uint32_t checksum(std::span<const uint8_t> bytes) {
    return static_cast<uint32_t>(crc32_z(0, bytes.data(), bytes.size()));
}

uint32_t checksum(const RawHeader& header) {
    return checksum({reinterpret_cast<const uint8_t*>(&header), offsetof(RawHeader, checksum)});
}

// The part of a section before its payload, for both directions.
struct SectionHead {
    static constexpr bool kFielded = true;
    SectionInfo info;
    uint32_t payload_checksum = 0;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.info.id, self.info.kind, self.info.version, self.info.length,
                self.payload_checksum);
    }
};

// What is left of a stream.
class Cutter {
  public:
    explicit Cutter(std::span<const uint8_t> rest) : rest_(rest) {}

    std::span<const uint8_t> cut(uint64_t size) {
        if (size > rest_.size())
            throw Error(ErrorCode::kCorruptState, "the state is cut off");
        const auto part = rest_.first(size);
        rest_ = rest_.subspan(size);
        return part;
    }
    void finish() const {
        if (!rest_.empty())
            throw Error(ErrorCode::kCorruptState, "{} bytes follow the last state section",
                        rest_.size());
    }

  private:
    std::span<const uint8_t> rest_;
};

SectionHead read_head(Cutter& cutter, uint32_t index) {
    uint32_t size = 0;
    uint32_t sum = 0;
    InArchive prefix(cutter.cut(sizeof(size) + sizeof(sum)));
    prefix(size, sum);
    const auto bytes = cutter.cut(size);
    if (checksum(bytes) != sum)
        throw Error(ErrorCode::kCorruptState, "state section {} has a wrong head", index);
    SectionHead head;
    InArchive archive(bytes);
    archive(head);
    archive.finish();
    return head;
}

}  // namespace

void StreamWriter::add_payload(SectionInfo info, std::vector<uint8_t> payload) {
    for (const Section& section : sections_)
        if (section.info.id == info.id)
            throw Error(ErrorCode::kInternal, "two state sections are named '{}'", info.id);
    info.length = payload.size();
    sections_.push_back({std::move(info), std::move(payload)});
}

std::vector<SectionInfo> StreamWriter::sections() const {
    std::vector<SectionInfo> infos;
    for (const Section& section : sections_)
        infos.push_back(section.info);
    return infos;
}

std::vector<uint8_t> StreamWriter::finish() const {
    std::vector<uint8_t> stream(sizeof(RawHeader));
    for (const Section& section : sections_) {
        OutArchive head;
        head(SectionHead{section.info, checksum(section.payload)});
        const std::vector<uint8_t> bytes = head.take();
        OutArchive size;
        size(static_cast<uint32_t>(bytes.size()), checksum(bytes));
        const std::vector<uint8_t> prefix = size.take();
        stream.insert(stream.end(), prefix.begin(), prefix.end());
        stream.insert(stream.end(), bytes.begin(), bytes.end());
        stream.insert(stream.end(), section.payload.begin(), section.payload.end());
    }
    RawHeader header{kMagic,
                     kFormatVersion,
                     kArchitecture,
                     stream.size(),
                     static_cast<uint32_t>(sections_.size()),
                     0};
    header.checksum = checksum(header);
    memcpy(stream.data(), &header, sizeof(header));
    return stream;
}

Header read_header(std::span<const uint8_t> stream) {
    RawHeader raw{};
    if (stream.size() < sizeof(raw))
        throw Error(ErrorCode::kCorruptState, "the state has {} bytes, less than its header",
                    stream.size());
    memcpy(&raw, stream.data(), sizeof(raw));
    if (raw.magic != kMagic)
        throw Error(ErrorCode::kCorruptState, "this is no state of a guest: wrong magic number");
    if (raw.checksum != checksum(raw))
        throw Error(ErrorCode::kCorruptState, "the state's header has a wrong checksum");
    if (raw.format != kFormatVersion)
        throw Error(ErrorCode::kCorruptState, "the state has format {}, this program knows {}",
                    raw.format, kFormatVersion);
    if (raw.architecture != kArchitecture)
        throw Error(ErrorCode::kCorruptState, "the state is of architecture {}, not {}",
                    raw.architecture, kArchitecture);
    if (raw.total_length != stream.size() || raw.total_length > kMaxStream)
        throw Error(ErrorCode::kCorruptState, "the state says {} bytes, has {}, may have {}",
                    raw.total_length, stream.size(), kMaxStream);
    if (raw.sections > kMaxSections)
        throw Error(ErrorCode::kCorruptState, "the state says {} sections, may have {}",
                    raw.sections, kMaxSections);
    return {raw.format, raw.architecture, raw.total_length, raw.sections};
}

std::vector<SectionView> cut_sections(std::span<const uint8_t> stream) {
    const Header header = read_header(stream);
    Cutter cutter(stream.subspan(sizeof(RawHeader)));
    std::vector<SectionView> sections;
    std::set<std::string> ids;
    for (uint32_t i = 0; i < header.sections; ++i) {
        SectionHead head = read_head(cutter, i);
        const auto payload = cutter.cut(head.info.length);
        if (!ids.insert(head.info.id).second)
            throw Error(ErrorCode::kCorruptState, "two state sections are named '{}'",
                        head.info.id);
        sections.push_back(
            {std::move(head.info), checksum(payload) == head.payload_checksum, payload});
    }
    cutter.finish();
    return sections;
}

StreamReader::StreamReader(std::vector<uint8_t> stream) : stream_(std::move(stream)) {
    for (SectionView& section : cut_sections(stream_)) {
        if (!section.intact)
            throw Error(ErrorCode::kCorruptState, "state section '{}' has a wrong checksum",
                        section.info.id);
        std::string id = section.info.id;
        sections_.emplace(std::move(id), std::move(section));
    }
}

bool StreamReader::has(std::string_view id) const {
    return sections_.contains(id);
}

std::vector<SectionInfo> StreamReader::sections() const {
    std::vector<SectionInfo> infos;
    for (const auto& [id, section] : sections_)
        infos.push_back(section.info);
    return infos;
}

SectionView StreamReader::take_section(std::string_view id, std::string_view kind,
                                       VersionRange known) {
    const auto found = sections_.find(id);
    if (found == sections_.end())
        throw Error(ErrorCode::kCorruptState, "the state has no section '{}'", id);
    SectionView section = std::move(found->second);
    sections_.erase(found);
    if (section.info.kind != kind)
        throw Error(ErrorCode::kCorruptState, "state section '{}' is of kind '{}', not '{}'", id,
                    section.info.kind, kind);
    if (section.info.version < known.oldest || section.info.version > known.newest)
        throw Error(ErrorCode::kCorruptState,
                    "state section '{}' ({}) has version {}, this program knows {} to {}", id, kind,
                    section.info.version, known.oldest, known.newest);
    return section;
}

void StreamReader::finish() const {
    if (!sections_.empty())
        throw Error(ErrorCode::kCorruptState, "nobody knows the state section '{}' ({})",
                    sections_.begin()->first, sections_.begin()->second.info.kind);
}

}  // namespace cpr::state

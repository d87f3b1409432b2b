// SPDX-License-Identifier: LGPL-2.1-or-later
#include "state/stream.h"

#include <gtest/gtest.h>

namespace cpr::state {
namespace {

struct Sample {
    static constexpr std::string_view kKind = "sample";
    static constexpr uint16_t kVersion = 3;
    uint8_t byte = 0;
    bool flag = false;
    std::vector<uint16_t> list;
    std::optional<uint32_t> maybe;
    std::string text;
    std::array<uint8_t, 4> fixed{};

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.byte, self.flag, self.list, self.maybe, self.text, self.fixed);
    }
    void validate() const {
        if (byte == 99)
            throw Error(ErrorCode::kCorruptState, "99 is not possible");
    }
    bool operator==(const Sample&) const = default;
};

struct NewerSample : Sample {
    static constexpr uint16_t kVersion = 4;
};

struct UpgradingSample {
    static constexpr std::string_view kKind = "sample";
    static constexpr uint16_t kVersion = 4;
    std::string text;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.text);
    }
    using Previous = Sample;
    static UpgradingSample upgrade(const Sample& old) { return {old.text + " of 3"}; }
};

const Sample kSample{7, true, {1, 2, 3}, 5u, "text", {1, 2, 3, 4}};

std::vector<uint8_t> sample_stream() {
    StreamWriter writer;
    writer.add("one", kSample);
    writer.add("two", Sample{});
    return writer.finish();
}

TEST(Stream, RoundTrip) {
    StreamReader reader(sample_stream());
    EXPECT_EQ(reader.take<Sample>("one"), kSample);
    EXPECT_EQ(reader.take<Sample>("two"), Sample{});
    EXPECT_NO_THROW(reader.finish());
}

TEST(Stream, HeaderCanBeReadAlone) {
    const Header header = read_header(sample_stream());
    EXPECT_EQ(header.format, kFormatVersion);
    EXPECT_EQ(header.sections, 2u);
}

TEST(Stream, EveryFlippedBitIsRefused) {
    const auto good = sample_stream();
    for (size_t i = 0; i < good.size(); ++i) {
        auto bad = good;
        bad[i] ^= 1u << (i % 8);
        EXPECT_THROW(StreamReader{bad}, Error) << "byte " << i;
    }
}

TEST(Stream, EveryTruncationIsRefused) {
    const auto good = sample_stream();
    for (size_t size = 0; size < good.size(); ++size)
        EXPECT_THROW(StreamReader(std::vector(good.begin(), good.begin() + size)), Error) << size;
}

TEST(Stream, LeftoverSectionIsRefused) {
    StreamReader reader(sample_stream());
    reader.take<Sample>("one");
    EXPECT_THROW(reader.finish(), Error);
}

TEST(Stream, WrongVersionKindOrIdIsRefused) {
    StreamReader reader(sample_stream());
    EXPECT_THROW(reader.take<NewerSample>("one"), Error);
    EXPECT_THROW(reader.take<Sample>("three"), Error);
}

TEST(Stream, OlderVersionsAreUpgraded) {
    StreamWriter writer;
    writer.add("new", UpgradingSample{"text"});
    writer.add("old", kSample);
    writer.add("bad", Sample{99, false, {}, {}, {}, {}});
    StreamReader reader(writer.finish());
    EXPECT_EQ(oldest_read<UpgradingSample>(), 3u);
    EXPECT_EQ(reader.take<UpgradingSample>("new").text, "text");
    EXPECT_EQ(reader.take<UpgradingSample>("old").text, "text of 3");
    // The old version's own rules hold for it.
    EXPECT_THROW(reader.take<UpgradingSample>("bad"), Error);
    // A newer version than the program's is not guessed at.
    StreamWriter later;
    later.add("one", UpgradingSample{});
    EXPECT_THROW(StreamReader(later.finish()).take<Sample>("one"), Error);
}

TEST(Stream, ImpossibleValuesAreRefused) {
    StreamWriter writer;
    writer.add("one", Sample{99, false, {}, {}, {}, {}});
    StreamReader reader(writer.finish());
    EXPECT_THROW(reader.take<Sample>("one"), Error);
}

TEST(Stream, DoubleIdsAreRefused) {
    StreamWriter writer;
    writer.add("one", Sample{});
    EXPECT_THROW(writer.add("one", Sample{}), Error);
}

TEST(Archive, LeftoverBytesAreRefused) {
    const std::vector<uint8_t> bytes{1, 2};
    InArchive archive(bytes);
    uint8_t byte = 0;
    archive(byte);
    EXPECT_THROW(archive.finish(), Error);
}

TEST(Archive, HugeCountIsRefusedBeforeItAllocates) {
    const std::vector<uint8_t> bytes{0xff, 0xff, 0xff, 0xff, 1};
    InArchive archive(bytes);
    std::vector<uint64_t> list;
    EXPECT_THROW(archive(list), Error);
}

}  // namespace
}  // namespace cpr::state

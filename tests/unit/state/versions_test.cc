// SPDX-License-Identifier: LGPL-2.1-or-later
#include "state/versions.h"

#include <gtest/gtest.h>

#include "state/stream.h"

namespace cpr::state {
namespace {

// What three releases made of one kind, as each has it in its sources.
struct First {
    static constexpr std::string_view kKind = "timer";
    static constexpr uint16_t kVersion = 1;
    uint8_t ticks = 0;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.ticks);
    }
    bool operator==(const First&) const = default;
};

struct Third {
    static constexpr std::string_view kKind = "timer";
    static constexpr uint16_t kVersion = 3;
    static constexpr uint16_t kOldestVersion = 1;
    uint8_t ticks = 0;
    std::optional<uint16_t> alarm;
    std::vector<uint8_t> log;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.ticks);
        archive.since(2, self.alarm);
        archive.since(3, self.log);
    }
    void validate() const {
        if (alarm == 99)
            throw Error(ErrorCode::kCorruptState, "99 is not possible");
    }
    bool operator==(const Third&) const = default;
};

// Counts in another unit, which no list of fields can say.
struct Fifth {
    static constexpr std::string_view kKind = "timer";
    static constexpr uint16_t kVersion = 5;
    static constexpr uint16_t kOldestVersion = 4;
    using Previous = Third;
    uint32_t microseconds = 0;
    std::optional<uint16_t> alarm;
    bool stopped = false;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.microseconds, self.alarm);
        archive.since(5, self.stopped);
    }
    static Fifth upgrade(const Third& old) { return {old.ticks * 1000u, old.alarm, false}; }
    bool operator==(const Fifth&) const = default;
};

template <typename State>
StreamReader stream_of(const State& state) {
    StreamWriter writer;
    writer.add("timer0", state);
    return StreamReader(writer.finish());
}

template <typename To, typename From>
To reread(const From& state) {
    return stream_of(state).template take<To>("timer0");
}

TEST(Versions, AreTheLowestThatHoldsTheState) {
    EXPECT_EQ(version_needed(First{7}), 1);
    EXPECT_EQ(version_needed(Third{7, {}, {}}), 1);
    EXPECT_EQ(version_needed(Third{7, 5, {}}), 2);
    EXPECT_EQ(version_needed(Third{7, 5, {1}}), 3);
    EXPECT_EQ(version_needed(Third{7, {}, {1}}), 3);
    EXPECT_EQ(version_needed(Fifth{}), 4);
    EXPECT_EQ(version_needed(Fifth{0, 1, true}), 5);
}

TEST(Versions, AreInTheStream) {
    for (const Third& state : {Third{7, {}, {}}, Third{7, 5, {}}, Third{7, {}, {1}}}) {
        const auto sections = stream_of(state).sections();
        ASSERT_EQ(sections.size(), 1u);
        EXPECT_EQ(sections[0].version, version_needed(state));
        EXPECT_EQ(section_info("timer0", state).version, version_needed(state));
    }
}

TEST(Versions, RoundTrip) {
    for (const Third& state :
         {Third{7, {}, {}}, Third{7, 5, {}}, Third{7, {}, {1}}, Third{7, 5, {1}}})
        EXPECT_EQ(reread<Third>(state), state);
}

TEST(Versions, AnOlderProgramReadsWhatDoesNotUseLaterFields) {
    EXPECT_EQ(reread<First>(Third{7, {}, {}}), First{7});
    EXPECT_EQ(write_payload(Third{7, {}, {}}), write_payload(First{7}));
}

TEST(Versions, AnOlderProgramRefusesLaterFieldsInUse) {
    EXPECT_THROW(reread<First>(Third{7, 5, {}}), Error);
}

TEST(Versions, ANewerProgramReadsOlderOnes) {
    EXPECT_EQ(reread<Third>(First{7}), (Third{7, {}, {}}));
}

TEST(Versions, UpgradesAnotherLayout) {
    EXPECT_EQ(oldest_read<Fifth>(), 1);
    EXPECT_EQ(reread<Fifth>(First{7}), (Fifth{7000, {}, false}));
    EXPECT_EQ(reread<Fifth>(Third{7, 5, {}}), (Fifth{7000, 5, false}));
    EXPECT_EQ(reread<Fifth>(Fifth{1, 2, true}), (Fifth{1, 2, true}));
    EXPECT_THROW(reread<Third>(Fifth{}), Error);
}

TEST(Versions, AnOlderLayoutIsValidatedByItsOwnRules) {
    EXPECT_THROW(reread<Fifth>(Third{7, 99, {}}), Error);
}

TEST(Versions, FieldsOfALaterVersionAreLeftOverInAnOlderSection) {
    StreamWriter writer;
    writer.add_payload({"timer0", "timer", 1, 0}, write_payload(Third{7, 5, {}}));
    StreamReader reader(writer.finish());
    EXPECT_THROW(reader.take<Third>("timer0"), Error);
}

TEST(Versions, OutsideOfTheRangeAreRefused) {
    for (const uint16_t version : {0, 4, 0xffff}) {
        StreamWriter writer;
        writer.add_payload({"timer0", "timer", version, 0}, {7});
        StreamReader reader(writer.finish());
        EXPECT_THROW(reader.take<Third>("timer0"), Error) << version;
    }
}

}  // namespace
}  // namespace cpr::state

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/bus.h"

#include <gtest/gtest.h>

#include <array>

#include "base/error.h"

namespace cpr::vmm {
namespace {

class Probe : public BusDevice {
  public:
    void read(uint64_t offset, std::span<uint8_t> data) override {
        last_offset = offset;
        for (uint8_t& byte : data)
            byte = 0x42;
    }
    void write(uint64_t offset, std::span<const uint8_t> data) override {
        last_offset = offset;
        last_write.assign(data.begin(), data.end());
    }
    uint64_t last_offset = ~uint64_t{0};
    std::vector<uint8_t> last_write;
};

struct BusTest : testing::Test {
    Bus bus;
    Probe outer;
    Probe inner;
    std::array<uint8_t, 4> data{};
    std::span<uint8_t> bytes(size_t count) { return std::span(data).first(count); }
};

TEST_F(BusTest, AnAccessReachesItsDeviceWithTheOffset) {
    bus.map(0x100, 8, outer, "outer");
    EXPECT_TRUE(bus.read(0x104, bytes(4)));
    EXPECT_EQ(outer.last_offset, 4u);
    EXPECT_EQ(data[3], 0x42);
    data = {1, 2, 3, 4};
    EXPECT_TRUE(bus.write(0x106, bytes(2)));
    EXPECT_EQ(outer.last_offset, 6u);
    EXPECT_EQ(outer.last_write, (std::vector<uint8_t>{1, 2}));
}

TEST_F(BusTest, NobodyThereReadsAllOnes) {
    bus.map(0x100, 8, outer, "outer");
    EXPECT_FALSE(bus.read(0xff, bytes(1)));
    EXPECT_EQ(data[0], 0xff);
    EXPECT_FALSE(bus.read(0x108, bytes(1)));
    EXPECT_FALSE(bus.write(0x108, bytes(1)));
}

TEST_F(BusTest, AnAccessBeyondTheEndIsNobodys) {
    bus.map(0x100, 8, outer, "outer");
    EXPECT_FALSE(bus.read(0x106, bytes(4)));
    EXPECT_FALSE(bus.read(~uint64_t{0} - 1, bytes(4)));
}

TEST_F(BusTest, ARangeWithinAnotherIsInFront) {
    bus.map(0xcf8, 4, outer, "outer");
    bus.map(0xcf9, 1, inner, "inner");
    EXPECT_TRUE(bus.read(0xcf9, bytes(1)));
    EXPECT_EQ(inner.last_offset, 0u);
    EXPECT_TRUE(bus.read(0xcf8, bytes(4)));
    EXPECT_EQ(outer.last_offset, 0u);
    EXPECT_TRUE(bus.read(0xcfa, bytes(2)));
    EXPECT_EQ(outer.last_offset, 2u);
    bus.unmap(0xcf9);
    EXPECT_TRUE(bus.read(0xcf9, bytes(1)));
    EXPECT_EQ(outer.last_offset, 1u);
}

TEST_F(BusTest, RefusesEmptyWrappingAndOverlappingRanges) {
    bus.map(0x100, 8, outer, "outer");
    EXPECT_THROW(bus.map(0x200, 0, inner, "inner"), Error);
    EXPECT_THROW(bus.map(~uint64_t{0}, 2, inner, "inner"), Error);
    EXPECT_THROW(bus.map(0xfc, 8, inner, "inner"), Error);
    EXPECT_THROW(bus.map(0x104, 8, inner, "inner"), Error);
    EXPECT_THROW(bus.map(0x100, 4, inner, "inner"), Error);
    EXPECT_NO_THROW(bus.map(0x108, 8, inner, "inner"));
}

TEST_F(BusTest, TellsWhatIsMapped) {
    bus.map(0x100, 8, outer, "outer");
    EXPECT_TRUE(bus.overlaps(0xf0, 0x11));
    EXPECT_TRUE(bus.overlaps(0x107, 1));
    EXPECT_FALSE(bus.overlaps(0xf0, 0x10));
    EXPECT_FALSE(bus.overlaps(0x108, 8));
    EXPECT_FALSE(bus.overlaps(0x104, 0));
}

}  // namespace
}  // namespace cpr::vmm

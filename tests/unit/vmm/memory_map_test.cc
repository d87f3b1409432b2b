// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/memory_map.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cpr::vmm {
namespace {

// Host addresses are only compared here, never followed.
void* host_at(uint64_t address) {
    return reinterpret_cast<void*>(address);
}

class FakeSlots : public MemorySlots {
  public:
    void set_slot(uint32_t slot, const MemoryRegion& region) override {
        if (refuse)
            throw Error(ErrorCode::kSystem, "refused");
        slots[slot] = region.gpa;
    }
    void clear_slot(uint32_t slot) override { slots.erase(slot); }
    std::map<uint32_t, uint64_t> slots;
    bool refuse = false;
};

class Follower : public MemoryListener {
  public:
    void region_added(const MemoryRegion& region) override {
        if (region.gpa == refused)
            throw Error(ErrorCode::kSystem, "refused");
        present[region.gpa] = region.size;
    }
    void region_removed(const MemoryRegion& region) override {
        if (region.gpa == refused)
            throw Error(ErrorCode::kSystem, "refused");
        present.erase(region.gpa);
    }
    std::map<uint64_t, uint64_t> present;
    uint64_t refused = ~uint64_t{0};
};

MemoryRegion region(uint64_t gpa, uint64_t size) {
    return {gpa, size, host_at(0x7000000 + gpa), true, false, "test"};
}

struct MemoryMapTest : testing::Test {
    FakeSlots slots;
    MemoryMap map{slots};
    Follower first;
    Follower second;
};

TEST_F(MemoryMapTest, AddTellsKvmAndListeners) {
    map.add_listener(first, false);
    map.add(region(0x1000, 0x2000));
    EXPECT_EQ(slots.slots.at(0), 0x1000u);
    EXPECT_EQ(first.present.at(0x1000), 0x2000u);
    map.remove(0x1000);
    EXPECT_TRUE(slots.slots.empty());
    EXPECT_TRUE(first.present.empty());
}

TEST_F(MemoryMapTest, SlotsAreUsedAgain) {
    map.add(region(0x1000, 0x1000));
    map.add(region(0x2000, 0x1000));
    map.remove(0x1000);
    map.add(region(0x5000, 0x1000));
    EXPECT_EQ(slots.slots.at(0), 0x5000u);
    EXPECT_EQ(slots.slots.size(), 2u);
}

TEST_F(MemoryMapTest, RefusesOverlapAndUnalignedValues) {
    map.add(region(0x1000, 0x2000));
    EXPECT_THROW(map.add(region(0x2000, 0x1000)), Error);
    EXPECT_THROW(map.add(region(0, 0x2000)), Error);
    EXPECT_THROW(map.add(region(0x8000, 0)), Error);
    EXPECT_THROW(map.add(region(0x8100, 0x1000)), Error);
    EXPECT_THROW(map.add(region(~uint64_t{0xfff}, 0x2000)), Error);
    EXPECT_EQ(map.regions().size(), 1u);
}

TEST_F(MemoryMapTest, ARefusingListenerUndoesTheAdd) {
    map.add_listener(first, false);
    map.add_listener(second, false);
    second.refused = 0x1000;
    EXPECT_THROW(map.add(region(0x1000, 0x1000)), Error);
    EXPECT_TRUE(first.present.empty());
    EXPECT_TRUE(slots.slots.empty());
    EXPECT_TRUE(map.regions().empty());
}

TEST_F(MemoryMapTest, ARefusingListenerUndoesTheRemove) {
    map.add_listener(first, false);
    map.add_listener(second, false);
    map.add(region(0x1000, 0x1000));
    second.refused = 0x1000;
    EXPECT_THROW(map.remove(0x1000), Error);
    EXPECT_EQ(first.present.size(), 1u);
    EXPECT_EQ(slots.slots.size(), 1u);
    EXPECT_EQ(map.regions().size(), 1u);
}

TEST_F(MemoryMapTest, KvmsRefusalChangesNothing) {
    map.add_listener(first, false);
    slots.refuse = true;
    EXPECT_THROW(map.add(region(0x1000, 0x1000)), Error);
    EXPECT_TRUE(first.present.empty());
    EXPECT_TRUE(map.regions().empty());
}

TEST_F(MemoryMapTest, ANewListenerSeesWhatIsThereUnlessQuiet) {
    map.add(region(0x1000, 0x1000));
    map.add_listener(first, false);
    map.add_listener(second, true);
    EXPECT_EQ(first.present.size(), 1u);
    EXPECT_TRUE(second.present.empty());
    map.remove_listener(first, false);
    EXPECT_TRUE(first.present.empty());
}

TEST_F(MemoryMapTest, ANewListenerThatRefusesIsNotKept) {
    map.add(region(0x1000, 0x1000));
    map.add(region(0x2000, 0x1000));
    first.refused = 0x2000;
    EXPECT_THROW(map.add_listener(first, false), Error);
    EXPECT_TRUE(first.present.empty());
    map.add(region(0x3000, 0x1000));
    EXPECT_TRUE(first.present.empty());
}

TEST_F(MemoryMapTest, RamLiesWithinOneRamRegion) {
    MemoryRegion bar = region(0x3000, 0x1000);
    bar.is_ram = false;
    map.add(region(0x1000, 0x1000));
    map.add(bar);
    EXPECT_EQ(map.ram(0x1800, 0x800).data(), host_at(0x7000000 + 0x1800));
    EXPECT_TRUE(map.ram(0x1800, 0x801).empty());
    EXPECT_TRUE(map.ram(0x2000, 1).empty());
    EXPECT_TRUE(map.ram(0x3000, 1).empty());
    EXPECT_TRUE(map.ram(0, 1).empty());
    EXPECT_TRUE(map.ram(0x1800, ~uint64_t{0}).empty());
    EXPECT_EQ(map.ram_size(), 0x1000u);
}

}  // namespace
}  // namespace cpr::vmm

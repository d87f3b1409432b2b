// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/vfio_container.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/error.h"
#include "base/io.h"
#include "fakes/fake_platform.h"
#include "fakes/fake_vfio.h"
#include "fakes/gone.h"

namespace cpr::vmm {
namespace {

using fakes::FakePlatform;
using fakes::FakeVfio;

std::array<uint8_t, 0x9000> g_memory;

void* page(size_t number) {
    const auto start = (reinterpret_cast<uintptr_t>(g_memory.data()) + 0xfff) & ~uintptr_t{0xfff};
    return reinterpret_cast<void*>(start + 0x1000 * number);
}

MemoryRegion ram(uint64_t gpa, size_t host_page) {
    return {.gpa = gpa, .size = 0x1000, .host = page(host_page), .is_ram = true, .name = "ram"};
}

class ContainerTest : public testing::Test {
  protected:
    void SetUp() override {
        platform_.memory.add(ram(0, 0));
        platform_.memory.add(ram(0x100000, 1));
        platform_.memory.add(ram(0x200000, 2));
    }
    std::unique_ptr<VfioContainer> start(uint32_t index = 0) {
        auto container =
            std::make_unique<VfioContainer>(api_, platform_.memory, platform_.blockers, index);
        group_ = api_.open_group(7);
        std::erase(api_.calls, "open_group 7");
        container->attach_first(group_.get(), 7);
        return container;
    }
    // The container in a new process, whose memory is elsewhere, after the old one is gone.
    std::unique_ptr<VfioContainer> take_over(std::unique_ptr<VfioContainer> old,
                                             FakePlatform& fresh) {
        const VfioContainerState saved = old->state();
        const int fd = old->fd();
        fakes::let_go(std::move(old));
        for (const DmaRange& range : saved.dma_map)
            fresh.memory.add(ram(range.iova, 4 + range.iova / 0x100000));
        api_.calls.clear();
        return std::make_unique<VfioContainer>(api_, fresh.memory, fresh.blockers, 0, UniqueFd(fd),
                                               saved);
    }
    bool all_valid() {
        for (const auto& [iova, mapping] : api_.container().mappings)
            if (!mapping.valid)
                return false;
        return true;
    }
    std::vector<std::string> blockers(const Blockers& list) {
        std::vector<std::string> ids;
        for (const Blocker& blocker : list.all())
            ids.push_back(blocker.id);
        return ids;
    }

    std::vector<std::string> found(const VfioContainer& container) {
        std::vector<Blocker> all;
        container.find_blockers(all);
        std::vector<std::string> ids;
        for (const Blocker& blocker : all)
            ids.push_back(blocker.id);
        return ids;
    }

    FakeVfio api_;
    UniqueFd group_;
    FakePlatform platform_;
};

TEST_F(ContainerTest, ColdStartSetsTheTypeBeforeItMaps) {
    const auto container = start();
    EXPECT_EQ(api_.calls,
              (std::vector<std::string>{"open_container", "set_container", "set_iommu 3",
                                        "map_dma 0x0 0x1000", "map_dma 0x100000 0x1000",
                                        "map_dma 0x200000 0x1000"}));
    EXPECT_EQ(container->state().dma_map.size(), 3u);
    // UPDATE_VADDR is 0 before VFIO_SET_IOMMU; it is asked for after.
    EXPECT_EQ(platform_.blockers.count(), 0u);
    // A second group adds nothing but itself.
    api_.calls.clear();
    const UniqueFd another = api_.open_group(8);
    api_.calls.clear();
    EXPECT_TRUE(container->attach(another.get(), 8));
    EXPECT_EQ(api_.calls, std::vector<std::string>{"set_container"});
}

TEST_F(ContainerTest, MissingAbilitiesAreBlockersForAsLongAsItLives) {
    api_.update_vaddr = api_.unmap_all = false;
    auto container = start();
    EXPECT_EQ(blockers(platform_.blockers),
              (std::vector<std::string>{"vfio-no-update-vaddr", "vfio-no-unmap-all"}));
    EXPECT_THROW(container->check_vaddrs(), Error);
    container.reset();
    EXPECT_EQ(platform_.blockers.count(), 0u);
}

// Some IOMMU drivers answer for others before they are chosen, and for themselves after.
TEST_F(ContainerTest, TheTypeIsValidatedOnceItIsInUse) {
    auto container = std::make_unique<VfioContainer>(api_, platform_.memory, platform_.blockers, 0);
    const UniqueFd group = api_.open_group(7);
    api_.type1v2 = false;
    container->attach_first(group.get(), 7);
    EXPECT_EQ(blockers(platform_.blockers), std::vector<std::string>{"vfio-not-type1v2"});
    container.reset();
    EXPECT_EQ(platform_.blockers.count(), 0u);
}

TEST_F(ContainerTest, OtherIommuTypesAreRefused) {
    api_.type1v2 = false;
    EXPECT_THROW(start(), Error);
}

TEST_F(ContainerTest, FollowsTheMemoryMap) {
    const auto container = start();
    platform_.memory.add(ram(0x300000, 3));
    EXPECT_EQ(api_.container().mappings.count(0x300000), 1u);
    platform_.memory.remove(0x100000);
    EXPECT_EQ(api_.container().mappings.count(0x100000), 0u);
    EXPECT_EQ(container->state().dma_map.size(), 3u);
}

TEST_F(ContainerTest, RamThatCannotBeMappedIsAnErrorAndABarIsNot) {
    const auto container = start();
    api_.fail["map_dma"] = ENOMEM;
    EXPECT_THROW(platform_.memory.add(ram(0x300000, 3)), Error);
    MemoryRegion bar = ram(0x300000, 3);
    bar.is_ram = false;
    platform_.memory.add(bar);
    EXPECT_EQ(container->state().dma_map.size(), 3u);
    api_.fail.clear();
    // Such a BAR neither hinders an update nor is it unmapped.
    container->check_vaddrs();
    platform_.memory.remove(0x300000);
    EXPECT_TRUE(api_.calls_of("unmap_dma").empty());
}

TEST_F(ContainerTest, GoingAwayLeavesTheKernelsMappingsAlone) {
    start().reset();
    EXPECT_TRUE(api_.calls_of("unmap").empty());
}

TEST_F(ContainerTest, SaveInvalidatesAllAtOnceAndARollbackRestoresEach) {
    const auto container = start();
    api_.calls.clear();
    container->check_vaddrs();
    EXPECT_TRUE(api_.calls.empty());
    container->invalidate_vaddrs();
    EXPECT_EQ(api_.calls, std::vector<std::string>{"unmap_all_vaddrs"});
    EXPECT_THROW(container->check_vaddrs(), Error);
    container->restore_vaddrs();
    EXPECT_TRUE(all_valid());
    EXPECT_EQ(api_.calls_of("map_vaddr").size(), 3u);
    EXPECT_TRUE(api_.calls_of("unmap_vaddr").empty());
    // Twice is as good as once, and the next update works.
    container->restore_vaddrs();
    EXPECT_EQ(api_.calls_of("map_vaddr").size(), 3u);
    container->check_vaddrs();
    container->invalidate_vaddrs();
    container->restore_vaddrs();
    EXPECT_TRUE(all_valid());
}

TEST_F(ContainerTest, FailedInvalidationChangesNothing) {
    const auto container = start();
    api_.fail["unmap_all"] = EINVAL;
    EXPECT_THROW(container->invalidate_vaddrs(), Error);
    EXPECT_TRUE(all_valid());
    api_.fail.clear();
    container->check_vaddrs();
}

TEST_F(ContainerTest, MappingsThatWeDoNotKnowOfStopTheSave) {
    const auto container = start();
    api_.container().mappings[0x900000] = {0x1000, page(0), true};
    EXPECT_THROW(container->invalidate_vaddrs(), Error);
    EXPECT_TRUE(api_.container().mappings[0].valid);
    EXPECT_TRUE(api_.container().mappings[0x200000].valid);
}

TEST_F(ContainerTest, AMappingThatIsNotOursIsFoundBeforeAnythingIsTouched) {
    const auto container = start();
    EXPECT_EQ(found(*container), std::vector<std::string>{});
    api_.calls.clear();
    api_.container().mappings[0x900000] = {0x1000, page(0), true};
    EXPECT_EQ(found(*container), std::vector<std::string>{"dma-map-differs"});
    EXPECT_THROW(container->check_vaddrs(), Error);
    api_.container().mappings.erase(0x900000);
    EXPECT_EQ(found(*container), std::vector<std::string>{});
    // One that is missing is as bad.
    api_.container().mappings.erase(0x100000);
    EXPECT_EQ(found(*container), std::vector<std::string>{"dma-map-differs"});
    EXPECT_TRUE(api_.calls.empty());
}

TEST_F(ContainerTest, MemoryThatIsNotMappedForDmaIsFound) {
    const auto container = start();
    container->freeze();
    platform_.memory.add(ram(0x300000, 3));
    EXPECT_EQ(found(*container), std::vector<std::string>{"dma-map-differs"});
    platform_.memory.remove(0x300000);
    EXPECT_EQ(found(*container), std::vector<std::string>{});
    platform_.memory.remove(0x200000);
    EXPECT_EQ(found(*container), std::vector<std::string>{"dma-map-differs"});
}

TEST_F(ContainerTest, ANewProcessComparesFromWhatCame) {
    auto old = start();
    old->invalidate_vaddrs();
    FakePlatform fresh;
    const auto container = take_over(std::move(old), fresh);
    container->claim_vaddrs();
    fresh.memory.add(ram(0x300000, 8));
    EXPECT_EQ(found(*container), std::vector<std::string>{});
    api_.container().mappings[0x900000] = {0x1000, page(0), true};
    EXPECT_EQ(found(*container), std::vector<std::string>{"dma-map-differs"});
}

TEST_F(ContainerTest, AKernelThatDoesNotCountIsNotCompared) {
    api_.tells_mappings_left = false;
    const auto container = start();
    api_.container().mappings[0x900000] = {0x1000, page(0), true};
    EXPECT_EQ(found(*container), std::vector<std::string>{});
}

TEST_F(ContainerTest, ContainerKOfNFailsAndAllAreRestored) {
    constexpr size_t kContainers = 4;
    for (size_t failing = 0; failing < kContainers; ++failing) {
        std::vector<std::unique_ptr<VfioContainer>> containers;
        for (uint32_t i = 0; i < kContainers; ++i)
            containers.push_back(start(i));
        for (const auto& container : containers)
            container->check_vaddrs();
        api_.fail["unmap_all"] = EBUSY;
        api_.fail_after = static_cast<int>(failing);
        size_t done = 0;
        EXPECT_THROW(
            {
                for (; done < kContainers; ++done)
                    containers[done]->invalidate_vaddrs();
            },
            Error);
        EXPECT_EQ(done, failing);
        api_.fail.clear();
        for (const auto& container : containers)
            container->restore_vaddrs();
        for (const auto& container : containers)
            for (const auto& [iova, mapping] : api_.container(container->fd()).mappings)
                EXPECT_TRUE(mapping.valid) << iova;
    }
}

TEST_F(ContainerTest, RollbackRestoresTheOtherRangesWhenOneFails) {
    const auto container = start();
    container->invalidate_vaddrs();
    api_.fail["map_vaddr 0x100000"] = ENOMEM;
    EXPECT_THROW(container->restore_vaddrs(), Error);
    EXPECT_TRUE(api_.container().mappings[0].valid);
    EXPECT_TRUE(api_.container().mappings[0x200000].valid);
    // It is not over: another try may succeed.
    api_.fail.clear();
    container->restore_vaddrs();
    EXPECT_TRUE(all_valid());
}

TEST_F(ContainerTest, NewProcessClaimsRangeByRangeAndNothingElse) {
    auto old = start();
    old->invalidate_vaddrs();
    FakePlatform fresh;
    const auto container = take_over(std::move(old), fresh);
    EXPECT_TRUE(api_.calls.empty());
    container->claim_vaddrs();
    EXPECT_EQ(api_.calls, (std::vector<std::string>{"map_vaddr 0x0", "map_vaddr 0x100000",
                                                    "map_vaddr 0x200000"}));
    EXPECT_EQ(api_.container().mappings[0x100000].vaddr, page(5));
    // From here it follows the memory map, and can be saved again.
    fresh.memory.add(ram(0x300000, 8));
    EXPECT_EQ(api_.container().mappings.count(0x300000), 1u);
    container->check_vaddrs();
}

TEST_F(ContainerTest, RangesThatADeadProcessClaimedAreTakenBack) {
    auto old = start();
    old->invalidate_vaddrs();
    // Another process claimed two and was killed.
    api_.container().mappings[0].valid = true;
    api_.container().mappings[0x200000].valid = true;
    FakePlatform fresh;
    const auto container = take_over(std::move(old), fresh);
    container->claim_vaddrs();
    EXPECT_TRUE(all_valid());
    EXPECT_EQ(api_.container().mappings[0].vaddr, page(4));
    EXPECT_EQ(api_.container().mappings[0x200000].vaddr, page(6));
    EXPECT_EQ(api_.calls_of("unmap_vaddr"),
              (std::vector<std::string>{"unmap_vaddr 0x0", "unmap_vaddr 0x200000"}));
}

TEST_F(ContainerTest, RollbackTakesBackWhatTheNewProcessClaimed) {
    const auto container = start();
    container->invalidate_vaddrs();
    api_.container().mappings[0x100000] = {0x1000, page(7), true};
    container->restore_vaddrs();
    EXPECT_TRUE(all_valid());
    EXPECT_EQ(api_.container().mappings[0x100000].vaddr, page(1));
}

TEST_F(ContainerTest, FailedClaimGivesBackWhatItHad) {
    auto old = start();
    old->invalidate_vaddrs();
    FakePlatform fresh;
    const auto container = take_over(std::move(old), fresh);
    api_.fail["map_vaddr 0x200000"] = ENOMEM;
    try {
        container->claim_vaddrs();
        FAIL();
    } catch (const Error& error) {
        EXPECT_NE(error.message().find("0x200000"), std::string::npos) << error.message();
    }
    for (const auto& [iova, mapping] : api_.container().mappings)
        EXPECT_FALSE(mapping.valid) << iova;
    // It does not follow the memory map either: BARs that vanish with their device stay mapped.
    fresh.memory.remove(0);
    EXPECT_TRUE(api_.calls_of("unmap_dma").empty());
}

TEST_F(ContainerTest, DifferencesAreFoundBeforeTheFirstClaim) {
    for (const int difference : {0, 1, 2}) {
        auto old = start();
        old->invalidate_vaddrs();
        FakePlatform fresh;
        const auto container = take_over(std::move(old), fresh);
        if (difference == 0)
            fresh.memory.remove(0x200000);
        if (difference == 1)
            fresh.memory.add(ram(0x400000, 8));
        if (difference == 2) {
            fresh.memory.remove(0x200000);
            MemoryRegion larger = ram(0x200000, 6);
            larger.size = 0x2000;
            fresh.memory.add(larger);
        }
        EXPECT_THROW(container->claim_vaddrs(), Error) << difference;
        EXPECT_TRUE(api_.calls_of("map_vaddr").empty()) << difference;
        api_.containers.clear();
    }
}

TEST_F(ContainerTest, BadSavedMapsAreRefused) {
    const auto refused = [&](std::vector<DmaRange> map, uint32_t type) {
        EXPECT_THROW((VfioContainerState{type, std::move(map)}.validate()), Error);
    };
    refused({{0, 0, true}}, 3);
    refused({{0x1000, 0x1000, true}, {0, 0x1000, true}}, 3);
    refused({{0, 0x2000, true}, {0x1000, 0x1000, true}}, 3);
    refused({{UINT64_MAX - 0xfff, 0x2000, true}}, 3);
    refused({{0x800, 0x1000, true}}, 3);
    refused({{0, 0x1800, true}}, 3);
    refused({{0, 0x1000, true}}, 1);
    VfioContainerState{3, {{0, 0x1000, true}, {0x1000, 0x1000, false}}}.validate();
}

}  // namespace
}  // namespace cpr::vmm

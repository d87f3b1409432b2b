// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/vfio_manager.h"

#include <cerrno>

#include "base/error.h"
#include "vfio_world.h"

namespace cpr::vmm {
namespace {

constexpr const char* kSecond = "0000:00:06.0";
constexpr const char* kThird = "0000:00:07.0";

class VfioManagerTest : public VfioPciTest {
  protected:
    // Groups 7, 8 and 9, of which 8 is alone in its container.
    void SetUp() override {
        kernel_->groups = {{kSecond, 8}, {kThird, 9}};
        kernel_->loners = {8};
    }
    void start() {
        world_ = std::make_unique<VfioWorld>(kernel_);
        world_->add_device();
        world_->add_other("hostdev1", kSecond);
        world_->add_other("hostdev2", kThird);
        world_->host->assign_resources();
    }
    void arrive() {
        arrival_ = exec_away(std::move(world_));
        kernel_->calls.clear();
        world_ = std::make_unique<VfioWorld>(kernel_, &arrival_->restored);
        world_->add_device();
        world_->add_other("hostdev1", kSecond);
        world_->add_other("hostdev2", kThird);
        arrival_->restored.state.finish();
        EXPECT_TRUE(arrival_->fds.leftovers().empty());
    }
    size_t valid() {
        size_t count = 0;
        for (const auto& [inode, container] : kernel_->containers)
            for (const auto& [iova, mapping] : container.mappings)
                count += mapping.valid;
        return count;
    }
    size_t mappings() {
        size_t count = 0;
        for (const auto& [inode, container] : kernel_->containers)
            count += container.mappings.size();
        return count;
    }
};

TEST_F(VfioManagerTest, DevicesOfOneGroupShareIt) {
    kernel_->groups.clear();
    kernel_->loners.clear();
    start();
    EXPECT_EQ(kernel_->calls_of("open_group"), std::vector<std::string>{"open_group 7"});
    EXPECT_EQ(kernel_->calls_of("open_device").size(), 3u);
    EXPECT_EQ(kernel_->containers.size(), 1u);
    arrive();
    world_->vfio->claim_vaddrs();
    EXPECT_EQ(valid(), mappings());
}

TEST_F(VfioManagerTest, CompatibleGroupsShareAContainer) {
    kernel_->loners.clear();
    start();
    EXPECT_EQ(kernel_->calls_of("open_container").size(), 1u);
    EXPECT_EQ(kernel_->container().groups, (std::vector<uint32_t>{7, 8, 9}));
    EXPECT_EQ(world_->platform.interrupts.groups.size(), 3u);
}

TEST_F(VfioManagerTest, GroupThatFitsNowhereGetsAContainer) {
    start();
    ASSERT_EQ(kernel_->containers.size(), 2u);
    std::set<std::vector<uint32_t>> groups;
    for (const auto& [inode, container] : kernel_->containers) {
        groups.insert(container.groups);
        // RAM, and the BARs of all devices, whoever has them.
        EXPECT_EQ(container.mappings.size(), 2u + 3u);
    }
    EXPECT_EQ(groups, (std::set<std::vector<uint32_t>>{{7, 9}, {8}}));
}

TEST_F(VfioManagerTest, AllContainersAreCarriedOver) {
    start();
    arrive();
    EXPECT_EQ(valid(), 0u);
    EXPECT_TRUE(kernel_->calls.empty());
    world_->vfio->claim_vaddrs();
    EXPECT_EQ(kernel_->calls.size(), kernel_->calls_of("map_vaddr").size());
    EXPECT_EQ(valid(), 10u);
    EXPECT_EQ(world_->platform.interrupts.groups.size(), 3u);
    // Both follow the memory map again; a BAR that moves moves in both.
    world_->function().config_write(PCI_COMMAND, 0, 2);
    EXPECT_EQ(kernel_->calls_of("unmap_dma").size(), 2u);
}

TEST_F(VfioManagerTest, AllContainersAreCheckedBeforeAnyIsTouched) {
    start();
    kernel_->calls.clear();
    kernel_->containers.rbegin()->second.iommu_type = 0;  // has no abilities any more
    EXPECT_THROW(world_->vfio->check_vaddrs(), Error);
    EXPECT_TRUE(kernel_->calls_of("unmap").empty());
}

TEST_F(VfioManagerTest, FailureAtTheSecondContainerRestoresTheFirst) {
    start();
    kernel_->fail = {{"unmap_all_vaddrs", EIO}};
    kernel_->fail_after = 1;
    world_->vfio->check_vaddrs();
    EXPECT_THROW(world_->vfio->invalidate_vaddrs(), Error);
    EXPECT_EQ(kernel_->calls_of("unmap_all_vaddrs").size(), 1u);
    EXPECT_EQ(valid(), 10u);
    // The next one succeeds.
    kernel_->fail.clear();
    world_->vfio->check_vaddrs();
    world_->vfio->invalidate_vaddrs();
    EXPECT_EQ(valid(), 0u);
    world_->vfio->restore_vaddrs();
    EXPECT_EQ(valid(), 10u);
}

TEST_F(VfioManagerTest, FailedClaimAtTheSecondContainerGivesTheFirstBack) {
    start();
    arrive();
    kernel_->fail = {{"map_vaddr", EFAULT}};
    kernel_->fail_after = 7;
    EXPECT_THROW(world_->vfio->claim_vaddrs(), Error);
    EXPECT_EQ(kernel_->calls_of("map_vaddr").size(), 7u);
    EXPECT_EQ(valid(), 0u);
    EXPECT_EQ(mappings(), 10u);
    kernel_->fail.clear();
    kernel_->fail_after = 0;
    world_->vfio->claim_vaddrs();
    EXPECT_EQ(valid(), 10u);
}

TEST_F(VfioManagerTest, RestoreOfOneThatFailsRestoresTheOthers) {
    start();
    world_->vfio->check_vaddrs();
    world_->vfio->invalidate_vaddrs();
    kernel_->fail = {{"map_vaddr 0x0", EFAULT}};
    EXPECT_THROW(world_->vfio->restore_vaddrs(), Error);
    EXPECT_EQ(valid(), 8u);
    kernel_->fail.clear();
    world_->vfio->restore_vaddrs();
    EXPECT_EQ(valid(), 10u);
}

TEST_F(VfioManagerTest, StatesThatCannotBeAreRefused) {
    const VfioContainerState good{.iommu_type = 3, .dma_map = {{0, 0x1000, true}}};
    VfioManagerState state;
    state.validate();
    state.containers = {{good, {7}}, {good, {8, 9}}};
    state.validate();
    state.containers[1].groups = {9, 7};
    EXPECT_THROW(state.validate(), Error);
    state.containers[1].groups = {};
    EXPECT_THROW(state.validate(), Error);
    EXPECT_THROW(VfioManagerState::upgrade({.container = good, .groups = {}}), Error);
    EXPECT_THROW(VfioManagerState::upgrade({.container = {}, .groups = {7}}), Error);
    EXPECT_TRUE(VfioManagerState::upgrade({}).containers.empty());
}

}  // namespace
}  // namespace cpr::vmm

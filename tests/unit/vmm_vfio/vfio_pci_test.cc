// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/vfio_pci.h"

#include <cerrno>
#include <random>

#include "base/error.h"
#include "vfio_world.h"

namespace cpr::vmm {
namespace {

using fakes::FakeVfio;

TEST_F(VfioPciTest, ColdStartInOrder) {
    boot();
    const std::vector<std::string> begin(kernel_->calls.begin(), kernel_->calls.begin() + 7);
    EXPECT_EQ(begin, (std::vector<std::string>{"open_group 7", "open_container", "set_container",
                                               "set_iommu 3", "map_dma 0x0 0x200000",
                                               "map_dma 0x100000000 0x200000",
                                               "open_device 0000:00:05.0"}));
    EXPECT_EQ(world_->platform.interrupts.groups.size(), 1u);
    // What a device has after power-on is INTx.
    EXPECT_EQ(kernel_->calls_of("set_irqs"), std::vector<std::string>{"set_irqs 0 0+1"});
    EXPECT_TRUE(kernel_->calls_of("reset").empty());
}

TEST_F(VfioPciTest, StartErrorsNameTheDeviceAndTheReason) {
    EXPECT_TRUE(has(start_error({{"sysfsdev", "/sys/x"}}), "'hostdev0': sysfsdev="));
    EXPECT_TRUE(has(start_error({{"host", "nonsense"}}), "nonsense"));
    EXPECT_TRUE(has(start_error({{"x-colour", "red"}}), "x-colour"));
    EXPECT_TRUE(has(start_error({{"rombar", "1"}}), "ROM"));
    kernel_->viable = false;
    EXPECT_TRUE(has(start_error(), "not viable"));
    kernel_->viable = true;
    kernel_->fail["open_device"] = EBUSY;
    EXPECT_TRUE(has(start_error(), "'hostdev0' (host device 0000:00:05.0)"));
    kernel_->fail.clear();
    // A device with another kind of interrupt can do without INTx.
    kernel_->fail["set_irqs 0"] = EBUSY;
    EXPECT_EQ(start_error(), "");
    kernel_->config[0x41] = FakeVfio::kExpress;
    EXPECT_TRUE(has(start_error(), "set_irqs 0"));
    kernel_->fail.clear();
    EXPECT_EQ(start_error(), "");
    // No interrupts at all is fine.
    kernel_->config[PCI_INTERRUPT_PIN] = 0;
    EXPECT_EQ(start_error(), "");
}

TEST_F(VfioPciTest, ConfigurationSpaceIsVirtual) {
    boot();
    PciFunction& f = world_->function();
    EXPECT_EQ(f.config_read(PCI_VENDOR_ID, 4), 0x56781234u);
    EXPECT_EQ(f.config_read(PCI_INTERRUPT_PIN, 1), 1u);
    EXPECT_EQ(f.config_read(PCI_INTERRUPT_LINE, 1), world_->gsi());
    EXPECT_EQ(f.config_read(PCI_ROM_ADDRESS, 4), 0u);
    // Power management, MSI, MSI-X, PCI Express.
    EXPECT_EQ(f.config_read(PCI_CAPABILITY_LIST, 1), 0x40u);
    EXPECT_EQ(f.config_read(0x41, 1), unsigned{FakeVfio::kMsi});
    EXPECT_EQ(f.config_read(FakeVfio::kMsi + 1, 1), 0x60u);
    EXPECT_EQ(f.config_read(0x61, 1), 0x70u);
    EXPECT_EQ(f.config_read(0x71, 1), 0u);
    // On a link it is an endpoint.
    EXPECT_EQ(f.config_read(0x72, 2) & PCI_EXP_FLAGS_TYPE, unsigned{PCI_EXP_TYPE_ENDPOINT << 4});
    // ARI gives way to an empty capability, SR-IOV is skipped.
    EXPECT_EQ(f.config_read(0x100, 4), 0x180u << 20);
    EXPECT_EQ(f.config_read(0x180, 2), unsigned{PCI_EXT_CAP_ID_ERR});
}

TEST_F(VfioPciTest, BarsAndInterruptEnablesNeverReachTheDevicesRegisters) {
    boot();
    kernel_->calls.clear();
    PciFunction& f = world_->function();
    f.config_write(PCI_BASE_ADDRESS_0, 0xffffffff, 4);
    EXPECT_EQ(f.config_read(PCI_BASE_ADDRESS_0, 4), 0xffffc004u);
    f.config_write(PCI_ROM_ADDRESS, 0xffffffff, 4);
    f.config_write(0x62, 0xffff, 2);
    for (size_t i = PCI_MSI_FLAGS; i < 24; i += 2)
        f.config_write(FakeVfio::kMsi + i, 0xffff, 2);
    EXPECT_TRUE(kernel_->calls_of("write config").empty());
    // The command register does.
    f.config_write(PCI_COMMAND, PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE, 2);
    EXPECT_EQ(kernel_->calls_of("write config"), std::vector<std::string>{"write config 0x4 2"});
    EXPECT_EQ(kernel_->config[PCI_COMMAND + 1], PCI_COMMAND_INTX_DISABLE >> 8);
    EXPECT_EQ(f.config_read(PCI_COMMAND, 2),
              unsigned{PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE});
}

TEST_F(VfioPciTest, BarIsMemoryButForThePagesOfMsix) {
    boot();
    const auto regions = world_->platform.memory.regions();
    ASSERT_EQ(regions.size(), 3u);
    EXPECT_EQ(regions[1].gpa, world_->bar());
    EXPECT_EQ(regions[1].size, 0x2000u);
    EXPECT_FALSE(regions[1].is_ram);
    EXPECT_EQ(kernel_->container().mappings.count(world_->bar()), 1u);
    // Table and pending bits are emulated: the device's own do not show.
    kernel_->bar[0x2000] = 0x55;
    EXPECT_EQ(world_->mmio_read(world_->bar() + 0x2000, 1), 0u);
    EXPECT_EQ(world_->mmio_read(world_->bar() + 0x200c), 1u);
    // The rest of their pages is the device's.
    kernel_->bar[0x2800] = 0x66;
    EXPECT_EQ(world_->mmio_read(world_->bar() + 0x2800, 1), 0x66u);
    world_->mmio_write(world_->bar() + 0x2804, 0x77, 1);
    EXPECT_EQ(kernel_->bar[0x2804], 0x77);
}

TEST_F(VfioPciTest, BarThatMovesTakesItsMappingsAlong) {
    boot();
    const uint64_t before = world_->bar();
    const uint64_t after = platform::kPciMmio32Base + 0x08000000;
    world_->function().config_write(PCI_BASE_ADDRESS_0, static_cast<uint32_t>(after), 4);
    EXPECT_EQ(world_->bar(), after);
    EXPECT_EQ(kernel_->container().mappings.count(before), 0u);
    EXPECT_EQ(kernel_->container().mappings.count(after), 1u);
    EXPECT_FALSE(world_->platform.mmio.overlaps(before, 0x4000));
    world_->function().config_write(PCI_COMMAND, 0, 2);
    EXPECT_FALSE(world_->device->mapped(0));
    EXPECT_EQ(world_->platform.memory.regions().size(), 2u);
}

TEST_F(VfioPciTest, MemoryIsSwitchedOnBeforeItIsMappedAndOffAfter) {
    boot();
    kernel_->calls.clear();
    world_->function().config_write(PCI_COMMAND, 0, 2);
    world_->function().config_write(PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    ASSERT_EQ(kernel_->calls.size(), 4u);
    EXPECT_TRUE(kernel_->calls[0].starts_with("unmap_dma"));
    EXPECT_TRUE(kernel_->calls[1].starts_with("write config 0x4"));
    EXPECT_TRUE(kernel_->calls[2].starts_with("write config 0x4"));
    EXPECT_TRUE(kernel_->calls[3].starts_with("map_dma"));
}

TEST_F(VfioPciTest, SleepingDeviceIsNotMapped) {
    boot();
    world_->function().config_write(0x44, 3, 2);
    EXPECT_FALSE(world_->device->mapped(0));
    EXPECT_EQ(kernel_->config[0x44], 3);
    world_->function().config_write(0x44, 0, 2);
    EXPECT_TRUE(world_->device->mapped(0));
}

TEST_F(VfioPciTest, VectorsAreArmedAsTheGuestUnmasksThem) {
    boot();
    kernel_->calls.clear();
    world_->msix_control(true, true);
    EXPECT_EQ(kernel_->calls_of("set_irqs"), std::vector<std::string>{"set_irqs 2 0+1"});
    world_->program(0);
    world_->program(2);
    EXPECT_EQ(world_->platform.interrupts.attached(), 0u);
    world_->msix_control(true);
    EXPECT_EQ(world_->platform.interrupts.attached(), 2u);
    EXPECT_EQ(kernel_->calls_of("set_irqs"),
              (std::vector<std::string>{"set_irqs 2 0+1", "set_irqs 2 2+1"}));
    kernel_->signal(2);
    EXPECT_EQ(world_->delivered(), 1u);
    EXPECT_EQ(world_->platform.interrupts.delivered[0].data, 0x42u);
    world_->msix_control(false);
    EXPECT_EQ(kernel_->calls_of("disable_irqs"),
              (std::vector<std::string>{"disable_irqs 0", "disable_irqs 2"}));
    EXPECT_EQ(world_->platform.interrupts.attached(), 0u);
}

TEST_F(VfioPciTest, KernelThatCannotAddVectorsIsToldOfAllAnew) {
    kernel_->resizable = false;
    boot();
    kernel_->calls.clear();
    world_->enable_interrupts(3);
    EXPECT_EQ(kernel_->calls_of("set_irqs"),
              (std::vector<std::string>{"set_irqs 2 0+1", "set_irqs 2 0+2", "set_irqs 2 0+3"}));
    for (uint32_t i = 0; i < 3; ++i)
        kernel_->signal(i);
    EXPECT_EQ(world_->delivered(), 3u);
}

TEST_F(VfioPciTest, MaskedVectorsArePendingAndDeliveredOnce) {
    boot();
    world_->enable_interrupts(2);
    world_->mask(1, true);
    kernel_->signal(1);
    EXPECT_EQ(world_->delivered(), 0u);
    EXPECT_EQ(world_->pending(), 2u);
    world_->mask(1, false);
    EXPECT_EQ(world_->delivered(), 1u);
    EXPECT_EQ(world_->pending(), 0u);
    // The function mask does the same to all.
    world_->msix_control(true, true);
    kernel_->signal(0);
    EXPECT_EQ(world_->pending(), 1u);
    EXPECT_EQ(world_->delivered(), 1u);
    world_->msix_control(true);
    EXPECT_EQ(world_->delivered(), 2u);
}

TEST_F(VfioPciTest, MessageMayChangeWhileMaskedOrNot) {
    boot();
    world_->enable_interrupts(1);
    world_->mmio_write(world_->bar() + 0x2008, 0x99);
    kernel_->signal(0);
    EXPECT_EQ(world_->delivered(), 1u);
    EXPECT_EQ(world_->platform.interrupts.delivered[0].data, 0x99u);
}

TEST_F(VfioPciTest, InterruptsThatTheKernelRefusesDoNotThrow) {
    boot();
    kernel_->fail["set_irqs"] = ENOSPC;
    world_->enable_interrupts(4);
    EXPECT_EQ(world_->platform.interrupts.attached(), 0u);
    kernel_->fail.clear();
    world_->mask(0, true);
    world_->mask(0, false);
    kernel_->signal(0);
    EXPECT_EQ(world_->delivered(), 1u);
}

TEST_F(VfioPciTest, GuestResetTearsInterruptsDownBeforeTheDeviceIsReset) {
    boot();
    world_->enable_interrupts(2);
    world_->function().config_write(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
    kernel_->calls.clear();
    world_->device->reset();
    EXPECT_EQ(kernel_->calls,
              (std::vector<std::string>{"disable_irqs 2", "unmap_dma 0xc0000000 0x2000",
                                        "write config 0x4 2", "reset_device", "write config 0x4 2",
                                        "set_irqs 0 0+1", "set_unmask"}));
    EXPECT_EQ(kernel_->config[PCI_COMMAND], 0);
    EXPECT_FALSE(world_->device->mapped(0));
    world_->host->assign_resources();
    EXPECT_EQ(world_->mmio_read(world_->bar() + 0x200c), 1u);
    world_->enable_interrupts(1);
    kernel_->signal(0);
    EXPECT_EQ(world_->delivered(), 1u);
}

TEST_F(VfioPciTest, RestoreTouchesNeitherDeviceNorContainerButForTheVaddrs) {
    boot();
    world_->enable_interrupts(3);
    const uint64_t bar = world_->bar();
    update();
    world_->device->attach_interrupts();
    EXPECT_EQ(world_->bar(), bar);
    EXPECT_EQ(kernel_->calls,
              (std::vector<std::string>{"map_vaddr 0x0", fmt::format("map_vaddr {:#x}", bar),
                                        "map_vaddr 0x100000000"}));
    for (const auto& [iova, mapping] : kernel_->container().mappings)
        EXPECT_TRUE(mapping.valid) << iova;
    EXPECT_EQ(kernel_->container().mappings[0].vaddr, world_->ram[0]);
    EXPECT_EQ(world_->platform.interrupts.groups.size(), 1u);
    EXPECT_EQ(world_->function().config_read(PCI_VENDOR_ID, 4), 0x56781234u);
}

TEST_F(VfioPciTest, InterruptsOfTheUpdateAreDeliveredOnceAfterwards) {
    boot();
    world_->enable_interrupts(3);
    world_->mask(2, true);
    kernel_->signal(2);
    world_->device->detach_interrupts();
    kernel_->signal(0);
    EXPECT_EQ(world_->delivered(), 0u);
    update();
    kernel_->signal(1);
    EXPECT_EQ(world_->platform.interrupts.attached(), 0u);
    world_->device->attach_interrupts();
    world_->device->attach_interrupts();
    EXPECT_EQ(world_->delivered(), 2u);
    EXPECT_EQ(world_->pending(), 4u);
    world_->mask(2, false);
    EXPECT_EQ(world_->delivered(), 3u);
    kernel_->signal(0);
    EXPECT_EQ(world_->delivered(), 4u);
}

TEST_F(VfioPciTest, RollbackInTheSameProcessAttachesAgain) {
    boot();
    world_->enable_interrupts(2);
    kernel_->calls.clear();
    world_->device->detach_interrupts();
    world_->vfio->check_vaddrs();
    world_->vfio->invalidate_vaddrs();
    kernel_->signal(1);
    EXPECT_EQ(world_->delivered(), 0u);
    world_->vfio->restore_vaddrs();
    world_->device->attach_interrupts();
    EXPECT_EQ(world_->delivered(), 1u);
    EXPECT_TRUE(kernel_->calls_of("set_irqs").empty());
    EXPECT_TRUE(kernel_->calls_of("reset").empty());
    for (const auto& [iova, mapping] : kernel_->container().mappings)
        EXPECT_TRUE(mapping.valid) << iova;
}

TEST_F(VfioPciTest, RollbackAttachesAllButTheVectorThatFails) {
    boot();
    world_->enable_interrupts(3);
    world_->device->detach_interrupts();
    world_->platform.interrupts.refused_attaches = 1;
    EXPECT_THROW(world_->device->attach_interrupts(), Error);
    EXPECT_EQ(world_->platform.interrupts.attached(), 2u);
    // A second try has what was left.
    world_->device->attach_interrupts();
    EXPECT_EQ(world_->platform.interrupts.attached(), 3u);
}

TEST_F(VfioPciTest, ResetThatTheGuestAsksForAfterAnUpdateWorks) {
    boot();
    world_->enable_interrupts(2);
    update();
    world_->device->attach_interrupts();
    world_->device->reset();
    EXPECT_EQ(kernel_->calls_of("reset_device").size(), 1u);
    EXPECT_EQ(kernel_->calls_of("disable_irqs"), std::vector<std::string>{"disable_irqs 2"});
    world_->host->assign_resources();
    world_->enable_interrupts(4);
    kernel_->signal(3);
    EXPECT_EQ(world_->delivered(), 1u);
}

TEST_F(VfioPciTest, TwentyUpdatesInARow) {
    boot();
    world_->enable_interrupts(2);
    for (int i = 0; i < 20; ++i) {
        update();
        world_->device->attach_interrupts();
        kernel_->signal(1);
        ASSERT_EQ(world_->delivered(), 1u) << i;
    }
}

TEST_F(VfioPciTest, FailedRestoreLeavesTheKernelAsItWas) {
    boot();
    world_->enable_interrupts(2);
    auto arrival = exec_away(std::move(world_));
    kernel_->calls.clear();
    const size_t mappings = kernel_->container().mappings.size();
    kernel_->config[0x62] = 7;  // another device, it seems: more vectors
    {
        VfioWorld fresh(kernel_, &arrival->restored);
        EXPECT_THROW(fresh.add_device(), Error);
    }
    EXPECT_TRUE(kernel_->calls.empty());
    EXPECT_EQ(kernel_->container().mappings.size(), mappings);
}

TEST_F(VfioPciTest, EndAfterTheClaimsLeavesTheMappings) {
    boot();
    update();
    world_.reset();
    EXPECT_TRUE(kernel_->calls_of("unmap").empty());
    EXPECT_TRUE(kernel_->calls_of("disable_irqs").empty());
}

TEST_F(VfioPciTest, StateOfAnotherHostDeviceIsRefused) {
    boot();
    arrival_ = exec_away(std::move(world_));
    world_ = std::make_unique<VfioWorld>(kernel_, &arrival_->restored);
    try {
        world_->add_device({{"host", "0000:00:06.0"}});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCorruptState);
    }
}

TEST_F(VfioPciTest, NoAccessOfTheGuestThrows) {
    boot();
    world_->enable_interrupts(2);
    std::mt19937 random(3);
    constexpr std::array<size_t, 4> kSizes{1, 2, 4, 8};
    for (int i = 0; i < 50000; ++i) {
        std::array<uint8_t, 8> bytes{};
        for (auto& byte : bytes)
            byte = static_cast<uint8_t>(random());
        const auto data = std::span(bytes).first(kSizes[random() % 4]);
        const size_t offset = random() % (random() % 2 ? 256 : 4100);
        if (random() % 2)
            world_->function().config_write(offset, data);
        else
            world_->function().config_read(offset, data);
        const uint64_t at = world_->device->mapped(0).value_or(platform::kPciMmio32Base);
        if (random() % 2)
            world_->platform.mmio.write(at + random() % 0x4000, data);
        else
            world_->platform.mmio.read(at + random() % 0x4000, data);
    }
}

}  // namespace
}  // namespace cpr::vmm

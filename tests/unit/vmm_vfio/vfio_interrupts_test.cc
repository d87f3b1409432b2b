// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/vfio_interrupts.h"

#include "vfio_world.h"

namespace cpr::vmm {
namespace {

using fakes::FakeVfio;

class VfioInterruptsTest : public VfioPciTest {
  protected:
    enum Kind { kIntx = VFIO_PCI_INTX_IRQ_INDEX, kMsi, kMsix };

    void use(Kind kind) {
        if (kind != kMsix)
            world_->msix_control(false);
        if (kind != kMsi)
            world_->enable_msi(0, false);
        if (kind == kMsi)
            world_->program_msi(1);
        if (kind == kMsix)
            world_->enable_interrupts(2);
        EXPECT_EQ(kernel_->irqs().index, kind);
    }
    void expect_working(Kind kind) {
        if (kind == kIntx) {
            EXPECT_FALSE(world_->raised());
            kernel_->assert_pin(true);
            EXPECT_TRUE(world_->raised());
            kernel_->assert_pin(false);
            world_->end_interrupt();
            return;
        }
        const size_t before = world_->delivered();
        kernel_->signal(1);
        EXPECT_EQ(world_->delivered(), before + 1);
        EXPECT_TRUE(world_->platform.interrupts.level_lines.empty());
    }
    static constexpr Kind kKinds[] = {kIntx, kMsi, kMsix};
};

TEST_F(VfioInterruptsTest, GuestSwitchesBetweenAllKinds) {
    boot();
    for (const Kind from : kKinds)
        for (const Kind to : kKinds) {
            use(from);
            use(to);
            expect_working(to);
        }
}

TEST_F(VfioInterruptsTest, GuestSwitchesDirectlyAfterAnUpdate) {
    boot();
    for (const Kind from : kKinds)
        for (const Kind to : kKinds) {
            use(from);
            load();
            EXPECT_EQ(kernel_->irqs().index, from);
            use(to);
            expect_working(to);
        }
}

TEST_F(VfioInterruptsTest, GuestResetsDirectlyAfterAnUpdate) {
    boot();
    for (const Kind kind : kKinds) {
        use(kind);
        load();
        world_->device->reset();
        EXPECT_EQ(kernel_->calls_of("reset_device").size(), 1u);
        EXPECT_EQ(kernel_->irqs().index, kIntx);
        world_->host->assign_resources();
        use(kind);
        expect_working(kind);
    }
}

// The function-level reset of PCI Express, written to the configuration space.
TEST_F(VfioInterruptsTest, FunctionLevelResetIsAReset) {
    boot();
    use(kMsix);
    load();
    const uint64_t bar = world_->bar();
    PciFunction& f = world_->function();
    f.config_write(FakeVfio::kExpress + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
    EXPECT_EQ(kernel_->calls_of("reset_device").size(), 1u);
    EXPECT_EQ(kernel_->irqs().index, kIntx);
    EXPECT_FALSE(world_->device->mapped(0));
    EXPECT_EQ(f.config_read(PCI_COMMAND, 2), 0u);
    EXPECT_EQ(f.config_read(FakeVfio::kMsix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_ENABLE, 0u);
    // The guest puts back what it had.
    f.config_write(PCI_BASE_ADDRESS_0, static_cast<uint32_t>(bar), 4);
    f.config_write(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
    EXPECT_EQ(world_->bar(), bar);
    use(kMsix);
    expect_working(kMsix);
}

TEST_F(VfioInterruptsTest, DeviceWithoutFunctionLevelResetOnlySeesTheWrite) {
    kernel_->config[FakeVfio::kExpress + PCI_EXP_DEVCAP + 3] = 0;
    boot();
    kernel_->calls.clear();
    world_->function().config_write(FakeVfio::kExpress + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
    EXPECT_TRUE(kernel_->calls_of("reset_device").empty());
    EXPECT_EQ(kernel_->calls_of("write config").size(), 1u);
}

TEST_F(VfioInterruptsTest, FailedResetLeavesADeviceThatInterrupts) {
    boot();
    kernel_->fail["reset_device"] = EIO;
    world_->device->reset();
    EXPECT_EQ(kernel_->irqs().index, kIntx);
    expect_working(kIntx);
}

TEST_F(VfioInterruptsTest, PendingBitsOfVectorsNeverUnmaskedAreTheDevices) {
    boot();
    world_->msix_control(true);
    world_->program(0);
    kernel_->bar[0x3000] = 0x0f;
    EXPECT_EQ(world_->pending(), 0x0eu);
    world_->program(2);
    EXPECT_EQ(world_->pending(), 0x0au);
}

TEST_F(VfioInterruptsTest, FunctionMaskAndPendingBitsSurviveAnUpdate) {
    boot();
    use(kMsix);
    world_->msix_control(true, true);
    kernel_->signal(0);
    world_->mask(1, true);
    kernel_->signal(1);
    load();
    EXPECT_EQ(world_->delivered(), 0u);
    EXPECT_EQ(world_->pending(), 3u);
    world_->msix_control(true);
    EXPECT_EQ(world_->delivered(), 1u);
    EXPECT_EQ(world_->pending(), 2u);
    world_->mask(1, false);
    EXPECT_EQ(world_->delivered(), 2u);
    EXPECT_EQ(world_->pending(), 0u);
}

// The sections as a release wrote them that knew MSI-X only, and one container.
std::vector<uint8_t> as_version_1(state::StreamReader& reader) {
    const auto device = reader.take<VfioPciState>("hostdev0");
    VfioPciStateV1 old{device.host, device.group, device.pci, device.interrupts.msix};
    old.pci.config[PCI_INTERRUPT_PIN] = 0;
    old.pci.config[0x41] = FakeVfio::kMsix;
    std::fill_n(&old.pci.config[FakeVfio::kMsi], 24, uint8_t{0});
    const auto container = reader.take<VfioManagerState>("vfio").containers.at(0);
    state::StreamWriter writer;
    writer.add("hostdev0", old);
    writer.add("vfio", VfioManagerStateV1{container.state, container.groups});
    writer.add("pcie.0", reader.take<PciHostState>("pcie.0"));
    writer.add("pci.1", reader.take<RootPortState>("pci.1"));
    return writer.finish();
}

TEST_F(VfioInterruptsTest, DeviceOfVersion1ShowsNothingNew) {
    boot();
    use(kMsix);
    arrival_ = exec_away(std::move(world_));
    arrival_->restored.state = state::StreamReader(as_version_1(arrival_->restored.state));
    kernel_->calls.clear();
    world_ = std::make_unique<VfioWorld>(kernel_, &arrival_->restored);
    world_->add_device();
    world_->vfio->claim_vaddrs();
    world_->device->attach_interrupts();
    EXPECT_TRUE(kernel_->calls_of("set_irqs").empty());
    expect_working(kMsix);
    PciFunction& f = world_->function();
    EXPECT_EQ(f.config_read(0x41, 1), unsigned{FakeVfio::kMsix});
    EXPECT_EQ(f.config_read(PCI_INTERRUPT_PIN, 1), 0u);
    // INTx stays off on the device, in every mode, and over the next update.
    world_->msix_control(false);
    f.config_write(PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    EXPECT_EQ(kernel_->config[PCI_COMMAND + 1], PCI_COMMAND_INTX_DISABLE >> 8);
    EXPECT_EQ(kernel_->irqs().index, -1);
    load();
    EXPECT_EQ(world_->function().config_read(PCI_INTERRUPT_PIN, 1), 0u);
    world_->enable_interrupts(2);
    expect_working(kMsix);
}

}  // namespace
}  // namespace cpr::vmm

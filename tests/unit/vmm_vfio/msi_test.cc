// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/msi.h"

#include <cerrno>

#include "vfio_world.h"

namespace cpr::vmm {
namespace {

using fakes::FakeVfio;

class MsiTest : public VfioPciTest {
  protected:
    void start(uint32_t log2) {
        boot();
        kernel_->calls.clear();
        world_->program_msi(log2);
    }
    uint32_t last_data() {
        const auto& delivered = world_->platform.interrupts.delivered;
        return delivered.empty() ? 0 : delivered.back().data;
    }
};

TEST_F(MsiTest, RegistersAreWhereTheControlWordSays) {
    const MsiLayout narrow(0x50, 0);
    EXPECT_EQ(narrow.data(), 0x58u);
    EXPECT_EQ(narrow.size(), 10u);
    EXPECT_EQ(narrow.vectors(), 1u);
    const MsiLayout wide(0x50, PCI_MSI_FLAGS_64BIT);
    EXPECT_EQ(wide.data(), 0x5cu);
    EXPECT_EQ(wide.size(), 14u);
    const MsiLayout masked(0x50, PCI_MSI_FLAGS_MASKBIT | 5 << 1);
    EXPECT_EQ(masked.mask(), 0x5cu);
    EXPECT_EQ(masked.pending(), 0x60u);
    EXPECT_EQ(masked.size(), 20u);
    EXPECT_EQ(masked.vectors(), 32u);
    const MsiLayout all(0x50, PCI_MSI_FLAGS_MASKBIT | PCI_MSI_FLAGS_64BIT | 7 << 1);
    EXPECT_EQ(all.mask(), 0x60u);
    EXPECT_EQ(all.size(), 24u);
    // 6 and 7 are reserved.
    EXPECT_EQ(all.vectors(), 32u);
}

TEST_F(MsiTest, VectorsAreArmedAtOnceAndTellThemselvesByTheData) {
    start(2);
    EXPECT_EQ(kernel_->calls, (std::vector<std::string>{"disable_irqs 0", "set_irqs 1 0+4"}));
    EXPECT_EQ(world_->platform.interrupts.attached(), 4u);
    for (uint32_t i = 0; i < 4; ++i) {
        kernel_->signal(i);
        EXPECT_EQ(world_->delivered(), i + 1);
        EXPECT_EQ(last_data(), 0x40 + i);
    }
    ASSERT_FALSE(world_->platform.interrupts.delivered.empty());
    EXPECT_EQ(world_->platform.interrupts.delivered.back().address, 0xfee01000u);
    world_->enable_msi(2, false);
    EXPECT_EQ(world_->platform.interrupts.attached(), 0u);
    EXPECT_EQ(kernel_->irqs().index, VFIO_PCI_INTX_IRQ_INDEX);
}

TEST_F(MsiTest, MoreVectorsThanTheDeviceHasAreNotArmed) {
    start(5);
    EXPECT_EQ(kernel_->calls_of("set_irqs"), std::vector<std::string>{"set_irqs 1 0+8"});
}

TEST_F(MsiTest, NarrowAddressesWork) {
    kernel_->set_msi(0);
    boot();
    PciFunction& f = world_->function();
    f.config_write(FakeVfio::kMsi + PCI_MSI_ADDRESS_LO, 0xfee02003, 4);
    f.config_write(FakeVfio::kMsi + PCI_MSI_DATA_32, 0x77, 2);
    world_->enable_msi(0);
    kernel_->signal(0);
    EXPECT_EQ(world_->delivered(), 1u);
    EXPECT_EQ(last_data(), 0x77u);
    ASSERT_FALSE(world_->platform.interrupts.delivered.empty());
    EXPECT_EQ(world_->platform.interrupts.delivered[0].address, 0xfee02000u);
    // What would be masks belongs to nobody.
    f.config_write(FakeVfio::kMsi + PCI_MSI_MASK_32, 1, 4);
    kernel_->signal(0);
    EXPECT_EQ(world_->delivered(), 2u);
}

TEST_F(MsiTest, MaskedVectorsArePendingAndDeliveredOnce) {
    start(1);
    world_->mask_msi(2);
    kernel_->signal(1);
    kernel_->signal(1);
    EXPECT_EQ(world_->delivered(), 0u);
    EXPECT_EQ(world_->pending_msi(), 2u);
    world_->mask_msi(0);
    EXPECT_EQ(world_->delivered(), 1u);
    EXPECT_EQ(last_data(), 0x41u);
    EXPECT_EQ(world_->pending_msi(), 0u);
    // There are 8 mask bits, as there are vectors.
    world_->mask_msi(0xffffffff);
    EXPECT_EQ(world_->function().config_read(FakeVfio::kMsi + PCI_MSI_MASK_64, 4), 0xffu);
}

TEST_F(MsiTest, MessageMayChangeWhileEnabled) {
    start(0);
    world_->function().config_write(FakeVfio::kMsi + PCI_MSI_DATA_64, 0x99, 2);
    kernel_->signal(0);
    EXPECT_EQ(world_->delivered(), 1u);
    EXPECT_EQ(last_data(), 0x99u);
    EXPECT_EQ(kernel_->calls_of("set_irqs").size(), 1u);
}

TEST_F(MsiTest, HostWithFewerVectorsGivesWhatItHas) {
    kernel_->host_vectors = 2;
    start(3);
    EXPECT_EQ(kernel_->calls_of("set_irqs"),
              (std::vector<std::string>{"set_irqs 1 0+8", "set_irqs 1 0+2"}));
    EXPECT_EQ(world_->platform.interrupts.attached(), 2u);
    kernel_->signal(1);
    EXPECT_EQ(world_->delivered(), 1u);
    EXPECT_EQ(last_data(), 0x41u);
    load();
    kernel_->signal(0);
    EXPECT_EQ(world_->delivered(), 1u);
    // MSI-X vectors that the host lacks only fail by themselves.
    world_->enable_msi(0, false);
    world_->enable_interrupts(3);
    EXPECT_EQ(world_->platform.interrupts.attached(), 2u);
}

TEST_F(MsiTest, KernelThatRefusesDoesNotThrow) {
    boot();
    kernel_->fail["set_irqs 1"] = EIO;
    world_->program_msi(1);
    EXPECT_EQ(world_->platform.interrupts.attached(), 0u);
    EXPECT_EQ(kernel_->irqs().index, -1);
    load();
    EXPECT_EQ(world_->platform.interrupts.attached(), 0u);
    kernel_->fail.clear();
    world_->enable_msi(1);
    kernel_->signal(1);
    EXPECT_EQ(world_->delivered(), 1u);
}

TEST_F(MsiTest, UpdateCarriesMasksPendingBitsAndSignals) {
    start(2);
    world_->mask_msi(4);
    kernel_->signal(2);
    EXPECT_EQ(world_->pending_msi(), 4u);
    world_->device->detach_interrupts();
    kernel_->signal(0);
    update();
    kernel_->signal(1);
    EXPECT_EQ(world_->platform.interrupts.attached(), 0u);
    world_->device->attach_interrupts();
    world_->device->attach_interrupts();
    EXPECT_EQ(world_->delivered(), 2u);
    EXPECT_EQ(world_->pending_msi(), 4u);
    world_->mask_msi(0);
    EXPECT_EQ(world_->delivered(), 3u);
    EXPECT_EQ(last_data(), 0x42u);
    EXPECT_EQ(world_->pending_msi(), 0u);
    for (const char* call : {"set_irqs", "set_unmask", "disable_irqs", "reset", "write"})
        EXPECT_TRUE(kernel_->calls_of(call).empty()) << call;
}

TEST_F(MsiTest, RollbackInTheSameProcessAttachesAgain) {
    start(0);
    kernel_->calls.clear();
    world_->device->detach_interrupts();
    kernel_->signal(0);
    EXPECT_EQ(world_->delivered(), 0u);
    world_->device->attach_interrupts();
    EXPECT_EQ(world_->delivered(), 1u);
    EXPECT_TRUE(kernel_->calls.empty());
}

TEST_F(MsiTest, StateOfADeviceWithOtherVectorsIsRefused) {
    start(0);
    arrival_ = exec_away(std::move(world_));
    kernel_->set_msi(PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 2 << 1);
    kernel_->calls.clear();
    world_ = std::make_unique<VfioWorld>(kernel_, &arrival_->restored);
    EXPECT_THROW(world_->add_device(), Error);
    EXPECT_TRUE(kernel_->calls.empty());
}

}  // namespace
}  // namespace cpr::vmm

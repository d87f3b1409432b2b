// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/intx.h"

#include <cerrno>

#include "vfio_world.h"

namespace cpr::vmm {
namespace {

using fakes::FakeVfio;

class IntxTest : public VfioPciTest {
  protected:
    // The device asks for service, and the guest has seen it.
    void interrupt() {
        kernel_->assert_pin(true);
        ASSERT_TRUE(world_->raised());
        ASSERT_TRUE(kernel_->irqs().masked);
    }
    // The guest's handler: the device has no reason left when the interrupt ends.
    void serve() {
        kernel_->assert_pin(false);
        world_->end_interrupt();
    }
    // Nothing is on its way, and the next interrupt gets through.
    void expect_working() {
        EXPECT_FALSE(world_->raised());
        EXPECT_FALSE(kernel_->irqs().masked);
        interrupt();
        serve();
        EXPECT_FALSE(world_->raised());
        EXPECT_FALSE(kernel_->irqs().masked);
    }
};

TEST_F(IntxTest, EnabledFromTheStartInOrder) {
    boot();
    EXPECT_EQ(
        kernel_->calls_of("set_"),
        (std::vector<std::string>{"set_container", "set_iommu 3", "set_irqs 0 0+1", "set_unmask"}));
    // Slot 0 behind the port at slot 2: INTA of the slot.
    EXPECT_EQ(world_->gsi(), platform::kPciIntxGsi[2]);
    expect_working();
}

TEST_F(IntxTest, ComesAgainForAsLongAsTheDeviceAsks) {
    boot();
    interrupt();
    for (int i = 0; i < 3; ++i) {
        world_->end_interrupt();
        EXPECT_TRUE(world_->raised());
    }
    serve();
    expect_working();
}

TEST_F(IntxTest, DisableBitOfTheGuestReachesTheDevice) {
    boot();
    PciFunction& f = world_->function();
    f.config_write(PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
    kernel_->assert_pin(true);
    EXPECT_FALSE(world_->raised());
}

TEST_F(IntxTest, DevicesShareALine) {
    boot();
    // Slot 5 with INTA has the line of slot 1; slot 2's is the port's.
    VfioPci& other = world_->add_other("hostdev1", "0000:00:06.0");
    ASSERT_EQ(other.intx_line(), world_->gsi());
    const char* host = "0000:00:06.0";
    interrupt();
    kernel_->assert_pin(true, host);
    EXPECT_TRUE(kernel_->irqs(host).masked);
    // The guest serves the first; both are unmasked, and the second interrupts again.
    serve();
    EXPECT_TRUE(world_->raised());
    EXPECT_FALSE(kernel_->irqs().masked);
    EXPECT_TRUE(kernel_->irqs(host).masked);
    kernel_->assert_pin(false, host);
    world_->end_interrupt();
    EXPECT_FALSE(world_->raised());
    // One that goes leaves the line to the other.
    world_->others.clear();
    expect_working();
}

TEST_F(IntxTest, UpdateTouchesNothingAndUnmasksByTheEventfdAlone) {
    boot();
    load();
    for (const char* call : {"set_irqs", "set_unmask", "disable_irqs", "reset", "write"})
        EXPECT_TRUE(kernel_->calls_of(call).empty()) << call;
    EXPECT_EQ(world_->platform.interrupts.level_lines.size(), 1u);
    expect_working();
}

TEST_F(IntxTest, InterruptThatWasOnItsWayToTheGuestComesAgain) {
    boot();
    interrupt();
    load();
    EXPECT_TRUE(world_->raised());
    serve();
    expect_working();
}

TEST_F(IntxTest, InterruptThatTheGuestIsServingDoesNotStayMasked) {
    boot();
    interrupt();
    // The handler has satisfied the device, but not ended the interrupt.
    kernel_->assert_pin(false);
    load();
    expect_working();
}

TEST_F(IntxTest, InterruptsOfTheUpdateAreDelivered) {
    boot();
    world_->device->detach_interrupts();
    EXPECT_TRUE(world_->platform.interrupts.level_lines.empty());
    kernel_->assert_pin(true);
    EXPECT_TRUE(kernel_->irqs().masked);
    EXPECT_FALSE(world_->raised());
    load();
    EXPECT_TRUE(world_->raised());
    serve();
    expect_working();
}

TEST_F(IntxTest, InterruptBetweenExecAndAttachIsDelivered) {
    boot();
    update();
    kernel_->assert_pin(true);
    EXPECT_FALSE(world_->raised());
    world_->device->attach_interrupts();
    kernel_->serve_unmasks();
    EXPECT_TRUE(world_->raised());
    serve();
    expect_working();
}

TEST_F(IntxTest, RollbackInTheSameProcessLosesNothing) {
    boot();
    interrupt();
    kernel_->calls.clear();
    world_->device->detach_interrupts();
    EXPECT_FALSE(world_->raised());
    world_->device->attach_interrupts();
    kernel_->serve_unmasks();
    EXPECT_TRUE(world_->raised());
    EXPECT_TRUE(kernel_->calls.empty());
    serve();
    expect_working();
}

TEST_F(IntxTest, TwentyUpdatesInARow) {
    boot();
    for (int i = 0; i < 20; ++i) {
        if (i % 2)
            interrupt();
        load();
        ASSERT_EQ(world_->raised(), i % 2 == 1) << i;
        serve();
        expect_working();
    }
}

TEST_F(IntxTest, EachFailureOfEnablingLeavesNothingBehind) {
    for (const char* call : {"set_irqs 0", "set_unmask"}) {
        kernel_->fail = {{call, EIO}};
        boot();
        EXPECT_EQ(kernel_->irqs().index, -1) << call;
        EXPECT_TRUE(world_->platform.interrupts.level_lines.empty()) << call;
        world_.reset();
    }
    kernel_->fail.clear();
    world_ = std::make_unique<VfioWorld>(kernel_);
    world_->platform.interrupts.refuses_lines = true;
    world_->start();
    EXPECT_EQ(kernel_->irqs().index, -1);
    // It is tried again when the guest goes back to it.
    world_->platform.interrupts.refuses_lines = false;
    world_->enable_interrupts(1);
    world_->msix_control(false);
    expect_working();
}

TEST_F(IntxTest, AttachThatFailsIsAnErrorAndCanBeRepeated) {
    boot();
    update();
    world_->platform.interrupts.refuses_lines = true;
    EXPECT_THROW(world_->device->attach_interrupts(), Error);
    world_->platform.interrupts.refuses_lines = false;
    world_->device->attach_interrupts();
    kernel_->serve_unmasks();
    expect_working();
}

}  // namespace
}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/machine.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "unit/vmm/machine_world.h"
#include "vmm/core/boot.h"
#include "vmm/core/platform.h"
#include "vmm/device/catalog.h"
#include "vmm/vfio/vfio_pci.h"

namespace cpr::vmm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using MachineTest = MachineWorld;

TEST_F(MachineTest, TheFirstVcpuBeginsAtTheKernelsSixtyFourBitEntry) {
    make();
    EXPECT_EQ(kvm.regs[0].rip, 0x1000200u);
    EXPECT_EQ(kvm.regs[0].rsi, 0x7000u);
    EXPECT_TRUE(kvm.sregs[0].efer & 1u << 10);
    EXPECT_EQ(kvm.sregs[0].cs.l, 1);
    EXPECT_EQ(kvm.regs[1].rip, 0u);
    EXPECT_EQ(machine->run_state(), RunState::kPrelaunch);
}

TEST_F(MachineTest, BootParametersSayWhatIsInMemory) {
    make();
    EXPECT_EQ(ram<uint32_t>(0x7000 + 0x202), 0x53726448u);
    EXPECT_EQ(ram<uint64_t>(0x7000 + 0x70), platform::kAcpiBase);
    EXPECT_EQ(ram_text(ram<uint32_t>(0x7000 + 0x228)), "console=ttyS0");
    EXPECT_EQ(ram_text(platform::kAcpiBase).substr(0, 8), "RSD PTR ");
    EXPECT_EQ(ram<uint8_t>(0x1000000 + 0x200), 0x90);
    const auto initrd = ram<uint32_t>(0x7000 + 0x218);
    EXPECT_EQ(ram<uint32_t>(0x7000 + 0x21c), 6u);
    EXPECT_EQ(ram_text(initrd).substr(0, 6), "initrd");
    ASSERT_EQ(ram<uint8_t>(0x7000 + 0x1e8), 6);
    // The fourth entry is the memory from 1 MiB on.
    EXPECT_EQ(ram<uint64_t>(0x7000 + 0x2d0 + 3 * 20), 0x100000u);
    EXPECT_EQ(ram<uint64_t>(0x7000 + 0x2d0 + 3 * 20 + 8), config.memory_bytes - 0x100000);
    EXPECT_EQ(ram<uint32_t>(0x7000 + 0x2d0 + 3 * 20 + 16), 1u);
}

TEST_F(MachineTest, RefusesWhatCannotBoot) {
    config.kernel.clear();
    EXPECT_THROW(make(), Error);
    config.kernel = "/nonexistent/kernel";
    EXPECT_THROW(make(), Error);
    config.kernel = write_file("text", {'h', 'i'});
    EXPECT_THROW(make(), Error);
    config.kernel = write_file("kernel", BootImage().bytes());
    config.cmdline = std::string(3000, 'x');
    EXPECT_THROW(make(), Error);
    config.cmdline.clear();
    config.vcpus = 17;
    EXPECT_THROW(make(), Error);
    config.vcpus = 1;
    EXPECT_NO_THROW(make());
}

TEST_F(MachineTest, RefusesTwoDevicesOfOneId) {
    config.devices = {{"pcie-root-port", "rp", {{"bus", "pcie.0"}, {"addr", "1"}}},
                      {"pcie-root-port", "rp", {{"bus", "pcie.0"}, {"addr", "2"}}}};
    EXPECT_THROW(make(), Error);
}

TEST_F(MachineTest, StartAndStopReportEachOnce) {
    make();
    machine->start();
    machine->start();
    EXPECT_EQ(machine->run_state(), RunState::kRunning);
    machine->stop();
    machine->stop();
    EXPECT_EQ(machine->run_state(), RunState::kPaused);
    EXPECT_THAT(events, ElementsAre("resume", "stop"));
}

TEST_F(MachineTest, NoVcpuRunsBeforeTheEntryIsAllowed) {
    make();
    on_entry = [] { throw Error(ErrorCode::kCancelled, "not any more"); };
    EXPECT_THROW(machine->start(), Error);
    EXPECT_NE(machine->run_state(), RunState::kRunning);
    EXPECT_EQ(kvm.entries[0], 0);
    EXPECT_TRUE(events.empty());
    int entries = -1;
    on_entry = [&] { entries = kvm.entries[0]; };
    machine->start();
    EXPECT_EQ(entries, 0);
}

TEST_F(MachineTest, NothingIsAskedOfKvmBetweenTheEntrysPermissionAndTheEntry) {
    make();
    size_t calls = 0;
    on_entry = [&] { calls = kvm.calls.size(); };
    machine->start();
    EXPECT_EQ(std::ranges::count(kvm.calls, "mark paused"), config.vcpus);
    EXPECT_EQ(kvm.calls.size(), calls);
}

TEST_F(MachineTest, MemoryThatIsNotSharedBlocksUpdatesAndNothingElse) {
    make();
    EXPECT_EQ(blockers.count(), 0u);
    machine.reset();
    config.memory_shared = false;
    make();
    ASSERT_EQ(blockers.count(), 1u);
    EXPECT_EQ(blockers.all()[0].id, "memory-not-shared");
    machine->start();
    machine->stop();
    EXPECT_GT(kvm.entries[0], 0);
    machine.reset();
    EXPECT_EQ(blockers.count(), 0u);
}

TEST_F(MachineTest, AnUpdatesPauseIsSilent) {
    make();
    machine->start();
    machine->pause_vcpus();
    EXPECT_EQ(machine->run_state(), RunState::kRunning);
    const int before = kvm.entries[0];
    machine->resume_vcpus();
    machine->pause_vcpus();
    EXPECT_GT(kvm.entries[0], before);
    EXPECT_THAT(events, ElementsAre("resume"));
}

TEST_F(MachineTest, APausedGuestStaysPausedOverAnUpdatesPause) {
    make();
    machine->pause_vcpus();
    machine->resume_vcpus();
    EXPECT_EQ(kvm.entries[0], 0);
}

TEST_F(MachineTest, AnAccessReachesTheSerialPort) {
    make();
    push_out(0, 0x3f8, 'A');
    push_out(0, 0x3f8, 'B');
    machine->start();
    wait([this] { return chardev->text() == "AB"; });
    EXPECT_EQ(chardev->text(), "AB");
}

TEST_F(MachineTest, TheResetRegisterStartsTheKernelAgain) {
    make();
    machine->start();
    kvm.regs[0] = {};
    push_out(1, platform::kResetPort, 0x06);
    wait([this] { return events.size() >= 2; });
    EXPECT_THAT(events, ElementsAre("resume", "reset guest-reset"));
    EXPECT_EQ(machine->run_state(), RunState::kRunning);
    machine->stop();
    EXPECT_EQ(kvm.regs[0].rip, 0x1000200u);
}

TEST_F(MachineTest, ATripleFaultIsAReset) {
    make();
    machine->start();
    kvm.push_exit(1, [](kvm_run& run) { run.exit_reason = KVM_EXIT_SHUTDOWN; });
    wait([this] { return events.size() >= 2; });
    EXPECT_THAT(events, ElementsAre("resume", "reset guest-reset"));
}

TEST_F(MachineTest, WithoutRebootsAResetIsTheEnd) {
    config.no_reboot = true;
    make();
    machine->start();
    push_out(0, platform::kResetPort, 0x06);
    wait([this] { return events.size() >= 2; });
    EXPECT_THAT(events, ElementsAre("resume", "shutdown guest-reset"));
    EXPECT_EQ(machine->run_state(), RunState::kShutdown);
}

TEST_F(MachineTest, APowerOffStopsTheGuestForGood) {
    config.no_shutdown = true;
    make();
    machine->start();
    // SLP_TYP 5 and SLP_EN, in the high byte of PM1 control.
    push_out(0, platform::kPmBase + 5, 5 << 2 | 1 << 5);
    wait([this] { return events.size() >= 3; });
    EXPECT_THAT(events, ElementsAre("resume", "shutdown guest-shutdown", "stop"));
    EXPECT_EQ(machine->run_state(), RunState::kShutdown);
    EXPECT_THROW(machine->start(), Error);
    machine->reset(ShutdownCause::kHostQmpSystemReset);
    EXPECT_NO_THROW(machine->start());
}

TEST_F(MachineTest, AFailureOfKvmStopsTheGuest) {
    make();
    machine->start();
    kvm.push_exit(0, [](kvm_run& run) { run.exit_reason = 999; });
    wait([this] { return events.size() >= 2; });
    EXPECT_THAT(events, ElementsAre("resume", "stop"));
    EXPECT_EQ(machine->run_state(), RunState::kInternalError);
    EXPECT_THROW(machine->start(), Error);
}

TEST_F(MachineTest, AResetThatFailsStopsTheGuest) {
    make();
    machine->start();
    kvm.refused = "set sregs";
    machine->reset(ShutdownCause::kHostQmpSystemReset);
    EXPECT_EQ(machine->run_state(), RunState::kInternalError);
    kvm.refused.clear();
    machine->reset(ShutdownCause::kHostQmpSystemReset);
    EXPECT_NO_THROW(machine->start());
}

TEST_F(MachineTest, TheKernelIsReadAgainFromTheFileThatWasOpened) {
    make();
    ASSERT_EQ(unlink(config.kernel.c_str()), 0);
    poke_ram(0x1000000 + 0x200, uint8_t{0});
    machine->reset(ShutdownCause::kHostQmpSystemReset);
    EXPECT_EQ(ram<uint8_t>(0x1000000 + 0x200), 0x90);
    EXPECT_EQ(machine->run_state(), RunState::kPrelaunch);
}

TEST_F(MachineTest, ThePowerButtonRaisesTheSci) {
    make();
    machine->start();
    push_out(0, platform::kPmBase + 3, 1);  // PWRBTN_EN
    wait([this] { return kvm.pending_exits(0) == 0; });
    machine->stop();
    machine->press_power_button();
    EXPECT_TRUE(kvm.lines[platform::kSciGsi]);
}

TEST_F(MachineTest, SectionsAreWhatASaveWrites) {
    make();
    const auto saved = save();
    std::vector<std::pair<std::string, std::string>> written;
    for (const auto& section : state::StreamReader(saved).sections())
        written.emplace_back(section.id, section.kind);
    std::vector<std::pair<std::string, std::string>> announced;
    for (const auto& section : machine->sections())
        announced.emplace_back(section.id, section.kind);
    EXPECT_THAT(written, testing::UnorderedElementsAreArray(announced));
}

TEST_F(MachineTest, TheCatalogKnowsEveryKindThatIsSaved) {
    config.devices = {{"pcie-root-port", "rp1", {{"bus", "pcie.0"}, {"addr", "1"}}},
                      {"pvpanic", "", {}}};
    make();
    std::set<std::string> known;
    for (const StateKind& kind : state_kinds()) {
        EXPECT_TRUE(known.emplace(kind.kind).second) << kind.kind;
        EXPECT_LE(kind.min_version, kind.version);
    }
    std::set<std::string> saved{std::string(VfioPciState::kKind)};
    for (const auto& section : machine->sections())
        saved.insert(section.kind);
    EXPECT_EQ(saved, known);
}

TEST_F(MachineTest, AcpiDescribesTheDevicesThatThereAre) {
    config.serials = {"", "line"};
    config.devices = {{"pvpanic", "", {}}};
    make();
    std::string tables(platform::kAcpiSize, 0);
    read_ram(platform::kAcpiBase, tables.data(), tables.size());
    EXPECT_NE(tables.find("COM2"), std::string::npos);
    EXPECT_EQ(tables.find("COM1"), std::string::npos);
    EXPECT_NE(tables.find("QEMU0001"), std::string::npos);
}

TEST_F(MachineTest, ASecondPanicDeviceIsRefused) {
    config.devices = {{"pvpanic", "", {}}, {"pvpanic", "", {{"ioport", "0x600"}}}};
    try {
        make();
        ADD_FAILURE() << "it was taken";
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "a guest has at most one 'pvpanic'");
    }
}

TEST_F(MachineTest, EveryDeviceTypeIsListedOnce) {
    std::set<std::string_view> drivers;
    for (const DeviceType& type : device_catalog()) {
        EXPECT_TRUE(drivers.insert(type.driver).second) << type.driver;
        EXPECT_EQ(find_device_type(type.driver), &type);
    }
    EXPECT_EQ(find_device_type("nonsense"), nullptr);
}

}  // namespace
}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
// What a machine does when its guest panics.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "base/error.h"
#include "unit/vmm/machine_world.h"
#include "vmm/core/platform.h"

namespace cpr::vmm {
namespace {

using testing::ElementsAre;

struct MachinePanicTest : MachineWorld {
    MachinePanicTest() {
        config.no_shutdown = true;
        config.devices = {{"pvpanic", "", {{"ioport", "1285"}}}};
        make();
    }
    void panic() { EXPECT_EQ(kvm.signal_ioeventfds(0x505, 1), 1); }
    // Until the vCPU has made all its exits; the loop does not run.
    void finish_exits() {
        while (kvm.pending_exits(0) > 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    void restore(const std::vector<uint8_t>& stream) {
        fds.emplace(kept());
        restored.emplace(Restored{state::StreamReader(stream), *fds});
        const std::unique_ptr<Machine> old = std::move(machine);
        make(&*restored);
        restored->state.finish();
    }

    std::optional<state::IncomingFds> fds;
    std::optional<Restored> restored;
};

TEST_F(MachinePanicTest, StopsTheGuest) {
    machine->start();
    panic();
    wait([this] { return events.size() >= 3; });
    EXPECT_THAT(events, ElementsAre("resume", "panic", "stop"));
    EXPECT_EQ(machine->run_state(), RunState::kGuestPanicked);
    EXPECT_EQ(to_string(machine->run_state()), "guest-panicked");
    const int entries = kvm.entries[0];
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(kvm.entries[0], entries);
    machine->stop();
    EXPECT_EQ(machine->run_state(), RunState::kGuestPanicked);
}

TEST_F(MachinePanicTest, EndsTheGuestWithoutNoShutdown) {
    config.no_shutdown = false;
    machine.reset();
    make();
    machine->start();
    panic();
    wait([this] { return events.size() >= 4; });
    EXPECT_THAT(events, ElementsAre("resume", "panic", "stop", "shutdown guest-panic"));
    EXPECT_TRUE(is_guest_caused(ShutdownCause::kGuestPanic));
}

TEST_F(MachinePanicTest, AResetLeadsOutOfIt) {
    machine->start();
    panic();
    wait([this] { return events.size() >= 3; });
    machine->reset(ShutdownCause::kHostQmpSystemReset);
    EXPECT_EQ(machine->run_state(), RunState::kPrelaunch);
    machine->start();
    EXPECT_EQ(machine->run_state(), RunState::kRunning);
}

TEST_F(MachinePanicTest, APanicBeforeAResetIsForgotten) {
    machine->start();
    panic();
    machine->reset(ShutdownCause::kHostQmpSystemReset);
    for (int i = 0; i < 5; ++i)
        loop.iterate(false);
    EXPECT_EQ(machine->run_state(), RunState::kRunning);
}

TEST_F(MachinePanicTest, ComesBeforeTheResetThatFollowsIt) {
    machine->start();
    push_out(0, platform::kResetPort, 0x06);
    finish_exits();
    machine->pause_vcpus();
    panic();
    events.clear();
    machine->resume_vcpus();
    wait([this] { return events.size() >= 2; });
    for (int i = 0; i < 5; ++i)
        loop.iterate(false);
    EXPECT_THAT(events, ElementsAre("panic", "stop"));
    EXPECT_EQ(machine->run_state(), RunState::kGuestPanicked);
    // The guest goes on with what it was about to do.
    machine->start();
    wait([this] { return events.size() >= 4; });
    EXPECT_THAT(events, ElementsAre("panic", "stop", "resume", "reset guest-reset"));
}

TEST_F(MachinePanicTest, WaitsWhileTheGuestIsPaused) {
    machine->start();
    machine->stop();
    panic();
    for (int i = 0; i < 5; ++i)
        loop.iterate(false);
    EXPECT_EQ(machine->run_state(), RunState::kPaused);
    machine->start();
    wait([this] { return events.size() >= 5; });
    EXPECT_THAT(events, ElementsAre("resume", "stop", "resume", "panic", "stop"));
}

TEST_F(MachinePanicTest, APanicDuringAnUpdateIsToldByTheNewProgram) {
    machine->start();
    machine->pause_vcpus();
    panic();
    for (int i = 0; i < 5; ++i)
        loop.iterate(false);
    restore(save());
    events.clear();
    machine->start();
    wait([this] { return events.size() >= 3; });
    EXPECT_THAT(events, ElementsAre("resume", "panic", "stop"));
}

TEST_F(MachinePanicTest, AfterAnUpdateThatIsUndoneItIsToldByTheOldOne) {
    machine->start();
    machine->pause_vcpus();
    panic();
    save();
    machine->resume_vcpus();
    wait([this] { return events.size() >= 3; });
    EXPECT_THAT(events, ElementsAre("resume", "panic", "stop"));
}

TEST_F(MachinePanicTest, APanickedGuestIsStillPanickedAfterAnUpdate) {
    machine->start();
    panic();
    wait([this] { return events.size() >= 3; });
    restore(save());
    events.clear();
    for (int i = 0; i < 5; ++i)
        loop.iterate(false);
    EXPECT_EQ(machine->run_state(), RunState::kGuestPanicked);
    EXPECT_TRUE(events.empty());
}

}  // namespace
}  // namespace cpr::vmm

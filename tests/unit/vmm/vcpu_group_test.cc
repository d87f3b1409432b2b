// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/vcpu_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>

#include "fakes/fake_kvm.h"

namespace cpr::vmm {
namespace {

using namespace std::chrono_literals;

// Writes down what the vCPU threads ask for.
struct Exits : VcpuExits {
    void port_read(uint16_t port, std::span<uint8_t> data) override {
        note(fmt::format("in {:#x}", port));
        for (uint8_t& byte : data)
            byte = 0xab;
    }
    void port_write(uint16_t port, std::span<const uint8_t> data) override {
        note(fmt::format("out {:#x} {:#x}", port, data[0]));
    }
    void mmio_read(uint64_t address, std::span<uint8_t> data) override {
        note(fmt::format("read {:#x} {}", address, data.size()));
    }
    void mmio_write(uint64_t address, std::span<const uint8_t> data) override {
        note(fmt::format("write {:#x} {}", address, data.size()));
    }
    void guest_reset() override { note("reset"); }
    void failed(uint32_t vcpu, const std::string& reason) override {
        note(fmt::format("failed {}: {}", vcpu, reason));
    }

    void note(std::string text) {
        {
            const std::lock_guard lock(mutex);
            notes.push_back(std::move(text));
        }
        arrived.notify_all();
    }
    // Whether so many notes have come in time.
    bool wait_for(size_t count) {
        std::unique_lock lock(mutex);
        return arrived.wait_for(lock, 10s, [&] { return notes.size() >= count; });
    }

    std::mutex mutex;
    std::condition_variable arrived;
    std::vector<std::string> notes;
};

fakes::FakeKvmWorld::Exit port_access(uint16_t port, bool out, uint8_t value) {
    return [=](kvm_run& run) {
        run.exit_reason = KVM_EXIT_IO;
        run.io.direction = out ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
        run.io.size = 1;
        run.io.port = port;
        run.io.count = 1;
        run.io.data_offset = 4096;
        reinterpret_cast<uint8_t*>(&run)[4096] = value;
    };
}

struct VcpuGroupTest : testing::Test {
    void add(uint32_t count) {
        for (uint32_t id = 0; id < count; ++id)
            group.add(std::make_unique<fakes::FakeKvmVcpu>(world, id));
    }
    int entries(uint32_t vcpu) {
        const std::lock_guard lock(world.mutex);
        return world.entries[vcpu];
    }

    fakes::FakeKvmWorld world;
    Exits exits;
    VcpuGroup group{exits};
};

TEST_F(VcpuGroupTest, NobodyRunsBeforeTheStart) {
    add(2);
    EXPECT_EQ(entries(0) + entries(1), 0);
    ASSERT_EQ(group.info().size(), 2u);
    EXPECT_GT(group.info()[1].thread_id, 0);
    EXPECT_NE(group.info()[0].thread_id, group.info()[1].thread_id);
}

TEST_F(VcpuGroupTest, ThreadsAreNamedForTheirVcpu) {
    add(2);
    std::ifstream file(fmt::format("/proc/self/task/{}/comm", group.info()[1].thread_id));
    std::string name;
    std::getline(file, name);
    EXPECT_EQ(name, "CPU 1/KVM");
}

TEST_F(VcpuGroupTest, StartAndStopManyTimes) {
    add(4);
    for (int round = 0; round < 200; ++round) {
        group.start();
        group.stop();
    }
    const int after = entries(0);
    std::this_thread::sleep_for(5ms);
    EXPECT_EQ(entries(0), after);
    EXPECT_GE(after, 1);
}

TEST_F(VcpuGroupTest, StoppedVcpusCanBeWithoutThreadsForATime) {
    const auto threads = [] {
        const std::filesystem::directory_iterator tasks("/proc/self/task");
        return std::distance(begin(tasks), end(tasks));
    };
    const auto others = threads();
    add(3);
    group.start();
    group.stop();
    const int before = entries(2);
    group.end_threads();
    EXPECT_EQ(threads(), others);
    group.stop();
    group.begin_threads();
    EXPECT_EQ(threads(), others + 3);
    EXPECT_EQ(entries(2), before);
    group.start();
    group.stop();
    EXPECT_GT(entries(2), before);
    group.end_threads();
}

TEST_F(VcpuGroupTest, StampsWhenItRunsAndStops) {
    add(2);
    group.start();
    const RunTimes started = group.times();
    EXPECT_GT(started.last_running_ns, 0);
    group.stop();
    EXPECT_GE(group.times().first_stopped_ns, started.last_running_ns);
}

TEST_F(VcpuGroupTest, AccessesReachTheirHandler) {
    add(1);
    world.push_exit(0, port_access(0x3f8, true, 0x41));
    world.push_exit(0, [](kvm_run& run) {
        run.exit_reason = KVM_EXIT_MMIO;
        run.mmio.phys_addr = 0xe0000000;
        run.mmio.len = 4;
        run.mmio.is_write = 1;
    });
    world.push_exit(0, port_access(0x60, false, 0));
    group.start();
    ASSERT_TRUE(exits.wait_for(3));
    group.stop();
    EXPECT_THAT(exits.notes,
                testing::ElementsAre("out 0x3f8 0x41", "write 0xe0000000 4", "in 0x60"));
    EXPECT_EQ(reinterpret_cast<uint8_t*>(&group.vcpu(0).run_area())[4096], 0xab);
}

TEST_F(VcpuGroupTest, AStoppedVcpuHasFinishedItsAccess) {
    add(1);
    for (int round = 0; round < 50; ++round) {
        world.push_exit(0, port_access(0x60, false, 0));
        group.start();
        ASSERT_TRUE(exits.wait_for(static_cast<size_t>(round) + 1));
        group.stop();
        const std::lock_guard lock(world.mutex);
        EXPECT_FALSE(world.unfinished[0]);
    }
}

TEST_F(VcpuGroupTest, ATripleFaultAsksForAResetAndWaits) {
    add(2);
    world.push_exit(1, [](kvm_run& run) { run.exit_reason = KVM_EXIT_SHUTDOWN; });
    group.start();
    ASSERT_TRUE(exits.wait_for(1));
    const int before = entries(1);
    std::this_thread::sleep_for(5ms);
    EXPECT_EQ(entries(1), before);
    EXPECT_EQ(exits.notes.front(), "reset");
    group.stop();
    group.start();
    group.stop();
    EXPECT_GT(entries(1), before);
}

TEST_F(VcpuGroupTest, AnInternalErrorIsReportedWithItsNumber) {
    add(1);
    world.push_exit(0, [](kvm_run& run) {
        run.exit_reason = KVM_EXIT_INTERNAL_ERROR;
        run.internal.suberror = 1;
        run.internal.ndata = 0;
    });
    group.start();
    ASSERT_TRUE(exits.wait_for(1));
    EXPECT_EQ(exits.notes.front(), "failed 0: KVM internal error 1");
    group.stop();
}

TEST_F(VcpuGroupTest, AnUnknownExitIsReported) {
    add(1);
    world.push_exit(0, [](kvm_run& run) { run.exit_reason = 999; });
    group.start();
    ASSERT_TRUE(exits.wait_for(1));
    EXPECT_EQ(exits.notes.front(), "failed 0: unknown KVM exit 999");
}

TEST_F(VcpuGroupTest, RequestStopReturnsAtOnceAndStopsAll) {
    add(3);
    group.start();
    group.request_stop();
    auto done = std::async(std::launch::async, [this] { group.stop(); });
    EXPECT_EQ(done.wait_for(10s), std::future_status::ready);
}

}  // namespace
}  // namespace cpr::vmm

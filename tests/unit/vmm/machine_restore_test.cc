// SPDX-License-Identifier: LGPL-2.1-or-later
// What an update does to a machine: save, build again, and refuse what is damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "base/error.h"
#include "state/archive.h"
#include "unit/vmm/machine_world.h"
#include "vmm/core/platform.h"

namespace cpr::vmm {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Section {
    state::SectionInfo info;
    std::vector<uint8_t> payload;
};

// The sections of a stream with their content (docs/state-format.md).
std::vector<Section> sections_of(std::span<const uint8_t> stream) {
    std::vector<Section> sections;
    auto rest = stream.subspan(32);
    const auto cut = [&rest](uint64_t size) {
        const auto part = rest.first(size);
        rest = rest.subspan(size);
        return part;
    };
    while (!rest.empty()) {
        uint32_t size = 0;
        uint32_t sum = 0;
        state::InArchive prefix(cut(8));
        prefix(size, sum);
        Section section;
        state::InArchive head(cut(size));
        head(section.info.id, section.info.kind, section.info.version, section.info.length, sum);
        const auto payload = cut(section.info.length);
        section.payload.assign(payload.begin(), payload.end());
        sections.push_back(std::move(section));
    }
    return sections;
}

std::vector<uint8_t> stream_of(const std::vector<Section>& sections) {
    state::StreamWriter writer;
    for (const Section& section : sections)
        writer.add_payload(section.info, section.payload);
    return writer.finish();
}

struct MachineRestoreTest : MachineWorld {
    MachineRestoreTest() {
        config.devices = {{"pcie-root-port", "rp1", {{"bus", "pcie.0"}, {"addr", "1"}}},
                          {"pvpanic", "", {}}};
        make();
    }
    // Ends the old machine and builds the new one from a stream.
    void restore(const std::vector<uint8_t>& stream) {
        restored.reset();
        fds.emplace(kept());
        restored.emplace(Restored{state::StreamReader(stream), *fds});
        std::unique_ptr<Machine> old = std::move(machine);
        try {
            make(&*restored);
        } catch (...) {
            machine = std::move(old);
            throw;
        }
    }
    std::string complaint(const std::vector<uint8_t>& stream) {
        try {
            restore(stream);
            return "";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::kCorruptState);
            return error.message();
        }
    }

    std::optional<state::IncomingFds> fds;
    std::optional<Restored> restored;
};

TEST_F(MachineRestoreTest, NothingIsLeftOverAndNothingChanged) {
    const auto saved = save();
    kvm.calls.clear();
    restore(saved);
    EXPECT_NO_THROW(restored->state.finish());
    EXPECT_TRUE(fds->leftovers().empty());
    const auto before = sections_of(saved);
    const auto after = sections_of(save());
    ASSERT_EQ(before.size(), after.size());
    for (size_t i = 0; i < before.size(); ++i) {
        EXPECT_EQ(after[i].info.id, before[i].info.id);
        // The clock goes on.
        if (before[i].info.kind != "kvm-clock") {
            EXPECT_EQ(after[i].payload, before[i].payload) << before[i].info.id;
        }
    }
}

TEST_F(MachineRestoreTest, MemoryIsTheSameAndNotWritten) {
    const auto file = [this] {
        struct stat info {};
        EXPECT_EQ(fstat(kept().take("ram").get(), &info), 0);
        return std::pair(info.st_dev, info.st_ino);
    };
    const auto content = [this] {
        std::vector<uint8_t> all(config.memory_bytes);
        read_ram(0, all.data(), all.size());
        return all;
    };
    poke_ram(0x7000, uint64_t{0x1122334455667788});
    poke_ram(0x2345678, uint64_t{42});
    const auto file_before = file();
    const auto before = content();
    restore(save());
    // The very memory, and no copy of it.
    EXPECT_EQ(file(), file_before);
    EXPECT_TRUE(content() == before);
    poke_ram(0x7000, uint64_t{43});
    const auto* host = reinterpret_cast<const uint8_t*>(kvm.slots.at(0).userspace_addr);
    EXPECT_EQ(host[0x7000], 43);
}

TEST_F(MachineRestoreTest, VcpusComeBeforeTheInterruptControllers) {
    const auto saved = save();
    kvm.calls.clear();
    restore(saved);
    const auto lapic = std::ranges::find(kvm.calls, "set lapic");
    const auto irqchip = std::ranges::find(kvm.calls, "set irqchip");
    ASSERT_NE(lapic, kvm.calls.end());
    ASSERT_NE(irqchip, kvm.calls.end());
    EXPECT_LT(lapic, irqchip);
}

TEST_F(MachineRestoreTest, ARunningGuestComesBackPausedAndRunsOn) {
    machine->start();
    machine->pause_vcpus();
    const auto saved = save();
    events.clear();
    restore(saved);
    EXPECT_EQ(machine->run_state(), RunState::kPaused);
    machine->start();
    EXPECT_THAT(events, ElementsAre("resume"));
    EXPECT_THAT(kvm.calls, Contains("mark paused"));
}

TEST_F(MachineRestoreTest, AResetThatTheGuestWaitedForIsNotForgotten) {
    machine->start();
    push_out(0, platform::kResetPort, 0x06);
    // The loop does not run, so the request stays.
    while (kvm.pending_exits(0) > 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    machine->pause_vcpus();
    const auto saved = save();
    events.clear();
    kvm.entries.clear();
    restore(saved);
    int permissions = 0;
    on_entry = [&] { ++permissions; };
    machine->start();
    EXPECT_EQ(kvm.entries[0], 0);
    wait([this] { return events.size() >= 2; });
    EXPECT_THAT(events, ElementsAre("resume", "reset guest-reset"));
    EXPECT_EQ(permissions, 1);
}

TEST_F(MachineRestoreTest, AGuestThatIsOffStaysOff) {
    config.no_shutdown = true;
    make();
    machine->start();
    push_out(0, platform::kPmBase + 5, 5 << 2 | 1 << 5);
    wait([this] { return events.size() >= 3; });
    restore(save());
    EXPECT_EQ(machine->run_state(), RunState::kShutdown);
}

TEST_F(MachineRestoreTest, ASectionThatIsCutOffIsRefused) {
    const auto sections = sections_of(save());
    for (size_t i = 0; i < sections.size(); ++i) {
        auto damaged = sections;
        ASSERT_FALSE(damaged[i].payload.empty()) << damaged[i].info.id;
        damaged[i].payload.pop_back();
        EXPECT_THAT(complaint(stream_of(damaged)), HasSubstr(sections[i].info.id));
    }
}

TEST_F(MachineRestoreTest, ASectionThatIsTooLongIsRefused) {
    const auto sections = sections_of(save());
    for (size_t i = 0; i < sections.size(); ++i) {
        auto damaged = sections;
        damaged[i].payload.push_back(0);
        EXPECT_THAT(complaint(stream_of(damaged)), HasSubstr(sections[i].info.id));
    }
}

TEST_F(MachineRestoreTest, ASectionOfAnotherVersionIsRefused) {
    const auto sections = sections_of(save());
    for (size_t i = 0; i < sections.size(); ++i) {
        auto damaged = sections;
        ++damaged[i].info.version;
        EXPECT_THAT(complaint(stream_of(damaged)), HasSubstr("version"));
    }
}

TEST_F(MachineRestoreTest, AMissingSectionIsRefused) {
    const auto sections = sections_of(save());
    for (size_t i = 0; i < sections.size(); ++i) {
        auto damaged = sections;
        damaged.erase(damaged.begin() + static_cast<ptrdiff_t>(i));
        EXPECT_THAT(complaint(stream_of(damaged)), HasSubstr(sections[i].info.id));
    }
}

TEST_F(MachineRestoreTest, AfterAFailedRestoreTheOldMachineRunsOn) {
    auto damaged = sections_of(save());
    damaged.pop_back();
    EXPECT_NE(complaint(stream_of(damaged)), "");
    machine->start();
    EXPECT_EQ(machine->run_state(), RunState::kRunning);
}

TEST_F(MachineRestoreTest, ADifferentCommandLineIsRefused) {
    const auto saved = save();
    config.vcpus = 1;
    EXPECT_THAT(complaint(saved), HasSubstr("2 vCPUs"));
    config.vcpus = 2;
    config.memory_bytes *= 2;
    EXPECT_THAT(complaint(saved), HasSubstr("memory"));
}

}  // namespace
}  // namespace cpr::vmm

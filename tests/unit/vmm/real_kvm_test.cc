// SPDX-License-Identifier: LGPL-2.1-or-later
// A guest of a few instructions on the kernel's KVM. Skipped where there is none, unless
// CPR_TEST_REQUIRE has "kvm" in it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/error.h"
#include "unit/vmm/boot_image.h"
#include "unit/vmm/quiet_chardev.h"
#include "unit/vmm/real_kvm.h"
#include "vmm/core/machine.h"
#include "vmm/core/platform.h"

namespace cpr::vmm {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kCounter = 0x30000;
constexpr uint64_t kEntry = BootImage::kSetup + 0x200;

// out 0x3f8, 'A'; then count at kCounter for ever.
const std::vector<uint8_t> kCountingGuest{0x66, 0xba, 0xf8, 0x03, 0xb0, 0x41, 0xee, 0x48, 0xff,
                                          0x04, 0x25, 0x00, 0x00, 0x03, 0x00, 0xeb, 0xf6};
// out 0x3f8, 'R'; then reset by port 0xcf9.
const std::vector<uint8_t> kResettingGuest{0x66, 0xba, 0xf8, 0x03, 0xb0, 0x52, 0xee, 0x66,
                                           0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee, 0xeb, 0xfe};
// out 0x505, 1: a panic; and then the same.
const std::vector<uint8_t> kPanickingGuest{0x66, 0xba, 0x05, 0x05, 0xb0, 0x01, 0xee, 0x66,
                                           0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee, 0xeb, 0xfe};

class RealKvmTest : public testing::Test {
  protected:
    void SetUp() override {
        if (must_skip_kvm())
            GTEST_SKIP() << "/dev/kvm cannot be used here";
        std::string name = (std::filesystem::temp_directory_path() / "real-kvm-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
        auto line = std::make_unique<QuietChardev>("line");
        chardev_ = line.get();
        chardevs_["line"] = std::move(line);
        config_.memory_bytes = uint64_t{64} << 20;
        config_.serials = {"line"};
    }
    void TearDown() override {
        machine_.reset();
        std::error_code ignored;
        if (!folder_.empty())
            std::filesystem::remove_all(folder_, ignored);
    }

    void boot(const std::vector<uint8_t>& code) {
        BootImage image;
        for (size_t i = 0; i < code.size(); ++i)
            image.put(kEntry + i, code[i]);
        config_.kernel = (folder_ / "kernel").string();
        std::ofstream(config_.kernel, std::ios::binary)
            .write(reinterpret_cast<const char*>(image.bytes().data()),
                   static_cast<std::streamsize>(image.bytes().size()));
        make(nullptr);
    }
    void make(Restored* restored) {
        machine_ = std::make_unique<Machine>(config_, loop_, blockers_, chardevs_, restored);
        machine_->set_events({.on_entry = {},
                              .on_stop = {},
                              .on_resume = {},
                              .on_panic = [this] { ++panics_; },
                              .on_reset = [this](ShutdownCause) { ++resets_; },
                              .on_shutdown = {}});
    }
    // The descriptors of `machine_`, each side with its own.
    nlohmann::json kept() const {
        state::OutgoingFds fds;
        machine_->keep(fds);
        nlohmann::json table = nlohmann::json::parse(fds.serialize());
        for (auto& entry : table)
            entry["fd"] = dup(entry["fd"].get<int>());
        return table;
    }
    uint64_t counter() const {
        const nlohmann::json table = kept();
        uint64_t value = 0;
        for (const auto& entry : table) {
            const UniqueFd fd(entry["fd"].get<int>());
            if (entry["name"] == "ram") {
                EXPECT_EQ(pread(fd.get(), &value, sizeof(value), kCounter), 8);
            }
        }
        return value;
    }
    template <typename Condition>
    bool wait(Condition condition) {
        for (int i = 0; i < 2000 && !condition(); ++i) {
            const EventSource tick = loop_.after(5ms, [] {});
            loop_.iterate(true);
        }
        return condition();
    }

    EventLoop loop_;
    Blockers blockers_;
    Chardevs chardevs_;
    MachineConfig config_;
    QuietChardev* chardev_ = nullptr;
    std::unique_ptr<Machine> machine_;
    int resets_ = 0;
    int panics_ = 0;

  private:
    std::filesystem::path folder_;
};

TEST_F(RealKvmTest, AGuestRunsStopsAndRunsOn) {
    boot(kCountingGuest);
    EXPECT_EQ(counter(), 0u);
    machine_->start();
    EXPECT_TRUE(wait([this] { return counter() > 100; }));
    EXPECT_EQ(chardev_->text(), "A");
    machine_->stop();
    const uint64_t stopped = counter();
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(counter(), stopped);
    machine_->start();
    EXPECT_TRUE(wait([&] { return counter() > stopped; }));
}

TEST_F(RealKvmTest, AGuestRunsOnInAnotherMachine) {
    boot(kCountingGuest);
    machine_->start();
    ASSERT_TRUE(wait([this] { return counter() > 100; }));
    machine_->pause_vcpus();
    const uint64_t paused = counter();
    state::StreamWriter writer;
    machine_->save(writer);
    const std::string table = kept().dump();
    state::IncomingFds fds({reinterpret_cast<const uint8_t*>(table.data()), table.size()});
    Restored restored{state::StreamReader(writer.finish()), fds};
    machine_.reset();
    make(&restored);
    EXPECT_EQ(counter(), paused);
    machine_->start();
    EXPECT_TRUE(wait([&] { return counter() > paused; }));
    // The guest did not begin again.
    EXPECT_EQ(chardev_->text(), "A");
}

TEST_F(RealKvmTest, AResetBeginsAgain) {
    boot(kResettingGuest);
    machine_->start();
    EXPECT_TRUE(wait([this] { return resets_ >= 3; }));
    machine_->stop();
    EXPECT_EQ(chardev_->text().substr(0, 3), "RRR");
}

// The write does not wait for the VMM, yet the guest gets no further than its reset.
TEST_F(RealKvmTest, APanicIsSeenBeforeTheResetThatFollowsAtOnce) {
    config_.devices = {{"pvpanic", "", {}}};
    config_.no_shutdown = true;
    boot(kPanickingGuest);
    for (int round = 1; round <= 50; ++round) {
        machine_->start();
        ASSERT_TRUE(wait([&] { return panics_ == round; }));
        ASSERT_EQ(machine_->run_state(), RunState::kGuestPanicked);
        ASSERT_EQ(resets_, round - 1);
        machine_->reset(ShutdownCause::kHostQmpSystemReset);
    }
}

TEST_F(RealKvmTest, VcpusStopAtOnceWhateverTheyDo) {
    config_.vcpus = 4;
    boot(kCountingGuest);
    for (int round = 0; round < 100; ++round) {
        machine_->start();
        machine_->stop();
    }
    EXPECT_EQ(machine_->run_state(), RunState::kPaused);
}

}  // namespace
}  // namespace cpr::vmm

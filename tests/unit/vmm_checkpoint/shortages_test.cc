// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/checkpoint/shortages.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

namespace cpr::vmm {
namespace {

namespace fs = std::filesystem;
using Found = std::vector<Blocker>;

constexpr uint64_t kMib = uint64_t{1} << 20;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(Shortages, AsMuchAsIsLockedNowHasToBeLockedAgain) {
    ProcessUse use{.locked = 512 * kMib};
    Found found;
    check_locked_memory(use, 512 * kMib, found);
    EXPECT_TRUE(found.empty());
    check_locked_memory(use, 512 * kMib - 1024, found);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].id, "memlock-too-low");
    EXPECT_TRUE(has(found[0].reason.english(), "lock 524288 KiB")) << found[0].reason.english();
    EXPECT_TRUE(has(found[0].reason.english(), "may lock 524287 KiB")) << found[0].reason.english();
    EXPECT_TRUE(has(found[0].remedy.english(), "--memlock=536870912")) << found[0].remedy.english();
    // The kernel does not ask who may lock everything.
    use.capabilities = uint64_t{1} << CAP_IPC_LOCK;
    check_locked_memory(use, 0, found);
    EXPECT_EQ(found.size(), 1u);
}

TEST(Shortages, TheNewProgramNeedsWhatTheOldOneHas) {
    const ProcessUse use{.anonymous = 20 * kMib, .page_tables = 4 * kMib};
    Found found;
    check_free_memory(use, {{"the host", 40 * kMib}, {"the group", 41 * kMib}}, found);
    EXPECT_TRUE(found.empty());
    check_free_memory(use, {{"the host", 41 * kMib}, {"the group", 40 * kMib - 1}}, found);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].id, "no-memory");
    EXPECT_TRUE(has(found[0].reason.english(), "needs 40960 KiB")) << found[0].reason.english();
    EXPECT_TRUE(has(found[0].reason.english(), "the group has 40959 KiB left"))
        << found[0].reason.english();
}

// Folders as the kernel has them under /proc and /sys/fs/cgroup.
class Rooms : public testing::Test {
  protected:
    Rooms() {
        write("proc/meminfo", "MemTotal: 8192 kB\nMemFree: 1 kB\nMemAvailable:    4096 kB\n");
        write("proc/self/cgroup",
              "1:name=systemd:/elsewhere\n0::/machine.slice/g1.scope/emulator\n");
    }
    ~Rooms() override { fs::remove_all(folder_); }
    void write(const std::string& name, const std::string& content) {
        fs::create_directories((folder_ / name).parent_path());
        std::ofstream(folder_ / name) << content;
    }
    void group(const std::string& name, const std::string& limit, const std::string& used,
               const std::string& statistics = "") {
        write("cgroup/" + name + "/memory.max", limit + "\n");
        write("cgroup/" + name + "/memory.current", used + "\n");
        write("cgroup/" + name + "/memory.stat", statistics);
    }
    std::vector<MemoryRoom> rooms() const {
        return memory_rooms(folder_ / "proc", folder_ / "cgroup");
    }

    const fs::path folder_ = testing::TempDir() + "/rooms";
};

TEST_F(Rooms, TheHostHasWhatTheKernelSaysIsAvailable) {
    ASSERT_EQ(rooms().size(), 1u);
    EXPECT_EQ(rooms()[0].available, 4 * kMib);
}

TEST_F(Rooms, EachGroupAboveCounts) {
    group("machine.slice", "9000", "1000");
    group("machine.slice/g1.scope", "5000", "4000",
          "anon 3000\ninactive_file 300\nactive_file 20\n");
    group("machine.slice/g1.scope/emulator", "max", "4000");
    const auto found = rooms();
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[1].where.english(), "the control group '/machine.slice/g1.scope'");
    EXPECT_EQ(found[1].available, 1320u);
    EXPECT_EQ(found[2].available, 8000u);
}

TEST_F(Rooms, AGroupThatIsOverItsLimitHasNone) {
    group("machine.slice/g1.scope", "3000", "4000");
    EXPECT_EQ(rooms().at(1).available, 0u);
}

TEST_F(Rooms, WhatCannotBeReadIsNotCompared) {
    fs::remove(folder_ / "proc/meminfo");
    fs::remove(folder_ / "proc/self/cgroup");
    EXPECT_TRUE(rooms().empty());
}

// In a process of its own, without the right to lock everything.
int ids_with_a_lowered_limit() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const std::array<__user_cap_data_struct, 2> none{};
    void* memory =
        mmap(nullptr, 0x4000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const rlimit low{0x1000, 0x1000};
    // Sanitizers make of the C library's call one that does nothing.
    if (syscall(SYS_mlock, memory, 0x4000) != 0 || syscall(SYS_capset, &header, none.data()) != 0)
        return 9;
    Found found;
    find_shortages(4, found);
    const bool none_before = found.empty();
    setrlimit(RLIMIT_MEMLOCK, &low);
    find_shortages(4, found);
    return none_before && found.size() == 1 && found[0].id == "memlock-too-low" ? 0 : 1;
}

TEST(Shortages, ALimitThatWasLoweredAfterwardsIsFound) {
    const pid_t child = fork();
    if (child == 0)
        _exit(ids_with_a_lowered_limit());
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace cpr::vmm

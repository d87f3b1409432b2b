// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/shortages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "unit/controller/confined.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

std::vector<std::string> found(int64_t vmm, size_t descriptors) {
    json blockers = json::array();
    find_shortages(vmm, descriptors, blockers);
    std::vector<std::string> ids;
    for (const json& blocker : blockers) {
        EXPECT_FALSE(blocker.at("reason").empty() || blocker.at("remedy").empty());
        ids.push_back(blocker.at("id"));
    }
    return ids;
}

TEST(Shortages, AControllerThatCanKeepAllFindsNone) {
    EXPECT_TRUE(found(getpid(), 10).empty());
}

TEST(Shortages, EveryDescriptorIsKeptInTheController) {
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(found(getpid(), limit.rlim_cur), std::vector<std::string>{"too-many-files"});
}

TEST(Shortages, AProcessThatBringsTheGuestBackMustBeAbleToLockItsMemory) {
    const pid_t vmm = getpid();
    void* memory =
        mmap(nullptr, 0x4000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // Sanitizers make of the C library's call one that does nothing.
    ASSERT_EQ(syscall(SYS_mlock, memory, 0x4000), 0);
    EXPECT_TRUE(
        in_a_confined_process(RLIMIT_MEMLOCK, 0x4000, [vmm] { return found(vmm, 0).empty(); }));
    EXPECT_TRUE(in_a_confined_process(RLIMIT_MEMLOCK, 0x3000, [vmm] {
        return found(vmm, 0) == std::vector<std::string>{"memlock-too-low"};
    }));
    munmap(memory, 0x4000);
}

TEST(Shortages, AVmmThatIsGoneIsNotCompared) {
    EXPECT_TRUE(found(0, 0).empty());
}

}  // namespace
}  // namespace cpr::controller

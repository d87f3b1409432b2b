// SPDX-License-Identifier: LGPL-2.1-or-later
#include "state/entry_gate.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "base/error.h"
#include "base/io.h"

namespace cpr::state {
namespace {

TEST(EntryGate, WhoeverComesFirstDecides) {
    const UniqueFd fd = EntryGate::create();
    EXPECT_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
    EntryGate vmm(fd.get());
    EntryGate controller(fd.get());
    EXPECT_TRUE(vmm.enter());
    EXPECT_TRUE(vmm.enter());
    EXPECT_TRUE(controller.entered());
    EXPECT_FALSE(controller.withdraw());
    controller.reopen();
    EXPECT_TRUE(controller.withdraw());
    EXPECT_TRUE(controller.withdraw());
    EXPECT_FALSE(vmm.enter());
    EXPECT_FALSE(controller.entered());
    controller.reopen();
    EXPECT_TRUE(vmm.enter());
}

TEST(EntryGate, OnlyOneSideGetsThrough) {
    const UniqueFd fd = EntryGate::create();
    for (int round = 0; round < 200; ++round) {
        EntryGate vmm(fd.get());
        EntryGate controller(fd.get());
        controller.reopen();
        bool entered = false;
        std::thread other([&] { entered = vmm.enter(); });
        const bool withdrawn = controller.withdraw();
        other.join();
        EXPECT_NE(entered, withdrawn);
    }
}

TEST(EntryGate, RefusesWhatAnybodyCouldCutOff) {
    const UniqueFd plain = make_memfd("plain");
    EXPECT_THROW(EntryGate(plain.get()), Error);
    ASSERT_EQ(ftruncate(plain.get(), 4096), 0);
    EXPECT_THROW(EntryGate(plain.get()), Error);
    const UniqueFd null = open_file("/dev/null", O_RDWR);
    EXPECT_THROW(EntryGate(null.get()), Error);
}

}  // namespace
}  // namespace cpr::state

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/version.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace cpr::controller::qemu {
namespace {

TEST(QemuVersion, IsInTheBanner) {
    const auto version = version_in_banner(
        "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2+deb13u1~bpo12+1)\n"
        "Copyright (c) 2003-2025 Fabrice Bellard and the QEMU Project developers\n");
    EXPECT_EQ(version, (Version{10, 0, 2}));
    EXPECT_EQ(version_in_banner("QEMU emulator version 11.1.3\n"), (Version{11, 1, 3}));
}

TEST(QemuVersion, OfOtherProgramsIsNone) {
    for (const char* banner : {"cpr-vmm 0.1.0\n", "", "QEMU emulator version ", "QEMU emulator",
                               "QEMU emulator version 10\n", "QEMU emulator version 10.0\n",
                               "QEMU emulator version -1.0.0\n", "qemu-img version 10.0.2\n",
                               "QEMU emulator version 99999999999.0.0\n"})
        EXPECT_EQ(version_in_banner(banner), std::nullopt) << banner;
    EXPECT_EQ(version_of(open_binary("/bin/true")), std::nullopt);
}

TEST(QemuVersion, AProgramThatDoesNotAnswerIsAnError) {
    const std::string path = testing::TempDir() + "/not-a-program";
    std::ofstream(path) << "nothing";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    EXPECT_THROW(version_of(open_binary(path)), Error);
    std::filesystem::remove(path);
}

TEST(QemuVersion, IsTextAndBack) {
    EXPECT_EQ(parse_version((Version{10, 0, 2}).text()), (Version{10, 0, 2}));
    for (const char* text : {"", "10", "10.0", "10.0.2x", "10.0.2.1", "a.b.c"})
        EXPECT_EQ(parse_version(text), std::nullopt) << text;
}

TEST(QemuVersion, HasAnOrder) {
    EXPECT_LT((Version{9, 2, 4}), kFirstTransfer);
    EXPECT_GE((Version{10, 0, 2}), kFirstTransfer);
    EXPECT_LT((Version{10, 0, 99}), kFirstVfioTransfer);
    EXPECT_GE((Version{11, 0, 0}), kFirstVfioTransfer);
}

TEST(QemuVersion, MachineTypesAreWholeWords) {
    const std::string help =
        "Supported machines are:\n"
        "pc                   Standard PC (alias of pc-i440fx-10.0)\n"
        "pc-q35-10.0          Standard PC (Q35 + ICH9, 2009)\n";
    EXPECT_TRUE(has_machine(help, "pc-q35-10.0"));
    EXPECT_TRUE(has_machine(help, "pc"));
    EXPECT_FALSE(has_machine(help, "pc-q35-10.1"));
    EXPECT_FALSE(has_machine(help, "pc-q35"));
    EXPECT_FALSE(has_machine(help, "Standard"));
}

}  // namespace
}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/diversion.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "controller/emulators_tool.h"
#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

namespace fs = std::filesystem;

// With the real dpkg-divert, on a database of its own.
class DiversionTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(fs::exists("/usr/bin/dpkg-divert")) << "it is in Debian's package dpkg";
        fs::create_directories(database_);
        setenv("DPKG_ADMINDIR", database_.c_str(), 1);
    }
    void TearDown() override { unsetenv("DPKG_ADMINDIR"); }

    static ino_t inode(const std::string& path) {
        struct stat info {};
        EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
        return info.st_ino;
    }
    std::string diversions() const {
        const std::string path = database_ + "/diversions";
        return fs::exists(path) ? read_file(path) : "";
    }
    static ErrorCode code_of(const std::function<void()>& function) {
        try {
            function();
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::kInternal;
    }

    const TestFolder folder_;
    const std::string database_ = folder_.path("dpkg");
    const std::string vmm_ = folder_.program("new");
    const std::string program_ = folder_.file("virt-cpr-emulator", "program");
    const EmulatorConfig config_{folder_.path("emulators.conf")};
    const Diversion diversion_{config_, vmm_, program_};
};

TEST_F(DiversionTest, PutsTheProgramInThePlaceOfTheVmmAndBack) {
    const ino_t vmm = inode(vmm_);
    config_.set({"other", vmm_});
    diversion_.add();
    EXPECT_EQ(inode(vmm_), inode(program_));
    EXPECT_EQ(inode(vmm_ + ".distrib"), vmm);
    EXPECT_EQ(diversions(), vmm_ + "\n" + vmm_ + ".distrib\n:\n");
    EXPECT_EQ(config_.find("new").binary, vmm_ + ".distrib");
    EXPECT_EQ(config_.find("other").binary, vmm_ + ".distrib");
    EXPECT_TRUE(diversion_.exists());

    diversion_.remove();
    EXPECT_EQ(inode(vmm_), vmm);
    EXPECT_FALSE(fs::exists(vmm_ + ".distrib"));
    EXPECT_EQ(diversions(), "");
    EXPECT_EQ(config_.find("other").binary, vmm_);
    EXPECT_EQ(config_.list().size(), 1u);
    EXPECT_FALSE(diversion_.exists());
}

TEST_F(DiversionTest, ASecondTimeIsRefused) {
    EXPECT_EQ(code_of([&] { diversion_.remove(); }), ErrorCode::kInvalidState);
    diversion_.add();
    EXPECT_EQ(code_of([&] { diversion_.add(); }), ErrorCode::kInvalidState);
    EXPECT_EQ(inode(vmm_), inode(program_));
}

TEST_F(DiversionTest, WhatCannotBeDoneWholeIsNotDone) {
    const ino_t vmm = inode(vmm_);
    // The last step finds a folder in its way.
    fs::create_directory(vmm_ + ".cpr-new");
    EXPECT_EQ(code_of([&] { diversion_.add(); }), ErrorCode::kSystem);
    EXPECT_EQ(inode(vmm_), vmm);
    EXPECT_FALSE(fs::exists(vmm_ + ".distrib"));
    EXPECT_EQ(diversions(), "");
    EXPECT_TRUE(config_.list().empty());
}

TEST_F(DiversionTest, AFileInItsWayIsLeftAlone) {
    folder_.file("new.distrib", "something else");
    EXPECT_EQ(code_of([&] { diversion_.add(); }), ErrorCode::kInvalidState);
    EXPECT_EQ(read_file(vmm_ + ".distrib"), "something else");
    EXPECT_EQ(diversions(), "");
}

TEST_F(DiversionTest, AVmmWhosePackageWentIsNotMissed) {
    diversion_.add();
    fs::remove(vmm_ + ".distrib");
    diversion_.remove();
    EXPECT_FALSE(fs::exists(vmm_));
    EXPECT_EQ(diversions(), "");
}

TEST_F(DiversionTest, TheToolChecksAndTells) {
    const EmulatorsTool tool(config_, {}, program_);
    testing::internal::CaptureStdout();
    EXPECT_EQ(tool.run({"divert", vmm_}), 0);
    EXPECT_EQ(tool.run({"undivert", vmm_}), 0);
    const std::string output = testing::internal::GetCapturedStdout();
    EXPECT_NE(output.find(vmm_ + ".distrib (version "), std::string::npos) << output;
    testing::internal::CaptureStderr();
    EXPECT_EQ(tool.run({"divert", "vmm"}), 1);
    EXPECT_EQ(tool.run({"divert", folder_.file("plain", "x")}), 1);
    EXPECT_EQ(tool.run({"undivert", vmm_}), 1);
    const std::string errors = testing::internal::GetCapturedStderr();
    EXPECT_NE(errors.find("is not diverted"), std::string::npos) << errors;
    EXPECT_FALSE(diversion_.exists());
}

TEST_F(DiversionTest, DomainsAreFoundByTheirControllers) {
    const auto process = [&](const std::string& pid, std::string arguments) {
        for (char& c : arguments)
            c = c == ' ' ? '\0' : c;
        fs::create_directories(folder_.path("proc/" + pid));
        folder_.file("proc/" + pid + "/cmdline", arguments + '\0');
    };
    process("10", "/usr/libexec/virt-cpr-controller --domain=g2 --emulator=vmm");
    process("11", "/usr/libexec/virt-cpr-controller --domain=g1 --emulator=vmm --binary=/b");
    process("12", "/usr/libexec/virt-cpr-controller --domain=g3 --emulator=vmm-2");
    process("13", "/usr/bin/vi --domain=g4 --emulator=vmm");
    process("self", "/usr/libexec/virt-cpr-controller --domain=g5 --emulator=vmm");
    fs::create_directories(folder_.path("proc/14"));
    EXPECT_EQ(domains_of_emulator("vmm", folder_.path("proc")),
              (std::vector<std::string>{"g1", "g2"}));
}

}  // namespace
}  // namespace cpr::controller

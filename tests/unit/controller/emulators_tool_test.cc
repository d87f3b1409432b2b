// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/emulators_tool.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

class EmulatorsToolTest : public testing::Test {
  protected:
    int run(const std::vector<std::string>& arguments) {
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int status = tool_.run(arguments);
        output_ = testing::internal::GetCapturedStdout();
        errors_ = testing::internal::GetCapturedStderr();
        return status;
    }
    static timespec ctime_of(const std::string& path) {
        struct stat info {};
        EXPECT_EQ(stat(path.c_str(), &info), 0);
        return info.st_ctim;
    }
    static timespec mtime_of(const std::string& path) {
        struct stat info {};
        EXPECT_EQ(stat(path.c_str(), &info), 0);
        return info.st_mtim;
    }
    bool printed(const std::string& text) const { return output_.find(text) != std::string::npos; }

    const TestFolder folder_;
    const EmulatorConfig config_{folder_.path("emulators.conf")};
    const EmulatorsTool tool_{config_,
                              {folder_.path("no-such-folder"), folder_.path("bin")},
                              folder_.path("virt-cpr-emulator")};
    std::string output_;
    std::string errors_;
};

bool same(const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

TEST_F(EmulatorsToolTest, SetsShowsAndLists) {
    const std::string binary = folder_.program("new");
    ASSERT_EQ(run({"set", "my-emulator", binary}), 0);
    EXPECT_TRUE(printed("Emulator 'my-emulator' set to " + binary + " (version 0.1.0+next)"))
        << output_;
    EXPECT_EQ(config_.find("my-emulator").binary, binary);
    ASSERT_EQ(run({"show", "my-emulator"}), 0);
    EXPECT_TRUE(printed(binary) && printed("0.1.0+next")) << output_;
    ASSERT_EQ(run({"list"}), 0);
    EXPECT_TRUE(printed("my-emulator") && printed(binary) && printed("0.1.0+next")) << output_;
}

TEST_F(EmulatorsToolTest, SetTouchesTheEmulatorProgramWithoutChangingIt) {
    std::filesystem::create_directory(folder_.path("bin"));
    const std::string program = folder_.file("bin/emu", "program");
    const timespec ctime = ctime_of(program);
    const timespec mtime = mtime_of(program);
    usleep(20'000);
    ASSERT_EQ(run({"set", "emu", folder_.program("new")}), 0);
    EXPECT_FALSE(same(ctime_of(program), ctime));
    EXPECT_TRUE(same(mtime_of(program), mtime));
    EXPECT_EQ(errors_, "");
}

TEST_F(EmulatorsToolTest, SetWarnsOfAProgramThatIsNotThere) {
    ASSERT_EQ(run({"set", "emu", folder_.program("new")}), 0);
    EXPECT_NE(errors_.find("no program 'emu'"), std::string::npos) << errors_;
}

TEST_F(EmulatorsToolTest, SetRefusesWhatIsNoVmmAndChangesNothing) {
    ASSERT_EQ(run({"set", "emu", folder_.program("old")}), 0);
    for (const std::string& binary : {folder_.path("absent"), folder_.file("plain", "x"),
                                      folder_.program("garbage"), std::string("relative")}) {
        EXPECT_EQ(run({"set", "emu", binary}), 1) << binary;
        EXPECT_EQ(errors_.substr(0, 7), "error: ") << errors_;
        EXPECT_NE(errors_.find(binary), std::string::npos) << errors_;
    }
    EXPECT_EQ(config_.find("emu").binary, folder_.path("old"));
}

TEST_F(EmulatorsToolTest, RefusesNamesThatAreNoProgramsName) {
    const std::string binary = folder_.program("new");
    for (const char* name : {"", "a/b", "a]b", "a b", "a\nb"})
        EXPECT_EQ(run({"set", name, binary}), 1) << name;
}

TEST_F(EmulatorsToolTest, RefusesOtherArguments) {
    const std::vector<std::vector<std::string>> wrong{
        {}, {"frob"}, {"list", "x"}, {"show"}, {"set", "x"}, {"set", "a", "/b", "c"}};
    for (const auto& arguments : wrong) {
        EXPECT_EQ(run(arguments), 1);
        EXPECT_EQ(errors_.substr(0, 7), "error: ") << errors_;
        EXPECT_EQ(output_, "");
    }
    EXPECT_EQ(run({"show", "absent"}), 1);
    EXPECT_EQ(run({"--help"}), 0);
    EXPECT_TRUE(printed("Usage:"));
}

}  // namespace
}  // namespace cpr::controller

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/binary_info.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/monotonic.h"
#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

Error error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorCode::kInternal, "none");
}

Error info_error(const std::string& path, const RunLimits& limits = {}) {
    return error_of([&] { read_binary_info(open_binary(path), limits); });
}

TEST(OpenBinary, RefusesWhatIsNotThereOrCannotBeExecuted) {
    const TestFolder folder;
    EXPECT_EQ(error_of([&] { open_binary(folder.path("absent")); }).code(),
              ErrorCode::kBinaryMissing);
    EXPECT_EQ(error_of([&] { open_binary(folder.file("plain", "x")); }).code(),
              ErrorCode::kBinaryNotExecutable);
    EXPECT_EQ(error_of([&] { open_binary("/tmp"); }).code(), ErrorCode::kBinaryNotExecutable);
    EXPECT_EQ(error_of([&] { open_binary("/dev/null"); }).code(), ErrorCode::kBinaryNotExecutable);
}

TEST(BinaryInfo, IsReadFromAProgram) {
    const TestFolder folder;
    const BinaryInfo info = read_binary_info(open_binary(folder.program("new")));
    EXPECT_EQ(info.name, "cpr-vmm");
    EXPECT_EQ(info.version, "0.1.0+next");
    EXPECT_EQ(info.state_format, 1u);
    ASSERT_EQ(info.sections.size(), 1u);
    EXPECT_EQ(info.sections[0].kind, "serial16550");
}

TEST(BinaryInfo, IsOfTheFileThatWasOpened) {
    const TestFolder folder;
    const Binary binary = open_binary(folder.program("old"));
    unlink(binary.path.c_str());
    folder.file("old", "something else");
    EXPECT_EQ(read_binary_info(binary).version, "0.1.0");
}

TEST(BinaryInfo, RefusesPrograms) {
    const TestFolder folder;
    for (const char* name : {"crash", "garbage", "fails", "silent"}) {
        const Error error = info_error(folder.program(name));
        EXPECT_EQ(error.code(), ErrorCode::kBinaryForeign) << error.message();
        EXPECT_NE(error.message().find(folder.path(name)), std::string::npos) << error.message();
    }
    EXPECT_EQ(info_error("/bin/true").code(), ErrorCode::kBinaryForeign);
}

TEST(BinaryInfo, RefusesFilesThatAreNoPrograms) {
    const TestFolder folder;
    for (const char* text : {"\x7f"
                             "ELF",
                             "", "#!/bin/sh\nexit 0\n"}) {
        const std::string path = folder.file("file", text);
        chmod(path.c_str(), 0755);
        EXPECT_EQ(info_error(path).code(), ErrorCode::kBinaryNotExecutable) << text;
    }
}

TEST(BinaryInfo, TellsWhatAProgramSaid) {
    const TestFolder folder;
    const Error error = info_error(folder.program("fails"));
    EXPECT_NE(error.message().find("status 3"), std::string::npos) << error.message();
    EXPECT_NE(error.message().find("no such luck"), std::string::npos) << error.message();
    const Error garbage = info_error(folder.program("garbage"));
    EXPECT_EQ(garbage.message().find('\x1b'), std::string::npos) << garbage.message();
}

TEST(BinaryInfo, StopsAProgramThatHangs) {
    const TestFolder folder;
    const int64_t before = monotonic_ns();
    const Error error = info_error(folder.program("hang"), {std::chrono::milliseconds(200)});
    EXPECT_EQ(error.code(), ErrorCode::kBinaryForeign);
    EXPECT_LT(monotonic_ns() - before, 5'000'000'000);
}

TEST(BinaryInfo, StopsAProgramThatNeverStopsWriting) {
    const TestFolder folder;
    const Error error = info_error(folder.program("flood"));
    EXPECT_EQ(error.code(), ErrorCode::kBinaryForeign);
    EXPECT_NE(error.message().find("bytes"), std::string::npos) << error.message();
}

TEST(BinaryInfo, DoesNotWaitForWhatAProgramLeavesBehind) {
    const TestFolder folder;
    const int64_t before = monotonic_ns();
    EXPECT_EQ(read_binary_info(open_binary(folder.program("children"))).version, "1");
    EXPECT_LT(monotonic_ns() - before, 5'000'000'000);
}

TEST(RunProgram, PassesNoDescriptors) {
    const TestFolder folder;
    const auto [one, other] = socket_pair();
    set_cloexec(one.get(), false);
    const Binary binary = open_binary(folder.program("fds"));
    const RunResult result = run_program(binary.fd.get(), {binary.path, "--info"});
    // It does not list the one that it writes to.
    EXPECT_NE(result.output.find("0 /dev/null\n2 pipe:"), std::string::npos) << result.output;
    EXPECT_EQ(std::ranges::count(result.output, '\n'), 2) << result.output;
}

TEST(RunProgram, LeavesNoDescriptorsAndNoChildren) {
    const TestFolder folder;
    const int before = dup(0);
    close(before);
    read_binary_info(open_binary(folder.program("new")));
    info_error(folder.program("hang"), {std::chrono::milliseconds(50)});
    info_error(folder.program("flood"));
    const int after = dup(0);
    close(after);
    EXPECT_EQ(before, after);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

class Compatibility : public testing::Test {
  protected:
    BinaryInfo old_{"cpr-vmm", "1", 1, {{"serial", 2, 1}, {"rtc", 1, 1}}};
    std::vector<SectionInUse> in_use_{{"serial", 2}, {"rtc", 1}, {"rtc", 1}};
};

TEST_F(Compatibility, AcceptsVersionsWithinTheRange) {
    EXPECT_NO_THROW(check_compatible(old_, old_, in_use_));
    EXPECT_NO_THROW(check_compatible(
        old_, {"cpr-vmm", "2", 1, {{"serial", 5, 2}, {"rtc", 1, 1}, {"new", 1, 1}}}, in_use_));
}

TEST_F(Compatibility, RefusesAnotherProgram) {
    EXPECT_EQ(error_of([&] {
                  check_compatible(old_, {"other", "1", 1, {}}, in_use_);
              }).code(),
              ErrorCode::kBinaryForeign);
}

TEST_F(Compatibility, NamesAllThatDoesNotFit) {
    const BinaryInfo next{"cpr-vmm", "2", 3, {{"serial", 1, 1}}};
    const Error error = error_of([&] { check_compatible(old_, next, in_use_); });
    EXPECT_EQ(error.code(), ErrorCode::kBinaryIncompatible);
    for (const char* part :
         {"state format 3", "'serial' has version 2, it supports 1 to 1", "it does not know 'rtc'"})
        EXPECT_NE(error.message().find(part), std::string::npos) << error.message();
    // Though the guest has two of these.
    EXPECT_EQ(error.message().find("'rtc'"), error.message().rfind("'rtc'"));
}

TEST_F(Compatibility, RefusesAnOldVersionThatIsNoLongerRead) {
    const BinaryInfo next{"cpr-vmm", "2", 1, {{"serial", 4, 3}, {"rtc", 1, 1}}};
    EXPECT_THROW(check_compatible(old_, next, in_use_), Error);
}

TEST(ParseBinaryInfo, RefusesWhatIsIncompleteOrOfAnotherType) {
    for (const char* text :
         {"", "[]", "{}", R"({"name": 1, "version": "1", "state-format": 1, "sections": []})",
          R"({"name": "cpr-vmm", "version": "1", "state-format": 1})",
          R"({"name": "cpr-vmm", "version": "1", "state-format": 1, "sections": [1]})",
          R"({"name": "cpr-vmm", "version": "1", "state-format": 1.5, "sections": []})",
          R"({"name": "cpr-vmm", "version": "1", "state-format": 1, "sections":
              [{"kind": "vcpu", "version": -1, "min-version": 1}]})",
          R"({"name": "cpr-vmm", "version": "1", "state-format": 1, "sections":
              [{"kind": "vcpu", "version": 4294967297, "min-version": 1}]})"})
        EXPECT_EQ(error_of([&] { parse_binary_info(text); }).code(), ErrorCode::kBinaryForeign)
            << text;
}

}  // namespace
}  // namespace cpr::controller

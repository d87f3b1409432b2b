// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/event_loop.h"
#include "base/io.h"
#include "base/process_use.h"
#include "base/scope_exit.h"
#include "base/text_width.h"
#include "base/translate.h"
#include "base/unique_fd.h"

namespace cpr {
namespace {

TEST(Error, CodesKeepTheirNames) {
    for (int i = 0; i <= static_cast<int>(ErrorCode::kVmmGone); ++i) {
        const auto code = static_cast<ErrorCode>(i);
        EXPECT_EQ(error_code_from(to_string(code)), code);
    }
    EXPECT_EQ(error_code_from("no such code"), ErrorCode::kInternal);
}

TEST(Error, ErrnoErrorNamesTheFailure) {
    errno = ENOENT;
    EXPECT_EQ(errno_error("open it").message(), "cannot open it: No such file or directory");
}

TEST(Error, WithinPutsContextBefore) {
    const Error error(ErrorCode::kTimeout, "too late");
    EXPECT_EQ(error.within("save").message(), "save: too late");
    EXPECT_EQ(error.within("save").code(), ErrorCode::kTimeout);
}

TEST(UniqueFd, ClosesItsDescriptor) {
    int number = -1;
    {
        UniqueFd fd = make_memfd("test");
        number = fd.get();
        EXPECT_EQ(fcntl(number, F_GETFD), FD_CLOEXEC);
    }
    EXPECT_EQ(fcntl(number, F_GETFD), -1);
}

TEST(UniqueFd, DuplicatesAreCloseOnExec) {
    const UniqueFd fd = make_memfd("test");
    EXPECT_EQ(fcntl(fd.dup().get(), F_GETFD), FD_CLOEXEC);
}

TEST(Io, ReadAllRefusesMoreThanTheCap) {
    const UniqueFd fd = make_memfd("test");
    write_all(fd.get(), std::vector<uint8_t>(100, 7), "test");
    EXPECT_EQ(read_all(fd.get(), 100, "test").size(), 100u);
    EXPECT_THROW(read_all(fd.get(), 99, "test"), Error);
}

TEST(Io, NobodyChangesWhatIsSealed) {
    const std::vector<uint8_t> content(100, 7);
    const UniqueFd fd = make_sealed_memfd("test", content, "test");
    EXPECT_EQ(read_all(fd.get(), 100, "test"), content);
    EXPECT_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
    EXPECT_THROW(write_all(fd.get(), content, "test"), Error);
    EXPECT_EQ(pwrite(fd.get(), "x", 1, 0), -1);
    EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL), -1);
}

TEST(ScopeExit, RunsUnlessDismissed) {
    int runs = 0;
    {
        ScopeExit undo([&] { ++runs; });
    }
    {
        ScopeExit undo([&] { ++runs; });
        undo.dismiss();
    }
    EXPECT_EQ(runs, 1);
}

TEST(EventLoop, GoesOnAfterACallbackThatFails) {
    EventLoop loop;
    bool done = false;
    loop.post([] { throw Error(ErrorCode::kInternal, "a callback's failure"); });
    loop.post([&] {
        done = true;
        loop.quit();
    });
    loop.run();
    EXPECT_TRUE(done);
}

TEST(EventLoop, RunsPostedWorkAndTimers) {
    EventLoop loop;
    std::string order;
    EventSource timer = loop.after(std::chrono::milliseconds(1), [&] {
        order += "timer";
        loop.quit();
    });
    loop.post([&] { order += "posted "; });
    loop.run();
    EXPECT_EQ(order, "posted timer");
}

TEST(TextWidth, CountsColumnsOfATerminal) {
    EXPECT_EQ(columns_of("Domain"), 6u);
    EXPECT_EQ(columns_of("Länge"), 5u);
    EXPECT_EQ(columns_of("ドメイン"), 8u);
    EXPECT_EQ(columns_of("a\xff\xfe"), 3u);
    EXPECT_EQ(columns_of("\xe3\x83"), 1u);
    EXPECT_EQ(columns_of(""), 0u);
}

TEST(Translate, IsEnglishUnlessTheProgramChoseALanguage) {
    EXPECT_STREQ(translated("error: {}"), "error: {}");
    EXPECT_EQ(format_text(translated("error: {}"), 5), "error: 5");
}

TEST(ProcessUse, CountsWhatAProcessHasLocked) {
    constexpr size_t kSize = 0x4000;
    const uint64_t before = process_use("self").locked;
    void* memory = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // Sanitizers make of the C library's call one that does nothing.
    ASSERT_EQ(syscall(SYS_mlock, memory, kSize), 0);
    EXPECT_EQ(process_use("self").locked, before + kSize);
    EXPECT_EQ(process_use(std::to_string(getpid())).locked, before + kSize);
    munmap(memory, kSize);
}

TEST(ProcessUse, TellsMemoryAndCapabilities) {
    const ProcessUse use = process_use("self");
    EXPECT_GT(use.anonymous, 0u);
    EXPECT_LT(use.anonymous, uint64_t{1} << 40);
    EXPECT_GT(use.page_tables, 0u);
    ProcessUse some;
    some.capabilities = 1u << 14;
    EXPECT_TRUE(some.has_capability(14));
    EXPECT_FALSE(some.has_capability(13));
    EXPECT_THROW(process_use("0"), Error);
}

TEST(FileShortage, EachFileThatIsOpenLeavesOneLess) {
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit low{1000, limit.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    const auto room = [] {
        size_t more = 0;
        while (!file_shortage("the test", more + 1))
            ++more;
        return more;
    };
    const size_t before = room();
    const UniqueFd file = make_memfd("one more");
    EXPECT_EQ(room() + 1, before);
    const auto shortage = file_shortage("the test", before);
    ASSERT_TRUE(shortage);
    EXPECT_NE(shortage->reason.english().find("may have 1000"), std::string::npos)
        << shortage->reason.english();
    EXPECT_NE(shortage->remedy.english().find("--nofile=1001"), std::string::npos)
        << shortage->remedy.english();
    setrlimit(RLIMIT_NOFILE, &limit);
    // The numbers are those of the kernel's: with that many more there is no other.
    std::vector<UniqueFd> files;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (size_t i = 0; i + 1 < before; ++i)
        files.push_back(make_memfd("more"));
    EXPECT_THROW(make_memfd("too many"), Error);
    setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace cpr

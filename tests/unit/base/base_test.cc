// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/event_loop.h"
#include "base/io.h"
#include "base/scope_exit.h"
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

}  // namespace
}  // namespace cpr

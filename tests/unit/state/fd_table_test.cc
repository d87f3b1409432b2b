// SPDX-License-Identifier: LGPL-2.1-or-later
#include "state/fd_table.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"

namespace cpr::state {
namespace {

TEST(FdTable, CarriesDescriptorsByNameAndIndex) {
    UniqueFd event(eventfd(5, EFD_CLOEXEC));
    UniqueFd memfd = make_memfd("x");
    OutgoingFds out;
    out.add("irq", 3, event.get());
    out.add("ram", 0, memfd.get());
    IncomingFds in(out.serialize());
    event.release();
    memfd.release();
    EXPECT_EQ(fd_kind(in.take("irq", 3).get()), "[eventfd]");
    EXPECT_TRUE(in.has("ram"));
    EXPECT_EQ(in.leftovers(), std::vector<std::string>{"ram/0"});
    EXPECT_THROW(in.take("irq", 3), Error);
    in.reset();
    EXPECT_NO_THROW(in.take("irq", 3));
}

TEST(FdTable, NamesCanBeTakenWithoutDescriptors) {
    const UniqueFd memfd = make_memfd("x");
    OutgoingFds out;
    out.add("ram", 2, memfd.get());
    IncomingFds names = IncomingFds::names_of(out.serialize());
    EXPECT_FALSE(names.take("ram", 2));
    EXPECT_THROW(names.take("ram", 2), Error);
    EXPECT_THROW(names.take("irq"), Error);
    EXPECT_TRUE(names.leftovers().empty());
}

TEST(FdTable, ArrivalsCanBeHandedOn) {
    UniqueFd memfd = make_memfd("x");
    OutgoingFds out;
    out.add("ram", 2, memfd.get());
    IncomingFds in(out.serialize());
    memfd.release();
    const UniqueFd taken = in.take("ram", 2);
    OutgoingFds again;
    in.keep(again);
    EXPECT_EQ(again.serialize(), out.serialize());
}

TEST(FdTable, CloseOnExecIsClearedOnlyWhileInheritable) {
    const UniqueFd memfd = make_memfd("x");
    OutgoingFds out;
    out.add("ram", 0, memfd.get());
    EXPECT_EQ(fcntl(memfd.get(), F_GETFD), FD_CLOEXEC);
    out.set_inheritable(true);
    EXPECT_EQ(fcntl(memfd.get(), F_GETFD), 0);
    out.set_inheritable(false);
    EXPECT_EQ(fcntl(memfd.get(), F_GETFD), FD_CLOEXEC);
}

TEST(FdTable, ArrivalsBecomeCloseOnExec) {
    UniqueFd memfd = make_memfd("x");
    OutgoingFds out;
    out.add("ram", 0, memfd.get());
    out.set_inheritable(true);
    IncomingFds in(out.serialize());
    const int number = memfd.release();
    EXPECT_EQ(fcntl(number, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(fcntl(in.take("ram").get(), F_GETFD), FD_CLOEXEC);
}

TEST(FdTable, OtherKindIsRefused) {
    UniqueFd event(eventfd(0, EFD_CLOEXEC));
    OutgoingFds out;
    out.add("irq", 0, event.get());
    const auto table = out.serialize();
    const UniqueFd memfd = make_memfd("x");
    ASSERT_EQ(dup2(memfd.get(), event.get()), event.get());
    EXPECT_THROW(IncomingFds{table}, Error);
}

TEST(FdTable, ClosedDoubleAndMalformedAreRefused) {
    const auto refuses = [](const std::string& text) {
        EXPECT_THROW(IncomingFds(std::vector<uint8_t>(text.begin(), text.end())), Error) << text;
    };
    refuses("");
    refuses("{}");
    refuses("[1]");
    refuses(R"([{"name":"a","index":0,"fd":999,"kind":"memfd"}])");
    refuses(R"([{"name":"a","index":0,"fd":0,"kind":"file"}])");
    refuses(R"([{"name":"a","index":0}])");
}

TEST(FdTable, NumbersThatAreNoneAreRefused) {
    UniqueFd memfd = make_memfd("x");
    const auto table = [&](const std::string& fd, const std::string& index) {
        return fmt::format(R"([{{"name":"a","index":{},"fd":{},"kind":"memfd"}}])", index, fd);
    };
    const std::string good = std::to_string(memfd.get());
    const std::string wrapped = std::to_string((int64_t{1} << 32) + memfd.get());
    for (const auto& [fd, index] : {std::pair{good + ".5", "0"},
                                    {"1e300", "0"},
                                    {wrapped, "0"},
                                    {good, "-1"},
                                    {good, "1e300"},
                                    {good, "4294967296"}}) {
        const std::string text = table(fd, index);
        EXPECT_THROW(IncomingFds(std::vector<uint8_t>(text.begin(), text.end())), Error) << text;
    }
    const std::string text = table(good, "0");
    EXPECT_NO_THROW(IncomingFds(std::vector<uint8_t>(text.begin(), text.end())));
    memfd.release();
}

TEST(FdTable, NamesAreUnique) {
    const UniqueFd memfd = make_memfd("x");
    OutgoingFds out;
    out.add("ram", 0, memfd.get());
    EXPECT_THROW(out.add("ram", 0, memfd.get()), Error);
}

}  // namespace
}  // namespace cpr::state

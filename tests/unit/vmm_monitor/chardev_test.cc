// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/io.h"
#include "vmm/chardev/factory.h"

namespace cpr::vmm {
namespace {

std::span<const uint8_t> bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class ChardevTest : public ::testing::Test {
  protected:
    ChardevTest() : folder_(std::filesystem::temp_directory_path() / "cpr-chardev-XXXXXX") {
        signal(SIGPIPE, SIG_IGN);
        std::string name = folder_;
        folder_ = mkdtemp(name.data());
    }
    ~ChardevTest() override { std::filesystem::remove_all(folder_); }

    std::string path(const std::string& name) const { return folder_ / name; }

    ChardevConfig& add(const std::string& id, ChardevConfig::Type type) {
        config_.chardevs.push_back({});
        config_.chardevs.back().id = id;
        config_.chardevs.back().type = type;
        return config_.chardevs.back();
    }

    void build() { chardevs_ = build_chardevs(config_, loop_, fd_sets_, nullptr); }

    // What the new binary of an update does with what the old one leaves.
    void update() {
        state::OutgoingFds fds;
        state::StreamWriter writer;
        for (const auto& [id, chardev] : chardevs_) {
            chardev->set_held(true);
            chardev->keep(fds);
        }
        fd_sets_.keep(fds);
        fd_sets_.save(writer);
        save_chardevs(chardevs_, writer);

        // The table names descriptors of this process; the new owner must have its own.
        std::vector<uint8_t> table = duplicated(fds.serialize());
        incoming_ = state::IncomingFds(table);
        chardevs_.clear();
        fd_sets_ = FdSets();
        restored_.emplace(Restored{state::StreamReader(writer.finish()), *incoming_});
        fd_sets_.restore(*restored_);
        chardevs_ = build_chardevs(config_, loop_, fd_sets_, &*restored_);
        restored_->state.finish();
        EXPECT_THAT(incoming_->leftovers(), ::testing::IsEmpty());
        incoming_.reset();
    }

    void release() {
        for (const auto& [id, chardev] : chardevs_)
            chardev->set_held(false);
    }

    void receive_into(Chardev& chardev, std::string& got) {
        chardev.set_receiver(
            {[this] { return room_; },
             [&got](std::span<const uint8_t> data) { got.append(data.begin(), data.end()); }});
    }

    template <typename Condition>
    bool run_until(Condition condition, int milliseconds = 5000) {
        bool late = false;
        const EventSource limit =
            loop_.after(std::chrono::milliseconds(milliseconds), [&late] { late = true; });
        while (!condition() && !late) {
            const EventSource tick = loop_.after(std::chrono::milliseconds(5), [] {});
            loop_.iterate(true);
        }
        return condition();
    }
    void run_for(int milliseconds) {
        run_until([] { return false; }, milliseconds);
    }

    static std::string read_some(int fd) {
        char buffer[65536];
        const ssize_t got = read(fd, buffer, sizeof(buffer));
        return got > 0 ? std::string(buffer, static_cast<size_t>(got)) : std::string();
    }
    // Reads until `wanted` has come or does not come any more: terminals deliver a little later.
    std::string read_text(int fd, const std::string& wanted) {
        std::string got;
        run_until([&] {
            got += read_some(fd);
            return got == wanted;
        });
        return got;
    }
    std::string file_text(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(path(name)).rdbuf();
        return text.str();
    }
    UniqueFd connect_to(const std::string& name) const {
        UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        strncpy(address.sun_path, path(name).c_str(), sizeof(address.sun_path) - 1);
        EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        set_nonblocking(fd.get(), true);
        return fd;
    }

    std::filesystem::path folder_;
    EventLoop loop_;
    MachineConfig config_;
    FdSets fd_sets_;
    Chardevs chardevs_;
    size_t room_ = 1000;

  private:
    static std::vector<uint8_t> duplicated(const std::vector<uint8_t>& table) {
        std::string text(table.begin(), table.end());
        const std::string key = "\"fd\":";
        for (size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
            const size_t begin = at + key.size();
            const size_t end = text.find_first_not_of("0123456789", begin);
            UniqueFd old(std::stoi(text.substr(begin, end - begin)));
            const int copy = old.dup().release();
            old.release();
            text.replace(begin, end - begin, std::to_string(copy));
        }
        return {text.begin(), text.end()};
    }

    std::optional<state::IncomingFds> incoming_;
    std::optional<Restored> restored_;
};

using Type = ChardevConfig::Type;

TEST_F(ChardevTest, WritesFilesWithALogAndGoesOnInThemAfterAnUpdate) {
    std::ofstream(path("out")) << "old ";
    std::ofstream(path("log")) << "old ";
    ChardevConfig& config = add("c", Type::kFile);
    config.path = path("out");
    config.log_path = path("log");
    config.log_append = true;
    build();
    chardevs_.at("c")->write(bytes("one "));
    update();
    release();
    chardevs_.at("c")->write(bytes("two"));
    EXPECT_TRUE(run_until([this] { return file_text("out") == "one two"; })) << file_text("out");
    EXPECT_EQ(file_text("log"), "old one two");
    EXPECT_EQ(chardevs_.at("c")->filename(), "file");
}

TEST_F(ChardevTest, WritesIntoPassedInDescriptors) {
    UniqueFd file = open_file(path("out"), O_WRONLY | O_CREAT);
    fd_sets_.take({{3, file.release(), "serial0-source"}});
    ChardevConfig& config = add("c", Type::kFile);
    config.path = "/dev/fdset/3";
    config.fdset = 3;
    build();
    chardevs_.at("c")->write(bytes("one "));
    update();
    release();
    chardevs_.at("c")->write(bytes("two"));
    EXPECT_EQ(file_text("out"), "one two");
    ASSERT_EQ(fd_sets_.sets().count(3), 1U);
    EXPECT_EQ(fd_sets_.sets().at(3).at(0).opaque, "serial0-source");
}

TEST_F(ChardevTest, RefusesASetThatCannotBeWritten) {
    fd_sets_.take({{3, open_file("/dev/null", O_RDONLY).release(), ""}});
    ChardevConfig& config = add("c", Type::kFile);
    config.fdset = 3;
    try {
        build();
        FAIL() << "accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.message(),
                  "chardev 'c': descriptor set 3 has no descriptor that can be written");
    }
}

TEST_F(ChardevTest, NamesTheChardevThatCannotBeOpened) {
    add("bad", Type::kFile).path = path("no/such/folder");
    try {
        build();
        FAIL() << "accepted";
    } catch (const Error& error) {
        EXPECT_THAT(error.message(), ::testing::StartsWith("chardev 'bad': cannot open"));
    }
}

class PtyTest : public ChardevTest {
  protected:
    void SetUp() override {
        add("p", Type::kPty);
        build();
    }
    UniqueFd open_terminal() {
        const std::string name = chardevs_.at("p")->filename();
        EXPECT_TRUE(name.starts_with("pty:/dev/pts/"));
        return open_file(name.substr(4), O_RDWR | O_NOCTTY | O_NONBLOCK);
    }
    Chardev& pty() { return *chardevs_.at("p"); }
};

TEST_F(PtyTest, CarriesBytesBothWaysUnchanged) {
    std::string got;
    receive_into(pty(), got);
    const UniqueFd user = open_terminal();
    pty().write(bytes("line\n\x03"));
    EXPECT_EQ(read_text(user.get(), "line\n\x03"), "line\n\x03");
    ASSERT_EQ(write(user.get(), "in\r\x03", 4), 4);
    EXPECT_TRUE(run_until([&] { return got == "in\r\x03"; })) << got;
}

TEST_F(PtyTest, DropsOutputWhileNobodyReads) {
    pty().write(bytes("lost"));
    const UniqueFd user = open_terminal();
    pty().write(bytes("seen"));
    EXPECT_EQ(read_text(user.get(), "seen"), "seen");
}

TEST_F(PtyTest, NoticesReadersThatComeAndGo) {
    std::string got;
    receive_into(pty(), got);
    for (const std::string text : {"a", "b"}) {
        const UniqueFd user = open_terminal();
        ASSERT_EQ(write(user.get(), text.data(), 1), 1);
        EXPECT_TRUE(run_until([&] { return got.ends_with(text); })) << got;
    }
    EXPECT_EQ(got, "ab");
}

TEST_F(PtyTest, StaysTheSameTerminalOverAnUpdate) {
    std::string got;
    const UniqueFd user = open_terminal();
    const std::string name = pty().filename();
    pty().write(bytes("before "));
    update();
    EXPECT_EQ(pty().filename(), name);
    receive_into(pty(), got);
    ASSERT_EQ(write(user.get(), "typed", 5), 5);
    run_for(50);
    EXPECT_EQ(got, "") << "input was taken before the new binary is to go on";
    release();
    pty().write(bytes("after"));
    EXPECT_TRUE(run_until([&] { return got == "typed"; })) << got;
    EXPECT_EQ(read_text(user.get(), "before after"), "before after");
}

TEST_F(PtyTest, LosesAndDoublesNoOutputOfASlowReaderOverAnUpdate) {
    const UniqueFd user = open_terminal();
    std::string sent;
    for (int i = 0; i < 20000; ++i)
        sent += std::to_string(i) + "\n";
    pty().write(bytes(sent));
    ASSERT_FALSE(pty().pending_output().empty());
    std::string seen = read_some(user.get());
    update();
    seen += read_some(user.get());
    run_for(20);
    release();
    pty().write(bytes("end"));
    run_until([&] {
        seen += read_some(user.get());
        return seen.ends_with("end");
    });
    EXPECT_TRUE(seen == sent + "end") << seen.size() << " of " << sent.size() + 3;
}

TEST_F(PtyTest, WaitsForRoom) {
    std::string got;
    room_ = 0;
    receive_into(pty(), got);
    const UniqueFd user = open_terminal();
    ASSERT_EQ(write(user.get(), "abcd", 4), 4);
    run_for(50);
    EXPECT_EQ(got, "");
    room_ = 2;
    pty().accept_input();
    EXPECT_TRUE(run_until([&] { return got == "abcd"; })) << got;
}

class SocketTest : public ChardevTest {
  protected:
    void SetUp() override {
        ChardevConfig& config = add("s", Type::kSocket);
        config.path = path("sock");
        config.server = true;
        config.wait = false;
        build();
    }
    Chardev& chardev() { return *chardevs_.at("s"); }
};

TEST_F(SocketTest, ServesOneClientAfterTheOther) {
    std::string got;
    receive_into(chardev(), got);
    EXPECT_EQ(chardev().filename(), "disconnected:unix:" + path("sock") + ",server=on");
    for (const std::string text : {"first", "second"}) {
        const UniqueFd client = connect_to("sock");
        EXPECT_TRUE(run_until([&] { return chardev().frontend_open(); }));
        EXPECT_EQ(chardev().filename(), "unix:" + path("sock") + ",server=on");
        ASSERT_EQ(write(client.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
        EXPECT_TRUE(run_until([&] { return got.ends_with(text); })) << got;
        chardev().write(bytes(text));
        EXPECT_EQ(read_some(client.get()), text);
        EXPECT_TRUE(client);
        shutdown(client.get(), SHUT_RDWR);
        EXPECT_TRUE(run_until([&] { return !chardev().frontend_open(); }));
    }
}

TEST_F(SocketTest, KeepsItsClientAndItsListenerOverAnUpdate) {
    std::string got;
    receive_into(chardev(), got);
    const UniqueFd client = connect_to("sock");
    run_until([&] { return chardev().frontend_open(); });
    update();
    receive_into(chardev(), got);
    release();
    EXPECT_TRUE(chardev().frontend_open());
    chardev().write(bytes("hello"));
    EXPECT_EQ(read_some(client.get()), "hello");
    ASSERT_EQ(write(client.get(), "there", 5), 5);
    EXPECT_TRUE(run_until([&] { return got == "there"; }));

    shutdown(client.get(), SHUT_RDWR);
    run_until([&] { return !chardev().frontend_open(); });
    update();
    receive_into(chardev(), got);
    release();
    const UniqueFd next = connect_to("sock");
    EXPECT_TRUE(run_until([&] { return chardev().frontend_open(); }));
}

TEST_F(SocketTest, TakesAPassedInDescriptorOfTheRightKind) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    UniqueFd near(pair[0]);
    const UniqueFd far(pair[1]);
    ChardevConfig& config = add("c", Type::kSocket);
    config.fd = near.get();
    config.server = true;
    try {
        build();
        FAIL() << "accepted";
    } catch (const Error& error) {
        EXPECT_THAT(error.message(), ::testing::HasSubstr("is a connected socket"));
    }
    config.server = false;
    near.release();
    build();
    chardevs_.at("c")->write(bytes("x"));
    EXPECT_EQ(read_some(far.get()), "x");
}

TEST(FdSets, AddAndRemoveDescriptors) {
    FdSets sets;
    const auto null = [] { return open_file("/dev/null", O_WRONLY); };
    EXPECT_EQ(sets.add(-1, null(), "a"), 0);
    EXPECT_EQ(sets.add(-1, null(), "b"), 1);
    UniqueFd third = null();
    const int number = third.get();
    EXPECT_EQ(sets.add(1, std::move(third), "c"), 1);
    sets.remove(1, number);
    EXPECT_EQ(sets.sets().at(1).size(), 1U);
    EXPECT_THROW(sets.remove(1, number), Error);
    sets.remove(1, -1);
    EXPECT_EQ(sets.sets().count(1), 0U);
    EXPECT_THROW(sets.remove(1, -1), Error);
    EXPECT_THROW(sets.take({{5, 9999, ""}}), Error);

    sets.add_named("x", null());
    EXPECT_TRUE(sets.take_named("x"));
    EXPECT_FALSE(sets.take_named("x"));
}

}  // namespace
}  // namespace cpr::vmm

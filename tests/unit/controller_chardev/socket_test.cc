// SPDX-License-Identifier: LGPL-2.1-or-later
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/io.h"
#include "unit/controller_chardev/devices_fixture.h"

namespace cpr::controller {
namespace {

class SocketDevice : public DevicesTest {
  protected:
    void start_server() { start_one("socket,id=c,server=on,wait=off,path=" + path_); }
};

int port_in(const std::string& name) {
    const size_t start = name.find(':', name.find("tcp:") + 4) + 1;
    return std::stoi(name.substr(start));
}

UniqueFd connect_to_port(int port) {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    return fd;
}

TEST_F(SocketDevice, ServesClientsOfAPathAndTellsItsNames) {
    start_server();
    EXPECT_EQ(name(), "disconnected:unix:" + path_ + ",server=on");
    {
        TestEnd user = connect_user(path_);
        expect_connected(qemu(), user);
        EXPECT_EQ(name(), "unix:" + path_ + ",server=on");
    }
    run_until([&] { return name() == "disconnected:unix:" + path_ + ",server=on"; });
}

TEST_F(SocketDevice, ServesClientsOfAPassedListener) {
    const int listener = listen_at(path_).release();
    start_one(fmt::format("socket,id=c,fd={},server=on,wait=off", listener));
    EXPECT_EQ(name(), "disconnected:unix:" + path_ + ",server=on");
    TestEnd user = connect_user(path_);
    expect_connected(qemu(), user);
    EXPECT_EQ(name(), "unix:" + path_ + ",server=on");
    devices_.reset();
    EXPECT_EQ(fcntl(listener, F_GETFD), -1);
    EXPECT_TRUE(std::filesystem::exists(path_)) << "it is libvirt's";
}

TEST_F(SocketDevice, ServesTheSecondClientAfterTheFirst) {
    start_server();
    TestEnd first = connect_user(path_);
    expect_connected(qemu(), first);
    TestEnd second = connect_user(path_);
    EXPECT_EQ(second.write("waiting"), 7U);
    settle();
    qemu().got.clear();
    expect_connected(qemu(), first);
    EXPECT_EQ(qemu().got, "to the guest");
    EXPECT_EQ(first.write("last"), 4U);
    first.close();
    expect_arrival(qemu(), "lastwaiting");
    expect_connected(qemu(), second);
}

TEST_F(SocketDevice, NeverStopsAGuestWithoutAClient) {
    start_server();
    write_all_of(qemu(), numbered(4 << 20));
    settle();
    TestEnd user = connect_user(path_);
    expect_connected(qemu(), user);
    EXPECT_EQ(user.got, "to the user");
    user.close();
    write_all_of(qemu(), numbered(4 << 20));
    settle();
    user = connect_user(path_);
    user.got.clear();
    expect_connected(qemu(), user);
    EXPECT_EQ(user.got, "to the user");
}

TEST_F(SocketDevice, StopsWhoIsFasterThanTheOther) {
    start_server();
    TestEnd user = connect_user(path_);
    expect_connected(qemu(), user);
    const std::string bytes = numbered(8 << 20);
    size_t in = 0;
    size_t out = 0;
    for (int i = 0; i < 2000; ++i) {
        in += user.write(std::string_view(bytes).substr(in));
        out += qemu().write(std::string_view(bytes).substr(out));
        loop_.iterate(false);
    }
    EXPECT_LT(in, size_t{1} << 20);
    EXPECT_LT(out, size_t{1} << 20);
    expect_arrival(qemu(), bytes.substr(0, in));
    expect_arrival(user, bytes.substr(0, out));
}

// It may have shut down its sending side only, but that is how QEMU takes it.
TEST_F(SocketDevice, ClosesWithAClientThatSendsNoMore) {
    start_server();
    TestEnd user = connect_user(path_);
    EXPECT_EQ(user.write("all"), 3U);
    shutdown(user.fd(), SHUT_WR);
    expect_arrival(qemu(), "all");
    run_until([&] { return user.at_end(); });
}

TEST_F(SocketDevice, ClosesDescriptorsThatAClientSends) {
    start_server();
    TestEnd user = connect_user(path_);
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    TestEnd reading{UniqueFd(ends[0])};
    UniqueFd writing(ends[1]);
    char text[] = "with";
    iovec part{text, 4};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &ends[1], sizeof(int));
    ASSERT_EQ(sendmsg(user.fd(), &message, 0), 4);
    writing.reset();
    expect_arrival(qemu(), "with");
    EXPECT_TRUE(reading.at_end());
    expect_connected(qemu(), user);
}

TEST_F(SocketDevice, TakesThePathOfAnEndedProcess) {
    listen_at(path_).reset();
    ASSERT_TRUE(std::filesystem::exists(path_));
    start_server();
    TestEnd user = connect_user(path_);
    expect_connected(qemu(), user);
    devices_.reset();
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SocketDevice, ServesClientsOfTcp) {
    start_one("socket,id=c,host=127.0.0.1,port=0,server=on,wait=off,nodelay=on");
    const int port = port_in(name());
    EXPECT_EQ(name(), fmt::format("disconnected:tcp:127.0.0.1:{},server=on", port));
    TestEnd user(connect_to_port(port));
    expect_connected(qemu(), user);
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    getsockname(user.fd(), reinterpret_cast<sockaddr*>(&address), &size);
    EXPECT_EQ(name(), fmt::format("tcp:127.0.0.1:{},server=on <-> 127.0.0.1:{}", port,
                                  ntohs(address.sin_port)));
    user = TestEnd(connect_to_port(port));
    qemu().got.clear();
    expect_connected(qemu(), user);
}

TEST_F(SocketDevice, ConnectsToTcp) {
    start({"socket,id=server,host=127.0.0.1,port=0,server=on,wait=off"});
    const int port = port_in(name("server"));
    const auto server = std::move(devices_);
    TestEnd other = std::move(qemu_["server"]);
    start_one(fmt::format("socket,id=c,host=127.0.0.1,port={}", port));
    EXPECT_TRUE(name().starts_with("tcp:127.0.0.1:")) << name();
    EXPECT_TRUE(name().ends_with(fmt::format(" <-> 127.0.0.1:{}", port))) << name();
    expect_connected(qemu(), other);
}

TEST_F(SocketDevice, ConnectsToAPathOnce) {
    UniqueFd listener = listen_at(path_);
    start_one("socket,id=c,path=" + path_);
    EXPECT_EQ(name(), "unix:" + path_);
    TestEnd user{UniqueFd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))};
    expect_connected(qemu(), user);
    user.close();
    run_until([&] { return name() == "disconnected:unix:" + path_; });
    write_all_of(qemu(), numbered(4 << 20));
}

TEST_F(SocketDevice, TakesAPassedConnection) {
    auto [theirs, passed] = socket_pair();
    start_one(fmt::format("socket,id=c,fd={}", passed.release()));
    TestEnd user(std::move(theirs));
    expect_connected(qemu(), user);
}

TEST_F(SocketDevice, SaysWhichDeviceCannotBeOpened) {
    const auto problem_of = [this](const std::string& chardev) {
        try {
            start_one(chardev);
        } catch (const Error& error) {
            return error.message();
        }
        return std::string("none");
    };
    for (const std::string& chardev :
         {"socket,id=c,path=" + path_, "socket,id=c,server=on,wait=off,path=" + path_ + "/x",
          std::string("socket,id=c,host=127.0.0.1,port=none,server=on,wait=off"),
          "socket,id=c,path=/" + std::string(200, 'x')})
        EXPECT_TRUE(problem_of(chardev).starts_with("character device 'c': "))
            << problem_of(chardev);
    auto [theirs, passed] = socket_pair();
    const std::string problem =
        problem_of(fmt::format("socket,id=c,fd={},server=on,wait=off", passed.release()));
    EXPECT_NE(problem.find("does not listen"), std::string::npos) << problem;
}

TEST_F(SocketDevice, KeepsItsClientWhenAQemuEnds) {
    start_server();
    TestEnd user = connect_user(path_);
    expect_connected(qemu(), user);
    write_all_of(qemu(), "the last");
    qemu().close();
    expect_arrival(user, "the last");
    settle();
    EXPECT_FALSE(user.at_end());
}

TEST_F(SocketDevice, SendsTheLastWhenTheGuestEnds) {
    start_server();
    TestEnd user = connect_user(path_);
    expect_connected(qemu(), user);
    const std::string bytes = numbered(100000);
    EXPECT_EQ(qemu().write(bytes), bytes.size());
    devices_.reset();
    user.got.clear();
    EXPECT_TRUE(user.at_end());
    EXPECT_TRUE(user.got == bytes) << user.got.size();
}

}  // namespace
}  // namespace cpr::controller

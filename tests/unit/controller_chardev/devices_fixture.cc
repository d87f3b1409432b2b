// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit/controller_chardev/devices_fixture.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "base/io.h"
#include "unit/controller_chardev/command_lines.h"

namespace cpr::controller {

std::string numbered(size_t size) {
    std::string bytes;
    while (bytes.size() < size)
        bytes += fmt::format("{:07} ", bytes.size());
    bytes.resize(size);
    return bytes;
}

TestEnd::TestEnd(UniqueFd fd) : fd_(std::move(fd)) {
    set_nonblocking(fd_.get(), true);
}

size_t TestEnd::write(std::string_view bytes) {
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t put = ::write(fd_.get(), bytes.data() + done, bytes.size() - done);
        if (put <= 0)
            break;
        done += static_cast<size_t>(put);
    }
    return done;
}

void TestEnd::read(size_t most) {
    std::array<char, 4096> buffer{};
    ssize_t size = 0;
    while (most > 0 &&
           (size = ::read(fd_.get(), buffer.data(), std::min(most, buffer.size()))) > 0) {
        got.append(buffer.data(), static_cast<size_t>(size));
        most -= static_cast<size_t>(size);
    }
}

bool TestEnd::at_end() {
    read();
    char byte = 0;
    const ssize_t size = ::read(fd_.get(), &byte, 1);
    return size == 0 || (size < 0 && errno != EAGAIN);
}

void DevicesTest::start(const std::vector<std::string>& chardevs) {
    qemu::ArgumentModel line = line_with(chardevs);
    ChardevPlan plan = plan_chardevs(line);
    ASSERT_EQ(plan.relayed.size(), chardevs.size());
    for (const RelayedDevice& device : plan.relayed)
        qemu_[device.id] = TestEnd(device.pair.qemus.dup());
    devices_ = std::make_unique<CharacterDevices>(loop_, std::move(plan));
}

TestEnd DevicesTest::open_pty() {
    return TestEnd(open_file(name().substr(4), O_RDWR | O_NOCTTY));
}

void DevicesTest::wait() {
    bool over = false;
    const EventSource timer = loop_.after(std::chrono::milliseconds(250), [&over] { over = true; });
    run_until([&over] { return over; });
}

void DevicesTest::expect_rest() {
    const clock_t before = clock();
    wait();
    EXPECT_LT(clock() - before, CLOCKS_PER_SEC / 20);
}

void DevicesTest::expect_arrival(TestEnd& end, std::string_view bytes) {
    const std::string expected = end.got + std::string(bytes);
    run_until([&] {
        end.read();
        poll_again();
        return end.got.size() >= expected.size();
    });
    EXPECT_TRUE(end.got == expected) << end.got.size() << " bytes, not " << expected.size();
}

void DevicesTest::write_all_of(TestEnd& end, std::string_view bytes) {
    run_until([&] {
        bytes.remove_prefix(end.write(bytes));
        poll_again();
        return bytes.empty();
    });
}

void DevicesTest::expect_connected(TestEnd& qemu, TestEnd& user) {
    // In this order: for a user who has not been accepted yet, the guest would write in vain.
    write_all_of(user, "to the guest");
    expect_arrival(qemu, "to the guest");
    write_all_of(qemu, "to the user");
    expect_arrival(user, "to the user");
}

}  // namespace cpr::controller

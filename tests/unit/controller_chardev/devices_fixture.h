// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_CONTROLLER_CHARDEV_DEVICES_FIXTURE_H
#define CPR_TESTS_CONTROLLER_CHARDEV_DEVICES_FIXTURE_H

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/chardev/character_devices.h"
#include "unit/controller/support.h"

namespace cpr::controller {

// So many bytes, of which each part tells its place.
std::string numbered(size_t size);

// QEMU's end of a device or a user's, not blocking, with what has been read from it.
class TestEnd {
  public:
    TestEnd() = default;
    explicit TestEnd(UniqueFd fd);

    // Returns how much was taken.
    size_t write(std::string_view bytes);
    // Reads what is there, or `most` of it.
    void read(size_t most = SIZE_MAX);
    // Whether the other end is closed.
    bool at_end();
    void close() { fd_.reset(); }
    int fd() const { return fd_.get(); }

    std::string got;

  private:
    UniqueFd fd_;
};

class DevicesTest : public LoopTest {
  protected:
    // The devices of a plan for these options, with QEMU's ends in qemu_.
    void start(const std::vector<std::string>& chardevs);
    // The same with one option, whose id is "c".
    void start_one(const std::string& chardev) { start({chardev}); }
    TestEnd& qemu() { return qemu_["c"]; }
    std::string name(const std::string& id = "c") { return devices_->outer_name(id).value(); }

    // Opens the slave of the pseudo terminal.
    TestEnd open_pty();
    TestEnd connect_user(const std::string& path) { return TestEnd(connect_to(path)); }

    // Keeps the loop from waiting, which our own ends do not wake.
    void poll_again() {
        loop_.post([] {});
    }
    // Runs the loop for 250 ms, with all that a timer does.
    void wait();
    // Runs it so with nothing to do: for that it must not take the processor.
    void expect_rest();
    // Until `end` has read this beside what it had.
    void expect_arrival(TestEnd& end, std::string_view bytes);
    // Writes it all, whatever time that takes.
    void write_all_of(TestEnd& end, std::string_view bytes);
    // Bytes get there and back.
    void expect_connected(TestEnd& qemu, TestEnd& user);

    const TestFolder folder_;
    const std::string path_ = folder_.path("c.sock");
    std::map<std::string, TestEnd> qemu_;
    std::unique_ptr<CharacterDevices> devices_;
};

}  // namespace cpr::controller

#endif

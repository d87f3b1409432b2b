// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_CONTROLLER_SUPPORT_H
#define CPR_TESTS_CONTROLLER_SUPPORT_H

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/vmm_process.h"
#include "qmp/connection.h"

namespace cpr::controller {

std::pair<UniqueFd, UniqueFd> socket_pair();

// A listening unix socket.
UniqueFd listen_at(const std::string& path);
UniqueFd connect_to(const std::string& path);

// A folder of its own for a test, removed at the end.
class TestFolder {
  public:
    TestFolder();
    ~TestFolder();
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;

    std::string path(const std::string& name) const { return path_ + "/" + name; }
    // A copy of info_program under this name; returns its path.
    std::string program(const std::string& name) const;
    std::string file(const std::string& name, const std::string& content) const;

  private:
    std::string path_;
};

std::string read_file(const std::string& path);

// Stands for the VMM's process where it is killed or its limits are looked at.
std::shared_ptr<const VmmProcess> start_bystander();

class LoopTest : public testing::Test {
  protected:
    // Runs the loop until the condition holds; fails after 20 seconds.
    void run_until(const std::function<bool()>& condition);
    // Handles what is pending, for things that should not happen.
    void settle();

    EventLoop loop_;
};

// The VMM's end of the private monitor, driven by the same loop: it answers from a table, and keeps
// what it was sent.
class FakeVmm {
  public:
    using Handler = std::function<std::optional<nlohmann::json>(const nlohmann::json& command)>;

    FakeVmm(EventLoop& loop, UniqueFd socket);

    void greet(const std::string& version = "8.2.0");
    void send(const nlohmann::json& message, std::vector<int> fds = {});
    void event(const std::string& name, nlohmann::json data = nlohmann::json::object());
    // Answers by what the handler returns (a whole answer, less the id), or not at all for nothing.
    void on(const std::string& command, Handler handler);
    // Always answers {"return": value}, or an error.
    void returns(const std::string& command, nlohmann::json value);
    void fails(const std::string& command, const std::string& code, const std::string& text);
    void answer(const nlohmann::json& command, nlohmann::json reply);
    // Ends, as a process does.
    void die() { connection_.reset(); }
    int fd() const { return connection_->fd(); }

    size_t count(const std::string& command) const;
    std::vector<std::string> names() const;

    std::vector<nlohmann::json> commands;
    std::vector<UniqueFd> fds;

  private:
    void on_message(nlohmann::json message);

    std::map<std::string, Handler> handlers_;
    std::unique_ptr<qmp::Connection> connection_;
};

// libvirt's end of a monitor.
class FakeClient {
  public:
    FakeClient(EventLoop& loop, UniqueFd socket);

    void send(const nlohmann::json& message, std::vector<int> fds = {});
    void command(const std::string& name, nlohmann::json id = nullptr,
                 nlohmann::json arguments = nlohmann::json::object());
    bool closed() const { return closed_; }
    int fd() const { return connection_.fd(); }
    void set_paused(bool paused) { connection_.set_paused(paused); }
    // The answer to the command with this id; nothing if it is not here.
    std::optional<nlohmann::json> answer(const nlohmann::json& id) const;
    size_t events(const std::string& name) const;

    std::vector<nlohmann::json> messages;
    std::vector<UniqueFd> fds;

  private:
    bool closed_ = false;
    qmp::Connection connection_;
};

}  // namespace cpr::controller

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CLIENT_SESSION_H
#define CPR_CONTROLLER_CLIENT_SESSION_H

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/vmm_link.h"
#include "qmp/connection.h"

namespace cpr::controller {

// One connection of libvirt's: greets, negotiates, checks the form of commands as QEMU does, and
// gives answers in the order of the commands, whoever makes them when. On the event loop's thread.
class ClientSession : public std::enable_shared_from_this<ClientSession> {
  public:
    // Commands without an answer; beyond, the client is not read any further.
    static constexpr size_t kMaxUnanswered = 64;
    // How late an event may be that can wait.
    static constexpr std::chrono::milliseconds kLongestDelay{500};
    // What a client that does not read may leave lying, in bytes; beyond, it is disconnected.
    static constexpr size_t kMaxUnread = size_t{64} << 20;

    // Where an answer goes. It may be used later than the session: it is then dropped.
    using Answer = std::function<void(Message answer)>;

    struct Command {
        std::string name;
        // The command as the client sent it, less its id.
        Message message;
        Answer answer;
    };

    struct Handlers {
        std::function<void(Command command)> on_command;
        // The session may be destroyed in it.
        std::function<void(const std::string& reason)> on_closed;
    };

    // Sends the greeting.
    static std::shared_ptr<ClientSession> start(EventLoop& loop, UniqueFd socket,
                                                const nlohmann::json& greeting, Handlers handlers);

    // Events reach only a client that has negotiated.
    void send_event(const Message& event);
    // One that can wait: it goes with whatever is sent next, before it, or after kLongestDelay.
    void send_event_later(Message event);

    // Writes out what is queued, for at most `milliseconds`; a client that does not take it has
    // lost it.
    void flush(int milliseconds);

  private:
    struct Slot {
        std::optional<nlohmann::json> id;
        std::optional<Message> answer;
    };

    ClientSession(EventLoop& loop, UniqueFd socket, Handlers handlers);
    void on_message(nlohmann::json message, std::vector<UniqueFd> fds);
    void negotiate(const nlohmann::json& message, const std::shared_ptr<Slot>& slot);
    void answer(const std::shared_ptr<Slot>& slot, Message answer);
    void send(const Message& message);
    void send_delayed();
    void write(const Message& message);
    void fail(const std::string& reason);

    EventLoop& loop_;
    Handlers handlers_;
    qmp::Connection connection_;
    std::deque<std::shared_ptr<Slot>> slots_;
    std::vector<Message> delayed_;
    EventSource delay_;
    EventSource failure_;
    bool negotiated_ = false;
    bool failed_ = false;
};

}  // namespace cpr::controller

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_VMM_LINK_H
#define CPR_CONTROLLER_VMM_LINK_H

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "qmp/connection.h"

namespace cpr::controller {

// A command or an answer, with the descriptors that travel beside it.
struct Message {
    nlohmann::json body;
    std::vector<UniqueFd> fds;
};

// The controller's end of the private monitor. Every command gets an id of ours and its answer goes
// to its own callback. The link lives over any number of new binaries, and over the VMM's process
// if restart() gives it another. On the event loop's thread; callbacks must not destroy the link.
class VmmLink {
  public:
    // The answer has "return" or "error", and no id. It is called exactly once; when the VMM ends,
    // or a new binary has taken the old one's place, with an error whose code is vmm-gone.
    using Answer = std::function<void(Message answer)>;

    struct Handlers {
        // A binary has started and says so, other than by exec().
        std::function<void(nlohmann::json greeting)> on_greeting;
        std::function<void(Message event)> on_event;
        std::function<void(const std::string& reason)> on_closed;
        // The listener of the VMM's seccomp filter, which comes with a greeting.
        std::function<void(UniqueFd listener)> on_exec_listener = {};
    };

    VmmLink(EventLoop& loop, UniqueFd socket, Handlers handlers);
    // Closed until restart().
    VmmLink(EventLoop& loop, Handlers handlers)
        : loop_(loop), handlers_(std::move(handlers)), closed_(true) {}

    // Sends a command. One with descriptors waits until those before it have been answered: a
    // receiver cannot tell to which of the messages in its socket descriptors belong.
    void send(Message command, Answer answer);

    // Sends a command but for its last byte: the VMM acts on it when release() has sent that. QEMU
    // reads its monitor byte by byte, which then takes no time when that matters. Other commands
    // wait meanwhile. Throws Error if there are some already.
    void send_ahead(Message command, Answer answer);
    void release();

    // Sends a command that is answered by the new binary's greeting, as {"return": greeting}, or by
    // an error.
    void exec(Message command, Answer answer);

    // Goes on with another process of the VMM, whose greeting is the answer; what the old one was
    // asked has failed. Not from a callback.
    void restart(UniqueFd socket, Answer answer);

    // Goes on with the VMM at the end of another link, which is left without one; what the former
    // VMM was asked has failed. Not from a callback.
    void take_over(VmmLink& other);

    // As if the VMM had just sent it.
    void take_event(Message event) { handlers_.on_event(std::move(event)); }

    bool closed() const { return closed_; }

  private:
    struct Outgoing {
        uint64_t id;
        Message command;
    };

    uint64_t enqueue(Message command, Answer answer);
    void pump();
    void on_message(Message message);
    void on_answer(Message answer);
    void on_greeting(Message message);
    void on_closed(const std::string& reason);
    void fail_pending(const Text& reason);

    void connect(UniqueFd socket);
    qmp::Connection::Handlers connection_handlers();

    EventLoop& loop_;
    Handlers handlers_;
    std::unique_ptr<qmp::Connection> connection_;
    std::deque<Outgoing> outbox_;
    // Sent ones and those in the outbox.
    std::map<uint64_t, Answer> pending_;
    uint64_t last_id_ = 0;
    // The command that a greeting answers; 0 is none.
    uint64_t exec_id_ = 0;
    // One has been sent ahead and not been released.
    bool ahead_ = false;
    bool closed_ = false;
};

}  // namespace cpr::controller

#endif

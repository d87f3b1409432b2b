// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_QMP_CONNECTION_H
#define CPR_QMP_CONNECTION_H

#include <deque>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "qmp/framer.h"

namespace cpr::qmp {

// One end of a QMP connection over a connected unix stream socket: JSON objects both ways, with
// descriptors (SCM_RIGHTS, close-on-exec on arrival). Lives on its event loop's thread. Writing
// never blocks: what the peer does not take is queued. After the end of the connection nothing more
// arrives.
class Connection {
  public:
    struct Handlers {
        // A message, with the descriptors that came along with its bytes. Where the kernel hands
        // out several messages at once, descriptors belong to the last of them.
        std::function<void(nlohmann::json message, std::vector<UniqueFd> fds)> on_message;
        // The peer is gone, or sent what is no JSON; called once, never from inside send(). The
        // Connection may be destroyed in it.
        std::function<void(const std::string& reason)> on_closed;
        // What came is no JSON object; the connection goes on. Without this it is closed.
        std::function<void(const std::string& reason)> on_invalid = {};
    };

    Connection(EventLoop& loop, UniqueFd socket, Handlers handlers);
    ~Connection();

    // Somebody else takes what comes from now on. Not from a handler.
    void set_handlers(Handlers handlers) { handlers_ = std::move(handlers); }

    // Queues a message, sending `fds` (duplicated at once) with its first byte. Does nothing after
    // the end of the connection.
    void send(const nlohmann::json& message, std::span<const int> fds = {});

    // Sends a message but for its last byte, which release() sends: the peer has read the rest when
    // it comes. Nothing else may be sent before.
    void send_ahead(const nlohmann::json& message);
    void release();

    // Writes out what is queued, blocking, for at most `milliseconds`. Needed before an exec.
    // Throws Error if it does not get through.
    void flush(int milliseconds);

    // Stops or goes on to hand out messages; what has arrived already may still come. The end of
    // the connection is always seen.
    void set_paused(bool paused);

    // How much waits for a peer that does not read.
    size_t queued_bytes() const { return queued_bytes_; }

    // The socket, still owned by the connection.
    int fd() const { return socket_.get(); }

  private:
    struct Outgoing {
        std::string bytes;
        std::vector<UniqueFd> fds;
    };

    bool on_ready(GIOCondition condition);
    void watch_input();
    bool receive();
    void deliver(std::vector<UniqueFd> fds);
    std::optional<nlohmann::json> next_message();
    void enqueue(std::string bytes, std::vector<UniqueFd> fds = {});
    void write_queue();
    ssize_t write_some(Outgoing& out);
    void fail(const std::string& reason);
    void update_watch();

    EventLoop& loop_;
    UniqueFd socket_;
    Handlers handlers_;
    // Kept: to clear one for each message would take longer than the rest.
    std::vector<char> buffer_ = std::vector<char>(65536);
    Framer framer_;
    std::vector<UniqueFd> received_fds_;
    std::deque<Outgoing> queue_;
    size_t queued_bytes_ = 0;
    // What release() sends.
    std::string held_;
    bool paused_ = false;
    EventSource read_watch_;
    EventSource write_watch_;
    EventSource failure_;
    bool closed_ = false;
    // Set while handlers run, to see that one of them destroyed this object.
    bool* destroyed_ = nullptr;
};

}  // namespace cpr::qmp

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_MONITOR_MONITOR_H
#define CPR_VMM_MONITOR_MONITOR_H

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "qmp/command_table.h"
#include "qmp/connection.h"
#include "vmm/checkpoint/participant.h"
#include "vmm/core/machine_config.h"

namespace cpr::vmm {

// A QMP monitor on a unix socket: listening, with one client at a time that may come again, or
// connected. Its sockets are carried over an update; each binary greets anew. Main thread.
class Monitor : public CheckpointParticipant {
  public:
    struct Context {
        EventLoop& loop;
        const qmp::CommandTable& commands;
        std::string_view version;
        // A connected monitor's peer is gone: nobody can control this program any more.
        std::function<void()> on_gone;
        // A connected monitor gives this to its peer with the greeting, and keeps nothing of it.
        UniqueFd exec_listener;
    };

    // With `incoming` it takes the old binary's sockets. Throws Error.
    Monitor(const MonitorConfig& config, const ChardevConfig& chardev, Context context,
            state::IncomingFds* incoming);
    ~Monitor() override;

    // What an old binary left of the monitor on this character device. Throws Error kCorruptState.
    struct Sockets {
        UniqueFd listener;
        UniqueFd client;
    };
    static Sockets take(const ChardevConfig& chardev, state::IncomingFds& incoming);

    // Sends to a client that has negotiated.
    void send_event(const nlohmann::json& event);
    // Waits until the client has taken everything. Throws Error kTimeout.
    void flush(int milliseconds);
    void keep(state::OutgoingFds& fds) const override;

    const ChardevConfig& chardev() const { return chardev_; }
    std::string filename() const;

  private:
    void open(state::IncomingFds* incoming);
    void watch_listener();
    void greet(UniqueFd client);
    void on_message(const nlohmann::json& message, std::vector<UniqueFd> fds);
    void on_closed(const std::string& reason);

    std::string id_;
    ChardevConfig chardev_;
    Context context_;
    UniqueFd listener_;
    EventSource listener_watch_;
    std::unique_ptr<qmp::Session> session_;
    std::unique_ptr<qmp::Connection> connection_;
    bool unlink_ = false;
    bool dropping_ = false;
};

}  // namespace cpr::vmm

#endif

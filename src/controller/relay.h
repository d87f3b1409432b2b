// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_RELAY_H
#define CPR_CONTROLLER_RELAY_H

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/client_session.h"
#include "controller/monitor_watcher.h"
#include "controller/vmm_link.h"

namespace cpr::controller {

// Stands between libvirt and the VMM: takes libvirt's connections on the listening socket, one at a
// time and any number of them, passes commands, answers, events and descriptors on, and answers
// the commands that we add. During a switch from one binary to another, libvirt sees nothing of it:
// see begin_switch(). On the event loop's thread.
class Relay {
  public:
    // A command of ours: arguments in, "return" out. What it throws becomes the answer.
    using LocalCommand = std::function<nlohmann::json(const nlohmann::json& arguments)>;

    Relay(EventLoop& loop, UniqueFd listener, VmmLink& link);

    // Is shown all that goes to and from the VMM; outlives the relay. Before start().
    void set_watcher(MonitorWatcher& watcher) { watcher_ = &watcher; }
    // Before start().
    void add_command(const std::string& name, LocalCommand command);

    // Begins to accept connections, and greets each with this.
    void start(nlohmann::json greeting);

    // From the VMM.
    void on_event(Message event);
    // Of our own.
    void send_event(const std::string& name, nlohmann::json data);
    // Of our own, with the present time, and as ClientSession's.
    void send_event_later(const std::string& name, nlohmann::json data);

    // From now on commands wait, and the events that the switch itself causes stay inside. Those
    // that the guest causes pass.
    void begin_switch();
    // What query-status answers until the end of the switch; before, it waits as well.
    void set_switch_status(nlohmann::json status);
    // What waited goes to the VMM, in order.
    void end_switch();

    // Ends: what is queued is written out if libvirt takes it, then its connection is closed.
    void close();

  private:
    void listen();
    bool accept();
    void on_client_closed(const std::string& reason);
    void on_command(ClientSession::Command command);
    bool answer_here(ClientSession::Command& command);
    void pump();
    void forward(ClientSession::Command command);
    void on_answer(const ClientSession::Command& command, MonitorWatcher::Ticket ticket,
                   Message reply);
    void edit_command_list(nlohmann::json& answer) const;

    EventLoop& loop_;
    UniqueFd listener_;
    VmmLink& link_;
    MonitorWatcher* watcher_ = nullptr;
    std::map<std::string, LocalCommand> commands_;
    nlohmann::json greeting_;
    EventSource listen_watch_;
    std::shared_ptr<ClientSession> client_;
    std::deque<ClientSession::Command> waiting_;
    bool switching_ = false;
    std::optional<nlohmann::json> switch_status_;
};

// Whether an event is a consequence of the switch and no business of libvirt's.
bool is_caused_by_switch(const nlohmann::json& event);

}  // namespace cpr::controller

#endif

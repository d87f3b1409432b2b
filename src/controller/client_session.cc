// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/client_session.h"

#include <utility>

#include "base/error.h"
#include "controller/qmp_error.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

// What is wrong with the form of a command; empty if nothing is.
std::string form_problem(const json& message) {
    for (const auto& [key, value] : message.items())
        if (key != "execute" && key != "arguments" && key != "id")
            return fmt::format("QMP input member '{}' is unexpected", key);
    if (!message.contains("execute"))
        return "QMP input lacks member 'execute'";
    if (!message["execute"].is_string())
        return "QMP input member 'execute' must be a string";
    if (message.contains("arguments") && !message["arguments"].is_object())
        return "QMP input member 'arguments' must be an object";
    return {};
}

// Capabilities that the client wants. We offer none.
std::string wanted_capability(const json& message) {
    const json arguments = message.value("arguments", json::object());
    const json enable = arguments.value("enable", json::array());
    if (!enable.is_array())
        return "enable";
    return enable.empty() ? "" : enable[0].dump();
}

}  // namespace

std::shared_ptr<ClientSession> ClientSession::start(EventLoop& loop, UniqueFd socket,
                                                    const json& greeting, Handlers handlers) {
    std::shared_ptr<ClientSession> session(
        new ClientSession(loop, std::move(socket), std::move(handlers)));
    session->send({greeting, {}});
    return session;
}

ClientSession::ClientSession(EventLoop& loop, UniqueFd socket, Handlers handlers)
    : loop_(loop),
      handlers_(std::move(handlers)),
      connection_(loop, std::move(socket),
                  {[this](json message, std::vector<UniqueFd> fds) {
                       on_message(std::move(message), std::move(fds));
                   },
                   [this](const std::string& reason) { fail(reason); }}) {}

void ClientSession::on_message(json message, std::vector<UniqueFd> fds) {
    auto slot = std::make_shared<Slot>();
    if (message.contains("id")) {
        slot->id = message["id"];
        message.erase("id");
    }
    slots_.push_back(slot);
    if (slots_.size() >= kMaxUnanswered)
        connection_.set_paused(true);
    if (const std::string problem = form_problem(message); !problem.empty()) {
        answer(slot, {make_qmp_error("GenericError", problem), {}});
        return;
    }
    const auto name = message["execute"].get<std::string>();
    if (!negotiated_ || name == "qmp_capabilities") {
        negotiate(message, slot);
        return;
    }
    const std::weak_ptr<ClientSession> self = weak_from_this();
    handlers_.on_command({name, {std::move(message), std::move(fds)}, [self, slot](Message reply) {
                              if (const auto session = self.lock())
                                  session->answer(slot, std::move(reply));
                          }});
}

void ClientSession::negotiate(const json& message, const std::shared_ptr<Slot>& slot) {
    const bool asks = message["execute"] == "qmp_capabilities";
    json reply{{"return", json::object()}};
    if (!asks)
        reply = make_qmp_error("CommandNotFound",
                               "Expecting capabilities negotiation with 'qmp_capabilities'");
    else if (negotiated_)
        reply = make_qmp_error("CommandNotFound",
                               "Capabilities negotiation is already complete, command ignored");
    else if (const std::string wanted = wanted_capability(message); !wanted.empty())
        reply = make_qmp_error("GenericError", "Capability " + wanted + " not available");
    else
        negotiated_ = true;
    answer(slot, {std::move(reply), {}});
}

void ClientSession::answer(const std::shared_ptr<Slot>& slot, Message answer) {
    slot->answer = std::move(answer);
    while (!slots_.empty() && slots_.front()->answer) {
        const std::shared_ptr<Slot> next = std::move(slots_.front());
        slots_.pop_front();
        if (next->id)
            next->answer->body["id"] = std::move(*next->id);
        send(*next->answer);
    }
    if (slots_.size() < kMaxUnanswered / 2)
        connection_.set_paused(false);
}

void ClientSession::send_event(const Message& event) {
    if (negotiated_)
        send(event);
}

void ClientSession::send_event_later(Message event) {
    if (!negotiated_)
        return;
    if (delayed_.empty())
        delay_ = loop_.after(kLongestDelay, [this] { send_delayed(); });
    delayed_.push_back(std::move(event));
}

void ClientSession::send_delayed() {
    delay_.cancel();
    for (const Message& event : std::exchange(delayed_, {}))
        write(event);
}

void ClientSession::send(const Message& message) {
    send_delayed();
    write(message);
}

void ClientSession::write(const Message& message) {
    if (failed_)
        return;
    std::vector<int> fds;
    for (const UniqueFd& fd : message.fds)
        fds.push_back(fd.get());
    connection_.send(message.body, fds);
    if (connection_.queued_bytes() > kMaxUnread)
        // Later, from the loop: whoever sends may be in the middle of something.
        failure_ = loop_.after(std::chrono::milliseconds(0),
                               [this] { fail("it does not read what it is sent"); });
}

void ClientSession::flush(int milliseconds) {
    send_delayed();
    try {
        connection_.flush(milliseconds);
    } catch (const Error&) {
        // It is gone, or asleep; the caller is about to close the connection anyway.
    }
}

void ClientSession::fail(const std::string& reason) {
    if (std::exchange(failed_, true))
        return;
    const auto handler = handlers_.on_closed;
    handler(reason);
}

}  // namespace cpr::controller

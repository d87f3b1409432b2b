// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/relay.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "controller/qmp_error.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

// What a client that is closed may still take, in milliseconds.
constexpr int kFlushTime = 1000;

// The update's own commands: in other hands they would leave the guest half-way.
constexpr std::array<std::string_view, 7> kPrivateCommands{
    "cpr-rehearse", "cpr-save",   "cpr-descriptors", "cpr-exec",
    "cpr-load",     "cpr-finish", "cpr-cancel"};

// Events of the host's doing that libvirt would take for the guest's or for an operator's.
constexpr std::array<std::string_view, 5> kSwitchEvents{"STOP", "RESUME", "MIGRATION",
                                                        "MIGRATION_PASS", "JOB_STATUS_CHANGE"};

bool is_private(std::string_view name) {
    return std::ranges::find(kPrivateCommands, name) != kPrivateCommands.end();
}

// Of what query-commands returns.
bool is_private_entry(const json& entry) {
    return entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
           is_private(entry["name"].get<std::string>());
}

json timestamp() {
    timeval now{};
    gettimeofday(&now, nullptr);
    return {{"seconds", now.tv_sec}, {"microseconds", now.tv_usec}};
}

Message make_event(const std::string& name, json data) {
    return {{{"event", name}, {"data", std::move(data)}, {"timestamp", timestamp()}}, {}};
}

}  // namespace

bool is_caused_by_switch(const json& event) {
    const auto name = event.find("event");
    if (name == event.end() || !name->is_string())
        return false;
    if (*name == "SHUTDOWN") {
        const json data = event.value("data", json::object());
        return data.contains("guest") && data["guest"] == false;
    }
    return std::ranges::find(kSwitchEvents, name->get<std::string>()) != kSwitchEvents.end();
}

Relay::Relay(EventLoop& loop, UniqueFd listener, VmmLink& link)
    : loop_(loop), listener_(std::move(listener)), link_(link) {
    set_nonblocking(listener_.get(), true);
}

void Relay::add_command(const std::string& name, LocalCommand command) {
    commands_.emplace(name, std::move(command));
}

void Relay::start(json greeting) {
    greeting_ = std::move(greeting);
    // Capabilities are between each client and us, and we have none.
    if (greeting_.contains("QMP") && greeting_["QMP"].is_object())
        greeting_["QMP"]["capabilities"] = json::array();
    listen();
}

// Only while there is no client: others wait in the socket's backlog, as they do with QEMU.
void Relay::listen() {
    listen_watch_ =
        loop_.watch_fd(listener_.get(), G_IO_IN, [this](GIOCondition) { return accept(); });
}

bool Relay::accept() {
    UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) {
        // A client that has left again is no reason to stop listening.
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            return true;
        log::error("cannot accept libvirt's connection: {}", strerror(errno));
        listen_watch_ = loop_.after(std::chrono::seconds(1), [this] { listen(); });
        return false;
    }
    log::debug("libvirt has connected to the monitor");
    client_ = ClientSession::start(
        loop_, std::move(socket), greeting_,
        {[this](ClientSession::Command command) { on_command(std::move(command)); },
         [this](const std::string& reason) { on_client_closed(reason); }});
    listen_watch_.cancel();
    return false;
}

void Relay::on_client_closed(const std::string& reason) {
    // A daemon that was killed leaves with answers unread.
    if (reason == "end of file" || reason == strerror(ECONNRESET))
        log::debug("libvirt has left the monitor");
    else
        log::warning("libvirt's monitor connection is closed: {}", reason);
    client_.reset();
    // As QEMU does: what has not begun for a client that is gone does not begin.
    waiting_.clear();
    listen();
}

void Relay::on_command(ClientSession::Command command) {
    if (answer_here(command))
        return;
    waiting_.push_back(std::move(command));
    pump();
}

bool Relay::answer_here(ClientSession::Command& command) {
    const auto found = commands_.find(command.name);
    if (found == commands_.end() && !is_private(command.name))
        return false;
    try {
        if (found == commands_.end())
            throw Error(ErrorCode::kUnsupported,
                        "the command {} is kept for updates: use update-in-place", command.name);
        json result = found->second(command.message.body.value("arguments", json::object()));
        command.answer({{{"return", std::move(result)}}, {}});
    } catch (const Error& error) {
        command.answer({make_qmp_error(error), {}});
    } catch (const std::exception& error) {
        // The answers that follow wait for this one.
        command.answer({make_qmp_error(Error(ErrorCode::kInternal, text_of(error))), {}});
    }
    return true;
}

void Relay::pump() {
    while (!waiting_.empty()) {
        const bool status = waiting_.front().name == "query-status";
        if (switching_ && !(status && switch_status_))
            return;
        ClientSession::Command command = std::move(waiting_.front());
        waiting_.pop_front();
        if (switching_)
            command.answer({{{"return", *switch_status_}}, {}});
        else
            forward(std::move(command));
    }
}

void Relay::forward(ClientSession::Command command) {
    MonitorWatcher::Ticket ticket = 0;
    try {
        ticket = watcher_ ? watcher_->on_command(command.message) : 0;
    } catch (const Error& error) {
        command.answer({make_qmp_error(error), {}});
        return;
    }
    Message message = std::move(command.message);
    link_.send(std::move(message),
               [this, command = std::make_shared<ClientSession::Command>(std::move(command)),
                ticket](Message reply) { on_answer(*command, ticket, std::move(reply)); });
}

void Relay::on_answer(const ClientSession::Command& command, MonitorWatcher::Ticket ticket,
                      Message reply) {
    if (watcher_)
        watcher_->on_answer(ticket, reply);
    if (command.name == "query-commands")
        edit_command_list(reply.body);
    command.answer(std::move(reply));
}

void Relay::edit_command_list(json& answer) const {
    const auto list = answer.find("return");
    if (list == answer.end() || !list->is_array())
        return;
    json commands = json::array();
    for (const json& entry : *list)
        if (!is_private_entry(entry))
            commands.push_back(entry);
    for (const auto& [name, command] : commands_)
        commands.push_back({{"name", name}});
    *list = std::move(commands);
}

void Relay::on_event(Message event) {
    if (watcher_)
        watcher_->on_event(event);
    if (switching_ && is_caused_by_switch(event.body)) {
        log::debug("not passed on: event {}", event.body["event"].get<std::string>());
        return;
    }
    if (client_)
        client_->send_event(event);
}

void Relay::send_event(const std::string& name, json data) {
    if (client_)
        client_->send_event(make_event(name, std::move(data)));
}

void Relay::send_event_later(const std::string& name, json data) {
    if (client_)
        client_->send_event_later(make_event(name, std::move(data)));
}

void Relay::begin_switch() {
    switching_ = true;
    switch_status_.reset();
}

void Relay::set_switch_status(json status) {
    switch_status_ = std::move(status);
    pump();
}

void Relay::end_switch() {
    switching_ = false;
    switch_status_.reset();
    pump();
}

void Relay::close() {
    listen_watch_.cancel();
    listener_.reset();
    if (client_)
        client_->flush(kFlushTime);
    client_.reset();
}

}  // namespace cpr::controller

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/vmm_link.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "controller/qmp_error.h"

namespace cpr::controller {
namespace {

// Bad input may be long.
std::string excerpt(const nlohmann::json& message) {
    return message.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace).substr(0, 200);
}

}  // namespace

VmmLink::VmmLink(EventLoop& loop, UniqueFd socket, Handlers handlers)
    : loop_(loop), handlers_(std::move(handlers)) {
    connect(std::move(socket));
}

void VmmLink::connect(UniqueFd socket) {
    connection_ =
        std::make_unique<qmp::Connection>(loop_, std::move(socket), connection_handlers());
}

qmp::Connection::Handlers VmmLink::connection_handlers() {
    return {[this](nlohmann::json message, std::vector<UniqueFd> fds) {
                on_message({std::move(message), std::move(fds)});
            },
            [this](const std::string& reason) { on_closed(reason); }};
}

void VmmLink::take_over(VmmLink& other) {
    fail_pending(N_("another process has taken over"));
    connection_ = std::move(other.connection_);
    connection_->set_handlers(connection_handlers());
    closed_ = std::exchange(other.closed_, true);
    last_id_ = std::max(last_id_, other.last_id_);
    other.fail_pending(N_("the VMM has been taken over"));
}

void VmmLink::restart(UniqueFd socket, Answer answer) {
    fail_pending(N_("another process has taken over"));
    connect(std::move(socket));
    closed_ = false;
    exec_id_ = ++last_id_;
    pending_.emplace(exec_id_, std::move(answer));
}

void VmmLink::send(Message command, Answer answer) {
    enqueue(std::move(command), std::move(answer));
    pump();
}

void VmmLink::send_ahead(Message command, Answer answer) {
    if (!outbox_.empty() || ahead_)
        throw Error(ErrorCode::kInternal, "a command cannot be sent ahead of others");
    enqueue(std::move(command), std::move(answer));
    if (outbox_.empty())
        return;
    connection_->send_ahead(outbox_.back().command.body);
    outbox_.pop_back();
    ahead_ = true;
}

void VmmLink::release() {
    if (!std::exchange(ahead_, false))
        return;
    connection_->release();
    pump();
}

void VmmLink::exec(Message command, Answer answer) {
    exec_id_ = enqueue(std::move(command), std::move(answer));
    pump();
}

uint64_t VmmLink::enqueue(Message command, Answer answer) {
    const uint64_t id = ++last_id_;
    if (closed_) {
        answer({make_qmp_error(Error(ErrorCode::kVmmGone, "the VMM has ended")), {}});
        return id;
    }
    command.body["id"] = id;
    pending_.emplace(id, std::move(answer));
    outbox_.push_back({id, std::move(command)});
    return id;
}

void VmmLink::pump() {
    while (!outbox_.empty() && !ahead_) {
        Outgoing& next = outbox_.front();
        // Ids grow, so that all older than this one have been answered if it is the first.
        if (!next.command.fds.empty() && pending_.begin()->first != next.id)
            return;
        connection_->send(next.command.body, fd_numbers(next.command.fds));
        outbox_.pop_front();
    }
}

void VmmLink::on_message(Message message) {
    if (message.body.contains("QMP"))
        on_greeting(std::move(message));
    else if (message.body.contains("event"))
        handlers_.on_event(std::move(message));
    else if (message.body.contains("return") || message.body.contains("error"))
        on_answer(std::move(message));
    else
        log::warning("the VMM sent what is no QMP message: {}", excerpt(message.body));
}

void VmmLink::on_answer(Message answer) {
    const auto id = answer.body.find("id");
    const auto found = id != answer.body.end() && id->is_number_unsigned()
                           ? pending_.find(id->get<uint64_t>())
                           : pending_.end();
    if (found == pending_.end()) {
        log::warning("the VMM answered what nobody asked: {}", excerpt(answer.body));
        return;
    }
    if (found->first == exec_id_)
        exec_id_ = 0;
    answer.body.erase(id);
    const Answer callback = std::move(found->second);
    pending_.erase(found);
    callback(std::move(answer));
    pump();
}

void VmmLink::on_greeting(Message message) {
    if (!message.fds.empty() && handlers_.on_exec_listener)
        handlers_.on_exec_listener(std::move(message.fds.front()));
    nlohmann::json greeting = std::move(message.body);
    const auto found = pending_.find(std::exchange(exec_id_, 0));
    if (found == pending_.end()) {
        handlers_.on_greeting(std::move(greeting));
        return;
    }
    const Answer callback = std::move(found->second);
    pending_.erase(found);
    // The old binary took the others with it.
    fail_pending(N_("a new binary has taken over before the command was answered"));
    callback({{{"return", std::move(greeting)}}, {}});
}

void VmmLink::on_closed(const std::string& reason) {
    closed_ = true;
    fail_pending(Text("the VMM has ended ({})", Text(reason)));
    handlers_.on_closed(reason);
}

void VmmLink::fail_pending(const Text& reason) {
    outbox_.clear();
    ahead_ = false;
    for (auto& [id, callback] : std::exchange(pending_, {}))
        callback({make_qmp_error(Error(ErrorCode::kVmmGone, reason)), {}});
}

}  // namespace cpr::controller

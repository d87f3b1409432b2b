// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/vmm_calls.h"

#include <algorithm>
#include <future>
#include <memory>
#include <utility>

#include "base/error.h"
#include "controller/loop_call.h"
#include "controller/qmp_error.h"

namespace cpr::controller {
namespace {

// How often somebody who watches does so.
constexpr std::chrono::milliseconds kLook(5);

// Shared by the caller and the loop: either may be done with it first.
struct Exchange {
    Message command;
    std::promise<Message> answer;
};

Message make_command(const std::string& name, nlohmann::json arguments) {
    return {{{"execute", name}, {"arguments", std::move(arguments)}}, {}};
}

// Whether the answer has come.
bool ready_within(const std::future<Message>& answer, VmmCalls::Deadline deadline,
                  const std::function<void()>& watch) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    if (!watch)
        return answer.wait_until(end) == std::future_status::ready;
    while (answer.wait_until(std::min(end, std::chrono::steady_clock::now() + kLook)) !=
           std::future_status::ready) {
        if (std::chrono::steady_clock::now() >= end)
            return false;
        watch();
    }
    return true;
}

void send(VmmLink& link, Message command, VmmLink::Answer answer) {
    link.send(std::move(command), std::move(answer));
}

}  // namespace

nlohmann::json VmmCalls::call(const std::string& name, nlohmann::json arguments, Deadline deadline,
                              int fd) {
    Message command = make_command(name, std::move(arguments));
    if (fd >= 0)
        command.fds.push_back(dup_fd(fd));
    return run(Text::verbatim(name), std::move(command), deadline, send).body;
}

Message VmmCalls::call_for_fds(const std::string& name, nlohmann::json arguments,
                               Deadline deadline) {
    return run(Text::verbatim(name), make_command(name, std::move(arguments)), deadline, send);
}

void VmmCalls::call_watching(const std::string& name, Deadline deadline,
                             const std::function<void()>& watch) {
    run(Text::verbatim(name), make_command(name, nlohmann::json::object()), deadline, send, watch);
}

VmmCalls::Ahead VmmCalls::send_ahead(const std::string& name) {
    auto exchange = std::make_shared<Exchange>();
    exchange->command = make_command(name, nlohmann::json::object());
    auto future = exchange->answer.get_future();
    call_on_loop(loop_, [&] {
        link_.send_ahead(std::move(exchange->command), [exchange](Message answer) {
            exchange->answer.set_value(std::move(answer));
        });
    });
    return future;
}

nlohmann::json VmmCalls::answer_of(const std::string& name, Ahead& ahead, Deadline deadline) {
    return wait_for(Text::verbatim(name), ahead, deadline).body;
}

nlohmann::json VmmCalls::exec(const std::string& name, nlohmann::json arguments,
                              Deadline deadline) {
    return run(Text::verbatim(name), make_command(name, std::move(arguments)), deadline,
               [](VmmLink& link, Message command, VmmLink::Answer answer) {
                   link.exec(std::move(command), std::move(answer));
               })
        .body;
}

nlohmann::json VmmCalls::restart(UniqueFd socket, Deadline deadline) {
    Message start;
    start.fds.push_back(std::move(socket));
    return run(N_("its start"), std::move(start), deadline,
               [](VmmLink& link, Message command, VmmLink::Answer answer) {
                   link.restart(std::move(command.fds.at(0)), std::move(answer));
               })
        .body;
}

Message VmmCalls::run(const Text& what, Message command, Deadline deadline, Begin begin,
                      const std::function<void()>& watch) {
    auto exchange = std::make_shared<Exchange>();
    exchange->command = std::move(command);
    auto future = exchange->answer.get_future();
    loop_.post([this, exchange, begin = std::move(begin)] {
        begin(link_, std::move(exchange->command),
              [exchange](Message answer) { exchange->answer.set_value(std::move(answer)); });
    });
    return wait_for(what, future, deadline, watch);
}

Message VmmCalls::wait_for(const Text& what, std::future<Message>& future, Deadline deadline,
                           const std::function<void()>& watch) {
    if (!ready_within(future, deadline, watch))
        throw Error(ErrorCode::kTimeout, "the VMM did not answer {} within {} ms", what,
                    deadline.count());
    Message answer = future.get();
    if (const auto error = answer.body.find("error"); error != answer.body.end())
        throw error_from_qmp(*error).within(what);
    return {answer.body.at("return"), std::move(answer.fds)};
}

}  // namespace cpr::controller

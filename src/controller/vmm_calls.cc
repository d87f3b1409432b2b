// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/vmm_calls.h"

#include <future>
#include <memory>
#include <utility>

#include "base/error.h"
#include "controller/qmp_error.h"

namespace cpr::controller {
namespace {

// Shared by the caller and the loop: either may be done with it first.
struct Exchange {
    Message command;
    std::promise<Message> answer;
};

Message make_command(const std::string& name, nlohmann::json arguments) {
    return {{{"execute", name}, {"arguments", std::move(arguments)}}, {}};
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
    return run(name, std::move(command), deadline, send).body;
}

Message VmmCalls::call_for_fds(const std::string& name, nlohmann::json arguments,
                               Deadline deadline) {
    return run(name, make_command(name, std::move(arguments)), deadline, send);
}

nlohmann::json VmmCalls::exec(const std::string& name, nlohmann::json arguments,
                              Deadline deadline) {
    return run(name, make_command(name, std::move(arguments)), deadline,
               [](VmmLink& link, Message command, VmmLink::Answer answer) {
                   link.exec(std::move(command), std::move(answer));
               })
        .body;
}

nlohmann::json VmmCalls::restart(UniqueFd socket, Deadline deadline) {
    Message start;
    start.fds.push_back(std::move(socket));
    return run("its start", std::move(start), deadline,
               [](VmmLink& link, Message command, VmmLink::Answer answer) {
                   link.restart(std::move(command.fds.at(0)), std::move(answer));
               })
        .body;
}

Message VmmCalls::run(const std::string& what, Message command, Deadline deadline, Begin begin) {
    auto exchange = std::make_shared<Exchange>();
    exchange->command = std::move(command);
    auto future = exchange->answer.get_future();
    loop_.post([this, exchange, begin = std::move(begin)] {
        begin(link_, std::move(exchange->command),
              [exchange](Message answer) { exchange->answer.set_value(std::move(answer)); });
    });
    if (future.wait_for(deadline) != std::future_status::ready)
        throw Error(ErrorCode::kTimeout, "the VMM did not answer {} within {} ms", what,
                    deadline.count());
    Message answer = future.get();
    if (const auto error = answer.body.find("error"); error != answer.body.end())
        throw error_from_qmp(*error).within(what);
    return {answer.body.at("return"), std::move(answer.fds)};
}

}  // namespace cpr::controller

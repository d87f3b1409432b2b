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
    std::promise<nlohmann::json> answer;
};

}  // namespace

nlohmann::json VmmCalls::call(const std::string& name, nlohmann::json arguments, Deadline deadline,
                              int fd) {
    Message command;
    command.body = {{"execute", name}, {"arguments", std::move(arguments)}};
    if (fd >= 0) {
        UniqueFd borrowed(fd);
        command.fds.push_back(borrowed.dup());
        borrowed.release();
    }
    return run(name, std::move(command), deadline, false);
}

nlohmann::json VmmCalls::exec(const std::string& name, nlohmann::json arguments,
                              Deadline deadline) {
    Message command;
    command.body = {{"execute", name}, {"arguments", std::move(arguments)}};
    return run(name, std::move(command), deadline, true);
}

nlohmann::json VmmCalls::run(const std::string& name, Message command, Deadline deadline,
                             bool is_exec) {
    auto exchange = std::make_shared<Exchange>();
    exchange->command = std::move(command);
    auto future = exchange->answer.get_future();
    loop_.post([this, exchange, is_exec] {
        auto on_answer = [exchange](Message answer) {
            exchange->answer.set_value(std::move(answer.body));
        };
        if (is_exec)
            link_.exec(std::move(exchange->command), on_answer);
        else
            link_.send(std::move(exchange->command), on_answer);
    });
    if (future.wait_for(deadline) != std::future_status::ready)
        throw Error(ErrorCode::kTimeout, "the VMM did not answer {} within {} ms", name,
                    deadline.count());
    nlohmann::json answer = future.get();
    if (const auto error = answer.find("error"); error != answer.end())
        throw error_from_qmp(*error).within(name);
    return answer.at("return");
}

}  // namespace cpr::controller

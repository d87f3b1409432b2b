// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_VMM_CALLS_H
#define CPR_CONTROLLER_VMM_CALLS_H

#include <chrono>
#include <functional>
#include <future>
#include <nlohmann/json.hpp>
#include <string>

#include "base/event_loop.h"
#include "base/text.h"
#include "controller/vmm_link.h"

namespace cpr::controller {

// The VMM's commands as blocking calls, for the update job's own thread. All throw Error: the VMM's
// own error, kTimeout, or kVmmGone. The loop must run, and both must outlive the calls.
class VmmCalls {
  public:
    using Deadline = std::chrono::milliseconds;

    VmmCalls(EventLoop& loop, VmmLink& link) : loop_(loop), link_(link) {}

    // Returns what the command returns. `fd`, if there is one, travels with it and stays ours.
    nlohmann::json call(const std::string& name, nlohmann::json arguments, Deadline deadline,
                        int fd = -1);

    // The same, with the descriptors that came along.
    Message call_for_fds(const std::string& name, nlohmann::json arguments, Deadline deadline);

    // A command without arguments; `watch` is called now and then until its answer has come.
    void call_watching(const std::string& name, Deadline deadline,
                       const std::function<void()>& watch);

    // A command without arguments, of which VmmLink::send_ahead() sends all but the last byte. Its
    // answer comes after release(), which is for the loop's thread.
    using Ahead = std::future<Message>;
    Ahead send_ahead(const std::string& name);
    void release() { link_.release(); }
    // Waits for the answer, once.
    nlohmann::json answer_of(const std::string& name, Ahead& ahead, Deadline deadline);

    // A command that a new binary's greeting answers; returns the greeting.
    nlohmann::json exec(const std::string& name, nlohmann::json arguments, Deadline deadline);

    // Goes on with another process, and returns its greeting.
    nlohmann::json restart(UniqueFd socket, Deadline deadline);

  private:
    using Begin = std::function<void(VmmLink& link, Message command, VmmLink::Answer answer)>;
    Message run(const Text& what, Message command, Deadline deadline, Begin begin,
                const std::function<void()>& watch = {});
    static Message wait_for(const Text& what, std::future<Message>& answer, Deadline deadline,
                            const std::function<void()>& watch = {});

    EventLoop& loop_;
    VmmLink& link_;
};

}  // namespace cpr::controller

#endif

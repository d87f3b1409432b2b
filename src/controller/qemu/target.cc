// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/target.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "controller/loop_call.h"
#include "controller/relay.h"

namespace cpr::controller::qemu {
namespace {

using namespace std::chrono_literals;

// How often is looked whether it listens.
constexpr auto kLook = 2ms;
constexpr auto kLastKill = 5s;
constexpr unsigned kListening = 1 << 16;  // __SO_ACCEPTCON of the kernel's linux/net.h

// That the path is there says only that the socket is bound, and a try would be taken for the other
// QEMU. proc(5): number, users, protocol, flags, type, state, inode, path.
bool is_listening(const std::string& path) {
    if (access(path.c_str(), F_OK) < 0)
        return false;
    std::ifstream sockets("/proc/net/unix");
    for (std::string line; std::getline(sockets, line);) {
        unsigned flags = 0;
        if (line.ends_with(' ' + path) && sscanf(line.c_str(), "%*s %*s %*s %x", &flags) == 1 &&
            (flags & kListening) != 0)
            return true;
    }
    return false;
}

}  // namespace

Target::Target(EventLoop& loop, Guest& guest, const Binary& binary, ResourceLimits limits,
               std::string channel)
    : loop_(loop), channel_(std::move(channel)) {
    unlink(channel_.c_str());
    // By the loop's thread: a child ends with the thread that made it.
    call_on_loop(loop_, [&] { start(guest, binary, std::move(limits)); });
    calls_ = std::make_unique<VmmCalls>(loop_, *link_);
}

void Target::start(Guest& guest, const Binary& binary, ResourceLimits limits) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        throw errno_error("make a socket pair");
    monitor_.reset(ends[0]);
    const UniqueFd theirs(ends[1]);
    Guest::Start start = guest.next_start(binary.path, theirs.get(), channel_);
    ProcessSpec spec;
    spec.binary = binary.fd.get();
    spec.arguments = std::move(start.arguments);
    spec.inherited = std::move(start.descriptors);
    spec.limits = std::move(limits);
    spec.ends_with_parent = true;
    if (!start.taps.empty()) {
        taps_ = std::make_unique<TapGuard>(loop_);
        spec.filter = TapGuard::filter();
    }
    VmmProcess process = start_process(spec);
    if (taps_)
        taps_->watch(std::move(process.listener), process.pidfd.get());
    process_ = std::make_shared<const VmmProcess>(std::move(process));
    link_ = std::make_unique<VmmLink>(
        loop_,
        VmmLink::Handlers{[](const nlohmann::json&) { log::warning("the new QEMU greets twice"); },
                          [this](Message event) { on_event(std::move(event)); },
                          [watch = watch_](const std::string&) { watch->on_closed(); }});
}

Target::~Target() {
    try {
        if (!handed_over_)
            end(kLastKill);
    } catch (const Error& error) {
        log::error("{}", error.message());
    }
    unlink(channel_.c_str());
    call_on_loop(loop_, [this] {
        link_.reset();
        taps_.reset();
    });
}

void Target::wait_until_listening(std::chrono::milliseconds deadline) const {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (!is_listening(channel_)) {
        if (has_ended(*process_))
            throw Error(ErrorCode::kVmmGone,
                        "the new QEMU has ended at its start: the domain's log has the reason");
        if (std::chrono::steady_clock::now() >= end)
            throw Error(ErrorCode::kTimeout, "the new QEMU does not listen at '{}' after {} ms",
                        channel_, deadline.count());
        std::this_thread::sleep_for(kLook);
    }
}

void Target::greet(std::chrono::milliseconds deadline) {
    calls_->restart(std::move(monitor_), deadline);
    calls_->call("qmp_capabilities", nlohmann::json::object(), deadline);
}

void Target::open_taps() {
    call_on_loop(loop_, [this] {
        if (taps_)
            taps_->let_through();
    });
}

void Target::on_event(Message event) {
    watch_->on_event(event.body);
    if (!is_caused_by_switch(event.body))
        events_.push_back(std::move(event));
}

void Target::hand_to(VmmLink& link) {
    call_on_loop(loop_, [&] {
        link.take_over(*link_);
        for (Message& event : events_)
            link.take_event(std::move(event));
    });
    handed_over_ = true;
}

// RESUME is sent before the first vCPU enters, and what was sent is read before the end is seen.
bool Target::end(std::chrono::milliseconds deadline) {
    kill_process(*process_, deadline);
    if (monitor_)
        return false;
    watch_->wait(
        N_("its end"), [](const RunWatch::Seen& now) { return now.closed; }, deadline);
    return watch_->seen().resumed_ns != 0;
}

}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/exec_handover.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "controller/command_line.h"
#include "controller/fd_message.h"
#include "controller/qemu/exec_messages.h"
#include "controller/qemu/run_watch.h"

namespace cpr::controller::qemu {
namespace {

constexpr size_t kPart = 200;

bool is_from(int socket, const VmmProcess& process) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.pid == process.pid;
}

}  // namespace

ExecHandover::ExecHandover(std::string path) : path_(std::move(path)) {
    unlink(path_.c_str());
    listener_.reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof(address.sun_path))
        throw Error(ErrorCode::kInvalidArgument, "the path '{}' is too long for a socket", path_);
    memcpy(address.sun_path, path_.c_str(), path_.size());
    if (!listener_ ||
        bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0 ||
        listen(listener_.get(), 1) < 0)
        throw errno_error("listen at '{}'", path_);
}

ExecHandover::~ExecHandover() {
    unlink(path_.c_str());
}

void ExecHandover::accept(const VmmProcess& process, std::chrono::milliseconds deadline,
                          const std::function<void()>& look) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (!program_) {
        pollfd wait{listener_.get(), POLLIN, 0};
        if (poll(&wait, 1, static_cast<int>(RunWatch::kLook.count())) <= 0) {
            look();
            if (std::chrono::steady_clock::now() >= end)
                throw Error(ErrorCode::kTimeout,
                            "QEMU has not executed the program of the update within {} ms",
                            deadline.count());
            continue;
        }
        UniqueFd caller(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (caller && is_from(caller.get(), process))
            program_ = std::move(caller);
        else
            log::warning("somebody else has called at '{}'", path_);
    }
}

KeptGuest ExecHandover::receive(std::chrono::milliseconds deadline) {
    KeptGuest kept;
    while (kept.table < 0) {
        FdMessage received = receive_message(program_.get(), deadline);
        const ExecMessage message = parse_exec_message(received.text, received.fds.size());
        if (!message.error.empty() || message.run)
            throw Error(ErrorCode::kExecFailed, "the program of the update: {}", message.error);
        for (size_t i = 0; i < message.numbers.size(); ++i)
            kept.fds.insert_or_assign(message.numbers[i], std::move(received.fds[i]));
        kept.table = message.table;
    }
    if (!kept.fds.contains(kept.table))
        throw Error(ErrorCode::kExecFailed, "QEMU has left no table of its descriptors");
    return kept;
}

void ExecHandover::run(const NextProgram& next) {
    for (size_t begin = 0; begin < next.placed.size(); begin += kPart) {
        ExecMessage part;
        std::vector<int> fds;
        for (size_t i = begin; i < std::min(begin + kPart, next.placed.size()); ++i) {
            fds.push_back(next.placed[i].first);
            part.numbers.push_back(next.placed[i].second);
        }
        send_message(program_.get(), to_text(part), fds);
    }
    const std::string text = join_arguments(next.arguments);
    const UniqueFd arguments = make_sealed_memfd(
        "qemu-arguments", {reinterpret_cast<const uint8_t*>(text.data()), text.size()},
        N_("the command line of the next QEMU"));
    ExecMessage last;
    last.run = true;
    last.keep = next.keep;
    send_message(program_.get(), to_text(last), std::array{next.binary.fd.get(), arguments.get()});
}

std::string ExecHandover::complaint() {
    try {
        const FdMessage received = receive_message(program_.get(), std::chrono::milliseconds(0));
        return parse_exec_message(received.text, received.fds.size()).error;
    } catch (const Error&) {
        return {};
    }
}

}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "qmp/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/monotonic.h"

namespace cpr::qmp {
namespace {

// The kernel's SCM_MAX_FD.
constexpr size_t kMaxFds = 253;

void take_fds(msghdr& header, std::vector<UniqueFd>& fds) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; ++i) {
            int fd = -1;
            memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
            fds.emplace_back(fd);
        }
    }
}

// Whatever a guest put into a string must not be able to break the stream.
std::string bytes_of(const nlohmann::json& message) {
    return message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\r\n";
}

}  // namespace

Connection::Connection(EventLoop& loop, UniqueFd socket, Handlers handlers)
    : loop_(loop), socket_(std::move(socket)), handlers_(std::move(handlers)) {
    set_nonblocking(socket_.get(), true);
    watch_input();
}

void Connection::watch_input() {
    // Without G_IO_IN the end of the connection is still reported.
    const auto conditions = paused_ ? GIOCondition{} : G_IO_IN;
    read_watch_ = loop_.watch_fd(socket_.get(), conditions,
                                 [this](GIOCondition condition) { return on_ready(condition); });
}

void Connection::set_paused(bool paused) {
    if (paused == paused_ || closed_)
        return;
    paused_ = paused;
    watch_input();
}

Connection::~Connection() {
    if (destroyed_)
        *destroyed_ = true;
}

bool Connection::on_ready(GIOCondition) {
    bool destroyed = false;
    destroyed_ = &destroyed;
    const bool go_on = receive();
    if (destroyed)
        return false;
    destroyed_ = nullptr;
    return go_on && !closed_;
}

bool Connection::receive() {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxFds * sizeof(int))> control{};
    iovec part{buffer_.data(), buffer_.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t got = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0) {
        fail(got == 0 ? N_("end of file") : strerror(errno));
        return false;
    }
    std::vector<UniqueFd> fds;
    take_fds(header, fds);
    framer_.append({buffer_.data(), static_cast<size_t>(got)});
    deliver(std::move(fds));
    return true;
}

std::optional<nlohmann::json> Connection::next_message() {
    while (true) {
        try {
            const auto text = framer_.next();
            return text ? std::optional(nlohmann::json::parse(*text)) : std::nullopt;
        } catch (const nlohmann::json::exception& error) {
            if (!handlers_.on_invalid)
                throw;
            handlers_.on_invalid(error.what());
        } catch (const Error& error) {
            if (!handlers_.on_invalid)
                throw;
            framer_.skip_line();
            handlers_.on_invalid(error.message());
        }
    }
}

// The kernel ends a read after the piece that carries descriptors, so that new ones belong to the
// last message of what was read, or to one that is not complete yet.
void Connection::deliver(std::vector<UniqueFd> fds) {
    bool* destroyed = destroyed_;
    try {
        while (auto message = next_message()) {
            auto with_it = std::exchange(received_fds_, {});
            if (framer_.idle())
                std::ranges::move(std::exchange(fds, {}), std::back_inserter(with_it));
            // A copy, since the handler may destroy this object, and with it itself.
            const auto handler = handlers_.on_message;
            handler(std::move(*message), std::move(with_it));
            if (*destroyed || closed_)
                return;
        }
        std::ranges::move(fds, std::back_inserter(received_fds_));
        if (received_fds_.size() > kMaxFds)
            fail(N_("the peer sent too many descriptors"));
    } catch (const nlohmann::json::exception& error) {
        fail(fmt::format("the peer sent invalid JSON: {}", error.what()));
    } catch (const Error& error) {
        fail(error.message());
    }
}

void Connection::send(const nlohmann::json& message, std::span<const int> fds) {
    if (closed_)
        return;
    std::vector<UniqueFd> copies;
    for (const int fd : fds)
        copies.push_back(dup_fd(fd));
    enqueue(bytes_of(message), std::move(copies));
}

void Connection::send_ahead(const nlohmann::json& message) {
    if (closed_)
        return;
    std::string bytes = bytes_of(message);
    held_ = bytes.substr(bytes.rfind('}'));
    bytes.resize(bytes.size() - held_.size());
    enqueue(std::move(bytes));
}

void Connection::release() {
    if (!closed_ && !held_.empty())
        enqueue(std::exchange(held_, {}));
}

void Connection::enqueue(std::string bytes, std::vector<UniqueFd> fds) {
    queued_bytes_ += bytes.size();
    queue_.push_back({std::move(bytes), std::move(fds)});
    write_queue();
}

ssize_t Connection::write_some(Outgoing& out) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxFds * sizeof(int))> control{};
    iovec part{out.bytes.data(), out.bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (!out.fds.empty()) {
        const size_t size = out.fds.size() * sizeof(int);
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(size);
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(size);
        for (size_t i = 0; i < out.fds.size(); ++i) {
            const int fd = out.fds[i].get();
            memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof(int));
        }
    }
    return sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Connection::write_queue() {
    while (!queue_.empty()) {
        Outgoing& out = queue_.front();
        const ssize_t put = write_some(out);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno == EAGAIN)
            break;
        if (put < 0) {
            fail(strerror(errno));
            return;
        }
        out.fds.clear();
        out.bytes.erase(0, static_cast<size_t>(put));
        queued_bytes_ -= static_cast<size_t>(put);
        if (out.bytes.empty())
            queue_.pop_front();
    }
    update_watch();
}

void Connection::update_watch() {
    if (queue_.empty()) {
        write_watch_.cancel();
    } else if (!write_watch_) {
        write_watch_ = loop_.watch_fd(socket_.get(), G_IO_OUT, [this](GIOCondition) {
            write_queue();
            return true;
        });
    }
}

void Connection::flush(int milliseconds) {
    const int64_t deadline = monotonic_ns() + int64_t{milliseconds} * 1'000'000;
    while (!queue_.empty() && !closed_) {
        const int64_t left = (deadline - monotonic_ns()) / 1'000'000;
        pollfd wait{socket_.get(), POLLOUT, 0};
        if (left < 0 || poll(&wait, 1, static_cast<int>(left)) == 0)
            throw Error(ErrorCode::kTimeout, "the monitor's peer took no data for {} ms",
                        milliseconds);
        write_queue();
    }
    if (closed_)
        throw Error(ErrorCode::kSystem, "the monitor connection is closed");
}

void Connection::fail(const std::string& reason) {
    if (closed_)
        return;
    closed_ = true;
    queue_.clear();
    queued_bytes_ = 0;
    write_watch_.cancel();
    read_watch_.cancel();
    // Later, from the loop: the caller may be in the middle of something that uses this object.
    failure_ = loop_.after(std::chrono::milliseconds(0),
                           [handler = handlers_.on_closed, reason] { handler(reason); });
}

}  // namespace cpr::qmp

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/message_interrupts.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"

namespace cpr::vmm {

MessageInterrupts::MessageInterrupts(Setup setup, ArmedVectors& state, state::IncomingFds* fds)
    : setup_(std::move(setup)),
      state_(state),
      resizable_(setup_.api.irq_info(setup_.device, setup_.index).resizable),
      detached_(fds != nullptr),
      vectors_(setup_.vectors) {
    if (!fds) {
        state_ = {.events = std::vector<uint8_t>(vectors()), .armed = 0};
        return;
    }
    if (state_.events.size() != vectors() || state_.armed > vectors())
        throw Error(ErrorCode::kCorruptState, "device '{}': the state is not of {} vectors",
                    setup_.name, vectors());
    std::vector<UniqueFd> events = take(state_, setup_.fd_name, *fds);
    for (uint32_t i = 0; i < vectors(); ++i)
        vectors_[i].event = std::move(events[i]);
}

std::vector<UniqueFd> MessageInterrupts::take(const ArmedVectors& state, const std::string& fd_name,
                                              state::IncomingFds& fds) {
    std::vector<UniqueFd> events(state.events.size());
    for (uint32_t i = 0; i < events.size(); ++i)
        if (state.events[i])
            events[i] = fds.take(fd_name, i);
    return events;
}

void MessageInterrupts::complain(const std::string& what, const std::string& reason) {
    if (complaints_.insert(what).second)
        log::warning("device '{}': {}: {}", setup_.name, what, reason);
}

bool MessageInterrupts::is_pending(uint32_t vector) const {
    const Vector& one = vectors_[vector];
    pollfd poll_fd{.fd = one.event.get(), .events = POLLIN, .revents = 0};
    return is_armed(vector) && !one.attached && poll(&poll_fd, 1, 0) == 1;
}

void MessageInterrupts::disarm() {
    for (uint32_t i = 0; i < vectors(); ++i) {
        disconnect(i);
        vectors_[i] = Vector{};
    }
    if (state_.armed) {
        try {
            setup_.api.disable_irqs(setup_.device, setup_.index);
        } catch (const Error& error) {
            complain("its interrupts stay on", error.message());
        }
    }
    state_.armed = 0;
    std::ranges::fill(state_.events, uint8_t{0});
}

// Tells the kernel of the eventfds of some vectors; returns how many the host has if it refuses.
uint32_t MessageInterrupts::set(uint32_t start, uint32_t count) {
    std::vector<int> fds;
    for (uint32_t i = start; i < start + count; ++i)
        fds.push_back(vectors_[i].event.get());
    const uint32_t limit = setup_.api.set_irqs(setup_.device, setup_.index, start, fds);
    if (limit)
        return limit;
    state_.armed = std::max(state_.armed, start + count);
    for (uint32_t i = start; i < start + count; ++i)
        state_.events[i] = vectors_[i].event ? 1 : 0;
    return 0;
}

void MessageInterrupts::arm(uint32_t vector) {
    Vector& one = vectors_[vector];
    if (!one.event) {
        one.event.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!one.event)
            throw errno_error("make an eventfd");
    }
    uint32_t limit = 0;
    if (state_.armed && (vector < state_.armed || resizable_)) {
        limit = set(vector, 1);
    } else {
        // A kernel that cannot add vectors has to be told of all of them anew.
        if (state_.armed)
            setup_.api.disable_irqs(setup_.device, setup_.index);
        state_.armed = 0;
        limit = set(0, vector + 1);
    }
    if (limit)
        throw Error(ErrorCode::kSystem, "the host has only {} vectors for it", limit);
}

void MessageInterrupts::arm_first(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
        vectors_[i].event.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!vectors_[i].event)
            throw errno_error("make an eventfd");
    }
    const uint32_t limit = set(0, count);
    if (!limit)
        return;
    complain("not all of its interrupts work",
             fmt::format("the host has {} of {} vectors", limit, count));
    if (limit > count || set(0, limit))
        throw Error(ErrorCode::kSystem, "the host has no {} vectors for it", limit);
}

void MessageInterrupts::connect(uint32_t vector, const Message& message) {
    Vector& one = vectors_[vector];
    if (!one.route)
        one.route = setup_.interrupts.make_msi_route();
    one.route->set(message.address, message.data);
    if (!one.attached)
        one.route->attach(one.event.get());
    one.attached = true;
}

void MessageInterrupts::disconnect(uint32_t vector) {
    Vector& one = vectors_[vector];
    if (one.attached)
        one.route->detach();
    one.attached = false;
}

void MessageInterrupts::apply(uint32_t vector) {
    const auto wanted = message(vector);
    if (!wanted || detached_) {
        disconnect(vector);
        return;
    }
    try {
        if (!is_armed(vector))
            arm(vector);
        connect(vector, *wanted);
    } catch (const Error& error) {
        complain(fmt::format("vector {} does not work", vector), error.message());
    }
}

void MessageInterrupts::apply_all() {
    for (uint32_t i = 0; i < vectors(); ++i)
        apply(i);
}

void MessageInterrupts::keep(state::OutgoingFds& fds) const {
    for (uint32_t i = 0; i < vectors(); ++i)
        if (is_armed(i))
            fds.add(setup_.fd_name, i, vectors_[i].event.get());
}

void MessageInterrupts::detach() {
    detached_ = true;
    apply_all();
}

void MessageInterrupts::attach() {
    detached_ = false;
    std::optional<Error> first;
    for (uint32_t i = 0; i < vectors(); ++i) {
        try {
            if (const auto wanted = message(i); wanted && is_armed(i))
                connect(i, *wanted);
        } catch (const Error& error) {
            // In a rollback the guest runs on with every vector that can be saved.
            complain(fmt::format("vector {} cannot be attached", i), error.message());
            if (!first)
                first = error;
        }
    }
    if (first)
        throw *first;
}

}  // namespace cpr::vmm

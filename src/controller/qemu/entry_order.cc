// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/entry_order.h"

#include <utility>

#include "base/error.h"
#include "base/monotonic.h"
#include "controller/loop_call.h"

namespace cpr::controller::qemu {
namespace {

constexpr const char* kCommand = "cont";

bool is_done(const RunWatch& watch) {
    return watch.seen().migration == "completed";
}

}  // namespace

EntryOrder::EntryOrder(EventLoop& loop, Between between, std::function<bool()> wanted)
    : loop_(loop), between_(between), wanted_(std::move(wanted)) {
    call_on_loop(loop_, [this] { place(); });
}

EntryOrder::~EntryOrder() {
    call_on_loop(loop_, [this] {
        between_.old_one.then({});
        between_.new_one.then({});
    });
}

void EntryOrder::place() {
    answer_ = between_.calls.send_ahead(kCommand);
    between_.old_one.then([this] { look(); });
    between_.new_one.then([this] { look(); });
    look();
}

void EntryOrder::look() {
    if (state_ != State::kHeld || !is_done(between_.old_one) || !is_done(between_.new_one) ||
        !wanted_())
        return;
    state_ = State::kGiven;
    given_ns_ = monotonic_ns();
    between_.calls.release();
}

bool EntryOrder::withdraw() {
    return call_on_loop(loop_, [this] {
        if (state_ == State::kHeld)
            state_ = State::kWithdrawn;
        return state_ == State::kWithdrawn;
    });
}

int64_t EntryOrder::wait(std::chrono::milliseconds deadline) {
    if (withdraw())
        throw Error(ErrorCode::kInternal, "the new QEMU has not been told to run the guest");
    between_.calls.answer_of(kCommand, answer_, deadline);
    return given_ns_;
}

}  // namespace cpr::controller::qemu

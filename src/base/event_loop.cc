// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/event_loop.h"

#include <glib-unix.h>

#include <exception>
#include <utility>

#include "base/log.h"

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#define CPR_THREAD_SANITIZER
#endif
#endif

namespace cpr {
namespace {

// GLib is not built with ThreadSanitizer, which therefore does not see its locks: that what one
// thread hands to the loop comes before what the loop does with it has to be told.
void hand_over([[maybe_unused]] void* callback) {
#ifdef CPR_THREAD_SANITIZER
    __tsan_release(callback);
#endif
}
void take_over([[maybe_unused]] void* callback) {
#ifdef CPR_THREAD_SANITIZER
    __tsan_acquire(callback);
#endif
}

using FdCallback = std::function<bool(GIOCondition)>;
using PlainCallback = std::function<void()>;

// GLib is C: no exception may pass through it, and whatever a callback failed at, the others go on.
template <typename Function>
void guarded(Function call) {
    try {
        call();
    } catch (const std::exception& error) {
        log::error("the event loop goes on after a failure: {}", error.what());
    }
}

gboolean dispatch_fd(gint, GIOCondition condition, gpointer data) {
    bool stays = true;
    guarded([&] { stays = (*static_cast<FdCallback*>(data))(condition); });
    return stays ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

gboolean dispatch_once(gpointer data) {
    take_over(data);
    guarded([&] { (*static_cast<PlainCallback*>(data))(); });
    return G_SOURCE_REMOVE;
}

template <typename Callback>
void destroy(gpointer data) {
    delete static_cast<Callback*>(data);
}

}  // namespace

EventSource& EventSource::operator=(EventSource&& other) noexcept {
    if (this != &other) {
        cancel();
        source_ = std::exchange(other.source_, nullptr);
    }
    return *this;
}

void EventSource::cancel() {
    if (GSource* source = std::exchange(source_, nullptr)) {
        g_source_destroy(source);
        g_source_unref(source);
    }
}

EventLoop::EventLoop() : context_(g_main_context_new()), loop_(g_main_loop_new(context_, FALSE)) {}

EventLoop::~EventLoop() {
    g_main_loop_unref(loop_);
    g_main_context_unref(context_);
}

void EventLoop::run() {
    g_main_loop_run(loop_);
}

void EventLoop::quit() {
    // Posted, so that a quit before run() is not lost.
    post([this] { g_main_loop_quit(loop_); });
}

bool EventLoop::is_current() const {
    return g_main_context_is_owner(context_) != FALSE;
}

void EventLoop::iterate(bool block) {
    g_main_context_iteration(context_, block);
}

EventSource EventLoop::watch_fd(int fd, GIOCondition conditions, FdCallback callback) {
    GSource* source =
        g_unix_fd_source_new(fd, static_cast<GIOCondition>(conditions | G_IO_HUP | G_IO_ERR));
    g_source_set_callback(source, G_SOURCE_FUNC(dispatch_fd), new FdCallback(std::move(callback)),
                          destroy<FdCallback>);
    g_source_attach(source, context_);
    return EventSource(source);
}

EventSource EventLoop::after(std::chrono::milliseconds delay, PlainCallback callback) {
    GSource* source = g_timeout_source_new(static_cast<guint>(delay.count()));
    g_source_set_callback(source, dispatch_once, new PlainCallback(std::move(callback)),
                          destroy<PlainCallback>);
    g_source_attach(source, context_);
    return EventSource(source);
}

void EventLoop::post(PlainCallback function) {
    GSource* source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    auto* callback = new PlainCallback(std::move(function));
    hand_over(callback);
    g_source_set_callback(source, dispatch_once, callback, destroy<PlainCallback>);
    g_source_attach(source, context_);
    g_source_unref(source);
}

}  // namespace cpr

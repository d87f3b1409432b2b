// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_EVENT_LOOP_H
#define CPR_BASE_EVENT_LOOP_H

#include <glib.h>

#include <chrono>
#include <functional>
#include <utility>

namespace cpr {

// A registered event source; it is removed when this object goes. Empty by default.
class EventSource {
  public:
    EventSource() = default;
    explicit EventSource(GSource* source) : source_(source) {}
    EventSource(EventSource&& other) noexcept : source_(std::exchange(other.source_, nullptr)) {}
    EventSource& operator=(EventSource&& other) noexcept;
    EventSource(const EventSource&) = delete;
    EventSource& operator=(const EventSource&) = delete;
    ~EventSource() { cancel(); }

    void cancel();
    explicit operator bool() const { return source_ != nullptr; }

  private:
    GSource* source_ = nullptr;
};

// A GLib main loop with a context of its own. Callbacks run on the thread that calls run(); post()
// and quit() may be called on any thread, everything else on the loop's thread (or before run()).
// A callback must not throw: exceptions that reach the loop end the program.
class EventLoop {
  public:
    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    void run();
    void quit();
    // Whether it runs, on this very thread. Any thread.
    bool is_current() const;
    // Handles what is pending, waiting for something if `block`. For tests.
    void iterate(bool block);

    // Calls back whenever the descriptor has one of `conditions` (HUP and ERR always count). The
    // callback returns false to remove itself.
    EventSource watch_fd(int fd, GIOCondition conditions,
                         std::function<bool(GIOCondition)> callback);
    // Calls back once after `delay`.
    EventSource after(std::chrono::milliseconds delay, std::function<void()> callback);
    // Runs a function on the loop's thread. Any thread.
    void post(std::function<void()> function);

  private:
    GMainContext* context_;
    GMainLoop* loop_;
};

}  // namespace cpr

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_EVENT_THREAD_H
#define CPR_TOOLS_EVENT_THREAD_H

#include <atomic>
#include <thread>

namespace cpr::tools {

// Runs libvirt's default event loop in a thread, with all signals blocked there, while it lives.
// At most one in a process, made before the first connection is opened and gone after the last.
class EventThread {
  public:
    EventThread();
    EventThread(const EventThread&) = delete;
    EventThread& operator=(const EventThread&) = delete;
    ~EventThread();

  private:
    void run();

    std::atomic<bool> is_stopping_ = false;
    int wake_timer_ = -1;
    std::thread thread_;
};

}  // namespace cpr::tools

#endif

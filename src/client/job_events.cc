// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/job_events.h"

#include <libvirt/libvirt-qemu.h>

#include <condition_variable>
#include <deque>
#include <mutex>

namespace cpr::client {

struct JobEvents::Queue {
    std::mutex mutex;
    std::condition_variable arrived;
    std::deque<std::string> texts;
    bool is_interrupted = false;
};

namespace {

// libvirt has no question for this, and a subscription without an event loop would report an
// error through the application's error handler.
bool has_event_loop() {
    int timer = virEventAddTimeout(
        -1, [](int, void*) {}, nullptr, nullptr);
    if (timer < 0) {
        return false;
    }
    virEventRemoveTimeout(timer);
    return true;
}

}  // namespace

JobEvents::JobEvents(virDomainPtr domain)
    : connection_(virDomainGetConnect(domain)), queue_(std::make_shared<Queue>()) {
    if (!has_event_loop()) {
        return;
    }
    auto on_event = [](virConnectPtr, virDomainPtr, const char*, long long, unsigned int,
                       const char* details, void* opaque) {
        auto& queue = **static_cast<std::shared_ptr<Queue>*>(opaque);
        std::lock_guard lock(queue.mutex);
        queue.texts.emplace_back(details ? details : "");
        queue.arrived.notify_one();
    };
    auto on_free = [](void* opaque) { delete static_cast<std::shared_ptr<Queue>*>(opaque); };
    // The event loop may still be in the callback when this object is gone: it has its own share.
    auto share = std::make_unique<std::shared_ptr<Queue>>(queue_);
    callback_id_ = virConnectDomainQemuMonitorEventRegister(connection_, domain, "UPDATE_IN_PLACE",
                                                            on_event, share.get(), on_free, 0);
    if (callback_id_ >= 0) {
        (void)share.release();  // on_free deletes it
    }
}

JobEvents::~JobEvents() {
    if (callback_id_ >= 0) {
        virConnectDomainQemuMonitorEventDeregister(connection_, callback_id_);
    }
}

std::optional<std::string> JobEvents::next(std::chrono::milliseconds limit) {
    std::unique_lock lock(queue_->mutex);
    queue_->arrived.wait_for(lock, limit,
                             [this] { return queue_->is_interrupted || !queue_->texts.empty(); });
    if (queue_->is_interrupted || queue_->texts.empty()) {
        return std::nullopt;
    }
    std::string text = std::move(queue_->texts.front());
    queue_->texts.pop_front();
    return text;
}

void JobEvents::interrupt() {
    std::lock_guard lock(queue_->mutex);
    queue_->is_interrupted = true;
    queue_->arrived.notify_all();
}

}  // namespace cpr::client

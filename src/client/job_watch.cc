// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/job_watch.h"

#include <array>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "base/quiet_thread.h"
#include "client/job_events.h"
#include "client/job_progress.h"
#include "client/monitor.h"
#include "client/poll_interval.h"

namespace cpr::client {

namespace {

using std::chrono::milliseconds;

struct FreeDomain {
    void operator()(virDomainPtr domain) const { virDomainFree(domain); }
};
using DomainReference = std::unique_ptr<virDomain, FreeDomain>;

DomainReference share(virDomainPtr domain) {
    if (virDomainRef(domain) < 0) {
        throw CallError::from_libvirt();
    }
    return DomainReference(domain);
}

using Uuid = std::array<unsigned char, VIR_UUID_BUFLEN>;

Uuid uuid_of(virDomainPtr domain) {
    Uuid uuid{};
    if (virDomainGetUUID(domain, uuid.data()) < 0) {
        throw CallError::from_libvirt();
    }
    return uuid;
}

}  // namespace

// What the watch and its thread have together: the thread may still wait for libvirt when the
// watch is gone.
struct JobWatch::Shared {
    Shared(virDomainPtr of, Handlers call)
        : domain(share(of)),
          uuid(uuid_of(of)),
          handlers(std::move(call)),
          events(of),
          progress(Monitor(of).query_job()) {}

    void run();
    bool is_stopping();
    bool is_domain_there() const;
    std::optional<Job> answer();
    void take_event(const std::string& text);
    void take_answer();
    void tell(const Job& job);

    DomainReference domain;
    Uuid uuid;
    Handlers handlers;
    // Subscribed before the first query, so that no change falls between the two.
    JobEvents events;
    JobsProgress progress;
    milliseconds interval = kPollInterval;
    std::mutex mutex;
    std::condition_variable told;
    bool stopping = false;
    std::thread::id telling;
};

JobWatch::JobWatch(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
JobWatch::~JobWatch() = default;

std::shared_ptr<JobWatch> JobWatch::start(virDomainPtr domain, Handlers handlers) {
    auto shared = std::make_shared<Shared>(domain, std::move(handlers));
    std::shared_ptr<JobWatch> watch(new JobWatch(shared));
    start_quiet_thread([shared] {
        shared->run();
        shared->handlers.on_end();
    }).detach();
    return watch;
}

void JobWatch::stop() {
    std::unique_lock lock(shared_->mutex);
    shared_->stopping = true;
    shared_->events.interrupt();
    if (shared_->telling != std::this_thread::get_id()) {
        shared_->told.wait(lock, [this] { return shared_->telling == std::thread::id(); });
    }
}

bool JobWatch::is_of(virDomainPtr domain) const {
    return uuid_of(domain) == shared_->uuid;
}

void JobWatch::Shared::run() {
    while (!is_stopping() && is_domain_there()) {
        if (auto text = events.next(interval)) {
            take_event(*text);
        } else if (!is_stopping()) {
            take_answer();
        }
    }
}

bool JobWatch::Shared::is_stopping() {
    std::lock_guard lock(mutex);
    return stopping;
}

bool JobWatch::Shared::is_domain_there() const {
    return virConnectIsAlive(virDomainGetConnect(domain.get())) == 1 &&
           virDomainIsActive(domain.get()) == 1;
}

// Nothing if libvirt does not answer now, as while it is busy with the domain.
std::optional<Job> JobWatch::Shared::answer() {
    try {
        return Monitor(domain.get()).query_job();
    } catch (const CallError&) {
        return std::nullopt;
    }
}

void JobWatch::Shared::take_event(const std::string& text) {
    interval = kPollIntervalWithEvents;
    auto job = job_of_event(text);
    if (job && job->is_final() && !job->is_complete()) {
        take_answer();
    } else if (job && progress.is_news(*job)) {
        tell(*job);
    }
}

void JobWatch::Shared::take_answer() {
    if (auto job = answer(); job && progress.is_news_in_answer(*job)) {
        tell(*job);
    }
}

void JobWatch::Shared::tell(const Job& job) {
    {
        std::lock_guard lock(mutex);
        if (stopping) {
            return;
        }
        telling = std::this_thread::get_id();
    }
    handlers.on_news(domain.get(), job);
    std::lock_guard lock(mutex);
    telling = {};
    told.notify_all();
}

}  // namespace cpr::client

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/fleet_update.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "base/quiet_thread.h"
#include "base/translate.h"
#include "tools/domain_update.h"
#include "tools/event_thread.h"
#include "tools/fleet_report.h"
#include "tools/interrupt_watch.h"
#include "tools/message.h"
#include "tools/update_command.h"

namespace cpr::tools {

namespace {

// The domains, shared by the threads that work on them.
class FleetWork {
  public:
    FleetWork(ConnectionOptions connection, UpdateRequest request, Fleet fleet)
        : connection_(std::move(connection)),
          request_(std::move(request)),
          fleet_(std::move(fleet)) {
        for (const std::string& name : fleet_.domains) {
            entries_.push_back({name, std::nullopt});
        }
    }

    void run() {
        const std::size_t count = std::min<std::size_t>(fleet_.parallel, entries_.size());
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < count; ++i) {
            threads.push_back(start_quiet_thread([this] { work(); }));
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }

    // Begins no other domain, and cancels those that are under way. Any thread.
    void cancel() {
        std::vector<std::shared_ptr<CancelWish>> wishes;
        {
            std::lock_guard lock(mutex_);
            is_cancelled_ = true;
            wishes.assign(wishes_.begin(), wishes_.end());
        }
        for (const auto& wish : wishes) {
            wish->express();
        }
    }

    const std::vector<FleetEntry>& entries() const { return entries_; }

  private:
    void work() {
        LibvirtSession session(connection_);
        bool is_open = session.open();
        const std::string reason = is_open ? "" : virGetLastErrorMessage();
        while (FleetEntry* entry = next()) {
            finish(*entry,
                   is_open ? update(session, entry->domain) : DomainOutcome{.errors = {reason}});
        }
    }

    // The next domain to work on; null if there is none, or none is to be begun any more.
    FleetEntry* next() {
        std::lock_guard lock(mutex_);
        bool has_failed = fleet_.max_failures > 0 && failures_ >= fleet_.max_failures;
        if (is_cancelled_ || has_failed || next_ == entries_.size()) {
            return nullptr;
        }
        return &entries_[next_++];
    }

    DomainOutcome update(LibvirtSession& session, const std::string& domain) {
        UpdateRequest request = request_;
        request.domain = domain;
        Progress progress(stderr, false, domain + ": ");
        auto wish = std::make_shared<CancelWish>();
        {
            std::lock_guard lock(mutex_);
            wishes_.insert(wish);
        }
        DomainOutcome outcome = DomainUpdate(session, request, progress, *wish).run();
        std::lock_guard lock(mutex_);
        wishes_.erase(wish);
        return outcome;
    }

    void finish(FleetEntry& entry, DomainOutcome outcome) {
        std::lock_guard lock(mutex_);
        entry.is_left_out = fleet_.all && outcome.result == Result::kUnsupported;
        entry.outcome = std::move(outcome);
        failures_ += entry.is_failure();
    }

    const ConnectionOptions connection_;
    const UpdateRequest request_;
    const Fleet fleet_;
    std::mutex mutex_;
    std::vector<FleetEntry> entries_;
    std::size_t next_ = 0;
    unsigned int failures_ = 0;
    bool is_cancelled_ = false;
    std::set<std::shared_ptr<CancelWish>> wishes_;
};

// False, and told why, if libvirt cannot be asked.
bool find_all(const ConnectionOptions& connection, Fleet& fleet) {
    LibvirtSession session(connection);
    if (!open_session(session)) {
        return false;
    }
    auto domains = session.running_domains();
    if (!domains) {
        print_error(_("failed to list the domains"));
        print_error(virGetLastErrorMessage());
        return false;
    }
    fleet.domains = std::move(*domains);
    return true;
}

void print_all(const std::vector<FleetEntry>& entries, const UpdateRequest& request, bool quiet) {
    if (request.json) {
        for (const FleetEntry& entry : entries) {
            std::printf("%s\n", fleet_json(entry).c_str());
        }
    } else if (!quiet) {
        for (const std::string& line : fleet_table(entries, request.check)) {
            std::printf("%s\n", line.c_str());
        }
    }
}

}  // namespace

bool run_fleet_update(const ConnectionOptions& connection, const UpdateRequest& request,
                      const Fleet& fleet, bool quiet) {
    const EventThread events;
    Fleet found = fleet;
    if (fleet.all && !find_all(connection, found)) {
        return false;
    }
    FleetWork work(connection, request, found);
    {
        const InterruptWatch watch([&] {
            tell_of_interrupt();
            work.cancel();
        });
        work.run();
    }
    print_all(work.entries(), request, quiet);
    const auto& entries = work.entries();
    return std::all_of(entries.begin(), entries.end(), [](const FleetEntry& entry) {
        return entry.is_left_out || (entry.outcome && entry.outcome->is_success());
    });
}

}  // namespace cpr::tools

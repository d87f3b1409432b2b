// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_HISTORY_H
#define CPR_CLIENT_HISTORY_H

#include <libvirt/libvirt.h>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "client/job.h"
#include "client/typed_params.h"

namespace cpr::client {

// Of each domain the last updates are kept, and no more: they are in every copy of its XML.
inline constexpr std::size_t kHistoryLength = 16;

// A completed update.
struct HistoryEntry {
    unsigned long long generation = 0;
    std::string time;  // of its end, by the host's clock: 2026-01-31T23:59:59Z
    std::string binary;
    std::string version;
    std::optional<unsigned long long> pause_ns;  // nothing for a guest that was paused anyway

    // Whether both tell of the same update. Without the time, which of an old controller's updates
    // is the one of whoever writes it down.
    bool is_same_update(const HistoryEntry& other) const;
};

// Oldest first.
using History = std::vector<HistoryEntry>;

// What a job's report says of an update, or nothing if it is none that was completed.
std::optional<HistoryEntry> entry_of(const Job& job);

// The element <history> of a domain's metadata. What is there and not understood is left out: a
// history only tells, and must not keep a domain from being updated.
History parse_history(const std::string& element);
std::string to_element(const History& history);

nlohmann::json to_json(const History& history);
TypedParams to_params(const History& history);

// With an entry more, unless it has it already; the oldest are dropped beyond the length.
History with_entry(History history, const HistoryEntry& entry);

// Throws CallError.
History read_history(virDomainPtr domain, unsigned int flags);

// Adds the update that a job was to the history of the running domain, and of its configuration if
// it has one. Whoever learns of an update's end calls this: it does nothing for what is no
// completed update, and for one that is recorded. Throws CallError.
void record_update(virDomainPtr domain, const Job& job);

// Adds the update that the domain's last job was, before another job takes its place. A domain
// whose history cannot be written can be updated all the same.
void record_last_update(virDomainPtr domain) noexcept;

}  // namespace cpr::client

#endif  // CPR_CLIENT_HISTORY_H

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/history.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/translate.h"
#include "base/utc_time.h"
#include "client/call_error.h"
#include "client/domain_metadata.h"
#include "client/monitor.h"
#include "client/xml_document.h"

namespace cpr::client {

using nlohmann::json;

namespace {

constexpr const char* kElement = "history";
constexpr const char* kEntry = "update";
constexpr const char* kGeneration = "generation";
constexpr const char* kTime = "time";
constexpr const char* kBinary = "binary";
constexpr const char* kVersion = "version";
constexpr const char* kPause = "pause-ns";

std::optional<unsigned long long> number_in(const std::optional<std::string>& text) {
    unsigned long long number = 0;
    if (!text) {
        return std::nullopt;
    }
    const char* end_of_text = text->data() + text->size();
    auto [end, error] = std::from_chars(text->data(), end_of_text, number);
    return error == std::errc() && end == end_of_text ? std::optional(number) : std::nullopt;
}

std::optional<HistoryEntry> entry_in(const xmlNode* element) {
    const auto generation = number_in(attribute(element, kGeneration));
    if (name_of(element) != kEntry || !generation) {
        return std::nullopt;
    }
    return HistoryEntry{*generation, attribute(element, kTime).value_or(""),
                        attribute(element, kBinary).value_or(""),
                        attribute(element, kVersion).value_or(""),
                        number_in(attribute(element, kPause))};
}

void drop_oldest(History& history) {
    if (history.size() > kHistoryLength) {
        history.erase(history.begin(), history.end() - kHistoryLength);
    }
}

}  // namespace

bool HistoryEntry::is_same_update(const HistoryEntry& other) const {
    return std::tie(generation, binary, version, pause_ns) ==
           std::tie(other.generation, other.binary, other.version, other.pause_ns);
}

std::optional<HistoryEntry> entry_of(const Job& job) {
    const json& data = job.data();
    if (job.status() != VIR_DOMAIN_CPR_JOB_COMPLETED || data.value("check", false)) {
        return std::nullopt;
    }
    const json binary = data.value("new", json::object());
    const json pause = data.value("pause", json::object());
    HistoryEntry entry{data.value("generation", 0ULL), data.value("ended", utc_now()),
                       binary.value("binary", ""), binary.value("version", ""), std::nullopt};
    if (pause.contains("total-ns")) {
        entry.pause_ns = pause.value("total-ns", 0ULL);
    }
    return entry;
}

History parse_history(const std::string& element) {
    History history;
    const XmlDocument document(element, _("the domain's history of updates"));
    for (const xmlNode* child : child_elements(document.root())) {
        if (auto entry = entry_in(child)) {
            history.push_back(std::move(*entry));
        }
    }
    drop_oldest(history);
    return history;
}

std::string to_element(const History& history) {
    const XmlDocument document = XmlDocument::with_root(kElement);
    for (const HistoryEntry& entry : history) {
        xmlNode* element = add_child(document.root(), kEntry);
        set_attribute(element, kGeneration, std::to_string(entry.generation));
        set_attribute(element, kTime, entry.time);
        set_attribute(element, kBinary, entry.binary);
        set_attribute(element, kVersion, entry.version);
        if (entry.pause_ns) {
            set_attribute(element, kPause, std::to_string(*entry.pause_ns));
        }
    }
    return document.text();
}

json to_json(const History& history) {
    json list = json::array();
    for (const HistoryEntry& entry : history) {
        json object{{kGeneration, entry.generation},
                    {kTime, entry.time},
                    {kBinary, entry.binary},
                    {kVersion, entry.version}};
        if (entry.pause_ns) {
            object[kPause] = *entry.pause_ns;
        }
        list.push_back(std::move(object));
    }
    return {{kElement, std::move(list)}};
}

TypedParams to_params(const History& history) {
    TypedParams params;
    params.add_uint(std::string(kElement) + ".count", static_cast<unsigned int>(history.size()));
    for (std::size_t i = 0; i < history.size(); ++i) {
        const HistoryEntry& entry = history[i];
        const auto name = [&](const char* member) {
            return std::string(kElement) + "." + std::to_string(i) + "." + member;
        };
        params.add_ullong(name(kGeneration), entry.generation);
        params.add_string(name(kTime), entry.time);
        params.add_string(name(kBinary), entry.binary);
        params.add_string(name(kVersion), entry.version);
        if (entry.pause_ns) {
            params.add_ullong(name(kPause), *entry.pause_ns);
        }
    }
    return params;
}

History with_entry(History history, const HistoryEntry& entry) {
    const auto is_same = [&](const HistoryEntry& other) { return entry.is_same_update(other); };
    if (std::none_of(history.begin(), history.end(), is_same)) {
        history.push_back(entry);
        drop_oldest(history);
    }
    return history;
}

History read_history(virDomainPtr domain, unsigned int flags) {
    const auto element = read_metadata(domain, kHistoryUri, flags);
    return element ? parse_history(*element) : History();
}

void record_update(virDomainPtr domain, const Job& job) {
    const auto entry = entry_of(job);
    if (!entry) {
        return;
    }
    const int persistent = virDomainIsPersistent(domain);
    if (persistent < 0) {
        throw CallError::from_libvirt();
    }
    // What the running domain has begins with what its configuration had when it was started.
    const History before = read_history(domain, VIR_DOMAIN_AFFECT_LIVE);
    const History after = with_entry(before, *entry);
    if (after.size() == before.size() && after.back().is_same_update(before.back())) {
        return;
    }
    write_metadata(domain, kHistoryUri, to_element(after),
                   VIR_DOMAIN_AFFECT_LIVE | (persistent ? VIR_DOMAIN_AFFECT_CONFIG : 0));
}

void record_last_update(virDomainPtr domain) noexcept {
    try {
        record_update(domain, Monitor(domain).query_job());
    } catch (...) {
        virResetLastError();
    }
}

}  // namespace cpr::client

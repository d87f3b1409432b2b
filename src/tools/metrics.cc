// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/metrics.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "config.h"

namespace cpr::tools {

namespace {

using nlohmann::json;

using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr std::array kStatuses{"completed", "failed", "rolled-back", "cancelled"};
constexpr std::array kPhases{"save", "exec", "load", "resume"};

// The text format has three characters of a label's value escaped.
std::string escaped(const std::string& value) {
    std::string text;
    for (const char c : value) {
        if (c == '\n') {
            text += "\\n";
            continue;
        }
        if (c == '\\' || c == '"') {
            text += '\\';
        }
        text += c;
    }
    return text;
}

std::string labels_text(const Labels& labels) {
    std::string text;
    for (const auto& [name, value] : labels) {
        text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped(value));
    }
    return text.empty() ? "" : "{" + text + "}";
}

// What a report has where the path leads; the default if it has no such thing, whoever made it.
template <typename Value>
Value at(const json& data, const std::string& path, Value otherwise) {
    const json::json_pointer pointer(path);
    if (!data.contains(pointer)) {
        return otherwise;
    }
    const json& found = data[pointer];
    const bool fits = found.type() == json(otherwise).type() ||
                      (found.is_number_integer() && json(otherwise).is_number());
    return fits ? found.get<Value>() : otherwise;
}

std::string seconds_text(long long ns) {
    return fmt::format("{}", static_cast<double>(ns) / 1e9);
}

class Page {
  public:
    void begin(const char* name, const char* type, const char* help) {
        name_ = name;
        text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
    }
    void sample(const Labels& labels, const std::string& value, const char* suffix = "") {
        text_ += fmt::format("{}{}{} {}\n", name_, suffix, labels_text(labels), value);
    }
    void sample(const Labels& labels, unsigned long long value) {
        sample(labels, std::to_string(value));
    }
    void histogram(const Labels& labels, const json& data) {
        const std::string count = std::to_string(at(data, "/count", 0ULL));
        for (const json& bucket : at(data, "/buckets", json::array())) {
            Labels own = labels;
            own.emplace_back("le", seconds_text(at(bucket, "/le-ns", 0LL)));
            sample(own, std::to_string(at(bucket, "/count", 0ULL)), "_bucket");
        }
        Labels all = labels;
        all.emplace_back("le", "+Inf");
        sample(all, count, "_bucket");
        sample(labels, seconds_text(at(data, "/sum-ns", 0LL)), "_sum");
        sample(labels, count, "_count");
    }
    const std::string& text() const { return text_; }

  private:
    std::string name_;
    std::string text_;
};

// Those of a host, by its domains.
class HostMetrics {
  public:
    explicit HostMetrics(const std::vector<DomainMetrics>& domains) : domains_(domains) {}

    std::string text() {
        page_.begin("libvirt_cpr_info", "gauge", "The version of libvirt-cpr that made this file.");
        page_.sample({{"version", PACKAGE_VERSION}}, 1);
        count_domains();
        tell_domains();
        count_jobs("libvirt_cpr_updates_total", "/updates/",
                   "Updates in place since the domain's start, by their end.");
        count_jobs("libvirt_cpr_checks_total", "/checks/",
                   "Checks for updates since the domain's start, by their end.");
        tell_pauses();
        return page_.text();
    }

  private:
    static bool is_known(const DomainMetrics& domain) { return domain.stats.is_object(); }
    static bool is_outdated(const DomainMetrics& domain) {
        return is_known(domain) && at(domain.stats, "/outdated", false);
    }
    static bool is_compared(const DomainMetrics& domain) {
        return is_known(domain) && domain.stats.contains("outdated");
    }

    template <typename Which>
    void count_if(const char* name, const char* help, Which which) {
        page_.begin(name, "gauge", help);
        unsigned long long count = 0;
        for (const DomainMetrics& domain : domains_) {
            count += which(domain);
        }
        page_.sample({}, count);
    }

    void count_domains() {
        using Domain = const DomainMetrics&;
        count_if("libvirt_cpr_domains", "Running domains that can be updated in place.",
                 [](Domain domain) { return domain.is_ours; });
        count_if("libvirt_cpr_outdated_domains",
                 "Those of them that run another program than is configured now.", is_outdated);
        count_if("libvirt_cpr_unknown_domains", "Those of them of which that is not known.",
                 [](Domain domain) { return domain.is_ours && !is_compared(domain); });
        count_if("libvirt_cpr_unsupported_domains",
                 "Running domains that were not started by virt-cpr-emulator.",
                 [](Domain domain) { return !domain.is_ours; });
    }

    template <typename Tell>
    void for_each_known(Tell tell) {
        for (const DomainMetrics& domain : domains_) {
            if (is_known(domain)) {
                tell(domain);
            }
        }
    }

    void tell_domains() {
        page_.begin("libvirt_cpr_domain_info", "gauge", "What a domain runs on.");
        for_each_known([&](const DomainMetrics& domain) {
            page_.sample({{"domain", domain.name},
                          {"uuid", domain.uuid},
                          {"binary", at(domain.stats, "/running/binary", std::string())},
                          {"version", at(domain.stats, "/running/version", std::string())}},
                         1);
        });
        page_.begin("libvirt_cpr_domain_outdated", "gauge",
                    "Whether a domain runs another program than is configured now.");
        for_each_known([&](const DomainMetrics& domain) {
            if (is_compared(domain)) {
                page_.sample({{"domain", domain.name}}, is_outdated(domain));
            }
        });
        page_.begin("libvirt_cpr_domain_generation", "gauge",
                    "Completed updates of the domain's process.");
        for_each_known([&](const DomainMetrics& domain) {
            page_.sample({{"domain", domain.name}}, at(domain.stats, "/generation", 0ULL));
        });
    }

    // Those that are 0 as well: a counter that appears with its first event has no increase.
    void count_jobs(const char* name, const std::string& path, const char* help) {
        page_.begin(name, "counter", help);
        for_each_known([&](const DomainMetrics& domain) {
            for (const char* status : kStatuses) {
                page_.sample({{"domain", domain.name}, {"status", status}},
                             at(domain.stats, path + status, 0ULL));
            }
        });
    }

    void tell_pauses() {
        page_.begin("libvirt_cpr_pause_seconds", "histogram",
                    "How long updates paused the guest, by phase.");
        for_each_known([&](const DomainMetrics& domain) {
            for (const char* phase : kPhases) {
                page_.histogram({{"domain", domain.name}, {"phase", phase}},
                                at(domain.stats, std::string("/pauses/") + phase, json::object()));
            }
        });
        page_.begin("libvirt_cpr_whole_pause_seconds", "histogram",
                    "How long updates paused the guest in all.");
        for_each_known([&](const DomainMetrics& domain) {
            page_.histogram({{"domain", domain.name}},
                            at(domain.stats, "/pauses/total", json::object()));
        });
    }

    const std::vector<DomainMetrics>& domains_;
    Page page_;
};

}  // namespace

std::string metrics_text(const std::vector<DomainMetrics>& domains) {
    return HostMetrics(domains).text();
}

}  // namespace cpr::tools

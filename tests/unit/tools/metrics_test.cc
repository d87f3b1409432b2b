// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/metrics.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

namespace cpr::tools {
namespace {

using nlohmann::json;

json histogram(unsigned int count, int64_t sum_ns) {
    return {
        {"count", count},
        {"sum-ns", sum_ns},
        {"buckets",
         {{{"le-ns", 10'000'000}, {"count", 1}}, {{"le-ns", 2'500'000'000}, {"count", count}}}}};
}

DomainMetrics domain(const std::string& name, bool outdated) {
    return {name,
            "6695eb01-f6a4-8304-79aa-97f2502e193f",
            true,
            {{"updates", {{"completed", 2}, {"failed", 1}, {"rolled-back", 1}, {"cancelled", 0}}},
             {"checks", {{"completed", 5}, {"failed", 0}, {"rolled-back", 0}, {"cancelled", 0}}},
             {"generation", 2},
             {"outdated", outdated},
             {"running", {{"binary", "/usr/bin/vmm"}, {"version", "1.0"}}},
             {"pauses",
              {{"total", histogram(3, 2'512'500'000)},
               {"save", histogram(3, 12'500'000)},
               {"exec", histogram(2, 1'000'000)},
               {"load", histogram(2, 1'000'000)},
               {"resume", histogram(3, 1'000'000)}}}}};
}

class Metrics : public ::testing::Test {
  protected:
    void read(const std::vector<DomainMetrics>& domains) {
        std::istringstream text(metrics_text(domains));
        for (std::string line; std::getline(text, line);)
            lines_.insert(line);
    }
    void expect(const std::string& line) const { EXPECT_TRUE(lines_.contains(line)) << line; }

    std::multiset<std::string> lines_;
};

TEST_F(Metrics, CountAHostsDomains) {
    DomainMetrics silent{.name = "silent", .is_ours = true};
    DomainMetrics foreign{.name = "foreign"};
    DomainMetrics unconfigured = domain("g3", false);
    unconfigured.stats.erase("outdated");
    read({domain("g1", true), domain("g2", false), unconfigured, silent, foreign});
    expect("libvirt_cpr_domains 4");
    expect("libvirt_cpr_outdated_domains 1");
    expect("libvirt_cpr_unknown_domains 2");
    expect("libvirt_cpr_unsupported_domains 1");
    expect("libvirt_cpr_domain_outdated{domain=\"g1\"} 1");
    expect("libvirt_cpr_domain_outdated{domain=\"g2\"} 0");
    for (const std::string& line : lines_) {
        EXPECT_EQ(line.find("silent"), std::string::npos) << line;
        EXPECT_EQ(line.find("domain_outdated{domain=\"g3\"}"), std::string::npos) << line;
    }
}

TEST_F(Metrics, TellWhatUpdatesCameTo) {
    read({domain("g1", false)});
    expect("# TYPE libvirt_cpr_updates_total counter");
    expect("libvirt_cpr_updates_total{domain=\"g1\",status=\"completed\"} 2");
    expect("libvirt_cpr_updates_total{domain=\"g1\",status=\"rolled-back\"} 1");
    expect("libvirt_cpr_updates_total{domain=\"g1\",status=\"cancelled\"} 0");
    expect("libvirt_cpr_checks_total{domain=\"g1\",status=\"completed\"} 5");
    expect("libvirt_cpr_domain_generation{domain=\"g1\"} 2");
    expect(
        "libvirt_cpr_domain_info{domain=\"g1\",uuid=\"6695eb01-f6a4-8304-79aa-97f2502e193f\","
        "binary=\"/usr/bin/vmm\",version=\"1.0\"} 1");
}

TEST_F(Metrics, PausesAreHistogramsInSeconds) {
    read({domain("g1", false)});
    expect("# TYPE libvirt_cpr_pause_seconds histogram");
    expect("libvirt_cpr_pause_seconds_bucket{domain=\"g1\",phase=\"save\",le=\"0.01\"} 1");
    expect("libvirt_cpr_pause_seconds_bucket{domain=\"g1\",phase=\"save\",le=\"2.5\"} 3");
    expect("libvirt_cpr_pause_seconds_bucket{domain=\"g1\",phase=\"save\",le=\"+Inf\"} 3");
    expect("libvirt_cpr_pause_seconds_sum{domain=\"g1\",phase=\"save\"} 0.0125");
    expect("libvirt_cpr_pause_seconds_count{domain=\"g1\",phase=\"exec\"} 2");
    expect("libvirt_cpr_whole_pause_seconds_sum{domain=\"g1\"} 2.5125");
}

TEST_F(Metrics, LabelsAreEscaped) {
    read({domain("a\"b\\c\nd", true)});
    expect(R"(libvirt_cpr_domain_outdated{domain="a\"b\\c\nd"} 1)");
}

TEST_F(Metrics, WhatAControllerDoesNotTellIsZero) {
    DomainMetrics odd = domain("g1", false);
    odd.stats = {{"updates", "none"}, {"pauses", {{"save", 7}}}, {"outdated", "perhaps"}};
    read({odd});
    expect("libvirt_cpr_updates_total{domain=\"g1\",status=\"completed\"} 0");
    expect("libvirt_cpr_pause_seconds_count{domain=\"g1\",phase=\"save\"} 0");
}

TEST_F(Metrics, EachLineIsOneOfTheFormat) {
    read({domain("g1", true), domain("g2", true)});
    const std::regex comment("# (HELP|TYPE) libvirt_cpr_[a-z_]+ [^\n]+");
    const std::regex sample(
        R"(libvirt_cpr_[a-z_]+(\{([a-z]+="([^"\\]|\\["\\n])*",?)*\})? [0-9.e+-]+)");
    for (const std::string& line : lines_) {
        EXPECT_TRUE(std::regex_match(line, line.starts_with('#') ? comment : sample)) << line;
        EXPECT_EQ(lines_.count(line), 1u) << line;
    }
}

}  // namespace
}  // namespace cpr::tools

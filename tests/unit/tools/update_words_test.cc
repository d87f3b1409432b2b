// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/update_words.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cpr::tools {
namespace {

using Words = std::vector<std::string>;

std::string message_of(const Words& words) {
    try {
        parse_update_words(words);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
        return error.message();
    }
    return "no error";
}

struct GoodCase {
    Words words;
    const char* domain;
    const char* emulator;
    bool check;
    bool verbose;
};

TEST(UpdateWords, AreUnderstoodInEveryForm) {
    const GoodCase kCases[] = {
        {{"g1"}, "g1", "", false, false},
        {{"g1", "/e"}, "g1", "/e", false, false},
        {{"g1", "--check"}, "g1", "", true, false},
        {{"--check", "--verbose", "g1", "/e"}, "g1", "/e", true, true},
        {{"--domain", "g1"}, "g1", "", false, false},
        {{"--domain=g1", "/e"}, "g1", "/e", false, false},
        {{"--emulator=/e", "g1"}, "g1", "/e", false, false},
        {{"--emulator", "/e", "--domain", "g1"}, "g1", "/e", false, false},
        {{"--", "--check"}, "--check", "", false, false},
        {{"-x"}, "-x", "", false, false},
        {{"--domain", "--check"}, "--check", "", false, false},
    };
    for (const GoodCase& test : kCases) {
        UpdateRequest request = parse_update_words(test.words).update;
        std::string label = testing::PrintToString(test.words);
        EXPECT_EQ(request.domain, test.domain) << label;
        EXPECT_EQ(request.emulator, test.emulator) << label;
        EXPECT_EQ(request.check, test.check) << label;
        EXPECT_EQ(request.verbose, test.verbose) << label;
        EXPECT_FALSE(request.help) << label;
    }
}

TEST(UpdateWords, AskForTheLastUpdate) {
    EXPECT_TRUE(parse_update_words({"g1", "--info"}).update.info);
    EXPECT_FALSE(parse_update_words({"g1", "--info"}).update.json);
    EXPECT_TRUE(parse_update_words({"g1", "--check", "--json"}).update.json);
    EXPECT_EQ(message_of({"g1", "--info", "--check"}),
              "Options --info and --check are mutually exclusive");
}

TEST(UpdateWords, HaveATimeoutInWholeSeconds) {
    EXPECT_EQ(parse_update_words({"g1"}).update.timeout_seconds, 0u);
    EXPECT_EQ(parse_update_words({"g1", "--timeout", "30"}).update.timeout_seconds, 30u);
    EXPECT_EQ(parse_update_words({"--timeout=4294967", "g1"}).update.timeout_seconds, 4294967u);
    for (const char* wrong : {"0", "-1", "1.5", "30s", "", " 1", "4294968", "99999999999"}) {
        EXPECT_EQ(message_of({"g1", "--timeout", wrong}),
                  "Numeric value '" + std::string(wrong) +
                      "' for <timeout> option is malformed or out of range");
    }
    EXPECT_EQ(message_of({"g1", "--timeout"}), "expected syntax: --timeout <number>");
    EXPECT_EQ(message_of({"g1", "--info", "--timeout", "1"}),
              "Options --info and --timeout are mutually exclusive");
    // Not by its place, as emulator is.
    EXPECT_EQ(message_of({"g1", "/e", "30"}), "unexpected data '30'");
}

TEST(UpdateWords, HaveALongestPauseAndAMode) {
    EXPECT_EQ(parse_update_words({"g1"}).update.max_pause_milliseconds, 0u);
    EXPECT_EQ(parse_update_words({"g1", "--max-pause", "100"}).update.max_pause_milliseconds, 100u);
    EXPECT_EQ(message_of({"g1", "--max-pause", "0"}),
              "Numeric value '0' for <max-pause> option is malformed or out of range");
    EXPECT_EQ(parse_update_words({"g1", "--mode=transfer"}).update.mode, "transfer");
    EXPECT_EQ(message_of({"g1", "--mode", "fast"}),
              "'fast' is no mode; modes are auto, exec and transfer");
    EXPECT_EQ(message_of({"g1", "/e", "exec"}), "unexpected data 'exec'");
}

TEST(UpdateWords, AskForOneThingAtATime) {
    EXPECT_TRUE(parse_update_words({"g1", "--async", "--mode", "exec"}).update.async);
    EXPECT_TRUE(parse_update_words({"g1", "--wait", "--json"}).update.wait);
    EXPECT_TRUE(parse_update_words({"g1", "--abort"}).update.abort);
    const Words kTogether[] = {{"wait", "abort"},  {"wait", "async"},    {"abort", "check"},
                               {"async", "check"}, {"info", "wait"},     {"wait", "timeout"},
                               {"abort", "mode"},  {"wait", "max-pause"}};
    for (const Words& names : kTogether) {
        Words words{"g1", "--" + names[0]};
        const bool has_value =
            names[1] == "timeout" || names[1] == "mode" || names[1] == "max-pause";
        words.push_back("--" + names[1] + (has_value ? "=5" : ""));
        EXPECT_EQ(message_of(words),
                  "Options --" + names[0] + " and --" + names[1] + " are mutually exclusive");
    }
    EXPECT_EQ(message_of({"g1", "/e", "--abort"}),
              "Options --abort and --emulator are mutually exclusive");
}

TEST(UpdateWords, AskOfTheDomainInsteadOfAnUpdate) {
    const UpdateCommand enable =
        parse_update_words({"--enable", "g1", "/usr/bin/virt-cpr-emulator", "--print-xml"});
    EXPECT_EQ(enable.instead.action, DomainAction::kEnable);
    EXPECT_EQ(enable.instead.domain, "g1");
    EXPECT_EQ(enable.instead.emulator, "/usr/bin/virt-cpr-emulator");
    EXPECT_TRUE(enable.instead.print_xml);
    EXPECT_TRUE(enable.instead.is_for_cpr_vmm());
    EXPECT_EQ(parse_update_words({"g1", "--enable", "--backend=qemu"}).instead.backend, "qemu");
    EXPECT_EQ(parse_update_words({"g1", "--disable"}).instead.action, DomainAction::kDisable);
    EXPECT_EQ(parse_update_words({"g1", "--policy"}).instead.action, DomainAction::kShowPolicy);
    EXPECT_TRUE(parse_update_words({"g1", "--history", "--json"}).instead.json);
    EXPECT_EQ(parse_update_words({"g1", "--set-policy", "mode=exec"}).instead.policy.mode, "exec");
    EXPECT_FALSE(parse_update_words({"g1", "--check"}).instead.action);
    EXPECT_EQ(message_of({"g1", "--policy", "--check"}),
              "Options --policy and --check are mutually exclusive");
    EXPECT_EQ(message_of({"g1", "--print-xml"}),
              "Option --print-xml is only for --enable, --disable");
    EXPECT_EQ(message_of({"--enable"}), "command 'update-in-place' requires <domain> option");
}

TEST(UpdateWords, AskForHelpWithAndWithoutADomain) {
    EXPECT_TRUE(parse_update_words({"--help"}).update.help);
    EXPECT_TRUE(parse_update_words({"g1", "--help"}).update.help);
}

TEST(UpdateWords, AreRefusedInVirshsWords) {
    EXPECT_EQ(message_of({}), "command 'update-in-place' requires <domain> option");
    EXPECT_EQ(message_of({"--check"}), "command 'update-in-place' requires <domain> option");
    EXPECT_EQ(message_of({"g1", "--nosuch"}),
              "command 'update-in-place' doesn't support option --nosuch");
    EXPECT_EQ(message_of({"g1", "/e", "x"}), "unexpected data 'x'");
    EXPECT_EQ(message_of({"--domain"}), "expected syntax: --domain <string>");
    EXPECT_EQ(message_of({"g1", "--check=1"}), "invalid '=' after option --check");
    EXPECT_EQ(message_of({"g1", "--domain", "g2"}), "option --domain already seen");
    EXPECT_EQ(message_of({"--domain="}), "Failed to get option 'domain': Option argument is empty");
}

}  // namespace
}  // namespace cpr::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/virsh_plan.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cpr::tools {
namespace {

VirshPlan plan_of(const Words& arguments) {
    return make_plan(parse_virsh_arguments(arguments));
}

std::vector<StepKind> kinds_of(const VirshPlan& plan) {
    std::vector<StepKind> kinds;
    for (const Step& step : plan.steps) {
        kinds.push_back(step.kind);
    }
    return kinds;
}

TEST(VirshPlan, LeavesEverythingElseToTheStockVirsh) {
    const Words kCases[] = {
        {},
        {"list"},
        {"list", "--all"},
        {"-c", "test:///default", "list"},
        {"-c"},
        {"-v"},
        {"-V"},
        {"--version"},
        {"--version=long"},
        {"version"},
        {"--nosuch", "update-in-place", "g1"},
        {"-k", "x", "update-in-place", "g1"},
        {"-v", "update-in-place", "g1"},
        {"list; uri"},
        {"echo update-in-place"},
        {"echo", "update-in-place", "g1"},
        {"echo 'update-in-place g1"},
        {"list # update-in-place g1"},
        {"update-in-places", "g1"},
        {"destroy", "update-in-place"},
        {"-c", "update-in-place"},
        {"-d", "0", "-l", "/tmp/log", "-e", "^]", "-q", "-r", "-t", "list"},
        {""},
    };
    for (const Words& arguments : kCases) {
        VirshPlan plan = plan_of(arguments);
        EXPECT_TRUE(plan.is_all_stock) << testing::PrintToString(arguments);
        EXPECT_TRUE(plan.steps.empty()) << testing::PrintToString(arguments);
    }
}

TEST(VirshPlan, TakesUpdateInPlaceAfterEveryGlobalOption) {
    const Words kOptions[] = {
        {},
        {"-c", "URI"},
        {"-cURI"},
        {"--connect", "URI"},
        {"--connect=URI"},
        {"--con", "URI"},
        {"-r"},
        {"--readonly"},
        {"-q"},
        {"--quiet"},
        {"-d", "0"},
        {"--debug=0"},
        {"-l", "FILE"},
        {"--log=FILE"},
        {"-t"},
        {"--timing"},
        {"-e", "^]"},
        {"--escape", "^]"},
        {"-k", "3"},
        {"--keepalive-interval=3"},
        {"-K", "4"},
        {"--keepalive-count", "4"},
        {"--no-pkttyagent"},
        {"-qrt"},
        {"--"},
    };
    for (const Words& options : kOptions) {
        Words arguments = options;
        arguments.insert(arguments.end(), {"update-in-place", "g1", "/e", "--check"});
        VirshPlan plan = plan_of(arguments);
        ASSERT_EQ(kinds_of(plan), std::vector{StepKind::kUpdate})
            << testing::PrintToString(arguments);
        EXPECT_EQ(plan.steps[0].command.update.domain, "g1");
        EXPECT_EQ(plan.steps[0].command.update.emulator, "/e");
        EXPECT_TRUE(plan.steps[0].command.update.check);
    }
}

TEST(VirshPlan, RunsTheCommandsOfAStringInOrder) {
    VirshPlan plan = plan_of({"-q", "list; update-in-place g1 --verbose;uri --x"});
    ASSERT_EQ(kinds_of(plan), (std::vector{StepKind::kStock, StepKind::kUpdate, StepKind::kStock}));
    EXPECT_EQ(plan.steps[0].words, Words{"list"});
    EXPECT_EQ(plan.steps[1].command.update.domain, "g1");
    EXPECT_TRUE(plan.steps[1].command.update.verbose);
    EXPECT_EQ(plan.steps[2].words, (Words{"uri", "--x"}));
}

TEST(VirshPlan, TakesSeveralArgumentsAsOneCommand) {
    EXPECT_THROW(plan_of({"update-in-place", "g1", "/e", ";", "list"}), Error);
    EXPECT_EQ(plan_of({"update-in-place", "a;b"}).steps[0].command.update.domain, "a;b");
}

TEST(VirshPlan, RefusesAWrongUseBeforeAnythingRuns) {
    EXPECT_THROW(plan_of({"destroy g2; update-in-place"}), Error);
}

TEST(VirshPlan, AnswersForHelp) {
    EXPECT_EQ(kinds_of(plan_of({"help", "update-in-place"})), std::vector{StepKind::kUpdateHelp});
    EXPECT_EQ(kinds_of(plan_of({"help update-in-place"})), std::vector{StepKind::kUpdateHelp});
    EXPECT_EQ(kinds_of(plan_of({"help", "--command", "update-in-place"})),
              std::vector{StepKind::kUpdateHelp});
    EXPECT_EQ(kinds_of(plan_of({"update-in-place", "--help"})), std::vector{StepKind::kUpdateHelp});
    EXPECT_EQ(kinds_of(plan_of({"help"})), std::vector{StepKind::kListing});
    EXPECT_EQ(kinds_of(plan_of({"help", "domain"})), std::vector{StepKind::kListing});
    EXPECT_EQ(kinds_of(plan_of({"-c", "URI", "--help"})), std::vector{StepKind::kListing});
    EXPECT_EQ(kinds_of(plan_of({"-h", "update-in-place"})), std::vector{StepKind::kListing});
}

TEST(VirshPlan, AnswersForCompletion) {
    EXPECT_EQ(kinds_of(plan_of({"-q", "complete", "--", "up"})), std::vector{StepKind::kComplete});
}

TEST(VirshArguments, KeepWhatTheUpdateNeeds) {
    VirshArguments parsed = parse_virsh_arguments(
        {"-c", "a", "-qt", "-k3", "-K", "4", "--connect=b", "-r", "update-in-place", "-q"});
    EXPECT_TRUE(parsed.is_understood);
    EXPECT_EQ(parsed.connection.uri, "b");
    EXPECT_TRUE(parsed.connection.read_only);
    EXPECT_EQ(parsed.connection.keepalive_interval, 3);
    EXPECT_EQ(parsed.connection.keepalive_count, 4);
    EXPECT_TRUE(parsed.quiet);
    EXPECT_TRUE(parsed.timing);
    EXPECT_EQ(parsed.words, (Words{"update-in-place", "-q"}));
}

TEST(VirshArguments, ArePassedOnWithTheConnectionInForce) {
    VirshArguments parsed =
        parse_virsh_arguments({"-c", "a", "-q", "-l", "FILE", "-d2", "-r", "list; uri"});
    EXPECT_EQ(stock_arguments(parsed, {"list"}),
              (Words{"-q", "-l", "FILE", "-d", "2", "-r", "-c", "a", "list"}));
    parsed.connection = {};
    EXPECT_EQ(stock_arguments(parsed, {"uri"}), (Words{"-q", "-l", "FILE", "-d", "2", "uri"}));
}

}  // namespace
}  // namespace cpr::tools

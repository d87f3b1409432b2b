// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/step_list.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace cpr::controller {
namespace {

using Log = std::vector<std::string>;

// Steps a to d that write down what happens; the one named `failing` fails.
std::vector<Step> make_steps(Log& log, const std::string& failing) {
    std::vector<Step> steps;
    for (const std::string name : {"a", "b", "c", "d"})
        steps.push_back({name,
                         [&log, name, failing] {
                             log.push_back("apply " + name);
                             if (name == failing)
                                 throw Error(ErrorCode::kTimeout, "broken");
                         },
                         [&log, name] { log.push_back("undo " + name); }});
    return steps;
}

Log recorded(Log& log, const std::string& failing) {
    StepList list(make_steps(log, failing),
                  [&log](const std::string& name) { log.push_back("begin " + name); });
    const StepOutcome outcome = list.run();
    EXPECT_EQ(outcome.ok(), failing.empty());
    EXPECT_EQ(outcome.failed_step, failing);
    EXPECT_TRUE(outcome.undo_failures.empty());
    if (!failing.empty()) {
        EXPECT_EQ(outcome.error->code(), ErrorCode::kTimeout);
    }
    return log;
}

TEST(StepList, RunsAllInOrderAndUndoesNothing) {
    Log log;
    EXPECT_EQ(recorded(log, ""), (Log{"begin a", "apply a", "begin b", "apply b", "begin c",
                                      "apply c", "begin d", "apply d"}));
}

class FailingStep : public testing::TestWithParam<int> {};

TEST_P(FailingStep, IsUndoneWithAllBeforeItInReverse) {
    const Log names{"a", "b", "c", "d"};
    const auto failing = static_cast<size_t>(GetParam());
    Log expected;
    for (size_t i = 0; i <= failing; ++i) {
        expected.push_back("begin " + names[i]);
        expected.push_back("apply " + names[i]);
    }
    for (size_t i = failing + 1; i > 0; --i)
        expected.push_back("undo " + names[i - 1]);
    Log log;
    EXPECT_EQ(recorded(log, names[failing]), expected);
}

INSTANTIATE_TEST_SUITE_P(Each, FailingStep, testing::Range(0, 4));

TEST(StepList, AStepThatDidNotBeginIsNotUndone) {
    Log log;
    StepList list(make_steps(log, ""), [](const std::string& name) {
        if (name == "c")
            throw Error(ErrorCode::kCancelled, "enough");
    });
    const StepOutcome outcome = list.run();
    EXPECT_EQ(outcome.failed_step, "c");
    EXPECT_EQ(outcome.error->code(), ErrorCode::kCancelled);
    EXPECT_EQ(log, (Log{"apply a", "apply b", "undo b", "undo a"}));
}

TEST(StepList, AFailingUndoDoesNotStopTheOthers) {
    Log log;
    auto steps = make_steps(log, "c");
    steps[1].undo = [] { throw Error(ErrorCode::kSystem, "stuck"); };
    steps[2].undo = nullptr;
    StepList list(std::move(steps), [](const std::string&) {});
    const StepOutcome outcome = list.run();
    EXPECT_EQ(outcome.error->message(), "broken");
    ASSERT_EQ(outcome.undo_failures.size(), 1U);
    EXPECT_EQ(outcome.undo_failures[0].english(), "b: stuck");
    EXPECT_EQ(log.back(), "undo a");
}

TEST(StepList, ForeignExceptionsAreUndoneAsWell) {
    Log log;
    auto steps = make_steps(log, "");
    steps[1].apply = [] { throw std::runtime_error("odd"); };
    StepList list(std::move(steps), [](const std::string&) {});
    const StepOutcome outcome = list.run();
    EXPECT_EQ(outcome.error->code(), ErrorCode::kInternal);
    EXPECT_EQ(outcome.error->message(), "odd");
    EXPECT_EQ(log, (Log{"apply a", "undo b", "undo a"}));
}

}  // namespace
}  // namespace cpr::controller

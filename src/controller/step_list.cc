// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/step_list.h"

namespace cpr::controller {
namespace {

// Whatever a step throws becomes an Error: nothing may pass by the undo.
std::optional<Error> attempt(const std::function<void()>& action) {
    try {
        if (action)
            action();
        return std::nullopt;
    } catch (const Error& error) {
        return error;
    } catch (const std::exception& error) {
        return Error(ErrorCode::kInternal, text_of(error));
    }
}

}  // namespace

StepOutcome StepList::run() {
    StepOutcome outcome;
    begun_.clear();
    for (size_t i = 0; i < steps_.size(); ++i) {
        outcome.error = attempt([&] { on_step_(steps_[i].name); });
        if (!outcome.error) {
            begun_.push_back(i);
            outcome.error = attempt(steps_[i].apply);
        }
        if (outcome.error) {
            outcome.failed_step = steps_[i].name;
            undo(outcome);
            return outcome;
        }
    }
    return outcome;
}

void StepList::undo(StepOutcome& outcome) {
    for (; !begun_.empty(); begun_.pop_back()) {
        const Step& step = steps_[begun_.back()];
        if (const auto error = attempt(step.undo))
            outcome.undo_failures.push_back(error->within(Text::verbatim(step.name)).text());
    }
}

}  // namespace cpr::controller

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_STEP_LIST_H
#define CPR_CONTROLLER_STEP_LIST_H

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace cpr::controller {

// A part of an update. `apply` and `undo` throw Error. `undo` is also called for a step whose own
// apply failed, since a step may fail half-way: it has to look at what there is to undo. Both may
// be empty.
struct Step {
    std::string name;
    std::function<void()> apply;
    std::function<void()> undo;
};

// What a run came to.
struct StepOutcome {
    // The step that failed, and why; nothing if all went well.
    std::string failed_step;
    std::optional<Error> error;
    // Steps that could not be undone, with the reason: "save: ...".
    std::vector<Text> undo_failures;

    bool ok() const { return !error; }
};

// Runs steps in order. Each is recorded before it acts; when one fails, the recorded ones are
// undone in reverse, all of them, even if undoing one fails. Any one thread.
class StepList {
  public:
    // `on_step` is told of each step before it is applied, and may throw Error to stop the run
    // there: that step then counts as failed, and is not undone, since it never began.
    StepList(std::vector<Step> steps, std::function<void(const std::string& name)> on_step)
        : steps_(std::move(steps)), on_step_(std::move(on_step)) {}

    StepOutcome run();

  private:
    void undo(StepOutcome& outcome);

    std::vector<Step> steps_;
    std::function<void(const std::string& name)> on_step_;
    // Indices of the steps that have begun.
    std::vector<size_t> begun_;
};

}  // namespace cpr::controller

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/virsh_plan.h"

#include <algorithm>

namespace cpr::tools {

namespace {

VirshPlan all_stock() {
    return {.is_all_stock = true, .is_interactive = false, .steps = {}};
}

bool is_help_for_update(const Words& words) {
    const std::string name = kUpdateCommandName;
    return words == Words{"help", name} || words == Words{"help", "--command", name} ||
           words == Words{"help", "--command=" + name} || words == Words{"help", "--", name};
}

Step make_update(const Words& words) {
    UpdateCommand command = parse_update_words({words.begin() + 1, words.end()});
    StepKind kind = command.update.help ? StepKind::kUpdateHelp : StepKind::kUpdate;
    return {kind, words, std::move(command)};
}

Step make_step(const Words& words) {
    if (words[0] == kUpdateCommandName) {
        return make_update(words);
    }
    if (is_help_for_update(words)) {
        return {StepKind::kUpdateHelp, words, {}};
    }
    if (words[0] == "help") {
        return {StepKind::kListing, words, {}};
    }
    if (words[0] == "complete") {
        return {StepKind::kComplete, words, {}};
    }
    return {StepKind::kStock, words, {}};
}

bool is_stock(const Step& step) {
    return step.kind == StepKind::kStock;
}

}  // namespace

VirshPlan make_plan(const VirshArguments& arguments) {
    if (!arguments.is_understood) {
        return all_stock();
    }
    if (arguments.help) {
        return {.is_all_stock = false,
                .is_interactive = false,
                .steps = {{StepKind::kListing, {}, {}}}};
    }
    if (arguments.words.empty()) {
        VirshPlan plan = all_stock();
        plan.is_interactive = true;
        return plan;
    }
    // virsh takes a single word as a string of commands, several as one command.
    std::vector<Words> commands{arguments.words};
    if (arguments.words.size() == 1) {
        auto split = split_command_string(arguments.words[0]);
        if (!split) {
            return all_stock();
        }
        commands = std::move(*split);
    }
    VirshPlan plan;
    std::transform(commands.begin(), commands.end(), std::back_inserter(plan.steps), make_step);
    return std::all_of(plan.steps.begin(), plan.steps.end(), is_stock) ? all_stock() : plan;
}

}  // namespace cpr::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_VIRSH_PLAN_H
#define CPR_TOOLS_VIRSH_PLAN_H

#include <string>
#include <vector>

#include "tools/update_words.h"
#include "tools/virsh_arguments.h"
#include "tools/virsh_words.h"

namespace cpr::tools {

enum class StepKind {
    kStock,       // the stock virsh runs it
    kUpdate,      // update-in-place
    kUpdateHelp,  // its help
    kListing,     // a list of commands: the stock virsh's, with ours put in
    kComplete,    // completion for a shell: the stock virsh's, with ours put in
};

struct Step {
    StepKind kind = StepKind::kStock;
    Words words;            // the whole command; of a listing by --help, empty
    UpdateCommand command;  // of an update
};

// What the front end has to do for a command line.
struct VirshPlan {
    // Nothing of ours in it: become the stock virsh, with the command line as it is.
    bool is_all_stock = false;
    // Nothing yet, and what comes is typed: become the stock virsh, with ours put in.
    bool is_interactive = false;
    std::vector<Step> steps;
};

// Throws Error for a wrong use of update-in-place: before anything has been run, as virsh does.
VirshPlan make_plan(const VirshArguments& arguments);

}  // namespace cpr::tools

#endif

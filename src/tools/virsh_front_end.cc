// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/virsh_front_end.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/translate.h"
#include "tools/domain_command.h"
#include "tools/update_command.h"
#include "tools/virsh_help.h"

namespace cpr::tools {

namespace {

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

bool ends_session(const Words& words) {
    return words[0] == "quit" || words[0] == "exit";
}

// The words whose completion is asked for: those after `complete` and its `--`.
Words completed_words(const Words& words) {
    auto first = words.begin() + 1;
    if (first != words.end() && *first == "--") {
        ++first;
    }
    return {first, words.end()};
}

bool run_command(const ConnectionOptions& connection, const UpdateCommand& command, bool quiet) {
    return command.instead.action ? run_domain_request(connection, command.instead, quiet)
                                  : run_update(connection, command.update, quiet);
}

}  // namespace

int VirshFrontEnd::run(const VirshPlan& plan) {
    bool is_done = true;
    for (const Step& step : plan.steps) {
        is_done = run_step(step);
        if (!step.words.empty() && ends_session(step.words)) {
            break;
        }
    }
    return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}

bool VirshFrontEnd::run_step(const Step& step) {
    switch (step.kind) {
        case StepKind::kUpdate:
        case StepKind::kUpdateHelp:
            return run_own(step);
        case StepKind::kListing:
            return run_listing(step);
        case StepKind::kComplete:
            return run_completion(step);
        case StepKind::kStock:
            break;
    }
    return run_stock(step);
}

bool VirshFrontEnd::run_stock(const Step& step) {
    bool is_done = stock_.run(stock_arguments(arguments_, step.words)) == EXIT_SUCCESS;
    follow_connect(arguments_, step.words);
    return is_done;
}

bool VirshFrontEnd::run_own(const Step& step) {
    using Milliseconds = std::chrono::duration<double, std::milli>;
    auto begin = std::chrono::steady_clock::now();
    bool is_done = true;
    if (step.kind == StepKind::kUpdateHelp) {
        print(update_help());
    } else {
        is_done = run_command(arguments_.connection, step.command, arguments_.quiet);
    }
    if (arguments_.timing) {
        Milliseconds taken = std::chrono::steady_clock::now() - begin;
        print(format_text(_("\n(Time: {:.3f} ms)\n\n"), taken.count()));
    } else if (!arguments_.quiet) {
        print("\n");
    }
    return is_done;
}

bool VirshFrontEnd::run_listing(const Step& step) {
    Words words = step.words.empty() ? Words{"--help"} : step.words;
    StockVirsh::Output output = stock_.capture(stock_arguments(arguments_, words));
    print(with_update_listed(output.text));
    return output.status == EXIT_SUCCESS;
}

bool VirshFrontEnd::run_completion(const Step& step) {
    Words words = completed_words(step.words);
    std::string own = words.empty() ? "" : update_completions(words);
    const Words stock_words = words.empty() ? words : stock_completion_words(words);
    if (stock_words.empty() && !words.empty()) {
        print(own);
        return !own.empty();
    }
    Words asked{"complete", "--"};
    asked.insert(asked.end(), stock_words.begin(), stock_words.end());
    StockVirsh::Output output = stock_.capture(stock_arguments(arguments_, asked));
    print(own + output.text);
    return !own.empty() || output.status == EXIT_SUCCESS;
}

}  // namespace cpr::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/update_command.h"

#include <unistd.h>

#include <cstdio>
#include <optional>

#include "base/translate.h"
#include "tools/domain_update.h"
#include "tools/event_thread.h"
#include "tools/interrupt_watch.h"
#include "tools/message.h"
#include "tools/update_report.h"

namespace cpr::tools {

namespace {

void print_lines(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
        std::printf("%s\n", line.c_str());
    }
}

void print_success(const UpdateRequest& request, const JobSummary& job, bool quiet) {
    if (!quiet) {
        std::printf("%s\n", success_line(request, job).c_str());
    }
    if (request.verbose) {
        print_lines(pause_lines(job));
    }
    if (was_paused_too_long(request, job)) {
        print_notice(
            _("the guest was paused for longer than --max-pause: this showed when the new "
              "VMM had it already"));
    }
}

void print_outcome(const UpdateRequest& request, const DomainOutcome& outcome, bool quiet) {
    if (!outcome.json.empty()) {
        std::printf("%s\n", outcome.json.c_str());
        return;
    }
    for (const std::string& line : outcome.errors) {
        print_error(line);
    }
    if (outcome.result == Result::kDone) {
        print_success(request, outcome.job, quiet);
    } else if (outcome.result == Result::kTold) {
        print_lines(info_lines(outcome.job));
    } else if (outcome.result == Result::kStarted && !quiet) {
        std::printf("%s\n", format_text(_("Update {} of domain '{}' started"), outcome.job.id,
                                        request.domain)
                                .c_str());
    } else if (outcome.result == Result::kCancelling && !quiet) {
        std::printf(
            "%s\n",
            format_text(_("Update of domain '{}' is being cancelled"), request.domain).c_str());
    }
}

// Only an update that this program has started, and follows, is cancelled with it.
bool is_cancelled_by_interrupt(const UpdateRequest& request) {
    return !request.info && !request.wait && !request.abort && !request.async;
}

}  // namespace

bool open_session(LibvirtSession& session) {
    if (session.open()) {
        return true;
    }
    print_error(_("failed to connect to the hypervisor"));
    print_error(virGetLastErrorMessage());
    return false;
}

void tell_of_interrupt() {
    print_notice(
        _("cancelling the update; interrupt once more to leave it alone: it then goes on without "
          "this program, and --info tells what became of it"));
}

bool run_update(const ConnectionOptions& connection, const UpdateRequest& request, bool quiet) {
    const EventThread events;
    LibvirtSession session(connection);
    if (!open_session(session)) {
        return false;
    }
    Progress progress(stderr, isatty(STDERR_FILENO));
    CancelWish cancel_wish;
    std::optional<InterruptWatch> watch;
    if (is_cancelled_by_interrupt(request)) {
        watch.emplace([&] {
            tell_of_interrupt();
            cancel_wish.express();
        });
    }
    const DomainOutcome outcome = DomainUpdate(session, request, progress, cancel_wish).run();
    progress.end();
    if (outcome.result == Result::kDone && cancel_wish.is_open()) {
        print_notice(_("it was too late to cancel the update"));
    }
    if (!outcome.history_problem.empty()) {
        print_notice(format_text(_("the update is not in the domain's history: {}"),
                                 outcome.history_problem));
    }
    print_outcome(request, outcome, quiet);
    return outcome.is_success();
}

}  // namespace cpr::tools

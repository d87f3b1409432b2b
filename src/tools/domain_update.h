// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_DOMAIN_UPDATE_H
#define CPR_TOOLS_DOMAIN_UPDATE_H

#include <array>
#include <string>
#include <vector>

#include "tools/cancel_wish.h"
#include "tools/job_summary.h"
#include "tools/libvirt_session.h"
#include "tools/progress.h"
#include "tools/update_request.h"

namespace cpr::tools {

// What came of a request for one domain.
enum class Result {
    kDone,         // updated, or, by a check: it can be
    kTold,         // of the last update
    kStarted,      // and not followed
    kCancelling,   // asked for
    kRefused,      // nothing has happened
    kRolledBack,   // failed later
    kCancelled,    // the guest runs on with the VMM that it had
    kFailed,       // could not be begun, or its end is not known
    kUnsupported,  // the domain has no controller for updates
};

struct DomainOutcome {
    bool is_success() const { return result <= Result::kCancelling; }

    Result result = Result::kFailed;
    // Empty if it is not known.
    JobSummary job = {};
    // Of the job, with the domain's name, if that was asked for.
    std::string json = {};
    // Of docs/errors.md, where there is no job that has it.
    std::string error_code = {};
    // First what failed, then why.
    std::vector<std::string> errors = {};
    // Why an update that is done is not in the domain's history.
    std::string history_problem = {};
};

// Carries out a request for one domain, on one thread. The session is open; it is opened anew if
// libvirt's daemon goes meanwhile.
class DomainUpdate {
  public:
    // All outlive this.
    DomainUpdate(LibvirtSession& session, const UpdateRequest& request, Progress& progress,
                 CancelWish& cancel_wish);

    DomainOutcome run();

  private:
    DomainOutcome update();
    DomainOutcome follow_present();
    DomainOutcome abort();
    DomainOutcome tell_last();
    DomainOutcome unknown_end();
    DomainOutcome failure(const std::string& headline) const;
    DomainOutcome end_of_job();
    void add_json(DomainOutcome& outcome);

    long long start();
    int wait(long long job);
    int follow(long long job);
    long long newest_job();
    bool reconnect();
    void take(JobSummary summary);
    template <typename Answer>
    Answer note_cause(Answer answer);
    template <typename Attempt>
    void retry(Attempt attempt);

    LibvirtSession& session_;
    const UpdateRequest& request_;
    Progress& progress_;
    CancelWish& cancel_wish_;
    Domain domain_;
    std::array<unsigned char, VIR_UUID_BUFLEN> uuid_{};
    JobSummary summary_;
    std::string cause_;
    std::string history_problem_;
    std::string code_;
};

}  // namespace cpr::tools

#endif

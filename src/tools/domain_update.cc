// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/domain_update.h"

#include <libvirt-cpr/libvirt-cpr.h>

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/translate.h"
#include "tools/update_params.h"
#include "tools/update_report.h"

namespace cpr::tools {

namespace {

using Clock = std::chrono::steady_clock;

// libvirt's daemon may be restarted while an update runs, and the update goes on without it. This
// is how long it may take to answer for its domains again.
constexpr std::chrono::seconds kReconnectLimit{30};
constexpr std::chrono::milliseconds kReconnectInterval{500};

constexpr int kNoTimeout = -1;

std::string cpr_error_code() {
    const char* code = virCprGetLastErrorCode();
    return code ? code : "";
}

Result result_of(virDomainCprJobStatus status) {
    switch (status) {
        case VIR_DOMAIN_CPR_JOB_COMPLETED:
            return Result::kDone;
        case VIR_DOMAIN_CPR_JOB_FAILED:
            return Result::kRefused;
        case VIR_DOMAIN_CPR_JOB_ROLLED_BACK:
            return Result::kRolledBack;
        case VIR_DOMAIN_CPR_JOB_CANCELLED:
            return Result::kCancelled;
        default:
            return Result::kFailed;
    }
}

// What a job's report does not have: it is the domain's own.
std::string with_domain(const char* job, virDomainPtr domain) {
    auto object = nlohmann::json::parse(job);
    object["domain"] = virDomainGetName(domain);
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

DomainUpdate::DomainUpdate(LibvirtSession& session, const UpdateRequest& request,
                           Progress& progress, CancelWish& cancel_wish)
    : session_(session), request_(request), progress_(progress), cancel_wish_(cancel_wish) {}

DomainOutcome DomainUpdate::run() {
    domain_ = session_.find_domain(request_.domain);
    if (!domain_) {
        return {.errors = {format_text(_("failed to get domain '{}'"), request_.domain)}};
    }
    virDomainGetUUID(domain_.get(), uuid_.data());
    if (request_.info) {
        return tell_last();
    }
    if (request_.abort) {
        return abort();
    }
    return request_.wait ? follow_present() : update();
}

DomainOutcome DomainUpdate::update() {
    long long job = start();
    if (job < 0) {
        return failure(failure_headline(request_));
    }
    if (request_.async) {
        DomainOutcome outcome{.result = Result::kStarted};
        outcome.job.id = job;
        add_json(outcome);
        return outcome;
    }
    cancel_wish_.set_job(domain_.get());
    const int status = wait(job);
    cancel_wish_.set_job(nullptr);
    return status < 0 ? unknown_end() : end_of_job();
}

// Somebody else's update as well, so an interrupt does not cancel it.
DomainOutcome DomainUpdate::follow_present() {
    const long long job = note_cause(newest_job());
    const std::string headline =
        format_text(_("Failed to wait for the update of domain '{}'"), request_.domain);
    if (job < 0) {
        return failure(headline);
    }
    if (job == 0) {
        cause_ = _("the domain has had no update");
        return failure(headline);
    }
    return wait(job) < 0 ? unknown_end() : end_of_job();
}

DomainOutcome DomainUpdate::abort() {
    if (note_cause(virDomainCprCancel(domain_.get(), 0)) < 0) {
        return failure(
            format_text(_("Failed to cancel the update of domain '{}'"), request_.domain));
    }
    return {.result = Result::kCancelling};
}

// Of the last update, or the one that is under way; nothing is asked of the guest.
DomainOutcome DomainUpdate::tell_last() {
    char* json = nullptr;
    virTypedParameterPtr params = nullptr;
    int count = 0;
    const int status = note_cause(virDomainCprGetJob(domain_.get(), &json, &params, &count, 0));
    if (status < 0) {
        return failure(
            format_text(_("failed to get the last update of domain '{}'"), request_.domain));
    }
    DomainOutcome outcome{
        .result = Result::kTold,
        .job = summarize(static_cast<virDomainCprJobStatus>(status), params, count)};
    if (request_.json) {
        outcome.json = with_domain(json, domain_.get());
    }
    std::free(json);
    virTypedParamsFree(params, count);
    return outcome;
}

DomainOutcome DomainUpdate::unknown_end() {
    DomainOutcome outcome = failure(
        format_text(_("What became of the update of domain '{}' is not known"), request_.domain));
    outcome.result = Result::kFailed;
    outcome.errors.emplace_back(_("the update does not need this program; --info tells of it"));
    return outcome;
}

DomainOutcome DomainUpdate::failure(const std::string& headline) const {
    return {.result = code_ == "unsupported" ? Result::kUnsupported : Result::kFailed,
            .error_code = code_,
            .errors = {headline, cause_}};
}

DomainOutcome DomainUpdate::end_of_job() {
    DomainOutcome outcome{
        .result = result_of(summary_.status), .job = summary_, .history_problem = history_problem_};
    add_json(outcome);
    if (!outcome.is_success()) {
        outcome.errors = failure_lines(request_, summary_);
    }
    return outcome;
}

void DomainUpdate::add_json(DomainOutcome& outcome) {
    if (request_.json) {
        outcome.json = tell_last().json;
    }
}

// The job's number, or -1.
long long DomainUpdate::start() {
    const long long last_job = newest_job();
    const UpdateParams params(request_);
    unsigned int flags = request_.check ? VIR_DOMAIN_CPR_UPDATE_CHECK : 0;
    long long job =
        note_cause(virDomainCprUpdate(domain_.get(), params.data(), params.size(), flags));
    if (job >= 0 || session_.is_alive()) {
        return job;
    }
    // The daemon went while it had the request: whether it passed it on shows in the jobs.
    retry([&] { return (job = newest_job()) >= 0; });
    return last_job >= 0 && job > last_job ? job : -1;
}

// The final status, or -1.
int DomainUpdate::wait(long long job) {
    int status = note_cause(follow(job));
    if (status < 0 && !session_.is_alive()) {
        cancel_wish_.set_job(nullptr);
        retry([&] {
            cancel_wish_.set_job(request_.wait ? nullptr : domain_.get());
            status = note_cause(follow(job));
            return status >= 0 || virCprGetLastErrorCode();
        });
    }
    return status;
}

int DomainUpdate::follow(long long job) {
    auto on_change = [](virDomainPtr, virDomainCprJobStatus status, virTypedParameterPtr params,
                        int nparams, void* opaque) {
        static_cast<DomainUpdate*>(opaque)->take(summarize(status, params, nparams));
    };
    const int status = virDomainCprWait(domain_.get(), job, kNoTimeout, on_change, this, 0);
    if (status == VIR_DOMAIN_CPR_JOB_COMPLETED && virCprGetLastError()) {
        history_problem_ = virCprGetLastErrorMessage();
    }
    return status;
}

// The number of the domain's newest job, 0 if there was none yet, -1 if that is not known.
long long DomainUpdate::newest_job() {
    virTypedParameterPtr params = nullptr;
    int count = 0;
    if (virDomainCprGetJob(domain_.get(), nullptr, &params, &count, 0) < 0) {
        return -1;
    }
    unsigned long long id = 0;
    virTypedParamsGetULLong(params, count, VIR_DOMAIN_CPR_JOB_FIELD_ID, &id);
    virTypedParamsFree(params, count);
    return static_cast<long long>(id);
}

void DomainUpdate::take(JobSummary summary) {
    summary_ = std::move(summary);
    if (request_.verbose) {
        progress_.show(summary_);
    }
}

bool DomainUpdate::reconnect() {
    domain_.reset();
    if (session_.open()) {
        domain_ = session_.find_domain(uuid_.data());
    }
    return domain_ != nullptr;
}

// Keeps why a call failed, since later calls forget it.
template <typename Answer>
Answer DomainUpdate::note_cause(Answer answer) {
    if (answer < 0) {
        cause_ = virCprGetLastErrorMessage();
        code_ = cpr_error_code();
    }
    return answer;
}

// Connects again and calls `attempt`, until it returns true or the time is over.
template <typename Attempt>
void DomainUpdate::retry(Attempt attempt) {
    for (auto limit = Clock::now() + kReconnectLimit; Clock::now() < limit;) {
        std::this_thread::sleep_for(kReconnectInterval);
        if (reconnect() && attempt()) {
            return;
        }
    }
}

}  // namespace cpr::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/update_command.h"

#include <libvirt-cpr/libvirt-cpr.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tools/cancel_wish.h"
#include "tools/i18n.h"
#include "tools/interrupt_watch.h"
#include "tools/job_summary.h"
#include "tools/message.h"
#include "tools/progress.h"
#include "tools/update_report.h"

namespace cpr::tools {

namespace {

using Clock = std::chrono::steady_clock;

// libvirt's daemon may be restarted while an update runs, and the update goes on without it. This
// is how long it may take to answer for its domains again.
constexpr std::chrono::seconds kReconnectLimit{30};
constexpr std::chrono::milliseconds kReconnectInterval{500};

constexpr int kNoTimeout = -1;
constexpr unsigned int kMillisecondsPerSecond = 1000;

std::string cpr_error_message() {
    const virError* error = virCprGetLastError();
    return error && error->message ? error->message : _("unknown error");
}

class UpdateRun {
  public:
    UpdateRun(const ConnectionOptions& connection, const UpdateRequest& request, bool quiet)
        : session_(connection),
          request_(request),
          quiet_(quiet),
          progress_(stderr, isatty(STDERR_FILENO)) {}

    bool run() {
        if (!session_.open()) {
            print_error(_("failed to connect to the hypervisor"));
            print_error(virGetLastErrorMessage());
            return false;
        }
        domain_ = session_.find_domain(request_.domain);
        if (!domain_) {
            print_error(format_text(_("failed to get domain '{}'"), request_.domain));
            return false;
        }
        virDomainGetUUID(domain_.get(), uuid_.data());
        return request_.info ? tell_last() : update();
    }

  private:
    bool update() {
        InterruptWatch watch([this] { cancel_wish_.express(); });
        long long job = start();
        if (job < 0) {
            return tell_failure(failure_headline(request_));
        }
        cancel_wish_.set_job(domain_.get());
        if (wait(job) < 0) {
            tell_failure(format_text(_("What became of the update of domain '{}' is not known"),
                                     request_.domain));
            print_error(_("the update does not need this program; --info tells of it"));
            return false;
        }
        return report();
    }

    bool tell_failure(const std::string& headline) {
        progress_.end();
        print_error(headline);
        print_error(cause_);
        return false;
    }

    // Tells of the last update, or the one that is under way; nothing is asked of the guest.
    bool tell_last() {
        char* json = nullptr;
        virTypedParameterPtr params = nullptr;
        int count = 0;
        int status = virDomainCprGetJob(domain_.get(), &json, &params, &count, 0);
        if (status < 0) {
            print_error(
                format_text(_("failed to get the last update of domain '{}'"), request_.domain));
            print_error(cpr_error_message());
            return false;
        }
        if (request_.json) {
            std::printf("%s\n", json);
        } else {
            auto job = summarize(static_cast<virDomainCprJobStatus>(status), params, count);
            for (const std::string& line : info_lines(job)) {
                std::printf("%s\n", line.c_str());
            }
        }
        std::free(json);
        virTypedParamsFree(params, count);
        return true;
    }

    // The job's number, or -1.
    long long start() {
        long long last_job = newest_job();
        const char* emulator = request_.emulator.empty() ? nullptr : request_.emulator.c_str();
        unsigned int flags = request_.check ? VIR_DOMAIN_CPR_UPDATE_CHECK : 0;
        long long job = note_cause(virDomainCprUpdate(
            domain_.get(), emulator, request_.timeout_seconds * kMillisecondsPerSecond, flags));
        if (job >= 0 || session_.is_alive()) {
            return job;
        }
        // The daemon went while it had the request: whether it passed it on shows in the jobs.
        retry([&] { return (job = newest_job()) >= 0; });
        return last_job >= 0 && job > last_job ? job : -1;
    }

    // The final status, or -1.
    int wait(long long job) {
        int status = note_cause(follow(job));
        if (status < 0 && !session_.is_alive()) {
            cancel_wish_.set_job(nullptr);
            retry([&] {
                cancel_wish_.set_job(domain_.get());
                status = note_cause(follow(job));
                return status >= 0 || virCprGetLastErrorCode();
            });
        }
        return status;
    }

    // Keeps why a call failed, since later calls forget it.
    template <typename Result>
    Result note_cause(Result result) {
        if (result < 0) {
            cause_ = cpr_error_message();
        }
        return result;
    }

    // Connects again and calls `attempt`, until it returns true or the time is over.
    template <typename Attempt>
    void retry(Attempt attempt) {
        for (auto limit = Clock::now() + kReconnectLimit; Clock::now() < limit;) {
            std::this_thread::sleep_for(kReconnectInterval);
            if (reconnect() && attempt()) {
                return;
            }
        }
    }

    // The number of the domain's newest job, 0 if there was none yet, -1 if that is not known.
    long long newest_job() {
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

    int follow(long long job) {
        auto on_change = [](virDomainPtr, virDomainCprJobStatus status, virTypedParameterPtr params,
                            int nparams, void* opaque) {
            static_cast<UpdateRun*>(opaque)->take(summarize(status, params, nparams));
        };
        return virDomainCprWait(domain_.get(), job, kNoTimeout, on_change, this, 0);
    }

    void take(JobSummary summary) {
        summary_ = std::move(summary);
        if (request_.verbose) {
            progress_.show(summary_);
        }
    }

    bool reconnect() {
        domain_.reset();
        if (session_.open()) {
            domain_ = session_.find_domain(uuid_.data());
        }
        return domain_ != nullptr;
    }

    bool report() {
        if (request_.json) {
            return tell_last() && summary_.status == VIR_DOMAIN_CPR_JOB_COMPLETED;
        }
        if (summary_.status != VIR_DOMAIN_CPR_JOB_COMPLETED) {
            for (const std::string& line : failure_lines(request_, summary_)) {
                print_error(line);
            }
            return false;
        }
        if (cancel_wish_.is_open()) {
            print_notice(_("it was too late to cancel the update"));
        }
        if (!quiet_) {
            std::printf("%s\n", success_line(request_, summary_).c_str());
        }
        if (request_.verbose) {
            for (const std::string& line : pause_lines(summary_)) {
                std::printf("%s\n", line.c_str());
            }
        }
        return true;
    }

    LibvirtSession session_;
    UpdateRequest request_;
    bool quiet_;
    Progress progress_;
    Domain domain_;
    std::array<unsigned char, VIR_UUID_BUFLEN> uuid_{};
    CancelWish cancel_wish_;
    JobSummary summary_;
    std::string cause_;
};

}  // namespace

bool run_update(const ConnectionOptions& connection, const UpdateRequest& request, bool quiet) {
    return UpdateRun(connection, request, quiet).run();
}

}  // namespace cpr::tools

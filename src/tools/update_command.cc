// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/update_command.h"

#include <libvirt-cpr/libvirt-cpr.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <thread>

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
        return update();
    }

  private:
    bool update() {
        const char* emulator = request_.emulator.empty() ? nullptr : request_.emulator.c_str();
        unsigned int flags = request_.check ? VIR_DOMAIN_CPR_UPDATE_CHECK : 0;
        long long job = virDomainCprUpdate(domain_.get(), emulator, flags);
        if (job < 0) {
            return fail_without_job();
        }
        if (wait(job) < 0) {
            progress_.end();
            return fail_without_job();
        }
        return report();
    }

    // The final status, or -1.
    int wait(long long job) {
        int status = follow(job);
        if (status >= 0 || session_.is_alive()) {
            return status;
        }
        for (auto limit = Clock::now() + kReconnectLimit; Clock::now() < limit;) {
            std::this_thread::sleep_for(kReconnectInterval);
            if (reconnect() && (status = follow(job)) >= 0) {
                return status;
            }
        }
        return status;
    }

    int follow(long long job) {
        auto on_change = [](virDomainPtr, virDomainCprJobStatus status, virTypedParameterPtr params,
                            int nparams, void* opaque) {
            static_cast<UpdateRun*>(opaque)->take(summarize(status, params, nparams));
        };
        InterruptWatch watch([this] { virDomainCprCancel(domain_.get(), 0); });
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

    bool fail_without_job() {
        std::string cause = cpr_error_message();
        print_error(failure_headline(request_));
        print_error(cause);
        return false;
    }

    bool report() {
        if (summary_.status != VIR_DOMAIN_CPR_JOB_COMPLETED) {
            for (const std::string& line : failure_lines(request_, summary_)) {
                print_error(line);
            }
            return false;
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
    JobSummary summary_;
};

}  // namespace

bool run_update(const ConnectionOptions& connection, const UpdateRequest& request, bool quiet) {
    return UpdateRun(connection, request, quiet).run();
}

}  // namespace cpr::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
// The C boundary of liblibvirt-cpr: arguments are checked here, and no exception passes it.
#pragma GCC visibility push(default)
#include <libvirt-cpr/libvirt-cpr.h>
#pragma GCC visibility pop

#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/translate.h"
#include "client/blocker_list.h"
#include "client/boundary.h"
#include "client/c_string.h"
#include "client/flat_params.h"
#include "client/history.h"
#include "client/job.h"
#include "client/job_wait.h"
#include "client/job_watch.h"
#include "client/last_error.h"
#include "client/monitor.h"
#include "client/thread_placement.h"
#include "client/update_options.h"
#include "client/watch_table.h"

namespace {

using cpr::client::at_boundary;
using cpr::client::CallError;
using cpr::client::check_domain;
using cpr::client::check_flags;
using cpr::client::check_params;
using cpr::client::Clock;
using cpr::client::Job;
using cpr::client::JobWatch;
using cpr::client::LastError;
using cpr::client::Monitor;
using cpr::client::TypedParams;
using cpr::client::UpdateOptions;
using cpr::client::WatchTable;

constexpr int kNoLimit = -1;

std::optional<Clock::time_point> deadline_after(int timeout) {
    if (timeout == kNoLimit) {
        return std::nullopt;
    }
    if (timeout < 0) {
        throw CallError("invalid-argument", cpr::format_text(_("timeout {} is negative"), timeout));
    }
    return Clock::now() + std::chrono::milliseconds(timeout);
}

// The update that nobody has followed to its end is known until the next job begins, and no longer.
long long start_job(virDomainPtr domain, const UpdateOptions& options) {
    cpr::client::record_last_update(domain);
    UpdateOptions request = options;
    // A controller that is older than this parameter has refused nothing for its sake.
    request.place_threads =
        cpr::client::can_place_threads(domain) && cpr::client::has_tuned_threads(domain);
    return Monitor(domain).start_update(request);
}

// After an update's end: its outcome stands, whatever becomes of this.
template <typename Deed>
void or_warn(Deed deed) {
    try {
        deed();
    } catch (const CallError& error) {
        LastError::of_this_thread().set_warning(error);
    } catch (const std::exception& error) {
        LastError::of_this_thread().set_warning(
            CallError("internal", cpr::translation_of(cpr::text_of(error))));
    }
}

int report_outcome(virDomainPtr domain, const Job& job) {
    if (auto error = job.error()) {
        LastError::of_this_thread().set(*error);
    }
    or_warn([&] { place_threads_after(domain, job); });
    or_warn([&] { record_update(domain, job); });
    return job.status();
}

// What comes from the domain's host may have bytes that are no text.
std::string text_of(const nlohmann::json& data) {
    return data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Tells a C caller of a job by its callback.
void tell(virDomainCprJobCallback cb, virDomainPtr domain, const Job& job, void* opaque) {
    TypedParams params = job.params();
    cb(domain, job.status(), params.data(), params.size(), opaque);
}

}  // namespace

/**
 * virDomainCprCheck:
 * @domain: a running domain
 * @params: how it would be updated (VIR_DOMAIN_CPR_PARAM_*), or NULL
 * @nparams: number of @params
 * @blockers: where to store what is in the way of an update, or NULL
 * @flags: extra flags; none are known, pass 0
 *
 * Validates whether @domain could be updated in place now, and waits for the
 * answer: as long as the domain's host takes, seconds at most as a rule.
 * Nothing about the guest is changed. Must not be called from the thread that
 * runs the event loop.
 *
 * @blockers becomes a list that ends with NULL, also if there are none, and is
 * freed by virDomainCprBlockerListFree(). A domain can be refused without
 * blockers, as when the new VMM cannot load its state. In case of error
 * @blockers is left alone. virDomainCprGetJob() has the versions that were
 * compared.
 *
 * Returns 1 if it could be updated, 0 if not (virCprGetLastError() says why),
 * -1 in case of error: among others VIR_ERR_INVALID_ARG for parameters or
 * flags that are not known, VIR_ERR_OPERATION_DENIED ("not-allowed") if the
 * domain's policy does not allow it, VIR_ERR_RESOURCE_BUSY ("job-active") if
 * an update or a check of the domain is under way, VIR_ERR_OPERATION_INVALID
 * ("invalid-state") if somebody else's followed so soon that the answer is
 * lost, VIR_ERR_OPERATION_UNSUPPORTED ("unsupported") for a domain that was
 * not started by virt-cpr-emulator, or an error of libvirt's.
 *
 * Since: 0.1.0
 */
int virDomainCprCheck(virDomainPtr domain, virTypedParameterPtr params, int nparams,
                      virDomainCprBlockerPtr** blockers, unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprCheck", flags, 0);
        UpdateOptions options = cpr::client::read_update_options(params, nparams);
        options.check_only = true;
        long long id = start_job(domain, options);
        Job job = cpr::client::wait_for_job(domain, id, std::nullopt, [](const Job&) {});
        if (blockers) {
            *blockers = cpr::client::make_blocker_list(job.blockers()).release();
        }
        return report_outcome(domain, job) == VIR_DOMAIN_CPR_JOB_COMPLETED ? 1 : 0;
    });
}

/**
 * virDomainCprBlockerListFree:
 * @blockers: a list of virDomainCprCheck(), or NULL
 *
 * Frees a list of blockers with all that is in it.
 *
 * Since: 0.1.0
 */
void virDomainCprBlockerListFree(virDomainCprBlockerPtr* blockers) {
    cpr::client::FreeBlockerList()(blockers);
}

/**
 * virDomainCprUpdate:
 * @domain: a running domain
 * @params: how to update it (VIR_DOMAIN_CPR_PARAM_*), or NULL
 * @nparams: number of @params
 * @flags: bitwise-OR of virDomainCprUpdateFlags
 *
 * Starts a job that replaces the VMM under the guest of @domain, and returns
 * at once. The guest is stopped for a moment, is not moved, and keeps its
 * memory and its passthrough devices. A job that fails leaves the guest
 * running on the VMM that it has, whether somebody follows it or not. Follow
 * the job by virDomainCprWait() or virDomainCprEventRegister().
 *
 * Returns the number of the job, greater than 0, or -1 in case of error:
 * among others VIR_ERR_INVALID_ARG for parameters or flags that are not
 * known, VIR_ERR_OPERATION_DENIED ("not-allowed") if the domain's policy does
 * not allow it, VIR_ERR_RESOURCE_BUSY ("job-active") if an update of the
 * domain is under way, VIR_ERR_OPERATION_UNSUPPORTED ("unsupported") for a domain that
 * was not started by virt-cpr-emulator, or an error of libvirt's.
 *
 * Since: 0.1.0
 */
long long virDomainCprUpdate(virDomainPtr domain, virTypedParameterPtr params, int nparams,
                             unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprUpdate", flags, VIR_DOMAIN_CPR_UPDATE_CHECK);
        UpdateOptions options = cpr::client::read_update_options(params, nparams);
        options.check_only = flags & VIR_DOMAIN_CPR_UPDATE_CHECK;
        return start_job(domain, options);
    });
}

/**
 * virDomainCprGetJob:
 * @domain: a running domain
 * @json: where to store the job as a JSON object, or NULL
 * @params: where to store the job as typed parameters, or NULL
 * @nparams: number of @params, or NULL if @params is
 * @flags: extra flags; none are known, pass 0
 *
 * Tells about the update job of @domain that is under way, or else about the
 * last one since its VMM was first started (VIR_DOMAIN_CPR_JOB_FIELD_*); the
 * guest is not asked. The caller frees @json by free() and @params by
 * virTypedParamsFree(). In case of error they are left alone.
 *
 * Returns the status of the job (virDomainCprJobStatus), or -1 in case of
 * error: VIR_ERR_INVALID_ARG, VIR_ERR_OPERATION_UNSUPPORTED ("unsupported")
 * for a domain that was not started by virt-cpr-emulator, or an error of
 * libvirt's.
 *
 * Since: 0.1.0
 */
int virDomainCprGetJob(virDomainPtr domain, char** json, virTypedParameterPtr* params, int* nparams,
                       unsigned int flags) {
    return at_boundary([&]() -> int {
        check_domain(domain);
        check_flags("virDomainCprGetJob", flags, 0);
        check_params(params, nparams);
        Job job = Monitor(domain).query_job();
        TypedParams list = job.params();
        if (json) {
            *json = cpr::client::copy_for_caller(job.json_text()).release();
        }
        if (params) {
            *nparams = list.size();
            *params = list.release();
        }
        return job.status();
    });
}

/**
 * virDomainCprGetStats:
 * @domain: a running domain
 * @json: where to store the statistics as a JSON object, or NULL
 * @params: where to store the statistics as typed parameters, or NULL
 * @nparams: number of @params, or NULL if @params is
 * @flags: extra flags; none are known, pass 0
 *
 * Tells how many updates and checks @domain has had since its VMM was first
 * started, whoever asked for them, by their end ("updates.completed",
 * ".failed", ".rolled-back" and ".cancelled"; "checks." the same), how long
 * they paused the guest ("pauses.total", and "pauses.save", ".exec", ".load"
 * and ".resume", each with ".count", ".sum-ns", and "pauses.total.buckets.N.le-ns"
 * with ".count" of those that were no longer), what it runs on
 * ("running.binary", and "running.version" if a job has found out), and what
 * is configured for it now ("configured.binary"): "outdated" is true if that
 * is another file. If that is not known, "error.code" and "error.desc" say
 * why. The guest is not asked. The caller frees @json by free() and @params by
 * virTypedParamsFree(). In case of error they are left alone.
 *
 * Returns 0, or -1 in case of error: VIR_ERR_INVALID_ARG,
 * VIR_ERR_OPERATION_UNSUPPORTED ("unsupported") for a domain that was not
 * started by virt-cpr-emulator, or an error of libvirt's.
 *
 * Since: 0.1.0
 */
int virDomainCprGetStats(virDomainPtr domain, char** json, virTypedParameterPtr* params,
                         int* nparams, unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprGetStats", flags, 0);
        check_params(params, nparams);
        const auto stats = Monitor(domain).query_stats();
        TypedParams list = cpr::client::flattened(stats);
        if (json) {
            *json = cpr::client::copy_for_caller(text_of(stats)).release();
        }
        if (params) {
            *nparams = list.size();
            *params = list.release();
        }
        return 0;
    });
}

/**
 * virDomainCprWait:
 * @domain: a running domain
 * @jobid: the job, as virDomainCprUpdate() returned it
 * @timeout: how long to wait in milliseconds, or -1 for no limit
 * @cb: called for each change of phase or status, or NULL
 * @opaque: passed to @cb
 * @flags: extra flags; none are known, pass 0
 *
 * Waits for the end of a job, and calls @cb in the calling thread meanwhile.
 * Progress comes by events if the application runs an event loop in another
 * thread (virEventRunDefaultImpl()), and by asking at short intervals
 * otherwise. Must not be called from the thread that runs the event loop. A
 * job that has not ended at the timeout goes on. Root on the domain's host
 * puts its threads in place afterwards (virDomainCprPlaceThreads()), and a
 * completed update is added to the domain's history; if one of these fails,
 * virCprGetLastError() is a warning (VIR_ERR_WARNING) that says why.
 *
 * Returns the final status of the job (virDomainCprJobStatus), with
 * virCprGetLastError() saying why if it is not VIR_DOMAIN_CPR_JOB_COMPLETED;
 * -1 if the outcome is not known: VIR_ERR_OPERATION_TIMEOUT ("timeout") if the
 * wait timed out, VIR_ERR_OPERATION_INVALID ("invalid-state") if the domain
 * has begun another job since, or an error of libvirt's.
 *
 * Since: 0.1.0
 */
int virDomainCprWait(virDomainPtr domain, long long jobid, int timeout, virDomainCprJobCallback cb,
                     void* opaque, unsigned int flags) {
    return at_boundary([&]() -> int {
        check_domain(domain);
        check_flags("virDomainCprWait", flags, 0);
        auto on_news = [&](const Job& job) {
            if (cb) {
                tell(cb, domain, job, opaque);
            }
        };
        Job job = cpr::client::wait_for_job(domain, jobid, deadline_after(timeout), on_news);
        return report_outcome(domain, job);
    });
}

/**
 * virDomainCprPlaceThreads:
 * @domain: a running domain
 * @flags: extra flags; none are known, pass 0
 *
 * Puts the threads of @domain's VMM into the control groups that libvirt made
 * for its vCPUs and I/O threads, on the processors that vCPUs are pinned to,
 * and under the scheduling of <cputune>: libvirt does so with the first VMM
 * of a domain alone. virDomainCprWait() does it by itself where the caller is
 * root on the domain's host, and its connection without a detour, as
 * qemu:///system; nobody else may. This is for updates that nobody waited for,
 * and for a tuning that was changed since.
 *
 * Returns 0, or -1 in case of error: VIR_ERR_OPERATION_DENIED
 * ("not-privileged"), VIR_ERR_OPERATION_INVALID ("invalid-state") if the VMM's
 * process is not where libvirt has put it, or an error of libvirt's.
 *
 * Since: 0.1.0
 */
int virDomainCprPlaceThreads(virDomainPtr domain, unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprPlaceThreads", flags, 0);
        cpr::client::place_threads(domain);
        return 0;
    });
}

/**
 * virDomainCprCancel:
 * @domain: a running domain
 * @flags: extra flags; none are known, pass 0
 *
 * Asks the update job of @domain to stop, and returns at once. The job ends
 * as VIR_DOMAIN_CPR_JOB_CANCELLED, or as what it became if it is too late.
 *
 * Returns 0, or -1 in case of error: VIR_ERR_OPERATION_INVALID if there is no
 * job to cancel ("no-job") or the guest runs on the new VMM already
 * ("invalid-state"), or an error of libvirt's.
 *
 * Since: 0.1.0
 */
int virDomainCprCancel(virDomainPtr domain, unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprCancel", flags, 0);
        Monitor(domain).cancel();
        return 0;
    });
}

/**
 * virDomainCprEventRegister:
 * @domain: a running domain
 * @cb: called for each change of phase or status of a job of @domain
 * @opaque: passed to @cb
 * @freecb: called with @opaque when @cb is called no more, or NULL
 * @flags: extra flags; none are known, pass 0
 *
 * Tells of the update jobs of @domain from now on, whoever starts them.
 * Progress comes by events if the application runs an event loop
 * (virEventRunDefaultImpl()), and by asking at short intervals otherwise:
 * phases that are over between two questions are left out then, and so is a
 * whole job if another one follows it at once.
 *
 * The library calls @cb and @freecb from a thread of its own, one for each
 * registration: one at a time for one registration, at the same time for
 * several. @cb may call every function of this library and of libvirt's,
 * virDomainCprEventDeregister() as well. A reference to @domain is kept up to
 * @freecb.
 *
 * It ends when it is deregistered, and by itself when the domain does not run
 * any more or the connection is lost: @freecb is called then, once in all.
 *
 * Returns the number of the registration, 0 or greater, for
 * virDomainCprEventDeregister(), or -1 in case of error, and then neither @cb
 * nor @freecb is called: VIR_ERR_INVALID_ARG, VIR_ERR_OPERATION_UNSUPPORTED
 * ("unsupported") for a domain that was not started by virt-cpr-emulator, or
 * an error of libvirt's.
 *
 * Since: 0.1.0
 */
int virDomainCprEventRegister(virDomainPtr domain, virDomainCprJobCallback cb, void* opaque,
                              virFreeCallback freecb, unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprEventRegister", flags, 0);
        if (!cb) {
            throw CallError("invalid-argument", _("the callback must not be NULL"));
        }
        JobWatch::Handlers handlers{
            [=](virDomainPtr of, const Job& job) { tell(cb, of, job, opaque); },
            [=] {
                if (freecb) {
                    freecb(opaque);
                }
            }};
        return WatchTable::of_process().add(JobWatch::start(domain, std::move(handlers)));
    });
}

/**
 * virDomainCprEventDeregister:
 * @domain: the domain that was given to virDomainCprEventRegister(), or another
 *          reference to it
 * @callbackid: what virDomainCprEventRegister() returned
 * @flags: extra flags; none are known, pass 0
 *
 * Ends a registration. When this returns the callback does not run and is not
 * called again, unless it is the callback that calls this. It does not wait
 * for libvirt: the registration's free callback may be called a little later,
 * from its thread.
 *
 * Returns 0, or -1 in case of error: VIR_ERR_INVALID_ARG if there is no such
 * registration of @domain.
 *
 * Since: 0.1.0
 */
int virDomainCprEventDeregister(virDomainPtr domain, int callbackid, unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprEventDeregister", flags, 0);
        WatchTable::of_process().take(callbackid, domain)->stop();
        return 0;
    });
}

/**
 * virCprGetLastError:
 *
 * libvirt has no public way to set its own last error, so this library keeps
 * one: libvirt's error unchanged if libvirt failed, else one of its own with
 * the domain VIR_FROM_QEMU and the closest of libvirt's codes.
 *
 * Returns the error of the last call that this thread made, or NULL if it
 * succeeded. It belongs to the library and is valid until the thread's next
 * call.
 *
 * Since: 0.1.0
 */
virErrorPtr virCprGetLastError(void) {
    return LastError::of_this_thread().get();
}

/**
 * virCprGetLastErrorCode:
 *
 * Returns the stable code of the error of the last call that this thread made
 * ("blocked", "job-active", ...; errors.md has them all), or NULL if the call
 * succeeded or the error is libvirt's own. Valid until the thread's next call.
 *
 * Since: 0.1.0
 */
const char* virCprGetLastErrorCode(void) {
    return LastError::of_this_thread().code();
}

/**
 * virCprGetLastErrorMessage:
 *
 * Returns the text of the error of the last call that this thread made, or
 * "no error". Never NULL. Valid until the thread's next call.
 *
 * Since: 0.1.0
 */
const char* virCprGetLastErrorMessage(void) {
    const virError* error = LastError::of_this_thread().get();
    return error && error->message ? error->message : _("no error");
}

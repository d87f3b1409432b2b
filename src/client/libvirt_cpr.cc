// SPDX-License-Identifier: LGPL-2.1-or-later
// The C boundary of liblibvirt-cpr: arguments are checked here, and no exception passes it.
#pragma GCC visibility push(default)
#include <libvirt-cpr/libvirt-cpr.h>
#pragma GCC visibility pop

#include <fmt/format.h>

#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "client/job.h"
#include "client/job_wait.h"
#include "client/last_error.h"
#include "client/monitor.h"

namespace {

using cpr::client::CallError;
using cpr::client::Clock;
using cpr::client::Job;
using cpr::client::LastError;
using cpr::client::Monitor;
using cpr::client::TypedParams;

constexpr int kNoLimit = -1;
constexpr unsigned int kNoTimeout = 0;

// Runs `body`, and turns whatever it throws into the thread's last error and -1.
template <typename Body>
auto at_boundary(Body body) noexcept -> decltype(body()) {
    LastError& last_error = LastError::of_this_thread();
    last_error.clear();
    try {
        return body();
    } catch (const CallError& error) {
        last_error.set(error);
    } catch (const std::exception& error) {
        last_error.set(CallError("internal", error.what()));
    } catch (...) {
        last_error.set(CallError("internal", "an unknown exception"));
    }
    return -1;
}

void check_domain(virDomainPtr domain) {
    if (!domain) {
        throw CallError("invalid-argument", "the domain must not be NULL");
    }
}

void check_flags(const char* function, unsigned int flags, unsigned int known) {
    if (flags & ~known) {
        throw CallError("invalid-argument", fmt::format("unsupported flags ({:#x}) in function {}",
                                                        flags & ~known, function));
    }
}

std::string checked_emulator(const char* emulator) {
    if (!emulator) {
        return "";
    }
    // The path is one of the host on which the guest runs, which need not be this one, so it is
    // neither completed nor looked up here.
    if (emulator[0] != '/') {
        throw CallError("invalid-argument",
                        fmt::format("'{}' is no absolute path of an emulator", emulator));
    }
    return emulator;
}

std::optional<Clock::time_point> deadline_after(int timeout) {
    if (timeout == kNoLimit) {
        return std::nullopt;
    }
    if (timeout < 0) {
        throw CallError("invalid-argument", fmt::format("timeout {} is negative", timeout));
    }
    return Clock::now() + std::chrono::milliseconds(timeout);
}

int report_outcome(const Job& job) {
    if (auto error = job.error()) {
        LastError::of_this_thread().set(*error);
    }
    return job.status();
}

char* copy_for_caller(const std::string& text) {
    char* copy = strdup(text.c_str());
    if (!copy) {
        throw std::bad_alloc();
    }
    return copy;
}

}  // namespace

/**
 * virDomainCprCheck:
 * @domain: a running domain
 * @emulator: absolute path of the new VMM on the domain's host, or NULL for
 *            the one that the host's emulators.conf names
 * @flags: extra flags; none are known, pass 0
 *
 * Validates whether @domain could be updated in place now, and waits for the
 * answer. Nothing about the guest is changed. Must not be called from the
 * thread that runs the event loop.
 *
 * Returns 1 if it could, 0 if not (virCprGetLastError() says why, and
 * virDomainCprGetJob() has the list of what is in the way), -1 in case of
 * error.
 *
 * Since: 0.1.0
 */
int virDomainCprCheck(virDomainPtr domain, const char* emulator, unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprCheck", flags, 0);
        long long id = Monitor(domain).start_update(checked_emulator(emulator), kNoTimeout, true);
        Job job = cpr::client::wait_for_job(domain, id, std::nullopt, [](const Job&) {});
        return report_outcome(job) == VIR_DOMAIN_CPR_JOB_COMPLETED ? 1 : 0;
    });
}

/**
 * virDomainCprUpdate:
 * @domain: a running domain
 * @emulator: absolute path of the new VMM on the domain's host, or NULL for
 *            the one that the host's emulators.conf names
 * @timeout: how long the update may take up to the guest's entry, in
 *           milliseconds, or 0 for as long as its steps may
 * @flags: bitwise-OR of virDomainCprUpdateFlags
 *
 * Starts a job that replaces the VMM under the guest of @domain, and returns
 * at once. The guest is stopped for a moment, is not moved, and keeps its
 * memory and its passthrough devices. A job that fails leaves the guest
 * running on the VMM that it has, and so does one that takes longer than
 * @timeout, whether somebody follows it or not. Follow the job by
 * virDomainCprWait().
 *
 * Returns the number of the job, greater than 0, or -1 in case of error.
 *
 * Since: 0.1.0
 */
long long virDomainCprUpdate(virDomainPtr domain, const char* emulator, unsigned int timeout,
                             unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprUpdate", flags, VIR_DOMAIN_CPR_UPDATE_CHECK);
        return Monitor(domain).start_update(checked_emulator(emulator), timeout,
                                            flags & VIR_DOMAIN_CPR_UPDATE_CHECK);
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
 * last one since its VMM was first started. The caller frees @json by free()
 * and @params by virTypedParamsFree().
 *
 * Returns the status of the job (virDomainCprJobStatus), or -1 in case of
 * error.
 *
 * Since: 0.1.0
 */
int virDomainCprGetJob(virDomainPtr domain, char** json, virTypedParameterPtr* params, int* nparams,
                       unsigned int flags) {
    return at_boundary([&]() -> int {
        check_domain(domain);
        check_flags("virDomainCprGetJob", flags, 0);
        if (!params != !nparams) {
            throw CallError("invalid-argument", "params and nparams must both be given or NULL");
        }
        Job job = Monitor(domain).query_job();
        TypedParams list = job.params();
        if (json) {
            *json = copy_for_caller(job.json_text());
        }
        if (params) {
            *nparams = list.size();
            *params = list.release();
        }
        return job.status();
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
 * Waits for the end of a job. Progress comes by events if the application
 * runs an event loop in another thread (virEventRunDefaultImpl()), and by
 * asking at short intervals otherwise. Must not be called from the thread
 * that runs the event loop. A job that has not ended at the timeout goes on.
 *
 * Returns the final status of the job (virDomainCprJobStatus), with
 * virCprGetLastError() saying why if it is not VIR_DOMAIN_CPR_JOB_COMPLETED;
 * -1 if the outcome is not known: the wait timed out (VIR_ERR_OPERATION_TIMEOUT)
 * or failed.
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
                TypedParams params = job.params();
                cb(domain, job.status(), params.data(), params.size(), opaque);
            }
        };
        Job job = cpr::client::wait_for_job(domain, jobid, deadline_after(timeout), on_news);
        return report_outcome(job);
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
 * Returns 0, or -1 in case of error, also if there is no job to cancel
 * ("no-job") or the guest runs on the new VMM already ("invalid-state").
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
 * ("blocked", "job-active", ...), or NULL if the call succeeded or the error
 * is libvirt's own. Valid until the thread's next call.
 *
 * Since: 0.1.0
 */
const char* virCprGetLastErrorCode(void) {
    return LastError::of_this_thread().code();
}

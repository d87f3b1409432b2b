/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt-cpr.h: update the VMM under a running guest, through libvirt
 *
 * All functions may be called from several threads at once, also for the same
 * domain or connection. None needs an event loop.
 *
 * The functions here carry a request to the controller of a domain, which
 * virt-cpr-emulator started beside the VMM, over libvirt's own connection.
 * So they work over every libvirt transport, local and remote, under
 * libvirt's own access control; the connection needs write access.
 */

#ifndef LIBVIRT_CPR_H
#define LIBVIRT_CPR_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * virDomainCprUpdateFlags:
 *
 * Since: 0.1.0
 */
typedef enum {
    VIR_DOMAIN_CPR_UPDATE_DEFAULT = 0,      /* update the domain (Since: 0.1.0) */
    VIR_DOMAIN_CPR_UPDATE_CHECK = (1 << 0), /* only validate (Since: 0.1.0) */
} virDomainCprUpdateFlags;

/**
 * VIR_DOMAIN_CPR_PARAM_EMULATOR:
 *
 * Absolute path of the new VMM on the domain's host, as
 * VIR_TYPED_PARAM_STRING. Without it, the one that the host's emulators.conf
 * names.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_PARAM_EMULATOR "emulator"

/**
 * VIR_DOMAIN_CPR_PARAM_MODE:
 *
 * How the guest gets to the new VMM, as VIR_TYPED_PARAM_STRING: one of
 * VIR_DOMAIN_CPR_MODE_*. A mode that the domain's VMM cannot is refused in
 * validation ("unsupported").
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_PARAM_MODE "mode"

/**
 * VIR_DOMAIN_CPR_PARAM_TIMEOUT:
 *
 * How long the update may take up to the guest's entry, in milliseconds, as
 * VIR_TYPED_PARAM_UINT above 0; then it goes back ("timeout"). The domain's
 * host counts. Without it, as long as its steps may.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_PARAM_TIMEOUT "timeout"

/**
 * VIR_DOMAIN_CPR_PARAM_MAX_PAUSE:
 *
 * For how long the guest may be paused by an update that goes on, in
 * milliseconds, as VIR_TYPED_PARAM_UINT above 0: the update is refused if the
 * rehearsal, and goes back if the save says that it would take longer
 * ("pause-too-long"). Once the new VMM has the guest the update goes on.
 * Without it, there is no limit.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_PARAM_MAX_PAUSE "max-pause"

/**
 * VIR_DOMAIN_CPR_MODE_AUTO:
 *
 * The mode is that of the domain's VMM. This is the default.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_MODE_AUTO "auto"

/**
 * VIR_DOMAIN_CPR_MODE_EXEC:
 *
 * The VMM's process executes the new program.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_MODE_EXEC "exec"

/**
 * VIR_DOMAIN_CPR_MODE_TRANSFER:
 *
 * The guest is handed over to another process.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_MODE_TRANSFER "transfer"

/**
 * virDomainCprBlocker:
 *
 * What is in the way of an update. Later versions may add members at the end.
 *
 * Since: 0.1.0
 */
typedef struct _virDomainCprBlocker virDomainCprBlocker;
struct _virDomainCprBlocker {
    char *id;     /* stable name, see errors.md (Since: 0.1.0) */
    char *reason; /* for people (Since: 0.1.0) */
    char *remedy; /* what to do about it, may be empty (Since: 0.1.0) */
};

/**
 * virDomainCprBlockerPtr:
 *
 * Since: 0.1.0
 */
typedef virDomainCprBlocker *virDomainCprBlockerPtr;

/**
 * virDomainCprJobStatus:
 *
 * What became of an update job.
 *
 * Since: 0.1.0
 */
typedef enum {
    VIR_DOMAIN_CPR_JOB_NONE = 0,        /* no job since the VMM started (Since: 0.1.0) */
    VIR_DOMAIN_CPR_JOB_RUNNING = 1,     /* under way (Since: 0.1.0) */
    VIR_DOMAIN_CPR_JOB_COMPLETED = 2,   /* the guest runs on the new binary, or, of
                                         * a check: it can be updated (Since: 0.1.0) */
    VIR_DOMAIN_CPR_JOB_FAILED = 3,      /* refused in validation, nothing happened
                                         * (Since: 0.1.0) */
    VIR_DOMAIN_CPR_JOB_ROLLED_BACK = 4, /* failed later; the guest runs on the old
                                         * binary (Since: 0.1.0) */
    VIR_DOMAIN_CPR_JOB_CANCELLED = 5,   /* ended by virDomainCprCancel; the guest runs on
                                         * the old binary (Since: 0.1.0) */
} virDomainCprJobStatus;

/*
 * The names of the typed parameters that describe a job. Those that do not
 * apply are absent. Moments are nanoseconds of the host's CLOCK_MONOTONIC. A
 * later controller may tell more, by names of the same form: members of an
 * object by dots, lists by "NAME.count" and "NAME.N.MEMBER".
 */

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_ID:
 *
 * Number of the job, counted from the domain's start on; 0 if there was none,
 * as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_ID "job-id"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_STATUS:
 *
 * As virDomainCprJobStatus, in words: none, running, completed, failed,
 * rolled-back, cancelled, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_STATUS "status"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_CHECK:
 *
 * Whether it only validates, as VIR_TYPED_PARAM_BOOLEAN.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_CHECK "check"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_MODE:
 *
 * VIR_DOMAIN_CPR_MODE_*: what was asked for, from the validation on what is
 * used, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_MODE "mode"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PHASE:
 *
 * One of validate, prepare, save, exec, load, resume or finish, as
 * VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PHASE "phase"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_DOMAIN_PID:
 *
 * The process that libvirt knows, as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_DOMAIN_PID "domain-pid"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_VMM_PID:
 *
 * The process that has the guest, if it is another, as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_VMM_PID "vmm-pid"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_GENERATION:
 *
 * Number of updates that the domain has had since its start, as
 * VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_GENERATION "generation"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_OLD_BINARY:
 *
 * Path of the VMM that the guest had before, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_OLD_BINARY "old.binary"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_OLD_VERSION:
 *
 * Its version, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_OLD_VERSION "old.version"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_NEW_BINARY:
 *
 * Path of the new VMM, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_NEW_BINARY "new.binary"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_NEW_VERSION:
 *
 * Its version, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_NEW_VERSION "new.version"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_TOTAL:
 *
 * Nanoseconds from the first vCPU's stop until all run again, as
 * VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_TOTAL "pause.total-ns"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_SAVE:
 *
 * The part of it up to the end of the save, as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_SAVE "pause.save-ns"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_EXEC:
 *
 * The part until the new VMM is there, as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_EXEC "pause.exec-ns"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_LOAD:
 *
 * The part until it has loaded the guest, as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_LOAD "pause.load-ns"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_RESUME:
 *
 * The rest, as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_RESUME "pause.resume-ns"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_STOPPED_AT:
 *
 * When the first vCPU had stopped, as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_STOPPED_AT "pause.stopped-at-ns"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_RUNNING_AT:
 *
 * When the last vCPU ran again, as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_RUNNING_AT "pause.running-at-ns"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_STATE_BYTES:
 *
 * Size of the devices' state, in bytes, as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_STATE_BYTES "state-bytes"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_REHEARSAL_PAUSE:
 *
 * Nanoseconds for which the guest stopped for the copy of its state, as
 * VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_REHEARSAL_PAUSE "rehearsal.pause-ns"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_REHEARSAL_RUN:
 *
 * Nanoseconds that the new VMM took to start and load the copy, as
 * VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_REHEARSAL_RUN "rehearsal.run-ns"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_REHEARSAL_STATE_BYTES:
 *
 * Size of the copy, in bytes, as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_REHEARSAL_STATE_BYTES "rehearsal.state-bytes"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_REHEARSAL_SKIPPED:
 *
 * Why there was no rehearsal, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_REHEARSAL_SKIPPED "rehearsal.skipped"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_ERROR_CODE:
 *
 * Stable code of why it did not complete, see errors.md, as
 * VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_ERROR_CODE "error.code"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_ERROR_DESC:
 *
 * The same for people, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_ERROR_DESC "error.desc"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_COUNT:
 *
 * Number of blockers, as VIR_TYPED_PARAM_UINT.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_COUNT "blockers.count"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_PREFIX:
 *
 * Begin of the names of a blocker's fields, followed by its number from 0 on
 * and a suffix.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_PREFIX "blockers."

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_SUFFIX_ID:
 *
 * Stable name of the blocker, see errors.md, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_SUFFIX_ID ".id"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_SUFFIX_REASON:
 *
 * The reason, for people, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_SUFFIX_REASON ".reason"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_SUFFIX_REMEDY:
 *
 * What to do about it, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_SUFFIX_REMEDY ".remedy"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_ENDED:
 *
 * When the job ended, by the host's clock in UTC (2026-01-31T23:59:59Z), as
 * VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_ENDED "ended"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PHASES_COUNT:
 *
 * Number of phases that have begun, as VIR_TYPED_PARAM_UINT.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PHASES_COUNT "phases.count"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PHASES_PREFIX:
 *
 * Begin of the names of a phase's fields, followed by its number from 0 on and
 * a suffix.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PHASES_PREFIX "phases."

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PHASES_SUFFIX_NAME:
 *
 * Name of the phase, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PHASES_SUFFIX_NAME ".name"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PHASES_SUFFIX_BEGIN:
 *
 * When it began, as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PHASES_SUFFIX_BEGIN ".begin-ns"

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_PHASES_SUFFIX_END:
 *
 * When it ended; absent while it lasts, as VIR_TYPED_PARAM_ULLONG.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_PHASES_SUFFIX_END ".end-ns"

/**
 * virDomainCprJobCallback:
 * @domain: the domain that the job belongs to
 * @status: where the job stands
 * @params: the job (VIR_DOMAIN_CPR_JOB_FIELD_*); owned by the library, valid
 *          during the call
 * @nparams: number of @params
 * @opaque: what was passed with the callback
 *
 * Called for each change of a job's phase or status that is seen: by
 * virDomainCprWait() in the thread that called it, for its job, and after
 * virDomainCprEventRegister() in a thread of the library's, for all jobs of
 * the domain. The last call for a job has its final status and everything that
 * is known about it; those before have its number, status and phase at least.
 *
 * Since: 0.1.0
 */
typedef void (*virDomainCprJobCallback)(virDomainPtr domain, virDomainCprJobStatus status,
                                        virTypedParameterPtr params, int nparams, void *opaque);

int virDomainCprCheck(virDomainPtr domain, virTypedParameterPtr params, int nparams,
                      virDomainCprBlockerPtr **blockers, unsigned int flags);

void virDomainCprBlockerListFree(virDomainCprBlockerPtr *blockers);

long long virDomainCprUpdate(virDomainPtr domain, virTypedParameterPtr params, int nparams,
                             unsigned int flags);

int virDomainCprGetJob(virDomainPtr domain, char **json, virTypedParameterPtr *params,
                       int *nparams, unsigned int flags);

int virDomainCprGetStats(virDomainPtr domain, char **json, virTypedParameterPtr *params,
                         int *nparams, unsigned int flags);

int virDomainCprWait(virDomainPtr domain, long long jobid, int timeout,
                     virDomainCprJobCallback cb, void *opaque, unsigned int flags);

int virDomainCprPlaceThreads(virDomainPtr domain, unsigned int flags);

int virDomainCprCancel(virDomainPtr domain, unsigned int flags);

int virDomainCprEventRegister(virDomainPtr domain, virDomainCprJobCallback cb, void *opaque,
                              virFreeCallback freecb, unsigned int flags);

int virDomainCprEventDeregister(virDomainPtr domain, int callbackid, unsigned int flags);

/**
 * virDomainCprPrepareFlags:
 *
 * How virDomainCprEnable() and virDomainCprDisable() edit a domain.
 *
 * Since: 0.1.0
 */
typedef enum {
    VIR_DOMAIN_CPR_PREPARE_DRY_RUN = (1 << 0), /* change nothing (Since: 0.1.0) */
    VIR_DOMAIN_CPR_PREPARE_CPR_VMM = (1 << 1), /* cpr-vmm is behind the emulator program, which
                                                * needs shared memory (Since: 0.1.0) */
} virDomainCprPrepareFlags;

/**
 * VIR_DOMAIN_CPR_POLICY_ALLOWED:
 *
 * Whether the domain may be updated, as VIR_TYPED_PARAM_BOOLEAN.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_POLICY_ALLOWED "allowed"

/**
 * VIR_DOMAIN_CPR_POLICY_MODE:
 *
 * The one mode that is allowed, VIR_DOMAIN_CPR_MODE_EXEC or _TRANSFER, or
 * VIR_DOMAIN_CPR_MODE_AUTO for either, as VIR_TYPED_PARAM_STRING.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_POLICY_MODE "mode"

/**
 * VIR_DOMAIN_CPR_POLICY_MAX_PAUSE:
 *
 * For how many milliseconds an update may pause the guest, 0 for no limit, as
 * VIR_TYPED_PARAM_UINT. A request may ask for less.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_POLICY_MAX_PAUSE "max-pause"

int virDomainCprEnable(virDomainPtr domain, const char *emulator, char **xml,
                       unsigned int flags);

int virDomainCprDisable(virDomainPtr domain, char **xml, unsigned int flags);

int virDomainCprGetPolicy(virDomainPtr domain, virTypedParameterPtr *params, int *nparams,
                          unsigned int flags);

int virDomainCprSetPolicy(virDomainPtr domain, virTypedParameterPtr params, int nparams,
                          unsigned int flags);

int virDomainCprGetHistory(virDomainPtr domain, char **json, virTypedParameterPtr *params,
                           int *nparams, unsigned int flags);

virErrorPtr virCprGetLastError(void);

const char *virCprGetLastErrorCode(void);

const char *virCprGetLastErrorMessage(void);

#ifdef __cplusplus
}
#endif

#endif /* LIBVIRT_CPR_H */

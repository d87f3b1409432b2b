/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt-cpr.h: update the VMM under a running guest, through libvirt
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

/**
 * VIR_DOMAIN_CPR_JOB_FIELD_*:
 *
 * Names of the typed parameters that describe a job. Further ones are named
 * by their place in the controller's answer: members of an object by dots
 * ("pause.load-ns"), lists by "NAME.count" and "NAME.N.MEMBER"
 * ("blockers.count", "blockers.0.reason", "phases.2.begin-ns"). Texts are
 * VIR_TYPED_PARAM_STRING, numbers VIR_TYPED_PARAM_ULLONG, truth values
 * VIR_TYPED_PARAM_BOOLEAN, counts VIR_TYPED_PARAM_UINT. Times are nanoseconds
 * of the host's monotonic clock. Those that do not apply are absent.
 *
 * Since: 0.1.0
 */
#define VIR_DOMAIN_CPR_JOB_FIELD_ID "job-id"
#define VIR_DOMAIN_CPR_JOB_FIELD_STATUS "status"
#define VIR_DOMAIN_CPR_JOB_FIELD_PHASE "phase"
#define VIR_DOMAIN_CPR_JOB_FIELD_CHECK "check"
#define VIR_DOMAIN_CPR_JOB_FIELD_GENERATION "generation"
#define VIR_DOMAIN_CPR_JOB_FIELD_OLD_BINARY "old.binary"
#define VIR_DOMAIN_CPR_JOB_FIELD_OLD_VERSION "old.version"
#define VIR_DOMAIN_CPR_JOB_FIELD_NEW_BINARY "new.binary"
#define VIR_DOMAIN_CPR_JOB_FIELD_NEW_VERSION "new.version"
#define VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_TOTAL "pause.total-ns"
#define VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_COUNT "blockers.count"
#define VIR_DOMAIN_CPR_JOB_FIELD_ERROR_CODE "error.code"
#define VIR_DOMAIN_CPR_JOB_FIELD_ERROR_DESC "error.desc"

/**
 * virDomainCprJobCallback:
 * @domain: the domain that the job belongs to
 * @status: where the job stands
 * @params: the job (VIR_DOMAIN_CPR_JOB_FIELD_*); owned by the library, valid
 *          during the call
 * @nparams: number of @params
 * @opaque: what was passed to virDomainCprWait
 *
 * Called by virDomainCprWait, in the thread that called it, for each change
 * of the job's phase or status that it sees. The last call has the final
 * status and everything that is known about the job.
 *
 * Since: 0.1.0
 */
typedef void (*virDomainCprJobCallback)(virDomainPtr domain, virDomainCprJobStatus status,
                                        virTypedParameterPtr params, int nparams, void *opaque);

int virDomainCprCheck(virDomainPtr domain, const char *emulator, unsigned int flags);

long long virDomainCprUpdate(virDomainPtr domain, const char *emulator, unsigned int timeout,
                             unsigned int flags);

int virDomainCprGetJob(virDomainPtr domain, char **json, virTypedParameterPtr *params,
                       int *nparams, unsigned int flags);

int virDomainCprWait(virDomainPtr domain, long long jobid, int timeout,
                     virDomainCprJobCallback cb, void *opaque, unsigned int flags);

int virDomainCprCancel(virDomainPtr domain, unsigned int flags);

virErrorPtr virCprGetLastError(void);

const char *virCprGetLastErrorCode(void);

#ifdef __cplusplus
}
#endif

#endif /* LIBVIRT_CPR_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header in a strict C99 program, and the library as such a program calls it. */
#include <libvirt-cpr/libvirt-cpr.h>
#include <stdlib.h>
#include <string.h>

static void on_change(virDomainPtr domain, virDomainCprJobStatus status, virTypedParameterPtr params,
                      int nparams, void *opaque)
{
    (void)domain;
    (void)status;
    (void)params;
    (void)nparams;
    (void)opaque;
}

int main(void)
{
    const char *code;

    virDomainCprBlockerPtr *blockers = NULL;

    if (virDomainCprCheck(NULL, NULL, 0, &blockers, 0) != -1 || blockers)
        return 1;
    virDomainCprBlockerListFree(blockers);
    if (virDomainCprEventRegister(NULL, on_change, NULL, free, 0) != -1)
        return 1;
    if (virDomainCprWait(NULL, 1, 0, on_change, NULL, 0) != -1)
        return 1;
    code = virCprGetLastErrorCode();
    if (!virCprGetLastError() || !code || strcmp(code, "invalid-argument") != 0)
        return 1;
    return 0;
}

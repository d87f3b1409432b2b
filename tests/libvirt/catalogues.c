/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bindtextdomain() with the folder that CPR_CATALOGUES names: programs look in the installed one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

char *bindtextdomain(const char *domain, const char *folder);

char *bindtextdomain(const char *domain, const char *folder)
{
    char *(*next)(const char *, const char *);
    const char *ours = getenv("CPR_CATALOGUES");

    *(void **)&next = dlsym(RTLD_NEXT, "bindtextdomain");
    return next(domain, folder && ours ? ours : folder);
}

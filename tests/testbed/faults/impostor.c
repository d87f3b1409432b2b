/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new VMM that is no good, in a way that goes by the name under which it is started: it fails when it
 * is asked for its --info, or is as good as another by that and fails in the rehearsal. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VMM "/usr/libexec/libvirt-cpr/cpr-vmm-next"

/* Without the panic device on its command line, the real program cannot load the guest's state. */
static void drop_panic_device(char **argv)
{
    for (int i = 1; argv[i] && argv[i + 1]; i++) {
        if (strcmp(argv[i], "-device") == 0 && strstr(argv[i + 1], "pvpanic")) {
            do
                argv[i] = argv[i + 2];
            while (argv[i++]);
            return;
        }
    }
}

static int fail_at_info(const char *how)
{
    if (strcmp(how, "crashes") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "hangs") == 0)
        pause();
    if (strcmp(how, "slow") == 0)
        sleep(3);
    do
        puts("\x01\xff this is no JSON");
    while (strcmp(how, "endless") == 0);
    return 0;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];

    if (strncmp(name, "info-", 5) == 0)
        return fail_at_info(name + 5);
    if (strstr(argv[argc - 1], "rehearse=")) {
        if (strcmp(name, "crashes") == 0)
            raise(SIGSEGV);
        if (strcmp(name, "hangs") == 0)
            pause();
        if (strcmp(name, "garbage") == 0) {
            puts("\x1b[31m rehearsed");
            return 0;
        }
        drop_panic_device(argv);
    }
    execv(VMM, argv);
    perror(VMM);
    return 1;
}

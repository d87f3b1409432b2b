/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new VMM that is as good as another by its --info, and fails in the rehearsal. How it does goes by
 * the name under which it is started. */
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

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];

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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new VMM that is no good, in a way that goes by the name under which it is started: it fails when it
 * is asked for its --info, or is as good as another by that and fails in the rehearsal, or as a QEMU that
 * is to take a guest over. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define VMM "/usr/libexec/libvirt-cpr/cpr-vmm-next"
#define QEMU "/usr/lib/stock-qemu/next-qemu-system-x86_64"

/* Without a device on its command line, the real program cannot load the guest's state. */
static void drop_device(char **argv, const char *name)
{
    for (int i = 1; argv[i] && argv[i + 1]; i++) {
        if (strcmp(argv[i], "-device") == 0 && strstr(argv[i + 1], name)) {
            do
                argv[i] = argv[i + 2];
            while (argv[i++]);
            return;
        }
    }
}

/* What -chardev says of the private monitor. */
static int monitor_of(char **argv)
{
    int fd = -1;

    for (int i = 1; argv[i]; i++)
        if (sscanf(argv[i], "socket,id=charmonitor,fd=%d", &fd) == 1)
            break;
    return fd;
}

/* Takes the guest's descriptors, as far as the sender can tell. */
static void listen_for_guest(char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    for (int i = 1; argv[i]; i++) {
        const char *path = strstr(argv[i], "\"path\":\"");
        if (path && strstr(argv[i], "\"cpr\""))
            sscanf(path, "\"path\":\"%107[^\"]", address.sun_path);
    }
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1) < 0)
        perror("the impostor cannot listen");
}

/* As good as another QEMU by what it says of itself. */
static int be_qemu(const char *how, char **argv)
{
    if (argv[1] && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-machine") == 0) &&
        !strstr(argv[argv[2] ? 2 : 1], "pc-")) {
        execv(QEMU, argv);
    } else if (strcmp(how, "ends") == 0) {
        fputs("the impostor ends\n", stderr);
        return 1;
    } else if (strcmp(how, "silent") == 0) {
        listen_for_guest(argv);
        pause();
    } else if (strcmp(how, "garbage") == 0) {
        listen_for_guest(argv);
        dprintf(monitor_of(argv), "\x01\x02 this is no QMP\n");
        pause();
    } else if (strcmp(how, "lacks-disk") == 0) {
        drop_device(argv, "virtio-blk");
    } else if (strcmp(how, "lacks-serial") == 0) {
        drop_device(argv, "isa-serial");
    } else if (strcmp(how, "lacks-watchdog") == 0) {
        drop_device(argv, "i6300esb");
    } else if (strcmp(how, "slow") == 0) {
        sleep(5);
    }
    execv(QEMU, argv);
    perror(QEMU);
    return 1;
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

    if (strncmp(name, "qemu-", 5) == 0)
        return be_qemu(name + 5, argv);
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
        drop_device(argv, "pvpanic");
    }
    execv(VMM, argv);
    perror(VMM);
    return 1;
}

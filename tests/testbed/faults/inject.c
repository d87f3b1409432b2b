// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Makes a VMM fail from outside: loaded before the C library (LD_PRELOAD), it stands between the VMM
// and the kernel, and does as a page of shared memory says (CPR_FAULT_PAGE names the file): at the
// Nth call of a kind in a program of a name it returns an error, crashes, is killed, hangs or writes
// garbage. Each order is carried out once, by whichever process comes first. The VMM itself has no
// code for this.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// tests/testbed/lib/faults.py has the same layout and numbers.
enum call { CALL_IOCTL = 1, CALL_SENDMSG, CALL_MMAP, CALL_PWRITE, CALL_EXECVEAT, CALL_MEMFD, CALL_PREAD, CALL_READV };
enum action {
    ACTION_ERROR = 1, ACTION_SIGNAL, ACTION_HANG, ACTION_EXIT, ACTION_GARBAGE, ACTION_DELAY, ACTION_CORRUPT
};

struct order {
    atomic_uint armed;
    uint32_t call;
    uint32_t request; // of an ioctl
    uint32_t nth;
    atomic_uint after; // calls count from the first ioctl of this request on, unless it is 0
    uint32_t action;
    int32_t value; // errno, signal, exit status or milliseconds
    atomic_uint seen;
    atomic_uint fired;
    char program[64];
};

static struct order *order;

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("CPR_FAULT_PAGE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (fd < 0) {
        return;
    }
    void *page = mmap(NULL, sizeof(*order), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    order = page == MAP_FAILED ? NULL : page;
}

// Whether this call is the one that is meant.
static int meant(enum call call, uint32_t request)
{
    unsigned int one = 1;

    if (call == CALL_IOCTL && order && request == atomic_load(&order->after) &&
        strcmp(order->program, program_invocation_short_name) == 0) {
        atomic_store(&order->after, 0);
    }
    if (!order || !atomic_load_explicit(&order->armed, memory_order_acquire) ||
        atomic_load(&order->after) != 0 || order->call != call || (call == CALL_IOCTL && order->request != request) ||
        strcmp(order->program, program_invocation_short_name) != 0) {
        return 0;
    }
    return atomic_fetch_add(&order->seen, 1) + 1 == order->nth &&
           atomic_compare_exchange_strong(&order->armed, &one, 0);
}

// Returns whether the call fails, with errno set.
static int fire(void)
{
    struct timespec delay = {order->value / 1000, order->value % 1000 * 1000000L};

    atomic_store(&order->fired, 1);
    switch (order->action) {
    case ACTION_ERROR:
        errno = order->value;
        return 1;
    case ACTION_SIGNAL:
        raise(order->value);
        return 0;
    case ACTION_HANG:
        for (;;) {
            pause();
        }
    case ACTION_EXIT:
        _exit(order->value);
    case ACTION_DELAY:
        nanosleep(&delay, NULL);
        return 0;
    default:
        return 0;
    }
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int ioctl(int fd, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, ...);
    va_list list;

    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (!real) {
        real = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    }
    if (meant(CALL_IOCTL, (uint32_t)request) && fire()) {
        return -1;
    }
    return real(fd, request, argument);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    static const char garbage[] = "\x01\x02 this is no QMP\n";

    if (meant(CALL_SENDMSG, 0)) {
        if (order->action == ACTION_GARBAGE) {
            atomic_store(&order->fired, 1);
            send(fd, garbage, sizeof(garbage) - 1, MSG_NOSIGNAL);
        } else if (fire()) {
            return -1;
        }
    }
    return REAL(sendmsg)(fd, message, flags);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    // Only what is as large as a guest's memory.
    if (size >= (64U << 20) && meant(CALL_MMAP, 0) && fire()) {
        return MAP_FAILED;
    }
    return REAL(mmap)(address, size, protection, flags, fd, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    ssize_t done;

    if (!meant(CALL_PWRITE, 0)) {
        return REAL(pwrite)(fd, data, size, offset);
    }
    if (order->action == ACTION_GARBAGE) {
        size /= 2; // a short write
    }
    if (fire()) {
        return -1;
    }
    done = REAL(pwrite)(fd, data, size, offset);
    if (order->action == ACTION_CORRUPT && done > 0) {
        char wrong = (char)~((const char *)data)[done / 2];
        REAL(pwrite)(fd, &wrong, 1, offset + done / 2);
    }
    return done;
}

ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
    ssize_t done;

    if (!meant(CALL_PREAD, 0)) {
        return REAL(pread)(fd, data, size, offset);
    }
    if (fire()) {
        return -1;
    }
    done = REAL(pread)(fd, data, size, offset);
    if (order->action == ACTION_CORRUPT && done > 0) {
        ((char *)data)[done / 2] ^= 0x55;
    }
    return done;
}

ssize_t readv(int fd, const struct iovec *parts, int count)
{
    if (meant(CALL_READV, 0) && fire()) {
        return -1;
    }
    return REAL(readv)(fd, parts, count);
}

int execveat(int folder, const char *path, char *const argv[], char *const envp[], int flags)
{
    if (meant(CALL_EXECVEAT, 0) && fire()) {
        return -1;
    }
    return REAL(execveat)(folder, path, argv, envp, flags);
}

int memfd_create(const char *name, unsigned int flags)
{
    if (meant(CALL_MEMFD, 0) && fire()) {
        return -1;
    }
    return REAL(memfd_create)(name, flags);
}

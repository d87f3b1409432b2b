// SPDX-License-Identifier: LGPL-2.1-or-later
//
// ticker MILLISECONDS: prints `tick SEQUENCE CLOCK_MONOTONIC` (ns) with that time between a line's
// end and the next. Whoever reads the console with time stamps of its own sees from outside how
// long the guest stood still.

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    long interval_ms = argc == 2 ? strtol(argv[1], NULL, 10) : 0;

    if (interval_ms <= 0) {
        fprintf(stderr, "usage: ticker MILLISECONDS\n");
        return 2;
    }
    for (unsigned long long sequence = 0;; sequence++) {
        struct timespec now;
        char line[64];
        clock_gettime(CLOCK_MONOTONIC, &now);
        int length = snprintf(line, sizeof(line), "tick %llu %llu\n", sequence,
                              (unsigned long long)now.tv_sec * 1000000000u
                                  + (unsigned long long)now.tv_nsec);
        if (write(STDOUT_FILENO, line, (size_t)length) != length) {
            return 1;
        }
        // On a slow host lines would come faster than the serial line takes them: the CPU of its
        // interrupt would do nothing else any more, and be taken for locked up.
        tcdrain(STDOUT_FILENO);
        struct timespec rest = { interval_ms / 1000, interval_ms % 1000 * 1000000 };
        while (nanosleep(&rest, &rest) < 0 && errno == EINTR) {
        }
    }
}

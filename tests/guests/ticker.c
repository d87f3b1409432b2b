// SPDX-License-Identifier: LGPL-2.1-or-later
//
// ticker MILLISECONDS: prints `tick SEQUENCE CLOCK_MONOTONIC` (ns) at that interval. Whoever reads
// the console with time stamps of its own sees from outside how long the guest stood still.

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    long interval_ms = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    struct timespec next;

    if (interval_ms <= 0) {
        fprintf(stderr, "usage: ticker MILLISECONDS\n");
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &next);
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
        next.tv_nsec += interval_ms * 1000000;
        while (next.tv_nsec >= 1000000000) {
            next.tv_nsec -= 1000000000;
            next.tv_sec++;
        }
        // a pause of the guest is not to be made up for by a burst of ticks
        if (now.tv_sec > next.tv_sec || (now.tv_sec == next.tv_sec && now.tv_nsec > next.tv_nsec)) {
            next = now;
        }
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR) {
        }
    }
}

// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One thread pinned to each CPU, which counts for a moment and then waits for a timer, for ever.
// Prints once a second `smp backwards B gap-ms G` and for each CPU ` cpuN COUNTS/TIMERS`: B is how
// often time was seen to go backwards, on one CPU or from one to another; G is the longest time
// between two timers of one CPU since the line before. A CPU that is lost no longer counts.

#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define COUNTING_NS 1000000
#define WAITING_NS 20000000

struct counter {
    pthread_t thread;
    int cpu;
    atomic_ullong counts;
    atomic_ullong timers;
};

static atomic_ullong newest_ns;
static atomic_ullong backwards;
static atomic_ullong longest_gap_ns;

static void raise_to(atomic_ullong *value, unsigned long long candidate)
{
    unsigned long long before = atomic_load(value);

    while (candidate > before && !atomic_compare_exchange_weak(value, &before, candidate)) {
    }
}

// The time, compared with the newest time that any CPU had seen before it was read.
static uint64_t checked_now(void)
{
    unsigned long long newest = atomic_load(&newest_ns);
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    if (time < newest) {
        atomic_fetch_add(&backwards, 1);
    }
    raise_to(&newest_ns, time);
    return time;
}

static void *count(void *opaque)
{
    struct counter *counter = opaque;
    struct timespec wait = {.tv_nsec = WAITING_NS};
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)counter->cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0) {
        printf("smpcount: cannot run on CPU %d\n", counter->cpu);
        exit(1);
    }
    uint64_t last_timer = checked_now();
    for (;;) {
        uint64_t begin = checked_now();
        raise_to(&longest_gap_ns, begin - last_timer);
        last_timer = begin;
        while (checked_now() - begin < COUNTING_NS) {
            atomic_fetch_add(&counter->counts, 1);
        }
        clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
        atomic_fetch_add(&counter->timers, 1);
    }
    return NULL;
}

int main(void)
{
    int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    struct counter *counters = calloc((size_t)cpus, sizeof(*counters));

    for (int i = 0; i < cpus; i++) {
        counters[i].cpu = i;
        pthread_create(&counters[i].thread, NULL, count, &counters[i]);
    }
    for (;;) {
        char line[512];
        sleep(1);
        int length = snprintf(line, sizeof(line), "smp backwards %llu gap-ms %llu",
                              atomic_load(&backwards), atomic_exchange(&longest_gap_ns, 0) / 1000000);
        for (int i = 0; i < cpus && length < (int)sizeof(line) - 64; i++) {
            length += snprintf(line + length, sizeof(line) - (size_t)length, " cpu%d %llu/%llu", i,
                               atomic_load(&counters[i].counts), atomic_load(&counters[i].timers));
        }
        printf("%s\n", line);
        fflush(stdout);
    }
}

// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Verified disk I/O without the page cache.
//
//   ioverify run DEVICE DEPTH BLOCKS    read and write for ever, DEPTH requests at a time
//   ioverify fill DEVICE OFFSET COUNT GENERATION     write COUNT blocks from byte OFFSET on
//   ioverify check DEVICE OFFSET COUNT GENERATION    read and verify them
//
// `run` prints once a second `io N errors M slowest-ms S`, N being the requests completed so far, M
// the failed or wrong ones, and S the longest that any request has taken since the line before.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io_pattern.h"

struct worker {
    pthread_t thread;
    int fd;
    uint64_t first;       // of the blocks that this worker alone touches
    uint64_t count;
    uint64_t *generations; // of each block; 0: not written yet
    uint64_t random;
    void *buffer;
};

static atomic_ullong completed;
static atomic_ullong errors;
static atomic_ullong slowest_ns;

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *block_buffer(void)
{
    void *buffer = NULL;

    if (posix_memalign(&buffer, IO_BLOCK_SIZE, IO_BLOCK_SIZE) != 0) {
        fprintf(stderr, "ioverify: out of memory\n");
        exit(1);
    }
    return buffer;
}

static void report(const char *what, uint64_t offset, uint64_t generation, ssize_t result)
{
    atomic_fetch_add(&errors, 1);
    printf("ioverify: %s at offset %llu, generation %llu: %s\n", what, (unsigned long long)offset,
           (unsigned long long)generation,
           result < 0 ? strerror(errno) : result == IO_BLOCK_SIZE ? "wrong content" : "short");
    fflush(stdout);
}

static void account(uint64_t begin)
{
    uint64_t spent = now_ns() - begin;
    unsigned long long before = atomic_load(&slowest_ns);

    while (spent > before && !atomic_compare_exchange_weak(&slowest_ns, &before, spent)) {
    }
    atomic_fetch_add(&completed, 1);
}

static bool write_block(int fd, void *buffer, uint64_t offset, uint64_t generation)
{
    io_block_fill(buffer, offset, generation);
    uint64_t begin = now_ns();
    ssize_t result = pwrite(fd, buffer, IO_BLOCK_SIZE, (off_t)offset);
    account(begin);
    if (result != IO_BLOCK_SIZE) {
        report("write", offset, generation, result);
        return false;
    }
    return true;
}

static bool check_block(int fd, void *buffer, uint64_t offset, uint64_t generation)
{
    memset(buffer, 0, IO_BLOCK_SIZE);
    uint64_t begin = now_ns();
    ssize_t result = pread(fd, buffer, IO_BLOCK_SIZE, (off_t)offset);
    account(begin);
    if (result != IO_BLOCK_SIZE || !io_block_valid(buffer, offset, generation)) {
        report("read", offset, generation, result);
        return false;
    }
    return true;
}

static uint64_t next_random(struct worker *worker)
{
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 7;
    worker->random ^= worker->random << 17;
    return worker->random;
}

static void *work(void *opaque)
{
    struct worker *worker = opaque;

    for (;;) {
        uint64_t index = next_random(worker) % worker->count;
        uint64_t offset = (worker->first + index) * IO_BLOCK_SIZE;
        uint64_t generation = worker->generations[index];
        if (generation != 0 && next_random(worker) % 2 == 0) {
            check_block(worker->fd, worker->buffer, offset, generation);
        } else if (write_block(worker->fd, worker->buffer, offset, generation + 1)) {
            worker->generations[index] = generation + 1;
        }
    }
    return NULL;
}

static int run(int fd, unsigned int depth, uint64_t blocks, const char *label)
{
    uint64_t share = depth == 0 ? 0 : blocks / depth;

    if (share == 0) {
        fprintf(stderr, "ioverify: fewer blocks than requests at a time\n");
        return 2;
    }
    struct worker *workers = calloc(depth, sizeof(*workers));
    for (unsigned int i = 0; i < depth; i++) {
        workers[i] = (struct worker){.fd = fd, .first = i * share, .count = share,
                                     .generations = calloc(share, sizeof(uint64_t)),
                                     .random = 88172645463325252u + i, .buffer = block_buffer()};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (;;) {
        sleep(1);
        printf("%s %llu errors %llu slowest-ms %llu\n", label, atomic_load(&completed),
               atomic_load(&errors), atomic_exchange(&slowest_ns, 0) / 1000000);
        fflush(stdout);
    }
}

static int sweep(int fd, bool writing, uint64_t offset, uint64_t count, uint64_t generation)
{
    void *buffer = block_buffer();

    for (uint64_t i = 0; i < count; i++, offset += IO_BLOCK_SIZE) {
        if (writing) {
            write_block(fd, buffer, offset, generation);
        } else {
            check_block(fd, buffer, offset, generation);
        }
    }
    printf("ioverify: %s %llu blocks, %llu errors\n", writing ? "filled" : "checked",
           (unsigned long long)count, atomic_load(&errors));
    return atomic_load(&errors) == 0 ? 0 : 1;
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 0);

    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "ioverify: '%s' is no number\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    bool running = argc == 6 && strcmp(argv[1], "run") == 0;
    bool filling = argc == 6 && strcmp(argv[1], "fill") == 0;

    if (!running && !filling && !(argc == 6 && strcmp(argv[1], "check") == 0)) {
        fprintf(stderr, "usage: ioverify run DEVICE DEPTH BLOCKS LABEL\n"
                        "       ioverify fill|check DEVICE OFFSET COUNT GENERATION\n");
        return 2;
    }
    int fd = open(argv[2], O_RDWR | O_DIRECT | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "ioverify: cannot open '%s': %s\n", argv[2], strerror(errno));
        return 1;
    }
    if (running) {
        return run(fd, (unsigned int)number(argv[3]), number(argv[4]), argv[5]);
    }
    return sweep(fd, filling, number(argv[3]), number(argv[4]), number(argv[5]));
}

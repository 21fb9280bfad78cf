/* How long a core was busy, by the kernel's account of all that ran on it. */
#ifndef CORE_H
#define CORE_H
#include <stdint.h>
#include <stdio.h>

struct core_time {
    int core; /* -1: unknown */
    uint64_t busy_ns, steal_ns; /* steal: the hypervisor gave it to another machine */
};

/* Read the account of a core since the machine's start; steps of a clock tick (10 ms). */
void core_read(struct core_time *time, int core);
/* Make it the difference since it was read. */
void core_end(struct core_time *time);
/* Writes {"busy_ns": ns, "steal_ns": ns}, or null. */
void core_print(const struct core_time *time, FILE *file);

#endif

/* What a run used, and its result as one line of JSON. */
#ifndef REPORT_H
#define REPORT_H
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "core.h"

struct usage {
    clockid_t server_clock;
    int server_known;
    uint64_t server_ns, generator_ns, working_ns; /* differences, after usage_end */
    struct core_time server_core, generator_core;
};

/* The CPU time of the server is the kernel's account of all its threads, the one behind /proc/PID/stat, in ns. */
void usage_begin(struct usage *usage);
void usage_end(struct usage *usage);
void report_print(const struct usage *usage, FILE *file);

#endif

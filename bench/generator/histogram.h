/* A histogram with the layout of HdrHistogram: three significant figures from 1 ns to 1000 s.
 *
 * Recording is two shifts and an increment, so that it costs nothing beside the system call that delivered the message.
 * bench/histogram.py reads what histogram_print writes and must agree on the constants.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H
#include <stdint.h>
#include <stdio.h>

enum {
    SUB_BUCKET_BITS = 11, /* 2048 sub-buckets: the smallest power of two that keeps three significant figures */
    SUB_BUCKET_HALF = 1 << (SUB_BUCKET_BITS - 1),
    BUCKETS = 30, /* 2048 << 29 is past 1000 s */
    COUNTS = (BUCKETS + 1) * SUB_BUCKET_HALF,
};

struct histogram {
    uint64_t counts[COUNTS];
    uint64_t total, maximum;
};

void histogram_record(struct histogram *histogram, uint64_t nanoseconds);
/* Writes {"maximum": ns, "counts": [index, count, index, count, ...]}. */
void histogram_print(const struct histogram *histogram, FILE *file);

#endif

#include "histogram.h"

static uint32_t index_of(uint64_t value)
{
    int bucket = 64 - __builtin_clzll(value | ((1u << SUB_BUCKET_BITS) - 1)) - SUB_BUCKET_BITS;
    uint32_t sub_bucket = (uint32_t)(value >> bucket);
    uint32_t index = (uint32_t)(bucket + 1) * SUB_BUCKET_HALF + sub_bucket - SUB_BUCKET_HALF;
    return index < COUNTS ? index : COUNTS - 1;
}

void histogram_record(struct histogram *histogram, uint64_t nanoseconds)
{
    histogram->counts[index_of(nanoseconds)]++;
    histogram->total++;
    if (nanoseconds > histogram->maximum) histogram->maximum = nanoseconds;
}

void histogram_print(const struct histogram *histogram, FILE *file)
{
    const char *separator = "";
    fprintf(file, "{\"maximum\":%llu,\"counts\":[", (unsigned long long)histogram->maximum);
    for (uint32_t i = 0; i < COUNTS; i++) {
        if (!histogram->counts[i]) continue;
        fprintf(file, "%s%u,%llu", separator, i, (unsigned long long)histogram->counts[i]);
        separator = ",";
    }
    fputs("]}", file);
}

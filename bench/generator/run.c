#include "run.h"

#include <stdarg.h>
#include <stdio.h>

struct run run;

void fail(const char *format, ...)
{
    enum { REPORTED = 3 };
    va_list arguments;
    if (run.failures++ >= REPORTED) return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

bool running(void) { return run.phase == WARMING || run.phase == MEASURING; }

bool measuring(uint64_t ns)
{
    return run.phase >= MEASURING && ns >= run.measure_begin && (!run.measure_end || ns < run.measure_end);
}

void record(enum series series, uint64_t intended, uint64_t now)
{
    if (measuring(intended)) histogram_record(&run.histograms[series], now - intended);
}

uint64_t pacer_next(const struct pacer *pacer)
{
    return pacer->start + (uint64_t)((double)pacer->count * 1e9 / pacer->rate);
}

static uint32_t stride(void) { return (uint32_t)(run.options.rooms / run.options.rooms_per_client); }

int room_of(uint32_t client, int nth)
{
    return (int)((client + (uint32_t)nth * stride()) % (uint32_t)run.options.rooms);
}

int room_nth(uint32_t client, uint32_t room)
{
    uint32_t rooms = (uint32_t)run.options.rooms;
    uint32_t offset = (room + rooms - client % rooms) % rooms;
    uint32_t nth = offset / stride();
    return offset % stride() || nth >= (uint32_t)run.options.rooms_per_client ? -1 : (int)nth;
}

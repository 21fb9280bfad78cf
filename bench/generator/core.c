#define _GNU_SOURCE
#include "core.h"

#include <string.h>
#include <unistd.h>

enum { IDLE = 3, IO_WAIT = 4, STEAL = 7, FIELDS = 8 }; /* of /proc/stat, see proc(5) */

static int read_fields(int core, unsigned long long fields[FIELDS])
{
    char line[512], name[16];
    int found = 0;
    int length = snprintf(name, sizeof name, "cpu%d ", core);
    FILE *file = core < 0 ? NULL : fopen("/proc/stat", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, (size_t)length) != 0) continue;
        found = sscanf(line + length, "%llu %llu %llu %llu %llu %llu %llu %llu", &fields[0], &fields[1], &fields[2],
                       &fields[3], &fields[4], &fields[5], &fields[6], &fields[7]) == FIELDS;
    }
    if (file) fclose(file);
    return found;
}

void core_read(struct core_time *time, int core)
{
    unsigned long long fields[FIELDS];
    uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    *time = (struct core_time){.core = -1};
    if (!read_fields(core, fields)) return;
    time->core = core;
    for (int i = 0; i < FIELDS; i++)
        if (i != IDLE && i != IO_WAIT && i != STEAL) time->busy_ns += fields[i] * tick_ns;
    time->steal_ns = fields[STEAL] * tick_ns;
}

void core_end(struct core_time *time)
{
    struct core_time before = *time;
    core_read(time, before.core);
    time->busy_ns -= before.busy_ns;
    time->steal_ns -= before.steal_ns;
}

void core_print(const struct core_time *time, FILE *file)
{
    if (time->core < 0) {
        fputs("null", file);
        return;
    }
    fprintf(file, "{\"busy_ns\":%llu,\"steal_ns\":%llu}", (unsigned long long)time->busy_ns,
            (unsigned long long)time->steal_ns);
}

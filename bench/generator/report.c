#define _GNU_SOURCE
#include "report.h"

#include "link.h"
#include "run.h"

static uint64_t read_clock(clockid_t clock)
{
    struct timespec time;
    if (clock_gettime(clock, &time) != 0) return 0;
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void usage_begin(struct usage *usage)
{
    int pid = run.options.server_pid;
    core_read(&usage->server_core, run.options.server_core);
    core_read(&usage->generator_core, run.options.generator_core);
    usage->server_known = pid > 0 && clock_getcpuclockid(pid, &usage->server_clock) == 0;
    usage->server_ns = usage->server_known ? read_clock(usage->server_clock) : 0;
    usage->generator_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    usage->working_ns = links_working_ns();
}

void usage_end(struct usage *usage)
{
    if (usage->server_known) usage->server_ns = read_clock(usage->server_clock) - usage->server_ns;
    usage->generator_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID) - usage->generator_ns;
    usage->working_ns = links_working_ns() - usage->working_ns;
    core_end(&usage->server_core);
    core_end(&usage->generator_core);
}

static void print_number(FILE *file, const char *name, uint64_t value)
{
    fprintf(file, ",\"%s\":%llu", name, (unsigned long long)value);
}

void report_print(const struct usage *usage, FILE *file)
{
    static const char *const NAMES[SERIES] = {"delivery", "delivery_polling", "request", "connect", "join", "lag"};
    fprintf(file, "{\"failures\":%llu", (unsigned long long)run.failures);
    print_number(file, "measured_ns", run.measure_end - run.measure_begin);
    print_number(file, "deliveries", run.deliveries);
    print_number(file, "messages", run.messages);
    print_number(file, "requests", run.requests);
    print_number(file, "connects", run.connects);
    print_number(file, "joins", run.joins);
    print_number(file, "slow_kicked", run.slow_kicked);
    print_number(file, "strays", run.strays);
    print_number(file, "server_cpu_ns", usage->server_ns);
    print_number(file, "generator_cpu_ns", usage->generator_ns);
    print_number(file, "generator_working_ns", usage->working_ns);
    fputs(",\"server_core\":", file);
    core_print(&usage->server_core, file);
    fputs(",\"generator_core\":", file);
    core_print(&usage->generator_core, file);
    fprintf(file, ",\"gc\":%s,\"histograms\":{", run.gc ? run.gc : "null");
    for (int i = 0, first = 1; i < SERIES; i++) {
        if (!run.histograms[i].total) continue;
        fprintf(file, "%s\"%s\":", first ? "" : ",", NAMES[i]);
        histogram_print(&run.histograms[i], file);
        first = 0;
    }
    fputs("}}\n", file);
}

/* The load generator: one thread, one epoll loop, one run, one line of JSON at the end.
 *
 * Lines before the last tell how far the run is; with hold=1 it waits for a line on standard input once all clients
 * are connected. It exits when standard input or the time limit ends.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "application.h"
#include "publish.h"
#include "report.h"
#include "request.h"
#include "roam.h"
#include "run.h"
#include "script.h"
#include "steady.h"
#include "visit.h"

enum { SLICE_NS = 100000000 }; /* the longest sleep: how late a phase may end while nothing happens */

static uint64_t phase_end;
static struct done at_begin; /* of measuring */
static struct usage usage;

static void set_phase(enum phase phase, const char *name)
{
    run.phase = phase;
    printf("{\"phase\":\"%s\"}\n", name);
    fflush(stdout);
}

static void begin_joining(void)
{
    set_phase(JOINING, "joining");
    steady_join();
    steady_ask_gc(false);
}

static void begin_holding(void)
{
    set_phase(HOLDING, "holding");
    if (run.options.hold) links_watch(STDIN_FILENO);
}

static void begin_warming(uint64_t now)
{
    roam_begin();
    set_phase(WARMING, "warming");
    phase_end = now + (uint64_t)(run.options.warmup * 1e9);
    publish_start(now);
    request_start(now);
    roam_start(now);
    visit_start(now);
}

static void begin_measuring(void)
{
    usage_begin(&usage);
    at_begin = run.done;
    run.measure_begin = now_ns(); /* only now: the kernel takes its time to tell what its cores did */
    phase_end = run.measure_begin + (uint64_t)(run.options.seconds * 1e9);
    set_phase(MEASURING, "measuring");
}

static void begin_draining(uint64_t now)
{
    run.measure_end = now;
    usage_end(&usage);
    set_phase(DRAINING, "draining");
    phase_end = now + (uint64_t)(run.options.drain * 1e9);
    roam_end();
    steady_ask_gc(true);
}

static uint64_t awaited(void)
{
    return publish_missing() + request_missing() + roam_missing() + visit_missing() + steady_missing();
}

static void end(void)
{
    if (awaited())
        fail("missing at the end: %llu deliveries, %llu acknowledgements, %llu joins, %llu visits",
             (unsigned long long)publish_missing(), (unsigned long long)request_missing(),
             (unsigned long long)roam_missing(), (unsigned long long)visit_missing());
    run.phase = DONE;
}

/* Whether each closed loop has gone round once since then. A server that first does a part of everything and then the
 * next part of everything would otherwise look infinitely slow, or fast, by where in its cycle the window lies; and what
 * only the first request of each client costs would be measured where the warm-up is too short for it. */
static bool went_round(const struct done *since)
{
    const struct options *options = &run.options;
    uint64_t requests = options->request_rate > 0 ? 0 : (uint64_t)options->requesters * (uint64_t)options->window;
    uint64_t joins = options->roam_rate > 0 ? 0 : (uint64_t)options->roamers;
    uint64_t connects = options->visitors_total > 0 ? 0 : (uint64_t)options->visitors_at_once;
    return run.done.messages - since->messages >= (uint64_t)options->in_flight &&
           run.done.requests - since->requests >= requests && run.done.first_requests >= requests &&
           run.done.joins - since->joins >= joins && run.done.connects - since->connects >= connects;
}

/* A server that stands still does not keep a phase open for ever. */
static bool is_over(uint64_t now, const struct done *since)
{
    return now >= phase_end && (went_round(since) || now >= phase_end + (uint64_t)(run.options.drain * 1e9));
}

static void advance(uint64_t now, bool go_on)
{
    switch (run.phase) {
    case SETUP:
        if (steady_open()) begin_joining();
        else if (run.failures) run.phase = DONE;
        return;
    case JOINING:
        if (steady_missing() == 0) begin_holding();
        return;
    case HOLDING:
        if (go_on || !run.options.hold) begin_warming(now);
        return;
    case WARMING:
        if (is_over(now, &(struct done){0})) begin_measuring();
        return;
    case MEASURING:
        if (is_over(now, &at_begin)) begin_draining(now);
        return;
    case DRAINING:
        if (!awaited() || now >= phase_end) end();
        return;
    case DONE: return;
    }
}

static void tick(uint64_t now)
{
    publish_tick(now);
    request_tick(now);
    roam_tick(now);
    visit_tick(now);
}

static uint64_t deadline(uint64_t now)
{
    uint64_t deadlines[] = {now + SLICE_NS, publish_deadline(), request_deadline(), roam_deadline(), visit_deadline()};
    bool timed = run.phase == WARMING || run.phase == MEASURING || run.phase == DRAINING;
    uint64_t least = timed && phase_end > now ? phase_end : UINT64_MAX; /* a window that lasts longer waits for events */
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++)
        if (deadlines[i] < least) least = deadlines[i];
    return least;
}

static void course(void)
{
    uint64_t limit = now_ns() + (uint64_t)(run.options.limit * 1e9);
    steady_open();
    while (run.phase != DONE) {
        bool go_on = links_turn(deadline(now_ns()));
        uint64_t now = now_ns();
        advance(now, go_on);
        tick(now);
        if (now > limit) {
            fail("the time limit of %.0f s was reached in phase %d; %d of %d clients were connected", run.options.limit,
                 run.phase, steady_ready(), steady_count());
            run.phase = DONE;
        }
    }
}

int main(int argc, char **argv)
{
    enum manner like;
    if (!options_read(&run.options, argc, argv)) return 2;
    if (!manner_named(run.options.stock, &like)) {
        fprintf(stderr, "unknown stock client: %s\n", run.options.stock);
        return 2;
    }
    prctl(PR_SET_TIMERSLACK, 1);
    clients_begin(run.options.port, run.options.sources, like, &APPLICATION);
    steady_begin();
    script_read();
    publish_begin();
    request_begin();
    course();
    report_print(&usage, stdout);
    return run.failures ? 1 : 0;
}

/* Visitors: clients that connect, stay for a while or for good, and are followed by the next. */
#include "visit.h"

#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "run.h"

enum { FAILURES_ENOUGH = 100 }; /* no use in connecting to a server that refuses */

static uint64_t begin_ns;
static bool begun;
static uint32_t started;
static int opening;  /* not connected yet */
static int leaving;  /* until the server has answered their goodbye */
static int present;  /* opening, staying for a while, or leaving */
static struct client *leaving_first, *leaving_last; /* in the order in which they leave */
static struct client *gone;                         /* freed at the next tick: an event in hand may refer to them */

static bool active(void) { return run.options.visitors_at_once > 0; }

static enum transport transport(void)
{
    const char *name = run.options.visitors_transport;
    return !strcmp(name, "polling") ? POLLING : !strcmp(name, "upgrade") ? UPGRADE : WEBSOCKET;
}

static bool more(void)
{
    if (!running() || run.failures > FAILURES_ENOUGH) return false;
    return !run.options.visitors_total || started < (uint32_t)run.options.visitors_total;
}

/* With a delay they come so long after the measurement begins, else with the warm-up. */
void visit_start(uint64_t now)
{
    uint64_t after_warmup = (uint64_t)((run.options.warmup + run.options.visitors_delay) * 1e9);
    begin_ns = now + (run.options.visitors_delay > 0 ? after_warmup : 0);
}

static void bury(struct client *client)
{
    client->next = gone;
    gone = client;
}

static void free_gone(void)
{
    while (gone) {
        struct client *client = gone;
        gone = client->next;
        free(client);
    }
}

static void go(struct client *client)
{
    leaving++;
    client_leave(client);
}

static void left(struct client *client)
{
    leaving--;
    present--;
    bury(client);
}

static void ready(struct client *client)
{
    uint64_t now = now_ns();
    opening--;
    if (measuring(now)) run.connects++;
    run.done.connects++;
    record(CONNECT, client->started_ns, now);
    if (run.options.visitors_stay_ms == 0) {
        go(client);
        return;
    }
    if (run.options.visitors_stay_ms < 0) {
        present--; /* stays for good; the next may come */
        return;
    }
    client->leave_ns = now + (uint64_t)run.options.visitors_stay_ms * 1000000u;
    client->next = NULL;
    if (leaving_first) leaving_last->next = client;
    else leaving_first = client;
    leaving_last = client;
}

static void lost(struct client *client, const char *why)
{
    application_lost(client, why);
    if (client->joined) return; /* staying: it is buried when its time comes, or with the process */
    opening--;
    present--;
    bury(client);
}

static void come(void)
{
    static const struct role VISITOR = {.name = "visitor", .ready = ready, .lost = lost, .left = left};
    struct client *client = calloc(1, sizeof *client);
    *client = (struct client){.index = started++, .role = &VISITOR, .transport = transport()};
    opening++;
    present++;
    client_open(client);
}

static void let_go(uint64_t now)
{
    while (leaving_first && leaving_first->leave_ns <= now) {
        struct client *client = leaving_first;
        leaving_first = client->next;
        go(client);
    }
}

void visit_tick(uint64_t now)
{
    free_gone();
    if (!active()) return;
    let_go(now);
    begun = begun || now >= begin_ns;
    while (begun && present < run.options.visitors_at_once && more()) come();
}

uint64_t visit_deadline(void)
{
    if (!active() || run.phase > MEASURING) return UINT64_MAX;
    uint64_t leave = leaving_first ? leaving_first->leave_ns : UINT64_MAX;
    return !begun && begin_ns < leave ? begin_ns : leave;
}

uint64_t visit_missing(void) { return (uint64_t)(opening + leaving); }

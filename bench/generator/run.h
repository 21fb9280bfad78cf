/* The run that is going on: what it was told, how far it is, what it has counted.
 *
 * Every activity (publish.h, request.h, roam.h, visit.h) has a start (when the warm-up starts), a tick (now and then), a
 * deadline (when it next wants a tick) and a count of what it still awaits; main.c asks all of them.
 */
#ifndef RUN_H
#define RUN_H
#include <stdbool.h>
#include <stdint.h>

#include "histogram.h"
#include "options.h"

struct client;

enum phase { SETUP, JOINING, HOLDING, WARMING, MEASURING, DRAINING, DONE };

enum series { DELIVERY, DELIVERY_POLLING, REQUEST, CONNECT, JOIN, LAG, SERIES };

/* What was completed since the warm-up began, in any phase. */
struct done {
    uint64_t messages; /* that reached their last recipient */
    uint64_t requests, joins, connects;
    uint64_t first_requests; /* the first of each requester, or as many as its window has */
};

struct run {
    struct options options;
    enum phase phase;
    uint64_t measure_begin, measure_end; /* ns; end is 0 until it is known */
    struct client *clients;              /* the steady ones; see steady.h */
    struct histogram histograms[SERIES];
    struct done done;
    uint64_t deliveries, requests, connects, joins; /* done while measuring */
    uint64_t messages;                              /* published while measuring */
    uint64_t failures;
    uint64_t slow_kicked;
    uint64_t strays; /* messages to roamers of a room that they had left by then */
    char *gc; /* JSON from the server */
};

extern struct run run;

/* Note something that makes the run fail; the first few are reported in words. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whether activities go on: the warm-up or the measured window. */
bool running(void);
bool measuring(uint64_t ns);
void record(enum series series, uint64_t intended_ns, uint64_t now);

/* A rate with intended times: what was meant to happen at a time is measured from that time, however late it is. */
struct pacer {
    double rate;
    uint64_t start, count;
};
uint64_t pacer_next(const struct pacer *pacer);

/* Which is a steady client's n-th room, of rooms_per_client; and the reverse: -1 where it is not in that room. */
int room_of(uint32_t client, int nth);
int room_nth(uint32_t client, uint32_t room);

#endif

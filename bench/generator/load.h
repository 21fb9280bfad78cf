/* What one run does to a server: clients of four roles, and what they do at the same time.
 *
 * Steady clients are connected during the whole run; every message to them is accounted for. Some of them publish
 * (publish.c), some make requests (request.c). Roamers join and leave rooms (roam.c). Visitors come and go (visit.c).
 * Slow clients connect and then never read again.
 *
 * Every activity has a begin (allocate), a start (when the warm-up starts), a tick (now and then), a deadline (when it
 * next wants a tick) and an idle test (nothing is awaited any more).
 */
#ifndef LOAD_H
#define LOAD_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client.h"
#include "histogram.h"
#include "options.h"

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
    struct client *clients;              /* the steady ones */
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
bool measuring(uint64_t ns);
void record(enum series series, uint64_t intended_ns, uint64_t now);
/* Three numbers as 24 hexadecimal digits, the head of every payload. */
void header_write(char *out, uint32_t first, uint32_t second, uint32_t third);
bool header_read(const char *data, uint32_t *first, uint32_t *second, uint32_t *third);
/* A payload of the configured size, whose head is to be overwritten. */
char *payload_new(size_t length);
/* Which is a steady client's n-th room, of rooms_per_client; and the reverse: -1 where it is not in that room. */
int room_of(uint32_t client, int nth);
int room_nth(uint32_t client, uint32_t room);

/* A rate with intended times: what was meant to happen at a time is measured from that time, however late it is. */
struct pacer {
    double rate;
    uint64_t start, count;
};
uint64_t pacer_next(const struct pacer *pacer);

void publish_begin(void);
void publish_start(uint64_t now);
void publish_tick(uint64_t now);
uint64_t publish_deadline(void);
uint64_t publish_missing(void);
void publish_received(struct client *client, const char *payload, size_t length);

void request_begin(void);
void request_start(uint64_t now);
void request_tick(uint64_t now);
uint64_t request_deadline(void);
uint64_t request_missing(void);
void request_acked(struct client *client, uint32_t ack, const char *body, size_t length);
/* An event that may hold a scripted message. */
void request_delivered(struct client *client, const char *body, size_t length);

void roam_begin(void);
void roam_tick(uint64_t now);
void roam_start(uint64_t now);
void roam_end(void);
uint64_t roam_deadline(void);
uint64_t roam_missing(void);
void roam_ready(struct client *client);
void roam_acked(struct client *client, uint32_t ack);
void roam_received(struct client *client, const char *payload);
/* Whether a payload is the word of a roamer that proves to be in its room: to others it means nothing. */
bool roam_is_proof(const char *payload, size_t length);

void visit_start(uint64_t now);
void visit_tick(uint64_t now);
uint64_t visit_deadline(void);
uint64_t visit_missing(void);
void visit_ready(struct client *client);
void visit_lost(struct client *client);

/* Send an event outside of the measured ones; its acknowledgement goes to main_control_acked. */
void load_control(struct client *client, uint32_t id, const char *event_and_arguments);

#endif

/* Requests: an event of a client that the server acknowledges, directly (echo), after asking the client (ask), or after
 * doing what a script says and telling another client.
 */
#define _GNU_SOURCE
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payload.h"
#include "run.h"
#include "script.h"

enum { RING = 64 };

static struct pacer pacer;
static uint64_t missing; /* acknowledgements, and with a script deliveries */
static uint32_t requester_next;
static bool stopped_by_window;
static char *packet, *payload;
static uint32_t *told;  /* with a script, per client: how many messages it was told of */
static uint64_t *meant; /* with a script, per client and ack id modulo RING: when it was meant to be sent */

static bool active(void) { return run.options.requesters > 0; }
static bool scripted(void) { return *run.options.script; }

static struct client *requester(uint32_t nth)
{
    /* Spread over all, so that a mix of transports is in it. */
    return &run.clients[(uint64_t)nth * (uint64_t)run.options.clients / (uint64_t)run.options.requesters];
}

void request_begin(void)
{
    if (!active()) return;
    packet = malloc((size_t)run.options.payload + 1024);
    payload = payload_new((size_t)run.options.payload);
    told = calloc((size_t)run.options.clients, sizeof *told);
    meant = calloc((size_t)run.options.clients * RING, sizeof *meant);
    for (uint32_t i = 0; i < (uint32_t)run.options.requesters; i++) requester(i)->sent_ns = calloc(RING, sizeof(uint64_t));
}

static size_t write_packet(const struct client *client, uint32_t ack)
{
    const struct script *script = client->script;
    const char *after = script ? script->after : "\"]";
    size_t size;
    header_write(payload, ack, client->index, 0);
    if (script) size = (size_t)snprintf(packet, 1024, "%s%u%s", script->before, ack, script->between);
    else size = (size_t)snprintf(packet, 1024, "42%u[\"%s\",\"", ack, run.options.request);
    memcpy(packet + size, payload, (size_t)run.options.payload);
    size += (size_t)run.options.payload;
    memcpy(packet + size, after, strlen(after));
    return size + strlen(after);
}

static bool request(struct client *client, uint64_t intended)
{
    uint32_t ack = client->next_ack;
    if (client->sent_ns[ack % RING]) return false;
    client->next_ack++;
    client->sent_ns[ack % RING] = intended;
    missing++;
    if (scripted()) {
        meant[client->index * RING + ack % RING] = intended;
        missing += 2;
    }
    if (measuring(intended)) run.messages++;
    record(LAG, intended, now_ns());
    client_send(client, packet, write_packet(client, ack));
    return true;
}

void request_start(uint64_t now)
{
    if (!active()) return;
    pacer = (struct pacer){.rate = run.options.request_rate, .start = now};
    if (pacer.rate > 0) return;
    for (uint32_t i = 0; i < (uint32_t)run.options.requesters; i++)
        for (int n = 0; n < run.options.window; n++) request(requester(i), now_ns());
}

void request_tick(uint64_t now)
{
    stopped_by_window = false;
    if (pacer.rate <= 0 || !running()) return;
    while (pacer_next(&pacer) <= now) {
        if (!request(requester(requester_next % (uint32_t)run.options.requesters), pacer_next(&pacer))) {
            stopped_by_window = true; /* an acknowledgement has to come first; the intended time stays what it is */
            return;
        }
        requester_next++;
        pacer.count++;
    }
}

uint64_t request_deadline(void)
{
    return pacer.rate <= 0 || stopped_by_window || !running() ? UINT64_MAX : pacer_next(&pacer);
}

uint64_t request_missing(void) { return missing; }

/* Without a script the answer is the payload alone; with one it holds the message, wherever. */
static bool answers(const struct client *client, uint32_t ack, const char *body, size_t length)
{
    header_write(payload, ack, client->index, 0);
    if (scripted()) return memmem(body, length, payload, (size_t)run.options.payload) != NULL;
    const char *end = body + length;
    const char *start = memchr(body, '"', length);
    return start && end - start == run.options.payload + 3 && !memcmp(start + 1, payload, (size_t)run.options.payload);
}

void request_acked(struct client *client, uint32_t ack, const char *body, size_t length)
{
    uint64_t *sent = client->sent_ns ? &client->sent_ns[ack % RING] : NULL;
    if (!sent || !*sent || client->next_ack - ack > RING) {
        fail("client %u got an acknowledgement it does not wait for: %u", client->index, ack);
        return;
    }
    if (!answers(client, ack, body, length))
        fail("client %u: acknowledgement %u is not that of its request: %.*s", client->index, ack,
             (int)(length < 120 ? length : 120), body);
    uint64_t now = now_ns();
    if (measuring(now)) run.requests++;
    run.done.requests++;
    if (ack < (uint32_t)run.options.window) run.done.first_requests++;
    record(REQUEST, *sent, now);
    *sent = 0;
    missing--;
    if (pacer.rate <= 0 && running()) request(client, now);
}

void request_delivered(struct client *client, const char *body, size_t length)
{
    uint32_t ack, sender, zero;
    static const char again[] = "[\"offlineMessages\""; /* what an earlier run has not received */
    if (length >= sizeof again - 1 && !memcmp(body, again, sizeof again - 1)) return;
    const char *marker = memmem(body, length, SCRIPT_MARKER, sizeof SCRIPT_MARKER - 1);
    if (!marker) return;
    marker += sizeof SCRIPT_MARKER - 1;
    if ((size_t)(body + length - marker) < 24 || !header_read(marker, &ack, &sender, &zero) ||
        sender != (client->index & ~1u) || ack != told[client->index]) {
        fail("client %u was told of a message that is not the next one for it (%u awaited): %.*s", client->index,
             told[client->index], (int)(length < 120 ? length : 120), body);
        return;
    }
    told[client->index]++;
    missing--;
    if (client->index == sender) return;
    uint64_t now = now_ns();
    if (measuring(now)) run.deliveries++;
    if (run.clients[sender].next_ack - ack <= RING) record(DELIVERY, meant[sender * RING + ack % RING], now);
    else fail("client %u was told of message %u when %u had been sent", client->index, ack, run.clients[sender].next_ack);
}

/* Roamers: clients of their own that join and leave rooms, while others publish: at a rate, or each the next as soon as
 * the one before is acknowledged.
 *
 * An acknowledgement says little. Therefore each roamer joins a room once more after the measured window, unless it is in
 * one, and speaks to that room, in which it must hear itself, once.
 */
#include "roam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "payload.h"
#include "run.h"

#define PROOF "ffffffff" /* in the place of a message's id, which is never reached */

static struct pacer pacer;
static struct client *roamers;
static uint32_t *last_seen; /* per roamer, in its current room; 0: nothing yet */
static uint32_t roamer_next;
static uint64_t missing; /* acknowledgements, and proofs */
static bool stopped;

static bool active(void) { return run.options.roamers > 0; }

void roam_start(uint64_t now) { pacer = (struct pacer){.rate = run.options.roam_rate, .start = now}; }

static bool roam(struct client *client, uint64_t intended)
{
    char packet[64];
    if (client->state != READY || client->sent_ns[0]) return false;
    bool joins = client->room < 0;
    int room = joins ? (int)((client->index + client->next_ack * 7u) % (uint32_t)run.options.rooms) : client->room;
    client->sent_ns[0] = intended;
    client->room = room;
    missing++;
    int size = snprintf(packet, sizeof packet, "42%u[\"%s\",[\"r%d\"]]", client->next_ack++, joins ? "join" : "leave", room);
    client_send(client, packet, (size_t)size);
    return true;
}

static void ready(struct client *client)
{
    if (run.options.roam_rate <= 0 && running()) roam(client, now_ns());
}

void roam_tick(uint64_t now)
{
    stopped = false;
    if (pacer.rate <= 0 || !running()) return;
    while (pacer_next(&pacer) <= now) {
        if (!roam(&roamers[roamer_next % (uint32_t)run.options.roamers], pacer_next(&pacer))) {
            stopped = true;
            return;
        }
        roamer_next++;
        pacer.count++;
    }
}

uint64_t roam_deadline(void) { return pacer.rate <= 0 || stopped || !running() ? UINT64_MAX : pacer_next(&pacer); }

uint64_t roam_missing(void) { return missing; }

static void prove(struct client *client)
{
    char packet[64], payload[25];
    header_write(payload, UINT32_MAX, client->index, (uint32_t)client->room);
    int size = snprintf(packet, sizeof packet, "42[\"say\",\"r%d\",\"%.24s\"]", client->room, payload);
    missing++;
    client_send(client, packet, (size_t)size);
}

/* Prove, now or once what is on its way is acknowledged. */
static void prove_or_join(struct client *client)
{
    if (client->state != READY || client->sent_ns[0]) return;
    if (client->room < 0) roam(client, now_ns());
    else prove(client);
}

void roam_end(void)
{
    for (int i = 0; active() && i < run.options.roamers; i++) prove_or_join(&roamers[i]);
}

bool roam_is_proof(const char *payload, size_t length)
{
    return active() && length == 24 && !memcmp(payload, PROOF, sizeof PROOF - 1);
}

static void acked(struct client *client, uint32_t ack, const char *array, size_t length)
{
    (void)array, (void)length;
    if (ack + 1 != client->next_ack || !client->sent_ns[0]) {
        fail("roamer %u got an acknowledgement it does not wait for: %u", client->index, ack);
        return;
    }
    bool left = ack % 2 == 1;
    uint64_t now = now_ns();
    if (measuring(now)) run.joins++;
    run.done.joins++;
    record(JOIN, client->sent_ns[0], now);
    client->sent_ns[0] = 0;
    missing--;
    last_seen[client->index] = 0;
    if (left) client->room = -1;
    if (pacer.rate <= 0 && running()) roam(client, now);
    if (run.phase == DRAINING) prove_or_join(client);
}

static void receive_proof(const struct client *client, uint32_t sender)
{
    if (sender != client->index) return;
    if (missing == 0) fail("roamer %u heard its proof once more", client->index);
    else missing--;
}

static void received(struct client *client, const char *payload, size_t length)
{
    (void)length;
    uint32_t id, sequence, stream;
    if (!run.options.rooms || !header_read(payload, &id, &sequence, &stream)) return;
    if (id == UINT32_MAX) {
        receive_proof(client, sequence);
        return;
    }
    if ((int)stream != client->room) {
        run.strays++; /* published before it left, sent after: no order is promised between rooms and acknowledgements */
        return;
    }
    uint32_t seen = last_seen[client->index];
    if (seen && sequence != seen + 1) fail("roamer %u: message %u after %u", client->index, sequence, seen);
    last_seen[client->index] = sequence;
}

void roam_begin(void)
{
    static const struct role ROAMER = {
        .name = "roamer", .ready = ready, .lost = application_lost, .message = received, .acked = acked};
    if (!active()) return;
    roamers = calloc((size_t)run.options.roamers, sizeof *roamers);
    last_seen = calloc((size_t)run.options.roamers, sizeof *last_seen);
    for (int i = 0; i < run.options.roamers; i++) {
        roamers[i] = (struct client){.index = (uint32_t)i, .role = &ROAMER, .room = -1};
        roamers[i].sent_ns = calloc(1, sizeof(uint64_t));
        client_open(&roamers[i]);
    }
}

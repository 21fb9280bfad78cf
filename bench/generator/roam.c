/* Roamers: clients of their own that join and leave rooms, at a rate, while others publish. */
#include <stdlib.h>

#include "load.h"

static struct pacer pacer;
static struct client *roamers;
static uint32_t *last_seen; /* per roamer, in its current room; 0: nothing yet */
static uint32_t roamer_next;
static uint64_t missing;
static bool stopped;

static bool active(void) { return run.options.roamers > 0; }

void roam_begin(void)
{
    if (!active()) return;
    roamers = calloc((size_t)run.options.roamers, sizeof *roamers);
    last_seen = calloc((size_t)run.options.roamers, sizeof *last_seen);
    for (int i = 0; i < run.options.roamers; i++) {
        roamers[i] = (struct client){.index = (uint32_t)i, .role = ROAMER, .room = -1};
        roamers[i].sent_ns = calloc(1, sizeof(uint64_t));
        client_open(&roamers[i]);
    }
}

void roam_start(uint64_t now) { pacer = (struct pacer){.rate = run.options.roam_rate, .start = now}; }

/* Joins a room, or leaves the one it is in. Returns false while the step before is not acknowledged. */
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

void roam_tick(uint64_t now)
{
    stopped = false;
    if (pacer.rate <= 0 || (run.phase != WARMING && run.phase != MEASURING)) return;
    while (pacer_next(&pacer) <= now) {
        if (!roam(&roamers[roamer_next % (uint32_t)run.options.roamers], pacer_next(&pacer))) {
            stopped = true;
            return;
        }
        roamer_next++;
        pacer.count++;
    }
}

uint64_t roam_deadline(void)
{
    if (pacer.rate <= 0 || stopped) return UINT64_MAX;
    return run.phase == WARMING || run.phase == MEASURING ? pacer_next(&pacer) : UINT64_MAX;
}

uint64_t roam_missing(void) { return missing; }

void roam_acked(struct client *client, uint32_t ack)
{
    if (ack + 1 != client->next_ack || !client->sent_ns[0]) {
        fail("roamer %u got an acknowledgement it does not wait for: %u", client->index, ack);
        return;
    }
    uint64_t now = now_ns();
    if (measuring(now)) run.joins++;
    record(JOIN, client->sent_ns[0], now);
    client->sent_ns[0] = 0;
    missing--;
    if (ack % 2 == 1) client->room = -1; /* it has left */
    last_seen[client->index] = 0;
}

void roam_received(struct client *client, const char *payload)
{
    uint32_t id, sequence, stream;
    if (!run.options.rooms || !header_read(payload, &id, &sequence, &stream)) return;
    if ((int)stream != client->room) {
        run.strays++; /* published before it left, sent after: no order is promised between rooms and acknowledgements */
        return;
    }
    uint32_t seen = last_seen[client->index];
    if (seen && sequence != seen + 1) fail("roamer %u: message %u after %u", client->index, sequence, seen);
    last_seen[client->index] = sequence;
}

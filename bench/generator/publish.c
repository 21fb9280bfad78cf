/* Publishing: messages to everybody or to rooms, and the account of who got them.
 *
 * A stream is one publisher speaking to one audience. Within a stream every recipient must see every message once and
 * in order, which is what can be asked of a server; between streams no order is promised.
 */
#include "publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payload.h"
#include "run.h"

enum { SLOTS = 1 << 16 }; /* messages that may be on their way at once */

struct stream {
    struct client *publisher;
    uint32_t sequence, members;
};

struct slot {
    uint64_t intended;
    uint32_t id, remaining;
};

static struct stream *streams;
static uint32_t stream_count, stream_next;
static uint32_t *last_seen; /* [client][stream, or of its own rooms the n-th]: the last sequence number that came */
static uint32_t seen_of_each; /* client */
static struct slot *slots;
static uint32_t next_id;
static uint64_t missing; /* deliveries that are still to come */
static struct pacer pacer;
static bool stopped_by_slot;
static char *packet, *attachment;

static bool active(void) { return run.options.in_flight > 0 || run.options.publish_rate > 0; }

static void find_members(void)
{
    for (int i = 0; i < run.options.clients; i++) {
        for (int n = 0; n < run.options.rooms_per_client; n++) {
            struct stream *stream = &streams[room_of((uint32_t)i, n)];
            if (!stream->publisher) stream->publisher = &run.clients[i];
            stream->members++;
        }
    }
}

static void spread_publishers(void)
{
    for (uint32_t i = 0; i < stream_count; i++) {
        streams[i].publisher = &run.clients[(uint64_t)i * (uint64_t)run.options.clients / stream_count];
        streams[i].members = (uint32_t)run.options.clients;
    }
}

void publish_begin(void)
{
    if (!active()) return;
    stream_count = (uint32_t)(run.options.rooms ? run.options.rooms : run.options.publishers);
    streams = calloc(stream_count, sizeof *streams);
    seen_of_each = run.options.rooms ? (uint32_t)run.options.rooms_per_client : stream_count;
    last_seen = calloc((size_t)seen_of_each * (size_t)run.options.clients, sizeof *last_seen);
    slots = calloc(SLOTS, sizeof *slots);
    packet = malloc((size_t)run.options.payload + 128);
    attachment = payload_new((size_t)run.options.payload);
    if (run.options.rooms) find_members();
    else spread_publishers();
}

static size_t text_packet(uint32_t stream)
{
    size_t size;
    if (run.options.rooms) size = (size_t)sprintf(packet, "42[\"say\",\"r%u\",\"", stream);
    else size = (size_t)sprintf(packet, "42[\"pub\",\"");
    memcpy(packet + size, attachment, (size_t)run.options.payload);
    size += (size_t)run.options.payload;
    memcpy(packet + size, "\"]", 2);
    return size + 2;
}

static size_t binary_packet(void)
{
    return (size_t)sprintf(packet, "451-[\"bin\",{\"_placeholder\":true,\"num\":0}]");
}

/* Publishes the next message, of the streams in turn. Returns false if too many are on their way. */
static bool publish(uint64_t intended)
{
    uint32_t index = stream_next++ % stream_count;
    struct stream *stream = &streams[index];
    struct slot *slot = &slots[next_id % SLOTS];
    if (slot->remaining) return false;
    *slot = (struct slot){.intended = intended, .id = next_id++, .remaining = stream->members};
    missing += stream->members;
    header_write(attachment, slot->id, ++stream->sequence, index);
    if (measuring(intended)) run.messages++;
    record(LAG, intended, now_ns());
    if (run.options.binary)
        client_send_binary(stream->publisher, packet, binary_packet(), attachment, (size_t)run.options.payload);
    else client_send(stream->publisher, packet, text_packet(index));
    return true;
}

void publish_start(uint64_t now)
{
    if (!active()) return;
    pacer = (struct pacer){.rate = run.options.publish_rate, .start = now};
    for (int i = 0; i < run.options.in_flight; i++) publish(now_ns());
}

void publish_tick(uint64_t now)
{
    stopped_by_slot = false;
    if (run.options.publish_rate <= 0 || !running()) return;
    while (pacer_next(&pacer) <= now) {
        if (!publish(pacer_next(&pacer))) {
            stopped_by_slot = true; /* a delivery has to come first; the intended time stays what it is */
            return;
        }
        pacer.count++;
    }
}

uint64_t publish_deadline(void)
{
    return run.options.publish_rate <= 0 || stopped_by_slot || !running() ? UINT64_MAX : pacer_next(&pacer);
}

uint64_t publish_missing(void) { return missing; }

static bool check(struct client *client, const char *payload, size_t length, struct slot **slot)
{
    uint32_t id, sequence, stream;
    if (length != (size_t)run.options.payload || !header_read(payload, &id, &sequence, &stream)) {
        fail("a message of %zu bytes is not one that was published", length);
        return false;
    }
    *slot = &slots[id % SLOTS];
    if (stream >= stream_count || (*slot)->id != id || (*slot)->remaining == 0) {
        fail("message %u came once more to client %u, or was never published", id, client->index);
        return false;
    }
    int nth = run.options.rooms ? room_nth(client->index, stream) : (int)stream;
    if (nth < 0) {
        fail("client %u got a message of room r%u, in which it is not", client->index, stream);
        return false;
    }
    uint32_t *seen = &last_seen[(size_t)client->index * seen_of_each + (size_t)nth];
    if (sequence != *seen + 1) fail("client %u: message %u of stream %u after %u", client->index, sequence, stream, *seen);
    *seen = sequence;
    return true;
}

void publish_received(struct client *client, const char *payload, size_t length)
{
    struct slot *slot;
    if (!check(client, payload, length, &slot)) return;
    uint64_t now = now_ns();
    if (measuring(now)) run.deliveries++;
    record(client->on_socket ? DELIVERY : DELIVERY_POLLING, slot->intended, now);
    missing--;
    if (--slot->remaining) return;
    run.done.messages++;
    if (run.options.in_flight && running()) publish(now);
}

#define _GNU_SOURCE
#include "load.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "main.h"

enum { FIRST_CONTROL_ACK = 900000000 }; /* above every id that a request uses */

struct run run;

void fail(const char *format, ...)
{
    enum { REPORTED = 3 };
    va_list arguments;
    if (run.failures++ >= REPORTED) return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

bool measuring(uint64_t ns)
{
    return run.phase >= MEASURING && ns >= run.measure_begin && (!run.measure_end || ns < run.measure_end);
}

void record(enum series series, uint64_t intended, uint64_t now)
{
    if (measuring(intended)) histogram_record(&run.histograms[series], now - intended);
}

/* -- payloads ------------------------------------------------------------------------------------------------------ */

static void write_hex(char *out, uint32_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 4) out[i] = "0123456789abcdef"[value & 15];
}

static bool read_hex(const char *data, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 8; i++) {
        int digit = data[i] - '0';
        if (digit > 9) digit -= 'a' - '0' - 10;
        if (digit < 0 || digit > 15) return false;
        *value = *value << 4 | (uint32_t)digit;
    }
    return true;
}

void header_write(char *out, uint32_t first, uint32_t second, uint32_t third)
{
    write_hex(out, first);
    write_hex(out + 8, second);
    write_hex(out + 16, third);
}

bool header_read(const char *data, uint32_t *first, uint32_t *second, uint32_t *third)
{
    return read_hex(data, first) && read_hex(data + 8, second) && read_hex(data + 16, third);
}

char *payload_new(size_t length)
{
    char *payload = malloc(length);
    for (size_t i = 0; i < length; i++) payload[i] = (char)('a' + i % 26);
    return payload;
}

static uint32_t stride(void) { return (uint32_t)(run.options.rooms / run.options.rooms_per_client); }

int room_of(uint32_t client, int nth)
{
    return (int)((client + (uint32_t)nth * stride()) % (uint32_t)run.options.rooms);
}

int room_nth(uint32_t client, uint32_t room)
{
    uint32_t rooms = (uint32_t)run.options.rooms;
    uint32_t offset = (room + rooms - client % rooms) % rooms;
    uint32_t nth = offset / stride();
    return offset % stride() || nth >= (uint32_t)run.options.rooms_per_client ? -1 : (int)nth;
}

uint64_t pacer_next(const struct pacer *pacer)
{
    return pacer->start + (uint64_t)((double)pacer->count * 1e9 / pacer->rate);
}

/* -- what comes from the server ------------------------------------------------------------------------------------ */

void load_ready(struct client *client)
{
    if (client->role == VISITOR) visit_ready(client);
    else main_ready(client);
}

void load_lost(struct client *client, const char *why)
{
    static const char *const NAMES[] = {"client", "visitor", "roamer", "slow client"};
    if (client->role == SLOW && client->state == CLOSED && run.phase > SETUP) {
        run.slow_kicked++;
        return;
    }
    fail("%s %u: %s", NAMES[client->role], client->index, why);
    if (client->role == VISITOR) visit_lost(client);
}

/* The first string of an array from `at` on: without escapes, because our own payloads have none. */
static const char *string_in(const char *at, const char *end, size_t *length)
{
    const char *start = memchr(at, '"', (size_t)(end - at));
    if (!start) return NULL;
    const char *stop = memchr(start + 1, '"', (size_t)(end - start - 1));
    if (!stop) return NULL;
    *length = (size_t)(stop - start - 1);
    return start + 1;
}

/* Skips a namespace and reads an ack id; returns where the array begins. */
static const char *skip_to_array(const char *at, const char *end, uint32_t *ack, bool *has_ack)
{
    if (at < end && *at == '/') {
        at = memchr(at, ',', (size_t)(end - at));
        if (!at) return end;
        at++;
    }
    *ack = 0;
    *has_ack = false;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        *ack = *ack * 10 + (uint32_t)(*at - '0');
        *has_ack = true;
    }
    return at;
}

static void answer_question(struct client *client, const char *array, const char *end, uint32_t ack)
{
    size_t length;
    char *packet = malloc((size_t)(end - array) + 64);
    const char *payload = string_in(array + 4, end, &length);
    if (payload) client_send(client, packet, (size_t)sprintf(packet, "43%u[\"%.*s\"]", ack, (int)length, payload));
    else fail("client %u was asked without a payload", client->index);
    free(packet);
}

static void receive_event(struct client *client, const char *at, const char *end)
{
    uint32_t ack;
    bool has_ack;
    size_t length;
    const char *array = skip_to_array(at, end, &ack, &has_ack);
    if (end - array > 8 && !memcmp(array, "[\"msg\",", 7)) {
        const char *payload = string_in(array + 7, end, &length);
        if (payload) publish_received(client, payload, length);
        return;
    }
    if (end - array > 6 && !memcmp(array, "[\"q\",", 5) && has_ack) answer_question(client, array, end, ack);
    else if (client->script) request_delivered(client, array, (size_t)(end - array));
}

static void receive_ack(struct client *client, const char *at, const char *end)
{
    uint32_t ack;
    bool has_ack;
    const char *array = skip_to_array(at, end, &ack, &has_ack);
    if (ack >= FIRST_CONTROL_ACK) {
        main_control_acked(ack - FIRST_CONTROL_ACK, array, (size_t)(end - array));
        return;
    }
    if (client->role == ROAMER) {
        roam_acked(client, ack);
        return;
    }
    request_acked(client, ack, array, (size_t)(end - array));
}

void load_control(struct client *client, uint32_t id, const char *event_and_arguments)
{
    char *packet = malloc(strlen(event_and_arguments) + 32);
    client_send(client, packet, (size_t)sprintf(packet, "42%u%s", FIRST_CONTROL_ACK + id, event_and_arguments));
    free(packet);
}

void load_packet(struct client *client, char *packet, size_t length)
{
    const char *end = packet + length;
    switch (packet[0]) {
    case '2': receive_event(client, packet + 1, end); return;
    case '3': receive_ack(client, packet + 1, end); return;
    case '5': client->binary_next = true; return;
    default: fail("client %u: a Socket.IO packet of type %c", client->index, packet[0]);
    }
}

void load_binary(struct client *client, char *data, size_t length)
{
    if (!client->binary_next) fail("client %u: an attachment without its packet", client->index);
    client->binary_next = false;
    publish_received(client, data, length);
}

#define _GNU_SOURCE
#include "application.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

void application_lost(struct client *client, const char *why) { fail("%s %u: %s", client->role->name, client->index, why); }

static void ready(struct client *client)
{
    if (client->role->ready) client->role->ready(client);
}

static void lost(struct client *client, const char *why) { client->role->lost(client, why); }

static void left(struct client *client)
{
    if (client->role->left) client->role->left(client);
}

static void message(struct client *client, const char *payload, size_t length)
{
    if (client->role->message) client->role->message(client, payload, length);
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
        if (payload) message(client, payload, length);
        return;
    }
    if (end - array > 6 && !memcmp(array, "[\"q\",", 5) && has_ack) answer_question(client, array, end, ack);
    else if (client->role->event) client->role->event(client, array, (size_t)(end - array));
}

static void receive_ack(struct client *client, const char *at, const char *end)
{
    uint32_t ack;
    bool has_ack;
    const char *array = skip_to_array(at, end, &ack, &has_ack);
    if (client->role->acked) client->role->acked(client, ack, array, (size_t)(end - array));
    else fail("%s %u got an acknowledgement, having asked for none", client->role->name, client->index);
}

static void receive_packet(struct client *client, char *packet, size_t length)
{
    const char *end = packet + length;
    switch (packet[0]) {
    case '2': receive_event(client, packet + 1, end); return;
    case '3': receive_ack(client, packet + 1, end); return;
    case '5': client->binary_next = true; return;
    default: fail("client %u: a Socket.IO packet of type %c", client->index, packet[0]);
    }
}

static void receive_binary(struct client *client, char *data, size_t length)
{
    if (!client->binary_next) fail("client %u: an attachment without its packet", client->index);
    client->binary_next = false;
    message(client, data, length);
}

const struct client_events APPLICATION = {
    .ready = ready, .lost = lost, .left = left, .packet = receive_packet, .binary = receive_binary};

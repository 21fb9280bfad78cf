#define _GNU_SOURCE
#include "steady.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "publish.h"
#include "request.h"
#include "roam.h"
#include "run.h"

/* Ack ids of what is not measured, above every id that a request uses. */
enum { GC_RESET = 900000000, GC_READ, ROOMS_JOINED };

static struct client *slow;
static int opened, ready, unanswered;

static void steady_is_ready(struct client *client)
{
    (void)client;
    ready++;
}

static void steady_message(struct client *client, const char *payload, size_t length)
{
    if (!roam_is_proof(payload, length)) publish_received(client, payload, length);
}

static void steady_acked(struct client *client, uint32_t ack, const char *array, size_t length)
{
    if (ack < GC_RESET) {
        request_acked(client, ack, array, length);
        return;
    }
    unanswered--;
    if (ack == GC_READ) run.gc = strndup(array, length);
}

static void steady_event(struct client *client, const char *array, size_t length)
{
    if (client->script) request_delivered(client, array, length);
}

static void slow_is_ready(struct client *client)
{
    ready++;
    link_stop_reading(client->socket);
}

static void slow_lost(struct client *client, const char *why)
{
    if (run.phase > SETUP) run.slow_kicked++;
    else application_lost(client, why);
}

void steady_begin(void)
{
    static const struct role STEADY = {.name = "client", .ready = steady_is_ready, .lost = application_lost,
                                       .message = steady_message, .acked = steady_acked, .event = steady_event};
    static const struct role SLOW = {.name = "slow client", .ready = slow_is_ready, .lost = slow_lost};
    run.clients = calloc((size_t)run.options.clients, sizeof *run.clients);
    slow = calloc((size_t)run.options.slow + 1, sizeof *slow);
    for (int i = 0; i < run.options.clients; i++) {
        int kind = i * 37 % 100; /* spreads the transports evenly over the clients */
        enum transport transport = kind < run.options.polling_percent ? POLLING
                                   : kind < run.options.polling_percent + run.options.upgrade_percent ? UPGRADE
                                                                                                       : WEBSOCKET;
        run.clients[i] = (struct client){.index = (uint32_t)i, .role = &STEADY, .transport = (uint8_t)transport};
    }
    for (int i = 0; i < run.options.slow; i++)
        slow[i] = (struct client){.index = (uint32_t)i, .role = &SLOW, .small_buffer = true};
}

int steady_count(void) { return run.options.clients + run.options.slow; }

int steady_ready(void) { return ready; }

bool steady_open(void)
{
    while (opened < steady_count() && opened - ready < run.options.setup_at_once && !run.failures) {
        int next = opened++;
        client_open(next < run.options.clients ? &run.clients[next] : &slow[next - run.options.clients]);
    }
    return ready == steady_count();
}

/* Send an event outside of the measured ones. */
static void ask(struct client *client, uint32_t ack, const char *event_and_arguments)
{
    char *packet = malloc(strlen(event_and_arguments) + 32);
    client_send(client, packet, (size_t)sprintf(packet, "42%u%s", ack, event_and_arguments));
    free(packet);
    unanswered++;
}

static void join_rooms(struct client *client)
{
    char *event = malloc((size_t)run.options.rooms_per_client * 16 + 32);
    size_t size = (size_t)sprintf(event, "[\"join\",[");
    for (int n = 0; n < run.options.rooms_per_client; n++)
        size += (size_t)sprintf(event + size, "%s\"r%d\"", n ? "," : "", room_of(client->index, n));
    sprintf(event + size, "]]");
    ask(client, ROOMS_JOINED, event);
    free(event);
}

void steady_join(void)
{
    for (int i = 0; run.options.rooms && i < run.options.clients; i++) join_rooms(&run.clients[i]);
}

void steady_ask_gc(bool read)
{
    if (!run.options.gc) return;
    if (read) ask(&run.clients[0], GC_READ, "[\"gc\",\"read\"]");
    else ask(&run.clients[0], GC_RESET, "[\"gc\",\"reset\"]");
}

uint64_t steady_missing(void) { return (uint64_t)unanswered; }

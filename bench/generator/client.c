#define _GNU_SOURCE
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "http.h"

static const struct client_events *told;
static enum manner manner;
static int server_port;

static void lost(struct client *client, const char *why);

/* -- sending ------------------------------------------------------------------------------------------------------- */

static char *frame_buffer(size_t needed)
{
    static char *buffer;
    static size_t capacity;
    if (needed > capacity) buffer = realloc(buffer, capacity = needed * 2);
    return buffer;
}

static void send_frame(struct link *link, enum opcode opcode, const char *payload, size_t length)
{
    char *out = frame_buffer(length + FRAME_HEAD_MAX);
    link_send(link, out, frame_write(out, opcode, payload, length));
}

static bool busy(const struct link *link) { return link && link->busy; }

static void send_get(struct client *client)
{
    char request[HEAD_MAX];
    if (!client->get) client->get = link_connect(client, LINK_GET, false);
    if (!client->get) return lost(client, "no connection for a GET");
    client->get->busy = true;
    link_send(client->get, request, head_get(request, manner, server_port, client->sid));
}

static void send_post(struct client *client)
{
    char *request = frame_buffer(client->queue_length + HEAD_MAX);
    size_t head = head_post(request, manner, server_port, client->sid, client->queue_length);
    memcpy(request + head, client->queue, client->queue_length);
    if (!client->post) client->post = link_connect(client, LINK_POST, false);
    if (!client->post) return lost(client, "no connection for a POST");
    client->post->busy = true;
    link_send(client->post, request, head + client->queue_length);
    client->queue_length = 0;
}

static void enqueue(struct client *client, const char *packet, size_t length)
{
    if (client->queue_length + length + 1 > client->queue_capacity) {
        client->queue_capacity = (client->queue_length + length + 1) * 2;
        client->queue = realloc(client->queue, client->queue_capacity);
    }
    if (client->queue_length) client->queue[client->queue_length++] = '\x1e';
    memcpy(client->queue + client->queue_length, packet, length);
    client->queue_length += length;
}

void client_send(struct client *client, const char *packet, size_t length)
{
    if (client->state == CLOSED) return;
    if (client->on_socket) {
        send_frame(client->socket, OP_TEXT, packet, length);
        return;
    }
    enqueue(client, packet, length);
    if (!client->probed && !busy(client->post)) send_post(client);
}

void client_send_binary(struct client *client, const char *packet, size_t length, const char *data, size_t size)
{
    char *out = frame_buffer(length + size + 2 * FRAME_HEAD_MAX);
    size_t first = frame_write(out, OP_TEXT, packet, length);
    link_send(client->socket, out, first + frame_write(out + first, OP_BINARY, data, size));
}

/* -- life ---------------------------------------------------------------------------------------------------------- */

static void open_socket(struct client *client)
{
    char request[HEAD_MAX];
    client->socket = link_connect(client, LINK_WEBSOCKET, client->small_buffer);
    if (!client->socket) return lost(client, "no connection for a WebSocket");
    link_send(client->socket, request, head_upgrade(request, manner, server_port, client->sid));
}

void client_open(struct client *client)
{
    client->state = OPENING;
    client->started_ns = now_ns();
    if (client->transport == WEBSOCKET) open_socket(client);
    else send_get(client);
}

static void drop(struct link **link)
{
    if (*link) link_close(*link);
    *link = NULL;
}

/* Leave a connection to the server, which is about to close it, or to answer for the last time. */
static void release(struct link **link)
{
    if (*link) (*link)->owner = NULL;
    *link = NULL;
}

static void close_all(struct client *client)
{
    client->state = CLOSED;
    if (client->leaving && manner != BARE) {
        release(&client->socket);
        if (busy(client->get)) release(&client->get);
    }
    drop(&client->socket);
    drop(&client->get);
    drop(&client->post);
    free(client->queue);
    client->queue = NULL;
    client->queue_length = client->queue_capacity = 0;
}

static void left(struct client *client)
{
    close_all(client);
    told->left(client);
}

static void leave_at_once(struct client *client)
{
    if (client->post && !client->on_socket && !client->post->busy) {
        enqueue(client, "1", 1); /* or the server would keep the session until its heartbeat fails */
        send_post(client);
    }
    if (client->on_socket) send_frame(client->socket, OP_CLOSE, "\x03\xe9", 2); /* 1001, going away */
    left(client);
}

/* As socket.disconnect() does: out of the namespace, then the transport is closed. By polling that is a POST of its own,
 * behind everything else; see close_polling. */
static void say_goodbye(struct client *client)
{
    client_send(client, "41", 2);
    if (client->on_socket) send_frame(client->socket, OP_CLOSE, "", 0);
}

void client_leave(struct client *client)
{
    if (client->state == CLOSED) return told->left(client);
    client->leaving = true;
    if (manner == BARE) leave_at_once(client);
    else say_goodbye(client);
}

static void lost(struct client *client, const char *why)
{
    if (client->state == CLOSED) return;
    if (client->leaving) return left(client); /* how a server answers a goodbye is its own affair */
    close_all(client);
    told->lost(client, why);
}

static void link_lost(struct link *link)
{
    struct client *client = link->owner;
    if (!client) return link_close(link);
    /* A server may close a kept connection that has nothing to do; those of an upgraded client are ours to close, but it
     * may have been faster. */
    if (link->kind != LINK_WEBSOCKET && (client->on_socket || !link->busy)) {
        link_close(link);
        if (client->get == link) client->get = NULL;
        if (client->post == link) client->post = NULL;
        return;
    }
    lost(client, link->kind == LINK_WEBSOCKET ? "the WebSocket was closed" : "a polling connection was closed");
}

/* -- opening ------------------------------------------------------------------------------------------------------- */

static void become_ready_when_complete(struct client *client)
{
    if (client->state != OPENING || !client->joined) return;
    if (client->transport == UPGRADE && !client->on_socket) return;
    client->state = READY;
    told->ready(client);
}

/* Sends one CONNECT packet for each namespace, the next when the one before is answered. */
static void send_connect(struct client *client)
{
    if (!client->connects) {
        client_send(client, "40", 2); /* the root namespace */
        return;
    }
    const char *end = strchr(client->connects, '\n');
    client_send(client, client->connects, (size_t)(end - client->connects));
    client->connects = end + 1;
}

static void opened(struct client *client, const char *packet, size_t length)
{
    const char *sid = memmem(packet, length, "\"sid\":", 6);
    const char *start = sid ? memchr(sid + 6, '"', length - (size_t)(sid + 6 - packet)) : NULL;
    const char *end = start ? memchr(start + 1, '"', length - (size_t)(start + 1 - packet)) : NULL;
    if (!end || (size_t)(end - start) >= sizeof client->sid) return lost(client, "an open packet without a session id");
    memcpy(client->sid, start + 1, (size_t)(end - start - 1));
    client->on_socket = client->transport == WEBSOCKET;
    send_connect(client);
    if (client->transport == UPGRADE) open_socket(client);
}

static void connected(struct client *client)
{
    if (client->connects && *client->connects) {
        send_connect(client);
        return;
    }
    client->joined = true;
    become_ready_when_complete(client);
}

static void send_queue(struct client *client)
{
    char *packet = client->queue, *end = packet + client->queue_length;
    while (packet < end) {
        char *stop = memchr(packet, '\x1e', (size_t)(end - packet));
        if (!stop) stop = end;
        send_frame(client->socket, OP_TEXT, packet, (size_t)(stop - packet));
        packet = stop + 1;
    }
    client->queue_length = 0;
}

/* The upgrade's last step: once the pending GET and POST are answered, everything goes over the WebSocket. */
static void finish_upgrade(struct client *client)
{
    if (!client->probed || client->on_socket || busy(client->get) || busy(client->post)) return;
    send_frame(client->socket, OP_TEXT, "5", 1);
    client->on_socket = true;
    drop(&client->get);
    drop(&client->post);
    send_queue(client);
    become_ready_when_complete(client);
}

/* -- receiving ----------------------------------------------------------------------------------------------------- */

static void receive_packet(struct client *client, char *packet, size_t length)
{
    if (length == 0) return;
    switch (packet[0]) {
    case '4':
        if (length > 1 && packet[1] == '0') connected(client);
        else if (length > 1 && packet[1] == '4') lost(client, "the server refused the connection");
        else if (length > 1 && packet[1] == '1') lost(client, "the server disconnected the client");
        else told->packet(client, packet + 1, length - 1);
        return;
    case '2': client_send(client, "3", 1); return;
    case '0': opened(client, packet, length); return;
    case '1': lost(client, "the server closed the session"); return;
    case '6': return;
    default: lost(client, "an Engine.IO packet of an unknown type");
    }
}

static void receive_text(struct client *client, char *packet, size_t length)
{
    if (length == 6 && !memcmp(packet, "3probe", 6)) {
        client->probed = true;
        finish_upgrade(client);
        return;
    }
    receive_packet(client, packet, length);
}

static void receive_frame(struct link *link, struct frame *frame)
{
    struct client *client = link->owner;
    if (!frame->final) return lost(client, "a fragmented message, which the generator does not read");
    switch (frame->opcode) {
    case OP_TEXT: receive_text(client, frame->payload, frame->length); return;
    case OP_BINARY: told->binary(client, frame->payload, frame->length); return;
    case OP_PING: send_frame(link, OP_PONG, frame->payload, frame->length); return;
    case OP_PONG: return;
    case OP_CLOSE: lost(client, "the server closed the WebSocket"); return;
    default: lost(client, "a frame with an unknown opcode");
    }
}

static size_t receive_handshake(struct link *link, const char *data, size_t length)
{
    struct client *client = link->owner;
    size_t head = http_head_size(data, length);
    if (!head) return 0;
    if (memcmp(data + 8, " 101", 4) != 0 || !memmem(data, head, WEBSOCKET_ACCEPT, sizeof WEBSOCKET_ACCEPT - 1)) {
        lost(client, "the WebSocket handshake was refused");
        return 0;
    }
    if (memmem(data, head, "permessage-deflate", 18)) {
        lost(client, "the server compresses, which the generator does not read");
        return 0;
    }
    link->open = true;
    if (client->transport == UPGRADE) send_frame(link, OP_TEXT, "2probe", 6);
    return head;
}

static size_t receive_socket(struct link *link, char *data, size_t length)
{
    size_t used = 0, size;
    struct frame frame;
    if (!link->open) used = receive_handshake(link, data, length);
    while (link->fd >= 0 && link->owner && link->open && (size = frame_read(&frame, data + used, length - used)) > 0) {
        used += size;
        receive_frame(link, &frame);
    }
    return used;
}

static void receive_payload(struct client *client, char *body, size_t length)
{
    char *end = body + length;
    while (body < end && client->state != CLOSED) {
        char *stop = memchr(body, '\x1e', (size_t)(end - body));
        if (!stop) stop = end;
        receive_packet(client, body, (size_t)(stop - body));
        body = stop + 1;
    }
}

/* The last of a goodbye by polling: the close packet is answered. No stock client waits for the pending GET, too. */
static void close_polling(struct client *client)
{
    if (client->closing) return left(client);
    client->closing = true;
    enqueue(client, "1", 1);
    send_post(client);
}

static void answered_get(struct client *client, struct response *response)
{
    receive_payload(client, response->body, response->length);
    if (client->state == CLOSED || client->on_socket) return;
    if (client->probed) finish_upgrade(client);
    else if (!client->closing) send_get(client);
}

static void answered_post(struct client *client)
{
    if (client->probed) finish_upgrade(client);
    else if (client->queue_length) send_post(client);
    else if (client->leaving) close_polling(client);
}

/* A response is complete: its connection is free for the next request, or spent. */
static void set_free(struct link **link)
{
    (*link)->busy = false;
    if (manner == NODE) release(link);
}

static size_t receive_response(struct link *link, char *data, size_t length)
{
    struct client *client = link->owner;
    struct response response;
    size_t used = http_read(&response, data, length);
    if (used == 0) return 0;
    if (used == (size_t)-1 || response.status != 200) {
        lost(client, "a polling request was not answered with 200");
        return 0;
    }
    set_free(link->kind == LINK_GET ? &client->get : &client->post);
    if (link->kind == LINK_GET) answered_get(client, &response);
    else answered_post(client);
    return used;
}

static size_t received(struct link *link, char *data, size_t length)
{
    if (!link->owner) {
        link_close(link);
        return length;
    }
    return link->kind == LINK_WEBSOCKET ? receive_socket(link, data, length) : receive_response(link, data, length);
}

void clients_begin(int port, int sources, enum manner like, const struct client_events *events)
{
    static const struct link_events EVENTS = {.received = received, .lost = link_lost};
    told = events;
    manner = like;
    server_port = port;
    links_begin(port, sources, &EVENTS);
}

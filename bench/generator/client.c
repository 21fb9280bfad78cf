#define _GNU_SOURCE
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "http.h"

/* The sample key of RFC 6455, section 1.3, and the answer that belongs to it. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define HOST "Host: 127.0.0.1\r\n"
#define PATH "/socket.io/?EIO=4&transport="

static const struct client_events *told;

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

static void send_get(struct client *client)
{
    char request[256];
    int size = snprintf(request, sizeof request, "GET " PATH "polling%s%s HTTP/1.1\r\n" HOST "\r\n",
                        client->sid[0] ? "&sid=" : "", client->sid);
    client->get->busy = true;
    link_send(client->get, request, (size_t)size);
}

static void send_post(struct client *client)
{
    char *request = frame_buffer(client->queue_length + 256);
    int head = snprintf(request, 256,
                        "POST " PATH "polling&sid=%s HTTP/1.1\r\n" HOST
                        "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n\r\n",
                        client->sid, client->queue_length);
    memcpy(request + head, client->queue, client->queue_length);
    if (!client->post) client->post = link_connect(client, LINK_POST, false);
    if (!client->post) return lost(client, "no connection for a POST");
    client->post->busy = true;
    link_send(client->post, request, (size_t)head + client->queue_length);
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
    if (!client->probed && !(client->post && client->post->busy)) send_post(client);
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
    char request[384];
    int size = snprintf(request, sizeof request,
                        "GET " PATH "websocket%s%s HTTP/1.1\r\n" HOST
                        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " KEY
                        "\r\nSec-WebSocket-Version: 13\r\n\r\n",
                        client->sid[0] ? "&sid=" : "", client->sid);
    client->socket = link_connect(client, LINK_WEBSOCKET, client->small_buffer);
    if (!client->socket) return lost(client, "no connection for a WebSocket");
    link_send(client->socket, request, (size_t)size);
}

void client_open(struct client *client)
{
    client->state = OPENING;
    client->started_ns = now_ns();
    if (client->transport == WEBSOCKET) {
        open_socket(client);
        return;
    }
    client->get = link_connect(client, LINK_GET, false);
    if (!client->get) return lost(client, "no connection for a GET");
    send_get(client);
}

static void drop(struct link **link)
{
    if (*link) link_close(*link);
    *link = NULL;
}

static void close_all(struct client *client)
{
    client->state = CLOSED;
    drop(&client->socket);
    drop(&client->get);
    drop(&client->post);
    free(client->queue);
    client->queue = NULL;
    client->queue_length = client->queue_capacity = 0;
}

void client_leave(struct client *client)
{
    if (client->state == CLOSED) return;
    client->leaving = true;
    if (client->post && !client->on_socket && !client->post->busy) {
        enqueue(client, "1", 1); /* or the server would keep the session until its heartbeat fails */
        send_post(client);
    }
    if (client->on_socket) send_frame(client->socket, OP_CLOSE, "\x03\xe9", 2); /* 1001, going away */
    close_all(client);
}

static void lost(struct client *client, const char *why)
{
    if (client->state == CLOSED) return;
    close_all(client);
    if (!client->leaving) told->lost(client, why);
}

static void link_lost(struct link *link)
{
    struct client *client = link->owner;
    /* The polling connections of an upgraded client are ours to close; the server may have been faster. */
    if (link->kind != LINK_WEBSOCKET && client->on_socket) {
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
    if (!client->probed || client->on_socket || client->get->busy || (client->post && client->post->busy)) return;
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
    if (memcmp(data + 8, " 101", 4) != 0 || !memmem(data, head, ACCEPT, sizeof ACCEPT - 1)) {
        lost(client, "the WebSocket handshake was refused");
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
    while (link->fd >= 0 && link->open && (size = frame_read(&frame, data + used, length - used)) > 0) {
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

static void answered_get(struct client *client, struct response *response)
{
    client->get->busy = false;
    receive_payload(client, response->body, response->length);
    if (client->state == CLOSED || !client->get) return;
    if (client->probed) finish_upgrade(client);
    else send_get(client);
}

static void answered_post(struct client *client)
{
    client->post->busy = false;
    if (client->probed) finish_upgrade(client);
    else if (client->queue_length) send_post(client);
}

static size_t receive_response(struct link *link, char *data, size_t length)
{
    struct response response;
    size_t used = http_read(&response, data, length);
    if (used == 0) return 0;
    if (used == (size_t)-1 || response.status != 200) {
        lost(link->owner, "a polling request was not answered with 200");
        return 0;
    }
    if (link->kind == LINK_GET) answered_get(link->owner, &response);
    else answered_post(link->owner);
    return used;
}

static size_t received(struct link *link, char *data, size_t length)
{
    return link->kind == LINK_WEBSOCKET ? receive_socket(link, data, length) : receive_response(link, data, length);
}

void clients_begin(int port, int sources, const struct client_events *events)
{
    static const struct link_events EVENTS = {.received = received, .lost = link_lost};
    told = events;
    links_begin(port, sources, &EVENTS);
}

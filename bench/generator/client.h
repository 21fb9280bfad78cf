/* A Socket.IO client: Engine.IO v4 over WebSocket, over long-polling, or from one to the other; Socket.IO v5 on top. */
#ifndef CLIENT_H
#define CLIENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "head.h"
#include "link.h"

enum transport { WEBSOCKET, POLLING, UPGRADE };

struct role;
struct script;

enum client_state { NEW, OPENING, READY, CLOSED };

struct client {
    uint32_t index; /* among those of its role */
    const struct role *role; /* what it is there for; see application.h */
    uint8_t transport, state;
    bool small_buffer; /* for reading: is stuck soon, once it no longer reads */
    bool joined;    /* the answer to CONNECT has come for every namespace */
    bool on_socket; /* packets go over the WebSocket */
    bool probed;    /* upgrade: 3probe has come */
    bool binary_next;
    bool leaving;   /* by our own will: what the server does now is no failure */
    bool closing;   /* polling: the close packet has been sent */
    struct link *socket, *get, *post;
    char sid[48];
    char *queue; /* polling: packets that wait until the POST before them is answered */
    size_t queue_length, queue_capacity;
    const char *connects; /* the CONNECT packets, each ended by a newline; NULL: "40" */
    int connects_open;    /* how many are not answered yet */
    uint64_t started_ns, leave_ns;
    uint32_t next_ack;
    uint64_t *sent_ns; /* ring over ack ids: when a request was meant to be sent; 0 once it is acknowledged */
    const struct script *script;
    int room;
    struct client *next;
};

/* What whoever opened a client is told of it. */
struct client_events {
    void (*ready)(struct client *client);
    void (*lost)(struct client *client, const char *why);
    /* It has left, as it was told to by client_leave. */
    void (*left)(struct client *client);
    /* A Socket.IO packet, from its type digit on. */
    void (*packet)(struct client *client, char *packet, size_t length);
    /* The attachment of the packet before. */
    void (*binary)(struct client *client, char *data, size_t length);
};

/* The server and the source addresses are those of links_begin; `like` says how they write their requests, and leave. */
void clients_begin(int port, int sources, enum manner like, const struct client_events *events);
void client_open(struct client *client);
void client_send(struct client *client, const char *packet, size_t length);
/* Send a binary event: its packet and its attachment, together. WebSocket only. */
void client_send_binary(struct client *client, const char *packet, size_t length, const char *data, size_t size);
/* Leave: with the close frame of the WebSocket, or the close packet of Engine.IO. A bare client awaits no answer. */
void client_leave(struct client *client);

#endif

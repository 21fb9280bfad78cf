/* Heads of the requests by which a client polls and opens a WebSocket: as short as possible, or as stock clients write
 * them, byte for byte. */
#ifndef HEAD_H
#define HEAD_H
#include <stdbool.h>
#include <stddef.h>

enum manner {
    BARE,    /* nothing that a server does not need */
    BROWSER, /* socket.io-client 4.8 in Chromium 153, on a page of the server's own origin; connections are kept */
    NODE,    /* socket.io-client 4.8 in Node 20: each request of polling has a connection of its own */
};

enum { HEAD_MAX = 1024 };

/* Returns false for an unknown name; "" is BARE. */
bool manner_named(const char *name, enum manner *manner);

/* Each writes a head of at most HEAD_MAX bytes and returns its size. An empty sid begins a session. */
size_t head_get(char *out, enum manner manner, int port, const char *sid);
size_t head_post(char *out, enum manner manner, int port, const char *sid, size_t content_length);
size_t head_upgrade(char *out, enum manner manner, int port, const char *sid);

/* What belongs to the key of head_upgrade in the answer. */
#define WEBSOCKET_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#endif

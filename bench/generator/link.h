/* One TCP connection of a client, and the epoll loop that all of them share. */
#ifndef LINK_H
#define LINK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum link_kind { LINK_WEBSOCKET, LINK_GET, LINK_POST };

struct link {
    int fd; /* -1 once closed; the memory goes after the current batch of events */
    uint8_t kind;
    bool open;    /* WebSocket: the handshake is done */
    bool busy;    /* GET and POST: a response is awaited */
    bool writing; /* EPOLLOUT is asked for */
    void *owner;
    char *in; /* the beginning of something incomplete */
    size_t in_length;
    char *out; /* what the kernel has not taken yet */
    size_t out_length, out_capacity;
    struct link *next_dead;
};

uint64_t now_ns(void);

/* What the owners of links are told. */
struct link_events {
    /* `data` is valid during the call; returns how many bytes were used. */
    size_t (*received)(struct link *link, char *data, size_t length);
    void (*lost)(struct link *link);
};

/* The one address of the server, and how many source addresses 127.0.1.x the connections take turns with. */
void links_begin(int port, int sources, const struct link_events *events);
struct link *link_connect(void *owner, enum link_kind kind, bool small_buffer);
void link_send(struct link *link, const void *data, size_t length);
void link_close(struct link *link);
/* Stop reading for good: a consumer that is stuck, whose close is still noticed. */
void link_stop_reading(struct link *link);
/* Watch a descriptor of another kind (standard input); a byte on it is reported as extra_readable. */
void links_watch(int fd);
/* Wait for events until a point in time and handle them. Returns whether the watched descriptor became readable. */
bool links_turn(uint64_t until_ns);
/* Time spent handling events and not waiting for them. */
uint64_t links_working_ns(void);

#endif

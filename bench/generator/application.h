/* The benchmark's application protocol, as bench/README.md has it: what packets mean to the client that gets them. */
#ifndef APPLICATION_H
#define APPLICATION_H
#include <stddef.h>
#include <stdint.h>

#include "client.h"

/* What a client is there for, and what it does about what comes. Callbacks that are NULL let it pass. */
struct role {
    const char *name; /* in complaints */
    void (*ready)(struct client *client);
    void (*lost)(struct client *client, const char *why);
    void (*left)(struct client *client);
    /* What somebody published. */
    void (*message)(struct client *client, const char *payload, size_t length);
    /* The answer to something that the client asked: the array of its arguments. */
    void (*acked)(struct client *client, uint32_t ack, const char *array, size_t length);
    /* Any other event, with its name: of a system that a script talks to. */
    void (*event)(struct client *client, const char *array, size_t length);
};

/* The events of clients, for clients_begin: they go on to the role of each. */
extern const struct client_events APPLICATION;

/* Note as a failure of the run that a client was lost. */
void application_lost(struct client *client, const char *why);

#endif

/* Publishing: messages to everybody or to rooms, and the account of who got them. */
#ifndef PUBLISH_H
#define PUBLISH_H
#include <stddef.h>
#include <stdint.h>

#include "client.h"

/* Allocate, once the steady clients are. */
void publish_begin(void);
void publish_start(uint64_t now);
void publish_tick(uint64_t now);
uint64_t publish_deadline(void);
uint64_t publish_missing(void);
/* A steady client got a message. */
void publish_received(struct client *client, const char *payload, size_t length);

#endif

/* Requests: events of steady clients that the server acknowledges. */
#ifndef REQUEST_H
#define REQUEST_H
#include <stddef.h>
#include <stdint.h>

#include "client.h"

/* Allocate, once the steady clients are. */
void request_begin(void);
void request_start(uint64_t now);
void request_tick(uint64_t now);
uint64_t request_deadline(void);
uint64_t request_missing(void);
void request_acked(struct client *client, uint32_t ack, const char *body, size_t length);
/* An event that may hold a scripted message. */
void request_delivered(struct client *client, const char *body, size_t length);

#endif

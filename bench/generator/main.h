/* What the course of the run has to know from the clients. */
#ifndef MAIN_H
#define MAIN_H
#include <stddef.h>
#include <stdint.h>

#include "client.h"

void main_ready(struct client *client);
/* An acknowledgement of something that load_control sent. */
void main_control_acked(uint32_t id, const char *answer, size_t length);

#endif

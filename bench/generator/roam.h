/* Roamers: clients of their own that join and leave rooms. */
#ifndef ROAM_H
#define ROAM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Open them. */
void roam_begin(void);
void roam_tick(uint64_t now);
void roam_start(uint64_t now);
/* Have each of them prove that it is in a room. */
void roam_end(void);
uint64_t roam_deadline(void);
uint64_t roam_missing(void);
/* Whether a payload is the word of a roamer that proves to be in its room: to others it means nothing. */
bool roam_is_proof(const char *payload, size_t length);

#endif

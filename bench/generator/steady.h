/* Steady clients, connected during the whole run, of which every message to them is accounted for; and slow ones, which
 * connect with them and then never read again. */
#ifndef STEADY_H
#define STEADY_H
#include <stdbool.h>
#include <stdint.h>

/* Allocate them. */
void steady_begin(void);
/* Open as many as may be opening at once. Returns whether all are connected. */
bool steady_open(void);
int steady_count(void);
int steady_ready(void);
/* Have each of them join its rooms. */
void steady_join(void);
/* Have the server begin to count its garbage collections, or tell of them in run.gc. */
void steady_ask_gc(bool read);
/* How many joins and questions are not answered yet. */
uint64_t steady_missing(void);

#endif

/* Visitors: clients that come and go. */
#ifndef VISIT_H
#define VISIT_H
#include <stdint.h>

void visit_start(uint64_t now);
void visit_tick(uint64_t now);
uint64_t visit_deadline(void);
uint64_t visit_missing(void);

#endif

/* What messages and requests carry, by which their recipients know them again. */
#ifndef PAYLOAD_H
#define PAYLOAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Three numbers as 24 hexadecimal digits, the head of every payload. */
void header_write(char *out, uint32_t first, uint32_t second, uint32_t third);
bool header_read(const char *data, uint32_t *first, uint32_t *second, uint32_t *third);
/* A payload of some size, whose head is to be overwritten. */
char *payload_new(size_t length);

#endif

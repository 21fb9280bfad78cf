#define _GNU_SOURCE
#include "http.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const size_t MALFORMED = (size_t)-1;

size_t http_head_size(const char *data, size_t length)
{
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    return end ? (size_t)(end - data) + 4 : 0;
}

/* The value of a header in a head, or NULL; it ends at the next CR. */
static const char *header(const char *head, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    const char *end = head + length, *line = head;
    while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        line++;
        if ((size_t)(end - line) <= name_length) return NULL;
        if (strncasecmp(line, name, name_length) == 0 && line[name_length] == ':') {
            line += name_length + 1;
            while (*line == ' ') line++;
            return line;
        }
    }
    return NULL;
}

static size_t read_chunks(struct response *response, char *data, size_t head, size_t length)
{
    size_t at = head;
    response->body = data + head;
    response->length = 0;
    for (;;) {
        char *line_end = memmem(data + at, length - at, "\r\n", 2);
        if (!line_end) return 0;
        size_t size = strtoul(data + at, NULL, 16);
        at = (size_t)(line_end - data) + 2;
        if (length - at < size + 2) return 0;
        if (size == 0) return at + 2;
        memmove(response->body + response->length, data + at, size);
        response->length += size;
        at += size + 2;
    }
}

/* Joining chunks overwrites the data, so it must only be done when all of them are there. */
static bool chunks_complete(const char *data, size_t length) { return length >= 5 && !memcmp(data + length - 5, "0\r\n\r\n", 5); }

size_t http_read(struct response *response, char *data, size_t length)
{
    size_t head = http_head_size(data, length);
    if (!head) return 0;
    if (length < 12 || memcmp(data, "HTTP/1.", 7) != 0) return MALFORMED;
    response->status = atoi(data + 9);
    const char *size = header(data, head, "content-length");
    if (size) {
        response->body = data + head;
        response->length = strtoul(size, NULL, 10);
        return length - head < response->length ? 0 : head + response->length;
    }
    if (!header(data, head, "transfer-encoding")) return MALFORMED;
    return chunks_complete(data, length) ? read_chunks(response, data, head, length) : 0;
}

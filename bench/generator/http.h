/* As much of HTTP/1.1 as long-polling needs: responses with Content-Length or in chunks. */
#ifndef HTTP_H
#define HTTP_H
#include <stddef.h>

struct response {
    int status;
    char *body;
    size_t length;
};

/* Reads one response, joining chunks in place. Returns the bytes it takes, 0 if incomplete, (size_t)-1 if malformed. */
size_t http_read(struct response *response, char *data, size_t length);
/* Returns the size of a head that is complete, including the empty line, else 0. */
size_t http_head_size(const char *data, size_t length);

#endif

/* WebSocket frames (RFC 6455, section 5.2) as a client writes and reads them. */
#ifndef FRAME_H
#define FRAME_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opcode { OP_CONTINUATION = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

enum { FRAME_HEAD_MAX = 14 };

struct frame {
    uint8_t opcode;
    bool final;
    char *payload;
    size_t length;
};

/* Writes one masked frame; `out` holds FRAME_HEAD_MAX + length bytes. Returns its size. */
size_t frame_write(char *out, enum opcode opcode, const char *payload, size_t length);
/* Reads one unmasked frame. Returns the bytes it takes, 0 if it is incomplete. */
size_t frame_read(struct frame *frame, char *data, size_t length);

#endif

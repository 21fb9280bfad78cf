#include "frame.h"

#include <string.h>

static uint32_t next_mask(void)
{
    static uint32_t state = 0x9e3779b9u; /* xorshift: the servers must see masks that differ, nobody guards a secret */
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static size_t write_head(unsigned char *out, enum opcode opcode, size_t length)
{
    out[0] = (unsigned char)(0x80 | opcode);
    if (length < 126) {
        out[1] = (unsigned char)(0x80 | length);
        return 2;
    }
    int bytes = length < 65536 ? 2 : 8;
    out[1] = (unsigned char)(0x80 | (bytes == 2 ? 126 : 127));
    for (int i = 0; i < bytes; i++) out[2 + i] = (unsigned char)(length >> (8 * (bytes - 1 - i)));
    return 2 + (size_t)bytes;
}

size_t frame_write(char *out, enum opcode opcode, const char *payload, size_t length)
{
    size_t head = write_head((unsigned char *)out, opcode, length);
    uint32_t mask = next_mask();
    memcpy(out + head, &mask, 4);
    char *target = out + head + 4;
    size_t i = 0;
    for (; i + 4 <= length; i += 4) {
        uint32_t word;
        memcpy(&word, payload + i, 4);
        word ^= mask;
        memcpy(target + i, &word, 4);
    }
    for (; i < length; i++) target[i] = (char)(payload[i] ^ ((char *)&mask)[i % 4]);
    return head + 4 + length;
}

size_t frame_read(struct frame *frame, char *data, size_t length)
{
    const unsigned char *head = (unsigned char *)data;
    if (length < 2) return 0;
    size_t size = head[1] & 127, offset = 2;
    int extended = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (length < offset + (size_t)extended) return 0;
    if (extended) {
        size = 0;
        for (int i = 0; i < extended; i++) size = size << 8 | head[offset + (size_t)i];
        offset += (size_t)extended;
    }
    if (length - offset < size) return 0;
    frame->opcode = head[0] & 15;
    frame->final = head[0] >> 7;
    frame->payload = data + offset;
    frame->length = size;
    return offset + size;
}

#include "payload.h"

#include <stdlib.h>

static void write_hex(char *out, uint32_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 4) out[i] = "0123456789abcdef"[value & 15];
}

static bool read_hex(const char *data, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 8; i++) {
        int digit = data[i] - '0';
        if (digit > 9) digit -= 'a' - '0' - 10;
        if (digit < 0 || digit > 15) return false;
        *value = *value << 4 | (uint32_t)digit;
    }
    return true;
}

void header_write(char *out, uint32_t first, uint32_t second, uint32_t third)
{
    write_hex(out, first);
    write_hex(out + 8, second);
    write_hex(out + 16, third);
}

bool header_read(const char *data, uint32_t *first, uint32_t *second, uint32_t *third)
{
    return read_hex(data, first) && read_hex(data + 8, second) && read_hex(data + 16, third);
}

char *payload_new(size_t length)
{
    char *payload = malloc(length);
    for (size_t i = 0; i < length; i++) payload[i] = (char)('a' + i % 26);
    return payload;
}

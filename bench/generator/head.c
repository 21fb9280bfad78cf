#include "head.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A browser's requests are as recorded from a headless Chromium, but for its name and the languages, which only a browser
 * with a window asks for. */
#define PATH "/socket.io/?EIO=4&transport="
#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* the sample of RFC 6455, section 1.3 */
#define AGENT                                                                                                           \
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Safari/537.36\r\n"
#define BRANDS "sec-ch-ua: \"Chromium\";v=\"153\", \"Not_A Brand\";v=\"8\"\r\n"
#define LANGUAGES "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n"
#define FETCH "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
#define TEXT "text/plain;charset=UTF-8\r\n"
#define DEFLATE "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
#define ORIGIN "http://127.0.0.1:%1$d"

/* %1$d is the port, %2$s the query behind the transport, %3$zu the length of a POST's body. */
static const char *const GETS[] = {
    [BARE] = "GET " PATH "polling%2$s HTTP/1.1\r\nHost: 127.0.0.1:%1$d\r\n\r\n",
    [BROWSER] = "GET " PATH "polling%2$s HTTP/1.1\r\nHost: 127.0.0.1:%1$d\r\nConnection: keep-alive\r\n"
                "sec-ch-ua-platform: \"Linux\"\r\n" AGENT "Accept: */*\r\n" BRANDS "sec-ch-ua-mobile: ?0\r\n" FETCH
                "Referer: " ORIGIN "/\r\n" LANGUAGES "\r\n",
    [NODE] = "GET " PATH "polling%2$s HTTP/1.1\r\nUser-Agent: node-XMLHttpRequest\r\nAccept: */*\r\n"
             "Host: 127.0.0.1:%1$d\r\nConnection: close\r\n\r\n",
};
static const char *const POSTS[] = {
    [BARE] = "POST " PATH "polling%2$s HTTP/1.1\r\nHost: 127.0.0.1:%1$d\r\nContent-Type: " TEXT
             "Content-Length: %3$zu\r\n\r\n",
    [BROWSER] = "POST " PATH "polling%2$s HTTP/1.1\r\nHost: 127.0.0.1:%1$d\r\nConnection: keep-alive\r\n"
                "Content-Length: %3$zu\r\nsec-ch-ua-platform: \"Linux\"\r\n" AGENT "Accept: */*\r\n" BRANDS
                "Content-type: " TEXT "sec-ch-ua-mobile: ?0\r\nOrigin: " ORIGIN "\r\n" FETCH "Referer: " ORIGIN
                "/\r\n" LANGUAGES "\r\n",
    [NODE] = "POST " PATH "polling%2$s HTTP/1.1\r\nUser-Agent: node-XMLHttpRequest\r\nAccept: */*\r\n"
             "Content-type: " TEXT "Host: 127.0.0.1:%1$d\r\nContent-Length: %3$zu\r\nConnection: close\r\n\r\n",
};
static const char *const UPGRADES[] = {
    [BARE] = "GET " PATH "websocket%2$s HTTP/1.1\r\nHost: 127.0.0.1:%1$d\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n",
    [BROWSER] = "GET " PATH "websocket%2$s HTTP/1.1\r\nHost: 127.0.0.1:%1$d\r\nConnection: Upgrade\r\n"
                "Pragma: no-cache\r\nCache-Control: no-cache\r\n" AGENT "Upgrade: websocket\r\nOrigin: " ORIGIN
                "\r\nSec-WebSocket-Version: 13\r\n" LANGUAGES "Sec-WebSocket-Key: " KEY "\r\n" DEFLATE "\r\n",
    [NODE] = "GET " PATH "websocket%2$s HTTP/1.1\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY
             "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" DEFLATE "Host: 127.0.0.1:%1$d\r\n\r\n",
};

bool manner_named(const char *name, enum manner *manner)
{
    static const char *const NAMES[] = {[BARE] = "", [BROWSER] = "browser", [NODE] = "node"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strcmp(name, NAMES[i]) != 0) continue;
        *manner = (enum manner)i;
        return true;
    }
    return false;
}

/* The query of polling: t, by which no cache takes one request for another, is eight digits of base 36. */
static const char *poll_query(enum manner manner, const char *sid)
{
    static char query[128];
    static uint64_t count;
    char t[] = "&t=00000000";
    uint64_t rest = count++;
    for (char *digit = t + sizeof t - 2; rest; digit--, rest /= 36)
        *digit = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % 36];
    snprintf(query, sizeof query, "%s%s%s", manner == BARE ? "" : t, *sid ? "&sid=" : "", sid);
    return query;
}

size_t head_get(char *out, enum manner manner, int port, const char *sid)
{
    return (size_t)snprintf(out, HEAD_MAX, GETS[manner], port, poll_query(manner, sid));
}

size_t head_post(char *out, enum manner manner, int port, const char *sid, size_t content_length)
{
    return (size_t)snprintf(out, HEAD_MAX, POSTS[manner], port, poll_query(manner, sid), content_length);
}

size_t head_upgrade(char *out, enum manner manner, int port, const char *sid)
{
    char query[128];
    snprintf(query, sizeof query, "%s%s", *sid ? "&sid=" : "", sid);
    return (size_t)snprintf(out, HEAD_MAX, UPGRADES[manner], port, query);
}

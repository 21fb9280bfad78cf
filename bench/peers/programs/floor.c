/* The floor: what sending costs when nothing else is done. One thread, one epoll loop, one send() for each recipient of
 * each message; no validation, no rooms, no JSON. It answers the generator's handshake with constants.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_FD = 1 << 20, BUFFER = 1 << 22, BATCH = 512 };

#define SWITCH \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define OPEN "0{\"sid\":\"floor\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}"
#define CONNECTED "40{\"sid\":\"floor\"}"

struct peer {
    int fd;
    bool open;
    char *in, *out; /* incomplete input; what the kernel has not taken */
    size_t in_length, out_length;
    uint32_t place; /* in `listed`, 1-based; 0: not in it */
};

static struct peer *peers[MAX_FD];
static struct peer **listed;
static uint32_t listed_count, listed_capacity;
static int epoll_fd;
static char buffer[BUFFER], frame[BUFFER];

static void watch(struct peer *peer, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = peer->fd};
    epoll_ctl(epoll_fd, operation, peer->fd, &event);
}

static void drop(struct peer *peer)
{
    if (peer->place) {
        listed[peer->place - 1] = listed[--listed_count];
        listed[peer->place - 1]->place = peer->place;
    }
    peers[peer->fd] = NULL;
    close(peer->fd);
    free(peer->in);
    free(peer->out);
    free(peer);
}

static void put(struct peer *peer, const char *data, size_t length)
{
    ssize_t sent = peer->out_length ? 0 : send(peer->fd, data, length, MSG_NOSIGNAL);
    if (sent == (ssize_t)length) return;
    if (sent < 0) {
        if (errno != EAGAIN) return;
        sent = 0;
    }
    if (!peer->out_length) watch(peer, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    peer->out = realloc(peer->out, peer->out_length + length - (size_t)sent);
    memcpy(peer->out + peer->out_length, data + sent, length - (size_t)sent);
    peer->out_length += length - (size_t)sent;
}

static void flush(struct peer *peer)
{
    ssize_t sent = send(peer->fd, peer->out, peer->out_length, MSG_NOSIGNAL);
    if (sent < 0) return;
    peer->out_length -= (size_t)sent;
    memmove(peer->out, peer->out + sent, peer->out_length);
    if (!peer->out_length) watch(peer, EPOLL_CTL_MOD, EPOLLIN);
}

static size_t write_head(char *out, int opcode, size_t length)
{
    out[0] = (char)(0x80 | opcode);
    if (length < 126) {
        out[1] = (char)length;
        return 2;
    }
    out[1] = 126; /* enough for 64 KiB */
    out[2] = (char)(length >> 8);
    out[3] = (char)length;
    return 4;
}

static void send_text(struct peer *peer, const char *text, size_t length)
{
    size_t head = write_head(frame, 1, length);
    memcpy(frame + head, text, length);
    put(peer, frame, head + length);
}

static void send_all(size_t length)
{
    for (uint32_t i = 0; i < listed_count; i++) put(listed[i], frame, length);
}

static void list(struct peer *peer)
{
    if (listed_count == listed_capacity) listed = realloc(listed, (listed_capacity = listed_capacity * 2 + 64) * sizeof *listed);
    listed[listed_count++] = peer;
    peer->place = listed_count;
    send_text(peer, CONNECTED, sizeof CONNECTED - 1);
}

/* 42["pub",X] becomes 42["msg",X], and 42<id>["echo",X] becomes 43<id>[X], by shifting bytes about. */
static void handle_text(struct peer *peer, char *text, size_t length)
{
    if (length >= 2 && !memcmp(text, "40", 2)) list(peer);
    else if (length > 8 && !memcmp(text, "42[\"pub\"", 8)) {
        memcpy(text + 4, "msg", 3);
        size_t head = write_head(frame, 1, length);
        memcpy(frame + head, text, length);
        send_all(head + length);
    } else if (length > 2 && !memcmp(text, "42", 2)) {
        char *array = memchr(text, '[', length);
        char *comma = array ? memchr(array, ',', length - (size_t)(array - text)) : NULL;
        if (!comma) return;
        text[1] = '3';
        memmove(array + 1, comma + 1, (size_t)(text + length - comma - 1));
        send_text(peer, text, length - (size_t)(comma - array));
    }
}

/* An attachment was published; its packet is always the same, and both go in one send. */
static void handle_binary(char *data, size_t length)
{
    static const char packet[] = "451-[\"msg\",{\"_placeholder\":true,\"num\":0}]";
    size_t first = write_head(frame, 1, sizeof packet - 1);
    memcpy(frame + first, packet, sizeof packet - 1);
    first += sizeof packet - 1;
    size_t head = write_head(frame + first, 2, length);
    memcpy(frame + first + head, data, length);
    send_all(first + head + length);
}

static size_t read_frame(struct peer *peer, char *data, size_t length)
{
    unsigned char *head = (unsigned char *)data;
    if (length < 6) return 0;
    size_t size = head[1] & 127, offset = 2;
    if (size == 126) {
        size = (size_t)head[2] << 8 | head[3];
        offset = 4;
    }
    if (length < offset + 4 + size) return 0;
    char *mask = data + offset, *payload = mask + 4;
    for (size_t i = 0; i < size; i++) payload[i] ^= mask[i & 3];
    if ((head[0] & 15) == 1) handle_text(peer, payload, size);
    else if ((head[0] & 15) == 2) handle_binary(payload, size);
    return offset + 4 + size;
}

static size_t read_some(struct peer *peer, char *data, size_t length)
{
    size_t used = 0, size;
    if (!peer->open) {
        char *end = memmem(data, length, "\r\n\r\n", 4);
        if (!end) return 0;
        peer->open = true;
        put(peer, SWITCH, sizeof SWITCH - 1);
        send_text(peer, OPEN, sizeof OPEN - 1);
        used = (size_t)(end - data) + 4;
    }
    while ((size = read_frame(peer, data + used, length - used)) > 0) used += size;
    return used;
}

static void receive(struct peer *peer)
{
    if (peer->in_length) memcpy(buffer, peer->in, peer->in_length);
    ssize_t got = recv(peer->fd, buffer + peer->in_length, BUFFER - peer->in_length, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        drop(peer);
        return;
    }
    size_t length = peer->in_length + (size_t)got;
    size_t used = read_some(peer, buffer, length);
    peer->in_length = length - used;
    if (!peer->in_length) return;
    peer->in = realloc(peer->in, peer->in_length);
    memcpy(peer->in, buffer + used, peer->in_length);
}

static void accept_all(int listener)
{
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MAX_FD) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        peers[fd] = calloc(1, sizeof(struct peer));
        peers[fd]->fd = fd;
        watch(peers[fd], EPOLL_CTL_ADD, EPOLLIN);
    }
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) return -1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("{\"port\": %d}\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(void)
{
    struct epoll_event events[BATCH], event = {.events = EPOLLIN};
    int listener = listen_somewhere();
    if (listener < 0) return 1;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    event.data.fd = listener;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, BATCH, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) accept_all(listener);
            else if (peers[fd] && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(peers[fd]);
            if (fd != listener && peers[fd] && events[i].events & EPOLLOUT) flush(peers[fd]);
        }
    }
}

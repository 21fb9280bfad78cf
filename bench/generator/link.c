#define _GNU_SOURCE
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum {
    EVENTS_PER_TURN = 64, /* few, so that a message of an open-loop rate does not wait behind many others */
    RECEIVE_BUFFER = 8 << 20, /* what is incomplete is moved to its start, so it must exceed the largest message */
    RECEIVE_AT_ONCE = 256 << 10,
    SMALL_BUFFER = 4096, /* of a slow consumer, so that it is stuck soon */
};

static const struct link_events *told;
static int epoll_fd = -1;
static int watched_fd = -1;
static struct sockaddr_in server;
static int source_count, source_next;
static char *buffer;
static struct link *dead;
static uint64_t working_ns;

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void links_begin(int port, int sources, const struct link_events *events)
{
    told = events;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    buffer = malloc(RECEIVE_BUFFER);
    source_count = sources;
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)port);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

/* Every source address has its own ephemeral ports, so that neither many connections nor TIME_WAIT exhaust them. */
static void bind_source(int fd)
{
    struct sockaddr_in source = {.sin_family = AF_INET};
    int yes = 1;
    source.sin_addr.s_addr = htonl(0x7f000101u + (uint32_t)(source_next++ % source_count));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    bind(fd, (struct sockaddr *)&source, sizeof source);
}

static void ask_for(struct link *link, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (link->writing ? EPOLLOUT : 0), .data.ptr = link};
    epoll_ctl(epoll_fd, operation, link->fd, &event);
}

struct link *link_connect(void *owner, enum link_kind kind, bool small_buffer)
{
    int yes = 1, small = SMALL_BUFFER;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return NULL;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (small_buffer) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    bind_source(fd);
    if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) {
        close(fd);
        return NULL;
    }
    struct link *link = calloc(1, sizeof *link);
    link->fd = fd;
    link->kind = kind;
    link->owner = owner;
    link->writing = true; /* until the connection stands */
    ask_for(link, EPOLL_CTL_ADD);
    return link;
}

static void keep(struct link *link, const char *data, size_t length)
{
    if (link->out_length + length > link->out_capacity) {
        link->out_capacity = (link->out_length + length) * 2;
        link->out = realloc(link->out, link->out_capacity);
    }
    memcpy(link->out + link->out_length, data, length);
    link->out_length += length;
}

void link_send(struct link *link, const void *data, size_t length)
{
    ssize_t sent = 0;
    if (link->fd < 0) return;
    if (!link->writing) sent = send(link->fd, data, length, MSG_NOSIGNAL);
    if (sent == (ssize_t)length) return;
    if (sent < 0 && errno != EAGAIN) return; /* the loss is reported by epoll */
    if (sent < 0) sent = 0;
    keep(link, (const char *)data + sent, length - (size_t)sent);
    if (!link->writing) {
        link->writing = true;
        ask_for(link, EPOLL_CTL_MOD);
    }
}

static void flush(struct link *link)
{
    ssize_t sent = send(link->fd, link->out, link->out_length, MSG_NOSIGNAL);
    if (sent < 0) return;
    link->out_length -= (size_t)sent;
    memmove(link->out, link->out + sent, link->out_length);
    if (link->out_length) return;
    link->writing = false;
    ask_for(link, EPOLL_CTL_MOD);
}

void link_close(struct link *link)
{
    if (link->fd < 0) return;
    close(link->fd);
    link->fd = -1;
    link->next_dead = dead;
    dead = link;
}

void link_stop_reading(struct link *link)
{
    struct epoll_event event = {.events = 0, .data.ptr = link};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, link->fd, &event);
}

void links_watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    watched_fd = fd;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void bury(void)
{
    while (dead) {
        struct link *link = dead;
        dead = link->next_dead;
        free(link->in);
        free(link->out);
        free(link);
    }
}

static void lose(struct link *link)
{
    if (link->fd >= 0) told->lost(link);
}

/* Reads once; level-triggered epoll reports what is left. What is incomplete waits in the link. */
static void receive(struct link *link)
{
    size_t had = link->in_length;
    if (had) memcpy(buffer, link->in, had);
    if (had + RECEIVE_AT_ONCE > RECEIVE_BUFFER) {
        fprintf(stderr, "a message exceeds the receive buffer\n");
        lose(link);
        return;
    }
    ssize_t got = recv(link->fd, buffer + had, RECEIVE_AT_ONCE, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        lose(link);
        return;
    }
    size_t length = had + (size_t)got;
    size_t used = told->received(link, buffer, length);
    if (link->fd < 0) return;
    link->in_length = length - used;
    if (link->in_length) {
        link->in = realloc(link->in, link->in_length);
        memcpy(link->in, buffer + used, link->in_length);
    }
}

static void handle(struct link *link, uint32_t events)
{
    if (link->fd < 0) return;
    if (events & EPOLLIN) receive(link);
    else if (events & (EPOLLHUP | EPOLLERR)) lose(link);
    if (link->fd >= 0 && (events & EPOLLOUT)) flush(link);
}

/* epoll_pwait2 takes nanoseconds; a kernel older than 5.11 makes do with milliseconds. */
static int wait_events(struct epoll_event *events, uint64_t until)
{
    static bool precise = true;
    uint64_t now = now_ns();
    uint64_t left = until > now ? until - now : 0;
#ifdef SYS_epoll_pwait2
    if (precise) {
        struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
        int count = (int)syscall(SYS_epoll_pwait2, epoll_fd, events, EVENTS_PER_TURN, &timeout, NULL, 0);
        if (count >= 0 || errno != ENOSYS) return count;
        precise = false;
    }
#endif
    return epoll_wait(epoll_fd, events, EVENTS_PER_TURN, (int)(left / 1000000u));
}

bool links_turn(uint64_t until_ns)
{
    struct epoll_event events[EVENTS_PER_TURN];
    bool watched = false;
    int count = wait_events(events, until_ns);
    uint64_t began = now_ns();
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL) watched = true;
        else handle(events[i].data.ptr, events[i].events);
    }
    bury();
    if (watched) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watched_fd, NULL);
    working_ns += now_ns() - began;
    return watched;
}

uint64_t links_working_ns(void) { return working_ns; }

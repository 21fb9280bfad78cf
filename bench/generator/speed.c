/* speed: how fast this core is just now, in rounds per millisecond of CPU time; one line of JSON.
 *
 * A round is what servers do: a message through a pair of sockets, and some chasing of pointers in memory that fits the
 * second-level cache. It counts CPU time, so that other processes on the core cost it little: what it tells is what they
 * cannot explain, such as a neighbour of this virtual machine on the same physical core.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { PARTS = 15, ROUNDS = 400, MESSAGE = 100, LINKS = 1 << 15, STEPS = 200 };

static uint32_t links[LINKS];

static uint64_t cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* One cycle through all links, in an order that no prefetcher guesses (Sattolo's shuffle). */
static void make_cycle(void)
{
    uint32_t random = 1;
    for (uint32_t i = 0; i < LINKS; i++) links[i] = i;
    for (uint32_t i = LINKS - 1; i > 0; i--) {
        random = random * 1664525u + 1013904223u;
        uint32_t other = (uint32_t)((uint64_t)random * i >> 32), kept = links[i];
        links[i] = links[other];
        links[other] = kept;
    }
}

static uint32_t work(int ends[2], uint32_t at)
{
    char message[MESSAGE] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        if (send(ends[0], message, sizeof message, 0) < 0 || recv(ends[1], message, sizeof message, 0) < 0) exit(1);
        for (int step = 0; step < STEPS; step++) at = links[at];
    }
    return at;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

int main(void)
{
    int ends[2];
    uint64_t took[PARTS];
    uint32_t at = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
    make_cycle();
    at = work(ends, at);
    for (int part = 0; part < PARTS; part++) {
        uint64_t began = cpu_ns();
        at = work(ends, at);
        took[part] = cpu_ns() - began;
    }
    qsort(took, PARTS, sizeof *took, compare);
    printf("{\"speed\":%.2f,\"end\":%u}\n", ROUNDS * 1e6 / (double)took[PARTS / 2], at);
    return 0;
}

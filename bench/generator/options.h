/* What a run is told, as name=value arguments; an unknown name is an error. */
#ifndef OPTIONS_H
#define OPTIONS_H

struct options {
    /* the server */
    int port, sources, server_pid;
    int server_core, generator_core; /* whose use is told; -1: unknown */
    const char *stock; /* whose requests all clients write: "" (nobody's), "browser", "node"; see head.h */
    /* steady clients */
    int clients, polling_percent, upgrade_percent, setup_at_once;
    int rooms, rooms_per_client;
    /* publishing: closed loop with so many messages in flight, or open loop at a rate (messages per second) */
    int in_flight, publishers, payload, binary;
    double publish_rate;
    /* requests: echo or ask; closed loop with a window for each of so many clients, or open loop at a rate over all */
    const char *request, *script; /* script: a file that says what each client sends; see script.h */
    int requesters, window;
    double request_rate;
    /* clients of other roles */
    int slow, roamers, visitors_at_once, visitors_total, visitors_stay_ms;
    double roam_rate, visitors_delay; /* roam_rate 0: each roamer's next step follows the answer to its last */
    const char *visitors_transport;
    /* the course of the run, in seconds */
    double warmup, seconds, drain, limit;
    int hold, gc;
};

/* Returns false, having said why on stderr, when the arguments make no sense. */
int options_read(struct options *options, int argc, char **argv);

#endif

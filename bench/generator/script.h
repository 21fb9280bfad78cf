/* What clients of a system say, which the benchmark's own application protocol does not cover.
 *
 * A file with a line for each client, four fields with tabs between: its CONNECT packets, each ended by \x1e; what
 * stands in a request before the ack id; what stands between the ack id and the payload, ending in MARKER; what stands
 * after the payload. A client with an even number sends, the next one is told. Both must see every message once, in
 * order: the sender's copy comes back to it.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#define SCRIPT_MARKER "bench:"

struct script {
    char *connects, *before, *between, *after;
};

void script_read(void);

#endif

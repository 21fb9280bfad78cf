#include "options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { INT, DOUBLE, TEXT };

static const struct {
    const char *name;
    enum kind kind;
    size_t offset;
} OPTIONS[] = {
#define OPTION(kind, name) {#name, kind, offsetof(struct options, name)}
    OPTION(INT, port), OPTION(INT, sources), OPTION(INT, server_pid), OPTION(INT, server_core),
    OPTION(INT, generator_core), OPTION(TEXT, stock),
    OPTION(INT, clients), OPTION(INT, polling_percent), OPTION(INT, upgrade_percent), OPTION(INT, setup_at_once),
    OPTION(INT, rooms), OPTION(INT, rooms_per_client),
    OPTION(INT, in_flight), OPTION(INT, publishers), OPTION(INT, payload), OPTION(INT, binary),
    OPTION(DOUBLE, publish_rate),
    OPTION(TEXT, request), OPTION(TEXT, script), OPTION(INT, requesters), OPTION(INT, window), OPTION(DOUBLE, request_rate),
    OPTION(INT, slow), OPTION(INT, roamers), OPTION(DOUBLE, roam_rate),
    OPTION(INT, visitors_at_once), OPTION(INT, visitors_total), OPTION(INT, visitors_stay_ms),
    OPTION(DOUBLE, visitors_delay), OPTION(TEXT, visitors_transport),
    OPTION(DOUBLE, warmup), OPTION(DOUBLE, seconds), OPTION(DOUBLE, drain), OPTION(DOUBLE, limit),
    OPTION(INT, hold), OPTION(INT, gc),
#undef OPTION
};

static int set(struct options *options, const char *name, size_t length, const char *value)
{
    for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++) {
        void *field = (char *)options + OPTIONS[i].offset;
        if (strlen(OPTIONS[i].name) != length || strncmp(OPTIONS[i].name, name, length) != 0) continue;
        switch (OPTIONS[i].kind) {
        case INT: *(int *)field = atoi(value); break;
        case DOUBLE: *(double *)field = atof(value); break;
        case TEXT: *(const char **)field = value; break;
        }
        return 1;
    }
    return 0;
}

int options_read(struct options *options, int argc, char **argv)
{
    *options = (struct options){
        .sources = 8, .server_core = -1, .generator_core = -1, .clients = 1, .setup_at_once = 64, .rooms_per_client = 1, .publishers = 1, .payload = 64,
        .stock = "", .request = "", .script = "", .window = 1, .visitors_transport = "websocket", .warmup = 0.5, .seconds = 1, .drain = 10,
        .limit = 120,
    };
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        if (!equals || !set(options, argv[i], (size_t)(equals - argv[i]), equals + 1)) {
            fprintf(stderr, "not an option: %s\n", argv[i]);
            return 0;
        }
    }
    if (options->port <= 0 || options->payload < 24 || options->clients < 1 || options->window > 64 ||
        options->publishers > options->clients || options->requesters > options->clients ||
        (options->rooms && options->rooms_per_client > options->rooms)) {
        fprintf(stderr, "options that make no sense: a port is needed, payload >= 24, clients >= 1, window <= 64, "
                        "publishers and requesters <= clients, rooms_per_client <= rooms\n");
        return 0;
    }
    return 1;
}

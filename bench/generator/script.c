#define _GNU_SOURCE
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "run.h"

static void parse(struct script *script, char *line)
{
    line[strcspn(line, "\n")] = 0;
    script->connects = strsep(&line, "\t");
    script->before = strsep(&line, "\t");
    script->between = strsep(&line, "\t");
    script->after = line;
    if (!script->after) {
        fprintf(stderr, "a line of the script has too few fields\n");
        exit(2);
    }
    for (char *at = script->connects; *at; at++)
        if (*at == '\x1e') *at = '\n'; /* as client.connects has them */
}

void script_read(void)
{
    if (!*run.options.script) return;
    FILE *file = fopen(run.options.script, "r");
    struct script *scripts = calloc((size_t)run.options.clients, sizeof *scripts);
    for (int i = 0; i < run.options.clients; i++) {
        char *line = NULL;
        size_t capacity = 0;
        if (!file || getline(&line, &capacity, file) < 0) {
            fprintf(stderr, "the script cannot be read, or is too short\n");
            exit(2);
        }
        parse(&scripts[i], line);
        run.clients[i].script = &scripts[i];
        run.clients[i].connects = scripts[i].connects;
    }
    fclose(file);
}

/* launch CPU COMMAND...: run a command on one core, and take it down when whoever started it dies, however it dies. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: launch CPU COMMAND...\n");
        return 2;
    }
    int cpu = atoi(argv[1]);
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (cpu >= 0 && sched_setaffinity(0, sizeof cpus, &cpus) != 0) {
        perror("launch: the core cannot be had");
        return 1;
    }
    execvp(argv[2], argv + 2);
    perror("launch: the command cannot be run");
    return 127;
}

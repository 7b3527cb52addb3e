// SPDX-License-Identifier: Apache-2.0
// Runs commands in turn (A B A B) and times each from its start to its end:
//   spawn ROUNDS EXPECTED -- WORD... [-- WORD...]...
// Before each timed run there is one that is not, so that what ran before leaves no command colder caches.
// Prints for each command: minimum and median wall time and minimum CPU time in ns, resident memory in KiB.
// Every run must end with the status of the command's first one, and print what the file EXPECTED holds unless
// that is "". A program of its own since a child's memory is counted from its parent's, which has to be small.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { max_output = 1 << 16 };

typedef struct {
    char **words;
    int status;
    long memory_kib;
    long long least_cpu_ns;
    long long *wall_ns;  // of each round
} Command;

static char expected[max_output], found[max_output];

static void die(const char *what, const char *which) {
    fprintf(stderr, "spawn: %s: %s\n", which, what);
    exit(1);
}

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long nanoseconds(struct timeval time) {
    return time.tv_sec * 1000000000LL + time.tv_usec * 1000LL;
}

/// `round` is negative for a run that is not counted.
static void run(Command *command, int round, int output, long expected_size,
                const posix_spawn_file_actions_t *actions) {
    if (ftruncate(output, 0) != 0 || lseek(output, 0, SEEK_SET) != 0)
        die("cannot empty the output", command->words[0]);
    struct rusage usage;
    int status;
    pid_t child;
    const long long start = now_ns();
    if (posix_spawnp(&child, command->words[0], actions, NULL, command->words, environ) != 0)
        die("cannot be started", command->words[0]);
    if (wait4(child, &status, 0, &usage) != child)
        die("is lost", command->words[0]);
    const long long wall_ns = now_ns() - start;
    if (round < 0)
        return;
    const long long cpu_ns = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
    command->wall_ns[round] = wall_ns;
    if (round == 0 || cpu_ns < command->least_cpu_ns)
        command->least_cpu_ns = cpu_ns;
    if (usage.ru_maxrss > command->memory_kib)
        command->memory_kib = usage.ru_maxrss;
    if (round == 0)
        command->status = status;
    else if (status != command->status)
        die("ends with another status", command->words[0]);
    if (expected_size >= 0 && (pread(output, found, max_output, 0) != expected_size ||
                               memcmp(found, expected, (size_t)expected_size) != 0))
        die("prints something else", command->words[0]);
}

static int by_value(const void *a, const void *b) {
    const long long left = *(const long long *)a, right = *(const long long *)b;
    return (left > right) - (left < right);
}

static long read_expected(const char *path) {
    if (*path == 0)
        return -1;
    const int file = open(path, O_RDONLY);
    const long size = file < 0 ? -1 : read(file, expected, max_output);
    if (size < 0 || size == max_output)
        die("cannot be read, or is too long", path);
    close(file);
    return size;
}

int main(int argc, char **argv) {
    const int rounds = argc > 3 ? atoi(argv[1]) : 0;
    if (rounds < 1)
        die("spawn ROUNDS EXPECTED -- WORD... [-- WORD...]...", "usage");
    const long expected_size = read_expected(argv[2]);
    Command *const commands = calloc((size_t)argc, sizeof(Command));
    int count = 0;
    for (int i = 3; i < argc; ++i) {
        if (strcmp(argv[i], "--") != 0)
            continue;
        argv[i] = NULL;  // ends the words of the command before
        if (i + 1 == argc)
            die("the last command is empty", "usage");
        commands[count].words = argv + i + 1;
        commands[count++].wall_ns = calloc((size_t)rounds, sizeof(long long));
    }
    const int output = memfd_create("output", MFD_CLOEXEC);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    for (int round = 0; round < rounds; ++round)
        for (int i = 0; i < count; ++i) {
            run(&commands[i], -1, output, expected_size, &actions);
            run(&commands[i], round, output, expected_size, &actions);
        }
    for (int i = 0; i < count; ++i) {
        Command *const command = &commands[i];
        qsort(command->wall_ns, (size_t)rounds, sizeof(long long), by_value);
        printf("%lld %lld %lld %ld\n", command->wall_ns[0], command->wall_ns[rounds / 2], command->least_cpu_ns,
               command->memory_kib);
    }
    return 0;
}

/* The command line of `ringfort`: what was asked for, and the help texts, both made from one
 * table of options. */
#ifndef RINGFORT_TOOLS_OPTIONS_H
#define RINGFORT_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses of ringfort itself; every other one is the program's. */
enum exit_status {
    EXIT_RESET = 118,        /* bare: the CPU reset itself */
    EXIT_HALTED = 120,       /* bare: it has halted for ever */
    EXIT_TRIPLE_FAULT = 122, /* bare: no exception could be delivered any more */
    EXIT_DEADLOCK = 123,  /* every task sleeps and nothing can wake one */
    EXIT_LIMIT = 124,     /* --max-cycles was reached */
    EXIT_OWN = 125,       /* a wrong option, or ringfort cannot go on */
    EXIT_FORMAT = 126,    /* PROGRAM is there but cannot be run */
    EXIT_NOT_FOUND = 127, /* there is no PROGRAM */
};

struct mount_option {
    char *host, *guest; /* owned */
    bool writable;
};

/* What a command line may ask for; each command takes its part. */
struct options {
    struct mount_option *mounts;
    size_t mount_count;
    char *root; /* NULL: none */
    bool root_writable;
    char **env; /* "NAME=VALUE", NULL-terminated; NULL: empty */
    size_t env_count;
    const char *cwd;
    bool strace, stats;
    uint64_t max_cycles, memory, seed; /* 0: not given */
    const char *cpu; /* NULL: the default */
    const char *append, *env_file; /* bare; NULL: not given */
    const char *program; /* bare: IMAGE */
    const char *const *argv; /* argv[0] is PROGRAM as given; NULL-terminated */
};

enum command { COMMAND_RUN, COMMAND_BARE };

/* Read the arguments after the command's name. Returns true, or false with *status: the text asked for (help)
 * or an explanation has been printed. Release with options_free either way. */
bool options_parse(enum command command, int argc, char **argv, struct options *out, int *status);
void options_free(struct options *options);

void print_usage(FILE *to); /* ringfort --help */

/* One line on standard error, after "ringfort: ". */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* malloc and friends that end the program with EXIT_OWN when there is no memory. */
void *must_resize(void *old, size_t size);
char *must_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

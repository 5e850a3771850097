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
    const char *program;
    const char *const *argv; /* argv[0] is PROGRAM as given; NULL-terminated */
};

/* Read the arguments after `run`. Returns true, or false with *status: the text asked for (help)
 * or an explanation has been printed. Release with options_free either way. */
bool options_parse(int argc, char **argv, struct options *out, int *status);
void options_free(struct options *options);

void print_usage(FILE *to);    /* ringfort --help */
void print_run_usage(FILE *to); /* ringfort run --help */

/* One line on standard error, after "ringfort: ". */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* malloc and friends that end the program with EXIT_OWN when there is no memory. */
void *must_resize(void *old, size_t size);
char *must_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

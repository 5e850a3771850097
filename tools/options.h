/* The command line of `ringfort`: what was asked for, and the help texts, both made from one
 * table of options. */
#ifndef RINGFORT_TOOLS_OPTIONS_H
#define RINGFORT_TOOLS_OPTIONS_H

#include <ringfort/explain.h>
#include <ringfort/machine.h>
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
    rf_mount_access access;
    bool image; /* host is a file system image or an archive */
};

/* Registers of a dump that `explain` assumes: long mode with write protection and no-execute. */
#define EXPLAIN_CR0 UINT64_C(0x80010033)
#define EXPLAIN_CR4 UINT64_C(0x20)
#define EXPLAIN_EFER UINT64_C(0xd00)

/* What `ringfort explain` has beside the options of a run. */
struct explain_options {
    uint64_t *addresses; /* owned */
    size_t count;        /* 0: the address of the fault that ended the program */
    bool has_access;
    rf_access_kind access;
    rf_access_by by;
    uint64_t after;          /* cycles; 0: not given */
    const char *page_tables; /* file with a copy of physical memory; NULL: run PROGRAM */
    bool has_cr3;
    rf_paging paging;        /* CR0, CR4 and EFER as changes to the values above, so that 0 = not given */
};

/* What a command line may ask for; each command takes its part. */
struct options {
    struct mount_option *mounts;
    size_t mount_count;
    char *root; /* NULL: none */
    rf_mount_access root_access;
    char **env; /* "NAME=VALUE", NULL-terminated; NULL: empty */
    size_t env_count;
    const char *cwd;
    bool strace, stats, strict;
    uint64_t max_cycles, memory, seed, sched_seed; /* 0: not given */
    bool host_clock;
    bool host_net;
    const char *net_rules; /* of --net host:RULES; NULL: everything is allowed */
    const char *cpu, *vendor; /* NULL: the default */
    const char *append, *env_file; /* bare; NULL: not given */
    struct explain_options explain;
    const char *program; /* bare: IMAGE; NULL: none, which only `explain --page-tables` allows */
    const char *const *argv; /* argv[0] is PROGRAM as given; NULL-terminated */
};

/* One option of a command: value NULL = takes none; help lines are separated by '\n'. */
struct option {
    const char *name, *value;
    bool (*take)(struct options *, const char *value);
    const char *help;
};

/* A command's options, its positional arguments, and its help. */
struct command {
    const char *name;
    const char *usage;             /* ends with the blank line before the options */
    const struct option *options;  /* its own; NULL: none */
    size_t option_count;
    bool runs_program;             /* the options of `run` are there, too */
    /* Take positional arguments; false after a complaint. NULL: PROGRAM [ARGUMENT...]. */
    bool (*positional)(struct options *, int argc, char **argv);
};
extern const struct command command_run, command_bare, command_explain;
/* PROGRAM and its arguments. */
bool take_program(struct options *options, int argc, char **argv);
/* A number, with K, M or G if step is not 0: each `step` times the one before. */
bool parse_number(const char *text, uint64_t step, uint64_t *out);

/* Read the arguments after the command's name. Returns true, or false with *status: the text asked for (help)
 * or an explanation has been printed. Release with options_free either way. */
bool options_parse(const struct command *command, int argc, char **argv, struct options *out, int *status);
void options_free(struct options *options);

void print_usage(FILE *to);    /* ringfort --help */

/* One line on standard error, after "ringfort: ". */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* malloc and friends that end the program with EXIT_OWN when there is no memory. */
void *must_resize(void *old, size_t size);
char *must_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

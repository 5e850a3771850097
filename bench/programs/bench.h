/* What the benchmark programs share: the count argument, a generator of repeatable numbers, and
 * the checksum line by which runs under different emulators are compared.
 *
 * The programs avoid everything whose result may depend on the processor (libm functions with
 * FMA variants, time, addresses), so that the checksum is the same wherever they run. */
#ifndef BENCH_H
#define BENCH_H

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The program's optional argument: how many iterations. */
static inline uint64_t bench_count(int argc, char **argv, uint64_t usual)
{
    if (argc < 2)
        return usual;
    char *end;
    errno = 0;
    uint64_t count = strtoull(argv[1], &end, 10);
    if (errno || end == argv[1] || *end || argc > 2 || count == 0) {
        fprintf(stderr, "usage: %s [COUNT]    (default %" PRIu64 ")\n", argv[0], usual);
        exit(2);
    }
    return count;
}

/* xorshift64*: repeatable, and never 0 for a state that is not 0. */
static inline uint64_t bench_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

/* Fold a value into a checksum, order included. */
static inline uint64_t bench_mix(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x100000001b3 + (sum >> 47);
}

static inline int bench_report(uint64_t sum)
{
    printf("checksum: %016" PRIx64 "\n", sum);
    return fflush(stdout) ? 1 : 0;
}

#endif

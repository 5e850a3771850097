/* One life of a bare machine under random privileged code (fuzz_machine.c, fuzz_code.c). */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H

#include "bare.h"

#include <string.h>

struct fuzz_result {
    uint64_t hash; /* of the final state and of every stop on the way */
    uint64_t runs, instructions, exceptions[32], triple_faults;
};

/* Everything in it follows from the seed. Aborts if the CPU is left in an impossible state. */
void fuzz_life(uint64_t seed, struct fuzz_result *out);

/* xorshift64* as in the CPU's RDRAND. */
struct fuzz_rng {
    uint64_t state;
};
static inline uint64_t fuzz_next(struct fuzz_rng *rng)
{
    uint64_t x = rng->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    rng->state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}
static inline uint64_t fuzz_below(struct fuzz_rng *rng, uint64_t limit)
{
    return (fuzz_next(rng) >> 20) % limit;
}
/* A value that privileged code is likely to care about: small numbers, selectors, addresses of
 * the machine's parts, edges, single bits, or anything. */
uint64_t fuzz_value(struct fuzz_rng *rng);
/* An MSR number, mostly of one that exists. */
uint32_t fuzz_msr(struct fuzz_rng *rng);

/* Fill `size` bytes with random code, much of it privileged. */
void fuzz_code(struct fuzz_rng *rng, uint8_t *out, size_t size);

#endif

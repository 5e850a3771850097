/* Sieve of Eratosthenes over one million bytes: strided stores and short loops. The count is how
 * often the sieve is run. */
#include <string.h>

#include "bench.h"

enum { LIMIT = 1000000 };

static unsigned char composite[LIMIT + 1];

static uint64_t count_primes(uint64_t seed)
{
    memset(composite, 0, sizeof composite);
    uint64_t sum = seed;
    for (uint32_t i = 2; i <= LIMIT; i++) {
        if (composite[i])
            continue;
        sum += i;
        for (uint64_t j = (uint64_t)i * i; j <= LIMIT; j += i)
            composite[j] = 1;
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t count = bench_count(argc, argv, 500);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum = bench_mix(sum, count_primes(i));
    return bench_report(sum);
}

/* memcpy, memset, strlen, memchr and memcmp of the C library, over 1 to 4096 bytes at any
 * alignment: glibc has several of each and picks by CPUID. The count is thousands of rounds. */
#include <string.h>

#include "bench.h"

enum { MOST = 4096, ROOM = 2 * MOST };

static char from[ROOM], to[ROOM];

/* Small sizes are as common as large ones: 1 to 2^n, n from 0 to 12. */
static size_t choose_size(uint64_t random)
{
    size_t limit = (size_t)1 << (random % 13);
    return (random >> 8) % limit + 1;
}

static uint64_t one_round(uint64_t random)
{
    size_t size = choose_size(random);
    char *source = from + (random >> 24) % 64, *target = to + (random >> 32) % 64;
    memcpy(target, source, size);
    uint64_t sum = (uint64_t)memcmp(target, source, size);
    char kept = target[size];
    target[size] = '\0'; /* the text has no other */
    sum = sum * 31 + strlen(target);
    target[size] = '!';
    sum = sum * 31 + (uint64_t)((char *)memchr(target, '!', size + 1) - target);
    target[size] = kept;
    target[size / 2] ^= 1;
    sum = sum * 31 + (memcmp(target, source, size) < 0);
    memset(target, 'a' + (int)(random >> 40) % 26, size / 2);
    return sum * 31 + (unsigned char)target[size / 3];
}

int main(int argc, char **argv)
{
    uint64_t count = bench_count(argc, argv, 2000);
    uint64_t random = 0x9e3779b97f4a7c15;
    uint64_t sum = 0;
    for (size_t i = 0; i < ROOM; i++)
        from[i] = (char)('a' + bench_random(&random) % 26);
    for (uint64_t i = 0; i < count * 1000; i++)
        sum = bench_mix(sum, one_round(bench_random(&random)));
    return bench_report(sum);
}

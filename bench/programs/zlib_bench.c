/* zlib: deflate and inflate text-like and noisy data, and compare. The count is rounds over 256
 * KiB. */
#include <string.h>
#include <zlib.h>

#include "bench.h"

enum { SIZE = 256 * 1024, ROOM = SIZE + SIZE / 100 + 1024 };

static unsigned char plain[SIZE];
static unsigned char packed[ROOM];
static unsigned char unpacked[SIZE];

/* Words from a small vocabulary, with every eighth kilobyte noise. */
static void generate(uint64_t *random)
{
    static const char *const words[] = {"ring ",   "gate ",  "page ",   "table ", "fault ",
                                        "kernel ", "stack ", "return ", "call ",  "segment\n"};
    size_t at = 0;
    while (at < SIZE) {
        if (at / 1024 % 8 == 7) {
            plain[at++] = (unsigned char)(bench_random(random) >> 56);
            continue;
        }
        const char *word = words[bench_random(random) % (sizeof words / sizeof words[0])];
        while (*word && at < SIZE)
            plain[at++] = (unsigned char)*word++;
    }
}

int main(int argc, char **argv)
{
    uint64_t count = bench_count(argc, argv, 70);
    uint64_t random = 0x9e3779b97f4a7c15;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        generate(&random);
        uLongf packed_size = sizeof packed;
        uLongf unpacked_size = sizeof unpacked;
        int level = 1 + (int)(i * 5 % 9);
        if (compress2(packed, &packed_size, plain, SIZE, level) != Z_OK ||
            uncompress(unpacked, &unpacked_size, packed, packed_size) != Z_OK ||
            unpacked_size != SIZE || memcmp(plain, unpacked, SIZE) != 0) {
            fprintf(stderr, "zlib_bench: round %" PRIu64 " did not come back as it went\n", i);
            return 1;
        }
        sum = bench_mix(sum, packed_size);
        sum = bench_mix(sum, crc32(adler32(1, unpacked, SIZE), packed, (uInt)packed_size));
    }
    return bench_report(sum);
}

/* SHA-256 with the SHA instructions, of a megabyte that changes from round to round. The count is
 * megabytes. */
#include <immintrin.h>
#include <string.h>

#include "bench.h"

#pragma GCC target("sha,sse4.1")

enum { BLOCK = 64, MEGABYTE = 1 << 20 };

static const uint32_t initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* The state as SHA256RNDS2 wants it: A B E F and C D G H, the first in the highest element. */
struct state {
    __m128i abef, cdgh;
};

static void compress(struct state *state, const unsigned char *data, size_t blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i abef = state->abef, cdgh = state->cdgh;
    for (; blocks; blocks--, data += BLOCK) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];
        for (int i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)data + i), swap);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            __m128i sum = _mm_add_epi32(w[i % 4], _mm_load_si128((const __m128i *)constants + i));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
            if (i >= 12)
                continue;
            /* the four words that come sixteen later */
            __m128i next = _mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]);
            next = _mm_add_epi32(next, _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4));
            w[i % 4] = _mm_sha256msg2_epu32(next, w[(i + 3) % 4]);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    state->abef = abef;
    state->cdgh = cdgh;
}

/* The first and the last word of a digest. */
static uint64_t digest(const unsigned char *data, size_t length)
{
    const uint32_t *h = initial;
    struct state state = {
        _mm_set_epi32((int)h[0], (int)h[1], (int)h[4], (int)h[5]),
        _mm_set_epi32((int)h[2], (int)h[3], (int)h[6], (int)h[7]),
    };
    compress(&state, data, length / BLOCK);
    unsigned char tail[2 * BLOCK] = {0};
    size_t rest = length % BLOCK, end = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    memcpy(tail, data + length - rest, rest);
    tail[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        tail[end - 1 - (size_t)i] = (unsigned char)((uint64_t)length * 8 >> 8 * i);
    compress(&state, tail, end / BLOCK);
    return (uint64_t)(uint32_t)_mm_extract_epi32(state.abef, 3) << 32 |
           (uint32_t)_mm_extract_epi32(state.cdgh, 0);
}

int main(int argc, char **argv)
{
    uint64_t count = bench_count(argc, argv, 400);

    /* The standard's own example, so that a wrong CPU is told from a wrong program. */
    if (digest((const unsigned char *)"abc", 3) != 0xba7816bff20015ad) {
        fprintf(stderr, "sha_ni: the digest of \"abc\" is wrong\n");
        return 1;
    }

    static unsigned char data[MEGABYTE];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        data[i % MEGABYTE] ^= (unsigned char)(i + 1);
        uint64_t found = digest(data, sizeof data);
        memcpy(data, &found, sizeof found);
        sum = bench_mix(sum, found);
    }
    return bench_report(sum);
}

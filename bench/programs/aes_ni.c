/* AES-128 with AES-NI instructions: CTR, eight blocks at a time, and CBC, in which every block
 * waits for the one before. The count is megabytes. */
#include <immintrin.h>
#include <string.h>

#include "bench.h"

#pragma GCC target("aes,sse4.1")

enum { ROUNDS = 10, WIDE = 8, MEGABYTE = 1 << 20 };

static __m128i next_key(__m128i key, __m128i assist)
{
    assist = _mm_shuffle_epi32(assist, 0xff);
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, assist);
}

static void expand(__m128i keys[ROUNDS + 1], __m128i key)
{
#define STEP(i, constant) keys[i] = next_key(keys[i - 1], _mm_aeskeygenassist_si128(keys[i - 1], constant))
    keys[0] = key;
    STEP(1, 0x01);
    STEP(2, 0x02);
    STEP(3, 0x04);
    STEP(4, 0x08);
    STEP(5, 0x10);
    STEP(6, 0x20);
    STEP(7, 0x40);
    STEP(8, 0x80);
    STEP(9, 0x1b);
    STEP(10, 0x36);
#undef STEP
}

static __m128i encrypt(const __m128i keys[ROUNDS + 1], __m128i block)
{
    block = _mm_xor_si128(block, keys[0]);
    for (int i = 1; i < ROUNDS; i++)
        block = _mm_aesenc_si128(block, keys[i]);
    return _mm_aesenclast_si128(block, keys[ROUNDS]);
}

static void counter_mode(const __m128i keys[ROUNDS + 1], __m128i *data, size_t blocks, uint64_t at)
{
    for (size_t i = 0; i < blocks; i += WIDE) {
        __m128i b[WIDE];
        for (int j = 0; j < WIDE; j++)
            b[j] = _mm_xor_si128(_mm_set_epi64x((long long)(at + i + (size_t)j), 7), keys[0]);
        for (int round = 1; round < ROUNDS; round++)
            for (int j = 0; j < WIDE; j++)
                b[j] = _mm_aesenc_si128(b[j], keys[round]);
        for (int j = 0; j < WIDE; j++) {
            b[j] = _mm_aesenclast_si128(b[j], keys[ROUNDS]);
            data[i + (size_t)j] = _mm_xor_si128(data[i + (size_t)j], b[j]);
        }
    }
}

static __m128i chained_mode(const __m128i keys[ROUNDS + 1], __m128i *data, size_t blocks, __m128i last)
{
    for (size_t i = 0; i < blocks; i++)
        data[i] = last = encrypt(keys, _mm_xor_si128(data[i], last));
    return last;
}

int main(int argc, char **argv)
{
    uint64_t count = bench_count(argc, argv, 300);
    __m128i keys[ROUNDS + 1];

    /* FIPS 197, appendix C.1, so that a wrong CPU is told from a wrong program. */
    const __m128i key = _mm_set_epi64x(0x0f0e0d0c0b0a0908, 0x0706050403020100);
    const __m128i plain = _mm_set_epi64x((long long)0xffeeddccbbaa9988, 0x7766554433221100);
    expand(keys, key);
    __m128i block = encrypt(keys, plain);
    if (_mm_extract_epi64(block, 0) != 0x30047b6ad8e0c469 || _mm_extract_epi64(block, 1) != 0x5ac5b47080b7cdd8) {
        fprintf(stderr, "aes_ni: the known answer is wrong\n");
        return 1;
    }

    static __m128i data[MEGABYTE / sizeof(__m128i)];
    const size_t blocks = sizeof data / sizeof data[0];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (i % 2)
            block = chained_mode(keys, data, blocks, block);
        else
            counter_mode(keys, data, blocks, i << 32);
        sum = bench_mix(sum, (uint64_t)_mm_extract_epi64(data[blocks - 1 - i % 1000], 1));
    }
    return bench_report(sum);
}

/* SHA-256 (FIPS 180-4) of a megabyte that changes from round to round: rotates, shifts and 32-bit
 * adds in long straight runs. The count is megabytes. */
#include <string.h>

#include "bench.h"

enum { BLOCK = 64, MEGABYTE = 1 << 20 };

static const uint32_t initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t value, int by)
{
    return value >> by | value << (32 - by);
}

static uint32_t load_big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void compress(uint32_t state[8], const unsigned char block[BLOCK])
{
    uint32_t schedule[64];
    for (int i = 0; i < 16; i++)
        schedule[i] = load_big_endian(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t early = schedule[i - 15];
        uint32_t late = schedule[i - 2];
        schedule[i] = schedule[i - 16] + schedule[i - 7] +
                      (rotate(early, 7) ^ rotate(early, 18) ^ early >> 3) +
                      (rotate(late, 17) ^ rotate(late, 19) ^ late >> 10);
    }

    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) +
                      constants[i] + schedule[i];
        uint32_t t2 =
            (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

static void digest(uint32_t state[8], const unsigned char *data, uint64_t length)
{
    memcpy(state, initial, sizeof initial);
    uint64_t done = 0;
    for (; length - done >= BLOCK; done += BLOCK)
        compress(state, data + done);

    unsigned char tail[2 * BLOCK] = {0};
    uint64_t rest = length - done;
    memcpy(tail, data + done, rest);
    tail[rest] = 0x80;
    uint64_t end = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    for (int i = 0; i < 8; i++)
        tail[end - 1 - i] = (unsigned char)(length * 8 >> 8 * i);
    for (uint64_t at = 0; at < end; at += BLOCK)
        compress(state, tail + at);
}

int main(int argc, char **argv)
{
    uint64_t count = bench_count(argc, argv, 260);
    uint32_t state[8];

    /* The standard's own example, so that a wrong CPU is told from a wrong program. */
    digest(state, (const unsigned char *)"abc", 3);
    if (state[0] != 0xba7816bf || state[7] != 0xf20015ad) {
        fprintf(stderr, "sha256: the digest of \"abc\" is wrong\n");
        return 1;
    }

    static unsigned char data[MEGABYTE];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        data[i % MEGABYTE] ^= (unsigned char)(i + 1);
        digest(state, data, sizeof data);
        memcpy(data, state, sizeof state);
        sum = bench_mix(sum, (uint64_t)state[0] << 32 | state[7]);
    }
    return bench_report(sum);
}

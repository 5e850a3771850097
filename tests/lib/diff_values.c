/* Random and edge operands for differential tests (differential.h). */
#include "differential.h"

#include <string.h>

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

uint64_t diff_random(struct diff_rng *rng) /* splitmix64 */
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned diff_below(struct diff_rng *rng, unsigned limit)
{
    return (unsigned)((diff_random(rng) >> 32) * limit >> 32);
}

uint64_t diff_integer(struct diff_rng *rng, unsigned bits)
{
    static const uint64_t edges[] = { 0, 1, 2, 3, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000,
                                      0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
                                      INT64_MAX, UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 1,
                                      UINT64_C(0x5555555555555555), UINT64_C(0xaaaaaaaaaaaaaaaa) };
    uint64_t value = diff_random(rng);
    switch (diff_below(rng, 6)) {
    case 0: value = edges[diff_below(rng, COUNT(edges))]; break;
    case 1: value = -edges[diff_below(rng, COUNT(edges))]; break;
    case 2: value = UINT64_C(1) << diff_below(rng, 64); break;
    case 3: value >>= diff_below(rng, 64); break;
    default: break;
    }
    return bits == 64 ? value : value & ((UINT64_C(1) << bits) - 1);
}

static uint32_t single(struct diff_rng *rng)
{
    static const uint32_t edges[] = {
        0, 1, 0x7fffff, 0x800000, 0x800001, 0x3f800000, 0x3f000000, 0x3fc00000, 0x40000000,
        0x4effffff, 0x4f000000, 0x4f000001, 0x5effffff, 0x5f000000, 0x7f7fffff, 0x7f800000,
        0x7f800001, 0x7fbfffff, 0x7fc00000, 0x7fc12345, 0x7fffffff, 0x4b000000, 0x4b7fffff,
        0x33800000, 0x400000, 0x00ffffff, 0x3effffff, 0x3f7fffff
    };
    uint32_t sign = (uint32_t)(diff_random(rng) >> 63) << 31;
    uint32_t fraction = (uint32_t)diff_random(rng) & 0x7fffff;
    switch (diff_below(rng, 4)) {
    case 0: return sign | edges[diff_below(rng, COUNT(edges))];
    case 1: return (uint32_t)diff_random(rng);
    case 2: return sign | (127 - 30 + diff_below(rng, 60)) << 23 | fraction;
    default: return sign | (127 - 2 + diff_below(rng, 5)) << 23 | (fraction & 0x780000);
    }
}

static uint64_t dual(struct diff_rng *rng)
{
    static const uint64_t edges[] = {
        0, 1, UINT64_C(0xfffffffffffff), UINT64_C(0x10000000000000), UINT64_C(0x3ff0000000000000),
        UINT64_C(0x3fe0000000000000), UINT64_C(0x3ff8000000000000), UINT64_C(0x4000000000000000),
        UINT64_C(0x41dfffffffc00000), UINT64_C(0x41e0000000000000), UINT64_C(0x41dfffffffe00000),
        UINT64_C(0x43e0000000000000), UINT64_C(0x43dfffffffffffff), UINT64_C(0x7fefffffffffffff),
        UINT64_C(0x7ff0000000000000), UINT64_C(0x7ff0000000000001), UINT64_C(0x7ff7ffffffffffff),
        UINT64_C(0x7ff8000000000000), UINT64_C(0x7ff8123456789abc), UINT64_C(0x47efffffe0000000),
        UINT64_C(0x47efffffefffffff), UINT64_C(0x47f0000000000000), UINT64_C(0x3810000000000000),
        UINT64_C(0x36a0000000000000), UINT64_C(0x3690000000000000), UINT64_C(0x4330000000000000),
        UINT64_C(0x3fdfffffffffffff), UINT64_C(0x3fefffffffffffff)
    };
    uint64_t sign = diff_random(rng) >> 63 << 63;
    uint64_t fraction = diff_random(rng) & UINT64_C(0xfffffffffffff);
    switch (diff_below(rng, 4)) {
    case 0: return sign | edges[diff_below(rng, COUNT(edges))];
    case 1: return diff_random(rng);
    case 2: return sign | (uint64_t)(1023 - 70 + diff_below(rng, 140)) << 52 | fraction;
    default:
        return sign | (uint64_t)(1023 - 2 + diff_below(rng, 5)) << 52 |
               (fraction & UINT64_C(0xf000000000000));
    }
}

void diff_extended(struct diff_rng *rng, uint8_t out[10])
{
    static const struct {
        uint16_t exponent;
        uint64_t mantissa;
    } edges[] = {
        { 0, 0 }, { 0, 1 }, { 0, INT64_MAX }, { 0, UINT64_C(1) << 63 }, /* a pseudo-denormal */
        { 1, UINT64_C(1) << 63 }, { 1, UINT64_MAX }, { 1, 1 },          /* the last: unnormal */
        { 0x3fff, UINT64_C(1) << 63 }, { 0x3ffe, UINT64_C(1) << 63 }, { 0x4000, UINT64_C(1) << 63 },
        { 0x3fff, UINT64_C(0xc000000000000000) }, { 0x3fff, UINT64_MAX }, { 0x3ffe, UINT64_MAX },
        { 0x7ffe, UINT64_MAX }, { 0x7ffe, UINT64_C(1) << 63 }, { 0x7fff, UINT64_C(1) << 63 },
        { 0x7fff, UINT64_C(0xc000000000000000) }, { 0x7fff, UINT64_C(0x8000000000000001) },
        { 0x7fff, UINT64_C(0xc123456789abcdef) },
        { 0x7fff, 0 }, { 0x7fff, 1 }, /* pseudo-infinity, pseudo-NaN */
        { 0x403e, UINT64_C(1) << 63 }, { 0x403d, UINT64_MAX }, { 0x401e, UINT64_C(1) << 63 },
        { 0x401d, UINT64_C(0xffffffff00000000) }, { 0x400e, UINT64_C(1) << 63 }, { 0x4000, 0x1234 },
        { 0x3f80, UINT64_C(1) << 63 }, { 0x407e, UINT64_C(0xffffff8000000000) },
        { 0x43fe, UINT64_C(0xfffffffffffffc00) }, { 0x3c00, UINT64_C(0xfffffffffffff800) },
        { 0x3fbe, UINT64_C(0x8000000000000000) }, { 0x4000, UINT64_C(0xc90fdaa22168c235) }
    };
    uint16_t exponent;
    uint64_t mantissa = diff_random(rng) | UINT64_C(1) << 63;
    if (diff_below(rng, 3) == 0)
        mantissa &= UINT64_MAX << diff_below(rng, 63);
    switch (diff_below(rng, 8)) {
    case 0:
    case 1: {
        unsigned i = diff_below(rng, COUNT(edges));
        exponent = edges[i].exponent;
        mantissa = edges[i].mantissa;
        break;
    }
    case 2: exponent = (uint16_t)(diff_random(rng) & 0x7fff); break;
    case 3: exponent = (uint16_t)(0x3fff - 2 + diff_below(rng, 5)); break;
    case 4: exponent = (uint16_t)(0x3fff - 1030 + diff_below(rng, 2060)); break;
    default: exponent = (uint16_t)(0x3fff - 70 + diff_below(rng, 140)); break;
    }
    exponent |= (uint16_t)(diff_random(rng) >> 63 << 15);
    memcpy(out, &mantissa, 8);
    memcpy(out + 8, &exponent, 2);
}

void diff_vector(struct diff_rng *rng, void *out, size_t size)
{
    uint8_t *to = out;
    unsigned kind = diff_below(rng, 8);
    for (size_t i = 0; i < size; i += 8) {
        uint64_t value;
        switch (kind) {
        case 0: value = diff_random(rng); break;
        case 1: value = diff_integer(rng, 64); break;
        case 2: case 3: value = single(rng) | (uint64_t)single(rng) << 32; break;
        case 4: case 5: value = dual(rng); break;
        case 6: value = diff_integer(rng, 32) | diff_integer(rng, 32) << 32; break;
        default:
            value = 0;
            for (unsigned k = 0; k < 64; k += 16)
                value |= diff_integer(rng, 16) << k;
            break;
        }
        size_t part = size - i < 8 ? size - i : 8;
        memcpy(to + i, &value, part);
    }
}

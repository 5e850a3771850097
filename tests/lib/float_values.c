/* Extreme floating-point inputs (float_values.h). */
#include "float_values.h"

#include <string.h>

struct format {
    unsigned fraction, exponent;
};

/* Where exponents are taken from: the ends, the ends' halves (whose products lie at the ends),
 * and the middle. */
static uint64_t extreme(struct diff_rng *rng, struct format f)
{
    const uint64_t most = (UINT64_C(1) << f.exponent) - 1, middle = most / 2;
    const uint64_t near = diff_below(rng, 4), fraction_mask = (UINT64_C(1) << f.fraction) - 1;
    uint64_t exponent, fraction = diff_random(rng) & fraction_mask;
    switch (diff_below(rng, 6)) {
    case 0: exponent = near; break;
    case 1: exponent = most - 1 - near; break;
    case 2: exponent = middle / 2 + near; break;
    case 3: exponent = middle + middle / 2 + near; break;
    case 4: exponent = diff_random(rng) % most; break;
    default: exponent = middle + near; break;
    }
    switch (diff_below(rng, 4)) { /* few digits: exact results; many of one kind: carries */
    case 0: fraction &= fraction_mask << (f.fraction - diff_below(rng, 4)); break;
    case 1: fraction = fraction_mask << diff_below(rng, 3); break;
    case 2: fraction &= fraction_mask << diff_below(rng, f.fraction); break;
    default: break;
    }
    return diff_random(rng) >> 63 << (f.fraction + f.exponent) | exponent << f.fraction |
           (fraction & fraction_mask);
}

static void fill(struct diff_rng *rng, void *at, size_t size, struct format f)
{
    const unsigned bytes = (f.fraction + f.exponent + 1) / 8;
    uint8_t *to = at;
    for (size_t i = 0; i < size; i += bytes) {
        const uint64_t value = extreme(rng, f);
        memcpy(to + i, &value, bytes);
    }
}

bool diff_extreme_floats(struct diff_state *in, struct diff_rng *rng, void *user)
{
    static const struct format formats[] = { { 23, 8 }, { 23, 8 }, { 52, 11 }, { 52, 11 },
                                             { 10, 5 } };
    (void)user;
    if (diff_below(rng, 2))
        return true;
    const struct format f = formats[diff_below(rng, 5)];
    for (unsigned i = 0; i < 16; i++) {
        if (diff_below(rng, 8))
            fill(rng, &in->fx.xmm[i], 16, f);
        if (diff_has_avx() && diff_below(rng, 8))
            fill(rng, in->high[i], 16, f);
    }
    fill(rng, in->memory, DIFF_MEMORY_SIZE, f);
    return true;
}

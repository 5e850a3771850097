/* AVX and AVX2 integer instructions against the host CPU, with the host's own AVX2 behind them
 * and without. */
#include "lib/diff_avx.h"

static const struct diff_form arithmetic[] = {
    BOTH(VPADDB), BOTH(VPADDW), BOTH(VPADDD), BOTH(VPADDQ), BOTH(VPADDSB), BOTH(VPADDSW),
    BOTH(VPADDUSB), BOTH(VPADDUSW), BOTH(VPSUBB), BOTH(VPSUBW), BOTH(VPSUBD), BOTH(VPSUBQ),
    BOTH(VPSUBSB), BOTH(VPSUBSW), BOTH(VPSUBUSB), BOTH(VPSUBUSW), BOTH(VPAVGB), BOTH(VPAVGW),
    BOTH(VPMULLW), BOTH(VPMULLD), BOTH(VPMULHW), BOTH(VPMULHUW), BOTH(VPMULUDQ), BOTH(VPMULDQ),
    BOTH(VPMULHRSW), BOTH(VPMADDWD), BOTH(VPMADDUBSW), BOTH(VPSADBW), BOTH(VPSIGNB),
    BOTH(VPSIGNW), BOTH(VPSIGND), UNARY(VPABSB), UNARY(VPABSW), UNARY(VPABSD), BOTH(VPHADDW),
    BOTH(VPHADDD), BOTH(VPHADDSW), BOTH(VPHSUBW), BOTH(VPHSUBD), BOTH(VPHSUBSW),
    F(VPHMINPOSUW, "x x|m16"), BOTH_IMM(VMPSADBW, 256),
};

static const struct diff_form comparison[] = {
    BOTH(VPCMPEQB), BOTH(VPCMPEQW), BOTH(VPCMPEQD), BOTH(VPCMPEQQ), BOTH(VPCMPGTB),
    BOTH(VPCMPGTW), BOTH(VPCMPGTD), BOTH(VPCMPGTQ), BOTH(VPMAXSB), BOTH(VPMAXSW), BOTH(VPMAXSD),
    BOTH(VPMAXUB), BOTH(VPMAXUW), BOTH(VPMAXUD), BOTH(VPMINSB), BOTH(VPMINSW), BOTH(VPMINSD),
    BOTH(VPMINUB), BOTH(VPMINUW), BOTH(VPMINUD), BOTH(VPAND), BOTH(VPANDN), BOTH(VPOR),
    BOTH(VPXOR),
};

/* Values with few bits, or the same twice, so that each flag is now set and now clear. */
static bool few_bits(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    unsigned kind = diff_below(rng, 6);
    for (unsigned i = 0; i < 32 && kind < 4; i++) {
        uint8_t *bytes = i < 16 ? in->fx.xmm[i].u8 : in->high[i - 16];
        for (unsigned k = 0; k < 16; k++)
            if (kind == 0)
                bytes[k] = 0;
            else if (kind == 1)
                bytes[k] &= diff_below(rng, 16) ? 0x7f : 0xff;
            else if (kind == 2)
                bytes[k] |= i % 2 ? 0 : 0xff;
            else
                bytes[k] = diff_below(rng, 24) ? 0 : 0x80;
    }
    return true;
}
#define TEST(name) UNARY(name, .prepare = few_bits, .sets = 2048)
static const struct diff_form tests[] = { TEST(VPTEST), TEST(VTESTPS), TEST(VTESTPD) };

/* A count that is not too large, in whatever holds it. */
static bool small_count(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    if (diff_below(rng, 3) == 0)
        return true;
    for (unsigned i = 0; i < 16; i++)
        in->fx.xmm[i].u64[0] &= diff_below(rng, 2) ? 127 : 15;
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++)
        in->memory[i] &= i % 8 ? 0 : 127;
    return true;
}

/* The same in every lane. */
static bool small_counts(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    if (diff_below(rng, 3) == 0)
        return true;
    unsigned step = diff_below(rng, 2) ? 4 : 8;
    for (unsigned i = 0; i < 16; i += 2)
        for (unsigned k = 0; k < 16; k++) {
            in->fx.xmm[i].u8[k] &= k % step ? 0 : 127;
            in->high[i][k] &= k % step ? 0 : 127;
        }
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++)
        in->memory[i] &= i % step ? 0 : 127;
    return true;
}

#define SHIFT(name)                                                                       \
    F(name, "x x x|m16", .prepare = small_count, .sets = 512),                            \
        F(name, "v v x|m16", .prepare = small_count, .sets = 512),                        \
        F(name, "x x i8", .immediates = 256), F(name, "v v i8", .immediates = 256)
static const struct diff_form shifts[] = {
    SHIFT(VPSLLW), SHIFT(VPSLLD), SHIFT(VPSLLQ), SHIFT(VPSRLW),
    SHIFT(VPSRLD), SHIFT(VPSRLQ), SHIFT(VPSRAW), SHIFT(VPSRAD),
};

#define VARIABLE(name) BOTH(name, .prepare = small_counts, .sets = 1024)
static const struct diff_form variable_shifts[] = {
    VARIABLE(VPSLLVD), VARIABLE(VPSLLVQ), VARIABLE(VPSRLVD), VARIABLE(VPSRLVQ), VARIABLE(VPSRAVD),
};

/* Flags of VPTEST in branches, between other integer instructions. */
static const struct diff_form sequence[] = {
    F(VPTEST, "x x"), F(VPTEST, "v m32"), F(VTESTPS, "v v"), F(VPADDD, "v v m32"),
    F(VPADDB, "x x x"), F(VPSLLD, "v v i8"), F(VPSRAW, "x x x"), F(VPCMPEQD, "v v v"),
    F(VPXOR, "v v v"), F(VPAND, "x x m16"), F(PADDW, "x x"), F(PXOR, "x x"),
    F(ADD, "r64 r64|m8"), F(CMP, "r32 r32"), F(SETB, "r8"), F(CMOVNBE, "r64 r64"),
};

AVX_TEST(test_arithmetic, arithmetic)
AVX_TEST(test_comparison, comparison)
AVX_TEST(test_tests, tests)
AVX_TEST(test_shifts, shifts)
AVX_TEST(test_variable_shifts, variable_shifts)
AVX_SEQUENCES(test_sequences, sequence)

AVX_MAIN("diff_avx_int", { "arithmetic", test_arithmetic }, { "comparison", test_comparison },
         { "tests", test_tests }, { "shifts", test_shifts },
         { "variable shifts", test_variable_shifts }, { "sequences", test_sequences })

/* AVX moves, masked moves, gathers and string comparisons against the host CPU, with the host's
 * own AVX2 behind them and without. */
#include "lib/diff_avx.h"

#define A .options = DIFF_ALIGNED /* of 32 bytes, half are not aligned: #GP */

#define WHOLE(name, ...)                                            \
    F(name, "x x|m16", __VA_ARGS__), F(name, "m16 x", __VA_ARGS__), \
        F(name, "v v|m32", __VA_ARGS__), F(name, "m32 v", __VA_ARGS__)
#define STORES(name) F(name, "m16 x", A), F(name, "m32 v", A)
static const struct diff_form whole[] = {
    WHOLE(VMOVAPS, A), WHOLE(VMOVAPD, A), WHOLE(VMOVDQA, A), WHOLE(VMOVUPS, ), WHOLE(VMOVUPD, ),
    WHOLE(VMOVDQU, ), F(VLDDQU, "x m16"), F(VLDDQU, "v m32"), STORES(VMOVNTPS), STORES(VMOVNTPD),
    STORES(VMOVNTDQ), F(VMOVNTDQA, "x m16", A), F(VMOVNTDQA, "v m32", A),
};

static const struct diff_form parts[] = {
    F(VMOVSS, "x x x"), F(VMOVSS, "x m4"), F(VMOVSS, "m4 x"), F(VMOVSD, "x x x"),
    F(VMOVSD, "x m8"), F(VMOVSD, "m8 x"), F(VMOVLPS, "x x m8"), F(VMOVLPS, "m8 x"),
    F(VMOVHPS, "x x m8"), F(VMOVHPS, "m8 x"), F(VMOVLPD, "x x m8"), F(VMOVLPD, "m8 x"),
    F(VMOVHPD, "x x m8"), F(VMOVHPD, "m8 x"), F(VMOVHLPS, "x x x"), F(VMOVLHPS, "x x x"),
    F(VMOVD, "x r32|m4"), F(VMOVD, "r32|m4 x"), F(VMOVQ, "x r64|x|m8"), F(VMOVQ, "r64|m8 x"),
    F(VMOVDDUP, "x x|m8"), F(VMOVDDUP, "v v|m32"), UNARY(VMOVSHDUP), UNARY(VMOVSLDUP),
    F(VMOVMSKPS, "r32 x|v"), F(VMOVMSKPD, "r32 x|v"), F(VPMOVMSKB, "r32 x|v"), F(VZEROUPPER, ""),
    F(VZEROALL, ""),
};

/* Masks with none, all or some of the sign bits. */
static bool masks(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    unsigned kind = diff_below(rng, 4);
    for (unsigned i = 0; i < 32 && kind < 3; i++) {
        uint8_t *bytes = i < 16 ? in->fx.xmm[i].u8 : in->high[i - 16];
        for (unsigned k = 3; k < 16; k += 4)
            bytes[k] = (uint8_t)(kind == 0   ? bytes[k] & 0x7f
                                 : kind == 1 ? bytes[k] | 0x80
                                             : bytes[k] ^ (diff_random(rng) & 0x80));
    }
    return true;
}
#define MASKED(name)                                                                        \
    F(name, "x x m16", .prepare = masks, .sets = 2048),                                     \
        F(name, "m16 x x", .prepare = masks, .sets = 2048),                                 \
        F(name, "v v m32", .prepare = masks, .sets = 2048),                                 \
        F(name, "m32 v v", .prepare = masks, .sets = 2048)
static const struct diff_form masked[] = { MASKED(VMASKMOVPS), MASKED(VMASKMOVPD),
                                           MASKED(VPMASKMOVD), MASKED(VPMASKMOVQ) };

/* 128 and 256 bits: `x` and `y` are the operands. */
#define GATHER(name, x, y) F(name, x, .sets = 4096), F(name, y, .sets = 4096)
static const struct diff_form gathers[] = {
    GATHER(VPGATHERDD, "x X4 x", "v V4 v"), GATHER(VGATHERDPS, "x X4 x", "v V4 v"),
    GATHER(VPGATHERDQ, "x X8 x", "v X8 v"), GATHER(VGATHERDPD, "x X8 x", "v X8 v"),
    GATHER(VPGATHERQD, "x X4 x", "x V4 x"), GATHER(VGATHERQPS, "x X4 x", "x V4 x"),
    GATHER(VPGATHERQQ, "x X8 x", "v V8 v"), GATHER(VGATHERQPD, "x X8 x", "v V8 v"),
};

/* Short strings over few letters, so that matches and ends are frequent; lengths around the
 * limits for the explicit forms. */
static bool strings(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    unsigned letters = 2 + diff_below(rng, 6);
    for (unsigned i = 0; i < 256; i++)
        in->fx.xmm[i / 16].u8[i % 16] = (uint8_t)(diff_below(rng, letters) - diff_below(rng, 2));
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++)
        in->memory[i] = (uint8_t)(diff_below(rng, letters) - diff_below(rng, 2));
    if (diff_below(rng, 3)) {
        uint64_t mask = diff_below(rng, 2) ? UINT32_MAX : UINT64_MAX;
        in->gpr[0] = (uint64_t)((int)diff_below(rng, 40) - 20) & mask;
        in->gpr[2] = (uint64_t)((int)diff_below(rng, 40) - 20) & mask;
    }
    return true;
}
#define STRING(name) F(name, "x x|m16 i8", .immediates = 128, .sets = 128 * 64, .prepare = strings)
static const struct diff_form string_forms[] = { STRING(VPCMPESTRI), STRING(VPCMPESTRM),
                                                 STRING(VPCMPISTRI), STRING(VPCMPISTRM) };

/* The instructions as bytes: encodings that the encoder does not choose. */
#define RUN_CODE(prepare_, ...)                                                              \
    do {                                                                                     \
        static const uint8_t code[] = { __VA_ARGS__ };                                       \
        struct diff_case test = { .name = #__VA_ARGS__, .code = code, .length = sizeof code, \
                                  .prepare = prepare_ };                                     \
        ck_assert_uint_eq(avx_run_random(&test, __LINE__, 500), 0);                          \
    } while (0)

START_TEST(test_encodings)
{
    RUN_CODE(NULL, 0xc4, 0x41, 0x79, 0xf7, 0xd1);       /* vmaskmovdqu xmm10, xmm9 */
    RUN_CODE(NULL, 0x67, 0xc4, 0x41, 0x79, 0xf7, 0xd1); /* to EDI */
    RUN_CODE(NULL, 0xc5, 0xf2, 0x11, 0xd0);             /* vmovss xmm0, xmm1, xmm2, as a store */
    RUN_CODE(NULL, 0xc5, 0xf6, 0x10, 0xc2);             /* and with VEX.L */
    RUN_CODE(NULL, 0xc5, 0xfe, 0x10, 0x07);             /* vmovss xmm0, [rdi] with VEX.L */
    RUN_CODE(NULL, 0xc5, 0xfe, 0x11, 0x07);
    RUN_CODE(NULL, 0xc5, 0xf3, 0x11, 0xd0);             /* vmovsd */
    RUN_CODE(NULL, 0xc5, 0xf7, 0x10, 0xc2);
    RUN_CODE(NULL, 0xc5, 0xff, 0x11, 0x07);
    RUN_CODE(NULL, 0xc5, 0xfc, 0x29, 0xc1);             /* vmovaps ymm1, ymm0, as a store */
    RUN_CODE(NULL, 0xc5, 0xf9, 0xd6, 0xc1);             /* vmovq xmm1, xmm0, as a store */
    RUN_CODE(NULL, 0xc4, 0xe1, 0xf9, 0x6e, 0x07);       /* vmovq xmm0, [rdi] by 6E */
    RUN_CODE(NULL, 0xc4, 0xe1, 0xf9, 0x7e, 0x07);
    RUN_CODE(NULL, 0xc4, 0xe3, 0x79, 0x15, 0xc8, 0x05); /* vpextrw eax, xmm1, 5 by 0F3A */
    RUN_CODE(NULL, 0xc5, 0xf8, 0xae, 0x1f);             /* vstmxcsr [rdi] */
    RUN_CODE(strings, 0xc4, 0xe3, 0xf9, 0x61, 0xca, 0x1a); /* vpcmpestri with VEX.W: RAX, RDX */
    RUN_CODE(strings, 0xc4, 0xe3, 0xf9, 0x60, 0xca, 0x5b);
    RUN_CODE(strings, 0xc4, 0xe3, 0xf9, 0x62, 0xca, 0x5b);
}
END_TEST

/* MXCSR's reserved bits clear, mostly. */
static bool mxcsr(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    bool valid = diff_below(rng, 8);
    in->gpr[7] &= ~UINT64_C(3);
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++)
        if (i % 4 >= 2)
            in->memory[i] &= valid ? 0 : 0xfd; /* bit 17 is MISALIGNSSE on AMD */
    for (unsigned i = 0; i < DIFF_END_SIZE; i++)
        if (i % 4 >= 2)
            in->end[i] = 0;
    return true;
}

START_TEST(test_mxcsr)
{
    static const uint8_t code[] = { 0xc5, 0xf8, 0xae, 0x17, 0xf2, 0x0f, 0x58, 0xc1 }; /* addsd */
    struct diff_case test = { .name = "vldmxcsr", .code = code, .length = sizeof code,
                              .prepare = mxcsr, .options = DIFF_UNMASKED };
    ck_assert_uint_eq(avx_run_random(&test, 1, 2000), 0);
}
END_TEST

AVX_TEST(test_whole, whole)
AVX_TEST(test_parts, parts)
AVX_TEST(test_masked, masked)
AVX_TEST(test_gathers, gathers)
AVX_TEST(test_strings, string_forms)

/* 256-bit and legacy moves after each other: which halves survive. */
static const struct diff_form sequence[] = {
    F(VMOVUPS, "v m32"), F(VMOVUPS, "m32 v"), F(VMOVDQU, "x m16"), F(VMOVSS, "x x x"),
    F(VMOVSD, "x m8"), F(VMOVQ, "x r64"), F(VMOVQ, "r64 x"), F(VPMOVMSKB, "r32 v"),
    F(VZEROUPPER, ""), F(VMOVDDUP, "v v"), F(MOVUPS, "x m16"), F(MOVSD, "x m8"), F(MOVQ, "r64 x"),
    F(VPMASKMOVD, "v v m32"), F(VPMASKMOVQ, "m32 v v"), F(ADD, "r64 r64|m8"), F(PADDD, "x x"),
};
AVX_SEQUENCES(test_sequences, sequence)

AVX_MAIN("diff_avx_move", { "whole", test_whole }, { "parts", test_parts },
         { "masked", test_masked }, { "gathers", test_gathers }, { "strings", test_strings },
         { "encodings", test_encodings }, { "mxcsr", test_mxcsr }, { "sequences", test_sequences })

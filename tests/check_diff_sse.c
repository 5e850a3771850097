/* SSE to SSE4.2, PCLMULQDQ and AES against the host CPU: every form, registers and memory,
 * misaligned operands, and floating-point exceptions masked and unmasked. */
#include "cpu/cpu.h"
#include "lib/diff_x87_image.h"
#include "lib/differential.h"
#include "lib/float_values.h"
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define F(name, text, ...) { .mnemonic = ZYDIS_MNEMONIC_##name, .operands = text, __VA_ARGS__ }
#define A .options = DIFF_ALIGNED

static const struct diff_form moves[] = {
    F(MOVAPS, "x x|m16", A), F(MOVAPS, "m16 x", A), F(MOVAPD, "x x|m16", A), F(MOVAPD, "m16 x", A),
    F(MOVDQA, "x x|m16", A), F(MOVDQA, "m16 x", A), F(MOVUPS, "x x|m16"), F(MOVUPS, "m16 x"),
    F(MOVUPD, "x x|m16"), F(MOVUPD, "m16 x"), F(MOVDQU, "x x|m16"), F(MOVDQU, "m16 x"),
    F(MOVSS, "x x|m4"), F(MOVSS, "m4 x"), F(MOVSD, "x x|m8"), F(MOVSD, "m8 x"),
    F(MOVD, "x r32|m4"), F(MOVD, "r32|m4 x"), F(MOVQ, "x r64|x|m8"), F(MOVQ, "r64|m8 x"),
    F(MOVLPS, "x m8"), F(MOVLPS, "m8 x"), F(MOVHPS, "x m8"), F(MOVHPS, "m8 x"),
    F(MOVLPD, "x m8"), F(MOVLPD, "m8 x"), F(MOVHPD, "x m8"), F(MOVHPD, "m8 x"),
    F(MOVHLPS, "x x"), F(MOVLHPS, "x x"), F(LDDQU, "x m16"), F(MOVDDUP, "x x|m8"),
    F(MOVSHDUP, "x x|m16", A), F(MOVSLDUP, "x x|m16", A), F(MOVNTPS, "m16 x", A),
    F(MOVNTPD, "m16 x", A), F(MOVNTDQ, "m16 x", A), F(MOVNTDQA, "x m16", A),
    F(MOVMSKPS, "r32 x"), F(MOVMSKPD, "r32 x"), F(PMOVMSKB, "r32 x"),
};

#define PACKED_AND_SCALAR(name) \
    F(name##PS, "x x|m16", A), F(name##PD, "x x|m16", A), F(name##SS, "x x|m4"),            \
    F(name##SD, "x x|m8")
#define PACKED(name) F(name##PS, "x x|m16", A), F(name##PD, "x x|m16", A)

static const struct diff_form arithmetic[] = {
    PACKED_AND_SCALAR(ADD), PACKED_AND_SCALAR(SUB), PACKED_AND_SCALAR(MUL), PACKED_AND_SCALAR(DIV),
    PACKED_AND_SCALAR(MIN), PACKED_AND_SCALAR(MAX), PACKED_AND_SCALAR(SQRT),
    F(RCPPS, "x x|m16", A), F(RCPSS, "x x|m4"), F(RSQRTPS, "x x|m16", A), F(RSQRTSS, "x x|m4"),
    PACKED(HADD), PACKED(HSUB), PACKED(ADDSUB), PACKED(AND), PACKED(ANDN), PACKED(OR), PACKED(XOR),
    F(COMISS, "x x|m4"), F(COMISD, "x x|m8"), F(UCOMISS, "x x|m4"), F(UCOMISD, "x x|m8"),
};

/* Legacy SSE looks at imm8 bits 0 to 2 only; the encoder refuses more. */
#define IMM(n) .immediates = n, .sets = 1024
static const struct diff_form immediates[] = {
    F(CMPPS, "x x|m16 i8", A, IMM(8)), F(CMPPD, "x x|m16 i8", A, IMM(8)),
    F(CMPSS, "x x|m4 i8", IMM(8)), F(CMPSD, "x x|m8 i8", IMM(8)),
    F(ROUNDPS, "x x|m16 i8", A, IMM(16)), F(ROUNDPD, "x x|m16 i8", A, IMM(16)),
    F(ROUNDSS, "x x|m4 i8", IMM(16)), F(ROUNDSD, "x x|m8 i8", IMM(16)),
};

static const struct diff_form products[] = {
    F(DPPS, "x x|m16 i8", A, IMM(256)), F(DPPD, "x x|m16 i8", A, IMM(256)),
};

static const struct diff_form conversions[] = {
    F(CVTDQ2PS, "x x|m16", A), F(CVTDQ2PD, "x x|m8"), F(CVTPS2DQ, "x x|m16", A),
    F(CVTTPS2DQ, "x x|m16", A), F(CVTPD2DQ, "x x|m16", A), F(CVTTPD2DQ, "x x|m16", A),
    F(CVTPS2PD, "x x|m8"), F(CVTPD2PS, "x x|m16", A), F(CVTSS2SD, "x x|m4"), F(CVTSD2SS, "x x|m8"),
    F(CVTSI2SS, "x r32|r64|m4|m8"), F(CVTSI2SD, "x r32|r64|m4|m8"), F(CVTSS2SI, "r32|r64 x|m4"),
    F(CVTTSS2SI, "r32|r64 x|m4"), F(CVTSD2SI, "r32|r64 x|m8"), F(CVTTSD2SI, "r32|r64 x|m8"),
};

static const struct diff_form mmx_conversions[] = {
    F(CVTPI2PS, "x y|m8", .options = DIFF_MMX), F(CVTPI2PD, "x y|m8", .options = DIFF_MMX),
    F(CVTPS2PI, "y x|m8", .options = DIFF_MMX), F(CVTTPS2PI, "y x|m8", .options = DIFF_MMX),
    F(CVTPD2PI, "y x|m16", .options = DIFF_MMX | DIFF_ALIGNED),
    F(CVTTPD2PI, "y x|m16", .options = DIFF_MMX | DIFF_ALIGNED),
};

#define P(name) F(name, "x x|m16", A)
static const struct diff_form integers[] = {
    P(PADDB), P(PADDW), P(PADDD), P(PADDQ), P(PADDSB), P(PADDSW), P(PADDUSB), P(PADDUSW),
    P(PSUBB), P(PSUBW), P(PSUBD), P(PSUBQ), P(PSUBSB), P(PSUBSW), P(PSUBUSB), P(PSUBUSW),
    P(PAND), P(PANDN), P(POR), P(PXOR), P(PCMPEQB), P(PCMPEQW), P(PCMPEQD), P(PCMPEQQ),
    P(PCMPGTB), P(PCMPGTW), P(PCMPGTD), P(PCMPGTQ), P(PMAXSB), P(PMAXSW), P(PMAXSD), P(PMAXUB),
    P(PMAXUW), P(PMAXUD), P(PMINSB), P(PMINSW), P(PMINSD), P(PMINUB), P(PMINUW), P(PMINUD),
    P(PAVGB), P(PAVGW), P(PMULLW), P(PMULLD), P(PMULHW), P(PMULHUW), P(PMULUDQ), P(PMULDQ),
    P(PMADDWD), P(PMADDUBSW), P(PMULHRSW), P(PSADBW), P(PSIGNB), P(PSIGNW), P(PSIGND), P(PABSB),
    P(PABSW), P(PABSD), P(PHADDW), P(PHADDD), P(PHADDSW), P(PHSUBW), P(PHSUBD), P(PHSUBSW),
    P(PHMINPOSUW), P(PTEST), F(MPSADBW, "x x|m16 i8", A, IMM(16)),
    F(PSLLW, "x i8", IMM(256)), F(PSLLD, "x i8", IMM(256)), F(PSLLQ, "x i8", IMM(256)),
    F(PSRLW, "x i8", IMM(256)), F(PSRLD, "x i8", IMM(256)), F(PSRLQ, "x i8", IMM(256)),
    F(PSRAW, "x i8", IMM(256)), F(PSRAD, "x i8", IMM(256)), F(PSLLDQ, "x i8", IMM(256)),
    F(PSRLDQ, "x i8", IMM(256)),
};

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
#define SHIFT(name) F(name, "x x|m16", A, .prepare = small_count, .sets = 512)
static const struct diff_form shifts[] = { SHIFT(PSLLW), SHIFT(PSLLD), SHIFT(PSLLQ), SHIFT(PSRLW),
                                           SHIFT(PSRLD), SHIFT(PSRLQ), SHIFT(PSRAW), SHIFT(PSRAD) };

static const struct diff_form shuffles[] = {
    F(PSHUFD, "x x|m16 i8", A, IMM(256)), F(PSHUFLW, "x x|m16 i8", A, IMM(256)),
    F(PSHUFHW, "x x|m16 i8", A, IMM(256)), F(SHUFPS, "x x|m16 i8", A, IMM(256)),
    F(SHUFPD, "x x|m16 i8", A, IMM(256)), F(PALIGNR, "x x|m16 i8", A, IMM(256)), P(PSHUFB),
    P(UNPCKLPS), P(UNPCKHPS), P(UNPCKLPD), P(UNPCKHPD), P(PUNPCKLBW), P(PUNPCKLWD), P(PUNPCKLDQ),
    P(PUNPCKLQDQ), P(PUNPCKHBW), P(PUNPCKHWD), P(PUNPCKHDQ), P(PUNPCKHQDQ), P(PACKSSWB),
    P(PACKSSDW), P(PACKUSWB), P(PACKUSDW), F(PMOVSXBW, "x x|m8"), F(PMOVSXBD, "x x|m4"),
    F(PMOVSXBQ, "x x|m2"), F(PMOVSXWD, "x x|m8"), F(PMOVSXWQ, "x x|m4"), F(PMOVSXDQ, "x x|m8"),
    F(PMOVZXBW, "x x|m8"), F(PMOVZXBD, "x x|m4"), F(PMOVZXBQ, "x x|m2"), F(PMOVZXWD, "x x|m8"),
    F(PMOVZXWQ, "x x|m4"), F(PMOVZXDQ, "x x|m8"), F(PBLENDW, "x x|m16 i8", A, IMM(256)),
    F(BLENDPS, "x x|m16 i8", A, IMM(16)), F(BLENDPD, "x x|m16 i8", A, IMM(16)),
    F(PBLENDVB, "x x|m16", A), F(BLENDVPS, "x x|m16", A), F(BLENDVPD, "x x|m16", A),
    F(PINSRB, "x r32|m1 i8", IMM(256)), F(PINSRW, "x r32|m2 i8", IMM(256)),
    F(PINSRD, "x r32|m4 i8", IMM(256)), F(PINSRQ, "x r64|m8 i8", IMM(256)),
    F(PEXTRB, "r32|m1 x i8", IMM(256)), F(PEXTRW, "r32|m2 x i8", IMM(256)),
    F(PEXTRD, "r32|m4 x i8", IMM(256)), F(PEXTRQ, "r64|m8 x i8", IMM(256)),
    F(INSERTPS, "x x|m4 i8", IMM(256)), F(EXTRACTPS, "r32|m4 x i8", IMM(256)),
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
static const struct diff_form string_forms[] = { STRING(PCMPESTRI), STRING(PCMPESTRM),
                                                 STRING(PCMPISTRI), STRING(PCMPISTRM) };

static const struct diff_form crypto[] = {
    F(PCLMULQDQ, "x x|m16 i8", A, IMM(256)), P(AESENC), P(AESENCLAST), P(AESDEC), P(AESDECLAST),
    P(AESIMC), F(AESKEYGENASSIST, "x x|m16 i8", A, IMM(256)),
};

/* Bytes are stored where the mask says so; the whole operand is in the window. */
static void run_maskmov(void)
{
    static const uint8_t code[] = { 0x66, 0x41, 0x0f, 0xf7, 0xd1 }; /* maskmovdqu xmm2, xmm9 */
    static const uint8_t narrow[] = { 0x67, 0x66, 0x41, 0x0f, 0xf7, 0xd1 };
    struct diff_case test = { .name = "maskmovdqu", .code = code, .length = sizeof code };
    ck_assert_uint_eq(diff_run_random(&test, 1, 500), 0);
    test.code = narrow;
    test.length = sizeof narrow;
    ck_assert_uint_eq(diff_run_random(&test, 2, 500), 0);
}

/* --- MXCSR and the FXSAVE area --- */

static bool valid_mxcsr(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    bool valid = diff_below(rng, 8);
    in->gpr[7] &= ~UINT64_C(3);
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++) /* at any multiple of 4; in the area, at 24 */
        if (i % 4 >= 2)
            in->memory[i] &= valid ? 0 : 0xfd; /* bit 17 is MISALIGNSSE on AMD */
    for (unsigned i = 0; i < DIFF_END_SIZE; i++)
        if (i % 4 >= 2)
            in->end[i] = 0;
    return true;
}

/* `user`: saved with REX.W. */
static void forgive_pointers(const struct diff_state *in, struct diff_state *host,
                             struct diff_state *ringfort, void *user)
{
    diff_forgive_area(host, ringfort, in->gpr[RF_RDI], user != NULL);
}

static unsigned run_code(const char *name, const uint8_t *code, size_t length, unsigned options,
                         bool (*prepare)(struct diff_state *, struct diff_rng *, void *))
{
    static bool wide = true;
    const bool fxsave = code[length - 1] == 0x07;
    struct diff_case test = { .name = name, .code = code, .length = length, .prepare = prepare,
                              .forgive = fxsave ? forgive_pointers : NULL,
                              .user = code[0] == 0x48 ? &wide : NULL,
                              .options = DIFF_X87 | DIFF_ANY_CR2 | options };
    return diff_run_random(&test, length, 2000);
}
#define RUN_CODE(name, prepare, ...)                                                         \
    do {                                                                                     \
        static const uint8_t code[] = { __VA_ARGS__ };                                       \
        ck_assert_uint_eq(run_code(name, code, sizeof code, DIFF_ALIGNED, prepare), 0);      \
        ck_assert_uint_eq(run_code(name, code, sizeof code, DIFF_UNMASKED, prepare), 0);     \
    } while (0)

static unsigned run(const struct diff_form *forms, size_t count, unsigned options, uint64_t seed)
{
    unsigned mismatches = 0;
    for (size_t i = 0; i < count; i++) {
        struct diff_form form = forms[i];
        form.options |= options;
        mismatches += diff_run_forms(&form, 1, seed + 7919 * i);
    }
    return mismatches;
}
#define RUN(table, options) ck_assert_uint_eq(run(table, COUNT(table), options, __LINE__), 0)

START_TEST(test_moves)
{
    RUN(moves, 0);
    run_maskmov();
}
END_TEST

START_TEST(test_arithmetic) { RUN(arithmetic, 0); }
END_TEST

START_TEST(test_immediates)
{
    RUN(immediates, 0);
    RUN(products, 0);
}
END_TEST

START_TEST(test_conversions)
{
    RUN(conversions, 0);
    RUN(mmx_conversions, 0);
}
END_TEST

START_TEST(test_integers)
{
    RUN(integers, 0);
    RUN(shifts, 0);
}
END_TEST

START_TEST(test_shuffles) { RUN(shuffles, 0); }
END_TEST

START_TEST(test_strings) { RUN(string_forms, 0); }
END_TEST

START_TEST(test_crypto) { RUN(crypto, 0); }
END_TEST

START_TEST(test_state)
{
    RUN_CODE("ldmxcsr", valid_mxcsr, 0x0f, 0xae, 0x17, 0xf2, 0x0f, 0x58, 0xc1); /* addsd */
    RUN_CODE("stmxcsr", NULL, 0x0f, 0xae, 0x1f);
    RUN_CODE("fxsave", NULL, 0x0f, 0xae, 0x07);
    RUN_CODE("fxsave64", NULL, 0x48, 0x0f, 0xae, 0x07);
    RUN_CODE("fxrstor", valid_mxcsr, 0x0f, 0xae, 0x0f, 0xf2, 0x0f, 0x58, 0xc1);
    RUN_CODE("fxrstor64", valid_mxcsr, 0x48, 0x0f, 0xae, 0x0f);
}
END_TEST

/* Sequences: flags from comparisons and PTEST in branches, between integer instructions. */
static const struct diff_form sequence[] = {
    F(UCOMISD, "x x|m8"), F(COMISS, "x x|m4"), F(PTEST, "x x"), F(ADDSD, "x x|m8"), F(MULSD, "x x"),
    F(CVTSI2SD, "x r32|r64|m8"), F(CVTTSD2SI, "r32|r64 x"), F(MOVSD, "x x|m8"), F(MOVSD, "m8 x"),
    F(MOVUPS, "x m16"), F(MOVUPS, "m16 x"), F(PADDD, "x x"), F(PSHUFD, "x x i8"), F(PXOR, "x x"),
    F(PCMPEQB, "x x"), F(PMOVMSKB, "r32 x"), F(MOVQ, "x r64"), F(MOVQ, "r64 x"), F(MOVD, "r32 x"),
    F(ADD, "r64 r64|m8"), F(CMP, "r32 r32"), F(SETB, "r8"), F(CMOVNBE, "r64 r64"), F(SQRTSS, "x x"),
    F(ANDPD, "x x"), F(UNPCKLPS, "x x"), F(PCMPISTRI, "x x|m16 i8"), F(CVTSS2SD, "x m4"),
    F(MAXSD, "x x|m8"), F(PINSRQ, "x r64 i8"), F(DIVPS, "x x"), F(CMPSD, "x x|m8 2"),
};

START_TEST(test_sequences)
{
    ck_assert_uint_eq(diff_run_sequences(sequence, COUNT(sequence), 8000, 0, 0, 1), 0);
    ck_assert_uint_eq(diff_run_sequences(sequence, COUNT(sequence), 4000, DIFF_UNMASKED, 0, 2), 0);
}
END_TEST

/* Inputs near the ends of the exponents' range. */
static unsigned run_extreme(const struct diff_form *forms, size_t count, unsigned options,
                            uint64_t seed)
{
    unsigned mismatches = 0;
    for (size_t i = 0; i < count; i++) {
        struct diff_form form = forms[i];
        form.options |= options;
        form.prepare = diff_extreme_floats;
        mismatches += diff_run_forms(&form, 1, seed + 7919 * i);
    }
    return mismatches;
}
#define RUN_EXTREME(table) \
    ck_assert_uint_eq(run_extreme(table, COUNT(table), DIFF_UNMASKED, __LINE__), 0)

START_TEST(test_unmasked)
{
    RUN(arithmetic, DIFF_UNMASKED);
    RUN(immediates, DIFF_UNMASKED);
    RUN(products, DIFF_UNMASKED);
    RUN(conversions, DIFF_UNMASKED);
    RUN_EXTREME(arithmetic);
    RUN_EXTREME(products);
    RUN_EXTREME(conversions);
    RUN(mmx_conversions, DIFF_UNMASKED);
}
END_TEST

int main(void)
{
    if (!diff_available())
        return 77;
    const struct suite_case cases[] = {
        { "moves", test_moves }, { "arithmetic", test_arithmetic },
        { "immediates", test_immediates }, { "conversions", test_conversions },
        { "integers", test_integers }, { "shuffles", test_shuffles }, { "strings", test_strings },
        { "crypto", test_crypto }, { "state", test_state }, { "sequences", test_sequences },
        { "unmasked", test_unmasked },
    };
    return diff_end(run_cases("diff_sse", cases, COUNT(cases), 0));
}

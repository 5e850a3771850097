/* Compatibility mode against the host CPU: x87, its environments of 14 and 28 bytes, MMX and SSE
 * with eight registers, and the FXSAVE area without REX.W. */
#include "cpu/cpu.h"
#include "lib/diff_x87_image.h"
#include "lib/forms_x87.h"
#include "lib/suite.h"

#include <check.h>
#include <string.h>

static const unsigned modes[] = { DIFF_32, DIFF_32 | DIFF_SEGMENTED, DIFF_32 | DIFF_16 };

static unsigned run(const struct diff_form *forms, size_t count, unsigned options, unsigned sets,
                    uint64_t seed)
{
    unsigned mismatches = 0;
    for (size_t i = 0; i < count; i++) {
        struct diff_form form = forms[i];
        form.options |= options;
        if (!form.immediates)
            form.sets = sets;
        mismatches += diff_run_forms(&form, 1, seed + 7919 * i);
    }
    return mismatches;
}
#define RUN(table, options, sets) \
    ck_assert_uint_eq(run(table, COUNT(table), modes[_i] | (options), sets, __LINE__), 0)

/* --- x87 --- */

#define RUN_X87(options)                \
    do {                                \
        RUN(loads, options, 256);       \
        RUN(stores, options, 256);      \
        RUN(moves, options, 128);       \
        RUN(arithmetic, options, 128);  \
        RUN(comparisons, options, 128); \
        RUN(functions, options, 128);   \
        RUN(control, options, 128);     \
    } while (0)

START_TEST(test_x87) { RUN_X87(DIFF_X87 | DIFF_STACK_ROOM); }
END_TEST
START_TEST(test_x87_unmasked) { RUN_X87(DIFF_X87 | DIFF_UNMASKED); }
END_TEST

/* --- whole states --- */

/* What is stored of instruction and operand pointers, but what CPUs have of their own. */
struct image {
    bool area, narrow;
    enum diff_x87_before before;
};

static void forgive_image(const struct diff_state *in, struct diff_state *host,
                          struct diff_state *ringfort, void *user)
{
    const struct image *image = user;
    uint64_t at = (uint32_t)(in->base[RF_DS] + in->gpr[RF_RDI]);
    if (image->area)
        diff_forgive_area(host, ringfort, at, false);
    else
        diff_forgive_environment(in, host, ringfort, at, image->narrow, image->before);
}

static unsigned run_code(const char *name, const uint8_t *code, size_t length, unsigned options,
                         bool (*prepare)(struct diff_state *, struct diff_rng *, void *),
                         struct image *image)
{
    struct diff_case test = { .name = name, .code = code, .length = length, .prepare = prepare,
                              .forgive = image ? forgive_image : NULL, .user = image,
                              .options = DIFF_X87 | DIFF_ANY_CR2 | options };
    return diff_run_random(&test, length, 1000);
}
#define RUN_BYTES(name, options, prepare, ...)                                              \
    do {                                                                                    \
        static const uint8_t code_[] = { __VA_ARGS__ };                                     \
        ck_assert_uint_eq(run_code(name, code_, sizeof code_, modes[_i] | (options), prepare,         \
                                   NULL), 0);                                               \
    } while (0)
#define RUN_CODE(name, ...)                                                                 \
    do {                                                                                    \
        for (unsigned i = 0; i < 4; i++)                                                    \
            RUN_BYTES(name, (i & 1 ? DIFF_UNMASKED : 0) | (i & 2 ? DIFF_STACK_ROOM : 0),    \
                      NULL, __VA_ARGS__);                                                   \
    } while (0)

#define RUN_IMAGE_WITH(options, is_area, is_narrow, is_before, ...)                             \
    do {                                                                                        \
        static const uint8_t code_[] = { __VA_ARGS__ };                                         \
        struct image image_ = { .area = is_area, .narrow = is_narrow, .before = is_before };    \
        ck_assert_uint_eq(run_code(#__VA_ARGS__, code_, sizeof code_, modes[_i] | (options),    \
                                   NULL, &image_), 0);                                          \
    } while (0)
#define RUN_IMAGE(is_narrow, is_before, ...)                                                    \
    do {                                                                                        \
        for (unsigned i = 0; i < 4; i++)                                                        \
            RUN_IMAGE_WITH((i & 1 ? DIFF_UNMASKED : 0) | (i & 2 ? DIFF_STACK_ROOM : 0), false,  \
                           is_narrow, is_before, __VA_ARGS__);                                  \
    } while (0)

/* EDI addresses in all modes, with the address size prefix in 16-bit code. */
#define A32 0x67
#define FLD1 0xd9, 0xe8
#define FADD 0xd8, 0x47, 0x40 /* dword [edi+64] */
#define FNSTENV 0xd9, 0x37
#define FNSAVE 0xdd, 0x37
START_TEST(test_environments)
{
    if (modes[_i] & DIFF_16) {
        RUN_IMAGE(true, DIFF_NONE_BEFORE, A32, FNSTENV);
        RUN_IMAGE(false, DIFF_NONE_BEFORE, A32, 0x66, FNSTENV);
        RUN_IMAGE(true, DIFF_NONE_BEFORE, A32, FNSAVE);
        RUN_IMAGE(false, DIFF_NONE_BEFORE, A32, 0x66, FNSAVE);
        RUN_IMAGE(true, DIFF_REGISTERS_BEFORE, FLD1, A32, FNSTENV);
        RUN_IMAGE(false, DIFF_REGISTERS_BEFORE, FLD1, A32, 0x66, FNSTENV);
        RUN_IMAGE(true, DIFF_MEMORY_BEFORE, A32, FADD, A32, FNSTENV);
        RUN_IMAGE(false, DIFF_MEMORY_BEFORE, A32, FADD, A32, 0x66, FNSTENV);
    } else {
        RUN_IMAGE(false, DIFF_NONE_BEFORE, FNSTENV);
        RUN_IMAGE(true, DIFF_NONE_BEFORE, 0x66, FNSTENV);
        RUN_IMAGE(false, DIFF_NONE_BEFORE, FNSAVE);
        RUN_IMAGE(true, DIFF_NONE_BEFORE, 0x66, FNSAVE);
        RUN_IMAGE(false, DIFF_REGISTERS_BEFORE, FLD1, FNSTENV);
        RUN_IMAGE(true, DIFF_REGISTERS_BEFORE, FLD1, 0x66, FNSTENV);
        RUN_IMAGE(false, DIFF_MEMORY_BEFORE, FADD, FNSTENV);
        RUN_IMAGE(true, DIFF_MEMORY_BEFORE, FADD, 0x66, FNSTENV);
    }
    RUN_CODE("fldenv", 0xd9, 0x27);
    RUN_CODE("fldenv, other size", 0x66, 0xd9, 0x27);
    RUN_CODE("frstor", 0xdd, 0x27);
    RUN_CODE("frstor, other size", 0x66, 0xdd, 0x27);
}
END_TEST

/* The area at EDI holds an MXCSR that may be loaded, most of the time. */
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

START_TEST(test_fxsave)
{
    if (modes[_i] & DIFF_16) {
        RUN_IMAGE_WITH(DIFF_ALIGNED, true, false, DIFF_NONE_BEFORE, A32, 0x0f, 0xae, 0x07);
        RUN_IMAGE_WITH(DIFF_UNMASKED, true, false, DIFF_NONE_BEFORE, A32, 0x0f, 0xae, 0x07);
        RUN_BYTES("fxrstor", DIFF_ALIGNED, valid_mxcsr, A32, 0x0f, 0xae, 0x0f);
        RUN_BYTES("ldmxcsr", DIFF_ALIGNED, valid_mxcsr, A32, 0x0f, 0xae, 0x17);
    } else {
        RUN_IMAGE_WITH(DIFF_ALIGNED, true, false, DIFF_NONE_BEFORE, 0x0f, 0xae, 0x07);
        RUN_IMAGE_WITH(DIFF_UNMASKED, true, false, DIFF_NONE_BEFORE, 0x0f, 0xae, 0x07);
        RUN_BYTES("fxrstor", DIFF_ALIGNED, valid_mxcsr, 0x0f, 0xae, 0x0f);
        RUN_BYTES("ldmxcsr", DIFF_ALIGNED, valid_mxcsr, 0x0f, 0xae, 0x17);
    }
    RUN_BYTES("stmxcsr", 0, NULL, 0x0f, 0xae, 0x1f);
}
END_TEST

/* --- MMX and SSE --- */

#define P(name) F(name, "y y|m8")
#define IMM(n) .immediates = n, .sets = 256
static const struct diff_form mmx[] = {
    F(MOVD, "y r32|m4"), F(MOVD, "r32|m4 y"), F(MOVQ, "y y|m8"), F(MOVQ, "m8 y"), F(MOVNTQ, "m8 y"),
    F(MOVQ2DQ, "x y"), F(MOVDQ2Q, "y x"), F(PMOVMSKB, "r32 y"), F(EMMS, ""),
    F(PEXTRW, "r32 y i8", IMM(64)), F(PINSRW, "y r32|m2 i8", IMM(64)), P(PADDB), P(PADDSW),
    P(PSUBUSW), P(PSUBQ), P(PANDN), P(PXOR), P(PCMPGTD), P(PMAXUB), P(PAVGW), P(PMULHW), P(PMULUDQ),
    P(PMADDUBSW), P(PSADBW), P(PSIGND), P(PHADDSW), P(PACKSSDW), P(PSHUFB), P(PSLLQ), P(PSRAD),
    F(PUNPCKLBW, "y y|m4"), F(PSHUFW, "y y|m8 i8", IMM(256)), F(PALIGNR, "y y|m8 i8", IMM(64)),
};

#define A .options = DIFF_ALIGNED
#define X(name) F(name, "x x|m16", A)
static const struct diff_form sse[] = {
    F(MOVAPS, "x x|m16", A), F(MOVAPS, "m16 x", A), F(MOVUPD, "x x|m16"), F(MOVUPD, "m16 x"),
    F(MOVDQU, "x m16"), F(MOVSS, "x x|m4"), F(MOVSD, "x x|m8"), F(MOVSD, "m8 x"),
    F(MOVD, "x r32|m4"), F(MOVD, "r32|m4 x"), F(MOVQ, "x x|m8"), F(MOVQ, "m8 x"),
    F(MOVHPS, "x m8"), F(MOVLPD, "m8 x"), F(MOVNTDQ, "m16 x", A), F(MOVMSKPD, "r32 x"),
    F(PMOVMSKB, "r32 x"), X(ADDPS), X(SUBPD), F(MULSS, "x x|m4"), F(DIVSD, "x x|m8"), X(MINPS),
    X(SQRTPD), X(HADDPS), X(ANDNPD), F(COMISD, "x x|m8"), F(UCOMISS, "x x|m4"),
    F(CMPPS, "x x|m16 i8", A, IMM(8)), F(ROUNDSD, "x x|m8 i8", IMM(16)),
    F(CVTSI2SD, "x r32|m4"), F(CVTTSD2SI, "r32 x|m8"), F(CVTDQ2PD, "x x|m8"), X(CVTPS2DQ),
    F(CVTPD2PI, "y x|m16", .options = DIFF_MMX | DIFF_ALIGNED), X(PADDQ), X(PMULLD), X(PCMPGTQ),
    X(PTEST), X(PSHUFB), F(PSHUFD, "x x|m16 i8", A, IMM(64)), X(PUNPCKHQDQ), F(PMOVSXWD, "x x|m8"),
    F(PBLENDVB, "x x|m16", A), F(PINSRD, "x r32|m4 i8", IMM(64)), F(PEXTRB, "r32|m1 x i8", IMM(64)),
    F(EXTRACTPS, "r32|m4 x i8", IMM(16)), F(PCMPISTRI, "x x|m16 i8", IMM(128)), X(AESENC),
    F(PCLMULQDQ, "x x|m16 i8", A, IMM(64)), F(MOVNTI, "m4 r32"),
};

START_TEST(test_mmx)
{
    static const uint8_t maskmovdqu[] = { 0x66, 0x0f, 0xf7, 0xd1 };
    struct diff_case test = { .name = "maskmovdqu", .code = maskmovdqu, .length = sizeof maskmovdqu,
                              .options = modes[_i] };
    RUN(mmx, DIFF_MMX, 128);
    RUN(mmx, DIFF_X87 | DIFF_UNMASKED, 128);
    ck_assert_uint_eq(diff_run_random(&test, 1, 500), 0);
}
END_TEST
START_TEST(test_sse)
{
    RUN(sse, 0, 128);
    RUN(sse, DIFF_UNMASKED, 128);
}
END_TEST

int main(void)
{
    if (!diff_available())
        return 77;
    const struct suite_case cases[] = {
        { "x87", test_x87 }, { "x87_unmasked", test_x87_unmasked },
        { "environments", test_environments }, { "fxsave", test_fxsave }, { "mmx", test_mmx },
        { "sse", test_sse },
    };
    return diff_end(run_cases("diff_compat_fp", cases, COUNT(cases), (int)COUNT(modes)));
}

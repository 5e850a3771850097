/* MMX against the host CPU: every form, registers and memory, what it does to the x87 state,
 * and a pending x87 exception that it must deliver. */
#include "lib/differential.h"
#include "lib/suite.h"

#include <check.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define F(name, text, ...) { .mnemonic = ZYDIS_MNEMONIC_##name, .operands = text, __VA_ARGS__ }
#define P(name) F(name, "y y|m8")
#define IMM .immediates = 256, .sets = 2048

static const struct diff_form moves[] = {
    F(MOVD, "y r32|m4"), F(MOVD, "r32|m4 y"), F(MOVQ, "y r64|y|m8"), F(MOVQ, "r64|m8 y"),
    F(MOVNTQ, "m8 y"), F(MOVQ2DQ, "x y"), F(MOVDQ2Q, "y x"), F(PMOVMSKB, "r32 y"), F(EMMS, ""),
    F(PEXTRW, "r32 y i8", IMM), F(PINSRW, "y r32|m2 i8", IMM),
};

static const struct diff_form integers[] = {
    P(PADDB), P(PADDW), P(PADDD), P(PADDQ), P(PADDSB), P(PADDSW), P(PADDUSB), P(PADDUSW), P(PSUBB),
    P(PSUBW), P(PSUBD), P(PSUBQ), P(PSUBSB), P(PSUBSW), P(PSUBUSB), P(PSUBUSW), P(PAND), P(PANDN),
    P(POR), P(PXOR), P(PCMPEQB), P(PCMPEQW), P(PCMPEQD), P(PCMPGTB), P(PCMPGTW), P(PCMPGTD),
    P(PMAXSW), P(PMAXUB), P(PMINSW), P(PMINUB), P(PAVGB), P(PAVGW), P(PMULLW), P(PMULHW),
    P(PMULHUW), P(PMULUDQ), P(PMADDWD), P(PMADDUBSW), P(PMULHRSW), P(PSADBW), P(PSIGNB), P(PSIGNW),
    P(PSIGND), P(PABSB), P(PABSW), P(PABSD), P(PHADDW), P(PHADDD), P(PHADDSW), P(PHSUBW),
    P(PHSUBD), P(PHSUBSW), P(PACKSSWB), P(PACKSSDW), P(PACKUSWB), P(PUNPCKHBW), P(PUNPCKHWD),
    P(PUNPCKHDQ), F(PUNPCKLBW, "y y|m4"), F(PUNPCKLWD, "y y|m4"), F(PUNPCKLDQ, "y y|m4"),
    P(PSHUFB), F(PSHUFW, "y y|m8 i8", IMM), F(PALIGNR, "y y|m8 i8", IMM),
    F(PSLLW, "y i8", IMM), F(PSLLD, "y i8", IMM), F(PSLLQ, "y i8", IMM), F(PSRLW, "y i8", IMM),
    F(PSRLD, "y i8", IMM), F(PSRLQ, "y i8", IMM), F(PSRAW, "y i8", IMM), F(PSRAD, "y i8", IMM),
};

/* Counts that are not too large. */
static bool small_count(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    if (diff_below(rng, 3) == 0)
        return true;
    for (unsigned i = 0; i < 8; i++) {
        in->fx.st[i][0] &= 127;
        for (unsigned k = 1; k < 8; k++)
            in->fx.st[i][k] = 0;
    }
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++)
        in->memory[i] &= i % 8 ? 0 : 127;
    return true;
}
#define SHIFT(name) F(name, "y y|m8", .prepare = small_count, .sets = 512)
static const struct diff_form shifts[] = { SHIFT(PSLLW), SHIFT(PSLLD), SHIFT(PSLLQ), SHIFT(PSRLW),
                                           SHIFT(PSRLD), SHIFT(PSRLQ), SHIFT(PSRAW), SHIFT(PSRAD) };

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

/* As an MMX instruction before would have left it: this host's MASKMOVQ goes to this state
 * even when it faults. */
static bool in_mmx_state(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)rng;
    (void)user;
    in->fx.fsw &= 0xc7ff;
    in->fx.ftw = 0xff;
    return true;
}

START_TEST(test_moves)
{
    static const uint8_t maskmovq[] = { 0x0f, 0xf7, 0xd1 }; /* maskmovq mm2, mm1 */
    struct diff_case test = { .name = "maskmovq", .code = maskmovq, .length = sizeof maskmovq,
                              .options = DIFF_MMX, .prepare = in_mmx_state };
    RUN(moves, DIFF_MMX);
    ck_assert_uint_eq(diff_run_random(&test, 1, 500), 0);
}
END_TEST

START_TEST(test_integers) { RUN(integers, DIFF_MMX); }
END_TEST

START_TEST(test_shifts) { RUN(shifts, DIFF_MMX); }
END_TEST

START_TEST(test_pending)
{
    RUN(moves, DIFF_X87 | DIFF_UNMASKED);
    RUN(integers, DIFF_X87 | DIFF_UNMASKED);
    RUN(shifts, DIFF_X87 | DIFF_UNMASKED);
}
END_TEST

int main(void)
{
    if (!diff_available())
        return 77;
    const struct suite_case cases[] = {
        { "moves", test_moves }, { "integers", test_integers }, { "shifts", test_shifts },
        { "pending", test_pending },
    };
    return diff_end(run_cases("diff_mmx", cases, COUNT(cases), 0));
}

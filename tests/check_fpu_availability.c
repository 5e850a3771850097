/* Which instructions CR0.EM, CR0.MP, CR0.TS and CR4.OSFXSR refuse, and with what exception: SDM
 * 3A, table 2-2 for FWAIT and the x87, 12.1 for MMX, 2.5 (OSFXSR) and 13.1 for SSE; SDM 3B, 24.25.3
 * for the instructions that SSE and its successors have for MMX registers. */
#include "bare_case.h"
#include "lib/suite.h"

#define NONE RF_BP /* the INT3 behind */

/* What becomes of an instruction when these bits are set or clear. */
struct rule {
    const char *name;
    int em, ts, ts_without_mp, em_ts, no_osfxsr;
};
static const struct rule x87 = {"x87", RF_NM, RF_NM, RF_NM, RF_NM, NONE};
static const struct rule wait = {"wait", NONE, RF_NM, NONE, RF_NM, NONE};
static const struct rule mmx = {"mmx", RF_UD, RF_NM, RF_NM, RF_UD, NONE};
static const struct rule sse = {"sse", RF_UD, RF_NM, RF_NM, RF_UD, RF_UD};
static const struct rule area = {"area", RF_NM, RF_NM, RF_NM, RF_NM, NONE}; /* SDM 2A, FXSAVE */
static const struct rule none = {"none", NONE, NONE, NONE, NONE, NONE};

struct instruction {
    const char *text;
    const struct rule *rule;
    uint8_t length;
    uint8_t code[7];
};
#define I(text, rule, ...)                                                                         \
    {                                                                                              \
        text, &(rule), sizeof((const uint8_t[]){__VA_ARGS__}),                                     \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* Memory operands are at [rdi]. */
static const struct instruction instructions[] = {
    I("fld1", x87, 0xd9, 0xe8),
    I("fild dword", x87, 0xdb, 0x07),
    I("fisttp word", x87, 0xdf, 0x0f),
    I("fisttp dword", x87, 0xdb, 0x0f),
    I("fisttp qword", x87, 0xdd, 0x0f),
    I("fnstsw ax", x87, 0xdf, 0xe0),
    I("fninit", x87, 0xdb, 0xe3),
    I("fnclex", x87, 0xdb, 0xe2),
    I("fcmove", x87, 0xda, 0xc9),
    I("fcomi", x87, 0xdb, 0xf1),
    I("fnstenv", x87, 0xd9, 0x37),
    I("fnop", x87, 0xd9, 0xd0),
    I("fwait", wait, 0x9b),

    I("emms", mmx, 0x0f, 0x77),
    I("movd mm, r32", mmx, 0x0f, 0x6e, 0xc0),
    I("movq mm, m64", mmx, 0x0f, 0x6f, 0x07),
    I("paddb mm, mm", mmx, 0x0f, 0xfc, 0xc1),
    /* of SSE */
    I("pshufw mm, mm", mmx, 0x0f, 0x70, 0xc1, 0x1b),
    I("pminub mm, mm", mmx, 0x0f, 0xda, 0xc1),
    I("pavgb mm, m64", mmx, 0x0f, 0xe0, 0x07),
    I("pextrw r32, mm", mmx, 0x0f, 0xc5, 0xc1, 0x01),
    I("pinsrw mm, r32", mmx, 0x0f, 0xc4, 0xc1, 0x01),
    I("pmovmskb r32, mm", mmx, 0x0f, 0xd7, 0xc1),
    I("maskmovq", mmx, 0x0f, 0xf7, 0xc1),
    I("movntq", mmx, 0x0f, 0xe7, 0x07),
    I("psadbw mm, mm", mmx, 0x0f, 0xf6, 0xc1),
    /* of SSE2 */
    I("paddq mm, mm", mmx, 0x0f, 0xd4, 0xc1),
    I("psubq mm, m64", mmx, 0x0f, 0xfb, 0x07),
    I("pmuludq mm, mm", mmx, 0x0f, 0xf4, 0xc1),
    /* of SSSE3 */
    I("pshufb mm, mm", mmx, 0x0f, 0x38, 0x00, 0xc1),
    I("pabsd mm, m64", mmx, 0x0f, 0x38, 0x1e, 0x07),
    I("palignr mm, mm", mmx, 0x0f, 0x3a, 0x0f, 0xc1, 0x03),
    I("phaddw mm, mm", mmx, 0x0f, 0x38, 0x01, 0xc1),
    I("pmulhrsw mm, mm", mmx, 0x0f, 0x38, 0x0b, 0xc1),

    I("movq2dq", sse, 0xf3, 0x0f, 0xd6, 0xc1),
    I("movdq2q", sse, 0xf2, 0x0f, 0xd6, 0xc1),
    I("cvtpi2ps xmm, mm", sse, 0x0f, 0x2a, 0xc1),
    I("cvtpi2ps xmm, m64", sse, 0x0f, 0x2a, 0x07),
    I("cvtpi2pd xmm, m64", sse, 0x66, 0x0f, 0x2a, 0x07),
    I("cvtps2pi mm, xmm", sse, 0x0f, 0x2d, 0xc1),
    I("cvttps2pi mm, m64", sse, 0x0f, 0x2c, 0x07),
    I("cvttpd2pi mm, m128", sse, 0x66, 0x0f, 0x2c, 0x07),
    I("addps", sse, 0x0f, 0x58, 0xc1),
    I("movss xmm, m32", sse, 0xf3, 0x0f, 0x10, 0x07),
    I("cvttsd2si r32, m64", sse, 0xf2, 0x0f, 0x2c, 0x07),
    I("ldmxcsr", sse, 0x0f, 0xae, 0x17),
    I("stmxcsr", sse, 0x0f, 0xae, 0x1f),
    I("paddq xmm, xmm", sse, 0x66, 0x0f, 0xd4, 0xc1),
    I("haddps", sse, 0xf2, 0x0f, 0x7c, 0xc1),
    I("pshufb xmm, xmm", sse, 0x66, 0x0f, 0x38, 0x00, 0xc1),
    I("ptest", sse, 0x66, 0x0f, 0x38, 0x17, 0xc1),
    I("pcmpgtq", sse, 0x66, 0x0f, 0x38, 0x37, 0xc1),

    I("fxsave", area, 0x0f, 0xae, 0x07),
    I("fxrstor", area, 0x0f, 0xae, 0x0f),

    I("movnti", none, 0x0f, 0xc3, 0x07),
    I("crc32", none, 0xf2, 0x0f, 0x38, 0xf1, 0xc1),
    I("popcnt", none, 0xf3, 0x0f, 0xb8, 0xc1),
    I("pause", none, 0xf3, 0x90),
    I("prefetcht0", none, 0x0f, 0x18, 0x0f),
    I("lfence", none, 0x0f, 0xae, 0xe8),
    I("mfence", none, 0x0f, 0xae, 0xf0),
    I("sfence", none, 0x0f, 0xae, 0xf8),
    I("clflush", none, 0x0f, 0xae, 0x3f),
};

static void expect(const struct instruction *instruction, const char *when, uint64_t cr0_set,
                   uint64_t cr0_clear, uint64_t cr4_clear, int vector)
{
    struct bare machine, *b = &machine;
    uint8_t code[sizeof instruction->code + 1];
    bare_create(b, 3);
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    bare_write(b, BARE_USER_DATA + 24, 0x1f80); /* FXRSTOR's MXCSR */
    bare_write(b, BARE_USER_DATA, 0x1f80);      /* LDMXCSR's */
    rf_mmu_set_cr0(&b->cpu->mmu, (b->cpu->mmu.cr0 | cr0_set) & ~cr0_clear);
    bare_set_cr4(b, 0, cr4_clear);
    memcpy(code, instruction->code, instruction->length);
    code[instruction->length] = 0xcc;
    bare_run(b, code, instruction->length + 1u);
    ck_assert_msg(b->vector == vector, "%s with %s: vector %d, not %d", instruction->text, when,
                  b->vector, vector);
    ck_assert_uint_eq(b->frame.rip, USER(vector == NONE ? instruction->length + 1u : 0));
    bare_destroy(b);
}

START_TEST(availability)
{
    const struct instruction *i = &instructions[_i];
    const struct rule *rule = i->rule;
    expect(i, "everything", 0, 0, 0, NONE);
    expect(i, "EM", RF_CR0_EM, 0, 0, rule->em);
    expect(i, "TS", RF_CR0_TS, 0, 0, rule->ts);
    expect(i, "TS without MP", RF_CR0_TS, RF_CR0_MP, 0, rule->ts_without_mp);
    expect(i, "EM and TS", RF_CR0_EM | RF_CR0_TS, 0, 0, rule->em_ts);
    expect(i, "MP clear", 0, RF_CR0_MP, 0, NONE);
    expect(i, "OSFXSR clear", 0, 0, RF_CR4_OSFXSR, rule->no_osfxsr);
}
END_TEST

/* The same bytes run again after the bits have changed: blocks of one setting are not another's. */
CODE(fisttp_wait, "fldz; fisttpll (%rdi); fwait; pshufb %mm1, %mm0; int3");
CASE(a_change_of_the_bits_is_seen, 0)
{
    struct rf_mmu *mmu = &b->cpu->mmu;
    uint64_t cr0 = mmu->cr0;
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    RUN(b, fisttp_wait);
    expect_vector(b, RF_BP, KERNEL(10));
    const struct {
        uint64_t set;
        int vector;
        unsigned at;
    } steps[] = {{RF_CR0_TS, RF_NM, 0}, {0, RF_BP, 10}, {RF_CR0_EM, RF_NM, 0}, {0, RF_BP, 10}};
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        rf_mmu_set_cr0(mmu, cr0 | steps[i].set);
        rf_cpu_mode_changed(b->cpu);
        RUN(b, fisttp_wait);
        expect_vector(b, steps[i].vector, KERNEL(steps[i].at));
    }
}

int main(void)
{
    Suite *suite = suite_create("fpu_availability");
    TCase *tests = tcase_create("availability");
    tcase_add_loop_test(tests, availability, 0, (int)(sizeof instructions / sizeof *instructions));
    tcase_add_test(tests, a_change_of_the_bits_is_seen);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

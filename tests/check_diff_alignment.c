/* Alignment checks at CPL 3 (SDM 3A, 6.15, "Interrupt 17"): every kind of operand at addresses
 * of any alignment with RFLAGS.AC set, against the host CPU, on which Linux sets CR0.AM. */
#include "lib/diff_sides.h"
#include "lib/forms_integer.h"
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RSP 4
#define RBP 5
#define RSI 6
#define RDI 7

/* The tables of other tests, with DIFF_AC. */
static unsigned run_checked(const struct diff_form *forms, size_t count, uint64_t seed)
{
    unsigned mismatches = 0;
    for (size_t i = 0; i < count; i++) {
        struct diff_form form = forms[i];
        form.options |= DIFF_AC;
        mismatches += diff_run_forms(&form, 1, seed + i * 1000);
    }
    return mismatches;
}
#define RUN(table) ck_assert_uint_eq(run_checked(table, COUNT(table), __LINE__), 0)

START_TEST(test_integer)
{
    RUN(alu);
    RUN(locked);
    RUN(bit_test);
    RUN(moves);
    RUN(compare_exchange);
}
END_TEST

START_TEST(test_strings) { RUN(string_forms); }
END_TEST

static const struct diff_form vectors[] = {
    F(MOVUPS, "x m16"), F(MOVUPS, "m16 x"), F(MOVDQU, "x m16"), F(MOVDQU, "m16 x"),
    F(LDDQU, "x m16"), F(MOVAPS, "x m16"), F(MOVNTDQ, "m16 x"), F(PADDB, "x m16"),
    F(MOVSS, "x m4"), F(MOVSS, "m4 x"), F(MOVSD, "m8 x"), F(MOVHPS, "x m8"), F(MOVHPS, "m8 x"),
    F(MOVD, "x m4"), F(PINSRB, "x m1 i8"), F(PINSRW, "x m2 i8"), F(PEXTRD, "m4 x i8"),
    F(PMOVZXBQ, "x m2"), F(PMOVZXBD, "x m4"), F(PMOVZXBW, "x m8"), F(CVTPS2PD, "x m8"),
    F(ADDSD, "x m8"), F(ADDPS, "x m16"), F(UCOMISS, "x m4"), F(CVTSI2SD, "x m4|m8"),
};
static const struct diff_form mmx[] = {
    F(MOVQ, "y m8", .options = DIFF_MMX), F(MOVQ, "m8 y", .options = DIFF_MMX), F(MOVD, "y m4", .options = DIFF_MMX),
    F(PADDB, "y m8", .options = DIFF_MMX), F(PUNPCKLBW, "y m4", .options = DIFF_MMX), F(MOVNTQ, "m8 y", .options = DIFF_MMX),
};
static const struct diff_form avx[] = {
    F(VMOVUPS, "v m32"), F(VMOVUPS, "m32 v"), F(VMOVDQU, "x m16"), F(VMOVAPS, "v m32"),
    F(VPADDB, "x x m16"), F(VPADDB, "v v m32"), F(VBROADCASTF128, "v m16"),
    F(VINSERTF128, "v v m16 i8"), F(VEXTRACTF128, "m16 v i8"), F(VPBROADCASTB, "v m1"),
    F(VPBROADCASTW, "v m2"), F(VBROADCASTSS, "v m4"), F(VBROADCASTSD, "v m8"),
    F(VPMOVZXBW, "v m16"), F(VCVTPH2PS, "v m16"), F(VCVTPS2PH, "m16 v i8"), F(VPSLLW, "v v m16"),
    F(VMASKMOVPS, "v v m32"), F(VMASKMOVPD, "m32 v v"), F(VPMASKMOVQ, "x x m16"),
    F(VPGATHERDD, "v V4 v"), F(VPGATHERQQ, "v V8 v"), F(VGATHERDPD, "x X8 x"),
};

START_TEST(test_vectors)
{
    RUN(vectors);
    RUN(mmx);
    if (diff_has_avx())
        RUN(avx);
}
END_TEST

static const struct diff_form x87[] = {
    F(FLD, "m4|m8|m10", .options = DIFF_X87), F(FILD, "m2|m4|m8", .options = DIFF_X87), F(FBLD, "m10", .options = DIFF_X87),
    F(FST, "m4|m8", .options = DIFF_X87), F(FSTP, "m10", .options = DIFF_X87), F(FISTP, "m2|m4|m8", .options = DIFF_X87),
    F(FISTTP, "m2|m4|m8", .options = DIFF_X87), F(FBSTP, "m10", .options = DIFF_X87), F(FADD, "m4|m8", .options = DIFF_X87),
    F(FIADD, "m2|m4", .options = DIFF_X87), F(FCOMP, "m4|m8", .options = DIFF_X87), F(FLDCW, "m2", .options = DIFF_X87),
    F(FNSTCW, "m2", .options = DIFF_X87), F(FNSTSW, "m2", .options = DIFF_X87), F(STMXCSR, "m4"),
};
START_TEST(test_x87) { RUN(x87); }
END_TEST

/* --- instructions by their bytes: RDI, RSI, RBP or RSP point into the window --- */

static uint64_t anywhere(struct diff_rng *rng)
{
    return DIFF_MEMORY_AT + 256 + (diff_below(rng, 128) & ~0u << diff_below(rng, 7));
}

static bool place(struct diff_state *in, struct diff_rng *rng, void *user)
{
    static const unsigned registers[] = { RSP, RBP, RSI, RDI };
    (void)user;
    for (unsigned i = 0; i < COUNT(registers); i++)
        in->gpr[registers[i]] = anywhere(rng);
    /* what selectors, far pointers and XSAVE's header are read from */
    memset(in->memory, 0, sizeof in->memory);
    in->fx.ftw = 0xff; /* some CPUs enter the MMX state before MASKMOVQ faults */
    return true;
}

/* What was stored is another test's matter. */
static void forgive_memory(const struct diff_state *in, struct diff_state *host,
                           struct diff_state *ringfort, void *user)
{
    (void)in, (void)user;
    if (host->vector >= 0)
        return;
    memcpy(ringfort->memory, host->memory, sizeof ringfort->memory);
    ringfort->fx = host->fx;
}

struct raw {
    const char *name;
    uint8_t code[8];
    uint8_t length;
    uint8_t forgiving;
};
#define R(text, ...) \
    { text, { __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }), 0 }
#define FORGIVING(text, ...) \
    { text, { __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }), 1 }

static const struct raw stack[] = {
    R("push rax", 0x50), R("push ax", 0x66, 0x50), R("push imm", 0x6a, 0x05),
    R("push [rdi]", 0xff, 0x37), R("pop rax", 0x58), R("pop ax", 0x66, 0x58),
    R("pop [rdi]", 0x8f, 0x07), R("call", 0xe8, 0, 0, 0, 0), R("enter", 0xc8, 16, 0, 0),
    R("enter 2", 0xc8, 16, 0, 2), R("leave", 0xc9), R("push fs", 0x0f, 0xa0), R("pushfq", 0x9c),
};
static const struct raw system_memory[] = {
    R("mov [rdi], ds", 0x8c, 0x1f), R("mov ds, [rdi]", 0x8e, 0x1f), R("lgs eax", 0x0f, 0xb5, 0x07),
    R("lgs ax", 0x66, 0x0f, 0xb5, 0x07), R("lgs rax", 0x48, 0x0f, 0xb5, 0x07),
    R("lar eax", 0x0f, 0x02, 0x07), R("verr", 0x0f, 0x00, 0x27), R("clflush", 0x0f, 0xae, 0x3f),
    R("prefetcht0", 0x0f, 0x18, 0x0f), R("nop", 0x0f, 0x1f, 0x07), R("xlat", 0xd7),
    R("cmpxchg8b", 0x0f, 0xc7, 0x0f), R("cmpxchg16b", 0x48, 0x0f, 0xc7, 0x0f),
    R("maskmovdqu", 0x66, 0x0f, 0xf7, 0xc1), R("maskmovq", 0x0f, 0xf7, 0xc1),
};
static const struct raw state[] = {
    FORGIVING("fnstenv", 0xd9, 0x37), FORGIVING("fnstenv 16", 0x66, 0xd9, 0x37),
    FORGIVING("fnsave", 0xdd, 0x37), FORGIVING("fnsave 16", 0x66, 0xdd, 0x37),
    FORGIVING("fldenv", 0xd9, 0x27), FORGIVING("fldenv 16", 0x66, 0xd9, 0x27),
    FORGIVING("frstor", 0xdd, 0x27), FORGIVING("frstor 16", 0x66, 0xdd, 0x27),
    FORGIVING("fxsave", 0x0f, 0xae, 0x07), FORGIVING("fxrstor", 0x0f, 0xae, 0x0f),
    FORGIVING("xsave", 0x0f, 0xae, 0x27), FORGIVING("xrstor", 0x0f, 0xae, 0x2f),
};

static unsigned run_raw(const struct raw *raw, size_t count)
{
    unsigned mismatches = 0;
    for (size_t i = 0; i < count; i++) {
        struct diff_case test = { .name = raw[i].name,
                                  .code = raw[i].code,
                                  .length = raw[i].length,
                                  .options = DIFF_AC,
                                  .prepare = place,
                                  .forgive = raw[i].forgiving ? forgive_memory : NULL };
        unsigned found = diff_run_random(&test, i + 1, 400);
        if (found)
            printf("FAILED: %s: %u mismatches\n", raw[i].name, found);
        mismatches += found;
    }
    return mismatches;
}

START_TEST(test_stack) { ck_assert_uint_eq(run_raw(stack, COUNT(stack)), 0); }
END_TEST
START_TEST(test_system_memory)
{
    ck_assert_uint_eq(run_raw(system_memory, COUNT(system_memory)), 0);
}
END_TEST
START_TEST(test_state) { ck_assert_uint_eq(run_raw(state, COUNT(state)), 0); }
END_TEST

/* The order of #AC and other exceptions: in the page that is not there, and where no page can
 * be. */
static bool place_refused(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    in->gpr[RDI] = DIFF_PAGES_END + diff_below(rng, 32);
    if (diff_below(rng, 2))
        in->gpr[RDI] |= UINT64_C(1) << 62;
    return true;
}
START_TEST(test_order)
{
    static const struct raw raw[] = {
        R("mov eax, [rdi]", 0x8b, 0x07), R("mov [rdi], rax", 0x48, 0x89, 0x07),
        R("inc word [rdi]", 0x66, 0xff, 0x07), R("movups", 0x0f, 0x10, 0x07),
        R("movaps", 0x0f, 0x28, 0x07), R("cmpxchg16b", 0x48, 0x0f, 0xc7, 0x0f),
        R("fld tbyte", 0xdb, 0x2f), R("fxsave", 0x0f, 0xae, 0x07), R("fnsave", 0xdd, 0x37),
    };
    for (size_t i = 0; i < COUNT(raw); i++) {
        struct diff_case test = { .name = raw[i].name, .code = raw[i].code, .length = raw[i].length,
                                  .options = DIFF_AC | DIFF_ANY_CR2, .prepare = place_refused };
        ck_assert_uint_eq(diff_run_random(&test, i + 1, 400), 0);
    }
}
END_TEST

int main(void)
{
    if (!diff_available())
        return EXIT_SUCCESS;
    const struct {
        const char *name;
        const TTest *test;
    } cases[] = {
        { "integer", test_integer }, { "strings", test_strings }, { "vectors", test_vectors },
        { "x87", test_x87 }, { "stack", test_stack }, { "system_memory", test_system_memory },
        { "state", test_state }, { "order", test_order },
    };
    Suite *suite = suite_create("diff_alignment");
    for (size_t i = 0; i < COUNT(cases); i++) {
        TCase *tcase = tcase_create(cases[i].name);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, cases[i].test);
        suite_add_tcase(suite, tcase);
    }
    return diff_end(run_suite(suite));
}

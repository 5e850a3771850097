/* The x87 against the host CPU: every form on valid operands, with stack faults, and with
 * exceptions unmasked, whose delivery waits for the next x87 instruction. */
#include "cpu/cpu.h"
#include "lib/diff_x87_image.h"
#include "lib/forms_x87.h"
#include "lib/suite.h"

#include <check.h>
#include <string.h>

static unsigned run(const struct diff_form *forms, size_t count, unsigned options, uint64_t seed)
{
    unsigned mismatches = 0;
    for (size_t i = 0; i < count; i++) {
        struct diff_form form = forms[i];
        form.options |= options;
        form.sets = 2048;
        mismatches += diff_run_forms(&form, 1, seed + 7919 * i);
    }
    return mismatches;
}
#define RUN(table, options) ck_assert_uint_eq(run(table, COUNT(table), options, __LINE__), 0)
#define RUN_ALL(options)               \
    do {                               \
        RUN(loads, options);           \
        RUN(stores, options);          \
        RUN(moves, options);           \
        RUN(arithmetic, options);      \
        RUN(comparisons, options);     \
        RUN(functions, options);       \
        RUN(control, options);         \
    } while (0)

START_TEST(test_masked) { RUN_ALL(DIFF_X87); }
END_TEST

START_TEST(test_stack_faults) { RUN_ALL(DIFF_X87 | DIFF_STACK_ROOM); }
END_TEST

START_TEST(test_unmasked) { RUN_ALL(DIFF_X87 | DIFF_UNMASKED); }
END_TEST

START_TEST(test_unmasked_stack_faults) { RUN_ALL(DIFF_X87 | DIFF_UNMASKED | DIFF_STACK_ROOM); }
END_TEST

/* --- environments: all that is saved, but what CPUs have of their own --- */

struct image {
    const char *name;
    uint8_t code[8];
    uint8_t length;
    bool narrow;
    enum diff_x87_before before;
};

static void forgive(const struct diff_state *in, struct diff_state *host,
                    struct diff_state *ringfort, void *user)
{
    const struct image *image = user;
    diff_forgive_environment(in, host, ringfort, in->gpr[RF_RDI], image->narrow, image->before);
}

static unsigned run_image(const struct image *image, unsigned options)
{
    struct image copy = *image;
    struct diff_case test = { .name = image->name, .code = image->code,
                              .length = image->length, .forgive = forgive, .user = &copy,
                              .options = DIFF_X87 | DIFF_ANY_CR2 | options };
    return diff_run_random(&test, image->length, 2000);
}

/* FIP is of the last instruction that is not a control instruction: with its prefixes. */
#define FNSTENV 0xd9, 0x37
#define FNSTENV16 0x66, 0xd9, 0x37
#define FNSAVE 0xdd, 0x37
#define FLD1 0xd9, 0xe8
#define FADD 0xd8, 0x47, 0x40 /* dword [rdi+64] */
#define REX_W 0x48
#define NOP 0x90
static const struct image images[] = {
    { "fnstenv", { FNSTENV }, 2, false, DIFF_NONE_BEFORE },
    { "fnstenv, 16-bit", { FNSTENV16 }, 3, true, DIFF_NONE_BEFORE },
    { "fnsave", { FNSAVE }, 2, false, DIFF_NONE_BEFORE },
    { "fnsave, 16-bit", { 0x66, FNSAVE }, 3, true, DIFF_NONE_BEFORE },
    { "fldenv", { 0xd9, 0x27 }, 2, false, DIFF_NONE_BEFORE },
    { "fldenv, 16-bit", { 0x66, 0xd9, 0x27 }, 3, true, DIFF_NONE_BEFORE },
    { "frstor", { 0xdd, 0x27 }, 2, false, DIFF_NONE_BEFORE },
    { "frstor, 16-bit", { 0x66, 0xdd, 0x27 }, 3, true, DIFF_NONE_BEFORE },
    { "fld1, fnstenv", { FLD1, FNSTENV }, 4, false, DIFF_REGISTERS_BEFORE },
    { "fld1, fnstenv, 16-bit", { FLD1, FNSTENV16 }, 5, true, DIFF_REGISTERS_BEFORE },
    { "fld1, fnsave", { FLD1, FNSAVE }, 4, false, DIFF_REGISTERS_BEFORE },
    { "prefix, fld1, fnstenv", { NOP, REX_W, FLD1, FNSTENV }, 6, false, DIFF_REGISTERS_BEFORE },
    { "fld1, nop, fnstenv", { FLD1, NOP, FNSTENV }, 5, false, DIFF_REGISTERS_BEFORE },
    { "fld1, fnstsw, fnstenv", { FLD1, 0xdf, 0xe0, FNSTENV }, 6, false, DIFF_REGISTERS_BEFORE },
    { "fld1, fwait, fnstenv", { FLD1, 0x9b, FNSTENV }, 5, false, DIFF_REGISTERS_BEFORE },
    { "fld1, fnclex, fnstenv", { FLD1, 0xdb, 0xe2, FNSTENV }, 6, false, DIFF_REGISTERS_BEFORE },
    { "fld1, feni, fnstenv", { FLD1, 0xdb, 0xe0, FNSTENV }, 6, false, DIFF_REGISTERS_BEFORE },
    { "fld1, fnstcw, fnstenv", { FLD1, 0xd9, 0x7f, 0x40, FNSTENV }, 7, false,
      DIFF_REGISTERS_BEFORE },
    { "fld1, fninit, fnstenv", { FLD1, 0xdb, 0xe3, FNSTENV }, 6, false, DIFF_REGISTERS_BEFORE },
    { "fld1, emms, fnstenv", { FLD1, 0x0f, 0x77, FNSTENV }, 6, false, DIFF_REGISTERS_BEFORE },
    { "fld1, pxor, fnstenv", { FLD1, 0x0f, 0xef, 0xc1, FNSTENV }, 7, false,
      DIFF_REGISTERS_BEFORE },
    { "fld1, fnop, fnstenv", { FLD1, 0xd9, 0xd0, FNSTENV }, 6, false, DIFF_REGISTERS_BEFORE },
    { "fld1, ffree, fnstenv", { FLD1, 0xdd, 0xc1, FNSTENV }, 6, false, DIFF_REGISTERS_BEFORE },
    { "fld1, fincstp, fnstenv", { FLD1, 0xd9, 0xf7, FNSTENV }, 6, false, DIFF_REGISTERS_BEFORE },
    { "fadd, fnstenv", { FADD, FNSTENV }, 5, false, DIFF_MEMORY_BEFORE },
    { "fadd, fnstenv, 16-bit", { FADD, FNSTENV16 }, 6, true, DIFF_MEMORY_BEFORE },
    { "fadd, fnsave", { FADD, FNSAVE }, 5, false, DIFF_MEMORY_BEFORE },
    { "fadd [edi+64], fnstenv", { 0x67, FADD, FNSTENV }, 6, false, DIFF_MEMORY_BEFORE },
    { "fstp, fnstenv", { 0xdd, 0x5f, 0x40, FNSTENV }, 5, false, DIFF_MEMORY_BEFORE },
};

START_TEST(test_environments)
{
    for (unsigned i = 0; i < 4 * COUNT(images); i++)
        ck_assert_uint_eq(run_image(&images[i / 4], (i & 1 ? DIFF_UNMASKED : 0) |
                                                        (i & 2 ? DIFF_STACK_ROOM : 0)), 0);
}
END_TEST

/* --- sequences, with everything that can become pending --- */

static const struct diff_form sequence[] = {
    F(FLD, "m4|m8|m10|st"), F(FILD, "m2|m4|m8"), F(FLD1, ""), F(FLDPI, ""), F(FST, "m4|m8|st"),
    F(FSTP, "m4|m8|m10|st"), F(FISTP, "m2|m4|m8"), F(FXCH, "st"), F(FCHS, ""), F(FABS, ""),
    F(FADD, "m4|m8"), F(FADD, "st0 st"), F(FSUBP, "st st0"), F(FMUL, "st0 st"), F(FMULP, "st st0"),
    F(FDIV, "m4|m8"), F(FDIVRP, "st st0"), F(FSQRT, ""), F(FRNDINT, ""), F(FSCALE, ""),
    F(FXTRACT, ""), F(FCOM, "st"), F(FUCOMPP, ""), F(FXAM, ""), F(FNSTSW, "ax"), F(FNSTCW, "m2"),
    F(FLDCW, "m2"), F(FNCLEX, ""), F(FWAIT, ""), F(FCMOVE, "st0 st"), F(SETZ, "r8"),
    F(FFREE, "st"), F(FINCSTP, ""), F(ADD, "r32 r32"), F(FPREM, ""), F(F2XM1, ""), F(FNINIT, ""),
};

START_TEST(test_sequences)
{
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(diff_run_sequences(sequence, COUNT(sequence), 3000,
                                             DIFF_X87 | (i & 1 ? DIFF_UNMASKED : 0) |
                                                 (i & 2 ? DIFF_STACK_ROOM : 0), 0, i), 0);
}
END_TEST

int main(void)
{
    if (!diff_available())
        return 77;
    const struct suite_case cases[] = {
        { "masked", test_masked }, { "stack_faults", test_stack_faults },
        { "unmasked", test_unmasked }, { "unmasked_stack_faults", test_unmasked_stack_faults },
        { "environments", test_environments }, { "sequences", test_sequences },
    };
    return diff_end(run_cases("diff_x87", cases, COUNT(cases), 0));
}

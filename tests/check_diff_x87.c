/* The x87 against the host CPU: every form on valid operands, with stack faults, and with
 * exceptions unmasked, whose delivery waits for the next x87 instruction. */
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

/* --- environments: what stores the instruction and operand pointers is cleared after --- */

#define REX_W_STORE(disp) 0x48, 0xc7, 0x47, disp, 0, 0, 0, 0 /* mov qword [rdi+disp], 0 */
static unsigned run_code(const char *name, const uint8_t *code, size_t length, unsigned options)
{
    struct diff_case test = { .name = name, .code = code, .length = length,
                              .options = DIFF_X87 | DIFF_ANY_CR2 | options };
    return diff_run_random(&test, length, 2000);
}
#define RUN_CODE(name, ...)                                                                   \
    do {                                                                                      \
        static const uint8_t code[] = { __VA_ARGS__ };                                        \
        for (unsigned i = 0; i < 4; i++)                                                      \
            ck_assert_uint_eq(run_code(name, code, sizeof code,                               \
                                       (i & 1 ? DIFF_UNMASKED : 0) |                          \
                                           (i & 2 ? DIFF_STACK_ROOM : 0)), 0);                \
    } while (0)

START_TEST(test_environments)
{
    RUN_CODE("fnstenv", 0xd9, 0x37, REX_W_STORE(12), REX_W_STORE(20));
    RUN_CODE("fnstenv, 16-bit", 0x66, 0xd9, 0x37, REX_W_STORE(6));
    RUN_CODE("fnsave", 0xdd, 0x37, REX_W_STORE(12), REX_W_STORE(20));
    RUN_CODE("fnsave, 16-bit", 0x66, 0xdd, 0x37, REX_W_STORE(6));
    RUN_CODE("fldenv", 0xd9, 0x27);
    RUN_CODE("fldenv, 16-bit", 0x66, 0xd9, 0x27);
    RUN_CODE("frstor", 0xdd, 0x27);
    RUN_CODE("frstor, 16-bit", 0x66, 0xdd, 0x27);
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
    return run_cases("diff_x87", cases, COUNT(cases), 0);
}

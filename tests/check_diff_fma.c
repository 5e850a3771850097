/* Fused multiply-add against the host CPU: every form, exceptions masked and unmasked, by the
 * host's instructions and by what stands for them. */
#include "lib/differential.h"
#include "lib/float_values.h"
#include "lib/suite.h"

#include <check.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define F(name, text, ...) { .mnemonic = ZYDIS_MNEMONIC_##name, .operands = text, __VA_ARGS__ }
/* The three orders of operands. */
#define ORDERS(X, name) X(name##132), X(name##213), X(name##231)
#define PACKED(name)                                        \
    F(name##PS, "x x x|m16"), F(name##PS, "v v v|m32"),     \
    F(name##PD, "x x x|m16"), F(name##PD, "v v v|m32")
#define SCALAR(name) F(name##SS, "x x x|m4"), F(name##SD, "x x x|m8")

static const struct diff_form packed[] = { ORDERS(PACKED, VFMADD), ORDERS(PACKED, VFMSUB),
                                           ORDERS(PACKED, VFNMADD), ORDERS(PACKED, VFNMSUB) };
static const struct diff_form mixed[] = { ORDERS(PACKED, VFMADDSUB), ORDERS(PACKED, VFMSUBADD) };
static const struct diff_form scalar[] = { ORDERS(SCALAR, VFMADD), ORDERS(SCALAR, VFMSUB),
                                           ORDERS(SCALAR, VFNMADD), ORDERS(SCALAR, VFNMSUB) };

static unsigned run(const struct diff_form *forms, size_t count, unsigned options, uint64_t seed)
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

/* Masked and unmasked, native and portable. */
static void run_all(const struct diff_form *forms, size_t count, uint64_t seed)
{
    unsigned mismatches = 0;
    for (unsigned portable = 0; portable < 2; portable++) {
        diff_use_portable(portable);
        mismatches += run(forms, count, 0, seed);
        mismatches += run(forms, count, DIFF_UNMASKED, seed + 1);
    }
    diff_use_portable(false);
    ck_assert_uint_eq(mismatches, 0);
}
#define RUN(table) run_all(table, COUNT(table), __LINE__)

START_TEST(test_packed) { RUN(packed); }
END_TEST

START_TEST(test_mixed) { RUN(mixed); }
END_TEST

START_TEST(test_scalar) { RUN(scalar); }
END_TEST

int main(void)
{
    if (!diff_available() || !diff_has_avx())
        return 77;
    const struct suite_case cases[] = {
        { "packed", test_packed },
        { "mixed signs", test_mixed },
        { "scalar", test_scalar },
    };
    return diff_end(run_cases("diff_fma", cases, COUNT(cases), 0));
}

/* AVX and AVX2 integer instructions against the host CPU. */
#include "lib/differential.h"
#include "lib/suite.h"

#include <check.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define F(name, text, ...) { .mnemonic = ZYDIS_MNEMONIC_##name, .operands = text, __VA_ARGS__ }
/* xmm, xmm, xmm/m128 and ymm, ymm, ymm/m256 */
#define BOTH(name) F(name, "x x x|m16"), F(name, "v v v|m32")

static const struct diff_form arithmetic[] = { BOTH(VPADDB) };

START_TEST(test_arithmetic)
{
    ck_assert_uint_eq(diff_run_forms(arithmetic, COUNT(arithmetic), 1), 0);
}
END_TEST

int main(void)
{
    if (!diff_available() || !diff_has_avx())
        return 77;
    Suite *suite = suite_create("diff_avx_int");
    TCase *tcase = tcase_create("arithmetic");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_arithmetic);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

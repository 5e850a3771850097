/* What the differential tests of the VEX-encoded families share. Every test runs twice: with
 * what the library has for hosts with AVX2, and with what it has for the others. */
#ifndef TESTS_LIB_DIFF_AVX_H
#define TESTS_LIB_DIFF_AVX_H

#include "differential.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define F(name, text, ...) { .mnemonic = ZYDIS_MNEMONIC_##name, .operands = text, __VA_ARGS__ }
/* xmm, xmm, xmm/m128 and ymm, ymm, ymm/m256; the same of one source; with imm8 */
#define BOTH(name, ...) F(name, "x x x|m16", __VA_ARGS__), F(name, "v v v|m32", __VA_ARGS__)
#define UNARY(name, ...) F(name, "x x|m16", __VA_ARGS__), F(name, "v v|m32", __VA_ARGS__)
#define BOTH_IMM(name, n) \
    F(name, "x x x|m16 i8", .immediates = n), F(name, "v v v|m32 i8", .immediates = n)
#define UNARY_IMM(name, n) \
    F(name, "x x|m16 i8", .immediates = n), F(name, "v v|m32 i8", .immediates = n)

/* Both builds of a table of forms. */
static inline unsigned avx_run_forms(const struct diff_form *forms, size_t count, uint64_t seed)
{
    unsigned mismatches = diff_run_forms(forms, count, seed);
    diff_use_portable(true);
    unsigned portable = diff_run_forms(forms, count, seed + 500);
    diff_use_portable(false);
    if (portable)
        printf("%u mismatches without the host's AVX2\n", portable);
    return mismatches + portable;
}

static inline unsigned avx_run_sequences(const struct diff_form *forms, size_t count, uint64_t seed)
{
    unsigned mismatches = diff_run_sequences(forms, count, 2000, 0, 0, seed);
    diff_use_portable(true);
    mismatches += diff_run_sequences(forms, count, 1000, 0, 0, seed + 5000);
    diff_use_portable(false);
    return mismatches;
}

static inline unsigned avx_run_random(const struct diff_case *test, uint64_t seed, unsigned count)
{
    unsigned mismatches = diff_run_random(test, seed, count);
    diff_use_portable(true);
    mismatches += diff_run_random(test, seed + 1, count);
    diff_use_portable(false);
    return mismatches;
}

#define AVX_TEST(name, table)                                                 \
    START_TEST(name)                                                          \
    {                                                                         \
        ck_assert_uint_eq(avx_run_forms(table, COUNT(table), __LINE__), 0);   \
    }                                                                         \
    END_TEST

#define AVX_SEQUENCES(name, table)                                              \
    START_TEST(name)                                                            \
    {                                                                           \
        ck_assert_uint_eq(avx_run_sequences(table, COUNT(table), __LINE__), 0); \
    }                                                                           \
    END_TEST

struct avx_case {
    const char *name;
    const TTest *test;
};

/* Exit status 77 where the host cannot be asked. */
static inline int avx_main(const char *name, const struct avx_case *cases, size_t count)
{
    if (!diff_available() || !diff_has_avx())
        return 77;
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < count; i++) {
        TCase *tcase = tcase_create(cases[i].name);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, cases[i].test);
        suite_add_tcase(suite, tcase);
    }
    return diff_end(run_suite(suite));
}

#define AVX_MAIN(name, ...)                                          \
    int main(void)                                                   \
    {                                                                \
        const struct avx_case cases[] = { __VA_ARGS__ };             \
        return avx_main(name, cases, COUNT(cases));                  \
    }

#endif

/* Floating-point AVX and F16C against the host CPU: arithmetic, comparison, rounding, dot
 * products and conversions, with exceptions masked and unmasked; by the host's instructions
 * and by what stands for them. */
#include "lib/differential.h"
#include "lib/float_values.h"
#include "lib/suite.h"

#include <check.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define F(name, text, ...) { .mnemonic = ZYDIS_MNEMONIC_##name, .operands = text, __VA_ARGS__ }
/* xmm, xmm, xmm/m128 and ymm, ymm, ymm/m256 */
#define BOTH(name, ...) F(name, "x x x|m16", __VA_ARGS__), F(name, "v v v|m32", __VA_ARGS__)
#define UNARY(name) F(name, "x x|m16"), F(name, "v v|m32")
#define PACKED(name) BOTH(name##PS), BOTH(name##PD)
#define PACKED_AND_SCALAR(name) PACKED(name), F(name##SS, "x x x|m4"), F(name##SD, "x x x|m8")

static const struct diff_form arithmetic[] = {
    PACKED_AND_SCALAR(VADD), PACKED_AND_SCALAR(VSUB), PACKED_AND_SCALAR(VMUL),
    PACKED_AND_SCALAR(VDIV), PACKED_AND_SCALAR(VMIN), PACKED_AND_SCALAR(VMAX),
    UNARY(VSQRTPS), UNARY(VSQRTPD), F(VSQRTSS, "x x x|m4"), F(VSQRTSD, "x x x|m8"),
    UNARY(VRCPPS), F(VRCPSS, "x x x|m4"), UNARY(VRSQRTPS), F(VRSQRTSS, "x x x|m4"),
    PACKED(VHADD), PACKED(VHSUB), PACKED(VADDSUB), PACKED(VAND), PACKED(VANDN), PACKED(VOR),
    PACKED(VXOR), F(VCOMISS, "x x|m4"), F(VCOMISD, "x x|m8"), F(VUCOMISS, "x x|m4"),
    F(VUCOMISD, "x x|m8"),
};

#define IMM(n) .immediates = n, .sets = n * 32
static const struct diff_form immediates[] = {
    F(VCMPPS, "x x x|m16 i8", IMM(32)), F(VCMPPS, "v v v|m32 i8", IMM(32)),
    F(VCMPPD, "x x x|m16 i8", IMM(32)), F(VCMPPD, "v v v|m32 i8", IMM(32)),
    F(VCMPSS, "x x x|m4 i8", IMM(32)), F(VCMPSD, "x x x|m8 i8", IMM(32)),
    F(VROUNDPS, "x x|m16 i8", IMM(16)), F(VROUNDPS, "v v|m32 i8", IMM(16)),
    F(VROUNDPD, "x x|m16 i8", IMM(16)), F(VROUNDPD, "v v|m32 i8", IMM(16)),
    F(VROUNDSS, "x x x|m4 i8", IMM(16)), F(VROUNDSD, "x x x|m8 i8", IMM(16)),
    F(VDPPS, "x x x|m16 i8", IMM(256)), F(VDPPS, "v v v|m32 i8", IMM(256)),
    F(VDPPD, "x x x|m16 i8", IMM(256)),
};

/* VCVTPS2PH imm8: bit 2 asks for MXCSR's rounding mode; the rest is ignored. */
static const struct diff_form conversions[] = {
    UNARY(VCVTDQ2PS), UNARY(VCVTPS2DQ), UNARY(VCVTTPS2DQ), F(VCVTDQ2PD, "x x|m8"),
    F(VCVTDQ2PD, "v x|m16"), F(VCVTPS2PD, "x x|m8"), F(VCVTPS2PD, "v x|m16"),
    F(VCVTPD2DQ, "x x|m16|v|m32"), F(VCVTTPD2DQ, "x x|m16|v|m32"), F(VCVTPD2PS, "x x|m16|v|m32"),
    F(VCVTSS2SD, "x x x|m4"), F(VCVTSD2SS, "x x x|m8"), F(VCVTSI2SS, "x x r32|r64|m4|m8"),
    F(VCVTSI2SD, "x x r32|r64|m4|m8"), F(VCVTSS2SI, "r32|r64 x|m4"), F(VCVTTSS2SI, "r32|r64 x|m4"),
    F(VCVTSD2SI, "r32|r64 x|m8"), F(VCVTTSD2SI, "r32|r64 x|m8"),
    F(VCVTPH2PS, "x x|m8"), F(VCVTPH2PS, "v x|m16"),
    F(VCVTPS2PH, "x|m8 x i8", IMM(256)), F(VCVTPS2PH, "x|m16 v i8", IMM(256)),
};

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

START_TEST(test_arithmetic) { RUN(arithmetic); }
END_TEST

START_TEST(test_immediates) { RUN(immediates); }
END_TEST

START_TEST(test_conversions) { RUN(conversions); }
END_TEST

/* Scalars ignore VEX.L, with which no encoder writes them. */
static void run_long_scalar(const uint8_t *code, size_t length)
{
    const struct diff_case test = { .name = "VEX.L", .code = code, .length = length };
    struct diff_case unmasked = test;
    unmasked.options = DIFF_UNMASKED;
    for (unsigned portable = 0; portable < 2; portable++) {
        diff_use_portable(portable);
        ck_assert_uint_eq(diff_run_random(&test, 1, 200), 0);
        ck_assert_uint_eq(diff_run_random(&unmasked, 2, 200), 0);
    }
    diff_use_portable(false);
}
#define LONG_SCALAR(...)                             \
    do {                                             \
        static const uint8_t code[] = { __VA_ARGS__ }; \
        run_long_scalar(code, sizeof code);          \
    } while (0)

START_TEST(test_long_scalars)
{
    LONG_SCALAR(0xc5, 0xe6, 0x58, 0xcc);             /* vaddss xmm1, xmm3, xmm4 */
    LONG_SCALAR(0xc5, 0xe7, 0x51, 0x0f);             /* vsqrtsd xmm1, xmm3, [rdi] */
    LONG_SCALAR(0xc5, 0xfc, 0x2f, 0xcc);             /* vcomiss xmm1, xmm4 */
    LONG_SCALAR(0xc5, 0xe7, 0xc2, 0xcc, 0x11);       /* vcmpsd xmm1, xmm3, xmm4, LT_OQ */
    LONG_SCALAR(0xc4, 0xe3, 0x65, 0x0b, 0xcc, 0x04); /* vroundsd xmm1, xmm3, xmm4, 4 */
    LONG_SCALAR(0xc4, 0xe1, 0xe7, 0x2a, 0xc9);       /* vcvtsi2sd xmm1, xmm3, rcx */
    LONG_SCALAR(0xc4, 0xe1, 0xfe, 0x2d, 0x07);       /* vcvtss2si rax, [rdi] */
    LONG_SCALAR(0xc5, 0xe7, 0x5a, 0xcc);             /* vcvtsd2ss xmm1, xmm3, xmm4 */
    LONG_SCALAR(0xc4, 0xe2, 0xe5, 0xb9, 0xcc);       /* vfmadd231sd xmm1, xmm3, xmm4 */
}
END_TEST

int main(void)
{
    if (!diff_available() || !diff_has_avx())
        return 77;
    const struct suite_case cases[] = {
        { "arithmetic", test_arithmetic },
        { "immediates", test_immediates },
        { "conversions", test_conversions },
        { "long scalars", test_long_scalars },
    };
    return diff_end(run_cases("diff_avx_float", cases, COUNT(cases), 0));
}

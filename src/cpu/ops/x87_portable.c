/* The x87 on hosts that have none, by C's long double: round to nearest whatever the control
 * word says, as precise as the host's type is, without the precision and underflow flags. */
#include "cpu/ops/x87_host.h"

#if !RF_X87_NATIVE

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define IE 0x01u
#define DE 0x02u
#define ZE 0x04u
#define OE 0x08u
#define C0 0x0100u
#define C1 0x0200u
#define C2 0x0400u
#define C3 0x4000u

/* --- 80-bit values --- */

static bool is_nan(const union rf_x87_reg *r)
{
    return (r->sign_exponent & 0x7fff) == 0x7fff && r->mantissa << 1;
}

static bool is_signalling(const union rf_x87_reg *r)
{
    return is_nan(r) && !(r->mantissa >> 62 & 1);
}

/* Formats that no operation takes: unnormals, pseudo-infinities, pseudo-NaNs. */
static bool is_unsupported(const union rf_x87_reg *r)
{
    return (r->sign_exponent & 0x7fff) && !(r->mantissa >> 63);
}

static bool is_denormal(const union rf_x87_reg *r)
{
    return !(r->sign_exponent & 0x7fff) && r->mantissa;
}

static long double get(const union rf_x87_reg *r)
{
    int exponent = r->sign_exponent & 0x7fff;
    long double value;
    if (exponent == 0x7fff)
        value = r->mantissa << 1 ? (long double)NAN : (long double)INFINITY;
    else
        value = ldexpl((long double)r->mantissa, (exponent ? exponent : 1) - 16383 - 63);
    return r->sign_exponent >> 15 ? -value : value;
}

static void put(union rf_x87_reg *r, long double value)
{
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    int exponent;
    if (isnan(value)) {
        r->sign_exponent = 0xffff;
        r->mantissa = UINT64_C(0xc000000000000000);
        return;
    }
    if (isinf(value) || value == 0) {
        r->sign_exponent = value == 0 ? sign : sign | 0x7fff;
        r->mantissa = value == 0 ? 0 : UINT64_C(1) << 63;
        return;
    }
    long double fraction = rintl(ldexpl(frexpl(fabsl(value), &exponent), 64));
    exponent += 16382;
    if (fraction >= 0x1p64L) {
        fraction *= 0.5L;
        exponent++;
    }
    r->mantissa = (uint64_t)fraction;
    if (exponent >= 0x7fff) {
        exponent = 0x7fff;
        r->mantissa = UINT64_C(1) << 63;
    } else if (exponent <= 0) {
        r->mantissa = exponent < -63 ? 0 : r->mantissa >> (1 - exponent);
        exponent = 0;
    }
    r->sign_exponent = (uint16_t)(sign | exponent);
}

/* The exceptions of operands; *nan is the result if one of them is a NaN. */
static unsigned operands(const union rf_x87_reg *a, const union rf_x87_reg *b,
                         union rf_x87_reg *nan, bool *has_nan)
{
    unsigned flags = 0;
    *has_nan = is_nan(a) || is_nan(b);
    if (is_unsupported(a) || is_unsupported(b)) {
        *has_nan = true;
        put(nan, (long double)NAN);
        return IE;
    }
    if (*has_nan) {
        bool first = is_nan(a) && (!is_nan(b) || a->mantissa << 2 >= b->mantissa << 2);
        if (is_signalling(a) || is_signalling(b))
            flags = IE;
        *nan = first ? *a : *b;
        nan->mantissa |= UINT64_C(1) << 62;
    } else if (is_denormal(a) || is_denormal(b)) {
        flags = DE;
    }
    return flags;
}

/* The memory operand of an instruction that ends in s or l, integer if it begins with fi. */
static void from_memory(union rf_x87_reg *to, bool integer, const void *m, unsigned size)
{
    if (integer) {
        int16_t i16;
        int32_t i32;
        memcpy(&i16, m, sizeof i16);
        memcpy(&i32, m, size == 2 ? 2 : 4);
        put(to, size == 2 ? i16 : i32);
        return;
    }
    uint64_t bits = 0;
    memcpy(&bits, m, size);
    unsigned fraction = size == 4 ? 23 : 52;
    unsigned bias = size == 4 ? 127 : 1023;
    unsigned exponent = bits >> fraction & (2 * bias + 1);
    if (exponent == 2 * bias + 1) {
        to->sign_exponent = (uint16_t)((bits >> (8 * size - 1)) << 15 | 0x7fff);
        to->mantissa = UINT64_C(1) << 63 | (bits << (63 - fraction) & INT64_MAX);
    } else if (size == 4) {
        float value;
        memcpy(&value, m, sizeof value);
        put(to, value);
    } else {
        double value;
        memcpy(&value, m, sizeof value);
        put(to, value);
    }
}

/* --- arithmetic --- */

static bool begins(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

/* text: "add", "subr", ... */
static uint16_t operate(const char *text, union rf_x87_reg *d, const union rf_x87_reg *s)
{
    union rf_x87_reg nan;
    bool has_nan;
    unsigned flags = operands(d, s, &nan, &has_nan);
    if (has_nan) {
        *d = nan;
        return (uint16_t)flags;
    }
    bool reverse = begins(text, "subr") || begins(text, "divr");
    long double a = reverse ? get(s) : get(d), b = reverse ? get(d) : get(s), result;
    if (begins(text, "add"))
        result = a + b;
    else if (begins(text, "sub"))
        result = a - b;
    else if (begins(text, "mul"))
        result = a * b;
    else
        result = a / b;
    if (isnan(result))
        flags = IE;
    else if (isinf(result) && !isinf(a) && !isinf(b))
        flags |= begins(text, "div") && b == 0 ? ZE : OE;
    put(d, result);
    return (uint16_t)flags;
}

uint16_t rf_x87_portable_binary(const char *text, union rf_x87_reg *d, const union rf_x87_reg *s)
{
    return operate(text + 1, d, s);
}

uint16_t rf_x87_portable_binary_memory(const char *text, union rf_x87_reg *d, const void *m,
                                       unsigned size)
{
    union rf_x87_reg s;
    bool integer = text[1] == 'i';
    from_memory(&s, integer, m, size);
    return operate(text + (integer ? 2 : 1), d, &s);
}

/* --- comparison --- */

uint16_t rf_x87_portable_compare(const char *text, const union rf_x87_reg *a,
                                 const union rf_x87_reg *b)
{
    union rf_x87_reg nan;
    bool has_nan;
    unsigned flags = operands(a, b, &nan, &has_nan);
    if (has_nan)
        return (uint16_t)(C0 | C2 | C3 | (begins(text, "fucom") ? flags : IE));
    long double x = get(a), y = get(b);
    return (uint16_t)(flags | (x > y ? 0 : x < y ? C0 : C3));
}

uint16_t rf_x87_portable_compare_memory(const char *text, const union rf_x87_reg *a, const void *m,
                                        unsigned size)
{
    union rf_x87_reg b;
    from_memory(&b, text[1] == 'i', m, size);
    return rf_x87_portable_compare(text, a, &b);
}

/* --- loads and stores --- */

static uint16_t store_decimal(long double value, uint8_t *m)
{
    value = rintl(value);
    if (isnan(value) || fabsl(value) >= 1e18L) {
        memset(m, 0, 7);
        memset(m + 7, 0xff, 3);
        m[7] = 0xc0;
        return IE;
    }
    uint64_t digits = (uint64_t)fabsl(value);
    for (unsigned i = 0; i < 9; i++, digits /= 100)
        m[i] = (uint8_t)(digits % 10 | digits / 10 % 10 << 4);
    m[9] = signbit(value) ? 0x80 : 0;
    return 0;
}

static uint16_t store_integer(long double value, void *m, unsigned size, bool truncate)
{
    value = truncate ? truncl(value) : rintl(value);
    long double limit = ldexpl(1, (int)(8 * size) - 1);
    bool fits = value >= -limit && value < limit;
    int64_t bits = fits ? (int64_t)value : (int64_t)(UINT64_MAX << (8 * size - 1));
    memcpy(m, &bits, size);
    return fits ? 0 : IE;
}

uint16_t rf_x87_portable_store(const char *text, const union rf_x87_reg *s, void *m, unsigned size)
{
    union rf_x87_reg indefinite;
    unsigned flags = is_signalling(s) || is_unsupported(s) ? IE : 0;
    if (is_unsupported(s)) {
        put(&indefinite, (long double)NAN);
        s = &indefinite;
    }
    long double value = get(s);
    if (begins(text, "fbstp"))
        return store_decimal(value, m);
    if (begins(text, "fist"))
        return store_integer(value, m, size, begins(text, "fistt"));
    if (is_nan(s)) {
        unsigned fraction = size == 4 ? 23 : 52;
        uint64_t bits = (uint64_t)(s->sign_exponent >> 15) << (8 * size - 1) |
                        ((UINT64_C(1) << (size == 4 ? 8 : 11)) - 1) << fraction |
                        (s->mantissa << 1 >> (64 - fraction)) | UINT64_C(1) << (fraction - 1);
        memcpy(m, &bits, size);
        return (uint16_t)flags;
    }
    float f32 = (float)value;
    double f64 = (double)value;
    memcpy(m, size == 4 ? (void *)&f32 : (void *)&f64, size);
    if (!isinf(value) && isinf(size == 4 ? (double)f32 : f64))
        flags |= OE;
    return (uint16_t)flags;
}

void rf_x87_portable_load(const char *text, union rf_x87_reg *d, const void *m)
{
    static const struct {
        const char *text;
        uint16_t sign_exponent;
        uint64_t mantissa;
    } constants[] = { { "fldl2t", 0x4000, UINT64_C(0xd49a784bcd1b8afe) },
                      { "fldl2e", 0x3fff, UINT64_C(0xb8aa3b295c17f0bc) },
                      { "fldpi", 0x4000, UINT64_C(0xc90fdaa22168c235) },
                      { "fldlg2", 0x3ffd, UINT64_C(0x9a209a84fbcff799) },
                      { "fldln2", 0x3ffe, UINT64_C(0xb17217f7d1cf79ac) } };
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        if (!strcmp(text, constants[i].text)) {
            d->sign_exponent = constants[i].sign_exponent;
            d->mantissa = constants[i].mantissa;
            return;
        }
    const uint8_t *decimal = m; /* fbld */
    long double value = 0;
    for (unsigned i = 9; i-- > 0;)
        value = value * 100 + (decimal[i] >> 4) * 10 + (decimal[i] & 15);
    put(d, decimal[9] >> 7 ? -value : value);
}

/* --- the rest --- */

/* FPREM, FPREM1 in one step: low bits of the quotient to C0, C3, C1. */
static unsigned remainder_of(long double a, long double b, bool nearest, long double *result)
{
    long double rest = fmodl(fabsl(a), 8 * fabsl(b));
    unsigned quotient = (unsigned)truncl(rest / fabsl(b));
    rest = fmodl(fabsl(a), fabsl(b));
    if (nearest && (2 * rest > fabsl(b) || (2 * rest == fabsl(b) && quotient & 1))) {
        rest -= fabsl(b);
        quotient++;
    }
    *result = signbit(a) ? -rest : rest;
    return (quotient & 4 ? C0 : 0) | (quotient & 2 ? C3 : 0) | (quotient & 1 ? C1 : 0);
}

static long double scale(long double a, long double b)
{
    if (isinf(b))
        return b > 0 ? a * INFINITY : a * 0;
    return ldexpl(a, b > 40000 ? 40000 : b < -40000 ? -40000 : (int)b);
}

/* Instructions that leave one value. */
static long double compute(const char *text, long double a, long double b, unsigned *flags)
{
    long double result = a;
    if (begins(text, "fprem")) {
        if (!isinf(a) && b != 0)
            *flags |= remainder_of(a, b, begins(text, "fprem1"), &result);
        else
            result = NAN;
    } else if (begins(text, "fsqrt")) {
        result = sqrtl(a);
    } else if (begins(text, "frndint")) {
        result = rintl(a);
    } else if (begins(text, "fscale")) {
        result = scale(a, b);
    } else if (begins(text, "f2xm1")) {
        result = expm1l(a * 0.693147180559945309417232121458176568L);
    } else if (begins(text, "fyl2xp1")) {
        result = b * (log1pl(a) / 0.693147180559945309417232121458176568L);
    } else if (begins(text, "fyl2x")) {
        if (a == 0 && b != 0 && !isinf(b))
            *flags |= ZE;
        result = b * log2l(a);
    } else if (begins(text, "fpatan")) {
        result = atan2l(b, a);
    } else if (begins(text, "fsin")) {
        result = sinl(a);
    } else if (begins(text, "fcos")) {
        result = cosl(a);
    }
    return result;
}

static void pair(const char *text, struct rf_x87_result *result, long double a)
{
    int exponent = 0;
    result->depth = 3;
    if (begins(text, "fxtract")) {
        put(&result->st[0], a == 0 || isinf(a) ? a : 2 * frexpl(a, &exponent));
        put(&result->st[1], a == 0 ? -(long double)INFINITY
                            : isinf(a) ? (long double)INFINITY
                                       : exponent - 1);
        if (a == 0)
            result->sw |= ZE;
    } else if (begins(text, "fptan")) {
        put(&result->st[0], 1);
        put(&result->st[1], tanl(a));
    } else {
        put(&result->st[0], cosl(a));
        put(&result->st[1], sinl(a));
    }
}

void rf_x87_portable_run(const char *text, struct rf_x87_result *result,
                         const union rf_x87_reg *first, const union rf_x87_reg *second)
{
    bool two = begins(text, "fprem") || begins(text, "fscale") || begins(text, "fyl2x") ||
               begins(text, "fpatan");
    bool pops = begins(text, "fyl2x") || begins(text, "fpatan");
    bool pushes = begins(text, "fxtract") || begins(text, "fptan") || begins(text, "fsincos");
    bool circular = begins(text, "fptan") || begins(text, "fsin") || begins(text, "fcos");
    const union rf_x87_reg *other = two ? second : first;
    union rf_x87_reg nan;
    bool has_nan;
    unsigned flags = operands(first, other, &nan, &has_nan);
    *result = (struct rf_x87_result){ .depth = pops ? 1 : pushes ? 3 : 2 };
    result->st[0] = result->st[1] = nan;
    if (!has_nan) {
        long double a = get(first), b = get(other);
        if (circular && !isinf(a) && fabsl(a) >= 0x1p63L) { /* out of range: C2 */
            result->st[0] = *first;
            result->depth = 2;
            flags |= C2;
        } else if (pushes && !(circular && isinf(a))) {
            pair(text, result, a);
        } else {
            long double value = circular && isinf(a) ? (long double)NAN
                                                     : compute(text, a, b, &flags);
            if (isnan(value))
                flags |= IE;
            put(&result->st[0], value);
            put(&result->st[1], value);
        }
    }
    result->sw |= (uint16_t)flags;
}

#endif

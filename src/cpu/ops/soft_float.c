/* Floating point by integers (soft_float.h). */
#include "cpu/ops/soft_float.h"

typedef unsigned __int128 wide;

static uint64_t fraction_mask(struct rf_float_format f)
{
    return (UINT64_C(1) << f.fraction) - 1;
}

static int bias(struct rf_float_format f)
{
    return (1 << (f.exponent - 1)) - 1;
}

static uint64_t sign_bit(struct rf_float_format f)
{
    return UINT64_C(1) << (f.fraction + f.exponent);
}

static uint64_t infinity(struct rf_float_format f)
{
    return ((UINT64_C(1) << f.exponent) - 1) << f.fraction;
}

enum rf_float_class rf_float_class(uint64_t bits, struct rf_float_format f)
{
    const uint64_t magnitude = bits & (sign_bit(f) - 1), fraction = bits & fraction_mask(f);
    if (magnitude > infinity(f))
        return fraction >> (f.fraction - 1) ? RF_FLOAT_QUIET : RF_FLOAT_SIGNALING;
    if (magnitude == infinity(f))
        return RF_FLOAT_INFINITE;
    if (magnitude != fraction)
        return RF_FLOAT_NORMAL;
    return fraction ? RF_FLOAT_DENORMAL : RF_FLOAT_ZERO;
}

struct rf_number rf_float_unpack(uint64_t bits, struct rf_float_format f, bool daz)
{
    uint64_t fraction = bits & fraction_mask(f);
    int exponent = (int)((bits & (sign_bit(f) - 1)) >> f.fraction);
    if (exponent)
        fraction |= UINT64_C(1) << f.fraction;
    else
        exponent = 1;
    if (daz && rf_float_class(bits, f) == RF_FLOAT_DENORMAL)
        fraction = 0;
    return (struct rf_number){ .significand = fraction,
                               .exponent = exponent - bias(f) - f.fraction,
                               .negative = bits & sign_bit(f) };
}

/* Number of the highest bit that is set. */
static int top_bit(wide value)
{
    const uint64_t high = (uint64_t)(value >> 64);
    return high ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll((uint64_t)value);
}

/* value / 2^by, the lowest bit set if bits were lost. */
static wide shift_right_jam(wide value, int by)
{
    if (by > 127)
        return value != 0;
    const wide lost = value & (((wide)1 << by) - 1);
    return value >> by | (lost != 0);
}

struct rf_number rf_number_add(struct rf_number a, struct rf_number b)
{
    if (!a.significand)
        return b;
    if (!b.significand)
        return a;
    if (a.exponent < b.exponent) {
        const struct rf_number swap = a;
        a = b;
        b = swap;
    }
    const int room = 125 - top_bit(a.significand), apart = a.exponent - b.exponent;
    const int by = apart < room ? apart : room;
    a.significand <<= by;
    a.exponent -= by;
    /* Bits of b are lost only where a has 126: what the highest ones are is then certain. */
    b.significand = shift_right_jam(b.significand, a.exponent - b.exponent);
    if (a.negative == b.negative) {
        a.significand += b.significand;
    } else if (a.significand >= b.significand) {
        a.significand -= b.significand;
    } else {
        a.significand = b.significand - a.significand;
        a.negative = b.negative;
    }
    return a;
}

struct rf_number rf_number_multiply(struct rf_number a, struct rf_number b)
{
    return (struct rf_number){ .significand = a.significand * b.significand,
                               .exponent = a.exponent + b.exponent,
                               .negative = a.negative != b.negative };
}

struct rf_number rf_number_divide(struct rf_number a, struct rf_number b)
{
    if (!a.significand)
        return (struct rf_number){ .negative = a.negative != b.negative };
    const int by = 125 - top_bit(a.significand);
    const wide dividend = a.significand << by, quotient = dividend / b.significand;
    return (struct rf_number){ .significand = quotient | (dividend % b.significand != 0),
                               .exponent = a.exponent - by - b.exponent,
                               .negative = a.negative != b.negative };
}

enum rounding { TO_NEAREST, DOWN, UP, TO_ZERO }; /* MXCSR.RC */

static enum rounding rounding_of(uint32_t mxcsr)
{
    return (enum rounding)((mxcsr & RF_MXCSR_RC) >> RF_MXCSR_RC_SHIFT);
}

/* A significand without its lowest bits. */
struct kept {
    uint64_t value;
    bool inexact;
};

static struct kept keep(struct rf_number n, int drop, enum rounding mode)
{
    if (drop <= 0)
        return (struct kept){ .value = (uint64_t)(n.significand << -drop) };
    if (drop > 127) /* less than half of the last place */
        return (struct kept){ .value = mode == (n.negative ? DOWN : UP), .inexact = true };
    const wide lost = n.significand & (((wide)1 << drop) - 1), half = (wide)1 << (drop - 1);
    struct kept kept = { (uint64_t)(n.significand >> drop), lost != 0 };
    if (mode == TO_NEAREST)
        kept.value += lost > half || (lost == half && kept.value & 1);
    else if (mode == (n.negative ? DOWN : UP))
        kept.value += lost != 0;
    return kept;
}

static bool masked(uint32_t flag, uint32_t mxcsr)
{
    return mxcsr & flag << RF_MXCSR_MASKS;
}

static struct rf_rounded overflow(bool negative, bool inexact, struct rf_float_format f,
                                  uint32_t mxcsr)
{
    if (!masked(RF_MXCSR_OE, mxcsr))
        return (struct rf_rounded){ .flags = RF_MXCSR_OE | (inexact ? RF_MXCSR_PE : 0) };
    const enum rounding mode = rounding_of(mxcsr);
    const bool away = mode == TO_NEAREST || mode == (negative ? DOWN : UP);
    return (struct rf_rounded){ infinity(f) - !away, RF_MXCSR_OE | RF_MXCSR_PE };
}

static struct rf_rounded underflow(struct rf_number n, bool inexact, struct rf_float_format f,
                                   uint32_t mxcsr)
{
    if (!masked(RF_MXCSR_UE, mxcsr))
        return (struct rf_rounded){ .flags = RF_MXCSR_UE | (inexact ? RF_MXCSR_PE : 0) };
    if (mxcsr & RF_MXCSR_FTZ)
        return (struct rf_rounded){ .flags = RF_MXCSR_UE | RF_MXCSR_PE };
    const int last_place = 1 - bias(f) - f.fraction;
    const struct kept kept = keep(n, last_place - n.exponent, rounding_of(mxcsr));
    return (struct rf_rounded){ kept.value, kept.inexact ? RF_MXCSR_UE | RF_MXCSR_PE : 0 };
}

struct rf_rounded rf_round(struct rf_number n, struct rf_float_format f, uint32_t mxcsr)
{
    struct rf_rounded r = { 0 };
    if (n.significand) {
        /* Tininess is found after rounding (SDM 1, 4.9.1.5). */
        const int top = top_bit(n.significand);
        const struct kept kept = keep(n, top - f.fraction, rounding_of(mxcsr));
        const int exponent = n.exponent + top + (int)(kept.value >> (f.fraction + 1));
        if (exponent > bias(f)) {
            r = overflow(n.negative, kept.inexact, f, mxcsr);
        } else if (exponent < 1 - bias(f)) {
            r = underflow(n, kept.inexact, f, mxcsr);
        } else {
            r.bits = (uint64_t)(exponent + bias(f)) << f.fraction | (kept.value & fraction_mask(f));
            r.flags = kept.inexact ? RF_MXCSR_PE : 0;
        }
    }
    if (n.negative)
        r.bits |= sign_bit(f);
    return r;
}

/* --- fused multiply-add --- */

static bool is_nan(enum rf_float_class class)
{
    return class >= RF_FLOAT_QUIET;
}

/* An invalid operation is not a denormal one as well, whatever its other operands. */
static struct rf_rounded invalid(struct rf_float_format f)
{
    const uint64_t quiet = UINT64_C(1) << (f.fraction - 1);
    return (struct rf_rounded){ sign_bit(f) | infinity(f) | quiet, RF_MXCSR_IE };
}

/* The first NaN among x, y, z, made quiet (SDM 1, 14.5.2). */
static struct rf_rounded propagate(const struct rf_fused *o, const enum rf_float_class class[3])
{
    const uint64_t quiet = UINT64_C(1) << (o->format.fraction - 1);
    const bool signaling = class[0] == RF_FLOAT_SIGNALING || class[1] == RF_FLOAT_SIGNALING ||
                           class[2] == RF_FLOAT_SIGNALING;
    const uint64_t first = is_nan(class[0]) ? o->x : is_nan(class[1]) ? o->y : o->z;
    return (struct rf_rounded){ first | quiet, signaling ? RF_MXCSR_IE : 0 };
}

/* An infinity among factors or addend, no NaN. */
static struct rf_rounded fuse_infinite(const struct rf_fused *o, const enum rf_float_class class[3],
                                       bool product_negative, bool addend_negative, uint32_t flags)
{
    const bool x = class[0] == RF_FLOAT_INFINITE, y = class[1] == RF_FLOAT_INFINITE;
    if ((x && class[1] == RF_FLOAT_ZERO) || (y && class[0] == RF_FLOAT_ZERO))
        return invalid(o->format);
    if ((x || y) && class[2] == RF_FLOAT_INFINITE && product_negative != addend_negative)
        return invalid(o->format);
    const bool negative = x || y ? product_negative : addend_negative;
    return (struct rf_rounded){ infinity(o->format) | (negative ? sign_bit(o->format) : 0), flags };
}

struct rf_rounded rf_fuse(const struct rf_fused *o, uint32_t mxcsr)
{
    const struct rf_float_format f = o->format;
    const bool daz = mxcsr & RF_MXCSR_DAZ;
    const uint64_t operand[3] = { o->x, o->y, o->z };
    enum rf_float_class class[3];
    uint32_t flags = 0;
    for (unsigned i = 0; i < 3; i++) {
        class[i] = rf_float_class(operand[i], f);
        if (class[i] == RF_FLOAT_DENORMAL && daz)
            class[i] = RF_FLOAT_ZERO;
        if (class[i] == RF_FLOAT_DENORMAL)
            flags = RF_MXCSR_DE;
    }
    if (is_nan(class[0]) || is_nan(class[1]) || is_nan(class[2]))
        return propagate(o, class);
    struct rf_number product = rf_number_multiply(rf_float_unpack(o->x, f, daz),
                                                  rf_float_unpack(o->y, f, daz));
    struct rf_number addend = rf_float_unpack(o->z, f, daz);
    product.negative ^= o->negate_product;
    addend.negative ^= o->negate_addend;
    for (unsigned i = 0; i < 3; i++)
        if (class[i] == RF_FLOAT_INFINITE)
            return fuse_infinite(o, class, product.negative, addend.negative, flags);
    struct rf_number sum = rf_number_add(product, addend);
    if (!sum.significand) /* zeros of one sign keep it (SDM 1, 4.8.3.1) */
        sum.negative = product.negative == addend.negative && !product.significand
                           ? product.negative
                           : rounding_of(mxcsr) == DOWN;
    struct rf_rounded r = rf_round(sum, f, mxcsr);
    r.flags |= flags;
    return r;
}

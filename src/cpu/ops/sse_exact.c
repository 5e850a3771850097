/* Flags of vector operations from their exact results (rf_exact_flags of ops/sse.h): lane by
 * lane, by integers. */
#include "cpu/ops/soft_float.h"
#include "cpu/ops/sse.h"

#define RESULT_FLAGS (RF_MXCSR_OE | RF_MXCSR_UE | RF_MXCSR_PE)

static bool is_double(const struct rf_exact *e)
{
    return e->raises & RF_DOUBLE;
}

static uint64_t lane(const union rf_vec *v, unsigned i, bool dual)
{
    return dual ? v->u64[i] : v->u32[i];
}

static bool is_finite(uint64_t bits, struct rf_float_format format)
{
    return rf_float_class(bits, format) < RF_FLOAT_INFINITE;
}

/* One lane of x operation y; what is not finite raises none of these flags. */
static uint32_t binary(const struct rf_exact *e, unsigned kind, uint64_t x, uint64_t y)
{
    const struct rf_float_format format = is_double(e) ? RF_FORMAT_DOUBLE : RF_FORMAT_SINGLE;
    if (!is_finite(x, format) || !is_finite(y, format))
        return 0;
    const struct rf_number a = rf_float_unpack(x, format, e->mxcsr & RF_MXCSR_DAZ);
    struct rf_number b = rf_float_unpack(y, format, e->mxcsr & RF_MXCSR_DAZ);
    struct rf_number result;
    switch (kind) {
    case RF_RAISES_MUL:
        result = rf_number_multiply(a, b);
        break;
    case RF_RAISES_DIV:
        if (!b.significand)
            return 0;
        result = rf_number_divide(a, b);
        break;
    default:
        b.negative ^= kind == RF_RAISES_SUB;
        result = rf_number_add(a, b);
        break;
    }
    return rf_round(result, format, e->mxcsr).flags;
}

static uint32_t narrow(const struct rf_exact *e, uint64_t x, struct rf_float_format from,
                       struct rf_float_format to, uint32_t mxcsr)
{
    if (!is_finite(x, from))
        return 0;
    return rf_round(rf_float_unpack(x, from, e->mxcsr & RF_MXCSR_DAZ), to, mxcsr).flags;
}

/* VCVTPS2PH: imm8 may say the rounding mode, and FTZ does not count (SDM 2, VCVTPS2PH). */
static uint32_t to_half(const struct rf_exact *e, uint64_t x)
{
    uint32_t mxcsr = e->mxcsr & ~RF_MXCSR_FTZ;
    if (!(e->imm & 4))
        mxcsr = (mxcsr & ~RF_MXCSR_RC) | (uint32_t)(e->imm & 3) << RF_MXCSR_RC_SHIFT;
    return narrow(e, x, RF_FORMAT_SINGLE, RF_FORMAT_HALF, mxcsr);
}

static uint32_t fused(const struct rf_exact *e, unsigned i)
{
    const struct rf_fused f = rf_fma_lane(e->raises, e->first, e->second, e->third, i);
    const uint64_t operand[3] = { f.x, f.y, f.z };
    for (unsigned k = 0; k < 3; k++)
        if (!is_finite(operand[k], f.format))
            return 0;
    return rf_fuse(&f, e->mxcsr).flags & RESULT_FLAGS;
}

struct rf_fused rf_fma_lane(uint16_t raises, const union rf_vec *first, const union rf_vec *second,
                            const union rf_vec *third, unsigned i)
{
    const bool dual = raises & RF_DOUBLE;
    const uint64_t a = lane(first, i, dual), b = lane(second, i, dual), c = lane(third, i, dual);
    return (struct rf_fused){
        .x = raises & (RF_FMA_213 | RF_FMA_231) ? b : a,
        .y = raises & RF_FMA_213 ? a : c,
        .z = raises & RF_FMA_213 ? c : raises & RF_FMA_231 ? a : b,
        .negate_product = raises & RF_FMA_NEGATE_PRODUCT,
        .negate_addend = raises & (i & 1 ? RF_FMA_NEGATE_ODD : RF_FMA_NEGATE_EVEN),
        .format = dual ? RF_FORMAT_DOUBLE : RF_FORMAT_SINGLE,
    };
}

/* HADD and HSUB in each half: the pairs of the first operand, then those of the second. */
static uint32_t horizontal(const struct rf_exact *e, unsigned kind, unsigned i)
{
    const bool dual = is_double(e);
    const unsigned half = dual ? 2 : 4, within = i % half, pairs = half / 2;
    const union rf_vec *from = within < pairs ? e->first : e->second;
    const unsigned at = i - within + within % pairs * 2;
    return binary(e, kind, lane(from, at, dual), lane(from, at + 1, dual));
}

static uint32_t one_lane(const struct rf_exact *e, unsigned i)
{
    const unsigned kind = e->raises & RF_RAISES_KIND;
    const bool dual = is_double(e);
    switch (kind) {
    case RF_RAISES_TO_SINGLE:
        return narrow(e, e->second->u64[i], RF_FORMAT_DOUBLE, RF_FORMAT_SINGLE, e->mxcsr);
    case RF_RAISES_TO_HALF:
        return to_half(e, e->second->u32[i]);
    case RF_RAISES_FMA:
        return fused(e, i);
    case RF_RAISES_HADD:
        return horizontal(e, RF_RAISES_ADD, i);
    case RF_RAISES_HSUB:
        return horizontal(e, RF_RAISES_SUB, i);
    case RF_RAISES_ADDSUB:
        return binary(e, i & 1 ? RF_RAISES_ADD : RF_RAISES_SUB, lane(e->first, i, dual),
                      lane(e->second, i, dual));
    default:
        return binary(e, kind, lane(e->first, i, dual), lane(e->second, i, dual));
    }
}

uint32_t rf_exact_flags(const struct rf_exact *e)
{
    const bool wide_lanes = is_double(e) || (e->raises & RF_RAISES_KIND) == RF_RAISES_TO_SINGLE;
    unsigned lanes = e->raises & RF_SCALAR ? 1 : wide_lanes ? 2 : 4;
    if (e->wide && !(e->raises & RF_SCALAR))
        lanes *= 2;
    uint32_t flags = 0;
    for (unsigned i = 0; i < lanes; i++)
        flags |= one_lane(e, i);
    return flags;
}

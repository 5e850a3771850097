/* Fused multiply-add: d = +-(x * y) +- z with one rounding (SDM 1, 14.5). */
#include "cpu/engine.h"
#include "cpu/ops/avx_fp.h"

/* --- "name d, f, s" of 128 bits or scalar, and of 256: d is the first operand too --- */

#if RF_AVX_NATIVE

/* Of 128 bits too into a whole register, whose upper half the instruction clears. */
#define FIRST_x _mm256_castsi128_si256(rf_xmm(cpu, op->a))
#define FIRST_y rf_ymm(cpu, op->a)
#define FUSE_x(text) __asm__ volatile(text " %2, %1, %x0" : "+x"(r) : "x"(f), "x"(s))
#define FUSE_y(text) __asm__ volatile(text " %2, %1, %0" : "+x"(r) : "x"(f), "x"(s))

#define FMA_HANDLERS(name, width, text, type, get, size)     \
    static RF_OP(name##_##width##_reg)                       \
    {                                                        \
        const type f = get(cpu, op->b), s = get(cpu, op->c); \
        rf_m256 r = FIRST_##width;                           \
        FUSE_##width(text);                                  \
        rf_ymm_set(cpu, op->a, r);                           \
        RF_NEXT;                                             \
    }                                                        \
    RF_MEM_HANDLER(name##_##width##_mem)                     \
    {                                                        \
        RF_AVX_LOAD_##size(s);                               \
        const type f = get(cpu, op->b);                      \
        rf_m256 r = FIRST_##width;                           \
        FUSE_##width(text);                                  \
        rf_ymm_set(cpu, op->a, r);                           \
        RF_MEM_NEXT;                                         \
    }
#define FMA_X(name, text, size, raises) FMA_HANDLERS(name, x, text, rf_m128, rf_xmm, size)
#define FMA_Y(name, text, raises) FMA_HANDLERS(name, y, text, rf_m256, rf_ymm, 32)

#else

/* Slots of the three operands; the result replaces the first. */
static RF_NOINLINE void fuse(struct rf_cpu *cpu, unsigned first, unsigned second, unsigned third,
                             unsigned raises, bool wide)
{
    const bool dual = raises & RF_DOUBLE;
    const unsigned lanes = raises & RF_SCALAR ? 1 : (dual ? 2u : 4u) << wide;
    const uint32_t mxcsr = simde_mm_getcsr() | RF_MXCSR_ALL_MASKED;
    union rf_vec *d = &RF_V(first);
    uint32_t flags = 0;
    const union rf_vec a = *d, b = RF_V(second), c = RF_V(third);
    for (unsigned i = 0; i < lanes; i++) {
        const struct rf_fused lane = rf_fma_lane((uint16_t)raises, &a, &b, &c, i);
        const struct rf_rounded result = rf_fuse(&lane, mxcsr);
        if (dual)
            d->u64[i] = result.bits;
        else
            d->u32[i] = (uint32_t)result.bits;
        flags |= result.flags;
    }
    if (!wide)
        d->u64[2] = d->u64[3] = 0;
    simde_mm_setcsr(simde_mm_getcsr() | flags);
}

#define FMA_HANDLERS(name, size, set, raises, wide)                         \
    static RF_OP(name##_reg)                                                \
    {                                                                       \
        fuse(cpu, op->a, op->b, op->c, raises, wide);                       \
        RF_NEXT;                                                            \
    }                                                                       \
    RF_MEM_HANDLER(name##_mem)                                              \
    {                                                                       \
        RF_AVX_LOAD_##size(s);                                              \
        set(cpu, RF_VEC_SLOT(RF_VEC_SCRATCH), s);                           \
        fuse(cpu, op->a, op->b, RF_VEC_SLOT(RF_VEC_SCRATCH), raises, wide); \
        RF_MEM_NEXT;                                                        \
    }
#define FMA_X(name, text, size, raises) FMA_HANDLERS(name##_x, size, rf_xmm_set, raises, false)
#define FMA_Y(name, text, raises) FMA_HANDLERS(name##_y, 32, rf_ymm_set, raises, true)

#endif

#define FMA_PACKED(name, text, how)              \
    FMA_X(name, text, 16, RF_RAISES_FMA | (how)) \
    FMA_Y(name, text, RF_RAISES_FMA | (how))     \
    RF_AVX_LOWER(name, RF_AVX_PACKED_FORM(name, RF_RAISES_FMA | (how)))
#define FMA_SCALAR(name, text, size, how)                      \
    FMA_X(name, text, size, RF_RAISES_FMA | RF_SCALAR | (how)) \
    RF_AVX_LOWER(name, RF_AVX_SCALAR_FORM(name, size, RF_RAISES_FMA | RF_SCALAR | (how)))

/* X(name, instruction, what is negated): each in three orders of operands. */
#define FMA_SIGNS(X)                                            \
    X(VFMADD, "vfmadd", 0)                                      \
    X(VFMSUB, "vfmsub", RF_FMA_NEGATE_EVEN | RF_FMA_NEGATE_ODD) \
    X(VFNMADD, "vfnmadd", RF_FMA_NEGATE_PRODUCT)                \
    X(VFNMSUB, "vfnmsub", RF_FMA_NEGATE_PRODUCT | RF_FMA_NEGATE_EVEN | RF_FMA_NEGATE_ODD)
/* Of packed operands only. */
#define FMA_MIXED_SIGNS(X)                        \
    X(VFMADDSUB, "vfmaddsub", RF_FMA_NEGATE_EVEN) \
    X(VFMSUBADD, "vfmsubadd", RF_FMA_NEGATE_ODD)

#define PACKED_ORDER(name, text, how)    \
    FMA_PACKED(name##PS, text "ps", how) \
    FMA_PACKED(name##PD, text "pd", (how) | RF_DOUBLE)
#define SCALAR_ORDER(name, text, how)       \
    FMA_SCALAR(name##SS, text "ss", 4, how) \
    FMA_SCALAR(name##SD, text "sd", 8, (how) | RF_DOUBLE)
#define PACKED(name, text, how)                             \
    PACKED_ORDER(name##132, text "132", how)                \
    PACKED_ORDER(name##213, text "213", (how) | RF_FMA_213) \
    PACKED_ORDER(name##231, text "231", (how) | RF_FMA_231)
#define SCALAR(name, text, how)                             \
    SCALAR_ORDER(name##132, text "132", how)                \
    SCALAR_ORDER(name##213, text "213", (how) | RF_FMA_213) \
    SCALAR_ORDER(name##231, text "231", (how) | RF_FMA_231)
FMA_SIGNS(PACKED)
FMA_MIXED_SIGNS(PACKED)
FMA_SIGNS(SCALAR)

#define PACKED_ENTRIES(name, text, how)                 \
    RF_AVX_ENTRY(name##132PS) RF_AVX_ENTRY(name##132PD) \
    RF_AVX_ENTRY(name##213PS) RF_AVX_ENTRY(name##213PD) \
    RF_AVX_ENTRY(name##231PS) RF_AVX_ENTRY(name##231PD)
#define SCALAR_ENTRIES(name, text, how)                 \
    RF_AVX_ENTRY(name##132SS) RF_AVX_ENTRY(name##132SD) \
    RF_AVX_ENTRY(name##213SS) RF_AVX_ENTRY(name##213SD) \
    RF_AVX_ENTRY(name##231SS) RF_AVX_ENTRY(name##231SD)

static const struct rf_lower_entry entries[] = {
    FMA_SIGNS(PACKED_ENTRIES)
    FMA_MIXED_SIGNS(PACKED_ENTRIES)
    FMA_SIGNS(SCALAR_ENTRIES)
};

const struct rf_lower_table RF_AVX_TABLE(fma) = RF_LOWER_TABLE(entries);

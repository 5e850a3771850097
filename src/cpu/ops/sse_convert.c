/* Conversions between integers, single and double precision, in XMM, general and MMX
 * registers. Each is the very instruction, so that the rounding mode and the flags of the
 * guest's MXCSR apply. */
#include "cpu/ops/float_list.h"

#if RF_HOST_X86
#define FROM_INTEGER(text, fallback) __asm__ volatile(text " %1, %0" : "+x"(d) : "r"(s))
#define TO_INTEGER(text, fallback) __asm__ volatile(text " %1, %0" : "=r"(d) : "x"(s))
#else
#define FROM_INTEGER(text, fallback) (d = (fallback))
#define TO_INTEGER(text, fallback) (d = (fallback))
#endif

/* --- XMM to XMM --- */

#define DEFINE_VECTOR(name, text, size, raising, fallback)                      \
    RF_SSE_XM(name, size, RF_VEC_ASM(text, fallback))                           \
    RF_SSE_LOWER(name, .reg = name##_reg, .mem = name##_mem, .raises = raising, \
                 .mem_bytes = size)
RF_CONVERT_VECTOR(DEFINE_VECTOR)
RF_CONVERT_SCALAR(DEFINE_VECTOR)

/* --- general register to XMM --- */

#define INTEGER_TO_SCALAR(name, bits, raising, statement)                          \
    static RF_OP(name##_##bits##_reg)                                              \
    {                                                                              \
        rf_m128 d = rf_xmm(cpu, op->a);                                            \
        int##bits##_t s = RF_AT(int##bits##_t, op->b);                             \
        statement;                                                                 \
        rf_xmm_set(cpu, op->a, d);                                                 \
        RF_NEXT;                                                                   \
    }                                                                              \
    RF_MEM_HANDLER(name##_##bits##_mem)                                            \
    {                                                                              \
        RF_LOAD(int##bits##_t, s, rf_ea(cpu, op));                                 \
        rf_m128 d = rf_xmm(cpu, op->a);                                            \
        statement;                                                                 \
        rf_xmm_set(cpu, op->a, d);                                                 \
        RF_MEM_NEXT;                                                               \
    }                                                                              \
    static const struct rf_sse_form name##_##bits##_form = {                       \
        .reg = name##_##bits##_reg, .mem = name##_##bits##_mem, .raises = raising, \
        .mem_bytes = bits / 8, .integer = true };

INTEGER_TO_SCALAR(cvtsi2ss, 32, RF_RAISES,
                  FROM_INTEGER("cvtsi2ssl", RF_FROM_PS(simde_mm_cvtsi32_ss(RF_PS(d), s))))
INTEGER_TO_SCALAR(cvtsi2ss, 64, RF_RAISES,
                  FROM_INTEGER("cvtsi2ssq", RF_FROM_PS(simde_mm_cvtsi64_ss(RF_PS(d), s))))
INTEGER_TO_SCALAR(cvtsi2sd, 32, RF_RAISES_NOTHING,
                  FROM_INTEGER("cvtsi2sdl", RF_FROM_PD(simde_mm_cvtsi32_sd(RF_PD(d), s))))
INTEGER_TO_SCALAR(cvtsi2sd, 64, RF_RAISES,
                  FROM_INTEGER("cvtsi2sdq", RF_FROM_PD(simde_mm_cvtsi64_sd(RF_PD(d), s))))

static bool lower_CVTSI2SS(struct rf_lower *l)
{
    return rf_sse_lower(l, l->operand[1].size == 64 ? &cvtsi2ss_64_form : &cvtsi2ss_32_form);
}

static bool lower_CVTSI2SD(struct rf_lower *l)
{
    return rf_sse_lower(l, l->operand[1].size == 64 ? &cvtsi2sd_64_form : &cvtsi2sd_32_form);
}

/* --- XMM to general register, the VEX-encoded ones too --- */

#define SCALAR_TO_INTEGER(name, bits, size, statement)                               \
    static RF_OP(name##_##bits##_reg)                                                \
    {                                                                                \
        rf_m128 s = rf_xmm(cpu, op->b);                                              \
        int##bits##_t d;                                                             \
        statement;                                                                   \
        RF_R64(op->a) = (uint##bits##_t)d;                                           \
        RF_NEXT;                                                                     \
    }                                                                                \
    RF_MEM_HANDLER(name##_##bits##_mem)                                              \
    {                                                                                \
        RF_SSE_LOAD_##size(s);                                                       \
        int##bits##_t d;                                                             \
        statement;                                                                   \
        RF_R64(op->a) = (uint##bits##_t)d;                                           \
        RF_MEM_NEXT;                                                                 \
    }                                                                                \
    static const struct rf_sse_form name##_##bits##_form = {                         \
        .reg = name##_##bits##_reg, .mem = name##_##bits##_mem, .raises = RF_RAISES, \
        .destination = RF_SSE_TO_GPR, .mem_bytes = size };

#define TO_INTEGER_PAIR(upper, lower, bytes, fallback_32, fallback_64)       \
    SCALAR_TO_INTEGER(lower, 32, bytes, TO_INTEGER(#lower, fallback_32))     \
    SCALAR_TO_INTEGER(lower, 64, bytes, TO_INTEGER(#lower, fallback_64))     \
    static bool lower_##upper(struct rf_lower *l)                            \
    {                                                                        \
        return rf_sse_lower(l, l->operand[0].size == 64 ? &lower##_64_form   \
                                                        : &lower##_32_form); \
    }
TO_INTEGER_PAIR(CVTSS2SI, cvtss2si, 4, simde_mm_cvtss_si32(RF_PS(s)), simde_mm_cvtss_si64(RF_PS(s)))
TO_INTEGER_PAIR(CVTTSS2SI, cvttss2si, 4, simde_mm_cvttss_si32(RF_PS(s)),
                simde_mm_cvttss_si64(RF_PS(s)))
TO_INTEGER_PAIR(CVTSD2SI, cvtsd2si, 8, simde_mm_cvtsd_si32(RF_PD(s)), simde_mm_cvtsd_si64(RF_PD(s)))
TO_INTEGER_PAIR(CVTTSD2SI, cvttsd2si, 8, simde_mm_cvttsd_si32(RF_PD(s)),
                simde_mm_cvttsd_si64(RF_PD(s)))

/* --- MMX register to XMM: by the conversions above, whose upper lanes are zero and raise
 * nothing --- */

RF_INLINE rf_m128 pi2ps(rf_m128 d, rf_m128 s)
{
    rf_m128 old = d;
    RF_VEC_ASM("cvtdq2ps", RF_FROM_PS(simde_mm_cvtepi32_ps(s)));
    return RF_FROM_PD(simde_mm_move_sd(RF_PD(old), RF_PD(d)));
}

RF_INLINE rf_m128 pi2pd(rf_m128 d, rf_m128 s)
{
    RF_VEC_ASM("cvtdq2pd", RF_FROM_PD(simde_mm_cvtepi32_pd(s)));
    return d;
}

#define FROM_MMX(name, raising, function)                                         \
    static RF_OP(name##_reg)                                                      \
    {                                                                             \
        RF_MMX_CHECK;                                                             \
        rf_mmx_enter(cpu);                                                        \
        rf_m128 s = rf_mm(cpu, op->b);                                            \
        rf_xmm_set(cpu, op->a, function(rf_xmm(cpu, op->a), s));                  \
        RF_NEXT;                                                                  \
    }                                                                             \
    static RF_OP(name##_scratch)                                                  \
    {                                                                             \
        rf_m128 s = rf_xmm(cpu, op->b);                                           \
        rf_xmm_set(cpu, op->a, function(rf_xmm(cpu, op->a), s));                  \
        RF_NEXT;                                                                  \
    }                                                                             \
    RF_MEM_HANDLER(name##_mem) /* no MMX register: the x87 state is left alone */ \
    {                                                                             \
        RF_SSE_LOAD_8(s);                                                         \
        rf_xmm_set(cpu, op->a, function(rf_xmm(cpu, op->a), s));                  \
        RF_MEM_NEXT;                                                              \
    }                                                                             \
    RF_SSE_LOWER(name, .reg = name##_reg, .mem = name##_mem, .raises = raising,   \
                 .mem_bytes = 8, .scratch = name##_scratch)
FROM_MMX(CVTPI2PS, RF_RAISES, pi2ps)
FROM_MMX(CVTPI2PD, RF_RAISES_NOTHING, pi2pd)

/* --- XMM to MMX register --- */

#define TO_MMX(name, text, size, lanes, fallback)                                         \
    RF_INLINE uint64_t name##_convert(rf_m128 s)                                          \
    {                                                                                     \
        rf_m128 d = s;                                                                    \
        lanes;                                                                            \
        RF_VEC_ASM(text, fallback);                                                       \
        return rf_m128_u64(d);                                                            \
    }                                                                                     \
    static RF_OP(name##_reg)                                                              \
    {                                                                                     \
        RF_MMX_CHECK;                                                                     \
        rf_mmx_enter(cpu);                                                                \
        rf_mmx_set(cpu, op->a, name##_convert(rf_xmm(cpu, op->b)));                       \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(name##_mem)                                                            \
    {                                                                                     \
        RF_MMX_CHECK;                                                                     \
        RF_SSE_LOAD_##size(s);                                                            \
        rf_mmx_enter(cpu);                                                                \
        rf_mmx_set(cpu, op->a, name##_convert(s));                                        \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_SSE_LOWER(name, .mmx_reg = name##_reg, .mmx_mem = name##_mem, .raises = RF_RAISES, \
                 .destination = RF_SSE_TO_MMX, .mem_bytes = size)
/* Only two lanes of a single-precision source count: the others must raise nothing. */
#define LOW_LANES s = rf_m128_low(rf_m128_u64(s))
TO_MMX(CVTPS2PI, "cvtps2dq", 8, LOW_LANES, simde_mm_cvtps_epi32(RF_PS(s)))
TO_MMX(CVTTPS2PI, "cvttps2dq", 8, LOW_LANES, simde_mm_cvttps_epi32(RF_PS(s)))
TO_MMX(CVTPD2PI, "cvtpd2dq", 16, , simde_mm_cvtpd_epi32(RF_PD(s)))
TO_MMX(CVTTPD2PI, "cvttpd2dq", 16, , simde_mm_cvttpd_epi32(RF_PD(s)))

#define VECTOR_ENTRY(name, text, size, raising, fallback) RF_SSE_ENTRY(name)

static const struct rf_lower_entry entries[] = {
    RF_CONVERT_VECTOR(VECTOR_ENTRY)
    RF_CONVERT_SCALAR(VECTOR_ENTRY)
    RF_SSE_ENTRY(CVTSI2SS)
    RF_SSE_ENTRY(CVTSI2SD)
    RF_SSE_ENTRY(CVTSS2SI)
    { ZYDIS_MNEMONIC_VCVTSS2SI, lower_CVTSS2SI },
    RF_SSE_ENTRY(CVTTSS2SI)
    { ZYDIS_MNEMONIC_VCVTTSS2SI, lower_CVTTSS2SI },
    RF_SSE_ENTRY(CVTSD2SI)
    { ZYDIS_MNEMONIC_VCVTSD2SI, lower_CVTSD2SI },
    RF_SSE_ENTRY(CVTTSD2SI)
    { ZYDIS_MNEMONIC_VCVTTSD2SI, lower_CVTTSD2SI },
    RF_SSE_ENTRY(CVTPI2PS)
    RF_SSE_ENTRY(CVTPI2PD)
    RF_SSE_ENTRY(CVTPS2PI)
    RF_SSE_ENTRY(CVTTPS2PI)
    RF_SSE_ENTRY(CVTPD2PI)
    RF_SSE_ENTRY(CVTTPD2PI)
};

const struct rf_lower_table rf_lower_sse_convert = RF_LOWER_TABLE(entries);

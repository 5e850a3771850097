/* Conversions, AVX and F16C: between integers, half, single and double precision. (Those to
 * general registers are entries of sse_convert.c: there is no upper half to clear.) */
#include "cpu/ops/avx_fp.h"
#include "cpu/block.h"
#include "cpu/engine.h"

/* --- packed: the 128-bit forms by the list that legacy SSE has too --- */

#if RF_AVX_NATIVE
#define UNARY(text, fallback) RF_VEX_ASM_UNARY(text)
#else
#define UNARY(text, fallback) RF_VEC_ASM(text, fallback)
#endif

#define DEFINE(name, text, size, raising, fallback)   \
    RF_AVX_LANEWISE(V##name, UNARY(text, fallback))   \
    RF_AVX_X(V##name, size, d = V##name##_lane(d, s)) \
    enum { name##_raises = raising };
RF_CONVERT_VECTOR(DEFINE)
#undef DEFINE

/* name_y_reg and name_y_mem of a unary instruction: statements make d from s. */
#define CONVERT_Y(name, to, set, from, get, size, ...) \
    static RF_OP(name##_y_reg)                         \
    {                                                  \
        const from s = get(cpu, op->c);                \
        to d;                                          \
        __VA_ARGS__;                                   \
        set(cpu, op->a, d);                            \
        RF_NEXT;                                       \
    }                                                  \
    RF_MEM_HANDLER(name##_y_mem)                       \
    {                                                  \
        RF_AVX_LOAD_##size(s);                         \
        to d;                                          \
        __VA_ARGS__;                                   \
        set(cpu, op->a, d);                            \
        RF_MEM_NEXT;                                   \
    }
#define SAME_Y(name, ...) CONVERT_Y(name, rf_m256, rf_ymm_set, rf_m256, rf_ymm, 32, __VA_ARGS__)
#define WIDEN_Y(name, ...) CONVERT_Y(name, rf_m256, rf_ymm_set, rf_m128, rf_xmm, 16, __VA_ARGS__)
#define NARROW_Y(name, ...) \
    CONVERT_Y(name, rf_m128, rf_xmm_set_zero, rf_m256, rf_ymm, 32, __VA_ARGS__)

#if RF_AVX_NATIVE
#define SAME(name, text) SAME_Y(name, RF_VEX_ASM_UNARY(text))
#define WIDEN(name, text) WIDEN_Y(name, RF_VEX_ASM_UNARY(text))
#define NARROW(name, text) NARROW_Y(name, RF_VEX_ASM_UNARY(text))
#else
/* The statement of 128 bits on both halves of what is the wider side. */
#define ONE(name, x) name##_lane(x, x)
#define SAME(name, text) \
    SAME_Y(name, d = RF_LANES(ONE(name, RF_HIGH_LANE(s)), ONE(name, RF_LOW_LANE(s))))
#define WIDEN(name, text) \
    WIDEN_Y(name, d = RF_LANES(ONE(name, simde_mm_unpackhi_epi64(s, s)), ONE(name, s)))
#define NARROW(name, text)                                                \
    NARROW_Y(name, d = simde_mm_unpacklo_epi64(ONE(name, RF_LOW_LANE(s)), \
                                               ONE(name, RF_HIGH_LANE(s))))
#endif

#define CONVERT(shape, name, text, size, size_y)                                       \
    shape(V##name, text)                                                               \
    RF_AVX_LOWER(V##name, .reg = { V##name##_x_reg, V##name##_y_reg },                 \
                 .mem = { V##name##_x_mem, V##name##_y_mem }, .raises = name##_raises, \
                 .mem_bytes = { size, size_y })
CONVERT(SAME, CVTDQ2PS, "cvtdq2ps", 16, 32)
CONVERT(SAME, CVTPS2DQ, "cvtps2dq", 16, 32)
CONVERT(SAME, CVTTPS2DQ, "cvttps2dq", 16, 32)
CONVERT(WIDEN, CVTDQ2PD, "cvtdq2pd", 8, 16)
CONVERT(WIDEN, CVTPS2PD, "cvtps2pd", 8, 16)
CONVERT(NARROW, CVTPD2DQ, "cvtpd2dq", 16, 32)
CONVERT(NARROW, CVTTPD2DQ, "cvttpd2dq", 16, 32)
CONVERT(NARROW, CVTPD2PS, "cvtpd2ps", 16, 32)

/* --- scalars --- */

#define DEFINE(name, text, size, raising, fallback)                        \
    RF_AVX_SCALAR(V##name, size, RF_VEX(text), RF_VEC_ASM(text, fallback)) \
    RF_AVX_LOWER(V##name, RF_AVX_SCALAR_FORM(V##name, size, raising))
RF_CONVERT_SCALAR(DEFINE)
#undef DEFINE

#if RF_AVX_NATIVE
#define FROM_INTEGER(text, fallback) \
    __asm__ volatile("v" text " %2, %1, %0" : "=x"(d) : "x"(d), "r"(s))
#elif RF_HOST_X86
#define FROM_INTEGER(text, fallback) __asm__ volatile(text " %1, %0" : "+x"(d) : "r"(s))
#else
#define FROM_INTEGER(text, fallback) (d = (fallback))
#endif

/* A scalar's form, for either value of VEX.L. */
#define EITHER(name, size, ...)                                             \
    { .reg = { name##_reg, name##_reg }, .mem = { name##_mem, name##_mem }, \
      .mem_bytes = { size, size }, __VA_ARGS__ }

#define FROM_GPR(name, bits, raising, statement)           \
    static RF_OP(name##_##bits##_reg)                      \
    {                                                      \
        rf_m128 d = rf_xmm(cpu, op->b);                    \
        int##bits##_t s = RF_AT(int##bits##_t, op->c);     \
        statement;                                         \
        rf_xmm_set_zero(cpu, op->a, d);                    \
        RF_NEXT;                                           \
    }                                                      \
    RF_MEM_HANDLER(name##_##bits##_mem)                    \
    {                                                      \
        RF_LOAD(int##bits##_t, s, rf_ea(cpu, op));         \
        rf_m128 d = rf_xmm(cpu, op->b);                    \
        statement;                                         \
        rf_xmm_set_zero(cpu, op->a, d);                    \
        RF_MEM_NEXT;                                       \
    }                                                      \
    static const struct rf_avx_form name##_##bits##_form = \
        EITHER(name##_##bits, bits / 8, .raises = raising, .integer = true);

FROM_GPR(vcvtsi2ss, 32, RF_RAISES,
         FROM_INTEGER("cvtsi2ssl", RF_FROM_PS(simde_mm_cvtsi32_ss(RF_PS(d), s))))
FROM_GPR(vcvtsi2ss, 64, RF_RAISES,
         FROM_INTEGER("cvtsi2ssq", RF_FROM_PS(simde_mm_cvtsi64_ss(RF_PS(d), s))))
FROM_GPR(vcvtsi2sd, 32, RF_RAISES_NOTHING,
         FROM_INTEGER("cvtsi2sdl", RF_FROM_PD(simde_mm_cvtsi32_sd(RF_PD(d), s))))
FROM_GPR(vcvtsi2sd, 64, RF_RAISES,
         FROM_INTEGER("cvtsi2sdq", RF_FROM_PD(simde_mm_cvtsi64_sd(RF_PD(d), s))))

static bool lower_VCVTSI2SS(struct rf_lower *l)
{
    return rf_avx_lower(l, l->operand[2].size == 64 ? &vcvtsi2ss_64_form : &vcvtsi2ss_32_form);
}

static bool lower_VCVTSI2SD(struct rf_lower *l)
{
    return rf_avx_lower(l, l->operand[2].size == 64 ? &vcvtsi2sd_64_form : &vcvtsi2sd_32_form);
}

/* --- half precision (SDM 1, 14.4) --- */

#if !RF_AVX_NATIVE

static void raise_flags(uint32_t flags)
{
    simde_mm_setcsr(simde_mm_getcsr() | flags);
}

/* Exact; denormals raise nothing, and DAZ does not count. */
static uint32_t half_to_single(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    const enum rf_float_class class = rf_float_class(half, RF_FORMAT_HALF);
    if (class == RF_FLOAT_SIGNALING)
        raise_flags(RF_MXCSR_IE);
    if (class >= RF_FLOAT_INFINITE)
        return sign | 0x7f800000 | (uint32_t)(half & 0x3ff) << 13 |
               (class == RF_FLOAT_INFINITE ? 0 : 0x400000);
    return (uint32_t)rf_round(rf_float_unpack(half, RF_FORMAT_HALF, false), RF_FORMAT_SINGLE,
                              RF_MXCSR_DEFAULT).bits;
}

static uint16_t single_to_half(uint32_t single, uint32_t mxcsr)
{
    const uint32_t sign = single >> 16 & 0x8000;
    const enum rf_float_class class = rf_float_class(single, RF_FORMAT_SINGLE);
    if (class == RF_FLOAT_SIGNALING)
        raise_flags(RF_MXCSR_IE);
    if (class >= RF_FLOAT_INFINITE)
        return (uint16_t)(sign | 0x7c00 | (single >> 13 & 0x3ff) |
                          (class == RF_FLOAT_INFINITE ? 0 : 0x200));
    const bool daz = mxcsr & RF_MXCSR_DAZ;
    if (class == RF_FLOAT_DENORMAL && !daz)
        raise_flags(RF_MXCSR_DE);
    const struct rf_rounded half = rf_round(rf_float_unpack(single, RF_FORMAT_SINGLE, daz),
                                            RF_FORMAT_HALF, mxcsr);
    raise_flags(half.flags);
    return (uint16_t)half.bits;
}

/* The lower four numbers. */
static RF_NOINLINE rf_m128 halves_to_singles(rf_m128 s)
{
    uint16_t from[8];
    uint32_t to[4];
    memcpy(from, &s, sizeof from);
    for (unsigned i = 0; i < 4; i++)
        to[i] = half_to_single(from[i]);
    memcpy(&s, to, sizeof to);
    return s;
}

/* imm8 may say the rounding mode; FTZ does not count (SDM 2, VCVTPS2PH). */
static RF_NOINLINE rf_m128 singles_to_halves(rf_m128 s, unsigned imm)
{
    uint32_t from[4], mxcsr = (simde_mm_getcsr() | RF_MXCSR_ALL_MASKED) & ~RF_MXCSR_FTZ;
    uint16_t to[8] = { 0 };
    if (!(imm & 4))
        mxcsr = (mxcsr & ~RF_MXCSR_RC) | (imm & 3) << RF_MXCSR_RC_SHIFT;
    memcpy(from, &s, sizeof from);
    for (unsigned i = 0; i < 4; i++)
        to[i] = single_to_half(from[i], mxcsr);
    memcpy(&s, to, sizeof to);
    return s;
}
#endif

#if RF_AVX_NATIVE
RF_AVX_X(VCVTPH2PS, 8, RF_VEX_ASM_UNARY("cvtph2ps"))
WIDEN_Y(VCVTPH2PS, RF_VEX_ASM_UNARY("cvtph2ps"))
#else
RF_AVX_X(VCVTPH2PS, 8, d = halves_to_singles(s))
WIDEN_Y(VCVTPH2PS, d = RF_LANES(halves_to_singles(simde_mm_unpackhi_epi64(s, s)),
                                halves_to_singles(s)))
#endif
RF_AVX_LOWER(VCVTPH2PS, .reg = { VCVTPH2PS_x_reg, VCVTPH2PS_y_reg },
             .mem = { VCVTPH2PS_x_mem, VCVTPH2PS_y_mem }, .raises = RF_RAISES,
             .mem_bytes = { 8, 16 })

/* VCVTPS2PH: from op->c to register op->a or memory, which is made sure of before the
 * conversion raises a flag. */
#define TO_HALF(width, imm, from, get, type, value, ...) \
    static RF_OP(to_half_##width##_##imm##_reg)          \
    {                                                    \
        const from s = get(cpu, op->c);                  \
        rf_m128 d;                                       \
        __VA_ARGS__;                                     \
        rf_xmm_set_zero(cpu, op->a, d);                  \
        RF_NEXT;                                         \
    }                                                    \
    RF_MEM_HANDLER(to_half_##width##_##imm##_mem)        \
    {                                                    \
        RF_RMW_LOAD(type, old, rf_ea(cpu, op));          \
        (void)old;                                       \
        const from s = get(cpu, op->c);                  \
        rf_m128 d;                                       \
        __VA_ARGS__;                                     \
        RF_RMW_STORE(type, old, value);                  \
        RF_MEM_NEXT;                                     \
    }
#define TO_HALF_X(imm, ...) \
    TO_HALF(x, imm, rf_m128, rf_xmm, uint64_t, rf_m128_u64(d), __VA_ARGS__)
#define TO_HALF_Y(imm, ...) TO_HALF(y, imm, rf_m256, rf_ymm, rf_m128, d, __VA_ARGS__)
#if RF_AVX_NATIVE
#define TO_HALF_BOTH(imm)                                 \
    TO_HALF_X(imm, RF_VEX_ASM_UNARY_IMM("cvtps2ph", imm)) \
    TO_HALF_Y(imm, RF_VEX_ASM_UNARY_IMM("cvtps2ph", imm))
#else
#define TO_HALF_BOTH(imm)                                                              \
    TO_HALF_X(imm, d = singles_to_halves(s, imm))                                      \
    TO_HALF_Y(imm, d = simde_mm_unpacklo_epi64(singles_to_halves(RF_LOW_LANE(s), imm), \
                                               singles_to_halves(RF_HIGH_LANE(s), imm)))
#endif
TO_HALF_BOTH(0)
TO_HALF_BOTH(1)
TO_HALF_BOTH(2)
TO_HALF_BOTH(3)
TO_HALF_BOTH(4)

/* Where exceptions are unmasked: a fault of the store comes before #XM, so the place is made
 * sure of first; the store is done when nothing was raised. */
#define STORE_CHECKED(bytes)                                            \
    static RF_OP(probe_##bytes)                                         \
    {                                                                   \
        if (!rf_probe_write(cpu, rf_ea(cpu, op), bytes))                \
            return rf_op_fault(cpu, op);                                \
        RF_NEXT;                                                        \
    }                                                                   \
    static RF_OP(store_##bytes)                                         \
    {                                                                   \
        memcpy(cpu->bounce, &RF_V(RF_VEC_SLOT(RF_VEC_SCRATCH)), bytes); \
        if (!rf_store_slow(cpu, rf_ea(cpu, op), cpu->bounce, bytes))    \
            return rf_op_fault(cpu, op);                                \
        return rf_after_slow(cpu, op);                                  \
    }
STORE_CHECKED(8)
STORE_CHECKED(16)

static void emit_checked_half(struct rf_lower *l, rf_run *run, bool memory)
{
    const bool wide = l->ins.raw.vex.L;
    const uint8_t source = rf_operand_number(&l->operand[1]);
    struct rf_address address = { 0 };
    if (memory) {
        address = rf_address(l, &l->operand[0]);
        rf_set_address(rf_emit(l, wide ? probe_16 : probe_8), &address);
    }
    rf_emit_checked(l, &(struct rf_checked){
        .run = run, .scratch_in_c = true, .wide = wide, .raises = RF_RAISES_TO_HALF,
        .a = memory ? RF_VEC_SLOT(RF_VEC_SCRATCH) : rf_operand_number(&l->operand[0]),
        .b = source, .c = source, .imm = l->operand[2].imm.value.u & 0xff });
    if (memory)
        rf_set_address(rf_emit(l, wide ? store_16 : store_8), &address);
}

static bool lower_VCVTPS2PH(struct rf_lower *l)
{
#define RUNS(width, kind)                                                                 \
    { to_half_##width##_0_##kind, to_half_##width##_1_##kind, to_half_##width##_2_##kind, \
      to_half_##width##_3_##kind, to_half_##width##_4_##kind }
    static rf_run *const reg[2][5] = { RUNS(x, reg), RUNS(y, reg) };
    static rf_run *const mem[2][5] = { RUNS(x, mem), RUNS(y, mem) };
#undef RUNS
    const bool memory = rf_is_mem(&l->operand[0]), wide = l->ins.raw.vex.L;
    const unsigned imm = l->operand[2].imm.value.u & 4 ? 4 : l->operand[2].imm.value.u & 3;
    if (l->cpu->block_mode & RF_MODE_UNMASKED) {
        emit_checked_half(l, reg[wide][imm], memory);
        return true;
    }
    struct rf_address address = { 0 };
    if (memory)
        address = rf_address(l, &l->operand[0]);
    struct rf_op *op = rf_emit(l, memory ? mem[wide][imm] : reg[wide][imm]);
    op->c = rf_operand_number(&l->operand[1]);
    if (memory)
        rf_set_address(op, &address);
    else
        op->a = rf_operand_number(&l->operand[0]);
    return true;
}

#define ENTRY(name, text, size, raising, fallback) RF_AVX_ENTRY(V##name)

static const struct rf_lower_entry entries[] = {
    RF_CONVERT_VECTOR(ENTRY)
    RF_CONVERT_SCALAR(ENTRY)
    RF_AVX_ENTRY(VCVTSI2SS)
    RF_AVX_ENTRY(VCVTSI2SD)
    RF_AVX_ENTRY(VCVTPH2PS)
    RF_AVX_ENTRY(VCVTPS2PH)
};

const struct rf_lower_table RF_AVX_TABLE(convert) = RF_LOWER_TABLE(entries);

/* What the vector families (sse_*.c) share: register access, the macros that make the
 * register and memory handlers of one instruction, and its lowering.
 *
 * Integer operations are SIMDe calls. Floating-point ones are written as the very
 * instruction (RF_VEC_ASM), because a compiler takes + and * for commutative: swapped
 * operands would give another NaN. Either way they run under the guest's MXCSR.
 * Bits 128 and up of a YMM register are left alone, as legacy SSE does. */
#ifndef RF_CPU_OPS_SSE_H
#define RF_CPU_OPS_SSE_H

#include "cpu/lower.h"
#include "cpu/ops/mmx.h"
#include "cpu/ops/soft_float.h"

#include <simde/x86/sse4.2.h>

typedef simde__m128i rf_m128;

RF_INLINE rf_m128 rf_xmm(const struct rf_cpu *cpu, unsigned slot)
{
    return simde_mm_load_si128((const rf_m128 *)&RF_V(slot));
}

RF_INLINE void rf_xmm_set(struct rf_cpu *cpu, unsigned slot, rf_m128 value)
{
    simde_mm_store_si128((rf_m128 *)&RF_V(slot), value);
}

/* 64 bits, zero-extended. */
RF_INLINE rf_m128 rf_m128_low(uint64_t value)
{
    return simde_mm_cvtsi64_si128((int64_t)value);
}

RF_INLINE uint64_t rf_m128_u64(rf_m128 value)
{
    return (uint64_t)simde_mm_cvtsi128_si64(value);
}

RF_INLINE rf_m128 rf_mm(const struct rf_cpu *cpu, unsigned number)
{
    return rf_m128_low(rf_mmx(cpu, number));
}

/* RF_PORTABLE: leave the host's own instructions out, to test what stands for them. */
#if defined(__x86_64__) && !defined(RF_PORTABLE)
#define RF_HOST_X86 1
#else
#define RF_HOST_X86 0
#endif

/* d = instruction(d, s): the x86 instruction itself, or what stands for it elsewhere. */
#if RF_HOST_X86
#define RF_VEC_ASM(text, fallback) __asm__ volatile(text " %1, %0" : "+x"(d) : "x"(s))
#define RF_VEC_ASM_IMM(text, immediate, fallback) \
    __asm__ volatile(text " %2, %1, %0" : "+x"(d) : "x"(s), "n"(immediate))
#else
#define RF_VEC_ASM(text, fallback) (d = (fallback))
#define RF_VEC_ASM_IMM(text, immediate, fallback) (d = (fallback))
#endif

/* Fallback expressions: a SIMDe call on the operands seen as floats. */
#define RF_PS(x) simde_mm_castsi128_ps(x)
#define RF_PD(x) simde_mm_castsi128_pd(x)
#define RF_FROM_PS(x) simde_mm_castps_si128(x)
#define RF_FROM_PD(x) simde_mm_castpd_si128(x)

/* Load the memory operand into the new vector variable `s`, zero-extended. RF_SSE_LOAD_16
 * checks the alignment that legacy SSE demands (SDM 1, 4.1.1): #GP(0) before any access. */
#define RF_SSE_LOAD_16(s)               \
    const uint64_t va = rf_ea(cpu, op); \
    if (RF_UNLIKELY(va & 15))           \
        return rf_op_gp0(cpu, op);      \
    RF_LOAD(rf_m128, s, va)
#define RF_SSE_LOAD_16U(s) RF_LOAD(rf_m128, s, rf_ea(cpu, op))
#define RF_SSE_LOAD_8(s)                        \
    RF_LOAD(uint64_t, s##_low, rf_ea(cpu, op)); \
    rf_m128 s = rf_m128_low(s##_low)
#define RF_SSE_LOAD_4(s)                        \
    RF_LOAD(uint32_t, s##_low, rf_ea(cpu, op)); \
    rf_m128 s = simde_mm_cvtsi32_si128((int32_t)s##_low)
#define RF_SSE_LOAD_2(s)                        \
    RF_LOAD(uint16_t, s##_low, rf_ea(cpu, op)); \
    rf_m128 s = simde_mm_cvtsi32_si128(s##_low)

/* name_reg and name_mem of "xmm, xmm/memory": the statements read d and s, and set d.
 * `size`: bytes of the memory operand (16U: unaligned). */
#define RF_SSE_XM(name, size, ...)      \
    static RF_OP(name##_reg)            \
    {                                   \
        rf_m128 d = rf_xmm(cpu, op->a); \
        rf_m128 s = rf_xmm(cpu, op->b); \
        __VA_ARGS__;                    \
        rf_xmm_set(cpu, op->a, d);      \
        RF_NEXT;                        \
    }                                   \
    RF_MEM_HANDLER(name##_mem)          \
    {                                   \
        RF_SSE_LOAD_##size(s);          \
        rf_m128 d = rf_xmm(cpu, op->a); \
        __VA_ARGS__;                    \
        rf_xmm_set(cpu, op->a, d);      \
        RF_MEM_NEXT;                    \
    }

/* The same of "mm, mm/memory": d and s are zero-extended; the low half of d is kept. */
#define RF_MMX_MM(name, size, ...)              \
    static RF_OP(name##_reg)                    \
    {                                           \
        RF_MMX_CHECK;                           \
        rf_m128 d = rf_mm(cpu, op->a);          \
        rf_m128 s = rf_mm(cpu, op->b);          \
        __VA_ARGS__;                            \
        rf_mmx_enter(cpu);                      \
        rf_mmx_set(cpu, op->a, rf_m128_u64(d)); \
        RF_NEXT;                                \
    }                                           \
    RF_MEM_HANDLER(name##_mem)                  \
    {                                           \
        RF_MMX_CHECK;                           \
        RF_SSE_LOAD_##size(s);                  \
        rf_m128 d = rf_mm(cpu, op->a);          \
        __VA_ARGS__;                            \
        rf_mmx_enter(cpu);                      \
        rf_mmx_set(cpu, op->a, rf_m128_u64(d)); \
        RF_MEM_NEXT;                            \
    }

/* Lane i is all ones where bit i of `bits` is set. */
RF_INLINE rf_m128 rf_lanes_16(uint64_t bits)
{
    const rf_m128 one = simde_mm_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128);
    return simde_mm_cmpeq_epi16(simde_mm_and_si128(simde_mm_set1_epi16((int16_t)bits), one), one);
}
RF_INLINE rf_m128 rf_lanes_32(uint64_t bits)
{
    const rf_m128 one = simde_mm_setr_epi32(1, 2, 4, 8);
    return simde_mm_cmpeq_epi32(simde_mm_and_si128(simde_mm_set1_epi32((int32_t)bits), one), one);
}
RF_INLINE rf_m128 rf_lanes_64(uint64_t bits)
{
    const rf_m128 one = simde_mm_setr_epi32(1, 1, 2, 2);
    return simde_mm_cmpeq_epi32(simde_mm_and_si128(simde_mm_set1_epi32((int32_t)bits), one), one);
}

/* s where the mask is all ones, d elsewhere. */
RF_INLINE rf_m128 rf_choose(rf_m128 mask, rf_m128 s, rf_m128 d)
{
    return simde_mm_or_si128(simde_mm_and_si128(mask, s), simde_mm_andnot_si128(mask, d));
}

/* Which SIMD floating-point exceptions an instruction may raise. If overflow and underflow are
 * among them: how its results come about, so that exact flags can be told (sse_exact.c). */
enum rf_sse_raises {
    RF_RAISES_NOTHING,
    RF_RAISES, /* but neither overflow nor underflow */
    RF_RAISES_ADD,
    RF_RAISES_SUB,
    RF_RAISES_MUL,
    RF_RAISES_DIV,
    RF_RAISES_ADDSUB,
    RF_RAISES_HADD,
    RF_RAISES_HSUB,
    RF_RAISES_DP,        /* DPPS, DPPD: in steps, run by rf_emit_checked instead of its `run` */
    RF_RAISES_TO_SINGLE, /* from double; DOUBLE below is not said */
    RF_RAISES_TO_HALF,   /* from single */
    RF_RAISES_FMA,
    RF_RAISES_KIND = 0xff,
    /* The operands: packed single precision, or */
    RF_DOUBLE = 0x100,
    RF_SCALAR = 0x200,
    /* FMA: what is negated, the addend by odd and even lanes; and how the operands take part */
    RF_FMA_NEGATE_PRODUCT = 0x400,
    RF_FMA_NEGATE_EVEN = 0x800,
    RF_FMA_NEGATE_ODD = 0x1000,
    RF_FMA_213 = 0x2000,
    RF_FMA_231 = 0x4000,
};
enum rf_sse_destination { RF_SSE_TO_XMM, RF_SSE_TO_GPR, RF_SSE_TO_FLAGS, RF_SSE_TO_MMX };

/* What an instruction lowers to. */
struct rf_sse_form {
    rf_run *reg, *mem;         /* by the kind of the second operand; NULL: no such form */
    rf_run *mmx_reg, *mmx_mem; /* the same when the first operand is an MMX register */
    uint16_t raises;           /* enum rf_sse_raises; if anything, also: */
    uint8_t destination;       /* enum rf_sse_destination */
    uint8_t mem_bytes;         /* of the memory operand */
    bool integer;              /* the memory operand is one that goes to a general register */
    rf_run *scratch;           /* takes the memory operand from a vector slot, where reg cannot */
};

/* Emit "first operand, second operand [, imm8]": a = first register, b = second register
 * or the memory operand, imm = the immediate. If the instruction may raise and MXCSR
 * unmasks something, the checks are emitted around it. */
bool rf_sse_lower(struct rf_lower *l, const struct rf_sse_form *form);

/* An operation of registers with the checks of unmasked exceptions around it. A memory operand
 * is loaded to a scratch slot (or, for `integer`, a scratch register) first. */
struct rf_checked {
    rf_run *run;
    const ZydisDecodedOperand *memory; /* NULL: none */
    uint8_t memory_bytes;              /* 4, 8, 16 (aligned unless `unaligned`) or 32 */
    bool unaligned, integer, mmx;      /* mmx: an MMX register takes part */
    bool scratch_in_c;                 /* the loaded operand is op->c, else op->b */
    bool wide;                         /* the result has 256 bits */
    uint16_t raises;                   /* enum rf_sse_raises */
    uint8_t destination;               /* enum rf_sse_destination */
    uint8_t a, b, c;
    uint64_t imm;
};
void rf_emit_checked(struct rf_lower *l, const struct rf_checked *checked);

/* Overflow, underflow and precision flags of an operation on these operands by the masks,
 * rounding mode, DAZ and FTZ of `mxcsr`, those of all lanes together (sse_exact.c). The second
 * is what a conversion is from; the third, FMA's last. */
struct rf_exact {
    const union rf_vec *first, *second, *third;
    uint32_t mxcsr;
    uint16_t raises; /* enum rf_sse_raises, from RF_RAISES_ADD on */
    bool wide;       /* 256 bits */
    uint8_t imm;     /* of VCVTPS2PH: its rounding mode */
};
uint32_t rf_exact_flags(const struct rf_exact *exact);

/* Lane i of FMA's operands in the roles that `raises` tells. */
struct rf_fused rf_fma_lane(uint16_t raises, const union rf_vec *first, const union rf_vec *second,
                            const union rf_vec *third, unsigned i);

/* Lower by another family's table: for mnemonics that two families share. */
bool rf_lower_by(const struct rf_lower_table *table, struct rf_lower *l);

/* Byte offset, vector slot or MMX number of a register operand. */
uint8_t rf_operand_number(const ZydisDecodedOperand *operand);

RF_INLINE bool rf_is_mmx(const ZydisDecodedOperand *o)
{
    return rf_is_reg(o) && o->reg.value >= ZYDIS_REGISTER_MM0 && o->reg.value <= ZYDIS_REGISTER_MM7;
}
/* XMM or YMM. */
RF_INLINE bool rf_is_xmm(const ZydisDecodedOperand *o)
{
    return rf_is_reg(o) && ((o->reg.value >= ZYDIS_REGISTER_XMM0 &&
                             o->reg.value <= ZYDIS_REGISTER_XMM15) ||
                            (o->reg.value >= ZYDIS_REGISTER_YMM0 &&
                             o->reg.value <= ZYDIS_REGISTER_YMM15));
}
RF_INLINE bool rf_is_gpr(const ZydisDecodedOperand *o)
{
    return rf_is_reg(o) && !rf_is_mmx(o) && !rf_is_xmm(o);
}

/* A lowering function and its table entry. */
#define RF_SSE_LOWER(mnemonic, ...)                             \
    static bool lower_##mnemonic(struct rf_lower *l)            \
    {                                                           \
        static const struct rf_sse_form form = { __VA_ARGS__ }; \
        return rf_sse_lower(l, &form);                          \
    }
#define RF_SSE_ENTRY(mnemonic) { ZYDIS_MNEMONIC_##mnemonic, lower_##mnemonic },

#endif

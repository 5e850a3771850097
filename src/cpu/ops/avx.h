/* What the families of VEX-encoded vector instructions (avx_*.c) share.
 *
 * Every avx_*.c is compiled twice: for hosts with AVX2, FMA and F16C (RF_AVX_NATIVE = 1), and
 * for any host, where SIMDe's portable forms and the 128-bit operations of sse.h on both lanes
 * stand for what is missing. A file ends in
 *     const struct rf_lower_table RF_AVX_TABLE(int) = RF_LOWER_TABLE(entries);
 * and avx_tables.c, which lists the tables, chooses at run time.
 *
 * Operands: op->a = destination, op->b = first source (VEX.vvvv), op->c = second source, or
 * the memory operand. A unary instruction has only the second. A result of 128 bits clears
 * the upper half of the destination (SDM 1, 14.1.2). Memory need not be aligned (SDM 1,
 * 14.9), but for the moves that say so. */
#ifndef RF_CPU_OPS_AVX_H
#define RF_CPU_OPS_AVX_H

#include "cpu/ops/sse.h"

#include <simde/x86/avx2.h>

#ifndef RF_AVX_NATIVE
#define RF_AVX_NATIVE 0
#endif

#if RF_AVX_NATIVE
#define RF_AVX_TABLE(family) rf_lower_avx_##family##_native
#else
#define RF_AVX_TABLE(family) rf_lower_avx_##family##_portable
#endif

/* The families; each is avx_<name>.c. */
#define RF_AVX_FAMILIES(X) \
    X(convert) X(crypto) X(float) X(fma) X(gather) X(int) X(move) X(shuffle)
#define RF_AVX_DECLARE(family)                                        \
    extern const struct rf_lower_table rf_lower_avx_##family##_native, \
        rf_lower_avx_##family##_portable;
RF_AVX_FAMILIES(RF_AVX_DECLARE)

typedef simde__m256i rf_m256;

RF_INLINE rf_m256 rf_ymm(const struct rf_cpu *cpu, unsigned slot)
{
    return simde_mm256_load_si256((const rf_m256 *)&RF_V(slot));
}

RF_INLINE void rf_ymm_set(struct rf_cpu *cpu, unsigned slot, rf_m256 value)
{
    simde_mm256_store_si256((rf_m256 *)&RF_V(slot), value);
}

/* The low half; the upper one is cleared. One store of the whole, which a later load of
 * either size is forwarded from. */
RF_INLINE void rf_xmm_set_zero(struct rf_cpu *cpu, unsigned slot, rf_m128 value)
{
#if RF_AVX_NATIVE
    rf_ymm_set(cpu, slot, _mm256_zextsi128_si256(value));
#else
    rf_xmm_set(cpu, slot, value);
    simde_mm_store_si128((rf_m128 *)&RF_V(slot).u64[2], simde_mm_setzero_si128());
#endif
}

#define RF_LOW_LANE(v) simde_mm256_extracti128_si256(v, 0)
#define RF_HIGH_LANE(v) simde_mm256_extracti128_si256(v, 1)
#define RF_LANES(high, low) simde_mm256_set_m128i(high, low)

/* Load the memory operand into the new variable `s`, zero-extended. The sizes of 128-bit and
 * scalar operations: as RF_SSE_LOAD_*, unaligned. */
#define RF_AVX_LOAD_32(s) RF_LOAD(rf_m256, s, rf_ea(cpu, op))
#define RF_AVX_LOAD_16(s) RF_SSE_LOAD_16U(s)
#define RF_AVX_LOAD_8(s) RF_SSE_LOAD_8(s)
#define RF_AVX_LOAD_4(s) RF_SSE_LOAD_4(s)
#define RF_AVX_LOAD_2(s) RF_SSE_LOAD_2(s)

/* name_x_reg and name_x_mem of "xmm, xmm, xmm/memory": the statements read d (the first
 * source) and s (the second), and set d. `size`: bytes of the memory operand. */
#define RF_AVX_X(name, size, ...)            \
    static RF_OP(name##_x_reg)               \
    {                                        \
        rf_m128 d = rf_xmm(cpu, op->b);      \
        rf_m128 s = rf_xmm(cpu, op->c);      \
        __VA_ARGS__;                         \
        rf_xmm_set_zero(cpu, op->a, d);      \
        RF_NEXT;                             \
    }                                        \
    RF_MEM_HANDLER(name##_x_mem)             \
    {                                        \
        RF_AVX_LOAD_##size(s);               \
        rf_m128 d = rf_xmm(cpu, op->b);      \
        __VA_ARGS__;                         \
        rf_xmm_set_zero(cpu, op->a, d);      \
        RF_MEM_NEXT;                         \
    }

/* The same of "ymm, ymm, ymm/memory": name_y_reg and name_y_mem. */
#define RF_AVX_Y(name, ...) RF_AVX_Y_FROM(name, rf_m256, rf_ymm, 32, __VA_ARGS__)
/* The same of "ymm, ymm, xmm/memory": s has 128 bits. */
#define RF_AVX_YX(name, size, ...) RF_AVX_Y_FROM(name, rf_m128, rf_xmm, size, __VA_ARGS__)
/* `type`, `get`, `size`: of the second source, and bytes of the memory operand. */
#define RF_AVX_Y_FROM(name, type, get, size, ...) \
    static RF_OP(name##_y_reg)                    \
    {                                             \
        rf_m256 d = rf_ymm(cpu, op->b);           \
        type s = get(cpu, op->c);                 \
        __VA_ARGS__;                              \
        rf_ymm_set(cpu, op->a, d);                \
        RF_NEXT;                                  \
    }                                             \
    RF_MEM_HANDLER(name##_y_mem)                  \
    {                                             \
        RF_AVX_LOAD_##size(s);                    \
        rf_m256 d = rf_ymm(cpu, op->b);           \
        __VA_ARGS__;                              \
        rf_ymm_set(cpu, op->a, d);                \
        RF_MEM_NEXT;                              \
    }

/* What an instruction lowers to; [0]: of 128 bits or scalar, [1]: of 256. NULL: no such form. */
struct rf_avx_form {
    rf_run *reg[2], *mem[2]; /* by the kind of the last source */
    uint16_t raises;         /* enum rf_sse_raises; if anything, also: */
    uint8_t destination;     /* enum rf_sse_destination */
    uint8_t mem_bytes[2];    /* of the memory operand */
    bool integer;            /* the memory operand is one that goes to a general register */
};

/* Emit "destination, [first source,] second source [, imm8 or fourth register]": a, b, c as
 * above, imm = the immediate, or the slot of the fourth register. For a unary instruction b
 * names the same register as c (a if that is memory). The 256-bit form is taken by VEX.L. */
bool rf_avx_lower(struct rf_lower *l, const struct rf_avx_form *form);

/* A lowering function and its table entry, for mnemonics written with their V. */
#define RF_AVX_LOWER(mnemonic, ...)                             \
    static bool lower_##mnemonic(struct rf_lower *l)            \
    {                                                           \
        static const struct rf_avx_form form = { __VA_ARGS__ }; \
        return rf_avx_lower(l, &form);                          \
    }
#define RF_AVX_ENTRY(mnemonic) { ZYDIS_MNEMONIC_##mnemonic, lower_##mnemonic },

#endif

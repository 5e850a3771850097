/* What the floating-point families of AVX share (avx_float.c, avx_convert.c, avx_fma.c): the
 * very VEX instruction where the host has AVX2, else the legacy one on each lane. */
#ifndef RF_CPU_OPS_AVX_FP_H
#define RF_CPU_OPS_AVX_FP_H

#include "cpu/ops/avx.h"
#include "cpu/ops/float_list.h"

/* d = instruction(d, s), or instruction(s). */
#define RF_VEX_ASM(text) __asm__ volatile("v" text " %2, %1, %0" : "=x"(d) : "x"(d), "x"(s))
#define RF_VEX_ASM_IMM(text, imm) \
    __asm__ volatile("v" text " %3, %2, %1, %0" : "=x"(d) : "x"(d), "x"(s), "n"(imm))
#define RF_VEX_ASM_UNARY(text) __asm__ volatile("v" text " %1, %0" : "=x"(d) : "x"(s))
#define RF_VEX_ASM_UNARY_IMM(text, imm) \
    __asm__ volatile("v" text " %2, %1, %0" : "=x"(d) : "x"(s), "n"(imm))

/* The same into r, of 256 bits always: the instruction itself clears what a result of 128 does
 * not fill, which the compiler need not do again. RF_RESULT_WIDE is a constant of the handler. */
#define RF_VEX_RESULT(asm_128, asm_256, ...)                   \
    do {                                                       \
        if (RF_RESULT_WIDE)                                    \
            __asm__ volatile(asm_256 : "=x"(r) : __VA_ARGS__); \
        else                                                   \
            __asm__ volatile(asm_128 : "=x"(r) : __VA_ARGS__); \
    } while (0)
#define RF_VEX(text) \
    RF_VEX_RESULT("v" text " %2, %1, %x0", "v" text " %2, %1, %0", "x"(d), "x"(s))
#define RF_VEX_IMM(text, imm) \
    RF_VEX_RESULT("v" text " %3, %2, %1, %x0", "v" text " %3, %2, %1, %0", "x"(d), "x"(s), "n"(imm))
#define RF_VEX_UNARY(text) RF_VEX_RESULT("v" text " %1, %x0", "v" text " %1, %0", "x"(s))
#define RF_VEX_UNARY_IMM(text, imm) \
    RF_VEX_RESULT("v" text " %2, %1, %x0", "v" text " %2, %1, %0", "x"(s), "n"(imm))

/* name_x_reg and name_x_mem, name_y_reg and name_y_mem, as RF_AVX_X and RF_AVX_Y define them,
 * of statements that make r. */
#define RF_VEX_HANDLERS(name, wide, type, get, size, ...) \
    static RF_OP(name##_reg)                              \
    {                                                     \
        enum { RF_RESULT_WIDE = wide };                   \
        const type d = get(cpu, op->b);                   \
        const type s = get(cpu, op->c);                   \
        rf_m256 r;                                        \
        __VA_ARGS__;                                      \
        (void)d;                                          \
        rf_ymm_set(cpu, op->a, r);                        \
        RF_NEXT;                                          \
    }                                                     \
    RF_MEM_HANDLER(name##_mem)                            \
    {                                                     \
        enum { RF_RESULT_WIDE = wide };                   \
        RF_AVX_LOAD_##size(s);                            \
        const type d = get(cpu, op->b);                   \
        rf_m256 r;                                        \
        __VA_ARGS__;                                      \
        (void)d;                                          \
        rf_ymm_set(cpu, op->a, r);                        \
        RF_MEM_NEXT;                                      \
    }

/* name(d, s) of 128 bits by the statement, and of 256 as that on both lanes. */
#define RF_AVX_LANEWISE(name, ...)                      \
    RF_INLINE rf_m128 name##_lane(rf_m128 d, rf_m128 s) \
    {                                                   \
        __VA_ARGS__;                                    \
        return d;                                       \
    }
#define RF_AVX_BOTH_LANES(name)                                 \
    d = RF_LANES(name##_lane(RF_HIGH_LANE(d), RF_HIGH_LANE(s)), \
                 name##_lane(RF_LOW_LANE(d), RF_LOW_LANE(s)))

/* The handlers of "name xmm, xmm, xmm/memory" and "name ymm, ymm, ymm/memory": by the native
 * statement, or the one of 128 bits. */
#if RF_AVX_NATIVE
#define RF_AVX_SCALAR(name, size, native, ...) \
    RF_VEX_HANDLERS(name##_x, 0, rf_m128, rf_xmm, size, native)
#define RF_AVX_PACKED(name, native, ...)                      \
    RF_VEX_HANDLERS(name##_x, 0, rf_m128, rf_xmm, 16, native) \
    RF_VEX_HANDLERS(name##_y, 1, rf_m256, rf_ymm, 32, native)
#else
#define RF_AVX_PACKED(name, native, ...) \
    RF_AVX_LANEWISE(name, __VA_ARGS__)   \
    RF_AVX_X(name, 16, __VA_ARGS__)      \
    RF_AVX_Y(name, RF_AVX_BOTH_LANES(name))
#define RF_AVX_SCALAR(name, size, native, ...) RF_AVX_X(name, size, __VA_ARGS__)
#endif

/* A form's members. VEX.L means nothing to a scalar instruction. */
#define RF_AVX_PACKED_FORM(name, raising)                                         \
    .reg = { name##_x_reg, name##_y_reg }, .mem = { name##_x_mem, name##_y_mem }, \
    .raises = (raising), .mem_bytes = { 16, 32 }
#define RF_AVX_SCALAR_FORM(name, size, raising)                                   \
    .reg = { name##_x_reg, name##_x_reg }, .mem = { name##_x_mem, name##_x_mem }, \
    .raises = (raising), .mem_bytes = { size, size }

#endif

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

/* name(d, s) of 128 bits by the statement, and of 256 as that on both lanes. */
#define RF_AVX_LANEWISE(name, ...)                                                       \
    RF_INLINE rf_m128 name##_lane(rf_m128 d, rf_m128 s)                                  \
    {                                                                                    \
        __VA_ARGS__;                                                                     \
        return d;                                                                        \
    }
#define RF_AVX_BOTH_LANES(name)                               \
    d = RF_LANES(name##_lane(RF_HIGH_LANE(d), RF_HIGH_LANE(s)), \
                 name##_lane(RF_LOW_LANE(d), RF_LOW_LANE(s)))

/* The handlers of "name xmm, xmm, xmm/memory" and "name ymm, ymm, ymm/memory": by the native
 * statement, or the one of 128 bits. */
#if RF_AVX_NATIVE
#define RF_AVX_PACKED(name, native, ...) \
    RF_AVX_X(name, 16, native)           \
    RF_AVX_Y(name, native)
#define RF_AVX_SCALAR(name, size, native, ...) RF_AVX_X(name, size, native)
#else
#define RF_AVX_PACKED(name, native, ...)    \
    RF_AVX_LANEWISE(name, __VA_ARGS__)      \
    RF_AVX_X(name, 16, __VA_ARGS__)         \
    RF_AVX_Y(name, RF_AVX_BOTH_LANES(name))
#define RF_AVX_SCALAR(name, size, native, ...) RF_AVX_X(name, size, __VA_ARGS__)
#endif

/* A form's members. VEX.L means nothing to a scalar instruction. */
#define RF_AVX_PACKED_FORM(name, raising)                                              \
    .reg = { name##_x_reg, name##_y_reg }, .mem = { name##_x_mem, name##_y_mem },      \
    .raises = (raising), .mem_bytes = { 16, 32 }
#define RF_AVX_SCALAR_FORM(name, size, raising)                                        \
    .reg = { name##_x_reg, name##_x_reg }, .mem = { name##_x_mem, name##_x_mem },      \
    .raises = (raising), .mem_bytes = { size, size }

#endif

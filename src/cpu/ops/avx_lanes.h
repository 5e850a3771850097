/* For the integer, shuffle and move families of AVX: 256-bit operations by the name of their
 * 128-bit twin.
 *
 * With AVX2 an operation is one instruction. Without, it is the 128-bit one on each lane, which
 * is how nearly all of AVX2 is defined (SDM 1, 14.6). */
#ifndef RF_CPU_OPS_AVX_LANES_H
#define RF_CPU_OPS_AVX_LANES_H

#include "cpu/ops/avx.h"

#if RF_AVX_NATIVE
#define RF_Y1(function, a) simde_mm256_##function(a)
#define RF_Y2(function, a, b) simde_mm256_##function(a, b)
#define RF_Y3(function, a, b, c) simde_mm256_##function(a, b, c)
/* The second operand, of 128 bits, goes with both lanes: a shift count. */
#define RF_Y2_COUNT(function, a, count) simde_mm256_##function(a, count)
#define RF_BOTH_LANES(v) simde_mm256_broadcastsi128_si256(v)
#else
#define RF_Y1(function, a) \
    RF_LANES(simde_mm_##function(RF_HIGH_LANE(a)), simde_mm_##function(RF_LOW_LANE(a)))
#define RF_Y2(function, a, b)                                         \
    RF_LANES(simde_mm_##function(RF_HIGH_LANE(a), RF_HIGH_LANE(b)),   \
             simde_mm_##function(RF_LOW_LANE(a), RF_LOW_LANE(b)))
#define RF_Y3(function, a, b, c)                                                        \
    RF_LANES(simde_mm_##function(RF_HIGH_LANE(a), RF_HIGH_LANE(b), RF_HIGH_LANE(c)),    \
             simde_mm_##function(RF_LOW_LANE(a), RF_LOW_LANE(b), RF_LOW_LANE(c)))
#define RF_Y2_COUNT(function, a, count)                        \
    RF_LANES(simde_mm_##function(RF_HIGH_LANE(a), count),      \
             simde_mm_##function(RF_LOW_LANE(a), count))
#define RF_BOTH_LANES(v) RF_LANES(v, v)
#endif

/* The members .reg and .mem of a form with handlers for both sizes. */
#define RF_AVX_BOTH_SIZES(name) \
    .reg = { name##_x_reg, name##_y_reg }, .mem = { name##_x_mem, name##_y_mem }

/* Eight bytes of an op's immediate as numbers: bytes 0xff and 0x00 become masks. */
#define RF_IMM_BYTES rf_m128_low(op->imm)

#endif

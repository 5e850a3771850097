/* Immediates of shuffles as data: byte orders for PSHUFB, of one 128-bit lane. */
#ifndef RF_CPU_OPS_SSE_ORDER_H
#define RF_CPU_OPS_SSE_ORDER_H

#include "cpu/ops/sse.h"

/* What PSHUFD's immediate stands for. */
extern const uint8_t rf_dword_order[256][16];

/* The bytes of the four words that PSHUFLW's immediate chooses, first byte first. `first_byte`:
 * 0, or 8 for PSHUFHW. */
uint64_t rf_word_order(uint64_t imm, unsigned first_byte);

/* Orders cut from here shift a lane; indexes with bit 7 give 0. */
extern const int8_t rf_byte_window[80];

/* The order that shifts right by `count` bytes, -16..32. */
RF_INLINE rf_m128 rf_shift_order(int64_t count)
{
    return simde_mm_loadu_si128((const rf_m128 *)(rf_byte_window + 32 + count));
}

#endif

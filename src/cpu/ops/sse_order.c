/* Byte orders (ops/sse_order.h). */
#include "cpu/ops/sse_order.h"

#define LANE(n) 4 * (n), 4 * (n) + 1, 4 * (n) + 2, 4 * (n) + 3
#define ORDER(n) { LANE((n) & 3), LANE((n) >> 2 & 3), LANE((n) >> 4 & 3), LANE((n) >> 6) }
#define ORDER_4(n) ORDER(n), ORDER((n) + 1), ORDER((n) + 2), ORDER((n) + 3)
#define ORDER_16(n) ORDER_4(n), ORDER_4((n) + 4), ORDER_4((n) + 8), ORDER_4((n) + 12)
#define ORDER_64(n) ORDER_16(n), ORDER_16((n) + 16), ORDER_16((n) + 32), ORDER_16((n) + 48)
const uint8_t rf_dword_order[256][16] __attribute__((aligned(16))) = {
    ORDER_64(0), ORDER_64(64), ORDER_64(128), ORDER_64(192)
};

uint64_t rf_word_order(uint64_t imm, unsigned first_byte)
{
    uint64_t order = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t byte = first_byte + (imm >> 2 * i & 3) * 2;
        order |= (byte | (byte + 1) << 8) << 16 * i;
    }
    return order;
}

#define OUTSIDE_8 -128, -128, -128, -128, -128, -128, -128, -128
#define OUTSIDE_32 OUTSIDE_8, OUTSIDE_8, OUTSIDE_8, OUTSIDE_8
const int8_t rf_byte_window[80] = { OUTSIDE_32, 0,  1,  2,  3,  4,  5,  6,  7,
                                    8,          9, 10, 11, 12, 13, 14, 15, OUTSIDE_32 };

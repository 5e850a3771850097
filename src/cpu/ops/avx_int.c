/* Packed integer arithmetic, logic, comparison and shifts, AVX (128 bits) and AVX2 (256). */
#include "cpu/ops/avx.h"

#define X(function) d = simde_mm_##function(d, s)
#define Y(function) d = simde_mm256_##function(d, s)

#define DEFINE(name, function)         \
    RF_AVX_X(name, 16, X(function))    \
    RF_AVX_Y(name, Y(function))        \
    RF_AVX_LOWER(name, .reg = { name##_x_reg, name##_y_reg }, .mem = { name##_x_mem, name##_y_mem })
DEFINE(VPADDB, add_epi8)

static const struct rf_lower_entry entries[] = {
    RF_AVX_ENTRY(VPADDB)
};

const struct rf_lower_table RF_AVX_TABLE(int) = RF_LOWER_TABLE(entries);

/* Half, single and double precision by integers: exact sums, products and quotients, then one
 * rounding with the flags that a SIMD instruction raises. For what the host's unit does not
 * tell: flags beside an unmasked overflow or underflow, and fused multiply-add and half
 * precision on hosts without. */
#ifndef RF_CPU_OPS_SOFT_FLOAT_H
#define RF_CPU_OPS_SOFT_FLOAT_H

#include <stdbool.h>
#include <stdint.h>

/* MXCSR (SDM 1, 10.2.3); an exception's mask is its flag shifted left by RF_MXCSR_MASKS. */
#define RF_MXCSR_IE 0x01u
#define RF_MXCSR_DE 0x02u
#define RF_MXCSR_ZE 0x04u
#define RF_MXCSR_OE 0x08u
#define RF_MXCSR_UE 0x10u
#define RF_MXCSR_PE 0x20u
#define RF_MXCSR_STICKY 0x3fu
#define RF_MXCSR_DAZ 0x40u
#define RF_MXCSR_MASKS 7
#define RF_MXCSR_RC_SHIFT 13
#define RF_MXCSR_RC 0x6000u
#define RF_MXCSR_FTZ 0x8000u

/* Bits of the two fields. */
struct rf_float_format {
    uint8_t fraction, exponent;
};
#define RF_FORMAT_HALF ((struct rf_float_format){ 10, 5 })
#define RF_FORMAT_SINGLE ((struct rf_float_format){ 23, 8 })
#define RF_FORMAT_DOUBLE ((struct rf_float_format){ 52, 11 })

enum rf_float_class { RF_FLOAT_ZERO, RF_FLOAT_DENORMAL, RF_FLOAT_NORMAL, RF_FLOAT_INFINITE,
                      RF_FLOAT_QUIET, RF_FLOAT_SIGNALING };
enum rf_float_class rf_float_class(uint64_t bits, struct rf_float_format format);

/* significand times 2 to the exponent. The significand has at most 126 bits; bits lost below
 * it are kept in mind by its lowest one. */
struct rf_number {
    unsigned __int128 significand;
    int exponent;
    bool negative;
};

/* The value of finite bits; with `daz`, a denormal is zero. */
struct rf_number rf_float_unpack(uint64_t bits, struct rf_float_format format, bool daz);
/* The sign of a sum that is zero means nothing. */
struct rf_number rf_number_add(struct rf_number a, struct rf_number b);
/* Of factors with at most 53 bits; a divisor that is not zero. */
struct rf_number rf_number_multiply(struct rf_number a, struct rf_number b);
struct rf_number rf_number_divide(struct rf_number a, struct rf_number b);

/* A result in its format, and the flags it raises: overflow, underflow, precision. */
struct rf_rounded {
    uint64_t bits;
    uint32_t flags;
};

/* Round by MXCSR's rounding mode, masks and FTZ (SDM 1, 4.9.1.4 to 6). Beside an unmasked
 * overflow or underflow the bits mean nothing, and the precision flag is that of the result
 * rounded with an unlimited exponent. */
struct rf_rounded rf_round(struct rf_number number, struct rf_float_format format, uint32_t mxcsr);

/* x * y + z with one rounding, product and addend negated or not. The first NaN among x, y, z is
 * the result. Flags of the operands (invalid, denormal) are told too. */
struct rf_fused {
    uint64_t x, y, z;
    bool negate_product, negate_addend;
    struct rf_float_format format;
};
struct rf_rounded rf_fuse(const struct rf_fused *fused, uint32_t mxcsr);

#endif

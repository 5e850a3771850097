/* Floating-point and vector state: x87 (aliased by MMX), YMM, MXCSR. */
#ifndef RF_CPU_FPU_STATE_H
#define RF_CPU_FPU_STATE_H

#include <stdbool.h>
#include <stdint.h>

union rf_vec {
    uint8_t u8[32];
    int8_t s8[32];
    uint16_t u16[16];
    int16_t s16[16];
    uint32_t u32[8];
    int32_t s32[8];
    uint64_t u64[4];
    int64_t s64[4];
    float f32[8];
    double f64[4];
} __attribute__((aligned(32)));

/* Physical x87 register: 80-bit value, 6 bytes of padding. */
union rf_x87_reg {
    struct {
        uint64_t mantissa; /* explicit integer bit at 63; MMX register */
        uint16_t sign_exponent;
    };
    uint8_t bytes[16];
} __attribute__((aligned(16)));

/* Slots of rf_fpu.v that are no register: the memory operand and the old destination of
 * an operation whose exceptions are unmasked. */
enum { RF_VEC_SCRATCH = 16, RF_VEC_SAVED, RF_VEC_SLOTS };

struct rf_fpu {
    union rf_vec v[RF_VEC_SLOTS];
    union rf_x87_reg x87[8]; /* physical R0..R7; ST(i) is x87[(top + i) & 7] */
    uint16_t cw, sw;         /* TOP is in sw, bits 11 to 13 */
    uint8_t tag_valid;       /* abridged tag: bit i set = R(i) not empty (SDM 1, 10.5.1.1) */
    uint16_t fop;            /* opcode and pointers of the last instruction: */
    uint64_t fip, fdp;       /* X87_EXECUTED, x87_point_at_operand in ops/x87.h */
    uint32_t mxcsr;          /* exact only outside rf_cpu_run and after rf_fpu_sync */
    uint32_t host_mxcsr;     /* of the embedding program while guest code runs */
    uint32_t saved_mxcsr;    /* from before an operation that may raise #XM */
    uint64_t saved[3];       /* its old general register, lazy flags, or MMX register */
    bool x87_live;           /* the host's x87 has the guest's control word: ops/x87_host.h */
    uint32_t host_x87[7];    /* the embedding program's x87 environment meanwhile */
};

#define RF_MXCSR_DEFAULT 0x1f80u
#define RF_MXCSR_MASK 0xffffu /* no MISALIGNSSE */

#endif

/* MMX registers: the mantissas of the physical x87 registers (SDM 1, 9.2, and SDM 3A,
 * 12.2: what MMX instructions do to the x87 state). */
#ifndef RF_CPU_OPS_MMX_H
#define RF_CPU_OPS_MMX_H

#include "cpu/op.h"

#define RF_X87_ES 0x0080u  /* status word: an unmasked exception is pending */
#define RF_X87_TOP 0x3800u

/* Every MMX instruction first delivers a pending x87 exception. */
#define RF_MMX_CHECK                                      \
    do {                                                  \
        if (RF_UNLIKELY(cpu->fpu.sw & RF_X87_ES))         \
            return rf_op_raise(cpu, op, RF_MF, false, 0); \
    } while (0)

/* TOP = 0, every register valid. */
RF_INLINE void rf_mmx_enter(struct rf_cpu *cpu)
{
    cpu->fpu.sw &= (uint16_t)~RF_X87_TOP;
    cpu->fpu.tag_valid = 0xff;
}

RF_INLINE uint64_t rf_mmx(const struct rf_cpu *cpu, unsigned number)
{
    return cpu->fpu.x87[number].mantissa;
}

RF_INLINE void rf_mmx_set(struct rf_cpu *cpu, unsigned number, uint64_t value)
{
    cpu->fpu.x87[number].mantissa = value;
    cpu->fpu.x87[number].sign_exponent = 0xffff;
}

#endif

/* Lazy arithmetic flags: an op stores what it computed, whoever reads works it out.
 *
 * cc_op names the last flag-setting operation and its size; cc_dst is its result
 * (zero-extended to 64 bits), cc_src its second operand. Exact at every fault: a
 * producer is skipped only if nothing that may fault lies before the next one. */
#ifndef RF_CPU_FLAGS_H
#define RF_CPU_FLAGS_H

#include "cpu/cpu.h"

/* Each kind has four sizes: kind + log2(bytes). */
enum rf_cc {
    RF_CC_FLAGS = 0,  /* cc_src holds the six bits as in RFLAGS */
    RF_CC_ADD = 4,    /* dst = a + src */
    RF_CC_ADC = 8,    /* dst = a + src + 1 */
    RF_CC_SUB = 12,   /* dst = a - src */
    RF_CC_SBB = 16,   /* dst = a - src - 1 */
    RF_CC_LOGIC = 20, /* CF = OF = AF = 0 */
    RF_CC_INC = 24,   /* src = CF (0 or 1), kept from before */
    RF_CC_DEC = 28,
    RF_CC_SHL = 32,   /* src = operand shifted by count - 1; its top bit is CF */
    RF_CC_SHR = 36,   /* src = operand shifted (logically) by count - 1; bit 0 is CF */
    RF_CC_SAR = 40,   /* src = operand shifted by count - 1; bit 0 is CF; OF = 0 */
    RF_CC_END = 44,
};

/* The six status flags, in their RFLAGS places. */
uint32_t rf_flags_status(const struct rf_cpu *cpu);
/* Condition code 0..15 as in the opcode (SDM 1, appendix B). */
bool rf_flags_test(const struct rf_cpu *cpu, unsigned condition);
/* CF alone. */
bool rf_flags_carry(const struct rf_cpu *cpu);

RF_INLINE void rf_flags_set_status(struct rf_cpu *cpu, uint32_t status)
{
    cpu->cc_op = RF_CC_FLAGS;
    cpu->cc_src = status & RF_FLAGS_STATUS;
}

RF_INLINE void rf_cc_set(struct rf_cpu *cpu, uint32_t cc_op, uint64_t dst, uint64_t src)
{
    cpu->cc_op = cc_op;
    cpu->cc_dst = dst;
    cpu->cc_src = src;
}

/* ZF, SF, PF of a result of `bits` bits. */
RF_INLINE uint32_t rf_flags_zsp(uint64_t result, unsigned bits)
{
    uint32_t flags = 0;
    uint64_t value = bits == 64 ? result : result & ((UINT64_C(1) << bits) - 1);
    if (value == 0)
        flags |= RF_FLAG_ZF;
    if (value >> (bits - 1))
        flags |= RF_FLAG_SF;
    if (!__builtin_parity((unsigned)(value & 0xff)))
        flags |= RF_FLAG_PF;
    return flags;
}

#endif

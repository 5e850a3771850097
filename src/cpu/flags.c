/* Lazy flags: working out what an operation left behind (cpu/flags.h). */
#include "cpu/flags.h"

/* Bit i of the result: carry out of bit i (borrow for subtraction). */
static uint64_t carries_add(uint64_t a, uint64_t b, uint64_t sum)
{
    return (a & b) | ((a | b) & ~sum);
}

static uint64_t carries_sub(uint64_t a, uint64_t b, uint64_t difference)
{
    return (~a & b) | ((~a | b) & difference);
}

/* CF, AF, OF out of a carry vector: OF is the carry into the top bit xor out of it. */
static uint32_t flags_from_carries(uint64_t carries, unsigned bits)
{
    uint32_t out = (uint32_t)(carries >> (bits - 1)) & 1;
    uint32_t into = (uint32_t)(carries >> (bits - 2)) & 1;
    uint32_t flags = out ? RF_FLAG_CF : 0;
    if (out != into)
        flags |= RF_FLAG_OF;
    if (carries & 8)
        flags |= RF_FLAG_AF;
    return flags;
}

static uint32_t flags_of(uint32_t kind, unsigned bits, uint64_t dst, uint64_t src)
{
    switch (kind) {
    case RF_CC_ADD:
        return flags_from_carries(carries_add(dst - src, src, dst), bits);
    case RF_CC_ADC:
        return flags_from_carries(carries_add(dst - src - 1, src, dst), bits);
    case RF_CC_SUB:
        return flags_from_carries(carries_sub(dst + src, src, dst), bits);
    case RF_CC_SBB:
        return flags_from_carries(carries_sub(dst + src + 1, src, dst), bits);
    case RF_CC_INC:
        return (flags_from_carries(carries_add(dst - 1, 1, dst), bits) & ~RF_FLAG_CF) |
               (src ? RF_FLAG_CF : 0);
    case RF_CC_DEC:
        return (flags_from_carries(carries_sub(dst + 1, 1, dst), bits) & ~RF_FLAG_CF) |
               (src ? RF_FLAG_CF : 0);
    case RF_CC_SHL: {
        /* OF = CF xor the result's top bit for every count, as Intel CPUs do beyond the
         * count of 1 that the manual defines; AF = 0. */
        uint32_t carry = (uint32_t)(src >> (bits - 1)) & 1;
        uint32_t top = (uint32_t)(dst >> (bits - 1)) & 1;
        return (carry ? RF_FLAG_CF : 0) | (carry != top ? RF_FLAG_OF : 0);
    }
    case RF_CC_SHR: {
        /* OF = top bit of the value before the last one-bit step. */
        uint32_t top = (uint32_t)(src >> (bits - 1)) & 1;
        return (src & 1 ? RF_FLAG_CF : 0) | (top ? RF_FLAG_OF : 0);
    }
    case RF_CC_SAR:
        return src & 1 ? RF_FLAG_CF : 0;
    default: /* RF_CC_LOGIC */
        return 0;
    }
}

uint32_t rf_flags_status(const struct rf_cpu *cpu)
{
    uint32_t kind = cpu->cc_op & ~3u;
    if (kind == RF_CC_FLAGS)
        return (uint32_t)cpu->cc_src;
    unsigned bits = 8u << (cpu->cc_op & 3);
    return flags_of(kind, bits, cpu->cc_dst, cpu->cc_src) | rf_flags_zsp(cpu->cc_dst, bits);
}

bool rf_flags_carry(const struct rf_cpu *cpu)
{
    uint64_t mask = UINT64_MAX >> (64 - (8u << (cpu->cc_op & 3)));
    switch (cpu->cc_op & ~3u) {
    case RF_CC_ADD:
        return (cpu->cc_dst & mask) < (cpu->cc_src & mask);
    case RF_CC_SUB:
        return ((cpu->cc_dst + cpu->cc_src) & mask) < (cpu->cc_src & mask);
    case RF_CC_LOGIC:
        return false;
    case RF_CC_INC:
    case RF_CC_DEC:
        return cpu->cc_src != 0;
    default:
        return rf_flags_status(cpu) & RF_FLAG_CF;
    }
}

bool rf_flags_test(const struct rf_cpu *cpu, unsigned condition)
{
    uint32_t f = rf_flags_status(cpu);
    bool result;
    switch (condition >> 1) {
    case 0: result = f & RF_FLAG_OF; break;
    case 1: result = f & RF_FLAG_CF; break;
    case 2: result = f & RF_FLAG_ZF; break;
    case 3: result = f & (RF_FLAG_CF | RF_FLAG_ZF); break;
    case 4: result = f & RF_FLAG_SF; break;
    case 5: result = f & RF_FLAG_PF; break;
    case 6: result = !(f & RF_FLAG_SF) != !(f & RF_FLAG_OF); break;
    default:
        result = (f & RF_FLAG_ZF) || (!(f & RF_FLAG_SF) != !(f & RF_FLAG_OF));
        break;
    }
    return result != (condition & 1);
}

uint64_t rf_cpu_flags(const struct rf_cpu *cpu)
{
    return cpu->flags | rf_flags_status(cpu);
}

void rf_cpu_set_flags(struct rf_cpu *cpu, uint64_t value)
{
    uint32_t stored = RF_FLAG_TF | RF_FLAG_IF | RF_FLAG_DF | RF_FLAG_IOPL | RF_FLAG_NT | RF_FLAG_RF |
                      RF_FLAG_VM | RF_FLAG_AC | RF_FLAG_VIF | RF_FLAG_VIP | RF_FLAG_ID;
    uint32_t old = cpu->flags;
    cpu->flags = ((uint32_t)value & stored) | RF_FLAG_FIXED;
    rf_flags_set_status(cpu, (uint32_t)value);
    if ((old ^ cpu->flags) & (RF_FLAG_AC | RF_FLAG_TF | RF_FLAG_IF))
        rf_cpu_mode_changed(cpu);
}

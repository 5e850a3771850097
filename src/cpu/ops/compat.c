/* What only 32-bit and 16-bit code has: decimal adjustment, BOUND, SALC. (PUSHA is in
 * stack_any.c, LDS and ARPL in segment.c, INTO in system.c.) */
#include "cpu/ops/integer.h"

#define AL RF_R8(0)
#define AH RF_R8(1)
#define AX RF_R16(0)

/* --- packed decimal: DAA, DAS (SDM 2A); OF is undefined, and CPUs clear it --- */

static RF_NOINLINE void adjust_packed(struct rf_cpu *cpu, bool subtract)
{
    uint32_t status = rf_flags_status(cpu);
    uint8_t old = AL, low = 0, high = 0;
    bool carry = status & RF_FLAG_CF, out = false;
    if ((old & 15) > 9 || status & RF_FLAG_AF)
        low = 6;
    if (old > 0x99 || carry)
        high = 0x60;
    if (low) /* a borrow or carry of the first step is one of the whole */
        out = carry || (subtract ? old < 6 : old > 0xff - 6);
    out = out || high;
    uint8_t r = subtract ? (uint8_t)(old - low - high) : (uint8_t)(old + low + high);
    AL = r;
    rf_flags_set_status(cpu, (rf_flags_zsp(r, 8) & (RF_FLAG_ZF | RF_FLAG_SF | RF_FLAG_PF)) |
                                 (out ? RF_FLAG_CF : 0) | (low ? RF_FLAG_AF : 0));
}
static RF_OP(daa) { adjust_packed(cpu, false); RF_NEXT; }
static RF_OP(das) { adjust_packed(cpu, true); RF_NEXT; }

/* --- unpacked decimal: AAA, AAS change CF and AF; the rest is undefined --- */

static RF_NOINLINE void adjust_unpacked(struct rf_cpu *cpu, bool subtract)
{
    bool adjust = (AL & 15) > 9 || rf_flags_status(cpu) & RF_FLAG_AF;
    if (adjust)
        AX = subtract ? (uint16_t)(AX - 0x106) : (uint16_t)(AX + 0x106);
    AL &= 15;
    rf_flags_set_status(cpu, (rf_flags_zsp(AL, 8) & (RF_FLAG_ZF | RF_FLAG_SF | RF_FLAG_PF)) |
                                 (adjust ? RF_FLAG_CF | RF_FLAG_AF : 0));
}
static RF_OP(aaa) { adjust_unpacked(cpu, false); RF_NEXT; }
static RF_OP(aas) { adjust_unpacked(cpu, true); RF_NEXT; }

/* op->imm: the base; AAM by 0 is a division by zero. */
static RF_OP(aam)
{
    uint8_t base = (uint8_t)op->imm;
    if (!base)
        return rf_op_raise(cpu, op, RF_DE, false, 0);
    AH = AL / base;
    AL %= base;
    rf_flags_set_status(cpu, rf_flags_zsp(AL, 8) & (RF_FLAG_ZF | RF_FLAG_SF | RF_FLAG_PF));
    RF_NEXT;
}
static RF_OP(aad)
{
    AX = (uint8_t)(AL + AH * (uint8_t)op->imm);
    rf_flags_set_status(cpu, rf_flags_zsp(AL, 8) & (RF_FLAG_ZF | RF_FLAG_SF | RF_FLAG_PF));
    RF_NEXT;
}

static bool lower_decimal(struct rf_lower *l)
{
    rf_run *run;
    switch (l->ins.mnemonic) {
    case ZYDIS_MNEMONIC_DAA: run = daa; break;
    case ZYDIS_MNEMONIC_DAS: run = das; break;
    case ZYDIS_MNEMONIC_AAA: run = aaa; break;
    case ZYDIS_MNEMONIC_AAS: run = aas; break;
    case ZYDIS_MNEMONIC_AAM: run = aam; break;
    default: run = aad; break;
    }
    struct rf_op *op = rf_emit(l, run);
    if (rf_is_imm(&l->operand[0]))
        op->imm = l->operand[0].imm.value.u & 0xff;
    return true;
}

/* --- BOUND: two signed limits in memory --- */

#define BOUND(N)                                                                          \
    struct bounds_##N {                                                                   \
        RF_STYPE_##N low, high;                                                           \
    };                                                                                    \
    RF_MEM_HANDLER(bound_##N)                                                             \
    {                                                                                     \
        RF_STYPE_##N index = (RF_STYPE_##N)RF_GET(N, op->a);                              \
        RF_LOAD(struct bounds_##N, limit, rf_ea(cpu, op));                                \
        if (index < limit.low || index > limit.high)                                      \
            return rf_op_raise(cpu, op, RF_BR, false, 0);                                 \
        RF_MEM_NEXT;                                                                      \
    }
BOUND(16)
BOUND(32)

static bool lower_bound(struct rf_lower *l)
{
    struct rf_op *op = rf_emit_mem(l, l->operand[0].size == 16 ? bound_16 : bound_32, 1);
    op->a = rf_reg_offset(l->operand[0].reg.value);
    return true;
}

/* --- SALC: AL = CF in every bit --- */

static RF_OP(salc)
{
    AL = rf_flags_status(cpu) & RF_FLAG_CF ? 0xff : 0;
    RF_NEXT;
}

static bool lower_salc(struct rf_lower *l)
{
    rf_emit(l, salc);
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_DAA, lower_decimal }, { ZYDIS_MNEMONIC_DAS, lower_decimal },
    { ZYDIS_MNEMONIC_AAA, lower_decimal }, { ZYDIS_MNEMONIC_AAS, lower_decimal },
    { ZYDIS_MNEMONIC_AAM, lower_decimal }, { ZYDIS_MNEMONIC_AAD, lower_decimal },
    { ZYDIS_MNEMONIC_BOUND, lower_bound }, { ZYDIS_MNEMONIC_SALC, lower_salc },
};
const struct rf_lower_table rf_lower_compat = RF_LOWER_TABLE(entries);

/* MUL IMUL DIV IDIV MULX. Flags that the manual leaves undefined after MUL and IMUL are
 * given as Intel CPUs do: SF, ZF, PF of the low half, AF = 0; DIV leaves all alone. */
#include "cpu/ops/integer.h"

#define WIDE_8 uint16_t
#define WIDE_16 uint32_t
#define WIDE_32 uint64_t
#define WIDE_64 unsigned __int128
#define SWIDE_8 int16_t
#define SWIDE_16 int32_t
#define SWIDE_32 int64_t
#define SWIDE_64 __int128

RF_INLINE void set_product_flags(struct rf_cpu *cpu, uint64_t low, unsigned bits, bool overflow)
{
    rf_flags_set_status(cpu, rf_flags_zsp(low, bits) | (overflow ? RF_FLAG_CF | RF_FLAG_OF : 0));
}

/* High and low half of a product go to (R)DX:(R)AX, or to AX for bytes. */
#define PUT_PRODUCT(N, product)                                                           \
    if ((N) == 8) {                                                                       \
        RF_R16(0) = (uint16_t)(product);                                                  \
    } else {                                                                              \
        RF_SET(N, 0, (RF_TYPE_##N)(product));                                             \
        RF_SET(N, RF_OFFSET(RF_RDX), (RF_TYPE_##N)((product) >> (N)));                    \
    }
#define DO_MUL(N)                                                                         \
    WIDE_##N product = (WIDE_##N)((WIDE_##N)RF_GET(N, 0) * a);                            \
    set_product_flags(cpu, (RF_TYPE_##N)product, N, (product >> (N)) != 0);               \
    PUT_PRODUCT(N, product)
#define DO_IMUL(N)                                                                        \
    SWIDE_##N product = (SWIDE_##N)((SWIDE_##N)(RF_STYPE_##N)RF_GET(N, 0) * (RF_STYPE_##N)a); \
    set_product_flags(cpu, (RF_TYPE_##N)product, N, product != (RF_STYPE_##N)product);    \
    PUT_PRODUCT(N, product)

/* The dividend is checked by the quotient's range (SDM 2, DIV, IDIV). */
#define DIVIDEND(N, TYPE)                                                                 \
    ((N) == 8 ? (TYPE)RF_R16(0)                                                           \
              : (TYPE)(((WIDE_##N)RF_GET(N, RF_OFFSET(RF_RDX)) << (N)) | RF_GET(N, 0)))
#define PUT_QUOTIENT(N, quotient, remainder)                                              \
    if ((N) == 8) {                                                                       \
        RF_R8(0) = (uint8_t)(quotient);                                                   \
        RF_R8(1) = (uint8_t)(remainder);                                                  \
    } else {                                                                              \
        RF_SET(N, 0, (RF_TYPE_##N)(quotient));                                            \
        RF_SET(N, RF_OFFSET(RF_RDX), (RF_TYPE_##N)(remainder));                           \
    }
#define DO_DIV(N)                                                                         \
    WIDE_##N dividend = DIVIDEND(N, WIDE_##N);                                            \
    if (a == 0 || (RF_TYPE_##N)(dividend >> (N)) >= a)                                    \
        return rf_op_raise(cpu, op, RF_DE, false, 0);                                     \
    RF_TYPE_##N quotient, remainder;                                                      \
    if ((N) < 64 || !(uint64_t)(dividend >> (N))) {                                \
        uint64_t small_ = (uint64_t)dividend;                                             \
        quotient = (RF_TYPE_##N)(small_ / a), remainder = (RF_TYPE_##N)(small_ % a);      \
    } else {                                                                              \
        quotient = (RF_TYPE_##N)(dividend / a), remainder = (RF_TYPE_##N)(dividend % a);  \
    }                                                                                     \
    PUT_QUOTIENT(N, quotient, remainder)
#define DO_IDIV(N)                                                                        \
    SWIDE_##N dividend = DIVIDEND(N, SWIDE_##N);                                          \
    SWIDE_##N divisor = (RF_STYPE_##N)a;                                                  \
    /* the most negative dividend over -1 overflows in our own arithmetic too */          \
    if (divisor == 0 || (divisor == -1 && dividend == (SWIDE_##N)((WIDE_##N)1 << (2 * (N) - 1)))) \
        return rf_op_raise(cpu, op, RF_DE, false, 0);                                     \
    SWIDE_##N quotient, remainder;                                                        \
    if ((N) == 64 && dividend == (int64_t)dividend && divisor != -1) {                    \
        quotient = (int64_t)dividend / (int64_t)divisor;                                  \
        remainder = (int64_t)dividend % (int64_t)divisor;                                 \
    } else {                                                                              \
        quotient = (SWIDE_##N)(dividend / divisor), remainder = (SWIDE_##N)(dividend % divisor); \
    }                                                                                     \
    if (quotient != (RF_STYPE_##N)quotient)                                               \
        return rf_op_raise(cpu, op, RF_DE, false, 0);                                     \
    PUT_QUOTIENT(N, quotient, remainder)

#define ONE_OPERAND(name, DO, N)                                                          \
    static RF_OP(name##_r_##N)                                                            \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a);                                                 \
        DO(N)                                                                             \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(name##_m_##N)                                                          \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                          \
        DO(N)                                                                             \
        RF_MEM_NEXT;                                                                      \
    }
#define ALL_ONE(N)                                                                        \
    ONE_OPERAND(mul, DO_MUL, N) ONE_OPERAND(imul1, DO_IMUL, N)                            \
    ONE_OPERAND(div, DO_DIV, N) ONE_OPERAND(idiv, DO_IDIV, N)
RF_SIZES(ALL_ONE)

/* --- IMUL with a register destination --- */
#define PRODUCT(N, x, y, f)                                                               \
    RF_STYPE_##N r_;                                                                      \
    bool overflow_ = __builtin_mul_overflow((RF_STYPE_##N)(x), (RF_STYPE_##N)(y), &r_);   \
    if (f)                                                                                \
        set_product_flags(cpu, (RF_TYPE_##N)r_, N, overflow_);                            \
    RF_SET(N, op->a, (RF_TYPE_##N)r_);
#define TWO_OPERANDS(name, N, f)                                                          \
    static RF_OP(name##_rr_##N) { PRODUCT(N, RF_GET(N, op->a), RF_GET(N, op->b), f) RF_NEXT; } \
    static RF_OP(name##_rri_##N) { PRODUCT(N, RF_GET(N, op->b), op->imm, f) RF_NEXT; }    \
    RF_MEM_HANDLER(name##_rm_##N)                                                         \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, b, rf_ea(cpu, op));                                          \
        PRODUCT(N, RF_GET(N, op->a), b, f)                                                \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(name##_rmi_##N)                                                        \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, b, rf_ea(cpu, op));                                          \
        PRODUCT(N, b, op->imm, f)                                                         \
        RF_MEM_NEXT;                                                                      \
    }
#define ALL_TWO(N) TWO_OPERANDS(imul, N, 1) TWO_OPERANDS(imul_nf, N, 0)
RF_SIZES_WIDE(ALL_TWO)

static bool lower_one_operand(struct rf_lower *l)
{
    static rf_run *const runs[4][2][4] = {
        { RF_ROW(mul_r), RF_ROW(mul_m) },
        { RF_ROW(imul1_r), RF_ROW(imul1_m) },
        { RF_ROW(div_r), RF_ROW(div_m) },
        { RF_ROW(idiv_r), RF_ROW(idiv_m) },
    };
    ZydisMnemonic m = l->ins.mnemonic;
    unsigned which = m == ZYDIS_MNEMONIC_MUL ? 0 : m == ZYDIS_MNEMONIC_IMUL ? 1 : m == ZYDIS_MNEMONIC_DIV ? 2 : 3;
    bool memory = rf_is_mem(&l->operand[0]);
    rf_run *run = runs[which][memory][rf_size_log2(l->operand[0].size)];
    struct rf_op *op = memory ? rf_emit_mem(l, run, 0) : rf_emit(l, run);
    if (!memory)
        op->a = rf_reg_offset(l->operand[0].reg.value);
    return true;
}

static bool lower_imul(struct rf_lower *l)
{
    static rf_run *const runs[2][4][4] = {
        { RF_ROW_WIDE(imul_nf_rr), RF_ROW_WIDE(imul_nf_rri), RF_ROW_WIDE(imul_nf_rm), RF_ROW_WIDE(imul_nf_rmi) },
        { RF_ROW_WIDE(imul_rr), RF_ROW_WIDE(imul_rri), RF_ROW_WIDE(imul_rm), RF_ROW_WIDE(imul_rmi) }
    };
    const ZydisDecodedOperand *o = l->operand;
    if (l->ins.operand_count_visible == 1)
        return lower_one_operand(l);
    bool memory = rf_is_mem(&o[1]), immediate = l->ins.operand_count_visible == 3;
    rf_run *run = runs[l->flags_live != 0][memory * 2 + immediate][rf_size_log2(o[0].size)];
    struct rf_op *op = memory ? rf_emit_mem(l, run, 1) : rf_emit(l, run);
    op->a = rf_reg_offset(o[0].reg.value);
    if (!memory)
        op->b = rf_reg_offset(o[1].reg.value);
    if (immediate)
        op->imm = (uint64_t)o[2].imm.value.s;
    return true;
}

/* --- MULX: the low half first, so that equal destinations keep the high one --- */
#define MULX(N)                                                                           \
    static RF_OP(mulx_r_##N)                                                              \
    {                                                                                     \
        WIDE_##N product = (WIDE_##N)RF_GET(N, RF_OFFSET(RF_RDX)) * RF_GET(N, op->c);     \
        RF_SET(N, op->b, (RF_TYPE_##N)product);                                           \
        RF_SET(N, op->a, (RF_TYPE_##N)(product >> (N)));                                  \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(mulx_m_##N)                                                            \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, factor, rf_ea(cpu, op));                                     \
        WIDE_##N product = (WIDE_##N)RF_GET(N, RF_OFFSET(RF_RDX)) * factor;               \
        RF_SET(N, op->b, (RF_TYPE_##N)product);                                           \
        RF_SET(N, op->a, (RF_TYPE_##N)(product >> (N)));                                  \
        RF_MEM_NEXT;                                                                      \
    }
MULX(32)
MULX(64)

static bool lower_mulx(struct rf_lower *l)
{
    const ZydisDecodedOperand *o = l->operand;
    bool memory = rf_is_mem(&o[2]), wide = o[0].size == 64;
    struct rf_op *op = memory ? rf_emit_mem(l, wide ? mulx_m_64 : mulx_m_32, 2)
                              : rf_emit(l, wide ? mulx_r_64 : mulx_r_32);
    op->a = rf_reg_offset(o[0].reg.value);
    op->b = rf_reg_offset(o[1].reg.value);
    if (!memory)
        op->c = rf_reg_offset(o[2].reg.value);
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_MUL, lower_one_operand }, { ZYDIS_MNEMONIC_IMUL, lower_imul },
    { ZYDIS_MNEMONIC_DIV, lower_one_operand }, { ZYDIS_MNEMONIC_IDIV, lower_one_operand },
    { ZYDIS_MNEMONIC_MULX, lower_mulx },
};
const struct rf_lower_table rf_lower_muldiv = RF_LOWER_TABLE(entries);

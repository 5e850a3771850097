/* XADD CMPXCHG CMPXCHG8B CMPXCHG16B. One host thread drives a machine, so a plain
 * read-modify-write is atomic for every virtual CPU. */
#include "cpu/ops/integer.h"

#define XADD(N)                                                                           \
    static RF_OP(xadd_r_##N)                                                              \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a), b = RF_GET(N, op->b), r = (RF_TYPE_##N)(a + b); \
        rf_cc_set(cpu, RF_CC_ADD + RF_LOG2_##N, r, b);                                    \
        RF_SET(N, op->b, a);                                                              \
        RF_SET(N, op->a, r);                                                              \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(xadd_m_##N)                                                            \
    {                                                                                     \
        RF_RMW_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                      \
        RF_TYPE_##N b = RF_GET(N, op->b), r = (RF_TYPE_##N)(a + b);                       \
        RF_RMW_STORE(RF_TYPE_##N, a, r);                                                  \
        rf_cc_set(cpu, RF_CC_ADD + RF_LOG2_##N, r, b);                                    \
        RF_SET(N, op->b, a);                                                              \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    static RF_OP(cmpxchg_r_##N)                                                           \
    {                                                                                     \
        RF_TYPE_##N expected = RF_GET(N, 0), a = RF_GET(N, op->a);                        \
        rf_cc_set(cpu, RF_CC_SUB + RF_LOG2_##N, (RF_TYPE_##N)(expected - a), a);          \
        if (expected == a)                                                                \
            RF_SET(N, op->a, RF_GET(N, op->b));                                           \
        else                                                                              \
            RF_SET(N, 0, a);                                                              \
        RF_NEXT;                                                                          \
    }                                                                                     \
    /* memory is written either way (SDM 2, CMPXCHG) */                                   \
    RF_MEM_HANDLER(cmpxchg_m_##N)                                                         \
    {                                                                                     \
        RF_RMW_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                      \
        RF_TYPE_##N expected = RF_GET(N, 0);                                              \
        RF_RMW_STORE(RF_TYPE_##N, a, expected == a ? RF_GET(N, op->b) : a);               \
        rf_cc_set(cpu, RF_CC_SUB + RF_LOG2_##N, (RF_TYPE_##N)(expected - a), a);          \
        if (expected != a)                                                                \
            RF_SET(N, 0, a);                                                              \
        RF_MEM_NEXT;                                                                      \
    }
RF_SIZES(XADD)

static bool lower_exchange(struct rf_lower *l)
{
    static rf_run *const runs[2][2][4] = {
        { RF_ROW(xadd_r), RF_ROW(xadd_m) }, { RF_ROW(cmpxchg_r), RF_ROW(cmpxchg_m) }
    };
    const ZydisDecodedOperand *o = l->operand;
    bool memory = rf_is_mem(&o[0]);
    rf_run *run = runs[l->ins.mnemonic == ZYDIS_MNEMONIC_CMPXCHG][memory][rf_size_log2(o[0].size)];
    struct rf_op *op = memory ? rf_emit_mem(l, run, 0) : rf_emit(l, run);
    if (!memory)
        op->a = rf_reg_offset(o[0].reg.value);
    op->b = rf_reg_offset(o[1].reg.value);
    return true;
}

/* ZF alone changes. */
static void set_zero_flag(struct rf_cpu *cpu, bool zero)
{
    uint32_t status = rf_flags_status(cpu) & ~RF_FLAG_ZF;
    rf_flags_set_status(cpu, status | (zero ? RF_FLAG_ZF : 0));
}

RF_MEM_HANDLER(cmpxchg8b)
{
    RF_RMW_LOAD(uint64_t, a, rf_ea(cpu, op));
    uint64_t expected = cpu->r[RF_RDX] << 32 | RF_R32(0);
    uint64_t wanted = cpu->r[RF_RCX] << 32 | RF_R32(RF_OFFSET(RF_RBX));
    RF_RMW_STORE(uint64_t, a, expected == a ? wanted : a);
    if (expected != a) {
        cpu->r[RF_RAX] = (uint32_t)a;
        cpu->r[RF_RDX] = a >> 32;
    }
    set_zero_flag(cpu, expected == a);
    RF_MEM_NEXT;
}

struct pair {
    uint64_t low, high;
};
RF_MEM_HANDLER(cmpxchg16b)
{
    if (RF_UNLIKELY(rf_ea(cpu, op) & 15))
        return rf_op_gp0(cpu, op);
    RF_RMW_LOAD(struct pair, a, rf_ea(cpu, op));
    bool equal = a.low == cpu->r[RF_RAX] && a.high == cpu->r[RF_RDX];
    struct pair wanted = { cpu->r[RF_RBX], cpu->r[RF_RCX] };
    RF_RMW_STORE(struct pair, a, equal ? wanted : a);
    if (!equal) {
        cpu->r[RF_RAX] = a.low;
        cpu->r[RF_RDX] = a.high;
    }
    set_zero_flag(cpu, equal);
    RF_MEM_NEXT;
}

static bool lower_cmpxchg8b(struct rf_lower *l)
{
    rf_emit_mem(l, cmpxchg8b, 0);
    return true;
}

static bool lower_cmpxchg16b(struct rf_lower *l)
{
    rf_emit_mem(l, cmpxchg16b, 0);
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_XADD, lower_exchange },
    { ZYDIS_MNEMONIC_CMPXCHG, lower_exchange },
    { ZYDIS_MNEMONIC_CMPXCHG8B, lower_cmpxchg8b },
    { ZYDIS_MNEMONIC_CMPXCHG16B, lower_cmpxchg16b },
};
const struct rf_lower_table rf_lower_exchange = RF_LOWER_TABLE(entries);

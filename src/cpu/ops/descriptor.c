/* Instructions about descriptors and the machine status word: LLDT LTR SLDT STR, LAR LSL VERR VERW,
 * ARPL, SMSW LMSW. All but the last two are undefined in real-address mode. */
#include "cpu/ops/integer.h"
#include "cpu/ops/privileged.h"
#include "cpu/privilege.h"

#define REQUIRE_PROTECTED                                                                 \
    do {                                                                                  \
        if (rf_cpu_is_real(cpu))                                                          \
            return rf_op_ud(cpu, op);                                                     \
    } while (0)

/* --- LLDT and LTR (SDM 2): op->b 0 = LDT, 1 = task register --- */

static unsigned system_type(const struct rf_descriptor *d)
{
    return d->segment.attributes & (RF_SEG_TYPE | RF_SEG_S);
}
/* IA-32e mode has 64-bit TSSs only. */
static bool is_available_task(const struct rf_cpu *cpu, const struct rf_descriptor *d)
{
    return system_type(d) == 9 || (rf_cpu_is_legacy(cpu) && system_type(d) == 1);
}
static bool is_ldt(const struct rf_descriptor *d)
{
    return system_type(d) == 2;
}
/* In the last doubleword of a 16-byte descriptor bits 12 to 8 are 0 (SDM 3A, 7.2.3), and the base is
 * canonical. */
static bool has_good_base(const struct rf_descriptor *d)
{
    return !(d->raw[1] >> 32 & 0x1f00) && rf_mmu_canonical_base(d->segment.base);
}

static RF_NOINLINE bool load_system(struct rf_cpu *cpu, bool task, uint16_t selector, struct rf_refusal *refusal)
{
    uint32_t error = selector & ~3u;
    struct rf_descriptor d;
    if (!error) {
        if (task)
            return rf_refuse(refusal, RF_GP, 0);
        cpu->ldtr = (struct rf_segment){ .selector = selector };
        return true;
    }
    if (selector & RF_SELECTOR_TI)
        return rf_refuse(refusal, RF_GP, error);
    if (!rf_read_descriptor(cpu, selector, RF_GP, 0, &d, refusal))
        return false;
    if (!(task ? is_available_task(cpu, &d) : is_ldt(&d)) || !has_good_base(&d))
        return rf_refuse(refusal, RF_GP, error);
    if (!(d.segment.attributes & RF_SEG_P))
        return rf_refuse(refusal, RF_NP, error);
    if (task) { /* available becomes busy */
        uint8_t busy = (uint8_t)(d.raw[0] >> 40) | 2;
        if (!rf_cpu_write_system(cpu, d.address + 5, &busy, 1))
            return rf_refuse_fault(cpu, refusal, false);
        d.segment.attributes |= 2;
        cpu->tr = d.segment;
    } else {
        cpu->ldtr = d.segment;
    }
    return true;
}
static struct rf_op *load_system_op(struct rf_cpu *cpu, struct rf_op *op, uint16_t selector)
{
    if (!load_system(cpu, op->b, selector, &cpu->refusal))
        return rf_op_refused(cpu, op);
    return rf_after_slow(cpu, op);
}
static RF_OP(load_system_reg)
{
    REQUIRE_PROTECTED;
    REQUIRE_CPL0;
    return load_system_op(cpu, op, RF_R16(op->a));
}
RF_MEM_HANDLER(load_system_mem)
{
    REQUIRE_PROTECTED;
    REQUIRE_CPL0;
    RF_LOAD(uint16_t, selector, rf_ea(cpu, op));
    return load_system_op(cpu, op, selector);
}

static bool lower_load_system(struct rf_lower *l)
{
    bool memory = rf_is_mem(&l->operand[0]);
    struct rf_op *op = memory ? rf_emit_mem(l, load_system_mem, 0) : rf_emit(l, load_system_reg);
    if (!memory)
        op->a = rf_reg_offset(l->operand[0].reg.value);
    op->b = l->ins.mnemonic == ZYDIS_MNEMONIC_LTR;
    return true;
}

/* --- SLDT, STR, SMSW: op->b; SMSW is there in real-address mode too --- */
enum { SLDT, STR, SMSW };

static uint64_t system_value(const struct rf_cpu *cpu, unsigned which)
{
    return which == SLDT ? cpu->ldtr.selector : which == STR ? cpu->tr.selector : cpu->mmu.cr0;
}
#define STORE_SYSTEM(N)                                                                   \
    static RF_OP(store_system_##N)                                                        \
    {                                                                                     \
        if (op->b != SMSW)                                                                \
            REQUIRE_PROTECTED;                                                            \
        REQUIRE_UMIP;                                                                     \
        RF_SET(N, op->a, system_value(cpu, op->b));                                       \
        RF_NEXT;                                                                          \
    }
RF_SIZES_WIDE(STORE_SYSTEM)
RF_MEM_HANDLER(store_system_mem)
{
    if (op->b != SMSW)
        REQUIRE_PROTECTED;
    REQUIRE_UMIP;
    RF_STORE(uint16_t, rf_ea(cpu, op), (uint16_t)system_value(cpu, op->b));
    RF_MEM_NEXT;
}

static bool lower_store_system(struct rf_lower *l)
{
    static rf_run *const runs[4] = RF_ROW_WIDE(store_system);
    bool memory = rf_is_mem(&l->operand[0]);
    struct rf_op *op = memory ? rf_emit_mem(l, store_system_mem, 0)
                              : rf_emit(l, runs[rf_size_log2(l->operand[0].size)]);
    if (!memory)
        op->a = rf_reg_offset(l->operand[0].reg.value);
    op->b = l->ins.mnemonic == ZYDIS_MNEMONIC_SLDT  ? SLDT
            : l->ins.mnemonic == ZYDIS_MNEMONIC_STR ? STR
                                                    : SMSW;
    return true;
}

/* LMSW changes PE (only to 1), MP, EM and TS (SDM 2). */
static struct rf_op *lmsw(struct rf_cpu *cpu, struct rf_op *op, uint16_t value)
{
    uint64_t cr0 = (cpu->mmu.cr0 & ~UINT64_C(0xe)) | (value & 0xf);
    rf_op_retire(cpu, op);
    rf_mmu_set_cr0(&cpu->mmu, cr0);
    rf_cpu_mode_changed(cpu);
    return rf_dispatch(cpu);
}
static RF_OP(lmsw_reg) { REQUIRE_CPL0; return lmsw(cpu, op, RF_R16(op->a)); }
RF_MEM_HANDLER(lmsw_mem)
{
    REQUIRE_CPL0;
    RF_LOAD(uint16_t, value, rf_ea(cpu, op));
    return lmsw(cpu, op, value);
}
static bool lower_lmsw(struct rf_lower *l)
{
    if (rf_is_mem(&l->operand[0]))
        rf_emit_mem(l, lmsw_mem, 0);
    else
        rf_emit(l, lmsw_reg)->a = rf_reg_offset(l->operand[0].reg.value);
    l->ends_block = true;
    return true;
}

/* --- LAR, LSL, VERR, VERW: ZF says whether the descriptor may be used --- */
enum query { LAR, LSL, VERR, VERW };

/* System types that LAR and LSL take, one bit each (SDM 2A, tables 3-52 and 3-54); [1]: outside
 * IA-32e mode. */
static uint16_t types_known(const struct rf_cpu *cpu, enum query query)
{
    enum {
        TASK_16 = 1 << 1 | 1 << 3, LDT = 1 << 2, CALL_GATE_16 = 1 << 4, TASK_GATE = 1 << 5,
        TASK_32 = 1 << 9 | 1 << 0xb, CALL_GATE_32 = 1 << 0xc,
    };
    static const uint16_t lar[2] = { LDT | TASK_32 | CALL_GATE_32,
                                     LDT | TASK_32 | CALL_GATE_32 | TASK_16 | CALL_GATE_16 | TASK_GATE },
                          lsl[2] = { LDT | TASK_32, LDT | TASK_32 | TASK_16 };
    return query == LAR ? lar[rf_cpu_is_legacy(cpu)] : query == LSL ? lsl[rf_cpu_is_legacy(cpu)] : 0;
}

static bool type_allowed(const struct rf_cpu *cpu, const struct rf_segment *s, enum query query)
{
    return s->attributes & RF_SEG_S || types_known(cpu, query) >> (s->attributes & RF_SEG_TYPE) & 1;
}

static bool query_segment(struct rf_cpu *cpu, enum query query, uint16_t selector, uint32_t *result,
                          bool *faulted, struct rf_refusal *refusal)
{
    struct rf_descriptor d;
    *faulted = false;
    if (!(selector & ~3u))
        return false;
    if (!rf_read_descriptor(cpu, selector, RF_GP, 0, &d, refusal)) {
        *faulted = refusal->vector == RF_PF;
        return false;
    }
    const struct rf_segment *s = &d.segment;
    unsigned dpl = rf_segment_dpl(s), rpl = selector & RF_SELECTOR_RPL;
    if (!type_allowed(cpu, s, query))
        return false;
    if (!rf_segment_is_conforming(s) && (dpl < cpu->cpl || dpl < rpl))
        return false;
    if (query == VERR && rf_segment_is_code(s) && !(s->attributes & 2))
        return false;
    if (query == VERW && (rf_segment_is_code(s) || !(s->attributes & 2)))
        return false;
    *result = query == LAR ? (uint32_t)(d.raw[0] >> 32) & 0x00ffff00 : s->limit;
    return true;
}

/* ZF and the result register; false: a page fault, in cpu->refusal. */
static RF_NOINLINE bool do_query(struct rf_cpu *cpu, const struct rf_op *op, uint16_t selector)
{
    uint32_t result = 0;
    bool faulted;
    enum query kind = (enum query)op->c;
    bool good = query_segment(cpu, kind, selector, &result, &faulted, &cpu->refusal);
    if (faulted)
        return false;
    rf_flags_set_status(cpu, (rf_flags_status(cpu) & ~RF_FLAG_ZF) | (good ? RF_FLAG_ZF : 0));
    if (good && kind <= LSL) {
        if (op->imm == 16)
            RF_R16(op->a) = (uint16_t)result;
        else
            RF_R64(op->a) = result;
    }
    return true;
}

static struct rf_op *query(struct rf_cpu *cpu, struct rf_op *op, uint16_t selector)
{
    if (!do_query(cpu, op, selector))
        return rf_op_refused(cpu, op);
    RF_NEXT;
}
static RF_OP(query_reg)
{
    REQUIRE_PROTECTED;
    return query(cpu, op, RF_R16(op->b));
}
RF_MEM_HANDLER(query_mem)
{
    REQUIRE_PROTECTED;
    RF_LOAD(uint16_t, selector, rf_ea(cpu, op));
    return query(cpu, op, selector);
}

static bool lower_query(struct rf_lower *l)
{
    ZydisMnemonic m = l->ins.mnemonic;
    enum query kind = m == ZYDIS_MNEMONIC_LAR ? LAR : m == ZYDIS_MNEMONIC_LSL ? LSL : m == ZYDIS_MNEMONIC_VERR ? VERR : VERW;
    unsigned source = kind <= LSL ? 1 : 0;
    bool memory = rf_is_mem(&l->operand[source]);
    struct rf_op *op = memory ? rf_emit_mem(l, query_mem, source) : rf_emit(l, query_reg);
    if (!memory)
        op->b = rf_reg_offset(l->operand[source].reg.value);
    if (kind <= LSL)
        op->a = rf_reg_offset(l->operand[0].reg.value);
    op->imm = l->operand[0].size;
    op->c = (uint8_t)kind;
    return true;
}

/* --- ARPL raises the RPL of operand 0 to that of operand 1 --- */
RF_INLINE uint16_t adjusted(uint16_t to, uint16_t from)
{
    unsigned rpl = from & RF_SELECTOR_RPL;
    return (to & RF_SELECTOR_RPL) < rpl ? (uint16_t)((to & ~RF_SELECTOR_RPL) | rpl) : to;
}
RF_INLINE void set_zero_flag(struct rf_cpu *cpu, bool zero)
{
    rf_flags_set_status(cpu, (rf_flags_status(cpu) & ~RF_FLAG_ZF) | (zero ? RF_FLAG_ZF : 0));
}
static RF_OP(arpl_reg)
{
    REQUIRE_PROTECTED;
    uint16_t old = RF_R16(op->a), new = adjusted(old, RF_R16(op->b));
    RF_R16(op->a) = new;
    set_zero_flag(cpu, new != old);
    RF_NEXT;
}
/* Memory is written only if it changes; a page that may not be read is a read's #PF. */
RF_MEM_HANDLER(arpl_mem)
{
    REQUIRE_PROTECTED;
    RF_LOAD(uint16_t, old, rf_ea(cpu, op));
    uint16_t new = adjusted(old, RF_R16(op->b));
    if (new != old)
        RF_STORE(uint16_t, rf_ea(cpu, op), new);
    set_zero_flag(cpu, new != old);
    RF_MEM_NEXT;
}
static bool lower_arpl(struct rf_lower *l)
{
    bool memory = rf_is_mem(&l->operand[0]);
    struct rf_op *op = memory ? rf_emit_mem(l, arpl_mem, 0) : rf_emit(l, arpl_reg);
    if (!memory)
        op->a = rf_reg_offset(l->operand[0].reg.value);
    op->b = rf_reg_offset(l->operand[1].reg.value);
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_LLDT, lower_load_system },  { ZYDIS_MNEMONIC_LTR, lower_load_system },
    { ZYDIS_MNEMONIC_SLDT, lower_store_system }, { ZYDIS_MNEMONIC_STR, lower_store_system },
    { ZYDIS_MNEMONIC_SMSW, lower_store_system }, { ZYDIS_MNEMONIC_LMSW, lower_lmsw },
    { ZYDIS_MNEMONIC_LAR, lower_query },         { ZYDIS_MNEMONIC_LSL, lower_query },
    { ZYDIS_MNEMONIC_VERR, lower_query },        { ZYDIS_MNEMONIC_VERW, lower_query },
    { ZYDIS_MNEMONIC_ARPL, lower_arpl },
};
const struct rf_lower_table rf_lower_descriptor = RF_LOWER_TABLE(entries);

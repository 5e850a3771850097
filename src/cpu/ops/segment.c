/* Segment registers and descriptor tables: MOV, PUSH and POP of segments, LDS and its family,
 * LGDT and its family, LAR LSL VERR VERW ARPL, SMSW LMSW, far transfers. */
#include "cpu/ops/integer.h"
#include "cpu/privilege.h"
#include "cpu/segmentation.h"

/* Forms of UMIP: SGDT SIDT SLDT STR SMSW are #GP at CPL 3 when CR4.UMIP = 1. */
#define REQUIRE_UMIP                                                                      \
    do {                                                                                  \
        if (cpu->cpl && cpu->mmu.cr4 & RF_CR4_UMIP)                                       \
            return rf_op_gp0(cpu, op);                                                    \
    } while (0)
#define REQUIRE_CPL0                                                                      \
    do {                                                                                  \
        if (cpu->cpl)                                                                     \
            return rf_op_gp0(cpu, op);                                                    \
    } while (0)

/* --- loads of a segment register: op->b is enum rf_seg --- */

/* The segment is loaded. Outside 64-bit mode blocks depend on whether the segments are flat. */
static struct rf_op *loaded(struct rf_cpu *cpu, struct rf_op *op)
{
    rf_op_retire(cpu, op);
    cpu->budget -= cpu->cost->event[RF_EVENT_SEGMENT_LOAD];
    if (cpu->code_bits != 64)
        rf_cpu_mode_changed(cpu);
    return rf_dispatch(cpu);
}

static struct rf_op *load_and_go(struct rf_cpu *cpu, struct rf_op *op, uint16_t selector, uint64_t new_rsp)
{
    if (!rf_load_segment(cpu, (enum rf_seg)op->b, selector, &cpu->refusal))
        return rf_op_refused(cpu, op);
    cpu->r[RF_RSP] = new_rsp;
    if (op->b == RF_SEG_SS) {
        cpu->shadow = cpu->shadow_ss = true;
        rf_cpu_refresh_budget(cpu);
    }
    return loaded(cpu, op);
}
static RF_OP(mov_to_segment) { return load_and_go(cpu, op, RF_R16(op->a), cpu->r[RF_RSP]); }
RF_MEM_HANDLER(mov_to_segment_mem)
{
    RF_LOAD(uint16_t, selector, rf_ea(cpu, op));
    return load_and_go(cpu, op, selector, cpu->r[RF_RSP]);
}
RF_MEM_HANDLER(pop_segment)
{
    RF_LOAD(uint16_t, selector, cpu->r[RF_RSP]);
    return load_and_go(cpu, op, selector, cpu->r[RF_RSP] + op->c);
}

/* --- PUSH and POP of one in any mode; op->c: slot size in bytes --- */

/* The selector to cpu->bounce. */
static RF_NOINLINE bool read_selector(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t value;
    if (!rf_stack_get(cpu, 0, &value, 1, op->c))
        return false;
    memcpy(cpu->bounce, &value, sizeof value);
    return true;
}
/* RSP after a pop, by the stack segment before it. */
static RF_NOINLINE uint64_t rsp_after(struct rf_cpu *cpu, unsigned bytes)
{
    uint64_t rsp = cpu->r[RF_RSP];
    rf_set_stack_pointer(cpu, rsp + bytes);
    uint64_t after = cpu->r[RF_RSP];
    cpu->r[RF_RSP] = rsp;
    return after;
}
static RF_OP(pop_segment_any)
{
    uint16_t selector;
    if (!read_selector(cpu, op))
        return rf_op_fault(cpu, op);
    memcpy(&selector, cpu->bounce, sizeof selector);
    return load_and_go(cpu, op, selector, rsp_after(cpu, op->c));
}
static RF_NOINLINE bool push_selector(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t value = cpu->seg[op->b].selector;
    return rf_stack_push(cpu, &value, 1, op->c);
}
static RF_OP(push_segment_any)
{
    if (!push_selector(cpu, op))
        return rf_op_fault(cpu, op);
    return rf_after_slow(cpu, op);
}

/* --- and in 64-bit mode --- */
RF_MEM_HANDLER(push_segment)
{
    uint64_t rsp = cpu->r[RF_RSP] - 8;
    RF_STORE(uint64_t, rsp, cpu->seg[op->b].selector);
    cpu->r[RF_RSP] = rsp;
    RF_MEM_NEXT;
}
#define FROM_SEGMENT(N)                                                                   \
    static RF_OP(mov_from_segment_##N) { RF_SET(N, op->a, cpu->seg[op->b].selector); RF_NEXT; }
RF_SIZES_WIDE(FROM_SEGMENT)
RF_MEM_HANDLER(mov_from_segment_mem)
{
    RF_STORE(uint16_t, rf_ea(cpu, op), cpu->seg[op->b].selector);
    RF_MEM_NEXT;
}

static bool is_segment(const ZydisDecodedOperand *o)
{
    return rf_is_reg(o) && ZydisRegisterGetClass(o->reg.value) == ZYDIS_REGCLASS_SEGMENT;
}

static uint8_t segment_number(ZydisRegister reg)
{
    return (uint8_t)(reg - ZYDIS_REGISTER_ES);
}

bool rf_lower_mov_special(struct rf_lower *l)
{
    static rf_run *const from[4] = RF_ROW_WIDE(mov_from_segment);
    const ZydisDecodedOperand *to = &l->operand[0], *source = &l->operand[1];
    struct rf_op *op;
    if (is_segment(to)) {
        op = rf_is_mem(source) ? rf_emit_mem(l, mov_to_segment_mem, 1) : rf_emit(l, mov_to_segment);
        if (rf_is_reg(source))
            op->a = rf_reg_offset(source->reg.value);
        op->b = segment_number(to->reg.value);
        l->ends_block = true;
    } else if (is_segment(source)) {
        op = rf_is_mem(to) ? rf_emit_mem(l, mov_from_segment_mem, 0)
                           : rf_emit(l, from[rf_size_log2(to->size)]);
        if (rf_is_reg(to))
            op->a = rf_reg_offset(to->reg.value);
        op->b = segment_number(source->reg.value);
    } else {
        return rf_lower_control_register(l);
    }
    return true;
}

bool rf_lower_push_segment(struct rf_lower *l)
{
    bool wide = l->code_bits == 64 && l->ins.operand_width != 16;
    struct rf_op *op = rf_emit(l, wide ? push_segment : push_segment_any);
    op->b = segment_number(l->operand[0].reg.value);
    op->c = l->ins.operand_width / 8;
    op->stack = 1;
    return true;
}

bool rf_lower_pop_segment(struct rf_lower *l)
{
    struct rf_op *op = rf_emit(l, l->code_bits == 64 ? pop_segment : pop_segment_any);
    op->b = segment_number(l->operand[0].reg.value);
    op->c = l->ins.operand_width == 16 ? 2 : l->code_bits == 64 ? 8 : 4;
    op->stack = 1;
    l->ends_block = true;
    return true;
}

/* --- LDS LES LFS LGS LSS: offset to op->a, selector to segment op->b --- */
struct __attribute__((packed)) far_64 { uint64_t offset; uint16_t selector; };
struct __attribute__((packed)) far_32 { uint32_t offset; uint16_t selector; };
struct __attribute__((packed)) far_16 { uint16_t offset; uint16_t selector; };
/* To cpu->bounce. The alignment is that of the offset, but for 64-bit ones: SDM 3A, table 6-7,
 * has none for them, and AMD's CPUs look for 4. */
static RF_NOINLINE bool load_pointer(struct rf_cpu *cpu, const struct rf_op *op, unsigned size)
{
    return rf_load_aligned(cpu, rf_ea(cpu, op), cpu->bounce, size, size == 4 ? 2 : 4);
}
#define LOAD_POINTER(N)                                                                   \
    struct far_##N pointer;                                                               \
    if (!load_pointer(cpu, op, sizeof pointer))                                           \
        return rf_op_fault(cpu, op);                                                      \
    memcpy(&pointer, cpu->bounce, sizeof pointer)
#define LOAD_FAR(N)                                                                       \
    static RF_OP(load_far_##N)                                                            \
    {                                                                                     \
        LOAD_POINTER(N);                                                                  \
        if (!rf_load_segment(cpu, (enum rf_seg)op->b, pointer.selector, &cpu->refusal))   \
            return rf_op_refused(cpu, op);                                                \
        RF_SET(N, op->a, pointer.offset);                                                 \
        return loaded(cpu, op);                                                           \
    }
RF_SIZES_WIDE(LOAD_FAR)

static bool lower_load_far(struct rf_lower *l)
{
    static rf_run *const runs[4] = RF_ROW_WIDE(load_far);
    enum rf_seg which;
    switch (l->ins.mnemonic) {
    case ZYDIS_MNEMONIC_LDS: which = RF_DS; break;
    case ZYDIS_MNEMONIC_LES: which = RF_ES; break;
    case ZYDIS_MNEMONIC_LFS: which = RF_FS; break;
    case ZYDIS_MNEMONIC_LGS: which = RF_GS; break;
    default: which = RF_SEG_SS; break;
    }
    struct rf_op *op = rf_emit_mem(l, runs[rf_size_log2(l->operand[0].size)], 1);
    op->a = rf_reg_offset(l->operand[0].reg.value);
    op->b = (uint8_t)which;
    l->ends_block = true;
    return true;
}

/* --- table registers --- */
struct __attribute__((packed)) pseudo_descriptor {
    uint16_t limit;
    uint64_t base;
};
#define TABLE_OPS(reg)                                                                    \
    RF_MEM_HANDLER(l_##reg)                                                               \
    {                                                                                     \
        REQUIRE_CPL0;                                                                     \
        RF_LOAD(struct pseudo_descriptor, value, rf_ea(cpu, op));                         \
        if (!rf_mmu_canonical(&cpu->mmu, value.base))                                     \
            return rf_op_gp0(cpu, op);                                                    \
        cpu->reg.base = value.base;                                                       \
        cpu->reg.limit = value.limit;                                                     \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(s_##reg)                                                               \
    {                                                                                     \
        REQUIRE_UMIP;                                                                     \
        struct pseudo_descriptor value = { cpu->reg.limit, cpu->reg.base };               \
        RF_STORE(struct pseudo_descriptor, rf_ea(cpu, op), value);                        \
        RF_MEM_NEXT;                                                                      \
    }
TABLE_OPS(gdtr)
TABLE_OPS(idtr)

/* Outside 64-bit mode the base has 32 bits, of which a load with a 16-bit operand size
 * (op->a) takes 24 (SDM 2A, LGDT and SGDT). */
struct __attribute__((packed)) short_descriptor {
    uint16_t limit;
    uint32_t base;
};
#define SHORT_TABLE_OPS(reg)                                                              \
    RF_MEM_HANDLER(l_##reg##_32)                                                          \
    {                                                                                     \
        REQUIRE_CPL0;                                                                     \
        RF_LOAD(struct short_descriptor, value, rf_ea(cpu, op));                          \
        cpu->reg.base = op->a ? value.base & 0xffffff : value.base;                       \
        cpu->reg.limit = value.limit;                                                     \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(s_##reg##_32)                                                          \
    {                                                                                     \
        REQUIRE_UMIP;                                                                     \
        struct short_descriptor value = { cpu->reg.limit, (uint32_t)cpu->reg.base };      \
        RF_STORE(struct short_descriptor, rf_ea(cpu, op), value);                         \
        RF_MEM_NEXT;                                                                      \
    }
SHORT_TABLE_OPS(gdtr)
SHORT_TABLE_OPS(idtr)

static bool lower_table(struct rf_lower *l)
{
    static rf_run *const runs[2][4] = { { l_gdtr, l_idtr, s_gdtr, s_idtr },
                                        { l_gdtr_32, l_idtr_32, s_gdtr_32, s_idtr_32 } };
    unsigned which;
    switch (l->ins.mnemonic) {
    case ZYDIS_MNEMONIC_LGDT: which = 0; break;
    case ZYDIS_MNEMONIC_LIDT: which = 1; break;
    case ZYDIS_MNEMONIC_SGDT: which = 2; break;
    default: which = 3; break;
    }
    rf_emit_mem(l, runs[l->code_bits != 64][which], 0)->a = l->ins.operand_width == 16;
    return true;
}

/* LLDT and LTR (SDM 2): op->b 0 = LDT, 1 = task register */
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
    unsigned type = d.segment.attributes & (RF_SEG_TYPE | RF_SEG_S);
    if (type != (task ? 0x9u : 0x2u))
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
    REQUIRE_CPL0;
    return load_system_op(cpu, op, RF_R16(op->a));
}
RF_MEM_HANDLER(load_system_mem)
{
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

/* SLDT, STR, SMSW: op->b 0, 1, 2 */
static uint64_t system_value(const struct rf_cpu *cpu, unsigned which)
{
    return which == 0 ? cpu->ldtr.selector : which == 1 ? cpu->tr.selector : cpu->mmu.cr0;
}
#define STORE_SYSTEM(N)                                                                   \
    static RF_OP(store_system_##N)                                                        \
    {                                                                                     \
        REQUIRE_UMIP;                                                                     \
        RF_SET(N, op->a, system_value(cpu, op->b));                                       \
        RF_NEXT;                                                                          \
    }
RF_SIZES_WIDE(STORE_SYSTEM)
RF_MEM_HANDLER(store_system_mem)
{
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
    op->b = l->ins.mnemonic == ZYDIS_MNEMONIC_SLDT ? 0 : l->ins.mnemonic == ZYDIS_MNEMONIC_STR ? 1 : 2;
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

static bool type_allowed(const struct rf_segment *s, enum query query)
{
    if (s->attributes & RF_SEG_S)
        return true;
    unsigned type = s->attributes & RF_SEG_TYPE;
    if (query == VERR || query == VERW)
        return false;
    return type == 2 || type == 9 || type == 0xb || (query == LAR && type == 0xc);
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
    if (!type_allowed(s, query))
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
static RF_OP(query_reg) { return query(cpu, op, RF_R16(op->b)); }
RF_MEM_HANDLER(query_mem)
{
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
    uint16_t old = RF_R16(op->a), new = adjusted(old, RF_R16(op->b));
    RF_R16(op->a) = new;
    set_zero_flag(cpu, new != old);
    RF_NEXT;
}
/* Memory is written only if it changes; a page that may not be read is a read's #PF. */
RF_MEM_HANDLER(arpl_mem)
{
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

/* --- far transfers: op->a operand bytes; op->imm released bytes --- */
static RF_OP(far_return)
{
    uint64_t ip = cpu->r[RF_REG_IP];
    const struct rf_exit *exit = (const struct rf_exit *)(op + 1);
    if (!rf_far_return(cpu, op->a, op->imm, &cpu->refusal)) {
        cpu->r[RF_REG_IP] = ip;
        return rf_op_refused(cpu, op);
    }
    cpu->budget -= exit->cost;
    cpu->instructions += exit->instructions;
    return rf_dispatch(cpu);
}

static struct rf_op *far_transfer(struct rf_cpu *cpu, struct rf_op *op, uint16_t selector, uint64_t offset)
{
    const struct rf_exit *exit = (const struct rf_exit *)(op + 1);
    uint64_t ip = cpu->r[RF_REG_IP];
    cpu->r[RF_REG_IP] = ip + op->ip_offset + op->length;
    if (cpu->code_bits != 64)
        cpu->r[RF_REG_IP] &= UINT32_MAX;
    if (!rf_far_transfer(cpu, selector, offset, op->c, op->a, &cpu->refusal)) {
        cpu->r[RF_REG_IP] = ip;
        return rf_op_refused(cpu, op);
    }
    cpu->budget -= exit->cost;
    cpu->instructions += exit->instructions;
    return rf_dispatch(cpu);
}
#define FAR_MEM(N)                                                                        \
    static RF_OP(far_mem_##N)                                                             \
    {                                                                                     \
        LOAD_POINTER(N);                                                                  \
        return far_transfer(cpu, op, pointer.selector, pointer.offset);                   \
    }
RF_SIZES_WIDE(FAR_MEM)
static RF_OP(far_direct) { return far_transfer(cpu, op, (uint16_t)op->disp, op->imm); }

bool rf_lower_far(struct rf_lower *l)
{
    static rf_run *const runs[4] = RF_ROW_WIDE(far_mem);
    struct rf_op *op;
    if (l->ins.mnemonic == ZYDIS_MNEMONIC_RET) {
        op = rf_emit(l, far_return);
        if (l->ins.operand_count_visible && rf_is_imm(&l->operand[0]))
            op->imm = l->operand[0].imm.value.u & 0xffff;
        op->stack = 1;
    } else if (rf_is_mem(&l->operand[0])) {
        op = rf_emit_mem(l, runs[rf_size_log2(l->ins.operand_width)], 0);
    } else {
        op = rf_emit(l, far_direct);
        op->disp = l->operand[0].ptr.segment;
        op->imm = l->operand[0].ptr.offset;
    }
    op->c = l->ins.mnemonic == ZYDIS_MNEMONIC_CALL;
    op->a = l->ins.operand_width / 8;
    l->ends_block = true;
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_LDS, lower_load_far },      { ZYDIS_MNEMONIC_LES, lower_load_far },
    { ZYDIS_MNEMONIC_LFS, lower_load_far },      { ZYDIS_MNEMONIC_LGS, lower_load_far },
    { ZYDIS_MNEMONIC_LSS, lower_load_far },      { ZYDIS_MNEMONIC_ARPL, lower_arpl },
    { ZYDIS_MNEMONIC_LGDT, lower_table },        { ZYDIS_MNEMONIC_LIDT, lower_table },
    { ZYDIS_MNEMONIC_SGDT, lower_table },        { ZYDIS_MNEMONIC_SIDT, lower_table },
    { ZYDIS_MNEMONIC_LLDT, lower_load_system },  { ZYDIS_MNEMONIC_LTR, lower_load_system },
    { ZYDIS_MNEMONIC_SLDT, lower_store_system }, { ZYDIS_MNEMONIC_STR, lower_store_system },
    { ZYDIS_MNEMONIC_SMSW, lower_store_system }, { ZYDIS_MNEMONIC_LMSW, lower_lmsw },
    { ZYDIS_MNEMONIC_LAR, lower_query },         { ZYDIS_MNEMONIC_LSL, lower_query },
    { ZYDIS_MNEMONIC_VERR, lower_query },        { ZYDIS_MNEMONIC_VERW, lower_query },
};
const struct rf_lower_table rf_lower_segment = RF_LOWER_TABLE(entries);

/* Segment registers and table registers: MOV, PUSH and POP of segments, LDS and its family,
 * LGDT and its family, far transfers. */
#include "cpu/ops/integer.h"
#include "cpu/ops/privileged.h"
#include "cpu/privilege.h"
#include "cpu/segmentation.h"

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
        if (!rf_mmu_canonical_base(value.base))                                           \
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
    { ZYDIS_MNEMONIC_LDS, lower_load_far }, { ZYDIS_MNEMONIC_LES, lower_load_far },
    { ZYDIS_MNEMONIC_LFS, lower_load_far }, { ZYDIS_MNEMONIC_LGS, lower_load_far },
    { ZYDIS_MNEMONIC_LSS, lower_load_far },
    { ZYDIS_MNEMONIC_LGDT, lower_table },   { ZYDIS_MNEMONIC_LIDT, lower_table },
    { ZYDIS_MNEMONIC_SGDT, lower_table },   { ZYDIS_MNEMONIC_SIDT, lower_table },
};
const struct rf_lower_table rf_lower_segment = RF_LOWER_TABLE(entries);

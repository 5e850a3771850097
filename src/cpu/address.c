/* Memory operands: from what Zydis says of one to the fields of an op, with an op before it
 * that forms the address where the handler's own sum of base, index and displacement will
 * not do: a segment base, an address of 32 or 16 bits, a segment that must be checked. */
#include "cpu/block.h"
#include "cpu/lower.h"
#include "cpu/ops/x87.h"
#include "cpu/segmentation.h"

/* --- ops: all leave a linear address in r[RF_REG_EA] --- */

RF_INLINE uint64_t cut(uint64_t ea, unsigned bits)
{
    return bits == 64 ? ea : bits == 32 ? (uint32_t)ea : (uint16_t)ea;
}

/* Segment base (op->imm: its byte offset in rf_cpu) + effective address of op->a bits; op->b:
 * not 64-bit mode; op->c is added. */
static RF_OP(op_address)
{
    uint64_t ea = rf_ea(cpu, op) + op->c;
    if (op->a == 32)
        ea = (uint32_t)ea;
    else if (op->a == 16)
        ea = (uint16_t)ea;
    ea += RF_AT(uint64_t, op->imm);
    cpu->r[RF_REG_EA] = op->b ? (uint32_t)ea : ea;
    RF_NEXT;
}

static RF_OP(op_address_absolute)
{
    cpu->r[RF_REG_EA] = op->imm + RF_AT(uint64_t, op->disp);
    RF_NEXT;
}

/* op->b: the segment's number; op->imm: size * 2 + whether it is written, and MUST_BE_ALIGNED:
 * then misalignment, which is #GP, comes before #SS. */
#define ACCESS_SIZE(imm) ((unsigned)(imm) >> 1 & 0x7fff)
#define MUST_BE_ALIGNED UINT64_C(0x10000)
static RF_OP(op_address_checked)
{
    const struct rf_segment *s = &cpu->seg[op->b];
    uint32_t ea = (uint32_t)cut(rf_ea(cpu, op) + op->c, op->a);
    if (!rf_segment_allows(s, ea, ACCESS_SIZE(op->imm), op->imm & 1)) {
        bool misaligned = op->imm & MUST_BE_ALIGNED && (ea + s->base) & 15;
        return rf_op_raise(cpu, op, op->stack && !misaligned ? RF_SS : RF_GP, true, 0);
    }
    cpu->r[RF_REG_EA] = (uint32_t)(ea + s->base);
    RF_NEXT;
}

/* A bit string: the offset in register op->c moves the address in steps of the operand (SDM
 * 2A, BT). The handler does that too, so it is taken off again at the end. op->imm bits 0 to
 * 15: as in op_address_checked, 0 without a check; 16 to 23: the operand's bits; 24 up: byte
 * offset of the segment base. */
static RF_OP(op_address_bit_string)
{
    unsigned bits = op->imm >> 16 & 0xff, check = op->imm & 0xffff;
    int64_t offset = bits == 16   ? (int16_t)RF_R16(op->c)
                     : bits == 32 ? (int32_t)RF_R32(op->c)
                                  : (int64_t)RF_R64(op->c);
    uint64_t move = (uint64_t)(offset >> __builtin_ctz(bits)) * (bits / 8);
    uint64_t ea = cut(rf_ea(cpu, op) + move, op->a);
    if (check && !rf_segment_allows(&cpu->seg[op->b], (uint32_t)ea, check >> 1, check & 1))
        return rf_op_raise(cpu, op, op->stack ? RF_SS : RF_GP, true, 0);
    ea += RF_AT(uint64_t, op->imm >> 24);
    cpu->r[RF_REG_EA] = (cpu->code_bits == 64 ? ea : (uint32_t)ea) - move;
    RF_NEXT;
}

/* --- lowering --- */

size_t rf_segment_base_offset(const struct rf_lower *l, ZydisRegister segment)
{
    unsigned number = (unsigned)(segment - ZYDIS_REGISTER_ES);
    if (l->code_bits == 64 && segment != ZYDIS_REGISTER_FS && segment != ZYDIS_REGISTER_GS)
        return RF_OFFSET(RF_REG_ZERO);
    return offsetof(struct rf_cpu, seg) + number * sizeof(struct rf_segment) +
           offsetof(struct rf_segment, base);
}

/* CS is never writable, and FS and GS are seldom flat: they are always checked. */
bool rf_segment_checked(const struct rf_lower *l, ZydisRegister segment)
{
    if (l->code_bits == 64)
        return false;
    return l->cpu->block_mode & RF_MODE_SEGMENTED || segment == ZYDIS_REGISTER_CS ||
           segment == ZYDIS_REGISTER_FS || segment == ZYDIS_REGISTER_GS;
}

static uint8_t address_register(ZydisRegister reg)
{
    if (reg == ZYDIS_REGISTER_NONE)
        return RF_OFFSET(RF_REG_ZERO);
    if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
        return RF_OFFSET(RF_REG_IP);
    return rf_reg_offset(reg);
}

/* Size and kind of the access as op_address_checked wants them. */
static uint64_t access_of(const ZydisDecodedOperand *operand)
{
    bool write = operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    uint64_t size = operand->size >= 8 ? operand->size / 8u : 1;
    return size * 2 + write;
}

/* A pending #MF comes before what the segment has to say. */
static bool waits_for_x87(const struct rf_lower *l)
{
    switch (l->ins.mnemonic) {
    case ZYDIS_MNEMONIC_FNSTCW:
    case ZYDIS_MNEMONIC_FNSTSW:
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FNSAVE: return false;
    default: break;
    }
    for (unsigned i = 0; i < l->ins.operand_count; i++)
        if (rf_is_reg(&l->operand[i]) &&
            ZydisRegisterGetClass(l->operand[i].reg.value) == ZYDIS_REGCLASS_MMX)
            return true;
    return l->ins.meta.isa_ext == ZYDIS_ISA_EXT_X87 || l->ins.mnemonic == ZYDIS_MNEMONIC_FISTTP;
}

/* SSE operands of 16 bytes, but for the moves and comparisons that say otherwise (SDM 1, 10.4.1.1
 * and 12.8.3). */
static bool must_be_aligned(const struct rf_lower *l, const ZydisDecodedOperand *operand)
{
    switch (l->ins.mnemonic) {
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVUPD:
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_PCMPESTRI:
    case ZYDIS_MNEMONIC_PCMPESTRM:
    case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_PCMPISTRM: return false;
    default: break;
    }
    return operand->size == 128 && !(l->ins.attributes & ZYDIS_ATTRIB_HAS_VEX);
}

/* The op that forms the address `from` in segment `mem->segment`. */
static void form_address(struct rf_lower *l, const ZydisDecodedOperand *operand,
                         const struct rf_address *from, size_t base_offset)
{
    ZydisRegister segment = operand->mem.segment;
    bool agen = operand->mem.type == ZYDIS_MEMOP_TYPE_AGEN;
    bool checked = !agen && rf_segment_checked(l, segment);
    if (checked && waits_for_x87(l))
        rf_emit(l, rf_x87_wait);
    struct rf_op *op = rf_emit(l, checked ? op_address_checked : op_address);
    rf_set_address(op, from);
    op->a = l->ins.address_width;
    if (l->bit_offset) {
        op->run = op_address_bit_string;
        op->b = (uint8_t)(segment - ZYDIS_REGISTER_ES);
        op->c = rf_reg_offset(l->bit_offset->reg.value);
        op->imm = (checked ? access_of(operand) : 0) | (uint64_t)operand->size << 16 |
                  (uint64_t)base_offset << 24;
        return;
    }
    op->c = l->address_extra;
    op->b = checked ? (uint8_t)(segment - ZYDIS_REGISTER_ES) : l->code_bits != 64;
    op->imm = base_offset;
    if (checked)
        op->imm = access_of(operand) | (must_be_aligned(l, operand) ? MUST_BE_ALIGNED : 0);
}

struct rf_address rf_address(struct rf_lower *l, const ZydisDecodedOperand *operand)
{
    const ZydisDecodedOperandMem *mem = &operand->mem;
    bool agen = mem->type == ZYDIS_MEMOP_TYPE_AGEN;
    size_t segment = agen ? RF_OFFSET(RF_REG_ZERO) : rf_segment_base_offset(l, mem->segment);
    int64_t disp = mem->disp.value;
    bool narrow = l->ins.address_width != 64;
    if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP)
        disp += l->ip_offset + l->ins.length;
    if (narrow && l->code_bits != 64)
        disp = (int32_t)disp;
    struct rf_address address = {
        .base = address_register(mem->base),
        .index = address_register(mem->index),
        .has_index = mem->index != ZYDIS_REGISTER_NONE,
        .scale = (uint8_t)(mem->scale > 1 ? __builtin_ctz(mem->scale) : 0),
        .stack = mem->segment == ZYDIS_REGISTER_SS,
        .disp = (int32_t)disp,
    };
    if (segment == RF_OFFSET(RF_REG_ZERO) && !narrow && disp == (int32_t)disp && !l->address_extra)
        return address;
    if (disp != (int32_t)disp) {
        /* a 64-bit displacement comes without registers, or RIP-relative near the
         * 2 GiB limit: the register part is then RIP */
        struct rf_op *op = rf_emit(l, op_address_absolute);
        op->imm = (uint64_t)disp;
        op->disp = (int32_t)address.base;
        if (segment != RF_OFFSET(RF_REG_ZERO))
            op->disp = (int32_t)segment;
    } else {
        form_address(l, operand, &address, segment);
    }
    return (struct rf_address){ .base = RF_OFFSET(RF_REG_EA),
                                .index = RF_OFFSET(RF_REG_ZERO),
                                .stack = address.stack };
}

/* op->imm is the byte offset of the segment base. op->b: it is segment op->c, which must allow
 * the access. */
static RF_OP(implicit_address)
{
    uint64_t ea = RF_R8(op->index) + RF_R64(op->base);
    if (op->a != 64)
        ea = op->a == 32 ? (uint32_t)ea : (uint16_t)ea;
    if (op->b && !rf_segment_allows(&cpu->seg[op->c], (uint32_t)ea, 1, false))
        return rf_op_raise(cpu, op, op->stack ? RF_SS : RF_GP, true, 0);
    ea += RF_AT(uint64_t, op->imm);
    cpu->r[RF_REG_EA] = op->b ? (uint32_t)ea : ea;
    RF_NEXT;
}

struct rf_op *rf_emit_implicit(struct rf_lower *l, rf_run *run, ZydisRegister segment, enum rf_reg base,
                               bool add_al)
{
    const bool stack = segment == ZYDIS_REGISTER_SS;
    struct rf_op *op = rf_emit(l, implicit_address);
    op->a = l->ins.address_width;
    op->b = rf_segment_checked(l, segment);
    op->c = (uint8_t)(segment - ZYDIS_REGISTER_ES);
    op->base = RF_OFFSET(base);
    if (add_al)
        op->index = RF_OFFSET(RF_RAX);
    op->stack = stack;
    op->imm = rf_segment_base_offset(l, segment);
    op = rf_emit(l, run);
    op->base = RF_OFFSET(RF_REG_EA);
    op->stack = stack;
    return op;
}

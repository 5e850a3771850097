/* Decoding: guest bytes -> Zydis instructions -> flag liveness -> ops of one block.
 *
 * A block is formed by guest bytes and CPU mode alone: it ends at a control transfer, at
 * an instruction that may change the mode, at the page end, or after
 * RF_BLOCK_MAX_INSTRUCTIONS. */
#include "base/host.h"
#include "cpu/block.h"
#include "cpu/debug.h"
#include "cpu/engine.h"
#include "cpu/isa.h"
#include "cpu/lower.h"

#include <stdlib.h>

#define MAX_OPS (RF_BLOCK_MAX_INSTRUCTIONS * 6 + 8)

struct decoded {
    ZydisDecodedInstruction ins;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
    uint32_t flags_live; /* after the instruction */
};

struct rf_decoder {
    ZydisDecoder zydis64, zydis32, zydis16;
    unsigned host; /* RF_HOST_* */
    rf_lower_fn *lower[ZYDIS_MNEMONIC_MAX_VALUE + 1];
    struct decoded decoded[RF_BLOCK_MAX_INSTRUCTIONS];
    struct rf_op ops[MAX_OPS];
};

static const struct rf_lower_table *const families[] = {
    &rf_lower_alu,         &rf_lower_move,       &rf_lower_branch,      &rf_lower_shift,
    &rf_lower_muldiv,      &rf_lower_bits,       &rf_lower_string,      &rf_lower_stack,
    &rf_lower_system,      &rf_lower_segment,    &rf_lower_sse_move,    &rf_lower_sse_float,
    &rf_lower_sse_int,     &rf_lower_sse_shuffle, &rf_lower_sse_convert, &rf_lower_sse_string,
    &rf_lower_exchange,    &rf_lower_flagop,     &rf_lower_port,
    &rf_lower_sha,         &rf_lower_gfni,
    &rf_lower_crypto,      &rf_lower_x87,        &rf_lower_mmx,         &rf_lower_fpu_state,
    &rf_lower_xsave,
    &rf_lower_stack_any,   &rf_lower_compat,     &rf_lower_monitor,    &rf_lower_descriptor,
    &rf_lower_cet_branch,  &rf_lower_shadow_stack,
};

static void add_family(struct rf_decoder *d, const struct rf_lower_table *family)
{
    for (size_t i = 0; i < family->count; i++)
        d->lower[family->entries[i].mnemonic] = family->entries[i].lower;
}

struct rf_decoder *rf_decoder_create(struct rf_error *err)
{
    struct rf_decoder *d = calloc(1, sizeof *d);
    if (!d) {
        rf_error_set(err, RF_ERR_NO_MEMORY, "no memory for the decoder");
        return NULL;
    }
    ZydisDecoderInit(&d->zydis64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderInit(&d->zydis32, ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
    ZydisDecoderInit(&d->zydis16, ZYDIS_MACHINE_MODE_LONG_COMPAT_16, ZYDIS_STACK_WIDTH_16);
    for (size_t f = 0; f < RF_ARRAY_SIZE(families); f++)
        add_family(d, families[f]);
    rf_decoder_use_host(d, rf_host_features());
    return d;
}

void rf_decoder_use_host(struct rf_decoder *d, unsigned host)
{
    d->host = host;
    const struct rf_lower_table *const *avx = rf_avx_families(host);
    for (size_t f = 0; avx[f]; f++)
        add_family(d, avx[f]);
}

void rf_decoder_set_features(struct rf_decoder *d, rf_feature_set features)
{
    rf_isa_set_decoder(&d->zydis64, features);
    rf_isa_set_decoder(&d->zydis32, features);
    rf_isa_set_decoder(&d->zydis16, features);
}

void rf_decoder_destroy(struct rf_decoder *decoder)
{
    free(decoder);
}

/* --- what an instruction does to flags, and whether it may fault --- */

static bool touches_memory(const struct decoded *d)
{
    for (unsigned i = 0; i < d->ins.operand_count; i++)
        if (rf_is_mem(&d->operand[i]) && d->operand[i].mem.type != ZYDIS_MEMOP_TYPE_AGEN)
            return true;
    return false;
}

/* MMX registers are the x87's: their instructions raise a pending #MF (SDM 1, 8.7). */
static bool touches_mmx(const struct decoded *d)
{
    for (unsigned i = 0; i < d->ins.operand_count; i++)
        if (rf_is_reg(&d->operand[i]) &&
            ZydisRegisterGetClass(d->operand[i].reg.value) == ZYDIS_REGCLASS_MMX)
            return true;
    return false;
}

/* Instructions that the mode refuses, or that are not implemented, end their block early:
 * lower_block then comes back with them as its last, before which all flags are live. */
static bool may_fault(const struct decoded *d)
{
    if (touches_memory(d) || touches_mmx(d) || d->ins.mnemonic == ZYDIS_MNEMONIC_DIV ||
        d->ins.mnemonic == ZYDIS_MNEMONIC_IDIV)
        return true;
    switch (d->ins.meta.category) {
    case ZYDIS_CATEGORY_BINARY:
    case ZYDIS_CATEGORY_LOGICAL:
    case ZYDIS_CATEGORY_DATAXFER:
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_ROTATE:
    case ZYDIS_CATEGORY_BITBYTE:
    case ZYDIS_CATEGORY_BMI1:
    case ZYDIS_CATEGORY_BMI2:
    case ZYDIS_CATEGORY_LZCNT:
    case ZYDIS_CATEGORY_CMOV:
    case ZYDIS_CATEGORY_SETCC:
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP:
    case ZYDIS_CATEGORY_COND_BR:
        return false;
    case ZYDIS_CATEGORY_CONVERT: /* CBW and its family, but also CVT*, which may raise #XM */
        return d->ins.meta.isa_ext != ZYDIS_ISA_EXT_BASE && d->ins.meta.isa_ext != ZYDIS_ISA_EXT_LONGMODE;
    case ZYDIS_CATEGORY_MISC:
        return d->ins.mnemonic != ZYDIS_MNEMONIC_LEA;
    default:
        return true;
    }
}

static uint32_t flags_read(const ZydisDecodedInstruction *ins)
{
    return ins->cpu_flags ? (uint32_t)ins->cpu_flags->tested & RF_FLAGS_STATUS : 0;
}

/* Flags that the instruction certainly gives a value that does not depend on their old
 * one. A shift by a count of zero, and a REP that runs no iteration, write none. */
static uint32_t flags_killed(const struct decoded *d)
{
    if (!d->ins.cpu_flags)
        return 0;
    switch (d->ins.meta.category) {
    case ZYDIS_CATEGORY_BINARY:
    case ZYDIS_CATEGORY_LOGICAL:
        break;
    case ZYDIS_CATEGORY_SHIFT:
        if (d->ins.operand_count_visible >= 2 && rf_is_imm(&d->operand[1]) &&
            (d->operand[1].imm.value.u & 31) != 0)
            break;
        return 0;
    default:
        return 0;
    }
    const ZydisAccessedFlags *f = d->ins.cpu_flags;
    return (f->modified | f->set_0 | f->set_1) & RF_FLAGS_STATUS;
}

static void compute_liveness(struct decoded *decoded, unsigned count)
{
    uint32_t live = RF_FLAGS_STATUS;
    for (unsigned i = count; i-- > 0;) {
        struct decoded *d = &decoded[i];
        d->flags_live = live;
        if (may_fault(d))
            live = RF_FLAGS_STATUS;
        else
            live = (live & ~flags_killed(d)) | flags_read(&d->ins);
    }
}

static bool writes_flags(const ZydisDecodedInstruction *ins)
{
    const ZydisAccessedFlags *f = ins->cpu_flags;
    return f && ((f->modified | f->set_0 | f->set_1 | f->undefined) & RF_FLAGS_STATUS);
}

/* Instructions after which the decoder must not look further. */
static bool ends_block(const ZydisDecodedInstruction *ins)
{
    if (ins->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE)
        return true;
    switch (ins->meta.category) {
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_CALL:
        return true;
    default:
        return false;
    }
}

/* --- prices --- */

static enum rf_cost_class cost_class(const ZydisDecodedInstruction *ins)
{
    switch (ins->mnemonic) {
    case ZYDIS_MNEMONIC_LEA: return RF_COST_LEA;
    case ZYDIS_MNEMONIC_MUL:
    case ZYDIS_MNEMONIC_IMUL:
    case ZYDIS_MNEMONIC_MULX: return RF_COST_MUL;
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV: return RF_COST_DIV;
    case ZYDIS_MNEMONIC_DIVPD: case ZYDIS_MNEMONIC_DIVPS:
    case ZYDIS_MNEMONIC_DIVSD: case ZYDIS_MNEMONIC_DIVSS:
    case ZYDIS_MNEMONIC_VDIVPD: case ZYDIS_MNEMONIC_VDIVPS:
    case ZYDIS_MNEMONIC_VDIVSD: case ZYDIS_MNEMONIC_VDIVSS: return RF_COST_FP_DIV;
    case ZYDIS_MNEMONIC_SQRTPD: case ZYDIS_MNEMONIC_SQRTPS:
    case ZYDIS_MNEMONIC_SQRTSD: case ZYDIS_MNEMONIC_SQRTSS:
    case ZYDIS_MNEMONIC_VSQRTPD: case ZYDIS_MNEMONIC_VSQRTPS:
    case ZYDIS_MNEMONIC_VSQRTSD: case ZYDIS_MNEMONIC_VSQRTSS: return RF_COST_FP_SQRT;
    case ZYDIS_MNEMONIC_MULPD: case ZYDIS_MNEMONIC_MULPS:
    case ZYDIS_MNEMONIC_MULSD: case ZYDIS_MNEMONIC_MULSS:
    case ZYDIS_MNEMONIC_VMULPD: case ZYDIS_MNEMONIC_VMULPS:
    case ZYDIS_MNEMONIC_VMULSD: case ZYDIS_MNEMONIC_VMULSS: return RF_COST_FP_MUL;
    case ZYDIS_MNEMONIC_ADDPD: case ZYDIS_MNEMONIC_ADDPS: case ZYDIS_MNEMONIC_ADDSD:
    case ZYDIS_MNEMONIC_ADDSS: case ZYDIS_MNEMONIC_SUBPD: case ZYDIS_MNEMONIC_SUBPS:
    case ZYDIS_MNEMONIC_SUBSD: case ZYDIS_MNEMONIC_SUBSS: return RF_COST_FP_ADD;
    default: break;
    }
    if (ins->attributes & ZYDIS_ATTRIB_HAS_LOCK || ins->mnemonic == ZYDIS_MNEMONIC_CMPXCHG)
        return RF_COST_ATOMIC;
    switch (ins->meta.category) {
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP: return RF_COST_NOP;
    case ZYDIS_CATEGORY_DATAXFER:
        return ins->meta.isa_ext == ZYDIS_ISA_EXT_BASE ? RF_COST_MOVE : RF_COST_VECTOR_MOVE;
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_ROTATE: return RF_COST_SHIFT;
    case ZYDIS_CATEGORY_BITBYTE:
    case ZYDIS_CATEGORY_BMI1:
    case ZYDIS_CATEGORY_BMI2:
    case ZYDIS_CATEGORY_LZCNT: return RF_COST_BIT;
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR: return RF_COST_BRANCH;
    case ZYDIS_CATEGORY_CALL: return RF_COST_CALL;
    case ZYDIS_CATEGORY_RET: return RF_COST_RET;
    case ZYDIS_CATEGORY_PUSH:
    case ZYDIS_CATEGORY_POP: return RF_COST_PUSH_POP;
    case ZYDIS_CATEGORY_STRINGOP: return RF_COST_STRING;
    case ZYDIS_CATEGORY_SEMAPHORE: return RF_COST_ATOMIC;
    case ZYDIS_CATEGORY_X87_ALU: return RF_COST_X87;
    case ZYDIS_CATEGORY_CONVERT: return RF_COST_CONVERT;
    case ZYDIS_CATEGORY_SSE:
    case ZYDIS_CATEGORY_MMX:
    case ZYDIS_CATEGORY_LOGICAL_FP:
    case ZYDIS_CATEGORY_AVX:
    case ZYDIS_CATEGORY_AVX2:
    case ZYDIS_CATEGORY_AVX2GATHER:
    case ZYDIS_CATEGORY_BROADCAST:
    case ZYDIS_CATEGORY_AES:
    case ZYDIS_CATEGORY_VAES:
    case ZYDIS_CATEGORY_PCLMULQDQ:
    case ZYDIS_CATEGORY_VPCLMULQDQ:
    case ZYDIS_CATEGORY_GFNI:
    case ZYDIS_CATEGORY_SHA: return RF_COST_VECTOR_INT;
    case ZYDIS_CATEGORY_VFMA: return RF_COST_FP_MUL;
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_INTERRUPT: return RF_COST_SYSTEM;
    default: return RF_COST_ALU;
    }
}

static unsigned price(const struct rf_cpu *cpu, const struct decoded *d, enum rf_cost_class class)
{
    bool reads = false, writes = false;
    for (unsigned i = 0; i < d->ins.operand_count; i++) {
        const ZydisDecodedOperand *o = &d->operand[i];
        if (!rf_is_mem(o) || o->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
            continue;
        reads |= (o->actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
        writes |= (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
    }
    return rf_cost_instruction(cpu->cost, class, reads, writes);
}

/* --- ops that stand for something that cannot be executed --- */

static RF_OP(op_raise_ud)
{
    return rf_op_ud(cpu, op);
}

static RF_OP(op_raise_gp)
{
    return rf_op_gp0(cpu, op);
}

static RF_OP(op_raise_nm)
{
    return rf_op_raise(cpu, op, RF_NM, false, 0);
}

/* op[2] holds the instruction's bytes. */
static RF_NOINLINE void report_unimplemented(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint8_t bytes[16];
    memcpy(bytes, op + 2, sizeof bytes);
    cpu->r[RF_REG_IP] += op->ip_offset;
    cpu->unimplemented(cpu->unimplemented_user, cpu, bytes, op->length);
    cpu->r[RF_REG_IP] -= op->ip_offset;
}

static RF_OP(op_unimplemented)
{
    if (cpu->unimplemented)
        report_unimplemented(cpu, op);
    return rf_op_ud(cpu, op);
}

static RF_OP(op_step_begin)
{
    cpu->step_armed = true;
    RF_NEXT;
}

static RF_OP(op_debug_begin)
{
    if (rf_debug_begin(cpu))
        return rf_dispatch(cpu);
    RF_NEXT;
}

/* The block goes on in the next one. */
static RF_OP(op_fall)
{
    RF_LEAVE(fall);
}

/* --- lowering --- */

struct rf_op *rf_emit(struct rf_lower *l, rf_run *run)
{
    struct rf_op *op = l->out++;
    memset(op, 0, sizeof *op);
    op->run = run;
    op->a = op->b = op->c = op->base = op->index = RF_OFFSET(RF_REG_ZERO);
    op->length = l->ins.length;
    op->number = l->number & 0x7f;
    op->ip_offset = l->ip_offset;
    return op;
}

#define MODE_REFUSES \
    (RF_MODE_NO_SSE | RF_MODE_NO_AVX | RF_MODE_NO_X87 | RF_MODE_TASK_SWITCHED | RF_MODE_REAL)

/* Availability of the units by CR0, CR4 and XCR0 (SDM 3A, 2.5, table 2-2, and 13.1). */
static rf_run *refused_by_mode(const struct rf_cpu *cpu, const ZydisDecodedInstruction *ins)
{
    const uint32_t mode = cpu->block_mode;
    if (RF_LIKELY(!(mode & MODE_REFUSES)))
        return NULL;
    if (mode & RF_MODE_REAL && ins->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) /* SDM 2A, 2.5 */
        return op_raise_ud;
    rf_run *task_switched = mode & RF_MODE_TASK_SWITCHED ? op_raise_nm : NULL;
    switch (rf_isa_unit(ins)) {
    case RF_ISA_WAIT: return mode & RF_MODE_WAIT ? op_raise_nm : NULL;
    case RF_ISA_AVX: return mode & RF_MODE_NO_AVX ? op_raise_ud : task_switched;
    case RF_ISA_SSE: return mode & RF_MODE_NO_SSE ? op_raise_ud : task_switched;
    case RF_ISA_MMX: return mode & RF_MODE_NO_X87 ? op_raise_ud : task_switched;
    case RF_ISA_X87: return mode & RF_MODE_NO_X87 ? op_raise_nm : task_switched;
    default: return NULL;
    }
}

/* What the CPU's model has not is #UD. */
static rf_run *refused_by_model(const struct rf_cpu *cpu, rf_feature_set asked)
{
    return asked != RF_ISA_NEVER && asked & ~cpu->features ? op_raise_ud : NULL;
}

static void emit_unimplemented(struct rf_lower *l, const uint8_t *bytes)
{
    rf_emit(l, op_unimplemented);
    l->ends_block = true;
    memset(l->out + 1, 0, sizeof(struct rf_op));
    memcpy(l->out + 1, bytes, l->ins.length < 16 ? l->ins.length : 16);
}

static void lower_one(struct rf_decoder *decoder, struct rf_lower *l, const uint8_t *bytes)
{
    rf_feature_set asked = rf_isa_features(&l->ins, l->cpu->code_bits);
    rf_run *refused = refused_by_model(l->cpu, asked);
    if (!refused)
        refused = refused_by_mode(l->cpu, &l->ins);
    /* A mnemonic may name an instruction that no model has, too: Zydis' LZCNT with VEX. */
    rf_lower_fn *lower = asked == RF_ISA_NEVER ? NULL : decoder->lower[l->ins.mnemonic];
    if (refused) {
        rf_emit(l, refused);
        l->ends_block = true;
    } else if (!lower || !lower(l)) {
        emit_unimplemented(l, bytes);
    }
}

/* What comes before the first instruction. */
static void emit_begin(struct rf_lower *l, ZydisMnemonic first)
{
    l->ins.length = 0;
    if (l->cpu->block_mode & RF_MODE_DEBUG)
        rf_emit(l, op_debug_begin);
    if (l->cpu->block_mode & RF_MODE_TRACKING)
        rf_emit_target_begin(l, first);
    if (l->cpu->block_mode & RF_MODE_STEP)
        rf_emit(l, op_step_begin);
}

static void fill_exit(struct rf_lower *l, int64_t fall, unsigned instructions,
                      unsigned quarter_cycles, uint64_t page_offset)
{
    struct rf_exit *exit = (struct rf_exit *)l->out++;
    memset(exit, 0, sizeof *exit);
    exit->fall_delta = (int32_t)fall;
    exit->taken_delta = (int32_t)(l->is_branch ? l->taken_delta : fall);
    /* 32-bit code wraps at 4 GiB and has a CS base: always by address. */
    bool near = l->code_bits == 64;
    if (!near || page_offset + (uint64_t)fall >= RF_PAGE_SIZE)
        exit->fall = &rf_far_op;
    if (!near || page_offset + (uint64_t)(int64_t)exit->taken_delta >= RF_PAGE_SIZE)
        exit->taken = &rf_far_op;
    exit->cost = (quarter_cycles + 3) / 4;
    exit->instructions = instructions;
}

/* Lower `count` decoded instructions. Returns how many were used: a lowering function may
 * end the block earlier than expected. */
static unsigned lower_block(struct rf_cpu *cpu, struct rf_decoder *decoder, const uint8_t *bytes,
                            unsigned count, uint64_t page_offset, unsigned *slots)
{
    struct rf_lower l = { .cpu = cpu,
                          .out = decoder->ops,
                          .limit = decoder->ops + MAX_OPS,
                          .host = decoder->host,
                          .code_bits = cpu->code_bits,
                          .cc_known = -1 };
    unsigned quarters = 0, used = 0;
    emit_begin(&l, decoder->decoded[0].ins.mnemonic);
    for (unsigned i = 0; i < count && !l.ends_block; i++) {
        const struct decoded *d = &decoder->decoded[i];
        l.ins = d->ins;
        memcpy(l.operand, d->operand, sizeof l.operand);
        l.flags_live = d->flags_live;
        l.number = (uint8_t)i;
        l.cost_class = cost_class(&d->ins);
        l.cc_after = writes_flags(&d->ins) ? -1 : l.cc_known;
        l.fusable_after = NULL;
        l.address_extra = 0;
        l.bit_offset = NULL;
        struct rf_op *first = l.out;
        lower_one(decoder, &l, bytes + l.ip_offset);
        for (struct rf_op *op = first; op < l.out; op++)
            op->cost = (uint16_t)((quarters + 2) / 4);
        quarters += price(cpu, d, l.cost_class);
        l.cc_known = l.cc_after;
        l.fusable = l.fusable_after;
        l.ip_offset = (uint16_t)(l.ip_offset + d->ins.length);
        used = i + 1;
    }
    if (!l.ends_block) {
        rf_emit(&l, op_fall);
        struct rf_op *fall = l.out - 1;
        fall->length = 0;
        fall->cost = (uint16_t)((quarters + 2) / 4);
        fall->number = used & 0x7f;
    }
    fill_exit(&l, l.ip_offset, used, quarters, page_offset);
    *slots = (unsigned)(l.out - decoder->ops) + 1; /* + op[2] of op_unimplemented */
    return used;
}

/* Decode up to the block's end. Returns the number of instructions; 0 when already the
 * first one cannot be decoded, with *status saying why. */
static unsigned decode_all(struct rf_cpu *cpu, struct rf_decoder *decoder, const uint8_t *bytes,
                           size_t size, unsigned most, ZyanStatus *status)
{
    const ZydisDecoder *zydis = cpu->code_bits == 64   ? &decoder->zydis64
                                : cpu->code_bits == 32 ? &decoder->zydis32
                                                       : &decoder->zydis16;
    size_t offset = 0;
    unsigned count = 0;
    *status = ZYAN_STATUS_SUCCESS;
    while (count < most && offset < size) {
        struct decoded *d = &decoder->decoded[count];
        *status = ZydisDecoderDecodeFull(zydis, bytes + offset, size - offset, &d->ins, d->operand);
        if (ZYAN_FAILED(*status))
            break;
        count++;
        offset += d->ins.length;
        if (ends_block(&d->ins))
            break;
    }
    cpu->counts.instructions_decoded += count;
    return count;
}

/* A block that only raises an exception: for bytes that are no instruction. */
static struct rf_block *refused_block(struct rf_cpu *cpu, struct rf_decoder *decoder, ZyanStatus status)
{
    struct rf_lower l = { .cpu = cpu, .out = decoder->ops, .code_bits = cpu->code_bits };
    emit_begin(&l, ZYDIS_MNEMONIC_INVALID);
    rf_emit(&l, status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG ? op_raise_gp : op_raise_ud);
    fill_exit(&l, 1, 1, 4, 0);
    const unsigned slots = (unsigned)(l.out - decoder->ops);
    struct rf_block *block = rf_block_allocate(cpu, slots);
    memcpy(block->ops, decoder->ops, slots * sizeof(struct rf_op));
    block->bytes = 1;
    return block;
}

struct rf_block *rf_decode_block(struct rf_cpu *cpu, struct rf_decoder *decoder,
                                 const uint8_t *bytes, size_t available, size_t readable)
{
    bool across = readable != available;
    bool single = across || cpu->block_mode & (RF_MODE_STEP | RF_MODE_DEBUG | RF_MODE_SHADOW | RF_MODE_SINGLE);
    unsigned most = single ? 1 : RF_BLOCK_MAX_INSTRUCTIONS;
    ZyanStatus status;
    unsigned count = decode_all(cpu, decoder, bytes, readable, most, &status);
    if (count == 0) {
        /* More must be fetched. That an instruction is too long is seen in its 15th byte. */
        if (readable < 15 && (status == ZYDIS_STATUS_NO_MORE_DATA ||
                              status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG))
            return NULL;
        return refused_block(cpu, decoder, status);
    }
    uint64_t page_offset = RF_PAGE_SIZE - available;
    unsigned slots, used;
    do {
        compute_liveness(decoder->decoded, count);
        used = count;
        count = lower_block(cpu, decoder, bytes, used, page_offset, &slots);
    } while (count < used);
    struct rf_block *block = rf_block_allocate(cpu, slots);
    memcpy(block->ops, decoder->ops, slots * sizeof(struct rf_op));
    for (unsigned i = 0; i < count; i++)
        block->bytes += decoder->decoded[i].ins.length;
    cpu->counts.blocks_decoded++;
    return block;
}

/* --- operands --- */

uint8_t rf_reg_offset(ZydisRegister reg)
{
    if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
        return (uint8_t)((reg - ZYDIS_REGISTER_AH) * 8 + 1);
    ZyanI8 id = ZydisRegisterGetId(reg);
    if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_R15B)
        id = (ZyanI8)(reg - ZYDIS_REGISTER_SPL + 4);
    else if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_BL)
        id = (ZyanI8)(reg - ZYDIS_REGISTER_AL);
    return (uint8_t)(id * 8);
}

uint8_t rf_vec_slot(ZydisRegister reg)
{
    unsigned number = (unsigned)ZydisRegisterGetId(reg);
    return ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_MMX ? (uint8_t)number : RF_VEC_SLOT(number);
}

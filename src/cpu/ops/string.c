/* MOVS STOS LODS CMPS SCAS INS OUTS with and without REP.
 *
 * RCX, RSI and RDI are exact after every iteration, so a fault or an interrupt in the
 * middle restarts the instruction where it stopped (SDM 2, REP). Runs inside one page on
 * both sides are moved at once. */
#include "cpu/block.h"
#include "cpu/bus.h"
#include "cpu/debug.h"
#include "cpu/ops/integer.h"
#include "cpu/privilege.h"
#include "cpu/segmentation.h"

enum repeat { ONCE, REP, REPE, REPNE };

/* op->a: element size in bytes; op->b: enum repeat; op->c: address size in bits;
 * op->imm, op->disp: byte offsets in rf_cpu of the source and destination segment base.
 * op->scale: segments must be checked; op->index is the source's number. Then, and with
 * 16-bit addresses, elements are moved one by one. */
RF_INLINE uint64_t cut(const struct rf_op *op, uint64_t address)
{
    return op->c == 64 ? address : op->c == 32 ? (uint32_t)address : (uint16_t)address;
}

RF_INLINE uint64_t source(const struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t va = cut(op, cpu->r[RF_RSI]) + RF_AT(const uint64_t, op->imm);
    return op->scale ? (uint32_t)va : va;
}

RF_INLINE uint64_t destination(const struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t va = cut(op, cpu->r[RF_RDI]) + RF_AT(const uint64_t, op->disp);
    return op->scale ? (uint32_t)va : va;
}

/* Does the segment allow the next element? */
static RF_NOINLINE bool allowed(struct rf_cpu *cpu, const struct rf_op *op, unsigned segment,
                                uint64_t offset, bool write)
{
    if (rf_segment_allows(&cpu->seg[segment], (uint32_t)cut(op, offset), op->a, write))
        return true;
    cpu->fault.kind = RF_FAULT_SEGMENT;
    return false;
}
RF_INLINE bool source_allowed(struct rf_cpu *cpu, const struct rf_op *op)
{
    return !op->scale || allowed(cpu, op, op->index, cpu->r[RF_RSI], false);
}
RF_INLINE bool destination_allowed(struct rf_cpu *cpu, const struct rf_op *op, bool write)
{
    return !op->scale || allowed(cpu, op, RF_ES, cpu->r[RF_RDI], write);
}
RF_INLINE bool one_by_one(const struct rf_cpu *cpu, const struct rf_op *op)
{
    return cpu->flags & RF_FLAG_DF || op->scale || op->c == 16;
}

/* Outside 16-bit addressing a register is written whole. */
RF_INLINE void set_register(struct rf_cpu *cpu, const struct rf_op *op, enum rf_reg reg, uint64_t value)
{
    if (op->c == 16)
        RF_R16(RF_OFFSET(reg)) = (uint16_t)value;
    else
        cpu->r[reg] = cut(op, value);
}

RF_INLINE uint64_t iterations(const struct rf_cpu *cpu, const struct rf_op *op)
{
    return op->b == ONCE ? 1 : cut(op, cpu->r[RF_RCX]);
}

/* n elements are done. */
RF_INLINE void advance(struct rf_cpu *cpu, const struct rf_op *op, bool si, bool di, uint64_t n)
{
    uint64_t step = n * op->a;
    if (cpu->flags & RF_FLAG_DF)
        step = 0 - step;
    if (si)
        set_register(cpu, op, RF_RSI, cpu->r[RF_RSI] + step);
    if (di)
        set_register(cpu, op, RF_RDI, cpu->r[RF_RDI] + step);
    if (op->b != ONCE) {
        set_register(cpu, op, RF_RCX, cpu->r[RF_RCX] - n);
        cpu->budget -= (int64_t)((n * cpu->cost->repeat_step + 3) / 4);
    }
}

RF_INLINE bool get(struct rf_cpu *cpu, uint64_t va, void *out, unsigned size)
{
    const void *place = rf_tlb_read(cpu->tlb, va, size);
    if (RF_UNLIKELY(!place))
        return rf_load_slow(cpu, va, out, size);
    memcpy(out, place, size);
    return true;
}

RF_INLINE bool put(struct rf_cpu *cpu, uint64_t va, const void *data, unsigned size)
{
    void *place = rf_tlb_write(cpu->tlb, va, size);
    if (RF_UNLIKELY(!place))
        return rf_store_slow(cpu, va, data, size);
    memcpy(place, data, size);
    return true;
}

/* Something else is due before the next iteration. */
RF_INLINE bool must_pause(const struct rf_cpu *cpu, const struct rf_op *op)
{
    return cpu->budget < op->cost || cpu->code_changed;
}

/* How a run of iterations ended. NOT_PERMITTED: by a port, or by ES, which is never #SS. */
enum outcome { DONE, PAUSED, FAULTED, NOT_PERMITTED };

static struct rf_op *finish(struct rf_cpu *cpu, struct rf_op *op, enum outcome outcome)
{
    if (RF_LIKELY(outcome == DONE))
        return rf_after_slow(cpu, op);
    if (outcome == FAULTED)
        return rf_op_fault(cpu, op);
    if (outcome == NOT_PERMITTED)
        return rf_op_gp0(cpu, op);
    rf_op_sync(cpu, op); /* the same instruction goes on after what is due */
    cpu->code_changed = false;
    if (cpu->block_mode & RF_MODE_DEBUG)
        cpu->flags |= RF_FLAG_RF; /* whose breakpoint is not met again (SDM 3B, 18.3.1.1) */
    return rf_dispatch(cpu);
}

/* Elements that fit before the end of va's page. */
RF_INLINE uint64_t until_page_end(uint64_t va, unsigned size)
{
    return (RF_PAGE_SIZE - (va & RF_PAGE_MASK)) / size;
}

/* Copy `bytes` upwards, element by element where the regions overlap. */
static void copy_up(uint8_t *to, const uint8_t *from, uint64_t bytes, unsigned size)
{
    if ((uint64_t)(to - from) >= bytes) {
        memmove(to, from, bytes);
        return;
    }
    for (uint64_t i = 0; i < bytes; i += size) {
        uint64_t element;
        memcpy(&element, from + i, size);
        memcpy(to + i, &element, size);
    }
}

/* As many elements as one page on each side holds; 0 if that is not possible. */
static uint64_t move_run(struct rf_cpu *cpu, const struct rf_op *op, uint64_t count)
{
    uint64_t from = source(cpu, op), to = destination(cpu, op), n = count;
    if (one_by_one(cpu, op))
        return 0;
    n = n < until_page_end(from, op->a) ? n : until_page_end(from, op->a);
    n = n < until_page_end(to, op->a) ? n : until_page_end(to, op->a);
    const uint8_t *read = rf_tlb_read(cpu->tlb, from, 1);
    uint8_t *write = rf_tlb_write(cpu->tlb, to, 1);
    if (!n || !read || !write)
        return 0;
    copy_up(write, read, n * op->a, op->a);
    return n;
}

static RF_NOINLINE enum outcome run_movs(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t count = iterations(cpu, op), element;
    while (count) {
        uint64_t n = move_run(cpu, op, count);
        if (!n) {
            if (!source_allowed(cpu, op) || !get(cpu, source(cpu, op), &element, op->a))
                return FAULTED;
            if (!destination_allowed(cpu, op, true))
                return NOT_PERMITTED;
            if (!put(cpu, destination(cpu, op), &element, op->a))
                return FAULTED;
            n = 1;
        }
        advance(cpu, op, true, true, n);
        count -= n;
        if (count && must_pause(cpu, op))
            return PAUSED;
    }
    return DONE;
}

static void fill(uint8_t *to, uint64_t value, uint64_t n, unsigned size)
{
    if (size == 1)
        memset(to, (int)(value & 0xff), n);
    else
        for (uint64_t i = 0; i < n; i++)
            memcpy(to + i * size, &value, size);
}

static uint64_t store_run(struct rf_cpu *cpu, const struct rf_op *op, uint64_t count)
{
    uint64_t to = destination(cpu, op);
    if (one_by_one(cpu, op))
        return 0;
    uint64_t n = count < until_page_end(to, op->a) ? count : until_page_end(to, op->a);
    uint8_t *write = rf_tlb_write(cpu->tlb, to, 1);
    if (!n || !write)
        return 0;
    fill(write, cpu->r[RF_RAX], n, op->a);
    return n;
}

static RF_NOINLINE enum outcome run_stos(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t count = iterations(cpu, op);
    while (count) {
        uint64_t n = store_run(cpu, op, count);
        if (!n) {
            if (!destination_allowed(cpu, op, true))
                return NOT_PERMITTED;
            if (!put(cpu, destination(cpu, op), &cpu->r[RF_RAX], op->a))
                return FAULTED;
            n = 1;
        }
        advance(cpu, op, false, true, n);
        count -= n;
        if (count && must_pause(cpu, op))
            return PAUSED;
    }
    return DONE;
}

static RF_NOINLINE enum outcome run_lods(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t count = iterations(cpu, op);
    while (count) {
        uint64_t element = 0;
        if (!source_allowed(cpu, op) || !get(cpu, source(cpu, op), &element, op->a))
            return FAULTED;
        if (op->a >= 4)
            cpu->r[RF_RAX] = element;
        else
            memcpy(&cpu->r[RF_RAX], &element, op->a);
        advance(cpu, op, true, false, 1);
        if (--count && must_pause(cpu, op))
            return PAUSED;
    }
    return DONE;
}

/* True if the repetition goes on after a comparison. */
RF_INLINE bool goes_on(const struct rf_op *op, bool equal)
{
    return op->b == REPNE ? !equal : equal;
}

RF_INLINE void set_compare_flags(struct rf_cpu *cpu, unsigned size, uint64_t a, uint64_t b)
{
    uint64_t mask = UINT64_MAX >> (64 - 8 * size);
    rf_cc_set(cpu, RF_CC_SUB + (uint32_t)__builtin_ctz(size), (a - b) & mask, b & mask);
}

static RF_NOINLINE enum outcome run_cmps(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t count = iterations(cpu, op);
    while (count) {
        uint64_t a = 0, b = 0;
        if (!source_allowed(cpu, op) || !get(cpu, source(cpu, op), &a, op->a))
            return FAULTED;
        if (!destination_allowed(cpu, op, false))
            return NOT_PERMITTED;
        if (!get(cpu, destination(cpu, op), &b, op->a))
            return FAULTED;
        set_compare_flags(cpu, op->a, a, b);
        advance(cpu, op, true, true, 1);
        count--;
        if (op->b == ONCE || !goes_on(op, a == b))
            break;
        if (count && must_pause(cpu, op))
            return PAUSED;
    }
    return DONE;
}

static RF_NOINLINE enum outcome run_scas(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t count = iterations(cpu, op), mask = UINT64_MAX >> (64 - 8 * op->a);
    while (count) {
        uint64_t a = cpu->r[RF_RAX] & mask, b = 0;
        if (!destination_allowed(cpu, op, false))
            return NOT_PERMITTED;
        if (!get(cpu, destination(cpu, op), &b, op->a))
            return FAULTED;
        set_compare_flags(cpu, op->a, a, b);
        advance(cpu, op, false, true, 1);
        count--;
        if (op->b == ONCE || !goes_on(op, a == b))
            break;
        if (count && must_pause(cpu, op))
            return PAUSED;
    }
    return DONE;
}

/* The permission comes before the memory access (SDM 2A, INS, and 2B, OUTS); and a port is read only
 * when the element can be stored. */
static RF_NOINLINE enum outcome run_ins(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint32_t element;
    if (!rf_port_allowed(cpu, (uint16_t)cpu->r[RF_RDX], op->a))
        return NOT_PERMITTED;
    for (uint64_t count = iterations(cpu, op); count;) {
        if (!destination_allowed(cpu, op, true))
            return NOT_PERMITTED;
        if (!rf_probe_write(cpu, destination(cpu, op), op->a))
            return FAULTED;
        element = rf_cpu_port_read(cpu, (uint16_t)cpu->r[RF_RDX], op->a);
        put(cpu, destination(cpu, op), &element, op->a);
        if (cpu->block_mode & RF_MODE_DEBUG)
            rf_debug_port(cpu, (uint16_t)cpu->r[RF_RDX], op->a);
        advance(cpu, op, false, true, 1);
        if (--count && must_pause(cpu, op))
            return PAUSED;
    }
    return DONE;
}

static RF_NOINLINE enum outcome run_outs(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t element = 0;
    if (!rf_port_allowed(cpu, (uint16_t)cpu->r[RF_RDX], op->a))
        return NOT_PERMITTED;
    for (uint64_t count = iterations(cpu, op); count;) {
        if (!source_allowed(cpu, op) || !get(cpu, source(cpu, op), &element, op->a))
            return FAULTED;
        rf_cpu_port_write(cpu, (uint16_t)cpu->r[RF_RDX], (uint32_t)element, op->a);
        if (cpu->block_mode & RF_MODE_DEBUG)
            rf_debug_port(cpu, (uint16_t)cpu->r[RF_RDX], op->a);
        advance(cpu, op, true, false, 1);
        if (--count && must_pause(cpu, op))
            return PAUSED;
    }
    return DONE;
}

#define STRING_OP(name)                                                                   \
    static RF_OP(name)                                                                    \
    {                                                                                     \
        cpu->block_spent = op->cost;                                                      \
        return finish(cpu, op, run_##name(cpu, op));                                      \
    }
STRING_OP(movs)
STRING_OP(stos)
STRING_OP(lods)
STRING_OP(cmps)
STRING_OP(scas)
STRING_OP(ins)
STRING_OP(outs)

static enum repeat repeat_of(const struct rf_lower *l, bool compares)
{
    if (l->ins.attributes & ZYDIS_ATTRIB_HAS_REPNE)
        return compares ? REPNE : REP;
    if (l->ins.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE))
        return compares ? REPE : REP;
    return ONCE;
}

static bool lower_string(struct rf_lower *l, rf_run *run, bool compares)
{
    ZydisRegister segment = ZYDIS_REGISTER_DS;
    unsigned bits = 8;
    for (unsigned i = 0; i < l->ins.operand_count; i++) {
        const ZydisDecodedOperand *o = &l->operand[i];
        if (!rf_is_mem(o))
            continue;
        bits = o->size;
        if (o->mem.base == ZYDIS_REGISTER_RSI || o->mem.base == ZYDIS_REGISTER_ESI ||
            o->mem.base == ZYDIS_REGISTER_SI)
            segment = o->mem.segment;
    }
    struct rf_op *op = rf_emit(l, run);
    op->a = (uint8_t)(bits / 8);
    op->b = (uint8_t)repeat_of(l, compares);
    op->c = l->ins.address_width;
    op->scale = rf_segment_checked(l, segment);
    op->index = (uint8_t)(segment - ZYDIS_REGISTER_ES);
    op->stack = op->scale && segment == ZYDIS_REGISTER_SS;
    op->imm = rf_segment_base_offset(l, segment);
    op->disp = (int32_t)rf_segment_base_offset(l, ZYDIS_REGISTER_ES);
    l->cost_class = RF_COST_STRING;
    return true;
}

static bool lower_movs(struct rf_lower *l) { return lower_string(l, movs, false); }
static bool lower_stos(struct rf_lower *l) { return lower_string(l, stos, false); }
static bool lower_lods(struct rf_lower *l) { return lower_string(l, lods, false); }
static bool lower_cmps(struct rf_lower *l) { return lower_string(l, cmps, true); }
static bool lower_scas(struct rf_lower *l) { return lower_string(l, scas, true); }
static bool lower_ins(struct rf_lower *l) { return lower_string(l, ins, false); }
static bool lower_outs(struct rf_lower *l) { return lower_string(l, outs, false); }

/* MOVSD and CMPSD name SSE2 instructions too: sse_move.c and sse_float.c sort them out. */
static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_MOVSB, lower_movs },  { ZYDIS_MNEMONIC_MOVSW, lower_movs },
    { ZYDIS_MNEMONIC_MOVSD, lower_movs }, { ZYDIS_MNEMONIC_MOVSQ, lower_movs },
    { ZYDIS_MNEMONIC_STOSB, lower_stos },  { ZYDIS_MNEMONIC_STOSW, lower_stos },
    { ZYDIS_MNEMONIC_STOSD, lower_stos },  { ZYDIS_MNEMONIC_STOSQ, lower_stos },
    { ZYDIS_MNEMONIC_LODSB, lower_lods },  { ZYDIS_MNEMONIC_LODSW, lower_lods },
    { ZYDIS_MNEMONIC_LODSD, lower_lods },  { ZYDIS_MNEMONIC_LODSQ, lower_lods },
    { ZYDIS_MNEMONIC_CMPSB, lower_cmps },  { ZYDIS_MNEMONIC_CMPSW, lower_cmps },
    { ZYDIS_MNEMONIC_CMPSD, lower_cmps }, { ZYDIS_MNEMONIC_CMPSQ, lower_cmps },
    { ZYDIS_MNEMONIC_SCASB, lower_scas },  { ZYDIS_MNEMONIC_SCASW, lower_scas },
    { ZYDIS_MNEMONIC_INSB, lower_ins },    { ZYDIS_MNEMONIC_INSW, lower_ins },
    { ZYDIS_MNEMONIC_INSD, lower_ins },    { ZYDIS_MNEMONIC_OUTSB, lower_outs },
    { ZYDIS_MNEMONIC_OUTSW, lower_outs },  { ZYDIS_MNEMONIC_OUTSD, lower_outs },
    { ZYDIS_MNEMONIC_SCASD, lower_scas },  { ZYDIS_MNEMONIC_SCASQ, lower_scas },
};
const struct rf_lower_table rf_lower_string = RF_LOWER_TABLE(entries);

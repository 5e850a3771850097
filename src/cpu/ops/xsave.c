/* XSAVE, XSAVEOPT, XSAVEC, XRSTOR, XGETBV, XSETBV (SDM 1, 13.7 to 13.10; SDM 2). */
#include "cpu/block.h"
#include "cpu/engine.h"
#include "cpu/lower.h"
#include "cpu/xsave.h"

/* Bits of op->a. */
#define WIDE_POINTERS 1u /* REX.W */
#define SIXTEEN 2u       /* 64-bit mode: all 16 vector registers */
#define OPTIMIZED 4u     /* XSAVEOPT: what is in its initial state is not written */
#define COMPACTED 8u     /* XSAVEC: nor is it here, and components follow each other */

#define SSE_OR_AVX (RF_XCR0_SSE | RF_XCR0_AVX)

/* Bytes of the area that an instruction reaches, and where they come from or go to. */
struct piece {
    uint32_t offset, size;
    void *data;
};

struct pieces {
    unsigned count;
    struct piece piece[8];
};

static void add(struct pieces *p, uint32_t offset, uint32_t size, void *data)
{
    p->piece[p->count++] = (struct piece){ offset, size, data };
}

static uint64_t requested(const struct rf_cpu *cpu)
{
    return (cpu->r[RF_RDX] << 32 | (uint32_t)cpu->r[RF_RAX]) & cpu->xcr0;
}

static unsigned vector_count(const struct rf_op *op)
{
    return op->a & SIXTEEN ? 16 : 8;
}

static void add_x87(struct pieces *p, struct rf_fxsave_area *area)
{
    add(p, 0, offsetof(struct rf_fxsave_area, mxcsr), area);
    add(p, offsetof(struct rf_fxsave_area, st), sizeof area->st, area->st);
}

static void add_mxcsr(struct pieces *p, struct rf_fxsave_area *area)
{
    add(p, offsetof(struct rf_fxsave_area, mxcsr), 8, &area->mxcsr);
}

static void add_xmm(struct pieces *p, struct rf_fxsave_area *area, unsigned count)
{
    add(p, offsetof(struct rf_fxsave_area, xmm), count * 16, area->xmm);
}

/* The extended components of `present`; `layout`: those a compacted area has room for, 0 in
 * standard format. */
static void add_extended(struct pieces *p, struct rf_xsave_area *area, uint64_t present,
                         uint64_t layout, unsigned count)
{
    uint32_t compacted = offsetof(struct rf_xsave_area, ymm_high);
    for (unsigned i = 2; i < 63; i++) {
        struct rf_xsave_component c = rf_xsave_component(i);
        if (present >> i & 1)
            add(p, layout ? compacted : c.offset, i == 2 ? count * 16 : c.size,
                (uint8_t *)area + c.offset);
        if (layout >> i & 1)
            compacted += c.size;
    }
}

/* --- saving --- */

static void fill(struct rf_cpu *cpu, const struct rf_op *op, struct rf_xsave_area *area)
{
    rf_x87_to_area(cpu, &area->legacy, op->a & WIDE_POINTERS);
    area->legacy.mxcsr = rf_fpu_mxcsr(cpu);
    area->legacy.mxcsr_mask = RF_MXCSR_MASK;
    rf_xmm_to_area(cpu, &area->legacy, 16);
    rf_ymm_to_area(cpu, area);
    area->pkru = cpu->mmu.pkru;
}

/* All of it can be written, or nothing is: probe, then store. False: cpu->fault is set. */
static bool store_pieces(struct rf_cpu *cpu, uint64_t va, const struct pieces *p)
{
    uint8_t scratch[256];
    for (unsigned i = 0; i < p->count; i++)
        if (!rf_load_rmw_slow(cpu, va + p->piece[i].offset, scratch, p->piece[i].size))
            return false;
    for (unsigned i = 0; i < p->count; i++)
        rf_store_slow(cpu, va + p->piece[i].offset, p->piece[i].data, p->piece[i].size);
    return true;
}

static RF_NOINLINE bool save(struct rf_cpu *cpu, const struct rf_op *op)
{
    const uint64_t va = rf_ea(cpu, op), wanted = requested(cpu);
    uint64_t in_use = rf_xsave_in_use(cpu);
    struct rf_xsave_area area;
    struct pieces p = { 0 };
    fill(cpu, op, &area);
    if (op->a & COMPACTED && area.legacy.mxcsr != RF_MXCSR_DEFAULT)
        in_use |= RF_XCR0_SSE; /* SDM 1, 13.10 */
    uint64_t written = op->a & (OPTIMIZED | COMPACTED) ? wanted & in_use : wanted;
    if (written & RF_XCR0_X87)
        add_x87(&p, &area.legacy);
    if (op->a & COMPACTED ? written & RF_XCR0_SSE : wanted & SSE_OR_AVX)
        add_mxcsr(&p, &area.legacy);
    if (written & RF_XCR0_SSE)
        add_xmm(&p, &area.legacy, vector_count(op));
    add_extended(&p, &area, written, op->a & COMPACTED ? wanted | RF_XCOMP_COMPACTED : 0,
                 vector_count(op));
    const uint32_t header = offsetof(struct rf_xsave_area, xstate_bv);
    if (op->a & COMPACTED) {
        area.xstate_bv = wanted & in_use;
        area.xcomp_bv = wanted | RF_XCOMP_COMPACTED;
        add(&p, header, 16, &area.xstate_bv);
    } else {
        if (!rf_load_rmw_slow(cpu, va + header, &area.xstate_bv, 8))
            return false;
        area.xstate_bv = (area.xstate_bv & ~wanted) | (wanted & in_use);
        add(&p, header, 8, &area.xstate_bv);
    }
    return store_pieces(cpu, va, &p);
}

static RF_OP(xsave)
{
    if (rf_ea(cpu, op) & 63)
        return rf_op_gp0(cpu, op);
    if (!save(cpu, op))
        return rf_op_fault(cpu, op);
    return rf_after_slow(cpu, op);
}

/* --- restoring --- */

enum restored { RESTORED, REFUSED, NOT_READABLE };

/* SDM 1, 13.8: which headers are #GP. */
static bool header_valid(const struct rf_cpu *cpu, const struct rf_xsave_area *area)
{
    bool compacted = area->xcomp_bv & RF_XCOMP_COMPACTED;
    uint64_t zero = area->reserved[0];
    if (compacted) {
        for (unsigned i = 1; i < RF_ARRAY_SIZE(area->reserved); i++)
            zero |= area->reserved[i];
        return !zero && rf_has(cpu->features, RF_FEATURE_XSAVEC) &&
               !(area->xcomp_bv & ~RF_XCOMP_COMPACTED & ~cpu->xcr0) &&
               !(area->xstate_bv & ~(area->xcomp_bv & ~RF_XCOMP_COMPACTED));
    }
    return !zero && !area->xcomp_bv && !(area->xstate_bv & ~cpu->xcr0);
}

static bool load_pieces(struct rf_cpu *cpu, uint64_t va, const struct pieces *p)
{
    for (unsigned i = 0; i < p->count; i++)
        if (!rf_load_slow(cpu, va + p->piece[i].offset, p->piece[i].data, p->piece[i].size))
            return false;
    return true;
}

/* The area holds what the components are to become, initial states included. */
static void take(struct rf_cpu *cpu, const struct rf_op *op, const struct rf_xsave_area *area,
                 uint64_t wanted, bool mxcsr)
{
    if (wanted & RF_XCR0_X87)
        rf_x87_from_area(cpu, &area->legacy, op->a & WIDE_POINTERS);
    if (mxcsr)
        rf_mxcsr_set(cpu, area->legacy.mxcsr);
    if (wanted & RF_XCR0_SSE)
        rf_xmm_from_area(cpu, &area->legacy, vector_count(op));
    for (unsigned i = 0; wanted & RF_XCR0_AVX && i < vector_count(op); i++)
        memcpy(&cpu->fpu.v[i].u64[2], area->ymm_high[i], 16);
    if (wanted & RF_XCR0_PKRU)
        rf_mmu_set_pkru(&cpu->mmu, (uint32_t)area->pkru);
}

static RF_NOINLINE enum restored restore(struct rf_cpu *cpu, const struct rf_op *op)
{
    const uint64_t va = rf_ea(cpu, op), wanted = requested(cpu);
    struct rf_xsave_area area;
    struct pieces p = { 0 };
    memset(&area, 0, sizeof area);
    if (!rf_load_slow(cpu, va + offsetof(struct rf_xsave_area, xstate_bv), &area.xstate_bv, 64))
        return NOT_READABLE;
    if (!header_valid(cpu, &area))
        return REFUSED;
    bool compacted = area.xcomp_bv & RF_XCOMP_COMPACTED;
    uint64_t present = wanted & area.xstate_bv;
    bool mxcsr = wanted & (compacted ? RF_XCR0_SSE : SSE_OR_AVX);
    area.legacy.fcw = 0x37f;
    area.legacy.mxcsr = RF_MXCSR_DEFAULT;
    if (present & RF_XCR0_X87)
        add_x87(&p, &area.legacy);
    if (mxcsr && (!compacted || present & RF_XCR0_SSE))
        add_mxcsr(&p, &area.legacy);
    if (present & RF_XCR0_SSE)
        add_xmm(&p, &area.legacy, vector_count(op));
    add_extended(&p, &area, present, compacted ? area.xcomp_bv : 0, vector_count(op));
    if (!load_pieces(cpu, va, &p))
        return NOT_READABLE;
    if (mxcsr && area.legacy.mxcsr & ~RF_MXCSR_MASK)
        return REFUSED;
    take(cpu, op, &area, wanted, mxcsr);
    return RESTORED;
}

static RF_OP(xrstor)
{
    if (rf_ea(cpu, op) & 63)
        return rf_op_gp0(cpu, op);
    enum restored restored = restore(cpu, op);
    if (restored == NOT_READABLE)
        return rf_op_fault(cpu, op);
    if (restored == REFUSED)
        return rf_op_gp0(cpu, op);
    rf_op_retire(cpu, op);
    rf_cpu_mode_changed(cpu);
    RF_GO(cpu);
}

/* --- extended control registers --- */

static RF_OP(xgetbv)
{
    const uint32_t number = RF_R32(RF_OFFSET(RF_RCX));
    if (number > 1 || (number && !rf_has(cpu->features, RF_FEATURE_XGETBV1)))
        return rf_op_gp0(cpu, op);
    uint64_t value = cpu->xcr0;
    if (number)
        value &= rf_xsave_in_use(cpu);
    cpu->r[RF_RAX] = (uint32_t)value;
    cpu->r[RF_RDX] = value >> 32;
    RF_NEXT;
}

/* SDM 1, 13.3. */
static bool valid_xcr0(const struct rf_cpu *cpu, uint64_t value)
{
    return value & RF_XCR0_X87 && !(value & ~rf_model_xcr0(cpu->features)) &&
           !(value & RF_XCR0_AVX && !(value & RF_XCR0_SSE));
}

static RF_OP(xsetbv)
{
    uint64_t value = cpu->r[RF_RDX] << 32 | RF_R32(RF_OFFSET(RF_RAX));
    if (cpu->cpl || RF_R32(RF_OFFSET(RF_RCX)) || !valid_xcr0(cpu, value))
        return rf_op_gp0(cpu, op);
    rf_op_retire(cpu, op);
    cpu->xcr0 = value;
    rf_cpu_mode_changed(cpu);
    return rf_dispatch(cpu);
}

/* --- lowering: all are #UD without CR4.OSXSAVE, and those that move state #NM by CR0.TS --- */

static RF_OP(undefined)
{
    return rf_op_ud(cpu, op);
}

static RF_OP(device_not_available)
{
    return rf_op_raise(cpu, op, RF_NM, false, 0);
}

static bool emit_refusal(struct rf_lower *l, bool moves_state)
{
    if (!(l->cpu->block_mode & RF_MODE_NO_XSAVE) &&
        !(moves_state && l->cpu->block_mode & RF_MODE_TASK_SWITCHED))
        return false;
    rf_emit(l, l->cpu->block_mode & RF_MODE_NO_XSAVE ? undefined : device_not_available);
    l->ends_block = true;
    return true;
}

static bool lower_area(struct rf_lower *l, rf_run *run, unsigned kind)
{
    if (emit_refusal(l, true))
        return true;
    struct rf_address address = rf_address(l, &l->operand[0]);
    struct rf_op *op = rf_emit(l, run);
    rf_set_address(op, &address);
    bool wide = l->ins.raw.rex.W && l->code_bits == 64;
    op->a = (uint8_t)(kind | (wide ? WIDE_POINTERS : 0) | (l->code_bits == 64 ? SIXTEEN : 0));
    l->ends_block = run == xrstor;
    return true;
}

static bool lower_xsave(struct rf_lower *l)
{
    return lower_area(l, xsave, 0);
}

static bool lower_xsaveopt(struct rf_lower *l)
{
    return lower_area(l, xsave, OPTIMIZED);
}

static bool lower_xsavec(struct rf_lower *l)
{
    return lower_area(l, xsave, COMPACTED);
}

static bool lower_xrstor(struct rf_lower *l)
{
    return lower_area(l, xrstor, 0);
}

static bool lower_xgetbv(struct rf_lower *l)
{
    if (!emit_refusal(l, false))
        rf_emit(l, xgetbv);
    return true;
}

static bool lower_xsetbv(struct rf_lower *l)
{
    if (!emit_refusal(l, false)) {
        rf_emit(l, xsetbv);
        l->ends_block = true;
    }
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_XSAVE, lower_xsave },       { ZYDIS_MNEMONIC_XSAVE64, lower_xsave },
    { ZYDIS_MNEMONIC_XSAVEOPT, lower_xsaveopt }, { ZYDIS_MNEMONIC_XSAVEOPT64, lower_xsaveopt },
    { ZYDIS_MNEMONIC_XSAVEC, lower_xsavec },     { ZYDIS_MNEMONIC_XSAVEC64, lower_xsavec },
    { ZYDIS_MNEMONIC_XRSTOR, lower_xrstor },     { ZYDIS_MNEMONIC_XRSTOR64, lower_xrstor },
    { ZYDIS_MNEMONIC_XGETBV, lower_xgetbv },     { ZYDIS_MNEMONIC_XSETBV, lower_xsetbv },
};

const struct rf_lower_table rf_lower_xsave = RF_LOWER_TABLE(entries);

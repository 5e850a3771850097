/* The ops that surround a vector operation while MXCSR unmasks an exception (SDM 1, 11.5).
 *
 * The operation itself always runs with the host's exceptions masked. Then: memory operand
 * to the scratch slot; save the destination and clear the sticky flags; operate; look what
 * was raised, and undo and raise #XM if it was unmasked. */
#include "cpu/engine.h"
#include "cpu/ops/float_list.h"
#include "cpu/ops/soft_float.h"

#define PRECOMPUTATION (RF_MXCSR_IE | RF_MXCSR_DE | RF_MXCSR_ZE) /* of the operands */
#define ENABLED(cpu) (~((cpu)->fpu.mxcsr >> RF_MXCSR_MASKS) & RF_MXCSR_STICKY)

static RF_OP(op_begin)
{
    uint32_t mxcsr = simde_mm_getcsr();
    cpu->fpu.saved_mxcsr = mxcsr;
    mxcsr &= ~RF_MXCSR_STICKY;
    if (ENABLED(cpu) & RF_MXCSR_UE)
        mxcsr &= ~RF_MXCSR_FTZ; /* only a masked underflow is flushed to zero */
    simde_mm_setcsr(mxcsr);
    switch (op->c) {
    case RF_SSE_TO_XMM:
        cpu->fpu.v[RF_VEC_SAVED] = RF_V(op->a);
        break;
    case RF_SSE_TO_GPR:
        cpu->fpu.saved[0] = RF_R64(op->a);
        break;
    case RF_SSE_TO_MMX:
        cpu->fpu.saved[0] = cpu->fpu.x87[op->a].mantissa;
        cpu->fpu.saved[1] = cpu->fpu.x87[op->a].sign_exponent;
        break;
    default:
        cpu->fpu.saved[0] = cpu->cc_op;
        cpu->fpu.saved[1] = cpu->cc_dst;
        cpu->fpu.saved[2] = cpu->cc_src;
        break;
    }
    RF_NEXT;
}

static void undo(struct rf_cpu *cpu, const struct rf_op *op)
{
    switch (op->c) {
    case RF_SSE_TO_XMM:
        RF_V(op->a) = cpu->fpu.v[RF_VEC_SAVED];
        break;
    case RF_SSE_TO_GPR:
        RF_R64(op->a) = cpu->fpu.saved[0];
        break;
    case RF_SSE_TO_MMX: /* TOP and tags stay as for any MMX instruction */
        cpu->fpu.x87[op->a].mantissa = cpu->fpu.saved[0];
        cpu->fpu.x87[op->a].sign_exponent = (uint16_t)cpu->fpu.saved[1];
        break;
    default:
        rf_cc_set(cpu, (uint32_t)cpu->fpu.saved[0], cpu->fpu.saved[1], cpu->fpu.saved[2]);
        break;
    }
}

static const union rf_vec *operand(const struct rf_cpu *cpu, const struct rf_op *op, unsigned slot)
{
    return slot == op->a ? &cpu->fpu.v[RF_VEC_SAVED] : &RF_V(slot);
}

/* What op_check knows about its operation besides a (destination) and c (the kind of that):
 * op->imm. */
union check {
    struct {
        uint16_t raises;
        uint8_t first, second; /* slots of the operands; if the destination's: as it was */
        uint8_t wide, imm;
    };
    uint64_t bits;
};

/* Flags to report for one step of an operation that raised `raised` on the host. */
static uint32_t settle(const struct rf_cpu *cpu, uint32_t raised, const struct rf_exact *exact)
{
    const uint32_t enabled = ENABLED(cpu);
    /* An unmasked exception of the operands comes before the operation, which then raises
     * nothing of its own (SDM 1, 4.9.2). */
    if (raised & enabled & PRECOMPUTATION)
        return raised & PRECOMPUTATION;
    /* The host's flags are those of the masked response: where overflow or underflow is not
     * masked, precision is another matter, and so is an exact result that is tiny. */
    if ((exact->raises & RF_RAISES_KIND) > RF_RAISES &&
        enabled & (RF_MXCSR_UE | (raised & RF_MXCSR_OE)))
        return (raised & PRECOMPUTATION) | rf_exact_flags(exact);
    return raised;
}

/* The guest's MXCSR of before the operation, with its masks. */
static uint32_t guest_mxcsr(const struct rf_cpu *cpu)
{
    return (cpu->fpu.saved_mxcsr & ~RF_MXCSR_ALL_MASKED) | (cpu->fpu.mxcsr & RF_MXCSR_ALL_MASKED);
}

/* Take note of what the operation raised; true if an unmasked exception was among it. */
static RF_NOINLINE bool note_raised(struct rf_cpu *cpu, const struct rf_op *op)
{
    const union check check = { .bits = op->imm };
    struct rf_exact exact = { .mxcsr = guest_mxcsr(cpu), .raises = check.raises,
                              .wide = check.wide, .imm = check.imm };
    if ((check.raises & RF_RAISES_KIND) > RF_RAISES) {
        /* FMA's first operand is its destination. */
        const bool fma = (check.raises & RF_RAISES_KIND) == RF_RAISES_FMA;
        exact.first = operand(cpu, op, fma ? op->a : check.first);
        exact.second = operand(cpu, op, fma ? check.first : check.second);
        exact.third = operand(cpu, op, check.second);
    }
    const uint32_t raised = settle(cpu, simde_mm_getcsr() & RF_MXCSR_STICKY, &exact);
    simde_mm_setcsr(cpu->fpu.saved_mxcsr | raised);
    return raised & ENABLED(cpu);
}

/* --- DPPS and DPPD: the CPU looks for exceptions after the products and after each sum --- */

/* d = d operation s in each half of the register. */
#define STEP(name, text, fallback)                                                 \
    static void name(union rf_vec *to, const union rf_vec *from)                   \
    {                                                                              \
        for (unsigned i = 0; i < 4; i += 2) {                                      \
            rf_m128 d = simde_mm_load_si128((const rf_m128 *)&to->u64[i]);         \
            const rf_m128 s = simde_mm_load_si128((const rf_m128 *)&from->u64[i]); \
            RF_VEC_ASM(text, fallback);                                            \
            simde_mm_store_si128((rf_m128 *)&to->u64[i], d);                       \
        }                                                                          \
    }
STEP(products_ps, "mulps", RF_PS_CALL(mul_ps))
STEP(products_pd, "mulpd", RF_PD_CALL(mul_pd))
STEP(sums_ps, "haddps", RF_PS_CALL(hadd_ps))
STEP(sums_pd, "haddpd", RF_PD_CALL(hadd_pd))

/* The products that imm8 does not choose are zero. */
static void clear_unchosen(union rf_vec *v, bool dual, bool wide, unsigned imm)
{
    for (unsigned i = 0; i < (dual ? 4 : 8); i++) {
        bool chosen = imm >> (4 + (i & (dual ? 1 : 3))) & 1 && (wide || i < (dual ? 2 : 4));
        if (dual && !chosen)
            v->u64[i] = 0;
        else if (!chosen)
            v->u32[i] = 0;
    }
}

/* One step; true if it raised an unmasked exception. */
static bool dot_step(struct rf_cpu *cpu, void step(union rf_vec *, const union rf_vec *),
                     uint16_t raises, union rf_vec *d, const union rf_vec *s, uint32_t *raised)
{
    const union rf_vec first = *d, second = *s;
    const struct rf_exact exact = { .first = &first, .second = &second, .raises = raises,
                                    .mxcsr = guest_mxcsr(cpu), .wide = true };
    simde_mm_setcsr(simde_mm_getcsr() & ~RF_MXCSR_STICKY);
    step(d, &second);
    *raised |= settle(cpu, simde_mm_getcsr() & RF_MXCSR_STICKY, &exact);
    return *raised & ENABLED(cpu);
}

/* The flags of a dot product, from its steps. True if an unmasked exception was raised. */
static RF_NOINLINE bool dot_product_raises(struct rf_cpu *cpu, const struct rf_op *op)
{
    const union check check = { .bits = op->imm };
    const bool dual = check.raises & RF_DOUBLE;
    const uint16_t type = check.raises & RF_DOUBLE;
    union rf_vec d = RF_V(check.first), s = RF_V(check.second);
    uint32_t raised = 0;
    clear_unchosen(&d, dual, check.wide, check.imm);
    clear_unchosen(&s, dual, check.wide, check.imm);
    bool unmasked = dot_step(cpu, dual ? products_pd : products_ps, RF_RAISES_MUL | type, &d, &s,
                             &raised);
    for (unsigned i = dual ? 1 : 0; i < 2 && !unmasked; i++)
        unmasked = dot_step(cpu, dual ? sums_pd : sums_ps, RF_RAISES_HADD | type, &d, &d, &raised);
    if (unmasked)
        simde_mm_setcsr(cpu->fpu.saved_mxcsr | raised);
    return unmasked;
}

static struct rf_op *raise_simd(struct rf_cpu *cpu, struct rf_op *op)
{
    enum rf_vector vector = cpu->mmu.cr4 & RF_CR4_OSXMMEXCPT ? RF_XM : RF_UD;
    return rf_op_raise(cpu, op, vector, false, 0);
}

static RF_OP(op_dot_product)
{
    if (dot_product_raises(cpu, op))
        return raise_simd(cpu, op);
    RF_NEXT;
}

static RF_OP(op_check)
{
    if (RF_LIKELY(!note_raised(cpu, op)))
        RF_NEXT;
    undo(cpu, op);
    return raise_simd(cpu, op);
}

static RF_OP(op_mmx_check)
{
    RF_MMX_CHECK;
    RF_NEXT;
}

#define LOAD_SCRATCH(name, size)                         \
    RF_MEM_HANDLER(name)                                 \
    {                                                    \
        RF_SSE_LOAD_##size(s);                           \
        rf_xmm_set(cpu, RF_VEC_SLOT(RF_VEC_SCRATCH), s); \
        RF_MEM_NEXT;                                     \
    }
LOAD_SCRATCH(op_load_4, 4)
LOAD_SCRATCH(op_load_8, 8)
LOAD_SCRATCH(op_load_16, 16)
LOAD_SCRATCH(op_load_16u, 16U)

RF_MEM_HANDLER(op_load_32)
{
    RF_LOAD(union rf_vec, s, rf_ea(cpu, op));
    cpu->fpu.v[RF_VEC_SCRATCH] = s;
    RF_MEM_NEXT;
}

/* The integer operand of CVTSI2SS/SD: to a register nobody needs any more. */
RF_MEM_HANDLER(op_load_integer_4)
{
    RF_LOAD(uint32_t, value, rf_ea(cpu, op));
    cpu->r[RF_REG_EA] = value;
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(op_load_integer_8)
{
    RF_LOAD(uint64_t, value, rf_ea(cpu, op));
    cpu->r[RF_REG_EA] = value;
    RF_MEM_NEXT;
}

/* Emit the load of the memory operand; returns what names it to the operation. */
static uint8_t emit_scratch_load(struct rf_lower *l, const struct rf_checked *checked)
{
    struct rf_address address = rf_address(l, checked->memory);
    unsigned bytes = checked->memory_bytes;
    rf_run *run = checked->integer ? bytes == 8 ? op_load_integer_8 : op_load_integer_4
                  : bytes == 32 ? op_load_32
                  : bytes == 16 ? checked->unaligned ? op_load_16u : op_load_16
                  : bytes == 8  ? op_load_8
                                : op_load_4;
    rf_set_address(rf_emit(l, run), &address);
    return checked->integer ? RF_OFFSET(RF_REG_EA) : RF_VEC_SLOT(RF_VEC_SCRATCH);
}

void rf_emit_checked(struct rf_lower *l, const struct rf_checked *checked)
{
    if (checked->mmx)
        rf_emit(l, op_mmx_check);
    uint8_t b = checked->b, c = checked->c;
    if (checked->memory)
        *(checked->scratch_in_c ? &c : &b) = emit_scratch_load(l, checked);
    union check check = { .raises = checked->raises,
                          .first = checked->scratch_in_c ? b : checked->a,
                          .second = checked->scratch_in_c ? c : b,
                          .wide = checked->wide,
                          .imm = (uint8_t)checked->imm };
    struct rf_op *op = rf_emit(l, op_begin);
    op->a = checked->a;
    op->c = checked->destination;
    if ((checked->raises & RF_RAISES_KIND) == RF_RAISES_DP) {
        rf_emit(l, op_dot_product)->imm = check.bits;
        check.raises = RF_RAISES; /* what is left: nothing that is not masked */
    }
    op = rf_emit(l, checked->run);
    op->a = checked->a;
    op->b = b;
    op->c = c;
    op->imm = checked->imm;
    op = rf_emit(l, op_check);
    op->a = checked->a;
    op->c = checked->destination;
    op->imm = check.bits;
}

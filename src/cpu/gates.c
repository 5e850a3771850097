/* Call gates (SDM 3A, 5.8.3 to 5.8.5; 2A, CALL and JMP): 16 bytes and 64-bit code in IA-32e mode,
 * else 8 bytes with parameters to copy. */
#include "cpu/cet.h"
#include "cpu/privilege.h"
#include "cpu/segmentation.h"

struct call_gate {
    uint64_t offset;
    uint16_t selector;
    uint8_t parameters; /* slots */
    uint8_t slot;       /* bytes of each word that is pushed */
};

/* System types (SDM 3A, table 3-2). */
enum {
    TASK_16 = 1, CALL_GATE_16 = 4, TASK_GATE = 5, TASK_32 = 9, CALL_GATE_32 = 0xc,
};
/* Bits 12 to 8 of the last doubleword, where an 8-byte descriptor's type would be: 0. */
#define UPPER_TYPE UINT64_C(0x1f0000000000)

static bool is_call_gate(const struct rf_cpu *cpu, const struct rf_descriptor *d)
{
    unsigned type = d->segment.attributes & RF_SEG_TYPE;
    if (rf_cpu_is_legacy(cpu))
        return type == CALL_GATE_16 || type == CALL_GATE_32;
    return type == CALL_GATE_32 && !(d->raw[1] & UPPER_TYPE);
}

static bool is_task(const struct rf_cpu *cpu, const struct rf_descriptor *d)
{
    unsigned type = d->segment.attributes & RF_SEG_TYPE;
    return rf_cpu_is_legacy(cpu) && (type == TASK_GATE || type == TASK_16 || type == TASK_32);
}

static bool read_gate(struct rf_cpu *cpu, const struct rf_descriptor *d, struct call_gate *gate,
                      struct rf_refusal *refusal)
{
    uint16_t selector = d->segment.selector;
    uint32_t error = selector & ~3u;
    unsigned dpl = rf_segment_dpl(&d->segment);
    bool allowed = dpl >= cpu->cpl && dpl >= (selector & RF_SELECTOR_RPL);
    if (allowed && is_task(cpu, d))
        rf_report_unimplemented(cpu, "task switch");
    if (!is_call_gate(cpu, d) || !allowed)
        return rf_refuse(refusal, RF_GP, error);
    if (!(d->segment.attributes & RF_SEG_P))
        return rf_refuse(refusal, RF_NP, error);
    bool is_wide = !rf_cpu_is_legacy(cpu), is_short = (d->segment.attributes & RF_SEG_TYPE) == CALL_GATE_16;
    gate->selector = (uint16_t)(d->raw[0] >> 16);
    gate->offset = (d->raw[0] & 0xffff) | d->raw[1] << 32;
    if (!is_short)
        gate->offset |= d->raw[0] >> 32 & 0xffff0000;
    gate->parameters = is_wide ? 0 : d->raw[0] >> 32 & 31;
    gate->slot = is_wide ? 8 : is_short ? 2 : 4;
    return true;
}

/* The gate's code segment. A jump keeps CPL, so only a conforming one may be more privileged. */
static bool read_code(struct rf_cpu *cpu, const struct call_gate *gate, bool call,
                      struct rf_descriptor *code, struct rf_refusal *refusal)
{
    uint32_t error = gate->selector & ~3u;
    if (!error)
        return rf_refuse(refusal, RF_GP, 0);
    if (!rf_read_descriptor(cpu, gate->selector, RF_GP, 0, code, refusal))
        return false;
    const struct rf_segment *s = &code->segment;
    unsigned dpl = rf_segment_dpl(s);
    if (!rf_segment_is_code(s) || dpl > cpu->cpl)
        return rf_refuse(refusal, RF_GP, error);
    if (!call && dpl != cpu->cpl && !rf_segment_is_conforming(s))
        return rf_refuse(refusal, RF_GP, error);
    if (!rf_cpu_is_legacy(cpu) && (s->attributes & (RF_SEG_L | RF_SEG_DB)) != RF_SEG_L)
        return rf_refuse(refusal, RF_GP, error);
    return s->attributes & RF_SEG_P || rf_refuse(refusal, RF_NP, error);
}

static void enter(struct rf_cpu *cpu, const struct call_gate *gate, const struct rf_descriptor *code,
                  unsigned new_cpl)
{
    cpu->cpl = (uint8_t)new_cpl;
    cpu->seg[RF_CS] = code->segment;
    cpu->seg[RF_CS].selector = (uint16_t)((gate->selector & ~3u) | new_cpl);
    cpu->seg[RF_CS].attributes |= 1;
    cpu->r[RF_REG_IP] = gate->offset;
    rf_cpu_mode_changed(cpu);
}

/* Same level: the return address goes to the current stack. */
static bool transfer(struct rf_cpu *cpu, const struct call_gate *gate, const struct rf_descriptor *code,
                     bool call, struct rf_refusal *refusal)
{
    struct rf_stack stack = rf_current_stack(cpu, !rf_cpu_is_legacy(cpu));
    if (call && !rf_pushes_probe(cpu, &stack, 2, gate->slot))
        return rf_refuse_push(cpu, refusal, 0);
    if (!rf_target_allowed(cpu, &code->segment, gate->offset))
        return rf_refuse(refusal, RF_GP, 0);
    if (!rf_mark_accessed(cpu, code, refusal))
        return false;
    if (call && !rf_put_far_return(cpu, &code->segment, gate->slot))
        return rf_refuse_fault(cpu, refusal, true);
    const bool to_64bit = rf_is_64bit_code(cpu, &code->segment);
    struct rf_cet_plan cet = { 0 };
    if (call ? !rf_cet_far_call(cpu, to_64bit, &cet, refusal) : !rf_cet_far_jump(cpu, to_64bit, refusal))
        return false;
    rf_cet_commit(cpu, &cet);
    rf_cet_wait_for_endbranch(cpu);
    enter(cpu, gate, code, cpu->cpl);
    if (call)
        rf_pushes_done(cpu, &stack, 2, gate->slot);
    return true;
}

/* SS, RSP, the parameters in their order, CS, RIP. Returns the number of slots; 0: the old stack
 * refused a read. */
static unsigned build_frame(struct rf_cpu *cpu, const struct call_gate *gate, uint64_t frame[RF_PUSHES_MOST])
{
    uint64_t parameters[31];
    unsigned count = 0;
    if (!rf_stack_get(cpu, 0, parameters, gate->parameters, gate->slot))
        return 0;
    frame[count++] = cpu->seg[RF_SEG_SS].selector;
    frame[count++] = cpu->r[RF_RSP];
    for (unsigned i = gate->parameters; i-- > 0;)
        frame[count++] = parameters[i];
    frame[count++] = cpu->seg[RF_CS].selector;
    frame[count++] = cpu->r[RF_REG_IP];
    return count;
}

/* A call to an inner level, on that level's own stack. */
static bool call_inward(struct rf_cpu *cpu, const struct call_gate *gate, const struct rf_descriptor *code,
                        struct rf_refusal *refusal)
{
    unsigned new_cpl = rf_segment_dpl(&code->segment), old_cpl = cpu->cpl;
    uint64_t frame[RF_PUSHES_MOST];
    struct rf_stack stack;
    if (!rf_inner_stack(cpu, new_cpl, 0, 0, &stack, refusal))
        return false;
    uint32_t stack_error = stack.ss.selector & ~3u;
    if (!rf_pushes_probe(cpu, &stack, 4u + gate->parameters, gate->slot))
        return rf_refuse_push(cpu, refusal, stack_error);
    if (!rf_target_allowed(cpu, &code->segment, gate->offset))
        return rf_refuse(refusal, RF_GP, 0);
    unsigned count = build_frame(cpu, gate, frame);
    if (!count)
        return rf_refuse_fault(cpu, refusal, true);
    if (!rf_mark_accessed(cpu, code, refusal))
        return false;
    if (!rf_pushes_put(cpu, &stack, frame, count, gate->slot))
        return rf_refuse_push(cpu, refusal, stack_error);
    struct rf_cet_plan cet;
    if (!rf_cet_enter(cpu, new_cpl, 0, cpu->r[RF_REG_IP], 0, &cet, refusal))
        return false;
    rf_cet_commit(cpu, &cet);
    if (old_cpl == 3)
        rf_cpu_account(cpu, RF_ACCOUNT_ENTRY);
    cpu->budget -= cpu->cost->event[RF_EVENT_INT]; /* the same work: a gate, a stack from the TSS, a frame */
    cpu->seg[RF_SEG_SS] = stack.ss;
    enter(cpu, gate, code, new_cpl);
    rf_cet_enter_tracking(cpu);
    rf_pushes_done(cpu, &stack, count, gate->slot);
    return true;
}

bool rf_gate_transfer(struct rf_cpu *cpu, const struct rf_descriptor *descriptor, bool call,
                      struct rf_refusal *refusal)
{
    struct call_gate gate;
    struct rf_descriptor code;
    if (!read_gate(cpu, descriptor, &gate, refusal) || !read_code(cpu, &gate, call, &code, refusal))
        return false;
    bool inward = !rf_segment_is_conforming(&code.segment) && rf_segment_dpl(&code.segment) < cpu->cpl;
    return inward ? call_inward(cpu, &gate, &code, refusal) : transfer(cpu, &gate, &code, call, refusal);
}

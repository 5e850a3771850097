/* IRET, and what it shares with the far RET: the checks of CS and SS that come from a stack (SDM 2A,
 * IRET; 2B, RET; 3A, 6.14.3). */
#include "cpu/cet.h"
#include "cpu/debug.h"
#include "cpu/privilege.h"
#include "cpu/segmentation.h"

bool rf_check_return_code(struct rf_cpu *cpu, uint16_t selector, struct rf_descriptor *code,
                          struct rf_refusal *refusal)
{
    unsigned rpl = selector & RF_SELECTOR_RPL;
    uint32_t error = selector & ~3u;
    if (!error)
        return rf_refuse(refusal, RF_GP, 0);
    if (!rf_read_descriptor(cpu, selector, RF_GP, 0, code, refusal))
        return false;
    const struct rf_segment *s = &code->segment;
    if (!rf_segment_is_code(s) || rpl < cpu->cpl)
        return rf_refuse(refusal, RF_GP, error);
    if (rf_segment_is_conforming(s) ? rf_segment_dpl(s) > rpl : rf_segment_dpl(s) != rpl)
        return rf_refuse(refusal, RF_GP, error);
    if (rf_has_l_and_d(cpu, s))
        return rf_refuse(refusal, RF_GP, error);
    if (!(s->attributes & RF_SEG_P))
        return rf_refuse(refusal, RF_NP, error);
    return true;
}

/* A null SS is for 64-bit code below CPL 3 alone. */
bool rf_check_return_stack(struct rf_cpu *cpu, uint16_t selector, const struct rf_descriptor *code,
                           unsigned new_cpl, struct rf_descriptor *stack, struct rf_refusal *refusal)
{
    uint32_t error = selector & ~3u;
    *stack = (struct rf_descriptor){ .segment = { .selector = selector } };
    if (!error) {
        stack->segment.attributes = (uint16_t)(new_cpl << RF_SEG_DPL_SHIFT | RF_SEG_DB);
        if (rf_is_64bit_code(cpu, &code->segment) && new_cpl != 3 && (selector & RF_SELECTOR_RPL) == new_cpl)
            return true;
        return rf_refuse(refusal, RF_GP, 0);
    }
    if (!rf_read_descriptor(cpu, selector, RF_GP, 0, stack, refusal))
        return false;
    const struct rf_segment *s = &stack->segment;
    bool writable = (s->attributes & RF_SEG_S) && !(s->attributes & 8) && (s->attributes & 2);
    if (!writable || (selector & RF_SELECTOR_RPL) != new_cpl || rf_segment_dpl(s) != new_cpl)
        return rf_refuse(refusal, RF_GP, error);
    if (!(s->attributes & RF_SEG_P))
        return rf_refuse(refusal, RF_SS, error);
    stack->segment.attributes |= 1;
    return true;
}

void rf_apply_return(struct rf_cpu *cpu, const struct rf_descriptor *code, uint16_t cs, uint64_t rip)
{
    unsigned old = cpu->cpl;
    cpu->seg[RF_CS] = code->segment;
    cpu->seg[RF_CS].selector = cs;
    cpu->seg[RF_CS].attributes |= 1;
    cpu->cpl = cs & RF_SELECTOR_RPL;
    cpu->r[RF_REG_IP] = rip;
    if (cpu->cpl != old)
        rf_drop_privileged_segments(cpu);
    if (cpu->cpl == 3 && old != 3)
        rf_cpu_account(cpu, RF_ACCOUNT_USER);
}

/* Flags that IRET may change at the present CPL. */
void rf_return_flags(struct rf_cpu *cpu, uint64_t value, unsigned operand_bytes)
{
    uint64_t mask = RF_FLAGS_STATUS | RF_FLAG_TF | RF_FLAG_DF | RF_FLAG_NT | RF_FLAG_RF | RF_FLAG_AC |
                    RF_FLAG_ID;
    if (cpu->cpl <= (cpu->flags & RF_FLAG_IOPL) >> 12)
        mask |= RF_FLAG_IF;
    if (cpu->cpl == 0)
        mask |= RF_FLAG_IOPL | RF_FLAG_VIF | RF_FLAG_VIP;
    if (operand_bytes == 2)
        mask &= 0xffff;
    /* RF is for the next instruction's breakpoint, and clear after it: only where breakpoints
     * are enabled is that instruction a block of its own, which can clear it. */
    if (!rf_debug_enabled(cpu))
        value &= ~(uint64_t)RF_FLAG_RF;
    rf_cpu_set_flags(cpu, (rf_cpu_flags(cpu) & ~mask) | (value & mask));
}

/* --- IRET --- */

struct frame {
    uint64_t rip, cs, flags, rsp, ss;
    bool has_stack; /* rsp and ss were popped */
};

static bool read_slots(struct rf_cpu *cpu, uint64_t skip, uint64_t *slots, unsigned count, unsigned size,
                       struct rf_refusal *refusal)
{
    return rf_stack_get(cpu, skip, slots, count, size) || rf_refuse_fault(cpu, refusal, true);
}

/* RSP and SS are popped by 64-bit code always, else by a return to an outer level. */
static bool read_frame(struct rf_cpu *cpu, unsigned size, struct frame *frame, struct rf_refusal *refusal)
{
    uint64_t slots[5];
    bool from_64bit = cpu->code_bits == 64;
    if (!read_slots(cpu, 0, slots, from_64bit ? 5 : 3, size, refusal))
        return false;
    *frame = (struct frame){ .rip = slots[0], .cs = (uint16_t)slots[1], .flags = slots[2] };
    frame->has_stack = from_64bit || (frame->cs & RF_SELECTOR_RPL) > cpu->cpl;
    if (frame->has_stack && !from_64bit && !read_slots(cpu, 3 * size, &slots[3], 2, size, refusal))
        return false;
    if (frame->has_stack) {
        frame->rsp = slots[3];
        frame->ss = (uint16_t)slots[4];
    }
    return true;
}

/* Returns to a task and to virtual-8086 mode, which this CPU has not; in IA-32e mode they are
 * refused or ignored by the manual. */
static bool is_missing_return(struct rf_cpu *cpu, unsigned size, struct rf_refusal *refusal)
{
    uint64_t slots[3];
    if (!rf_cpu_is_legacy(cpu))
        return cpu->flags & RF_FLAG_NT && !rf_refuse(refusal, RF_GP, 0);
    if (cpu->flags & RF_FLAG_NT) {
        rf_report_unimplemented(cpu, "return to a task (IRET with NT)");
        return !rf_refuse(refusal, RF_GP, 0);
    }
    if (size == 4 && cpu->cpl == 0 && rf_stack_get(cpu, 0, slots, 3, size) && slots[2] & RF_FLAG_VM) {
        rf_report_unimplemented(cpu, "virtual-8086 mode (IRET with VM)");
        return !rf_refuse(refusal, RF_GP, 0);
    }
    return false;
}

static bool check_frame(struct rf_cpu *cpu, const struct frame *frame, struct rf_descriptor *code,
                        struct rf_descriptor *stack, struct rf_refusal *refusal)
{
    unsigned new_cpl = frame->cs & RF_SELECTOR_RPL;
    if (!rf_check_return_code(cpu, (uint16_t)frame->cs, code, refusal))
        return false;
    if (frame->has_stack && !rf_check_return_stack(cpu, (uint16_t)frame->ss, code, new_cpl, stack, refusal))
        return false;
    if (!rf_target_allowed(cpu, &code->segment, frame->rip))
        return rf_refuse(refusal, RF_GP, 0);
    return rf_mark_accessed(cpu, code, refusal) &&
           (!frame->has_stack || rf_mark_accessed(cpu, stack, refusal));
}

bool rf_iret(struct rf_cpu *cpu, unsigned operand_bytes, struct rf_refusal *refusal)
{
    struct frame frame;
    struct rf_descriptor code, stack;
    struct rf_cet_plan cet;
    cpu->nmi_blocked = false; /* even if it faults (SDM 3A, 6.7.1) */
    if (rf_cpu_is_real(cpu))
        return rf_real_iret(cpu, operand_bytes, refusal);
    if (is_missing_return(cpu, operand_bytes, refusal) ||
        !read_frame(cpu, operand_bytes, &frame, refusal) ||
        !check_frame(cpu, &frame, &code, &stack, refusal) ||
        !rf_cet_return(cpu, (uint16_t)frame.cs, rf_linear_ip(cpu, &code.segment, frame.rip),
                       rf_is_64bit_code(cpu, &code.segment), &cet, refusal))
        return false;
    rf_cet_commit(cpu, &cet);

    cpu->budget -= cpu->cost->event[RF_EVENT_IRET];
    cpu->counts.irets++;
    if (!frame.has_stack)
        rf_set_stack_pointer(cpu, cpu->r[RF_RSP] + 3 * operand_bytes);
    rf_return_flags(cpu, frame.flags, operand_bytes);
    rf_apply_return(cpu, &code, (uint16_t)frame.cs, frame.rip);
    if (cpu->cpl != 3 && cpu->account_interrupted != RF_ACCOUNT_COUNT)
        rf_cpu_account(cpu, cpu->account_interrupted);
    cpu->account_interrupted = RF_ACCOUNT_COUNT;
    if (frame.has_stack)
        cpu->seg[RF_SEG_SS] = stack.segment;
    rf_cpu_mode_changed(cpu);
    if (frame.has_stack)
        rf_set_stack_pointer(cpu, frame.rsp);
    return true;
}

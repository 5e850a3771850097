/* Far JMP, CALL and RET (SDM 2A and 2B, the instructions' pages; 3A, 5.8). */
#include "cpu/cet.h"
#include "cpu/privilege.h"
#include "cpu/segmentation.h"

/* --- RET --- */

static bool read_slots(struct rf_cpu *cpu, uint64_t skip, uint64_t *slots, unsigned size,
                       struct rf_refusal *refusal)
{
    return rf_stack_get(cpu, skip, slots, 2, size) || rf_refuse_fault(cpu, refusal, true);
}

static bool return_same_level(struct rf_cpu *cpu, const struct rf_descriptor *code, const uint64_t frame[2],
                              uint64_t popped, struct rf_refusal *refusal)
{
    if (!rf_target_allowed(cpu, &code->segment, frame[0]))
        return rf_refuse(refusal, RF_GP, 0);
    struct rf_cet_plan cet;
    if (!rf_cet_return(cpu, (uint16_t)frame[1], rf_linear_ip(cpu, &code->segment, frame[0]),
                       rf_is_64bit_code(cpu, &code->segment), &cet, refusal) ||
        !rf_mark_accessed(cpu, code, refusal))
        return false;
    rf_cet_commit(cpu, &cet);
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] + popped);
    rf_apply_return(cpu, code, (uint16_t)frame[1], frame[0]);
    rf_cpu_mode_changed(cpu);
    return true;
}

/* The parameters are released from both stacks. */
static bool return_outward(struct rf_cpu *cpu, const struct rf_descriptor *code, const uint64_t frame[2],
                           unsigned operand_bytes, uint64_t release, struct rf_refusal *refusal)
{
    enum { RSP, SS };
    uint64_t outer[2];
    struct rf_descriptor stack;
    unsigned new_cpl = frame[1] & RF_SELECTOR_RPL;
    if (!read_slots(cpu, 2 * operand_bytes + release, outer, operand_bytes, refusal) ||
        !rf_check_return_stack(cpu, (uint16_t)outer[SS], code, new_cpl, &stack, refusal))
        return false;
    if (!rf_target_allowed(cpu, &code->segment, frame[0]))
        return rf_refuse(refusal, RF_GP, 0);
    struct rf_cet_plan cet;
    if (!rf_cet_return(cpu, (uint16_t)frame[1], rf_linear_ip(cpu, &code->segment, frame[0]),
                       rf_is_64bit_code(cpu, &code->segment), &cet, refusal) ||
        !rf_mark_accessed(cpu, code, refusal) || !rf_mark_accessed(cpu, &stack, refusal))
        return false;
    rf_cet_commit(cpu, &cet);
    rf_apply_return(cpu, code, (uint16_t)frame[1], frame[0]);
    cpu->seg[RF_SEG_SS] = stack.segment;
    rf_cpu_mode_changed(cpu);
    rf_set_stack_pointer(cpu, outer[RSP] + release);
    return true;
}

bool rf_far_return(struct rf_cpu *cpu, unsigned operand_bytes, uint64_t release,
                   struct rf_refusal *refusal)
{
    enum { RIP, CS };
    uint64_t frame[2];
    struct rf_descriptor code;
    if (rf_cpu_is_real(cpu))
        return rf_real_far_return(cpu, operand_bytes, release, refusal);
    if (!read_slots(cpu, 0, frame, operand_bytes, refusal) ||
        !rf_check_return_code(cpu, (uint16_t)frame[CS], &code, refusal))
        return false;
    if ((frame[CS] & RF_SELECTOR_RPL) == cpu->cpl)
        return return_same_level(cpu, &code, frame, 2 * operand_bytes + release, refusal);
    return return_outward(cpu, &code, frame, operand_bytes, release, refusal);
}

/* --- JMP and CALL --- */

static uint8_t bits_of(const struct rf_cpu *cpu, const struct rf_segment *code)
{
    return rf_is_64bit_code(cpu, code) ? 64 : code->attributes & RF_SEG_DB ? 32 : 16;
}

/* CPUs address the stack as the new mode does, so a call from 32-bit to 64-bit code looks at
 * neither SS nor its B bit. */
bool rf_put_far_return(struct rf_cpu *cpu, const struct rf_segment *code, unsigned operand_bytes)
{
    const uint64_t frame[2] = { cpu->seg[RF_CS].selector, cpu->r[RF_REG_IP] };
    uint8_t old = cpu->code_bits;
    cpu->code_bits = bits_of(cpu, code);
    bool done = rf_stack_put(cpu, frame, 2, operand_bytes);
    cpu->code_bits = old;
    return done;
}

/* Straight to a code segment: CPL stays (SDM 3A, 5.8.1). */
static bool check_code(struct rf_cpu *cpu, uint16_t selector, const struct rf_segment *s,
                       struct rf_refusal *refusal)
{
    uint32_t error = selector & ~3u;
    unsigned dpl = rf_segment_dpl(s);
    if (!rf_segment_is_code(s))
        return rf_refuse(refusal, RF_GP, error);
    if (rf_segment_is_conforming(s) ? dpl > cpu->cpl
                                    : dpl != cpu->cpl || (selector & RF_SELECTOR_RPL) > cpu->cpl)
        return rf_refuse(refusal, RF_GP, error);
    if (rf_has_l_and_d(cpu, s))
        return rf_refuse(refusal, RF_GP, error);
    return s->attributes & RF_SEG_P || rf_refuse(refusal, RF_NP, error);
}

bool rf_far_transfer(struct rf_cpu *cpu, uint16_t selector, uint64_t offset, bool call,
                     unsigned operand_bytes, struct rf_refusal *refusal)
{
    struct rf_descriptor code;
    if (rf_cpu_is_real(cpu))
        return rf_real_far_transfer(cpu, selector, offset, call, operand_bytes, refusal);
    if (!(selector & ~3u))
        return rf_refuse(refusal, RF_GP, 0);
    if (!rf_read_descriptor(cpu, selector, RF_GP, 0, &code, refusal))
        return false;
    if (!(code.segment.attributes & RF_SEG_S))
        return rf_gate_transfer(cpu, &code, call, refusal);
    if (!check_code(cpu, selector, &code.segment, refusal))
        return false;
    if (call && !rf_put_far_return(cpu, &code.segment, operand_bytes))
        return rf_refuse_fault(cpu, refusal, true);
    if (!rf_target_allowed(cpu, &code.segment, offset))
        return rf_refuse(refusal, RF_GP, 0);
    const bool to_64bit = rf_is_64bit_code(cpu, &code.segment);
    struct rf_cet_plan cet = { 0 };
    if (call ? !rf_cet_far_call(cpu, to_64bit, &cet, refusal) : !rf_cet_far_jump(cpu, to_64bit, refusal))
        return false;
    if (!rf_mark_accessed(cpu, &code, refusal))
        return false;
    rf_cet_commit(cpu, &cet);
    rf_cet_wait_for_endbranch(cpu);
    cpu->seg[RF_CS] = code.segment;
    cpu->seg[RF_CS].selector = (uint16_t)((selector & ~3u) | cpu->cpl);
    cpu->seg[RF_CS].attributes |= 1;
    cpu->r[RF_REG_IP] = offset;
    rf_cpu_mode_changed(cpu);
    if (call)
        rf_set_stack_pointer(cpu, cpu->r[RF_RSP] - 2 * operand_bytes);
    return true;
}

/* Real-address mode (SDM 3B, 21.1): segments are their selectors times 16, handlers are found
 * through the interrupt vector table at IDTR.base. Limits and attributes of segments stay what
 * protected mode made them, but for those of CS: a way into "unreal" mode that boot code uses. */
#include "cpu/privilege.h"
#include "cpu/segmentation.h"

void rf_real_load_segment(struct rf_cpu *cpu, enum rf_seg which, uint16_t selector)
{
    struct rf_segment *s = &cpu->seg[which];
    s->selector = selector;
    s->base = (uint32_t)selector << 4;
    s->attributes |= RF_SEG_P | RF_SEG_S;
    if (which == RF_CS) /* SDM 3A, 9.9.2: readable, writable, DPL 0 */
        s->attributes = (uint16_t)(RF_SEG_P | RF_SEG_S | 3 | (s->attributes & (RF_SEG_DB | RF_SEG_G)));
}

static void load_code(struct rf_cpu *cpu, uint16_t selector, uint64_t ip)
{
    rf_real_load_segment(cpu, RF_CS, selector);
    cpu->r[RF_REG_IP] = ip;
    rf_cpu_mode_changed(cpu);
}

static bool check_target(const struct rf_cpu *cpu, uint64_t ip, struct rf_refusal *refusal)
{
    return ip <= cpu->seg[RF_CS].limit || rf_refuse(refusal, RF_GP, 0);
}

bool rf_real_far_transfer(struct rf_cpu *cpu, uint16_t selector, uint64_t offset, bool call,
                          unsigned operand_bytes, struct rf_refusal *refusal)
{
    const uint64_t frame[2] = { cpu->seg[RF_CS].selector, cpu->r[RF_REG_IP] };
    if (call && !rf_stack_probe(cpu, 2, operand_bytes))
        return rf_refuse_fault(cpu, refusal, true);
    if (!check_target(cpu, offset, refusal))
        return false;
    if (call)
        rf_stack_push(cpu, frame, 2, operand_bytes);
    load_code(cpu, selector, offset);
    return true;
}

bool rf_real_far_return(struct rf_cpu *cpu, unsigned operand_bytes, uint64_t release,
                        struct rf_refusal *refusal)
{
    enum { IP, CS };
    uint64_t frame[2];
    if (!rf_stack_get(cpu, 0, frame, 2, operand_bytes))
        return rf_refuse_fault(cpu, refusal, true);
    if (!check_target(cpu, frame[IP], refusal))
        return false;
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] + 2 * operand_bytes + release);
    load_code(cpu, (uint16_t)frame[CS], frame[IP]);
    return true;
}

bool rf_real_iret(struct rf_cpu *cpu, unsigned operand_bytes, struct rf_refusal *refusal)
{
    enum { IP, CS, FLAGS };
    uint64_t frame[3];
    if (!rf_stack_get(cpu, 0, frame, 3, operand_bytes))
        return rf_refuse_fault(cpu, refusal, true);
    if (!check_target(cpu, frame[IP], refusal))
        return false;
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] + 3 * operand_bytes);
    /* VM, VIF and VIP stay (SDM 2A, IRET) */
    const uint64_t kept = RF_FLAG_VM | RF_FLAG_VIF | RF_FLAG_VIP;
    rf_return_flags(cpu, (frame[FLAGS] & ~kept) | (cpu->flags & kept), operand_bytes);
    load_code(cpu, (uint16_t)frame[CS], frame[IP]);
    return true;
}

/* SDM 2A, INT n, real-address mode; no error code is pushed. */
bool rf_deliver_real(struct rf_cpu *cpu, const struct rf_event *event, uint64_t flags_image,
                     struct rf_refusal *refusal)
{
    struct { uint16_t ip, cs; } vector = { 0 };
    uint32_t offset = event->vector * 4u;
    struct rf_stack stack = rf_current_stack(cpu, false);
    const uint64_t frame[3] = { flags_image, cpu->seg[RF_CS].selector, cpu->r[RF_REG_IP] + event->length };
    if (offset + 3 > cpu->idtr.limit)
        return rf_refuse(refusal, RF_GP, 0);
    if (!rf_cpu_read_system(cpu, cpu->idtr.base + offset, &vector, sizeof vector))
        return rf_refuse_fault(cpu, refusal, false);
    if (!rf_pushes_put(cpu, &stack, frame, 3, 2))
        return rf_refuse_fault(cpu, refusal, true);
    cpu->flags &= ~(RF_FLAG_IF | RF_FLAG_TF | RF_FLAG_AC | RF_FLAG_RF);
    load_code(cpu, vector.cs, vector.ip);
    rf_pushes_done(cpu, &stack, 3, 2);
    return true;
}

/* Protected mode's way to a handler: the gate in the IDT, the handler's segment, the stack, the
 * frame (SDM 3A, 6.11, 6.12 and, for IA-32e mode, 6.14). Nothing changes until every check and the
 * push have succeeded, so a fault on the way is delivered from the same state. */
#include "cpu/cet.h"
#include "cpu/privilege.h"
#include "cpu/segmentation.h"

struct gate {
    uint64_t offset;
    uint16_t selector;
    uint8_t type, dpl, ist;
    bool present, clears_if;
    uint8_t slot; /* bytes of each word that is pushed */
};

/* Types of gates (SDM 3A, table 3-2), S included. */
enum { TASK_GATE = 5, INTERRUPT_16 = 6, TRAP_16 = 7, INTERRUPT_32 = 0xe, TRAP_32 = 0xf };

/* EXT: the event is no INT n, INT3 or INTO (SDM 3A, 6.13). */
static uint32_t ext_of(const struct rf_event *event)
{
    return !event->software;
}

static bool has_type(const struct rf_cpu *cpu, unsigned type)
{
    if (type == INTERRUPT_32 || type == TRAP_32)
        return true;
    return rf_cpu_is_legacy(cpu) && (type == INTERRUPT_16 || type == TRAP_16 || type == TASK_GATE);
}

/* The upper half is there in IA-32e mode only. */
static void unpack(const uint64_t raw[2], bool is_legacy, struct gate *gate)
{
    gate->type = raw[0] >> 40 & 0x1f;
    gate->dpl = raw[0] >> 45 & 3;
    gate->present = raw[0] >> 47 & 1;
    gate->selector = (uint16_t)(raw[0] >> 16);
    gate->offset = (raw[0] & 0xffff) | raw[1] << 32;
    if (gate->type & 8)
        gate->offset |= raw[0] >> 32 & 0xffff0000;
    gate->ist = is_legacy ? 0 : raw[0] >> 32 & 7;
    gate->clears_if = !(gate->type & 1);
    gate->slot = !is_legacy ? 8 : gate->type & 8 ? 4 : 2;
}

static bool read_gate(struct rf_cpu *cpu, const struct rf_event *event, struct gate *gate,
                      struct rf_refusal *refusal)
{
    bool is_legacy = rf_cpu_is_legacy(cpu);
    unsigned size = is_legacy ? 8 : 16;
    uint32_t error = event->vector * 8u + 2 + ext_of(event), offset = event->vector * size;
    uint64_t raw[2] = { 0 };
    if (offset + size - 1 > cpu->idtr.limit)
        return rf_refuse(refusal, RF_GP, error);
    if (!rf_cpu_read_system(cpu, cpu->idtr.base + offset, raw, size))
        return rf_refuse_fault(cpu, refusal, false);
    unpack(raw, is_legacy, gate);
    if (!has_type(cpu, gate->type) || (event->software && gate->dpl < cpu->cpl))
        return rf_refuse(refusal, RF_GP, error);
    if (!gate->present)
        return rf_refuse(refusal, RF_NP, error);
    if (gate->type == TASK_GATE) {
        rf_report_unimplemented(cpu, "task gate in the IDT");
        return rf_refuse(refusal, RF_GP, error);
    }
    return true;
}

static bool read_handler_segment(struct rf_cpu *cpu, const struct gate *gate, uint32_t ext,
                                 struct rf_descriptor *code, struct rf_refusal *refusal)
{
    if (!(gate->selector & ~3u))
        return rf_refuse(refusal, RF_GP, ext);
    if (!rf_read_descriptor(cpu, gate->selector, RF_GP, ext, code, refusal))
        return false;
    const struct rf_segment *s = &code->segment;
    uint32_t error = (gate->selector & ~3u) | ext;
    if (!rf_segment_is_code(s) || rf_segment_dpl(s) > cpu->cpl)
        return rf_refuse(refusal, RF_GP, error);
    if (!rf_cpu_is_legacy(cpu) && (s->attributes & (RF_SEG_L | RF_SEG_DB)) != RF_SEG_L)
        return rf_refuse(refusal, RF_GP, error);
    if (!(s->attributes & RF_SEG_P))
        return rf_refuse(refusal, RF_NP, error);
    return rf_mark_accessed(cpu, code, refusal);
}

/* The frame, in the order of the pushes; SS and RSP come with a switch, and always in IA-32e mode.
 * Returns the number of words. */
static unsigned build_frame(const struct rf_cpu *cpu, const struct rf_event *event, uint64_t flags_image,
                            bool with_stack, uint64_t frame[6])
{
    uint64_t ip = cpu->r[RF_REG_IP] + event->length;
    unsigned count = 0;
    if (with_stack) {
        frame[count++] = cpu->seg[RF_SEG_SS].selector;
        frame[count++] = cpu->r[RF_RSP];
    }
    frame[count++] = flags_image;
    frame[count++] = cpu->seg[RF_CS].selector;
    frame[count++] = cpu->code_bits == 64 ? ip : (uint32_t)ip;
    if (event->has_error_code)
        frame[count++] = event->error_code;
    return count;
}

static void enter_handler(struct rf_cpu *cpu, const struct gate *gate, const struct rf_descriptor *code,
                          unsigned new_cpl)
{
    cpu->cpl = (uint8_t)new_cpl;
    cpu->seg[RF_CS] = code->segment;
    cpu->seg[RF_CS].selector = (uint16_t)((gate->selector & ~3u) | new_cpl);
    cpu->seg[RF_CS].attributes |= 1;
    cpu->r[RF_REG_IP] = gate->offset;
    cpu->flags &= ~(RF_FLAG_TF | RF_FLAG_NT | RF_FLAG_RF | RF_FLAG_VM);
    if (gate->clears_if)
        cpu->flags &= ~RF_FLAG_IF;
}

bool rf_deliver_protected(struct rf_cpu *cpu, const struct rf_event *event, uint64_t flags_image,
                          struct rf_refusal *refusal)
{
    struct gate gate = { 0 };
    struct rf_descriptor code;
    uint32_t ext = ext_of(event);
    bool is_legacy = rf_cpu_is_legacy(cpu);
    if (!read_gate(cpu, event, &gate, refusal) || !read_handler_segment(cpu, &gate, ext, &code, refusal))
        return false;
    unsigned new_cpl = rf_segment_is_conforming(&code.segment) ? cpu->cpl : rf_segment_dpl(&code.segment);
    bool inner = new_cpl < cpu->cpl;
    struct rf_stack stack = rf_current_stack(cpu, !is_legacy);
    if ((inner || gate.ist) && !rf_inner_stack(cpu, new_cpl, gate.ist, ext, &stack, refusal))
        return false;
    if (!is_legacy)
        stack.sp &= ~UINT64_C(15);

    uint64_t frame[6];
    struct rf_cet_plan cet;
    uint32_t stack_error = (inner && is_legacy ? stack.ss.selector & ~3u : 0) | ext;
    unsigned count = build_frame(cpu, event, flags_image, inner || !is_legacy, frame);
    if (!rf_target_allowed(cpu, &code.segment, gate.offset)) {
        if (!rf_pushes_probe(cpu, &stack, count, gate.slot))
            return rf_refuse_push(cpu, refusal, stack_error);
        return rf_refuse(refusal, RF_GP, ext);
    }
    if (!rf_pushes_put(cpu, &stack, frame, count, gate.slot))
        return rf_refuse_push(cpu, refusal, stack_error);
    if (!rf_cet_enter(cpu, new_cpl, gate.ist, cpu->r[RF_REG_IP] + event->length, ext, &cet, refusal))
        return false;
    if (inner)
        cpu->seg[RF_SEG_SS] = stack.ss;
    enter_handler(cpu, &gate, &code, new_cpl);
    rf_cet_commit(cpu, &cet);
    rf_cet_enter_tracking(cpu);
    rf_cpu_mode_changed(cpu);
    rf_pushes_done(cpu, &stack, count, gate.slot);
    return true;
}

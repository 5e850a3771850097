/* Running guest code in a kit, and what came of it (ringfort/testkit.h). */
#include "testkit/kit.h"

#include <stdio.h>
#include <string.h>

#define VMCALL_BYTES 3

/* --- events --- */

static uint8_t byte_at(rf_kit *kit, uint64_t linear)
{
    uint8_t byte = 0;
    rf_bare_read_linear(kit->bare, linear, &byte, 1);
    return byte;
}

/* Bytes of the INT n, INT3, INTO or INT1 before an address that raises this vector; 0: there is none. */
static unsigned software_length(rf_kit *kit, unsigned vector, uint64_t rip)
{
    uint8_t last = byte_at(kit, rip - 1), opcode = byte_at(kit, rip - 2);
    if ((vector == 3 && last == 0xcc) || (vector == 4 && last == 0xce) || (vector == 1 && last == 0xf1))
        return 1;
    return opcode == 0xcd && last == vector ? 2 : 0;
}

/* SDM 3A, figure 6-7. */
static void selector_words(uint32_t code, char *out, size_t size)
{
    const char *external = code & 1 ? ", external event" : "";
    if (code & 2)
        snprintf(out, size, "IDT entry 0x%x%s", code >> 3 & 0x1fff, external);
    else if (code & ~1u)
        snprintf(out, size, "selector 0x%x in the %s%s", code & 0xfff8, code & 4 ? "LDT" : "GDT", external);
    else
        snprintf(out, size, "no selector%s", external);
}

static void take_error_code(rf_kit *kit, rf_outcome *o, uint64_t *frame)
{
    o->has_error_code = o->kind == RF_OUTCOME_EXCEPTION && kit_pushes_error_code((unsigned)o->vector);
    if (!o->has_error_code)
        return;
    uint64_t code = 0;
    rf_bare_read_linear(kit->bare, *frame, &code, sizeof code);
    o->error_code = (uint32_t)code;
    *frame += 8;
    if (o->vector == 14)
        rf_page_fault_bits(o->error_code, o->error_text, sizeof o->error_text);
    else if (o->vector >= 10 && o->vector <= 13)
        selector_words(o->error_code, o->error_text, sizeof o->error_text);
    else if (o->vector == 21)
        kit_control_words(o->error_code, o->error_text, sizeof o->error_text);
}

static uint64_t grown(uint64_t now, uint64_t before)
{
    return now - before;
}

/* Which of the three ways to a vector it was: the counts of the run tell what happened at all, and the code before
 * RIP whether it was INT n. */
static unsigned classify(rf_kit *kit, rf_outcome *o, uint64_t rip, const rf_stats *now)
{
    unsigned vector = (unsigned)o->vector, length = 0;
    if (grown(now->software_interrupts, kit->before.software_interrupts))
        length = software_length(kit, vector, rip);
    bool exception = vector < 32 && grown(now->exceptions[vector], kit->before.exceptions[vector]);
    if (length == 1 || (!length && exception))
        o->kind = RF_OUTCOME_EXCEPTION;
    else
        o->kind = length ? RF_OUTCOME_SOFTWARE_INTERRUPT : RF_OUTCOME_INTERRUPT;
    return length;
}

static void name_vector(rf_outcome *o)
{
    if (o->kind == RF_OUTCOME_EXCEPTION)
        snprintf(o->name, sizeof o->name, "%s", rf_exception_name((unsigned)o->vector));
    else if (o->kind == RF_OUTCOME_INTERRUPT && o->vector == 2)
        snprintf(o->name, sizeof o->name, "nmi");
    else
        snprintf(o->name, sizeof o->name, "%s 0x%x", o->kind == RF_OUTCOME_INTERRUPT ? "interrupt" : "int",
                 (unsigned)o->vector);
}

static void take_vector(rf_kit *kit, rf_outcome *o, const rf_stats *now, uint64_t handler)
{
    uint64_t frame = rf_kit_get(kit, RF_BARE_RSP), rip;
    o->vector = (int)((handler - RF_KIT_HANDLERS) / 16);
    /* RIP is above the error code, which only exceptions have */
    rf_bare_read_linear(kit->bare, frame, &rip, sizeof rip);
    unsigned length = classify(kit, o, rip, now);
    name_vector(o);
    take_error_code(kit, o, &frame);
    o->has_frame = rf_bare_read_linear(kit->bare, frame, &o->frame, sizeof o->frame) == RF_OK;
    o->cpl_before = o->frame.cs & 3;
    o->cause = o->frame.rip - length;
    o->after[RF_BARE_RSP] = o->frame.rsp;
    kit->handler_rip = rf_kit_get(kit, RF_BARE_RIP);
    kit->handler_rsp = rf_kit_get(kit, RF_BARE_RSP);
    kit->interrupted_rsp = o->frame.rsp;
}

/* SYSCALL saves no CPL: user code made it, unless the run began in the kernel and never left it. */
static unsigned syscall_cpl(const rf_kit *kit, const rf_stats *now)
{
    bool left = now->sysrets != kit->before.sysrets || now->irets != kit->before.irets;
    return kit->start_cpl || left ? 3 : 0;
}

static void take_entry(rf_kit *kit, rf_outcome *o, const rf_stats *now, uint64_t at)
{
    bool sysenter = at == RF_KIT_SYSENTER;
    o->kind = sysenter ? RF_OUTCOME_SYSENTER : RF_OUTCOME_SYSCALL;
    snprintf(o->name, sizeof o->name, sysenter ? "sysenter" : "syscall");
    o->cpl_before = syscall_cpl(kit, now);
    if (!sysenter)
        o->cause = rf_kit_get(kit, RF_BARE_RCX) - 2;
}

static void take_door(rf_kit *kit, rf_outcome *o, const rf_stats *now)
{
    uint64_t at = rf_kit_get(kit, RF_BARE_RIP) - VMCALL_BYTES, entry = at - kit_handler_prefix(kit);
    if (entry >= RF_KIT_HANDLERS && entry < RF_KIT_HANDLERS + 256 * 16 && entry % 16 == 0) {
        take_vector(kit, o, now, entry);
    } else if (entry == RF_KIT_SYSCALL || entry == RF_KIT_SYSCALL32 || entry == RF_KIT_SYSENTER) {
        take_entry(kit, o, now, entry);
    } else {
        o->kind = RF_OUTCOME_DOOR;
        o->cause = at;
    }
}

static void take_stop(rf_kit *kit, rf_outcome *o, rf_bare_stop_reason reason)
{
    static const rf_outcome_kind kinds[] = {
        [RF_BARE_HALT] = RF_OUTCOME_HALT, [RF_BARE_TRIPLE_FAULT] = RF_OUTCOME_TRIPLE_FAULT,
        [RF_BARE_LIMIT] = RF_OUTCOME_LIMIT, [RF_BARE_STOPPED] = RF_OUTCOME_STOPPED,
        [RF_BARE_STEPPED] = RF_OUTCOME_STEPPED, [RF_BARE_RESET] = RF_OUTCOME_STOPPED,
    };
    o->kind = kinds[reason];
    o->cause = rf_kit_get(kit, RF_BARE_RIP) - (reason == RF_BARE_HALT); /* HLT has one byte */
    if (reason == RF_BARE_TRIPLE_FAULT)
        snprintf(o->report, sizeof o->report, "%.255s", rf_bare_error_text(kit->bare));
}

/* --- what changed --- */

static void take_figures(rf_kit *kit, rf_outcome *o, const rf_stats *now)
{
    o->instructions = now->instructions - kit->before.instructions;
    o->cycles = now->cycles - kit->before.cycles;
    for (unsigned i = 0; i < 8; i++)
        o->account_cycles[i] = now->account_cycles[i] - kit->before.account_cycles[i];
}

static void take_outcome(rf_kit *kit, rf_bare_stop_reason reason)
{
    static const char *const names[] = { [RF_OUTCOME_DOOR] = "door", [RF_OUTCOME_HALT] = "halt",
                                         [RF_OUTCOME_TRIPLE_FAULT] = "triple-fault", [RF_OUTCOME_LIMIT] = "limit",
                                         [RF_OUTCOME_STOPPED] = "stopped", [RF_OUTCOME_STEPPED] = "stepped" };
    rf_outcome *o = &kit->outcome;
    rf_stats now;
    rf_bare_stats(kit->bare, &now);
    for (unsigned i = 0; i < 16; i++)
        o->after[i] = rf_kit_get(kit, (rf_bare_reg)i);
    o->cr2 = rf_kit_get(kit, RF_BARE_CR2);
    o->cpl_before = o->cpl_after = (unsigned)rf_kit_get(kit, RF_BARE_CPL);
    if (reason == RF_BARE_DOOR)
        take_door(kit, o, &now);
    else
        take_stop(kit, o, reason);
    if (!*o->name)
        snprintf(o->name, sizeof o->name, "%s", names[o->kind]);
    for (unsigned i = 0; i < 16; i++)
        o->changed |= (uint32_t)(o->before[i] != o->after[i]) << i;
    take_figures(kit, o, &now);
    uint64_t cs = o->has_frame                       ? o->frame.cs
                  : o->cpl_before == o->cpl_after ? rf_kit_get(kit, RF_BARE_CS)
                                                  : RF_KIT_USER_CS;
    if (o->cause)
        kit_instruction(kit, o->cause, cs, o->instruction, sizeof o->instruction);
}

static void begin(rf_kit *kit)
{
    memset(&kit->outcome, 0, sizeof kit->outcome);
    kit->outcome.vector = -1;
    kit->error[0] = kit->failure[0] = '\0';
    kit->start_cpl = (unsigned)rf_kit_get(kit, RF_BARE_CPL);
    rf_bare_stats(kit->bare, &kit->before);
    for (unsigned i = 0; i < 16; i++)
        kit->outcome.before[i] = rf_kit_get(kit, (rf_bare_reg)i);
    /* A run that goes on from a handler is compared with what was interrupted. */
    if (rf_kit_get(kit, RF_BARE_RIP) == kit->handler_rip && kit->outcome.before[RF_BARE_RSP] == kit->handler_rsp)
        kit->outcome.before[RF_BARE_RSP] = kit->interrupted_rsp;
}

/* --- calls --- */

rf_status rf_kit_continue(rf_kit *kit, uint64_t cycles)
{
    if (!kit)
        return RF_ERR_ARGUMENT;
    rf_bare_stop_reason reason;
    begin(kit);
    rf_status status = rf_bare_run(kit->bare, cycles, &reason);
    if (status)
        return kit_bare_error(kit, status);
    take_outcome(kit, reason);
    return RF_OK;
}

rf_status rf_kit_step(rf_kit *kit)
{
    if (!kit)
        return RF_ERR_ARGUMENT;
    rf_bare_stop_reason reason;
    begin(kit);
    rf_status status = rf_bare_step(kit->bare, &reason);
    if (status)
        return kit_bare_error(kit, status);
    take_outcome(kit, reason);
    return RF_OK;
}

rf_status rf_kit_run(rf_kit *kit, const rf_guest_code *code)
{
    if (!kit)
        return RF_ERR_ARGUMENT;
    bool user = rf_kit_get(kit, RF_BARE_CPL) == 3;
    uint64_t address = user ? RF_KIT_USER_TEXT : RF_KIT_KERNEL_TEXT;
    const size_t room = RF_KIT_HANDLER_TEXT - RF_KIT_KERNEL_TEXT;
    if (code && code->end >= code->start && (size_t)(code->end - code->start) > room)
        return kit_error(kit, RF_ERR_ARGUMENT, "the code is longer than 16 KiB");
    rf_status status = kit_place(kit, address, code, user ? "user" : "kernel");
    if (!status)
        status = rf_kit_set(kit, RF_BARE_RIP, address);
    return status ? status : rf_kit_continue(kit, 0);
}

const rf_outcome *rf_kit_outcome(const rf_kit *kit)
{
    return kit ? &kit->outcome : NULL;
}

/* Outcomes, code and page walks of a kit in words. */
#include "testkit/kit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void kit_put(struct kit_text *t, const char *format, ...)
{
    va_list args;
    if (t->used >= t->size)
        return;
    va_start(args, format);
    int length = vsnprintf(t->out + t->used, t->size - t->used, format, args);
    va_end(args);
    if (length > 0)
        t->used += (size_t)length;
}

/* --- addresses and instructions --- */

static const struct kit_code *code_at(const rf_kit *kit, uint64_t address)
{
    for (unsigned i = 0; i < kit->code_count; i++)
        if (address >= kit->code[i].address && address - kit->code[i].address <= kit->code[i].size)
            return &kit->code[i];
    return NULL;
}

void kit_address(const rf_kit *kit, uint64_t address, char out[40])
{
    const struct kit_code *code = code_at(kit, address);
    if (code)
        snprintf(out, 40, "%s+%" PRIu64, code->name, address - code->address);
    else if (address >= RF_KIT_HANDLERS && address < RF_KIT_HANDLERS + 256 * 16)
        snprintf(out, 40, "handler 0x%x+%u", (unsigned)(address - RF_KIT_HANDLERS) / 16, (unsigned)address % 16);
    else
        snprintf(out, 40, "0x%" PRIx64, address);
}

unsigned kit_instruction(rf_kit *kit, uint64_t address, uint64_t cs, char *out, size_t size)
{
    uint8_t bytes[15];
    size_t got = 0;
    while (got < sizeof bytes && rf_bare_read_linear(kit->bare, address + got, bytes + got, 1) == RF_OK)
        got++;
    return rf_disassemble(bytes, got, address, cs == RF_KIT_USER_CS32 ? 32 : 64, out, size);
}

#define SHOWN_BEFORE 3
#define SHOWN_AFTER 2

/* How many instructions of the code begin before an address. */
static unsigned count_before(rf_kit *kit, const struct kit_code *code, uint64_t address, uint64_t cs)
{
    char text[96];
    unsigned count = 0, length;
    for (uint64_t at = code->address; at < address; at += length, count++) {
        length = kit_instruction(kit, at, cs, text, sizeof text);
        if (!length)
            length = 1;
    }
    return count;
}

/* The code around the guilty instruction, which is marked. */
void kit_put_code(rf_kit *kit, struct kit_text *t)
{
    const rf_outcome *o = &kit->outcome;
    const struct kit_code *code = o->cause ? code_at(kit, o->cause) : NULL;
    uint64_t cs = o->has_frame ? o->frame.cs : RF_KIT_USER_CS;
    char text[96], where[40];
    if (!code) {
        kit_address(kit, o->cause, where);
        if (o->cause)
            kit_put(t, "code:\n  => %-12s  %s\n", where, o->instruction);
        return;
    }
    unsigned before = count_before(kit, code, o->cause, cs), index = 0, length;
    kit_put(t, "code:\n");
    for (uint64_t at = code->address; at < code->address + code->size; at += length, index++) {
        length = kit_instruction(kit, at, cs, text, sizeof text);
        kit_address(kit, at, where);
        if (index + SHOWN_BEFORE >= before && index <= before + SHOWN_AFTER)
            kit_put(t, "  %s %-12s  %s\n", at == o->cause ? "=>" : "  ", where, text);
        if (!length)
            length = 1;
    }
}

/* The walk of the access that raised #PF. */
static void put_walk(rf_kit *kit, struct kit_text *t)
{
    const rf_outcome *o = &kit->outcome;
    rf_explanation e;
    char text[2048];
    rf_access_by by = o->error_code & 0x4         ? RF_BY_USER
                      : o->frame.rflags & 0x40000 ? RF_BY_SUPERVISOR_AC
                                                  : RF_BY_SUPERVISOR;
    if (rf_bare_explain(kit->bare, o->cr2, rf_page_fault_access(o->error_code), by, &e) != RF_OK)
        return;
    rf_explanation_text(&e, text, sizeof text);
    kit_put(t, "page walk: %s", text);
}

void kit_put_reason(rf_kit *kit, struct kit_text *t)
{
    const rf_outcome *o = &kit->outcome;
    if (o->kind == RF_OUTCOME_EXCEPTION && o->vector == 14)
        put_walk(kit, t);
    else if (o->kind == RF_OUTCOME_EXCEPTION && o->vector == 21)
        kit_put_returns(kit, t);
}

/* --- the outcome --- */

static void put_event(const rf_kit *kit, struct kit_text *t)
{
    const rf_outcome *o = &kit->outcome;
    char where[40];
    kit_put(t, "%s", o->name);
    if (o->has_error_code)
        kit_put(t, ", error code 0x%x%s%s%s", o->error_code, *o->error_text ? " (" : "", o->error_text,
                *o->error_text ? ")" : "");
    if (o->kind == RF_OUTCOME_EXCEPTION && o->vector == 14)
        kit_put(t, ", CR2 0x%" PRIx64, o->cr2);
    if (o->cause) {
        kit_address(kit, o->cause, where);
        kit_put(t, ", at %s: %s", where, *o->instruction ? o->instruction : "no instruction there");
    }
    kit_put(t, "\nCPL %u -> %u\n", o->cpl_before, o->cpl_after);
    if (*o->report)
        kit_put(t, "%s\n", o->report);
}

static void put_frame(const rf_kit *kit, struct kit_text *t)
{
    const rf_outcome *o = &kit->outcome;
    char where[40];
    if (!o->has_frame)
        return;
    kit_address(kit, o->frame.rip, where);
    kit_put(t, "saved frame: RIP %s, CS 0x%" PRIx64 ", RFLAGS 0x%" PRIx64 ", RSP 0x%" PRIx64 ", SS 0x%" PRIx64 "\n",
            where, o->frame.cs, o->frame.rflags, o->frame.rsp, o->frame.ss);
}

static void put_changes(struct kit_text *t, const rf_outcome *o)
{
    kit_put(t, "changed:");
    for (unsigned i = 0; i < 16; i++)
        if (o->changed >> i & 1)
            kit_put(t, " %s 0x%" PRIx64 " -> 0x%" PRIx64 "%s", rf_bare_reg_name((rf_bare_reg)i), o->before[i],
                    o->after[i], o->changed >> (i + 1) ? "," : "");
    kit_put(t, o->changed ? "\n" : " no general register\n");
}

static void put_figures(struct kit_text *t, const rf_outcome *o)
{
    bool first = true;
    kit_put(t, "%" PRIu64 " instructions, %" PRIu64 " cycles", o->instructions, o->cycles);
    for (unsigned i = 0; i < 8 && rf_stats_account_name(i); i++) {
        if (!o->account_cycles[i])
            continue;
        kit_put(t, "%s%s %" PRIu64, first ? ": " : ", ", rf_stats_account_name(i), o->account_cycles[i]);
        first = false;
    }
    kit_put(t, "\n");
}

const char *rf_kit_describe(rf_kit *kit)
{
    if (!kit)
        return "";
    struct kit_text t = { kit->description, sizeof kit->description, 0 };
    const rf_outcome *o = &kit->outcome;
    if (o->kind == RF_OUTCOME_NONE) {
        kit_put(&t, "nothing was run\n");
        return kit->description;
    }
    put_event(kit, &t);
    put_frame(kit, &t);
    put_changes(&t, o);
    put_figures(&t, o);
    kit_put_reason(kit, &t);
    return kit->description;
}

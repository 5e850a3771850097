/* `ringfort explain` (tools/explain.h). */
#include "explain.h"

#include "file.h"
#include "run.h"

#include <inttypes.h>
#include <stdlib.h>

static void print_explanation(const rf_explanation *e)
{
    char text[4096];
    rf_explanation_text(e, text, sizeof text);
    fputs(text, stdout);
}

/* --- a running program --- */

static int explain_address(rf_machine *machine, uint64_t address, rf_access_kind access, rf_access_by by)
{
    rf_explanation e;
    char mapping[160];
    if (rf_machine_explain(machine, address, access, by, &e) != RF_OK ||
        rf_machine_mapping(machine, address, mapping, sizeof mapping) != RF_OK) {
        complain("%s", rf_error_text(machine));
        return EXIT_OWN;
    }
    print_explanation(&e);
    if (address < UINT64_C(1) << 47)
        printf("  the kernel's mapping: %s%s\n", *mapping ? mapping : "none",
               *mapping && !e.translated ? ", a page that was never touched, or is filled at the next access" : "");
    return EXIT_SUCCESS;
}

/* The access that killed the program, by its page fault's error code. */
static int explain_fault(rf_machine *machine, const struct options *o, rf_stop_reason reason)
{
    rf_result r = { 0 };
    bool ended = reason == RF_MACHINE_EXITED && rf_machine_result(machine, &r) == RF_OK;
    if (!ended || !r.signaled || !r.has_fault || r.vector != 14) {
        complain("%s was not killed by a page fault%s%s: give an ADDRESS", o->program,
                 ended && r.has_fault ? " but by " : "", ended && r.has_fault ? rf_exception_name(r.vector) : "");
        return EXIT_OWN;
    }
    printf("%s was killed by a page fault at rip 0x%" PRIx64 "%s%s\n", o->program, r.rip, *r.instruction ? ": " : "",
           r.instruction);
    rf_access_kind access = o->explain.has_access ? o->explain.access : rf_page_fault_access(r.error_code);
    return explain_address(machine, r.fault_address, access, o->explain.by);
}

static int explain_machine(rf_machine *machine, const struct options *o, rf_stop_reason reason)
{
    const struct explain_options *x = &o->explain;
    int status = EXIT_SUCCESS;
    fflush(stdout);
    if (reason == RF_MACHINE_CRASHED)
        complain("%s stopped: %s", o->program, rf_error_text(machine));
    if (!x->count)
        return explain_fault(machine, o, reason);
    for (size_t i = 0; i < x->count && !status; i++)
        status = explain_address(machine, x->addresses[i], x->access, x->by);
    return status;
}

/* --- a copy of memory --- */

#define EXPLAIN_MOST_BYTES ((size_t)64 << 30) /* as much as a machine may have */

static int explain_file(const struct explain_options *x)
{
    struct file memory;
    if (!file_read(x->page_tables, EXPLAIN_MOST_BYTES, &memory)) {
        free(memory.bytes);
        return EXIT_OWN;
    }
    rf_paging paging = x->paging;
    paging.cr0 ^= EXPLAIN_CR0;
    paging.cr4 ^= EXPLAIN_CR4;
    paging.efer ^= EXPLAIN_EFER;
    for (size_t i = 0; i < x->count; i++) {
        rf_explanation e;
        rf_explain_image(memory.bytes, memory.size, &paging, x->addresses[i], x->access, x->by, &e);
        print_explanation(&e);
    }
    free(memory.bytes);
    return EXIT_SUCCESS;
}

int explain(const struct options *o)
{
    const struct explain_options *x = &o->explain;
    if (x->page_tables)
        return explain_file(x);
    uint64_t limit = o->max_cycles && (!x->after || o->max_cycles < x->after) ? o->max_cycles : x->after;
    return run_machine(o, (rf_machine_config){ .max_cycles = limit, .keep_memory = true }, explain_machine);
}

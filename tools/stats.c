/* The text of --stats: the same run prints the same bytes. bench/run reads "instructions: N". */
#include "stats.h"

#include "options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* 1234567 -> "1,234,567". */
static const char *grouped(uint64_t value, char out[32])
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%" PRIu64, value);
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        if (i && (count - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

static void print_count(FILE *to, const char *indent, const char *name, uint64_t value)
{
    char text[32];
    fprintf(to, "%s%s: %s\n", indent, name, grouped(value, text));
}

static void print_cycles(FILE *to, const rf_stats *s)
{
    print_count(to, "", "instructions", s->instructions);
    print_count(to, "", "cycles", s->cycles);
    for (unsigned i = 0; rf_stats_account_name(i); i++) {
        char text[32];
        double share = s->cycles ? 100.0 * (double)s->account_cycles[i] / (double)s->cycles : 0;
        fprintf(to, "  %s: %s (%.1f%%)\n", rf_stats_account_name(i), grouped(s->account_cycles[i], text), share);
    }
}

static void print_transitions(FILE *to, const rf_stats *s)
{
    fputs("transitions:\n", to);
    print_count(to, "  ", "syscall", s->syscalls);
    print_count(to, "  ", "sysret", s->sysrets);
    print_count(to, "  ", "iret", s->irets);
    print_count(to, "  ", "int n", s->software_interrupts);
    print_count(to, "  ", "interrupts", s->interrupts);
    uint64_t exceptions = 0;
    for (unsigned i = 0; i < 32; i++)
        exceptions += s->exceptions[i];
    print_count(to, "", "exceptions", exceptions);
    for (unsigned i = 0; i < 32; i++)
        if (s->exceptions[i])
            print_count(to, "  ", rf_exception_name(i), s->exceptions[i]);
    print_count(to, "", "page walks", s->page_walks);
    print_count(to, "  ", "levels", s->walk_levels);
    print_count(to, "", "TLB flushes", s->tlb_flushes);
    print_count(to, "", "blocks decoded", s->blocks_decoded);
    print_count(to, "  ", "instructions", s->instructions_decoded);
}

/* --- system calls --- */

struct row {
    unsigned number;
    rf_syscall_stats s;
};

/* Most cycles first; equal ones by number, so that the order is always the same. */
static int by_cycles(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->s.cycles != y->s.cycles)
        return x->s.cycles < y->s.cycles ? 1 : -1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void print_row(FILE *to, const struct row *row)
{
    char calls[32], errors[32], cycles[32];
    fprintf(to, "  %-24s %12s %10s %16s\n", rf_syscall_name(row->number), grouped(row->s.calls, calls),
            grouped(row->s.errors, errors), grouped(row->s.cycles, cycles));
}

static void print_missing(FILE *to, const rf_machine *machine, const struct row *rows, size_t count)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (rf_syscall_implemented(machine, rows[i].number))
            continue;
        fprintf(to, "%s %s", first ? "not implemented (ENOSYS):" : ",", rf_syscall_name(rows[i].number));
        first = false;
    }
    if (!first)
        fputc('\n', to);
}

static void print_syscalls(FILE *to, const rf_machine *machine, const rf_stats *s)
{
    size_t count = 0;
    struct row *rows = must_resize(NULL, rf_syscall_limit() * sizeof *rows);
    for (unsigned i = 0; i < rf_syscall_limit(); i++) {
        rows[count].number = i;
        if (rf_syscall_name(i) && rf_machine_syscall_stats(machine, i, &rows[count].s))
            count++;
    }
    qsort(rows, count, sizeof *rows, by_cycles);
    print_count(to, "", "system calls", s->syscall_calls);
    if (count)
        fprintf(to, "  %-24s %12s %10s %16s\n", "call", "calls", "errors", "cycles");
    for (size_t i = 0; i < count; i++)
        print_row(to, &rows[i]);
    print_missing(to, machine, rows, count);
    free(rows);
}

void print_stats(FILE *to, const rf_machine *machine)
{
    rf_stats stats;
    rf_machine_stats(machine, &stats);
    print_cycles(to, &stats);
    print_transitions(to, &stats);
    print_syscalls(to, machine, &stats);
}

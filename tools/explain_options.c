/* The command line of `ringfort explain` (tools/options.h). */
#include "options.h"

#include <stdlib.h>
#include <string.h>

/* The index of a value among names that end with NULL; false: it is none of them. */
static bool find_name(const char *const *names, const char *value, unsigned *index)
{
    for (*index = 0; names[*index]; ++*index)
        if (!strcmp(value, names[*index]))
            return true;
    return false;
}

static bool take_access(struct options *o, const char *value)
{
    static const char *const names[] = { "read", "write", "fetch", "shadow-read", "shadow-write", NULL };
    unsigned kind;
    if (!find_name(names, value, &kind)) {
        complain("--access %s: give read, write, fetch, shadow-read or shadow-write", value);
        return false;
    }
    o->explain.access = (rf_access_kind)kind;
    return o->explain.has_access = true;
}

static bool take_as(struct options *o, const char *value)
{
    static const char *const names[] = { "user", "supervisor", "supervisor-ac", NULL };
    unsigned by;
    if (!find_name(names, value, &by)) {
        complain("--as %s: give user, supervisor or supervisor-ac", value);
        return false;
    }
    o->explain.by = (rf_access_by)by;
    return true;
}

static bool take_after(struct options *o, const char *value)
{
    if (parse_number(value, 1000, &o->explain.after) && o->explain.after)
        return true;
    complain("--after %s: give a number of cycles above 0, with K, M or G for thousands, millions or billions",
             value);
    return false;
}

static bool take_page_tables(struct options *o, const char *value)
{
    o->explain.page_tables = value;
    return true;
}

/* What is kept is the change to an assumed value. */
static bool take_register(const char *name, const char *value, uint64_t assumed, uint64_t *out)
{
    uint64_t number = 0;
    if (!parse_number(value, 0, &number)) {
        complain("--%s %s: give the register's value, such as 0x1000", name, value);
        return false;
    }
    *out = number ^ assumed;
    return true;
}

static bool take_cr3(struct options *o, const char *value)
{
    return o->explain.has_cr3 = take_register("cr3", value, 0, &o->explain.paging.cr3);
}

static bool take_cr0(struct options *o, const char *value)
{
    return take_register("cr0", value, EXPLAIN_CR0, &o->explain.paging.cr0);
}

static bool take_cr4(struct options *o, const char *value)
{
    return take_register("cr4", value, EXPLAIN_CR4, &o->explain.paging.cr4);
}

static bool take_efer(struct options *o, const char *value)
{
    return take_register("efer", value, EXPLAIN_EFER, &o->explain.paging.efer);
}

static bool take_pkru(struct options *o, const char *value)
{
    uint64_t number = 0;
    bool taken = take_register("pkru", value, 0, &number);
    if (taken && number > UINT32_MAX) {
        complain("--pkru %s: PKRU has 32 bits", value);
        return false;
    }
    o->explain.paging.pkru = (uint32_t)number;
    return taken;
}

static const struct option table[] = {
    { "--access", "KIND", take_access,
      "the access to explain: read (default), write, fetch,\nshadow-read or shadow-write (of shadow stacks)" },
    { "--as", "MODE", take_as,
      "who accesses: user (default), supervisor, or supervisor-ac:\nwith RFLAGS.AC set, as after STAC" },
    { "--after", "CYCLES", take_after,
      "explain when so many modelled cycles have passed, instead of\nat the program's end; K, M, G as for "
      "--max-cycles" },
    { "--page-tables", "FILE", take_page_tables,
      "run nothing: FILE is a copy of physical memory from address\n0 on; needs --cr3" },
    { "--cr3", "N", take_cr3, "with --page-tables: the root of the tables" },
    { "--cr0", "N", take_cr0, "CR0 (default 0x80010033: paging, write protection)" },
    { "--cr4", "N", take_cr4, "CR4 (default 0x20: PAE)" },
    { "--efer", "N", take_efer, "EFER (default 0xd00: long mode, no-execute)" },
    { "--pkru", "N", take_pkru, "PKRU (default 0)" },
};

/* --- ADDRESS[,ADDRESS...] --- */

/* False: it is no list of numbers, and so a PROGRAM. */
static bool take_addresses(struct explain_options *e, const char *text)
{
    if (*text < '0' || *text > '9')
        return false;
    for (;;) {
        char *item = must_print("%.*s", (int)strcspn(text, ","), text);
        uint64_t address;
        bool number = parse_number(item, 0, &address);
        free(item);
        if (!number)
            return false;
        e->addresses = must_resize(e->addresses, (e->count + 1) * sizeof *e->addresses);
        e->addresses[e->count++] = address;
        text += strcspn(text, ",");
        if (!*text++)
            return true;
    }
}

static bool positional(struct options *o, int argc, char **argv)
{
    struct explain_options *e = &o->explain;
    bool listed = argc > 0 && take_addresses(e, argv[0]);
    if (!listed)
        e->count = 0;
    argc -= listed;
    argv += listed;
    if (!e->page_tables && take_program(o, argc, argv))
        return true;
    if (!e->page_tables)
        complain("no PROGRAM given; see ringfort explain --help");
    else if (!listed || argc)
        complain("--page-tables takes one argument: ADDRESS or ADDRESS,ADDRESS...");
    else if (!e->has_cr3)
        complain("--page-tables needs --cr3: where do the tables begin?");
    else
        return true;
    return false;
}

const struct command command_explain = {
    .name = "explain",
    .usage = "Usage: ringfort explain [OPTION...] [--] [ADDRESS,...] PROGRAM [ARGUMENT...]\n"
             "       ringfort explain --page-tables FILE --cr3 N [OPTION...] ADDRESS,...\n"
             "\n"
             "Runs PROGRAM until it ends or dies, or as long as --after says, and tells how its page tables\n"
             "translate each ADDRESS and which rule allows or refuses the access. Without ADDRESS: the\n"
             "address of the fault that killed the program.\n"
             "\n",
    .options = table,
    .option_count = sizeof table / sizeof table[0],
    .runs_program = true,
    .positional = positional,
};

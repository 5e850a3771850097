/* Expectations: a line of text compared with what happened, and the message of a failure
 * (ringfort/testkit.h). */
#include "testkit/kit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line of the comparison. */
enum state { UNSAID, AGREES, DIFFERS };
struct row {
    const char *name;
    bool known; /* the event has such a thing */
    char expected[48], actual[64];
    enum state state;
};

enum { EVENT, ERROR_CODE, CR2, AT, CPL, RIP, CS, RFLAGS, RSP, SS, CHANGED, KEPT, FIRST_REGISTER,
       SSP = FIRST_REGISTER + 16, CYCLES, INSTRUCTIONS, ROWS };

struct comparison {
    rf_kit *kit;
    struct row row[ROWS];
    bool exact;
    char problem[160]; /* the text cannot be understood */
};

/* --- what happened --- */

static void set_actual(struct comparison *c, unsigned row, const char *name, bool known, uint64_t value)
{
    c->row[row].name = name;
    c->row[row].known = known;
    if (known)
        snprintf(c->row[row].actual, sizeof c->row[row].actual, "0x%" PRIx64, value);
    else
        snprintf(c->row[row].actual, sizeof c->row[row].actual, "-");
}

static void set_address(struct comparison *c, unsigned row, const char *name, bool known, uint64_t value)
{
    char text[40];
    set_actual(c, row, name, known, value);
    kit_address(c->kit, value, text);
    if (known)
        snprintf(c->row[row].actual, sizeof c->row[row].actual, "%s", text);
}

static void list_changed(const rf_outcome *o, char *out, size_t size)
{
    size_t used = 0;
    snprintf(out, size, "none");
    for (unsigned i = 0; i < 16 && used < size; i++) {
        char name[8];
        if (!(o->changed >> i & 1))
            continue;
        snprintf(name, sizeof name, "%s", rf_bare_reg_name((rf_bare_reg)i));
        for (char *at = name; *at; at++)
            *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + ('a' - 'A')) : *at;
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "," : "", name);
    }
}

static void fill_actual(struct comparison *c)
{
    const rf_outcome *o = &c->kit->outcome;
    static const char *const registers[] = { "rax", "rcx", "rdx", "rbx", "stack", "rbp", "rsi", "rdi",
                                             "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };
    bool page_fault = o->kind == RF_OUTCOME_EXCEPTION && o->vector == 14;
    set_actual(c, EVENT, "event", true, 0);
    snprintf(c->row[EVENT].actual, sizeof c->row[EVENT].actual, "%s", *o->name ? o->name : "nothing was run");
    set_actual(c, ERROR_CODE, "error code", o->has_error_code, o->error_code);
    if (page_fault || (o->has_error_code && o->vector == 21 && *o->error_text))
        snprintf(c->row[ERROR_CODE].actual, sizeof c->row[ERROR_CODE].actual, "0x%x (%.40s)", o->error_code,
                 o->error_text);
    set_actual(c, CR2, "cr2", page_fault, o->cr2);
    set_address(c, AT, "at", o->cause != 0, o->cause);
    set_actual(c, CPL, "cpl", true, 0);
    snprintf(c->row[CPL].actual, sizeof c->row[CPL].actual, "%u->%u", o->cpl_before, o->cpl_after);
    set_address(c, RIP, "rip", o->has_frame, o->frame.rip);
    set_actual(c, CS, "cs", o->has_frame, o->frame.cs);
    set_actual(c, RFLAGS, "rflags", o->has_frame, o->frame.rflags);
    set_actual(c, RSP, "rsp", o->has_frame, o->frame.rsp);
    set_actual(c, SS, "ss", o->has_frame, o->frame.ss);
    set_actual(c, CHANGED, "changed", true, 0);
    list_changed(o, c->row[CHANGED].actual, sizeof c->row[CHANGED].actual);
    set_actual(c, KEPT, "kept", true, 0);
    snprintf(c->row[KEPT].actual, sizeof c->row[KEPT].actual, "all but changed");
    for (unsigned i = 0; i < 16; i++)
        set_actual(c, FIRST_REGISTER + i, registers[i], true, rf_kit_get(c->kit, (rf_bare_reg)i));
    set_actual(c, SSP, "ssp", true, rf_kit_get(c->kit, RF_BARE_SSP));
    set_actual(c, CYCLES, "cycles", true, o->cycles);
    set_actual(c, INSTRUCTIONS, "instructions", true, o->instructions);
    snprintf(c->row[CYCLES].actual, sizeof c->row[CYCLES].actual, "%" PRIu64, o->cycles);
    snprintf(c->row[INSTRUCTIONS].actual, sizeof c->row[INSTRUCTIONS].actual, "%" PRIu64, o->instructions);
}

static uint64_t value_of(const struct comparison *c, unsigned row)
{
    const rf_outcome *o = &c->kit->outcome;
    switch (row) {
    case ERROR_CODE: return o->error_code;
    case CR2: return o->cr2;
    case AT: return o->cause;
    case RIP: return o->frame.rip;
    case CS: return o->frame.cs;
    case RFLAGS: return o->frame.rflags;
    case RSP: return o->frame.rsp;
    case SS: return o->frame.ss;
    case SSP: return rf_kit_get(c->kit, RF_BARE_SSP);
    case CYCLES: return o->cycles;
    case INSTRUCTIONS: return o->instructions;
    default: return rf_kit_get(c->kit, (rf_bare_reg)(row - FIRST_REGISTER));
    }
}

/* --- what was expected --- */

static bool problem(struct comparison *c, const char *word, const char *why)
{
    snprintf(c->problem, sizeof c->problem, "'%.48s': %s", word, why);
    return false;
}

static void expect_row(struct comparison *c, unsigned row, const char *expected, bool agrees)
{
    snprintf(c->row[row].expected, sizeof c->row[row].expected, "%.47s", expected);
    if (c->row[row].state != DIFFERS) /* said twice: both must hold */
        c->row[row].state = agrees ? AGREES : DIFFERS;
}

/* A number after '=', '<' or '>'. */
static bool expect_value(struct comparison *c, unsigned row, char relation, const char *text)
{
    uint64_t wanted, actual = value_of(c, row);
    char expected[48];
    if (!kit_value(text, &wanted))
        return problem(c, text, "not a number or a name");
    bool agrees = relation == '<' ? actual < wanted : relation == '>' ? actual > wanted : actual == wanted;
    snprintf(expected, sizeof expected, "%s%.46s", relation == '=' ? "" : relation == '<' ? "<" : ">", text);
    expect_row(c, row, expected, c->row[row].known && agrees);
    return true;
}

/* "rcx,r11" or "none" as bits. */
static bool parse_registers(struct comparison *c, const char *text, uint32_t *out)
{
    *out = 0;
    if (!strcmp(text, "none"))
        return true;
    while (*text) {
        size_t length = strcspn(text, ",");
        unsigned i = 0;
        while (i < 16 && !(!strncmp(text, i == RF_BARE_RSP ? "rsp" : c->row[FIRST_REGISTER + i].name, length) &&
                           strlen(i == RF_BARE_RSP ? "rsp" : c->row[FIRST_REGISTER + i].name) == length))
            i++;
        if (i == 16)
            return problem(c, text, "not a general register");
        *out |= 1u << i;
        text += length + (text[length] == ',');
    }
    return true;
}

static bool expect_registers(struct comparison *c, unsigned row, const char *text)
{
    uint32_t wanted, changed = c->kit->outcome.changed;
    if (!parse_registers(c, text, &wanted))
        return false;
    expect_row(c, row, text, row == CHANGED ? wanted == changed : !(wanted & changed));
    return true;
}

static bool expect_cpl(struct comparison *c, const char *text)
{
    const rf_outcome *o = &c->kit->outcome;
    if (strlen(text) != 4 || strncmp(text + 1, "->", 2) != 0 || text[0] < '0' || text[0] > '3' || text[3] < '0' ||
        text[3] > '3')
        return problem(c, text, "write cpl=3->0");
    bool agrees = (unsigned)(text[0] - '0') == o->cpl_before && (unsigned)(text[3] - '0') == o->cpl_after;
    expect_row(c, CPL, text, agrees);
    return true;
}

/* "key=value", "key<value", "exact". */
static bool expect_word(struct comparison *c, const char *word)
{
    size_t length = strcspn(word, "=<>");
    char relation = word[length];
    if (!strcmp(word, "exact"))
        return c->exact = true;
    if (!relation)
        return problem(c, word, "not understood");
    for (unsigned row = CR2; row < ROWS; row++) {
        const char *name = c->row[row].name;
        if (strlen(name) != length || strncmp(name, word, length) != 0)
            continue;
        if (row == CPL)
            return expect_cpl(c, word + length + 1);
        if (row == CHANGED || row == KEPT)
            return expect_registers(c, row, word + length + 1);
        return expect_value(c, row, relation, word + length + 1);
    }
    return problem(c, word, "there is nothing of that name");
}

/* "#PF(P|W)" */
static bool expect_exception(struct comparison *c, const char *word)
{
    const rf_outcome *o = &c->kit->outcome;
    size_t length = strcspn(word, "("), rest = strlen(word);
    char name[32], code[32];
    snprintf(name, sizeof name, "%.*s", (int)(length < 31 ? length : 31), word);
    bool exists = false;
    for (unsigned vector = 0; vector < 32 && !exists; vector++)
        exists = !strcmp(rf_exception_name(vector), name);
    if (!exists)
        return problem(c, word, "there is no such exception");
    expect_row(c, EVENT, name, o->kind == RF_OUTCOME_EXCEPTION && !strcmp(o->name, name));
    if (!word[length])
        return true;
    if (word[rest - 1] != ')')
        return problem(c, word, "the ')' is missing");
    snprintf(code, sizeof code, "%.*s", (int)(rest - length - 2), word + length + 1);
    return expect_value(c, ERROR_CODE, '=', code);
}

static bool expect_numbered(struct comparison *c, const char *word, const char *number)
{
    uint64_t vector;
    char name[40];
    if (!kit_value(number, &vector) || vector > 255)
        return problem(c, number, "not a vector");
    snprintf(name, sizeof name, "%s 0x%x", word, (unsigned)vector);
    expect_row(c, EVENT, name, !strcmp(c->kit->outcome.name, name));
    return true;
}

static bool expect_event(struct comparison *c, const char **text)
{
    static const char *const plain[] = { "nmi",  "syscall",      "sysenter", "door",   "halt",
                                         "triple-fault", "limit", "stopped", "stepped" };
    char word[32], number[32];
    if (!kit_word(text, word))
        return problem(c, "", "no event is named");
    if (word[0] == '#')
        return expect_exception(c, word);
    if (!strcmp(word, "int") || !strcmp(word, "interrupt"))
        return kit_word(text, number) ? expect_numbered(c, word, number)
                                      : problem(c, word, "the vector is missing");
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (strcmp(plain[i], word) != 0)
            continue;
        expect_row(c, EVENT, word, !strcmp(c->kit->outcome.name, word));
        return true;
    }
    return problem(c, word, "there is no such event");
}

static bool parse(struct comparison *c, const char *text)
{
    char word[32];
    if (!expect_event(c, &text))
        return false;
    while (kit_word(&text, word)) {
        if (strlen(word) == 31)
            return problem(c, word, "too long");
        if (strcmp(word, "at") != 0) {
            if (!expect_word(c, word))
                return false;
        } else if (!kit_word(&text, word) || !expect_value(c, AT, '=', word)) {
            return *c->problem ? false : problem(c, "at", "the address is missing");
        }
    }
    return true;
}

/* --- the verdict --- */

static void demand_everything(struct comparison *c)
{
    static const unsigned rows[] = { ERROR_CODE, CR2, AT, RIP, CS, RFLAGS, RSP, SS, CHANGED };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (c->row[rows[i]].known && c->row[rows[i]].state == UNSAID)
            expect_row(c, rows[i], "(not said)", false);
}

static void put_rows(const struct comparison *c, struct kit_text *t)
{
    kit_put(t, "  %-12s  %-24s  %s\n", "", "expected", "actual");
    for (unsigned i = 0; i < ROWS; i++) {
        const struct row *row = &c->row[i];
        bool said = row->state != UNSAID;
        if (said || (row->known && i <= CHANGED))
            kit_put(t, "  %-12s  %-24s  %s%s\n", row->name, said ? row->expected : "", row->actual,
                    row->state == DIFFERS ? "  <--" : "");
    }
}

static void write_failure(const struct comparison *c, const char *text)
{
    struct kit_text t = { c->kit->failure, sizeof c->kit->failure, 0 };
    if (*c->problem) {
        kit_put(&t, "the expectation \"%.200s\" cannot be understood: %s\n", text, c->problem);
        return;
    }
    kit_put(&t, "expected: %.400s\n", text);
    put_rows(c, &t);
    kit_put_code(c->kit, &t);
    if (*c->kit->outcome.report)
        kit_put(&t, "%s\n", c->kit->outcome.report);
    kit_put_reason(c->kit, &t);
}

bool rf_kit_expect(rf_kit *kit, const char *text)
{
    if (!kit)
        return false;
    struct comparison c = { .kit = kit };
    kit->failure[0] = '\0';
    fill_actual(&c);
    bool holds = parse(&c, text ? text : "");
    if (c.exact)
        demand_everything(&c);
    for (unsigned i = 0; i < ROWS; i++)
        holds = holds && c.row[i].state != DIFFERS;
    if (!holds)
        write_failure(&c, text ? text : "");
    return holds;
}

const char *rf_kit_failure(const rf_kit *kit)
{
    return kit ? kit->failure : "no kit was given\n";
}

void rf_kit_on_failure(rf_kit *kit, rf_kit_failed *handler, void *user)
{
    if (!kit)
        return;
    kit->failed = handler;
    kit->failed_user = user;
}

/* The one call that may print and end the program: that is what it is for. */
void rf_kit_fail(rf_kit *kit, const char *file, int line)
{
    if (kit && kit->failed) {
        kit->failed(kit->failed_user, file, line, kit->failure);
        return;
    }
    fprintf(stderr, "%s:%d: %s", file, line, rf_kit_failure(kit));
    abort();
}

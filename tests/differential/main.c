/* The differential tester: every form of every instruction that the model `max` has, with
 * random and edge operands, on the host CPU and in Ringfort.
 *
 * Exit status: 0 if all agreed, 1 on a mismatch, an untested form or wrong usage, 77 where the
 * host cannot be compared with. */
#include "generate.h"
#include "rules.h"

#include "cpu/isa.h"
#include "lib/differential.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct run {
    uint64_t seed;
    unsigned sets;       /* operand sets for each form */
    unsigned seconds;    /* go on with other seeds for so long; 0: once through */
    const char *only;    /* forms whose text contains it */
    bool list;

    size_t forms, tested, elsewhere, untested, mismatched;
    uint64_t mismatches;
};

/* --- how a form is run --- */

static bool has_class(const struct form *form, ZydisRegisterClass class)
{
    for (unsigned i = 0; i < form->ins.operand_count_visible; i++)
        if (form->operand[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            ZydisRegisterGetClass(form->operand[i].reg.value) == class)
            return true;
    return false;
}

static bool moves_all_state(const struct form *form)
{
    switch (form->ins.meta.isa_set) {
    case ZYDIS_ISA_SET_FXSAVE:
    case ZYDIS_ISA_SET_FXSAVE64:
    case ZYDIS_ISA_SET_XSAVE:
    case ZYDIS_ISA_SET_XSAVEOPT:
    case ZYDIS_ISA_SET_XSAVEC: return true;
    default: return false;
    }
}

/* The kinds of state that a form is run with; returns how many. */
static unsigned passes_of(const struct form *form, unsigned passes[4])
{
    const unsigned x87 = DIFF_X87;
    switch (rf_isa_unit(&form->ins)) {
    case RF_ISA_X87:
    case RF_ISA_WAIT:
        passes[0] = x87, passes[1] = x87 | DIFF_STACK_ROOM;
        passes[2] = x87 | DIFF_UNMASKED, passes[3] = x87 | DIFF_UNMASKED | DIFF_STACK_ROOM;
        return 4;
    case RF_ISA_MMX:
        passes[0] = DIFF_MMX, passes[1] = x87 | DIFF_UNMASKED;
        return 2;
    case RF_ISA_SSE:
    case RF_ISA_AVX: {
        unsigned mmx = has_class(form, ZYDIS_REGCLASS_MMX) ? DIFF_MMX : 0;
        passes[0] = DIFF_ALIGNED | mmx, passes[1] = DIFF_ALIGNED | mmx | DIFF_UNMASKED;
        return 2;
    }
    default:
        passes[0] = 0, passes[1] = DIFF_UNMASKED;
        return moves_all_state(form) ? 2 : 1;
    }
}

/* Encodings for each pass: all values of an immediate that selects what is done, else some. */
static unsigned rounds_of(const struct form *form, unsigned sets)
{
    for (unsigned i = 0; i < form->ins.operand_count_visible; i++) {
        const ZydisDecodedOperand *o = &form->operand[i];
        if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && o->size == 8 && !o->imm.is_relative &&
            o->encoding != ZYDIS_OPERAND_ENCODING_NONE)
            return sets < 256 ? sets : 256;
    }
    return sets < 16 ? sets : 16;
}

static uint64_t hash(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037);
    while (*text)
        h = (h ^ (uint8_t)*text++) * UINT64_C(1099511628211);
    return h;
}

/* One kind of state. Returns operand sets run, and adds to *mismatches. */
static uint64_t run_pass(const struct form *form, const struct rule *rule, unsigned options,
                         uint64_t seed, unsigned sets, uint64_t *mismatches)
{
    struct diff_rng rng = { seed };
    unsigned rounds = rounds_of(form, sets);
    uint64_t before = diff_totals.runs;
    for (unsigned round = 0; round < rounds; round++) {
        struct generated made;
        if (!generate(form, &rng, round, rule->prepare || diff_below(&rng, 4), &made))
            continue;
        struct diff_case test = {
            .name = form->text,
            .code = made.code,
            .length = made.length,
            .options = options | rule->options | (*mismatches ? DIFF_QUIET : 0),
            .ignore_flags = rule->ignore_flags,
            .ignore_fsw = rule->ignore_fsw,
            .prepare = rule->prepare,
            .forgive = rule->forgive,
            .user = &made.request,
        };
        unsigned count = (sets + rounds - 1) / rounds;
        *mismatches += diff_run_random(&test, diff_random(&rng), count < 4 ? 4 : count);
    }
    return diff_totals.runs - before;
}

/* Inputs that a prepare function refuses are made up for. */
static uint64_t run_form(const struct run *run, const struct form *form, const struct rule *rule,
                         uint64_t *mismatches)
{
    unsigned passes[4], count = passes_of(form, passes);
    uint64_t done = 0, seed = run->seed ^ hash(form->text);
    for (unsigned attempt = 0; attempt < 8 && done < run->sets; attempt++)
        for (unsigned i = 0; i < count; i++)
            done += run_pass(form, rule, passes[i], seed + i + 4 * attempt,
                             (run->sets + count - 1) / count, mismatches);
    return done;
}

static bool ignores_only_undefined(const struct form *form, const struct rule *rule)
{
    return !rule->ignore_flags ||
           (form->ins.cpu_flags && !(rule->ignore_flags & ~form->ins.cpu_flags->undefined));
}

static void test_form(struct run *run, const struct form *form)
{
    const struct rule rule = rule_of(form);
    uint64_t mismatches = 0, sets = 0;
    run->forms++;
    if (rule.elsewhere) {
        run->elsewhere++;
        if (run->list)
            printf("elsewhere  %s: %s; %s\n", form->text, rule.elsewhere, rule.tested_by);
        return;
    }
    if (run->list)
        printf("compared   %s%s%s\n", form->text, rule.why ? ": not " : "", rule.why ? rule.why : "");
    if (run->list)
        return;
    if (!ignores_only_undefined(form, &rule)) {
        printf("%s: flags are ignored that are not undefined\n", form->text);
        mismatches++;
    }
    sets = run_form(run, form, &rule, &mismatches);
    if (sets < run->sets) {
        printf("UNTESTED   %s: %" PRIu64 " operand sets\n", form->text, sets);
        run->untested++;
    } else {
        run->tested++;
    }
    if (mismatches) {
        printf("MISMATCHES %s: %" PRIu64 " of %" PRIu64 "\n", form->text, mismatches, sets);
        run->mismatched++;
        run->mismatches += mismatches;
    }
    fflush(stdout);
}

static void test_all(struct run *run, const struct forms *forms)
{
    rf_feature_set max = rf_model_features(RF_CPU_MAX);
    run->forms = run->tested = run->elsewhere = run->untested = run->mismatched = 0;
    for (size_t i = 0; i < forms->count; i++) {
        const struct form *form = &forms->form[i];
        if (form->features == RF_ISA_NEVER || form->features & ~max)
            continue;
        if (!run->only || strstr(form->text, run->only))
            test_form(run, form);
    }
}

/* --- the command --- */

static void report(const struct run *run, double seconds)
{
    printf("%zu forms claimed: %zu compared with the host CPU, %zu tested elsewhere, %zu untested\n",
           run->forms, run->tested, run->elsewhere, run->untested);
    printf("coverage %.1f%%, %" PRIu64 " operand sets in %.1f s, %zu forms with %" PRIu64
           " mismatches\n",
           run->forms ? 100.0 * (double)(run->tested + run->elsewhere) / (double)run->forms : 0.0,
           diff_totals.runs, seconds, run->mismatched, run->mismatches);
}

static void usage(FILE *to)
{
    fputs("Usage: differential [--sets N] [--seconds N] [--seed N] [--only TEXT] [--portable] [--list]\n"
          "\n"
          "Runs every instruction form natively and in Ringfort and compares all state.\n"
          "  --sets N      operand sets for each form (default 1000)\n"
          "  --seconds N   go on with other seeds for N seconds (default: once through)\n"
          "  --seed N      the first seed (default 1); a run is the same for the same seed\n"
          "  --only TEXT   only forms whose name contains TEXT, such as \"vaddps ymm\"\n"
          "  --portable    without the host's AVX2, AES, SHA, GFNI: what other hosts run\n"
          "  --list        name the forms, what is not compared and why; run nothing\n", to);
}

static bool number(const char *text, unsigned long *out)
{
    char *end;
    if (!text || *text < '0' || *text > '9')
        return false;
    *out = strtoul(text, &end, 0);
    return !*end;
}

static bool parse(int argc, char **argv, struct run *run, bool *portable)
{
    for (int i = 1; i < argc; i++) {
        unsigned long value = 0;
        if (!strcmp(argv[i], "--list")) {
            run->list = true;
        } else if (!strcmp(argv[i], "--portable")) {
            *portable = true;
        } else if (!strcmp(argv[i], "--only") && argv[i + 1]) {
            run->only = argv[++i];
        } else if (i + 1 < argc && number(argv[i + 1], &value)) {
            if (!strcmp(argv[i], "--sets") && value)
                run->sets = (unsigned)value;
            else if (!strcmp(argv[i], "--seconds"))
                run->seconds = (unsigned)value;
            else if (!strcmp(argv[i], "--seed"))
                run->seed = value;
            else
                return false;
            i++;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct run run = { .seed = 1, .sets = 1000 };
    bool portable = false;
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        usage(stdout);
        return 0;
    }
    if (!parse(argc, argv, &run, &portable)) {
        usage(stderr);
        return 1;
    }
    if (!diff_available() || !diff_has_avx()) {
        puts("the host CPU cannot be compared with: it is no x86-64 with AVX2");
        return 77;
    }
    diff_use_portable(portable);
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    struct forms forms = forms_find();
    double seconds;
    do {
        test_all(&run, &forms);
        clock_gettime(CLOCK_MONOTONIC, &now);
        seconds = (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
        if (!run.list)
            report(&run, seconds);
        run.seed++;
    } while (seconds < run.seconds && !run.mismatches);
    forms_free(&forms);
    diff_print_record();
    return run.mismatches || run.untested || !run.forms || (!run.list && !run.tested);
}

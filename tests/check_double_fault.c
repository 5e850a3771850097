/* What becomes of an exception on the way to another's handler: delivered after it, a double fault, or a
 * triple fault (SDM 3A, 6.15, tables 6-4 and 6-5), and the EXT bit of its error code (6.13). Every pair of
 * a first event and a second exception is a case. */
#include "bare_modes.h"
#include "lib/suite.h"

/* --- first events, at CPL 3; the instruction that raises each is 2 bytes into the code --- */

CODE(raise_ud, "nop; nop; ud2");
CODE(raise_de, "xor %ecx, %ecx; div %ecx");
CODE(raise_gp, "nop; nop; hlt");
CODE(raise_np, "nop; nop; mov %bx, %ds");
CODE(raise_ss, "nop; nop; mov (%rbp), %eax");
CODE(raise_pf, "nop; nop; mov (%rdi), %eax");
CODE(raise_ac, "nop; nop; mov 1(%rsi), %eax");
CODE(raise_bp, "nop; nop; int3");
CODE(raise_int, "nop; nop; int $0x80");
CODE(raise_int_gp, "nop; nop; int $13");

enum class { BENIGN, CONTRIBUTORY, PAGE_FAULT, SOFTWARE };
static const struct first {
    const char *name;
    const uint8_t *code, *end;
    unsigned vector;
    enum class class;
} firsts[] = {
#define FIRST(name, vector, class) { #name, raise_##name, raise_##name##_end, vector, class }
    FIRST(ud, RF_UD, BENIGN), FIRST(ac, RF_AC, BENIGN), FIRST(de, RF_DE, CONTRIBUTORY),
    FIRST(gp, RF_GP, CONTRIBUTORY), FIRST(np, RF_NP, CONTRIBUTORY), FIRST(ss, RF_SS, CONTRIBUTORY),
    FIRST(pf, RF_PF, PAGE_FAULT), FIRST(bp, RF_BP, SOFTWARE), FIRST(int, 0x80, SOFTWARE),
    FIRST(int_gp, RF_GP, SOFTWARE),
};

/* --- second exceptions: what is wrong with the first one's gate; its stack is IST 7 --- */

static const enum rf_vector seconds[] = { RF_GP, RF_NP, RF_TS, RF_SS, RF_PF };
#define IST7 (BARE_TSS + 84)

static void spoil_gate(struct bare *b, unsigned vector, enum rf_vector second)
{
    uint64_t handler = BARE_HANDLERS + vector * 16;
    bool stack = second == RF_TS || second == RF_SS || second == RF_PF;
    bare_gate(b, vector, handler, KERNEL_CODE, second == RF_GP ? 0xc : 0xe, 3, stack ? 7 : 0, second != RF_NP);
    bare_write(b, IST7, second == RF_SS ? BARE_NONCANONICAL : second == RF_PF ? BARE_ABSENT + 0x800 : 0);
    if (second == RF_TS)
        b->cpu->tr.limit = 90; /* one byte of IST 7 is missing */
}

/* The handlers of the second and of #DF must not be spoilt with the first: the same vector's gate serves
 * both. */
static bool same_gate(const struct first *first, enum rf_vector second)
{
    return first->vector == (unsigned)second;
}

static uint32_t error_code(const struct first *first, enum rf_vector second)
{
    uint32_t ext = first->class != SOFTWARE;
    switch (second) {
    case RF_GP:
    case RF_NP: return first->vector * 8 + 2 + ext;
    case RF_TS: return TSS_SELECTOR + ext;
    case RF_SS: return ext;
    default: return RF_PF_W;
    }
}

static bool is_double_fault(const struct first *first, enum rf_vector second)
{
    return first->class == PAGE_FAULT || (first->class == CONTRIBUTORY && second != RF_PF);
}

static void set_up(struct bare *b, const struct first *first, enum rf_vector second)
{
    bare_create(b, 3);
    struct rf_cpu *cpu = b->cpu;
    rf_mmu_set_cr0(&cpu->mmu, cpu->mmu.cr0 | RF_CR0_AM);
    if (first->vector == RF_AC)
        cpu->flags |= RF_FLAG_AC;
    cpu->r[RF_RDI] = BARE_ABSENT + 0x123;
    cpu->r[RF_RSI] = BARE_USER_DATA;
    cpu->r[RF_RBP] = BARE_NONCANONICAL;
    cpu->r[RF_RBX] = ABSENT_DATA;
    bare_write(b, BARE_GDT + (ABSENT_DATA & ~7u), FLAT(0x72, 0xc));
    spoil_gate(b, first->vector, second);
    rf_cpu_mode_changed(cpu);
}

START_TEST(pairs)
{
    const struct first *first = &firsts[_i / (int)RF_ARRAY_SIZE(seconds)];
    enum rf_vector second = seconds[_i % (int)RF_ARRAY_SIZE(seconds)];
    struct bare b;
    set_up(&b, first, second);
    bare_run(&b, first->code, (size_t)(first->end - first->code));
    bool df = is_double_fault(first, second) || same_gate(first, second);
    ck_assert_msg(b.stop == RF_STOP_DOOR && b.vector == (int)(df ? RF_DF : second), "%s, then %s: %s", first->name,
                  rf_vector_name(second), b.vector < 0 ? b.cpu->stop_text : rf_vector_name((unsigned)b.vector));
    ck_assert_msg(b.error_code == (df ? 0 : error_code(first, second)), "%s, then %s: error code %#x", first->name,
                  rf_vector_name(second), b.error_code);
    /* the first event's own RIP: of the instruction, INT n's too, for it did not complete */
    ck_assert_uint_eq(b.frame.rip, USER(2));
    ck_assert_uint_eq(b.frame.rsp, BARE_USER_STACK);
    ck_assert_uint_eq(b.frame.cs, USER_CODE);
    if (second == RF_PF && !same_gate(first, second))
        ck_assert_uint_eq(b.cpu->cr2, BARE_ABSENT + 0x800 - 8);
    bare_destroy(&b);
}
END_TEST

/* SDM 3A, 6.15: anything on the way to #DF's handler shuts the CPU down. */
START_TEST(triple_faults)
{
    enum rf_vector second = seconds[_i];
    struct bare b;
    bare_create(&b, 3);
    spoil_gate(&b, RF_DF, second);
    bare_gate(&b, RF_GP, BARE_HANDLERS, KERNEL_CODE, 0xe, 0, 0, false); /* #GP, then #NP: #DF */
    bare_run(&b, raise_gp, (size_t)(raise_gp_end - raise_gp));
    ck_assert_int_eq(b.stop, RF_STOP_TRIPLE_FAULT);
    ck_assert_msg(strstr(b.cpu->stop_text, rf_vector_name(second)), "%s", b.cpu->stop_text);
    /* the state of the first fault is kept for the report */
    ck_assert_uint_eq(b.cpu->r[RF_REG_IP], USER(2));
    ck_assert_uint_eq(b.cpu->cpl, 3);
    bare_destroy(&b);
}
END_TEST

/* An external interrupt is benign; EXT is set in what follows. */
START_TEST(external_interrupts)
{
    enum rf_vector second = seconds[_i];
    struct bare b;
    bare_create(&b, 3);
    const struct first interrupt = { .vector = 0x20, .class = BENIGN };
    spoil_gate(&b, 0x20, second);
    b.cpu->interrupt_pending = true;
    b.cpu->interrupt_vector = 0x20;
    bare_run(&b, "\xeb\xfe", 2);
    ck_assert_int_eq(b.vector, (int)second);
    ck_assert_uint_eq(b.error_code, error_code(&interrupt, second));
    ck_assert_uint_eq(b.frame.rip, USER(0));
    bare_destroy(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("double-fault");
    TCase *tests = tcase_create("double-fault");
    tcase_add_loop_test(tests, pairs, 0, (int)(RF_ARRAY_SIZE(firsts) * RF_ARRAY_SIZE(seconds)));
    tcase_add_loop_test(tests, triple_faults, 0, (int)RF_ARRAY_SIZE(seconds));
    tcase_add_loop_test(tests, external_interrupts, 0, (int)RF_ARRAY_SIZE(seconds));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

/* The local APIC of a bare machine and of a kit (`apic` in their configs): its two interfaces, its timer, and how
 * external interrupts come through it. Its own rules: check_apic.c and check_apic_timer.c. SDM 3A, chapter 10. */
#include "suite.h"

#include <ringfort/testkit.h>
#include <string.h>

#define MSR_TSC 0x10
#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_EOI 0x80b
#define MSR_ISR2 0x812 /* vectors 40H to 5FH */
#define MSR_LVT_TIMER 0x832
#define MSR_LVT_LINT0 0x835
#define MSR_INITIAL_COUNT 0x838
#define MSR_DIVIDE 0x83e
#define X2APIC UINT64_C(0xfee00d00) /* EXTD, EN, BSP */
#define LVT_MASKED 0x10000
#define EXTINT 0x700
#define PAGE UINT64_C(0xfee00000)

static rf_kit *new_kit(void)
{
    rf_kit *kit;
    ck_assert_msg(rf_kit_create(&(rf_kit_config){ .apic = true }, &kit) == RF_OK, "%s", rf_create_error_text());
    return kit;
}

static void write_msr(rf_bare *b, uint32_t msr, uint64_t value)
{
    ck_assert_msg(rf_bare_write_msr(b, msr, value) == RF_OK, "%s", rf_bare_error_text(b));
}

static uint64_t read_msr(rf_bare *b, uint32_t msr)
{
    uint64_t value = 0;
    ck_assert_msg(rf_bare_read_msr(b, msr, &value) == RF_OK, "%s", rf_bare_error_text(b));
    return value;
}

/* A case with a kit `k` at CPL 0, and one in x2APIC mode. */
#define XAPIC(name)                                 \
    static void name##_body(rf_kit *k, rf_bare *b); \
    START_TEST(name)                                \
    {                                               \
        rf_kit *k = new_kit();                      \
        name##_body(k, rf_kit_bare(k));             \
        rf_kit_destroy(k);                          \
    }                                               \
    END_TEST                                        \
    static void name##_body(rf_kit *k, rf_bare *b)
#define X2APIC_CASE(name)                             \
    static void name##_in_x2(rf_kit *k, rf_bare *b);  \
    XAPIC(name)                                       \
    {                                                 \
        write_msr(b, MSR_APIC_BASE, X2APIC);          \
        name##_in_x2(k, b);                           \
    }                                                 \
    static void name##_in_x2(rf_kit *k, rf_bare *b)
#define RUN(k, code) ck_assert_msg(rf_kit_run(k, &code) == RF_OK, "%s", rf_kit_error_text(k))

RF_GUEST_CODE(sti_hlt, "sti\n hlt\n vmcall");
RF_GUEST_CODE(spin, "sti\n 1: jmp 1b");
RF_GUEST_CODE(id_from_page, "mov $0xfee00000, %ebx\n mov 0x30(%rbx), %eax\n vmcall");

START_TEST(without_it_there_is_none)
{
    rf_bare *b;
    uint64_t value;
    ck_assert(rf_bare_create(NULL, &b) == RF_OK);
    ck_assert(rf_bare_write_msr(b, MSR_APIC_BASE, X2APIC) == RF_ERR_ARGUMENT);
    ck_assert(rf_bare_read_msr(b, 0x803, &value) == RF_ERR_ARGUMENT);
    rf_bare_destroy(b);
}
END_TEST

XAPIC(it_begins_in_xapic_mode_with_its_page)
{
    uint64_t value;
    ck_assert_uint_eq(read_msr(b, MSR_APIC_BASE), PAGE | 0x900);
    ck_assert(rf_bare_read_msr(b, MSR_LVT_TIMER, &value) == RF_ERR_ARGUMENT);
    RUN(k, id_from_page);
    RF_CHECK(k, "#PF cr2=0xfee00030 at kernel+5"); /* the kit maps 4 MiB */
    ck_assert(rf_kit_page(k, PAGE, "") == RF_OK);
    RUN(k, id_from_page);
    RF_CHECK(k, "door rax=0x50014");
}

RF_GUEST_CODE(one_shot, "mov $0x1b, %ecx\n mov $0xfee00d00, %eax\n xor %edx, %edx\n wrmsr\n" /* x2APIC mode */
                        "xor %edx, %edx\n mov $0x83e, %ecx\n mov $0xb, %eax\n wrmsr\n"       /* divide by 1 */
                        "mov $0x832, %ecx\n mov $0x40, %eax\n wrmsr\n"                      /* one-shot, vector 40H */
                        "mov $0x838, %ecx\n mov $5000, %eax\n wrmsr\n"
                        "sti\n 1: jmp 1b");
XAPIC(guest_code_programs_a_one_shot)
{
    RUN(k, one_shot);
    RF_CHECK(k, "interrupt 0x40 cpl=0->0 cycles>5000 cycles<7000");
    ck_assert_uint_eq(read_msr(b, MSR_ISR2), 1); /* in service */
    ck_assert(rf_kit_continue(k, 20000) == RF_OK);
    RF_CHECK(k, "limit"); /* and never again */
    write_msr(b, MSR_EOI, 0);
    ck_assert_uint_eq(read_msr(b, MSR_ISR2), 0);
}

X2APIC_CASE(a_one_shot_ends_halt)
{
    write_msr(b, MSR_DIVIDE, 0xb);
    write_msr(b, MSR_LVT_TIMER, 0x41);
    write_msr(b, MSR_INITIAL_COUNT, 100000);
    RUN(k, sti_hlt);
    RF_CHECK(k, "interrupt 0x41 rip=kernel+2 cycles>100000 cycles<101000");
}

X2APIC_CASE(a_periodic_timer_comes_again)
{
    write_msr(b, MSR_DIVIDE, 0xb);
    write_msr(b, MSR_LVT_TIMER, 0x20042);
    write_msr(b, MSR_INITIAL_COUNT, 10000);
    RUN(k, spin);
    for (unsigned i = 0; i < 3; i++) {
        RF_CHECK(k, "interrupt 0x42 rip=kernel+1");
        write_msr(b, MSR_EOI, 0);
        ck_assert(rf_kit_continue(k, 0) == RF_OK);
    }
}

X2APIC_CASE(a_tsc_deadline)
{
    write_msr(b, MSR_LVT_TIMER, 0x40043);
    write_msr(b, MSR_TSC_DEADLINE, read_msr(b, MSR_TSC) + 50000);
    RUN(k, sti_hlt);
    RF_CHECK(k, "interrupt 0x43 rip=kernel+2 cycles>49000 cycles<51000");
    ck_assert_uint_eq(read_msr(b, MSR_TSC_DEADLINE), 0);
}

/* Steps until RIP is in a handler: how many. */
static unsigned steps_to(rf_bare *b, unsigned vector)
{
    rf_bare_stop_reason reason;
    unsigned steps = 0;
    do {
        ck_assert(rf_bare_step(b, &reason) == RF_OK);
        ck_assert_int_eq(reason, RF_BARE_STEPPED);
    } while (++steps < 100 && rf_bare_get(b, RF_BARE_RIP) != RF_KIT_HANDLERS + vector * UINT64_C(16));
    return steps;
}

X2APIC_CASE(stepping_delivers_the_timer)
{
    write_msr(b, MSR_DIVIDE, 0xb);
    write_msr(b, MSR_LVT_TIMER, 0x44);
    write_msr(b, MSR_INITIAL_COUNT, 10);
    ck_assert(rf_kit_place(k, RF_KIT_KERNEL_TEXT, &spin) == RF_OK);
    ck_assert(rf_bare_set(b, RF_BARE_RIP, RF_KIT_KERNEL_TEXT) == RF_OK);
    ck_assert_uint_lt(steps_to(b, 0x44), 20);
    ck_assert(rf_bare_interrupt_after(b, 0x21, 10) == RF_OK && rf_kit_set(k, RF_BARE_RFLAGS, 2) == RF_OK);
    ck_assert(rf_bare_set(b, RF_BARE_RIP, RF_KIT_KERNEL_TEXT) == RF_OK);
    ck_assert_uint_lt(steps_to(b, 0x21), 20);
}

X2APIC_CASE(a_step_of_a_halted_cpu_waits_for_the_timer)
{
    write_msr(b, MSR_DIVIDE, 0xb);
    write_msr(b, MSR_LVT_TIMER, 0x44);
    write_msr(b, MSR_INITIAL_COUNT, 100000);
    ck_assert(rf_kit_place(k, RF_KIT_KERNEL_TEXT, &sti_hlt) == RF_OK);
    ck_assert(rf_bare_set(b, RF_BARE_RIP, RF_KIT_KERNEL_TEXT) == RF_OK);
    ck_assert_uint_le(steps_to(b, 0x44), 3); /* STI, HLT, the interrupt */
    ck_assert_uint_gt(rf_bare_cycles(b), 100000);
}

X2APIC_CASE(cr8_holds_a_timer_back)
{
    write_msr(b, MSR_DIVIDE, 0xb);
    write_msr(b, MSR_LVT_TIMER, 0x45);
    write_msr(b, MSR_INITIAL_COUNT, 1000);
    ck_assert(rf_bare_set(b, RF_BARE_CR8, 4) == RF_OK);
    ck_assert(rf_bare_set(b, RF_BARE_RIP, RF_KIT_KERNEL_TEXT) == RF_OK);
    ck_assert(rf_kit_place(k, RF_KIT_KERNEL_TEXT, &spin) == RF_OK);
    ck_assert(rf_kit_continue(k, 5000) == RF_OK);
    RF_CHECK(k, "limit");
    ck_assert(rf_bare_set(b, RF_BARE_CR8, 3) == RF_OK);
    ck_assert(rf_kit_continue(k, 5000) == RF_OK);
    RF_CHECK(k, "interrupt 0x45");
}

/* --- interrupts from outside: by LINT0 --- */

X2APIC_CASE(external_interrupts_come_by_lint0)
{
    ck_assert(rf_bare_interrupt(b, 0x55) == RF_OK);
    ck_assert(rf_bare_interrupt(b, 0x56) == RF_ERR_STATE);
    ck_assert_ptr_nonnull(strstr(rf_bare_error_text(b), "interrupt 0x55 is waiting already"));
    RUN(k, sti_hlt);
    RF_CHECK(k, "interrupt 0x55");
    ck_assert_uint_eq(read_msr(b, MSR_ISR2), 0); /* ExtINT is not the APIC's to count */
    ck_assert(rf_bare_interrupt(b, 0x56) == RF_OK);
    ck_assert(rf_kit_continue(k, 0) == RF_OK);
    RF_CHECK(k, "interrupt 0x56");
}

X2APIC_CASE(a_masked_lint0_holds_them_back)
{
    write_msr(b, MSR_LVT_LINT0, EXTINT | LVT_MASKED);
    ck_assert(rf_bare_interrupt(b, 0x55) == RF_OK);
    RUN(k, sti_hlt);
    RF_CHECK(k, "halt");
    write_msr(b, MSR_LVT_LINT0, EXTINT);
    ck_assert(rf_kit_continue(k, 0) == RF_OK);
    RF_CHECK(k, "interrupt 0x55");
}

X2APIC_CASE(a_fixed_lint0_has_its_own_vector)
{
    write_msr(b, MSR_LVT_LINT0, 0x47);
    ck_assert(rf_bare_interrupt(b, 0x55) == RF_OK);
    RUN(k, sti_hlt);
    RF_CHECK(k, "interrupt 0x47");
    ck_assert_uint_eq(read_msr(b, MSR_ISR2), 0x80);
    write_msr(b, MSR_EOI, 0);
    ck_assert(rf_bare_interrupt(b, 0x55) == RF_OK); /* the pin has fallen */
    ck_assert(rf_kit_set(k, RF_BARE_RFLAGS, 0x202) == RF_OK && rf_kit_continue(k, 0) == RF_OK);
    RF_CHECK(k, "interrupt 0x47");
}

XAPIC(a_disabled_apic_is_as_if_it_were_not_there)
{
    write_msr(b, MSR_APIC_BASE, PAGE | 0x100);
    ck_assert(rf_bare_interrupt(b, 0x55) == RF_OK);
    RUN(k, sti_hlt);
    RF_CHECK(k, "interrupt 0x55");
}

XAPIC(the_machines_timer_works_beside_it)
{
    ck_assert(rf_bare_interrupt_after(b, 0x20, 100000) == RF_OK);
    RUN(k, sti_hlt);
    RF_CHECK(k, "interrupt 0x20 cycles>100000 cycles<101000");
    rf_bare_nmi(b);
    ck_assert(rf_kit_continue(k, 0) == RF_OK);
    RF_CHECK(k, "nmi");
}

int main(void)
{
    const TTest *const tests[] = {
        without_it_there_is_none, it_begins_in_xapic_mode_with_its_page, guest_code_programs_a_one_shot,
        a_one_shot_ends_halt, a_periodic_timer_comes_again, a_tsc_deadline, stepping_delivers_the_timer,
        a_step_of_a_halted_cpu_waits_for_the_timer, cr8_holds_a_timer_back, external_interrupts_come_by_lint0,
        a_masked_lint0_holds_them_back,
        a_fixed_lint0_has_its_own_vector, a_disabled_apic_is_as_if_it_were_not_there,
        the_machines_timer_works_beside_it,
    };
    Suite *suite = suite_create("bare APIC");
    TCase *cases = tcase_create("bare APIC");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

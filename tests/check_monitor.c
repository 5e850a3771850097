/* MONITOR and MWAIT (SDM 2B, and 3A, 9.10.3), and the waits of HLT (SDM 2A), one rule a case. */
#include "bare_case.h"
#include "lib/suite.h"

/* RAX: the line; RCX: MONITOR's extensions, RBX: MWAIT's. */
CODE(monitor, "monitor; vmcall");
CODE(monitor_wait, "monitor; mov %rbx, %rcx; mwait; vmcall");
CODE(monitor_store_wait, "monitor; incb (%rax); mwait; vmcall");
CODE(wait, "mwait; vmcall");
CODE(monitor_fs, ".byte 0x64; monitor; mwait; vmcall");
CODE(monitor_32, ".byte 0x67; monitor; vmcall");
CODE(halt, "hlt; vmcall");

static void prepare(struct bare *b)
{
    b->cpu->r[RF_RAX] = BARE_USER_DATA + 5;
    b->cpu->r[RF_RCX] = b->cpu->r[RF_RBX] = 0;
}

static void interrupt_pending(struct bare *b)
{
    bare_gate(b, 0x50, BARE_HANDLERS + 0x50 * 16, KERNEL_CODE, 0xe, 0, 0, true);
    b->cpu->interrupt_pending = true;
    b->cpu->interrupt_vector = 0x50;
}

/* SDM 2B, MONITOR: #UD at CPL > 0 */
CASE(monitor_is_for_cpl_0, 3)
{
    prepare(b);
    RUN(b, monitor);
    expect_vector(b, RF_UD, USER(0));
}

/* SDM 2B, MWAIT: #UD at CPL > 0 */
CASE(mwait_is_for_cpl_0, 3)
{
    prepare(b);
    RUN(b, wait);
    expect_vector(b, RF_UD, USER(0));
}

/* SDM 4, table 2-2, IA32_MISC_ENABLE[18]; SDM 2B: #UD if CPUID.1:ECX[3] = 0 */
CASE(misc_enable_switches_monitor_off, 0)
{
    uint32_t out[4];
    prepare(b);
    rf_cpu_cpuid(b->cpu, 1, 0, out);
    ck_assert(out[2] >> 3 & 1);
    ck_assert(rf_cpu_write_msr(b->cpu, 0x1a0, 1));
    rf_cpu_cpuid(b->cpu, 1, 0, out);
    ck_assert(!(out[2] >> 3 & 1));
    RUN(b, monitor);
    expect_vector(b, RF_UD, KERNEL(0));
}

/* the same for MWAIT */
CASE(misc_enable_switches_mwait_off, 0)
{
    prepare(b);
    ck_assert(rf_cpu_write_msr(b->cpu, 0x1a0, 1));
    RUN(b, wait);
    expect_vector(b, RF_UD, KERNEL(0));
}

/* SDM 2B, MONITOR: #GP(0) if ECX != 0 */
CASE(monitor_has_no_extensions, 0)
{
    prepare(b);
    b->cpu->r[RF_RCX] = 1;
    RUN(b, monitor);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

/* SDM 2B, MONITOR: ECX has 32 bits */
CASE(monitor_ignores_the_upper_half_of_rcx, 0)
{
    prepare(b);
    b->cpu->r[RF_RCX] = UINT64_C(1) << 32;
    RUN(b, monitor);
    ck_assert_int_eq(b->vector, -1);
    ck_assert(b->cpu->monitor_armed);
}

/* SDM 2B, MONITOR: the address is checked as a byte load's: #PF */
CASE(monitor_of_an_absent_page_is_pf, 0)
{
    prepare(b);
    b->cpu->r[RF_RAX] = BARE_ABSENT;
    *bare_pte(b, BARE_ABSENT) = 0;
    bare_flush(b);
    RUN(b, monitor);
    expect_error(b, RF_PF, KERNEL(0), 0);
    ck_assert_uint_eq(b->cpu->cr2, BARE_ABSENT);
}

/* SDM 2B, MONITOR: #GP(0) if not canonical */
CASE(monitor_of_a_noncanonical_address_is_gp, 0)
{
    prepare(b);
    b->cpu->r[RF_RAX] = BARE_NONCANONICAL;
    RUN(b, monitor);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

/* SDM 2B, MONITOR: a load for SMAP's rules too (SDM 3A, 4.6.1) */
CASE(monitor_of_a_user_page_is_refused_by_smap, 0)
{
    prepare(b);
    bare_set_cr4(b, RF_CR4_SMAP, 0);
    RUN(b, monitor);
    expect_error(b, RF_PF, KERNEL(0), RF_PF_P);
}

/* SDM 2B, MONITOR: the address size prefix */
CASE(monitor_takes_the_address_size, 0)
{
    prepare(b);
    b->cpu->r[RF_RAX] |= UINT64_C(1) << 60;
    RUN(b, monitor_32);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->monitor_address, BARE_USER_DATA);
}

/* SDM 2B, MONITOR: segment override */
CASE(monitor_takes_fs, 0)
{
    prepare(b);
    b->cpu->seg[RF_FS].base = 0x1000;
    b->cpu->r[RF_RCX] = 0;
    RUN(b, monitor_fs);
    ck_assert_uint_eq(b->cpu->monitor_address, BARE_USER_DATA + 0x1000);
}

/* SDM 2B, MWAIT: #GP(0) for extensions that CPUID.5:ECX does not tell */
CASE(mwait_knows_one_extension, 0)
{
    prepare(b);
    b->cpu->r[RF_RBX] = 2;
    RUN(b, monitor_wait);
    expect_error(b, RF_GP, KERNEL(6), 0);
}

/* SDM 2B, MWAIT: without MONITOR it does not wait */
CASE(mwait_without_monitor_goes_on, 0)
{
    prepare(b);
    RUN(b, wait);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_int_eq(b->vector, -1);
}

/* SDM 3A, 9.10.3: it waits, and nothing will come */
CASE(mwait_waits, 0)
{
    prepare(b);
    RUN(b, monitor_wait);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
}

/* SDM 2B, MWAIT: a store to the line between MONITOR and MWAIT */
CASE(a_store_to_the_line_ends_the_wait, 0)
{
    prepare(b);
    RUN(b, monitor_store_wait);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_int_eq(b->vector, -1);
}

/* SDM 2B, MWAIT: one MONITOR serves one MWAIT */
CASE(a_second_mwait_does_not_wait, 0)
{
    prepare(b);
    interrupt_pending(b);
    b->cpu->r[RF_RBX] = 1;
    RUN(b, monitor_wait);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert(!b->cpu->monitor_armed);
}

/* SDM 2B, MWAIT, ECX[0]: interrupts end the wait though IF = 0, and stay pending */
CASE(a_masked_interrupt_ends_the_wait_if_asked, 0)
{
    prepare(b);
    interrupt_pending(b);
    b->cpu->flags &= ~RF_FLAG_IF;
    b->cpu->r[RF_RBX] = 1;
    RUN(b, monitor_wait);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_int_eq(b->vector, -1);
    ck_assert(b->cpu->interrupt_pending);
}

/* SDM 2B, MWAIT, ECX[0] = 0 */
CASE(a_masked_interrupt_does_not_end_it_else, 0)
{
    prepare(b);
    interrupt_pending(b);
    b->cpu->flags &= ~RF_FLAG_IF;
    RUN(b, monitor_wait);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
}

/* SDM 3A, 9.10.3: an interrupt ends the wait; its frame points after MWAIT */
CASE(an_interrupt_ends_the_wait, 0)
{
    prepare(b);
    b->cpu->flags |= RF_FLAG_IF;
    RUN(b, monitor_wait);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
    interrupt_pending(b);
    bare_continue(b);
    expect_vector(b, 0x50, KERNEL(9));
}

/* SDM 3A, 9.10.3: NMI */
CASE(an_nmi_ends_the_wait, 0)
{
    prepare(b);
    RUN(b, monitor_wait);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
    b->cpu->nmi_pending = true;
    bare_continue(b);
    expect_vector(b, RF_NMI, KERNEL(9));
}

/* SDM 2A, HLT: #GP(0) at CPL > 0 */
CASE(hlt_is_for_cpl_0, 3)
{
    RUN(b, halt);
    expect_error(b, RF_GP, USER(0), 0);
}

/* SDM 2A, HLT: an enabled interrupt ends it; the saved RIP is the next instruction's */
CASE(an_interrupt_ends_hlt, 0)
{
    b->cpu->flags |= RF_FLAG_IF;
    RUN(b, halt);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
    interrupt_pending(b);
    bare_continue(b);
    expect_vector(b, 0x50, KERNEL(1));
}

/* the same, when the host runs the CPU again without a reason */
CASE(running_a_halted_cpu_again_halts_again, 0)
{
    RUN(b, halt);
    uint64_t instructions = b->cpu->instructions;
    bare_continue(b);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
    ck_assert_uint_eq(reg(b, RF_REG_IP), KERNEL(1));
    ck_assert_uint_eq(b->cpu->instructions, instructions);
}

/* SDM 2A, HLT: with IF = 0 only an NMI ends it */
CASE(a_masked_interrupt_does_not_end_hlt, 0)
{
    b->cpu->flags &= ~RF_FLAG_IF;
    interrupt_pending(b);
    RUN(b, halt);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
    b->cpu->nmi_pending = true;
    bare_continue(b);
    expect_vector(b, RF_NMI, KERNEL(1));
}

/* SDM 3A, 6.7.1: nor an NMI that is blocked */
CASE(a_blocked_nmi_does_not_end_hlt, 0)
{
    b->cpu->nmi_pending = b->cpu->nmi_blocked = true;
    RUN(b, halt);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
}

int main(void)
{
    const TTest *const all[] = {
        monitor_is_for_cpl_0, mwait_is_for_cpl_0, misc_enable_switches_monitor_off,
        misc_enable_switches_mwait_off, monitor_has_no_extensions,
        monitor_ignores_the_upper_half_of_rcx, monitor_of_an_absent_page_is_pf,
        monitor_of_a_noncanonical_address_is_gp, monitor_of_a_user_page_is_refused_by_smap,
        monitor_takes_the_address_size, monitor_takes_fs, mwait_knows_one_extension,
        mwait_without_monitor_goes_on, mwait_waits, a_store_to_the_line_ends_the_wait,
        a_second_mwait_does_not_wait, a_masked_interrupt_ends_the_wait_if_asked,
        a_masked_interrupt_does_not_end_it_else, an_interrupt_ends_the_wait, an_nmi_ends_the_wait,
        hlt_is_for_cpl_0, an_interrupt_ends_hlt, running_a_halted_cpu_again_halts_again, a_masked_interrupt_does_not_end_hlt,
        a_blocked_nmi_does_not_end_hlt,
    };
    Suite *suite = suite_create("monitor");
    TCase *cases = tcase_create("monitor");
    ADD_ALL(cases, all);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

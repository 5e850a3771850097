/* The local APIC's timer and the registers of x2APIC mode. One rule of SDM 3A, chapter 10, a case;
 * section numbers are of that chapter. */
#include "lib/apic_case.h"
#include "lib/suite.h"

/* --- the timer: 10.5.4 --- */

CODE(halt, "sti; hlt; vmcall");
XAPIC(one_shot_fires_once_when_the_count_is_zero)
{
    store(b, DIVIDE, 0xb);
    store(b, TIMER, 0x40);
    store(b, INITIAL, 100000);
    uint64_t start = rf_cpu_cycles(b->cpu);
    RUN(b, halt);
    expect_vector(b, 0x40, KERNEL(2));
    ck_assert_uint_ge(rf_cpu_cycles(b->cpu) - start, 100000);
    ck_assert_uint_lt(rf_cpu_cycles(b->cpu) - start, 101000);
    ck_assert_uint_eq(load(b, CURRENT), 0);
}
XAPIC(hlt_after_the_last_interrupt_stops_the_machine)
{
    RUN(b, halt);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
}
XAPIC(hlt_with_a_masked_timer_stops_the_machine)
{
    store(b, TIMER, 0x30040);
    store(b, INITIAL, 1000);
    RUN(b, halt);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
}
CODE(halt_cli, "hlt; vmcall");
XAPIC(hlt_with_if_clear_stops_the_machine)
{
    store(b, TIMER, 0x20040);
    store(b, INITIAL, 1000);
    RUN(b, halt_cli);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
}
XAPIC(divide_configuration)
{
    static const struct { uint8_t value, divisor; } rows[] = {
        { 0x0, 2 }, { 0x1, 4 }, { 0x2, 8 }, { 0x3, 16 }, { 0x8, 32 }, { 0x9, 64 }, { 0xa, 128 }, { 0xb, 1 }
    };
    for (size_t i = 0; i < RF_ARRAY_SIZE(rows); i++) {
        store(b, DIVIDE, rows[i].value);
        store(b, INITIAL, 1000);
        ck_assert_uint_eq(b->cpu->apic.expiry - rf_cpu_cycles(b->cpu), 1000u * rows[i].divisor);
        ck_assert_uint_eq(load(b, CURRENT), 1000);
    }
}
XAPIC(divide_has_three_bits) { store(b, DIVIDE, UINT32_MAX); ck_assert_uint_eq(load(b, DIVIDE), 0xb); }
CODE(spin, "1: dec %rcx; jnz 1b; vmcall");
XAPIC(the_count_goes_down)
{
    store(b, DIVIDE, 0xb);
    store(b, INITIAL, 1000000);
    b->cpu->r[RF_RCX] = 1000;
    uint64_t start = rf_cpu_cycles(b->cpu);
    RUN(b, spin);
    ck_assert_uint_eq(load(b, CURRENT), 1000000 - (rf_cpu_cycles(b->cpu) - start));
}
XAPIC(writing_zero_stops_it)
{
    store(b, INITIAL, 1000);
    store(b, INITIAL, 0);
    ck_assert_uint_eq(load(b, CURRENT), 0);
    ck_assert_uint_eq(b->cpu->apic.expiry, UINT64_MAX);
}
XAPIC(periodic_reloads)
{
    store(b, DIVIDE, 0xb);
    store(b, TIMER, 0x20040);
    store(b, INITIAL, 50000);
    uint64_t first = b->cpu->apic.expiry;
    for (unsigned i = 0; i < 3; i++) {
        rf_cpu_set_flags(b->cpu, RF_FLAG_FIXED);
        RUN(b, halt);
        ck_assert_int_eq(b->vector, 0x40);
        store(b, EOI, 0);
    }
    ck_assert_uint_eq(b->cpu->apic.expiry, first + 3 * 50000);
}
XAPIC(one_shot_to_periodic_keeps_the_count)
{
    store(b, DIVIDE, 0xb);
    store(b, INITIAL, 1000000);
    b->cpu->r[RF_RCX] = 10000;
    RUN(b, spin);
    uint32_t before = load(b, CURRENT);
    store(b, TIMER, 0x20040);
    ck_assert_uint_eq(load(b, CURRENT), before);
    ck_assert_uint_eq(load(b, INITIAL), 1000000);
}
/* 10.5.4.1 */
XAPIC(the_deadline_msr_is_ignored_in_other_modes)
{
    ck_assert(write_msr(b, MSR_DEADLINE, 12345));
    ck_assert_uint_eq(msr(b, MSR_DEADLINE), 0);
}
XAPIC(a_deadline_wakes_hlt)
{
    store(b, TIMER, 0x40040);
    ck_assert(write_msr(b, MSR_DEADLINE, 200000));
    RUN(b, halt);
    expect_vector(b, 0x40, KERNEL(2));
    ck_assert_uint_ge(rf_cpu_cycles(b->cpu), 200000);
    ck_assert_uint_eq(msr(b, MSR_DEADLINE), 0);
}
CODE(past_deadline, "sti; nop; rdtsc; mov $0x6e0, %ecx; wrmsr; nop; vmcall");
XAPIC(a_deadline_that_has_passed_interrupts_after_wrmsr)
{
    store(b, TIMER, 0x40040);
    RUN(b, past_deadline);
    expect_vector(b, 0x40, KERNEL(2 + 2 + 5 + 2));
}
XAPIC(deadline_zero_disarms)
{
    store(b, TIMER, 0x40040);
    ck_assert(write_msr(b, MSR_DEADLINE, 200000) && write_msr(b, MSR_DEADLINE, 0));
    RUN(b, halt);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
}
XAPIC(leaving_deadline_mode_disarms)
{
    store(b, TIMER, 0x40040);
    ck_assert(write_msr(b, MSR_DEADLINE, 200000));
    store(b, TIMER, 0x40);
    ck_assert_uint_eq(msr(b, MSR_DEADLINE), 0);
    ck_assert_uint_eq(b->cpu->apic.expiry, UINT64_MAX);
}
XAPIC(in_deadline_mode_the_counts_are_ignored)
{
    store(b, TIMER, 0x40040);
    store(b, INITIAL, 1000);
    ck_assert_uint_eq(load(b, CURRENT), 0);
    ck_assert_uint_eq(b->cpu->apic.expiry, UINT64_MAX);
}
XAPIC(a_deadline_moves_with_the_tsc)
{
    store(b, TIMER, 0x40040);
    ck_assert(write_msr(b, MSR_DEADLINE, 1000000));
    ck_assert(write_msr(b, 0x10, 900000));
    ck_assert_uint_eq(b->cpu->apic.expiry - rf_cpu_cycles(b->cpu), 100000);
    ck_assert(write_msr(b, 0x10, 2000000));
    ck_assert(requested(b, 0x40));
}
XAPIC(the_farthest_deadline)
{
    store(b, TIMER, 0x40040);
    ck_assert(write_msr(b, MSR_DEADLINE, UINT64_MAX));
    b->cpu->r[RF_RCX] = 10;
    RUN(b, spin);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    RUN(b, halt);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
}
XAPIC(hlt_to_a_far_deadline_ends_at_the_limit)
{
    store(b, TIMER, 0x40040);
    ck_assert(write_msr(b, MSR_DEADLINE, UINT64_C(1) << 61));
    RUN(b, halt);
    ck_assert_int_eq(b->stop, RF_STOP_LIMIT);
    ck_assert_uint_eq(rf_cpu_cycles(b->cpu), b->cpu->stop_cycles);
}
/* SDM 2A, MWAIT: with ECX bit 0 an interrupt ends the wait while IF is clear, and is not taken. */
CODE(mwait, "mov %rdi, %rax; xor %ecx, %ecx; xor %edx, %edx; monitor; mov $1, %ecx; xor %eax, %eax; mwait;"
            "vmcall");
XAPIC(the_timer_ends_mwait_with_interrupts_masked)
{
    store(b, TIMER, 0x40);
    store(b, INITIAL, 100000);
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    RUN(b, mwait);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_int_eq(b->vector, -1);
    ck_assert(requested(b, 0x40));
}

/* --- x2APIC registers: 10.12.1 --- */

X2APIC(x2_registers_that_can_be_read)
{
    static const uint16_t all[] = { 0x802, 0x803, 0x808, 0x80a, 0x80d, 0x80f, 0x810, 0x817, 0x818, 0x81f, 0x820, 0x827,
                                    0x828, 0x830, 0x832, 0x833, 0x834, 0x835, 0x836, 0x837, 0x838, 0x839, 0x83e };
    for (size_t i = 0; i < RF_ARRAY_SIZE(all); i++)
        msr(b, all[i]);
}
X2APIC(x2_registers_that_cannot_be_read)
{
    static const uint16_t all[] = { 0x800, 0x801, 0x804, 0x809, 0x80b, 0x80c, 0x80e, 0x829, 0x82f, 0x831, 0x83a, 0x83d,
                                    0x83f, 0x840, 0x8ff };
    for (size_t i = 0; i < RF_ARRAY_SIZE(all); i++)
        ck_assert_msg(!readable(b, all[i]), "%#x", all[i]);
}
X2APIC(x2_registers_that_cannot_be_written)
{
    static const uint16_t all[] = { 0x802, 0x803, 0x80a, 0x80d, 0x80e, 0x810, 0x818, 0x820, 0x831, 0x839, 0x840 };
    for (size_t i = 0; i < RF_ARRAY_SIZE(all); i++)
        ck_assert_msg(!write_msr(b, all[i], 0), "%#x", all[i]);
}
X2APIC(x2_reserved_bits_are_gp)
{
    static const struct { uint16_t msr; uint64_t bit; } all[] = {
        { 0x808, 8 }, { 0x80b, 0 }, { 0x80f, 9 }, { 0x828, 0 }, { 0x830, 13 }, { 0x830, 16 }, { 0x830, 20 },
        { 0x832, 8 }, { 0x832, 19 }, { 0x833, 13 }, { 0x835, 17 }, { 0x837, 8 }, { 0x838, 32 }, { 0x83e, 2 },
        { 0x83e, 4 }, { 0x83f, 8 } };
    for (size_t i = 0; i < RF_ARRAY_SIZE(all); i++)
        ck_assert_msg(!write_msr(b, all[i].msr, RF_BIT(all[i].bit)), "%#x bit %u", all[i].msr, (unsigned)all[i].bit);
}
XAPIC(x2apic_msrs_are_gp_in_xapic_mode) { ck_assert(!readable(b, 0x802) && !write_msr(b, 0x80b, 0)); }
X2APIC(x2apic_id_and_logical_id)
{
    ck_assert_uint_eq(msr(b, 0x802), 0);
    ck_assert_uint_eq(msr(b, 0x80d), 1);
}
X2APIC(x2apic_icr_is_64_bits)
{
    ck_assert(write_msr(b, 0x830, UINT64_C(0x1234567800004040)));
    ck_assert_uint_eq(msr(b, 0x830), UINT64_C(0x1234567800004040));
    ck_assert_uint_eq(msr(b, 0x822), 0);
}
X2APIC(x2apic_destinations_have_32_bits)
{
    ck_assert(write_msr(b, 0x830, UINT64_C(0x000000ff00004041)));
    ck_assert_uint_eq(msr(b, 0x822), 0);
    ck_assert(write_msr(b, 0x830, UINT64_C(0xffffffff00004041)));
    ck_assert_uint_eq(msr(b, 0x822), 2);
}
X2APIC(x2apic_logical_destination_is_a_cluster)
{
    ck_assert(write_msr(b, 0x830, UINT64_C(0x0001000100004841)));
    ck_assert_uint_eq(msr(b, 0x822), 0);
    ck_assert(write_msr(b, 0x830, UINT64_C(0x0000ffff00004841)));
    ck_assert_uint_eq(msr(b, 0x822), 2);
}
X2APIC(entering_x2apic_mode_keeps_svr_and_lvt)
{
    ck_assert_uint_eq(msr(b, 0x80f), 0x1ff);
}

int main(void)
{
    const TTest *const all[] = {
        one_shot_fires_once_when_the_count_is_zero, hlt_after_the_last_interrupt_stops_the_machine,
        hlt_with_a_masked_timer_stops_the_machine, hlt_with_if_clear_stops_the_machine, divide_configuration,
        divide_has_three_bits, the_count_goes_down, writing_zero_stops_it, periodic_reloads,
        one_shot_to_periodic_keeps_the_count, the_deadline_msr_is_ignored_in_other_modes, a_deadline_wakes_hlt,
        a_deadline_that_has_passed_interrupts_after_wrmsr, deadline_zero_disarms, leaving_deadline_mode_disarms,
        in_deadline_mode_the_counts_are_ignored, a_deadline_moves_with_the_tsc, the_farthest_deadline, hlt_to_a_far_deadline_ends_at_the_limit,
        the_timer_ends_mwait_with_interrupts_masked,
        x2_registers_that_can_be_read, x2_registers_that_cannot_be_read, x2_registers_that_cannot_be_written,
        x2_reserved_bits_are_gp, x2apic_msrs_are_gp_in_xapic_mode, x2apic_id_and_logical_id,
        x2apic_icr_is_64_bits, x2apic_destinations_have_32_bits, x2apic_logical_destination_is_a_cluster,
        entering_x2apic_mode_keeps_svr_and_lvt,
    };
    Suite *suite = suite_create("apic timer");
    TCase *tests = tcase_create("apic timer");
    ADD_ALL(tests, all);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

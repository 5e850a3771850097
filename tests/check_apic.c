/* The local APIC on a bare machine: presence, accesses, priorities, IPIs, delivery. One rule of SDM 3A,
 * chapter 10, a case; section numbers are of that chapter. */
#include "lib/apic_case.h"
#include "lib/suite.h"

/* --- presence and IA32_APIC_BASE: 10.4.3, 10.4.4, 10.12.5 --- */

CASE(without_one_cpuid_and_the_msrs_know_nothing, 0)
{
    uint32_t r[4];
    rf_cpu_cpuid(b->cpu, 1, 0, r);
    ck_assert(!(r[3] & 1u << 9) && !(r[2] & (1u << 21 | 1u << 24)));
    ck_assert(!readable(b, 0x802) && !readable(b, MSR_DEADLINE) && !write_msr(b, MSR_BASE, RF_APIC_BASE | 0x900));
}
XAPIC(with_one_cpuid_tells_of_apic_x2apic_and_deadline)
{
    uint32_t r[4];
    rf_cpu_cpuid(b->cpu, 1, 0, r);
    ck_assert(r[3] & 1u << 9 && r[2] & 1u << 21 && r[2] & 1u << 24);
    ck_assert_uint_eq(r[1] >> 24, 0);
}
XAPIC(cpuid_hides_a_disabled_apic)
{
    uint32_t r[4];
    ck_assert(write_msr(b, MSR_BASE, RF_APIC_BASE | 0x100));
    rf_cpu_cpuid(b->cpu, 1, 0, r);
    ck_assert(!(r[3] & 1u << 9));
}
XAPIC(base_after_reset) { ck_assert_uint_eq(msr(b, MSR_BASE), 0xfee00900); }
XAPIC(base_reserved_low_bits_are_gp)
{
    ck_assert(!write_msr(b, MSR_BASE, RF_APIC_BASE | 0x901) && !write_msr(b, MSR_BASE, RF_APIC_BASE | 0xb00));
}
XAPIC(base_bits_beyond_maxphyaddr_are_gp) { ck_assert(!write_msr(b, MSR_BASE, RF_BIT(RF_MAXPHYADDR) | 0x900)); }
XAPIC(extd_without_en_is_gp)
{
    ck_assert(!write_msr(b, MSR_BASE, RF_APIC_BASE | 0x500));
    ck_assert_uint_eq(msr(b, MSR_BASE), 0xfee00900);
}
X2APIC(x2apic_to_xapic_is_gp) { ck_assert(!write_msr(b, MSR_BASE, RF_APIC_BASE | 0x900)); }
X2APIC(x2apic_to_disabled_is_allowed) { ck_assert(write_msr(b, MSR_BASE, RF_APIC_BASE | 0x100)); }
X2APIC(x2apic_to_x2apic_is_allowed) { ck_assert(write_msr(b, MSR_BASE, RF_APIC_BASE | 0xd00)); }
XAPIC(disabled_to_x2apic_is_gp)
{
    ck_assert(write_msr(b, MSR_BASE, RF_APIC_BASE | 0x100));
    ck_assert(!write_msr(b, MSR_BASE, RF_APIC_BASE | 0xd00));
}
XAPIC(disabling_resets_the_registers)
{
    store(b, LVT_ERROR, 0x33);
    store(b, INITIAL, 1000);
    accept(b, 0x40, false);
    ck_assert(write_msr(b, MSR_BASE, RF_APIC_BASE | 0x100) && write_msr(b, MSR_BASE, RF_APIC_BASE | 0x900));
    ck_assert_uint_eq(load(b, SVR), 0xff);
    ck_assert_uint_eq(load(b, LVT_ERROR), 0x10000);
    ck_assert_uint_eq(load(b, INITIAL), 0);
    ck_assert(!requested(b, 0x40) && !b->cpu->interrupt_pending);
}
CODE(read_version, "mov 0x30(%rdi), %eax; vmcall");
XAPIC(the_page_can_be_moved)
{
    ck_assert(write_msr(b, MSR_BASE, UINT64_C(0xfed40000) | 0x900));
    RUN(b, read_version);
    ck_assert_uint_eq(reg(b, RF_RAX), UINT32_MAX);
    *bare_pte(b, APIC) = UINT64_C(0xfed40000) | RF_PTE_P | RF_PTE_W;
    bare_flush(b);
    RUN(b, read_version);
    ck_assert_uint_eq(reg(b, RF_RAX), 0x50014);
}
X2APIC(x2apic_mode_has_no_page)
{
    RUN(b, read_version);
    ck_assert_uint_eq(reg(b, RF_RAX), UINT32_MAX);
}
XAPIC(a_disabled_apic_has_no_page)
{
    ck_assert(write_msr(b, MSR_BASE, RF_APIC_BASE | 0x100));
    RUN(b, read_version);
    ck_assert_uint_eq(reg(b, RF_RAX), UINT32_MAX);
}

/* --- the state after reset: 10.4.7.1 --- */

CASE(registers_after_reset, 0)
{
    rf_apic_create(b->cpu);
    ck_assert_uint_eq(load(b, SVR), 0xff);
    ck_assert_uint_eq(load(b, DFR), UINT32_MAX);
    ck_assert_uint_eq(load(b, LDR) | load(b, TPR) | load(b, ESR) | load(b, INITIAL) | load(b, DIVIDE), 0);
    for (unsigned offset = TIMER; offset <= LVT_ERROR; offset += 16)
        ck_assert_uint_eq(load(b, offset), 0x10000);
    for (unsigned offset = ISR; offset < ESR; offset += 16)
        ck_assert_uint_eq(load(b, offset), 0);
}
/* 10.4.8: version 1xH, and the number of LVT entries minus 1. */
XAPIC(version_register) { ck_assert_uint_eq(load(b, VERSION), 0x50014); }
XAPIC(version_is_read_only) { store(b, VERSION, 0); ck_assert_uint_eq(load(b, VERSION), 0x50014); }
XAPIC(xapic_id_can_be_written) { store(b, ID, 0xff123456); ck_assert_uint_eq(load(b, ID), 0xff000000); }

/* --- accesses to the page: 10.4.1 --- */

XAPIC(a_store_of_a_byte_is_ignored)
{
    rf_apic_store(b->cpu, TPR, "\x20", 1);
    ck_assert_uint_eq(load(b, TPR), 0);
}
XAPIC(a_store_beside_the_register_is_ignored)
{
    rf_apic_store(b->cpu, TPR + 4, "\x20\x20\x20\x20", 4);
    ck_assert_uint_eq(load(b, TPR), 0);
}
XAPIC(bytes_beside_a_register_read_as_zero)
{
    uint32_t both[2];
    store(b, TPR, 0x20);
    rf_apic_load(b->cpu, TPR, both, 8);
    ck_assert_uint_eq(both[0], 0x20);
    ck_assert_uint_eq(both[1], 0);
}
CODE(add_to_tpr, "lock addl $0x10, 0x80(%rdi); vmcall");
XAPIC(a_read_modify_write_reads_and_writes_once)
{
    store(b, TPR, 0x20);
    RUN(b, add_to_tpr);
    ck_assert_uint_eq(load(b, TPR), 0x30);
}
/* 10.5.3: illegal register address. */
XAPIC(a_reserved_register_is_an_error)
{
    load(b, 0x40);
    ck_assert_uint_eq(load(b, ESR), 0);
    store(b, ESR, 0);
    ck_assert_uint_eq(load(b, ESR), 0x80);
}
XAPIC(esr_is_cleared_by_two_writes)
{
    load(b, 0x40);
    store(b, ESR, 0);
    store(b, ESR, 0);
    ck_assert_uint_eq(load(b, ESR), 0);
}

/* --- priorities: 10.8 --- */

XAPIC(tpr_and_cr8_are_one)
{
    store(b, TPR, 0x5f);
    ck_assert_uint_eq(b->cpu->cr8, 5);
}
CODE(write_cr8, "mov $7, %eax; mov %rax, %cr8; mov %cr8, %rbx; vmcall");
XAPIC(cr8_clears_the_subclass_of_tpr)
{
    store(b, TPR, 0x5f);
    RUN(b, write_cr8);
    ck_assert_uint_eq(load(b, TPR), 0x70);
    ck_assert_uint_eq(reg(b, RF_RBX), 7);
}
XAPIC(ppr_is_tpr_without_interrupts_in_service) { store(b, TPR, 0x35); ck_assert_uint_eq(load(b, PPR), 0x35); }
XAPIC(ppr_is_the_class_in_service_if_higher)
{
    accept(b, 0x4f, false);
    ck_assert_uint_eq(rf_apic_acknowledge(b->cpu), 0x4f);
    store(b, TPR, 0x35);
    ck_assert_uint_eq(load(b, PPR), 0x40);
}
XAPIC(acknowledging_moves_irr_to_isr)
{
    accept(b, 0x41, false);
    ck_assert(requested(b, 0x41) && b->cpu->interrupt_pending);
    ck_assert_uint_eq(rf_apic_acknowledge(b->cpu), 0x41);
    ck_assert(!requested(b, 0x41) && in_service(b, 0x41) && !b->cpu->interrupt_pending);
}
XAPIC(the_highest_vector_is_first)
{
    accept(b, 0x41, false);
    accept(b, 0x93, false);
    accept(b, 0x62, false);
    ck_assert_uint_eq(rf_apic_acknowledge(b->cpu), 0x93);
}
XAPIC(the_same_class_waits_for_eoi)
{
    accept(b, 0x41, false);
    rf_apic_acknowledge(b->cpu);
    accept(b, 0x4f, false);
    ck_assert(!b->cpu->interrupt_pending);
    store(b, EOI, 0);
    ck_assert(b->cpu->interrupt_pending);
}
XAPIC(a_higher_class_nests)
{
    accept(b, 0x41, false);
    rf_apic_acknowledge(b->cpu);
    accept(b, 0x51, false);
    ck_assert_uint_eq(rf_apic_acknowledge(b->cpu), 0x51);
    store(b, EOI, 0);
    ck_assert(in_service(b, 0x41) && !in_service(b, 0x51));
}
XAPIC(tpr_holds_back_its_class)
{
    store(b, TPR, 0x40);
    accept(b, 0x4f, false);
    ck_assert(!b->cpu->interrupt_pending);
    store(b, TPR, 0x3f);
    ck_assert(b->cpu->interrupt_pending);
}
XAPIC(eoi_without_anything_in_service_does_nothing)
{
    store(b, EOI, 0);
    ck_assert_uint_eq(load(b, PPR), 0);
}
/* 10.9: the spurious vector has no bit in ISR. */
XAPIC(nothing_to_acknowledge_gives_the_spurious_vector)
{
    ck_assert_uint_eq(rf_apic_acknowledge(b->cpu), 0xff);
    ck_assert(!in_service(b, 0xff));
}
XAPIC(a_request_counts_once)
{
    accept(b, 0x41, false);
    accept(b, 0x41, false);
    rf_apic_acknowledge(b->cpu);
    store(b, EOI, 0);
    ck_assert(!b->cpu->interrupt_pending);
}

static unsigned ended;
static void on_eoi(void *user, uint8_t vector)
{
    (void)user;
    ended = ended << 8 | vector;
}
/* 10.8.5: of level-triggered interrupts I/O APICs hear. */
XAPIC(eoi_of_a_level_interrupt_is_broadcast)
{
    static const struct rf_bus_ops ops = { .end_of_interrupt = on_eoi };
    rf_cpu_connect(b->cpu, &ops, NULL);
    ended = 0;
    accept(b, 0x41, true);
    ck_assert_uint_eq(load(b, TMR + 0x20), 2);
    accept(b, 0x51, false);
    for (int i = 0; i < 2; i++) {
        rf_apic_acknowledge(b->cpu);
        store(b, EOI, 0);
    }
    ck_assert_uint_eq(ended, 0x41);
}

/* --- software disable: 10.4.7.2 --- */

XAPIC(software_disable_masks_the_lvt)
{
    store(b, TIMER, 0x40);
    store(b, SVR, 0xff);
    ck_assert_uint_eq(load(b, TIMER), 0x10040);
    store(b, TIMER, 0x41);
    ck_assert_uint_eq(load(b, TIMER), 0x10041);
}
XAPIC(software_disable_refuses_new_interrupts)
{
    store(b, SVR, 0xff);
    accept(b, 0x41, false);
    ck_assert(!requested(b, 0x41));
}
XAPIC(software_disable_lets_nmi_through)
{
    store(b, SVR, 0xff);
    rf_apic_send(b->cpu, &(struct rf_apic_message){ .mode = RF_APIC_NMI });
    ck_assert(b->cpu->nmi_pending);
}

/* --- IPIs: 10.6 --- */

XAPIC(shorthand_self) { store(b, ICR, 0x44041); ck_assert(requested(b, 0x41)); }
XAPIC(shorthand_all) { store(b, ICR, 0x84041); ck_assert(requested(b, 0x41)); }
XAPIC(shorthand_others_goes_nowhere) { store(b, ICR, 0xc4041); ck_assert(!requested(b, 0x41)); }
XAPIC(physical_destination)
{
    store(b, ICR_HIGH, 0x01000000);
    store(b, ICR, 0x4041);
    ck_assert(!requested(b, 0x41));
    store(b, ICR_HIGH, 0);
    store(b, ICR, 0x4041);
    ck_assert(requested(b, 0x41));
}
XAPIC(physical_broadcast)
{
    store(b, ICR_HIGH, 0xff000000);
    store(b, ICR, 0x4041);
    ck_assert(requested(b, 0x41));
}
/* 10.6.2.2 */
XAPIC(logical_destination_in_the_flat_model)
{
    store(b, LDR, 0x04000000);
    store(b, ICR_HIGH, 0x03000000);
    store(b, ICR, 0x4841);
    ck_assert(!requested(b, 0x41));
    store(b, ICR_HIGH, 0x0c000000);
    store(b, ICR, 0x4841);
    ck_assert(requested(b, 0x41));
}
XAPIC(logical_destination_in_the_cluster_model)
{
    store(b, DFR, 0);
    store(b, LDR, 0x24000000);
    store(b, ICR_HIGH, 0x14000000);
    store(b, ICR, 0x4841);
    ck_assert(!requested(b, 0x41));
    store(b, ICR_HIGH, 0x2c000000);
    store(b, ICR, 0x4841);
    ck_assert(requested(b, 0x41));
}
XAPIC(delivery_status_is_idle) { store(b, ICR, 0x45041); ck_assert_uint_eq(load(b, ICR), 0x44041); }
XAPIC(sending_vector_15_is_an_error)
{
    store(b, ICR, 0x4400f);
    store(b, ESR, 0);
    ck_assert_uint_eq(load(b, ESR), 0x20);
}
XAPIC(receiving_vector_15_is_an_error)
{
    accept(b, 15, false);
    store(b, ESR, 0);
    ck_assert_uint_eq(load(b, ESR), 0x40);
}
XAPIC(an_error_interrupts_by_its_lvt)
{
    store(b, LVT_ERROR, 0x55);
    store(b, ICR, 0x4400f);
    ck_assert(requested(b, 0x55));
}
XAPIC(init_to_others_is_accepted)
{
    store(b, ICR, 0xc4500);
    store(b, ICR, 0xc4600);
    ck_assert_int_eq(b->cpu->stop, RF_STOP_NONE);
}
XAPIC(init_deassert_does_nothing)
{
    store(b, ICR, 0x8500);
    ck_assert_int_eq(b->cpu->stop, RF_STOP_NONE);
}

/* --- delivery to running code --- */

CODE(self_ipi, "sti; nop; movl $0x44040, 0x300(%rdi); nop; nop; vmcall");
XAPIC(a_self_ipi_is_taken_before_the_next_instruction)
{
    RUN(b, self_ipi);
    expect_vector(b, 0x40, KERNEL(2 + 10));
    ck_assert(in_service(b, 0x40));
}
CODE(self_ipi_cli, "movl $0x44040, 0x300(%rdi); nop; sti; nop; cli; vmcall");
XAPIC(a_self_ipi_waits_for_sti_and_one_instruction)
{
    RUN(b, self_ipi_cli);
    expect_vector(b, 0x40, KERNEL(10 + 3));
}
CODE(self_nmi, "nop; movl $0x4400, 0x300(%rdi); nop; nop; vmcall");
XAPIC(a_self_nmi_is_taken_with_if_clear)
{
    RUN(b, self_nmi);
    expect_vector(b, RF_NMI, KERNEL(11));
}
CODE(init_self, "movl $0x4500, 0x300(%rdi); nop; vmcall");
XAPIC(init_to_itself_stops_the_cpu)
{
    RUN(b, init_self);
    ck_assert_int_eq(b->stop, RF_STOP_RESET);
    ck_assert_uint_eq(reg(b, RF_REG_IP), KERNEL(10));
}
CODE(lower_tpr, "sti; nop; xor %eax, %eax; mov %rax, %cr8; nop; vmcall");
XAPIC(lowering_cr8_lets_an_interrupt_through_at_once)
{
    store(b, TPR, 0x40);
    accept(b, 0x41, false);
    RUN(b, lower_tpr);
    expect_vector(b, 0x41, KERNEL(1 + 1 + 2 + 4));
}
CODE(eoi_nop, "sti; movl $0, 0xb0(%rdi); nop; vmcall");
XAPIC(eoi_lets_the_next_one_through_at_once)
{
    accept(b, 0x41, false);
    rf_apic_acknowledge(b->cpu);
    accept(b, 0x42, false);
    RUN(b, eoi_nop);
    expect_vector(b, 0x42, KERNEL(1 + 10));
}
CODE(x2_self_ipi, "sti; nop; mov $0x83f, %ecx; mov $0x40, %eax; xor %edx, %edx; wrmsr; nop; vmcall");
X2APIC(an_x2apic_self_ipi_is_taken_at_once)
{
    RUN(b, x2_self_ipi);
    expect_vector(b, 0x40, KERNEL(2 + 5 + 5 + 2 + 2));
}
/* A string store to the page sends one IPI for each element at offset 300H. */
CODE(stosl, "sti; mov $2, %ecx; lea 0x300(%rdi), %rdi; mov $0x44040, %eax; rep stosl; nop; vmcall");
XAPIC(an_interrupt_comes_between_elements_of_rep_stos)
{
    RUN(b, stosl);
    ck_assert_int_eq(b->vector, 0x40);
    ck_assert_uint_eq(b->frame.rip, KERNEL(1 + 5 + 7 + 5));
    ck_assert_uint_eq(reg(b, RF_RCX), 1);
}

/* --- LINT0 and the PIC: 10.5.1 --- */

static uint8_t pic_vector(void *user)
{
    rf_apic_set_lint0(user, false);
    return 0x28;
}
static const struct rf_bus_ops pic_ops = { .acknowledge = pic_vector };
XAPIC(extint_takes_the_vector_of_the_pic)
{
    rf_cpu_connect(b->cpu, &pic_ops, b->cpu);
    store(b, LINT0, 0x700);
    rf_apic_set_lint0(b->cpu, true);
    ck_assert(b->cpu->interrupt_pending);
    ck_assert_uint_eq(rf_apic_acknowledge(b->cpu), 0x28);
    ck_assert(!in_service(b, 0x28) && !b->cpu->interrupt_pending);
}
XAPIC(a_masked_lint0_is_silent)
{
    store(b, LINT0, 0x10700);
    rf_apic_set_lint0(b->cpu, true);
    ck_assert(!b->cpu->interrupt_pending);
}
XAPIC(a_disabled_apic_lets_the_pic_through)
{
    rf_cpu_connect(b->cpu, &pic_ops, b->cpu);
    ck_assert(write_msr(b, MSR_BASE, RF_APIC_BASE | 0x100));
    rf_apic_set_lint0(b->cpu, true);
    ck_assert(b->cpu->interrupt_pending);
    ck_assert_uint_eq(rf_apic_acknowledge(b->cpu), 0x28);
}
XAPIC(lint0_with_fixed_delivery)
{
    store(b, LINT0, 0x44);
    rf_apic_set_lint0(b->cpu, true);
    ck_assert(requested(b, 0x44));
}

int main(void)
{
    const TTest *const all[] = {
        without_one_cpuid_and_the_msrs_know_nothing, with_one_cpuid_tells_of_apic_x2apic_and_deadline,
        cpuid_hides_a_disabled_apic, base_after_reset, base_reserved_low_bits_are_gp,
        base_bits_beyond_maxphyaddr_are_gp, extd_without_en_is_gp, x2apic_to_xapic_is_gp,
        x2apic_to_disabled_is_allowed, x2apic_to_x2apic_is_allowed, disabled_to_x2apic_is_gp,
        disabling_resets_the_registers, the_page_can_be_moved, x2apic_mode_has_no_page,
        a_disabled_apic_has_no_page, registers_after_reset, version_register, version_is_read_only,
        xapic_id_can_be_written, a_store_of_a_byte_is_ignored, a_store_beside_the_register_is_ignored,
        bytes_beside_a_register_read_as_zero, a_read_modify_write_reads_and_writes_once,
        a_reserved_register_is_an_error, esr_is_cleared_by_two_writes, tpr_and_cr8_are_one,
        cr8_clears_the_subclass_of_tpr, ppr_is_tpr_without_interrupts_in_service,
        ppr_is_the_class_in_service_if_higher, acknowledging_moves_irr_to_isr, the_highest_vector_is_first,
        the_same_class_waits_for_eoi, a_higher_class_nests, tpr_holds_back_its_class,
        eoi_without_anything_in_service_does_nothing, nothing_to_acknowledge_gives_the_spurious_vector,
        a_request_counts_once, eoi_of_a_level_interrupt_is_broadcast, software_disable_masks_the_lvt,
        software_disable_refuses_new_interrupts, software_disable_lets_nmi_through, shorthand_self,
        shorthand_all, shorthand_others_goes_nowhere, physical_destination, physical_broadcast,
        logical_destination_in_the_flat_model, logical_destination_in_the_cluster_model,
        delivery_status_is_idle, sending_vector_15_is_an_error, receiving_vector_15_is_an_error,
        an_error_interrupts_by_its_lvt, init_to_others_is_accepted, init_deassert_does_nothing,
        a_self_ipi_is_taken_before_the_next_instruction, a_self_ipi_waits_for_sti_and_one_instruction,
        a_self_nmi_is_taken_with_if_clear, init_to_itself_stops_the_cpu,
        lowering_cr8_lets_an_interrupt_through_at_once, eoi_lets_the_next_one_through_at_once,
        an_x2apic_self_ipi_is_taken_at_once, an_interrupt_comes_between_elements_of_rep_stos,
        extint_takes_the_vector_of_the_pic, a_masked_lint0_is_silent, a_disabled_apic_lets_the_pic_through,
        lint0_with_fixed_delivery,
    };
    Suite *suite = suite_create("apic");
    TCase *tests = tcase_create("apic");
    ADD_ALL(tests, all);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

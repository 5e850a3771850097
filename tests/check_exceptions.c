/* Exceptions and interrupts on a bare machine: gates, stacks, error codes, double faults, page
 * faults. One case for each rule; SDM is the Intel 64 and IA-32 Architectures Software Developer's
 * Manual. */
#include "bare_case.h"
#include "lib/suite.h"

CODE(nop_ud2, "nop; ud2");

/* --- delivery: SDM 3A, 6.12 and 6.14 --- */

/* 6.14.2: SS, RSP, RFLAGS, CS, RIP are pushed in any case, on a stack aligned to 16. */
CASE(delivery_from_cpl3_pushes_five_words_on_rsp0, 3)
{
    b->cpu->r[RF_RSP] = BARE_USER_STACK - 3;
    RUN(b, nop_ud2);
    expect_vector(b, RF_UD, USER(1));
    ck_assert_uint_eq(b->frame.cs, USER_CODE);
    ck_assert_uint_eq(b->frame.ss, USER_DATA);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK - 3);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 40);
    ck_assert_uint_eq(b->cpu->cpl, 0);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].selector, KERNEL_CODE);
}

CASE(delivery_at_cpl0_pushes_rsp_and_aligns, 0)
{
    b->cpu->r[RF_RSP] = BARE_KERNEL_STACK - 11;
    RUN(b, nop_ud2);
    expect_vector(b, RF_UD, KERNEL(1));
    ck_assert_uint_eq(b->frame.rsp, BARE_KERNEL_STACK - 11);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_KERNEL_STACK - 16 - 40);
    ck_assert_uint_eq(b->frame.ss, KERNEL_DATA);
}

/* 6.14.4: after a change of privilege SS is null with RPL = CPL. */
CASE(delivery_from_cpl3_loads_a_null_ss, 3)
{
    RUN(b, nop_ud2);
    ck_assert_uint_eq(b->cpu->seg[RF_SEG_SS].selector, 0);
}

/* 6.12.1.3: an interrupt gate clears IF, a trap gate does not; both clear TF, NT, RF. */
CASE(interrupt_gate_clears_if, 3)
{
    RUN(b, nop_ud2);
    ck_assert(b->frame.rflags & RF_FLAG_IF);
    ck_assert(!(b->cpu->flags & RF_FLAG_IF));
}

CASE(trap_gate_keeps_if, 3)
{
    bare_gate(b, RF_UD, BARE_HANDLERS + RF_UD * 16, KERNEL_CODE, 0xf, 0, 0, true);
    RUN(b, nop_ud2);
    expect_vector(b, RF_UD, USER(1));
    ck_assert(b->cpu->flags & RF_FLAG_IF);
}

CASE(delivery_clears_nt, 3)
{
    b->cpu->flags |= RF_FLAG_NT;
    RUN(b, nop_ud2);
    ck_assert(b->frame.rflags & RF_FLAG_NT);
    ck_assert(!(b->cpu->flags & RF_FLAG_NT));
}

/* 17.3.1.1 (3B): faults save RF = 1. */
CASE(a_fault_saves_rf, 3)
{
    RUN(b, nop_ud2);
    ck_assert(b->frame.rflags & RF_FLAG_RF);
    ck_assert(!(b->cpu->flags & RF_FLAG_RF));
}

CODE(stc_int3, "stc; int3; nop");
CASE(a_trap_saves_the_next_rip_and_no_rf, 3)
{
    RUN(b, stc_int3);
    expect_vector(b, RF_BP, USER(2));
    ck_assert(!(b->frame.rflags & RF_FLAG_RF));
    ck_assert(b->frame.rflags & RF_FLAG_CF);
}

/* 6.14.5: a gate with an IST index switches stacks whatever the CPL. */
CASE(ist_switches_the_stack_at_cpl0, 0)
{
    bare_gate(b, RF_UD, BARE_HANDLERS + RF_UD * 16, KERNEL_CODE, 0xe, 0, 1, true);
    RUN(b, nop_ud2);
    ck_assert_int_eq(b->vector, RF_UD);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_IST1 - 40);
    ck_assert_uint_eq(b->frame.rsp, BARE_KERNEL_STACK);
}

CASE(ist_wins_over_rsp0, 3)
{
    bare_gate(b, RF_UD, BARE_HANDLERS + RF_UD * 16, KERNEL_CODE, 0xe, 0, 1, true);
    RUN(b, nop_ud2);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_IST1 - 40);
}

/* A conforming handler runs at the CPL of the interrupted code and on its stack. */
CASE(conforming_handler_keeps_cpl, 3)
{
    bare_gate(b, RF_UD, BARE_USER_TEXT + 64, CONFORMING_CODE, 0xe, 0, 0, true);
    static const uint8_t halt = 0xf4; /* HLT: #GP at CPL 3 */
    bare_put(b, BARE_USER_TEXT + 64, &halt, 1);
    RUN(b, nop_ud2);
    expect_error(b, RF_GP, USER(64), 0);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK - 40);
    ck_assert_uint_eq(b->frame.cs, CONFORMING_CODE | 3);
}

/* 6.13: error codes of faults during delivery name the vector: index * 8 + IDT + EXT. EXT is set
 * for all but INT n, INT3 and INTO. */
CASE(absent_gate_is_np_with_the_vector, 3)
{
    bare_gate(b, RF_UD, BARE_HANDLERS, KERNEL_CODE, 0xe, 0, 0, false);
    RUN(b, nop_ud2);
    expect_error(b, RF_NP, USER(1), RF_UD * 8 + 2 + 1);
}

CASE(gate_of_another_type_is_gp, 3)
{
    bare_gate(b, RF_UD, BARE_HANDLERS, KERNEL_CODE, 0xc, 0, 0, true);
    RUN(b, nop_ud2);
    expect_error(b, RF_GP, USER(1), RF_UD * 8 + 2 + 1);
}

CODE(int_ff, "int $0xff");
CASE(vector_beyond_the_idt_is_gp, 0)
{
    b->cpu->idtr.limit = 0x80 * 16 - 1;
    RUN(b, int_ff);
    expect_error(b, RF_GP, KERNEL(0), 0xff * 8 + 2);
}

CODE(int_80, "int $0x80; nop");
CODE(int_81, "nop; int $0x81");
CASE(int_n_through_an_open_gate, 3)
{
    RUN(b, int_80);
    expect_vector(b, 0x80, USER(2));
    ck_assert_uint_eq(b->cpu->counts.software_interrupts, 1);
}

/* 6.12.1.1: INT n checks the gate's DPL; exceptions do not. */
CASE(int_n_through_a_closed_gate_is_gp, 3)
{
    RUN(b, int_81);
    expect_error(b, RF_GP, USER(1), 0x81 * 8 + 2);
}

CODE(int_14, "int $14");
CASE(int_14_at_cpl0_pushes_no_error_code, 0)
{
    RUN(b, int_14);
    ck_assert_int_eq(b->vector, RF_PF);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_KERNEL_STACK - 40); /* five words: no error code */
}

CODE(int3_cd, ".byte 0xcd, 3");
CASE(int3_through_a_closed_gate_is_gp, 3)
{
    bare_gate(b, RF_BP, BARE_HANDLERS + RF_BP * 16, KERNEL_CODE, 0xe, 0, 0, true);
    RUN(b, int3_cd);
    expect_error(b, RF_GP, USER(0), RF_BP * 8 + 2);
}

CODE(int1, ".byte 0xf1; nop");
CASE(int1_ignores_the_gate_dpl, 3)
{
    RUN(b, int1);
    expect_vector(b, RF_DB, USER(1));
}

CASE(handler_in_a_data_segment_is_gp, 3)
{
    bare_gate(b, RF_UD, BARE_HANDLERS, KERNEL_DATA, 0xe, 0, 0, true);
    RUN(b, nop_ud2);
    expect_error(b, RF_GP, USER(1), KERNEL_DATA | 1);
}

CASE(handler_with_a_null_selector_is_gp, 3)
{
    bare_gate(b, RF_UD, BARE_HANDLERS, 0, 0xe, 0, 0, true);
    RUN(b, nop_ud2);
    expect_error(b, RF_GP, USER(1), 1);
}

CASE(handler_in_an_absent_segment_is_np, 3)
{
    bare_gate(b, RF_UD, BARE_HANDLERS, ABSENT_CODE, 0xe, 0, 0, true);
    RUN(b, nop_ud2);
    expect_error(b, RF_NP, USER(1), ABSENT_CODE | 1);
}

CASE(handler_in_a_32_bit_segment_is_gp, 3)
{
    bare_gate(b, RF_UD, BARE_HANDLERS, KERNEL_CODE32, 0xe, 0, 0, true);
    RUN(b, nop_ud2);
    expect_error(b, RF_GP, USER(1), KERNEL_CODE32 | 1);
}

/* 6.15, interrupt 8: a contributory exception while delivering another one is #DF. */
CASE(double_fault_of_two_contributory_exceptions, 3)
{
    static const uint8_t hlt[] = { 0xf4 };
    bare_gate(b, RF_GP, BARE_HANDLERS, KERNEL_CODE, 0xe, 0, 0, false); /* #GP, then #NP */
    bare_run(b, hlt, sizeof hlt);
    expect_error(b, RF_DF, USER(0), 0);
}

CODE(read_zero_page, "movabs 0x200000, %al");
CASE(page_fault_while_delivering_a_page_fault_is_df, 3)
{
    bare_write(b, BARE_TSS + 4, BARE_ABSENT + 0x800); /* RSP0 where nothing is mapped */
    bare_gate(b, RF_DF, BARE_HANDLERS + RF_DF * 16, KERNEL_CODE, 0xe, 0, 1, true);
    RUN(b, read_zero_page);
    expect_error(b, RF_DF, USER(0), 0);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_IST1 - 48);
}

/* A benign exception first: the second one is delivered by itself. */
CASE(fault_while_delivering_ud_is_not_df, 3)
{
    bare_write(b, BARE_TSS + 4, BARE_ABSENT + 0x800);
    bare_gate(b, RF_PF, BARE_HANDLERS + RF_PF * 16, KERNEL_CODE, 0xe, 0, 1, true);
    RUN(b, nop_ud2);
    expect_error(b, RF_PF, USER(1), RF_PF_W);
    ck_assert_uint_ge(b->cpu->cr2, BARE_ABSENT);
    ck_assert_uint_lt(b->cpu->cr2, BARE_ABSENT + 0x1000);
}

CASE(fault_while_delivering_df_is_a_triple_fault, 3)
{
    static const uint8_t hlt[] = { 0xf4 };
    b->cpu->idtr.limit = 0;
    bare_run(b, hlt, sizeof hlt);
    ck_assert_int_eq(b->stop, RF_STOP_TRIPLE_FAULT);
    ck_assert_ptr_nonnull(strstr(b->cpu->stop_text, "triple fault"));
}

/* 6.14.2: a stack pointer that is not canonical is #SS. */
CASE(noncanonical_rsp0_is_ss, 3)
{
    bare_write(b, BARE_TSS + 4, BARE_NONCANONICAL);
    bare_gate(b, RF_SS, BARE_HANDLERS + RF_SS * 16, KERNEL_CODE, 0xe, 0, 1, true);
    RUN(b, nop_ud2);
    ck_assert_int_eq(b->vector, RF_SS);
}

CASE(tss_too_short_for_rsp0_is_ts, 3)
{
    b->cpu->tr.limit = 8;
    bare_gate(b, RF_TS, BARE_HANDLERS + RF_TS * 16, CONFORMING_CODE, 0xe, 0, 0, true);
    bare_put(b, BARE_HANDLERS + RF_TS * 16, "\xf4", 1);
    RUN(b, nop_ud2);
    ck_assert(b->vector != RF_UD);
}

/* --- external interrupts and NMI: SDM 3A, 6.3 and 6.8 --- */

CODE(loop, "1: inc %rax; jmp 1b");
CODE(sti_nops, "sti; nop; jmp 1f; 1: nop; jmp 2f; 2: vmcall");

CASE(interrupt_is_taken_when_if_is_set, 3)
{
    b->cpu->interrupt_pending = true;
    b->cpu->interrupt_vector = 0x40;
    rf_cpu_refresh_budget(b->cpu);
    RUN(b, loop);
    ck_assert_int_eq(b->vector, 0x40);
    ck_assert_uint_eq(b->cpu->counts.interrupts, 1);
    ck_assert(!(b->frame.rflags & RF_FLAG_RF));
}

CODE(nops, "nop; nop; vmcall");
CASE(interrupt_waits_while_if_is_clear, 0)
{
    b->cpu->interrupt_pending = true;
    b->cpu->interrupt_vector = 0x40;
    RUN(b, nops);
    ck_assert_int_eq(b->vector, -1);
    ck_assert(b->cpu->interrupt_pending);
}

/* 6.8.3 and STI: one more instruction runs before an interrupt is recognised. */
CASE(sti_shadows_the_next_instruction, 0)
{
    b->cpu->interrupt_pending = true;
    b->cpu->interrupt_vector = 0x40;
    RUN(b, sti_nops);
    expect_vector(b, 0x40, KERNEL(2));
}

CODE(sti_nop_cli, "sti; nop; cli; vmcall");
CASE(an_interrupt_is_taken_between_sti_nop_and_cli, 0)
{
    b->cpu->interrupt_pending = true;
    b->cpu->interrupt_vector = 0x40;
    RUN(b, sti_nop_cli);
    expect_vector(b, 0x40, KERNEL(2));
    ck_assert(b->frame.rflags & RF_FLAG_IF);
}

CODE(sti_cli, "sti; cli; nop; vmcall");
CASE(cli_after_sti_keeps_interrupts_away, 0)
{
    b->cpu->interrupt_pending = true;
    b->cpu->interrupt_vector = 0x40;
    RUN(b, sti_cli);
    ck_assert_int_eq(b->vector, -1);
    ck_assert(b->cpu->interrupt_pending);
}

CODE(sti_hlt, "sti; hlt; vmcall");
CASE(an_interrupt_after_sti_ends_hlt, 0)
{
    b->cpu->interrupt_pending = true;
    b->cpu->interrupt_vector = 0x40;
    RUN(b, sti_hlt);
    expect_vector(b, 0x40, KERNEL(2));
}

CODE(popf_set_if, "pushq $0x202; popfq; cli; vmcall");
CASE(an_interrupt_is_taken_right_after_popf, 0)
{
    b->cpu->interrupt_pending = true;
    b->cpu->interrupt_vector = 0x40;
    RUN(b, popf_set_if);
    expect_vector(b, 0x40, KERNEL(6));
}

/* MOV SS too holds back the instruction after it. */
CODE(sti_mov_ss, "mov %ss, %eax; sti; mov %eax, %ss; nop; nop; vmcall");
CASE(an_interrupt_waits_for_the_instruction_after_mov_ss, 0)
{
    b->cpu->interrupt_pending = true;
    b->cpu->interrupt_vector = 0x40;
    RUN(b, sti_mov_ss);
    expect_vector(b, 0x40, KERNEL(6));
}

CASE(nmi_ignores_if, 0)
{
    b->cpu->nmi_pending = true;
    rf_cpu_refresh_budget(b->cpu);
    RUN(b, loop);
    ck_assert_int_eq(b->vector, RF_NMI);
    ck_assert(b->cpu->nmi_blocked);
}

CASE(hlt_without_anything_to_wait_for_stops, 0)
{
    static const uint8_t hlt[] = { 0xf4 };
    bare_run(b, hlt, sizeof hlt);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
}

/* --- #DB --- */

/* 6.3.1.4 (3B 17.3.1.4): with TF set, #DB follows each instruction; the frame has the next RIP. */
CODE(set_tf, "pushfq; orl $0x100, (%rsp); popfq; nop; nop; nop");
CASE(single_step_traps_after_the_next_instruction, 3)
{
    RUN(b, set_tf);
    expect_vector(b, RF_DB, USER(1 + 7 + 1 + 1));
    ck_assert(b->frame.rflags & RF_FLAG_TF);
    ck_assert(!(b->cpu->flags & RF_FLAG_TF));
    ck_assert(b->cpu->dr[6] & RF_BIT(14));
}

/* --- page faults: SDM 3A, 4.7 --- */

#define ACCESS(name, text) CODE(name, "mov %rdi, %rbx\n" text)
ACCESS(load, "mov (%rbx), %al");
ACCESS(store, "mov %al, (%rbx)");
ACCESS(add_to, "addl $1, (%rbx)");
CODE(jump, "mov %rdi, %rbx; jmp *%rbx");

static void access_faults(struct bare *b, const uint8_t *code, size_t size, uint64_t address, uint32_t error)
{
    b->cpu->r[RF_RDI] = address;
    bare_run(b, code, size);
    uint64_t text = b->frame.cs == USER_CODE ? BARE_USER_TEXT : BARE_KERNEL_TEXT;
    expect_error(b, RF_PF, error & RF_PF_I ? address : text + 3, error); /* a jump has been made */
    ck_assert_uint_eq(b->cpu->cr2, address);
}
#define ACCESS_FAULTS(b, name, address, error) access_faults(b, name, (size_t)(name##_end - name), address, error)

CASE(pf_user_read_absent, 3) { ACCESS_FAULTS(b, load, BARE_ABSENT + 8, RF_PF_U); }
CASE(pf_user_write_absent, 3) { ACCESS_FAULTS(b, store, BARE_ABSENT + 8, RF_PF_U | RF_PF_W); }
CASE(pf_user_write_read_only, 3) { ACCESS_FAULTS(b, store, BARE_READ_ONLY, RF_PF_U | RF_PF_W | RF_PF_P); }
CASE(pf_user_update_read_only_is_a_write, 3) { ACCESS_FAULTS(b, add_to, BARE_READ_ONLY, RF_PF_U | RF_PF_W | RF_PF_P); }
CASE(pf_user_read_supervisor_page, 3) { ACCESS_FAULTS(b, load, BARE_KERNEL_PAGE, RF_PF_U | RF_PF_P); }
CASE(pf_user_fetch_nx, 3) { ACCESS_FAULTS(b, jump, BARE_NX, RF_PF_U | RF_PF_P | RF_PF_I); }
CASE(pf_user_fetch_absent, 3) { ACCESS_FAULTS(b, jump, BARE_ABSENT, RF_PF_U | RF_PF_I); }
CASE(pf_supervisor_write_read_only_with_wp, 0) { ACCESS_FAULTS(b, store, BARE_READ_ONLY, RF_PF_W | RF_PF_P); }
CASE(pf_supervisor_read_absent, 0) { ACCESS_FAULTS(b, load, BARE_ABSENT, 0); }

CASE(pf_reserved_bit, 3)
{
    *bare_pte(b, BARE_READ_ONLY) |= UINT64_C(1) << 51;
    bare_flush(b);
    ACCESS_FAULTS(b, load, BARE_READ_ONLY, RF_PF_U | RF_PF_P | RF_PF_RSVD);
}

CODE(store_stop, "movb $7, (%rdi); vmcall");
CASE(supervisor_writes_read_only_without_wp, 0)
{
    rf_mmu_set_cr0(&b->cpu->mmu, b->cpu->mmu.cr0 & ~RF_CR0_WP);
    rf_cpu_mode_changed(b->cpu);
    b->cpu->r[RF_RDI] = BARE_READ_ONLY;
    RUN(b, store_stop);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(bare_read(b, BARE_READ_ONLY) & 0xff, 7);
}

CODE(load_then_stop, "mov (%rdi), %al; int $0x80");
CODE(store_then_stop, "mov %al, (%rdi); int $0x80");
CASE(a_read_sets_accessed_and_a_write_dirty, 3)
{
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    ck_assert_uint_eq(*bare_pte(b, BARE_USER_DATA) & (RF_PTE_A | RF_PTE_D), 0);
    RUN(b, load_then_stop);
    ck_assert_uint_eq(*bare_pte(b, BARE_USER_DATA) & (RF_PTE_A | RF_PTE_D), RF_PTE_A);
    struct bare other;
    bare_create(&other, 3);
    other.cpu->r[RF_RDI] = BARE_USER_DATA;
    RUN(&other, store_then_stop);
    ck_assert_uint_eq(*bare_pte(&other, BARE_USER_DATA) & (RF_PTE_A | RF_PTE_D), RF_PTE_A | RF_PTE_D);
    bare_destroy(&other);
}

CODE(push_mem, "mov $0x111, %eax; push (%rdi)");
/* A faulting instruction has changed nothing (SDM 1, 6.5). */
CASE(a_fault_leaves_registers_and_memory, 3)
{
    b->cpu->r[RF_RDI] = BARE_ABSENT;
    RUN(b, push_mem);
    expect_error(b, RF_PF, USER(5), RF_PF_U);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
    ck_assert_uint_eq(reg(b, RF_RAX), 0x111);
}

CODE(split_store, "mov $-1, %rax; mov %rax, (%rdi)");
/* A store across a page end whose second page is refused writes nothing. */
CASE(a_split_store_is_all_or_nothing, 3)
{
    *bare_pte(b, BARE_USER_DATA + 0x1000) &= ~RF_PTE_W;
    bare_flush(b);
    b->cpu->r[RF_RDI] = BARE_USER_DATA + 0xffc;
    RUN(b, split_store);
    expect_error(b, RF_PF, USER(7), RF_PF_U | RF_PF_W | RF_PF_P);
    ck_assert_uint_eq(b->cpu->cr2, BARE_USER_DATA + 0x1000);
    ck_assert_uint_eq(bare_read(b, BARE_USER_DATA + 0xff8), 0);
}

CODE(rep_copy, "rep movsb; int $0x80");
/* SDM 2B, MOVS: registers show the elements done; the same RIP goes on after the fault. */
CASE(rep_movsb_stops_at_a_fault_and_goes_on, 3)
{
    b->cpu->r[RF_RSI] = BARE_USER_DATA;
    b->cpu->r[RF_RDI] = BARE_ABSENT - 8;
    b->cpu->r[RF_RCX] = 24;
    RUN(b, rep_copy);
    expect_error(b, RF_PF, USER(0), RF_PF_U | RF_PF_W);
    ck_assert_uint_eq(b->cpu->cr2, BARE_ABSENT);
    ck_assert_uint_eq(reg(b, RF_RCX), 16);
    ck_assert_uint_eq(reg(b, RF_RSI), BARE_USER_DATA + 8);
    ck_assert_uint_eq(reg(b, RF_RDI), BARE_ABSENT);
    *bare_pte(b, BARE_ABSENT) = BARE_ABSENT | RF_PTE_P | RF_PTE_W | RF_PTE_U;
    bare_put(b, BARE_HANDLERS + RF_PF * 16, "\x48\x83\xc4\x08\x48\xcf", 6); /* add rsp, 8; iretq */
    b->cpu->r[RF_REG_IP] = BARE_HANDLERS + RF_PF * 16;
    bare_continue(b);
    expect_vector(b, 0x80, USER(4));
    ck_assert_uint_eq(reg(b, RF_RCX), 0);
}

/* --- #GP, #SS, #DE, #UD, #NM, #XM, #MF, #AC --- */

CODE(load_rdi, "mov (%rdi), %al");
CODE(load_rbp, "mov (%rbp), %al");
CODE(pop_rax, "pop %rax");
CODE(jmp_rdi, "jmp *%rdi");
CASE(noncanonical_data_is_gp, 3)
{
    b->cpu->r[RF_RDI] = BARE_NONCANONICAL;
    RUN(b, load_rdi);
    expect_error(b, RF_GP, USER(0), 0);
}
CASE(noncanonical_stack_reference_is_ss, 3)
{
    b->cpu->r[RF_RBP] = BARE_NONCANONICAL;
    RUN(b, load_rbp);
    expect_error(b, RF_SS, USER(0), 0);
}
CASE(noncanonical_pop_is_ss, 3)
{
    b->cpu->r[RF_RSP] = BARE_NONCANONICAL;
    RUN(b, pop_rax);
    expect_error(b, RF_SS, USER(0), 0);
}
CASE(jump_to_noncanonical_is_gp_at_the_jump, 3)
{
    b->cpu->r[RF_RDI] = BARE_NONCANONICAL;
    RUN(b, jmp_rdi);
    expect_error(b, RF_GP, USER(0), 0);
}

CODE(div_zero, "xor %ecx, %ecx; div %ecx");
CASE(divide_error, 3) { RUN(b, div_zero); expect_vector(b, RF_DE, USER(2)); }

CODE(movaps_odd, "movaps 1(%rdi), %xmm0");
CASE(movaps_not_aligned_is_gp, 3)
{
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    RUN(b, movaps_odd);
    expect_error(b, RF_GP, USER(0), 0);
}

CODE(addps, "addps %xmm0, %xmm0");
CODE(fld1, "fld1");
CASE(sse_with_ts_is_nm, 3)
{
    rf_mmu_set_cr0(&b->cpu->mmu, b->cpu->mmu.cr0 | RF_CR0_TS);
    rf_cpu_mode_changed(b->cpu);
    RUN(b, addps);
    expect_vector(b, RF_NM, USER(0));
}
CASE(x87_with_ts_is_nm, 3)
{
    rf_mmu_set_cr0(&b->cpu->mmu, b->cpu->mmu.cr0 | RF_CR0_TS);
    rf_cpu_mode_changed(b->cpu);
    RUN(b, fld1);
    expect_vector(b, RF_NM, USER(0));
}
CASE(sse_without_osfxsr_is_ud, 3)
{
    bare_set_cr4(b, 0, RF_CR4_OSFXSR);
    RUN(b, addps);
    expect_vector(b, RF_UD, USER(0));
}
CASE(x87_with_em_is_nm, 3)
{
    rf_mmu_set_cr0(&b->cpu->mmu, b->cpu->mmu.cr0 | RF_CR0_EM);
    rf_cpu_mode_changed(b->cpu);
    RUN(b, fld1);
    expect_vector(b, RF_NM, USER(0));
}

CODE(unmask_divide, "movl $0x1d80, -8(%rsp); ldmxcsr -8(%rsp); xorps %xmm1, %xmm1; movaps %xmm0, %xmm0; divss %xmm1, %xmm0");
CASE(unmasked_sse_exception_is_xm, 3)
{
    float one = 1;
    memcpy(&b->cpu->fpu.v[0], &one, sizeof one);
    RUN(b, unmask_divide);
    ck_assert_int_eq(b->vector, RF_XM);
}

/* --- flags at a fault: no status flag may be skipped before an instruction that may fault --- */

#define ALL_ONES_PLUS_ONE (RF_FLAG_CF | RF_FLAG_PF | RF_FLAG_AF | RF_FLAG_ZF)

/* The first ADD leaves ALL_ONES_PLUS_ONE, which the second would overwrite unread. */
static void expect_flags_of_first_add(const struct bare *b, int vector)
{
    expect_vector(b, vector, KERNEL(3));
    ck_assert_uint_eq(b->frame.rflags & RF_FLAGS_STATUS, ALL_ONES_PLUS_ONE);
}

CODE(add_movaps_add, "addl $1, %eax; movaps %xmm1, %xmm0; addl $1, %ebx; ud2");
CODE(add_movq_add, "addl $1, %eax; movq %mm1, %mm0; addl $1, %ebx; ud2");
CODE(add_vpand_add, "addl $1, %eax; vpand %xmm1, %xmm2, %xmm0; addl $1, %ebx; ud2");

/* SDM 3A, table 2-2: #NM of a register form while CR0.TS is set. */
CASE(flags_are_exact_at_nm_of_a_register_form, 0)
{
    b->cpu->r[RF_RAX] = UINT32_MAX;
    rf_mmu_set_cr0(&b->cpu->mmu, b->cpu->mmu.cr0 | RF_CR0_TS);
    RUN(b, add_movaps_add);
    expect_flags_of_first_add(b, RF_NM);
}

/* SDM 1, 8.7: a pending x87 exception is raised by the next waiting instruction. */
CASE(flags_are_exact_at_a_pending_mf, 0)
{
    b->cpu->r[RF_RAX] = UINT32_MAX;
    b->cpu->fpu.cw = 0x37e; /* invalid operation unmasked */
    b->cpu->fpu.sw = 0x8081; /* B, ES, IE */
    RUN(b, add_movq_add);
    expect_flags_of_first_add(b, RF_MF);
}

/* An instruction that CPUID does not offer. */
CASE(flags_are_exact_at_ud_of_an_unknown_instruction, 0)
{
    b->cpu->r[RF_RAX] = UINT32_MAX;
    RUN(b, add_vpand_add);
    expect_flags_of_first_add(b, RF_UD);
}

int main(void)
{
    const TTest *const all[] = {
        flags_are_exact_at_nm_of_a_register_form, flags_are_exact_at_a_pending_mf,
        flags_are_exact_at_ud_of_an_unknown_instruction,
        delivery_from_cpl3_pushes_five_words_on_rsp0, delivery_at_cpl0_pushes_rsp_and_aligns,
        delivery_from_cpl3_loads_a_null_ss, interrupt_gate_clears_if, trap_gate_keeps_if, delivery_clears_nt,
        a_fault_saves_rf, a_trap_saves_the_next_rip_and_no_rf, ist_switches_the_stack_at_cpl0,
        ist_wins_over_rsp0, conforming_handler_keeps_cpl, absent_gate_is_np_with_the_vector,
        gate_of_another_type_is_gp, vector_beyond_the_idt_is_gp, int_n_through_an_open_gate,
        int_n_through_a_closed_gate_is_gp, int_14_at_cpl0_pushes_no_error_code,
        int3_through_a_closed_gate_is_gp, int1_ignores_the_gate_dpl, handler_in_a_data_segment_is_gp,
        handler_with_a_null_selector_is_gp, handler_in_an_absent_segment_is_np,
        handler_in_a_32_bit_segment_is_gp, double_fault_of_two_contributory_exceptions,
        page_fault_while_delivering_a_page_fault_is_df, fault_while_delivering_ud_is_not_df,
        fault_while_delivering_df_is_a_triple_fault, noncanonical_rsp0_is_ss, tss_too_short_for_rsp0_is_ts,
        interrupt_is_taken_when_if_is_set, interrupt_waits_while_if_is_clear, sti_shadows_the_next_instruction,
        an_interrupt_is_taken_between_sti_nop_and_cli, cli_after_sti_keeps_interrupts_away,
        an_interrupt_after_sti_ends_hlt, an_interrupt_is_taken_right_after_popf,
        an_interrupt_waits_for_the_instruction_after_mov_ss,
        nmi_ignores_if, hlt_without_anything_to_wait_for_stops, single_step_traps_after_the_next_instruction,
        pf_user_read_absent, pf_user_write_absent, pf_user_write_read_only, pf_user_update_read_only_is_a_write,
        pf_user_read_supervisor_page, pf_user_fetch_nx, pf_user_fetch_absent,
        pf_supervisor_write_read_only_with_wp, pf_supervisor_read_absent, pf_reserved_bit,
        supervisor_writes_read_only_without_wp, a_read_sets_accessed_and_a_write_dirty,
        a_fault_leaves_registers_and_memory, a_split_store_is_all_or_nothing,
        rep_movsb_stops_at_a_fault_and_goes_on, noncanonical_data_is_gp, noncanonical_stack_reference_is_ss,
        noncanonical_pop_is_ss, jump_to_noncanonical_is_gp_at_the_jump, divide_error, movaps_not_aligned_is_gp,
        sse_with_ts_is_nm, x87_with_ts_is_nm, sse_without_osfxsr_is_ud, x87_with_em_is_nm,
        unmasked_sse_exception_is_xm,
    };
    Suite *suite = suite_create("exceptions");
    TCase *tests = tcase_create("exceptions");
    ADD_ALL(tests, all);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

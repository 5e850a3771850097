/* Which event comes first when several are due: SDM 3A, table 6-2 ("Priority Among Concurrent
 * Events"), one pair a case. Class numbers are the table's. */
#include "cet_case.h"
#include "cpu/debug.h"
#include "lib/suite.h"

CODE(nops, "nop; nop; nop; vmcall");
CODE(undefined, "ud2");
CODE(fld_mem, "fldl (%rdi)");
CODE(add_mem, "addps (%rdi), %xmm0");
CODE(jump, "mov $0x200000, %eax; jmp *%rax");
CODE(jump_supervisor, "mov $0x203000, %eax; jmp *%rax");
CODE(pending, "fldl (%rsi); fldz; fdivrp; fldl (%rdi)");
CODE(div_mem, "divq (%rdi)");
CODE(user_lgdt, "lgdt (%rdi)");
CODE(user_lock_hlt, ".byte 0xf0, 0xf4");
CODE(load_dr5, "mov %rax, %db5");
CODE(load_ds, "mov (%rdi), %ds");
CODE(load, "mov (%rdi), %rax");
CODE(user_load, "mov (%rdi), %rax");
CODE(convert, "cvttps2pi (%rdi), %mm0");

static void step_and_interrupts(struct bare *b, bool step, bool nmi, bool interrupt)
{
    if (step)
        b->cpu->flags |= RF_FLAG_TF;
    b->cpu->nmi_pending = nmi;
    b->cpu->interrupt_pending = interrupt;
    b->cpu->interrupt_vector = 0x50;
    b->cpu->flags |= RF_FLAG_IF;
}

/* Runs one instruction, after which what was set up is due. */
static void run_one_then(struct bare *b, bool step, bool nmi, bool interrupt)
{
    step_and_interrupts(b, step, nmi, interrupt);
    b->cpu->shadow = true; /* for one instruction, as after STI */
    RUN(b, nops);
}

/* --- between instructions: classes 4 (traps), 5 (NMI, interrupts), 6 (the next fetch) --- */

CASE(a_single_step_trap_comes_before_an_nmi, 0)
{
    run_one_then(b, true, true, false);
    expect_vector(b, RF_NMI, BARE_HANDLERS + RF_DB * 16); /* the trap's handler was entered before */
    ck_assert(b->cpu->dr[6] & RF_DR6_BS);
}

CASE(a_single_step_trap_comes_before_an_interrupt, 0)
{
    run_one_then(b, true, false, true);
    expect_vector(b, RF_DB, KERNEL(1));
    ck_assert(b->cpu->interrupt_pending);
}

CASE(an_nmi_comes_before_an_interrupt, 0)
{
    run_one_then(b, false, true, true);
    expect_vector(b, RF_NMI, KERNEL(1));
    ck_assert(b->cpu->interrupt_pending);
}

static void break_on(struct bare *b, uint64_t address)
{
    b->cpu->dr[0] = address;
    b->cpu->dr[7] = 0x402; /* G0, execution */
    rf_cpu_mode_changed(b->cpu);
}

CASE(an_interrupt_comes_before_the_next_breakpoint, 0)
{
    break_on(b, KERNEL(1));
    run_one_then(b, false, false, true);
    expect_vector(b, 0x50, KERNEL(1));
    ck_assert_uint_eq(b->cpu->dr[6] & 1, 0);
}

CASE(a_trap_comes_before_the_next_breakpoint, 0)
{
    break_on(b, KERNEL(1));
    run_one_then(b, true, false, false);
    expect_vector(b, RF_DB, KERNEL(1));
    ck_assert_uint_eq(b->cpu->dr[6] & (RF_DR6_BS | 1), RF_DR6_BS);
}

/* --- the fetch: class 6; decoding: class 8 --- */

CASE(a_breakpoint_comes_before_its_fetch_fault, 0)
{
    break_on(b, BARE_ABSENT);
    *bare_pte(b, BARE_ABSENT) = 0;
    bare_flush(b);
    RUN(b, jump);
    expect_vector(b, RF_DB, BARE_ABSENT);
}

CASE(a_breakpoint_comes_before_an_undefined_opcode, 0)
{
    break_on(b, KERNEL(0));
    RUN(b, undefined);
    expect_vector(b, RF_DB, KERNEL(0));
}

CASE(a_fetch_fault_comes_before_a_missing_endbranch, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    *bare_pte(b, BARE_ABSENT) = 0;
    bare_flush(b);
    RUN(b, jump);
    expect_error(b, RF_PF, BARE_ABSENT, RF_PF_I);
}

CASE(a_breakpoint_comes_before_a_missing_endbranch, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    break_on(b, BARE_KERNEL_PAGE);
    RUN(b, jump_supervisor);
    expect_vector(b, RF_DB, BARE_KERNEL_PAGE);
}

/* Class 8, in the table's order: length, invalid opcode, coprocessor not available. */
CASE(an_instruction_too_long_is_gp_not_ud, 0)
{
    static const uint8_t code[16] = { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                      0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x0f, 0x0b };
    bare_run(b, code, sizeof code);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

CASE(an_invalid_opcode_comes_before_a_missing_coprocessor, 0)
{
    bare_set_cr4(b, 0, RF_CR4_OSFXSR);
    rf_mmu_set_cr0(&b->cpu->mmu, b->cpu->mmu.cr0 | RF_CR0_TS);
    rf_cpu_mode_changed(b->cpu);
    RUN(b, add_mem);
    expect_vector(b, RF_UD, KERNEL(0));
}

CASE(an_invalid_opcode_comes_before_privilege, 3)
{
    RUN(b, user_lock_hlt);
    expect_vector(b, RF_UD, USER(0));
}

CASE(dr5_is_undefined_before_it_is_privileged_data, 0)
{
    bare_set_cr4(b, RF_CR4_DE, 0);
    b->cpu->dr[7] |= RF_DR7_GD;
    RUN(b, load_dr5);
    expect_vector(b, RF_UD, KERNEL(0));
}

/* --- classes 8 and 9 before what executing finds, class 10 --- */

CASE(a_missing_coprocessor_comes_before_a_page_fault, 0)
{
    rf_mmu_set_cr0(&b->cpu->mmu, b->cpu->mmu.cr0 | RF_CR0_TS);
    rf_cpu_mode_changed(b->cpu);
    b->cpu->r[RF_RDI] = BARE_ABSENT + 0x10000000;
    RUN(b, fld_mem);
    expect_vector(b, RF_NM, KERNEL(0));
}

/* A pending x87 exception is of the instruction before. */
CASE(a_pending_x87_exception_comes_before_a_page_fault, 0)
{
    b->cpu->fpu.cw = 0x37b; /* #Z unmasked */
    b->cpu->r[RF_RSI] = BARE_USER_DATA;
    bare_write(b, BARE_USER_DATA, UINT64_C(0x3ff0000000000000));
    b->cpu->r[RF_RDI] = BARE_ABSENT + 0x10000000;
    RUN(b, pending);
    ck_assert_int_eq(b->vector, RF_MF);
}

CASE(privilege_comes_before_a_page_fault, 3)
{
    b->cpu->r[RF_RDI] = BARE_ABSENT + 0x10000000;
    RUN(b, user_lgdt);
    expect_error(b, RF_GP, USER(0), 0);
}

/* --- within class 10 --- */

CASE(a_page_fault_comes_before_a_division_error, 0)
{
    b->cpu->r[RF_RDI] = BARE_ABSENT + 0x10000000;
    RUN(b, div_mem);
    expect_error(b, RF_PF, KERNEL(0), 0);
}

CASE(a_page_fault_comes_before_the_descriptors_faults, 0)
{
    b->cpu->r[RF_RDI] = BARE_ABSENT + 0x10000000;
    RUN(b, load_ds);
    expect_error(b, RF_PF, KERNEL(0), 0);
}

CASE(a_noncanonical_address_is_gp_without_a_walk, 0)
{
    uint64_t walks = b->cpu->mmu.counts.walks;
    b->cpu->r[RF_RDI] = BARE_NONCANONICAL;
    RUN(b, load);
    expect_error(b, RF_GP, KERNEL(0), 0);
    ck_assert_uint_le(b->cpu->mmu.counts.walks, walks + 8); /* code, IDT, GDT, TSS, stack */
}

CASE(a_page_fault_comes_before_a_simd_exception, 0)
{
    b->cpu->fpu.mxcsr = 0x1f00; /* invalid operation unmasked */
    b->cpu->r[RF_RDI] = BARE_ABSENT + 0x10000000;
    RUN(b, convert);
    expect_error(b, RF_PF, KERNEL(0), 0);
}

/* An instruction that faults has no data breakpoint trap: it was not completed. */
CASE(a_faulting_access_is_no_breakpoint, 3)
{
    b->cpu->dr[0] = BARE_KERNEL_PAGE;
    b->cpu->dr[7] = 0x000f0402; /* G0, reads and writes of 4 bytes */
    rf_cpu_mode_changed(b->cpu);
    b->cpu->r[RF_RDI] = BARE_KERNEL_PAGE;
    RUN(b, user_load);
    expect_error(b, RF_PF, USER(0), RF_PF_P | RF_PF_U);
    ck_assert_uint_eq(b->cpu->dr[6] & 1, 0);
}

int main(void)
{
    const TTest *const all[] = {
        a_single_step_trap_comes_before_an_nmi, a_single_step_trap_comes_before_an_interrupt,
        an_nmi_comes_before_an_interrupt, an_interrupt_comes_before_the_next_breakpoint,
        a_trap_comes_before_the_next_breakpoint, a_breakpoint_comes_before_its_fetch_fault,
        a_breakpoint_comes_before_an_undefined_opcode,
        a_fetch_fault_comes_before_a_missing_endbranch,
        a_breakpoint_comes_before_a_missing_endbranch, an_instruction_too_long_is_gp_not_ud,
        an_invalid_opcode_comes_before_a_missing_coprocessor,
        an_invalid_opcode_comes_before_privilege, dr5_is_undefined_before_it_is_privileged_data,
        a_missing_coprocessor_comes_before_a_page_fault,
        a_pending_x87_exception_comes_before_a_page_fault, privilege_comes_before_a_page_fault,
        a_page_fault_comes_before_a_division_error,
        a_page_fault_comes_before_the_descriptors_faults,
        a_noncanonical_address_is_gp_without_a_walk, a_page_fault_comes_before_a_simd_exception,
        a_faulting_access_is_no_breakpoint,
    };
    Suite *suite = suite_create("priorities");
    TCase *cases = tcase_create("priorities");
    ADD_ALL(cases, all);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

/* Control-flow enforcement: shadow stacks, their tokens and pages, and indirect branch tracking. One
 * rule a case; SDM 1 means chapter 17 of volume 1. Far transfers and events are in
 * check_cet_transitions.c. */
#include "cet_case.h"
#include "lib/suite.h"

CODE(call_and_ret, "call 1f; vmcall; 1: ret");
CODE(call_next, "call 1f; 1: vmcall");
CODE(call_reg, "lea 1f(%rip), %rax; call *%rax; vmcall; 1: ret");
CODE(smash, "call 1f; vmcall; 1: lea 2f(%rip), %rax; mov %rax, (%rsp); ret; 2: vmcall");
CODE(user_smash, "call 1f; int $0x80; 1: movq $0x100000, (%rsp); ret");
CODE(user_call, "call 1f; int $0x80; 1: ret");
CODE(ret_imm, "push %rax; call 1f; vmcall; 1: ret $8");
CODE(ret_only, "ret");
CODE(pushes, "pushq $1; popq %rax; vmcall");
CODE(read_ssp, "mov $-1, %rax; rdsspq %rax; mov $-1, %rbx; rdsspd %ebx; vmcall");
CODE(user_read_ssp, "mov $-1, %rax; rdsspq %rax; int $0x80");
CODE(inc_ssp, "mov $3, %eax; incsspq %rax; vmcall");
CODE(inc_ssp_32, "mov $0x103, %eax; incsspd %eax; vmcall");
CODE(write_ss, "wrssq %rax, (%rdi); vmcall");
CODE(write_ss_32, "wrssd %eax, (%rdi); vmcall");
CODE(write_user_ss, "wrussq %rax, (%rdi); vmcall");
CODE(write_user_ss_32, "wrussd %eax, (%rdi); vmcall");
CODE(plain_store, "mov %rax, (%rdi); vmcall");
CODE(plain_load, "mov (%rdi), %rax; vmcall");
CODE(user_load, "mov (%rdi), %rax; int $0x80");
CODE(set_busy, "setssbsy; vmcall");
CODE(clear_busy, "clrssbsy (%rdi); vmcall");
CODE(restore, "rstorssp (%rdi); vmcall");
CODE(switch_stacks, "rstorssp (%rdi); saveprevssp; vmcall");
CODE(save_previous, "saveprevssp; vmcall");
CODE(user_write_user_ss, "wrussq %rax, (%rdi)");
CODE(user_set_busy, "setssbsy");
CODE(user_clear_busy, "clrssbsy (%rdi)");

/* --- what the model must have: SDM 1, 17.1.3; SDM 2A, CPUID --- */

CASE(cpuid_tells_of_both, 0)
{
    uint32_t out[4];
    rf_cpu_set_model(b->cpu, RF_CPU_MAX);
    rf_cpu_cpuid(b->cpu, 7, 0, out);
    ck_assert(out[2] >> 7 & 1 && out[3] >> 20 & 1);
    rf_cpu_set_model(b->cpu, RF_CPU_V3);
    rf_cpu_cpuid(b->cpu, 7, 0, out);
    ck_assert(!(out[2] >> 7 & 1) && !(out[3] >> 20 & 1));
}

CODE(write_cr4, "mov %rdi, %cr4; vmcall");
CODE(write_cr0, "mov %rdi, %cr0; vmcall");

CASE(cr4_cet_is_reserved_without_the_feature, 0)
{
    b->cpu->r[RF_RDI] = b->cpu->mmu.cr4 | RF_CR4_CET;
    RUN(b, write_cr4);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

/* SDM 3A, 2.5: CR4.CET needs CR0.WP */
CASE(cr4_cet_needs_wp, 0)
{
    rf_cpu_set_model(b->cpu, RF_CPU_MAX);
    rf_mmu_set_cr0(&b->cpu->mmu, b->cpu->mmu.cr0 & ~RF_CR0_WP);
    b->cpu->r[RF_RDI] = b->cpu->mmu.cr4 | RF_CR4_CET;
    RUN(b, write_cr4);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

CASE(wp_cannot_be_cleared_while_cet_is_on, 0)
{
    cet_on(b, 0, 0);
    b->cpu->r[RF_RDI] = b->cpu->mmu.cr0 & ~RF_CR0_WP;
    RUN(b, write_cr0);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

CASE(cr4_cet_can_be_set, 0)
{
    rf_cpu_set_model(b->cpu, RF_CPU_MAX);
    b->cpu->r[RF_RDI] = b->cpu->mmu.cr4 | RF_CR4_CET;
    RUN(b, write_cr4);
    ck_assert_int_eq(b->vector, -1);
    ck_assert(b->cpu->mmu.cr4 & RF_CR4_CET);
}

/* SDM 4, table 2-2 and SDM 1, 17.3.1 */
CASE(msrs_are_unknown_without_the_feature, 0)
{
    for (uint32_t msr = 0x6a0; msr <= 0x6a8; msr++)
        ck_assert(!rf_cpu_write_msr(b->cpu, msr, 0));
}

static const struct {
    uint32_t msr;
    uint64_t value;
    bool taken;
} values[] = {
    { 0x6a0, 0x3f, true }, { 0x6a0, 0x40, false }, { 0x6a0, 0x400, true }, { 0x6a0, 0x800, true },
    { 0x6a0, 0xc00, false }, { 0x6a0, BARE_NEVER_CANONICAL, false }, { 0x6a2, 0x7f, false },
    { 0x6a2, UINT64_C(0xffff800000000007), true }, { 0x6a4, 0x1004, true }, { 0x6a4, 0x1002, false },
    { 0x6a7, BARE_NONCANONICAL, true }, { 0x6a7, BARE_NEVER_CANONICAL, false },
    { 0x6a8, 0x1001, true }, { 0x6a8, BARE_NEVER_CANONICAL, false },
    { 0x6a1, 0, false }, { 0x6a3, 0, false },
};

START_TEST(msrs_take_what_they_may)
{
    struct bare b;
    uint64_t after = 1;
    bare_create(&b, 0);
    rf_cpu_set_model(b.cpu, RF_CPU_MAX);
    ck_assert_int_eq(rf_cpu_write_msr(b.cpu, values[_i].msr, values[_i].value), values[_i].taken);
    if (values[_i].taken)
        ck_assert(rf_cpu_read_msr(b.cpu, values[_i].msr, &after) && after == values[_i].value);
    bare_destroy(&b);
}
END_TEST

/* --- CALL and RET: SDM 1, 17.2.1; SDM 2A, CALL, 2B, RET --- */

CASE(call_pushes_on_both_stacks, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    RUN(b, call_and_ret);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->ssp, S_SSP);
    ck_assert_uint_eq(bare_read(b, S_SSP - 8), KERNEL(5));
    ck_assert_uint_eq(bare_read(b, BARE_KERNEL_STACK - 8), KERNEL(5));
}

CASE(an_indirect_call_pushes_too, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    RUN(b, call_reg);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(bare_read(b, S_SSP - 8), KERNEL(9));
}

/* SDM 2A, CALL: not for a call of the next instruction, by which code finds its place */
CASE(a_call_of_the_next_instruction_pushes_on_one, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    RUN(b, call_next);
    ck_assert_uint_eq(b->cpu->ssp, S_SSP);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_KERNEL_STACK - 8);
}

CASE(a_changed_return_address_is_cp_1, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    RUN(b, smash);
    expect_error(b, RF_CP, KERNEL(19), 1);
    ck_assert_uint_eq(b->frame.rsp, BARE_KERNEL_STACK - 8); /* RET has changed nothing */
}

CASE(so_it_is_at_cpl_3, 3)
{
    cet_on(b, CET_U_SHADOW, 0);
    RUN(b, user_smash);
    expect_error(b, RF_CP, USER(15), 1);
    ck_assert_uint_eq(b->cpu->pl_ssp[3], U_SSP - 8); /* SDM 3A, 6.12.1: saved by the event */
}

CASE(ret_with_parameters_releases_one_stack, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    RUN(b, ret_imm);
    ck_assert_uint_eq(b->cpu->ssp, S_SSP);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_KERNEL_STACK);
}

CASE(push_and_pop_leave_the_shadow_stack_alone, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    RUN(b, pushes);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->ssp, S_SSP);
}

CASE(off_means_off_at_that_level, 0)
{
    cet_on(b, 0, CET_U_SHADOW);
    RUN(b, smash);
    ck_assert_int_eq(b->vector, -1);
}

/* --- pages: SDM 3A, 4.6.1 and 4.7 --- */

CASE(a_call_onto_an_ordinary_page_is_pf, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    give_ist_stack(b, RF_PF);
    b->cpu->ssp = BARE_IST1 - 0x100;
    RUN(b, call_and_ret);
    expect_error(b, RF_PF, KERNEL(0), RF_PF_P | RF_PF_W | RF_PF_SS);
    ck_assert_uint_eq(b->cpu->cr2, BARE_IST1 - 0x108);
    ck_assert_uint_eq(b->frame.rsp, BARE_KERNEL_STACK);
}

CASE(a_ret_from_an_ordinary_page_is_pf, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    give_ist_stack(b, RF_PF);
    b->cpu->ssp = BARE_IST1 - 0x100;
    RUN(b, ret_only);
    expect_error(b, RF_PF, KERNEL(0), RF_PF_P | RF_PF_SS);
}

CASE(a_read_only_page_without_d_is_no_shadow_stack, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    give_ist_stack(b, RF_PF);
    *bare_pte(b, S_SSP - 8) &= ~RF_PTE_D;
    bare_flush(b);
    RUN(b, call_and_ret);
    expect_error(b, RF_PF, KERNEL(0), RF_PF_P | RF_PF_W | RF_PF_SS);
}

CASE(write_permission_above_the_leaf_is_needed, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    bare_write(b, BARE_PML4, bare_read(b, BARE_PML4) & ~RF_PTE_W);
    bare_flush(b);
    b->cpu->cr2 = 0;
    rf_cpu_mode_changed(b->cpu);
    struct rf_fault fault;
    ck_assert(!rf_mmu_shadow_write(&b->cpu->mmu, S_SSP - 8, 0, 8, false, &fault));
    ck_assert_uint_eq(fault.error_code, RF_PF_P | RF_PF_W | RF_PF_SS);
}

CASE(an_absent_page_is_pf_without_p, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    give_ist_stack(b, RF_PF);
    *bare_pte(b, S_SSP - 8) = 0;
    bare_flush(b);
    RUN(b, call_and_ret);
    expect_error(b, RF_PF, KERNEL(0), RF_PF_W | RF_PF_SS);
}

CASE(user_code_needs_a_user_page, 3)
{
    cet_on(b, CET_U_SHADOW, 0);
    b->cpu->ssp = S_SSP;
    RUN(b, user_call);
    expect_error(b, RF_PF, USER(0), RF_PF_P | RF_PF_W | RF_PF_U | RF_PF_SS);
}

CASE(the_supervisor_needs_a_supervisor_page, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    give_ist_stack(b, RF_PF);
    b->cpu->ssp = U_SSP;
    RUN(b, call_and_ret);
    expect_error(b, RF_PF, KERNEL(0), RF_PF_P | RF_PF_W | RF_PF_SS);
}

CASE(ordinary_stores_to_it_are_pf, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->r[RF_RDI] = S_SSP - 8;
    RUN(b, plain_store);
    expect_error(b, RF_PF, KERNEL(0), RF_PF_P | RF_PF_W);
}

CASE(ordinary_loads_of_it_are_allowed, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->r[RF_RDI] = S_SSP;
    RUN(b, plain_load);
    ck_assert_int_eq(b->vector, -1);
}

CASE(by_user_code_too, 3)
{
    cet_on(b, CET_U_SHADOW, 0);
    b->cpu->r[RF_RDI] = U_SSP;
    RUN(b, user_load);
    expect_vector(b, 0x80, USER(5));
}

/* SDM 3A, 4.6.2: protection keys bind shadow-stack accesses */
CASE(a_protection_key_refuses_a_push, 3)
{
    cet_on(b, CET_U_SHADOW, 0);
    bare_set_cr4(b, RF_CR4_PKE, 0);
    *bare_pte(b, U_SSP - 8) |= UINT64_C(1) << RF_PTE_PKEY_SHIFT;
    bare_flush(b);
    rf_mmu_set_pkru(&b->cpu->mmu, 2 << 2);
    RUN(b, user_call);
    expect_error(b, RF_PF, USER(0), RF_PF_P | RF_PF_W | RF_PF_U | RF_PF_SS | RF_PF_PK);
}

/* --- RDSSP and INCSSP: SDM 2A and 2B --- */

CASE(rdssp_reads_the_pointer, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->ssp = UINT64_C(0xffff800012345678);
    RUN(b, read_ssp);
    ck_assert_uint_eq(reg(b, RF_RAX), UINT64_C(0xffff800012345678));
    ck_assert_uint_eq(reg(b, RF_RBX), 0x12345678);
}

CASE(rdssp_is_a_nop_while_off, 0)
{
    cet_on(b, 0, 0);
    RUN(b, read_ssp);
    ck_assert_uint_eq(reg(b, RF_RAX), UINT64_MAX);
}

CASE(rdssp_is_a_nop_for_older_models, 3)
{
    RUN(b, user_read_ssp);
    expect_vector(b, 0x80, USER(14));
    ck_assert_uint_eq(reg(b, RF_RAX), UINT64_MAX);
}

CASE(incssp_skips_words, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->ssp = S_SSP - 24;
    RUN(b, inc_ssp);
    ck_assert_uint_eq(b->cpu->ssp, S_SSP);
}

/* SDM 2A, INCSSP: eight bits of the register count */
CASE(incsspd_skips_words_of_4_bytes, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->ssp = S_SSP - 24;
    RUN(b, inc_ssp_32);
    ck_assert_uint_eq(b->cpu->ssp, S_SSP - 12);
}

CASE(incssp_touches_the_last_word, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->ssp = S_SSP_PAGE_END - 16;
    RUN(b, inc_ssp);
    expect_error(b, RF_PF, KERNEL(5), RF_PF_P | RF_PF_SS);
    ck_assert_uint_eq(b->cpu->cr2, S_SSP_PAGE_END);
    ck_assert_uint_eq(b->cpu->ssp & ~UINT64_C(0xfff), S_SSP & ~UINT64_C(0xfff));
}

CASE(incssp_while_off_is_ud, 0)
{
    cet_on(b, 0, 0);
    RUN(b, inc_ssp);
    expect_vector(b, RF_UD, KERNEL(5));
}

/* --- WRSS and WRUSS: SDM 2D --- */

CASE(wrss_writes, 0)
{
    cet_on(b, CET_S_SHADOW | RF_CET_WR_SHSTK_EN, 0);
    b->cpu->r[RF_RDI] = S_SSP - 64;
    b->cpu->r[RF_RAX] = UINT64_C(0x123456789abcdef0);
    RUN(b, write_ss);
    ck_assert_uint_eq(bare_read(b, S_SSP - 64), UINT64_C(0x123456789abcdef0));
}

CASE(wrssd_writes_4_bytes, 0)
{
    cet_on(b, CET_S_SHADOW | RF_CET_WR_SHSTK_EN, 0);
    b->cpu->r[RF_RDI] = S_SSP - 60;
    b->cpu->r[RF_RAX] = UINT64_MAX;
    RUN(b, write_ss_32);
    ck_assert_uint_eq(bare_read(b, S_SSP - 64), UINT64_C(0xffffffff00000000));
}

CASE(wrss_needs_its_enable, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->r[RF_RDI] = S_SSP - 64;
    RUN(b, write_ss);
    expect_vector(b, RF_UD, KERNEL(0));
}

CASE(wrss_to_a_misaligned_address_is_gp, 0)
{
    cet_on(b, CET_S_SHADOW | RF_CET_WR_SHSTK_EN, 0);
    b->cpu->r[RF_RDI] = S_SSP - 60;
    RUN(b, write_ss);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

CASE(wrss_to_an_ordinary_page_is_pf, 0)
{
    cet_on(b, CET_S_SHADOW | RF_CET_WR_SHSTK_EN, 0);
    b->cpu->r[RF_RDI] = BARE_IST1 - 64;
    RUN(b, write_ss);
    expect_error(b, RF_PF, KERNEL(0), RF_PF_P | RF_PF_W | RF_PF_SS);
}

CASE(wruss_writes_for_the_user, 0)
{
    cet_on(b, 0, 0);
    b->cpu->r[RF_RDI] = U_SSP - 64;
    b->cpu->r[RF_RAX] = 77;
    RUN(b, write_user_ss);
    ck_assert_uint_eq(bare_read(b, U_SSP - 64), 77);
}

CASE(wrussd_writes_4_bytes, 0)
{
    cet_on(b, 0, 0);
    b->cpu->r[RF_RDI] = U_SSP - 60;
    b->cpu->r[RF_RAX] = UINT64_MAX;
    RUN(b, write_user_ss_32);
    ck_assert_uint_eq(bare_read(b, U_SSP - 64), UINT64_C(0xffffffff00000000));
}

CASE(wruss_to_a_supervisor_page_is_a_user_fault, 0)
{
    cet_on(b, 0, 0);
    b->cpu->r[RF_RDI] = S_SSP - 64;
    RUN(b, write_user_ss);
    expect_error(b, RF_PF, KERNEL(0), RF_PF_P | RF_PF_W | RF_PF_U | RF_PF_SS);
}

CASE(wruss_is_for_cpl_0, 3)
{
    cet_on(b, CET_U_SHADOW, 0);
    b->cpu->r[RF_RDI] = U_SSP - 64;
    RUN(b, user_write_user_ss);
    expect_error(b, RF_GP, USER(0), 0);
}

CASE(wruss_without_cr4_cet_is_ud, 0)
{
    rf_cpu_set_model(b->cpu, RF_CPU_MAX);
    RUN(b, write_user_ss);
    expect_vector(b, RF_UD, KERNEL(0));
}

/* --- tokens: SDM 1, 17.2.3; SDM 2B, SETSSBSY, RSTORSSP, SAVEPREVSSP; 2A, CLRSSBSY --- */

CASE(setssbsy_takes_the_token_of_level_0, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->pl_ssp[0] = S_SSP - 64;
    bare_write(b, S_SSP - 64, S_SSP - 64);
    RUN(b, set_busy);
    ck_assert_uint_eq(b->cpu->ssp, S_SSP - 64);
    ck_assert_uint_eq(bare_read(b, S_SSP - 64), (S_SSP - 64) | 1);
}

CASE(setssbsy_of_a_busy_token_is_cp_5, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->pl_ssp[0] = S_SSP - 64;
    bare_write(b, S_SSP - 64, (S_SSP - 64) | 1);
    RUN(b, set_busy);
    expect_error(b, RF_CP, KERNEL(0), 5);
}

CASE(setssbsy_of_a_misaligned_pointer_is_gp, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->pl_ssp[0] = S_SSP - 60;
    RUN(b, set_busy);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

CASE(setssbsy_is_for_cpl_0, 3)
{
    cet_on(b, CET_S_SHADOW, CET_U_SHADOW);
    give_level0_stack(b);
    RUN(b, user_set_busy);
    expect_error(b, RF_GP, USER(0), 0);
}

CASE(clrssbsy_frees_a_token, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->r[RF_RDI] = S_SSP - 64;
    bare_write(b, S_SSP - 64, (S_SSP - 64) | 1);
    RUN(b, clear_busy);
    ck_assert_uint_eq(bare_read(b, S_SSP - 64), S_SSP - 64);
    ck_assert_uint_eq(b->cpu->ssp, 0);
    ck_assert(!(rf_cpu_flags(b->cpu) & RF_FLAG_CF));
}

CASE(clrssbsy_of_no_busy_token_sets_cf, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->r[RF_RDI] = S_SSP - 64;
    bare_write(b, S_SSP - 64, 5);
    RUN(b, clear_busy);
    ck_assert_uint_eq(bare_read(b, S_SSP - 64), 5);
    ck_assert(rf_cpu_flags(b->cpu) & RF_FLAG_CF);
}

CASE(clrssbsy_is_for_cpl_0, 3)
{
    cet_on(b, CET_S_SHADOW, CET_U_SHADOW);
    give_level0_stack(b);
    RUN(b, user_clear_busy);
    expect_error(b, RF_GP, USER(0), 0);
}

/* A token of 64-bit code names the address behind it. */
static void put_restore_token(struct bare *b, uint64_t at, uint64_t token)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->r[RF_RDI] = at;
    bare_write(b, at, token);
}

CASE(rstorssp_goes_to_the_token, 0)
{
    put_restore_token(b, S_SSP - 128, (S_SSP - 120) | 1);
    RUN(b, restore);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->ssp, S_SSP - 128);
    ck_assert_uint_eq(bare_read(b, S_SSP - 128), S_SSP | 3); /* the previous-ssp token */
    ck_assert(!(rf_cpu_flags(b->cpu) & RF_FLAG_CF));
}

CASE(rstorssp_of_another_address_is_cp_4, 0)
{
    put_restore_token(b, S_SSP - 128, (S_SSP - 112) | 1);
    RUN(b, restore);
    expect_error(b, RF_CP, KERNEL(0), 4);
    ck_assert_uint_eq(bare_read(b, S_SSP - 128), (S_SSP - 112) | 1);
}

CASE(rstorssp_of_another_mode_is_cp_4, 0)
{
    put_restore_token(b, S_SSP - 128, S_SSP - 120);
    RUN(b, restore);
    expect_error(b, RF_CP, KERNEL(0), 4);
}

CASE(rstorssp_of_a_misaligned_address_is_gp, 0)
{
    put_restore_token(b, S_SSP - 128, 0);
    b->cpu->r[RF_RDI] = S_SSP - 124;
    RUN(b, restore);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

/* SDM 2B, RSTORSSP: CF tells of a token for an address that is a multiple of 4 only */
CASE(rstorssp_tells_of_a_hole, 0)
{
    put_restore_token(b, S_SSP - 128, (S_SSP - 116) | 1);
    RUN(b, restore);
    ck_assert_int_eq(b->vector, -1);
    ck_assert(rf_cpu_flags(b->cpu) & RF_FLAG_CF);
}

CASE(saveprevssp_leaves_a_token_on_the_old_stack, 0)
{
    put_restore_token(b, S_SSP - 128, (S_SSP - 120) | 1);
    RUN(b, switch_stacks);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->ssp, S_SSP - 120);
    ck_assert_uint_eq(bare_read(b, S_SSP - 8), S_SSP | 1);
}

CASE(saveprevssp_without_a_previous_token_is_gp, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    bare_write(b, S_SSP, S_SSP | 1);
    RUN(b, save_previous);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

/* --- tracking: SDM 1, 17.3 --- */

CODE(jump_to_endbranch, "lea 1f(%rip), %rax; jmp *%rax; 1: endbr64; vmcall");
CODE(jump_elsewhere, "lea 1f(%rip), %rax; jmp *%rax; 1: vmcall");
CODE(jump_to_endbr32, "lea 1f(%rip), %rax; jmp *%rax; 1: endbr32; vmcall");
CODE(call_elsewhere, "lea 1f(%rip), %rax; call *%rax; 1: vmcall");
CODE(jump_mem_elsewhere, "lea 1f(%rip), %rax; push %rax; jmp *(%rsp); 1: vmcall");
CODE(notrack_jump, "lea 1f(%rip), %rax; notrack jmp *%rax; 1: vmcall");
CODE(direct_jump, "jmp 1f; 1: vmcall");
CODE(ret_elsewhere, "lea 1f(%rip), %rax; push %rax; ret; 1: vmcall");
CODE(jump_to_int3, "lea 1f(%rip), %rax; jmp *%rax; 1: int3");
CODE(jump_to_ud, "lea 1f(%rip), %rax; jmp *%rax; 1: ud2");
CODE(plain_endbranch, "endbr64; vmcall");
CODE(user_jump_elsewhere, "lea 1f(%rip), %rax; jmp *%rax; 1: int $0x80");

CASE(an_indirect_jump_to_endbr64_is_fine, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    RUN(b, jump_to_endbranch);
    ck_assert_int_eq(b->vector, -1);
    ck_assert(!(b->cpu->s_cet & RF_CET_TRACKER));
}

CASE(an_indirect_jump_elsewhere_is_cp_3, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    RUN(b, jump_elsewhere);
    expect_error(b, RF_CP, KERNEL(9), 3); /* at the target */
}

CASE(through_memory_too, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    RUN(b, jump_mem_elsewhere);
    expect_error(b, RF_CP, KERNEL(11), 3);
}

CASE(an_indirect_call_elsewhere_is_cp_3, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    RUN(b, call_elsewhere);
    expect_error(b, RF_CP, KERNEL(9), 3);
    ck_assert_uint_eq(b->frame.rsp, BARE_KERNEL_STACK - 8); /* the call is done */
}

CASE(endbr32_is_none_in_64_bit_mode, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    RUN(b, jump_to_endbr32);
    expect_error(b, RF_CP, KERNEL(9), 3);
}

CASE(direct_jumps_are_not_tracked, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    RUN(b, direct_jump);
    ck_assert_int_eq(b->vector, -1);
}

CASE(returns_are_not_tracked, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    RUN(b, ret_elsewhere);
    ck_assert_int_eq(b->vector, -1);
}

CASE(notrack_counts_if_it_is_enabled, 0)
{
    cet_on(b, CET_S_TRACK | RF_CET_NO_TRACK_EN, 0);
    RUN(b, notrack_jump);
    ck_assert_int_eq(b->vector, -1);
}

CASE(and_does_not_else, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    RUN(b, notrack_jump);
    expect_error(b, RF_CP, KERNEL(10), 3);
}

CASE(a_breakpoint_in_its_place_is_bp, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    RUN(b, jump_to_int3);
    ck_assert_int_eq(b->vector, RF_BP);
}

/* SDM 3A, table 6-2: before what decoding finds */
CASE(cp_comes_before_ud, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    RUN(b, jump_to_ud);
    expect_error(b, RF_CP, KERNEL(9), 3);
}

CASE(endbranch_is_a_nop_else, 0)
{
    RUN(b, plain_endbranch);
    ck_assert_int_eq(b->vector, -1);
}

CASE(suppression_stops_it, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    b->cpu->s_cet |= RF_CET_SUPPRESS;
    RUN(b, jump_elsewhere);
    ck_assert_int_eq(b->vector, -1);
}

CASE(endbranch_ends_the_suppression, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    b->cpu->s_cet |= RF_CET_SUPPRESS;
    RUN(b, plain_endbranch);
    ck_assert(!(b->cpu->s_cet & RF_CET_SUPPRESS));
}

CASE(each_level_has_its_own_tracker, 3)
{
    cet_on(b, 0, CET_U_TRACK);
    RUN(b, user_jump_elsewhere);
    expect_error(b, RF_CP, USER(9), 3);
    ck_assert(b->cpu->u_cet & RF_CET_TRACKER); /* as the interrupted code left it */
    ck_assert(!(b->cpu->s_cet & RF_CET_TRACKER));
}

/* SDM 1, 17.3.6: the bitmap of pages with old code */
CASE(an_old_page_is_let_in_and_suppresses, 0)
{
    cet_on(b, CET_S_TRACK | RF_CET_LEG_IW_EN | BARE_USER_DATA, 0);
    bare_put(b, BARE_USER_DATA + (BARE_KERNEL_TEXT >> 15), "\xff", 1);
    RUN(b, jump_elsewhere);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->s_cet & (RF_CET_SUPPRESS | RF_CET_TRACKER), RF_CET_SUPPRESS);
}

CASE(without_suppression_if_so_asked, 0)
{
    cet_on(b, CET_S_TRACK | RF_CET_LEG_IW_EN | RF_CET_SUPPRESS_DIS | BARE_USER_DATA, 0);
    bare_put(b, BARE_USER_DATA + (BARE_KERNEL_TEXT >> 15), "\xff", 1);
    RUN(b, jump_elsewhere);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->s_cet & (RF_CET_SUPPRESS | RF_CET_TRACKER), 0);
}

CASE(a_page_that_is_not_in_the_bitmap_is_cp_3, 0)
{
    cet_on(b, CET_S_TRACK | RF_CET_LEG_IW_EN | BARE_USER_DATA, 0);
    RUN(b, jump_elsewhere);
    expect_error(b, RF_CP, KERNEL(9), 3);
}

CASE(a_bitmap_that_is_absent_is_pf, 0)
{
    cet_on(b, CET_S_TRACK | RF_CET_LEG_IW_EN | 0x40000000, 0);
    RUN(b, jump_elsewhere);
    expect_error(b, RF_PF, KERNEL(9), 0);
    ck_assert_uint_eq(b->cpu->cr2, 0x40000000 + (BARE_KERNEL_TEXT >> 15));
}

int main(void)
{
    const TTest *const all[] = {
        cpuid_tells_of_both, cr4_cet_is_reserved_without_the_feature, cr4_cet_needs_wp,
        wp_cannot_be_cleared_while_cet_is_on, cr4_cet_can_be_set,
        msrs_are_unknown_without_the_feature, call_pushes_on_both_stacks,
        an_indirect_call_pushes_too, a_call_of_the_next_instruction_pushes_on_one,
        a_changed_return_address_is_cp_1, so_it_is_at_cpl_3, ret_with_parameters_releases_one_stack,
        push_and_pop_leave_the_shadow_stack_alone, off_means_off_at_that_level,
        a_call_onto_an_ordinary_page_is_pf, a_ret_from_an_ordinary_page_is_pf,
        a_read_only_page_without_d_is_no_shadow_stack, write_permission_above_the_leaf_is_needed,
        an_absent_page_is_pf_without_p, user_code_needs_a_user_page,
        the_supervisor_needs_a_supervisor_page, ordinary_stores_to_it_are_pf,
        ordinary_loads_of_it_are_allowed, by_user_code_too, a_protection_key_refuses_a_push,
        rdssp_reads_the_pointer, rdssp_is_a_nop_while_off, rdssp_is_a_nop_for_older_models,
        incssp_skips_words, incsspd_skips_words_of_4_bytes, incssp_touches_the_last_word,
        incssp_while_off_is_ud, wrss_writes, wrssd_writes_4_bytes, wrss_needs_its_enable,
        wrss_to_a_misaligned_address_is_gp, wrss_to_an_ordinary_page_is_pf,
        wruss_writes_for_the_user, wrussd_writes_4_bytes, wruss_to_a_supervisor_page_is_a_user_fault, wruss_is_for_cpl_0,
        wruss_without_cr4_cet_is_ud, setssbsy_takes_the_token_of_level_0,
        setssbsy_of_a_busy_token_is_cp_5, setssbsy_of_a_misaligned_pointer_is_gp,
        setssbsy_is_for_cpl_0, clrssbsy_frees_a_token, clrssbsy_of_no_busy_token_sets_cf,
        clrssbsy_is_for_cpl_0, rstorssp_goes_to_the_token, rstorssp_of_another_address_is_cp_4,
        rstorssp_of_another_mode_is_cp_4, rstorssp_of_a_misaligned_address_is_gp,
        rstorssp_tells_of_a_hole, saveprevssp_leaves_a_token_on_the_old_stack,
        saveprevssp_without_a_previous_token_is_gp, an_indirect_jump_to_endbr64_is_fine,
        an_indirect_jump_elsewhere_is_cp_3, through_memory_too, an_indirect_call_elsewhere_is_cp_3,
        endbr32_is_none_in_64_bit_mode, direct_jumps_are_not_tracked, returns_are_not_tracked,
        notrack_counts_if_it_is_enabled, and_does_not_else, a_breakpoint_in_its_place_is_bp,
        cp_comes_before_ud, endbranch_is_a_nop_else, suppression_stops_it,
        endbranch_ends_the_suppression, each_level_has_its_own_tracker,
        an_old_page_is_let_in_and_suppresses, without_suppression_if_so_asked,
        a_page_that_is_not_in_the_bitmap_is_cp_3, a_bitmap_that_is_absent_is_pf,
    };
    Suite *suite = suite_create("cet");
    TCase *cases = tcase_create("cet");
    ADD_ALL(cases, all);
    tcase_add_loop_test(cases, msrs_take_what_they_may, 0, (int)RF_ARRAY_SIZE(values));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

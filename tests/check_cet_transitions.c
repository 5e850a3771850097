/* Control-flow enforcement in events, IRET, far transfers, SYSCALL and SYSRET, one rule a case (SDM
 * 1, 17.2.2 to 17.2.5; 3A, 6.12.1; the pseudo-code of the instructions in SDM 2). */
#include "cet_case.h"
#include "lib/suite.h"

CODE(user_int, "int $0x80");
CODE(kernel_int, "int $0x80");
CODE(user_syscall, "syscall");
CODE(sysret, "sysretq");
CODE(iret, "iretq");
CODE(retf, "lretq");
CODE(far_call, "lcall *(%rdi)");
CODE(far_jump, "ljmp *(%rdi)");
CODE(int_and_back, "int $0x81; vmcall");

/* --- events: SDM 3A, 6.12.1 --- */

CASE(an_event_at_cpl_3_saves_ssp_and_takes_level_0s, 3)
{
    cet_on(b, CET_S_SHADOW, CET_U_SHADOW);
    give_level0_stack(b);
    RUN(b, user_int);
    expect_vector(b, 0x80, USER(2));
    ck_assert_uint_eq(b->cpu->pl_ssp[3], U_SSP);
    ck_assert_uint_eq(b->cpu->ssp, S_LEVEL0);                 /* no frame of a user's */
    ck_assert_uint_eq(bare_read(b, S_LEVEL0), S_LEVEL0 | 1); /* the token is busy */
}

CASE(a_busy_token_is_gp, 3)
{
    cet_on(b, CET_S_SHADOW, CET_U_SHADOW);
    give_level0_stack(b);
    bare_write(b, S_LEVEL0, S_LEVEL0 | 1);
    give_ist_stack(b, RF_GP);
    RUN(b, user_int);
    expect_error(b, RF_GP, USER(0), 0);
}

CASE(a_misaligned_level_0_pointer_is_gp, 3)
{
    cet_on(b, CET_S_SHADOW, CET_U_SHADOW);
    b->cpu->pl_ssp[0] = S_LEVEL0 + 4;
    give_ist_stack(b, RF_GP);
    RUN(b, user_int);
    expect_error(b, RF_GP, USER(0), 0);
}

CASE(a_token_on_an_ordinary_page_is_pf, 3)
{
    cet_on(b, CET_S_SHADOW, CET_U_SHADOW);
    b->cpu->pl_ssp[0] = BARE_IST1 - 0x100;
    give_ist_stack(b, RF_PF);
    RUN(b, user_int);
    expect_error(b, RF_PF, USER(0), RF_PF_P | RF_PF_SS);
}

CASE(an_event_at_cpl_0_pushes_cs_lip_and_ssp, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    RUN(b, kernel_int);
    expect_vector(b, 0x80, KERNEL(2));
    ck_assert_uint_eq(b->cpu->ssp, S_SSP - 24);
    ck_assert_uint_eq(bare_read(b, S_SSP - 8), KERNEL_CODE);
    ck_assert_uint_eq(bare_read(b, S_SSP - 16), KERNEL(2));
    ck_assert_uint_eq(bare_read(b, S_SSP - 24), S_SSP);
}

CASE(a_frame_is_aligned_with_zeroes, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->ssp = S_SSP - 4;
    bare_write(b, S_SSP - 8, UINT64_MAX);
    RUN(b, kernel_int);
    ck_assert_uint_eq(b->cpu->ssp, S_SSP - 32);
    ck_assert_uint_eq(bare_read(b, S_SSP - 8), UINT64_C(0xffffffff00000000));
    ck_assert_uint_eq(bare_read(b, S_SSP - 32), S_SSP - 4);
}

CASE(ist_takes_its_shadow_stack_from_the_table, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    give_ist_stack(b, 0x80);
    RUN(b, kernel_int);
    ck_assert_uint_eq(b->cpu->ssp, S_IST1 - 24);
    ck_assert_uint_eq(bare_read(b, S_IST1), S_IST1 | 1);
    ck_assert_uint_eq(bare_read(b, S_IST1 - 24), S_SSP);
}

CASE(an_event_without_shadow_stacks_at_level_0_saves_only, 3)
{
    cet_on(b, 0, CET_U_SHADOW);
    RUN(b, user_int);
    ck_assert_uint_eq(b->cpu->pl_ssp[3], U_SSP);
}

/* SDM 1, 17.3.4: an event ends a suppression, and its handler must begin with ENDBRANCH */
CASE(a_handler_must_begin_with_endbranch, 3)
{
    cet_on(b, CET_S_TRACK, RF_CET_NO_TRACK_EN);
    b->cpu->s_cet |= RF_CET_SUPPRESS;
    bare_put(b, BARE_HANDLERS + 0x80 * 16, "\x90\x0f\x01\xc1", 4);
    RUN(b, user_int);
    expect_error(b, RF_CP, BARE_HANDLERS + 0x80 * 16, 3);
    ck_assert_uint_eq(b->frame.cs, KERNEL_CODE);
}

/* --- IRET: SDM 2A --- */

static void build_return(struct bare *b, uint64_t rip, uint64_t cs, uint64_t rsp, uint64_t ss)
{
    const uint64_t frame[5] = { rip, cs, 0x202, rsp, ss };
    b->cpu->r[RF_RSP] = BARE_KERNEL_STACK - sizeof frame;
    bare_put(b, BARE_KERNEL_STACK - sizeof frame, frame, sizeof frame);
}

/* To CPL 0, past a shadow frame with these words. */
static void build_same_level(struct bare *b, uint64_t cs, uint64_t lip, uint64_t ssp)
{
    const uint64_t shadow[3] = { ssp, lip, cs };
    cet_on(b, CET_S_SHADOW, 0);
    build_return(b, KERNEL(64), KERNEL_CODE, BARE_KERNEL_STACK, KERNEL_DATA);
    bare_put(b, KERNEL(64), "\x0f\x01\xc1", 3);
    bare_put(b, S_SSP - 24, shadow, sizeof shadow);
    b->cpu->ssp = S_SSP - 24;
}

CASE(iret_pops_the_frame_of_its_event, 0)
{
    static const uint8_t iretq[] = { 0x48, 0xcf };
    cet_on(b, CET_S_SHADOW, 0);
    bare_put(b, BARE_HANDLERS + 0x81 * 16, iretq, sizeof iretq);
    RUN(b, int_and_back);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(reg(b, RF_REG_IP), KERNEL(5));
    ck_assert_uint_eq(b->cpu->ssp, S_SSP);
}

CASE(iret_loads_the_ssp_of_the_frame, 0)
{
    build_same_level(b, KERNEL_CODE, KERNEL(64), S_SSP - 0x40);
    RUN(b, iret);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->ssp, S_SSP - 0x40);
}

CASE(iret_elsewhere_is_cp_2, 0)
{
    build_same_level(b, KERNEL_CODE, KERNEL(65), S_SSP);
    RUN(b, iret);
    expect_error(b, RF_CP, KERNEL(0), 2);
}

CASE(iret_to_another_cs_is_cp_2, 0)
{
    build_same_level(b, CONFORMING_CODE, KERNEL(64), S_SSP);
    RUN(b, iret);
    expect_error(b, RF_CP, KERNEL(0), 2);
}

CASE(a_cs_with_upper_bits_is_cp_2, 0)
{
    build_same_level(b, KERNEL_CODE | UINT64_C(1) << 32, KERNEL(64), S_SSP);
    RUN(b, iret);
    expect_error(b, RF_CP, KERNEL(0), 2);
}

CASE(a_misaligned_ssp_in_the_frame_is_cp_2, 0)
{
    build_same_level(b, KERNEL_CODE, KERNEL(64), S_SSP + 2);
    RUN(b, iret);
    expect_error(b, RF_CP, KERNEL(0), 2);
}

CASE(a_misaligned_ssp_is_cp_2, 0)
{
    build_same_level(b, KERNEL_CODE, KERNEL(64), S_SSP);
    b->cpu->ssp += 4;
    give_ist_stack(b, RF_CP);
    RUN(b, iret);
    expect_error(b, RF_CP, KERNEL(0), 2);
}

CASE(a_noncanonical_ssp_in_the_frame_is_gp, 0)
{
    build_same_level(b, KERNEL_CODE, KERNEL(64), BARE_NONCANONICAL);
    RUN(b, iret);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

CASE(iret_to_cpl_3_loads_pl3_ssp_and_frees_the_token, 0)
{
    cet_on(b, CET_S_SHADOW, CET_U_SHADOW);
    give_level0_stack(b);
    bare_write(b, S_LEVEL0, S_LEVEL0 | 1);
    b->cpu->ssp = S_LEVEL0;
    b->cpu->pl_ssp[3] = U_SSP;
    build_return(b, BARE_USER_TEXT, USER_CODE, BARE_USER_STACK, USER_DATA);
    bare_put(b, BARE_USER_TEXT, "\xf3\x48\x0f\x1e\xc8\xcd\x80", 7); /* rdsspq rax; int 0x80 */
    RUN(b, iret);
    expect_vector(b, 0x80, USER(7));
    ck_assert_uint_eq(reg(b, RF_RAX), U_SSP);
    ck_assert_uint_eq(bare_read(b, S_LEVEL0), S_LEVEL0 | 1); /* freed, and taken by INT */
}

CASE(without_a_token_there_iret_frees_nothing, 0)
{
    cet_on(b, CET_S_SHADOW, CET_U_SHADOW);
    b->cpu->ssp = S_SSP;
    bare_write(b, S_SSP, 0x1234);
    b->cpu->pl_ssp[3] = U_SSP;
    build_return(b, BARE_USER_TEXT, USER_CODE, BARE_USER_STACK, USER_DATA);
    give_level0_stack(b);
    bare_put(b, BARE_USER_TEXT, "\xcd\x80", 2);
    RUN(b, iret);
    expect_vector(b, 0x80, USER(2));
    ck_assert_uint_eq(bare_read(b, S_SSP), 0x1234);
}

CASE(an_ssp_of_64_bits_is_none_for_32_bit_code, 0)
{
    cet_on(b, 0, CET_U_SHADOW);
    b->cpu->pl_ssp[3] = UINT64_C(0x100000000);
    build_return(b, BARE_USER_TEXT, USER_CODE32, BARE_USER_STACK, USER_DATA);
    RUN(b, iret);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

/* --- far CALL, JMP and RET: SDM 2A and 2B --- */

static void far_pointer(struct bare *b, uint16_t selector, uint32_t offset)
{
    bare_write(b, BARE_USER_DATA, offset | (uint64_t)selector << 32);
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    bare_put(b, KERNEL(64), "\xf3\x0f\x1e\xfa\x0f\x01\xc1", 7);
}

CASE(a_far_call_pushes_a_frame, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    far_pointer(b, CONFORMING_CODE, KERNEL(64));
    RUN(b, far_call);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->ssp, S_SSP - 24);
    ck_assert_uint_eq(bare_read(b, S_SSP - 8), KERNEL_CODE);
    ck_assert_uint_eq(bare_read(b, S_SSP - 16), KERNEL(2));
    ck_assert_uint_eq(bare_read(b, S_SSP - 24), S_SSP);
}

CASE(a_far_ret_elsewhere_is_cp_2, 0)
{
    const uint64_t frame[2] = { KERNEL(64), KERNEL_CODE }, shadow[3] = { S_SSP, KERNEL(63), KERNEL_CODE };
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->r[RF_RSP] = BARE_KERNEL_STACK - sizeof frame;
    bare_put(b, BARE_KERNEL_STACK - sizeof frame, frame, sizeof frame);
    bare_put(b, S_SSP - 24, shadow, sizeof shadow);
    b->cpu->ssp = S_SSP - 24;
    RUN(b, retf);
    expect_error(b, RF_CP, KERNEL(0), 2);
}

CASE(far_jumps_and_calls_are_tracked, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    far_pointer(b, CONFORMING_CODE, KERNEL(68)); /* past the ENDBR64 */
    RUN(b, far_jump);
    expect_error(b, RF_CP, KERNEL(68), 3);
}

CASE(a_far_jump_to_endbr64_is_fine, 0)
{
    cet_on(b, CET_S_TRACK, 0);
    far_pointer(b, CONFORMING_CODE, KERNEL(64));
    RUN(b, far_jump);
    ck_assert_int_eq(b->vector, -1);
}

/* SDM 2A, JMP: an SSP of more than 32 bits is none outside 64-bit mode */
CASE(a_far_jump_to_32_bit_code_needs_a_low_ssp, 0)
{
    cet_on(b, CET_S_SHADOW, 0);
    b->cpu->ssp = UINT64_C(0x100000000);
    give_ist_stack(b, RF_GP);
    far_pointer(b, KERNEL_CODE32, KERNEL(64));
    RUN(b, far_jump);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

/* --- SYSCALL and SYSRET: SDM 2B --- */

CASE(syscall_saves_ssp_and_clears_it, 3)
{
    cet_on(b, CET_S_SHADOW, CET_U_SHADOW);
    RUN(b, user_syscall);
    ck_assert_uint_eq(b->cpu->pl_ssp[3], U_SSP);
    ck_assert_uint_eq(b->cpu->ssp, 0);
}

CASE(syscall_must_come_to_endbranch, 3)
{
    cet_on(b, CET_S_TRACK, RF_CET_NO_TRACK_EN);
    RUN(b, user_syscall); /* LSTAR has VMCALL */
    expect_error(b, RF_CP, BARE_SYSCALL, 3);
}

CASE(sysret_loads_pl3_ssp, 0)
{
    cet_on(b, CET_S_SHADOW, CET_U_SHADOW);
    give_level0_stack(b);
    b->cpu->pl_ssp[3] = U_SSP;
    b->cpu->r[RF_RCX] = BARE_USER_TEXT;
    b->cpu->r[RF_R11] = 0x202;
    bare_put(b, BARE_USER_TEXT, "\xf3\x48\x0f\x1e\xc8\xcd\x80", 7);
    RUN(b, sysret);
    expect_vector(b, 0x80, USER(7));
    ck_assert_uint_eq(reg(b, RF_RAX), U_SSP);
}

int main(void)
{
    const TTest *const all[] = {
        an_event_at_cpl_3_saves_ssp_and_takes_level_0s, a_busy_token_is_gp,
        a_misaligned_level_0_pointer_is_gp, a_token_on_an_ordinary_page_is_pf,
        an_event_at_cpl_0_pushes_cs_lip_and_ssp, a_frame_is_aligned_with_zeroes,
        ist_takes_its_shadow_stack_from_the_table,
        an_event_without_shadow_stacks_at_level_0_saves_only, a_handler_must_begin_with_endbranch,
        iret_pops_the_frame_of_its_event, iret_loads_the_ssp_of_the_frame, iret_elsewhere_is_cp_2,
        iret_to_another_cs_is_cp_2, a_cs_with_upper_bits_is_cp_2,
        a_misaligned_ssp_in_the_frame_is_cp_2, a_misaligned_ssp_is_cp_2,
        a_noncanonical_ssp_in_the_frame_is_gp, iret_to_cpl_3_loads_pl3_ssp_and_frees_the_token,
        without_a_token_there_iret_frees_nothing, an_ssp_of_64_bits_is_none_for_32_bit_code,
        a_far_call_pushes_a_frame, a_far_ret_elsewhere_is_cp_2, far_jumps_and_calls_are_tracked,
        a_far_jump_to_endbr64_is_fine, a_far_jump_to_32_bit_code_needs_a_low_ssp,
        syscall_saves_ssp_and_clears_it, syscall_must_come_to_endbranch, sysret_loads_pl3_ssp,
    };
    Suite *suite = suite_create("cet_transitions");
    TCase *cases = tcase_create("cet_transitions");
    ADD_ALL(cases, all);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

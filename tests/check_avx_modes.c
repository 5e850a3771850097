/* VEX-encoded instructions on a bare machine: when the processor's state refuses them, the
 * registers of 32-bit code, addresses of gathers, and a gather that goes on after a page fault. */
#include "bare_case.h"
#include "lib/suite.h"

CODE(vpaddb, "nop; vpaddb %ymm1, %ymm2, %ymm3; vmcall");
CODE(vzeroupper, "nop; vzeroupper; vmcall");
CODE(sse, "nop; paddb %xmm1, %xmm2; vmcall");

/* Every XMM and YMM half filled; CR4.OSXSAVE and all of XCR0 set. */
static void enable_avx(struct bare *b)
{
    memset(b->cpu->fpu.v, 0x21, sizeof b->cpu->fpu.v);
    b->cpu->xcr0 = RF_XCR0_X87 | RF_XCR0_SSE | RF_XCR0_AVX;
    bare_set_cr4(b, RF_CR4_OSXSAVE, 0);
}

static void set_task_switched(struct bare *b)
{
    rf_mmu_set_cr0(&b->cpu->mmu, b->cpu->mmu.cr0 | RF_CR0_TS);
    rf_cpu_mode_changed(b->cpu);
}

static void expect_sum(const struct bare *b)
{
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_int_eq(b->vector, -1);
    for (unsigned i = 0; i < 32; i++)
        ck_assert_uint_eq(b->cpu->fpu.v[3].u8[i], 0x42);
}

/* --- SDM 3A, 13.1, and SDM 2A, 2.4: which exception comes --- */

CASE(avx_runs_when_enabled, 0)
{
    enable_avx(b);
    RUN(b, vpaddb);
    expect_sum(b);
}

CASE(without_osxsave_avx_is_ud, 3)
{
    enable_avx(b);
    bare_set_cr4(b, 0, RF_CR4_OSXSAVE);
    RUN(b, vpaddb);
    expect_vector(b, RF_UD, USER(1));
}

CASE(without_ymm_state_avx_is_ud, 3)
{
    enable_avx(b);
    b->cpu->xcr0 = RF_XCR0_X87 | RF_XCR0_SSE;
    RUN(b, vpaddb);
    expect_vector(b, RF_UD, USER(1));
    ck_assert_uint_eq(b->cpu->fpu.v[3].u8[0], 0x21);
}

CASE(without_ymm_state_vzeroupper_is_ud, 3)
{
    enable_avx(b);
    b->cpu->xcr0 = RF_XCR0_X87 | RF_XCR0_SSE;
    RUN(b, vzeroupper);
    expect_vector(b, RF_UD, USER(1));
}

CASE(with_task_switched_avx_is_nm, 3)
{
    enable_avx(b);
    set_task_switched(b);
    RUN(b, vpaddb);
    expect_vector(b, RF_NM, USER(1));
    RUN(b, vzeroupper);
    expect_vector(b, RF_NM, BARE_KERNEL_TEXT + 1);
}

CASE(ud_comes_before_nm, 3)
{
    enable_avx(b);
    set_task_switched(b);
    bare_set_cr4(b, 0, RF_CR4_OSXSAVE);
    RUN(b, vpaddb);
    expect_vector(b, RF_UD, USER(1));
}

CASE(avx_does_not_need_osfxsr, 0)
{
    enable_avx(b);
    bare_set_cr4(b, 0, RF_CR4_OSFXSR);
    RUN(b, vpaddb);
    expect_sum(b);
    RUN(b, sse);
    expect_vector(b, RF_UD, KERNEL(1));
}

CASE(sse_does_not_need_osxsave, 0)
{
    enable_avx(b);
    bare_set_cr4(b, 0, RF_CR4_OSXSAVE);
    RUN(b, sse);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->fpu.v[2].u8[0], 0x42);
    ck_assert_uint_eq(b->cpu->fpu.v[2].u8[16], 0x21);
}

CASE(a_model_without_avx_refuses_it, 3)
{
    enable_avx(b);
    rf_cpu_set_model(b->cpu, RF_CPU_V2);
    RUN(b, vpaddb);
    expect_vector(b, RF_UD, USER(1));
}

/* --- 32-bit code has 8 registers: SDM 2C, VZEROALL and VZEROUPPER --- */

static void run_in_32_bit_code(struct bare *b, const void *code, size_t size)
{
    enable_avx(b);
    b->cpu->seg[RF_CS].selector = KERNEL_CODE32;
    b->cpu->seg[RF_CS].attributes &= (uint16_t)~RF_SEG_L;
    b->cpu->seg[RF_CS].attributes |= RF_SEG_DB;
    bare_run(b, code, size);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_int_eq(b->vector, -1);
}

CASE(vzeroall_in_32_bit_code_leaves_the_upper_registers, 0)
{
    static const uint8_t vzeroall[] = { 0xc5, 0xfc, 0x77, 0x0f, 0x01, 0xc1 };
    run_in_32_bit_code(b, vzeroall, sizeof vzeroall);
    for (unsigned i = 0; i < 16; i++)
        for (unsigned k = 0; k < 32; k++)
            ck_assert_uint_eq(b->cpu->fpu.v[i].u8[k], i < 8 ? 0 : 0x21);
}

CASE(vzeroupper_in_32_bit_code_leaves_the_upper_registers, 0)
{
    static const uint8_t code[] = { 0xc5, 0xf8, 0x77, 0x0f, 0x01, 0xc1 };
    run_in_32_bit_code(b, code, sizeof code);
    for (unsigned i = 0; i < 16; i++)
        for (unsigned k = 0; k < 32; k++)
            ck_assert_uint_eq(b->cpu->fpu.v[i].u8[k], i < 8 && k >= 16 ? 0 : 0x21);
}

/* SDM 2C, MOVD: VEX.W is ignored outside 64-bit mode. */
CASE(vmovd_ignores_vex_w_in_32_bit_code, 0)
{
    static const uint8_t code[] = { 0xc4, 0xe1, 0xf9, 0x7e, 0xc0, 0x0f, 0x01, 0xc1 };
    run_in_32_bit_code(b, code, sizeof code); /* vmovd %xmm0, %eax */
    ck_assert_uint_eq(reg(b, RF_RAX), 0x21212121);
}

/* --- gathers --- */

static void set_gather(struct bare *b, uint32_t i0, uint32_t i1, uint32_t i2, uint32_t i3)
{
    enable_avx(b);
    const uint32_t index[4] = { i0, i1, i2, i3 };
    memcpy(b->cpu->fpu.v[1].u32, index, sizeof index);
    for (unsigned i = 0; i < 4; i++)
        b->cpu->fpu.v[2].u32[i] = UINT32_MAX;
}

static void expect_gathered(const struct bare *b, unsigned count)
{
    const union rf_vec *v = b->cpu->fpu.v;
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(v[0].u32[i], i < count ? 0x1000 + i : 0x21212121);
        ck_assert_uint_eq(v[2].u32[i], i < count ? 0 : UINT32_MAX);
    }
}

CODE(gather, "nop; vpgatherdd %xmm2, (%rax,%xmm1,4), %xmm0; vmcall");

/* SDM 2C, VPGATHERDD: elements before the fault have arrived and their masks are clear; run
 * again it loads the rest. */
CASE(a_gather_goes_on_after_a_page_fault, 0)
{
    set_gather(b, 0, 1, 1024, 3);
    const uint32_t values[4] = { 0x1000, 0x1001, 0, 0x1003 };
    const uint64_t page = BARE_ABSENT - 4096;
    bare_put(b, page, values, sizeof values);
    b->cpu->r[RF_RAX] = page;
    RUN(b, gather);
    expect_error(b, RF_PF, KERNEL(1), 0);
    ck_assert_uint_eq(b->cpu->cr2, BARE_ABSENT);
    expect_gathered(b, 2);
    *bare_pte(b, BARE_ABSENT) = BARE_ABSENT | RF_PTE_P;
    bare_flush(b);
    bare_write(b, BARE_ABSENT, 0x1002);
    b->cpu->r[RF_REG_IP] = b->frame.rip;
    b->cpu->r[RF_RSP] = b->frame.rsp;
    bare_write(b, page, 0); /* what has arrived is not loaded again */
    bare_continue(b);
    ck_assert_int_eq(b->vector, -1);
    expect_gathered(b, 4);
    ck_assert_uint_eq(b->cpu->fpu.v[0].u64[2], 0);
    ck_assert_uint_eq(b->cpu->fpu.v[2].u64[2], 0);
}

CODE(gather_fs, "nop; vpgatherdd %xmm2, %fs:16(%rax,%xmm1,4), %xmm0; vmcall");
CODE(gather_fs_narrow, "nop; vpgatherdd %xmm2, %fs:16(%eax,%xmm1,4), %xmm0; vmcall");
CODE(gather_absolute, "nop; vpgatherdd %xmm2, 0x130000(,%xmm1,4), %xmm0; vmcall");

static void put_four(struct bare *b)
{
    const uint32_t values[4] = { 0x1000, 0x1001, 0x1002, 0x1003 };
    bare_put(b, BARE_USER_DATA, values, sizeof values);
}

CASE(a_gather_adds_the_segment_base, 0)
{
    set_gather(b, 0, 1, 2, 3);
    put_four(b);
    b->cpu->seg[RF_FS].base = BARE_USER_DATA - 0x1000;
    b->cpu->r[RF_RAX] = 0x1000 - 16;
    RUN(b, gather_fs);
    expect_gathered(b, 4);
}

/* The effective address is cut to 32 bits before the base is added. */
CASE(a_gather_with_32_bit_addresses_wraps, 0)
{
    set_gather(b, 0x40000000, 1, 0x80000002, 0xc0000003);
    put_four(b);
    b->cpu->seg[RF_FS].base = BARE_USER_DATA - 0x1000;
    b->cpu->r[RF_RAX] = UINT64_C(0x7700000000) + 0x1000 - 16;
    RUN(b, gather_fs_narrow);
    expect_gathered(b, 4);
}

CASE(a_gather_without_a_base_register, 0)
{
    set_gather(b, 0, 1, 2, 3);
    put_four(b);
    RUN(b, gather_absolute);
    expect_gathered(b, 4);
}

CASE(a_gather_in_32_bit_code, 0)
{
    /* vpgatherdd %xmm2, (%eax,%xmm1,4), %xmm0; vmcall */
    static const uint8_t code[] = { 0xc4, 0xe2, 0x69, 0x90, 0x04, 0x88, 0x0f, 0x01, 0xc1 };
    set_gather(b, 0, 1, 2, 3);
    union rf_vec index = b->cpu->fpu.v[1], mask = b->cpu->fpu.v[2];
    put_four(b);
    /* base and index run over 4 GiB: linear addresses have 32 bits */
    b->cpu->r[RF_RAX] = UINT64_C(0xfffff000);
    for (unsigned i = 0; i < 4; i++)
        index.u32[i] = (uint32_t)(BARE_USER_DATA + 0x1000) / 4 + i;
    b->cpu->seg[RF_CS].attributes &= (uint16_t)~RF_SEG_L;
    b->cpu->seg[RF_CS].attributes |= RF_SEG_DB;
    b->cpu->fpu.v[1] = index;
    b->cpu->fpu.v[2] = mask;
    bare_run(b, code, sizeof code);
    ck_assert_int_eq(b->vector, -1);
    expect_gathered(b, 4);
}

/* --- alignment: SDM 1, 14.9 --- */

CODE(unaligned, "nop; vpaddb 1(%rax), %ymm1, %ymm3; vmovdqu %ymm3, 3(%rax); vmcall");
CODE(misaligned_to_32, "nop; vmovdqa (%rax), %ymm3; vmcall");
CODE(aligned_to_16, "nop; vmovdqa (%rax), %xmm3; vmcall");

CASE(operands_need_not_be_aligned, 0)
{
    enable_avx(b);
    b->cpu->r[RF_RAX] = BARE_USER_DATA;
    RUN(b, unaligned);
    ck_assert_int_eq(b->vector, -1);
}

CASE(an_aligned_move_of_32_bytes_at_16_is_gp, 0)
{
    enable_avx(b);
    b->cpu->r[RF_RAX] = BARE_USER_DATA + 16;
    RUN(b, misaligned_to_32);
    expect_error(b, RF_GP, KERNEL(1), 0);
    RUN(b, aligned_to_16);
    ck_assert_int_eq(b->vector, -1);
}

int main(void)
{
    const TTest *const all[] = {
        avx_runs_when_enabled, without_osxsave_avx_is_ud, without_ymm_state_avx_is_ud,
        without_ymm_state_vzeroupper_is_ud, with_task_switched_avx_is_nm, ud_comes_before_nm,
        avx_does_not_need_osfxsr, sse_does_not_need_osxsave, a_model_without_avx_refuses_it,
        vzeroall_in_32_bit_code_leaves_the_upper_registers,
        vzeroupper_in_32_bit_code_leaves_the_upper_registers,
        vmovd_ignores_vex_w_in_32_bit_code, a_gather_goes_on_after_a_page_fault,
        a_gather_adds_the_segment_base, a_gather_with_32_bit_addresses_wraps,
        a_gather_without_a_base_register, a_gather_in_32_bit_code, operands_need_not_be_aligned,
        an_aligned_move_of_32_bytes_at_16_is_gp,
    };
    Suite *suite = suite_create("avx_modes");
    TCase *cases = tcase_create("avx_modes");
    ADD_ALL(cases, all);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

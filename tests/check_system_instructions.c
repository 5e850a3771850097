/* Instructions about the system's registers, one rule a case: descriptor-table and task
 * registers with UMIP, machine status word, control and debug registers, segment bases, FS and
 * GS selectors, INVPCID, ports, and what no model has. (Their use is in check_transitions.c.) */
#include "bare_case.h"
#include "lib/suite.h"

/* --- SGDT, SIDT, SLDT, STR, SMSW (SDM 2A and 2B; UMIP: SDM 3A, 2.5) --- */

CODE(store_tables, "sgdt (%rdi); sidt 16(%rdi); vmcall");
CODE(store_selectors, "mov $-1, %rax; mov $-1, %rbx; mov $-1, %rcx; sldt %eax; str %rbx; str %cx;"
                      "str 2(%rdi); sldt (%rdi); vmcall");
CODE(store_word, "mov $-1, %rax; mov $-1, %rbx; smsw %eax; smsw %bx; smsw (%rdi); vmcall");
CODE(user_sgdt, "nop; sgdt (%rdi); int $0x80");
CODE(user_sidt, "nop; sidt (%rdi); int $0x80");
CODE(user_sldt, "nop; sldt %eax; int $0x80");
CODE(user_str, "nop; str %eax; int $0x80");
CODE(user_smsw, "nop; smsw %eax; int $0x80");

CASE(sgdt_and_sidt_store_limit_and_base, 0)
{
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    b->cpu->idtr.limit = 0x7ff;
    RUN(b, store_tables);
    ck_assert_uint_eq(bare_read(b, BARE_USER_DATA) & 0xffff, GDT_LIMIT);
    ck_assert_uint_eq(bare_read(b, BARE_USER_DATA + 2), BARE_GDT);
    ck_assert_uint_eq(bare_read(b, BARE_USER_DATA + 16) & 0xffff, 0x7ff);
    ck_assert_uint_eq(bare_read(b, BARE_USER_DATA + 18), BARE_IDT);
}

CASE(sldt_and_str_store_selectors, 0)
{
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    bare_write(b, BARE_USER_DATA, UINT64_MAX);
    b->cpu->ldtr.selector = 0x48;
    RUN(b, store_selectors);
    ck_assert_uint_eq(reg(b, RF_RAX), 0x48);
    ck_assert_uint_eq(reg(b, RF_RBX), TSS_SELECTOR);
    ck_assert_uint_eq(reg(b, RF_RCX), UINT64_C(0xffffffffffff0000) | TSS_SELECTOR);
    ck_assert_uint_eq(bare_read(b, BARE_USER_DATA),
                      UINT64_C(0xffffffff00000000) | TSS_SELECTOR << 16 | 0x48);
}

CASE(smsw_stores_cr0, 0)
{
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    bare_write(b, BARE_USER_DATA, UINT64_MAX);
    RUN(b, store_word);
    const uint64_t word = b->cpu->mmu.cr0 & 0xffff;
    ck_assert_uint_eq(reg(b, RF_RAX), (uint32_t)b->cpu->mmu.cr0);
    ck_assert_uint_eq(reg(b, RF_RBX), UINT64_C(0xffffffffffff0000) | word);
    ck_assert_uint_eq(bare_read(b, BARE_USER_DATA), UINT64_C(0xffffffffffff0000) | word);
}

static const struct {
    const uint8_t *code, *end;
} user_stores[] = { { user_sgdt, user_sgdt_end }, { user_sidt, user_sidt_end },
                    { user_sldt, user_sldt_end }, { user_str, user_str_end },
                    { user_smsw, user_smsw_end } };

START_TEST(umip_refuses_them_at_cpl_3)
{
    for (unsigned umip = 0; umip < 2; umip++) {
        struct bare b;
        bare_create(&b, 3);
        bare_set_cr4(&b, umip ? RF_CR4_UMIP : 0, umip ? 0 : RF_CR4_UMIP);
        b.cpu->r[RF_RDI] = BARE_USER_DATA;
        bare_run(&b, user_stores[_i].code, (size_t)(user_stores[_i].end - user_stores[_i].code));
        if (umip)
            expect_error(&b, RF_GP, USER(1), 0);
        else
            ck_assert_int_ne(b.vector, RF_GP);
        bare_destroy(&b);
    }
}
END_TEST

/* --- LMSW, MOV CR, MOV DR (SDM 2A, LMSW; 2B, MOV) --- */

CODE(lmsw, "mov $0xc, %eax; lmsw %ax; vmcall");
CODE(read_control, "mov %cr0, %rax; mov %cr2, %rbx; mov %cr3, %rcx; mov %cr4, %rdx; mov %cr8, %rsi;"
                   "vmcall");
CODE(write_control, "mov %rax, %cr2; mov %rbx, %cr8; vmcall");
CODE(write_cr8, "nop; mov %rbx, %cr8; vmcall");
CODE(write_cr0, "nop; mov %rax, %cr0; vmcall");
CODE(write_cr4, "nop; mov %rax, %cr4; vmcall");
CODE(read_cr0, "nop; mov %cr0, %rax; int $0x80");
CODE(debug, "mov %rax, %dr0; mov %rax, %dr3; mov %rbx, %dr6; mov %dr0, %rcx; mov %dr3, %rdx;"
            "mov %dr6, %rsi; mov %dr7, %rdi; vmcall");
CODE(write_dr7, "nop; mov %rax, %dr7; vmcall");
CODE(read_dr4, "nop; mov %dr4, %rax; vmcall");
CODE(read_dr0, "nop; mov %dr0, %rax; int $0x80");

CASE(lmsw_changes_the_low_bits_and_never_clears_pe, 0)
{
    const uint64_t before = b->cpu->mmu.cr0;
    RUN(b, lmsw);
    ck_assert_uint_eq(b->cpu->mmu.cr0, (before & ~UINT64_C(0xe)) | 0xc);
}

CASE(control_registers_are_read, 0)
{
    b->cpu->cr2 = 0x1234567890;
    b->cpu->cr8 = 5;
    RUN(b, read_control);
    ck_assert_uint_eq(reg(b, RF_RAX), b->cpu->mmu.cr0);
    ck_assert_uint_eq(reg(b, RF_RBX), 0x1234567890);
    ck_assert_uint_eq(reg(b, RF_RCX), BARE_PML4);
    ck_assert_uint_eq(reg(b, RF_RDX), b->cpu->mmu.cr4);
    ck_assert_uint_eq(reg(b, RF_RSI), 5);
}

CASE(control_registers_are_written, 0)
{
    b->cpu->r[RF_RAX] = BARE_NONCANONICAL; /* CR2 takes anything */
    b->cpu->r[RF_RBX] = 15;
    RUN(b, write_control);
    ck_assert_uint_eq(b->cpu->cr2, BARE_NONCANONICAL);
    ck_assert_uint_eq(b->cpu->cr8, 15);
    b->cpu->r[RF_RBX] = 16;
    RUN(b, write_cr8);
    expect_error(b, RF_GP, KERNEL(1), 0);
    ck_assert_uint_eq(b->cpu->cr8, 15);
}

CASE(cr0_and_cr4_refuse_reserved_and_impossible_values, 0)
{
    const uint64_t cr0 = b->cpu->mmu.cr0, cr4 = b->cpu->mmu.cr4;
    const uint64_t bad_cr0[] = { cr0 | RF_BIT(32), cr0 & ~UINT64_C(1), cr0 & ~RF_CR0_PG,
                                 (cr0 | RF_CR0_NW) & ~RF_CR0_CD };
    const uint64_t bad_cr4[] = { cr4 | RF_BIT(40), cr4 | RF_BIT(15), cr4 & ~RF_CR4_PAE };
    for (size_t i = 0; i < RF_ARRAY_SIZE(bad_cr0); i++) {
        b->cpu->r[RF_RAX] = bad_cr0[i];
        RUN(b, write_cr0);
        expect_error(b, RF_GP, KERNEL(1), 0);
    }
    for (size_t i = 0; i < RF_ARRAY_SIZE(bad_cr4); i++) {
        b->cpu->r[RF_RAX] = bad_cr4[i];
        RUN(b, write_cr4);
        expect_error(b, RF_GP, KERNEL(1), 0);
    }
    ck_assert_uint_eq(b->cpu->mmu.cr0, cr0);
    ck_assert_uint_eq(b->cpu->mmu.cr4, cr4);
}

CASE(control_and_debug_registers_are_for_cpl_0, 3)
{
    RUN(b, read_cr0);
    expect_error(b, RF_GP, USER(1), 0);
    bare_destroy(b);
    bare_create(b, 3);
    RUN(b, read_dr0);
    expect_error(b, RF_GP, USER(1), 0);
}

CASE(debug_registers_keep_addresses_and_fixed_bits, 0)
{
    b->cpu->r[RF_RAX] = UINT64_C(0xfedcba9876543210);
    b->cpu->r[RF_RBX] = 0;
    RUN(b, debug);
    ck_assert_uint_eq(reg(b, RF_RCX), UINT64_C(0xfedcba9876543210));
    ck_assert_uint_eq(reg(b, RF_RDX), UINT64_C(0xfedcba9876543210));
    ck_assert_uint_eq(reg(b, RF_RSI), 0xffff0ff0);
    ck_assert_uint_eq(reg(b, RF_RDI), 0x400);
    b->cpu->r[RF_RAX] = RF_BIT(32);
    RUN(b, write_dr7);
    expect_error(b, RF_GP, KERNEL(1), 0);
}

CASE(dr4_is_dr6_or_undefined, 0)
{
    bare_set_cr4(b, 0, RF_CR4_DE);
    RUN(b, read_dr4);
    ck_assert_uint_eq(reg(b, RF_RAX), 0xffff0ff0);
    bare_set_cr4(b, RF_CR4_DE, 0);
    RUN(b, read_dr4);
    expect_vector(b, RF_UD, KERNEL(1));
}

/* --- RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE (SDM 2B) --- */

CODE(bases, "wrfsbase %rax; wrgsbase %ebx; rdfsbase %rcx; rdfsbase %edx; rdgsbase %rsi; vmcall");
CODE(write_fs, "nop; wrfsbase %rax; vmcall");
CODE(read_fs, "nop; rdfsbase %rax; vmcall");

CASE(segment_bases_of_64_and_32_bits, 0)
{
    b->cpu->r[RF_RAX] = UINT64_C(0xffff800012345678);
    b->cpu->r[RF_RBX] = UINT64_C(0x1234567890abcdef);
    RUN(b, bases);
    ck_assert_uint_eq(reg(b, RF_RCX), UINT64_C(0xffff800012345678));
    ck_assert_uint_eq(reg(b, RF_RDX), 0x12345678);
    ck_assert_uint_eq(reg(b, RF_RSI), 0x90abcdef);
}

CASE(wrfsbase_of_a_noncanonical_address_is_gp, 0)
{
    b->cpu->r[RF_RAX] = BARE_NEVER_CANONICAL;
    RUN(b, write_fs);
    expect_error(b, RF_GP, KERNEL(1), 0);
}

CASE(rdfsbase_without_cr4_fsgsbase_is_ud, 0)
{
    bare_set_cr4(b, 0, RF_CR4_FSGSBASE);
    RUN(b, read_fs);
    expect_vector(b, RF_UD, KERNEL(1));
}

/* --- selectors in 64-bit mode (SDM 2A, LDS/LES/LFS; 2B, MOV, POP, PUSH) --- */

CODE(selectors, "mov $0x23, %eax; mov %eax, %ds; mov %ds, %ebx; push $0x23; pop %fs; push %fs;"
                "pop %rcx; push $0x23; pop %gs; push %gs; pop %rdx; mov %gs, (%rdi); vmcall");
CODE(far_pointers, ".byte 0x48, 0x0f, 0xb4, 0x07;" /* lfs (%rdi), %rax */
                   "lgs (%rdi), %ebx; lss (%rdi), %cx; vmcall");
CODE(load_absent, "nop; mov $0x43, %eax; mov %eax, %es; vmcall");
CODE(load_cs, "nop; .byte 0x8e, 0xc8; vmcall"); /* mov %eax, %cs */

CASE(data_segments_are_loaded_and_read, 0)
{
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    bare_write(b, BARE_USER_DATA, UINT64_MAX);
    RUN(b, selectors);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(reg(b, RF_RBX), USER_DATA);
    ck_assert_uint_eq(reg(b, RF_RCX), USER_DATA);
    ck_assert_uint_eq(reg(b, RF_RDX), USER_DATA);
    ck_assert_uint_eq(bare_read(b, BARE_USER_DATA), UINT64_C(0xffffffffffff0000) | USER_DATA);
    ck_assert_uint_eq(b->cpu->seg[RF_FS].selector, USER_DATA);
}

/* The selector lies behind an offset of the operand's size: 8, 4 and 2 bytes. */
CASE(far_pointers_of_three_sizes, 0)
{
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    b->cpu->r[RF_RCX] = UINT64_MAX;
    bare_write(b, BARE_USER_DATA, UINT64_C(0x0011002300100077));
    bare_write(b, BARE_USER_DATA + 8, USER_DATA);
    RUN(b, far_pointers);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(reg(b, RF_RAX), UINT64_C(0x0011002300100077));
    ck_assert_uint_eq(b->cpu->seg[RF_FS].selector, USER_DATA);
    ck_assert_uint_eq(reg(b, RF_RBX), 0x00100077);
    ck_assert_uint_eq(b->cpu->seg[RF_GS].selector, USER_DATA);
    ck_assert_uint_eq(reg(b, RF_RCX), UINT64_C(0xffffffffffff0077));
    ck_assert_uint_eq(b->cpu->seg[RF_SEG_SS].selector, KERNEL_DATA);
}

CASE(an_absent_segment_is_np, 0)
{
    RUN(b, load_absent);
    expect_error(b, RF_NP, KERNEL(6), ABSENT_DATA & ~3u);
}

CASE(cs_cannot_be_loaded_by_mov, 0)
{
    RUN(b, load_cs);
    expect_vector(b, RF_UD, KERNEL(1));
}

/* --- near RET ignores an operand-size prefix, as Intel's CPUs do (SDM 2D, table A-2: f64) --- */

CODE(prefixed_ret, "lea 1f(%rip), %rax; push %rax; .byte 0x66; ret; ud2; 1: vmcall");
CODE(prefixed_ret_imm, "mov %rsp, %rbx; push $0; lea 1f(%rip), %rax; push %rax;"
                       ".byte 0x66, 0xc2, 8, 0; ud2; 1: sub %rsp, %rbx; vmcall");

CASE(ret_with_a_prefix_pops_8_bytes, 0)
{
    RUN(b, prefixed_ret);
    ck_assert_int_eq(b->vector, -1);
    RUN(b, prefixed_ret_imm);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(reg(b, RF_RBX), 0);
}

/* --- INVPCID (SDM 2A) --- */

CODE(invpcid, "nop; invpcid (%rdi), %rax; vmcall");

static int run_invpcid(struct bare *b, uint64_t type, uint64_t pcid, uint64_t address)
{
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    b->cpu->r[RF_RAX] = type;
    bare_write(b, BARE_USER_DATA, pcid);
    bare_write(b, BARE_USER_DATA + 8, address);
    RUN(b, invpcid);
    return b->vector;
}

CASE(invpcid_refuses_bad_types_and_descriptors, 0)
{
    for (uint64_t type = 0; type < 4; type++)
        ck_assert_int_eq(run_invpcid(b, type, 0, BARE_USER_DATA), -1);
    ck_assert_int_eq(run_invpcid(b, 4, 0, 0), RF_GP);
    ck_assert_int_eq(run_invpcid(b, 0, 0x1000, 0), RF_GP);
    ck_assert_int_eq(run_invpcid(b, 0, 0, BARE_NEVER_CANONICAL), RF_GP);
    ck_assert_int_eq(run_invpcid(b, 1, 1, 0), RF_GP); /* CR4.PCIDE is clear */
    ck_assert_int_eq(run_invpcid(b, 2, 0x1000, BARE_NONCANONICAL), -1);
}

CASE(invpcid_forgets_a_translation, 0)
{
    *bare_pte(b, BARE_USER_DATA + 0x1000) &= ~UINT64_C(1);
    ck_assert_int_eq(run_invpcid(b, 0, 0, BARE_USER_DATA + 0x1000), -1);
    uint8_t byte;
    ck_assert(!rf_cpu_read_system(b->cpu, BARE_USER_DATA + 0x1000, &byte, 1));
}

CASE(invpcid_is_for_cpl_0, 3)
{
    ck_assert_int_eq(run_invpcid(b, 2, 0, 0), RF_GP);
    expect_error(b, RF_GP, USER(1), 0);
}

/* --- IN, OUT (SDM 2A and 2B); who may: IOPL, or the bitmap of the TSS (SDM 1, 19.5) --- */

CODE(in_all, "mov $0, %eax; mov $0x1234, %dx; in %dx, %al; mov %rax, %rbx; in $0x60, %ax;"
             "mov %rax, %rcx; in %dx, %eax; out %al, $0x61; out %ax, %dx; out %eax, %dx; vmcall");
CODE(user_in, "nop; in $0x60, %ax; int $0x80");

CASE(a_port_with_nothing_behind_it_reads_as_ones, 0)
{
    b->cpu->r[RF_RAX] = UINT64_MAX;
    RUN(b, in_all);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(reg(b, RF_RBX), 0xff);
    ck_assert_uint_eq(reg(b, RF_RCX), 0xffff);
    ck_assert_uint_eq(reg(b, RF_RAX), UINT32_MAX);
}

CASE(iopl_allows_ports_at_cpl_3, 3)
{
    RUN(b, user_in);
    expect_error(b, RF_GP, USER(1), 0);
    bare_destroy(b);
    bare_create(b, 3);
    rf_cpu_set_flags(b->cpu, RF_FLAG_FIXED | RF_FLAG_IOPL);
    RUN(b, user_in);
    ck_assert_int_ne(b->vector, RF_GP);
}

/* Both bits of a 2-byte access must be clear, and the bitmap end in a byte of ones. */
START_TEST(the_bitmap_allows_ports_at_cpl_3)
{
    static const struct {
        uint8_t bits; /* of ports 0x60 to 0x67 */
        uint16_t limit;
        bool allowed;
    } cases[] = { { 0xfc, 0x100, true }, { 0xfe, 0x100, false }, { 0xfd, 0x100, false },
                  { 0xfc, 0x68 + 12, false }, { 0xfc, 0x68 + 13, true } };
    struct bare b;
    bare_create(&b, 3);
    uint8_t map[32];
    memset(map, 0xff, sizeof map);
    map[0x60 / 8] = cases[_i].bits;
    bare_put(&b, BARE_TSS + 0x66, "\x68", 2);
    bare_put(&b, BARE_TSS + 0x68, map, sizeof map);
    b.cpu->tr.limit = cases[_i].limit;
    RUN(&b, user_in);
    if (cases[_i].allowed)
        ck_assert_int_ne(b.vector, RF_GP);
    else
        expect_error(&b, RF_GP, USER(1), 0);
    bare_destroy(&b);
}
END_TEST

/* --- what is not there: RSM outside system management mode, and virtualisation --- */

CODE(rsm, "rsm; vmcall");
CODE(vmxoff, "vmxoff; vmcall");
CODE(vmlaunch, "vmlaunch; vmcall");
CODE(vmptrst, "vmptrst (%rsp); vmcall");
CODE(vmrun, "vmrun; vmcall");

static const struct {
    const uint8_t *code, *end;
} missing[] = { { rsm, rsm_end }, { vmxoff, vmxoff_end }, { vmlaunch, vmlaunch_end },
                { vmptrst, vmptrst_end }, { vmrun, vmrun_end } };

START_TEST(what_no_model_has_is_ud)
{
    struct bare b;
    bare_create(&b, 0);
    bare_run(&b, missing[_i].code, (size_t)(missing[_i].end - missing[_i].code));
    expect_vector(&b, RF_UD, KERNEL(0));
    bare_destroy(&b);
}
END_TEST

int main(void)
{
    const TTest *const all[] = {
        sgdt_and_sidt_store_limit_and_base, sldt_and_str_store_selectors, smsw_stores_cr0,
        lmsw_changes_the_low_bits_and_never_clears_pe, control_registers_are_read,
        control_registers_are_written, cr0_and_cr4_refuse_reserved_and_impossible_values,
        control_and_debug_registers_are_for_cpl_0, debug_registers_keep_addresses_and_fixed_bits,
        dr4_is_dr6_or_undefined, segment_bases_of_64_and_32_bits,
        wrfsbase_of_a_noncanonical_address_is_gp, rdfsbase_without_cr4_fsgsbase_is_ud,
        data_segments_are_loaded_and_read, far_pointers_of_three_sizes, an_absent_segment_is_np,
        cs_cannot_be_loaded_by_mov, ret_with_a_prefix_pops_8_bytes,
        invpcid_refuses_bad_types_and_descriptors, invpcid_forgets_a_translation,
        invpcid_is_for_cpl_0, a_port_with_nothing_behind_it_reads_as_ones,
        iopl_allows_ports_at_cpl_3,
    };
    Suite *suite = suite_create("system_instructions");
    TCase *cases = tcase_create("system_instructions");
    ADD_ALL(cases, all);
    tcase_add_loop_test(cases, umip_refuses_them_at_cpl_3, 0, (int)RF_ARRAY_SIZE(user_stores));
    tcase_add_loop_test(cases, the_bitmap_allows_ports_at_cpl_3, 0, 5);
    tcase_add_loop_test(cases, what_no_model_has_is_ud, 0, (int)RF_ARRAY_SIZE(missing));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

/* Ring transitions and privilege on a bare machine: SYSCALL and the ways back, SWAPGS, privileged
 * instructions, control registers, SMEP and SMAP, code that changes. One case for each rule; SDM is
 * the Intel 64 and IA-32 Architectures Software Developer's Manual. */
#include "bare_case.h"
#include "lib/suite.h"

CODE(vmcall_only, "vmcall");
CODE(loop, "1: inc %rax; jmp 1b");
CODE(jmp_rdi, "jmp *%rdi");

/* --- SYSCALL and SYSRET: SDM 2B --- */

CODE(user_syscall, "stc; syscall; nop");
CASE(syscall_saves_rip_and_flags, 3)
{
    RUN(b, user_syscall);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_uint_eq(reg(b, RF_REG_IP), BARE_SYSCALL + 3);
    ck_assert_uint_eq(reg(b, RF_RCX), USER(3));
    ck_assert_uint_eq(reg(b, RF_R11), RF_FLAG_CF | RF_FLAG_FIXED | RF_FLAG_IF);
}

CASE(syscall_keeps_rsp_and_pushes_nothing, 3)
{
    RUN(b, user_syscall);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_USER_STACK);
    ck_assert_uint_eq(bare_read(b, BARE_RSP0 - 8), 0);
}

CASE(syscall_loads_cs_and_ss_from_star, 3)
{
    RUN(b, user_syscall);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].selector, KERNEL_CODE);
    ck_assert_uint_eq(b->cpu->seg[RF_SEG_SS].selector, KERNEL_DATA);
    ck_assert_uint_eq(b->cpu->cpl, 0);
}

CASE(syscall_clears_the_flags_of_fmask, 3)
{
    b->cpu->fmask = RF_FLAG_IF | RF_FLAG_CF | RF_FLAG_DF;
    RUN(b, user_syscall);
    ck_assert_uint_eq(rf_cpu_flags(b->cpu), RF_FLAG_FIXED);
    ck_assert(reg(b, RF_R11) & RF_FLAG_CF);
}

CASE(syscall_without_sce_is_ud, 3)
{
    rf_mmu_set_efer(&b->cpu->mmu, b->cpu->mmu.efer & ~RF_EFER_SCE);
    rf_cpu_mode_changed(b->cpu);
    RUN(b, user_syscall);
    expect_vector(b, RF_UD, USER(1));
}

CODE(sysret, "sysretq");
CODE(sysretl, "sysretl");
static void put_user_int80(struct bare *b)
{
    bare_put(b, BARE_USER_TEXT, "\xcd\x80", 2);
    b->cpu->r[RF_RCX] = BARE_USER_TEXT;
    b->cpu->r[RF_R11] = 0x202;
}

CASE(sysret_enters_cpl3, 0)
{
    put_user_int80(b);
    RUN(b, sysret);
    expect_vector(b, 0x80, USER(2));
    ck_assert_uint_eq(b->frame.cs, USER_CODE);
    ck_assert_uint_eq(b->frame.ss, USER_DATA);
    ck_assert_uint_eq(b->frame.rflags, 0x202);
    ck_assert_uint_eq(b->frame.rsp, BARE_KERNEL_STACK); /* RSP is not changed */
}

CASE(sysret_clears_rf_and_vm, 0)
{
    put_user_int80(b);
    b->cpu->r[RF_R11] = 0x30202;
    RUN(b, sysret);
    expect_vector(b, 0x80, USER(2));
    ck_assert_uint_eq(b->frame.rflags, 0x202);
}

/* On Intel processors a non-canonical RCX is #GP at CPL 0. */
CASE(sysret_to_noncanonical_is_gp_in_the_kernel, 0)
{
    b->cpu->r[RF_RCX] = BARE_NONCANONICAL;
    RUN(b, sysret);
    expect_error(b, RF_GP, KERNEL(0), 0);
    ck_assert_uint_eq(b->frame.cs, KERNEL_CODE);
}

CASE(sysret_to_32_bit_code, 0)
{
    put_user_int80(b);
    RUN(b, sysretl);
    expect_vector(b, 0x80, USER(2));
    ck_assert_uint_eq(b->frame.cs, USER_CODE32);
}

CASE(sysret_at_cpl3_is_gp, 3) { RUN(b, sysret); expect_error(b, RF_GP, USER(0), 0); }

CASE(sysret_without_sce_is_ud, 0)
{
    rf_mmu_set_efer(&b->cpu->mmu, b->cpu->mmu.efer & ~RF_EFER_SCE);
    rf_cpu_mode_changed(b->cpu);
    RUN(b, sysret);
    expect_vector(b, RF_UD, KERNEL(0));
}

CASE(amd_syscall_from_32_bit_code_goes_to_cstar, 0)
{
    rf_cpu_set_vendor(b->cpu, RF_VENDOR_AMD);
    bare_put(b, BARE_USER_TEXT, "\x0f\x05", 2);
    b->cpu->r[RF_RCX] = BARE_USER_TEXT;
    b->cpu->r[RF_R11] = 0x202;
    RUN(b, sysretl);
    ck_assert_uint_eq(reg(b, RF_REG_IP), BARE_SYSCALL32 + 3);
    ck_assert_uint_eq(reg(b, RF_RCX), USER(2));
}

/* --- SYSENTER and SYSEXIT --- */

CODE(sysenter, "sysenter");
CASE(sysenter_loads_rip_rsp_and_clears_if, 3)
{
    RUN(b, sysenter);
    ck_assert_uint_eq(reg(b, RF_REG_IP), BARE_SYSENTER + 3);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0);
    ck_assert(!(b->cpu->flags & RF_FLAG_IF));
    ck_assert_uint_eq(b->cpu->cpl, 0);
}
CASE(sysenter_with_a_null_cs_is_gp, 3)
{
    b->cpu->sysenter_cs = 0;
    RUN(b, sysenter);
    expect_error(b, RF_GP, USER(0), 0);
}
CODE(sysexit, "sysexit");
CASE(sysexit_at_cpl3_is_gp, 3) { RUN(b, sysexit); expect_error(b, RF_GP, USER(0), 0); }

/* --- IRETQ: SDM 2A --- */

CODE(iret, "iretq");
static void build_return(struct bare *b, uint64_t rip, uint64_t cs, uint64_t flags, uint64_t rsp, uint64_t ss)
{
    const uint64_t frame[5] = { rip, cs, flags, rsp, ss };
    b->cpu->r[RF_RSP] = BARE_KERNEL_STACK - sizeof frame;
    bare_put(b, BARE_KERNEL_STACK - sizeof frame, frame, sizeof frame);
    bare_put(b, BARE_USER_TEXT, "\xcd\x80", 2);
}

CASE(iret_to_cpl3_loads_everything, 0)
{
    build_return(b, BARE_USER_TEXT, USER_CODE, 0x246, BARE_USER_STACK - 100, USER_DATA);
    RUN(b, iret);
    expect_vector(b, 0x80, USER(2));
    ck_assert_uint_eq(b->frame.cs, USER_CODE);
    ck_assert_uint_eq(b->frame.ss, USER_DATA);
    ck_assert_uint_eq(b->frame.rflags, 0x246);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK - 100);
}

CASE(iret_at_cpl0_pops_rsp_too, 0)
{
    build_return(b, BARE_KERNEL_TEXT + 64, KERNEL_CODE, 0x2, 0x18888, KERNEL_DATA);
    bare_put(b, BARE_KERNEL_TEXT + 64, "\x0f\x01\xc1", 3);
    RUN(b, iret);
    ck_assert_uint_eq(reg(b, RF_REG_IP), BARE_KERNEL_TEXT + 67);
    ck_assert_uint_eq(reg(b, RF_RSP), 0x18888);
}

CASE(iret_with_nt_is_gp, 0)
{
    build_return(b, BARE_USER_TEXT, USER_CODE, 0x202, BARE_USER_STACK, USER_DATA);
    b->cpu->flags |= RF_FLAG_NT;
    RUN(b, iret);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

CASE(iret_to_a_null_cs_is_gp, 0)
{
    build_return(b, BARE_USER_TEXT, 0, 0x202, BARE_USER_STACK, USER_DATA);
    RUN(b, iret);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

CASE(iret_to_a_data_segment_is_gp, 0)
{
    build_return(b, BARE_USER_TEXT, USER_DATA, 0x202, BARE_USER_STACK, USER_DATA);
    RUN(b, iret);
    expect_error(b, RF_GP, KERNEL(0), USER_DATA & ~3u);
}

CASE(iret_beyond_the_gdt_is_gp, 0)
{
    build_return(b, BARE_USER_TEXT, 0x1003, 0x202, BARE_USER_STACK, USER_DATA);
    RUN(b, iret);
    expect_error(b, RF_GP, KERNEL(0), 0x1000);
}

CASE(iret_to_an_absent_segment_is_np, 0)
{
    build_return(b, BARE_KERNEL_TEXT, ABSENT_CODE, 0x2, BARE_KERNEL_STACK, KERNEL_DATA);
    RUN(b, iret);
    expect_error(b, RF_NP, KERNEL(0), ABSENT_CODE);
}

CASE(iret_with_a_null_ss_to_cpl3_is_gp, 0)
{
    build_return(b, BARE_USER_TEXT, USER_CODE, 0x202, BARE_USER_STACK, 0);
    RUN(b, iret);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

CASE(iret_with_a_read_only_ss_is_gp, 0)
{
    build_return(b, BARE_USER_TEXT, USER_CODE, 0x202, BARE_USER_STACK, READ_ONLY_DATA);
    RUN(b, iret);
    expect_error(b, RF_GP, KERNEL(0), READ_ONLY_DATA & ~3u);
}

CASE(iret_with_an_absent_ss_is_ss, 0)
{
    build_return(b, BARE_USER_TEXT, USER_CODE, 0x202, BARE_USER_STACK, ABSENT_DATA);
    RUN(b, iret);
    expect_error(b, RF_SS, KERNEL(0), ABSENT_DATA & ~3u);
}

CASE(iret_with_ss_of_another_rpl_is_gp, 0)
{
    build_return(b, BARE_USER_TEXT, USER_CODE, 0x202, BARE_USER_STACK, KERNEL_DATA);
    RUN(b, iret);
    expect_error(b, RF_GP, KERNEL(0), KERNEL_DATA);
}

CASE(iret_to_noncanonical_is_gp, 0)
{
    build_return(b, BARE_NONCANONICAL, USER_CODE, 0x202, BARE_USER_STACK, USER_DATA);
    RUN(b, iret);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

CASE(iret_at_cpl3_cannot_set_if_or_iopl, 3)
{
    const uint64_t frame[5] = { USER(64), USER_CODE, 0x3002, BARE_USER_STACK, USER_DATA };
    bare_put(b, BARE_USER_STACK - sizeof frame, frame, sizeof frame);
    bare_put(b, USER(64), "\xcd\x80", 2);
    b->cpu->r[RF_RSP] -= sizeof frame;
    RUN(b, iret);
    expect_vector(b, 0x80, USER(66));
    ck_assert_uint_eq(b->frame.rflags & (RF_FLAG_IF | RF_FLAG_IOPL), RF_FLAG_IF);
}

CASE(iret_to_an_inner_ring_is_gp, 3)
{
    const uint64_t frame[5] = { KERNEL(0), KERNEL_CODE, 0x2, BARE_USER_STACK, KERNEL_DATA };
    bare_put(b, BARE_USER_STACK - sizeof frame, frame, sizeof frame);
    b->cpu->r[RF_RSP] -= sizeof frame;
    RUN(b, iret);
    expect_error(b, RF_GP, USER(0), KERNEL_CODE);
}

CASE(iret_unblocks_nmi, 0)
{
    b->cpu->nmi_blocked = true;
    build_return(b, BARE_USER_TEXT, USER_CODE, 0x202, BARE_USER_STACK, USER_DATA);
    RUN(b, iret);
    ck_assert(!b->cpu->nmi_blocked);
}

/* Returning outward makes DS and ES null when their DPL is lower than the new CPL. */
CASE(iret_outward_drops_inner_data_segments, 0)
{
    b->cpu->seg[RF_FS].selector = USER_DATA;
    b->cpu->seg[RF_FS].attributes |= 3 << RF_SEG_DPL_SHIFT;
    build_return(b, BARE_USER_TEXT, USER_CODE, 0x202, BARE_USER_STACK, USER_DATA);
    RUN(b, iret);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].selector, 0);
    ck_assert_uint_eq(b->cpu->seg[RF_FS].selector, USER_DATA);
}

/* --- SWAPGS, FSGSBASE --- */

CODE(swapgs, "swapgs; vmcall");
CASE(swapgs_exchanges_the_bases, 0)
{
    b->cpu->seg[RF_GS].base = 0x1111;
    b->cpu->kernel_gs_base = 0x2222;
    RUN(b, swapgs);
    ck_assert_uint_eq(b->cpu->seg[RF_GS].base, 0x2222);
    ck_assert_uint_eq(b->cpu->kernel_gs_base, 0x1111);
}
CASE(swapgs_at_cpl3_is_gp, 3) { RUN(b, swapgs); expect_error(b, RF_GP, USER(0), 0); }

CODE(wrgsbase, "wrgsbase %rdi; rdgsbase %rax; int $0x80");
CASE(wrgsbase_works_at_cpl3, 3)
{
    b->cpu->r[RF_RDI] = 0x7fff12345678;
    RUN(b, wrgsbase);
    ck_assert_uint_eq(reg(b, RF_RAX), 0x7fff12345678);
}
CASE(wrgsbase_without_fsgsbase_is_ud, 3)
{
    bare_set_cr4(b, 0, RF_CR4_FSGSBASE);
    RUN(b, wrgsbase);
    expect_vector(b, RF_UD, USER(0));
}
CASE(wrgsbase_noncanonical_is_gp, 3)
{
    b->cpu->r[RF_RDI] = BARE_NEVER_CANONICAL;
    RUN(b, wrgsbase);
    expect_error(b, RF_GP, USER(0), 0);
}

/* --- privileged instructions at CPL 3: SDM 3A, 5.9 --- */

struct bytes {
    const char *name;
    uint8_t size, code[8];
};
static const struct bytes privileged[] = {
    { "hlt", 1, { 0xf4 } },
    { "cli", 1, { 0xfa } },
    { "sti", 1, { 0xfb } },
    { "clts", 2, { 0x0f, 0x06 } },
    { "invd", 2, { 0x0f, 0x08 } },
    { "wbinvd", 2, { 0x0f, 0x09 } },
    { "rdmsr", 2, { 0x0f, 0x32 } },
    { "wrmsr", 2, { 0x0f, 0x30 } },
    { "mov rax, cr0", 3, { 0x0f, 0x20, 0xc0 } },
    { "mov cr0, rax", 3, { 0x0f, 0x22, 0xc0 } },
    { "mov rax, cr2", 3, { 0x0f, 0x20, 0xd0 } },
    { "mov cr3, rax", 3, { 0x0f, 0x22, 0xd8 } },
    { "mov rax, cr4", 3, { 0x0f, 0x20, 0xe0 } },
    { "mov cr8, rax", 4, { 0x44, 0x0f, 0x22, 0xc0 } },
    { "mov rax, dr7", 3, { 0x0f, 0x21, 0xf8 } },
    { "mov dr0, rax", 3, { 0x0f, 0x23, 0xc0 } },
    { "lgdt [rdi]", 3, { 0x0f, 0x01, 0x17 } },
    { "lidt [rdi]", 3, { 0x0f, 0x01, 0x1f } },
    { "lldt ax", 3, { 0x0f, 0x00, 0xd0 } },
    { "ltr ax", 3, { 0x0f, 0x00, 0xd8 } },
    { "lmsw ax", 3, { 0x0f, 0x01, 0xf0 } },
    { "invlpg [rdi]", 3, { 0x0f, 0x01, 0x3f } },
    { "in al, dx", 1, { 0xec } },
    { "in eax, 0x80", 2, { 0xe5, 0x80 } },
    { "insb", 1, { 0x6c } },
    { "rep insd", 2, { 0xf3, 0x6d } },
    { "outsb", 1, { 0x6e } },
    { "rep outsw", 3, { 0xf3, 0x66, 0x6f } },
    { "out dx, al", 1, { 0xee } },
};

START_TEST(privileged_instruction_at_cpl3_is_gp)
{
    const struct bytes *i = &privileged[_i];
    struct bare b;
    bare_create(&b, 3);
    b.cpu->r[RF_RDI] = b.cpu->r[RF_RSI] = BARE_USER_DATA;
    bare_run(&b, i->code, i->size);
    ck_assert_msg(b.vector == RF_GP && b.error_code == 0 && b.frame.rip == BARE_USER_TEXT, "%s: %s at %#llx", i->name,
                  b.vector < 0 ? "no exception" : rf_vector_name((unsigned)b.vector), (unsigned long long)b.frame.rip);
    bare_destroy(&b);
}
END_TEST

static const struct bytes undefined[] = {
    { "ud2", 2, { 0x0f, 0x0b } },
    { "vmcall", 3, { 0x0f, 0x01, 0xc1 } }, /* the host's door is CPL 0's */
    { "push es", 1, { 0x06 } },
    { "aaa", 1, { 0x37 } },
    { "bound", 2, { 0x62, 0x07 } },
    { "lock nop", 2, { 0xf0, 0x90 } },
    { "lock add eax, eax", 3, { 0xf0, 0x01, 0xc0 } },
    { "mov cs, ax", 2, { 0x8e, 0xc8 } },
    { "mov rax, cr1", 3, { 0x0f, 0x20, 0xc8 } },
    { "lea with a register", 2, { 0x8d, 0xc0 } },
};

START_TEST(undefined_opcode_is_ud)
{
    const struct bytes *i = &undefined[_i];
    struct bare b;
    bare_create(&b, 3);
    bare_run(&b, i->code, i->size);
    ck_assert_msg(b.vector == RF_UD && b.frame.rip == BARE_USER_TEXT, "%s: vector %d", i->name, b.vector);
    bare_destroy(&b);
}
END_TEST

CODE(popf_zero, "push $0x3002; popfq; int $0x80");
/* SDM 3A, 2.3: POPF at CPL 3 with IOPL 0 leaves IF and IOPL, and does not fault. */
CASE(popf_at_cpl3_cannot_change_if, 3)
{
    RUN(b, popf_zero);
    ck_assert_uint_eq(b->frame.rflags & (RF_FLAG_IF | RF_FLAG_IOPL), RF_FLAG_IF);
}

CODE(cli_stop, "cli; int $0x80");
CASE(cli_with_iopl_3_is_allowed, 3)
{
    b->cpu->flags |= RF_FLAG_IOPL;
    RUN(b, cli_stop);
    expect_vector(b, 0x80, USER(3));
    ck_assert(!(b->frame.rflags & RF_FLAG_IF));
}

CODE(rdtsc, "rdtsc");
CASE(rdtsc_with_tsd_is_gp_at_cpl3, 3)
{
    bare_set_cr4(b, RF_CR4_TSD, 0);
    RUN(b, rdtsc);
    expect_error(b, RF_GP, USER(0), 0);
}

/* --- control registers and MSRs at CPL 0 --- */

CODE(write_cr0, "mov %rdi, %cr0; vmcall");
CODE(write_cr4, "mov %rdi, %cr4; vmcall");
CODE(write_msr, "mov %edi, %eax; mov %rdi, %rdx; shr $32, %rdx; wrmsr; vmcall");
CASE(cr0_pg_without_pe_is_gp, 0)
{
    b->cpu->r[RF_RDI] = RF_CR0_PG;
    RUN(b, write_cr0);
    expect_error(b, RF_GP, KERNEL(0), 0);
}
CASE(cr0_nw_without_cd_is_gp, 0)
{
    b->cpu->r[RF_RDI] = b->cpu->mmu.cr0 | RF_CR0_NW;
    RUN(b, write_cr0);
    expect_error(b, RF_GP, KERNEL(0), 0);
}
CASE(clearing_pae_in_long_mode_is_gp, 0)
{
    b->cpu->r[RF_RDI] = b->cpu->mmu.cr4 & ~RF_CR4_PAE;
    RUN(b, write_cr4);
    expect_error(b, RF_GP, KERNEL(0), 0);
}
CASE(reserved_cr4_bit_is_gp, 0)
{
    b->cpu->r[RF_RDI] = b->cpu->mmu.cr4 | UINT64_C(1) << 40;
    RUN(b, write_cr4);
    expect_error(b, RF_GP, KERNEL(0), 0);
}
CASE(lstar_must_be_canonical, 0)
{
    b->cpu->r[RF_RCX] = 0xc0000082;
    b->cpu->r[RF_RDI] = BARE_NEVER_CANONICAL;
    RUN(b, write_msr);
    ck_assert_int_eq(b->vector, RF_GP);
}
CASE(unknown_msr_is_gp, 0)
{
    b->cpu->r[RF_RCX] = 0x12345678;
    RUN(b, write_msr);
    ck_assert_int_eq(b->vector, RF_GP);
}
CASE(wrmsr_sets_lstar, 0)
{
    b->cpu->r[RF_RCX] = 0xc0000082;
    b->cpu->r[RF_RDI] = 0xffff800012345678;
    RUN(b, write_msr);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->lstar, 0xffff800012345678);
}

/* --- segment loads --- */

CODE(load_ds, "mov %edi, %ds; vmcall");
CODE(load_ss, "mov %edi, %ss; vmcall");
CASE(ds_may_be_null, 0)
{
    RUN(b, load_ds);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].selector, 0);
}
CASE(ds_beyond_the_gdt_is_gp, 0)
{
    b->cpu->r[RF_RDI] = 0x2000;
    RUN(b, load_ds);
    expect_error(b, RF_GP, KERNEL(0), 0x2000);
}
CASE(absent_ds_is_np, 0)
{
    b->cpu->r[RF_RDI] = ABSENT_DATA;
    RUN(b, load_ds);
    expect_error(b, RF_NP, KERNEL(0), ABSENT_DATA & ~3u);
}
CASE(null_ss_at_cpl0_is_allowed, 0)
{
    RUN(b, load_ss);
    ck_assert_int_eq(b->vector, -1);
}
CASE(null_ss_at_cpl3_is_gp, 3)
{
    RUN(b, load_ss);
    expect_error(b, RF_GP, USER(0), 0);
}
CASE(kernel_data_at_cpl3_is_gp, 3)
{
    b->cpu->r[RF_RDI] = KERNEL_DATA;
    RUN(b, load_ds);
    expect_error(b, RF_GP, USER(0), KERNEL_DATA);
}

/* --- INS, OUTS, INTO --- */

CODE(rep_insb_vmcall, "rep insb; vmcall");
CODE(rep_outsb_vmcall, "rep outsb; vmcall");

/* SDM 2A, INS: a port with nothing behind it reads as all ones. */
CASE(rep_ins_fills_with_ones, 0)
{
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    b->cpu->r[RF_RCX] = 3;
    RUN(b, rep_insb_vmcall);
    ck_assert_uint_eq(bare_read(b, BARE_USER_DATA), 0xffffff);
    ck_assert_uint_eq(reg(b, RF_RDI), BARE_USER_DATA + 3);
    ck_assert_uint_eq(reg(b, RF_RCX), 0);
}

/* An iteration that faults leaves the registers of those before it (SDM 2B, REP). */
CASE(rep_outs_stops_at_the_absent_page, 0)
{
    *bare_pte(b, BARE_ABSENT) = 0;
    bare_flush(b);
    b->cpu->r[RF_RSI] = BARE_ABSENT - 2;
    b->cpu->r[RF_RCX] = 5;
    RUN(b, rep_outsb_vmcall);
    expect_vector(b, RF_PF, KERNEL(0));
    ck_assert_uint_eq(reg(b, RF_RSI), BARE_ABSENT);
    ck_assert_uint_eq(reg(b, RF_RCX), 3);
}

/* SDM 2A, INT n: INTO traps through vector 4 when OF is set, else it does nothing. */
static void run_into(struct bare *b, uint32_t status)
{
    static const uint8_t code[] = { 0xce, 0x0f, 0x0b }; /* into; ud2 */
    bare_gate(b, RF_OF, BARE_HANDLERS + RF_OF * 16, KERNEL_CODE, 0xe, 3, 0, true);
    b->cpu->seg[RF_CS].selector = USER_CODE32;
    b->cpu->seg[RF_CS].attributes = (uint16_t)((b->cpu->seg[RF_CS].attributes & ~RF_SEG_L) | RF_SEG_DB);
    rf_cpu_set_flags(b->cpu, status | RF_FLAG_FIXED);
    bare_run(b, code, sizeof code);
}

CASE(into_traps_when_of_is_set, 3)
{
    run_into(b, RF_FLAG_OF);
    expect_vector(b, RF_OF, USER(1));
}

CASE(into_goes_on_when_of_is_clear, 3)
{
    run_into(b, RF_FLAG_CF);
    expect_vector(b, RF_UD, USER(1));
}

/* --- SMEP and SMAP: SDM 3A, 4.6 --- */

CODE(kernel_load, "mov (%rdi), %al; vmcall");
CODE(stac_load_clac_load, "stac; mov (%rdi), %al; clac; mov (%rdi), %al; vmcall");
CASE(smap_refuses_user_pages, 0)
{
    bare_set_cr4(b, RF_CR4_SMAP, 0);
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    RUN(b, kernel_load);
    expect_error(b, RF_PF, KERNEL(0), RF_PF_P);
}
CASE(stac_opens_user_pages_until_clac, 0)
{
    bare_set_cr4(b, RF_CR4_SMAP, 0);
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    RUN(b, stac_load_clac_load);
    expect_error(b, RF_PF, KERNEL(3 + 2 + 3), RF_PF_P);
    ck_assert(!(b->frame.rflags & RF_FLAG_AC));
}
/* SDM 2B, STAC: #UD by CPUID and CPL only; CR4.SMAP need not be set. */
CODE(stac_vmcall, "stac; vmcall");
CASE(stac_needs_no_cr4_smap, 0)
{
    bare_set_cr4(b, 0, RF_CR4_SMAP);
    RUN(b, stac_vmcall);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_int_eq(b->vector, -1);
    ck_assert(b->cpu->flags & RF_FLAG_AC);
}

CASE(stac_at_cpl3_is_ud, 3)
{
    RUN(b, stac_load_clac_load);
    expect_vector(b, RF_UD, USER(0));
}
CASE(smep_refuses_to_run_user_pages, 0)
{
    bare_set_cr4(b, RF_CR4_SMEP, 0);
    b->cpu->r[RF_RDI] = BARE_USER_TEXT;
    RUN(b, jmp_rdi);
    ck_assert_int_eq(b->vector, RF_PF);
    ck_assert_uint_eq(b->error_code, RF_PF_P | RF_PF_I);
    ck_assert_uint_eq(b->cpu->cr2, BARE_USER_TEXT);
}
CASE(without_smep_the_kernel_runs_user_pages, 0)
{
    bare_put(b, BARE_USER_TEXT, "\x0f\x01\xc1", 3);
    b->cpu->r[RF_RDI] = BARE_USER_TEXT;
    RUN(b, jmp_rdi);
    ck_assert_uint_eq(reg(b, RF_REG_IP), BARE_USER_TEXT + 3);
}

/* --- code: SDM 3A, 11.6 (self-modifying), page ends, limits --- */

CODE(modify_next, "movb $0x42, 1f+1(%rip); 1: mov $0x11, %al; int $0x80");
CASE(a_store_to_the_next_instruction_is_seen, 3)
{
    RUN(b, modify_next);
    ck_assert_uint_eq(reg(b, RF_RAX) & 0xff, 0x42);
}

CODE(modify_loop, "xor %eax, %eax; mov $5, %ecx; 2: add $1, %eax; incb 2b+2(%rip); dec %ecx; jnz 2b; int $0x80");
CASE(a_loop_that_rewrites_itself, 3)
{
    RUN(b, modify_loop);
    ck_assert_uint_eq(reg(b, RF_RAX), 1 + 2 + 3 + 4 + 5);
}

CASE(code_changed_between_runs_is_seen, 3)
{
    static const uint8_t first[] = { 0xb8, 1, 0, 0, 0, 0xcd, 0x80 }, second[] = { 0xb8, 2, 0, 0, 0, 0xcd, 0x80 };
    bare_run(b, first, sizeof first);
    ck_assert_uint_eq(reg(b, RF_RAX), 1);
    bare_put(b, BARE_USER_TEXT, second, sizeof second);
    bare_put(b, BARE_HANDLERS + 0x80 * 16, "\x48\xcf", 2); /* iretq, to the start */
    bare_write(b, reg(b, RF_RSP), BARE_USER_TEXT);
    bare_gate(b, 0x80, BARE_HANDLERS + 3 * 16, KERNEL_CODE, 0xe, 3, 0, true);
    b->cpu->r[RF_REG_IP] = BARE_HANDLERS + 0x80 * 16;
    bare_continue(b);
    ck_assert_uint_eq(reg(b, RF_RAX), 2);
}

CASE(instruction_across_a_page_end, 3)
{
    static const uint8_t move[] = { 0xb8, 0x78, 0x56, 0x34, 0x12, 0xcd, 0x80 };
    bare_put(b, BARE_USER_TEXT + 0xffe, move, sizeof move);
    b->cpu->r[RF_RDI] = BARE_USER_TEXT + 0xffe;
    RUN(b, jmp_rdi);
    ck_assert_int_eq(b->vector, 0x80);
    ck_assert_uint_eq(reg(b, RF_RAX), 0x12345678);
}

/* The fault is the second page's; RIP stays the instruction's. */
CASE(instruction_across_into_an_absent_page, 3)
{
    static const uint8_t move[] = { 0xb8, 0x78 };
    bare_put(b, BARE_ABSENT - 2, move, sizeof move);
    b->cpu->r[RF_RDI] = BARE_ABSENT - 2;
    RUN(b, jmp_rdi);
    expect_error(b, RF_PF, BARE_ABSENT - 2, RF_PF_U | RF_PF_I);
    ck_assert_uint_eq(b->cpu->cr2, BARE_ABSENT);
}

CODE(run_change_run, "mov %rdi, %rbx; mov %rdi, %rsi; movb $0x22, 1(%rsi); jmp *%rbx");
/* A change of the second page's bytes is seen by an instruction that begins in the first. */
CASE(change_behind_a_page_end_is_seen, 3)
{
    static const uint8_t move[] = { 0xb8, 0x11, 0, 0, 0, 0xcd, 0x80 };
    bare_put(b, BARE_USER_TEXT + 0xfff, move, sizeof move);
    b->cpu->r[RF_RDI] = BARE_USER_TEXT + 0xfff;
    RUN(b, run_change_run);
    ck_assert_uint_eq(reg(b, RF_RAX), 0x22);
}

/* SDM 2A, 2.3.11: longer than 15 bytes is #GP. */
CASE(sixteen_byte_instruction_is_gp, 3)
{
    uint8_t bytes[16];
    memset(bytes, 0x66, sizeof bytes);
    bytes[15] = 0x90;
    bare_run(b, bytes, sizeof bytes);
    expect_error(b, RF_GP, USER(0), 0);
}

/* That it is too long shows in the 15th byte: if that one cannot be fetched, #PF. */
static void run_too_long_at_absent_page(struct bare *b, unsigned visible)
{
    uint8_t bytes[16];
    memset(bytes, 0x66, sizeof bytes);
    bare_put(b, BARE_ABSENT - visible, bytes, visible);
    b->cpu->r[RF_RDI] = BARE_ABSENT - visible;
    RUN(b, jmp_rdi);
}
CASE(too_long_before_an_absent_page_is_gp, 3)
{
    run_too_long_at_absent_page(b, 15);
    expect_error(b, RF_GP, BARE_ABSENT - 15, 0);
}
CASE(fourteen_prefixes_before_an_absent_page_are_pf, 3)
{
    run_too_long_at_absent_page(b, 14);
    expect_error(b, RF_PF, BARE_ABSENT - 14, RF_PF_U | RF_PF_I);
    ck_assert_uint_eq(b->cpu->cr2, BARE_ABSENT);
}
/* Here prefixes, opcode, ModRM and SIB say already that there will be 20 bytes. */
CASE(a_length_known_too_soon_is_pf, 3)
{
    static const uint8_t add[] = { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                   0x81, 0x84, 0x27 };
    bare_put(b, BARE_ABSENT - sizeof add, add, sizeof add);
    b->cpu->r[RF_RDI] = BARE_ABSENT - sizeof add;
    RUN(b, jmp_rdi);
    expect_error(b, RF_PF, BARE_ABSENT - sizeof add, RF_PF_U | RF_PF_I);
}

CODE(call_remap_call, "call *%rdi; mov %eax, %ebx; mov %rdx, (%rsi); invlpg (%rdi); call *%rdi; vmcall");
/* Remapping the code page: INVLPG makes the new page's code run. */
CASE(remapped_code_is_seen_after_invlpg, 0)
{
    static const uint8_t one[] = { 0xb8, 1, 0, 0, 0, 0xc3 }, two[] = { 0xb8, 2, 0, 0, 0, 0xc3 };
    bare_put(b, BARE_KERNEL_PAGE, one, sizeof one);
    bare_put(b, BARE_KERNEL_PAGE + 0x1000, two, sizeof two);
    b->cpu->r[RF_RDI] = BARE_KERNEL_PAGE;
    b->cpu->r[RF_RSI] = BARE_PT + BARE_KERNEL_PAGE / RF_PAGE_SIZE * 8;
    b->cpu->r[RF_RDX] = (BARE_KERNEL_PAGE + 0x1000) | RF_PTE_P | RF_PTE_W;
    RUN(b, call_remap_call);
    ck_assert_uint_eq(reg(b, RF_RBX), 1);
    ck_assert_uint_eq(reg(b, RF_RAX), 2);
}

/* --- the door and limits --- */

CASE(vmcall_at_cpl0_opens_the_door, 0)
{
    RUN(b, vmcall_only);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_uint_eq(reg(b, RF_REG_IP), KERNEL(3));
}
CASE(vmcall_without_a_door_is_ud, 0)
{
    b->cpu->door = NULL;
    bare_put(b, BARE_HANDLERS + RF_UD * 16, "\xf4", 1); /* its handler cannot use the door either */
    RUN(b, vmcall_only);
    ck_assert_int_eq(b->stop, RF_STOP_HALT);
    ck_assert_uint_eq(b->cpu->counts.exceptions[RF_UD], 1);
}
CASE(cycle_limit_stops_a_loop, 3)
{
    b->cpu->stop_cycles = 5000;
    RUN(b, loop);
    ck_assert_int_eq(b->stop, RF_STOP_LIMIT);
    ck_assert_uint_ge(rf_cpu_cycles(b->cpu), 5000);
}
CASE(accounts_add_up, 3)
{
    RUN(b, user_syscall);
    uint64_t sum = 0;
    for (unsigned i = 0; i < RF_ACCOUNT_COUNT; i++)
        sum += b->cpu->account.cycles[i];
    ck_assert_uint_eq(sum, rf_cpu_cycles(b->cpu));
}

int main(void)
{
    const TTest *const all[] = {
        syscall_saves_rip_and_flags, syscall_keeps_rsp_and_pushes_nothing, syscall_loads_cs_and_ss_from_star,
        syscall_clears_the_flags_of_fmask, syscall_without_sce_is_ud, sysret_enters_cpl3,
        sysret_clears_rf_and_vm, sysret_to_noncanonical_is_gp_in_the_kernel, sysret_to_32_bit_code,
        sysret_at_cpl3_is_gp, sysret_without_sce_is_ud, amd_syscall_from_32_bit_code_goes_to_cstar,
        sysenter_loads_rip_rsp_and_clears_if, sysenter_with_a_null_cs_is_gp, sysexit_at_cpl3_is_gp,
        iret_to_cpl3_loads_everything, iret_at_cpl0_pops_rsp_too, iret_with_nt_is_gp, iret_to_a_null_cs_is_gp,
        iret_to_a_data_segment_is_gp, iret_beyond_the_gdt_is_gp, iret_to_an_absent_segment_is_np,
        iret_with_a_null_ss_to_cpl3_is_gp, iret_with_a_read_only_ss_is_gp, iret_with_an_absent_ss_is_ss,
        iret_with_ss_of_another_rpl_is_gp, iret_to_noncanonical_is_gp, iret_at_cpl3_cannot_set_if_or_iopl,
        iret_to_an_inner_ring_is_gp, iret_unblocks_nmi, iret_outward_drops_inner_data_segments,
        swapgs_exchanges_the_bases, swapgs_at_cpl3_is_gp, wrgsbase_works_at_cpl3,
        wrgsbase_without_fsgsbase_is_ud, wrgsbase_noncanonical_is_gp, popf_at_cpl3_cannot_change_if,
        cli_with_iopl_3_is_allowed, rdtsc_with_tsd_is_gp_at_cpl3, cr0_pg_without_pe_is_gp,
        cr0_nw_without_cd_is_gp, clearing_pae_in_long_mode_is_gp, reserved_cr4_bit_is_gp,
        lstar_must_be_canonical, unknown_msr_is_gp, wrmsr_sets_lstar, ds_may_be_null, ds_beyond_the_gdt_is_gp,
        absent_ds_is_np, null_ss_at_cpl0_is_allowed, null_ss_at_cpl3_is_gp, kernel_data_at_cpl3_is_gp,
        rep_ins_fills_with_ones, rep_outs_stops_at_the_absent_page, into_traps_when_of_is_set,
        into_goes_on_when_of_is_clear, smap_refuses_user_pages, stac_opens_user_pages_until_clac, stac_needs_no_cr4_smap, stac_at_cpl3_is_ud,
        smep_refuses_to_run_user_pages, without_smep_the_kernel_runs_user_pages,
        a_store_to_the_next_instruction_is_seen, a_loop_that_rewrites_itself, code_changed_between_runs_is_seen,
        instruction_across_a_page_end, instruction_across_into_an_absent_page, change_behind_a_page_end_is_seen,
        sixteen_byte_instruction_is_gp,
        too_long_before_an_absent_page_is_gp, fourteen_prefixes_before_an_absent_page_are_pf,
        a_length_known_too_soon_is_pf, remapped_code_is_seen_after_invlpg, vmcall_at_cpl0_opens_the_door,
        vmcall_without_a_door_is_ud, cycle_limit_stops_a_loop, accounts_add_up,
    };
    Suite *suite = suite_create("transitions");
    TCase *tests = tcase_create("transitions");
    ADD_ALL(tests, all);
    tcase_add_loop_test(tests, privileged_instruction_at_cpl3_is_gp, 0, sizeof privileged / sizeof *privileged);
    tcase_add_loop_test(tests, undefined_opcode_is_ud, 0, sizeof undefined / sizeof *undefined);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

/* Real-address mode on a bare machine (SDM 3B, 21.1; 2A and 2B, the instructions' real-address mode
 * exceptions; 3A, 9.1 and 9.9): power-on, segments, the vector table, what is undefined there, and the
 * way to protected and IA-32e mode that boot code takes. One case for each rule. */
#include "bare_modes.h"
#include "lib/suite.h"

#include <stdlib.h>

/* Linear address of SS:offset. */
#define STACK(offset) (0x20000 + (offset))

static uint16_t word(const struct bare *b, uint64_t at)
{
    return (uint16_t)bare_read(b, at);
}

/* --- power-on: SDM 3A, table 9-1 --- */

START_TEST(power_on)
{
    struct rf_ram ram;
    struct rf_error err = { 0 };
    struct rf_cpu *cpu = aligned_alloc(64, (sizeof *cpu + 63) / 64 * 64);
    memset(cpu, 0, sizeof *cpu);
    ck_assert_int_eq(rf_ram_create(&ram, 1 << 20, &err), RF_OK);
    ck_assert_int_eq(rf_cpu_init(cpu, &ram, &rf_cost_generic, &err), RF_OK);
    ck_assert_uint_eq(cpu->mmu.cr0, 0x60000010);
    ck_assert_uint_eq(cpu->mmu.cr4 | cpu->mmu.cr3 | cpu->mmu.efer | cpu->cr2, 0);
    ck_assert_uint_eq(rf_cpu_flags(cpu), 2);
    ck_assert_uint_eq(cpu->r[RF_REG_IP], 0xfff0);
    ck_assert_uint_eq(cpu->seg[RF_CS].selector, 0xf000);
    ck_assert_uint_eq(cpu->seg[RF_CS].base, 0xffff0000);
    ck_assert_uint_eq(cpu->seg[RF_DS].limit, 0xffff);
    ck_assert_uint_eq(cpu->idtr.limit, 0xffff);
    ck_assert_uint_eq(cpu->tr.limit, 0xffff);
    ck_assert_uint_eq(cpu->code_bits, 16);
    ck_assert_uint_eq(cpu->cpl, 0);
    rf_cpu_destroy(cpu);
    rf_ram_destroy(&ram);
    free(cpu);
}
END_TEST

/* --- segments --- */

/* SDM 3B, 21.1.1: the base is the selector times 16; limit and attributes stay. */
CODE16(load_ds, "mov $0x1234, %ax; mov %ax, %ds; vmcall");
REAL_CASE(a_segment_is_its_selector_times_16)
{
    RUN_REAL(b, load_ds);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].selector, 0x1234);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].base, 0x12340);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].limit, 0xffff);
}

/* No selector is null: SS may be 0. */
CODE16(load_ss_0, "xor %ax, %ax; mov %ax, %ss; nop; vmcall");
REAL_CASE(ss_may_be_0)
{
    RUN_REAL(b, load_ss_0);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->seg[RF_SEG_SS].base, 0);
    ck_assert(b->cpu->seg[RF_SEG_SS].attributes & RF_SEG_P);
}

CODE16(load_pointer, "lds 0x600, %si; les 0x604, %di; vmcall");
REAL_CASE(lds_and_les_load_bases)
{
    bare_write(b, 0x600, UINT64_C(0x4000002030000010));
    RUN_REAL(b, load_pointer);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].base, 0x30000);
    ck_assert_uint_eq(reg(b, RF_RSI) & 0xffff, 0x10);
    ck_assert_uint_eq(b->cpu->seg[RF_ES].selector, 0); /* read through the new DS */
}

/* SDM 2, real-address mode exceptions: an operand beyond FFFFH is #GP, in SS #SS, without codes. */
CODE16(load_ffff, "mov $0xffff, %bx; mov (%bx), %ax");
REAL_CASE(a_word_at_ffff_is_gp)
{
    RUN_REAL(b, load_ffff);
    expect_vector(b, RF_GP, 3);
    ck_assert_uint_eq(b->frame.cs, REAL_TEXT);
    ck_assert_uint_eq(reg(b, RF_RSP), REAL_STACK - 6);
}
CODE16(load_ss_ffff, "mov $0xffff, %bx; mov %ss:(%bx), %ax");
REAL_CASE(a_word_at_ss_ffff_is_ss)
{
    RUN_REAL(b, load_ss_ffff);
    expect_vector(b, RF_SS, 3);
}

/* SDM 3B, 21.1.1: no wrap at 1 MiB: FFFF:0010 is 100000H. */
CODE16(load_hma, "mov $0xffff, %ax; mov %ax, %ds; mov 0x10, %ax; vmcall");
REAL_CASE(addresses_go_beyond_1_mib)
{
    bare_write(b, 0x100000, 0xbeef);
    RUN_REAL(b, load_hma);
    ck_assert_uint_eq(reg(b, RF_RAX) & 0xffff, 0xbeef);
}

/* SDM 3A, 9.9.2: a far jump gives CS the rights of real-address mode: it may be written. */
CODE16(write_cs, "ljmp $0x1400, $5; movw $0x1234, %cs:0x100; vmcall");
REAL_CASE(cs_may_be_written)
{
    b->cpu->seg[RF_CS].attributes = 0x9b;
    rf_cpu_mode_changed(b->cpu);
    RUN_REAL(b, write_cs);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(word(b, BARE_KERNEL_TEXT + 0x100), 0x1234);
}

/* SP wraps within 64 KiB. */
CODE16(push_at_0, "xor %sp, %sp; push %ax; vmcall");
REAL_CASE(sp_wraps)
{
    b->cpu->r[RF_RAX] = 0x7777;
    RUN_REAL(b, push_at_0);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(reg(b, RF_RSP), 0xfffe);
    ck_assert_uint_eq(word(b, STACK(0xfffe)), 0x7777);
}

/* SDM 2B, PUSH: with SP = 1 the word would cross the end: #SS, and its frame does not fit either. */
CODE16(push_at_1, "mov $1, %sp; push %ax");
REAL_CASE(a_push_at_sp_1_shuts_down)
{
    RUN_REAL(b, push_at_1);
    ck_assert_int_eq(b->stop, RF_STOP_TRIPLE_FAULT);
}

/* --- the vector table: SDM 2A, INT n; 3B, 21.1.4 --- */

CODE16(int_80, "int $0x80");
REAL_CASE(int_pushes_flags_cs_ip_and_clears_if_tf_ac)
{
    rf_cpu_set_flags(b->cpu, RF_FLAG_FIXED | RF_FLAG_IF | RF_FLAG_AC | RF_FLAG_CF);
    RUN_REAL(b, int_80);
    expect_vector(b, 0x80, 2);
    ck_assert_uint_eq(b->frame.cs, REAL_TEXT);
    ck_assert_uint_eq(b->frame.rflags, RF_FLAG_FIXED | RF_FLAG_IF | RF_FLAG_CF);
    ck_assert_uint_eq(reg(b, RF_RSP), REAL_STACK - 6);
    ck_assert_uint_eq(rf_cpu_flags(b->cpu), RF_FLAG_FIXED | RF_FLAG_CF);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].selector, BARE_HANDLERS >> 4);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].base, BARE_HANDLERS);
}

CODE16(int_3, "int3");
REAL_CASE(int3_goes_to_vector_3) { RUN_REAL(b, int_3); expect_vector(b, RF_BP, 1); }

CODE16(into_16, "mov $0x7f, %al; inc %al; into");
REAL_CASE(into_goes_to_vector_4) { RUN_REAL(b, into_16); expect_vector(b, RF_OF, 5); }

CODE16(divide, "xor %cx, %cx; div %cx");
REAL_CASE(divide_error_saves_the_divs_ip) { RUN_REAL(b, divide); expect_vector(b, RF_DE, 2); }

CODE16(bound_16, "bound %ax, 0x600");
REAL_CASE(bound_goes_to_vector_5)
{
    bare_write(b, 0x600, 0x00020001);
    RUN_REAL(b, bound_16);
    expect_vector(b, RF_BR, 0);
}

/* SDM 3B, 21.1.4: LIDT moves the table. */
CODE16(lidt_int, "lidt 0x600; int $1");
REAL_CASE(the_table_is_at_idtr_base)
{
    const uint16_t entry[] = { 0x80 * 16, BARE_HANDLERS >> 4 };
    bare_write(b, 0x600, UINT64_C(0x30000) << 16 | 0x3ff);
    bare_put(b, 0x30004, entry, sizeof entry);
    RUN_REAL(b, lidt_int);
    expect_vector(b, 0x80, 7);
    ck_assert_uint_eq(b->cpu->idtr.base, 0x30000);
}

/* SDM 2A, INT n: beyond IDTR.limit is #GP, at the INT; here vector 13 is inside. */
REAL_CASE(an_int_beyond_the_limit_is_gp_at_the_int)
{
    b->cpu->idtr.limit = 0x80 * 4 + 2;
    RUN_REAL(b, int_80);
    expect_vector(b, RF_GP, 0);
}
/* One byte more and it is taken. */
REAL_CASE(an_int_that_ends_at_the_limit)
{
    b->cpu->idtr.limit = 0x80 * 4 + 3;
    RUN_REAL(b, int_80);
    expect_vector(b, 0x80, 2);
}

/* A table without even #GP and #DF: shutdown. */
REAL_CASE(an_empty_table_shuts_down)
{
    b->cpu->idtr.limit = 0;
    RUN_REAL(b, int_80);
    ck_assert_int_eq(b->stop, RF_STOP_TRIPLE_FAULT);
}

/* The frame wraps with SP, as pushes do. */
CODE16(int_at_2, "mov $2, %sp; int $0x80");
REAL_CASE(a_frame_wraps_with_sp)
{
    RUN_REAL(b, int_at_2);
    ck_assert_int_eq(b->vector, 0x80);
    ck_assert_uint_eq(reg(b, RF_RSP), 0xfffc);
    ck_assert_uint_eq(word(b, STACK(0xfffc)), 5);
    ck_assert_uint_eq(word(b, STACK(0xfffe)), REAL_TEXT);
    ck_assert_uint_eq(word(b, STACK(0)), RF_FLAG_FIXED);
}

CODE16(sti_nop, "sti; nop; 1: jmp 1b");
REAL_CASE(an_external_interrupt)
{
    b->cpu->interrupt_pending = true;
    b->cpu->interrupt_vector = 0x20;
    RUN_REAL(b, sti_nop);
    expect_vector(b, 0x20, 2);
    ck_assert(!(b->cpu->flags & RF_FLAG_IF));
}

REAL_CASE(a_single_step)
{
    rf_cpu_set_flags(b->cpu, RF_FLAG_FIXED | RF_FLAG_TF);
    RUN_REAL(b, load_ds);
    expect_vector(b, RF_DB, 3);
    ck_assert_uint_eq(b->frame.rflags, RF_FLAG_FIXED | RF_FLAG_TF);
    ck_assert(!(b->cpu->flags & RF_FLAG_TF));
}

/* --- IRET: SDM 2A --- */

CODE16(iret_16, "iret");
static void put_words(struct bare *b, uint16_t first, uint16_t second, uint16_t third)
{
    const uint16_t frame[] = { first, second, third };
    b->cpu->r[RF_RSP] = REAL_STACK - 6;
    bare_put(b, STACK(REAL_STACK - 6), frame, sizeof frame);
}
#define HERE 0x800 /* VMCALL there in the text */
static void put_stop(struct bare *b)
{
    bare_put(b, BARE_KERNEL_TEXT + HERE, "\x0f\x01\xc1", 3);
}
REAL_CASE(iret_pops_three_words)
{
    put_stop(b);
    put_words(b, HERE + 0x10, REAL_TEXT - 1, 0xffff & ~RF_FLAG_TF);
    RUN_REAL(b, iret_16);
    ck_assert_uint_eq(reg(b, RF_REG_IP), HERE + 0x13);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].selector, REAL_TEXT - 1);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].base, BARE_KERNEL_TEXT - 0x10);
    ck_assert_uint_eq(reg(b, RF_RSP), REAL_STACK);
    ck_assert_uint_eq(rf_cpu_flags(b->cpu), 0x7ed7); /* NT, IOPL and all below; bit 15 is not there */
}

/* NT means nothing here. */
REAL_CASE(iret_ignores_nt)
{
    put_stop(b);
    put_words(b, HERE, REAL_TEXT, 2);
    b->cpu->flags |= RF_FLAG_NT;
    RUN_REAL(b, iret_16);
    ck_assert_uint_eq(reg(b, RF_REG_IP), HERE + 3);
}

/* SDM 2A, IRET: a 32-bit one keeps VM, VIF and VIP: mask 257FD5H. */
CODE16(iret_32, "iretl");
REAL_CASE(iretd_keeps_vm_vif_vip)
{
    const uint32_t frame[] = { HERE, REAL_TEXT, UINT32_MAX & ~RF_FLAG_TF & ~RF_FLAG_AC };
    put_stop(b);
    b->cpu->r[RF_RSP] = REAL_STACK - 12;
    bare_put(b, STACK(REAL_STACK - 12), frame, sizeof frame);
    RUN_REAL(b, iret_32);
    ck_assert_uint_eq(reg(b, RF_REG_IP), HERE + 3);
    ck_assert_uint_eq(rf_cpu_flags(b->cpu) & (RF_FLAG_VM | RF_FLAG_VIF | RF_FLAG_VIP), 0);
    ck_assert(b->cpu->flags & RF_FLAG_ID);
    ck_assert_uint_eq(reg(b, RF_RSP), REAL_STACK);
}
/* EIP beyond CS.limit is #GP. */
REAL_CASE(iretd_beyond_the_limit_is_gp)
{
    const uint32_t frame[] = { 0x10000, REAL_TEXT, 2 };
    b->cpu->r[RF_RSP] = REAL_STACK - 12;
    bare_put(b, STACK(REAL_STACK - 12), frame, sizeof frame);
    RUN_REAL(b, iret_32);
    expect_vector(b, RF_GP, 0);
    ck_assert_uint_eq(reg(b, RF_RSP), REAL_STACK - 12 - 6);
}
REAL_CASE(iret_unblocks_nmi_in_real_mode)
{
    put_stop(b);
    put_words(b, HERE, REAL_TEXT, 2);
    b->cpu->nmi_blocked = true;
    RUN_REAL(b, iret_16);
    ck_assert(!b->cpu->nmi_blocked);
}

/* --- far transfers: SDM 2A, JMP and CALL; 2B, RET --- */

CODE16(jump_far, "ljmp $0x13ff, $0x810");
REAL_CASE(a_far_jump)
{
    put_stop(b);
    RUN_REAL(b, jump_far);
    ck_assert_uint_eq(reg(b, RF_REG_IP), 0x813);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].base, 0x13ff0);
}
CODE16(call_far, "lcall $0x13ff, $0x810");
REAL_CASE(a_far_call)
{
    put_stop(b);
    RUN_REAL(b, call_far);
    ck_assert_uint_eq(reg(b, RF_REG_IP), 0x813);
    ck_assert_uint_eq(reg(b, RF_RSP), REAL_STACK - 4);
    ck_assert_uint_eq(bare_slot(b, 0, 2), 5);
    ck_assert_uint_eq(bare_slot(b, 1, 2), REAL_TEXT);
}
CODE16(call_far_32, "lcalll $0x13ff, $0x810");
REAL_CASE(a_far_call_with_a_32_bit_operand)
{
    put_stop(b);
    RUN_REAL(b, call_far_32);
    ck_assert_uint_eq(reg(b, RF_RSP), REAL_STACK - 8);
    ck_assert_uint_eq(bare_slot(b, 0, 4), 8);
    ck_assert_uint_eq(bare_slot(b, 1, 4), REAL_TEXT);
}
CODE16(jump_far_32, "ljmpl $0x1400, $0x10000");
REAL_CASE(a_far_jump_beyond_the_limit_is_gp) { RUN_REAL(b, jump_far_32); expect_vector(b, RF_GP, 0); }
CODE16(call_beyond, "lcalll $0x1400, $0x10000");
REAL_CASE(a_far_call_beyond_the_limit_pushes_nothing)
{
    RUN_REAL(b, call_beyond);
    expect_vector(b, RF_GP, 0);
    ck_assert_uint_eq(reg(b, RF_RSP), REAL_STACK - 6);
}
CODE16(ret_far, "lret $4");
REAL_CASE(a_far_return_releases_parameters)
{
    put_stop(b);
    put_words(b, HERE, REAL_TEXT, 0);
    RUN_REAL(b, ret_far);
    ck_assert_uint_eq(reg(b, RF_REG_IP), HERE + 3);
    ck_assert_uint_eq(reg(b, RF_RSP), REAL_STACK + 2);
}

/* --- what is not there: SDM 2, real-address mode exceptions --- */

static const struct {
    const char *name;
    uint8_t size, code[6];
    int vector;
} missing[] = {
    { "sldt ax", 3, { 0x0f, 0x00, 0xc0 }, RF_UD },
    { "str ax", 3, { 0x0f, 0x00, 0xc8 }, RF_UD },
    { "lldt ax", 3, { 0x0f, 0x00, 0xd0 }, RF_UD },
    { "ltr ax", 3, { 0x0f, 0x00, 0xd8 }, RF_UD },
    { "verr ax", 3, { 0x0f, 0x00, 0xe0 }, RF_UD },
    { "verw ax", 3, { 0x0f, 0x00, 0xe8 }, RF_UD },
    { "lar ax, ax", 3, { 0x0f, 0x02, 0xc0 }, RF_UD },
    { "lsl ax, ax", 3, { 0x0f, 0x03, 0xc0 }, RF_UD },
    { "arpl ax, ax", 2, { 0x63, 0xc0 }, RF_UD },
    { "sldt [0]", 4, { 0x0f, 0x00, 0x06, 0 }, RF_UD },
    { "verr [0]", 4, { 0x0f, 0x00, 0x26, 0 }, RF_UD },
    { "lar ax, [0]", 4, { 0x0f, 0x02, 0x06, 0 }, RF_UD },
    { "arpl [0], ax", 4, { 0x63, 0x06, 0, 0 }, RF_UD },
    { "syscall", 2, { 0x0f, 0x05 }, RF_UD },
    { "sysenter", 2, { 0x0f, 0x34 }, RF_GP },
    { "sysexit", 2, { 0x0f, 0x35 }, RF_GP },
    { "andn eax, eax, eax (VEX)", 5, { 0xc4, 0xe2, 0x78, 0xf2, 0xc0 }, RF_UD },
    { "vxorps xmm0, xmm0, xmm0", 4, { 0xc5, 0xf8, 0x57, 0xc0 }, RF_UD },
};
START_TEST(not_in_real_mode)
{
    struct bare b;
    bare_create(&b, 0);
    bare_enter_real(&b);
    rf_mmu_set_cr4(&b.cpu->mmu, b.cpu->mmu.cr4 | RF_CR4_OSXSAVE);
    b.cpu->xcr0 = 7;
    rf_cpu_mode_changed(b.cpu);
    bare_run_real(&b, missing[_i].code, missing[_i].size);
    ck_assert_msg(b.vector == missing[_i].vector && b.frame.rip == 0, "%s: vector %d at %#llx", missing[_i].name,
                  b.vector, (unsigned long long)b.frame.rip);
    bare_destroy(&b);
}
END_TEST

/* --- tables and the machine status word --- */

/* SDM 2A, LGDT: 24 bits of base, or 32 with a 32-bit operand size. */
CODE16(lgdt_16, "lgdt 0x600; vmcall");
REAL_CASE(lgdt_loads_24_bits)
{
    bare_write(b, 0x600, UINT64_C(0xab654321) << 16 | 0x1234);
    RUN_REAL(b, lgdt_16);
    ck_assert_uint_eq(b->cpu->gdtr.base, 0x654321);
    ck_assert_uint_eq(b->cpu->gdtr.limit, 0x1234);
}
CODE16(lgdt_32, "lgdtl 0x600; vmcall");
REAL_CASE(lgdt_with_a_prefix_loads_32_bits)
{
    bare_write(b, 0x600, UINT64_C(0xab654321) << 16 | 0x1234);
    RUN_REAL(b, lgdt_32);
    ck_assert_uint_eq(b->cpu->gdtr.base, 0xab654321);
}
CODE16(smsw_16, "smsw %ax; vmcall");
REAL_CASE(smsw_shows_pe_clear)
{
    RUN_REAL(b, smsw_16);
    ck_assert_uint_eq(reg(b, RF_RAX) & 1, 0);
}
CODE16(move_cr0, "mov %cr0, %eax; vmcall");
REAL_CASE(control_registers_are_read_with_32_bits)
{
    b->cpu->r[RF_RAX] = UINT64_MAX;
    RUN_REAL(b, move_cr0);
    ck_assert_uint_eq(reg(b, RF_RAX), b->cpu->mmu.cr0);
}

/* --- to protected mode: SDM 3A, 9.9.1 --- */

CODE16(set_pe, "mov %cr0, %eax; or $1, %al; mov %eax, %cr0; vmcall");
REAL_CASE(pe_alone_keeps_segments_and_size)
{
    RUN_REAL(b, set_pe);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert(b->cpu->mmu.cr0 & RF_CR0_PE);
    ck_assert_uint_eq(b->cpu->code_bits, 16);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].base, BARE_KERNEL_TEXT);
    ck_assert_uint_eq(b->cpu->cpl, 0);
}
CODE16(lmsw_pe, "mov $1, %ax; lmsw %ax; ljmpl $0x60, $0x14800");
REAL_CASE(lmsw_sets_pe_and_a_far_jump_enters_32_bit_code)
{
    put_stop(b);
    RUN_REAL(b, lmsw_pe);
    ck_assert_uint_eq(reg(b, RF_REG_IP), 0x14803);
    ck_assert_uint_eq(b->cpu->code_bits, 32);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].selector, KERNEL_CODE32);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].limit, UINT32_MAX);
}
/* CR0.PG without PE is #GP. */
CODE16(set_pg, "mov $0x80000010, %eax; mov %eax, %cr0");
REAL_CASE(pg_without_pe_is_gp) { RUN_REAL(b, set_pg); expect_vector(b, RF_GP, 6); }

/* "Unreal" mode: limits loaded in protected mode stay (SDM 3A, 9.9.2, asks to load others first). */
CODE16(unreal, "mov %cr0, %eax; or $1, %al; mov %eax, %cr0; mov $0x10, %bx; mov %bx, %ds;"
               "and $0xfe, %al; mov %eax, %cr0; xor %bx, %bx; mov %bx, %ds; mov $0x130000, %ebx; mov (%ebx), %edx; vmcall");
REAL_CASE(limits_of_protected_mode_stay)
{
    bare_write(b, 0x130000, 0xcafebabe);
    RUN_REAL(b, unreal);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(reg(b, RF_RDX), 0xcafebabe);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].base, 0);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].limit, UINT32_MAX);
    ck_assert(rf_cpu_is_real(b->cpu));
}

/* The whole way up, as boot code goes it: A20 aside, GDT, PE, 32-bit code, page tables, IA-32e mode,
 * 64-bit code (SDM 3A, 9.8.5). */
#define TO(offset) ".fill " offset " - (. - boot), 1, 0x90\n"
CODE16(boot, "lgdtl %cs:0x180; mov %cr0, %eax; or $1, %al; mov %eax, %cr0; ljmpl $0x60, $0x14040\n" TO("0x40")
             ".code32\n mov $0x10, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %ss; mov $0x1f000, %esp;"
             "mov %cr4, %eax; or $0x20, %eax; mov %eax, %cr4; mov $0x1000, %eax; mov %eax, %cr3;"
             "mov $0xc0000080, %ecx; rdmsr; or $0x100, %eax; wrmsr;"
             "mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0; ljmp $0x08, $0x140c0\n" TO("0xc0")
             ".code64\n mov $0x1122334455667788, %rax; push %rax; pop %r9; vmcall\n" TO("0x180")
             ".word 0x6f; .long 0x8000");
REAL_CASE(boot_code_goes_from_real_to_64_bit_mode)
{
    b->cpu->seg[RF_DS].limit = 0xffff;
    RUN_REAL(b, boot);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->code_bits, 64);
    ck_assert(b->cpu->mmu.efer & RF_EFER_LMA);
    ck_assert_uint_eq(reg(b, RF_R9), UINT64_C(0x1122334455667788));
    ck_assert_uint_eq(reg(b, RF_RSP), 0x1f000);
}

int main(void)
{
    const TTest *const all[] = {
        power_on, a_segment_is_its_selector_times_16, ss_may_be_0, lds_and_les_load_bases, a_word_at_ffff_is_gp,
        a_word_at_ss_ffff_is_ss, addresses_go_beyond_1_mib, cs_may_be_written, sp_wraps,
        a_push_at_sp_1_shuts_down, int_pushes_flags_cs_ip_and_clears_if_tf_ac, int3_goes_to_vector_3,
        into_goes_to_vector_4, divide_error_saves_the_divs_ip, bound_goes_to_vector_5, the_table_is_at_idtr_base,
        an_int_beyond_the_limit_is_gp_at_the_int, an_int_that_ends_at_the_limit, an_empty_table_shuts_down,
        a_frame_wraps_with_sp, an_external_interrupt, a_single_step, iret_pops_three_words, iret_ignores_nt,
        iretd_keeps_vm_vif_vip, iretd_beyond_the_limit_is_gp, iret_unblocks_nmi_in_real_mode, a_far_jump, a_far_call,
        a_far_call_with_a_32_bit_operand, a_far_jump_beyond_the_limit_is_gp,
        a_far_call_beyond_the_limit_pushes_nothing, a_far_return_releases_parameters, lgdt_loads_24_bits,
        lgdt_with_a_prefix_loads_32_bits, smsw_shows_pe_clear, control_registers_are_read_with_32_bits,
        pe_alone_keeps_segments_and_size, lmsw_sets_pe_and_a_far_jump_enters_32_bit_code, pg_without_pe_is_gp,
        limits_of_protected_mode_stay, boot_code_goes_from_real_to_64_bit_mode,
    };
    Suite *suite = suite_create("real-mode");
    TCase *tests = tcase_create("real-mode");
    ADD_ALL(tests, all);
    tcase_add_loop_test(tests, not_in_real_mode, 0, (int)RF_ARRAY_SIZE(missing));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

/* Protected mode outside IA-32e mode on a bare machine: 8-byte gates and stacks of the 32-bit TSS (SDM
 * 3A, 6.11 to 6.13; 2A, INT n), double and triple faults, SYSENTER, table registers, and the switches
 * to IA-32e mode and back with what they refuse (3A, 9.8.5; 2A, MOV to control registers). One case for
 * each rule. */
#include "bare_modes.h"
#include "lib/suite.h"

CODE32(int_80, "int $0x80");
CODE32(int_81, "int $0x81");
CODE32(ud, "nop; ud2");

/* --- delivery --- */

/* SDM 3A, 6.12.1: from CPL 3 on SS0:ESP0: SS, ESP, EFLAGS, CS, EIP of 4 bytes. */
LEGACY_CASE(int_from_cpl_3, 3)
{
    b->cpu->flags |= RF_FLAG_NT;
    RUN(b, int_80);
    expect_vector(b, 0x80, USER(2));
    ck_assert_uint_eq(b->frame.cs, USER_CODE32);
    ck_assert_uint_eq(b->frame.rflags, RF_FLAG_FIXED | RF_FLAG_IF | RF_FLAG_NT);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
    ck_assert_uint_eq(b->frame.ss, USER_DATA);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 20);
    ck_assert_uint_eq(b->cpu->seg[RF_SEG_SS].selector, KERNEL_DATA);
    ck_assert_uint_eq(b->cpu->cpl, 0);
    ck_assert(!(b->cpu->flags & (RF_FLAG_IF | RF_FLAG_NT)));
}

/* SDM 3A, 6.12.1: at the same level there is no SS:ESP, and nothing is aligned. */
LEGACY_CASE(an_exception_at_cpl_0, 0)
{
    b->cpu->r[RF_RSP] = BARE_KERNEL_STACK - 1;
    RUN(b, ud);
    expect_vector(b, RF_UD, KERNEL(1));
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_KERNEL_STACK - 13);
    ck_assert_uint_eq(b->frame.cs, KERNEL_CODE32);
}

/* SDM 3A, 6.12.1.2: a trap gate leaves IF. */
LEGACY_CASE(a_32_bit_trap_gate, 3)
{
    bare_gate32(b, 0x80, BARE_HANDLERS + 0x800, KERNEL_CODE32, 0xef);
    RUN(b, int_80);
    expect_vector(b, 0x80, USER(2));
    ck_assert(b->cpu->flags & RF_FLAG_IF);
}

/* SDM 3A, 6.11: 16-bit gates: words of 2 bytes, 16 bits of offset. */
static void sixteen_bit_gate(struct bare *b, unsigned access)
{
    bare_descriptor(b, FREE, bare_segment((uint32_t)BARE_HANDLERS, 0xffff, 0x9a, 4), 0);
    bare_gate32(b, 0x80, 0xffff0000 | 0x800, FREE, access);
}
LEGACY_CASE(a_16_bit_interrupt_gate, 3)
{
    sixteen_bit_gate(b, 0xe6);
    RUN(b, int_80);
    ck_assert_uint_eq(reg(b, RF_REG_IP), 0x807);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 10);
    ck_assert_uint_eq(bare_slot(b, 0, 2), USER(2) & 0xffff);
    ck_assert_uint_eq(bare_slot(b, 1, 2), USER_CODE32);
    ck_assert_uint_eq(bare_slot(b, 2, 2), RF_FLAG_FIXED | RF_FLAG_IF);
    ck_assert_uint_eq(bare_slot(b, 3, 2), BARE_USER_STACK & 0xffff);
    ck_assert_uint_eq(bare_slot(b, 4, 2), USER_DATA);
    ck_assert(!(b->cpu->flags & RF_FLAG_IF));
}
LEGACY_CASE(a_16_bit_trap_gate, 3)
{
    sixteen_bit_gate(b, 0xe7);
    RUN(b, int_80);
    ck_assert_uint_eq(reg(b, RF_REG_IP), 0x807);
    ck_assert(b->cpu->flags & RF_FLAG_IF);
}
CODE32(load_beyond, "mov %ds:0, %eax");
/* Its error code has 2 bytes, too. */
LEGACY_CASE(an_error_code_through_a_16_bit_gate, 3)
{
    bare_descriptor(b, FREE, bare_segment((uint32_t)BARE_HANDLERS, 0xffff, 0x9a, 4), 0);
    bare_gate32(b, RF_GP, RF_GP * 16, FREE, 0x86);
    b->cpu->seg[RF_DS] = (struct rf_segment){ 0 };
    rf_cpu_mode_changed(b->cpu);
    RUN(b, load_beyond);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 12);
    ck_assert_uint_eq(bare_slot(b, 0, 2), 0);
    ck_assert_uint_eq(bare_slot(b, 1, 2), USER(0) & 0xffff);
}

/* SDM 3A, 6.12.1.1: to conforming code CPL and stack stay. */
LEGACY_CASE(a_conforming_handler_keeps_cpl_and_stack, 3)
{
    bare_descriptor(b, FREE, FLAT(0x9e, 0xc), 0);
    bare_gate32(b, 0x80, BARE_USER_TEXT + 64, FREE, 0xee);
    bare_put(b, BARE_USER_TEXT + 64, "\xcd\x81", 2);
    bare_gate32(b, 0x81, BARE_HANDLERS + 0x810, KERNEL_CODE32, 0xee);
    RUN(b, int_80);
    expect_vector(b, 0x81, BARE_USER_TEXT + 66);
    ck_assert_uint_eq(b->frame.cs, FREE | 3);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK - 12);
    ck_assert_uint_eq(b->frame.ss, USER_DATA);
}

static const struct refusal {
    const char *rule;
    unsigned access;
    uint16_t selector;
    uint32_t offset, idt_limit;
    int vector;
    uint32_t error;
} refusals[] = {
    { "2A INT n: gate DPL < CPL is #GP(vector)", 0x8e, KERNEL_CODE32, 0x10000, 0x7ff, RF_GP, 0x81 * 8 + 2 },
    { "an absent gate is #NP(vector)", 0x6e, KERNEL_CODE32, 0x10000, 0x7ff, RF_NP, 0x81 * 8 + 2 },
    { "privilege comes before presence", 0x0e, KERNEL_CODE32, 0x10000, 0x7ff, RF_GP, 0x81 * 8 + 2 },
    { "a call gate is #GP(vector)", 0xec, KERNEL_CODE32, 0x10000, 0x7ff, RF_GP, 0x81 * 8 + 2 },
    { "a code segment is #GP(vector)", 0xfe, KERNEL_CODE32, 0x10000, 0x7ff, RF_GP, 0x81 * 8 + 2 },
    { "3A 6.10: 8 bytes must be within IDTR.limit", 0xee, KERNEL_CODE32, 0x10000, 0x81 * 8 + 6, RF_GP, 0x81 * 8 + 2 },
    { "8 bytes just within it", 0xee, KERNEL_CODE32, 0x10000, 0x81 * 8 + 7, 0, 0 },
    { "a null selector is #GP(0)", 0xee, 0, 0x10000, 0x7ff, RF_GP, 0 },
    { "a selector beyond the GDT is #GP(selector)", 0xee, 0x2000, 0x10000, 0x7ff, RF_GP, 0x2000 },
    { "a selector of an LDT that is not there", 0xee, 0x0c, 0x10000, 0x7ff, RF_GP, 0x0c },
    { "a data segment is #GP(selector)", 0xee, KERNEL_DATA, 0x10000, 0x7ff, RF_GP, KERNEL_DATA },
    { "an absent code segment is #NP(selector)", 0xee, ABSENT_CODE, 0x10000, 0x7ff, RF_NP, ABSENT_CODE },
    { "a handler beyond CS.limit is #GP(0)", 0xee, FREE, 0x1000, 0x7ff, RF_GP, 0 },
    { "3A 3.4.5: L means nothing", 0xee, KERNEL_CODE, 0x10000, 0x7ff, 0, 0 },
};
START_TEST(refused_gates)
{
    const struct refusal *r = &refusals[_i];
    struct bare b;
    bare_create(&b, 3);
    bare_enter_legacy(&b, 3);
    bare_descriptor(&b, FREE, bare_segment(0, 0xfff, 0x9a, 4), 0);
    bare_gate32(&b, 0x81, r->offset, r->selector, r->access);
    b.cpu->idtr.limit = (uint16_t)r->idt_limit;
    RUN(&b, int_81);
    ck_assert_msg(b.vector == r->vector && b.error_code == r->error, "%s: %s(%#x)", r->rule,
                  b.vector < 0 ? "nothing" : rf_vector_name((unsigned)b.vector), b.error_code);
    ck_assert_msg(b.frame.rip == USER(r->vector ? 0 : 2), "%s: eip %#llx", r->rule, (unsigned long long)b.frame.rip);
    bare_destroy(&b);
}
END_TEST

/* SDM 3A, 6.13: EXT is set when an exception, not INT n, was on its way. */
LEGACY_CASE(ext_is_set_for_exceptions, 3)
{
    bare_gate32(b, RF_UD, BARE_HANDLERS, KERNEL_CODE32, 0x0e);
    RUN(b, ud);
    expect_error(b, RF_NP, USER(1), RF_UD * 8 + 2 + 1);
}

/* A task gate is #GP(vector), and a report. */
LEGACY_CASE(a_task_gate_is_reported, 3)
{
    unsigned reports;
    bare_count_unimplemented(b, &reports);
    bare_gate32(b, 0x80, 0, TSS_SELECTOR, 0xe5);
    RUN(b, int_80);
    expect_error(b, RF_GP, USER(0), 0x80 * 8 + 2);
    ck_assert_uint_eq(reports, 1);
}

/* SDM 3A, 6.12.1: the new stack must hold the frame: #SS(SS0), the INT's own. */
LEGACY_CASE(a_frame_beyond_the_new_stack_is_ss, 3)
{
    bare_descriptor(b, FREE, bare_segment(0x30000, 0xfff, 0x96, 4), 0); /* expand-down: from 1000H */
    bare_stack32(b, 0, FREE, 0x1013);                                   /* 19 of 20 bytes */
    bare_descriptor(b, FREE2, FLAT(0x9e, 0xc), 0);
    bare_gate32(b, RF_SS, BARE_USER_TEXT + 64, FREE2, 0x8e); /* conforming: on the user stack */
    bare_put(b, BARE_USER_TEXT + 64, "\xeb\xfe", 2);
    b->cpu->stop_cycles = 100000;
    RUN(b, int_80);
    ck_assert_int_eq(b->stop, RF_STOP_LIMIT);
    ck_assert_uint_eq(reg(b, RF_REG_IP), BARE_USER_TEXT + 64);
    ck_assert_uint_eq(bare_slot(b, 0, 4), FREE);
    ck_assert_uint_eq(bare_slot(b, 1, 4), USER(0));
}

/* SDM 3A, table 6-5: a contributory fault while #GP is delivered is #DF with error code 0. */
LEGACY_CASE(a_double_fault, 3)
{
    bare_gate32(b, RF_GP, BARE_HANDLERS, KERNEL_CODE32, 0x0e);
    RUN(b, int_81); /* #GP by DPL; its gate is absent */
    expect_error(b, RF_DF, USER(0), 0);
}
LEGACY_CASE(a_triple_fault, 3)
{
    b->cpu->idtr.limit = 0;
    RUN(b, ud);
    ck_assert_int_eq(b->stop, RF_STOP_TRIPLE_FAULT);
    ck_assert(strstr(b->cpu->stop_text, "#DF"));
}

CODE32(sti_wait, "sti; nop; 1: jmp 1b");
LEGACY_CASE(an_external_interrupt_in_32_bit_code, 0)
{
    b->cpu->interrupt_pending = true;
    b->cpu->interrupt_vector = 0x20;
    RUN(b, sti_wait);
    expect_vector(b, 0x20, KERNEL(2));
}

/* --- SYSENTER and SYSCALL: SDM 2B --- */

CODE32(sysenter_32, "sysenter");
LEGACY_CASE(sysenter_loads_32_bits, 3)
{
    b->cpu->sysenter_eip = UINT64_C(0xabcd00000000) | BARE_SYSENTER;
    b->cpu->sysenter_esp = UINT64_C(0xabcd00000000) | BARE_RSP0;
    RUN(b, sysenter_32);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_uint_eq(reg(b, RF_REG_IP), BARE_SYSENTER + 3);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0);
    ck_assert_uint_eq(b->cpu->code_bits, 32);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].selector, KERNEL_CODE);
}
CODE32(sysexit_32, "sysexit");
LEGACY_CASE(sysexit_returns_to_32_bit_code, 0)
{
    b->cpu->r[RF_RDX] = BARE_USER_TEXT;
    b->cpu->r[RF_RCX] = BARE_USER_STACK;
    bare_put(b, BARE_USER_TEXT, "\xcd\x80", 2);
    RUN(b, sysexit_32);
    expect_vector(b, 0x80, USER(2));
    ck_assert_uint_eq(b->frame.cs, (KERNEL_CODE + 16) | 3);
    ck_assert_uint_eq(b->frame.ss, (KERNEL_CODE + 24) | 3);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
}
CODE32(syscall_32, "syscall");
LEGACY_CASE(syscall_is_ud, 3) { RUN(b, syscall_32); expect_vector(b, RF_UD, USER(0)); }
CODE32(sysret_32, "sysret");
LEGACY_CASE(sysret_is_ud, 0) { RUN(b, sysret_32); expect_vector(b, RF_UD, KERNEL(0)); }

/* --- far transfers --- */

CODE32(jump_l, "ljmp $0x08, $0x14100");
/* SDM 3A, 3.4.5: L and D: D alone counts, so 64-bit code's descriptor makes 16-bit code. */
LEGACY_CASE(a_far_jump_to_code_with_l, 0)
{
    bare_put(b, 0x14100, "\x0f\x01\xc1", 3);
    RUN(b, jump_l);
    ck_assert_uint_eq(reg(b, RF_REG_IP), 0x14103);
    ck_assert_uint_eq(b->cpu->code_bits, 16);
}
CODE32(call_same, "lcall $0x60, $0x14100");
LEGACY_CASE(a_far_call_pushes_8_bytes, 0)
{
    bare_put(b, 0x14100, "\x0f\x01\xc1", 3);
    RUN(b, call_same);
    ck_assert_uint_eq(reg(b, RF_REG_IP), 0x14103);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_KERNEL_STACK - 8);
    ck_assert_uint_eq(bare_slot(b, 0, 4), KERNEL(7));
    ck_assert_uint_eq(bare_slot(b, 1, 4), KERNEL_CODE32);
}

/* --- registers --- */

CODE32(tables, "lgdt 0x130000; lidt 0x130010; sgdt 0x130020; sidt 0x130030; vmcall");
LEGACY_CASE(tables_have_32_bit_bases, 0)
{
    bare_write(b, 0x130000, UINT64_C(0x87654321) << 16 | 0x111);
    bare_write(b, 0x130010, UINT64_C(0xfedcba98) << 16 | 0x222);
    bare_write(b, 0x130020, UINT64_MAX);
    RUN(b, tables);
    ck_assert_uint_eq(b->cpu->gdtr.base, 0x87654321);
    ck_assert_uint_eq(b->cpu->idtr.limit, 0x222);
    ck_assert_uint_eq(bare_read(b, 0x130020), UINT64_C(0xffff876543210111));
    ck_assert_uint_eq(bare_read(b, 0x130030) & UINT64_C(0xffffffffffff), UINT64_C(0xfedcba980222));
}

/* SDM 3A, 3.3: linear addresses have 32 bits: a table may wrap. */
CODE32(load_es, "mov %ax, %es; vmcall");
LEGACY_CASE(a_descriptor_address_wraps_at_4_gib, 0)
{
    b->cpu->gdtr = (struct rf_table_register){ 0xfffffff0, 0xffff };
    b->cpu->r[RF_RAX] = (BARE_GDT + KERNEL_DATA + 0x10) & 0xfff8;
    RUN(b, load_es);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->seg[RF_ES].limit, UINT32_MAX);
}

/* SDM 3A, 3.4.2: a null DS may be loaded but not used; a null SS is #GP(0). */
CODE32(use_null_ds, "xor %eax, %eax; mov %ax, %ds; mov (%eax), %al");
LEGACY_CASE(a_null_ds_is_gp_at_its_use, 0) { RUN(b, use_null_ds); expect_error(b, RF_GP, KERNEL(4), 0); }
CODE32(null_ss, "xor %eax, %eax; mov %ax, %ss");
LEGACY_CASE(a_null_ss_is_gp, 0) { RUN(b, null_ss); expect_error(b, RF_GP, KERNEL(2), 0); }

/* Upper halves of registers, which 64-bit code left, do not count. */
CODE32(read_cr3, "mov %cr3, %eax; mov %ebx, %cr3; vmcall");
LEGACY_CASE(control_registers_move_32_bits, 0)
{
    b->cpu->r[RF_RAX] = UINT64_MAX;
    b->cpu->r[RF_RBX] = UINT64_C(0xffffffff00005000);
    RUN(b, read_cr3);
    ck_assert_uint_eq(reg(b, RF_RAX), BARE_PML4);
    ck_assert_uint_eq(b->cpu->mmu.cr3, 0x5000);
}

/* --- to IA-32e mode and back: SDM 3A, 9.8.5 --- */

CODE32(set_cr0, "mov %ebx, %cr0; vmcall");
#define PAGING (RF_CR0_PE | RF_CR0_ET | RF_CR0_WP | RF_CR0_PG)
static void ready_for_ia32e(struct bare *b)
{
    rf_mmu_set_cr4(&b->cpu->mmu, RF_CR4_PAE);
    rf_mmu_set_efer(&b->cpu->mmu, RF_EFER_LME);
    b->cpu->r[RF_RBX] = PAGING;
}

/* 9.8.5, steps 2 to 4: PG with LME sets LMA; the code is compatibility mode's. */
LEGACY_CASE(pg_with_lme_activates_ia32e_mode, 0)
{
    ready_for_ia32e(b);
    RUN(b, set_cr0);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->mmu.efer, RF_EFER_LME | RF_EFER_LMA);
    ck_assert_uint_eq(b->cpu->code_bits, 32);
}
/* 2A, MOV to CR0: without CR4.PAE it is #GP(0). */
LEGACY_CASE(pg_with_lme_without_pae_is_gp, 0)
{
    ready_for_ia32e(b);
    rf_mmu_set_cr4(&b->cpu->mmu, 0);
    RUN(b, set_cr0);
    expect_error(b, RF_GP, KERNEL(0), 0);
    ck_assert_uint_eq(b->cpu->mmu.efer, RF_EFER_LME);
}
/* With CS.L it is #GP(0). */
LEGACY_CASE(pg_with_lme_and_cs_l_is_gp, 0)
{
    ready_for_ia32e(b);
    b->cpu->seg[RF_CS].attributes |= RF_SEG_L;
    RUN(b, set_cr0);
    expect_error(b, RF_GP, KERNEL(0), 0);
}
/* With a 16-bit TSS in TR it is #GP(0). */
LEGACY_CASE(pg_with_lme_and_a_16_bit_tss_is_gp, 0)
{
    ready_for_ia32e(b);
    b->cpu->tr.attributes = 0x83;
    RUN(b, set_cr0);
    expect_error(b, RF_GP, KERNEL(0), 0);
    ck_assert(!(b->cpu->mmu.efer & RF_EFER_LMA));
}
/* 9.8.5.4: compatibility code clears PG, which clears LMA: 32-bit code goes on. */
CODE32(leave, "mov $0x11, %eax; mov %eax, %cr0; mov $0xc0000080, %ecx; rdmsr; vmcall");
CASE(clearing_pg_leaves_ia32e_mode, 0)
{
    b->cpu->seg[RF_CS] = (struct rf_segment){ KERNEL_CODE32, 0x9b | RF_SEG_DB | RF_SEG_G, UINT32_MAX, 0 };
    rf_cpu_mode_changed(b->cpu);
    RUN(b, leave);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_uint_eq(reg(b, RF_RAX), RF_EFER_LME | RF_EFER_NXE | RF_EFER_SCE);
    ck_assert(rf_cpu_is_legacy(b->cpu));
}
/* 2A, MOV to CR0: from 64-bit code it is #GP(0). */
CODE(leave_64, "mov $0x11, %eax; mov %rax, %cr0");
CASE(clearing_pg_in_64_bit_mode_is_gp, 0) { RUN(b, leave_64); expect_error(b, RF_GP, KERNEL(5), 0); }
/* With CR4.PCIDE it is #GP(0). */
CASE(clearing_pg_with_pcide_is_gp, 0)
{
    bare_set_cr4(b, RF_CR4_PCIDE, 0);
    b->cpu->seg[RF_CS] = (struct rf_segment){ KERNEL_CODE32, 0x9b | RF_SEG_DB | RF_SEG_G, UINT32_MAX, 0 };
    rf_cpu_mode_changed(b->cpu);
    RUN(b, leave);
    expect_error(b, RF_GP, KERNEL(5), 0);
}

static const struct {
    const char *rule;
    bool legacy;
    uint64_t cr4;
    bool refused;
} cr4_rules[] = {
    { "4.1.1: PAE must stay set in IA-32e mode", false, RF_CR4_OSFXSR, true },
    { "2A MOV CR: LA57 cannot change in IA-32e mode", false, RF_CR4_PAE | RF_CR4_LA57, true },
    { "4.10.1: PCIDE may be set in IA-32e mode", false, RF_CR4_PAE | RF_CR4_PCIDE, false },
    { "4.10.1: PCIDE cannot be set outside IA-32e mode", true, RF_CR4_PAE | RF_CR4_PCIDE, true },
    { "LA57 may change outside IA-32e mode", true, RF_CR4_PAE | RF_CR4_LA57, false },
    { "PAE may change outside IA-32e mode", true, 0, false },
    { "PSE may be set", true, RF_CR4_PSE, false },
    { "a reserved bit is #GP(0)", true, UINT64_C(1) << 15, true },
};
CODE32(set_cr4, "mov %ebx, %cr4; vmcall");
CODE(set_cr4_64, "mov %rbx, %cr4; vmcall");
START_TEST(cr4_by_mode)
{
    struct bare b;
    bare_create(&b, 0);
    if (cr4_rules[_i].legacy)
        bare_enter_legacy(&b, 0);
    uint64_t before = b.cpu->mmu.cr4;
    b.cpu->r[RF_RBX] = cr4_rules[_i].cr4;
    if (cr4_rules[_i].legacy)
        RUN(&b, set_cr4);
    else
        RUN(&b, set_cr4_64);
    ck_assert_msg(b.vector == (cr4_rules[_i].refused ? RF_GP : -1), "%s", cr4_rules[_i].rule);
    ck_assert_msg(b.cpu->mmu.cr4 == (cr4_rules[_i].refused ? before : cr4_rules[_i].cr4), "%s", cr4_rules[_i].rule);
    bare_destroy(&b);
}
END_TEST

/* SDM 3A, 2.2.1: EFER.LME cannot change while paging is on; LMA is not written. */
CODE(set_efer, "mov $0xc0000080, %ecx; xor %edx, %edx; wrmsr; vmcall");
CASE(lme_cannot_change_while_paging, 0)
{
    b->cpu->r[RF_RAX] = RF_EFER_LMA | RF_EFER_NXE;
    RUN(b, set_efer);
    expect_error(b, RF_GP, KERNEL(7), 0);
}
CODE32(set_efer_32, "mov $0xc0000080, %ecx; xor %edx, %edx; wrmsr; vmcall");
LEGACY_CASE(lma_is_not_written, 0)
{
    b->cpu->r[RF_RAX] = RF_EFER_LME | RF_EFER_LMA;
    RUN(b, set_efer_32);
    ck_assert_uint_eq(b->cpu->mmu.efer, RF_EFER_LME);
}

/* SDM 3A, 9.9.2: PE cannot be cleared while PG is set. */
LEGACY_CASE(clearing_pe_alone_with_pg_is_gp, 0)
{
    ready_for_ia32e(b);
    RUN(b, set_cr0);
    b->cpu->r[RF_RBX] = RF_CR0_PG | RF_CR0_ET;
    bare_gate(b, RF_GP, BARE_HANDLERS + RF_GP * 16, KERNEL_CODE, 0xe, 0, 0, true);
    b->cpu->idtr.limit = 0xfff;
    RUN(b, set_cr0);
    expect_error(b, RF_GP, KERNEL(0), 0);
}
/* SDM 3A, 9.9.2: back to real-address mode: PE, a far jump, segments. */
CODE32(to_real, "ljmp $0x70, $7; .code16; mov %cr0, %eax; and $0xfe, %al; mov %eax, %cr0; ljmp $0x1400, $20;"
                "mov $0x1234, %ax; mov %ax, %ds; vmcall; .code32");
LEGACY_CASE(back_to_real_mode, 0)
{
    bare_descriptor(b, FREE, bare_segment((uint32_t)BARE_KERNEL_TEXT, 0xffff, 0x9a, 0), 0);
    RUN(b, to_real);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert(rf_cpu_is_real(b->cpu));
    ck_assert_uint_eq(b->cpu->seg[RF_CS].selector, 0x1400);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].base, 0x12340);
}

int main(void)
{
    const TTest *const all[] = {
        int_from_cpl_3, an_exception_at_cpl_0, a_32_bit_trap_gate, a_16_bit_interrupt_gate, a_16_bit_trap_gate,
        an_error_code_through_a_16_bit_gate, a_conforming_handler_keeps_cpl_and_stack, ext_is_set_for_exceptions,
        a_task_gate_is_reported, a_frame_beyond_the_new_stack_is_ss, a_double_fault, a_triple_fault,
        an_external_interrupt_in_32_bit_code, sysenter_loads_32_bits, sysexit_returns_to_32_bit_code, syscall_is_ud,
        sysret_is_ud, a_far_jump_to_code_with_l, a_far_call_pushes_8_bytes, tables_have_32_bit_bases,
        a_descriptor_address_wraps_at_4_gib, a_null_ds_is_gp_at_its_use, a_null_ss_is_gp,
        control_registers_move_32_bits, pg_with_lme_activates_ia32e_mode, pg_with_lme_without_pae_is_gp,
        pg_with_lme_and_cs_l_is_gp, pg_with_lme_and_a_16_bit_tss_is_gp, clearing_pg_leaves_ia32e_mode,
        clearing_pg_in_64_bit_mode_is_gp, clearing_pg_with_pcide_is_gp, lme_cannot_change_while_paging,
        lma_is_not_written, clearing_pe_alone_with_pg_is_gp, back_to_real_mode,
    };
    Suite *suite = suite_create("legacy-mode");
    TCase *tests = tcase_create("legacy-mode");
    ADD_ALL(tests, all);
    tcase_add_loop_test(tests, refused_gates, 0, (int)RF_ARRAY_SIZE(refusals));
    tcase_add_loop_test(tests, cr4_by_mode, 0, (int)RF_ARRAY_SIZE(cr4_rules));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

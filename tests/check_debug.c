/* Debug registers on a bare machine: what MOV DR keeps and refuses, breakpoints on execution, data
 * and ports, and how they combine. One case for each rule; chapters are those of SDM 3B, 18. */
#include "bare_case.h"
#include "lib/suite.h"

enum condition { EXECUTE, WRITE, PORT, ACCESS };
#define DATA BARE_USER_DATA
#define DR6_CLEAR UINT64_C(0xffff0ff0)
#define B(n) (UINT64_C(1) << (n))
#define BD (UINT64_C(1) << 13)
#define BS (UINT64_C(1) << 14)
#define IRETQ "\x48\xcf"
#define GD (UINT64_C(1) << 13)

/* Breakpoint n, locally enabled: on 1, 2, 4 or 8 bytes. */
static void breakpoint(struct bare *b, unsigned n, uint64_t at, enum condition condition, unsigned bytes)
{
    const uint64_t length = bytes == 8 ? 2 : bytes - 1;
    b->cpu->dr[n] = at;
    b->cpu->dr[7] |= UINT64_C(1) << 2 * n | (uint64_t)condition << (16 + 4 * n) | length << (18 + 4 * n);
    rf_cpu_mode_changed(b->cpu);
}

static uint64_t rf_of(const struct bare *b) { return b->frame.rflags & RF_FLAG_RF; }

/* #DB at an address, for reasons. */
static void expect_debug(const struct bare *b, uint64_t rip, uint64_t why)
{
    expect_vector(b, RF_DB, rip);
    ck_assert(!b->has_error_code);
    ck_assert_uint_eq(b->cpu->dr[6], DR6_CLEAR | why);
}

/* --- MOV DR --- */

CODE(write_dr6, "mov %rax, %dr6; mov %dr6, %rbx; ud2");
CODE(write_dr7, "mov %rax, %dr7; mov %dr7, %rbx; ud2");

/* 18.2.3: bits 4 to 11 and 16 to 31 are 1, bit 12 is 0; B0 to B3, BD, BS and BT can be written. */
CASE(dr6_has_fixed_bits, 0)
{
    b->cpu->r[RF_RAX] = UINT32_MAX;
    RUN(b, write_dr6);
    ck_assert_uint_eq(reg(b, RF_RBX), 0xffffefff);
    b->cpu->r[RF_RAX] = 0;
    RUN(b, write_dr6);
    ck_assert_uint_eq(reg(b, RF_RBX), 0xffff0ff0);
}

/* 18.2.4: bit 10 is 1, bits 11, 12, 14 and 15 are 0; LE and GE are kept. */
CASE(dr7_has_fixed_bits, 0)
{
    b->cpu->r[RF_RAX] = 0xffffdf00; /* without GD and enables */
    RUN(b, write_dr7);
    ck_assert_uint_eq(reg(b, RF_RBX), 0xffff0700);
    b->cpu->r[RF_RAX] = 0;
    RUN(b, write_dr7);
    ck_assert_uint_eq(reg(b, RF_RBX), 0x400);
}

/* 18.2.6: a write of 1 to the upper half of DR6 or DR7 is #GP(0); DR0 to DR3 have 64 bits. */
CASE(upper_halves_of_dr6_and_dr7_are_gp, 0)
{
    b->cpu->r[RF_RAX] = UINT64_C(1) << 32;
    RUN(b, write_dr6);
    expect_error(b, RF_GP, KERNEL(0), 0);
    RUN(b, write_dr7);
    expect_error(b, RF_GP, KERNEL(0), 0);
}
CODE(write_dr3, "mov %rax, %dr3; mov %dr3, %rbx; ud2");
CASE(addresses_have_64_bits, 0)
{
    b->cpu->r[RF_RAX] = UINT64_C(0xffff800000000123);
    RUN(b, write_dr3);
    ck_assert_uint_eq(reg(b, RF_RBX), UINT64_C(0xffff800000000123));
}

/* 18.2.2: DR4 and DR5 are DR6 and DR7, or with CR4.DE undefined. */
CODE(write_db4, ".byte 0x0f, 0x23, 0xe0; ud2"); /* mov %rax, %db4 */
CODE(read_db5, ".byte 0x0f, 0x21, 0xeb; ud2");  /* mov %db5, %rbx */
CASE(dr4_and_dr5_are_dr6_and_dr7, 0)
{
    b->cpu->r[RF_RAX] = 5;
    RUN(b, write_db4);
    ck_assert_uint_eq(b->cpu->dr[6], DR6_CLEAR | 5);
    b->cpu->dr[7] = 0x700;
    RUN(b, read_db5);
    ck_assert_uint_eq(reg(b, RF_RBX), 0x700);
}
CASE(dr4_and_dr5_are_undefined_with_de, 0)
{
    bare_set_cr4(b, RF_CR4_DE, 0);
    RUN(b, write_db4);
    expect_vector(b, RF_UD, KERNEL(0));
    RUN(b, read_db5);
    expect_vector(b, RF_UD, KERNEL(0));
}
CASE(mov_dr_at_cpl3_is_gp, 3)
{
    b->cpu->dr[7] |= GD;
    RUN(b, write_dr6);
    expect_error(b, RF_GP, USER(0), 0);
}

/* 18.3.1.3: general detect is a fault of the MOV, which changes nothing. */
CODE(read_dr0, "nop; mov %dr0, %rbx; ud2");
CASE(general_detect_is_a_fault, 0)
{
    b->cpu->dr[7] |= GD;
    b->cpu->r[RF_RAX] = 0;
    RUN(b, write_dr7);
    expect_debug(b, KERNEL(0), BD);
    ck_assert(rf_of(b));
    b->cpu->dr[6] = DR6_CLEAR;
    b->cpu->dr[7] |= GD;
    b->cpu->r[RF_RBX] = 77;
    RUN(b, read_dr0);
    expect_debug(b, KERNEL(1), BD);
    ck_assert_uint_eq(reg(b, RF_RBX), 77);
}
/* 18.2.4: GD is cleared on the way into the handler, so that it can use the registers. */
CASE(gd_is_clear_in_the_handler, 0)
{
    b->cpu->dr[7] |= GD;
    RUN(b, read_dr0);
    ck_assert_uint_eq(b->cpu->dr[7], 0x400);
}

/* --- breakpoints on execution --- */

CODE(four_instructions, "inc %eax; inc %eax; inc %eax; ud2");

/* 18.3.1.1: a fault, before the instruction; RF is saved as it was. */
CASE(execution_breakpoint_is_a_fault, 3)
{
    b->cpu->r[RF_RAX] = 0;
    breakpoint(b, 2, USER(4), EXECUTE, 1);
    RUN(b, four_instructions);
    expect_debug(b, USER(4), B(2));
    ck_assert_uint_eq(reg(b, RF_RAX), 2);
    ck_assert(!rf_of(b));
}
/* 18.2.4: L or G enables it. */
CASE(either_enable_bit_enables, 3)
{
    b->cpu->dr[1] = USER(2);
    b->cpu->dr[7] |= 8; /* G1 */
    rf_cpu_mode_changed(b->cpu);
    RUN(b, four_instructions);
    expect_debug(b, USER(2), B(1));
}
CASE(a_breakpoint_that_is_not_enabled_is_none, 3)
{
    b->cpu->dr[1] = USER(2);
    b->cpu->dr[7] |= 4 << 2; /* L2, not L1 */
    rf_cpu_mode_changed(b->cpu);
    RUN(b, four_instructions);
    expect_vector(b, RF_UD, USER(6));
}
/* 18.2.5: only the first byte of an instruction. */
CASE(execution_breakpoint_within_an_instruction_is_none, 3)
{
    breakpoint(b, 0, USER(3), EXECUTE, 1);
    RUN(b, four_instructions);
    expect_vector(b, RF_UD, USER(6));
}
/* 18.3.1.1: RF in the image of IRET holds back the breakpoint of the instruction it returns to,
 * and of none after it. */
CODE(loop_back, "inc %eax; jmp loop_back");
CASE(rf_holds_back_one_breakpoint, 3)
{
    b->cpu->r[RF_RAX] = 0;
    breakpoint(b, 0, USER(0), EXECUTE, 1);
    RUN(b, loop_back);
    expect_debug(b, USER(0), B(0));
    bare_put(b, BARE_KERNEL_TEXT, IRETQ, 2);
    bare_write(b, reg(b, RF_RSP) + 16, b->frame.rflags | RF_FLAG_RF);
    b->cpu->r[RF_REG_IP] = BARE_KERNEL_TEXT;
    bare_continue(b);
    expect_debug(b, USER(0), B(0));
    ck_assert_uint_eq(reg(b, RF_RAX), 1);
    ck_assert(!rf_of(b));
}
/* Without breakpoints RF is clear again by the time anything can see it. */
CASE(rf_does_not_stay, 3)
{
    RUN(b, four_instructions);
    bare_put(b, BARE_KERNEL_TEXT, IRETQ, 2);
    bare_write(b, reg(b, RF_RSP), USER(64));
    bare_put(b, USER(64), "\x90\xcc", 2); /* nop; int3 */
    b->cpu->r[RF_REG_IP] = BARE_KERNEL_TEXT;
    ck_assert(rf_of(b));
    bare_continue(b);
    expect_vector(b, RF_BP, USER(66));
    ck_assert(!rf_of(b));
}
/* 3A, table 6-2: code breakpoints come before page faults of the fetch, and before #UD. */
CASE(execution_breakpoint_comes_before_a_refused_fetch, 3)
{
    CODE(jump_rax, "jmp *%rax");
    b->cpu->r[RF_RAX] = BARE_NX;
    breakpoint(b, 3, BARE_NX, EXECUTE, 1);
    RUN(b, jump_rax);
    expect_debug(b, BARE_NX, B(3));
}
CASE(execution_breakpoint_comes_before_ud, 3)
{
    breakpoint(b, 3, USER(0), EXECUTE, 1);
    CODE(no_instruction, ".byte 0x06; nop");
    RUN(b, no_instruction);
    expect_debug(b, USER(0), B(3));
}
/* A breakpoint set while blocks of its page are decoded and linked. */
CODE(set_and_run, "mov %rax, %dr0; call 1f; mov %rbx, %dr7; call 1f; ud2; 1: inc %ecx; inc %ecx; ret");
CASE(mov_dr7_acts_at_once, 0)
{
    const uint64_t target = KERNEL(set_and_run_end - set_and_run - 3);
    b->cpu->r[RF_RAX] = target;
    b->cpu->r[RF_RBX] = 1;
    b->cpu->r[RF_RCX] = 0;
    RUN(b, set_and_run);
    expect_debug(b, target, B(0));
    ck_assert_uint_eq(reg(b, RF_RCX), 3);
}

/* --- breakpoints on data --- */

CODE(store_byte, "movb $1, (%rdi); nop; ud2");
CODE(store_8, "mov %rax, (%rdi); ud2");
CODE(load_8, "mov (%rdi), %rax; ud2");

/* 18.3.1.2: a trap: the instruction is done, the saved RIP is the next one's. */
CASE(data_breakpoint_is_a_trap, 3)
{
    b->cpu->r[RF_RDI] = DATA;
    breakpoint(b, 1, DATA, WRITE, 1);
    RUN(b, store_byte);
    expect_debug(b, USER(3), B(1));
    ck_assert_uint_eq(bare_read(b, DATA), 1);
    ck_assert(!rf_of(b));
}
/* 18.2.4: on writes only, or on reads and writes. */
CASE(write_breakpoint_is_not_for_reads, 3)
{
    b->cpu->r[RF_RDI] = DATA;
    breakpoint(b, 1, DATA, WRITE, 8);
    RUN(b, load_8);
    expect_vector(b, RF_UD, USER(3));
    ck_assert_uint_eq(b->cpu->dr[6], DR6_CLEAR);
}
CASE(access_breakpoint_is_for_both, 0)
{
    b->cpu->r[RF_RDI] = DATA;
    breakpoint(b, 0, DATA, ACCESS, 8);
    RUN(b, load_8);
    expect_debug(b, KERNEL(3), B(0));
    b->cpu->dr[6] = DR6_CLEAR;
    RUN(b, store_8);
    expect_debug(b, KERNEL(3), B(0));
}
/* 18.2.5: any byte of the access that is one of the breakpoint's; the address is aligned to the
 * length. */
static bool hits(struct bare *b, uint64_t at, unsigned bytes, uint64_t access)
{
    b->cpu->dr[7] = 0x400;
    b->cpu->dr[6] = DR6_CLEAR;
    breakpoint(b, 0, at, WRITE, bytes);
    b->cpu->r[RF_RDI] = access;
    RUN(b, store_byte);
    return b->vector == RF_DB;
}
CASE(a_breakpoint_has_its_length, 0)
{
    for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
        ck_assert(!hits(b, DATA + 64, bytes, DATA + 63));
        ck_assert(hits(b, DATA + 64, bytes, DATA + 64));
        ck_assert(hits(b, DATA + 64, bytes, DATA + 64 + bytes - 1));
        ck_assert(!hits(b, DATA + 64, bytes, DATA + 64 + bytes));
        ck_assert(hits(b, DATA + 64 + bytes - 1, bytes, DATA + 64));
    }
}
CASE(a_wide_access_meets_a_narrow_breakpoint, 3)
{
    b->cpu->r[RF_RDI] = DATA;
    breakpoint(b, 0, DATA + 7, WRITE, 1);
    RUN(b, store_8);
    expect_debug(b, USER(3), B(0));
}
/* Every way of access: stack, read-modify-write, strings, vectors, x87. */
#define WAY(name, text, length)                                                           \
    CODE(name##_code, text "; ud2");                                                      \
    CASE(name, 3)                                                                         \
    {                                                                                     \
        b->cpu->r[RF_RDI] = DATA;                                                         \
        b->cpu->r[RF_RSI] = DATA + 256;                                                   \
        breakpoint(b, 0, DATA + 4, WRITE, 4);                                             \
        RUN(b, name##_code);                                                              \
        expect_debug(b, USER(length), B(0));                                              \
    }
WAY(data_breakpoint_on_rmw, "lock incl 4(%rdi)", 4)
WAY(data_breakpoint_on_movsq, "movsq", 2)
WAY(data_breakpoint_on_movups, "movups %xmm0, (%rdi)", 3)
WAY(data_breakpoint_on_fnstcw, "fnstcw 4(%rdi)", 3)
WAY(data_breakpoint_on_fxsave, "fxsave (%rdi)", 3)
WAY(data_breakpoint_on_cmpxchg, "cmpxchg %eax, 4(%rdi)", 4)
CODE(push_rax, "push %rax; ud2");
CASE(data_breakpoint_on_push, 3)
{
    breakpoint(b, 0, BARE_USER_STACK - 8, WRITE, 8);
    RUN(b, push_rax);
    expect_debug(b, USER(1), B(0));
}
/* 18.3.1.2: an instruction that faults has not met its breakpoint. */
CASE(no_data_breakpoint_when_the_instruction_faults, 3)
{
    CODE(move_to_absent, "movsq; ud2");
    b->cpu->r[RF_RSI] = DATA;
    b->cpu->r[RF_RDI] = BARE_ABSENT;
    breakpoint(b, 0, DATA, ACCESS, 8);
    RUN(b, move_to_absent);
    expect_vector(b, RF_PF, USER(0));
    ck_assert_uint_eq(b->cpu->dr[6], DR6_CLEAR);
    ck_assert(rf_of(b));
}
/* 18.3.1.2: a repeated string instruction traps after the iteration; with more to come RF is
 * saved as 1 (18.3.1.1), after the last one not. */
CODE(rep_stosb, "rep stosb; ud2");
CASE(rep_traps_after_the_iteration, 3)
{
    b->cpu->r[RF_RDI] = DATA;
    b->cpu->r[RF_RCX] = 10;
    breakpoint(b, 0, DATA + 3, WRITE, 1);
    RUN(b, rep_stosb);
    expect_debug(b, USER(0), B(0));
    ck_assert_uint_eq(reg(b, RF_RCX), 6);
    ck_assert_uint_eq(reg(b, RF_RDI), DATA + 4);
    ck_assert(rf_of(b));
}
CASE(rep_traps_after_the_last_iteration, 3)
{
    b->cpu->r[RF_RDI] = DATA;
    b->cpu->r[RF_RCX] = 4;
    breakpoint(b, 0, DATA + 3, WRITE, 1);
    RUN(b, rep_stosb);
    expect_debug(b, USER(2), B(0));
    ck_assert_uint_eq(reg(b, RF_RCX), 0);
    ck_assert(!rf_of(b));
}
/* 18.3.1.1: the breakpoint of a repeated instruction is met once. */
CASE(rep_meets_its_own_breakpoint_once, 0)
{
    CODE(rep_at, "rep stosb; ud2");
    b->cpu->r[RF_RDI] = DATA;
    b->cpu->r[RF_RCX] = 4;
    breakpoint(b, 0, KERNEL(0), EXECUTE, 1);
    b->cpu->flags |= RF_FLAG_RF;
    RUN(b, rep_at);
    expect_vector(b, RF_UD, KERNEL(2));
}

/* --- breakpoints on ports --- */

CODE(in_port, "inb $0x70, %al; ud2");
CODE(out_port, "outl %eax, %dx; ud2");
CODE(rep_outsb, "rep outsb; ud2");

/* 18.2.4: with CR4.DE a breakpoint may be on a port; a trap. */
CASE(port_breakpoint, 0)
{
    bare_set_cr4(b, RF_CR4_DE, 0);
    breakpoint(b, 0, 0x70, PORT, 1);
    RUN(b, in_port);
    expect_debug(b, KERNEL(2), B(0));
    b->cpu->dr[6] = DR6_CLEAR;
    b->cpu->r[RF_RDX] = 0x6e;
    RUN(b, out_port);
    expect_debug(b, KERNEL(1), B(0));
}
CASE(port_breakpoint_needs_de, 0)
{
    breakpoint(b, 0, 0x70, PORT, 1);
    RUN(b, in_port);
    expect_vector(b, RF_UD, KERNEL(2));
}
CASE(port_breakpoint_is_not_for_memory, 0)
{
    bare_set_cr4(b, RF_CR4_DE, 0);
    breakpoint(b, 0, DATA, PORT, 8);
    b->cpu->r[RF_RDI] = DATA;
    RUN(b, store_byte);
    expect_vector(b, RF_UD, KERNEL(4));
}
CASE(port_breakpoint_of_rep_outs_traps_after_each, 0)
{
    bare_set_cr4(b, RF_CR4_DE, 0);
    breakpoint(b, 0, 0x70, PORT, 1);
    b->cpu->r[RF_RSI] = DATA;
    b->cpu->r[RF_RCX] = 3;
    b->cpu->r[RF_RDX] = 0x70;
    RUN(b, rep_outsb);
    expect_debug(b, KERNEL(0), B(0));
    ck_assert_uint_eq(reg(b, RF_RCX), 2);
}

/* --- combinations --- */

/* 18.2.3: one #DB tells of every breakpoint, and of a single step. */
CASE(two_breakpoints_and_a_step_are_one_exception, 3)
{
    b->cpu->r[RF_RDI] = DATA;
    breakpoint(b, 0, DATA, WRITE, 1);
    breakpoint(b, 3, DATA, ACCESS, 8);
    b->cpu->flags |= RF_FLAG_TF;
    rf_cpu_mode_changed(b->cpu);
    RUN(b, store_byte);
    expect_debug(b, USER(3), B(0) | B(3) | BS);
}
/* 3A, table 6-2: the trap of one instruction comes before the breakpoint of the next. */
CASE(a_trap_comes_before_the_next_breakpoint, 3)
{
    b->cpu->r[RF_RDI] = DATA;
    breakpoint(b, 0, DATA, WRITE, 1);
    breakpoint(b, 1, USER(3), EXECUTE, 1);
    RUN(b, store_byte);
    expect_debug(b, USER(3), B(0));
}
/* 18.2.3: B0 to B3 tell of the last exception; the processor never clears the others. */
CASE(dr6_keeps_all_but_the_breakpoints, 3)
{
    b->cpu->dr[6] |= B(3) | BS | BD;
    breakpoint(b, 0, USER(2), EXECUTE, 1);
    RUN(b, four_instructions);
    expect_debug(b, USER(2), B(0) | BS | BD);
}

/* 3A, 6.8.3: MOV SS holds debug traps back until the next instruction has ended. */
CODE(load_ss, "mov (%rdi), %ss; inc %ecx; ud2");
CASE(mov_ss_postpones_a_data_breakpoint, 0)
{
    b->cpu->r[RF_RDI] = DATA;
    b->cpu->r[RF_RCX] = 0;
    bare_write(b, DATA, KERNEL_DATA);
    breakpoint(b, 0, DATA, ACCESS, 2);
    RUN(b, load_ss);
    expect_debug(b, KERNEL(4), B(0));
    ck_assert_uint_eq(reg(b, RF_RCX), 1);
}
CASE(mov_ss_postpones_a_single_step, 0)
{
    b->cpu->r[RF_RDI] = DATA;
    bare_write(b, DATA, KERNEL_DATA);
    b->cpu->flags |= RF_FLAG_TF;
    rf_cpu_mode_changed(b->cpu);
    RUN(b, load_ss);
    expect_debug(b, KERNEL(4), BS);
}
/* 18.3.1.1: it suppresses the breakpoint of the instruction after it. */
CASE(mov_ss_suppresses_the_next_breakpoint, 0)
{
    b->cpu->r[RF_RDI] = DATA;
    bare_write(b, DATA, KERNEL_DATA);
    breakpoint(b, 0, KERNEL(2), EXECUTE, 1);
    RUN(b, load_ss);
    expect_vector(b, RF_UD, KERNEL(4));
}
/* STI delays interrupts, not traps. */
CASE(sti_does_not_postpone_a_single_step, 0)
{
    CODE(sti_nop, "sti; nop; ud2");
    b->cpu->flags &= ~RF_FLAG_IF;
    b->cpu->flags |= RF_FLAG_TF;
    rf_cpu_mode_changed(b->cpu);
    RUN(b, sti_nop);
    expect_debug(b, KERNEL(1), BS);
}

/* 18.3.1.4, and 2A, INT n: INT1 is a trap that tells nothing in DR6. */
CASE(int1_leaves_dr6, 3)
{
    CODE(icebp, ".byte 0xf1; nop");
    RUN(b, icebp);
    expect_debug(b, USER(1), 0);
}

/* 2A, HLT: a debug exception ends it. */
CASE(single_step_wakes_hlt, 0)
{
    CODE(hlt_nop, "hlt; nop");
    b->cpu->flags |= RF_FLAG_TF;
    rf_cpu_mode_changed(b->cpu);
    RUN(b, hlt_nop);
    expect_debug(b, KERNEL(1), BS);
}

/* --- TF at SYSCALL and SYSRET: AMD APM 2, 13.1.4 --- */

CODE(stepped_syscall, "syscall");
CODE(stepping_sysret, "sysretq");

CASE(a_syscall_that_clears_tf_is_not_trapped, 3)
{
    b->cpu->flags |= RF_FLAG_TF;
    b->cpu->fmask = RF_FLAG_TF;
    RUN(b, stepped_syscall);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(reg(b, RF_REG_IP), BARE_SYSCALL + 3);
    ck_assert(reg(b, RF_R11) & RF_FLAG_TF);
}

CASE(a_syscall_that_keeps_tf_traps_at_its_target, 3)
{
    b->cpu->flags |= RF_FLAG_TF;
    b->cpu->fmask = 0;
    RUN(b, stepped_syscall);
    expect_vector(b, RF_DB, BARE_SYSCALL);
}

CASE(a_sysret_that_sets_tf_traps_before_the_next_instruction, 0)
{
    bare_put(b, BARE_USER_TEXT, "\x90\xcd\x80", 3);
    b->cpu->r[RF_RCX] = BARE_USER_TEXT;
    b->cpu->r[RF_R11] = RF_FLAG_FIXED | RF_FLAG_IF | RF_FLAG_TF;
    RUN(b, stepping_sysret);
    expect_vector(b, RF_DB, USER(0));
    ck_assert_uint_eq(b->frame.cs, USER_CODE);
}

int main(void)
{
    const TTest *const all[] = {
        a_syscall_that_clears_tf_is_not_trapped, a_syscall_that_keeps_tf_traps_at_its_target,
        a_sysret_that_sets_tf_traps_before_the_next_instruction,
        dr6_has_fixed_bits, dr7_has_fixed_bits, upper_halves_of_dr6_and_dr7_are_gp, addresses_have_64_bits,
        dr4_and_dr5_are_dr6_and_dr7, dr4_and_dr5_are_undefined_with_de, mov_dr_at_cpl3_is_gp,
        general_detect_is_a_fault, gd_is_clear_in_the_handler, execution_breakpoint_is_a_fault,
        either_enable_bit_enables, a_breakpoint_that_is_not_enabled_is_none,
        execution_breakpoint_within_an_instruction_is_none, rf_holds_back_one_breakpoint, rf_does_not_stay,
        execution_breakpoint_comes_before_a_refused_fetch, execution_breakpoint_comes_before_ud,
        mov_dr7_acts_at_once, data_breakpoint_is_a_trap, write_breakpoint_is_not_for_reads,
        access_breakpoint_is_for_both, a_breakpoint_has_its_length, a_wide_access_meets_a_narrow_breakpoint,
        data_breakpoint_on_rmw, data_breakpoint_on_movsq, data_breakpoint_on_movups,
        data_breakpoint_on_fnstcw, data_breakpoint_on_fxsave, data_breakpoint_on_cmpxchg,
        data_breakpoint_on_push, no_data_breakpoint_when_the_instruction_faults,
        rep_traps_after_the_iteration, rep_traps_after_the_last_iteration, rep_meets_its_own_breakpoint_once,
        port_breakpoint, port_breakpoint_needs_de, port_breakpoint_is_not_for_memory,
        port_breakpoint_of_rep_outs_traps_after_each, two_breakpoints_and_a_step_are_one_exception,
        a_trap_comes_before_the_next_breakpoint, dr6_keeps_all_but_the_breakpoints, mov_ss_postpones_a_data_breakpoint,
        mov_ss_postpones_a_single_step, mov_ss_suppresses_the_next_breakpoint,
        sti_does_not_postpone_a_single_step, int1_leaves_dr6, single_step_wakes_hlt,
    };
    Suite *suite = suite_create("debug");
    TCase *tests = tcase_create("debug");
    ADD_ALL(tests, all);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

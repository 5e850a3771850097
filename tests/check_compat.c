/* Compatibility mode on a bare machine: segment limits and types with vector and error code, one
 * case a rule; the ways between 64-bit and compatibility mode; where addresses and instruction
 * pointers wrap; and that flat and checked segments give the same results. */
#include "bare_case.h"
#include "cpu/segmentation.h"
#include "lib/suite.h"

#define CODE32(name, ...) CODE(name, ".code32\n" __VA_ARGS__ "\n.code64")
#define CODE16(name, ...) CODE(name, ".code16\n" __VA_ARGS__ "\n.code64")

/* Types of segments (SDM 3A, table 3-1), present, DPL 3. */
enum {
    DATA = 0xf3, READ_ONLY = 0xf1, DOWN = 0xf7, DOWN_READ_ONLY = 0xf5, CODE_READ = 0xfb,
    CODE_ONLY = 0xf9, UNUSABLE = 0,
};

static void set_segment(struct bare *b, enum rf_seg which, uint32_t base, uint32_t limit, unsigned type,
                        bool wide)
{
    uint16_t selector = which == RF_CS ? USER_CODE32 : USER_DATA;
    b->cpu->seg[which] = (struct rf_segment){ selector, (uint16_t)(type | (wide ? RF_SEG_DB : 0)), limit,
                                              base };
}

/* 32-bit code at CPL 3 in flat segments, as bare_create has made the others. */
static void enter_32(struct bare *b)
{
    set_segment(b, RF_CS, 0, UINT32_MAX, CODE_READ, true);
}
/* 16-bit code whose segment begins with the text. */
static void enter_16(struct bare *b)
{
    set_segment(b, RF_CS, BARE_USER_TEXT, 0xffff, CODE_READ, false);
}

/* Run code at an instruction pointer of its own; its bytes have been put where that leads. */
static void run_at(struct bare *b, uint64_t ip)
{
    b->cpu->r[RF_REG_IP] = ip;
    bare_continue(b);
}

/* --- limits and types (SDM 3A, 5.3 and 5.5) --- */

CODE32(read_ds, "mov (%ebx), %eax; ud2");
CODE32(read_ds_8, "mov (%ebx), %al; ud2");
CODE32(write_ds, "mov %eax, (%ebx); ud2");
CODE32(modify_ds, "add %eax, (%ebx); ud2");
CODE32(read_ss, "mov %ss:(%ebx), %eax; ud2");
CODE32(write_ss, "mov %eax, %ss:(%ebx); ud2");
CODE32(read_es, "mov %es:(%ebx), %eax; ud2");
CODE32(read_fs, "mov %fs:(%ebx), %eax; ud2");
CODE32(write_gs, "mov %eax, %gs:(%ebx); ud2");
CODE32(read_ebp, "xchg %ebx, %ebp; mov (%ebp), %eax; ud2");

#define OK RF_UD /* the UD2 behind the access is reached */

static const struct rule {
    const char *rule;
    const uint8_t *code, *end;
    enum rf_seg which;
    uint32_t limit;
    unsigned type;
    bool wide;
    uint32_t offset;
    int vector;
    unsigned at; /* offset of the instruction that faults */
} rules[] = {
#define RULE(text, name, ...) { text, name, name##_end, __VA_ARGS__ }
    RULE("the last byte of an expand-up segment", read_ds, RF_DS, 0x103, DATA, true, 0x100, OK, 2),
    RULE("one byte beyond the limit", read_ds, RF_DS, 0x102, DATA, true, 0x100, RF_GP, 0),
    RULE("all bytes beyond the limit", read_ds, RF_DS, 0x102, DATA, true, 0x103, RF_GP, 0),
    RULE("a write beyond the limit", write_ds, RF_DS, 0x102, DATA, true, 0x100, RF_GP, 0),
    RULE("a modification beyond the limit", modify_ds, RF_DS, 0x102, DATA, true, 0x100, RF_GP, 0),
    RULE("a byte at a limit of 0", read_ds_8, RF_DS, 0, DATA, true, 0, OK, 2),
    RULE("a byte behind a limit of 0", read_ds_8, RF_DS, 0, DATA, true, 1, RF_GP, 0),
    RULE("an offset that wraps does not pass", read_ds, RF_DS, 0x103, DATA, true, UINT32_MAX, RF_GP, 0),
    RULE("B does not matter to expand-up", read_ds, RF_DS, 0x20003, DATA, false, 0x20000, OK, 2),
    RULE("expand-down, at the limit", read_ds_8, RF_DS, 0x100, DOWN, true, 0x100, RF_GP, 0),
    RULE("expand-down, behind the limit", read_ds, RF_DS, 0x100, DOWN, true, 0x101, OK, 2),
    RULE("expand-down, across the limit", read_ds, RF_DS, 0x103, DOWN, true, 0x102, RF_GP, 0),
    RULE("expand-down, 0", read_ds_8, RF_DS, 0x100, DOWN, true, 0, RF_GP, 0),
    RULE("expand-down with B ends at 4 GiB", read_ds, RF_DS, 0x100, DOWN, true, 0x20000, OK, 2),
    RULE("expand-down without B ends at 64 KiB", read_ds, RF_DS, 0x100, DOWN, false, 0xfffc, OK, 2),
    RULE("expand-down without B, across 64 KiB", read_ds, RF_DS, 0x100, DOWN, false, 0xfffd, RF_GP, 0),
    RULE("expand-down without B, beyond 64 KiB", read_ds_8, RF_DS, 0x100, DOWN, false, 0x10000, RF_GP, 0),
    RULE("read-only, read", read_ds, RF_DS, 0xffff, READ_ONLY, true, 0x100, OK, 2),
    RULE("read-only, written", write_ds, RF_DS, 0xffff, READ_ONLY, true, 0x100, RF_GP, 0),
    RULE("read-only, modified", modify_ds, RF_DS, 0xffff, READ_ONLY, true, 0x100, RF_GP, 0),
    RULE("read-only and expand-down, written", write_ds, RF_DS, 0x10, DOWN_READ_ONLY, true, 0x100, RF_GP, 0),
    RULE("readable code, read", read_ds, RF_DS, 0xffff, CODE_READ, true, 0x100, OK, 2),
    RULE("readable code, written", write_ds, RF_DS, 0xffff, CODE_READ, true, 0x100, RF_GP, 0),
    RULE("execute-only code, read", read_ds, RF_DS, 0xffff, CODE_ONLY, true, 0x100, RF_GP, 0),
    RULE("null DS, read", read_ds, RF_DS, 0, UNUSABLE, false, 0x100, RF_GP, 0),
    RULE("null DS, written", write_ds, RF_DS, UINT32_MAX, UNUSABLE, true, 0x100, RF_GP, 0),
    RULE("null ES", read_es, RF_ES, 0, UNUSABLE, false, 0x100, RF_GP, 0),
    RULE("null FS", read_fs, RF_FS, 0, UNUSABLE, false, 0x100, RF_GP, 0),
    RULE("null GS", write_gs, RF_GS, 0, UNUSABLE, false, 0x100, RF_GP, 0),
    RULE("FS within the limit", read_fs, RF_FS, 0x103, DATA, true, 0x100, OK, 3),
    RULE("FS beyond the limit", read_fs, RF_FS, 0x102, DATA, true, 0x100, RF_GP, 0),
    RULE("GS within the limit", write_gs, RF_GS, 0x103, DATA, true, 0x100, OK, 3),
    RULE("GS read-only", write_gs, RF_GS, 0xffff, READ_ONLY, true, 0x100, RF_GP, 0),
    RULE("SS within the limit", read_ss, RF_SEG_SS, 0x103, DATA, true, 0x100, OK, 3),
    RULE("SS beyond the limit is #SS", read_ss, RF_SEG_SS, 0x102, DATA, true, 0x100, RF_SS, 0),
    RULE("SS beyond the limit, written", write_ss, RF_SEG_SS, 0x102, DATA, true, 0x100, RF_SS, 0),
    RULE("SS by EBP", read_ebp, RF_SEG_SS, 0x102, DATA, true, 0x100, RF_SS, 2),
    RULE("SS expand-down", read_ss, RF_SEG_SS, 0x100, DOWN, true, 0x100, RF_SS, 0),
};

static void put_access(struct bare *b, const struct rule *r)
{
    struct rf_cpu *cpu = b->cpu;
    enter_32(b);
    set_segment(b, r->which, BARE_USER_DATA, r->limit, r->type, r->wide);
    if (r->type == UNUSABLE)
        cpu->seg[r->which].selector = 0;
    cpu->r[RF_RBX] = r->offset;
    cpu->r[RF_RAX] = 1;
    bare_write(b, BARE_USER_DATA + (r->offset & 0xfffff), 0x1122334455667788);
}

START_TEST(segment_rules)
{
    const struct rule *r = &rules[_i];
    struct bare b;
    bare_create(&b, 3);
    put_access(&b, r);
    bare_run(&b, r->code, (size_t)(r->end - r->code));
    ck_assert_msg(b.vector == r->vector, "%s: vector %d", r->rule, b.vector);
    ck_assert_msg(r->vector == OK || b.error_code == 0, "%s: error code %x", r->rule, b.error_code);
    /* an access that is refused has changed nothing */
    ck_assert_msg(b.frame.rip == USER(r->at), "%s: at %#lx", r->rule, (unsigned long)b.frame.rip);
    if (r->vector != OK)
        ck_assert_uint_eq(bare_read(&b, BARE_USER_DATA + (r->offset & 0xfffff)), 0x1122334455667788);
    bare_destroy(&b);
}
END_TEST

/* In 64-bit mode limits and types of data segments mean nothing (SDM 3A, 5.3.1). */
CODE(write_64, "mov %rax, (%rbx); mov %rax, %ss:8(%rbx); ud2");
CASE(no_limits_in_64_bit_mode, 3)
{
    set_segment(b, RF_DS, 0x1000, 0, READ_ONLY, true);
    set_segment(b, RF_SEG_SS, 0x1000, 0, DATA, false);
    b->cpu->r[RF_RBX] = BARE_USER_DATA;
    b->cpu->r[RF_RAX] = 7;
    RUN(b, write_64);
    expect_vector(b, RF_UD, USER(write_64_end - write_64 - 2));
    ck_assert_uint_eq(bare_read(b, BARE_USER_DATA), 7);
    ck_assert_uint_eq(bare_read(b, BARE_USER_DATA + 8), 7);
}

CODE32(push_one, "push %eax; ud2");
CASE(push_below_the_stack_segment_is_ss, 3)
{
    enter_32(b);
    set_segment(b, RF_SEG_SS, BARE_USER_DATA, 0xfff, DATA, true);
    b->cpu->r[RF_RSP] = 3;
    RUN(b, push_one);
    expect_error(b, RF_SS, USER(0), 0);
    ck_assert_uint_eq(b->frame.rsp, 3);
}

CASE(push_wraps_in_a_16_bit_stack, 3)
{
    enter_32(b);
    set_segment(b, RF_SEG_SS, BARE_USER_DATA, 0xffff, DATA, false);
    b->cpu->r[RF_RSP] = 0x12340002;
    b->cpu->r[RF_RAX] = 0xaabbccdd;
    RUN(b, push_one);
    /* the slot is at FFFEH and runs over the limit */
    expect_error(b, RF_SS, USER(0), 0);
    b->cpu->r[RF_RSP] = 0x12340000;
    enter_32(b);
    set_segment(b, RF_SEG_SS, BARE_USER_DATA, 0xffff, DATA, false);
    b->cpu->cpl = 3;
    RUN(b, push_one);
    expect_vector(b, RF_UD, USER(1));
    ck_assert_uint_eq(b->frame.rsp, 0x1234fffc);
    ck_assert_uint_eq((uint32_t)bare_read(b, BARE_USER_DATA + 0xfffc), 0xaabbccdd);
}

/* A load of a segment register counts at once, and so does one that makes all flat again. */
CODE32(change_ds, "mov (%ebx), %eax; mov %ecx, %ds; mov 4(%ebx), %eax; ud2");
CASE(a_loaded_limit_is_checked_at_once, 3)
{
    enter_32(b);
    b->cpu->r[RF_RBX] = BARE_USER_DATA;
    b->cpu->r[RF_RCX] = 3; /* null */
    RUN(b, change_ds);
    expect_error(b, RF_GP, USER(4), 0);
}

CASE(a_flat_segment_is_flat_at_once, 3)
{
    enter_32(b);
    set_segment(b, RF_DS, BARE_USER_DATA, 0xfff, DATA, true);
    bare_write(b, BARE_USER_DATA, 5);
    bare_write(b, BARE_USER_DATA + 0x104, 6);
    b->cpu->r[RF_RBX] = 0x100;
    b->cpu->r[RF_RCX] = USER_DATA;
    RUN(b, change_ds);
    /* now [ebx + 4] is 104H in linear memory, a page of the kernel's */
    expect_error(b, RF_PF, USER(4), RF_PF_P | RF_PF_U);
    ck_assert_uint_eq(b->cpu->cr2, 0x104);
}

/* --- CS: limits at fetches and transfers --- */

CODE32(three_nops, "nop; nop; nop; ud2");
CASE(fetch_beyond_the_limit_is_gp, 3)
{
    set_segment(b, RF_CS, 0, (uint32_t)USER(1), CODE_READ, true);
    RUN(b, three_nops);
    expect_error(b, RF_GP, USER(2), 0);
}

CASE(an_instruction_across_the_limit_is_gp, 3)
{
    set_segment(b, RF_CS, 0, (uint32_t)USER(3), CODE_READ, true);
    RUN(b, three_nops);
    expect_error(b, RF_GP, USER(3), 0);
}

CASE(a_limit_counts_for_code_that_ran_before, 3)
{
    enter_32(b);
    RUN(b, three_nops);
    expect_vector(b, RF_UD, USER(3));
    b->cpu->cpl = 3;
    set_segment(b, RF_SEG_SS, 0, UINT32_MAX, DATA, true);
    set_segment(b, RF_CS, 0, (uint32_t)USER(1), CODE_READ, true);
    RUN(b, three_nops);
    expect_error(b, RF_GP, USER(2), 0);
}

CODE32(jump_on, "nop; jmp . + 0x20");
CASE(a_jump_beyond_the_limit_faults_at_the_jump, 3)
{
    set_segment(b, RF_CS, 0, (uint32_t)USER(0x10), CODE_READ, true);
    RUN(b, jump_on);
    expect_error(b, RF_GP, USER(1), 0);
}

CODE32(call_on, "call . + 0x200");
CASE(a_call_beyond_the_limit_pushes_nothing, 3)
{
    set_segment(b, RF_CS, 0, (uint32_t)USER(0x10), CODE_READ, true);
    b->cpu->r[RF_RSP] = BARE_USER_STACK;
    bare_write(b, BARE_USER_STACK - 8, 0x77);
    RUN(b, call_on);
    expect_error(b, RF_GP, USER(0), 0);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
    ck_assert_uint_eq(bare_read(b, BARE_USER_STACK - 8), 0x77);
}

CASE(a_page_fault_comes_after_the_limit, 3)
{
    set_segment(b, RF_CS, 0, (uint32_t)BARE_ABSENT - 1, CODE_READ, true);
    bare_put(b, BARE_ABSENT - 1, "\x0f", 1);
    run_at(b, BARE_ABSENT - 1);
    expect_error(b, RF_GP, BARE_ABSENT - 1, 0);
}

/* --- where things wrap --- */

CASE(eip_wraps_at_4_gib, 3)
{
    set_segment(b, RF_CS, (uint32_t)USER(2), UINT32_MAX, CODE_READ, true);
    bare_put(b, USER(0), "\x90\x90\x90\x0f\x0b", 5); /* two NOPs below 0 */
    run_at(b, 0xfffffffe);
    expect_vector(b, RF_UD, 1);
}

CASE(a_jump_wraps_at_4_gib, 3)
{
    set_segment(b, RF_CS, (uint32_t)USER(2), UINT32_MAX, CODE_READ, true);
    bare_put(b, USER(0), "\xeb\x04", 2);
    bare_put(b, USER(6), "\xeb\xfa", 2); /* back to FFFFFFFEH + 2 */
    bare_put(b, USER(2), "\x0f\x0b", 2);
    run_at(b, 0xfffffffe);
    expect_vector(b, RF_UD, 0);
}

CASE(a_call_pushes_a_wrapped_return_address, 3)
{
    set_segment(b, RF_CS, (uint32_t)USER(5), UINT32_MAX, CODE_READ, true);
    bare_put(b, USER(0), "\xe8\x07\x00\x00\x00", 5); /* at FFFFFFFBH */
    bare_put(b, USER(12), "\x0f\x0b", 2);
    bare_write(b, BARE_USER_STACK - 4, UINT64_MAX);
    run_at(b, 0xfffffffb);
    expect_vector(b, RF_UD, 7);
    ck_assert_uint_eq((uint32_t)bare_read(b, BARE_USER_STACK - 4), 0);
}

CASE(a_16_bit_jump_wraps_at_64_kib, 3)
{
    enter_16(b);
    bare_put(b, USER(0xfff0), "\xeb\x20", 2);
    bare_put(b, USER(0x12), "\x0f\x0b", 2);
    run_at(b, 0xfff0);
    expect_vector(b, RF_UD, 0x12);
}

CASE(sequential_16_bit_code_ends_with_its_segment, 3)
{
    enter_16(b);
    bare_put(b, USER(0xfffe), "\x90\x90", 2);
    run_at(b, 0xfffe);
    expect_error(b, RF_GP, 0x10000, 0);
}

CASE(eip_goes_on_in_a_larger_16_bit_segment, 3)
{
    set_segment(b, RF_CS, BARE_USER_TEXT, 0x1ffff, CODE_READ, false);
    bare_put(b, USER(0xfffe), "\x90\x90\x90\x0f\x0b", 5);
    run_at(b, 0xfffe);
    expect_vector(b, RF_UD, 0x10001);
}

CODE32(sum_address, "mov (%ebx, %ecx, 2), %eax; ud2");
CASE(an_effective_address_wraps_at_4_gib, 3)
{
    enter_32(b);
    b->cpu->r[RF_RBX] = UINT64_C(0x5555555500000000) | (uint32_t)(BARE_USER_DATA + 0x20000);
    b->cpu->r[RF_RCX] = UINT64_C(0x12345678ffff0000);
    bare_write(b, BARE_USER_DATA, 0xcafe);
    RUN(b, sum_address);
    expect_vector(b, RF_UD, USER(3));
    ck_assert_uint_eq(reg(b, RF_RAX), 0xcafe);
}

CODE16(sum_16, "mov 0x10(%bx, %si), %ax; ud2");
CASE(a_16_bit_address_wraps_at_64_kib, 3)
{
    enter_16(b);
    set_segment(b, RF_DS, BARE_USER_DATA, 0xffff, DATA, false);
    b->cpu->r[RF_RBX] = 0x5555fff0;
    b->cpu->r[RF_RSI] = 0x77770004;
    bare_write(b, BARE_USER_DATA + 4, 0xbeef);
    b->cpu->r[RF_RAX] = UINT64_MAX;
    bare_put(b, BARE_USER_TEXT, sum_16, (size_t)(sum_16_end - sum_16));
    run_at(b, 0);
    expect_vector(b, RF_UD, 3);
    ck_assert_uint_eq(reg(b, RF_RAX), UINT64_C(0xffffffffffffbeef));
}

CASE(a_linear_address_wraps_at_4_gib, 3)
{
    enter_32(b);
    set_segment(b, RF_DS, UINT32_C(0xfff00000), UINT32_MAX, DATA, true);
    b->cpu->r[RF_RBX] = BARE_USER_DATA + 0x100000;
    bare_write(b, BARE_USER_DATA, 0xf00d);
    RUN(b, read_ds);
    expect_vector(b, RF_UD, USER(2));
    ck_assert_uint_eq(reg(b, RF_RAX), 0xf00d);
}

CODE32(write_halves, "mov $1, %eax; mov %cx, %bx; inc %edx; ud2");
CASE(results_of_32_bits_clear_the_upper_half, 3)
{
    enter_32(b);
    b->cpu->r[RF_RAX] = b->cpu->r[RF_RBX] = b->cpu->r[RF_RDX] = UINT64_MAX;
    b->cpu->r[RF_RCX] = 2;
    RUN(b, write_halves);
    ck_assert_uint_eq(reg(b, RF_RAX), 1);
    ck_assert_uint_eq(reg(b, RF_RBX), UINT64_C(0xffffffffffff0002));
    ck_assert_uint_eq(reg(b, RF_RDX), 0);
}

/* --- between the modes --- */

/* 64-bit code at 0, 32-bit code at 40H, which goes back to 64-bit code at 80H: there, an UD2.
 * 48H is a prefix in 64-bit mode and DEC EAX in 32-bit code. */
#define MODES(name, there, back)                                                          \
    CODE(name, there "\n.org " #name " + 0x40, 0xcc\n.code32\n.byte 0x48, 0x90\n" back    \
               "\n.code64\n.org " #name " + 0x80, 0xcc\n.byte 0x48, 0x90\nud2")
MODES(by_jumps, "ljmpl *0x130100", "ljmp $0x2b, $0x100080");
MODES(by_calls, "lcalll *0x130100", "lcall $0x2b, $0x100080");
MODES(by_returns, "pushq $0x1b; pushq $0x100040; lretq", "push $0x2b; push $0x100080; lret");
MODES(by_irets, "pushq $0x23; pushq $0x120000; pushfq; pushq $0x1b; pushq $0x100040; iretq",
      "pushf; push $0x2b; push $0x100080; iret");

static void there_and_back(struct bare *b, const uint8_t *code, const uint8_t *end)
{
    bare_write(b, 0x130100, UINT64_C(0x1b00100040)); /* 1B:100040 */
    b->cpu->r[RF_RAX] = 10;
    bare_run(b, code, (size_t)(end - code));
    expect_vector(b, RF_UD, USER(0x82));
    ck_assert_uint_eq(b->frame.cs, USER_CODE);
    ck_assert_uint_eq(reg(b, RF_RAX), 9);
}

CASE(far_jumps_change_the_mode, 3)
{
    there_and_back(b, by_jumps, by_jumps_end);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
}

CASE(far_calls_change_the_mode, 3)
{
    there_and_back(b, by_calls, by_calls_end);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK - 16);
    ck_assert_uint_eq(bare_read(b, BARE_USER_STACK - 8), (uint64_t)USER_CODE << 32 | USER(7));
    ck_assert_uint_eq(bare_read(b, BARE_USER_STACK - 16), (uint64_t)USER_CODE32 << 32 | USER(0x49));
}

CASE(far_returns_change_the_mode, 3)
{
    there_and_back(b, by_returns, by_returns_end);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
}

CASE(irets_change_the_mode, 3)
{
    there_and_back(b, by_irets, by_irets_end);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
}

/* Descriptors behind those of bare.h: 16-bit code, and code with both L and D. */
#define CODE16_SELECTOR 0x73
#define BOTH_SELECTOR 0x7b
static void more_descriptors(struct bare *b)
{
    bare_write(b, BARE_GDT + 0x70, UINT64_C(0x0000fa100000ffff)); /* base 100000H */
    bare_write(b, BARE_GDT + 0x78, UINT64_C(0x00effa000000ffff));
    b->cpu->gdtr.limit = 0x7f;
}

CODE32(to_16, "ljmp $0x73, $0x20\n.org to_16 + 0x20, 0xcc\n.code16\nmov $0x1234, %ax\nud2");
CASE(a_far_jump_to_16_bit_code, 3)
{
    more_descriptors(b);
    enter_32(b);
    b->cpu->r[RF_RAX] = UINT64_MAX;
    RUN(b, to_16);
    expect_vector(b, RF_UD, 0x23);
    ck_assert_uint_eq(b->frame.cs, CODE16_SELECTOR);
    ck_assert_uint_eq(reg(b, RF_RAX), UINT64_C(0xffffffffffff1234));
}

CODE32(to_both, "ljmp $0x7b, $0x100020");
CASE(a_far_jump_to_l_and_d_is_gp, 3)
{
    more_descriptors(b);
    enter_32(b);
    RUN(b, to_both);
    expect_error(b, RF_GP, USER(0), BOTH_SELECTOR & ~3u);
}

CODE32(to_16_far, "ljmp $0x73, $0x10000");
CASE(a_far_jump_beyond_the_limit_is_gp, 3)
{
    more_descriptors(b);
    enter_32(b);
    RUN(b, to_16_far);
    expect_error(b, RF_GP, USER(0), 0);
}

/* --- 64-bit mode: 16-bit frames; POP to an address by RSP --- */

CODE(enter_16_bit, ".byte 0x66, 0xc8, 6, 0, 2; ud2" /* enterw $6, $2 */);
CASE(a_16_bit_enter_in_64_bit_mode, 3)
{
    const uint64_t rbp = BARE_USER_DATA + 0x100;
    b->cpu->r[RF_RBP] = rbp;
    bare_write(b, rbp - 2, 0x5a5a);
    RUN(b, enter_16_bit);
    expect_vector(b, RF_UD, USER(5));
    const uint64_t top = BARE_USER_STACK;
    ck_assert_uint_eq(b->frame.rsp, top - 6 - 6);
    ck_assert_uint_eq((uint16_t)bare_read(b, top - 2), (uint16_t)rbp);
    ck_assert_uint_eq((uint16_t)bare_read(b, top - 4), 0x5a5a);
    ck_assert_uint_eq((uint16_t)bare_read(b, top - 6), (uint16_t)(top - 2));
    ck_assert_uint_eq(reg(b, RF_RBP), (rbp & ~UINT64_C(0xffff)) | (uint16_t)(top - 2));
}

CODE(leave_16_bit, ".byte 0x66, 0xc9; ud2" /* leavew */);
CASE(a_16_bit_leave_in_64_bit_mode, 3)
{
    b->cpu->r[RF_RBP] = BARE_USER_DATA;
    bare_write(b, BARE_USER_DATA, 0xabcd);
    RUN(b, leave_16_bit);
    expect_vector(b, RF_UD, USER(2));
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_DATA + 2);
    ck_assert_uint_eq(reg(b, RF_RBP), (BARE_USER_DATA & ~UINT64_C(0xffff)) | 0xabcd);
}

CODE(pop_by_esp, "pushq $5; popq 8(%esp); ud2");
CASE(pop_addresses_by_the_incremented_stack_pointer, 3)
{
    RUN(b, pop_by_esp);
    expect_vector(b, RF_UD, USER(pop_by_esp_end - pop_by_esp - 2));
    ck_assert_uint_eq(bare_read(b, BARE_USER_STACK + 8), 5);
}

/* --- the flat path and the checked path --- */

CODE32(work,
       "push %eax; push $0x12345678; pushw %cx; pusha; pushf; pop %edx\n"
       "call 1f; 1: pop %eax; enter $8, $2; mov %eax, -4(%ebp); add %ecx, -4(%ebp)\n"
       "xchg %ebx, -8(%ebp); bts %esi, -4(%ebp); leave; popa; popw %dx\n"
       "mov $0x130000, %edi; mov $0x130200, %esi; mov $7, %ecx; rep movsl; mov $9, %ecx; rep stosb\n"
       "mov $0x130000, %esi; mov $0x130200, %edi; mov $20, %ecx; repe cmpsb; setz %bl\n"
       "movd 0x130008, %mm1; movups 0x130204, %xmm2; addps %xmm2, %xmm2; movups %xmm2, 0x130300\n"
       "fildl 0x130004; fstpl 0x130320; mov $3, %ecx; 2: lea (%eax, %eax, 2), %eax; loop 2b\n"
       "cmp $5, %eax; ja 3f; inc %eax; 3: .byte 0xd7; bound %ecx, 0x130400; ud2");

/* All that code has left: registers, flags and memory. */
struct left {
    uint64_t r[16], rflags, rip;
    union rf_vec xmm2;
    uint8_t data[0x1000], stack[0x200];
};

static void run_work(struct left *left, bool flat)
{
    struct bare b;
    bare_create(&b, 3);
    enter_32(&b);
    if (!flat) /* all is reached as before, but limits are looked at */
        set_segment(&b, RF_DS, 0, 0xfffffffe, DATA, true);
    for (unsigned i = 0; i < 0x1000; i += 8)
        bare_write(&b, BARE_USER_DATA + i, i * UINT64_C(0x0123456789abcdef));
    bare_write(&b, BARE_USER_DATA + 0x400, UINT64_C(0x7fffffff00000000));
    for (unsigned i = 0; i < 8; i++)
        if (i != RF_RSP)
            b.cpu->r[i] = i * 0x11111111;
    b.cpu->r[RF_RBX] = BARE_USER_DATA + 0x100;
    b.cpu->r[RF_RBP] = BARE_USER_DATA + 0x500;
    b.cpu->r[RF_RSI] = 45;
    ck_assert(rf_segments_flat(b.cpu) == flat);
    RUN(&b, work);
    memset(left, 0, sizeof *left);
    memcpy(left->r, b.cpu->r, sizeof left->r);
    ck_assert_int_eq(b.vector, RF_UD);
    left->rflags = b.frame.rflags;
    left->rip = b.frame.rip;
    left->xmm2 = b.cpu->fpu.v[2];
    memcpy(left->data, rf_ram_at(&b.ram, BARE_USER_DATA, 0x1000), 0x1000);
    memcpy(left->stack, rf_ram_at(&b.ram, BARE_USER_STACK - 0x200, 0x200), 0x200);
    bare_destroy(&b);
}

START_TEST(flat_and_checked_agree)
{
    static struct left flat, checked;
    run_work(&flat, true);
    run_work(&checked, false);
    ck_assert_uint_eq(flat.rip, USER(work_end - work - 2));
    ck_assert_mem_eq(&flat, &checked, sizeof flat);
}
END_TEST

int main(void)
{
    const TTest *const limits[] = {
        no_limits_in_64_bit_mode, push_below_the_stack_segment_is_ss, push_wraps_in_a_16_bit_stack,
        a_loaded_limit_is_checked_at_once, a_flat_segment_is_flat_at_once,
    };
    const TTest *const fetches[] = {
        fetch_beyond_the_limit_is_gp, an_instruction_across_the_limit_is_gp,
        a_limit_counts_for_code_that_ran_before, a_jump_beyond_the_limit_faults_at_the_jump,
        a_call_beyond_the_limit_pushes_nothing, a_page_fault_comes_after_the_limit,
    };
    const TTest *const wraps[] = {
        eip_wraps_at_4_gib, a_jump_wraps_at_4_gib, a_call_pushes_a_wrapped_return_address,
        a_16_bit_jump_wraps_at_64_kib, sequential_16_bit_code_ends_with_its_segment,
        eip_goes_on_in_a_larger_16_bit_segment, an_effective_address_wraps_at_4_gib,
        a_16_bit_address_wraps_at_64_kib, a_linear_address_wraps_at_4_gib,
        results_of_32_bits_clear_the_upper_half,
    };
    const TTest *const transfers[] = {
        far_jumps_change_the_mode, far_calls_change_the_mode, far_returns_change_the_mode,
        irets_change_the_mode, a_far_jump_to_16_bit_code, a_far_jump_to_l_and_d_is_gp,
        a_far_jump_beyond_the_limit_is_gp, a_16_bit_enter_in_64_bit_mode,
        a_16_bit_leave_in_64_bit_mode, pop_addresses_by_the_incremented_stack_pointer,
    };
    Suite *suite = suite_create("compat");
    TCase *tests = tcase_create("compat");
    tcase_add_loop_test(tests, segment_rules, 0, (int)(sizeof rules / sizeof rules[0]));
    ADD_ALL(tests, limits);
    ADD_ALL(tests, fetches);
    ADD_ALL(tests, wraps);
    ADD_ALL(tests, transfers);
    tcase_add_test(tests, flat_and_checked_agree);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

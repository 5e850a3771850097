/* Call gates of IA-32e mode and the far returns from them on a bare machine (check_legacy_gates.c has the
 * others). One case for each rule of the manuals (SDM 2A, CALL and JMP; 2B, RET; 3A, 5.8). */
#include "bare_modes.h"
#include "lib/suite.h"

#define GATE FREE
#define INNER (BARE_KERNEL_TEXT + 0x800) /* where gates lead: VMCALL at CPL 0 */
#define OUTER (BARE_USER_TEXT + 0x800)   /* and INT 80H, for code of CPL 3 */
#define POINTER BARE_USER_DATA           /* the far pointer of the tests' code, at RDI */

CODE(call_far, "lcall *(%rdi); nop");
CODE(jump_far, "ljmp *(%rdi); nop");
CODE(stop, "vmcall");
CODE(stop_user, "int $0x80");
#define PUT(b, at, name) bare_put(b, at, name, (size_t)(name##_end - name))

static void put_pointer(struct bare *b, uint16_t selector, uint32_t offset)
{
    bare_put(b, POINTER, &offset, 4);
    bare_put(b, POINTER + 4, &selector, 2);
    b->cpu->r[RF_RDI] = POINTER;
}

/* Code at both ends, and a gate of DPL 3 to the inner one. */
static void prepare(struct bare *b)
{
    PUT(b, INNER, stop);
    PUT(b, OUTER, stop_user);
    bare_call_gate(b, GATE, KERNEL_CODE, INNER, 0xec, 0);
    put_pointer(b, GATE | 3, 0xdeadbeef);
}

/* --- IA-32e mode: what is refused --- */

/* L and D both set; a 64-bit segment that CPL 3 may not even call. */
#define L_AND_D FREE2
static const struct refusal {
    const char *rule;
    bool jump;
    uint16_t selector; /* of the gate, as the code names it */
    unsigned access;   /* of the gate: P, DPL, type */
    uint64_t upper;    /* or-ed into its upper half */
    uint16_t code;     /* selector in the gate */
    uint64_t offset;
    int vector;
    uint32_t error;
} refusals[] = {
    { "2A CALL: gate DPL < CPL is #GP(gate)", false, GATE, 0x8c, 0, KERNEL_CODE, INNER, RF_GP, GATE },
    { "2A JMP: gate DPL < CPL is #GP(gate)", true, GATE, 0x8c, 0, KERNEL_CODE, INNER, RF_GP, GATE },
    { "3A 5.8.4: gate DPL < RPL is #GP(gate)", false, GATE | 3, 0xcc, 0, KERNEL_CODE, INNER, RF_GP, GATE },
    { "2A CALL: an absent gate is #NP(gate)", false, GATE | 3, 0x6c, 0, KERNEL_CODE, INNER, RF_NP, GATE },
    { "2A JMP: an absent gate is #NP(gate)", true, GATE | 3, 0x6c, 0, KERNEL_CODE, INNER, RF_NP, GATE },
    { "privilege comes before presence", false, GATE | 3, 0x0c, 0, KERNEL_CODE, INNER, RF_GP, GATE },
    { "3A 5.8.3.1: the upper half's type is 0, else #GP(gate)", false, GATE | 3, 0xec,
      UINT64_C(0x1) << 40, KERNEL_CODE, INNER, RF_GP, GATE },
    { "the last bit of that type", false, GATE | 3, 0xec, UINT64_C(0x10) << 40, KERNEL_CODE, INNER, RF_GP, GATE },
    { "other bits of the upper half are ignored", false, GATE | 3, 0xec, UINT64_C(0xffffe0ff) << 32, KERNEL_CODE,
      INNER, -1, 0 },
    { "3A 3.5: a 16-bit call gate is reserved in IA-32e mode", false, GATE | 3, 0xe4, 0, KERNEL_CODE, INNER,
      RF_GP, GATE },
    { "2A CALL: a task gate is #GP(gate) in IA-32e mode", false, GATE | 3, 0xe5, 0, KERNEL_CODE, INNER, RF_GP, GATE },
    { "2A JMP: a task gate is #GP(gate) in IA-32e mode", true, GATE | 3, 0xe5, 0, KERNEL_CODE, INNER, RF_GP, GATE },
    { "2A CALL: an available TSS is #GP in IA-32e mode", false, GATE | 3, 0xe9, 0, KERNEL_CODE, INNER, RF_GP, GATE },
    { "2A JMP: a busy TSS is #GP in IA-32e mode", true, GATE | 3, 0xeb, 0, KERNEL_CODE, INNER, RF_GP, GATE },
    { "an LDT descriptor is #GP", false, GATE | 3, 0xe2, 0, KERNEL_CODE, INNER, RF_GP, GATE },
    { "an interrupt gate is #GP", false, GATE | 3, 0xee, 0, KERNEL_CODE, INNER, RF_GP, GATE },
    { "2A CALL: a null code selector in the gate is #GP(0)", false, GATE | 3, 0xec, 0, 3, INNER, RF_GP, 0 },
    { "2A JMP: a null code selector in the gate is #GP(0)", true, GATE | 3, 0xec, 0, 0, OUTER, RF_GP, 0 },
    { "a code selector beyond the GDT is #GP(code)", false, GATE | 3, 0xec, 0, 0x2000, INNER, RF_GP, 0x2000 },
    { "a code selector in an LDT that is not there", false, GATE | 3, 0xec, 0, 0x0c, INNER, RF_GP, 0x0c },
    { "a data segment in the gate is #GP(code)", false, GATE | 3, 0xec, 0, KERNEL_DATA, INNER, RF_GP, KERNEL_DATA },
    { "2A CALL: 32-bit code in the gate is #GP(code) in IA-32e mode", false, GATE | 3, 0xec, 0, KERNEL_CODE32,
      INNER, RF_GP, KERNEL_CODE32 },
    { "the same of compatibility code of the same level", true, GATE | 3, 0xec, 0, USER_CODE32, OUTER, RF_GP,
      USER_CODE32 & ~3u },
    { "code with L and D is #GP(code)", false, GATE | 3, 0xec, 0, L_AND_D, INNER, RF_GP, L_AND_D },
    { "an absent code segment is #NP(code)", false, GATE | 3, 0xec, 0, ABSENT_CODE, INNER, RF_NP, ABSENT_CODE },
    { "RPL of the code selector is not in the error code", false, GATE | 3, 0xec, 0, ABSENT_CODE | 3, INNER, RF_NP,
      ABSENT_CODE },
    { "2A CALL: a target that is not canonical is #GP(0)", false, GATE | 3, 0xec, 0, KERNEL_CODE, BARE_NONCANONICAL,
      RF_GP, 0 },
    { "the same without a change of level", true, GATE | 3, 0xec, 0, USER_CODE, BARE_NONCANONICAL, RF_GP, 0 },
    { "2A JMP: a jump to inner code that is not conforming is #GP(code)", true, GATE | 3, 0xec, 0, KERNEL_CODE, INNER,
      RF_GP, KERNEL_CODE },
};

START_TEST(refused_in_ia32e_mode)
{
    const struct refusal *r = &refusals[_i];
    struct bare b;
    bare_create(&b, 3);
    prepare(&b);
    bare_descriptor(&b, L_AND_D, FLAT(0x9a, 0xe), 0);
    bare_call_gate(&b, GATE, r->code, r->offset, r->access, 0);
    bare_write(&b, BARE_GDT + GATE + 8, r->offset >> 32 | r->upper);
    put_pointer(&b, r->selector, 0);
    if (r->jump)
        RUN(&b, jump_far);
    else
        RUN(&b, call_far);
    ck_assert_msg(b.stop == RF_STOP_DOOR && b.vector == r->vector, "%s: vector %d", r->rule, b.vector);
    if (r->vector >= 0) {
        ck_assert_msg(b.error_code == r->error, "%s: error code %#x", r->rule, b.error_code);
        ck_assert_msg(b.frame.rip == BARE_USER_TEXT && b.frame.rsp == BARE_USER_STACK && b.frame.cs == USER_CODE,
                      "%s: rip %#llx", r->rule, (unsigned long long)b.frame.rip);
    }
    bare_destroy(&b);
}
END_TEST

/* SDM 3A, 5.8.1: the same for the far transfer itself: the RPL of the selector that names the code. */
CASE(a_gate_beyond_the_gdt_is_gp, 3)
{
    prepare(b);
    b->cpu->gdtr.limit = GATE + 14; /* its upper half is cut off */
    RUN(b, call_far);
    expect_error(b, RF_GP, USER(0), GATE);
}

/* --- IA-32e mode: what happens --- */

/* SDM 3A, 5.8.5: RSP0 from the TSS, then SS:RSP and CS:RIP of 8 bytes each. */
CASE(a_call_inward_switches_stacks, 3)
{
    prepare(b);
    b->cpu->cc_op = 0;
    RUN(b, call_far);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_uint_eq(reg(b, RF_REG_IP), INNER + 3);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 32);
    ck_assert_uint_eq(bare_slot(b, 0, 8), USER(2));
    ck_assert_uint_eq(bare_slot(b, 1, 8), USER_CODE);
    ck_assert_uint_eq(bare_slot(b, 2, 8), BARE_USER_STACK);
    ck_assert_uint_eq(bare_slot(b, 3, 8), USER_DATA);
}

/* SDM 3A, 5.8.5.1: in 64-bit mode the new SS is null, its RPL the new CPL. */
CASE(a_call_inward_loads_a_null_ss, 3)
{
    prepare(b);
    RUN(b, call_far);
    ck_assert_uint_eq(b->cpu->cpl, 0);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].selector, KERNEL_CODE);
    ck_assert_uint_eq(b->cpu->seg[RF_SEG_SS].selector, 0);
    ck_assert_uint_eq(b->cpu->seg[RF_SEG_SS].attributes & RF_SEG_P, 0);
}

/* SDM 2A, CALL: flags are not affected: IF stays set. */
CASE(a_call_inward_keeps_the_flags, 3)
{
    prepare(b);
    b->cpu->flags |= RF_FLAG_NT | RF_FLAG_AC;
    RUN(b, call_far);
    ck_assert_uint_eq(reg(b, RF_REG_IP), INNER + 3);
    ck_assert_uint_eq(rf_cpu_flags(b->cpu), RF_FLAG_FIXED | RF_FLAG_IF | RF_FLAG_NT | RF_FLAG_AC);
}

/* SDM 3A, 5.8.3: CS.RPL becomes the CPL, whatever the gate's selector has. */
CASE(rpl_of_the_gates_selector_is_ignored, 3)
{
    prepare(b);
    bare_call_gate(b, GATE, KERNEL_CODE | 3, INNER, 0xec, 0);
    RUN(b, call_far);
    ck_assert_uint_eq(reg(b, RF_REG_IP), INNER + 3);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].selector, KERNEL_CODE);
}

/* SDM 3A, 5.8.3.1: the parameter count is not there in IA-32e mode. */
CASE(a_64_bit_gate_copies_no_parameters, 3)
{
    prepare(b);
    bare_call_gate(b, GATE, KERNEL_CODE, INNER, 0xec, 3);
    RUN(b, call_far);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 32);
}

/* SDM 3A, 5.8.3.1: RSP is not aligned, as it is for interrupts. */
CASE(a_call_inward_aligns_nothing, 3)
{
    prepare(b);
    bare_write(b, BARE_TSS + 4, BARE_RSP0 - 4);
    RUN(b, call_far);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 36);
    ck_assert_uint_eq(bare_slot(b, 0, 8), USER(2));
}

/* SDM 3A, 5.8.3: to conforming code a call keeps CPL and stack. */
CASE(a_call_to_conforming_code_keeps_cpl, 3)
{
    prepare(b);
    bare_call_gate(b, GATE, CONFORMING_CODE, OUTER, 0xec, 0);
    RUN(b, call_far);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.cs, CONFORMING_CODE | 3);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK - 16);
    ck_assert_uint_eq(bare_read(b, BARE_USER_STACK - 16), USER(2));
    ck_assert_uint_eq(bare_read(b, BARE_USER_STACK - 8), USER_CODE);
}

/* SDM 3A, table 5-1: a jump may go to conforming code of an inner level. */
CASE(a_jump_to_conforming_code_keeps_cpl, 3)
{
    prepare(b);
    bare_call_gate(b, GATE, CONFORMING_CODE, OUTER, 0xec, 0);
    RUN(b, jump_far);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.cs, CONFORMING_CODE | 3);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
}

/* SDM 2A, CALL: same level: CS and RIP of 8 bytes on the current stack, whatever the operand size. */
CASE(a_call_of_the_same_level, 3)
{
    prepare(b);
    bare_call_gate(b, GATE, USER_CODE, OUTER, 0xec, 0);
    RUN(b, call_far);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK - 16);
    ck_assert_uint_eq(bare_read(b, BARE_USER_STACK - 16), USER(2));
    ck_assert_uint_eq(bare_read(b, BARE_USER_STACK - 8), USER_CODE);
}

/* SDM 2A, JMP: the same level through a gate. */
CASE(a_jump_of_the_same_level, 3)
{
    prepare(b);
    bare_call_gate(b, GATE, USER_CODE, OUTER, 0xec, 0);
    RUN(b, jump_far);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
}

/* SDM 3A, 5.8.3.1: compatibility code calls the same 16-byte gates; the frame has 8-byte words. */
CODE32(call_far_32, "lcall *(%edi)");
CODE32(call_direct_32, "lcall $0x73, $0");
CODE32(jump_direct_32, "ljmp $0x73, $0");
static void enter_compatibility(struct bare *b)
{
    b->cpu->seg[RF_CS] = (struct rf_segment){ USER_CODE32, 0xfb | RF_SEG_DB | RF_SEG_G, UINT32_MAX, 0 };
    rf_cpu_mode_changed(b->cpu);
}
CASE(compatibility_code_calls_through_a_gate, 3)
{
    prepare(b);
    enter_compatibility(b);
    RUN(b, call_far_32);
    ck_assert_uint_eq(reg(b, RF_REG_IP), INNER + 3);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 32);
    ck_assert_uint_eq(bare_slot(b, 0, 8), USER(2));
    ck_assert_uint_eq(bare_slot(b, 1, 8), USER_CODE32);
    ck_assert_uint_eq(b->cpu->code_bits, 64);
}
CASE(a_direct_far_call_names_a_gate, 3)
{
    prepare(b);
    enter_compatibility(b);
    RUN(b, call_direct_32);
    ck_assert_uint_eq(reg(b, RF_REG_IP), INNER + 3);
    ck_assert_uint_eq(bare_slot(b, 0, 8), USER(7));
}
CASE(a_direct_far_jump_names_a_gate, 3)
{
    prepare(b);
    bare_call_gate(b, GATE, USER_CODE, OUTER, 0xec, 0);
    enter_compatibility(b);
    RUN(b, jump_direct_32);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.cs, USER_CODE);
}

/* --- IA-32e mode: the new stack --- */

/* SDM 2A, CALL: the TSS must reach to RSPn, else #TS(TSS). */
CASE(a_short_tss_is_ts, 3)
{
    prepare(b);
    b->cpu->tr.limit = 10;
    bare_gate(b, RF_TS, BARE_HANDLERS + RF_TS * 16, CONFORMING_CODE, 0xe, 0, 0, true); /* needs no stack */
    *bare_pte(b, BARE_HANDLERS) |= RF_PTE_U;
    bare_put(b, BARE_HANDLERS + RF_TS * 16, "\xf4", 1); /* HLT at CPL 3 */
    RUN(b, call_far);
    ck_assert_int_eq(b->stop, RF_STOP_TRIPLE_FAULT); /* its #GP finds no stack either */
    ck_assert_uint_eq(b->cpu->counts.exceptions[RF_TS], 1);
    ck_assert_uint_eq(bare_read(b, BARE_USER_STACK - 48), TSS_SELECTOR);
}

/* SDM 2A, CALL: RSPn that is not canonical is #SS, with the null selector's error code. */
CASE(a_noncanonical_rsp0_is_ss, 3)
{
    prepare(b);
    bare_write(b, BARE_TSS + 4, BARE_NONCANONICAL);
    bare_gate(b, RF_SS, BARE_HANDLERS + RF_SS * 16, KERNEL_CODE, 0xe, 0, 1, true); /* IST 1 */
    RUN(b, call_far);
    expect_error(b, RF_SS, USER(0), 0);
}

/* The frame may reach into the non-canonical hole from above, too. */
CASE(a_frame_across_the_canonical_end_is_ss, 3)
{
    prepare(b);
    bare_write(b, BARE_TSS + 4, UINT64_C(0xffff800000000008));
    bare_gate(b, RF_SS, BARE_HANDLERS + RF_SS * 16, KERNEL_CODE, 0xe, 0, 1, true);
    RUN(b, call_far);
    expect_error(b, RF_SS, USER(0), 0);
}

/* SDM 3A, 6.5: a fault restarts: a page fault on the new stack has changed nothing. */
CASE(a_page_fault_on_the_new_stack_changes_nothing, 3)
{
    prepare(b);
    bare_write(b, BARE_TSS + 4, BARE_ABSENT + 16); /* half of the frame is present */
    bare_gate(b, RF_PF, BARE_HANDLERS + RF_PF * 16, KERNEL_CODE, 0xe, 0, 1, true);
    RUN(b, call_far);
    expect_error(b, RF_PF, USER(0), RF_PF_W);
    ck_assert_uint_eq(b->cpu->cr2, BARE_ABSENT + 8); /* where SS would have gone */
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
    ck_assert_uint_eq(b->frame.ss, USER_DATA);
    ck_assert_uint_eq(bare_read(b, BARE_ABSENT - 8), 0);
}

/* SDM 3A, 4.6.1: those pushes are supervisor accesses, so SMAP refuses a user page ... */
CASE(smap_guards_the_new_stack, 3)
{
    prepare(b);
    bare_set_cr4(b, RF_CR4_SMAP, 0);
    bare_write(b, BARE_TSS + 4, BARE_USER_STACK - 0x1000);
    bare_gate(b, RF_PF, BARE_HANDLERS + RF_PF * 16, KERNEL_CODE, 0xe, 0, 1, true);
    RUN(b, call_far);
    expect_error(b, RF_PF, USER(0), RF_PF_P | RF_PF_W);
}

/* ... but the GDT's are implicit: RFLAGS.AC does not open a user page. */
CASE(implicit_accesses_never_honour_ac, 0)
{
    prepare(b);
    bare_set_cr4(b, RF_CR4_SMAP, 0);
    *bare_pte(b, BARE_GDT) |= RF_PTE_U;
    bare_flush(b);
    bare_gate(b, RF_PF, BARE_HANDLERS + RF_PF * 16, KERNEL_CODE, 0xe, 0, 0, true);
    b->cpu->flags |= RF_FLAG_AC;
    rf_cpu_mode_changed(b->cpu);
    RUN(b, call_far);
    ck_assert_int_eq(b->stop, RF_STOP_TRIPLE_FAULT); /* the handler's segment is read from there, too */
    ck_assert_uint_eq(b->cpu->cr2, BARE_GDT + KERNEL_CODE);
}

/* SDM 3A, 4.6.1: every table is read by the supervisor, whatever the CPL. */
CASE(tables_are_read_as_supervisor, 3)
{
    prepare(b);
    ck_assert(!(*bare_pte(b, BARE_GDT) & RF_PTE_U));
    RUN(b, call_far);
    ck_assert_uint_eq(reg(b, RF_REG_IP), INNER + 3);
}

/* --- far RET to an outer level: SDM 2B, RET --- */

CODE(ret_far, "lretq");
CODE(ret_far_16, "lretq $16");
static void put_return(struct bare *b, uint64_t rip, uint64_t cs, unsigned released, uint64_t rsp, uint64_t ss)
{
    const uint64_t frame[] = { rip, cs };
    const uint64_t outer[] = { rsp, ss };
    b->cpu->r[RF_RSP] = BARE_KERNEL_STACK - 64;
    bare_put(b, BARE_KERNEL_STACK - 64, frame, sizeof frame);
    bare_put(b, BARE_KERNEL_STACK - 48 + released, outer, sizeof outer);
    PUT(b, OUTER, stop_user);
}

CASE(a_call_inward_and_back, 3)
{
    prepare(b);
    PUT(b, INNER, ret_far);
    bare_put(b, USER(2), "\xcd\x80", 2);
    b->cpu->r[RF_REG_IP] = USER(0);
    bare_put(b, USER(0), call_far, 2);
    bare_continue(b);
    expect_vector(b, 0x80, USER(4));
    ck_assert_uint_eq(b->frame.cs, USER_CODE);
    ck_assert_uint_eq(b->frame.ss, USER_DATA);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
}

CASE(ret_outward_releases_parameters_from_both_stacks, 0)
{
    put_return(b, OUTER, USER_CODE, 16, BARE_USER_STACK, USER_DATA);
    RUN(b, ret_far_16);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK + 16);
}

/* Data segments of inner levels become null, conforming code and outer ones stay. */
CASE(ret_outward_drops_inner_data_segments, 0)
{
    put_return(b, OUTER, USER_CODE, 0, BARE_USER_STACK, USER_DATA);
    b->cpu->seg[RF_ES] = (struct rf_segment){ USER_DATA, 0xf3 | RF_SEG_DB | RF_SEG_G, UINT32_MAX, 0 };
    b->cpu->seg[RF_FS] = (struct rf_segment){ CONFORMING_CODE, 0x9f | RF_SEG_L | RF_SEG_G, UINT32_MAX, 0 };
    RUN(b, ret_far);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].selector, 0);
    ck_assert_uint_eq(b->cpu->seg[RF_ES].selector, USER_DATA);
    ck_assert_uint_eq(b->cpu->seg[RF_FS].selector, CONFORMING_CODE);
}

/* A null selector with an RPL becomes 0 (SDM 2B, RET: "segment selector = NULL"). */
CASE(ret_outward_clears_the_rpl_of_null_selectors, 0)
{
    put_return(b, OUTER, USER_CODE, 0, BARE_USER_STACK, USER_DATA);
    b->cpu->seg[RF_GS] = (struct rf_segment){ .selector = 3, .base = 0x1234 };
    RUN(b, ret_far);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->cpu->seg[RF_GS].selector, 0);
    ck_assert_uint_eq(b->cpu->seg[RF_GS].base, 0x1234);
}

static const struct far_return {
    const char *rule;
    uint64_t rip;
    uint16_t cs, ss;
    int vector;
    uint32_t error;
} far_returns[] = {
    { "a null CS is #GP(0)", OUTER, 3, USER_DATA, RF_GP, 0 },
    { "CS beyond the GDT is #GP(CS)", OUTER, 0x2003, USER_DATA, RF_GP, 0x2000 },
    { "CS that is data is #GP(CS)", OUTER, USER_DATA, USER_DATA, RF_GP, USER_DATA & ~3u },
    { "a system descriptor is #GP(CS)", OUTER, TSS_SELECTOR | 3, USER_DATA, RF_GP, TSS_SELECTOR },
    { "DPL of code that is not conforming must be the RPL", OUTER, KERNEL_CODE | 3, USER_DATA, RF_GP, KERNEL_CODE },
    { "an outer DPL with an inner RPL is #GP(CS)", OUTER, USER_CODE & ~3u, USER_DATA, RF_GP, USER_CODE & ~3u },
    { "conforming code of an inner level is allowed", OUTER, CONFORMING_CODE | 3, USER_DATA, 0x80, 0 },
    { "L and D are #GP(CS)", OUTER, FREE2 | 3, USER_DATA, RF_GP, FREE2 },
    { "an absent CS is #NP(CS)", OUTER, ABSENT_CODE, USER_DATA, RF_NP, ABSENT_CODE },
    { "a null SS at CPL 3 is #GP(0)", OUTER, USER_CODE, 3, RF_GP, 0 },
    { "SS beyond the GDT is #GP(SS)", OUTER, USER_CODE, 0x2003, RF_GP, 0x2000 },
    { "SS.RPL must be CS.RPL", OUTER, USER_CODE, USER_DATA & ~3u, RF_GP, USER_DATA & ~3u },
    { "SS.DPL must be CS.RPL", OUTER, USER_CODE, KERNEL_DATA | 3, RF_GP, KERNEL_DATA },
    { "SS must be writable", OUTER, USER_CODE, READ_ONLY_DATA, RF_GP, READ_ONLY_DATA & ~3u },
    { "SS must be data", OUTER, USER_CODE, USER_CODE, RF_GP, USER_CODE & ~3u },
    { "an absent SS is #SS(SS)", OUTER, USER_CODE, ABSENT_DATA, RF_SS, ABSENT_DATA & ~3u },
    { "a target that is not canonical is #GP(0)", BARE_NONCANONICAL, USER_CODE, USER_DATA, RF_GP, 0 },
    { "SS is looked at before the target", BARE_NONCANONICAL, USER_CODE, ABSENT_DATA, RF_SS, ABSENT_DATA & ~3u },
    { "a target beyond the limit is #GP(0)", 0x1000, FREE3 | 3, USER_DATA, RF_GP, 0 },
};
START_TEST(ret_outward)
{
    const struct far_return *r = &far_returns[_i];
    struct bare b;
    bare_create(&b, 0);
    bare_write(&b, BARE_GDT + ABSENT_DATA - 3, FLAT(0x72, 0xc)); /* DPL 3 */
    bare_descriptor(&b, FREE2, FLAT(0xfa, 0xe), 0);
    bare_descriptor(&b, FREE3, bare_segment(0, 0xfff, 0xfa, 4), 0);
    put_return(&b, r->rip, r->cs, 0, BARE_USER_STACK, r->ss);
    RUN(&b, ret_far);
    ck_assert_msg(b.vector == r->vector && b.error_code == r->error, "%s: %s(%#x)", r->rule,
                  b.vector < 0 ? "nothing" : rf_vector_name((unsigned)b.vector), b.error_code);
    ck_assert_msg(b.frame.rip == (r->vector == 0x80 ? OUTER + 2 : KERNEL(0)), "%s: rip %#llx", r->rule,
                  (unsigned long long)b.frame.rip);
    if (r->vector != 0x80)
        ck_assert_uint_eq(b.frame.rsp, BARE_KERNEL_STACK - 64);
    bare_destroy(&b);
}
END_TEST

/* SDM 2B, RET: to an inner level is #GP(CS). */
CASE(ret_inward_is_gp, 3)
{
    const uint64_t frame[] = { INNER, KERNEL_CODE };
    b->cpu->r[RF_RSP] -= 16;
    bare_put(b, BARE_USER_STACK - 16, frame, sizeof frame);
    RUN(b, ret_far);
    expect_error(b, RF_GP, USER(0), KERNEL_CODE);
}

int main(void)
{
    const TTest *const all[] = {
        a_gate_beyond_the_gdt_is_gp, a_call_inward_switches_stacks, a_call_inward_loads_a_null_ss,
        a_call_inward_keeps_the_flags, rpl_of_the_gates_selector_is_ignored, a_64_bit_gate_copies_no_parameters,
        a_call_inward_aligns_nothing, a_call_to_conforming_code_keeps_cpl, a_jump_to_conforming_code_keeps_cpl,
        a_call_of_the_same_level, a_jump_of_the_same_level, compatibility_code_calls_through_a_gate,
        a_direct_far_call_names_a_gate, a_direct_far_jump_names_a_gate, a_short_tss_is_ts,
        a_noncanonical_rsp0_is_ss, a_frame_across_the_canonical_end_is_ss,
        a_page_fault_on_the_new_stack_changes_nothing, smap_guards_the_new_stack,
        implicit_accesses_never_honour_ac, tables_are_read_as_supervisor, a_call_inward_and_back,
        ret_outward_releases_parameters_from_both_stacks, ret_outward_drops_inner_data_segments,
        ret_outward_clears_the_rpl_of_null_selectors, ret_inward_is_gp,
    };
    Suite *suite = suite_create("gates");
    TCase *tests = tcase_create("gates");
    ADD_ALL(tests, all);
    tcase_add_loop_test(tests, refused_in_ia32e_mode, 0, (int)RF_ARRAY_SIZE(refusals));
    tcase_add_loop_test(tests, ret_outward, 0, (int)RF_ARRAY_SIZE(far_returns));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

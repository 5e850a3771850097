/* IRET on a bare machine, in every protected mode: what is refused with which error code, what of the
 * flags changes, which stack is loaded (SDM 2A, IRET; 3A, 6.7.1 and 6.14.3). One case for each rule. */
#include "bare_modes.h"
#include "lib/suite.h"

CODE(iretq, "iretq");
CODE(iretl, "iretl");
CODE(iretw, "iretw");
CODE32(iret_32, "iret");
CODE32(iret_16, "data16 iret");
CODE(stop, "vmcall");

#define INNER (BARE_KERNEL_TEXT + 0x800) /* VMCALL */
#define OUTER (BARE_USER_TEXT + 0x800)   /* INT 80H */
#define COMPATIBLE FREE       /* 32-bit code of level 0, 64 KiB */
#define L_AND_D FREE2
#define CODE_1 FREE3          /* 64-bit code of level 1 */
#define STACK_16 FREE4        /* a 16-bit stack of level 3 */
#define FRAME_AT (BARE_KERNEL_STACK - 64)

static void prepare(struct bare *b)
{
    bare_put(b, INNER, stop, 3);
    bare_put(b, OUTER, "\xcd\x80", 2);
    bare_descriptor(b, COMPATIBLE, bare_segment(0, 0xffff, 0x9a, 4), 0);
    bare_descriptor(b, L_AND_D, FLAT(0xfa, 0xe), 0);
    bare_descriptor(b, CODE_1, FLAT(0xba, 0xa), 0);
    bare_descriptor(b, STACK_16, bare_segment(0, 0xffff, 0xf2, 0), 0);
    bare_write(b, BARE_GDT + (ABSENT_DATA & ~7u), FLAT(0x72, 0xc));
}

static void put_frame(struct bare *b, uint64_t rip, uint64_t cs, uint64_t flags, uint64_t rsp, uint64_t ss)
{
    const uint64_t frame[] = { rip, cs, flags, rsp, ss };
    bare_put(b, FRAME_AT, frame, sizeof frame);
    b->cpu->r[RF_RSP] = FRAME_AT;
}
static void put_frame32(struct bare *b, uint64_t at, uint32_t eip, uint32_t cs, uint32_t flags, uint32_t esp, uint32_t ss)
{
    const uint32_t frame[] = { eip, cs, flags, esp, ss };
    bare_put(b, at, frame, sizeof frame);
    b->cpu->r[RF_RSP] = at;
}

/* --- 64-bit mode --- */

enum { REACHED = -1, USER_REACHED = 0x80 };
static const struct rule {
    const char *rule;
    uint64_t rip;
    uint16_t cs, ss;
    int vector;
    uint32_t error;
} rules[] = {
    { "a null CS is #GP(0)", OUTER, 0, USER_DATA, RF_GP, 0 },
    { "a null CS with an RPL is #GP(0)", OUTER, 3, USER_DATA, RF_GP, 0 },
    { "CS beyond the GDT is #GP(CS)", OUTER, 0x2003, USER_DATA, RF_GP, 0x2000 },
    { "CS in an LDT that is not there is #GP(CS)", OUTER, 0x0f, USER_DATA, RF_GP, 0x0c },
    { "CS that is data is #GP(CS)", OUTER, USER_DATA, USER_DATA, RF_GP, USER_DATA & ~3u },
    { "CS that is a TSS is #GP(CS)", OUTER, TSS_SELECTOR, USER_DATA, RF_GP, TSS_SELECTOR },
    { "DPL of CS is not its RPL: #GP(CS)", OUTER, KERNEL_CODE | 3, USER_DATA, RF_GP, KERNEL_CODE },
    { "an outer CS with an inner RPL is #GP(CS)", OUTER, USER_CODE & ~3u, KERNEL_DATA, RF_GP, USER_CODE & ~3u },
    { "conforming code with DPL <= RPL is allowed", OUTER, CONFORMING_CODE | 3, USER_DATA, USER_REACHED, 0 },
    { "L and D are #GP(CS)", OUTER, L_AND_D | 3, USER_DATA, RF_GP, L_AND_D },
    { "an absent CS is #NP(CS)", OUTER, ABSENT_CODE, KERNEL_DATA, RF_NP, ABSENT_CODE },
    { "a null SS for CPL 3 is #GP(0)", OUTER, USER_CODE, 3, RF_GP, 0 },
    { "a null SS for 64-bit code at CPL 0 is allowed", INNER, KERNEL_CODE, 0, REACHED, 0 },
    { "a null SS whose RPL is not CPL is #GP(0)", INNER, KERNEL_CODE, 1, RF_GP, 0 },
    { "a null SS for compatibility code at CPL 0 is #GP(0)", 0x4000, COMPATIBLE, 0, RF_GP, 0 },
    { "a null SS for 64-bit code at CPL 1 is allowed", OUTER, CODE_1 | 1, 1, USER_REACHED, 0 },
    { "SS beyond the GDT is #GP(SS)", OUTER, USER_CODE, 0x2003, RF_GP, 0x2000 },
    { "SS.RPL is not CPL: #GP(SS)", OUTER, USER_CODE, USER_DATA & ~3u, RF_GP, USER_DATA & ~3u },
    { "SS.DPL is not CPL: #GP(SS)", OUTER, USER_CODE, KERNEL_DATA | 3, RF_GP, KERNEL_DATA },
    { "SS that is read-only is #GP(SS)", OUTER, USER_CODE, READ_ONLY_DATA, RF_GP, READ_ONLY_DATA & ~3u },
    { "SS that is code is #GP(SS)", OUTER, USER_CODE, USER_CODE, RF_GP, USER_CODE & ~3u },
    { "SS that is a TSS is #GP(SS)", INNER, KERNEL_CODE, TSS_SELECTOR, RF_GP, TSS_SELECTOR },
    { "an absent SS is #SS(SS)", OUTER, USER_CODE, ABSENT_DATA, RF_SS, ABSENT_DATA & ~3u },
    { "SS is loaded at the same level, too", INNER, KERNEL_CODE, USER_DATA, RF_GP, USER_DATA & ~3u },
    { "a target that is not canonical is #GP(0)", BARE_NONCANONICAL, USER_CODE, USER_DATA, RF_GP, 0 },
    { "SS is looked at before the target", BARE_NONCANONICAL, USER_CODE, ABSENT_DATA, RF_SS, ABSENT_DATA & ~3u },
    { "CS is looked at before SS", OUTER, ABSENT_CODE, 0x2003, RF_NP, ABSENT_CODE },
    { "EIP beyond the limit of compatibility code is #GP(0)", 0x10000, COMPATIBLE, KERNEL_DATA, RF_GP, 0 },
    { "a 64-bit target of compatibility code is #GP(0)", UINT64_C(0x100000000) + OUTER, USER_CODE32, USER_DATA,
      RF_GP, 0 },
    { "to 64-bit code of CPL 3", OUTER, USER_CODE, USER_DATA, USER_REACHED, 0 },
    { "to compatibility code of CPL 3", OUTER, USER_CODE32, USER_DATA, USER_REACHED, 0 },
};
START_TEST(iretq_rules)
{
    const struct rule *r = &rules[_i];
    struct bare b;
    bare_create(&b, 0);
    prepare(&b);
    put_frame(&b, r->rip, r->cs, 2, BARE_USER_STACK, r->ss);
    RUN(&b, iretq);
    ck_assert_msg(b.stop == RF_STOP_DOOR && b.vector == r->vector && b.error_code == r->error, "%s: %s(%#x)", r->rule,
                  b.vector < 0 ? "no exception" : rf_vector_name((unsigned)b.vector), b.error_code);
    if (r->vector == REACHED) {
        ck_assert_uint_eq(b.cpu->r[RF_REG_IP], INNER + 3);
        ck_assert_uint_eq(b.cpu->r[RF_RSP], BARE_USER_STACK);
        ck_assert_uint_eq(b.cpu->seg[RF_SEG_SS].selector, r->ss);
    } else if (r->vector == USER_REACHED) {
        ck_assert_uint_eq(b.frame.rip, OUTER + 2);
        ck_assert_uint_eq(b.frame.cs, r->cs);
        ck_assert_uint_eq(b.frame.rsp, BARE_USER_STACK);
    } else {
        ck_assert_uint_eq(b.frame.rip, KERNEL(0));
        ck_assert_uint_eq(b.frame.rsp, FRAME_AT);
        ck_assert_uint_eq(b.frame.cs, KERNEL_CODE);
    }
    bare_destroy(&b);
}
END_TEST

/* The stack: #SS(0) for an address that is not canonical, #PF for a page that is not there. */
CASE(a_noncanonical_stack_is_ss, 0)
{
    b->cpu->r[RF_RSP] = BARE_NONCANONICAL;
    bare_gate(b, RF_SS, BARE_HANDLERS + RF_SS * 16, KERNEL_CODE, 0xe, 0, 1, true);
    RUN(b, iretq);
    expect_error(b, RF_SS, KERNEL(0), 0);
}
CASE(a_page_fault_in_the_frame_changes_nothing, 0)
{
    prepare(b);
    const uint64_t frame[] = { OUTER, USER_CODE };
    bare_put(b, BARE_ABSENT - 16, frame, sizeof frame);
    b->cpu->r[RF_RSP] = BARE_ABSENT - 16;
    RUN(b, iretq);
    expect_error(b, RF_PF, KERNEL(0), 0);
    ck_assert_uint_eq(b->cpu->cr2, BARE_ABSENT);
    ck_assert_uint_eq(b->frame.rsp, BARE_ABSENT - 16);
    ck_assert_uint_eq(b->frame.cs, KERNEL_CODE);
}
CASE(iret_inward_is_gp, 3)
{
    const uint64_t frame[] = { INNER, KERNEL_CODE, 2, BARE_KERNEL_STACK, KERNEL_DATA };
    b->cpu->r[RF_RSP] = BARE_USER_STACK - sizeof frame;
    bare_put(b, BARE_USER_STACK - sizeof frame, frame, sizeof frame);
    RUN(b, iretq);
    expect_error(b, RF_GP, USER(0), KERNEL_CODE);
}

/* Frames of 4 and 2 bytes; in 64-bit mode they hold SS and RSP as well. */
CASE(iretd_pops_five_doublewords, 0)
{
    prepare(b);
    put_frame32(b, FRAME_AT, (uint32_t)OUTER, USER_CODE, 0x202, (uint32_t)BARE_USER_STACK, USER_DATA);
    RUN(b, iretl);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
    ck_assert_uint_eq(b->frame.rflags, 0x202);
}
CASE(iretw_pops_five_words, 0)
{
    prepare(b);
    const uint16_t frame[] = { 0x4800, KERNEL_CODE, 0x246, 0x8000, KERNEL_DATA };
    bare_put(b, 0x4800, stop, 3);
    bare_put(b, FRAME_AT, frame, sizeof frame);
    b->cpu->r[RF_RSP] = FRAME_AT;
    b->cpu->flags |= RF_FLAG_AC | RF_FLAG_ID;
    RUN(b, iretw);
    ck_assert_uint_eq(reg(b, RF_REG_IP), 0x4803);
    ck_assert_uint_eq(reg(b, RF_RSP), 0x8000);
    ck_assert_uint_eq(rf_cpu_flags(b->cpu), 0x246 | RF_FLAG_AC | RF_FLAG_ID); /* the upper half stays */
}

/* A 16-bit SS takes SP alone. */
CASE(a_16_bit_stack_takes_sp_alone, 0)
{
    prepare(b);
    put_frame(b, OUTER, USER_CODE32, 2, 0x12345678, STACK_16 | 3);
    RUN(b, iretq);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.rsp, (FRAME_AT & ~UINT64_C(0xffff)) | 0x5678);
}

/* The accessed bits of CS and SS are set in the GDT. */
CASE(iret_marks_segments_accessed, 0)
{
    prepare(b);
    put_frame(b, OUTER, USER_CODE, 2, BARE_USER_STACK, USER_DATA);
    RUN(b, iretq);
    ck_assert_uint_eq(bare_read(b, BARE_GDT + (USER_CODE & ~7u)), FLAT(0xfb, 0xa));
    ck_assert_uint_eq(bare_read(b, BARE_GDT + (USER_DATA & ~7u)), FLAT(0xf3, 0xc));
}

/* --- flags --- */

#define ALL_FLAGS (UINT64_C(0x3f7fd5) & ~(uint64_t)RF_FLAG_TF)
static const struct {
    const char *rule;
    unsigned cpl, iopl;
    uint64_t old, popped, expected;
} flags[] = {
    { "CPL 0 changes everything but VM", 0, 0, 2, ALL_FLAGS & ~(uint64_t)RF_FLAG_NT,
      (ALL_FLAGS & ~(uint64_t)(RF_FLAG_NT | RF_FLAG_VM | RF_FLAG_RF)) | 2 },
    { "CPL 0 clears everything", 0, 3, ALL_FLAGS & ~(uint64_t)(RF_FLAG_NT | RF_FLAG_VM | RF_FLAG_RF), 0, 2 },
    { "CPL 3 above IOPL keeps IF and IOPL", 3, 0, 0x202, 0x3002, 0x202 },
    { "CPL 3 within IOPL changes IF, not IOPL", 3, 3, 0x3202, 2, 0x3002 },
    { "CPL 3 keeps VIF and VIP", 3, 0, 0x202, 0x180202, 0x202 },
    { "CPL 3 changes AC, ID and NT", 3, 0, 0x202, 0x244202, 0x244202 },
    { "VM is ignored in IA-32e mode", 0, 0, 2, 0x20002, 2 },
};
START_TEST(flags_that_change)
{
    struct bare b;
    bare_create(&b, flags[_i].cpl);
    prepare(&b);
    bool user = flags[_i].cpl == 3;
    uint64_t frame[] = { user ? OUTER : INNER, user ? USER_CODE : KERNEL_CODE, flags[_i].popped,
                         b.cpu->r[RF_RSP], user ? USER_DATA : KERNEL_DATA };
    b.cpu->r[RF_RSP] -= sizeof frame;
    bare_put(&b, b.cpu->r[RF_RSP], frame, sizeof frame);
    rf_cpu_set_flags(&b.cpu[0], flags[_i].old | RF_FLAG_FIXED | flags[_i].iopl << 12);
    rf_cpu_mode_changed(b.cpu);
    RUN(&b, iretq);
    uint64_t got = user ? b.frame.rflags : rf_cpu_flags(b.cpu);
    ck_assert_int_eq(b.vector, user ? 0x80 : -1);
    ck_assert_msg(got == flags[_i].expected, "%s: %#llx", flags[_i].rule, (unsigned long long)got);
    bare_destroy(&b);
}
END_TEST

/* SDM 2A, IRET: NT is #GP(0) in IA-32e mode, in compatibility code as well. */
CASE(nt_in_compatibility_code_is_gp, 0)
{
    b->cpu->seg[RF_CS] = (struct rf_segment){ KERNEL_CODE32, 0x9b | RF_SEG_DB | RF_SEG_G, UINT32_MAX, 0 };
    b->cpu->flags |= RF_FLAG_NT;
    rf_cpu_mode_changed(b->cpu);
    RUN(b, iret_32);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

/* SDM 3A, 6.7.1: NMIs are unblocked even if IRET faults. */
CASE(an_iret_that_faults_unblocks_nmi, 0)
{
    b->cpu->nmi_blocked = true;
    put_frame(b, OUTER, 0, 2, BARE_USER_STACK, USER_DATA);
    RUN(b, iretq);
    expect_error(b, RF_GP, KERNEL(0), 0);
    ck_assert(!b->cpu->nmi_blocked);
}

/* --- compatibility mode --- */

/* At the same level SS:ESP is not popped. */
CASE(compatibility_code_pops_three_words, 0)
{
    prepare(b);
    b->cpu->seg[RF_CS] = (struct rf_segment){ KERNEL_CODE32, 0x9b | RF_SEG_DB | RF_SEG_G, UINT32_MAX, 0 };
    rf_cpu_mode_changed(b->cpu);
    put_frame32(b, FRAME_AT, (uint32_t)INNER, KERNEL_CODE32, 2, 0xdead, 0xbeef);
    RUN(b, iret_32);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(reg(b, RF_REG_IP), INNER + 3);
    ck_assert_uint_eq(reg(b, RF_RSP), FRAME_AT + 12);
    ck_assert_uint_eq(b->cpu->seg[RF_SEG_SS].selector, KERNEL_DATA);
}
CASE(compatibility_code_returns_to_64_bit_code, 0)
{
    prepare(b);
    b->cpu->seg[RF_CS] = (struct rf_segment){ KERNEL_CODE32, 0x9b | RF_SEG_DB | RF_SEG_G, UINT32_MAX, 0 };
    rf_cpu_mode_changed(b->cpu);
    put_frame32(b, FRAME_AT, (uint32_t)OUTER, USER_CODE, 2, (uint32_t)BARE_USER_STACK, USER_DATA);
    RUN(b, iret_32);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.cs, USER_CODE);
}

/* --- outside IA-32e mode --- */

#define IRET_CASE(name, cpl) MODE_CASE(name, (bare_enter_legacy(b, cpl), prepare(b)))

IRET_CASE(legacy_same_level, 0)
{
    put_frame32(b, FRAME_AT, (uint32_t)INNER, KERNEL_CODE32, 0x3206, 0xdead, 0xbeef);
    RUN(b, iret_32);
    ck_assert_uint_eq(reg(b, RF_REG_IP), INNER + 3);
    ck_assert_uint_eq(reg(b, RF_RSP), FRAME_AT + 12);
    ck_assert_uint_eq(rf_cpu_flags(b->cpu), 0x3206);
}
IRET_CASE(legacy_outward, 0)
{
    put_frame32(b, FRAME_AT, (uint32_t)OUTER, USER_CODE32, 0x202, (uint32_t)BARE_USER_STACK, USER_DATA);
    RUN(b, iret_32);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
    ck_assert_uint_eq(b->frame.ss, USER_DATA);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].selector, 0); /* of level 0 */
}
IRET_CASE(legacy_16_bit_frame, 0)
{
    const uint16_t frame[] = { 0x4800, KERNEL_CODE32, 0x202 };
    bare_put(b, 0x4800, stop, 3);
    bare_put(b, FRAME_AT, frame, sizeof frame);
    b->cpu->r[RF_RSP] = FRAME_AT;
    RUN(b, iret_16);
    ck_assert_uint_eq(reg(b, RF_REG_IP), 0x4803);
    ck_assert_uint_eq(reg(b, RF_RSP), FRAME_AT + 6);
}
/* A null SS is never allowed there. */
IRET_CASE(legacy_null_ss_is_gp, 0)
{
    bare_descriptor(b, CODE_1, FLAT(0xba, 0xc), 0);
    put_frame32(b, FRAME_AT, (uint32_t)OUTER, CODE_1 | 1, 2, (uint32_t)BARE_USER_STACK, 1);
    RUN(b, iret_32);
    expect_error(b, RF_GP, KERNEL(0), 0);
}
/* The frame beyond SS.limit is #SS(0). */
IRET_CASE(legacy_frame_beyond_the_stack_is_ss, 0)
{
    put_frame32(b, FRAME_AT, (uint32_t)OUTER, USER_CODE32, 2, (uint32_t)BARE_USER_STACK, USER_DATA);
    b->cpu->seg[RF_SEG_SS].limit = FRAME_AT + 18;
    rf_cpu_mode_changed(b->cpu);
    RUN(b, iret_32);
    expect_error(b, RF_SS, KERNEL(0), 0);
}
/* L and D both set mean nothing. */
IRET_CASE(legacy_l_and_d_are_32_bit_code, 0)
{
    put_frame32(b, FRAME_AT, (uint32_t)OUTER, L_AND_D | 3, 2, (uint32_t)BARE_USER_STACK, USER_DATA);
    RUN(b, iret_32);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.cs, L_AND_D | 3);
}
/* A return to a task, and to virtual-8086 mode: #GP(0) and a report. */
IRET_CASE(legacy_nt_is_reported, 0)
{
    unsigned reports;
    bare_count_unimplemented(b, &reports);
    b->cpu->flags |= RF_FLAG_NT;
    RUN(b, iret_32);
    expect_error(b, RF_GP, KERNEL(0), 0);
    ck_assert_uint_eq(reports, 1);
}
IRET_CASE(legacy_vm_is_reported, 0)
{
    unsigned reports;
    bare_count_unimplemented(b, &reports);
    put_frame32(b, FRAME_AT, 0x100, 0x1000, RF_FLAG_VM | 2, 0x200, 0x2000);
    RUN(b, iret_32);
    expect_error(b, RF_GP, KERNEL(0), 0);
    ck_assert_uint_eq(reports, 1);
}
/* SDM 2A, IRET: VM in the frame is ignored at CPL 3. */
IRET_CASE(legacy_vm_at_cpl_3_is_ignored, 3)
{
    put_frame32(b, BARE_USER_STACK - 20, (uint32_t)OUTER, USER_CODE32, RF_FLAG_VM | 0x202, 0, 0);
    RUN(b, iret_32);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.rflags, 0x202);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK - 8);
}

int main(void)
{
    const TTest *const all[] = {
        a_noncanonical_stack_is_ss, a_page_fault_in_the_frame_changes_nothing, iret_inward_is_gp,
        iretd_pops_five_doublewords, iretw_pops_five_words, a_16_bit_stack_takes_sp_alone,
        iret_marks_segments_accessed, nt_in_compatibility_code_is_gp, an_iret_that_faults_unblocks_nmi,
        compatibility_code_pops_three_words, compatibility_code_returns_to_64_bit_code, legacy_same_level,
        legacy_outward, legacy_16_bit_frame, legacy_null_ss_is_gp, legacy_frame_beyond_the_stack_is_ss,
        legacy_l_and_d_are_32_bit_code, legacy_nt_is_reported, legacy_vm_is_reported,
        legacy_vm_at_cpl_3_is_ignored,
    };
    Suite *suite = suite_create("iret");
    TCase *tests = tcase_create("iret");
    ADD_ALL(tests, all);
    tcase_add_loop_test(tests, iretq_rules, 0, (int)RF_ARRAY_SIZE(rules));
    tcase_add_loop_test(tests, flags_that_change, 0, (int)RF_ARRAY_SIZE(flags));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

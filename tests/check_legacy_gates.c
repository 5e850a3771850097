/* Call gates of 32 and 16 bits on a bare machine outside IA-32e mode: stacks of the TSS, parameters, and
 * the way back (SDM 2A, CALL and JMP; 2B, RET; 3A, 5.8.3 to 5.8.6). One case for each rule. */
#include "bare_modes.h"
#include "lib/suite.h"

#define GATE FREE
#define INNER (BARE_KERNEL_TEXT + 0x800) /* where gates lead: VMCALL at CPL 0 */
#define OUTER (BARE_USER_TEXT + 0x800)   /* and INT 80H, for code of CPL 3 */
#define POINTER BARE_USER_DATA           /* the far pointer of the tests' code, at EDI */

CODE(stop, "vmcall");
CODE(stop_user, "int $0x80");
#define PUT(b, at, name) bare_put(b, at, name, (size_t)(name##_end - name))

static void put_pointer(struct bare *b, uint16_t selector)
{
    bare_put(b, POINTER + 4, &selector, 2);
    b->cpu->r[RF_RDI] = POINTER;
}

CODE32(call_32, "lcall *(%edi)");
CODE32(jump_32, "ljmp *(%edi)");
CODE32(ret_8_32, "lret $8");

static void prepare_legacy(struct bare *b)
{
    PUT(b, INNER, stop);
    PUT(b, OUTER, stop_user);
    bare_call_gate(b, GATE, KERNEL_CODE32, INNER, 0xec, 0);
    put_pointer(b, GATE | 3);
}
#define GATE_CASE(name) MODE_CASE(name, (bare_enter_legacy(b, 3), prepare_legacy(b)))

/* SS0:ESP0 from the 32-bit TSS, then SS, ESP, CS, EIP of 4 bytes. */
GATE_CASE(a_32_bit_call_inward)
{
    RUN(b, call_32);
    ck_assert_uint_eq(reg(b, RF_REG_IP), INNER + 3);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 16);
    ck_assert_uint_eq(bare_slot(b, 0, 4), USER(2));
    ck_assert_uint_eq(bare_slot(b, 1, 4), USER_CODE32);
    ck_assert_uint_eq(bare_slot(b, 2, 4), BARE_USER_STACK);
    ck_assert_uint_eq(bare_slot(b, 3, 4), USER_DATA);
    ck_assert_uint_eq(b->cpu->seg[RF_SEG_SS].selector, KERNEL_DATA);
    ck_assert_uint_eq(b->cpu->seg[RF_CS].selector, KERNEL_CODE32);
    ck_assert_uint_eq(b->cpu->cpl, 0);
}

/* SDM 3A, 5.8.5: the parameters keep their order, below CS:EIP. */
GATE_CASE(a_32_bit_call_copies_parameters)
{
    const uint32_t parameters[] = { 11, 22, 33 };
    bare_call_gate(b, GATE, KERNEL_CODE32, INNER, 0xec, 3);
    bare_put(b, BARE_USER_STACK - 12, parameters, sizeof parameters);
    b->cpu->r[RF_RSP] -= 12;
    RUN(b, call_32);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 28);
    ck_assert_uint_eq(bare_slot(b, 2, 4), 11);
    ck_assert_uint_eq(bare_slot(b, 3, 4), 22);
    ck_assert_uint_eq(bare_slot(b, 4, 4), 33);
    ck_assert_uint_eq(bare_slot(b, 5, 4), BARE_USER_STACK - 12);
}

/* The count has five bits. */
GATE_CASE(thirty_one_parameters)
{
    bare_call_gate(b, GATE, KERNEL_CODE32, INNER, 0xec, 0xff);
    for (uint32_t i = 0; i < 31; i++)
        bare_put(b, BARE_USER_STACK - 124 + i * 4, &i, 4);
    b->cpu->r[RF_RSP] -= 124;
    RUN(b, call_32);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 140);
    ck_assert_uint_eq(bare_slot(b, 2, 4), 0);
    ck_assert_uint_eq(bare_slot(b, 32, 4), 30);
    ck_assert_uint_eq(bare_slot(b, 34, 4), USER_DATA);
}

/* SDM 3A, 5.8.6: RET n releases them from both stacks. */
GATE_CASE(a_32_bit_call_with_parameters_and_back)
{
    bare_call_gate(b, GATE, KERNEL_CODE32, INNER, 0xec, 2);
    PUT(b, INNER, ret_8_32);
    b->cpu->r[RF_RSP] -= 8;
    bare_put(b, USER(0), call_32, 2);
    bare_put(b, USER(2), "\xcd\x80", 2);
    b->cpu->r[RF_REG_IP] = USER(0);
    bare_continue(b);
    expect_vector(b, 0x80, USER(4));
    ck_assert_uint_eq(b->frame.cs, USER_CODE32);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
    ck_assert_uint_eq(b->frame.ss, USER_DATA);
}

/* SDM 3A, 5.8.3: a 16-bit gate pushes words of 2 bytes and has 16 bits of offset. */
GATE_CASE(a_16_bit_call_inward)
{
    bare_descriptor(b, FREE2, bare_segment((uint32_t)BARE_KERNEL_TEXT, 0xffff, 0x9a, 4), 0);
    bare_call_gate(b, GATE, FREE2, 0xffff0800, 0xe4, 1);
    const uint16_t parameter = 0x4321;
    b->cpu->r[RF_RSP] -= 2;
    bare_put(b, BARE_USER_STACK - 2, &parameter, 2);
    RUN(b, call_32);
    ck_assert_uint_eq(reg(b, RF_REG_IP), 0x803);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 10);
    ck_assert_uint_eq(bare_slot(b, 0, 2), 2); /* EIP 100002H, cut */
    ck_assert_uint_eq(bare_slot(b, 1, 2), USER_CODE32);
    ck_assert_uint_eq(bare_slot(b, 2, 2), 0x4321);
    ck_assert_uint_eq(bare_slot(b, 3, 2), (BARE_USER_STACK - 2) & 0xffff);
    ck_assert_uint_eq(bare_slot(b, 4, 2), USER_DATA);
}

/* SDM 3A, 7.7: a 16-bit TSS has its stacks elsewhere: SP0 at 2, SS0 at 4. */
GATE_CASE(a_stack_from_a_16_bit_tss)
{
    const uint16_t stack[] = { 0x8000, KERNEL_DATA };
    bare_put(b, BARE_TSS + 2, stack, sizeof stack);
    b->cpu->tr.attributes = 0x83;
    RUN(b, call_32);
    ck_assert_uint_eq(reg(b, RF_REG_IP), INNER + 3);
    ck_assert_uint_eq(reg(b, RF_RSP), 0x8000 - 16);
}

GATE_CASE(a_32_bit_call_of_the_same_level)
{
    bare_call_gate(b, GATE, USER_CODE32, OUTER, 0xec, 5);
    RUN(b, call_32);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK - 8); /* without parameters */
    ck_assert_uint_eq(bare_read(b, BARE_USER_STACK - 8), (uint64_t)USER_CODE32 << 32 | USER(2));
}

GATE_CASE(a_jump_through_a_32_bit_gate)
{
    bare_call_gate(b, GATE, USER_CODE32, OUTER, 0xec, 0);
    RUN(b, jump_32);
    expect_vector(b, 0x80, OUTER + 2);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
}

static const struct stack_rule {
    const char *rule;
    uint16_t ss;
    uint32_t esp, tss_limit;
    int vector;
    uint32_t error;
} stack_rules[] = {
    { "2A CALL: a null SS in the TSS is #TS(0)", 3, (uint32_t)BARE_RSP0, 0x67, RF_TS, 0 },
    { "SS beyond the GDT is #TS(SS)", 0x2000, (uint32_t)BARE_RSP0, 0x67, RF_TS, 0x2000 },
    { "SS.RPL must be the new CPL", KERNEL_DATA | 1, (uint32_t)BARE_RSP0, 0x67, RF_TS, KERNEL_DATA },
    { "SS.DPL must be the new CPL", USER_DATA & ~3u, (uint32_t)BARE_RSP0, 0x67, RF_TS, USER_DATA & ~3u },
    { "SS must be writable data", FREE2, (uint32_t)BARE_RSP0, 0x67, RF_TS, FREE2 },
    { "SS must not be code", KERNEL_CODE32, (uint32_t)BARE_RSP0, 0x67, RF_TS, KERNEL_CODE32 },
    { "an absent SS is #SS(SS)", FREE3, (uint32_t)BARE_RSP0, 0x67, RF_SS, FREE3 },
    { "a stack without room is #SS(SS)", FREE4, 0x100f, 0x67, RF_SS, FREE4 },
    { "a stack that is just large enough", FREE4, 0x1010, 0x67, -1, 0 },
    { "a short TSS is #TS(TSS)", KERNEL_DATA, (uint32_t)BARE_RSP0, 8, RF_TS, TSS_SELECTOR },
    { "a TSS that just holds SS0", KERNEL_DATA, (uint32_t)BARE_RSP0, 9, -1, 0 },
};
START_TEST(stacks_of_the_32_bit_tss)
{
    const struct stack_rule *r = &stack_rules[_i];
    struct bare b;
    bare_create(&b, 3);
    bare_enter_legacy(&b, 3);
    prepare_legacy(&b);
    bare_descriptor(&b, FREE2, FLAT(0x90, 0xc), 0);
    bare_descriptor(&b, FREE3, FLAT(0x12, 0xc), 0);
    bare_descriptor(&b, FREE4, bare_segment(0x30000, 0xfff, 0x96, 4), 0); /* expand-down: from 1000H on */
    bare_stack32(&b, 0, r->ss, r->esp);
    b.cpu->tr.limit = r->tss_limit;
    bare_gate32(&b, (unsigned)(r->vector < 0 ? 0 : r->vector), OUTER, FREE, 0x8e);
    /* the handler of the exception needs no stack: conforming code at CPL 3 */
    bare_descriptor(&b, 0xb0, FLAT(0x9e, 0xc), 0);
    if (r->vector >= 0)
        bare_gate32(&b, (unsigned)r->vector, (uint32_t)OUTER, 0xb0, 0x8e);
    bare_put(&b, OUTER, "\xeb\xfe", 2);
    b.cpu->stop_cycles = rf_cpu_cycles(b.cpu) + 100000;
    RUN(&b, call_32);
    if (r->vector < 0) {
        ck_assert_msg(b.cpu->r[RF_REG_IP] == INNER + 3, "%s: eip %#llx", r->rule, (unsigned long long)b.cpu->r[RF_REG_IP]);
    } else {
        ck_assert_msg(b.stop == RF_STOP_LIMIT && b.cpu->r[RF_REG_IP] == OUTER &&
                          b.cpu->counts.exceptions[r->vector] == 1, "%s: %s", r->rule, b.cpu->stop_text);
        ck_assert_msg(bare_slot(&b, 0, 4) == r->error, "%s: error code %#llx", r->rule,
                      (unsigned long long)bare_slot(&b, 0, 4));
        ck_assert_uint_eq(bare_slot(&b, 1, 4), USER(0));
        ck_assert_uint_eq(b.cpu->r[RF_RSP], BARE_USER_STACK - 16);
    }
    bare_destroy(&b);
}
END_TEST

/* SDM 2A, CALL: EIP of the gate beyond the new CS.limit is #GP(0). */
GATE_CASE(a_32_bit_target_beyond_the_limit_is_gp)
{
    bare_descriptor(b, FREE2, bare_segment(0, 0xfff, 0x9a, 4), 0);
    bare_call_gate(b, GATE, FREE2, 0x1000, 0xec, 0);
    RUN(b, call_32);
    expect_error(b, RF_GP, USER(0), 0);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
}

/* SDM 2A, CALL: parameters beyond the old stack's limit are #SS(0). */
GATE_CASE(parameters_beyond_the_old_stack_are_ss)
{
    bare_call_gate(b, GATE, KERNEL_CODE32, INNER, 0xec, 2);
    b->cpu->seg[RF_SEG_SS].limit = (uint32_t)BARE_USER_STACK + 6;
    rf_cpu_mode_changed(b->cpu);
    RUN(b, call_32);
    expect_error(b, RF_SS, USER(0), 0);
}

/* Task switches are not there: #GP(selector), and a report. */
GATE_CASE(a_call_to_a_tss_is_reported)
{
    unsigned reports;
    bare_count_unimplemented(b, &reports);
    bare_descriptor(b, GATE, 0x67 | UINT64_C(0xe9) << 40, 0);
    RUN(b, call_32);
    expect_error(b, RF_GP, USER(0), GATE);
    ck_assert_uint_eq(reports, 1);
}
GATE_CASE(a_jump_to_a_task_gate_is_reported)
{
    unsigned reports;
    bare_count_unimplemented(b, &reports);
    bare_descriptor(b, GATE, (uint64_t)TSS_SELECTOR << 16 | UINT64_C(0xe5) << 40, 0);
    RUN(b, jump_32);
    expect_error(b, RF_GP, USER(0), GATE);
    ck_assert_uint_eq(reports, 1);
}

/* SDM 3A, 3.4.5: outside IA-32e mode L does not make 64-bit code. */
GATE_CASE(a_gate_to_code_with_l_is_32_bit_code)
{
    bare_descriptor(b, FREE2, FLAT(0x9a, 0xe), 0);
    bare_call_gate(b, GATE, FREE2, INNER, 0xec, 0);
    RUN(b, call_32);
    ck_assert_uint_eq(reg(b, RF_REG_IP), INNER + 3);
    ck_assert_uint_eq(b->cpu->code_bits, 32);
}

/* ... but where privilege refuses the transfer anyway, there is nothing to report. */
GATE_CASE(a_call_to_a_tss_of_level_0_is_not_reported)
{
    unsigned reports;
    bare_count_unimplemented(b, &reports);
    bare_descriptor(b, GATE, 0x67 | UINT64_C(0x89) << 40, 0);
    RUN(b, call_32);
    expect_error(b, RF_GP, USER(0), GATE);
    ck_assert_uint_eq(reports, 0);
}

int main(void)
{
    const TTest *const all[] = {
        a_32_bit_call_inward, a_32_bit_call_copies_parameters, thirty_one_parameters,
        a_32_bit_call_with_parameters_and_back, a_16_bit_call_inward, a_stack_from_a_16_bit_tss,
        a_32_bit_call_of_the_same_level, a_jump_through_a_32_bit_gate, a_32_bit_target_beyond_the_limit_is_gp,
        parameters_beyond_the_old_stack_are_ss, a_call_to_a_tss_is_reported, a_jump_to_a_task_gate_is_reported,
        a_call_to_a_tss_of_level_0_is_not_reported, a_gate_to_code_with_l_is_32_bit_code,
    };
    Suite *suite = suite_create("legacy-gates");
    TCase *tests = tcase_create("legacy-gates");
    ADD_ALL(tests, all);
    tcase_add_loop_test(tests, stacks_of_the_32_bit_tss, 0, (int)RF_ARRAY_SIZE(stack_rules));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

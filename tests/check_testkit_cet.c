/* Control-flow enforcement in a kit (`shadow_stacks` and `tracking` in its config): the state it begins in,
 * #CP in words, ways into handlers and back. The rules of CET themselves: check_cet.c and
 * check_cet_transitions.c. SDM 1, chapter 17. */
#include "suite.h"

#include <ringfort/testkit.h>
#include <string.h>

static rf_kit *new_kit(rf_kit_config config)
{
    rf_kit *kit;
    ck_assert_msg(rf_kit_create(&config, &kit) == RF_OK, "%s", rf_create_error_text());
    return kit;
}

#define CASE(name, ...)                                    \
    static void name##_body(rf_kit *k);                    \
    START_TEST(name)                                       \
    {                                                      \
        rf_kit *k = new_kit((rf_kit_config){ __VA_ARGS__ }); \
        name##_body(k);                                    \
        rf_kit_destroy(k);                                 \
    }                                                      \
    END_TEST                                               \
    static void name##_body(rf_kit *k)
#define SHADOW .shadow_stacks = true
#define TRACKING .tracking = true
#define RUN(k, code) ck_assert_msg(rf_kit_run(k, &code) == RF_OK, "%s", rf_kit_error_text(k))
#define CONTINUE(k) ck_assert_msg(rf_kit_continue(k, 0) == RF_OK, "%s", rf_kit_error_text(k))

RF_GUEST_CODE(call_and_trap, "call 1f\n int $0x80\n 1: ret");
RF_GUEST_CODE(smash, "call 1f\n int $0x80\n 1: lea 2f(%rip), %rax\n mov %rax, (%rsp)\n ret\n 2: int $0x81");
RF_GUEST_CODE(traps_in_a_call, "call 1f\n int $0x80\n 1: int $0x81\n ret");
RF_GUEST_CODE(jump_to_nop, "lea 1f(%rip), %rax\n jmp *%rax\n 1: nop\n int $0x80");
RF_GUEST_CODE(jump_to_endbr, "lea 1f(%rip), %rax\n jmp *%rax\n 1: endbr64\n int $0x80");
RF_GUEST_CODE(plain_traps, "int $0x80\n int $0x80");
RF_GUEST_CODE(system_calls, "syscall\n syscall\n ud2");
RF_GUEST_CODE(kernel_calls, "endbr64\n setssbsy\n call 1f\n jmp 2f\n 1: ret\n 2: vmcall\n clrssbsy (%rbx)\n sysretq");
RF_GUEST_CODE(busy_token, "setssbsy\n setssbsy\n vmcall");
RF_GUEST_CODE(no_token, "lea -8(%rbx), %rbx\n rstorssp (%rbx)\n vmcall");

CASE(stacks_are_where_the_header_says, .cpl = 3, SHADOW)
{
    ck_assert_uint_eq(rf_kit_get(k, RF_BARE_SSP), RF_KIT_USER_SSP);
    RUN(k, call_and_trap);
    RF_CHECK(k, "int 0x80 at user+5 stack=rsp0-0x28 ssp=pl0_ssp");
    ck_assert_uint_eq(rf_kit_peek(k, RF_KIT_USER_SSP - 8), RF_KIT_USER_TEXT + 5);
    ck_assert_uint_eq(rf_kit_peek(k, RF_KIT_PL0_SSP), RF_KIT_PL0_SSP | 1); /* busy */
}

CASE(an_event_at_cpl_0_pushes_its_frame, SHADOW)
{
    RUN(k, traps_in_a_call);
    RF_CHECK(k, "int 0x81 ssp=kernel_ssp-0x20"); /* a return address, and CS, RIP, SSP */
    ck_assert_uint_eq(rf_kit_peek(k, RF_KIT_KERNEL_SSP - 0x20), RF_KIT_KERNEL_SSP - 8);
    CONTINUE(k);
    RF_CHECK(k, "int 0x80 at kernel+5");
    ck_assert(rf_kit_gate(k, 0x80, 0, "ist=1 dpl=3") == RF_OK);
    RUN(k, plain_traps);
    RF_CHECK(k, "int 0x80 ssp=ist1_ssp-0x18");
}

CASE(a_smashed_return_address_at_cpl_3, .cpl = 3, SHADOW)
{
    RUN(k, smash);
    RF_CHECK(k, "#CP(NEAR_RET) at user+18 cpl=3->0 changed=rax,rsp");
    ck_assert_str_eq(rf_kit_outcome(k)->error_text, "NEAR-RET");
    ck_assert_ptr_nonnull(strstr(rf_kit_describe(k), "#CP, error code 0x1 (NEAR-RET), at user+18: ret"));
    ck_assert_ptr_nonnull(strstr(rf_kit_describe(k), "return address: user+19 on the stack at 0x11fff8, "
                                                     "user+5 on the shadow stack at 0x140ff8\n"));
    ck_assert(!rf_kit_expect(k, "#CP(ENDBRANCH)"));
    ck_assert_ptr_nonnull(strstr(rf_kit_failure(k),
                                 "  error code    ENDBRANCH                 0x1 (NEAR-RET)  <--\n"));
    ck_assert_ptr_nonnull(strstr(rf_kit_failure(k), "return address: user+19"));
}

CASE(a_smashed_return_address_at_cpl_0, SHADOW)
{
    RUN(k, smash);
    RF_CHECK(k, "#CP(1) at kernel+18 cpl=0->0");
    ck_assert_ptr_nonnull(strstr(rf_kit_describe(k), "kernel+5 on the shadow stack at 0x70ff8\n"));
}

CASE(without_shadow_stacks_it_is_not_seen, .cpl = 3, TRACKING)
{
    RUN(k, smash);
    RF_CHECK(k, "#GP(0x40a) at user+19"); /* INT 81H at CPL 3: where the attacker wanted */
}

CASE(a_branch_past_endbr64, .cpl = 3, TRACKING)
{
    RUN(k, jump_to_nop);
    RF_CHECK(k, "#CP(ENDBRANCH) at user+9 cpl=3->0 changed=rax");
    ck_assert_str_eq(rf_kit_outcome(k)->instruction, "nop");
    ck_assert(rf_kit_set_cpl(k, 3) == RF_OK); /* no branch is waiting any more */
    RUN(k, plain_traps);
    RF_CHECK(k, "int 0x80 at user+0");
    CONTINUE(k);
    RF_CHECK(k, "int 0x80 at user+2 rip=user+4");
    ck_assert(rf_kit_set_cpl(k, 3) == RF_OK);
    RUN(k, jump_to_endbr);
    RF_CHECK(k, "int 0x80 at user+13");
}

CASE(a_branch_past_endbr64_at_cpl_0, SHADOW, TRACKING)
{
    RUN(k, jump_to_nop);
    RF_CHECK(k, "#CP(ENDBRANCH) at kernel+9 cpl=0->0");
}

CASE(system_calls_with_both, .cpl = 3, SHADOW, TRACKING)
{
    RUN(k, system_calls);
    RF_CHECK(k, "syscall at user+0 ssp=0");
    CONTINUE(k);
    RF_CHECK(k, "syscall at user+2");
    CONTINUE(k);
    RF_CHECK(k, "#UD at user+4 cpl=3->0");
    ck_assert(rf_kit_set_cpl(k, 3) == RF_OK && rf_kit_syscall(k, &kernel_calls) == RF_OK);
    ck_assert(rf_kit_set(k, RF_BARE_RBX, RF_KIT_PL0_SSP) == RF_OK);
    RUN(k, system_calls);
    RF_CHECK(k, "door ssp=pl0_ssp");
}

CASE(tokens_in_words, SHADOW)
{
    RUN(k, busy_token);
    RF_CHECK(k, "#CP(SETSSBSY) at kernel+4");
    ck_assert_str_eq(rf_kit_outcome(k)->error_text, "SETSSBSY");
    ck_assert(rf_kit_set_cpl(k, 0) == RF_OK && rf_kit_set(k, RF_BARE_RBX, RF_KIT_KERNEL_SSP) == RF_OK);
    RUN(k, no_token);
    RF_CHECK(k, "#CP(RSTORSSP) at kernel+4");
}

START_TEST(both_on_amd_and_with_a_model_that_lacks_them)
{
    rf_kit *k = new_kit((rf_kit_config){ .cpl = 3, SHADOW, .vendor = "amd" });
    RUN(k, smash);
    RF_CHECK(k, "#CP(NEAR_RET)");
    rf_kit_destroy(k);
    ck_assert(rf_kit_create(&(rf_kit_config){ SHADOW, .cpu = "x86-64-v3" }, &k) == RF_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(rf_create_error_text(), "this CPU model does not have"));
    ck_assert(rf_kit_create(&(rf_kit_config){ TRACKING, .cr0_clear = 0x10000 }, &k) == RF_ERR_STATE);
    ck_assert_str_eq(rf_create_error_text(), "CR4 = 0x8106a0: CET can be set only while CR0.WP is set");
}
END_TEST

CASE(pages_of_shadow_stacks, SHADOW)
{
    unsigned level;
    ck_assert(rf_kit_page(k, RF_KIT_USER_DATA, "user shadow-stack") == RF_OK);
    uint64_t entry = rf_kit_peek(k, rf_kit_entry(k, RF_KIT_USER_DATA, &level));
    ck_assert_uint_eq(level, 1);
    ck_assert_uint_eq(entry & 0x47, 0x45); /* P, U, D; R/W clear */
}

int main(void)
{
    const TTest *const tests[] = {
        stacks_are_where_the_header_says, an_event_at_cpl_0_pushes_its_frame, a_smashed_return_address_at_cpl_3,
        a_smashed_return_address_at_cpl_0, without_shadow_stacks_it_is_not_seen, a_branch_past_endbr64,
        a_branch_past_endbr64_at_cpl_0, system_calls_with_both, tokens_in_words,
        both_on_amd_and_with_a_model_that_lacks_them, pages_of_shadow_stacks,
    };
    Suite *suite = suite_create("testkit CET");
    TCase *cases = tcase_create("testkit CET");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

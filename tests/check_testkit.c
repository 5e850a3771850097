/* The test kit: outcomes, the language of expectations, what a failure prints, words of pages and gates, many kits at
 * once, bad input. tests/plain_testkit.c uses it without Check. */
#include "suite.h"

#include <pthread.h>
#include <ringfort/testkit.h>
#include <stdlib.h>
#include <string.h>

#define CR4_SMAP UINT64_C(0x200000)

static rf_kit *new_kit(rf_kit_config config)
{
    rf_kit *kit;
    ck_assert_msg(rf_kit_create(&config, &kit) == RF_OK, "%s", rf_create_error_text());
    return kit;
}

/* A case with a kit `k` at a CPL. */
#define KIT(name, level)                                          \
    static void name##_body(rf_kit *k);                           \
    START_TEST(name)                                              \
    {                                                             \
        rf_kit *k = new_kit((rf_kit_config){ .cpl = level });     \
        name##_body(k);                                           \
        rf_kit_destroy(k);                                        \
    }                                                             \
    END_TEST                                                      \
    static void name##_body(rf_kit *k)
#define RUN(k, code) ck_assert_msg(rf_kit_run(k, &code) == RF_OK, "%s", rf_kit_error_text(k))
#define CONTINUE(k) ck_assert_msg(rf_kit_continue(k, 0) == RF_OK, "%s", rf_kit_error_text(k))

/* --- outcomes --- */

RF_GUEST_CODE(write_kernel_page, "mov $1, %eax\n mov %rax, 0x203000\n nop\n nop\n nop");
RF_GUEST_CODE(int80, "mov $20, %eax\n int $0x80\n ud2");
RF_GUEST_CODE(system_call, "mov $39, %eax\n syscall\n ud2");
RF_GUEST_CODE(breakpoint, "nop\n int3");
RF_GUEST_CODE(int3_long, "nop\n .byte 0xcd, 3");
RF_GUEST_CODE(bad_selector, "mov $0x1000, %eax\n mov %eax, %ds");
RF_GUEST_CODE(divide, "xor %ecx, %ecx\n div %ecx");
RF_GUEST_CODE(jump_away, "mov $0x202000, %eax\n jmp *%rax");
RF_GUEST_CODE(halt_code, "nop\n hlt");
RF_GUEST_CODE(door_code, "mov $7, %ebx\n vmcall");
RF_GUEST_CODE(endless, "1: jmp 1b");
RF_GUEST_CODE(sysenter_code, "sysenter");

KIT(page_fault_of_user_code, 3)
{
    RUN(k, write_kernel_page);
    RF_CHECK(k, "#PF");
    RF_CHECK(k, "#PF(P|W|U) cr2=supervisor_page at user+5 cpl=3->0");
    RF_CHECK(k, "#PF(7) cr2=0x203000 at user+5 rip=user+5 cs=user_cs ss=user_ss rsp=user_stack rflags=RF|IF|2 changed=rax exact");
    RF_CHECK(k, "#PF rax=1 kept=rcx,rbx,rsp cycles<1000 cycles>700 instructions=2 stack=rsp0-0x30");
    ck_assert_str_eq(rf_kit_failure(k), "");
    const rf_outcome *o = rf_kit_outcome(k);
    ck_assert_str_eq(o->instruction, "mov [0x0000000000203000], rax");
    ck_assert_str_eq(o->error_text, "P|W|U");
}

KIT(interrupts_and_system_calls, 3)
{
    RUN(k, int80);
    RF_CHECK(k, "int 0x80 at user+5 rip=user+7 cpl=3->0 changed=rax rax=20");
    CONTINUE(k);
    RF_CHECK(k, "#UD at user+7 rip=user+7 changed=none");
    ck_assert(rf_kit_set_cpl(k, 3) == RF_OK);
    RUN(k, system_call);
    RF_CHECK(k, "syscall at user+5 cpl=3->0 changed=rax,rcx,r11 rcx=user+7 stack=user_stack exact");
    CONTINUE(k);
    RF_CHECK(k, "#UD at user+7 cpl=3->0");
    ck_assert(rf_kit_set_cpl(k, 3) == RF_OK);
    RUN(k, sysenter_code);
    RF_CHECK(k, "sysenter cpl=3->0 stack=rsp0");
}

KIT(software_exceptions_are_told_from_int_n, 3)
{
    RUN(k, breakpoint);
    RF_CHECK(k, "#BP at user+1 rip=user+2");
    ck_assert(rf_kit_set_cpl(k, 3) == RF_OK);
    RUN(k, int3_long);
    RF_CHECK(k, "int 3 at user+1 rip=user+3");
    ck_assert(rf_kit_set_cpl(k, 3) == RF_OK);
    RUN(k, divide);
    RF_CHECK(k, "#DE at user+2 changed=none");
}

KIT(error_codes_in_words, 0)
{
    RUN(k, bad_selector);
    RF_CHECK(k, "#GP(0x1000) at kernel+5 cpl=0->0 rsp=kernel_stack");
    ck_assert_str_eq(rf_kit_outcome(k)->error_text, "selector 0x1000 in the GDT");
    ck_assert(rf_kit_set_cpl(k, 3) == RF_OK);
    ck_assert(rf_kit_gate(k, 0x80, 0, "") == RF_OK); /* DPL 0 */
    RUN(k, int80);
    RF_CHECK(k, "#GP(0x402) at user+5");
    ck_assert_str_eq(rf_kit_outcome(k)->error_text, "IDT entry 0x80");
    ck_assert(rf_kit_set_cpl(k, 3) == RF_OK);
    RUN(k, jump_away);
    RF_CHECK(k, "#PF(P|U|I) at no_execute cr2=no_execute");
}

KIT(other_ends, 0)
{
    RUN(k, halt_code);
    RF_CHECK(k, "halt at kernel+1");
    RUN(k, door_code);
    RF_CHECK(k, "door at kernel+5 rbx=7 changed=rbx cpl=0->0");
    ck_assert(rf_kit_continue(k, 10) == RF_OK); /* nothing but zero bytes: add %al, (%rax) */
    RUN(k, endless);
    RF_CHECK(k, "limit at kernel+0");
    ck_assert(rf_kit_step(k) == RF_OK);
    RF_CHECK(k, "stepped instructions=1");
    rf_bare_stop(rf_kit_bare(k));
    CONTINUE(k);
    RF_CHECK(k, "stopped");
    ck_assert(rf_bare_interrupt(rf_kit_bare(k), 0x55) == RF_OK && rf_kit_set(k, RF_BARE_RFLAGS, 0x202) == RF_OK);
    CONTINUE(k);
    RF_CHECK(k, "interrupt 0x55 at kernel+0 rip=kernel rsp=kernel_stack");
    rf_bare_nmi(rf_kit_bare(k));
    CONTINUE(k);
    RF_CHECK(k, "nmi");
    ck_assert(rf_kit_set(k, RF_BARE_IDTR_LIMIT, 0) == RF_OK);
    RUN(k, divide);
    RF_CHECK(k, "triple-fault");
    ck_assert_int_eq(rf_kit_continue(k, 0), RF_ERR_STATE);
    ck_assert_ptr_nonnull(strstr(rf_kit_error_text(k), "has shut down"));
}

START_TEST(describe_tells_everything)
{
    rf_kit *k = new_kit((rf_kit_config){ .cpl = 3 });
    ck_assert_str_eq(rf_kit_describe(k), "nothing was run\n");
    RUN(k, write_kernel_page);
    ck_assert_str_eq(rf_kit_describe(k),
                     "#PF, error code 0x7 (P|W|U), CR2 0x203000, at user+5: mov [0x0000000000203000], rax\n"
                     "CPL 3 -> 0\n"
                     "saved frame: RIP user+5, CS 0x2b, RFLAGS 0x10202, RSP 0x120000, SS 0x23\n"
                     "changed: RAX 0x0 -> 0x1\n"
                     "2 instructions, 701 cycles: fault 701\n"
                     "page walk: write of 0x203000 in user mode (CPL 3), 4-level paging, CR3 = 0x1000\n"
                     "  PML4E[0] at 0x1000 = 0x2027: present, writable, user, accessed -> table 0x2000\n"
                     "  PDPTE[0] at 0x2000 = 0x3027: present, writable, user, accessed -> table 0x3000\n"
                     "  PDE[1] at 0x3008 = 0x5007: present, writable, user -> table 0x5000\n"
                     "  PTE[3] at 0x5018 = 0x203003: present, writable, supervisor -> page 0x203000\n"
                     "  combined: writable, supervisor, executable; 4 KiB page; physical address 0x203000\n"
                     "  refused: U/S = 0 in the PTE (level 1): a user access needs U/S = 1 at every level (SDM 3A, 4.6.1)\n"
                     "  raises #PF, error code 0x7 (P|W|U): the page is present, write, user mode\n");
    ck_assert(rf_kit_set_cpl(k, 3) == RF_OK);
    RUN(k, system_call);
    ck_assert_str_eq(rf_kit_describe(k), "syscall, at user+5: syscall\n"
                                         "CPL 3 -> 0\n"
                                         "changed: RAX 0x1 -> 0x27, RCX 0x0 -> 0x100007, R11 0x0 -> 0x2\n"
                                         "3 instructions, 73 cycles: user 2, kernel entry 71\n");
    rf_kit_destroy(k);
}
END_TEST

/* --- failures --- */

KIT(a_failure_shows_both_sides_the_code_and_the_walk, 3)
{
    RUN(k, write_kernel_page);
    ck_assert(!rf_kit_expect(k, "#PF(P|W) cr2=0x203008 at user+5 changed=rax,rcx"));
    ck_assert_str_eq(rf_kit_failure(k),
                     "expected: #PF(P|W) cr2=0x203008 at user+5 changed=rax,rcx\n"
                     "                expected                  actual\n"
                     "  event         #PF                       #PF\n"
                     "  error code    P|W                       0x7 (P|W|U)  <--\n"
                     "  cr2           0x203008                  0x203000  <--\n"
                     "  at            user+5                    user+5\n"
                     "  cpl                                     3->0\n"
                     "  rip                                     user+5\n"
                     "  cs                                      0x2b\n"
                     "  rflags                                  0x10202\n"
                     "  rsp                                     0x120000\n"
                     "  ss                                      0x23\n"
                     "  changed       rax,rcx                   rax  <--\n"
                     "code:\n"
                     "     user+0        mov eax, 0x01\n"
                     "  => user+5        mov [0x0000000000203000], rax\n"
                     "     user+13       nop\n"
                     "     user+14       nop\n"
                     "page walk: write of 0x203000 in user mode (CPL 3), 4-level paging, CR3 = 0x1000\n"
                     "  PML4E[0] at 0x1000 = 0x2027: present, writable, user, accessed -> table 0x2000\n"
                     "  PDPTE[0] at 0x2000 = 0x3027: present, writable, user, accessed -> table 0x3000\n"
                     "  PDE[1] at 0x3008 = 0x5007: present, writable, user -> table 0x5000\n"
                     "  PTE[3] at 0x5018 = 0x203003: present, writable, supervisor -> page 0x203000\n"
                     "  combined: writable, supervisor, executable; 4 KiB page; physical address 0x203000\n"
                     "  refused: U/S = 0 in the PTE (level 1): a user access needs U/S = 1 at every level (SDM 3A, 4.6.1)\n"
                     "  raises #PF, error code 0x7 (P|W|U): the page is present, write, user mode\n");
}

KIT(a_failure_of_another_event, 0)
{
    RUN(k, door_code);
    ck_assert(!rf_kit_expect(k, "#UD at kernel+5 rip=kernel+5 rax<0 rbx>7"));
    ck_assert_str_eq(rf_kit_failure(k), "expected: #UD at kernel+5 rip=kernel+5 rax<0 rbx>7\n"
                                        "                expected                  actual\n"
                                        "  event         #UD                       door  <--\n"
                                        "  at            kernel+5                  kernel+5\n"
                                        "  cpl                                     0->0\n"
                                        "  rip           kernel+5                  -  <--\n"
                                        "  changed                                 rbx\n"
                                        "  rax           <0                        0x0  <--\n"
                                        "  rbx           >7                        0x7  <--\n"
                                        "code:\n"
                                        "     kernel+0      mov ebx, 0x07\n"
                                        "  => kernel+5      vmcall\n");
}

KIT(exact_demands_everything, 3)
{
    RUN(k, int80);
    ck_assert(rf_kit_expect(k, "int 0x80 at user+5 rip=user+7 cs=user_cs rflags=IF|2 rsp=user_stack ss=user_ss changed=rax exact"));
    ck_assert(!rf_kit_expect(k, "int 0x80 at user+5 rip=user+7 cs=user_cs rsp=user_stack ss=user_ss changed=rax exact"));
    ck_assert_ptr_nonnull(strstr(rf_kit_failure(k), "  rflags        (not said)                0x202  <--\n"));
    ck_assert(!rf_kit_expect(k, "int 0x80 cpl=0->0"));
    ck_assert(!rf_kit_expect(k, "int 0x81"));
    ck_assert(!rf_kit_expect(k, "int 0x80 kept=rax"));
    ck_assert(!rf_kit_expect(k, "int 0x80 rip=user+7 rip=user+8")); /* said twice: both must hold */
    ck_assert(!rf_kit_expect(k, "int 0x80 rip=user+8 rip=user+7"));
}

KIT(nonsense_is_refused_in_words, 3)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        { "", "no event is named" }, { "#XX", "'#XX': there is no such exception" }, { "#PF(", "the ')' is missing" },
        { "#PF(P|Q)", "'P|Q': not a number or a name" }, { "fault", "there is no such event" },
        { "int", "the vector is missing" },
        { "int 0x100", "not a vector" }, { "#PF at", "the address is missing" }, { "#PF at nowhere", "not a number" },
        { "#PF cr9=1", "there is nothing of that name" }, { "#PF cr2", "'cr2': not understood" },
        { "#PF cr2=", "not a number" },
        { "#PF cr2=1+", "not a number" }, { "#PF cr2=1*2", "not a number" }, { "#PF cpl=3", "write cpl=3->0" },
        { "#PF changed=rxx", "not a general register" }, { "#PF cr2=99999999999999999999", "not a number" },
        { "#PF rip=user+user+user+user+user+user+user", "too long" },
    };
    RUN(k, write_kernel_page);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!rf_kit_expect(k, bad[i].text), "'%s' was taken", bad[i].text);
        ck_assert_msg(strstr(rf_kit_failure(k), "cannot be understood") && strstr(rf_kit_failure(k), bad[i].says),
                      "'%s': %s", bad[i].text, rf_kit_failure(k));
    }
    ck_assert(!rf_kit_expect(k, NULL));
}

static void note(void *user, const char *file, int line, const char *message)
{
    ck_assert(strstr(file, "check_testkit") && line == 42 && *message);
    ++*(int *)user;
}

KIT(the_failure_handler_is_called, 3)
{
    int calls = 0;
    rf_kit_on_failure(k, note, &calls);
    RUN(k, write_kernel_page);
    ck_assert(!rf_kit_expect(k, "door"));
    rf_kit_fail(k, __FILE__, 42);
    ck_assert_int_eq(calls, 1);
}

/* --- pages, gates, handlers --- */

RF_GUEST_CODE(read_far, "mov (%rbx), %rax\n int $0x80");
RF_GUEST_CODE(touch_stack, "push %rax\n pop %rax\n int $0x80");

KIT(pages_have_the_bits_of_their_words, 3)
{
    unsigned level;
    const uint64_t page = RF_KIT_USER_DATA;
    ck_assert(rf_kit_page(k, page, "user read-only no-execute global key=5 accessed dirty") == RF_OK);
    ck_assert_uint_eq(rf_kit_peek(k, rf_kit_entry(k, page, &level)), UINT64_C(0xa800000000000165) | page);
    ck_assert_uint_eq(level, 1);
    ck_assert(rf_kit_page(k, page, "absent") == RF_OK);
    ck_assert_uint_eq(rf_kit_peek(k, rf_kit_entry(k, page, &level)), 0);
    ck_assert(rf_kit_map(k, UINT64_C(0x7f0000000000), 0x200000, 1, "user large") == RF_OK);
    ck_assert(rf_kit_poke(k, 0x203000, 0x1234) == RF_OK);
    rf_kit_set(k, RF_BARE_RBX, UINT64_C(0x7f0000003000));
    RUN(k, read_far);
    RF_CHECK(k, "int 0x80 rax=0x1234");
    /* one small page inside the large one */
    ck_assert(rf_kit_map(k, UINT64_C(0x7f0000003000), 0x204000, 4096, "user") == RF_OK);
    ck_assert(rf_kit_poke(k, 0x204000, 0x5678) == RF_OK);
    rf_kit_set_cpl(k, 3);
    RUN(k, read_far);
    RF_CHECK(k, "int 0x80 rax=0x5678");
    rf_kit_set(k, RF_BARE_RBX, UINT64_C(0x7f0000005000));
    ck_assert(rf_kit_poke(k, 0x205000, 0x9abc) == RF_OK);
    rf_kit_set_cpl(k, 3);
    RUN(k, read_far);
    RF_CHECK(k, "int 0x80 rax=0x9abc");
}

KIT(wrong_words_and_addresses, 0)
{
    ck_assert_int_eq(rf_kit_page(k, 0x1000, "user writeable"), RF_ERR_ARGUMENT);
    ck_assert_str_eq(rf_kit_error_text(k), "'writeable' is no word of a page");
    ck_assert_int_eq(rf_kit_page(k, 0x1000, "key=16"), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_page(k, 0x1001, ""), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_page(k, 0x1000, "large"), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_map(k, UINT64_C(1) << 47, 0, 4096, ""), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_map(k, 0, 0, UINT64_MAX, ""), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_map(k, 0, 0, 0, ""), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_map(k, UINT64_C(0x100000000), 0, UINT64_C(1) << 31, ""), RF_ERR_NO_MEMORY);
    ck_assert_int_eq(rf_kit_gate(k, 256, 0, ""), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_gate(k, 3, 0, "dpl=4"), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_gate(k, 3, 0, "task"), RF_ERR_ARGUMENT);
    ck_assert_str_eq(rf_kit_error_text(k), "'task' is no word of a gate");
    ck_assert_int_eq(rf_kit_handler(k, 256, &door_code), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_set_cpl(k, 1), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_run(k, NULL), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_run(k, &(rf_guest_code){ "x", NULL, NULL }), RF_ERR_ARGUMENT);
    static const unsigned char many[0x4001];
    ck_assert_int_eq(rf_kit_run(k, &(rf_guest_code){ "x", many, many + sizeof many }), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_place(k, 0x3fffff, &door_code), RF_ERR_FAULT);
    rf_status status = RF_OK;
    for (int i = 0; i < 10 && !status; i++)
        status = rf_kit_syscall(k, &(rf_guest_code){ "x", many, many + 0x2000 });
    ck_assert_int_eq(status, RF_ERR_NO_MEMORY);
}

START_TEST(bad_configs)
{
    static const rf_kit_config bad[] = { { .cpl = 2 }, { .memory = 0x10000 }, { .memory = UINT64_MAX },
                                         { .cpu = "z80" },
                                         { .vendor = "via" }, { .cr4_set = UINT64_C(1) << 40 }, { .cr4_clear = 0x20 },
                                         { .cr0_clear = 1 }, { .cr0_set = UINT64_C(1) << 29 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rf_kit *kit = (rf_kit *)1;
        ck_assert(rf_kit_create(&bad[i], &kit) != RF_OK);
        ck_assert_ptr_null(kit);
        ck_assert_str_ne(rf_create_error_text(), "");
    }
    ck_assert_int_eq(rf_kit_create(NULL, NULL), RF_ERR_ARGUMENT);
    rf_kit_destroy(NULL);
    ck_assert_str_eq(rf_kit_error_text(NULL), "");
    ck_assert_int_eq(rf_kit_run(NULL, &door_code), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_map(NULL, 0, 0, 4096, ""), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_gate(NULL, 0, 0, ""), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_kit_set(NULL, RF_BARE_RAX, 0), RF_ERR_ARGUMENT);
    ck_assert(!rf_kit_expect(NULL, "door") && *rf_kit_failure(NULL) && !*rf_kit_describe(NULL) &&
              !rf_kit_outcome(NULL));
}
END_TEST

RF_GUEST_CODE(count_and_return, "incq 0x210000\n iretq");
RF_GUEST_CODE(twice_int80, "int $0x80\n int $0x80\n ud2");
RF_GUEST_CODE(answer_syscall, "mov $42, %eax\n sysretq");

KIT(handlers_of_the_guest, 3)
{
    ck_assert(rf_kit_handler(k, 0x80, &count_and_return) == RF_OK);
    ck_assert(rf_kit_syscall(k, &answer_syscall) == RF_OK);
    RUN(k, twice_int80);
    RF_CHECK(k, "#UD at user+4 changed=none");
    ck_assert_uint_eq(rf_kit_peek(k, 0x210000), 2);
    rf_kit_set_cpl(k, 3);
    RUN(k, system_call);
    RF_CHECK(k, "#UD at user+7 rax=42 changed=rax,rcx,r11");
}

KIT(gates_choose_stacks_and_presence, 3)
{
    ck_assert(rf_kit_gate(k, 6, 0, "ist=1") == RF_OK);
    RUN(k, twice_int80);
    CONTINUE(k);
    CONTINUE(k);
    RF_CHECK(k, "#UD stack=ist1-0x28");
    ck_assert(rf_kit_gate(k, 0x80, 0, "dpl=3 absent") == RF_OK);
    rf_kit_set_cpl(k, 3);
    RUN(k, int80);
    RF_CHECK(k, "#NP(0x402) at user+5");
    ck_assert(rf_kit_gate(k, 0x80, 0, "dpl=3 selector=0x10") == RF_OK);
    rf_kit_set_cpl(k, 3);
    RUN(k, int80);
    RF_CHECK(k, "#GP(0x10)");
}

/* Every case of the kit's defaults that a user of it relies on. */
KIT(the_machine_is_as_documented, 3)
{
    rf_bare_segment s;
    ck_assert_uint_eq(rf_kit_get(k, RF_BARE_RSP), RF_KIT_USER_STACK);
    ck_assert_uint_eq(rf_kit_get(k, RF_BARE_CR3), RF_KIT_TABLES);
    ck_assert_uint_eq(rf_kit_get(k, RF_BARE_GDTR_BASE), RF_KIT_GDT);
    ck_assert(rf_bare_get_segment(rf_kit_bare(k), RF_BARE_TR, &s) == RF_OK && s.base == RF_KIT_TSS);
    RUN(k, touch_stack);
    RF_CHECK(k, "int 0x80 changed=none");
    rf_kit_destroy(new_kit((rf_kit_config){ .cpl = 0, .vendor = "amd", .cpu = "max", .memory = 16 << 20,
                                            .cr4_set = CR4_SMAP | 0x21000 }));
}

/* --- many at once --- */

static void *work(void *argument)
{
    size_t wrong = 0;
    for (unsigned i = 0; i < 20; i++) {
        rf_kit *kit;
        if (rf_kit_create(&(rf_kit_config){ .cpl = 3 }, &kit) != RF_OK)
            return argument;
        uint64_t value = (uint64_t)(uintptr_t)argument * 100 + i;
        rf_kit_set(kit, RF_BARE_RBX, value);
        wrong += rf_kit_run(kit, i & 1 ? &int80 : &write_kernel_page) != RF_OK;
        wrong += !rf_kit_expect(kit, i & 1 ? "int 0x80 at user+5 changed=rax cycles=423" : "#PF(P|W|U) changed=rax cycles=701");
        wrong += rf_kit_get(kit, RF_BARE_RBX) != value;
        rf_kit_destroy(kit);
    }
    return (void *)wrong;
}

START_TEST(kits_share_nothing)
{
    pthread_t threads[8];
    for (uintptr_t i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (unsigned i = 0; i < 8; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

/* RF_CHECK under Check: the failure is Check's. */
START_TEST(fails_as_check_does)
{
    rf_kit *k = new_kit((rf_kit_config){ .cpl = 3 });
    RUN(k, write_kernel_page);
    RF_CHECK(k, "door");
}
END_TEST

/* The one test that fails must be the last one. */
static int failed_as_expected(void)
{
    Suite *suite = suite_create("failing");
    TCase *cases = tcase_create("failing");
    tcase_add_test(cases, fails_as_check_does);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    bool good = srunner_ntests_failed(runner) == 1;
    TestResult **results = srunner_failures(runner);
    good = good && strstr(tr_msg(results[0]), "expected: door\n") && strstr(tr_msg(results[0]), "=> user+5");
    free(results);
    srunner_free(runner);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void)
{
    const TTest *const tests[] = {
        page_fault_of_user_code, interrupts_and_system_calls, software_exceptions_are_told_from_int_n,
        error_codes_in_words,
        other_ends, describe_tells_everything, a_failure_shows_both_sides_the_code_and_the_walk,
        a_failure_of_another_event,
        exact_demands_everything, nonsense_is_refused_in_words, the_failure_handler_is_called,
        pages_have_the_bits_of_their_words, wrong_words_and_addresses, bad_configs, handlers_of_the_guest,
        gates_choose_stacks_and_presence, the_machine_is_as_documented, kits_share_nothing,
    };
    Suite *suite = suite_create("testkit");
    TCase *cases = tcase_create("testkit");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    int status = run_suite(suite);
    return status ? status : failed_as_expected();
}

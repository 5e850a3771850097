/* Addresses that only 5-level paging has, in 4-level paging: registers keep them (the base addresses in
 * MSRs, segments and table registers are looked at for the widest mode: Linux 6.13,
 * arch/x86/kvm/x86.h, is_noncanonical_base_address), and their use faults. One rule a case. */
#include "bare_case.h"
#include "bare_modes.h"
#include "lib/suite.h"

#define WIDE UINT64_C(0xff00123456789000)

/* --- kept --- */

CODE(lgdt, "lgdt (%rdi); vmcall");
CODE(lidt, "lidt (%rdi); vmcall");
CODE(wrfsbase, "wrfsbase %rdi; vmcall");
CODE(ltr, "ltr %di; vmcall");
CODE(invpcid, "invpcid (%rdi), %rax; vmcall");

static void put_table_register(struct bare *b, uint64_t base)
{
    const struct __attribute__((packed)) { uint16_t limit; uint64_t base; } value = { 0xfff, base };
    bare_put(b, BARE_USER_DATA, &value, sizeof value);
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
}

CASE(lgdt_and_lidt_keep_it, 0)
{
    put_table_register(b, WIDE);
    RUN(b, lgdt);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->gdtr.base, WIDE);
    RUN(b, lidt);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->idtr.base, WIDE);
}
CASE(lgdt_refuses_what_no_mode_has, 0)
{
    put_table_register(b, BARE_NEVER_CANONICAL);
    RUN(b, lgdt);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

CASE(wrfsbase_keeps_it, 3)
{
    bare_set_cr4(b, RF_CR4_FSGSBASE, 0);
    b->cpu->r[RF_RDI] = WIDE;
    RUN(b, wrfsbase);
    ck_assert_uint_eq(b->cpu->seg[RF_FS].base, WIDE);
}

static void put_task(struct bare *b, uint64_t base)
{
    bare_write(b, BARE_GDT + TSS_SELECTOR, bare_segment((uint32_t)base, 0x67, 0x89, 0));
    bare_write(b, BARE_GDT + TSS_SELECTOR + 8, base >> 32);
    b->cpu->r[RF_RDI] = TSS_SELECTOR;
    RUN(b, ltr);
}
CASE(ltr_keeps_it, 0)
{
    put_task(b, WIDE);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->tr.base, WIDE);
}
CASE(ltr_refuses_what_no_mode_has, 0)
{
    put_task(b, BARE_NEVER_CANONICAL);
    expect_error(b, RF_GP, KERNEL(0), TSS_SELECTOR);
}

CASE(invpcid_takes_it, 0)
{
    bare_write(b, BARE_USER_DATA, 0);
    bare_write(b, BARE_USER_DATA + 8, WIDE);
    b->cpu->r[RF_RDI] = BARE_USER_DATA;
    b->cpu->r[RF_RAX] = 0;
    RUN(b, invpcid);
    ck_assert_int_eq(b->vector, -1);
}

/* --- used: #GP(0), as with any address that is not canonical (SDM 1, 3.3.7.1) --- */

CODE(load_fs, "mov %fs:(%rdi), %rax");
CASE(data_at_such_a_base_are_gp, 0)
{
    b->cpu->seg[RF_FS].base = WIDE;
    b->cpu->r[RF_RDI] = 0;
    RUN(b, load_fs);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

/* The entry is made, and then nothing can be fetched there. That bit tells user code from the kernel's in
 * the jump cache's keys: it must not find the block of the SYSCALL itself. */
#define ALIAS (UINT64_C(1) << 48)
CODE(user_syscall, "syscall");
CASE(syscall_to_it_faults_at_the_target, 3)
{
    b->cpu->lstar = BARE_USER_TEXT | ALIAS;
    RUN(b, user_syscall);
    expect_error(b, RF_GP, BARE_USER_TEXT | ALIAS, 0);
    ck_assert_uint_eq(b->frame.cs, KERNEL_CODE);
    ck_assert_uint_eq(reg(b, RF_RCX), USER(2));
}
CODE(user_sysenter, "sysenter");
CASE(sysenter_to_it_faults_at_the_target, 3)
{
    b->cpu->sysenter_eip = BARE_USER_TEXT | ALIAS;
    RUN(b, user_sysenter);
    expect_error(b, RF_GP, BARE_USER_TEXT | ALIAS, 0);
    ck_assert_uint_eq(b->frame.cs, KERNEL_CODE);
}
CODE(sysret, "sysretq");
CASE(amd_sysret_to_it_faults_at_the_target, 0)
{
    rf_cpu_set_vendor(b->cpu, RF_VENDOR_AMD);
    b->cpu->r[RF_RCX] = BARE_KERNEL_TEXT | ALIAS;
    b->cpu->r[RF_R11] = 0x202;
    RUN(b, sysret);
    expect_error(b, RF_GP, BARE_KERNEL_TEXT | ALIAS, 0);
    ck_assert_uint_eq(b->frame.cs, USER_CODE);
}

int main(void)
{
    const TTest *const all[] = {
        lgdt_and_lidt_keep_it, lgdt_refuses_what_no_mode_has, wrfsbase_keeps_it, ltr_keeps_it,
        ltr_refuses_what_no_mode_has, invpcid_takes_it, data_at_such_a_base_are_gp,
        syscall_to_it_faults_at_the_target, sysenter_to_it_faults_at_the_target,
        amd_sysret_to_it_faults_at_the_target,
    };
    Suite *suite = suite_create("canonical");
    TCase *cases = tcase_create("canonical");
    ADD_ALL(cases, all);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

/* Where Intel's and AMD's CPUs differ: SYSCALL, SYSRET, SYSENTER, SYSEXIT, CPUID. One rule a case;
 * SDM is Intel's manual, APM the AMD64 Architecture Programmer's Manual. */
#include "bare_case.h"
#include "lib/suite.h"

CODE(sysret, "sysretq");
CODE(sysretl, "sysretl");
CODE(sysenter, "sysenter");
CODE(sysexit, ".byte 0x48; sysexit");

static void be_amd(struct bare *b)
{
    rf_cpu_set_vendor(b->cpu, RF_VENDOR_AMD);
}

/* 64-bit code at CPL 0 has loaded the user's registers, and returns to `rip`, where user code
 * has `code`. */
static void prepare_sysret(struct bare *b, uint64_t rip, const char *code, size_t size)
{
    bare_put(b, BARE_USER_TEXT, code, size);
    b->cpu->r[RF_RCX] = rip;
    b->cpu->r[RF_R11] = 0x202;
    b->cpu->r[RF_RSP] = BARE_USER_STACK;
}

/* --- SYSRET to a non-canonical RCX: SDM 2B, SYSRET; APM 3, SYSRET --- */

CASE(intel_refuses_it_at_cpl_0_on_the_users_stack, 0)
{
    prepare_sysret(b, BARE_NONCANONICAL, "", 1);
    RUN(b, sysret);
    expect_error(b, RF_GP, KERNEL(0), 0);
    ck_assert_uint_eq(b->frame.cs, KERNEL_CODE);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
    ck_assert_uint_eq(reg(b, RF_RSP), (BARE_USER_STACK & ~UINT64_C(15)) - 48); /* no stack switch */
}

CASE(amd_completes_it_and_the_fetch_faults_at_cpl_3, 0)
{
    be_amd(b);
    prepare_sysret(b, BARE_NONCANONICAL, "", 1);
    RUN(b, sysret);
    expect_error(b, RF_GP, BARE_NONCANONICAL, 0);
    ck_assert_uint_eq(b->frame.cs, USER_CODE);
    ck_assert_uint_eq(b->frame.rsp, BARE_USER_STACK);
    ck_assert_uint_eq(reg(b, RF_RSP), BARE_RSP0 - 48); /* the stack of CPL 0 */
}

START_TEST(a_return_to_32_bit_code_cuts_rcx_on_both)
{
    struct bare b;
    bare_create(&b, 0);
    rf_cpu_set_vendor(b.cpu, _i ? RF_VENDOR_AMD : RF_VENDOR_INTEL);
    prepare_sysret(&b, BARE_NONCANONICAL | BARE_USER_TEXT, "\xcd\x80", 2);
    RUN(&b, sysretl);
    expect_vector(&b, 0x80, USER(2));
    ck_assert_uint_eq(b.frame.cs, USER_CODE32);
    bare_destroy(&b);
}
END_TEST

/* --- SS of SYSRET: SDM 2B, SYSRET (fixed values); APM 3, SYSRET (selector alone) --- */

CASE(intel_loads_a_flat_ss, 0)
{
    b->cpu->seg[RF_SEG_SS] = (struct rf_segment){ .selector = 0 };
    prepare_sysret(b, BARE_USER_TEXT, "\x50\xcd\x80", 3); /* push eax; int 0x80 */
    RUN(b, sysretl);
    expect_vector(b, 0x80, USER(3));
    ck_assert_uint_eq(b->frame.ss, USER_DATA);
}

CASE(amd_keeps_the_attributes_of_a_null_ss, 0)
{
    be_amd(b);
    b->cpu->seg[RF_SEG_SS] = (struct rf_segment){ .selector = 0 };
    prepare_sysret(b, BARE_USER_TEXT, "\x50\xcd\x80", 3);
    RUN(b, sysretl);
    expect_error(b, RF_SS, USER(0), 0); /* the push: unusable */
    ck_assert_uint_eq(b->frame.ss, USER_DATA);
}

CASE(amd_keeps_the_base_of_ss, 0)
{
    be_amd(b);
    b->cpu->seg[RF_SEG_SS].base = 0x1000;
    prepare_sysret(b, BARE_USER_TEXT, "\x50\xcd\x80", 3);
    b->cpu->r[RF_RAX] = 0x12345678;
    RUN(b, sysretl);
    expect_vector(b, 0x80, USER(3));
    ck_assert_uint_eq((uint32_t)bare_read(b, BARE_USER_STACK + 0x1000 - 4), 0x12345678);
}

/* --- SYSCALL and SYSRET outside 64-bit mode --- */

static void run_32_bit(struct bare *b, const char *code, size_t size)
{
    prepare_sysret(b, BARE_USER_TEXT, code, size);
    RUN(b, sysretl);
}

/* SDM 2B, SYSCALL: #UD where CS.L = 0 */
CASE(intel_has_no_syscall_in_compatibility_mode, 0)
{
    run_32_bit(b, "\x0f\x05", 2);
    expect_vector(b, RF_UD, USER(0));
}

/* APM 3, SYSCALL: CSTAR in compatibility mode */
CASE(amd_has_one_by_cstar, 0)
{
    be_amd(b);
    run_32_bit(b, "\x0f\x05", 2);
    ck_assert_uint_eq(reg(b, RF_REG_IP), BARE_SYSCALL32 + 3);
    ck_assert_uint_eq(reg(b, RF_RCX), USER(2));
    ck_assert_uint_eq(b->cpu->cpl, 0);
}

/* SDM 2B and APM 3, SYSRET: CPL > 0. Intel's asks for 64-bit mode first. */
CASE(intel_sysret_in_compatibility_mode_is_ud, 0)
{
    run_32_bit(b, "\x0f\x07", 2);
    expect_vector(b, RF_UD, USER(0));
}

CASE(amd_sysret_in_compatibility_mode_at_cpl_3_is_gp, 0)
{
    be_amd(b);
    run_32_bit(b, "\x0f\x07", 2);
    expect_error(b, RF_GP, USER(0), 0);
}

/* --- SYSENTER and SYSEXIT in long mode: SDM 2B; APM 3, SYSENTER and SYSEXIT --- */

CASE(intel_has_sysenter_in_64_bit_mode, 3)
{
    RUN(b, sysenter);
    ck_assert_uint_eq(reg(b, RF_REG_IP), BARE_SYSENTER + 3);
}

CASE(intel_has_sysenter_in_compatibility_mode, 0)
{
    run_32_bit(b, "\x0f\x34", 2);
    ck_assert_uint_eq(reg(b, RF_REG_IP), BARE_SYSENTER + 3);
    ck_assert_uint_eq(b->cpu->code_bits, 64);
}

CASE(amd_has_no_sysenter_in_64_bit_mode, 3)
{
    be_amd(b);
    RUN(b, sysenter);
    expect_vector(b, RF_UD, USER(0));
}

CASE(amd_has_no_sysenter_in_compatibility_mode, 0)
{
    be_amd(b);
    run_32_bit(b, "\x0f\x34", 2);
    expect_vector(b, RF_UD, USER(0));
}

CASE(amd_has_no_sysexit_in_long_mode, 0)
{
    be_amd(b);
    b->cpu->r[RF_RDX] = BARE_USER_TEXT;
    RUN(b, sysexit);
    expect_vector(b, RF_UD, KERNEL(0));
}

/* --- CPUID: SDM 2A; APM 3, E.3.1 and E.4.1 --- */

static void expect_name(struct bare *b, uint32_t leaf, const char *name)
{
    uint32_t out[4];
    char text[13] = "";
    rf_cpu_cpuid(b->cpu, leaf, 0, out);
    memcpy(text, &out[1], 4);
    memcpy(text + 4, &out[3], 4);
    memcpy(text + 8, &out[2], 4);
    ck_assert_str_eq(text, name);
}

CASE(leaf_0_names_the_vendor, 0)
{
    expect_name(b, 0, "GenuineIntel");
    expect_name(b, 0x80000000, "");
    be_amd(b);
    expect_name(b, 0, "AuthenticAMD");
    expect_name(b, 0x80000000, "AuthenticAMD");
}

CASE(leaf_1_has_a_family_of_the_vendor, 0)
{
    uint32_t out[4];
    rf_cpu_cpuid(b->cpu, 1, 0, out);
    ck_assert_uint_eq(out[0] >> 8 & 15, 6);
    be_amd(b);
    rf_cpu_cpuid(b->cpu, 1, 0, out);
    ck_assert_uint_eq((out[0] >> 8 & 15) + (out[0] >> 20 & 0xff), 0x17);
}

/* APM 2, chapter 18: shadow stacks, and no indirect branch tracking */
CASE(amd_has_shadow_stacks_without_tracking, 0)
{
    uint32_t out[4];
    be_amd(b);
    rf_cpu_set_model(b->cpu, RF_CPU_MAX);
    rf_cpu_cpuid(b->cpu, 7, 0, out);
    ck_assert(out[2] >> 7 & 1 && !(out[3] >> 20 & 1));
    ck_assert(rf_cpu_write_msr(b->cpu, 0x6a0, 3));
    ck_assert(!rf_cpu_write_msr(b->cpu, 0x6a0, 4));
    rf_cpu_set_vendor(b->cpu, RF_VENDOR_INTEL);
    ck_assert(rf_cpu_write_msr(b->cpu, 0x6a0, 4));
}

int main(void)
{
    const TTest *const all[] = {
        amd_has_shadow_stacks_without_tracking,
        intel_refuses_it_at_cpl_0_on_the_users_stack,
        amd_completes_it_and_the_fetch_faults_at_cpl_3, intel_loads_a_flat_ss,
        amd_keeps_the_attributes_of_a_null_ss, amd_keeps_the_base_of_ss,
        intel_has_no_syscall_in_compatibility_mode, amd_has_one_by_cstar,
        intel_sysret_in_compatibility_mode_is_ud, amd_sysret_in_compatibility_mode_at_cpl_3_is_gp,
        intel_has_sysenter_in_64_bit_mode, intel_has_sysenter_in_compatibility_mode,
        amd_has_no_sysenter_in_64_bit_mode, amd_has_no_sysenter_in_compatibility_mode,
        amd_has_no_sysexit_in_long_mode, leaf_0_names_the_vendor, leaf_1_has_a_family_of_the_vendor,
    };
    Suite *suite = suite_create("vendor");
    TCase *cases = tcase_create("vendor");
    ADD_ALL(cases, all);
    tcase_add_loop_test(cases, a_return_to_32_bit_code_cuts_rcx_on_both, 0, 2);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

/* Model-specific registers (SDM 4, chapter 2), RDMSR and WRMSR, and the permissions of RDTSC,
 * RDTSCP and RDPMC, one rule a case. */
#include "bare_case.h"
#include "lib/suite.h"

CODE(write_msr, "mov %edi, %eax; mov %rdi, %rdx; shr $32, %rdx; wrmsr; vmcall");
CODE(read_msr, "rdmsr; vmcall");
CODE(read_tsc, "rdtsc; vmcall");
CODE(read_tscp, "rdtscp; vmcall");
CODE(read_pmc, "rdpmc; vmcall");
CODE(user_tsc, "rdtsc; int $0x80");
CODE(user_tscp, "rdtscp; int $0x80");
CODE(read_pid, "rdpid %rax; vmcall");

enum {
    TSC = 0x10, TSC_ADJUST = 0x3b, SYSENTER_CS = 0x174, SYSENTER_ESP = 0x175, SYSENTER_EIP = 0x176,
    MISC_ENABLE = 0x1a0, PAT = 0x277, PKRS = 0x6e1,
};
#define EFER 0xc0000080u
#define STAR 0xc0000081u
#define LSTAR 0xc0000082u
#define CSTAR 0xc0000083u
#define FMASK 0xc0000084u
#define FS_BASE 0xc0000100u
#define GS_BASE 0xc0000101u
#define KERNEL_GS_BASE 0xc0000102u
#define TSC_AUX 0xc0000103u

/* The WRMSR is the fourth instruction, 9 bytes in. */
static bool write_is_taken(struct bare *b, uint32_t msr, uint64_t value)
{
    b->cpu->r[RF_RCX] = msr;
    b->cpu->r[RF_RDI] = value;
    RUN(b, write_msr);
    if (b->vector == -1)
        return true;
    expect_error(b, RF_GP, KERNEL(9), 0);
    return false;
}

static uint64_t read_back(struct bare *b, uint32_t msr)
{
    b->cpu->r[RF_RCX] = msr;
    b->cpu->r[RF_RAX] = b->cpu->r[RF_RDX] = UINT64_MAX;
    RUN(b, read_msr);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(reg(b, RF_RAX) >> 32 | reg(b, RF_RDX) >> 32, 0); /* SDM 2B: upper halves cleared */
    return reg(b, RF_RDX) << 32 | reg(b, RF_RAX);
}

/* --- RDMSR and WRMSR: SDM 2B and 2D --- */

CASE(rdmsr_is_for_cpl_0, 3)
{
    b->cpu->r[RF_RCX] = LSTAR;
    RUN(b, read_msr);
    expect_error(b, RF_GP, USER(0), 0);
}

CASE(wrmsr_is_for_cpl_0, 3)
{
    RUN(b, write_msr);
    expect_error(b, RF_GP, USER(9), 0);
}

CASE(reading_an_unknown_one_is_gp, 0)
{
    static const uint32_t unknown[] = { 2, 0x9f, 0x12345678, 0x40000000, 0xc0000085, 0xc0010064, UINT32_MAX };
    for (size_t i = 0; i < RF_ARRAY_SIZE(unknown); i++) {
        b->cpu->r[RF_RCX] = unknown[i];
        RUN(b, read_msr);
        expect_error(b, RF_GP, KERNEL(0), 0);
    }
}

CASE(writing_an_unknown_one_is_gp, 0)
{
    ck_assert(!write_is_taken(b, 0x12345678, 0));
}

/* SDM 2D, WRMSR: ECX, EDX and EAX; the upper halves are ignored */
CASE(the_number_is_ecx, 0)
{
    b->cpu->r[RF_RCX] = UINT64_C(0x5500000000) | STAR;
    b->cpu->r[RF_RDI] = 0x0023001000000000;
    RUN(b, write_msr);
    ck_assert_uint_eq(b->cpu->star, 0x0023001000000000);
}

/* --- which values each takes --- */

struct taken {
    uint32_t msr;
    uint64_t value;
    bool taken;
};
#define FAR_UP UINT64_C(0xffff800000000000)
#define WIDE UINT64_C(0xff00000000000123)
static const struct taken values[] = {
    /* SDM 4, table 2-2: 32 bits of IA32_SYSENTER_CS */
    { SYSENTER_CS, UINT32_MAX, true }, { SYSENTER_CS, UINT64_C(1) << 32, false },
    /* SDM 2D, WRMSR: canonical addresses, of 57 bits where there is 5-level paging, used or not */
    { SYSENTER_ESP, FAR_UP, true }, { SYSENTER_ESP, WIDE, true }, { SYSENTER_ESP, BARE_NEVER_CANONICAL, false },
    { SYSENTER_EIP, FAR_UP, true }, { SYSENTER_EIP, WIDE, true }, { SYSENTER_EIP, BARE_NEVER_CANONICAL, false },
    { LSTAR, FAR_UP, true }, { LSTAR, WIDE, true }, { LSTAR, BARE_NEVER_CANONICAL, false },
    { CSTAR, FAR_UP, true }, { CSTAR, WIDE, true }, { CSTAR, BARE_NEVER_CANONICAL, false },
    { FS_BASE, FAR_UP, true }, { FS_BASE, WIDE, true }, { FS_BASE, BARE_NEVER_CANONICAL, false },
    { GS_BASE, FAR_UP, true }, { GS_BASE, WIDE, true }, { GS_BASE, BARE_NEVER_CANONICAL, false },
    { KERNEL_GS_BASE, FAR_UP, true }, { KERNEL_GS_BASE, WIDE, true }, { KERNEL_GS_BASE, BARE_NEVER_CANONICAL, false },
    /* SDM 3A, 5.8.8 */
    { STAR, UINT64_MAX, true }, { FMASK, UINT32_MAX, true }, { FMASK, UINT64_C(1) << 32, false },
    /* SDM 2B, RDTSCP; 4, table 2-2 */
    { TSC_AUX, UINT32_MAX, true }, { TSC_AUX, UINT64_C(1) << 32, false },
    /* SDM 3A, 12.12.2: memory types 0, 1, 4 to 7 */
    { PAT, UINT64_C(0x0706050401000706), true }, { PAT, 2, false }, { PAT, UINT64_C(3) << 32, false },
    { PAT, 8, false }, { PAT, UINT64_C(0x80) << 56, false },
    /* SDM 3A, 4.6.2: 32 bits of IA32_PKRS */
    { PKRS, UINT32_MAX, true }, { PKRS, UINT64_C(1) << 32, false },
    /* SDM 4, table 2-2: reserved bits of IA32_MISC_ENABLE */
    { MISC_ENABLE, UINT64_C(0x400c51889), true }, { MISC_ENABLE, 2, false },
    { MISC_ENABLE, UINT64_C(1) << 63, false },
    /* SDM 3A, 2.2.1: SCE, LME and NXE; reserved bits */
    { EFER, 0xd01, true }, { EFER, 0xd00, true }, { EFER, 0x501, true }, { EFER, 0xd03, false },
    { EFER, 0x10d01, false },
    /* SDM 3B, 18.17.3 */
    { TSC, UINT64_MAX, true }, { TSC_ADJUST, UINT64_MAX, true },
};

START_TEST(values_are_taken_or_refused)
{
    const struct taken *v = &values[_i];
    struct bare b;
    bare_create(&b, 0);
    uint64_t before, after;
    ck_assert(rf_cpu_read_msr(b.cpu, v->msr, &before));
    ck_assert_int_eq(write_is_taken(&b, v->msr, v->value), v->taken);
    ck_assert(rf_cpu_read_msr(b.cpu, v->msr, &after));
    if (!v->taken)
        ck_assert_uint_eq(after, before);
    else if (v->msr != TSC)
        ck_assert_uint_eq(after, v->value);
    bare_destroy(&b);
}
END_TEST

/* --- EFER: SDM 3A, 2.2.1 and 4.1.2 --- */

CASE(efer_lme_is_fixed_while_paging, 0)
{
    ck_assert(!write_is_taken(b, EFER, 0xc01));
}

CASE(efer_lma_is_not_writable, 0)
{
    ck_assert(write_is_taken(b, EFER, 0x901)); /* LMA clear in the value: ignored */
    ck_assert_uint_eq(read_back(b, EFER), 0xd01);
}

CASE(clearing_sce_takes_syscall_away, 0)
{
    ck_assert(write_is_taken(b, EFER, 0xd00));
    b->cpu->cpl = 0;
    bare_run(b, "\x0f\x05", 2);
    expect_vector(b, RF_UD, KERNEL(0));
}

/* SDM 3A, 4.5.4: XD is reserved while NXE is clear */
CASE(clearing_nxe_makes_xd_reserved, 0)
{
    ck_assert(write_is_taken(b, EFER, 0x501));
    b->cpu->r[RF_RAX] = BARE_NX;
    CODE(load, "mov (%rax), %rax; vmcall");
    RUN(b, load);
    expect_error(b, RF_PF, KERNEL(0), RF_PF_P | RF_PF_RSVD);
}

/* --- bases --- */

CASE(fs_and_gs_bases_are_the_segments_own, 0)
{
    ck_assert(write_is_taken(b, FS_BASE, 0x1111));
    ck_assert(write_is_taken(b, GS_BASE, 0x2222));
    ck_assert_uint_eq(b->cpu->seg[RF_FS].base, 0x1111);
    ck_assert_uint_eq(b->cpu->seg[RF_GS].base, 0x2222);
    ck_assert_uint_eq(read_back(b, FS_BASE), 0x1111);
    ck_assert_uint_eq(read_back(b, GS_BASE), 0x2222);
}

CASE(swapgs_exchanges_with_kernel_gs_base, 0)
{
    CODE(swap, "swapgs; vmcall");
    ck_assert(write_is_taken(b, KERNEL_GS_BASE, 0x3333));
    ck_assert(write_is_taken(b, GS_BASE, 0x2222));
    RUN(b, swap);
    ck_assert_uint_eq(read_back(b, GS_BASE), 0x3333);
    ck_assert_uint_eq(read_back(b, KERNEL_GS_BASE), 0x2222);
}

CASE(swapgs_is_for_cpl_0, 3)
{
    bare_run(b, "\x0f\x01\xf8", 3);
    expect_error(b, RF_GP, USER(0), 0);
}

/* --- IA32_MISC_ENABLE: SDM 4, table 2-2 --- */

static uint32_t cpuid(struct bare *b, uint32_t leaf, unsigned word)
{
    uint32_t out[4];
    rf_cpu_cpuid(b->cpu, leaf, 0, out);
    return out[word];
}

CASE(bit_22_limits_cpuid, 0)
{
    ck_assert_uint_gt(cpuid(b, 0, 0), 2);
    ck_assert(write_is_taken(b, MISC_ENABLE, UINT64_C(1) << 22));
    ck_assert_uint_eq(cpuid(b, 0, 0), 2);
    ck_assert_uint_eq(cpuid(b, 7, 1), cpuid(b, 2, 1)); /* beyond the last: as the last */
}

CASE(bit_34_hides_xd_and_refuses_nxe, 0)
{
    ck_assert(cpuid(b, 0x80000001, 3) >> 20 & 1);
    ck_assert(write_is_taken(b, MISC_ENABLE, UINT64_C(1) << 34));
    ck_assert(!(cpuid(b, 0x80000001, 3) >> 20 & 1));
    ck_assert(!write_is_taken(b, EFER, 0xd01));
    ck_assert(write_is_taken(b, EFER, 0x501));
}

CASE(amd_has_no_misc_enable, 0)
{
    rf_cpu_set_vendor(b->cpu, RF_VENDOR_AMD);
    ck_assert(!write_is_taken(b, MISC_ENABLE, 1));
    b->cpu->r[RF_RCX] = MISC_ENABLE;
    RUN(b, read_msr);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

/* --- the time stamp counter: SDM 3B, 18.17 --- */

CASE(a_write_of_the_tsc_sets_it, 0)
{
    ck_assert(write_is_taken(b, TSC, UINT64_C(1) << 40));
    RUN(b, read_tsc);
    uint64_t now = reg(b, RF_RDX) << 32 | reg(b, RF_RAX);
    ck_assert_uint_ge(now, UINT64_C(1) << 40);
    ck_assert_uint_lt(now, (UINT64_C(1) << 40) + 100000);
}

CASE(a_write_of_the_tsc_shows_in_tsc_adjust, 0)
{
    uint64_t before, after;
    rf_cpu_read_msr(b->cpu, TSC, &before);
    ck_assert(rf_cpu_write_msr(b->cpu, TSC, before + 1000));
    rf_cpu_read_msr(b->cpu, TSC_ADJUST, &after);
    ck_assert_uint_eq(after, 1000);
}

CASE(a_write_of_tsc_adjust_moves_the_tsc, 0)
{
    uint64_t before, after;
    rf_cpu_read_msr(b->cpu, TSC, &before);
    ck_assert(rf_cpu_write_msr(b->cpu, TSC_ADJUST, UINT64_C(1) << 50));
    rf_cpu_read_msr(b->cpu, TSC, &after);
    ck_assert_uint_eq(after - before, UINT64_C(1) << 50);
    ck_assert(rf_cpu_write_msr(b->cpu, TSC_ADJUST, 0));
    rf_cpu_read_msr(b->cpu, TSC, &after);
    ck_assert_uint_eq(after, before);
}

/* SDM 2B, RDTSC: #GP(0) if CR4.TSD and CPL > 0 */
CASE(tsd_refuses_rdtsc_at_cpl_3, 3)
{
    bare_set_cr4(b, RF_CR4_TSD, 0);
    RUN(b, user_tsc);
    expect_error(b, RF_GP, USER(0), 0);
}

CASE(tsd_refuses_rdtscp_at_cpl_3, 3)
{
    bare_set_cr4(b, RF_CR4_TSD, 0);
    RUN(b, user_tscp);
    expect_error(b, RF_GP, USER(0), 0);
}

CASE(without_tsd_rdtsc_is_for_all, 3)
{
    RUN(b, user_tsc);
    expect_vector(b, 0x80, USER(4));
}

CASE(tsd_does_not_bind_cpl_0, 0)
{
    bare_set_cr4(b, RF_CR4_TSD, 0);
    RUN(b, read_tsc);
    ck_assert_int_eq(b->vector, -1);
}

/* SDM 2B, RDTSCP and RDPID: IA32_TSC_AUX */
CASE(rdtscp_loads_tsc_aux, 0)
{
    ck_assert(write_is_taken(b, TSC_AUX, 0xabcd1234));
    b->cpu->r[RF_RCX] = UINT64_MAX;
    RUN(b, read_tscp);
    ck_assert_uint_eq(reg(b, RF_RCX), 0xabcd1234);
}

CASE(rdpid_loads_tsc_aux, 0)
{
    rf_cpu_set_model(b->cpu, RF_CPU_MAX);
    ck_assert(write_is_taken(b, TSC_AUX, 0xabcd1234));
    RUN(b, read_pid);
    ck_assert_uint_eq(reg(b, RF_RAX), 0xabcd1234);
}

/* SDM 2B, RDPMC: #GP(0) at CPL > 0 without CR4.PCE, and for a counter that is not there */
CASE(rdpmc_at_cpl_3_needs_pce, 3)
{
    RUN(b, read_pmc);
    expect_error(b, RF_GP, USER(0), 0);
}

CASE(there_are_no_performance_counters, 0)
{
    bare_set_cr4(b, RF_CR4_PCE, 0);
    ck_assert_uint_eq(cpuid(b, 0xa, 0) & 0xff, 0); /* architectural version: none */
    RUN(b, read_pmc);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

/* --- machine checks: SDM 3B, 16.3.1: IA32_MCG_CAP is read-only, and tells of no bank --- */

CASE(machine_checks_have_no_banks, 0)
{
    ck_assert(cpuid(b, 1, 3) >> 7 & 1 && cpuid(b, 1, 3) >> 14 & 1);
    ck_assert_uint_eq(read_back(b, 0x179), 0);
    ck_assert(!write_is_taken(b, 0x179, 0));
    ck_assert(write_is_taken(b, 0x17a, 0));
    b->cpu->r[RF_RCX] = 0x400; /* IA32_MC0_CTL */
    RUN(b, read_msr);
    expect_error(b, RF_GP, KERNEL(0), 0);
}

/* --- PKRS: SDM 3A, 4.6.2 --- */

CASE(pkrs_is_read_back, 0)
{
    ck_assert(write_is_taken(b, PKRS, 0x5a5a));
    ck_assert_uint_eq(read_back(b, PKRS), 0x5a5a);
}

CASE(pkrs_is_unknown_without_the_feature, 0)
{
    rf_cpu_set_model(b->cpu, RF_CPU_V2);
    ck_assert(!write_is_taken(b, PKRS, 0));
}

int main(void)
{
    const TTest *const all[] = {
        rdmsr_is_for_cpl_0, wrmsr_is_for_cpl_0, reading_an_unknown_one_is_gp,
        writing_an_unknown_one_is_gp, the_number_is_ecx, efer_lme_is_fixed_while_paging,
        efer_lma_is_not_writable, clearing_sce_takes_syscall_away, clearing_nxe_makes_xd_reserved,
        fs_and_gs_bases_are_the_segments_own, swapgs_exchanges_with_kernel_gs_base,
        swapgs_is_for_cpl_0, bit_22_limits_cpuid, bit_34_hides_xd_and_refuses_nxe,
        amd_has_no_misc_enable, a_write_of_the_tsc_sets_it, a_write_of_the_tsc_shows_in_tsc_adjust,
        a_write_of_tsc_adjust_moves_the_tsc, tsd_refuses_rdtsc_at_cpl_3,
        tsd_refuses_rdtscp_at_cpl_3, without_tsd_rdtsc_is_for_all, tsd_does_not_bind_cpl_0,
        rdtscp_loads_tsc_aux, rdpid_loads_tsc_aux, rdpmc_at_cpl_3_needs_pce,
        there_are_no_performance_counters, machine_checks_have_no_banks, pkrs_is_read_back,
        pkrs_is_unknown_without_the_feature,
    };
    Suite *suite = suite_create("msr");
    TCase *cases = tcase_create("msr");
    ADD_ALL(cases, all);
    tcase_add_loop_test(cases, values_are_taken_or_refused, 0, (int)RF_ARRAY_SIZE(values));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

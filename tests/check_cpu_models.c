/* CPU models: CPUID says what is there, what is not there is #UD, encodings that older CPUs read
 * otherwise, and the instructions whose results are this CPU's own. */
#include "bare_case.h"
#include "lib/suite.h"

/* One instruction of each feature, and where CPUID tells of it. */
CODE(sse3, "haddps %xmm1, %xmm2; vmcall");
CODE(ssse3, "pshufb %xmm1, %xmm2; vmcall");
CODE(sse41, "pminsb %xmm1, %xmm2; vmcall");
CODE(sse42, "pcmpgtq %xmm1, %xmm2; vmcall");
CODE(cx16, "cmpxchg16b (%rsp); vmcall");
CODE(popcnt, "popcnt %rax, %rbx; vmcall");
CODE(lahf, "lahf; vmcall");
CODE(xsave, "xgetbv; vmcall");
CODE(xsaveopt, "xsaveopt (%rsp); vmcall");
CODE(xsavec, "xsavec (%rsp); vmcall");
CODE(avx, "vaddps %xmm1, %xmm2, %xmm3; vmcall");
CODE(avx2, "vpaddb %ymm1, %ymm2, %ymm3; vmcall");
CODE(f16c, "vcvtph2ps %xmm1, %xmm2; vmcall");
CODE(fma3, "vfmadd132ps %xmm1, %xmm2, %xmm3; vmcall");
CODE(bmi1, "andn %rax, %rbx, %rdx; vmcall");
CODE(bmi2, "pdep %rax, %rbx, %rdx; vmcall");
CODE(movbe, "movbe (%rsp), %rax; vmcall");
CODE(aes, "aesenc %xmm1, %xmm2; vmcall");
CODE(pclmulqdq, "pclmulqdq $0, %xmm1, %xmm2; vmcall");
CODE(vaes, "vaesenc %ymm1, %ymm2, %ymm3; vmcall");
CODE(vpclmulqdq, "vpclmulqdq $0, %ymm1, %ymm2, %ymm3; vmcall");
CODE(sha, "sha256msg1 %xmm1, %xmm2; vmcall");
CODE(gfni, "gf2p8mulb %xmm1, %xmm2; vmcall");
CODE(adx, "adcx %rax, %rbx; vmcall");
CODE(rdrand, "rdrand %rax; vmcall");
CODE(rdseed, "rdseed %rax; vmcall");
CODE(clflushopt, "clflushopt (%rsp); vmcall");
CODE(clwb, "clwb (%rsp); vmcall");
CODE(rdpid, "rdpid %rax; vmcall");

enum { EAX, EBX, ECX, EDX };
static const struct {
    enum rf_feature feature;
    const uint8_t *code, *end;
    uint32_t leaf, subleaf;
    unsigned word, bit;
} features[] = {
#define FEATURE(name, code, ...) { RF_FEATURE_##name, code, code##_end, __VA_ARGS__ }
    FEATURE(SSE3, sse3, 1, 0, ECX, 0), FEATURE(SSSE3, ssse3, 1, 0, ECX, 9),
    FEATURE(SSE41, sse41, 1, 0, ECX, 19), FEATURE(SSE42, sse42, 1, 0, ECX, 20),
    FEATURE(CX16, cx16, 1, 0, ECX, 13), FEATURE(POPCNT, popcnt, 1, 0, ECX, 23),
    FEATURE(LAHF64, lahf, 0x80000001, 0, ECX, 0), FEATURE(XSAVE, xsave, 1, 0, ECX, 26),
    FEATURE(XSAVEOPT, xsaveopt, 0xd, 1, EAX, 0), FEATURE(XSAVEC, xsavec, 0xd, 1, EAX, 1),
    FEATURE(AVX, avx, 1, 0, ECX, 28), FEATURE(AVX2, avx2, 7, 0, EBX, 5),
    FEATURE(F16C, f16c, 1, 0, ECX, 29), FEATURE(FMA, fma3, 1, 0, ECX, 12),
    FEATURE(BMI1, bmi1, 7, 0, EBX, 3), FEATURE(BMI2, bmi2, 7, 0, EBX, 8),
    FEATURE(MOVBE, movbe, 1, 0, ECX, 22), FEATURE(AES, aes, 1, 0, ECX, 25),
    FEATURE(PCLMULQDQ, pclmulqdq, 1, 0, ECX, 1), FEATURE(VAES, vaes, 7, 0, ECX, 9),
    FEATURE(VPCLMULQDQ, vpclmulqdq, 7, 0, ECX, 10), FEATURE(SHA, sha, 7, 0, EBX, 29),
    FEATURE(GFNI, gfni, 7, 0, ECX, 8), FEATURE(ADX, adx, 7, 0, EBX, 19),
    FEATURE(RDRAND, rdrand, 1, 0, ECX, 30), FEATURE(RDSEED, rdseed, 7, 0, EBX, 18),
    FEATURE(CLFLUSHOPT, clflushopt, 7, 0, EBX, 23), FEATURE(CLWB, clwb, 7, 0, EBX, 24),
    FEATURE(RDPID, rdpid, 7, 0, ECX, 22),
};

/* The model with everything on that it has. */
static void use_model(struct bare *b, enum rf_cpu_model model)
{
    rf_cpu_set_model(b->cpu, model);
    b->cpu->xcr0 = 1;
    if (rf_has(b->cpu->features, RF_FEATURE_XSAVE)) {
        b->cpu->xcr0 = rf_model_xcr0(b->cpu->features);
        bare_set_cr4(b, RF_CR4_OSXSAVE, 0);
    }
    b->cpu->r[RF_RCX] = 0;
}

static uint32_t cpuid_word(struct bare *b, uint32_t leaf, uint32_t subleaf, unsigned word)
{
    uint32_t out[4];
    rf_cpu_cpuid(b->cpu, leaf, subleaf, out);
    return out[word];
}

START_TEST(every_model_has_what_cpuid_tells_and_nothing_else)
{
    enum rf_cpu_model model = (enum rf_cpu_model)_i;
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        struct bare b;
        bare_create(&b, 0);
        use_model(&b, model);
        bool has = rf_has(rf_model_features(model), features[i].feature);
        uint32_t word = cpuid_word(&b, features[i].leaf, features[i].subleaf, features[i].word);
        ck_assert_msg((word >> features[i].bit & 1) == has, "%s: CPUID, feature %zu",
                      rf_model_name(model), i);
        bare_run(&b, features[i].code, (size_t)(features[i].end - features[i].code));
        ck_assert_msg(b.vector == (has ? -1 : RF_UD), "%s: feature %zu: vector %d",
                      rf_model_name(model), i, b.vector);
        bare_destroy(&b);
    }
}
END_TEST

/* psABI 1.0, table 3.1 */
START_TEST(models_are_the_levels_of_the_psabi)
{
    const rf_feature_set v1 = rf_model_features(RF_CPU_V1), v2 = rf_model_features(RF_CPU_V2),
                         v3 = rf_model_features(RF_CPU_V3), max = rf_model_features(RF_CPU_MAX);
    ck_assert_uint_eq(v1, 0);
    ck_assert(!(v2 & ~v3) && !(v3 & ~max));
    ck_assert(rf_has(v2, RF_FEATURE_SSE42) && !rf_has(v2, RF_FEATURE_AVX));
    ck_assert(rf_has(v3, RF_FEATURE_FMA) && !rf_has(v3, RF_FEATURE_AES));
    ck_assert_int_eq(rf_model_by_name("x86-64-v2"), RF_CPU_V2);
    ck_assert_int_eq(rf_model_by_name("max"), RF_CPU_MAX);
    ck_assert_int_eq(rf_model_by_name("x86-64"), RF_CPU_MODEL_COUNT);
}
END_TEST

/* --- encodings that a CPU without the feature reads otherwise --- */

CODE(count_zeros, "mov $0x00f0, %eax; lzcnt %eax, %ebx; tzcnt %eax, %ecx; vmcall");

CASE(lzcnt_and_tzcnt_are_bsr_and_bsf_without_them, 3)
{
    use_model(b, RF_CPU_V2);
    RUN(b, count_zeros);
    ck_assert_uint_eq(reg(b, RF_RBX), 7);
    ck_assert_uint_eq(reg(b, RF_RCX), 4);
}

CASE(lzcnt_counts_where_it_is, 3)
{
    use_model(b, RF_CPU_V3);
    RUN(b, count_zeros);
    ck_assert_uint_eq(reg(b, RF_RBX), 24);
    ck_assert_uint_eq(reg(b, RF_RCX), 4);
}

/* PREFETCHW's opcode with registers, ENDBR64, RDSSPQ, BNDMOV, CLDEMOTE. */
CODE(nops, "mov $5, %eax; .byte 0x0f, 0x0d, 0xc8; endbr64; .byte 0xf3, 0x48, 0x0f, 0x1e, 0xc8;"
           ".byte 0x66, 0x0f, 0x1a, 0xc1; cldemote (%rsp); inc %eax; vmcall");

START_TEST(reserved_nops_do_nothing)
{
    struct bare b;
    bare_create(&b, 0);
    use_model(&b, (enum rf_cpu_model)_i);
    RUN(&b, nops);
    ck_assert_int_eq(b.vector, -1);
    ck_assert_uint_eq(reg(&b, RF_RAX), 6);
    bare_destroy(&b);
}
END_TEST

/* --- CPUID --- */

CASE(cpuid_beyond_the_last_leaf_gives_the_last_basic_one, 0)
{
    uint32_t last[4], beyond[4];
    uint32_t most = cpuid_word(b, 0, 0, EAX);
    ck_assert_uint_ge(most, 0x1f);
    ck_assert_uint_eq(cpuid_word(b, 0x80000000, 0, EAX), 0x80000008);
    rf_cpu_cpuid(b->cpu, most, 1, last);
    rf_cpu_cpuid(b->cpu, most + 1, 1, beyond);
    ck_assert_mem_eq(last, beyond, sizeof last);
    rf_cpu_cpuid(b->cpu, 0x80000009, 1, beyond);
    ck_assert_mem_eq(last, beyond, sizeof last);
}

CASE(osxsave_and_ospke_follow_cr4, 0)
{
    use_model(b, RF_CPU_V3);
    ck_assert_uint_eq(cpuid_word(b, 1, 0, ECX) >> 27 & 1, 1);
    bare_set_cr4(b, RF_CR4_PKE, RF_CR4_OSXSAVE);
    ck_assert_uint_eq(cpuid_word(b, 1, 0, ECX) >> 27 & 1, 0);
    ck_assert_uint_eq(cpuid_word(b, 7, 0, ECX) >> 4 & 1, 1);
}

CASE(leaf_d_describes_the_area_that_xsave_writes, 0)
{
    use_model(b, RF_CPU_V3);
    b->cpu->xcr0 = RF_XCR0_X87 | RF_XCR0_SSE;
    ck_assert_uint_eq(cpuid_word(b, 0xd, 0, EBX), 576);
    b->cpu->xcr0 |= RF_XCR0_AVX;
    ck_assert_uint_eq(cpuid_word(b, 0xd, 0, EBX), 832);
    ck_assert_uint_eq(cpuid_word(b, 0xd, 0, EAX), 0x207);
    ck_assert_uint_eq(cpuid_word(b, 0xd, 0, ECX), 840);
    ck_assert_uint_eq(cpuid_word(b, 0xd, 2, EAX), 256);
    ck_assert_uint_eq(cpuid_word(b, 0xd, 2, EBX), 576);
    ck_assert_uint_eq(cpuid_word(b, 0xd, 9, EAX), 8);
    ck_assert_uint_eq(cpuid_word(b, 0xd, 9, EBX), 832);
    ck_assert_uint_eq(cpuid_word(b, 0xd, 3, EAX), 0);
    use_model(b, RF_CPU_V2);
    ck_assert_uint_eq(cpuid_word(b, 0xd, 0, EAX), 0);
}

CASE(topology_is_one_thread, 0)
{
    for (uint32_t leaf = 0xb; leaf <= 0x1f; leaf += 0x1f - 0xb)
        for (uint32_t level = 0; level < 3; level++) {
            ck_assert_uint_eq(cpuid_word(b, leaf, level, EBX), level < 2);
            ck_assert_uint_eq(cpuid_word(b, leaf, level, ECX),
                              level < 2 ? level | (level + 1) << 8 : level);
        }
}

/* --- XCR0 (SDM 1, 13.3; SDM 2D, XSETBV) --- */

CODE(xsetbv, "nop; xsetbv; vmcall");
CODE(xgetbv, "nop; xgetbv; vmcall");
CODE(set_osxsave, "mov %cr4, %rax; bts $18, %rax; mov %rax, %cr4; vmcall");

static int set_xcr0(struct bare *b, uint64_t value)
{
    b->cpu->r[RF_RAX] = (uint32_t)value;
    b->cpu->r[RF_RDX] = value >> 32;
    b->cpu->r[RF_RCX] = 0;
    RUN(b, xsetbv);
    return b->vector;
}

CASE(xsetbv_takes_consistent_values_only, 0)
{
    use_model(b, RF_CPU_V3);
    ck_assert_int_eq(set_xcr0(b, 1), -1);
    ck_assert_uint_eq(b->cpu->xcr0, 1);
    ck_assert_int_eq(set_xcr0(b, 7), -1);
    ck_assert_int_eq(set_xcr0(b, 0x207), -1);
    ck_assert_int_eq(set_xcr0(b, 6), RF_GP);           /* without x87 */
    ck_assert_int_eq(set_xcr0(b, 5), RF_GP);           /* AVX without SSE */
    ck_assert_int_eq(set_xcr0(b, 0xe7), RF_GP);        /* AVX-512 */
    ck_assert_int_eq(set_xcr0(b, RF_BIT(40) | 7), RF_GP);
    ck_assert_uint_eq(b->cpu->xcr0, 0x207);
}

CASE(xsetbv_of_another_register_is_gp, 0)
{
    use_model(b, RF_CPU_V3);
    b->cpu->r[RF_RAX] = 7;
    b->cpu->r[RF_RDX] = 0;
    b->cpu->r[RF_RCX] = 1;
    RUN(b, xsetbv);
    expect_error(b, RF_GP, KERNEL(1), 0);
}

CASE(xsetbv_at_cpl_3_is_gp, 3)
{
    use_model(b, RF_CPU_V3);
    ck_assert_int_eq(set_xcr0(b, 7), RF_GP);
    expect_error(b, RF_GP, USER(1), 0);
}

CASE(xgetbv_reads_xcr0_and_what_is_in_use, 3)
{
    use_model(b, RF_CPU_V3);
    b->cpu->xcr0 = 7;
    b->cpu->r[RF_RCX] = 0;
    RUN(b, xgetbv);
    ck_assert_uint_eq(reg(b, RF_RAX), 7);
    ck_assert_uint_eq(reg(b, RF_RDX), 0);
}

CASE(xgetbv_1_reads_what_is_in_use, 0)
{
    use_model(b, RF_CPU_V3);
    b->cpu->xcr0 = 7;
    memset(b->cpu->fpu.v, 0, sizeof b->cpu->fpu.v);
    b->cpu->fpu.v[5].u8[20] = 1;
    b->cpu->r[RF_RCX] = 1;
    RUN(b, xgetbv);
    ck_assert_uint_eq(reg(b, RF_RAX), RF_XCR0_AVX);
    b->cpu->r[RF_RCX] = 2;
    RUN(b, xgetbv);
    expect_error(b, RF_GP, KERNEL(1), 0);
}

CASE(without_osxsave_the_xsave_instructions_are_ud, 0)
{
    use_model(b, RF_CPU_V3);
    bare_set_cr4(b, 0, RF_CR4_OSXSAVE);
    RUN(b, xgetbv);
    expect_vector(b, RF_UD, KERNEL(1));
    RUN(b, xsetbv);
    expect_vector(b, RF_UD, KERNEL(1));
}

CASE(cr4_osxsave_needs_xsave, 0)
{
    use_model(b, RF_CPU_V2);
    RUN(b, set_osxsave);
    ck_assert_int_eq(b->vector, RF_GP);
    use_model(b, RF_CPU_V3);
    bare_set_cr4(b, 0, RF_CR4_OSXSAVE);
    RUN(b, set_osxsave);
    ck_assert_int_eq(b->vector, -1);
    ck_assert(b->cpu->mmu.cr4 & RF_CR4_OSXSAVE);
}

/* --- random numbers: from the seed (SDM 2B, RDRAND) --- */

CODE(random, "stc; rdrand %rax; pushf; rdseed %rbx; rdrand %cx; rdseed %edx; pop %rsi; vmcall");

static void random_numbers(uint64_t seed, uint64_t out[2])
{
    struct bare b;
    bare_create(&b, 0);
    use_model(&b, RF_CPU_MAX);
    b.cpu->random_state = seed;
    b.cpu->r[RF_RCX] = UINT64_C(0x1122334455667788);
    b.cpu->r[RF_RDX] = UINT64_MAX;
    RUN(&b, random);
    ck_assert_int_eq(b.vector, -1);
    ck_assert_uint_eq(reg(&b, RF_RSI) & RF_FLAGS_STATUS, RF_FLAG_CF);
    ck_assert_uint_eq(reg(&b, RF_RCX) >> 16, UINT64_C(0x112233445566));
    ck_assert_uint_eq(reg(&b, RF_RDX) >> 32, 0);
    out[0] = reg(&b, RF_RAX);
    out[1] = reg(&b, RF_RBX);
    bare_destroy(&b);
}

START_TEST(random_numbers_are_the_seeds)
{
    uint64_t first[2], again[2], other[2];
    random_numbers(1, first);
    random_numbers(1, again);
    random_numbers(2, other);
    ck_assert_mem_eq(first, again, sizeof first);
    ck_assert_uint_ne(first[0], first[1]);
    ck_assert_uint_ne(first[0], other[0]);
}
END_TEST

/* --- time, and whose CPU it is --- */

CODE(clock_, "rdtsc; mov %eax, %ebx; rdtscp; sub %ebx, %eax; vmcall");
CODE(number, "rdpid %rax; rdtscp; vmcall");
CODE(counter, "nop; rdpmc; vmcall");

CASE(time_goes_on, 3)
{
    use_model(b, RF_CPU_V3);
    b->cpu->tsc_aux = 77;
    RUN(b, clock_);
    ck_assert_uint_gt(reg(b, RF_RAX), 0);
    ck_assert_uint_lt(reg(b, RF_RAX), 1000);
    ck_assert_uint_eq(reg(b, RF_RCX), 77);
}

CASE(rdpid_reads_tsc_aux, 0)
{
    use_model(b, RF_CPU_MAX);
    b->cpu->tsc_aux = 0x12345;
    RUN(b, number);
    ck_assert_uint_eq(reg(b, RF_RCX), 0x12345);
}

CASE(there_are_no_performance_counters, 0)
{
    RUN(b, counter);
    expect_error(b, RF_GP, KERNEL(1), 0);
}

/* --- protection keys (SDM 2, RDPKRU and WRPKRU) --- */

CODE(rdpkru, "nop; rdpkru; vmcall");
CODE(wrpkru, "nop; wrpkru; vmcall");

CASE(pkru_can_be_written_and_read_in_user_code, 0)
{
    use_model(b, RF_CPU_V3);
    bare_set_cr4(b, RF_CR4_PKE, 0);
    b->cpu->r[RF_RAX] = 0xfffffffc;
    b->cpu->r[RF_RCX] = b->cpu->r[RF_RDX] = 0;
    RUN(b, wrpkru);
    ck_assert_int_eq(b->vector, -1);
    b->cpu->r[RF_RAX] = b->cpu->r[RF_RDX] = UINT64_MAX;
    RUN(b, rdpkru);
    ck_assert_uint_eq(reg(b, RF_RAX), 0xfffffffc);
    ck_assert_uint_eq(reg(b, RF_RDX), 0);
    b->cpu->r[RF_RCX] = 1;
    RUN(b, rdpkru);
    expect_error(b, RF_GP, KERNEL(1), 0);
}

CASE(wrpkru_with_edx_is_gp, 3)
{
    use_model(b, RF_CPU_V3);
    bare_set_cr4(b, RF_CR4_PKE, 0);
    b->cpu->r[RF_RCX] = 0;
    b->cpu->r[RF_RDX] = 1;
    RUN(b, wrpkru);
    expect_error(b, RF_GP, USER(1), 0);
}

CASE(without_cr4_pke_pkru_is_ud, 3)
{
    use_model(b, RF_CPU_V3);
    RUN(b, rdpkru);
    expect_vector(b, RF_UD, USER(1));
}

int main(void)
{
    const TTest *const all[] = {
        models_are_the_levels_of_the_psabi, lzcnt_and_tzcnt_are_bsr_and_bsf_without_them,
        lzcnt_counts_where_it_is, cpuid_beyond_the_last_leaf_gives_the_last_basic_one,
        osxsave_and_ospke_follow_cr4, leaf_d_describes_the_area_that_xsave_writes,
        topology_is_one_thread, xsetbv_takes_consistent_values_only,
        xsetbv_of_another_register_is_gp, xsetbv_at_cpl_3_is_gp,
        xgetbv_reads_xcr0_and_what_is_in_use, xgetbv_1_reads_what_is_in_use,
        without_osxsave_the_xsave_instructions_are_ud, cr4_osxsave_needs_xsave,
        random_numbers_are_the_seeds, time_goes_on, rdpid_reads_tsc_aux,
        there_are_no_performance_counters, pkru_can_be_written_and_read_in_user_code,
        wrpkru_with_edx_is_gp, without_cr4_pke_pkru_is_ud,
    };
    Suite *suite = suite_create("cpu_models");
    TCase *cases = tcase_create("cpu_models");
    ADD_ALL(cases, all);
    tcase_add_loop_test(cases, every_model_has_what_cpuid_tells_and_nothing_else, 0,
                        RF_CPU_MODEL_COUNT);
    tcase_add_loop_test(cases, reserved_nops_do_nothing, 0, RF_CPU_MODEL_COUNT);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

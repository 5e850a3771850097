/* Packed integer arithmetic, logic, comparison and shifts, AVX (128 bits) and AVX2 (256). */
#include "cpu/ops/avx_lanes.h"
#include "cpu/ops/vector_int_list.h"

/* `x` and `y`: what is done with d and s of 128 and of 256 bits. */
#define DEFINE(name, x, y)   \
    RF_AVX_X(name, 16, d = x) \
    RF_AVX_Y(name, d = y)     \
    RF_AVX_LOWER(name, RF_AVX_BOTH_SIZES(name))
#define DEFINE_BINARY(name, function) \
    DEFINE(V##name, simde_mm_##function(d, s), RF_Y2(function, d, s))
#define DEFINE_UNARY(name, function) DEFINE(V##name, simde_mm_##function(s), RF_Y1(function, s))
#define DEFINE_LOGIC(name, function) \
    DEFINE(V##name, simde_mm_##function##_si128(d, s), simde_mm256_##function##_si256(d, s))
RF_INT_LANES(DEFINE_BINARY)
RF_INT_HORIZONTAL(DEFINE_BINARY)
RF_INT_NO_MMX(DEFINE_BINARY)
RF_INT_UNARY(DEFINE_UNARY)
RF_INT_LOGIC(DEFINE_LOGIC)

RF_AVX_X(VPHMINPOSUW, 16, d = simde_mm_minpos_epu16(s))
RF_AVX_LOWER(VPHMINPOSUW, .reg = { VPHMINPOSUW_x_reg }, .mem = { VPHMINPOSUW_x_mem })

/* --- shifts by one count: op->c or memory, always of 128 bits, or op->imm --- */

#define DEFINE_SHIFT(name, function)                                                \
    RF_AVX_X(V##name, 16, d = simde_mm_##function(d, s))                            \
    RF_AVX_YX(V##name, 16, d = RF_Y2_COUNT(function, d, s))                         \
    static RF_OP(V##name##_x_imm)                                                   \
    {                                                                               \
        rf_m128 d = rf_xmm(cpu, op->c);                                             \
        rf_xmm_set_zero(cpu, op->a, simde_mm_##function(d, rf_m128_low(op->imm)));  \
        RF_NEXT;                                                                    \
    }                                                                               \
    static RF_OP(V##name##_y_imm)                                                   \
    {                                                                               \
        rf_m256 d = rf_ymm(cpu, op->c);                                             \
        rf_ymm_set(cpu, op->a, RF_Y2_COUNT(function, d, rf_m128_low(op->imm)));     \
        RF_NEXT;                                                                    \
    }                                                                               \
    static bool lower_V##name(struct rf_lower *l)                                   \
    {                                                                               \
        static const struct rf_avx_form form = { RF_AVX_BOTH_SIZES(V##name) };      \
        static const struct rf_avx_form by_imm = { .reg = { V##name##_x_imm,        \
                                                            V##name##_y_imm } };    \
        return rf_avx_lower(l, rf_is_imm(&l->operand[2]) ? &by_imm : &form);        \
    }
RF_INT_SHIFTS(DEFINE_SHIFT)

/* --- shifts by a count in each lane. Without AVX2 by each lane's count in turn: what compilers
 * make of a lane by lane shift goes through floating point, and raises its flags --- */

#if RF_AVX_NATIVE
#define EACH_X(shift, bits) _mm_##shift##v_epi##bits(d, s)
#define EACH_Y(shift, bits) _mm256_##shift##v_epi##bits(d, s)
#else
#define SHIFT_LANE(shift, bits, n)                                                          \
    simde_mm_##shift##_epi##bits(d, simde_mm_and_si128(simde_mm_srli_si128(s, (n) * bits / 8), \
                                                       count))
#define DEFINE_EACH_32(shift)                                                     \
    RF_INLINE rf_m128 simde_mm_##shift##_each_32(rf_m128 d, rf_m128 s)            \
    {                                                                             \
        const rf_m128 count = simde_mm_setr_epi32(-1, 0, 0, 0);                   \
        return simde_mm_blend_epi16(                                              \
            simde_mm_blend_epi16(SHIFT_LANE(shift, 32, 0), SHIFT_LANE(shift, 32, 1), 0x0c), \
            simde_mm_blend_epi16(SHIFT_LANE(shift, 32, 2), SHIFT_LANE(shift, 32, 3), 0xc0), \
            0xf0);                                                                \
    }
#define DEFINE_EACH_64(shift)                                                     \
    RF_INLINE rf_m128 simde_mm_##shift##_each_64(rf_m128 d, rf_m128 s)            \
    {                                                                             \
        const rf_m128 count = simde_mm_setr_epi32(-1, -1, 0, 0);                  \
        return simde_mm_blend_epi16(SHIFT_LANE(shift, 64, 0), SHIFT_LANE(shift, 64, 1), 0xf0); \
    }
DEFINE_EACH_32(sll)
DEFINE_EACH_32(srl)
DEFINE_EACH_32(sra)
DEFINE_EACH_64(sll)
DEFINE_EACH_64(srl)
#define EACH_X(shift, bits) simde_mm_##shift##_each_##bits(d, s)
#define EACH_Y(shift, bits) RF_Y2(shift##_each_##bits, d, s)
#endif

#define VARIABLE_SHIFTS(X)                                    \
    X(PSLLVD, sll, 32) X(PSLLVQ, sll, 64) X(PSRLVD, srl, 32)  \
    X(PSRLVQ, srl, 64) X(PSRAVD, sra, 32)
#define DEFINE_EACH(name, shift, bits) DEFINE(V##name, EACH_X(shift, bits), EACH_Y(shift, bits))
VARIABLE_SHIFTS(DEFINE_EACH)

/* --- VPTEST: ZF = no common bit, CF = s has no bit outside d; of VTESTPS and VTESTPD: no such
 * sign bit. The other flags are cleared. op->b: d, op->c: s --- */

RF_INLINE void set_flags(struct rf_cpu *cpu, bool zero, bool carry)
{
    rf_flags_set_status(cpu, (zero ? RF_FLAG_ZF : 0) | (carry ? RF_FLAG_CF : 0));
}

#define SIGNS_32 simde_mm256_set1_epi32(INT32_MIN)
#define SIGNS_64 simde_mm256_set1_epi64x(INT64_MIN)
#define ALL_BITS simde_mm256_set1_epi32(-1)

/* No bit of `mask` in both; none in s alone. */
#if RF_AVX_NATIVE
#define TEST_X_VPTEST set_flags(cpu, _mm_testz_si128(d, s), _mm_testc_si128(d, s))
#define TEST_Y_VPTEST set_flags(cpu, _mm256_testz_si256(d, s), _mm256_testc_si256(d, s))
#define TEST_X_VTESTPS \
    set_flags(cpu, _mm_testz_ps(RF_PS(d), RF_PS(s)), _mm_testc_ps(RF_PS(d), RF_PS(s)))
#define TEST_X_VTESTPD \
    set_flags(cpu, _mm_testz_pd(RF_PD(d), RF_PD(s)), _mm_testc_pd(RF_PD(d), RF_PD(s)))
#define Y_PS(v) _mm256_castsi256_ps(v)
#define Y_PD(v) _mm256_castsi256_pd(v)
#define TEST_Y_VTESTPS \
    set_flags(cpu, _mm256_testz_ps(Y_PS(d), Y_PS(s)), _mm256_testc_ps(Y_PS(d), Y_PS(s)))
#define TEST_Y_VTESTPD \
    set_flags(cpu, _mm256_testz_pd(Y_PD(d), Y_PD(s)), _mm256_testc_pd(Y_PD(d), Y_PD(s)))
#else
RF_INLINE void test_x(struct rf_cpu *cpu, rf_m128 d, rf_m128 s, rf_m128 mask)
{
    s = simde_mm_and_si128(s, mask);
    set_flags(cpu, simde_mm_testz_si128(d, s), simde_mm_testc_si128(d, s));
}
RF_INLINE void test_y(struct rf_cpu *cpu, rf_m256 d, rf_m256 s, rf_m256 mask)
{
    s = simde_mm256_and_si256(s, mask);
    rf_m128 low = RF_LOW_LANE(s), high = RF_HIGH_LANE(s);
    rf_m128 d_low = RF_LOW_LANE(d), d_high = RF_HIGH_LANE(d);
    set_flags(cpu, simde_mm_testz_si128(d_low, low) && simde_mm_testz_si128(d_high, high),
              simde_mm_testc_si128(d_low, low) && simde_mm_testc_si128(d_high, high));
}
#define TEST_X_VPTEST test_x(cpu, d, s, RF_LOW_LANE(ALL_BITS))
#define TEST_X_VTESTPS test_x(cpu, d, s, RF_LOW_LANE(SIGNS_32))
#define TEST_X_VTESTPD test_x(cpu, d, s, RF_LOW_LANE(SIGNS_64))
#define TEST_Y_VPTEST test_y(cpu, d, s, ALL_BITS)
#define TEST_Y_VTESTPS test_y(cpu, d, s, SIGNS_32)
#define TEST_Y_VTESTPD test_y(cpu, d, s, SIGNS_64)
#endif

#define DEFINE_TEST(name)                                                      \
    static RF_OP(name##_x_reg)                                                 \
    {                                                                          \
        rf_m128 d = rf_xmm(cpu, op->a), s = rf_xmm(cpu, op->c);                \
        TEST_X_##name;                                                         \
        RF_NEXT;                                                               \
    }                                                                          \
    RF_MEM_HANDLER(name##_x_mem)                                               \
    {                                                                          \
        RF_AVX_LOAD_16(s);                                                     \
        rf_m128 d = rf_xmm(cpu, op->a);                                        \
        TEST_X_##name;                                                         \
        RF_MEM_NEXT;                                                           \
    }                                                                          \
    static RF_OP(name##_y_reg)                                                 \
    {                                                                          \
        rf_m256 d = rf_ymm(cpu, op->a), s = rf_ymm(cpu, op->c);                \
        TEST_Y_##name;                                                         \
        RF_NEXT;                                                               \
    }                                                                          \
    RF_MEM_HANDLER(name##_y_mem)                                               \
    {                                                                          \
        RF_AVX_LOAD_32(s);                                                     \
        rf_m256 d = rf_ymm(cpu, op->a);                                        \
        TEST_Y_##name;                                                         \
        RF_MEM_NEXT;                                                           \
    }                                                                          \
    static bool lower_##name(struct rf_lower *l)                               \
    {                                                                          \
        static const struct rf_avx_form form = { RF_AVX_BOTH_SIZES(name) };    \
        l->cc_after = RF_CC_FLAGS;                                             \
        return rf_avx_lower(l, &form);                                         \
    }
DEFINE_TEST(VPTEST)
DEFINE_TEST(VTESTPS)
DEFINE_TEST(VTESTPD)

/* --- VMPSADBW: the 3 dwords of d and the dword of s that a lane uses are moved to the lane's
 * begin and end by an order of dwords, so that one immediate does for all. op->imm: the order,
 * a byte each --- */

#define DWORD_ORDER_X simde_mm_cvtepu8_epi32(RF_IMM_BYTES)
#if RF_AVX_NATIVE
#define MOVE_X(v) simde_mm_castps_si128(_mm_permutevar_ps(RF_PS(v), order))
#define MOVE_Y(v) _mm256_castps_si256(_mm256_permutevar_ps(Y_PS(v), order))
RF_AVX_Y(VMPSADBW, const rf_m256 order = _mm256_cvtepu8_epi32(RF_IMM_BYTES);
         d = _mm256_mpsadbw_epu8(MOVE_Y(d), MOVE_Y(s), 033))
RF_AVX_X(VMPSADBW, 16, const rf_m128 order = DWORD_ORDER_X;
         d = _mm_mpsadbw_epu8(MOVE_X(d), MOVE_X(s), 3))
#else
RF_INLINE rf_m128 sum_differences(rf_m128 d, rf_m128 s, rf_m128 order)
{
    /* dword n is bytes 4n to 4n+3 */
    order = simde_mm_add_epi32(simde_mm_mullo_epi32(order, simde_mm_set1_epi32(0x04040404)),
                               simde_mm_set1_epi32(0x03020100));
    return simde_mm_mpsadbw_epu8(simde_mm_shuffle_epi8(d, order), simde_mm_shuffle_epi8(s, order),
                                 3);
}
#define DWORD_ORDER_HIGH simde_mm_cvtepu8_epi32(rf_m128_low(op->imm >> 32))
RF_AVX_X(VMPSADBW, 16, d = sum_differences(d, s, DWORD_ORDER_X))
RF_AVX_Y(VMPSADBW,
         d = RF_LANES(sum_differences(RF_HIGH_LANE(d), RF_HIGH_LANE(s), DWORD_ORDER_HIGH),
                      sum_differences(RF_LOW_LANE(d), RF_LOW_LANE(s), DWORD_ORDER_X)))
#endif

/* Of one lane: imm bits 1:0 choose the dword of s, bit 2 the first byte of d, 0 or 4. */
static uint64_t mpsadbw_order(uint64_t imm)
{
    return ((imm & 3) << 24) + (imm & 4 ? 0x030201 : 0x020100);
}

static bool lower_VMPSADBW(struct rf_lower *l)
{
    static const struct rf_avx_form form = { RF_AVX_BOTH_SIZES(VMPSADBW) };
    if (!rf_avx_lower(l, &form))
        return false;
    uint64_t imm = l->out[-1].imm;
    l->out[-1].imm = mpsadbw_order(imm) | mpsadbw_order(imm >> 3) << 32;
    return true;
}

#define ENTRY(name, ignored) RF_AVX_ENTRY(V##name)
#define SHIFT_ENTRY(name, shift, bits) RF_AVX_ENTRY(V##name)

static const struct rf_lower_entry entries[] = {
    RF_INT_LANES(ENTRY)
    RF_INT_HORIZONTAL(ENTRY)
    RF_INT_NO_MMX(ENTRY)
    RF_INT_UNARY(ENTRY)
    RF_INT_LOGIC(ENTRY)
    RF_INT_SHIFTS(ENTRY)
    VARIABLE_SHIFTS(SHIFT_ENTRY)
    RF_AVX_ENTRY(VPHMINPOSUW)
    RF_AVX_ENTRY(VPTEST)
    RF_AVX_ENTRY(VTESTPS)
    RF_AVX_ENTRY(VTESTPD)
    RF_AVX_ENTRY(VMPSADBW)
};

const struct rf_lower_table RF_AVX_TABLE(int) = RF_LOWER_TABLE(entries);

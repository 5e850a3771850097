/* AVX moves: whole registers, scalars, halves, to and from general registers, masks, the
 * non-temporal forms (which store like the others here), VZEROUPPER and VZEROALL. */
#include "cpu/ops/avx_lanes.h"

/* --- whole registers --- */

static RF_OP(copy_x)
{
    rf_xmm_set_zero(cpu, op->a, rf_xmm(cpu, op->c));
    RF_NEXT;
}

static RF_OP(copy_y)
{
    rf_ymm_set(cpu, op->a, rf_ymm(cpu, op->c));
    RF_NEXT;
}

/* The aligned moves demand it of 32 bytes too: #GP(0) before any access (SDM 1, 14.9). */
#define CHECK_ALIGNED(va, size)              \
    do {                                     \
        if (RF_UNLIKELY((va) & ((size) - 1))) \
            return rf_op_gp0(cpu, op);       \
    } while (0)
#define CHECK_NOTHING(va, size) (void)0

#define WHOLE_MOVES(kind, CHECK)                                \
    RF_MEM_HANDLER(load_x_##kind)                               \
    {                                                           \
        const uint64_t va = rf_ea(cpu, op);                     \
        CHECK(va, 16);                                          \
        RF_LOAD(rf_m128, s, va);                                \
        rf_xmm_set_zero(cpu, op->a, s);                         \
        RF_MEM_NEXT;                                            \
    }                                                           \
    RF_MEM_HANDLER(load_y_##kind)                               \
    {                                                           \
        const uint64_t va = rf_ea(cpu, op);                     \
        CHECK(va, 32);                                          \
        RF_LOAD(rf_m256, s, va);                                \
        rf_ymm_set(cpu, op->a, s);                              \
        RF_MEM_NEXT;                                            \
    }                                                           \
    RF_MEM_HANDLER(store_x_##kind)                              \
    {                                                           \
        const uint64_t va = rf_ea(cpu, op);                     \
        CHECK(va, 16);                                          \
        RF_STORE(rf_m128, va, rf_xmm(cpu, op->a));              \
        RF_MEM_NEXT;                                            \
    }                                                           \
    RF_MEM_HANDLER(store_y_##kind)                              \
    {                                                           \
        const uint64_t va = rf_ea(cpu, op);                     \
        CHECK(va, 32);                                          \
        RF_STORE(rf_m256, va, rf_ymm(cpu, op->a));              \
        RF_MEM_NEXT;                                            \
    }
WHOLE_MOVES(aligned, CHECK_ALIGNED)
WHOLE_MOVES(unaligned, CHECK_NOTHING)

/* --- scalars and halves --- */

RF_MEM_HANDLER(load_4)
{
    RF_AVX_LOAD_4(s);
    rf_xmm_set_zero(cpu, op->a, s);
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(load_8)
{
    RF_AVX_LOAD_8(s);
    rf_xmm_set_zero(cpu, op->a, s);
    RF_MEM_NEXT;
}

#define STORE(name, type, member)                        \
    RF_MEM_HANDLER(name)                                 \
    {                                                    \
        RF_STORE(type, rf_ea(cpu, op), RF_V(op->a).member); \
        RF_MEM_NEXT;                                     \
    }
STORE(store_4, uint32_t, u32[0])
STORE(store_low, uint64_t, u64[0])
STORE(store_high, uint64_t, u64[1])

RF_AVX_X(merge_4, 4, d = RF_FROM_PS(simde_mm_move_ss(RF_PS(d), RF_PS(s))))
RF_AVX_X(merge_8, 8, d = RF_FROM_PD(simde_mm_move_sd(RF_PD(d), RF_PD(s))))
RF_AVX_X(low_with_low, 8, d = simde_mm_unpacklo_epi64(d, s))
RF_AVX_X(low_from_high, 8, d = simde_mm_unpackhi_epi64(s, d))
RF_AVX_X(duplicate_low, 8, d = simde_mm_unpacklo_epi64(s, s))
RF_AVX_Y(duplicate_low, d = RF_Y2(unpacklo_epi64, s, s))

static RF_OP(copy_low)
{
    rf_xmm_set_zero(cpu, op->a, rf_m128_low(RF_V(op->c).u64[0]));
    RF_NEXT;
}

#define simde_mm_odd_dwords(v) simde_mm_shuffle_epi32(v, 0xf5)
#define simde_mm_even_dwords(v) simde_mm_shuffle_epi32(v, 0xa0)
#define simde_mm256_odd_dwords(v) simde_mm256_shuffle_epi32(v, 0xf5)
#define simde_mm256_even_dwords(v) simde_mm256_shuffle_epi32(v, 0xa0)
RF_AVX_X(VMOVSHDUP, 16, d = simde_mm_odd_dwords(s))
RF_AVX_Y(VMOVSHDUP, d = RF_Y1(odd_dwords, s))
RF_AVX_X(VMOVSLDUP, 16, d = simde_mm_even_dwords(s))
RF_AVX_Y(VMOVSLDUP, d = RF_Y1(even_dwords, s))

/* --- general registers --- */

static RF_OP(from_r32)
{
    rf_xmm_set_zero(cpu, op->a, rf_m128_low(RF_R32(op->c)));
    RF_NEXT;
}

static RF_OP(from_r64)
{
    rf_xmm_set_zero(cpu, op->a, rf_m128_low(RF_R64(op->c)));
    RF_NEXT;
}

static RF_OP(to_r32)
{
    RF_R64(op->a) = RF_V(op->c).u32[0];
    RF_NEXT;
}

static RF_OP(to_r64)
{
    RF_R64(op->a) = RF_V(op->c).u64[0];
    RF_NEXT;
}

#if RF_AVX_NATIVE
#define Y_SIGNS_PS(s) (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(s))
#define Y_SIGNS_PD(s) (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(s))
#define Y_SIGNS_8(s) (unsigned)_mm256_movemask_epi8(s)
#else
#define Y_SIGNS(of_lane, lanes) of_lane(RF_LOW_LANE(s)) | of_lane(RF_HIGH_LANE(s)) << (lanes)
#define Y_SIGNS_PS(s) Y_SIGNS(X_SIGNS_PS, 4)
#define Y_SIGNS_PD(s) Y_SIGNS(X_SIGNS_PD, 2)
#define Y_SIGNS_8(s) Y_SIGNS(X_SIGNS_8, 16)
#endif
#define X_SIGNS_PS(s) (unsigned)simde_mm_movemask_ps(RF_PS(s))
#define X_SIGNS_PD(s) (unsigned)simde_mm_movemask_pd(RF_PD(s))
#define X_SIGNS_8(s) (unsigned)simde_mm_movemask_epi8(s)

#define DEFINE_SIGNS(name, suffix)             \
    static RF_OP(name##_x)                     \
    {                                          \
        rf_m128 s = rf_xmm(cpu, op->c);        \
        RF_R64(op->a) = X_SIGNS_##suffix(s);   \
        RF_NEXT;                               \
    }                                          \
    static RF_OP(name##_y)                     \
    {                                          \
        rf_m256 s = rf_ymm(cpu, op->c);        \
        RF_R64(op->a) = Y_SIGNS_##suffix(s);   \
        RF_NEXT;                               \
    }                                          \
    RF_AVX_LOWER(name, .reg = { name##_x, name##_y })
DEFINE_SIGNS(VMOVMSKPS, PS)
DEFINE_SIGNS(VMOVMSKPD, PD)
DEFINE_SIGNS(VPMOVMSKB, 8)

/* --- VZEROUPPER, VZEROALL: of as many registers as the mode has --- */

#define ALL_8(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define ALL_16(X) ALL_8(X) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define ZERO_UPPER(n) \
    simde_mm_store_si128((rf_m128 *)&cpu->fpu.v[n].u64[2], simde_mm_setzero_si128());
#define ZERO_ALL(n) simde_mm256_store_si256((rf_m256 *)&cpu->fpu.v[n], simde_mm256_setzero_si256());

#define DEFINE_ZERO(name, all, zero) \
    static RF_OP(name)               \
    {                                \
        all(zero)                    \
        RF_NEXT;                     \
    }
DEFINE_ZERO(zero_upper_8, ALL_8, ZERO_UPPER)
DEFINE_ZERO(zero_upper_16, ALL_16, ZERO_UPPER)
DEFINE_ZERO(zero_all_8, ALL_8, ZERO_ALL)
DEFINE_ZERO(zero_all_16, ALL_16, ZERO_ALL)

static bool lower_VZEROUPPER(struct rf_lower *l)
{
    rf_emit(l, l->code_bits == 64 ? zero_upper_16 : zero_upper_8);
    return true;
}

static bool lower_VZEROALL(struct rf_lower *l)
{
    rf_emit(l, l->code_bits == 64 ? zero_all_16 : zero_all_8);
    return true;
}

/* --- lowering --- */

/* "memory, register": op->a is the register. The handler is chosen by VEX.L. */
static bool lower_store(struct rf_lower *l, rf_run *const store[2])
{
    struct rf_address address = rf_address(l, &l->operand[0]);
    struct rf_op *op = rf_emit(l, store[l->ins.raw.vex.L]);
    op->a = rf_operand_number(&l->operand[1]);
    rf_set_address(op, &address);
    return true;
}

/* A move in either direction. */
static bool lower_move(struct rf_lower *l, const struct rf_avx_form *load, rf_run *const store[2])
{
    if (rf_is_mem(&l->operand[0]))
        return lower_store(l, store);
    return rf_avx_lower(l, load);
}

static bool lower_aligned(struct rf_lower *l)
{
    static const struct rf_avx_form load = { .reg = { copy_x, copy_y },
                                             .mem = { load_x_aligned, load_y_aligned } };
    static rf_run *const store[2] = { store_x_aligned, store_y_aligned };
    return lower_move(l, &load, store);
}

static bool lower_unaligned(struct rf_lower *l)
{
    static const struct rf_avx_form load = { .reg = { copy_x, copy_y },
                                             .mem = { load_x_unaligned, load_y_unaligned } };
    static rf_run *const store[2] = { store_x_unaligned, store_y_unaligned };
    return lower_move(l, &load, store);
}

/* VEX.L is ignored by VMOVSS and VMOVSD; the others must have it clear. */
static bool lower_VMOVSS(struct rf_lower *l)
{
    static const struct rf_avx_form load = { .reg = { merge_4_x_reg, merge_4_x_reg },
                                             .mem = { load_4, load_4 } };
    static rf_run *const store[2] = { store_4, store_4 };
    return lower_move(l, &load, store);
}

static bool lower_VMOVSD(struct rf_lower *l)
{
    static const struct rf_avx_form load = { .reg = { merge_8_x_reg, merge_8_x_reg },
                                             .mem = { load_8, load_8 } };
    static rf_run *const store[2] = { store_low, store_low };
    return lower_move(l, &load, store);
}

static bool lower_low(struct rf_lower *l)
{
    static const struct rf_avx_form load = { .mem = { merge_8_x_mem } };
    static rf_run *const store[2] = { store_low };
    return lower_move(l, &load, store);
}

static bool lower_high(struct rf_lower *l)
{
    static const struct rf_avx_form load = { .mem = { low_with_low_x_mem } };
    static rf_run *const store[2] = { store_high };
    return lower_move(l, &load, store);
}

RF_AVX_LOWER(VMOVHLPS, .reg = { low_from_high_x_reg })
RF_AVX_LOWER(VMOVLHPS, .reg = { low_with_low_x_reg })
RF_AVX_LOWER(VMOVDDUP, RF_AVX_BOTH_SIZES(duplicate_low))
RF_AVX_LOWER(VMOVSHDUP, RF_AVX_BOTH_SIZES(VMOVSHDUP))
RF_AVX_LOWER(VMOVSLDUP, RF_AVX_BOTH_SIZES(VMOVSLDUP))

static bool lower_VMOVD(struct rf_lower *l)
{
    static const struct rf_avx_form to = { .reg = { to_r32 } };
    static const struct rf_avx_form from = { .reg = { from_r32 }, .mem = { load_4 } };
    static rf_run *const store[2] = { store_4 };
    return lower_move(l, rf_is_gpr(&l->operand[0]) ? &to : &from, store);
}

static bool lower_VMOVQ(struct rf_lower *l)
{
    static const struct rf_avx_form to = { .reg = { to_r64 } };
    static const struct rf_avx_form from = { .reg = { from_r64 } };
    static const struct rf_avx_form vector = { .reg = { copy_low }, .mem = { load_8 } };
    static rf_run *const store[2] = { store_low };
    return lower_move(l, rf_is_gpr(&l->operand[0])   ? &to
                         : rf_is_gpr(&l->operand[1]) ? &from
                                                     : &vector, store);
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_VMOVAPS, lower_aligned },
    { ZYDIS_MNEMONIC_VMOVAPD, lower_aligned },
    { ZYDIS_MNEMONIC_VMOVDQA, lower_aligned },
    { ZYDIS_MNEMONIC_VMOVNTPS, lower_aligned },
    { ZYDIS_MNEMONIC_VMOVNTPD, lower_aligned },
    { ZYDIS_MNEMONIC_VMOVNTDQ, lower_aligned },
    { ZYDIS_MNEMONIC_VMOVNTDQA, lower_aligned },
    { ZYDIS_MNEMONIC_VMOVUPS, lower_unaligned },
    { ZYDIS_MNEMONIC_VMOVUPD, lower_unaligned },
    { ZYDIS_MNEMONIC_VMOVDQU, lower_unaligned },
    { ZYDIS_MNEMONIC_VLDDQU, lower_unaligned },
    { ZYDIS_MNEMONIC_VMOVLPS, lower_low },
    { ZYDIS_MNEMONIC_VMOVLPD, lower_low },
    { ZYDIS_MNEMONIC_VMOVHPS, lower_high },
    { ZYDIS_MNEMONIC_VMOVHPD, lower_high },
    RF_AVX_ENTRY(VMOVSS)
    RF_AVX_ENTRY(VMOVSD)
    RF_AVX_ENTRY(VMOVHLPS)
    RF_AVX_ENTRY(VMOVLHPS)
    RF_AVX_ENTRY(VMOVDDUP)
    RF_AVX_ENTRY(VMOVSHDUP)
    RF_AVX_ENTRY(VMOVSLDUP)
    RF_AVX_ENTRY(VMOVD)
    RF_AVX_ENTRY(VMOVQ)
    RF_AVX_ENTRY(VMOVMSKPS)
    RF_AVX_ENTRY(VMOVMSKPD)
    RF_AVX_ENTRY(VPMOVMSKB)
    RF_AVX_ENTRY(VZEROUPPER)
    RF_AVX_ENTRY(VZEROALL)
};

const struct rf_lower_table RF_AVX_TABLE(move) = RF_LOWER_TABLE(entries);

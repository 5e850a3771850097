/* AVX and AVX2 shuffles, unpacks, packs, alignment, byte shifts, permutations, broadcasts,
 * widening moves, blends, and the insertion and extraction of lanes.
 *
 * An immediate that the host wants in the instruction becomes data here: a byte order for
 * PSHUFB, or eight bytes in op->imm that widen to masks or to numbers of dwords. */
#include "cpu/ops/avx_lanes.h"
#include "cpu/ops/sse_order.h"
#include "cpu/ops/vector_int_list.h"

#define DEFINE(name, x, y) \
    RF_AVX_X(name, 16, x)  \
    RF_AVX_Y(name, y)
#define DEFINE_BINARY(name, function)                                          \
    DEFINE(V##name, d = simde_mm_##function(d, s), d = RF_Y2(function, d, s))  \
    RF_AVX_LOWER(V##name, RF_AVX_BOTH_SIZES(V##name))
RF_SHUFFLE_MMX(DEFINE_BINARY)
RF_SHUFFLE_NO_MMX(DEFINE_BINARY)

/* --- widening: half of the register or less, or memory --- */

#if RF_AVX_NATIVE
#define WIDEN_Y(function, source_bytes) simde_mm256_##function(s)
#else
#define WIDEN_Y(function, source_bytes)                                             \
    RF_LANES(simde_mm_##function(simde_mm_srli_si128(s, (source_bytes) / 2)), \
             simde_mm_##function(s))
#endif
#define DEFINE_WIDEN(name, size, y_size, function)                         \
    RF_AVX_X(V##name, size, d = simde_mm_##function(s))                    \
    RF_AVX_YX(V##name, y_size, d = WIDEN_Y(function, y_size))              \
    RF_AVX_LOWER(V##name, RF_AVX_BOTH_SIZES(V##name))
RF_SHUFFLE_WIDEN(DEFINE_WIDEN)

/* --- broadcasts --- */

#if RF_AVX_NATIVE
#define BROADCAST_X(bits) _mm_broadcast##bits(s)
#define BROADCAST_Y(bits) _mm256_broadcast##bits(s)
#else
#define BROADCAST_X(bits) broadcast_##bits(s)
#define BROADCAST_Y(bits) RF_BOTH_LANES(broadcast_##bits(s))
RF_INLINE rf_m128 broadcast_b_epi8(rf_m128 s)
{
    return simde_mm_shuffle_epi8(s, simde_mm_setzero_si128());
}
RF_INLINE rf_m128 broadcast_w_epi16(rf_m128 s)
{
    return simde_mm_shuffle_epi8(s, simde_mm_set1_epi16(0x0100));
}
RF_INLINE rf_m128 broadcast_d_epi32(rf_m128 s)
{
    return simde_mm_shuffle_epi32(s, 0);
}
RF_INLINE rf_m128 broadcast_q_epi64(rf_m128 s)
{
    return simde_mm_unpacklo_epi64(s, s);
}
#endif

#define RF_AVX_LOAD_1(s)                        \
    RF_LOAD(uint8_t, s##_low, rf_ea(cpu, op));  \
    rf_m128 s = simde_mm_cvtsi32_si128(s##_low)

#define DEFINE_BROADCAST(name, size, function)              \
    RF_AVX_X(name, size, d = BROADCAST_X(function))         \
    RF_AVX_YX(name, size, d = BROADCAST_Y(function))        \
    RF_AVX_LOWER(name, RF_AVX_BOTH_SIZES(name))
DEFINE_BROADCAST(VPBROADCASTB, 1, b_epi8)
DEFINE_BROADCAST(VPBROADCASTW, 2, w_epi16)
DEFINE_BROADCAST(VPBROADCASTD, 4, d_epi32)
DEFINE_BROADCAST(VPBROADCASTQ, 8, q_epi64)

RF_AVX_YX(broadcast_128, 16, d = RF_BOTH_LANES(s))
RF_AVX_LOWER(VBROADCASTF128, .mem = { NULL, broadcast_128_y_mem })

/* --- orders by immediate: within lanes, the same in both --- */

#define BY_POINTER simde_mm_load_si128((const rf_m128 *)op->pointer)
#define SHUFFLE_X(v, order) simde_mm_shuffle_epi8(v, order)
#define SHUFFLE_Y(v, order) RF_Y2(shuffle_epi8, v, RF_BOTH_LANES(order))
#define LOW_WORDS simde_mm_set_epi64x(0x0f0e0d0c0b0a0908, op->simm)
#define HIGH_WORDS simde_mm_set_epi64x(op->simm, 0x0706050403020100)

/* VPSHUFD; and VPERMILPS with an immediate, which is the same. */
DEFINE(VPSHUFD, d = SHUFFLE_X(s, BY_POINTER), d = SHUFFLE_Y(s, BY_POINTER))
DEFINE(VPSHUFLW, d = SHUFFLE_X(s, LOW_WORDS), d = SHUFFLE_Y(s, LOW_WORDS))
DEFINE(VPSHUFHW, d = SHUFFLE_X(s, HIGH_WORDS), d = SHUFFLE_Y(s, HIGH_WORDS))

/* The low half of d, the high half of s. */
#define HALVES_X(d, s) RF_FROM_PD(simde_mm_shuffle_pd(RF_PD(d), RF_PD(s), 2))
#if RF_AVX_NATIVE
#define HALVES_Y(d, s) _mm256_blend_epi32(d, s, 0xcc)
#else
#define HALVES_Y(d, s) \
    RF_LANES(HALVES_X(RF_HIGH_LANE(d), RF_HIGH_LANE(s)), HALVES_X(RF_LOW_LANE(d), RF_LOW_LANE(s)))
#endif
DEFINE(VSHUFPS, d = HALVES_X(SHUFFLE_X(d, BY_POINTER), SHUFFLE_X(s, BY_POINTER)),
       d = HALVES_Y(SHUFFLE_Y(d, BY_POINTER), SHUFFLE_Y(s, BY_POINTER)))

#define FORM(name) static const struct rf_avx_form form = { RF_AVX_BOTH_SIZES(name) }

/* Lower, and give the instruction's immediate. */
static bool lower_with(struct rf_lower *l, const struct rf_avx_form *form, uint64_t *imm)
{
    if (!rf_avx_lower(l, form))
        return false;
    *imm = l->out[-1].imm;
    return true;
}

static bool lower_by_order(struct rf_lower *l, const struct rf_avx_form *form)
{
    uint64_t imm;
    if (!lower_with(l, form, &imm))
        return false;
    l->out[-1].pointer = rf_dword_order[imm];
    return true;
}

static bool lower_VPSHUFD(struct rf_lower *l)
{
    FORM(VPSHUFD);
    return lower_by_order(l, &form);
}

static bool lower_VSHUFPS(struct rf_lower *l)
{
    FORM(VSHUFPS);
    return lower_by_order(l, &form);
}

static bool lower_VPSHUFLW(struct rf_lower *l)
{
    FORM(VPSHUFLW);
    uint64_t imm;
    if (!lower_with(l, &form, &imm))
        return false;
    l->out[-1].imm = rf_word_order(imm, 0);
    return true;
}

static bool lower_VPSHUFHW(struct rf_lower *l)
{
    FORM(VPSHUFHW);
    uint64_t imm;
    if (!lower_with(l, &form, &imm))
        return false;
    l->out[-1].imm = rf_word_order(imm, 8);
    return true;
}

/* --- blends. By immediate: op->imm has 0xff for each lane of s, lanes of 16 bits if both or
 * the only 128 bits are treated alike, else of 32 bits --- */

#define WORD_MASK simde_mm_cvtepi8_epi16(RF_IMM_BYTES)
#if RF_AVX_NATIVE
#define DWORD_MASK _mm256_cvtepi8_epi32(RF_IMM_BYTES)
#else
#define DWORD_MASK                                                \
    RF_LANES(simde_mm_cvtepi8_epi32(rf_m128_low(op->imm >> 32)), \
             simde_mm_cvtepi8_epi32(RF_IMM_BYTES))
#endif
#define BLEND_Y(d, s, mask) RF_Y3(blendv_epi8, d, s, mask)

DEFINE(blend_words, d = simde_mm_blendv_epi8(d, s, WORD_MASK),
       d = BLEND_Y(d, s, RF_BOTH_LANES(WORD_MASK)))
RF_AVX_Y(blend_dwords, d = BLEND_Y(d, s, DWORD_MASK))

/* `count` lanes of `bytes` mask bytes each, the first by bit 0. */
static uint64_t lane_masks(uint64_t imm, unsigned count, unsigned bytes)
{
    uint64_t lane = UINT64_MAX >> (64 - 8 * bytes), masks = 0;
    for (unsigned i = 0; i < count; i++)
        if (imm >> i & 1)
            masks |= lane << 8 * bytes * i;
    return masks;
}

/* With `bits` of a lane, as masks of 16 bits for 128 bits and of 32 for 256. */
static bool lower_masked(struct rf_lower *l, const struct rf_avx_form *form, unsigned bits)
{
    uint64_t imm;
    if (!lower_with(l, form, &imm))
        return false;
    unsigned size = l->ins.raw.vex.L ? 256 : 128;
    l->out[-1].imm = lane_masks(imm, size / bits, bits / (size / 8));
    return true;
}

static bool lower_blend(struct rf_lower *l, unsigned bits)
{
    static const struct rf_avx_form form = { .reg = { blend_words_x_reg, blend_dwords_y_reg },
                                             .mem = { blend_words_x_mem, blend_dwords_y_mem } };
    return lower_masked(l, &form, bits);
}

static bool lower_blend_32(struct rf_lower *l) /* VPBLENDD, VBLENDPS */
{
    return lower_blend(l, 32);
}

static bool lower_VBLENDPD(struct rf_lower *l)
{
    return lower_blend(l, 64);
}

static bool lower_VPBLENDW(struct rf_lower *l)
{
    FORM(blend_words);
    uint64_t imm;
    if (!lower_with(l, &form, &imm))
        return false;
    l->out[-1].imm = lane_masks(imm, 8, 1);
    return true;
}

/* By sign bits, of 128 or 256 bits; as the very instruction, before which a compiler would make
 * the signs into a full mask. */
#if RF_AVX_NATIVE
#define BLENDV(text, d, s, mask)                                                              \
    __extension__({                                                                           \
        __typeof__(d) blended_;                                                               \
        __asm__(text " %3, %2, %1, %0" : "=x"(blended_) : "x"(d), "x"(s), "x"(mask));         \
        blended_;                                                                             \
    })
#define BLENDV_8_X(d, s, mask) BLENDV("vpblendvb", d, s, mask)
#define BLENDV_32_X(d, s, mask) BLENDV("vblendvps", d, s, mask)
#define BLENDV_64_X(d, s, mask) BLENDV("vblendvpd", d, s, mask)
#define BLENDV_8_Y BLENDV_8_X
#define BLENDV_32_Y BLENDV_32_X
#define BLENDV_64_Y BLENDV_64_X
#define Y_PS(v) _mm256_castsi256_ps(v)
#else
#define BLENDV_8_X(d, s, mask) simde_mm_blendv_epi8(d, s, mask)
#define BLENDV_32_X(d, s, mask) RF_FROM_PS(simde_mm_blendv_ps(RF_PS(d), RF_PS(s), RF_PS(mask)))
#define BLENDV_64_X(d, s, mask) RF_FROM_PD(simde_mm_blendv_pd(RF_PD(d), RF_PD(s), RF_PD(mask)))
#define simde_mm_blendv_dwords BLENDV_32_X
#define simde_mm_blendv_qwords BLENDV_64_X
#define BLENDV_8_Y(d, s, mask) RF_Y3(blendv_epi8, d, s, mask)
#define BLENDV_32_Y(d, s, mask) RF_Y3(blendv_dwords, d, s, mask)
#define BLENDV_64_Y(d, s, mask) RF_Y3(blendv_qwords, d, s, mask)
#endif

/* By a fourth register, op->imm. */
#define MASK_X rf_xmm(cpu, (unsigned)op->imm)
#define MASK_Y rf_ymm(cpu, (unsigned)op->imm)
DEFINE(VPBLENDVB, d = BLENDV_8_X(d, s, MASK_X), d = BLENDV_8_Y(d, s, MASK_Y))
DEFINE(VBLENDVPS, d = BLENDV_32_X(d, s, MASK_X), d = BLENDV_32_Y(d, s, MASK_Y))
DEFINE(VBLENDVPD, d = BLENDV_64_X(d, s, MASK_X), d = BLENDV_64_Y(d, s, MASK_Y))
RF_AVX_LOWER(VPBLENDVB, RF_AVX_BOTH_SIZES(VPBLENDVB))
RF_AVX_LOWER(VBLENDVPS, RF_AVX_BOTH_SIZES(VBLENDVPS))
RF_AVX_LOWER(VBLENDVPD, RF_AVX_BOTH_SIZES(VBLENDVPD))

/* --- choice of qwords within lanes, a bit each: low halves where the mask (of blends) is
 * clear, high ones where it is set --- */

#define QWORDS_X(d, s, mask)                                                                 \
    BLENDV_64_X(simde_mm_unpacklo_epi64(d, s), simde_mm_unpackhi_epi64(d, s), mask)
#define QWORDS_Y(d, s, mask)                                                       \
    BLENDV_64_Y(RF_Y2(unpacklo_epi64, d, s), RF_Y2(unpackhi_epi64, d, s), mask)

DEFINE(VSHUFPD, d = QWORDS_X(d, s, WORD_MASK), d = QWORDS_Y(d, s, DWORD_MASK))
DEFINE(permilpd_imm, d = QWORDS_X(s, s, WORD_MASK), d = QWORDS_Y(s, s, DWORD_MASK))
/* Bit 1 of each qword chooses. */
DEFINE(permilpd, d = QWORDS_X(d, d, simde_mm_slli_epi64(s, 62)),
       d = QWORDS_Y(d, d, RF_Y2_COUNT(sll_epi64, s, rf_m128_low(62))))

static bool lower_VSHUFPD(struct rf_lower *l)
{
    FORM(VSHUFPD);
    return lower_masked(l, &form, 64);
}

static bool lower_VPERMILPD(struct rf_lower *l)
{
    static const struct rf_avx_form by_imm = { RF_AVX_BOTH_SIZES(permilpd_imm) };
    FORM(permilpd);
    if (rf_is_imm(&l->operand[2]))
        return lower_masked(l, &by_imm, 64);
    return rf_avx_lower(l, &form);
}

/* --- choice of dwords: within lanes, or in the whole register --- */

#if RF_AVX_NATIVE
#define PERMUTE_X(v, numbers) _mm_castps_si128(_mm_permutevar_ps(RF_PS(v), numbers))
#define PERMUTE_Y(v, numbers) _mm256_castps_si256(_mm256_permutevar_ps(Y_PS(v), numbers))
#define PERMUTE_ALL(v, numbers) _mm256_permutevar8x32_epi32(v, numbers)
#define DWORD_NUMBERS _mm256_cvtepu8_epi32(RF_IMM_BYTES)
#else
/* Dword n is bytes 4n to 4n+3. */
RF_INLINE rf_m128 permute_lane(rf_m128 v, rf_m128 numbers)
{
    rf_m128 order = simde_mm_and_si128(numbers, simde_mm_set1_epi32(3));
    order = simde_mm_add_epi32(simde_mm_mullo_epi32(order, simde_mm_set1_epi32(0x04040404)),
                               simde_mm_set1_epi32(0x03020100));
    return simde_mm_shuffle_epi8(v, order);
}
#define simde_mm_permute_lane permute_lane
#define PERMUTE_X(v, numbers) permute_lane(v, numbers)
#define PERMUTE_Y(v, numbers) RF_Y2(permute_lane, v, numbers)
/* One lane of the result: bit 2 of a number says from which lane. */
RF_INLINE rf_m128 permute_to_lane(rf_m256 v, rf_m128 numbers)
{
    return BLENDV_32_X(permute_lane(RF_LOW_LANE(v), numbers),
                       permute_lane(RF_HIGH_LANE(v), numbers), simde_mm_slli_epi32(numbers, 29));
}
#define PERMUTE_ALL(v, numbers)                        \
    RF_LANES(permute_to_lane(v, RF_HIGH_LANE(numbers)), \
             permute_to_lane(v, RF_LOW_LANE(numbers)))
#define DWORD_NUMBERS                                             \
    RF_LANES(simde_mm_cvtepu8_epi32(rf_m128_low(op->imm >> 32)), \
             simde_mm_cvtepu8_epi32(RF_IMM_BYTES))
#endif

DEFINE(permilps, d = PERMUTE_X(d, s), d = PERMUTE_Y(d, s))
RF_AVX_Y(permute_dwords, d = PERMUTE_ALL(s, d))
RF_AVX_Y(permute_qwords, d = PERMUTE_ALL(s, DWORD_NUMBERS))

static bool lower_VPERMILPS(struct rf_lower *l)
{
    FORM(permilps);
    if (rf_is_imm(&l->operand[2]))
        return lower_VPSHUFD(l);
    return rf_avx_lower(l, &form);
}

RF_AVX_LOWER(VPERMD, .reg = { NULL, permute_dwords_y_reg }, .mem = { NULL, permute_dwords_y_mem })

static bool lower_VPERMQ(struct rf_lower *l) /* and VPERMPD */
{
    static const struct rf_avx_form form = { .reg = { NULL, permute_qwords_y_reg },
                                             .mem = { NULL, permute_qwords_y_mem } };
    uint64_t imm, numbers = 0;
    if (!lower_with(l, &form, &imm))
        return false;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t first = (imm >> 2 * i & 3) * 2;
        numbers |= (first | (first + 1) << 8) << 16 * i;
    }
    l->out[-1].imm = numbers;
    return true;
}

/* --- VPERM2F128 and VPERM2I128: each half of the result is a half of d (0, 1) or s (2, 3), or
 * zero (8); a handler for each choice --- */

#if RF_AVX_NATIVE
#define TWO_LANES(low, high) _mm256_permute2x128_si256(d, s, (low) | (high) << 4)
#else
#define ONE_LANE(n)                          \
    ((n) == 8   ? simde_mm_setzero_si128()   \
     : (n) == 0 ? RF_LOW_LANE(d)             \
     : (n) == 1 ? RF_HIGH_LANE(d)            \
     : (n) == 2 ? RF_LOW_LANE(s)             \
                : RF_HIGH_LANE(s))
#define TWO_LANES(low, high) RF_LANES(ONE_LANE(high), ONE_LANE(low))
#endif
#define PERM2_1(high, low) RF_AVX_Y(perm2_##high##_##low, d = TWO_LANES(low, high))
#define PERM2_FORM(high, low)                             \
    [(high) * 16 + (low)] = { .reg = { NULL, perm2_##high##_##low##_y_reg }, \
                              .mem = { NULL, perm2_##high##_##low##_y_mem } },
#define PERM2_5(X, high) X(high, 0) X(high, 1) X(high, 2) X(high, 3) X(high, 8)
#define PERM2_25(X) PERM2_5(X, 0) PERM2_5(X, 1) PERM2_5(X, 2) PERM2_5(X, 3) PERM2_5(X, 8)
PERM2_25(PERM2_1)

static bool lower_VPERM2F128(struct rf_lower *l)
{
    static const struct rf_avx_form forms[0x89] = { PERM2_25(PERM2_FORM) };
    uint64_t imm = l->operand[3].imm.value.u;
    unsigned low = imm & 8 ? 8 : imm & 3, high = imm & 0x80 ? 8 : imm >> 4 & 3;
    return rf_avx_lower(l, &forms[high * 16 + low]);
}

/* --- byte shifts and alignment --- */

static RF_OP(shift_bytes_x)
{
    rf_xmm_set_zero(cpu, op->a, SHUFFLE_X(rf_xmm(cpu, op->c), rf_shift_order(op->simm)));
    RF_NEXT;
}

static RF_OP(shift_bytes_y)
{
    rf_m256 d = rf_ymm(cpu, op->c);
    rf_ymm_set(cpu, op->a, SHUFFLE_Y(d, rf_shift_order(op->simm)));
    RF_NEXT;
}

static bool lower_shift_bytes(struct rf_lower *l, bool left)
{
    static const struct rf_avx_form form = { .reg = { shift_bytes_x, shift_bytes_y } };
    uint64_t imm;
    if (!lower_with(l, &form, &imm))
        return false;
    int64_t count = imm > 16 ? 16 : (int64_t)imm;
    l->out[-1].simm = left ? -count : count;
    return true;
}

static bool lower_VPSLLDQ(struct rf_lower *l)
{
    return lower_shift_bytes(l, true);
}

static bool lower_VPSRLDQ(struct rf_lower *l)
{
    return lower_shift_bytes(l, false);
}

DEFINE(VPALIGNR,
       d = simde_mm_or_si128(SHUFFLE_X(d, rf_shift_order(op->simm - 16)),
                             SHUFFLE_X(s, rf_shift_order(op->simm))),
       d = simde_mm256_or_si256(SHUFFLE_Y(d, rf_shift_order(op->simm - 16)),
                                SHUFFLE_Y(s, rf_shift_order(op->simm))))

static bool lower_VPALIGNR(struct rf_lower *l)
{
    FORM(VPALIGNR);
    uint64_t imm;
    if (!lower_with(l, &form, &imm))
        return false;
    if (imm > 32)
        l->out[-1].imm = 32;
    return true;
}

/* --- insertion and extraction of 128 bits --- */

RF_AVX_YX(insert_low, 16, d = RF_LANES(RF_HIGH_LANE(d), s))
RF_AVX_YX(insert_high, 16, d = RF_LANES(s, RF_LOW_LANE(d)))

static bool lower_VINSERTF128(struct rf_lower *l)
{
    static const struct rf_avx_form forms[2] = {
        { .reg = { NULL, insert_low_y_reg }, .mem = { NULL, insert_low_y_mem } },
        { .reg = { NULL, insert_high_y_reg }, .mem = { NULL, insert_high_y_mem } }
    };
    return rf_avx_lower(l, &forms[l->operand[3].imm.value.u & 1]);
}

#define LANE_OF(slot) simde_mm_load_si128((const rf_m128 *)&RF_V(slot).u64[2 * op->imm])

static RF_OP(extract_128_reg)
{
    rf_xmm_set_zero(cpu, op->a, LANE_OF(op->b));
    RF_NEXT;
}

RF_MEM_HANDLER(extract_128_mem)
{
    RF_STORE(rf_m128, rf_ea(cpu, op), LANE_OF(op->b));
    RF_MEM_NEXT;
}

static bool lower_VEXTRACTF128(struct rf_lower *l)
{
    bool memory = rf_is_mem(&l->operand[0]);
    struct rf_address address = { 0 };
    if (memory)
        address = rf_address(l, &l->operand[0]);
    struct rf_op *op = rf_emit(l, memory ? extract_128_mem : extract_128_reg);
    if (memory)
        rf_set_address(op, &address);
    else
        op->a = rf_operand_number(&l->operand[0]);
    op->b = rf_operand_number(&l->operand[1]);
    op->imm = l->operand[2].imm.value.u & 1;
    return true;
}

/* --- insertion of one lane, op->c: a general register, op->imm: its number. (Extraction is
 * as in SSE: it writes no vector register.) --- */

#define BYTE_NUMBERS simde_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define WORD_NUMBERS simde_mm_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7)
#define DWORD_NUMBERS_X simde_mm_setr_epi32(0, 1, 2, 3)
#define QWORD_NUMBERS simde_mm_setr_epi32(0, 0, 1, 1)

#define DEFINE_INSERT(name, bits, set1, numbers, set1_number, equal, lanes)                  \
    RF_INLINE rf_m128 name##_value(rf_m128 d, uint##bits##_t value, uint64_t lane)           \
    {                                                                                        \
        rf_m128 mask = equal(numbers, set1_number((char)lane));                              \
        return simde_mm_blendv_epi8(d, set1((int##bits##_t)value), mask);                    \
    }                                                                                        \
    static RF_OP(name##_reg)                                                                 \
    {                                                                                        \
        rf_m128 d = rf_xmm(cpu, op->b);                                                      \
        d = name##_value(d, RF_AT(uint##bits##_t, op->c), op->imm);                          \
        rf_xmm_set_zero(cpu, op->a, d);                                                      \
        RF_NEXT;                                                                             \
    }                                                                                        \
    RF_MEM_HANDLER(name##_mem)                                                               \
    {                                                                                        \
        RF_LOAD(uint##bits##_t, value, rf_ea(cpu, op));                                      \
        rf_m128 d = rf_xmm(cpu, op->b);                                                      \
        rf_xmm_set_zero(cpu, op->a, name##_value(d, value, op->imm));                        \
        RF_MEM_NEXT;                                                                         \
    }                                                                                        \
    static bool lower_##name(struct rf_lower *l)                                             \
    {                                                                                        \
        static const struct rf_avx_form form = { .reg = { name##_reg },                      \
                                                 .mem = { name##_mem } };                    \
        uint64_t imm;                                                                        \
        if (!lower_with(l, &form, &imm))                                                     \
            return false;                                                                    \
        l->out[-1].imm = imm & ((lanes) - 1);                                                \
        return true;                                                                         \
    }
DEFINE_INSERT(VPINSRB, 8, simde_mm_set1_epi8, BYTE_NUMBERS, simde_mm_set1_epi8,
              simde_mm_cmpeq_epi8, 16)
DEFINE_INSERT(VPINSRW, 16, simde_mm_set1_epi16, WORD_NUMBERS, simde_mm_set1_epi16,
              simde_mm_cmpeq_epi16, 8)
DEFINE_INSERT(VPINSRD, 32, simde_mm_set1_epi32, DWORD_NUMBERS_X, simde_mm_set1_epi32,
              simde_mm_cmpeq_epi32, 4)
DEFINE_INSERT(VPINSRQ, 64, simde_mm_set1_epi64x, QWORD_NUMBERS, simde_mm_set1_epi32,
              simde_mm_cmpeq_epi32, 2)

/* VINSERTPS: imm bits 7:6 source lane (of a register), 5:4 destination lane, 3:0 lanes to
 * clear. */
RF_INLINE rf_m128 insert_single(rf_m128 d, uint32_t value, uint64_t imm)
{
    d = VPINSRD_value(d, value, imm >> 4 & 3);
    return simde_mm_andnot_si128(rf_lanes_32(imm & 15), d);
}

static RF_OP(VINSERTPS_reg)
{
    uint32_t value = RF_V(op->c).u32[op->imm >> 6 & 3];
    rf_xmm_set_zero(cpu, op->a, insert_single(rf_xmm(cpu, op->b), value, op->imm));
    RF_NEXT;
}

RF_MEM_HANDLER(VINSERTPS_mem)
{
    RF_LOAD(uint32_t, value, rf_ea(cpu, op));
    rf_xmm_set_zero(cpu, op->a, insert_single(rf_xmm(cpu, op->b), value, op->imm));
    RF_MEM_NEXT;
}
RF_AVX_LOWER(VINSERTPS, .reg = { VINSERTPS_reg }, .mem = { VINSERTPS_mem })

#define ENTRY(name, ignored) RF_AVX_ENTRY(V##name)
#define WIDEN_ENTRY(name, size, y_size, function) RF_AVX_ENTRY(V##name)

static const struct rf_lower_entry entries[] = {
    RF_SHUFFLE_MMX(ENTRY)
    RF_SHUFFLE_NO_MMX(ENTRY)
    RF_SHUFFLE_WIDEN(WIDEN_ENTRY)
    RF_AVX_ENTRY(VPBROADCASTB)
    RF_AVX_ENTRY(VPBROADCASTW)
    RF_AVX_ENTRY(VPBROADCASTD)
    RF_AVX_ENTRY(VPBROADCASTQ)
    { ZYDIS_MNEMONIC_VBROADCASTSS, lower_VPBROADCASTD },
    { ZYDIS_MNEMONIC_VBROADCASTSD, lower_VPBROADCASTQ },
    RF_AVX_ENTRY(VBROADCASTF128)
    { ZYDIS_MNEMONIC_VBROADCASTI128, lower_VBROADCASTF128 },
    RF_AVX_ENTRY(VPSHUFD)
    RF_AVX_ENTRY(VPSHUFLW)
    RF_AVX_ENTRY(VPSHUFHW)
    RF_AVX_ENTRY(VSHUFPS)
    RF_AVX_ENTRY(VSHUFPD)
    { ZYDIS_MNEMONIC_VBLENDPS, lower_blend_32 },
    { ZYDIS_MNEMONIC_VPBLENDD, lower_blend_32 },
    RF_AVX_ENTRY(VBLENDPD)
    RF_AVX_ENTRY(VPBLENDW)
    RF_AVX_ENTRY(VPBLENDVB)
    RF_AVX_ENTRY(VBLENDVPS)
    RF_AVX_ENTRY(VBLENDVPD)
    RF_AVX_ENTRY(VPERMILPS)
    RF_AVX_ENTRY(VPERMILPD)
    RF_AVX_ENTRY(VPERMD)
    { ZYDIS_MNEMONIC_VPERMPS, lower_VPERMD },
    RF_AVX_ENTRY(VPERMQ)
    { ZYDIS_MNEMONIC_VPERMPD, lower_VPERMQ },
    RF_AVX_ENTRY(VPERM2F128)
    { ZYDIS_MNEMONIC_VPERM2I128, lower_VPERM2F128 },
    RF_AVX_ENTRY(VPSLLDQ)
    RF_AVX_ENTRY(VPSRLDQ)
    RF_AVX_ENTRY(VPALIGNR)
    RF_AVX_ENTRY(VINSERTF128)
    { ZYDIS_MNEMONIC_VINSERTI128, lower_VINSERTF128 },
    RF_AVX_ENTRY(VEXTRACTF128)
    { ZYDIS_MNEMONIC_VEXTRACTI128, lower_VEXTRACTF128 },
    RF_AVX_ENTRY(VPINSRB)
    RF_AVX_ENTRY(VPINSRW)
    RF_AVX_ENTRY(VPINSRD)
    RF_AVX_ENTRY(VPINSRQ)
    RF_AVX_ENTRY(VINSERTPS)
};

const struct rf_lower_table RF_AVX_TABLE(shuffle) = RF_LOWER_TABLE(entries);

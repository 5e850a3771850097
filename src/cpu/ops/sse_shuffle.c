/* Shuffles, unpacks, packs, alignment, byte shifts, insertion and extraction of lanes,
 * widening moves and blends, with the MMX forms of those that have one.
 *
 * An immediate that the host wants in the instruction becomes data here: a byte order for
 * PSHUFB, or a lane mask. */
#include "cpu/ops/sse.h"
#include "cpu/ops/sse_order.h"
#include "cpu/ops/vector_int_list.h"

/* --- orders by immediate --- */

#define BY_POINTER simde_mm_load_si128((const rf_m128 *)op->pointer)
RF_SSE_XM(PSHUFD, 16, d = simde_mm_shuffle_epi8(s, BY_POINTER))
RF_SSE_XM(PSHUFLW, 16, d = simde_mm_shuffle_epi8(s, simde_mm_set_epi64x(0x0f0e0d0c0b0a0908,
                                                                         op->simm)))
RF_SSE_XM(PSHUFHW, 16, d = simde_mm_shuffle_epi8(s, simde_mm_set_epi64x(op->simm,
                                                                         0x0706050403020100)))
RF_SSE_XM(SHUFPS, 16, d = simde_mm_shuffle_epi8(d, BY_POINTER);
          s = simde_mm_shuffle_epi8(s, BY_POINTER);
          d = RF_FROM_PD(simde_mm_shuffle_pd(RF_PD(d), RF_PD(s), 2)))
RF_MMX_MM(PSHUFW, 8, d = simde_mm_shuffle_epi8(s, rf_m128_low(op->imm)))

#define SHUFPD(n)       \
    RF_SSE_XM(shufpd_##n, 16, d = RF_FROM_PD(simde_mm_shuffle_pd(RF_PD(d), RF_PD(s), n)))
SHUFPD(0) SHUFPD(1) SHUFPD(2) SHUFPD(3)

static const struct rf_sse_form pshufd_form = { .reg = PSHUFD_reg, .mem = PSHUFD_mem };
static const struct rf_sse_form shufps_form = { .reg = SHUFPS_reg, .mem = SHUFPS_mem };
static const struct rf_sse_form pshuflw_form = { .reg = PSHUFLW_reg, .mem = PSHUFLW_mem };
static const struct rf_sse_form pshufhw_form = { .reg = PSHUFHW_reg, .mem = PSHUFHW_mem };
static const struct rf_sse_form pshufw_form = { .mmx_reg = PSHUFW_reg, .mmx_mem = PSHUFW_mem };

static uint64_t immediate(const struct rf_lower *l)
{
    return l->operand[2].imm.value.u & 0xff;
}

/* Lower, with op->imm replaced. */
static bool lower_with(struct rf_lower *l, const struct rf_sse_form *form, uint64_t imm)
{
    if (!rf_sse_lower(l, form))
        return false;
    l->out[-1].imm = imm;
    return true;
}

static bool lower_by_order(struct rf_lower *l, const struct rf_sse_form *form)
{
    if (!rf_sse_lower(l, form))
        return false;
    l->out[-1].pointer = rf_dword_order[immediate(l)];
    return true;
}

static bool lower_PSHUFD(struct rf_lower *l)
{
    return lower_by_order(l, &pshufd_form);
}

static bool lower_SHUFPS(struct rf_lower *l)
{
    return lower_by_order(l, &shufps_form);
}

static bool lower_PSHUFLW(struct rf_lower *l)
{
    return lower_with(l, &pshuflw_form, rf_word_order(immediate(l), 0));
}

static bool lower_PSHUFHW(struct rf_lower *l)
{
    return lower_with(l, &pshufhw_form, rf_word_order(immediate(l), 8));
}

static bool lower_PSHUFW(struct rf_lower *l)
{
    return lower_with(l, &pshufw_form, rf_word_order(immediate(l), 0));
}

static bool lower_SHUFPD(struct rf_lower *l)
{
    static const struct rf_sse_form forms[4] = {
        { .reg = shufpd_0_reg, .mem = shufpd_0_mem }, { .reg = shufpd_1_reg, .mem = shufpd_1_mem },
        { .reg = shufpd_2_reg, .mem = shufpd_2_mem }, { .reg = shufpd_3_reg, .mem = shufpd_3_mem }
    };
    return rf_sse_lower(l, &forms[immediate(l) & 3]);
}

/* --- byte shifts and alignment --- */

static RF_OP(shift_bytes)
{
    rf_xmm_set(cpu, op->a, simde_mm_shuffle_epi8(rf_xmm(cpu, op->a), rf_shift_order(op->simm)));
    RF_NEXT;
}

static bool lower_shift_bytes(struct rf_lower *l, bool left)
{
    int64_t count = (int64_t)(l->operand[1].imm.value.u & 0xff);
    if (count > 16)
        count = 16;
    struct rf_op *op = rf_emit(l, shift_bytes);
    op->a = rf_operand_number(&l->operand[0]);
    op->simm = left ? -count : count;
    return true;
}

static bool lower_PSLLDQ(struct rf_lower *l)
{
    return lower_shift_bytes(l, true);
}

static bool lower_PSRLDQ(struct rf_lower *l)
{
    return lower_shift_bytes(l, false);
}

RF_SSE_XM(PALIGNR, 16, s = simde_mm_shuffle_epi8(s, rf_shift_order(op->simm));
          d = simde_mm_shuffle_epi8(d, rf_shift_order(op->simm - 16)); d = simde_mm_or_si128(d, s))
RF_MMX_MM(MMX_PALIGNR, 8,
          d = simde_mm_shuffle_epi8(simde_mm_unpacklo_epi64(s, d), rf_shift_order(op->simm)))

static bool lower_PALIGNR(struct rf_lower *l)
{
    static const struct rf_sse_form form = { .reg = PALIGNR_reg, .mem = PALIGNR_mem,
                                             .mmx_reg = MMX_PALIGNR_reg,
                                             .mmx_mem = MMX_PALIGNR_mem };
    uint64_t count = immediate(l);
    return lower_with(l, &form, count > 32 ? 32 : count);
}

/* --- unpacks, packs, PSHUFB --- */

#define F(function) d = simde_mm_##function(d, s)
#define HIGH_MMX d = simde_mm_srli_epi64(d, 32); s = simde_mm_srli_epi64(s, 32)
#define PAIR d = simde_mm_unpacklo_epi64(d, s)

/* Bytes of MMX memory (the low unpacks read only 4), and the MMX operation */
#define MMX_PUNPCKLBW 4, F(unpacklo_epi8)
#define MMX_PUNPCKLWD 4, F(unpacklo_epi16)
#define MMX_PUNPCKLDQ 4, F(unpacklo_epi32)
#define MMX_PUNPCKHBW 8, HIGH_MMX; F(unpacklo_epi8)
#define MMX_PUNPCKHWD 8, HIGH_MMX; F(unpacklo_epi16)
#define MMX_PUNPCKHDQ 8, HIGH_MMX; F(unpacklo_epi32)
#define MMX_PACKSSWB 8, PAIR; d = simde_mm_packs_epi16(d, d)
#define MMX_PACKSSDW 8, PAIR; d = simde_mm_packs_epi32(d, d)
#define MMX_PACKUSWB 8, PAIR; d = simde_mm_packus_epi16(d, d)
#define MMX_PSHUFB 8, s = simde_mm_and_si128(s, simde_mm_set1_epi8(-121)); F(shuffle_epi8)
#define DEFINE_MMX(name, ...) RF_MMX_MM(name, __VA_ARGS__)

#define DEFINE_BOTH(name, function)                          \
    RF_SSE_XM(name, 16, F(function))                         \
    DEFINE_MMX(mmx_##name, MMX_##name)                       \
    RF_SSE_LOWER(name, .reg = name##_reg, .mem = name##_mem, \
                 .mmx_reg = mmx_##name##_reg, .mmx_mem = mmx_##name##_mem)
RF_SHUFFLE_MMX(DEFINE_BOTH)

/* --- XMM only --- */

#define DEFINE_XMM(name, size, statement) \
    RF_SSE_XM(name, size, statement)      \
    RF_SSE_LOWER(name, .reg = name##_reg, .mem = name##_mem)
#define DEFINE_NO_MMX(name, function) DEFINE_XMM(name, 16, F(function))
#define DEFINE_WIDEN(name, size, avx_size, function) \
    DEFINE_XMM(name, size, d = simde_mm_##function(s))
RF_SHUFFLE_NO_MMX(DEFINE_NO_MMX)
RF_SHUFFLE_WIDEN(DEFINE_WIDEN)
DEFINE_XMM(PBLENDVB, 16, d = simde_mm_blendv_epi8(d, s, rf_xmm(cpu, 0)))
DEFINE_XMM(PBLENDW, 16, d = rf_choose(rf_lanes_16(op->imm), s, d))

/* --- insertion: a = register, b = general register, imm = the lane's mask bit --- */

#define INSERT(name, type, bits, lanes, set1)                                     \
    static RF_OP(name##_reg)                                                      \
    {                                                                             \
        rf_m128 s = set1((int##bits##_t)RF_AT(type, op->b));                      \
        rf_xmm_set(cpu, op->a, rf_choose(lanes(op->imm), s, rf_xmm(cpu, op->a))); \
        RF_NEXT;                                                                  \
    }                                                                             \
    RF_MEM_HANDLER(name##_mem)                                                    \
    {                                                                             \
        RF_LOAD(type, value, rf_ea(cpu, op));                                     \
        rf_m128 s = set1((int##bits##_t)value);                                   \
        rf_xmm_set(cpu, op->a, rf_choose(lanes(op->imm), s, rf_xmm(cpu, op->a))); \
        RF_MEM_NEXT;                                                              \
    }
INSERT(insert_16, uint16_t, 16, rf_lanes_16, simde_mm_set1_epi16)
INSERT(insert_32, uint32_t, 32, rf_lanes_32, simde_mm_set1_epi32)
INSERT(insert_64, uint64_t, 64, rf_lanes_64, simde_mm_set1_epi64x)

static RF_OP(insert_8_reg) /* imm: the lane's number */
{
    RF_V(op->a).u8[op->imm] = RF_R8(op->b);
    RF_NEXT;
}

RF_MEM_HANDLER(insert_8_mem)
{
    RF_LOAD(uint8_t, value, rf_ea(cpu, op));
    RF_V(op->a).u8[op->imm] = value;
    RF_MEM_NEXT;
}

RF_INLINE uint64_t insert_word(uint64_t old, uint64_t lane, uint16_t value)
{
    return (old & ~(UINT64_C(0xffff) << 16 * lane)) | (uint64_t)value << 16 * lane;
}

static RF_OP(mmx_insert_16_reg) /* imm: the lane's number */
{
    RF_MMX_CHECK;
    rf_mmx_enter(cpu);
    rf_mmx_set(cpu, op->a, insert_word(rf_mmx(cpu, op->a), op->imm, RF_R16(op->b)));
    RF_NEXT;
}

RF_MEM_HANDLER(mmx_insert_16_mem)
{
    RF_MMX_CHECK;
    RF_LOAD(uint16_t, value, rf_ea(cpu, op));
    rf_mmx_enter(cpu);
    rf_mmx_set(cpu, op->a, insert_word(rf_mmx(cpu, op->a), op->imm, value));
    RF_MEM_NEXT;
}

static bool lower_PINSRB(struct rf_lower *l)
{
    static const struct rf_sse_form form = { .reg = insert_8_reg, .mem = insert_8_mem };
    return lower_with(l, &form, immediate(l) & 15);
}

static bool lower_PINSRW(struct rf_lower *l)
{
    static const struct rf_sse_form form = { .reg = insert_16_reg, .mem = insert_16_mem,
                                             .mmx_reg = mmx_insert_16_reg,
                                             .mmx_mem = mmx_insert_16_mem };
    if (rf_is_mmx(&l->operand[0]))
        return lower_with(l, &form, immediate(l) & 3);
    return lower_with(l, &form, UINT64_C(1) << (immediate(l) & 7));
}

static bool lower_PINSRD(struct rf_lower *l)
{
    static const struct rf_sse_form form = { .reg = insert_32_reg, .mem = insert_32_mem };
    return lower_with(l, &form, UINT64_C(1) << (immediate(l) & 3));
}

static bool lower_PINSRQ(struct rf_lower *l)
{
    static const struct rf_sse_form form = { .reg = insert_64_reg, .mem = insert_64_mem };
    return lower_with(l, &form, UINT64_C(1) << (immediate(l) & 1));
}

/* INSERTPS: imm bits 7:6 source lane (of a register), 5:4 destination lane, 3:0 lanes to clear. */
RF_INLINE rf_m128 insert_single(rf_m128 d, uint32_t value, uint64_t imm)
{
    rf_m128 lane = rf_lanes_32(UINT64_C(1) << (imm >> 4 & 3));
    d = rf_choose(lane, simde_mm_set1_epi32((int32_t)value), d);
    return simde_mm_andnot_si128(rf_lanes_32(imm & 15), d);
}

static RF_OP(INSERTPS_reg)
{
    uint32_t value = RF_V(op->b).u32[op->imm >> 6 & 3];
    rf_xmm_set(cpu, op->a, insert_single(rf_xmm(cpu, op->a), value, op->imm));
    RF_NEXT;
}

RF_MEM_HANDLER(INSERTPS_mem)
{
    RF_LOAD(uint32_t, value, rf_ea(cpu, op));
    rf_xmm_set(cpu, op->a, insert_single(rf_xmm(cpu, op->a), value, op->imm));
    RF_MEM_NEXT;
}
RF_SSE_LOWER(INSERTPS, .reg = INSERTPS_reg, .mem = INSERTPS_mem)

/* --- extraction: a = general register, b = register, imm = the lane --- */

#define EXTRACT(bits)                                                                 \
    static RF_OP(extract_##bits##_reg)                                                \
    {                                                                                 \
        RF_R64(op->a) = RF_V(op->b).u##bits[op->imm];                           \
        RF_NEXT;                                                                      \
    }                                                                                 \
    RF_MEM_HANDLER(extract_##bits##_mem)                                              \
    {                                                                                 \
        RF_STORE(uint##bits##_t, rf_ea(cpu, op), RF_V(op->b).u##bits[op->imm]); \
        RF_MEM_NEXT;                                                                  \
    }
EXTRACT(8)
EXTRACT(16)
EXTRACT(32)
EXTRACT(64)

static RF_OP(mmx_extract_16)
{
    RF_MMX_CHECK;
    rf_mmx_enter(cpu);
    RF_R64(op->a) = rf_mmx(cpu, op->b) >> 16 * op->imm & 0xffff;
    RF_NEXT;
}

static bool lower_extract(struct rf_lower *l, rf_run *reg, rf_run *mem, unsigned lane_mask)
{
    bool memory = rf_is_mem(&l->operand[0]);
    struct rf_address address = { 0 };
    if (memory)
        address = rf_address(l, &l->operand[0]);
    struct rf_op *op = rf_emit(l, memory ? mem : reg);
    if (memory)
        rf_set_address(op, &address);
    else
        op->a = rf_operand_number(&l->operand[0]);
    op->b = rf_operand_number(&l->operand[1]);
    op->imm = immediate(l) & lane_mask;
    return true;
}

static bool lower_PEXTRB(struct rf_lower *l)
{
    return lower_extract(l, extract_8_reg, extract_8_mem, 15);
}

static bool lower_PEXTRW(struct rf_lower *l)
{
    if (rf_is_mmx(&l->operand[1]))
        return lower_extract(l, mmx_extract_16, NULL, 3);
    return lower_extract(l, extract_16_reg, extract_16_mem, 7);
}

static bool lower_PEXTRD(struct rf_lower *l) /* and EXTRACTPS */
{
    return lower_extract(l, extract_32_reg, extract_32_mem, 3);
}

static bool lower_PEXTRQ(struct rf_lower *l)
{
    return lower_extract(l, extract_64_reg, extract_64_mem, 1);
}

#define ENTRY(name, ignored) RF_SSE_ENTRY(name)
#define WIDEN_ENTRY(name, size, avx_size, function) RF_SSE_ENTRY(name)

static const struct rf_lower_entry entries[] = {
    RF_SHUFFLE_MMX(ENTRY)
    RF_SHUFFLE_NO_MMX(ENTRY)
    RF_SHUFFLE_WIDEN(WIDEN_ENTRY)
    RF_SSE_ENTRY(PBLENDVB)
    RF_SSE_ENTRY(PBLENDW)
    RF_SSE_ENTRY(PSHUFD)
    RF_SSE_ENTRY(PSHUFLW)
    RF_SSE_ENTRY(PSHUFHW)
    RF_SSE_ENTRY(PSHUFW)
    RF_SSE_ENTRY(SHUFPS)
    RF_SSE_ENTRY(SHUFPD)
    RF_SSE_ENTRY(PSLLDQ)
    RF_SSE_ENTRY(PSRLDQ)
    RF_SSE_ENTRY(PALIGNR)
    RF_SSE_ENTRY(PINSRB)
    RF_SSE_ENTRY(PINSRW)
    RF_SSE_ENTRY(PINSRD)
    RF_SSE_ENTRY(PINSRQ)
    RF_SSE_ENTRY(INSERTPS)
    RF_SSE_ENTRY(PEXTRB)
    RF_SSE_ENTRY(PEXTRW)
    RF_SSE_ENTRY(PEXTRD)
    RF_SSE_ENTRY(PEXTRQ)
    { ZYDIS_MNEMONIC_EXTRACTPS, lower_PEXTRD },
    /* The VEX forms are the same: no vector register changes. */
    { ZYDIS_MNEMONIC_VPEXTRB, lower_PEXTRB },
    { ZYDIS_MNEMONIC_VPEXTRW, lower_PEXTRW },
    { ZYDIS_MNEMONIC_VPEXTRD, lower_PEXTRD },
    { ZYDIS_MNEMONIC_VPEXTRQ, lower_PEXTRQ },
    { ZYDIS_MNEMONIC_VEXTRACTPS, lower_PEXTRD },
};

const struct rf_lower_table rf_lower_sse_shuffle = RF_LOWER_TABLE(entries);

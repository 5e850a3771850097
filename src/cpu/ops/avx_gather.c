/* AVX moves of chosen elements: VMASKMOVPS, VMASKMOVPD, VPMASKMOVD, VPMASKMOVQ and the gathers.
 * The sign bit of a mask element chooses; an element not chosen is not accessed. Alignment is
 * never checked (SDM 2C, VMASKMOV and VGATHERDPS). */
#include "cpu/ops/avx_lanes.h"

/* --- masked loads and stores: op->b = mask. An operand that lies in one page which may be
 * accessed is taken whole, else the elements one by one --- */

static bool chosen(const union rf_vec *mask, unsigned element, unsigned bytes)
{
    return mask->s8[element * bytes + bytes - 1] < 0;
}

/* To cpu->bounce. */
static RF_NOINLINE bool load_chosen(struct rf_cpu *cpu, const struct rf_op *op, uint64_t va,
                                    unsigned size, unsigned bytes)
{
    const union rf_vec *mask = &RF_V(op->b);
    memset(cpu->bounce, 0, size);
    for (unsigned i = 0; i < size / bytes; i++)
        if (chosen(mask, i, bytes) &&
            !rf_load_unaligned(cpu, va + i * bytes, cpu->bounce + i * bytes, bytes))
            return false;
    return true;
}

/* From op->c; nothing is stored if any element is refused. */
static RF_NOINLINE bool store_chosen(struct rf_cpu *cpu, const struct rf_op *op, uint64_t va,
                                     unsigned size, unsigned bytes)
{
    const union rf_vec *mask = &RF_V(op->b), *from = &RF_V(op->c);
    for (unsigned i = 0; i < size / bytes; i++)
        if (chosen(mask, i, bytes) && !rf_probe_write_unaligned(cpu, va + i * bytes, bytes))
            return false;
    for (unsigned i = 0; i < size / bytes; i++)
        if (chosen(mask, i, bytes))
            rf_store_unaligned(cpu, va + i * bytes, from->u8 + i * bytes, bytes);
    return true;
}

#if RF_AVX_NATIVE
#define LOAD_MASKED(prefix, bits, p, mask) prefix##_maskload_epi##bits(p, mask)
#define STORE_MASKED(prefix, bits, p, mask, value) prefix##_maskstore_epi##bits(p, mask, value)
#define POINTER_32(p) ((int *)(p))
#define POINTER_64(p) ((long long *)(p))
#else
/* All ones where chosen. */
RF_INLINE rf_m128 signs_32(rf_m128 mask)
{
    return simde_mm_srai_epi32(mask, 31);
}
RF_INLINE rf_m128 signs_64(rf_m128 mask)
{
    return simde_mm_shuffle_epi32(simde_mm_srai_epi32(mask, 31), 0xf5);
}
#define simde_mm_signs_32 signs_32
#define simde_mm_signs_64 signs_64
#define _mm_signs(bits, mask) signs_##bits(mask)
#define _mm256_signs(bits, mask) RF_Y1(signs_##bits, mask)
#define _mm_load_any(p) simde_mm_loadu_si128(p)
#define _mm256_load_any(p) simde_mm256_loadu_si256(p)
#define _mm_store_any(p, v) simde_mm_storeu_si128(p, v)
#define _mm256_store_any(p, v) simde_mm256_storeu_si256(p, v)
#define _mm_both(a, b) simde_mm_and_si128(a, b)
#define _mm256_both(a, b) simde_mm256_and_si256(a, b)
#define _mm_select(mask, s, d) simde_mm_blendv_epi8(d, s, mask)
#define _mm256_select(mask, s, d) RF_Y3(blendv_epi8, d, s, mask)
#define LOAD_MASKED(prefix, bits, p, mask) \
    prefix##_both(prefix##_load_any(p), prefix##_signs(bits, mask))
#define STORE_MASKED(prefix, bits, p, mask, value) \
    prefix##_store_any(p, prefix##_select(prefix##_signs(bits, mask), value, prefix##_load_any(p)))
#define POINTER_32(p) ((void *)(p))
#define POINTER_64(p) ((void *)(p))
#endif

/* `get`, `set`: of a register; `type`: its value */
#define DEFINE_MASKED(name, size, bits, type, prefix, get, set)                   \
    RF_MEM_HANDLER(load_##name)                                                   \
    {                                                                             \
        const uint64_t va = rf_ea(cpu, op);                                       \
        type value;                                                               \
        if (slow) {                                                               \
            void *p = rf_tlb_read(cpu->tlb, va, size);                            \
            if (RF_UNLIKELY(!p))                                                  \
                return slow(cpu, op);                                             \
            value = LOAD_MASKED(prefix, bits, POINTER_##bits(p), get(cpu, op->b)); \
        } else {                                                                  \
            if (!load_chosen(cpu, op, va, size, bits / 8))                        \
                return rf_op_fault(cpu, op);                                      \
            memcpy(&value, cpu->bounce, size);                                    \
        }                                                                         \
        set(cpu, op->a, value);                                                   \
        RF_MEM_NEXT;                                                              \
    }                                                                             \
    RF_MEM_HANDLER(store_##name)                                                  \
    {                                                                             \
        const uint64_t va = rf_ea(cpu, op);                                       \
        if (slow) {                                                               \
            void *p = rf_tlb_write(cpu->tlb, va, size);                           \
            if (RF_UNLIKELY(!p))                                                  \
                return slow(cpu, op);                                             \
            STORE_MASKED(prefix, bits, POINTER_##bits(p), get(cpu, op->b), get(cpu, op->c)); \
        } else if (!store_chosen(cpu, op, va, size, bits / 8)) {                  \
            return rf_op_fault(cpu, op);                                          \
        }                                                                         \
        RF_MEM_NEXT;                                                              \
    }
DEFINE_MASKED(x_32, 16, 32, rf_m128, _mm, rf_xmm, rf_xmm_set_zero)
DEFINE_MASKED(x_64, 16, 64, rf_m128, _mm, rf_xmm, rf_xmm_set_zero)
DEFINE_MASKED(y_32, 32, 32, rf_m256, _mm256, rf_ymm, rf_ymm_set)
DEFINE_MASKED(y_64, 32, 64, rf_m256, _mm256, rf_ymm, rf_ymm_set)

static bool lower_masked(struct rf_lower *l, const struct rf_avx_form *load,
                         rf_run *const store[2])
{
    if (!rf_is_mem(&l->operand[0]))
        return rf_avx_lower(l, load);
    struct rf_address address = rf_address(l, &l->operand[0]);
    struct rf_op *op = rf_emit(l, store[l->ins.raw.vex.L]);
    op->b = rf_operand_number(&l->operand[1]);
    op->c = rf_operand_number(&l->operand[2]);
    rf_set_address(op, &address);
    return true;
}

static bool lower_masked_32(struct rf_lower *l)
{
    static const struct rf_avx_form load = { .mem = { load_x_32, load_y_32 } };
    static rf_run *const store[2] = { store_x_32, store_y_32 };
    return lower_masked(l, &load, store);
}

static bool lower_masked_64(struct rf_lower *l)
{
    static const struct rf_avx_form load = { .mem = { load_x_64, load_y_64 } };
    static rf_run *const store[2] = { store_x_64, store_y_64 };
    return lower_masked(l, &load, store);
}

/* --- gathers (SDM 2B, "VGATHERDPS"): op->a = destination, op->b = mask, op->c = indexes. An
 * element that has arrived clears its mask, so that an instruction which faults can go on where
 * it stopped: what came before the fault stays --- */

/* Of op->imm. */
#define SEGMENT_BASE(imm) ((uint32_t)(imm)) /* its byte offset in rf_cpu */
#define ADDRESS_32 (UINT64_C(1) << 32)      /* address size of 32 bits */
#define LINEAR_32 (UINT64_C(1) << 33)       /* linear addresses of 32 bits */

RF_INLINE uint64_t element_address(const struct rf_cpu *cpu, const struct rf_op *op, int64_t index)
{
    uint64_t ea = RF_AT(const uint64_t, op->base) + ((uint64_t)index << op->scale) +
                  (uint64_t)(int64_t)op->disp;
    if (op->imm & ADDRESS_32)
        ea = (uint32_t)ea;
    ea += RF_AT(const uint64_t, SEGMENT_BASE(op->imm));
    return op->imm & LINEAR_32 ? (uint32_t)ea : ea;
}

RF_INLINE bool load_element(struct rf_cpu *cpu, uint64_t va, void *to, const unsigned bytes)
{
    const void *p = rf_tlb_read(cpu->tlb, va, bytes);
    if (RF_UNLIKELY(!p))
        return rf_load_unaligned(cpu, va, to, bytes);
    memcpy(to, p, bytes);
    return true;
}

RF_INLINE bool gather(struct rf_cpu *cpu, const struct rf_op *op, const unsigned index_bits,
                      const unsigned bytes, const unsigned count)
{
    union rf_vec *to = &RF_V(op->a), *mask = &RF_V(op->b);
    const union rf_vec *index = &RF_V(op->c);
    for (unsigned i = 0; i < count; i++) {
        int64_t number = index_bits == 32 ? index->s32[i] : index->s64[i];
        if (chosen(mask, i, bytes) &&
            !load_element(cpu, element_address(cpu, op, number), to->u8 + i * bytes, bytes))
            return false;
        memset(mask->u8 + i * bytes, 0, bytes);
    }
    memset(mask->u8 + count * bytes, 0, sizeof *mask - count * bytes);
    memset(to->u8 + count * bytes, 0, sizeof *to - count * bytes);
    return true;
}

#define DEFINE_GATHER(name, index_bits, bytes, count)                                          \
    static RF_NOINLINE bool name##_elements(struct rf_cpu *cpu, const struct rf_op *op)        \
    {                                                                                          \
        return gather(cpu, op, index_bits, bytes, count);                                      \
    }                                                                                          \
    static RF_OP(name)                                                                         \
    {                                                                                          \
        if (!name##_elements(cpu, op))                                                         \
            return rf_op_fault(cpu, op);                                                       \
        return rf_after_slow(cpu, op);                                                         \
    }
DEFINE_GATHER(gather_dd_x, 32, 4, 4)
DEFINE_GATHER(gather_dd_y, 32, 4, 8)
DEFINE_GATHER(gather_dq_x, 32, 8, 2)
DEFINE_GATHER(gather_dq_y, 32, 8, 4)
DEFINE_GATHER(gather_qd_x, 64, 4, 2)
DEFINE_GATHER(gather_qd_y, 64, 4, 4)
DEFINE_GATHER(gather_qq_x, 64, 8, 2)
DEFINE_GATHER(gather_qq_y, 64, 8, 4)

/* The index is a vector: rf_address() is not for it. */
static bool lower_gather(struct rf_lower *l, rf_run *const run[2])
{
    const ZydisDecodedOperandMem *mem = &l->operand[1].mem;
    struct rf_op *op = rf_emit(l, run[l->ins.raw.vex.L]);
    op->a = rf_operand_number(&l->operand[0]);
    op->b = rf_operand_number(&l->operand[2]);
    op->c = rf_vec_slot(mem->index);
    if (mem->base != ZYDIS_REGISTER_NONE)
        op->base = rf_reg_offset(mem->base);
    op->scale = (uint8_t)__builtin_ctz(mem->scale);
    op->disp = (int32_t)mem->disp.value;
    op->stack = mem->segment == ZYDIS_REGISTER_SS;
    op->imm = rf_segment_base_offset(l, mem->segment);
    if (l->ins.address_width != 64)
        op->imm |= ADDRESS_32;
    if (l->code_bits != 64)
        op->imm |= LINEAR_32;
    return true;
}

#define LOWER_GATHER(kind)                                                              \
    static bool lower_gather_##kind(struct rf_lower *l)                                 \
    {                                                                                   \
        static rf_run *const run[2] = { gather_##kind##_x, gather_##kind##_y };         \
        return lower_gather(l, run);                                                    \
    }
LOWER_GATHER(dd)
LOWER_GATHER(dq)
LOWER_GATHER(qd)
LOWER_GATHER(qq)

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_VMASKMOVPS, lower_masked_32 },
    { ZYDIS_MNEMONIC_VMASKMOVPD, lower_masked_64 },
    { ZYDIS_MNEMONIC_VPMASKMOVD, lower_masked_32 },
    { ZYDIS_MNEMONIC_VPMASKMOVQ, lower_masked_64 },
    { ZYDIS_MNEMONIC_VPGATHERDD, lower_gather_dd },
    { ZYDIS_MNEMONIC_VGATHERDPS, lower_gather_dd },
    { ZYDIS_MNEMONIC_VPGATHERDQ, lower_gather_dq },
    { ZYDIS_MNEMONIC_VGATHERDPD, lower_gather_dq },
    { ZYDIS_MNEMONIC_VPGATHERQD, lower_gather_qd },
    { ZYDIS_MNEMONIC_VGATHERQPS, lower_gather_qd },
    { ZYDIS_MNEMONIC_VPGATHERQQ, lower_gather_qq },
    { ZYDIS_MNEMONIC_VGATHERQPD, lower_gather_qq },
};

const struct rf_lower_table RF_AVX_TABLE(gather) = RF_LOWER_TABLE(entries);

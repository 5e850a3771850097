/* BT BTS BTR BTC BSF BSR TZCNT LZCNT POPCNT CRC32 and BMI1/BMI2 without the shifts.
 *
 * Flags that the manual leaves undefined keep what CPUs give them: BT* change CF only;
 * BSF and BSR change ZF and clear the others but PF, which follows the result. */
#include "cpu/ops/integer.h"

/* --- bit tests --- */
RF_INLINE void set_carry(struct rf_cpu *cpu, bool carry)
{
    uint32_t status = rf_flags_status(cpu) & ~RF_FLAG_CF;
    rf_flags_set_status(cpu, status | (carry ? RF_FLAG_CF : 0));
}

#define SAME(N, a, bit) (a)
#define SETS(N, a, bit) ((RF_TYPE_##N)((a) | (RF_TYPE_##N)1 << (bit)))
#define CLEARS(N, a, bit) ((RF_TYPE_##N)((a) & ~((RF_TYPE_##N)1 << (bit))))
#define FLIPS(N, a, bit) ((RF_TYPE_##N)((a) ^ (RF_TYPE_##N)1 << (bit)))

#define BIT_REGISTER(name, CHANGE, N)                                                     \
    static RF_OP(name##_rr_##N)                                                           \
    {                                                                                     \
        unsigned bit = RF_GET(N, op->b) & ((N) - 1);                                      \
        RF_TYPE_##N a = RF_GET(N, op->a);                                                 \
        set_carry(cpu, a >> bit & 1);                                                     \
        RF_SET(N, op->a, CHANGE(N, a, bit));                                              \
        RF_NEXT;                                                                          \
    }                                                                                     \
    static RF_OP(name##_ri_##N)                                                           \
    {                                                                                     \
        unsigned bit = (unsigned)op->imm & ((N) - 1);                                     \
        RF_TYPE_##N a = RF_GET(N, op->a);                                                 \
        set_carry(cpu, a >> bit & 1);                                                     \
        RF_SET(N, op->a, CHANGE(N, a, bit));                                              \
        RF_NEXT;                                                                          \
    }
/* With a register offset the memory operand is a bit string: the offset is signed and
 * moves the address (SDM 2, BT). */
#define BIT_STRING(N)                                                                     \
    (rf_ea(cpu, op) + (uint64_t)((int64_t)((RF_STYPE_##N)RF_GET(N, op->b)) >> ((N) == 16 ? 4 : (N) == 32 ? 5 : 6)) * ((N) / 8))
#define BIT_MEMORY(name, CHANGE, N)                                                       \
    RF_MEM_HANDLER(name##_mr_##N)                                                         \
    {                                                                                     \
        RF_RMW_LOAD(RF_TYPE_##N, a, BIT_STRING(N));                                       \
        unsigned bit = RF_GET(N, op->b) & ((N) - 1);                                      \
        RF_RMW_STORE(RF_TYPE_##N, a, CHANGE(N, a, bit));                                  \
        set_carry(cpu, a >> bit & 1);                                                     \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(name##_mi_##N)                                                         \
    {                                                                                     \
        RF_RMW_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                      \
        unsigned bit = (unsigned)op->imm & ((N) - 1);                                     \
        RF_RMW_STORE(RF_TYPE_##N, a, CHANGE(N, a, bit));                                  \
        set_carry(cpu, a >> bit & 1);                                                     \
        RF_MEM_NEXT;                                                                      \
    }
/* BT only reads. */
#define BIT_TEST(N)                                                                       \
    RF_MEM_HANDLER(bt_mr_##N)                                                             \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, a, BIT_STRING(N));                                           \
        set_carry(cpu, a >> (RF_GET(N, op->b) & ((N) - 1)) & 1);                          \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(bt_mi_##N)                                                             \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                          \
        set_carry(cpu, a >> ((unsigned)op->imm & ((N) - 1)) & 1);                         \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    static RF_OP(bt_rr_##N)                                                               \
    {                                                                                     \
        set_carry(cpu, RF_GET(N, op->a) >> (RF_GET(N, op->b) & ((N) - 1)) & 1);           \
        RF_NEXT;                                                                          \
    }                                                                                     \
    static RF_OP(bt_ri_##N)                                                               \
    {                                                                                     \
        set_carry(cpu, RF_GET(N, op->a) >> ((unsigned)op->imm & ((N) - 1)) & 1);          \
        RF_NEXT;                                                                          \
    }
#define ALL_BITS(N)                                                                       \
    BIT_TEST(N)                                                                           \
    BIT_REGISTER(bts, SETS, N) BIT_REGISTER(btr, CLEARS, N) BIT_REGISTER(btc, FLIPS, N)   \
    BIT_MEMORY(bts, SETS, N) BIT_MEMORY(btr, CLEARS, N) BIT_MEMORY(btc, FLIPS, N)
RF_SIZES_WIDE(ALL_BITS)

#define BIT_FORMS(name)                                                                   \
    { RF_ROW_WIDE(name##_rr), RF_ROW_WIDE(name##_ri), RF_ROW_WIDE(name##_mr), RF_ROW_WIDE(name##_mi) }

static bool lower_bit_test(struct rf_lower *l)
{
    static rf_run *const runs[4][4][4] = { BIT_FORMS(bt), BIT_FORMS(bts), BIT_FORMS(btr), BIT_FORMS(btc) };
    ZydisMnemonic m = l->ins.mnemonic;
    unsigned which = m == ZYDIS_MNEMONIC_BT ? 0 : m == ZYDIS_MNEMONIC_BTS ? 1 : m == ZYDIS_MNEMONIC_BTR ? 2 : 3;
    const ZydisDecodedOperand *o = l->operand;
    bool memory = rf_is_mem(&o[0]), immediate = rf_is_imm(&o[1]);
    rf_run *run = runs[which][memory * 2 + immediate][rf_size_log2(o[0].size)];
    if (!immediate)
        l->bit_offset = &l->operand[1];
    struct rf_op *op = memory ? rf_emit_mem(l, run, 0) : rf_emit(l, run);
    if (!memory)
        op->a = rf_reg_offset(o[0].reg.value);
    if (immediate)
        op->imm = o[1].imm.value.u;
    else
        op->b = rf_reg_offset(o[1].reg.value);
    return true;
}

/* --- one source, one destination: body declares r from `a`, sets flags --- */
#define BIT_SCAN(N, found)                                                                \
    RF_TYPE_##N r;                                                                        \
    if (!a) { /* the destination keeps its value, all 64 bits of it */                    \
        rf_flags_set_status(cpu, RF_FLAG_ZF | RF_FLAG_PF);                                \
        goto done;                                                                        \
    }                                                                                     \
    r = (RF_TYPE_##N)(found);                                                             \
    rf_flags_set_status(cpu, rf_parity(r) ? RF_FLAG_PF : 0);
#define DO_BSF(N) BIT_SCAN(N, __builtin_ctzll(a))
#define DO_BSR(N) BIT_SCAN(N, 63 - __builtin_clzll(a))
#define COUNT_FLAGS(a, r) rf_flags_set_status(cpu, (!(a) ? RF_FLAG_CF : 0) | (!(r) ? RF_FLAG_ZF : 0))
#define DO_TZCNT(N)                                                                       \
    RF_TYPE_##N r = a ? (RF_TYPE_##N)__builtin_ctzll(a) : (N);                            \
    COUNT_FLAGS(a, r);
#define DO_LZCNT(N)                                                                       \
    RF_TYPE_##N r = a ? (RF_TYPE_##N)(__builtin_clzll(a) - (64 - (N))) : (N);             \
    COUNT_FLAGS(a, r);
#define DO_POPCNT(N)                                                                      \
    RF_TYPE_##N r = (RF_TYPE_##N)__builtin_popcountll(a);                                 \
    rf_flags_set_status(cpu, !a ? RF_FLAG_ZF : 0);
/* SDM 2, BLSI: CF = source not 0; BLSMSK, BLSR: CF = source 0; BLSMSK: ZF = 0 */
#define BLS_FLAGS(N, carry, keep_zf)                                                      \
    rf_flags_set_status(cpu, (rf_flags_zsp(r, N) & (RF_FLAG_SF | (keep_zf ? RF_FLAG_ZF : 0))) | \
                                 ((carry) ? RF_FLAG_CF : 0));
#define DO_BLSI(N) RF_TYPE_##N r = (RF_TYPE_##N)(a & (0 - a)); BLS_FLAGS(N, a != 0, true)
#define DO_BLSR(N) RF_TYPE_##N r = (RF_TYPE_##N)(a & (a - 1)); BLS_FLAGS(N, a == 0, true)
#define DO_BLSMSK(N) RF_TYPE_##N r = (RF_TYPE_##N)(a ^ (a - 1)); BLS_FLAGS(N, a == 0, false)

#define FROM_TO(name, DO, N)                                                              \
    static RF_OP(name##_r_##N)                                                            \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->b);                                                 \
        DO(N)                                                                             \
        RF_SET(N, op->a, r);                                                              \
        goto done;                                                                        \
    done:                                                                                 \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(name##_m_##N)                                                          \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                          \
        DO(N)                                                                             \
        RF_SET(N, op->a, r);                                                              \
        goto done;                                                                        \
    done:                                                                                 \
        RF_MEM_NEXT;                                                                      \
    }
#define ALL_FROM_TO(N)                                                                    \
    FROM_TO(bsf, DO_BSF, N) FROM_TO(bsr, DO_BSR, N) FROM_TO(tzcnt, DO_TZCNT, N)           \
    FROM_TO(lzcnt, DO_LZCNT, N) FROM_TO(popcnt, DO_POPCNT, N) FROM_TO(blsi, DO_BLSI, N)   \
    FROM_TO(blsr, DO_BLSR, N) FROM_TO(blsmsk, DO_BLSMSK, N)
RF_SIZES_WIDE(ALL_FROM_TO)

struct from_to {
    ZydisMnemonic mnemonic;
    rf_run *run[2][4];
};
static const struct from_to from_to[] = {
    { ZYDIS_MNEMONIC_BSF, { RF_ROW_WIDE(bsf_r), RF_ROW_WIDE(bsf_m) } },
    { ZYDIS_MNEMONIC_BSR, { RF_ROW_WIDE(bsr_r), RF_ROW_WIDE(bsr_m) } },
    { ZYDIS_MNEMONIC_TZCNT, { RF_ROW_WIDE(tzcnt_r), RF_ROW_WIDE(tzcnt_m) } },
    { ZYDIS_MNEMONIC_LZCNT, { RF_ROW_WIDE(lzcnt_r), RF_ROW_WIDE(lzcnt_m) } },
    { ZYDIS_MNEMONIC_POPCNT, { RF_ROW_WIDE(popcnt_r), RF_ROW_WIDE(popcnt_m) } },
    { ZYDIS_MNEMONIC_BLSI, { RF_ROW_WIDE(blsi_r), RF_ROW_WIDE(blsi_m) } },
    { ZYDIS_MNEMONIC_BLSR, { RF_ROW_WIDE(blsr_r), RF_ROW_WIDE(blsr_m) } },
    { ZYDIS_MNEMONIC_BLSMSK, { RF_ROW_WIDE(blsmsk_r), RF_ROW_WIDE(blsmsk_m) } },
};

static bool lower_from_to(struct rf_lower *l)
{
    const struct from_to *family = from_to;
    while (family->mnemonic != l->ins.mnemonic)
        family++;
    unsigned size = rf_size_log2(l->operand[0].size);
    rf_emit_from(l, family->run[0][size], family->run[1][size]);
    return true;
}

/* --- three operands: x is the register-only one, y the one that may be memory --- */
#define DO_ANDN(N)                                                                        \
    RF_TYPE_##N r = (RF_TYPE_##N)(~x & y);                                                \
    rf_flags_set_status(cpu, rf_flags_zsp(r, N) & (RF_FLAG_SF | RF_FLAG_ZF));
/* y is the source, x the control */
#define DO_BEXTR(N)                                                                       \
    unsigned start = x & 0xff, length = x >> 8 & 0xff;                                    \
    RF_TYPE_##N r = start < (N) ? y >> start : 0;                                         \
    if (length < (N))                                                                     \
        r &= ((RF_TYPE_##N)1 << length) - 1;                                              \
    rf_flags_set_status(cpu, !r ? RF_FLAG_ZF : 0);
#define DO_BZHI(N)                                                                        \
    unsigned index = x & 0xff;                                                            \
    RF_TYPE_##N r = index < (N) ? y & (((RF_TYPE_##N)1 << index) - 1) : y;                \
    rf_flags_set_status(cpu, (rf_flags_zsp(r, N) & (RF_FLAG_SF | RF_FLAG_ZF)) |           \
                                 (index >= (N) ? RF_FLAG_CF : 0));
/* scatter the low bits of x to the places of mask y; gather the masked bits of x */
#define DO_PDEP(N)                                                                        \
    RF_TYPE_##N r = 0, bits_ = x;                                                         \
    for (RF_TYPE_##N mask_ = y; mask_; mask_ &= mask_ - 1, bits_ >>= 1)                   \
        if (bits_ & 1)                                                                    \
            r |= mask_ & (0 - mask_);
#define DO_PEXT(N)                                                                        \
    RF_TYPE_##N r = 0, place_ = 1;                                                        \
    for (RF_TYPE_##N mask_ = y; mask_; mask_ &= mask_ - 1, place_ <<= 1)                  \
        if (x & mask_ & (0 - mask_))                                                      \
            r |= place_;

#define THREE(name, DO, N)                                                                \
    static RF_OP(name##_r_##N)                                                            \
    {                                                                                     \
        RF_TYPE_##N x = RF_GET(N, op->b), y = RF_GET(N, op->c);                           \
        DO(N)                                                                             \
        RF_SET(N, op->a, r);                                                              \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(name##_m_##N)                                                          \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, y, rf_ea(cpu, op));                                          \
        RF_TYPE_##N x = RF_GET(N, op->b);                                                 \
        DO(N)                                                                             \
        RF_SET(N, op->a, r);                                                              \
        RF_MEM_NEXT;                                                                      \
    }
#define ALL_THREE(N)                                                                      \
    THREE(andn, DO_ANDN, N) THREE(bextr, DO_BEXTR, N) THREE(bzhi, DO_BZHI, N)             \
    THREE(pdep, DO_PDEP, N) THREE(pext, DO_PEXT, N)
ALL_THREE(32)
ALL_THREE(64)

struct three {
    ZydisMnemonic mnemonic;
    uint8_t x, y; /* operand numbers */
    rf_run *run[2][2];
};
#define THREE_ROW(name) { { name##_r_32, name##_r_64 }, { name##_m_32, name##_m_64 } }
static const struct three three[] = {
    { ZYDIS_MNEMONIC_ANDN, 1, 2, THREE_ROW(andn) }, { ZYDIS_MNEMONIC_BEXTR, 2, 1, THREE_ROW(bextr) },
    { ZYDIS_MNEMONIC_BZHI, 2, 1, THREE_ROW(bzhi) }, { ZYDIS_MNEMONIC_PDEP, 1, 2, THREE_ROW(pdep) },
    { ZYDIS_MNEMONIC_PEXT, 1, 2, THREE_ROW(pext) },
};

static bool lower_three(struct rf_lower *l)
{
    const struct three *family = three;
    while (family->mnemonic != l->ins.mnemonic)
        family++;
    const ZydisDecodedOperand *y = &l->operand[family->y];
    rf_run *run = family->run[rf_is_mem(y)][l->operand[0].size == 64];
    struct rf_op *op = rf_is_mem(y) ? rf_emit_mem(l, run, family->y) : rf_emit(l, run);
    op->a = rf_reg_offset(l->operand[0].reg.value);
    op->b = rf_reg_offset(l->operand[family->x].reg.value);
    if (!rf_is_mem(y))
        op->c = rf_reg_offset(y->reg.value);
    return true;
}

/* --- CRC32: polynomial 0x11EDC6F41, bits reflected (SDM 2, CRC32) --- */
static uint32_t crc32c(uint32_t crc, uint64_t data, unsigned bits)
{
    for (unsigned i = 0; i < bits; i += 8) {
        crc ^= (uint32_t)(data >> i) & 0xff;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
    }
    return crc;
}

#define CRC(N)                                                                            \
    static RF_OP(crc_r_##N)                                                               \
    {                                                                                     \
        cpu->r[op->a / 8] = crc32c(RF_R32(op->a), RF_GET(N, op->b), N);                   \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(crc_m_##N)                                                             \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, data, rf_ea(cpu, op));                                       \
        cpu->r[op->a / 8] = crc32c(RF_R32(op->a), data, N);                               \
        RF_MEM_NEXT;                                                                      \
    }
RF_SIZES(CRC)

static bool lower_crc32(struct rf_lower *l)
{
    static rf_run *const runs[2][4] = { RF_ROW(crc_r), RF_ROW(crc_m) };
    unsigned size = rf_size_log2(l->operand[1].size);
    rf_emit_from(l, runs[0][size], runs[1][size]);
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_BT, lower_bit_test },     { ZYDIS_MNEMONIC_BTS, lower_bit_test },
    { ZYDIS_MNEMONIC_BTR, lower_bit_test },    { ZYDIS_MNEMONIC_BTC, lower_bit_test },
    { ZYDIS_MNEMONIC_BSF, lower_from_to },     { ZYDIS_MNEMONIC_BSR, lower_from_to },
    { ZYDIS_MNEMONIC_TZCNT, lower_from_to },   { ZYDIS_MNEMONIC_LZCNT, lower_from_to },
    { ZYDIS_MNEMONIC_POPCNT, lower_from_to },  { ZYDIS_MNEMONIC_BLSI, lower_from_to },
    { ZYDIS_MNEMONIC_BLSR, lower_from_to },    { ZYDIS_MNEMONIC_BLSMSK, lower_from_to },
    { ZYDIS_MNEMONIC_ANDN, lower_three },      { ZYDIS_MNEMONIC_BEXTR, lower_three },
    { ZYDIS_MNEMONIC_BZHI, lower_three },      { ZYDIS_MNEMONIC_PDEP, lower_three },
    { ZYDIS_MNEMONIC_PEXT, lower_three },      { ZYDIS_MNEMONIC_CRC32, lower_crc32 },
};
const struct rf_lower_table rf_lower_bits = RF_LOWER_TABLE(entries);

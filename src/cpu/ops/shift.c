/* SHL SHR SAR ROL ROR RCL RCR SHLD SHRD and the flagless SHLX SHRX SARX RORX.
 *
 * A count of zero (after masking to 5 or 6 bits) changes no flag (SDM 2, SAL/SAR/SHL/SHR).
 * Where the manual leaves OF undefined (counts above 1) the value of the last one-bit step
 * is given, as Intel CPUs do. */
#include "cpu/ops/integer.h"

#define COUNT_MASK(N) ((N) == 64 ? 63u : 31u)
#define CC(N, kind, result, source) rf_cc_set(cpu, RF_CC_##kind + RF_LOG2_##N, (result), (source))

/* Bodies: a is the operand, c the masked count, not 0; they declare r. */
#define DO_SHL(N, f)                                                                      \
    uint64_t before_ = (uint64_t)a << (c - 1);                                            \
    RF_TYPE_##N r = (RF_TYPE_##N)(before_ << 1);                                          \
    if (f) CC(N, SHL, r, (RF_TYPE_##N)before_);
#define DO_SHR(N, f)                                                                      \
    uint64_t before_ = (uint64_t)a >> (c - 1);                                            \
    RF_TYPE_##N r = (RF_TYPE_##N)(before_ >> 1);                                          \
    if (f) CC(N, SHR, r, before_);
#define DO_SAR(N, f)                                                                      \
    int64_t before_ = (int64_t)(RF_STYPE_##N)a >> (c - 1);                                \
    RF_TYPE_##N r = (RF_TYPE_##N)(before_ >> 1);                                          \
    if (f) CC(N, SAR, r, (uint64_t)before_);

/* Rotates write CF and OF only. */
RF_INLINE void set_carry_overflow(struct rf_cpu *cpu, bool carry, bool overflow)
{
    uint32_t status = rf_flags_status(cpu) & ~(RF_FLAG_CF | RF_FLAG_OF);
    rf_flags_set_status(cpu, status | (carry ? RF_FLAG_CF : 0) | (overflow ? RF_FLAG_OF : 0));
}

#define TOP(N, value) ((bool)(((value) >> ((N) - 1)) & 1))
#define NEXT_TOP(N, value) ((bool)(((value) >> ((N) - 2)) & 1))
#define DO_ROL(N, f)                                                                      \
    unsigned s_ = c & ((N) - 1);                                                          \
    RF_TYPE_##N r = (RF_TYPE_##N)(a << s_ | (uint64_t)a >> (((N) - s_) & ((N) - 1)));     \
    if (!s_) r = a;                                                                       \
    if (f) set_carry_overflow(cpu, r & 1, (r & 1) != TOP(N, r));
#define DO_ROR(N, f)                                                                      \
    unsigned s_ = c & ((N) - 1);                                                          \
    RF_TYPE_##N r = (RF_TYPE_##N)((uint64_t)a >> s_ | (uint64_t)a << (((N) - s_) & ((N) - 1))); \
    if (!s_) r = a;                                                                       \
    if (f) set_carry_overflow(cpu, TOP(N, r), TOP(N, r) != NEXT_TOP(N, r));
/* Through carry: one step at a time is enough for how rare it is. */
#define DO_RCL(N, f)                                                                      \
    bool carry_ = rf_flags_carry(cpu);                                                    \
    RF_TYPE_##N r = a;                                                                    \
    for (unsigned i_ = (N) < 32 ? c % ((N) + 1) : c; i_; i_--) {                          \
        bool out_ = TOP(N, r);                                                            \
        r = (RF_TYPE_##N)(r << 1 | carry_);                                               \
        carry_ = out_;                                                                    \
    }                                                                                     \
    set_carry_overflow(cpu, carry_, carry_ != TOP(N, r));
#define DO_RCR(N, f)                                                                      \
    bool carry_ = rf_flags_carry(cpu);                                                    \
    RF_TYPE_##N r = a;                                                                    \
    for (unsigned i_ = (N) < 32 ? c % ((N) + 1) : c; i_; i_--) {                          \
        bool out_ = r & 1;                                                                \
        r = (RF_TYPE_##N)(r >> 1 | (RF_TYPE_##N)((RF_TYPE_##N)carry_ << ((N) - 1)));      \
        carry_ = out_;                                                                    \
    }                                                                                     \
    set_carry_overflow(cpu, carry_, TOP(N, r) != NEXT_TOP(N, r));

#define SHIFT(name, DO, f, N)                                                             \
    static RF_OP(name##_ri_##N)                                                           \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a);                                                 \
        unsigned c = op->c;                                                               \
        DO(N, f)                                                                          \
        RF_SET(N, op->a, r);                                                              \
        RF_NEXT;                                                                          \
    }                                                                                     \
    static RF_OP(name##_rc_##N)                                                           \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a);                                                 \
        unsigned c = cpu->r[RF_RCX] & COUNT_MASK(N);                                      \
        if (c) {                                                                          \
            DO(N, f)                                                                      \
            a = r;                                                                        \
        }                                                                                 \
        RF_SET(N, op->a, a);                                                              \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(name##_mi_##N)                                                         \
    {                                                                                     \
        RF_RMW_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                      \
        unsigned c = op->c;                                                               \
        DO(N, f)                                                                          \
        RF_RMW_STORE(RF_TYPE_##N, a, r);                                                  \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(name##_mc_##N)                                                         \
    {                                                                                     \
        RF_RMW_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                      \
        unsigned c = cpu->r[RF_RCX] & COUNT_MASK(N);                                      \
        if (c) {                                                                          \
            DO(N, f)                                                                      \
            RF_RMW_STORE(RF_TYPE_##N, a, r);                                              \
        }                                                                                 \
        RF_MEM_NEXT;                                                                      \
    }
#define ALL_SHIFTS(N)                                                                     \
    SHIFT(shl, DO_SHL, 1, N) SHIFT(shr, DO_SHR, 1, N) SHIFT(sar, DO_SAR, 1, N)            \
    SHIFT(rol, DO_ROL, 1, N) SHIFT(ror, DO_ROR, 1, N) SHIFT(rcl, DO_RCL, 1, N)            \
    SHIFT(rcr, DO_RCR, 1, N) SHIFT(shl_nf, DO_SHL, 0, N) SHIFT(shr_nf, DO_SHR, 0, N)      \
    SHIFT(sar_nf, DO_SAR, 0, N) SHIFT(rol_nf, DO_ROL, 0, N) SHIFT(ror_nf, DO_ROR, 0, N)
RF_SIZES(ALL_SHIFTS)

/* Count 0 known at decode time: nothing but the write of a 32-bit register. */
static RF_OP(touch_32) { RF_SET(32, op->a, RF_R32(op->a)); RF_NEXT; }
static RF_OP(shift_nothing) { RF_NEXT; }
#define TOUCH(N)                                                                          \
    RF_MEM_HANDLER(touch_mem_##N)                                                         \
    {                                                                                     \
        RF_RMW_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                      \
        RF_RMW_STORE(RF_TYPE_##N, a, a);                                                  \
        RF_MEM_NEXT;                                                                      \
    }
RF_SIZES(TOUCH)

#define FORMS(name) { RF_ROW(name##_ri), RF_ROW(name##_rc), RF_ROW(name##_mi), RF_ROW(name##_mc) }
struct shift_family {
    ZydisMnemonic mnemonic;
    rf_run *with_flags[4][4]; /* [ri, rc, mi, mc][size] */
    rf_run *without[4][4];
};
static const struct shift_family shift_families[] = {
    { ZYDIS_MNEMONIC_SHL, FORMS(shl), FORMS(shl_nf) },
    { ZYDIS_MNEMONIC_SHR, FORMS(shr), FORMS(shr_nf) },
    { ZYDIS_MNEMONIC_SAR, FORMS(sar), FORMS(sar_nf) },
    { ZYDIS_MNEMONIC_ROL, FORMS(rol), FORMS(rol_nf) },
    { ZYDIS_MNEMONIC_ROR, FORMS(ror), FORMS(ror_nf) },
    { ZYDIS_MNEMONIC_RCL, FORMS(rcl), FORMS(rcl) },
    { ZYDIS_MNEMONIC_RCR, FORMS(rcr), FORMS(rcr) },
};

static bool lower_shift(struct rf_lower *l)
{
    static rf_run *const touch[4] = RF_ROW(touch_mem);
    const struct shift_family *family = shift_families;
    while (family->mnemonic != l->ins.mnemonic)
        family++;
    const ZydisDecodedOperand *o = l->operand;
    bool memory = rf_is_mem(&o[0]), by_cl = rf_is_reg(&o[1]);
    unsigned size = rf_size_log2(o[0].size);
    unsigned count = by_cl ? 0 : (unsigned)o[1].imm.value.u & (o[0].size == 64 ? 63 : 31);
    rf_run *run = (l->flags_live ? family->with_flags : family->without)[memory * 2 + by_cl][size];
    if (!by_cl && count == 0) {
        run = memory ? touch[size] : size == 2 ? touch_32 : shift_nothing;
        l->cc_after = l->cc_known;
    }
    struct rf_op *op = memory ? rf_emit_mem(l, run, 0) : rf_emit(l, run);
    if (!memory)
        op->a = rf_reg_offset(o[0].reg.value);
    op->c = (uint8_t)count;
    return true;
}

/* --- SHLD, SHRD --- */
#define DOUBLE_SHIFT(N)                                                                   \
    RF_INLINE RF_TYPE_##N shld_##N(struct rf_cpu *cpu, uint64_t a, uint64_t b, unsigned c) \
    {                                                                                     \
        RF_TYPE_##N before = (RF_TYPE_##N)(c == 1 ? a : a << (c - 1) | b >> ((N) - c + 1)); \
        RF_TYPE_##N r = (RF_TYPE_##N)(a << c | b >> ((N) - c));                           \
        CC(N, SHL, r, before);                                                            \
        return r;                                                                         \
    }                                                                                     \
    RF_INLINE RF_TYPE_##N shrd_##N(struct rf_cpu *cpu, uint64_t a, uint64_t b, unsigned c) \
    {                                                                                     \
        RF_TYPE_##N before = (RF_TYPE_##N)(c == 1 ? a : a >> (c - 1) | b << ((N) - c + 1)); \
        RF_TYPE_##N r = (RF_TYPE_##N)(a >> c | b << ((N) - c));                           \
        uint32_t status = rf_flags_zsp(r, N) | (before & 1 ? RF_FLAG_CF : 0);             \
        if (TOP(N, before) != TOP(N, r))                                                  \
            status |= RF_FLAG_OF;                                                         \
        rf_flags_set_status(cpu, status);                                                 \
        return r;                                                                         \
    }
DOUBLE_SHIFT(32)
DOUBLE_SHIFT(64)

/* 16-bit forms with counts above 16 (results undefined by the manual) shift in the first
 * operand again, as Intel CPUs do. */
RF_INLINE uint16_t shld_16(struct rf_cpu *cpu, uint64_t a, uint64_t b, unsigned c)
{
    uint64_t all = a << 32 | b << 16 | a;
    uint16_t before = (uint16_t)(all << (c - 1) >> 32), r = (uint16_t)(all << c >> 32);
    CC(16, SHL, r, before);
    return r;
}
RF_INLINE uint16_t shrd_16(struct rf_cpu *cpu, uint64_t a, uint64_t b, unsigned c)
{
    uint64_t all = a << 32 | b << 16 | a;
    uint16_t before = (uint16_t)(all >> (c - 1)), r = (uint16_t)(all >> c);
    uint32_t status = rf_flags_zsp(r, 16) | (before & 1 ? RF_FLAG_CF : 0);
    if (TOP(16, before) != TOP(16, r))
        status |= RF_FLAG_OF;
    rf_flags_set_status(cpu, status);
    return r;
}

/* op->c: the count, or 0xff for CL */
#define DOUBLE_FORMS(name, N)                                                             \
    static RF_OP(name##_r_##N)                                                            \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a);                                                 \
        unsigned c = (op->c == 0xff ? (unsigned)cpu->r[RF_RCX] : op->c) & COUNT_MASK(N);  \
        if (c)                                                                            \
            a = name##_##N(cpu, a, RF_GET(N, op->b), c);                                  \
        RF_SET(N, op->a, a);                                                              \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(name##_m_##N)                                                          \
    {                                                                                     \
        RF_RMW_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                      \
        unsigned c = (op->c == 0xff ? (unsigned)cpu->r[RF_RCX] : op->c) & COUNT_MASK(N);  \
        RF_TYPE_##N r = c ? name##_##N(cpu, a, RF_GET(N, op->b), c) : a;                  \
        RF_RMW_STORE(RF_TYPE_##N, a, r);                                                  \
        RF_MEM_NEXT;                                                                      \
    }
#define DOUBLE_ALL(N) DOUBLE_FORMS(shld, N) DOUBLE_FORMS(shrd, N)
RF_SIZES_WIDE(DOUBLE_ALL)

static bool lower_double_shift(struct rf_lower *l)
{
    static rf_run *const runs[2][2][4] = {
        { RF_ROW_WIDE(shld_r), RF_ROW_WIDE(shld_m) }, { RF_ROW_WIDE(shrd_r), RF_ROW_WIDE(shrd_m) }
    };
    const ZydisDecodedOperand *o = l->operand;
    bool memory = rf_is_mem(&o[0]);
    rf_run *run = runs[l->ins.mnemonic == ZYDIS_MNEMONIC_SHRD][memory][rf_size_log2(o[0].size)];
    struct rf_op *op = memory ? rf_emit_mem(l, run, 0) : rf_emit(l, run);
    if (!memory)
        op->a = rf_reg_offset(o[0].reg.value);
    op->b = rf_reg_offset(o[1].reg.value);
    op->c = rf_is_imm(&o[2]) ? (uint8_t)(o[2].imm.value.u & 63) : 0xff;
    return true;
}

/* --- SHLX SHRX SARX RORX: no flags --- */
#define FLAGLESS(name, N, expression)                                                     \
    static RF_OP(name##_r_##N)                                                            \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->c);                                                 \
        RF_SET(N, op->a, expression);                                                     \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(name##_m_##N)                                                          \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                          \
        RF_SET(N, op->a, expression);                                                     \
        RF_MEM_NEXT;                                                                      \
    }
#define FLAGLESS_ALL(N)                                                                   \
    FLAGLESS(shlx, N, a << (RF_GET(N, op->b) & ((N) - 1)))                                \
    FLAGLESS(shrx, N, a >> (RF_GET(N, op->b) & ((N) - 1)))                                \
    FLAGLESS(sarx, N, (RF_STYPE_##N)a >> (RF_GET(N, op->b) & ((N) - 1)))                  \
    FLAGLESS(rorx, N, a >> op->imm | a << (((N) - op->imm) & ((N) - 1)))
FLAGLESS_ALL(32)
FLAGLESS_ALL(64)

static bool lower_flagless(struct rf_lower *l)
{
    static rf_run *const runs[4][2][2] = {
        { { shlx_r_32, shlx_r_64 }, { shlx_m_32, shlx_m_64 } },
        { { shrx_r_32, shrx_r_64 }, { shrx_m_32, shrx_m_64 } },
        { { sarx_r_32, sarx_r_64 }, { sarx_m_32, sarx_m_64 } },
        { { rorx_r_32, rorx_r_64 }, { rorx_m_32, rorx_m_64 } },
    };
    ZydisMnemonic m = l->ins.mnemonic;
    unsigned which = m == ZYDIS_MNEMONIC_SHLX ? 0 : m == ZYDIS_MNEMONIC_SHRX ? 1 : m == ZYDIS_MNEMONIC_SARX ? 2 : 3;
    const ZydisDecodedOperand *o = l->operand;
    bool memory = rf_is_mem(&o[1]), wide = o[0].size == 64;
    rf_run *run = runs[which][memory][wide];
    struct rf_op *op = memory ? rf_emit_mem(l, run, 1) : rf_emit(l, run);
    op->a = rf_reg_offset(o[0].reg.value);
    if (!memory)
        op->c = rf_reg_offset(o[1].reg.value);
    if (rf_is_imm(&o[2]))
        op->imm = o[2].imm.value.u & (wide ? 63 : 31);
    else
        op->b = rf_reg_offset(o[2].reg.value);
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_SHL, lower_shift },     { ZYDIS_MNEMONIC_SHR, lower_shift },
    { ZYDIS_MNEMONIC_SAR, lower_shift },     { ZYDIS_MNEMONIC_ROL, lower_shift },
    { ZYDIS_MNEMONIC_ROR, lower_shift },     { ZYDIS_MNEMONIC_RCL, lower_shift },
    { ZYDIS_MNEMONIC_RCR, lower_shift },     { ZYDIS_MNEMONIC_SHLD, lower_double_shift },
    { ZYDIS_MNEMONIC_SHRD, lower_double_shift }, { ZYDIS_MNEMONIC_SHLX, lower_flagless },
    { ZYDIS_MNEMONIC_SHRX, lower_flagless }, { ZYDIS_MNEMONIC_SARX, lower_flagless },
    { ZYDIS_MNEMONIC_RORX, lower_flagless },
};
const struct rf_lower_table rf_lower_shift = RF_LOWER_TABLE(entries);

/* MOV MOVZX MOVSX MOVSXD LEA XCHG BSWAP MOVBE CMOVcc SETcc, sign extensions, NOPs. */
#include "cpu/ops/integer.h"
#include "cpu/segmentation.h"

/* --- MOV --- */
#define MOVES(N)                                                                          \
    static RF_OP(mov_rr_##N) { RF_SET(N, op->a, RF_GET(N, op->b)); RF_NEXT; }             \
    static RF_OP(mov_ri_##N) { RF_SET(N, op->a, op->imm); RF_NEXT; }                      \
    RF_MEM_HANDLER(mov_load_##N)                                                          \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, value, rf_ea(cpu, op));                                      \
        RF_SET(N, op->a, value);                                                          \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(mov_load_base_##N)                                                     \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, value, rf_ea_base(cpu, op));                                 \
        RF_SET(N, op->a, value);                                                          \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(mov_store_##N)                                                         \
    {                                                                                     \
        RF_STORE(RF_TYPE_##N, rf_ea(cpu, op), RF_GET(N, op->a));                          \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(mov_store_base_##N)                                                    \
    {                                                                                     \
        RF_STORE(RF_TYPE_##N, rf_ea_base(cpu, op), RF_GET(N, op->a));                     \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(mov_store_imm_##N)                                                     \
    {                                                                                     \
        RF_STORE(RF_TYPE_##N, rf_ea(cpu, op), (RF_TYPE_##N)op->imm);                      \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    static RF_OP(xchg_rr_##N)                                                             \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a), b = RF_GET(N, op->b);                           \
        RF_SET(N, op->b, a);                                                              \
        RF_SET(N, op->a, b);                                                              \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(xchg_mr_##N)                                                           \
    {                                                                                     \
        RF_RMW_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                      \
        RF_RMW_STORE(RF_TYPE_##N, a, RF_GET(N, op->a));                                   \
        RF_SET(N, op->a, a);                                                              \
        RF_MEM_NEXT;                                                                      \
    }
RF_SIZES(MOVES)

static bool is_special(const ZydisDecodedOperand *o)
{
    if (!rf_is_reg(o))
        return false;
    ZydisRegisterClass class = ZydisRegisterGetClass(o->reg.value);
    return class == ZYDIS_REGCLASS_SEGMENT || class == ZYDIS_REGCLASS_CONTROL ||
           class == ZYDIS_REGCLASS_DEBUG;
}

/* A load or store between register `reg` and memory operand m. */
static void emit_transfer(struct rf_lower *l, rf_run *base_only, rf_run *any, unsigned m,
                          ZydisRegister reg)
{
    struct rf_address address = rf_address(l, &l->operand[m]);
    struct rf_op *op = rf_emit(l, address.has_index ? any : base_only);
    rf_set_address(op, &address);
    op->a = rf_reg_offset(reg);
}

static bool lower_mov(struct rf_lower *l)
{
    static rf_run *const rr[4] = RF_ROW(mov_rr), *const ri[4] = RF_ROW(mov_ri),
                         *const load[4] = RF_ROW(mov_load), *const store[4] = RF_ROW(mov_store),
                         *const load_base[4] = RF_ROW(mov_load_base),
                         *const store_base[4] = RF_ROW(mov_store_base),
                         *const store_imm[4] = RF_ROW(mov_store_imm);
    const ZydisDecodedOperand *to = &l->operand[0], *from = &l->operand[1];
    if (is_special(to) || is_special(from))
        return rf_lower_mov_special(l);
    unsigned size = rf_size_log2(to->size);
    if (rf_is_mem(to) && rf_is_imm(from)) {
        struct rf_op *op = rf_emit_mem(l, store_imm[size], 0);
        op->imm = (uint64_t)from->imm.value.s;
    } else if (rf_is_mem(to)) {
        emit_transfer(l, store_base[size], store[size], 0, from->reg.value);
    } else if (rf_is_mem(from)) {
        emit_transfer(l, load_base[size], load[size], 1, to->reg.value);
    } else {
        struct rf_op *op = rf_emit(l, (rf_is_imm(from) ? ri : rr)[size]);
        op->a = rf_reg_offset(to->reg.value);
        if (rf_is_imm(from))
            op->imm = (uint64_t)from->imm.value.s;
        else
            op->b = rf_reg_offset(from->reg.value);
    }
    return true;
}

static bool lower_xchg(struct rf_lower *l)
{
    static rf_run *const rr[4] = RF_ROW(xchg_rr), *const mr[4] = RF_ROW(xchg_mr);
    const ZydisDecodedOperand *o = l->operand;
    unsigned size = rf_size_log2(o[0].size);
    struct rf_op *op;
    l->cost_class = rf_is_mem(&o[0]) || rf_is_mem(&o[1]) ? RF_COST_ATOMIC : RF_COST_ALU;
    if (rf_is_mem(&o[0]) || rf_is_mem(&o[1])) {
        unsigned m = rf_is_mem(&o[0]) ? 0 : 1;
        op = rf_emit_mem(l, mr[size], m);
        op->a = rf_reg_offset(o[1 - m].reg.value);
    } else {
        op = rf_emit(l, rr[size]);
        op->a = rf_reg_offset(o[0].reg.value);
        op->b = rf_reg_offset(o[1].reg.value);
    }
    return true;
}

/* --- MOVZX, MOVSX, MOVSXD: from F bits, signed or not, to T bits --- */
#define EXTEND(name, FROM, T)                                                             \
    static RF_OP(name##_r_##T) { RF_SET(T, op->a, (RF_STYPE_##T)RF_AT(FROM, op->b)); RF_NEXT; } \
    RF_MEM_HANDLER(name##_m_##T)                                                          \
    {                                                                                     \
        RF_LOAD(FROM, value, rf_ea(cpu, op));                                             \
        RF_SET(T, op->a, (RF_STYPE_##T)value);                                            \
        RF_MEM_NEXT;                                                                      \
    }
#define EXTENSIONS(T)                                                                     \
    EXTEND(zx8, uint8_t, T) EXTEND(zx16, uint16_t, T) EXTEND(sx8, int8_t, T)              \
    EXTEND(sx16, int16_t, T) EXTEND(sx32, int32_t, T)
RF_SIZES_WIDE(EXTENSIONS)

static bool lower_extend(struct rf_lower *l)
{
    static rf_run *const zero[2][2][4] = {
        { RF_ROW_WIDE(zx8_r), RF_ROW_WIDE(zx16_r) }, { RF_ROW_WIDE(zx8_m), RF_ROW_WIDE(zx16_m) }
    };
    static rf_run *const sign[2][3][4] = {
        { RF_ROW_WIDE(sx8_r), RF_ROW_WIDE(sx16_r), RF_ROW_WIDE(sx32_r) },
        { RF_ROW_WIDE(sx8_m), RF_ROW_WIDE(sx16_m), RF_ROW_WIDE(sx32_m) }
    };
    unsigned from = rf_size_log2(l->operand[1].size), to = rf_size_log2(l->operand[0].size);
    if (l->ins.mnemonic == ZYDIS_MNEMONIC_MOVZX)
        rf_emit_from(l, zero[0][from][to], zero[1][from][to]);
    else
        rf_emit_from(l, sign[0][from][to], sign[1][from][to]);
    return true;
}

/* --- LEA --- */
static RF_OP(lea_64) { RF_R64(op->a) = rf_ea(cpu, op); RF_NEXT; }
static RF_OP(lea_base_64) { RF_R64(op->a) = rf_ea_base(cpu, op); RF_NEXT; }
static RF_OP(lea_32) { RF_R64(op->a) = (uint32_t)rf_ea(cpu, op); RF_NEXT; }
static RF_OP(lea_16) { RF_R16(op->a) = (uint16_t)rf_ea(cpu, op); RF_NEXT; }

static bool lower_lea(struct rf_lower *l)
{
    struct rf_address address = rf_address(l, &l->operand[1]);
    unsigned size = l->operand[0].size;
    rf_run *run = size == 16 ? lea_16 : size == 32 ? lea_32 : address.has_index ? lea_64 : lea_base_64;
    struct rf_op *op = rf_emit(l, run);
    rf_set_address(op, &address);
    op->a = rf_reg_offset(l->operand[0].reg.value);
    return true;
}

/* --- CMOVcc and SETcc, by what is known of the flags --- */
#define CONDITIONAL(cond, name, kind, bits)                                               \
    static RF_OP(cmov32_##name##_##cond)                                                  \
    {                                                                                     \
        bool take = rf_cond_known(cpu, kind, bits, cond);                                 \
        RF_R64(op->a) = take ? RF_R32(op->b) : RF_R32(op->a);                             \
        RF_NEXT;                                                                          \
    }                                                                                     \
    static RF_OP(cmov64_##name##_##cond)                                                  \
    {                                                                                     \
        bool take = rf_cond_known(cpu, kind, bits, cond);                                 \
        RF_R64(op->a) = take ? RF_R64(op->b) : RF_R64(op->a);                             \
        RF_NEXT;                                                                          \
    }                                                                                     \
    static RF_OP(set_##name##_##cond)                                                     \
    {                                                                                     \
        RF_R8(op->a) = rf_cond_known(cpu, kind, bits, cond);                              \
        RF_NEXT;                                                                          \
    }
#define FOR_KIND(name, kind, bits) RF_CONDITIONS(CONDITIONAL, name, kind, bits)
RF_KNOWN_KINDS(FOR_KIND)

static RF_OP(cmov16)
{
    if (rf_flags_test(cpu, op->c))
        RF_R16(op->a) = RF_R16(op->b);
    RF_NEXT;
}

/* The load happens, and may fault, whatever the condition says. */
#define CMOV_LOAD(N)                                                                      \
    RF_MEM_HANDLER(cmov_load_##N)                                                         \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, value, rf_ea(cpu, op));                                      \
        RF_SET(N, op->a, rf_flags_test(cpu, op->c) ? value : RF_GET(N, op->a));           \
        RF_MEM_NEXT;                                                                      \
    }
RF_SIZES_WIDE(CMOV_LOAD)

RF_MEM_HANDLER(set_mem)
{
    RF_STORE(uint8_t, rf_ea(cpu, op), rf_flags_test(cpu, op->c));
    RF_MEM_NEXT;
}

#define ROW_cmov32(name, kind, bits) RF_BY_CONDITION(cmov32_##name),
#define ROW_cmov64(name, kind, bits) RF_BY_CONDITION(cmov64_##name),
#define ROW_set(name, kind, bits) RF_BY_CONDITION(set_##name),
static rf_run *const cmov32[RF_KNOWN_COUNT][16] = { RF_KNOWN_KINDS(ROW_cmov32) };
static rf_run *const cmov64[RF_KNOWN_COUNT][16] = { RF_KNOWN_KINDS(ROW_cmov64) };
static rf_run *const set[RF_KNOWN_COUNT][16] = { RF_KNOWN_KINDS(ROW_set) };

static bool lower_cmov(struct rf_lower *l)
{
    static rf_run *const load[4] = RF_ROW_WIDE(cmov_load);
    unsigned condition = rf_condition(l), size = rf_size_log2(l->operand[0].size);
    struct rf_op *op;
    if (rf_is_mem(&l->operand[1])) {
        op = rf_emit_mem(l, load[size], 1);
    } else {
        enum rf_known_kind known = rf_known_kind(l->cc_known);
        op = rf_emit(l, size == 1 ? cmov16 : (size == 2 ? cmov32 : cmov64)[known][condition]);
        op->b = rf_reg_offset(l->operand[1].reg.value);
    }
    op->a = rf_reg_offset(l->operand[0].reg.value);
    op->c = (uint8_t)condition;
    return true;
}

static bool lower_set(struct rf_lower *l)
{
    unsigned condition = rf_condition(l);
    struct rf_op *op;
    if (rf_is_mem(&l->operand[0])) {
        op = rf_emit_mem(l, set_mem, 0);
    } else {
        op = rf_emit(l, set[rf_known_kind(l->cc_known)][condition]);
        op->a = rf_reg_offset(l->operand[0].reg.value);
    }
    op->c = (uint8_t)condition;
    return true;
}

/* --- byte order --- */
static RF_OP(bswap_32) { RF_R64(op->a) = __builtin_bswap32(RF_R32(op->a)); RF_NEXT; }
static RF_OP(bswap_64) { RF_R64(op->a) = __builtin_bswap64(RF_R64(op->a)); RF_NEXT; }
/* Undefined by the manual; Intel and AMD CPUs clear the 16 bits. */
static RF_OP(bswap_16) { RF_R16(op->a) = 0; RF_NEXT; }

static bool lower_bswap(struct rf_lower *l)
{
    unsigned size = l->operand[0].size;
    struct rf_op *op = rf_emit(l, size == 64 ? bswap_64 : size == 32 ? bswap_32 : bswap_16);
    op->a = rf_reg_offset(l->operand[0].reg.value);
    return true;
}

#define MOVBE(N)                                                                          \
    RF_MEM_HANDLER(movbe_load_##N)                                                        \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, value, rf_ea(cpu, op));                                      \
        RF_SET(N, op->a, __builtin_bswap##N(value));                                      \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(movbe_store_##N)                                                       \
    {                                                                                     \
        RF_STORE(RF_TYPE_##N, rf_ea(cpu, op), __builtin_bswap##N(RF_GET(N, op->a)));      \
        RF_MEM_NEXT;                                                                      \
    }
RF_SIZES_WIDE(MOVBE)

static bool lower_movbe(struct rf_lower *l)
{
    static rf_run *const load[4] = RF_ROW_WIDE(movbe_load), *const store[4] = RF_ROW_WIDE(movbe_store);
    unsigned m = rf_is_mem(&l->operand[0]) ? 0 : 1;
    unsigned size = rf_size_log2(l->operand[0].size);
    struct rf_op *op = rf_emit_mem(l, (m ? load : store)[size], m);
    op->a = rf_reg_offset(l->operand[1 - m].reg.value);
    return true;
}

/* --- sign extension of the accumulator --- */
static RF_OP(cbw) { RF_R16(0) = (uint16_t)(int8_t)RF_R8(0); RF_NEXT; }
static RF_OP(cwde) { RF_R64(0) = (uint32_t)(int16_t)RF_R16(0); RF_NEXT; }
static RF_OP(cdqe) { RF_R64(0) = (uint64_t)(int32_t)RF_R32(0); RF_NEXT; }
static RF_OP(cwd) { RF_R16(RF_OFFSET(RF_RDX)) = (uint16_t)((int16_t)RF_R16(0) >> 15); RF_NEXT; }
static RF_OP(cdq) { cpu->r[RF_RDX] = (uint32_t)((int32_t)RF_R32(0) >> 31); RF_NEXT; }
static RF_OP(cqo) { cpu->r[RF_RDX] = (uint64_t)((int64_t)cpu->r[RF_RAX] >> 63); RF_NEXT; }

static bool lower_accumulator(struct rf_lower *l)
{
    rf_run *run;
    switch (l->ins.mnemonic) {
    case ZYDIS_MNEMONIC_CBW: run = cbw; break;
    case ZYDIS_MNEMONIC_CWDE: run = cwde; break;
    case ZYDIS_MNEMONIC_CDQE: run = cdqe; break;
    case ZYDIS_MNEMONIC_CWD: run = cwd; break;
    case ZYDIS_MNEMONIC_CDQ: run = cdq; break;
    default: run = cqo; break;
    }
    rf_emit(l, run);
    return true;
}

/* --- nothing, hints, and table look-up --- */
static RF_OP(nop) { RF_NEXT; }

static bool lower_nop(struct rf_lower *l)
{
    rf_emit(l, nop);
    return true;
}

RF_MEM_HANDLER(xlat)
{
    RF_LOAD(uint8_t, value, rf_ea(cpu, op));
    RF_R8(0) = value;
    RF_MEM_NEXT;
}

static bool lower_xlat(struct rf_lower *l)
{
    ZydisRegister segment = ZYDIS_REGISTER_DS;
    for (unsigned i = 0; i < l->ins.operand_count; i++)
        if (rf_is_mem(&l->operand[i]))
            segment = l->operand[i].mem.segment;
    rf_emit_implicit(l, xlat, segment, RF_RBX, true);
    return true;
}

#define CMOV(cc) { ZYDIS_MNEMONIC_CMOV##cc, lower_cmov }
#define SET(cc) { ZYDIS_MNEMONIC_SET##cc, lower_set }
static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_MOV, lower_mov },       { ZYDIS_MNEMONIC_XCHG, lower_xchg },
    { ZYDIS_MNEMONIC_MOVNTI, lower_mov },    { ZYDIS_MNEMONIC_MOVZX, lower_extend },
    { ZYDIS_MNEMONIC_MOVSX, lower_extend },  { ZYDIS_MNEMONIC_MOVSXD, lower_extend },
    { ZYDIS_MNEMONIC_LEA, lower_lea },       { ZYDIS_MNEMONIC_BSWAP, lower_bswap },
    { ZYDIS_MNEMONIC_MOVBE, lower_movbe },   { ZYDIS_MNEMONIC_CBW, lower_accumulator },
    { ZYDIS_MNEMONIC_CWDE, lower_accumulator }, { ZYDIS_MNEMONIC_CDQE, lower_accumulator },
    { ZYDIS_MNEMONIC_CWD, lower_accumulator }, { ZYDIS_MNEMONIC_CDQ, lower_accumulator },
    { ZYDIS_MNEMONIC_CQO, lower_accumulator }, { ZYDIS_MNEMONIC_NOP, lower_nop },
    { ZYDIS_MNEMONIC_PAUSE, lower_nop },     { ZYDIS_MNEMONIC_PREFETCH, lower_nop },
    { ZYDIS_MNEMONIC_PREFETCHNTA, lower_nop }, { ZYDIS_MNEMONIC_PREFETCHT0, lower_nop },
    { ZYDIS_MNEMONIC_PREFETCHT1, lower_nop }, { ZYDIS_MNEMONIC_PREFETCHT2, lower_nop },
    { ZYDIS_MNEMONIC_PREFETCHW, lower_nop }, { ZYDIS_MNEMONIC_PREFETCHWT1, lower_nop },
    { ZYDIS_MNEMONIC_LFENCE, lower_nop },    { ZYDIS_MNEMONIC_MFENCE, lower_nop },
    { ZYDIS_MNEMONIC_SFENCE, lower_nop },    { ZYDIS_MNEMONIC_XLAT, lower_xlat },
    CMOV(O), CMOV(NO), CMOV(B), CMOV(NB), CMOV(Z), CMOV(NZ), CMOV(BE), CMOV(NBE),
    CMOV(S), CMOV(NS), CMOV(P), CMOV(NP), CMOV(L), CMOV(NL), CMOV(LE), CMOV(NLE),
    SET(O), SET(NO), SET(B), SET(NB), SET(Z), SET(NZ), SET(BE), SET(NBE),
    SET(S), SET(NS), SET(P), SET(NP), SET(L), SET(NL), SET(LE), SET(NLE),
};
const struct rf_lower_table rf_lower_move = RF_LOWER_TABLE(entries);

/* ADD OR ADC SBB AND SUB XOR CMP TEST INC DEC NEG NOT, and their fusion with the branch
 * that follows (SDM 2, the instructions' pages; flags: SDM 1, 3.4.3.1). */
#include "cpu/ops/integer.h"

/* --- two operands ---
 * COMPUTE(N, a, b) declares r, the result, and leaves the flags if `f` is 1. */
#define CC(N, kind, result, source) rf_cc_set(cpu, RF_CC_##kind + RF_LOG2_##N, (result), (source))
#define DO_ADD(N, f) RF_TYPE_##N r = (RF_TYPE_##N)(a + b); if (f) CC(N, ADD, r, b);
#define DO_SUB(N, f) RF_TYPE_##N r = (RF_TYPE_##N)(a - b); if (f) CC(N, SUB, r, b);
#define DO_AND(N, f) RF_TYPE_##N r = a & b; if (f) CC(N, LOGIC, r, 0);
#define DO_OR(N, f) RF_TYPE_##N r = a | b; if (f) CC(N, LOGIC, r, 0);
#define DO_XOR(N, f) RF_TYPE_##N r = a ^ b; if (f) CC(N, LOGIC, r, 0);
#define DO_ADC(N, f)                                                                      \
    bool carry_ = rf_flags_carry(cpu);                                                    \
    RF_TYPE_##N r = (RF_TYPE_##N)(a + b + carry_);                                        \
    rf_cc_set(cpu, (carry_ ? RF_CC_ADC : RF_CC_ADD) + RF_LOG2_##N, r, b);
#define DO_SBB(N, f)                                                                      \
    bool carry_ = rf_flags_carry(cpu);                                                    \
    RF_TYPE_##N r = (RF_TYPE_##N)(a - b - carry_);                                        \
    rf_cc_set(cpu, (carry_ ? RF_CC_SBB : RF_CC_SUB) + RF_LOG2_##N, r, b);

#define WRITING(name, DO, f, N)                                                           \
    static RF_OP(name##_rr_##N)                                                           \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a), b = RF_GET(N, op->b);                           \
        DO(N, f)                                                                          \
        RF_SET(N, op->a, r);                                                              \
        RF_NEXT;                                                                          \
    }                                                                                     \
    static RF_OP(name##_ri_##N)                                                           \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a), b = (RF_TYPE_##N)op->imm;                       \
        DO(N, f)                                                                          \
        RF_SET(N, op->a, r);                                                              \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(name##_rm_##N)                                                         \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, b, rf_ea(cpu, op));                                          \
        RF_TYPE_##N a = RF_GET(N, op->a);                                                 \
        DO(N, f)                                                                          \
        RF_SET(N, op->a, r);                                                              \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(name##_mr_##N)                                                         \
    {                                                                                     \
        RF_RMW_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                      \
        RF_TYPE_##N b = RF_GET(N, op->b);                                                 \
        DO(N, f)                                                                          \
        RF_RMW_STORE(RF_TYPE_##N, a, r);                                                  \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(name##_mi_##N)                                                         \
    {                                                                                     \
        RF_RMW_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                      \
        RF_TYPE_##N b = (RF_TYPE_##N)op->imm;                                             \
        DO(N, f)                                                                          \
        RF_RMW_STORE(RF_TYPE_##N, a, r);                                                  \
        RF_MEM_NEXT;                                                                      \
    }

/* CMP and TEST: `mr` reads memory first operand, so does `mi`. */
#define COMPARING(name, DO, N)                                                            \
    static RF_OP(name##_rr_##N)                                                           \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a), b = RF_GET(N, op->b);                           \
        DO(N, 1)                                                                          \
        RF_NEXT;                                                                          \
    }                                                                                     \
    static RF_OP(name##_ri_##N)                                                           \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a), b = (RF_TYPE_##N)op->imm;                       \
        DO(N, 1)                                                                          \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(name##_rm_##N)                                                         \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, b, rf_ea(cpu, op));                                          \
        RF_TYPE_##N a = RF_GET(N, op->a);                                                 \
        DO(N, 1)                                                                          \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(name##_mr_##N)                                                         \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                          \
        RF_TYPE_##N b = RF_GET(N, op->b);                                                 \
        DO(N, 1)                                                                          \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(name##_mi_##N)                                                         \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                          \
        RF_TYPE_##N b = (RF_TYPE_##N)op->imm;                                             \
        DO(N, 1)                                                                          \
        RF_MEM_NEXT;                                                                      \
    }

#define ALL_FORMS(N)                                                                      \
    WRITING(add, DO_ADD, 1, N) WRITING(add_nf, DO_ADD, 0, N)                              \
    WRITING(sub, DO_SUB, 1, N) WRITING(sub_nf, DO_SUB, 0, N)                              \
    WRITING(and, DO_AND, 1, N) WRITING(and_nf, DO_AND, 0, N)                              \
    WRITING(or, DO_OR, 1, N) WRITING(or_nf, DO_OR, 0, N)                                  \
    WRITING(xor, DO_XOR, 1, N) WRITING(xor_nf, DO_XOR, 0, N)                              \
    WRITING(adc, DO_ADC, 1, N) WRITING(sbb, DO_SBB, 1, N)                                 \
    COMPARING(cmp, DO_SUB, N) COMPARING(test, DO_AND, N)
RF_SIZES(ALL_FORMS)

/* XOR and SUB of a register with itself: zero. */
#define ZERO(N)                                                                           \
    static RF_OP(zero_##N)                                                                \
    {                                                                                     \
        RF_SET(N, op->a, 0);                                                              \
        CC(N, LOGIC, 0, 0);                                                               \
        RF_NEXT;                                                                          \
    }                                                                                     \
    static RF_OP(zero_nf_##N)                                                             \
    {                                                                                     \
        RF_SET(N, op->a, 0);                                                              \
        RF_NEXT;                                                                          \
    }
RF_SIZES(ZERO)

/* --- fused with the conditional branch that follows --- */
#define BRANCH_IF(condition)                                                              \
    do {                                                                                  \
        if (condition)                                                                    \
            RF_LEAVE(taken);                                                              \
        RF_LEAVE(fall);                                                                   \
    } while (0)

#define FUSED_CMP(cond, N)                                                                \
    static RF_OP(jcmp_rr_##N##_##cond)                                                    \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a), b = RF_GET(N, op->b);                           \
        CC(N, SUB, (RF_TYPE_##N)(a - b), b);                                              \
        BRANCH_IF(rf_cond_sub(a, b, N, cond));                                            \
    }                                                                                     \
    static RF_OP(jcmp_ri_##N##_##cond)                                                    \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a), b = (RF_TYPE_##N)op->imm;                       \
        CC(N, SUB, (RF_TYPE_##N)(a - b), b);                                              \
        BRANCH_IF(rf_cond_sub(a, b, N, cond));                                            \
    }                                                                                     \
    RF_MEM_HANDLER(jcmp_rm_##N##_##cond)                                                  \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, b, rf_ea(cpu, op));                                          \
        RF_TYPE_##N a = RF_GET(N, op->a);                                                 \
        CC(N, SUB, (RF_TYPE_##N)(a - b), b);                                              \
        BRANCH_IF(rf_cond_sub(a, b, N, cond));                                            \
    }                                                                                     \
    RF_MEM_HANDLER(jcmp_mr_##N##_##cond)                                                  \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                          \
        RF_TYPE_##N b = RF_GET(N, op->b);                                                 \
        CC(N, SUB, (RF_TYPE_##N)(a - b), b);                                              \
        BRANCH_IF(rf_cond_sub(a, b, N, cond));                                            \
    }                                                                                     \
    RF_MEM_HANDLER(jcmp_mi_##N##_##cond)                                                  \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                          \
        RF_TYPE_##N b = (RF_TYPE_##N)op->imm;                                             \
        CC(N, SUB, (RF_TYPE_##N)(a - b), b);                                              \
        BRANCH_IF(rf_cond_sub(a, b, N, cond));                                            \
    }                                                                                     \
    static RF_OP(jtest_rr_##N##_##cond)                                                   \
    {                                                                                     \
        RF_TYPE_##N r = RF_GET(N, op->a) & RF_GET(N, op->b);                              \
        CC(N, LOGIC, r, 0);                                                               \
        BRANCH_IF(rf_cond_logic(r, N, cond));                                             \
    }                                                                                     \
    static RF_OP(jtest_ri_##N##_##cond)                                                   \
    {                                                                                     \
        RF_TYPE_##N r = RF_GET(N, op->a) & (RF_TYPE_##N)op->imm;                          \
        CC(N, LOGIC, r, 0);                                                               \
        BRANCH_IF(rf_cond_logic(r, N, cond));                                             \
    }                                                                                     \
    RF_MEM_HANDLER(jtest_mi_##N##_##cond)                                                 \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                          \
        RF_TYPE_##N r = a & (RF_TYPE_##N)op->imm;                                         \
        CC(N, LOGIC, r, 0);                                                               \
        BRANCH_IF(rf_cond_logic(r, N, cond));                                             \
    }
RF_CONDITIONS(FUSED_CMP, 8)
RF_CONDITIONS(FUSED_CMP, 16)
RF_CONDITIONS(FUSED_CMP, 32)
RF_CONDITIONS(FUSED_CMP, 64)

/* The writing forms that compilers put before a branch: wide registers only. */
#define FUSED_WRITE(cond, N)                                                              \
    static RF_OP(jsub_rr_##N##_##cond)                                                    \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a), b = RF_GET(N, op->b);                           \
        CC(N, SUB, a - b, b);                                                             \
        RF_SET(N, op->a, a - b);                                                          \
        BRANCH_IF(rf_cond_sub(a, b, N, cond));                                            \
    }                                                                                     \
    static RF_OP(jsub_ri_##N##_##cond)                                                    \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a), b = (RF_TYPE_##N)op->imm;                       \
        CC(N, SUB, a - b, b);                                                             \
        RF_SET(N, op->a, a - b);                                                          \
        BRANCH_IF(rf_cond_sub(a, b, N, cond));                                            \
    }                                                                                     \
    static RF_OP(jadd_rr_##N##_##cond)                                                    \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a), b = RF_GET(N, op->b), r = a + b;                \
        CC(N, ADD, r, b);                                                                 \
        RF_SET(N, op->a, r);                                                              \
        BRANCH_IF(rf_cond_add(r, b, N, cond));                                            \
    }                                                                                     \
    static RF_OP(jadd_ri_##N##_##cond)                                                    \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a), b = (RF_TYPE_##N)op->imm, r = a + b;            \
        CC(N, ADD, r, b);                                                                 \
        RF_SET(N, op->a, r);                                                              \
        BRANCH_IF(rf_cond_add(r, b, N, cond));                                            \
    }                                                                                     \
    static RF_OP(jand_rr_##N##_##cond)                                                    \
    {                                                                                     \
        RF_TYPE_##N r = RF_GET(N, op->a) & RF_GET(N, op->b);                              \
        CC(N, LOGIC, r, 0);                                                               \
        RF_SET(N, op->a, r);                                                              \
        BRANCH_IF(rf_cond_logic(r, N, cond));                                             \
    }                                                                                     \
    static RF_OP(jand_ri_##N##_##cond)                                                    \
    {                                                                                     \
        RF_TYPE_##N r = RF_GET(N, op->a) & (RF_TYPE_##N)op->imm;                          \
        CC(N, LOGIC, r, 0);                                                               \
        RF_SET(N, op->a, r);                                                              \
        BRANCH_IF(rf_cond_logic(r, N, cond));                                             \
    }
RF_CONDITIONS(FUSED_WRITE, 32)
RF_CONDITIONS(FUSED_WRITE, 64)

#define BY_SIZE_AND_CONDITION(name)                                                       \
    { RF_BY_CONDITION(name##_8), RF_BY_CONDITION(name##_16), RF_BY_CONDITION(name##_32),  \
      RF_BY_CONDITION(name##_64) }
#define WIDE_AND_CONDITION(name)                                                          \
    { { NULL }, { NULL }, RF_BY_CONDITION(name##_32), RF_BY_CONDITION(name##_64) }

enum form { FORM_RR, FORM_RI, FORM_RM, FORM_MR, FORM_MI, FORM_COUNT };

static rf_run *const fused_cmp[FORM_COUNT][4][16] = {
    [FORM_RR] = BY_SIZE_AND_CONDITION(jcmp_rr), [FORM_RI] = BY_SIZE_AND_CONDITION(jcmp_ri),
    [FORM_RM] = BY_SIZE_AND_CONDITION(jcmp_rm), [FORM_MR] = BY_SIZE_AND_CONDITION(jcmp_mr),
    [FORM_MI] = BY_SIZE_AND_CONDITION(jcmp_mi),
};
static rf_run *const fused_test[FORM_COUNT][4][16] = {
    [FORM_RR] = BY_SIZE_AND_CONDITION(jtest_rr),
    [FORM_RI] = BY_SIZE_AND_CONDITION(jtest_ri),
    [FORM_MI] = BY_SIZE_AND_CONDITION(jtest_mi),
};
static rf_run *const fused_add[FORM_COUNT][4][16] = {
    [FORM_RR] = WIDE_AND_CONDITION(jadd_rr), [FORM_RI] = WIDE_AND_CONDITION(jadd_ri),
};
static rf_run *const fused_sub[FORM_COUNT][4][16] = {
    [FORM_RR] = WIDE_AND_CONDITION(jsub_rr), [FORM_RI] = WIDE_AND_CONDITION(jsub_ri),
};
static rf_run *const fused_and[FORM_COUNT][4][16] = {
    [FORM_RR] = WIDE_AND_CONDITION(jand_rr), [FORM_RI] = WIDE_AND_CONDITION(jand_ri),
};

#define FORMS(name)                                                                       \
    { [FORM_RR] = RF_ROW(name##_rr), [FORM_RI] = RF_ROW(name##_ri),                       \
      [FORM_RM] = RF_ROW(name##_rm), [FORM_MR] = RF_ROW(name##_mr),                       \
      [FORM_MI] = RF_ROW(name##_mi) }

struct alu_family {
    ZydisMnemonic mnemonic;
    enum rf_cc cc; /* left behind; 0 if not known before it runs */
    rf_run *const (*fused)[4][16];
    rf_run *with_flags[FORM_COUNT][4];
    rf_run *without[FORM_COUNT][4];
};

static const struct alu_family alu_families[] = {
    { ZYDIS_MNEMONIC_ADD, RF_CC_ADD, fused_add, FORMS(add), FORMS(add_nf) },
    { ZYDIS_MNEMONIC_SUB, RF_CC_SUB, fused_sub, FORMS(sub), FORMS(sub_nf) },
    { ZYDIS_MNEMONIC_AND, RF_CC_LOGIC, fused_and, FORMS(and), FORMS(and_nf) },
    { ZYDIS_MNEMONIC_OR, RF_CC_LOGIC, NULL, FORMS(or), FORMS(or_nf) },
    { ZYDIS_MNEMONIC_XOR, RF_CC_LOGIC, NULL, FORMS(xor), FORMS(xor_nf) },
    { ZYDIS_MNEMONIC_ADC, 0, NULL, FORMS(adc), FORMS(adc) },
    { ZYDIS_MNEMONIC_SBB, 0, NULL, FORMS(sbb), FORMS(sbb) },
    { ZYDIS_MNEMONIC_CMP, RF_CC_SUB, fused_cmp, FORMS(cmp), FORMS(cmp) },
    { ZYDIS_MNEMONIC_TEST, RF_CC_LOGIC, fused_test, FORMS(test), FORMS(test) },
};

static const struct alu_family *family_of(ZydisMnemonic mnemonic)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(alu_families); i++)
        if (alu_families[i].mnemonic == mnemonic)
            return &alu_families[i];
    return NULL;
}

static enum form form_of(const struct rf_lower *l)
{
    const ZydisDecodedOperand *o = l->operand;
    if (rf_is_mem(&o[0]))
        return rf_is_imm(&o[1]) ? FORM_MI : FORM_MR;
    return rf_is_imm(&o[1]) ? FORM_RI : rf_is_mem(&o[1]) ? FORM_RM : FORM_RR;
}

static bool is_zeroing(const struct rf_lower *l, enum form form)
{
    return form == FORM_RR && l->operand[0].reg.value == l->operand[1].reg.value &&
           (l->ins.mnemonic == ZYDIS_MNEMONIC_XOR || l->ins.mnemonic == ZYDIS_MNEMONIC_SUB);
}

static void lower_zeroing(struct rf_lower *l, unsigned size)
{
    static rf_run *const flags[4] = RF_ROW(zero), *const none[4] = RF_ROW(zero_nf);
    struct rf_op *op = rf_emit(l, (l->flags_live ? flags : none)[size]);
    op->a = rf_reg_offset(l->operand[0].reg.value);
    l->cc_after = l->flags_live ? RF_CC_LOGIC + (int)size : -1;
}

static bool lower_alu(struct rf_lower *l)
{
    const struct alu_family *family = family_of(l->ins.mnemonic);
    enum form form = form_of(l);
    unsigned size = rf_size_log2(l->operand[0].size);
    if (is_zeroing(l, form)) {
        lower_zeroing(l, size);
        return true;
    }
    rf_run *run = (l->flags_live ? family->with_flags : family->without)[form][size];
    struct rf_op *op;
    if (form == FORM_RM)
        op = rf_emit_mem(l, run, 1);
    else if (form == FORM_MR || form == FORM_MI)
        op = rf_emit_mem(l, run, 0);
    else
        op = rf_emit(l, run);
    if (rf_is_reg(&l->operand[0]))
        op->a = rf_reg_offset(l->operand[0].reg.value);
    if (rf_is_reg(&l->operand[1]))
        op->b = rf_reg_offset(l->operand[1].reg.value);
    if (rf_is_imm(&l->operand[1]))
        op->imm = (uint64_t)l->operand[1].imm.value.s;
    if (!l->flags_live || !family->cc)
        return true;
    l->cc_after = (int)(family->cc + size);
    if (family->fused && family->fused[form][size][0])
        l->fusable_after = family->fused[form][size];
    return true;
}

/* --- one operand --- */
#define DO_INC(N, f)                                                                      \
    RF_TYPE_##N r = (RF_TYPE_##N)(a + 1);                                                 \
    if (f) { uint64_t carry_ = rf_flags_carry(cpu); CC(N, INC, r, carry_); }
#define DO_DEC(N, f)                                                                      \
    RF_TYPE_##N r = (RF_TYPE_##N)(a - 1);                                                 \
    if (f) { uint64_t carry_ = rf_flags_carry(cpu); CC(N, DEC, r, carry_); }
#define DO_NEG(N, f) RF_TYPE_##N r = (RF_TYPE_##N)(0 - a); if (f) CC(N, SUB, r, a);
#define DO_NOT(N, f) RF_TYPE_##N r = (RF_TYPE_##N)~a;

#define UNARY(name, DO, f, N)                                                             \
    static RF_OP(name##_r_##N)                                                            \
    {                                                                                     \
        RF_TYPE_##N a = RF_GET(N, op->a);                                                 \
        DO(N, f)                                                                          \
        RF_SET(N, op->a, r);                                                              \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(name##_m_##N)                                                          \
    {                                                                                     \
        RF_RMW_LOAD(RF_TYPE_##N, a, rf_ea(cpu, op));                                      \
        DO(N, f)                                                                          \
        RF_RMW_STORE(RF_TYPE_##N, a, r);                                                  \
        RF_MEM_NEXT;                                                                      \
    }
#define ALL_UNARY(N)                                                                      \
    UNARY(inc, DO_INC, 1, N) UNARY(inc_nf, DO_INC, 0, N) UNARY(dec, DO_DEC, 1, N)         \
    UNARY(dec_nf, DO_DEC, 0, N) UNARY(neg, DO_NEG, 1, N) UNARY(neg_nf, DO_NEG, 0, N)      \
    UNARY(not, DO_NOT, 0, N)
RF_SIZES(ALL_UNARY)

struct unary_family {
    ZydisMnemonic mnemonic;
    rf_run *with_flags[2][4]; /* [memory][size] */
    rf_run *without[2][4];
};

static const struct unary_family unary_families[] = {
    { ZYDIS_MNEMONIC_INC, { RF_ROW(inc_r), RF_ROW(inc_m) }, { RF_ROW(inc_nf_r), RF_ROW(inc_nf_m) } },
    { ZYDIS_MNEMONIC_DEC, { RF_ROW(dec_r), RF_ROW(dec_m) }, { RF_ROW(dec_nf_r), RF_ROW(dec_nf_m) } },
    { ZYDIS_MNEMONIC_NEG, { RF_ROW(neg_r), RF_ROW(neg_m) }, { RF_ROW(neg_nf_r), RF_ROW(neg_nf_m) } },
    { ZYDIS_MNEMONIC_NOT, { RF_ROW(not_r), RF_ROW(not_m) }, { RF_ROW(not_r), RF_ROW(not_m) } },
};

static bool lower_unary(struct rf_lower *l)
{
    const struct unary_family *family = unary_families;
    while (family->mnemonic != l->ins.mnemonic)
        family++;
    unsigned size = rf_size_log2(l->operand[0].size);
    bool memory = rf_is_mem(&l->operand[0]);
    /* INC and DEC leave CF alone, so CF being read later does not keep them alive. */
    bool live = l->flags_live != 0;
    rf_run *run = (live ? family->with_flags : family->without)[memory][size];
    if (memory) {
        rf_emit_mem(l, run, 0);
    } else {
        struct rf_op *op = rf_emit(l, run);
        op->a = rf_reg_offset(l->operand[0].reg.value);
    }
    if (live && l->ins.mnemonic == ZYDIS_MNEMONIC_NEG)
        l->cc_after = (int)(RF_CC_SUB + size);
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_ADD, lower_alu },   { ZYDIS_MNEMONIC_OR, lower_alu },
    { ZYDIS_MNEMONIC_ADC, lower_alu },   { ZYDIS_MNEMONIC_SBB, lower_alu },
    { ZYDIS_MNEMONIC_AND, lower_alu },   { ZYDIS_MNEMONIC_SUB, lower_alu },
    { ZYDIS_MNEMONIC_XOR, lower_alu },   { ZYDIS_MNEMONIC_CMP, lower_alu },
    { ZYDIS_MNEMONIC_TEST, lower_alu },  { ZYDIS_MNEMONIC_INC, lower_unary },
    { ZYDIS_MNEMONIC_DEC, lower_unary }, { ZYDIS_MNEMONIC_NEG, lower_unary },
    { ZYDIS_MNEMONIC_NOT, lower_unary },
};
const struct rf_lower_table rf_lower_alu = RF_LOWER_TABLE(entries);

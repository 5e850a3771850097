/* x87: loads, stores, exchanges and the other instructions that move values, and the
 * lowering of the whole family. An op's `a` is i of ST(i); memory operands as everywhere. */
#include "cpu/ops/x87.h"

struct rf_x87_f80 {
    uint8_t bytes[10];
};

/* --- loads --- */

/* Push a value already made; the caller has found exceptions `flags` in making it. (A denormal
 * operand is pushed even when its exception is unmasked.) */
#define PUSH(flags, set)                                \
    do {                                                \
        X87_EXECUTED;                                   \
        if (RF_UNLIKELY(x87_is_valid(cpu, 7))) {        \
            if (x87_stack_fault(cpu, op, true))         \
                x87_set_indefinite(x87_push(cpu));      \
        } else if (x87_raise(cpu, op, flags, X87_IE)) { \
            union rf_x87_reg *to = x87_push(cpu);       \
            set;                                        \
        }                                               \
    } while (0)

/* A single or double with `fraction` bits and exponent bias `bias`, to extended. Returns the
 * exceptions: a denormal operand, or a signalling NaN, which becomes quiet. */
RF_INLINE unsigned widen(uint64_t bits, const unsigned fraction, const unsigned bias,
                         union rf_x87_reg *to)
{
    const unsigned exponents = 2 * bias + 1;
    uint16_t sign = (uint16_t)((bits >> (fraction + (bias == 127 ? 8 : 11)) & 1) << 15);
    unsigned exponent = bits >> fraction & exponents;
    uint64_t mantissa = bits << (63 - fraction) & INT64_MAX;
    if (RF_LIKELY(exponent - 1 < exponents - 1)) {
        x87_set(to, (uint16_t)(sign | (exponent + 16383 - bias)), mantissa | UINT64_C(1) << 63);
        return 0;
    }
    if (exponent) { /* infinity, NaN */
        x87_set(to, sign | 0x7fff, mantissa | UINT64_C(1) << 63);
        if (!mantissa || mantissa >> 62)
            return 0;
        to->mantissa |= UINT64_C(1) << 62;
        return X87_IE;
    }
    x87_set(to, sign, 0);
    if (!mantissa)
        return 0;
    unsigned shift = (unsigned)__builtin_clzll(mantissa);
    x87_set(to, (uint16_t)(sign | (16383 - bias + 1 - shift)), mantissa << shift);
    return X87_DE;
}

#define LOAD_REAL(name, type, fraction, bias)                          \
    RF_MEM_HANDLER(name)                                               \
    {                                                                  \
        X87_WAIT;                                                      \
        RF_LOAD(type, bits, rf_ea(cpu, op));                           \
        union rf_x87_reg value;                                        \
        unsigned flags = widen(bits, fraction, bias, &value);          \
        PUSH(flags, x87_set(to, value.sign_exponent, value.mantissa)); \
        RF_MEM_NEXT;                                                   \
    }
LOAD_REAL(fld_m32, uint32_t, 23, 127)
LOAD_REAL(fld_m64, uint64_t, 52, 1023)

RF_MEM_HANDLER(fld_m80)
{
    X87_WAIT;
    RF_LOAD(struct rf_x87_f80, value, rf_ea(cpu, op));
    PUSH(0, memcpy(to, &value, sizeof value));
    RF_MEM_NEXT;
}

RF_INLINE void from_integer(union rf_x87_reg *to, int64_t value)
{
    uint16_t sign = value < 0 ? 0x8000 : 0;
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    if (!value) {
        x87_set(to, 0, 0);
        return;
    }
    unsigned shift = (unsigned)__builtin_clzll(magnitude);
    x87_set(to, (uint16_t)(sign | (16383 + 63 - shift)), magnitude << shift);
}

#define LOAD_INTEGER(name, type)              \
    RF_MEM_HANDLER(name)                      \
    {                                         \
        X87_WAIT;                             \
        RF_LOAD(type, value, rf_ea(cpu, op)); \
        PUSH(0, from_integer(to, value));     \
        RF_MEM_NEXT;                          \
    }
LOAD_INTEGER(fild_m16, int16_t)
LOAD_INTEGER(fild_m32, int32_t)
LOAD_INTEGER(fild_m64, int64_t)

RF_MEM_HANDLER(fbld)
{
    X87_COMPUTE;
    RF_LOAD(struct rf_x87_f80, decimal, rf_ea(cpu, op));
    memcpy(cpu->bounce, &decimal, sizeof decimal);
    PUSH(0, RF_X87_LOAD_MEMORY("fbld", to, X87_BOUNCE(struct rf_x87_f80)));
    RF_MEM_NEXT;
}

static RF_OP(fld_st)
{
    X87_BEGIN;
    union rf_x87_reg value = *x87_st(cpu, op->a);
    if (RF_UNLIKELY(!x87_is_valid(cpu, op->a))) {
        if (x87_stack_fault(cpu, op, false))
            x87_set_indefinite(x87_push(cpu));
        RF_NEXT;
    }
    PUSH(0, *to = value);
    RF_NEXT;
}

static RF_OP(fld1)
{
    X87_WAIT;
    PUSH(0, x87_set(to, 0x3fff, UINT64_C(1) << 63));
    RF_NEXT;
}

static RF_OP(fldz)
{
    X87_WAIT;
    PUSH(0, x87_set(to, 0, 0));
    RF_NEXT;
}

/* The others are rounded as the control word says. */
#define CONSTANT(name)                   \
    static RF_OP(name)                   \
    {                                    \
        X87_COMPUTE;                     \
        PUSH(0, RF_X87_LOAD(#name, to)); \
        RF_NEXT;                         \
    }
CONSTANT(fldl2t)
CONSTANT(fldl2e)
CONSTANT(fldpi)
CONSTANT(fldlg2)
CONSTANT(fldln2)

/* --- stores: first it is made sure that memory can be written, so that nothing fails once
 * exceptions are recorded --- */

#define STORE_OPEN(size)                              \
    const uint64_t va = rf_ea(cpu, op);               \
    void *place = NULL;                               \
    do {                                              \
        if (slow) {                                   \
            place = rf_tlb_write(cpu->tlb, va, size); \
            if (RF_UNLIKELY(!place))                  \
                return slow(cpu, op);                 \
        } else if (!rf_probe_write(cpu, va, size)) {  \
            return rf_op_fault(cpu, op);              \
        }                                             \
        X87_EXECUTED;                                 \
    } while (0)
#define STORE_PUT(type, expression)                             \
    do {                                                        \
        type value_ = (expression);                             \
        if (slow) {                                             \
            memcpy(place, &value_, sizeof value_);              \
        } else {                                                \
            memcpy(cpu->bounce, &value_, sizeof value_);        \
            rf_store_slow(cpu, va, cpu->bounce, sizeof value_); \
        }                                                       \
    } while (0)

/* Exceptions that, unmasked, keep a store from memory and the stack from being popped. */
#define FORBID_STORE (X87_IE | X87_OE | X87_UE)

/* Round an ordinary number or zero to nearest. False: something else must do it. */
RF_INLINE bool narrow(const union rf_x87_reg *from, uint16_t cw, const unsigned fraction,
                      const unsigned bias, uint64_t *bits, unsigned *flags)
{
    const unsigned drop = 63 - fraction, sign_at = fraction + (bias == 127 ? 8 : 11);
    unsigned exponent = from->sign_exponent & 0x7fff;
    uint64_t sign = (uint64_t)(from->sign_exponent >> 15) << sign_at, mantissa = from->mantissa;
    *flags = 0;
    *bits = sign;
    if (!mantissa && !exponent)
        return true;
    if (RF_UNLIKELY(exponent - (16383 - bias + 1) > 2 * bias - 2 || !(mantissa >> 63) ||
                    cw & X87_CW_RC))
        return false;
    uint64_t kept = mantissa >> drop, rest = mantissa << (64 - drop);
    bool up = rest > UINT64_C(1) << 63 || (rest == UINT64_C(1) << 63 && kept & 1);
    *bits |= ((uint64_t)(exponent - (16383 - bias) - 1) << fraction) + kept + up;
    if (rest)
        *flags = X87_PE | (up ? X87_C1 : 0);
    return true;
}

#define STORE_REAL(name, type, text, fraction, bias, indefinite, pop)                  \
    RF_MEM_HANDLER(name)                                                               \
    {                                                                                  \
        X87_COMPUTE;                                                                   \
        STORE_OPEN(sizeof(type));                                                      \
        uint64_t bits = indefinite;                                                    \
        unsigned flags;                                                                \
        bool store;                                                                    \
        if (RF_UNLIKELY(!x87_is_valid(cpu, 0))) {                                      \
            store = x87_stack_fault(cpu, op, false);                                   \
        } else {                                                                       \
            if (!narrow(x87_st(cpu, 0), cpu->fpu.cw, fraction, bias, &bits, &flags)) { \
                flags = RF_X87_STORE(text, x87_st(cpu, 0), X87_BOUNCE(type));          \
                bits = X87_BOUNCE(type);                                               \
            }                                                                          \
            store = x87_raise(cpu, op, flags, FORBID_STORE);                           \
        }                                                                              \
        if (RF_LIKELY(store)) {                                                        \
            STORE_PUT(type, (type)bits);                                               \
            if (pop)                                                                   \
                x87_pop(cpu);                                                          \
        }                                                                              \
        RF_MEM_NEXT;                                                                   \
    }
#define INDEFINITE_32 0xffc00000u
#define INDEFINITE_64 UINT64_C(0xfff8000000000000)
STORE_REAL(fst_m32, uint32_t, "fstps", 23, 127, INDEFINITE_32, false)
STORE_REAL(fstp_m32, uint32_t, "fstps", 23, 127, INDEFINITE_32, true)
STORE_REAL(fst_m64, uint64_t, "fstpl", 52, 1023, INDEFINITE_64, false)
STORE_REAL(fstp_m64, uint64_t, "fstpl", 52, 1023, INDEFINITE_64, true)

RF_MEM_HANDLER(fstp_m80)
{
    X87_WAIT;
    STORE_OPEN(10);
    union rf_x87_reg *value = &X87_BOUNCE(union rf_x87_reg);
    *value = *x87_st(cpu, 0);
    bool store = true;
    if (RF_UNLIKELY(!x87_is_valid(cpu, 0))) {
        store = x87_stack_fault(cpu, op, false);
        x87_set_indefinite(value);
    } else {
        x87_clear_c1(cpu);
    }
    if (RF_LIKELY(store)) {
        STORE_PUT(struct rf_x87_f80, X87_BOUNCE(struct rf_x87_f80));
        x87_pop(cpu);
    }
    RF_MEM_NEXT;
}

/* FIST, FISTP, FISTTP, FBSTP */
#define STORE_INTEGER(name, type, text, indefinite, pop)                        \
    RF_MEM_HANDLER(name)                                                        \
    {                                                                           \
        X87_COMPUTE;                                                            \
        STORE_OPEN(sizeof(type));                                               \
        X87_BOUNCE(type) = (type)indefinite;                                    \
        bool store;                                                             \
        if (RF_UNLIKELY(!x87_is_valid(cpu, 0))) {                               \
            store = x87_stack_fault(cpu, op, false);                            \
        } else {                                                                \
            unsigned sw = RF_X87_STORE(text, x87_st(cpu, 0), X87_BOUNCE(type)); \
            store = x87_raise(cpu, op, sw & ~X87_SF, FORBID_STORE);             \
        }                                                                       \
        if (RF_LIKELY(store)) {                                                 \
            STORE_PUT(type, X87_BOUNCE(type));                                  \
            if (pop)                                                            \
                x87_pop(cpu);                                                   \
        }                                                                       \
        RF_MEM_NEXT;                                                            \
    }
#define INDEFINITE_BCD { { 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff } }
STORE_INTEGER(fist_m16, int16_t, "fistps", INT16_MIN, false)
STORE_INTEGER(fistp_m16, int16_t, "fistps", INT16_MIN, true)
STORE_INTEGER(fisttp_m16, int16_t, "fisttps", INT16_MIN, true)
STORE_INTEGER(fist_m32, int32_t, "fistpl", INT32_MIN, false)
STORE_INTEGER(fistp_m32, int32_t, "fistpl", INT32_MIN, true)
STORE_INTEGER(fisttp_m32, int32_t, "fisttpl", INT32_MIN, true)
STORE_INTEGER(fistp_m64, int64_t, "fistpll", INT64_MIN, true)
STORE_INTEGER(fisttp_m64, int64_t, "fisttpll", INT64_MIN, true)
STORE_INTEGER(fbstp, struct rf_x87_f80, "fbstp", INDEFINITE_BCD, true)

/* --- within the stack --- */

#define STORE_ST(name, pop)                       \
    static RF_OP(name)                            \
    {                                             \
        X87_BEGIN;                                \
        union rf_x87_reg value = *x87_st(cpu, 0); \
        if (RF_UNLIKELY(!x87_is_valid(cpu, 0))) { \
            if (!x87_stack_fault(cpu, op, false)) \
                RF_NEXT;                          \
            x87_set_indefinite(&value);           \
        } else {                                  \
            x87_clear_c1(cpu);                    \
        }                                         \
        *x87_st(cpu, op->a) = value;              \
        x87_mark_valid(cpu, op->a);               \
        if (pop)                                  \
            x87_pop(cpu);                         \
        RF_NEXT;                                  \
    }
STORE_ST(fst_st, false)
STORE_ST(fstp_st, true)

/* D9 D8+i, which no manual has: FSTP that takes an empty ST(0) for nothing to store. */
static RF_OP(fstpnce)
{
    X87_BEGIN;
    x87_clear_c1(cpu);
    if (x87_is_valid(cpu, 0)) {
        *x87_st(cpu, op->a) = *x87_st(cpu, 0);
        x87_mark_valid(cpu, op->a);
    }
    x87_pop(cpu);
    RF_NEXT;
}

static RF_OP(fxch)
{
    X87_BEGIN;
    if (RF_UNLIKELY(!x87_is_valid(cpu, 0) || !x87_is_valid(cpu, op->a))) {
        if (!x87_stack_fault(cpu, op, false))
            RF_NEXT;
        if (!x87_is_valid(cpu, 0))
            x87_set_indefinite(x87_st(cpu, 0));
        if (!x87_is_valid(cpu, op->a))
            x87_set_indefinite(x87_st(cpu, op->a));
        x87_mark_valid(cpu, 0);
        x87_mark_valid(cpu, op->a);
    } else {
        x87_clear_c1(cpu);
    }
    union rf_x87_reg old = *x87_st(cpu, 0);
    *x87_st(cpu, 0) = *x87_st(cpu, op->a);
    *x87_st(cpu, op->a) = old;
    RF_NEXT;
}

/* FCMOVcc; b: the condition code. */
static RF_OP(fcmov)
{
    X87_BEGIN;
    if (RF_UNLIKELY(!x87_is_valid(cpu, 0) || !x87_is_valid(cpu, op->a))) {
        if (x87_stack_fault(cpu, op, false)) {
            x87_set_indefinite(x87_st(cpu, 0));
            x87_mark_valid(cpu, 0);
        }
        RF_NEXT;
    }
    if (rf_flags_test(cpu, op->b))
        *x87_st(cpu, 0) = *x87_st(cpu, op->a);
    RF_NEXT;
}

#define SIGN(name, statement)                      \
    static RF_OP(name)                             \
    {                                              \
        X87_BEGIN;                                 \
        union rf_x87_reg *st = x87_st(cpu, 0);     \
        if (RF_UNLIKELY(!x87_is_valid(cpu, 0))) {  \
            if (x87_stack_fault(cpu, op, false)) { \
                x87_set_indefinite(st);            \
                x87_mark_valid(cpu, 0);            \
            }                                      \
            RF_NEXT;                               \
        }                                          \
        x87_clear_c1(cpu);                         \
        statement;                                 \
        RF_NEXT;                                   \
    }
SIGN(fchs, st->sign_exponent ^= 0x8000)
SIGN(fabs_st, st->sign_exponent &= 0x7fff)

static RF_OP(ffree)
{
    X87_BEGIN;
    x87_clear_c1(cpu);
    x87_mark_empty(cpu, op->a);
    RF_NEXT;
}

static RF_OP(ffreep)
{
    X87_BEGIN;
    x87_clear_c1(cpu);
    x87_mark_empty(cpu, op->a);
    x87_pop(cpu);
    RF_NEXT;
}

static RF_OP(fincstp)
{
    X87_BEGIN;
    x87_clear_c1(cpu);
    x87_move_top(cpu, 1);
    RF_NEXT;
}

static RF_OP(fdecstp)
{
    X87_BEGIN;
    x87_clear_c1(cpu);
    x87_move_top(cpu, 7);
    RF_NEXT;
}

static const struct rf_x87_table moves = {
    .reg = {
        [X87_REG_8(0xd9, 0xc0)] = fld_st,
        [X87_REG_8(0xd9, 0xc8)] = fxch,
        [X87_REG_8(0xdd, 0xc8)] = fxch,
        [X87_REG_8(0xdf, 0xc8)] = fxch,
        [X87_REG_8(0xda, 0xc0)] = fcmov,
        [X87_REG_8(0xda, 0xc8)] = fcmov,
        [X87_REG_8(0xda, 0xd0)] = fcmov,
        [X87_REG_8(0xda, 0xd8)] = fcmov,
        [X87_REG_8(0xdb, 0xc0)] = fcmov,
        [X87_REG_8(0xdb, 0xc8)] = fcmov,
        [X87_REG_8(0xdb, 0xd0)] = fcmov,
        [X87_REG_8(0xdb, 0xd8)] = fcmov,
        [X87_REG_8(0xdd, 0xc0)] = ffree,
        [X87_REG_8(0xdf, 0xc0)] = ffreep,
        [X87_REG_8(0xdd, 0xd0)] = fst_st,
        [X87_REG_8(0xdd, 0xd8)] = fstp_st,
        [X87_REG_8(0xdf, 0xd0)] = fstp_st,
        [X87_REG_8(0xd9, 0xd8)] = fstpnce,
        [X87_REG_8(0xdf, 0xd8)] = fstp_st,
        [X87_REG(0xd9, 0xe0)] = fchs,
        [X87_REG(0xd9, 0xe1)] = fabs_st,
        [X87_REG(0xd9, 0xe8)] = fld1,
        [X87_REG(0xd9, 0xe9)] = fldl2t,
        [X87_REG(0xd9, 0xea)] = fldl2e,
        [X87_REG(0xd9, 0xeb)] = fldpi,
        [X87_REG(0xd9, 0xec)] = fldlg2,
        [X87_REG(0xd9, 0xed)] = fldln2,
        [X87_REG(0xd9, 0xee)] = fldz,
        [X87_REG(0xd9, 0xf6)] = fdecstp,
        [X87_REG(0xd9, 0xf7)] = fincstp,
    },
    .mem = {
        [X87_MEM(0xd9, 0)] = fld_m32,
        [X87_MEM(0xd9, 2)] = fst_m32,
        [X87_MEM(0xd9, 3)] = fstp_m32,
        [X87_MEM(0xdb, 0)] = fild_m32,
        [X87_MEM(0xdb, 1)] = fisttp_m32,
        [X87_MEM(0xdb, 2)] = fist_m32,
        [X87_MEM(0xdb, 3)] = fistp_m32,
        [X87_MEM(0xdb, 5)] = fld_m80,
        [X87_MEM(0xdb, 7)] = fstp_m80,
        [X87_MEM(0xdd, 0)] = fld_m64,
        [X87_MEM(0xdd, 1)] = fisttp_m64,
        [X87_MEM(0xdd, 2)] = fst_m64,
        [X87_MEM(0xdd, 3)] = fstp_m64,
        [X87_MEM(0xdf, 0)] = fild_m16,
        [X87_MEM(0xdf, 1)] = fisttp_m16,
        [X87_MEM(0xdf, 2)] = fist_m16,
        [X87_MEM(0xdf, 3)] = fistp_m16,
        [X87_MEM(0xdf, 4)] = fbld,
        [X87_MEM(0xdf, 5)] = fild_m64,
        [X87_MEM(0xdf, 6)] = fbstp,
        [X87_MEM(0xdf, 7)] = fistp_m64,
    },
};

/* --- lowering --- */

static const struct rf_x87_table *const tables[] = { &moves, &rf_x87_arithmetic, &rf_x87_control };

static rf_run *find(bool memory, unsigned index)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(tables); i++) {
        rf_run *run = memory ? tables[i]->mem[index] : tables[i]->reg[index];
        if (run)
            return run;
    }
    return NULL;
}

/* Condition code of FCMOVcc: B, E, BE, U, and their opposites at opcode DB. */
static uint8_t fcmov_condition(const struct rf_lower *l)
{
    static const uint8_t condition[4] = { 2, 4, 6, 10 };
    return condition[l->ins.raw.modrm.reg & 3] | (l->ins.opcode == 0xdb);
}

static bool lower_x87(struct rf_lower *l)
{
    unsigned opcode = l->ins.opcode, reg = l->ins.raw.modrm.reg, rm = l->ins.raw.modrm.rm;
    bool memory = l->ins.raw.modrm.mod != 3;
    rf_run *run = find(memory, memory ? X87_MEM(opcode, reg) : X87_REG(opcode, reg << 3 | rm));
    if (!run)
        return false;
    struct rf_address address = { 0 };
    uint64_t segment = 0;
    if (memory) {
        unsigned i = 0;
        while (i < l->ins.operand_count && !rf_is_mem(&l->operand[i]))
            i++;
        address = rf_address(l, &l->operand[i]);
        segment = rf_segment_base_offset(l, l->operand[i].mem.segment);
    }
    struct rf_op *op = rf_emit(l, run);
    op->a = (uint8_t)rm;
    op->imm = (opcode & 7) << 8 | l->ins.raw.modrm.mod << 6 | reg << 3 | rm;
    if (run == fcmov)
        op->b = fcmov_condition(l);
    if (memory) {
        rf_set_address(op, &address);
        op->b = l->ins.operand_width == 16; /* the short environment */
        op->imm |= X87_IMM_MEMORY | segment << X87_IMM_SEGMENT_SHIFT;
    }
    return true;
}

RF_OP(rf_x87_wait)
{
    X87_WAIT;
    RF_NEXT;
}

static bool lower_fwait(struct rf_lower *l)
{
    rf_emit(l, rf_x87_wait);
    return true;
}

#define MNEMONICS(X)                                                                              \
    X(F2XM1) X(FABS) X(FADD) X(FADDP) X(FBLD) X(FBSTP) X(FCHS) X(FCMOVB) X(FCMOVBE)               \
    X(FCMOVE) X(FCMOVNB) X(FCMOVNBE) X(FCMOVNE) X(FCMOVNU) X(FCMOVU) X(FCOM) X(FCOMI)             \
    X(FCOMIP) X(FCOMP) X(FCOMPP) X(FCOS) X(FDECSTP) X(FDISI8087_NOP) X(FDIV) X(FDIVP)             \
    X(FDIVR) X(FDIVRP) X(FENI8087_NOP) X(FFREE) X(FFREEP) X(FIADD) X(FICOM) X(FICOMP)             \
    X(FIDIV) X(FIDIVR) X(FILD) X(FIMUL) X(FINCSTP) X(FIST) X(FISTP) X(FISTTP) X(FISUB)            \
    X(FISUBR) X(FLD) X(FLD1) X(FLDCW) X(FLDENV) X(FLDL2E) X(FLDL2T) X(FLDLG2) X(FLDLN2)           \
    X(FLDPI) X(FLDZ) X(FMUL) X(FMULP) X(FNCLEX) X(FNINIT) X(FNOP) X(FNSAVE) X(FNSTCW)             \
    X(FNSTENV) X(FNSTSW) X(FPATAN) X(FPREM) X(FPREM1) X(FPTAN) X(FRNDINT) X(FRSTOR) X(FSCALE)     \
    X(FSETPM287_NOP) X(FSIN) X(FSINCOS) X(FSQRT) X(FST) X(FSTP) X(FSTPNCE) X(FSUB) X(FSUBP)       \
    X(FSUBR) X(FSUBRP) X(FTST) X(FUCOM) X(FUCOMI) X(FUCOMIP) X(FUCOMP) X(FUCOMPP) X(FXAM) X(FXCH) \
    X(FXTRACT) X(FYL2X) X(FYL2XP1)
#define ENTRY(name) { ZYDIS_MNEMONIC_##name, lower_x87 },

static const struct rf_lower_entry entries[] = {
    MNEMONICS(ENTRY)
    { ZYDIS_MNEMONIC_FWAIT, lower_fwait },
};

const struct rf_lower_table rf_lower_x87 = RF_LOWER_TABLE(entries);

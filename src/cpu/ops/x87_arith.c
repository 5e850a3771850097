/* x87: arithmetic, comparisons, FXAM, remainders, scaling, square root and the transcendental
 * instructions. An op's `a` is i of ST(i). */
#include "cpu/ops/x87.h"

/* The destination of a masked stack underflow gets the indefinite value. */
RF_INLINE bool underflow(struct rf_cpu *cpu, const struct rf_op *op, unsigned i)
{
    if (!x87_stack_fault(cpu, op, false))
        return false;
    x87_set_indefinite(x87_st(cpu, i));
    x87_mark_valid(cpu, i);
    return true;
}

/* --- the six: ST0 op ST(i), ST(i) op ST0 with and without pop, ST0 op memory --- */

#define REGISTERS(name, text, dest, source, pop)                               \
    static RF_OP(name)                                                         \
    {                                                                          \
        X87_COMPUTE_REGISTERS;                                                 \
        if (RF_UNLIKELY(!x87_is_valid(cpu, 0) || !x87_is_valid(cpu, op->a))) { \
            if (underflow(cpu, op, dest) && pop)                               \
                x87_pop(cpu);                                                  \
            RF_NEXT;                                                           \
        }                                                                      \
        unsigned sw = RF_X87_BINARY(text " %%st(1), %%st", x87_st(cpu, dest),  \
                                    x87_st(cpu, source));                      \
        if (x87_raise(cpu, op, sw, X87_BEFORE) && pop)                         \
            x87_pop(cpu);                                                      \
        RF_NEXT;                                                               \
    }

#define MEMORY(name, type, text)                                                        \
    RF_MEM_HANDLER(name)                                                                \
    {                                                                                   \
        X87_COMPUTE;                                                                    \
        RF_LOAD(type, value, rf_ea(cpu, op));                                           \
        X87_EXECUTED;                                                                   \
        X87_BOUNCE(type) = value;                                                       \
        if (RF_UNLIKELY(!x87_is_valid(cpu, 0))) {                                       \
            underflow(cpu, op, 0);                                                      \
        } else {                                                                        \
            unsigned sw = RF_X87_BINARY_MEMORY(text, x87_st(cpu, 0), X87_BOUNCE(type)); \
            x87_raise(cpu, op, sw, 0);                                                  \
        }                                                                               \
        RF_MEM_NEXT;                                                                    \
    }

#define ARITHMETIC(name)                                \
    REGISTERS(f##name##_0i, "f" #name, 0, op->a, false) \
    REGISTERS(f##name##_i0, "f" #name, op->a, 0, false) \
    REGISTERS(f##name##p, "f" #name, op->a, 0, true)    \
    MEMORY(f##name##_m32, uint32_t, "f" #name "s")      \
    MEMORY(f##name##_m64, uint64_t, "f" #name "l")      \
    MEMORY(fi##name##_m16, int16_t, "fi" #name "s")     \
    MEMORY(fi##name##_m32, int32_t, "fi" #name "l")
ARITHMETIC(add)
ARITHMETIC(mul)
ARITHMETIC(sub)
ARITHMETIC(subr)
ARITHMETIC(div)
ARITHMETIC(divr)

/* --- comparisons into C3, C2, C0; all set for an empty register --- */

#define CONDITION_CODES (X87_C0 | X87_C2 | X87_C3)

/* Take over the condition codes; false if an unmasked exception forbids popping. (The codes
 * are set even so: the SDM denies it for FCOM, CPUs do it.) */
RF_INLINE bool compared(struct rf_cpu *cpu, const struct rf_op *op, unsigned sw)
{
    cpu->fpu.sw = (uint16_t)((cpu->fpu.sw & ~CONDITION_CODES) | (sw & CONDITION_CODES));
    return x87_raise(cpu, op, sw & ~X87_C1, X87_BEFORE);
}
RF_INLINE bool compared_empty(struct rf_cpu *cpu, const struct rf_op *op)
{
    cpu->fpu.sw |= CONDITION_CODES;
    return x87_stack_fault(cpu, op, false);
}
RF_INLINE void pop_times(struct rf_cpu *cpu, unsigned times)
{
    while (times--)
        x87_pop(cpu);
}

#define COMPARE(name, text, pops)                                                                 \
    static RF_OP(name)                                                                            \
    {                                                                                             \
        X87_COMPUTE_REGISTERS;                                                                    \
        bool done;                                                                                \
        if (RF_UNLIKELY(!x87_is_valid(cpu, 0) || !x87_is_valid(cpu, op->a)))                      \
            done = compared_empty(cpu, op);                                                       \
        else                                                                                      \
            done = compared(cpu, op,                                                              \
                            RF_X87_COMPARE(text " %%st(1)", x87_st(cpu, 0), x87_st(cpu, op->a))); \
        if (done)                                                                                 \
            pop_times(cpu, pops);                                                                 \
        RF_NEXT;                                                                                  \
    }
COMPARE(fcom, "fcom", 0)
COMPARE(fcomp, "fcom", 1)
COMPARE(fcompp, "fcom", 2)
COMPARE(fucom, "fucom", 0)
COMPARE(fucomp, "fucom", 1)
COMPARE(fucompp, "fucom", 2)

#define COMPARE_MEMORY(name, type, text, pops)                                              \
    RF_MEM_HANDLER(name)                                                                    \
    {                                                                                       \
        X87_COMPUTE;                                                                        \
        RF_LOAD(type, value, rf_ea(cpu, op));                                               \
        X87_EXECUTED;                                                                       \
        X87_BOUNCE(type) = value;                                                           \
        bool done;                                                                          \
        if (RF_UNLIKELY(!x87_is_valid(cpu, 0)))                                             \
            done = compared_empty(cpu, op);                                                 \
        else                                                                                \
            done = compared(cpu, op,                                                        \
                            RF_X87_COMPARE_MEMORY(text, x87_st(cpu, 0), X87_BOUNCE(type))); \
        if (done)                                                                           \
            pop_times(cpu, pops);                                                           \
        RF_MEM_NEXT;                                                                        \
    }
COMPARE_MEMORY(fcom_m32, uint32_t, "fcoms", 0)
COMPARE_MEMORY(fcomp_m32, uint32_t, "fcoms", 1)
COMPARE_MEMORY(fcom_m64, uint64_t, "fcoml", 0)
COMPARE_MEMORY(fcomp_m64, uint64_t, "fcoml", 1)
COMPARE_MEMORY(ficom_m16, int16_t, "ficoms", 0)
COMPARE_MEMORY(ficomp_m16, int16_t, "ficoms", 1)
COMPARE_MEMORY(ficom_m32, int32_t, "ficoml", 0)
COMPARE_MEMORY(ficomp_m32, int32_t, "ficoml", 1)

static RF_OP(ftst)
{
    static const union rf_x87_reg zero;
    X87_COMPUTE_REGISTERS;
    if (RF_UNLIKELY(!x87_is_valid(cpu, 0)))
        compared_empty(cpu, op);
    else
        compared(cpu, op, RF_X87_COMPARE("fcom %%st(1)", x87_st(cpu, 0), &zero));
    RF_NEXT;
}

/* --- comparisons into ZF, PF, CF: the same places that C3, C2, C0 have in AH --- */

RF_INLINE void set_flags(struct rf_cpu *cpu, unsigned sw)
{
    rf_flags_set_status(cpu, sw >> 8 & (RF_FLAG_ZF | RF_FLAG_PF | RF_FLAG_CF));
}

#define COMPARE_FLAGS(name, text, pop)                                                \
    static RF_OP(name)                                                                \
    {                                                                                 \
        X87_COMPUTE_REGISTERS;                                                        \
        unsigned sw = CONDITION_CODES;                                                \
        bool done;                                                                    \
        if (RF_UNLIKELY(!x87_is_valid(cpu, 0) || !x87_is_valid(cpu, op->a))) {        \
            done = x87_stack_fault(cpu, op, false);                                   \
        } else {                                                                      \
            sw = RF_X87_COMPARE(text " %%st(1)", x87_st(cpu, 0), x87_st(cpu, op->a)); \
            done = x87_raise(cpu, op, sw & ~X87_C1, X87_BEFORE);                      \
        }                                                                             \
        set_flags(cpu, sw);                                                           \
        if (done && pop)                                                              \
            x87_pop(cpu);                                                             \
        RF_NEXT;                                                                      \
    }
COMPARE_FLAGS(fcomi, "fcom", false)
COMPARE_FLAGS(fcomip, "fcom", true)
COMPARE_FLAGS(fucomi, "fucom", false)
COMPARE_FLAGS(fucomip, "fucom", true)

/* Class of ST0 in C3, C2, C0, its sign in C1 (SDM 2A, FXAM). */
static RF_OP(fxam)
{
    X87_BEGIN;
    const union rf_x87_reg *st = x87_st(cpu, 0);
    unsigned exponent = st->sign_exponent & 0x7fff, class;
    bool integer_bit = st->mantissa >> 63;
    if (!x87_is_valid(cpu, 0))
        class = X87_C3 | X87_C0;
    else if (exponent == 0)
        class = st->mantissa ? X87_C3 | X87_C2 : X87_C3;
    else if (!integer_bit)
        class = 0; /* unsupported */
    else if (exponent == 0x7fff)
        class = st->mantissa << 1 ? X87_C0 : X87_C2 | X87_C0;
    else
        class = X87_C2;
    if (st->sign_exponent >> 15)
        class |= X87_C1;
    cpu->fpu.sw = (uint16_t)((cpu->fpu.sw & ~(CONDITION_CODES | X87_C1)) | class);
    RF_NEXT;
}

/* --- the rest: whatever the instruction leaves on the host's stack --- */

/* Take over exceptions, C1 and those of the condition codes `codes` that the instruction sets:
 * C2 alone when nothing was computed. */
RF_INLINE void finished(struct rf_cpu *cpu, const struct rf_op *op,
                        const struct rf_x87_result *result, unsigned codes)
{
    bool nan = (result->st[0].sign_exponent & 0x7fff) == 0x7fff && result->st[0].mantissa << 1;
    if (!x87_raise(cpu, op, result->sw, X87_BEFORE) || nan || result->sw & X87_IE)
        codes &= X87_C2;
    cpu->fpu.sw = (uint16_t)((cpu->fpu.sw & ~codes) | (result->sw & codes));
}
RF_INLINE void without_operand(struct rf_cpu *cpu, const struct rf_op *op, unsigned codes)
{
    cpu->fpu.sw &= (uint16_t)~(codes & X87_C2);
    underflow(cpu, op, 0);
}

/* Each of these is a helper that does it all, so that the result has a place of its own. */
#define BY_HELPER(name)                                                            \
    static RF_NOINLINE void do_##name(struct rf_cpu *cpu, const struct rf_op *op); \
    static RF_OP(name)                                                             \
    {                                                                              \
        X87_COMPUTE_REGISTERS;                                                     \
        do_##name(cpu, op);                                                        \
        RF_NEXT;                                                                   \
    }                                                                              \
    static RF_NOINLINE void do_##name(struct rf_cpu *cpu, const struct rf_op *op)

/* Needs ST0 alone, replaces it; `codes`: condition codes that it sets besides C1. */
#define UNARY(name, text, codes)                                   \
    BY_HELPER(name)                                                \
    {                                                              \
        struct rf_x87_result result;                               \
        if (!x87_is_valid(cpu, 0)) {                               \
            without_operand(cpu, op, codes);                       \
            return;                                                \
        }                                                          \
        RF_X87_RUN(text, &result, x87_st(cpu, 0), x87_st(cpu, 0)); \
        *x87_st(cpu, 0) = result.st[0];                            \
        finished(cpu, op, &result, codes);                         \
    }
UNARY(fsqrt, "fsqrt", 0)
UNARY(frndint, "frndint", 0)
UNARY(f2xm1, "f2xm1", 0)
UNARY(fsin, "fsin", X87_C2)
UNARY(fcos, "fcos", X87_C2)

/* Needs ST0 and ST1, replaces ST0. */
#define BINARY(name, text, codes)                                  \
    BY_HELPER(name)                                                \
    {                                                              \
        struct rf_x87_result result;                               \
        if (!x87_is_valid(cpu, 0) || !x87_is_valid(cpu, 1)) {      \
            without_operand(cpu, op, codes);                       \
            return;                                                \
        }                                                          \
        RF_X87_RUN(text, &result, x87_st(cpu, 0), x87_st(cpu, 1)); \
        *x87_st(cpu, 0) = result.st[0];                            \
        finished(cpu, op, &result, codes);                         \
    }
BINARY(fprem, "fprem", CONDITION_CODES)
BINARY(fprem1, "fprem1", CONDITION_CODES)
BINARY(fscale, "fscale", 0)

/* Needs ST0 and ST1, replaces ST1 and pops. */
#define BINARY_POP(name, text)                                     \
    BY_HELPER(name)                                                \
    {                                                              \
        struct rf_x87_result result;                               \
        if (!x87_is_valid(cpu, 0) || !x87_is_valid(cpu, 1)) {      \
            if (underflow(cpu, op, 1))                             \
                x87_pop(cpu);                                      \
            return;                                                \
        }                                                          \
        RF_X87_RUN(text, &result, x87_st(cpu, 0), x87_st(cpu, 1)); \
        x87_raise(cpu, op, result.sw, 0);                          \
        if (result.depth == 1) {                                   \
            *x87_st(cpu, 1) = result.st[0];                        \
            x87_pop(cpu);                                          \
        }                                                          \
    }
BINARY_POP(fyl2x, "fyl2x")
BINARY_POP(fyl2xp1, "fyl2xp1")
BINARY_POP(fpatan, "fpatan")

/* Needs ST0 and a free register: replaces ST0 and pushes. FPTAN and FSINCOS leave an
 * operand out of range alone and set C2. */
#define UNARY_PUSH(name, text, codes)                              \
    BY_HELPER(name)                                                \
    {                                                              \
        struct rf_x87_result result;                               \
        bool empty = !x87_is_valid(cpu, 0);                        \
        if (empty || x87_is_valid(cpu, 7)) {                       \
            cpu->fpu.sw &= (uint16_t)~(codes);                     \
            if (x87_stack_fault(cpu, op, !empty)) {                \
                x87_set_indefinite(x87_st(cpu, 0));                \
                x87_mark_valid(cpu, 0);                            \
                x87_set_indefinite(x87_push(cpu));                 \
            }                                                      \
            return;                                                \
        }                                                          \
        RF_X87_RUN(text, &result, x87_st(cpu, 0), x87_st(cpu, 0)); \
        finished(cpu, op, &result, codes);                         \
        if (result.depth == 3) {                                   \
            *x87_st(cpu, 0) = result.st[1];                        \
            *x87_push(cpu) = result.st[0];                         \
        }                                                          \
    }
UNARY_PUSH(fxtract, "fxtract", 0)
UNARY_PUSH(fptan, "fptan", X87_C2)
UNARY_PUSH(fsincos, "fsincos", X87_C2)

/* Rows of eight: /0 to /7 are add, mul, com, comp, sub, subr, div, divr. */
#define MEMORY_ROW(opcode, prefix, suffix)        \
    [X87_MEM(opcode, 0)] = prefix##add_##suffix,  \
    [X87_MEM(opcode, 1)] = prefix##mul_##suffix,  \
    [X87_MEM(opcode, 2)] = prefix##com_##suffix,  \
    [X87_MEM(opcode, 3)] = prefix##comp_##suffix, \
    [X87_MEM(opcode, 4)] = prefix##sub_##suffix,  \
    [X87_MEM(opcode, 5)] = prefix##subr_##suffix, \
    [X87_MEM(opcode, 6)] = prefix##div_##suffix,  \
    [X87_MEM(opcode, 7)] = prefix##divr_##suffix,

const struct rf_x87_table rf_x87_arithmetic = {
    .mem = {
        MEMORY_ROW(0xd8, f, m32)
        MEMORY_ROW(0xda, fi, m32)
        MEMORY_ROW(0xdc, f, m64)
        MEMORY_ROW(0xde, fi, m16)
    },
    .reg = {
        [X87_REG_8(0xd8, 0xc0)] = fadd_0i,
        [X87_REG_8(0xd8, 0xc8)] = fmul_0i,
        [X87_REG_8(0xd8, 0xd0)] = fcom,
        [X87_REG_8(0xd8, 0xd8)] = fcomp,
        [X87_REG_8(0xd8, 0xe0)] = fsub_0i,
        [X87_REG_8(0xd8, 0xe8)] = fsubr_0i,
        [X87_REG_8(0xd8, 0xf0)] = fdiv_0i,
        [X87_REG_8(0xd8, 0xf8)] = fdivr_0i,
        [X87_REG_8(0xdc, 0xc0)] = fadd_i0,
        [X87_REG_8(0xdc, 0xc8)] = fmul_i0,
        [X87_REG_8(0xdc, 0xd0)] = fcom,
        [X87_REG_8(0xdc, 0xd8)] = fcomp,
        [X87_REG_8(0xdc, 0xe0)] = fsubr_i0,
        [X87_REG_8(0xdc, 0xe8)] = fsub_i0,
        [X87_REG_8(0xdc, 0xf0)] = fdivr_i0,
        [X87_REG_8(0xdc, 0xf8)] = fdiv_i0,
        [X87_REG_8(0xde, 0xc0)] = faddp,
        [X87_REG_8(0xde, 0xc8)] = fmulp,
        [X87_REG_8(0xde, 0xd0)] = fcomp,
        [X87_REG(0xde, 0xd9)] = fcompp,
        [X87_REG_8(0xde, 0xe0)] = fsubrp,
        [X87_REG_8(0xde, 0xe8)] = fsubp,
        [X87_REG_8(0xde, 0xf0)] = fdivrp,
        [X87_REG_8(0xde, 0xf8)] = fdivp,
        [X87_REG(0xda, 0xe9)] = fucompp,
        [X87_REG_8(0xdd, 0xe0)] = fucom,
        [X87_REG_8(0xdd, 0xe8)] = fucomp,
        [X87_REG_8(0xdb, 0xe8)] = fucomi,
        [X87_REG_8(0xdb, 0xf0)] = fcomi,
        [X87_REG_8(0xdf, 0xe8)] = fucomip,
        [X87_REG_8(0xdf, 0xf0)] = fcomip,
        [X87_REG(0xd9, 0xe4)] = ftst,
        [X87_REG(0xd9, 0xe5)] = fxam,
        [X87_REG(0xd9, 0xf0)] = f2xm1,
        [X87_REG(0xd9, 0xf1)] = fyl2x,
        [X87_REG(0xd9, 0xf2)] = fptan,
        [X87_REG(0xd9, 0xf3)] = fpatan,
        [X87_REG(0xd9, 0xf4)] = fxtract,
        [X87_REG(0xd9, 0xf5)] = fprem1,
        [X87_REG(0xd9, 0xf8)] = fprem,
        [X87_REG(0xd9, 0xf9)] = fyl2xp1,
        [X87_REG(0xd9, 0xfa)] = fsqrt,
        [X87_REG(0xd9, 0xfb)] = fsincos,
        [X87_REG(0xd9, 0xfc)] = frndint,
        [X87_REG(0xd9, 0xfd)] = fscale,
        [X87_REG(0xd9, 0xfe)] = fsin,
        [X87_REG(0xd9, 0xff)] = fcos,
    },
};

/* What the integer families share: typed register access, conditions on known flags. */
#ifndef RF_CPU_OPS_INTEGER_H
#define RF_CPU_OPS_INTEGER_H

#include "cpu/flags.h"
#include "cpu/lower.h"
#include "cpu/op.h"

#define RF_TYPE_8 uint8_t
#define RF_TYPE_16 uint16_t
#define RF_TYPE_32 uint32_t
#define RF_TYPE_64 uint64_t
#define RF_STYPE_8 int8_t
#define RF_STYPE_16 int16_t
#define RF_STYPE_32 int32_t
#define RF_STYPE_64 int64_t
#define RF_LOG2_8 0
#define RF_LOG2_16 1
#define RF_LOG2_32 2
#define RF_LOG2_64 3

/* Register of N bits at a byte offset; a 32-bit write clears the upper half. */
#define RF_GET(N, offset) RF_AT(RF_TYPE_##N, offset)
#define RF_SET_8(offset, value) (RF_R8(offset) = (uint8_t)(value))
#define RF_SET_16(offset, value) (RF_R16(offset) = (uint16_t)(value))
#define RF_SET_32(offset, value) (RF_R64(offset) = (uint32_t)(value))
#define RF_SET_64(offset, value) (RF_R64(offset) = (uint64_t)(value))
#define RF_SET(N, offset, value) RF_SET_##N(offset, value)

#define RF_SIZES(X) X(8) X(16) X(32) X(64)
#define RF_SIZES_WIDE(X) X(16) X(32) X(64)
/* One row of handlers by size, NULL where a size does not exist. */
#define RF_ROW(name) { name##_8, name##_16, name##_32, name##_64 }
#define RF_ROW_WIDE(name) { NULL, name##_16, name##_32, name##_64 }

#define RF_CONDITIONS(X, ...)                                                             \
    X(0, __VA_ARGS__) X(1, __VA_ARGS__) X(2, __VA_ARGS__) X(3, __VA_ARGS__)               \
    X(4, __VA_ARGS__) X(5, __VA_ARGS__) X(6, __VA_ARGS__) X(7, __VA_ARGS__)               \
    X(8, __VA_ARGS__) X(9, __VA_ARGS__) X(10, __VA_ARGS__) X(11, __VA_ARGS__)             \
    X(12, __VA_ARGS__) X(13, __VA_ARGS__) X(14, __VA_ARGS__) X(15, __VA_ARGS__)
#define RF_BY_CONDITION(name)                                                             \
    { name##_0,  name##_1,  name##_2,  name##_3,  name##_4,  name##_5,  name##_6,         \
      name##_7,  name##_8,  name##_9,  name##_10, name##_11, name##_12, name##_13,        \
      name##_14, name##_15 }

RF_INLINE bool rf_parity(uint64_t value)
{
    return !__builtin_parity((unsigned)(value & 0xff));
}

/* Condition after a - b; U and S are the unsigned and signed operand types. All but a and
 * b are constants at every call, so only one case remains. */
#define RF_COND_SUB(U, S)                                                                 \
    switch (condition >> 1) {                                                             \
    case 0: { S r_; result = __builtin_sub_overflow((S)a, (S)b, &r_); break; }            \
    case 1: result = (U)a < (U)b; break;                                                  \
    case 2: result = (U)a == (U)b; break;                                                 \
    case 3: result = (U)a <= (U)b; break;                                                 \
    case 4: result = (S)((U)a - (U)b) < 0; break;                                         \
    case 5: result = rf_parity(a - b); break;                                             \
    case 6: result = (S)a < (S)b; break;                                                  \
    default: result = (S)a <= (S)b; break;                                                \
    }
RF_INLINE bool rf_cond_sub(uint64_t a, uint64_t b, const unsigned bits, const unsigned condition)
{
    bool result;
    if (bits == 8) { RF_COND_SUB(uint8_t, int8_t) }
    else if (bits == 16) { RF_COND_SUB(uint16_t, int16_t) }
    else if (bits == 32) { RF_COND_SUB(uint32_t, int32_t) }
    else { RF_COND_SUB(uint64_t, int64_t) }
    return result != (condition & 1);
}

/* Condition after a logical operation with result r: CF = OF = 0. */
RF_INLINE bool rf_cond_logic(uint64_t r, const unsigned bits, const unsigned condition)
{
    int64_t s = bits == 8 ? (int8_t)r : bits == 16 ? (int16_t)r : bits == 32 ? (int32_t)r : (int64_t)r;
    bool result;
    switch (condition >> 1) {
    case 0: case 1: result = false; break;
    case 2: case 3: result = s == 0; break;
    case 4: case 6: result = s < 0; break;
    case 5: result = rf_parity(r); break;
    default: result = s <= 0; break;
    }
    return result != (condition & 1);
}

/* Condition after r = a + b. */
RF_INLINE bool rf_cond_add(uint64_t r, uint64_t b, const unsigned bits, const unsigned condition)
{
    unsigned shift = 64 - bits;
    uint64_t top_r = r << shift, top_b = b << shift, top_a = top_r - top_b;
    bool overflow = (int64_t)((top_a ^ top_r) & (top_b ^ top_r)) < 0;
    bool result;
    switch (condition >> 1) {
    case 0: result = overflow; break;
    case 1: result = top_r < top_b; break;
    case 2: result = top_r == 0; break;
    case 3: result = top_r < top_b || top_r == 0; break;
    case 4: result = (int64_t)top_r < 0; break;
    case 5: result = rf_parity(r); break;
    case 6: result = ((int64_t)top_r < 0) != overflow; break;
    default: result = top_r == 0 || ((int64_t)top_r < 0) != overflow; break;
    }
    return result != (condition & 1);
}

/* Condition on the lazy flags when their kind is known at decode time. */
RF_INLINE bool rf_cond_known(const struct rf_cpu *cpu, const unsigned kind, const unsigned bits,
                             const unsigned condition)
{
    if (kind == RF_CC_SUB)
        return rf_cond_sub(cpu->cc_dst + cpu->cc_src, cpu->cc_src, bits, condition);
    if (kind == RF_CC_LOGIC)
        return rf_cond_logic(cpu->cc_dst, bits, condition);
    if (kind == RF_CC_ADD)
        return rf_cond_add(cpu->cc_dst, cpu->cc_src, bits, condition);
    return rf_flags_test(cpu, condition);
}

/* The kinds that consumers are specialised for. */
#define RF_KNOWN_KINDS(X)                                                                 \
    X(sub8, RF_CC_SUB, 8) X(sub32, RF_CC_SUB, 32) X(sub64, RF_CC_SUB, 64)                 \
    X(logic8, RF_CC_LOGIC, 8) X(logic32, RF_CC_LOGIC, 32) X(logic64, RF_CC_LOGIC, 64)     \
    X(add32, RF_CC_ADD, 32) X(add64, RF_CC_ADD, 64) X(any, 0, 64)
enum rf_known_kind {
#define X(name, kind, bits) RF_KNOWN_##name,
    RF_KNOWN_KINDS(X)
#undef X
    RF_KNOWN_COUNT
};
RF_INLINE enum rf_known_kind rf_known_kind(int cc)
{
#define X(name, kind, bits)                                                               \
    if ((kind) != 0 && cc == (int)(kind + RF_LOG2_##bits))                                       \
        return RF_KNOWN_##name;
    RF_KNOWN_KINDS(X)
#undef X
    return RF_KNOWN_any;
}

/* Condition code of Jcc, SETcc, CMOVcc from the opcode's low nibble. */
RF_INLINE unsigned rf_condition(const struct rf_lower *l)
{
    return l->ins.opcode & 15;
}

/* Emit an op with a register or memory operand at operand[m]. */
RF_INLINE struct rf_op *rf_emit_mem(struct rf_lower *l, rf_run *run, unsigned m)
{
    struct rf_address address = rf_address(l, &l->operand[m]);
    struct rf_op *op = rf_emit(l, run);
    rf_set_address(op, &address);
    return op;
}

/* Emit an op for "register operand 0 from register or memory operand 1". */
RF_INLINE struct rf_op *rf_emit_from(struct rf_lower *l, rf_run *from_reg, rf_run *from_mem)
{
    bool memory = rf_is_mem(&l->operand[1]);
    struct rf_op *op = memory ? rf_emit_mem(l, from_mem, 1) : rf_emit(l, from_reg);
    op->a = rf_reg_offset(l->operand[0].reg.value);
    if (!memory)
        op->b = rf_reg_offset(l->operand[1].reg.value);
    return op;
}

#endif

/* Decoded operations: their layout, how handlers chain, how they reach memory.
 *
 * A handler runs one op and continues with the next one by a tail call (or returns it
 * to a loop, in builds without tail calls). A handler that cannot complete leaves
 * architectural state as it was before its instruction and ends in rf_op_fault() or
 * rf_op_raise().
 *
 * Memory: the fast handler looks into the TLB array of the current mode and, on a miss,
 * tail-calls its slow twin, which does the same work through the MMU's full checks.
 * Both are made from one body by RF_MEM_HANDLER. */
#ifndef RF_CPU_OP_H
#define RF_CPU_OP_H

#include "cpu/cpu.h"

#include <string.h>

#ifndef RF_DISPATCH_TAIL
#define RF_DISPATCH_TAIL 0
#endif

typedef struct rf_op *rf_run(struct rf_cpu *cpu, struct rf_op *op);

struct rf_op {
    rf_run *run;
    union {
        uint64_t imm;
        int64_t simm;
        const void *pointer;
    };
    int32_t disp;
    uint8_t a, b, c;     /* operands: byte offsets into rf_cpu for general registers
                            (AH..BH: +1), slots of vector registers (RF_V) */
    uint8_t base, index; /* byte offsets; RF_REG_ZERO where absent */
    uint8_t scale;       /* shift count 0..3 */
    uint8_t length;      /* of the instruction, bytes */
    uint8_t number : 7;  /* instructions before this one in the block */
    uint8_t stack : 1;   /* the memory operand is a stack reference: #SS, not #GP */
    uint16_t ip_offset;  /* of the instruction in the block */
    uint16_t cost;       /* cycles of the block before this instruction */
};

/* Follows every op that ends a block. */
struct rf_exit {
    struct rf_op *taken, *fall;      /* linked successors in the same page, or NULL */
    int32_t taken_delta, fall_delta; /* successor's RIP minus the block's */
    uint32_t cost;                   /* cycles of the whole block */
    uint32_t instructions;           /* in the whole block */
};
_Static_assert(sizeof(struct rf_op) == 32 && sizeof(struct rf_exit) == 32, "one slot each");

#define RF_OP(name)                                                                       \
    struct rf_op *name(struct rf_cpu *cpu __attribute__((unused)), struct rf_op *op)

#if RF_DISPATCH_TAIL
#define RF_JUMP(target)                     \
    do {                                    \
        struct rf_op *target_ = (target);   \
        return target_->run(cpu, target_);  \
    } while (0)
#else
#define RF_JUMP(target) return (target)
#endif

/* Go on with the op that follows. */
#define RF_NEXT RF_JUMP(op + 1)

/* --- leaving the straight line (engine.c) --- */

/* Find or make the block at r[RF_REG_IP] and run it. */
struct rf_op *rf_dispatch(struct rf_cpu *cpu);
/* budget < 0 at a block end, r[RF_REG_IP] is the next instruction: look at what is due. */
struct rf_op *rf_block_event(struct rf_cpu *cpu);
/* First entry of a same-page link: fill *link and run it. */
struct rf_op *rf_link(struct rf_cpu *cpu, struct rf_op **link);

/* Raise an exception at the op's own instruction (a fault: RIP of the instruction). The
 * block so far is charged. */
struct rf_op *rf_op_raise(struct rf_cpu *cpu, struct rf_op *op, enum rf_vector vector,
                          bool has_error_code, uint32_t error_code);
#define rf_op_ud(cpu, op) rf_op_raise(cpu, op, RF_UD, false, 0)
#define rf_op_gp0(cpu, op) rf_op_raise(cpu, op, RF_GP, true, 0)
/* Raise what cpu->fault says (after a refused slow access). */
struct rf_op *rf_op_fault(struct rf_cpu *cpu, struct rf_op *op);
/* The same for an access to the stack: #SS where another would be #GP. */
struct rf_op *rf_op_stack_fault(struct rf_cpu *cpu, struct rf_op *op);

/* Make state exact in the middle of a block, before the op's instruction: r[RF_REG_IP],
 * budget and instructions. For ops that hand the CPU to other code. After it, continue
 * only through rf_dispatch. */
void rf_op_sync(struct rf_cpu *cpu, struct rf_op *op);
/* The same with the op's instruction retired: for ops that end a block (an rf_exit
 * follows): r[RF_REG_IP] is the following instruction. */
RF_INLINE void rf_op_retire(struct rf_cpu *cpu, struct rf_op *op)
{
    const struct rf_exit *exit = (const struct rf_exit *)(op + 1);
    cpu->r[RF_REG_IP] += op->ip_offset + op->length;
    cpu->budget -= exit->cost;
    cpu->instructions += exit->instructions;
}

/* Jump cache look-up of r[RF_REG_IP]; NULL on a miss. */
RF_INLINE struct rf_op *rf_jump_lookup(struct rf_cpu *cpu, uint64_t rip)
{
    struct rf_jump_entry *entry = &cpu->jump_cache[(rip ^ (rip >> 12)) & (RF_JUMP_CACHE_ENTRIES - 1)];
    return RF_LIKELY(entry->key == (rip ^ cpu->jump_salt)) ? entry->op : NULL;
}

/* End of an op that has retired its block and set r[RF_REG_IP]. */
#define RF_GO(cpu)                                                            \
    do {                                                                      \
        if (RF_UNLIKELY((cpu)->budget < 0))                                   \
            return rf_block_event(cpu);                                       \
        struct rf_op *found_ = rf_jump_lookup(cpu, (cpu)->r[RF_REG_IP]);      \
        if (RF_UNLIKELY(!found_))                                             \
            return rf_dispatch(cpu);                                          \
        RF_JUMP(found_);                                                      \
    } while (0)

/* End of a block by a direct jump; which = taken or fall. */
#define RF_LEAVE(which)                                                       \
    do {                                                                      \
        struct rf_exit *exit_ = (struct rf_exit *)(op + 1);                   \
        cpu->instructions += exit_->instructions;                             \
        cpu->r[RF_REG_IP] += (uint64_t)(int64_t)exit_->which##_delta;         \
        if (RF_UNLIKELY((cpu->budget -= exit_->cost) < 0))                    \
            return rf_block_event(cpu);                                       \
        struct rf_op *next_ = exit_->which;                                   \
        if (RF_UNLIKELY(!next_))                                              \
            return rf_link(cpu, &exit_->which);                               \
        RF_JUMP(next_);                                                       \
    } while (0)

/* --- registers --- */
#define RF_AT(type, offset) (*(type *)((char *)cpu + (offset)))
#define RF_R64(offset) RF_AT(uint64_t, offset)
#define RF_R32(offset) RF_AT(uint32_t, offset)
#define RF_R16(offset) RF_AT(uint16_t, offset)
#define RF_R8(offset) RF_AT(uint8_t, offset)
#define RF_OFFSET(reg) ((uint8_t)((reg) * 8))

/* Vector registers are named by slot, four times their number: the host's addressing then
 * scales a slot (by 8) to the register without an instruction of its own. */
#define RF_VEC_SLOT(number) ((uint8_t)((number) * 4))
#define RF_V(slot) \
    RF_AT(union rf_vec, offsetof(struct rf_cpu, fpu.v) + (size_t)(slot) * (sizeof(union rf_vec) / 4))

/* Linear address of the op's memory operand. */
RF_INLINE uint64_t rf_ea(const struct rf_cpu *cpu, const struct rf_op *op)
{
    return RF_AT(const uint64_t, op->base) + (RF_AT(const uint64_t, op->index) << op->scale) +
           (uint64_t)(int64_t)op->disp;
}
/* The same for an operand known to have no index. */
RF_INLINE uint64_t rf_ea_base(const struct rf_cpu *cpu, const struct rf_op *op)
{
    return RF_AT(const uint64_t, op->base) + (uint64_t)(int64_t)op->disp;
}

/* --- memory ---
 * A compiler turns a handler's last call into a jump only if no local variable's address
 * has been passed on. So nothing here passes one: slow accesses go through cpu->bounce, and
 * handlers leave what needs an address to RF_NOINLINE helpers. tests/run_tail_calls.sh
 * checks the machine code. */

/* Slow accesses with the current mode's rights (memory.c). False: cpu->fault is set. */
bool rf_load_slow(struct rf_cpu *cpu, uint64_t va, void *out, unsigned size);
bool rf_store_slow(struct rf_cpu *cpu, uint64_t va, const void *data, unsigned size);
/* Load of a read-modify-write: fails as the store would. */
bool rf_load_rmw_slow(struct rf_cpu *cpu, uint64_t va, void *out, unsigned size);
/* Check that [va, va+size) may be written, writing nothing: for ops with two stores. */
bool rf_probe_write(struct rf_cpu *cpu, uint64_t va, unsigned size);
/* The same for the few accesses whose alignment does not follow from their size, or is never
 * checked. */
bool rf_load_aligned(struct rf_cpu *cpu, uint64_t va, void *out, unsigned size, unsigned alignment);
bool rf_load_unaligned(struct rf_cpu *cpu, uint64_t va, void *out, unsigned size);
bool rf_store_unaligned(struct rf_cpu *cpu, uint64_t va, const void *data, unsigned size);
bool rf_probe_write_unaligned(struct rf_cpu *cpu, uint64_t va, unsigned size);
/* End of a slow twin: next op, or out of the block if the store changed decoded code or a device
 * has made something due. */
struct rf_op *rf_after_slow(struct rf_cpu *cpu, struct rf_op *op);

/* Declare `name` (fast) and `name_slow` from one body. In the body `slow` is the slow
 * twin in the fast handler and NULL in the slow one. End the body with RF_MEM_NEXT. */
#define RF_MEM_HANDLER(name)                                                        \
    static RF_INLINE_BODY struct rf_op *name##_body(struct rf_cpu *cpu, struct rf_op *op, \
                                                    rf_run *const slow);            \
    static RF_COLD RF_OP(name##_slow)                                               \
    {                                                                               \
        cpu->block_spent = op->cost;                                                \
        return name##_body(cpu, op, NULL);                                          \
    }                                                                               \
    static RF_OP(name) { return name##_body(cpu, op, name##_slow); }                \
    static RF_INLINE_BODY struct rf_op *name##_body(struct rf_cpu *cpu, struct rf_op *op, \
                                                    rf_run *const slow)
#define RF_INLINE_BODY inline __attribute__((always_inline))

/* Load a `type` at linear address `va` into the new variable `var`. */
#define RF_LOAD(type, var, va) RF_LOAD_OR(type, var, va, rf_op_fault)
/* The same from the stack, by an instruction that may have another memory operand. */
#define RF_STACK_LOAD(type, var, va) RF_LOAD_OR(type, var, va, rf_op_stack_fault)
#define RF_LOAD_OR(type, var, va, fault)                                            \
    type var;                                                                       \
    do {                                                                            \
        uint64_t va_ = (va);                                                        \
        if (slow) {                                                                 \
            const void *p_ = rf_tlb_read(cpu->tlb, va_, sizeof(type));              \
            if (RF_UNLIKELY(!p_))                                                   \
                return slow(cpu, op);                                               \
            memcpy(&var, p_, sizeof(type));                                         \
        } else {                                                                    \
            if (!rf_load_slow(cpu, va_, cpu->bounce, sizeof(type)))                 \
                return fault(cpu, op);                                              \
            memcpy(&var, cpu->bounce, sizeof(type));                                \
        }                                                                           \
    } while (0)

/* Store the value of `expression` (a `type`). */
#define RF_STORE(type, va, expression) RF_STORE_OR(type, va, expression, rf_op_fault)
#define RF_STACK_STORE(type, va, expression) \
    RF_STORE_OR(type, va, expression, rf_op_stack_fault)
#define RF_STORE_OR(type, va, expression, fault)                                    \
    do {                                                                            \
        uint64_t va_ = (va);                                                        \
        type value_ = (expression);                                                 \
        if (slow) {                                                                 \
            void *p_ = rf_tlb_write(cpu->tlb, va_, sizeof(type));                   \
            if (RF_UNLIKELY(!p_))                                                   \
                return slow(cpu, op);                                               \
            memcpy(p_, &value_, sizeof(type));                                      \
        } else {                                                                    \
            memcpy(cpu->bounce, &value_, sizeof(type));                             \
            if (!rf_store_slow(cpu, va_, cpu->bounce, sizeof(type)))                \
                return fault(cpu, op);                                              \
        }                                                                           \
    } while (0)

/* Read-modify-write: loads into `var`, leaves the place open; RF_RMW_STORE finishes.
 * Nothing between the two may fault. */
#define RF_RMW_LOAD(type, var, va)                                                  \
    type var;                                                                       \
    const uint64_t var##_va_ = (va);                                                \
    void *var##_place_ = NULL;                                                      \
    do {                                                                            \
        if (slow) {                                                                 \
            var##_place_ = rf_tlb_write(cpu->tlb, var##_va_, sizeof(type));         \
            if (RF_UNLIKELY(!var##_place_))                                         \
                return slow(cpu, op);                                               \
            memcpy(&var, var##_place_, sizeof(type));                               \
        } else {                                                                    \
            if (!rf_load_rmw_slow(cpu, var##_va_, cpu->bounce, sizeof(type)))       \
                return rf_op_fault(cpu, op);                                        \
            memcpy(&var, cpu->bounce, sizeof(type));                                \
        }                                                                           \
    } while (0)
#define RF_RMW_STORE(type, var, expression)                                         \
    do {                                                                            \
        type value_ = (expression);                                                 \
        if (slow) {                                                                 \
            memcpy(var##_place_, &value_, sizeof(type));                            \
        } else {                                                                    \
            memcpy(cpu->bounce, &value_, sizeof(type));                             \
            rf_store_slow(cpu, var##_va_, cpu->bounce, sizeof(type));               \
        }                                                                           \
    } while (0)

#define RF_MEM_NEXT                            \
    do {                                       \
        if (!slow)                             \
            return rf_after_slow(cpu, op);     \
        RF_NEXT;                               \
    } while (0)

#endif

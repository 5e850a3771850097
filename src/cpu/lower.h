/* Lowering: one decoded instruction becomes one or more ops. Each instruction family
 * offers a table of (mnemonic, function); decode.c merges them.
 *
 * A lowering function emits ops with rf_emit and returns true. It returns false, having
 * emitted nothing, for a form it does not implement: the instruction becomes #UD and is
 * reported as unimplemented. */
#ifndef RF_CPU_LOWER_H
#define RF_CPU_LOWER_H

#include "cpu/flags.h"
#include "cpu/op.h"

#include <Zydis/Zydis.h>

struct rf_lower {
    struct rf_cpu *cpu;
    ZydisDecodedInstruction ins;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
    uint32_t flags_live;  /* status flags that somebody may read after this instruction */
    int cc_known;         /* enum rf_cc + size of the flags before it, -1 if unknown */
    int cc_after;         /* set by the function if it leaves a known kind; preset: unknown
                             if the instruction writes flags, else cc_known */
    rf_run *const *fusable; /* 16 handlers, by condition, that do the work of the previous
                               instruction's only op and then branch; NULL if none */
    rf_run *const *fusable_after; /* set by the function for the next instruction; preset NULL */
    bool ends_block;      /* set by the function if its last op leaves the block; an
                             rf_exit slot is added and filled by the caller */
    bool is_branch;       /* with ends_block: taken_delta below is meaningful */
    int64_t taken_delta;  /* from the block's first byte to the target (rf_branch_delta) */
    uint8_t address_extra; /* set before rf_address: added to the address (POP) */
    const ZydisDecodedOperand *bit_offset; /* set before rf_address: register operand that
                                              moves the address (BT and its family) */
    enum rf_cost_class cost_class; /* preset by category, may be refined */

    /* kept by decode.c */
    struct rf_op *out;   /* next free slot */
    struct rf_op *limit; /* end of the scratch space */
    unsigned host;       /* RF_HOST_* of base/host.h: what handlers may use */
    uint16_t ip_offset;
    uint8_t number;
    uint8_t code_bits;
};

typedef bool rf_lower_fn(struct rf_lower *l);

struct rf_lower_entry {
    ZydisMnemonic mnemonic;
    rf_lower_fn *lower;
};

struct rf_lower_table {
    const struct rf_lower_entry *entries;
    size_t count;
};
#define RF_LOWER_TABLE(entries) { entries, RF_ARRAY_SIZE(entries) }

/* The families, one per file in ops/. */
extern const struct rf_lower_table rf_lower_alu, rf_lower_move, rf_lower_branch, rf_lower_shift,
    rf_lower_muldiv, rf_lower_bits, rf_lower_exchange, rf_lower_flagop, rf_lower_port, rf_lower_string, rf_lower_stack, rf_lower_system,
    rf_lower_segment, rf_lower_descriptor, rf_lower_sse_move, rf_lower_sse_float, rf_lower_sse_int,
    rf_lower_sse_shuffle, rf_lower_sse_convert, rf_lower_sse_string, rf_lower_crypto,
    rf_lower_sha, rf_lower_gfni,
    rf_lower_x87, rf_lower_mmx, rf_lower_fpu_state, rf_lower_xsave,
    rf_lower_stack_any, rf_lower_compat, rf_lower_monitor, rf_lower_cet_branch,
    rf_lower_shadow_stack;

/* The families of VEX-encoded vector instructions that suit the host, NULL-terminated
 * (ops/avx_tables.c). */
const struct rf_lower_table *const *rf_avx_families(unsigned host);

/* Append an op with run set and length, number, ip_offset filled; a..index are
 * RF_REG_ZERO's offset. */
struct rf_op *rf_emit(struct rf_lower *l, rf_run *run);

/* Fill base, index, scale, disp, stack of an op to be emitted next from memory operand
 * `operand`; emits a separate address op before where a segment base (FS, GS), a
 * 32-bit address size, or a displacement too far needs one. Usage:
 *     struct rf_address address = rf_address(l, &l->operand[1]);
 *     struct rf_op *op = rf_emit(l, handler); rf_set_address(op, &address); */
struct rf_address {
    uint8_t base, index, scale;
    bool stack;
    bool has_index;
    int32_t disp;
};
struct rf_address rf_address(struct rf_lower *l, const ZydisDecodedOperand *operand);
RF_INLINE void rf_set_address(struct rf_op *op, const struct rf_address *address)
{
    op->base = address->base;
    op->index = address->index;
    op->scale = address->scale;
    op->disp = address->disp;
    op->stack = address->stack;
}

/* Byte offset in rf_cpu of the base that a segment adds to an address in the present mode
 * (that of RF_REG_ZERO for ES, CS, SS, DS in 64-bit mode). */
size_t rf_segment_base_offset(const struct rf_lower *l, ZydisRegister segment);
/* Must accesses through the segment be checked against its limit and type? */
bool rf_segment_checked(const struct rf_lower *l, ZydisRegister segment);

/* Emit `run` for one byte at segment:[base], or at [base + AL]: the operand of an instruction
 * that names none, under its address size. */
struct rf_op *rf_emit_implicit(struct rf_lower *l, rf_run *run, ZydisRegister segment, enum rf_reg base,
                               bool add_al);

/* Outside 64-bit mode, 32-bit slots on a flat stack have handlers of their own; all else is
 * for those below, which take any mode, slot size and stack segment. */
bool rf_lower_any_stack(const struct rf_lower *l);
/* (ops/stack_any.c) */
bool rf_lower_push_any(struct rf_lower *l);
bool rf_lower_pop_any(struct rf_lower *l);
/* Before rf_address for the operand of a POP: an address by RSP uses its value after the
 * increment (SDM 2B, POP). */
void rf_pop_address(struct rf_lower *l, unsigned bytes);
bool rf_lower_enter_any(struct rf_lower *l);
bool rf_lower_leave_any(struct rf_lower *l);
bool rf_lower_pushf_any(struct rf_lower *l);
bool rf_lower_popf_any(struct rf_lower *l);
/* POPF's change of the flags, with a mask for the operand size (ops/stack.c). */
void rf_pop_flags(struct rf_cpu *cpu, uint64_t value, uint64_t width_mask);
/* Near transfers outside 64-bit mode that must cut or check their target, or use a stack of
 * the kind above (ops/branch_any.c). */
bool rf_lower_near_any(struct rf_lower *l);

/* Near JMP, CALL and RET while CET is on; and what a block begins with whose first instruction is
 * `first`, while indirect branches are tracked (ops/cet_branch.c). */
bool rf_lower_cet_transfer(struct rf_lower *l);
void rf_emit_target_begin(struct rf_lower *l, ZydisMnemonic first);

/* MOV to or from a segment, control or debug register (ops/segment.c). */
bool rf_lower_mov_special(struct rf_lower *l);
/* MOV to or from a control or debug register (ops/system.c). */
bool rf_lower_control_register(struct rf_lower *l);
/* Far JMP, CALL and RET (ops/segment.c). */
bool rf_lower_far(struct rf_lower *l);
/* PUSH and POP of a segment register (ops/segment.c). */
bool rf_lower_push_segment(struct rf_lower *l);
bool rf_lower_pop_segment(struct rf_lower *l);

/* Byte offset in rf_cpu of a general register of any size (AH..BH included);
 * slot of a vector register (RF_V), number of an MMX register. */
uint8_t rf_reg_offset(ZydisRegister reg);
uint8_t rf_vec_slot(ZydisRegister reg);

/* taken_delta of a relative branch whose displacement is operand 0. */
RF_INLINE int64_t rf_branch_delta(const struct rf_lower *l)
{
    return l->operand[0].imm.value.s + l->ip_offset + l->ins.length;
}

RF_INLINE bool rf_is_reg(const ZydisDecodedOperand *o) { return o->type == ZYDIS_OPERAND_TYPE_REGISTER; }
RF_INLINE bool rf_is_mem(const ZydisDecodedOperand *o) { return o->type == ZYDIS_OPERAND_TYPE_MEMORY; }
RF_INLINE bool rf_is_imm(const ZydisDecodedOperand *o) { return o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE; }

/* log2 of an operand size in bytes: 8 -> 0, 16 -> 1, 32 -> 2, 64 -> 3. */
RF_INLINE unsigned rf_size_log2(unsigned bits) { return bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3; }

#endif

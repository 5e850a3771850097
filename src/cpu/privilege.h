/* Descriptors, segment loads and ring transitions: what ops/system.c, ops/segment.c and
 * the exception code share. All functions leave the CPU unchanged when they fail. */
#ifndef RF_CPU_PRIVILEGE_H
#define RF_CPU_PRIVILEGE_H

#include "cpu/op.h"

/* A descriptor as read from the GDT or LDT. */
struct rf_descriptor {
    struct rf_segment segment; /* selector included */
    uint64_t raw[2];           /* raw[1] only for 16-byte system descriptors */
    uint64_t address;          /* linear address of the entry */
};

#define RF_SELECTOR_RPL 3u
#define RF_SELECTOR_TI 4u
RF_INLINE unsigned rf_segment_dpl(const struct rf_segment *s)
{
    return s->attributes >> RF_SEG_DPL_SHIFT & 3;
}
RF_INLINE bool rf_segment_is_code(const struct rf_segment *s)
{
    return (s->attributes & RF_SEG_S) && (s->attributes & 8);
}
RF_INLINE bool rf_segment_is_conforming(const struct rf_segment *s)
{
    return rf_segment_is_code(s) && (s->attributes & 4);
}

/* Shapes a refusal; false so that callers can `return rf_refuse(...)`. */
bool rf_refuse(struct rf_refusal *refusal, enum rf_vector vector, uint32_t error_code);
bool rf_refuse_plain(struct rf_refusal *refusal, enum rf_vector vector); /* no error code */
/* From cpu->fault, after a refused implicit access. */
bool rf_refuse_fault(const struct rf_cpu *cpu, struct rf_refusal *refusal, bool stack);

/* Raise cpu->refusal at an op's own instruction. */
struct rf_op *rf_op_refused(struct rf_cpu *cpu, struct rf_op *op);

/* May `bytes` ports from `port` on be accessed now? (ops/port.c) */
bool rf_port_allowed(struct rf_cpu *cpu, uint16_t port, unsigned bytes);

/* Read the descriptor that a non-null selector names. Beyond the table: `vector` with the
 * selector as error code (ext is or-ed in). */
bool rf_read_descriptor(struct rf_cpu *cpu, uint16_t selector, enum rf_vector vector, uint32_t ext,
                        struct rf_descriptor *out, struct rf_refusal *refusal);
/* Set the accessed bit in memory if it is clear. */
bool rf_mark_accessed(struct rf_cpu *cpu, const struct rf_descriptor *descriptor,
                      struct rf_refusal *refusal);

/* Load DS, ES, FS, GS or SS with every check of SDM 2, MOV to a segment register. */
bool rf_load_segment(struct rf_cpu *cpu, enum rf_seg which, uint16_t selector,
                     struct rf_refusal *refusal);

/* CS and SS as SYSCALL and friends load them: flat, from the selector alone. */
void rf_set_flat_code(struct rf_cpu *cpu, uint16_t selector, unsigned cpl, bool is_64bit);
void rf_set_flat_stack(struct rf_cpu *cpu, uint16_t selector, unsigned dpl);

/* Data segments that the new, lower privilege may not use become null (SDM 2, IRET). */
void rf_drop_privileged_segments(struct rf_cpu *cpu);

/* Transitions; r[RF_REG_IP] is the next instruction's address (IRET: changed on success). */
bool rf_syscall(struct rf_cpu *cpu, struct rf_refusal *refusal);
bool rf_sysret(struct rf_cpu *cpu, bool to_64bit, struct rf_refusal *refusal);
bool rf_sysenter(struct rf_cpu *cpu, struct rf_refusal *refusal);
bool rf_sysexit(struct rf_cpu *cpu, bool to_64bit, struct rf_refusal *refusal);
/* operand_bytes 8, 4 or 2. */
bool rf_iret(struct rf_cpu *cpu, unsigned operand_bytes, struct rf_refusal *refusal);
/* Far return, releasing `release` bytes of parameters. */
bool rf_far_return(struct rf_cpu *cpu, unsigned operand_bytes, uint64_t release,
                   struct rf_refusal *refusal);
/* Far jump or call to selector:offset; call gates are refused as unimplemented (false with
 * refusal->vector RF_UD). */
bool rf_far_transfer(struct rf_cpu *cpu, uint16_t selector, uint64_t offset, bool call,
                     unsigned operand_bytes, struct rf_refusal *refusal);

#endif

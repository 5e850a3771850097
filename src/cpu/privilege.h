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
/* The same, after a push to a stack: #SS has this error code. */
bool rf_refuse_push(const struct rf_cpu *cpu, struct rf_refusal *refusal, uint32_t error_code);
/* A part of the architecture that this build does not have was asked for: tell the user of the
 * CPU, before the exception that stands for it (exceptions.c). */
void rf_report_unimplemented(struct rf_cpu *cpu, const char *part);

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

/* The stack of an inner privilege level from the TSS, or an IST stack (ist 1 to 7, 64-bit TSS only):
 * #TS, or #SS, with ext or-ed into the error code (tss.c). */
struct rf_stack;
bool rf_inner_stack(struct rf_cpu *cpu, unsigned cpl, unsigned ist, uint32_t ext, struct rf_stack *stack,
                    struct rf_refusal *refusal);

/* L of a code segment means 64-bit code in IA-32e mode only. */
RF_INLINE bool rf_is_64bit_code(const struct rf_cpu *cpu, const struct rf_segment *code)
{
    return code->attributes & RF_SEG_L && !rf_cpu_is_legacy(cpu);
}
/* Both L and D: a code segment that IA-32e mode does not have. */
RF_INLINE bool rf_has_l_and_d(const struct rf_cpu *cpu, const struct rf_segment *code)
{
    return rf_is_64bit_code(cpu, code) && code->attributes & RF_SEG_DB;
}
/* Is the instruction pointer one that the code segment has? */
RF_INLINE bool rf_target_allowed(const struct rf_cpu *cpu, const struct rf_segment *code, uint64_t ip)
{
    return rf_is_64bit_code(cpu, code) ? rf_mmu_canonical(&cpu->mmu, ip) : ip <= code->limit;
}

/* The linear address of an instruction in that code segment. */
RF_INLINE uint64_t rf_linear_ip(const struct rf_cpu *cpu, const struct rf_segment *code, uint64_t ip)
{
    return rf_is_64bit_code(cpu, code) ? ip : (uint32_t)(code->base + ip);
}

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
/* operand_bytes 8, 4 or 2. (iret.c) */
bool rf_iret(struct rf_cpu *cpu, unsigned operand_bytes, struct rf_refusal *refusal);
/* Far return, releasing `release` bytes of parameters. (far.c) */
bool rf_far_return(struct rf_cpu *cpu, unsigned operand_bytes, uint64_t release,
                   struct rf_refusal *refusal);
/* Far jump or call to selector:offset, or through the call gate that selector names. (far.c) */
bool rf_far_transfer(struct rf_cpu *cpu, uint16_t selector, uint64_t offset, bool call,
                     unsigned operand_bytes, struct rf_refusal *refusal);
/* The part of it for a system descriptor. (gates.c) */
bool rf_gate_transfer(struct rf_cpu *cpu, const struct rf_descriptor *gate, bool call,
                      struct rf_refusal *refusal);

/* What IRET and far RET share (iret.c). */
/* CS of a return: its RPL is the new CPL. */
bool rf_check_return_code(struct rf_cpu *cpu, uint16_t selector, struct rf_descriptor *code,
                          struct rf_refusal *refusal);
bool rf_check_return_stack(struct rf_cpu *cpu, uint16_t selector, const struct rf_descriptor *code,
                           unsigned new_cpl, struct rf_descriptor *stack, struct rf_refusal *refusal);
/* CS, CPL and RIP; data segments that an outer level may not use become null. */
void rf_apply_return(struct rf_cpu *cpu, const struct rf_descriptor *code, uint16_t cs, uint64_t rip);
/* Store CS and RIP, as a far call does, on the current stack as the new code addresses it. */
bool rf_put_far_return(struct rf_cpu *cpu, const struct rf_segment *code, unsigned operand_bytes);

/* One try at a handler through the IDT (idt.c); ext: the EXT bit of what is refused. The frame has
 * been pushed and CS, SS, CPL and RIP are the handler's; the rest is the caller's. */
bool rf_deliver_protected(struct rf_cpu *cpu, const struct rf_event *event, uint64_t flags_image,
                          struct rf_refusal *refusal);

/* The same in real-address mode (real_mode.c). */
void rf_real_load_segment(struct rf_cpu *cpu, enum rf_seg which, uint16_t selector);
bool rf_real_far_transfer(struct rf_cpu *cpu, uint16_t selector, uint64_t offset, bool call,
                          unsigned operand_bytes, struct rf_refusal *refusal);
bool rf_real_far_return(struct rf_cpu *cpu, unsigned operand_bytes, uint64_t release,
                        struct rf_refusal *refusal);
bool rf_real_iret(struct rf_cpu *cpu, unsigned operand_bytes, struct rf_refusal *refusal);
bool rf_deliver_real(struct rf_cpu *cpu, const struct rf_event *event, uint64_t flags_image,
                     struct rf_refusal *refusal);
/* Flags from an IRET's frame, by operand size and by CPL as it still is (iret.c). */
void rf_return_flags(struct rf_cpu *cpu, uint64_t value, unsigned operand_bytes);

#endif

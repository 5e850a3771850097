/* What the engine offers to the rest of src/cpu. */
#ifndef RF_CPU_ENGINE_H
#define RF_CPU_ENGINE_H

#include "cpu/op.h"

/* Successor of every exit that leaves its page: finds the target by its address. */
extern struct rf_op rf_far_op;

void rf_jump_cache_clear(struct rf_cpu *cpu);

/* What cpu->tlb is to be in the present mode: the mode's array, or one without entries when
 * every access must take the slow path (memory.c). */
const struct rf_tlb_entry *rf_cpu_tlb(struct rf_cpu *cpu);

/* At the end of an instruction that has retired: wait until an interrupt, an NMI or a debug trap
 * comes (wakes_masked: an interrupt even while RFLAGS.IF is clear), and go on. */
struct rf_op *rf_halt(struct rf_cpu *cpu, bool wakes_masked);

/* While guest code runs the host's MXCSR holds the guest's, with every exception masked.
 * to_host: save it to fpu.mxcsr and bring the embedding program's back, before any other
 * code runs; to_guest: the opposite. */
#define RF_MXCSR_ALL_MASKED 0x1f80u
void rf_fpu_to_host(struct rf_cpu *cpu);
void rf_fpu_to_guest(struct rf_cpu *cpu);
/* The guest's MXCSR while guest code runs. */
uint32_t rf_fpu_mxcsr(const struct rf_cpu *cpu);

#endif

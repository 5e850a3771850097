/* The FPU registers of a task as an XSAVE area: in signal frames, for tracers, in core files. */
#ifndef RF_KERNEL_SIGNAL_FPSTATE_H
#define RF_KERNEL_SIGNAL_FPSTATE_H

#include "cpu/xsave.h"
#include "kernel/kernel.h"

/* Components that there are; 0: the CPU has no XSAVE, and the area is an FXSAVE image alone. */
uint64_t rf_fp_components(const struct rf_cpu *cpu);
/* Bytes of the area itself. */
uint32_t rf_fp_size(const struct rf_cpu *cpu);
/* ... with the magic number that ends it in a signal frame. */
uint32_t rf_fp_frame_size(const struct rf_cpu *cpu);
/* The CPU's present state, in rf_fp_frame_size bytes: in standard format, with the software bytes that say how much of it
 * there is (asm/sigcontext.h). */
void rf_fp_save(struct rf_cpu *cpu, uint8_t *out);
/* What the area does not have becomes its initial state. */
void rf_fp_restore(struct rf_cpu *cpu, const struct rf_xsave_area *area);
/* Room for what follows. */
#define RF_FP_ROOM (sizeof(struct rf_xsave_area) + 64)
/* The area of any task; its size. `whole`: with the components at byte 464, where tracers and readers of core files look
 * for them (XSTATE_FX_SW); else only the FXSAVE image counts. */
size_t rf_fp_of_task(struct rf_kernel *k, struct rf_task *task, uint8_t *out, bool whole);
/* The functions above work on the CPU: a task that does not run lends its registers to it, until the next call. */
void rf_fp_swap(struct rf_kernel *k, struct rf_task *task);
/* XRSTOR would take it. */
bool rf_fp_valid(const struct rf_cpu *cpu, const struct rf_xsave_area *area);

#endif

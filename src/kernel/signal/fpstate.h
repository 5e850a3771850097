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
/* XRSTOR would take it. */
bool rf_fp_valid(const struct rf_cpu *cpu, const struct rf_xsave_area *area);

#endif

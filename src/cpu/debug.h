/* Breakpoints by the debug registers (SDM 3B, 18.2 and 18.3).
 *
 * While DR7 enables any, RF_MODE_DEBUG is in the block mode: blocks have one instruction, which
 * begins by looking for its own breakpoint, and every block's end looks for traps. While it
 * enables one on data, cpu->tlb has no entries (memory.c). So they cost nothing when unused. */
#ifndef RF_CPU_DEBUG_H
#define RF_CPU_DEBUG_H

#include "cpu/cpu.h"

/* Is a breakpoint on data enabled? */
bool rf_debug_watches_data(const struct rf_cpu *cpu);

/* Data, or ports, were accessed by the instruction under way: the trap comes after it. */
void rf_debug_data(struct rf_cpu *cpu, uint64_t va, unsigned size, bool write);
void rf_debug_port(struct rf_cpu *cpu, uint16_t port, unsigned size);

/* The instruction at r[RF_REG_IP] begins. True: its breakpoint was raised instead, a fault. */
bool rf_debug_begin(struct rf_cpu *cpu);

/* A general detect fault (DR7.GD) of the MOV at r[RF_REG_IP]. */
void rf_debug_detect(struct rf_cpu *cpu);

/* An instruction has ended. */
RF_INLINE bool rf_debug_trap_due(const struct rf_cpu *cpu)
{
    return cpu->step_armed || cpu->breakpoints_hit;
}
/* Raise what is due. */
void rf_debug_trap(struct rf_cpu *cpu);
/* It was MOV SS or POP SS: what is due waits for the end of the next instruction. */
void rf_debug_postpone(struct rf_cpu *cpu);

#endif

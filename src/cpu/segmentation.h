/* Segmentation outside 64-bit mode (SDM 3A, chapters 3 and 5): what a segment allows, and the
 * stack that SS and its B bit make. */
#ifndef RF_CPU_SEGMENTATION_H
#define RF_CPU_SEGMENTATION_H

#include "cpu/cpu.h"

/* May [offset, offset + size) of the segment be accessed, by limit and type? */
bool rf_segment_allows(const struct rf_segment *s, uint32_t offset, unsigned size, bool write);

/* ES, SS and DS are writable data of 4 GiB from 0 (SS with B set), and CS ends at 4 GiB:
 * nothing can be refused there. */
bool rf_segments_flat(const struct rf_cpu *cpu);

/* --- the stack, in any mode --- */

/* Bits of RSP that are the stack pointer: 64, or by SS.B 32 or 16. */
uint64_t rf_stack_mask(const struct rf_cpu *cpu);
/* Change them: 16 bits leave the others alone, 32 clear the upper half. */
void rf_set_stack_pointer(struct rf_cpu *cpu, uint64_t value);

/* `count` slots of `size` bytes. All of a call is done or, with cpu->fault set, none of it. */
/* Write values[0] below the stack pointer, values[1] below that, and so on; RSP stays. */
bool rf_stack_put(struct rf_cpu *cpu, const uint64_t *values, unsigned count, unsigned size);
/* The check that rf_stack_put makes first. */
bool rf_stack_probe(struct rf_cpu *cpu, unsigned count, unsigned size);
/* The same, and move RSP. */
bool rf_stack_push(struct rf_cpu *cpu, const uint64_t *values, unsigned count, unsigned size);
/* Read slots from `skip` bytes above the stack pointer upwards; RSP stays. */
bool rf_stack_get(struct rf_cpu *cpu, uint64_t skip, uint64_t *values, unsigned count, unsigned size);
/* One slot at any offset in the stack segment. */
bool rf_stack_read(struct rf_cpu *cpu, uint64_t at, uint64_t *value, unsigned size);

/* --- a stack that a transition is about to switch to, or the current one --- */

struct rf_stack {
    struct rf_segment ss;
    uint64_t sp;
    uint8_t cpl;   /* whose accesses these are */
    bool is_64bit; /* SS is not looked at */
};

/* The current one, addressed as 64-bit code does or as SS says. */
struct rf_stack rf_current_stack(const struct rf_cpu *cpu, bool is_64bit);
/* May `count` slots of `size` bytes be pushed? False: cpu->fault is set. */
bool rf_pushes_probe(struct rf_cpu *cpu, const struct rf_stack *stack, unsigned count, unsigned size);
/* Write values[0] below its pointer, values[1] below that, and so on: all or nothing, no register
 * changes. At most RF_PUSHES_MOST slots. */
#define RF_PUSHES_MOST 40
bool rf_pushes_put(struct rf_cpu *cpu, const struct rf_stack *stack, const uint64_t *values, unsigned count,
                  unsigned size);
/* Load the stack pointer; SS and the mode are those of the stack already. */
void rf_pushes_done(struct rf_cpu *cpu, const struct rf_stack *stack, unsigned count, unsigned size);

#endif

/* What both kinds of machine show of a CPU: figures and disassembly. */
#ifndef RF_MACHINE_INSPECT_H
#define RF_MACHINE_INSPECT_H

#include "cpu/cpu.h"

#include <ringfort/machine.h>

/* All of rf_stats that a CPU can tell; the rest is 0. */
void rf_inspect_stats(const struct rf_cpu *cpu, rf_stats *out);

/* One instruction in Intel syntax from `got` bytes (at least 1) at linear address `address`; "bytes .." if
 * it is none. code_bits: 64, 32 or 16. Returns its length, 0 if it is none. */
unsigned rf_inspect_instruction(const uint8_t *bytes, size_t got, uint64_t address, unsigned code_bits,
                                char *out, size_t size);

#endif

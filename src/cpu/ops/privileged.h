/* What handlers of system instructions begin with. */
#ifndef RF_CPU_OPS_PRIVILEGED_H
#define RF_CPU_OPS_PRIVILEGED_H

#include "cpu/op.h"

#define REQUIRE_CPL0                                                                      \
    do {                                                                                  \
        if (RF_UNLIKELY(cpu->cpl != 0))                                                   \
            return rf_op_gp0(cpu, op);                                                    \
    } while (0)

/* SGDT SIDT SLDT STR SMSW are #GP at CPL 3 while CR4.UMIP = 1. */
#define REQUIRE_UMIP                                                                      \
    do {                                                                                  \
        if (cpu->cpl && cpu->mmu.cr4 & RF_CR4_UMIP)                                       \
            return rf_op_gp0(cpu, op);                                                    \
    } while (0)

#endif

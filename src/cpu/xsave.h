/* The XSAVE area: its layout and how state moves between it and a CPU (SDM 1, chapter 13).
 * Used by the instructions and by kernels that build signal frames. */
#ifndef RF_CPU_XSAVE_H
#define RF_CPU_XSAVE_H

#include "cpu/cpu.h"

/* The FXSAVE area, which an XSAVE area begins with (SDM 1, table 10-2). */
struct rf_fxsave_area {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved;
    uint16_t fop;
    uint64_t fip, fdp; /* without REX.W: 32 bits, then a selector that reads as 0 */
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16];
    uint8_t xmm[16][16];
    uint8_t unused[96]; /* not written */
};
_Static_assert(sizeof(struct rf_fxsave_area) == 512, "SDM 1, table 10-2");

/* Header and components in standard format; everything that a model here can have. */
struct rf_xsave_area {
    struct rf_fxsave_area legacy;
    uint64_t xstate_bv, xcomp_bv, reserved[6];
    uint8_t ymm_high[16][16]; /* component 2 */
    uint64_t pkru;            /* component 9 */
} __attribute__((aligned(64)));
_Static_assert(offsetof(struct rf_xsave_area, ymm_high) == 576, "SDM 1, 13.4");

#define RF_XCOMP_COMPACTED (UINT64_C(1) << 63)

struct rf_xsave_component {
    uint32_t offset, size; /* in standard format; size 0: no such component */
};
struct rf_xsave_component rf_xsave_component(unsigned number);
/* Bytes of an area that holds these components, in standard or compacted format. */
uint32_t rf_xsave_size(uint64_t components, bool compacted);

/* XINUSE: the components that are not in their initial state. */
uint64_t rf_xsave_in_use(struct rf_cpu *cpu);

/* x87 state without MXCSR and XMM. `wide`: 64-bit instruction and operand pointers. */
void rf_x87_to_area(struct rf_cpu *cpu, struct rf_fxsave_area *area, bool wide);
void rf_x87_from_area(struct rf_cpu *cpu, const struct rf_fxsave_area *area, bool wide);
/* As FNINIT leaves it, with all registers 0. */
void rf_x87_initial(struct rf_cpu *cpu);
/* The low halves of `count` (8 or 16) vector registers. */
void rf_xmm_to_area(const struct rf_cpu *cpu, struct rf_fxsave_area *area, unsigned count);
void rf_xmm_from_area(struct rf_cpu *cpu, const struct rf_fxsave_area *area, unsigned count);

/* The upper halves. */
void rf_ymm_to_area(const struct rf_cpu *cpu, struct rf_xsave_area *area);
void rf_ymm_from_area(struct rf_cpu *cpu, const struct rf_xsave_area *area);

/* MXCSR of running guest code from now on; true if the block mode changed with it, and rf_cpu_mode_changed is due. */
bool rf_mxcsr_set(struct rf_cpu *cpu, uint32_t value);

#endif

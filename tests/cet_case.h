/* What the tests of CET share: a bare machine with shadow stacks. */
#ifndef CET_CASE_H
#define CET_CASE_H

#include "bare_case.h"

#include "cpu/cet.h"

/* Shadow stack pointers in pages of their own, for the supervisor and for user code. */
#define S_SSP UINT64_C(0x50800)
#define S_SSP_PAGE_END UINT64_C(0x51000)
#define U_SSP (BARE_USER_DATA + 0x10800)

#define CET_S_SHADOW RF_CET_SH_STK_EN
#define CET_S_TRACK RF_CET_ENDBR_EN
#define CET_U_SHADOW RF_CET_SH_STK_EN
#define CET_U_TRACK RF_CET_ENDBR_EN

static inline void make_shadow_page(struct bare *b, uint64_t address)
{
    *bare_pte(b, address) = (*bare_pte(b, address) & ~RF_PTE_W) | RF_PTE_D;
    bare_flush(b);
}

/* CR4.CET, with bits of IA32_S_CET and IA32_U_CET; a machine that starts at CPL 3 may give what is
 * its own as the first, if the second is 0. */
static inline void cet_on(struct bare *b, uint64_t s_cet, uint64_t u_cet)
{
    if (b->cpu->cpl == 3 && !u_cet) {
        u_cet = s_cet;
        s_cet = 0;
    }
    rf_cpu_set_model(b->cpu, RF_CPU_MAX);
    make_shadow_page(b, S_SSP);
    make_shadow_page(b, U_SSP);
    b->cpu->ssp = b->cpu->cpl == 3 ? U_SSP : S_SSP;
    b->cpu->s_cet = s_cet;
    b->cpu->u_cet = u_cet;
    bare_set_cr4(b, RF_CR4_CET, 0);
}

/* The token of a supervisor's shadow stack, free. */
static inline void put_token(struct bare *b, uint64_t address)
{
    bare_write(b, address, address);
}

/* Level 0's own shadow stack, for events at CPL 3. */
#define S_LEVEL0 (S_SSP - 0x100)
static inline void give_level0_stack(struct bare *b)
{
    b->cpu->pl_ssp[0] = S_LEVEL0;
    put_token(b, S_LEVEL0);
}

/* A gate with IST 1, whose entry in the table of shadow stacks is S_IST1. */
#define S_IST_TABLE UINT64_C(0x53000)
#define S_IST1 UINT64_C(0x52800)
static inline void give_ist_stack(struct bare *b, unsigned vector)
{
    make_shadow_page(b, S_IST1);
    put_token(b, S_IST1);
    bare_write(b, S_IST_TABLE + 8, S_IST1);
    b->cpu->interrupt_ssp_table = S_IST_TABLE;
    bare_gate(b, vector, BARE_HANDLERS + vector * 16, KERNEL_CODE, 0xe, 0, 1, true);
}

#endif

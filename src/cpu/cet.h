/* Control-flow enforcement (SDM 1, chapter 17): shadow stacks and indirect branch tracking. Near
 * transfers and the instructions are in ops/cet.c; here is what every change of privilege or code
 * segment does.
 *
 * CR4.CET switches it on, IA32_U_CET for CPL 3 and IA32_S_CET for the others. While neither does,
 * nothing here is reached: blocks are decoded by RF_MODE_SHADOW_STACK and RF_MODE_TRACKING. */
#ifndef RF_CPU_CET_H
#define RF_CPU_CET_H

#include "cpu/privilege.h"

/* Bits of IA32_U_CET and IA32_S_CET (SDM 1, 17.1.2 and SDM 4, table 2-2). */
#define RF_CET_SH_STK_EN RF_BIT(0)
#define RF_CET_WR_SHSTK_EN RF_BIT(1)
#define RF_CET_ENDBR_EN RF_BIT(2)
#define RF_CET_LEG_IW_EN RF_BIT(3)
#define RF_CET_NO_TRACK_EN RF_BIT(4)
#define RF_CET_SUPPRESS_DIS RF_BIT(5)
#define RF_CET_RESERVED UINT64_C(0x3c0)
#define RF_CET_SUPPRESS RF_BIT(10)
#define RF_CET_TRACKER RF_BIT(11) /* WAIT_FOR_ENDBRANCH */

/* Error codes of #CP (SDM 3A, 6.15). */
enum rf_cp_error { RF_CP_NEAR_RET = 1, RF_CP_FAR_RET, RF_CP_ENDBRANCH, RF_CP_RSTORSSP, RF_CP_SETSSBSY };

RF_INLINE uint64_t *rf_cet_control(struct rf_cpu *cpu, unsigned cpl)
{
    return cpl == 3 ? &cpu->u_cet : &cpu->s_cet;
}
RF_INLINE bool rf_cet_enabled(const struct rf_cpu *cpu, unsigned cpl, uint64_t bit)
{
    return cpu->mmu.cr4 & RF_CR4_CET && (cpl == 3 ? cpu->u_cet : cpu->s_cet) & bit;
}
/* ShadowStackEnabled and EndbranchEnabled of the manual's pseudo-code. */
RF_INLINE bool rf_shadow_stack_enabled(const struct rf_cpu *cpu, unsigned cpl)
{
    return rf_cet_enabled(cpu, cpl, RF_CET_SH_STK_EN);
}
RF_INLINE bool rf_tracking_enabled(const struct rf_cpu *cpu, unsigned cpl)
{
    return rf_cet_enabled(cpu, cpl, RF_CET_ENDBR_EN);
}

/* An indirect branch, or a way into an inner level, has come to its target: the next instruction
 * must be ENDBR64, or ENDBR32 outside 64-bit mode. Nothing while tracking is off or suppressed. */
void rf_cet_wait_for_endbranch(struct rf_cpu *cpu);
/* The same for events and SYSCALL, which end a suppression. Called with the new CPL. */
void rf_cet_enter_tracking(struct rf_cpu *cpu);

/* What a transfer will do to the shadow stack pointers once nothing can refuse it any more. */
struct rf_cet_plan {
    bool sets_ssp, saves_user_ssp, frees_token;
    uint64_t ssp, token;
};

/* Into a handler or through a call gate: to `new_cpl`, at most the present one; `ist` of an interrupt
 * gate, else 0; `next_ip` is what the frame on the stack has. Frames are pushed and a token is
 * taken. `ext`: error code of #GP. False: refused; the token stays taken if it was (SDM 3A, 6.12.1). */
bool rf_cet_enter(struct rf_cpu *cpu, unsigned new_cpl, unsigned ist, uint64_t next_ip, uint32_t ext,
                  struct rf_cet_plan *plan, struct rf_refusal *refusal);
/* A far CALL at the same level, to code that is 64-bit or not. */
bool rf_cet_far_call(struct rf_cpu *cpu, bool to_64bit, struct rf_cet_plan *plan, struct rf_refusal *refusal);
/* A far JMP to code outside 64-bit mode needs an SSP of 32 bits. */
bool rf_cet_far_jump(struct rf_cpu *cpu, bool to_64bit, struct rf_refusal *refusal);
/* Back by IRET or a far RET, to `cs`, whose RPL is the new CPL, and linear address `lip`. */
bool rf_cet_return(struct rf_cpu *cpu, uint16_t cs, uint64_t lip, bool to_64bit, struct rf_cet_plan *plan,
                   struct rf_refusal *refusal);
/* Do as planned. */
void rf_cet_commit(struct rf_cpu *cpu, const struct rf_cet_plan *plan);

/* SYSCALL and SYSENTER, before and after CPL changes; SYSRET and SYSEXIT after it. */
void rf_cet_leave_user(struct rf_cpu *cpu);
void rf_cet_system_entered(struct rf_cpu *cpu);
void rf_cet_system_left(struct rf_cpu *cpu);

/* #CP. */
bool rf_refuse_control(struct rf_refusal *refusal, enum rf_cp_error error);

/* A word of the current level's shadow stack; false: cpu->fault. */
bool rf_shadow_load(struct rf_cpu *cpu, uint64_t va, uint64_t *value, unsigned size);
bool rf_shadow_store(struct rf_cpu *cpu, uint64_t va, uint64_t value, unsigned size);

#endif

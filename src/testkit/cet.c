/* Control-flow enforcement in a kit: shadow stacks, their tokens, and #CP in words (ringfort/testkit.h).
 * Rules: SDM 1, chapter 17. */
#include "testkit/kit.h"

#include <inttypes.h>
#include <stdio.h>

#define MSR_U_CET 0x6a0u
#define MSR_S_CET 0x6a2u
#define MSR_PL0_SSP 0x6a4u
#define MSR_PL3_SSP 0x6a7u
#define MSR_SSP_TABLE 0x6a8u
#define SH_STK_EN (UINT64_C(1) << 0)
#define ENDBR_EN (UINT64_C(1) << 2)
#define SUPPRESS_AND_TRACKER (UINT64_C(3) << 10)
#define CP_NEAR_RET 1

static rf_status map_stacks(rf_kit *kit)
{
    static const struct {
        uint64_t page;
        const char *words;
    } pages[] = {
        { RF_KIT_KERNEL_SSP - 0x1000, "shadow-stack" },
        { RF_KIT_PL0_SSP & ~UINT64_C(0xfff), "shadow-stack" },
        { RF_KIT_IST1_SSP & ~UINT64_C(0xfff), "shadow-stack" },
        { RF_KIT_USER_SSP - 0x1000, "user shadow-stack" },
    };
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        rf_status status = rf_kit_page(kit, pages[i].page, pages[i].words);
        if (status)
            return status;
    }
    return RF_OK;
}

rf_status kit_build_cet(rf_kit *kit, const rf_kit_config *c)
{
    uint64_t control = (c->shadow_stacks ? SH_STK_EN : 0) | (c->tracking ? ENDBR_EN : 0);
    rf_status status = RF_OK;
    if (!control)
        return RF_OK;
    if (c->shadow_stacks)
        status = map_stacks(kit);
    if (status)
        return status;
    rf_bare_write_msr(kit->bare, MSR_PL0_SSP, RF_KIT_PL0_SSP);
    rf_bare_write_msr(kit->bare, MSR_SSP_TABLE, RF_KIT_SSP_TABLE);
    rf_kit_poke(kit, RF_KIT_SSP_TABLE + 8, RF_KIT_IST1_SSP);
    rf_bare_write_msr(kit->bare, MSR_U_CET, control);
    return kit_bare_error(kit, rf_bare_write_msr(kit->bare, MSR_S_CET, control));
}

static void forget_branch(rf_kit *kit, uint32_t msr)
{
    uint64_t control;
    if (rf_bare_read_msr(kit->bare, msr, &control) == RF_OK)
        rf_bare_write_msr(kit->bare, msr, control & ~SUPPRESS_AND_TRACKER);
}

void kit_begin_cet(rf_kit *kit, unsigned cpl)
{
    forget_branch(kit, MSR_U_CET);
    forget_branch(kit, MSR_S_CET);
    if (!kit->shadow_stacks)
        return;
    rf_kit_poke(kit, RF_KIT_PL0_SSP, RF_KIT_PL0_SSP); /* a token that is free holds its own address */
    rf_kit_poke(kit, RF_KIT_IST1_SSP, RF_KIT_IST1_SSP);
    rf_kit_set(kit, RF_BARE_SSP, cpl ? RF_KIT_USER_SSP : RF_KIT_KERNEL_SSP);
}

/* --- #CP --- */

/* SDM 3A, 6.15, interrupt 21. */
void kit_control_words(uint32_t code, char *out, size_t size)
{
    static const char *const names[] = { "", "NEAR-RET", "FAR-RET/IRET", "ENDBRANCH", "RSTORSSP", "SETSSBSY" };
    snprintf(out, size, "%s", code < sizeof names / sizeof *names ? names[code] : "");
}

/* Where the interrupted code's shadow stack is: events from CPL 3 keep it in an MSR, others push it last. */
static bool interrupted_ssp(rf_kit *kit, uint64_t *ssp)
{
    if (kit->outcome.cpl_before == 3)
        return rf_bare_read_msr(kit->bare, MSR_PL3_SSP, ssp) == RF_OK;
    return rf_bare_read_linear(kit->bare, rf_kit_get(kit, RF_BARE_SSP), ssp, sizeof *ssp) == RF_OK;
}

/* Both return addresses of a RET that was refused. */
void kit_put_returns(rf_kit *kit, struct kit_text *t)
{
    const rf_outcome *o = &kit->outcome;
    uint64_t ssp, here = 0, there = 0;
    size_t size = o->frame.cs == RF_KIT_USER_CS32 ? 4 : 8;
    char stack[40], shadow[40];
    if (o->error_code != CP_NEAR_RET || !interrupted_ssp(kit, &ssp) ||
        rf_bare_read_linear(kit->bare, o->frame.rsp, &here, size) != RF_OK ||
        rf_bare_read_linear(kit->bare, ssp, &there, size) != RF_OK)
        return;
    kit_address(kit, here, stack);
    kit_address(kit, there, shadow);
    kit_put(t, "return address: %s on the stack at 0x%" PRIx64 ", %s on the shadow stack at 0x%" PRIx64 "\n", stack,
            o->frame.rsp, shadow, ssp);
}

/* A CPU's beginning and end. */
#include "cpu/block.h"
#include "cpu/engine.h"
#include "cpu/flags.h"

#include <stdlib.h>

/* Real-address mode segments (SDM 3A, table 9-1). */
static void reset_segments(struct rf_cpu *cpu)
{
    for (unsigned i = 0; i < RF_SEG_COUNT; i++)
        cpu->seg[i] = (struct rf_segment){ .limit = 0xffff, .attributes = RF_SEG_P | RF_SEG_S | 3 };
    cpu->seg[RF_CS].selector = 0xf000;
    cpu->seg[RF_CS].base = 0xffff0000;
    cpu->ldtr = (struct rf_segment){ .limit = 0xffff, .attributes = RF_SEG_P | 2 };
    cpu->tr = (struct rf_segment){ .limit = 0xffff, .attributes = RF_SEG_P | 0xb };
    cpu->idtr.limit = cpu->gdtr.limit = 0xffff;
}

static void reset(struct rf_cpu *cpu)
{
    cpu->flags = RF_FLAG_FIXED;
    rf_flags_set_status(cpu, 0);
    cpu->r[RF_REG_IP] = 0xfff0;
    rf_mmu_set_cr0(&cpu->mmu, RF_CR0_CD | RF_CR0_NW | RF_CR0_ET);
    cpu->dr[6] = 0xffff0ff0;
    cpu->dr[7] = 0x400;
    cpu->account_interrupted = RF_ACCOUNT_COUNT;
    cpu->xcr0 = 1;
    cpu->pat = UINT64_C(0x0007040600070406);
    cpu->apic_base = 0xfee00900;
    cpu->misc_enable = RF_BIT(0) /* fast strings */ | RF_MISC_ENABLE_MONITOR;
    cpu->fpu.cw = 0x37f; /* as FNINIT leaves it: what software sees first under any kernel */
    cpu->fpu.mxcsr = RF_MXCSR_DEFAULT;
    cpu->random_state = UINT64_C(0x9e3779b97f4a7c15);
    reset_segments(cpu);
}

rf_status rf_cpu_init(struct rf_cpu *cpu, struct rf_ram *ram, const struct rf_cost_model *cost,
                      struct rf_error *err)
{
    rf_status status = rf_mmu_init(&cpu->mmu, ram, err);
    if (status)
        return status;
    cpu->cost = cost;
    cpu->stop_cycles = cpu->timer_cycles = cpu->apic.expiry = UINT64_MAX;
    cpu->cycle_limit = INT64_MAX;
    cpu->budget = INT64_MAX;
    reset(cpu);
    cpu->jump_cache = calloc(RF_JUMP_CACHE_ENTRIES, sizeof *cpu->jump_cache);
    if (!cpu->jump_cache) {
        rf_cpu_destroy(cpu);
        return rf_error_set(err, RF_ERR_NO_MEMORY, "no memory for the jump cache");
    }
    rf_jump_cache_clear(cpu);
    status = rf_block_cache_create(cpu, err);
    if (status) {
        rf_cpu_destroy(cpu);
        return status;
    }
    rf_cpu_set_model(cpu, RF_CPU_V3);
    rf_cpu_mode_changed(cpu);
    return RF_OK;
}

/* AMD's CPUs have shadow stacks, and no tracking of indirect branches (AMD APM 2, chapter 18). */
static void set_features(struct rf_cpu *cpu)
{
    cpu->features = rf_model_features(cpu->model);
    if (cpu->vendor == RF_VENDOR_AMD)
        cpu->features &= ~(UINT64_C(1) << RF_FEATURE_IBT);
    rf_block_features_changed(cpu);
}

void rf_cpu_set_model(struct rf_cpu *cpu, enum rf_cpu_model model)
{
    cpu->model = model;
    set_features(cpu);
}

void rf_cpu_set_vendor(struct rf_cpu *cpu, enum rf_cpu_vendor vendor)
{
    cpu->vendor = vendor;
    set_features(cpu);
}

void rf_cpu_destroy(struct rf_cpu *cpu)
{
    rf_block_cache_destroy(cpu);
    free(cpu->jump_cache);
    cpu->jump_cache = NULL;
    rf_mmu_destroy(&cpu->mmu);
}

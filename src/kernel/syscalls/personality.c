/* arch_prctl(2) and personality(2). */
#include "kernel/task/task.h"

/* --- personality --- */

static int64_t sys_personality(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t wanted = (uint32_t)a[0], old = k->current->personality;
    if (wanted != UINT32_MAX)
        k->current->personality = wanted;
    return old;
}

/* --- arch_prctl --- */

/* Components of the extended state that user code may have: XCR0's. x87 and SSE always are. */
static uint64_t state_components(struct rf_kernel *k)
{
    uint32_t leaf[4];
    rf_cpu_cpuid(k->cpu, 0, 0, leaf);
    if (leaf[0] < 0xd)
        return 3;
    rf_cpu_cpuid(k->cpu, 0xd, 0, leaf);
    return leaf[0] | (uint64_t)leaf[3] << 32 | 3;
}

/* Components that must be asked for: AMX' tile data, which this CPU has not (arch/x86/kernel/fpu/xstate.c). */
#define TILE_DATA 18

static int64_t request_component(uint64_t index)
{
    return index > TILE_DATA ? -RF_EINVAL : -RF_EOPNOTSUPP;
}

static int64_t sys_arch_prctl(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_cpu *cpu = k->cpu;
    uint64_t *base = (int)a[0] == RF_ARCH_SET_FS || (int)a[0] == RF_ARCH_GET_FS ? &cpu->seg[RF_FS].base
                                                                           : &cpu->kernel_gs_base;
    uint64_t components;
    switch ((int)a[0]) {
    case RF_ARCH_SET_FS:
    case RF_ARCH_SET_GS:
        if (a[1] >= RF_TASK_SIZE)
            return -RF_EPERM;
        *base = a[1];
        return 0;
    case RF_ARCH_GET_FS:
    case RF_ARCH_GET_GS: return RF_PUT_USER(k, a[1], *base) ? -RF_EFAULT : 0;
    case RF_ARCH_GET_CPUID: return 1; /* the instruction does not fault */
    case RF_ARCH_SET_CPUID: return -RF_ENODEV;
    case RF_ARCH_GET_XCOMP_SUPP:
    case RF_ARCH_GET_XCOMP_PERM:
    case RF_ARCH_GET_XCOMP_GUEST_PERM:
        components = state_components(k);
        return RF_PUT_USER(k, a[1], components) ? -RF_EFAULT : 0;
    case RF_ARCH_REQ_XCOMP_PERM:
    case RF_ARCH_REQ_XCOMP_GUEST_PERM: return request_component(a[1]);
    default: return -RF_EINVAL;
    }
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_personality, sys_personality },
    { RF_NR_arch_prctl, sys_arch_prctl },
};
const struct rf_handler_table rf_handlers_personality = RF_HANDLER_TABLE(entries);

/* Registers of a stopped task, as tracers see and change them (arch/x86/kernel/ptrace.c of Linux). */
#include "kernel/ptrace/ptrace.h"
#include "kernel/signal/fpstate.h"
#include "kernel/task/task.h"

#include <string.h>

/* The flags that a tracer may change (FLAG_MASK). */
#define FLAGS_WRITABLE                                                                    \
    (RF_FLAG_CF | RF_FLAG_PF | RF_FLAG_AF | RF_FLAG_ZF | RF_FLAG_SF | RF_FLAG_TF |        \
     RF_FLAG_DF | RF_FLAG_OF | RF_FLAG_RF | RF_FLAG_AC | RF_FLAG_NT)

void rf_ptrace_enable_step(struct rf_task *task)
{
    if (!(task->regs->eflags & RF_FLAG_TF))
        task->trace->forced_tf = true; /* else the program's own, which stays */
    task->regs->eflags |= RF_FLAG_TF;
    task->trace->step = true;
}

void rf_ptrace_disable_step(struct rf_task *task)
{
    if (task->trace->forced_tf)
        task->regs->eflags &= ~(uint64_t)RF_FLAG_TF;
    task->trace->forced_tf = task->trace->step = false;
}

/* --- general registers --- */

/* pt_regs and user_regs begin alike. */
enum { COMMON = sizeof(struct rf_pt_regs) / 8 };
_Static_assert(COMMON == 21 && offsetof(struct rf_user_regs, fs_base) == 8 * COMMON, "the same order");

static uint64_t get_reg(const struct rf_task *task, unsigned index)
{
    const struct rf_cpu_context *c = &task->context;
    const uint64_t rest[6] = { c->fs_base, c->kernel_gs_base, c->ds, c->es, c->fs, c->gs };
    if (index >= COMMON)
        return rest[index - COMMON];
    uint64_t value = ((const uint64_t *)task->regs)[index];
    bool hide = index == offsetof(struct rf_user_regs, eflags) / 8 && task->trace->forced_tf;
    return hide ? value & ~(uint64_t)RF_FLAG_TF : value;
}

static void set_flags(struct rf_task *task, uint64_t value)
{
    if (value & RF_FLAG_TF)
        task->trace->forced_tf = false; /* it wants it itself */
    else if (task->trace->forced_tf)
        value |= RF_FLAG_TF;
    task->regs->eflags = (task->regs->eflags & ~(uint64_t)FLAGS_WRITABLE) | (value & FLAGS_WRITABLE);
}

static int64_t set_selector(struct rf_task *task, unsigned index, uint64_t value)
{
    struct rf_cpu_context *c = &task->context;
    uint16_t *const selectors[] = { &c->ds, &c->es, &c->fs, &c->gs };
    if (value & ~UINT64_C(0xffff) || (value && (value & 3) != 3))
        return -RF_EIO; /* invalid_selector */
    *selectors[index] = (uint16_t)value;
    return 0;
}

static int64_t set_reg(struct rf_task *task, unsigned index, uint64_t value)
{
    struct rf_cpu_context *c = &task->context;
    switch (8 * index) {
    case offsetof(struct rf_user_regs, cs):
    case offsetof(struct rf_user_regs, ss):
        if (value & ~UINT64_C(0xffff) || (value & 3) != 3)
            return -RF_EIO;
        break;
    case offsetof(struct rf_user_regs, eflags): set_flags(task, value); return 0;
    case offsetof(struct rf_user_regs, fs_base):
    case offsetof(struct rf_user_regs, gs_base):
        if (value >= RF_TASK_SIZE)
            return -RF_EIO;
        *(index == COMMON ? &c->fs_base : &c->kernel_gs_base) = value;
        return 0;
    default: break;
    }
    if (index > COMMON)
        return set_selector(task, index - COMMON - 2, value);
    ((uint64_t *)task->regs)[index] = value;
    return 0;
}

void rf_ptrace_get_regs(const struct rf_task *task, struct rf_user_regs *out)
{
    for (unsigned i = 0; i < sizeof *out / 8; i++)
        ((uint64_t *)out)[i] = get_reg(task, i);
}

int64_t rf_ptrace_set_regs(struct rf_task *task, const struct rf_user_regs *regs, size_t size)
{
    int64_t error = 0;
    for (unsigned i = 0; i < size / 8 && !error; i++)
        error = set_reg(task, i, ((const uint64_t *)regs)[i]);
    return error;
}

/* --- struct user --- */

static uint64_t get_debug(const struct rf_task *task, unsigned n)
{
    const struct rf_debug_registers *d = &task->debug;
    return n < 4 ? d->address[n] : n == 6 ? d->status : n == 7 ? d->control : 0; /* 8 and 9: not debug registers */
}

/* A breakpoint that the CPU can hold: code of one byte, data at an aligned user address (arch_parse_hw_breakpoint). */
static bool is_valid(uint64_t address, uint64_t control, unsigned n)
{
    unsigned kind = control >> (16 + 4 * n) & 3, length = control >> (18 + 4 * n) & 3;
    static const uint8_t bytes[4] = { 1, 2, 8, 4 };
    if (!(control >> 2 * n & 3))
        return true;
    if (kind == 2 || (kind == 0 && length) || address >= RF_TASK_SIZE)
        return false;
    return !(address & (uint64_t)(bytes[length] - 1));
}

static int64_t set_debug(struct rf_task *task, unsigned n, uint64_t value)
{
    struct rf_debug_registers *d = &task->debug;
    if (n < 4) {
        if (value >= RF_TASK_SIZE || !is_valid(value, d->control, n))
            return -RF_EINVAL;
        d->address[n] = value;
    } else if (n == 6) {
        d->status = value;
    } else if (n == 7) {
        value &= RF_DR7_WRITABLE & ~RF_DR7_GD;
        for (unsigned i = 0; i < 4; i++)
            if (!is_valid(d->address[i], value, i))
                return -RF_EINVAL;
        d->control = value;
    } else {
        return -RF_EIO;
    }
    return 0;
}

int64_t rf_ptrace_peek_user(const struct rf_task *task, uint64_t offset, uint64_t *out)
{
    *out = 0;
    if (offset & 7 || offset >= RF_USER_SIZE)
        return -RF_EIO;
    if (offset < sizeof(struct rf_user_regs))
        *out = get_reg(task, (unsigned)(offset / 8));
    else if (offset >= RF_USER_DEBUGREG)
        *out = get_debug(task, (unsigned)(offset - RF_USER_DEBUGREG) / 8);
    return 0;
}

int64_t rf_ptrace_poke_user(struct rf_task *task, uint64_t offset, uint64_t value)
{
    if (offset & 7 || offset >= RF_USER_SIZE)
        return -RF_EIO;
    if (offset < sizeof(struct rf_user_regs))
        return set_reg(task, (unsigned)(offset / 8), value);
    if (offset >= RF_USER_DEBUGREG)
        return set_debug(task, (unsigned)(offset - RF_USER_DEBUGREG) / 8, value);
    return -RF_EIO;
}

/* --- floating point --- */

int64_t rf_ptrace_set_fp(struct rf_kernel *k, struct rf_task *task, const uint8_t *bytes, size_t size)
{
    struct rf_xsave_area area;
    memset(&area, 0, sizeof area);
    memcpy(&area, bytes, size < sizeof area ? size : sizeof area);
    bool whole = size > sizeof area.legacy;
    if (!whole)
        area.xstate_bv = RF_XCR0_X87 | RF_XCR0_SSE;
    if (area.legacy.mxcsr & ~RF_MXCSR_MASK || (whole && !rf_fp_valid(k->cpu, &area)))
        return -RF_EINVAL;
    rf_fp_swap(k, task);
    if (!whole) { /* the other components stay */
        struct rf_xsave_area now;
        memset(&now, 0, sizeof now);
        rf_ymm_to_area(k->cpu, &now);
        memcpy(area.ymm_high, now.ymm_high, sizeof area.ymm_high);
        area.xstate_bv |= rf_fp_components(k->cpu) & RF_XCR0_AVX;
    }
    rf_fp_restore(k->cpu, &area);
    rf_fp_swap(k, task);
    return 0;
}

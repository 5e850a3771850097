/* getrusage and times: modelled cycles as CPU time. */
#include "kernel/syscalls/usage.h"

#include "kernel/mm/mm.h"
#include "kernel/task/clock.h"

#include <string.h>

static void cycles_to_timeval(uint64_t cycles, struct rf_timeval *out)
{
    uint64_t us = cycles / (RF_CYCLES_PER_NS * 1000);
    out->tv_sec = (int64_t)(us / 1000000);
    out->tv_usec = (int64_t)(us % 1000000);
}

static void set_times(struct rf_rusage *out, uint64_t user_cycles, uint64_t kernel_cycles)
{
    memset(out, 0, sizeof *out);
    cycles_to_timeval(user_cycles, &out->ru_utime);
    cycles_to_timeval(kernel_cycles, &out->ru_stime);
}

void rf_usage_of_child(const struct rf_process *process, struct rf_rusage *out)
{
    set_times(out, process->user_cycles + process->child_user_cycles,
              process->kernel_cycles + process->child_kernel_cycles);
}

static int64_t sys_getrusage(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_task *task = k->current;
    const struct rf_process *process = task->process;
    struct rf_rusage usage;
    rf_account_times(k);
    switch ((int32_t)a[0]) {
    case RF_RUSAGE_SELF: set_times(&usage, process->user_cycles, process->kernel_cycles); break;
    case RF_RUSAGE_THREAD: set_times(&usage, task->user_cycles, task->kernel_cycles); break;
    case RF_RUSAGE_CHILDREN: set_times(&usage, process->child_user_cycles, process->child_kernel_cycles); break;
    default: return -RF_EINVAL;
    }
    if ((int32_t)a[0] != RF_RUSAGE_CHILDREN)
        usage.ru_maxrss = (int64_t)(task->mm->resident_pages * 4);
    return RF_PUT_USER(k, a[1], usage) ? -RF_EFAULT : 0;
}

static int64_t sys_times(struct rf_kernel *k, const uint64_t a[6])
{
    rf_account_times(k);
    const struct rf_process *p = k->current->process;
    struct rf_tms tms = { .tms_utime = (int64_t)(p->user_cycles / RF_CYCLES_PER_TICK),
                          .tms_stime = (int64_t)(p->kernel_cycles / RF_CYCLES_PER_TICK),
                          .tms_cutime = (int64_t)(p->child_user_cycles / RF_CYCLES_PER_TICK),
                          .tms_cstime = (int64_t)(p->child_kernel_cycles / RF_CYCLES_PER_TICK) };
    if (a[0] && RF_PUT_USER(k, a[0], tms))
        return -RF_EFAULT;
    return (int64_t)(rf_clock_monotonic(k) / 10000000);
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_getrusage, sys_getrusage },
    { RF_NR_times, sys_times },
};
const struct rf_handler_table rf_handlers_usage = RF_HANDLER_TABLE(entries);

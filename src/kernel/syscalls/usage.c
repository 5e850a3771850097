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

/* --- counting --- */

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool rf_usage_count_sleep(struct rf_task *task)
{
    if (!task || task->state == RF_TASK_RUNNABLE)
        return false;
    task->usage.voluntary++;
    task->process->usage.voluntary++;
    return true;
}

void rf_usage_count_preemption(struct rf_task *task, bool slept)
{
    if (!task || slept)
        return;
    task->usage.involuntary++;
    task->process->usage.involuntary++;
}

void rf_usage_count_fault(struct rf_task *task)
{
    if (!task || !task->process)
        return;
    task->usage.faults++;
    task->process->usage.faults++;
}

void rf_usage_leave_mm(struct rf_process *process, const struct rf_mm *mm)
{
    process->max_rss = most(process->max_rss, mm->peak_resident);
}

static void add(struct rf_usage *sum, const struct rf_usage *more)
{
    sum->faults += more->faults;
    sum->voluntary += more->voluntary;
    sum->involuntary += more->involuntary;
}

void rf_usage_add_child(struct rf_process *parent, const struct rf_process *child)
{
    add(&parent->child_usage, &child->usage);
    add(&parent->child_usage, &child->child_usage);
    parent->child_max_rss = most(parent->child_max_rss, most(child->max_rss, child->child_max_rss));
}

/* --- telling --- */

static void set_counts(struct rf_rusage *out, const struct rf_usage *usage, uint64_t max_rss)
{
    out->ru_minflt = (int64_t)usage->faults;
    out->ru_nvcsw = (int64_t)usage->voluntary;
    out->ru_nivcsw = (int64_t)usage->involuntary;
    out->ru_maxrss = (int64_t)(max_rss * (RF_PAGE_SIZE / 1024));
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
    struct rf_usage sum = process->usage;
    add(&sum, &process->child_usage);
    set_counts(out, &sum, most(process->max_rss, process->child_max_rss));
}

static int64_t sys_getrusage(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_task *task = k->current;
    const struct rf_process *process = task->process;
    struct rf_rusage usage;
    rf_account_times(k);
    const struct rf_usage *counts = &process->usage;
    uint64_t max_rss = most(process->max_rss, task->mm->peak_resident);
    switch ((int32_t)a[0]) {
    case RF_RUSAGE_SELF: set_times(&usage, process->user_cycles, process->kernel_cycles); break;
    case RF_RUSAGE_THREAD:
        set_times(&usage, task->user_cycles, task->kernel_cycles);
        counts = &task->usage;
        break;
    case RF_RUSAGE_CHILDREN:
        set_times(&usage, process->child_user_cycles, process->child_kernel_cycles);
        counts = &process->child_usage;
        max_rss = process->child_max_rss;
        break;
    default: return -RF_EINVAL;
    }
    set_counts(&usage, counts, max_rss);
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

/* The scheduler: round robin on modelled time, idle time, context switches. */
#include "kernel/boot/boot.h"
#include "kernel/frames.h"
#include "kernel/mm/mm.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/signal/signal.h"
#include "kernel/syscalls/futex.h"
#include "kernel/syscalls/usage.h"
#include "kernel/task/clock.h"
#include "kernel/task/task.h"

#include <poll.h>
#include <stdio.h>

/* --- real-time policies (sched(7)): they come first, but for 950 ms of each second at most --- */

#define RT_PERIOD_CYCLES UINT64_C(3000000000)
#define RT_RUNTIME_CYCLES UINT64_C(2850000000)

static bool is_realtime(const struct rf_task *task)
{
    return task->rt_priority > 0;
}

/* Cycles that real-time tasks may still run in this second. */
static uint64_t realtime_left(struct rf_kernel *k)
{
    uint64_t now = rf_cpu_cycles(k->cpu);
    if (now - k->rt_period >= RT_PERIOD_CYCLES) {
        k->rt_period = now - now % RT_PERIOD_CYCLES;
        k->rt_used = 0;
    }
    uint64_t used = k->rt_used;
    if (k->current && is_realtime(k->current))
        used += now - (k->current->slice_start > k->rt_period ? k->current->slice_start : k->rt_period);
    return used < RT_RUNTIME_CYCLES ? RT_RUNTIME_CYCLES - used : 0;
}

static void account_realtime(struct rf_kernel *k)
{
    struct rf_task *task = k->current;
    uint64_t now = rf_cpu_cycles(k->cpu);
    if (!task || !is_realtime(task))
        return;
    uint64_t since = task->slice_start > k->rt_period ? task->slice_start : k->rt_period;
    k->rt_used += now > since ? now - since : 0;
    task->slice_start = now;
}

/* A real-time task that another has interrupted goes on before its equals. */
static bool stays_first(const struct rf_kernel *k, const struct rf_task *task)
{
    return is_realtime(task) && !task->yielded && task->was_running &&
           rf_cpu_cycles(k->cpu) < task->timeslice_end;
}

/* Something runs that the newly runnable task comes before. */
static void preempt(struct rf_kernel *k, const struct rf_task *task)
{
    if (!k->current || k->current->rt_priority >= task->rt_priority)
        return;
    k->need_resched = true;
    rf_update_exit_work(k, 0);
}

void rf_make_runnable(struct rf_kernel *k, struct rf_task *task)
{
    if (task->state == RF_TASK_ZOMBIE || task->state == RF_TASK_STOPPED || task->state == RF_TASK_TRACED)
        return;
    task->state = RF_TASK_RUNNABLE;
    if (task->on_run_queue || task == k->current)
        return;
    task->on_run_queue = true;
    bool in_front = stays_first(k, task);
    task->next_run = in_front ? k->run_first : NULL;
    if (in_front)
        k->run_first = task;
    else if (k->run_last)
        k->run_last->next_run = task;
    else
        k->run_first = task;
    if (!task->next_run)
        k->run_last = task;
    preempt(k, task);
    rf_timers_arm(k); /* a time slice must end now */
}

static void take_off(struct rf_kernel *k, struct rf_task *before, struct rf_task *task)
{
    if (before)
        before->next_run = task->next_run;
    else
        k->run_first = task->next_run;
    if (!task->next_run)
        k->run_last = before;
    task->on_run_queue = false;
}

/* The first of the highest priority; while real-time tasks are throttled, the first of the others if there is
 * one. */
static struct rf_task *take_next(struct rf_kernel *k)
{
    struct rf_task *best = NULL, *before_best = NULL, *before = NULL;
    bool throttled = realtime_left(k) == 0;
    for (struct rf_task *task = k->run_first, *next; task; task = next) {
        next = task->next_run;
        if (task->state != RF_TASK_RUNNABLE) {
            take_off(k, before, task);
            continue;
        }
        int rank = throttled && is_realtime(task) ? -1 : task->rt_priority;
        int best_rank = !best ? -2 : throttled && is_realtime(best) ? -1 : best->rt_priority;
        if (rank > best_rank) {
            best = task;
            before_best = before;
        }
        before = task;
    }
    if (best)
        take_off(k, before_best, best);
    return best;
}

/* --- time --- */

static uint64_t next_deadline(const struct rf_kernel *k)
{
    uint64_t next = k->timers ? k->timers->expires : UINT64_MAX;
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->state == RF_TASK_SLEEPING && task->deadline && task->deadline < next)
            next = task->deadline;
    return next;
}

void rf_timers_run(struct rf_kernel *k)
{
    uint64_t now = rf_clock_monotonic(k);
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->state == RF_TASK_SLEEPING && task->deadline && task->deadline <= now) {
            rf_leave_queues(k, task);
            rf_make_runnable(k, task);
        }
    rf_timer_fire_expired(k, now);
    rf_cpu_timer_fire_expired(k);
    if (k->run_first && k->current && rf_cpu_cycles(k->cpu) >= k->current->timeslice_end)
        k->need_resched = true;
}

void rf_timers_arm(struct rf_kernel *k)
{
    uint64_t deadline = next_deadline(k);
    uint64_t cycles = deadline == UINT64_MAX ? UINT64_MAX : rf_clock_to_cycles(k, deadline);
    if (k->run_first && k->current && k->current->timeslice_end < cycles)
        cycles = k->current->timeslice_end;
    uint64_t now = rf_cpu_cycles(k->cpu), distance = rf_cpu_timer_distance(k);
    if (distance != UINT64_MAX && now + distance < cycles)
        cycles = now + distance;
    k->cpu->timer_cycles = cycles;
    rf_cpu_refresh_budget(k->cpu);
}

void rf_kernel_timer(void *user, struct rf_cpu *cpu)
{
    struct rf_kernel *k = user;
    rf_timers_run(k);
    rf_timers_arm(k);
    rf_update_exit_work(k, 0);
    /* enter the kernel, so that the exit path sees the work */
    if (k->layout->percpu->exit_work) {
        cpu->interrupt_pending = true;
        cpu->interrupt_vector = RF_TIMER_VECTOR;
    }
    /* a slice that ended with nothing else to run: do not ask again at once */
    if (k->current && cpu->timer_cycles <= rf_cpu_cycles(cpu))
        cpu->timer_cycles = rf_cpu_cycles(cpu) + RF_TIMESLICE_CYCLES;
}

/* --- waiting for the outside --- */

#define MAX_HOST_WAITS 64

/* Sleep until a host descriptor that a task waits for is ready, at most timeout_ms of host
 * time (-1: no limit). True if a task became runnable. */
static bool wait_for_host(struct rf_kernel *k, int timeout_ms)
{
    struct pollfd fds[MAX_HOST_WAITS];
    struct rf_task *tasks[MAX_HOST_WAITS];
    nfds_t count = 0;
    for (struct rf_task *task = k->tasks; task && count < MAX_HOST_WAITS; task = task->next_task) {
        if (task->state != RF_TASK_SLEEPING || task->host_fd < 0)
            continue;
        fds[count] = (struct pollfd){ .fd = task->host_fd, .events = task->host_events };
        tasks[count++] = task;
    }
    if (!count)
        return false;
    int ready = poll(fds, count, timeout_ms);
    for (nfds_t i = 0; ready > 0 && i < count; i++) {
        if (!fds[i].revents)
            continue;
        rf_leave_queues(k, tasks[i]);
        rf_make_runnable(k, tasks[i]);
    }
    return ready > 0;
}

static bool anyone_waits_for_host(const struct rf_kernel *k)
{
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->state == RF_TASK_SLEEPING && task->host_fd >= 0)
            return true;
    return false;
}

static void pass_time_until(struct rf_kernel *k, uint64_t deadline)
{
    uint64_t target = rf_clock_to_cycles(k, deadline), now = rf_cpu_cycles(k->cpu);
    if (target > now)
        rf_cpu_charge(k->cpu, RF_ACCOUNT_IDLE, target - now);
    rf_timers_run(k);
}

/* Nobody can run. Let time pass, or wait for the host; false if neither can help. */
static bool idle(struct rf_kernel *k)
{
    uint64_t deadline = next_deadline(k);
    bool host = anyone_waits_for_host(k);
    if (k->cpu->stop_requested)
        return false;
    if (host) {
        uint64_t now = rf_clock_monotonic(k);
        int timeout = 100; /* no deadline: look for a requested stop now and then */
        if (deadline != UINT64_MAX)
            timeout = deadline > now ? (int)((deadline - now) / 1000000 < 86400000 ? (deadline - now) / 1000000 : 86400000) : 0;
        if (wait_for_host(k, timeout) || deadline == UINT64_MAX)
            return true;
    }
    if (deadline == UINT64_MAX) {
        snprintf(k->stop_text, sizeof k->stop_text,
                 "deadlock: every task sleeps and nothing can wake one (task %d in system call %u)",
                 k->tasks ? k->tasks->tid : 0, k->tasks ? k->tasks->syscall_number : 0);
        return false;
    }
    if (deadline > rf_clock_to_ns(k, k->cpu->stop_cycles)) {
        pass_time_until(k, rf_clock_to_ns(k, k->cpu->stop_cycles) + 1);
        return false; /* the cycle limit comes first */
    }
    pass_time_until(k, deadline);
    return true;
}

/* --- context switch --- */

void rf_context_save(const struct rf_kernel *k, struct rf_cpu_context *c)
{
    const struct rf_cpu *cpu = k->cpu;
    for (unsigned i = 0; i < 16; i++)
        c->r[i] = cpu->r[i];
    c->rip = cpu->r[RF_REG_IP];
    c->rflags = rf_cpu_flags(cpu);
    c->fs_base = cpu->seg[RF_FS].base;
    c->gs_base = cpu->seg[RF_GS].base;
    c->kernel_gs_base = cpu->kernel_gs_base;
    c->fs = cpu->seg[RF_FS].selector;
    c->gs = cpu->seg[RF_GS].selector;
    c->ds = cpu->seg[RF_DS].selector;
    c->es = cpu->seg[RF_ES].selector;
    c->pkru = cpu->mmu.pkru;
    c->fpu = cpu->fpu;
}

static void load_context(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_cpu *cpu = k->cpu;
    const struct rf_cpu_context *c = &task->context;
    uint32_t host_mxcsr = cpu->fpu.host_mxcsr;
    for (unsigned i = 0; i < 16; i++)
        cpu->r[i] = c->r[i];
    cpu->r[RF_REG_IP] = c->rip;
    rf_cpu_set_flags(cpu, c->rflags);
    /* An interrupt of user code has left SS null, and AMD's SYSRET keeps its attributes (APM 3, SYSRET): the next
     * task's 32-bit code would have no stack. Linux loads SS here, too. */
    if (cpu->vendor == RF_VENDOR_AMD)
        cpu->seg[RF_SEG_SS] = rf_kernel_ss;
    cpu->seg[RF_FS].base = c->fs_base;
    cpu->seg[RF_GS].base = c->gs_base;
    cpu->kernel_gs_base = c->kernel_gs_base;
    cpu->seg[RF_FS].selector = c->fs;
    cpu->seg[RF_GS].selector = c->gs;
    cpu->seg[RF_DS].selector = c->ds;
    cpu->seg[RF_ES].selector = c->es;
    if (cpu->mmu.pkru != c->pkru)
        rf_mmu_set_pkru(&cpu->mmu, c->pkru);
    cpu->fpu = c->fpu;
    cpu->fpu.host_mxcsr = host_mxcsr;
}

void rf_account_times(struct rf_kernel *k)
{
    struct rf_cpu *cpu = k->cpu;
    rf_cpu_account(cpu, cpu->account.current);
    uint64_t user = cpu->account.cycles[RF_ACCOUNT_USER], all = 0;
    for (unsigned i = 0; i < RF_ACCOUNT_COUNT; i++)
        if (i != RF_ACCOUNT_IDLE)
            all += cpu->account.cycles[i];
    if (k->current) {
        k->current->process->user_cycles += user - k->counted_user;
        k->current->process->kernel_cycles += (all - user) - k->counted_kernel;
        k->current->user_cycles += user - k->counted_user;
        k->current->kernel_cycles += (all - user) - k->counted_kernel;
    }
    k->counted_user = user;
    k->counted_kernel = all - user;
}

static void load_debug_registers(struct rf_cpu *cpu, const struct rf_debug_registers *debug)
{
    if (!(debug->control & RF_DR7_ENABLES) && !rf_debug_enabled(cpu))
        return;
    for (unsigned i = 0; i < 4; i++)
        cpu->dr[i] = debug->address[i];
    cpu->dr[7] = debug->control | RF_DR7_FIXED;
}

static void switch_to(struct rf_kernel *k, struct rf_task *next)
{
    uint64_t top = RF_DIRECT_MAP + next->kstack_pa + RF_KSTACK_BYTES;
    load_context(k, next);
    load_debug_registers(k->cpu, &next->debug);
    k->current = next;
    k->layout->percpu->kernel_rsp = top;
    k->layout->tss->rsp[0] = top;
    rf_mm_activate(k, next->mm);
    rf_apply_tsc(k, next);
    rf_charge(k, RF_EVENT_SWITCH, 1);
}

void rf_apply_tsc(struct rf_kernel *k, const struct rf_task *task)
{
    uint64_t cr4 = k->cpu->mmu.cr4 & ~RF_CR4_TSD;
    if (task->tsc_faults)
        cr4 |= RF_CR4_TSD;
    if (cr4 != k->cpu->mmu.cr4)
        rf_mmu_set_cr4(&k->cpu->mmu, cr4);
}

/* A step of nice is a factor of 1.25, as in Linux' table of weights (kernel/sched/core.c). */
uint64_t rf_timeslice(const struct rf_task *task)
{
    uint64_t cycles = RF_TIMESLICE_CYCLES;
    switch (task->policy) {
    case RF_SCHED_FIFO: return UINT64_MAX / 2;
    case RF_SCHED_RR: return RF_RR_TIMESLICE_CYCLES;
    case RF_SCHED_IDLE: return cycles * 3 / 1024; /* WEIGHT_IDLEPRIO against that of nice 0 */
    default: break;
    }
    for (int32_t nice = task->nice; nice < 0; nice++)
        cycles += cycles / 4;
    for (int32_t nice = task->nice; nice > 0; nice--)
        cycles -= cycles / 5;
    return cycles;
}

/* When the task that runs now must be looked at again. */
static uint64_t slice_end(struct rf_kernel *k, const struct rf_task *task)
{
    uint64_t now = rf_cpu_cycles(k->cpu), slice = rf_timeslice(task);
    if (!is_realtime(task))
        return now + slice;
    uint64_t left = realtime_left(k);
    if (!left) /* throttled, but alone: until the next second */
        left = k->rt_period + RT_PERIOD_CYCLES - now;
    return now + (left < slice ? left : slice);
}

void rf_priority_changed(struct rf_kernel *k, struct rf_task *task)
{
    task->slice_start = rf_cpu_cycles(k->cpu);
    rf_futex_priority_changed(k, task);
    if (task == k->current) {
        task->timeslice_end = slice_end(k, task);
        for (const struct rf_task *other = k->run_first; other; other = other->next_run)
            if (other->rt_priority > task->rt_priority)
                k->need_resched = true;
        rf_update_exit_work(k, 0);
    } else if (task->on_run_queue) {
        preempt(k, task);
    }
    rf_timers_arm(k);
}

bool rf_schedule(struct rf_kernel *k)
{
    struct rf_task *previous = k->current, *next;
    account_realtime(k);
    if (k->ending_namespaces)
        rf_settle_namespaces(k);
    if (previous && previous->state == RF_TASK_RUNNABLE) {
        if (!k->run_first) {
            k->need_resched = false;
            return true;
        }
        k->current = NULL; /* so that it queues */
        previous->was_running = true;
        rf_make_runnable(k, previous);
        previous->was_running = previous->yielded = false;
        k->current = previous;
    }
    if (previous)
        previous->rseq_event = true; /* the CPU is given away, if only to nobody */
    bool slept = rf_usage_count_sleep(previous);
    while (!(next = take_next(k))) {
        if (k->finished || !idle(k))
            return false;
        if (previous && previous->state == RF_TASK_RUNNABLE) { /* woken while it was current: not queued */
            next = previous;
            break;
        }
    }
    if (next != previous) {
        rf_usage_count_preemption(previous, slept);
        rf_account_times(k);
        if (previous && previous->state != RF_TASK_ZOMBIE)
            rf_context_save(k, &previous->context);
        switch_to(k, next);
    }
    k->need_resched = false;
    next->slice_start = rf_cpu_cycles(k->cpu);
    next->timeslice_end = slice_end(k, next);
    if (k->reap && k->reap != next) {
        rf_task_free(k, k->reap);
        k->reap = NULL;
    }
    rf_timers_arm(k);
    rf_update_exit_work(k, 0);
    return true;
}

void rf_yield(struct rf_kernel *k)
{
    k->need_resched = true;
    rf_update_exit_work(k, 0);
}

void rf_update_exit_work(struct rf_kernel *k, uint32_t also)
{
    uint64_t work = also | (k->layout->percpu->exit_work & RF_WORK_IRET);
    const struct rf_task *task = k->current;
    if (task && (rf_signal_pending(task) || task->restore_blocked || task->delivery_stopped || (task->trace && task->trace->phase)))
        work |= RF_WORK_SIGNAL;
    if (task && (task->exit_work || (task->trace && task->trace->exec_event)))
        work |= RF_WORK_TRACE;
    if (k->need_resched)
        work |= RF_WORK_RESCHED;
    if (k->current && k->current->rseq && k->current->rseq_event)
        work |= RF_WORK_RSEQ;
    k->layout->percpu->exit_work = work;
}

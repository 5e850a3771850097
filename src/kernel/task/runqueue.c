/* The run queue: who runs next, and for how long (kernel/task/runqueue.h). */
#include "kernel/task/runqueue.h"

#include "kernel/task/task.h"

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

void rf_account_realtime(struct rf_kernel *k)
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

/* With a seed of the scheduler: is the n-th of equals drawn in place of those before it? Each is with the same chance, of
 * the first few, so that nobody waits long. */
static bool is_drawn(struct rf_kernel *k, unsigned n)
{
    enum { FEW = 4 };
    return k->sched_random && n <= FEW && rf_random_next(&k->sched_random) % n == 0;
}

/* The first of the highest priority; while real-time tasks are throttled, the first of the others if there is
 * one. */
struct rf_task *rf_take_next(struct rf_kernel *k)
{
    struct rf_task *best = NULL, *before_best = NULL, *before = NULL;
    unsigned equals = 0;
    bool throttled = realtime_left(k) == 0;
    for (struct rf_task *task = k->run_first, *next; task; task = next) {
        next = task->next_run;
        if (task->state != RF_TASK_RUNNABLE) {
            take_off(k, before, task);
            continue;
        }
        int rank = throttled && is_realtime(task) ? -1 : task->rt_priority;
        int best_rank = !best ? -2 : throttled && is_realtime(best) ? -1 : best->rt_priority;
        equals = rank == best_rank ? equals + 1 : rank > best_rank ? 1 : equals;
        if (rank > best_rank || (rank == best_rank && is_drawn(k, equals))) {
            best = task;
            before_best = before;
        }
        before = task;
    }
    if (best)
        take_off(k, before_best, best);
    return best;
}

/* --- slices --- */

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
uint64_t rf_slice_end(struct rf_kernel *k, const struct rf_task *task)
{
    uint64_t now = rf_cpu_cycles(k->cpu), slice = rf_timeslice(task);
    if (!is_realtime(task))
        return now + (k->sched_random ? slice / 8 + rf_random_next(&k->sched_random) % slice : slice);
    uint64_t left = realtime_left(k);
    if (!left) /* throttled, but alone: until the next second */
        left = k->rt_period + RT_PERIOD_CYCLES - now;
    return now + (left < slice ? left : slice);
}

void rf_priority_changed(struct rf_kernel *k, struct rf_task *task)
{
    task->slice_start = rf_cpu_cycles(k->cpu);
    if (task == k->current) {
        task->timeslice_end = rf_slice_end(k, task);
        for (const struct rf_task *other = k->run_first; other; other = other->next_run)
            if (other->rt_priority > task->rt_priority)
                k->need_resched = true;
        rf_update_exit_work(k, 0);
    } else if (task->on_run_queue) {
        preempt(k, task);
    }
    rf_timers_arm(k);
}

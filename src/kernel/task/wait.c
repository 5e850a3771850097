/* Wait queues, deadlines, and the clock that they are measured by. */
#include "kernel/signal/signal.h"
#include "kernel/task/clock.h"
#include "kernel/task/task.h"

#include <string.h>
#include <time.h>

uint64_t rf_clock_host(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t rf_clock_monotonic(const struct rf_kernel *k)
{
    return k->host_clock ? rf_clock_host() - k->host_start_ns : rf_clock_to_ns(k, rf_cpu_cycles(k->cpu));
}

uint64_t rf_clock_realtime(const struct rf_kernel *k)
{
    return k->epoch_ns + rf_clock_monotonic(k);
}

void rf_leave_queues(struct rf_kernel *k, struct rf_task *task)
{
    while (task->waits) {
        struct rf_wait *wait = task->waits;
        task->waits = wait->next_of_task;
        struct rf_wait **link = &wait->queue->first;
        while (*link && *link != wait)
            link = &(*link)->next_on_queue;
        if (*link)
            *link = wait->next_on_queue;
        rf_kfree(k, wait);
    }
    task->host_fd = -1;
}

static int64_t go_to_sleep(struct rf_kernel *k, bool interrupted)
{
    k->current->killable = false;
    if (interrupted) {
        rf_leave_queues(k, k->current);
        k->current->state = RF_TASK_RUNNABLE;
        return -RF_ERESTARTSYS;
    }
    k->current->state = RF_TASK_SLEEPING;
    return RF_BLOCKED;
}

static bool join_queue(struct rf_kernel *k, struct rf_wait_queue *q)
{
    struct rf_wait *wait = rf_kalloc(k, sizeof *wait);
    if (!wait)
        return false;
    *wait = (struct rf_wait){ k->current, q, NULL, k->current->waits };
    k->current->waits = wait;
    struct rf_wait **tail = &q->first; /* first come, first woken */
    while (*tail)
        tail = &(*tail)->next_on_queue;
    *tail = wait;
    return true;
}

int64_t rf_sleep_on(struct rf_kernel *k, struct rf_wait_queue *q)
{
    return join_queue(k, q) ? go_to_sleep(k, rf_signal_pending(k->current)) : -RF_ENOMEM;
}

int64_t rf_sleep_on_killable(struct rf_kernel *k, struct rf_wait_queue *q)
{
    if (!join_queue(k, q))
        return -RF_ENOMEM;
    int64_t result = go_to_sleep(k, rf_signal_fatal_pending(k->current));
    k->current->killable = result == RF_BLOCKED;
    return result;
}

int64_t rf_sleep_until_deadline(struct rf_kernel *k)
{
    return go_to_sleep(k, rf_signal_pending(k->current));
}

int64_t rf_sleep_on_host(struct rf_kernel *k, int host_fd, short events)
{
    k->current->host_fd = host_fd;
    k->current->host_events = events;
    return go_to_sleep(k, rf_signal_pending(k->current));
}

void rf_wake(struct rf_kernel *k, struct rf_wait_queue *q)
{
    rf_wake_for(k, q, 0);
}

void rf_wake_for(struct rf_kernel *k, struct rf_wait_queue *q, uint32_t events)
{
    for (struct rf_watch *watch = q->watches; watch; watch = watch->next)
        watch->wake(k, watch, events);
    while (q->first) {
        struct rf_task *task = q->first->task;
        rf_charge(k, RF_EVENT_WAKE, 1);
        rf_leave_queues(k, task);
        rf_make_runnable(k, task);
    }
}

uint64_t rf_sleep_deadline_at(struct rf_kernel *k, uint64_t absolute_ns)
{
    if (!k->current->deadline)
        k->current->deadline = absolute_ns ? absolute_ns : 1;
    return k->current->deadline;
}

uint64_t rf_sleep_deadline(struct rf_kernel *k, uint64_t relative_ns)
{
    uint64_t now = rf_clock_monotonic(k);
    return rf_sleep_deadline_at(k, relative_ns > UINT64_MAX - 1 - now ? UINT64_MAX : now + relative_ns);
}

int64_t rf_restart_later(struct rf_kernel *k)
{
    struct rf_task *task = k->current;
    if (!task->restarting) {
        task->restart_number = task->syscall_number;
        memcpy(task->restart_args, task->syscall_args, sizeof task->restart_args);
        task->restart_deadline = task->deadline;
        task->restart_ready = true;
    }
    return -RF_ERESTART_RESTARTBLOCK;
}

bool rf_deadline_passed(const struct rf_kernel *k)
{
    uint64_t deadline = k->current->deadline;
    return deadline && deadline != UINT64_MAX && rf_clock_monotonic(k) >= deadline;
}

/* Timers on the monotonic clock and on CPU time (kernel/task/timer.h). */
#include "kernel/task/timer.h"

#include "kernel/task/clock.h"
#include "kernel/task/task.h"

void rf_timer_start(struct rf_kernel *k, struct rf_timer *timer, uint64_t expires)
{
    rf_timer_stop(k, timer);
    struct rf_timer **link = &k->timers;
    while (*link && (*link)->expires <= expires)
        link = &(*link)->next;
    timer->expires = expires;
    timer->active = true;
    timer->next = *link;
    *link = timer;
    rf_timers_arm(k);
}

void rf_timer_stop(struct rf_kernel *k, struct rf_timer *timer)
{
    if (!timer->active)
        return;
    struct rf_timer **link = &k->timers;
    while (*link && *link != timer)
        link = &(*link)->next;
    if (*link)
        *link = timer->next;
    timer->active = false;
}

void rf_timer_fire_expired(struct rf_kernel *k, uint64_t now)
{
    while (k->timers && k->timers->expires <= now) {
        struct rf_timer *timer = k->timers;
        k->timers = timer->next;
        timer->active = false;
        timer->fire(k, timer->owner);
    }
}

/* --- CPU time --- */

uint64_t rf_cpu_clock_read(struct rf_kernel *k, const struct rf_cpu_clock *clock)
{
    rf_account_times(k);
    if (!clock->process)
        return 0;
    uint64_t user = clock->task ? clock->task->user_cycles : clock->process->user_cycles;
    uint64_t kernel = clock->task ? clock->task->kernel_cycles : clock->process->kernel_cycles;
    return rf_clock_to_ns(k, clock->user_only ? user : user + kernel);
}

void rf_cpu_timer_start(struct rf_kernel *k, struct rf_cpu_timer *timer, uint64_t expires)
{
    rf_cpu_timer_stop(k, timer);
    if (!timer->clock.process)
        return;
    timer->expires = expires;
    timer->active = true;
    timer->next = timer->clock.process->cpu_timers;
    timer->clock.process->cpu_timers = timer;
    rf_timers_arm(k);
}

static void unlink_cpu_timer(struct rf_cpu_timer *timer)
{
    struct rf_cpu_timer **link = &timer->clock.process->cpu_timers;
    while (*link && *link != timer)
        link = &(*link)->next;
    if (*link)
        *link = timer->next;
    timer->active = false;
}

void rf_cpu_timer_stop(struct rf_kernel *k, struct rf_cpu_timer *timer)
{
    (void)k;
    if (timer->active)
        unlink_cpu_timer(timer);
}

void rf_cpu_timers_forget_task(struct rf_kernel *k, const struct rf_task *task)
{
    (void)k;
    for (struct rf_cpu_timer **link = &task->process->cpu_timers; *link;) {
        struct rf_cpu_timer *timer = *link;
        if (timer->clock.task != task) {
            link = &timer->next;
            continue;
        }
        *link = timer->next;
        timer->active = false;
    }
}

void rf_cpu_timers_forget_process(struct rf_kernel *k, struct rf_process *process)
{
    (void)k;
    while (process->cpu_timers) {
        struct rf_cpu_timer *timer = process->cpu_timers;
        process->cpu_timers = timer->next;
        timer->active = false;
        timer->clock = (struct rf_cpu_clock){ 0 };
    }
}

void rf_cpu_timer_fire_expired(struct rf_kernel *k)
{
    struct rf_cpu_timer *timer = k->current ? k->current->process->cpu_timers : NULL;
    while (timer) {
        struct rf_cpu_timer *next = timer->next;
        if (rf_cpu_clock_read(k, &timer->clock) >= timer->expires) {
            unlink_cpu_timer(timer);
            timer->fire(k, timer->owner); /* may put it in again, at the head */
        }
        timer = next;
    }
}

uint64_t rf_cpu_timer_distance(struct rf_kernel *k)
{
    uint64_t least = UINT64_MAX;
    struct rf_cpu_timer *timer = k->current ? k->current->process->cpu_timers : NULL;
    for (; timer; timer = timer->next) {
        if (timer->clock.task && timer->clock.task != k->current)
            continue;
        uint64_t now = rf_cpu_clock_read(k, &timer->clock);
        uint64_t left = timer->expires > now ? rf_clock_to_cycles(k, timer->expires - now) : 0;
        if (left < least)
            least = left;
    }
    return least;
}

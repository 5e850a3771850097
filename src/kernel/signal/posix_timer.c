/* POSIX timers (timer_create(2), kernel/time/posix-timers.c).
 *
 * A timer has one signal in itself, so expiry needs no memory. While that signal is pending, the timer
 * rests; taking the signal starts it again past all the intervals that were missed, which are the
 * overrun count. */
#include "kernel/signal/posix_timer.h"

#include "kernel/task/task.h"

static uint64_t now_of(struct rf_kernel *k, const struct rf_posix_timer *t)
{
    return t->clock.is_cpu ? rf_cpu_clock_read(k, &t->clock.cpu) : rf_clock_monotonic(k);
}

static void start(struct rf_kernel *k, struct rf_posix_timer *t)
{
    t->state = RF_TIMER_ARMED;
    if (t->silent)
        return; /* only looked at */
    if (t->clock.is_cpu)
        rf_cpu_timer_start(k, &t->cpu, t->expires);
    else
        rf_timer_start(k, &t->timer, t->expires);
}

/* Move the expiry past now; the intervals skipped. */
static uint64_t forward(struct rf_kernel *k, struct rf_posix_timer *t)
{
    uint64_t now = now_of(k, t);
    if (now < t->expires)
        return 0;
    uint64_t skipped = (now - t->expires) / t->interval + 1;
    t->expires += skipped * t->interval;
    return skipped;
}

static void send(struct rf_kernel *k, struct rf_posix_timer *t)
{
    if (t->to_thread && !t->target)
        return;
    t->queued = rf_signal_send_timer(k, t->process, t->target, &t->signal);
    t->ignored = !t->queued && t->interval;
}

static void fire(struct rf_kernel *k, void *owner)
{
    struct rf_posix_timer *t = owner;
    t->state = t->interval ? RF_TIMER_FIRED : RF_TIMER_DISARMED;
    t->overrun = 0;
    send(k, t);
}

void rf_posix_timer_delivered(struct rf_kernel *k, struct rf_posix_timer *t, struct rf_siginfo *info)
{
    t->queued = false;
    if (!t->interval || t->state != RF_TIMER_FIRED)
        return;
    t->overrun += forward(k, t);
    t->overrun_last = t->overrun ? t->overrun - 1 : 0; /* the first interval is the expiry itself */
    t->overrun = 0;
    info->timer.overrun = rf_posix_timer_overrun(t);
    start(k, t);
}

void rf_posix_timer_dropped(struct rf_kernel *k, struct rf_posix_timer *t)
{
    (void)k;
    t->queued = false;
    t->ignored = t->interval != 0;
}

void rf_posix_timers_unignored(struct rf_kernel *k, struct rf_process *process, int signo)
{
    for (struct rf_posix_timer *t = process->posix_timers; t; t = t->next)
        if (t->ignored && t->signal.info.si_signo == signo)
            send(k, t);
}

/* --- the calls --- */

static void fill_signal(struct rf_posix_timer *t, const struct rf_sigevent *event)
{
    struct rf_siginfo *info = &t->signal.info;
    info->si_signo = event ? event->sigev_signo : RF_SIGALRM;
    info->si_code = RF_SI_TIMER;
    info->timer.tid = t->id;
    if (event)
        info->timer.value = event->sigev_value;
    else
        info->timer.value.sival_int = t->id;
    t->signal.timer = t;
}

/* good_sigevent of kernel/time/posix-timers.c */
static int64_t check_event(struct rf_kernel *k, const struct rf_sigevent *event, struct rf_task **target)
{
    *target = NULL;
    switch (event->sigev_notify) {
    case RF_SIGEV_NONE:
        return 0;
    case RF_SIGEV_THREAD_ID:
        *target = rf_task_find(k, rf_pid_given(k, event->sigev_tid));
        if (!*target || (*target)->process != k->current->process || !(*target)->sighand)
            return -RF_EINVAL;
        break;
    case RF_SIGEV_SIGNAL:
    case RF_SIGEV_THREAD: /* the C library's threads wait for the signal */
        break;
    default:
        return -RF_EINVAL;
    }
    return event->sigev_signo < 1 || event->sigev_signo > RF_NSIG ? -RF_EINVAL : 0;
}

int64_t rf_posix_timer_create(struct rf_kernel *k, const struct rf_clock *clock, const struct rf_sigevent *event,
                              struct rf_posix_timer **out)
{
    struct rf_process *process = k->current->process;
    struct rf_task *target = NULL;
    if (!rf_pending_has_room(k, k->current))
        return -RF_EAGAIN;
    int64_t error = event ? check_event(k, event, &target) : 0;
    if (error)
        return error;
    struct rf_posix_timer *t = rf_kalloc(k, sizeof *t);
    if (!t)
        return -RF_EAGAIN;
    t->process = process;
    t->id = process->next_timer_id++;
    t->clock = *clock;
    t->silent = event && event->sigev_notify == RF_SIGEV_NONE;
    t->to_thread = target;
    t->target = target;
    t->timer = (struct rf_timer){ .fire = fire, .owner = t };
    t->cpu = (struct rf_cpu_timer){ .clock = clock->cpu, .fire = fire, .owner = t };
    fill_signal(t, event);
    t->next = process->posix_timers;
    process->posix_timers = t;
    *out = t;
    return 0;
}

static void stop(struct rf_kernel *k, struct rf_posix_timer *t)
{
    rf_timer_stop(k, &t->timer);
    rf_cpu_timer_stop(k, &t->cpu);
    if (t->queued) /* the signal of a setting that is no more is not delivered, as since Linux 6.13 */
        rf_pending_remove_timer(k, t->process, &t->signal);
    t->queued = t->ignored = false;
    t->state = RF_TIMER_DISARMED;
}

void rf_posix_timer_delete(struct rf_kernel *k, struct rf_posix_timer *t)
{
    struct rf_posix_timer **link = &t->process->posix_timers;
    stop(k, t);
    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    rf_kfree(k, t);
}

struct rf_posix_timer *rf_posix_timer_find(struct rf_process *process, int32_t id)
{
    struct rf_posix_timer *t = process->posix_timers;
    while (t && t->id != id)
        t = t->next;
    return t;
}

void rf_posix_timer_set(struct rf_kernel *k, struct rf_posix_timer *t, bool absolute, uint64_t value,
                        uint64_t interval)
{
    stop(k, t);
    t->overrun = t->overrun_last = t->interval = 0;
    if (!value)
        return;
    uint64_t now = now_of(k, t);
    t->interval = interval;
    t->absolute = absolute;
    t->timer.realtime = absolute && t->clock.realtime;
    if (absolute)
        t->expires = value > t->clock.offset ? value - t->clock.offset : 0;
    else
        t->expires = value > UINT64_MAX - now ? UINT64_MAX : now + value;
    start(k, t);
}

uint64_t rf_posix_timer_left(struct rf_kernel *k, struct rf_posix_timer *t)
{
    if (t->state == RF_TIMER_DISARMED)
        return 0;
    if (t->interval && (t->silent || t->state == RF_TIMER_FIRED))
        t->overrun += forward(k, t);
    uint64_t now = now_of(k, t);
    if (t->expires > now)
        return t->expires - now;
    return t->silent ? 0 : 1; /* due, but its signal is still on the way */
}

int32_t rf_posix_timer_overrun(const struct rf_posix_timer *t)
{
    return t->overrun_last > INT32_MAX ? INT32_MAX : (int32_t)t->overrun_last;
}

uint32_t rf_posix_timer_count(const struct rf_process *process)
{
    uint32_t count = 0;
    for (const struct rf_posix_timer *t = process->posix_timers; t; t = t->next)
        count++;
    return count;
}

void rf_posix_timers_thread_ended(struct rf_kernel *k, struct rf_task *task)
{
    rf_cpu_timers_forget_task(k, task);
    for (struct rf_posix_timer *t = task->process->posix_timers; t; t = t->next) {
        if (t->target == task) {
            if (t->queued)
                rf_pending_remove_timer(k, t->process, &t->signal);
            t->queued = false;
            t->target = NULL;
        }
        if (t->clock.cpu.task == task) /* the clock stands still from now on */
            t->clock.cpu = t->cpu.clock = (struct rf_cpu_clock){ 0 };
    }
}

void rf_posix_timers_delete_all(struct rf_kernel *k, struct rf_process *process)
{
    while (process->posix_timers)
        rf_posix_timer_delete(k, process->posix_timers);
}

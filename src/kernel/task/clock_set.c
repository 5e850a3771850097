/* Setting the realtime clock: what waits for a time of it waits for another time of the monotonic clock now. */
#include "kernel/fs/fs.h"
#include "kernel/signal/posix_timer.h"
#include "kernel/task/clock.h"
#include "kernel/task/task.h"

#define NS INT64_C(1000000000)
/* TIME_SETTOD_SEC_MAX: thirty years before the clocks end. */
#define MAX_SECONDS (INT64_MAX / NS - INT64_C(30) * 365 * 24 * 3600)

static uint64_t moved(uint64_t time, uint64_t forward)
{
    if (time == UINT64_MAX)
        return time;
    uint64_t value = time - forward; /* modulo 2^64: forward may be negative */
    return (int64_t)value <= 0 ? 1 : value;
}

static void move_timers(struct rf_kernel *k, uint64_t forward)
{
    struct rf_timer *list = NULL;
    for (struct rf_timer **link = &k->timers; *link;) {
        struct rf_timer *timer = *link;
        if (!timer->realtime) {
            link = &timer->next;
            continue;
        }
        *link = timer->next;
        timer->active = false;
        timer->next = list;
        list = timer;
    }
    while (list) {
        struct rf_timer *timer = list;
        list = timer->next;
        rf_timer_start(k, timer, moved(timer->expires, forward));
    }
}

static void move_posix_timers(struct rf_kernel *k, uint64_t forward)
{
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        struct rf_posix_timer *t = task == task->process->leader ? task->process->posix_timers : NULL;
        for (; t; t = t->next) {
            if (!t->clock.realtime)
                continue;
            t->clock.offset += forward;
            if (t->absolute)
                t->expires = moved(t->expires, forward);
        }
    }
}

/* In clock_nanosleep or futex(2), until a time of the realtime clock. */
static bool sleeps_until_realtime(const struct rf_task *task)
{
    const uint64_t *a = task->syscall_args;
    if (task->state != RF_TASK_SLEEPING || !task->in_syscall || !task->deadline)
        return false;
    if (task->syscall_number == RF_NR_clock_nanosleep)
        return a[1] & 1 && ((int)a[0] == RF_CLOCK_REALTIME || (int)a[0] == RF_CLOCK_REALTIME_ALARM ||
                             (int)a[0] == RF_CLOCK_TAI);
    return task->syscall_number == RF_NR_futex &&
           (a[1] & RF_FUTEX_CLOCK_REALTIME || (a[1] & RF_FUTEX_CMD_MASK) == RF_FUTEX_LOCK_PI);
}

bool rf_clock_is_settable(int64_t seconds, int64_t ns)
{
    return seconds >= 0 && seconds < MAX_SECONDS && ns >= 0 && ns < NS;
}

void rf_ntp_clear(struct rf_kernel *k)
{
    k->ntp.status |= RF_STA_UNSYNC;
    k->ntp.maxerror = k->ntp.esterror = RF_NTP_PHASE_LIMIT;
}

int64_t rf_clock_set(struct rf_kernel *k, int64_t seconds, int64_t ns)
{
    uint64_t value = (uint64_t)seconds * (uint64_t)NS + (uint64_t)ns, now = rf_clock_monotonic(k);
    if (value < now)
        return -RF_EINVAL;
    uint64_t forward = value - now - k->epoch_ns;
    k->epoch_ns = value - now;
    rf_ntp_clear(k);
    move_posix_timers(k, forward);
    move_timers(k, forward);
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (sleeps_until_realtime(task))
            task->deadline = moved(task->deadline, forward);
    rf_timerfd_clock_was_set(k);
    rf_timers_run(k);
    rf_timers_arm(k);
    return 0;
}

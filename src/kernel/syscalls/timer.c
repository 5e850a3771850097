/* alarm, setitimer and getitimer; POSIX timers; timerfd. */
#include "kernel/fs/fs.h"
#include "kernel/signal/posix_timer.h"
#include "kernel/task/itimer.h"

#define NS 1000000000u

/* --- interval timers --- */

static bool valid(const struct rf_timeval *t)
{
    return t->tv_sec >= 0 && t->tv_usec >= 0 && t->tv_usec < 1000000;
}

static uint64_t to_ns(const struct rf_timeval *t)
{
    const struct rf_timespec same = { t->tv_sec, t->tv_usec * 1000 };
    return rf_timespec_ns(&same);
}

static struct rf_itimerval read_itimer(struct rf_kernel *k, int which)
{
    uint64_t left, interval;
    rf_itimer_get(k, k->current->process, which, &left, &interval);
    return (struct rf_itimerval){ rf_ns_timeval(interval), rf_ns_timeval(left) };
}

/* Rounded to the nearest second, but never to 0 (alarm_setitimer of kernel/time/itimer.c). */
static int64_t sys_alarm(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t left, interval;
    rf_itimer_get(k, k->current->process, RF_ITIMER_REAL, &left, &interval);
    rf_itimer_set(k, k->current->process, RF_ITIMER_REAL, (uint64_t)(uint32_t)a[0] * NS, 0);
    uint64_t seconds = (left + NS / 2) / NS;
    return (int64_t)(left && !seconds ? 1 : seconds);
}

static int64_t sys_getitimer(struct rf_kernel *k, const uint64_t a[6])
{
    if ((uint32_t)a[0] > RF_ITIMER_PROF)
        return -RF_EINVAL;
    struct rf_itimerval value = read_itimer(k, (int)a[0]);
    return RF_PUT_USER(k, a[1], value) ? -RF_EFAULT : 0;
}

static int64_t sys_setitimer(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_itimerval value = { 0 }; /* without a new value, the timer is switched off */
    if (a[1] && RF_GET_USER(k, value, a[1]))
        return -RF_EFAULT;
    if (!valid(&value.it_value) || !valid(&value.it_interval) || (uint32_t)a[0] > RF_ITIMER_PROF)
        return -RF_EINVAL;
    struct rf_itimerval old = read_itimer(k, (int)a[0]);
    rf_itimer_set(k, k->current->process, (int)a[0], to_ns(&value.it_value), to_ns(&value.it_interval));
    return a[2] && RF_PUT_USER(k, a[2], old) ? -RF_EFAULT : 0;
}

/* --- POSIX timers --- */

/* Clocks that are read but have no timers; the alarm clocks need a clock chip that wakes the machine. */
static bool has_timers(const struct rf_kernel *k, int id, const struct rf_clock *clock)
{
    switch (id) {
    case RF_CLOCK_MONOTONIC_RAW:
    case RF_CLOCK_REALTIME_COARSE:
    case RF_CLOCK_MONOTONIC_COARSE:
    case RF_CLOCK_REALTIME_ALARM:
    case RF_CLOCK_BOOTTIME_ALARM:
        return false;
    default: /* those on another process' CPU time are not offered */
        return !clock->is_cpu || clock->cpu.process == k->current->process;
    }
}

static int64_t sys_timer_create(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_sigevent event;
    struct rf_clock clock;
    struct rf_posix_timer *timer;
    if (a[1] && RF_GET_USER(k, event, a[1]))
        return -RF_EFAULT;
    int64_t error = rf_clock_find(k, (int)a[0], &clock);
    if (error)
        return error;
    if (!has_timers(k, (int)a[0], &clock))
        return -RF_EOPNOTSUPP;
    error = rf_posix_timer_create(k, &clock, a[1] ? &event : NULL, &timer);
    if (error)
        return error;
    if (RF_PUT_USER(k, a[2], timer->id)) {
        rf_posix_timer_delete(k, timer);
        return -RF_EFAULT;
    }
    return 0;
}

static struct rf_itimerspec read_timer(struct rf_kernel *k, struct rf_posix_timer *timer)
{
    return (struct rf_itimerspec){ rf_ns_timespec(timer->interval), rf_ns_timespec(rf_posix_timer_left(k, timer)) };
}

static int64_t sys_timer_settime(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_itimerspec value;
    if (!a[2])
        return -RF_EINVAL;
    if (RF_GET_USER(k, value, a[2]))
        return -RF_EFAULT;
    if (!rf_timespec_valid(&value.it_value) || !rf_timespec_valid(&value.it_interval))
        return -RF_EINVAL;
    struct rf_posix_timer *timer = rf_posix_timer_find(k->current->process, (int32_t)a[0]);
    if (!timer)
        return -RF_EINVAL;
    struct rf_itimerspec old = read_timer(k, timer);
    rf_posix_timer_set(k, timer, a[1] & RF_TIMER_ABSTIME, rf_timespec_ns(&value.it_value),
                       rf_timespec_ns(&value.it_interval));
    return a[3] && RF_PUT_USER(k, a[3], old) ? -RF_EFAULT : 0;
}

static int64_t sys_timer_gettime(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_posix_timer *timer = rf_posix_timer_find(k->current->process, (int32_t)a[0]);
    if (!timer)
        return -RF_EINVAL;
    struct rf_itimerspec value = read_timer(k, timer);
    return RF_PUT_USER(k, a[1], value) ? -RF_EFAULT : 0;
}

static int64_t sys_timer_getoverrun(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_posix_timer *timer = rf_posix_timer_find(k->current->process, (int32_t)a[0]);
    return timer ? rf_posix_timer_overrun(timer) : -RF_EINVAL;
}

static int64_t sys_timer_delete(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_posix_timer *timer = rf_posix_timer_find(k->current->process, (int32_t)a[0]);
    if (!timer)
        return -RF_EINVAL;
    rf_posix_timer_delete(k, timer);
    return 0;
}

/* --- timerfd --- */

static int64_t sys_timerfd_create(struct rf_kernel *k, const uint64_t a[6])
{
    int clock = (int)a[0];
    uint32_t flags = (uint32_t)a[1];
    struct rf_file *file;
    bool wakes = clock == RF_CLOCK_REALTIME_ALARM || clock == RF_CLOCK_BOOTTIME_ALARM;
    bool known = wakes || clock == RF_CLOCK_REALTIME || clock == RF_CLOCK_MONOTONIC || clock == RF_CLOCK_BOOTTIME;
    if (flags & ~(uint32_t)(RF_TFD_NONBLOCK | RF_TFD_CLOEXEC) || !known)
        return -RF_EINVAL;
    if (wakes && !rf_capable(k, RF_CAP_WAKE_ALARM))
        return -RF_EPERM;
    int64_t result = rf_timerfd_create(k, clock, flags, &file);
    if (result)
        return result;
    result = rf_fd_install(k, file, 0, flags & RF_TFD_CLOEXEC);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

static int64_t find_timerfd(struct rf_kernel *k, uint64_t fd, struct rf_file **out)
{
    *out = rf_fd_file(k, (int)fd);
    if (!*out)
        return -RF_EBADF;
    return rf_file_is_timerfd(*out) ? 0 : -RF_EINVAL;
}

static int64_t sys_timerfd_settime(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[1];
    struct rf_itimerspec value, old;
    struct rf_file *file;
    if (RF_GET_USER(k, value, a[2]))
        return -RF_EFAULT;
    if (flags & ~(uint32_t)(RF_TFD_TIMER_ABSTIME | RF_TFD_TIMER_CANCEL_ON_SET) || !rf_timespec_valid(&value.it_value) ||
        !rf_timespec_valid(&value.it_interval))
        return -RF_EINVAL;
    int64_t error = find_timerfd(k, a[0], &file);
    if (error)
        return error;
    rf_timerfd_get(k, file, &old);
    rf_timerfd_set(k, file, flags & RF_TFD_TIMER_ABSTIME, flags & RF_TFD_TIMER_CANCEL_ON_SET, &value);
    return a[3] && RF_PUT_USER(k, a[3], old) ? -RF_EFAULT : 0;
}

static int64_t sys_timerfd_gettime(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_itimerspec value;
    struct rf_file *file;
    int64_t error = find_timerfd(k, a[0], &file);
    if (error)
        return error;
    rf_timerfd_get(k, file, &value);
    return RF_PUT_USER(k, a[1], value) ? -RF_EFAULT : 0;
}

#define ENTRY(name) { RF_NR_##name, sys_##name }
static const struct rf_handler_entry entries[] = {
    ENTRY(alarm), ENTRY(getitimer), ENTRY(setitimer), ENTRY(timer_create), ENTRY(timer_settime),
    ENTRY(timer_gettime), ENTRY(timer_getoverrun), ENTRY(timer_delete), ENTRY(timerfd_create),
    ENTRY(timerfd_settime), ENTRY(timerfd_gettime),
};
const struct rf_handler_table rf_handlers_timer = RF_HANDLER_TABLE(entries);

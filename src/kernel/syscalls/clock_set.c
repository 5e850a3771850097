/* settimeofday, clock_settime (kernel/time/timekeeping.c). */
#include "kernel/task/clock.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"

/* The capability is asked for between the checks of the value and what only the clock itself refuses. */
static int64_t set_clock(struct rf_kernel *k, int64_t seconds, int64_t ns)
{
    return rf_capable(k, RF_CAP_SYS_TIME) ? rf_clock_set(k, seconds, ns) : -RF_EPERM;
}

static int64_t sys_settimeofday(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_timeval tv = { 0, 0 };
    struct rf_timezone zone;
    if (a[0]) {
        if (RF_GET_USER(k, tv, a[0]))
            return -RF_EFAULT;
        if (tv.tv_usec > 1000000 || tv.tv_usec < 0)
            return -RF_EINVAL;
    }
    if (a[1] && RF_GET_USER(k, zone, a[1]))
        return -RF_EFAULT;
    if (a[0] && !rf_clock_is_settable(tv.tv_sec, tv.tv_usec * 1000))
        return -RF_EINVAL;
    if (!rf_capable(k, RF_CAP_SYS_TIME))
        return -RF_EPERM;
    if (a[1]) {
        if (zone.tz_minuteswest > 15 * 60 || zone.tz_minuteswest < -15 * 60)
            return -RF_EINVAL;
        k->timezone = zone;
    }
    return a[0] ? rf_clock_set(k, tv.tv_sec, tv.tv_usec * 1000) : 0;
}

static int64_t sys_clock_settime(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_timespec t;
    struct rf_clock clock;
    int id = (int)a[0];
    if (id >= 0 && id != RF_CLOCK_REALTIME)
        return -RF_EINVAL;
    if (RF_GET_USER(k, t, a[1]))
        return -RF_EFAULT;
    if (id < 0) /* CPU time cannot be set */
        return rf_clock_find(k, id, &clock) ? -RF_EINVAL : -RF_EPERM;
    if (!rf_clock_is_settable(t.tv_sec, t.tv_nsec))
        return -RF_EINVAL;
    return set_clock(k, t.tv_sec, t.tv_nsec);
}

#define ENTRY(name) { RF_NR_##name, sys_##name }
static const struct rf_handler_entry entries[] = {
    ENTRY(settimeofday), ENTRY(clock_settime),
};
const struct rf_handler_table rf_handlers_clock_set = RF_HANDLER_TABLE(entries);

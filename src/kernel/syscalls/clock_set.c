/* settimeofday, clock_settime, adjtimex, clock_adjtime (kernel/time/timekeeping.c, ntp.c). The clock can be set and
 * stepped; its rate is the machine's and cannot be changed. */
#include "kernel/task/clock.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"

#define NS INT64_C(1000000000)
/* TIME_SETTOD_SEC_MAX: thirty years before the clocks end. */
#define MAX_SECONDS (INT64_MAX / NS - INT64_C(30) * 365 * 24 * 3600)

static bool may_set(const struct rf_kernel *k)
{
    return rf_capable(k, RF_CAP_SYS_TIME);
}

/* Realtime may not be set to before the machine's start. */
static int64_t set_clock(struct rf_kernel *k, int64_t seconds, int64_t ns)
{
    uint64_t value = (uint64_t)seconds * (uint64_t)NS + (uint64_t)ns;
    if (value < rf_clock_monotonic(k))
        return -RF_EINVAL;
    rf_clock_set_realtime(k, value);
    return 0;
}

static bool is_settable(int64_t seconds, int64_t ns)
{
    return seconds >= 0 && seconds < MAX_SECONDS && ns >= 0 && ns < NS;
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
    if (a[0] && !is_settable(tv.tv_sec, tv.tv_usec * 1000))
        return -RF_EINVAL;
    if (!may_set(k))
        return -RF_EPERM;
    if (a[1]) {
        if (zone.tz_minuteswest > 15 * 60 || zone.tz_minuteswest < -15 * 60)
            return -RF_EINVAL;
        k->timezone = zone;
    }
    return a[0] ? set_clock(k, tv.tv_sec, tv.tv_usec * 1000) : 0;
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
    if (!is_settable(t.tv_sec, t.tv_nsec))
        return -RF_EINVAL;
    return may_set(k) ? set_clock(k, t.tv_sec, t.tv_nsec) : -RF_EPERM;
}

/* --- adjtimex --- */

enum { ADJ_OFFSET = 1, ADJ_FREQUENCY = 2, ADJ_SETOFFSET = 0x100, ADJ_NANO = 0x2000, ADJ_TICK = 0x4000,
       ADJ_ADJTIME = 0x8000, ADJ_OFFSET_READONLY = 0x2000 };
enum { STA_UNSYNC = 0x40, TIME_ERROR = 5 };
#define MAX_ERROR 16000000 /* us: NTP_PHASE_LIMIT */
#define TICK_US 10000

/* timekeeping_validate_timex, and what would change the rate. */
static int64_t check(const struct rf_kernel *k, const struct rf_timex *t)
{
    if (t->modes & ADJ_ADJTIME) {
        if (!(t->modes & ADJ_OFFSET))
            return -RF_EINVAL;
        if (!(t->modes & ADJ_OFFSET_READONLY) && !may_set(k))
            return -RF_EPERM;
        return !(t->modes & ADJ_OFFSET_READONLY) && t->offset ? -RF_EINVAL : 0;
    }
    if (t->modes && !may_set(k))
        return -RF_EPERM;
    if (t->modes & ADJ_TICK && t->tick != TICK_US)
        return -RF_EINVAL;
    if (t->modes & ADJ_SETOFFSET) {
        int64_t limit = t->modes & ADJ_NANO ? NS : 1000000;
        if (t->time.tv_usec < 0 || t->time.tv_usec >= limit)
            return -RF_EINVAL;
    }
    return (t->modes & ADJ_FREQUENCY && t->freq) || (t->modes & ADJ_OFFSET && t->offset) ? -RF_EINVAL : 0;
}

static int64_t step(struct rf_kernel *k, const struct rf_timex *t)
{
    int64_t now = (int64_t)rf_clock_realtime(k), ns = t->modes & ADJ_NANO ? t->time.tv_usec : t->time.tv_usec * 1000;
    if (t->time.tv_sec >= MAX_SECONDS || t->time.tv_sec <= -MAX_SECONDS)
        return -RF_EINVAL;
    int64_t seconds = now / NS + t->time.tv_sec;
    ns += now % NS;
    seconds += ns / NS;
    ns %= NS;
    return is_settable(seconds, ns) ? set_clock(k, seconds, ns) : -RF_EINVAL;
}

/* The state of a clock that nobody synchronises: the ntp code's at boot. */
static int64_t adjust(struct rf_kernel *k, uint64_t user)
{
    struct rf_timex t;
    if (RF_GET_USER(k, t, user))
        return -RF_EFAULT;
    int64_t error = check(k, &t);
    if (!error && t.modes & ADJ_SETOFFSET && !(t.modes & ADJ_ADJTIME))
        error = step(k, &t);
    if (error)
        return error;
    struct rf_timex out = { .modes = t.modes, .maxerror = MAX_ERROR, .esterror = MAX_ERROR, .status = STA_UNSYNC,
                            .constant = 2, .precision = 1, .tolerance = 500 << 16, .tick = TICK_US };
    out.time = rf_ns_timeval(rf_clock_realtime(k));
    return RF_PUT_USER(k, user, out) ? -RF_EFAULT : TIME_ERROR;
}

static int64_t sys_adjtimex(struct rf_kernel *k, const uint64_t a[6])
{
    return adjust(k, a[0]);
}

static int64_t sys_clock_adjtime(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_timex probe;
    struct rf_clock clock;
    if (RF_GET_USER(k, probe, a[1]))
        return -RF_EFAULT;
    if (rf_clock_find(k, (int)a[0], &clock) && (int)a[0] >= 0)
        return -RF_EINVAL;
    return (int)a[0] == RF_CLOCK_REALTIME ? adjust(k, a[1]) : -RF_EOPNOTSUPP;
}

#define ENTRY(name) { RF_NR_##name, sys_##name }
static const struct rf_handler_entry entries[] = {
    ENTRY(settimeofday), ENTRY(clock_settime), ENTRY(adjtimex), ENTRY(clock_adjtime),
};
const struct rf_handler_table rf_handlers_clock_set = RF_HANDLER_TABLE(entries);

/* adjtimex, clock_adjtime (kernel/time/ntp.c). What is said of the realtime clock is kept and told again, and it can be
 * stepped; its rate is the machine's: frequency, tick, slewing and leap seconds are refused. */
#include "kernel/task/clock.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"

#define NS INT64_C(1000000000)
#define TICK_US 10000
#define MAX_CONSTANT 10          /* MAXTC */
#define MAX_TAI 100000           /* MAX_TAI_OFFSET */
#define ERROR_PER_SECOND 500     /* us by which maxerror grows: MAXFREQ */
#define PPM_SCALE INT64_C(65536000)

static bool may_set(const struct rf_kernel *k)
{
    return rf_capable(k, RF_CAP_SYS_TIME);
}

/* What would change the rate, which Linux takes. An offset means something to the phase-locked loop only. */
static bool changes_rate(const struct rf_kernel *k, const struct rf_timex *t)
{
    uint32_t status = t->modes & RF_ADJ_STATUS ? (uint32_t)t->status : k->ntp.status;
    return (t->modes & RF_ADJ_TICK && t->tick != TICK_US) || (t->modes & RF_ADJ_FREQUENCY && t->freq) ||
           (t->modes & RF_ADJ_OFFSET && t->offset && status & RF_STA_PLL) ||
           (t->modes & RF_ADJ_STATUS && status & (RF_STA_INS | RF_STA_DEL));
}

/* timekeeping_validate_timex */
static int64_t check(const struct rf_kernel *k, const struct rf_timex *t)
{
    if (t->modes & RF_ADJ_ADJTIME) {
        if (!(t->modes & RF_ADJ_OFFSET))
            return -RF_EINVAL;
        if (!(t->modes & RF_ADJ_OFFSET_READONLY) && !may_set(k))
            return -RF_EPERM;
        if (!(t->modes & RF_ADJ_OFFSET_READONLY) && t->offset)
            return -RF_EINVAL; /* slewing */
    } else {
        if (t->modes && !may_set(k))
            return -RF_EPERM;
        if (changes_rate(k, t))
            return -RF_EINVAL;
    }
    if (t->modes & RF_ADJ_SETOFFSET) {
        if (!may_set(k))
            return -RF_EPERM;
        if (t->time.tv_usec < 0 || t->time.tv_usec >= (t->modes & RF_ADJ_NANO ? NS : 1000000))
            return -RF_EINVAL;
    }
    if (t->modes & RF_ADJ_FREQUENCY && (t->freq < INT64_MIN / PPM_SCALE || t->freq > INT64_MAX / PPM_SCALE))
        return -RF_EINVAL;
    return 0;
}

/* timekeeping_inject_offset */
static int64_t step(struct rf_kernel *k, const struct rf_timex *t)
{
    int64_t now = (int64_t)rf_clock_realtime(k), seconds;
    int64_t ns = now % NS + (t->modes & RF_ADJ_NANO ? t->time.tv_usec : t->time.tv_usec * 1000);
    if (__builtin_add_overflow(now / NS + ns / NS, t->time.tv_sec, &seconds) ||
        !rf_clock_is_settable(seconds, ns % NS))
        return -RF_EINVAL;
    return rf_clock_set(k, seconds, ns % NS);
}

static int64_t clamp(int64_t value, int64_t limit)
{
    return value < 0 ? 0 : value > limit ? limit : value;
}

/* The error grows with every second that nobody corrects it (second_overflow). */
static void grow_error(struct rf_kernel *k)
{
    struct rf_ntp *ntp = &k->ntp;
    int64_t now = (int64_t)(rf_clock_realtime(k) / (uint64_t)NS), passed = now - ntp->second;
    ntp->second = now;
    if (passed > RF_NTP_PHASE_LIMIT)
        passed = RF_NTP_PHASE_LIMIT;
    if (passed > 0)
        ntp->maxerror += passed * ERROR_PER_SECOND;
    if (ntp->maxerror > RF_NTP_PHASE_LIMIT) {
        ntp->maxerror = RF_NTP_PHASE_LIMIT;
        ntp->status |= RF_STA_UNSYNC;
    }
}

/* process_adjtimex_modes */
static void change(struct rf_ntp *ntp, const struct rf_timex *t)
{
    if (t->modes & RF_ADJ_STATUS && ntp->status & RF_STA_PLL && !(t->status & RF_STA_PLL))
        ntp->status = 0; /* read-only bits too: process_adj_status */
    if (t->modes & RF_ADJ_STATUS)
        ntp->status = (ntp->status & RF_STA_RONLY) | ((uint32_t)t->status & ~(uint32_t)RF_STA_RONLY);
    if (t->modes & RF_ADJ_NANO)
        ntp->status |= RF_STA_NANO;
    if (t->modes & RF_ADJ_MICRO)
        ntp->status &= ~(uint32_t)RF_STA_NANO;
    if (t->modes & RF_ADJ_MAXERROR)
        ntp->maxerror = clamp(t->maxerror, RF_NTP_PHASE_LIMIT);
    if (t->modes & RF_ADJ_ESTERROR)
        ntp->esterror = clamp(t->esterror, RF_NTP_PHASE_LIMIT);
    if (t->modes & RF_ADJ_TIMECONST)
        ntp->constant = clamp(clamp(t->constant, MAX_CONSTANT) + (ntp->status & RF_STA_NANO ? 0 : 4), MAX_CONSTANT);
    if (t->modes & RF_ADJ_TAI && t->constant >= 0 && t->constant <= MAX_TAI)
        ntp->tai = (int32_t)t->constant;
}

static int64_t adjust(struct rf_kernel *k, uint64_t user)
{
    struct rf_timex t;
    if (RF_GET_USER(k, t, user))
        return -RF_EFAULT;
    int64_t error = check(k, &t);
    if (!error && t.modes & RF_ADJ_SETOFFSET)
        error = step(k, &t);
    if (error)
        return error;
    struct rf_ntp *ntp = &k->ntp;
    grow_error(k);
    if (!(t.modes & RF_ADJ_ADJTIME))
        change(ntp, &t);
    struct rf_timespec now = rf_ns_timespec(rf_clock_realtime(k));
    struct rf_timex out = { .modes = t.modes, .maxerror = ntp->maxerror, .esterror = ntp->esterror,
                            .status = (int32_t)ntp->status, .constant = ntp->constant, .precision = 1,
                            .tolerance = 500 << 16, .tick = TICK_US, .tai = ntp->tai };
    out.time.tv_sec = now.tv_sec;
    out.time.tv_usec = ntp->status & RF_STA_NANO ? now.tv_nsec : now.tv_nsec / 1000;
    if (RF_PUT_USER(k, user, out))
        return -RF_EFAULT;
    return ntp->status & (RF_STA_UNSYNC | RF_STA_CLOCKERR) ? RF_TIME_ERROR : RF_TIME_OK;
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

static const struct rf_handler_entry entries[] = {
    { RF_NR_adjtimex, sys_adjtimex },
    { RF_NR_clock_adjtime, sys_clock_adjtime },
};
const struct rf_handler_table rf_handlers_adjtimex = RF_HANDLER_TABLE(entries);

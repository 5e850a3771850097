/* Clocks and sleeps, from the virtual clock. */
#include "kernel/signal/signal.h"
#include "kernel/task/clock.h"
#include "kernel/task/task.h"

#define NS 1000000000u

static int64_t read_clock(struct rf_kernel *k, int id, uint64_t *ns)
{
    struct rf_clock clock;
    int64_t error = rf_clock_find(k, id, &clock);
    if (!error)
        *ns = rf_clock_read(k, &clock);
    return error;
}

static int64_t sys_clock_gettime(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t ns;
    int64_t error = read_clock(k, (int)a[0], &ns);
    if (error)
        return error;
    struct rf_timespec t = rf_ns_timespec(ns);
    return RF_PUT_USER(k, a[1], t) ? -RF_EFAULT : 0;
}

static int64_t sys_clock_getres(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t ns;
    int64_t error = read_clock(k, (int)a[0], &ns);
    if (error)
        return error;
    struct rf_timespec t = { 0, rf_clock_id_is_coarse((int)a[0]) ? 4000000 : 1 };
    return a[1] && RF_PUT_USER(k, a[1], t) ? -RF_EFAULT : 0;
}

static int64_t sys_gettimeofday(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t ns = rf_clock_realtime(k);
    struct rf_timeval t = { (int64_t)(ns / NS), (int64_t)(ns % NS / 1000) };
    const struct rf_timezone zone = k->timezone;
    if (a[0] && RF_PUT_USER(k, a[0], t))
        return -RF_EFAULT;
    return a[1] && RF_PUT_USER(k, a[1], zone) ? -RF_EFAULT : 0;
}

static int64_t sys_time(struct rf_kernel *k, const uint64_t a[6])
{
    int64_t seconds = (int64_t)(rf_clock_realtime(k) / NS);
    return a[0] && RF_PUT_USER(k, a[0], seconds) ? -RF_EFAULT : seconds;
}

/* --- sleeping --- */

/* Sleep until the current deadline. remaining: where to store what is left if a signal
 * comes first; 0 for absolute sleeps, which are restarted as they are. */
static int64_t sleep_now(struct rf_kernel *k, uint64_t remaining, bool absolute)
{
    if (rf_deadline_passed(k))
        return 0;
    uint64_t deadline = k->current->deadline, now = rf_clock_monotonic(k);
    int64_t result = rf_sleep_until_deadline(k);
    if (result == RF_BLOCKED)
        return result;
    if (absolute)
        return -RF_ERESTARTNOHAND;
    struct rf_timespec left = rf_ns_timespec(deadline > now ? deadline - now : 0);
    if (remaining && RF_PUT_USER(k, remaining, left))
        return -RF_EFAULT;
    return rf_restart_later(k);
}

static int64_t sys_nanosleep(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_timespec t;
    if (RF_GET_USER(k, t, a[0]))
        return -RF_EFAULT;
    if (!rf_timespec_valid(&t))
        return -RF_EINVAL;
    rf_sleep_deadline(k, rf_timespec_ns(&t));
    return sleep_now(k, a[1], false);
}

/* --- on CPU time (kernel/time/posix-cpu-timers.c, posix_cpu_nsleep) --- */

enum { CPU_SLEEP_BEGINS, CPU_SLEEPS, CPU_SLEEP_OVER }; /* scratch[0] */

static void cpu_time_reached(struct rf_kernel *k, void *owner)
{
    struct rf_task *task = owner;
    task->scratch[0] = CPU_SLEEP_OVER;
    rf_leave_queues(k, task);
    rf_make_runnable(k, task);
}

/* Until the clock reaches a time. If whoever it measures ends before, only a signal ends the sleep. */
static int64_t cpu_sleep(struct rf_kernel *k, const struct rf_cpu_clock *clock, uint64_t expires, uint64_t remaining,
                         bool absolute)
{
    struct rf_task *task = k->current;
    struct rf_cpu_timer *timer = &task->cpu_sleep;
    if (task->scratch[0] == CPU_SLEEP_BEGINS) {
        *timer = (struct rf_cpu_timer){ .clock = *clock, .fire = cpu_time_reached, .owner = task };
        task->scratch[0] = CPU_SLEEPS;
        rf_cpu_timer_start(k, timer, expires);
    }
    if (task->scratch[0] == CPU_SLEEP_OVER)
        return 0;
    int64_t result = rf_sleep_until_deadline(k);
    if (result == RF_BLOCKED)
        return result;
    uint64_t now = rf_cpu_clock_read(k, &timer->clock);
    rf_cpu_timer_stop(k, timer);
    if (timer->expires <= now)
        return 0;
    if (absolute)
        return -RF_ERESTARTNOHAND;
    struct rf_timespec left = rf_ns_timespec(timer->expires - now);
    if (remaining && RF_PUT_USER(k, remaining, left))
        return -RF_EFAULT;
    return rf_restart_later(k);
}

static int64_t cpu_nanosleep(struct rf_kernel *k, const uint64_t a[6], uint64_t wanted)
{
    struct rf_clock found;
    bool absolute = a[1] & 1;
    if (k->current->scratch[0] != CPU_SLEEP_BEGINS)
        return cpu_sleep(k, NULL, 0, absolute ? 0 : a[3], absolute);
    if (rf_clock_id_is_own_thread(k, (int)a[0]) || rf_clock_find(k, (int)a[0], &found))
        return -RF_EINVAL;
    uint64_t now = rf_cpu_clock_read(k, &found.cpu);
    if (k->current->restarting)
        wanted = k->current->cpu_sleep.expires;
    else if (!absolute && wanted)
        wanted += now;
    return wanted <= now ? 0 : cpu_sleep(k, &found.cpu, wanted, absolute ? 0 : a[3], absolute);
}

static int64_t sys_clock_nanosleep(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_timespec t;
    struct rf_clock found;
    bool absolute = a[1] & 1; /* TIMER_ABSTIME */
    int clock = (int)a[0];
    if (clock >= 0 && rf_clock_find(k, clock, &found))
        return -RF_EINVAL;
    if (rf_clock_id_is_dynamic(clock) || clock == RF_CLOCK_THREAD_CPUTIME_ID || clock == RF_CLOCK_MONOTONIC_RAW ||
        clock == RF_CLOCK_REALTIME_COARSE || clock == RF_CLOCK_MONOTONIC_COARSE)
        return -RF_EOPNOTSUPP;
    if (RF_GET_USER(k, t, a[2]))
        return -RF_EFAULT;
    if (!rf_timespec_valid(&t))
        return -RF_EINVAL;
    if (clock < 0 || found.is_cpu)
        return cpu_nanosleep(k, a, rf_timespec_ns(&t));
    uint64_t wanted = rf_timespec_ns(&t), now = rf_clock_read(k, &found);
    if (absolute)
        rf_sleep_deadline(k, wanted > now ? wanted - now : 0);
    else
        rf_sleep_deadline(k, wanted);
    return sleep_now(k, absolute ? 0 : a[3], absolute);
}

static int64_t sys_restart_syscall(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    struct rf_task *task = k->current;
    if (!task->restart_ready)
        return -RF_EINTR;
    if (task->restart_deadline)
        rf_sleep_deadline_at(k, task->restart_deadline);
    task->restarting = true;
    int64_t result = k->handlers[task->restart_number](k, task->restart_args);
    task->restarting = false;
    return result;
}

#define ENTRY(name) { RF_NR_##name, sys_##name }
static const struct rf_handler_entry entries[] = {
    ENTRY(clock_gettime), ENTRY(clock_getres), ENTRY(gettimeofday), ENTRY(time), ENTRY(nanosleep),
    ENTRY(clock_nanosleep), ENTRY(restart_syscall),
};
const struct rf_handler_table rf_handlers_time = RF_HANDLER_TABLE(entries);

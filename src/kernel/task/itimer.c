/* Interval timers: ITIMER_REAL on the monotonic clock, ITIMER_VIRTUAL and ITIMER_PROF on the CPU time
 * of the process. Kept across exec, not inherited by fork (getitimer(2)).
 *
 * ITIMER_REAL starts its next interval when its signal is taken, as Linux does: a program that
 * blocks SIGALRM makes no further expiries. */
#include "kernel/task/itimer.h"

#include "kernel/signal/signal.h"

#define LEAST_LEFT 1000 /* what is due reads as one microsecond, not as a timer that is off */

static struct rf_itimer *real_of(struct rf_process *process)
{
    return &process->itimer[RF_ITIMER_REAL];
}

static void send(struct rf_kernel *k, struct rf_process *process, int signo)
{
    struct rf_siginfo info = { .si_signo = signo, .si_code = RF_SI_KERNEL };
    rf_signal_send_process(k, process, &info);
}

static void fire_real(struct rf_kernel *k, void *owner)
{
    send(k, owner, RF_SIGALRM);
}

static void fire_cpu(struct rf_kernel *k, struct rf_process *process, int which, int signo)
{
    struct rf_itimer *timer = &process->itimer[which];
    if (timer->interval) {
        uint64_t now = rf_cpu_clock_read(k, &timer->cpu.clock), next = timer->cpu.expires;
        next += ((now - next) / timer->interval + 1) * timer->interval;
        rf_cpu_timer_start(k, &timer->cpu, next);
    }
    send(k, process, signo);
}

static void fire_virtual(struct rf_kernel *k, void *owner)
{
    fire_cpu(k, owner, RF_ITIMER_VIRTUAL, RF_SIGVTALRM);
}

static void fire_prof(struct rf_kernel *k, void *owner)
{
    fire_cpu(k, owner, RF_ITIMER_PROF, RF_SIGPROF);
}

void rf_itimer_init(struct rf_process *process)
{
    real_of(process)->timer = (struct rf_timer){ .fire = fire_real, .owner = process };
    for (int which = RF_ITIMER_VIRTUAL; which <= RF_ITIMER_PROF; which++)
        process->itimer[which].cpu = (struct rf_cpu_timer){
            .clock = { .process = process, .user_only = which == RF_ITIMER_VIRTUAL },
            .fire = which == RF_ITIMER_VIRTUAL ? fire_virtual : fire_prof,
            .owner = process,
        };
}

void rf_itimer_get(struct rf_kernel *k, struct rf_process *process, int which, uint64_t *left, uint64_t *interval)
{
    struct rf_itimer *timer = &process->itimer[which];
    bool real = which == RF_ITIMER_REAL;
    bool active = real ? timer->timer.active : timer->cpu.active;
    uint64_t expires = real ? timer->timer.expires : timer->cpu.expires;
    uint64_t now = real ? rf_clock_monotonic(k) : rf_cpu_clock_read(k, &timer->cpu.clock);
    *interval = timer->interval;
    *left = !active ? 0 : expires > now + LEAST_LEFT ? expires - now : LEAST_LEFT;
}

void rf_itimer_set(struct rf_kernel *k, struct rf_process *process, int which, uint64_t first, uint64_t interval)
{
    struct rf_itimer *timer = &process->itimer[which];
    rf_timer_stop(k, &timer->timer);
    rf_cpu_timer_stop(k, &timer->cpu);
    timer->interval = interval;
    if (!first)
        return;
    uint64_t now = which == RF_ITIMER_REAL ? rf_clock_monotonic(k) : rf_cpu_clock_read(k, &timer->cpu.clock);
    uint64_t expires = first > UINT64_MAX - now ? UINT64_MAX : now + first;
    if (which == RF_ITIMER_REAL)
        rf_timer_start(k, &timer->timer, expires);
    else
        rf_cpu_timer_start(k, &timer->cpu, expires);
}

void rf_itimer_stop_all(struct rf_kernel *k, struct rf_process *process)
{
    for (int which = 0; which < 3; which++)
        rf_itimer_set(k, process, which, 0, 0);
}

void rf_itimer_delivered(struct rf_kernel *k, struct rf_process *process)
{
    struct rf_itimer *real = real_of(process);
    uint64_t now = rf_clock_monotonic(k), next = real->timer.expires;
    if (!real->interval || real->timer.active)
        return;
    if (now >= next)
        next += ((now - next) / real->interval + 1) * real->interval;
    rf_timer_start(k, &real->timer, next);
}

/* RLIMIT_CPU (setrlimit(2); check_process_timers of kernel/time/posix-cpu-timers.c): SIGXCPU once the process has
 * used the seconds of the soft limit, which then goes up by one, SIGKILL at the hard limit. Without a soft limit the
 * hard one does nothing. */
#include "kernel/task/cpu_limit.h"

#include "kernel/signal/signal.h"

#define NS UINT64_C(1000000000)
#define NEVER (UINT64_MAX / 8)

static uint64_t to_ns(uint64_t seconds)
{
    return seconds > NEVER / NS ? NEVER : seconds * NS;
}

static void fire(struct rf_kernel *k, void *owner)
{
    struct rf_process *process = owner;
    struct rf_rlimit64 *limit = &process->rlimit[RF_RLIMIT_CPU];
    uint64_t used = rf_cpu_clock_read(k, &process->cpu_limit.clock);
    struct rf_siginfo info = { .si_signo = RF_SIGXCPU, .si_code = RF_SI_KERNEL };
    if (limit->rlim_cur == RF_RLIM_INFINITY)
        return;
    if (limit->rlim_max != RF_RLIM_INFINITY && used >= to_ns(limit->rlim_max)) {
        info.si_signo = RF_SIGKILL;
        rf_signal_send_process(k, process, &info);
        return;
    }
    if (used >= to_ns(limit->rlim_cur)) {
        rf_signal_send_process(k, process, &info);
        limit->rlim_cur++;
    }
    rf_cpu_limit_changed(k, process);
}

void rf_cpu_limit_changed(struct rf_kernel *k, struct rf_process *process)
{
    struct rf_cpu_timer *timer = &process->cpu_limit;
    uint64_t soft = process->rlimit[RF_RLIMIT_CPU].rlim_cur;
    rf_cpu_timer_stop(k, timer);
    timer->clock = (struct rf_cpu_clock){ .process = process };
    timer->fire = fire;
    timer->owner = process;
    if (soft != RF_RLIM_INFINITY)
        rf_cpu_timer_start(k, timer, to_ns(soft));
}

/* Timers of the kernel: a function to call when the monotonic clock, or the CPU time of a process
 * or thread, has reached a value. They are parts of larger objects, which stop them before they go. */
#ifndef RF_KERNEL_TASK_TIMER_H
#define RF_KERNEL_TASK_TIMER_H

#include "kernel/kernel.h"

struct rf_timer {
    struct rf_timer *next;
    uint64_t expires; /* ns of the monotonic clock */
    bool active;
    bool realtime; /* expires at a time of the realtime clock */
    void (*fire)(struct rf_kernel *k, void *owner);
    void *owner;
};
/* Start again if it is active. Those with the same expiry fire in the order of starting. */
void rf_timer_start(struct rf_kernel *k, struct rf_timer *timer, uint64_t expires);
void rf_timer_stop(struct rf_kernel *k, struct rf_timer *timer);

/* Whose CPU time: all of a process or one thread of it; both modes or user mode alone. */
struct rf_cpu_clock {
    struct rf_process *process;
    struct rf_task *task; /* NULL: the whole process */
    bool user_only;
};
struct rf_cpu_timer {
    struct rf_cpu_timer *next;
    struct rf_cpu_clock clock; /* process NULL: it has ended, and never fires */
    uint64_t expires;          /* ns */
    bool active;
    void (*fire)(struct rf_kernel *k, void *owner);
    void *owner;
};
/* One of a process' interval timers (task/itimer.h). */
struct rf_itimer {
    struct rf_timer timer;   /* ITIMER_REAL */
    struct rf_cpu_timer cpu; /* the others */
    uint64_t interval;       /* ns */
};

uint64_t rf_cpu_clock_read(struct rf_kernel *k, const struct rf_cpu_clock *clock); /* ns */
void rf_cpu_timer_start(struct rf_kernel *k, struct rf_cpu_timer *timer, uint64_t expires);
void rf_cpu_timer_stop(struct rf_kernel *k, struct rf_cpu_timer *timer);
/* The thread ends: timers on its CPU time do not fire any more. */
void rf_cpu_timers_forget_task(struct rf_kernel *k, const struct rf_task *task);

/* The process ends: timers on its CPU time, which may be others', do not fire any more. */
void rf_cpu_timers_forget_process(struct rf_kernel *k, struct rf_process *process);

/* --- for the scheduler --- */
void rf_timer_fire_expired(struct rf_kernel *k, uint64_t now);
/* The same for timers on the CPU time of the current process. */
void rf_cpu_timer_fire_expired(struct rf_kernel *k);
/* Modelled cycles until a CPU timer of the current process may fire. UINT64_MAX: none. */
uint64_t rf_cpu_timer_distance(struct rf_kernel *k);

#endif

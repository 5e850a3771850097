/* POSIX timers of a process: timer_create(2). */
#ifndef RF_KERNEL_SIGNAL_POSIX_TIMER_H
#define RF_KERNEL_SIGNAL_POSIX_TIMER_H

#include "kernel/signal/signal.h"
#include "kernel/task/clock.h"

/* Fired: its signal is queued or ignored, and the next interval starts when the signal is taken. */
enum rf_posix_timer_state { RF_TIMER_DISARMED, RF_TIMER_ARMED, RF_TIMER_FIRED };

struct rf_posix_timer {
    struct rf_posix_timer *next;
    struct rf_process *process;
    int32_t id;
    struct rf_clock clock;
    bool silent;            /* SIGEV_NONE */
    bool to_thread;         /* SIGEV_THREAD_ID */
    struct rf_task *target; /* that thread; NULL once it has ended */
    enum rf_posix_timer_state state;
    bool queued;            /* its signal is pending */
    bool ignored;           /* its signal would be pending if it were not ignored */
    bool absolute;          /* set to a time of the clock */
    uint64_t expires;       /* ns of the clock without its offset */
    uint64_t interval;
    uint64_t overrun, overrun_last;
    struct rf_timer timer;
    struct rf_cpu_timer cpu;
    struct rf_queued_signal signal;
};

/* event NULL: SIGALRM with the timer's number as value. Adds it to the current process. */
int64_t rf_posix_timer_create(struct rf_kernel *k, const struct rf_clock *clock, const struct rf_sigevent *event,
                              struct rf_posix_timer **out);
void rf_posix_timer_delete(struct rf_kernel *k, struct rf_posix_timer *timer);
struct rf_posix_timer *rf_posix_timer_find(struct rf_process *process, int32_t id);
/* value 0 disarms. */
void rf_posix_timer_set(struct rf_kernel *k, struct rf_posix_timer *timer, bool absolute, uint64_t value,
                        uint64_t interval);
uint64_t rf_posix_timer_left(struct rf_kernel *k, struct rf_posix_timer *timer);
int32_t rf_posix_timer_overrun(const struct rf_posix_timer *timer);
uint32_t rf_posix_timer_count(const struct rf_process *process);

/* --- events --- */
/* Its signal has been taken: info gets the overrun count, and the timer goes on. */
void rf_posix_timer_delivered(struct rf_kernel *k, struct rf_posix_timer *timer, struct rf_siginfo *info);
/* Its signal has been thrown away. */
void rf_posix_timer_dropped(struct rf_kernel *k, struct rf_posix_timer *timer);
/* A signal of the process is not ignored any more. */
void rf_posix_timers_unignored(struct rf_kernel *k, struct rf_process *process, int signo);
void rf_posix_timers_thread_ended(struct rf_kernel *k, struct rf_task *task);
/* exec, and the end of a process. */
void rf_posix_timers_delete_all(struct rf_kernel *k, struct rf_process *process);

#endif

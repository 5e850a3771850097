/* Job control: how a whole process stops and goes on (signal(7), "Stop" and "Cont"; the rules are
 * those of Linux' kernel/signal.c, do_signal_stop and prepare_signal).
 *
 * A stopping signal that is taken makes every thread of the process stop, each when it is about
 * to return to user space. When the last one has, the process is stopped and its parent told. */
#ifndef RF_KERNEL_SIGNAL_STOP_H
#define RF_KERNEL_SIGNAL_STOP_H

#include "kernel/kernel.h"

struct rf_process;

/* Bits of rf_task.jobctl. */
enum {
    RF_JOBCTL_STOP_SIGNAL = 0xffff,      /* the number of the signal that stops it */
    RF_JOBCTL_STOP_DEQUEUED = 1 << 16,   /* a stopping signal is taken; SIGCONT still undoes it */
    RF_JOBCTL_STOP_PENDING = 1 << 17,    /* it is to take part in a stop of its process */
    RF_JOBCTL_STOP_CONSUME = 1 << 18,    /* and is counted in stop_count */
    RF_JOBCTL_TRAP_STOP = 1 << 19,       /* it is to stop for its tracer */
    RF_JOBCTL_TRAP_NOTIFY = 1 << 20,     /* the same, for news of job control (PTRACE_SEIZE) */
    RF_JOBCTL_LISTENING = 1 << 21,       /* in such a stop, and not to be looked at (PTRACE_LISTEN) */
};
#define RF_JOBCTL_TRAPS (RF_JOBCTL_TRAP_STOP | RF_JOBCTL_TRAP_NOTIFY)

/* Clear bits; with STOP_PENDING goes what belongs to it. */
void rf_jobctl_clear(struct rf_task *task, uint32_t bits);
/* The current task takes part in a stop: signo is the signal that begins one, 0 for a stop that is pending.
 * True: it has stopped. False: it goes on, because SIGCONT came between, or to stop for its tracer first. */
bool rf_stop_begin(struct rf_kernel *k, struct rf_task *task, int signo);
/* The task stops (for its process or its tracer). True: it was the last, and the process is now stopped. */
bool rf_stop_participate(struct rf_task *task);
/* SIGCONT: forget stops, wake the stopped, tell the parent. */
void rf_stop_continue(struct rf_kernel *k, struct rf_process *process);
/* Tell the parent of the task's process, or its tracer, that it stopped or goes on: SIGCHLD with si_code `why`
 * (RF_SI_CLD_*) unless SA_NOCLDSTOP, and a wake-up of those that wait. */
void rf_stop_notify(struct rf_kernel *k, struct rf_task *task, bool to_tracer, int why);
/* What SIGCHLD says about the task to a process, in the numbers of its namespaces. */
struct rf_siginfo rf_child_info(const struct rf_task *task, const struct rf_process *to, int why, int status);
/* A stopped task, of either kind, runs on. */
void rf_stop_wake(struct rf_kernel *k, struct rf_task *task);

#endif

/* Signals: sending, masks, default actions, frames on the user stack. */
#ifndef RF_KERNEL_SIGNAL_SIGNAL_H
#define RF_KERNEL_SIGNAL_SIGNAL_H

#include "abi/signal_names.h"
#include "kernel/kernel.h"

struct rf_process;
struct rf_queued_signal;


/* Some unblocked signal waits for the task or its process. */
bool rf_signal_pending(const struct rf_task *task);

/* Send to a process (any thread that does not block it) or to one thread. Ignored signals
 * vanish; SIGCONT and the stopping ones act at once on the process' state. -RF_EAGAIN as
 * rf_pending_add_task, else 0. */
int64_t rf_signal_send_process(struct rf_kernel *k, struct rf_process *process, const struct rf_siginfo *info);
int64_t rf_signal_send_task(struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info);
/* The same for the signal of a POSIX timer, whose node is not queued; task NULL: to the process. False: it is
 * ignored, and was not queued. */
bool rf_signal_send_timer(struct rf_kernel *k, struct rf_process *process, struct rf_task *task,
                          struct rf_queued_signal *node);
/* SIGPIPE and the like: to the current thread, from the kernel. */
void rf_signal_send_current(struct rf_kernel *k, int signo);
/* A fault's signal cannot be blocked or ignored: it then has its default action. */
void rf_signal_force(struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info);

/* Deliver what is pending to the current task, before it returns to user space: handlers
 * get a frame, default actions happen. May end or stop the task. */
void rf_signal_deliver(struct rf_kernel *k);

/* frame.c: push a frame for a handler; false if the stack is not writable. */
bool rf_signal_push_frame(struct rf_kernel *k, int signo, const struct rf_sigaction *action,
                          const struct rf_siginfo *info, uint64_t mask_to_save);
/* The FPU's state as an XSAVE area (FXSAVE, if there is no XSAVE: *components is 0 then). Returns its bytes, at
 * most sizeof(struct rf_xsave_area). */
size_t rf_signal_fpu_image(struct rf_cpu *cpu, uint8_t *out, uint64_t *components);
/* rt_sigreturn: registers from the frame; the value for RAX. */
int64_t rf_signal_return(struct rf_kernel *k);
/* Most bytes that a frame takes of the stack, its alignment included: AT_MINSIGSTKSZ. */
uint64_t rf_signal_frame_bytes(const struct rf_cpu *cpu);

/* --- pending.c --- */
struct rf_posix_timer;
/* One instance of a pending signal. */
struct rf_queued_signal {
    struct rf_queued_signal *next;
    struct rf_siginfo info;
    uint32_t uid;                 /* whose RLIMIT_SIGPENDING it counts against */
    struct rf_posix_timer *timer; /* NULL, or the timer that the node is part of */
};
/* 0, or -RF_EAGAIN: RLIMIT_SIGPENDING refuses a signal that would lose its information. */
int64_t rf_pending_add_task(struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info);
int64_t rf_pending_add_process(struct rf_kernel *k, struct rf_process *process, const struct rf_siginfo *info);
/* A fault's signal, in place of one that may be pending. */
void rf_pending_force(struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info);
/* RLIMIT_SIGPENDING of the task's user allows one more. */
bool rf_pending_has_room(struct rf_kernel *k, const struct rf_task *target);
/* A timer's node, which is not queued: to the task, or to the process if that is NULL. */
void rf_pending_add_timer(struct rf_process *process, struct rf_task *task, struct rf_queued_signal *node);
void rf_pending_remove_timer(struct rf_kernel *k, struct rf_process *process, struct rf_queued_signal *node);
/* Take the lowest pending signal of `allowed`, those of `first` before others, the task's own
 * before its process'. Returns its number, 0 if there is none. */
int rf_pending_take(struct rf_kernel *k, struct rf_task *task, uint64_t allowed, uint64_t first,
                    struct rf_siginfo *out);
/* Forget the signals of a set. */
void rf_pending_drop_task(struct rf_kernel *k, struct rf_task *task, uint64_t set);
void rf_pending_drop_process(struct rf_kernel *k, struct rf_process *process, uint64_t set);

/* True while the task runs on its alternate stack. */
bool rf_on_altstack(const struct rf_task *task, uint64_t rsp);

#endif

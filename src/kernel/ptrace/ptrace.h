/* ptrace(2): one task looks at another, stops it and changes it.
 *
 * A traced task stops at places of the kernel's doors: before and after system calls, where a signal would be
 * delivered, at events (fork, exec, exit ...), in a stop of its process. At each such place it leaves the door as a
 * task in state RF_TASK_TRACED and, once resumed, comes to the same place again, which finds by `phase` that the stop
 * lies behind it. A stopped task's registers are in its pt_regs and its context, where requests change them. */
#ifndef RF_KERNEL_PTRACE_PTRACE_H
#define RF_KERNEL_PTRACE_PTRACE_H

#include "abi/ptrace.h"
#include "kernel/kernel.h"

/* Where the task stopped, or 0. */
enum rf_trace_phase {
    RF_TRACE_RUNNING,
    RF_TRACE_CALL_ENTRY,
    RF_TRACE_CALL_EXIT,
    RF_TRACE_SIGNAL,
    RF_TRACE_TRAP, /* a stop of its process, PTRACE_INTERRUPT, a new task of PTRACE_SEIZE */
    RF_TRACE_EVENT,
};

/* What a traced task carries. */
struct rf_ptrace {
    struct rf_task *tracer;
    bool seized;
    uint32_t options;       /* RF_PTRACE_O_* */
    enum rf_trace_phase phase;
    int code;               /* of the stop, for wait4: signal | event << 8; 0 once waited for. After it: the signal to go on with */
    uint64_t message;       /* PTRACE_GETEVENTMSG */
    bool has_info;
    struct rf_siginfo info; /* PTRACE_GETSIGINFO */
    bool calls;             /* resumed by PTRACE_SYSCALL */
    bool emulate;           /* by PTRACE_SYSEMU */
    bool step;              /* by PTRACE_SINGLESTEP */
    bool forced_tf;         /* RFLAGS.TF is ours, not the program's */
    bool handler_started;   /* while stepping: to be told */
    bool exec_event;        /* execve has succeeded, and is to be told */
    bool exit_told;         /* PTRACE_EVENT_EXIT was */
    uint8_t call_op;        /* PTRACE_GET_SYSCALL_INFO: RF_PTRACE_SYSCALL_INFO_* */
};

/* --- attach.c: who traces whom --- */
int64_t rf_ptrace_traceme(struct rf_kernel *k);
int64_t rf_ptrace_attach(struct rf_kernel *k, struct rf_task *task, bool seize, uint64_t options);
int64_t rf_ptrace_set_options(struct rf_ptrace *trace, uint64_t options);
/* Let go of a task: as if it had never been traced. */
void rf_ptrace_unlink(struct rf_kernel *k, struct rf_task *task);
/* A new task is traced as its maker is: its stop is arranged. -RF_ENOMEM. */
int64_t rf_ptrace_inherit(struct rf_kernel *k, struct rf_task *child, const struct rf_task *parent);
/* The tracer ends: its tracees go on untraced, or are killed (PTRACE_O_EXITKILL). */
void rf_ptrace_tracer_ended(struct rf_kernel *k, struct rf_task *tracer);
/* Another tracer than the parent's process? */
bool rf_ptrace_by_stranger(const struct rf_task *task);

/* --- stop.c: stops of the current task --- */
/* Stop now; the caller leaves its door and comes again. info may be NULL. */
void rf_ptrace_stop(struct rf_kernel *k, struct rf_task *task, enum rf_trace_phase phase, int code, int why,
                    const struct rf_siginfo *info);
/* The task has been resumed from a stop of this phase, which ends with the call. */
bool rf_ptrace_resumed(struct rf_task *task, enum rf_trace_phase phase);
/* PTRACE_EVENT_*: RF_BLOCKED when the task has stopped for it and is to come again, 0 when it need not or has. */
int64_t rf_ptrace_event(struct rf_kernel *k, struct rf_task *task, unsigned event, uint64_t message);
bool rf_ptrace_event_enabled(const struct rf_task *task, unsigned event);
/* RF_BLOCKED or 0, likewise; before: the system call is about to be looked up. */
int64_t rf_ptrace_call_entry(struct rf_kernel *k, struct rf_task *task);
int64_t rf_ptrace_call_exit(struct rf_kernel *k, struct rf_task *task);
/* A signal is about to be delivered: stop for it. */
void rf_ptrace_signal_stop(struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info);
/* ... and resume: the signal to deliver with its info, or 0. */
int rf_ptrace_signal_resumed(struct rf_kernel *k, struct rf_task *task, struct rf_siginfo *info);
/* A trap that jobctl asks for, or the first instruction of a handler while stepping. */
void rf_ptrace_trap(struct rf_kernel *k, struct rf_task *task);
/* News of job control for a task of PTRACE_SEIZE. */
void rf_ptrace_trap_notify(struct rf_kernel *k, struct rf_task *task);
/* execve of the thread that was tid has succeeded: an event, or the SIGTRAP of those who do not ask for it. */
void rf_ptrace_exec(struct rf_kernel *k, struct rf_task *task, int32_t tid);
/* A handler's frame is about to be made. True: the task steps; it does not any more, but for the stop at the handler. */
bool rf_ptrace_hide_step(struct rf_task *task);

/* --- registers.c: a stopped task's user registers --- */
void rf_ptrace_get_regs(const struct rf_task *task, struct rf_user_regs *out);
/* The first `size` bytes. -RF_EIO: a value that a register must not have; those before it are written (as on Linux). */
int64_t rf_ptrace_set_regs(struct rf_task *task, const struct rf_user_regs *regs, size_t size);
/* PTRACE_PEEKUSER, PTRACE_POKEUSER: `offset` into struct user. -RF_EIO, -RF_EINVAL. */
int64_t rf_ptrace_peek_user(const struct rf_task *task, uint64_t offset, uint64_t *out);
int64_t rf_ptrace_poke_user(struct rf_task *task, uint64_t offset, uint64_t value);
/* From an FXSAVE image (512 bytes) or a whole area. -RF_EINVAL: nothing changed. */
int64_t rf_ptrace_set_fp(struct rf_kernel *k, struct rf_task *task, const uint8_t *bytes, size_t size);
/* RFLAGS.TF by the tracer's will. */
void rf_ptrace_enable_step(struct rf_task *task);
void rf_ptrace_disable_step(struct rf_task *task);

#endif

/* Tasks: threads and processes, their states, scheduling, birth and death. */
#ifndef RF_KERNEL_TASK_TASK_H
#define RF_KERNEL_TASK_TASK_H

#include "kernel/kernel.h"
#include "kernel/namespace/namespace.h"
#include "kernel/task/credentials.h"
#include "kernel/task/timer.h"

/* Stopped: with its process (signal/stop.h). Traced: stopped for its tracer (ptrace/ptrace.h). */
enum rf_task_state { RF_TASK_RUNNABLE, RF_TASK_SLEEPING, RF_TASK_STOPPED, RF_TASK_TRACED, RF_TASK_ZOMBIE };

/* What the CPU holds while another task runs. Taken inside a door function, so the CPU is
 * always at CPL 0 then; user registers are in the pt_regs on the kernel stack. */
struct rf_cpu_context {
    uint64_t r[16], rip, rflags;
    uint64_t fs_base, gs_base, kernel_gs_base;
    uint32_t pkru;
    uint16_t fs, gs, ds, es;
    struct rf_fpu fpu;
};

/* Breakpoints that a tracer has set (PTRACE_POKEUSER): the debug registers while the task runs. */
struct rf_debug_registers {
    uint64_t address[4];
    uint64_t status;  /* DR6 of the last #DB */
    uint64_t control; /* DR7's writable bits */
};

/* Signal handlers: shared by threads. */
struct rf_sighand {
    uint32_t references;
    struct rf_sigaction action[65]; /* by signal number */
};

/* What is counted beside time: page faults, and switches to another task because this one slept, or could not stay. */
struct rf_usage {
    uint64_t faults, voluntary, involuntary;
};

/* One process: what its threads share besides memory and files. */
struct rf_process {
    uint32_t references; /* its tasks: live threads, zombies until they are reaped */
    int32_t pid, pgid, sid;
    struct rf_task *leader;
    struct rf_process *parent;
    struct rf_task *parent_thread;      /* that made it; another one of its process once that has ended */
    struct rf_wait_queue child_exit;    /* wait4 sleeps here */
    uint64_t pending;                   /* process-directed signals, bit n-1 */
    struct rf_queued_signal *queued;    /* signal/pending.c */
    struct rf_rlimit64 rlimit[16];
    uint32_t thread_count;              /* those that have not ended */
    int32_t exit_signal;                /* sent to the parent; 0 = none */
    int wait_status;                    /* of exit_group, a deadly signal, or the thread that ends last */
    bool zombie;                        /* all threads have ended */
    bool waits_for_namespace;           /* init of a pid namespace that is not empty yet: dead, but no zombie */
    bool executed;                      /* execve since its birth: its parent may not move it any more */
    bool subreaper;                     /* PR_SET_CHILD_SUBREAPER */
    struct rf_tty *tty;                 /* the session's terminal, if it is its own (task/session.h) */
    int32_t lost_foreground;            /* a leader whose terminal was hung up: the group that had it */
    bool exiting;                       /* exit_group: every thread must end with wait_status */
    struct rf_task *exec_task;          /* execve of this thread waits for the others' end, which must come */
    struct rf_wait_queue thread_ended;  /* it waits here */
    bool stopped;                       /* signal/stop.h */
    bool continued;                     /* since it was stopped; false again once waited for */
    uint32_t stop_count;                /* threads that have yet to stop */
    int stop_code;                      /* the signal that stopped it; 0 once waited for */
    struct rf_siginfo death;            /* the signal that ended it */
    uint64_t user_cycles, kernel_cycles;
    uint64_t child_user_cycles, child_kernel_cycles; /* of children that were waited for */
    struct rf_usage usage, child_usage;
    uint64_t max_rss, child_max_rss;    /* pages: of address spaces that it has left; the most of a child */
    struct rf_itimer itimer[3];         /* ITIMER_REAL (alarm), _VIRTUAL, _PROF: task/itimer.c */
    struct rf_cpu_timer *cpu_timers;    /* on its own or its threads' CPU time: task/timer.c */
    struct rf_cpu_timer cpu_limit;      /* RLIMIT_CPU: task/cpu_limit.c */
    struct rf_posix_timer *posix_timers; /* signal/posix_timer.c */
    int32_t next_timer_id;
    int32_t oom_score_adj, oom_score_adj_min; /* -1000 to 1000; the least that its user may set */
    bool oom_killed;
};

/* A task's registration on one wait queue. */
struct rf_wait {
    struct rf_task *task;
    struct rf_wait_queue *queue;
    struct rf_wait *next_on_queue, *next_of_task;
};

struct rf_task {
    struct rf_task *next_task, *next_run;
    enum rf_task_state state;
    bool on_run_queue;
    int32_t tid;
    char comm[16];
    struct rf_process *process;
    struct rf_mm *mm;
    struct rf_fd_table *files;
    struct rf_fs_context *fs;
    struct rf_credentials credentials;
    struct rf_namespaces namespaces;
    bool no_new_privs, nproc_exceeded, tsc_faults, io_flusher;
    int32_t parent_death_signal;
    uint32_t personality;
    uint8_t mce_policy;            /* PR_MCE_KILL_* + 1, 0: the default */
    uint64_t timer_slack, default_timer_slack; /* ns */

    /* kernel stack: physically contiguous, mapped by the direct map */
    uint64_t kstack_pa;            /* lowest address */
    struct rf_pt_regs *regs;       /* user registers, at the stack's top (host pointer) */
    struct rf_cpu_context context; /* valid while not current */

    /* signals */
    struct rf_sighand *sighand;
    uint64_t pending, blocked;
    uint64_t awaited;              /* blocked signals that rt_sigtimedwait sleeps for */
    uint64_t saved_blocked;        /* restored on return to user: sigsuspend, ppoll */
    bool restore_blocked;
    struct rf_queued_signal *queued;
    uint32_t jobctl;               /* RF_JOBCTL_*: signal/stop.h */
    struct rf_ptrace *trace;       /* NULL: nobody traces it */
    struct rf_debug_registers debug;
    uint64_t altstack_base, altstack_size;
    uint32_t altstack_flags;
    uint64_t clear_child_tid, robust_list;
    struct rf_futex_many *futex_many; /* of futex_waitv */

    uint64_t rseq;                 /* restartable sequences: the area's address, 0 = not registered */
    uint32_t rseq_signature;
    bool rseq_event;               /* preempted since user space was left */

    uint64_t trap_number, trap_error, trap_cr2; /* of the last fault, for signal frames */
    struct rf_cpu_timer cpu_sleep;              /* clock_nanosleep on a CPU time clock */
    bool deliver_again; /* signals were being delivered when it stopped: the call's restart is still to be settled */

    /* what restart_syscall goes on with (rf_restart_later) */
    bool restart_ready;            /* false: nothing */
    bool restarting;               /* it does so now */
    uint32_t restart_number;
    uint64_t restart_args[6], restart_deadline;

    /* the system call in progress */
    uint32_t syscall_number;       /* whose handler runs */
    uint32_t asked_number;         /* what RAX held at entry */
    uint32_t syscall_work;         /* RF_SYSCALL_WORK_*: what every call must pass before its handler */
    uint8_t entry_stage;           /* how far it has come (entry/syscall_work.h) */
    bool exit_work;                /* the call's end is to be told to the tracer */
    bool in_syscall;               /* entered and not yet returned from */
    uint64_t syscall_args[6];
    uint64_t syscall_start_cycles;
    struct rf_wait *waits;         /* queues this task is on */
    bool killable;                 /* only death ends this sleep */
    uint64_t deadline;             /* ns monotonic; 0 = not set, UINT64_MAX = none */
    int host_fd;                   /* -1, or the host descriptor it waits for */
    short host_events;
    uint64_t scratch[8];           /* a restarted handler's memory; zero at system call entry */

    uint8_t seccomp_mode;          /* RF_SECCOMP_MODE_* */
    struct rf_seccomp_filter *seccomp_filter;         /* the newest */
    struct rf_seccomp_notification *seccomp_question; /* for whose answer it waits */

    uint64_t timeslice_end;        /* cycles */
    uint64_t slice_start;
    int32_t nice;                  /* RF_NICE_MIN (most) to RF_NICE_MAX */
    int32_t policy, rt_priority;   /* RF_SCHED_*; 1 (least) to 99 for SCHED_FIFO and SCHED_RR */
    bool reset_on_fork;
    bool yielded, was_running;     /* while it goes back to the queue */
    uint16_t ioprio;
    uint64_t user_cycles, kernel_cycles;
    struct rf_usage usage;
    struct rf_task *vfork_parent;  /* sleeping until this task execs or exits */
    struct rf_wait_queue vfork_done;
    int exit_status;               /* as wait4 gives it, once a zombie */
};

#define RF_KSTACK_BYTES RF_PAGE_SIZE /* C handlers run on the host: entry frames alone fit easily */
#define RF_TIMESLICE_CYCLES UINT64_C(4000000) /* at nice 0 */
#define RF_RR_TIMESLICE_CYCLES UINT64_C(300000000) /* 100 ms */
#define RF_TIMER_SLACK 50000 /* ns */
#define RF_NICE_MIN (-20)
#define RF_NICE_MAX 19

/* --- task.c: making and finding --- */
struct rf_task *rf_task_find(struct rf_kernel *k, int32_t tid);
struct rf_process *rf_process_find(struct rf_kernel *k, int32_t pid);
/* A thread that has not ended: the leader if it has not. NULL: none. */
struct rf_task *rf_process_live_thread(struct rf_kernel *k, struct rf_process *process);
/* Its process ends, or is about to be one thread by execve of another. */
bool rf_task_must_die(const struct rf_task *task);
/* A new task with a kernel stack and process; everything else zero. NULL: no memory. */
struct rf_task *rf_task_create(struct rf_kernel *k);
void rf_task_free(struct rf_kernel *k, struct rf_task *task);

/* --- sched.c --- */
void rf_make_runnable(struct rf_kernel *k, struct rf_task *task);
/* Save the running task's CPU context and switch to another; called in door functions
 * when current cannot or should not go on. Waits for time or the host if nobody can run.
 * False: nothing will ever run again (all ended, or a deadlock): the machine must stop. */
bool rf_schedule(struct rf_kernel *k);
/* Remove a task from every wait queue it is on. */
void rf_leave_queues(struct rf_kernel *k, struct rf_task *task);
/* Wake whatever sleeps past its deadline; arms the CPU's timer for the next one. */
void rf_timers_run(struct rf_kernel *k);

/* Store the CPU's present state. */
void rf_context_save(const struct rf_kernel *k, struct rf_cpu_context *context);
/* Give up the CPU to other runnable tasks when current returns to user space. */
void rf_yield(struct rf_kernel *k);
/* Add the time since the last call to the current task's and its process' user and kernel cycles. */
void rf_account_times(struct rf_kernel *k);
/* Set the CPU's timer to the next deadline or time slice end. */
void rf_timers_arm(struct rf_kernel *k);
/* Cycles that a task may run before others of its kind. */
uint64_t rf_timeslice(const struct rf_task *task);
/* Its policy or priority is another: somebody else may have to run. */
void rf_priority_changed(struct rf_kernel *k, struct rf_task *task);
/* CR4.TSD as the task wants it (PR_SET_TSC); it is current. */
void rf_apply_tsc(struct rf_kernel *k, const struct rf_task *task);
/* Recompute the current task's exit_work word. */
void rf_update_exit_work(struct rf_kernel *k, uint32_t also);

/* --- teardown.c --- */
/* The machine ends: free every task and what they hold. */
void rf_tasks_release(struct rf_kernel *k);

/* --- fork.c --- */
int64_t rf_task_clone(struct rf_kernel *k, const struct rf_clone_args *args);
/* The call runs again: the arguments count no more. */
bool rf_task_clone_begun(const struct rf_kernel *k);

/* --- exec.c: path and vectors in kernel memory --- */
int64_t rf_task_exec(struct rf_kernel *k, int dirfd, const char *path, int flags, char **argv,
                     char **envp);

/* --- exit.c --- */
/* End the current thread, or with group all of its process. wait_status as wait4 gives it. The task is a zombie then, or
 * has stopped for its tracer first: it is to come here again. */
void rf_task_exit(struct rf_kernel *k, int wait_status, bool group);
/* Make all other threads of the current one's process end. */
void rf_task_end_others(struct rf_kernel *k, struct rf_task *task);
/* A zombie has been waited for, or nobody will: it goes, and what depended on it happens. */
void rf_task_reap(struct rf_kernel *k, struct rf_task *task);
/* Tell the parent that a process has ended. True: nobody waits for it. */
bool rf_task_notify_parent(struct rf_kernel *k, struct rf_task *leader);
/* Inits of pid namespaces that have become empty are zombies now. */
void rf_settle_namespaces(struct rf_kernel *k);

#endif

/* The emulated kernel: the object that owns everything, and what every part of it uses.
 *
 * One kernel belongs to one machine and is driven by one host thread. All of its objects
 * live in its heap. System call handlers are C functions entered through VMCALL from the
 * stubs that the syscall table points to; a handler that must wait returns RF_BLOCKED and
 * is run again from its beginning when its task is woken. */
#ifndef RF_KERNEL_KERNEL_H
#define RF_KERNEL_KERNEL_H

#include "abi/errno.h"
#include "abi/linux_flags.h"
#include "abi/linux_structs.h"
#include "abi/syscalls.h"
#include "base/compiler.h"
#include "base/error.h"
#include "cpu/cpu.h"
#include "kernel/heap.h"

/* What uname and /proc report. */
#define RF_KERNEL_RELEASE "6.1.0-ringfort"

struct rf_kernel;
struct rf_task;
struct rf_mm;
struct rf_file;
struct rf_inode;
struct rf_mount;

/* What a handler returns besides a result or -errno: it has put its task on a wait queue. */
#define RF_BLOCKED INT64_MIN

/* A system call handler. The caller is k->current; a[0..5] are RDI RSI RDX R10 R8 R9. */
typedef int64_t rf_syscall_handler(struct rf_kernel *k, const uint64_t a[6]);

struct rf_handler_entry {
    uint16_t number; /* RF_NR_* */
    rf_syscall_handler *handler;
};
struct rf_handler_table {
    const struct rf_handler_entry *entries;
    size_t count;
};
#define RF_HANDLER_TABLE(entries) { entries, RF_ARRAY_SIZE(entries) }

/* One per file in syscalls/. */
extern const struct rf_handler_table rf_handlers_file, rf_handlers_stat, rf_handlers_directory,
    rf_handlers_descriptor, rf_handlers_poll, rf_handlers_epoll, rf_handlers_memory,
    rf_handlers_memory_advice, rf_handlers_memory_lock, rf_handlers_process_vm, rf_handlers_shm,
    rf_handlers_process, rf_handlers_credentials, rf_handlers_capability, rf_handlers_limits,
    rf_handlers_prctl, rf_handlers_personality, rf_handlers_session, rf_handlers_scheduling,
    rf_handlers_namespace, rf_handlers_clock_set, rf_handlers_adjtimex, rf_handlers_mount, rf_handlers_signal, rf_handlers_time,
    rf_handlers_system, rf_handlers_futex, rf_handlers_futex_waitv, rf_handlers_timer,
    rf_handlers_pidfd, rf_handlers_priority, rf_handlers_membarrier, rf_handlers_wait, rf_handlers_usage,
    rf_handlers_ptrace, rf_handlers_seccomp, rf_handlers_rseq, rf_handlers_xattr, rf_handlers_file_size,
    rf_handlers_file_copy, rf_handlers_inotify, rf_handlers_splice, rf_handlers_mqueue, rf_handlers_io_uring, rf_handlers_socket, rf_handlers_socket_message, rf_handlers_sem, rf_handlers_msg;

/* --- wait queues (task/wait.c) ---
 * A list of sleeping tasks. Waking makes them all runnable; each runs its handler again
 * and finds out by itself whether what it waits for has come. */
struct rf_wait_queue {
    struct rf_wait *first;
    struct rf_watch *watches;
};
/* Called at every wake of a queue, and stays on it (epoll). events: RF_POLL* that the wake is
 * for, 0 if it does not say. */
struct rf_watch {
    void (*wake)(struct rf_kernel *k, struct rf_watch *watch, uint32_t events);
    struct rf_wait_queue *queue;
    struct rf_watch *next;
};
/* Put the current task to sleep on q until rf_wake(q), a signal, or its deadline. Returns
 * RF_BLOCKED, or -RF_ERESTARTSYS at once when a signal is pending. May be called several
 * times for different queues before the handler returns RF_BLOCKED (poll). */
int64_t rf_sleep_on(struct rf_kernel *k, struct rf_wait_queue *q);
/* The same, for sleeps that only death interrupts: -RF_ERESTARTSYS then. */
int64_t rf_sleep_on_killable(struct rf_kernel *k, struct rf_wait_queue *q);
void rf_wake(struct rf_kernel *k, struct rf_wait_queue *q);
/* The same, saying what for. */
void rf_wake_for(struct rf_kernel *k, struct rf_wait_queue *q, uint32_t events);
/* A deadline for the sleep in ns of the monotonic clock, kept while the handler runs again
 * and again: the first call of one system call sets it, later ones return the same.
 * rf_deadline_passed tells. UINT64_MAX: none. */
uint64_t rf_sleep_deadline(struct rf_kernel *k, uint64_t relative_ns);
uint64_t rf_sleep_deadline_at(struct rf_kernel *k, uint64_t absolute_ns);
bool rf_deadline_passed(const struct rf_kernel *k);
/* Sleep with a deadline only. */
int64_t rf_sleep_until_deadline(struct rf_kernel *k);
/* A signal has ended the sleep: restart_syscall is to run the call again, with its arguments and deadline of now.
 * Returns -RF_ERESTART_RESTARTBLOCK. */
int64_t rf_restart_later(struct rf_kernel *k);
/* Sleep until the host descriptor is ready for `events` (POLLIN, POLLOUT) or rf_wake/deadline:
 * the run loop polls the host only when no task can run. */
int64_t rf_sleep_on_host(struct rf_kernel *k, int host_fd, short events);

/* --- time (time/clock in task/clock.c): modelled cycles at 1 GHz-scaled rate --- */
uint64_t rf_clock_monotonic(const struct rf_kernel *k); /* ns since boot */
uint64_t rf_clock_host(void);                           /* the host's monotonic clock, ns */
uint64_t rf_clock_realtime(const struct rf_kernel *k);  /* ns since 1970 */

/* --- user memory (mm/uaccess.c): SMAP-honouring copies with demand paging --- */
/* 0 or -RF_EFAULT; nothing of dst/user memory beyond the failing page is touched... a
 * partial copy may have happened up to the faulting byte. */
int rf_copy_from_user(struct rf_kernel *k, void *dst, uint64_t user, size_t size);
int rf_copy_to_user(struct rf_kernel *k, uint64_t user, const void *src, size_t size);
/* As much as possible: returns the bytes copied (0..size). */
size_t rf_copy_from_user_partial(struct rf_kernel *k, void *dst, uint64_t user, size_t size);
size_t rf_copy_to_user_partial(struct rf_kernel *k, uint64_t user, const void *src, size_t size);
size_t rf_clear_user_partial(struct rf_kernel *k, uint64_t user, size_t size);
/* Length of a NUL-terminated string copied to dst (NUL included in dst, not counted), or
 * -RF_EFAULT, or -RF_ENAMETOOLONG if no NUL lies within size bytes. */
int64_t rf_strncpy_from_user(struct rf_kernel *k, char *dst, uint64_t user, size_t size);
#define RF_GET_USER(k, var, user) rf_copy_from_user((k), &(var), (user), sizeof(var))
#define RF_PUT_USER(k, user, var) rf_copy_to_user((k), (user), &(var), sizeof(var))
#define RF_TASK_SIZE UINT64_C(0x7ffffffff000) /* first address user space cannot have */

/* A handler that has worked for long asks now and then: is the machine to stop, or the current task to die? Then
 * it ends with what it has done so far. */
bool rf_must_end_soon(const struct rf_kernel *k);
#define RF_LONG_WORK (UINT64_C(1) << 20) /* bytes between two questions */

/* Charge a handler's work to the cost account, in units of rf_cost_event. */
RF_INLINE void rf_charge(struct rf_kernel *k, enum rf_cost_event event, uint64_t units);

/* --- configuration, fixed at creation --- */
struct rf_kernel_config {
    uint64_t seed;            /* random numbers; 0 = a fixed default */
    uint64_t epoch_ns;        /* realtime at boot; 0 = 2024-01-01T00:00:00Z, or the host's with host_clock */
    uint64_t sched_seed;      /* of the scheduler's order; 0 = none: round robin */
    bool host_clock;          /* clocks are the host's, not modelled cycles */
    const char *hostname;     /* NULL = "ringfort" */
    /* Called for each finished or started system call when tracing is on. */
};

/* What adjtimex(2) is told of the realtime clock and tells again (syscalls/adjtimex.c). */
struct rf_ntp {
    uint32_t status;                       /* RF_STA_* */
    int32_t tai;                           /* seconds that CLOCK_TAI is ahead */
    int64_t maxerror, esterror, constant;  /* the first two in us */
    int64_t second;                        /* of the realtime clock: when maxerror grew last */
};
#define RF_NTP_PHASE_LIMIT 16000000 /* us */

struct rf_kernel {
    struct rf_cpu *cpu;
    struct rf_ram *ram;
    struct rf_heap heap;
    struct rf_error *error; /* where boot and start-up report */

    /* tasks */
    struct rf_task *current;
    struct rf_task *tasks; /* all, by rf_task.next_task */
    struct rf_task *init;  /* the first process */
    struct rf_task *run_first, *run_last; /* runnable, in order, by rf_task.next_run */
    int32_t next_pid;
    uint32_t ending_namespaces; /* pid namespaces whose init waits for the last to go */
    uint32_t namespace_count; /* made so far; 0 while the initial ones are */
    uint64_t rt_period, rt_used; /* cycles: when the second began, and what real-time tasks had of it */
    int exit_status;       /* wait status of init, once it has ended */
    bool finished;         /* init has ended: the machine stops */
    bool keeps_last_mm;    /* init's address space stays, as last_mm, when it ends */
    struct rf_mm *last_mm;
    uint64_t mm_count;     /* address spaces made so far */
    struct rf_wait_queue signal_arrived; /* readers and polls of signal descriptors, of all tasks */
    struct rf_wait_queue process_ended;  /* polls of process descriptors */
    struct rf_timer *timers; /* by expiry (task/timer.h) */
    uint64_t futex_turns; /* waits begun and moved so far: who came first (syscalls/futex.h) */
    bool need_resched;
    struct rf_task *reap;  /* a thread that has ended and is to be freed once not current */
    char stop_text[1024];   /* why the machine stopped, when not by init's end */
    uint64_t counted_user, counted_kernel; /* cycles already given to a process */

    /* physical frames */
    struct rf_frames *frames;

    /* what boot made (boot/boot.h) */
    struct rf_boot_layout *layout;
    rf_syscall_handler *handlers[RF_SYSCALL_COUNT];

    /* file system */
    struct rf_vfs *vfs;
    struct rf_net *net; /* net/socket.h */
    struct rf_uring *urings; /* uring/uring.h */
    bool uring_ready;        /* a request of some ring can go on */

    uint64_t random_state;
    uint64_t boot_random;    /* what the boot's id is made from (fs/procfs_knobs.c) */
    uint64_t sched_random;   /* state of the scheduler's own generator; 0: its order is not perturbed */
    bool host_clock;         /* clocks are the host's, from host_start_ns on */
    uint64_t host_start_ns;
    uint64_t epoch_ns;       /* the realtime clock at boot: changes when it is set */
    struct rf_timezone timezone;
    struct rf_ntp ntp;
    struct rf_timerfd *cancelled_on_set; /* TFD_TIMER_CANCEL_ON_SET: fs/timerfd.c */
    char hostname[65];

    /* observers */
    const struct rf_kernel_observer *observer;
    void *observer_user;
    struct rf_syscall_count *syscall_counts; /* RF_SYSCALL_COUNT */
};

struct rf_syscall_count {
    uint64_t calls, errors, cycles;
};

/* Fed at system calls, signals and exits; any member may be NULL. */
struct rf_kernel_observer {
    void (*syscall_enter)(void *user, struct rf_kernel *k, struct rf_task *task, unsigned nr,
                          const uint64_t args[6]);
    void (*syscall_leave)(void *user, struct rf_kernel *k, struct rf_task *task, unsigned nr,
                          int64_t result);
    void (*signal)(void *user, struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info);
    void (*exit)(void *user, struct rf_kernel *k, struct rf_task *task, int wait_status);
};

RF_INLINE void rf_charge(struct rf_kernel *k, enum rf_cost_event event, uint64_t units)
{
    k->cpu->budget -= (int64_t)(k->cpu->cost->event[event] * units);
}

/* Heap shorthands; NULL when the machine's kernel heap is full (-RF_ENOMEM then). Zeroed. */
RF_INLINE void *rf_kalloc(struct rf_kernel *k, size_t size) { return rf_heap_alloc(&k->heap, size); }
RF_INLINE void rf_kfree(struct rf_kernel *k, void *p) { rf_heap_free(&k->heap, p); }

/* splitmix64: the next number of a generator with its own state. */
uint64_t rf_random_next(uint64_t *state);
/* Deterministic random bytes from the seed. */
void rf_kernel_random(struct rf_kernel *k, void *out, size_t size);

#endif

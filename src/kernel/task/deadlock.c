/* Who waits for what, when no task can ever run again: the text of a deadlock's report. */
#include "kernel/fs/procfs.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/signal/signal.h"
#include "kernel/task/runqueue.h"
#include "kernel/task/task.h"

#include <stdarg.h>
#include <stdio.h>

struct report {
    char *out;
    size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void add(struct report *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(r->out + r->used, r->size - r->used, format, args);
    va_end(args);
    if (length > 0)
        r->used = r->used + (size_t)length < r->size ? r->used + (size_t)length : r->size - 1;
}

/* How a call waits: by the descriptor in its first argument, by the address there, or by something that has a name. */
enum wait_kind { BY_NAME, BY_DESCRIPTOR, BY_ADDRESS };

static const struct {
    uint16_t number;
    enum wait_kind kind;
    const char *what;
} calls[] = {
    { RF_NR_wait4, BY_NAME, "a child" },
    { RF_NR_waitid, BY_NAME, "a child" },
    { RF_NR_vfork, BY_NAME, "its child to leave its memory" },
    { RF_NR_clone, BY_NAME, "its child to leave its memory" },
    { RF_NR_clone3, BY_NAME, "its child to leave its memory" },
    { RF_NR_execve, BY_NAME, "its other threads' end" },
    { RF_NR_execveat, BY_NAME, "its other threads' end" },
    { RF_NR_pause, BY_NAME, "a signal" },
    { RF_NR_rt_sigsuspend, BY_NAME, "a signal" },
    { RF_NR_rt_sigtimedwait, BY_NAME, "a signal" },
    { RF_NR_poll, BY_NAME, "descriptors" },
    { RF_NR_ppoll, BY_NAME, "descriptors" },
    { RF_NR_select, BY_NAME, "descriptors" },
    { RF_NR_pselect6, BY_NAME, "descriptors" },
    { RF_NR_futex, BY_ADDRESS, "the futex" },
    { RF_NR_futex_waitv, BY_ADDRESS, "one of the futexes" },
    { RF_NR_open, BY_NAME, "the other end of a FIFO" },
    { RF_NR_openat, BY_NAME, "the other end of a FIFO" },
    { RF_NR_read, BY_DESCRIPTOR, NULL },
    { RF_NR_readv, BY_DESCRIPTOR, NULL },
    { RF_NR_write, BY_DESCRIPTOR, NULL },
    { RF_NR_writev, BY_DESCRIPTOR, NULL },
    { RF_NR_epoll_wait, BY_DESCRIPTOR, NULL },
    { RF_NR_epoll_pwait, BY_DESCRIPTOR, NULL },
    { RF_NR_fcntl, BY_DESCRIPTOR, "a lock of" },
    { RF_NR_flock, BY_DESCRIPTOR, "a lock of" },
};

static void add_descriptor(struct report *r, struct rf_kernel *k, const struct rf_task *task, const char *what)
{
    uint64_t fd = task->syscall_args[0];
    struct rf_file *file = task->files && fd < task->files->capacity ? task->files->fds[fd].file : NULL;
    char name[128];
    if (!file || rf_proc_file_name(k, file, name, sizeof name) < 0)
        name[0] = '\0';
    add(r, "%s%sdescriptor %d%s%s%s", what ? what : "", what ? " " : "", (int)fd, name[0] ? " (" : "", name,
        name[0] ? ")" : "");
}

static void add_call(struct report *r, struct rf_kernel *k, const struct rf_task *task)
{
    const struct rf_syscall_desc *desc = rf_syscall_desc(task->syscall_number);
    add(r, "in %s", desc ? desc->name : "a system call");
    for (size_t i = 0; i < RF_ARRAY_SIZE(calls); i++) {
        if (calls[i].number != task->syscall_number)
            continue;
        add(r, " waits for ");
        if (calls[i].kind == BY_DESCRIPTOR)
            add_descriptor(r, k, task, calls[i].what);
        else if (calls[i].kind == BY_ADDRESS)
            add(r, "%s at %#llx", calls[i].what, (unsigned long long)task->syscall_args[0]);
        else
            add(r, "%s", calls[i].what);
        return;
    }
}

static void add_task(struct report *r, struct rf_kernel *k, const struct rf_task *task)
{
    add(r, "\n  task %d (%.15s) ", task->tid, task->comm);
    if (task->state == RF_TASK_STOPPED)
        add(r, "is stopped by signal %d", (int)(task->process->stop_code ? task->process->stop_code : RF_SIGSTOP));
    else if (task->state == RF_TASK_TRACED)
        add(r, "is stopped for its tracer, task %d", task->trace->tracer->tid);
    else if (task->in_syscall)
        add_call(r, k, task);
    else
        add(r, "sleeps");
}

void rf_deadlock_report(struct rf_kernel *k)
{
    enum { MOST = 8 };
    struct report r = { k->stop_text, sizeof k->stop_text, 0 };
    unsigned count = 0;
    add(&r, "deadlock: every task sleeps and nothing can wake one");
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->state != RF_TASK_ZOMBIE && count++ < MOST)
            add_task(&r, k, task);
    if (count > MOST)
        add(&r, "\n  and %u more", count - MOST);
}

/* clone, fork, vfork: a new task that returns 0 from the same system call. */
#include "kernel/boot/boot.h"
#include "kernel/frames.h"
#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/seccomp/seccomp.h"
#include "kernel/signal/signal.h"
#include "kernel/syscalls/rseq.h"
#include "kernel/task/cpu_limit.h"
#include "kernel/task/identity.h"
#include "kernel/task/itimer.h"
#include "kernel/task/task.h"
#include "kernel/vfs/inode.h"

#include <string.h>

static bool copy_process(struct rf_kernel *k, struct rf_task *child, const struct rf_task *parent,
                         uint64_t flags, int exit_signal)
{
    struct rf_process *process = parent->process;
    if (flags & RF_CLONE_THREAD) {
        child->process = process;
        process->references++;
        process->thread_count++;
        return true;
    }
    struct rf_process *copy = rf_kalloc(k, sizeof *copy);
    if (!copy)
        return false;
    copy->references = 1;
    copy->pid = child->tid;
    copy->pgid = process->pgid;
    copy->sid = process->sid;
    copy->tty = process->tty;
    copy->leader = child;
    bool sibling = flags & RF_CLONE_PARENT;
    copy->parent = sibling ? process->parent : process;
    copy->parent_thread = sibling ? process->parent_thread : k->current;
    copy->thread_count = 1;
    copy->exit_signal = sibling ? process->exit_signal : exit_signal;
    rf_itimer_init(copy);
    memcpy(copy->rlimit, process->rlimit, sizeof copy->rlimit);
    rf_cpu_limit_changed(k, copy);
    copy->oom_score_adj = process->oom_score_adj;
    copy->oom_score_adj_min = process->oom_score_adj_min;
    child->process = copy;
    return true;
}

static void clear_handlers(struct rf_sighand *sighand)
{
    for (int signo = 1; signo <= RF_NSIG; signo++)
        if (sighand->action[signo].handler != RF_SIG_IGN)
            sighand->action[signo] = (struct rf_sigaction){ .handler = RF_SIG_DFL };
}

static bool copy_sighand(struct rf_kernel *k, struct rf_task *child, struct rf_task *parent, uint64_t flags)
{
    if (flags & RF_CLONE_SIGHAND) {
        child->sighand = parent->sighand;
        child->sighand->references++;
        return true;
    }
    child->sighand = rf_kalloc(k, sizeof *child->sighand);
    if (!child->sighand)
        return false;
    *child->sighand = *parent->sighand;
    child->sighand->references = 1;
    if (flags & RF_CLONE_CLEAR_SIGHAND)
        clear_handlers(child->sighand);
    return true;
}

static bool copy_resources(struct rf_kernel *k, struct rf_task *child, struct rf_task *parent, uint64_t flags)
{
    if (flags & RF_CLONE_FILES) {
        child->files = parent->files;
        rf_fd_table_get(child->files);
    } else {
        child->files = rf_fd_table_copy(k, parent->files);
    }
    if (flags & RF_CLONE_FS) {
        child->fs = parent->fs;
        rf_fs_context_get(child->fs);
    } else {
        child->fs = rf_fs_context_copy(k, parent->fs);
    }
    if (flags & RF_CLONE_VM) {
        child->mm = parent->mm;
        rf_mm_get(child->mm);
    } else {
        child->mm = rf_mm_fork(k, parent->mm);
    }
    if (child->fs && child->namespaces.mnt != parent->namespaces.mnt &&
        !rf_fs_context_follow(k, child->fs, (const struct rf_mount_namespace *)child->namespaces.mnt))
        return false;
    return child->files && child->fs && child->mm;
}

/* The child starts at return_from_fork with a copy of the parent's user registers. */
static void copy_registers(struct rf_kernel *k, struct rf_task *child, const struct rf_task *parent,
                           const struct rf_clone_args *args)
{
    *child->regs = *parent->regs;
    child->regs->rax = 0;
    if (parent->trace && parent->trace->forced_tf)
        child->regs->eflags &= ~(uint64_t)RF_FLAG_TF;
    if (args->stack)
        child->regs->rsp = args->stack + args->stack_size;
    struct rf_cpu_context *c = &child->context;
    rf_context_save(k, c);
    c->rip = k->layout->labels.return_from_fork;
    c->r[RF_RSP] = RF_DIRECT_MAP + child->kstack_pa + RF_KSTACK_BYTES - sizeof(struct rf_pt_regs);
    c->rflags = RF_FLAG_FIXED;
    if (args->flags & RF_CLONE_SETTLS)
        c->fs_base = args->tls;
}

static void drop_partial(struct rf_kernel *k, struct rf_task *child)
{
    if (child->files)
        rf_fd_table_put(k, child->files);
    if (child->fs)
        rf_fs_context_put(k, child->fs);
    if (child->mm)
        rf_mm_put(k, child->mm);
    if (child->sighand && --child->sighand->references == 0)
        rf_kfree(k, child->sighand);
    if (child->process && child->process->leader != child)
        child->process->thread_count--;
    rf_task_free(k, child);
}

/* Combinations that clone(2) refuses, and flags that are not offered. */
static int64_t check_flags(const struct rf_clone_args *args)
{
    uint64_t flags = args->flags;
    uint64_t offered = RF_CLONE_VM | RF_CLONE_FS | RF_CLONE_FILES | RF_CLONE_SIGHAND | RF_CLONE_VFORK |
                       RF_CLONE_PARENT | RF_CLONE_THREAD | RF_CLONE_SYSVSEM | RF_CLONE_SETTLS |
                       RF_CLONE_PARENT_SETTID | RF_CLONE_CHILD_CLEARTID | RF_CLONE_CHILD_SETTID |
                       RF_CLONE_DETACHED | RF_CLONE_IO | RF_CLONE_UNTRACED | RF_CLONE_PIDFD |
                       RF_CLONE_PTRACE | RF_CLONE_CLEAR_SIGHAND | RF_CLONE_NAMESPACES;
    if (flags & ~offered)
        return -RF_EINVAL;
    if (flags & RF_CLONE_SIGHAND && !(flags & RF_CLONE_VM))
        return -RF_EINVAL;
    if (flags & RF_CLONE_THREAD && !(flags & RF_CLONE_SIGHAND))
        return -RF_EINVAL;
    if (flags & RF_CLONE_SIGHAND && flags & RF_CLONE_CLEAR_SIGHAND)
        return -RF_EINVAL;
    if (flags & RF_CLONE_PIDFD && flags & (RF_CLONE_THREAD | RF_CLONE_DETACHED))
        return -RF_EINVAL; /* descriptors of threads came with Linux 6.9 */
    if (flags & RF_CLONE_SETTLS && args->tls >= RF_TASK_SIZE)
        return -RF_EPERM;
    return 0;
}

/* CLONE_PIDFD: a descriptor of the child for the parent. It was not there when the child's were copied. */
static int64_t give_pidfd(struct rf_kernel *k, const struct rf_clone_args *args, int32_t pid)
{
    if (!(args->flags & RF_CLONE_PIDFD))
        return 0;
    int64_t result = rf_pidfd_install(k, pid, 0);
    if (result < 0)
        return result;
    int32_t fd = (int32_t)result;
    if (!RF_PUT_USER(k, args->pidfd, fd))
        return 0;
    rf_fd_close(k, fd);
    return -RF_EFAULT;
}

/* A clone's memory from run to run: how far it has come, the child's number, the event to tell of it. */
enum { CLONE_BEGINS, CLONE_MADE, CLONE_WAITS, CLONE_DONE };
#define SCRATCH_STAGE 0
#define SCRATCH_TID 1
#define SCRATCH_EVENT 2
#define SCRATCH_FLAGS 3

/* PTRACE_EVENT_* of a clone, 0: none is to be told. */
static unsigned event_of(const struct rf_task *parent, const struct rf_clone_args *args)
{
    unsigned event = args->flags & RF_CLONE_VFORK       ? RF_PTRACE_EVENT_VFORK
                     : args->exit_signal != RF_SIGCHLD ? RF_PTRACE_EVENT_CLONE
                                                       : RF_PTRACE_EVENT_FORK;
    return !(args->flags & RF_CLONE_UNTRACED) && rf_ptrace_event_enabled(parent, event) ? event : 0;
}

static bool is_traced_too(const struct rf_task *parent, const struct rf_clone_args *args)
{
    return parent->trace && (args->flags & RF_CLONE_PTRACE || event_of(parent, args));
}

/* The parent of a vfork sleeps until the child has left its memory: death alone interrupts that. */
static int64_t wait_for_vfork(struct rf_kernel *k, struct rf_task *parent)
{
    struct rf_task *child = rf_task_find(k, (int32_t)parent->scratch[SCRATCH_TID]);
    if (!child || child->vfork_parent != parent || child->state == RF_TASK_ZOMBIE)
        return 0;
    int64_t result = rf_sleep_on_killable(k, &child->vfork_done);
    if (result != RF_BLOCKED)
        child->vfork_parent = NULL;
    return result;
}

/* The child exists: what the parent has yet to do. */
static int64_t finish_clone(struct rf_kernel *k, struct rf_task *parent)
{
    uint64_t *scratch = parent->scratch;
    int32_t tid = (int32_t)scratch[SCRATCH_TID];
    uint64_t told = parent->trace ? (uint64_t)rf_pid_in(parent->trace->tracer->namespaces.pid, tid) : 0;
    int64_t result = 0;
    if (scratch[SCRATCH_STAGE] == CLONE_MADE) {
        if (scratch[SCRATCH_EVENT])
            result = rf_ptrace_event(k, parent, (unsigned)scratch[SCRATCH_EVENT], told);
        if (!result)
            scratch[SCRATCH_STAGE] = scratch[SCRATCH_FLAGS] & RF_CLONE_VFORK ? CLONE_WAITS : CLONE_DONE;
    }
    if (!result && scratch[SCRATCH_STAGE] == CLONE_WAITS) {
        result = wait_for_vfork(k, parent);
        if (!result && !(scratch[SCRATCH_FLAGS] & RF_CLONE_UNTRACED))
            result = rf_ptrace_event(k, parent, RF_PTRACE_EVENT_VFORK_DONE, told);
    }
    return result ? result : rf_pid_shown(k, tid);
}

bool rf_task_clone_begun(const struct rf_kernel *k)
{
    return k->current->scratch[SCRATCH_STAGE] != CLONE_BEGINS;
}

/* A task with all that it shares or copies; NULL and *error if there is none. */
static struct rf_task *make_child(struct rf_kernel *k, const struct rf_clone_args *args, int64_t *error)
{
    struct rf_task *parent = k->current, *child = rf_task_create(k);
    *error = -RF_EAGAIN;
    if (!child)
        return NULL;
    *error = rf_identity_fork(k, child, args->flags);
    if (!*error && (!copy_process(k, child, parent, args->flags, (int)args->exit_signal) ||
                    !copy_sighand(k, child, parent, args->flags) || !copy_resources(k, child, parent, args->flags)))
        *error = -RF_ENOMEM;
    if (!*error && is_traced_too(parent, args))
        *error = rf_ptrace_inherit(k, child, parent);
    if (!*error)
        *error = give_pidfd(k, args, child->tid);
    if (!*error)
        return child;
    drop_partial(k, child);
    return NULL;
}

static void inherit(struct rf_kernel *k, struct rf_task *child, const struct rf_clone_args *args)
{
    const struct rf_task *parent = k->current;
    memcpy(child->comm, parent->comm, sizeof child->comm);
    child->blocked = parent->blocked;
    rf_seccomp_fork(child, parent);
    rf_rseq_fork(child, parent, args->flags);
    if (!(args->flags & RF_CLONE_VM) || args->flags & RF_CLONE_VFORK) {
        child->altstack_base = parent->altstack_base;
        child->altstack_size = parent->altstack_size;
        child->altstack_flags = parent->altstack_flags;
    }
    copy_registers(k, child, parent, args);
}

/* The child's number, where the parent and the child want to read it. As on Linux, a bad address is not an error. */
static void write_numbers(struct rf_kernel *k, struct rf_task *child, const struct rf_clone_args *args)
{
    struct rf_task *parent = k->current;
    int32_t tid = rf_pid_shown(k, child->tid), own_tid = rf_pid_in(child->namespaces.pid, child->tid);
    if (args->flags & RF_CLONE_PARENT_SETTID)
        RF_PUT_USER(k, args->parent_tid, tid);
    if (args->flags & RF_CLONE_CHILD_CLEARTID)
        child->clear_child_tid = args->child_tid;
    if (!(args->flags & RF_CLONE_CHILD_SETTID))
        return;
    k->current = child; /* in the child's address space */
    rf_mm_activate(k, child->mm);
    RF_PUT_USER(k, args->child_tid, own_tid);
    k->current = parent;
    rf_mm_activate(k, parent->mm);
}

int64_t rf_task_clone(struct rf_kernel *k, const struct rf_clone_args *args)
{
    struct rf_task *parent = k->current;
    if (rf_task_clone_begun(k))
        return finish_clone(k, parent);
    int64_t error = check_flags(args);
    if (!error)
        error = rf_identity_check_flags(k, args->flags);
    struct rf_task *child = error ? NULL : make_child(k, args, &error);
    if (!child)
        return error;
    inherit(k, child, args);
    rf_identity_born(child);
    write_numbers(k, child, args);
    if (args->flags & RF_CLONE_VFORK)
        child->vfork_parent = parent;
    rf_make_runnable(k, child);
    parent->scratch[SCRATCH_STAGE] = CLONE_MADE;
    parent->scratch[SCRATCH_TID] = (uint64_t)child->tid;
    parent->scratch[SCRATCH_EVENT] = event_of(parent, args);
    parent->scratch[SCRATCH_FLAGS] = args->flags;
    return finish_clone(k, parent);
}

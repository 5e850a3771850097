/* clone, fork, vfork: a new task that returns 0 from the same system call. */
#include "kernel/boot/boot.h"
#include "kernel/frames.h"
#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"
#include "kernel/signal/signal.h"
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
    copy->has_tty = process->has_tty;
    copy->leader = child;
    copy->parent = flags & RF_CLONE_PARENT ? process->parent : process;
    copy->thread_count = 1;
    copy->exit_signal = exit_signal;
    rf_itimer_init(copy);
    memcpy(copy->rlimit, process->rlimit, sizeof copy->rlimit);
    child->process = copy;
    return true;
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
                       RF_CLONE_NAMESPACES;
    if (flags & ~offered)
        return -RF_EINVAL;
    if (flags & RF_CLONE_SIGHAND && !(flags & RF_CLONE_VM))
        return -RF_EINVAL;
    if (flags & RF_CLONE_THREAD && !(flags & RF_CLONE_SIGHAND))
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

/* The parent of a vfork sleeps until the child has left its memory. */
static int64_t wait_for_vfork(struct rf_kernel *k, struct rf_task *parent)
{
    struct rf_task *child = rf_task_find(k, (int32_t)parent->scratch[1]);
    if (!child || child->vfork_parent != parent || child->state == RF_TASK_ZOMBIE)
        return rf_pid_shown(k, (int32_t)parent->scratch[1]);
    uint64_t pending = parent->pending; /* only death interrupts this sleep */
    struct rf_process *process = parent->process;
    uint64_t shared = process->pending;
    parent->pending = process->pending = 0;
    int64_t result = rf_sleep_on(k, &child->vfork_done);
    parent->pending = pending;
    process->pending = shared;
    return result;
}

int64_t rf_task_clone(struct rf_kernel *k, const struct rf_clone_args *args)
{
    struct rf_task *parent = k->current;
    if (parent->scratch[0]) /* run again: the child exists */
        return wait_for_vfork(k, parent);
    int64_t error = check_flags(args);
    if (!error)
        error = rf_identity_check_flags(k, args->flags);
    if (error)
        return error;
    struct rf_task *child = rf_task_create(k);
    if (!child)
        return -RF_EAGAIN;
    error = rf_identity_fork(k, child, args->flags);
    if (error) {
        drop_partial(k, child);
        return error;
    }
    if (!copy_process(k, child, parent, args->flags, (int)args->exit_signal) ||
        !copy_sighand(k, child, parent, args->flags) || !copy_resources(k, child, parent, args->flags)) {
        drop_partial(k, child);
        return -RF_ENOMEM;
    }
    error = give_pidfd(k, args, child->tid);
    if (error) {
        drop_partial(k, child);
        return error;
    }
    memcpy(child->comm, parent->comm, sizeof child->comm);
    child->blocked = parent->blocked;
    if (!(args->flags & RF_CLONE_VM) || args->flags & RF_CLONE_VFORK) {
        child->altstack_base = parent->altstack_base;
        child->altstack_size = parent->altstack_size;
        child->altstack_flags = parent->altstack_flags;
    }
    copy_registers(k, child, parent, args);
    rf_identity_born(child);
    int32_t tid = rf_pid_shown(k, child->tid), own_tid = rf_pid_in(child->namespaces.pid, child->tid);
    if (args->flags & RF_CLONE_PARENT_SETTID)
        RF_PUT_USER(k, args->parent_tid, tid); /* as Linux, a bad address is not an error */
    if (args->flags & RF_CLONE_CHILD_CLEARTID)
        child->clear_child_tid = args->child_tid;
    if (args->flags & RF_CLONE_CHILD_SETTID) {
        /* written in the child's address space */
        k->current = child;
        rf_mm_activate(k, child->mm);
        RF_PUT_USER(k, args->child_tid, own_tid);
        k->current = parent;
        rf_mm_activate(k, parent->mm);
    }
    if (args->flags & RF_CLONE_VFORK)
        child->vfork_parent = parent;
    rf_make_runnable(k, child);
    parent->scratch[0] = 1;
    parent->scratch[1] = (uint64_t)child->tid;
    return args->flags & RF_CLONE_VFORK ? wait_for_vfork(k, parent) : tid;
}

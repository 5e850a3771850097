/* fork vfork clone execve exit wait4 waitid and the identity of processes. */
#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"
#include "kernel/signal/signal.h"
#include "kernel/task/clock.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#include <stdlib.h>
#include <string.h>

/* --- birth --- */

static int64_t sys_fork(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    const struct rf_clone_args args = { .exit_signal = RF_SIGCHLD };
    return rf_task_clone(k, &args);
}

static int64_t sys_vfork(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    const struct rf_clone_args args = { .flags = RF_CLONE_VM | RF_CLONE_VFORK, .exit_signal = RF_SIGCHLD };
    return rf_task_clone(k, &args);
}

static int64_t sys_clone(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_clone_args args = { .flags = a[0] & 0xffffff00u, .exit_signal = a[0] & 0xff, .stack = a[1],
                                        .parent_tid = a[2], .child_tid = a[3], .tls = a[4],
                                        .pidfd = a[2] };
    if (args.flags & RF_CLONE_PIDFD && args.flags & RF_CLONE_PARENT_SETTID)
        return -RF_EINVAL; /* one place for two numbers */
    return rf_task_clone(k, &args);
}

static int64_t sys_clone3(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_clone_args args = { 0 };
    if (a[1] < 64)
        return -RF_EINVAL;
    if (a[1] > RF_PAGE_SIZE)
        return -RF_E2BIG;
    size_t known = a[1] < sizeof args ? a[1] : sizeof args;
    if (rf_copy_from_user(k, &args, a[0], known))
        return -RF_EFAULT;
    for (uint64_t at = known; at < a[1]; at++) { /* a newer struct must not ask for more */
        uint8_t byte;
        if (RF_GET_USER(k, byte, a[0] + at))
            return -RF_EFAULT;
        if (byte)
            return -RF_E2BIG;
    }
    if (args.flags & 0xff || args.exit_signal > RF_NSIG || !args.stack != !args.stack_size ||
        args.set_tid_size || args.set_tid)
        return -RF_EINVAL;
    return rf_task_clone(k, &args);
}

/* --- exec --- */

#define MAX_VECTOR 65536u

static void free_vector(char **vector)
{
    for (size_t i = 0; vector && vector[i]; i++)
        free(vector[i]);
    free(vector);
}

static int64_t copy_string(struct rf_kernel *k, uint64_t user, char **out)
{
    char *buffer = malloc(RF_MAX_ARG_STRLEN);
    if (!buffer)
        return -RF_ENOMEM;
    int64_t length = rf_strncpy_from_user(k, buffer, user, RF_MAX_ARG_STRLEN);
    if (length < 0) {
        free(buffer);
        return length == -RF_ENAMETOOLONG ? -RF_E2BIG : length;
    }
    char *fitting = realloc(buffer, (size_t)length + 1);
    *out = fitting ? fitting : buffer;
    return 0;
}

/* A NULL-terminated vector of strings; a NULL pointer counts as an empty one. */
static int64_t copy_vector(struct rf_kernel *k, uint64_t user, char ***out)
{
    size_t room = 16, count = 0;
    uint64_t total = 0;
    char **vector = calloc(room, sizeof *vector);
    int64_t error = vector ? 0 : -RF_ENOMEM;
    while (!error && user) {
        uint64_t pointer;
        if (RF_GET_USER(k, pointer, user + 8 * count)) {
            error = -RF_EFAULT;
            break;
        }
        if (!pointer)
            break;
        if (count + 2 > room) {
            char **larger = realloc(vector, 2 * room * sizeof *vector);
            if (!larger) {
                error = -RF_ENOMEM;
                break;
            }
            memset(larger + room, 0, room * sizeof *vector);
            vector = larger;
            room *= 2;
        }
        error = copy_string(k, pointer, &vector[count]);
        if (!error)
            total += strlen(vector[count++]) + 9;
        if (!error && (count > MAX_VECTOR || total > UINT64_C(6) << 20))
            error = -RF_E2BIG;
    }
    if (error)
        free_vector(vector);
    else
        *out = vector;
    return error;
}

/* 0, or why a path cannot be opened. */
static int64_t open_error(struct rf_kernel *k, int dirfd, const char *path, int flags)
{
    struct rf_file *file;
    if (!*path && flags & RF_AT_EMPTY_PATH)
        return 0;
    int64_t error = rf_vfs_open(k, dirfd, path, RF_O_RDONLY | RF_O_NONBLOCK | RF_O_CLOEXEC, 0, &file);
    if (error < 0)
        return error;
    rf_file_put(k, file);
    return 0;
}

static int64_t exec_common(struct rf_kernel *k, int dirfd, uint64_t path_user, uint64_t argv_user,
                           uint64_t envp_user, int flags)
{
    char path[RF_PATH_MAX], **argv = NULL, **envp = NULL;
    int64_t result = rf_strncpy_from_user(k, path, path_user, sizeof path);
    if (result < 0)
        return result;
    result = copy_vector(k, argv_user, &argv);
    if (!result)
        result = copy_vector(k, envp_user, &envp);
    if (result) { /* a path that cannot be opened is reported before a bad vector */
        int64_t error = open_error(k, dirfd, path, flags);
        free_vector(argv);
        return error ? error : result;
    }
    result = rf_task_exec(k, dirfd, path, flags, argv, envp);
    free_vector(argv);
    free_vector(envp);
    return result;
}

static int64_t sys_execve(struct rf_kernel *k, const uint64_t a[6])
{
    return exec_common(k, RF_AT_FDCWD, a[0], a[1], a[2], 0);
}

static int64_t sys_execveat(struct rf_kernel *k, const uint64_t a[6])
{
    return exec_common(k, (int)a[0], a[1], a[2], a[3], (int)a[4]);
}

/* --- death --- */

static int64_t sys_exit(struct rf_kernel *k, const uint64_t a[6])
{
    rf_task_exit(k, (int)(a[0] & 0xff) << 8, false);
    return 0;
}

static int64_t sys_exit_group(struct rf_kernel *k, const uint64_t a[6])
{
    rf_task_exit(k, (int)(a[0] & 0xff) << 8, true);
    return 0;
}

/* --- waiting --- */

enum wait_kind { WAIT_NONE, WAIT_EXITED, WAIT_STOPPED, WAIT_CONTINUED };

static bool selected(const struct rf_process *child, int32_t pid, const struct rf_process *self)
{
    if (pid == -1)
        return true;
    if (pid > 0)
        return child->pid == pid;
    return child->pgid == (pid == 0 ? self->pgid : -pid);
}

static enum wait_kind state_change(const struct rf_process *child, uint32_t options)
{
    if (child->zombie)
        return options & RF_WEXITED ? WAIT_EXITED : WAIT_NONE;
    if (options & RF_WUNTRACED && child->stopped && !child->stop_reported)
        return WAIT_STOPPED;
    if (options & RF_WCONTINUED && child->continued)
        return WAIT_CONTINUED;
    return WAIT_NONE;
}

/* The first child that matches and has changed; *any: one matches at all. */
static struct rf_process *find_child(struct rf_kernel *k, int32_t pid, uint32_t options, bool *any,
                                     enum wait_kind *kind)
{
    struct rf_process *self = k->current->process;
    *any = false;
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        struct rf_process *child = task->process;
        if (task != child->leader || child->parent != self || !selected(child, pid, self))
            continue;
        *any = true;
        *kind = state_change(child, options);
        if (*kind != WAIT_NONE)
            return child;
    }
    return NULL;
}

static void cycles_to_timeval(uint64_t cycles, struct rf_timeval *out)
{
    uint64_t us = cycles / (RF_CYCLES_PER_NS * 1000);
    out->tv_sec = (int64_t)(us / 1000000);
    out->tv_usec = (int64_t)(us % 1000000);
}

static void fill_rusage(const struct rf_process *process, struct rf_rusage *out)
{
    memset(out, 0, sizeof *out);
    cycles_to_timeval(process->user_cycles, &out->ru_utime);
    cycles_to_timeval(process->kernel_cycles, &out->ru_stime);
}

static int status_word(const struct rf_process *child, enum wait_kind kind)
{
    return kind == WAIT_CONTINUED ? 0xffff : child->wait_status;
}

/* Take note that the change was reported; a dead child disappears. */
static void consume(struct rf_kernel *k, struct rf_process *child, enum wait_kind kind)
{
    struct rf_process *self = k->current->process;
    switch (kind) {
    case WAIT_EXITED:
        self->child_user_cycles += child->user_cycles + child->child_user_cycles;
        self->child_kernel_cycles += child->kernel_cycles + child->child_kernel_cycles;
        rf_task_free(k, child->leader);
        break;
    case WAIT_STOPPED: child->stop_reported = true; break;
    case WAIT_CONTINUED: child->continued = false; break;
    default: break;
    }
}

static int64_t sys_wait4(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t options = (uint32_t)a[2];
    bool any;
    enum wait_kind kind;
    if (options & ~(RF_WNOHANG | RF_WUNTRACED | RF_WCONTINUED | 0xe0000000u))
        return -RF_EINVAL;
    if ((int32_t)a[0] == INT32_MIN)
        return -RF_ESRCH;
    struct rf_process *child = find_child(k, rf_pid_given(k, (int32_t)a[0]), options | RF_WEXITED, &any, &kind);
    if (!child) {
        if (!any)
            return -RF_ECHILD;
        if (options & RF_WNOHANG)
            return 0;
        return rf_sleep_on(k, &k->current->process->child_exit);
    }
    int32_t status = status_word(child, kind), pid = rf_pid_shown(k, child->pid);
    struct rf_rusage usage;
    fill_rusage(child, &usage);
    consume(k, child, kind);
    if (a[1] && RF_PUT_USER(k, a[1], status))
        return -RF_EFAULT;
    if (a[3] && RF_PUT_USER(k, a[3], usage))
        return -RF_EFAULT;
    return pid;
}

static void fill_wait_info(const struct rf_kernel *k, const struct rf_process *child, enum wait_kind kind, struct rf_siginfo *info)
{
    int status = child->wait_status;
    info->si_signo = RF_SIGCHLD;
    info->chld.pid = rf_pid_shown(k, child->pid);
    info->chld.uid = rf_uid_shown(k, child->leader->credentials.uid);
    if (kind == WAIT_STOPPED) {
        info->si_code = RF_SI_CLD_STOPPED;
        info->chld.status = status >> 8;
    } else if (kind == WAIT_CONTINUED) {
        info->si_code = RF_SI_CLD_CONTINUED;
        info->chld.status = RF_SIGCONT;
    } else if (status & 0x7f) {
        info->si_code = RF_SI_CLD_KILLED;
        info->chld.status = status & 0x7f;
    } else {
        info->si_code = RF_SI_CLD_EXITED;
        info->chld.status = status >> 8 & 0xff;
    }
}

static int64_t sys_waitid(struct rf_kernel *k, const uint64_t a[6])
{
    int which = (int)a[0];
    bool nonblocking = false; /* PIDFD_NONBLOCK */
    uint32_t options = (uint32_t)a[3];
    bool any;
    enum wait_kind kind = WAIT_NONE;
    struct rf_siginfo info = { 0 };
    if (options & ~(RF_WNOHANG | RF_WNOWAIT | RF_WEXITED | RF_WSTOPPED | RF_WCONTINUED | 0xe0000000u) ||
        !(options & (RF_WEXITED | RF_WSTOPPED | RF_WCONTINUED)) || which < RF_P_ALL || which > RF_P_PIDFD)
        return -RF_EINVAL;
    int32_t id = (int32_t)a[1];
    if ((which == RF_P_PID && id <= 0) || (which != RF_P_ALL && id < 0))
        return -RF_EINVAL;
    int32_t pid = which == RF_P_ALL ? -1 : rf_pid_given(k, which == RF_P_PID ? id : id ? -id : 0);
    if (which == RF_P_PIDFD) {
        const struct rf_file *file = rf_fd_file(k, id);
        pid = file ? rf_pidfd_pid(file) : 0;
        if (!pid)
            return -RF_EBADF;
        nonblocking = file->flags & RF_O_NONBLOCK && !(options & RF_WNOHANG);
    }
    struct rf_process *child = find_child(k, pid, options, &any, &kind);
    if (!child && !any)
        return -RF_ECHILD;
    if (!child && nonblocking)
        return -RF_EAGAIN;
    if (!child && !(options & RF_WNOHANG))
        return rf_sleep_on(k, &k->current->process->child_exit);
    struct rf_rusage usage = { 0 };
    if (child) {
        fill_wait_info(k, child, kind, &info);
        fill_rusage(child, &usage);
        if (!(options & RF_WNOWAIT))
            consume(k, child, kind);
    }
    if (child && a[4] && RF_PUT_USER(k, a[4], usage))
        return -RF_EFAULT;
    return a[2] && RF_PUT_USER(k, a[2], info) ? -RF_EFAULT : 0;
}

/* --- usage --- */

static int64_t sys_getrusage(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_rusage usage = { 0 };
    rf_account_times(k);
    switch ((int32_t)a[0]) {
    case RF_RUSAGE_SELF:
    case RF_RUSAGE_THREAD:
        fill_rusage(k->current->process, &usage);
        if ((int32_t)a[0] == RF_RUSAGE_THREAD) {
            cycles_to_timeval(k->current->user_cycles, &usage.ru_utime);
            cycles_to_timeval(k->current->kernel_cycles, &usage.ru_stime);
        }
        usage.ru_maxrss = (int64_t)(k->current->mm->resident_pages * 4);
        break;
    case RF_RUSAGE_CHILDREN:
        cycles_to_timeval(k->current->process->child_user_cycles, &usage.ru_utime);
        cycles_to_timeval(k->current->process->child_kernel_cycles, &usage.ru_stime);
        break;
    default:
        return -RF_EINVAL;
    }
    return RF_PUT_USER(k, a[1], usage) ? -RF_EFAULT : 0;
}

static int64_t sys_times(struct rf_kernel *k, const uint64_t a[6])
{
    rf_account_times(k);
    const struct rf_process *p = k->current->process;
    uint64_t tick = RF_CYCLES_PER_NS * UINT64_C(10000000); /* USER_HZ = 100 */
    struct rf_tms tms = { .tms_utime = (int64_t)(p->user_cycles / tick),
                          .tms_stime = (int64_t)(p->kernel_cycles / tick),
                          .tms_cutime = (int64_t)(p->child_user_cycles / tick),
                          .tms_cstime = (int64_t)(p->child_kernel_cycles / tick) };
    if (a[0] && RF_PUT_USER(k, a[0], tms))
        return -RF_EFAULT;
    return (int64_t)(rf_clock_monotonic(k) / 10000000);
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_fork, sys_fork },     { RF_NR_vfork, sys_vfork },       { RF_NR_clone, sys_clone },
    { RF_NR_clone3, sys_clone3 }, { RF_NR_execve, sys_execve },     { RF_NR_execveat, sys_execveat },
    { RF_NR_exit, sys_exit },     { RF_NR_exit_group, sys_exit_group }, { RF_NR_wait4, sys_wait4 },
    { RF_NR_waitid, sys_waitid }, { RF_NR_getrusage, sys_getrusage }, { RF_NR_times, sys_times },
};
const struct rf_handler_table rf_handlers_process = RF_HANDLER_TABLE(entries);

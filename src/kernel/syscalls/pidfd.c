/* pidfd_open, pidfd_send_signal, pidfd_getfd. */
#include "kernel/fs/fs.h"
#include "kernel/signal/signal.h"
#include "kernel/syscalls/signal.h"
#include "kernel/task/task.h"

static int64_t sys_pidfd_open(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t pid = (int32_t)a[0];
    if ((uint32_t)a[1] & ~(uint32_t)RF_O_NONBLOCK || pid <= 0) /* PIDFD_THREAD, of Linux 6.9, is not offered */
        return -RF_EINVAL;
    const struct rf_task *task = rf_task_find(k, rf_pid_given(k, pid));
    if (!task)
        return -RF_ESRCH;
    if (task->process->pid != task->tid)
        return -RF_ENOENT; /* a thread that leads no process: EINVAL before Linux 6.15 */
    return rf_pidfd_install(k, task->tid, (uint32_t)a[1]);
}

/* The process number of a pidfd, or -RF_EBADF. */
static int32_t pid_of(struct rf_kernel *k, uint64_t fd)
{
    const struct rf_file *file = rf_fd_file(k, (int)fd);
    int32_t pid = file ? rf_pidfd_pid(file) : 0;
    return pid ? pid : -RF_EBADF;
}

static int64_t sys_pidfd_send_signal(struct rf_kernel *k, const uint64_t a[6])
{
    int signo = (int)a[1];
    struct rf_siginfo info;
    if ((uint32_t)a[3])
        return -RF_EINVAL;
    int32_t pid = pid_of(k, a[0]);
    if (pid < 0)
        return pid;
    if (!a[2]) {
        info = rf_signal_user_info(k, rf_task_find(k, pid), signo, RF_SI_USER);
        return rf_signal_send_pid(k, pid, &info);
    }
    if (RF_GET_USER(k, info, a[2]))
        return -RF_EFAULT;
    if (info.si_signo != signo)
        return -RF_EINVAL;
    if (pid != k->current->process->pid && (info.si_code >= 0 || info.si_code == RF_SI_TKILL))
        return -RF_EPERM;
    return rf_signal_send_pid(k, pid, &info);
}

static int64_t sys_pidfd_getfd(struct rf_kernel *k, const uint64_t a[6])
{
    if ((uint32_t)a[2])
        return -RF_EINVAL;
    int32_t pid = pid_of(k, a[0]);
    if (pid < 0)
        return pid;
    const struct rf_process *process = rf_process_find(k, pid);
    if (!process)
        return -RF_ESRCH;
    const struct rf_task *task = process->leader;
    if (!rf_may_access_task(k, task, true))
        return -RF_EPERM;
    if (!task->files)
        return -RF_ESRCH; /* it has ended */
    uint32_t fd = (uint32_t)a[1];
    struct rf_file *file = fd < task->files->capacity ? task->files->fds[fd].file : NULL;
    if (!file)
        return -RF_EBADF;
    rf_file_get(file);
    int64_t result = rf_fd_install(k, file, 0, true);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_pidfd_open, sys_pidfd_open },
    { RF_NR_pidfd_send_signal, sys_pidfd_send_signal },
    { RF_NR_pidfd_getfd, sys_pidfd_getfd },
};
const struct rf_handler_table rf_handlers_pidfd = RF_HANDLER_TABLE(entries);

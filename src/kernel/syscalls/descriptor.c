/* System calls about descriptors: duplicating, flags, pipes, ioctl, fcntl, eventfd. */
#include "kernel/fs/fs.h"
#include "kernel/net/socket.h"
#include "kernel/task/task.h"
#include "kernel/vfs/async.h"
#include "kernel/vfs/lock.h"

#include <string.h>

/* --- dup --- */

static int64_t dup_from(struct rf_kernel *k, int fd, int min, bool close_on_exec)
{
    struct rf_file *file = rf_fd_file_or_path(k, fd);
    if (!file)
        return -RF_EBADF;
    rf_file_get(file);
    int64_t result = rf_fd_install(k, file, min, close_on_exec);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

static int64_t sys_dup(struct rf_kernel *k, const uint64_t a[6])
{
    return dup_from(k, (int)a[0], 0, false);
}

static int64_t dup_to(struct rf_kernel *k, int fd, int to, bool close_on_exec)
{
    struct rf_file *file = rf_fd_file_or_path(k, fd);
    if (!file || to < 0)
        return -RF_EBADF;
    rf_file_get(file);
    int64_t result = rf_fd_replace(k, file, to, close_on_exec);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

static int64_t sys_dup2(struct rf_kernel *k, const uint64_t a[6])
{
    int fd = (int)a[0], to = (int)a[1];
    if (fd == to)
        return rf_fd_file_or_path(k, fd) ? fd : -RF_EBADF;
    return dup_to(k, fd, to, false);
}

static int64_t sys_dup3(struct rf_kernel *k, const uint64_t a[6])
{
    int fd = (int)a[0], to = (int)a[1];
    uint32_t flags = (uint32_t)a[2];
    if ((flags & ~(uint32_t)RF_O_CLOEXEC) || fd == to)
        return -RF_EINVAL;
    return dup_to(k, fd, to, flags & RF_O_CLOEXEC);
}

/* --- pipes and eventfd --- */

static int64_t install_pair(struct rf_kernel *k, struct rf_file *ends[2], bool close_on_exec,
                            int32_t fds[2])
{
    for (int i = 0; i < 2; i++) {
        int64_t fd = rf_fd_install(k, ends[i], 0, close_on_exec);
        if (fd < 0) {
            if (i == 1)
                rf_fd_close(k, fds[0]);
            else
                rf_file_put(k, ends[0]);
            rf_file_put(k, ends[1]);
            return fd;
        }
        fds[i] = (int32_t)fd;
    }
    return 0;
}

static int64_t make_pipe(struct rf_kernel *k, uint64_t user, uint32_t flags)
{
    struct rf_file *ends[2];
    int32_t fds[2];
    if (flags & ~(uint32_t)(RF_O_CLOEXEC | RF_O_NONBLOCK | RF_O_DIRECT))
        return -RF_EINVAL;
    int64_t result = rf_pipe_create(k, flags, ends);
    if (result)
        return result;
    result = install_pair(k, ends, flags & RF_O_CLOEXEC, fds);
    if (result)
        return result;
    if (rf_copy_to_user(k, user, fds, sizeof fds)) {
        rf_fd_close(k, fds[0]);
        rf_fd_close(k, fds[1]);
        return -RF_EFAULT;
    }
    return 0;
}

static int64_t sys_pipe(struct rf_kernel *k, const uint64_t a[6])
{
    return make_pipe(k, a[0], 0);
}

static int64_t sys_pipe2(struct rf_kernel *k, const uint64_t a[6])
{
    return make_pipe(k, a[0], (uint32_t)a[1]);
}

static int64_t make_eventfd(struct rf_kernel *k, uint32_t count, uint32_t flags)
{
    if (flags & ~(uint32_t)(RF_EFD_SEMAPHORE | RF_EFD_NONBLOCK | RF_EFD_CLOEXEC))
        return -RF_EINVAL;
    struct rf_file *file;
    int64_t result = rf_eventfd_create(k, count, flags, &file);
    if (result)
        return result;
    result = rf_fd_install(k, file, 0, flags & RF_EFD_CLOEXEC);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

static int64_t sys_eventfd(struct rf_kernel *k, const uint64_t a[6])
{
    return make_eventfd(k, (uint32_t)a[0], 0);
}

static int64_t sys_eventfd2(struct rf_kernel *k, const uint64_t a[6])
{
    return make_eventfd(k, (uint32_t)a[0], (uint32_t)a[1]);
}

/* --- memfd_create --- */

static int64_t sys_memfd_create(struct rf_kernel *k, const uint64_t a[6])
{
    enum { MOST = RF_NAME_MAX - 6 }; /* with "memfd:" before it */
    uint32_t flags = (uint32_t)a[1];
    uint32_t known = RF_MFD_CLOEXEC | RF_MFD_ALLOW_SEALING | RF_MFD_NOEXEC_SEAL | RF_MFD_EXEC;
    char name[MOST + 1];
    struct rf_file *file;
    if (flags & RF_MFD_HUGETLB)
        return -RF_ENODEV; /* no huge pages of any size (fs/hugetlbfs/inode.c) */
    if (flags & ~known || (flags & RF_MFD_NOEXEC_SEAL && flags & RF_MFD_EXEC))
        return -RF_EINVAL;
    int64_t result = rf_strncpy_from_user(k, name, a[0], sizeof name);
    if (result < 0)
        return result == -RF_ENAMETOOLONG ? -RF_EINVAL : result;
    result = rf_memfd_create(k, name, flags, &file);
    if (result)
        return result;
    result = rf_fd_install(k, file, 0, flags & RF_MFD_CLOEXEC);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

/* --- fcntl --- */

#define SETTABLE_FLAGS (RF_O_APPEND | RF_O_NONBLOCK | RF_O_DIRECT | RF_O_NOATIME)

static int64_t set_flags(struct rf_kernel *k, struct rf_file *file, int fd, uint32_t flags)
{
    if ((flags & ~file->flags & RF_O_NOATIME) && !rf_owner_or_capable(k, file->inode))
        return -RF_EPERM;
    int64_t result = rf_async_set(k, file, fd, flags & RF_O_ASYNC);
    if (result)
        return result;
    file->flags = (file->flags & ~(uint32_t)SETTABLE_FLAGS) | (flags & SETTABLE_FLAGS);
    return 0;
}

/* open(2) of a 64-bit program adds O_LARGEFILE; pipes and their like are made without. */
static bool was_opened(const struct rf_file *file)
{
    return !(file->mode & RF_FMODE_PATH) && (file->dentry || file->ops == &rf_stdio_ops);
}

#define OTHER_COMMAND INT64_MAX

/* Commands that also a name alone (O_PATH) knows. */
static int64_t fcntl_of_descriptor(struct rf_kernel *k, struct rf_file *file, int fd, int command,
                                   uint64_t argument)
{
    struct rf_fd *slot = &k->current->files->fds[fd];
    switch (command) {
    case RF_F_DUPFD:
    case RF_F_DUPFD_CLOEXEC:
        if (argument >= k->current->process->rlimit[RF_RLIMIT_NOFILE].rlim_cur ||
            argument > INT32_MAX)
            return -RF_EINVAL;
        return dup_from(k, fd, (int)argument, command == RF_F_DUPFD_CLOEXEC);
    case RF_F_GETFD: return slot->close_on_exec ? RF_FD_CLOEXEC : 0;
    case RF_F_SETFD: slot->close_on_exec = argument & RF_FD_CLOEXEC; return 0;
    case RF_F_GETFL: return file->flags | (was_opened(file) ? RF_O_LARGEFILE : 0);
    default: return OTHER_COMMAND;
    }
}

static int64_t fcntl_of_file(struct rf_kernel *k, struct rf_file *file, int fd, int command,
                             uint64_t argument)
{
    switch (command) {
    case RF_F_SETFL: return set_flags(k, file, fd, (uint32_t)argument);
    case RF_F_GETLK:
    case RF_F_SETLK:
    case RF_F_SETLKW:
    case RF_F_OFD_GETLK:
    case RF_F_OFD_SETLK:
    case RF_F_OFD_SETLKW: return rf_lock_fcntl(k, file, command, argument);
    case RF_F_GETPIPE_SZ: return rf_file_is_pipe(file) ? rf_pipe_size(file) : -RF_EBADF;
    case RF_F_SETPIPE_SZ:
        return rf_file_is_pipe(file) ? rf_pipe_set_size(k, file, (uint32_t)argument) : -RF_EBADF;
    case RF_F_ADD_SEALS: return rf_seals_add(k, file, (uint32_t)argument);
    case RF_F_GET_SEALS: return rf_seals_get(file);
    default: break;
    }
    int64_t result = rf_async_fcntl(k, file, command, argument);
    return result == INT64_MAX ? -RF_EINVAL : result;
}

static int64_t sys_fcntl(struct rf_kernel *k, const uint64_t a[6])
{
    int fd = (int)a[0], command = (int)a[1];
    struct rf_file *file = rf_fd_file_or_path(k, fd);
    if (!file)
        return -RF_EBADF;
    int64_t result = fcntl_of_descriptor(k, file, fd, command, a[2]);
    if (result != OTHER_COMMAND)
        return result;
    return file->mode & RF_FMODE_PATH ? -RF_EBADF : fcntl_of_file(k, file, (int)a[0], command, a[2]);
}

/* --- ioctl --- */

static int64_t regular_ioctl(struct rf_kernel *k, struct rf_file *file, uint32_t command,
                             uint64_t argument)
{
    if (command == RF_FIONREAD && RF_S_ISREG(file->inode->mode)) {
        int32_t left = (int32_t)(rf_file_size(k, file) - file->pos);
        return RF_PUT_USER(k, argument, left);
    }
    if (command == RF_FIGETBSZ && (RF_S_ISREG(file->inode->mode) || RF_S_ISDIR(file->inode->mode))) {
        int32_t size = RF_PAGE_SIZE;
        return RF_PUT_USER(k, argument, size);
    }
    return -RF_ENOTTY;
}

static int64_t set_nonblocking(struct rf_kernel *k, struct rf_file *file, uint64_t user)
{
    int32_t on;
    if (RF_GET_USER(k, on, user))
        return -RF_EFAULT;
    file->flags = on ? file->flags | RF_O_NONBLOCK : file->flags & ~(uint32_t)RF_O_NONBLOCK;
    return 0;
}

/* Files whose readiness is signalled; the others have no fasync operation. */
static int64_t set_async(struct rf_kernel *k, struct rf_file *file, int fd, uint64_t user)
{
    int32_t on;
    if (RF_GET_USER(k, on, user))
        return -RF_EFAULT;
    bool is_on = file->flags & RF_O_ASYNC;
    if ((on != 0) != is_on && !rf_socket_of(file) && !rf_file_is_pipe(file))
        return -RF_ENOTTY;
    return rf_async_set(k, file, fd, on);
}

static int64_t sys_ioctl(struct rf_kernel *k, const uint64_t a[6])
{
    int fd = (int)a[0];
    uint32_t command = (uint32_t)a[1];
    struct rf_file *file = rf_fd_file(k, fd);
    if (!file)
        return -RF_EBADF;
    switch (command) {
    case RF_FIOCLEX: k->current->files->fds[fd].close_on_exec = true; return 0;
    case RF_FIONCLEX: k->current->files->fds[fd].close_on_exec = false; return 0;
    case RF_FIONBIO: return set_nonblocking(k, file, a[2]);
    case RF_FIOASYNC: return set_async(k, file, (int)a[0], a[2]);
    default: break;
    }
    return file->ops->ioctl ? file->ops->ioctl(k, file, command, a[2])
                            : regular_ioctl(k, file, command, a[2]);
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_dup, sys_dup },
    { RF_NR_dup2, sys_dup2 },
    { RF_NR_dup3, sys_dup3 },
    { RF_NR_pipe, sys_pipe },
    { RF_NR_pipe2, sys_pipe2 },
    { RF_NR_eventfd, sys_eventfd },
    { RF_NR_eventfd2, sys_eventfd2 },
    { RF_NR_memfd_create, sys_memfd_create },
    { RF_NR_fcntl, sys_fcntl },
    { RF_NR_ioctl, sys_ioctl },
};
const struct rf_handler_table rf_handlers_descriptor = RF_HANDLER_TABLE(entries);

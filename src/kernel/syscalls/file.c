/* System calls that open files and move their contents. */
#include "kernel/fs/fs.h"
#include "kernel/task/task.h"
#include "kernel/vfs/lock.h"
#include "kernel/vfs/path.h"

#include <string.h>

/* --- opening and closing --- */

static int64_t open_at(struct rf_kernel *k, int dirfd, uint64_t user_path, uint32_t flags,
                       uint32_t mode, uint32_t walk)
{
    char path[RF_PATH_MAX];
    int64_t result = rf_path_from_user(k, path, user_path, false);
    if (result)
        return result;
    struct rf_file *file;
    result = rf_vfs_open_walk(k, dirfd, path, flags, mode, walk, &file);
    if (result != RF_BLOCKED)
        rf_fifo_give_up(k);
    if (result)
        return result;
    result = rf_fd_install(k, file, 0, flags & RF_O_CLOEXEC);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

static int64_t sys_open(struct rf_kernel *k, const uint64_t a[6])
{
    return open_at(k, RF_AT_FDCWD, a[0], (uint32_t)a[1], (uint32_t)a[2], 0);
}

static int64_t sys_openat(struct rf_kernel *k, const uint64_t a[6])
{
    return open_at(k, (int)a[0], a[1], (uint32_t)a[2], (uint32_t)a[3], 0);
}

static int64_t sys_creat(struct rf_kernel *k, const uint64_t a[6])
{
    return open_at(k, RF_AT_FDCWD, a[0], RF_O_CREAT | RF_O_WRONLY | RF_O_TRUNC, (uint32_t)a[1], 0);
}

/* The bytes after what we know must be zero: -RF_E2BIG. */
static int64_t copy_open_how(struct rf_kernel *k, struct rf_open_how *how, uint64_t user,
                             uint64_t size)
{
    if (size < sizeof *how)
        return -RF_EINVAL;
    if (size > RF_PAGE_SIZE)
        return -RF_E2BIG;
    for (uint64_t at = sizeof *how; at < size; at++) {
        uint8_t byte;
        if (RF_GET_USER(k, byte, user + at))
            return -RF_EFAULT;
        if (byte)
            return -RF_E2BIG;
    }
    return RF_GET_USER(k, *how, user);
}

static int64_t check_open_how(const struct rf_open_how *how)
{
    const uint64_t known = RF_O_ACCMODE | RF_O_CREAT | RF_O_EXCL | RF_O_NOCTTY | RF_O_TRUNC |
                           RF_O_APPEND | RF_O_NONBLOCK | RF_O_SYNC | RF_O_ASYNC | RF_O_DIRECT |
                           RF_O_LARGEFILE | RF_O_DIRECTORY | RF_O_NOFOLLOW | RF_O_NOATIME |
                           RF_O_CLOEXEC | RF_O_PATH | RF_O_TMPFILE;
    const uint64_t with_path =
        RF_O_PATH | RF_O_DIRECTORY | RF_O_NOFOLLOW | RF_O_CLOEXEC;
    bool makes = how->flags & (RF_O_CREAT | (RF_O_TMPFILE & ~RF_O_DIRECTORY));
    if ((how->flags & ~known) || (how->resolve & ~UINT64_C(0x3f)))
        return -RF_EINVAL;
    if ((how->flags & RF_O_PATH) && (how->flags & ~with_path))
        return -RF_EINVAL;
    if (makes ? how->mode & ~(uint64_t)RF_S_IALLUGO : how->mode)
        return -RF_EINVAL;
    if ((how->resolve & RF_RESOLVE_BENEATH) && (how->resolve & RF_RESOLVE_IN_ROOT))
        return -RF_EINVAL;
    return how->resolve & RF_RESOLVE_CACHED ? -RF_EAGAIN : 0;
}

static int64_t sys_openat2(struct rf_kernel *k, const uint64_t a[6])
{
    static const struct { uint32_t resolve, walk; } bits[] = {
        { RF_RESOLVE_NO_XDEV, RF_WALK_NO_XDEV },
        { RF_RESOLVE_NO_MAGICLINKS, RF_WALK_NO_MAGICLINKS },
        { RF_RESOLVE_NO_SYMLINKS, RF_WALK_NO_SYMLINKS | RF_WALK_NO_MAGICLINKS },
        { RF_RESOLVE_BENEATH, RF_WALK_BENEATH | RF_WALK_NO_MAGICLINKS },
        { RF_RESOLVE_IN_ROOT, RF_WALK_IN_ROOT | RF_WALK_NO_MAGICLINKS },
    };
    struct rf_open_how how;
    int64_t result = copy_open_how(k, &how, a[2], a[3]);
    if (result == 0)
        result = check_open_how(&how);
    if (result)
        return result;
    uint32_t walk = 0;
    for (size_t i = 0; i < RF_ARRAY_SIZE(bits); i++)
        if (how.resolve & bits[i].resolve)
            walk |= bits[i].walk;
    return open_at(k, (int)a[0], a[1], (uint32_t)how.flags, (uint32_t)how.mode, walk);
}

static int64_t sys_close(struct rf_kernel *k, const uint64_t a[6])
{
    return rf_fd_close(k, (int)a[0]);
}

static int64_t sys_close_range(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t first = (uint32_t)a[0], last = (uint32_t)a[1], flags = (uint32_t)a[2];
    if ((flags & ~(uint32_t)(RF_CLOSE_RANGE_UNSHARE | RF_CLOSE_RANGE_CLOEXEC)) || first > last)
        return -RF_EINVAL;
    struct rf_task *task = k->current;
    if ((flags & RF_CLOSE_RANGE_UNSHARE) && task->files->references > 1) {
        struct rf_fd_table *copy = rf_fd_table_copy(k, task->files);
        if (!copy)
            return -RF_ENOMEM;
        rf_fd_table_put(k, task->files);
        task->files = copy;
    }
    struct rf_fd_table *table = task->files;
    for (uint32_t fd = first; fd <= last && fd < table->capacity; fd++) {
        if (!table->fds[fd].file)
            continue;
        if (flags & RF_CLOSE_RANGE_CLOEXEC)
            table->fds[fd].close_on_exec = true;
        else
            rf_fd_close(k, (int)fd);
    }
    return 0;
}

/* --- reading and writing --- */

enum direction { READ, WRITE };

static int64_t transfer(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                        uint64_t *pos, enum direction direction)
{
    return direction == READ ? rf_file_read(k, file, uio, pos) : rf_file_write(k, file, uio, pos);
}

static bool mode_allows(const struct rf_file *file, enum direction direction)
{
    return file->mode & (direction == READ ? RF_FMODE_READ : RF_FMODE_WRITE);
}

/* One buffer, at the file's position (pos NULL) or another. */
static int64_t one_buffer(struct rf_kernel *k, struct rf_file *file, uint64_t address,
                          uint64_t size, uint64_t *pos, enum direction direction)
{
    if (!mode_allows(file, direction))
        return -RF_EBADF;
    struct rf_iovec iov;
    struct rf_uio uio;
    int result = rf_uio_user(&uio, k, &iov, address, size);
    if (result)
        return result;
    if ((int64_t)size < 0)
        return -RF_EINVAL;
    return transfer(k, file, &uio, pos, direction);
}

static int64_t at_position(struct rf_kernel *k, const uint64_t a[6], enum direction direction)
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    return file ? one_buffer(k, file, a[1], a[2], NULL, direction) : -RF_EBADF;
}

/* The file of a call that names its offset in a[3]. */
static int64_t seekable_file(struct rf_kernel *k, const uint64_t a[6], struct rf_file **file)
{
    if ((int64_t)a[3] < 0)
        return -RF_EINVAL;
    *file = rf_fd_file(k, (int)a[0]);
    if (!*file)
        return -RF_EBADF;
    return (*file)->mode & RF_FMODE_STREAM ? -RF_ESPIPE : 0;
}

static int64_t at_offset(struct rf_kernel *k, const uint64_t a[6], enum direction direction)
{
    uint64_t pos = a[3];
    struct rf_file *file;
    int64_t error = seekable_file(k, a, &file);
    return error ? error : one_buffer(k, file, a[1], a[2], &pos, direction);
}

static int64_t sys_read(struct rf_kernel *k, const uint64_t a[6])
{
    return at_position(k, a, READ);
}

static int64_t sys_write(struct rf_kernel *k, const uint64_t a[6])
{
    return at_position(k, a, WRITE);
}

static int64_t sys_pread64(struct rf_kernel *k, const uint64_t a[6])
{
    return at_offset(k, a, READ);
}

static int64_t sys_pwrite64(struct rf_kernel *k, const uint64_t a[6])
{
    return at_offset(k, a, WRITE);
}

static int64_t vectors(struct rf_kernel *k, struct rf_file *file, uint64_t user, uint64_t count,
                       uint64_t *pos, enum direction direction)
{
    if (!mode_allows(file, direction))
        return -RF_EBADF;
    struct rf_uio uio;
    int64_t result = rf_uio_import(&uio, k, user, count);
    if (result)
        return result;
    /* nothing to move: no driver is asked, so that nothing can block */
    result = uio.left ? transfer(k, file, &uio, pos, direction) : 0;
    rf_uio_free(&uio);
    return result;
}

static int64_t vectors_at_position(struct rf_kernel *k, const uint64_t a[6],
                                   enum direction direction)
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    return file ? vectors(k, file, a[1], a[2], NULL, direction) : -RF_EBADF;
}

static int64_t vectors_at_offset(struct rf_kernel *k, const uint64_t a[6],
                                 enum direction direction)
{
    uint64_t pos = a[3]; /* the high half, a[4], is shifted out on 64-bit kernels */
    struct rf_file *file;
    int64_t error = seekable_file(k, a, &file);
    return error ? error : vectors(k, file, a[1], a[2], &pos, direction);
}

static int64_t sys_readv(struct rf_kernel *k, const uint64_t a[6])
{
    return vectors_at_position(k, a, READ);
}

static int64_t sys_writev(struct rf_kernel *k, const uint64_t a[6])
{
    return vectors_at_position(k, a, WRITE);
}

static int64_t sys_preadv(struct rf_kernel *k, const uint64_t a[6])
{
    return vectors_at_offset(k, a, READ);
}

static int64_t sys_pwritev(struct rf_kernel *k, const uint64_t a[6])
{
    return vectors_at_offset(k, a, WRITE);
}

/* Flags that change nothing here are taken; RWF_APPEND and RWF_NOAPPEND change the file for the call; offset -1 is the
 * file's own position. */
static int64_t with_flags(struct rf_kernel *k, const uint64_t a[6], enum direction direction)
{
    const uint32_t harmless = RF_RWF_HIPRI | RF_RWF_DSYNC | RF_RWF_SYNC, append = RF_RWF_APPEND | RF_RWF_NOAPPEND;
    uint32_t flags = (uint32_t)a[5];
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    if (file && flags & ~(harmless | append))
        return -RF_EOPNOTSUPP;
    if (file && (flags & append) == append)
        return -RF_EINVAL;
    uint32_t before = file ? file->flags : 0;
    if (file && flags & append)
        file->flags = flags & RF_RWF_APPEND ? before | RF_O_APPEND : before & ~(uint32_t)RF_O_APPEND;
    int64_t result = a[3] == UINT64_MAX ? vectors_at_position(k, a, direction) : vectors_at_offset(k, a, direction);
    if (file && flags & append)
        file->flags = before;
    return result;
}

static int64_t sys_preadv2(struct rf_kernel *k, const uint64_t a[6])
{
    return with_flags(k, a, READ);
}

static int64_t sys_pwritev2(struct rf_kernel *k, const uint64_t a[6])
{
    return with_flags(k, a, WRITE);
}

static int64_t sys_lseek(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    return file ? rf_file_seek(k, file, (int64_t)a[1], (int)a[2]) : -RF_EBADF;
}

/* --- advice, synchronisation, locks --- */

static int64_t sys_fsync(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    return file ? rf_file_sync(k, file) : -RF_EBADF;
}

static int64_t sys_sync(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    for (struct rf_mount *mount = k->vfs->mounts; mount; mount = mount->next)
        if (mount->ops->sync)
            mount->ops->sync(k, mount);
    return 0; /* what is changed on the host is written at once */
}

static int64_t sys_syncfs(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    struct rf_mount *mount = file ? file->inode->mount : NULL;
    return !file ? -RF_EBADF : mount->ops->sync ? mount->ops->sync(k, mount) : 0;
}

static int64_t sys_fadvise64(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    if (!file)
        return -RF_EBADF;
    if (RF_S_ISFIFO(file->inode->mode))
        return -RF_ESPIPE;
    if ((int64_t)a[2] < 0 || (uint32_t)a[3] > RF_POSIX_FADV_NOREUSE)
        return -RF_EINVAL;
    return 0;
}

static int64_t sys_readahead(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    if (!file || !(file->mode & RF_FMODE_READ))
        return -RF_EBADF;
    return RF_S_ISREG(file->inode->mode) ? 0 : -RF_EINVAL;
}

#define LOCK_MAND 32u

static int64_t sys_flock(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    uint32_t operation = (uint32_t)a[1];
    struct rf_lock want = { .kind = RF_LOCK_FLOCK, .owner = file, .end = INT64_MAX };
    if (operation & LOCK_MAND)
        return 0; /* mandatory locks are gone; Linux ignores the request */
    switch (operation & ~(uint32_t)RF_LOCK_NB) {
    case RF_LOCK_SH: want.type = RF_F_RDLCK; break;
    case RF_LOCK_EX: want.type = RF_F_WRLCK; break;
    case RF_LOCK_UN: want.type = RF_F_UNLCK; break;
    default: return -RF_EINVAL;
    }
    if (!file)
        return -RF_EBADF;
    if (want.type != RF_F_UNLCK && !(file->mode & (RF_FMODE_READ | RF_FMODE_WRITE)))
        return -RF_EBADF;
    want.pid = k->current->process->pid;
    return rf_lock_set(k, file->inode, &want, !(operation & RF_LOCK_NB));
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_open, sys_open },
    { RF_NR_openat, sys_openat },
    { RF_NR_openat2, sys_openat2 },
    { RF_NR_creat, sys_creat },
    { RF_NR_close, sys_close },
    { RF_NR_close_range, sys_close_range },
    { RF_NR_read, sys_read },
    { RF_NR_write, sys_write },
    { RF_NR_readv, sys_readv },
    { RF_NR_writev, sys_writev },
    { RF_NR_pread64, sys_pread64 },
    { RF_NR_pwrite64, sys_pwrite64 },
    { RF_NR_preadv, sys_preadv },
    { RF_NR_pwritev, sys_pwritev },
    { RF_NR_preadv2, sys_preadv2 },
    { RF_NR_pwritev2, sys_pwritev2 },
    { RF_NR_lseek, sys_lseek },
    { RF_NR_fsync, sys_fsync },
    { RF_NR_fdatasync, sys_fsync },
    { RF_NR_sync, sys_sync },
    { RF_NR_syncfs, sys_syncfs },
    { RF_NR_fadvise64, sys_fadvise64 },
    { RF_NR_readahead, sys_readahead },
    { RF_NR_flock, sys_flock },
};
const struct rf_handler_table rf_handlers_file = RF_HANDLER_TABLE(entries);

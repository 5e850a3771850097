/* Character devices by number, and the names of /dev. */
#include "kernel/fs/fs.h"
#include "kernel/fs/tty.h"
#include "kernel/task/session.h"
#include "kernel/task/task.h"
#include "kernel/vfs/poll.h"

#include <string.h>

#define DEVICE(major, minor) ((uint64_t)(major) << 8 | (minor))

/* --- null, zero, full, random --- */

static int64_t read_nothing(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                            uint64_t *pos)
{
    (void)k, (void)file, (void)uio, (void)pos;
    return 0;
}

static int64_t swallow(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    (void)k, (void)file, (void)pos;
    uint64_t n = uio->left;
    rf_uio_skip(uio, n);
    return (int64_t)n;
}

static int64_t read_zeros(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                          uint64_t *pos)
{
    (void)k, (void)file, (void)pos;
    uint64_t done = 0;
    while (uio->left) {
        size_t n = uio->left < 65536 ? (size_t)uio->left : 65536;
        size_t moved = rf_uio_zero(uio, n);
        done += moved;
        if (moved < n)
            return done ? (int64_t)done : -RF_EFAULT;
    }
    return (int64_t)done;
}

static int64_t write_full(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                          uint64_t *pos)
{
    (void)k, (void)file, (void)uio, (void)pos;
    return -RF_ENOSPC;
}

int64_t rf_random_read(struct rf_kernel *k, struct rf_uio *uio)
{
    uint8_t bytes[256];
    uint64_t done = 0;
    while (uio->left) {
        size_t n = uio->left < sizeof bytes ? (size_t)uio->left : sizeof bytes;
        rf_kernel_random(k, bytes, n);
        size_t moved = rf_uio_put(uio, bytes, n);
        done += moved;
        if (moved < n)
            return done ? (int64_t)done : -RF_EFAULT;
    }
    return (int64_t)done;
}

static int64_t read_random(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                           uint64_t *pos)
{
    (void)file, (void)pos;
    return rf_random_read(k, uio);
}

/* /dev/null and /dev/zero can be told to go anywhere and stay at 0. */
static int64_t seek_nowhere(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence)
{
    (void)k, (void)offset, (void)whence;
    file->pos = 0;
    return 0;
}

static const struct rf_file_ops null_ops = { .read = read_nothing, .write = swallow, .seek = seek_nowhere };
static const struct rf_file_ops zero_ops = { .read = read_zeros, .write = swallow, .seek = seek_nowhere };
static const struct rf_file_ops full_ops = { .read = read_zeros, .write = write_full, .seek = seek_nowhere };
static const struct rf_file_ops random_ops = { .read = read_random, .write = swallow, .seek = seek_nowhere };

/* --- terminals: the host's, whichever standard descriptor is one, and pseudo terminals --- */

#define TTY_DEVICE DEVICE(5, 0)

/* /dev/tty is the controlling terminal, for those who have one. */
static int64_t open_terminal(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_tty *tty = k->current ? k->current->process->tty : &k->vfs->console;
    struct rf_pty *pty = file->inode->rdev == TTY_DEVICE ? rf_pty_of_tty(tty) : NULL;
    if (file->inode->rdev == TTY_DEVICE && !tty)
        return -RF_ENXIO;
    if (pty) {
        rf_inode_get(pty->node);
        rf_inode_put(k, file->inode);
        file->inode = pty->node;
        return rf_pty_open_slave(k, pty->node, file);
    }
    for (int i = 0; i < 3; i++) {
        struct rf_inode *inode = k->vfs->stdio[i];
        if (!rf_stdio_is_tty(inode))
            continue;
        rf_inode_get(inode);
        rf_inode_put(k, file->inode);
        file->inode = inode;
        return inode->ops->open(k, inode, file);
    }
    return -RF_ENXIO;
}

/* --- the table --- */

static const struct device {
    uint64_t number;
    const char *name;
    const struct rf_file_ops *ops; /* NULL: the terminal */
} devices[] = {
    { DEVICE(1, 3), "null", &null_ops },
    { DEVICE(1, 5), "zero", &zero_ops },
    { DEVICE(1, 7), "full", &full_ops },
    { DEVICE(1, 8), "random", &random_ops },
    { DEVICE(1, 9), "urandom", &random_ops },
    { DEVICE(5, 0), "tty", NULL },
    { DEVICE(5, 1), "console", NULL },
    { RF_PTMX_DEVICE, "ptmx", NULL },
};

int64_t rf_device_open(struct rf_kernel *k, struct rf_file *file)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(devices); i++) {
        if (devices[i].number != file->inode->rdev)
            continue;
        if (devices[i].number == RF_PTMX_DEVICE)
            return rf_ptmx_open(k, file);
        if (!devices[i].ops)
            return open_terminal(k, file);
        file->ops = devices[i].ops;
        return 0;
    }
    return -RF_ENXIO;
}

static bool add_node(struct rf_kernel *k, struct rf_inode *dir, const char *name, uint32_t mode,
                     uint64_t number)
{
    struct rf_inode *inode;
    if (dir->ops->create(k, dir, name, mode, number, &inode))
        return false;
    rf_inode_put(k, inode);
    return true;
}

static bool add_link(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                     const char *target)
{
    struct rf_inode *inode;
    if (dir->ops->symlink(k, dir, name, target, &inode))
        return false;
    rf_inode_put(k, inode);
    return true;
}

bool rf_devfs_populate(struct rf_kernel *k, struct rf_dentry *dev)
{
    struct rf_inode *dir = dev->inode;
    bool ok = true;
    for (size_t i = 0; i < RF_ARRAY_SIZE(devices); i++)
        ok &= add_node(k, dir, devices[i].name, RF_S_IFCHR | 0666, devices[i].number);
    ok &= add_link(k, dir, "fd", "/proc/self/fd");
    ok &= add_link(k, dir, "stdin", "/proc/self/fd/0");
    ok &= add_link(k, dir, "stdout", "/proc/self/fd/1");
    ok &= add_link(k, dir, "stderr", "/proc/self/fd/2");
    ok &= add_node(k, dir, "shm", RF_S_IFDIR | RF_S_ISVTX | 0777, 0);
    return ok;
}

/* Advisory locks of an inode: record locks (fcntl), open-file-description locks, flock. */
#ifndef RF_KERNEL_VFS_LOCK_H
#define RF_KERNEL_VFS_LOCK_H

#include "kernel/vfs/inode.h"

enum rf_lock_kind {
    RF_LOCK_POSIX, /* owner: a descriptor table */
    RF_LOCK_OFD,   /* owner: an open file; conflicts with RF_LOCK_POSIX */
    RF_LOCK_FLOCK, /* owner: an open file; a world of its own */
};

struct rf_lock {
    struct rf_lock *next;
    enum rf_lock_kind kind;
    const void *owner;
    int32_t pid;
    int16_t type;        /* RF_F_RDLCK, RF_F_WRLCK */
    uint64_t start, end; /* inclusive; end INT64_MAX = to the end of the file */
};

/* Set or remove (type RF_F_UNLCK) a range; wait: sleep on conflict. 0, -RF_EAGAIN,
 * -RF_EDEADLK, -RF_ENOLCK, RF_BLOCKED, -RF_ERESTARTSYS. */
int64_t rf_lock_set(struct rf_kernel *k, struct rf_inode *inode, const struct rf_lock *want,
                    bool wait);
/* The first lock that conflicts with want, or NULL. */
const struct rf_lock *rf_lock_conflict(const struct rf_inode *inode, const struct rf_lock *want);
/* Drop every lock of an owner. */
void rf_lock_drop(struct rf_kernel *k, struct rf_inode *inode, const void *owner);

/* fcntl's side: F_GETLK, F_SETLK, F_SETLKW and their F_OFD_ forms. */
int64_t rf_lock_fcntl(struct rf_kernel *k, struct rf_file *file, int command, uint64_t user);

#endif

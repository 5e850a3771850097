/* Inodes: references, permission checks, attributes. Drivers own everything else. */
#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"
#include "kernel/namespace/namespace.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/lock.h"

struct rf_timespec rf_now(struct rf_kernel *k)
{
    uint64_t ns = rf_clock_realtime(k);
    return (struct rf_timespec){ (int64_t)(ns / 1000000000), (int64_t)(ns % 1000000000) };
}

struct rf_inode *rf_inode_alloc(struct rf_kernel *k, struct rf_mount *mount, uint32_t mode)
{
    struct rf_inode *inode = rf_kalloc(k, sizeof *inode);
    if (!inode)
        return NULL;
    inode->references = 1;
    inode->mount = mount;
    mount->inodes++;
    inode->mode = mode;
    inode->nlink = 1;
    inode->ino = ++mount->next_ino;
    inode->atime = inode->mtime = inode->ctime = inode->btime = rf_now(k);
    if (k->current) {
        inode->uid = k->current->credentials.fsuid;
        inode->gid = k->current->credentials.fsgid;
    }
    return inode;
}

void rf_inode_get(struct rf_inode *inode)
{
    inode->references++;
}

void rf_inode_put(struct rf_kernel *k, struct rf_inode *inode)
{
    if (!inode || --inode->references)
        return;
    rf_wake(k, &inode->lock_wait);
    if (inode->pipe)
        rf_pipe_free(k, inode->pipe);
    while (inode->locks) {
        struct rf_lock *lock = inode->locks;
        inode->locks = lock->next;
        rf_kfree(k, lock);
    }
    struct rf_mount *mount = inode->mount;
    if (inode->ops->destroy)
        inode->ops->destroy(k, inode);
    rf_kfree(k, inode);
    rf_mount_inode_gone(k, mount);
}

void rf_inode_modified(struct rf_kernel *k, struct rf_inode *inode)
{
    inode->mtime = inode->ctime = rf_now(k);
}

bool rf_in_group(const struct rf_kernel *k, uint32_t gid)
{
    return rf_credentials_in_group(&k->current->credentials, gid);
}

/* What capabilities add where the mode refuses: generic_permission of fs/namei.c. */
static bool is_overridden(const struct rf_kernel *k, const struct rf_inode *inode, int mask, uint64_t capabilities)
{
    const struct rf_user_namespace *ns = k->current->credentials.user;
    if (rf_uid_from_kernel(ns, inode->uid) == RF_NO_ID || rf_gid_from_kernel(ns, inode->gid) == RF_NO_ID)
        return false;
    bool directory = RF_S_ISDIR(inode->mode);
    bool only_looks = directory ? !(mask & RF_W_OK) : mask == RF_R_OK;
    if (only_looks && capabilities & RF_CAP_BIT(RF_CAP_DAC_READ_SEARCH))
        return true;
    bool executable = directory || !(mask & RF_X_OK) || inode->mode & 0111;
    return executable && capabilities & RF_CAP_BIT(RF_CAP_DAC_OVERRIDE);
}

int64_t rf_inode_access(struct rf_kernel *k, struct rf_inode *inode, int mask, uint32_t uid,
                        uint32_t gid, uint64_t capabilities)
{
    uint32_t mode = inode->mode;
    bool special = !RF_S_ISREG(mode) && !RF_S_ISDIR(mode) && !RF_S_ISLNK(mode);
    if ((mask & RF_W_OK) && inode->mount->read_only && !special)
        return -RF_EROFS;
    uint32_t bits = mode;
    if (uid == inode->uid)
        bits >>= 6;
    else if (gid == inode->gid || rf_in_group(k, inode->gid))
        bits >>= 3;
    if ((bits & 7 & (uint32_t)mask) == (uint32_t)mask)
        return 0;
    return is_overridden(k, inode, mask, capabilities) ? 0 : -RF_EACCES;
}

int64_t rf_inode_permission(struct rf_kernel *k, struct rf_inode *inode, int mask)
{
    if (!k->current)
        return 0; /* the kernel itself, at set-up */
    const struct rf_credentials *c = &k->current->credentials;
    return rf_inode_access(k, inode, mask, c->fsuid, c->fsgid, c->effective);
}

bool rf_inode_is_running(const struct rf_kernel *k, const struct rf_inode *inode)
{
    for (const struct rf_task *t = k->tasks; t; t = t->next_task)
        if (t->mm && t->mm->exe && t->mm->exe->inode == inode)
            return true;
    return false;
}

int64_t rf_inode_getattr(struct rf_kernel *k, struct rf_inode *inode)
{
    return inode->ops->getattr ? inode->ops->getattr(k, inode) : 0;
}

int64_t rf_generic_setattr(struct rf_kernel *k, struct rf_inode *inode,
                           const struct rf_attributes *change)
{
    (void)k;
    if (change->mask & RF_ATTR_MODE)
        inode->mode = (inode->mode & RF_S_IFMT) | (change->mode & RF_S_IALLUGO);
    if (change->mask & RF_ATTR_UID)
        inode->uid = change->uid;
    if (change->mask & RF_ATTR_GID)
        inode->gid = change->gid;
    if (change->mask & RF_ATTR_ATIME)
        inode->atime = change->atime;
    if (change->mask & RF_ATTR_MTIME)
        inode->mtime = change->mtime;
    if (change->mask & RF_ATTR_CTIME)
        inode->ctime = change->ctime;
    return 0;
}

int64_t rf_inode_setattr(struct rf_kernel *k, struct rf_inode *inode, struct rf_attributes *change)
{
    if (inode->mount->read_only)
        return -RF_EROFS;
    if (!inode->ops->setattr)
        return -RF_EPERM;
    change->mask |= RF_ATTR_CTIME;
    change->ctime = rf_now(k);
    return inode->ops->setattr(k, inode, change);
}

int64_t rf_inode_truncate(struct rf_kernel *k, struct rf_inode *inode, uint64_t size)
{
    if (RF_S_ISDIR(inode->mode))
        return -RF_EISDIR;
    if (!RF_S_ISREG(inode->mode))
        return -RF_EINVAL;
    if (k->current && size > inode->size &&
        size > k->current->process->rlimit[RF_RLIMIT_FSIZE].rlim_cur) {
        rf_signal_send_current(k, RF_SIGXFSZ);
        return -RF_EFBIG;
    }
    struct rf_attributes change = { .mask = RF_ATTR_SIZE | RF_ATTR_MTIME, .size = size,
                                    .mtime = rf_now(k) };
    uint64_t old_size = inode->size;
    int64_t result = rf_inode_setattr(k, inode, &change);
    if (result == 0 && size < old_size)
        rf_mm_truncated(k, inode, size);
    if (result == 0)
        rf_inode_drop_privilege(k, inode);
    return result;
}

uint8_t rf_mode_to_dtype(uint32_t mode)
{
    return (uint8_t)((mode & RF_S_IFMT) >> 12);
}

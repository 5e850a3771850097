/* Telling watchers what happens to files (fsnotify): called where the VFS changes or uses them. Costs one comparison
 * while nobody watches anything. */
#ifndef RF_KERNEL_VFS_NOTIFY_H
#define RF_KERNEL_VFS_NOTIFY_H

#include "kernel/vfs/inode.h"

/* An inode's own watchers, or a directory's about the entry `name`. */
void rf_notify_inode(struct rf_kernel *k, struct rf_inode *inode, uint32_t mask, uint32_t cookie, const char *name,
                     bool unlinked);
void rf_notify_unmounted(struct rf_kernel *k, struct rf_mount *mount);
/* The inode has lost its last name and user: its watches end. */
void rf_notify_gone(struct rf_kernel *k, struct rf_inode *inode);
uint32_t rf_notify_cookie(struct rf_kernel *k); /* to pair the two events of a move */

RF_INLINE bool rf_is_watched(const struct rf_kernel *k)
{
    return k->vfs->watches && !k->vfs->ending;
}

/* Something happens to a named object: its directory's watchers hear of it by name, its own without. */
RF_INLINE void rf_notify(struct rf_kernel *k, const struct rf_dentry *dentry, uint32_t mask)
{
    if (!rf_is_watched(k) || !dentry)
        return;
    mask |= RF_S_ISDIR(dentry->inode->mode) ? RF_IN_ISDIR : 0;
    if (dentry->parent)
        rf_notify_inode(k, dentry->parent->inode, mask, 0, dentry->name, dentry->deleted);
    rf_notify_inode(k, dentry->inode, mask, 0, NULL, false);
}

/* Something happens to a directory's entry. */
RF_INLINE void rf_notify_entry(struct rf_kernel *k, const struct rf_dentry *dir, uint32_t mask, const char *name, uint32_t mode)
{
    if (rf_is_watched(k))
        rf_notify_inode(k, dir->inode, mask | (RF_S_ISDIR(mode) ? RF_IN_ISDIR : 0), 0, name, false);
}

#endif

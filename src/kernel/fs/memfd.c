/* memfd_create(2): files of an internal tmpfs that never had a name, and seals, which take away for ever
 * what may be done to a file (fcntl(2), "File Sealing"). Writing, resizing and mapping look at
 * inode->seals where they are done. */
#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

#include <stdio.h>

#define ALL_SEALS                                                                          \
    (RF_F_SEAL_SEAL | RF_F_SEAL_SHRINK | RF_F_SEAL_GROW | RF_F_SEAL_WRITE |                \
     RF_F_SEAL_FUTURE_WRITE | RF_F_SEAL_EXEC)

int64_t rf_memory_open(struct rf_kernel *k, const char *label, struct rf_inode *inode, uint32_t flags,
                       struct rf_file **out)
{
    struct rf_dentry *root = k->vfs->memory->root, *dentry = rf_dentry_new(k, root, label, inode);
    if (!dentry)
        return -RF_ENOMEM;
    rf_dentry_forget(k, root, label);
    int64_t result = rf_dentry_open(k, dentry, flags, true, out);
    rf_dentry_put(k, dentry);
    if (!result && (*out)->mode & RF_FMODE_WRITER) { /* not counted as a writer: it can be run (alloc_file_pseudo) */
        (*out)->mode &= ~(uint32_t)RF_FMODE_WRITER;
        inode->writers--;
    }
    return result;
}

int64_t rf_memory_inode(struct rf_kernel *k, uint32_t mode, uint64_t size, struct rf_inode **out)
{
    struct rf_dentry *root = k->vfs->memory->root;
    if (root->inode->ops->tmpfile(k, root->inode, RF_S_IFREG | mode, out))
        return -RF_ENOMEM;
    (*out)->size = size;
    return 0;
}

int64_t rf_memory_file(struct rf_kernel *k, const char *label, uint64_t size, uint32_t flags, struct rf_file **out)
{
    struct rf_inode *inode;
    int64_t result = rf_memory_inode(k, 0777, size, &inode);
    if (result)
        return result;
    result = rf_memory_open(k, label, inode, flags, out);
    rf_inode_put(k, inode);
    return result;
}

int64_t rf_memfd_create(struct rf_kernel *k, const char *name, uint32_t flags, struct rf_file **out)
{
    struct rf_dentry *root = k->vfs->memory->root;
    struct rf_inode *inode;
    char label[RF_NAME_MAX + 8];
    bool no_exec = flags & RF_MFD_NOEXEC_SEAL;
    uint32_t mode = no_exec ? 0666 : 0777; /* the umask has no say */
    int64_t result = root->inode->ops->tmpfile(k, root->inode, RF_S_IFREG | mode, &inode);
    if (result)
        return result;
    inode->seals = no_exec ? RF_F_SEAL_EXEC : flags & RF_MFD_ALLOW_SEALING ? 0 : RF_F_SEAL_SEAL;
    snprintf(label, sizeof label, "memfd:%s", name);
    result = rf_memory_open(k, label, inode, RF_O_RDWR, out);
    rf_inode_put(k, inode);
    return result;
}

static bool has_seals(const struct rf_inode *inode)
{
    return inode->mount->magic == RF_TMPFS_MAGIC && RF_S_ISREG(inode->mode);
}

/* Somebody has a shared mapping that is or may become writable. */
static bool is_mapped_writable(const struct rf_kernel *k, const struct rf_inode *inode)
{
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        for (const struct rf_vma *vma = task->mm ? task->mm->vmas : NULL; vma; vma = vma->next)
            if (vma->may_write && vma->file->inode == inode)
                return true;
    return false;
}

/* memfd_add_seals of mm/memfd.c */
int64_t rf_seals_add(struct rf_kernel *k, struct rf_file *file, uint32_t seals)
{
    struct rf_inode *inode = file->inode;
    if (!(file->mode & RF_FMODE_WRITE))
        return -RF_EPERM;
    if (seals & ~(uint32_t)ALL_SEALS || !has_seals(inode))
        return -RF_EINVAL;
    if (inode->seals & RF_F_SEAL_SEAL)
        return -RF_EPERM;
    if (seals & ~inode->seals & RF_F_SEAL_WRITE && is_mapped_writable(k, inode))
        return -RF_EBUSY;
    if (seals & RF_F_SEAL_EXEC && inode->mode & 0111) /* what runs must not change either */
        seals |= RF_F_SEAL_SHRINK | RF_F_SEAL_GROW | RF_F_SEAL_WRITE | RF_F_SEAL_FUTURE_WRITE;
    inode->seals |= seals;
    return 0;
}

int64_t rf_seals_get(const struct rf_file *file)
{
    return has_seals(file->inode) ? (int64_t)file->inode->seals : -RF_EINVAL;
}

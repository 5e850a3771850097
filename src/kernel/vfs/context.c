/* Working directory, root directory and umask: shared by threads, copied by fork. */
#include "kernel/task/task.h"
#include "kernel/vfs/path.h"

struct rf_fs_context *rf_fs_context_create(struct rf_kernel *k)
{
    struct rf_fs_context *fs = rf_kalloc(k, sizeof *fs);
    if (!fs)
        return NULL;
    fs->references = 1;
    fs->umask = 022;
    fs->root = fs->cwd = rf_mount_cross(k->vfs->root);
    rf_dentry_get(fs->root);
    rf_dentry_get(fs->cwd);
    return fs;
}

struct rf_fs_context *rf_fs_context_copy(struct rf_kernel *k, struct rf_fs_context *fs)
{
    struct rf_fs_context *copy = rf_kalloc(k, sizeof *copy);
    if (!copy)
        return NULL;
    *copy = *fs;
    copy->references = 1;
    rf_dentry_get(copy->root);
    rf_dentry_get(copy->cwd);
    return copy;
}

bool rf_fs_is_at_root(const struct rf_kernel *k, const struct rf_fs_context *fs)
{
    const struct rf_mount_namespace *ns = k->current ? (const void *)k->current->namespaces.mnt : NULL;
    const struct rf_mount_point *top = ns ? ns->points : NULL;
    while (top && top->at)
        top = top->next;
    return fs->root == rf_mount_cross(top ? top->root : k->vfs->root);
}

void rf_fs_context_get(struct rf_fs_context *fs)
{
    fs->references++;
}

void rf_fs_context_put(struct rf_kernel *k, struct rf_fs_context *fs)
{
    if (!fs || --fs->references)
        return;
    rf_dentry_put(k, fs->root);
    rf_dentry_put(k, fs->cwd);
    rf_kfree(k, fs);
}

int64_t rf_fs_chdir(struct rf_kernel *k, struct rf_fs_context *fs, const char *path)
{
    struct rf_dentry *dir;
    int64_t result =
        rf_path_lookup(k, RF_AT_FDCWD, path, RF_WALK_FOLLOW | RF_WALK_DIRECTORY, &dir);
    if (result)
        return result;
    result = rf_inode_permission(k, dir->inode, RF_X_OK);
    if (result) {
        rf_dentry_put(k, dir);
        return result;
    }
    rf_dentry_put(k, fs->cwd);
    fs->cwd = dir;
    return 0;
}

/* devpts: the file system whose names are pseudo terminals, one for each open master (fs/devpts/inode.c). Every mount is an
 * instance of its own; /dev/ptmx makes terminals in the one at "pts" beside it. */
#include "kernel/fs/tty.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"
#include "kernel/vfs/fstype.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TERMINALS_MAX 4096u /* NR_UNIX98_PTY_DEFAULT */
#define SLAVE_MAJOR 136u

enum { ROOT_INO = 1, PTMX_INO = 2, FIRST_INO = 3 };

struct devpts {
    uint32_t gid, mode, ptmx_mode;
    bool has_gid;
    struct rf_pty **terminals; /* by number; NULL: free */
    uint32_t room;
};

static const struct rf_inode_ops root_ops, node_ops, ptmx_ops;
static const struct rf_file_ops root_file_ops;
static const struct rf_mount_ops mount_ops;

static struct devpts *devpts_of(const struct rf_mount *mount)
{
    return mount->private_data;
}

/* --- terminals --- */

static bool make_room(struct rf_kernel *k, struct devpts *fs)
{
    uint32_t room = fs->room ? fs->room * 2 : 8;
    struct rf_pty **terminals = rf_heap_realloc(&k->heap, fs->terminals, room * sizeof(struct rf_pty *));
    if (!terminals)
        return false;
    fs->terminals = terminals;
    fs->room = room;
    return true;
}

/* A terminal and its node; the node is the master's. */
static int64_t new_terminal(struct rf_kernel *k, struct rf_mount *mount, struct rf_pty **out)
{
    struct devpts *fs = devpts_of(mount);
    uint32_t index = 0;
    while (index < fs->room && fs->terminals[index])
        index++;
    if (index >= TERMINALS_MAX)
        return -RF_ENOSPC;
    if (index == fs->room && !make_room(k, fs))
        return -RF_ENOMEM;
    struct rf_pty *pty = rf_kalloc(k, sizeof *pty);
    struct rf_inode *node = pty ? rf_inode_alloc(k, mount, RF_S_IFCHR | fs->mode) : NULL;
    if (!node) {
        rf_kfree(k, pty);
        return -RF_ENOMEM;
    }
    node->ino = FIRST_INO + index;
    node->rdev = (index & 0xff) | SLAVE_MAJOR << 8 | (uint64_t)(index & ~0xffu) << 12;
    node->ops = &node_ops;
    node->private_data = pty;
    if (fs->has_gid)
        node->gid = fs->gid;
    pty->node = node;
    pty->index = index;
    pty->tty.is_pty = pty->master = pty->locked = true;
    pty->termios = rf_pty_termios;
    fs->terminals[index] = pty;
    *out = pty;
    return 0;
}

void rf_devpts_remove(struct rf_kernel *k, struct rf_pty *pty)
{
    struct rf_mount *mount = pty->node->mount;
    char name[16];
    snprintf(name, sizeof name, "%u", pty->index);
    devpts_of(mount)->terminals[pty->index] = NULL;
    pty->node->nlink = 0;
    if (mount->root)
        rf_dentry_forget(k, mount->root, name);
}

static void destroy_node(struct rf_kernel *k, struct rf_inode *inode)
{
    rf_pty_free(k, inode->private_data);
}

static const struct rf_inode_ops node_ops = {
    .open = rf_pty_open_slave,
    .setattr = rf_generic_setattr,
    .destroy = destroy_node,
};

/* --- making them --- */

static bool is_devpts(const struct rf_mount *mount)
{
    return mount && mount->ops == &mount_ops;
}

/* The instance that a ptmx belongs to: its own, or the one at "pts" beside it. */
static struct rf_mount *find_instance(struct rf_kernel *k, const struct rf_file *file)
{
    struct rf_mount *found = NULL;
    struct rf_dentry *pts;
    if (is_devpts(file->inode->mount))
        return file->inode->mount;
    if (file->dentry && file->dentry->parent && rf_dentry_child(k, file->dentry->parent, "pts", &pts) == 0) {
        found = rf_mount_cross(pts)->inode->mount;
        rf_dentry_put(k, pts);
        return is_devpts(found) ? found : NULL;
    }
    return k->vfs->terminals;
}

int64_t rf_ptmx_open(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_mount *mount = find_instance(k, file);
    struct rf_pty *pty;
    if (!mount)
        return -RF_ENODEV;
    int64_t error = new_terminal(k, mount, &pty);
    if (error)
        return error;
    file->ops = &rf_pty_master_ops;
    file->private_data = pty;
    file->mode |= RF_FMODE_STREAM;
    return 0;
}

static int64_t open_ptmx(struct rf_kernel *k, struct rf_inode *inode, struct rf_file *file)
{
    (void)inode;
    return rf_ptmx_open(k, file);
}

static int64_t set_ptmx(struct rf_kernel *k, struct rf_inode *inode, const struct rf_attributes *change)
{
    int64_t error = rf_generic_setattr(k, inode, change);
    devpts_of(inode->mount)->ptmx_mode = inode->mode & 07777;
    return error;
}

static const struct rf_inode_ops ptmx_ops = { .open = open_ptmx, .setattr = set_ptmx };

/* --- the directory --- */

static int64_t find_ptmx(struct rf_kernel *k, struct rf_mount *mount, struct rf_inode **out)
{
    struct rf_inode *inode = rf_inode_alloc(k, mount, RF_S_IFCHR | devpts_of(mount)->ptmx_mode);
    if (!inode)
        return -RF_ENOMEM;
    inode->ino = PTMX_INO;
    inode->rdev = RF_PTMX_DEVICE;
    inode->uid = inode->gid = 0;
    inode->ops = &ptmx_ops;
    *out = inode;
    return 0;
}

static int64_t lookup(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode **out)
{
    const struct devpts *fs = devpts_of(dir->mount);
    char *end;
    if (strcmp(name, "ptmx") == 0)
        return find_ptmx(k, dir->mount, out);
    unsigned long index = name[0] >= '0' && name[0] <= '9' ? strtoul(name, &end, 10) : ULONG_MAX;
    if (index >= fs->room || *end || (name[0] == '0' && name[1]) || !fs->terminals[index])
        return -RF_ENOENT;
    *out = fs->terminals[index]->node;
    rf_inode_get(*out);
    return 0;
}

/* Cursor: 0 ".", 1 "..", 2 ptmx, then 3 + number. */
static int64_t readdir(struct rf_kernel *k, struct rf_file *file,
                       bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos), void *user)
{
    const struct devpts *fs = devpts_of(file->inode->mount);
    (void)k;
    if (file->pos == 0 && !emit(user, ".", ROOT_INO, RF_DT_DIR, 1))
        return 0;
    if (file->pos <= 1 && !emit(user, "..", ROOT_INO, RF_DT_DIR, 2))
        return 0;
    if (file->pos <= 2 && !emit(user, "ptmx", PTMX_INO, RF_DT_CHR, 3))
        return 0;
    for (uint64_t i = file->pos < 3 ? 0 : file->pos - 3; i < fs->room; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", (unsigned)i);
        if (fs->terminals[i] && !emit(user, name, FIRST_INO + i, RF_DT_CHR, i + 4))
            break;
    }
    return 0;
}

static const struct rf_file_ops root_file_ops = { .readdir = readdir };
static const struct rf_inode_ops root_ops = { .lookup = lookup, .setattr = rf_generic_setattr };

/* --- mounting --- */

static void show(struct rf_kernel *k, struct rf_mount *mount, char *out, size_t size)
{
    const struct devpts *fs = devpts_of(mount);
    char gid[24] = "";
    (void)k;
    if (fs->has_gid)
        snprintf(gid, sizeof gid, ",gid=%u", fs->gid);
    snprintf(out, size, "%s,mode=%03o,ptmxmode=%03o", gid, fs->mode, fs->ptmx_mode);
}

static void destroy_mount(struct rf_kernel *k, struct rf_mount *mount)
{
    struct devpts *fs = devpts_of(mount);
    if (k->vfs->terminals == mount)
        k->vfs->terminals = NULL;
    if (!fs)
        return;
    rf_kfree(k, fs->terminals);
    rf_kfree(k, fs);
}

/* "gid=5,mode=620": 0 or -RF_EINVAL, with options as far as they were read. */
static int64_t parse(struct devpts *fs, const char *options)
{
    while (*options) {
        size_t length = strcspn(options, ",");
        char option[64], *end;
        if (length >= sizeof option)
            return -RF_EINVAL;
        memcpy(option, options, length);
        option[length] = '\0';
        options += length + (options[length] == ',');
        char *value = strchr(option, '=');
        if (!length || !strcmp(option, "newinstance"))
            continue;
        if (!value || !value[1])
            return -RF_EINVAL;
        *value++ = '\0';
        bool octal = !strcmp(option, "mode") || !strcmp(option, "ptmxmode");
        unsigned long number = strtoul(value, &end, octal ? 8 : 10);
        if (*end || value[0] == '-')
            return -RF_EINVAL;
        if (!strcmp(option, "mode"))
            fs->mode = number & 07777;
        else if (!strcmp(option, "ptmxmode"))
            fs->ptmx_mode = number & 07777;
        else if (!strcmp(option, "gid"))
            fs->gid = (uint32_t)number, fs->has_gid = true;
        else if (strcmp(option, "uid") != 0 && strcmp(option, "max") != 0)
            return -RF_EINVAL;
    }
    return 0;
}

static int64_t remount(struct rf_kernel *k, struct rf_mount *mount, const char *options)
{
    (void)k;
    struct devpts parsed = *devpts_of(mount);
    int64_t error = parse(&parsed, options);
    if (!error)
        *devpts_of(mount) = parsed;
    return error;
}

static const struct rf_mount_ops mount_ops = { .show = show, .remount = remount, .destroy = destroy_mount };

static struct rf_mount *create(struct rf_kernel *k, const struct devpts *options)
{
    struct rf_mount *mount = rf_mount_alloc(k, "devpts", RF_DEVPTS_SUPER_MAGIC, &mount_ops);
    struct devpts *fs = mount ? rf_kalloc(k, sizeof *fs) : NULL;
    struct rf_inode *root = NULL;
    if (fs) {
        *fs = *options;
        mount->private_data = fs;
        root = rf_inode_alloc(k, mount, RF_S_IFDIR | 0755);
    }
    if (root) {
        root->ino = ROOT_INO;
        root->nlink = 2;
        root->uid = root->gid = 0;
        root->ops = &root_ops;
        root->file_ops = &root_file_ops;
        mount->root = rf_dentry_new(k, NULL, "", root);
        rf_inode_put(k, root);
    }
    if (mount && !mount->root) {
        rf_mount_free(k, mount);
        return NULL;
    }
    return mount;
}

struct rf_mount *rf_devpts_create(struct rf_kernel *k, uint32_t gid, bool has_gid, uint32_t mode, uint32_t ptmx_mode)
{
    const struct devpts options = { .gid = gid, .has_gid = has_gid, .mode = mode, .ptmx_mode = ptmx_mode };
    struct rf_mount *mount = create(k, &options);
    if (!k->vfs->terminals)
        k->vfs->terminals = mount;
    return mount;
}

static int64_t mount_devpts(struct rf_kernel *k, const char *source, const char *options, struct rf_mount **out)
{
    struct devpts fs = { .mode = 0600 };
    (void)source;
    int64_t error = parse(&fs, options);
    if (error)
        return error;
    *out = create(k, &fs);
    return *out ? 0 : -RF_ENOMEM;
}

const struct rf_fs_type rf_devpts_type = { .name = "devpts", .flags = RF_FS_USER, .mount = mount_devpts };

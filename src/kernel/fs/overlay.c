/* overlay: one tree shown over another, changes kept in the upper one (Documentation/filesystems/overlayfs.rst).
 * Mounting, and inodes: what each stands for. Names are in overlay_names.c, copying up in overlay_copy.c, contents and
 * attributes in overlay_data.c. */
#include "kernel/fs/overlay.h"
#include "kernel/task/task.h"
#include "kernel/vfs/fstype.h"
#include "kernel/vfs/path.h"

#include <stdio.h>
#include <string.h>

#define MOST_LOWERS 500u /* OVL_MAX_STACK of Linux */
/* Numbers of files that are the upper layer's own, and of lower layers after the first: apart from the first's. */
#define UPPER_INO (UINT64_C(1) << 52)
#define LAYER_INO (UINT64_C(1) << 53)

/* --- real objects --- */

bool rf_overlay_is_whiteout(const struct rf_inode *real)
{
    return RF_S_ISCHR(real->mode) && real->rdev == 0;
}

bool rf_overlay_is_opaque(struct rf_kernel *k, struct rf_inode *real)
{
    char value;
    return real->ops->getxattr && real->ops->getxattr(k, real, RF_OVERLAY_OPAQUE, &value, 1) == 1 && value == 'y';
}

int64_t rf_overlay_lookup_in(struct rf_kernel *k, struct rf_inode *real_dir, const char *name, struct rf_inode **out)
{
    if (!real_dir->ops->lookup)
        return -RF_ENOENT;
    int64_t result = real_dir->ops->lookup(k, real_dir, name, out);
    if (result == 0)
        rf_inode_getattr(k, *out); /* what could not be asked shows what was known last */
    return result;
}

uint64_t rf_overlay_upper_ino(struct rf_kernel *k, struct rf_inode *upper)
{
    uint64_t origin;
    if (upper->ops->getxattr &&
        upper->ops->getxattr(k, upper, RF_OVERLAY_ORIGIN, &origin, sizeof origin) == sizeof origin)
        return origin;
    return upper->ino + UPPER_INO;
}

/* --- inodes --- */

static struct rf_overlay_inode **bucket_of(struct rf_overlay *fs, const struct rf_inode *real)
{
    return &fs->buckets[((uintptr_t)real >> 5) % RF_OVERLAY_BUCKETS];
}

static struct rf_inode *find_live(struct rf_overlay *fs, const struct rf_inode *real)
{
    for (struct rf_overlay_inode *o = *bucket_of(fs, real); o; o = o->next)
        if (rf_overlay_real(o->inode) == real)
            return o->inode;
    return NULL;
}

static void list_live(struct rf_overlay_inode *o)
{
    struct rf_overlay_inode **bucket = bucket_of(rf_overlay_fs(o->inode), rf_overlay_real(o->inode));
    o->next = *bucket;
    *bucket = o;
}

static void unlist_live(struct rf_overlay_inode *o)
{
    struct rf_overlay_inode **at = bucket_of(rf_overlay_fs(o->inode), rf_overlay_real(o->inode));
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
}

static void put_lowers(struct rf_kernel *k, struct rf_inode **lowers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        rf_inode_put(k, lowers[i]);
    rf_kfree(k, lowers);
}

static uint32_t links_of(const struct rf_overlay_inode *o)
{
    const struct rf_inode *real = rf_overlay_real(o->inode);
    if (RF_S_ISDIR(real->mode))
        return o->inode->nlink == 0 ? 0 : o->lower_count > 1 || (o->upper && o->lower_count) ? 1 : real->nlink;
    return (o->upper ? o->upper->nlink : 0) + (o->link ? o->link->hidden : o->hidden);
}

int64_t rf_overlay_refresh(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_inode *real = rf_overlay_real(inode);
    int64_t result = rf_inode_getattr(k, real);
    inode->mode = real->mode;
    inode->uid = real->uid;
    inode->gid = real->gid;
    inode->rdev = real->rdev;
    inode->size = real->size;
    inode->blocks = real->blocks;
    inode->atime = real->atime;
    inode->mtime = real->mtime;
    inode->ctime = real->ctime;
    inode->btime = real->btime;
    inode->nlink = links_of(rf_overlay_of(inode));
    return result;
}

bool rf_overlay_place(struct rf_kernel *k, struct rf_inode *inode, struct rf_inode *dir, const char *name)
{
    struct rf_overlay_inode *o = rf_overlay_of(inode);
    size_t size = dir ? strlen(name) + 1 : 0;
    char *copy = dir ? rf_kalloc(k, size) : NULL;
    if (dir && !copy)
        return false;
    if (dir) {
        memcpy(copy, name, size);
        rf_inode_get(dir);
    }
    rf_inode_put(k, o->parent);
    rf_kfree(k, o->name);
    o->parent = dir;
    o->name = copy;
    return true;
}

/* real: what a lower layer has, or what it was copied to. */
static struct rf_overlay_link *find_link(struct rf_overlay *fs, const struct rf_inode *real)
{
    struct rf_overlay_link *link = fs->links;
    while (link && link->lower != real && link->upper != real)
        link = link->next;
    return link;
}

/* Its other names are to know of the change. Without memory they will not. */
static void note_link(struct rf_kernel *k, struct rf_overlay_inode *o)
{
    struct rf_overlay *fs = rf_overlay_fs(o->inode);
    if (o->link || o->lower_count != 1 || RF_S_ISDIR(o->lowers[0]->mode) || o->lowers[0]->nlink < 2)
        return;
    struct rf_overlay_link *link = rf_kalloc(k, sizeof *link);
    if (!link)
        return;
    link->lower = o->lowers[0];
    rf_inode_get(link->lower);
    link->hidden = o->hidden;
    link->next = fs->links;
    fs->links = link;
    o->link = link;
}

void rf_overlay_uncover(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_overlay_inode *o = rf_overlay_of(inode);
    note_link(k, o);
    uint32_t *hidden = o->link ? &o->link->hidden : &o->hidden;
    if (*hidden)
        --*hidden;
}

void rf_overlay_set_upper(struct rf_kernel *k, struct rf_inode *inode, struct rf_inode *upper)
{
    struct rf_overlay_inode *o = rf_overlay_of(inode);
    note_link(k, o);
    unlist_live(o);
    rf_inode_get(upper);
    o->upper = upper;
    if (o->link) {
        o->link->upper = upper;
        rf_inode_get(upper);
    }
    list_live(o);
    if (RF_S_ISDIR(inode->mode))
        return;
    put_lowers(k, o->lowers, o->lower_count);
    o->lowers = NULL;
    o->lower_count = 0;
}

static struct rf_inode *make_inode(struct rf_kernel *k, struct rf_mount *mount, struct rf_inode *upper,
                                   struct rf_inode **lowers, uint32_t lower_count)
{
    struct rf_overlay_inode *o = rf_kalloc(k, sizeof *o);
    struct rf_inode *inode = o ? rf_inode_alloc(k, mount, 0) : NULL;
    if (!inode) {
        rf_kfree(k, o);
        rf_inode_put(k, upper);
        put_lowers(k, lowers, lower_count);
        return NULL;
    }
    inode->private_data = o;
    o->inode = inode;
    o->upper = upper;
    o->lowers = lowers;
    o->lower_count = lower_count;
    struct rf_inode *real = rf_overlay_real(inode);
    o->hidden = upper ? 0 : real->nlink;
    bool directory = RF_S_ISDIR(real->mode), regular = RF_S_ISREG(real->mode);
    inode->ops = directory ? &rf_overlay_directory_ops : regular ? &rf_overlay_file_ops : &rf_overlay_other_ops;
    inode->file_ops = directory ? &rf_overlay_directory_file_ops : regular ? &rf_overlay_regular_ops : NULL;
    inode->ino = upper ? rf_overlay_upper_ino(k, upper) : real->ino;
    struct rf_overlay *fs = mount->private_data;
    for (uint32_t i = 1; !upper && i < fs->lower_count; i++)
        if (fs->lowers[i]->mount == real->mount && fs->lowers[i]->mount != fs->lowers[0]->mount)
            inode->ino += i * LAYER_INO;
    list_live(o);
    return inode;
}

struct rf_inode *rf_overlay_inode(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *upper,
                                  struct rf_inode **lowers, uint32_t lower_count)
{
    struct rf_overlay *fs = rf_overlay_fs(dir);
    struct rf_overlay_link *link = upper || lower_count == 1 ? find_link(fs, upper ? upper : lowers[0]) : NULL;
    struct rf_inode *found = find_live(fs, link && link->upper ? link->upper : upper ? upper : lowers[0]);
    if (found) {
        rf_inode_get(found);
        rf_inode_put(k, upper);
        put_lowers(k, lowers, lower_count);
    } else {
        if (!upper && link && link->upper) { /* another of its names was changed */
            put_lowers(k, lowers, lower_count);
            upper = link->upper;
            rf_inode_get(upper);
            lowers = NULL;
            lower_count = 0;
        }
        found = make_inode(k, dir->mount, upper, lowers, lower_count);
        if (found)
            rf_overlay_of(found)->link = link;
    }
    if (!found)
        return NULL;
    rf_overlay_refresh(k, found);
    if (!rf_overlay_place(k, found, dir, name)) {
        rf_inode_put(k, found);
        return NULL;
    }
    return found;
}

void rf_overlay_destroy_inode(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_overlay_inode *o = rf_overlay_of(inode);
    unlist_live(o);
    rf_inode_put(k, o->upper);
    put_lowers(k, o->lowers, o->lower_count);
    rf_inode_put(k, o->parent);
    rf_kfree(k, o->name);
    rf_kfree(k, o);
}

/* --- the file system --- */

static void statfs(struct rf_kernel *k, struct rf_mount *mount, struct rf_statfs *out)
{
    struct rf_overlay *fs = mount->private_data;
    struct rf_mount *real = fs->upper ? fs->upper->mount : fs->lowers[0]->mount;
    if (real->ops->statfs)
        real->ops->statfs(k, real, out);
    out->f_type = (int64_t)RF_OVERLAYFS_SUPER_MAGIC;
}

static void show(struct rf_kernel *k, struct rf_mount *mount, char *out, size_t size)
{
    (void)k;
    const struct rf_overlay *fs = mount->private_data;
    snprintf(out, size, "%s%s", fs->options ? "," : "", fs->options ? fs->options : "");
}

static void destroy(struct rf_kernel *k, struct rf_mount *mount)
{
    struct rf_overlay *fs = mount->private_data;
    while (fs->links) {
        struct rf_overlay_link *link = fs->links;
        fs->links = link->next;
        rf_inode_put(k, link->lower);
        rf_inode_put(k, link->upper);
        rf_kfree(k, link);
    }
    rf_inode_put(k, fs->upper);
    put_lowers(k, fs->lowers, fs->lower_count);
    for (size_t i = 0; i < RF_ARRAY_SIZE(fs->owned); i++)
        rf_mount_free(k, fs->owned[i]);
    rf_kfree(k, fs->options);
    rf_kfree(k, fs);
}

static const struct rf_mount_ops mount_ops = { .statfs = statfs, .show = show, .destroy = destroy };

/* A file system for the layers, which are taken over, also on failure. */
static struct rf_mount *make_fs(struct rf_kernel *k, struct rf_overlay *fs)
{
    struct rf_mount *mount = rf_mount_alloc(k, "overlay", RF_OVERLAYFS_SUPER_MAGIC, &mount_ops);
    if (!mount) {
        struct rf_mount dead = { .private_data = fs };
        destroy(k, &dead);
        return NULL;
    }
    mount->private_data = fs;
    mount->keeps_inodes = true;
    mount->in_memory = fs->upper && fs->upper->mount->in_memory;
    struct rf_inode **lowers = rf_kalloc(k, fs->lower_count * sizeof(struct rf_inode *)), *root = NULL;
    if (lowers) {
        memcpy(lowers, fs->lowers, fs->lower_count * sizeof(struct rf_inode *));
        for (uint32_t i = 0; i < fs->lower_count; i++)
            rf_inode_get(lowers[i]);
        if (fs->upper)
            rf_inode_get(fs->upper);
        root = make_inode(k, mount, fs->upper, lowers, fs->lower_count);
    }
    if (root) {
        rf_overlay_refresh(k, root);
        mount->root = rf_dentry_new(k, NULL, "", root);
        rf_inode_put(k, root);
    }
    if (!mount->root) {
        rf_mount_free(k, mount);
        return NULL;
    }
    return mount;
}

/* The attributes of the tree's root are the lower one's, as if it had been copied up. */
static void like(struct rf_inode *upper, const struct rf_inode *lower)
{
    upper->mode = lower->mode;
    upper->uid = lower->uid;
    upper->gid = lower->gid;
    upper->mtime = lower->mtime;
    upper->atime = lower->atime;
}

struct rf_mount *rf_overlay_create(struct rf_kernel *k, struct rf_mount *lower)
{
    struct rf_mount *memory = rf_tmpfs_create(k, "tmpfs", 0755);
    struct rf_overlay *fs = rf_kalloc(k, sizeof *fs);
    struct rf_inode **lowers = rf_kalloc(k, sizeof(struct rf_inode *));
    if (!memory || !fs || !lowers) {
        rf_mount_free(k, memory);
        rf_mount_free(k, lower);
        rf_kfree(k, fs);
        rf_kfree(k, lowers);
        return NULL;
    }
    lowers[0] = lower->root->inode;
    rf_inode_get(lowers[0]);
    fs->lowers = lowers;
    fs->lower_count = 1;
    fs->upper = memory->root->inode;
    rf_inode_get(fs->upper);
    like(fs->upper, lowers[0]);
    fs->owned[0] = lower;
    fs->owned[1] = memory;
    return make_fs(k, fs);
}

/* --- mount(2): lowerdir=A:B,upperdir=U,workdir=W --- */

static int64_t find_layer(struct rf_kernel *k, const char *path, struct rf_inode **out)
{
    struct rf_dentry *dentry;
    int64_t result = rf_path_lookup(k, RF_AT_FDCWD, path, RF_WALK_FOLLOW | RF_WALK_DIRECTORY, &dentry);
    if (result)
        return result;
    *out = dentry->inode;
    rf_inode_get(*out);
    rf_dentry_put(k, dentry);
    return 0;
}

static int64_t take_lowers(struct rf_kernel *k, struct rf_overlay *fs, char *paths)
{
    uint32_t count = 1;
    for (const char *p = paths; *p; p++)
        count += *p == ':';
    if (count > MOST_LOWERS || fs->lowers)
        return -RF_EINVAL;
    fs->lowers = rf_kalloc(k, count * sizeof(struct rf_inode *));
    if (!fs->lowers)
        return -RF_ENOMEM;
    for (char *path = paths, *end; path; path = end) {
        end = strchr(path, ':');
        if (end)
            *end++ = '\0';
        int64_t result = *path ? find_layer(k, path, &fs->lowers[fs->lower_count]) : -RF_EINVAL;
        if (result)
            return result;
        fs->lower_count++;
    }
    return 0;
}

struct overlay_options {
    char *upper, *work;
};

static int64_t take_option(struct rf_kernel *k, struct rf_overlay *fs, struct overlay_options *o, char *option)
{
    static const char *const harmless[] = { "redirect_dir=off", "redirect_dir=nofollow", "index=off", "xino=off", "xino=auto",
                                            "metacopy=off", "nfs_export=off", "volatile" };
    if (strncmp(option, "lowerdir=", 9) == 0)
        return take_lowers(k, fs, option + 9);
    if (strncmp(option, "upperdir=", 9) == 0) {
        o->upper = option + 9;
        return 0;
    }
    if (strncmp(option, "workdir=", 8) == 0) {
        o->work = option + 8;
        return 0;
    }
    for (size_t i = 0; i < RF_ARRAY_SIZE(harmless); i++)
        if (strcmp(option, harmless[i]) == 0)
            return 0;
    return -RF_EINVAL;
}

/* ovl_workdir_ok and ovl_get_upper of fs/overlayfs/super.c. */
static int64_t take_upper(struct rf_kernel *k, struct rf_overlay *fs, const struct overlay_options *o)
{
    struct rf_inode *work;
    if (!o->upper)
        return 0;
    if (!o->work)
        return -RF_EINVAL;
    int64_t result = find_layer(k, o->upper, &fs->upper);
    if (result)
        return result;
    result = find_layer(k, o->work, &work);
    if (result)
        return result;
    if (work->mount != fs->upper->mount || work == fs->upper || !fs->upper->ops->create || !fs->upper->ops->setxattr)
        result = -RF_EINVAL;
    else if (fs->upper->mount->read_only)
        result = -RF_EROFS;
    rf_inode_put(k, work);
    return result;
}

static int64_t mount_overlay(struct rf_kernel *k, const char *source, const char *options, struct rf_mount **out)
{
    (void)source;
    size_t size = strlen(options) + 1;
    struct rf_overlay *fs = rf_kalloc(k, sizeof *fs);
    char *text = rf_kalloc(k, size), *kept = rf_kalloc(k, size);
    struct overlay_options o = { 0 };
    int64_t result = fs && text && kept ? 0 : -RF_ENOMEM;
    if (!result) {
        memcpy(text, options, size);
        memcpy(kept, options, size);
    }
    for (char *at = text, *end; !result && at && *at; at = end) {
        end = strchr(at, ',');
        if (end)
            *end++ = '\0';
        result = *at ? take_option(k, fs, &o, at) : 0;
    }
    if (!result && !fs->lower_count)
        result = -RF_EINVAL;
    if (!result)
        result = take_upper(k, fs, &o);
    rf_kfree(k, text);
    if (result) {
        if (fs) {
            rf_inode_put(k, fs->upper);
            put_lowers(k, fs->lowers, fs->lower_count);
        }
        rf_kfree(k, fs);
        rf_kfree(k, kept);
        return result;
    }
    fs->options = kept;
    *out = make_fs(k, fs);
    return *out ? 0 : -RF_ENOMEM;
}

const struct rf_fs_type rf_overlay_type = { .name = "overlay", .flags = RF_FS_USER, .mount = mount_overlay };

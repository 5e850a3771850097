/* Copying up: a lower object becomes one of the upper layer, complete before it is seen there (fs/overlayfs/copy_up.c). */
#include "kernel/fs/overlay.h"
#include "kernel/task/task.h"

#include <string.h>

#define CHUNK 65536u

static bool is_zero(const uint8_t *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* One chunk at *pos; holes stay holes. Bytes, 0 at the end. */
static int64_t copy_chunk(struct rf_kernel *k, struct rf_file *from, struct rf_file *to, uint64_t *pos, uint8_t *buffer)
{
    struct rf_uio uio;
    uint64_t read_at = *pos;
    rf_uio_kernel(&uio, k, buffer, CHUNK);
    int64_t got = from->ops->read(k, from, &uio, &read_at);
    if (got <= 0)
        return got;
    for (int64_t done = 0; done < got && !is_zero(buffer, (size_t)got);) {
        uint64_t at = *pos + (uint64_t)done;
        rf_uio_kernel(&uio, k, buffer + done, (uint64_t)(got - done));
        int64_t put = to->ops->write(k, to, &uio, &at);
        if (put <= 0)
            return put ? put : -RF_ENOSPC;
        done += put;
    }
    rf_charge(k, RF_EVENT_COPY_CHUNK, 2 * ((uint64_t)got + 63) / 64);
    *pos += (uint64_t)got;
    return got;
}

static int64_t copy_data(struct rf_kernel *k, struct rf_inode *lower, struct rf_inode *upper)
{
    struct rf_file *from, *to = NULL;
    uint8_t *buffer = rf_kalloc(k, CHUNK);
    uint64_t pos = 0;
    int64_t result = buffer ? rf_overlay_open_real(k, lower, RF_O_RDONLY, &from) : -RF_ENOMEM;
    if (result) {
        rf_kfree(k, buffer);
        return result;
    }
    result = rf_overlay_open_real(k, upper, RF_O_RDWR, &to);
    for (uint64_t moved = 0; !result; moved = pos) {
        result = moved >= RF_LONG_WORK && k->current && rf_must_end_soon(k) ? -RF_ERESTARTSYS
                                                                            : copy_chunk(k, from, to, &pos, buffer);
        if (result <= 0)
            break;
        result = 0;
    }
    if (!result && pos > upper->size) { /* it ends with a hole */
        struct rf_attributes change = { .mask = RF_ATTR_SIZE, .size = pos };
        result = upper->ops->setattr(k, upper, &change);
    }
    rf_file_put(k, from);
    if (to)
        rf_file_put(k, to);
    rf_kfree(k, buffer);
    return result;
}

/* All but overlay's own; what the upper layer does not keep is lost, as in Linux. */
static int64_t copy_xattrs(struct rf_kernel *k, struct rf_inode *lower, struct rf_inode *upper)
{
    if (!lower->ops->listxattr || !upper->ops->setxattr)
        return 0;
    char *names = rf_kalloc(k, RF_XATTR_LIST_MAX), *value = rf_kalloc(k, RF_XATTR_SIZE_MAX);
    int64_t length = names && value ? lower->ops->listxattr(k, lower, names, RF_XATTR_LIST_MAX) : -RF_ENOMEM;
    int64_t result = length < 0 && length != -RF_EOPNOTSUPP ? length : 0;
    for (int64_t at = 0; !result && at < length; at += (int64_t)strlen(names + at) + 1) {
        if (strncmp(names + at, RF_OVERLAY_PREFIX, strlen(RF_OVERLAY_PREFIX)) == 0)
            continue;
        int64_t size = lower->ops->getxattr(k, lower, names + at, value, RF_XATTR_SIZE_MAX);
        if (size >= 0)
            result = upper->ops->setxattr(k, upper, names + at, value, (size_t)size, 0);
        if (result == -RF_EOPNOTSUPP || result == -RF_EPERM)
            result = 0;
    }
    rf_kfree(k, names);
    rf_kfree(k, value);
    return result;
}

static int64_t copy_attributes(struct rf_kernel *k, const struct rf_inode *inode, struct rf_inode *lower, struct rf_inode *upper)
{
    struct rf_attributes owner = { .mask = RF_ATTR_UID | RF_ATTR_GID, .uid = lower->uid, .gid = lower->gid };
    struct rf_attributes change = { .mask = RF_ATTR_ATIME | RF_ATTR_MTIME, .atime = lower->atime, .mtime = lower->mtime };
    if (!RF_S_ISLNK(lower->mode)) {
        change.mask |= RF_ATTR_MODE;
        change.mode = lower->mode & RF_S_IALLUGO;
    }
    int64_t result = upper->ops->setattr(k, upper, &owner);
    if (!result)
        result = copy_xattrs(k, lower, upper);
    if (!result)
        result = upper->ops->setattr(k, upper, &change);
    if (!result && upper->ops->setxattr) /* the number stays: not worth failing for */
        upper->ops->setxattr(k, upper, RF_OVERLAY_ORIGIN, &inode->ino, sizeof inode->ino, 0);
    return result;
}

/* A new object like lower: nameless if it can be, else called name at once. */
static int64_t make_upper(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *lower,
                          bool nameless, struct rf_inode **out)
{
    if (nameless)
        return dir->ops->tmpfile(k, dir, lower->mode, out);
    if (!RF_S_ISLNK(lower->mode))
        return dir->ops->create(k, dir, name, lower->mode, lower->rdev, out);
    char *target = rf_kalloc(k, RF_PATH_MAX);
    int64_t length = target ? lower->ops->readlink(k, lower, target, RF_PATH_MAX - 1) : -RF_ENOMEM;
    if (length >= 0) {
        target[length] = '\0';
        length = dir->ops->symlink(k, dir, name, target, out);
    }
    rf_kfree(k, target);
    return length;
}

/* dir NULL: its names are gone, the copy has none either. */
static int64_t copy_object(struct rf_kernel *k, struct rf_inode *inode, struct rf_inode *dir, const char *name, bool with_data)
{
    struct rf_inode *lower = rf_overlay_real(inode), *upper;
    struct rf_inode *where = dir ? dir : rf_overlay_fs(inode)->upper;
    bool regular = RF_S_ISREG(lower->mode), nameless = regular && where->ops->tmpfile;
    if (!dir && !nameless)
        return -RF_EROFS;
    struct rf_timespec mtime = where->mtime; /* a copy is no change of the directory */
    int64_t result = make_upper(k, where, name, lower, nameless, &upper);
    if (result)
        return result;
    if (regular && with_data)
        result = copy_data(k, lower, upper);
    if (!result)
        result = copy_attributes(k, inode, lower, upper);
    if (!result && dir && nameless)
        result = where->ops->link(k, where, name, upper);
    if (result && dir && !nameless)
        where->ops->remove(k, where, name, upper);
    struct rf_attributes back = { .mask = RF_ATTR_MTIME, .mtime = mtime };
    where->ops->setattr(k, where, &back);
    if (!result) {
        rf_overlay_set_upper(k, inode, upper);
        if (dir && !RF_S_ISDIR(inode->mode))
            rf_overlay_uncover(k, inode);
        result = rf_overlay_refresh(k, inode);
    }
    rf_inode_put(k, upper);
    return result;
}

int64_t rf_overlay_copy_up(struct rf_kernel *k, struct rf_inode *inode, bool with_data)
{
    if (!rf_overlay_fs(inode)->upper)
        return -RF_EROFS;
    while (!rf_overlay_of(inode)->upper) { /* the topmost directory that has none, until it is the object's turn */
        struct rf_inode *at = inode;
        while (rf_overlay_of(at)->parent && !rf_overlay_of(rf_overlay_of(at)->parent)->upper)
            at = rf_overlay_of(at)->parent;
        const struct rf_overlay_inode *o = rf_overlay_of(at);
        int64_t result = rf_overlay_refresh(k, at);
        if (!result)
            result = copy_object(k, at, o->parent ? rf_overlay_of(o->parent)->upper : NULL, o->name,
                                 at != inode || with_data);
        if (result)
            return result;
    }
    return 0;
}

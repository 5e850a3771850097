/* Extended attributes (xattr(7)). No file system here keeps any: asking for one, or for a list, is answered as Linux does
 * for such file systems, after the checks that come first (fs/xattr.c). */
#include "kernel/fs/fs.h"
#include "kernel/task/task.h"
#include "kernel/vfs/path.h"

#include <string.h>

enum { NAME_MAX = 255, VALUE_MAX = 65536 };
enum { CREATE = 1, REPLACE = 2 };
enum { READ = 4, WRITE = 2 }; /* MAY_READ, MAY_WRITE */

/* What the three forms of each call name: a path, a path whose link is not followed, a descriptor. */
enum form { FOLLOW, LINK, DESCRIPTOR };

static int64_t get_name(struct rf_kernel *k, uint64_t user, char name[NAME_MAX + 1])
{
    int64_t length = rf_strncpy_from_user(k, name, user, NAME_MAX + 1);
    return length == -RF_EFAULT ? length : length <= 0 ? -RF_ERANGE : 0;
}

static bool begins(const char *name, const char *prefix)
{
    return !strncmp(name, prefix, strlen(prefix));
}

/* xattr_permission */
static int64_t check_rights(struct rf_kernel *k, struct rf_inode *inode, const char *name, int mask)
{
    int64_t refusal = mask == WRITE ? -RF_EPERM : -RF_ENODATA;
    if (begins(name, "security.") || begins(name, "system."))
        return 0;
    if (begins(name, "trusted."))
        return rf_capable(k, RF_CAP_SYS_ADMIN) ? 0 : refusal;
    if (begins(name, "user.") && !RF_S_ISREG(inode->mode) && !RF_S_ISDIR(inode->mode))
        return refusal;
    return rf_inode_permission(k, inode, mask);
}

static int64_t answer(struct rf_kernel *k, struct rf_dentry *dentry, const char *name, int mask)
{
    struct rf_inode *inode = dentry->inode;
    if (mask == WRITE && (inode->mount->read_only || rf_has_mount_flag(dentry, RF_MS_RDONLY)))
        return -RF_EROFS;
    int64_t error = check_rights(k, inode, name, mask);
    return error ? error : -RF_EOPNOTSUPP;
}

static int64_t find(struct rf_kernel *k, uint64_t what, enum form form, struct rf_dentry **out)
{
    char path[RF_PATH_MAX];
    int64_t error = rf_path_from_user(k, path, what, false);
    return error ? error : rf_path_lookup(k, RF_AT_FDCWD, path, form == FOLLOW ? RF_WALK_FOLLOW : 0, out);
}

/* name NULL: the list of names, which is empty. */
static int64_t ask(struct rf_kernel *k, uint64_t what, enum form form, const char *name, int mask)
{
    struct rf_dentry *dentry;
    if (form == DESCRIPTOR) {
        struct rf_file *file = rf_fd_file(k, (int)what);
        return !file ? -RF_EBADF : !name ? 0 : file->dentry ? answer(k, file->dentry, name, mask) : -RF_EOPNOTSUPP;
    }
    int64_t result = find(k, what, form, &dentry);
    if (result)
        return result;
    result = name ? answer(k, dentry, name, mask) : 0;
    rf_dentry_put(k, dentry);
    return result;
}

static int64_t set(struct rf_kernel *k, const uint64_t a[6], enum form form)
{
    char name[NAME_MAX + 1], byte;
    if ((uint32_t)a[4] & ~(uint32_t)(CREATE | REPLACE))
        return -RF_EINVAL;
    int64_t error = get_name(k, a[1], name);
    if (error)
        return error;
    if (a[3] > VALUE_MAX)
        return -RF_E2BIG;
    for (uint64_t at = 0; at < a[3]; at++)
        if (RF_GET_USER(k, byte, a[2] + at))
            return -RF_EFAULT;
    return ask(k, a[0], form, name, WRITE);
}

static int64_t get(struct rf_kernel *k, const uint64_t a[6], enum form form)
{
    char name[NAME_MAX + 1];
    int64_t error = get_name(k, a[1], name);
    return error ? error : ask(k, a[0], form, name, READ);
}

static int64_t drop(struct rf_kernel *k, const uint64_t a[6], enum form form)
{
    char name[NAME_MAX + 1];
    int64_t error = get_name(k, a[1], name);
    return error ? error : ask(k, a[0], form, name, WRITE);
}

static int64_t list(struct rf_kernel *k, const uint64_t a[6], enum form form)
{
    return ask(k, a[0], form, NULL, READ);
}

#define FORMS(call, body)                                                                                         \
    static int64_t sys_##call(struct rf_kernel *k, const uint64_t a[6]) { return body(k, a, FOLLOW); }            \
    static int64_t sys_l##call(struct rf_kernel *k, const uint64_t a[6]) { return body(k, a, LINK); }             \
    static int64_t sys_f##call(struct rf_kernel *k, const uint64_t a[6]) { return body(k, a, DESCRIPTOR); }
FORMS(setxattr, set)
FORMS(getxattr, get)
FORMS(listxattr, list)
FORMS(removexattr, drop)

#define ENTRY(name) { RF_NR_##name, sys_##name }
#define ENTRIES(call) ENTRY(call), ENTRY(l##call), ENTRY(f##call)
static const struct rf_handler_entry entries[] = {
    ENTRIES(setxattr), ENTRIES(getxattr), ENTRIES(listxattr), ENTRIES(removexattr),
};
const struct rf_handler_table rf_handlers_xattr = RF_HANDLER_TABLE(entries);

/* Extended attributes (xattr(7)). No file system here keeps any: asking for one, or for a list, is answered as Linux does
 * for such file systems, after the checks that come first (fs/xattr.c). */
#include "kernel/fs/fs.h"
#include "kernel/task/task.h"
#include "kernel/vfs/notify.h"
#include "kernel/vfs/path.h"

#include <string.h>

enum { READ = 4, WRITE = 2 }; /* MAY_READ, MAY_WRITE */

/* What the three forms of each call name: a path, a path whose link is not followed, a descriptor. */
enum form { FOLLOW, LINK, DESCRIPTOR };

static int64_t get_name(struct rf_kernel *k, uint64_t user, char name[RF_XATTR_NAME_MAX + 1])
{
    int64_t length = rf_strncpy_from_user(k, name, user, RF_XATTR_NAME_MAX + 1);
    return length == -RF_EFAULT ? length : length <= 0 ? -RF_ERANGE : 0;
}

static bool begins(const char *name, const char *prefix)
{
    return !strncmp(name, prefix, strlen(prefix));
}

/* A kind of name that some file system keeps: 0, or what xattr_resolve_name says. */
static int64_t check_kind(const char *name)
{
    static const char *const kinds[] = { "user.", "trusted.", "security." };
    for (size_t i = 0; i < RF_ARRAY_SIZE(kinds); i++)
        if (begins(name, kinds[i]))
            return name[strlen(kinds[i])] ? 0 : -RF_EINVAL;
    return -RF_EOPNOTSUPP;
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

/* cap_inode_setxattr, cap_inode_removexattr (security/commoncap.c): value NULL removes. */
static int64_t check_security(struct rf_kernel *k, struct rf_inode *inode, const char *name, const uint8_t *value,
                              size_t size)
{
    if (!begins(name, "security."))
        return 0;
    if (strcmp(name, "security.capability") != 0)
        return rf_capable(k, RF_CAP_SYS_ADMIN) ? 0 : -RF_EPERM;
    if (value && (size != 20 && size != 24)) /* struct vfs_cap_data, revisions 2 and 3 */
        return -RF_EINVAL;
    return rf_capable_for(k, inode, RF_CAP_SETFCAP) ? 0 : -RF_EPERM;
}

/* What the call works on: released by `drop`. */
struct subject {
    struct rf_inode *inode;
    struct rf_dentry *dentry; /* NULL: a file without a name */
    bool referenced;
};

static int64_t find(struct rf_kernel *k, uint64_t what, enum form form, struct subject *out)
{
    *out = (struct subject){ 0 };
    if (form == DESCRIPTOR) {
        struct rf_file *file = rf_fd_file(k, (int)what);
        if (!file)
            return -RF_EBADF;
        out->inode = file->inode;
        out->dentry = file->dentry;
        return 0;
    }
    char path[RF_PATH_MAX];
    int64_t error = rf_path_from_user(k, path, what, false);
    if (!error)
        error = rf_path_lookup(k, RF_AT_FDCWD, path, form == FOLLOW ? RF_WALK_FOLLOW : 0, &out->dentry);
    if (error)
        return error;
    out->inode = out->dentry->inode;
    out->referenced = true;
    return 0;
}

static void done_with(struct rf_kernel *k, struct subject *subject)
{
    if (subject->referenced)
        rf_dentry_put(k, subject->dentry);
}

/* value NULL removes. */
static int64_t change(struct rf_kernel *k, const struct subject *subject, const char *name, const void *value,
                      size_t size, uint32_t flags)
{
    struct rf_inode *inode = subject->inode;
    if (inode->mount->read_only || rf_has_mount_flag(subject->dentry, RF_MS_RDONLY))
        return -RF_EROFS;
    int64_t error = check_rights(k, inode, name, WRITE);
    if (!error && !inode->ops->setxattr)
        return -RF_EOPNOTSUPP;
    if (!error)
        error = check_kind(name);
    if (!error)
        error = check_security(k, inode, name, value, size);
    if (!error)
        error = inode->ops->setxattr(k, inode, name, value, size, flags);
    if (!error && subject->dentry)
        rf_notify(k, subject->dentry, RF_IN_ATTRIB);
    return error;
}

static int64_t set(struct rf_kernel *k, const uint64_t a[6], enum form form)
{
    char name[RF_XATTR_NAME_MAX + 1];
    struct subject subject;
    if ((uint32_t)a[4] & ~(uint32_t)(RF_XATTR_CREATE | RF_XATTR_REPLACE))
        return -RF_EINVAL;
    int64_t error = get_name(k, a[1], name);
    if (error)
        return error;
    if (a[3] > RF_XATTR_SIZE_MAX)
        return -RF_E2BIG;
    uint8_t *value = rf_kalloc(k, a[3] ? a[3] : 1);
    if (!value)
        return -RF_ENOMEM;
    error = rf_copy_from_user(k, value, a[2], a[3]);
    if (!error)
        error = find(k, a[0], form, &subject);
    if (!error) {
        error = change(k, &subject, name, value, a[3], (uint32_t)a[4]);
        done_with(k, &subject);
    }
    rf_kfree(k, value);
    return error;
}

static int64_t drop(struct rf_kernel *k, const uint64_t a[6], enum form form)
{
    char name[RF_XATTR_NAME_MAX + 1];
    struct subject subject;
    int64_t error = get_name(k, a[1], name);
    if (!error)
        error = find(k, a[0], form, &subject);
    if (error)
        return error;
    error = change(k, &subject, name, NULL, 0, 0);
    done_with(k, &subject);
    return error;
}

/* The answer of `ask` in the user's buffer; size 0 asks for its length. */
static int64_t answer(struct rf_kernel *k, uint64_t user, uint64_t size, const struct subject *subject, const char *name,
                      int64_t (*ask)(struct rf_kernel *k, struct rf_inode *inode, const char *name, char *out, size_t size))
{
    size_t room = size < RF_XATTR_SIZE_MAX ? size : RF_XATTR_SIZE_MAX;
    char *buffer = rf_kalloc(k, room ? room : 1);
    if (!buffer)
        return -RF_ENOMEM;
    int64_t result = ask(k, subject->inode, name, buffer, room);
    if (result > 0 && room && rf_copy_to_user(k, user, buffer, (size_t)result))
        result = -RF_EFAULT;
    if (result == -RF_ERANGE && room == RF_XATTR_SIZE_MAX)
        result = -RF_E2BIG; /* more than any buffer could hold */
    rf_kfree(k, buffer);
    return result;
}

static int64_t ask_value(struct rf_kernel *k, struct rf_inode *inode, const char *name, char *out, size_t size)
{
    int64_t error = check_rights(k, inode, name, READ);
    if (error)
        return error;
    error = inode->ops->getxattr ? check_kind(name) : -RF_EOPNOTSUPP;
    return error ? error : inode->ops->getxattr(k, inode, name, out, size);
}

/* Names that only an administrator sees are taken out (simple_xattr_list). */
static int64_t hide_trusted(struct rf_kernel *k, char *names, int64_t length)
{
    int64_t kept = 0;
    if (rf_capable(k, RF_CAP_SYS_ADMIN))
        return length;
    for (int64_t at = 0; at < length;) {
        size_t size = strlen(names + at) + 1;
        if (!begins(names + at, "trusted.")) {
            memmove(names + kept, names + at, size);
            kept += (int64_t)size;
        }
        at += (int64_t)size;
    }
    return kept;
}

static int64_t ask_names(struct rf_kernel *k, struct rf_inode *inode, const char *name, char *out, size_t size)
{
    (void)name;
    if (!inode->ops->listxattr)
        return 0;
    char *all = rf_kalloc(k, RF_XATTR_LIST_MAX);
    if (!all)
        return -RF_ENOMEM;
    int64_t length = inode->ops->listxattr(k, inode, all, RF_XATTR_LIST_MAX);
    if (length == -RF_ERANGE)
        length = -RF_E2BIG;
    if (length > 0)
        length = hide_trusted(k, all, length);
    if (length > 0 && size && (size_t)length > size)
        length = -RF_ERANGE;
    if (length > 0 && size)
        memcpy(out, all, (size_t)length);
    rf_kfree(k, all);
    return length;
}

static int64_t get(struct rf_kernel *k, const uint64_t a[6], enum form form)
{
    char name[RF_XATTR_NAME_MAX + 1];
    struct subject subject;
    int64_t error = get_name(k, a[1], name);
    if (!error)
        error = find(k, a[0], form, &subject);
    if (error)
        return error;
    int64_t result = answer(k, a[2], a[3], &subject, name, ask_value);
    done_with(k, &subject);
    return result;
}

static int64_t list(struct rf_kernel *k, const uint64_t a[6], enum form form)
{
    struct subject subject;
    int64_t error = find(k, a[0], form, &subject);
    if (error)
        return error;
    int64_t result = answer(k, a[1], a[2], &subject, NULL, ask_names);
    done_with(k, &subject);
    return result;
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

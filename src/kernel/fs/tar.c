/* Archives as file systems: tar, cpio and zip, also compressed, are read by libarchive into a tmpfs of their own.
 *
 * Names are walked inside that tmpfs from its root, without following links: "..", or a name below something that is
 * no directory, makes the archive one that cannot be mounted. What is written later stays in the machine's memory. */
#include "kernel/fs/image.h"
#include "kernel/vfs/fstype.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 65536u
#define XATTR_SIZE_MAX 65536u

struct input { /* libarchive reads the image through these */
    int fd;
    uint64_t at, size;
    uint8_t block[BLOCK];
};

struct times { /* of directories: set when everything is in them */
    struct rf_inode *inode;
    struct rf_timespec mtime;
};

struct unpack {
    struct rf_kernel *k;
    struct rf_mount *mount;
    const char *path; /* of the image, for messages */
    struct rf_error *err;
    struct times *directories;
    size_t count, room;
};

/* --- reading the image --- */

static la_ssize_t read_block(struct archive *archive, void *user, const void **out)
{
    struct input *in = user;
    ssize_t n;
    do
        n = pread(in->fd, in->block, BLOCK, (off_t)in->at);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        archive_set_error(archive, errno, "cannot be read");
    else
        in->at += (uint64_t)n;
    *out = in->block;
    return n;
}

static la_int64_t seek(struct archive *archive, void *user, la_int64_t offset, int whence)
{
    struct input *in = user;
    int64_t base = whence == SEEK_CUR ? (int64_t)in->at : whence == SEEK_END ? (int64_t)in->size : 0, target;
    (void)archive;
    if (__builtin_add_overflow(base, offset, &target) || target < 0 || (uint64_t)target > in->size)
        return ARCHIVE_FATAL;
    in->at = (uint64_t)target;
    return target;
}

/* What the library can decompress itself: filters that would run programs are left out. */
static struct archive *open_archive(struct input *in)
{
    struct archive *archive = archive_read_new();
    if (!archive)
        return NULL;
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_lzma(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_filter_lz4(archive);
    archive_read_support_filter_compress(archive);
    archive_read_support_format_tar(archive);
    archive_read_support_format_cpio(archive);
    archive_read_support_format_zip(archive);
    archive_read_set_read_callback(archive, read_block);
    archive_read_set_seek_callback(archive, seek);
    archive_read_set_callback_data(archive, in);
    return archive;
}

/* --- where things go --- */

static bool refuse(struct unpack *u, const char *name, int64_t result)
{
    const char *text = result == -RF_ENOTDIR ? "lies below something that is no directory"
                       : result == -RF_EPERM ? "leads out of the archive"
                       : result == -RF_ENOENT ? "is a link to a name that is not there"
                       : result == -RF_ENAMETOOLONG ? "is too long"
                       : result == -RF_ENOSPC || result == -RF_ENOMEM ? "does not fit into the machine's memory"
                                                                      : rf_errno_text((int)-result);
    rf_status status = result == -RF_ENOSPC || result == -RF_ENOMEM ? RF_ERR_NO_MEMORY : RF_ERR_FORMAT;
    rf_error_set(u->err, status, "%s: \"%s\" %s", u->path, name, text ? text : "cannot be made");
    return false;
}

/* The next component: its length in *length; 0 at the end. "." is passed over. */
static const char *component(const char *at, size_t *length)
{
    for (;;) {
        at += strspn(at, "/");
        *length = strcspn(at, "/");
        if (*length != 1 || *at != '.')
            return at;
        at++;
    }
}

static int64_t enter(struct unpack *u, struct rf_inode **dir, const char *name, bool make)
{
    struct rf_kernel *k = u->k;
    struct rf_inode *child;
    int64_t result = (*dir)->ops->lookup(k, *dir, name, &child);
    if (result == -RF_ENOENT && make)
        result = (*dir)->ops->create(k, *dir, name, RF_S_IFDIR | 0755, 0, &child);
    if (result)
        return result;
    rf_inode_put(k, *dir);
    *dir = child;
    return RF_S_ISDIR(child->mode) ? 0 : -RF_ENOTDIR;
}

/* The directory of a path, referenced, and the last component; "" for the root itself. make: parents that the archive
 * does not have. */
static int64_t walk(struct unpack *u, const char *path, bool make, struct rf_inode **out, char last[RF_NAME_MAX + 1])
{
    struct rf_inode *dir = u->mount->root->inode;
    rf_inode_get(dir);
    size_t length, next_length;
    const char *at = component(path, &length);
    int64_t result = 0;
    last[0] = '\0';
    while (length && !result) {
        if (length > RF_NAME_MAX)
            result = -RF_ENAMETOOLONG;
        else if (length == 2 && !strncmp(at, "..", 2))
            result = -RF_EPERM;
        if (result)
            break;
        memcpy(last, at, length);
        last[length] = '\0';
        at = component(at + length, &next_length);
        if (!next_length)
            break;
        result = enter(u, &dir, last, make);
        length = next_length;
    }
    if (result)
        rf_inode_put(u->k, dir);
    else
        *out = dir;
    return result;
}

/* --- making --- */

static int64_t set_attributes(struct unpack *u, struct rf_inode *inode, struct archive_entry *entry)
{
    struct rf_timespec mtime = { archive_entry_mtime(entry), archive_entry_mtime_nsec(entry) };
    struct rf_attributes change = {
        .mask = RF_ATTR_MODE | RF_ATTR_UID | RF_ATTR_GID | RF_ATTR_MTIME | RF_ATTR_ATIME,
        .mode = archive_entry_perm(entry) & RF_S_IALLUGO,
        .uid = (uint32_t)archive_entry_uid(entry),
        .gid = (uint32_t)archive_entry_gid(entry),
        .mtime = mtime,
        .atime = archive_entry_atime_is_set(entry)
                     ? (struct rf_timespec){ archive_entry_atime(entry), archive_entry_atime_nsec(entry) } : mtime,
    };
    if (RF_S_ISLNK(inode->mode))
        change.mask &= ~(uint32_t)RF_ATTR_MODE;
    return inode->ops->setattr(u->k, inode, &change);
}

static int64_t set_xattrs(struct unpack *u, struct rf_inode *inode, struct archive_entry *entry)
{
    const char *name;
    const void *value;
    size_t size;
    archive_entry_xattr_reset(entry);
    while (inode->ops->setxattr && archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        if (!name || strlen(name) > 255 || size > XATTR_SIZE_MAX)
            return -RF_E2BIG;
        int64_t error = inode->ops->setxattr(u->k, inode, name, size ? value : "", size, 0);
        if (error)
            return error;
    }
    return 0;
}

static int64_t write_all(struct rf_kernel *k, struct rf_file *file, const void *bytes, size_t size, uint64_t offset)
{
    while (size) {
        struct rf_uio uio;
        rf_uio_kernel(&uio, k, (void *)(uintptr_t)bytes, size);
        int64_t n = rf_file_write(k, file, &uio, &offset);
        if (n <= 0)
            return n ? n : -RF_ENOSPC;
        bytes = (const uint8_t *)bytes + n;
        size -= (size_t)n;
    }
    return 0;
}

/* 1: libarchive has a message. */
static int64_t write_data(struct unpack *u, struct archive *archive, struct rf_inode *inode, struct archive_entry *entry)
{
    struct rf_file *file = rf_file_alloc(u->k, inode->file_ops, inode, NULL, RF_O_WRONLY);
    if (!file)
        return -RF_ENOMEM;
    const void *bytes;
    size_t size;
    la_int64_t offset;
    int status;
    int64_t result = 0;
    while (!result && (status = archive_read_data_block(archive, &bytes, &size, &offset)) != ARCHIVE_EOF) {
        if (status < ARCHIVE_WARN)
            result = 1;
        else if (offset < 0)
            result = -RF_EUCLEAN;
        else
            result = write_all(u->k, file, bytes, size, (uint64_t)offset);
    }
    rf_file_put(u->k, file);
    uint64_t whole = archive_entry_size_is_set(entry) ? (uint64_t)archive_entry_size(entry) : inode->size;
    if (!result && whole > inode->size) { /* a hole at the end */
        struct rf_attributes change = { .mask = RF_ATTR_SIZE, .size = whole };
        result = inode->ops->setattr(u->k, inode, &change);
    }
    return result;
}

/* A name that is there already: directories stay, all else makes room. */
static int64_t make_room(struct unpack *u, struct rf_inode *dir, const char *name, bool directory, struct rf_inode **out)
{
    struct rf_inode *old;
    *out = NULL;
    if (dir->ops->lookup(u->k, dir, name, &old))
        return 0;
    if (directory && RF_S_ISDIR(old->mode)) {
        *out = old;
        return 0;
    }
    int64_t result = dir->ops->remove(u->k, dir, name, old);
    rf_inode_put(u->k, old);
    return result;
}

static int64_t make_link(struct unpack *u, struct rf_inode *dir, const char *name, const char *target, struct rf_inode **out)
{
    char last[RF_NAME_MAX + 1];
    struct rf_inode *target_dir;
    int64_t result = walk(u, target, false, &target_dir, last);
    if (result)
        return result;
    result = last[0] ? target_dir->ops->lookup(u->k, target_dir, last, out) : -RF_EISDIR;
    rf_inode_put(u->k, target_dir);
    if (result)
        return result;
    struct rf_inode *old;
    if (RF_S_ISDIR((*out)->mode))
        result = -RF_EISDIR;
    else if (dir->ops->lookup(u->k, dir, name, &old) == 0) {
        bool same = old == *out; /* a link to itself */
        rf_inode_put(u->k, old);
        if (same)
            return 0;
        result = make_room(u, dir, name, false, &old);
    }
    if (!result)
        result = dir->ops->link(u->k, dir, name, *out);
    if (result)
        rf_inode_put(u->k, *out);
    return result;
}

static int64_t make(struct unpack *u, struct rf_inode *dir, const char *name, struct archive_entry *entry,
                    struct rf_inode **out)
{
    uint32_t mode = archive_entry_mode(entry);
    if (!rf_image_mode_ok(mode))
        mode = RF_S_IFREG | (mode & RF_S_IALLUGO);
    int64_t result = make_room(u, dir, name, RF_S_ISDIR(mode), out);
    if (result || *out)
        return result;
    if (RF_S_ISLNK(mode)) {
        const char *target = archive_entry_symlink(entry);
        if (!target || !*target || strlen(target) >= RF_PATH_MAX)
            return -RF_ENAMETOOLONG;
        return dir->ops->symlink(u->k, dir, name, target, out);
    }
    uint64_t major = archive_entry_rdevmajor(entry) & 0xfff, minor = archive_entry_rdevminor(entry) & 0xfffff;
    uint64_t device = (minor & 0xff) | major << 8 | (minor & ~UINT64_C(0xff)) << 12;
    return dir->ops->create(u->k, dir, name, mode, RF_S_ISCHR(mode) || RF_S_ISBLK(mode) ? device : 0, out);
}

static bool remember(struct unpack *u, struct rf_inode *inode)
{
    if (u->count == u->room) {
        size_t room = u->room ? u->room * 2 : 64;
        struct times *grown = realloc(u->directories, room * sizeof *grown);
        if (!grown)
            return false;
        u->directories = grown;
        u->room = room;
    }
    rf_inode_get(inode);
    u->directories[u->count++] = (struct times){ inode, inode->mtime };
    return true;
}

static bool failed(struct unpack *u, struct archive *archive)
{
    const char *text = archive_error_string(archive);
    rf_error_set(u->err, RF_ERR_FORMAT, "%s is damaged: %s", u->path, text ? text : "no archive");
    return false;
}

static bool unpack_entry(struct unpack *u, struct archive *archive, struct archive_entry *entry)
{
    char name[RF_NAME_MAX + 1];
    struct rf_inode *dir, *inode = NULL;
    const char *path = archive_entry_pathname(entry), *link = archive_entry_hardlink(entry);
    if (!path)
        path = archive_entry_pathname_utf8(entry);
    if (!path)
        return refuse(u, "?", -RF_EILSEQ);
    int64_t result = walk(u, path, true, &dir, name);
    if (result)
        return refuse(u, path, result);
    if (!name[0]) { /* the root */
        inode = u->mount->root->inode;
        rf_inode_get(inode);
    } else {
        result = link ? make_link(u, dir, name, link, &inode) : make(u, dir, name, entry, &inode);
    }
    rf_inode_put(u->k, dir);
    if (result)
        return refuse(u, path, result);
    if (RF_S_ISREG(inode->mode) && (!link || archive_entry_size(entry) > 0))
        result = write_data(u, archive, inode, entry);
    if (!result && !link)
        result = set_xattrs(u, inode, entry);
    if (!result && !link)
        result = set_attributes(u, inode, entry);
    if (!result && RF_S_ISDIR(inode->mode) && !remember(u, inode))
        result = -RF_ENOMEM;
    rf_inode_put(u->k, inode);
    return result == 1 ? failed(u, archive) : result ? refuse(u, path, result) : true;
}

static void set_directory_times(struct unpack *u)
{
    for (size_t i = 0; i < u->count; i++) {
        u->directories[i].inode->mtime = u->directories[i].mtime;
        rf_inode_put(u->k, u->directories[i].inode);
    }
    free(u->directories);
}

static bool unpack_all(struct unpack *u, struct archive *archive)
{
    struct archive_entry *entry;
    for (;;) {
        int status = archive_read_next_header(archive, &entry);
        if (status == ARCHIVE_EOF)
            return true;
        if (status < ARCHIVE_WARN)
            return failed(u, archive);
        if (!unpack_entry(u, archive, entry))
            return false;
    }
}

static struct rf_mount *open_image(struct rf_kernel *k, const struct rf_image *image, struct rf_error *err)
{
    if (image->writable) {
        rf_error_set(err, RF_ERR_UNSUPPORTED, "%s is an archive: changes can only stay in memory (:overlay)", image->path);
        return NULL;
    }
    struct input *in = calloc(1, sizeof *in);
    struct archive *archive = in ? open_archive(in) : NULL;
    struct unpack u = { .k = k, .path = image->path, .err = err, .mount = rf_tmpfs_create(k, "tmpfs", 0755) };
    bool ok = archive && u.mount;
    if (!ok) {
        rf_error_set(err, RF_ERR_NO_MEMORY, "%s: no memory", image->path);
    } else {
        in->fd = image->fd;
        in->size = image->size;
        ok = archive_read_open1(archive) == ARCHIVE_OK ? unpack_all(&u, archive) : failed(&u, archive);
    }
    set_directory_times(&u);
    if (archive)
        archive_read_free(archive);
    free(in);
    if (ok) {
        close(image->fd);
        return u.mount;
    }
    rf_mount_free(k, u.mount);
    return NULL;
}

/* --- recognising --- */

struct magic {
    uint32_t offset, length;
    const char *bytes;
};
static const struct magic magics[] = {
    { 257, 5, "ustar" },   { 0, 6, "070701" },          { 0, 6, "070702" },      { 0, 6, "070707" },
    { 0, 4, "PK\3\4" },    { 0, 2, "\x1f\x8b" },        { 0, 3, "BZh" },         { 0, 6, "\xfd" "7zXZ\0" },
    { 0, 4, "\x28\xb5\x2f\xfd" }, { 0, 4, "\x04\x22\x4d\x18" }, { 0, 2, "\x1f\x9d" },  { 0, 3, "\x5d\0\0" },
};

/* Archives from before "ustar": the header's sum is right. */
static bool is_old_tar(const uint8_t *head, uint64_t size)
{
    unsigned sum = 0, given = 0;
    if (size < 512 || !head[0])
        return false;
    for (unsigned i = 0; i < 512; i++)
        sum += i >= 148 && i < 156 ? ' ' : head[i];
    for (unsigned i = 148; i < 156 && (head[i] == ' ' || (head[i] >= '0' && head[i] <= '7')); i++)
        given = head[i] == ' ' ? given : given * 8 + (head[i] - '0');
    return sum == given;
}

static bool is_image(const uint8_t *head, uint64_t size)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(magics); i++)
        if (size >= magics[i].offset + magics[i].length &&
            !memcmp(head + magics[i].offset, magics[i].bytes, magics[i].length))
            return true;
    return is_old_tar(head, size);
}

/* Not a name for mount(2): what is made is a tmpfs. */
const struct rf_fs_type rf_archive_type = { .name = "archive", .is_image = is_image, .open_image = open_image };

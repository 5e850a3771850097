/* The kinds of file systems that there are, and which of them an image of the host holds. */
#include "kernel/vfs/fstype.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 70000 /* the superblocks that lie furthest from the start: ISO 9660's at 32 KiB, btrfs' at 64 KiB */

extern const struct rf_fs_type rf_tmpfs_type, rf_procfs_type, rf_overlay_type, rf_ext4_type, rf_ext3_type, rf_ext2_type,
    rf_devpts_type, rf_sysfs_type, rf_xfs_type, rf_squashfs_type, rf_archive_type;

const struct rf_fs_type *const rf_fs_types[] = {
    &rf_tmpfs_type,
    &rf_procfs_type,
    &rf_overlay_type,
    &rf_devpts_type,
    &rf_sysfs_type,
    &rf_ext4_type,
    &rf_ext3_type,
    &rf_ext2_type,
    &rf_xfs_type,
    &rf_squashfs_type,
    &rf_archive_type,
    NULL,
};

const struct rf_fs_type *rf_fs_type_find(const char *name)
{
    for (const struct rf_fs_type *const *type = rf_fs_types; *type; type++)
        if (strcmp((*type)->name, name) == 0)
            return *type;
    return NULL;
}

static rf_status refused(struct rf_error *err, const char *path)
{
    rf_status status = errno == ENOENT ? RF_ERR_NOT_FOUND : errno == EACCES || errno == EPERM || errno == EROFS
                                       ? RF_ERR_PERMISSION : RF_ERR_IO;
    return rf_error_set(err, status, "%s: %s", path, strerror(errno));
}

static const struct rf_fs_type *recognise(const struct rf_image *image, struct rf_error *err)
{
    uint8_t *head = malloc(HEAD_BYTES);
    if (!head) {
        rf_error_set(err, RF_ERR_NO_MEMORY, "%s: no memory", image->path);
        return NULL;
    }
    ssize_t got = pread(image->fd, head, HEAD_BYTES, 0);
    const struct rf_fs_type *found = NULL;
    for (const struct rf_fs_type *const *type = rf_fs_types; got >= 0 && *type && !found; type++)
        if ((*type)->open_image && (*type)->is_image(head, (uint64_t)got))
            found = *type;
    if (got < 0)
        refused(err, image->path);
    else if (!found)
        rf_error_set(err, RF_ERR_FORMAT, "%s is no file system image or archive that can be mounted", image->path);
    free(head);
    return found;
}

struct rf_mount *rf_image_open(struct rf_kernel *k, const char *host_path, bool writable, struct rf_error *err)
{
    struct rf_image image = { .path = host_path, .writable = writable };
    struct rf_mount *mount = NULL;
    struct stat st;
    image.fd = open(host_path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (image.fd < 0 || fstat(image.fd, &st)) {
        refused(err, host_path);
    } else if (!S_ISREG(st.st_mode)) {
        rf_error_set(err, RF_ERR_ARGUMENT, "%s is not a regular file", host_path);
    } else {
        image.size = (uint64_t)st.st_size;
        const struct rf_fs_type *type = recognise(&image, err);
        mount = type ? type->open_image(k, &image, err) : NULL;
    }
    if (!mount && image.fd >= 0)
        close(image.fd);
    return mount;
}

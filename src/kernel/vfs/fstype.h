/* Kinds of file systems: what mount(2) and the machine's owner can mount by name.
 *
 * A driver is one file with a constant struct rf_fs_type, and one line in fs/types.c. */
#ifndef RF_KERNEL_VFS_FSTYPE_H
#define RF_KERNEL_VFS_FSTYPE_H

#include "base/error.h"
#include "kernel/vfs/inode.h"

enum {
    RF_FS_DEVICE = 1, /* lives on a block device: without "nodev" in /proc/filesystems, and wants a source */
    RF_FS_USER = 2,   /* may be mounted by the root of a user namespace (FS_USERNS_MOUNT) */
};

/* A file of the host that holds a file system or an archive. The driver owns fd on success, and reads and writes
 * it with pread and pwrite alone: it is never trusted to be what it claims. */
struct rf_image {
    int fd;
    const char *path; /* as the owner named it, for messages */
    bool writable;
    uint64_t size;
};

struct rf_fs_type {
    const char *name;
    uint32_t flags;
    /* mount(2): source and options are texts, "" for none. *out: its root is set, it is not yet seen anywhere; the
     * caller sets source, read_only and user. NULL: mount(2) knows the type, but cannot mount one: -RF_ENODEV. */
    int64_t (*mount)(struct rf_kernel *k, const char *source, const char *options, struct rf_mount **out);
    /* Do the first bytes of an image look like this kind? head: 70,000 bytes, or what there is. NULL: not an image. */
    bool (*is_image)(const uint8_t *head, uint64_t size);
    /* Open one: NULL with err filled, and fd still the caller's. Corrupt images are RF_ERR_FORMAT with what is wrong. */
    struct rf_mount *(*open_image)(struct rf_kernel *k, const struct rf_image *image, struct rf_error *err);
};

extern const struct rf_fs_type *const rf_fs_types[]; /* ends with NULL */
const struct rf_fs_type *rf_fs_type_find(const char *name); /* NULL: -RF_ENODEV */
/* Open a host file as whatever it is: NULL with err filled ("... is no file system or archive that can be mounted"). */
struct rf_mount *rf_image_open(struct rf_kernel *k, const char *host_path, bool writable, struct rf_error *err);

#endif

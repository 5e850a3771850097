/* The virtual file system: inodes, open files, descriptor tables, path walking.
 *
 * Drivers (tmpfs, hostfs, devfs, pipes, ttys) fill in operation tables; everything above
 * them is the same for all. Results are counts, or -errno (RF_E*). */
#ifndef RF_KERNEL_VFS_VFS_H
#define RF_KERNEL_VFS_VFS_H

#include "kernel/kernel.h"
#include "kernel/task/session.h"

#include <ringfort/machine.h>

/* Where the bytes of a read or write are: user iovecs (direct user memory) or one kernel
 * buffer. Drivers consume it with rf_uio_put / rf_uio_get. */
struct rf_uio {
    struct rf_kernel *k;
    struct rf_iovec *iov;  /* user addresses; NULL when kernel is used */
    unsigned count, index;
    uint64_t offset;       /* into iov[index], or into kernel */
    uint8_t *kernel;
    uint64_t left;         /* bytes not yet transferred */
    uint64_t moved;        /* to or from user memory */
};
/* Copy to (put) or from (get) the uio; returns bytes moved, fewer than n only if user memory
 * refused (0 then means -RF_EFAULT to the caller when nothing was moved before), or if much has
 * been moved and rf_must_end_soon: the call then returns its short count as it does at a fault. */
size_t rf_uio_put(struct rf_uio *uio, const void *data, size_t n);
size_t rf_uio_get(struct rf_uio *uio, void *data, size_t n);
size_t rf_uio_zero(struct rf_uio *uio, size_t n); /* put zeros */
void rf_uio_skip(struct rf_uio *uio, uint64_t n); /* what an earlier run has transferred */
/* One user buffer: 0 or -RF_EFAULT (outside user space). iov is the caller's storage. */
int rf_uio_user(struct rf_uio *uio, struct rf_kernel *k, struct rf_iovec *iov, uint64_t address,
                uint64_t size);
void rf_uio_kernel(struct rf_uio *uio, struct rf_kernel *k, void *buffer, uint64_t size);
/* A user iovec array: 0, -RF_EINVAL, -RF_EFAULT, -RF_ENOMEM. Release with rf_uio_free. */
int rf_uio_import(struct rf_uio *uio, struct rf_kernel *k, uint64_t user, uint64_t count);
void rf_uio_free(struct rf_uio *uio);
/* Is [address, address + size) within user space? */
bool rf_user_range_ok(uint64_t address, uint64_t size);

struct rf_fd_table;
struct rf_poll_request; /* vfs/poll.h: collects the wait queues to sleep on */

struct rf_file_ops {
    int64_t (*read)(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos);
    int64_t (*write)(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos);
    int64_t (*seek)(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence);
    int64_t (*ioctl)(struct rf_kernel *k, struct rf_file *file, uint32_t command, uint64_t argument);
    /* Ready events now (RF_POLL*); queues that announce changes are added to request when
     * it is not NULL. */
    uint32_t (*poll)(struct rf_kernel *k, struct rf_file *file, struct rf_poll_request *request);
    /* Calls emit for each entry from file->pos on (pos is the driver's own cursor) until it
     * returns false. */
    int64_t (*readdir)(struct rf_kernel *k, struct rf_file *file,
                       bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos),
                       void *user);
    /* A descriptor of it goes from a table (close, or the table's end). */
    void (*flush)(struct rf_kernel *k, struct rf_file *file, const struct rf_fd_table *table);
    void (*release)(struct rf_kernel *k, struct rf_file *file); /* last reference gone */
    int64_t (*fsync)(struct rf_kernel *k, struct rf_file *file); /* NULL: nothing to do */
    /* A mapping of the file has come to be (also by a cut or fork), or is gone: System V shared memory. */
    void (*mapped)(struct rf_kernel *k, struct rf_file *file);
    void (*unmapped)(struct rf_kernel *k, struct rf_file *file);
    const char *anonymous; /* of rf_anonymous_file: what /proc/self/fd calls it */
};

/* What an open file allows; RF_FMODE_STREAM files have no position (ESPIPE). */
enum {
    RF_FMODE_READ = 1,
    RF_FMODE_WRITE = 2,
    RF_FMODE_PATH = 4,   /* O_PATH: a name only */
    RF_FMODE_STREAM = 8,
    RF_FMODE_WRITER = 16, /* counted in the inode's writers */
};

/* An open file description. */
struct rf_file {
    const struct rf_file_ops *ops;
    struct rf_inode *inode;   /* never NULL */
    struct rf_dentry *dentry; /* NULL for pipes and the like */
    uint32_t references;
    uint32_t flags;           /* RF_O_* status flags */
    uint32_t mode;            /* RF_FMODE_*: what may be done with it */
    uint64_t pos;
    void *private_data;
    int host_fd;              /* -1 when there is none */
    struct rf_epoll_item *epoll_items; /* interest in it (fs/epoll.c) */
    struct rf_async *async;   /* whom to signal; NULL: never asked for (vfs/async.c) */
};

/* --- files and descriptors (vfs/file.c, vfs/fdtable.c) --- */
void rf_file_get(struct rf_file *file);
void rf_file_put(struct rf_kernel *k, struct rf_file *file);
/* A new description with one reference; takes its own references on inode and dentry (which
 * may be NULL). The driver's open has not been called. NULL: no memory. */
struct rf_file *rf_file_alloc(struct rf_kernel *k, const struct rf_file_ops *ops,
                              struct rf_inode *inode, struct rf_dentry *dentry, uint32_t flags);
/* Reads and writes with every check that Linux makes; pos NULL = the file's own position. */
int64_t rf_file_read(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos);
int64_t rf_file_write(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos);
int64_t rf_file_seek(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence);
/* Write changed pages of shared mappings and the host's buffers out: fsync, msync. */
int64_t rf_file_sync(struct rf_kernel *k, struct rf_file *file);

/* One per set of threads that share descriptors. */
struct rf_fd {
    struct rf_file *file; /* NULL: free */
    bool close_on_exec;
};
struct rf_fd_table {
    uint32_t references;
    uint32_t capacity;
    uint32_t lowest; /* no descriptor below is free */
    struct rf_fd *fds;
};

struct rf_fd_table *rf_fd_table_create(struct rf_kernel *k);
struct rf_fd_table *rf_fd_table_copy(struct rf_kernel *k, struct rf_fd_table *table); /* fork */
void rf_fd_table_get(struct rf_fd_table *table);
void rf_fd_table_put(struct rf_kernel *k, struct rf_fd_table *table); /* closes all at the last */
void rf_fd_close_on_exec(struct rf_kernel *k, struct rf_fd_table *table);
/* The current task's file at fd (no reference taken; valid until the handler returns), or NULL. */
struct rf_file *rf_fd_file(struct rf_kernel *k, int fd);
/* The same, O_PATH files included. */
struct rf_file *rf_fd_file_or_path(struct rf_kernel *k, int fd);
/* Lowest free descriptor >= min in the current task; consumes the reference. -errno: kept. */
int64_t rf_fd_install(struct rf_kernel *k, struct rf_file *file, int min, bool close_on_exec);
/* The two descriptors that rf_fd_install would give next, without giving them; -RF_EMFILE: fewer can be had, and those
 * that cannot are -1. */
int64_t rf_fd_next(struct rf_kernel *k, int32_t fds[2]);
/* Make fd refer to file, closing what it was; consumes the reference. -errno: kept. */
int64_t rf_fd_replace(struct rf_kernel *k, struct rf_file *file, int fd, bool close_on_exec);
int64_t rf_fd_close(struct rf_kernel *k, int fd);
/* Undo rf_fd_install: the file stays as if it had never been there (a close drops locks). */
void rf_fd_take_back(struct rf_kernel *k, int fd);

/* --- working directory, root, umask (vfs/context.c) --- */
struct rf_fs_context {
    uint32_t references;
    uint32_t umask;
    struct rf_dentry *root, *cwd;
};
struct rf_fs_context *rf_fs_context_create(struct rf_kernel *k); /* at the root of the root mount */
struct rf_fs_context *rf_fs_context_copy(struct rf_kernel *k, struct rf_fs_context *fs);
bool rf_fs_is_at_root(const struct rf_kernel *k, const struct rf_fs_context *fs); /* no chroot */
void rf_fs_context_get(struct rf_fs_context *fs);
void rf_fs_context_put(struct rf_kernel *k, struct rf_fs_context *fs);
int64_t rf_fs_chdir(struct rf_kernel *k, struct rf_fs_context *fs, const char *path);

/* --- opening by path in the current task's name (vfs/open.c) --- */
int64_t rf_vfs_open(struct rf_kernel *k, int dirfd, const char *path, uint32_t flags, uint32_t mode,
                    struct rf_file **out);
/* For execve and execveat (AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW): a regular file that the current
 * task may execute, whether or not it may read it, and that nobody has open for writing
 * (-RF_ETXTBSY). Never blocks. */
int64_t rf_vfs_open_exec(struct rf_kernel *k, int dirfd, const char *path, uint32_t at_flags,
                         struct rf_file **out);
/* Open an object that has been found; checks permission unless `created`. */
int64_t rf_dentry_open(struct rf_kernel *k, struct rf_dentry *dentry, uint32_t flags, bool created,
                       struct rf_file **out);
/* Contents at an offset into kernel memory: for exec. Bytes read, short at the end. */
int64_t rf_file_read_kernel(struct rf_kernel *k, struct rf_file *file, void *out, size_t size,
                            uint64_t offset);
uint64_t rf_file_size(struct rf_kernel *k, struct rf_file *file);
/* May the current task execute this file: 0, -RF_EACCES (also for non-regular files). */
int64_t rf_file_may_execute(struct rf_kernel *k, struct rf_file *file);
/* Set-user-ID and set-group-ID bits mean nothing there. */
bool rf_file_is_nosuid(const struct rf_file *file);
/* Nothing there may be executed. */
bool rf_file_is_noexec(const struct rf_file *file);
/* The absolute path of an open file, as /proc/self/exe shows it. Length or -errno. */
int64_t rf_file_path(struct rf_kernel *k, struct rf_file *file, char *out, size_t size);

/* --- mappings (vfs/file.c) --- */
/* The frame that holds file page `index`, with a reference added for the caller; for tmpfs
 * the page itself (shared mappings see writes), for hostfs a cached copy. -RF_ENODEV when
 * the file cannot be mapped, -RF_EFAULT past the end (SIGBUS), -RF_ENOMEM, -RF_EIO. */
int64_t rf_file_page(struct rf_kernel *k, struct rf_file *file, uint64_t index, uint64_t *pa);
/* 0 if mmap with this protection and sharing is allowed, -RF_EACCES, -RF_ENODEV. */
int64_t rf_file_may_map(struct rf_kernel *k, struct rf_file *file, uint32_t prot, bool shared);

/* --- the file system as a whole --- */
struct rf_vfs {
    struct rf_mount *mounts;      /* all file systems that were attached, in order */
    struct rf_mount_point *points; /* the places, until the first namespace takes them over */
    uint32_t last_mount_id;
    bool ending;
    struct rf_dentry *root;       /* of the root mount */
    struct rf_mount *memory;      /* internal: files of memfd_create */
    struct rf_mount *pipes;       /* internal: pipes, anonymous inodes, stdio */
    struct rf_hostfs_inode *host_inodes; /* live inodes of host directories */
    struct rf_inode *stdio[3];    /* passed-through host descriptors 0, 1, 2 */
    struct rf_inotify *watchers;       /* inotify descriptors */
    uint32_t watches, last_cookie; /* of all of them */
    uint64_t next_device;         /* st_dev numbers */
    struct rf_tty console;        /* who has the host's terminal, if a standard descriptor is one */
    struct rf_mount *terminals;   /* the first devpts: where /dev/ptmx without a place of its own belongs */
};

/* --- set-up by the machine (vfs/vfs.c) --- */
/* tmpfs root with /dev (null zero full random urandom tty), /tmp, /proc mount point. */
rf_status rf_vfs_create(struct rf_kernel *k, struct rf_error *err);
void rf_vfs_destroy(struct rf_kernel *k);
/* Show host directory (or file) host_path at guest_path, whose missing parents are made. */
rf_status rf_vfs_mount_host(struct rf_kernel *k, const char *host_path, const char *guest_path,
                            rf_mount_access access, struct rf_error *err);
/* The same for what an image or archive holds. */
rf_status rf_vfs_mount_image(struct rf_kernel *k, const char *host_path, const char *guest_path,
                             rf_mount_access access, struct rf_error *err);
/* Replace the root by a host directory or an image (before the first process). */
rf_status rf_vfs_mount_root(struct rf_kernel *k, const char *host_path, rf_mount_access access, struct rf_error *err);
/* rf_machine_find_program's work (vfs/search.c). */
rf_status rf_vfs_find_program(struct rf_kernel *k, const char *name, const char *list, char *out, size_t size,
                              struct rf_error *err);
/* Make one file with the given bytes visible (the program itself), mode 0755. */
rf_status rf_vfs_add_file(struct rf_kernel *k, const char *guest_path, const void *bytes, size_t size,
                          uint32_t mode, struct rf_error *err);
/* A file for a descriptor of the host process (stdio), not closed by us. */
struct rf_file *rf_vfs_host_stdio(struct rf_kernel *k, int host_fd, uint32_t flags);

#endif

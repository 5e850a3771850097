/* The file system drivers' entry points. */
#ifndef RF_KERNEL_FS_FS_H
#define RF_KERNEL_FS_FS_H

#include "kernel/vfs/inode.h"

/* --- pages.c: the page frames of a file by index; holes cost nothing --- */
struct rf_pages {
    uint64_t root;   /* a frame (height 0), or a node: host address */
    uint32_t height; /* levels of nodes */
    uint64_t count;  /* frames held */
};
uint64_t rf_pages_get(const struct rf_pages *pages, uint64_t index); /* 0: hole */
/* Put a frame (its reference is taken over) where a hole is. False: no memory. */
bool rf_pages_set(struct rf_kernel *k, struct rf_pages *pages, uint64_t index, uint64_t pa);
/* Release the frames of [first, end). */
void rf_pages_clear(struct rf_kernel *k, struct rf_pages *pages, uint64_t first, uint64_t end);
/* The lowest index >= from that holds a frame, UINT64_MAX if none. */
uint64_t rf_pages_next(const struct rf_pages *pages, uint64_t from);
/* Bytes of a frame from a uio, seen by code decoded from it. Returns bytes moved. */
size_t rf_frame_from_uio(struct rf_kernel *k, uint64_t pa, size_t offset, size_t n,
                         struct rf_uio *uio);
void rf_frame_zero(struct rf_kernel *k, uint64_t pa, size_t offset, size_t n);

/* --- tmpfs.c, tmpfs_data.c --- */
struct rf_mount *rf_tmpfs_create(struct rf_kernel *k, const char *type, uint32_t root_mode);

/* --- overlay.c --- */
/* What `lower` shows, with changes kept in memory: takes lower over, also on failure. NULL: no memory. */
struct rf_mount *rf_overlay_create(struct rf_kernel *k, struct rf_mount *lower);

/* --- hostfs.c: NULL with err filled --- */
struct rf_mount *rf_hostfs_create(struct rf_kernel *k, const char *host_path, bool writable,
                                  struct rf_error *err);
/* The machine ends: write back and close what is still held. */
void rf_hostfs_close_all(struct rf_kernel *k);

/* --- devfs.c --- */
/* Nodes and links of /dev in a directory. False: no memory. */
bool rf_devfs_populate(struct rf_kernel *k, struct rf_dentry *dev);
/* Open a character device: sets file->ops. -RF_ENXIO: no such device. */
int64_t rf_device_open(struct rf_kernel *k, struct rf_file *file);
int64_t rf_random_read(struct rf_kernel *k, struct rf_uio *uio);

/* --- sysfs.c --- */
struct rf_mount *rf_sysfs_create(struct rf_kernel *k);

/* --- procfs.c --- */
struct rf_mount *rf_procfs_create(struct rf_kernel *k);
/* It shows the processes of this namespace, with its numbers. */
struct rf_pid_namespace;
void rf_procfs_number(struct rf_mount *mount, struct rf_pid_namespace *pids);

/* --- pipe.c --- */
/* Both ends of a new pipe. */
int64_t rf_pipe_create(struct rf_kernel *k, uint32_t flags, struct rf_file *ends[2]);
/* Open a FIFO: sets file->ops; may be RF_BLOCKED. */
int64_t rf_fifo_open(struct rf_kernel *k, struct rf_file *file);
/* The call is over: if it was still waiting in the open of a FIFO, it no longer is. */
void rf_fifo_give_up(struct rf_kernel *k);
bool rf_file_is_pipe(const struct rf_file *file);
int64_t rf_pipe_size(struct rf_file *file);
int64_t rf_pipe_set_size(struct rf_kernel *k, struct rf_file *file, uint64_t size);
void rf_pipe_free(struct rf_kernel *k, struct rf_pipe *pipe);
int64_t rf_pipe_wait_filled(struct rf_kernel *k, struct rf_file *file, bool nonblock, bool *ended);
int64_t rf_pipe_wait_room(struct rf_kernel *k, struct rf_file *file, bool nonblock);
uint64_t rf_pipe_room(const struct rf_file *file);
size_t rf_pipe_peek(const struct rf_file *file, uint8_t *out, size_t size);
void rf_pipe_consume(struct rf_kernel *k, struct rf_file *file, size_t size);
int64_t rf_pipe_fill(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio);
bool rf_pipe_is_same(const struct rf_file *a, const struct rf_file *b);

/* --- stdio.c --- */
extern const struct rf_file_ops rf_stdio_ops;
int64_t rf_stdio_ioctl(struct rf_kernel *k, struct rf_file *file, uint32_t command,
                       uint64_t argument);
bool rf_stdio_is_tty(const struct rf_inode *inode);

/* --- anonymous.c: files that are kernel objects and have no name --- */
/* Takes private_data over, to be freed by the release operation; on failure it is freed here. */
int64_t rf_anonymous_file(struct rf_kernel *k, const struct rf_file_ops *ops, uint32_t flags,
                          void *private_data, struct rf_file **out);
/* noop_llseek: nothing to move, and no error. */
int64_t rf_anonymous_seek(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence);

/* --- timerfd.c --- */
struct rf_itimerspec;
int64_t rf_timerfd_create(struct rf_kernel *k, int clock, uint32_t flags, struct rf_file **out);
bool rf_file_is_timerfd(const struct rf_file *file);
void rf_timerfd_get(struct rf_kernel *k, struct rf_file *file, struct rf_itimerspec *out);
void rf_timerfd_clock_was_set(struct rf_kernel *k);
/* value: valid; its it_value 0 disarms. cancels: reads fail when the clock is set. */
void rf_timerfd_set(struct rf_kernel *k, struct rf_file *file, bool absolute, bool cancels,
                    const struct rf_itimerspec *value);

/* --- signalfd.c: mask is without SIGKILL and SIGSTOP --- */
int64_t rf_signalfd_create(struct rf_kernel *k, uint64_t mask, uint32_t flags, struct rf_file **out);
bool rf_file_is_signalfd(const struct rf_file *file);
void rf_signalfd_set_mask(struct rf_kernel *k, struct rf_file *file, uint64_t mask);

/* --- inotify.c --- */
int64_t rf_inotify_create(struct rf_kernel *k, uint32_t flags, struct rf_file **out);
bool rf_file_is_inotify(const struct rf_file *file);
/* A watch descriptor, or -errno; mask: with RF_IN_MASK_ADD and the like. */
int64_t rf_inotify_watch(struct rf_kernel *k, struct rf_file *file, struct rf_inode *inode, uint32_t mask);
int64_t rf_inotify_unwatch(struct rf_kernel *k, struct rf_file *file, int32_t wd);

/* --- memfd.c --- */
/* Memory that mappings share: an inode of the internal tmpfs, without a name or limit, and open files of
 * it, which /proc shows as "/label (deleted)". */
int64_t rf_memory_inode(struct rf_kernel *k, uint32_t mode, uint64_t size, struct rf_inode **out);
int64_t rf_memory_open(struct rf_kernel *k, const char *label, struct rf_inode *inode, uint32_t flags,
                       struct rf_file **out);
int64_t rf_memory_file(struct rf_kernel *k, const char *label, uint64_t size, uint32_t flags, struct rf_file **out);
int64_t rf_memfd_create(struct rf_kernel *k, const char *name, uint32_t flags, struct rf_file **out);
/* F_ADD_SEALS, F_GET_SEALS. */
int64_t rf_seals_add(struct rf_kernel *k, struct rf_file *file, uint32_t seals);
int64_t rf_seals_get(const struct rf_file *file);

/* --- pidfd.c --- */
/* Only RF_O_NONBLOCK of flags counts. */
int64_t rf_pidfd_create(struct rf_kernel *k, int32_t pid, uint32_t flags, struct rf_file **out);
/* The same, as a new descriptor of the current task, closed on exec. */
int64_t rf_pidfd_install(struct rf_kernel *k, int32_t pid, uint32_t flags);
int32_t rf_pidfd_pid(const struct rf_file *file); /* 0: not a pidfd */

/* --- nsfs.c: files that stand for namespaces --- */
struct rf_namespace;
/* A referenced dentry without a place, called "uts:[4026531838]". */
int64_t rf_nsfs_dentry(struct rf_kernel *k, struct rf_namespace *ns, struct rf_dentry **out);
void rf_nsfs_name(const struct rf_namespace *ns, char *out, size_t size);
struct rf_namespace *rf_nsfs_namespace(const struct rf_file *file); /* NULL: another kind of file */

/* --- eventfd.c --- */
bool rf_file_is_eventfd(const struct rf_file *file);
int64_t rf_eventfd_create(struct rf_kernel *k, uint32_t count, uint32_t flags,
                          struct rf_file **out);

#endif

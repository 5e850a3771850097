/* What a ring keeps ready: buffers, files, an eventfd (io_uring_register(2)). */
#include "kernel/uring/uring.h"

#include "kernel/task/task.h"

#define MOST_BUFFERS 16384u
#define MOST_FILES 32768u

static int64_t register_buffers(struct rf_kernel *k, struct rf_uring *u, uint64_t user, uint32_t count)
{
    if (u->fixed_buffers)
        return -RF_EBUSY;
    if (!count || count > MOST_BUFFERS)
        return -RF_EINVAL;
    struct rf_iovec *v = rf_kalloc(k, count * sizeof *v);
    if (!v)
        return -RF_ENOMEM;
    int64_t result = rf_copy_from_user(k, v, user, count * sizeof *v);
    for (uint32_t i = 0; !result && i < count; i++)
        if (!v[i].iov_base || !v[i].iov_len || !rf_user_range_ok(v[i].iov_base, v[i].iov_len))
            result = -RF_EFAULT;
    if (result) {
        rf_kfree(k, v);
        return result;
    }
    u->fixed_buffers = v;
    u->fixed_buffer_count = count;
    return 0;
}

static int64_t unregister_buffers(struct rf_kernel *k, struct rf_uring *u)
{
    if (!u->fixed_buffers)
        return -RF_ENXIO;
    rf_kfree(k, u->fixed_buffers);
    u->fixed_buffers = NULL;
    u->fixed_buffer_count = 0;
    return 0;
}

static int64_t unregister_files(struct rf_kernel *k, struct rf_uring *u)
{
    if (!u->files)
        return -RF_ENXIO;
    struct rf_file **files = u->files;
    uint32_t count = u->file_count;
    u->files = NULL;
    u->file_count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (files[i])
            rf_file_put(k, files[i]);
    rf_kfree(k, files);
    return 0;
}

int64_t rf_uring_update_files(struct rf_kernel *k, struct rf_uring *u, uint32_t first, uint64_t fds, uint32_t count)
{
    if (!u->files)
        return -RF_ENXIO;
    if (!count || first >= u->file_count || count > u->file_count - first)
        return -RF_EINVAL;
    for (uint32_t i = 0; i < count; i++) {
        int32_t fd;
        if (RF_GET_USER(k, fd, fds + (uint64_t)i * sizeof fd))
            return i ? (int64_t)i : -RF_EFAULT;
        if (fd == -2) /* IORING_REGISTER_FILES_SKIP */
            continue;
        struct rf_file *file = fd == -1 ? NULL : rf_fd_file(k, fd), *old = u->files[first + i];
        if (fd != -1 && (!file || rf_uring_of(file)))
            return i ? (int64_t)i : -RF_EBADF;
        if (file)
            rf_file_get(file);
        u->files[first + i] = file;
        if (old)
            rf_file_put(k, old);
    }
    return count;
}

static int64_t register_files(struct rf_kernel *k, struct rf_uring *u, uint64_t user, uint32_t count)
{
    if (u->files)
        return -RF_EBUSY;
    if (!count)
        return -RF_EINVAL;
    if (count > MOST_FILES || count > k->current->process->rlimit[RF_RLIMIT_NOFILE].rlim_cur)
        return -RF_EMFILE;
    u->files = rf_kalloc(k, count * sizeof(struct rf_file *));
    if (!u->files)
        return -RF_ENOMEM;
    u->file_count = count;
    int64_t result = rf_uring_update_files(k, u, 0, user, count);
    if (result == count)
        return 0;
    unregister_files(k, u);
    return result < 0 ? result : -RF_EBADF;
}

static int64_t register_eventfd(struct rf_kernel *k, struct rf_uring *u, uint64_t user, uint32_t count)
{
    int32_t fd;
    if (count != 1)
        return -RF_EINVAL;
    if (u->eventfd)
        return -RF_EBUSY;
    if (RF_GET_USER(k, fd, user))
        return -RF_EFAULT;
    struct rf_file *file = rf_fd_file(k, fd);
    if (!file)
        return -RF_EBADF;
    if (!rf_file_is_eventfd(file))
        return -RF_EINVAL;
    rf_file_get(file);
    u->eventfd = file;
    return 0;
}

static int64_t unregister_eventfd(struct rf_kernel *k, struct rf_uring *u)
{
    struct rf_file *file = u->eventfd;
    u->eventfd = NULL;
    if (file)
        rf_file_put(k, file);
    return file ? 0 : -RF_ENXIO;
}

/* struct io_uring_probe: which operations there are. */
static int64_t probe(struct rf_kernel *k, uint64_t user, uint32_t count)
{
    struct { uint8_t last_op, ops_len; uint16_t resv; uint32_t resv2[3]; } head = { RF_URING_OP_COUNT - 1, 0, 0, { 0 } };
    struct { uint8_t op, resv; uint16_t flags; uint32_t resv2; } op;
    if (count > 256)
        return -RF_EINVAL;
    head.ops_len = (uint8_t)(count < RF_URING_OP_COUNT ? count : RF_URING_OP_COUNT);
    if (RF_PUT_USER(k, user, head))
        return -RF_EFAULT;
    for (unsigned i = 0; i < head.ops_len; i++) {
        op.op = (uint8_t)i;
        op.resv = 0;
        op.flags = rf_uring_is_known(i); /* IO_URING_OP_SUPPORTED */
        op.resv2 = 0;
        if (RF_PUT_USER(k, user + sizeof head + i * sizeof op, op))
            return -RF_EFAULT;
    }
    return 0;
}

struct files_update {
    uint32_t offset, resv;
    uint64_t fds;
};

int64_t rf_uring_register(struct rf_kernel *k, struct rf_uring *u, uint32_t opcode, uint64_t argument, uint32_t count)
{
    struct files_update update;
    switch (opcode) {
    case RF_URING_REGISTER_BUFFERS: return register_buffers(k, u, argument, count);
    case RF_URING_UNREGISTER_BUFFERS: return argument || count ? -RF_EINVAL : unregister_buffers(k, u);
    case RF_URING_REGISTER_FILES: return register_files(k, u, argument, count);
    case RF_URING_UNREGISTER_FILES: return argument || count ? -RF_EINVAL : unregister_files(k, u);
    case RF_URING_REGISTER_FILES_UPDATE:
        if (RF_GET_USER(k, update, argument))
            return -RF_EFAULT;
        return update.resv ? -RF_EINVAL : rf_uring_update_files(k, u, update.offset, update.fds, count);
    case RF_URING_REGISTER_EVENTFD:
    case RF_URING_REGISTER_EVENTFD_ASYNC: return register_eventfd(k, u, argument, count);
    case RF_URING_UNREGISTER_EVENTFD: return argument || count ? -RF_EINVAL : unregister_eventfd(k, u);
    case RF_URING_REGISTER_PROBE: return argument ? probe(k, argument, count) : -RF_EINVAL;
    default: return -RF_EINVAL;
    }
}

void rf_uring_unregister_all(struct rf_kernel *k, struct rf_uring *u)
{
    unregister_buffers(k, u);
    unregister_files(k, u);
    unregister_eventfd(k, u);
    while (u->buffers) {
        struct rf_uring_buffer *b = u->buffers;
        u->buffers = b->next;
        rf_kfree(k, b);
    }
}

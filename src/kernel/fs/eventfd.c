/* eventfd(2): a counter that can be waited for. */
#include "kernel/fs/fs.h"
#include "kernel/vfs/poll.h"

#define MOST (UINT64_MAX - 1)

struct eventfd {
    uint64_t count;
    bool semaphore;
    struct rf_wait_queue changed; /* readers, writers and polls */
};

static int64_t eventfd_read(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                            uint64_t *pos)
{
    (void)pos;
    struct eventfd *e = file->private_data;
    if (uio->left < sizeof(uint64_t))
        return -RF_EINVAL;
    if (e->count == 0)
        return file->flags & RF_O_NONBLOCK ? -RF_EAGAIN : rf_sleep_on(k, &e->changed);
    uint64_t value = e->semaphore ? 1 : e->count;
    e->count -= value;
    rf_wake_for(k, &e->changed, RF_POLLOUT);
    return rf_uio_put(uio, &value, sizeof value) == sizeof value ? (int64_t)sizeof value
                                                                  : -RF_EFAULT;
}

static int64_t eventfd_write(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                             uint64_t *pos)
{
    (void)pos;
    struct eventfd *e = file->private_data;
    uint64_t value;
    if (uio->left < sizeof value)
        return -RF_EINVAL;
    if (rf_uio_get(uio, &value, sizeof value) != sizeof value)
        return -RF_EFAULT;
    if (value == UINT64_MAX)
        return -RF_EINVAL;
    if (value > MOST - e->count)
        return file->flags & RF_O_NONBLOCK ? -RF_EAGAIN : rf_sleep_on(k, &e->changed);
    e->count += value;
    rf_wake_for(k, &e->changed, RF_POLLIN);
    return sizeof value;
}

static uint32_t eventfd_poll(struct rf_kernel *k, struct rf_file *file,
                             struct rf_poll_request *request)
{
    (void)k;
    struct eventfd *e = file->private_data;
    rf_poll_add(request, &e->changed);
    uint32_t ready = e->count ? RF_POLLIN : 0;
    return e->count < MOST ? ready | RF_POLLOUT : ready;
}

static void eventfd_release(struct rf_kernel *k, struct rf_file *file)
{
    struct eventfd *e = file->private_data;
    rf_wake(k, &e->changed);
    rf_kfree(k, e);
}

static const struct rf_file_ops eventfd_ops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .seek = rf_anonymous_seek,
    .poll = eventfd_poll,
    .release = eventfd_release,
    .anonymous = "eventfd",
};

bool rf_file_is_eventfd(const struct rf_file *file)
{
    return file->ops == &eventfd_ops;
}

int64_t rf_eventfd_create(struct rf_kernel *k, uint32_t count, uint32_t flags,
                          struct rf_file **out)
{
    struct eventfd *e = rf_kalloc(k, sizeof *e);
    if (!e)
        return -RF_ENOMEM;
    e->count = count;
    e->semaphore = flags & RF_EFD_SEMAPHORE;
    return rf_anonymous_file(k, &eventfd_ops, RF_O_RDWR | (flags & RF_EFD_NONBLOCK), e, out);
}

/* pidfd_open(2): a descriptor of a process. It holds the number alone, which is never given again. */
#include "kernel/fs/fs.h"
#include "kernel/task/task.h"
#include "kernel/vfs/poll.h"

struct pidfd {
    int32_t pid;
};

/* Readable once the process has ended, hung up once it has been waited for. */
static uint32_t pidfd_poll(struct rf_kernel *k, struct rf_file *file,
                           struct rf_poll_request *request)
{
    const struct rf_process *process = rf_process_find(k, rf_pidfd_pid(file));
    rf_poll_add(request, &k->process_ended);
    if (!process)
        return RF_POLLIN | RF_POLLRDNORM | RF_POLLHUP;
    return process->zombie ? RF_POLLIN | RF_POLLRDNORM : 0;
}

static void pidfd_release(struct rf_kernel *k, struct rf_file *file)
{
    rf_kfree(k, file->private_data);
}

static const struct rf_file_ops pidfd_ops = {
    .poll = pidfd_poll,
    .release = pidfd_release,
    .anonymous = "pidfd",
};

int32_t rf_pidfd_pid(const struct rf_file *file)
{
    const struct pidfd *p = file->private_data;
    return file->ops == &pidfd_ops ? p->pid : 0;
}

int64_t rf_pidfd_create(struct rf_kernel *k, int32_t pid, uint32_t flags, struct rf_file **out)
{
    struct pidfd *p = rf_kalloc(k, sizeof *p);
    if (!p)
        return -RF_ENOMEM;
    p->pid = pid;
    int64_t error = rf_anonymous_file(k, &pidfd_ops, RF_O_RDWR | (flags & RF_O_NONBLOCK), p, out);
    if (!error)
        (*out)->mode |= RF_FMODE_STREAM; /* no position */
    return error;
}

int64_t rf_pidfd_install(struct rf_kernel *k, int32_t pid, uint32_t flags)
{
    struct rf_file *file;
    int64_t result = rf_pidfd_create(k, pid, flags, &file);
    if (result)
        return result;
    result = rf_fd_install(k, file, 0, true);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

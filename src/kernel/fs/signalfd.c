/* signalfd(2): the caller's pending signals, read from a descriptor. Whoever reads gets its own signals, not
 * those of the process that made the descriptor. */
#include "kernel/fs/fs.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/poll.h"

struct signalfd {
    uint64_t mask;
};

/* Which members of the union a signal has (siginfo_layout of kernel/signal.c). */
static void fill_details(const struct rf_siginfo *info, struct rf_signalfd_siginfo *out)
{
    bool of_kernel = info->si_code > RF_SI_USER && info->si_code < RF_SI_KERNEL;
    if (of_kernel && info->si_signo == RF_SIGCHLD) {
        out->ssi_pid = (uint32_t)info->chld.pid;
        out->ssi_uid = info->chld.uid;
        out->ssi_status = info->chld.status;
        out->ssi_utime = (uint64_t)info->chld.utime;
        out->ssi_stime = (uint64_t)info->chld.stime;
    } else if (of_kernel) {
        out->ssi_addr = info->fault.addr;
    } else if (info->si_code == RF_SI_TIMER) {
        out->ssi_tid = (uint32_t)info->timer.tid;
        out->ssi_overrun = (uint32_t)info->timer.overrun;
        out->ssi_ptr = info->timer.value.sival_ptr;
        out->ssi_int = info->timer.value.sival_int;
    } else {
        out->ssi_pid = (uint32_t)info->rt.pid;
        out->ssi_uid = info->rt.uid;
        out->ssi_ptr = info->si_code < 0 ? info->rt.value.sival_ptr : 0;
        out->ssi_int = info->si_code < 0 ? info->rt.value.sival_int : 0;
    }
}

static int64_t signalfd_read(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                             uint64_t *pos)
{
    (void)pos;
    const struct signalfd *s = file->private_data;
    struct rf_siginfo info;
    int64_t done = 0;
    if (uio->left < sizeof(struct rf_signalfd_siginfo))
        return -RF_EINVAL;
    while (uio->left >= sizeof(struct rf_signalfd_siginfo) &&
           rf_pending_take(k, k->current, s->mask, RF_SIGNALS_SYNCHRONOUS, &info)) {
        struct rf_signalfd_siginfo out = { .ssi_signo = (uint32_t)info.si_signo,
                                           .ssi_errno = info.si_errno,
                                           .ssi_code = info.si_code };
        fill_details(&info, &out);
        if (rf_uio_put(uio, &out, sizeof out) != sizeof out)
            return done ? done : -RF_EFAULT; /* that signal is lost, as on Linux */
        done += (int64_t)sizeof out;
    }
    if (done)
        return done;
    return file->flags & RF_O_NONBLOCK ? -RF_EAGAIN : rf_sleep_on(k, &k->signal_arrived);
}

static uint32_t signalfd_poll(struct rf_kernel *k, struct rf_file *file,
                              struct rf_poll_request *request)
{
    const struct signalfd *s = file->private_data;
    rf_poll_add(request, &k->signal_arrived);
    return (k->current->pending | k->current->process->pending) & s->mask ? RF_POLLIN : 0;
}

static void signalfd_release(struct rf_kernel *k, struct rf_file *file)
{
    rf_kfree(k, file->private_data);
}

static const struct rf_file_ops signalfd_ops = {
    .read = signalfd_read,
    .seek = rf_anonymous_seek,
    .poll = signalfd_poll,
    .release = signalfd_release,
    .anonymous = "signalfd",
};

bool rf_file_is_signalfd(const struct rf_file *file)
{
    return file->ops == &signalfd_ops;
}

int64_t rf_signalfd_create(struct rf_kernel *k, uint64_t mask, uint32_t flags, struct rf_file **out)
{
    struct signalfd *s = rf_kalloc(k, sizeof *s);
    if (!s)
        return -RF_ENOMEM;
    s->mask = mask;
    return rf_anonymous_file(k, &signalfd_ops, RF_O_RDWR | (flags & RF_SFD_NONBLOCK), s, out);
}

void rf_signalfd_set_mask(struct rf_kernel *k, struct rf_file *file, uint64_t mask)
{
    struct signalfd *s = file->private_data;
    s->mask = mask;
    rf_wake(k, &k->signal_arrived);
}

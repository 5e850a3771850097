/* The listener of a seccomp filter (seccomp_unotify(2)): a descriptor from which a supervisor takes the
 * system calls that its filter hands over, and by which it decides their results. A call that waits is a
 * notification: made by its task, in the listener's list, and freed by its task. */
#include "kernel/boot/boot.h"
#include "kernel/fs/fs.h"
#include "kernel/seccomp/seccomp.h"
#include "kernel/signal/signal.h"
#include "kernel/vfs/poll.h"

#include <string.h>

enum state { ASKED, TAKEN, ANSWERED };

struct rf_seccomp_notification {
    struct rf_seccomp_notification *next; /* in the listener's list */
    struct rf_seccomp_filter *filter;     /* of the task's chain, which holds it */
    struct rf_task *task;
    uint64_t id;
    enum state state;
    struct rf_seccomp_data data;
    int64_t value;
    int32_t error;
    uint32_t flags;
    struct rf_wait_queue answered; /* its task sleeps here */
};

struct rf_seccomp_listener {
    uint64_t next_id;
    uint64_t requests; /* asked and not yet looked for: more than the list may have, if tasks gave up */
    struct rf_seccomp_notification *first;
};

/* --- the side of the filtered task --- */

/* Its death, by now or by a signal that it cannot survive (fatal_signal_pending). */
static bool dies(const struct rf_task *task)
{
    uint64_t set = (task->pending | task->process->pending) & ~task->blocked;
    if (task->process->exiting || set & RF_SIGMASK(RF_SIGKILL))
        return true;
    static const uint64_t survived = RF_SIGMASK(RF_SIGCHLD) | RF_SIGMASK(RF_SIGCONT) | RF_SIGMASK(RF_SIGURG) |
                                     RF_SIGMASK(RF_SIGWINCH) | RF_SIGMASK(RF_SIGSTOP) | RF_SIGMASK(RF_SIGTSTP) |
                                     RF_SIGMASK(RF_SIGTTIN) | RF_SIGMASK(RF_SIGTTOU);
    for (set &= ~survived; set; set &= set - 1)
        if (task->sighand->action[__builtin_ctzll(set) + 1].handler == RF_SIG_DFL)
            return true;
    return false;
}

/* Sleep; once the call was taken, WAIT_KILLABLE_RECV lets nothing but death interrupt it. */
static int64_t sleep_for_answer(struct rf_kernel *k, struct rf_task *task, struct rf_seccomp_notification *n)
{
    if (!n->filter->wait_killable || n->state == ASKED || dies(task))
        return rf_sleep_on(k, &n->answered);
    uint64_t blocked = task->blocked;
    task->blocked = UINT64_MAX;
    int64_t result = rf_sleep_on(k, &n->answered);
    task->blocked = blocked;
    return result;
}

enum rf_entry_result rf_seccomp_wait_answer(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_seccomp_notification *n = task->seccomp_question;
    if (n->state != ANSWERED) {
        int64_t result = sleep_for_answer(k, task, n);
        if (result == RF_BLOCKED)
            return RF_ENTRY_WAIT;
        rf_seccomp_forget_question(k, task);
        task->regs->rax = (uint64_t)result;
        task->deliver_again = true; /* restart the call, or EINTR */
        return RF_ENTRY_SKIP;
    }
    bool go_on = n->flags & RF_SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (!go_on)
        task->regs->rax = (uint64_t)(n->error ? n->error : n->value);
    rf_seccomp_forget_question(k, task);
    return go_on ? RF_ENTRY_GO : RF_ENTRY_SKIP;
}

enum rf_entry_result rf_seccomp_ask(struct rf_kernel *k, struct rf_task *task, struct rf_seccomp_filter *filter,
                                    const struct rf_seccomp_data *data)
{
    struct rf_seccomp_listener *listener = filter->listener;
    struct rf_seccomp_notification *n = listener ? rf_kalloc(k, sizeof *n) : NULL;
    if (!n) {
        task->regs->rax = (uint64_t)(listener ? -RF_ENOMEM : -RF_ENOSYS);
        return RF_ENTRY_SKIP;
    }
    n->filter = filter;
    n->task = task;
    n->id = listener->next_id++;
    n->data = *data;
    struct rf_seccomp_notification **tail = &listener->first;
    while (*tail)
        tail = &(*tail)->next;
    *tail = n;
    task->seccomp_question = n;
    listener->requests++;
    rf_wake_for(k, &filter->changed, RF_POLLIN | RF_POLLRDNORM);
    return rf_seccomp_wait_answer(k, task);
}

void rf_seccomp_forget_question(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_seccomp_notification *n = task->seccomp_question;
    if (!n)
        return;
    if (n->filter->listener) {
        struct rf_seccomp_notification **link = &n->filter->listener->first;
        while (*link && *link != n)
            link = &(*link)->next;
        if (*link)
            *link = n->next;
    }
    rf_wake(k, &n->answered);
    task->seccomp_question = NULL;
    rf_kfree(k, n);
}

/* --- the side of the supervisor --- */

static struct rf_seccomp_notification *find(const struct rf_seccomp_filter *filter, uint64_t id)
{
    struct rf_seccomp_notification *n = filter->listener->first;
    while (n && n->id != id)
        n = n->next;
    return n;
}

static struct rf_seccomp_notification *first_asked(const struct rf_seccomp_filter *filter)
{
    struct rf_seccomp_notification *n = filter->listener->first;
    while (n && n->state != ASKED)
        n = n->next;
    return n;
}

static void answer(struct rf_kernel *k, struct rf_seccomp_notification *n, int64_t value, int32_t error,
                   uint32_t flags)
{
    n->state = ANSWERED;
    n->value = value;
    n->error = error;
    n->flags = flags;
    rf_wake(k, &n->answered);
}

static int64_t receive(struct rf_kernel *k, struct rf_seccomp_filter *filter, uint64_t user)
{
    struct rf_seccomp_notif out;
    static const struct rf_seccomp_notif zero;
    if (RF_GET_USER(k, out, user))
        return -RF_EFAULT;
    if (memcmp(&out, &zero, sizeof out) != 0)
        return -RF_EINVAL; /* later versions may take arguments here */
    if (filter->users) {
        if (!filter->listener->requests)
            return rf_sleep_on(k, &filter->changed);
        filter->listener->requests--;
    }
    struct rf_seccomp_notification *n = first_asked(filter);
    if (!n)
        return -RF_ENOENT; /* its task has given up, or no task is left */
    out = (struct rf_seccomp_notif){ .id = n->id, .pid = (uint32_t)n->task->tid, .data = n->data };
    if (RF_PUT_USER(k, user, out)) {
        filter->listener->requests++;
        return -RF_EFAULT;
    }
    n->state = TAKEN;
    rf_wake_for(k, &filter->changed, RF_POLLOUT | RF_POLLWRNORM);
    return 0;
}

static int64_t send_answer(struct rf_kernel *k, const struct rf_seccomp_filter *filter, uint64_t user)
{
    struct rf_seccomp_notif_resp in;
    if (RF_GET_USER(k, in, user))
        return -RF_EFAULT;
    if (in.flags & ~(uint32_t)RF_SECCOMP_USER_NOTIF_FLAG_CONTINUE || (in.flags && (in.error || in.val)))
        return -RF_EINVAL;
    struct rf_seccomp_notification *n = find(filter, in.id);
    if (!n)
        return -RF_ENOENT;
    if (n->state != TAKEN)
        return -RF_EINPROGRESS;
    answer(k, n, in.val, in.error, in.flags);
    return 0;
}

static int64_t id_valid(struct rf_kernel *k, const struct rf_seccomp_filter *filter, uint64_t user)
{
    uint64_t id;
    if (RF_GET_USER(k, id, user))
        return -RF_EFAULT;
    const struct rf_seccomp_notification *n = find(filter, id);
    return n && n->state == TAKEN ? 0 : -RF_ENOENT;
}

/* A larger struct than ours may only have zeros there (copy_struct_from_user). */
static int64_t read_addfd(struct rf_kernel *k, uint64_t user, uint32_t size, struct rf_seccomp_notif_addfd *out)
{
    uint8_t rest[64];
    for (uint32_t at = sizeof *out; at < size; at += sizeof rest) {
        size_t here = size - at < sizeof rest ? size - at : sizeof rest;
        if (rf_copy_from_user(k, rest, user + at, here))
            return -RF_EFAULT;
        for (size_t i = 0; i < here; i++)
            if (rest[i])
                return -RF_E2BIG;
    }
    return RF_GET_USER(k, *out, user) ? -RF_EFAULT : 0;
}

/* A descriptor in the task of a notification, by that task's limits. Linux lets the task do it itself. */
static int64_t install_in(struct rf_kernel *k, struct rf_task *task, struct rf_file *file,
                          const struct rf_seccomp_notif_addfd *in)
{
    struct rf_task *self = k->current;
    bool close_on_exec = in->newfd_flags & RF_O_CLOEXEC;
    rf_file_get(file);
    k->current = task;
    int64_t result = in->flags & RF_SECCOMP_ADDFD_FLAG_SETFD
                         ? rf_fd_replace(k, file, (int)in->newfd, close_on_exec)
                         : rf_fd_install(k, file, 0, close_on_exec);
    if (result < 0)
        rf_file_put(k, file);
    k->current = self;
    return result;
}

static int64_t add_fd(struct rf_kernel *k, const struct rf_seccomp_filter *filter, uint64_t user, uint32_t size)
{
    struct rf_seccomp_notif_addfd in;
    if (size < sizeof in || size >= RF_PAGE_SIZE)
        return -RF_EINVAL;
    int64_t error = read_addfd(k, user, size, &in);
    if (error)
        return error;
    if (in.newfd_flags & ~(uint32_t)RF_O_CLOEXEC ||
        in.flags & ~(uint32_t)(RF_SECCOMP_ADDFD_FLAG_SETFD | RF_SECCOMP_ADDFD_FLAG_SEND) ||
        (in.newfd && !(in.flags & RF_SECCOMP_ADDFD_FLAG_SETFD)))
        return -RF_EINVAL;
    struct rf_file *file = rf_fd_file(k, (int)in.srcfd);
    if (!file)
        return -RF_EBADF;
    struct rf_seccomp_notification *n = find(filter, in.id);
    if (!n)
        return -RF_ENOENT;
    if (n->state != TAKEN)
        return -RF_EINPROGRESS;
    int64_t fd = install_in(k, n->task, file, &in);
    if (fd >= 0 && in.flags & RF_SECCOMP_ADDFD_FLAG_SEND)
        answer(k, n, fd, 0, 0);
    return fd;
}

#define IOC_SIZE(command) ((command) >> 16 & 0x3fff)
#define IOC_CORE(command) ((command) & 0xffff) /* without direction and size */

static int64_t listener_ioctl(struct rf_kernel *k, struct rf_file *file, uint32_t command, uint64_t argument)
{
    struct rf_seccomp_filter *filter = file->private_data;
    switch (command) {
    case RF_SECCOMP_IOCTL_NOTIF_RECV: return receive(k, filter, argument);
    case RF_SECCOMP_IOCTL_NOTIF_SEND: return send_answer(k, filter, argument);
    case RF_SECCOMP_IOCTL_NOTIF_ID_VALID:
    case RF_SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR: return id_valid(k, filter, argument);
    default: break;
    }
    if (IOC_CORE(command) == IOC_CORE(RF_SECCOMP_IOCTL_NOTIF_ADDFD))
        return add_fd(k, filter, argument, IOC_SIZE(command));
    return -RF_EINVAL;
}

static uint32_t listener_poll(struct rf_kernel *k, struct rf_file *file, struct rf_poll_request *request)
{
    (void)k;
    struct rf_seccomp_filter *filter = file->private_data;
    uint32_t ready = filter->users ? 0 : RF_POLLHUP;
    rf_poll_add(request, &filter->changed);
    for (const struct rf_seccomp_notification *n = filter->listener->first; n; n = n->next) {
        if (n->state == ASKED)
            ready |= RF_POLLIN | RF_POLLRDNORM;
        if (n->state == TAKEN)
            ready |= RF_POLLOUT | RF_POLLWRNORM;
    }
    return ready;
}

/* Nobody is left to ask: calls that wait fail, and so do all later ones. */
static void listener_release(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_seccomp_filter *filter = file->private_data;
    if (!filter)
        return; /* its filter could not be installed */
    struct rf_seccomp_listener *listener = filter->listener;
    filter->listener = NULL;
    while (listener->first) {
        struct rf_seccomp_notification *n = listener->first;
        listener->first = n->next;
        n->next = NULL;
        if (n->state != ANSWERED)
            answer(k, n, 0, -RF_ENOSYS, 0);
    }
    rf_kfree(k, listener);
    rf_wake(k, &filter->changed);
    rf_seccomp_filter_put(k, filter);
}

static const struct rf_file_ops listener_ops = {
    .ioctl = listener_ioctl,
    .poll = listener_poll,
    .release = listener_release,
    .anonymous = "seccomp notify",
};

int64_t rf_seccomp_listener_create(struct rf_kernel *k, struct rf_file **out)
{
    int64_t error = rf_anonymous_file(k, &listener_ops, RF_O_RDWR, NULL, out);
    if (!error)
        (*out)->mode |= RF_FMODE_STREAM; /* no position */
    return error;
}

bool rf_seccomp_listener_attach(struct rf_kernel *k, struct rf_file *file, struct rf_seccomp_filter *filter)
{
    struct rf_seccomp_listener *listener = rf_kalloc(k, sizeof *listener);
    if (!listener)
        return false;
    rf_kernel_random(k, &listener->next_id, sizeof listener->next_id);
    filter->listener = listener;
    file->private_data = filter;
    rf_seccomp_filter_get(filter);
    return true;
}

/* Signals when a file is ready (vfs/async.h): the queues that the file's poll names are watched. */
#include "kernel/vfs/async.h"

#include "kernel/namespace/namespace.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/inode.h"
#include "kernel/vfs/poll.h"

enum { OWNER_TID, OWNER_PID, OWNER_PGRP };

struct async_watch {
    struct rf_watch watch; /* first: rf_watch.wake gets its address */
    struct rf_async *async;
    struct async_watch *next;
};
struct rf_async {
    struct rf_file *file;
    int kind;
    int32_t pid; /* 0: nobody */
    uint32_t uid, euid; /* who has set it: whose right to send it is */
    int32_t signal; /* 0: SIGIO without information */
    int fd;
    struct async_watch *watches; /* while O_ASYNC is set */
};

/* F_SETOWN_EX's */
struct owner {
    int32_t kind, pid;
};

static struct rf_async *async_of(struct rf_kernel *k, struct rf_file *file)
{
    if (!file->async && (file->async = rf_kalloc(k, sizeof *file->async)) != NULL) {
        file->async->file = file;
        file->async->kind = OWNER_PID;
    }
    return file->async;
}

/* --- sending --- */

/* sigio_perm */
static bool may_send(const struct rf_async *a, const struct rf_task *target)
{
    const struct rf_credentials *c = &target->credentials;
    return a->euid == 0 || a->euid == c->suid || a->euid == c->uid || a->uid == c->suid || a->uid == c->uid;
}

/* send_sigio_to_task: band and code by what is ready. */
static struct rf_siginfo describe(const struct rf_async *a, uint32_t ready)
{
    static const struct { uint32_t event; int32_t code; int64_t band; } kinds[] = {
        { RF_POLLHUP, 6, RF_POLLHUP | RF_POLLERR },
        { RF_POLLPRI, 5, RF_POLLPRI | RF_POLLRDBAND },
        { RF_POLLERR, 4, RF_POLLERR },
        { RF_POLLIN, 1, RF_POLLIN | RF_POLLRDNORM },
        { RF_POLLOUT, 2, RF_POLLOUT | RF_POLLWRNORM | RF_POLLWRBAND },
    };
    struct rf_siginfo info = { .si_signo = a->signal ? a->signal : RF_SIGIO, .si_code = RF_SI_KERNEL };
    for (size_t i = 0; a->signal && i < RF_ARRAY_SIZE(kinds); i++) {
        if (!(ready & kinds[i].event))
            continue;
        info.si_code = kinds[i].code;
        info.poll.band = kinds[i].band;
        info.poll.fd = a->fd;
        break;
    }
    return info;
}

static void send(struct rf_kernel *k, const struct rf_async *a, uint32_t ready)
{
    const struct rf_siginfo info = describe(a, ready);
    struct rf_task *thread = a->kind == OWNER_TID ? rf_task_find(k, a->pid) : NULL;
    if (thread && may_send(a, thread))
        rf_signal_send_task(k, thread, &info);
    for (struct rf_task *task = k->tasks; task && a->kind != OWNER_TID; task = task->next_task) {
        struct rf_process *process = task->process;
        if (task->tid == process->pid && (a->kind == OWNER_PID ? process->pid : process->pgid) == a->pid && may_send(a, task))
            rf_signal_send_process(k, process, &info);
    }
}

static void woken(struct rf_kernel *k, struct rf_watch *watch, uint32_t events)
{
    const struct rf_async *a = ((struct async_watch *)watch)->async;
    if (!a->pid)
        return;
    uint32_t now = rf_file_poll(k, a->file, NULL), ready = !events || now & events ? now & (events ? events : now) : events;
    if (ready)
        send(k, a, ready);
}

/* --- watching --- */

struct watch_request {
    struct rf_poll_request request; /* first: what the file's poll gets */
    struct rf_async *async;
};

static void add_watch(struct rf_poll_request *request, struct rf_wait_queue *q)
{
    struct rf_async *a = ((struct watch_request *)request)->async;
    struct async_watch *w = rf_kalloc(request->k, sizeof *w);
    if (!w) {
        request->refused = -RF_ENOMEM;
        return;
    }
    *w = (struct async_watch){ .watch = { woken, q, q->watches }, .async = a, .next = a->watches };
    q->watches = &w->watch;
    a->watches = w;
}

static void drop_watches(struct rf_kernel *k, struct rf_async *a)
{
    while (a->watches) {
        struct async_watch *w = a->watches;
        struct rf_watch **link = &w->watch.queue->watches;
        a->watches = w->next;
        while (*link != &w->watch)
            link = &(*link)->next;
        *link = w->watch.next;
        rf_kfree(k, w);
    }
}

int64_t rf_async_set(struct rf_kernel *k, struct rf_file *file, int fd, bool on)
{
    struct rf_async *a = async_of(k, file);
    bool announces = file->mode & RF_FMODE_STREAM || RF_S_ISSOCK(file->inode->mode);
    if (!a)
        return -RF_ENOMEM;
    a->fd = fd;
    if (!announces || on == (bool)(file->flags & RF_O_ASYNC))
        return 0;
    if (!on) {
        drop_watches(k, a);
        file->flags &= ~(uint32_t)RF_O_ASYNC;
        return 0;
    }
    struct watch_request r = { .request = { .k = k, .host_fd = -1, .watch = add_watch }, .async = a };
    rf_file_poll(k, file, &r.request);
    if (r.request.refused) {
        drop_watches(k, a);
        return r.request.refused;
    }
    file->flags |= RF_O_ASYNC;
    return 0;
}

void rf_async_forget(struct rf_kernel *k, struct rf_file *file)
{
    if (!file->async)
        return;
    drop_watches(k, file->async);
    rf_kfree(k, file->async);
    file->async = NULL;
}

/* --- owners --- */

static bool exists(struct rf_kernel *k, int kind, int32_t pid)
{
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if ((kind == OWNER_TID ? task->tid : kind == OWNER_PID ? task->process->pid : task->process->pgid) == pid)
            return true;
    return false;
}

/* pid as the caller numbers processes; 0: nobody from now on. */
static int64_t set_owner(struct rf_kernel *k, struct rf_file *file, int kind, int32_t pid)
{
    struct rf_async *a = async_of(k, file);
    int32_t global = pid ? rf_pid_given(k, pid) : 0;
    if (!a)
        return -RF_ENOMEM;
    if (pid && (global <= 0 || !exists(k, kind, global)))
        return -RF_ESRCH;
    a->kind = kind;
    a->pid = global;
    a->uid = k->current->credentials.uid;
    a->euid = k->current->credentials.euid;
    return 0;
}

static int64_t set_owner_ex(struct rf_kernel *k, struct rf_file *file, uint64_t user)
{
    struct owner o;
    if (RF_GET_USER(k, o, user))
        return -RF_EFAULT;
    if (o.kind < OWNER_TID || o.kind > OWNER_PGRP)
        return -RF_EINVAL;
    return o.pid < 0 ? -RF_ESRCH : set_owner(k, file, o.kind, o.pid);
}

static int32_t shown(struct rf_kernel *k, const struct rf_async *a)
{
    return a && a->pid && exists(k, a->kind, a->pid) ? rf_pid_shown(k, a->pid) : 0;
}

int64_t rf_async_fcntl(struct rf_kernel *k, struct rf_file *file, int command, uint64_t argument)
{
    const struct rf_async *a = file->async;
    struct rf_async *made;
    int32_t pid = (int32_t)argument;
    switch (command) {
    case RF_F_SETOWN: /* negative: a process group */
        if (pid == INT32_MIN)
            return -RF_EINVAL;
        return pid < 0 ? set_owner(k, file, OWNER_PGRP, -pid) : set_owner(k, file, OWNER_PID, pid);
    case RF_F_GETOWN: return a && a->kind == OWNER_PGRP ? -shown(k, a) : shown(k, a);
    case RF_F_SETOWN_EX: return set_owner_ex(k, file, argument);
    case RF_F_GETOWN_EX: {
        const struct owner o = { a ? a->kind : OWNER_PID, shown(k, a) };
        return RF_PUT_USER(k, argument, o);
    }
    case RF_F_GETSIG: return a ? a->signal : 0;
    case RF_F_SETSIG:
        if (argument > 64)
            return -RF_EINVAL;
        made = async_of(k, file);
        if (made)
            made->signal = (int32_t)argument;
        return made ? 0 : -RF_ENOMEM;
    default: return INT64_MAX;
    }
}

/* mq_open, mq_unlink, mq_timedsend, mq_timedreceive, mq_notify, mq_getsetattr (ipc/mqueue.c of Linux). */
#include "kernel/ipc/mqueue.h"
#include "kernel/signal/signal.h"
#include "kernel/syscalls/futex.h"
#include "kernel/task/task.h"
#include "kernel/vfs/path.h"

#include <string.h>

static struct rf_ipc_namespace *own(const struct rf_kernel *k)
{
    return k->current->namespaces.ipc;
}

/* One name, as lookup_noperm takes it. */
static int64_t get_name(struct rf_kernel *k, uint64_t user, char path[RF_PATH_MAX])
{
    int64_t result = rf_path_from_user(k, path, user, false);
    if (result)
        return result;
    if (strchr(path, '/') || strcmp(path, ".") == 0 || strcmp(path, "..") == 0)
        return -RF_EACCES;
    return strlen(path) > RF_NAME_MAX ? -RF_ENAMETOOLONG : 0;
}

static int64_t open_existing(struct rf_kernel *k, struct rf_mqueue *q, uint32_t flags)
{
    static const int wanted[3] = { RF_R_OK, RF_W_OK, RF_R_OK | RF_W_OK };
    if ((flags & (RF_O_CREAT | RF_O_EXCL)) == (RF_O_CREAT | RF_O_EXCL))
        return -RF_EEXIST;
    if ((flags & RF_O_ACCMODE) == RF_O_ACCMODE)
        return -RF_EINVAL;
    return rf_inode_permission(k, q->inode, wanted[flags & RF_O_ACCMODE]);
}

static int64_t sys_mq_open(struct rf_kernel *k, const uint64_t a[6])
{
    char name[RF_PATH_MAX];
    struct rf_mq_attr attributes;
    uint32_t flags = (uint32_t)a[1];
    if (a[3] && RF_GET_USER(k, attributes, a[3]))
        return -RF_EFAULT;
    int64_t result = get_name(k, a[0], name);
    if (result)
        return result;
    struct rf_mqueue *q = rf_mq_find(own(k), name);
    bool is_new = !q;
    if (q)
        result = open_existing(k, q, flags);
    else if (!(flags & RF_O_CREAT))
        result = -RF_ENOENT;
    else
        result = rf_mq_create(k, own(k), name, (uint32_t)a[2] & ~k->current->fs->umask, a[3] ? &attributes : NULL, &q);
    struct rf_file *file;
    if (!result)
        result = rf_mq_open(k, q, flags & (RF_O_ACCMODE | RF_O_NONBLOCK), &file);
    if (result) {
        if (is_new && q)
            rf_mq_unlink(k, own(k), q);
        return result;
    }
    result = rf_fd_install(k, file, 0, true);
    if (result < 0) {
        rf_file_put(k, file);
        if (is_new)
            rf_mq_unlink(k, own(k), q);
    }
    return result;
}

/* The directory of the queues is everybody's, and sticky. */
static int64_t sys_mq_unlink(struct rf_kernel *k, const uint64_t a[6])
{
    char name[RF_PATH_MAX];
    int64_t result = get_name(k, a[0], name);
    if (result)
        return result;
    struct rf_mqueue *q = rf_mq_find(own(k), name);
    if (!q)
        return -RF_ENOENT;
    if (k->current->credentials.fsuid != q->inode->uid && !rf_capable_for(k, q->inode, RF_CAP_FOWNER))
        return -RF_EPERM;
    rf_mq_unlink(k, own(k), q);
    return 0;
}

/* --- sending and receiving --- */

static int64_t find(struct rf_kernel *k, uint64_t fd, uint32_t mode, struct rf_file **file, struct rf_mqueue **q)
{
    *file = rf_fd_file(k, (int)fd);
    *q = *file ? rf_mq_of(*file) : NULL;
    return *q && (*file)->mode & mode ? 0 : -RF_EBADF;
}

static int64_t wait_for(struct rf_kernel *k, const struct rf_file *file, struct rf_wait_queue *queue)
{
    if (file->flags & RF_O_NONBLOCK)
        return -RF_EAGAIN;
    return rf_deadline_passed(k) ? -RF_ETIMEDOUT : rf_sleep_on(k, queue);
}

/* Another run of the call, which has queued up: RF_BLOCKED, or its end. */
static int64_t go_on_sending(struct rf_kernel *k, struct rf_mq_sender *sender)
{
    int64_t result = 0;
    if (sender->message)
        result = rf_deadline_passed(k) ? -RF_ETIMEDOUT : rf_sleep_on(k, &sender->queue->room);
    if (result != RF_BLOCKED) {
        rf_mq_leave(k, sender);
        k->current->scratch[0] = 0;
    }
    return result;
}

/* The queue is full; the message is taken over. */
static int64_t begin_waiting(struct rf_kernel *k, const struct rf_file *file, struct rf_mqueue *q, struct rf_mq_message *message)
{
    int64_t result = file->flags & RF_O_NONBLOCK ? -RF_EAGAIN : 0;
    struct rf_mq_sender *sender = result ? NULL : rf_mq_queue_up(k, q, message);
    if (!sender) {
        rf_kfree(k, message);
        return result ? result : -RF_ENOMEM;
    }
    k->current->scratch[0] = (uintptr_t)sender;
    return go_on_sending(k, sender);
}

static int64_t sys_mq_timedsend(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file;
    struct rf_mqueue *q;
    uint32_t priority = (uint32_t)a[3];
    if (k->current->scratch[0])
        return go_on_sending(k, (struct rf_mq_sender *)(uintptr_t)k->current->scratch[0]);
    if (priority >= RF_MQ_PRIO_MAX)
        return -RF_EINVAL;
    int64_t result = rf_futex_deadline(k, a[4], true, true);
    if (!result)
        result = find(k, a[0], RF_FMODE_WRITE, &file, &q);
    if (result)
        return result;
    if (a[2] > (uint64_t)q->most_size)
        return -RF_EMSGSIZE;
    struct rf_mq_message *message = rf_kalloc(k, sizeof *message + a[2]);
    if (!message)
        return -RF_ENOMEM;
    message->size = a[2];
    message->priority = priority;
    result = rf_copy_from_user(k, message->bytes, a[1], a[2]);
    if (!result && q->count >= q->most_messages)
        return begin_waiting(k, file, q, message);
    if (result)
        rf_kfree(k, message);
    else
        rf_mq_put(k, q, message);
    return result;
}

static int64_t sys_mq_timedreceive(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file;
    struct rf_mqueue *q;
    int64_t result = rf_futex_deadline(k, a[4], true, true);
    if (!result)
        result = find(k, a[0], RF_FMODE_READ, &file, &q);
    if (result)
        return result;
    if (a[2] < (uint64_t)q->most_size)
        return -RF_EMSGSIZE;
    if (!q->first)
        return wait_for(k, file, &q->filled);
    struct rf_mq_message *message = rf_mq_take(k, q);
    result = (int64_t)message->size;
    if ((a[3] && RF_PUT_USER(k, a[3], message->priority)) || rf_copy_to_user(k, a[1], message->bytes, message->size))
        result = -RF_EFAULT;
    rf_kfree(k, message);
    return result;
}

/* --- mq_notify, mq_getsetattr --- */

static int64_t check_event(const struct rf_sigevent *event)
{
    if (event->sigev_notify == RF_SIGEV_SIGNAL)
        return event->sigev_signo < 0 || event->sigev_signo > RF_NSIG ? -RF_EINVAL : 0;
    /* SIGEV_THREAD sends a cookie by a netlink socket, which no family here takes */
    return event->sigev_notify == RF_SIGEV_NONE ? 0 : -RF_EINVAL;
}

static int64_t sys_mq_notify(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_sigevent event;
    if (a[1] && RF_GET_USER(k, event, a[1]))
        return -RF_EFAULT;
    int64_t result = a[1] ? check_event(&event) : 0;
    if (result)
        return result;
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    struct rf_mqueue *q = file ? rf_mq_of(file) : NULL;
    if (!q)
        return -RF_EBADF;
    if (!a[1]) {
        if (q->notified == k->current->files)
            q->notified = NULL;
        return 0;
    }
    if (q->notified)
        return -RF_EBUSY;
    q->notified = k->current->files;
    q->notified_pid = k->current->process->pid;
    q->notify_kind = event.sigev_notify;
    q->notify_signal = event.sigev_signo;
    q->notify_value = event.sigev_value;
    return 0;
}

static int64_t sys_mq_getsetattr(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_mq_attr set;
    if (a[1] && RF_GET_USER(k, set, a[1]))
        return -RF_EFAULT;
    if (a[1] && set.mq_flags & ~(int64_t)RF_O_NONBLOCK)
        return -RF_EINVAL;
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    struct rf_mqueue *q = file ? rf_mq_of(file) : NULL;
    if (!q)
        return -RF_EBADF;
    const struct rf_mq_attr old = { .mq_flags = file->flags & RF_O_NONBLOCK, .mq_maxmsg = q->most_messages,
                                    .mq_msgsize = q->most_size, .mq_curmsgs = q->count };
    if (a[1])
        file->flags = (file->flags & ~(uint32_t)RF_O_NONBLOCK) | (uint32_t)set.mq_flags;
    return a[2] ? RF_PUT_USER(k, a[2], old) : 0;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_mq_open, sys_mq_open },
    { RF_NR_mq_unlink, sys_mq_unlink },
    { RF_NR_mq_timedsend, sys_mq_timedsend },
    { RF_NR_mq_timedreceive, sys_mq_timedreceive },
    { RF_NR_mq_notify, sys_mq_notify },
    { RF_NR_mq_getsetattr, sys_mq_getsetattr },
};
const struct rf_handler_table rf_handlers_mqueue = RF_HANDLER_TABLE(entries);

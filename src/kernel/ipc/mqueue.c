/* POSIX message queues: the queues themselves and their files (ipc/mqueue.h). */
#include "kernel/ipc/mqueue.h"

#include "kernel/fs/fs.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/poll.h"

#include <stdio.h>
#include <string.h>

#define MOST_QUEUES 256u     /* fs.mqueue.queues_max */
#define MOST_MESSAGES 10     /* fs.mqueue.msg_max, and msg_default */
#define MOST_SIZE 8192       /* fs.mqueue.msgsize_max, and msgsize_default */
#define HARD_MESSAGES 65536  /* with CAP_SYS_RESOURCE: HARD_MSGMAX, HARD_MSGSIZEMAX */
#define HARD_SIZE (16 << 20)
#define MESSAGE_BYTES 48     /* what the kernel keeps for each: struct msg_msg, struct posix_msg_tree_node */
#define STATUS_BYTES 80      /* FILENT_SIZE */

struct rf_mqueue *rf_mq_find(const struct rf_ipc_namespace *ns, const char *name)
{
    struct rf_mqueue *q = ns->queues;
    while (q && strcmp(q->name, name) != 0)
        q = q->next;
    return q;
}

static void release_queue(struct rf_kernel *k, struct rf_mqueue *q)
{
    if (--q->references)
        return;
    for (struct rf_mq_message *m = q->first, *next; m; m = next) {
        next = m->next;
        rf_kfree(k, m);
    }
    rf_inode_put(k, q->inode);
    rf_kfree(k, q);
}

/* --- making --- */

static int64_t check_attributes(struct rf_kernel *k, const struct rf_mq_attr *a)
{
    bool may = rf_capable(k, RF_CAP_SYS_RESOURCE);
    if (a->mq_maxmsg <= 0 || a->mq_msgsize <= 0)
        return -RF_EINVAL;
    if (a->mq_maxmsg > (may ? HARD_MESSAGES : MOST_MESSAGES) || a->mq_msgsize > (may ? HARD_SIZE : MOST_SIZE))
        return -RF_EINVAL;
    return 0;
}

static uint64_t price(const struct rf_mq_attr *a)
{
    uint64_t nodes = (uint64_t)a->mq_maxmsg < RF_MQ_PRIO_MAX ? (uint64_t)a->mq_maxmsg : RF_MQ_PRIO_MAX;
    return (uint64_t)a->mq_maxmsg * (MESSAGE_BYTES + (uint64_t)a->mq_msgsize) + nodes * MESSAGE_BYTES;
}

static uint64_t charged_to(const struct rf_ipc_namespace *ns, uint32_t uid)
{
    uint64_t bytes = 0;
    for (const struct rf_mqueue *q = ns->queues; q; q = q->next)
        bytes += q->maker == uid ? q->charged : 0;
    return bytes;
}

static int64_t check_limits(struct rf_kernel *k, const struct rf_ipc_namespace *ns, uint64_t bytes)
{
    uint32_t count = 0;
    for (const struct rf_mqueue *q = ns->queues; q; q = q->next)
        count++;
    if (count >= MOST_QUEUES && !rf_capable(k, RF_CAP_SYS_RESOURCE))
        return -RF_ENOSPC;
    uint64_t limit = k->current->process->rlimit[RF_RLIMIT_MSGQUEUE].rlim_cur;
    uint64_t used = charged_to(ns, k->current->credentials.uid);
    return bytes > limit || used > limit - bytes ? -RF_EMFILE : 0;
}

static const struct rf_inode_ops queue_inode_ops;

static struct rf_mqueue *allocate(struct rf_kernel *k, const char *name, uint32_t mode)
{
    struct rf_mqueue *q = rf_kalloc(k, sizeof *q + strlen(name) + 1);
    struct rf_inode *inode = q ? rf_inode_alloc(k, k->vfs->pipes, RF_S_IFREG | (mode & 0777)) : NULL;
    if (!inode) {
        rf_kfree(k, q);
        return NULL;
    }
    inode->ops = &queue_inode_ops;
    inode->size = STATUS_BYTES;
    strcpy(q->name, name);
    q->inode = inode;
    q->references = 1;
    q->named = true;
    q->maker = k->current->credentials.uid;
    return q;
}

int64_t rf_mq_create(struct rf_kernel *k, struct rf_ipc_namespace *ns, const char *name, uint32_t mode,
                     const struct rf_mq_attr *attributes, struct rf_mqueue **out)
{
    struct rf_mq_attr chosen = { .mq_maxmsg = MOST_MESSAGES, .mq_msgsize = MOST_SIZE };
    int64_t error = attributes ? check_attributes(k, attributes) : 0;
    if (attributes)
        chosen = *attributes;
    if (!error)
        error = check_limits(k, ns, price(&chosen));
    if (error)
        return error;
    struct rf_mqueue *q = allocate(k, name, mode), **at = &ns->queues;
    if (!q)
        return -RF_ENOMEM;
    q->most_messages = chosen.mq_maxmsg;
    q->most_size = chosen.mq_msgsize;
    q->charged = price(&chosen);
    while (*at && strcmp((*at)->name, name) < 0)
        at = &(*at)->next;
    q->next = *at;
    *at = q;
    *out = q;
    return 0;
}

void rf_mq_unlink(struct rf_kernel *k, struct rf_ipc_namespace *ns, struct rf_mqueue *q)
{
    struct rf_mqueue **at = &ns->queues;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    q->named = false;
    q->inode->nlink = 0;
    release_queue(k, q);
}

/* At the end of a machine tasks may still wait. */
void rf_mq_end(struct rf_kernel *k, struct rf_ipc_namespace *ns)
{
    for (struct rf_mqueue *q = ns->queues; q; q = q->next)
        while (q->senders)
            rf_mq_leave(k, q->senders);
    while (ns->queues)
        rf_mq_unlink(k, ns, ns->queues);
}

/* --- messages --- */

/* __do_notify: only if the queue was empty and nobody waits in it; whoever was told must ask again. */
static void tell(struct rf_kernel *k, struct rf_mqueue *q)
{
    if (!q->notified || q->count != 1 || q->filled.first)
        return;
    if (q->notify_kind == RF_SIGEV_SIGNAL) {
        struct rf_siginfo info = { .si_signo = q->notify_signal, .si_code = RF_SI_MESGQ };
        info.rt.pid = k->current->process->pid;
        info.rt.uid = k->current->credentials.uid;
        info.rt.value = q->notify_value;
        struct rf_process *process = rf_process_find(k, q->notified_pid);
        if (process)
            rf_signal_send_process(k, process, &info);
    }
    q->notified = NULL;
}

static void insert(struct rf_kernel *k, struct rf_mqueue *q, struct rf_mq_message *message)
{
    struct rf_mq_message **at = &q->first;
    while (*at && (*at)->priority >= message->priority)
        at = &(*at)->next;
    message->next = *at;
    *at = message;
    q->count++;
    q->bytes += message->size;
    q->inode->atime = q->inode->mtime = q->inode->ctime = rf_now(k);
}

void rf_mq_put(struct rf_kernel *k, struct rf_mqueue *q, struct rf_mq_message *message)
{
    insert(k, q, message);
    tell(k, q);
    rf_wake_for(k, &q->filled, RF_POLLIN | RF_POLLRDNORM);
}

struct rf_mq_message *rf_mq_take(struct rf_kernel *k, struct rf_mqueue *q)
{
    struct rf_mq_message *message = q->first;
    q->first = message->next;
    q->count--;
    q->bytes -= message->size;
    if (q->senders) {
        struct rf_mq_sender *sender = q->senders;
        q->senders = sender->next;
        insert(k, q, sender->message);
        sender->message = NULL;
    }
    rf_wake_for(k, &q->room, RF_POLLOUT | RF_POLLWRNORM);
    return message;
}

struct rf_mq_sender *rf_mq_queue_up(struct rf_kernel *k, struct rf_mqueue *q, struct rf_mq_message *message)
{
    struct rf_mq_sender *sender = rf_kalloc(k, sizeof *sender), **at = &q->senders;
    if (!sender)
        return NULL;
    while (*at)
        at = &(*at)->next;
    *at = sender;
    sender->queue = q;
    q->references++;
    sender->message = message;
    return sender;
}

void rf_mq_leave(struct rf_kernel *k, struct rf_mq_sender *sender)
{
    struct rf_mqueue *q = sender->queue;
    struct rf_mq_sender **at = &q->senders;
    while (*at && *at != sender)
        at = &(*at)->next;
    if (*at)
        *at = sender->next;
    rf_kfree(k, sender->message);
    rf_kfree(k, sender);
    release_queue(k, q);
}

/* --- files --- */

/* mqueue_read_file */
static int64_t read_status(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    (void)k;
    const struct rf_mqueue *q = file->private_data;
    char text[STATUS_BYTES];
    int length = snprintf(text, sizeof text, "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
                          (unsigned long long)q->bytes, q->notified ? q->notify_kind : 0,
                          q->notified && q->notify_kind == RF_SIGEV_SIGNAL ? q->notify_signal : 0,
                          q->notified ? q->notified_pid : 0);
    if (*pos >= (uint64_t)length)
        return 0;
    size_t wanted = (size_t)length - (size_t)*pos;
    size_t moved = rf_uio_put(uio, text + *pos, wanted < uio->left ? wanted : (size_t)uio->left);
    *pos += moved;
    return moved || !uio->left ? (int64_t)moved : -RF_EFAULT;
}

static uint32_t poll_queue(struct rf_kernel *k, struct rf_file *file, struct rf_poll_request *request)
{
    (void)k;
    struct rf_mqueue *q = file->private_data;
    rf_poll_add(request, &q->filled);
    rf_poll_add(request, &q->room);
    return (q->count ? RF_POLLIN | RF_POLLRDNORM : 0) | (q->count < q->most_messages ? RF_POLLOUT | RF_POLLWRNORM : 0);
}

/* A process that closes a descriptor of the queue is no longer told. */
static void flush_queue(struct rf_kernel *k, struct rf_file *file, const struct rf_fd_table *table)
{
    (void)k;
    struct rf_mqueue *q = file->private_data;
    if (q->notified == table)
        q->notified = NULL;
}

static void release_file(struct rf_kernel *k, struct rf_file *file)
{
    release_queue(k, file->private_data);
}

static const struct rf_file_ops queue_ops = {
    .read = read_status,
    .poll = poll_queue,
    .flush = flush_queue,
    .release = release_file,
};

int64_t rf_mq_open(struct rf_kernel *k, struct rf_mqueue *q, uint32_t flags, struct rf_file **out)
{
    struct rf_dentry *dentry = rf_dentry_new(k, NULL, "", q->inode);
    if (!dentry)
        return -RF_ENOMEM;
    rf_kfree(k, dentry->name); /* what /proc/self/fd shows */
    dentry->name = rf_kalloc(k, strlen(q->name) + 2);
    struct rf_file *file = dentry->name ? rf_file_alloc(k, &queue_ops, q->inode, dentry, flags) : NULL;
    if (dentry->name)
        sprintf(dentry->name, "/%s", q->name);
    rf_dentry_put(k, dentry);
    if (!file)
        return -RF_ENOMEM;
    file->private_data = q;
    q->references++;
    *out = file;
    return 0;
}

struct rf_mqueue *rf_mq_of(const struct rf_file *file)
{
    return file->ops == &queue_ops ? file->private_data : NULL;
}

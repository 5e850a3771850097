/* POSIX message queues (mq_overview(7), ipc/mqueue.c of Linux): named queues of an IPC namespace, and open files of them. */
#ifndef RF_KERNEL_IPC_MQUEUE_H
#define RF_KERNEL_IPC_MQUEUE_H

#include "kernel/namespace/namespace.h"
#include "kernel/vfs/inode.h"

#define RF_MQ_PRIO_MAX 32768u

struct rf_mq_message {
    struct rf_mq_message *next; /* by falling priority, then in order */
    uint32_t priority;
    uint64_t size;
    uint8_t bytes[];
};
/* Who waits for room: a receiver that makes some puts the first one's message in (pipelined_receive). */
struct rf_mq_sender {
    struct rf_mq_sender *next;
    struct rf_mqueue *queue;       /* referenced */
    struct rf_mq_message *message; /* NULL: it has been taken */
};
struct rf_mqueue {
    struct rf_mqueue *next; /* of its namespace, by name; once it has none: of nobody */
    struct rf_inode *inode; /* referenced: owner, mode, times, size */
    uint32_t references;    /* its name, and open files */
    bool named;
    int64_t most_messages, most_size, count;
    uint64_t charged;       /* bytes, to its maker's RLIMIT_MSGQUEUE */
    uint32_t maker;         /* uid */
    struct rf_mq_message *first;
    uint64_t bytes;
    struct rf_mq_sender *senders;
    struct rf_wait_queue filled, room;
    /* mq_notify: who is told next, once. */
    const struct rf_fd_table *notified; /* NULL: nobody */
    int32_t notified_pid, notify_kind, notify_signal;
    union rf_sigval notify_value;
    char name[];
};

/* The queue of that name, not referenced. NULL: none. */
struct rf_mqueue *rf_mq_find(const struct rf_ipc_namespace *ns, const char *name);
/* A new queue under that name. 0, -RF_ENOSPC (too many), -RF_EMFILE (RLIMIT_MSGQUEUE), -RF_EINVAL, -RF_ENOMEM. */
int64_t rf_mq_create(struct rf_kernel *k, struct rf_ipc_namespace *ns, const char *name, uint32_t mode,
                     const struct rf_mq_attr *attributes, struct rf_mqueue **out);
/* The name goes, the queue with its last open file. */
void rf_mq_unlink(struct rf_kernel *k, struct rf_ipc_namespace *ns, struct rf_mqueue *q);
/* A file of it: 0 or -errno. flags: access mode and RF_O_NONBLOCK. */
int64_t rf_mq_open(struct rf_kernel *k, struct rf_mqueue *q, uint32_t flags, struct rf_file **out);
struct rf_mqueue *rf_mq_of(const struct rf_file *file); /* NULL: another kind */
/* Wait with a message, which is taken over. NULL: no memory, and it is the caller's. */
struct rf_mq_sender *rf_mq_queue_up(struct rf_kernel *k, struct rf_mqueue *q, struct rf_mq_message *message);
/* It waits no more: what is left of it goes. */
void rf_mq_leave(struct rf_kernel *k, struct rf_mq_sender *sender);
/* Takes the message over, and tells whoever asked to be told. */
void rf_mq_put(struct rf_kernel *k, struct rf_mqueue *q, struct rf_mq_message *message);
struct rf_mq_message *rf_mq_take(struct rf_kernel *k, struct rf_mqueue *q);
void rf_mq_end(struct rf_kernel *k, struct rf_ipc_namespace *ns);

#endif

/* System V message queues (ipc/msg.c of Linux).
 *
 * A receiver that waits leaves a record in its queue, and a sender whose message it wants hands it over there. */
#ifndef RF_KERNEL_IPC_MSG_H
#define RF_KERNEL_IPC_MSG_H

#include "kernel/ipc/ids.h"

struct rf_msg {
    struct rf_msg *next;
    int64_t type;
    uint64_t size;
    uint8_t bytes[];
};
/* Which message a receiver wants. */
enum rf_msg_search { RF_MSG_ANY, RF_MSG_EQUAL, RF_MSG_NOT_EQUAL, RF_MSG_LESS_EQUAL, RF_MSG_NUMBER };
struct rf_msg_receiver {
    struct rf_msg_receiver *next; /* in the order in which they came */
    struct rf_msg_queue *queue;   /* NULL: it is over, with message or error */
    struct rf_wait_queue done;
    enum rf_msg_search search;
    int64_t type;
    uint64_t most; /* bytes that it takes */
    int32_t pid;
    struct rf_msg *message;
    int64_t error;
};
struct rf_msg_queue {
    struct rf_ipc_object object; /* first */
    struct rf_msg *first, *last;
    uint64_t bytes, count, most; /* most bytes */
    int64_t stime, rtime;
    int32_t sender, receiver;    /* the last ones */
    struct rf_msg_receiver *receivers;
    struct rf_wait_queue room;   /* senders */
};

int64_t rf_msg_create(struct rf_kernel *k, int32_t key, uint32_t mode);
void rf_msg_remove(struct rf_kernel *k, struct rf_msg_queue *q);
/* The message that is wanted, taken out unless peek. NULL: none, or *error. */
struct rf_msg *rf_msg_find(struct rf_msg_queue *q, enum rf_msg_search search, int64_t type);
void rf_msg_take(struct rf_kernel *k, struct rf_msg_queue *q, struct rf_msg *message);
bool rf_msg_fits(const struct rf_msg_queue *q, uint64_t size);
/* Takes the message over: to one who waits for it, or into the queue. */
void rf_msg_put(struct rf_kernel *k, struct rf_msg_queue *q, struct rf_msg *message);
void rf_msg_wait(struct rf_msg_queue *q, struct rf_msg_receiver *r);
void rf_msg_give_up(struct rf_msg_receiver *r);
/* All receivers look again (error 0), or get the error. */
void rf_msg_expunge(struct rf_kernel *k, struct rf_msg_queue *q, int64_t error);
/* The machine ends before a receiver has taken its message. */
void rf_msg_forget(struct rf_kernel *k, struct rf_task *task);
void rf_msg_end(struct rf_kernel *k, struct rf_ipc_ids *ids);

#endif

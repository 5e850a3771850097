/* Queues of messages, and receivers that wait (kernel/ipc/msg.h). */
#include "kernel/ipc/msg.h"

#include "kernel/task/task.h"

int64_t rf_msg_create(struct rf_kernel *k, int32_t key, uint32_t mode)
{
    struct rf_ipc_ids *ids = &k->current->namespaces.ipc->msg;
    if (ids->count >= RF_MSGMNI)
        return -RF_ENOSPC;
    struct rf_msg_queue *q = rf_kalloc(k, sizeof *q);
    if (!q)
        return -RF_ENOMEM;
    q->most = RF_MSGMNB;
    rf_ipc_add(k, ids, &q->object, key, mode);
    return q->object.id;
}

static bool matches(const struct rf_msg *m, enum rf_msg_search search, int64_t type)
{
    switch (search) {
    case RF_MSG_LESS_EQUAL: return m->type <= type;
    case RF_MSG_EQUAL: return m->type == type;
    case RF_MSG_NOT_EQUAL: return m->type != type;
    default: return true;
    }
}

struct rf_msg *rf_msg_find(struct rf_msg_queue *q, enum rf_msg_search search, int64_t type)
{
    struct rf_msg *found = NULL;
    for (struct rf_msg *m = q->first; m; m = m->next) {
        if (search == RF_MSG_NUMBER && type-- > 0)
            continue;
        if (!matches(m, search, type))
            continue;
        if (search != RF_MSG_LESS_EQUAL)
            return m;
        found = m; /* the first of the lowest type */
        if (m->type == 1)
            break;
        type = m->type - 1;
    }
    return found;
}

void rf_msg_take(struct rf_kernel *k, struct rf_msg_queue *q, struct rf_msg *message)
{
    struct rf_msg **link = &q->first, *before = NULL;
    while (*link != message) {
        before = *link;
        link = &before->next;
    }
    *link = message->next;
    if (q->last == message)
        q->last = before;
    q->count--;
    q->bytes -= message->size;
    q->rtime = rf_ipc_now(k);
    q->receiver = k->current->process->pid;
    rf_wake(k, &q->room);
}

bool rf_msg_fits(const struct rf_msg_queue *q, uint64_t size)
{
    return size + q->bytes <= q->most && 1 + q->count <= q->most;
}

/* --- receivers --- */

void rf_msg_wait(struct rf_msg_queue *q, struct rf_msg_receiver *r)
{
    struct rf_msg_receiver **link = &q->receivers;
    while (*link)
        link = &(*link)->next;
    *link = r;
    r->queue = q;
}

void rf_msg_give_up(struct rf_msg_receiver *r)
{
    struct rf_msg_receiver **link = &r->queue->receivers;
    while (*link != r)
        link = &(*link)->next;
    *link = r->next;
    r->queue = NULL;
}

static void finish(struct rf_kernel *k, struct rf_msg_receiver *r, struct rf_msg *message, int64_t error)
{
    rf_msg_give_up(r);
    r->message = message;
    r->error = error;
    rf_wake(k, &r->done);
}

void rf_msg_expunge(struct rf_kernel *k, struct rf_msg_queue *q, int64_t error)
{
    while (q->receivers)
        finish(k, q->receivers, NULL, error);
}

/* pipelined_send: one who takes too little gets -RF_E2BIG, and the next is asked. */
static bool hand_over(struct rf_kernel *k, struct rf_msg_queue *q, struct rf_msg *message)
{
    for (struct rf_msg_receiver *r = q->receivers, *next; r; r = next) {
        next = r->next;
        if (!matches(message, r->search, r->type))
            continue;
        if (r->most < message->size) {
            finish(k, r, NULL, -RF_E2BIG);
            continue;
        }
        q->receiver = r->pid;
        q->rtime = rf_ipc_now(k);
        finish(k, r, message, 0);
        return true;
    }
    return false;
}

void rf_msg_put(struct rf_kernel *k, struct rf_msg_queue *q, struct rf_msg *message)
{
    q->sender = k->current->process->pid;
    q->stime = rf_ipc_now(k);
    message->next = NULL;
    if (hand_over(k, q, message))
        return;
    if (q->last)
        q->last->next = message;
    else
        q->first = message;
    q->last = message;
    q->count++;
    q->bytes += message->size;
}

/* --- the end --- */

static void destroy(struct rf_kernel *k, struct rf_msg_queue *q)
{
    while (q->first) {
        struct rf_msg *m = q->first;
        q->first = m->next;
        rf_kfree(k, m);
    }
    rf_wake(k, &q->room);
    rf_kfree(k, q);
}

void rf_msg_remove(struct rf_kernel *k, struct rf_msg_queue *q)
{
    rf_ipc_remove(&k->current->namespaces.ipc->msg, &q->object);
    rf_msg_expunge(k, q, -RF_EIDRM);
    destroy(k, q);
}

void rf_msg_end(struct rf_kernel *k, struct rf_ipc_ids *ids)
{
    while (ids->first) {
        struct rf_msg_queue *q = (struct rf_msg_queue *)ids->first;
        ids->first = q->object.next;
        while (q->receivers) { /* of tasks that are gone with the machine */
            struct rf_msg_receiver *r = q->receivers;
            q->receivers = r->next;
            rf_kfree(k, r->message);
            rf_kfree(k, r);
        }
        destroy(k, q);
    }
}

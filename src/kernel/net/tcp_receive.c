/* Receiving over TCP, urgent data included (tcp_recvmsg, tcp_recv_urg). */
#include "kernel/net/tcp.h"

#include "kernel/task/task.h"

/* --- urgent data --- */

static int64_t receive_urgent(struct rf_inet_socket *i, struct rf_message *message)
{
    struct rf_tcp *t = i->tcp;
    const struct rf_socket *s = i->entry.socket;
    if (s->options.oob_inline || t->urgent == RF_TCP_URGENT_NONE || t->urgent == RF_TCP_URGENT_READ)
        return -RF_EINVAL; /* "Yes this is right !" */
    if (i->entry.state == RF_TCP_CLOSE && !t->done)
        return -RF_ENOTCONN;
    if (!(message->flags & RF_MSG_PEEK))
        t->urgent = RF_TCP_URGENT_READ;
    message->out_flags |= RF_MSG_OOB;
    if (message->size == 0) {
        message->out_flags |= RF_MSG_TRUNC;
        return 0;
    }
    if (!(message->flags & RF_MSG_TRUNC) && rf_uio_put(message->data, &t->urgent_byte, 1) < 1)
        return -RF_EFAULT;
    return 1;
}

/* Bytes from position `at` of what has come, up to the urgent one. *skip: it is next, and not for ordinary reading. */
static uint64_t up_to_urgent(const struct rf_inet_socket *i, uint64_t at, uint64_t bytes, bool *skip)
{
    const struct rf_tcp *t = i->tcp;
    *skip = false;
    if (!t->urgent || t->urgent_at < at || t->urgent_at - at >= bytes)
        return bytes;
    if (t->urgent_at > at)
        return t->urgent_at - at;
    *skip = !i->entry.socket->options.oob_inline;
    return bytes;
}

int64_t rf_tcp_unread(const struct rf_inet_socket *i)
{
    const struct rf_tcp *t = i->tcp;
    bool skip;
    if (i->entry.state == RF_TCP_LISTEN)
        return -RF_EINVAL;
    if (rf_tcp_is_in(i, 1u << RF_TCP_SYN_SENT | 1u << RF_TCP_SYN_RECV))
        return 0;
    if (i->entry.socket->options.oob_inline)
        return (int64_t)t->in.bytes;
    uint64_t before = up_to_urgent(i, t->read_at, t->in.bytes, &skip);
    return skip ? 0 : (int64_t)before;
}

/* --- ordinary data --- */

/* Where the bytes at an offset of the queue are, and how many in a row. */
static const uint8_t *bytes_at(const struct rf_tcp_queue *q, uint64_t offset, uint64_t *count)
{
    for (const struct rf_tcp_chunk *c = q->first; c; c = c->next) {
        uint64_t size = c->end - c->start;
        if (offset < size) {
            *count = size - offset;
            return c->bytes + c->start + offset;
        }
        offset -= size;
    }
    *count = 0;
    return NULL;
}

struct reading {
    uint64_t offset;   /* in the queue: 0 unless it peeks */
    uint64_t left;     /* of what was asked for */
    uint64_t done;
    bool peeks, discards;
};

static void advance(struct rf_kernel *k, struct rf_inet_socket *i, struct reading *r, uint64_t bytes)
{
    if (r->peeks) {
        r->offset += bytes;
        return;
    }
    rf_tcp_drop(k, &i->tcp->in, bytes);
    i->tcp->read_at += bytes;
    if (i->tcp->urgent_at < i->tcp->read_at)
        i->tcp->urgent = RF_TCP_URGENT_NONE; /* not fetched until now: lost */
}

/* What is there, as far as it is wanted. -RF_EFAULT: the next could not be given. at_mark: an urgent byte is next. */
static int64_t take(struct rf_kernel *k, struct rf_inet_socket *i, struct rf_message *message, struct reading *r,
                    bool *at_mark)
{
    struct rf_tcp *t = i->tcp;
    *at_mark = false;
    while (r->left) {
        uint64_t count;
        bool skip, mark;
        const uint8_t *bytes = bytes_at(&t->in, r->offset, &count);
        uint64_t at = t->read_at + r->offset;
        mark = t->urgent && t->urgent_at == at;
        if (mark && r->done) { /* one read does not go past the mark */
            *at_mark = true;
            return 0;
        }
        if (!bytes)
            return 0;
        uint64_t part = up_to_urgent(i, at, count < r->left ? count : r->left, &skip);
        if (skip) {
            advance(k, i, r, 1);
            continue;
        }
        uint64_t moved = r->discards ? part : rf_uio_put(message->data, bytes, part);
        if (moved < part && !rf_must_end_soon(k))
            return -RF_EFAULT; /* and nothing of it is taken */
        r->done += moved;
        r->left -= moved;
        if (moved)
            advance(k, i, r, moved);
        if (moved < part)
            return -RF_EFAULT;
    }
    return 0;
}

/* Nothing more can come now: what a read of nothing returns. 1: it may come. */
static int64_t reason_to_stop(struct rf_inet_socket *i)
{
    struct rf_socket *s = i->entry.socket;
    if (i->tcp->done)
        return 0;
    if (s->error)
        return rf_socket_take_error(s);
    if (i->no_reading)
        return 0;
    return i->entry.state == RF_TCP_CLOSE ? -RF_ENOTCONN : 1;
}

static int64_t wait_for_more(struct rf_kernel *k, struct rf_inet_socket *i, struct rf_message *message,
                             const struct reading *r)
{
    struct rf_socket *s = i->entry.socket;
    bool over = s->error || i->entry.state == RF_TCP_CLOSE || i->no_reading;
    if (r->done && (over || message->flags & RF_MSG_DONTWAIT))
        return (int64_t)r->done;
    int64_t result = r->done ? 1 : reason_to_stop(i);
    if (result != 1)
        return result;
    if (!r->peeks)
        k->current->scratch[RF_SCRATCH_MOVED] = r->done;
    result = rf_socket_wait(k, s, &s->readable, message->flags & RF_MSG_DONTWAIT, s->options.receive_timeout);
    return result == RF_BLOCKED || !r->done ? result : (int64_t)r->done;
}

/* SO_INQ for TCP: TCP_INQ, the bytes that are left. */
static void add_control(const struct rf_inet_socket *i, struct rf_message *message)
{
    int32_t left = (int32_t)rf_tcp_unread(i);
    if (i->tcp->options.inq && message->control)
        rf_control_add(message->control, RF_IPPROTO_TCP, RF_TCP_INQ, &left, sizeof left);
}

int64_t rf_tcp_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    if (message->flags & RF_MSG_ERRQUEUE)
        return rf_inet_receive_error(k, i, message);
    if (i->entry.state == RF_TCP_LISTEN)
        return -RF_ENOTCONN;
    if (message->flags & RF_MSG_OOB)
        return receive_urgent(i, message);
    bool peeks = message->flags & RF_MSG_PEEK;
    struct reading r = { .peeks = peeks, .discards = message->flags & RF_MSG_TRUNC,
                         .done = peeks ? 0 : k->current->scratch[RF_SCRATCH_MOVED] };
    if (peeks && s->options.peek_offset > 0)
        r.offset = (uint64_t)s->options.peek_offset;
    rf_uio_skip(message->data, r.done);
    r.left = message->size - r.done;
    uint64_t low = s->options.receive_low_water < message->size ? s->options.receive_low_water : message->size;
    uint64_t target = message->flags & RF_MSG_WAITALL ? message->size : low;
    bool at_mark;
    int64_t error;
    do { /* what is taken makes room for what the other side still has */
        error = take(k, i, message, &r, &at_mark);
        if (!peeks && r.done)
            rf_tcp_window_opened(k, i);
    } while (!error && !at_mark && !peeks && r.left && r.done < target && i->tcp->in.bytes && !rf_must_end_soon(k));
    bool nothing_wanted = message->size == 0 && i->tcp->in.bytes;
    int64_t result;
    if (error && !r.done)
        return error;
    if (error || at_mark || nothing_wanted || (r.done && r.done >= target))
        result = (int64_t)r.done;
    else
        result = wait_for_more(k, i, message, &r);
    if (result < 0)
        return result;
    if (peeks && s->options.peek_offset >= 0)
        s->options.peek_offset += (int32_t)result;
    else if (!peeks && s->options.peek_offset > 0)
        s->options.peek_offset = s->options.peek_offset > result ? s->options.peek_offset - (int32_t)result : 0;
    add_control(i, message);
    return result;
}

/* Sending over TCP (tcp_sendmsg). */
#include "kernel/net/tcp.h"

#include "kernel/task/task.h"

#define MOST_CHUNK 32768u

/* It is connected, or about to be: sk_stream_wait_connect. */
static int64_t wait_for_connection(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    if (rf_tcp_is_in(i, 1u << RF_TCP_ESTABLISHED | 1u << RF_TCP_CLOSE_WAIT))
        return 0;
    int64_t error = rf_socket_take_error(s);
    if (error)
        return error;
    if (!rf_tcp_is_in(i, 1u << RF_TCP_SYN_SENT | 1u << RF_TCP_SYN_RECV))
        return -RF_EPIPE;
    return rf_socket_wait(k, s, &s->writable, message->flags & RF_MSG_DONTWAIT, s->options.send_timeout);
}

/* MSG_FASTOPEN: connect and send in one. No cookies are kept, so the SYN goes alone, and then the data. */
static int64_t connect_first(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    if (!(message->flags & RF_MSG_FASTOPEN) || i->tcp->phase == RF_TCP_CONNECTED)
        return 0;
    if (!message->name)
        return i->tcp->phase == RF_TCP_UNCONNECTED ? -RF_EINVAL : 0;
    return rf_tcp_connect(k, s, message->name, message->flags & RF_MSG_DONTWAIT);
}

/* sk_stream_error: EPIPE gives way to what is pending. */
static int64_t refuse(struct rf_socket *s)
{
    int64_t error = rf_socket_take_error(s);
    return error ? error : -RF_EPIPE;
}

/* Room for more, or the reason to stop. */
static int64_t wait_for_room(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message, uint64_t done)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    i->tcp->full = true;
    rf_tcp_output(k, i, true);
    if (s->error || i->no_writing)
        return 0; /* the loop sees it */
    if (i->tcp->out.bytes < s->options.send_buffer)
        return 0;
    if (done && message->flags & RF_MSG_DONTWAIT)
        return -RF_EAGAIN;
    k->current->scratch[RF_SCRATCH_MOVED] = done;
    return rf_socket_wait(k, s, &s->writable, message->flags & RF_MSG_DONTWAIT, s->options.send_timeout);
}

/* The next bytes of the message, into the queue: how many, or an error. */
static int64_t queue_some(struct rf_kernel *k, struct rf_inet_socket *i, struct rf_uio *data)
{
    struct rf_tcp *t = i->tcp;
    uint64_t room = i->entry.socket->options.send_buffer - t->out.bytes, size = data->left;
    if (size > room)
        size = room;
    if (size > MOST_CHUNK)
        size = MOST_CHUNK;
    struct rf_tcp_chunk *c = rf_tcp_chunk_new(k, (uint32_t)size);
    if (!c)
        return -RF_ENOBUFS;
    c->end = (uint32_t)rf_uio_get(data, c->bytes, size);
    int64_t got = c->end;
    if (got == 0 || (got < (int64_t)size && !rf_must_end_soon(k))) { /* what lies before bad memory is not sent */
        rf_tcp_chunk_free(k, c);
        return -RF_EFAULT;
    }
    rf_tcp_append(k, &t->out, c);
    return got;
}

int64_t rf_tcp_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    struct rf_tcp *t = i->tcp;
    uint64_t done = k->current->scratch[RF_SCRATCH_MOVED];
    int64_t result = done ? 0 : connect_first(k, s, message);
    if (!result && !done)
        result = wait_for_connection(k, s, message);
    if (result)
        return result;
    rf_uio_skip(message->data, done);
    bool urgent = message->flags & RF_MSG_OOB;
    while (message->data->left && !result) {
        if (s->error || i->no_writing) {
            result = done ? 0 : refuse(s);
            break;
        }
        if (t->out.bytes >= s->options.send_buffer) {
            result = wait_for_room(k, s, message, done);
            continue;
        }
        result = queue_some(k, i, message->data);
        if (result < 0)
            break;
        done += (uint64_t)result;
        result = 0;
        if (urgent && message->data->left == 0) {
            t->urgent_out = true; /* the last byte of all is the urgent one */
            t->urgent_out_at = t->sent_at + t->out.bytes - 1;
        }
        t->more = message->flags & RF_MSG_MORE && message->data->left == 0;
        rf_tcp_output(k, i, urgent);
        if (rf_must_end_soon(k))
            break;
    }
    if (message->size == 0 && (s->error || i->no_writing))
        return refuse(s);
    if (result == RF_BLOCKED)
        return result;
    return done ? (int64_t)done : result;
}

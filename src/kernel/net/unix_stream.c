/* AF_UNIX streams: sending and receiving bytes. */
#include "kernel/net/unix.h"

#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

#include <string.h>

void rf_unix_peek_forward(struct rf_socket *s, uint64_t bytes)
{
    if (s->options.peek_offset >= 0)
        s->options.peek_offset += (int32_t)bytes;
}

void rf_unix_peek_backward(struct rf_socket *s, uint64_t bytes)
{
    int32_t *at = &s->options.peek_offset;
    if (*at >= 0)
        *at = (uint64_t)*at > bytes ? *at - (int32_t)bytes : 0;
}

/* --- sending --- */

static bool peer_is_gone(const struct rf_unix_socket *u)
{
    return !u->peer || u->peer->dead || u->peer->no_reading;
}

/* The next packet of a message. first: with its control data. */
static int64_t send_packet(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_message *message, bool first)
{
    struct rf_unix_packet *p;
    uint32_t size = message->data->left < UINT32_MAX ? (uint32_t)message->data->left : UINT32_MAX;
    int64_t result = rf_unix_wait_for_room(k, u, message->flags & RF_MSG_DONTWAIT);
    if (!result)
        result = rf_unix_packet_new(k, u, message->data, size, true, &p);
    if (result)
        return result;
    if (first)
        result = rf_unix_packet_attach(k, p, message->control);
    if (!result && peer_is_gone(u))
        result = -RF_EPIPE;
    if (result) {
        rf_unix_packet_free(k, p);
        return result;
    }
    rf_unix_packet_sign(k, p, u->peer);
    rf_unix_queue(u->peer, p);
    rf_socket_readable(k, u->peer->socket);
    return p->length;
}

int64_t rf_unix_stream_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    struct rf_unix_socket *u = rf_unix_of(s);
    uint64_t *moved = &k->current->scratch[RF_SCRATCH_MOVED], sent = *moved;
    int64_t result = 0;
    if (message->control && !sent)
        result = rf_control_scm(k, message->control, true);
    if (result)
        return result;
    if (message->flags & RF_MSG_OOB)
        return -RF_EOPNOTSUPP;
    if (message->name && message->name->length)
        return u->state == RF_UNIX_ESTABLISHED ? -RF_EISCONN : -RF_EOPNOTSUPP;
    if (!u->peer)
        return -RF_ENOTCONN;
    if (u->no_writing)
        return sent ? (int64_t)sent : -RF_EPIPE;
    rf_uio_skip(message->data, sent);
    while (message->data->left) {
        result = send_packet(k, u, message, sent == 0);
        if (result <= 0)
            break;
        sent += (uint64_t)result;
    }
    if (result == RF_BLOCKED) {
        *moved = sent;
        return result;
    }
    return sent ? (int64_t)sent : result;
}

/* --- receiving --- */

/* What a read has taken so far. */
struct reading {
    struct rf_message *message;
    uint64_t copied;
    int64_t skip;    /* bytes that SO_PEEK_OFF passes over */
    bool signed_off; /* the first packet's credentials are known: others end the read */
};

static bool same_credentials(const struct rf_socket_credentials *a, const struct rf_socket_credentials *b)
{
    return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* May the packet be part of this read ("never glue messages from different writers")? */
static bool belongs(const struct rf_socket *s, struct reading *r, const struct rf_unix_packet *p)
{
    struct rf_control *control = r->message->control;
    struct rf_control none = { 0 };
    if (!s->options.pass_credentials)
        return true;
    if (!control)
        control = &none;
    if (r->signed_off && control != &none)
        return same_credentials(&control->credentials, &p->credentials);
    control->credentials = p->credentials;
    control->has_credentials = true;
    r->signed_off = true;
    return true;
}

/* Bytes of one packet: how many, or -errno. *ends: the read is over. */
static int64_t take(struct rf_kernel *k, struct rf_unix_socket *u, struct reading *r, struct rf_unix_packet *p, bool *ends)
{
    struct rf_message *message = r->message;
    bool peek = message->flags & RF_MSG_PEEK;
    uint64_t size = p->length - p->consumed - (uint64_t)r->skip;
    if (size > message->data->left)
        size = message->data->left;
    if (message->name && !r->copied)
        rf_unix_copy_name(p->sender, message->name);
    size_t moved = rf_uio_put(message->data, p->bytes + p->consumed + r->skip, (size_t)size);
    *ends = moved < size || p->file_count;
    if (moved == 0 && size)
        return -RF_EFAULT;
    int64_t result = rf_unix_give_files(k, p, message->control, peek);
    if (result)
        return result;
    r->copied += moved;
    r->skip = 0;
    if (peek) {
        rf_unix_peek_forward(u->socket, moved);
        return (int64_t)moved;
    }
    if (p->file_count && !message->control) { /* nobody wants them */
        struct rf_control unwanted = { 0 };
        rf_unix_give_files(k, p, &unwanted, false);
        rf_control_free(k, &unwanted);
        message->out_flags |= RF_MSG_CTRUNC;
    }
    p->consumed += (uint32_t)moved;
    rf_unix_peek_backward(u->socket, moved);
    if (p->consumed < p->length) {
        *ends = true;
    } else {
        rf_unix_unlink(u, p);
        rf_unix_packet_free(k, p);
    }
    return (int64_t)moved;
}

/* No packet is there: 0 if the read is over, RF_BLOCKED, or an error. */
static int64_t wait_for_data(struct rf_kernel *k, struct rf_unix_socket *u, struct reading *r, uint64_t target)
{
    struct rf_socket *s = u->socket;
    if (r->copied >= target)
        return 0;
    int64_t error = rf_socket_take_error(s);
    if (error || u->no_reading)
        return error;
    return rf_socket_wait(k, s, &s->readable, r->message->flags & RF_MSG_DONTWAIT, s->options.receive_timeout);
}

/* A later run goes on where this one had to wait (MSG_WAITALL). */
static void keep(struct rf_kernel *k, const struct reading *r)
{
    uint64_t *scratch = k->current->scratch;
    const struct rf_control *control = r->message->control;
    scratch[RF_SCRATCH_MOVED] = r->copied;
    if (!control)
        return;
    scratch[RF_SCRATCH_FAMILY] = (uint64_t)r->signed_off << 32 | (uint32_t)control->credentials.pid;
    scratch[RF_SCRATCH_FAMILY + 1] = (uint64_t)control->credentials.gid << 32 | control->credentials.uid;
}

static void resume(struct rf_kernel *k, struct reading *r)
{
    const uint64_t *scratch = k->current->scratch;
    struct rf_control *control = r->message->control;
    r->copied = scratch[RF_SCRATCH_MOVED];
    rf_uio_skip(r->message->data, r->copied);
    if (!control || !(scratch[RF_SCRATCH_FAMILY] >> 32))
        return;
    uint64_t ids = scratch[RF_SCRATCH_FAMILY + 1];
    r->signed_off = control->has_credentials = true;
    control->credentials = (struct rf_socket_credentials){ (int32_t)scratch[RF_SCRATCH_FAMILY], (uint32_t)ids,
                                                           (uint32_t)(ids >> 32) };
}

/* Packets one after the other, from where SO_PEEK_OFF says. NULL: there are no more. */
static struct rf_unix_packet *next_packet(struct reading *r, struct rf_unix_packet *p)
{
    while (p && r->skip && r->skip >= p->length - p->consumed) {
        r->skip -= p->length - p->consumed;
        p = p->next;
    }
    return p;
}

/* unix_stream_read_generic */
int64_t rf_unix_stream_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    struct rf_unix_socket *u = rf_unix_of(s);
    bool peek = message->flags & RF_MSG_PEEK, ends = false;
    if (u->state != RF_UNIX_ESTABLISHED)
        return -RF_EINVAL;
    if (message->flags & RF_MSG_OOB)
        return -RF_EOPNOTSUPP;
    struct reading r = { .message = message };
    uint64_t low = s->options.receive_low_water, target = message->flags & RF_MSG_WAITALL || low > message->size ? message->size : low;
    if (target == 0)
        target = 1;
    if (message->control)
        message->control->has_credentials = true; /* also at the end of the stream, where they are zeros */
    resume(k, &r);
    if (peek && s->options.peek_offset > 0)
        r.skip = s->options.peek_offset;
    int64_t result = 0;
    struct rf_unix_packet *p = u->first;
    do {
        p = next_packet(&r, p);
        if (!p) {
            result = wait_for_data(k, u, &r, target);
            break;
        }
        if (!belongs(s, &r, p))
            break;
        struct rf_unix_packet *next = p->next;
        result = take(k, u, &r, p, &ends);
        p = next;
    } while (result >= 0 && !ends && message->data->left && (!peek || p));
    if (result == RF_BLOCKED) {
        if (!peek) {
            keep(k, &r);
            return result;
        }
        k->current->scratch[RF_SCRATCH_MOVED] = 0;
        return result;
    }
    return r.copied ? (int64_t)r.copied : result < 0 ? result : 0;
}

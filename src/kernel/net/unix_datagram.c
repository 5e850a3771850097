/* AF_UNIX datagrams and sequenced packets: whole messages. */
#include "kernel/net/unix.h"

#include "kernel/task/task.h"

#include <string.h>

/* --- connecting --- */

/* Who is connected to somebody else takes nothing from others. */
static bool may_send(const struct rf_unix_socket *from, const struct rf_unix_socket *to)
{
    return !to->peer || to->peer == from;
}

/* What the old peer had sent is gone, and it learns so. */
void rf_unix_datagram_disconnected(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_unix_socket *other)
{
    if (u->first) {
        rf_unix_purge(k, u);
        rf_unix_room(k, u);
        if (!other->dead && other->peer == u)
            rf_socket_fail(k, other->socket, RF_ECONNRESET);
    }
    other->state = RF_UNIX_CLOSED;
}

static void change_peer(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_unix_socket *other)
{
    struct rf_unix_socket *old = u->peer;
    if (old)
        rf_socket_get(old->socket);
    bool wanted_room = u->wants_peer_room;
    rf_unix_set_peer(k, u, other);
    if (!old)
        return;
    if (!other)
        u->state = RF_UNIX_CLOSED;
    if (wanted_room)
        rf_socket_writable(k, u->socket);
    if (other != old)
        rf_unix_datagram_disconnected(k, u, old);
    rf_socket_put(k, old->socket);
}

/* unix_dgram_connect; AF_UNSPEC takes the connection away. */
int64_t rf_unix_datagram_connect(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address, bool nonblock)
{
    (void)nonblock;
    struct rf_unix_socket *u = rf_unix_of(s), *other = NULL;
    if (address->length < sizeof address->family)
        return -RF_EINVAL;
    if (address->family == RF_AF_UNSPEC) {
        change_peer(k, u, NULL);
        return 0;
    }
    int64_t result = rf_unix_check_address(address);
    if (!result && s->options.pass_credentials)
        result = rf_unix_autobind(k, u);
    if (!result)
        result = rf_unix_find(k, address, s->type, &other);
    if (result)
        return result;
    if (may_send(u, other)) {
        u->state = other->state = RF_UNIX_ESTABLISHED;
        change_peer(k, u, other);
    } else {
        result = -RF_EPERM;
    }
    rf_socket_put(k, other->socket);
    return result;
}

/* --- sending --- */

/* The peer that a socket is connected to has been closed. */
static int64_t peer_died(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_unix_socket *other)
{
    if (u->socket->type == RF_SOCK_SEQPACKET)
        return -RF_EPIPE;
    rf_unix_set_peer(k, u, NULL);
    u->state = RF_UNIX_CLOSED;
    rf_unix_datagram_disconnected(k, u, other);
    return -RF_ECONNREFUSED;
}

/* May a packet go into the queue of `to` now: 0, RF_BLOCKED, or -errno. */
static int64_t check_receiver(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_unix_socket *to, bool nonblock)
{
    struct rf_socket *s = u->socket;
    if (!may_send(u, to))
        return -RF_EPERM;
    if (to->dead)
        return peer_died(k, u, to);
    if (to->no_reading)
        return -RF_EPIPE;
    if (to == u || to->peer == u || !rf_unix_is_full(to))
        return 0;
    if (nonblock)
        u->wants_peer_room = u->peer == to;
    return rf_socket_wait(k, s, &to->room, nonblock, s->options.send_timeout);
}

static int64_t deliver(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_unix_packet *p, struct rf_message *message)
{
    struct rf_unix_socket *to = u->peer;
    bool named = message->name && message->name->length;
    int64_t result = 0;
    if (named)
        result = rf_unix_find(k, message->name, u->socket->type, &to);
    else
        rf_socket_get(to->socket);
    if (result)
        return result;
    result = check_receiver(k, u, to, message->flags & RF_MSG_DONTWAIT);
    if (!result) {
        rf_unix_packet_sign(k, p, to);
        rf_unix_queue(to, p);
        rf_socket_readable(k, to->socket);
    }
    rf_socket_put(k, to->socket);
    return result;
}

/* unix_dgram_sendmsg */
int64_t rf_unix_datagram_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    struct rf_unix_socket *u = rf_unix_of(s);
    bool named = message->name && message->name->length;
    int64_t result = message->control ? rf_control_scm(k, message->control, true) : 0;
    if (result)
        return result;
    if (message->flags & RF_MSG_OOB)
        return -RF_EOPNOTSUPP;
    if (named)
        result = rf_unix_check_address(message->name);
    else if (!u->peer)
        result = -RF_ENOTCONN;
    if (!result && s->options.pass_credentials)
        result = rf_unix_autobind(k, u);
    if (!result && message->data->left + 32 > s->options.send_buffer)
        result = -RF_EMSGSIZE;
    if (!result)
        result = rf_unix_wait_for_room(k, u, message->flags & RF_MSG_DONTWAIT);
    if (result)
        return result;
    struct rf_unix_packet *p;
    uint32_t size = (uint32_t)message->data->left;
    result = rf_unix_packet_new(k, u, message->data, size, false, &p);
    if (result)
        return result;
    result = rf_unix_packet_attach(k, p, message->control);
    if (!result)
        result = deliver(k, u, p, message);
    if (result)
        rf_unix_packet_free(k, p);
    return result ? result : size;
}

/* unix_seqpacket_sendmsg */
int64_t rf_unix_packets_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    int64_t error = rf_socket_take_error(s);
    if (error)
        return error;
    if (rf_unix_of(s)->state != RF_UNIX_ESTABLISHED)
        return -RF_ENOTCONN;
    message->name = NULL;
    return rf_unix_datagram_send(k, s, message);
}

/* --- receiving --- */

/* The packet that a read begins with, and where in it (SO_PEEK_OFF). */
static struct rf_unix_packet *find_packet(const struct rf_unix_socket *u, bool peek, uint32_t *skip)
{
    int32_t offset = u->socket->options.peek_offset;
    struct rf_unix_packet *p = u->first;
    *skip = 0;
    if (!peek || offset < 0)
        return p;
    for (; p; p = p->next) {
        if ((uint32_t)offset < p->length || (!p->length && !offset && !p->peeked))
            break;
        offset -= (int32_t)p->length;
    }
    *skip = p ? (uint32_t)offset : 0;
    return p;
}

static int64_t wait_for_packet(struct rf_kernel *k, struct rf_unix_socket *u, bool nonblock)
{
    struct rf_socket *s = u->socket;
    int64_t error = rf_socket_take_error(s);
    if (error)
        return error;
    /* a socket that is not connection-oriented has no end of file, unless it would wait */
    if (u->no_reading && (!nonblock || s->type == RF_SOCK_SEQPACKET))
        return 0;
    return rf_socket_wait(k, s, &s->readable, nonblock, s->options.receive_timeout);
}

/* __unix_dgram_recvmsg */
int64_t rf_unix_datagram_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    struct rf_unix_socket *u = rf_unix_of(s);
    bool peek = message->flags & RF_MSG_PEEK;
    uint32_t skip;
    if (message->flags & RF_MSG_OOB)
        return -RF_EOPNOTSUPP;
    int64_t error = s->error ? rf_socket_take_error(s) : 0;
    if (error)
        return error;
    struct rf_unix_packet *p = find_packet(u, peek, &skip);
    if (!p)
        return wait_for_packet(k, u, message->flags & RF_MSG_DONTWAIT);
    if (!peek)
        rf_unix_unlink(u, p);
    p->peeked = true;
    rf_unix_room(k, u);
    if (message->name)
        rf_unix_copy_name(p->sender, message->name);
    uint64_t length = p->length - skip, size = length < message->size ? length : message->size;
    if (size < length)
        message->out_flags |= RF_MSG_TRUNC;
    int64_t result = size && rf_uio_put(message->data, p->bytes + skip, size) < size ? -RF_EFAULT : 0;
    if (!result && message->control) {
        message->control->credentials = p->credentials;
        message->control->has_credentials = true;
        result = rf_unix_give_files(k, p, message->control, peek);
    }
    if (!result && peek)
        rf_unix_peek_forward(s, size);
    else if (!result)
        rf_unix_peek_backward(s, p->length);
    if (!message->control && p->file_count)
        message->out_flags |= RF_MSG_CTRUNC; /* they are closed with the packet */
    if (!peek)
        rf_unix_packet_free(k, p);
    return result ? result : (int64_t)(message->flags & RF_MSG_TRUNC ? length : size);
}

/* unix_seqpacket_recvmsg */
int64_t rf_unix_packets_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    if (rf_unix_of(s)->state != RF_UNIX_ESTABLISHED)
        return -RF_ENOTCONN;
    return rf_unix_datagram_receive(k, s, message);
}

/* --- polling --- */

static bool can_send(struct rf_unix_socket *u)
{
    if (!rf_unix_is_writable(u))
        return false;
    struct rf_unix_socket *peer = u->peer;
    if (!peer || peer == u || peer->peer == u || peer->dead || !rf_unix_is_full(peer))
        return true;
    u->wants_peer_room = true;
    return false;
}

/* unix_dgram_poll */
uint32_t rf_unix_datagram_poll(struct rf_kernel *k, struct rf_socket *s, struct rf_poll_request *request)
{
    (void)k;
    struct rf_unix_socket *u = rf_unix_of(s);
    uint32_t ready = 0;
    rf_poll_add(request, &s->readable);
    rf_poll_add(request, &s->writable);
    if (s->error)
        ready |= RF_POLLERR;
    if (u->no_reading)
        ready |= RF_POLLRDHUP | RF_POLLIN | RF_POLLRDNORM;
    if ((u->no_reading && u->no_writing) || (s->type == RF_SOCK_SEQPACKET && u->state == RF_UNIX_CLOSED))
        ready |= RF_POLLHUP;
    if (u->first)
        ready |= RF_POLLIN | RF_POLLRDNORM;
    if (can_send(u))
        ready |= RF_POLLOUT | RF_POLLWRNORM | RF_POLLWRBAND;
    return ready;
}

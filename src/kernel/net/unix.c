/* AF_UNIX sockets as objects: making, closing, polling, ioctls, and the tables that the families know. */
#include "kernel/net/unix.h"

#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

#include <string.h>

static const struct rf_socket_ops stream_ops, datagram_ops, packet_ops;

static struct rf_unix *state_of(struct rf_kernel *k)
{
    if (!k->net->local) {
        k->net->local = rf_kalloc(k, sizeof *k->net->local);
        if (k->net->local)
            k->net->local->next_autobind = (uint32_t)rf_random_next(&k->random_state) & 0xfffff;
    }
    return k->net->local;
}

static int64_t create(struct rf_kernel *k, struct rf_socket *s, int type, int protocol)
{
    if (protocol && protocol != RF_AF_UNIX)
        return -RF_EPROTONOSUPPORT;
    switch (type) {
    case RF_SOCK_STREAM: s->ops = &stream_ops; break;
    case RF_SOCK_RAW: /* "Believe it or not BSD has AF_UNIX, SOCK_RAW though nothing uses it." */
        s->type = RF_SOCK_DGRAM;
        s->ops = &datagram_ops;
        break;
    case RF_SOCK_DGRAM: s->ops = &datagram_ops; break;
    case RF_SOCK_SEQPACKET: s->ops = &packet_ops; break;
    default: return -RF_ESOCKTNOSUPPORT;
    }
    struct rf_unix *net = state_of(k);
    struct rf_unix_socket *u = net ? rf_kalloc(k, sizeof *u) : NULL;
    if (!u)
        return -RF_ENOMEM;
    u->socket = s;
    u->backlog = RF_UNIX_MOST_DATAGRAMS;
    u->next = net->sockets;
    net->sockets = u;
    s->data = u;
    return 0;
}

void rf_unix_changed(struct rf_kernel *k, struct rf_unix_socket *u)
{
    rf_wake(k, &u->socket->readable);
    rf_wake(k, &u->socket->writable);
}

void rf_unix_set_peer(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_unix_socket *peer)
{
    struct rf_unix_socket *old = u->peer;
    if (peer)
        rf_socket_get(peer->socket);
    u->peer = peer;
    u->wants_peer_room = false;
    if (old)
        rf_socket_put(k, old->socket);
}

/* unix_dgram_peer_wake_relay: polls of those connected to u hear of it, too. */
void rf_unix_room(struct rf_kernel *k, struct rf_unix_socket *u)
{
    rf_wake(k, &u->room);
    for (struct rf_unix_socket *other = k->net->local->sockets; other; other = other->next) {
        if (other->peer != u || !other->wants_peer_room)
            continue;
        other->wants_peer_room = false;
        rf_socket_writable(k, other->socket);
    }
}

/* The peer of a connection learns that it is over. */
static void tell_peer(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_unix_socket *peer, bool unread)
{
    if (!rf_unix_is_connected_kind(u))
        return;
    peer->no_reading = peer->no_writing = true;
    if (unread)
        peer->socket->error = RF_ECONNRESET;
    rf_unix_changed(k, peer);
}

/* unix_release_sock */
void rf_unix_end(struct rf_kernel *k, struct rf_unix_socket *u, bool embryo)
{
    bool listened = u->state == RF_UNIX_LISTENING;
    u->dead = true;
    u->listener = NULL;
    u->no_reading = u->no_writing = true;
    u->state = RF_UNIX_CLOSED;
    rf_unix_forget_name(k, u);
    rf_unix_room(k, u);
    struct rf_unix_socket *peer = u->peer;
    if (peer) {
        tell_peer(k, u, peer, u->first || embryo);
        rf_unix_set_peer(k, u, NULL);
    }
    while (u->first) {
        struct rf_unix_packet *p = u->first;
        rf_unix_unlink(u, p);
        if (listened && p->embryo)
            rf_unix_end(k, p->embryo, true);
        rf_unix_packet_free(k, p);
    }
}

static void release(struct rf_kernel *k, struct rf_socket *s)
{
    struct rf_unix_socket *u = rf_unix_of(s);
    if (!u->dead)
        rf_unix_end(k, u, false);
    rf_unix_collect(k);
}

static void destroy(struct rf_kernel *k, struct rf_socket *s)
{
    struct rf_unix_socket *u = rf_unix_of(s), **link = &k->net->local->sockets;
    rf_wake(k, &u->room);
    while (*link && *link != u)
        link = &(*link)->next;
    if (*link)
        *link = u->next;
    rf_unix_name_put(k, u->name);
    rf_kfree(k, u);
}

/* Nobody holds a descriptor any more, so all that is left is garbage. */
static void end(struct rf_kernel *k)
{
    if (!k->net->local)
        return;
    rf_unix_collect(k);
    rf_kfree(k, k->net->local);
    k->net->local = NULL;
}

/* --- polling --- */

static uint32_t stream_poll(struct rf_kernel *k, struct rf_socket *s, struct rf_poll_request *request)
{
    (void)k;
    const struct rf_unix_socket *u = rf_unix_of(s);
    uint32_t ready = 0;
    rf_poll_add(request, &s->readable);
    rf_poll_add(request, &s->writable);
    if (s->error)
        ready |= RF_POLLERR;
    if ((u->no_reading && u->no_writing) || u->state == RF_UNIX_CLOSED)
        ready |= RF_POLLHUP;
    if (u->no_reading)
        ready |= RF_POLLRDHUP | RF_POLLIN | RF_POLLRDNORM;
    if (u->first)
        ready |= RF_POLLIN | RF_POLLRDNORM;
    if (rf_unix_is_writable(u))
        ready |= RF_POLLOUT | RF_POLLWRNORM | RF_POLLWRBAND;
    return ready;
}

/* --- ioctls --- */

static int64_t bytes_waiting(const struct rf_unix_socket *u)
{
    if (u->state == RF_UNIX_LISTENING)
        return -RF_EINVAL;
    int64_t bytes = 0;
    for (const struct rf_unix_packet *p = u->first; p; p = p->next) {
        bytes += p->length - p->consumed;
        if (!rf_unix_is_connected_kind(u))
            break;
    }
    return bytes;
}

static int64_t do_ioctl(struct rf_kernel *k, struct rf_socket *s, uint32_t command, uint64_t argument)
{
    const struct rf_unix_socket *u = rf_unix_of(s);
    int64_t result = command == RF_SIOCINQ ? bytes_waiting(u) : command == RF_SIOCOUTQ ? (int64_t)u->charged : -RF_ENOTTY;
    if (result < 0)
        return result;
    int32_t bytes = (int32_t)result;
    return RF_PUT_USER(k, argument, bytes);
}

static void options_changed(struct rf_kernel *k, struct rf_socket *s, int name)
{
    if ((name == RF_SO_SNDBUF || name == RF_SO_SNDBUFFORCE) && rf_unix_is_writable(rf_unix_of(s)))
        rf_socket_writable(k, s);
}

/* --- tables --- */

#define COMMON                                                                                          \
    .bind = rf_unix_bind, .pair = rf_unix_pair, .getname = rf_unix_getname, .shutdown = rf_unix_shutdown, \
    .ioctl = do_ioctl, .changed = options_changed, .release = release, .destroy = destroy

static const struct rf_socket_ops stream_ops = {
    COMMON,
    .connect = rf_unix_stream_connect,
    .listen = rf_unix_listen,
    .accept = rf_unix_accept,
    .send = rf_unix_stream_send,
    .receive = rf_unix_stream_receive,
    .poll = stream_poll,
};

static const struct rf_socket_ops datagram_ops = {
    COMMON,
    .connect = rf_unix_datagram_connect,
    .send = rf_unix_datagram_send,
    .receive = rf_unix_datagram_receive,
    .poll = rf_unix_datagram_poll,
};

static const struct rf_socket_ops packet_ops = {
    COMMON,
    .connect = rf_unix_stream_connect,
    .listen = rf_unix_listen,
    .accept = rf_unix_accept,
    .send = rf_unix_packets_send,
    .receive = rf_unix_packets_receive,
    .poll = rf_unix_datagram_poll,
};

const struct rf_socket_family rf_unix_family = { .domain = RF_AF_UNIX, .name = "UNIX", .create = create, .end = end };

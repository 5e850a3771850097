/* How TCP connections begin: connect(2), listen(2), accept(2), and what a full accept queue does to a SYN. */
#include "kernel/net/host.h"
#include "kernel/net/tcp.h"

#include "kernel/task/task.h"

#include <string.h>

#define SYN_RETRIES 6 /* net.ipv4.tcp_syn_retries */

/* --- the listener's side --- */

static void join_ready(struct rf_kernel *k, struct rf_inet_socket *listener, struct rf_inet_socket *child)
{
    struct rf_tcp *l = listener->tcp;
    child->tcp->next_ready = NULL;
    *(l->ready_last ? &l->ready_last->tcp->next_ready : &l->ready_first) = child;
    l->ready_last = child;
    l->ready++;
    rf_socket_readable(k, listener->entry.socket);
}

static void deferral_expires(struct rf_kernel *k, void *owner)
{
    rf_tcp_end_deferral(k, owner);
}

/* Its request is kept until data come, or for so long. */
static void defer(struct rf_kernel *k, struct rf_inet_socket *listener, struct rf_inet_socket *child)
{
    struct rf_tcp *c = child->tcp;
    child->entry.state = RF_TCP_SYN_RECV;
    c->next_ready = listener->tcp->deferred;
    listener->tcp->deferred = child;
    c->timer.fire = deferral_expires;
    c->timer.owner = child;
    rf_timer_start(k, &c->timer, rf_clock_monotonic(k) + (uint64_t)listener->tcp->options.defer_accept * RF_TCP_SECOND);
}

void rf_tcp_end_deferral(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_inet_socket *listener = i->tcp->listener;
    if (!listener)
        return;
    struct rf_inet_socket **link = &listener->tcp->deferred;
    while (*link && *link != i)
        link = &(*link)->tcp->next_ready;
    if (!*link)
        return; /* it is ready */
    *link = i->tcp->next_ready;
    rf_timer_stop(k, &i->tcp->timer);
    if (i->entry.state == RF_TCP_SYN_RECV)
        i->entry.state = RF_TCP_ESTABLISHED;
    join_ready(k, listener, i);
}

void rf_tcp_listen_stop(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_tcp *t = i->tcp;
    i->entry.socket->listening = false;
    while (t->deferred) {
        struct rf_inet_socket *child = t->deferred;
        t->deferred = child->tcp->next_ready;
        rf_tcp_abort_embryo(k, child);
    }
    while (t->ready_first) {
        struct rf_inet_socket *child = t->ready_first;
        t->ready_first = child->tcp->next_ready;
        rf_tcp_abort_embryo(k, child);
    }
    t->ready_last = NULL;
    t->ready = 0;
}

static void grow_buffers(struct rf_inet_socket *i)
{
    if (!i->tcp->send_locked && i->entry.socket->options.send_buffer < RF_TCP_SEND_AUTO)
        i->entry.socket->options.send_buffer = RF_TCP_SEND_AUTO; /* tcp_init_buffer_space */
}

/* The socket that a listener gets for a connection from there to here. NULL: no memory. */
static struct rf_inet_socket *make_child(struct rf_kernel *k, struct rf_inet_socket *listener,
                                         const struct rf_inet_name *local, const struct rf_inet_name *peer)
{
    struct rf_socket *s = rf_socket_like(k, listener->entry.socket);
    struct rf_inet_socket *child = s ? rf_inet_new(k, s, true, listener->entry.v6) : NULL;
    if (child && rf_tcp_create(k, s, child)) {
        rf_inet_free(k, child);
        child = NULL;
    }
    if (!child) {
        rf_kfree(k, s); /* no family data yet: nothing but memory */
        return NULL;
    }
    s->options.send_buffer = listener->entry.socket->options.send_buffer;
    s->options.receive_buffer = listener->entry.socket->options.receive_buffer;
    child->options = listener->options;
    child->options.port_range = 0;
    child->tcp->options = listener->tcp->options;
    child->tcp->options.defer_accept = 0;
    child->tcp->send_locked = listener->tcp->send_locked;
    child->tcp->receive_locked = listener->tcp->receive_locked;
    child->entry.only6 = listener->entry.only6;
    child->entry.uid = listener->entry.uid;
    child->entry.accepted = true;
    child->entry.local = *local;
    child->entry.peer = *peer;
    child->entry.state = RF_TCP_ESTABLISHED;
    child->tcp->listener = listener;
    rf_inet_hold_port(k, &child->entry);
    grow_buffers(child);
    return child;
}

/* --- the connecting side --- */

static void establish(struct rf_kernel *k, struct rf_inet_socket *i, struct rf_inet_socket *peer)
{
    i->entry.state = RF_TCP_ESTABLISHED;
    i->tcp->peer = peer;
    peer->tcp->peer = i;
    i->tcp->segments_out += 2;
    i->tcp->segments_in++;
    peer->tcp->segments_in += 2;
    peer->tcp->segments_out++;
    grow_buffers(i);
    rf_timer_stop(k, &i->tcp->timer);
    rf_socket_writable(k, i->entry.socket);
}

static void send_syn(struct rf_kernel *k, struct rf_inet_socket *i);

/* Nobody has answered: once more, or no more (tcp_retransmit_timer). */
static void syn_again(struct rf_kernel *k, void *owner)
{
    struct rf_inet_socket *i = owner;
    struct rf_tcp *t = i->tcp;
    int32_t retries = t->options.syn_count ? t->options.syn_count : SYN_RETRIES;
    struct rf_socket *s = i->entry.socket;
    if ((int32_t)t->tries <= retries) {
        send_syn(k, i);
        return;
    }
    rf_socket_get(s);
    rf_tcp_done(k, i);
    rf_socket_fail(k, s, RF_ETIMEDOUT);
    rf_socket_put(k, s);
}

static void wait_for_answer(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_tcp *t = i->tcp;
    uint64_t seconds = UINT64_C(1) << (t->tries < 7 ? t->tries : 7); /* 1 s, doubled each time, TCP_RTO_MAX */
    t->tries++;
    t->timer.fire = syn_again;
    t->timer.owner = i;
    rf_timer_start(k, &t->timer, rf_clock_monotonic(k) + (seconds < 120 ? seconds : 120) * RF_TCP_SECOND);
}

static void send_syn(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_inet_entry *e = &i->entry;
    struct rf_inet_socket *listener = rf_inet_find(k, true, &e->peer, &e->local);
    if (!listener) {
        bool self = e->peer.port == e->local.port && rf_inet_is_same(e->peer.address, e->local.address);
        if (self)
            establish(k, i, i); /* a simultaneous open with itself */
        else
            rf_tcp_got_reset(k, i);
        return;
    }
    struct rf_tcp *l = listener->tcp;
    struct rf_inet_socket *child = l->ready > l->backlog ? NULL : make_child(k, listener, &e->peer, &e->local);
    if (!child) { /* sk_acceptq_is_full: the SYN is dropped */
        wait_for_answer(k, i);
        return;
    }
    establish(k, i, child);
    if (l->options.defer_accept)
        defer(k, listener, child);
    else
        join_ready(k, listener, child);
}

/* A connection of the same two names has ended lately: its TIME_WAIT goes, if it is older than a second (tcp_tw_reuse
 * over lo). False: it has not. */
static bool is_unique(struct rf_kernel *k, const struct rf_inet_entry *own, const struct rf_inet_name *peer)
{
    const struct rf_inet_table *table = &k->net->inet->tcp;
    uint32_t bucket = own->local.port % RF_INET_BUCKETS;
    for (int accepted = 0; accepted < 2; accepted++)
        for (const struct rf_inet_entry *e = (accepted ? table->accepted : table->bucket)[bucket]; e; e = e->next) {
            if (e == own || e->local.port != own->local.port || e->peer.port != peer->port ||
                e->state == RF_TCP_CLOSE || e->state == RF_TCP_LISTEN)
                continue;
            if (!rf_inet_is_same(e->local.address, own->local.address) ||
                !rf_inet_is_same(e->peer.address, peer->address))
                continue;
            const struct rf_tcp_wait *w = e->socket ? NULL : (const void *)e;
            uint64_t age = w ? RF_TCP_FIN_TIMEOUT - (w->expires - rf_clock_monotonic(k)) : 0;
            if (!w || age <= RF_TCP_SECOND)
                return false;
        }
    return true;
}

/* tcp_v4_connect, tcp_v6_connect */
static int64_t begin(struct rf_kernel *k, struct rf_inet_socket *i, const struct rf_socket_address *address)
{
    struct rf_inet_entry *e = &i->entry;
    struct rf_inet_name to = { 0 };
    uint8_t from[16];
    int64_t error = rf_inet_destination(i, address, &to);
    if (error)
        return error;
    enum rf_inet_kind kind = rf_inet_kind(to.address);
    if (kind == RF_INET_MULTICAST || kind == RF_INET_BROADCAST)
        return -RF_ENETUNREACH;
    error = rf_inet_route(i, to.address, from);
    if (error)
        return error;
    const struct rf_inet_entry before = *e;
    memcpy(e->local.address, from, 16);
    if (!e->link)
        error = rf_inet_connect_port(k, i, &to);
    else if (!is_unique(k, e, &to))
        error = -RF_EADDRNOTAVAIL;
    if (error) {
        memcpy(e->local.address, before.local.address, 16);
        return error;
    }
    e->peer = to;
    e->state = RF_TCP_SYN_SENT;
    i->tcp->tries = 0;
    send_syn(k, i);
    return 0;
}

/* It came to nothing: another attempt may be made. */
static int64_t failed(struct rf_kernel *k, struct rf_inet_socket *i)
{
    int64_t error = rf_socket_take_error(i->entry.socket);
    i->tcp->phase = RF_TCP_UNCONNECTED;
    rf_tcp_disconnect(k, i);
    return error ? error : -RF_ECONNABORTED;
}

static int64_t wait_for_connection(struct rf_kernel *k, struct rf_socket *s, int64_t without)
{
    uint64_t *kept = &k->current->scratch[RF_SCRATCH_FAMILY]; /* what a timeout returns: as at the first run */
    if (!*kept)
        *kept = (uint64_t)-without;
    int64_t result = rf_socket_wait(k, s, &s->writable, false, s->options.send_timeout);
    return result == -RF_EAGAIN ? -(int64_t)*kept : result;
}

/* __inet_stream_connect. Over lo the other side answers at once, yet one who does not wait is told -EINPROGRESS: Linux
 * looks at the answer when the call is over. */
int64_t rf_tcp_connect(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address, bool nonblock)
{
    int64_t taken = rf_host_take(k, s, RF_HOST_CONNECT, address);
    if (taken)
        return taken < 0 ? taken : s->ops->connect(k, s, address, nonblock);
    struct rf_inet_socket *i = rf_inet_of(s);
    struct rf_tcp *t = i->tcp;
    if (address->length && address->length < sizeof address->family)
        return -RF_EINVAL;
    if (address->length && address->family == RF_AF_UNSPEC) {
        rf_tcp_disconnect(k, i);
        t->phase = RF_TCP_UNCONNECTED;
        return 0;
    }
    if (address->length == 0)
        return -RF_EINVAL;
    int64_t error = -RF_EALREADY;
    if (t->phase == RF_TCP_CONNECTED)
        return -RF_EISCONN;
    if (t->phase == RF_TCP_UNCONNECTED) {
        if (i->entry.state != RF_TCP_CLOSE)
            return -RF_EISCONN;
        error = begin(k, i, address);
        if (error)
            return error;
        t->phase = RF_TCP_CONNECTING;
        error = -RF_EINPROGRESS;
        if (nonblock)
            return error;
    }
    if (i->entry.state == RF_TCP_SYN_SENT)
        return nonblock ? error : wait_for_connection(k, s, error);
    if (i->entry.state == RF_TCP_CLOSE)
        return failed(k, i);
    t->phase = RF_TCP_CONNECTED;
    return 0;
}

/* --- listen(2), accept(2) --- */

int64_t rf_tcp_listen(struct rf_kernel *k, struct rf_socket *s, int backlog)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    struct rf_inet_entry *e = &i->entry;
    if (i->tcp->phase != RF_TCP_UNCONNECTED || (e->state != RF_TCP_CLOSE && e->state != RF_TCP_LISTEN))
        return -RF_EINVAL;
    i->tcp->backlog = (uint32_t)backlog;
    if (e->state == RF_TCP_LISTEN)
        return 0;
    if (e->link ? !rf_inet_may_listen(k, i) : rf_inet_autobind(k, i) != 0)
        return -RF_EADDRINUSE;
    e->state = RF_TCP_LISTEN;
    s->listening = true;
    rf_inet_hold_port(k, e); /* the newest is found first */
    return 0;
}

int64_t rf_tcp_accept(struct rf_kernel *k, struct rf_socket *s, bool nonblock, struct rf_socket **out)
{
    struct rf_inet_socket *i = rf_inet_of(s), *child = i->tcp->ready_first;
    if (i->entry.state != RF_TCP_LISTEN)
        return -RF_EINVAL;
    if (!child)
        return rf_socket_wait(k, s, &s->readable, nonblock, s->options.receive_timeout);
    i->tcp->ready_first = child->tcp->next_ready;
    if (!child->tcp->next_ready)
        i->tcp->ready_last = NULL;
    i->tcp->ready--;
    child->tcp->next_ready = NULL;
    child->tcp->listener = NULL;
    child->tcp->phase = RF_TCP_CONNECTED;
    k->current->scratch[RF_SCRATCH_FAMILY + 3] = true; /* rf_inet_getname */
    *out = child->entry.socket;
    return 0;
}

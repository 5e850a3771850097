/* UDP sockets (udp(7)): connecting, closing, polling, options. */
#include "kernel/net/host.h"
#include "kernel/net/udp.h"

#include <string.h>

int64_t rf_udp_create(struct rf_kernel *k, struct rf_socket *s, struct rf_inet_socket *i)
{
    i->udp = rf_kalloc(k, sizeof *i->udp);
    (void)s;
    return i->udp ? 0 : -RF_ENOBUFS;
}

void rf_udp_drop_first(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_datagram *d = i->udp->first;
    i->udp->first = d->next;
    if (!d->next)
        i->udp->last = NULL;
    i->udp->charged -= d->charge;
    k->net->inet->memory -= d->charge;
    rf_kfree(k, d);
}

void rf_udp_free(struct rf_kernel *k, struct rf_inet_socket *i)
{
    while (i->udp->first)
        rf_udp_drop_first(k, i);
    rf_kfree(k, i->udp->pending);
    rf_kfree(k, i->udp);
}

/* connect(2) with AF_UNSPEC: the address of the other is forgotten, the own one if the program has not chosen it. */
static int64_t disconnect(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_inet_entry *e = &i->entry;
    e->state = RF_TCP_CLOSE;
    e->peer.port = 0;
    rf_inet_set_any(e->peer.address, !e->v6);
    if (!i->address_given)
        rf_inet_set_any(e->local.address, !e->v6);
    if (!i->port_given) {
        rf_inet_drop_port(k, e);
        e->local.port = 0;
    }
    return 0;
}

/* __ip4_datagram_connect, __ip6_datagram_connect */
static int64_t udp_connect(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address,
                           bool nonblock)
{
    int64_t taken = rf_host_take(k, s, RF_HOST_CONNECT, address);
    if (taken)
        return taken < 0 ? taken : s->ops->connect(k, s, address, nonblock);
    struct rf_inet_socket *i = rf_inet_of(s);
    struct rf_inet_entry *e = &i->entry;
    struct rf_inet_name to = { 0 };
    uint8_t from[16];
    if (address->length < sizeof address->family)
        return -RF_EINVAL;
    if (address->family == RF_AF_UNSPEC)
        return disconnect(k, i);
    int64_t error = rf_inet_autobind(k, i) ? -RF_EAGAIN : 0; /* inet_dgram_connect */
    if (!error)
        error = rf_inet_destination(i, address, &to);
    if (!error)
        error = rf_inet_route(i, to.address, from);
    if (error)
        return error;
    if (rf_inet_is_any(e->local.address))
        memcpy(e->local.address, from, 16);
    e->peer = to;
    e->state = RF_TCP_ESTABLISHED;
    rf_inet_hold_port(k, e); /* the newest again: it is found before its like */
    return 0;
}

static int64_t udp_shutdown(struct rf_kernel *k, struct rf_socket *s, bool reading, bool writing)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    i->no_reading |= reading;
    i->no_writing |= writing;
    rf_wake(k, &s->readable);
    rf_wake(k, &s->writable);
    return i->entry.state == RF_TCP_CLOSE ? -RF_ENOTCONN : 0; /* and yet it is done (inet_shutdown) */
}

/* datagram_poll, udp_poll */
static uint32_t udp_poll(struct rf_kernel *k, struct rf_socket *s, struct rf_poll_request *request)
{
    (void)k;
    const struct rf_inet_socket *i = rf_inet_of(s);
    uint32_t ready = RF_POLLOUT | RF_POLLWRNORM | RF_POLLWRBAND;
    rf_poll_add(request, &s->readable);
    rf_poll_add(request, &s->writable);
    if (s->error || i->errors)
        ready |= RF_POLLERR | (s->options.select_error_queue && i->errors ? RF_POLLPRI : 0);
    if (i->no_reading)
        ready |= RF_POLLRDHUP | RF_POLLIN | RF_POLLRDNORM;
    if (i->no_reading && i->no_writing)
        ready |= RF_POLLHUP;
    if (i->udp->first)
        ready |= RF_POLLIN | RF_POLLRDNORM;
    return ready;
}

static int64_t udp_ioctl(struct rf_kernel *k, struct rf_socket *s, uint32_t command, uint64_t argument)
{
    const struct rf_inet_socket *i = rf_inet_of(s);
    int32_t bytes = 0; /* SIOCOUTQ: what was sent has arrived */
    if (command == RF_SIOCINQ)
        bytes = i->udp->first ? (int32_t)i->udp->first->size : 0;
    else if (command != RF_SIOCOUTQ)
        return -RF_ENOTTY;
    return RF_PUT_USER(k, argument, bytes);
}

/* --- options --- */

/* udp_lib_setsockopt */
static int64_t set_udp(struct rf_kernel *k, struct rf_inet_socket *i, int name, const void *value, uint32_t size)
{
    int32_t number;
    if (size < sizeof number)
        return -RF_EINVAL;
    memcpy(&number, value, sizeof number);
    struct rf_udp *u = i->udp;
    switch (name) {
    case RF_UDP_CORK:
        u->cork = number != 0;
        if (!u->cork)
            rf_udp_push_pending(k, i);
        return 0;
    case RF_UDP_SEGMENT:
        if (number < 0 || number > UINT16_MAX)
            return -RF_EINVAL;
        u->segment = number;
        return 0;
    case RF_UDP_GRO: u->receive_whole = number; return 0;
    case RF_UDP_NO_CHECK6_TX: u->no_check6_send = number; return 0;
    case RF_UDP_NO_CHECK6_RX: u->no_check6_receive = number; return 0;
    case RF_UDP_ENCAP: return number == 0 ? 0 : -RF_ENOPROTOOPT; /* no IPsec */
    default: return -RF_ENOPROTOOPT;
    }
}

static int64_t get_udp(const struct rf_inet_socket *i, int name, void *value, uint32_t *size)
{
    const struct rf_udp *u = i->udp;
    int32_t number = 0;
    switch (name) {
    case RF_UDP_CORK: number = u->cork; break;
    case RF_UDP_SEGMENT: number = u->segment; break;
    case RF_UDP_GRO: number = u->receive_whole; break;
    case RF_UDP_NO_CHECK6_TX: number = u->no_check6_send; break;
    case RF_UDP_NO_CHECK6_RX: number = u->no_check6_receive; break;
    case RF_UDP_ENCAP: break;
    default: return -RF_ENOPROTOOPT;
    }
    return rf_inet_give(value, size, &number, sizeof number);
}

static int64_t udp_setsockopt(struct rf_kernel *k, struct rf_socket *s, int level, int name, const void *value,
                              uint32_t size)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    switch (level) {
    case RF_IPPROTO_UDP: return set_udp(k, i, name, value, size);
    case RF_IPPROTO_IP: return rf_inet_set_ip(k, i, name, value, size);
    case RF_IPPROTO_IPV6: return i->entry.v6 ? rf_inet_set_ipv6(k, i, name, value, size) : -RF_ENOPROTOOPT;
    default: return -RF_ENOPROTOOPT;
    }
}

static int64_t udp_getsockopt(struct rf_kernel *k, struct rf_socket *s, int level, int name, void *value,
                              uint32_t *size)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    switch (level) {
    case RF_IPPROTO_UDP: return get_udp(i, name, value, size);
    case RF_IPPROTO_IP: return rf_inet_get_ip(k, i, name, value, size);
    case RF_IPPROTO_IPV6: return i->entry.v6 ? rf_inet_get_ipv6(k, i, name, value, size) : -RF_EOPNOTSUPP;
    default: return i->entry.v6 ? -RF_ENOPROTOOPT : -RF_EOPNOTSUPP; /* do_ip_getsockopt: "level != SOL_IP" */
    }
}

static void udp_release(struct rf_kernel *k, struct rf_socket *s)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    if (i->udp->pending)
        rf_udp_push_pending(k, i);
    rf_inet_drop_port(k, &i->entry);
    rf_inet_leave_all(k, i);
}

static void udp_destroy(struct rf_kernel *k, struct rf_socket *s)
{
    rf_inet_free(k, rf_inet_of(s));
}

const struct rf_socket_ops rf_udp_ops = {
    .bind = rf_inet_bind,
    .connect = udp_connect,
    .getname = rf_inet_getname,
    .shutdown = udp_shutdown,
    .send = rf_udp_send,
    .receive = rf_udp_receive,
    .poll = udp_poll,
    .ioctl = udp_ioctl,
    .setsockopt = udp_setsockopt,
    .getsockopt = udp_getsockopt,
    .release = udp_release,
    .destroy = udp_destroy,
};

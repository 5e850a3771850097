/* Sending datagrams: to whom, with what ancillary data, and into whose queues (udp_sendmsg, __udp4_lib_rcv). */
#include "kernel/net/host.h"
#include "kernel/net/udp.h"

#include "kernel/task/task.h"

#include <string.h>

#define MOST_SEGMENTS 128u /* UDP_MAX_SEGMENTS */

/* What one datagram is sent with. */
struct sending {
    struct rf_inet_name to;
    uint8_t from[16];
    int32_t ttl, tos, segment;
};

/* --- ancillary data that are sent --- */

static int64_t number_of(const struct rf_cmsghdr *c, int32_t *out)
{
    if (c->cmsg_len != RF_CMSG_LEN(sizeof *out))
        return -RF_EINVAL;
    memcpy(out, c + 1, sizeof *out);
    return 0;
}

/* ip_cmsg_send */
static int64_t take_ip(const struct rf_cmsghdr *c, struct sending *out)
{
    int32_t number = 0;
    struct rf_in_pktinfo info;
    switch (c->cmsg_type) {
    case RF_IP_TTL:
        if (number_of(c, &number) || number < 1 || number > 255)
            return -RF_EINVAL;
        out->ttl = number;
        return 0;
    case RF_IP_TOS:
        if (c->cmsg_len == RF_CMSG_LEN(1))
            number = *(const uint8_t *)(c + 1);
        else if (number_of(c, &number))
            return -RF_EINVAL;
        if (number < 0 || number > 255)
            return -RF_EINVAL;
        out->tos = number;
        return 0;
    case RF_IP_PKTINFO:
        if (c->cmsg_len != RF_CMSG_LEN(sizeof info))
            return -RF_EINVAL;
        memcpy(&info, c + 1, sizeof info);
        if (info.ipi_ifindex && info.ipi_ifindex != RF_LOOPBACK_INDEX)
            return -RF_ENODEV;
        if (info.ipi_spec_dst[0] == 127)
            memcpy(out->from + 12, info.ipi_spec_dst, 4);
        else if (info.ipi_spec_dst[0] || info.ipi_spec_dst[3])
            return -RF_EINVAL;
        return 0;
    case RF_IP_RETOPTS: return 0;
    default: return -RF_EINVAL;
    }
}

/* ip6_datagram_send_ctl */
static int64_t take_ipv6(const struct rf_cmsghdr *c, struct sending *out)
{
    struct rf_in6_pktinfo info;
    int32_t number;
    switch (c->cmsg_type) {
    case RF_IPV6_PKTINFO:
        if (c->cmsg_len < RF_CMSG_LEN(sizeof info))
            return -RF_EINVAL;
        memcpy(&info, c + 1, sizeof info);
        if (info.ipi6_ifindex && info.ipi6_ifindex != RF_LOOPBACK_INDEX)
            return -RF_ENODEV;
        return rf_inet_is_same(info.ipi6_addr, rf_inet_any6) ||
            rf_inet_kind(info.ipi6_addr) == RF_INET_LOCAL ? 0 : -RF_EINVAL;
    case RF_IPV6_HOPLIMIT:
        if (number_of(c, &number) || number < -1 || number > 255)
            return -RF_EINVAL;
        out->ttl = number < 0 ? 64 : number;
        return 0;
    case RF_IPV6_TCLASS:
        if (number_of(c, &number) || number < -1 || number > 255)
            return -RF_EINVAL;
        out->tos = number < 0 ? 0 : number;
        return 0;
    case RF_IPV6_DONTFRAG: return number_of(c, &number) || number < 0 || number > 1 ? -RF_EINVAL : 0;
    default: return -RF_EINVAL;
    }
}

static int64_t take_control(const struct rf_inet_socket *i, struct rf_message *message, struct sending *out)
{
    uint64_t at = 0;
    int64_t error = 0;
    if (!message->control)
        return 0;
    for (const struct rf_cmsghdr *c; !error && (c = rf_control_next(message->control, &at, &error));) {
        if (c->cmsg_level == RF_SOL_SOCKET) {
            bool known = c->cmsg_type == RF_SCM_RIGHTS || c->cmsg_type == RF_SCM_CREDENTIALS ||
                c->cmsg_type == RF_SO_MARK ||
                         c->cmsg_type == RF_SO_TIMESTAMPING || c->cmsg_type == RF_SO_PRIORITY;
            error = known ? 0 : -RF_EINVAL; /* __sock_cmsg_send: those of AF_UNIX are allowed, and mean nothing */
        } else if (c->cmsg_level == RF_IPPROTO_UDP) {
            if (c->cmsg_type != RF_UDP_SEGMENT || c->cmsg_len != RF_CMSG_LEN(sizeof(uint16_t)))
                return -RF_EINVAL;
            uint16_t segment;
            memcpy(&segment, c + 1, sizeof segment);
            out->segment = segment;
        } else if (c->cmsg_level == RF_IPPROTO_IP && rf_inet_is_mapped(out->to.address)) {
            error = take_ip(c, out);
        } else if (c->cmsg_level == RF_IPPROTO_IPV6 && i->entry.v6 && !rf_inet_is_mapped(out->to.address)) {
            error = take_ipv6(c, out);
        }
    }
    return error;
}

/* --- into queues --- */

/* Linux counts the buffer that a datagram lies in, not its bytes: struct sk_buff and the size class of head room, data
 * and struct skb_shared_info; above 16 KiB in pages. */
static uint32_t charge_of(uint32_t size)
{
    uint32_t need = size + 380, bytes = 1024;
    if (need <= 576)
        return 256 + 576;
    if (need > 16384)
        return 256 + 576 + size;
    while (bytes < need)
        bytes *= 2;
    return 256 + bytes;
}

static void queue(struct rf_kernel *k, struct rf_inet_socket *to, const struct rf_datagram *what)
{
    struct rf_udp *u = to->udp;
    uint32_t charge = charge_of(what->size);
    struct rf_datagram *d = NULL;
    if (u->charged + charge <= to->entry.socket->options.receive_buffer && rf_inet_may_queue(k, charge))
        d = rf_kalloc(k, sizeof *d + what->size);
    if (!d) {
        u->dropped++;
        return;
    }
    memcpy(d, what, sizeof *d + what->size);
    d->next = NULL;
    d->charge = charge;
    u->charged += charge;
    k->net->inet->memory += charge;
    *(u->last ? &u->last->next : &u->first) = d;
    u->last = d;
    rf_socket_readable(k, to->entry.socket);
}

/* __udp4_lib_mcast_deliver: to all that have the port and are not connected to somebody else. */
static void deliver_to_all(struct rf_kernel *k, const struct rf_datagram *d, bool multicast)
{
    const struct rf_inet *net = k->net->inet;
    if (multicast && !rf_inet_anybody_joined(k, d->to.address))
        return;
    for (struct rf_inet_entry *e = net->udp.bucket[d->to.port % RF_INET_BUCKETS]; e; e = e->next) {
        struct rf_inet_socket *i = rf_inet_of(e->socket);
        bool wants_all = rf_inet_is_mapped(d->to.address) ? i->options.multicast_all : i->options.multicast_all6;
        if (rf_inet_score(e, &d->to, &d->from) == UINT32_MAX)
            continue;
        if (!multicast || wants_all || rf_inet_has_joined(i, d->to.address))
            queue(k, i, d);
    }
}

/* Where it goes, or the news that it goes nowhere. */
static void deliver(struct rf_kernel *k, struct rf_inet_socket *i, const struct rf_datagram *d)
{
    enum rf_inet_kind kind = rf_inet_kind(d->to.address);
    k->net->inet->packets_moved++;
    k->net->inet->bytes_moved += d->size + 42; /* with the headers */
    if (kind != RF_INET_LOCAL) {
        bool loops = rf_inet_is_mapped(d->to.address) ? i->options.multicast_loop : i->options.multicast_loop6;
        if (kind == RF_INET_BROADCAST || loops)
            deliver_to_all(k, d, kind == RF_INET_MULTICAST);
        return;
    }
    struct rf_inet_socket *to = rf_inet_find(k, false, &d->to, &d->from);
    if (to)
        queue(k, to, d);
    else
        rf_inet_refused(k, i, &d->to, d->bytes, d->size);
}

/* UDP_SEGMENT: one buffer, many datagrams. */
static void deliver_segments(struct rf_kernel *k, struct rf_inet_socket *i, struct rf_datagram *d, uint32_t segment)
{
    uint32_t size = d->size;
    for (uint32_t done = 0; done < size; done += segment) {
        uint32_t part = size - done < segment ? size - done : segment;
        memmove(d->bytes, d->bytes + (done ? segment : 0), size - done);
        d->size = part;
        deliver(k, i, d);
    }
}

/* --- udp_sendmsg --- */

static uint32_t most_of(const struct rf_inet_name *to)
{
    return rf_inet_is_mapped(to->address) ? RF_UDP_MOST4 : RF_UDP_MOST6;
}

static int64_t find_destination(const struct rf_inet_socket *i, const struct rf_message *message, struct sending *out)
{
    const struct rf_socket_address *name = message->name;
    const struct rf_inet_entry *e = &i->entry;
    if (name && e->v6 && name->length < sizeof name->family)
        return -RF_EINVAL;
    if (name && !(e->v6 && name->family == RF_AF_UNSPEC)) {
        if (e->v6 && name->family != RF_AF_INET && name->family != RF_AF_INET6)
            return -RF_EINVAL;
        int64_t error = rf_inet_destination(i, name, &out->to);
        if (error)
            return error;
        if (out->to.port == 0)
            return -RF_EINVAL;
    } else if (e->state != RF_TCP_ESTABLISHED) {
        return -RF_EDESTADDRREQ;
    } else {
        out->to = e->peer;
    }
    return rf_inet_route(i, out->to.address, out->from);
}

static void set_header(const struct rf_inet_socket *i, const struct sending *how, struct rf_datagram *d, uint64_t now)
{
    const struct rf_inet_options *o = &i->options;
    bool mapped = rf_inet_is_mapped(how->to.address), multicast = rf_inet_kind(how->to.address) == RF_INET_MULTICAST;
    int32_t ttl = how->ttl;
    if (ttl < 0)
        ttl = mapped ? (multicast ? o->multicast_ttl : o->ttl) : (multicast ? o->multicast_hops : o->hops);
    d->to = how->to;
    memcpy(d->from.address, how->from, 16);
    d->from.port = i->entry.local.port;
    d->ttl = (uint8_t)(ttl < 0 ? 64 : ttl);
    d->tos = (uint8_t)(how->tos >= 0 ? how->tos : mapped ? o->tos : o->traffic_class);
    d->time = now;
}

int64_t rf_udp_push_pending(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_datagram *d = i->udp->pending;
    i->udp->pending = NULL;
    if (d)
        deliver(k, i, d);
    rf_kfree(k, d);
    return 0;
}

/* More of a datagram that is not finished: its destination is that of the first part. */
static int64_t add_pending(struct rf_kernel *k, struct rf_inet_socket *i, struct rf_message *message, bool more)
{
    struct rf_datagram *d = i->udp->pending;
    uint32_t size = (uint32_t)message->size;
    if (size > most_of(&d->to) - d->size)
        return -RF_EMSGSIZE;
    if (rf_uio_get(message->data, d->bytes + d->size, size) < size)
        return -RF_EFAULT;
    d->size += size;
    if (!more)
        rf_udp_push_pending(k, i);
    return size;
}

static int64_t check_segments(const struct sending *how, uint64_t size)
{
    if (how->segment <= 0 || size <= (uint64_t)how->segment)
        return 0;
    return size > (uint64_t)how->segment * MOST_SEGMENTS ? -RF_EINVAL : 0;
}

int64_t rf_udp_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    int64_t taken = message->name ? rf_host_take(k, s, RF_HOST_CONNECT, message->name) : 0;
    if (taken)
        return taken < 0 ? taken : s->ops->send(k, s, message);
    struct rf_inet_socket *i = rf_inet_of(s);
    struct sending how = { .ttl = -1, .tos = -1, .segment = i->udp->segment };
    bool more = i->udp->cork || message->flags & RF_MSG_MORE;
    if (!i->entry.link && rf_inet_autobind(k, i))
        return -RF_EAGAIN; /* inet_send_prepare */
    if (message->size > UINT16_MAX)
        return -RF_EMSGSIZE;
    if (message->flags & RF_MSG_OOB)
        return -RF_EOPNOTSUPP;
    if (i->udp->pending)
        return add_pending(k, i, message, more);
    int64_t error = find_destination(i, message, &how);
    if (!error)
        error = take_control(i, message, &how);
    if (!error && (error = rf_socket_take_error(s)) == 0 && i->no_writing)
        error = -RF_EPIPE;
    if (!error && message->size > most_of(&how.to))
        error = -RF_EMSGSIZE;
    if (!error)
        error = check_segments(&how, message->size);
    if (error)
        return error;
    uint32_t size = (uint32_t)message->size;
    struct rf_datagram *d = rf_kalloc(k, sizeof *d + (more ? RF_UDP_MOST6 : size));
    if (!d)
        return -RF_ENOBUFS;
    set_header(i, &how, d, rf_clock_realtime(k));
    d->size = size;
    if (rf_uio_get(message->data, d->bytes, size) < size) {
        rf_kfree(k, d);
        return -RF_EFAULT;
    }
    if (more) {
        i->udp->pending = d;
        return size;
    }
    if (how.segment > 0 && size > (uint32_t)how.segment)
        deliver_segments(k, i, d, (uint32_t)how.segment);
    else if (!(message->flags & RF_MSG_PROBE))
        deliver(k, i, d);
    rf_kfree(k, d);
    return size;
}

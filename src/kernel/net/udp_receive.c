/* Receiving datagrams, with what IP_PKTINFO, SO_TIMESTAMP and their like ask for (udp_recvmsg). */
#include "kernel/net/udp.h"

#include <string.h>

/* sock_recv_cmsgs: what SOL_SOCKET options add. */
static void add_common(const struct rf_socket *s, const struct rf_udp *u, const struct rf_datagram *d,
                       struct rf_control *control)
{
    if (s->options.timestamp) {
        const struct rf_timeval tv = { (int64_t)(d->time / 1000000000), (int64_t)(d->time % 1000000000 / 1000) };
        rf_control_add(control, RF_SOL_SOCKET, RF_SO_TIMESTAMP, &tv, sizeof tv);
    } else if (s->options.timestamp_ns) {
        const struct rf_timespec ts = { (int64_t)(d->time / 1000000000), (int64_t)(d->time % 1000000000) };
        rf_control_add(control, RF_SOL_SOCKET, RF_SO_TIMESTAMPNS, &ts, sizeof ts);
    }
    if (s->options.rxq_overflow)
        rf_control_add(control, RF_SOL_SOCKET, RF_SO_RXQ_OVFL, &u->dropped, sizeof u->dropped);
}

/* ip_cmsg_recv_offset */
static void add_ip(const struct rf_inet_options *o, const struct rf_datagram *d, struct rf_control *control)
{
    const int32_t ttl = d->ttl;
    if (o->packet_info) {
        struct rf_in_pktinfo info = { .ipi_ifindex = RF_LOOPBACK_INDEX };
        uint8_t own[16];
        rf_inet_set_loopback(own, true);
        memcpy(info.ipi_addr, d->to.address + 12, 4);
        memcpy(info.ipi_spec_dst, (rf_inet_kind(d->to.address) == RF_INET_LOCAL ? d->to.address : own) + 12, 4);
        rf_control_add(control, RF_IPPROTO_IP, RF_IP_PKTINFO, &info, sizeof info);
    }
    if (o->receive_ttl)
        rf_control_add(control, RF_IPPROTO_IP, RF_IP_TTL, &ttl, sizeof ttl);
    if (o->receive_tos)
        rf_control_add(control, RF_IPPROTO_IP, RF_IP_TOS, &d->tos, sizeof d->tos);
    if (o->original_destination) {
        struct rf_socket_address to;
        rf_inet_name_to(&to, &d->to, false);
        rf_control_add(control, RF_IPPROTO_IP, RF_IP_RECVORIGDSTADDR, to.bytes, to.length);
    }
}

/* ip6_datagram_recv_common_ctl, ip6_datagram_recv_specific_ctl */
static void add_ipv6(const struct rf_inet_options *o, const struct rf_datagram *d, struct rf_control *control)
{
    const int32_t hops = d->ttl, traffic_class = d->tos;
    if (o->packet_info6) {
        struct rf_in6_pktinfo info = { .ipi6_ifindex = RF_LOOPBACK_INDEX };
        memcpy(info.ipi6_addr, d->to.address, 16);
        rf_control_add(control, RF_IPPROTO_IPV6, RF_IPV6_PKTINFO, &info, sizeof info);
    }
    if (rf_inet_is_mapped(d->to.address))
        return;
    if (o->receive_hops)
        rf_control_add(control, RF_IPPROTO_IPV6, RF_IPV6_HOPLIMIT, &hops, sizeof hops);
    if (o->receive_class)
        rf_control_add(control, RF_IPPROTO_IPV6, RF_IPV6_TCLASS, &traffic_class, sizeof traffic_class);
}

/* SO_PEEK_OFF: which datagram, and where in it. NULL: beyond all. */
static struct rf_datagram *find_peeked(struct rf_udp *u, uint64_t *offset)
{
    struct rf_datagram *d = u->first;
    while (d && *offset && *offset >= d->size) {
        *offset -= d->size;
        d = d->next;
    }
    return d;
}

static int64_t give(struct rf_socket *s, struct rf_message *message, const struct rf_datagram *d, uint64_t offset)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    uint64_t left = d->size - offset, size = left < message->size ? left : message->size;
    if (rf_uio_put(message->data, d->bytes + offset, size) < size)
        return -RF_EFAULT;
    if (size < left)
        message->out_flags |= RF_MSG_TRUNC;
    if (message->name)
        rf_inet_name_to(message->name, &d->from, i->entry.v6);
    if (message->control) {
        add_common(s, i->udp, d, message->control);
        if (i->entry.v6)
            add_ipv6(&i->options, d, message->control);
        if (rf_inet_is_mapped(d->to.address))
            add_ip(&i->options, d, message->control);
    }
    return (int64_t)(message->flags & RF_MSG_TRUNC ? left : size);
}

int64_t rf_udp_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    bool peeks = message->flags & RF_MSG_PEEK, uses_offset = peeks && s->options.peek_offset >= 0;
    if (message->flags & RF_MSG_ERRQUEUE)
        return rf_inet_receive_error(k, i, message);
    int64_t error = rf_socket_take_error(s);
    if (error)
        return error;
    uint64_t offset = uses_offset ? (uint64_t)s->options.peek_offset : 0;
    struct rf_datagram *d = find_peeked(i->udp, &offset);
    if (!d && i->no_reading)
        return 0;
    if (!d)
        return rf_socket_wait(k, s, &s->readable, message->flags & RF_MSG_DONTWAIT, s->options.receive_timeout);
    int64_t result = give(s, message, d, offset);
    if (peeks) {
        if (uses_offset && result > 0)
            s->options.peek_offset += (int32_t)result;
        return result;
    }
    int32_t *peeked = &s->options.peek_offset, size = (int32_t)d->size;
    if (*peeked > 0)
        *peeked = *peeked > size ? *peeked - size : 0;
    rf_udp_drop_first(k, i); /* also when the buffer was bad */
    return result;
}

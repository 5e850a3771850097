/* IPV6_* socket options (do_ipv6_setsockopt and do_ipv6_getsockopt of net/ipv6/ipv6_sockglue.c). */
#include "kernel/net/inet.h"

#include "kernel/task/task.h"

#include <string.h>

static const struct flag {
    int name;
    size_t offset;
} flags[] = {
    { RF_IPV6_RECVPKTINFO, offsetof(struct rf_inet_options, packet_info6) },
    { RF_IPV6_RECVHOPLIMIT, offsetof(struct rf_inet_options, receive_hops) },
    { RF_IPV6_RECVTCLASS, offsetof(struct rf_inet_options, receive_class) },
    { RF_IPV6_RECVERR, offsetof(struct rf_inet_options, receive_error6) },
    { RF_IPV6_FLOWINFO_SEND, offsetof(struct rf_inet_options, flow_send) },
    { RF_IPV6_RECVHOPOPTS, offsetof(struct rf_inet_options, hop_options) },
    { RF_IPV6_RECVRTHDR, offsetof(struct rf_inet_options, routing_header) },
    { RF_IPV6_RECVDSTOPTS, offsetof(struct rf_inet_options, destination_options) },
    { RF_IPV6_RECVPATHMTU, offsetof(struct rf_inet_options, path_mtu) },
    { RF_IPV6_DONTFRAG, offsetof(struct rf_inet_options, dont_fragment) },
    { RF_IPV6_AUTOFLOWLABEL, offsetof(struct rf_inet_options, auto_flow_label) },
    { RF_IPV6_MULTICAST_LOOP, offsetof(struct rf_inet_options, multicast_loop6) },
    { RF_IPV6_MULTICAST_ALL, offsetof(struct rf_inet_options, multicast_all6) },
    { RF_IPV6_TRANSPARENT, offsetof(struct rf_inet_options, transparent) },
    { RF_IPV6_FREEBIND, offsetof(struct rf_inet_options, free_bind) },
    { RF_IPV6_RECVFRAGSIZE, offsetof(struct rf_inet_options, fragment_size6) },
};

static bool *flag_of(struct rf_inet_options *o, int name)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(flags); i++)
        if (flags[i].name == name)
            return (bool *)((uint8_t *)o + flags[i].offset);
    return NULL;
}

static int64_t change_group(struct rf_kernel *k, struct rf_inet_socket *i, const void *value, uint32_t size,
                            bool leaving)
{
    struct rf_ipv6_mreq request;
    if (i->entry.stream)
        return -RF_EPROTO;
    if (size < sizeof request)
        return -RF_EINVAL;
    memcpy(&request, value, sizeof request);
    if (rf_inet_kind(request.ipv6mr_multiaddr) != RF_INET_MULTICAST || rf_inet_is_mapped(request.ipv6mr_multiaddr))
        return -RF_EINVAL;
    bool known = request.ipv6mr_ifindex == RF_LOOPBACK_INDEX || (leaving && request.ipv6mr_ifindex == 0);
    if (!known)
        return leaving ? -RF_EADDRNOTAVAIL : -RF_ENODEV;
    return rf_inet_join(k, i, request.ipv6mr_multiaddr, true, leaving);
}

static int64_t set_only6(struct rf_inet_socket *i, int32_t number)
{
    if (i->entry.link || i->entry.local.port) /* inet_num */
        return -RF_EINVAL;
    i->entry.only6 = number;
    return 0;
}

/* IPV6_PKTINFO as a sticky option: the source to be used. */
static int64_t set_packet_info(struct rf_inet_socket *i, const void *value, uint32_t size)
{
    struct rf_in6_pktinfo info;
    (void)i;
    if (size == 0)
        return -RF_EINVAL;
    if (size < sizeof info)
        return -RF_EINVAL;
    memcpy(&info, value, sizeof info);
    return info.ipi6_ifindex && info.ipi6_ifindex != RF_LOOPBACK_INDEX ? -RF_EINVAL : 0;
}

static int64_t set_number(struct rf_inet_socket *i, int name, int32_t number, uint32_t size)
{
    struct rf_inet_options *o = &i->options;
    if (size < sizeof number)
        return name == RF_IPV6_CHECKSUM ? -RF_ENOPROTOOPT : -RF_EINVAL;
    switch (name) {
    case RF_IPV6_UNICAST_HOPS:
        if (number > 255 || number < -1)
            return -RF_EINVAL;
        o->hops = number;
        return 0;
    case RF_IPV6_MULTICAST_HOPS:
        if (i->entry.stream)
            return -RF_ENOPROTOOPT;
        if (number > 255 || number < -1)
            return -RF_EINVAL;
        o->multicast_hops = number == -1 ? 1 : number;
        return 0;
    case RF_IPV6_MULTICAST_IF:
        if (i->entry.stream)
            return -RF_ENOPROTOOPT;
        if (number != 0 && number != RF_LOOPBACK_INDEX)
            return -RF_ENODEV;
        o->multicast_index6 = number;
        return 0;
    case RF_IPV6_UNICAST_IF: {
        int32_t index = (int32_t)__builtin_bswap32((uint32_t)number);
        if (index != 0 && index != RF_LOOPBACK_INDEX)
            return -RF_EADDRNOTAVAIL;
        o->unicast_index6 = index;
        return 0;
    }
    case RF_IPV6_TCLASS:
        if (number < -1 || number > 255)
            return -RF_EINVAL;
        number = number == -1 ? 0 : number;
        o->traffic_class = i->entry.stream ? (number & 0xfc) | (o->traffic_class & 3) : number;
        return 0;
    case RF_IPV6_MTU_DISCOVER:
        if (number < 0 || number > RF_IP_PMTUDISC_OMIT)
            return -RF_EINVAL;
        o->mtu_discover6 = number;
        return 0;
    case RF_IPV6_MTU: return number && number < 1280 ? -RF_EINVAL : 0;
    case RF_IPV6_MINHOPCOUNT:
        if (number < 0 || number > 255)
            return -RF_EINVAL;
        o->min_hops = number;
        return 0;
    case RF_IPV6_ADDR_PREFERENCES: o->address_preferences = number; return 0;
    default: return -RF_ENOPROTOOPT;
    }
}

int64_t rf_inet_set_ipv6(struct rf_kernel *k, struct rf_inet_socket *i, int name, const void *value, uint32_t size)
{
    int32_t number = 0;
    if (size >= sizeof number)
        memcpy(&number, value, sizeof number);
    bool *flag = flag_of(&i->options, name);
    if (flag && size < sizeof number)
        return -RF_EINVAL;
    if (name == RF_IPV6_TRANSPARENT && number && !rf_capable(k, RF_CAP_NET_ADMIN) && !rf_capable(k, RF_CAP_NET_RAW))
        return -RF_EPERM;
    if ((name == RF_IPV6_MULTICAST_LOOP || name == RF_IPV6_MULTICAST_ALL) && number != 0 && number != 1)
        return -RF_EINVAL;
    if (flag) {
        *flag = number;
        if (name == RF_IPV6_RECVERR && !number)
            rf_inet_forget_errors(k, i);
        return 0;
    }
    switch (name) {
    case RF_IPV6_V6ONLY: return size < sizeof number ? -RF_EINVAL : set_only6(i, number);
    case RF_IPV6_ADD_MEMBERSHIP:
    case RF_IPV6_DROP_MEMBERSHIP: return change_group(k, i, value, size, name == RF_IPV6_DROP_MEMBERSHIP);
    case RF_IPV6_PKTINFO: return set_packet_info(i, value, size);
    default: return set_number(i, name, number, size);
    }
}

static int32_t number_of(const struct rf_inet_socket *i, int name, bool *known)
{
    const struct rf_inet_options *o = &i->options;
    *known = true;
    switch (name) {
    case RF_IPV6_V6ONLY: return i->entry.only6;
    case RF_IPV6_UNICAST_HOPS: return o->hops < 0 ? 64 : o->hops;
    case RF_IPV6_MULTICAST_HOPS: return o->multicast_hops;
    case RF_IPV6_MULTICAST_IF: return o->multicast_index6;
    case RF_IPV6_UNICAST_IF: return (int32_t)__builtin_bswap32((uint32_t)o->unicast_index6);
    case RF_IPV6_TCLASS: return o->traffic_class;
    case RF_IPV6_MTU_DISCOVER: return o->mtu_discover6;
    case RF_IPV6_MINHOPCOUNT: return o->min_hops;
    case RF_IPV6_ADDR_PREFERENCES: return o->address_preferences ? o->address_preferences : 2;
    default: *known = false; return 0;
    }
}

int64_t rf_inet_get_ipv6(struct rf_kernel *k, struct rf_inet_socket *i, int name, void *value, uint32_t *size)
{
    (void)k;
    const bool *flag = flag_of(&i->options, name);
    bool known;
    int32_t number = flag ? *flag : number_of(i, name, &known);
    if (flag)
        return rf_inet_give(value, size, &number, sizeof number);
    if (name == RF_IPV6_MTU) {
        if (!i->entry.peer.port || i->entry.state == RF_TCP_CLOSE)
            return -RF_ENOTCONN;
        number = RF_LOOPBACK_MTU;
        known = true;
    }
    return known ? rf_inet_give(value, size, &number, sizeof number) : -RF_ENOPROTOOPT;
}

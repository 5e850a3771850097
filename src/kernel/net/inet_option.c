/* IP_* socket options (do_ip_setsockopt and do_ip_getsockopt of net/ipv4/ip_sockglue.c). */
#include "kernel/net/inet.h"

#include "kernel/task/task.h"

#include <string.h>

void rf_inet_default_options(struct rf_inet_options *o)
{
    *o = (struct rf_inet_options){ .ttl = -1, .hops = -1, .multicast_ttl = 1, .multicast_hops = 1,
                                   .multicast_loop = true,
                                   .multicast_all = true, .multicast_loop6 = true, .multicast_all6 = true,
                                   .mtu_discover = RF_IP_PMTUDISC_WANT, .mtu_discover6 = RF_IP_PMTUDISC_WANT,
                                   .auto_flow_label = true };
}

int64_t rf_inet_option_number(const void *value, uint32_t size, int32_t *out)
{
    *out = 0;
    if (size >= sizeof *out)
        memcpy(out, value, sizeof *out);
    else if (size)
        *out = *(const uint8_t *)value;
    return 0;
}

int64_t rf_inet_give(void *value, uint32_t *size, const void *from, uint32_t full)
{
    if (*size > full)
        *size = full;
    memcpy(value, from, *size);
    return 0;
}

/* A small number fits into one byte where there is no room for four. */
int64_t rf_inet_give_number(void *value, uint32_t *size, int32_t number)
{
    if (*size < sizeof number && *size > 0 && number >= 0 && number <= 255) {
        *(uint8_t *)value = (uint8_t)number;
        *size = 1;
        return 0;
    }
    return rf_inet_give(value, size, &number, sizeof number);
}

static const struct flag {
    int name;
    size_t offset;
} flags[] = {
    { RF_IP_ROUTER_ALERT, offsetof(struct rf_inet_options, router_alert) },
    { RF_IP_RECVOPTS, offsetof(struct rf_inet_options, receive_options) },
    { RF_IP_RETOPTS, offsetof(struct rf_inet_options, return_options) },
    { RF_IP_PKTINFO, offsetof(struct rf_inet_options, packet_info) },
    { RF_IP_RECVERR, offsetof(struct rf_inet_options, receive_error) },
    { RF_IP_RECVTTL, offsetof(struct rf_inet_options, receive_ttl) },
    { RF_IP_RECVTOS, offsetof(struct rf_inet_options, receive_tos) },
    { RF_IP_FREEBIND, offsetof(struct rf_inet_options, free_bind) },
    { RF_IP_TRANSPARENT, offsetof(struct rf_inet_options, transparent) },
    { RF_IP_RECVORIGDSTADDR, offsetof(struct rf_inet_options, original_destination) },
    { RF_IP_BIND_ADDRESS_NO_PORT, offsetof(struct rf_inet_options, bind_no_port) },
    { RF_IP_MULTICAST_LOOP, offsetof(struct rf_inet_options, multicast_loop) },
    { RF_IP_MULTICAST_ALL, offsetof(struct rf_inet_options, multicast_all) },
    { RF_IP_CHECKSUM, offsetof(struct rf_inet_options, checksum) },
    { RF_IP_RECVFRAGSIZE, offsetof(struct rf_inet_options, fragment_size) },
    { RF_IP_RECVERR_RFC4884, offsetof(struct rf_inet_options, error_rfc4884) },
};

static bool *flag_of(struct rf_inet_options *o, int name)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(flags); i++)
        if (flags[i].name == name)
            return (bool *)((uint8_t *)o + flags[i].offset);
    return NULL;
}

static bool may_set_flag(const struct rf_kernel *k, int name, int32_t number, int64_t *error)
{
    *error = 0;
    if (name == RF_IP_ROUTER_ALERT || name == RF_IP_RECVFRAGSIZE)
        *error = -RF_EINVAL; /* of raw sockets, and of datagrams in fragments */
    else if (name == RF_IP_TRANSPARENT && number && !rf_capable(k, RF_CAP_NET_ADMIN) && !rf_capable(k, RF_CAP_NET_RAW))
        *error = -RF_EPERM;
    else if (name == RF_IP_MULTICAST_ALL && number != 0 && number != 1)
        *error = -RF_EINVAL;
    else if (name == RF_IP_RECVERR_RFC4884 && number != 0 && number != 1)
        *error = -RF_EINVAL;
    return *error == 0;
}

/* IP_MULTICAST_IF: an address, or struct ip_mreqn. */
static int64_t set_interface(struct rf_inet_socket *i, const void *value, uint32_t size)
{
    struct rf_ip_mreqn request = { .imr_ifindex = 0 };
    if (i->entry.stream)
        return -RF_EINVAL;
    if (size < 4)
        return -RF_EINVAL;
    if (size >= sizeof request)
        memcpy(&request, value, sizeof request);
    else if (size >= 8)
        memcpy(&request, value, 8);
    else
        memcpy(request.imr_address, value, 4);
    static const uint8_t zero[4];
    bool none = memcmp(request.imr_address, zero, 4) == 0;
    if (request.imr_ifindex == 0 && !none)
        request.imr_ifindex = request.imr_address[0] == 127 ? RF_LOOPBACK_INDEX : -1;
    if (request.imr_ifindex < 0 || request.imr_ifindex > RF_LOOPBACK_INDEX)
        return -RF_EADDRNOTAVAIL;
    i->options.multicast_index = request.imr_ifindex;
    memcpy(i->options.multicast_address, request.imr_address, 4);
    return 0;
}

/* IP_ADD_MEMBERSHIP and IP_DROP_MEMBERSHIP; without an interface there is no route that would tell one. */
static int64_t change_group(struct rf_kernel *k, struct rf_inet_socket *i, const void *value, uint32_t size,
                            bool leaving)
{
    struct rf_ip_mreqn request = { .imr_ifindex = 0 };
    if (i->entry.stream)
        return -RF_EPROTO;
    if (size < 8)
        return -RF_EINVAL;
    memcpy(&request, value, size >= sizeof request ? sizeof request : 8);
    uint8_t group[16];
    rf_inet_set_any(group, true);
    memcpy(group + 12, request.imr_multiaddr, 4);
    if (rf_inet_kind(group) != RF_INET_MULTICAST)
        return leaving ? -RF_EADDRNOTAVAIL : -RF_EINVAL;
    bool found = request.imr_ifindex == RF_LOOPBACK_INDEX ||
        (request.imr_ifindex == 0 && request.imr_address[0] == 127);
    bool joined = leaving && request.imr_ifindex == 0 && rf_inet_has_joined(i, group);
    if (!found && !joined)
        return -RF_ENODEV;
    return rf_inet_join(k, i, group, false, leaving);
}

static int64_t set_range(struct rf_inet_socket *i, int32_t number, uint32_t size)
{
    uint32_t low = (uint32_t)number & 0xffff, high = (uint32_t)number >> 16;
    if (size != sizeof number || (low && high && low > high))
        return -RF_EINVAL;
    i->options.port_range = (uint32_t)number;
    return 0;
}

static int64_t set_number(struct rf_inet_socket *i, int name, int32_t number, uint32_t size)
{
    struct rf_inet_options *o = &i->options;
    switch (name) {
    case RF_IP_TOS:
        /* the two ECN bits are TCP's own (ip_sock_set_tos) */
        o->tos = i->entry.stream ? (number & 0xfc) | (o->tos & 3) : number & 0xff;
        return 0;
    case RF_IP_TTL:
        if (size < 1 || (number != -1 && (number < 1 || number > 255)))
            return -RF_EINVAL;
        o->ttl = number;
        return 0;
    case RF_IP_MINTTL:
        if (size < 1 || number < 0 || number > 255)
            return -RF_EINVAL;
        o->min_ttl = number;
        return 0;
    case RF_IP_MTU_DISCOVER:
        if (number < 0 || number > RF_IP_PMTUDISC_OMIT)
            return -RF_EINVAL;
        o->mtu_discover = number;
        return 0;
    case RF_IP_MULTICAST_TTL:
        if (i->entry.stream || size < 1 || number < -1 || number > 255)
            return -RF_EINVAL;
        o->multicast_ttl = number == -1 ? 1 : number;
        return 0;
    case RF_IP_UNICAST_IF: {
        if (size != sizeof number)
            return -RF_EINVAL;
        int32_t index = (int32_t)__builtin_bswap32((uint32_t)number);
        if (index != 0 && index != RF_LOOPBACK_INDEX)
            return -RF_EADDRNOTAVAIL;
        o->unicast_index = index;
        return 0;
    }
    case RF_IP_LOCAL_PORT_RANGE: return set_range(i, number, size);
    case RF_IP_NODEFRAG:
    case RF_IP_HDRINCL: return -RF_ENOPROTOOPT; /* of raw sockets */
    default: return -RF_ENOPROTOOPT;
    }
}

int64_t rf_inet_set_ip(struct rf_kernel *k, struct rf_inet_socket *i, int name, const void *value, uint32_t size)
{
    int32_t number;
    int64_t error;
    rf_inet_option_number(value, size, &number);
    bool *flag = flag_of(&i->options, name);
    if (flag) {
        if ((name == RF_IP_FREEBIND || name == RF_IP_TRANSPARENT || name == RF_IP_MULTICAST_LOOP ||
             name == RF_IP_MULTICAST_ALL) && size < 1)
            return -RF_EINVAL;
        if (!may_set_flag(k, name, number, &error))
            return error;
        *flag = number;
        if (name == RF_IP_RECVERR && !number)
            rf_inet_forget_errors(k, i);
        return 0;
    }
    switch (name) {
    case RF_IP_MULTICAST_IF: return set_interface(i, value, size);
    case RF_IP_ADD_MEMBERSHIP:
    case RF_IP_DROP_MEMBERSHIP: return change_group(k, i, value, size, name == RF_IP_DROP_MEMBERSHIP);
    case RF_IP_OPTIONS: return size > 40 ? -RF_EINVAL : size ? -RF_EOPNOTSUPP : 0; /* headers have no options here */
    default: return set_number(i, name, number, size);
    }
}

/* IP_MTU: of the route to whom it is connected. */
static int64_t give_mtu(const struct rf_inet_socket *i, void *value, uint32_t *size)
{
    if (!i->entry.peer.port || i->entry.state == RF_TCP_CLOSE)
        return -RF_ENOTCONN;
    return rf_inet_give_number(value, size, RF_LOOPBACK_MTU - 1); /* IP_MAX_MTU */
}

static int32_t number_of(const struct rf_inet_socket *i, int name, bool *known)
{
    const struct rf_inet_options *o = &i->options;
    *known = true;
    switch (name) {
    case RF_IP_TOS: return o->tos;
    case RF_IP_TTL: return o->ttl == -1 ? 64 : o->ttl;
    case RF_IP_MINTTL: return o->min_ttl;
    case RF_IP_MTU_DISCOVER: return o->mtu_discover;
    case RF_IP_MULTICAST_TTL: return o->multicast_ttl;
    case RF_IP_UNICAST_IF: return (int32_t)__builtin_bswap32((uint32_t)o->unicast_index);
    case RF_IP_LOCAL_PORT_RANGE: return (int32_t)o->port_range;
    case RF_IP_PROTOCOL: return i->entry.link ? i->entry.local.port : 0; /* inet_num */
    case RF_IP_HDRINCL:
    case RF_IP_NODEFRAG: return 0;
    default: *known = false; return 0;
    }
}

int64_t rf_inet_get_ip(struct rf_kernel *k, struct rf_inet_socket *i, int name, void *value, uint32_t *size)
{
    (void)k;
    const bool *flag = flag_of(&i->options, name);
    bool known;
    if (flag)
        return rf_inet_give_number(value, size, *flag);
    switch (name) {
    case RF_IP_OPTIONS: *size = 0; return 0;
    case RF_IP_MTU: return give_mtu(i, value, size);
    case RF_IP_MULTICAST_IF: return rf_inet_give(value, size, i->options.multicast_address, 4);
    default: break;
    }
    int32_t number = number_of(i, name, &known);
    return known ? rf_inet_give_number(value, size, number) : -RF_ENOPROTOOPT;
}

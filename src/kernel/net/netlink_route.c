/* rtnetlink(7): what there is of links, addresses, routes and rules: lo's. Nothing can be changed. */
#include "kernel/net/inet.h"
#include "kernel/net/netlink.h"

#include "kernel/task/task.h"

#include <string.h>

#define ROOM 4096u /* all that a dump of this one interface needs */

/* A datagram of messages that is being written. */
struct builder {
    uint8_t *bytes;
    uint32_t size, message; /* message: where the last one begins */
    struct rf_nlmsghdr header; /* of every message: flags, seq, pid */
};

static void *reserve(struct builder *b, uint32_t size)
{
    uint32_t padded = (size + 3) & ~3u;
    if (padded > ROOM - b->size)
        return NULL;
    void *at = b->bytes + b->size;
    b->size += padded;
    return at;
}

static void begin(struct builder *b, uint16_t type, const void *body, uint32_t size)
{
    b->message = b->size;
    struct rf_nlmsghdr header = b->header;
    header.nlmsg_type = type;
    void *at = reserve(b, sizeof header + size);
    if (!at)
        return;
    memcpy(at, &header, sizeof header);
    memcpy((uint8_t *)at + sizeof header, body, size);
}

static void finish(struct builder *b)
{
    uint32_t length = b->size - b->message;
    memcpy(b->bytes + b->message, &length, sizeof length);
}

static void put(struct builder *b, uint16_t type, const void *data, uint32_t size)
{
    const struct rf_rtattr header = { (uint16_t)(sizeof header + size), type };
    uint8_t *at = reserve(b, sizeof header + size);
    if (!at)
        return;
    memcpy(at, &header, sizeof header);
    memcpy(at + sizeof header, data, size);
}
static void put32(struct builder *b, uint16_t type, uint32_t value)
{
    put(b, type, &value, sizeof value);
}
static void put8(struct builder *b, uint16_t type, uint8_t value)
{
    put(b, type, &value, sizeof value);
}

/* --- what there is --- */

static void add_statistics(struct builder *b, const struct rf_kernel *k)
{
    const struct rf_inet *net = k->net->inet;
    uint64_t packets = net ? net->packets_moved : 0, bytes = net ? net->bytes_moved : 0;
    const uint64_t wide[25] = { packets, packets, bytes, bytes }; /* struct rtnl_link_stats64 */
    const uint32_t narrow[24] = { (uint32_t)packets, (uint32_t)packets, (uint32_t)bytes, (uint32_t)bytes };
    put(b, RF_IFLA_STATS64, wide, sizeof wide);
    put(b, RF_IFLA_STATS, narrow, sizeof narrow);
}

static void add_link(struct builder *b, struct rf_kernel *k)
{
    static const uint8_t no_address[6];
    const struct rf_ifinfomsg info = { .ifi_type = RF_ARPHRD_LOOPBACK, .ifi_index = RF_LOOPBACK_INDEX,
                                       .ifi_flags = RF_IFF_LOOPBACK_UP | 0x10000 /* IFF_LOWER_UP */ };
    begin(b, RF_RTM_NEWLINK, &info, sizeof info);
    put(b, RF_IFLA_IFNAME, "lo", 3);
    put32(b, RF_IFLA_TXQLEN, 1000);
    put8(b, RF_IFLA_OPERSTATE, 0);
    put8(b, RF_IFLA_LINKMODE, 0);
    put32(b, RF_IFLA_MTU, RF_LOOPBACK_MTU);
    put32(b, RF_IFLA_MIN_MTU, 0);
    put32(b, RF_IFLA_MAX_MTU, 0);
    put32(b, RF_IFLA_GROUP, 0);
    put32(b, RF_IFLA_PROMISCUITY, 0);
    put32(b, RF_IFLA_NUM_TX_QUEUES, 1);
    put32(b, RF_IFLA_NUM_RX_QUEUES, 1);
    put8(b, RF_IFLA_CARRIER, 1);
    put(b, RF_IFLA_ADDRESS, no_address, sizeof no_address);
    put(b, RF_IFLA_BROADCAST, no_address, sizeof no_address);
    add_statistics(b, k);
    put(b, RF_IFLA_QDISC, "noqueue", 8);
    finish(b);
}

static const uint8_t loopback4[4] = { 127, 0, 0, 1 };
static const uint32_t forever[4] = { UINT32_MAX, UINT32_MAX, 0, 0 }; /* struct ifa_cacheinfo */

static void add_addresses(struct builder *b, struct rf_kernel *k, uint8_t family)
{
    (void)k;
    struct rf_ifaddrmsg info = { RF_AF_INET, 8, RF_IFA_F_PERMANENT, RF_RT_SCOPE_HOST, RF_LOOPBACK_INDEX };
    if (family != RF_AF_INET6) {
        begin(b, RF_RTM_NEWADDR, &info, sizeof info);
        put(b, RF_IFA_ADDRESS, loopback4, 4);
        put(b, RF_IFA_LOCAL, loopback4, 4);
        put(b, RF_IFA_LABEL, "lo", 3);
        put32(b, RF_IFA_FLAGS, RF_IFA_F_PERMANENT);
        put(b, RF_IFA_CACHEINFO, forever, sizeof forever);
        finish(b);
    }
    if (family == RF_AF_INET)
        return;
    info.ifa_family = RF_AF_INET6;
    info.ifa_prefixlen = 128;
    begin(b, RF_RTM_NEWADDR, &info, sizeof info);
    put(b, RF_IFA_ADDRESS, rf_inet_loopback6, 16);
    put(b, RF_IFA_CACHEINFO, forever, sizeof forever);
    put32(b, RF_IFA_FLAGS, RF_IFA_F_PERMANENT);
    finish(b);
}

static void add_route4(struct builder *b, uint8_t length, uint8_t type, uint8_t scope, const uint8_t to[4])
{
    const struct rf_rtmsg info = { .rtm_family = RF_AF_INET, .rtm_dst_len = length, .rtm_table = RF_RT_TABLE_LOCAL,
                                   .rtm_protocol = RF_RTPROT_KERNEL, .rtm_scope = scope, .rtm_type = type };
    begin(b, RF_RTM_NEWROUTE, &info, sizeof info);
    put32(b, RF_RTA_TABLE, RF_RT_TABLE_LOCAL);
    put(b, RF_RTA_DST, to, 4);
    put(b, RF_RTA_PREFSRC, loopback4, 4);
    put32(b, RF_RTA_OIF, RF_LOOPBACK_INDEX);
    finish(b);
}

static void add_routes(struct builder *b, struct rf_kernel *k, uint8_t family)
{
    (void)k;
    static const uint8_t net[4] = { 127, 0, 0, 0 }, all[4] = { 127, 255, 255, 255 };
    if (family != RF_AF_INET6) {
        add_route4(b, 8, RF_RTN_LOCAL, RF_RT_SCOPE_HOST, net);
        add_route4(b, 32, RF_RTN_LOCAL, RF_RT_SCOPE_HOST, loopback4);
        add_route4(b, 32, RF_RTN_BROADCAST, RF_RT_SCOPE_LINK, all);
    }
    if (family == RF_AF_INET)
        return;
    static const uint32_t cache[8]; /* struct rta_cacheinfo */
    const struct rf_rtmsg info = { .rtm_family = RF_AF_INET6, .rtm_dst_len = 128, .rtm_table = RF_RT_TABLE_LOCAL,
                                   .rtm_protocol = RF_RTPROT_KERNEL, .rtm_type = RF_RTN_LOCAL };
    begin(b, RF_RTM_NEWROUTE, &info, sizeof info);
    put32(b, RF_RTA_TABLE, RF_RT_TABLE_LOCAL);
    put(b, RF_RTA_DST, rf_inet_loopback6, 16);
    put32(b, RF_RTA_PRIORITY, 0);
    put32(b, RF_RTA_OIF, RF_LOOPBACK_INDEX);
    put(b, RF_RTA_CACHEINFO, cache, sizeof cache);
    put8(b, RF_RTA_PREF, 0);
    finish(b);
}

static void add_rule(struct builder *b, uint8_t family, uint32_t table, uint32_t priority)
{
    const uint8_t look_up = 1; /* FR_ACT_TO_TBL */
    const struct rf_rtmsg info = { .rtm_family = family, .rtm_table = (uint8_t)table, .rtm_type = look_up };
    begin(b, RF_RTM_NEWRULE, &info, sizeof info);
    put32(b, RF_FRA_TABLE, table);
    put32(b, RF_FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
    put8(b, RF_FRA_PROTOCOL, RF_RTPROT_KERNEL);
    if (priority)
        put32(b, RF_FRA_PRIORITY, priority);
    finish(b);
}

static void add_rules(struct builder *b, struct rf_kernel *k, uint8_t family)
{
    (void)k;
    if (family != RF_AF_INET6) {
        add_rule(b, RF_AF_INET, RF_RT_TABLE_LOCAL, 0);
        add_rule(b, RF_AF_INET, RF_RT_TABLE_MAIN, 32766);
        add_rule(b, RF_AF_INET, RF_RT_TABLE_DEFAULT, 32767);
    }
    if (family == RF_AF_INET)
        return;
    add_rule(b, RF_AF_INET6, RF_RT_TABLE_LOCAL, 0);
    add_rule(b, RF_AF_INET6, RF_RT_TABLE_MAIN, 32766);
}

static void add_links(struct builder *b, struct rf_kernel *k, uint8_t family)
{
    (void)family;
    add_link(b, k);
}

static void add_nothing(struct builder *b, struct rf_kernel *k, uint8_t family)
{
    (void)b, (void)k, (void)family; /* neighbours: lo has none */
}

/* --- requests for one --- */

/* An attribute of a request, after a header of `skip` bytes. NULL: it is not there. */
static const void *attribute(const uint8_t *body, uint32_t size, uint32_t skip, uint16_t type, uint32_t *length)
{
    for (uint32_t at = skip; at + sizeof(struct rf_rtattr) <= size;) {
        struct rf_rtattr a;
        memcpy(&a, body + at, sizeof a);
        if (a.rta_len < sizeof a || a.rta_len > size - at)
            return NULL;
        *length = a.rta_len - (uint32_t)sizeof a;
        if ((a.rta_type & 0x3fff) == type)
            return body + at + sizeof a;
        at += (a.rta_len + 3u) & ~3u;
    }
    return NULL;
}

static int64_t get_link(struct builder *b, struct rf_kernel *k, const uint8_t *body, uint32_t size)
{
    struct rf_ifinfomsg info;
    uint32_t length = 0;
    if (size < sizeof info)
        return -RF_EINVAL;
    memcpy(&info, body, sizeof info);
    const char *name = attribute(body, size, sizeof info, RF_IFLA_IFNAME, &length);
    bool is_lo = info.ifi_index ? info.ifi_index == RF_LOOPBACK_INDEX
                                : name && length >= 2 && memcmp(name, "lo", 2) == 0 && (length == 2 || !name[2]);
    if (!info.ifi_index && !name)
        return -RF_EINVAL;
    if (!is_lo)
        return -RF_ENODEV;
    add_link(b, k);
    return 0;
}

/* "ip route get": which way an address is reached. */
static int64_t get_route(struct builder *b, struct rf_kernel *k, const uint8_t *body, uint32_t size)
{
    struct rf_rtmsg info;
    uint32_t length = 0;
    uint8_t to[16];
    (void)k;
    if (size < sizeof info)
        return -RF_EINVAL;
    memcpy(&info, body, sizeof info);
    const uint8_t *given = attribute(body, size, sizeof info, RF_RTA_DST, &length);
    bool v6 = info.rtm_family == RF_AF_INET6;
    if (!given || length < (v6 ? 16u : 4u))
        return -RF_EINVAL;
    rf_inet_set_any(to, !v6);
    memcpy(v6 ? to : to + 12, given, v6 ? 16 : 4);
    if (rf_inet_kind(to) != RF_INET_LOCAL)
        return -RF_ENETUNREACH;
    info = (struct rf_rtmsg){ .rtm_family = info.rtm_family, .rtm_dst_len = v6 ? 128 : 32,
                              .rtm_table = RF_RT_TABLE_LOCAL, .rtm_type = RF_RTN_LOCAL, .rtm_flags = RF_RTM_F_CLONED };
    begin(b, RF_RTM_NEWROUTE, &info, sizeof info);
    put32(b, RF_RTA_TABLE, RF_RT_TABLE_LOCAL);
    put(b, RF_RTA_DST, given, v6 ? 16 : 4);
    put32(b, RF_RTA_OIF, RF_LOOPBACK_INDEX);
    put(b, RF_RTA_PREFSRC, v6 ? rf_inet_loopback6 : loopback4, v6 ? 16 : 4);
    finish(b);
    return 0;
}

/* --- rtnetlink_rcv_msg --- */

static const struct request {
    uint16_t type;
    void (*dump)(struct builder *b, struct rf_kernel *k, uint8_t family);
    int64_t (*get)(struct builder *b, struct rf_kernel *k, const uint8_t *body, uint32_t size);
} requests[] = {
    { RF_RTM_GETLINK, add_links, get_link },
    { RF_RTM_GETADDR, add_addresses, NULL },
    { RF_RTM_GETROUTE, add_routes, get_route },
    { RF_RTM_GETNEIGH, add_nothing, NULL },
    { RF_RTM_GETRULE, add_rules, NULL },
};

static const struct request *find_request(uint16_t type)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(requests); i++)
        if (requests[i].type == type)
            return &requests[i];
    return NULL;
}

static void dump(struct rf_kernel *k, struct rf_netlink_socket *n, struct builder *b, const struct request *r,
                 uint8_t family)
{
    const int32_t no_error = 0;
    b->header.nlmsg_flags = RF_NLM_F_MULTI;
    r->dump(b, k, family);
    if (b->size)
        rf_netlink_deliver(k, n, 0, b->bytes, b->size);
    b->size = 0;
    begin(b, RF_NLMSG_DONE, &no_error, sizeof no_error);
    finish(b);
    rf_netlink_deliver(k, n, 0, b->bytes, b->size);
}

/* 0, an error for the acknowledgement, or 1: a dump has ended with its own message. */
static int64_t answer(struct rf_kernel *k, struct rf_netlink_socket *n, const struct rf_nlmsghdr *h,
                      const uint8_t *body,
                      uint32_t size, struct builder *b)
{
    if (h->nlmsg_type > RF_RTM_MAX)
        return -RF_EOPNOTSUPP;
    if (size < 1)
        return 0;
    bool gets = (h->nlmsg_type - RF_NLMSG_MIN_TYPE) % 4 == 2;
    if (!gets && !rf_capable(k, RF_CAP_NET_ADMIN))
        return -RF_EPERM;
    const struct request *r = find_request(h->nlmsg_type);
    if (!r)
        return -RF_EOPNOTSUPP;
    if ((h->nlmsg_flags & RF_NLM_F_DUMP) == RF_NLM_F_DUMP || (h->nlmsg_flags & RF_NLM_F_DUMP && !r->get)) {
        dump(k, n, b, r, body[0]);
        return 1;
    }
    if (!r->get)
        return -RF_EOPNOTSUPP;
    int64_t error = r->get(b, k, body, size);
    if (!error)
        rf_netlink_deliver(k, n, 0, b->bytes, b->size);
    return error;
}

/* netlink_ack: with the request, or its header alone. */
static void acknowledge(struct rf_kernel *k, struct rf_netlink_socket *n, const struct rf_nlmsghdr *h,
                        const uint8_t *body,
                        struct builder *b, int64_t error)
{
    struct rf_nlmsgerr message = { .error = (int32_t)error, .msg = *h };
    uint32_t size = error && !n->capped_acks ? h->nlmsg_len - (uint32_t)sizeof *h : 0;
    b->size = 0;
    b->header.nlmsg_flags = error && !n->capped_acks ? 0 : RF_NLM_F_CAPPED;
    begin(b, RF_NLMSG_ERROR, &message, sizeof message);
    void *rest = size ? reserve(b, size) : NULL;
    if (rest)
        memcpy(rest, body, size);
    finish(b);
    rf_netlink_deliver(k, n, 0, b->bytes, b->size);
}

/* netlink_rcv_skb */
void rf_netlink_route(struct rf_kernel *k, struct rf_netlink_socket *n, const uint8_t *bytes, uint32_t size)
{
    struct builder b = { .bytes = rf_kalloc(k, ROOM) };
    while (b.bytes && size >= sizeof(struct rf_nlmsghdr)) {
        struct rf_nlmsghdr h;
        memcpy(&h, bytes, sizeof h);
        if (h.nlmsg_len < sizeof h || h.nlmsg_len > size)
            break;
        const uint8_t *body = bytes + sizeof h;
        b.size = 0;
        b.header = (struct rf_nlmsghdr){ .nlmsg_seq = h.nlmsg_seq, .nlmsg_pid = n->pid };
        int64_t result = 0;
        if (h.nlmsg_flags & RF_NLM_F_REQUEST && h.nlmsg_type >= RF_NLMSG_MIN_TYPE)
            result = answer(k, n, &h, body, h.nlmsg_len - (uint32_t)sizeof h, &b);
        if (result < 0 || (result == 0 && h.nlmsg_flags & RF_NLM_F_ACK))
            acknowledge(k, n, &h, body, &b, result);
        uint32_t step = (h.nlmsg_len + 3) & ~3u;
        if (step >= size)
            break;
        bytes += step;
        size -= step;
    }
    rf_kfree(k, b.bytes);
}

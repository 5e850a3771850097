/* Multicast groups: who has joined which, on lo (ip_mc_join_group, ipv6_sock_mc_join). */
#include "kernel/net/inet.h"

#include <string.h>

#define MOST_GROUPS 20 /* net.ipv4.igmp_max_memberships */

bool rf_inet_has_joined(const struct rf_inet_socket *i, const uint8_t group[16])
{
    for (const struct rf_inet_group *g = i->groups; g; g = g->next)
        if (rf_inet_is_same(g->address, group))
            return true;
    return false;
}

static int64_t leave(struct rf_kernel *k, struct rf_inet_socket *i, const uint8_t group[16])
{
    for (struct rf_inet_group **link = &i->groups; *link; link = &(*link)->next) {
        struct rf_inet_group *g = *link;
        if (!rf_inet_is_same(g->address, group))
            continue;
        *link = g->next;
        rf_kfree(k, g);
        return 0;
    }
    return -RF_EADDRNOTAVAIL;
}

int64_t rf_inet_join(struct rf_kernel *k, struct rf_inet_socket *i, const uint8_t group[16], bool v6, bool leaving)
{
    if (rf_inet_kind(group) != RF_INET_MULTICAST || rf_inet_is_mapped(group) == v6)
        return -RF_EINVAL;
    if (leaving)
        return leave(k, i, group);
    if (rf_inet_has_joined(i, group))
        return -RF_EADDRINUSE;
    unsigned count = 0;
    for (const struct rf_inet_group *g = i->groups; g; g = g->next)
        count++;
    struct rf_inet_group *g = count < MOST_GROUPS ? rf_kalloc(k, sizeof *g) : NULL;
    if (!g)
        return -RF_ENOBUFS;
    memcpy(g->address, group, 16);
    g->v6 = v6;
    g->next = i->groups;
    i->groups = g;
    return 0;
}

void rf_inet_leave_all(struct rf_kernel *k, struct rf_inet_socket *i)
{
    while (i->groups) {
        struct rf_inet_group *g = i->groups;
        i->groups = g->next;
        rf_kfree(k, g);
    }
}

bool rf_inet_anybody_joined(struct rf_kernel *k, const uint8_t group[16])
{
    static const uint8_t all_hosts[4] = { 224, 0, 0, 1 };
    if (rf_inet_is_mapped(group) && memcmp(group + 12, all_hosts, 4) == 0)
        return true;
    for (uint32_t b = 0; b < RF_INET_BUCKETS; b++)
        for (const struct rf_inet_entry *e = k->net->inet->udp.bucket[b]; e; e = e->next)
            if (rf_inet_has_joined(rf_inet_of(e->socket), group))
                return true;
    return false;
}

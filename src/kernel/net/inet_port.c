/* Ports: who has which, who may share one (inet_csk_get_port, udp_lib_get_port), and who is found at one. */
#include "kernel/net/host.h"

#include "kernel/task/task.h"

#include <string.h>

static struct rf_inet_entry **bucket_of(struct rf_inet_table *table, uint16_t port, bool accepted)
{
    return &(accepted ? table->accepted : table->bucket)[port % RF_INET_BUCKETS];
}

void rf_inet_hold_port(struct rf_kernel *k, struct rf_inet_entry *e)
{
    struct rf_inet_entry **link = bucket_of(rf_inet_table_of(k, e), e->local.port, e->accepted);
    rf_inet_drop_port(k, e);
    e->next = *link;
    if (e->next)
        e->next->link = &e->next;
    e->link = link;
    *link = e;
    rf_inet_table_of(k, e)->count++;
}

void rf_inet_drop_port(struct rf_kernel *k, struct rf_inet_entry *e)
{
    if (!e->link)
        return;
    *e->link = e->next;
    if (e->next)
        e->next->link = e->link;
    e->next = NULL;
    e->link = NULL;
    rf_inet_table_of(k, e)->count--;
}

/* --- conflicts --- */

static bool reuses_address(const struct rf_inet_entry *e)
{
    return e->socket ? e->socket->options.reuse_address : e->reuse_address;
}

static bool reuses_port(const struct rf_inet_entry *e)
{
    return e->socket ? e->socket->options.reuse_port : e->reuse_port;
}

/* Could something be sent to both (inet_rcv_saddr_equal)? */
static bool overlap(const struct rf_inet_entry *a, const struct rf_inet_entry *b)
{
    const uint8_t *x = a->local.address, *y = b->local.address;
    bool x4 = rf_inet_is_mapped(x), y4 = rf_inet_is_mapped(y);
    if (x4 && y4)
        return rf_inet_is_same(x, y) || rf_inet_is_any(x) || rf_inet_is_any(y);
    bool any_x = rf_inet_is_any(x), any_y = rf_inet_is_any(y);
    if (!x4 && !y4)
        return any_x || any_y || rf_inet_is_same(x, y);
    return x4 ? any_y && !b->only6 : any_x && !a->only6;
}

/* inet_bind_conflict: chosen: the program has named the port. */
static bool may_share_tcp(const struct rf_inet_entry *e, const struct rf_inet_entry *other, bool chosen)
{
    if (reuses_address(e) && reuses_address(other) && other->state != RF_TCP_LISTEN)
        return chosen;
    return chosen && reuses_port(e) && reuses_port(other) && (other->state == RF_TCP_TIME_WAIT || e->uid == other->uid);
}

/* udp_lib_lport_inuse */
static bool may_share_udp(const struct rf_inet_entry *e, const struct rf_inet_entry *other)
{
    return (reuses_address(e) && reuses_address(other)) ||
        (reuses_port(e) && reuses_port(other) && e->uid == other->uid);
}

static bool conflicts_in(const struct rf_inet_entry *list, const struct rf_inet_entry *e, uint16_t port, bool chosen)
{
    for (const struct rf_inet_entry *other = list; other; other = other->next) {
        if (other == e || other->local.port != port || !overlap(e, other))
            continue;
        if (!(e->stream ? may_share_tcp(e, other, chosen) : may_share_udp(e, other)))
            return true;
    }
    return false;
}

static bool has_conflict(struct rf_kernel *k, const struct rf_inet_entry *e, uint16_t port, bool chosen)
{
    struct rf_inet_table *table = rf_inet_table_of(k, e);
    return conflicts_in(*bucket_of(table, port, false), e, port, chosen) ||
           conflicts_in(*bucket_of(table, port, true), e, port, chosen);
}

bool rf_inet_may_listen(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_inet_entry *e = &i->entry;
    enum rf_tcp_state state = e->state;
    e->state = RF_TCP_LISTEN;
    bool ok = !has_conflict(k, e, e->local.port, true);
    e->state = state;
    return ok;
}

/* --- choosing --- */

static void port_range(const struct rf_inet_socket *i, uint32_t *low, uint32_t *high)
{
    uint32_t own_low = i->options.port_range & 0xffff, own_high = i->options.port_range >> 16;
    *low = own_low > RF_PORT_LOW && own_low <= RF_PORT_HIGH ? own_low : RF_PORT_LOW;
    *high = own_high && own_high < RF_PORT_HIGH && own_high >= RF_PORT_LOW ? own_high : RF_PORT_HIGH;
}

/* Every port of the range once, from a random one on; those of the parity that is asked for first: Linux gives even
 * ones to connections, odd ones to bind (inet_csk_find_open_port). */
static bool choose_port(struct rf_kernel *k, struct rf_inet_socket *i, uint32_t parity,
                        bool (*fits)(struct rf_kernel *k, struct rf_inet_socket *i, uint16_t port, const void *user),
                        const void *user)
{
    uint32_t low, high;
    port_range(i, &low, &high);
    uint32_t count = high - low + 1, offset = (uint32_t)(rf_random_next(&k->random_state) % count);
    for (uint32_t pass = 0; pass < 2; pass++, parity ^= 1) {
        for (uint32_t n = 0; n < count; n++) {
            uint32_t port = low + (offset + n) % count;
            if ((port & 1) != parity || !fits(k, i, (uint16_t)port, user))
                continue;
            i->entry.local.port = (uint16_t)port;
            rf_inet_hold_port(k, &i->entry);
            return true;
        }
    }
    return false;
}

static bool is_free(struct rf_kernel *k, struct rf_inet_socket *i, uint16_t port, const void *user)
{
    (void)user;
    return !has_conflict(k, &i->entry, port, false);
}

/* Nobody binds to it in a way that excludes others, and no connection has the same two names. */
static bool is_free_for_connection(struct rf_kernel *k, struct rf_inet_socket *i, uint16_t port, const void *user)
{
    const struct rf_inet_name *peer = user;
    struct rf_inet_table *table = rf_inet_table_of(k, &i->entry);
    for (int accepted = 0; accepted < 2; accepted++)
        for (const struct rf_inet_entry *e = *bucket_of(table, port, accepted); e; e = e->next) {
            if (e->local.port != port)
                continue;
            struct rf_inet_socket *other = e->socket ? rf_inet_of(e->socket) : NULL;
            if ((other && other->port_given) || e->state == RF_TCP_LISTEN)
                return false;
            if (rf_inet_is_same(e->local.address, i->entry.local.address) && e->peer.port == peer->port &&
                rf_inet_is_same(e->peer.address, peer->address))
                return false;
        }
    return true;
}

int64_t rf_inet_connect_port(struct rf_kernel *k, struct rf_inet_socket *i, const struct rf_inet_name *peer)
{
    return choose_port(k, i, RF_PORT_LOW & 1, is_free_for_connection, peer) ? 0 : -RF_EADDRNOTAVAIL;
}

int64_t rf_inet_autobind(struct rf_kernel *k, struct rf_inet_socket *i)
{
    if (i->entry.link)
        return 0;
    return choose_port(k, i, !(RF_PORT_LOW & 1), is_free, NULL) ? 0 : -RF_EADDRINUSE;
}

/* --- bind(2) --- */

/* Can an address be bound (inet_addr_valid_or_nonlocal)? */
static int64_t check_address(const struct rf_inet_socket *i, const struct rf_inet_name *name)
{
    if (i->options.free_bind || i->options.transparent)
        return 0;
    switch (rf_inet_kind(name->address)) {
    case RF_INET_ANY:
    case RF_INET_LOCAL: return 0;
    case RF_INET_MULTICAST: return i->entry.v6 && !rf_inet_is_mapped(name->address) && i->entry.stream ? -RF_EINVAL : 0;
    case RF_INET_BROADCAST: return 0;
    case RF_INET_LINK_LOCAL: return -RF_EINVAL; /* without an interface */
    default: return -RF_EADDRNOTAVAIL;
    }
}

/* Length and family. */
static int64_t read_address(const struct rf_inet_socket *i, const struct rf_socket_address *address,
                            struct rf_inet_name *out)
{
    if (address->length < (i->entry.v6 ? RF_SIN6_LEN_RFC2133 : sizeof address->in))
        return -RF_EINVAL;
    if (i->entry.v6 ? address->family != RF_AF_INET6 : address->family != RF_AF_INET) {
        static const uint8_t zero[4];
        /* Compatibility games : accept AF_UNSPEC (mapped to AF_INET) only if s_addr is INADDR_ANY (__inet_bind) */
        if (i->entry.v6 || address->family != RF_AF_UNSPEC || memcmp(address->in.sin_addr, zero, 4) != 0)
            return -RF_EAFNOSUPPORT;
    }
    rf_inet_name_from(out, address);
    if (i->entry.v6 && rf_inet_needs_scope(address))
        return -RF_EINVAL;
    return i->entry.v6 && i->entry.only6 && rf_inet_is_mapped(out->address) ? -RF_EINVAL : 0;
}

/* The port, once the address is there: errors leave the socket without either. */
static int64_t take_port(struct rf_kernel *k, struct rf_inet_socket *i, uint16_t port)
{
    if (port == 0)
        return i->options.bind_no_port ? 0 : rf_inet_autobind(k, i);
    if (has_conflict(k, &i->entry, port, true))
        return -RF_EADDRINUSE;
    i->entry.local.port = port;
    i->port_given = true;
    rf_inet_hold_port(k, &i->entry);
    return 0;
}

int64_t rf_inet_bind(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address)
{
    int64_t taken = rf_host_take(k, s, RF_HOST_BIND, address);
    if (taken)
        return taken < 0 ? taken : s->ops->bind(k, s, address);
    struct rf_inet_socket *i = rf_inet_of(s);
    struct rf_inet_entry *e = &i->entry;
    struct rf_inet_name name = { 0 };
    int64_t error = read_address(i, address, &name);
    if (!error && e->v6) /* inet6_bind asks the port first, inet_bind the address */
        error = name.port && name.port < RF_PROT_SOCK && !rf_capable(k, RF_CAP_NET_BIND_SERVICE) ? -RF_EACCES : 0;
    if (!error && e->v6 && (e->state != RF_TCP_CLOSE || e->link))
        error = -RF_EINVAL;
    if (!error)
        error = check_address(i, &name);
    if (!error && name.port && name.port < RF_PROT_SOCK && !rf_capable(k, RF_CAP_NET_BIND_SERVICE))
        error = -RF_EACCES;
    if (!error && (e->state != RF_TCP_CLOSE || e->link))
        error = -RF_EINVAL;
    if (error)
        return error;
    const struct rf_inet_entry before = *e;
    memcpy(e->local.address, name.address, 16);
    bool any = rf_inet_is_any(name.address);
    if (e->v6 && !rf_inet_is_mapped(name.address) && !any)
        e->only6 = true;
    error = take_port(k, i, name.port);
    if (error) {
        *e = before;
        return error;
    }
    i->address_given = !any;
    return 0;
}

/* --- who is found --- */

/* compute_score of net/ipv4/udp.c and net/ipv4/inet_hashtables.c: connected ones before bound ones, those bound to the
 * address before those to all, IPv4's own before those that take it too. */
uint32_t rf_inet_score(const struct rf_inet_entry *e, const struct rf_inet_name *to, const struct rf_inet_name *from)
{
    bool mapped = rf_inet_is_mapped(to->address);
    if (e->local.port != to->port || !e->socket || (e->stream && e->state != RF_TCP_LISTEN))
        return UINT32_MAX;
    const uint8_t *own = e->local.address;
    bool own_mapped = rf_inet_is_mapped(own), any = rf_inet_is_any(own);
    if (mapped != own_mapped && !(mapped && e->v6 && !e->only6 && any))
        return UINT32_MAX;
    if (!any && !rf_inet_is_same(own, to->address))
        return UINT32_MAX;
    bool has_peer = !e->stream && e->state == RF_TCP_ESTABLISHED;
    if (has_peer && (e->peer.port ? e->peer.port != from->port : false))
        return UINT32_MAX;
    if (has_peer && !rf_inet_is_same(e->peer.address, from->address))
        return UINT32_MAX;
    return (!any ? 32 : 0) + (has_peer ? 8 : 0) + (e->v6 ? 0 : 1);
}

/* Those that share a port by SO_REUSEPORT get their part each, by the names of both ends. */
static uint32_t hash_names(const struct rf_inet_name *to, const struct rf_inet_name *from)
{
    uint32_t h = UINT32_C(2166136261) ^ to->port;
    for (int i = 0; i < 16; i++)
        h = (h ^ from->address[i] ^ (uint32_t)to->address[i] << 8) * UINT32_C(16777619);
    h = (h ^ from->port) * UINT32_C(0x9e3779b1);
    return h ^ h >> 15;
}

struct rf_inet_socket *rf_inet_find(struct rf_kernel *k, bool stream, const struct rf_inet_name *to,
                                    const struct rf_inet_name *from)
{
    struct rf_inet_table *table = stream ? &k->net->inet->tcp : &k->net->inet->udp;
    struct rf_inet_entry *best = NULL, *list = *bucket_of(table, to->port, false);
    uint32_t best_score = 0, alike = 0;
    for (struct rf_inet_entry *e = list; e; e = e->next) {
        uint32_t score = rf_inet_score(e, to, from);
        if (score == UINT32_MAX || (best && score < best_score))
            continue;
        if (!best || score > best_score) {
            best = e;
            best_score = score;
            alike = 0;
        }
        alike += reuses_port(e) && (stream || e->state != RF_TCP_ESTABLISHED);
    }
    if (!best || alike < 2 || !reuses_port(best))
        return best ? rf_inet_of(best->socket) : NULL;
    uint32_t turn = hash_names(to, from) % alike;
    for (struct rf_inet_entry *e = list; e; e = e->next)
        if (rf_inet_score(e, to, from) == best_score && reuses_port(e) && turn-- == 0)
            return rf_inet_of(e->socket);
    return rf_inet_of(best->socket);
}

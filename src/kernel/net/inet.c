/* The families AF_INET and AF_INET6: which sockets there are, their names, making and closing them. */
#include "kernel/net/host.h"

#include "kernel/task/task.h"

#include <string.h>

#define QUEUE_MOST (UINT64_C(64) << 20) /* bytes in the queues of all sockets: net.ipv4.tcp_mem, udp_mem */

bool rf_inet_may_queue(struct rf_kernel *k, uint64_t bytes)
{
    return k->net->inet->memory + bytes <= QUEUE_MOST;
}

static struct rf_inet *state_of(struct rf_kernel *k)
{
    if (!k->net->inet)
        k->net->inet = rf_kalloc(k, sizeof *k->net->inet);
    return k->net->inet;
}

struct rf_inet_socket *rf_inet_new(struct rf_kernel *k, struct rf_socket *s, bool stream, bool v6)
{
    struct rf_inet_socket *i = rf_kalloc(k, sizeof *i);
    if (!i)
        return NULL;
    i->entry = (struct rf_inet_entry){ .socket = s, .state = RF_TCP_CLOSE, .stream = stream, .v6 = v6,
                                       .uid = s->owner.uid, .number = ++k->net->inet->made };
    rf_inet_set_any(i->entry.local.address, !v6);
    rf_inet_set_any(i->entry.peer.address, !v6);
    rf_inet_default_options(&i->options);
    s->data = i;
    return i;
}

void rf_inet_free(struct rf_kernel *k, struct rf_inet_socket *i)
{
    rf_inet_drop_port(k, &i->entry);
    rf_inet_leave_all(k, i);
    rf_inet_forget_errors(k, i);
    if (i->udp)
        rf_udp_free(k, i);
    if (i->tcp)
        rf_tcp_free(k, i);
    rf_kfree(k, i);
}

/* inet_create: a type without such a protocol, or a protocol that the type has not. */
static int64_t check_protocol(const struct rf_kernel *k, int type, int protocol, bool v6)
{
    if (protocol < 0 || protocol >= RF_IPPROTO_MAX)
        return -RF_EINVAL;
    switch (type) {
    case RF_SOCK_STREAM: return protocol == 0 || protocol == RF_IPPROTO_TCP ? 0 : -RF_EPROTONOSUPPORT;
    case RF_SOCK_DGRAM:
        if (protocol == (v6 ? RF_IPPROTO_ICMPV6 : RF_IPPROTO_ICMP))
            return -RF_EACCES; /* ping_init_sock: net.ipv4.ping_group_range is "1 0", nobody */
        return protocol == 0 || protocol == RF_IPPROTO_UDP ? 0 : -RF_EPROTONOSUPPORT;
    case RF_SOCK_RAW:
        if (protocol == 0)
            return -RF_EPROTONOSUPPORT;
        /* no raw packets here: as a kernel without them */
        return rf_capable(k, RF_CAP_NET_RAW) ? -RF_EPROTONOSUPPORT : -RF_EPERM;
    default: return -RF_ESOCKTNOSUPPORT;
    }
}

static int64_t create(struct rf_kernel *k, struct rf_socket *s, int type, int protocol, bool v6)
{
    int64_t error = check_protocol(k, type, protocol, v6);
    if (error)
        return error;
    if (!state_of(k))
        return -RF_ENOBUFS;
    bool stream = type == RF_SOCK_STREAM;
    struct rf_inet_socket *i = rf_inet_new(k, s, stream, v6);
    if (!i)
        return -RF_ENOBUFS;
    s->protocol = stream ? RF_IPPROTO_TCP : RF_IPPROTO_UDP;
    s->ops = stream ? &rf_tcp_ops : &rf_udp_ops;
    error = stream ? rf_tcp_create(k, s, i) : rf_udp_create(k, s, i);
    if (error)
        rf_inet_free(k, i);
    return error;
}

static int64_t create4(struct rf_kernel *k, struct rf_socket *s, int type, int protocol)
{
    return create(k, s, type, protocol, false);
}

static int64_t create6(struct rf_kernel *k, struct rf_socket *s, int type, int protocol)
{
    return create(k, s, type, protocol, true);
}

/* accept(2) tells the name of one whose connection is over already (inet_getname, peer == 2): rf_tcp_accept says so. */
static bool is_accept(const struct rf_kernel *k)
{
    return k->current && k->current->scratch[RF_SCRATCH_FAMILY + 3];
}

int64_t rf_inet_getname(struct rf_kernel *k, struct rf_socket *s, bool peer, struct rf_socket_address *out)
{
    const struct rf_inet_entry *e = &rf_inet_of(s)->entry;
    if (peer && (!e->peer.port || ((e->state == RF_TCP_CLOSE || e->state == RF_TCP_SYN_SENT) && !is_accept(k))))
        return -RF_ENOTCONN;
    rf_inet_name_to(out, peer ? &e->peer : &e->local, e->v6);
    return 0;
}

/* The last descriptor is gone, and every task: what is left are connections that say goodbye. */
static void end(struct rf_kernel *k)
{
    rf_host_end(k);
    if (!k->net->inet)
        return;
    rf_tcp_end(k);
    rf_kfree(k, k->net->inet);
    k->net->inet = NULL;
}

const struct rf_socket_family rf_inet_family = { .domain = RF_AF_INET, .name = "TCP", .create = create4, .end = end };
const struct rf_socket_family rf_inet6_family = { .domain = RF_AF_INET6, .name = "TCPv6", .create = create6,
                                                  .end = end };

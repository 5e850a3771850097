/* AF_NETLINK sockets: names, sending, receiving, options. */
#include "kernel/net/netlink.h"

#include "kernel/fs/procfs.h"
#include "kernel/task/task.h"

#include <string.h>

static const struct rf_socket_ops netlink_ops;

static struct rf_netlink_socket *netlink_of(const struct rf_socket *s)
{
    return s->data;
}

static int64_t create(struct rf_kernel *k, struct rf_socket *s, int type, int protocol)
{
    if (type != RF_SOCK_RAW && type != RF_SOCK_DGRAM)
        return -RF_ESOCKTNOSUPPORT;
    if (protocol != RF_NETLINK_ROUTE && protocol != RF_NETLINK_KOBJECT_UEVENT)
        return -RF_EPROTONOSUPPORT; /* nobody in this kernel listens there */
    if (!k->net->netlink && !(k->net->netlink = rf_kalloc(k, sizeof *k->net->netlink)))
        return -RF_ENOBUFS;
    struct rf_netlink_socket *n = rf_kalloc(k, sizeof *n);
    if (!n)
        return -RF_ENOMEM;
    n->socket = s;
    n->next = k->net->netlink->sockets;
    k->net->netlink->sockets = n;
    s->ops = &netlink_ops;
    s->protocol = protocol;
    s->data = n;
    return 0;
}

/* --- names --- */

static struct rf_netlink_socket *find(struct rf_kernel *k, int protocol, uint32_t pid)
{
    for (struct rf_netlink_socket *n = k->net->netlink->sockets; n; n = n->next)
        if (n->pid == pid && n->socket->protocol == protocol)
            return n;
    return NULL;
}

/* netlink_autobind: the process' number, or one that no process has. */
static void autobind(struct rf_kernel *k, struct rf_netlink_socket *n)
{
    if (n->pid)
        return;
    uint32_t pid = (uint32_t)rf_pid_shown(k, k->current->process->pid);
    struct rf_netlink *net = k->net->netlink;
    while (pid == 0 || find(k, n->socket->protocol, pid)) {
        net->next_pid = net->next_pid > -4097 || net->next_pid == INT32_MIN ? -4097 : net->next_pid - 1;
        pid = (uint32_t)net->next_pid;
    }
    n->pid = pid;
}

static int64_t check_name(const struct rf_socket_address *address)
{
    return address->length < sizeof address->nl || address->family != RF_AF_NETLINK ? -RF_EINVAL : 0;
}

static int64_t netlink_bind(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address)
{
    struct rf_netlink_socket *n = netlink_of(s);
    int64_t error = check_name(address);
    if (error)
        return error;
    uint32_t pid = address->nl.nl_pid;
    if (n->pid ? pid && pid != n->pid : pid && find(k, s->protocol, pid) != NULL)
        return n->pid ? -RF_EINVAL : -RF_EADDRINUSE;
    if (!n->pid && pid)
        n->pid = pid;
    autobind(k, n);
    n->groups = address->nl.nl_groups;
    return 0;
}

static int64_t netlink_connect(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address,
                               bool nonblock)
{
    struct rf_netlink_socket *n = netlink_of(s);
    (void)nonblock;
    if (address->length < sizeof address->family)
        return -RF_EINVAL;
    if (address->family == RF_AF_UNSPEC) {
        n->to = 0;
        return 0;
    }
    int64_t error = check_name(address);
    if (error)
        return error;
    if ((address->nl.nl_groups || address->nl.nl_pid) && !rf_capable(k, RF_CAP_NET_ADMIN))
        return -RF_EPERM;
    autobind(k, n);
    n->to = address->nl.nl_pid;
    return 0;
}

static int64_t netlink_getname(struct rf_kernel *k, struct rf_socket *s, bool peer, struct rf_socket_address *out)
{
    const struct rf_netlink_socket *n = netlink_of(s);
    (void)k;
    *out = (struct rf_socket_address){ .length = sizeof out->nl };
    out->nl = (struct rf_sockaddr_nl){ .nl_family = RF_AF_NETLINK, .nl_pid = peer ? n->to : n->pid,
                                       .nl_groups = peer ? 0 : n->groups };
    return 0;
}

/* --- sending --- */

bool rf_netlink_deliver(struct rf_kernel *k, struct rf_netlink_socket *to, uint32_t from, const void *bytes,
                        uint32_t size)
{
    uint64_t charge = size + 768;
    struct rf_netlink_packet *p = NULL;
    if (to->queued + charge <= to->socket->options.receive_buffer)
        p = rf_kalloc(k, sizeof *p + size);
    if (!p) {
        if (!to->no_buffer_error)
            rf_socket_fail(k, to->socket, RF_ENOBUFS); /* netlink_overrun */
        return false;
    }
    p->from = from;
    p->size = size;
    memcpy(p->bytes, bytes, size);
    to->queued += charge;
    *(to->last ? &to->last->next : &to->first) = p;
    to->last = p;
    rf_socket_readable(k, to->socket);
    return true;
}

static int64_t find_destination(struct rf_kernel *k, const struct rf_netlink_socket *n,
                                const struct rf_message *message,
                                uint32_t *to)
{
    *to = n->to;
    if (!message->name)
        return 0;
    int64_t error = check_name(message->name);
    if (error)
        return error;
    *to = message->name->nl.nl_pid;
    return (*to || message->name->nl.nl_groups) && !rf_capable(k, RF_CAP_NET_ADMIN) ? -RF_EPERM : 0;
}

static int64_t dispatch(struct rf_kernel *k, struct rf_netlink_socket *n, uint32_t to, const uint8_t *bytes,
                        uint32_t size)
{
    if (to == 0) {
        if (n->socket->protocol == RF_NETLINK_ROUTE)
            rf_netlink_route(k, n, bytes, size);
        return n->socket->protocol == RF_NETLINK_ROUTE ? 0 : -RF_ECONNREFUSED;
    }
    struct rf_netlink_socket *other = find(k, n->socket->protocol, to);
    if (!other)
        return -RF_ECONNREFUSED;
    return rf_netlink_deliver(k, other, n->pid, bytes, size) ? 0 : -RF_EAGAIN;
}

static int64_t netlink_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    struct rf_netlink_socket *n = netlink_of(s);
    uint32_t to;
    if (message->flags & RF_MSG_OOB)
        return -RF_EOPNOTSUPP;
    int64_t error = message->size ? find_destination(k, n, message, &to) : -RF_ENODATA;
    if (!error && message->control)
        error = rf_control_scm(k, message->control, false);
    if (error)
        return error;
    autobind(k, n);
    if (message->size > (uint64_t)s->options.send_buffer - 32)
        return -RF_EMSGSIZE;
    uint32_t size = (uint32_t)message->size;
    uint8_t *bytes = rf_kalloc(k, size);
    if (!bytes)
        return -RF_ENOBUFS;
    error = rf_uio_get(message->data, bytes, size) < size ? -RF_EFAULT : dispatch(k, n, to, bytes, size);
    rf_kfree(k, bytes);
    return error ? error : size;
}

/* --- receiving --- */

static void drop_first(struct rf_kernel *k, struct rf_netlink_socket *n)
{
    struct rf_netlink_packet *p = n->first;
    n->first = p->next;
    if (!p->next)
        n->last = NULL;
    n->queued -= p->size + 768;
    rf_kfree(k, p);
}

static void tell_sender(const struct rf_netlink_socket *n, const struct rf_netlink_packet *p,
                        struct rf_message *message)
{
    const uint32_t group = 0;
    if (message->name) {
        message->name->length = sizeof message->name->nl;
        message->name->nl = (struct rf_sockaddr_nl){ .nl_family = RF_AF_NETLINK, .nl_pid = p->from };
    }
    if (!message->control)
        return;
    if (n->wants_info)
        rf_control_add(message->control, RF_SOL_NETLINK, RF_NETLINK_PKTINFO, &group, sizeof group);
    message->control->has_credentials = true; /* of the kernel */
    message->control->credentials = (struct rf_socket_credentials){ 0, 0, 0 };
}

static int64_t netlink_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    struct rf_netlink_socket *n = netlink_of(s);
    if (message->flags & RF_MSG_OOB)
        return -RF_EOPNOTSUPP;
    int64_t error = rf_socket_take_error(s);
    if (error)
        return error;
    const struct rf_netlink_packet *p = n->first;
    if (!p)
        return rf_socket_wait(k, s, &s->readable, message->flags & RF_MSG_DONTWAIT, s->options.receive_timeout);
    uint64_t size = p->size < message->size ? p->size : message->size;
    bool whole = rf_uio_put(message->data, p->bytes, size) == size;
    if (size < p->size)
        message->out_flags |= RF_MSG_TRUNC;
    tell_sender(n, p, message);
    int64_t result = !whole ? -RF_EFAULT : (int64_t)(message->flags & RF_MSG_TRUNC ? p->size : size);
    if (!(message->flags & RF_MSG_PEEK))
        drop_first(k, n);
    return result;
}

static uint32_t netlink_poll(struct rf_kernel *k, struct rf_socket *s, struct rf_poll_request *request)
{
    (void)k;
    rf_poll_add(request, &s->readable);
    return RF_POLLOUT | RF_POLLWRNORM | RF_POLLWRBAND | (s->error ? RF_POLLERR : 0) |
           (netlink_of(s)->first ? RF_POLLIN | RF_POLLRDNORM : 0);
}

/* --- options --- */

static bool *flag_of(struct rf_netlink_socket *n, int name)
{
    switch (name) {
    case RF_NETLINK_PKTINFO: return &n->wants_info;
    case RF_NETLINK_BROADCAST_ERROR: return &n->broadcast_error;
    case RF_NETLINK_NO_ENOBUFS: return &n->no_buffer_error;
    case RF_NETLINK_CAP_ACK: return &n->capped_acks;
    case RF_NETLINK_EXT_ACK: return &n->extended_acks;
    case RF_NETLINK_GET_STRICT_CHK: return &n->strict;
    default: return NULL;
    }
}

static int64_t netlink_setsockopt(struct rf_kernel *k, struct rf_socket *s, int level, int name, const void *value,
                                  uint32_t size)
{
    struct rf_netlink_socket *n = netlink_of(s);
    uint32_t number = 0;
    (void)k;
    if (level != RF_SOL_NETLINK)
        return -RF_ENOPROTOOPT;
    if (size >= sizeof number)
        memcpy(&number, value, sizeof number);
    else if (flag_of(n, name) || name == RF_NETLINK_ADD_MEMBERSHIP || name == RF_NETLINK_DROP_MEMBERSHIP)
        number = 0;
    bool *flag = flag_of(n, name);
    if (flag) {
        *flag = number;
        return 0;
    }
    if (name != RF_NETLINK_ADD_MEMBERSHIP && name != RF_NETLINK_DROP_MEMBERSHIP)
        return -RF_ENOPROTOOPT;
    if (!number || number > 32)
        return -RF_EINVAL;
    uint32_t bit = UINT32_C(1) << (number - 1);
    n->groups = name == RF_NETLINK_ADD_MEMBERSHIP ? n->groups | bit : n->groups & ~bit;
    return 0;
}

static int64_t netlink_getsockopt(struct rf_kernel *k, struct rf_socket *s, int level, int name, void *value,
                                  uint32_t *size)
{
    struct rf_netlink_socket *n = netlink_of(s);
    (void)k;
    if (level != RF_SOL_NETLINK)
        return -RF_ENOPROTOOPT;
    const bool *flag = flag_of(n, name);
    uint32_t number = flag ? *flag : n->groups;
    if (!flag && name != RF_NETLINK_LIST_MEMBERSHIPS)
        return -RF_ENOPROTOOPT;
    if (*size < sizeof number)
        return flag ? -RF_EINVAL : 0;
    memcpy(value, &number, sizeof number);
    *size = sizeof number;
    return 0;
}

static void destroy(struct rf_kernel *k, struct rf_socket *s)
{
    struct rf_netlink_socket *n = netlink_of(s), **link = &k->net->netlink->sockets;
    while (*link != n)
        link = &(*link)->next;
    *link = n->next;
    while (n->first)
        drop_first(k, n);
    rf_kfree(k, n);
}

static void end(struct rf_kernel *k)
{
    rf_kfree(k, k->net->netlink);
    k->net->netlink = NULL;
}

void rf_proc_net_netlink(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)task;
    rf_text_add(out, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
    const struct rf_netlink *net = k->net->netlink;
    for (const struct rf_netlink_socket *n = net ? net->sockets : NULL; n; n = n->next)
        rf_text_add(out, "%016x %-3d %-10u %08x %-8llu %-8d %-5d %-8d %-8d %-8llu\n", 0, n->socket->protocol, n->pid,
                    n->groups,
                    (unsigned long long)n->queued, 0, 0, 2, 0,
                    n->socket->inode ? (unsigned long long)n->socket->inode->ino : 0);
}

static const struct rf_socket_ops netlink_ops = {
    .bind = netlink_bind,
    .connect = netlink_connect,
    .getname = netlink_getname,
    .send = netlink_send,
    .receive = netlink_receive,
    .poll = netlink_poll,
    .setsockopt = netlink_setsockopt,
    .getsockopt = netlink_getsockopt,
    .destroy = destroy,
};

extern const struct rf_socket_family rf_netlink_family;
const struct rf_socket_family rf_netlink_family = { .domain = RF_AF_NETLINK, .name = "NETLINK", .create = create,
                                                    .end = end };

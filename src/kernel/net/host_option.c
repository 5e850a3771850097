/* Options of sockets of the host: those that are numbers and mean nothing but the connection itself are passed on. */
#include "kernel/net/host.h"

#include "kernel/net/tcp.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static const struct passed {
    int level, name;
} passed[] = {
    { RF_IPPROTO_TCP, RF_TCP_NODELAY },           { RF_IPPROTO_TCP, RF_TCP_CORK },
    { RF_IPPROTO_TCP, RF_TCP_KEEPIDLE },          { RF_IPPROTO_TCP, RF_TCP_KEEPINTVL },
    { RF_IPPROTO_TCP, RF_TCP_KEEPCNT },           { RF_IPPROTO_TCP, RF_TCP_QUICKACK },
    { RF_IPPROTO_TCP, RF_TCP_SYNCNT },            { RF_IPPROTO_TCP, RF_TCP_LINGER2 },
    { RF_IPPROTO_TCP, RF_TCP_DEFER_ACCEPT },      { RF_IPPROTO_TCP, RF_TCP_USER_TIMEOUT },
    { RF_IPPROTO_TCP, RF_TCP_NOTSENT_LOWAT },     { RF_IPPROTO_TCP, RF_TCP_MAXSEG },
    { RF_IPPROTO_TCP, RF_TCP_FASTOPEN },          { RF_IPPROTO_IP, RF_IP_TTL },
    { RF_IPPROTO_IP, RF_IP_TOS },                 { RF_IPPROTO_IP, RF_IP_MTU_DISCOVER },
    { RF_IPPROTO_IP, RF_IP_MTU },                 { RF_IPPROTO_IPV6, RF_IPV6_V6ONLY },
    { RF_IPPROTO_IPV6, RF_IPV6_UNICAST_HOPS },    { RF_IPPROTO_IPV6, RF_IPV6_TCLASS },
    { RF_IPPROTO_IPV6, RF_IPV6_MTU },
};

static bool is_passed(int level, int name)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(passed); i++)
        if (passed[i].level == level && passed[i].name == name)
            return true;
    return false;
}

int64_t rf_host_setsockopt(struct rf_kernel *k, struct rf_socket *s, int level, int name, const void *value,
                           uint32_t size)
{
    (void)k;
    bool ignored = (level == RF_IPPROTO_IP && name == RF_IP_RECVERR) ||
        (level == RF_IPPROTO_IPV6 && name == RF_IPV6_RECVERR);
    if (ignored)
        return 0; /* errors come without their details */
    if (!is_passed(level, name) || size > 64)
        return -RF_ENOPROTOOPT;
    return setsockopt(rf_host_of(s)->fd, level, name, value, size) ? -errno : 0;
}

int64_t rf_host_getsockopt(struct rf_kernel *k, struct rf_socket *s, int level, int name, void *value, uint32_t *size)
{
    (void)k;
    bool is_info = level == RF_IPPROTO_TCP && (name == RF_TCP_INFO || name == RF_TCP_CONGESTION);
    socklen_t room = *size;
    if (!is_passed(level, name) && !is_info)
        return -RF_ENOPROTOOPT;
    if (getsockopt(rf_host_of(s)->fd, level, name, value, &room))
        return -errno;
    *size = room;
    return 0;
}

/* --- SOL_SOCKET --- */

static void set(int fd, int name, int32_t value)
{
    (void)!setsockopt(fd, SOL_SOCKET, name, &value, sizeof value);
}

static void set_common(const struct rf_socket *s, int fd, int name)
{
    const struct rf_socket_options *o = &s->options;
    const struct linger linger = { o->linger, o->linger_seconds };
    switch (name) {
    case RF_SO_REUSEADDR: set(fd, name, o->reuse_address); break;
    case RF_SO_REUSEPORT: set(fd, name, o->reuse_port); break;
    case RF_SO_KEEPALIVE: set(fd, name, o->keep_alive); break;
    case RF_SO_BROADCAST: set(fd, name, o->broadcast); break;
    case RF_SO_OOBINLINE: set(fd, name, o->oob_inline); break;
    case RF_SO_RCVLOWAT: set(fd, name, (int32_t)o->receive_low_water); break;
    case RF_SO_SNDBUF: set(fd, name, (int32_t)(o->send_buffer / 2)); break;
    case RF_SO_RCVBUF: set(fd, name, (int32_t)(o->receive_buffer / 2)); break;
    case RF_SO_LINGER: (void)!setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger); break;
    default: break;
    }
}

void rf_host_changed(struct rf_kernel *k, struct rf_socket *s, int name)
{
    (void)k;
    set_common(s, rf_host_of(s)->fd, name);
}

void rf_host_copy_options(struct rf_socket *s, const struct rf_inet_socket *from, int fd)
{
    static const int names[] = { RF_SO_REUSEADDR, RF_SO_REUSEPORT, RF_SO_KEEPALIVE, RF_SO_BROADCAST, RF_SO_OOBINLINE,
                                 RF_SO_LINGER };
    const int32_t only6 = from->entry.only6, no_delay = from->tcp && from->tcp->options.no_delay;
    for (size_t i = 0; i < RF_ARRAY_SIZE(names); i++)
        if (names[i] != RF_SO_LINGER || s->options.linger)
            set_common(s, fd, names[i]);
    if (from->entry.v6)
        (void)!setsockopt(fd, RF_IPPROTO_IPV6, RF_IPV6_V6ONLY, &only6, sizeof only6);
    if (no_delay)
        (void)!setsockopt(fd, RF_IPPROTO_TCP, RF_TCP_NODELAY, &no_delay, sizeof no_delay);
    if (from->tcp && from->tcp->send_locked)
        set_common(s, fd, RF_SO_SNDBUF);
    if (from->tcp && from->tcp->receive_locked)
        set_common(s, fd, RF_SO_RCVBUF);
}

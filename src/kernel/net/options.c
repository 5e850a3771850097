/* SOL_SOCKET: the options that every socket has (sk_setsockopt and sk_getsockopt of net/core/sock.c). */
#include "kernel/net/socket.h"

#include "kernel/fs/fs.h"
#include "kernel/task/task.h"

#include <string.h>

static bool is_inet(const struct rf_socket *s)
{
    return s->family->domain == RF_AF_INET || s->family->domain == RF_AF_INET6;
}

/* sk_may_scm_recv */
static bool passes_control(const struct rf_socket *s)
{
    return s->family->domain == RF_AF_UNIX || s->family->domain == RF_AF_NETLINK;
}

struct rf_ucred rf_socket_ucred(const struct rf_kernel *k, const struct rf_socket_credentials *c)
{
    struct rf_ucred out = { rf_pid_shown(k, c->pid), UINT32_MAX, UINT32_MAX };
    if (c->uid != RF_NO_ID)
        out.uid = rf_uid_shown(k, c->uid);
    if (c->gid != RF_NO_ID)
        out.gid = rf_gid_shown(k, c->gid);
    return out;
}

/* --- flags: one table for setting and getting --- */

static const struct flag {
    int name;
    size_t offset;
} flags[] = {
    { RF_SO_REUSEADDR, offsetof(struct rf_socket_options, reuse_address) },
    { RF_SO_REUSEPORT, offsetof(struct rf_socket_options, reuse_port) },
    { RF_SO_KEEPALIVE, offsetof(struct rf_socket_options, keep_alive) },
    { RF_SO_BROADCAST, offsetof(struct rf_socket_options, broadcast) },
    { RF_SO_OOBINLINE, offsetof(struct rf_socket_options, oob_inline) },
    { RF_SO_DONTROUTE, offsetof(struct rf_socket_options, dont_route) },
    { RF_SO_DEBUG, offsetof(struct rf_socket_options, debug) },
    { RF_SO_NO_CHECK, offsetof(struct rf_socket_options, no_check) },
    { RF_SO_RXQ_OVFL, offsetof(struct rf_socket_options, rxq_overflow) },
    { RF_SO_SELECT_ERR_QUEUE, offsetof(struct rf_socket_options, select_error_queue) },
    { RF_SO_PASSCRED, offsetof(struct rf_socket_options, pass_credentials) },
    { RF_SO_PASSSEC, offsetof(struct rf_socket_options, pass_security) },
};

static bool *flag_of(struct rf_socket *s, int name)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(flags); i++)
        if (flags[i].name == name)
            return (bool *)((uint8_t *)&s->options + flags[i].offset);
    return NULL;
}

/* What must be so for a flag to be set. */
static int64_t may_set_flag(const struct rf_kernel *k, const struct rf_socket *s, int name, bool on)
{
    switch (name) {
    case RF_SO_DEBUG: return on && !rf_capable(k, RF_CAP_NET_ADMIN) ? -RF_EACCES : 0;
    case RF_SO_REUSEPORT: return on && !is_inet(s) ? -RF_EOPNOTSUPP : 0;
    case RF_SO_PASSCRED:
    case RF_SO_PASSSEC: return passes_control(s) ? 0 : -RF_EOPNOTSUPP;
    default: return 0;
    }
}

/* --- setting --- */

static int64_t set_buffer(struct rf_socket *s, bool sending, int32_t value, bool forced)
{
    uint32_t most = forced ? INT32_MAX / 2 : RF_SOCKET_BUFFER_MOST;
    uint32_t least = sending ? RF_SOCKET_SEND_LEAST : RF_SOCKET_RECEIVE_LEAST;
    uint32_t size = forced && value < 0 ? 0 : (uint32_t)value < most ? (uint32_t)value : most;
    size = 2 * size > least ? 2 * size : least;
    *(sending ? &s->options.send_buffer : &s->options.receive_buffer) = size;
    return 0;
}

/* sock_set_timeout: whole jiffies of 1 or 4 ms on Linux; here ns. */
static int64_t set_timeout(uint64_t *out, const void *value, uint32_t size)
{
    struct rf_timeval tv;
    if (size < sizeof tv)
        return -RF_EINVAL;
    memcpy(&tv, value, sizeof tv);
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -RF_EDOM;
    if (tv.tv_sec < 0) {
        *out = 0;
        return 0;
    }
    bool none = (tv.tv_sec == 0 && tv.tv_usec == 0) || tv.tv_sec >= INT64_MAX / 1000000000 - 1;
    *out = none ? UINT64_MAX : (uint64_t)tv.tv_sec * 1000000000 + (uint64_t)tv.tv_usec * 1000;
    return 0;
}

static int64_t set_linger(struct rf_socket *s, const void *value, uint32_t size)
{
    struct rf_linger linger;
    if (size < sizeof linger)
        return -RF_EINVAL;
    memcpy(&linger, value, sizeof linger);
    s->options.linger = linger.l_onoff;
    if (linger.l_onoff)
        s->options.linger_seconds = linger.l_linger;
    return 0;
}

static int64_t set_device(struct rf_kernel *k, struct rf_socket *s, const void *value, uint32_t size)
{
    char name[sizeof s->options.device] = { 0 };
    if (s->options.device[0] && !rf_capable(k, RF_CAP_NET_RAW))
        return -RF_EPERM;
    memcpy(name, value, size < sizeof name - 1 ? size : sizeof name - 1);
    if (name[0] && strcmp(name, "lo") != 0)
        return -RF_ENODEV; /* the one interface that there is */
    memcpy(s->options.device, name, sizeof name);
    return 0;
}

static bool may_mark(const struct rf_kernel *k)
{
    return rf_capable(k, RF_CAP_NET_ADMIN) || rf_capable(k, RF_CAP_NET_RAW);
}

static int64_t set_number(struct rf_kernel *k, struct rf_socket *s, int name, int32_t value)
{
    struct rf_socket_options *o = &s->options;
    switch (name) {
    case RF_SO_TYPE:
    case RF_SO_PROTOCOL:
    case RF_SO_DOMAIN:
    case RF_SO_ERROR: return -RF_ENOPROTOOPT;
    case RF_SO_BSDCOMPAT: return 0;
    case RF_SO_SNDBUF: return set_buffer(s, true, value, false);
    case RF_SO_RCVBUF: return set_buffer(s, false, value, false);
    case RF_SO_SNDBUFFORCE:
    case RF_SO_RCVBUFFORCE:
        return rf_capable(k, RF_CAP_NET_ADMIN) ? set_buffer(s, name == RF_SO_SNDBUFFORCE, value, true) : -RF_EPERM;
    case RF_SO_PRIORITY:
        if ((value < 0 || value > 6) && !may_mark(k))
            return -RF_EPERM;
        o->priority = value;
        return 0;
    case RF_SO_MARK:
        if (!may_mark(k))
            return -RF_EPERM;
        o->mark = value;
        return 0;
    case RF_SO_RCVLOWAT: o->receive_low_water = value < 0 ? INT32_MAX : value ? (uint32_t)value : 1; return 0;
    case RF_SO_INCOMING_CPU: o->incoming_cpu = value; return 0;
    case RF_SO_BUSY_POLL:
        if (value < 0)
            return -RF_EINVAL;
        if (value > o->busy_poll && !rf_capable(k, RF_CAP_NET_ADMIN))
            return -RF_EPERM;
        o->busy_poll = value;
        return 0;
    case RF_SO_PEEK_OFF:
        if (s->family->domain != RF_AF_UNIX && !is_inet(s))
            return -RF_EOPNOTSUPP;
        o->peek_offset = value;
        return 0;
    case RF_SO_TIMESTAMP:
    case RF_SO_TIMESTAMP_NEW:
    case RF_SO_TIMESTAMPNS:
    case RF_SO_TIMESTAMPNS_NEW: {
        bool ns = name == RF_SO_TIMESTAMPNS || name == RF_SO_TIMESTAMPNS_NEW;
        o->timestamp = value && !ns;
        o->timestamp_ns = value && ns;
        return 0;
    }
    case RF_SO_ZEROCOPY:
        if (s->family->domain != RF_AF_INET && s->family->domain != RF_AF_INET6)
            return -RF_EOPNOTSUPP;
        if (value < 0 || value > 1)
            return -RF_EINVAL;
        return value ? -RF_EOPNOTSUPP : 0; /* all is copied, and nobody would be told of the end of it */
    case RF_SO_DETACH_FILTER: return -RF_ENOENT; /* there is none: filters cannot be attached */
    default: return -RF_ENOPROTOOPT;
    }
}

static int64_t set_one(struct rf_kernel *k, struct rf_socket *s, int name, const void *value, uint32_t size)
{
    if (name == RF_SO_BINDTODEVICE)
        return set_device(k, s, value, size);
    int32_t number;
    if (size < sizeof number)
        return -RF_EINVAL;
    memcpy(&number, value, sizeof number);
    switch (name) {
    case RF_SO_LINGER: return set_linger(s, value, size);
    case RF_SO_RCVTIMEO:
    case RF_SO_RCVTIMEO_NEW: return set_timeout(&s->options.receive_timeout, value, size);
    case RF_SO_SNDTIMEO:
    case RF_SO_SNDTIMEO_NEW: return set_timeout(&s->options.send_timeout, value, size);
    default: break;
    }
    bool *flag = flag_of(s, name);
    if (!flag)
        return set_number(k, s, name, number);
    int64_t error = may_set_flag(k, s, name, number);
    if (!error)
        *flag = number;
    return error;
}

int64_t rf_socket_set_option(struct rf_kernel *k, struct rf_socket *s, int name, const void *value, uint32_t size)
{
    int64_t result = set_one(k, s, name, value, size);
    if (result == 0 && s->ops->changed)
        s->ops->changed(k, s, name);
    return result;
}

/* --- getting --- */

/* A value of full bytes, as much of it as there is room for. */
static int64_t give(void *value, uint32_t *size, const void *from, uint32_t full)
{
    if (*size > full)
        *size = full;
    memcpy(value, from, *size);
    return 0;
}

static int64_t give_timeout(void *value, uint32_t *size, uint64_t ns)
{
    struct rf_timeval tv = { 0, 0 };
    if (ns != UINT64_MAX)
        tv = (struct rf_timeval){ (int64_t)(ns / 1000000000), (int64_t)(ns / 1000 % 1000000) };
    return give(value, size, &tv, sizeof tv);
}

static int64_t give_groups(const struct rf_kernel *k, const struct rf_socket *s, void *value, uint32_t *size)
{
    if (s->peer.uid == RF_NO_ID)
        return -RF_ENODATA;
    uint32_t need = s->peer_group_count * (uint32_t)sizeof(uint32_t), room = *size;
    *size = need;
    if (room < need)
        return -RF_ERANGE;
    for (uint32_t i = 0; i < s->peer_group_count; i++) {
        uint32_t gid = rf_gid_shown(k, s->peer_groups[i]);
        memcpy((uint8_t *)value + i * sizeof gid, &gid, sizeof gid);
    }
    return 0;
}

static int64_t give_peer_name(struct rf_kernel *k, struct rf_socket *s, void *value, uint32_t *size)
{
    struct rf_socket_address address = { 0 };
    if (!s->ops->getname || s->ops->getname(k, s, true, &address) < 0)
        return -RF_ENOTCONN;
    if (address.length < *size)
        return -RF_EINVAL;
    memcpy(value, address.bytes, *size);
    return 0;
}

static int64_t give_peer_process(struct rf_kernel *k, const struct rf_socket *s, void *value, uint32_t *size)
{
    if (s->peer.pid == 0)
        return -RF_ENODATA;
    int64_t fd = rf_pidfd_install(k, s->peer.pid, 0);
    if (fd < 0)
        return fd;
    int32_t number = (int32_t)fd;
    return give(value, size, &number, sizeof number);
}

static int64_t get_number(struct rf_socket *s, int name, int32_t *out)
{
    const struct rf_socket_options *o = &s->options;
    switch (name) {
    case RF_SO_TYPE: *out = s->type; return 0;
    case RF_SO_PROTOCOL: *out = s->protocol; return 0;
    case RF_SO_DOMAIN: *out = s->family->domain; return 0;
    case RF_SO_ERROR: *out = (int32_t)-rf_socket_take_error(s); return 0;
    case RF_SO_ACCEPTCONN: *out = s->listening; return 0;
    case RF_SO_SNDBUF: *out = (int32_t)o->send_buffer; return 0;
    case RF_SO_RCVBUF: *out = (int32_t)o->receive_buffer; return 0;
    case RF_SO_PRIORITY: *out = o->priority; return 0;
    case RF_SO_MARK: *out = o->mark; return 0;
    case RF_SO_RCVLOWAT: *out = (int32_t)o->receive_low_water; return 0;
    case RF_SO_SNDLOWAT: *out = 1; return 0;
    case RF_SO_BSDCOMPAT:
    case RF_SO_BUF_LOCK:
    case RF_SO_LOCK_FILTER: *out = 0; return 0;
    case RF_SO_INCOMING_CPU: *out = o->incoming_cpu; return 0;
    case RF_SO_BUSY_POLL: *out = o->busy_poll; return 0;
    case RF_SO_PEEK_OFF:
        *out = o->peek_offset;
        return s->family->domain == RF_AF_UNIX || is_inet(s) ? 0 : -RF_EOPNOTSUPP;
    case RF_SO_TIMESTAMP:
    case RF_SO_TIMESTAMP_NEW: *out = o->timestamp; return 0;
    case RF_SO_TIMESTAMPNS:
    case RF_SO_TIMESTAMPNS_NEW: *out = o->timestamp_ns; return 0;
    case RF_SO_ZEROCOPY: *out = 0; return 0;
    default: return -RF_ENOPROTOOPT;
    }
}

int64_t rf_socket_get_option(struct rf_kernel *k, struct rf_socket *s, int name, void *value, uint32_t *size)
{
    const struct rf_linger linger = { s->options.linger, s->options.linger_seconds };
    const struct rf_ucred peer = rf_socket_ucred(k, &s->peer);
    uint32_t length = (uint32_t)strlen(s->options.device);
    switch (name) {
    case RF_SO_LINGER: return give(value, size, &linger, sizeof linger);
    case RF_SO_RCVTIMEO:
    case RF_SO_RCVTIMEO_NEW: return give_timeout(value, size, s->options.receive_timeout);
    case RF_SO_SNDTIMEO:
    case RF_SO_SNDTIMEO_NEW: return give_timeout(value, size, s->options.send_timeout);
    case RF_SO_PEERCRED: return give(value, size, &peer, sizeof peer);
    case RF_SO_PEERGROUPS: return give_groups(k, s, value, size);
    case RF_SO_PEERNAME: return give_peer_name(k, s, value, size);
    case RF_SO_PEERPIDFD: return give_peer_process(k, s, value, size);
    case RF_SO_BINDTODEVICE:
        if (length && *size < sizeof s->options.device)
            return -RF_EINVAL;
        return give(value, size, s->options.device, length ? length + 1 : 0);
    default: break;
    }
    int32_t number = 0;
    const bool *flag = flag_of(s, name);
    int64_t error = flag ? 0 : get_number(s, name, &number);
    if (flag && (name == RF_SO_PASSCRED || name == RF_SO_PASSSEC) && !passes_control(s))
        error = -RF_EOPNOTSUPP;
    if (flag)
        number = *flag;
    return error ? error : give(value, size, &number, sizeof number);
}

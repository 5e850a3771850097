/* Sockets of the host as objects: taking the place of modelled ones, connecting, accepting, closing, and news of what
 * they are ready for. */
#include "kernel/net/host.h"

#include "kernel/net/tcp.h"
#include "kernel/task/task.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct rf_socket_ops host_ops;

bool rf_host_is_host(const struct rf_socket *s)
{
    return s->ops == &host_ops;
}

/* --- the place of a modelled socket --- */

/* One of this machine's own servers that listens on the host: its clients inside find it at the loopback address. */
static bool is_own_server(const struct rf_host_net *net, const struct rf_inet_name *name)
{
    if (rf_inet_kind(name->address) != RF_INET_LOCAL)
        return false;
    for (const struct rf_host_socket *h = net->sockets; h; h = h->next)
        if (h->fd >= 0 && h->port == name->port)
            return true;
    return false;
}

static bool is_wanted(const struct rf_kernel *k, enum rf_host_use use, const struct rf_inet_name *name)
{
    const struct rf_host_net *net = k->net->host;
    if (use == RF_HOST_BIND && name->port == 0)
        return false; /* what it will be for is not known yet */
    return rf_host_allows(net, use, name) || (use == RF_HOST_CONNECT && is_own_server(net, name));
}

int64_t rf_host_attach(struct rf_kernel *k, struct rf_socket *s, int fd)
{
    struct rf_host_net *net = k->net->host;
    struct rf_host_socket *h = rf_kalloc(k, sizeof *h);
    if (net->epoll < 0)
        net->epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET, .data.ptr = h };
    if (!h || net->epoll < 0 || epoll_ctl(net->epoll, EPOLL_CTL_ADD, fd, &event)) {
        close(fd);
        rf_kfree(k, h);
        return -RF_ENOBUFS;
    }
    h->socket = s;
    h->fd = fd;
    h->next = net->sockets;
    net->sockets = h;
    s->ops = &host_ops;
    s->data = h;
    return 0;
}

int64_t rf_host_take(struct rf_kernel *k, struct rf_socket *s, enum rf_host_use use,
                     const struct rf_socket_address *address)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    struct rf_inet_name name = { 0 };
    bool v6 = i->entry.v6;
    if (!k->net->host || address->length < (v6 ? sizeof address->in6 : sizeof address->in) ||
        address->family != (v6 ? RF_AF_INET6 : RF_AF_INET) || i->entry.state != RF_TCP_CLOSE ||
        (i->tcp && i->tcp->phase))
        return 0;
    rf_inet_name_from(&name, address);
    if (use == RF_HOST_CONNECT && rf_inet_is_any(name.address))
        rf_inet_set_loopback(name.address, rf_inet_is_mapped(name.address));
    if (!is_wanted(k, use, &name) || (use == RF_HOST_BIND && i->entry.link))
        return 0;
    if (use == RF_HOST_BIND && name.port < RF_PROT_SOCK && !rf_capable(k, RF_CAP_NET_BIND_SERVICE))
        return -RF_EACCES;
    int fd = socket(v6 ? AF_INET6 : AF_INET, s->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    rf_host_copy_options(s, i, fd);
    int64_t error = rf_host_attach(k, s, fd);
    if (error)
        return error;
    rf_inet_free(k, i);
    return 1;
}

/* --- naming --- */

static int64_t host_error(void)
{
    return -errno; /* the host's numbers are Linux' */
}

static int64_t host_bind(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address)
{
    struct rf_host_socket *h = rf_host_of(s);
    struct rf_inet_name name = { 0 };
    if (address->length >= sizeof address->in)
        rf_inet_name_from(&name, address);
    if (!rf_host_allows(k->net->host, RF_HOST_BIND, &name))
        return -RF_EADDRNOTAVAIL;
    if (bind(h->fd, (const struct sockaddr *)address->bytes, address->length))
        return host_error();
    h->port = name.port;
    return 0;
}

static int64_t host_getname(struct rf_kernel *k, struct rf_socket *s, bool peer, struct rf_socket_address *out)
{
    struct rf_host_socket *h = rf_host_of(s);
    socklen_t size = sizeof out->bytes;
    (void)k;
    int result = peer ? getpeername(h->fd, (struct sockaddr *)out->bytes, &size)
                      : getsockname(h->fd, (struct sockaddr *)out->bytes, &size);
    out->length = size;
    return result ? host_error() : 0;
}

/* --- connecting --- */

/* The host has answered: 0 or its error. -RF_EINPROGRESS: not yet. */
static int64_t connection_result(struct rf_host_socket *h)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (!(rf_poll_host_now(h->fd, POLLOUT) & (POLLOUT | POLLERR | POLLHUP)))
        return -RF_EINPROGRESS;
    getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (!error && h->socket->error)
        error = h->socket->error; /* the pump has seen it first */
    h->socket->error = 0;
    h->connecting = false;
    h->connected = !error;
    return -error;
}

static int64_t begin_connection(struct rf_kernel *k, struct rf_host_socket *h, const struct rf_socket_address *address)
{
    struct rf_inet_name name = { 0 };
    if (address->length >= sizeof address->in && address->family != RF_AF_UNSPEC) {
        rf_inet_name_from(&name, address);
        if (!is_wanted(k, RF_HOST_CONNECT, &name))
            return -RF_ENETUNREACH;
    }
    if (connect(h->fd, (const struct sockaddr *)address->bytes, address->length) == 0)
        return 0;
    if (errno == EINPROGRESS)
        h->connecting = true;
    return host_error();
}

static int64_t host_connect(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address,
                            bool nonblock)
{
    struct rf_host_socket *h = rf_host_of(s);
    bool again = h->connecting;
    int64_t result = again ? connection_result(h) : begin_connection(k, h, address);
    if (!h->connecting) {
        h->connected |= result == 0;
        return result;
    }
    if (nonblock)
        return again ? -RF_EALREADY : -RF_EINPROGRESS;
    result = rf_socket_wait(k, s, &s->writable, false, s->options.send_timeout);
    return result == -RF_EAGAIN ? -RF_EINPROGRESS : result;
}

static int64_t host_listen(struct rf_kernel *k, struct rf_socket *s, int backlog)
{
    (void)k;
    if (listen(rf_host_of(s)->fd, backlog))
        return host_error();
    s->listening = true;
    return 0;
}

static int64_t host_accept(struct rf_kernel *k, struct rf_socket *s, bool nonblock, struct rf_socket **out)
{
    int fd = accept4(rf_host_of(s)->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EAGAIN || errno == EINTR))
        return rf_socket_wait(k, s, &s->readable, nonblock, s->options.receive_timeout);
    if (fd < 0)
        return host_error();
    struct rf_socket *child = rf_socket_like(k, s);
    if (!child) {
        close(fd);
        return -RF_ENOBUFS;
    }
    int64_t error = rf_host_attach(k, child, fd);
    if (error) {
        rf_kfree(k, child);
        return error;
    }
    rf_host_of(child)->connected = true;
    *out = child;
    return 0;
}

static int64_t host_shutdown(struct rf_kernel *k, struct rf_socket *s, bool reading, bool writing)
{
    int how = reading && writing ? SHUT_RDWR : reading ? SHUT_RD : SHUT_WR;
    int64_t result = shutdown(rf_host_of(s)->fd, how) ? host_error() : 0;
    rf_wake(k, &s->readable);
    rf_wake(k, &s->writable);
    return result;
}

/* --- readiness --- */

static void note_error(struct rf_host_socket *h)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (!h->connecting && getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error)
        h->socket->error = error;
}

static uint32_t host_poll(struct rf_kernel *k, struct rf_socket *s, struct rf_poll_request *request)
{
    struct rf_host_socket *h = rf_host_of(s);
    (void)k;
    rf_poll_add(request, &s->readable);
    rf_poll_add(request, &s->writable);
    uint32_t ready = rf_poll_host_now(h->fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP);
    if (ready & RF_POLLERR && h->connecting) { /* SO_ERROR will say it */
        int64_t error = connection_result(h);
        s->error = (int32_t)-error;
    } else if (ready & RF_POLLERR) {
        note_error(h);
    } else if (ready & RF_POLLOUT && h->connecting) {
        connection_result(h);
    }
    return ready | (s->error ? RF_POLLERR : 0);
}

int rf_host_watched(const struct rf_kernel *k)
{
    return k->net && k->net->host ? k->net->host->epoll : -1;
}

bool rf_host_waits(const struct rf_kernel *k)
{
    const struct rf_host_net *net = k->net ? k->net->host : NULL;
    for (const struct rf_host_socket *h = net ? net->sockets : NULL; h; h = h->next) {
        const struct rf_socket *s = h->socket;
        if (h->fd >= 0 && (s->readable.first || s->readable.watches || s->writable.first || s->writable.watches))
            return true;
    }
    return false;
}

void rf_host_pump(struct rf_kernel *k)
{
    struct epoll_event events[32];
    int fd = rf_host_watched(k), count = fd < 0 ? 0 : epoll_wait(fd, events, 32, 0);
    for (int i = 0; i < count; i++) {
        struct rf_host_socket *h = events[i].data.ptr;
        uint32_t ready = events[i].events;
        if (ready & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            rf_wake_for(k, &h->socket->readable, ready & ~(uint32_t)EPOLLET);
        if (ready & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            rf_wake_for(k, &h->socket->writable, ready & ~(uint32_t)EPOLLET);
    }
}

static int64_t host_ioctl(struct rf_kernel *k, struct rf_socket *s, uint32_t command, uint64_t argument)
{
    int32_t number = 0;
    if (command != RF_SIOCINQ && command != RF_SIOCOUTQ && command != RF_SIOCATMARK)
        return -RF_ENOTTY;
    return ioctl(rf_host_of(s)->fd, command, &number) ? host_error() : RF_PUT_USER(k, argument, number);
}

/* --- the end --- */

static void host_release(struct rf_kernel *k, struct rf_socket *s)
{
    struct rf_host_socket *h = rf_host_of(s);
    (void)k;
    if (h->fd >= 0)
        close(h->fd); /* and it leaves the epoll instance */
    h->fd = -1;
}

static void host_destroy(struct rf_kernel *k, struct rf_socket *s)
{
    struct rf_host_socket *h = rf_host_of(s), **link = &k->net->host->sockets;
    while (*link != h)
        link = &(*link)->next;
    *link = h->next;
    host_release(k, s);
    rf_kfree(k, h);
}

void rf_host_end(struct rf_kernel *k)
{
    if (!k->net->host)
        return;
    rf_host_forget_rules(k);
    if (k->net->host->epoll >= 0)
        close(k->net->host->epoll);
    rf_kfree(k, k->net->host);
    k->net->host = NULL;
}

static const struct rf_socket_ops host_ops = {
    .bind = host_bind,
    .connect = host_connect,
    .listen = host_listen,
    .accept = host_accept,
    .getname = host_getname,
    .shutdown = host_shutdown,
    .send = rf_host_send,
    .receive = rf_host_receive,
    .poll = host_poll,
    .ioctl = host_ioctl,
    .setsockopt = rf_host_setsockopt,
    .getsockopt = rf_host_getsockopt,
    .changed = rf_host_changed,
    .release = host_release,
    .destroy = host_destroy,
};

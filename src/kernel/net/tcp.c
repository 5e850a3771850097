/* TCP sockets as objects: making, polling, ioctls, and the table that the families know. */
#include "kernel/net/tcp.h"

#define SEND_DEFAULT 16384u     /* net.ipv4.tcp_wmem, the middle */
#define RECEIVE_DEFAULT 131072u /* net.ipv4.tcp_rmem, the middle */

int64_t rf_tcp_create(struct rf_kernel *k, struct rf_socket *s, struct rf_inet_socket *i)
{
    i->tcp = rf_kalloc(k, sizeof *i->tcp);
    if (!i->tcp)
        return -RF_ENOBUFS;
    rf_tcp_default_options(&i->tcp->options);
    s->options.send_buffer = SEND_DEFAULT;
    s->options.receive_buffer = RECEIVE_DEFAULT;
    return 0;
}

void rf_tcp_free(struct rf_kernel *k, struct rf_inet_socket *i)
{
    rf_timer_stop(k, &i->tcp->timer);
    rf_timer_stop(k, &i->tcp->cork_timer);
    rf_tcp_purge(k, &i->tcp->in);
    rf_tcp_purge(k, &i->tcp->out);
    rf_kfree(k, i->tcp);
}

static void destroy(struct rf_kernel *k, struct rf_socket *s)
{
    rf_inet_free(k, rf_inet_of(s));
}

/* --- polling --- */

/* tcp_stream_is_readable */
static bool is_readable(const struct rf_inet_socket *i)
{
    const struct rf_tcp *t = i->tcp;
    uint64_t target = i->entry.socket->options.receive_low_water;
    if (t->urgent && t->urgent_at == t->read_at && !i->entry.socket->options.oob_inline)
        target++; /* the urgent byte alone is nothing to read */
    return t->in.bytes >= target || (t->in.bytes && rf_tcp_room(i) == 0);
}

static uint32_t poll_connection(struct rf_inet_socket *i)
{
    uint32_t ready = 0;
    if (is_readable(i))
        ready |= RF_POLLIN | RF_POLLRDNORM;
    if (i->no_writing || rf_tcp_is_writable(i))
        ready |= RF_POLLOUT | RF_POLLWRNORM;
    else
        i->tcp->full = true; /* whoever makes room tells */
    if (i->tcp->urgent == RF_TCP_URGENT_VALID)
        ready |= RF_POLLPRI;
    return ready;
}

/* tcp_poll */
static uint32_t tcp_poll(struct rf_kernel *k, struct rf_socket *s, struct rf_poll_request *request)
{
    (void)k;
    struct rf_inet_socket *i = rf_inet_of(s);
    uint32_t ready = 0;
    rf_poll_add(request, &s->readable);
    rf_poll_add(request, &s->writable);
    if (i->entry.state == RF_TCP_LISTEN)
        return i->tcp->ready_first ? RF_POLLIN | RF_POLLRDNORM : 0;
    if ((i->no_reading && i->no_writing) || i->entry.state == RF_TCP_CLOSE)
        ready |= RF_POLLHUP;
    if (i->no_reading)
        ready |= RF_POLLIN | RF_POLLRDNORM | RF_POLLRDHUP;
    if (i->entry.state != RF_TCP_SYN_SENT)
        ready |= poll_connection(i);
    if (s->error || i->errors)
        ready |= RF_POLLERR;
    return ready;
}

/* --- ioctls --- */

static int64_t tcp_ioctl(struct rf_kernel *k, struct rf_socket *s, uint32_t command, uint64_t argument)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    const struct rf_tcp *t = i->tcp;
    int64_t number;
    switch (command) {
    case RF_SIOCINQ: number = rf_tcp_unread(i); break;
    case RF_SIOCATMARK: number = t->urgent && t->urgent_at == t->read_at; break;
    case RF_SIOCOUTQ:
    case RF_SIOCOUTQNSD: number = i->entry.state == RF_TCP_LISTEN ? -RF_EINVAL : (int64_t)t->out.bytes; break;
    default: return -RF_ENOTTY;
    }
    int32_t out = (int32_t)number;
    return number < 0 ? number : RF_PUT_USER(k, argument, out);
}

/* tcp_set_rcvlowat: the buffer must be able to hold as much. */
static void low_water_changed(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_socket_options *o = &i->entry.socket->options;
    if (o->receive_low_water > RF_SOCKET_BUFFER_MOST / 2)
        o->receive_low_water = RF_SOCKET_BUFFER_MOST / 2;
    if (!i->tcp->receive_locked && o->receive_buffer < 2 * o->receive_low_water)
        o->receive_buffer = 2 * o->receive_low_water;
    rf_socket_readable(k, i->entry.socket);
}

/* Buffers that were set stay as they are; the peer may have more room, or its writers less to wait for. */
static void options_changed(struct rf_kernel *k, struct rf_socket *s, int name)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    if (name == RF_SO_SNDBUF || name == RF_SO_SNDBUFFORCE) {
        i->tcp->send_locked = true;
        if (rf_tcp_is_writable(i))
            rf_socket_writable(k, s);
    } else if (name == RF_SO_RCVBUF || name == RF_SO_RCVBUFFORCE) {
        i->tcp->receive_locked = true;
        rf_tcp_window_opened(k, i);
    } else if (name == RF_SO_RCVLOWAT) {
        low_water_changed(k, i);
    }
}

const struct rf_socket_ops rf_tcp_ops = {
    .bind = rf_inet_bind,
    .connect = rf_tcp_connect,
    .listen = rf_tcp_listen,
    .accept = rf_tcp_accept,
    .getname = rf_inet_getname,
    .shutdown = rf_tcp_shutdown,
    .send = rf_tcp_send,
    .receive = rf_tcp_receive,
    .poll = tcp_poll,
    .ioctl = tcp_ioctl,
    .setsockopt = rf_tcp_setsockopt,
    .getsockopt = rf_tcp_getsockopt,
    .changed = options_changed,
    .release = rf_tcp_release,
    .destroy = destroy,
};

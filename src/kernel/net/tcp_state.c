/* How TCP connections end: FIN, RST, TIME_WAIT, shutdown, close. */
#include "kernel/net/tcp.h"

#include <string.h>

#define MOST_WAITING 16384u /* net.ipv4.tcp_max_tw_buckets */

void rf_tcp_wake(struct rf_kernel *k, struct rf_inet_socket *i)
{
    rf_wake(k, &i->entry.socket->readable);
    rf_wake(k, &i->entry.socket->writable);
}

/* --- TIME_WAIT --- */

static void arm_waits(struct rf_kernel *k);

static void drop_first_wait(struct rf_kernel *k)
{
    struct rf_inet *net = k->net->inet;
    struct rf_tcp_wait *w = net->wait_first;
    net->wait_first = w->next;
    if (!w->next)
        net->wait_last = NULL;
    net->waiting--;
    rf_inet_drop_port(k, &w->entry);
    rf_kfree(k, w);
}

static void waits_expire(struct rf_kernel *k, void *owner)
{
    struct rf_inet *net = owner;
    uint64_t now = rf_clock_monotonic(k);
    while (net->wait_first && net->wait_first->expires <= now)
        drop_first_wait(k);
    arm_waits(k);
}

static void arm_waits(struct rf_kernel *k)
{
    struct rf_inet *net = k->net->inet;
    net->wait_timer.fire = waits_expire;
    net->wait_timer.owner = net;
    if (net->wait_first)
        rf_timer_start(k, &net->wait_timer, net->wait_first->expires);
}

/* tcp_time_wait: the names stay taken for a minute; without memory, or with too many, they do not. */
static void begin_wait(struct rf_kernel *k, const struct rf_inet_socket *i)
{
    struct rf_inet *net = k->net->inet;
    struct rf_tcp_wait *w = net->waiting < MOST_WAITING ? rf_kalloc(k, sizeof *w) : NULL;
    if (!w)
        return;
    const struct rf_socket *s = i->entry.socket;
    w->entry = i->entry;
    w->entry.link = NULL;
    w->entry.next = NULL;
    w->entry.socket = NULL;
    w->entry.state = RF_TCP_TIME_WAIT;
    w->entry.reuse_address = s->options.reuse_address;
    w->entry.reuse_port = s->options.reuse_port;
    w->expires = rf_clock_monotonic(k) + RF_TCP_FIN_TIMEOUT;
    rf_inet_hold_port(k, &w->entry);
    *(net->wait_last ? &net->wait_last->next : &net->wait_first) = w;
    net->wait_last = w;
    if (net->waiting++ == 0)
        arm_waits(k);
}

static void time_wait(struct rf_kernel *k, struct rf_inet_socket *i)
{
    begin_wait(k, i);
    rf_tcp_done(k, i);
}

/* --- the end --- */

static void leave_orphans(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_inet_socket **link = &k->net->inet->orphans;
    while (*link && *link != i)
        link = &(*link)->next_orphan;
    if (*link)
        *link = i->next_orphan;
    i->tcp->is_orphan = false;
    rf_socket_put(k, i->entry.socket);
}

/* The protocol has nothing more to do with it (tcp_done). What has come can still be read. */
void rf_tcp_done(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_tcp *t = i->tcp;
    struct rf_socket *s = i->entry.socket;
    rf_socket_get(s);
    i->entry.state = RF_TCP_CLOSE;
    i->no_reading = i->no_writing = true;
    if (t->peer && t->peer->tcp->peer == i)
        t->peer->tcp->peer = NULL;
    t->peer = NULL;
    rf_tcp_purge(k, &t->out);
    rf_timer_stop(k, &t->timer);
    rf_timer_stop(k, &t->cork_timer);
    if (!i->port_given)
        rf_inet_drop_port(k, &i->entry);
    rf_tcp_end_deferral(k, i);
    rf_tcp_wake(k, i);
    if (t->is_orphan)
        leave_orphans(k, i);
    rf_socket_put(k, s);
}

/* tcp_reset */
void rf_tcp_got_reset(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_socket *s = i->entry.socket;
    if (i->entry.state == RF_TCP_CLOSE)
        return;
    s->error = i->entry.state == RF_TCP_SYN_SENT ? RF_ECONNREFUSED
               : i->entry.state == RF_TCP_CLOSE_WAIT ? RF_EPIPE : RF_ECONNRESET;
    rf_socket_get(s);
    rf_tcp_done(k, i);
    rf_socket_fail(k, s, s->error);
    rf_socket_put(k, s);
}

void rf_tcp_send_reset(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_inet_socket *to = i->tcp->peer;
    i->tcp->peer = NULL;
    if (!to || to == i)
        return;
    to->tcp->peer = NULL;
    rf_tcp_got_reset(k, to);
}

/* --- FIN --- */

static void fin_wait2_expires(struct rf_kernel *k, void *owner)
{
    rf_tcp_done(k, owner);
}

/* Nobody has a descriptor, and the other side has all that was sent: it has a minute to close, too. */
static void begin_fin_wait2(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_tcp *t = i->tcp;
    if (!t->is_orphan)
        return;
    int32_t linger2 = t->options.linger2;
    if (linger2 < 0) {
        rf_tcp_send_reset(k, i);
        rf_tcp_done(k, i);
        return;
    }
    t->timer.fire = fin_wait2_expires;
    t->timer.owner = i;
    uint64_t time = linger2 ? (uint64_t)linger2 * RF_TCP_SECOND : RF_TCP_FIN_TIMEOUT;
    rf_timer_start(k, &t->timer, rf_clock_monotonic(k) + time);
}

/* tcp_fin: the other side will send no more. */
static void got_fin(struct rf_kernel *k, struct rf_inet_socket *i)
{
    i->no_reading = true;
    i->tcp->done = true;
    i->tcp->segments_in++;
    rf_tcp_end_deferral(k, i);
    switch (i->entry.state) {
    case RF_TCP_SYN_RECV:
    case RF_TCP_ESTABLISHED: i->entry.state = RF_TCP_CLOSE_WAIT; break;
    case RF_TCP_FIN_WAIT1: i->entry.state = RF_TCP_CLOSING; break;
    case RF_TCP_FIN_WAIT2: time_wait(k, i); return;
    default: break;
    }
    rf_tcp_wake(k, i);
}

/* All data have gone before it. The other side has it, and says so. */
void rf_tcp_send_fin(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_tcp *t = i->tcp;
    t->fin_sent = true;
    t->segments_out++;
    if (!t->peer) {
        rf_tcp_got_reset(k, i);
        return;
    }
    got_fin(k, t->peer);
    switch (i->entry.state) {
    case RF_TCP_FIN_WAIT1:
        i->entry.state = RF_TCP_FIN_WAIT2;
        rf_tcp_wake(k, i);
        begin_fin_wait2(k, i);
        break;
    case RF_TCP_CLOSING: time_wait(k, i); break;
    case RF_TCP_LAST_ACK: rf_tcp_done(k, i); break;
    default: break;
    }
}

/* tcp_close_state: what closing one's own direction makes of a state. True: a FIN is to be sent. */
static bool close_state(struct rf_inet_socket *i)
{
    switch (i->entry.state) {
    case RF_TCP_ESTABLISHED:
    case RF_TCP_SYN_RECV: i->entry.state = RF_TCP_FIN_WAIT1; return true;
    case RF_TCP_CLOSE_WAIT: i->entry.state = RF_TCP_LAST_ACK; return true;
    default: return false;
    }
}

static void close_writing(struct rf_kernel *k, struct rf_inet_socket *i)
{
    if (!close_state(i))
        return;
    i->tcp->fin_queued = true;
    rf_tcp_output(k, i, true);
}

/* --- connect(2) with AF_UNSPEC, shutdown(2) of listeners, SO_LINGER with 0 --- */

/* tcp_disconnect: as if it were new, but for a port and address that were bound. */
void rf_tcp_disconnect(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_inet_entry *e = &i->entry;
    struct rf_tcp *t = i->tcp;
    struct rf_socket *s = e->socket;
    bool resets = rf_tcp_is_in(i, 1u << RF_TCP_ESTABLISHED | 1u << RF_TCP_CLOSE_WAIT | 1u << RF_TCP_FIN_WAIT1 |
                                      1u << RF_TCP_FIN_WAIT2 | 1u << RF_TCP_SYN_RECV);
    rf_socket_get(s);
    if (e->state == RF_TCP_LISTEN)
        rf_tcp_listen_stop(k, i);
    if (resets)
        rf_tcp_send_reset(k, i);
    if (resets || e->state == RF_TCP_SYN_SENT)
        s->error = RF_ECONNRESET;
    if (e->state != RF_TCP_CLOSE)
        rf_tcp_done(k, i);
    rf_inet_set_any(e->peer.address, !e->v6);
    e->peer.port = 0;
    if (!i->address_given)
        rf_inet_set_any(e->local.address, !e->v6);
    if (!i->port_given)
        rf_inet_drop_port(k, e);
    rf_tcp_purge(k, &t->in);
    i->no_reading = i->no_writing = false;
    t->done = t->fin_queued = t->fin_sent = t->more = t->urgent_out = false;
    t->urgent = RF_TCP_URGENT_NONE;
    t->read_at = t->sent_at = 0;
    rf_socket_put(k, s);
}

int64_t rf_tcp_shutdown(struct rf_kernel *k, struct rf_socket *s, bool reading, bool writing)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    int64_t result = 0;
    if (i->tcp->phase == RF_TCP_CONNECTING &&
        !rf_tcp_is_in(i, 1u << RF_TCP_SYN_SENT | 1u << RF_TCP_SYN_RECV | 1u << RF_TCP_CLOSE))
        i->tcp->phase = RF_TCP_CONNECTED;
    switch (i->entry.state) {
    case RF_TCP_LISTEN:
        if (!reading)
            break;
        rf_tcp_disconnect(k, i);
        i->tcp->phase = RF_TCP_UNCONNECTED;
        break;
    case RF_TCP_SYN_SENT:
        rf_tcp_disconnect(k, i);
        i->tcp->phase = RF_TCP_UNCONNECTED;
        break;
    case RF_TCP_CLOSE: result = -RF_ENOTCONN; /* fall through */
    default:
        i->no_reading |= reading;
        i->no_writing |= writing;
        if (writing)
            close_writing(k, i);
        break;
    }
    rf_tcp_wake(k, i);
    return result;
}

/* --- close(2) --- */

void rf_tcp_abort_embryo(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_socket *s = i->entry.socket;
    i->tcp->listener = NULL;
    rf_tcp_send_reset(k, i);
    if (i->entry.state != RF_TCP_CLOSE)
        rf_tcp_done(k, i);
    rf_socket_put(k, s);
}

/* tcp_close */
void rf_tcp_release(struct rf_kernel *k, struct rf_socket *s)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    struct rf_tcp *t = i->tcp;
    bool unread = t->in.bytes > 0;
    i->no_reading = i->no_writing = true;
    if (i->entry.state == RF_TCP_LISTEN) {
        rf_tcp_listen_stop(k, i);
        i->entry.state = RF_TCP_CLOSE;
    }
    rf_tcp_purge(k, &t->in);
    bool aborts = unread || (s->options.linger && s->options.linger_seconds == 0);
    if (i->entry.state == RF_TCP_SYN_SENT || (aborts && i->entry.state != RF_TCP_CLOSE)) {
        rf_tcp_send_reset(k, i);
        rf_tcp_done(k, i);
    }
    if (i->entry.state == RF_TCP_CLOSE) {
        rf_inet_drop_port(k, &i->entry);
        return;
    }
    rf_socket_get(s); /* as long as it has something to say, or to hear */
    t->is_orphan = true;
    i->next_orphan = k->net->inet->orphans;
    k->net->inet->orphans = i;
    bool waits = i->entry.state == RF_TCP_FIN_WAIT2;
    i->port_given = false;
    close_writing(k, i);
    if (waits)
        begin_fin_wait2(k, i);
}

void rf_tcp_end(struct rf_kernel *k)
{
    struct rf_inet *net = k->net->inet;
    while (net->orphans)
        rf_tcp_done(k, net->orphans);
    while (net->wait_first)
        drop_first_wait(k);
    rf_timer_stop(k, &net->wait_timer);
}

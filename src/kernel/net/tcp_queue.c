/* Bytes of TCP connections: in chunks, from the sender's queue to the receiver's as its window allows. */
#include "kernel/net/tcp.h"

#include "kernel/signal/signal.h"

#include <string.h>

#define LEAST_ROOM 1024u     /* small writes share a chunk */
#define CORK_NS UINT64_C(200000000) /* tcp(7): "a 200 millisecond ceiling" */

struct rf_tcp_chunk *rf_tcp_chunk_new(struct rf_kernel *k, uint32_t size)
{
    uint32_t room = size < LEAST_ROOM ? LEAST_ROOM : size;
    struct rf_tcp_chunk *c = rf_inet_may_queue(k, room) ? rf_kalloc(k, sizeof *c + room) : NULL;
    if (!c)
        return NULL;
    c->room = room;
    k->net->inet->memory += room;
    return c;
}

void rf_tcp_chunk_free(struct rf_kernel *k, struct rf_tcp_chunk *c)
{
    k->net->inet->memory -= c->room;
    rf_kfree(k, c);
}

/* A small one goes into what is left of the last. */
void rf_tcp_append(struct rf_kernel *k, struct rf_tcp_queue *q, struct rf_tcp_chunk *c)
{
    uint32_t size = c->end - c->start;
    q->bytes += size;
    if (q->last && size <= q->last->room - q->last->end && size < LEAST_ROOM) {
        memcpy(q->last->bytes + q->last->end, c->bytes + c->start, size);
        q->last->end += size;
        rf_tcp_chunk_free(k, c);
        return;
    }
    c->next = NULL;
    *(q->last ? &q->last->next : &q->first) = c;
    q->last = c;
}

static struct rf_tcp_chunk *take_first(struct rf_tcp_queue *q)
{
    struct rf_tcp_chunk *c = q->first;
    q->first = c->next;
    if (!c->next)
        q->last = NULL;
    q->bytes -= c->end - c->start;
    return c;
}

void rf_tcp_drop(struct rf_kernel *k, struct rf_tcp_queue *q, uint64_t bytes)
{
    while (bytes && q->first) {
        struct rf_tcp_chunk *c = q->first;
        uint32_t size = c->end - c->start;
        if (bytes < size) {
            c->start += (uint32_t)bytes;
            q->bytes -= bytes;
            return;
        }
        bytes -= size;
        rf_tcp_chunk_free(k, take_first(q));
    }
}

void rf_tcp_purge(struct rf_kernel *k, struct rf_tcp_queue *q)
{
    while (q->first)
        rf_tcp_chunk_free(k, take_first(q));
}

/* The part of the buffer that a window offers; the rest is what Linux would need for its own structures. */
static uint64_t window_of(const struct rf_inet_socket *i)
{
    uint64_t buffer = i->entry.socket->options.receive_buffer;
    return buffer - buffer / 8;
}

uint64_t rf_tcp_room(const struct rf_inet_socket *i)
{
    uint64_t window = window_of(i), used = i->tcp->in.bytes;
    return used < window ? window - used : 0;
}

/* A chunk of at most `most` bytes from the front of the queue. NULL: no memory. */
static struct rf_tcp_chunk *take(struct rf_kernel *k, struct rf_tcp_queue *q, uint64_t most)
{
    struct rf_tcp_chunk *first = q->first;
    if (first->end - first->start <= most)
        return take_first(q);
    struct rf_tcp_chunk *c = rf_tcp_chunk_new(k, (uint32_t)most);
    if (!c)
        return NULL;
    memcpy(c->bytes, first->bytes + first->start, most);
    c->end = (uint32_t)most;
    rf_tcp_drop(k, q, most);
    return c;
}

/* tcp_check_urg, tcp_urg: the byte at position `at` is urgent and has come. */
static void urgent_arrives(struct rf_kernel *k, struct rf_inet_socket *to, uint64_t at, uint8_t byte)
{
    struct rf_tcp *t = to->tcp;
    struct rf_socket *s = to->entry.socket;
    /* an older one that nobody has fetched, and that is next to be read, is lost */
    if (t->urgent && t->urgent_at == t->read_at && !s->options.oob_inline && t->in.bytes > 1) {
        rf_tcp_drop(k, &t->in, 1);
        t->read_at++;
    }
    t->urgent = RF_TCP_URGENT_VALID;
    t->urgent_at = at;
    t->urgent_byte = byte;
    rf_wake_for(k, &s->readable, RF_POLLPRI | RF_POLLIN | RF_POLLRDNORM);
}

static void move_chunk(struct rf_kernel *k, struct rf_inet_socket *from, struct rf_inet_socket *to,
                       struct rf_tcp_chunk *c)
{
    struct rf_tcp *t = from->tcp;
    uint32_t size = c->end - c->start;
    uint64_t at = t->sent_at;
    t->sent_at += size;
    bool urgent = t->urgent_out && t->urgent_out_at >= at && t->urgent_out_at < t->sent_at;
    uint8_t byte = urgent ? c->bytes[c->start + (t->urgent_out_at - at)] : 0;
    t->segments_out++;
    t->data_out++;
    k->net->inet->packets_moved++;
    k->net->inet->bytes_moved += size + 66; /* with the headers */
    to->tcp->segments_in++;
    to->tcp->data_in++;
    rf_tcp_append(k, &to->tcp->in, c);
    if (!urgent)
        return;
    t->urgent_out = false;
    urgent_arrives(k, to, t->urgent_out_at, byte);
}

static void cork_expired(struct rf_kernel *k, void *owner)
{
    struct rf_inet_socket *i = owner;
    i->tcp->more = false;
    rf_tcp_output(k, i, true);
}

/* Is the rest too little to be sent now? */
static bool holds_back(struct rf_kernel *k, struct rf_inet_socket *i, bool push)
{
    struct rf_tcp *t = i->tcp;
    if (push || t->fin_queued || !rf_tcp_is_corked(i) || t->out.bytes >= RF_TCP_MSS)
        return false;
    if (!t->cork_timer.active) {
        t->cork_timer.fire = cork_expired;
        t->cork_timer.owner = i;
        rf_timer_start(k, &t->cork_timer, rf_clock_monotonic(k) + CORK_NS);
    }
    return true;
}

/* Nobody will read it: the other side is gone, or has closed its descriptor (TCPABORTONDATA). */
static bool is_unwanted(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_inet_socket *to = i->tcp->peer;
    if (!to) {
        rf_tcp_got_reset(k, i);
        return true;
    }
    bool closed = to->no_reading && rf_tcp_is_in(to, 1u << RF_TCP_FIN_WAIT1 | 1u << RF_TCP_FIN_WAIT2);
    if (!to->tcp->is_orphan && !closed)
        return false;
    i->tcp->peer = NULL;
    to->tcp->peer = NULL;
    rf_tcp_got_reset(k, to);
    rf_tcp_got_reset(k, i);
    return true;
}

static void move_all(struct rf_kernel *k, struct rf_inet_socket *i, bool push)
{
    struct rf_tcp *t = i->tcp;
    bool moved = false;
    while (t->out.bytes && !holds_back(k, i, push)) {
        if (is_unwanted(k, i))
            return;
        struct rf_inet_socket *to = t->peer;
        uint64_t room = rf_tcp_room(to);
        struct rf_tcp_chunk *c = room ? take(k, &t->out, room) : NULL;
        if (!c)
            break;
        move_chunk(k, i, to, c);
        moved = true;
    }
    if (!moved)
        return;
    t->last_sent = t->peer->tcp->last_received = rf_clock_monotonic(k);
    rf_tcp_end_deferral(k, t->peer);
    rf_socket_readable(k, t->peer->entry.socket);
    if (t->full && rf_tcp_is_writable(i)) {
        t->full = false;
        rf_socket_writable(k, i->entry.socket);
    }
}

void rf_tcp_output(struct rf_kernel *k, struct rf_inet_socket *i, bool push)
{
    struct rf_tcp *t = i->tcp;
    struct rf_socket *s = i->entry.socket;
    if (!rf_tcp_is_in(i, 1u << RF_TCP_ESTABLISHED | 1u << RF_TCP_CLOSE_WAIT | 1u << RF_TCP_FIN_WAIT1 |
                             1u << RF_TCP_CLOSING | 1u << RF_TCP_LAST_ACK))
        return;
    rf_socket_get(s); /* the end of the connection may be that of an orphan */
    move_all(k, i, push);
    if (t->out.bytes == 0) {
        rf_timer_stop(k, &t->cork_timer);
        if (t->fin_queued && !t->fin_sent && i->entry.state != RF_TCP_CLOSE)
            rf_tcp_send_fin(k, i);
    }
    rf_socket_put(k, s);
}

/* As Linux, not for each byte: when half of the window is free again, or nothing is left to read. */
void rf_tcp_window_opened(struct rf_kernel *k, struct rf_inet_socket *i)
{
    struct rf_inet_socket *from = i->tcp->peer;
    if (from && (from->tcp->out.bytes || from->tcp->fin_queued) && (rf_tcp_room(i) * 2 >= window_of(i)))
        rf_tcp_output(k, from, false);
}

/* TCP (tcp(7)): what its files share.
 *
 * A connection is two sockets that know each other. What one sends lies in its queue `out` until the other's window
 * takes it into `in`: that is when Linux would have an acknowledgement. FIN and RST take effect on both sides at once.
 * tcp.c: polling, ioctls, the table; tcp_queue.c: bytes; tcp_state.c: FIN, RST, TIME_WAIT, closing; tcp_connect.c:
 * connect, listen, accept; tcp_send.c, tcp_receive.c; tcp_option.c. */
#ifndef RF_KERNEL_NET_TCP_H
#define RF_KERNEL_NET_TCP_H

#include "kernel/net/inet.h"

#define RF_TCP_MSS 32741u        /* over lo: half of the first window, less the timestamp option */
#define RF_TCP_MSS_OFFERED 65483u /* 65536 less the headers and the timestamp option */
#define RF_TCP_SECOND UINT64_C(1000000000)
#define RF_TCP_FIN_TIMEOUT (60 * RF_TCP_SECOND)
#define RF_TCP_SEND_AUTO 2626560u /* tcp_sndbuf_expand over lo: 2 * 10 segments and what they cost */

struct rf_tcp_chunk {
    struct rf_tcp_chunk *next;
    uint32_t start, end, room;
    uint8_t bytes[];
};
struct rf_tcp_queue {
    struct rf_tcp_chunk *first, *last;
    uint64_t bytes;
};

enum rf_tcp_phase { RF_TCP_UNCONNECTED, RF_TCP_CONNECTING, RF_TCP_CONNECTED }; /* SS_* */
enum rf_tcp_urgent { RF_TCP_URGENT_NONE, RF_TCP_URGENT_VALID, RF_TCP_URGENT_READ };

struct rf_tcp_options {
    int32_t keep_idle, keep_interval, keep_count, syn_count, linger2, defer_accept, window_clamp, user_timeout,
        fast_open, not_sent_low_water, max_segment, thin, tx_delay, save_syn;
    bool no_delay, cork, quick_ack, fast_open_connect, fast_open_no_cookie, inq;
    char congestion[16];
};

struct rf_tcp {
    struct rf_inet_socket *peer;
    enum rf_tcp_phase phase;
    struct rf_tcp_queue in, out;
    uint64_t read_at, sent_at;   /* bytes taken from `in`, and moved out of `out`, so far */
    bool fin_queued, fin_sent, done; /* done: SOCK_DONE, the other's FIN has come */
    bool is_orphan;
    bool send_locked, receive_locked; /* SO_SNDBUF, SO_RCVBUF were set */
    bool more;                   /* MSG_MORE was given last */
    bool full;                   /* a writer or poll found no room */
    /* urgent data: as a receiver, where the byte is in `in`'s sequence; as a sender, in that of `out` */
    enum rf_tcp_urgent urgent;
    uint8_t urgent_byte;
    uint64_t urgent_at, urgent_out_at;
    bool urgent_out;
    /* while listening, and while in a listener's queue */
    struct rf_inet_socket *listener, *next_ready;
    struct rf_inet_socket *ready_first, *ready_last, *deferred;
    uint32_t ready, backlog;
    struct rf_timer timer;       /* SYN again, or the end of FIN_WAIT2 or TCP_DEFER_ACCEPT */
    struct rf_timer cork_timer;
    uint32_t tries;
    uint64_t segments_in, segments_out, data_in, data_out, last_sent, last_received;
    struct rf_tcp_options options;
};

/* What is left of a connection whose FIN came last from the other side: the names, for a minute. */
struct rf_tcp_wait {
    struct rf_inet_entry entry;
    struct rf_tcp_wait *next;
    uint64_t expires;
};

RF_INLINE bool rf_tcp_is_corked(const struct rf_inet_socket *i)
{
    return i->tcp->options.cork || i->tcp->more;
}
/* sk_stream_is_writeable */
RF_INLINE bool rf_tcp_is_writable(const struct rf_inet_socket *i)
{
    uint64_t queued = i->tcp->out.bytes, low = (uint32_t)i->tcp->options.not_sent_low_water;
    return queued * 3 <= (uint64_t)i->entry.socket->options.send_buffer * 2 && (low == 0 || queued < low);
}
RF_INLINE bool rf_tcp_is_in(const struct rf_inet_socket *i, uint32_t states) /* bits 1 << RF_TCP_* */
{
    return states >> i->entry.state & 1;
}

/* --- tcp_queue.c --- */
struct rf_tcp_chunk *rf_tcp_chunk_new(struct rf_kernel *k, uint32_t size);
void rf_tcp_chunk_free(struct rf_kernel *k, struct rf_tcp_chunk *c);
void rf_tcp_append(struct rf_kernel *k, struct rf_tcp_queue *q, struct rf_tcp_chunk *c);
void rf_tcp_drop(struct rf_kernel *k, struct rf_tcp_queue *q, uint64_t bytes); /* from the front */
void rf_tcp_purge(struct rf_kernel *k, struct rf_tcp_queue *q);
/* Move what the other side has room for; then the FIN. push: also what TCP_CORK holds back. */
void rf_tcp_output(struct rf_kernel *k, struct rf_inet_socket *i, bool push);
/* The reader has taken bytes: the other side may go on. */
void rf_tcp_window_opened(struct rf_kernel *k, struct rf_inet_socket *i);
uint64_t rf_tcp_room(const struct rf_inet_socket *i);

/* --- tcp_state.c --- */
void rf_tcp_wake(struct rf_kernel *k, struct rf_inet_socket *i); /* its state has changed */
void rf_tcp_done(struct rf_kernel *k, struct rf_inet_socket *i);
void rf_tcp_got_reset(struct rf_kernel *k, struct rf_inet_socket *i);
void rf_tcp_send_reset(struct rf_kernel *k, struct rf_inet_socket *i);
void rf_tcp_send_fin(struct rf_kernel *k, struct rf_inet_socket *i);
void rf_tcp_disconnect(struct rf_kernel *k, struct rf_inet_socket *i);
int64_t rf_tcp_shutdown(struct rf_kernel *k, struct rf_socket *s, bool reading, bool writing);
void rf_tcp_release(struct rf_kernel *k, struct rf_socket *s);
/* Nobody accepts it any more. */
void rf_tcp_abort_embryo(struct rf_kernel *k, struct rf_inet_socket *i);

/* --- tcp_connect.c --- */
int64_t rf_tcp_connect(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address,
                       bool nonblock);
int64_t rf_tcp_listen(struct rf_kernel *k, struct rf_socket *s, int backlog);
int64_t rf_tcp_accept(struct rf_kernel *k, struct rf_socket *s, bool nonblock, struct rf_socket **out);
void rf_tcp_listen_stop(struct rf_kernel *k, struct rf_inet_socket *i);
/* TCP_DEFER_ACCEPT: something has come, so it may be accepted. */
void rf_tcp_end_deferral(struct rf_kernel *k, struct rf_inet_socket *i);

/* --- tcp_send.c, tcp_receive.c, tcp_option.c --- */
int64_t rf_tcp_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
int64_t rf_tcp_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
/* SIOCINQ */
int64_t rf_tcp_unread(const struct rf_inet_socket *i);
void rf_tcp_default_options(struct rf_tcp_options *o);
int64_t rf_tcp_setsockopt(struct rf_kernel *k, struct rf_socket *s, int level, int name, const void *value,
                          uint32_t size);
int64_t rf_tcp_getsockopt(struct rf_kernel *k, struct rf_socket *s, int level, int name, void *value, uint32_t *size);

#endif

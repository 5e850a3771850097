/* AF_UNIX (unix(7)): what its files share.
 *
 * A socket's queue holds packets: what was sent to it, or, while it listens, the sockets that connecting ones have
 * been joined to. A packet counts against its sender's buffer with the size that Linux would give it (unix_packet.c).
 * unix.c makes and ends sockets, unix_name.c names them, unix_connect.c joins them, unix_stream.c and
 * unix_datagram.c move bytes, unix_garbage.c finds sockets that only lie in one another's queues. */
#ifndef RF_KERNEL_NET_UNIX_H
#define RF_KERNEL_NET_UNIX_H

#include "kernel/net/socket.h"

#define RF_UNIX_MOST_DATAGRAMS 10 /* net.unix.max_dgram_qlen */

enum rf_unix_state { RF_UNIX_CLOSED, RF_UNIX_LISTENING, RF_UNIX_ESTABLISHED };

struct rf_unix_packet {
    struct rf_unix_packet *next;
    struct rf_unix_socket *sender; /* its socket is referenced, and charged */
    struct rf_unix_socket *embryo; /* in a listener's queue: who waits to be accepted, referenced */
    uint32_t charge;
    uint32_t length, consumed; /* consumed: a stream's reader has taken so much */
    struct rf_socket_credentials credentials;
    bool has_credentials;
    bool peeked;
    struct rf_file **files; /* counted */
    uint32_t file_count, file_uid; /* whose RLIMIT_NOFILE they count against */
    uint8_t bytes[];
};

/* A name that is shared by a listener and those it has accepted. */
struct rf_unix_name {
    uint32_t references;
    struct rf_socket_address address;
};

struct rf_unix_socket {
    struct rf_socket *socket;
    struct rf_unix_socket *next; /* of all */
    enum rf_unix_state state;
    bool no_reading, no_writing; /* RCV_SHUTDOWN, SEND_SHUTDOWN */
    bool dead;
    bool wants_peer_room;        /* a poll found the peer's queue full */
    struct rf_unix_name *name;   /* NULL: none */
    bool bound;                  /* it is the one that is found by that name */
    struct rf_dentry *place;     /* of a path name, referenced */
    struct rf_unix_socket *peer; /* its socket is referenced */
    struct rf_unix_packet *first, *last;
    uint32_t queued;             /* packets */
    uint32_t backlog;            /* one less than how many may lie in the queue before others wait */
    uint64_t charged;            /* by packets that it has sent and nobody has taken */
    struct rf_wait_queue room;   /* those who wait for room in the queue */
    /* while garbage is looked for */
    struct rf_unix_socket *listener, *next_alive;
    struct rf_file *file;
    uint32_t in_flight;
    bool alive;
};

struct rf_unix {
    struct rf_unix_socket *sockets;
    uint64_t files_in_flight;
    uint32_t next_autobind;
    bool collecting;
};

RF_INLINE struct rf_unix_socket *rf_unix_of(const struct rf_socket *s)
{
    return s->data;
}
RF_INLINE bool rf_unix_is_connected_kind(const struct rf_unix_socket *u)
{
    return u->socket->type != RF_SOCK_DGRAM;
}
/* unix_recvq_full */
RF_INLINE bool rf_unix_is_full(const struct rf_unix_socket *u)
{
    return u->queued > u->backlog;
}
/* unix_writable */
RF_INLINE bool rf_unix_is_writable(const struct rf_unix_socket *u)
{
    return u->state != RF_UNIX_LISTENING && (u->charged + 1) * 4 <= u->socket->options.send_buffer;
}

/* --- unix.c --- */
/* What became of a socket, for all who wait or watch. */
void rf_unix_changed(struct rf_kernel *k, struct rf_unix_socket *u);
void rf_unix_set_peer(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_unix_socket *peer);
/* No descriptor is left, or nobody accepts it any more. */
void rf_unix_end(struct rf_kernel *k, struct rf_unix_socket *u, bool embryo);
/* Those who wait for room in the queue of u go on. */
void rf_unix_room(struct rf_kernel *k, struct rf_unix_socket *u);

/* --- unix_name.c --- */
int64_t rf_unix_bind(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address);
/* Its length and family. */
int64_t rf_unix_check_address(const struct rf_socket_address *address);
int64_t rf_unix_autobind(struct rf_kernel *k, struct rf_unix_socket *u);
/* The socket that has this name: with a reference. -RF_ECONNREFUSED, -RF_EPROTOTYPE, or the path's errors. */
int64_t rf_unix_find(struct rf_kernel *k, const struct rf_socket_address *address, int type, struct rf_unix_socket **out);
void rf_unix_forget_name(struct rf_kernel *k, struct rf_unix_socket *u);
void rf_unix_name_put(struct rf_kernel *k, struct rf_unix_name *name);
/* Length 0 if it has none. */
void rf_unix_copy_name(const struct rf_unix_socket *u, struct rf_socket_address *out);
int64_t rf_unix_getname(struct rf_kernel *k, struct rf_socket *s, bool peer, struct rf_socket_address *out);

/* --- unix_connect.c --- */
int64_t rf_unix_stream_connect(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address, bool nonblock);
int64_t rf_unix_listen(struct rf_kernel *k, struct rf_socket *s, int backlog);
int64_t rf_unix_accept(struct rf_kernel *k, struct rf_socket *s, bool nonblock, struct rf_socket **out);
int64_t rf_unix_pair(struct rf_kernel *k, struct rf_socket *a, struct rf_socket *b);
int64_t rf_unix_shutdown(struct rf_kernel *k, struct rf_socket *s, bool reading, bool writing);

/* --- unix_packet.c --- */
/* Room in the sender's buffer: 0, an error, or RF_BLOCKED. */
int64_t rf_unix_wait_for_room(struct rf_kernel *k, struct rf_unix_socket *u, bool nonblock);
/* A packet of the next size bytes of data, charged to u. stream: how Linux lays it out. */
int64_t rf_unix_packet_new(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_uio *data, uint32_t size, bool stream,
                           struct rf_unix_packet **out);
/* The control data of a message go with the packet. -RF_ETOOMANYREFS. */
int64_t rf_unix_packet_attach(struct rf_kernel *k, struct rf_unix_packet *p, struct rf_control *control);
/* unix_maybe_add_creds: who sends it, if either side wants to know. */
void rf_unix_packet_sign(struct rf_kernel *k, struct rf_unix_packet *p, const struct rf_unix_socket *to);
void rf_unix_queue(struct rf_unix_socket *to, struct rf_unix_packet *p);
void rf_unix_unlink(struct rf_unix_socket *u, struct rf_unix_packet *p);
void rf_unix_packet_free(struct rf_kernel *k, struct rf_unix_packet *p);
/* Forget all that was sent to u. */
void rf_unix_purge(struct rf_kernel *k, struct rf_unix_socket *u);
/* Its files to the receiver: taken out of the packet, or more references to them. -RF_ENOMEM. */
int64_t rf_unix_give_files(struct rf_kernel *k, struct rf_unix_packet *p, struct rf_control *control, bool peek);

/* --- unix_stream.c, unix_datagram.c --- */
int64_t rf_unix_stream_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
int64_t rf_unix_stream_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
int64_t rf_unix_datagram_connect(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address, bool nonblock);
int64_t rf_unix_datagram_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
int64_t rf_unix_datagram_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
int64_t rf_unix_packets_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
int64_t rf_unix_packets_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
/* Neither side knows the other any more. */
void rf_unix_datagram_disconnected(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_unix_socket *other);
uint32_t rf_unix_datagram_poll(struct rf_kernel *k, struct rf_socket *s, struct rf_poll_request *request);
/* A reader has peeked, or taken, bytes: SO_PEEK_OFF. */
void rf_unix_peek_forward(struct rf_socket *s, uint64_t bytes);
void rf_unix_peek_backward(struct rf_socket *s, uint64_t bytes);

/* --- unix_garbage.c --- */
void rf_unix_collect(struct rf_kernel *k);

#endif

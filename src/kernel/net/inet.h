/* AF_INET and AF_INET6 (ip(7), ipv6(7), tcp(7), udp(7)) on a modelled loopback interface: what their files share.
 *
 * Addresses are 16 bytes, IPv4's as IPv6 maps them (::ffff:127.0.0.1). Who has a port is in a table by port. There
 * are no packets: a datagram goes into its receiver's queue at once; a connection is two TCP sockets that know each
 * other, and what one side does changes the other as the segments would that Linux sends over lo.
 * inet.c: families, making, closing; inet_address.c: addresses and routes; inet_port.c: ports, who conflicts with whom;
 * inet_option.c, inet_option6.c, inet_ioctl.c; inet_error.c: IP_RECVERR; inet_multicast.c: groups; udp*.c; tcp*.c;
 * inet_proc.c. */
#ifndef RF_KERNEL_NET_INET_H
#define RF_KERNEL_NET_INET_H

#include "abi/linux_inet.h"
#include "kernel/net/socket.h"
#include "kernel/task/timer.h"

struct rf_inet_name {
    uint8_t address[16];
    uint16_t port; /* host order */
};

/* Who has a port: a socket, or what is left of a connection for a time (tcp_wait.c). */
struct rf_inet_entry {
    struct rf_inet_entry *next, **link; /* link NULL: in no table */
    struct rf_socket *socket;           /* NULL: TIME_WAIT */
    struct rf_inet_name local, peer;    /* peer.port 0: none */
    enum rf_tcp_state state;            /* UDP: ESTABLISHED while connected */
    bool stream, v6, only6;             /* only6: IPV6_V6ONLY, or bound to an address of IPv6 alone */
    bool accepted;                      /* it came by a listener: never found by connecting ones */
    bool reuse_address, reuse_port;     /* TIME_WAIT: as the socket was set */
    uint32_t uid;
    uint64_t number;                    /* for /proc: order of making */
};

/* What IP_* and IPV6_* options have set. -1: not set. */
struct rf_inet_options {
    int32_t tos, ttl, hops, traffic_class, mtu_discover, mtu_discover6, min_ttl, min_hops;
    int32_t multicast_ttl, multicast_hops, multicast_index, multicast_index6, unicast_index, unicast_index6;
    uint32_t port_range;
    uint8_t multicast_address[4];
    bool header_included, receive_ttl, receive_tos, receive_options, return_options, packet_info, receive_error,
        free_bind, transparent, original_destination, no_fragment, bind_no_port, multicast_loop, multicast_all,
        checksum, router_alert, fragment_size, error_rfc4884;
    bool packet_info6, receive_hops, receive_class, receive_error6, flow_send, hop_options, routing_header,
        destination_options, path_mtu, dont_fragment, auto_flow_label, multicast_loop6, multicast_all6,
        fragment_size6, error_rfc4884_6;
    int32_t address_preferences;
};

struct rf_inet_group { /* a multicast group that a socket has joined */
    struct rf_inet_group *next;
    uint8_t address[16];
    bool v6;
};

struct rf_inet_socket {
    struct rf_inet_entry entry;
    struct rf_inet_socket *next_orphan;
    bool address_given, port_given; /* SOCK_BINDADDR_LOCK, SOCK_BINDPORT_LOCK */
    bool no_reading, no_writing;    /* RCV_SHUTDOWN, SEND_SHUTDOWN */
    struct rf_inet_options options;
    struct rf_inet_group *groups;
    struct rf_inet_error *errors; /* the error queue, oldest first */
    struct rf_udp *udp;           /* one of the two */
    struct rf_tcp *tcp;
};

#define RF_INET_BUCKETS 4096u
struct rf_inet_table {
    struct rf_inet_entry *bucket[RF_INET_BUCKETS];   /* by local port; newest first */
    struct rf_inet_entry *accepted[RF_INET_BUCKETS]; /* the same, of sockets that a listener made */
    uint64_t count;
};
struct rf_inet {
    struct rf_inet_table udp, tcp;
    uint64_t made;                 /* sockets, so far */
    struct rf_inet_socket *orphans; /* connections without a descriptor, by next_orphan */
    uint64_t memory;               /* bytes in all queues */
    uint64_t bytes_moved, packets_moved; /* over lo, for /proc/net/dev */
    struct rf_tcp_wait *wait_first, *wait_last; /* TIME_WAIT, those that end first first */
    uint32_t waiting;
    struct rf_timer wait_timer;
};

RF_INLINE struct rf_inet_socket *rf_inet_of(const struct rf_socket *s)
{
    return s->data;
}
RF_INLINE struct rf_inet_table *rf_inet_table_of(struct rf_kernel *k, const struct rf_inet_entry *e)
{
    return e->stream ? &k->net->inet->tcp : &k->net->inet->udp;
}

/* --- inet_address.c --- */
enum rf_inet_kind { RF_INET_ANY, RF_INET_LOCAL, RF_INET_BROADCAST, RF_INET_MULTICAST, RF_INET_LINK_LOCAL,
                    RF_INET_REMOTE };
extern const uint8_t rf_inet_any6[16], rf_inet_loopback6[16];
bool rf_inet_is_mapped(const uint8_t address[16]);
bool rf_inet_is_any(const uint8_t address[16]); /* :: or ::ffff:0.0.0.0 */
bool rf_inet_is_same(const uint8_t a[16], const uint8_t b[16]);
void rf_inet_set_any(uint8_t address[16], bool mapped);
void rf_inet_set_loopback(uint8_t address[16], bool mapped);
enum rf_inet_kind rf_inet_kind(const uint8_t address[16]);
bool rf_inet_needs_scope(const struct rf_socket_address *address);
/* As the program gave it, once length and family are right. */
void rf_inet_name_from(struct rf_inet_name *out, const struct rf_socket_address *address);
/* As a socket of AF_INET6 or AF_INET shows it. */
void rf_inet_name_to(struct rf_socket_address *out, const struct rf_inet_name *name, bool v6);
/* Which own address speaks with that one. -RF_ENETUNREACH; -RF_EACCES: broadcast, and the socket does not want it. */
int64_t rf_inet_route(const struct rf_inet_socket *i, const uint8_t to[16], uint8_t from[16]);
/* An address that was given as a destination: its length, family, :: and mapped ones. */
int64_t rf_inet_destination(const struct rf_inet_socket *i, const struct rf_socket_address *address,
                            struct rf_inet_name *out);

/* --- inet_port.c --- */
int64_t rf_inet_bind(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address);
/* A port of its own for one that has none. -RF_EADDRINUSE */
int64_t rf_inet_autobind(struct rf_kernel *k, struct rf_inet_socket *i);
/* Its port may be used by a listener. */
bool rf_inet_may_listen(struct rf_kernel *k, struct rf_inet_socket *i);
/* A port for a connection to peer, whose own address is set. -RF_EADDRNOTAVAIL */
int64_t rf_inet_connect_port(struct rf_kernel *k, struct rf_inet_socket *i, const struct rf_inet_name *peer);
void rf_inet_hold_port(struct rf_kernel *k, struct rf_inet_entry *e);
void rf_inet_drop_port(struct rf_kernel *k, struct rf_inet_entry *e);
/* Whom a datagram or SYN from one name to another reaches. NULL: nobody. */
struct rf_inet_socket *rf_inet_find(struct rf_kernel *k, bool stream, const struct rf_inet_name *to,
                                    const struct rf_inet_name *from);
/* Would it reach e, were there no other? UINT32_MAX: no; else how well it fits. */
uint32_t rf_inet_score(const struct rf_inet_entry *e, const struct rf_inet_name *to, const struct rf_inet_name *from);

/* --- inet.c --- */
extern const struct rf_socket_family rf_inet_family, rf_inet6_family;
int64_t rf_inet_getname(struct rf_kernel *k, struct rf_socket *s, bool peer, struct rf_socket_address *out);
/* Family data for a new socket of this kind. NULL: no memory. */
struct rf_inet_socket *rf_inet_new(struct rf_kernel *k, struct rf_socket *s, bool stream, bool v6);
void rf_inet_free(struct rf_kernel *k, struct rf_inet_socket *i);
bool rf_inet_may_queue(struct rf_kernel *k, uint64_t bytes); /* the machine's memory for queues: net.ipv4.tcp_mem */

/* --- inet_option.c, inet_option6.c --- */
void rf_inet_default_options(struct rf_inet_options *o);
/* Integer options' value: what is there of it (do_ip_setsockopt). */
int64_t rf_inet_option_number(const void *value, uint32_t size, int32_t *out);
/* A value into a buffer of *size: cut. */
int64_t rf_inet_give(void *value, uint32_t *size, const void *from, uint32_t full);
int64_t rf_inet_give_number(void *value, uint32_t *size, int32_t number);
int64_t rf_inet_set_ip(struct rf_kernel *k, struct rf_inet_socket *i, int name, const void *value, uint32_t size);
int64_t rf_inet_get_ip(struct rf_kernel *k, struct rf_inet_socket *i, int name, void *value, uint32_t *size);
int64_t rf_inet_set_ipv6(struct rf_kernel *k, struct rf_inet_socket *i, int name, const void *value, uint32_t size);
int64_t rf_inet_get_ipv6(struct rf_kernel *k, struct rf_inet_socket *i, int name, void *value, uint32_t *size);

/* --- inet_multicast.c --- */
int64_t rf_inet_join(struct rf_kernel *k, struct rf_inet_socket *i, const uint8_t group[16], bool v6, bool leave);
void rf_inet_leave_all(struct rf_kernel *k, struct rf_inet_socket *i);
bool rf_inet_has_joined(const struct rf_inet_socket *i, const uint8_t group[16]);
bool rf_inet_anybody_joined(struct rf_kernel *k, const uint8_t group[16]);

/* --- inet_error.c --- */
/* Port unreachable: what became of `size` bytes that were sent to `to`. */
void rf_inet_refused(struct rf_kernel *k, struct rf_inet_socket *i, const struct rf_inet_name *to, const void *data,
                     uint32_t size);
int64_t rf_inet_receive_error(struct rf_kernel *k, struct rf_inet_socket *i, struct rf_message *message);
void rf_inet_forget_errors(struct rf_kernel *k, struct rf_inet_socket *i);

/* --- udp.c --- */
int64_t rf_udp_create(struct rf_kernel *k, struct rf_socket *s, struct rf_inet_socket *i);
void rf_udp_free(struct rf_kernel *k, struct rf_inet_socket *i);
extern const struct rf_socket_ops rf_udp_ops;

/* --- tcp.c --- */
int64_t rf_tcp_create(struct rf_kernel *k, struct rf_socket *s, struct rf_inet_socket *i);
void rf_tcp_free(struct rf_kernel *k, struct rf_inet_socket *i);
extern const struct rf_socket_ops rf_tcp_ops;
/* The machine ends: connections that still had something to say. */
void rf_tcp_end(struct rf_kernel *k);

/* --- inet_proc.c --- (texts of /proc/net: fs/procfs.h) */

#endif

/* UDP: datagrams in queues (udp.c: sockets; udp_send.c; udp_receive.c). */
#ifndef RF_KERNEL_NET_UDP_H
#define RF_KERNEL_NET_UDP_H

#include "kernel/net/inet.h"

#define RF_UDP_MOST4 65507u
#define RF_UDP_MOST6 65527u

struct rf_datagram {
    struct rf_datagram *next;
    struct rf_inet_name from, to;
    uint32_t size, charge; /* charge: what it takes of the receiver's buffer */
    uint64_t time;         /* realtime, ns */
    uint8_t ttl, tos;
    uint8_t bytes[];
};

struct rf_udp {
    struct rf_datagram *first, *last;
    uint64_t charged;
    uint32_t dropped;
    int32_t cork, segment;
    bool receive_whole;             /* UDP_GRO */
    bool no_check6_send, no_check6_receive;
    struct rf_datagram *pending;    /* under UDP_CORK or MSG_MORE: RF_UDP_MOST6 bytes of room */
};

int64_t rf_udp_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
int64_t rf_udp_push_pending(struct rf_kernel *k, struct rf_inet_socket *i);
int64_t rf_udp_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
void rf_udp_drop_first(struct rf_kernel *k, struct rf_inet_socket *i);

#endif

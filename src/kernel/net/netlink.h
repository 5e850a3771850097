/* AF_NETLINK (netlink(7)): datagrams between programs and the kernel (netlink.c: sockets; netlink_route.c: what
 * NETLINK_ROUTE answers). */
#ifndef RF_KERNEL_NET_NETLINK_H
#define RF_KERNEL_NET_NETLINK_H

#include "abi/linux_netlink.h"
#include "kernel/net/socket.h"

struct rf_netlink_packet {
    struct rf_netlink_packet *next;
    uint32_t from, size;
    uint8_t bytes[];
};

struct rf_netlink_socket {
    struct rf_socket *socket;
    struct rf_netlink_socket *next;
    uint32_t pid, groups, to; /* pid 0: not bound */
    uint64_t queued;
    struct rf_netlink_packet *first, *last;
    bool wants_info, broadcast_error, no_buffer_error, capped_acks, extended_acks, strict;
};

struct rf_netlink {
    struct rf_netlink_socket *sockets;
    int32_t next_pid; /* for those whose process has one already */
};

/* Queue what the kernel (from 0) or a program has sent. False: no room. */
bool rf_netlink_deliver(struct rf_kernel *k, struct rf_netlink_socket *to, uint32_t from, const void *bytes,
                        uint32_t size);
/* Messages that a program has sent to the kernel. */
void rf_netlink_route(struct rf_kernel *k, struct rf_netlink_socket *n, const uint8_t *bytes, uint32_t size);

#endif

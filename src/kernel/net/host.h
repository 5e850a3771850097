/* Sockets of AF_INET and AF_INET6 that are the host's: closed unless the machine's owner has given rules.
 *
 * A socket begins in the model (net/inet.h). When it is bound to, connected with, or sends to an address that a rule
 * allows, a socket of the host takes its place (rf_host_take): not blocking, watched by one epoll instance for all,
 * which the scheduler looks at (rf_host_pump), so that waits, polls and epoll work as for every socket. host.c:
 * objects; host_rules.c: what is allowed; host_data.c: bytes; host_option.c: options. */
#ifndef RF_KERNEL_NET_HOST_H
#define RF_KERNEL_NET_HOST_H

#include "kernel/net/inet.h"

struct rf_host_rule {
    struct rf_host_rule *next;
    bool listens;          /* bind; else connect and send */
    bool any;              /* every address that is not the machine itself */
    uint8_t address[16];
    uint32_t prefix;       /* bits of address that count, 0 to 128 */
    uint16_t low, high;    /* ports */
};

struct rf_host_socket {
    struct rf_socket *socket;
    struct rf_host_socket *next;
    int fd;                /* of the host; -1 once closed */
    bool connecting, connected;
    uint16_t port;         /* that it was bound to by the program; 0: none */
};

struct rf_host_net {
    struct rf_host_rule *rules;
    struct rf_host_socket *sockets;
    int epoll;             /* -1: not made yet */
};

enum rf_host_use { RF_HOST_BIND, RF_HOST_CONNECT };

RF_INLINE struct rf_host_socket *rf_host_of(const struct rf_socket *s)
{
    return s->data;
}

/* --- host_rules.c --- */
/* Text: "connect=ADDRESS[/BITS][:PORT[-PORT]]" and "listen=..." with commas between; NULL or empty: everything. */
rf_status rf_host_allow(struct rf_kernel *k, const char *rules, struct rf_error *err);
bool rf_host_allows(const struct rf_host_net *net, enum rf_host_use use, const struct rf_inet_name *name);
void rf_host_forget_rules(struct rf_kernel *k);

/* --- host.c --- */
/* Does the address belong to the host's network, and is it allowed? Then the socket is the host's from now on (its
 * ops are others): 1. 0: no. Or an error. */
int64_t rf_host_take(struct rf_kernel *k, struct rf_socket *s, enum rf_host_use use,
                     const struct rf_socket_address *address);
/* A host socket for s, which has no data yet. fd is closed on failure. */
int64_t rf_host_attach(struct rf_kernel *k, struct rf_socket *s, int fd);
bool rf_host_is_host(const struct rf_socket *s);
/* For the scheduler: -1, or a descriptor that is readable when there is something to pump; does anybody wait for it? */
int rf_host_watched(const struct rf_kernel *k);
bool rf_host_waits(const struct rf_kernel *k);
void rf_host_pump(struct rf_kernel *k);
void rf_host_end(struct rf_kernel *k);

/* --- host_data.c --- */
int64_t rf_host_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
int64_t rf_host_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);

/* --- host_option.c --- */
void rf_host_changed(struct rf_kernel *k, struct rf_socket *s, int name);
/* All that was set before it became the host's. */
void rf_host_copy_options(struct rf_socket *s, const struct rf_inet_socket *from, int fd);
int64_t rf_host_setsockopt(struct rf_kernel *k, struct rf_socket *s, int level, int name, const void *value,
                           uint32_t size);
int64_t rf_host_getsockopt(struct rf_kernel *k, struct rf_socket *s, int level, int name, void *value, uint32_t *size);

#endif

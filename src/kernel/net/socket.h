/* Sockets: what system calls, files and families share.
 *
 * A family (AF_UNIX, AF_INET, AF_NETLINK, the host's network) is a table of operations, registered by one
 * line in families.c. What is the same for all stands above it: descriptors, addresses and message headers
 * from user memory (message.c), SOL_SOCKET options (options.c), timeouts, SIGPIPE.
 * Results are counts or 0, or -errno. An operation that must wait returns RF_BLOCKED and is run again from its
 * beginning; a stream's send keeps how far it came in the task's scratch memory (rf_socket_wait). */
#ifndef RF_KERNEL_NET_SOCKET_H
#define RF_KERNEL_NET_SOCKET_H

#include "abi/linux_sockets.h"
#include "abi/linux_structs.h"
#include "kernel/vfs/inode.h"
#include "kernel/vfs/poll.h"

struct rf_socket;

/* As the program gives and gets it, sockaddr_storage at most. */
struct rf_socket_address {
    uint32_t length; /* 0: none */
    union {
        uint16_t family;
        uint8_t bytes[128];
        struct rf_sockaddr_un un;
        struct rf_sockaddr_in in;
        struct rf_sockaddr_in6 in6;
        struct rf_sockaddr_nl nl;
    };
};

/* struct ucred in the kernel's own ids: translated at the edge. */
struct rf_socket_credentials {
    int32_t pid;
    uint32_t uid, gid;
};

/* Ancillary data of one message: sent, or received. Files are counted references. */
#define RF_SCM_MAX_FD 253
struct rf_control {
    struct rf_file **files; /* kernel heap; NULL: none */
    uint32_t file_count;
    bool has_credentials;   /* SCM_CREDENTIALS was given, or is to be delivered */
    struct rf_socket_credentials credentials;
    /* What a family adds when it delivers (IP_PKTINFO, SO_TIMESTAMP ...): ready-made cmsgs, each aligned to 8. */
    _Alignas(8) uint8_t extra[256];
    uint32_t extra_size;
    /* What was sent: all cmsgs, copied from the user. A family looks for its own, or has rf_control_scm take
     * SCM_RIGHTS and SCM_CREDENTIALS out of them. */
    uint8_t *raw;           /* kernel heap; NULL: none */
    uint64_t raw_size;
};

/* Whose word of task->scratch is what while a call waits and runs again. */
enum {
    RF_SCRATCH_MOVED = 0,      /* bytes that a stream's send or MSG_WAITALL has moved */
    RF_SCRATCH_MESSAGES = 2,   /* sendmmsg, recvmmsg: messages that are done */
    RF_SCRATCH_END = 3,        /* recvmmsg: when its time is over */
    RF_SCRATCH_FAMILY = 4,     /* to 7: the family's */
};

/* One send or receive. */
struct rf_message {
    struct rf_uio *data;
    uint64_t size;            /* data->left at the beginning of the call */
    struct rf_socket_address *name; /* to, or where to put from; NULL: nobody asks */
    struct rf_control *control;     /* NULL: none sent, none wanted */
    uint32_t flags;           /* RF_MSG_* of the call, RF_MSG_DONTWAIT also for O_NONBLOCK */
    uint32_t out_flags;       /* received: msg_flags (RF_MSG_TRUNC, RF_MSG_CTRUNC, RF_MSG_EOR ...) */
};

struct rf_socket_ops {
    /* Every address has been copied; its length is the caller's, not checked for the family. */
    int64_t (*bind)(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address);
    /* nonblock: -RF_EINPROGRESS or -RF_EAGAIN in place of waiting. */
    int64_t (*connect)(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address, bool nonblock);
    /* Both are new and of this family and type. NULL: -RF_EOPNOTSUPP, as for every other operation. */
    int64_t (*pair)(struct rf_kernel *k, struct rf_socket *a, struct rf_socket *b);
    int64_t (*listen)(struct rf_kernel *k, struct rf_socket *s, int backlog); /* backlog is within 0 and somaxconn */
    /* *out: a new socket of this family, with a reference for the caller. */
    int64_t (*accept)(struct rf_kernel *k, struct rf_socket *s, bool nonblock, struct rf_socket **out);
    int64_t (*getname)(struct rf_kernel *k, struct rf_socket *s, bool peer, struct rf_socket_address *out);
    int64_t (*shutdown)(struct rf_kernel *k, struct rf_socket *s, bool reading, bool writing);
    /* Bytes. -RF_EPIPE raises SIGPIPE above (unless MSG_NOSIGNAL) for stream and seqpacket sockets. */
    int64_t (*send)(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
    /* Bytes (with MSG_TRUNC in flags: the datagram's real length). message->name->length is set if it is wanted. */
    int64_t (*receive)(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
    uint32_t (*poll)(struct rf_kernel *k, struct rf_socket *s, struct rf_poll_request *request);
    int64_t (*ioctl)(struct rf_kernel *k, struct rf_socket *s, uint32_t command, uint64_t argument);
    /* Levels other than SOL_SOCKET; value is in kernel memory, size bytes (at most 4096). */
    int64_t (*setsockopt)(struct rf_kernel *k, struct rf_socket *s, int level, int name, const void *value, uint32_t size);
    /* value has *size bytes of room (at most 4096); *size becomes what the option has put there. */
    int64_t (*getsockopt)(struct rf_kernel *k, struct rf_socket *s, int level, int name, void *value, uint32_t *size);
    /* SOL_SOCKET options have changed (buffer sizes, SO_LINGER ...): NULL if the family looks at them when it needs them. */
    void (*changed)(struct rf_kernel *k, struct rf_socket *s, int name);
    /* The last descriptor is gone: say goodbye to the peer (may linger: RF_BLOCKED is not allowed), keep what others may still look at. */
    void (*release)(struct rf_kernel *k, struct rf_socket *s);
    /* The last reference is gone: free s->data. NULL: nothing to free. */
    void (*destroy)(struct rf_kernel *k, struct rf_socket *s);
};

/* SOL_SOCKET's state, the same for all families (options.c). Times in ns, UINT64_MAX: none. */
struct rf_socket_options {
    bool reuse_address, reuse_port, keep_alive, broadcast, oob_inline, dont_route, debug, pass_credentials, pass_security;
    bool linger, timestamp, timestamp_ns, no_check, rxq_overflow, select_error_queue, busy_locked_send, busy_locked_receive;
    int32_t linger_seconds, priority, mark, incoming_cpu, peek_offset, busy_poll;
    uint64_t receive_timeout, send_timeout;
    uint32_t receive_low_water, send_low_water;
    uint32_t receive_buffer, send_buffer; /* doubled, as the kernel keeps them */
    char device[16];                      /* SO_BINDTODEVICE */
};

struct rf_socket {
    const struct rf_socket_ops *ops;
    const struct rf_socket_family *family;
    struct rf_inode *inode;   /* of sockfs: mode, ino, owner; NULL while not yet accepted */
    uint32_t references;      /* its file, and whoever in the family holds it */
    int type, protocol;       /* RF_SOCK_*, without flags */
    int32_t error;            /* pending: an errno > 0 that SO_ERROR and the next call take away */
    bool released;            /* no descriptor is left */
    bool listening;           /* SO_ACCEPTCONN */
    struct rf_socket_options options;
    struct rf_socket_credentials owner, peer; /* who made it, SO_PEERCRED; owner from the current task */
    uint32_t *peer_groups;    /* SO_PEERGROUPS; kernel heap, NULL: none */
    uint32_t peer_group_count;
    struct rf_wait_queue readable, writable; /* receivers and accepters; senders and connecters; polls are on both */
    void *data;               /* the family's */
};

/* A family: one constant table per driver file. */
struct rf_socket_family {
    int domain;               /* RF_AF_* */
    const char *name;         /* as /proc/net/protocols would call it */
    /* Checks type and protocol, sets s->ops, protocol and data. 0, -RF_ESOCKTNOSUPPORT, -RF_EPROTONOSUPPORT, -RF_EPERM ... */
    int64_t (*create)(struct rf_kernel *k, struct rf_socket *s, int type, int protocol);
    /* The machine ends, no descriptor is left: free the family's part of k->net. NULL: nothing. */
    void (*end)(struct rf_kernel *k);
};
/* families.c: all that there are, ending with NULL; and the one of a domain, NULL: -RF_EAFNOSUPPORT. */
extern const struct rf_socket_family *const rf_socket_families[];
const struct rf_socket_family *rf_socket_family_find(int domain);

/* The network as programs see it: made at start, one per machine (a namespace may have its own later). Each driver
 * has its state here behind a pointer that it makes when first needed, and frees in its own function. */
struct rf_net {
    struct rf_mount *sockets;  /* internal: sockfs */
    struct rf_unix *local;     /* net/unix.h: bound names, what is in flight */
    struct rf_inet *inet;      /* net/inet.h: ports, connections, addresses */
    struct rf_netlink *netlink;
    struct rf_host_net *host;  /* net/host.h: what the owner of the machine allows */
};
int64_t rf_net_create(struct rf_kernel *k);
void rf_net_destroy(struct rf_kernel *k);

/* --- socket.c --- */
/* A socket without a file: one reference. The family's create has been called. 0 or -errno. */
int64_t rf_socket_create(struct rf_kernel *k, int domain, int type, int protocol, struct rf_socket **out);
/* For accept: same family, type, protocol and options as like; no family data. NULL: no memory. */
struct rf_socket *rf_socket_like(struct rf_kernel *k, const struct rf_socket *like);
void rf_socket_get(struct rf_socket *s);
void rf_socket_put(struct rf_kernel *k, struct rf_socket *s); /* NULL is allowed */
/* A file over it, which takes the reference over (on failure: puts it). flags: RF_O_NONBLOCK. */
int64_t rf_socket_file(struct rf_kernel *k, struct rf_socket *s, uint32_t flags, struct rf_file **out);
extern const struct rf_file_ops rf_socket_file_ops;
/* NULL: not a socket. */
struct rf_socket *rf_socket_of(const struct rf_file *file);
/* A pending error, taken away: 0 or -errno. */
int64_t rf_socket_take_error(struct rf_socket *s);
/* Set the pending error and wake everybody. */
void rf_socket_fail(struct rf_kernel *k, struct rf_socket *s, int error);
/* Wait on q for as long as the socket's timeout allows: RF_BLOCKED; or what the call returns: -RF_EAGAIN when
 * nonblock or the time is over, the restart or -RF_EINTR errors (with a timeout set: -RF_EINTR) for a signal. */
int64_t rf_socket_wait(struct rf_kernel *k, struct rf_socket *s, struct rf_wait_queue *q, bool nonblock, uint64_t timeout);
/* Something came; room came: wake readers or writers and polls, and epoll's watches. */
void rf_socket_readable(struct rf_kernel *k, struct rf_socket *s);
void rf_socket_writable(struct rf_kernel *k, struct rf_socket *s);

/* The family's, and SIGPIPE. */
int64_t rf_socket_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);
int64_t rf_socket_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message);

/* --- message.c: user memory <-> struct rf_message --- */
/* A sockaddr from the user: 0, -RF_EINVAL (size below 0 or above 128), -RF_EFAULT. */
int64_t rf_socket_address_from_user(struct rf_kernel *k, struct rf_socket_address *out, uint64_t user, int32_t size);
/* Copies at most what *length_user says, and puts the real length there: move_addr_to_user. */
int64_t rf_socket_address_to_user(struct rf_kernel *k, const struct rf_socket_address *address, uint64_t user,
                                  uint64_t length_user);
/* SCM_RIGHTS and SCM_CREDENTIALS of what was sent become files and credentials, with Linux' checks (scm_send): for
 * families that pass them. Without the latter, the credentials are the sender's. rights: descriptors may be sent. */
int64_t rf_control_scm(struct rf_kernel *k, struct rf_control *control, bool rights);
/* The cmsgs that were sent, one by one from *at = 0 on. NULL: there are no more, or *error says that one is malformed. */
const struct rf_cmsghdr *rf_control_next(const struct rf_control *control, uint64_t *at, int64_t *error);
/* A ready cmsg added to control->extra; false: no room (the caller then sets RF_MSG_CTRUNC). */
bool rf_control_add(struct rf_control *control, int level, int type, const void *data, uint32_t size);
void rf_control_free(struct rf_kernel *k, struct rf_control *control); /* files and raw */

/* --- inet_ioctl.c --- */
/* Of every socket, when its family does not know the command: what there is to know about network interfaces. */
int64_t rf_device_ioctl(struct rf_kernel *k, struct rf_socket *s, uint32_t command, uint64_t argument);

/* --- options.c --- */
int64_t rf_socket_set_option(struct rf_kernel *k, struct rf_socket *s, int name, const void *value, uint32_t size);
/* struct ucred as the current task sees it. */
struct rf_ucred rf_socket_ucred(const struct rf_kernel *k, const struct rf_socket_credentials *c);
int64_t rf_socket_get_option(struct rf_kernel *k, struct rf_socket *s, int name, void *value, uint32_t *size);

#endif

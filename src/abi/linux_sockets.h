/* Sockets beyond what linux_flags.h has: options, ioctls, limits. asm-generic/socket.h, asm-generic/sockios.h,
 * linux/un.h, net/sock.h. */
#ifndef RF_ABI_LINUX_SOCKETS_H
#define RF_ABI_LINUX_SOCKETS_H

#include "abi/linux_flags.h"

enum {
    RF_SO_NO_CHECK = 11,
    RF_SO_PRIORITY = 12,
    RF_SO_BSDCOMPAT = 14,
    RF_SO_BINDTODEVICE = 25,
    RF_SO_ATTACH_FILTER = 26,
    RF_SO_DETACH_FILTER = 27,
    RF_SO_PEERNAME = 28,
    RF_SO_TIMESTAMP = 29,
    RF_SO_PEERSEC = 31,
    RF_SO_SNDBUFFORCE = 32,
    RF_SO_RCVBUFFORCE = 33,
    RF_SO_PASSSEC = 34,
    RF_SO_TIMESTAMPNS = 35,
    RF_SO_MARK = 36,
    RF_SO_TIMESTAMPING = 37,
    RF_SO_RXQ_OVFL = 40,
    RF_SO_PEEK_OFF = 42,
    RF_SO_NOFCS = 43,
    RF_SO_LOCK_FILTER = 44,
    RF_SO_SELECT_ERR_QUEUE = 45,
    RF_SO_BUSY_POLL = 46,
    RF_SO_INCOMING_CPU = 49,
    RF_SO_COOKIE = 57,
    RF_SO_PEERGROUPS = 59,
    RF_SO_ZEROCOPY = 60,
    RF_SO_TIMESTAMP_NEW = 63,
    RF_SO_TIMESTAMPNS_NEW = 64,
    RF_SO_RCVTIMEO_NEW = 66,
    RF_SO_SNDTIMEO_NEW = 67,
    RF_SO_BUF_LOCK = 72,
    RF_SO_PASSPIDFD = 76,
    RF_SO_PEERPIDFD = 77,
    RF_SO_PASSRIGHTS = 83,
    RF_SO_INQ = 84,
    RF_SCM_INQ = RF_SO_INQ,

    RF_SOCK_PACKET = 10,
    RF_SOCK_TYPES = 11,      /* SOCK_MAX */
    RF_PROTOCOL_FAMILIES = 46, /* NPROTO */

    RF_MSG_TRYHARD = 4,
    RF_MSG_CONFIRM = 0x800,
    RF_MSG_WAITFORONE = 0x10000,
    RF_MSG_SPLICE_PAGES = 0x8000000,
    RF_MSG_FASTOPEN = 0x20000000,
    RF_MSG_ZEROCOPY = 0x4000000,
    RF_MSG_INTERNAL_SEND = 0x8180000, /* MSG_INTERNAL_SENDMSG_FLAGS: the program cannot set them */

    RF_SCM_MOST_CONTROL = 131072, /* net.core.optmem_max */
    RF_SOCKET_BUFFER_DEFAULT = 212992,
    RF_SOCKET_BUFFER_MOST = 4194304, /* net.core.rmem_max, wmem_max */
    RF_SOCKET_SEND_LEAST = 4608,     /* SOCK_MIN_SNDBUF */
    RF_SOCKET_RECEIVE_LEAST = 2304,  /* SOCK_MIN_RCVBUF */
};

#define RF_FIOSETOWN   0x8901u
#define RF_SIOCSPGRP   0x8902u
#define RF_FIOGETOWN   0x8903u
#define RF_SIOCGPGRP   0x8904u
#define RF_SIOCATMARK  0x8905u
#define RF_SIOCINQ     0x541bu
#define RF_SIOCOUTQ    0x5411u
#define RF_SIOCUNIXFILE 0x89e0u

/* struct cmsghdr: where data begin, how long the whole is, and how long with what follows aligned. */
#define RF_CMSG_ALIGN(n) (((uint64_t)(n) + 7) & ~UINT64_C(7))
#define RF_CMSG_LEN(n) (16 + (uint64_t)(n))
#define RF_CMSG_SPACE(n) (16 + RF_CMSG_ALIGN(n))

#endif

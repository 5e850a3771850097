/* The internet families: options, states, ioctls. linux/in.h, linux/in6.h, linux/tcp.h, linux/udp.h, linux/sockios.h,
 * linux/if.h, linux/errqueue.h, net/tcp_states.h. */
#ifndef RF_ABI_LINUX_INET_H
#define RF_ABI_LINUX_INET_H

#include "abi/linux_sockets.h"
#include "abi/linux_structs.h"

enum {
    RF_IPPROTO_ICMPV6 = 58,
    RF_IPPROTO_UDPLITE = 136,
    RF_IPPROTO_RAW = 255,
    RF_IPPROTO_MPTCP = 262,
    RF_IPPROTO_MAX = 263,
    RF_PROT_SOCK = 1024, /* net.ipv4.ip_unprivileged_port_start */
    RF_PORT_LOW = 32768, /* net.ipv4.ip_local_port_range */
    RF_PORT_HIGH = 60999,
    RF_LOOPBACK_INDEX = 1,
    RF_LOOPBACK_MTU = 65536,
    RF_SIN6_LEN_RFC2133 = 24,
};

enum rf_tcp_state {
    RF_TCP_ESTABLISHED = 1,
    RF_TCP_SYN_SENT,
    RF_TCP_SYN_RECV,
    RF_TCP_FIN_WAIT1,
    RF_TCP_FIN_WAIT2,
    RF_TCP_TIME_WAIT,
    RF_TCP_CLOSE,
    RF_TCP_CLOSE_WAIT,
    RF_TCP_LAST_ACK,
    RF_TCP_LISTEN,
    RF_TCP_CLOSING,
};

enum {
    RF_TCP_NODELAY = 1, RF_TCP_MAXSEG, RF_TCP_CORK, RF_TCP_KEEPIDLE, RF_TCP_KEEPINTVL, RF_TCP_KEEPCNT, RF_TCP_SYNCNT,
    RF_TCP_LINGER2, RF_TCP_DEFER_ACCEPT, RF_TCP_WINDOW_CLAMP, RF_TCP_INFO, RF_TCP_QUICKACK, RF_TCP_CONGESTION,
    RF_TCP_MD5SIG,
    RF_TCP_THIN_LINEAR_TIMEOUTS = 16, RF_TCP_THIN_DUPACK, RF_TCP_USER_TIMEOUT, RF_TCP_REPAIR, RF_TCP_REPAIR_QUEUE,
    RF_TCP_QUEUE_SEQ, RF_TCP_REPAIR_OPTIONS, RF_TCP_FASTOPEN, RF_TCP_TIMESTAMP, RF_TCP_NOTSENT_LOWAT, RF_TCP_CC_INFO,
    RF_TCP_SAVE_SYN, RF_TCP_SAVED_SYN, RF_TCP_REPAIR_WINDOW, RF_TCP_FASTOPEN_CONNECT, RF_TCP_ULP, RF_TCP_MD5SIG_EXT,
    RF_TCP_FASTOPEN_KEY, RF_TCP_FASTOPEN_NO_COOKIE, RF_TCP_ZEROCOPY_RECEIVE, RF_TCP_INQ, RF_TCP_TX_DELAY,
    RF_UDP_CORK = 1, RF_UDP_ENCAP = 100, RF_UDP_NO_CHECK6_TX = 101, RF_UDP_NO_CHECK6_RX = 102, RF_UDP_SEGMENT = 103,
    RF_UDP_GRO = 104,
    RF_TCP_MSS_MOST = 32767, /* MAX_TCP_WINDOW */
    RF_TCP_MSS_DEFAULT = 536,
};

enum {
    RF_IP_TOS = 1, RF_IP_TTL, RF_IP_HDRINCL, RF_IP_OPTIONS, RF_IP_ROUTER_ALERT, RF_IP_RECVOPTS, RF_IP_RETOPTS,
    RF_IP_PKTINFO, RF_IP_PKTOPTIONS, RF_IP_MTU_DISCOVER, RF_IP_RECVERR, RF_IP_RECVTTL, RF_IP_RECVTOS, RF_IP_MTU,
    RF_IP_FREEBIND, RF_IP_TRANSPARENT = 19, RF_IP_RECVORIGDSTADDR, RF_IP_MINTTL, RF_IP_NODEFRAG, RF_IP_CHECKSUM,
    RF_IP_BIND_ADDRESS_NO_PORT, RF_IP_RECVFRAGSIZE, RF_IP_RECVERR_RFC4884,
    RF_IP_MULTICAST_IF = 32, RF_IP_MULTICAST_TTL, RF_IP_MULTICAST_LOOP, RF_IP_ADD_MEMBERSHIP, RF_IP_DROP_MEMBERSHIP,
    RF_IP_MULTICAST_ALL = 49, RF_IP_UNICAST_IF, RF_IP_LOCAL_PORT_RANGE, RF_IP_PROTOCOL,
    RF_MCAST_JOIN_GROUP = 42, RF_MCAST_LEAVE_GROUP = 45,
    RF_IP_PMTUDISC_WANT = 1,
    RF_IP_PMTUDISC_OMIT = 5,
};

enum {
    RF_IPV6_ADDRFORM = 1, RF_IPV6_CHECKSUM = 7, RF_IPV6_UNICAST_HOPS = 16, RF_IPV6_MULTICAST_IF, RF_IPV6_MULTICAST_HOPS,
    RF_IPV6_MULTICAST_LOOP, RF_IPV6_ADD_MEMBERSHIP, RF_IPV6_DROP_MEMBERSHIP, RF_IPV6_ROUTER_ALERT, RF_IPV6_MTU_DISCOVER,
    RF_IPV6_MTU, RF_IPV6_RECVERR, RF_IPV6_V6ONLY, RF_IPV6_JOIN_ANYCAST, RF_IPV6_LEAVE_ANYCAST, RF_IPV6_MULTICAST_ALL,
    RF_IPV6_FLOWINFO_SEND = 33,
    RF_IPV6_RECVPKTINFO = 49, RF_IPV6_PKTINFO, RF_IPV6_RECVHOPLIMIT, RF_IPV6_HOPLIMIT, RF_IPV6_RECVHOPOPTS,
    RF_IPV6_RECVRTHDR = 56, RF_IPV6_RECVDSTOPTS = 58, RF_IPV6_RECVPATHMTU = 60, RF_IPV6_PATHMTU, RF_IPV6_DONTFRAG,
    RF_IPV6_RECVTCLASS = 66, RF_IPV6_TCLASS, RF_IPV6_AUTOFLOWLABEL = 70, RF_IPV6_ADDR_PREFERENCES = 72,
        RF_IPV6_MINHOPCOUNT,
    RF_IPV6_TRANSPARENT = 75, RF_IPV6_UNICAST_IF, RF_IPV6_RECVFRAGSIZE, RF_IPV6_FREEBIND,
};

#define RF_MSG_PROBE 0x10u

/* struct sock_extended_err, as IP_RECVERR tells it: the offender's address follows. */
struct rf_extended_error {
    uint32_t ee_errno;
    uint8_t ee_origin, ee_type, ee_code, ee_pad;
    uint32_t ee_info, ee_data;
};
RF_ABI_SIZE(rf_extended_error, 16);
enum { RF_EE_ORIGIN_ICMP = 2, RF_EE_ORIGIN_ICMP6 = 3 };

struct rf_in_pktinfo {
    int32_t ipi_ifindex;
    uint8_t ipi_spec_dst[4], ipi_addr[4];
};
RF_ABI_SIZE(rf_in_pktinfo, 12);
struct rf_in6_pktinfo {
    uint8_t ipi6_addr[16];
    int32_t ipi6_ifindex;
};
RF_ABI_SIZE(rf_in6_pktinfo, 20);
struct rf_ip_mreqn {
    uint8_t imr_multiaddr[4], imr_address[4];
    int32_t imr_ifindex;
};
RF_ABI_SIZE(rf_ip_mreqn, 12);
struct rf_ipv6_mreq {
    uint8_t ipv6mr_multiaddr[16];
    int32_t ipv6mr_ifindex;
};
RF_ABI_SIZE(rf_ipv6_mreq, 20);

struct rf_tcp_info {
    uint8_t tcpi_state, tcpi_ca_state, tcpi_retransmits, tcpi_probes, tcpi_backoff, tcpi_options, tcpi_wscale,
        tcpi_flags;
    uint32_t tcpi_rto, tcpi_ato, tcpi_snd_mss, tcpi_rcv_mss;
    uint32_t tcpi_unacked, tcpi_sacked, tcpi_lost, tcpi_retrans, tcpi_fackets;
    uint32_t tcpi_last_data_sent, tcpi_last_ack_sent, tcpi_last_data_recv, tcpi_last_ack_recv;
    uint32_t tcpi_pmtu, tcpi_rcv_ssthresh, tcpi_rtt, tcpi_rttvar, tcpi_snd_ssthresh, tcpi_snd_cwnd, tcpi_advmss;
    uint32_t tcpi_reordering, tcpi_rcv_rtt, tcpi_rcv_space, tcpi_total_retrans;
    uint64_t tcpi_pacing_rate, tcpi_max_pacing_rate, tcpi_bytes_acked, tcpi_bytes_received;
    uint32_t tcpi_segs_out, tcpi_segs_in, tcpi_notsent_bytes, tcpi_min_rtt, tcpi_data_segs_in, tcpi_data_segs_out;
    uint64_t tcpi_delivery_rate, tcpi_busy_time, tcpi_rwnd_limited, tcpi_sndbuf_limited;
    uint32_t tcpi_delivered, tcpi_delivered_ce;
    uint64_t tcpi_bytes_sent, tcpi_bytes_retrans;
    uint32_t tcpi_dsack_dups, tcpi_reord_seen, tcpi_rcv_ooopack, tcpi_snd_wnd, tcpi_rcv_wnd, tcpi_rehash;
    uint16_t tcpi_total_rto, tcpi_total_rto_recoveries;
    uint32_t tcpi_total_rto_time;
};
RF_ABI_SIZE(rf_tcp_info, 248);

/* struct ifreq */
struct rf_ifreq {
    char ifr_name[16];
    union {
        struct rf_sockaddr_in ifr_addr;
        struct {
            uint16_t sa_family;
            uint8_t sa_data[14];
        } ifr_hwaddr;
        int16_t ifr_flags;
        int32_t ifr_ifindex, ifr_mtu, ifr_metric, ifr_qlen;
        struct {
            uint64_t mem_start, mem_end;
            uint16_t base_addr;
            uint8_t irq, dma, port;
        } ifr_map;
    };
};
RF_ABI_SIZE(rf_ifreq, 40);
struct rf_ifconf {
    int32_t ifc_len;
    uint32_t pad;
    uint64_t ifc_buf;
};
RF_ABI_SIZE(rf_ifconf, 16);

#define RF_SIOCADDRT     0x890bu
#define RF_SIOCDELRT     0x890cu
#define RF_SIOCGSTAMP    0x8906u
#define RF_SIOCGSTAMPNS  0x8907u
#define RF_SIOCGIFNAME   0x8910u
#define RF_SIOCGIFCONF   0x8912u
#define RF_SIOCGIFFLAGS  0x8913u
#define RF_SIOCSIFFLAGS  0x8914u
#define RF_SIOCGIFADDR   0x8915u
#define RF_SIOCSIFADDR   0x8916u
#define RF_SIOCGIFDSTADDR 0x8917u
#define RF_SIOCSIFDSTADDR 0x8918u
#define RF_SIOCGIFBRDADDR 0x8919u
#define RF_SIOCSIFBRDADDR 0x891au
#define RF_SIOCGIFNETMASK 0x891bu
#define RF_SIOCSIFNETMASK 0x891cu
#define RF_SIOCGIFMETRIC 0x891du
#define RF_SIOCSIFMETRIC 0x891eu
#define RF_SIOCGIFMTU    0x8921u
#define RF_SIOCSIFMTU    0x8922u
#define RF_SIOCGIFHWADDR 0x8927u
#define RF_SIOCSIFHWADDR 0x8924u
#define RF_SIOCGIFINDEX  0x8933u
#define RF_SIOCGIFTXQLEN 0x8942u
#define RF_SIOCSIFTXQLEN 0x8943u
#define RF_SIOCGIFMAP    0x8970u
#define RF_SIOCOUTQNSD   0x894bu
#define RF_ARPHRD_LOOPBACK 772
#define RF_IFF_LOOPBACK_UP 0x49 /* IFF_UP | IFF_LOOPBACK | IFF_RUNNING */

#endif

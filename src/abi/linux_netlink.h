/* Netlink: linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/fib_rules.h. */
#ifndef RF_ABI_LINUX_NETLINK_H
#define RF_ABI_LINUX_NETLINK_H

#include "abi/linux_structs.h"

enum {
    RF_SOL_NETLINK = 270,
    RF_NETLINK_ROUTE = 0,
    RF_NETLINK_KOBJECT_UEVENT = 15,
    RF_NETLINK_MAX_LINKS = 32,
    RF_NLM_F_REQUEST = 1,
    RF_NLM_F_MULTI = 2,
    RF_NLM_F_ACK = 4,
    RF_NLM_F_DUMP = 0x300,
    RF_NLM_F_CAPPED = 0x100,
    RF_NLMSG_ERROR = 2,
    RF_NLMSG_DONE = 3,
    RF_NLMSG_MIN_TYPE = 16,
    RF_NETLINK_ADD_MEMBERSHIP = 1,
    RF_NETLINK_DROP_MEMBERSHIP = 2,
    RF_NETLINK_PKTINFO = 3,
    RF_NETLINK_BROADCAST_ERROR = 4,
    RF_NETLINK_NO_ENOBUFS = 5,
    RF_NETLINK_LIST_MEMBERSHIPS = 9,
    RF_NETLINK_CAP_ACK = 10,
    RF_NETLINK_EXT_ACK = 11,
    RF_NETLINK_GET_STRICT_CHK = 12,

    RF_RTM_NEWLINK = 16, RF_RTM_GETLINK = 18, RF_RTM_NEWADDR = 20, RF_RTM_GETADDR = 22, RF_RTM_NEWROUTE = 24,
    RF_RTM_GETROUTE = 26, RF_RTM_GETNEIGH = 30, RF_RTM_NEWRULE = 32, RF_RTM_GETRULE = 34, RF_RTM_MAX = 123,

    RF_IFLA_ADDRESS = 1, RF_IFLA_BROADCAST, RF_IFLA_IFNAME, RF_IFLA_MTU, RF_IFLA_QDISC = 6, RF_IFLA_STATS,
    RF_IFLA_TXQLEN = 13, RF_IFLA_OPERSTATE = 16, RF_IFLA_LINKMODE, RF_IFLA_STATS64 = 23, RF_IFLA_GROUP = 27,
    RF_IFLA_PROMISCUITY = 30, RF_IFLA_NUM_TX_QUEUES, RF_IFLA_NUM_RX_QUEUES, RF_IFLA_CARRIER, RF_IFLA_MIN_MTU = 50,
    RF_IFLA_MAX_MTU,
    RF_IFA_ADDRESS = 1, RF_IFA_LOCAL, RF_IFA_LABEL, RF_IFA_CACHEINFO = 6, RF_IFA_FLAGS = 8, RF_IFA_PROTO = 11,
    RF_RTA_DST = 1, RF_RTA_OIF = 4, RF_RTA_PRIORITY = 6, RF_RTA_PREFSRC = 7, RF_RTA_CACHEINFO = 12, RF_RTA_TABLE = 15,
    RF_RTA_PREF = 20,
    RF_FRA_PRIORITY = 6, RF_FRA_SUPPRESS_PREFIXLEN = 14, RF_FRA_TABLE, RF_FRA_PROTOCOL = 21,

    RF_RT_TABLE_DEFAULT = 253, RF_RT_TABLE_MAIN = 254, RF_RT_TABLE_LOCAL = 255,
    RF_RTN_LOCAL = 2, RF_RTN_BROADCAST = 3, RF_RTPROT_KERNEL = 2, RF_RT_SCOPE_HOST = 254, RF_RT_SCOPE_LINK = 253,
    RF_RTM_F_CLONED = 0x200,
    RF_IFA_F_PERMANENT = 0x80,
};

struct rf_nlmsghdr {
    uint32_t nlmsg_len;
    uint16_t nlmsg_type, nlmsg_flags;
    uint32_t nlmsg_seq, nlmsg_pid;
};
RF_ABI_SIZE(rf_nlmsghdr, 16);
struct rf_nlmsgerr {
    int32_t error;
    struct rf_nlmsghdr msg;
};
RF_ABI_SIZE(rf_nlmsgerr, 20);
struct rf_rtattr {
    uint16_t rta_len, rta_type;
};
struct rf_ifinfomsg {
    uint8_t ifi_family, pad;
    uint16_t ifi_type;
    int32_t ifi_index;
    uint32_t ifi_flags, ifi_change;
};
RF_ABI_SIZE(rf_ifinfomsg, 16);
struct rf_ifaddrmsg {
    uint8_t ifa_family, ifa_prefixlen, ifa_flags, ifa_scope;
    uint32_t ifa_index;
};
RF_ABI_SIZE(rf_ifaddrmsg, 8);
struct rf_rtmsg { /* struct fib_rule_hdr has the same layout */
    uint8_t rtm_family, rtm_dst_len, rtm_src_len, rtm_tos, rtm_table, rtm_protocol, rtm_scope, rtm_type;
    uint32_t rtm_flags;
};
RF_ABI_SIZE(rf_rtmsg, 12);

#endif

/* What AF_INET adds: ancillary data of SOL_IP, and the questions that ioctls ask about network interfaces. */
#include <string.h>

#include "abi/linux_inet.h"
#include "base/compiler.h"
#include "trace/strace_inet.h"
#include "trace/strace_names.h"

/* ---- ancillary data ---- */

static void put_address(struct rf_st *st, const char *name, const uint8_t a[4])
{
    rf_st_format(st, "%s=inet_addr(\"%u.%u.%u.%u\")", name, a[0], a[1], a[2], a[3]);
}

static void put_packet_info(struct rf_st *st, const struct rf_in_pktinfo *info)
{
    if (info->ipi_ifindex == RF_LOOPBACK_INDEX)
        rf_st_text(st, "{ipi_ifindex=if_nametoindex(\"lo\"), ");
    else
        rf_st_format(st, "{ipi_ifindex=%d, ", info->ipi_ifindex);
    put_address(st, "ipi_spec_dst", info->ipi_spec_dst);
    put_address(st, ", ipi_addr", info->ipi_addr);
    rf_st_text(st, "}");
}

static void put_error(struct rf_st *st, uint64_t address, uint64_t size)
{
    struct {
        struct rf_extended_error error;
        struct rf_sockaddr_in offender;
    } both;
    if (size < sizeof both || !rf_st_read(st, address, &both, sizeof both)) {
        rf_st_data(st, address, size, true);
        return;
    }
    const struct rf_extended_error *e = &both.error;
    rf_st_format(st, "{ee_errno=%u, ee_origin=%u, ee_type=%u, ee_code=%u, ee_info=%u, ee_data=%u, offender=",
                 e->ee_errno,
                 e->ee_origin, e->ee_type, e->ee_code, e->ee_info, e->ee_data);
    rf_st_sockaddr(st, address + sizeof *e, sizeof both.offender);
    rf_st_text(st, "}");
}

/* One byte each, in hex but for zeros. */
static void put_tos(struct rf_st *st, uint64_t address, uint64_t size)
{
    for (uint64_t i = 0; i < size && i < 4; i++) {
        uint8_t byte = 0;
        (void)rf_st_read(st, address + i, &byte, 1);
        rf_st_text(st, i ? ", " : "[");
        rf_st_hex(st, byte);
    }
    rf_st_text(st, "]");
}

bool rf_st_ip_control(struct rf_st *st, int32_t type, uint64_t address, uint64_t size)
{
    struct rf_in_pktinfo info;
    int32_t number;
    rf_st_text(st, ", cmsg_type=");
    rf_st_enum(st, (uint32_t)type, &rf_st_ip_options);
    if (type == RF_IP_TTL && size >= sizeof number && rf_st_read(st, address, &number, sizeof number)) {
        rf_st_format(st, ", cmsg_data=[%d]", number);
    } else if (type == RF_IP_TOS && size) {
        rf_st_text(st, ", cmsg_data=");
        put_tos(st, address, size);
    } else if (type == RF_IP_PKTINFO && size >= sizeof info && rf_st_read(st, address, &info, sizeof info)) {
        rf_st_text(st, ", cmsg_data=");
        put_packet_info(st, &info);
    } else if (type == RF_IP_RECVERR && size) {
        rf_st_text(st, ", cmsg_data=");
        put_error(st, address, size);
    }
    return true;
}

/* ---- interfaces ---- */

static const struct rf_st_name flag_list[] = {
    { 1, "IFF_UP" }, { 2, "IFF_BROADCAST" }, { 4, "IFF_DEBUG" }, { 8, "IFF_LOOPBACK" }, { 0x10, "IFF_POINTOPOINT" },
    { 0x20, "IFF_NOTRAILERS" }, { 0x40, "IFF_RUNNING" }, { 0x80, "IFF_NOARP" }, { 0x100, "IFF_PROMISC" },
    { 0x200, "IFF_ALLMULTI" }, { 0x400, "IFF_MASTER" }, { 0x800, "IFF_SLAVE" }, { 0x1000, "IFF_MULTICAST" },
};
static const struct rf_st_names interface_flags = { "IFF_???", RF_ARRAY_SIZE(flag_list), flag_list };

enum form { FLAGS, ADDRESS, NUMBER, HARDWARE };
static const struct question {
    uint32_t request;
    enum form form;
    const char *field;
} questions[] = {
    { RF_SIOCGIFFLAGS, FLAGS, "ifr_flags" },       { RF_SIOCGIFADDR, ADDRESS, "ifr_addr" },
    { RF_SIOCGIFDSTADDR, ADDRESS, "ifr_dstaddr" }, { RF_SIOCGIFBRDADDR, ADDRESS, "ifr_broadaddr" },
    { RF_SIOCGIFNETMASK, ADDRESS, "ifr_netmask" }, { RF_SIOCGIFMETRIC, NUMBER, "ifr_metric" },
    { RF_SIOCGIFMTU, NUMBER, "ifr_mtu" },          { RF_SIOCGIFHWADDR, HARDWARE, "ifr_hwaddr" },
    { RF_SIOCGIFINDEX, NUMBER, "ifr_ifindex" },    { RF_SIOCGIFTXQLEN, NUMBER, "ifr_qlen" },
};

static void put_name(struct rf_st *st, const struct rf_ifreq *request)
{
    rf_st_text(st, "ifr_name=");
    rf_st_quote(st, (const uint8_t *)request->ifr_name, strnlen(request->ifr_name, sizeof request->ifr_name), false);
}

static void put_answer(struct rf_st *st, const struct question *q, uint64_t address, const struct rf_ifreq *request)
{
    rf_st_format(st, ", %s=", q->field);
    switch (q->form) {
    case FLAGS: rf_st_flags(st, (uint16_t)request->ifr_flags, &interface_flags); break;
    case ADDRESS: rf_st_sockaddr(st, address + offsetof(struct rf_ifreq, ifr_addr), sizeof request->ifr_addr); break;
    case NUMBER: rf_st_int(st, request->ifr_ifindex); break;
    case HARDWARE: {
        const uint8_t *a = request->ifr_hwaddr.sa_data;
        bool is_loopback = request->ifr_hwaddr.sa_family == RF_ARPHRD_LOOPBACK;
        rf_st_text(st, is_loopback ? "{sa_family=ARPHRD_LOOPBACK" : "{sa_family=ARPHRD_ETHER");
        rf_st_format(st, ", sa_data=%02x:%02x:%02x:%02x:%02x:%02x}", a[0], a[1], a[2], a[3], a[4], a[5]);
        break;
    }
    }
}

void rf_st_interface(struct rf_st *st, uint32_t number, uint64_t address)
{
    struct rf_ifreq request;
    bool failed = st->failed;
    st->failed = false; /* what was asked is shown also when there is no answer */
    if (!rf_st_fetch(st, address, &request, sizeof request)) {
        st->failed = failed;
        return;
    }
    rf_st_text(st, "{");
    if (number == RF_SIOCGIFNAME) {
        rf_st_format(st, "ifr_ifindex=%d", request.ifr_ifindex);
        if (!failed) {
            rf_st_text(st, ", ");
            put_name(st, &request);
        }
    } else {
        put_name(st, &request);
        for (size_t i = 0; i < RF_ARRAY_SIZE(questions) && !failed; i++)
            if (questions[i].request == number)
                put_answer(st, &questions[i], address, &request);
    }
    rf_st_text(st, "}");
    st->failed = failed;
}

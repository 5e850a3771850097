/* Sockets: addresses, messages, options. */
#include <stdio.h>
#include <string.h>

#include "abi/errno.h"
#include "abi/linux_flags.h"
#include "trace/strace_inet.h"
#include "trace/strace_names.h"

enum { ADDRESS_MAX = 128 /* struct sockaddr_storage */ };

static unsigned big16(uint16_t value)
{
    const uint8_t *bytes = (const uint8_t *)&value;
    return bytes[0] << 8 | bytes[1];
}

static uint32_t big32(uint32_t value)
{
    const uint8_t *bytes = (const uint8_t *)&value;
    return (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

/* ---- addresses ---- */

static void put_unix(struct rf_st *st, const uint8_t *path, size_t size)
{
    if (!size)
        return;
    rf_st_text(st, ", sun_path=");
    if (path[0] == '\0') { /* abstract: counted, not terminated */
        rf_st_text(st, "@");
        rf_st_quote(st, path + 1, size - 1, false);
    } else {
        rf_st_quote(st, path, strnlen((const char *)path, size), false);
    }
}

static void put_inet(struct rf_st *st, const struct rf_sockaddr_in *in)
{
    rf_st_format(st, ", sin_port=htons(%u), sin_addr=inet_addr(\"%u.%u.%u.%u\")",
                 big16(in->sin_port), in->sin_addr[0], in->sin_addr[1], in->sin_addr[2],
                 in->sin_addr[3]);
}

/* RFC 5952: the longest run of two or more zero groups becomes "::". */
static void format_ipv6(char out[64], const uint8_t bytes[16])
{
    unsigned group[8];
    for (int i = 0; i < 8; i++)
        group[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    int best = -1;
    int best_length = 1;
    for (int i = 0; i < 8; i++) {
        int length = 0;
        while (i + length < 8 && !group[i + length])
            length++;
        if (length > best_length) {
            best = i;
            best_length = length;
        }
    }
    bool mapped = best == 0 && (best_length == 6 || (best_length == 5 && group[5] == 0xffff));
    char *at = out;
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            at += sprintf(at, "%s", "::");
            i += best_length - 1;
            continue;
        }
        if (mapped && i == 6) {
            at += sprintf(at, "%s%u.%u.%u.%u", at > out && at[-1] != ':' ? ":" : "", bytes[12],
                          bytes[13], bytes[14], bytes[15]);
            break;
        }
        at += sprintf(at, "%s%x", i && at[-1] != ':' ? ":" : "", group[i]);
    }
}

static void put_inet6(struct rf_st *st, const struct rf_sockaddr_in6 *in6, size_t size)
{
    char text[64];
    format_ipv6(text, in6->sin6_addr);
    rf_st_format(st, ", sin6_port=htons(%u), sin6_flowinfo=htonl(%u)", big16(in6->sin6_port),
                 big32(in6->sin6_flowinfo));
    rf_st_format(st, ", inet_pton(AF_INET6, \"%s\", &sin6_addr)", text);
    if (size >= sizeof *in6)
        rf_st_format(st, ", sin6_scope_id=%u", in6->sin6_scope_id);
}

void rf_st_sockaddr(struct rf_st *st, uint64_t address, int64_t length)
{
    union {
        uint8_t bytes[ADDRESS_MAX];
        uint16_t family;
        struct rf_sockaddr_in in;
        struct rf_sockaddr_in6 in6;
        struct {
            uint16_t family, pad;
            uint32_t pid, groups;
        } netlink;
    } to;
    memset(&to, 0, sizeof to);
    size_t size = length > ADDRESS_MAX ? ADDRESS_MAX : (size_t)length;
    if (length < 2) {
        rf_st_address(st, address);
        return;
    }
    if (!rf_st_fetch(st, address, &to, size))
        return;
    rf_st_text(st, "{sa_family=");
    rf_st_enum(st, to.family, &rf_st_domains);
    if (to.family == RF_AF_UNIX)
        put_unix(st, to.bytes + 2, size - 2 > 108 ? 108 : size - 2);
    else if (to.family == RF_AF_INET && size >= sizeof to.in)
        put_inet(st, &to.in);
    else if (to.family == RF_AF_INET6 && size >= 24)
        put_inet6(st, &to.in6, size);
    else if (to.family == RF_AF_NETLINK && size >= 12)
        rf_st_format(st, ", nl_pid=%u, nl_groups=%#08x", to.netlink.pid, to.netlink.groups);
    else if (size > 2) {
        rf_st_text(st, ", sa_data=");
        rf_st_quote(st, to.bytes + 2, size - 2, false);
    }
    rf_st_text(st, "}");
}

/* The length that an address or option had on entry (remembered) and has now. */
static void put_length_change(struct rf_st *st, uint64_t address)
{
    int32_t before = (int32_t)st->line->memory[0];
    int32_t after;
    if (!address || !rf_st_read(st, address, &after, sizeof after)) {
        rf_st_address(st, address);
        return;
    }
    if (st->failed || before == after)
        rf_st_format(st, "[%d]", before);
    else
        rf_st_format(st, "[%d => %d]", before, after);
}

/* An address that the call wrote: the length stands behind the next argument. */
static void put_address_out(struct rf_st *st, uint64_t address)
{
    int32_t before = (int32_t)st->line->memory[0];
    int32_t after = 0;
    uint64_t length_at = st->args[st->index + 1];
    if (st->failed || !address || !length_at || !rf_st_read(st, length_at, &after, sizeof after)) {
        rf_st_address(st, address);
        return;
    }
    rf_st_sockaddr(st, address, after < before ? after : before);
}

/* ---- messages ---- */

static void put_rights(struct rf_st *st, uint64_t data, uint64_t size)
{
    rf_st_text(st, ", cmsg_data=[");
    for (uint64_t i = 0; i < size / 4 && i < 253; i++) { /* SCM_MAX_FD */
        int32_t fd = -1;
        (void)rf_st_read(st, data + 4 * i, &fd, sizeof fd);
        rf_st_format(st, i ? ", %d" : "%d", fd);
    }
    rf_st_text(st, "]");
}

/* Type and data of one. */
static void put_control_data(struct rf_st *st, const struct rf_cmsghdr *header, uint64_t data, uint64_t size)
{
    bool is_socket = header->cmsg_level == RF_SOL_SOCKET;
    bool is_rights = is_socket && header->cmsg_type == RF_SCM_RIGHTS;
    bool is_creds = is_socket && header->cmsg_type == RF_SCM_CREDENTIALS;
    struct rf_ucred creds;
    if (header->cmsg_level == RF_IPPROTO_IP && rf_st_ip_control(st, header->cmsg_type, data, size))
        return;
    if (is_rights || is_creds)
        rf_st_text(st, is_rights ? ", cmsg_type=SCM_RIGHTS" : ", cmsg_type=SCM_CREDENTIALS");
    else
        rf_st_format(st, ", cmsg_type=%#x", (unsigned)header->cmsg_type);
    if (is_rights && size >= 4) {
        put_rights(st, data, size);
    } else if (is_creds && size >= sizeof creds && rf_st_read(st, data, &creds, sizeof creds)) {
        rf_st_format(st, ", cmsg_data={pid=%d, uid=%u, gid=%u}", creds.pid, creds.uid, creds.gid);
    } else if (size) {
        rf_st_text(st, ", cmsg_data=");
        rf_st_data(st, data, size, true);
    }
}

static void put_control(struct rf_st *st, uint64_t address, uint64_t size)
{
    uint64_t at = 0;
    if (!address || size < sizeof(struct rf_cmsghdr)) {
        rf_st_address(st, address);
        return;
    }
    for (unsigned count = 0; size - at >= sizeof(struct rf_cmsghdr); count++) {
        struct rf_cmsghdr header;
        if (!rf_st_read(st, address + at, &header, sizeof header)) {
            rf_st_address(st, address + at);
            return;
        }
        rf_st_text(st, count ? ", {" : "[{");
        rf_st_format(st, "cmsg_len=%llu, cmsg_level=", (unsigned long long)header.cmsg_len);
        rf_st_enum(st, (uint32_t)header.cmsg_level, &rf_st_option_levels);
        uint64_t length = header.cmsg_len < size - at ? header.cmsg_len : size - at;
        uint64_t data = address + at + sizeof header;
        uint64_t data_size = length > sizeof header ? length - sizeof header : 0;
        put_control_data(st, &header, data, data_size);
        rf_st_text(st, "}");
        if (header.cmsg_len < sizeof header || length >= size - at ||
            st->line->length >= st->line->limit)
            break;
        at += (length + 7) & ~UINT64_C(7);
        if (at >= size)
            break;
    }
    rf_st_text(st, "]");
}

/* The header of sendmsg, or of recvmsg after it: data lies in the vectors then, as
 * much as `available`. */
static void put_msghdr(struct rf_st *st, const struct rf_msghdr *message, uint64_t available)
{
    int32_t name_length = message->msg_namelen;
    bool received = st->leaving;
    rf_st_text(st, "{msg_name=");
    rf_st_sockaddr(st, message->msg_name, name_length);
    int32_t before = (int32_t)st->line->memory[0];
    if (received && message->msg_name && before != name_length)
        rf_st_format(st, ", msg_namelen=%d => %d, msg_iov=", before, name_length);
    else
        rf_st_format(st, ", msg_namelen=%d, msg_iov=", name_length);
    rf_st_iovec(st, message->msg_iov, message->msg_iovlen, true, available);
    rf_st_format(st, ", msg_iovlen=%llu", (unsigned long long)message->msg_iovlen);
    if (message->msg_controllen) {
        rf_st_text(st, ", msg_control=");
        put_control(st, message->msg_control, message->msg_controllen);
    }
    rf_st_format(st,
                 ", msg_controllen=%llu, msg_flags=", (unsigned long long)message->msg_controllen);
    rf_st_flags(st, message->msg_flags, &rf_st_msg_flags);
    rf_st_text(st, "}");
}

static void put_message(struct rf_st *st, uint64_t address)
{
    struct rf_msghdr message;
    if (st->leaving && st->failed) { /* recvmsg: only what the caller gave */
        if (rf_st_read(st, address, &message, sizeof message))
            rf_st_format(st, "{msg_namelen=%d}", (int32_t)st->line->memory[0]);
        else
            rf_st_address(st, address);
        return;
    }
    if (rf_st_fetch(st, address, &message, sizeof message))
        put_msghdr(st, &message, st->leaving ? (uint64_t)st->result : UINT64_MAX);
}

static void put_mmsghdr(struct rf_st *st, const void *element)
{
    struct rf_mmsghdr message;
    memcpy(&message, element, sizeof message);
    rf_st_text(st, "{msg_hdr=");
    put_msghdr(st, &message.msg_hdr, st->leaving ? message.msg_len : UINT64_MAX);
    if (st->leaving)
        rf_st_format(st, ", msg_len=%u", message.msg_len);
    rf_st_text(st, "}");
}

/* ---- options ---- */

static void put_option_name(struct rf_st *st, uint64_t name)
{
    const struct rf_st_names *names = NULL;
    switch ((uint32_t)st->args[1]) {
    case RF_SOL_SOCKET:
        names = &rf_st_socket_options;
        break;
    case RF_IPPROTO_IP:
        names = &rf_st_ip_options;
        break;
    case RF_IPPROTO_IPV6:
        names = &rf_st_ipv6_options;
        break;
    case RF_IPPROTO_TCP:
        names = &rf_st_tcp_options;
        break;
    case RF_IPPROTO_UDP:
        names = &rf_st_udp_options;
        break;
    default:
        break;
    }
    if (names)
        rf_st_enum(st, (uint32_t)name, names);
    else
        rf_st_int(st, (int32_t)name);
}

static void put_option(struct rf_st *st, uint64_t address, int32_t size)
{
    bool is_socket = (uint32_t)st->args[1] == RF_SOL_SOCKET;
    uint32_t name = (uint32_t)st->args[2];
    struct rf_linger linger;
    struct rf_ucred creds;
    int32_t number;
    const char *error;
    if (st->failed || size < 0 || (size < 4 && !st->leaving && is_socket) || (size == 0 && st->leaving)) {
        rf_st_address(st, address);
    } else if (is_socket && name == RF_SO_ERROR && st->leaving && rf_st_read(st, address, &number, sizeof number) &&
               size == 4 && (error = rf_errno_name(number))) {
        rf_st_format(st, "[%s]", error);
    } else if (is_socket && name == RF_SO_LINGER && size >= (int32_t)sizeof linger) {
        if (rf_st_fetch(st, address, &linger, sizeof linger))
            rf_st_format(st, "{l_onoff=%d, l_linger=%d}", linger.l_onoff, linger.l_linger);
    } else if (is_socket && name == RF_SO_PEERCRED && size >= (int32_t)sizeof creds) {
        if (rf_st_fetch(st, address, &creds, sizeof creds))
            rf_st_format(st, "{pid=%d, uid=%u, gid=%u}", creds.pid, creds.uid, creds.gid);
    } else if (size == 4) {
        if (rf_st_fetch(st, address, &number, sizeof number))
            rf_st_format(st, "[%d]", number);
    } else {
        rf_st_data(st, address, (uint64_t)size, false);
    }
}

static void put_option_out(struct rf_st *st, uint64_t address)
{
    int32_t size = 0;
    if (!st->failed && !rf_st_read(st, st->args[4], &size, sizeof size)) {
        rf_st_address(st, address);
        return;
    }
    put_option(st, address, size);
}

/* ---- socket() ---- */

static void put_socket_type(struct rf_st *st, uint64_t value)
{
    value &= UINT32_MAX;
    uint64_t type = value & RF_SOCK_TYPE_MASK;
    uint64_t bits = value & ~(uint64_t)RF_SOCK_TYPE_MASK;
    bool shown = false;
    if (rf_st_find_name(type, &rf_st_socket_types) || !bits) {
        if (type || !bits) {
            if (type)
                rf_st_enum(st, type, &rf_st_socket_types);
            else
                rf_st_text(st, "0");
            shown = true;
        }
        type = 0;
    }
    uint64_t rest = rf_st_flag_names(st, bits, &rf_st_socket_bits, &shown) | type;
    if (rest) {
        rf_st_separate(st, &shown);
        rf_st_hex(st, rest);
    }
}

static void put_protocol(struct rf_st *st, uint64_t value)
{
    uint32_t domain = (uint32_t)st->args[0];
    if (domain == RF_AF_INET || domain == RF_AF_INET6)
        rf_st_enum(st, (uint32_t)value, &rf_st_ip_protocols);
    else if (domain == RF_AF_NETLINK)
        rf_st_enum(st, (uint32_t)value, &rf_st_netlink_protocols);
    else
        rf_st_unsigned(st, (uint32_t)value);
}

bool rf_st_net_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    switch (kind) {
    case RF_ARG_SOCKADDR_IN:
        rf_st_sockaddr(st, value, (int32_t)st->args[st->index + 1]);
        break;
    case RF_ARG_SOCKADDR_OUT:
        put_address_out(st, value);
        break;
    case RF_ARG_SOCKLEN_INOUT:
    case RF_ARG_INT_INOUT:
        put_length_change(st, value);
        break;
    case RF_ARG_MSGHDR_IN:
    case RF_ARG_MSGHDR_OUT:
        put_message(st, value);
        break;
    case RF_ARG_MMSGHDR_IN:
        rf_st_array(st, value, (uint32_t)st->args[2], sizeof(struct rf_mmsghdr), put_mmsghdr);
        break;
    case RF_ARG_MMSGHDR_OUT:
        rf_st_array(st, value, (uint64_t)st->result, sizeof(struct rf_mmsghdr), put_mmsghdr);
        break;
    case RF_ARG_SOCKOPT_LEVEL:
        rf_st_enum(st, (uint32_t)value, &rf_st_option_levels);
        break;
    case RF_ARG_SOCKOPT_NAME:
        put_option_name(st, value);
        break;
    case RF_ARG_SOCKOPT_IN:
        put_option(st, value, (int32_t)st->args[4]);
        break;
    case RF_ARG_SOCKOPT_OUT:
        put_option_out(st, value);
        break;
    case RF_ARG_SOCKET_TYPE:
        put_socket_type(st, value);
        break;
    case RF_ARG_SOCKET_PROTOCOL:
        put_protocol(st, value);
        break;
    default:
        return false;
    }
    return true;
}

/* Internet addresses, and the routes of a machine whose only interface is lo (127.0.0.0/8 and ::1). */
#include "kernel/net/inet.h"

#include <string.h>

const uint8_t rf_inet_any6[16] = { 0 };
const uint8_t rf_inet_loopback6[16] = { [15] = 1 };
static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool rf_inet_is_mapped(const uint8_t address[16])
{
    return memcmp(address, mapped_prefix, sizeof mapped_prefix) == 0;
}

bool rf_inet_is_same(const uint8_t a[16], const uint8_t b[16])
{
    return memcmp(a, b, 16) == 0;
}

bool rf_inet_is_any(const uint8_t address[16])
{
    static const uint8_t zero[4];
    return rf_inet_is_same(address, rf_inet_any6) ||
           (rf_inet_is_mapped(address) && memcmp(address + 12, zero, 4) == 0);
}

static void set4(uint8_t address[16], uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    const uint8_t bytes[4] = { a, b, c, d };
    memcpy(address, mapped_prefix, sizeof mapped_prefix);
    memcpy(address + 12, bytes, sizeof bytes);
}

void rf_inet_set_any(uint8_t address[16], bool mapped)
{
    memset(address, 0, 16);
    if (mapped)
        set4(address, 0, 0, 0, 0);
}

void rf_inet_set_loopback(uint8_t address[16], bool mapped)
{
    memcpy(address, rf_inet_loopback6, 16);
    if (mapped)
        set4(address, 127, 0, 0, 1);
}

static enum rf_inet_kind kind4(const uint8_t a[4])
{
    static const uint8_t everybody[4] = { 255, 255, 255, 255 }, subnet[4] = { 127, 255, 255, 255 }, zero[4];
    if (memcmp(a, zero, 4) == 0)
        return RF_INET_ANY;
    if (memcmp(a, everybody, 4) == 0 || memcmp(a, subnet, 4) == 0)
        return RF_INET_BROADCAST;
    if (a[0] >= 224 && a[0] <= 239)
        return RF_INET_MULTICAST;
    return a[0] == 127 ? RF_INET_LOCAL : RF_INET_REMOTE;
}

enum rf_inet_kind rf_inet_kind(const uint8_t address[16])
{
    if (rf_inet_is_mapped(address))
        return kind4(address + 12);
    if (rf_inet_is_same(address, rf_inet_any6))
        return RF_INET_ANY;
    if (rf_inet_is_same(address, rf_inet_loopback6))
        return RF_INET_LOCAL;
    if (address[0] == 0xff)
        return RF_INET_MULTICAST;
    return address[0] == 0xfe && (address[1] & 0xc0) == 0x80 ? RF_INET_LINK_LOCAL : RF_INET_REMOTE;
}

static uint16_t from_big(uint16_t port)
{
    return (uint16_t)(port << 8 | port >> 8);
}

void rf_inet_name_from(struct rf_inet_name *out, const struct rf_socket_address *address)
{
    if (address->family == RF_AF_INET6) {
        memcpy(out->address, address->in6.sin6_addr, 16);
        out->port = from_big(address->in6.sin6_port);
        return;
    }
    memcpy(out->address, mapped_prefix, sizeof mapped_prefix);
    memcpy(out->address + 12, address->in.sin_addr, 4);
    out->port = from_big(address->in.sin_port);
}

/* Groups of one link or interface are nothing without it. */
bool rf_inet_needs_scope(const struct rf_socket_address *address)
{
    const uint8_t *a = address->in6.sin6_addr;
    bool given = address->length >= sizeof address->in6 && address->in6.sin6_scope_id;
    return address->family == RF_AF_INET6 && a[0] == 0xff && (a[1] & 0xf) <= 2 && !given;
}

void rf_inet_name_to(struct rf_socket_address *out, const struct rf_inet_name *name, bool v6)
{
    memset(out->bytes, 0, sizeof out->in6);
    if (v6) {
        out->length = sizeof out->in6;
        out->in6.sin6_family = RF_AF_INET6;
        out->in6.sin6_port = from_big(name->port);
        memcpy(out->in6.sin6_addr, name->address, 16);
        return;
    }
    out->length = sizeof out->in;
    out->in.sin_family = RF_AF_INET;
    out->in.sin_port = from_big(name->port);
    memcpy(out->in.sin_addr, name->address + 12, 4);
}

/* Groups need an interface: IP_MULTICAST_IF, IPV6_MULTICAST_IF, SO_BINDTODEVICE, or the address that was bound. */
static bool has_interface(const struct rf_inet_socket *i, bool mapped)
{
    return i->entry.socket->options.device[0] || (mapped ? i->options.multicast_index : i->options.multicast_index6);
}

int64_t rf_inet_route(const struct rf_inet_socket *i, const uint8_t to[16], uint8_t from[16])
{
    bool mapped = rf_inet_is_mapped(to), own = !rf_inet_is_any(i->entry.local.address);
    enum rf_inet_kind kind = rf_inet_kind(to);
    uint8_t loopback[16];
    rf_inet_set_loopback(loopback, mapped);
    if (own && rf_inet_is_mapped(i->entry.local.address) != mapped)
        return mapped ? -RF_ENETUNREACH : -RF_EAFNOSUPPORT; /* ip6_dst_lookup_tail */
    if (kind == RF_INET_MULTICAST && !has_interface(i, mapped) && !own)
        return -RF_ENETUNREACH;
    if (kind == RF_INET_REMOTE || (kind == RF_INET_BROADCAST && to[12] == 255 && !i->entry.socket->options.device[0]))
        return -RF_ENETUNREACH;
    if (kind == RF_INET_LINK_LOCAL)
        return -RF_EINVAL; /* of which interface? */
    if (kind == RF_INET_BROADCAST && !i->entry.socket->options.broadcast)
        return -RF_EACCES;
    if (own && rf_inet_kind(i->entry.local.address) == RF_INET_LOCAL)
        memcpy(from, i->entry.local.address, 16);
    else
        memcpy(from, loopback, 16); /* the preferred source of 127.0.0.0/8 */
    return 0;
}

/* A socket of IPv6 speaks IPv4 with mapped addresses. */
static int64_t destination6(const struct rf_inet_socket *i, const struct rf_socket_address *address,
                            struct rf_inet_name *out)
{
    if (address->length < RF_SIN6_LEN_RFC2133)
        return -RF_EINVAL;
    rf_inet_name_from(out, address);
    if (rf_inet_is_same(out->address, rf_inet_any6))
        rf_inet_set_loopback(out->address, rf_inet_is_mapped(i->entry.local.address));
    if (rf_inet_is_mapped(out->address) && i->entry.only6)
        return -RF_ENETUNREACH;
    if (rf_inet_needs_scope(address) && !i->entry.stream)
        return -RF_EINVAL;
    if (rf_inet_kind(out->address) == RF_INET_LINK_LOCAL)
        return address->length >= sizeof address->in6 && address->in6.sin6_scope_id ? -RF_ENETUNREACH : -RF_EINVAL;
    return 0;
}

int64_t rf_inet_destination(const struct rf_inet_socket *i, const struct rf_socket_address *address,
                            struct rf_inet_name *out)
{
    if (i->entry.v6 && address->family == RF_AF_INET6) {
        int64_t error = destination6(i, address, out);
        if (error)
            return error;
    } else {
        if (i->entry.v6 && i->entry.stream && address->length < RF_SIN6_LEN_RFC2133)
            return -RF_EINVAL;
        if (i->entry.v6 && (address->family != RF_AF_INET || i->entry.stream))
            return -RF_EAFNOSUPPORT;
        if (address->length < sizeof address->in)
            return -RF_EINVAL;
        if (address->family != RF_AF_INET && !(address->family == RF_AF_UNSPEC && !i->entry.stream))
            return -RF_EAFNOSUPPORT;
        if (i->entry.only6)
            return -RF_ENETUNREACH;
        rf_inet_name_from(out, address);
    }
    if (rf_inet_is_any(out->address))
        rf_inet_set_loopback(out->address, rf_inet_is_mapped(out->address));
    return 0;
}

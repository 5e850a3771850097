/* netdevice(7): what ioctls of any socket tell of the interface lo, and refuse to change. */
#include "kernel/net/inet.h"

#include "kernel/task/task.h"

#include <string.h>

static void set_address(struct rf_sockaddr_in *out, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    *out = (struct rf_sockaddr_in){ .sin_family = RF_AF_INET, .sin_addr = { a, b, c, d } };
}

/* SIOCGIFCONF: how much there is, or as many entries as there is room for. */
static int64_t list(struct rf_kernel *k, uint64_t user)
{
    struct rf_ifconf conf;
    struct rf_ifreq entry = { .ifr_name = "lo" };
    if (RF_GET_USER(k, conf, user))
        return -RF_EFAULT;
    if (!conf.ifc_buf) {
        conf.ifc_len = sizeof entry;
    } else if (conf.ifc_len >= (int32_t)sizeof entry) {
        set_address(&entry.ifr_addr, 127, 0, 0, 1);
        if (RF_PUT_USER(k, conf.ifc_buf, entry))
            return -RF_EFAULT;
        conf.ifc_len = sizeof entry;
    } else {
        conf.ifc_len = 0;
    }
    return RF_PUT_USER(k, user, conf);
}

static int64_t tell_name(struct rf_kernel *k, uint64_t user)
{
    struct rf_ifreq request;
    if (RF_GET_USER(k, request, user))
        return -RF_EFAULT;
    if (request.ifr_ifindex != RF_LOOPBACK_INDEX)
        return -RF_ENODEV;
    memset(request.ifr_name, 0, sizeof request.ifr_name);
    memcpy(request.ifr_name, "lo", 3);
    return RF_PUT_USER(k, user, request);
}

static bool changes_something(uint32_t command)
{
    static const uint32_t changes[] = { RF_SIOCSIFFLAGS, RF_SIOCSIFADDR, RF_SIOCSIFDSTADDR, RF_SIOCSIFBRDADDR,
                                        RF_SIOCSIFNETMASK, RF_SIOCSIFMETRIC, RF_SIOCSIFMTU, RF_SIOCSIFHWADDR,
                                        RF_SIOCSIFTXQLEN, RF_SIOCADDRT, RF_SIOCDELRT };
    for (size_t i = 0; i < RF_ARRAY_SIZE(changes); i++)
        if (changes[i] == command)
            return true;
    return false;
}

/* devinet_ioctl's: only sockets of AF_INET know them; the rest is dev_ioctl's, which all sockets do. */
static bool asks_for_address(uint32_t command)
{
    return command == RF_SIOCGIFADDR || command == RF_SIOCGIFDSTADDR || command == RF_SIOCGIFBRDADDR ||
           command == RF_SIOCGIFNETMASK;
}

/* What is asked about the interface that request names. */
static int64_t answer(uint32_t command, struct rf_ifreq *request)
{
    struct rf_ifreq clean = { .ifr_flags = 0 };
    memcpy(clean.ifr_name, request->ifr_name, sizeof clean.ifr_name);
    switch (command) {
    case RF_SIOCGIFFLAGS: request->ifr_flags = RF_IFF_LOOPBACK_UP; return 0;
    case RF_SIOCGIFADDR: set_address(&request->ifr_addr, 127, 0, 0, 1); return 0;
    case RF_SIOCGIFDSTADDR: set_address(&request->ifr_addr, 127, 0, 0, 1); return 0;
    case RF_SIOCGIFBRDADDR: set_address(&request->ifr_addr, 0, 0, 0, 0); return 0;
    case RF_SIOCGIFNETMASK: set_address(&request->ifr_addr, 255, 0, 0, 0); return 0;
    case RF_SIOCGIFMETRIC: request->ifr_metric = 0; return 0;
    case RF_SIOCGIFMTU: request->ifr_mtu = RF_LOOPBACK_MTU; return 0;
    case RF_SIOCGIFINDEX: request->ifr_ifindex = RF_LOOPBACK_INDEX; return 0;
    case RF_SIOCGIFTXQLEN: request->ifr_qlen = 1000; return 0;
    case RF_SIOCGIFHWADDR:
        *request = clean;
        request->ifr_hwaddr.sa_family = RF_ARPHRD_LOOPBACK;
        return 0;
    case RF_SIOCGIFMAP: *request = clean; return 0;
    default: return -RF_ENOTTY;
    }
}

int64_t rf_device_ioctl(struct rf_kernel *k, struct rf_socket *s, uint32_t command, uint64_t argument)
{
    struct rf_ifreq request;
    if (asks_for_address(command) && s->family->domain != RF_AF_INET)
        return -RF_ENOTTY;
    if (command == RF_SIOCGIFCONF)
        return list(k, argument);
    if (command == RF_SIOCGIFNAME)
        return tell_name(k, argument);
    if (changes_something(command))
        return RF_GET_USER(k, request, argument)        ? -RF_EFAULT
               : rf_capable(k, RF_CAP_NET_ADMIN) ? -RF_EOPNOTSUPP : -RF_EPERM;
    struct rf_ifreq probe = { .ifr_flags = 0 };
    if (answer(command, &probe))
        return -RF_ENOTTY;
    if (RF_GET_USER(k, request, argument))
        return -RF_EFAULT;
    request.ifr_name[sizeof request.ifr_name - 1] = '\0';
    char *alias = strchr(request.ifr_name, ':');
    if (alias)
        *alias = '\0';
    if (strcmp(request.ifr_name, "lo") != 0)
        return -RF_ENODEV;
    int64_t error = answer(command, &request);
    return error ? error : RF_PUT_USER(k, argument, request);
}

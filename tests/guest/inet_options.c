/* Options of the levels IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6: what they are at first, what may be set, and in how many
 * bytes; ioctls about the interface lo. */
#include "inet.h"

#include <linux/sockios.h>
#include <netinet/udp.h>

static void get(int fd, int level, int name, int room)
{
    unsigned char value[256];
    memset(value, 0xee, sizeof value);
    socklen_t size = (socklen_t)room;
    int result = getsockopt(fd, level, name, value, &size);
    printf("get %d/%d in %d: %d", level, name, room, result ? errno : 0);
    if (!result) {
        printf(" size %d:", (int)size);
        for (socklen_t i = 0; i < size && i < 16; i++)
            printf(" %02x", value[i]);
        printf("%s", value[size] == 0xee ? "" : " and more");
    }
    printf("\n");
}

static void set(int fd, int level, int name, int value)
{
    errno = 0;
    int result = set_int(fd, level, name, value);
    printf("set %d/%d to %d: %d\n", level, name, value, result ? errno : 0);
    if (!result)
        get(fd, level, name, 4);
}

static void tcp(void)
{
    printf("--- tcp\n");
    static const int names[] = { TCP_NODELAY, TCP_MAXSEG, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT,
                                 TCP_SYNCNT,
                                 TCP_LINGER2, TCP_DEFER_ACCEPT, TCP_QUICKACK, TCP_USER_TIMEOUT, TCP_FASTOPEN,
                                 TCP_NOTSENT_LOWAT, TCP_FASTOPEN_CONNECT, TCP_THIN_LINEAR_TIMEOUTS, TCP_REPAIR };
    static const int values[] = { 0, 1, 5, 100, 127, 128, 32767, 32768, -1 };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        get(fd, IPPROTO_TCP, names[i], 4);
        for (size_t j = 0; j < sizeof values / sizeof *values && names[i] != TCP_REPAIR; j++)
            set(fd, IPPROTO_TCP, names[i], values[j]);
    }
    get(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    get(fd, IPPROTO_TCP, TCP_NODELAY, 0);
    get(fd, IPPROTO_TCP, TCP_NODELAY, 8);
    get(fd, IPPROTO_TCP, TCP_NODELAY, -1);
    get(fd, IPPROTO_TCP, 999, 4);
    CALL(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, "\1", 1));
    CALL(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, "\1\0\0\0\0\0\0", 8));
    CALL(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, "\1\0\0\0", -1));
    CALL(set_int(fd, IPPROTO_TCP, 999, 1));
    CALL(set_int(fd, 255, 1, 1));
    get(fd, 255, 1, 4);
    get(fd, IPPROTO_IPV6, IPV6_V6ONLY, 4);
    CALL(set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    CALL(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nonsense", 8));
    CALL(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    char name[17] = { 0 };
    socklen_t size = 16;
    CALL(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size));
    printf("%s %d\n", name, (int)size);
    CALL(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 0));
    CALL(setsockopt(fd, IPPROTO_TCP, TCP_ULP, "nonsense", 8));
    struct tcp_info info;
    memset(&info, 0xee, sizeof info);
    size = 8;
    CALL(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size));
    SHOW(size);
    SHOW(info.tcpi_state);
    SHOW(info.tcpi_rto == 0xeeeeeeee);
    close(fd);
    int e[2];
    connected_pair(e);
    set(e[0], IPPROTO_TCP, TCP_FASTOPEN, 5);
    set(e[0], IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
    set(e[0], IPPROTO_TCP, TCP_WINDOW_CLAMP, 0);
    SHOW(get_int(e[0], IPPROTO_TCP, TCP_MAXSEG) > 30000);
    get(e[0], IPPROTO_IP, IP_MTU, 4);
    write(e[0], "12345", 5);
    wait_ready(e[1], POLLIN);
    size = sizeof info;
    CALL(getsockopt(e[1], IPPROTO_TCP, TCP_INFO, &info, &size));
    SHOW(info.tcpi_state);
    SHOW(info.tcpi_options & 7);
    SHOW(info.tcpi_retrans);
    SHOW(info.tcpi_rtt > 0);
    close(e[0]);
    close(e[1]);
    int l = listener4(7), c = socket(AF_INET, SOCK_STREAM, 0);
    set_int(l, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(l, IPPROTO_TCP, TCP_KEEPIDLE, 99);
    set_int(l, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(l, IPPROTO_IP, IP_TTL, 9);
    connect4(c, "127.0.0.1", port_of(l));
    size = sizeof info;
    CALL(getsockopt(l, IPPROTO_TCP, TCP_INFO, &info, &size));
    SHOW(info.tcpi_unacked);
    SHOW(info.tcpi_sacked);
    int other = accept(l, NULL, NULL);
    get(other, IPPROTO_TCP, TCP_NODELAY, 4);
    get(other, IPPROTO_TCP, TCP_KEEPIDLE, 4);
    get(other, SOL_SOCKET, SO_KEEPALIVE, 4);
    get(other, IPPROTO_IP, IP_TTL, 4);
    get(other, SOL_SOCKET, SO_ACCEPTCONN, 4);
    get(l, SOL_SOCKET, SO_ACCEPTCONN, 4);
    close(other);
    close(c);
    close(l);
}

static void ip(int type)
{
    printf("--- ip %d\n", type);
    static const int names[] = { IP_TOS, IP_TTL, IP_OPTIONS, IP_RECVOPTS, IP_RETOPTS, IP_PKTINFO, IP_MTU_DISCOVER,
                                 IP_RECVERR,
                                 IP_RECVTTL, IP_RECVTOS, IP_MTU, IP_FREEBIND, IP_RECVORIGDSTADDR, IP_MINTTL,
                                 IP_BIND_ADDRESS_NO_PORT, IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_MULTICAST_ALL,
                                 IP_MULTICAST_IF };
    static const int values[] = { 0, 1, 3, 6, 255, 256, -1 };
    int fd = socket(AF_INET, type, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        get(fd, IPPROTO_IP, names[i], 4);
        get(fd, IPPROTO_IP, names[i], 1);
        for (size_t j = 0; j < sizeof values / sizeof *values && names[i] != IP_OPTIONS &&
             names[i] != IP_MULTICAST_IF; j++)
            set(fd, IPPROTO_IP, names[i], values[j]);
    }
    get(fd, IPPROTO_IP, IP_TTL, 0);
    get(fd, IPPROTO_IP, IP_TTL, 3);
    get(fd, IPPROTO_IP, 999, 4);
    get(fd, IPPROTO_IP, 52, 4);
    CALL(setsockopt(fd, IPPROTO_IP, IP_TTL, "\7", 1));
    get(fd, IPPROTO_IP, IP_TTL, 4);
    CALL(setsockopt(fd, IPPROTO_IP, IP_TTL, "\7", 0));
    CALL(setsockopt(fd, IPPROTO_IP, IP_TOS, "\7", 0));
    CALL(setsockopt(fd, IPPROTO_IP, 999, "\7", 1));
    CALL(setsockopt(fd, IPPROTO_IP, IP_HDRINCL, "\1\0\0\0", 4));
    close(fd);
}

static void ipv6(int type)
{
    printf("--- ipv6 %d\n", type);
    static const int names[] = { IPV6_V6ONLY, IPV6_UNICAST_HOPS, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_LOOP,
                                 IPV6_MULTICAST_IF,
                                 IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_TCLASS, IPV6_RECVERR,
                                 IPV6_MTU_DISCOVER, IPV6_DONTFRAG, IPV6_MTU };
    static const int values[] = { 0, 1, 6, 255, 256, -1 };
    int fd = socket(AF_INET6, type, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        get(fd, IPPROTO_IPV6, names[i], 4);
        get(fd, IPPROTO_IPV6, names[i], 1);
        for (size_t j = 0; j < sizeof values / sizeof *values && names[i] != IPV6_MTU; j++)
            set(fd, IPPROTO_IPV6, names[i], values[j]);
    }
    CALL(setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, "\7", 1));
    CALL(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, "\1", 1));
    get(fd, IPPROTO_IPV6, 999, 4);
    CALL(set_int(fd, IPPROTO_IPV6, 999, 1));
    get(fd, IPPROTO_IP, IP_TTL, 4);
    get(fd, 255, 1, 4);
    bind6(fd, "::1", 0);
    CALL(set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0));
    get(fd, IPPROTO_IPV6, IPV6_V6ONLY, 4);
    close(fd);
}

static void interface(void)
{
    printf("--- lo\n");
    static const unsigned long questions[] = { SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK,
                                               SIOCGIFDSTADDR,
                                               SIOCGIFMETRIC, SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFTXQLEN };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        memset(&request, 0, sizeof request);
        strcpy(request.ifr_name, "lo");
        int result = ioctl(fd, questions[i], &request);
        printf("ioctl %lx: %d", questions[i], result ? errno : 0);
        for (size_t j = 0; j < 8; j++)
            printf(" %02x", ((unsigned char *)&request.ifr_ifru)[j]);
        printf("\n");
        strcpy(request.ifr_name, "nosuch0");
        CALL(ioctl(fd, questions[i], &request));
    }
    memset(&request, 0, sizeof request);
    request.ifr_ifindex = 1;
    CALL(ioctl(fd, SIOCGIFNAME, &request));
    puts(request.ifr_name);
    request.ifr_ifindex = 77;
    CALL(ioctl(fd, SIOCGIFNAME, &request));
    struct ifreq list[4];
    struct ifconf conf = { .ifc_len = sizeof list, .ifc_req = list };
    CALL(ioctl(fd, SIOCGIFCONF, &conf));
    SHOW(conf.ifc_len);
    printf("%s\n", list[0].ifr_name);
    conf.ifc_len = 20;
    CALL(ioctl(fd, SIOCGIFCONF, &conf));
    SHOW(conf.ifc_len);
    conf.ifc_req = NULL;
    CALL(ioctl(fd, SIOCGIFCONF, &conf));
    SHOW(conf.ifc_len);
    CALL(ioctl(fd, 0x8999, &conf));
    SHOW(if_nametoindex("lo"));
    CALL(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
    CALL(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nosuch0", 7));
    CALL(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
    if (fork() == 0) {
        setresuid(1000, 1000, 1000);
        strcpy(request.ifr_name, "lo");
        CALL(ioctl(fd, SIOCSIFMTU, &request));
        _exit(0);
    }
    wait(NULL);
    close(fd);
}

int main(void)
{
    own_network();
    tcp();
    ip(SOCK_STREAM);
    ip(SOCK_DGRAM);
    ipv6(SOCK_STREAM);
    ipv6(SOCK_DGRAM);
    interface();
    return 0;
}

/* UDP: who gets a datagram, how it is cut, errors that come back, groups, ancillary data. */
#include "inet.h"

#include <linux/errqueue.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>

static int udp(const char *address)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (address && bind4(fd, address, 0))
        perror("bind");
    return fd;
}

static long send4(int fd, const void *data, size_t size, const char *address, int port)
{
    struct sockaddr_in a = in4(address, port);
    return sendto(fd, data, size, 0, (struct sockaddr *)&a, sizeof a);
}

static void datagrams(void)
{
    printf("--- datagrams\n");
    int a = udp("127.0.0.1"), b = udp(NULL);
    char text[16] = "";
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    SHOW(ready(b));
    CALL(send4(b, "hello", 5, "127.0.0.1", port_of(a)));
    SHOW(port_of(b) != 0);
    SHOW(ready(a));
    int n;
    DONE(ioctl(a, FIONREAD, &n));
    SHOW(n);
    CALL(recvfrom(a, text, 3, MSG_PEEK, (struct sockaddr *)&from, &size));
    show_address("from", (struct sockaddr *)&from, size, false);
    CALL(recv(a, text, 3, MSG_PEEK | MSG_TRUNC));
    struct iovec v = { text, 3 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
    CALL(recvmsg(a, &m, 0));
    SHOW(m.msg_flags);
    CALL(recv(a, text, 3, MSG_DONTWAIT));
    CALL(send4(b, "", 0, "127.0.0.1", port_of(a)));
    SHOW(ready(a));
    CALL(recv(a, text, 3, 0));
    CALL(send4(b, "1", 1, "127.0.0.1", port_of(a)));
    CALL(send4(b, "22", 2, "0.0.0.0", port_of(a)));
    CALL(recv(a, text, 16, MSG_DONTWAIT));
    CALL(recv(a, text, 16, MSG_DONTWAIT));
    CALL(recv(a, text, 1, MSG_OOB | MSG_DONTWAIT));
    CALL(send(a, "x", 1, MSG_OOB));
    CALL(listen(a, 1));
    CALL(accept(a, NULL, NULL));
    close(a);
    close(b);
}

static void errors(void)
{
    printf("--- errors\n");
    int a = udp(NULL);
    static char big[70000];
    struct sockaddr_in to = in4("127.0.0.1", 9);
    CALL(send(a, "x", 1, 0));
    CALL(send4(a, "x", 1, "127.0.0.1", 0));
    CALL(sendto(a, "x", 1, 0, (struct sockaddr *)&to, 8));
    CALL(sendto(a, "x", 1, 0, (struct sockaddr *)&to, -1));
    CALL(sendto(a, "x", 1, 0, (void *)1, sizeof to));
    to.sin_family = AF_UNIX;
    CALL(sendto(a, "x", 1, 0, (struct sockaddr *)&to, sizeof to));
    CALL(connect(a, (struct sockaddr *)&to, sizeof to));
    CALL(connect(a, (struct sockaddr *)&to, 1));
    to = in4("127.0.0.1", 9);
    CALL(connect(a, (struct sockaddr *)&to, 8));
    CALL(send4(a, big, 65508, "127.0.0.1", 9));
    CALL(send4(a, big, 65536, "127.0.0.1", 9));
    CALL(send4(a, big, 70000, "127.0.0.1", 9));
    CALL(send4(a, "x", 1, "192.0.2.200", 9));
    CALL(send4(a, "x", 1, "255.255.255.255", 9));
    CALL(send4(a, "x", 1, "127.255.255.255", 9));
    CALL(send4(a, "x", 1, "224.0.0.251", 9));
    CALL(connect4(a, "192.0.2.200", 9));
    CALL(connect4(a, "127.255.255.255", 9));
    CALL(set_int(a, SOL_SOCKET, SO_BROADCAST, 1));
    CALL(send4(a, "x", 1, "127.255.255.255", 9));
    CALL(bind4(a, "127.0.0.1", 0));
    close(a);
    a = udp(NULL);
    CALL(bind4(a, "192.0.2.200", 0));
    CALL(bind4(a, "224.0.0.251", 0));
    close(a);
    a = udp(NULL);
    to = in4("127.0.0.1", 0);
    CALL(bind(a, (struct sockaddr *)&to, 15));
    to.sin_family = AF_INET6;
    CALL(bind(a, (struct sockaddr *)&to, 16));
    to.sin_family = AF_UNSPEC;
    CALL(bind(a, (struct sockaddr *)&to, 16));
    to.sin_addr.s_addr = 0;
    CALL(bind(a, (struct sockaddr *)&to, 16));
    CALL(bind(a, (struct sockaddr *)&to, 129));
    CALL(bind(a, (void *)1, 16));
    close(a);
}

static void connected(void)
{
    printf("--- connected\n");
    int a = udp("127.0.0.1"), b = udp("127.0.0.1"), c = udp("127.0.0.1");
    char text[8];
    CALL(connect4(a, "127.0.0.1", port_of(b)));
    show_names(a);
    CALL(send(a, "1", 1, 0));
    CALL(recv(b, text, 8, MSG_DONTWAIT));
    CALL(send4(c, "no", 2, "127.0.0.1", port_of(a)));
    CALL(recv(a, text, 8, MSG_DONTWAIT));
    CALL(pending_error(c));
    CALL(send4(b, "yes", 3, "127.0.0.1", port_of(a)));
    CALL(recv(a, text, 8, MSG_DONTWAIT));
    CALL(send4(a, "other", 5, "127.0.0.1", port_of(c)));
    CALL(recv(c, text, 8, MSG_DONTWAIT));
    CALL(unconnect(a));
    show_names(a);
    CALL(send4(c, "now", 3, "127.0.0.1", port_of(a)));
    CALL(recv(a, text, 8, MSG_DONTWAIT));
    close(a);
    a = udp(NULL);
    CALL(connect4(a, "127.0.0.1", port_of(b)));
    SHOW(port_of(a) != 0);
    show_names(a);
    CALL(unconnect(a));
    SHOW(port_of(a));
    show_names(a);
    CALL(connect4(a, "0.0.0.0", 9));
    show_names(a);
    CALL(connect4(a, "127.0.0.1", 0));
    show_names(a);
    CALL(shutdown(b, SHUT_RD));
    CALL(shutdown(a, SHUT_WR));
    SHOW(ready(a));
    CALL(send(a, "x", 1, MSG_NOSIGNAL));
    CALL(shutdown(a, SHUT_RD));
    SHOW(ready(a));
    CALL(recv(a, text, 8, 0));
    close(a);
    close(b);
    close(c);
}

static void refused(void)
{
    printf("--- refused\n");
    int a = udp("127.0.0.1"), b = udp("127.0.0.1"), port = port_of(b);
    char text[8];
    close(b);
    CALL(send4(a, "x", 1, "127.0.0.1", port));
    SHOW(ready(a));
    SHOW(pending_error(a));
    CALL(connect4(a, "127.0.0.1", port));
    CALL(send(a, "x", 1, 0));
    SHOW(ready(a));
    CALL(recv(a, text, 8, 0));
    CALL(send(a, "x", 1, 0));
    CALL(send(a, "x", 1, 0));
    CALL(send(a, "x", 1, 0));
    SHOW(pending_error(a));
    SHOW(pending_error(a));
    CALL(recv(a, text, 8, MSG_ERRQUEUE));
    CALL(unconnect(a));
    CALL(set_int(a, IPPROTO_IP, IP_RECVERR, 1));
    CALL(send4(a, "lost", 4, "127.0.0.1", port));
    SHOW(ready(a));
    CALL(recv(a, text, 8, 0));
    char space[256];
    struct sockaddr_in name = { 0 };
    struct iovec v = { text, 8 };
    struct msghdr m = { .msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &v, .msg_iovlen = 1,
                        .msg_control = space, .msg_controllen = sizeof space };
    CALL(recvmsg(a, &m, MSG_ERRQUEUE));
    SHOW(m.msg_flags);
    SHOW(m.msg_controllen);
    SHOW(ntohs(name.sin_port) == port);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c) {
        const struct sock_extended_err *e = (void *)CMSG_DATA(c);
        const struct sockaddr_in *offender = (const void *)SO_EE_OFFENDER(e);
        printf("level %d type %d length %d: errno %d origin %d type %d code %d info %d\n", c->cmsg_level, c->cmsg_type,
               (int)c->cmsg_len, e->ee_errno, e->ee_origin, e->ee_type, e->ee_code, e->ee_info);
        show_address("offender", (const struct sockaddr *)offender, sizeof *offender, true);
    }
    CALL(recvmsg(a, &m, MSG_ERRQUEUE));
    SHOW(ready(a));
    close(a);
}

static void sharing(void)
{
    printf("--- sharing\n");
    int a = udp(NULL), b = udp(NULL), c = udp("127.0.0.1");
    char text[8];
    set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
    bind4(a, "127.0.0.1", 0);
    int port = port_of(a);
    CALL(bind4(b, "127.0.0.1", port));
    CALL(set_int(b, SOL_SOCKET, SO_REUSEADDR, 1));
    CALL(bind4(b, "127.0.0.1", port));
    CALL(send4(c, "x", 1, "127.0.0.1", port));
    CALL(recv(a, text, 8, MSG_DONTWAIT));
    CALL(recv(b, text, 8, MSG_DONTWAIT));
    close(a);
    close(b);
    a = udp("0.0.0.0");
    port = port_of(a);
    b = udp(NULL);
    CALL(bind4(b, "127.0.0.1", port));
    close(a);
    CALL(bind4(b, "127.0.0.1", port));
    a = udp(NULL);
    CALL(bind4(a, "127.0.0.2", port));
    CALL(send4(c, "x", 1, "127.0.0.2", port));
    CALL(recv(a, text, 8, MSG_DONTWAIT));
    CALL(recv(b, text, 8, MSG_DONTWAIT));
    close(a);
    close(b);
    int group[4], got = 0, each = 0;
    for (int i = 0; i < 4; i++) {
        group[i] = udp(NULL);
        set_int(group[i], SOL_SOCKET, SO_REUSEPORT, 1);
        show_result("bind with SO_REUSEPORT", bind4(group[i], "127.0.0.1", i ? port : 0));
        port = port_of(group[0]);
    }
    for (int i = 0; i < 64; i++) {
        int from = udp(NULL);
        send4(from, "x", 1, "127.0.0.1", port);
        close(from);
    }
    for (int i = 0; i < 4; i++) {
        int own = 0;
        while (recv(group[i], text, 8, MSG_DONTWAIT) == 1)
            own++;
        got += own;
        each += own > 0;
        close(group[i]);
    }
    SHOW(got);
    SHOW(each);
    close(c);
}

static void show_control(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        printf("cmsg level %d type %d length %d", c->cmsg_level, c->cmsg_type, (int)c->cmsg_len);
        bool is_time = c->cmsg_level == SOL_SOCKET && (c->cmsg_type == SO_TIMESTAMP || c->cmsg_type == SO_TIMESTAMPNS);
        for (size_t i = 0; i < c->cmsg_len - sizeof *c && !is_time; i++)
            printf(" %02x", CMSG_DATA(c)[i]);
        printf("\n");
    }
}

static void receive_control(int fd)
{
    char text[8], space[256];
    struct iovec v = { text, 8 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
    CALL(recvmsg(fd, &m, MSG_DONTWAIT));
    SHOW(m.msg_flags);
    show_control(&m);
}

static long send_control(int fd, const char *address, int port, int level, int type, const void *data, size_t size)
{
    struct sockaddr_in to = in4(address, port);
    char space[64] = { 0 }, byte = 'x';
    struct iovec v = { &byte, 1 };
    struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &v, .msg_iovlen = 1, .msg_control = space,
                        .msg_controllen = CMSG_SPACE(size) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type };
    memcpy(CMSG_DATA(c), data, size);
    return sendmsg(fd, &m, 0);
}

static void ancillary(void)
{
    printf("--- ancillary data\n");
    int a = udp("0.0.0.0"), b = udp("127.0.0.1"), port = port_of(a), number = 33;
    CALL(set_int(a, IPPROTO_IP, IP_PKTINFO, 1));
    CALL(set_int(a, IPPROTO_IP, IP_RECVTTL, 1));
    CALL(set_int(a, IPPROTO_IP, IP_RECVTOS, 1));
    CALL(send4(b, "x", 1, "127.0.0.1", port));
    receive_control(a);
    CALL(set_int(b, IPPROTO_IP, IP_TTL, 7));
    CALL(set_int(b, IPPROTO_IP, IP_TOS, 0x10));
    CALL(send4(b, "x", 1, "127.9.9.9", port));
    receive_control(a);
    CALL(send_control(b, "127.0.0.1", port, IPPROTO_IP, IP_TTL, &number, sizeof number));
    receive_control(a);
    CALL(send_control(b, "127.0.0.1", port, IPPROTO_IP, IP_TOS, &number, sizeof number));
    receive_control(a);
    number = 300;
    CALL(send_control(b, "127.0.0.1", port, IPPROTO_IP, IP_TTL, &number, sizeof number));
    CALL(send_control(b, "127.0.0.1", port, IPPROTO_IP, IP_TTL, &number, 2));
    CALL(send_control(b, "127.0.0.1", port, IPPROTO_IP, 77, &number, sizeof number));
    CALL(send_control(b, "127.0.0.1", port, SOL_SOCKET, 77, &number, sizeof number));
    CALL(send_control(b, "127.0.0.1", port, 77, 77, &number, sizeof number));
    receive_control(a);
    struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(0x7f000005) };
    CALL(send_control(b, "127.0.0.1", port, IPPROTO_IP, IP_PKTINFO, &info, sizeof info));
    receive_control(a);
    info = (struct in_pktinfo){ .ipi_ifindex = 1 };
    CALL(send_control(b, "127.0.0.1", port, IPPROTO_IP, IP_PKTINFO, &info, sizeof info));
    info.ipi_ifindex = 999;
    CALL(send_control(b, "127.0.0.1", port, IPPROTO_IP, IP_PKTINFO, &info, sizeof info));
    receive_control(a);
    set_int(a, IPPROTO_IP, IP_PKTINFO, 0);
    set_int(a, IPPROTO_IP, IP_RECVTOS, 0);
    CALL(set_int(a, SOL_SOCKET, SO_TIMESTAMP, 1));
    CALL(send4(b, "x", 1, "127.0.0.1", port));
    receive_control(a);
    CALL(set_int(a, SOL_SOCKET, SO_TIMESTAMPNS, 1));
    CALL(send4(b, "x", 1, "127.0.0.1", port));
    receive_control(a);
    char text[8], space[20];
    struct iovec v = { text, 8 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
    CALL(send4(b, "x", 1, "127.0.0.1", port));
    CALL(recvmsg(a, &m, 0));
    SHOW(m.msg_flags);
    close(a);
    close(b);
}

static void overflow(void)
{
    printf("--- too many\n");
    int a = udp("127.0.0.1"), b = udp(NULL), got = 0;
    char text[8];
    set_int(a, SOL_SOCKET, SO_RXQ_OVFL, 1);
    set_int(a, SOL_SOCKET, SO_RCVBUF, 4608);
    connect4(b, "127.0.0.1", port_of(a));
    int sent = 0;
    for (int i = 0; i < 100; i++)
        sent += send(b, "x", 1, 0) == 1;
    SHOW(sent);
    while (recv(a, text, 8, MSG_DONTWAIT) == 1)
        got++;
    SHOW(got > 3 && got < 30);
    CALL(send(b, "x", 1, 0));
    char space[64];
    struct iovec v = { text, 8 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
    CALL(recvmsg(a, &m, 0));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c)
        SHOW(*(int *)CMSG_DATA(c) == 100 - got);
    close(a);
    close(b);
}

static void corked(void)
{
    printf("--- in parts\n");
    int a = udp("127.0.0.1"), b = udp(NULL);
    char text[64] = "";
    connect4(b, "127.0.0.1", port_of(a));
    CALL(send(b, "one ", 4, MSG_MORE));
    CALL(recv(a, text, 64, MSG_DONTWAIT));
    CALL(send(b, "two", 3, 0));
    CALL(recv(a, text, 64, MSG_DONTWAIT));
    printf("%.7s\n", text);
    CALL(set_int(b, IPPROTO_UDP, UDP_CORK, 1));
    CALL(send(b, "1", 1, 0));
    CALL(send(b, "2", 1, 0));
    CALL(recv(a, text, 64, MSG_DONTWAIT));
    CALL(set_int(b, IPPROTO_UDP, UDP_CORK, 0));
    CALL(recv(a, text, 64, MSG_DONTWAIT));
    SHOW(get_int(b, IPPROTO_UDP, UDP_CORK));
    CALL(set_int(b, IPPROTO_UDP, UDP_SEGMENT, 10));
    CALL(send(b, "0123456789abcdefghijKLM", 23, 0));
    CALL(recv(a, text, 64, MSG_DONTWAIT));
    CALL(recv(a, text, 64, MSG_DONTWAIT));
    CALL(recv(a, text, 64, MSG_DONTWAIT));
    printf("%.3s\n", text);
    CALL(set_int(b, IPPROTO_UDP, UDP_SEGMENT, 70000));
    CALL(set_int(b, IPPROTO_UDP, 999, 1));
    CALL(setsockopt(b, IPPROTO_UDP, UDP_CORK, text, 2));
    CALL(setsockopt(b, 77, 1, text, 4));
    socklen_t size = 4;
    CALL(getsockopt(b, 77, 1, text, &size));
    close(a);
    close(b);
}

static void groups(void)
{
    printf("--- groups\n");
    int a = udp(NULL), b = udp(NULL), port;
    char text[8];
    struct ip_mreqn lo = { .imr_ifindex = 1 };
    inet_pton(AF_INET, "239.1.2.3", &lo.imr_multiaddr);
    set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
    bind4(a, "0.0.0.0", 0);
    port = port_of(a);
    CALL(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &lo, sizeof lo));
    CALL(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &lo, sizeof lo));
    CALL(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &lo, 4));
    struct ip_mreqn bad = lo;
    bad.imr_ifindex = 0;
    CALL(setsockopt(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, &bad, sizeof bad));
    bad.imr_ifindex = 99;
    CALL(setsockopt(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, &bad, sizeof bad));
    inet_pton(AF_INET, "10.1.2.3", &bad.imr_multiaddr);
    bad.imr_ifindex = 1;
    CALL(setsockopt(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, &bad, sizeof bad));
    CALL(send4(b, "x", 1, "239.1.2.3", port));
    CALL(setsockopt(b, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof lo));
    CALL(send4(b, "x", 1, "239.1.2.3", port));
    CALL(recv(a, text, 8, MSG_DONTWAIT));
    CALL(send4(b, "x", 1, "239.1.2.4", port));
    CALL(recv(a, text, 8, MSG_DONTWAIT));
    CALL(set_int(b, IPPROTO_IP, IP_MULTICAST_TTL, 5));
    SHOW(get_int(b, IPPROTO_IP, IP_MULTICAST_TTL));
    SHOW(get_int(b, IPPROTO_IP, IP_MULTICAST_LOOP));
    CALL(setsockopt(a, IPPROTO_IP, IP_DROP_MEMBERSHIP, &lo, sizeof lo));
    CALL(setsockopt(a, IPPROTO_IP, IP_DROP_MEMBERSHIP, &lo, sizeof lo));
    close(a);
    close(b);
}

static void peeks_further(void)
{
    printf("--- SO_PEEK_OFF\n");
    int a = udp("127.0.0.1"), b = udp(NULL);
    char text[16] = "";
    connect4(b, "127.0.0.1", port_of(a));
    send(b, "abcdef", 6, 0);
    send(b, "gh", 2, 0);
    SHOW(get_int(a, SOL_SOCKET, SO_PEEK_OFF));
    CALL(set_int(a, SOL_SOCKET, SO_PEEK_OFF, 0));
    CALL(recv(a, text, 4, MSG_PEEK));
    CALL(recv(a, text, 4, MSG_PEEK));
    printf("%.2s\n", text);
    CALL(recv(a, text, 4, MSG_PEEK));
    SHOW(get_int(a, SOL_SOCKET, SO_PEEK_OFF));
    CALL(recv(a, text, 16, 0));
    SHOW(get_int(a, SOL_SOCKET, SO_PEEK_OFF));
    close(a);
    close(b);
}

static void several(void)
{
    printf("--- several at once\n");
    int a = udp("127.0.0.1"), b = udp(NULL);
    char text[3][8] = { "" };
    struct iovec v[3] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 } };
    struct mmsghdr m[3] = { { .msg_hdr = { .msg_iov = v, .msg_iovlen = 1 } },
                            { .msg_hdr = { .msg_iov = v + 1, .msg_iovlen = 1 } },
                            { .msg_hdr = { .msg_iov = v + 2, .msg_iovlen = 1 } } };
    connect4(b, "127.0.0.1", port_of(a));
    CALL(sendmmsg(b, m, 3, 0));
    for (int i = 0; i < 3; i++)
        v[i] = (struct iovec){ text[i], 2 };
    CALL(recvmmsg(a, m, 3, MSG_WAITFORONE, NULL));
    for (int i = 0; i < 3; i++)
        printf("%d %x %.2s\n", m[i].msg_len, m[i].msg_hdr.msg_flags, text[i]);
    CALL(recvmmsg(a, m, 3, MSG_DONTWAIT, NULL));
    close(a);
    close(b);
}

int main(void)
{
    own_network();
    datagrams();
    errors();
    connected();
    refused();
    sharing();
    ancillary();
    overflow();
    corked();
    groups();
    peeks_further();
    several();
    return 0;
}

/* What the tests of the internet families share: a network of their own where the kernel has such namespaces (else
 * Ringfort's, which is the same: lo alone), sockets in a line, and results without ports. */
#ifndef INET_H
#define INET_H

#include "guest.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static inline void own_network(void)
{
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    if (unshare(CLONE_NEWNET))
        return;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (ioctl(fd, SIOCSIFFLAGS, &request))
        perror("lo");
    close(fd);
}

static inline struct sockaddr_in in4(const char *address, int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    inet_pton(AF_INET, address, &a.sin_addr);
    return a;
}

static inline struct sockaddr_in6 in6(const char *address, int port)
{
    struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    inet_pton(AF_INET6, address, &a.sin6_addr);
    return a;
}

static inline int bind4(int fd, const char *address, int port)
{
    struct sockaddr_in a = in4(address, port);
    return bind(fd, (struct sockaddr *)&a, sizeof a);
}
static inline int bind6(int fd, const char *address, int port)
{
    struct sockaddr_in6 a = in6(address, port);
    return bind(fd, (struct sockaddr *)&a, sizeof a);
}
static inline int connect4(int fd, const char *address, int port)
{
    struct sockaddr_in a = in4(address, port);
    return connect(fd, (struct sockaddr *)&a, sizeof a);
}
static inline int connect6(int fd, const char *address, int port)
{
    struct sockaddr_in6 a = in6(address, port);
    return connect(fd, (struct sockaddr *)&a, sizeof a);
}
static inline int unconnect(int fd)
{
    struct sockaddr a = { .sa_family = AF_UNSPEC };
    return connect(fd, &a, sizeof a);
}

static inline int port_of(int fd)
{
    struct sockaddr_in6 a = { 0 };
    socklen_t size = sizeof a;
    return getsockname(fd, (struct sockaddr *)&a, &size) ? -1 : ntohs(a.sin6_port);
}

static inline int set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}
static inline int get_int(int fd, int level, int name)
{
    int value = -12345;
    socklen_t size = sizeof value;
    return getsockopt(fd, level, name, &value, &size) ? -1 : value;
}
static inline int pending_error(int fd)
{
    return get_int(fd, SOL_SOCKET, SO_ERROR);
}
static inline int nonblocking(int fd)
{
    return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}
static inline int ready(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP };
    poll(&p, 1, 0);
    return p.revents;
}
static inline int state_of(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) ? -1 : info.tcpi_state;
}

/* A listener on 127.0.0.1 and a port that the kernel chooses. */
static inline int listener4(int backlog)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind4(fd, "127.0.0.1", 0) || listen(fd, backlog))
        perror("listener");
    return fd;
}

/* Two ends of a connection. */
static inline void connected_pair(int ends[2])
{
    int l = listener4(5);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect4(ends[0], "127.0.0.1", port_of(l)))
        perror("connect");
    ends[1] = accept(l, NULL, NULL);
    close(l);
}

/* For what takes a moment in a real kernel: until fd has these events. */
static inline int wait_ready(int fd, int events)
{
    struct pollfd p = { .fd = fd, .events = (short)events };
    poll(&p, 1, 2000);
    return p.revents;
}

static inline void show_address(const char *name, const struct sockaddr *a, socklen_t size, bool with_port)
{
    char text[64] = "";
    const struct sockaddr_in *v4 = (const void *)a;
    const struct sockaddr_in6 *v6 = (const void *)a;
    if (size && a->sa_family == AF_INET)
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    else if (size && a->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    int port = size ? ntohs(v4->sin_port) : 0;
    printf("%s: size %d family %d %s port %d\n", name, (int)size, size ? a->sa_family : -1, text,
           with_port ? port : port != 0);
    fflush(stdout);
}

static inline void show_names(int fd)
{
    struct sockaddr_storage a;
    socklen_t size = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &size) == 0)
        show_address("own name", (struct sockaddr *)&a, size, false);
    size = sizeof a;
    if (getpeername(fd, (struct sockaddr *)&a, &size) == 0)
        show_address("peer's name", (struct sockaddr *)&a, size, false);
    else
        show("peer's name: error", errno);
}

#endif

/* AF_UNIX: what epoll sees, edge by edge; poll and select that wait; signals of input and output. */
#include "sockets.h"

#include <sys/epoll.h>
#include <sys/select.h>

static int epoll;

static void watch(int fd, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.fd = fd };
    CALL(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e));
}

/* What the instance reports now, by descriptor. */
static void look(const char *when)
{
    struct epoll_event e[8];
    int n = epoll_wait(epoll, e, 8, 0);
    printf("%s: %d", when, n);
    for (int fd = 0; fd < 32; fd++)
        for (int i = 0; i < n; i++)
            if (e[i].data.fd == fd)
                printf(" %d:%#x", fd, e[i].events);
    printf("\n");
    fflush(stdout);
}

#define AFTER(action) ((void)(action), look(#action))
#define ALL (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI)

static void edges(int type)
{
    int s[2];
    show("type", type);
    epoll = epoll_create1(0);
    socketpair(AF_UNIX, type, 0, s);
    watch(s[0], ALL | EPOLLET), watch(s[1], ALL | EPOLLET);
    look("begin"), look("again");
    AFTER(write(s[0], "a", 1));
    AFTER(write(s[0], "b", 1));
    AFTER(recv(s[1], buffer, 1, MSG_PEEK));
    AFTER(read(s[1], buffer, 1));
    AFTER(read(s[1], buffer, 1));
    AFTER(send(s[0], "long message", 12, 0));
    AFTER(read(s[1], buffer, 4));
    AFTER(recv(s[1], buffer, 100, MSG_DONTWAIT));
    fcntl(s[0], F_SETFL, O_NONBLOCK);
    int filled = 0;
    while (write(s[0], buffer, 4000) > 0)
        filled++;
    SHOW(filled);
    look("full");
    for (int i = 0; i < filled; i++)
        if (read(s[1], buffer, 4000) > 0 && (i % 5 == 0 || i > filled - 3))
            look("reading");
    AFTER(shutdown(s[0], SHUT_WR));
    AFTER(shutdown(s[0], SHUT_WR));
    AFTER(shutdown(s[0], SHUT_RDWR));
    AFTER(close(s[1]));
    close(s[0]);
    socketpair(AF_UNIX, type, 0, s);
    watch(s[0], ALL | EPOLLET);
    write(s[0], "unread", 6);
    look("begin");
    AFTER(close(s[1]));
    AFTER(option(s[0], SO_ERROR));
    close(s[0]);
    socketpair(AF_UNIX, type, 0, s);
    watch(s[0], EPOLLIN), watch(s[1], EPOLLOUT | EPOLLONESHOT);
    look("begin"), look("again");
    AFTER(write(s[1], "x", 1)), look("level");
    AFTER(read(s[0], buffer, 1));
    struct epoll_event e = { .events = EPOLLOUT | EPOLLET, .data.fd = s[1] };
    AFTER(epoll_ctl(epoll, EPOLL_CTL_MOD, s[1], &e));
    AFTER(write(s[1], "x", 1)), AFTER(read(s[0], buffer, 1));
    close(s[0]), close(s[1]), close(epoll);
}

static void listeners(void)
{
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c[3];
    socklen_t size = abstract("events");
    epoll = epoll_create1(0);
    watch(l, ALL | EPOLLET);
    look("new");
    AFTER(bind(l, ADDRESS, size));
    AFTER(listen(l, 2));
    for (int i = 0; i < 3; i++)
        c[i] = socket(AF_UNIX, SOCK_STREAM, 0);
    watch(c[0], ALL | EPOLLET), look("client");
    AFTER(connect(c[0], ADDRESS, size));
    AFTER(connect(c[1], ADDRESS, size));
    int a = accept(l, NULL, NULL);
    look("accepted");
    AFTER(write(a, "x", 1));
    AFTER(connect(c[2], ADDRESS, size));
    AFTER(close(c[1]));
    AFTER(shutdown(l, SHUT_RD));
    int b = accept(l, NULL, NULL);
    CALL(read(b, buffer, 1)), close(b);
    fcntl(l, F_SETFL, O_NONBLOCK);
    close(accept(l, NULL, NULL));
    CALL(accept(l, NULL, NULL));
    fcntl(l, F_SETFL, 0);
    CALL(accept(l, NULL, NULL));
    int d = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(connect(d, ADDRESS, size));
    AFTER(close(a));
    close(l), close(c[0]), close(c[2]), close(d), close(epoll);
}

static void datagram_room(void)
{
    int to = socket(AF_UNIX, SOCK_DGRAM, 0), from = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t size = abstract("room");
    epoll = epoll_create1(0);
    bind(to, ADDRESS, size), connect(from, ADDRESS, size);
    watch(from, EPOLLOUT | EPOLLET), watch(to, EPOLLIN | EPOLLET);
    look("empty");
    while (send(from, "x", 1, 0) == 1)
        ;
    look("full");
    AFTER(recv(to, buffer, 1, 0));
    AFTER(send(from, "x", 1, 0));
    AFTER(send(from, "x", 1, 0));
    AFTER(recv(to, buffer, 1, 0));
    AFTER(close(to));
    AFTER(send(from, "x", 1, 0));
    close(from), close(epoll);
}

static void waiting(void)
{
    int s[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    pid_t child = fork();
    if (!child) {
        usleep(3000), write(s[1], "x", 1), usleep(3000), close(s[1]);
        _exit(0);
    }
    close(s[1]);
    struct pollfd p = { s[0], POLLIN | POLLRDHUP, 0 };
    CALL(poll(&p, 1, 5000)), SHOW(p.revents), CALL(read(s[0], buffer, 1));
    CALL(poll(&p, 1, 5000)), SHOW(p.revents), CALL(read(s[0], buffer, 1));
    fd_set in, out, except;
    memset(&in, 0, sizeof in), out = except = in;
    FD_SET(s[0], &in), FD_SET(s[0], &out), FD_SET(s[0], &except);
    CALL(select(s[0] + 1, &in, &out, &except, NULL)), SHOW(FD_ISSET(s[0], &in)), SHOW(FD_ISSET(s[0], &out)), SHOW(FD_ISSET(s[0], &except));
    waitpid(child, NULL, 0), close(s[0]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    fcntl(s[0], F_SETFL, O_NONBLOCK);
    while (write(s[0], buffer, 1000) > 0)
        ;
    child = fork();
    if (!child) {
        close(s[0]);
        usleep(3000);
        while (read(s[1], buffer, 5000) > 0)
            ;
        _exit(0);
    }
    close(s[1]);
    p = (struct pollfd){ s[0], POLLOUT, 0 };
    CALL(poll(&p, 1, 5000)), SHOW(p.revents);
    close(s[0]);
    waitpid(child, NULL, 0);
}

int main(void)
{
    prepare();
    edges(SOCK_STREAM);
    edges(SOCK_DGRAM);
    edges(SOCK_SEQPACKET);
    listeners();
    datagram_room();
    waiting();
    return 0;
}

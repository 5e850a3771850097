/* Bytes over TCP: flags of receiving, urgent data, full buffers, ioctls, ancillary data, several processes. */
#include "inet.h"

#include <netdb.h>
#include <sys/epoll.h>
#include <sys/uio.h>

static int inq(int fd)
{
    int n = -1;
    return ioctl(fd, FIONREAD, &n) ? -errno : n;
}
static int at_mark(int fd)
{
    int n = -1;
    return ioctl(fd, SIOCATMARK, &n) ? -errno : n;
}

static void flags(void)
{
    printf("--- flags\n");
    int e[2];
    char text[32] = "";
    connected_pair(e);
    CALL(recv(e[0], text, 8, MSG_DONTWAIT));
    CALL(send(e[1], "0123456789", 10, 0));
    wait_ready(e[0], POLLIN);
    SHOW(inq(e[0]));
    CALL(recv(e[0], text, 4, MSG_PEEK));
    printf("%.4s\n", text);
    CALL(recv(e[0], text, 20, MSG_PEEK | MSG_DONTWAIT));
    CALL(recv(e[0], text, 3, MSG_TRUNC));
    printf("%.4s\n", text);
    CALL(recv(e[0], NULL, 2, MSG_TRUNC));
    CALL(recv(e[0], text, 0, 0));
    CALL(recv(e[0], text, 20, 0));
    printf("%.5s\n", text);
    CALL(recv(e[0], text, 1, MSG_ERRQUEUE));
    CALL(send(e[1], "ab", 2, MSG_MORE));
    CALL(send(e[1], "cd", 2, 0));
    CALL(recv(e[0], text, 4, MSG_WAITALL));
    printf("%.4s\n", text);
    CALL(send(e[1], "", 0, 0));
    struct sockaddr_in name = in4("127.0.0.9", 9);
    socklen_t size = sizeof name;
    CALL(sendto(e[1], "x", 1, 0, (struct sockaddr *)&name, size)); /* the name means nothing */
    CALL(recvfrom(e[0], text, 1, 0, (struct sockaddr *)&name, &size));
    SHOW(size);
    CALL(read(e[0], text, 0));
    close(e[0]);
    close(e[1]);
}

static void bad_memory(void)
{
    printf("--- bad memory\n");
    int e[2];
    char text[8] = "";
    connected_pair(e);
    char *edge = (char *)pages(2, PROT_READ | PROT_WRITE) + PAGE;
    mprotect(edge, PAGE, PROT_NONE);
    CALL(send(e[0], edge, 4, 0));
    CALL(send(e[0], (void *)-1, 4, 0));
    memcpy(edge - 2, "hi", 2);
    CALL(send(e[0], edge - 2, 4, 0));
    CALL(send(e[0], "hi", 2, 0));
    wait_ready(e[1], POLLIN);
    CALL(recv(e[1], edge, 4, 0));
    CALL(recv(e[1], text, 8, 0));
    printf("%.2s\n", text);
    CALL(send(e[0], "four", 4, 0));
    wait_ready(e[1], POLLIN);
    CALL(recv(e[1], edge - 2, 4, 0));
    CALL(recv(e[1], text, 8, MSG_DONTWAIT));
    CALL(accept(e[0], (void *)1, (void *)1));
    CALL(getsockname(e[0], (void *)1, (void *)1));
    socklen_t size = 16;
    CALL(getsockname(e[0], (void *)1, &size));
    CALL(setsockopt(e[0], IPPROTO_TCP, TCP_NODELAY, (void *)1, 4));
    void *bad = (void *)1;
    CALL(getsockopt(e[0], IPPROTO_TCP, TCP_NODELAY, bad, &size));
    CALL(ioctl(e[0], FIONREAD, (void *)1));
    CALL(ioctl(e[0], SIOCGIFCONF, (void *)1));
    close(e[0]);
    close(e[1]);
}

static void urgent(void)
{
    printf("--- urgent data\n");
    int e[2];
    char text[16] = "";
    connected_pair(e);
    CALL(recv(e[1], text, 1, MSG_OOB));
    SHOW(at_mark(e[1]));
    CALL(send(e[0], "ab!", 3, MSG_OOB));
    SHOW(wait_ready(e[1], POLLPRI));
    CALL(send(e[0], "cd", 2, 0));
    usleep(10000);
    SHOW(ready(e[1]));
    SHOW(inq(e[1]));
    SHOW(at_mark(e[1]));
    CALL(recv(e[1], text, 1, MSG_OOB | MSG_PEEK));
    CALL(recv(e[1], text, 16, MSG_OOB));
    printf("%c\n", text[0]);
    CALL(recv(e[1], text, 1, MSG_OOB));
    SHOW(ready(e[1]));
    CALL(recv(e[1], text, 16, 0));
    SHOW(at_mark(e[1]));
    SHOW(inq(e[1]));
    CALL(recv(e[1], text, 16, 0));
    printf("%.2s\n", text);
    SHOW(at_mark(e[1]));
    CALL(send(e[0], "?", 1, MSG_OOB));
    wait_ready(e[1], POLLPRI);
    SHOW(ready(e[1]));
    SHOW(at_mark(e[1]));
    CALL(recv(e[1], text, 16, MSG_DONTWAIT));
    CALL(send(e[0], "xyz", 3, 0));
    wait_ready(e[1], POLLIN);
    CALL(recv(e[1], text, 16, MSG_DONTWAIT)); /* past the mark: the byte is lost */
    printf("%.3s\n", text);
    CALL(recv(e[1], text, 16, MSG_OOB));
    CALL(set_int(e[1], SOL_SOCKET, SO_OOBINLINE, 1));
    CALL(send(e[0], "12", 2, MSG_OOB));
    wait_ready(e[1], POLLPRI);
    CALL(recv(e[1], text, 16, MSG_OOB));
    SHOW(inq(e[1]));
    CALL(recv(e[1], text, 16, 0));
    SHOW(at_mark(e[1]));
    CALL(recv(e[1], text, 16, 0));
    printf("%c\n", text[0]);
    SHOW(at_mark(e[1]));
    close(e[0]);
    close(e[1]);
}

static void full_buffers(void)
{
    printf("--- full\n");
    int e[2];
    static char block[65536];
    connected_pair(e);
    nonblocking(e[0]);
    long sent = 0, got, received = 0;
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 7);
    while ((got = send(e[0], block, sizeof block, 0)) > 0)
        sent += got;
    show_result("send to a full buffer", got);
    SHOW(sent > 1000000 && sent < 8000000);
    SHOW(ready(e[0]));
    int queued = 0;
    DONE(ioctl(e[0], TIOCOUTQ, &queued));
    SHOW(queued > 0);
    struct timeval patience = { 0, 10000 };
    fcntl(e[0], F_SETFL, 0);
    CALL(setsockopt(e[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience));
    CALL(send(e[0], block, 1, 0));
    bool equal = true;
    static char out[65536];
    while (received < sent && (got = recv(e[1], out, sizeof out, 0)) > 0) {
        for (long i = 0; i < got; i++)
            equal &= out[i] == (char)((received + i) % 65536 * 7);
        received += got;
    }
    SHOW(received == sent);
    SHOW(equal);
    SHOW(wait_ready(e[0], POLLOUT));
    CALL(send(e[0], block, 1, 0));
    CALL(recv(e[1], out, 2, 0));
    CALL(setsockopt(e[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    CALL(recv(e[1], out, 2, 0));
    CALL(send(e[0], block, 1, 0));
    CALL(recv(e[1], out, 2, MSG_WAITALL));
    close(e[0]);
    close(e[1]);
}

/* A child writes more than fits, the parent reads slowly, and the child has closed long before. */
static void through_the_window(void)
{
    printf("--- a writer that closes early\n");
    int e[2];
    static char block[100000];
    connected_pair(e);
    set_int(e[0], SOL_SOCKET, SO_SNDBUF, 4000000);
    pid_t child = fork();
    if (child == 0) {
        close(e[1]);
        long done = 0, got;
        for (int i = 0; i < 20 && (got = write(e[0], block, sizeof block)) > 0; i++)
            done += got;
        _exit(done == 20 * (long)sizeof block ? 0 : 1);
    }
    close(e[0]);
    int status;
    waitpid(child, &status, 0);
    show_status("writer", status);
    long received = 0, got;
    while ((got = read(e[1], block, sizeof block)) > 0)
        received += got;
    show_result("last read", got);
    SHOW(received);
    close(e[1]);
}

static void blocking_writer(void)
{
    printf("--- a writer that waits\n");
    int e[2];
    static char block[300000];
    connected_pair(e);
    set_int(e[0], SOL_SOCKET, SO_SNDBUF, 10000);
    pid_t child = fork();
    if (child == 0) {
        close(e[1]);
        long got = write(e[0], block, sizeof block);
        _exit(got == (long)sizeof block ? 0 : 1);
    }
    close(e[0]);
    CALL(recv(e[1], block, sizeof block, MSG_WAITALL));
    int status;
    waitpid(child, &status, 0);
    show_status("writer", status);
    CALL(recv(e[1], block, 1, 0));
    close(e[1]);
}

static void low_water(void)
{
    printf("--- SO_RCVLOWAT\n");
    int e[2];
    char text[16];
    connected_pair(e);
    CALL(set_int(e[1], SOL_SOCKET, SO_RCVLOWAT, 5));
    send(e[0], "abc", 3, 0);
    usleep(10000);
    SHOW(ready(e[1]) & POLLIN);
    CALL(recv(e[1], text, 2, 0));
    struct timeval patience = { 0, 10000 };
    setsockopt(e[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CALL(recv(e[1], text, 16, 0));
    send(e[0], "12345", 5, 0);
    SHOW(wait_ready(e[1], POLLIN));
    CALL(recv(e[1], text, 16, 0));
    CALL(set_int(e[1], SOL_SOCKET, SO_RCVLOWAT, 0));
    SHOW(get_int(e[1], SOL_SOCKET, SO_RCVLOWAT));
    close(e[0]);
    close(e[1]);
}

static void corked(void)
{
    printf("--- TCP_CORK\n");
    int e[2];
    char text[16];
    connected_pair(e);
    set_int(e[0], IPPROTO_TCP, TCP_CORK, 1);
    CALL(send(e[0], "held", 4, 0));
    usleep(10000);
    SHOW(ready(e[1]) & POLLIN);
    set_int(e[0], IPPROTO_TCP, TCP_CORK, 0);
    SHOW(wait_ready(e[1], POLLIN));
    CALL(recv(e[1], text, 16, 0));
    CALL(send(e[0], "more", 4, MSG_MORE));
    usleep(10000);
    SHOW(ready(e[1]) & POLLIN);
    SHOW(wait_ready(e[1], POLLIN)); /* after 200 ms */
    CALL(recv(e[1], text, 16, 0));
    CALL(send(e[0], "end", 3, MSG_MORE));
    close(e[0]);
    SHOW(wait_ready(e[1], POLLIN) & POLLIN);
    CALL(recv(e[1], text, 16, 0));
    close(e[1]);
}

static void deferred(void)
{
    printf("--- TCP_DEFER_ACCEPT\n");
    int l = listener4(4), fd = socket(AF_INET, SOCK_STREAM, 0);
    CALL(set_int(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5));
    SHOW(get_int(l, IPPROTO_TCP, TCP_DEFER_ACCEPT));
    CALL(connect4(fd, "127.0.0.1", port_of(l)));
    nonblocking(l);
    CALL(accept(l, NULL, NULL));
    CALL(send(fd, "now", 3, 0));
    SHOW(wait_ready(l, POLLIN));
    int other = accept(l, NULL, NULL);
    char text[8];
    CALL(recv(other, text, 8, 0));
    close(fd);
    close(other);
    close(l);
}

static void passed_and_shared(void)
{
    printf("--- passed to another process\n");
    int l = listener4(8), pair[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    pid_t child = fork();
    if (child == 0) { /* a worker: accepts from the shared listener, passes the connection on */
        int fd = accept(l, NULL, NULL);
        char byte = 'x', space[CMSG_SPACE(sizeof fd)] = { 0 };
        struct iovec v = { &byte, 1 };
        struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
        _exit(sendmsg(pair[1], &m, 0) == 1 ? 0 : 1);
    }
    int fd = socket(AF_INET, SOCK_STREAM, 0), got = -1, status;
    CALL(connect4(fd, "127.0.0.1", port_of(l)));
    char byte, space[CMSG_SPACE(sizeof fd)];
    struct iovec v = { &byte, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
    CALL(recvmsg(pair[0], &m, 0));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c)
        memcpy(&got, CMSG_DATA(c), sizeof got);
    waitpid(child, &status, 0);
    show_status("worker", status);
    CALL(write(got, "hello", 5));
    char text[8];
    CALL(read(fd, text, 8));
    close(got);
    CALL(read(fd, text, 8));
    close(fd);
    close(l);
    close(pair[0]);
    close(pair[1]);
}

static void many(void)
{
    printf("--- many connections\n");
    enum { COUNT = 200 };
    int l = listener4(COUNT), fd[COUNT], ep = epoll_create1(0), served = 0, ended = 0;
    struct epoll_event event = { .events = EPOLLIN, .data.fd = l };
    epoll_ctl(ep, EPOLL_CTL_ADD, l, &event);
    nonblocking(l);
    for (int i = 0; i < COUNT; i++) {
        fd[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect4(fd[i], "127.0.0.1", port_of(l)) || write(fd[i], &i, sizeof i) != sizeof i)
            perror("client");
    }
    while (ended < COUNT) {
        struct epoll_event events[32];
        int n = epoll_wait(ep, events, 32, 1000);
        if (n <= 0)
            break;
        for (int j = 0; j < n; j++) {
            int s = events[j].data.fd, number;
            if (s == l) {
                for (int new; (new = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
                    event = (struct epoll_event){ .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = new };
                    epoll_ctl(ep, EPOLL_CTL_ADD, new, &event);
                }
            } else if (read(s, &number, sizeof number) == sizeof number) {
                served += write(s, &number, sizeof number) == sizeof number;
                shutdown(fd[number], SHUT_WR);
            } else {
                ended++;
                close(s);
            }
        }
    }
    SHOW(served);
    SHOW(ended);
    int right = 0, number;
    for (int i = 0; i < COUNT; i++) {
        right += read(fd[i], &number, sizeof number) == sizeof number && number == i && read(fd[i], &number, 1) == 0;
        close(fd[i]);
    }
    SHOW(right);
    close(ep);
    close(l);
}

static void edge_triggered(void)
{
    printf("--- edges\n");
    int e[2], ep = epoll_create1(0);
    char text[16];
    connected_pair(e);
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, e[0], &event));
    CALL(epoll_wait(ep, &event, 1, 0));
    SHOW(event.events);
    CALL(epoll_wait(ep, &event, 1, 0));
    CALL(write(e[1], "1234", 4));
    CALL(epoll_wait(ep, &event, 1, 100));
    SHOW(event.events);
    CALL(read(e[0], text, 2));
    CALL(epoll_wait(ep, &event, 1, 0));
    CALL(shutdown(e[1], SHUT_WR));
    CALL(epoll_wait(ep, &event, 1, 100));
    SHOW(event.events);
    close(e[0]);
    close(e[1]);
    close(ep);
}

int main(void)
{
    own_network();
    flags();
    bad_memory();
    urgent();
    full_buffers();
    through_the_window();
    blocking_writer();
    low_water();
    corked();
    deferred();
    passed_and_shared();
    many();
    edge_triggered();
    return 0;
}

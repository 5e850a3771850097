/* AF_UNIX datagrams and sequenced packets: queues, peers, truncation, errors. */
#include "sockets.h"

#include <sys/uio.h>

static void pairs(int type)
{
    int s[2];
    show("type", type);
    CALL(socketpair(AF_UNIX, type, 0, s));
    CALL(option(s[0], SO_TYPE));
    CALL(send(s[0], "first", 5, 0)), CALL(send(s[0], "", 0, 0)), CALL(write(s[0], "third", 5)), CALL(write(s[0], "", 0));
    CALL(recv(s[1], buffer, 3, 0)), show_bytes(3);
    CALL(recv(s[1], buffer, 3, 0));
    CALL(recv(s[1], buffer, 3, MSG_PEEK | MSG_TRUNC));
    CALL(recv(s[1], buffer, 3, MSG_TRUNC));
    CALL(recv(s[1], buffer, 3, MSG_DONTWAIT));
    CALL(write(s[0], "", 0));
    CALL(recv(s[1], buffer, 3, MSG_DONTWAIT));
    struct iovec parts[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } }, in[2] = { { buffer, 2 }, { buffer + 2, 100 } };
    CALL(writev(s[0], parts, 3)), CALL(readv(s[1], in, 2)), show_bytes(5);
    struct msghdr m = { .msg_iov = in, .msg_iovlen = 1 };
    send(s[0], "long one", 8, MSG_EOR);
    CALL(recvmsg(s[1], &m, 0)), SHOW(m.msg_flags), SHOW(m.msg_controllen), SHOW(m.msg_namelen);
    send(s[0], "ab", 2, 0);
    CALL(recvmsg(s[1], &m, MSG_CMSG_CLOEXEC)), SHOW(m.msg_flags);
    int queued;
    send(s[0], "abc", 3, 0), send(s[0], "de", 2, 0);
    CALL(ioctl(s[1], SIOCINQ, &queued)), SHOW(queued);
    CALL(ioctl(s[0], SIOCOUTQ, &queued)), SHOW(queued);
    CALL(recv(s[1], BAD, 3, 0));
    CALL(recv(s[1], buffer, 3, MSG_DONTWAIT)), show_bytes(2);
    CALL(send(s[0], BAD, 3, 0));
    CALL(set_option(s[0], SO_SNDBUF, 2400));
    CALL(send(s[0], buffer, 4768, 0)), CALL(send(s[0], buffer, 4769, 0)), CALL(send(s[0], buffer, 65536, MSG_DONTWAIT));
    CALL(recv(s[1], buffer, 5000, MSG_DONTWAIT));
    CALL(shutdown(s[0], SHUT_WR)), CALL(send(s[0], "x", 1, 0)), SHOW(pipe_signals);
    CALL(poll_now(s[0])), CALL(poll_now(s[1]));
    CALL(recv(s[1], buffer, 1, MSG_DONTWAIT));
    CALL(send(s[1], "x", 1, 0)), CALL(recv(s[0], buffer, 1, MSG_DONTWAIT));
    CALL(shutdown(s[1], SHUT_RD)), CALL(recv(s[1], buffer, 1, 0)), CALL(recv(s[1], buffer, 1, MSG_DONTWAIT));
    CALL(poll_now(s[0])), CALL(poll_now(s[1]));
    close(s[1]);
    CALL(poll_now(s[0]));
    CALL(send(s[0], "x", 1, 0)), SHOW(pipe_signals);
    CALL(recv(s[0], buffer, 1, MSG_DONTWAIT));
    close(s[0]);
    socketpair(AF_UNIX, type, 0, s);
    send(s[0], "unread", 6, 0);
    close(s[1]);
    CALL(poll_now(s[0]));
    CALL(send(s[0], "x", 1, 0)), CALL(send(s[0], "x", 1, 0)), SHOW(pipe_signals);
    CALL(recv(s[0], buffer, 1, MSG_DONTWAIT));
    close(s[0]);
}

static void peers(void)
{
    int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un from;
    socklen_t room = sizeof from;
    CALL(send(a, "x", 1, 0)), CALL(recv(a, buffer, 1, MSG_DONTWAIT));
    CALL(poll_now(a));
    socklen_t size = abstract("peer-a");
    CALL(bind(a, ADDRESS, size));
    CALL(sendto(b, "hello", 5, 0, ADDRESS, size));
    CALL(recvfrom(a, buffer, 10, 0, (void *)&from, &room)), show_name(&from, room);
    CALL(connect(b, ADDRESS, size));
    size = abstract("peer-b");
    CALL(bind(b, ADDRESS, size));
    CALL(send(b, "again", 5, 0));
    room = sizeof from;
    CALL(recvfrom(a, buffer, 10, 0, (void *)&from, &room)), show_name(&from, room);
    CALL(connect(a, ADDRESS, size));
    size = abstract("peer-a");
    CALL(sendto(c, "stranger", 8, 0, ADDRESS, size));
    CALL(connect(c, ADDRESS, size));
    CALL(send(a, "to b", 4, 0));
    struct sockaddr none = { .sa_family = AF_UNSPEC };
    CALL(connect(b, &none, sizeof none));
    CALL(recv(b, buffer, 10, MSG_DONTWAIT));
    CALL(option(a, SO_ERROR)), CALL(poll_now(a));
    CALL(send(a, "to b", 4, 0)), CALL(recv(b, buffer, 10, MSG_DONTWAIT));
    CALL(sendto(c, "stranger", 8, 0, ADDRESS, size));
    size = abstract("peer-b");
    CALL(sendto(c, "stranger", 8, 0, ADDRESS, size));
    CALL(recv(b, buffer, 10, MSG_DONTWAIT));
    close(b);
    CALL(poll_now(a));
    CALL(send(a, "x", 1, 0)), CALL(send(a, "x", 1, 0));
    CALL(sendto(a, "x", 1, 0, ADDRESS, size));
    CALL(connect(a, ADDRESS, size));
    CALL(listen(a, 1)), CALL(accept(a, NULL, NULL));
    CALL(connect(a, &none, 1)), CALL(connect(a, &none, 2));
    CALL(sendto(a, "x", 1, 0, &none, sizeof none));
    size = abstract("peer-a");
    CALL(sendto(a, "myself", 6, 0, ADDRESS, size)), CALL(recv(a, buffer, 10, 0)), show_bytes(6);
    CALL(connect(a, ADDRESS, size)), CALL(send(a, "me", 2, 0)), CALL(recv(a, buffer, 10, 0));
    close(a), close(c);
}

/* How many datagrams fit, and what a poll says. */
static void queues(void)
{
    int to = socket(AF_UNIX, SOCK_DGRAM, 0), from = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t size = abstract("queue");
    bind(to, ADDRESS, size);
    connect(from, ADDRESS, size);
    long count = 0;
    while (send(from, "x", 1, 0) == 1)
        count++;
    show("fit", count), show("errno", errno);
    CALL(poll_now(from)), CALL(poll_now(to));
    CALL(recv(to, buffer, 1, 0));
    CALL(poll_now(from));
    CALL(send(from, "x", 1, 0)), CALL(send(from, "x", 1, 0));
    struct timeval soon = { 0, 5000 };
    fcntl(from, F_SETFL, 0);
    setsockopt(from, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    CALL(send(from, "x", 1, 0));
    soon = (struct timeval){ 0, 0 };
    setsockopt(from, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    pid_t child = fork();
    if (!child) {
        usleep(3000);
        recv(to, buffer, 1, 0);
        _exit(0);
    }
    CALL(send(from, "waited", 6, 0));
    waitpid(child, NULL, 0);
    child = fork();
    if (!child) {
        usleep(3000), kill(getppid(), SIGUSR1);
        _exit(0);
    }
    CALL(sendto(from, "x", 1, 0, ADDRESS, size) == -1 ? errno : 0);
    waitpid(child, NULL, 0);
    close(to), close(from);
    static const int sizes[] = { 0, 1, 193, 1000, 4096, 8192, 16384, 65536, 200000 };
    static char big[200000];
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int s[2], queued;
        socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s);
        for (count = 0; send(s[0], big, (size_t)sizes[i], 0) >= 0;)
            count++;
        printf("%d bytes: %ld, error %d\n", sizes[i], count, errno);
        CALL(ioctl(s[0], SIOCOUTQ, &queued)), SHOW(queued), CALL(poll_now(s[0]));
        close(s[0]), close(s[1]);
    }
}

static void sequenced(void)
{
    int l = socket(AF_UNIX, SOCK_SEQPACKET, 0), c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    CALL(send(c, "x", 1, 0)), CALL(recv(c, buffer, 1, 0)), CALL(poll_now(c));
    socklen_t size = abstract("sequenced");
    CALL(bind(l, ADDRESS, size)), CALL(listen(l, 3));
    int wrong = socket(AF_UNIX, SOCK_STREAM, 0), datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
    CALL(connect(wrong, ADDRESS, size)), CALL(connect(datagram, ADDRESS, size));
    CALL(connect(c, ADDRESS, size)), CALL(send(c, "one", 3, 0)), CALL(send(c, "two", 3, 0));
    int a = accept(l, NULL, NULL);
    CALL(poll_now(a));
    CALL(recv(a, buffer, 100, 0)), CALL(recv(a, buffer, 2, 0)), show_bytes(2);
    CALL(sendto(a, "named", 5, 0, ADDRESS, size)), CALL(recv(c, buffer, 10, 0));
    struct sockaddr_un from;
    socklen_t room = sizeof from;
    send(a, "x", 1, 0);
    CALL(recvfrom(c, buffer, 10, 0, (void *)&from, &room)), show_name(&from, room);
    room = sizeof from, send(c, "x", 1, 0);
    CALL(recvfrom(a, buffer, 10, 0, (void *)&from, &room)), show_name(&from, room);
    close(c);
    CALL(poll_now(a)), CALL(recv(a, buffer, 10, 0)), CALL(send(a, "x", 1, 0)), SHOW(pipe_signals);
    close(a), close(l), close(wrong), close(datagram);
}

static void peek_offset(void)
{
    int s[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    CALL(set_option(s[0], SO_PEEK_OFF, 0));
    send(s[1], "abc", 3, 0), send(s[1], "defg", 4, 0);
    CALL(recv(s[0], buffer, 2, MSG_PEEK)), show_bytes(2);
    CALL(recv(s[0], buffer, 9, MSG_PEEK)), show_bytes(1);
    CALL(recv(s[0], buffer, 9, MSG_PEEK)), show_bytes(4);
    CALL(recv(s[0], buffer, 9, MSG_PEEK | MSG_DONTWAIT)), CALL(option(s[0], SO_PEEK_OFF));
    CALL(recv(s[0], buffer, 9, 0)), show_bytes(3), CALL(option(s[0], SO_PEEK_OFF));
    close(s[0]), close(s[1]);
}

static void several(void)
{
    int s[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    struct iovec v[4];
    struct mmsghdr m[4];
    static const char *const texts[] = { "zero", "one", "two", "three" };
    memset(m, 0, sizeof m);
    for (int i = 0; i < 4; i++) {
        v[i] = (struct iovec){ (void *)texts[i], strlen(texts[i]) };
        m[i].msg_hdr.msg_iov = &v[i], m[i].msg_hdr.msg_iovlen = 1;
    }
    CALL(sendmmsg(s[0], m, 4, 0));
    for (int i = 0; i < 4; i++)
        SHOW(m[i].msg_len);
    for (int i = 0; i < 4; i++)
        v[i] = (struct iovec){ buffer + 10 * i, 10 };
    struct timespec t = { 1, 0 }, wrong = { 1, 1000000000 }, none = { 0, 0 }, little = { 0, 150000000 };
    CALL(recvmmsg(s[1], m, 2, 0, &t)), SHOW(m[0].msg_len), SHOW(m[1].msg_len);
    CALL(recvmmsg(s[1], m, 4, MSG_WAITFORONE, NULL)), SHOW(m[0].msg_len), SHOW(m[1].msg_len);
    CALL(recvmmsg(s[1], m, 4, MSG_DONTWAIT, NULL));
    CALL(recvmmsg(s[1], m, 0, 0, NULL)), CALL(sendmmsg(s[1], m, 0, 0));
    CALL(recvmmsg(s[1], m, 1, 0, &wrong)), CALL(recvmmsg(99, m, 1, 0, NULL)), CALL(recvmmsg(s[1], m, 1, 0, BAD));
    sendmmsg(s[0], m, 4, 0);
    CALL(recvmmsg(s[1], m, 4, 0, &none)), CALL(recvmmsg(s[1], m, 4, MSG_DONTWAIT, &t));
    pid_t child = fork();
    if (!child) {
        for (int i = 0; i < 3; i++)
            usleep(100000), send(s[0], "later", 5, 0);
        _exit(0);
    }
    CALL(recvmmsg(s[1], m, 3, 0, &little)), waitpid(child, NULL, 0);
    while (recv(s[1], buffer, 1, MSG_DONTWAIT) >= 0)
        ;
    child = fork();
    if (!child) {
        for (int i = 0; i < 4; i++)
            usleep(2000), send(s[0], texts[i], strlen(texts[i]), 0);
        _exit(0);
    }
    CALL(recvmmsg(s[1], m, 4, 0, NULL)), waitpid(child, NULL, 0);
    SHOW(m[3].msg_len), SHOW(m[1].msg_len);
    m[2].msg_hdr.msg_iovlen = 2000;
    CALL(sendmmsg(s[0], m, 4, 0)), CALL(sendmmsg(s[0], m + 2, 2, 0));
    CALL(recvmmsg(s[1], m, 3, MSG_DONTWAIT, NULL)), CALL(option(s[1], SO_ERROR));
    CALL(sendmmsg(s[0], BAD, 2, 0)), CALL(recvmmsg(s[1], BAD, 2, MSG_DONTWAIT, NULL));
    close(s[0]), close(s[1]);
}

int main(void)
{
    prepare();
    pairs(SOCK_DGRAM);
    pairs(SOCK_SEQPACKET);
    pairs(SOCK_RAW);
    peers();
    queues();
    sequenced();
    peek_offset();
    several();
    return 0;
}

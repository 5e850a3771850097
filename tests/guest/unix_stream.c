/* AF_UNIX streams: pairs, connections, backlog, half-close, resets, buffers, timeouts, peeking. */
#include "guest.h"
#include "sockets.h"

static void pairs(void)
{
    int s[2];
    CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(s[0]), SHOW(s[1]);
    CALL(write(s[0], "hello", 5));
    CALL(read(s[1], buffer, 3)), show_bytes(3);
    CALL(read(s[1], buffer, 10)), show_bytes(2);
    CALL(recv(s[1], buffer, 10, MSG_DONTWAIT));
    CALL(send(s[1], "ab", 2, 0));
    CALL(send(s[1], "cd", 2, MSG_MORE));
    CALL(recv(s[0], buffer, 10, MSG_PEEK)), show_bytes(4);
    CALL(recv(s[0], buffer, 3, MSG_PEEK));
    CALL(recv(s[0], buffer, 3, MSG_TRUNC)), show_bytes(3);
    CALL(recv(s[0], buffer, 0, 0));
    CALL(recv(s[0], buffer, 1, 0));
    CALL(write(s[0], "", 0));
    CALL(send(s[0], "", 0, 0));
    CALL(recv(s[1], buffer, 4, MSG_DONTWAIT));
    CALL(read(s[1], buffer, 0));
    CALL(lseek(s[0], 0, SEEK_SET));
    CALL(pread(s[0], buffer, 1, 0));
    CALL(pwrite(s[0], buffer, 1, 0));
    CALL(ftruncate(s[0], 0));
    CALL(fsync(s[0]));
    CALL(fcntl(s[0], F_GETFL));
    CALL(fcntl(s[0], F_SETFL, O_NONBLOCK | O_APPEND));
    CALL(fcntl(s[0], F_GETFL));
    CALL(read(s[0], buffer, 1));
    struct stat st;
    CALL(fstat(s[0], &st));
    show("mode", st.st_mode), SHOW(st.st_nlink), SHOW(st.st_size), SHOW(st.st_blocks), SHOW(st.st_blksize);
    struct statfs fs;
    CALL(fstatfs(s[0], &fs)), SHOW(fs.f_type);
    char link[64] = { 0 }, name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", s[0]);
    CALL(readlink(name, link, sizeof link) > 9);
    printf("%.8s\n", link);
    CALL(open(name, O_RDWR));
    CALL(fchmod(s[0], 0600));
    CALL(fstat(s[0], &st)), show("mode", st.st_mode);
    close(s[0]), close(s[1]);
    CALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s));
    CALL(fcntl(s[0], F_GETFL)), CALL(fcntl(s[1], F_GETFD));
    CALL(read(s[0], buffer, 1));
    close(s[0]), close(s[1]);
}

static void refusals(void)
{
    void *volatile bad = BAD;
    int s[2];
    CALL(socket(AF_UNIX, SOCK_STREAM, 1) >= 0);
    CALL(socket(AF_UNIX, SOCK_STREAM, 2));
    CALL(socket(AF_UNIX, SOCK_RDM, 0));
    CALL(socket(AF_UNIX, 9, 0));
    CALL(socket(AF_UNIX, 11, 0));
    CALL(socket(AF_UNIX, SOCK_STREAM | 0x10, 0));
    CALL(socket(AF_UNIX, -1, 0));
    CALL(socket(-1, SOCK_STREAM, 0));
    CALL(socket(46, SOCK_STREAM, 0));
    CALL(socket(46, 15, 0));
    CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)bad));
    CALL(socketpair(AF_UNIX, SOCK_STREAM, 5, s));
    CALL(socketpair(AF_UNIX, SOCK_STREAM | 16, 0, s));
    int pipe_ends[2];
    pipe(pipe_ends);
    CALL(bind(-1, BAD, 5)), CALL(bind(pipe_ends[0], BAD, 5));
    CALL(listen(pipe_ends[0], 5)), CALL(listen(99, 5));
    CALL(accept(pipe_ends[0], NULL, NULL)), CALL(accept(99, NULL, NULL));
    CALL(accept4(99, NULL, NULL, 1)), CALL(accept4(pipe_ends[0], NULL, NULL, 1));
    CALL(connect(pipe_ends[0], BAD, 5)), CALL(shutdown(pipe_ends[0], 0));
    CALL(send(pipe_ends[0], "a", 1, 0)), CALL(recv(pipe_ends[0], buffer, 1, 0));
    CALL(sendmsg(pipe_ends[0], BAD, 0)), CALL(recvmsg(pipe_ends[0], BAD, 0));
    CALL(getsockname(pipe_ends[0], BAD, BAD)), CALL(getpeername(99, BAD, BAD));
    close(pipe_ends[0]), close(pipe_ends[1]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    CALL(send(s[0], BAD, 1, 0)), CALL(recv(s[0], BAD, 1, MSG_DONTWAIT));
    CALL(send(s[0], HUGE_POINTER, 1, 0)), CALL(recv(s[0], HUGE_POINTER, 1, MSG_DONTWAIT));
    CALL(sendmsg(s[0], BAD, 0)), CALL(recvmsg(s[0], BAD, MSG_DONTWAIT));
    write(s[1], "xyz", 3);
    CALL(recv(s[0], BAD, 2, 0));
    CALL(recv(s[0], buffer, 3, 0)), show_bytes(3);
    CALL(sendto(s[0], "a", 1, 0, BAD, 5)), CALL(sendto(s[0], "a", 1, 0, BAD, -1)), CALL(sendto(s[0], "a", 1, 0, BAD, 200));
    CALL(shutdown(s[0], 3)), CALL(shutdown(s[0], -1));
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    CALL(sendto(s[0], "a", 1, 0, (void *)&un, sizeof un));
    CALL(accept(s[0], NULL, NULL));
    CALL(listen(s[0], 1));
    CALL(connect(s[0], (void *)&un, sizeof un));
    close(s[0]), close(s[1]);
    s[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(read(s[0], buffer, 1)), CALL(write(s[0], buffer, 1));
    CALL(sendto(s[0], "a", 1, 0, (void *)&un, sizeof un));
    CALL(accept(s[0], NULL, NULL)), CALL(shutdown(s[0], 2));
    CALL(listen(s[0], 1));
    CALL(poll_now(s[0]));
    close(s[0]);
}

static void half_close(void)
{
    int s[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    CALL(poll_now(s[0])), CALL(poll_now(s[1]));
    write(s[0], "last", 4);
    CALL(shutdown(s[0], SHUT_WR));
    CALL(write(s[0], "x", 1)), SHOW(pipe_signals);
    CALL(send(s[0], "x", 1, MSG_NOSIGNAL)), SHOW(pipe_signals);
    CALL(poll_now(s[0])), CALL(poll_now(s[1]));
    CALL(read(s[1], buffer, 10)), CALL(read(s[1], buffer, 10));
    CALL(write(s[1], "back", 4));
    CALL(read(s[0], buffer, 10)), show_bytes(4);
    CALL(shutdown(s[1], SHUT_RD));
    CALL(write(s[1], "more", 4));
    CALL(shutdown(s[1], SHUT_WR));
    CALL(poll_now(s[0])), CALL(poll_now(s[1]));
    CALL(read(s[0], buffer, 10)), CALL(read(s[0], buffer, 10));
    CALL(shutdown(s[0], SHUT_RDWR));
    close(s[0]), close(s[1]);

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    shutdown(s[1], SHUT_RD);
    CALL(write(s[0], "x", 1)), SHOW(pipe_signals);
    CALL(read(s[1], buffer, 1));
    CALL(poll_now(s[0])), CALL(poll_now(s[1]));
    close(s[1]);
    CALL(poll_now(s[0]));
    CALL(read(s[0], buffer, 1));
    CALL(write(s[0], buffer, 1)), SHOW(pipe_signals);
    close(s[0]);

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(s[0], "unread", 6), write(s[1], "seen", 4);
    close(s[1]);
    CALL(poll_now(s[0]));
    CALL(option(s[0], SO_TYPE));
    CALL(read(s[0], buffer, 2)), CALL(read(s[0], buffer, 2));
    CALL(read(s[0], buffer, 2)), CALL(read(s[0], buffer, 2));
    CALL(send(s[0], "x", 1, MSG_NOSIGNAL));
    close(s[0]);

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(s[0], "unread", 6);
    close(s[1]);
    CALL(option(s[0], SO_ERROR)), CALL(option(s[0], SO_ERROR));
    CALL(send(s[0], "x", 1, MSG_NOSIGNAL));
    close(s[0]);
}

static void connections(void)
{
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c[6], a;
    socklen_t size = abstract("stream-test");
    CALL(bind(l, ADDRESS, size));
    CALL(option(l, SO_ACCEPTCONN));
    c[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(connect(c[0], ADDRESS, size));
    CALL(listen(l, 1)), CALL(option(l, SO_ACCEPTCONN));
    CALL(poll_now(l));
    CALL(connect(c[0], ADDRESS, size));
    CALL(connect(c[0], ADDRESS, size));
    CALL(poll_now(l)), CALL(poll_now(c[0]));
    CALL(write(c[0], "early", 5));
    for (int i = 1; i < 5; i++) {
        c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CALL(connect(c[i], ADDRESS, size));
    }
    struct timeval quarter = { 0, 20000 };
    c[5] = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(setsockopt(c[5], SOL_SOCKET, SO_SNDTIMEO, &quarter, sizeof quarter));
    CALL(connect(c[5], ADDRESS, size));
    CALL(listen(l, 2));
    CALL(connect(c[5], ADDRESS, size));
    a = accept4(l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    CALL(fcntl(a, F_GETFL)), CALL(fcntl(a, F_GETFD));
    CALL(read(a, buffer, 10)), show_bytes(5);
    struct sockaddr_un un;
    socklen_t room = sizeof un;
    CALL(getsockname(a, (void *)&un, &room)), show_name(&un, room);
    room = sizeof un;
    CALL(getpeername(a, (void *)&un, &room)), show_name(&un, room);
    room = sizeof un;
    CALL(getpeername(c[0], (void *)&un, &room)), show_name(&un, room);
    room = 5;
    CALL(getpeername(c[0], (void *)&un, &room)), SHOW(room);
    room = -1;
    CALL(getpeername(c[0], (void *)&un, &room));
    CALL(getpeername(c[0], BAD, &room)), CALL(getpeername(c[0], (void *)&un, BAD));
    CALL(getpeername(l, (void *)&un, &room));
    CALL(connect(l, ADDRESS, size)), CALL(read(l, buffer, 1)), CALL(write(l, buffer, 1));
    close(a);
    CALL(read(c[0], buffer, 1));
    CALL(write(c[1], "lost", 4));
    close(l);
    CALL(poll_now(c[1]));
    CALL(read(c[1], buffer, 1)), CALL(read(c[1], buffer, 1)), CALL(write(c[1], "x", 1));
    CALL(connect(c[3], ADDRESS, size));
    for (int i = 0; i < 6; i++)
        close(c[i]);
}

static void waiting(void)
{
    int s[2], l = socket(AF_UNIX, SOCK_STREAM, 0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    pid_t child = fork();
    if (!child) {
        close(s[0]);
        usleep(2000);
        write(s[1], "ab", 2), usleep(2000), write(s[1], "cd", 2), usleep(2000), write(s[1], "ef", 2);
        _exit(0);
    }
    close(s[1]);
    CALL(recv(s[0], buffer, 5, MSG_WAITALL)), show_bytes(5);
    CALL(recv(s[0], buffer, 5, MSG_WAITALL)), show_bytes(1);
    CALL(recv(s[0], buffer, 5, MSG_WAITALL));
    close(s[0]);
    waitpid(child, NULL, 0);
    /* a writer that must wait */
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    child = fork();
    if (!child) {
        close(s[0]);
        long total = 0, n, sum = 0;
        static unsigned char big[30000];
        while ((n = read(s[1], big, sizeof big)) > 0) {
            for (long i = 0; i < n; i++)
                sum += big[i];
            total += n;
        }
        show("read", total), show("sum", sum);
        _exit(0);
    }
    close(s[1]);
    static unsigned char data[1000000];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7 + i / 256);
    long sum = 0;
    for (unsigned i = 0; i < sizeof data; i++)
        sum += data[i];
    CALL(write(s[0], data, sizeof data));
    show("expected", sum);
    close(s[0]);
    waitpid(child, NULL, 0);
    /* accept and connect wait */
    socklen_t size = abstract("waiting");
    bind(l, ADDRESS, size), listen(l, 0);
    child = fork();
    if (!child) {
        usleep(3000);
        int c = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_STREAM, 0);
        connect(c, ADDRESS, size);
        connect(d, ADDRESS, size);
        write(d, "second", 6);
        _exit(0);
    }
    int a = accept(l, NULL, NULL);
    CALL(a >= 0);
    int b = accept(l, NULL, NULL);
    CALL(read(a, buffer, 6)), CALL(read(b, buffer, 6)), show_bytes(6);
    waitpid(child, NULL, 0);
    close(a), close(b), close(l);
    /* signals and timeouts */
    struct timeval soon = { 0, 10000 };
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    CALL(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
    CALL(read(s[0], buffer, 1));
    child = fork();
    if (!child) {
        usleep(3000), kill(getppid(), SIGUSR1);
        _exit(0);
    }
    soon.tv_sec = 5;
    setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    CALL(read(s[0], buffer, 1));
    waitpid(child, NULL, 0);
    close(s[0]), close(s[1]);
}

static void peek_offset(void)
{
    int s[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    CALL(option(s[0], SO_PEEK_OFF));
    CALL(set_option(s[0], SO_PEEK_OFF, 0));
    write(s[1], "abc", 3), write(s[1], "defg", 4);
    CALL(recv(s[0], buffer, 2, MSG_PEEK)), show_bytes(2);
    CALL(option(s[0], SO_PEEK_OFF));
    CALL(recv(s[0], buffer, 10, MSG_PEEK)), show_bytes(5);
    CALL(recv(s[0], buffer, 10, MSG_PEEK | MSG_DONTWAIT));
    CALL(option(s[0], SO_PEEK_OFF));
    CALL(recv(s[0], buffer, 2, 0)), show_bytes(2);
    CALL(option(s[0], SO_PEEK_OFF));
    CALL(set_option(s[0], SO_PEEK_OFF, 1));
    CALL(recv(s[0], buffer, 10, MSG_PEEK)), show_bytes(4);
    CALL(set_option(s[0], SO_PEEK_OFF, -1)), CALL(set_option(s[0], SO_PEEK_OFF, -2));
    CALL(recv(s[0], buffer, 10, MSG_PEEK)), show_bytes(5);
    close(s[0]), close(s[1]);
}

static void buffers(void)
{
    static const int sizes[] = { 1, 192, 193, 705, 1000, 4096, 5000, 16384, 65536, 200000 };
    static char big[200000];
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int s[2], queued;
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
        long writes = 0, total = 0, n;
        while ((n = write(s[0], big, (size_t)sizes[i])) > 0)
            writes++, total += n;
        printf("%d bytes: %ld writes, %ld in all, error %d\n", sizes[i], writes, total, errno);
        CALL(poll_now(s[0]));
        CALL(ioctl(s[0], SIOCOUTQ, &queued)), SHOW(queued);
        CALL(ioctl(s[1], SIOCINQ, &queued)), SHOW(queued);
        long need = 0;
        while (!(poll_now(s[0]) & POLLOUT))
            need += read(s[1], big, 1000);
        show("writable after", need);
        close(s[0]), close(s[1]);
    }
    int s[2], value = 5000;
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    CALL(set_option(s[0], SO_SNDBUF, value));
    CALL(write(s[0], big, 100000)), CALL(write(s[0], big, 1));
    CALL(ioctl(s[0], 0x12345678, &value));
    CALL(ioctl(s[0], SIOCINQ, BAD));
    close(s[0]), close(s[1]);
}

int main(void)
{
    prepare();
    pairs();
    refusals();
    half_close();
    connections();
    waiting();
    peek_offset();
    buffers();
    return 0;
}

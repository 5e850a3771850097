/* AF_UNIX: descriptors and credentials in messages, garbage, SO_PEERCRED. */
#include "sockets.h"

#include <grp.h>
#include <sys/resource.h>
#include <sys/uio.h>

/* A message of one byte with control data of `size` bytes. */
static long send_control(int fd, void *control, size_t size)
{
    struct iovec v = { "m", 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = size };
    return sendmsg(fd, &m, 0);
}

static long send_files(int fd, const int *fds, unsigned count)
{
    static char control[CMSG_SPACE(300 * sizeof(int))];
    struct cmsghdr *c = (void *)control;
    c->cmsg_len = CMSG_LEN(count * sizeof(int)), c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    return send_control(fd, control, CMSG_SPACE(count * sizeof(int)));
}

/* What came, in words; the last descriptor of it. */
static int receive(int fd, size_t room, int flags)
{
    char control[CMSG_SPACE(300 * sizeof(int))], data[16];
    struct iovec v = { data, sizeof data };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = room ? control : NULL, .msg_controllen = room };
    memset(control, 0, sizeof control);
    errno = 0;
    long n = recvmsg(fd, &m, flags);
    int last = -1;
    printf("received %ld, errno %d, flags %#x, control %zu\n", n, n < 0 ? errno : 0, n < 0 ? 0 : m.msg_flags, n < 0 ? 0 : m.msg_controllen);
    for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        printf("  level %d type %d length %zu", c->cmsg_level, c->cmsg_type, c->cmsg_len);
        if (c->cmsg_type == SCM_RIGHTS) {
            for (unsigned i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                memcpy(&last, CMSG_DATA(c) + i * sizeof(int), sizeof last);
                if (i < 4)
                    printf(" %d", last);
            }
        } else if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len >= CMSG_LEN(sizeof(struct ucred))) {
            struct ucred u;
            memcpy(&u, CMSG_DATA(c), sizeof u);
            printf(" %s %d %d", u.pid == getpid() ? "me" : u.pid ? "other" : "none", (int)u.uid, (int)u.gid);
        }
        printf("\n");
    }
    fflush(stdout);
    return last;
}

static void files(int type)
{
    int s[2], p[2], many[300];
    show("type", type);
    socketpair(AF_UNIX, type, 0, s);
    pipe(p);
    CALL(send_files(s[0], p, 2));
    int got = receive(s[1], CMSG_SPACE(8), 0);
    CALL(write(got, "through", 7)), CALL(read(p[0], buffer, 10)), CALL(fcntl(got, F_GETFD));
    close(got), close(got - 1);
    CALL(send_files(s[0], p, 1));
    got = receive(s[1], CMSG_SPACE(4), MSG_CMSG_CLOEXEC);
    CALL(fcntl(got, F_GETFD)), close(got);
    static const size_t rooms[] = { 0, 1, 15, 16, 17, 19, 20, 23, 24, 27, 28, 31, 32, 100 };
    for (unsigned i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        int three[3] = { p[0], p[1], p[0] };
        send_files(s[0], three, 3);
        got = receive(s[1], rooms[i], 0);
        for (int fd = 7; fd < 12; fd++)
            close(fd);
    }
    send_files(s[0], p, 1);
    got = receive(s[1], 24, MSG_PEEK), close(got);
    got = receive(s[1], 24, 0), close(got);
    send_files(s[0], p, 1);
    CALL(read(s[1], buffer, 10));
    CALL(fcntl(7, F_GETFD));
    for (int i = 0; i < 300; i++)
        many[i] = p[1];
    CALL(send_files(s[0], many, 253)), CALL(send_files(s[0], many, 254)), CALL(send_files(s[0], many, 0));
    receive(s[1], 1000, 0);
    CALL(fcntl(255, F_GETFD));
    for (int fd = 7; fd < 300; fd++)
        close(fd);
    receive(s[1], 1000, MSG_DONTWAIT);
    many[2] = 999;
    CALL(send_files(s[0], many, 3));
    many[0] = open("/", O_PATH);
    CALL(send_files(s[0], many, 1)), close(many[0]);
    /* the limit of descriptors cuts what is received */
    struct rlimit limit, less;
    getrlimit(RLIMIT_NOFILE, &limit);
    less = limit, less.rlim_cur = 9;
    many[2] = many[0] = p[0];
    send_files(s[0], many, 4);
    setrlimit(RLIMIT_NOFILE, &less);
    receive(s[1], 1000, 0);
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = 7; fd < 12; fd++)
        close(fd);
    close(s[0]), close(s[1]), close(p[0]), close(p[1]);
}

static void malformed(void)
{
    int s[2], p[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s), pipe(p);
    char control[256] = { 0 };
    struct cmsghdr *c = (void *)control;
    *c = (struct cmsghdr){ .cmsg_len = 15, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
    CALL(send_control(s[0], control, 24));
    c->cmsg_len = 25;
    CALL(send_control(s[0], control, 24));
    c->cmsg_len = SIZE_MAX;
    CALL(send_control(s[0], control, 24));
    c->cmsg_len = 16;
    CALL(send_control(s[0], control, 24));
    c->cmsg_len = 19;
    CALL(send_control(s[0], control, 24));
    c->cmsg_type = 77, c->cmsg_len = 20;
    CALL(send_control(s[0], control, 24));
    c->cmsg_level = 5;
    CALL(send_control(s[0], control, 24));
    CALL(send_control(s[0], control, 3)), CALL(send_control(s[0], BAD, 24)), CALL(send_control(s[0], control, (size_t)1 << 32));
    CALL(send_control(s[0], control, 200000)), CALL(send_control(s[0], NULL, 24));
    struct iovec v = { "m", 1 };
    struct msghdr m = { .msg_iov = BAD, .msg_iovlen = 1 };
    CALL(sendmsg(s[0], &m, 0)), m.msg_iovlen = 1025;
    CALL(sendmsg(s[0], &m, 0)), m.msg_iov = &v, m.msg_iovlen = 1;
    m.msg_name = BAD, m.msg_namelen = 5;
    CALL(sendmsg(s[0], &m, 0)), m.msg_namelen = (socklen_t)-1;
    CALL(sendmsg(s[0], &m, 0)), m.msg_namelen = 0;
    CALL(sendmsg(s[0], &m, 0)), m.msg_name = NULL, m.msg_namelen = 7;
    CALL(sendmsg(s[0], &m, 0));
    CALL(recv(s[1], buffer, 100, 0));
    /* two blocks of descriptors add up; an empty one counts for nothing */
    for (int i = 0; i < 2; i++) {
        c = (void *)(control + 24 * i);
        *c = (struct cmsghdr){ .cmsg_len = 20, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(c), &p[i], 4);
    }
    CALL(send_control(s[0], control, 48));
    receive(s[1], 100, 0);
    close(s[0]), close(s[1]), close(p[0]), close(p[1]);
    for (int fd = 3; fd < 20; fd++)
        close(fd);
}

/* A stream's reads end where descriptors or writers change. */
static void boundaries(void)
{
    int s[2], p[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s), pipe(p);
    write(s[0], "ab", 2), send_files(s[0], p, 1), write(s[0], "cd", 2);
    close(receive(s[1], 100, 0)), receive(s[1], 100, 0);
    send_files(s[0], p, 1), send_files(s[0], p, 1);
    close(receive(s[1], 100, MSG_PEEK));
    close(receive(s[1], 100, MSG_WAITALL)), close(receive(s[1], 100, 0));
    struct iovec v = { "0123456789", 10 };
    char control[24] = { 0 };
    struct cmsghdr *c = (void *)control;
    *c = (struct cmsghdr){ .cmsg_len = 20, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(c), p, 4);
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 24 };
    CALL(sendmsg(s[0], &m, 0)), CALL(write(s[0], "x", 1));
    CALL(read(s[1], buffer, 3)), close(receive(s[1], 100, 0)), receive(s[1], 100, MSG_DONTWAIT);
    CALL(set_option(s[1], SO_PASSCRED, 1));
    write(s[0], "mine", 4);
    pid_t child = fork();
    if (!child) {
        write(s[0], "child", 5), write(s[0], "again", 5);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    write(s[0], "mine", 4);
    receive(s[1], 100, MSG_PEEK);
    receive(s[1], 100, 0), receive(s[1], 100, 0), receive(s[1], 20, 0);
    CALL(set_option(s[1], SO_PASSCRED, 0));
    write(s[0], "late", 4);
    CALL(set_option(s[1], SO_PASSCRED, 1)), CALL(option(s[1], SO_PASSCRED)), CALL(option(s[0], SO_PASSCRED));
    receive(s[1], 100, 0);
    write(s[0], "none", 4);
    receive(s[1], 0, 0);
    close(s[0]), close(s[1]), close(p[0]), close(p[1]);
}

static long send_ucred(int fd, int pid, unsigned uid, unsigned gid, size_t length)
{
    char control[CMSG_SPACE(sizeof(struct ucred))] = { 0 };
    struct cmsghdr *c = (void *)control;
    struct ucred u = { pid, uid, gid };
    *c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(length), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS };
    memcpy(CMSG_DATA(c), &u, sizeof u);
    return send_control(fd, control, CMSG_SPACE(length));
}

static void credentials(void)
{
    int s[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    set_option(s[1], SO_PASSCRED, 1);
    CALL(send_ucred(s[0], getpid(), 0, 0, 12)), receive(s[1], 100, 0);
    CALL(send_ucred(s[0], getpid(), 5, 6, 12)), receive(s[1], 100, 0);
    CALL(send_ucred(s[0], 0, 0, 0, 12)), CALL(send_ucred(s[0], 1 << 22, 0, 0, 12)), CALL(send_ucred(s[0], -1, 0, 0, 12));
    CALL(send_ucred(s[0], getpid(), 0, 0, 8)), CALL(send_ucred(s[0], getpid(), -1u, 0, 12)), CALL(send_ucred(s[0], getpid(), 0, -1u, 12));
    pid_t child = fork();
    if (!child) {
        pause();
        _exit(0);
    }
    CALL(send_ucred(s[0], child, 0, 0, 12)), receive(s[1], 100, MSG_DONTWAIT);
    kill(child, SIGKILL), waitpid(child, NULL, 0);
    CALL(send(s[0], "x", 1, 0)), receive(s[1], 100, 0), send(s[0], "x", 1, 0), receive(s[1], 20, 0);
    struct ucred peer;
    socklen_t size = sizeof peer;
    CALL(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &peer, &size)), SHOW(peer.pid == getpid()), SHOW(peer.uid), SHOW(size);
    size = 5;
    CALL(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &peer, &size)), SHOW(size);
    size = 100;
    char big[100];
    CALL(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, big, &size)), SHOW(size);
    int lone = socket(AF_UNIX, SOCK_STREAM, 0);
    size = sizeof peer;
    CALL(getsockopt(lone, SOL_SOCKET, SO_PEERCRED, &peer, &size)), SHOW(peer.pid), SHOW((int)peer.uid), SHOW((int)peer.gid);
    gid_t groups[4] = { 9, 9, 9, 9 }, mine[2] = { 30, 20 };
    size = sizeof groups;
    CALL(getsockopt(lone, SOL_SOCKET, SO_PEERGROUPS, groups, &size)), SHOW(size);
    close(lone);
    setgroups(2, mine);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    size = sizeof groups;
    CALL(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, groups, &size)), SHOW(size), SHOW(groups[0]), SHOW(groups[1]);
    size = 4;
    CALL(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, groups, &size)), SHOW(size);
    setgroups(0, NULL);
    int l = socket(AF_UNIX, SOCK_STREAM, 0);
    size = abstract("cred");
    bind(l, ADDRESS, size), listen(l, 5);
    child = fork();
    if (!child) {
        setresgid(8, 7, 8), setresuid(6, 5, 6);
        int c = socket(AF_UNIX, SOCK_STREAM, 0);
        CALL(connect(c, ADDRESS, size));
        size = sizeof peer;
        CALL(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &peer, &size)), SHOW(peer.pid == getppid()), SHOW(peer.uid), SHOW(peer.gid);
        set_option(c, SO_PASSCRED, 1);
        CALL(send_ucred(c, getpid(), 6, 8, 12)), CALL(send_ucred(c, getpid(), 5, 7, 12)), CALL(send_ucred(c, getpid(), 0, 8, 12));
        CALL(send_ucred(c, getpid(), 6, 0, 12)), CALL(send_ucred(c, getppid(), 6, 8, 12)), CALL(write(c, "x", 1));
        /* more descriptors in flight than RLIMIT_NOFILE allows */
        struct rlimit few = { 10, 10 };
        int p[2], pair[2], ten[10];
        pipe(p), socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
        setrlimit(RLIMIT_NOFILE, &few);
        for (int i = 0; i < 10; i++)
            ten[i] = p[0];
        CALL(send_files(pair[0], ten, 10)), CALL(send_files(pair[0], ten, 1)), CALL(send_files(pair[0], ten, 1));
        CALL(read(pair[1], buffer, 1)), CALL(send_files(pair[0], ten, 1));
        _exit(0);
    }
    int a = accept(l, NULL, NULL);
    waitpid(child, NULL, 0);
    size = sizeof peer;
    CALL(getsockopt(a, SOL_SOCKET, SO_PEERCRED, &peer, &size)), SHOW(peer.pid == child), SHOW(peer.uid), SHOW(peer.gid);
    set_option(a, SO_PASSCRED, 1);
    receive(a, 100, 0), receive(a, 100, 0), receive(a, 100, 0), receive(a, 100, MSG_DONTWAIT);
    close(a), close(l), close(s[0]), close(s[1]);
}

/* Sockets that only lie in one another's queues go when another one is closed. */
static void garbage(void)
{
    int s[2], t[2], p[2], other;
    pipe2(p, O_NONBLOCK);
    other = socket(AF_UNIX, SOCK_STREAM, 0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s), socketpair(AF_UNIX, SOCK_DGRAM, 0, t);
    int to_s[2] = { t[1], p[1] };
    CALL(send_files(s[0], to_s, 2)), CALL(send_files(t[0], &s[1], 1)), CALL(send_files(s[0], &s[0], 1));
    close(p[1]);
    CALL(read(p[0], buffer, 1));
    close(t[1]), close(s[1]), close(t[0]), close(s[0]);
    CALL(close(other));
    usleep(100000);
    CALL(read(p[0], buffer, 1));
    close(p[0]);
    /* a connection that nobody has accepted, in a queue of its own listener */
    pipe2(p, O_NONBLOCK);
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t size = abstract("garbage");
    bind(l, ADDRESS, size), listen(l, 5), connect(c, ADDRESS, size);
    int both[2] = { l, p[1] };
    CALL(send_files(c, both, 2));
    close(p[1]), close(l);
    CALL(read(p[0], buffer, 1));
    close(c), close(socket(AF_UNIX, SOCK_STREAM, 0));
    usleep(100000);
    CALL(read(p[0], buffer, 1));
    /* one that is reachable stays */
    socketpair(AF_UNIX, SOCK_STREAM, 0, s), socketpair(AF_UNIX, SOCK_STREAM, 0, t);
    send_files(s[0], t, 2), write(t[0], "kept", 4), close(t[0]), close(t[1]);
    close(socket(AF_UNIX, SOCK_STREAM, 0));
    usleep(20000);
    int got = receive(s[1], 100, 0);
    CALL(read(got, buffer, 10)), show_bytes(4);
}

int main(void)
{
    prepare();
    files(SOCK_STREAM);
    files(SOCK_DGRAM);
    malformed();
    boundaries();
    credentials();
    garbage();
    return 0;
}

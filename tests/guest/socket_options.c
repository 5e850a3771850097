/* SOL_SOCKET options: values, lengths that go in and out, errors. */
#include "sockets.h"

#include <asm/socket.h>
#include <sys/time.h>

static void one(int fd, int name)
{
    unsigned char value[64];
    static const int sizes[] = { 0, 1, 3, 4, 8, 12, 16, 64 };
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        socklen_t size = (socklen_t)sizes[i];
        memset(value, 0xee, sizeof value);
        int result = getsockopt(fd, SOL_SOCKET, name, value, &size);
        printf("get %d of %d: %d %d size %u:", name, sizes[i], result, result ? errno : 0, size);
        for (unsigned j = 0; j < 17 && value[j] != 0xee; j++)
            printf(" %02x", value[j]);
        printf("\n");
    }
    fflush(stdout);
}

static void all_values(int fd)
{
    for (int name = 0; name <= 84; name++) {
        int value = -1;
        socklen_t size = sizeof value;
        /* filters, cookies, memory counters and processors are the machine's own affair */
        if (name == 26 || name == 31 || name == 55 || name == 56 || name == 57 || name == 49 || name == 47 || name == 48 || name == 37 || name == 65)
            continue;
        if (name == 46 || name == 69 || name == 70 || name == 71 || name == 73 || name == 74 || name == 61 || name == 62 || name == 75 || name >= 76)
            continue;
        if (name == 28 || name == 59 || name == 17 || name == 43 || name == 41)
            continue;
        int result = getsockopt(fd, SOL_SOCKET, name, &value, &size);
        printf("option %d: %d %d %u\n", name, result ? -errno : 0, result ? 0 : value, size);
    }
    fflush(stdout);
}

static void setting(int fd)
{
    static const int names[] = { SO_DEBUG, SO_REUSEADDR, SO_TYPE, SO_ERROR, SO_DONTROUTE, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE,
                                 SO_OOBINLINE, SO_NO_CHECK, SO_PRIORITY, SO_BSDCOMPAT, SO_REUSEPORT, SO_PASSCRED, SO_PEERCRED, SO_RCVLOWAT,
                                 SO_SNDLOWAT, SO_TIMESTAMP, SO_ACCEPTCONN, SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_MARK, SO_TIMESTAMPNS,
                                 SO_PROTOCOL, SO_DOMAIN, SO_RXQ_OVFL, SO_PEEK_OFF, SO_ZEROCOPY, 200, -1 };
    static const int values[] = { 0, 1, 5, -1, 100000000 };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        for (unsigned j = 0; j < sizeof values / sizeof *values; j++) {
            int set = set_option(fd, names[i], values[j]), error = set ? errno : 0, get = option(fd, names[i]);
            printf("set %d to %d: %d, then %d\n", names[i], values[j], error, get);
        }
    char small = 1;
    int value = 1;
    CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &small, 1)), CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 3));
    CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 0)), CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, (socklen_t)-1));
    CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, BAD, 4)), CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, BAD, 3));
    CALL(setsockopt(fd, SOL_SOCKET, 200, BAD, 4)), CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 1000000));
    CALL(setsockopt(fd, 77, 1, BAD, 4)), CALL(setsockopt(99, 77, 1, BAD, (socklen_t)-1)), CALL(setsockopt(0, 77, 1, BAD, (socklen_t)-1));
    CALL(setsockopt(fd, 77, 1, BAD, (socklen_t)-1));
    socklen_t size = 4;
    CALL(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, BAD, &size)), CALL(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, BAD));
    CALL(getsockopt(fd, SOL_SOCKET, 200, &value, BAD)), CALL(getsockopt(fd, 77, 1, &value, BAD)), CALL(getsockopt(99, 1, 1, &value, BAD));
    size = (socklen_t)-1;
    CALL(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &size));
    struct linger linger = { 1, 7 };
    CALL(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger)), CALL(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, 7));
    one(fd, SO_LINGER);
    linger.l_onoff = 0, linger.l_linger = 9;
    CALL(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger)), one(fd, SO_LINGER);
    static const struct timeval times[] = { { 1, 500000 }, { 0, 0 }, { 0, 1000000 }, { 0, -1 }, { -1, 0 }, { INT64_MAX, 0 }, { 3, 4000 } };
    for (unsigned i = 0; i < sizeof times / sizeof *times; i++) {
        struct timeval back = { -1, -1 };
        CALL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &times[i], sizeof times[i])), size = sizeof back;
        CALL(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &back, &size)), SHOW(back.tv_sec), SHOW(back.tv_usec);
    }
    CALL(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &times[0], 15)), one(fd, SO_SNDTIMEO), one(fd, SO_TYPE), one(fd, SO_RCVBUF);
}

static void without_rights(void)
{
    pid_t child = fork();
    if (!child) {
        setresuid(1000, 1000, 1000);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        CALL(set_option(fd, SO_DEBUG, 1)), CALL(set_option(fd, SO_DEBUG, 0)), CALL(set_option(fd, SO_SNDBUFFORCE, 1));
        CALL(set_option(fd, SO_RCVBUFFORCE, 1)), CALL(set_option(fd, SO_MARK, 1)), CALL(set_option(fd, SO_PRIORITY, 7));
        CALL(set_option(fd, SO_PRIORITY, 6)), CALL(set_option(fd, SO_MARK, 0));
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(void)
{
    prepare();
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
    for (int i = 0; i < 3; i++) {
        int fd = socket(AF_UNIX, types[i], 0);
        all_values(fd);
        close(fd);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    setting(fd);
    close(fd);
    without_rights();
    return 0;
}

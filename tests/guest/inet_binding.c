/* Addresses and ports: who may have which, alone or with others; IPv4 beside IPv6; which listener is found. */
#include "inet.h"

#include <sys/prctl.h>

enum { REUSE = 1, PORT = 2, LISTENS = 4, ONLY6 = 8 };

/* A socket of a type, bound as told: what bind (or listen) said is in errno. */
static int bound(int type, const char *address, int port, int how)
{
    bool v6 = strchr(address, ':');
    int fd = socket(v6 ? AF_INET6 : AF_INET, type, 0);
    if (how & REUSE)
        set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (how & PORT)
        set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (how & ONLY6)
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    errno = 0;
    if ((v6 ? bind6(fd, address, port) : bind4(fd, address, port)) || (how & LISTENS && listen(fd, 4))) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static void together(int type, const char *first, int how1, const char *second, int how2)
{
    int a = bound(type, first, 0, how1), b = bound(type, second, port_of(a), how2);
    printf("%s %s/%d with %s/%d: %d\n", type == SOCK_STREAM ? "tcp" : "udp", first, how1, second, how2,
           b < 0 ? errno : 0);
    close(a);
    if (b >= 0)
        close(b);
}

static void pairs(void)
{
    static const char *const addresses[] = { "127.0.0.1", "127.0.0.2", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1" };
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++)
        for (size_t i = 0; i < 6; i++)
            for (size_t j = 0; j < 6; j++)
                together(type, addresses[i], 0, addresses[j], 0);
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        together(type, "::", ONLY6, "0.0.0.0", 0);
        together(type, "0.0.0.0", 0, "::", ONLY6);
        together(type, "::", ONLY6, "::1", 0);
        together(type, "::", ONLY6, "127.0.0.1", 0);
        for (int how1 = 0; how1 < 4; how1++)
            for (int how2 = 0; how2 < 4; how2++)
                together(type, "127.0.0.1", how1, "127.0.0.1", how2);
        together(type, "0.0.0.0", REUSE, "127.0.0.1", REUSE);
        together(type, "::", PORT, "127.0.0.1", PORT);
        together(type, "::", REUSE, "0.0.0.0", PORT);
    }
    for (int how1 = 0; how1 < 8; how1++)
        for (int how2 = 0; how2 < 8; how2++)
            together(SOCK_STREAM, "0.0.0.0", how1, "127.0.0.1", how2);
}

static void addresses(void)
{
    printf("--- addresses\n");
    static const char *const list[] = { "127.1.2.3", "127.255.255.255", "255.255.255.255", "224.0.0.1", "10.1.2.3",
                                        "0.0.0.1",
                                        "::1", "::2", "fe80::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1",
                                        "::ffff:10.1.2.3", "::ffff:0.0.0.0" };
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++)
        for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
            int fd = bound(type, list[i], 0, 0);
            printf("%d bind %s: %d\n", type, list[i], fd < 0 ? errno : 0);
            if (fd >= 0)
                show_names(fd);
            close(fd);
        }
}

static void destinations(void)
{
    printf("--- destinations\n");
    static const char *const list[] = { "10.1.2.3", "224.0.0.1", "127.255.255.255", "255.255.255.255", "::2",
                                        "2001:db8::1",
                                        "ff02::1", "::ffff:10.1.2.3" };
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++)
        for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
            bool v6 = strchr(list[i], ':');
            int fd = socket(v6 ? AF_INET6 : AF_INET, type, 0);
            int result = v6 ? connect6(fd, list[i], 9) : connect4(fd, list[i], 9);
            printf("%d connect %s: %d\n", type, list[i], result ? errno : 0);
            SHOW(port_of(fd) != 0);
            close(fd);
        }
}

/* Which of several listeners a connection reaches. */
static void found(const char *what, int fd[], int count, const char *address, int port)
{
    int c = strchr(address, ':') ? socket(AF_INET6, SOCK_STREAM, 0) : socket(AF_INET, SOCK_STREAM, 0), who = -1;
    int result = strchr(address, ':') ? connect6(c, address, port) : connect4(c, address, port), error = errno;
    for (int i = 0; i < count; i++)
        if (ready(fd[i]) & POLLIN) {
            who = i;
            int other = accept(fd[i], NULL, NULL);
            show_names(other);
            close(other);
        }
    printf("%s: %d, found %d\n", what, result ? error : 0, who);
    show_names(c);
    close(c);
}

static void listeners(void)
{
    printf("--- listeners\n");
    int fd[3];
    fd[0] = bound(SOCK_STREAM, "0.0.0.0", 0, REUSE | PORT | LISTENS);
    int port = port_of(fd[0]);
    found("any", fd, 1, "127.0.0.5", port);
    found("v6 to v4", fd, 1, "::1", port);
    found("mapped to v4", fd, 1, "::ffff:127.0.0.1", port);
    found("0.0.0.0", fd, 1, "0.0.0.0", port);
    fd[1] = bound(SOCK_STREAM, "127.0.0.2", port, REUSE | PORT | LISTENS);
    fd[2] = bound(SOCK_STREAM, "::", port, REUSE | PORT | LISTENS);
    found("127.0.0.1", fd, 3, "127.0.0.1", port);
    found("127.0.0.2", fd, 3, "127.0.0.2", port);
    found("::1", fd, 3, "::1", port);
    found("::", fd, 3, "::", port);
    close(fd[0]);
    found("v4 to v6", fd + 1, 2, "127.0.0.1", port);
    found("mapped to v6", fd + 1, 2, "::ffff:127.0.0.1", port);
    close(fd[1]);
    close(fd[2]);
    fd[0] = bound(SOCK_STREAM, "::", 0, ONLY6 | LISTENS);
    port = port_of(fd[0]);
    found("v4 to v6 only", fd, 1, "127.0.0.1", port);
    found("v6 to v6 only", fd, 1, "::1", port);
    close(fd[0]);
    fd[0] = bound(SOCK_STREAM, "::ffff:127.0.0.1", 0, LISTENS);
    found("v4 to mapped", fd, 1, "127.0.0.1", port_of(fd[0]));
    close(fd[0]);
}

static void many_listeners(void)
{
    printf("--- SO_REUSEPORT\n");
    int fd[4], port = 0, used = 0, all = 0;
    for (int i = 0; i < 4; i++) {
        fd[i] = bound(SOCK_STREAM, "127.0.0.1", port, PORT);
        port = port_of(fd[0]);
        if (listen(fd[i], 100))
            perror("listen");
    }
    int c[64];
    for (int i = 0; i < 64; i++) {
        c[i] = socket(AF_INET, SOCK_STREAM, 0);
        connect4(c[i], "127.0.0.1", port);
    }
    for (int i = 0; i < 4; i++) {
        int own = 0;
        nonblocking(fd[i]);
        for (int other; (other = accept(fd[i], NULL, NULL)) >= 0; own++)
            close(other);
        used += own > 0;
        all += own;
        close(fd[i]);
    }
    for (int i = 0; i < 64; i++)
        close(c[i]);
    SHOW(used);
    SHOW(all);
}

static void ports(void)
{
    printf("--- ports\n");
    int low = 1, high = 1, odd = 1, even = 1;
    for (int i = 0; i < 20; i++) {
        int fd = bound(SOCK_STREAM, "127.0.0.1", 0, 0);
        low &= port_of(fd) >= 32768;
        high &= port_of(fd) <= 60999;
        odd &= port_of(fd) & 1;
        close(fd);
    }
    int l = listener4(30), c[20];
    for (int i = 0; i < 20; i++) {
        c[i] = socket(AF_INET, SOCK_STREAM, 0);
        connect4(c[i], "127.0.0.1", port_of(l));
        even &= !(port_of(c[i]) & 1);
    }
    for (int i = 0; i < 20; i++)
        close(c[i]);
    SHOW(low);
    SHOW(high);
    SHOW(odd);
    SHOW(even);
    int fd = bound(SOCK_STREAM, "127.0.0.1", 0, 0), port = port_of(fd);
    CALL(bind4(fd, "127.0.0.1", 0));
    CALL(connect4(fd, "127.0.0.1", port_of(l)));
    SHOW(port_of(fd) == port);
    int again = bound(SOCK_STREAM, "127.0.0.1", port, REUSE);
    show_result("bind to a connection's port", again);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CALL(listen(fd, 1)); /* without bind */
    SHOW(port_of(fd) != 0);
    show_names(fd);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = in4("127.0.0.1", 0);
    CALL(bind(fd, (struct sockaddr *)&name, sizeof name - 1));
    CALL(bind(fd, (struct sockaddr *)&name, sizeof name + 4));
    CALL(bind(fd, (struct sockaddr *)&name, 0));
    CALL(connect(fd, (struct sockaddr *)&name, 0));
    CALL(connect(fd, (struct sockaddr *)&name, 8));
    close(fd);
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 name6 = in6("::1", 0);
    CALL(bind(fd, (struct sockaddr *)&name, sizeof name));
    CALL(bind(fd, (struct sockaddr *)&name6, 23));
    CALL(bind(fd, (struct sockaddr *)&name6, 24));
    CALL(connect(fd, (struct sockaddr *)&name, sizeof name));
    CALL(connect(fd, (struct sockaddr *)&name6, 23));
    close(fd);
    close(l);
}

static void rights(void)
{
    printf("--- rights\n");
    int fd = bound(SOCK_STREAM, "127.0.0.1", 80, LISTENS);
    SHOW(fd >= 0);
    close(fd);
    if (fork() == 0) {
        CALL(setresuid(1000, 1000, 1000));
        CALL(bound(SOCK_STREAM, "127.0.0.1", 1023, 0));
        CALL(bound(SOCK_DGRAM, "127.0.0.1", 53, 0));
        CALL(bound(SOCK_STREAM, "::1", 1023, 0));
        CALL(bound(SOCK_STREAM, "10.1.2.3", 80, 0));
        SHOW(bound(SOCK_STREAM, "127.0.0.1", 1024, 0) >= 0);
        CALL(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
        CALL(socket(AF_INET6, SOCK_RAW, 58));
        fd = socket(AF_INET, SOCK_DGRAM, 0);
        CALL(set_int(fd, IPPROTO_IP, IP_TRANSPARENT, 1));
        CALL(set_int(fd, SOL_SOCKET, SO_MARK, 1));
        _exit(0);
    }
    int status;
    wait(&status);
    show_status("child", status);
}

static void kinds(void)
{
    printf("--- kinds\n");
    CALL(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    CALL(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
    CALL(socket(AF_INET, SOCK_STREAM, 300));
    CALL(socket(AF_INET, SOCK_STREAM, -1));
    CALL(socket(AF_INET, SOCK_SEQPACKET, 0));
    CALL(socket(AF_INET, SOCK_RDM, 0));
    CALL(socket(AF_INET, SOCK_RAW, 0));
    CALL(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
    CALL(socket(AF_INET6, SOCK_DGRAM, 58));
    CALL(socket(AF_INET, 11, 0));
    CALL(socket(AF_INET, 0, 0));
    int pair[2], fd = socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP);
    CALL(socketpair(AF_INET, SOCK_STREAM, 0, pair));
    SHOW(get_int(fd, SOL_SOCKET, SO_TYPE));
    SHOW(get_int(fd, SOL_SOCKET, SO_PROTOCOL));
    SHOW(get_int(fd, SOL_SOCKET, SO_DOMAIN));
    struct stat st;
    CALL(fstat(fd, &st));
    SHOW(st.st_mode);
    CALL(lseek(fd, 0, SEEK_SET));
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    SHOW(get_int(fd, SOL_SOCKET, SO_PROTOCOL));
    close(fd);
}

int main(void)
{
    own_network();
    pairs();
    addresses();
    destinations();
    listeners();
    many_listeners();
    ports();
    rights();
    kinds();
    return 0;
}

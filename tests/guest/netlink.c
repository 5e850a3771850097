/* What programs learn about the network: getifaddrs, if_nameindex, getaddrinfo, netlink requests and their errors, the
 * tables in /proc/net. */
#include "inet.h"

#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netdb.h>

static void library(void)
{
    printf("--- library\n");
    struct ifaddrs *list;
    CALL(getifaddrs(&list));
    for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
        if (strcmp(i->ifa_name, "lo") != 0)
            continue;
        printf("%s flags %x\n", i->ifa_name, i->ifa_flags);
        int family = i->ifa_addr ? i->ifa_addr->sa_family : -1;
        printf("family %d\n", family);
        if (family == AF_INET || family == AF_INET6) {
            socklen_t size = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
            show_address("address", i->ifa_addr, size, true);
            show_address("mask", i->ifa_netmask, size, true);
        }
    }
    freeifaddrs(list);
    struct if_nameindex *names = if_nameindex();
    printf("%d %s\n", names[0].if_index, names[0].if_name);
    if_freenameindex(names);
    char name[IF_NAMESIZE] = "";
    SHOW(if_nametoindex("lo"));
    SHOW(if_nametoindex("nosuch"));
    puts(if_indextoname(1, name) ? name : "none");
    SHOW(if_indextoname(77, name) == NULL);
}

static int netlink(int protocol)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
}

static void show_messages(int fd)
{
    static char bytes[16384];
    for (bool more = true; more;) {
        struct sockaddr_nl from;
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
        if (got < 0) {
            show_result("recv", got);
            return;
        }
        if (from.nl_family != AF_NETLINK || from.nl_pid)
            printf("from %d %u\n", from.nl_family, from.nl_pid);
        int left = (int)got;
        for (struct nlmsghdr *h = (void *)bytes; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            const struct nlmsgerr *e = NLMSG_DATA(h);
            const struct ifaddrmsg *a = NLMSG_DATA(h);
            const struct rtmsg *r = NLMSG_DATA(h);
            printf("type %d flags %x seq %d own %d", h->nlmsg_type, h->nlmsg_flags & ~NLM_F_DUMP_FILTERED, h->nlmsg_seq,
                   h->nlmsg_pid == (unsigned)getpid());
            more = h->nlmsg_flags & NLM_F_MULTI && h->nlmsg_type != NLMSG_DONE;
            if (h->nlmsg_type == NLMSG_ERROR)
                printf(" error %d of type %d len %d in %d\n", e->error, e->msg.nlmsg_type, e->msg.nlmsg_len,
                       h->nlmsg_len);
            else if (h->nlmsg_type == RTM_NEWADDR)
                printf(" family %d prefix %d flags %x scope %d index %d\n", a->ifa_family, a->ifa_prefixlen,
                       a->ifa_flags,
                       a->ifa_scope, a->ifa_index);
            else if (h->nlmsg_type == RTM_NEWROUTE || h->nlmsg_type == RTM_NEWRULE)
                printf(" family %d to /%d table %d protocol %d scope %d type %d flags %x len %d\n", r->rtm_family,
                       r->rtm_dst_len, r->rtm_table, r->rtm_protocol, r->rtm_scope, r->rtm_type, r->rtm_flags,
                           h->nlmsg_len);
            else
                printf("\n");
        }
    }
}

static void ask(int fd, int type, int flags, int family, int body)
{
    static int seq;
    struct {
        struct nlmsghdr h;
        unsigned char body[64];
    } m = { .h = { .nlmsg_len = (unsigned)(NLMSG_HDRLEN + body), .nlmsg_type = (unsigned short)type,
                   .nlmsg_flags = (unsigned short)flags, .nlmsg_seq = (unsigned)++seq },
            .body = { (unsigned char)family } };
    struct sockaddr_nl to = { .nl_family = AF_NETLINK };
    printf("ask %d flags %x family %d body %d: ", type, flags, family, body);
    ssize_t sent = sendto(fd, &m, m.h.nlmsg_len, 0, (struct sockaddr *)&to, sizeof to);
    show_result("sent", sent);
    show_messages(fd);
}

static void requests(void)
{
    printf("--- requests\n");
    int fd = netlink(NETLINK_ROUTE), dump = NLM_F_REQUEST | NLM_F_DUMP;
    ask(fd, RTM_GETADDR, dump, AF_UNSPEC, 8);
    ask(fd, RTM_GETADDR, dump, AF_INET, 8);
    ask(fd, RTM_GETADDR, dump, AF_INET6, 8);
    ask(fd, RTM_GETADDR, dump, AF_UNSPEC, 1);
    ask(fd, RTM_GETROUTE, dump, AF_INET, 12);
    ask(fd, RTM_GETRULE, dump, AF_INET, 12);
    ask(fd, RTM_GETRULE, dump, AF_INET6, 12);
    ask(fd, RTM_GETNEIGH, dump, AF_UNSPEC, 12);
    ask(fd, RTM_GETLINK, NLM_F_REQUEST, AF_UNSPEC, 16);
    ask(fd, RTM_GETLINK, 0, AF_UNSPEC, 16);
    ask(fd, RTM_GETLINK, NLM_F_ACK, AF_UNSPEC, 16);
    ask(fd, 1, NLM_F_REQUEST | NLM_F_ACK, AF_UNSPEC, 4);
    ask(fd, 999, NLM_F_REQUEST, AF_UNSPEC, 4);
    ask(fd, RTM_GETADDR, NLM_F_REQUEST | NLM_F_ACK, AF_UNSPEC, 0);
    ask(fd, RTM_NEWADDR, NLM_F_REQUEST, AF_UNSPEC, 0);
    if (fork() == 0) {
        setresuid(1000, 1000, 1000);
        ask(fd, RTM_NEWADDR, NLM_F_REQUEST, AF_INET, 8);
        int one = 1;
        setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
        ask(fd, RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK, AF_INET, 8);
        struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = 77 };
        CALL(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to));
        _exit(0);
    }
    wait(NULL);
    close(fd);
}

static void sockets(void)
{
    printf("--- sockets\n");
    struct sockaddr_nl name = { .nl_family = AF_NETLINK };
    socklen_t size = sizeof name;
    int a = netlink(NETLINK_ROUTE), b = netlink(NETLINK_ROUTE);
    char text[64];
    CALL(socket(AF_NETLINK, SOCK_STREAM, 0));
    CALL(socket(AF_NETLINK, SOCK_RAW, 99));
    CALL(socket(AF_NETLINK, SOCK_RAW, -1));
    SHOW(ready(a));
    CALL(getsockname(a, (struct sockaddr *)&name, &size));
    printf("%d %d %d\n", (int)size, name.nl_pid, name.nl_groups);
    CALL(bind(a, (struct sockaddr *)&name, 4));
    name.nl_family = AF_INET;
    CALL(bind(a, (struct sockaddr *)&name, sizeof name));
    name.nl_family = AF_NETLINK;
    CALL(bind(a, (struct sockaddr *)&name, sizeof name));
    CALL(bind(b, (struct sockaddr *)&name, sizeof name));
    CALL(getsockname(a, (struct sockaddr *)&name, &size));
    SHOW(name.nl_pid == (unsigned)getpid());
    CALL(getsockname(b, (struct sockaddr *)&name, &size));
    SHOW((int)name.nl_pid < 0);
    CALL(getpeername(b, (struct sockaddr *)&name, &size));
    SHOW(name.nl_pid);
    name.nl_pid = 12345;
    CALL(bind(a, (struct sockaddr *)&name, sizeof name));
    CALL(recv(a, text, 1, MSG_DONTWAIT));
    CALL(recv(a, text, 1, MSG_OOB));
    CALL(send(a, text, 1, MSG_OOB));
    CALL(shutdown(a, SHUT_RDWR));
    CALL(listen(a, 1));
    CALL(accept(a, NULL, NULL));
    CALL(connect(a, (struct sockaddr *)&name, 4));
    name.nl_pid = 0;
    CALL(connect(a, (struct sockaddr *)&name, sizeof name));
    int c = netlink(NETLINK_ROUTE);
    name.nl_pid = (unsigned)getpid();
    CALL(bind(c, (struct sockaddr *)&name, sizeof name));
    name.nl_pid = 54321;
    CALL(bind(c, (struct sockaddr *)&name, sizeof name));
    CALL(sendto(a, "to another", 10, 0, (struct sockaddr *)&name, sizeof name));
    CALL(recvfrom(c, text, 5, 0, (struct sockaddr *)&name, &size));
    SHOW(name.nl_pid == (unsigned)getpid());
    name.nl_pid = 4444444;
    CALL(sendto(a, "x", 1, 0, (struct sockaddr *)&name, sizeof name));
    CALL(send(a, "x", 0, 0));
    CALL(set_int(a, SOL_NETLINK, NETLINK_EXT_ACK, 1));
    SHOW(get_int(a, SOL_NETLINK, NETLINK_EXT_ACK));
    CALL(set_int(a, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 1));
    CALL(set_int(a, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 0));
    size = sizeof name;
    CALL(getsockname(a, (struct sockaddr *)&name, &size));
    SHOW(name.nl_groups);
    CALL(set_int(a, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, 1));
    CALL(set_int(a, SOL_NETLINK, 999, 1));
    CALL(set_int(a, 77, 1, 1));
    SHOW(get_int(a, SOL_SOCKET, SO_PROTOCOL));
    SHOW(get_int(a, SOL_SOCKET, SO_TYPE));
    SHOW(get_int(a, SOL_SOCKET, SO_DOMAIN));
    int d = netlink(NETLINK_KOBJECT_UEVENT);
    name = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_groups = 1 };
    CALL(bind(d, (struct sockaddr *)&name, sizeof name));
    CALL(recv(d, text, 1, MSG_DONTWAIT));
    close(a);
    close(b);
    close(c);
    close(d);
}

static void show_file(const char *name, int port)
{
    char path[64], line[256], wanted[16];
    snprintf(path, sizeof path, "/proc/net/%s", name);
    snprintf(wanted, sizeof wanted, ":%04X ", port);
    FILE *f = fopen(path, "r");
    printf("%s: %d\n", name, f ? 0 : errno);
    for (int number = 0; f && fgets(line, sizeof line, f); number++) {
        if (number && !strstr(line, wanted))
            continue;
        char *inode = strstr(line, "inode");
        if (!number) {
            printf("%d %s", (int)strlen(line), inode ? line : "\n");
            continue;
        }
        for (char *at; (at = strstr(line, wanted));)
            memcpy(at, ":port ", 6);
        line[strlen(line) < 60 ? strlen(line) : 6 + strcspn(line + 6,
                                                            "\n") > 84 ? (line[40] == ':' ? 96 : 40) : 40] = 0;
        printf("%s\n", strchr(line, ':') + 1);
    }
    if (f)
        fclose(f);
}

static void tables(void)
{
    printf("--- tables\n");
    int l = listener4(3), u = socket(AF_INET, SOCK_DGRAM, 0), l6 = socket(AF_INET6, SOCK_STREAM, 0);
    bind4(u, "127.0.0.3", 0);
    bind6(l6, "::", 0);
    listen(l6, 1);
    show_file("tcp", port_of(l));
    show_file("udp", port_of(u));
    show_file("tcp6", 1);
    show_file("udp6", 1);
    show_file("route", 1);
    show_file("arp", 1);
    show_file("raw", 1);
    close(l);
    close(l6);
    close(u);
}

int main(void)
{
    own_network();
    library();
    requests();
    sockets();
    tables();
    return 0;
}

/* /proc/net and /proc/sys/net about the internet families: tables of sockets, the interface, settings. */
#include "kernel/fs/procfs.h"
#include "kernel/net/tcp.h"
#include "kernel/net/udp.h"

#include <string.h>

/* --- tables of sockets --- */

static void add_name(struct rf_text *out, const struct rf_inet_name *name, bool v6)
{
    uint32_t word[4];
    memcpy(word, name->address, sizeof word);
    if (v6)
        rf_text_add(out, " %08X%08X%08X%08X:%04X", word[0], word[1], word[2], word[3], name->port);
    else
        rf_text_add(out, " %08X:%04X", word[3], name->port);
}

static uint64_t inode_of(const struct rf_inet_entry *e)
{
    return e->socket && e->socket->inode ? e->socket->inode->ino : 0;
}

/* Lines of IPv4 have a width of their own. */
static void pad(struct rf_text *out, size_t begin, size_t width, bool v6)
{
    while (!v6 && !out->failed && out->used - begin < width)
        rf_text_add(out, " ");
    rf_text_add(out, "\n");
}

/* get_tcp4_sock, get_timewait4_sock: where the kernel tells addresses of its own there are zeros. */
static void add_tcp(struct rf_text *out, struct rf_kernel *k, const struct rf_inet_entry *e, unsigned line)
{
    size_t begin = out->used;
    rf_text_add(out, "%4u:", line);
    add_name(out, &e->local, e->v6);
    add_name(out, &e->peer, e->v6);
    if (!e->socket) {
        const struct rf_tcp_wait *w = (const void *)e;
        uint64_t now = rf_clock_monotonic(k), left = w->expires > now ? w->expires - now : 0;
        rf_text_add(out, " %02X %08X:%08X %02X:%08llX %08X %5d %8d %d %d %016x", RF_TCP_TIME_WAIT, 0, 0, 3,
                    (unsigned long long)left / 10000000, 0, 0, 0, 0, 3, 0);
        pad(out, begin, 149, e->v6);
        return;
    }
    const struct rf_tcp *t = rf_inet_of(e->socket)->tcp;
    bool listens = e->state == RF_TCP_LISTEN;
    uint64_t unread = listens ? t->ready : t->in.bytes;
    rf_text_add(out, " %02X %08X:%08X %02X:%08X %08X %5u %8d %llu %d %016x %d %d %d %d %d", e->state,
                (unsigned)t->out.bytes,
                (unsigned)unread, t->timer.active ? 1 : 0, 0, t->tries, e->uid, 0, (unsigned long long)inode_of(e), 1,
                    0,
                listens ? 100 : 20, listens ? 0 : 4, listens ? 0 : 30, 10, listens ? t->options.fast_open : -1);
    pad(out, begin, 149, e->v6);
}

static void add_udp(struct rf_text *out, struct rf_kernel *k, const struct rf_inet_entry *e, unsigned line)
{
    (void)k;
    const struct rf_udp *u = rf_inet_of(e->socket)->udp;
    size_t begin = out->used;
    rf_text_add(out, "%5u:", line);
    add_name(out, &e->local, e->v6);
    add_name(out, &e->peer, e->v6);
    rf_text_add(out, " %02X %08X:%08X %02X:%08X %08X %5u %8d %llu %d %016x %u", e->state, 0, (unsigned)u->charged, 0,
                0, 0,
                e->uid, 0, (unsigned long long)inode_of(e), 2, 0, u->dropped);
    pad(out, begin, 127, e->v6);
}

/* Listeners before all others. */
static void add_table(struct rf_text *out, struct rf_kernel *k, bool stream, bool v6,
                      void (*add)(struct rf_text *out, struct rf_kernel *k, const struct rf_inet_entry *e,
                                  unsigned line))
{
    const struct rf_inet *net = k->net->inet;
    const struct rf_inet_table *table = !net ? NULL : stream ? &net->tcp : &net->udp;
    unsigned line = 0;
    for (int pass = 0; table && pass < 3; pass++)
        for (uint32_t b = 0; b < RF_INET_BUCKETS; b++)
            for (const struct rf_inet_entry *e = (pass == 2 ? table->accepted : table->bucket)[b]; e; e = e->next) {
                bool first = e->state == RF_TCP_LISTEN || !stream;
                if (e->v6 != v6 || (pass < 2 && first != (pass == 0)) || (stream && e->state == RF_TCP_CLOSE))
                    continue;
                add(out, k, e, stream ? line : e->local.port % RF_INET_BUCKETS);
                line++;
            }
}

#define PROC(name) void rf_proc_net_##name(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)

PROC(tcp)
{
    (void)task;
    rf_text_add(out, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode");
    rf_text_add(out, "%*s\n", 53, "");
    add_table(out, k, true, false, add_tcp);
}

PROC(tcp6)
{
    (void)task;
    rf_text_add(out, "  sl  local_address                         remote_address                        "
                     "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
    add_table(out, k, true, true, add_tcp);
}

PROC(udp)
{
    (void)task;
    rf_text_add(out, "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode "
                     "ref pointer drops            \n");
    add_table(out, k, false, false, add_udp);
}

PROC(udp6)
{
    (void)task;
    rf_text_add(out, "  sl  local_address                         remote_address                        "
                     "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n");
    add_table(out, k, false, true, add_udp);
}

PROC(raw)
{
    (void)k, (void)task;
    rf_text_add(out, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode "
                     "ref pointer drops\n");
}

PROC(raw6)
{
    (void)k, (void)task;
    rf_text_add(out, "  sl  local_address                         remote_address                        "
                     "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n");
}

static unsigned count_of(const struct rf_inet_table *table, bool v6)
{
    unsigned count = 0;
    for (uint32_t b = 0; b < RF_INET_BUCKETS; b++) {
        for (const struct rf_inet_entry *e = table->bucket[b]; e; e = e->next)
            count += e->socket && e->v6 == v6;
        for (const struct rf_inet_entry *e = table->accepted[b]; e; e = e->next)
            count += e->socket && e->v6 == v6;
    }
    return count;
}

PROC(sockstat)
{
    (void)task;
    const struct rf_inet *net = k->net->inet;
    unsigned tcp = net ? count_of(&net->tcp, false) : 0, udp = net ? count_of(&net->udp, false) : 0, orphans = 0;
    for (const struct rf_inet_socket *i = net ? net->orphans : NULL; i; i = i->next_orphan)
        orphans++;
    unsigned tcp6 = net ? count_of(&net->tcp, true) : 0, udp6 = net ? count_of(&net->udp, true) : 0;
    unsigned pages = net ? (unsigned)((net->memory + 4095) / 4096) : 0;
    rf_text_add(out, "sockets: used %u\nTCP: inuse %u orphan %u tw %u alloc %u mem %u\nUDP: inuse %u mem %u\n"
                     "UDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n",
                tcp + udp + tcp6 + udp6, tcp, orphans, net ? net->waiting : 0, tcp + tcp6, pages, udp, 0);
}

PROC(sockstat6)
{
    (void)task;
    const struct rf_inet *net = k->net->inet;
    rf_text_add(out, "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n",
                net ? count_of(&net->tcp, true) : 0, net ? count_of(&net->udp, true) : 0);
}

/* --- the interface, routes --- */

PROC(dev)
{
    (void)task;
    const struct rf_inet *net = k->net->inet;
    unsigned long long bytes = net ? net->bytes_moved : 0, packets = net ? net->packets_moved : 0;
    rf_text_add(out, "Inter-|   Receive                                                |  Transmit\n"
                     " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls"
                     " carrier compressed\n");
    rf_text_add(out, "%6s: %7llu %7llu %4u %4u %4u %5u %10u %9u %8llu %7llu %4u %4u %4u %5u %7u %10u\n", "lo", bytes,
                packets,
                0, 0, 0, 0, 0, 0, bytes, packets, 0, 0, 0, 0, 0, 0);
}

PROC(route)
{
    (void)k, (void)task;
    rf_text_add(out, "%-127s\n", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
}

PROC(ipv6_route)
{
    (void)k, (void)task;
    static const char zero[] = "00000000000000000000000000000000", one[] = "00000000000000000000000000000001";
    rf_text_add(out, "%s 80 %s 00 %s 00000000 00000002 00000000 80200001       lo\n", one, zero, zero);
    rf_text_add(out, "%s 00 %s 00 %s ffffffff 00000001 00000000 00200200       lo\n", zero, zero, zero);
}

PROC(if_inet6)
{
    (void)k, (void)task;
    rf_text_add(out, "00000000000000000000000000000001 01 80 10 80       lo\n");
}

PROC(arp)
{
    (void)k, (void)task;
    rf_text_add(out, "IP address       HW type     Flags       HW address            Mask     Device\n");
}

/* --- /proc/sys/net --- */

#define SETTING(name, text)                                                                   \
    void rf_proc_##name(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)       \
    {                                                                                         \
        (void)k, (void)task;                                                                  \
        rf_text_add(out, "%s\n", text);                                                       \
    }
SETTING(ip_local_port_range, "32768\t60999")
SETTING(ping_group_range, "1\t0")
SETTING(tcp_rmem, "4096\t131072\t6291456")
SETTING(tcp_wmem, "4096\t16384\t4194304")
SETTING(tcp_congestion, "cubic")
SETTING(tcp_congestions, "reno cubic")
SETTING(net_0, "0")
SETTING(net_1, "1")
SETTING(net_2, "2")
SETTING(net_6, "6")
SETTING(net_9, "9")
SETTING(net_60, "60")
SETTING(net_64, "64")
SETTING(net_75, "75")
SETTING(net_1024, "1024")
SETTING(net_4096, "4096")
SETTING(net_7200, "7200")
SETTING(net_16384, "16384")

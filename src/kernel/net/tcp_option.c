/* TCP_* socket options (do_tcp_setsockopt and do_tcp_getsockopt of net/ipv4/tcp.c). */
#include "kernel/net/tcp.h"

#include <string.h>

void rf_tcp_default_options(struct rf_tcp_options *o)
{
    *o = (struct rf_tcp_options){ .keep_idle = 7200, .keep_interval = 75, .keep_count = 9, .quick_ack = true,
                                  .congestion = "cubic" };
}

/* --- options that are a number with limits, or a switch --- */

static const struct number {
    int name;
    int32_t least, most;
    size_t offset;
} numbers[] = {
    { RF_TCP_KEEPIDLE, 1, 32767, offsetof(struct rf_tcp_options, keep_idle) },
    { RF_TCP_KEEPINTVL, 1, 32767, offsetof(struct rf_tcp_options, keep_interval) },
    { RF_TCP_KEEPCNT, 1, 127, offsetof(struct rf_tcp_options, keep_count) },
    { RF_TCP_SYNCNT, 1, 127, offsetof(struct rf_tcp_options, syn_count) },
    { RF_TCP_USER_TIMEOUT, 0, INT32_MAX, offsetof(struct rf_tcp_options, user_timeout) },
    { RF_TCP_THIN_LINEAR_TIMEOUTS, 0, 1, offsetof(struct rf_tcp_options, thin) },
    { RF_TCP_NOTSENT_LOWAT, INT32_MIN, INT32_MAX, offsetof(struct rf_tcp_options, not_sent_low_water) },
    { RF_TCP_SAVE_SYN, 0, 2, offsetof(struct rf_tcp_options, save_syn) },
};
static const struct number *number_of(int name)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(numbers); i++)
        if (numbers[i].name == name)
            return &numbers[i];
    return NULL;
}

static const struct flag {
    int name;
    bool strict; /* nothing but 0 and 1 */
    size_t offset;
} flags[] = {
    { RF_TCP_NODELAY, false, offsetof(struct rf_tcp_options, no_delay) },
    { RF_TCP_CORK, false, offsetof(struct rf_tcp_options, cork) },
    { RF_TCP_QUICKACK, false, offsetof(struct rf_tcp_options, quick_ack) },
    { RF_TCP_INQ, true, offsetof(struct rf_tcp_options, inq) },
    { RF_TCP_FASTOPEN_CONNECT, true, offsetof(struct rf_tcp_options, fast_open_connect) },
    { RF_TCP_FASTOPEN_NO_COOKIE, true, offsetof(struct rf_tcp_options, fast_open_no_cookie) },
};
static const struct flag *flag_of(int name)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(flags); i++)
        if (flags[i].name == name)
            return &flags[i];
    return NULL;
}

/* --- setting --- */

static int64_t set_congestion(struct rf_inet_socket *i, const void *value, uint32_t size)
{
    char name[16] = { 0 };
    if (size < 1)
        return -RF_EINVAL;
    memcpy(name, value, size < sizeof name - 1 ? size : sizeof name - 1);
    if (strcmp(name, "cubic") != 0 && strcmp(name, "reno") != 0)
        return -RF_ENOENT;
    memcpy(i->tcp->options.congestion, name, sizeof name);
    return 0;
}

/* secs_to_retrans and back: as long as whole retransmissions take, of 1 s, 2 s, 4 s ... */
static int32_t whole_retransmissions(int32_t seconds)
{
    int32_t period = 0, timeout = 1, count = 0;
    while (seconds > period && count++ < 255) {
        period += timeout;
        timeout = timeout * 2 < 120 ? timeout * 2 : 120;
    }
    return period;
}

static int64_t set_flag(struct rf_kernel *k, struct rf_inet_socket *i, const struct flag *flag, int32_t number)
{
    enum rf_tcp_state state = i->entry.state;
    if (flag->strict && number != 0 && number != 1)
        return -RF_EINVAL;
    if (flag->name == RF_TCP_FASTOPEN_CONNECT && state != RF_TCP_CLOSE)
        return -RF_EINVAL;
    if (flag->name == RF_TCP_FASTOPEN_NO_COOKIE && state != RF_TCP_CLOSE && state != RF_TCP_LISTEN)
        return -RF_EINVAL;
    *(bool *)((uint8_t *)&i->tcp->options + flag->offset) = number;
    if ((flag->name == RF_TCP_CORK && !number) || (flag->name == RF_TCP_NODELAY && number && !i->tcp->options.cork))
        rf_tcp_output(k, i, true); /* what was held back goes */
    return 0;
}

static int64_t set_other(struct rf_inet_socket *i, int name, int32_t number)
{
    struct rf_tcp_options *o = &i->tcp->options;
    bool fresh = i->entry.state == RF_TCP_CLOSE || i->entry.state == RF_TCP_LISTEN;
    switch (name) {
    case RF_TCP_MAXSEG:
        if (number && (number < 88 || number > RF_TCP_MSS_MOST))
            return -RF_EINVAL;
        o->max_segment = number;
        return 0;
    case RF_TCP_LINGER2: o->linger2 = number < 0 ? -1 : number > 120 ? 120 : number; return 0;
    case RF_TCP_DEFER_ACCEPT: o->defer_accept = whole_retransmissions(number); return 0;
    case RF_TCP_WINDOW_CLAMP:
        if (!number && i->entry.state != RF_TCP_CLOSE)
            return -RF_EINVAL;
        o->window_clamp = number && number < 1152 ? 1152 : number;
        return 0;
    case RF_TCP_FASTOPEN:
        if (number < 0 || !fresh)
            return -RF_EINVAL;
        o->fast_open = number < RF_SOMAXCONN ? number : RF_SOMAXCONN;
        return 0;
    case RF_TCP_THIN_DUPACK: return number < 0 || number > 1 ? -RF_EINVAL : 0;
    case RF_TCP_REPAIR:
    case RF_TCP_REPAIR_QUEUE:
    case RF_TCP_REPAIR_OPTIONS:
    case RF_TCP_REPAIR_WINDOW:
    case RF_TCP_QUEUE_SEQ:
    case RF_TCP_TIMESTAMP: return -RF_EPERM; /* sequence numbers cannot be set */
    default: return -RF_ENOPROTOOPT;
    }
}

static int64_t set_tcp(struct rf_kernel *k, struct rf_inet_socket *i, int name, const void *value, uint32_t size)
{
    int32_t number;
    if (name == RF_TCP_CONGESTION)
        return set_congestion(i, value, size);
    if (name == RF_TCP_ULP)
        return size < 1 ? -RF_EINVAL : -RF_ENOENT; /* no kTLS */
    if (size < sizeof number)
        return -RF_EINVAL;
    memcpy(&number, value, sizeof number);
    const struct number *n = number_of(name);
    const struct flag *flag = flag_of(name);
    if (flag)
        return set_flag(k, i, flag, number);
    if (!n)
        return set_other(i, name, number);
    if (number < n->least || number > n->most)
        return -RF_EINVAL;
    *(int32_t *)((uint8_t *)&i->tcp->options + n->offset) = number;
    return 0;
}

int64_t rf_tcp_setsockopt(struct rf_kernel *k, struct rf_socket *s, int level, int name, const void *value,
                          uint32_t size)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    switch (level) {
    case RF_IPPROTO_TCP: return set_tcp(k, i, name, value, size);
    case RF_IPPROTO_IP: return rf_inet_set_ip(k, i, name, value, size);
    case RF_IPPROTO_IPV6: return i->entry.v6 ? rf_inet_set_ipv6(k, i, name, value, size) : -RF_ENOPROTOOPT;
    default: return -RF_ENOPROTOOPT;
    }
}

/* --- getting --- */

/* tcp_get_info, as far as a model without segments knows it. */
static void fill_info(const struct rf_kernel *k, const struct rf_inet_socket *i, struct rf_tcp_info *info)
{
    const struct rf_tcp *t = i->tcp;
    const uint32_t ms = 1000000;
    uint64_t now = rf_clock_monotonic(k);
    *info = (struct rf_tcp_info){ .tcpi_state = (uint8_t)i->entry.state, .tcpi_reordering = 3, .tcpi_snd_cwnd = 10,
                                  .tcpi_snd_ssthresh = INT32_MAX, .tcpi_rto = 1000000,
                                      .tcpi_rcv_mss = RF_TCP_MSS_DEFAULT,
                                  .tcpi_snd_mss = RF_TCP_MSS_DEFAULT, .tcpi_max_pacing_rate = UINT64_MAX };
    if (i->entry.state == RF_TCP_LISTEN) {
        info->tcpi_unacked = t->ready; /* accept queue: how many, and of how many */
        info->tcpi_sacked = t->backlog;
        return;
    }
    info->tcpi_bytes_acked = info->tcpi_bytes_sent = t->sent_at;
    info->tcpi_bytes_received = t->read_at + t->in.bytes;
    info->tcpi_segs_in = (uint32_t)t->segments_in;
    info->tcpi_segs_out = (uint32_t)t->segments_out;
    info->tcpi_data_segs_in = (uint32_t)t->data_in;
    info->tcpi_data_segs_out = info->tcpi_delivered = (uint32_t)t->data_out;
    info->tcpi_notsent_bytes = (uint32_t)t->out.bytes;
    info->tcpi_retransmits = (uint8_t)t->tries;
    if (!t->peer && i->entry.state != RF_TCP_CLOSE)
        return;
    info->tcpi_options = 7; /* timestamps, selective acknowledgements, window scale */
    info->tcpi_wscale = 0x77;
    info->tcpi_rto = 201000;
    info->tcpi_ato = 40000;
    info->tcpi_snd_mss = RF_TCP_MSS;
    info->tcpi_advmss = RF_TCP_MSS_OFFERED;
    info->tcpi_pmtu = RF_LOOPBACK_MTU - 1;
    info->tcpi_rtt = 30;
    info->tcpi_rttvar = 15;
    info->tcpi_min_rtt = 10;
    info->tcpi_rcv_space = info->tcpi_rcv_ssthresh = RF_TCP_MSS_OFFERED;
    info->tcpi_last_data_sent = (uint32_t)((now - t->last_sent) / ms);
    info->tcpi_last_data_recv = info->tcpi_last_ack_recv = (uint32_t)((now - t->last_received) / ms);
    info->tcpi_rcv_wnd = (uint32_t)rf_tcp_room(i);
    info->tcpi_snd_wnd = t->peer ? (uint32_t)rf_tcp_room(t->peer) : 0;
}

static int32_t max_segment(const struct rf_inet_socket *i)
{
    bool fresh = i->entry.state == RF_TCP_CLOSE || i->entry.state == RF_TCP_LISTEN;
    int32_t chosen = i->tcp->options.max_segment;
    if (fresh)
        return chosen ? chosen : RF_TCP_MSS_DEFAULT;
    chosen -= 12; /* less the timestamp option */
    return chosen > 0 && chosen < (int32_t)RF_TCP_MSS ? chosen : (int32_t)RF_TCP_MSS;
}

static bool get_number(const struct rf_inet_socket *i, int name, int32_t *out)
{
    const struct rf_tcp_options *o = &i->tcp->options;
    const struct number *n = number_of(name);
    const struct flag *flag = flag_of(name);
    switch (name) {
    case RF_TCP_MAXSEG: *out = max_segment(i); return true;
    case RF_TCP_SYNCNT: *out = o->syn_count ? o->syn_count : 6; return true;
    case RF_TCP_LINGER2: *out = o->linger2 ? o->linger2 : 60; return true;
    case RF_TCP_DEFER_ACCEPT: *out = o->defer_accept; return true;
    case RF_TCP_WINDOW_CLAMP: *out = o->window_clamp; return true;
    case RF_TCP_FASTOPEN: *out = o->fast_open; return true;
    case RF_TCP_THIN_DUPACK:
    case RF_TCP_REPAIR:
    case RF_TCP_TX_DELAY: *out = 0; return true;
    default: break;
    }
    if (n)
        *out = *(const int32_t *)((const uint8_t *)o + n->offset);
    else if (flag)
        *out = *(const bool *)((const uint8_t *)o + flag->offset);
    return n || flag;
}

static int64_t get_tcp(struct rf_kernel *k, struct rf_inet_socket *i, int name, void *value, uint32_t *size)
{
    struct rf_tcp_info info;
    int32_t number;
    switch (name) {
    case RF_TCP_INFO: fill_info(k, i, &info); return rf_inet_give(value, size, &info, sizeof info);
    case RF_TCP_CONGESTION:
        return rf_inet_give(value, size, i->tcp->options.congestion, sizeof i->tcp->options.congestion);
    case RF_TCP_ULP: *size = 0; return 0;
    default: break;
    }
    return get_number(i, name, &number) ? rf_inet_give(value, size, &number, sizeof number) : -RF_ENOPROTOOPT;
}

int64_t rf_tcp_getsockopt(struct rf_kernel *k, struct rf_socket *s, int level, int name, void *value, uint32_t *size)
{
    struct rf_inet_socket *i = rf_inet_of(s);
    switch (level) {
    case RF_IPPROTO_TCP: return get_tcp(k, i, name, value, size);
    case RF_IPPROTO_IP: return rf_inet_get_ip(k, i, name, value, size);
    case RF_IPPROTO_IPV6: return i->entry.v6 ? rf_inet_get_ipv6(k, i, name, value, size) : -RF_EOPNOTSUPP;
    default: return i->entry.v6 ? -RF_ENOPROTOOPT : -RF_EOPNOTSUPP;
    }
}

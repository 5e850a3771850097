/* What ICMP would tell a sender: nobody has that port. IP_RECVERR and IPV6_RECVERR keep it in a queue (ip(7)). */
#include "kernel/net/inet.h"

#include <string.h>

#define MOST_KEPT 512u /* bytes of the datagram that an ICMP message quotes */

struct rf_inet_error {
    struct rf_inet_error *next;
    struct rf_inet_name to, offender;
    uint32_t size;
    uint8_t bytes[];
};

static uint64_t queued(const struct rf_inet_socket *i)
{
    uint64_t bytes = 0;
    for (const struct rf_inet_error *e = i->errors; e; e = e->next)
        bytes += sizeof *e + e->size + 512;
    return bytes;
}

static void keep(struct rf_kernel *k, struct rf_inet_socket *i, const struct rf_inet_name *to, const void *data,
                 uint32_t size)
{
    bool v6 = !rf_inet_is_mapped(to->address);
    uint32_t most = v6 ? 1184 : MOST_KEPT + 36; /* ICMPv6 quotes as much as fits into 1280 bytes, ICMP into 576 */
    if (size > most)
        size = most;
    bool fits = queued(i) < i->entry.socket->options.receive_buffer;
    struct rf_inet_error *e = fits ? rf_kalloc(k, sizeof *e + size) : NULL;
    if (!e)
        return;
    e->to = e->offender = *to;
    e->offender.port = 0;
    e->size = size;
    memcpy(e->bytes, data, size);
    struct rf_inet_error **tail = &i->errors;
    while (*tail)
        tail = &(*tail)->next;
    *tail = e;
}

void rf_inet_refused(struct rf_kernel *k, struct rf_inet_socket *i, const struct rf_inet_name *to, const void *data,
                     uint32_t size)
{
    bool v6 = !rf_inet_is_mapped(to->address);
    bool keeps = v6 ? i->options.receive_error6 : i->options.receive_error;
    if (!keeps && i->entry.state != RF_TCP_ESTABLISHED)
        return;
    if (keeps)
        keep(k, i, to, data, size);
    rf_socket_fail(k, i->entry.socket, RF_ECONNREFUSED);
}

/* struct sock_extended_err, and who said so. */
static void add_control(const struct rf_inet_socket *i, struct rf_control *control, const struct rf_inet_error *e)
{
    bool v6 = !rf_inet_is_mapped(e->to.address);
    struct {
        struct rf_extended_error error;
        uint8_t offender[28];
    } both = { .error = { .ee_errno = RF_ECONNREFUSED, .ee_origin = v6 ? RF_EE_ORIGIN_ICMP6 : RF_EE_ORIGIN_ICMP,
                          .ee_type = v6 ? 1 : 3, .ee_code = v6 ? 4 : 3 } };
    struct rf_socket_address offender;
    rf_inet_name_to(&offender, &e->offender, i->entry.v6);
    memcpy(both.offender, offender.bytes, offender.length);
    rf_control_add(control, i->entry.v6 ? RF_IPPROTO_IPV6 : RF_IPPROTO_IP,
                   i->entry.v6 ? RF_IPV6_RECVERR : RF_IP_RECVERR,
                   &both, (uint32_t)sizeof both.error + offender.length);
}

int64_t rf_inet_receive_error(struct rf_kernel *k, struct rf_inet_socket *i, struct rf_message *message)
{
    struct rf_inet_error *e = i->errors;
    if (!e)
        return -RF_EAGAIN;
    size_t size = e->size < message->size ? e->size : (size_t)message->size;
    if (rf_uio_put(message->data, e->bytes, size) < size)
        return -RF_EFAULT;
    if (size < e->size)
        message->out_flags |= RF_MSG_TRUNC;
    message->out_flags |= RF_MSG_ERRQUEUE;
    if (message->name)
        rf_inet_name_to(message->name, &e->to, i->entry.v6);
    if (message->control)
        add_control(i, message->control, e);
    i->errors = e->next;
    i->entry.socket->error = i->errors ? RF_ECONNREFUSED : 0; /* sock_dequeue_err_skb */
    rf_kfree(k, e);
    return (int64_t)size;
}

void rf_inet_forget_errors(struct rf_kernel *k, struct rf_inet_socket *i)
{
    while (i->errors) {
        struct rf_inet_error *e = i->errors;
        i->errors = e->next;
        rf_kfree(k, e);
    }
}

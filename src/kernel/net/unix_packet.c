/* What lies in the queues of AF_UNIX sockets, and how much of its sender's buffer it takes. */
#include "kernel/net/unix.h"

#include "kernel/task/task.h"

#include <string.h>

/* struct sk_buff and struct skb_shared_info of x86-64, each rounded up to cache lines (include/linux/skbuff.h). */
#define HEADER_BYTES 256u
#define SHARED_BYTES 320u
#define MOST_HEAD (RF_PAGE_SIZE - SHARED_BYTES)      /* SKB_MAX_HEAD(0) */
#define MOST_LINEAR (4 * RF_PAGE_SIZE - SHARED_BYTES) /* SKB_MAX_ALLOC */
#define MOST_FRAGMENT_BYTES (17 * RF_PAGE_SIZE)      /* MAX_SKB_FRAGS pages */
#define FRAGMENT_BYTES 32768u                        /* UNIX_SKB_FRAGS_SZ */

static uint64_t whole_pages(uint64_t n)
{
    return (n + RF_PAGE_SIZE - 1) & ~(uint64_t)(RF_PAGE_SIZE - 1);
}

/* skb->truesize: the head comes from kmalloc, whose sizes are powers of two, the rest is pages. */
static uint32_t charge_of(uint32_t size, bool stream)
{
    uint64_t paged = 0;
    if (stream && size > MOST_HEAD)
        paged = whole_pages(size - MOST_HEAD) < size ? whole_pages(size - MOST_HEAD) : size;
    if (!stream && size > MOST_LINEAR)
        paged = whole_pages(size - MOST_LINEAR < MOST_FRAGMENT_BYTES ? size - MOST_LINEAR : MOST_FRAGMENT_BYTES);
    uint64_t head = ((size - paged + 63) & ~UINT64_C(63)) + SHARED_BYTES, bucket = 512;
    while (bucket < head)
        bucket *= 2;
    return (uint32_t)(bucket + HEADER_BYTES + whole_pages(paged));
}

/* How many bytes a stream puts into one packet. */
static uint32_t most_in_packet(const struct rf_unix_socket *u)
{
    uint32_t half = (u->socket->options.send_buffer >> 1) - 64;
    return half < MOST_HEAD + FRAGMENT_BYTES ? half : MOST_HEAD + FRAGMENT_BYTES;
}

/* sock_alloc_send_pskb */
int64_t rf_unix_wait_for_room(struct rf_kernel *k, struct rf_unix_socket *u, bool nonblock)
{
    struct rf_socket *s = u->socket;
    int64_t error = rf_socket_take_error(s);
    if (error)
        return error;
    if (u->no_writing)
        return -RF_EPIPE;
    if (u->charged < s->options.send_buffer)
        return 0;
    return rf_socket_wait(k, s, &s->writable, nonblock, s->options.send_timeout);
}

int64_t rf_unix_packet_new(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_uio *data, uint32_t size, bool stream,
                           struct rf_unix_packet **out)
{
    if (stream && size > most_in_packet(u))
        size = most_in_packet(u);
    struct rf_unix_packet *p = rf_kalloc(k, sizeof *p + size);
    if (!p)
        return -RF_ENOBUFS;
    if (size && rf_uio_get(data, p->bytes, size) < size) {
        rf_kfree(k, p);
        return -RF_EFAULT;
    }
    p->length = size;
    p->charge = charge_of(size, stream);
    p->credentials = (struct rf_socket_credentials){ 0, RF_NO_ID, RF_NO_ID };
    p->sender = u;
    rf_socket_get(u->socket);
    u->charged += p->charge;
    *out = p;
    return 0;
}

/* --- files in flight --- */

static uint64_t in_flight_of(const struct rf_kernel *k, uint32_t uid)
{
    uint64_t count = 0;
    for (const struct rf_unix_socket *u = k->net->local->sockets; u; u = u->next)
        for (const struct rf_unix_packet *p = u->first; p; p = p->next)
            count += p->file_uid == uid ? p->file_count : 0;
    return count;
}

/* too_many_unix_fds */
static bool too_many(const struct rf_kernel *k)
{
    const struct rf_task *task = k->current;
    if (rf_capable(k, RF_CAP_SYS_RESOURCE) || rf_capable(k, RF_CAP_SYS_ADMIN))
        return false;
    return in_flight_of(k, task->credentials.uid) > task->process->rlimit[RF_RLIMIT_NOFILE].rlim_cur;
}

int64_t rf_unix_packet_attach(struct rf_kernel *k, struct rf_unix_packet *p, struct rf_control *control)
{
    if (!control)
        return 0;
    if (control->has_credentials) {
        p->has_credentials = true;
        p->credentials = control->credentials;
    }
    if (!control->file_count)
        return 0;
    if (too_many(k))
        return -RF_ETOOMANYREFS;
    p->files = control->files;
    p->file_count = control->file_count;
    p->file_uid = k->current->credentials.uid;
    control->files = NULL;
    control->file_count = 0;
    k->net->local->files_in_flight += p->file_count;
    return 0;
}

void rf_unix_packet_sign(struct rf_kernel *k, struct rf_unix_packet *p, const struct rf_unix_socket *to)
{
    const struct rf_task *task = k->current;
    if (p->has_credentials)
        return;
    if (!p->sender->socket->options.pass_credentials && !to->socket->options.pass_credentials)
        return;
    p->has_credentials = true;
    p->credentials = (struct rf_socket_credentials){ task->process->pid, task->credentials.uid, task->credentials.gid };
}

int64_t rf_unix_give_files(struct rf_kernel *k, struct rf_unix_packet *p, struct rf_control *control, bool peek)
{
    if (!p->file_count || !control)
        return 0;
    if (!peek) {
        k->net->local->files_in_flight -= p->file_count;
        control->files = p->files;
        control->file_count = p->file_count;
        p->files = NULL;
        p->file_count = 0;
        return 0;
    }
    control->files = rf_kalloc(k, p->file_count * sizeof(struct rf_file *));
    if (!control->files)
        return -RF_ENOMEM;
    for (uint32_t i = 0; i < p->file_count; i++) {
        rf_file_get(p->files[i]);
        control->files[i] = p->files[i];
    }
    control->file_count = p->file_count;
    return 0;
}

/* --- queues --- */

void rf_unix_queue(struct rf_unix_socket *to, struct rf_unix_packet *p)
{
    p->next = NULL;
    if (to->last)
        to->last->next = p;
    else
        to->first = p;
    to->last = p;
    to->queued++;
}

void rf_unix_unlink(struct rf_unix_socket *u, struct rf_unix_packet *p)
{
    struct rf_unix_packet **link = &u->first, *before = NULL;
    while (*link != p) {
        before = *link;
        link = &before->next;
    }
    *link = p->next;
    if (u->last == p)
        u->last = before;
    u->queued--;
}

/* The sender has its room back: sock_wfree, unix_write_space. */
static void give_room_back(struct rf_kernel *k, struct rf_unix_packet *p)
{
    struct rf_unix_socket *sender = p->sender;
    sender->charged -= p->charge;
    if (rf_unix_is_writable(sender))
        rf_socket_writable(k, sender->socket);
    rf_socket_put(k, sender->socket);
}

void rf_unix_packet_free(struct rf_kernel *k, struct rf_unix_packet *p)
{
    if (p->file_count)
        k->net->local->files_in_flight -= p->file_count;
    for (uint32_t i = 0; i < p->file_count; i++)
        rf_file_put(k, p->files[i]);
    rf_kfree(k, p->files);
    if (p->embryo)
        rf_socket_put(k, p->embryo->socket);
    if (p->sender)
        give_room_back(k, p);
    rf_kfree(k, p);
}

void rf_unix_purge(struct rf_kernel *k, struct rf_unix_socket *u)
{
    while (u->first) {
        struct rf_unix_packet *p = u->first;
        rf_unix_unlink(u, p);
        rf_unix_packet_free(k, p);
    }
}

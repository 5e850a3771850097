/* Bytes to and from sockets of the host, by way of a buffer of the kernel's. */
#include "kernel/net/host.h"

#include "kernel/task/task.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define CHUNK 65536u
#define PASSED_FLAGS (RF_MSG_OOB | RF_MSG_PEEK | RF_MSG_TRUNC | RF_MSG_EOR | RF_MSG_MORE | RF_MSG_CONFIRM)

static int64_t check_destination(struct rf_kernel *k, const struct rf_message *message)
{
    struct rf_inet_name name = { 0 };
    const struct rf_socket_address *to = message->name;
    if (!to || to->length < sizeof to->in || to->family == RF_AF_UNSPEC)
        return 0;
    rf_inet_name_from(&name, to);
    return rf_host_allows(k->net->host, RF_HOST_CONNECT, &name) ? 0 : -RF_ENETUNREACH;
}

static int64_t send_once(struct rf_host_socket *h, const struct rf_message *message, uint8_t *bytes, size_t size)
{
    struct iovec v = { bytes, size };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
    if (message->name && h->socket->type != RF_SOCK_STREAM) {
        m.msg_name = message->name->bytes;
        m.msg_namelen = message->name->length;
    }
    ssize_t sent = sendmsg(h->fd, &m, (int)(message->flags & PASSED_FLAGS) | MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? -errno : sent;
}

/* One piece: how much went, or an error. What did not go stays in the message. */
static int64_t send_piece(struct rf_socket *s, struct rf_message *message, uint8_t *bytes)
{
    struct rf_uio before = *message->data;
    size_t want = message->data->left < CHUNK ? (size_t)message->data->left : CHUNK;
    size_t got = rf_uio_get(message->data, bytes, want);
    if (got < want && (s->type != RF_SOCK_STREAM || got == 0))
        return -RF_EFAULT;
    int64_t sent = send_once(rf_host_of(s), message, bytes, got);
    if (sent >= 0 && (size_t)sent == got)
        return sent;
    uint64_t moved = message->data->moved;
    *message->data = before;
    message->data->moved = moved;
    if (sent > 0)
        rf_uio_skip(message->data, (uint64_t)sent);
    return sent;
}

int64_t rf_host_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    uint64_t done = k->current->scratch[RF_SCRATCH_MOVED];
    int64_t result = check_destination(k, message);
    if (!result && s->type != RF_SOCK_STREAM && message->size > UINT16_MAX)
        result = -RF_EMSGSIZE;
    if (!result && !done)
        result = rf_socket_take_error(s);
    uint8_t *bytes = result ? NULL : rf_kalloc(k, CHUNK);
    if (!bytes)
        return result ? result : -RF_ENOBUFS;
    rf_uio_skip(message->data, done);
    do {
        result = send_piece(s, message, bytes);
        if (result > 0)
            done += (uint64_t)result;
    } while (result > 0 && s->type == RF_SOCK_STREAM && message->data->left && !rf_must_end_soon(k));
    rf_kfree(k, bytes);
    if (result == -RF_EAGAIN && !(done && message->flags & RF_MSG_DONTWAIT)) {
        k->current->scratch[RF_SCRATCH_MOVED] = done;
        result = rf_socket_wait(k, s, &s->writable, message->flags & RF_MSG_DONTWAIT, s->options.send_timeout);
    }
    return result == RF_BLOCKED || !done ? result : (int64_t)done;
}

/* --- receiving --- */

static int64_t receive_once(struct rf_host_socket *h, struct rf_message *message, uint8_t *bytes, size_t size,
                            int flags)
{
    struct iovec v = { bytes, size };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
    bool datagrams = h->socket->type != RF_SOCK_STREAM;
    if (message->name && datagrams) {
        m.msg_name = message->name->bytes;
        m.msg_namelen = sizeof message->name->bytes;
    }
    ssize_t got = recvmsg(h->fd, &m, flags | MSG_DONTWAIT);
    if (got < 0)
        return -errno;
    if (message->name && datagrams)
        message->name->length = m.msg_namelen;
    message->out_flags |= (uint32_t)m.msg_flags & (RF_MSG_TRUNC | RF_MSG_OOB | RF_MSG_EOR);
    return got;
}

/* A stream's bytes are looked at first, and taken when the program has them. */
static int64_t receive_stream(struct rf_host_socket *h, struct rf_message *message, uint8_t *bytes)
{
    size_t want = message->data->left < CHUNK ? (size_t)message->data->left : CHUNK;
    bool keeps = message->flags & RF_MSG_PEEK || message->flags & RF_MSG_OOB;
    int flags = (int)(message->flags & PASSED_FLAGS & ~(uint32_t)RF_MSG_TRUNC);
    int64_t got = receive_once(h, message, bytes, want, keeps ? flags : flags | MSG_PEEK);
    if (got <= 0)
        return got;
    size_t moved = message->flags & RF_MSG_TRUNC ? (size_t)got : rf_uio_put(message->data, bytes, (size_t)got);
    if (moved && !keeps)
        (void)!recv(h->fd, bytes, moved, MSG_DONTWAIT);
    return moved ? (int64_t)moved : -RF_EFAULT;
}

static int64_t receive_datagram(struct rf_host_socket *h, struct rf_message *message, uint8_t *bytes)
{
    size_t want = message->size < CHUNK ? (size_t)message->size : CHUNK;
    int64_t got = receive_once(h, message, bytes, want, (int)(message->flags & PASSED_FLAGS));
    if (got <= 0)
        return got;
    size_t size = (size_t)got < want ? (size_t)got : want;
    return rf_uio_put(message->data, bytes, size) < size ? -RF_EFAULT : got;
}

static int64_t receive_some(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message, uint64_t *done)
{
    struct rf_host_socket *h = rf_host_of(s);
    uint8_t *bytes = rf_kalloc(k, CHUNK);
    if (!bytes)
        return -RF_ENOBUFS;
    int64_t result;
    bool waits_for_all = message->flags & RF_MSG_WAITALL && !(message->flags & RF_MSG_PEEK);
    do {
        result = s->type == RF_SOCK_STREAM ? receive_stream(h, message, bytes) : receive_datagram(h, message, bytes);
        if (result > 0)
            *done += (uint64_t)result;
    } while (result > 0 && waits_for_all && s->type == RF_SOCK_STREAM && message->data->left && !rf_must_end_soon(k));
    rf_kfree(k, bytes);
    return result;
}

int64_t rf_host_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    uint64_t done = k->current->scratch[RF_SCRATCH_MOVED];
    if (message->flags & RF_MSG_ERRQUEUE)
        return -RF_EAGAIN;
    int64_t error = done ? 0 : rf_socket_take_error(s);
    if (error)
        return error;
    rf_uio_skip(message->data, done);
    int64_t result = receive_some(k, s, message, &done);
    bool stream_waits = message->flags & RF_MSG_WAITALL && s->type == RF_SOCK_STREAM;
    if (result == -RF_EAGAIN && !(done && (!stream_waits || message->flags & RF_MSG_DONTWAIT))) {
        k->current->scratch[RF_SCRATCH_MOVED] = done;
        result = rf_socket_wait(k, s, &s->readable, message->flags & RF_MSG_DONTWAIT, s->options.receive_timeout);
    }
    return result == RF_BLOCKED || !done ? result : (int64_t)done;
}

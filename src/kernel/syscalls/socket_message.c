/* System calls that send and receive messages. */
#include "kernel/net/message.h"
#include "kernel/task/task.h"

#include <string.h>

static int64_t get_socket(struct rf_kernel *k, uint64_t fd, struct rf_socket **s, uint32_t *flags)
{
    struct rf_file *file = rf_fd_file(k, (int)fd);
    if (!file)
        return -RF_EBADF;
    *s = rf_socket_of(file);
    if (!*s)
        return -RF_ENOTSOCK;
    if (file->flags & RF_O_NONBLOCK)
        *flags |= RF_MSG_DONTWAIT;
    return 0;
}

/* --- one buffer --- */

static int64_t sys_sendto(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_iovec iov;
    struct rf_uio uio;
    struct rf_socket *s;
    struct rf_socket_address name;
    uint32_t flags = (uint32_t)a[3] & ~(uint32_t)RF_MSG_INTERNAL_SEND;
    int64_t result = rf_uio_user(&uio, k, &iov, a[1], a[2]);
    if (!result)
        result = get_socket(k, a[0], &s, &flags);
    if (!result && a[4])
        result = rf_socket_address_from_user(k, &name, a[4], (int32_t)a[5]);
    if (result)
        return result;
    struct rf_message message = { .data = &uio, .size = uio.left, .name = a[4] ? &name : NULL, .flags = flags };
    return rf_socket_send(k, s, &message);
}

static int64_t sys_recvfrom(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_iovec iov;
    struct rf_uio uio;
    struct rf_socket *s;
    struct rf_socket_address name = { 0 };
    uint32_t flags = (uint32_t)a[3];
    int64_t result = rf_uio_user(&uio, k, &iov, a[1], a[2]);
    if (!result)
        result = get_socket(k, a[0], &s, &flags);
    if (result)
        return result;
    struct rf_message message = { .data = &uio, .size = uio.left, .name = a[4] ? &name : NULL, .flags = flags };
    result = rf_socket_receive(k, s, &message);
    if (result < 0 || !a[4])
        return result;
    int64_t error = rf_socket_address_to_user(k, &name, a[4], a[5]);
    return error ? error : result;
}

/* --- struct msghdr --- */

/* __copy_msghdr and import_iovec. name: where its address is to be put, length 0 if none was given. */
static int64_t import_header(struct rf_kernel *k, struct rf_msghdr *header, struct rf_uio *uio)
{
    if (!header->msg_name)
        header->msg_namelen = 0;
    if (header->msg_namelen < 0)
        return -RF_EINVAL;
    if (header->msg_namelen > 128)
        header->msg_namelen = 128;
    if (header->msg_iovlen > RF_UIO_MAXIOV)
        return -RF_EMSGSIZE;
    return rf_uio_import(uio, k, header->msg_iov, header->msg_iovlen);
}

static int64_t get_name(struct rf_kernel *k, const struct rf_msghdr *header, struct rf_socket_address *name)
{
    return header->msg_namelen && header->msg_name
               ? rf_socket_address_from_user(k, name, header->msg_name, header->msg_namelen)
               : 0;
}

static int64_t send_header(struct rf_kernel *k, struct rf_socket *s, struct rf_msghdr *header, uint32_t flags)
{
    struct rf_uio uio;
    struct rf_socket_address name;
    if (header->msg_namelen > 128 && header->msg_name)
        header->msg_namelen = 128;
    int64_t result = header->msg_name && header->msg_namelen < 0 ? -RF_EINVAL : get_name(k, header, &name);
    if (!result)
        result = import_header(k, header, &uio);
    if (result)
        return result;
    struct rf_control control = { 0 };
    result = rf_control_from_user(k, &control, header->msg_control, header->msg_controllen);
    if (!result) {
        struct rf_message message = { .data = &uio, .size = uio.left, .flags = flags,
                                      .name = header->msg_name && header->msg_namelen ? &name : NULL,
                                      .control = header->msg_controllen ? &control : NULL };
        result = rf_socket_send(k, s, &message);
    }
    rf_control_free(k, &control);
    rf_uio_free(&uio);
    return result;
}

static int64_t receive_header(struct rf_kernel *k, struct rf_socket *s, struct rf_msghdr *header, uint64_t user,
                              uint32_t flags)
{
    struct rf_uio uio;
    struct rf_socket_address name = { 0 };
    int64_t result = import_header(k, header, &uio);
    if (result)
        return result;
    struct rf_control control = { 0 };
    struct rf_message message = { .data = &uio, .size = uio.left, .flags = flags, .name = header->msg_name ? &name : NULL,
                                  .control = &control };
    result = rf_socket_receive(k, s, &message);
    rf_uio_free(&uio);
    if (result < 0)
        return result;
    uint64_t used = rf_control_to_user(k, s, &message, header->msg_control, header->msg_controllen);
    rf_control_free(k, &control);
    int64_t error = 0;
    if (header->msg_name)
        error = rf_socket_address_to_user(k, &name, header->msg_name, user + offsetof(struct rf_msghdr, msg_namelen));
    uint32_t out = message.out_flags | (flags & RF_MSG_CMSG_CLOEXEC);
    if (error)
        return error;
    if (RF_PUT_USER(k, user + offsetof(struct rf_msghdr, msg_flags), out) ||
        RF_PUT_USER(k, user + offsetof(struct rf_msghdr, msg_controllen), used))
        return -RF_EFAULT;
    return result;
}

static int64_t sys_sendmsg(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_socket *s;
    struct rf_msghdr header;
    uint32_t flags = (uint32_t)a[2] & ~(uint32_t)RF_MSG_INTERNAL_SEND;
    int64_t result = get_socket(k, a[0], &s, &flags);
    if (result)
        return result;
    return RF_GET_USER(k, header, a[1]) ? -RF_EFAULT : send_header(k, s, &header, flags);
}

static int64_t sys_recvmsg(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_socket *s;
    struct rf_msghdr header;
    uint32_t flags = (uint32_t)a[2];
    int64_t result = get_socket(k, a[0], &s, &flags);
    if (result)
        return result;
    return RF_GET_USER(k, header, a[1]) ? -RF_EFAULT : receive_header(k, s, &header, a[1], flags);
}

/* --- several messages --- */

/* One is done: what it needed of the task's memory is free for the next. */
static void next_message(struct rf_task *task, uint64_t done)
{
    task->scratch[RF_SCRATCH_MESSAGES] = done;
    task->scratch[RF_SCRATCH_MOVED] = 0;
    memset(task->scratch + RF_SCRATCH_FAMILY, 0, 4 * sizeof task->scratch[0]);
    task->deadline = 0;
}

static int64_t tell_length(struct rf_kernel *k, uint64_t user, int64_t length)
{
    uint32_t bytes = (uint32_t)length;
    return RF_PUT_USER(k, user + offsetof(struct rf_mmsghdr, msg_len), bytes) ? -RF_EFAULT : 0;
}

static int64_t sys_sendmmsg(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_socket *s;
    uint32_t flags = (uint32_t)a[3] & ~(uint32_t)RF_MSG_INTERNAL_SEND, count = (uint32_t)a[2];
    int64_t result = get_socket(k, a[0], &s, &flags);
    if (result)
        return result;
    if (count > RF_UIO_MAXIOV)
        count = RF_UIO_MAXIOV;
    uint64_t done = k->current->scratch[RF_SCRATCH_MESSAGES];
    while (done < count) {
        uint64_t user = a[1] + done * sizeof(struct rf_mmsghdr);
        struct rf_msghdr header;
        result = RF_GET_USER(k, header, user) ? -RF_EFAULT : send_header(k, s, &header, flags);
        if (result == RF_BLOCKED)
            return result;
        if (result >= 0)
            result = tell_length(k, user, result);
        if (result < 0)
            break;
        next_message(k->current, ++done);
        if (rf_must_end_soon(k))
            break;
    }
    return done ? (int64_t)done : result;
}

/* The time that recvmmsg may take: when it is over, in ns. */
static int64_t get_end(struct rf_kernel *k, uint64_t user, uint64_t *end)
{
    struct rf_timespec t;
    *end = UINT64_MAX;
    if (!user)
        return 0;
    if (RF_GET_USER(k, t, user))
        return -RF_EFAULT;
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= 1000000000)
        return -RF_EINVAL;
    uint64_t *kept = &k->current->scratch[RF_SCRATCH_END];
    uint64_t ns = t.tv_sec > INT64_MAX / 1000000000 - 1 ? INT64_MAX : (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
    if (!*kept)
        *kept = rf_clock_monotonic(k) + ns + 1;
    *end = *kept - 1;
    return 0;
}

static int64_t put_remaining(struct rf_kernel *k, uint64_t user, uint64_t end)
{
    uint64_t now = rf_clock_monotonic(k), left = end > now ? end - now : 0;
    const struct rf_timespec t = { (int64_t)(left / 1000000000), (int64_t)(left % 1000000000) };
    return user ? RF_PUT_USER(k, user, t) : 0;
}

/* do_recvmmsg. The time is looked at only after a message has come (recvmmsg(2), BUGS). */
static int64_t receive_all(struct rf_kernel *k, struct rf_socket *s, const uint64_t a[6], uint32_t flags, uint64_t end,
                           uint64_t *count)
{
    uint64_t done = k->current->scratch[RF_SCRATCH_MESSAGES];
    int64_t result = 0;
    if (done && flags & RF_MSG_WAITFORONE)
        flags |= RF_MSG_DONTWAIT;
    while (done < (uint32_t)a[2]) {
        uint64_t user = a[1] + done * sizeof(struct rf_mmsghdr);
        struct rf_msghdr header;
        result = RF_GET_USER(k, header, user)
                     ? -RF_EFAULT
                     : receive_header(k, s, &header, user, flags & ~(uint32_t)RF_MSG_WAITFORONE);
        if (result == RF_BLOCKED)
            return result;
        if (result >= 0)
            result = tell_length(k, user, result);
        if (result < 0)
            break;
        next_message(k->current, ++done);
        if (flags & RF_MSG_WAITFORONE)
            flags |= RF_MSG_DONTWAIT;
        if (rf_clock_monotonic(k) >= end || rf_must_end_soon(k))
            break;
    }
    *count = done;
    return result;
}

static int64_t sys_recvmmsg(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_socket *s;
    uint32_t flags = (uint32_t)a[3];
    uint64_t end, done = 0;
    int64_t result = get_end(k, a[4], &end);
    if (!result)
        result = get_socket(k, a[0], &s, &flags);
    if (result)
        return result;
    if (!k->current->scratch[RF_SCRATCH_MESSAGES] && (result = rf_socket_take_error(s)))
        return result;
    result = receive_all(k, s, a, flags, end, &done);
    if (result == RF_BLOCKED)
        return result;
    if (done && result < 0 && result != -RF_EAGAIN && result > -RF_ERESTARTSYS)
        s->error = (int32_t)-result; /* told by the next call */
    if (done && put_remaining(k, a[4], end))
        return -RF_EFAULT;
    return done ? (int64_t)done : result;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_sendto, sys_sendto },     { RF_NR_recvfrom, sys_recvfrom }, { RF_NR_sendmsg, sys_sendmsg },
    { RF_NR_recvmsg, sys_recvmsg },   { RF_NR_sendmmsg, sys_sendmmsg }, { RF_NR_recvmmsg, sys_recvmmsg },
};
const struct rf_handler_table rf_handlers_socket_message = RF_HANDLER_TABLE(entries);

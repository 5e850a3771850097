/* System calls about sockets: making, naming, connecting, options. Messages: socket_message.c. */
#include "kernel/net/socket.h"
#include "kernel/task/task.h"

#define TYPE_FLAGS (RF_SOCK_NONBLOCK | RF_SOCK_CLOEXEC)
#define MOST_OPTION 4096u /* bytes of a value that families see */

static int64_t get_socket(struct rf_kernel *k, uint64_t fd, struct rf_file **file, struct rf_socket **s)
{
    *file = rf_fd_file(k, (int)fd);
    if (!*file)
        return -RF_EBADF;
    *s = rf_socket_of(*file);
    return *s ? 0 : -RF_ENOTSOCK;
}

static bool is_nonblocking(const struct rf_file *file)
{
    return file->flags & RF_O_NONBLOCK;
}

/* --- making --- */

static int64_t install(struct rf_kernel *k, struct rf_socket *s, uint32_t flags)
{
    struct rf_file *file;
    int64_t result = rf_socket_file(k, s, flags, &file);
    if (result)
        return result;
    result = rf_fd_install(k, file, 0, flags & RF_SOCK_CLOEXEC);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

static int64_t sys_socket(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[1] & ~(uint32_t)RF_SOCK_TYPE_MASK;
    if (flags & ~(uint32_t)TYPE_FLAGS)
        return -RF_EINVAL;
    struct rf_socket *s;
    int64_t result = rf_socket_create(k, (int)a[0], (int)a[1] & RF_SOCK_TYPE_MASK, (int)a[2], &s);
    return result ? result : install(k, s, flags);
}

/* Two sockets that are connected. */
static int64_t make_pair(struct rf_kernel *k, const uint64_t a[6], struct rf_socket *pair[2])
{
    int domain = (int)a[0], type = (int)a[1] & RF_SOCK_TYPE_MASK, protocol = (int)a[2];
    int64_t result = rf_socket_create(k, domain, type, protocol, &pair[0]);
    if (result)
        return result;
    result = rf_socket_create(k, domain, type, protocol, &pair[1]);
    if (!result) {
        result = pair[0]->ops->pair ? pair[0]->ops->pair(k, pair[0], pair[1]) : -RF_EOPNOTSUPP;
        if (result)
            rf_socket_put(k, pair[1]);
    }
    if (result)
        rf_socket_put(k, pair[0]);
    return result;
}

/* __sys_socketpair: numbers are reserved and told before anything is made. */
static int64_t sys_socketpair(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[1] & ~(uint32_t)RF_SOCK_TYPE_MASK;
    if (flags & ~(uint32_t)TYPE_FLAGS)
        return -RF_EINVAL;
    int32_t fds[2];
    int64_t result = rf_fd_next(k, fds);
    if (result)
        return result;
    if (rf_copy_to_user(k, a[3], fds, sizeof fds))
        return -RF_EFAULT;
    struct rf_socket *pair[2];
    result = make_pair(k, a, pair);
    if (result)
        return result;
    result = install(k, pair[0], flags);
    if (result < 0) {
        rf_socket_put(k, pair[1]);
        return result;
    }
    int64_t second = install(k, pair[1], flags);
    if (second < 0)
        rf_fd_close(k, (int)result);
    return second < 0 ? second : 0;
}

/* --- naming and connecting --- */

static int64_t sys_bind(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file;
    struct rf_socket *s;
    struct rf_socket_address address;
    int64_t result = get_socket(k, a[0], &file, &s);
    if (!result)
        result = rf_socket_address_from_user(k, &address, a[1], (int32_t)a[2]);
    if (result)
        return result;
    return s->ops->bind ? s->ops->bind(k, s, &address) : -RF_EOPNOTSUPP;
}

static int64_t sys_connect(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    struct rf_socket_address address;
    if (!file)
        return -RF_EBADF;
    int64_t result = rf_socket_address_from_user(k, &address, a[1], (int32_t)a[2]);
    if (result)
        return result;
    struct rf_socket *s = rf_socket_of(file);
    if (!s)
        return -RF_ENOTSOCK;
    return s->ops->connect ? s->ops->connect(k, s, &address, is_nonblocking(file)) : -RF_EOPNOTSUPP;
}

static int64_t sys_listen(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file;
    struct rf_socket *s;
    int64_t result = get_socket(k, a[0], &file, &s);
    if (result)
        return result;
    int backlog = (uint32_t)a[1] > RF_SOMAXCONN ? RF_SOMAXCONN : (int)a[1];
    return s->ops->listen ? s->ops->listen(k, s, backlog) : -RF_EOPNOTSUPP;
}

/* The address of one who was accepted, to the program. */
static int64_t tell_peer(struct rf_kernel *k, struct rf_socket *s, uint64_t user, uint64_t length_user)
{
    struct rf_socket_address address = { 0 };
    if (!user)
        return 0;
    if (!s->ops->getname || s->ops->getname(k, s, true, &address) < 0)
        return -RF_ECONNABORTED;
    return rf_socket_address_to_user(k, &address, user, length_user);
}

static int64_t accept_with(struct rf_kernel *k, const uint64_t a[6], uint32_t flags)
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    int32_t fds[2];
    if (!file)
        return -RF_EBADF;
    if (flags & ~(uint32_t)TYPE_FLAGS)
        return -RF_EINVAL;
    int64_t result = rf_fd_next(k, fds);
    if (result == -RF_EMFILE && fds[0] >= 0)
        result = 0; /* room for one is enough */
    struct rf_socket *s = rf_socket_of(file), *other;
    if (!s)
        return -RF_ENOTSOCK;
    if (result)
        return result;
    if (!s->ops->accept)
        return -RF_EOPNOTSUPP;
    result = s->ops->accept(k, s, is_nonblocking(file), &other);
    if (result)
        return result;
    rf_socket_get(other);
    result = install(k, other, flags);
    int64_t error = result < 0 ? 0 : tell_peer(k, other, a[1], a[2]);
    if (error) {
        rf_fd_close(k, (int)result);
        result = error;
    }
    rf_socket_put(k, other);
    return result;
}

static int64_t sys_accept(struct rf_kernel *k, const uint64_t a[6])
{
    return accept_with(k, a, 0);
}

static int64_t sys_accept4(struct rf_kernel *k, const uint64_t a[6])
{
    return accept_with(k, a, (uint32_t)a[3]);
}

static int64_t get_name(struct rf_kernel *k, const uint64_t a[6], bool peer)
{
    struct rf_file *file;
    struct rf_socket *s;
    struct rf_socket_address address = { 0 };
    int64_t result = get_socket(k, a[0], &file, &s);
    if (!result)
        result = s->ops->getname ? s->ops->getname(k, s, peer, &address) : -RF_EOPNOTSUPP;
    return result < 0 ? result : rf_socket_address_to_user(k, &address, a[1], a[2]);
}

static int64_t sys_getsockname(struct rf_kernel *k, const uint64_t a[6])
{
    return get_name(k, a, false);
}

static int64_t sys_getpeername(struct rf_kernel *k, const uint64_t a[6])
{
    return get_name(k, a, true);
}

static int64_t sys_shutdown(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file;
    struct rf_socket *s;
    int64_t result = get_socket(k, a[0], &file, &s);
    if (result)
        return result;
    int how = (int)a[1];
    if (how < RF_SHUT_RD || how > RF_SHUT_RDWR)
        return -RF_EINVAL;
    return s->ops->shutdown ? s->ops->shutdown(k, s, how != RF_SHUT_WR, how != RF_SHUT_RD) : -RF_EOPNOTSUPP;
}

/* --- options --- */

/* Bytes of a SOL_SOCKET value that are looked at: none beyond them are read. */
static uint32_t bytes_of(int name, uint32_t size)
{
    uint32_t most = 4;
    if (name == RF_SO_BINDTODEVICE || name == RF_SO_RCVTIMEO || name == RF_SO_SNDTIMEO ||
        name == RF_SO_RCVTIMEO_NEW || name == RF_SO_SNDTIMEO_NEW)
        most = 16;
    else if (name == RF_SO_LINGER)
        most = 8;
    return size < most ? size : most;
}

static int64_t sys_setsockopt(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file;
    struct rf_socket *s;
    int level = (int)a[1], name = (int)a[2];
    int32_t size = (int32_t)a[4];
    int64_t result = get_socket(k, a[0], &file, &s);
    if (result)
        return result;
    if (size < 0)
        return -RF_EINVAL;
    bool common = level == RF_SOL_SOCKET;
    if (!common && !s->ops->setsockopt)
        return -RF_EOPNOTSUPP;
    uint32_t bytes = common ? bytes_of(name, (uint32_t)size) : (uint32_t)size < MOST_OPTION ? (uint32_t)size : MOST_OPTION;
    if (common && name != RF_SO_BINDTODEVICE && bytes < 4)
        return -RF_EINVAL;
    uint8_t *value = rf_kalloc(k, MOST_OPTION);
    if (!value)
        return -RF_ENOMEM;
    if (bytes && rf_copy_from_user(k, value, a[3], bytes))
        result = -RF_EFAULT;
    else if (common)
        result = rf_socket_set_option(k, s, name, value, (uint32_t)size);
    else
        result = s->ops->setsockopt(k, s, level, name, value, (uint32_t)size);
    rf_kfree(k, value);
    return result;
}

static int64_t sys_getsockopt(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file;
    struct rf_socket *s;
    int level = (int)a[1], name = (int)a[2];
    bool common = level == RF_SOL_SOCKET;
    int32_t size;
    int64_t result = get_socket(k, a[0], &file, &s);
    if (result)
        return result;
    if (!common && !s->ops->getsockopt)
        return -RF_EOPNOTSUPP;
    if (RF_GET_USER(k, size, a[4]))
        return -RF_EFAULT;
    if (size < 0)
        return -RF_EINVAL;
    uint32_t used = (uint32_t)size < MOST_OPTION ? (uint32_t)size : MOST_OPTION;
    uint8_t *value = rf_kalloc(k, MOST_OPTION);
    if (!value)
        return -RF_ENOMEM;
    if (common)
        result = rf_socket_get_option(k, s, name, value, &used);
    else
        result = s->ops->getsockopt(k, s, level, name, value, &used);
    /* too small for SO_PEERGROUPS: how much it would be (sk_getsockopt) */
    if (result == -RF_ERANGE && RF_PUT_USER(k, a[4], used))
        result = -RF_EFAULT;
    if (result == 0 && ((used && rf_copy_to_user(k, a[3], value, used)) || RF_PUT_USER(k, a[4], used)))
        result = -RF_EFAULT;
    rf_kfree(k, value);
    return result;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_socket, sys_socket },           { RF_NR_socketpair, sys_socketpair },
    { RF_NR_bind, sys_bind },               { RF_NR_connect, sys_connect },
    { RF_NR_listen, sys_listen },           { RF_NR_accept, sys_accept },
    { RF_NR_accept4, sys_accept4 },         { RF_NR_getsockname, sys_getsockname },
    { RF_NR_getpeername, sys_getpeername }, { RF_NR_shutdown, sys_shutdown },
    { RF_NR_setsockopt, sys_setsockopt },   { RF_NR_getsockopt, sys_getsockopt },
};
const struct rf_handler_table rf_handlers_socket = RF_HANDLER_TABLE(entries);

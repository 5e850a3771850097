/* Sockets as objects and as open files: what reading, writing, polling and closing one mean, whatever its family. */
#include "kernel/net/socket.h"

#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

#include <string.h>

/* --- the file system that they live in --- */

static const struct rf_mount_ops sockfs_ops;

int64_t rf_net_create(struct rf_kernel *k)
{
    k->net = rf_kalloc(k, sizeof *k->net);
    if (!k->net)
        return -RF_ENOMEM;
    k->net->sockets = rf_mount_alloc(k, "sockfs", RF_SOCKFS_MAGIC, &sockfs_ops);
    if (k->net->sockets)
        return 0;
    rf_kfree(k, k->net);
    k->net = NULL;
    return -RF_ENOMEM;
}

/* --- objects --- */

static void set_defaults(struct rf_socket_options *o)
{
    *o = (struct rf_socket_options){
        .incoming_cpu = -1, .peek_offset = -1, .receive_timeout = UINT64_MAX, .send_timeout = UINT64_MAX,
        .receive_low_water = 1, .send_low_water = 1, .receive_buffer = RF_SOCKET_BUFFER_DEFAULT,
        .send_buffer = RF_SOCKET_BUFFER_DEFAULT,
    };
}

static void set_owner(const struct rf_kernel *k, struct rf_socket *s)
{
    const struct rf_task *task = k->current;
    if (task)
        s->owner = (struct rf_socket_credentials){ task->process->pid, task->credentials.euid, task->credentials.egid };
}

int64_t rf_socket_create(struct rf_kernel *k, int domain, int type, int protocol, struct rf_socket **out)
{
    if (domain < 0 || domain >= RF_PROTOCOL_FAMILIES)
        return -RF_EAFNOSUPPORT;
    if (type < 0 || type >= RF_SOCK_TYPES)
        return -RF_EINVAL;
    if (domain == RF_AF_INET && type == RF_SOCK_PACKET)
        domain = RF_AF_PACKET; /* as programs of Linux 2.0 asked for it */
    const struct rf_socket_family *family = rf_socket_family_find(domain);
    if (!family)
        return -RF_EAFNOSUPPORT;
    struct rf_socket *s = rf_kalloc(k, sizeof *s);
    if (!s)
        return -RF_ENOBUFS;
    s->family = family;
    s->references = 1;
    s->type = type;
    s->peer = (struct rf_socket_credentials){ 0, RF_NO_ID, RF_NO_ID };
    set_defaults(&s->options);
    set_owner(k, s);
    int64_t result = family->create(k, s, type, protocol);
    if (result)
        rf_kfree(k, s);
    else
        *out = s;
    return result;
}

struct rf_socket *rf_socket_like(struct rf_kernel *k, const struct rf_socket *like)
{
    struct rf_socket *s = rf_kalloc(k, sizeof *s);
    if (!s)
        return NULL;
    s->ops = like->ops;
    s->family = like->family;
    s->references = 1;
    s->type = like->type;
    s->protocol = like->protocol;
    s->options = like->options;
    s->owner = like->owner;
    s->peer = (struct rf_socket_credentials){ 0, RF_NO_ID, RF_NO_ID };
    return s;
}

void rf_socket_get(struct rf_socket *s)
{
    s->references++;
}

void rf_socket_put(struct rf_kernel *k, struct rf_socket *s)
{
    if (!s || --s->references)
        return;
    if (!s->released) { /* it never had a descriptor */
        s->released = true;
        s->references++; /* the family may take and give back some */
        if (s->ops->release)
            s->ops->release(k, s);
        s->references--;
    }
    rf_wake(k, &s->readable);
    rf_wake(k, &s->writable);
    if (s->ops->destroy)
        s->ops->destroy(k, s);
    rf_kfree(k, s->peer_groups);
    rf_kfree(k, s);
}

int64_t rf_socket_take_error(struct rf_socket *s)
{
    int32_t error = s->error;
    s->error = 0;
    return -(int64_t)error;
}

void rf_socket_fail(struct rf_kernel *k, struct rf_socket *s, int error)
{
    s->error = error;
    rf_wake_for(k, &s->readable, RF_POLLERR | RF_POLLIN | RF_POLLRDNORM | RF_POLLHUP | RF_POLLRDHUP);
    rf_wake_for(k, &s->writable, RF_POLLERR | RF_POLLOUT | RF_POLLWRNORM | RF_POLLHUP);
}

void rf_socket_readable(struct rf_kernel *k, struct rf_socket *s)
{
    rf_wake_for(k, &s->readable, RF_POLLIN | RF_POLLPRI | RF_POLLRDNORM | RF_POLLRDBAND);
}

void rf_socket_writable(struct rf_kernel *k, struct rf_socket *s)
{
    rf_wake_for(k, &s->writable, RF_POLLOUT | RF_POLLWRNORM | RF_POLLWRBAND);
}

int64_t rf_socket_wait(struct rf_kernel *k, struct rf_socket *s, struct rf_wait_queue *q, bool nonblock,
                       uint64_t timeout)
{
    (void)s;
    if (nonblock)
        return -RF_EAGAIN;
    if (timeout == UINT64_MAX)
        return rf_sleep_on(k, q);
    rf_sleep_deadline(k, timeout);
    if (rf_deadline_passed(k))
        return -RF_EAGAIN;
    int64_t result = rf_sleep_on(k, q);
    return result == -RF_ERESTARTSYS ? -RF_EINTR : result; /* sock_intr_errno */
}

/* --- as files --- */

struct rf_socket *rf_socket_of(const struct rf_file *file)
{
    return file->ops == &rf_socket_file_ops ? file->private_data : NULL;
}

static uint32_t flags_of(const struct rf_file *file)
{
    return file->flags & RF_O_NONBLOCK ? RF_MSG_DONTWAIT : 0;
}

static int64_t socket_read(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    (void)pos;
    if (uio->left == 0)
        return 0; /* sock_read_iter: as System V does */
    struct rf_message message = { .data = uio, .size = uio->left, .flags = flags_of(file) };
    return rf_socket_receive(k, file->private_data, &message);
}

static int64_t socket_write(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    (void)pos;
    struct rf_socket *s = file->private_data;
    struct rf_message message = { .data = uio, .size = uio->left, .flags = flags_of(file) };
    if (s->type == RF_SOCK_SEQPACKET)
        message.flags |= RF_MSG_EOR;
    return rf_socket_send(k, s, &message);
}

static int64_t socket_ioctl(struct rf_kernel *k, struct rf_file *file, uint32_t command, uint64_t argument)
{
    struct rf_socket *s = file->private_data;
    int64_t result = s->ops->ioctl ? s->ops->ioctl(k, s, command, argument) : -RF_ENOTTY;
    return result == -RF_ENOTTY ? rf_device_ioctl(k, s, command, argument) : result;
}

static uint32_t socket_poll(struct rf_kernel *k, struct rf_file *file, struct rf_poll_request *request)
{
    struct rf_socket *s = file->private_data;
    return s->ops->poll ? s->ops->poll(k, s, request) : 0;
}

static void socket_release(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_socket *s = file->private_data;
    s->released = true;
    s->inode = NULL;
    if (s->ops->release)
        s->ops->release(k, s);
    rf_socket_put(k, s);
}

const struct rf_file_ops rf_socket_file_ops = {
    .read = socket_read,
    .write = socket_write,
    .ioctl = socket_ioctl,
    .poll = socket_poll,
    .release = socket_release,
};

static const struct rf_inode_ops inode_ops = { .setattr = rf_generic_setattr };

int64_t rf_socket_file(struct rf_kernel *k, struct rf_socket *s, uint32_t flags, struct rf_file **out)
{
    struct rf_inode *inode = rf_inode_alloc(k, k->net->sockets, RF_S_IFSOCK | 0777);
    struct rf_file *file = NULL;
    if (inode) {
        inode->ops = &inode_ops;
        file = rf_file_alloc(k, &rf_socket_file_ops, inode, NULL, RF_O_RDWR | (flags & RF_O_NONBLOCK));
        rf_inode_put(k, inode);
    }
    if (!file) {
        rf_socket_put(k, s);
        return -RF_ENFILE;
    }
    file->mode |= RF_FMODE_STREAM;
    file->private_data = s;
    s->inode = inode;
    *out = file;
    return 0;
}

/* --- sending and receiving --- */

int64_t rf_socket_send(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    if (!s->ops->send)
        return -RF_EOPNOTSUPP;
    int64_t result = s->ops->send(k, s, message);
    if (result == -RF_EPIPE && s->type == RF_SOCK_STREAM && !(message->flags & RF_MSG_NOSIGNAL))
        rf_signal_send_current(k, RF_SIGPIPE);
    return result;
}

int64_t rf_socket_receive(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message)
{
    return s->ops->receive ? s->ops->receive(k, s, message) : -RF_EOPNOTSUPP;
}

void rf_net_destroy(struct rf_kernel *k)
{
    if (!k->net)
        return;
    for (const struct rf_socket_family *const *family = rf_socket_families; *family; family++)
        if ((*family)->end)
            (*family)->end(k);
    rf_mount_free(k, k->net->sockets);
    rf_kfree(k, k->net);
    k->net = NULL;
}

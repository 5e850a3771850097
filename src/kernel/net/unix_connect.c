/* Connections between AF_UNIX sockets: listening, connecting, accepting, pairs, and ending half of one. */
#include "kernel/net/unix.h"

#include "kernel/task/task.h"

#include <string.h>

/* init_peercred: what the other side of a connection will be told of the current task. False: no memory. */
static bool set_peer_credentials(struct rf_kernel *k, struct rf_socket *s)
{
    const struct rf_credentials *c = &k->current->credentials;
    uint32_t count = c->groups ? c->groups->count : 0;
    uint32_t *groups = count ? rf_kalloc(k, count * sizeof *groups) : NULL;
    if (count && !groups)
        return false;
    if (count)
        memcpy(groups, c->groups->gid, count * sizeof *groups);
    rf_kfree(k, s->peer_groups);
    s->peer_groups = groups;
    s->peer_group_count = count;
    s->peer = (struct rf_socket_credentials){ k->current->process->pid, c->euid, c->egid };
    return true;
}

/* copy_peercred: the one who connects learns who has called listen. */
static bool copy_peer_credentials(struct rf_kernel *k, struct rf_socket *to, const struct rf_socket *from)
{
    size_t bytes = from->peer_group_count * sizeof *from->peer_groups;
    uint32_t *groups = bytes ? rf_kalloc(k, bytes) : NULL;
    if (bytes && !groups)
        return false;
    if (bytes)
        memcpy(groups, from->peer_groups, bytes);
    rf_kfree(k, to->peer_groups);
    to->peer_groups = groups;
    to->peer_group_count = from->peer_group_count;
    to->peer = from->peer;
    return true;
}

int64_t rf_unix_listen(struct rf_kernel *k, struct rf_socket *s, int backlog)
{
    struct rf_unix_socket *u = rf_unix_of(s);
    if (!u->name)
        return -RF_EINVAL; /* no listens on an unbound socket */
    if (u->state == RF_UNIX_ESTABLISHED)
        return -RF_EINVAL;
    if (!set_peer_credentials(k, s))
        return -RF_ENOMEM;
    if ((uint32_t)backlog > u->backlog)
        rf_wake(k, &u->room);
    u->backlog = (uint32_t)backlog;
    u->state = RF_UNIX_LISTENING;
    s->listening = true;
    return 0;
}

/* May the socket `s` be joined to the listener: 0, RF_BLOCKED while its queue is full, or -errno. */
static int64_t check_connect(struct rf_kernel *k, struct rf_socket *s, struct rf_unix_socket *listener, bool nonblock)
{
    const struct rf_unix_socket *u = rf_unix_of(s);
    if (listener->state != RF_UNIX_LISTENING || listener->no_reading)
        return -RF_ECONNREFUSED;
    if (rf_unix_is_full(listener))
        return rf_socket_wait(k, s, &listener->room, nonblock, s->options.send_timeout);
    if (u->state != RF_UNIX_CLOSED)
        return u->state == RF_UNIX_ESTABLISHED ? -RF_EISCONN : -RF_EINVAL;
    return 0;
}

static int64_t join(struct rf_kernel *k, struct rf_unix_socket *u, struct rf_unix_socket *listener, struct rf_socket *other)
{
    struct rf_unix_socket *embryo = rf_unix_of(other);
    struct rf_unix_packet *p = rf_kalloc(k, sizeof *p);
    if (!p || !set_peer_credentials(k, other) || !copy_peer_credentials(k, u->socket, listener->socket)) {
        rf_kfree(k, p);
        return -RF_ENOMEM;
    }
    other->options.pass_credentials = listener->socket->options.pass_credentials;
    rf_unix_set_peer(k, embryo, u);
    rf_unix_set_peer(k, u, embryo);
    embryo->state = u->state = RF_UNIX_ESTABLISHED;
    embryo->name = listener->name;
    embryo->name->references++;
    embryo->listener = listener;
    p->embryo = embryo;
    rf_socket_get(other);
    rf_unix_queue(listener, p);
    rf_socket_readable(k, listener->socket);
    return 0;
}

/* unix_stream_connect: the connection stands before it is accepted. */
int64_t rf_unix_stream_connect(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address, bool nonblock)
{
    struct rf_unix_socket *u = rf_unix_of(s), *listener;
    struct rf_socket *other = NULL;
    int64_t result = rf_unix_check_address(address);
    if (!result && s->options.pass_credentials)
        result = rf_unix_autobind(k, u);
    if (!result)
        result = rf_unix_find(k, address, s->type, &listener);
    if (result)
        return result;
    result = check_connect(k, s, listener, nonblock);
    if (!result)
        result = rf_socket_create(k, RF_AF_UNIX, s->type, 0, &other);
    if (!result)
        result = join(k, u, listener, other);
    if (other)
        rf_socket_put(k, other);
    rf_socket_put(k, listener->socket);
    return result;
}

int64_t rf_unix_accept(struct rf_kernel *k, struct rf_socket *s, bool nonblock, struct rf_socket **out)
{
    struct rf_unix_socket *u = rf_unix_of(s);
    if (u->state != RF_UNIX_LISTENING)
        return -RF_EINVAL;
    int64_t error = rf_socket_take_error(s);
    if (error)
        return error;
    struct rf_unix_packet *p = u->first;
    if (!p)
        return u->no_reading && !nonblock ? -RF_EINVAL
                                          : rf_socket_wait(k, s, &s->readable, nonblock, s->options.receive_timeout);
    rf_unix_unlink(u, p);
    rf_unix_room(k, u);
    p->embryo->listener = NULL;
    *out = p->embryo->socket;
    p->embryo = NULL; /* the reference is the caller's now */
    rf_unix_packet_free(k, p);
    return 0;
}

int64_t rf_unix_pair(struct rf_kernel *k, struct rf_socket *a, struct rf_socket *b)
{
    if (!set_peer_credentials(k, a) || !set_peer_credentials(k, b))
        return -RF_ENOMEM;
    rf_unix_set_peer(k, rf_unix_of(a), rf_unix_of(b));
    rf_unix_set_peer(k, rf_unix_of(b), rf_unix_of(a));
    rf_unix_of(a)->state = rf_unix_of(b)->state = RF_UNIX_ESTABLISHED;
    return 0;
}

int64_t rf_unix_shutdown(struct rf_kernel *k, struct rf_socket *s, bool reading, bool writing)
{
    struct rf_unix_socket *u = rf_unix_of(s), *peer = u->peer;
    u->no_reading |= reading;
    u->no_writing |= writing;
    rf_unix_changed(k, u);
    if (!peer || !rf_unix_is_connected_kind(u))
        return 0;
    peer->no_reading |= writing;
    peer->no_writing |= reading;
    rf_unix_changed(k, peer);
    return 0;
}

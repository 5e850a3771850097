/* Sockets that can only be reached through messages in one another's queues: nobody will ever receive those, so they
 * go (net/unix/garbage.c). Looked for when an AF_UNIX socket is closed, and files are in flight. */
#include "kernel/net/unix.h"

static struct rf_unix_socket *socket_of(const struct rf_file *file)
{
    struct rf_socket *s = rf_socket_of(file);
    return s && s->family->domain == RF_AF_UNIX ? rf_unix_of(s) : NULL;
}

/* How often each socket is in flight. */
static void count(struct rf_unix *net)
{
    for (struct rf_unix_socket *u = net->sockets; u; u = u->next)
        u->in_flight = 0;
    for (struct rf_unix_socket *u = net->sockets; u; u = u->next)
        for (const struct rf_unix_packet *p = u->first; p; p = p->next)
            for (uint32_t i = 0; i < p->file_count; i++) {
                struct rf_unix_socket *sent = socket_of(p->files[i]);
                if (!sent)
                    continue;
                sent->in_flight++;
                sent->file = p->files[i];
            }
}

static void revive(struct rf_unix_socket **list, struct rf_unix_socket *u)
{
    if (u->alive)
        return;
    u->alive = true;
    u->next_alive = *list;
    *list = u;
}

/* Sockets in the queue of one that lives, live. */
static void spread(struct rf_unix_socket **list, const struct rf_unix_socket *u)
{
    for (const struct rf_unix_packet *p = u->first; p; p = p->next) {
        if (p->embryo)
            revive(list, p->embryo);
        for (uint32_t i = 0; i < p->file_count; i++)
            if (socket_of(p->files[i]))
                revive(list, socket_of(p->files[i]));
    }
}

static void mark(struct rf_unix *net)
{
    struct rf_unix_socket *list = NULL;
    for (struct rf_unix_socket *u = net->sockets; u; u = u->next)
        u->alive = false;
    for (struct rf_unix_socket *u = net->sockets; u; u = u->next) {
        bool only_in_flight = u->in_flight && u->file->references == u->in_flight;
        if (!only_in_flight && !u->listener)
            revive(&list, u);
    }
    while (list) {
        const struct rf_unix_socket *u = list;
        list = u->next_alive;
        spread(&list, u);
    }
}

/* Messages with files in queues that nobody reaches, out of there. */
static struct rf_unix_packet *sweep(struct rf_unix *net)
{
    struct rf_unix_packet *dead = NULL;
    for (struct rf_unix_socket *u = net->sockets; u; u = u->next)
        for (struct rf_unix_packet *p = u->first, *next; !u->alive && p; p = next) {
            next = p->next;
            if (!p->file_count)
                continue;
            rf_unix_unlink(u, p);
            p->next = dead;
            dead = p;
        }
    return dead;
}

void rf_unix_collect(struct rf_kernel *k)
{
    struct rf_unix *net = k->net->local;
    if (!net->files_in_flight || net->collecting)
        return;
    net->collecting = true;
    count(net);
    mark(net);
    struct rf_unix_packet *dead = sweep(net);
    while (dead) {
        struct rf_unix_packet *next = dead->next;
        rf_unix_packet_free(k, dead);
        dead = next;
    }
    net->collecting = false;
}

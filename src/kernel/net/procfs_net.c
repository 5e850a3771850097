/* Texts of /proc/net and /proc/sys/net about sockets of this machine. */
#include "kernel/fs/procfs.h"
#include "kernel/net/unix.h"

static void number(struct rf_text *out, unsigned value)
{
    rf_text_add(out, "%u\n", value);
}

void rf_proc_somaxconn(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    number(out, RF_SOMAXCONN);
}

void rf_proc_optmem_max(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    number(out, RF_SCM_MOST_CONTROL);
}

void rf_proc_socket_memory_default(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    number(out, RF_SOCKET_BUFFER_DEFAULT);
}

void rf_proc_socket_memory_max(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    number(out, RF_SOCKET_BUFFER_MOST);
}

void rf_proc_max_dgram_qlen(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    number(out, RF_UNIX_MOST_DATAGRAMS);
}

/* As Linux counts: one for the object, one for its place in the table of names, one for each peer. */
static unsigned references_of(const struct rf_unix *net, const struct rf_unix_socket *u)
{
    unsigned count = 2;
    for (const struct rf_unix_socket *other = net->sockets; other; other = other->next)
        count += other->peer == u;
    return count;
}

static unsigned state_of(const struct rf_unix_socket *u)
{
    bool connected = u->state == RF_UNIX_ESTABLISHED;
    if (u->socket->inode)
        return connected ? 3 : 1; /* SS_CONNECTED, SS_UNCONNECTED */
    return connected ? 2 : 4;     /* SS_CONNECTING, SS_DISCONNECTING */
}

/* unix_seq_show. Addresses are not told, as with kernel.kptr_restrict. */
void rf_proc_net_unix(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)task;
    rf_text_add(out, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    const struct rf_unix *net = k->net->local;
    for (const struct rf_unix_socket *u = net ? net->sockets : NULL; u; u = u->next) {
        if (u->dead)
            continue;
        rf_text_add(out, "%016x: %08X %08X %08X %04X %02X %5llu", 0, references_of(net, u), 0,
                    u->state == RF_UNIX_LISTENING ? 0x10000 : 0, (unsigned)u->socket->type, state_of(u),
                    u->socket->inode ? (unsigned long long)u->socket->inode->ino : 0);
        if (u->name) {
            const struct rf_socket_address *a = &u->name->address;
            bool abstract = !a->un.sun_path[0];
            rf_text_add(out, " ");
            for (uint32_t i = 2; i < a->length - !abstract; i++)
                rf_text_add(out, "%c", a->bytes[i] ? a->bytes[i] : '@');
        }
        rf_text_add(out, "\n");
    }
}

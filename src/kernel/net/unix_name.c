/* Names of AF_UNIX sockets: paths, where an inode leads to its socket, and abstract ones, which are bytes. */
#include "kernel/net/unix.h"

#include "kernel/task/task.h"
#include "kernel/vfs/path.h"

#include <string.h>

#define PATH_OFFSET 2u /* offsetof(struct sockaddr_un, sun_path) */
#define AUTOBIND_MASK 0xfffffu

int64_t rf_unix_check_address(const struct rf_socket_address *address)
{
    bool fits = address->length > PATH_OFFSET && address->length <= sizeof(struct rf_sockaddr_un);
    return fits && address->family == RF_AF_UNIX ? 0 : -RF_EINVAL;
}

static struct rf_unix_name *new_name(struct rf_kernel *k, const void *bytes, uint32_t length)
{
    struct rf_unix_name *name = rf_kalloc(k, sizeof *name);
    if (!name)
        return NULL;
    name->references = 1;
    name->address.length = length;
    memcpy(name->address.bytes, bytes, length);
    return name;
}

void rf_unix_name_put(struct rf_kernel *k, struct rf_unix_name *name)
{
    if (name && --name->references == 0)
        rf_kfree(k, name);
}

/* --- abstract names --- */

static bool is_abstract(const struct rf_unix_name *name)
{
    return name->address.un.sun_path[0] == '\0';
}

/* Sockets of another kind have names of their own. */
static struct rf_unix_socket *find_abstract(struct rf_kernel *k, const struct rf_socket_address *address, int type)
{
    for (struct rf_unix_socket *u = k->net->local->sockets; u; u = u->next)
        if (u->bound && u->socket->type == type && is_abstract(u->name) && u->name->address.length == address->length &&
            memcmp(u->name->address.bytes, address->bytes, address->length) == 0)
            return u;
    return NULL;
}

static int64_t bind_abstract(struct rf_kernel *k, struct rf_unix_socket *u, const struct rf_socket_address *address)
{
    if (u->name)
        return -RF_EINVAL;
    if (find_abstract(k, address, u->socket->type))
        return -RF_EADDRINUSE;
    u->name = new_name(k, address->bytes, address->length);
    u->bound = u->name;
    return u->name ? 0 : -RF_ENOMEM;
}

int64_t rf_unix_autobind(struct rf_kernel *k, struct rf_unix_socket *u)
{
    static const char digits[] = "0123456789abcdef";
    struct rf_socket_address address = { .length = PATH_OFFSET + 6, .family = RF_AF_UNIX };
    uint32_t *next = &k->net->local->next_autobind;
    if (u->name)
        return 0;
    for (uint32_t tries = 0; tries <= AUTOBIND_MASK; tries++) {
        *next = (*next + 1) & AUTOBIND_MASK;
        for (unsigned i = 0; i < 5; i++)
            address.un.sun_path[1 + i] = digits[*next >> (16 - 4 * i) & 15];
        int64_t result = bind_abstract(k, u, &address);
        if (result != -RF_EADDRINUSE)
            return result;
    }
    return -RF_ENOSPC;
}

/* --- paths --- */

/* The path ends at its first NUL, or where the address does. */
static void take_path(const struct rf_socket_address *address, char path[sizeof(struct rf_sockaddr_un)])
{
    size_t length = address->length - PATH_OFFSET;
    memcpy(path, address->un.sun_path, length);
    path[length] = '\0';
}

/* unix_bind_bsd */
static int64_t bind_path(struct rf_kernel *k, struct rf_unix_socket *u, const struct rf_socket_address *address)
{
    char path[sizeof(struct rf_sockaddr_un)];
    struct rf_sockaddr_un full[2] = { { .sun_family = RF_AF_UNIX } }; /* the path may fill it, without a NUL */
    take_path(address, path);
    uint32_t mode = u->socket->inode ? u->socket->inode->mode & 0777 : 0777;
    int64_t result = rf_vfs_mknod(k, RF_AT_FDCWD, path, RF_S_IFSOCK | mode, 0);
    if (result)
        return result == -RF_EEXIST ? -RF_EADDRINUSE : result;
    struct rf_dentry *place = NULL;
    memcpy((char *)full + PATH_OFFSET, path, strlen(path) + 1);
    result = u->name ? -RF_EINVAL : rf_path_lookup(k, RF_AT_FDCWD, path, 0, &place);
    if (!result && !(u->name = new_name(k, full, PATH_OFFSET + (uint32_t)strlen(path) + 1))) {
        rf_dentry_put(k, place);
        result = -RF_ENOMEM;
    }
    if (result) {
        rf_vfs_unlink(k, RF_AT_FDCWD, path);
        return result;
    }
    u->bound = true;
    u->place = place;
    place->inode->socket = u->socket;
    return 0;
}

int64_t rf_unix_bind(struct rf_kernel *k, struct rf_socket *s, const struct rf_socket_address *address)
{
    struct rf_unix_socket *u = rf_unix_of(s);
    if (address->length == PATH_OFFSET && address->family == RF_AF_UNIX)
        return rf_unix_autobind(k, u);
    int64_t error = rf_unix_check_address(address);
    if (error)
        return error;
    return address->un.sun_path[0] ? bind_path(k, u, address) : bind_abstract(k, u, address);
}

static int64_t find_path(struct rf_kernel *k, const struct rf_socket_address *address, int type, struct rf_unix_socket **out)
{
    char path[sizeof(struct rf_sockaddr_un)];
    struct rf_dentry *place;
    take_path(address, path);
    int64_t result = rf_path_lookup(k, RF_AT_FDCWD, path, RF_WALK_FOLLOW, &place);
    if (result)
        return result;
    struct rf_inode *inode = place->inode;
    result = rf_inode_permission(k, inode, RF_W_OK);
    if (!result && (!RF_S_ISSOCK(inode->mode) || !inode->socket))
        result = -RF_ECONNREFUSED;
    if (!result && inode->socket->type != type)
        result = -RF_EPROTOTYPE;
    if (!result)
        *out = rf_unix_of(inode->socket);
    rf_dentry_put(k, place);
    return result;
}

int64_t rf_unix_find(struct rf_kernel *k, const struct rf_socket_address *address, int type, struct rf_unix_socket **out)
{
    int64_t result = 0;
    if (address->un.sun_path[0]) {
        result = find_path(k, address, type, out);
    } else {
        *out = find_abstract(k, address, type);
        result = *out ? 0 : -RF_ECONNREFUSED;
    }
    if (!result)
        rf_socket_get((*out)->socket);
    return result;
}

/* Nobody finds it any more; its peers may still ask what it was called. */
void rf_unix_forget_name(struct rf_kernel *k, struct rf_unix_socket *u)
{
    struct rf_dentry *place = u->place;
    u->bound = false;
    if (!place)
        return;
    if (place->inode->socket == u->socket)
        place->inode->socket = NULL;
    u->place = NULL;
    rf_dentry_put(k, place);
}

/* --- telling --- */

void rf_unix_copy_name(const struct rf_unix_socket *u, struct rf_socket_address *out)
{
    if (u->name)
        *out = u->name->address;
    else
        out->length = 0;
}

int64_t rf_unix_getname(struct rf_kernel *k, struct rf_socket *s, bool peer, struct rf_socket_address *out)
{
    (void)k;
    const struct rf_unix_socket *u = rf_unix_of(s);
    if (peer && !u->peer)
        return -RF_ENOTCONN;
    rf_unix_copy_name(peer ? u->peer : u, out);
    if (out->length == 0) {
        out->length = PATH_OFFSET;
        out->family = RF_AF_UNIX;
    }
    return 0;
}

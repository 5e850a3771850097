/* Identifiers of System V objects (kernel/ipc/ids.h). */
#include "kernel/ipc/ids.h"

#include "kernel/task/task.h"
#include "kernel/vfs/inode.h"

#define INDEX_BITS 15  /* IPCMNI_SHIFT */
#define CYCLE_LEAST 64 /* ipc_min_cycle: so many indices are used before one is used again */
#define MOST_OBJECTS 32000

int64_t rf_ipc_now(struct rf_kernel *k)
{
    return (int64_t)(rf_clock_realtime(k) / 1000000000);
}

struct rf_ipc_object *rf_ipc_at_index(const struct rf_ipc_ids *ids, int32_t index)
{
    for (struct rf_ipc_object *o = ids->first; o && o->index <= index; o = o->next)
        if (o->index == index)
            return o;
    return NULL;
}

struct rf_ipc_object *rf_ipc_find(const struct rf_ipc_ids *ids, int32_t id)
{
    struct rf_ipc_object *o = id < 0 ? NULL : rf_ipc_at_index(ids, id & ((1 << INDEX_BITS) - 1));
    return o && o->id == id ? o : NULL;
}

struct rf_ipc_object *rf_ipc_by_key(const struct rf_ipc_ids *ids, int32_t key)
{
    for (struct rf_ipc_object *o = ids->first; o; o = o->next)
        if (o->key == key)
            return o;
    return NULL;
}

/* idr_alloc_cyclic: the lowest free index above the last one, or from the start; a wrap makes other identifiers
 * of the same indices (ipc_idr_alloc). */
static int32_t take_index(struct rf_ipc_ids *ids)
{
    int32_t most = ids->count * 3 / 2 > CYCLE_LEAST ? ids->count * 3 / 2 : CYCLE_LEAST;
    if (most > MOST_OBJECTS)
        most = MOST_OBJECTS;
    int32_t from = ids->used ? ids->last_index + 1 : 0;
    int32_t index = from < most ? from : 0;
    for (int32_t tried = 0; tried < most && rf_ipc_at_index(ids, index); tried++)
        index = index + 1 < most ? index + 1 : 0;
    if (ids->used && index <= ids->last_index)
        ids->sequence++;
    ids->used = true;
    ids->last_index = index;
    return index;
}

void rf_ipc_add(struct rf_kernel *k, struct rf_ipc_ids *ids, struct rf_ipc_object *object, int32_t key, uint32_t mode)
{
    const struct rf_credentials *c = &k->current->credentials;
    object->index = take_index(ids);
    object->sequence = ids->sequence;
    object->id = (int32_t)(object->sequence & 0x7fff) << INDEX_BITS | object->index;
    object->key = key;
    object->uid = object->cuid = c->euid;
    object->gid = object->cgid = c->egid;
    object->mode = mode & 0777;
    object->ctime = rf_ipc_now(k);
    struct rf_ipc_object **link = &ids->first;
    while (*link && (*link)->index < object->index)
        link = &(*link)->next;
    object->next = *link;
    *link = object;
    ids->count++;
}

void rf_ipc_remove(struct rf_ipc_ids *ids, struct rf_ipc_object *object)
{
    struct rf_ipc_object **link = &ids->first;
    while (*link != object)
        link = &(*link)->next;
    *link = object->next;
    ids->count--;
}

/* ipcperms */
bool rf_ipc_permits(const struct rf_kernel *k, const struct rf_ipc_object *o, uint32_t mode)
{
    uint32_t wanted = (mode >> 6 | mode >> 3 | mode) & 7, granted = o->mode, euid = k->current->credentials.euid;
    if (euid == o->cuid || euid == o->uid)
        granted >>= 6;
    else if (rf_in_group(k, o->cgid) || rf_in_group(k, o->gid))
        granted >>= 3;
    return !(wanted & ~granted) || rf_capable(k, RF_CAP_IPC_OWNER);
}

bool rf_ipc_owns(const struct rf_kernel *k, const struct rf_ipc_object *o)
{
    uint32_t euid = k->current->credentials.euid;
    return euid == o->uid || euid == o->cuid || rf_capable(k, RF_CAP_SYS_ADMIN);
}

int64_t rf_ipc_set(struct rf_kernel *k, struct rf_ipc_object *o, const struct rf_ipc64_perm *perm)
{
    uint32_t uid = rf_uid_given(k, perm->uid), gid = rf_gid_given(k, perm->gid);
    if (uid == RF_NO_ID || gid == RF_NO_ID)
        return -RF_EINVAL;
    o->uid = uid;
    o->gid = gid;
    o->mode = (o->mode & ~0777u) | (perm->mode & 0777);
    o->ctime = rf_ipc_now(k);
    return 0;
}

void rf_ipc_tell(const struct rf_kernel *k, const struct rf_ipc_object *o, struct rf_ipc64_perm *out)
{
    *out = (struct rf_ipc64_perm){ .key = o->key, .uid = rf_uid_shown(k, o->uid), .gid = rf_gid_shown(k, o->gid),
                                   .cuid = rf_uid_shown(k, o->cuid), .cgid = rf_gid_shown(k, o->cgid), .mode = o->mode,
                                   .seq = o->sequence };
}

int64_t rf_ipc_highest(const struct rf_ipc_ids *ids)
{
    int64_t index = 0;
    for (const struct rf_ipc_object *o = ids->first; o; o = o->next)
        index = o->index;
    return index;
}

struct rf_ipc_object *rf_ipc_get(struct rf_kernel *k, const struct rf_ipc_ids *ids, int32_t key, uint32_t flags,
                                 bool (*enough)(const struct rf_ipc_object *object, uint64_t wanted), uint64_t wanted,
                                 int64_t *error)
{
    struct rf_ipc_object *o = key == RF_IPC_PRIVATE ? NULL : rf_ipc_by_key(ids, key);
    *error = 0;
    if (!o && key != RF_IPC_PRIVATE && !(flags & RF_IPC_CREAT))
        *error = -RF_ENOENT;
    if (!o || *error)
        return NULL;
    if (flags & RF_IPC_CREAT && flags & RF_IPC_EXCL)
        *error = -RF_EEXIST;
    else if (enough && !enough(o, wanted))
        *error = -RF_EINVAL;
    else if (!rf_ipc_permits(k, o, flags & 0777))
        *error = -RF_EACCES;
    return *error ? NULL : o;
}

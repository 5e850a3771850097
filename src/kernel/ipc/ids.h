/* System V objects: identifiers, keys, rights (ipc/util.c of Linux), the same for semaphores and messages. */
#ifndef RF_KERNEL_IPC_IDS_H
#define RF_KERNEL_IPC_IDS_H

#include "abi/linux_ipc.h"
#include "kernel/namespace/namespace.h"

/* The beginning of every object. */
struct rf_ipc_object {
    struct rf_ipc_object *next; /* by index */
    int32_t id, index;
    uint16_t sequence;
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode;
    int64_t ctime;
};

int64_t rf_ipc_now(struct rf_kernel *k); /* seconds */
struct rf_ipc_object *rf_ipc_find(const struct rf_ipc_ids *ids, int32_t id);
struct rf_ipc_object *rf_ipc_at_index(const struct rf_ipc_ids *ids, int32_t index);
struct rf_ipc_object *rf_ipc_by_key(const struct rf_ipc_ids *ids, int32_t key);
/* A new object, owned by the current task, gets its identifier. */
void rf_ipc_add(struct rf_kernel *k, struct rf_ipc_ids *ids, struct rf_ipc_object *object, int32_t key, uint32_t mode);
void rf_ipc_remove(struct rf_ipc_ids *ids, struct rf_ipc_object *object);
/* May the current task access it so? mode: permission bits, in all three places or one. */
bool rf_ipc_permits(const struct rf_kernel *k, const struct rf_ipc_object *object, uint32_t mode);
/* Owner, creator, or CAP_SYS_ADMIN: IPC_SET and IPC_RMID. */
bool rf_ipc_owns(const struct rf_kernel *k, const struct rf_ipc_object *object);
/* IPC_SET: -RF_EINVAL. */
int64_t rf_ipc_set(struct rf_kernel *k, struct rf_ipc_object *object, const struct rf_ipc64_perm *perm);
void rf_ipc_tell(const struct rf_kernel *k, const struct rf_ipc_object *object, struct rf_ipc64_perm *out);
/* The highest index in use, 0 if there is none. */
int64_t rf_ipc_highest(const struct rf_ipc_ids *ids);
/* ipcget: the object of a key, NULL if a new one is to be made, or *error. `enough` is asked before rights are. */
struct rf_ipc_object *rf_ipc_get(struct rf_kernel *k, const struct rf_ipc_ids *ids, int32_t key, uint32_t flags,
                                 bool (*enough)(const struct rf_ipc_object *object, uint64_t wanted), uint64_t wanted,
                                 int64_t *error);

#endif

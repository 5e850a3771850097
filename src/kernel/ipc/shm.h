/* System V shared memory: segments, their identifiers and rights (ipc/shm.c of Linux). */
#ifndef RF_KERNEL_IPC_SHM_H
#define RF_KERNEL_IPC_SHM_H

#include "abi/linux_ipc.h"
#include "kernel/kernel.h"

#define RF_SHMMNI 4096                             /* segments at most */
#define RF_SHMMAX (UINT64_MAX - (UINT64_C(1) << 24)) /* bytes of one, and pages of all: no limit */

struct rf_shm_segment {
    struct rf_shm_segment *next; /* by index */
    int32_t id, index;
    uint16_t sequence;
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode; /* mode with RF_SHM_DEST, RF_SHM_LOCKED */
    uint64_t size, attached;             /* bytes; mappings */
    int64_t atime, dtime, ctime;
    int32_t creator, last;               /* process ids */
    struct rf_inode *inode;              /* its pages */
    struct rf_shm_set *set;              /* of its namespace; NULL: that has ended */
};

struct rf_shm_set {
    struct rf_shm_segment *first;
    int32_t count, last_index;
    bool used;      /* an index has been given out */
    uint16_t sequence;
    uint64_t pages; /* of all segments' sizes */
};

/* The segments of the current task's IPC namespace; NULL: there have been none. */
struct rf_shm_set *rf_shm_set(const struct rf_kernel *k);
/* The segment with an identifier, or whose identifier has the index: NULL. */
struct rf_shm_segment *rf_shm_find(struct rf_kernel *k, int32_t id);
struct rf_shm_segment *rf_shm_at_index(struct rf_kernel *k, int32_t index);
struct rf_shm_segment *rf_shm_by_key(struct rf_kernel *k, int32_t key);
/* A new one: its identifier, or -errno. */
int64_t rf_shm_create(struct rf_kernel *k, int32_t key, uint64_t size, uint32_t flags);
/* It goes now, or when the last mapping does. */
void rf_shm_remove(struct rf_kernel *k, struct rf_shm_segment *segment);
/* May the current task access it so? mode: permission bits, in all three places or one. */
bool rf_shm_permits(const struct rf_kernel *k, const struct rf_shm_segment *segment, uint32_t mode);
/* While it is held it does not go, whatever is unmapped. */
void rf_shm_hold(struct rf_shm_segment *segment);
void rf_shm_let_go(struct rf_kernel *k, struct rf_shm_segment *segment);
/* An open file for one attachment. */
int64_t rf_shm_open(struct rf_kernel *k, struct rf_shm_segment *segment, bool read_only, struct rf_file **out);
/* The namespace ends: its segments go, those that are attached when the last mapping does. NULL is allowed. */
void rf_shm_set_end(struct rf_kernel *k, struct rf_shm_set *set);
bool rf_file_is_shm(const struct rf_file *file);

#endif

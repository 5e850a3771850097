/* System V IPC: linux/ipc.h, linux/shm.h, asm-generic/ipcbuf.h, asm-generic/shmbuf.h. */
#ifndef RF_ABI_LINUX_IPC_H
#define RF_ABI_LINUX_IPC_H

#include "abi/linux_structs.h"

enum {
    RF_IPC_PRIVATE = 0,
    RF_IPC_CREAT = 01000,
    RF_IPC_EXCL = 02000,
    RF_IPC_RMID = 0,
    RF_IPC_SET = 1,
    RF_IPC_STAT = 2,
    RF_IPC_INFO = 3,

    RF_SHM_HUGETLB = 04000,
    RF_SHM_NORESERVE = 010000,
    RF_SHM_RDONLY = 010000, /* shmat */
    RF_SHM_RND = 020000,
    RF_SHM_REMAP = 040000,
    RF_SHM_EXEC = 0100000,
    RF_SHM_LOCK = 11, /* shmctl */
    RF_SHM_UNLOCK = 12,
    RF_SHM_STAT = 13,
    RF_SHM_INFO = 14,
    RF_SHM_STAT_ANY = 15,
    RF_SHM_DEST = 01000, /* in the mode */
    RF_SHM_LOCKED = 02000,
};

struct rf_ipc64_perm {
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode;
    uint16_t seq, __pad2;
    uint32_t __pad3;
    uint64_t __unused1, __unused2;
};
RF_ABI_SIZE(rf_ipc64_perm, 48);

struct rf_shmid64_ds {
    struct rf_ipc64_perm shm_perm;
    uint64_t shm_segsz;
    int64_t shm_atime, shm_dtime, shm_ctime; /* seconds */
    int32_t shm_cpid, shm_lpid;
    uint64_t shm_nattch, __unused4, __unused5;
};
RF_ABI_SIZE(rf_shmid64_ds, 112);

struct rf_shminfo64 {
    uint64_t shmmax, shmmin, shmmni, shmseg, shmall, __unused[4];
};
RF_ABI_SIZE(rf_shminfo64, 72);

struct rf_shm_info {
    int32_t used_ids, __pad;
    uint64_t shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};
RF_ABI_SIZE(rf_shm_info, 48);

#endif

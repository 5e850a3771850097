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

/* Semaphores and messages: linux/sem.h, linux/msg.h, asm-generic/sembuf.h, asm-generic/msgbuf.h. */
enum {
    RF_IPC_NOWAIT = 04000,
    RF_SEM_UNDO = 0x1000,
    RF_SEM_GETPID = 11,
    RF_SEM_GETVAL = 12,
    RF_SEM_GETALL = 13,
    RF_SEM_GETNCNT = 14,
    RF_SEM_GETZCNT = 15,
    RF_SEM_SETVAL = 16,
    RF_SEM_SETALL = 17,
    RF_SEM_STAT = 18,
    RF_SEM_INFO = 19,
    RF_SEM_STAT_ANY = 20,
    RF_MSG_NOERROR = 010000,
    RF_MSG_EXCEPT = 020000,
    RF_MSG_COPY = 040000,
    RF_MSG_STAT = 11,
    RF_MSG_INFO = 12,
    RF_MSG_STAT_ANY = 13,
    /* limits */
    RF_SEMMNI = 32000,
    RF_SEMMSL = 32000,
    RF_SEMMNS = 1024000000,
    RF_SEMOPM = 500,
    RF_SEMVMX = 32767,
    RF_MSGMNI = 32000,
    RF_MSGMAX = 8192,
    RF_MSGMNB = 16384,
};

struct rf_sembuf {
    uint16_t sem_num;
    int16_t sem_op;
    int16_t sem_flg;
};
RF_ABI_SIZE(rf_sembuf, 6);

struct rf_semid64_ds {
    struct rf_ipc64_perm sem_perm;
    int64_t sem_otime, __unused1, sem_ctime, __unused2;
    uint64_t sem_nsems, __unused3, __unused4;
};
RF_ABI_SIZE(rf_semid64_ds, 104);

struct rf_seminfo {
    int32_t semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};
RF_ABI_SIZE(rf_seminfo, 40);

struct rf_msqid64_ds {
    struct rf_ipc64_perm msg_perm;
    int64_t msg_stime, msg_rtime, msg_ctime;
    uint64_t msg_cbytes, msg_qnum, msg_qbytes;
    int32_t msg_lspid, msg_lrpid;
    uint64_t __unused4, __unused5;
};
RF_ABI_SIZE(rf_msqid64_ds, 120);

struct rf_msginfo {
    int32_t msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
    uint16_t msgseg, __pad;
};
RF_ABI_SIZE(rf_msginfo, 32);

#endif

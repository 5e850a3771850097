/* io_uring's structures and constants (linux/io_uring.h, as of Linux 6.1). */
#ifndef RF_ABI_LINUX_URING_H
#define RF_ABI_LINUX_URING_H

#include "abi/linux_structs.h"

struct rf_uring_sqe {
    uint8_t opcode, flags;
    uint16_t ioprio;
    int32_t fd;
    uint64_t off; /* addr2 */
    uint64_t addr;
    uint32_t len;
    uint32_t op_flags; /* rw_flags, msg_flags, poll32_events, timeout_flags, open_flags ... */
    uint64_t user_data;
    uint16_t buf_index; /* buf_group */
    uint16_t personality;
    uint32_t file_index; /* splice_fd_in */
    uint64_t addr3, __pad;
};
RF_ABI_SIZE(rf_uring_sqe, 64);

struct rf_uring_cqe {
    uint64_t user_data;
    int32_t res;
    uint32_t flags;
};
RF_ABI_SIZE(rf_uring_cqe, 16);

struct rf_uring_sq_offsets {
    uint32_t head, tail, ring_mask, ring_entries, flags, dropped, array, resv1;
    uint64_t user_addr;
};
struct rf_uring_cq_offsets {
    uint32_t head, tail, ring_mask, ring_entries, overflow, cqes, flags, resv1;
    uint64_t user_addr;
};
struct rf_uring_params {
    uint32_t sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd, resv[3];
    struct rf_uring_sq_offsets sq_off;
    struct rf_uring_cq_offsets cq_off;
};
RF_ABI_SIZE(rf_uring_params, 120);

struct rf_uring_getevents_arg {
    uint64_t sigmask;
    uint32_t sigmask_sz, pad;
    uint64_t ts;
};
RF_ABI_SIZE(rf_uring_getevents_arg, 24);

enum {
    RF_URING_OFF_SQES = 0x10000000,
    RF_URING_OFF_CQ = 0x8000000,
    RF_URING_SETUP_CQSIZE = 8,
    RF_URING_SETUP_CLAMP = 16,
    RF_URING_SETUP_SUBMIT_ALL = 128,
    RF_URING_SETUP_COOP_TASKRUN = 256,
    RF_URING_SETUP_TASKRUN_FLAG = 512,
    RF_URING_SETUP_SINGLE_ISSUER = 4096,
    RF_URING_SETUP_DEFER_TASKRUN = 8192,
    RF_URING_FEAT_SINGLE_MMAP = 1,
    RF_URING_FEAT_NODROP = 2,
    RF_URING_FEAT_SUBMIT_STABLE = 4,
    RF_URING_FEAT_RW_CUR_POS = 8,
    RF_URING_FEAT_FAST_POLL = 32,
    RF_URING_FEAT_POLL_32BITS = 64,
    RF_URING_FEAT_EXT_ARG = 256,
    RF_URING_FEAT_CQE_SKIP = 2048,
    RF_URING_ENTER_GETEVENTS = 1,
    RF_URING_ENTER_SQ_WAKEUP = 2,
    RF_URING_ENTER_SQ_WAIT = 4,
    RF_URING_ENTER_EXT_ARG = 8,
    RF_SQE_FIXED_FILE = 1,
    RF_SQE_IO_DRAIN = 2,
    RF_SQE_IO_LINK = 4,
    RF_SQE_IO_HARDLINK = 8,
    RF_SQE_ASYNC = 16,
    RF_SQE_BUFFER_SELECT = 32,
    RF_SQE_CQE_SKIP_SUCCESS = 64,
    RF_SQ_CQ_OVERFLOW = 2,
    RF_CQE_F_BUFFER = 1,
    RF_CQE_F_MORE = 2,
    RF_URING_TIMEOUT_ABS = 1,
    RF_URING_TIMEOUT_UPDATE = 2,
    RF_URING_TIMEOUT_BOOTTIME = 4,
    RF_URING_TIMEOUT_REALTIME = 8,
    RF_URING_TIMEOUT_ETIME_SUCCESS = 32,
    RF_URING_POLL_ADD_MULTI = 1,
    RF_URING_CANCEL_ALL = 1,
    RF_URING_CANCEL_FD = 2,
    RF_URING_CANCEL_ANY = 4,
};

enum {
    RF_URING_NOP, RF_URING_READV, RF_URING_WRITEV, RF_URING_FSYNC, RF_URING_READ_FIXED, RF_URING_WRITE_FIXED,
    RF_URING_POLL_ADD, RF_URING_POLL_REMOVE, RF_URING_SYNC_FILE_RANGE, RF_URING_SENDMSG, RF_URING_RECVMSG,
    RF_URING_TIMEOUT, RF_URING_TIMEOUT_REMOVE, RF_URING_ACCEPT, RF_URING_ASYNC_CANCEL, RF_URING_LINK_TIMEOUT,
    RF_URING_CONNECT, RF_URING_FALLOCATE, RF_URING_OPENAT, RF_URING_CLOSE, RF_URING_FILES_UPDATE, RF_URING_STATX,
    RF_URING_READ, RF_URING_WRITE, RF_URING_FADVISE, RF_URING_MADVISE, RF_URING_SEND, RF_URING_RECV, RF_URING_OPENAT2,
    RF_URING_EPOLL_CTL, RF_URING_SPLICE, RF_URING_PROVIDE_BUFFERS, RF_URING_REMOVE_BUFFERS, RF_URING_TEE,
    RF_URING_SHUTDOWN, RF_URING_RENAMEAT, RF_URING_UNLINKAT, RF_URING_MKDIRAT, RF_URING_SYMLINKAT, RF_URING_LINKAT,
    RF_URING_OP_COUNT,
};

enum {
    RF_URING_REGISTER_BUFFERS, RF_URING_UNREGISTER_BUFFERS, RF_URING_REGISTER_FILES, RF_URING_UNREGISTER_FILES,
    RF_URING_REGISTER_EVENTFD, RF_URING_UNREGISTER_EVENTFD, RF_URING_REGISTER_FILES_UPDATE,
    RF_URING_REGISTER_EVENTFD_ASYNC, RF_URING_REGISTER_PROBE,
};

#endif

/* seccomp(2), seccomp_unotify(2) and classic BPF: linux/seccomp.h, linux/filter.h, linux/bpf_common.h, under
 * the kernel's names with the prefix RF_. */
#ifndef RF_ABI_LINUX_SECCOMP_H
#define RF_ABI_LINUX_SECCOMP_H

#include "abi/linux_structs.h"

enum { RF_SECCOMP_MODE_DISABLED = 0, RF_SECCOMP_MODE_STRICT = 1, RF_SECCOMP_MODE_FILTER = 2 };

enum {
    RF_SECCOMP_SET_MODE_STRICT = 0,
    RF_SECCOMP_SET_MODE_FILTER = 1,
    RF_SECCOMP_GET_ACTION_AVAIL = 2,
    RF_SECCOMP_GET_NOTIF_SIZES = 3,
};

enum {
    RF_SECCOMP_FILTER_FLAG_TSYNC = 1,
    RF_SECCOMP_FILTER_FLAG_LOG = 2,
    RF_SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4,
    RF_SECCOMP_FILTER_FLAG_NEW_LISTENER = 8,
    RF_SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16,
    RF_SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32,
};

/* What a filter returns: an action, and 16 bits for it. Taken as signed numbers, the lowest comes first. */
#define RF_SECCOMP_RET_KILL_PROCESS 0x80000000u
#define RF_SECCOMP_RET_KILL_THREAD  0x00000000u
#define RF_SECCOMP_RET_TRAP         0x00030000u
#define RF_SECCOMP_RET_ERRNO        0x00050000u
#define RF_SECCOMP_RET_USER_NOTIF   0x7fc00000u
#define RF_SECCOMP_RET_TRACE        0x7ff00000u
#define RF_SECCOMP_RET_LOG          0x7ffc0000u
#define RF_SECCOMP_RET_ALLOW        0x7fff0000u
#define RF_SECCOMP_RET_ACTION_FULL  0xffff0000u
#define RF_SECCOMP_RET_DATA         0x0000ffffu

#define RF_AUDIT_ARCH_X86_64 0xc000003eu

struct rf_seccomp_data {
    int32_t nr;
    uint32_t arch;
    uint64_t instruction_pointer;
    uint64_t args[6];
};
RF_ABI_SIZE(rf_seccomp_data, 64);

/* --- the listener: linux/seccomp.h --- */
enum {
    RF_SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1,
    RF_SECCOMP_ADDFD_FLAG_SETFD = 1,
    RF_SECCOMP_ADDFD_FLAG_SEND = 2,
};
#define RF_SECCOMP_IOCTL_NOTIF_RECV               0xc0502100u
#define RF_SECCOMP_IOCTL_NOTIF_SEND               0xc0182101u
#define RF_SECCOMP_IOCTL_NOTIF_ID_VALID           0x40082102u
#define RF_SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR 0x80082102u
#define RF_SECCOMP_IOCTL_NOTIF_ADDFD              0x40182103u

struct rf_seccomp_notif_sizes {
    uint16_t seccomp_notif, seccomp_notif_resp, seccomp_data;
};
RF_ABI_SIZE(rf_seccomp_notif_sizes, 6);
struct rf_seccomp_notif {
    uint64_t id;
    uint32_t pid, flags;
    struct rf_seccomp_data data;
};
RF_ABI_SIZE(rf_seccomp_notif, 80);
struct rf_seccomp_notif_resp {
    uint64_t id;
    int64_t val;
    int32_t error;
    uint32_t flags;
};
RF_ABI_SIZE(rf_seccomp_notif_resp, 24);
struct rf_seccomp_notif_addfd {
    uint64_t id;
    uint32_t flags, srcfd, newfd, newfd_flags;
};
RF_ABI_SIZE(rf_seccomp_notif_addfd, 24);

/* --- classic BPF --- */
struct rf_sock_filter {
    uint16_t code;
    uint8_t jt, jf;
    uint32_t k;
};
RF_ABI_SIZE(rf_sock_filter, 8);
struct rf_sock_fprog {
    uint16_t len;
    uint16_t __pad0[3];
    uint64_t filter;
};
RF_ABI_SIZE(rf_sock_fprog, 16);

enum {
    RF_BPF_MAXINSNS = 4096,
    RF_BPF_MEMWORDS = 16,
    RF_SECCOMP_MAX_PATH_INSNS = (1 << 18) / 8, /* MAX_INSNS_PER_PATH, kernel/seccomp.c */

    /* instruction classes */
    RF_BPF_LD = 0, RF_BPF_LDX = 1, RF_BPF_ST = 2, RF_BPF_STX = 3,
    RF_BPF_ALU = 4, RF_BPF_JMP = 5, RF_BPF_RET = 6, RF_BPF_MISC = 7,
    /* size and mode of loads */
    RF_BPF_W = 0x00,
    RF_BPF_IMM = 0x00, RF_BPF_ABS = 0x20, RF_BPF_MEM = 0x60, RF_BPF_LEN = 0x80,
    /* operation */
    RF_BPF_ADD = 0x00, RF_BPF_SUB = 0x10, RF_BPF_MUL = 0x20, RF_BPF_DIV = 0x30, RF_BPF_OR = 0x40,
    RF_BPF_AND = 0x50, RF_BPF_LSH = 0x60, RF_BPF_RSH = 0x70, RF_BPF_NEG = 0x80, RF_BPF_XOR = 0xa0,
    RF_BPF_JA = 0x00, RF_BPF_JEQ = 0x10, RF_BPF_JGT = 0x20, RF_BPF_JGE = 0x30, RF_BPF_JSET = 0x40,
    /* source of operand, return value */
    RF_BPF_K = 0x00, RF_BPF_X = 0x08, RF_BPF_A = 0x10,
    RF_BPF_TAX = 0x00, RF_BPF_TXA = 0x80,
};

#endif

/* The table of x86-64 system calls: numbers, names and the kinds of their arguments
 * and results. The dispatcher, the strace formatter, the cost accounts and the
 * coverage list in the documentation are made from it. Constant data. */
#ifndef RF_ABI_SYSCALLS_H
#define RF_ABI_SYSCALLS_H

#include <stdint.h>

/* What an argument is. IN and OUT say whether the kernel reads or writes the memory
 * that an address points to; INOUT is both. Where nothing is said, the value itself
 * is the argument. */
enum rf_arg_kind {
    RF_ARG_NONE = 0, /* no such argument */
    RF_ARG_UNSHOWN,  /* passed, but a tracer leaves it out (high half of an offset) */

    /* Numbers */
    RF_ARG_INT,          /* 32-bit signed */
    RF_ARG_UINT,         /* 32-bit unsigned */
    RF_ARG_LONG,         /* 64-bit signed */
    RF_ARG_ULONG,        /* 64-bit unsigned */
    RF_ARG_HEX,          /* 64-bit, no decimal meaning */
    RF_ARG_SIZE,         /* size_t */
    RF_ARG_OFFSET,       /* loff_t */
    RF_ARG_PTR,          /* an address; what lies there is not described */
    RF_ARG_UID,          /* user or group; -1 leaves it unchanged */
    RF_ARG_DEVICE,       /* dev_t, shown only when the mode before it is a device */
    RF_ARG_USTAT_DEVICE, /* dev_t */
    RF_ARG_INT_OUT,
    RF_ARG_INT_INOUT,
    RF_ARG_UINT_OUT,
    RF_ARG_ULONG_OUT,
    RF_ARG_PTR_OUT,
    RF_ARG_OFFSET_INOUT,

    /* Descriptors */
    RF_ARG_FD,
    RF_ARG_DIRFD,       /* descriptor or AT_FDCWD */
    RF_ARG_FD_PAIR_OUT, /* int[2] */
    RF_ARG_FDSET,       /* fd_set, INOUT; nfds is the first argument */
    RF_ARG_POLLFDS,     /* struct pollfd[], INOUT; length in the next argument */

    /* Bytes and strings */
    RF_ARG_PATH,        /* NUL-terminated path, IN */
    RF_ARG_STR,         /* NUL-terminated string, IN */
    RF_ARG_DATA_IN,     /* bytes; length in the next argument */
    RF_ARG_DATA_OUT,    /* bytes; room in the next argument, length is the result */
    RF_ARG_LINK_OUT,    /* as DATA_OUT: a symbolic link's text */
    RF_ARG_CWD_OUT,     /* as DATA_OUT: a path; the result counts its NUL */
    RF_ARG_RANDOM_OUT,  /* as DATA_OUT, binary */
    RF_ARG_IOVEC_IN,    /* struct iovec[] to write from; count in the next argument */
    RF_ARG_IOVEC_OUT,   /* struct iovec[] to read into; count next, length is the result */
    RF_ARG_IOVEC_BASES, /* struct iovec[], address ranges only; count in the next argument */
    RF_ARG_XATTR_IN,    /* bytes; length in the next argument */
    RF_ARG_XATTR_OUT,
    RF_ARG_XATTR_LIST_OUT,
    RF_ARG_ARGV, /* NULL-terminated array of strings, IN */
    RF_ARG_ENVP, /* the same, shown as a count */

    /* Files */
    RF_ARG_OPEN_FLAGS,
    RF_ARG_OPEN_MODE, /* mode_t, meaningful if the flags before it create a file */
    RF_ARG_OPEN_HOW,  /* struct open_how, IN; size next */
    RF_ARG_MODE,      /* permission bits */
    RF_ARG_NODE_MODE, /* file type and permission bits */
    RF_ARG_ACCESS_MODE,
    RF_ARG_WHENCE,
    RF_ARG_AT_FLAGS,
    RF_ARG_UNLINKAT_FLAGS,
    RF_ARG_FACCESSAT_FLAGS,
    RF_ARG_STATX_FLAGS,
    RF_ARG_STATX_MASK,
    RF_ARG_STATX_OUT,
    RF_ARG_STAT_OUT,
    RF_ARG_STATFS_OUT,
    RF_ARG_DIRENTS_OUT, /* records; length is the result */
    RF_ARG_RENAME_FLAGS,
    RF_ARG_FALLOC_MODE,
    RF_ARG_FADVICE,
    RF_ARG_FLOCK_OP,
    RF_ARG_FCNTL_CMD,
    RF_ARG_FCNTL_ARG, /* meaning given by the command before it */
    RF_ARG_IOCTL_CMD,
    RF_ARG_IOCTL_ARG,
    RF_ARG_MEMFD_FLAGS,
    RF_ARG_CLOSE_RANGE_FLAGS,
    RF_ARG_RWF_FLAGS,
    RF_ARG_SPLICE_FLAGS,
    RF_ARG_SYNC_RANGE_FLAGS,
    RF_ARG_PIDFD_FLAGS,
    RF_ARG_IOPRIO_WHO,
    RF_ARG_FD_FLAGS, /* O_CLOEXEC, O_NONBLOCK ... of pipe2 and dup3 */
    RF_ARG_MOUNT_FLAGS,
    RF_ARG_UMOUNT_FLAGS,
    RF_ARG_XATTR_FLAGS,
    RF_ARG_INOTIFY_MASK,
    RF_ARG_INOTIFY_FLAGS,
    RF_ARG_EPOLL_OP,
    RF_ARG_EPOLL_EVENT_IN,
    RF_ARG_EPOLL_EVENTS_OUT, /* count is the result */
    RF_ARG_EPOLL_CREATE_FLAGS,
    RF_ARG_EVENTFD_FLAGS,
    RF_ARG_SIGNALFD_FLAGS,
    RF_ARG_TIMERFD_FLAGS,
    RF_ARG_TIMERFD_SET_FLAGS,

    /* Memory */
    RF_ARG_PROT,
    RF_ARG_MMAP_FLAGS,
    RF_ARG_MREMAP_FLAGS,
    RF_ARG_MREMAP_ADDRESS, /* meaningful if the flags before it have MREMAP_FIXED */
    RF_ARG_MADVICE,
    RF_ARG_MSYNC_FLAGS,
    RF_ARG_MLOCKALL_FLAGS,
    RF_ARG_MLOCK2_FLAGS,
    RF_ARG_MINCORE_OUT,
    RF_ARG_PKEY_RIGHTS,

    /* Time */
    RF_ARG_CLOCK,
    RF_ARG_TIMER_FLAGS, /* TIMER_ABSTIME */
    RF_ARG_ITIMER_WHICH,
    RF_ARG_TIMESPEC_IN,
    RF_ARG_TIMESPEC_OUT,
    RF_ARG_TIMESPEC_REM_OUT, /* time left, written only when interrupted */
    RF_ARG_TIMESPEC_PAIR_IN, /* struct timespec[2]: access, modification */
    RF_ARG_TIMEVAL_IN,
    RF_ARG_TIMEVAL_OUT,
    RF_ARG_TIMEVAL_PAIR_IN,
    RF_ARG_TIMEZONE_IN,
    RF_ARG_TIMEZONE_OUT,
    RF_ARG_ITIMERVAL_IN,
    RF_ARG_ITIMERVAL_OUT,
    RF_ARG_ITIMERSPEC_IN,
    RF_ARG_ITIMERSPEC_OUT,
    RF_ARG_UTIMBUF_IN,
    RF_ARG_TIME_OUT,
    RF_ARG_TMS_OUT,
    RF_ARG_SIGEVENT_IN,

    /* Signals */
    RF_ARG_SIGNAL,
    RF_ARG_SIGMASK_HOW,
    RF_ARG_SIGSET_IN,
    RF_ARG_SIGSET_OUT,
    RF_ARG_SIGACTION_IN,
    RF_ARG_SIGACTION_OUT,
    RF_ARG_SIGINFO_IN,
    RF_ARG_SIGINFO_OUT,
    RF_ARG_SIGSTACK_IN,
    RF_ARG_SIGSTACK_OUT,
    RF_ARG_PSELECT_MASK_IN, /* { address of a sigset, its size } */

    /* Processes and the system */
    RF_ARG_CLONE_FLAGS,
    RF_ARG_CLONE_NS_FLAGS,
    RF_ARG_UNSHARE_FLAGS,
    RF_ARG_CLONE_ARGS, /* struct clone_args, IN; size next */
    RF_ARG_WAIT_STATUS_OUT,
    RF_ARG_WAIT_OPTIONS,
    RF_ARG_WAITID_TYPE,
    RF_ARG_RUSAGE_WHO,
    RF_ARG_RUSAGE_OUT,
    RF_ARG_RESOURCE,
    RF_ARG_RLIMIT_IN,
    RF_ARG_RLIMIT_OUT,
    RF_ARG_UTSNAME_OUT,
    RF_ARG_SYSINFO_OUT,
    RF_ARG_FUTEX_OP,
    RF_ARG_ARCH_PRCTL_CODE,
    RF_ARG_ARCH_PRCTL_ARG, /* meaning given by the code before it */
    RF_ARG_PRCTL_OPTION,
    RF_ARG_PRIORITY_WHICH,
    RF_ARG_SCHED_POLICY,
    RF_ARG_SCHED_PARAM_IN,
    RF_ARG_SCHED_PARAM_OUT,
    RF_ARG_CPUSET_IN, /* size in the argument before it */
    RF_ARG_CPUSET_OUT,
    RF_ARG_GROUPS_IN, /* gid_t[]; count in the argument before it */
    RF_ARG_GROUPS_OUT,
    RF_ARG_CAP_HEADER,
    RF_ARG_CAP_DATA_IN,
    RF_ARG_CAP_DATA_OUT,
    RF_ARG_GETRANDOM_FLAGS,
    RF_ARG_MEMBARRIER_CMD,
    RF_ARG_RSEQ_FLAGS,
    RF_ARG_PERSONALITY,
    RF_ARG_PTRACE_REQUEST,
    RF_ARG_SYSLOG_ACTION,
    RF_ARG_SECCOMP_OP,
    RF_ARG_KCMP_TYPE,
    RF_ARG_USER_DESC, /* struct user_desc, IN */

    /* System V IPC */
    RF_ARG_IPC_KEY,
    RF_ARG_IPC_CMD,
    RF_ARG_IPC_MSG_FLAGS,
    RF_ARG_SHM_FLAGS,
    RF_ARG_SHMAT_FLAGS,
    RF_ARG_SEM_FLAGS,
    RF_ARG_MSGGET_FLAGS,
    RF_ARG_MSGBUF_IN, /* struct msgbuf: type and bytes; length in the next argument */
    RF_ARG_SEMBUFS,

    /* Sockets */
    RF_ARG_SOCKET_DOMAIN,
    RF_ARG_SOCKET_TYPE,
    RF_ARG_SOCKET_PROTOCOL,
    RF_ARG_SOCKET_FLAGS,
    RF_ARG_SOCKADDR_IN,  /* length in the next argument */
    RF_ARG_SOCKADDR_OUT, /* length at the address in the next argument */
    RF_ARG_SOCKLEN_INOUT,
    RF_ARG_SOCKOPT_LEVEL,
    RF_ARG_SOCKOPT_NAME,
    RF_ARG_SOCKOPT_IN, /* length in the next argument */
    RF_ARG_SOCKOPT_OUT,
    RF_ARG_MSG_FLAGS,
    RF_ARG_MSGHDR_IN,
    RF_ARG_MSGHDR_OUT,
    RF_ARG_MMSGHDR_IN, /* struct mmsghdr[]; count in the next argument */
    RF_ARG_MMSGHDR_OUT,
    RF_ARG_SHUTDOWN_HOW,

    RF_ARG_KIND_COUNT
};

/* What a successful result is. Negative results down to -4095 are errors. */
enum rf_ret_kind {
    RF_RET_INT,   /* a signed number */
    RF_RET_FD,    /* a new descriptor */
    RF_RET_HEX,   /* an address */
    RF_RET_OCTAL, /* a mode: umask */
    RF_RET_NONE,  /* does not return: exit, exit_group */
};

struct rf_syscall_desc {
    const char *name;
    uint16_t number;
    uint8_t argc;   /* 0..6 */
    uint8_t ret;    /* enum rf_ret_kind */
    uint8_t arg[6]; /* enum rf_arg_kind; RF_ARG_NONE from argc on */
};

#define RF_SYSCALL_COUNT 463 /* numbers are below this; there are holes */

/* RF_NR_read = 0 ... */
enum rf_syscall_nr {
#define RF_SYSCALL(number, name, ret, a0, a1, a2, a3, a4, a5) RF_NR_##name = number,
#include "abi/syscalls_x86_64.def"
#undef RF_SYSCALL
};

/* The description of a number; NULL for a hole and for anything past the table. */
const struct rf_syscall_desc *rf_syscall_desc(unsigned number);

/* The number of a name ("openat"); -1 if there is none. */
int rf_syscall_number(const char *name);

#endif

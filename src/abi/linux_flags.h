/* Flag bits and selector values of the Linux x86-64 system call interface, under
 * their kernel names with the prefix RF_. Constants only. Values follow the kernel's
 * uapi headers (named above each group) and the manual page of the call. */
#ifndef RF_ABI_LINUX_FLAGS_H
#define RF_ABI_LINUX_FLAGS_H

#include <stdint.h>

#include "abi/linux_ioctls.h"

/* Sizes and limits: limits.h, binfmts.h, fs.h. */
enum {
    RF_ABI_PAGE_SIZE = 4096,
    RF_PATH_MAX = 4096, /* with the terminating NUL */
    RF_NAME_MAX = 255,
    RF_PIPE_BUF = 4096,
    RF_UIO_MAXIOV = 1024,
    RF_OPEN_MAX = 1024, /* default soft RLIMIT_NOFILE */
    RF_NGROUPS_MAX = 65536,
    RF_TASK_COMM_LEN = 16,
    RF_MAX_ARG_STRLEN = 131072,
    RF_MAX_RW_COUNT = 0x7ffff000, /* most bytes one read or write moves */
    RF_USER_HZ = 100,
};

/* First address past user space with 4-level paging (TASK_SIZE_MAX,
 * arch/x86/include/asm/page_64_types.h): the last page is a guard. */
#define RF_TASK_SIZE UINT64_C(0x7ffffffff000)

/* open(2): asm-generic/fcntl.h */
enum {
    RF_O_RDONLY = 0,
    RF_O_WRONLY = 1,
    RF_O_RDWR = 2,
    RF_O_ACCMODE = 3,
    RF_O_CREAT = 0100,
    RF_O_EXCL = 0200,
    RF_O_NOCTTY = 0400,
    RF_O_TRUNC = 01000,
    RF_O_APPEND = 02000,
    RF_O_NONBLOCK = 04000,
    RF_O_DSYNC = 010000,
    RF_O_ASYNC = 020000, /* FASYNC */
    RF_O_DIRECT = 040000,
    RF_O_LARGEFILE = 0100000,
    RF_O_DIRECTORY = 0200000,
    RF_O_NOFOLLOW = 0400000,
    RF_O_NOATIME = 01000000,
    RF_O_CLOEXEC = 02000000,
    RF_O_SYNC = 04010000, /* __O_SYNC | O_DSYNC */
    RF_O_PATH = 010000000,
    RF_O_TMPFILE = 020200000, /* __O_TMPFILE | O_DIRECTORY */
};

/* openat2(2) resolve */
enum {
    RF_RESOLVE_NO_XDEV = 1,
    RF_RESOLVE_NO_MAGICLINKS = 2,
    RF_RESOLVE_NO_SYMLINKS = 4,
    RF_RESOLVE_BENEATH = 8,
    RF_RESOLVE_IN_ROOT = 0x10,
    RF_RESOLVE_CACHED = 0x20,
};

/* *at() calls: linux/fcntl.h */
enum {
    RF_AT_FDCWD = -100,
    RF_AT_SYMLINK_NOFOLLOW = 0x100,
    RF_AT_EACCESS = 0x200,   /* faccessat2 */
    RF_AT_REMOVEDIR = 0x200, /* unlinkat */
    RF_AT_SYMLINK_FOLLOW = 0x400,
    RF_AT_NO_AUTOMOUNT = 0x800,
    RF_AT_EMPTY_PATH = 0x1000,
    RF_AT_STATX_SYNC_TYPE = 0x6000,
    RF_AT_STATX_SYNC_AS_STAT = 0,
    RF_AT_STATX_FORCE_SYNC = 0x2000,
    RF_AT_STATX_DONT_SYNC = 0x4000,
    RF_AT_RECURSIVE = 0x8000,
};

/* File types and permission bits of st_mode: linux/stat.h, inode(7) */
enum {
    RF_S_IFMT = 0170000,
    RF_S_IFSOCK = 0140000,
    RF_S_IFLNK = 0120000,
    RF_S_IFREG = 0100000,
    RF_S_IFBLK = 0060000,
    RF_S_IFDIR = 0040000,
    RF_S_IFCHR = 0020000,
    RF_S_IFIFO = 0010000,
    RF_S_ISUID = 0004000,
    RF_S_ISGID = 0002000,
    RF_S_ISVTX = 0001000,
    RF_S_IRWXU = 00700,
    RF_S_IRUSR = 00400,
    RF_S_IWUSR = 00200,
    RF_S_IXUSR = 00100,
    RF_S_IRWXG = 00070,
    RF_S_IRGRP = 00040,
    RF_S_IWGRP = 00020,
    RF_S_IXGRP = 00010,
    RF_S_IRWXO = 00007,
    RF_S_IROTH = 00004,
    RF_S_IWOTH = 00002,
    RF_S_IXOTH = 00001,
    RF_S_IALLUGO = 07777,
};

#define RF_S_ISTYPE(mode, type) (((mode)&RF_S_IFMT) == (type))
#define RF_S_ISREG(mode)        RF_S_ISTYPE(mode, RF_S_IFREG)
#define RF_S_ISDIR(mode)        RF_S_ISTYPE(mode, RF_S_IFDIR)
#define RF_S_ISLNK(mode)        RF_S_ISTYPE(mode, RF_S_IFLNK)
#define RF_S_ISCHR(mode)        RF_S_ISTYPE(mode, RF_S_IFCHR)
#define RF_S_ISBLK(mode)        RF_S_ISTYPE(mode, RF_S_IFBLK)
#define RF_S_ISFIFO(mode)       RF_S_ISTYPE(mode, RF_S_IFIFO)
#define RF_S_ISSOCK(mode)       RF_S_ISTYPE(mode, RF_S_IFSOCK)

/* statx(2): linux/stat.h */
enum {
    RF_STATX_TYPE = 0x1,
    RF_STATX_MODE = 0x2,
    RF_STATX_NLINK = 0x4,
    RF_STATX_UID = 0x8,
    RF_STATX_GID = 0x10,
    RF_STATX_ATIME = 0x20,
    RF_STATX_MTIME = 0x40,
    RF_STATX_CTIME = 0x80,
    RF_STATX_INO = 0x100,
    RF_STATX_SIZE = 0x200,
    RF_STATX_BLOCKS = 0x400,
    RF_STATX_BASIC_STATS = 0x7ff,
    RF_STATX_BTIME = 0x800,
    RF_STATX_ALL = 0xfff,
    RF_STATX_MNT_ID = 0x1000,
    RF_STATX_DIOALIGN = 0x2000,
    RF_STATX_ATTR_COMPRESSED = 0x4,
    RF_STATX_ATTR_IMMUTABLE = 0x10,
    RF_STATX_ATTR_APPEND = 0x20,
    RF_STATX_ATTR_NODUMP = 0x40,
    RF_STATX_ATTR_ENCRYPTED = 0x800,
    RF_STATX_ATTR_AUTOMOUNT = 0x1000,
    RF_STATX_ATTR_MOUNT_ROOT = 0x2000,
    RF_STATX_ATTR_VERITY = 0x100000,
    RF_STATX_ATTR_DAX = 0x200000,
};

/* utimensat(2) nanoseconds */
enum {
    RF_UTIME_NOW = 0x3fffffff,
    RF_UTIME_OMIT = 0x3ffffffe,
};

/* renameat2(2) */
/* setxattr(2) */
enum { RF_XATTR_CREATE = 1, RF_XATTR_REPLACE = 2 };
#define RF_XATTR_NAME_MAX 255
#define RF_XATTR_SIZE_MAX 65536
#define RF_XATTR_LIST_MAX 65536

enum { RF_RENAME_NOREPLACE = 1, RF_RENAME_EXCHANGE = 2, RF_RENAME_WHITEOUT = 4 };

/* access(2) */
enum { RF_F_OK = 0, RF_X_OK = 1, RF_W_OK = 2, RF_R_OK = 4 };

/* lseek(2) */
enum { RF_SEEK_SET = 0, RF_SEEK_CUR = 1, RF_SEEK_END = 2, RF_SEEK_DATA = 3, RF_SEEK_HOLE = 4 };

/* d_type of getdents64(2), and file types elsewhere */
enum {
    RF_DT_UNKNOWN = 0,
    RF_DT_FIFO = 1,
    RF_DT_CHR = 2,
    RF_DT_DIR = 4,
    RF_DT_BLK = 6,
    RF_DT_REG = 8,
    RF_DT_LNK = 10,
    RF_DT_SOCK = 12,
    RF_DT_WHT = 14,
};

/* fcntl(2): asm-generic/fcntl.h, linux/fcntl.h */
enum {
    RF_F_DUPFD = 0,
    RF_F_GETFD = 1,
    RF_F_SETFD = 2,
    RF_F_GETFL = 3,
    RF_F_SETFL = 4,
    RF_F_GETLK = 5,
    RF_F_SETLK = 6,
    RF_F_SETLKW = 7,
    RF_F_SETOWN = 8,
    RF_F_GETOWN = 9,
    RF_F_SETSIG = 10,
    RF_F_GETSIG = 11,
    RF_F_SETOWN_EX = 15,
    RF_F_GETOWN_EX = 16,
    RF_F_GETOWNER_UIDS = 17,
    RF_F_OFD_GETLK = 36,
    RF_F_OFD_SETLK = 37,
    RF_F_OFD_SETLKW = 38,
    RF_F_SETLEASE = 1024,
    RF_F_GETLEASE = 1025,
    RF_F_NOTIFY = 1026,
    RF_F_DUPFD_CLOEXEC = 1030,
    RF_F_SETPIPE_SZ = 1031,
    RF_F_GETPIPE_SZ = 1032,
    RF_F_ADD_SEALS = 1033,
    RF_F_GET_SEALS = 1034,
    RF_F_GET_RW_HINT = 1035,
    RF_F_SET_RW_HINT = 1036,
    RF_F_GET_FILE_RW_HINT = 1037,
    RF_F_SET_FILE_RW_HINT = 1038,
    RF_FD_CLOEXEC = 1,
    RF_F_RDLCK = 0,
    RF_F_WRLCK = 1,
    RF_F_UNLCK = 2,
    RF_F_SEAL_SEAL = 1,
    RF_F_SEAL_SHRINK = 2,
    RF_F_SEAL_GROW = 4,
    RF_F_SEAL_WRITE = 8,
    RF_F_SEAL_FUTURE_WRITE = 0x10,
    RF_F_SEAL_EXEC = 0x20,
};

/* flock(2), fallocate(2), memfd_create(2), close_range(2), preadv2(2), splice(2) */
enum {
    RF_LOCK_SH = 1,
    RF_LOCK_EX = 2,
    RF_LOCK_NB = 4,
    RF_LOCK_UN = 8,
    RF_FALLOC_FL_KEEP_SIZE = 1,
    RF_FALLOC_FL_PUNCH_HOLE = 2,
    RF_FALLOC_FL_COLLAPSE_RANGE = 8,
    RF_FALLOC_FL_ZERO_RANGE = 0x10,
    RF_FALLOC_FL_INSERT_RANGE = 0x20,
    RF_FALLOC_FL_UNSHARE_RANGE = 0x40,
    RF_MFD_CLOEXEC = 1,
    RF_MFD_ALLOW_SEALING = 2,
    RF_MFD_HUGETLB = 4,
    RF_MFD_NOEXEC_SEAL = 8,
    RF_MFD_EXEC = 0x10,
    RF_CLOSE_RANGE_UNSHARE = 2,
    RF_CLOSE_RANGE_CLOEXEC = 4,
    RF_RWF_HIPRI = 1,
    RF_RWF_DSYNC = 2,
    RF_RWF_SYNC = 4,
    RF_RWF_NOWAIT = 8,
    RF_RWF_APPEND = 0x10,
    RF_RWF_NOAPPEND = 0x20,
    RF_SPLICE_F_MOVE = 1,
    RF_SPLICE_F_NONBLOCK = 2,
    RF_SPLICE_F_MORE = 4,
    RF_SPLICE_F_GIFT = 8,
};

/* posix_fadvise(2) */
enum {
    RF_POSIX_FADV_NORMAL = 0,
    RF_POSIX_FADV_RANDOM = 1,
    RF_POSIX_FADV_SEQUENTIAL = 2,
    RF_POSIX_FADV_WILLNEED = 3,
    RF_POSIX_FADV_DONTNEED = 4,
    RF_POSIX_FADV_NOREUSE = 5,
};

/* mmap(2), mprotect(2): asm-generic/mman-common.h, asm/mman.h */
enum {
    RF_PROT_NONE = 0,
    RF_PROT_READ = 1,
    RF_PROT_WRITE = 2,
    RF_PROT_EXEC = 4,
    RF_PROT_SEM = 8,
    RF_PROT_GROWSDOWN = 0x01000000,
    RF_PROT_GROWSUP = 0x02000000,
    RF_MAP_SHARED = 1,
    RF_MAP_PRIVATE = 2,
    RF_MAP_SHARED_VALIDATE = 3,
    RF_MAP_TYPE = 0xf,
    RF_MAP_FIXED = 0x10,
    RF_MAP_ANONYMOUS = 0x20,
    RF_MAP_32BIT = 0x40,
    RF_MAP_GROWSDOWN = 0x100,
    RF_MAP_DENYWRITE = 0x800,
    RF_MAP_EXECUTABLE = 0x1000,
    RF_MAP_LOCKED = 0x2000,
    RF_MAP_NORESERVE = 0x4000,
    RF_MAP_POPULATE = 0x8000,
    RF_MAP_NONBLOCK = 0x10000,
    RF_MAP_STACK = 0x20000,
    RF_MAP_HUGETLB = 0x40000,
    RF_MAP_SYNC = 0x80000,
    RF_MAP_FIXED_NOREPLACE = 0x100000,
    RF_MAP_UNINITIALIZED = 0x4000000,
    RF_MAP_HUGE_SHIFT = 26, /* log2 of the huge page's size */
    RF_MAP_HUGE_MASK = 0x3f,
    RF_MREMAP_MAYMOVE = 1,
    RF_MREMAP_FIXED = 2,
    RF_MREMAP_DONTUNMAP = 4,
    RF_MS_ASYNC = 1,
    RF_MS_INVALIDATE = 2,
    RF_MS_SYNC = 4,
    RF_MCL_CURRENT = 1,
    RF_MCL_FUTURE = 2,
    RF_MCL_ONFAULT = 4,
    RF_MLOCK_ONFAULT = 1,
    RF_PKEY_DISABLE_ACCESS = 1,
    RF_PKEY_DISABLE_WRITE = 2,
};

/* madvise(2) */
enum {
    RF_MADV_NORMAL = 0,
    RF_MADV_RANDOM = 1,
    RF_MADV_SEQUENTIAL = 2,
    RF_MADV_WILLNEED = 3,
    RF_MADV_DONTNEED = 4,
    RF_MADV_FREE = 8,
    RF_MADV_REMOVE = 9,
    RF_MADV_DONTFORK = 10,
    RF_MADV_DOFORK = 11,
    RF_MADV_MERGEABLE = 12,
    RF_MADV_UNMERGEABLE = 13,
    RF_MADV_HUGEPAGE = 14,
    RF_MADV_NOHUGEPAGE = 15,
    RF_MADV_DONTDUMP = 16,
    RF_MADV_DODUMP = 17,
    RF_MADV_WIPEONFORK = 18,
    RF_MADV_KEEPONFORK = 19,
    RF_MADV_COLD = 20,
    RF_MADV_PAGEOUT = 21,
    RF_MADV_POPULATE_READ = 22,
    RF_MADV_POPULATE_WRITE = 23,
    RF_MADV_DONTNEED_LOCKED = 24,
    RF_MADV_COLLAPSE = 25,
    RF_MADV_HWPOISON = 100,
    RF_MADV_SOFT_OFFLINE = 101,
};

/* clone(2), unshare(2): linux/sched.h */
#define RF_CSIGNAL              UINT64_C(0x000000ff)
#define RF_CLONE_NEWTIME        UINT64_C(0x00000080) /* clone3 and unshare only */
#define RF_CLONE_VM             UINT64_C(0x00000100)
#define RF_CLONE_FS             UINT64_C(0x00000200)
#define RF_CLONE_FILES          UINT64_C(0x00000400)
#define RF_CLONE_SIGHAND        UINT64_C(0x00000800)
#define RF_CLONE_PIDFD          UINT64_C(0x00001000)
#define RF_CLONE_PTRACE         UINT64_C(0x00002000)
#define RF_CLONE_VFORK          UINT64_C(0x00004000)
#define RF_CLONE_PARENT         UINT64_C(0x00008000)
#define RF_CLONE_THREAD         UINT64_C(0x00010000)
#define RF_CLONE_NEWNS          UINT64_C(0x00020000)
#define RF_CLONE_SYSVSEM        UINT64_C(0x00040000)
#define RF_CLONE_SETTLS         UINT64_C(0x00080000)
#define RF_CLONE_PARENT_SETTID  UINT64_C(0x00100000)
#define RF_CLONE_CHILD_CLEARTID UINT64_C(0x00200000)
#define RF_CLONE_DETACHED       UINT64_C(0x00400000)
#define RF_CLONE_UNTRACED       UINT64_C(0x00800000)
#define RF_CLONE_CHILD_SETTID   UINT64_C(0x01000000)
#define RF_CLONE_NEWCGROUP      UINT64_C(0x02000000)
#define RF_CLONE_NEWUTS         UINT64_C(0x04000000)
#define RF_CLONE_NEWIPC         UINT64_C(0x08000000)
#define RF_CLONE_NEWUSER        UINT64_C(0x10000000)
#define RF_CLONE_NEWPID         UINT64_C(0x20000000)
#define RF_CLONE_NEWNET         UINT64_C(0x40000000)
#define RF_CLONE_IO             UINT64_C(0x80000000)
#define RF_CLONE_CLEAR_SIGHAND  UINT64_C(0x100000000)
#define RF_CLONE_INTO_CGROUP    UINT64_C(0x200000000)

/* wait4(2), waitid(2): linux/wait.h */
#define RF_WNOHANG     0x00000001u
#define RF_WUNTRACED   0x00000002u
#define RF_WSTOPPED    RF_WUNTRACED
#define RF_WEXITED     0x00000004u
#define RF_WCONTINUED  0x00000008u
#define RF_WNOWAIT     0x01000000u
#define RF___WNOTHREAD 0x20000000u
#define RF___WALL      0x40000000u
#define RF___WCLONE    0x80000000u
enum { RF_P_ALL = 0, RF_P_PID = 1, RF_P_PGID = 2, RF_P_PIDFD = 3 };

/* The status word of wait4: making and reading it. */
#define RF_W_EXITCODE(code, signal) ((((code)&0xff) << 8) | (signal))
#define RF_W_STOPCODE(signal)       (((signal) << 8) | 0x7f)
#define RF_WCOREFLAG                0x80
#define RF_W_CONTINUED              0xffff
#define RF_WTERMSIG(status)         ((status)&0x7f)
#define RF_WEXITSTATUS(status)      (((status) >> 8) & 0xff)
#define RF_WSTOPSIG(status)         RF_WEXITSTATUS(status)
#define RF_WIFEXITED(status)        (RF_WTERMSIG(status) == 0)
#define RF_WIFSTOPPED(status)       (((status)&0xff) == 0x7f)
#define RF_WIFCONTINUED(status)     ((status) == RF_W_CONTINUED)
#define RF_WIFSIGNALED(status)      (RF_WTERMSIG(status) != 0 && RF_WTERMSIG(status) != 0x7f)
#define RF_WCOREDUMP(status)        ((status)&RF_WCOREFLAG)

/* sigaction(2), sigprocmask(2), sigaltstack(2): asm/signal.h */
#define RF_SA_NOCLDSTOP      UINT64_C(0x00000001)
#define RF_SA_NOCLDWAIT      UINT64_C(0x00000002)
#define RF_SA_SIGINFO        UINT64_C(0x00000004)
#define RF_SA_UNSUPPORTED    UINT64_C(0x00000400)
#define RF_SA_EXPOSE_TAGBITS UINT64_C(0x00000800)
#define RF_SA_RESTORER       UINT64_C(0x04000000)
#define RF_SA_ONSTACK        UINT64_C(0x08000000)
#define RF_SA_RESTART        UINT64_C(0x10000000)
#define RF_SA_NODEFER        UINT64_C(0x40000000)
#define RF_SA_RESETHAND      UINT64_C(0x80000000)
#define RF_SIG_DFL           UINT64_C(0)
#define RF_SIG_IGN           UINT64_C(1)
#define RF_SIG_ERR           UINT64_MAX
enum { RF_SIG_BLOCK = 0, RF_SIG_UNBLOCK = 1, RF_SIG_SETMASK = 2 };
#define RF_SS_ONSTACK    1u
#define RF_SS_DISABLE    2u
#define RF_SS_AUTODISARM 0x80000000u
enum { RF_MINSIGSTKSZ = 2048, RF_SIGSTKSZ = 8192 };

/* signalfd4, eventfd2, epoll, inotify, timerfd */
enum {
    RF_SFD_NONBLOCK = RF_O_NONBLOCK,
    RF_SFD_CLOEXEC = RF_O_CLOEXEC,
    RF_EFD_SEMAPHORE = 1,
    RF_EFD_NONBLOCK = RF_O_NONBLOCK,
    RF_EFD_CLOEXEC = RF_O_CLOEXEC,
    RF_EPOLL_CLOEXEC = RF_O_CLOEXEC,
    RF_EPOLL_CTL_ADD = 1,
    RF_EPOLL_CTL_DEL = 2,
    RF_EPOLL_CTL_MOD = 3,
    RF_TFD_TIMER_ABSTIME = 1,
    RF_TFD_TIMER_CANCEL_ON_SET = 2,
    RF_TFD_NONBLOCK = RF_O_NONBLOCK,
    RF_TFD_CLOEXEC = RF_O_CLOEXEC,
    RF_IN_NONBLOCK = RF_O_NONBLOCK,
    RF_IN_CLOEXEC = RF_O_CLOEXEC,
};
/* inotify_add_watch(2) */
enum {
    RF_IN_ACCESS = 1,
    RF_IN_MODIFY = 2,
    RF_IN_ATTRIB = 4,
    RF_IN_CLOSE_WRITE = 8,
    RF_IN_CLOSE_NOWRITE = 0x10,
    RF_IN_OPEN = 0x20,
    RF_IN_MOVED_FROM = 0x40,
    RF_IN_MOVED_TO = 0x80,
    RF_IN_CREATE = 0x100,
    RF_IN_DELETE = 0x200,
    RF_IN_DELETE_SELF = 0x400,
    RF_IN_MOVE_SELF = 0x800,
    RF_IN_ALL_EVENTS = 0xfff,
    RF_IN_UNMOUNT = 0x2000,
    RF_IN_Q_OVERFLOW = 0x4000,
    RF_IN_IGNORED = 0x8000,
};
#define RF_IN_ONLYDIR     0x01000000u
#define RF_IN_DONT_FOLLOW 0x02000000u
#define RF_IN_EXCL_UNLINK 0x04000000u
#define RF_IN_MASK_CREATE 0x10000000u
#define RF_IN_MASK_ADD    0x20000000u
#define RF_IN_ISDIR       0x40000000u
#define RF_IN_ONESHOT     0x80000000u
#define RF_EPOLLIN        0x001u
#define RF_EPOLLPRI       0x002u
#define RF_EPOLLOUT       0x004u
#define RF_EPOLLERR       0x008u
#define RF_EPOLLHUP       0x010u
#define RF_EPOLLNVAL      0x020u
#define RF_EPOLLRDNORM    0x040u
#define RF_EPOLLRDBAND    0x080u
#define RF_EPOLLWRNORM    0x100u
#define RF_EPOLLWRBAND    0x200u
#define RF_EPOLLMSG       0x400u
#define RF_EPOLLRDHUP     0x2000u
#define RF_EPOLLEXCLUSIVE (1u << 28)
#define RF_EPOLLWAKEUP    (1u << 29)
#define RF_EPOLLONESHOT   (1u << 30)
#define RF_EPOLLET        (1u << 31)

/* poll(2) */
enum {
    RF_POLLIN = 0x001,
    RF_POLLPRI = 0x002,
    RF_POLLOUT = 0x004,
    RF_POLLERR = 0x008,
    RF_POLLHUP = 0x010,
    RF_POLLNVAL = 0x020,
    RF_POLLRDNORM = 0x040,
    RF_POLLRDBAND = 0x080,
    RF_POLLWRNORM = 0x100,
    RF_POLLWRBAND = 0x200,
    RF_POLLMSG = 0x400,
    RF_POLLREMOVE = 0x1000,
    RF_POLLRDHUP = 0x2000,
};
enum { RF_FD_SETSIZE = 1024 };

/* futex(2): linux/futex.h */
enum {
    RF_FUTEX_WAIT = 0,
    RF_FUTEX_WAKE = 1,
    RF_FUTEX_FD = 2,
    RF_FUTEX_REQUEUE = 3,
    RF_FUTEX_CMP_REQUEUE = 4,
    RF_FUTEX_WAKE_OP = 5,
    RF_FUTEX_LOCK_PI = 6,
    RF_FUTEX_UNLOCK_PI = 7,
    RF_FUTEX_TRYLOCK_PI = 8,
    RF_FUTEX_WAIT_BITSET = 9,
    RF_FUTEX_WAKE_BITSET = 10,
    RF_FUTEX_WAIT_REQUEUE_PI = 11,
    RF_FUTEX_CMP_REQUEUE_PI = 12,
    RF_FUTEX_LOCK_PI2 = 13,
    RF_FUTEX_PRIVATE_FLAG = 128,
    RF_FUTEX_CLOCK_REALTIME = 256,
    RF_FUTEX_CMD_MASK = ~(128 | 256),
    RF_FUTEX_OP_SET = 0,
    RF_FUTEX_OP_ADD = 1,
    RF_FUTEX_OP_OR = 2,
    RF_FUTEX_OP_ANDN = 3,
    RF_FUTEX_OP_XOR = 4,
    RF_FUTEX_OP_OPARG_SHIFT = 8,
    RF_FUTEX_OP_CMP_EQ = 0,
    RF_FUTEX_OP_CMP_NE = 1,
    RF_FUTEX_OP_CMP_LT = 2,
    RF_FUTEX_OP_CMP_LE = 3,
    RF_FUTEX_OP_CMP_GT = 4,
    RF_FUTEX_OP_CMP_GE = 5,
};
#define RF_FUTEX_WAITERS          0x80000000u
#define RF_FUTEX_OWNER_DIED       0x40000000u
#define RF_FUTEX_TID_MASK         0x3fffffffu
#define RF_FUTEX_BITSET_MATCH_ANY 0xffffffffu
enum { RF_ROBUST_LIST_LIMIT = 2048 };

/* Clocks and timers: linux/time.h */
enum {
    RF_CLOCK_REALTIME = 0,
    RF_CLOCK_MONOTONIC = 1,
    RF_CLOCK_PROCESS_CPUTIME_ID = 2,
    RF_CLOCK_THREAD_CPUTIME_ID = 3,
    RF_CLOCK_MONOTONIC_RAW = 4,
    RF_CLOCK_REALTIME_COARSE = 5,
    RF_CLOCK_MONOTONIC_COARSE = 6,
    RF_CLOCK_BOOTTIME = 7,
    RF_CLOCK_REALTIME_ALARM = 8,
    RF_CLOCK_BOOTTIME_ALARM = 9,
    RF_CLOCK_TAI = 11,
    RF_TIMER_ABSTIME = 1,
    RF_ITIMER_REAL = 0,
    RF_ITIMER_VIRTUAL = 1,
    RF_ITIMER_PROF = 2,
    RF_SIGEV_SIGNAL = 0,
    RF_SIGEV_NONE = 1,
    RF_SIGEV_THREAD = 2,
    RF_SIGEV_THREAD_ID = 4,
};

/* getrlimit(2), getrusage(2): asm-generic/resource.h */
enum {
    RF_RLIMIT_CPU = 0,
    RF_RLIMIT_FSIZE = 1,
    RF_RLIMIT_DATA = 2,
    RF_RLIMIT_STACK = 3,
    RF_RLIMIT_CORE = 4,
    RF_RLIMIT_RSS = 5,
    RF_RLIMIT_NPROC = 6,
    RF_RLIMIT_NOFILE = 7,
    RF_RLIMIT_MEMLOCK = 8,
    RF_RLIMIT_AS = 9,
    RF_RLIMIT_LOCKS = 10,
    RF_RLIMIT_SIGPENDING = 11,
    RF_RLIMIT_MSGQUEUE = 12,
    RF_RLIMIT_NICE = 13,
    RF_RLIMIT_RTPRIO = 14,
    RF_RLIMIT_RTTIME = 15,
    RF_RLIM_NLIMITS = 16,
    RF_RUSAGE_SELF = 0,
    RF_RUSAGE_CHILDREN = -1,
    RF_RUSAGE_THREAD = 1,
    RF_PRIO_PROCESS = 0,
    RF_PRIO_PGRP = 1,
    RF_PRIO_USER = 2,
};
#define RF_RLIM_INFINITY UINT64_MAX

/* sched_setscheduler(2): linux/sched.h */
enum {
    RF_SCHED_NORMAL = 0,
    RF_SCHED_FIFO = 1,
    RF_SCHED_RR = 2,
    RF_SCHED_BATCH = 3,
    RF_SCHED_IDLE = 5,
    RF_SCHED_DEADLINE = 6,
    RF_SCHED_RESET_ON_FORK = 0x40000000,
    RF_SCHED_FLAG_RESET_ON_FORK = 1, /* sched_setattr(2) */
    RF_SCHED_FLAG_KEEP_POLICY = 8,
    RF_SCHED_FLAG_KEEP_PARAMS = 0x10,
    RF_SCHED_FLAG_UTIL_CLAMP = 0x60,
    RF_SCHED_FLAG_ALL = 0x7f,
    RF_SCHED_ATTR_SIZE_VER0 = 48,
};

/* arch_prctl(2): asm/prctl.h */
enum {
    RF_ARCH_SET_GS = 0x1001,
    RF_ARCH_SET_FS = 0x1002,
    RF_ARCH_GET_FS = 0x1003,
    RF_ARCH_GET_GS = 0x1004,
    RF_ARCH_GET_CPUID = 0x1011,
    RF_ARCH_SET_CPUID = 0x1012,
    RF_ARCH_GET_XCOMP_SUPP = 0x1021,
    RF_ARCH_GET_XCOMP_PERM = 0x1022,
    RF_ARCH_REQ_XCOMP_PERM = 0x1023,
    RF_ARCH_GET_XCOMP_GUEST_PERM = 0x1024,
    RF_ARCH_REQ_XCOMP_GUEST_PERM = 0x1025,
    RF_ARCH_MAP_VDSO_X32 = 0x2001,
    RF_ARCH_MAP_VDSO_32 = 0x2002,
    RF_ARCH_MAP_VDSO_64 = 0x2003,
    RF_ARCH_CET_STATUS = 0x3001, /* from an unmerged patch set; glibc < 2.39 probes it */
};

/* prctl(2): linux/prctl.h */
enum {
    RF_PR_SET_PDEATHSIG = 1,
    RF_PR_GET_PDEATHSIG = 2,
    RF_PR_GET_DUMPABLE = 3,
    RF_PR_SET_DUMPABLE = 4,
    RF_PR_GET_KEEPCAPS = 7,
    RF_PR_SET_KEEPCAPS = 8,
    RF_PR_GET_TIMING = 13,
    RF_PR_SET_TIMING = 14,
    RF_PR_SET_NAME = 15,
    RF_PR_GET_NAME = 16,
    RF_PR_GET_SECCOMP = 21,
    RF_PR_SET_SECCOMP = 22,
    RF_PR_CAPBSET_READ = 23,
    RF_PR_CAPBSET_DROP = 24,
    RF_PR_GET_TSC = 25,
    RF_PR_SET_TSC = 26,
    RF_PR_GET_SECUREBITS = 27,
    RF_PR_SET_SECUREBITS = 28,
    RF_PR_SET_TIMERSLACK = 29,
    RF_PR_GET_TIMERSLACK = 30,
    RF_PR_MCE_KILL = 33,
    RF_PR_MCE_KILL_GET = 34,
    RF_PR_SET_MM = 35,
    RF_PR_SET_CHILD_SUBREAPER = 36,
    RF_PR_GET_CHILD_SUBREAPER = 37,
    RF_PR_SET_NO_NEW_PRIVS = 38,
    RF_PR_GET_NO_NEW_PRIVS = 39,
    RF_PR_GET_TID_ADDRESS = 40,
    RF_PR_SET_THP_DISABLE = 41,
    RF_PR_GET_THP_DISABLE = 42,
    RF_PR_CAP_AMBIENT = 47,
    RF_PR_GET_SPECULATION_CTRL = 52,
    RF_PR_SET_SPECULATION_CTRL = 53,
    RF_PR_SET_IO_FLUSHER = 57,
    RF_PR_GET_IO_FLUSHER = 58,
    RF_PR_MCE_KILL_DEFAULT = 2,
    RF_PR_SET_PTRACER = 0x59616d61,
    RF_PR_SET_VMA = 0x53564d41,
    RF_PR_SET_VMA_ANON_NAME = 0,
    RF_PR_TSC_ENABLE = 1,
    RF_PR_TSC_SIGSEGV = 2,
};

/* getrandom(2), rseq(2), membarrier(2), kcmp(2), seccomp(2) */
enum {
    RF_GRND_NONBLOCK = 1,
    RF_GRND_RANDOM = 2,
    RF_GRND_INSECURE = 4,
    RF_RSEQ_FLAG_UNREGISTER = 1,
    RF_MEMBARRIER_CMD_QUERY = 0,
    RF_MEMBARRIER_CMD_GLOBAL = 1,
    RF_MEMBARRIER_CMD_GLOBAL_EXPEDITED = 2,
    RF_MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4,
    RF_MEMBARRIER_CMD_PRIVATE_EXPEDITED = 8,
    RF_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 0x10,
    RF_MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE = 0x20,
    RF_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 0x40,
    RF_MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ = 0x80,
    RF_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ = 0x100,
};

/* adjtimex(2): linux/timex.h */
enum {
    RF_ADJ_OFFSET = 1,
    RF_ADJ_FREQUENCY = 2,
    RF_ADJ_MAXERROR = 4,
    RF_ADJ_ESTERROR = 8,
    RF_ADJ_STATUS = 0x10,
    RF_ADJ_TIMECONST = 0x20,
    RF_ADJ_TAI = 0x80,
    RF_ADJ_SETOFFSET = 0x100,
    RF_ADJ_MICRO = 0x1000,
    RF_ADJ_NANO = 0x2000,
    RF_ADJ_TICK = 0x4000,
    RF_ADJ_ADJTIME = 0x8000,
    RF_ADJ_OFFSET_READONLY = 0x2000, /* with RF_ADJ_ADJTIME */
    RF_STA_PLL = 1,
    RF_STA_INS = 0x10,
    RF_STA_DEL = 0x20,
    RF_STA_UNSYNC = 0x40,
    RF_STA_CLOCKERR = 0x1000,
    RF_STA_NANO = 0x2000,
    RF_STA_RONLY = 0xff00, /* the kernel's own */
    RF_TIME_OK = 0,
    RF_TIME_ERROR = 5,
};

/* personality(2) */
enum {
    RF_PER_LINUX = 0,
    RF_PER_LINUX32 = 8,
    RF_PER_MASK = 0xff, /* the rest are flags */
    RF_UNAME26 = 0x0020000,
    RF_ADDR_NO_RANDOMIZE = 0x0040000,
    RF_ADDR_COMPAT_LAYOUT = 0x0200000,
    RF_ADDR_LIMIT_3GB = 0x8000000,
    RF_MMAP_PAGE_ZERO = 0x0100000,
    RF_READ_IMPLIES_EXEC = 0x0400000,
    /* gone at an execve that gains rights */
    RF_PER_CLEAR_ON_SETID = RF_READ_IMPLIES_EXEC | RF_ADDR_NO_RANDOMIZE | RF_ADDR_COMPAT_LAYOUT | RF_MMAP_PAGE_ZERO,
};

#define RF_MS_NOUSER  0x80000000u
#define RF_MS_MGC_VAL 0xc0ed0000u

/* statfs(2) magic numbers and flags: linux/magic.h, statfs(2) */
#define RF_TMPFS_MAGIC           UINT64_C(0x01021994)
#define RF_PROC_SUPER_MAGIC      UINT64_C(0x9fa0)
#define RF_SYSFS_MAGIC           UINT64_C(0x62656572)
#define RF_PIPEFS_MAGIC          UINT64_C(0x50495045)
#define RF_SOCKFS_MAGIC          UINT64_C(0x534f434b)
#define RF_DEVPTS_SUPER_MAGIC    UINT64_C(0x1cd1)
#define RF_ANON_INODE_FS_MAGIC   UINT64_C(0x09041934)
#define RF_EXT4_SUPER_MAGIC      UINT64_C(0xef53)
#define RF_RAMFS_MAGIC           UINT64_C(0x858458f6)
#define RF_OVERLAYFS_SUPER_MAGIC UINT64_C(0x794c7630)
enum {
    RF_ST_RDONLY = 1,
    RF_ST_NOSUID = 2,
    RF_ST_NODEV = 4,
    RF_ST_NOEXEC = 8,
    RF_ST_SYNCHRONOUS = 16,
    RF_ST_VALID = 32,
    RF_ST_MANDLOCK = 64,
    RF_ST_NOATIME = 1024,
    RF_ST_NODIRATIME = 2048,
    RF_ST_RELATIME = 4096,
};

/* mount(2), umount2(2) */
enum {
    RF_MS_RDONLY = 1,
    RF_MS_NOSUID = 2,
    RF_MS_NODEV = 4,
    RF_MS_NOEXEC = 8,
    RF_MS_SYNCHRONOUS = 16,
    RF_MS_REMOUNT = 32,
    RF_MS_NOATIME = 1024,
    RF_MS_NODIRATIME = 2048,
    RF_MS_BIND = 4096,
    RF_MS_MOVE = 8192,
    RF_MS_REC = 16384,
    RF_MS_SILENT = 32768,
    RF_MS_UNBINDABLE = 1 << 17,
    RF_MS_PRIVATE = 1 << 18,
    RF_MS_SLAVE = 1 << 19,
    RF_MS_SHARED = 1 << 20,
    RF_MS_RELATIME = 1 << 21,
    RF_MS_STRICTATIME = 1 << 24,
    RF_MNT_FORCE = 1,
    RF_MNT_DETACH = 2,
    RF_MNT_EXPIRE = 4,
    RF_UMOUNT_NOFOLLOW = 8,
};

/* socket(2), send(2), shutdown(2): linux/net.h, linux/socket.h, asm-generic/socket.h */
enum {
    RF_AF_UNSPEC = 0,
    RF_AF_UNIX = 1,
    RF_AF_INET = 2,
    RF_AF_INET6 = 10,
    RF_AF_NETLINK = 16,
    RF_AF_PACKET = 17,
    RF_AF_VSOCK = 40,
    RF_SOCK_STREAM = 1,
    RF_SOCK_DGRAM = 2,
    RF_SOCK_RAW = 3,
    RF_SOCK_RDM = 4,
    RF_SOCK_SEQPACKET = 5,
    RF_SOCK_TYPE_MASK = 0xf,
    RF_SOCK_NONBLOCK = RF_O_NONBLOCK,
    RF_SOCK_CLOEXEC = RF_O_CLOEXEC,
    RF_IPPROTO_IP = 0,
    RF_IPPROTO_ICMP = 1,
    RF_IPPROTO_TCP = 6,
    RF_IPPROTO_UDP = 17,
    RF_IPPROTO_IPV6 = 41,
    RF_SHUT_RD = 0,
    RF_SHUT_WR = 1,
    RF_SHUT_RDWR = 2,
    RF_MSG_OOB = 1,
    RF_MSG_PEEK = 2,
    RF_MSG_DONTROUTE = 4,
    RF_MSG_CTRUNC = 8,
    RF_MSG_TRUNC = 0x20,
    RF_MSG_DONTWAIT = 0x40,
    RF_MSG_EOR = 0x80,
    RF_MSG_WAITALL = 0x100,
    RF_MSG_ERRQUEUE = 0x2000,
    RF_MSG_NOSIGNAL = 0x4000,
    RF_MSG_MORE = 0x8000,
    RF_MSG_CMSG_CLOEXEC = 0x40000000,
    RF_SOL_SOCKET = 1,
    RF_SO_DEBUG = 1,
    RF_SO_REUSEADDR = 2,
    RF_SO_TYPE = 3,
    RF_SO_ERROR = 4,
    RF_SO_DONTROUTE = 5,
    RF_SO_BROADCAST = 6,
    RF_SO_SNDBUF = 7,
    RF_SO_RCVBUF = 8,
    RF_SO_KEEPALIVE = 9,
    RF_SO_OOBINLINE = 10,
    RF_SO_LINGER = 13,
    RF_SO_REUSEPORT = 15,
    RF_SO_PASSCRED = 16,
    RF_SO_PEERCRED = 17,
    RF_SO_RCVLOWAT = 18,
    RF_SO_SNDLOWAT = 19,
    RF_SO_RCVTIMEO = 20,
    RF_SO_SNDTIMEO = 21,
    RF_SO_ACCEPTCONN = 30,
    RF_SO_PROTOCOL = 38,
    RF_SO_DOMAIN = 39,
    RF_SCM_RIGHTS = 1,
    RF_SCM_CREDENTIALS = 2,
    RF_SOMAXCONN = 4096,
};

/* Auxiliary vector types: linux/auxvec.h, asm/auxvec.h, getauxval(3) */
enum {
    RF_AT_NULL = 0,
    RF_AT_IGNORE = 1,
    RF_AT_EXECFD = 2,
    RF_AT_PHDR = 3,
    RF_AT_PHENT = 4,
    RF_AT_PHNUM = 5,
    RF_AT_PAGESZ = 6,
    RF_AT_BASE = 7,
    RF_AT_FLAGS = 8,
    RF_AT_ENTRY = 9,
    RF_AT_NOTELF = 10,
    RF_AT_UID = 11,
    RF_AT_EUID = 12,
    RF_AT_GID = 13,
    RF_AT_EGID = 14,
    RF_AT_PLATFORM = 15,
    RF_AT_HWCAP = 16,
    RF_AT_CLKTCK = 17,
    RF_AT_SECURE = 23,
    RF_AT_BASE_PLATFORM = 24,
    RF_AT_RANDOM = 25,
    RF_AT_HWCAP2 = 26,
    RF_AT_RSEQ_FEATURE_SIZE = 27,
    RF_AT_RSEQ_ALIGN = 28,
    RF_AT_EXECFN = 31,
    RF_AT_SYSINFO = 32,
    RF_AT_SYSINFO_EHDR = 33,
    RF_AT_MINSIGSTKSZ = 51,
};

/* AT_HWCAP2 bits on x86: asm/hwcap2.h */
enum { RF_HWCAP2_RING3MWAIT = 1, RF_HWCAP2_FSGSBASE = 2 };

#endif

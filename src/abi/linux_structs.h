/* Structures of the Linux x86-64 system call interface exactly as they lie in a
 * program's memory. Each one is our own definition of the layout given by the
 * kernel's uapi headers (named at each group) and is pinned by _Static_assert.
 * Field names are the kernel's. Fixed-width types only: no host struct is used. */
#ifndef RF_ABI_LINUX_STRUCTS_H
#define RF_ABI_LINUX_STRUCTS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define RF_ABI_SIZE(type, bytes) static_assert(sizeof(struct type) == (bytes), #type " size")
#define RF_ABI_OFFSET(type, field, bytes)                                                          \
    static_assert(offsetof(struct type, field) == (bytes), #type "." #field " offset")

/* ---- time: linux/time_types.h, linux/time.h, linux/times.h ---- */

struct rf_timespec {
    int64_t tv_sec;
    int64_t tv_nsec;
};
RF_ABI_SIZE(rf_timespec, 16);

struct rf_timeval {
    int64_t tv_sec;
    int64_t tv_usec;
};
RF_ABI_SIZE(rf_timeval, 16);

struct rf_timezone {
    int32_t tz_minuteswest;
    int32_t tz_dsttime;
};
RF_ABI_SIZE(rf_timezone, 8);

struct rf_itimerval {
    struct rf_timeval it_interval;
    struct rf_timeval it_value;
};
RF_ABI_SIZE(rf_itimerval, 32);

struct rf_itimerspec {
    struct rf_timespec it_interval;
    struct rf_timespec it_value;
};
RF_ABI_SIZE(rf_itimerspec, 32);

struct rf_utimbuf {
    int64_t actime;
    int64_t modtime;
};
RF_ABI_SIZE(rf_utimbuf, 16);

struct rf_tms { /* in clock ticks of RF_USER_HZ */
    int64_t tms_utime;
    int64_t tms_stime;
    int64_t tms_cutime;
    int64_t tms_cstime;
};
RF_ABI_SIZE(rf_tms, 32);

/* ---- files: asm/stat.h, linux/stat.h, asm-generic/statfs.h ---- */

struct rf_stat {
    uint64_t st_dev;
    uint64_t st_ino;
    uint64_t st_nlink;
    uint32_t st_mode;
    uint32_t st_uid;
    uint32_t st_gid;
    uint32_t __pad0;
    uint64_t st_rdev;
    int64_t st_size;
    int64_t st_blksize;
    int64_t st_blocks; /* of 512 bytes */
    struct rf_timespec st_atim;
    struct rf_timespec st_mtim;
    struct rf_timespec st_ctim;
    int64_t __unused[3];
};
RF_ABI_SIZE(rf_stat, 144);
RF_ABI_OFFSET(rf_stat, st_mode, 24);
RF_ABI_OFFSET(rf_stat, st_size, 48);
RF_ABI_OFFSET(rf_stat, st_atim, 72);

struct rf_statx_timestamp {
    int64_t tv_sec;
    uint32_t tv_nsec;
    int32_t __reserved;
};
RF_ABI_SIZE(rf_statx_timestamp, 16);

struct rf_statx {
    uint32_t stx_mask;
    uint32_t stx_blksize;
    uint64_t stx_attributes;
    uint32_t stx_nlink;
    uint32_t stx_uid;
    uint32_t stx_gid;
    uint16_t stx_mode;
    uint16_t __spare0;
    uint64_t stx_ino;
    uint64_t stx_size;
    uint64_t stx_blocks;
    uint64_t stx_attributes_mask;
    struct rf_statx_timestamp stx_atime;
    struct rf_statx_timestamp stx_btime;
    struct rf_statx_timestamp stx_ctime;
    struct rf_statx_timestamp stx_mtime;
    uint32_t stx_rdev_major;
    uint32_t stx_rdev_minor;
    uint32_t stx_dev_major;
    uint32_t stx_dev_minor;
    uint64_t stx_mnt_id;
    uint32_t stx_dio_mem_align;
    uint32_t stx_dio_offset_align;
    uint64_t __spare3[12];
};
RF_ABI_SIZE(rf_statx, 256);
RF_ABI_OFFSET(rf_statx, stx_atime, 64);
RF_ABI_OFFSET(rf_statx, stx_rdev_major, 128);
RF_ABI_OFFSET(rf_statx, stx_mnt_id, 144);

struct rf_statfs {
    int64_t f_type;
    int64_t f_bsize;
    int64_t f_blocks;
    int64_t f_bfree;
    int64_t f_bavail;
    int64_t f_files;
    int64_t f_ffree;
    int32_t f_fsid[2];
    int64_t f_namelen;
    int64_t f_frsize;
    int64_t f_flags;
    int64_t f_spare[4];
};
RF_ABI_SIZE(rf_statfs, 120);
RF_ABI_OFFSET(rf_statfs, f_namelen, 64);

/* Followed by d_name, NUL-terminated; d_reclen is a multiple of 8. */
struct rf_dirent64 {
    uint64_t d_ino;
    int64_t d_off;
    uint16_t d_reclen;
    uint8_t d_type;
    char d_name[];
} __attribute__((packed, aligned(8)));
RF_ABI_OFFSET(rf_dirent64, d_type, 18);
RF_ABI_OFFSET(rf_dirent64, d_name, 19);

/* The record of getdents(2); d_type is the record's last byte. */
struct rf_dirent {
    uint64_t d_ino;
    uint64_t d_off;
    uint16_t d_reclen;
    char d_name[];
} __attribute__((packed, aligned(8)));
RF_ABI_OFFSET(rf_dirent, d_name, 18);

struct rf_flock {
    int16_t l_type;
    int16_t l_whence;
    int32_t __pad0;
    int64_t l_start;
    int64_t l_len;
    int32_t l_pid;
    int32_t __pad1;
};
RF_ABI_SIZE(rf_flock, 32);
RF_ABI_OFFSET(rf_flock, l_start, 8);

struct rf_iovec {
    uint64_t iov_base;
    uint64_t iov_len;
};
RF_ABI_SIZE(rf_iovec, 16);

struct rf_pollfd {
    int32_t fd;
    int16_t events;
    int16_t revents;
};
RF_ABI_SIZE(rf_pollfd, 8);

struct rf_fd_set {
    uint64_t bits[16]; /* RF_FD_SETSIZE / 64 */
};
RF_ABI_SIZE(rf_fd_set, 128);

struct rf_epoll_event {
    uint32_t events;
    uint64_t data;
} __attribute__((packed));
RF_ABI_SIZE(rf_epoll_event, 12);

struct rf_open_how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};
RF_ABI_SIZE(rf_open_how, 24);

/* ---- terminals: asm-generic/termbits.h, termios.h ---- */

struct rf_termios { /* the kernel's, of TCGETS: not glibc's larger one */
    uint32_t c_iflag;
    uint32_t c_oflag;
    uint32_t c_cflag;
    uint32_t c_lflag;
    uint8_t c_line;
    uint8_t c_cc[19];
};
RF_ABI_SIZE(rf_termios, 36);

struct rf_termios2 { /* of TCGETS2 */
    uint32_t c_iflag;
    uint32_t c_oflag;
    uint32_t c_cflag;
    uint32_t c_lflag;
    uint8_t c_line;
    uint8_t c_cc[19];
    uint32_t c_ispeed;
    uint32_t c_ospeed;
};
RF_ABI_SIZE(rf_termios2, 44);

struct rf_winsize {
    uint16_t ws_row;
    uint16_t ws_col;
    uint16_t ws_xpixel;
    uint16_t ws_ypixel;
};
RF_ABI_SIZE(rf_winsize, 8);

/* ---- system and process: linux/utsname.h, sysinfo.h, resource.h, sched.h ---- */

struct rf_utsname {
    char sysname[65];
    char nodename[65];
    char release[65];
    char version[65];
    char machine[65];
    char domainname[65];
};
RF_ABI_SIZE(rf_utsname, 390);

struct rf_sysinfo {
    int64_t uptime;
    uint64_t loads[3]; /* 16.16 fixed point */
    uint64_t totalram;
    uint64_t freeram;
    uint64_t sharedram;
    uint64_t bufferram;
    uint64_t totalswap;
    uint64_t freeswap;
    uint16_t procs;
    uint16_t __pad0;
    uint32_t __pad1;
    uint64_t totalhigh;
    uint64_t freehigh;
    uint32_t mem_unit;
    uint32_t __pad2;
};
RF_ABI_SIZE(rf_sysinfo, 112);
RF_ABI_OFFSET(rf_sysinfo, procs, 80);
RF_ABI_OFFSET(rf_sysinfo, mem_unit, 104);

struct rf_rlimit64 { /* also struct rlimit on x86-64 */
    uint64_t rlim_cur;
    uint64_t rlim_max;
};
RF_ABI_SIZE(rf_rlimit64, 16);

struct rf_rusage {
    struct rf_timeval ru_utime;
    struct rf_timeval ru_stime;
    int64_t ru_maxrss; /* KiB */
    int64_t ru_ixrss;
    int64_t ru_idrss;
    int64_t ru_isrss;
    int64_t ru_minflt;
    int64_t ru_majflt;
    int64_t ru_nswap;
    int64_t ru_inblock;
    int64_t ru_oublock;
    int64_t ru_msgsnd;
    int64_t ru_msgrcv;
    int64_t ru_nsignals;
    int64_t ru_nvcsw;
    int64_t ru_nivcsw;
};
RF_ABI_SIZE(rf_rusage, 144);

struct rf_sched_param {
    int32_t sched_priority;
};
RF_ABI_SIZE(rf_sched_param, 4);

struct rf_timex { /* linux/timex.h */
    uint32_t modes, pad0;
    int64_t offset, freq, maxerror, esterror;
    int32_t status, pad1;
    int64_t constant, precision, tolerance;
    struct rf_timeval time;
    int64_t tick, ppsfreq, jitter;
    int32_t shift, pad2;
    int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
    int32_t tai, pad3[11];
};
RF_ABI_SIZE(rf_timex, 208);

struct rf_sched_attr { /* linux/sched/types.h */
    uint32_t size, sched_policy;
    uint64_t sched_flags;
    int32_t sched_nice;
    uint32_t sched_priority;
    uint64_t sched_runtime, sched_deadline, sched_period;
    uint32_t sched_util_min, sched_util_max;
};
RF_ABI_SIZE(rf_sched_attr, 56);

struct rf_clone_args {
    uint64_t flags;
    uint64_t pidfd;
    uint64_t child_tid;
    uint64_t parent_tid;
    uint64_t exit_signal;
    uint64_t stack; /* lowest byte */
    uint64_t stack_size;
    uint64_t tls; /* version 0 ends here: 64 bytes */
    uint64_t set_tid;
    uint64_t set_tid_size; /* version 1: 80 bytes */
    uint64_t cgroup;       /* version 2: 88 bytes */
};
RF_ABI_SIZE(rf_clone_args, 88);
RF_ABI_OFFSET(rf_clone_args, set_tid, 64);

struct rf_robust_list {
    uint64_t next;
};
struct rf_robust_list_head {
    struct rf_robust_list list;
    int64_t futex_offset;
    uint64_t list_op_pending;
};
RF_ABI_SIZE(rf_robust_list_head, 24);

struct rf_rseq { /* linux/rseq.h; 20 bytes are in use, the area is 32, aligned 32 */
    uint32_t cpu_id_start;
    uint32_t cpu_id;
    uint64_t rseq_cs;
    uint32_t flags;
    uint32_t node_id;
    uint32_t mm_cid;
    uint32_t __pad;
};
RF_ABI_SIZE(rf_rseq, 32);
RF_ABI_OFFSET(rf_rseq, rseq_cs, 8);

struct rf_rseq_cs {
    uint32_t version;
    uint32_t flags;
    uint64_t start_ip;
    uint64_t post_commit_offset;
    uint64_t abort_ip;
};
RF_ABI_SIZE(rf_rseq_cs, 32);

struct rf_user_desc { /* asm/ldt.h: modify_ldt, set_thread_area */
    uint32_t entry_number;
    uint32_t base_addr;
    uint32_t limit;
    uint32_t flags; /* seg_32bit, contents:2, read_exec_only, limit_in_pages, seg_not_present,
                       useable, lm */
};
RF_ABI_SIZE(rf_user_desc, 16);

struct rf_cap_header {
    uint32_t version;
    int32_t pid;
};
struct rf_cap_data {
    uint32_t effective;
    uint32_t permitted;
    uint32_t inheritable;
};
RF_ABI_SIZE(rf_cap_data, 12);

/* ---- signals: asm/signal.h, asm-generic/siginfo.h, asm/sigcontext.h ---- */

struct rf_sigaction { /* the kernel's layout, of rt_sigaction(2) */
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    uint64_t mask;
};
RF_ABI_SIZE(rf_sigaction, 32);

union rf_sigval {
    int32_t sival_int;
    uint64_t sival_ptr;
};

struct rf_siginfo {
    int32_t si_signo;
    int32_t si_errno;
    int32_t si_code;
    int32_t __pad0;
    union { /* the kernel's field names less "si_": those are macros in <signal.h> */
        int32_t __pad[28];
        struct { /* kill, tgkill: SI_USER, SI_TKILL */
            int32_t pid;
            uint32_t uid;
        } kill;
        struct { /* SI_TIMER */
            int32_t tid;
            int32_t overrun;
            union rf_sigval value;
            int32_t sys_private;
        } timer;
        struct { /* sigqueue, mq: SI_QUEUE, SI_MESGQ */
            int32_t pid;
            uint32_t uid;
            union rf_sigval value;
        } rt;
        struct { /* SIGCHLD */
            int32_t pid;
            uint32_t uid;
            int32_t status;
            int32_t __pad1;
            int64_t utime; /* clock ticks */
            int64_t stime;
        } chld;
        struct { /* SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP */
            uint64_t addr;
            int16_t addr_lsb;
            int16_t __pad2[3];
            uint64_t lower; /* or pkey in its low half */
            uint64_t upper;
        } fault;
        struct { /* SIGPOLL */
            int64_t band;
            int32_t fd;
        } poll;
        struct { /* SIGSYS */
            uint64_t call_addr;
            int32_t syscall;
            uint32_t arch;
        } sys;
    };
};
RF_ABI_SIZE(rf_siginfo, 128);
RF_ABI_OFFSET(rf_siginfo, kill.pid, 16);
RF_ABI_OFFSET(rf_siginfo, chld.utime, 32);
RF_ABI_OFFSET(rf_siginfo, rt.value, 24);
RF_ABI_OFFSET(rf_siginfo, fault.lower, 32);

struct rf_sigevent {
    union rf_sigval sigev_value;
    int32_t sigev_signo;
    int32_t sigev_notify;
    int32_t sigev_tid; /* of SIGEV_THREAD_ID */
    int32_t __pad[11];
};
RF_ABI_SIZE(rf_sigevent, 64);

typedef struct rf_stack_t {
    uint64_t ss_sp;
    int32_t ss_flags;
    int32_t __pad0;
    uint64_t ss_size;
} rf_stack_t;
RF_ABI_SIZE(rf_stack_t, 24);

/* Tells rt_sigreturn how much extended state follows the FXSAVE area; lies in
 * its last 48 bytes. magic1 is RF_FP_XSTATE_MAGIC1, and a uint32_t
 * RF_FP_XSTATE_MAGIC2 follows the extended state. */
#define RF_FP_XSTATE_MAGIC1 0x46505853u
#define RF_FP_XSTATE_MAGIC2 0x46505845u
struct rf_fpx_sw_bytes {
    uint32_t magic1;
    uint32_t extended_size; /* FXSAVE + header + components + MAGIC2 */
    uint64_t xfeatures;
    uint32_t xstate_size;
    uint32_t padding[7];
};
RF_ABI_SIZE(rf_fpx_sw_bytes, 48);

struct rf_fpstate { /* FXSAVE64 image */
    uint16_t cwd;
    uint16_t swd;
    uint16_t twd; /* abridged tag */
    uint16_t fop;
    uint64_t rip;
    uint64_t rdp;
    uint32_t mxcsr;
    uint32_t mxcsr_mask;
    uint8_t st_space[8][16];
    uint8_t xmm_space[16][16];
    uint8_t reserved2[48];
    struct rf_fpx_sw_bytes sw_reserved;
};
RF_ABI_SIZE(rf_fpstate, 512);
RF_ABI_OFFSET(rf_fpstate, mxcsr, 24);
RF_ABI_OFFSET(rf_fpstate, xmm_space, 160);
RF_ABI_OFFSET(rf_fpstate, sw_reserved, 464);

struct rf_xstate_header {
    uint64_t xfeatures;
    uint64_t xcomp_bv;
    uint64_t reserved[6];
};
RF_ABI_SIZE(rf_xstate_header, 64);

struct rf_xstate { /* standard format up to AVX; more components may follow */
    struct rf_fpstate fpstate;
    struct rf_xstate_header header;
    uint8_t ymmh_space[16][16];
};
RF_ABI_SIZE(rf_xstate, 832);
RF_ABI_OFFSET(rf_xstate, ymmh_space, 576);

struct rf_sigcontext {
    uint64_t r8;
    uint64_t r9;
    uint64_t r10;
    uint64_t r11;
    uint64_t r12;
    uint64_t r13;
    uint64_t r14;
    uint64_t r15;
    uint64_t rdi;
    uint64_t rsi;
    uint64_t rbp;
    uint64_t rbx;
    uint64_t rdx;
    uint64_t rax;
    uint64_t rcx;
    uint64_t rsp;
    uint64_t rip;
    uint64_t eflags;
    uint16_t cs;
    uint16_t gs;
    uint16_t fs;
    uint16_t ss;
    uint64_t err;
    uint64_t trapno;
    uint64_t oldmask;
    uint64_t cr2;
    uint64_t fpstate; /* guest address of struct rf_fpstate, 64-byte aligned */
    uint64_t reserved1[8];
};
RF_ABI_SIZE(rf_sigcontext, 256);
RF_ABI_OFFSET(rf_sigcontext, cs, 144);
RF_ABI_OFFSET(rf_sigcontext, fpstate, 184);

#define RF_UC_FP_XSTATE         0x1u
#define RF_UC_SIGCONTEXT_SS     0x2u
#define RF_UC_STRICT_RESTORE_SS 0x4u
struct rf_ucontext {
    uint64_t uc_flags;
    uint64_t uc_link;
    rf_stack_t uc_stack;
    struct rf_sigcontext uc_mcontext;
    uint64_t uc_sigmask;
};
RF_ABI_SIZE(rf_ucontext, 304);
RF_ABI_OFFSET(rf_ucontext, uc_mcontext, 40);
RF_ABI_OFFSET(rf_ucontext, uc_sigmask, 296);

struct rf_sigframe { /* arch/x86/include/asm/sigframe.h: struct rt_sigframe */
    uint64_t pretcode;
    struct rf_ucontext uc;
    struct rf_siginfo info;
};
RF_ABI_SIZE(rf_sigframe, 440);

struct rf_signalfd_siginfo {
    uint32_t ssi_signo;
    int32_t ssi_errno;
    int32_t ssi_code;
    uint32_t ssi_pid;
    uint32_t ssi_uid;
    int32_t ssi_fd;
    uint32_t ssi_tid;
    uint32_t ssi_band;
    uint32_t ssi_overrun;
    uint32_t ssi_trapno;
    int32_t ssi_status;
    int32_t ssi_int;
    uint64_t ssi_ptr;
    uint64_t ssi_utime;
    uint64_t ssi_stime;
    uint64_t ssi_addr;
    uint16_t ssi_addr_lsb;
    uint16_t __pad2;
    int32_t ssi_syscall;
    uint64_t ssi_call_addr;
    uint32_t ssi_arch;
    uint8_t __pad[28];
};
RF_ABI_SIZE(rf_signalfd_siginfo, 128);

/* Registers as the kernel entry pushes them: asm/ptrace.h */
struct rf_pt_regs {
    uint64_t r15;
    uint64_t r14;
    uint64_t r13;
    uint64_t r12;
    uint64_t rbp;
    uint64_t rbx;
    uint64_t r11;
    uint64_t r10;
    uint64_t r9;
    uint64_t r8;
    uint64_t rax;
    uint64_t rcx;
    uint64_t rdx;
    uint64_t rsi;
    uint64_t rdi;
    uint64_t orig_rax;
    uint64_t rip;
    uint64_t cs;
    uint64_t eflags;
    uint64_t rsp;
    uint64_t ss;
};
RF_ABI_SIZE(rf_pt_regs, 168);
RF_ABI_OFFSET(rf_pt_regs, orig_rax, 120);
RF_ABI_OFFSET(rf_pt_regs, ss, 160);

/* ---- sockets: linux/socket.h, linux/un.h, linux/in.h ---- */

/* inotify(7): before len bytes of name */
struct rf_inotify_event {
    int32_t wd;
    uint32_t mask, cookie, len;
};
RF_ABI_SIZE(rf_inotify_event, 16);

struct rf_msghdr {
    uint64_t msg_name;
    int32_t msg_namelen;
    int32_t __pad0;
    uint64_t msg_iov;
    uint64_t msg_iovlen;
    uint64_t msg_control;
    uint64_t msg_controllen;
    uint32_t msg_flags;
    uint32_t __pad1;
};
RF_ABI_SIZE(rf_msghdr, 56);

struct rf_mmsghdr {
    struct rf_msghdr msg_hdr;
    uint32_t msg_len;
    uint32_t __pad0;
};
RF_ABI_SIZE(rf_mmsghdr, 64);

struct rf_cmsghdr {
    uint64_t cmsg_len;
    int32_t cmsg_level;
    int32_t cmsg_type;
};
RF_ABI_SIZE(rf_cmsghdr, 16);

struct rf_ucred {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};
RF_ABI_SIZE(rf_ucred, 12);

struct rf_linger {
    int32_t l_onoff;
    int32_t l_linger;
};
RF_ABI_SIZE(rf_linger, 8);

struct rf_sockaddr_un {
    uint16_t sun_family;
    char sun_path[108];
};
RF_ABI_SIZE(rf_sockaddr_un, 110);

struct rf_sockaddr_in {
    uint16_t sin_family;
    uint16_t sin_port; /* big endian */
    uint8_t sin_addr[4];
    uint8_t sin_zero[8];
};
RF_ABI_SIZE(rf_sockaddr_in, 16);

struct rf_sockaddr_nl {
    uint16_t nl_family;
    uint16_t nl_pad;
    uint32_t nl_pid;
    uint32_t nl_groups;
};
RF_ABI_SIZE(rf_sockaddr_nl, 12);

struct rf_sockaddr_in6 {
    uint16_t sin6_family;
    uint16_t sin6_port; /* big endian */
    uint32_t sin6_flowinfo;
    uint8_t sin6_addr[16];
    uint32_t sin6_scope_id;
};
RF_ABI_SIZE(rf_sockaddr_in6, 28);

#endif

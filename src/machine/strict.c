/* The process gives up what it does not need to run a machine: files but those of mounted directories by Landlock, system
 * calls but those of the run loop by seccomp. Even a flaw of the emulator then opens nothing.
 *
 * What a guest reaches is decided elsewhere and stays the same: this is the wall behind the wall. */
#include "machine/machine.h"

#include "kernel/fs/hostfs.h"
#include "kernel/net/socket.h"
#include "kernel/vfs/vfs.h"

#include "abi/linux_ioctls.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- Landlock: include/uapi/linux/landlock.h as of ABI 7, older headers lack parts --- */

#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

struct ruleset {
    uint64_t handled_fs, handled_net, scoped;
};
struct path_beneath {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));

enum { FS_EXECUTE = 1, FS_WRITE_FILE = 2, FS_READ_FILE = 4, FS_READ_DIR = 8, FS_TRUNCATE = 1 << 14, FS_IOCTL_DEV = 1 << 15 };
#define FS_FIRST_ABI 0x1fffu          /* 13 rights */
#define FS_REFER (UINT64_C(1) << 13)  /* ABI 2 */
#define NET_ALL 3u                    /* ABI 4: bind and connect of TCP */
#define SCOPE_ALL 3u                  /* ABI 6: abstract sockets, signals */
#define FILE_RIGHTS (FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)

static uint64_t rights_of(long abi)
{
    return FS_FIRST_ABI | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) | (abi >= 5 ? FS_IOCTL_DEV : 0);
}

/* One mounted directory or file stays within reach, as far as the guest may use it. */
static bool allow_mount(int ruleset, const struct rf_hostfs_inode *host, uint64_t handled)
{
    const struct rf_inode *inode = host->inode;
    bool directory = RF_S_ISDIR(inode->mode);
    uint64_t allowed = handled & ~(uint64_t)(FS_EXECUTE | FS_IOCTL_DEV);
    if (inode->mount->read_only)
        allowed = FS_READ_FILE | FS_READ_DIR;
    if (!directory)
        allowed &= FILE_RIGHTS;
    int64_t parent = directory ? -1 : rf_host_directory(host->dir);
    int fd = directory ? host->path_fd : parent < 0 ? -1 : rf_host_open((int)parent, host->name, O_PATH, 0);
    struct path_beneath rule = { .allowed = allowed & handled, .parent_fd = fd };
    bool ok = fd >= 0 && syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0;
    if (!directory && fd >= 0)
        close(fd);
    return ok;
}

static bool is_mount_root(const struct rf_hostfs_inode *host)
{
    const struct rf_mount *mount = host->inode->mount;
    return mount->root && mount->root->inode == host->inode;
}

/* Who owns the machine lets it use the host's network. */
static bool uses_network(const struct rf_machine *m)
{
    const struct rf_net *net = m->kernel.net;
    return net && net->host;
}

static rf_status restrict_files(struct rf_machine *m)
{
    long abi = syscall(CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
    if (abi < 1)
        return rf_error_set(&m->error, RF_ERR_UNSUPPORTED, "files cannot be locked away: this kernel has no Landlock, or it is "
                            "not enabled (%s)", strerror(errno));
    struct ruleset rules = { .handled_fs = rights_of(abi), .handled_net = abi >= 4 && !uses_network(m) ? NET_ALL : 0,
                             .scoped = abi >= 6 ? SCOPE_ALL : 0 };
    size_t size = abi >= 6 ? sizeof rules : abi >= 4 ? 16 : 8;
    int ruleset = (int)syscall(CREATE_RULESET, &rules, size, 0);
    bool ok = ruleset >= 0;
    for (struct rf_hostfs_inode *host = m->kernel.vfs->host_inodes; ok && host; host = host->next)
        ok = !is_mount_root(host) || allow_mount(ruleset, host, rules.handled_fs);
    ok = ok && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(RESTRICT_SELF, ruleset, 0) == 0;
    int error = errno;
    if (ruleset >= 0)
        close(ruleset);
    return ok ? RF_OK : rf_error_set(&m->error, RF_ERR_PERMISSION, "files cannot be locked away: %s", strerror(error));
}

/* --- seccomp --- */

/* What a machine needs without any file of the host's but those that are open. */
static const int always[] = {
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
    SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(fstatfs), SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
    SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(brk), SCMP_SYS(munmap),
    SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(getrandom),
    SCMP_SYS(sched_yield), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getegid), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigtimedwait), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(flock),
};
#define FCHMODAT2 452 /* newer than the library */
/* With a directory or file of the host mounted: single names below descriptors that are open. */
static const int with_host_files[] = {
    SCMP_SYS(openat2), SCMP_SYS(openat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(getdents64),
    SCMP_SYS(readlinkat), SCMP_SYS(unlinkat), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(linkat),
    SCMP_SYS(symlinkat), SCMP_SYS(mkdirat), SCMP_SYS(mknodat), SCMP_SYS(fchmod), SCMP_SYS(fchmodat), FCHMODAT2, SCMP_SYS(fchown),
    SCMP_SYS(fchownat), SCMP_SYS(utimensat), SCMP_SYS(fgetxattr), SCMP_SYS(flistxattr), SCMP_SYS(fsetxattr),
    SCMP_SYS(fremovexattr), SCMP_SYS(fcntl), SCMP_SYS(dup), SCMP_SYS(copy_file_range),
};
/* With --net host: sockets, whose addresses the rules are for. */
static const int with_host_network[] = {
    SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(listen), SCMP_SYS(shutdown), SCMP_SYS(getsockname),
    SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
};
static const int families[] = { AF_INET, AF_INET6 };
/* Requests to the terminal that standard input, output and error are, and to sockets; TIOCSTI, which types, is not among them. */
static const uint32_t ioctls[] = {
    RF_TCGETS, RF_TCSETS, RF_TCSETSW, RF_TCSETSF, RF_TCGETS2, RF_TCSETS2, RF_TCSETSW2, RF_TCSETSF2, RF_TIOCGWINSZ,
    RF_TIOCOUTQ, RF_FIONREAD, RF_TCSBRK, RF_TCFLSH, RF_TCXONC, RF_SIOCATMARK,
};
static const int mappings[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };

static int allow_calls(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int error = 0;
    for (size_t i = 0; i < count && !error; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return error;
}

static int allow_network(scmp_filter_ctx filter)
{
    int error = allow_calls(filter, with_host_network, RF_ARRAY_SIZE(with_host_network));
    for (size_t i = 0; i < RF_ARRAY_SIZE(families) && !error; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                 SCMP_CMP(0, SCMP_CMP_EQ, (uint64_t)families[i], 0));
    return error;
}

static int add_rules(scmp_filter_ctx filter, bool host_files, bool host_network)
{
    int error = allow_calls(filter, always, RF_ARRAY_SIZE(always));
    if (!error && host_files)
        error = allow_calls(filter, with_host_files, RF_ARRAY_SIZE(with_host_files));
    if (!error && host_network)
        error = allow_network(filter);
    for (size_t i = 0; i < RF_ARRAY_SIZE(ioctls) && !error; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                 SCMP_CMP(1, SCMP_CMP_MASKED_EQ, UINT32_MAX, ioctls[i]));
    for (size_t i = 0; i < RF_ARRAY_SIZE(mappings) && !error; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, mappings[i], 1, SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (!error) /* abort(3) */
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                 SCMP_CMP(0, SCMP_CMP_EQ, (uint64_t)getpid(), 0));
    return error;
}

static rf_status restrict_calls(struct rf_machine *m)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return rf_error_set(&m->error, RF_ERR_NO_MEMORY, "no memory for a filter of system calls");
    int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!error)
        error = add_rules(filter, m->kernel.vfs->host_inodes != NULL, uses_network(m));
    if (!error)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error ? rf_error_set(&m->error, RF_ERR_UNSUPPORTED, "system calls cannot be filtered: %s", strerror(-error)) : RF_OK;
}

rf_status rf_machine_lock_down(rf_machine *machine)
{
    if (!machine)
        return RF_ERR_ARGUMENT;
    rf_status status = restrict_files(machine);
    return status ? status : restrict_calls(machine);
}

/* rf_machine_lock_down: what the process cannot do any more, and that the machine still runs. */
#include <ringfort/machine.h>

#include "lib/suite.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/check_strict_XXXXXX";

/* --- attempts: true if one succeeded --- */

static bool opened(int fd)
{
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

static bool opens(const char *path, int flags) { return opened(open(path, flags, 0600)); }
static bool reads_passwd(void) { return opens("/etc/passwd", O_RDONLY); }
static bool reads_itself(void) { return opens("/proc/self/exe", O_RDONLY); }
static bool reads_memory(void) { return opens("/proc/self/mem", O_RDWR); }
static bool lists_root(void) { return opens("/", O_RDONLY | O_DIRECTORY); }
static bool makes_file(void) { return opens("/tmp/check_strict_made", O_CREAT | O_WRONLY); }
static bool makes_directory(void) { return mkdir("/tmp/check_strict_made_d", 0700) == 0; }
static bool opens_up(void)
{
    char path[64];
    snprintf(path, sizeof path, "%s/../../etc/passwd", directory);
    return opens(path, O_RDONLY);
}
static bool opens_device(void) { return opens("/dev/null", O_RDWR); }
static bool removes(void) { return unlink("/tmp/check_strict_left") == 0 || unlinkat(AT_FDCWD, "/tmp/check_strict_left", 0) == 0; }
static bool makes_unix_socket(void) { return opened(socket(AF_UNIX, SOCK_STREAM, 0)); }
static bool makes_tcp_socket(void) { return opened(socket(AF_INET, SOCK_STREAM, 0)); }
static bool makes_netlink_socket(void) { return opened(socket(AF_NETLINK, SOCK_RAW, 0)); }
static bool makes_pair(void)
{
    int fds[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0;
}
static bool forks(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0;
}
static bool clones(void) { return syscall(SYS_clone3, NULL, 0) >= 0 || errno != EPERM; }
static bool executes(void)
{
    char *const argv[] = { (char *)(uintptr_t)"true", NULL };
    execve("/bin/true", argv, argv + 1);
    return errno != EPERM;
}
static bool traces(void) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0; }
static bool kills(void) { return kill(getppid(), 0) == 0; }
static bool maps_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}
static bool protects_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED || mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}
static bool types(void) { return ioctl(0, TIOCSTI, "x") == 0 || errno != EPERM; }
static bool mounts(void) { return mount("none", "/tmp", "tmpfs", 0, NULL) == 0 || errno != EPERM; }
static bool makes_memfd(void) { return opened((int)syscall(SYS_memfd_create, "x", 0)); }
static bool reads_others(void) { return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) == 0; }
static bool uses_io_uring(void) { return syscall(SYS_io_uring_setup, 1, NULL) >= 0 || errno != EPERM; }
static bool loads_bpf(void) { return syscall(SYS_bpf, 0, NULL, 0) >= 0 || errno != EPERM; }
static bool opens_by_handle(void) { return syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0) >= 0 || errno != EPERM; }
static bool leaves_root(void) { return syscall(SYS_chroot, "/tmp") == 0; }
static bool unshares(void) { return syscall(SYS_unshare, 0x10000000) == 0; }
static bool changes_user(void) { return syscall(SYS_setuid, 0) == 0; }
static bool asks_prctl(void) { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0; }

static const struct attempt {
    const char *what;
    bool (*succeeds)(void);
} attempts[] = {
    { "read /etc/passwd", reads_passwd }, { "read its program", reads_itself }, { "open its memory", reads_memory },
    { "list /", lists_root }, { "make a file", makes_file }, { "make a directory", makes_directory },
    { "leave the mount by ..", opens_up }, { "open a device", opens_device }, { "remove a file", removes },
    { "AF_UNIX socket", makes_unix_socket }, { "TCP socket", makes_tcp_socket }, { "netlink socket", makes_netlink_socket },
    { "socketpair", makes_pair }, { "fork", forks }, { "clone3", clones }, { "execve", executes }, { "ptrace", traces },
    { "kill", kills }, { "map code", maps_code }, { "make memory code", protects_code }, { "type into the terminal", types },
    { "mount", mounts }, { "memfd", makes_memfd }, { "read another process", reads_others }, { "io_uring", uses_io_uring },
    { "bpf", loads_bpf }, { "open by handle", opens_by_handle }, { "chroot", leaves_root }, { "unshare", unshares },
    { "setuid", changes_user }, { "prctl", asks_prctl },
};

/* --- in a child: 0, 1 + the attempt that succeeded, or 100 and more --- */

static int locked_down(bool with_mount, bool as_root)
{
    static char program[512];
    const char *const argv[] = { "walk_tree", "/", NULL };
    rf_machine *machine;
    rf_stop_reason reason;
    rf_result result;
    snprintf(program, sizeof program, "%s/walk_tree", getenv("GUEST"));
    if (!as_root && getuid() == 0 && (setgid(65534) || setuid(65534)))
        return 100;
    if (rf_machine_create(NULL, &machine))
        return 101;
    FILE *file = fopen(program, "rb");
    static char bytes[4 << 20];
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (!size || rf_machine_add_file(machine, "/walk_tree", bytes, size, 0755))
        return 102;
    fclose(file);
    if (with_mount && rf_machine_mount(machine, directory, "/mounted", RF_MOUNT_READ_ONLY))
        return 103;
    if (rf_machine_start(machine, "/walk_tree", argv, NULL, NULL))
        return 104;
    rf_status status = rf_machine_lock_down(machine);
    if (status == RF_ERR_UNSUPPORTED) {
        fprintf(stderr, "%s\n", rf_error_text(machine));
        return 77;
    }
    if (status)
        return 105;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        if (attempts[i].succeeds())
            return (int)i + 1;
    if (rf_machine_run(machine, &reason) || reason != RF_MACHINE_EXITED || rf_machine_result(machine, &result) ||
        result.signaled || result.exit_code)
        return 106;
    rf_machine_destroy(machine);
    return 0;
}

static void expect_locked(bool with_mount, bool as_root)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout))
            _exit(107);
        _exit(locked_down(with_mount, as_root));
    }
    ck_assert(waitpid(child, &status, 0) == child);
    ck_assert_msg(WIFEXITED(status), "killed by %d", WTERMSIG(status));
    int code = WEXITSTATUS(status);
    if (code == 77)
        return; /* the host's kernel has no Landlock: it was said */
    ck_assert_msg(code == 0, "%s", code < 100 ? attempts[code - 1].what : "the machine did not run");
}

START_TEST(without_mounts) { expect_locked(false, true); }
END_TEST
START_TEST(with_a_mount) { expect_locked(true, true); }
END_TEST
START_TEST(without_privilege) { expect_locked(true, false); }
END_TEST
START_TEST(no_machine) { ck_assert_int_eq(rf_machine_lock_down(NULL), RF_ERR_ARGUMENT); }
END_TEST

int main(void)
{
    if (!getenv("GUEST") || !mkdtemp(directory) || chmod(directory, 0755))
        return 77;
    int left = open("/tmp/check_strict_left", O_CREAT | O_WRONLY, 0600);
    close(left);
    const struct suite_case cases[] = {
        { "without mounts", without_mounts },
        { "with a mount", with_a_mount },
        { "without privilege", without_privilege },
        { "no machine", no_machine },
    };
    int failed = RUN_CASES("strict", cases);
    unlink("/tmp/check_strict_left");
    rmdir(directory);
    return failed;
}

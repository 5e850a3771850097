/* The strace formatter against the host's strace: this program runs itself under both,
 * and they must print the same lines. Skipped where there is no strace 6.1 or tracing is
 * not allowed. */
#define _GNU_SOURCE
#include "lib/suite.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/strace.h"

static struct rf_strace_line line;
static const char *self;
static char area[65536] __attribute__((aligned(4096)));

/* What the traced program does: calls whose results are the same in every run. The
 * first and last, getpgid(-1), mark the part that is compared. */
static int make_calls(void)
{
    long *words = (long *)(area + 8192);
    int *numbers = (int *)(area + 12288);
    struct iovec vectors[2] = {{area, 4}, {area + 100, 3}};
    memcpy(area + 16384, vectors, sizeof vectors);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    syscall(SYS_getpgid, -1);

    syscall(SYS_open, "/dev/zero", O_RDONLY);
    syscall(SYS_read, 3, area, 5);
    syscall(SYS_read, 3, area, 100);
    syscall(SYS_pread64, 3, area, 3, 10);
    syscall(SYS_readv, 3, area + 16384, 2);
    syscall(SYS_fstat, 3, area);
    syscall(SYS_stat, "/nonexistent/file", area);
    syscall(SYS_newfstatat, AT_FDCWD, "/dev/null", area, AT_SYMLINK_NOFOLLOW);
    syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    syscall(SYS_write, 4, "hello\n\1\2\0333\377", 11);
    syscall(SYS_writev, 4, area + 16384, 2);
    syscall(SYS_lseek, 4, 0, SEEK_END);
    syscall(SYS_fcntl, 4, F_GETFD);
    syscall(SYS_fcntl, 4, F_GETFL);
    syscall(SYS_fcntl, 4, F_SETFL, O_APPEND);
    syscall(SYS_fcntl, 4, F_DUPFD_CLOEXEC, 20);
    syscall(SYS_fcntl, 99, F_GETFL);
    syscall(SYS_pipe2, numbers, O_NONBLOCK);
    syscall(SYS_dup2, 4, 30);
    syscall(SYS_dup3, 4, 31, O_CLOEXEC);
    syscall(SYS_ioctl, 4, 0x5401, area);
    syscall(SYS_readlink, "/proc/self/fd/4", area, 100);
    syscall(SYS_getcwd, area, 1);
    syscall(SYS_access, "/dev/null", R_OK | W_OK);
    syscall(SYS_faccessat, AT_FDCWD, "/nonexistent", X_OK);
    syscall(SYS_umask, 022);
    syscall(SYS_umask, 077);
    syscall(SYS_unlinkat, AT_FDCWD, "/nonexistent", AT_REMOVEDIR);
    syscall(SYS_mkdir, "/proc/nonexistent", 0755);

    syscall(SYS_mmap, 0x20000000, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    syscall(SYS_mprotect, 0x20000000, 4096, PROT_READ);
    syscall(SYS_madvise, 0x20000000, 4096, 4);
    syscall(SYS_munmap, 0x20000000, 8192);
    syscall(SYS_mmap, 0, 0, 3, MAP_SHARED, 4, 0);

    words[0] = 1, words[1] = 0x04000000, words[2] = 0x401000, words[3] = 6;
    syscall(SYS_rt_sigaction, SIGUSR1, words, area, 8);
    syscall(SYS_rt_sigaction, SIGUSR1, 0, area, 8);
    words[0] = 1 << (SIGUSR2 - 1);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, words, area, 8);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, 0, area, 8);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, words, area, 16);
    syscall(SYS_rt_sigpending, area, 8);
    syscall(SYS_sigaltstack, 0, area);
    syscall(SYS_kill, -1, 77);

    words[0] = 0, words[1] = 1000;
    syscall(SYS_nanosleep, words, area);
    syscall(SYS_clock_nanosleep, 1, 0, words, 0);
    syscall(SYS_clock_gettime, 99, area);
    syscall(SYS_prlimit64, 0, 99, 0, area);
    struct pollfd *fds = (struct pollfd *)(area + 20480);
    fds[0] = (struct pollfd){5, POLLIN, 0};
    fds[1] = (struct pollfd){6, POLLOUT, 0};
    syscall(SYS_poll, fds, 2, 0);
    syscall(SYS_poll, fds, 1, 0);
    memset(words, 0, 256);
    words[0] = 1 << 5, words[16] = 1 << 6;
    syscall(SYS_select, 7, words, words + 16, 0, 0);
    numbers[4] = 5;
    syscall(SYS_futex, numbers + 4, 0, 6, 0);
    syscall(SYS_futex, numbers + 4, 129, 1);
    syscall(SYS_arch_prctl, 0x1004, area);
    syscall(SYS_prctl, 15, "renamed");
    syscall(SYS_prctl, 16, area);
    syscall(SYS_prctl, 3);
    syscall(SYS_wait4, -1, area, WNOHANG, 0);
    syscall(SYS_execve, "/nonexistent", (char *[]){"a", NULL}, (char *[]){NULL});
    syscall(SYS_socketpair, 1, 1, 0, numbers);
    syscall(SYS_sendto, 7, "hi", 2, 0, 0, 0);
    syscall(SYS_recvfrom, 8, area, 10, 0, 0, 0);
    syscall(SYS_getpgid, -1);
    return 0;
}

static bool read_process(void *user, uint64_t address, void *out, size_t size)
{
    struct iovec local = {out, size};
    struct iovec remote = {(void *)(uintptr_t)address, size};
    return process_vm_readv(*(const pid_t *)user, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

/* The child side of both tracers: no randomisation, a quiet stdin, this program again. */
static void run_self(bool traced_by_us, const char *output)
{
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    personality(ADDR_NO_RANDOMIZE);
    if (traced_by_us) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
            _exit(77);
        raise(SIGSTOP);
        execl(self, self, "--calls", (char *)NULL);
    } else {
        execlp("strace", "strace", "-o", output, self, "--calls", (char *)NULL);
    }
    _exit(77);
}

/* Traces this program with the formatter, writing a line per event. False: the host
 * does not let us. */
static bool trace_self(FILE *out)
{
    rf_strace_line_init(&line, NULL, 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        run_self(true, NULL);
    struct rf_strace_source process = {read_process, &pid};
    bool inside = false;
    int status;
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        return false;
    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    for (;;) {
        ptrace(PTRACE_SYSCALL, pid, 0, 0);
        if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80))
            continue;
        struct user_regs_struct regs;
        ptrace(PTRACE_GETREGS, pid, 0, &regs);
        if (!inside) {
            const uint64_t args[6] = {regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9};
            rf_strace_enter(&line, (unsigned)regs.orig_rax, args, &process);
        } else {
            rf_strace_leave(&line, (int64_t)regs.rax, &process);
            fprintf(out, "%s\n", line.text);
        }
        inside = !inside;
    }
}

static bool strace_self(const char *output)
{
    int status;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        run_self(false, output);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool host_has_strace_6_1(void)
{
    char text[64] = "";
    FILE *pipe = popen("strace --version 2>/dev/null", "r");
    if (!pipe)
        return false;
    bool known = fgets(text, sizeof text, pipe) && strstr(text, "version 6.1\n");
    pclose(pipe);
    return known;
}

/* Reads on to the marker call; false at the end. */
static bool skip_to_marker(FILE *file, char *text, int size)
{
    while (fgets(text, size, file))
        if (strncmp(text, "getpgid(-1)", 11) == 0)
            return true;
    return false;
}

START_TEST(prints_what_the_hosts_strace_prints)
{
    char path[] = "/tmp/ringfort-strace-XXXXXX";
    static char theirs[RF_STRACE_LINE_MAX];
    static char ours[RF_STRACE_LINE_MAX];
    if (!host_has_strace_6_1()) {
        puts("skipped: no strace 6.1 on this host");
        return;
    }
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *host = fdopen(fd, "r");
    FILE *own = tmpfile();
    ck_assert_ptr_nonnull(host);
    ck_assert_ptr_nonnull(own);
    bool traced = strace_self(path) && trace_self(own);
    unlink(path);
    if (traced) {
        rewind(own);
        ck_assert(skip_to_marker(host, theirs, sizeof theirs));
        ck_assert(skip_to_marker(own, ours, sizeof ours));
        int lines = 0;
        do {
            ck_assert_ptr_nonnull(fgets(theirs, sizeof theirs, host));
            ck_assert_ptr_nonnull(fgets(ours, sizeof ours, own));
            ck_assert_str_eq(ours, theirs);
            lines++;
        } while (strncmp(theirs, "getpgid(-1)", 11) != 0);
        ck_assert_int_gt(lines, 60);
    } else {
        puts("skipped: this host does not let us trace");
    }
    fclose(host);
    fclose(own);
}
END_TEST

int main(int argc, char **argv)
{
    static char program[4096];
    if (argc == 2 && strcmp(argv[1], "--calls") == 0)
        _exit(make_calls()); /* no leak check at exit: it cannot run while traced */
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return EXIT_FAILURE;
    self = program;

    Suite *suite = suite_create("strace_host");
    TCase *tests = tcase_create("host");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, prints_what_the_hosts_strace_prints);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

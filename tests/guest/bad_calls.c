/* System calls with wrong arguments: the error each gives. Raw calls, so that the C library checks
 * nothing. */
#include "guest.h"

#define BAD 8L
#define HOLE ((long)hole)
#define KERNEL ((long)0xffff800000000000)
static char *hole, *path, *good;

struct attempt {
    const char *name;
    long number, a[6];
};
#define TRY(call, ...) try(#call "(" #__VA_ARGS__ ")", SYS_##call, (long[6]){ __VA_ARGS__ })

static void try(const char *name, long number, const long a[6])
{
    errno = 0;
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    show_result(name, result);
}

int main(void)
{
    hole = pages(2, PROT_READ | PROT_WRITE);
    munmap(hole + PAGE, PAGE);
    path = hole + PAGE - 4; /* a path that runs into nothing */
    memset(path, 'p', 4);
    good = pages(1, PROT_READ | PROT_WRITE);
    char *const read_only = pages(1, PROT_READ);
    int ends[2], null = open("/dev/null", O_RDWR), dir = open("/", O_RDONLY | O_DIRECTORY);
    if (pipe(ends))
        return 1;
    long in = ends[0], out = ends[1];
    if (write(ends[1], "some bytes", 10) != 10)
        return 1;

    TRY(read, in, BAD, 5);
    TRY(read, in, KERNEL, 5);
    TRY(read, in, (long)read_only, 5);
    TRY(read, -1, (long)good, 5);
    TRY(read, dir, (long)good, 5);
    TRY(write, out, BAD, 5);
    TRY(write, out, KERNEL, 5);
    TRY(write, 1000, (long)good, 5);
    TRY(write, null, BAD, 0);
    TRY(open, BAD, 0, 0);
    TRY(open, (long)path, 0, 0);
    TRY(open, KERNEL, 0, 0);
    TRY(openat, AT_FDCWD, BAD, 0, 0);
    TRY(openat, -5, (long)"x", 0, 0);
    TRY(close, -1);
    TRY(close, 1 << 20);
    TRY(stat, BAD, (long)good);
    TRY(stat, (long)"/", BAD);
    TRY(fstat, 1, BAD);
    TRY(fstat, -1, (long)good);
    TRY(lstat, (long)"/", KERNEL);
    TRY(newfstatat, AT_FDCWD, (long)"/", (long)good, 0x12345678);
    TRY(statx, AT_FDCWD, (long)"/", 0, 0xfff, BAD);
    TRY(poll, BAD, 1, 0);
    TRY(poll, (long)good, 100000000, 0);
    TRY(lseek, in, 0, 0);
    TRY(lseek, -1, 0, 0);
    TRY(mmap, 0, 4096, 1, 0, -1, 0);
    TRY(mmap, 0, 4096, 1, 3, -1, 0);
    TRY(mprotect, 1, 4096, 1);
    TRY(munmap, 1, 4096);
    TRY(rt_sigaction, 1, BAD, 0, 8);
    TRY(rt_sigaction, 1, 0, BAD, 8);
    TRY(rt_sigaction, 1, 0, 0, 4);
    TRY(rt_sigaction, 65, 0, 0, 8);
    TRY(rt_sigprocmask, 0, BAD, 0, 8);
    TRY(rt_sigprocmask, 0, 0, BAD, 8);
    TRY(rt_sigprocmask, 0, 0, 0, 16);
    TRY(rt_sigprocmask, 7, (long)good, 0, 8);
    TRY(rt_sigpending, BAD, 8);
    TRY(rt_sigpending, (long)good, 16);
    TRY(rt_sigsuspend, BAD, 8);
    TRY(rt_sigsuspend, (long)good, 7);
    TRY(rt_sigtimedwait, BAD, 0, 0, 8);
    TRY(rt_sigtimedwait, (long)good, 0, BAD, 8);
    TRY(rt_sigqueueinfo, getpid(), 10, BAD);
    TRY(sigaltstack, BAD, 0);
    TRY(sigaltstack, 0, BAD);
    TRY(ioctl, -1, 0x5401, 0);
    TRY(ioctl, in, 0x5401, (long)good);
    TRY(ioctl, in, 0x541b, BAD);
    TRY(pread64, in, (long)good, 1, 0);
    TRY(pwrite64, out, (long)good, 1, 0);
    TRY(pread64, null, (long)good, 1, -1);
    TRY(readv, in, BAD, 1);
    TRY(readv, in, (long)good, 2000);
    TRY(writev, out, BAD, 1);
    TRY(access, BAD, 0);
    TRY(access, (long)"/", 8);
    TRY(faccessat, AT_FDCWD, BAD, 0);
    TRY(pipe, BAD);
    TRY(pipe2, (long)good, 1);
    TRY(pipe2, (long)read_only, 0);
    TRY(select, -1, 0, 0, 0, 0);
    TRY(select, 1, BAD, 0, 0, 0);
    TRY(select, 0, 0, 0, 0, BAD);
    TRY(mremap, 1, 4096, 4096, 0);
    TRY(madvise, 1, 4096, 0);
    TRY(dup, -1);
    TRY(dup2, 1, -1);
    TRY(dup2, 1, 1 << 20);
    TRY(dup3, 1, 1, 0);
    TRY(dup3, 1, 100, 5);
    TRY(nanosleep, BAD, 0);
    TRY(nanosleep, (long)(long[]){ -1, 0 }, 0);
    TRY(nanosleep, (long)(long[]){ 0, 1000000000 }, 0);
    TRY(clock_nanosleep, 99, 0, (long)(long[]){ 0, 0 }, 0);
    TRY(getitimer, 9, (long)good);
    TRY(getitimer, 0, BAD);
    TRY(setitimer, 0, BAD, 0);
    TRY(setitimer, 0, (long)(long[]){ 0, 0, 0, 1000000 }, 0);

    TRY(clone, 0x10000 | 17, 0, 0, 0, 0);        /* CLONE_THREAD without CLONE_SIGHAND */
    TRY(clone, 0x800 | 17, 0, 0, 0, 0);          /* CLONE_SIGHAND without CLONE_VM */
    TRY(execve, BAD, 0, 0);
    TRY(execve, (long)"/nowhere", BAD, 0);
    TRY(execveat, AT_FDCWD, (long)"", 0, 0, 0);
    TRY(wait4, -1, 0, 0x100, 0);
    TRY(wait4, -1, 0, 0, 0);
    TRY(waitid, 9, 0, 0, 4, 0);
    TRY(waitid, 0, 0, 0, 0, 0);
    TRY(kill, 0x3fffffff, 0);
    TRY(kill, getpid(), 65);
    TRY(tgkill, -1, 1, 0);
    TRY(tgkill, getpid(), 0x3fffffff, 0);
    TRY(tkill, 0, 0);
    TRY(uname, BAD);
    TRY(fcntl, -1, 3, 0);
    TRY(fcntl, 1, 9999, 0);
    TRY(fcntl, 1, 6, BAD);
    TRY(flock, -1, 1);
    TRY(flock, null, 77);
    TRY(fsync, -1);
    TRY(fsync, in);
    TRY(truncate, BAD, 0);
    TRY(truncate, (long)"/", 0);
    TRY(truncate, (long)"/", -1);
    TRY(ftruncate, in, 0);
    TRY(ftruncate, -1, 0);
    TRY(getdents64, dir, BAD, 4096);
    TRY(getdents64, dir, (long)good, 1);
    TRY(getdents64, in, (long)good, 4096);
    TRY(getcwd, (long)good, 0);
    TRY(getcwd, (long)good, 1);
    TRY(getcwd, BAD, 4096);
    TRY(chdir, BAD);
    TRY(chdir, (long)"/nowhere");
    TRY(fchdir, in);
    TRY(rename, BAD, (long)"x");
    TRY(rename, (long)"/nowhere/x", (long)"/tmp/y");
    TRY(renameat2, AT_FDCWD, (long)"/nowhere", AT_FDCWD, (long)"/tmp/y", 0x70);
    TRY(mkdir, BAD, 0);
    TRY(mkdir, (long)"/", 0755);
    TRY(rmdir, BAD);
    TRY(rmdir, (long)"/nowhere");
    TRY(unlink, BAD);
    TRY(unlink, (long)"/");
    TRY(unlinkat, AT_FDCWD, (long)"/nowhere", 3);
    TRY(link, BAD, (long)"x");
    TRY(symlink, (long)"", (long)"/tmp/empty");
    TRY(symlink, BAD, (long)"/tmp/x");
    TRY(readlink, BAD, (long)good, 10);
    TRY(readlink, (long)"/", (long)good, 10);
    TRY(readlink, (long)"/", (long)good, 0);
    TRY(chmod, BAD, 0);
    TRY(fchmod, -1, 0);
    TRY(chown, BAD, 0, 0);
    TRY(fchown, -1, 0, 0);
    TRY(gettimeofday, BAD, 0);
    TRY(getrlimit, 99, (long)good);
    TRY(getrlimit, 0, BAD);
    TRY(prlimit64, 0, 99, 0, (long)good);
    TRY(prlimit64, 0x3fffffff, 1, 0, (long)good);
    TRY(prlimit64, 0, 3, (long)(long[]){ 2, 1 }, 0);
    TRY(getrusage, 99, (long)good);
    TRY(getrusage, 0, BAD);
    TRY(sysinfo, BAD);
    TRY(times, BAD);
    TRY(getgroups, -1, 0);
    TRY(setpgid, 0, -1);
    TRY(getpgid, 0x3fffffff);
    TRY(prctl, 99999, 0, 0, 0, 0);
    TRY(prctl, 16, BAD, 0, 0, 0);
    TRY(prctl, 15, BAD, 0, 0, 0);
    TRY(arch_prctl, 0x1234, 0);
    TRY(arch_prctl, 0x1002, KERNEL);
    TRY(arch_prctl, 0x1003, BAD);
    TRY(futex, BAD, 0, 0, 0, 0, 0);
    TRY(futex, (long)good, 0, 1, 0, 0, 0);
    TRY(futex, (long)good + 1, 0, 0, 0, 0, 0);
    TRY(futex, (long)good, 99, 0, 0, 0, 0);
    TRY(futex, (long)good, 1, 1, 0, 0, 0);
    TRY(futex, (long)good, 0, 0, BAD, 0, 0);
    TRY(set_robust_list, (long)good, 8);
    TRY(clock_gettime, 0, BAD);
    TRY(clock_gettime, 99, (long)good);
    TRY(clock_getres, 99, (long)good);
    TRY(utimensat, AT_FDCWD, (long)"/nowhere", 0, 0);
    TRY(utimensat, AT_FDCWD, BAD, 0, 0);
    TRY(eventfd2, 0, 0x10);
    TRY(getrandom, BAD, 8, 0);
    TRY(getrandom, (long)good, 8, 0x100);
    TRY(sched_getaffinity, 0, 1, (long)good);
    TRY(sched_getaffinity, 0x3fffffff, 8, (long)good);
    TRY(getcpu, BAD, 0, 0);
    TRY(close_range, 9, 8, 0);
    TRY(copy_file_range, -1, 0, -1, 0, 1, 0);
    TRY(sendfile, -1, -1, 0, 1);
    TRY(umask, 0xfff);
    return 0;
}

/* Contents and attributes: reading, writing, seeking, sizes, holes, modes, times, locks that
 * have an outcome of their own. */
/* flags: -Wno-unused-result */
#include "directory.h"

#include <sys/file.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>

/* Not mapped; the compiler must not know. */
static void *bad_address(void)
{
    static void *volatile address = (void *)8;
    return address;
}

static char buffer[65536];

static void reading(void)
{
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CALL(write(fd, "0123456789", 10));
    CALL(read(fd, buffer, 10));
    CALL(lseek(fd, 2, SEEK_SET));
    CALL(read(fd, buffer, 3));
    printf("%.3s\n", buffer);
    CALL(pread(fd, buffer, 4, 8));
    CALL(pread(fd, buffer, 4, 100));
    CALL(pread(fd, buffer, 4, -1));
    CALL(lseek(fd, 0, SEEK_CUR));
    CALL(pwrite(fd, "ab", 2, 20));
    CALL(lseek(fd, 0, SEEK_END));
    CALL(pread(fd, buffer, 30, 0));
    printf("%d %d %c\n", buffer[10], buffer[19], buffer[20]);
    CALL(read(99, buffer, 1));
    CALL(read(fd, bad_address(), 1));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(read(fd, bad_address(), 1));
    CALL(read(fd, (void *)((char *)bad_address() - 9), 1));
    CALL(read(fd, bad_address(), 0));
    CALL(syscall(SYS_read, fd, buffer, -1L));
    CALL(write(fd, bad_address(), 1));
    CALL(write(fd, bad_address(), 0));
    CALL(pwrite(fd, "x", 1, -5));
    close(fd);
    fd = open("f", O_RDONLY);
    CALL(write(fd, "x", 1));
    CALL(ftruncate(fd, 1));
    close(fd);
    fd = open("f", O_WRONLY);
    CALL(read(fd, buffer, 1));
    CALL(read(fd, bad_address(), 1));
    close(fd);
    fd = open(".", O_RDONLY);
    CALL(read(fd, buffer, 1));
    CALL(pread(fd, buffer, 1, 0));
    CALL(write(fd, buffer, 1));
    close(fd);
    fd = open("f", 3);
    CALL(read(fd, buffer, 1));
    CALL(write(fd, buffer, 1));
    close(fd);
}

static void seeking(void)
{
    int fd = open("s", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CALL(write(fd, "hello", 5));
    CALL(lseek(fd, -1, SEEK_SET));
    CALL(lseek(fd, -10, SEEK_CUR));
    CALL(lseek(fd, -5, SEEK_END));
    CALL(lseek(fd, 0, 99));
    CALL(lseek(fd, 1L << 40, SEEK_SET));
    CALL(lseek(fd, 0x7fffffffffffffff, SEEK_CUR));
    CALL(lseek(fd, 100, SEEK_SET));
    CALL(read(fd, buffer, 5));
    CALL(lseek(fd, 0, SEEK_DATA));
    CALL(lseek(fd, 0, SEEK_HOLE));
    CALL(lseek(fd, 5, SEEK_DATA));
    CALL(lseek(fd, -1, SEEK_DATA));
    CALL(pwrite(fd, "end", 3, 1 << 20));
    CALL(lseek(fd, 0, SEEK_END));
    struct stat st;
    CALL(fstat(fd, &st));
    SHOW(st.st_size);
    SHOW(st.st_blocks < 2048);
    CALL(pread(fd, buffer, 65536, 1000000));
    SHOW(buffer[0] == 0 && buffer[48576] == 'e');
    CALL(lseek(99, 0, SEEK_SET));
    close(fd);
}

static void appending(void)
{
    int fd = open("a", O_RDWR | O_CREAT | O_APPEND, 0644), other = open("a", O_RDWR);
    CALL(write(fd, "one", 3));
    CALL(write(other, "X", 1));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(write(fd, "two", 3));
    CALL(lseek(fd, 0, SEEK_CUR));
    CALL(pwrite(fd, "three", 5, 0));
    CALL(pread(fd, buffer, 100, 0));
    printf("%.11s\n", buffer);
    CALL(fcntl(fd, F_SETFL, 0));
    CALL(pwrite(fd, "Z", 1, 0));
    CALL(pread(fd, buffer, 1, 0));
    printf("%c\n", buffer[0]);
    close(fd);
    close(other);
}

static void sizes(void)
{
    struct stat st;
    int fd = open("t", O_RDWR | O_CREAT | O_TRUNC, 0644);
    memset(buffer, 'q', 10000);
    CALL(write(fd, buffer, 10000));
    CALL(ftruncate(fd, 5000));
    CALL(ftruncate(fd, 9000));
    CALL(pread(fd, buffer, 9000, 0));
    SHOW(buffer[4999] == 'q' && buffer[5000] == 0 && buffer[8999] == 0);
    CALL(ftruncate(fd, -1));
    CALL(truncate("t", 3));
    CALL(fstat(fd, &st));
    SHOW(st.st_size);
    CALL(truncate(".", 0));
    CALL(truncate("missing", 0));
    CALL(truncate("t", -1));
    CALL(truncate("t/x", 0));
    CALL(ftruncate(99, 0));
    CALL(posix_fallocate(fd, 0, 8192));
    CALL(fstat(fd, &st));
    SHOW(st.st_size);
    CALL(syscall(SYS_fallocate, fd, 0, 0L, 0L));
    CALL(syscall(SYS_fallocate, fd, 0, -1L, 5L));
    CALL(syscall(SYS_fallocate, fd, 0x1000, 0L, 5L));
    CALL(syscall(SYS_fallocate, 99, 0, 0L, 5L));
    close(fd);
    fd = open("t", O_RDONLY | O_TRUNC);
    CALL(fstat(fd, &st));
    SHOW(st.st_size);
    close(fd);
    close(fd);
}

/* Standard output may be a file too: nothing is printed while the limit is low. */
static void size_limit(void)
{
    struct rlimit old, low;
    long results[4];
    int errors[4];
    getrlimit(RLIMIT_FSIZE, &old);
    low = old;
    low.rlim_cur = 100;
    signal(SIGXFSZ, SIG_IGN);
    int fd = open("limited", O_RDWR | O_CREAT, 0644);
    setrlimit(RLIMIT_FSIZE, &low);
    for (int i = 0; i < 4; i++) {
        errno = 0;
        results[i] = i < 2    ? write(fd, buffer, 150)
                     : i == 2 ? ftruncate(fd, 150)
                              : pwrite(fd, buffer, 10, 95);
        errors[i] = errno;
    }
    setrlimit(RLIMIT_FSIZE, &old);
    for (int i = 0; i < 4; i++)
        printf("limited %d: %ld %d\n", i, results[i], errors[i]);
    close(fd);
    signal(SIGXFSZ, SIG_DFL);
}

static void vectors(void)
{
    char a[4] = "", b[8] = "";
    struct iovec out[3] = { { "abc", 3 }, { "", 0 }, { "defgh", 5 } };
    struct iovec in[2] = { { a, 3 }, { b, 7 } };
    struct iovec bad[2] = { { "ok", 2 }, { bad_address(), 4 } };
    struct iovec huge = { a, (size_t)-1 };
    int fd = open("v", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CALL(writev(fd, out, 3));
    CALL(preadv(fd, in, 2, 0));
    printf("%s %s\n", a, b);
    CALL(writev(fd, bad, 2));
    CALL(lseek(fd, 0, SEEK_END));
    CALL(writev(fd, bad + 1, 1));
    CALL(writev(fd, &huge, 1));
    CALL(writev(fd, out, 0));
    CALL(syscall(SYS_writev, fd, out, -1L));
    CALL(syscall(SYS_writev, fd, out, 1025L));
    CALL(writev(fd, bad_address(), 1));
    CALL(pwritev(fd, out, 3, 100));
    CALL(pwritev(fd, out, 3, -100));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(readv(fd, in, 2));
    CALL(readv(99, in, 2));
    CALL(syscall(SYS_preadv2, fd, in, 2, -1L, 0L, 0));
    CALL(syscall(SYS_preadv2, fd, in, 2, 0L, 0L, 0x4000));
    close(fd);
}

static void copying(void)
{
    int in = open("v", O_RDONLY), out = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0644), pair[2];
    off_t offset = 2;
    CALL(sendfile(out, in, &offset, 4));
    SHOW(offset);
    CALL(lseek(in, 0, SEEK_CUR));
    CALL(sendfile(out, in, NULL, 1000));
    CALL(lseek(in, 0, SEEK_CUR));
    CALL(sendfile(out, in, NULL, 1000));
    CALL(sendfile(in, out, NULL, 10));
    CALL(sendfile(out, 99, NULL, 10));
    CALL(pipe(pair));
    CALL(sendfile(out, pair[0], NULL, 10));
    offset = 0;
    CALL(sendfile(pair[1], in, &offset, 8));
    CALL(read(pair[0], buffer, 100));
    loff_t from = 0, to = 200;
    CALL(copy_file_range(in, &from, out, &to, 8, 0));
    printf("%d %d\n", (int)from, (int)to);
    CALL(copy_file_range(out, NULL, out, &to, 8, 0));
    CALL(copy_file_range(in, &from, out, &to, 8, 1));
    CALL(copy_file_range(pair[0], NULL, out, &to, 8, 0));
    close(in), close(out), close(pair[0]), close(pair[1]);
}

static void modes(void)
{
    struct stat st;
    int fd = open("m", O_RDWR | O_CREAT, 0666);
    CALL(fstat(fd, &st));
    SHOW(st.st_mode);
    CALL(umask(077));
    CALL(umask(022));
    CALL(fchmod(fd, 04751));
    CALL(fstat(fd, &st));
    SHOW(st.st_mode);
    CALL(chmod("m", 0170644));
    CALL(stat("m", &st));
    SHOW(st.st_mode);
    CALL(chmod("missing", 0));
    CALL(symlink("m", "ml"));
    CALL(chmod("ml", 0600));
    CALL(lstat("ml", &st));
    SHOW(st.st_mode);
    CALL(stat("m", &st));
    SHOW(st.st_mode);
    CALL(chown("m", -1, -1));
    CALL(lchown("ml", -1, -1));
    CALL(fchown(fd, geteuid(), getegid()));
    CALL(chown("missing", -1, -1));
    CALL(fchownat(AT_FDCWD, "m", -1, -1, 0x800000));
    CALL(access("m", R_OK | W_OK));
    CALL(access("m", F_OK));
    CALL(access("m", X_OK));
    CALL(access("m", 8));
    CALL(access("missing", F_OK));
    CALL(access(".", X_OK));
    CALL(syscall(439, AT_FDCWD, "m", R_OK, AT_EACCESS));
    CALL(syscall(439, AT_FDCWD, "m", R_OK, 0x10000));
    CALL(mkdir("md", 01777));
    CALL(stat("md", &st));
    SHOW(st.st_mode);
    close(fd);
}

static void times(void)
{
    struct stat st;
    struct timespec ts[2] = { { 1000, 5 }, { 2000, 999999999 } };
    struct timeval tv[2] = { { 3000, 7 }, { 4000, 8 } };
    int fd = open("tm", O_RDWR | O_CREAT, 0644);
    CALL(futimens(fd, ts));
    CALL(fstat(fd, &st));
    SHOW(st.st_atim.tv_sec), SHOW(st.st_atim.tv_nsec), SHOW(st.st_mtim.tv_nsec);
    ts[0].tv_nsec = UTIME_OMIT;
    ts[1].tv_sec = 5;
    CALL(utimensat(AT_FDCWD, "tm", ts, 0));
    CALL(fstat(fd, &st));
    SHOW(st.st_atim.tv_sec), SHOW(st.st_mtim.tv_sec);
    ts[0].tv_nsec = -1;
    CALL(utimensat(AT_FDCWD, "tm", ts, 0));
    ts[0].tv_nsec = 1000000000;
    CALL(utimensat(AT_FDCWD, "tm", ts, 0));
    ts[0].tv_nsec = ts[1].tv_nsec = UTIME_OMIT;
    CALL(utimensat(AT_FDCWD, "missing", ts, 0));
    CALL(utimes("tm", tv));
    CALL(fstat(fd, &st));
    SHOW(st.st_atim.tv_sec), SHOW(st.st_mtim.tv_nsec);
    tv[0].tv_usec = 1000000;
    CALL(utimes("tm", tv));
    CALL(utimes("missing", NULL));
    CALL(utimensat(AT_FDCWD, "tm", NULL, 0x800000));
    CALL(utimes("tm", NULL));
    CALL(fstat(fd, &st));
    SHOW(st.st_atim.tv_sec > 1600000000);
    ts[0] = (struct timespec){ 1, 0 };
    ts[1] = (struct timespec){ 1, 0 };
    CALL(futimens(fd, ts));
    CALL(write(fd, "x", 1));
    CALL(fstat(fd, &st));
    SHOW(st.st_atim.tv_sec), SHOW(st.st_mtim.tv_sec > 1);
    CALL(pread(fd, buffer, 1, 0));
    CALL(fstat(fd, &st));
    SHOW(st.st_atim.tv_sec > 1);
    CALL(syscall(SYS_utimensat, 99, NULL, ts, 0));
    close(fd);
}

static void statx_and_friends(void)
{
    struct statx sx;
    struct stat st;
    CALL(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx));
    CALL(stat("f", &st));
    SHOW(sx.stx_ino == st.st_ino && sx.stx_mode == st.st_mode && sx.stx_nlink == st.st_nlink);
    SHOW(sx.stx_size == (unsigned long)st.st_size);
    SHOW((sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    CALL(syscall(SYS_statx, AT_FDCWD, "f", 0x6000, STATX_BASIC_STATS, &sx));
    CALL(syscall(SYS_statx, AT_FDCWD, "f", 0x800000, STATX_BASIC_STATS, &sx));
    CALL(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000u, &sx));
    CALL(syscall(SYS_statx, AT_FDCWD, "f", 0, 0, bad_address()));
    CALL(syscall(SYS_statx, AT_FDCWD, "missing", 0, 0, &sx));
    CALL(syscall(SYS_fstat, 99, &st));
    char fs[256];
    CALL(syscall(SYS_statfs, ".", fs));
    CALL(syscall(SYS_statfs, "missing", fs));
    CALL(syscall(SYS_statfs, ".", bad_address()));
    CALL(syscall(SYS_fstatfs, 99, fs));
    int fd = open("f", O_RDWR);
    CALL(fsync(fd));
    CALL(fdatasync(fd));
    CALL(fsync(99));
    CALL(syncfs(fd));
    CALL(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    CALL(posix_fadvise(fd, 0, 0, 99));
    CALL(posix_fadvise(99, 0, 0, 0));
    close(fd);
}

static void flocks(void)
{
    int a = open("f", O_RDWR), b = open("f", O_RDWR);
    CALL(flock(a, LOCK_SH));
    CALL(flock(b, LOCK_SH | LOCK_NB));
    CALL(flock(b, LOCK_EX | LOCK_NB));
    CALL(flock(a, LOCK_UN));
    CALL(flock(b, LOCK_EX | LOCK_NB));
    CALL(flock(a, LOCK_SH | LOCK_NB));
    CALL(flock(a, 9));
    CALL(flock(99, LOCK_SH));
    close(b);
    CALL(flock(a, LOCK_EX | LOCK_NB));
    close(a);
}

static void record(int fd, const char *what, int command, short type, off_t start, off_t length)
{
    struct flock f = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
    errno = 0;
    int result = fcntl(fd, command, &f);
    show_result(what, result);
    if (result == 0 && command == F_GETLK)
        printf("type %d start %ld length %ld mine %d\n", f.l_type, (long)f.l_start, (long)f.l_len,
               f.l_pid == getppid());
    fflush(stdout);
}

static void record_locks(void)
{
    int fd = open("f", O_RDWR), read_only = open("f", O_RDONLY), status;
    record(fd, "lock 10+20", F_SETLK, F_WRLCK, 10, 20);
    record(fd, "again", F_SETLK, F_WRLCK, 15, 5);
    record(fd, "middle read", F_SETLK, F_RDLCK, 15, 5);
    record(fd, "get of mine", F_GETLK, F_WRLCK, 0, 0);
    record(read_only, "write lock, read only", F_SETLK, F_WRLCK, 50, 1);
    record(fd, "negative", F_SETLK, F_WRLCK, -5, 1);
    record(fd, "backwards", F_SETLK, F_WRLCK, 110, -10);
    record(fd, "bad type", F_SETLK, 77, 0, 1);
    pid_t child = fork();
    if (child == 0) {
        record(fd, "child get all", F_GETLK, F_WRLCK, 0, 0);
        record(fd, "child get 15", F_GETLK, F_RDLCK, 15, 2);
        record(fd, "child get 20", F_GETLK, F_RDLCK, 20, 2);
        record(fd, "child get 105", F_GETLK, F_RDLCK, 105, 0);
        record(fd, "child set", F_SETLK, F_RDLCK, 12, 1);
        record(fd, "child shares", F_SETLK, F_RDLCK, 16, 1);
        record(fd, "child beyond", F_SETLK, F_WRLCK, 200, 0);
        record(fd, "child waits", F_SETLKW, F_WRLCK, 10, 1);
        record(fd, "child has it", F_GETLK, F_WRLCK, 10, 1);
        _exit(0);
    }
    usleep(50000);
    struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
    int unlocked = fcntl(fd, F_SETLK, &all); /* told below: the child prints from here on */
    waitpid(child, &status, 0);
    show_result("unlock", unlocked);
    show_status("child", status);
    record(fd, "relock", F_SETLK, F_WRLCK, 0, 0);
    close(read_only); /* drops every lock of the process on the file */
    child = fork();
    if (child == 0) {
        record(fd, "after close of another", F_GETLK, F_WRLCK, 0, 0);
        _exit(0);
    }
    waitpid(child, &status, 0);
    close(fd);
}

static void mappings(void)
{
    int fd = open("map", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CALL(ftruncate(fd, 8192));
    CALL(pwrite(fd, "hello", 5, 4096));
    char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    SHOW(shared != MAP_FAILED && private != MAP_FAILED);
    printf("%.5s %.5s\n", shared + 4096, private + 4096);
    shared[0] = 'S';
    private[1] = 'P';
    CALL(pread(fd, buffer, 2, 0));
    printf("%d %d\n", buffer[0], buffer[1]);
    CALL(pwrite(fd, "W", 1, 100));
    printf("%d\n", shared[100]);
    CALL(msync(shared, 8192, MS_SYNC));
    CALL(munmap(shared, 8192));
    CALL(munmap(private, 8192));
    int read_only = open("map", O_RDONLY), write_only = open("map", O_WRONLY);
    SHOW(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, read_only, 0) == MAP_FAILED && errno == EACCES);
    SHOW(mmap(NULL, 4096, PROT_WRITE, MAP_PRIVATE, read_only, 0) != MAP_FAILED);
    SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, write_only, 0) == MAP_FAILED && errno == EACCES);
    int dir = open(".", O_RDONLY);
    SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, dir, 0) == MAP_FAILED && errno == ENODEV);
    close(fd), close(read_only), close(write_only), close(dir);
    fd = open("map", O_RDONLY);
    CALL(read(fd, buffer, 101));
    printf("%c %c\n", buffer[0], buffer[100]);
    close(fd);
}

int main(int argc, char **argv)
{
    directory_enter(argc, argv);
    reading();
    seeking();
    appending();
    vectors();
    copying();
    modes();
    times();
    statx_and_friends();
    flocks();
    record_locks();
    mappings();
    sizes();
    size_limit();
    directory_leave();
    return 0;
}

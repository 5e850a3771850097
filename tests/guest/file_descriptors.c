/* Descriptors: duplicating, flags, limits, pipes, FIFOs, eventfd, poll and select, devices and
 * the parts of /proc that name descriptors. */
/* flags: -Wno-unused-result */
#include "directory.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>

/* Not mapped; the compiler must not know. */
static void *bad_address(void)
{
    static void *volatile address = (void *)8;
    return address;
}

static char buffer[200000];

static void duplicating(void)
{
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    SHOW(fd);
    CALL(dup(fd));
    CALL(dup2(fd, 10));
    CALL(dup2(fd, fd));
    CALL(dup2(99, 11));
    CALL(dup2(99, 99));
    CALL(dup2(fd, -1));
    CALL(dup2(fd, 100000000));
    CALL(dup3(fd, fd, 0));
    CALL(dup3(fd, 12, O_CLOEXEC));
    CALL(fcntl(12, F_GETFD));
    CALL(fcntl(10, F_GETFD));
    CALL(dup3(fd, 12, 0x123));
    CALL(dup(99));
    CALL(fcntl(fd, F_DUPFD, 20));
    CALL(fcntl(fd, F_DUPFD_CLOEXEC, 20));
    CALL(fcntl(21, F_GETFD));
    CALL(fcntl(fd, F_DUPFD, -1));
    CALL(fcntl(fd, F_DUPFD, 100000000));
    CALL(fcntl(fd, F_SETFD, FD_CLOEXEC));
    CALL(fcntl(fd, F_GETFD));
    CALL(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    CALL(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_WRONLY));
    CALL(fcntl(10, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    CALL(fcntl(99, F_GETFL));
    CALL(fcntl(fd, 9999));
    CALL(write(fd, "abc", 3));
    CALL(lseek(10, 0, SEEK_CUR));
    CALL(close(10));
    CALL(close(10));
    CALL(close(-1));
    CALL(syscall(SYS_close_range, 11, 30, 0));
    CALL(close(12));
    CALL(close(4));
    CALL(syscall(SYS_close_range, 30, 11, 0));
    CALL(syscall(SYS_close_range, 3, 3, 4));
    CALL(fcntl(3, F_GETFD));
    CALL(close(fd));
    CALL(open("f", O_RDONLY | O_CLOEXEC));
    CALL(fcntl(3, F_GETFD));
    CALL(close(3));
}

static void limits(void)
{
    struct rlimit old, limit;
    getrlimit(RLIMIT_NOFILE, &old);
    limit = old;
    limit.rlim_cur = 8;
    CALL(setrlimit(RLIMIT_NOFILE, &limit));
    int last = -1, fd;
    while ((fd = open("f", O_RDONLY)) >= 0)
        last = fd;
    SHOW(last);
    SHOW(errno);
    CALL(dup(0));
    CALL(dup2(0, 8));
    CALL(fcntl(0, F_DUPFD, 8));
    int pair[2] = { -5, -5 };
    close(7);
    CALL(pipe(pair));
    SHOW(pair[0]);
    CALL(open("f", O_RDONLY));
    for (fd = 3; fd < 8; fd++)
        close(fd);
    CALL(pipe(bad_address()));
    CALL(open("f", O_RDONLY));
    close(3);
    setrlimit(RLIMIT_NOFILE, &old);
}

static void pipes(void)
{
    int p[2];
    struct stat st;
    signal(SIGPIPE, SIG_IGN);
    CALL(pipe2(p, 0x123));
    CALL(pipe2(p, O_CLOEXEC | O_NONBLOCK));
    printf("%d %d\n", p[0], p[1]);
    CALL(fcntl(p[0], F_GETFD));
    CALL(fcntl(p[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK));
    CALL(fstat(p[0], &st));
    SHOW(st.st_mode);
    CALL(read(p[0], buffer, 10));
    CALL(write(p[1], "hello", 5));
    int count;
    CALL(ioctl(p[0], FIONREAD, &count));
    SHOW(count);
    CALL(read(p[0], buffer, 3));
    CALL(read(p[0], buffer, 10));
    CALL(write(p[0], "x", 1));
    CALL(read(p[1], buffer, 1));
    CALL(lseek(p[0], 0, SEEK_SET));
    CALL(pread(p[0], buffer, 1, 0));
    CALL(ftruncate(p[1], 0));
    CALL(fcntl(p[0], F_GETPIPE_SZ));
    CALL(write(p[1], buffer, sizeof buffer));
    CALL(write(p[1], buffer, 1));
    CALL(read(p[0], buffer, 4096));
    CALL(write(p[1], buffer, 5000));
    CALL(write(p[1], buffer, 4096));
    CALL(read(p[0], buffer, sizeof buffer));
    long writes = 0;
    while (write(p[1], buffer, 3000) == 3000)
        writes++;
    show("3000-byte writes", writes);
    CALL(read(p[0], buffer, sizeof buffer));
    for (writes = 0; write(p[1], buffer, 1) == 1; writes++)
        continue;
    show("1-byte writes", writes);
    CALL(read(p[0], buffer, sizeof buffer));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 5000));
    CALL(write(p[1], buffer, 20000));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 4096));
    CALL(read(p[0], buffer, sizeof buffer));
    CALL(write(p[1], "left", 4));
    CALL(write(p[1], bad_address(), 4));
    CALL(close(p[1]));
    CALL(read(p[0], bad_address(), 4));
    CALL(read(p[0], buffer, 100));
    CALL(read(p[0], buffer, 100));
    CALL(close(p[0]));
    CALL(pipe(p));
    CALL(close(p[0]));
    CALL(write(p[1], "x", 1));
    CALL(write(p[1], "x", 0));
    CALL(close(p[1]));
    signal(SIGPIPE, SIG_DFL);
}

static void blocking_pipes(void)
{
    int p[2], status;
    pipe(p);
    pid_t child = fork();
    if (child == 0) {
        close(p[0]);
        memset(buffer, 'z', sizeof buffer);
        CALL(write(p[1], buffer, sizeof buffer));
        _exit(0);
    }
    close(p[1]);
    long total = 0, n;
    while ((n = read(p[0], buffer, 5000)) > 0)
        total += n;
    show("through the pipe", total);
    waitpid(child, &status, 0);
    show_status("writer", status);
    close(p[0]);
    pipe(p);
    child = fork();
    if (child == 0) {
        close(p[0]);
        write(p[1], "x", 1);
        write(p[1], "x", 1);
        for (;;)
            write(p[1], buffer, 4096);
    }
    close(p[1]);
    read(p[0], buffer, 1);
    close(p[0]);
    waitpid(child, &status, 0);
    show_status("writer without reader", status);
}

static void fifos(void)
{
    int status;
    CALL(mkfifo("fifo", 0600));
    CALL(open("fifo", O_WRONLY | O_NONBLOCK));
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    SHOW(reader);
    CALL(read(reader, buffer, 1));
    struct pollfd p = { .fd = reader, .events = POLLIN };
    CALL(poll(&p, 1, 0));
    int writer = open("fifo", O_WRONLY);
    SHOW(writer);
    CALL(read(reader, buffer, 1));
    CALL(write(writer, "fifo", 4));
    CALL(read(reader, buffer, 10));
    CALL(close(writer));
    CALL(poll(&p, 1, 0));
    SHOW(p.revents);
    CALL(close(reader));
    pid_t child = fork();
    if (child == 0) {
        int fd = open("fifo", O_WRONLY);
        _exit(write(fd, "meet", 4) != 4);
    }
    int fd = open("fifo", O_RDONLY);
    CALL(read(fd, buffer, 10));
    CALL(read(fd, buffer, 10));
    waitpid(child, &status, 0);
    show_status("writer to the fifo", status);
    close(fd);
    fd = open("fifo", O_RDWR);
    CALL(write(fd, "self", 4));
    CALL(read(fd, buffer, 10));
    close(fd);
    CALL(unlink("fifo"));
}

static void eventfds(void)
{
    uint64_t value = 5;
    int e = eventfd(3, EFD_NONBLOCK), s = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
    CALL(write(e, &value, 8));
    CALL(read(e, &value, 8));
    SHOW(value);
    CALL(read(e, &value, 8));
    CALL(read(e, &value, 4));
    CALL(write(e, &value, 4));
    value = UINT64_MAX;
    CALL(write(e, &value, 8));
    value = UINT64_MAX - 1;
    CALL(write(e, &value, 8));
    value = 1;
    CALL(write(e, &value, 8));
    CALL(read(s, &value, 8));
    SHOW(value);
    CALL(read(s, &value, 8));
    CALL(read(s, &value, 8));
    CALL(lseek(e, 0, SEEK_SET));
    CALL(eventfd(0, 0x123));
    close(e);
    close(s);
}

static void polling(void)
{
    int p[2], file = open("f", O_RDONLY);
    pipe(p);
    struct pollfd fds[5] = { { p[0], POLLIN, 0 }, { p[1], POLLOUT, 0 }, { file, POLLIN | POLLOUT, 0 },
                             { 99, POLLIN, 0 }, { -1, POLLIN, 7 } };
    CALL(poll(fds, 5, 0));
    for (int i = 0; i < 5; i++)
        printf("%d ", fds[i].revents);
    printf("\n");
    CALL(poll(fds, 1, 0));
    CALL(poll(fds, 1, 20));
    CALL(poll(NULL, 0, 1));
    CALL(poll(bad_address(), 1, 0));
    CALL(syscall(SYS_poll, fds, 100000000L, 0));
    write(p[1], "x", 1);
    CALL(poll(fds, 1, -1));
    SHOW(fds[0].revents);
    close(p[1]);
    CALL(poll(fds, 1, -1));
    SHOW(fds[0].revents);
    fd_set r, w, x;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&x);
    FD_SET(p[0], &r);
    FD_SET(file, &r);
    FD_SET(file, &w);
    CALL(select(file + 5, &r, &w, &x, NULL));
    SHOW(FD_ISSET(p[0], &r) != 0), SHOW(FD_ISSET(file, &w) != 0);
    FD_SET(60, &r);
    CALL(select(61, &r, NULL, NULL, NULL));
    CALL(select(-1, NULL, NULL, NULL, NULL));
    struct timeval tv = { 0, 1000 };
    CALL(select(0, NULL, NULL, NULL, &tv));
    SHOW(tv.tv_sec), SHOW(tv.tv_usec);
    tv.tv_usec = -1;
    CALL(select(0, NULL, NULL, NULL, &tv));
    struct timespec ts = { 0, 1000000000 };
    CALL(ppoll(NULL, 0, &ts, NULL));
    close(p[0]);
    pipe(p);
    pid_t child = fork();
    if (child == 0) {
        usleep(20000);
        write(p[1], "late", 4);
        _exit(0);
    }
    fds[0].fd = p[0];
    CALL(poll(fds, 1, -1));
    waitpid(child, NULL, 0);
    close(p[0]), close(p[1]), close(file);
}

static volatile int caught;
static void catch(int signo)
{
    caught = signo;
}

static void poll_signals(void)
{
    int p[2];
    sigset_t block, none, now;
    pipe(p);
    struct pollfd fd = { p[0], POLLIN, 0 };
    signal(SIGUSR1, catch);
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    raise(SIGUSR1);
    SHOW(caught);
    CALL(ppoll(&fd, 1, NULL, &none));
    SHOW(caught);
    sigprocmask(SIG_BLOCK, NULL, &now);
    SHOW(sigismember(&now, SIGUSR1));
    caught = 0;
    raise(SIGUSR1);
    write(p[1], "x", 1);
    CALL(ppoll(&fd, 1, NULL, &none));
    SHOW(caught != 0);
    sigprocmask(SIG_BLOCK, NULL, &now);
    SHOW(sigismember(&now, SIGUSR1));
    sigprocmask(SIG_SETMASK, &none, NULL);
    read(p[0], buffer, 1);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        usleep(20000);
        kill(parent, SIGUSR1);
        _exit(0);
    }
    CALL(poll(&fd, 1, -1));
    waitpid(child, NULL, 0);
    close(p[0]), close(p[1]);
}

static void devices(void)
{
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
    int full = open("/dev/full", O_RDWR), random = open("/dev/urandom", O_RDONLY);
    struct stat st;
    CALL(read(null, buffer, 10));
    CALL(write(null, buffer, 100000));
    CALL(write(null, bad_address(), 10));
    memset(buffer, 'x', 100);
    CALL(read(zero, buffer, 100));
    SHOW(buffer[0] == 0 && buffer[99] == 0);
    CALL(read(zero, bad_address(), 100));
    CALL(read(full, buffer, 10));
    CALL(write(full, buffer, 10));
    CALL(read(random, buffer, 100));
    CALL(lseek(null, 100, SEEK_SET));
    CALL(fstat(null, &st));
    SHOW(st.st_mode == (S_IFCHR | 0666) && st.st_rdev == 0x103);
    CALL(ioctl(null, TCGETS, buffer));
    CALL(ftruncate(null, 0));
    SHOW(isatty(zero));
    close(null), close(zero), close(full), close(random);
}

static void proc_links(void)
{
    int fd = open("f", O_RDWR | O_TRUNC), p[2];
    char path[64], target[256] = "", cwd[256];
    write(fd, "contents", 8);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, target, sizeof target);
    getcwd(cwd, sizeof cwd);
    SHOW(n == (ssize_t)strlen(cwd) + 2 && strncmp(target, cwd, strlen(cwd)) == 0);
    int again = open(path, O_RDONLY);
    CALL(read(again, buffer, 20));
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    int third = open(path, O_RDONLY);
    CALL(read(third, buffer, 20));
    unlink("f");
    memset(target, 0, sizeof target);
    readlink(path, target, sizeof target);
    printf("%s\n", target + strlen(cwd));
    int fourth = open(path, O_RDONLY);
    CALL(read(fourth, buffer, 20));
    pipe(p);
    snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
    memset(target, 0, sizeof target);
    readlink(path, target, sizeof target);
    printf("%.6s\n", target);
    snprintf(path, sizeof path, "/proc/self/fd/%d", p[1]);
    int fifth = open(path, O_WRONLY);
    CALL(write(fifth, "again", 5));
    CALL(read(p[0], buffer, 10));
    CALL(open("/proc/self/fd/99", O_RDONLY));
    CALL(readlink("/proc/self/exe", target, sizeof target) > 0);
    int exe = open("/proc/self/exe", O_RDONLY);
    CALL(read(exe, buffer, 4));
    printf("%.3s\n", buffer + 1);
    CALL(open("/proc/self/exe", O_RDWR));
    CALL(truncate("/proc/self/exe", 0));
    CALL(chdir("/proc/self/cwd"));
    getcwd(target, sizeof target);
    printf("%d\n", strcmp(target, cwd));
    close(fd), close(again), close(third), close(fourth), close(fifth), close(exe);
    close(p[0]), close(p[1]);
}

/* A file that is open for writing is not run, and a running one is not written. */
static void busy_text(void)
{
    int fd = open("program", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    CALL(write(fd, "#!/no/such/interpreter\n", 23));
    CALL(execl("program", "program", NULL));
    close(fd);
    CALL(execl("program", "program", NULL));
}

/* Status flags of what open(2) has not made, and fcntl results that are 1. */
static void small_results(void)
{
    int ends[2];
    if (pipe(ends))
        return;
    CALL(fcntl(ends[0], F_GETFL));
    CALL(fcntl(ends[1], F_GETFL));
    int output = dup(1);
    close(1);
    long got = fcntl(ends[0], F_DUPFD, 1);
    dup2(output, 1);
    show("lowest", got);
    close(output), close(ends[0]), close(ends[1]);
}

int main(int argc, char **argv)
{
    directory_enter(argc, argv);
    small_results();
    duplicating();
    limits();
    pipes();
    blocking_pipes();
    fifos();
    eventfds();
    int fd = open("f", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    close(fd);
    polling();
    poll_signals();
    devices();
    proc_links();
    busy_text();
    directory_leave();
    return 0;
}

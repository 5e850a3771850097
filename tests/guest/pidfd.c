/* pidfds: opening, signals, readiness, waitid, clone with CLONE_PIDFD, descriptors of others. */
/* flags: -pthread -Wno-unused-result */
#include "guest.h"
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static long popen_(int pid, unsigned flags) { return syscall(SYS_pidfd_open, pid, flags); }
static long send(int fd, int signo, void *info, unsigned flags)
{
    return syscall(SYS_pidfd_send_signal, fd, signo, info, flags);
}

static void ready(const char *name, int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDNORM, 0 };
    int result = poll(&p, 1, 0);
    printf("%s: poll %d %#x\n", name, result, p.revents);
    fflush(stdout);
}

static pid_t sleeper(void)
{
    pid_t child = fork();
    if (!child)
        for (;;)
            pause();
    return child;
}

static int helper_tid;
static int ends[2];
static void *helper(void *arg)
{
    char byte;
    helper_tid = (int)syscall(SYS_gettid);
    read(ends[0], &byte, 1);
    return arg;
}

static void opening(void)
{
    char buffer[8];
    pthread_t t;
    CALL(popen_(0, 0));
    CALL(popen_(-1, 0));
    CALL(popen_(0x3fffffff, 0));
    CALL(popen_(getpid(), 1));
    CALL(popen_(getpid(), O_CLOEXEC));
    int fd = (int)popen_(getpid(), 0), other = (int)popen_(getpid(), O_NONBLOCK);
    CALL(fcntl(fd, F_GETFD));
    CALL(fcntl(fd, F_GETFL));
    CALL(fcntl(other, F_GETFL) & O_NONBLOCK);
    CALL(read(fd, buffer, 8));
    CALL(write(fd, buffer, 8));
    CALL(lseek(fd, 0, SEEK_SET));
    ready("self", fd);
    pipe(ends);
    pthread_create(&t, NULL, helper, NULL);
    while (!*(volatile int *)&helper_tid)
        usleep(1000);
    CALL(popen_(helper_tid, 0)); /* not the leader */
    write(ends[1], "x", 1);
    pthread_join(t, NULL);
    CALL(send(fd, 0, NULL, 0));
    CALL(send(fd, 65, NULL, 0));
    CALL(send(fd, -1, NULL, 0));
    CALL(send(fd, 0, NULL, 0x80));
    CALL(send(99, 0, NULL, 0));
    CALL(send(ends[0], 0, NULL, 0));
    struct rlimit old, few;
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &few);
    CALL(popen_(getpid(), 0));
    setrlimit(RLIMIT_NOFILE, &old);
    close(fd), close(other), close(ends[0]), close(ends[1]);
}

static volatile int got, value;
static void handler(int signo, siginfo_t *info, void *context)
{
    (void)context;
    got = signo;
    value = info->si_value.sival_int;
    printf("signal %d code %d from self %d value %d\n", signo, info->si_code, info->si_pid == getpid(), info->si_value.sival_int);
    fflush(stdout);
}

static void signals(void)
{
    struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &a, NULL);
    int fd = (int)popen_(getpid(), 0), status;
    siginfo_t info;
    memset(&info, 0, sizeof info);
    CALL(send(fd, SIGUSR1, NULL, 0));
    info.si_signo = SIGUSR1;
    info.si_code = SI_QUEUE;
    info.si_value.sival_int = 99;
    CALL(send(fd, SIGUSR1, &info, 0));
    info.si_code = SI_USER;
    CALL(send(fd, SIGUSR1, &info, 0));
    CALL(send(fd, SIGUSR2, &info, 0));
    CALL(send(fd, SIGUSR1, (void *)8, 0));
    close(fd);
    pid_t child = sleeper();
    fd = (int)popen_(child, 0);
    CALL(send(fd, SIGUSR1, &info, 0)); /* a kernel's code to another */
    ready("running", fd);
    CALL(send(fd, SIGTERM, NULL, 0));
    CALL(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT));
    printf("pid %d code %d status %d\n", info.si_pid == child, info.si_code, info.si_status);
    ready("ended", fd);
    CALL(send(fd, 0, NULL, 0)); /* a zombie can be signalled */
    CALL(syscall(SYS_pidfd_getfd, fd, 0, 0));
    int second = (int)popen_(child, 0);
    CALL(second < 0 ? -1 : 0);
    CALL(waitid(P_PIDFD, (id_t)second, &info, WEXITED));
    ready("waited for", fd);
    CALL(send(fd, 0, NULL, 0));
    CALL(popen_(child, 0));
    CALL(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
    CALL(syscall(SYS_pidfd_getfd, fd, 0, 0));
    close(fd), close(second);
    (void)status;
}

static void waits(void)
{
    siginfo_t info;
    pid_t child = sleeper();
    int fd = (int)popen_(child, O_NONBLOCK), self = (int)popen_(getpid(), 0), e = epoll_create1(0), null = open("/dev/null", O_RDONLY);
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = 3 };
    CALL(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
    CALL(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG));
    CALL(waitid(P_PIDFD, (id_t)fd, &info, 0));
    CALL(waitid(P_PIDFD, (id_t)self, &info, WEXITED));
    CALL(waitid(P_PIDFD, (id_t)99, &info, WEXITED));
    CALL(waitid(P_PIDFD, (id_t)null, &info, WEXITED));
    CALL(waitid(P_PIDFD, (id_t)-1, &info, WEXITED));
    CALL(waitid(4, (id_t)fd, &info, WEXITED));
    CALL(epoll_ctl(e, EPOLL_CTL_ADD, fd, &event));
    CALL(epoll_wait(e, &event, 1, 0));
    pid_t killer = fork();
    if (!killer) {
        usleep(20000);
        _exit(send(fd, SIGKILL, NULL, 0) ? 1 : 0); /* inherited */
    }
    CALL(epoll_wait(e, &event, 1, 2000));
    printf("events %#x data %d\n", event.events, (int)event.data.u64);
    CALL(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
    printf("code %d status %d\n", info.si_code, info.si_status);
    waitpid(killer, NULL, 0);
    child = fork();
    if (!child) {
        usleep(20000);
        _exit(5);
    }
    int third = (int)popen_(child, 0);
    struct pollfd p = { third, POLLIN, 0 };
    CALL(poll(&p, 1, 2000));
    printf("events %#x\n", p.revents);
    CALL(waitid(P_PIDFD, (id_t)third, &info, WEXITED));
    printf("code %d status %d\n", info.si_code, info.si_status);
    close(fd), close(self), close(e), close(null), close(third);
}

static void clones(void)
{
    int fd = -1, tid = -1, status, low = dup(0);
    siginfo_t info;
    close(low);
    fflush(stdout);
    long child = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);
    if (!child)
        _exit(fcntl(low, F_GETFD) == -1 ? 6 : 1); /* the child does not have it */
    show("descriptor", fd - low);
    CALL(fcntl(fd, F_GETFD));
    CALL(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
    printf("pid %d code %d status %d\n", info.si_pid == child, info.si_code, info.si_status);
    close(fd);
    CALL(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0));
    CALL(syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &fd, 0, 0));
    CALL(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, 8, 0, 0));
    CALL(waitpid(-1, &status, 0)); /* nobody was made */
    show("closed again", dup(0) - low);
    close(low);
    struct clone_args args = { .flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (uintptr_t)&fd,
                               .parent_tid = (uintptr_t)&tid, .exit_signal = SIGCHLD };
    child = syscall(SYS_clone3, &args, sizeof args);
    if (!child)
        _exit(8);
    printf("tid %d descriptor %d\n", tid == child, fd - low);
    CALL(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
    printf("code %d status %d\n", info.si_code, info.si_status);
    close(fd);
    args.pidfd = 8;
    CALL(syscall(SYS_clone3, &args, sizeof args));
    struct rlimit old, few;
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &few);
    args.pidfd = (uintptr_t)&fd;
    CALL(syscall(SYS_clone3, &args, sizeof args));
    setrlimit(RLIMIT_NOFILE, &old);
    CALL(waitpid(-1, &status, 0));
}

static void descriptors(void)
{
    int to_child[2], from_child[2], status;
    char byte, text[8] = { 0 };
    pipe(to_child), pipe(from_child);
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        int file = (int)syscall(SYS_memfd_create, "theirs", 0);
        dup2(file, 50);
        write(50, "theirs", 6);
        write(from_child[1], "r", 1);
        read(to_child[0], &byte, 1);
        _exit((int)lseek(50, 0, SEEK_CUR));
    }
    int fd = (int)popen_(child, 0);
    read(from_child[0], &byte, 1);
    CALL(syscall(SYS_pidfd_getfd, fd, 51, 0));
    CALL(syscall(SYS_pidfd_getfd, fd, -1, 0));
    CALL(syscall(SYS_pidfd_getfd, fd, 50, 1));
    CALL(syscall(SYS_pidfd_getfd, 99, 50, 0));
    CALL(syscall(SYS_pidfd_getfd, to_child[0], 50, 0));
    int mine = (int)syscall(SYS_pidfd_getfd, fd, 50, 0);
    CALL(fcntl(mine, F_GETFD));
    CALL(lseek(mine, 1, SEEK_SET)); /* one description for both */
    CALL(read(mine, text, 3));
    printf("%s\n", text);
    write(to_child[1], "x", 1);
    waitpid(child, &status, 0);
    show_status("their position", status);
    close(mine), close(fd);
}

int main(void)
{
    opening();
    signals();
    waits();
    clones();
    descriptors();
    return 0;
}

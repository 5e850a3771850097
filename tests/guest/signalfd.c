/* Signals that are read and queued: signalfd, sigtimedwait, rt_sigqueueinfo and its family, tkill and
 * tgkill, order and limits of queues. */
/* flags: -pthread -Wno-unused-result */
#include "guest.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <time.h>

static sigset_t all;

static sigset_t one(int signo)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signo);
    return set;
}

static void show_info(const char *name, const struct signalfd_siginfo *s)
{
    int number = (int)s->ssi_signo >= SIGRTMIN ? 100 + (int)s->ssi_signo - SIGRTMIN : (int)s->ssi_signo;
    printf("%s: signal %d code %d pid %d uid %d int %d ptr %d status %d tid %d overrun %d addr %d\n", name, number, s->ssi_code,
           s->ssi_pid == (uint32_t)getpid() ? 1 : s->ssi_pid ? 2 : 0, s->ssi_uid == getuid(), s->ssi_int,
           (int)s->ssi_ptr, s->ssi_status, s->ssi_tid != 0, s->ssi_overrun, s->ssi_addr != 0);
    fflush(stdout);
}

static void take(const char *name, int fd)
{
    struct signalfd_siginfo infos[8];
    memset(infos, 0x55, sizeof infos);
    errno = 0;
    long got = read(fd, infos, sizeof infos);
    printf("%s: %ld error %d\n", name, got, errno);
    for (long i = 0; i * (long)sizeof *infos < got; i++)
        show_info("  ", &infos[i]);
    fflush(stdout);
}

static long waitfor(int signo, siginfo_t *info)
{
    sigset_t set = one(signo);
    return sigtimedwait(&set, info, &(struct timespec){ 0, 0 });
}

static void ready(const char *name, int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDNORM, 0 };
    int result = poll(&p, 1, 0);
    printf("%s: poll %d %#x\n", name, result, p.revents);
    fflush(stdout);
}

static void descriptor_errors(void)
{
    sigset_t set = one(SIGUSR1);
    struct signalfd_siginfo info;
    int pipes[2];
    pipe(pipes);
    CALL(syscall(SYS_signalfd4, -1, &set, 4, 0));
    CALL(syscall(SYS_signalfd4, -1, &set, 16, 0));
    CALL(syscall(SYS_signalfd4, -1, 8, 8, 0));
    CALL(syscall(SYS_signalfd4, -1, 8, 4, 0));
    CALL(syscall(SYS_signalfd4, -1, &set, 8, 1));
    CALL(syscall(SYS_signalfd4, 99, &set, 8, 1));
    CALL(syscall(SYS_signalfd4, 99, &set, 8, 0));
    CALL(syscall(SYS_signalfd4, -2, &set, 8, 0));
    CALL(syscall(SYS_signalfd4, pipes[0], &set, 8, 0));
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), other = (int)syscall(SYS_signalfd, -1, &set, 8);
    CALL(fcntl(fd, F_GETFD));
    CALL(fcntl(fd, F_GETFL));
    CALL(fcntl(other, F_GETFD));
    CALL(fcntl(other, F_GETFL));
    CALL(signalfd(other, &set, SFD_NONBLOCK) - other); /* flags change nothing */
    CALL(fcntl(other, F_GETFL));
    CALL(read(fd, &info, 127));
    CALL(read(other, &info, 0));
    CALL(read(fd, &info, 128));
    CALL(write(fd, &info, 128));
    CALL(lseek(fd, 0, SEEK_CUR));
    ready("nothing", fd);
    kill(getpid(), SIGUSR1);
    ready("one", fd);
    CALL(syscall(SYS_read, fd, 8, 128));
    CALL(read(fd, &info, 128)); /* it is lost */
    char *two = pages(2, PROT_READ | PROT_WRITE);
    munmap(two + PAGE, PAGE);
    sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 1 });
    sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 2 });
    sigset_t rt = one(SIGRTMIN);
    signalfd(fd, &rt, 0);
    CALL(syscall(SYS_read, fd, two + PAGE - 128, 256)); /* one, and half of another */
    ready("after half", fd);
    char name[64] = { 0 }, path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    readlink(path, name, sizeof name - 1);
    printf("%s\n", name);
    close(fd), close(other), close(pipes[0]), close(pipes[1]);
}

static void kinds(void)
{
    int fd = signalfd(-1, &all, SFD_NONBLOCK), status;
    kill(getpid(), SIGUSR2);
    take("kill", fd);
    raise(SIGUSR1);
    take("raise", fd);
    sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = -5 });
    take("sigqueue", fd);
    pid_t child = fork();
    if (!child)
        _exit(7);
    waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
    take("exit", fd);
    waitpid(child, &status, 0);
    child = fork();
    if (!child) {
        pause();
        _exit(7);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    take("killed", fd);
    int id;
    struct sigevent event = { .sigev_signo = SIGRTMIN + 4, .sigev_value.sival_int = 77 };
    struct itimerspec soon = { { 0, 0 }, { 0, 1000000 } };
    syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id);
    syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id);
    syscall(SYS_timer_settime, id, 0, &soon, NULL);
    usleep(5000);
    take("timer", fd);
    setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 1000 } }, NULL);
    usleep(5000);
    take("alarm", fd);
    for (int i = 0; i < 3; i++)
        for (int signo = SIGRTMIN + 2; signo >= SIGRTMIN; signo--)
            sigqueue(getpid(), signo, (union sigval){ .sival_int = i * 10 + signo - SIGRTMIN });
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGINT);
    take("by number, then in order", fd);
    take("the rest", fd);
    pthread_kill(pthread_self(), SIGRTMIN + 5);
    kill(getpid(), SIGUSR1); /* of the process: after those of the thread */
    take("the thread's first", fd);
    close(fd);
}

static void *sender(void *arg)
{
    usleep(20000);
    kill(getpid(), *(int *)arg);
    return NULL;
}

static volatile int handled;
static void handler(int signo) { handled = signo; }

static void waits(void)
{
    sigset_t usr1 = one(SIGUSR1), usr2 = one(SIGUSR2), term = one(SIGTERM);
    int fd = signalfd(-1, &usr1, 0), e = epoll_create1(0), signo = SIGUSR1;
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = 1 };
    pthread_t t;
    kill(getpid(), SIGUSR2);
    ready("not in the mask", fd);
    CALL(signalfd(fd, &usr2, 0) - fd);
    ready("mask changed", fd);
    take("usr2", fd);
    signalfd(fd, &usr1, 0);
    pthread_create(&t, NULL, sender, &signo);
    take("blocking", fd);
    pthread_join(t, NULL);
    CALL(epoll_ctl(e, EPOLL_CTL_ADD, fd, &event));
    CALL(epoll_wait(e, &event, 1, 0));
    pthread_create(&t, NULL, sender, &signo);
    CALL(epoll_wait(e, &event, 1, 2000));
    pthread_join(t, NULL);
    printf("event %#x\n", event.events);
    CALL(epoll_wait(e, &event, 1, 0));
    take("epoll", fd);
    CALL(epoll_wait(e, &event, 1, 0));
    /* another signal interrupts */
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
        sigaction(SIGTERM, &a, NULL);
        sigprocmask(SIG_UNBLOCK, &term, NULL);
        if (!fork()) {
            usleep(20000);
            kill(getppid(), SIGTERM);
            usleep(20000);
            kill(getppid(), SIGUSR1);
            _exit(0);
        }
        struct signalfd_siginfo info;
        CALL(read(fd, &info, sizeof info));
        show("handled", handled);
        wait(NULL);
        sigprocmask(SIG_BLOCK, &term, NULL);
    }
    ready("left over", fd);
    siginfo_t info;
    CALL(waitfor(SIGUSR1, &info));
    CALL(waitfor(SIGCHLD, &info) == SIGCHLD);
    /* in a child: its own signals */
    int status;
    kill(getpid(), SIGUSR1);
    if (!fork()) {
        ready("child", fd);
        raise(SIGUSR1);
        ready("child", fd);
        take("child", fd);
        _exit(0);
    }
    wait(&status);
    take("parent", fd);
    CALL(waitfor(SIGCHLD, &info) == SIGCHLD);
    /* ignored ones come if they are blocked; others do not */
    signal(SIGUSR1, SIG_IGN);
    kill(getpid(), SIGUSR1);
    ready("ignored but blocked", fd);
    sigprocmask(SIG_UNBLOCK, &usr1, NULL);
    kill(getpid(), SIGUSR1);
    ready("ignored", fd);
    signal(SIGUSR1, SIG_DFL);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    sigset_t kills = one(SIGKILL);
    CALL(signalfd(fd, &kills, 0) - fd);
    close(fd), close(e);
}

static siginfo_t made(int signo, int code, int value)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = signo;
    info.si_code = code;
    info.si_pid = 4321;
    info.si_uid = 765;
    info.si_value.sival_int = value;
    return info;
}

static void show_siginfo(const char *name, const siginfo_t *i)
{
    printf("%s: signal %d code %d errno %d pid %d uid %d value %d\n", name, i->si_signo, i->si_code, i->si_errno,
           i->si_pid == getpid() ? 1 : i->si_pid, (int)i->si_uid, i->si_value.sival_int);
    fflush(stdout);
}

static int helper_tid;
static void *helper(void *arg)
{
    int *ends = arg;
    char byte;
    siginfo_t info;
    helper_tid = (int)syscall(SYS_gettid);
    write(ends[3], "r", 1);
    read(ends[0], &byte, 1);
    sigset_t set;
    sigpending(&set);
    show("helper: usr1 pending", sigismember(&set, SIGUSR1));
    CALL(waitfor(SIGUSR1, &info));
    show_siginfo("helper", &info);
    CALL(waitfor(SIGUSR2, &info));
    return NULL;
}

static void queueing(void)
{
    siginfo_t info = made(0, SI_QUEUE, 3), got;
    int self = getpid(), tid = (int)syscall(SYS_gettid), child = fork();
    if (!child) {
        pause();
        _exit(0);
    }
    for (int i = 0; i < 6; i++) {
        static const int codes[] = { SI_QUEUE, SI_USER, SI_TKILL, SI_KERNEL, -60, 1 };
        printf("code %d\n", codes[i]);
        info = made(SIGINT, codes[i], i); /* the number in it does not count */
        info.si_errno = i;
        CALL(syscall(SYS_rt_sigqueueinfo, self, SIGUSR1, &info));
        CALL(waitfor(SIGUSR1, &got));
        show_siginfo("process", &got);
        CALL(syscall(SYS_rt_tgsigqueueinfo, self, tid, SIGUSR1, &info));
        CALL(waitfor(SIGUSR1, &got));
        show_siginfo("thread", &got);
        CALL(syscall(SYS_rt_sigqueueinfo, child, 0, &info));
        CALL(syscall(SYS_rt_tgsigqueueinfo, child, child, 0, &info));
    }
    info = made(SIGUSR1, SI_QUEUE, 0);
    CALL(syscall(SYS_rt_sigqueueinfo, self, 0, &info));
    CALL(syscall(SYS_rt_sigqueueinfo, self, 65, &info));
    CALL(syscall(SYS_rt_sigqueueinfo, self, -1, &info));
    CALL(syscall(SYS_rt_sigqueueinfo, self, SIGUSR1, 8));
    CALL(syscall(SYS_rt_sigqueueinfo, 0x3fffffff, SIGUSR1, 8));
    CALL(syscall(SYS_rt_sigqueueinfo, 0x3fffffff, SIGUSR1, &info));
    CALL(syscall(SYS_rt_sigqueueinfo, 0x3fffffff, 65, &info));
    CALL(syscall(SYS_rt_sigqueueinfo, 0, SIGUSR1, &info));
    CALL(syscall(SYS_rt_sigqueueinfo, -self, SIGUSR1, &info));
    CALL(syscall(SYS_rt_tgsigqueueinfo, self, 0, SIGUSR1, &info));
    CALL(syscall(SYS_rt_tgsigqueueinfo, 0, tid, SIGUSR1, &info));
    CALL(syscall(SYS_rt_tgsigqueueinfo, self, tid, 65, &info));
    CALL(syscall(SYS_rt_tgsigqueueinfo, self, 0x3fffffff, SIGUSR1, &info));
    CALL(syscall(SYS_rt_tgsigqueueinfo, self, 0x3fffffff, 65, &info));
    CALL(syscall(SYS_rt_tgsigqueueinfo, self, tid, SIGUSR1, 8));
    CALL(syscall(SYS_tgkill, self, tid, 0));
    CALL(syscall(SYS_tgkill, self, tid, 65));
    CALL(syscall(SYS_tgkill, self, 0x3fffffff, 65));
    CALL(syscall(SYS_tgkill, self, 0, SIGUSR1));
    CALL(syscall(SYS_tgkill, 0, tid, SIGUSR1));
    CALL(syscall(SYS_tgkill, -1, tid, SIGUSR1));
    CALL(syscall(SYS_tgkill, child, tid, SIGUSR1));
    CALL(syscall(SYS_tkill, 0, SIGUSR1));
    CALL(syscall(SYS_tkill, -1, SIGUSR1));
    CALL(syscall(SYS_tkill, 0x3fffffff, SIGUSR1));
    CALL(syscall(SYS_tkill, 0x3fffffff, 65));
    CALL(syscall(SYS_tkill, tid, SIGUSR1));
    CALL(waitfor(SIGUSR1, &got));
    show_siginfo("tkill", &got);
    /* a thread's number: kill means its process, tgkill the thread */
    int ends[4];
    pthread_t t;
    char byte;
    pipe(ends), pipe(ends + 2);
    pthread_create(&t, NULL, helper, ends);
    read(ends[2], &byte, 1);
    CALL(syscall(SYS_tgkill, self, helper_tid, SIGUSR1));
    CALL(waitfor(SIGUSR1, &got));
    CALL(kill(helper_tid, SIGUSR2));
    CALL(waitfor(SIGUSR2, &got));
    CALL(syscall(SYS_rt_sigqueueinfo, helper_tid, SIGUSR2, &info));
    CALL(waitfor(SIGUSR2, &got));
    info.si_code = SI_USER;
    CALL(syscall(SYS_rt_sigqueueinfo, helper_tid, SIGUSR2, &info));
    CALL(syscall(SYS_rt_tgsigqueueinfo, self, helper_tid, SIGUSR2, &info));
    write(ends[1], "g", 1);
    pthread_join(t, NULL);
    for (int i = 0; i < 4; i++)
        close(ends[i]);
    CALL(syscall(SYS_tgkill, self, helper_tid, SIGUSR1));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void waiting(void)
{
    sigset_t set = one(SIGUSR1), term = one(SIGTERM);
    siginfo_t info;
    struct timespec t = { 0, 5000000 };
    CALL(sigtimedwait(&set, &info, &t));
    t.tv_nsec = 1000000000;
    CALL(sigtimedwait(&set, &info, &t));
    t = (struct timespec){ -1, 0 };
    CALL(sigtimedwait(&set, &info, &t));
    CALL(syscall(SYS_rt_sigtimedwait, 8, NULL, NULL, 8));
    CALL(syscall(SYS_rt_sigtimedwait, &set, NULL, 8, 8));
    CALL(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 4));
    raise(SIGUSR1);
    CALL(syscall(SYS_rt_sigtimedwait, &set, 8, NULL, 8)); /* taken all the same */
    CALL(waitfor(SIGUSR1, &info));
    raise(SIGUSR1);
    CALL(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8));
    signal(SIGTERM, handler);
    sigprocmask(SIG_UNBLOCK, &term, NULL);
    handled = 0;
    pid_t child = fork();
    if (!child) {
        usleep(20000);
        kill(getppid(), SIGTERM);
        _exit(0);
    }
    CALL(sigwaitinfo(&set, &info)); /* interrupted by the other */
    show("handled", handled);
    waitpid(child, NULL, 0);
    child = fork();
    if (!child) {
        usleep(20000);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    CALL(sigwaitinfo(&set, &info));
    printf("code %d from the child %d\n", info.si_code, info.si_pid == child);
    waitpid(child, NULL, 0);
    sigprocmask(SIG_BLOCK, &term, NULL);
    uint64_t pending = 0x5555;
    CALL(syscall(SYS_rt_sigpending, &pending, 0));
    show("untouched", (long)pending);
    CALL(syscall(SYS_rt_sigpending, &pending, 9));
    CALL(syscall(SYS_rt_sigpending, 8, 8));
    while (waitfor(SIGCHLD, &info) > 0)
        ;
    raise(SIGINT);
    raise(SIGRTMIN + 3);
    CALL(syscall(SYS_rt_sigpending, &pending, 8));
    printf("pending %#lx\n", (long)pending);
    CALL(waitfor(SIGINT, &info));
    CALL(waitfor(SIGRTMIN + 3, &info) - SIGRTMIN);
}

static void limits(void)
{
    struct rlimit old, few = { 2, 2 };
    siginfo_t info;
    getrlimit(RLIMIT_SIGPENDING, &old);
    few = old;
    few.rlim_cur = 0;
    CALL(setrlimit(RLIMIT_SIGPENDING, &few));
    CALL(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 1 }));
    CALL(syscall(SYS_tgkill, getpid(), getpid(), SIGRTMIN));
    CALL(waitfor(SIGRTMIN, &info));
    CALL(sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 1 }));
    CALL(waitfor(SIGUSR1, &info));
    show_siginfo("without its information", &info);
    CALL(kill(getpid(), SIGRTMIN)); /* pending, but not queued */
    CALL(kill(getpid(), SIGRTMIN));
    CALL(waitfor(SIGRTMIN, &info) - SIGRTMIN);
    show("code", info.si_code);
    show("pid", info.si_pid == getpid());
    CALL(waitfor(SIGRTMIN, &info));
    CALL(kill(getpid(), SIGUSR1));
    CALL(waitfor(SIGUSR1, &info));
    show("pid", info.si_pid == getpid());
    CALL(setrlimit(RLIMIT_SIGPENDING, &old));
    CALL(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 1 }));
    CALL(waitfor(SIGRTMIN, &info) - SIGRTMIN);
}

int main(void)
{
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigprocmask(SIG_SETMASK, &all, NULL);
    descriptor_errors();
    kinds();
    waits();
    queueing();
    waiting();
    limits();
    return 0;
}

/* timerfd: settings and what they read as, expiries, readiness, blocking reads, inheritance. */
/* flags: -Wno-unused-result */
#include "guest.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#define MS 1000000L

static long set(int fd, int flags, long value_ns, long interval_ns, struct itimerspec *old)
{
    struct itimerspec s = { { interval_ns / 1000000000, interval_ns % 1000000000 },
                            { value_ns / 1000000000, value_ns % 1000000000 } };
    return timerfd_settime(fd, flags, &s, old);
}

static int64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void sleep_ms(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * MS };
    while (nanosleep(&t, &t))
        ;
}

static void show_value(const char *name, const struct itimerspec *s)
{
    printf("%s: running %d interval %ld.%09ld\n", name, s->it_value.tv_sec || s->it_value.tv_nsec,
           s->it_interval.tv_sec, s->it_interval.tv_nsec);
    fflush(stdout);
}

static void take(const char *name, int fd)
{
    uint64_t count = 99;
    errno = 0;
    long result = read(fd, &count, sizeof count);
    printf("%s: %ld error %d count %llu\n", name, result, errno, (unsigned long long)count);
    fflush(stdout);
}

/* A repeating timer is read when the machine finds time for it: as often as was due then? first: of its expiries, the
 * earliest and the latest that it can be. */
struct count {
    clockid_t clock;
    int64_t earliest, latest, interval, taken;
};

static int64_t due(const struct count *c, int64_t first)
{
    int64_t t = now(c->clock);
    return (t < first ? 0 : (t - first) / c->interval + 1) - c->taken;
}

static void take_due(const char *name, int fd, struct count *c)
{
    uint64_t count = 0;
    int64_t least = due(c, c->latest);
    errno = 0;
    long result = read(fd, &count, sizeof count);
    int64_t most = due(c, c->earliest);
    bool good = result == 8 ? count > 0 && (int64_t)count >= least && (int64_t)count <= most
                            : errno == EAGAIN && least <= 0;
    c->taken += result == 8 ? (int64_t)count : 0;
    printf("%s: %s\n", name, good ? "as often as due" : "wrong");
    fflush(stdout);
}

static void ready(const char *name, int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDNORM | POLLPRI, 0 };
    int result = poll(&p, 1, 0);
    printf("%s: poll %d %#x\n", name, result, p.revents);
    fflush(stdout);
}

static void errors(void)
{
    struct itimerspec s = { { 0, 0 }, { 1, 0 } }, out;
    static const int clocks[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -1, -6 };
    uint64_t room[2];
    int pipes[2];
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        int fd = timerfd_create(clocks[i], 0);
        printf("clock %d: ", clocks[i]);
        show_result("timerfd_create", fd < 0 ? -1 : 0);
        close(fd);
    }
    CALL(timerfd_create(CLOCK_MONOTONIC, 1));
    CALL(timerfd_create(CLOCK_MONOTONIC, O_APPEND));
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), other = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    CALL(fcntl(fd, F_GETFD));
    CALL(fcntl(other, F_GETFD));
    CALL(fcntl(fd, F_GETFL));
    CALL(fcntl(other, F_GETFL));
    pipe(pipes);
    CALL(set(fd, 4, MS, 0, NULL));
    CALL(set(99, 4, MS, 0, NULL));
    CALL(set(99, 0, MS, 0, NULL));
    CALL(set(pipes[0], 0, MS, 0, NULL));
    CALL(timerfd_gettime(99, &out));
    CALL(timerfd_gettime(pipes[0], &out));
    CALL(syscall(SYS_timerfd_settime, fd, 0, 8, NULL));
    CALL(syscall(SYS_timerfd_settime, 99, 4, 8, NULL));
    CALL(syscall(SYS_timerfd_settime, fd, 0, NULL, NULL));
    CALL(syscall(SYS_timerfd_gettime, fd, 8));
    s.it_value.tv_nsec = 1000000000;
    CALL(timerfd_settime(fd, 0, &s, NULL));
    CALL(timerfd_settime(99, 0, &s, NULL));
    s = (struct itimerspec){ { 0, -1 }, { 1, 0 } };
    CALL(timerfd_settime(fd, 0, &s, NULL));
    s = (struct itimerspec){ { 0, 0 }, { -1, 0 } };
    CALL(timerfd_settime(fd, 0, &s, NULL));
    s = (struct itimerspec){ { 0, 0 }, { 1000, 0 } };
    CALL(syscall(SYS_timerfd_settime, fd, 0, &s, 8));
    CALL(timerfd_gettime(fd, &out));
    show_value("set in spite of the address", &out);
    CALL(set(fd, TFD_TIMER_CANCEL_ON_SET, MS, 0, NULL));
    CALL(set(other, TFD_TIMER_CANCEL_ON_SET | TFD_TIMER_ABSTIME, 1, 0, NULL));
    CALL(read(other, room, 7));
    CALL(read(other, room, 0));
    CALL(syscall(SYS_read, other, 8, 8));
    CALL(read(other, room, 16));
    CALL(set(other, TFD_TIMER_ABSTIME, 1, 0, NULL));
    CALL(read(other, room, 16));
    CALL(write(other, room, 8));
    CALL(lseek(other, 0, SEEK_SET));
    CALL(ioctl(other, FIONREAD, room));
    CALL(ftruncate(other, 0));
    CALL(fsync(other));
    char name[64] = { 0 }, path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    readlink(path, name, sizeof name - 1);
    printf("%s\n", name);
    struct rlimit old, few;
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = (rlim_t)pipes[1] + 1;
    setrlimit(RLIMIT_NOFILE, &few);
    CALL(timerfd_create(CLOCK_MONOTONIC, 0));
    setrlimit(RLIMIT_NOFILE, &old);
    close(fd), close(other), close(pipes[0]), close(pipes[1]);
}

static void expiries(int clock)
{
    printf("--- clock %d\n", clock);
    int fd = timerfd_create(clock, TFD_NONBLOCK);
    struct itimerspec old;
    timerfd_gettime(fd, &old);
    show_value("new", &old);
    take("new", fd);
    ready("new", fd);
    CALL(set(fd, 0, 5 * MS, 0, &old));
    sleep_ms(10);
    ready("expired", fd);
    CALL(timerfd_gettime(fd, &old));
    show_value("expired", &old);
    take("once", fd);
    take("again", fd);
    ready("read", fd);
    int64_t first = now(clock) + 40 * MS;
    struct count c = { clock, first, first, 40 * MS, 0 };
    CALL(set(fd, TFD_TIMER_ABSTIME, first, 40 * MS, NULL));
    sleep_ms(40 * 4 + 20);
    take_due("repeated", fd, &c);
    take_due("at once again", fd, &c);
    sleep_ms(40);
    take_due("one more", fd, &c);
    CALL(timerfd_gettime(fd, &old));
    show_value("repeating", &old);
    show("within the interval", old.it_value.tv_sec == 0 && old.it_value.tv_nsec <= 40 * MS);
    sleep_ms(60);
    CALL(timerfd_gettime(fd, &old)); /* asking keeps the count */
    show("within the interval", old.it_value.tv_sec == 0 && old.it_value.tv_nsec <= 40 * MS);
    ready("expired", fd);
    CALL(set(fd, 0, 1000 * MS, 3000 * MS, &old)); /* setting does not */
    show_value("old", &old);
    ready("set again", fd);
    take("set again", fd);
    CALL(set(fd, 0, 0, 70 * MS, &old));
    show_value("old", &old);
    CALL(timerfd_gettime(fd, &old));
    show_value("disarmed with an interval", &old);
    CALL(set(fd, TFD_TIMER_ABSTIME, 1, 0, NULL));
    take("the past", fd);
    first = now(clock) - 50 * MS;
    c = (struct count){ clock, first, first, 20 * MS, 0 };
    CALL(set(fd, TFD_TIMER_ABSTIME, first, 20 * MS, NULL));
    take_due("the past, repeated", fd, &c);
    CALL(set(fd, 0, 0, 0, NULL));
    ready("off", fd);
    fcntl(fd, F_SETFL, 0);
    CALL(set(fd, 0, 15 * MS, 0, NULL));
    int64_t start = now(CLOCK_MONOTONIC);
    take("blocking", fd);
    show("slept", now(CLOCK_MONOTONIC) - start >= 10 * MS);
    close(fd);
}

static volatile int alarms;
static void tick(int signo) { (void)signo, alarms++; }

static void waits(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0), copy = dup(fd), e = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = 5 };
    struct timespec t = { 2, 0 };
    fd_set set_in;
    CALL(epoll_ctl(e, EPOLL_CTL_ADD, fd, &event));
    CALL(epoll_wait(e, &event, 1, 0));
    struct count c = { CLOCK_MONOTONIC, now(CLOCK_MONOTONIC) + 20 * MS, 0, 20 * MS, 0 };
    CALL(set(fd, 0, 20 * MS, 20 * MS, NULL));
    c.latest = now(CLOCK_MONOTONIC) + 20 * MS;
    CALL(epoll_wait(e, &event, 1, 2000));
    printf("event %#x data %d\n", event.events, (int)event.data.u64);
    CALL(epoll_wait(e, &event, 1, 50)); /* an edge: not again before a read */
    take_due("through the copy", copy, &c);
    CALL(epoll_wait(e, &event, 1, 2000));
    set(fd, 0, 15 * MS, 0, NULL);
    FD_ZERO(&set_in);
    FD_SET(copy, &set_in);
    CALL(pselect(copy + 1, &set_in, NULL, NULL, &t, NULL));
    take("selected", fd);
    set(fd, 0, 15 * MS, 0, NULL);
    struct pollfd p = { fd, POLLIN, 0 };
    CALL(ppoll(&p, 1, NULL, NULL));
    show("events", p.revents);
    take("polled", fd);
    /* interrupted, restarted */
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        struct sigaction a = { .sa_handler = tick, .sa_flags = flags };
        sigaction(SIGALRM, &a, NULL);
        set(fd, 0, 400 * MS, 0, NULL);
        setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 20000 } }, NULL);
        take("with an alarm", fd);
        show("alarms", alarms);
    }
    set(fd, 0, 1000000 * MS, 0, NULL);
    /* fork shares it, exec keeps it unless told otherwise */
    if (!fork()) {
        struct itimerspec now_;
        timerfd_gettime(fd, &now_);
        show_value("child", &now_);
        set(fd, 0, MS, 0, NULL);
        _exit(0);
    }
    wait(NULL);
    sleep_ms(10);
    take("the child set it", fd);
    set(fd, 0, 20 * MS, 0, NULL);
    close(fd); /* the copy keeps it going */
    take("the copy", copy);
    close(copy);
    CALL(epoll_wait(e, &event, 1, 0));
    close(e);
    /* closed while armed */
    fd = timerfd_create(CLOCK_BOOTTIME, 0);
    set(fd, 0, 5 * MS, 5 * MS, NULL);
    close(fd);
    sleep_ms(15);
}

int main(void)
{
    errors();
    expiries(CLOCK_MONOTONIC);
    expiries(CLOCK_REALTIME);
    expiries(CLOCK_BOOTTIME);
    waits();
    return 0;
}

/* What signals do to system calls that wait: handlers with and without SA_RESTART, stop and continue, ignored
 * signals (signal(7), "Interruption of system calls ...", "... by stop signals"). */
#include "guest.h"
#include "settle.h"
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

struct report {
    volatile int handled, ended, error;
    volatile long result;
    volatile int word; /* of the futexes */
};
static struct report *report;
static int ends[2];     /* a pipe that nobody writes to */
static char path[] = "/tmp/restartsXXXXXX";
static pid_t holder;    /* of the locks */

static void handler(int signo) { (void)signo, report->handled++; }

/* --- calls that wait --- */

static long wait_read(void)
{
    char byte;
    return read(ends[0], &byte, 1);
}
static long wait_write(void)
{
    static char block[1 << 20];
    return write(ends[1], block, sizeof block) > 0 ? 1 : -1; /* what it has written counts */
}
static long wait_full(void)
{
    char byte = 0;
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], &byte, 1) == 1)
        ;
    fcntl(ends[1], F_SETFL, 0);
    report->ended = 0;
    return write(ends[1], &byte, 1);
}
static long wait_open(void)
{
    char name[64];
    snprintf(name, sizeof name, "%s/fifo", path);
    return open(name, O_RDONLY);
}
static pid_t own_child(void)
{
    pid_t child = fork();
    if (!child) {
        signal(SIGUSR1, SIG_DFL);
        for (;;) {
            if (getppid() == 1)
                _exit(0);
            usleep(10000);
        }
    }
    return child;
}
static long ended_child(long result, pid_t child)
{
    int error = errno;
    kill(child, SIGKILL);
    errno = error;
    return result;
}
static long wait_wait4(void)
{
    pid_t child = own_child();
    return ended_child(waitpid(child, NULL, 0), child);
}
static long wait_waitid(void)
{
    pid_t child = own_child();
    siginfo_t info;
    return ended_child(waitid(P_PID, (id_t)child, &info, WEXITED), child);
}
static const struct timespec hour = { 3600, 0 };
static long wait_nanosleep(void) { return nanosleep(&hour, NULL); }
static long wait_clock_nanosleep(void) { return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &hour, NULL); }
static long wait_absolute(void)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += 3600;
    return syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL);
}
static long wait_pause(void) { return pause(); }
static long wait_sigsuspend(void)
{
    sigset_t none;
    sigemptyset(&none);
    return sigsuspend(&none);
}
static long wait_sigtimedwait(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return syscall(SYS_rt_sigtimedwait, &set, NULL, &hour, 8);
}
static long wait_sigwaitinfo(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8);
}
static long wait_poll(void) { return syscall(SYS_poll, &(struct pollfd){ ends[0], POLLIN, 0 }, 1, -1); }
static long wait_poll_time(void) { return syscall(SYS_poll, &(struct pollfd){ ends[0], POLLIN, 0 }, 1, 3600000); }
static long wait_poll_nothing(void) { return syscall(SYS_poll, NULL, 0, 3600000); }
static long wait_ppoll(void)
{
    struct timespec t = hour;
    return syscall(SYS_ppoll, &(struct pollfd){ ends[0], POLLIN, 0 }, 1, &t, NULL, 8);
}
static long wait_select(void)
{
    fd_set set;
    struct timeval t = { 3600, 0 };
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    return syscall(SYS_select, ends[0] + 1, &set, NULL, NULL, &t);
}
static long wait_pselect(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    return syscall(SYS_pselect6, ends[0] + 1, &set, NULL, NULL, NULL, NULL);
}
static int epoll_of_pipe(void)
{
    int fd = epoll_create1(0);
    epoll_ctl(fd, EPOLL_CTL_ADD, ends[0], &(struct epoll_event){ .events = EPOLLIN });
    return fd;
}
static long wait_epoll(void)
{
    struct epoll_event event;
    return syscall(SYS_epoll_wait, epoll_of_pipe(), &event, 1, -1);
}
static long wait_epoll_pwait(void)
{
    struct epoll_event event;
    return syscall(SYS_epoll_pwait, epoll_of_pipe(), &event, 1, 3600000, NULL, 8);
}
static long wait_epoll_pwait2(void)
{
    struct epoll_event event;
    return syscall(SYS_epoll_pwait2, epoll_of_pipe(), &event, 1, &hour, NULL, 8);
}
static long wait_futex(void) { return syscall(SYS_futex, &report->word, FUTEX_WAIT, 0, NULL, NULL, 0); }
static long wait_futex_time(void) { return syscall(SYS_futex, &report->word, FUTEX_WAIT, 0, &hour, NULL, 0); }
static long wait_futex_bitset(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += 3600;
    return syscall(SYS_futex, &report->word, FUTEX_WAIT_BITSET, 0, &at, NULL, 1);
}
static long wait_lock_pi(void)
{
    report->word = holder;
    return syscall(SYS_futex, &report->word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}
struct waiter {
    uint64_t value, address;
    uint32_t flags, reserved;
};
static long wait_futex_waitv(void)
{
    struct waiter w = { .address = (uintptr_t)&report->word, .flags = 2 };
    return syscall(449, &w, 1, 0, NULL, 0);
}
static long wait_flock(void)
{
    char name[64];
    snprintf(name, sizeof name, "%s/flock", path);
    return flock(open(name, O_RDWR), LOCK_EX);
}
static long lock_file(int command)
{
    char name[64];
    snprintf(name, sizeof name, "%s/lock", path);
    return fcntl(open(name, O_RDWR), command, &(struct flock){ .l_type = F_WRLCK });
}
static long wait_setlkw(void) { return lock_file(F_SETLKW); }
static long wait_ofd_setlkw(void) { return lock_file(F_OFD_SETLKW); }
static long wait_signalfd(void)
{
    sigset_t set;
    struct signalfd_siginfo info;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return read(signalfd(-1, &set, 0), &info, sizeof info);
}
static long wait_timerfd(void)
{
    uint64_t times;
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    timerfd_settime(fd, 0, &(struct itimerspec){ .it_value = hour }, NULL);
    return read(fd, &times, sizeof times);
}
static long wait_restart_syscall(void)
{
    /* as nothing was interrupted: EINTR at once */
    return syscall(SYS_restart_syscall);
}

static const struct {
    const char *name;
    long (*wait)(void);
} calls[] = {
    { "read", wait_read },
    { "write, some", wait_write },
    { "write, none", wait_full },
    { "open of a fifo", wait_open },
    { "wait4", wait_wait4 },
    { "waitid", wait_waitid },
    { "nanosleep", wait_nanosleep },
    { "clock_nanosleep", wait_clock_nanosleep },
    { "clock_nanosleep, absolute", wait_absolute },
    { "pause", wait_pause },
    { "sigsuspend", wait_sigsuspend },
    { "sigtimedwait", wait_sigtimedwait },
    { "sigwaitinfo", wait_sigwaitinfo },
    { "poll", wait_poll },
    { "poll, timed", wait_poll_time },
    { "poll of nothing", wait_poll_nothing },
    { "ppoll", wait_ppoll },
    { "select", wait_select },
    { "pselect6", wait_pselect },
    { "epoll_wait", wait_epoll },
    { "epoll_pwait", wait_epoll_pwait },
    { "epoll_pwait2", wait_epoll_pwait2 },
    { "futex", wait_futex },
    { "futex, timed", wait_futex_time },
    { "futex, bitset", wait_futex_bitset },
    { "futex, lock", wait_lock_pi },
    { "futex_waitv", wait_futex_waitv },
    { "flock", wait_flock },
    { "F_SETLKW", wait_setlkw },
    { "F_OFD_SETLKW", wait_ofd_setlkw },
    { "signalfd", wait_signalfd },
    { "timerfd", wait_timerfd },
    { "restart_syscall", wait_restart_syscall },
};

/* --- disturbances --- */

enum way { PLAIN, RESTART, STOP, STOP_HANDLER, IGNORED, FIRST_PLAIN, WAYS };
static const char *const way_names[] = { "handler", "SA_RESTART", "stop", "stop, SIGCONT handled", "ignored", "two handlers" };

static void disturb(pid_t pid, enum way way)
{
    int status;
    switch (way) {
    case STOP:
    case STOP_HANDLER:
        kill(pid, SIGSTOP);
        waitpid(pid, &status, WUNTRACED);
        kill(pid, SIGCONT);
        break;
    case FIRST_PLAIN: /* the first decides: SIGUSR1 is delivered last, and so runs first */
        kill(pid, SIGSTOP);
        waitpid(pid, &status, WUNTRACED);
        kill(pid, SIGUSR1);
        kill(pid, SIGALRM);
        kill(pid, SIGCONT);
        break;
    default:
        kill(pid, SIGUSR1);
        break;
    }
}

static void try(size_t which, enum way way)
{
    memset(report, 0, sizeof *report);
    if (pipe(ends))
        exit(98);
    pid_t pid = fork();
    if (!pid) {
        struct sigaction action = { .sa_handler = handler, .sa_flags = way == RESTART ? SA_RESTART : 0 };
        struct sigaction restart = { .sa_handler = handler, .sa_flags = SA_RESTART };
        sigaction(SIGUSR1, &action, NULL);
        sigaction(SIGALRM, &restart, NULL);
        if (way == STOP_HANDLER)
            sigaction(SIGCONT, &restart, NULL);
        if (way == IGNORED)
            signal(SIGUSR1, SIG_IGN);
        errno = 0;
        report->result = calls[which].wait();
        report->error = errno;
        report->ended = 1;
        _exit(0);
    }
    settle(pid);
    if (!report->ended) {
        disturb(pid, way);
        int handlers = way == FIRST_PLAIN ? 2 : way != STOP && way != IGNORED;
        while (report->handled < handlers && !report->ended)
            usleep(1000);
        settle(pid);
    }
    if (report->ended)
        printf("%s, %s: result %ld error %d, handled %d\n", calls[which].name, way_names[way], report->result, report->error,
               report->handled);
    else
        printf("%s, %s: sleeps on, handled %d\n", calls[which].name, way_names[way], report->handled);
    fflush(stdout);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    close(ends[1]);
}

/* A process that holds the locks. */
static void hold(void)
{
    char name[64];
    int told[2];
    char byte;
    if (!mkdtemp(path) || pipe(told))
        exit(98);
    snprintf(name, sizeof name, "%s/fifo", path);
    mkfifo(name, 0600);
    holder = fork();
    if (!holder) {
        snprintf(name, sizeof name, "%s/flock", path);
        flock(open(name, O_RDWR | O_CREAT, 0600), LOCK_EX);
        snprintf(name, sizeof name, "%s/lock", path);
        fcntl(open(name, O_RDWR | O_CREAT, 0600), F_SETLKW, &(struct flock){ .l_type = F_WRLCK });
        write(told[1], "x", 1);
        for (;;)
            pause();
    }
    read(told[0], &byte, 1);
    close(told[0]);
    close(told[1]);
}

/* The rest of the time, not the whole, is slept after a stop; the rest is told after a handler. */
static void remainders(void)
{
    struct timespec a, b, left = { 0, 0 };
    memset(report, 0, sizeof *report);
    signal(SIGUSR1, handler);
    pid_t self = getpid(), child = fork();
    if (!child) {
        usleep(200000);
        kill(self, SIGUSR1);
        _exit(0);
    }
    CALL(nanosleep(&(struct timespec){ 1, 0 }, &left));
    show("rest is told", left.tv_sec == 0 && left.tv_nsec > 400000000 && left.tv_nsec <= 800000000);
    waitpid(child, NULL, 0);
    child = fork();
    if (!child) {
        clock_gettime(CLOCK_MONOTONIC, &a);
        nanosleep(&(struct timespec){ 0, 400000000 }, NULL);
        clock_gettime(CLOCK_MONOTONIC, &b);
        long ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
        _exit(ms >= 400 && ms < 550 ? 0 : 1);
    }
    for (int i = 0; i < 3; i++) {
        int status;
        usleep(60000);
        kill(child, SIGSTOP);
        waitpid(child, &status, WUNTRACED);
        usleep(20000);
        kill(child, SIGCONT);
    }
    int status;
    waitpid(child, &status, 0);
    show_status("slept as long as it was to", status);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    report = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    hold();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (int way = 0; way < WAYS; way++)
            try(i, way);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    char name[64];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s/%s", path, (const char *[]){ "fifo", "flock", "lock" }[i]);
        unlink(name);
    }
    rmdir(path);
    remainders();
    return 0;
}

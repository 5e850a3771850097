/* RLIMIT_CPU: signals at the limits, inheritance, limits of another process; sleeps on clocks of CPU time. */
/* flags: -pthread */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

#define MS 1000000L

static int64_t now(clockid_t clock)
{
    struct timespec t;
    syscall(SYS_clock_gettime, clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void burn_until(int64_t ns)
{
    static char *room;
    static int zeros;
    if (!room) {
        room = pages(64, PROT_READ | PROT_WRITE);
        zeros = open("/dev/zero", O_RDONLY);
    }
    while (now(CLOCK_PROCESS_CPUTIME_ID) < ns)
        if (read(zeros, room, 64 * PAGE) < 0)
            exit(98);
}

static void show_limit(const char *name)
{
    struct rlimit r;
    getrlimit(RLIMIT_CPU, &r);
    printf("%s: %ld %ld\n", name, (long)r.rlim_cur, (long)r.rlim_max);
    fflush(stdout);
}

/* Without a word: it may strike before. */
static void set(rlim_t soft, rlim_t hard)
{
    struct rlimit r = { soft, hard };
    if (setrlimit(RLIMIT_CPU, &r))
        exit(97);
}

static void limit(rlim_t soft, rlim_t hard)
{
    struct rlimit r = { soft, hard };
    DONE(setrlimit(RLIMIT_CPU, &r));
}

static int64_t at_least;
static void over(int signo, siginfo_t *info, void *context)
{
    (void)context;
    int64_t used = now(CLOCK_PROCESS_CPUTIME_ID);
    printf("signal %d code %d pid %d\n", signo, info->si_code, info->si_pid);
    if (at_least) /* about: Linux looks at the limit in ticks, and counts otherwise than the clock does */
        show("it has used the time", used >= at_least);
    show_limit("the limit is now");
}

static void wait_and_show(const char *name, int least_seconds)
{
    struct rusage usage;
    int status;
    wait4(-1, &status, 0, &usage);
    show_status(name, status);
    long us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000L + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    show("used enough", us >= least_seconds * 500000L);
}

static void limits(const char *self)
{
    struct sigaction action = { .sa_sigaction = over, .sa_flags = SA_SIGINFO };
    struct rlimit r = { 0, 0 };
    show_limit("at first");
    setrlimit(RLIMIT_CORE, &r);
    if (!fork()) {
        limit(1, 2);
        show_limit("set");
        if (!fork()) {
            show_limit("inherited");
            burn_until(20 * MS);
            _exit(0);
        }
        wait(NULL);
        sigaction(SIGXCPU, &action, NULL);
        at_least = 500 * MS;
        burn_until(5000 * MS);
        _exit(1);
    }
    wait_and_show("killed at the hard limit", 2);
    if (!fork()) {
        burn_until(20 * MS);
        set(0, RLIM_INFINITY);
        burn_until(2000 * MS);
        _exit(1);
    }
    wait_and_show("at once", 0);
    if (!fork()) {
        burn_until(20 * MS);
        set(0, 0);
        burn_until(2000 * MS);
        _exit(1);
    }
    wait_and_show("hard at once", 0);
    if (!fork()) {
        sigaction(SIGXCPU, &action, NULL);
        limit(RLIM_INFINITY, RLIM_INFINITY);
        set(0, 5); /* once, and the next comes at one second */
        burn_until(100 * MS);
        show_limit("raised");
        limit(5, 5);
        burn_until(200 * MS);
        _exit(0);
    }
    wait_and_show("taken back", 0);
    if (!fork()) {
        signal(SIGXCPU, SIG_IGN);
        limit(0, 4);
        execl(self, self, "executed", NULL);
        _exit(1);
    }
    wait_and_show("ignored, kept by exec", 0);
    pid_t child = fork();
    if (!child)
        for (;;)
            ;
    r = (struct rlimit){ 0, 9 };
    CALL(syscall(SYS_prlimit64, child, RLIMIT_CPU, &r, &r));
    printf("old limit: %ld %ld\n", (long)r.rlim_cur, (long)r.rlim_max);
    wait_and_show("another process", 0);
    child = fork();
    if (!child)
        for (;;)
            pause();
    usleep(20000);
    r = (struct rlimit){ 0, 0 };
    CALL(syscall(SYS_prlimit64, child, RLIMIT_CPU, &r, NULL));
    usleep(50000);
    show("one that sleeps uses none", waitpid(child, NULL, WNOHANG));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    r = (struct rlimit){ 3, 2 };
    CALL(setrlimit(RLIMIT_CPU, &r));
}

/* --- clock_nanosleep --- */

static long nap(int clock, int flags, long ns, struct timespec *left)
{
    struct timespec t = { ns / 1000000000, ns % 1000000000 };
    return syscall(SYS_clock_nanosleep, clock, flags, &t, left);
}

/* The clock of a process or thread, as the kernel numbers them. */
static int clock_of(pid_t pid, int kind) { return (int)(~(unsigned)pid << 3) | kind; }
enum { PROF, VIRT, SCHED, THREAD = 4 };

static atomic_int stop_spinning;
static _Atomic pid_t spinner_tid;
static void *spin(void *p)
{
    sigset_t all;
    (void)p;
    sigfillset(&all); /* they are for the one that sleeps */
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    spinner_tid = (pid_t)syscall(SYS_gettid);
    while (!stop_spinning)
        ;
    return NULL;
}

static void on_alarm(int signo) { (void)signo; }

static void sleep_errors(void)
{
    pid_t self = getpid(), tid = (pid_t)syscall(SYS_gettid);
    struct timespec bad = { 0, 1000000000 };
    CALL(nap(CLOCK_THREAD_CPUTIME_ID, 0, MS, NULL));
    CALL(nap(clock_of(0, SCHED | THREAD), 0, MS, NULL));
    CALL(nap(clock_of(tid, SCHED | THREAD), 0, MS, NULL));
    CALL(nap(clock_of(0, SCHED), 0, 0, NULL));
    CALL(nap(clock_of(self, SCHED), 0, 0, NULL));
    CALL(nap(clock_of(self, PROF), 0, 0, NULL));
    CALL(nap(clock_of(self, VIRT), TIMER_ABSTIME, 0, NULL));
    CALL(nap(clock_of(self, SCHED), TIMER_ABSTIME, 1, NULL));
    CALL(nap(clock_of(999999, SCHED), 0, MS, NULL));
    CALL(nap(clock_of(1, SCHED | THREAD), 0, MS, NULL));
    CALL(nap(clock_of(3, 3), 0, MS, NULL)); /* a file's */
    CALL(nap(CLOCK_PROCESS_CPUTIME_ID, 0, -1, NULL));
    CALL(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &bad, NULL));
    CALL(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, 8, NULL));
    CALL(syscall(SYS_clock_nanosleep, clock_of(999999, SCHED), 0, 8, NULL));
    CALL(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, 8, NULL));
}

static void sleeps(void)
{
    pthread_t thread;
    struct timespec left = { 99, 99 };
    struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
    pthread_create(&thread, NULL, spin, NULL);
    while (!spinner_tid)
        sched_yield();
    int other = clock_of(spinner_tid, SCHED | THREAD);
    int64_t begin = now(CLOCK_PROCESS_CPUTIME_ID);
    CALL(nap(CLOCK_PROCESS_CPUTIME_ID, 0, 20 * MS, &left));
    show("slept", now(CLOCK_PROCESS_CPUTIME_ID) - begin >= 20 * MS);
    printf("left untouched: %ld %ld\n", (long)left.tv_sec, left.tv_nsec);
    begin = now(other);
    CALL(nap(other, 0, 20 * MS, NULL));
    show("slept", now(other) - begin >= 20 * MS);
    CALL(nap(other, TIMER_ABSTIME, (long)now(other) + 15 * MS, NULL));
    CALL(nap(clock_of(getpid(), VIRT), 0, 10 * MS, NULL));
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 20000 } }, NULL);
    CALL(nap(other, 0, 5000 * MS, &left));
    show("most is left", left.tv_sec == 4);
    setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 20000 } }, NULL);
    CALL(nap(other, 0, 5000 * MS, (void *)8));
    setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 20000 } }, NULL);
    left.tv_sec = 77;
    CALL(nap(other, TIMER_ABSTIME, 50000 * MS, &left));
    show("left untouched", left.tv_sec);
    /* stopped and continued: goes on */
    pid_t parent = getpid();
    if (!fork()) {
        usleep(10000);
        kill(parent, SIGSTOP);
        usleep(10000);
        kill(parent, SIGCONT);
        _exit(0);
    }
    CALL(nap(other, 0, 60 * MS, NULL));
    wait(NULL);
    stop_spinning = 1;
    pthread_join(thread, NULL);
    CALL(nap(other, 0, MS, NULL)); /* no more */
    /* a child's clock; it ends while somebody sleeps on it */
    pid_t child = fork();
    if (!child)
        for (;;)
            ;
    CALL(nap(clock_of(child, SCHED), 0, 20 * MS, NULL));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    child = fork();
    if (!child) {
        burn_until(10 * MS);
        _exit(0);
    }
    signal(SIGCHLD, SIG_IGN); /* reaped at once */
    setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 150000 } }, NULL);
    CALL(nap(clock_of(child, SCHED), 0, 5000 * MS, NULL));
}

static void resolutions(void)
{
    static const int kinds[] = { PROF, VIRT, SCHED, 3, PROF | THREAD, VIRT | THREAD, SCHED | THREAD, 3 | THREAD };
    for (int clock = -1; clock < 14; clock++) {
        struct timespec t = { 9, 9 };
        if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM)
            continue;
        long result = syscall(SYS_clock_getres, clock, &t);
        printf("resolution of %d: %ld %ld.%09ld, error %d\n", clock, result, (long)t.tv_sec, t.tv_nsec, result ? errno : 0);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct timespec t = { 9, 9 };
        long result = syscall(SYS_clock_getres, clock_of(0, kinds[i]), &t);
        printf("kind %d: %ld, %ld.%09ld\n", kinds[i], result, (long)t.tv_sec, t.tv_nsec);
        CALL(syscall(SYS_clock_getres, clock_of(0, kinds[i]), NULL));
        CALL(syscall(SYS_clock_getres, clock_of(0, kinds[i]), 8));
        DONE(syscall(SYS_clock_gettime, clock_of(0, kinds[i]), &t));
        DONE(syscall(SYS_clock_gettime, clock_of(getpid(), kinds[i]), &t));
    }
    CALL(syscall(SYS_clock_getres, 99, 8));
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        burn_until(100 * MS);
        show_limit("executed");
        return 0;
    }
    limits(argv[0]);
    sleep_errors();
    sleeps();
    resolutions();
    return 0;
}

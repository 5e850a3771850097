/* Timers: timer_create and its family on every clock, overruns, siginfo, interval timers, and what
 * exec, fork and the end of a thread do to them. */
/* flags: -pthread */
#include "guest.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

#define MS 1000000L
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile int fired;
static siginfo_t last;

static void handler(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)context;
    last = *info;
    fired++;
}

static void catch(int signo)
{
    struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(signo, &a, NULL);
}

static long create(int clock, int notify, int signo, int value, int *id)
{
    struct sigevent event = { .sigev_notify = notify, .sigev_signo = signo };
    event.sigev_value.sival_int = value;
    event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
    return syscall(SYS_timer_create, clock, &event, id);
}

static struct itimerspec spec(long value_ns, long interval_ns)
{
    return (struct itimerspec){ { interval_ns / 1000000000, interval_ns % 1000000000 },
                                { value_ns / 1000000000, value_ns % 1000000000 } };
}

static long set(int id, int flags, long value_ns, long interval_ns, struct itimerspec *old)
{
    struct itimerspec s = spec(value_ns, interval_ns);
    return syscall(SYS_timer_settime, id, flags, &s, old);
}

static int64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void sleep_ms(long ms)
{
    int64_t until = now(CLOCK_MONOTONIC) + ms * MS;
    struct timespec t = { until / 1000000000, until % 1000000000 };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

static void spin_ms(clockid_t clock, long ms)
{
    int64_t until = now(clock) + ms * MS;
    while (now(clock) < until)
        for (volatile int i = 0; i < 1000; i++)
            ;
}

static void show_value(const char *name, const struct itimerspec *s)
{
    printf("%s: running %d interval %ld.%09ld\n", name, s->it_value.tv_sec || s->it_value.tv_nsec,
           s->it_interval.tv_sec, s->it_interval.tv_nsec);
    fflush(stdout);
}

static void errors(void)
{
    int id = -7, other, *hole = pages(1, PROT_NONE);
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct itimerspec s = spec(MS, 0), out;
    static const int clocks[] = { 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 99, -1, INT32_MIN };
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        long result = syscall(SYS_timer_create, clocks[i], &event, &other);
        printf("clock %d: ", clocks[i]);
        show_result("timer_create", result);
        if (!result)
            CALL(syscall(SYS_timer_delete, other));
    }
    CALL(syscall(SYS_timer_create, CLOCK_MONOTONIC, 8, &id));
    CALL(syscall(SYS_timer_create, 99, 8, &id));
    CALL(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, hole));
    CALL(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, 8));
    event.sigev_signo = 0;
    CALL(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
    event.sigev_signo = 65;
    CALL(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
    event.sigev_notify = SIGEV_NONE;
    CALL(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &other));
    CALL(syscall(SYS_timer_delete, other));
    event.sigev_signo = SIGUSR1;
    static const int notifies[] = { 0, 1, 2, 3, 4, 5, 6, 8, -1 };
    for (size_t i = 0; i < sizeof notifies / sizeof *notifies; i++) {
        event.sigev_notify = notifies[i];
        event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
        long result = syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &other);
        printf("notify %d: ", notifies[i]);
        show_result("timer_create", result);
        if (!result)
            syscall(SYS_timer_delete, other);
    }
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_notify_thread_id = 1;
    CALL(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
    event.sigev_notify_thread_id = 0;
    CALL(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
    show("no timer was made", id);
    CALL(create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, &id));
    CALL(syscall(SYS_timer_settime, id, 0, NULL, NULL));
    CALL(syscall(SYS_timer_settime, id, 0, 8, NULL));
    CALL(syscall(SYS_timer_settime, 12345, 0, &s, NULL));
    CALL(syscall(SYS_timer_settime, -1, 0, &s, NULL));
    s.it_value.tv_nsec = 1000000000;
    CALL(syscall(SYS_timer_settime, id, 0, &s, NULL));
    CALL(syscall(SYS_timer_settime, 12345, 0, &s, NULL));
    s.it_value.tv_nsec = -1;
    CALL(syscall(SYS_timer_settime, id, 0, &s, NULL));
    s = spec(100 * MS, 0);
    s.it_value.tv_sec = -1;
    CALL(syscall(SYS_timer_settime, id, 0, &s, NULL));
    s = spec(0, 0);
    s.it_interval.tv_nsec = 1000000000;
    CALL(syscall(SYS_timer_settime, id, 0, &s, NULL));
    s = spec(5000 * MS, 0);
    CALL(syscall(SYS_timer_settime, id, 0x7ffffffe, &s, NULL)); /* unknown flags */
    CALL(syscall(SYS_timer_settime, id, 0, &s, 8));
    CALL(syscall(SYS_timer_gettime, id, &out));
    show_value("set in spite of the address", &out);
    CALL(syscall(SYS_timer_gettime, id, 8));
    CALL(syscall(SYS_timer_gettime, 12345, &out));
    CALL(syscall(SYS_timer_getoverrun, id));
    CALL(syscall(SYS_timer_getoverrun, 12345));
    CALL(syscall(SYS_timer_delete, id));
    CALL(syscall(SYS_timer_delete, id));
    CALL(syscall(SYS_timer_gettime, id, &out));
}

static void each_clock(int clock)
{
    int id, signo = SIGRTMIN + 2;
    struct itimerspec old;
    printf("--- clock %d\n", clock);
    catch(signo);
    bool cpu = clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
    for (int notify = 0; notify <= SIGEV_THREAD_ID; notify += SIGEV_THREAD_ID) {
        CALL(create(clock, notify, signo, 42, &id));
        fired = 0;
        CALL(set(id, 0, 3 * MS, 0, &old));
        show_value("before", &old);
        while (!fired)
            if (cpu)
                spin_ms(clock, 1);
            else
                sleep_ms(1);
        printf("signal %d code %d value %d id %d overrun %d errno %d\n", last.si_signo - SIGRTMIN, last.si_code,
               last.si_value.sival_int, last.si_timerid == id, last.si_overrun, last.si_errno);
        CALL(syscall(SYS_timer_gettime, id, &old));
        show_value("expired", &old);
        CALL(syscall(SYS_timer_getoverrun, id));
        fired = 0;
        CALL(set(id, TIMER_ABSTIME, now(clock) + 3 * MS, 2 * MS, NULL)); /* absolute, repeated */
        while (fired < 3)
            if (cpu)
                spin_ms(clock, 1);
            else
                sleep_ms(1);
        CALL(set(id, TIMER_ABSTIME, 1, 0, &old)); /* long ago */
        show_value("repeating", &old);
        while (fired < 4)
            spin_ms(clock, 1);
        CALL(set(id, 0, 1000 * MS, 7 * MS, NULL));
        CALL(set(id, 0, 0, 9 * MS, &old));
        show_value("running", &old);
        CALL(syscall(SYS_timer_gettime, id, &old));
        show_value("disarmed", &old);
        show("left", old.it_value.tv_sec);
        CALL(syscall(SYS_timer_delete, id));
    }
    CALL(create(clock, SIGEV_NONE, 0, 0, &id));
    CALL(set(id, 0, 2 * MS, 0, NULL));
    spin_ms(clock, 4);
    CALL(syscall(SYS_timer_gettime, id, &old));
    show_value("silent, expired", &old);
    CALL(set(id, 0, 2 * MS, 3 * MS, NULL));
    spin_ms(clock, 4);
    CALL(syscall(SYS_timer_gettime, id, &old));
    show_value("silent, repeating", &old);
    show("less than its interval", old.it_value.tv_sec == 0 && old.it_value.tv_nsec <= 3 * MS);
    CALL(syscall(SYS_timer_getoverrun, id));
    CALL(syscall(SYS_timer_delete, id));
}

static void overruns(void)
{
    int id, second;
    sigset_t block, pending;
    siginfo_t info;
    struct itimerspec value;
    struct timespec soon = { 1, 0 }, none = { 0, 0 };
    sigemptyset(&block);
    sigaddset(&block, SIGRTMIN);
    sigaddset(&block, SIGUSR1);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, NULL);
    CALL(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 5, &id));
    /* wide: the machine may be busy */
    CALL(set(id, 0, 250 * MS, 250 * MS, NULL));
    sleep_ms(250 * 5 + 100);
    CALL(sigtimedwait(&block, &info, &none) - SIGRTMIN);
    printf("overrun %d value %d code %d\n", info.si_overrun, info.si_value.sival_int, info.si_code);
    CALL(syscall(SYS_timer_getoverrun, id));
    CALL(sigtimedwait(&block, &info, &none)); /* one signal, however many expiries */
    CALL(sigtimedwait(&block, &info, &soon) - SIGRTMIN);
    show("overrun", info.si_overrun);
    CALL(syscall(SYS_timer_getoverrun, id));
    sleep_ms(350);
    CALL(syscall(SYS_timer_gettime, id, &value));
    show_value("signal pending", &value);
    show("in the future", value.it_value.tv_nsec <= 250 * MS);
    CALL(set(id, 0, 500000 * MS, 0, NULL)); /* the signal of the old setting is gone */
    CALL(sigtimedwait(&block, &info, &none));
    CALL(syscall(SYS_timer_getoverrun, id));
    CALL(syscall(SYS_timer_delete, id));
    /* two timers with one standard signal: both are queued */
    CALL(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1, &id));
    CALL(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 2, &second));
    show("ids follow", second - id);
    set(second, 0, MS, 0, NULL);
    set(id, 0, 20 * MS, 0, NULL);
    sleep_ms(40);
    kill(getpid(), SIGUSR1); /* not queued: one is pending */
    for (int i = 0; i < 3; i++) {
        CALL(sigtimedwait(&block, &info, &none));
        if (i < 2)
            printf("value %d code %d\n", info.si_value.sival_int, info.si_code);
    }
    set(id, 0, MS, 0, NULL);
    sleep_ms(10);
    CALL(syscall(SYS_timer_delete, id)); /* with its signal */
    CALL(sigtimedwait(&block, &info, &none));
    CALL(syscall(SYS_timer_delete, second));
    /* the default event: SIGALRM with the timer's number */
    CALL(syscall(SYS_timer_create, CLOCK_REALTIME, NULL, &id));
    set(id, 0, MS, 0, NULL);
    CALL(sigtimedwait(&block, &info, &soon));
    printf("value is id %d, code %d\n", info.si_value.sival_int == id, info.si_code);
    CALL(syscall(SYS_timer_delete, id));
    /* ignored, then not */
    signal(SIGUSR1, SIG_IGN);
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &usr1, NULL);
    CALL(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 9, &id));
    set(id, 0, 10 * MS, 10 * MS, NULL);
    sleep_ms(35);
    CALL(syscall(SYS_timer_gettime, id, &value));
    show_value("ignored", &value);
    fired = 0;
    catch(SIGUSR1);
    sleep_ms(25);
    show("fires again", fired > 0);
    CALL(syscall(SYS_timer_delete, id));
    sigpending(&pending);
    show("pending", sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &block, NULL);
}

static int thread_timer;

static void *thread(void *arg)
{
    struct itimerspec value;
    (void)arg;
    CALL(create(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGRTMIN, 3, &thread_timer));
    CALL(set(thread_timer, 0, 20 * MS, 20 * MS, NULL));
    fired = 0;
    while (fired < 2)
        sleep_ms(1);
    CALL(create(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, SIGRTMIN, 3, (int *)arg));
    CALL(set(*(int *)arg, 0, 5000 * MS, 0, NULL));
    CALL(syscall(SYS_timer_gettime, *(int *)arg, &value));
    show_value("in the thread", &value);
    return NULL;
}

static void threads(void)
{
    pthread_t t;
    int cpu = -1;
    sigset_t block;
    catch(SIGRTMIN);
    sigemptyset(&block);
    sigaddset(&block, SIGRTMIN);
    pthread_create(&t, NULL, thread, &cpu);
    pthread_sigmask(SIG_BLOCK, &block, NULL);
    pthread_join(t, NULL);
    fired = 0;
    sleep_ms(60);
    show("to a thread that is no more", fired);
    CALL(syscall(SYS_timer_delete, thread_timer));
    CALL(syscall(SYS_timer_delete, cpu));
    pthread_sigmask(SIG_UNBLOCK, &block, NULL);
    show("fired", fired);
}

static int64_t usec(const struct timeval *t) { return t->tv_sec * INT64_C(1000000) + t->tv_usec; }

static void interval_timers(void)
{
    static const int signals[] = { SIGALRM, SIGVTALRM, SIGPROF };
    struct itimerval every = { { 0, 20000 }, { 0, 20000 } }, off = { { 0, 0 }, { 0, 0 } }, old;
    for (int which = 0; which < 3; which++) {
        catch(signals[which]);
        fired = 0;
        CALL(setitimer(which, &every, NULL));
        while (fired < 2)
            spin_ms(CLOCK_PROCESS_CPUTIME_ID, 1);
        printf("signal %d code %d\n", last.si_signo, last.si_code);
        CALL(getitimer(which, &old));
        printf("running %d interval %ld\n", usec(&old.it_value) > 0, (long)usec(&old.it_interval));
        CALL(setitimer(which, &off, &old));
        printf("running %d interval %ld\n", usec(&old.it_value) > 0, (long)usec(&old.it_interval));
        CALL(getitimer(which, &old));
        printf("off %d %d\n", (int)usec(&old.it_value), (int)usec(&old.it_interval));
        CALL(setitimer(which, &(struct itimerval){ { 0, 5 }, { 100, 0 } }, NULL));
        CALL(syscall(SYS_setitimer, which, NULL, &old));
        printf("seconds %d interval %d\n", (int)(usec(&old.it_value) + 500000) / 1000000, (int)usec(&old.it_interval));
        CALL(syscall(SYS_setitimer, which, &off, 8));
        CALL(syscall(SYS_setitimer, which, 8, NULL));
        CALL(syscall(SYS_getitimer, which, 8));
        struct itimerval bad = { { 0, 0 }, { 0, 1000000 } };
        CALL(syscall(SYS_setitimer, which, &bad, NULL));
        bad = (struct itimerval){ { -1, 0 }, { 1, 0 } };
        CALL(syscall(SYS_setitimer, which, &bad, NULL));
    }
    CALL(syscall(SYS_setitimer, 3, NULL, NULL));
    CALL(syscall(SYS_getitimer, 3, &old));
    CALL(syscall(SYS_getitimer, -1, &old));
    CALL(alarm(30));
    CALL(alarm(1000));
    every = (struct itimerval){ { 3, 0 }, { 2, 400000 } };
    setitimer(ITIMER_REAL, &every, NULL);
    CALL(alarm(0));
    setitimer(ITIMER_REAL, &(struct itimerval){ { 5, 0 }, { 0, 300000 } }, NULL);
    CALL(alarm(7));
    getitimer(ITIMER_REAL, &old);
    show("alarm clears the interval", old.it_interval.tv_sec);
    CALL(alarm(0));
    /* blocked: expiries do not pile up */
    sigset_t block;
    siginfo_t info;
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 200000 }, { 0, 200000 } }, NULL);
    sleep_ms(500);
    CALL(sigtimedwait(&block, &info, &(struct timespec){ 0, 0 }));
    CALL(sigtimedwait(&block, &info, &(struct timespec){ 0, 0 }));
    CALL(sigtimedwait(&block, &info, &(struct timespec){ 1, 0 }));
    setitimer(ITIMER_REAL, &off, NULL);
    sigprocmask(SIG_UNBLOCK, &block, NULL);
}

static void limits(void)
{
    struct rlimit old, few = { 0, 0 };
    int ids[40], made = 0;
    getrlimit(RLIMIT_SIGPENDING, &old);
    few.rlim_max = old.rlim_max;
    CALL(setrlimit(RLIMIT_SIGPENDING, &few));
    CALL(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, ids));
    CALL(create(CLOCK_MONOTONIC, 77, SIGUSR1, 0, ids));
    setrlimit(RLIMIT_SIGPENDING, &old);
    while (made < 40 && !create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, &ids[made]))
        made++;
    show("made", made);
    while (made--)
        syscall(SYS_timer_delete, ids[made]);
}

static void inheritance(const char *self)
{
    int id;
    struct itimerspec value;
    struct itimerval real;
    int status;
    create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2, 0, &id);
    set(id, 0, 30000 * MS, 0, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){ { 1, 0 }, { 50, 0 } }, NULL);
    setitimer(ITIMER_PROF, &(struct itimerval){ { 1, 0 }, { 50, 0 } }, NULL);
    char number[16];
    snprintf(number, sizeof number, "%d", id);
    if (!fork()) {
        CALL(syscall(SYS_timer_gettime, id, &value)); /* not in the child */
        getitimer(ITIMER_REAL, &real);
        show("child's alarm", real.it_value.tv_sec);
        getitimer(ITIMER_PROF, &real);
        show("child's profile", real.it_value.tv_sec);
        _exit(0);
    }
    wait(&status);
    CALL(syscall(SYS_timer_gettime, id, &value));
    execl(self, self, number, NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1) { /* after exec: interval timers stay, POSIX timers do not */
        struct itimerspec value;
        struct itimerval real;
        CALL(syscall(SYS_timer_gettime, atoi(argv[1]), &value));
        for (int which = 0; which < 3; which++) {
            getitimer(which, &real);
            printf("after exec: %ld %ld\n", (long)(usec(&real.it_value) + 500000) / 1000000, (long)real.it_interval.tv_sec);
        }
        return 0;
    }
    static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
                                  CLOCK_THREAD_CPUTIME_ID, CLOCK_BOOTTIME, CLOCK_TAI };
    errors();
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
        each_clock(clocks[i]);
    overruns();
    threads();
    interval_timers();
    limits();
    inheritance(argv[0]);
    return 1;
}

/* Time: clocks go forward, sleeps last at least as long as asked, timers repeat. */
#include "guest.h"
#include <sys/time.h>
#include <sys/times.h>
#include <sys/resource.h>
#include <time.h>

static volatile int ticks;
static void tick(int signo) { (void)signo, ticks++; }

static int64_t now(clockid_t clock)
{
    struct timespec t;
    return clock_gettime(clock, &t) ? -1 : t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int main(void)
{
    static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
                                        CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME };
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        int64_t first = now(clocks[i]);
        for (volatile int n = 0; n < 1000; n++)
            ;
        int64_t second = now(clocks[i]);
        printf("clock %d: works %d forward %d\n", clocks[i], first >= 0, second >= first);
        struct timespec resolution;
        printf("resolution %d\n", clock_getres(clocks[i], &resolution) == 0 && resolution.tv_nsec > 0);
    }
    int64_t start = now(CLOCK_MONOTONIC);
    struct timespec t = { 0, 20000000 };
    CALL(nanosleep(&t, NULL));
    show("slept", now(CLOCK_MONOTONIC) - start >= 20000000);
    start = now(CLOCK_MONOTONIC) + 10000000;
    struct timespec until = { start / 1000000000, start % 1000000000 };
    CALL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL));
    show("slept until", now(CLOCK_MONOTONIC) >= start);
    CALL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)); /* in the past */
    struct timeval tv;
    CALL(gettimeofday(&tv, NULL));
    show("seconds agree", labs(time(NULL) - tv.tv_sec) <= 1);
    signal(SIGALRM, tick);
    struct itimerval every = { { 0, 5000 }, { 0, 5000 } }, old;
    CALL(setitimer(ITIMER_REAL, &every, NULL));
    while (ticks < 3)
        pause();
    every = (struct itimerval){ { 0, 0 }, { 0, 0 } };
    CALL(setitimer(ITIMER_REAL, &every, &old));
    show("interval", old.it_interval.tv_usec);
    CALL(alarm(100));
    CALL(alarm(0));
    CALL(getitimer(ITIMER_REAL, &old));
    show("stopped", old.it_value.tv_sec);
    /* an alarm stops a loop that makes no calls */
    ticks = 0;
    every.it_value.tv_usec = 3000;
    setitimer(ITIMER_REAL, &every, NULL);
    while (!ticks)
        ;
    show("interrupted the loop", ticks);
    struct rusage usage;
    CALL(getrusage(RUSAGE_SELF, &usage));
    struct tms tms;
    show("times", times(&tms) != (clock_t)-1);
    show("clock", clock() != (clock_t)-1);
    return 0;
}

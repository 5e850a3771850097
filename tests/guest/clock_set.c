/* settimeofday, clock_settime, adjtimex, clock_adjtime, syslog: what is refused. Nothing here sets a clock: the
 * calls are made without the right to, or with values that are wrong. */
#include "guest.h"
#include <linux/capability.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

static void *volatile bad = (void *)8;
#define SYS(name, ...) CALL(syscall(SYS_##name, __VA_ARGS__))

static void calls(void)
{
    struct timespec t = { 1, 1000000000 };
    struct timeval v = { 1, 1000001 };
    struct timex x = { 0 };
    struct timezone z = { 16 * 60, 0 };
    static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_BOOTTIME, CLOCK_TAI, 99, -2, -3,
                                        CLOCK_REALTIME_COARSE };
    SYS(clock_settime, CLOCK_REALTIME, &t);
    SYS(clock_settime, CLOCK_REALTIME, bad);
    t.tv_nsec = -1;
    SYS(clock_settime, CLOCK_REALTIME, &t);
    t.tv_nsec = 0;
    t.tv_sec = -1;
    SYS(clock_settime, CLOCK_REALTIME, &t);
    t.tv_sec = 8277292036;
    SYS(clock_settime, CLOCK_REALTIME, &t);
    t.tv_sec = 1;
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        SYS(clock_settime, clocks[i], &t);
        SYS(clock_settime, clocks[i], bad);
        SYS(clock_adjtime, clocks[i], &x);
    }
    SYS(settimeofday, &v, NULL);
    v.tv_usec = 1000000;
    SYS(settimeofday, &v, NULL);
    v.tv_usec = -1;
    SYS(settimeofday, &v, NULL);
    SYS(settimeofday, bad, NULL);
    SYS(settimeofday, NULL, bad);
    SYS(settimeofday, NULL, &z);
    x.modes = ADJ_SETOFFSET;
    x.time.tv_usec = 1000000;
    SYS(adjtimex, &x);
    SYS(adjtimex, bad);
    x.modes = 0x8000;
    SYS(adjtimex, &x);
    x.modes = ADJ_TICK;
    x.tick = 1;
    SYS(adjtimex, &x);
    x.modes = 0;
    DONE(syscall(SYS_adjtimex, &x));
    show("tick", x.tick);
    show("tolerance", x.tolerance);
    show("precision", x.precision);
    DONE(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &x));
    SYS(syslog, 11, NULL, 0);
    SYS(syslog, -1, NULL, 0);
    SYS(syslog, 0, NULL, 0);
    SYS(syslog, 2, NULL, 10);
    SYS(syslog, 2, bad, -1);
    SYS(syslog, 3, NULL, 10);
    SYS(syslog, 3, bad, -1);
    SYS(syslog, 3, bad, 0);
    SYS(syslog, 8, NULL, 0);
    SYS(syslog, 8, NULL, 9);
    DONE(klogctl(10, NULL, 0));
}

int main(void)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { { 0 } };
    syscall(SYS_capget, &header, d);
    d[0].effective &= ~(1u << CAP_SYS_TIME);
    syscall(SYS_capset, &header, d);
    calls();
    puts("unprivileged");
    fflush(stdout);
    if (setresuid(1000, 1000, 1000))
        return 1;
    calls();
    return 0;
}

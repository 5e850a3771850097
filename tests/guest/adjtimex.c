/* adjtimex(2) keeps what it is told of the clock. It changes the clock of whoever runs it: its output is compared with what
 * Linux 6.18 has said (tests/golden/adjtimex.txt), in Ringfort only. */
#include "guest.h"
#include <sys/timex.h>
#include <time.h>

static void adjust(const char *name, struct timex x)
{
    errno = 0;
    int result = adjtimex(&x);
    printf("%s: %d error %d, status %#x maxerror %ld esterror %ld constant %ld tai %d freq %ld tick %ld offset %ld\n", name,
           result, errno, (unsigned)x.status, x.maxerror, x.esterror, x.constant, x.tai, x.freq, x.tick, x.offset);
}

static void show_tai(void)
{
    struct timespec real, tai;
    clock_gettime(CLOCK_REALTIME, &real);
    clock_gettime(CLOCK_TAI, &tai);
    long ns = (tai.tv_sec - real.tv_sec) * 1000000000 + tai.tv_nsec - real.tv_nsec;
    printf("TAI is ahead by %ld tenths of a second\n", ns / 100000000);
}

int main(void)
{
    struct timex t = { 0 };
    adjust("nothing", t);
    t = (struct timex){ .modes = ADJ_STATUS, .status = 0xffff & ~(STA_INS | STA_DEL | STA_UNSYNC | STA_PLL) };
    adjust("status", t);
    adjust("bad errors", (struct timex){ .modes = ADJ_MAXERROR | ADJ_ESTERROR, .maxerror = -5, .esterror = 1L << 40 });
    adjust("errors", (struct timex){ .modes = ADJ_MAXERROR | ADJ_ESTERROR, .maxerror = 1000, .esterror = 2000 });
    t.modes = ADJ_TIMECONST;
    static const long constants[] = { 3, 100, -1 };
    for (int i = 0; i < 3; i++) {
        t.constant = constants[i];
        adjust("constant", t);
    }
    adjust("nano", (struct timex){ .modes = ADJ_NANO });
    adjust("constant", (struct timex){ .modes = ADJ_TIMECONST, .constant = 3 });
    static const long seconds[] = { 37, -1, 100001 };
    t.modes = ADJ_TAI;
    for (int i = 0; i < 3; i++) {
        t.constant = seconds[i];
        adjust("tai", t);
    }
    show_tai();
    adjust("PLL", (struct timex){ .modes = ADJ_STATUS, .status = STA_PLL });
    adjust("no PLL", (struct timex){ .modes = ADJ_STATUS });
    adjust("unsynchronised", (struct timex){ .modes = ADJ_STATUS, .status = STA_UNSYNC });
    adjust("micro", (struct timex){ .modes = ADJ_MICRO });
    adjust("offset without PLL", (struct timex){ .modes = ADJ_OFFSET, .offset = 500 });
    adjust("boot again", (struct timex){ .modes = ADJ_TAI | ADJ_MAXERROR | ADJ_ESTERROR, .maxerror = 16000000,
                                         .esterror = 16000000 });
    adjust("boot again", (struct timex){ .modes = ADJ_NANO | ADJ_TIMECONST, .constant = 2 });
    adjust("boot again", (struct timex){ .modes = ADJ_MICRO });
    return 0;
}

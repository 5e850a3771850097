/* What getrusage, wait4 and /proc count: page faults, switches, the largest resident set. */
/* flags: -pthread */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#define RUSAGE_THREAD_ 1

static struct rusage self(int who)
{
    struct rusage r;
    getrusage(who, &r);
    return r;
}

static void touch(size_t count)
{
    char *at = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(at, count * PAGE, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < count; i++)
        at[i * PAGE] = 1;
    munmap(at, count * PAGE);
}

static void sleep_often(int count)
{
    struct timespec t = { 0, 100000 };
    while (count--)
        nanosleep(&t, NULL);
}

/* About as many as expected: a sleep that is over before the thread has slept is none. */
static void about(const char *name, long value, long expected)
{
    bool good = value >= expected * 3 / 4 && value <= expected + expected / 2 + 60;
    printf("%s: %s\n", name, good ? "as many as expected" : "");
    if (!good)
        printf("%ld, not %ld\n", value, expected);
    fflush(stdout);
}

static void *in_thread(void *p)
{
    (void)p;
    touch(300);
    sleep_often(40);
    struct rusage r = self(RUSAGE_THREAD_);
    about("faults of the thread", r.ru_minflt, 300);
    about("sleeps of the thread", r.ru_nvcsw, 40);
    return NULL;
}

static long status_number(const char *name)
{
    char text[8192], *at;
    int fd = open("/proc/self/status", O_RDONLY);
    long n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    at = strstr(text, name);
    return at ? atol(at + strlen(name)) : -1;
}

static void stat_faults(long *own, long *children)
{
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY);
    long n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    *own = *children = -1;
    sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %ld %ld", own, children);
}

int main(int argc, char **argv)
{
    struct rusage before, after, child;
    long own, children, own_then, children_then;
    int status;
    pthread_t thread;
    if (argc > 1) { /* executed: counts and the largest set of the program before are kept */
        after = self(RUSAGE_SELF);
        show("faults kept", after.ru_minflt >= 2000);
        show("largest set kept", after.ru_maxrss >= 2000 * 4);
        return 0;
    }
    before = self(RUSAGE_SELF);
    touch(500);
    after = self(RUSAGE_SELF);
    about("faults", after.ru_minflt - before.ru_minflt, 500);
    show("largest set", after.ru_maxrss >= 500 * 4 && after.ru_maxrss < 3000 * 4);
    before = self(RUSAGE_SELF);
    sleep_often(50);
    after = self(RUSAGE_SELF);
    about("sleeps", after.ru_nvcsw - before.ru_nvcsw, 50);
    about("in /proc", status_number("\nvoluntary_ctxt_switches:") - before.ru_nvcsw, 50);
    show("others in /proc", status_number("\nnonvoluntary_ctxt_switches:") >= 0);
    before = self(RUSAGE_SELF);
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
    after = self(RUSAGE_SELF);
    about("with the thread that has ended", after.ru_minflt - before.ru_minflt, 300);
    about("its sleeps", after.ru_nvcsw - before.ru_nvcsw, 40);
    show("not of this thread", self(RUSAGE_THREAD_).ru_minflt < after.ru_minflt - 299);
    show("none of children", self(RUSAGE_CHILDREN).ru_minflt + self(RUSAGE_CHILDREN).ru_maxrss);
    stat_faults(&own_then, &children_then);
    show("none in /proc", children_then);
    if (!fork()) {
        show("a new process has few", self(RUSAGE_SELF).ru_minflt < 200);
        if (!fork()) {
            touch(1000);
            _exit(0);
        }
        wait(NULL);
        sleep_often(30);
        _exit(0);
    }
    wait4(-1, &status, 0, &child);
    about("faults of the child and its child", child.ru_minflt, 1000);
    about("sleeps of the child", child.ru_nvcsw, 30);
    show("their largest set", child.ru_maxrss >= 1000 * 4 && child.ru_maxrss < 3000 * 4);
    after = self(RUSAGE_CHILDREN);
    show("the same", after.ru_minflt == child.ru_minflt && after.ru_nvcsw == child.ru_nvcsw &&
                         after.ru_nivcsw == child.ru_nivcsw && after.ru_maxrss == child.ru_maxrss);
    stat_faults(&own, &children);
    show("in /proc", children == child.ru_minflt && own >= own_then);
    if (!fork()) {
        touch(2000);
        execl(argv[0], argv[0], "executed", NULL);
        _exit(1);
    }
    wait4(-1, &status, 0, &child);
    show_status("executed", status);
    show("largest set of the child", child.ru_maxrss >= 2000 * 4);
    show("of children", self(RUSAGE_CHILDREN).ru_maxrss == child.ru_maxrss);
    before = self(RUSAGE_SELF);
    for (int i = 0; i < 20; i++)
        getpid();
    after = self(RUSAGE_SELF);
    show("other calls sleep not", after.ru_nvcsw - before.ru_nvcsw);
    CALL(getrusage(2, &after));
    CALL(getrusage(-2, &after));
    CALL(syscall(SYS_getrusage, RUSAGE_SELF, 8));
    return 0;
}

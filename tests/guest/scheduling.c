/* sched_*, ioprio_*: policies and priorities, who may set them, errors, and that real-time tasks come first. All on
 * one CPU. */
#include "child.h"
#include <sched.h>
#include <sys/resource.h>

static void *volatile bad = (void *)8;
#define SYS(name, ...) CALL(syscall(SYS_##name, __VA_ARGS__))
#define NOBODY 0x3ffffff

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};

static void state(const char *when)
{
    struct attr a = { 0 };
    struct sched_param p = { -1 };
    long result = syscall(SYS_sched_getattr, 0, &a, sizeof a, 0);
    sched_getparam(0, &p);
    printf("%s: %ld policy %x attr %u flags %lx nice %d priority %u param %d\n", when, result,
           (unsigned)syscall(SYS_sched_getscheduler, 0), a.policy, (unsigned long)a.flags, a.nice, a.priority,
           p.sched_priority);
    fflush(stdout);
}

static long set(int policy, int priority)
{
    struct sched_param p = { priority };
    return syscall(SYS_sched_setscheduler, 0, policy, &p);
}

static void policies(void)
{
    struct sched_param p = { 5 };
    state("start");
    static const int values[][2] = { { SCHED_BATCH, 0 }, { SCHED_IDLE, 0 }, { SCHED_OTHER, 1 }, { SCHED_FIFO, 0 },
                                     { SCHED_FIFO, 100 }, { SCHED_FIFO, 99 }, { SCHED_RR, 1 }, { 4, 0 }, { 7, 0 },
                                     { -1, 0 }, { 6, 0 }, { SCHED_RR, -1 }, { 0x40000000 | SCHED_RR, 7 } };
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        printf("%x %d: ", (unsigned)values[i][0], values[i][1]);
        CALL(set(values[i][0], values[i][1]));
        state("then");
    }
    SYS(sched_setparam, 0, &p);
    state("setparam");
    p.sched_priority = 0;
    SYS(sched_setparam, 0, &p);
    struct timespec t;
    SYS(sched_rr_get_interval, 0, &t);
    printf("%ld.%09ld\n", (long)t.tv_sec, t.tv_nsec);
    if (!fork()) {
        state("child");
        _exit(0);
    }
    wait(NULL);
    CALL(set(SCHED_OTHER, 0));
    CALL(nice(-5));
    CALL(set(SCHED_OTHER | 0x40000000, 0));
    if (!fork()) {
        state("child");
        _exit(0);
    }
    wait(NULL);
}

static void errors(void)
{
    struct sched_param p = { 0 };
    struct timespec t;
    unsigned long mask[16] = { 1 };
    SYS(sched_setscheduler, NOBODY, 0, &p);
    SYS(sched_setscheduler, -1, 0, &p);
    SYS(sched_setscheduler, 0, 0, NULL);
    SYS(sched_setscheduler, 0, 0, bad);
    SYS(sched_setparam, NOBODY, &p);
    SYS(sched_setparam, 0, bad);
    SYS(sched_getparam, 0, NULL);
    SYS(sched_getparam, 0, bad);
    SYS(sched_getparam, NOBODY, &p);
    SYS(sched_getparam, -1, &p);
    SYS(sched_getscheduler, -1);
    SYS(sched_getscheduler, NOBODY);
    SYS(sched_rr_get_interval, -1, &t);
    SYS(sched_rr_get_interval, NOBODY, &t);
    SYS(sched_rr_get_interval, 0, bad);
    for (int policy = -1; policy < 7; policy++) {
        SYS(sched_get_priority_min, policy);
        SYS(sched_get_priority_max, policy);
    }
    SYS(sched_setaffinity, 0, 8, bad);
    SYS(sched_setaffinity, 0, 0, mask);
    SYS(sched_setaffinity, NOBODY, 8, mask);
    SYS(sched_setaffinity, 0, 4, mask);
    SYS(sched_setaffinity, 0, 128, mask);
    SYS(sched_getaffinity, 0, 7, mask);
    SYS(sched_getaffinity, 0, 9, mask);
    SYS(sched_getaffinity, 0, 0, mask);
    SYS(sched_getaffinity, NOBODY, 8, mask);
    SYS(sched_getaffinity, 0, 8, bad);
    SYS(sched_getaffinity, 0, 8, mask);
    SYS(sched_getaffinity, -1, 8, mask);
    show("mask", (long)mask[0]);
    mask[0] = 0;
    SYS(sched_setaffinity, 0, 8, mask);
}

static void attributes(void)
{
    struct {
        struct attr a;
        uint64_t more[4];
    } wide = { .a = { .size = sizeof(struct attr) } };
    struct attr a = { .size = sizeof a, .policy = SCHED_FIFO, .priority = 3 };
    SYS(sched_setattr, 0, &a, 0);
    state("FIFO 3");
    SYS(sched_setattr, 0, &a, 1);
    SYS(sched_setattr, -1, &a, 0);
    SYS(sched_setattr, NOBODY, &a, 0);
    SYS(sched_setattr, 0, NULL, 0);
    SYS(sched_setattr, 0, bad, 0);
    a.size = 8;
    SYS(sched_setattr, 0, &a, 0);
    show("known size", a.size);
    a = (struct attr){ .size = 48, .policy = SCHED_OTHER, .nice = 100 };
    SYS(sched_setattr, 0, &a, 0);
    state("nice 100");
    a.size = 0; /* the first version's */
    a.nice = 3;
    SYS(sched_setattr, 0, &a, 0);
    state("nice 3");
    wide.a.size = sizeof wide;
    SYS(sched_setattr, 0, &wide, 0);
    wide.more[3] = 1;
    SYS(sched_setattr, 0, &wide, 0);
    show("known size", wide.a.size);
    a = (struct attr){ .size = sizeof a, .flags = 0x80 };
    SYS(sched_setattr, 0, &a, 0);
    a.flags = 1;
    SYS(sched_setattr, 0, &a, 0);
    state("reset on fork");
    a = (struct attr){ .size = sizeof a, .policy = SCHED_RR, .flags = 8, .nice = 7 };
    SYS(sched_setattr, 0, &a, 0);
    state("policy kept");
    a = (struct attr){ .size = sizeof a, .policy = (uint32_t)-1 };
    SYS(sched_setattr, 0, &a, 0);
    a = (struct attr){ .size = sizeof a, .policy = 6 };
    SYS(sched_setattr, 0, &a, 0);
    SYS(sched_getattr, 0, &a, 47, 0);
    SYS(sched_getattr, 0, &a, 4097, 0);
    SYS(sched_getattr, 0, &a, 48, 1);
    SYS(sched_getattr, 0, NULL, 48, 0);
    SYS(sched_getattr, 0, bad, 48, 0);
    SYS(sched_getattr, NOBODY, &a, 48, 0);
    SYS(sched_getattr, 0, &a, 48, 0);
    show("size", a.size);
}

static void unprivileged(void)
{
    struct rlimit limit = { 0, 0 };
    unsigned long mask = 1;
    struct sched_param p = { 0 };
    setrlimit(RLIMIT_RTPRIO, &limit);
    setrlimit(RLIMIT_NICE, &limit);
    pid_t parent = getppid();
    CALL(setresuid(1000, 1000, 1000));
    CALL(set(SCHED_FIFO, 1));
    CALL(set(SCHED_BATCH, 0));
    CALL(set(SCHED_IDLE, 0));
    CALL(set(SCHED_OTHER, 0)); /* would be an increase */
    state("idle");
    SYS(sched_setscheduler, parent, SCHED_OTHER, &p);
    SYS(sched_getscheduler, parent);
    SYS(sched_setaffinity, parent, 8, &mask);
    CALL(setpriority(PRIO_PROCESS, parent, 5));
    CALL(nice(3));
    CALL(nice(-1));
}

static void io_priorities(void)
{
    SYS(ioprio_get, 1, 0);
    SYS(ioprio_set, 1, 0, 2 << 13 | 3);
    SYS(ioprio_get, 1, 0);
    SYS(ioprio_set, 1, 0, 3 << 13);
    SYS(ioprio_get, 1, 0);
    SYS(ioprio_set, 1, 0, 1 << 13 | 1);
    SYS(ioprio_get, 1, getpid());
    SYS(ioprio_set, 1, 0, 1);
    SYS(ioprio_set, 1, 0, 5 << 13);
    SYS(ioprio_set, 1, 0, 0);
    SYS(ioprio_set, 4, 0, 0);
    SYS(ioprio_set, 0, 0, 0);
    SYS(ioprio_get, 0, 0);
    SYS(ioprio_get, 1, NOBODY);
    SYS(ioprio_set, 1, NOBODY, 0);
    SYS(ioprio_get, 2, NOBODY);
    setpgid(0, 0);
    SYS(ioprio_get, 2, 0);
    SYS(ioprio_set, 2, 0, 2 << 13 | 6);
    SYS(ioprio_get, 2, 0);
    pid_t parent = getppid();
    CALL(setresuid(1000, 1000, 1000));
    SYS(ioprio_set, 1, 0, 1 << 13 | 1);
    SYS(ioprio_set, 1, parent, 2 << 13 | 3);
    SYS(ioprio_set, 1, 0, 2 << 13 | 5);
}

/* The order in which three runnable processes of one CPU say their names: by priority, then first come. */
static void order(void)
{
    static const int priorities[] = { 10, 30, 20, 30 };
    unsigned long mask = 1;
    int gate[2], out[2];
    char text[8] = "";
    syscall(SYS_sched_setaffinity, 0, sizeof mask, &mask);
    if (pipe(gate) || pipe(out))
        return;
    set(SCHED_FIFO, 50);
    for (int i = 0; i < 4; i++) {
        if (fork())
            continue;
        char name = (char)('a' + i), byte;
        close(gate[1]);
        set(SCHED_FIFO, priorities[i]);
        if (read(gate[0], &byte, 1) == 0 && write(out[1], &name, 1) == 1)
            _exit(0);
        _exit(1);
    }
    usleep(50000);  /* all wait at the gate */
    close(gate[1]); /* none of them runs before this process sleeps */
    while (wait(NULL) > 0)
        continue;
    show("names", read(out[0], text, sizeof text));
    puts(text);
}

int main(void)
{
    in_child("policies", policies);
    in_child("errors", errors);
    in_child("attributes", attributes);
    in_child("unprivileged", unprivileged);
    in_child("I/O priorities", io_priorities);
    in_child("order", order);
    return 0;
}

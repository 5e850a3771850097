/* Nice values and membarrier: errors, inheritance, what a nice value does to a share of the CPU. */
/* flags: -pthread -Wno-unused-result */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#define GET(which, who) CALL(syscall(SYS_getpriority, which, who))
#define SET(which, who, nice) CALL(syscall(SYS_setpriority, which, who, nice))

static void *thread(void *arg)
{
    GET(PRIO_PROCESS, 0); /* inherited, and then its own */
    SET(PRIO_PROCESS, 0, 9);
    GET(PRIO_PROCESS, 0);
    GET(PRIO_PROCESS, getpid());
    return arg;
}

static void nice_values(void)
{
    pthread_t t;
    int status;
    setpgid(0, 0);
    GET(PRIO_PROCESS, 0);
    GET(PRIO_PROCESS, getpid());
    GET(PRIO_PGRP, 0);
    GET(PRIO_PGRP, getpid());
    GET(3, 0);
    GET(-1, 0);
    GET(PRIO_PROCESS, -1);
    GET(PRIO_PROCESS, 0x3fffffff);
    GET(PRIO_PGRP, 0x3fffffff);
    GET(PRIO_USER, 12345);
    SET(3, 0, 0);
    SET(PRIO_PROCESS, 0x3fffffff, 0);
    SET(PRIO_PGRP, 0x3fffffff, 0);
    SET(PRIO_USER, 12345, 0);
    SET(PRIO_PROCESS, 0, 4);
    GET(PRIO_PROCESS, 0);
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    GET(PRIO_PROCESS, 0);
    if (!fork()) {
        GET(PRIO_PROCESS, 0);
        SET(PRIO_PROCESS, 0, 7);
        GET(PRIO_PGRP, 0); /* the best of the group */
        SET(PRIO_PGRP, 0, 11);
        _exit(0);
    }
    wait(&status);
    GET(PRIO_PROCESS, 0);
    SET(PRIO_PROCESS, 0, 100);
    GET(PRIO_PROCESS, 0);
}

static int64_t cpu_time(pid_t pid)
{
    struct timespec t = { 0, 0 };
    clockid_t clock;
    clock_getcpuclockid(pid, &clock);
    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void shares(void)
{
    pid_t child[2];
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
    for (int i = 0; i < 2; i++)
        if (!(child[i] = fork())) {
            if (i == 1)
                setpriority(PRIO_PROCESS, 0, 19);
            for (;;)
                ;
        }
    usleep(150000);
    int64_t first = cpu_time(child[0]), second = cpu_time(child[1]);
    for (int i = 0; i < 2; i++) {
        kill(child[i], SIGKILL);
        waitpid(child[i], NULL, 0);
    }
    show("the nice one gets less", first > 3 * second);
}

static void barriers(void)
{
    show("known", syscall(SYS_membarrier, 0, 0, 0) & 0x7f);
    CALL(syscall(SYS_membarrier, 0, 1, 0));
    CALL(syscall(SYS_membarrier, 3, 0, 0));
    CALL(syscall(SYS_membarrier, 1 << 20, 0, 0));
    CALL(syscall(SYS_membarrier, -1, 0, 0));
    CALL(syscall(SYS_membarrier, 8, 0, 0)); /* not registered */
    CALL(syscall(SYS_membarrier, 16, 1, 0));
    CALL(syscall(SYS_membarrier, 16, 0, 0));
    CALL(syscall(SYS_membarrier, 8, 0, 0));
    CALL(syscall(SYS_membarrier, 8, 1, 0));
    CALL(syscall(SYS_membarrier, 32, 0, 0));
    CALL(syscall(SYS_membarrier, 64, 0, 0));
    CALL(syscall(SYS_membarrier, 32, 0, 0));
    CALL(syscall(SYS_membarrier, 1, 0, 0));
    CALL(syscall(SYS_membarrier, 2, 0, 0));
    CALL(syscall(SYS_membarrier, 4, 0, 0));
    if (!fork()) {
        CALL(syscall(SYS_membarrier, 8, 0, 0));
        _exit(0);
    }
    wait(NULL);
}

int main(void)
{
    shares();
    nice_values();
    barriers();
    return 0;
}

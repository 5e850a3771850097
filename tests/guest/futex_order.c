/* Futexes: who is woken first, what may be combined with what, and waits that are moved to a lock with
 * priority inheritance. */
/* flags: -pthread */
#include "guest.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#define NR_WAITV 449
#define LOCK_PI2 13
#define MS 1000000L

struct waitv {
    uint64_t value, address;
    uint32_t flags, reserved;
};

static _Atomic uint32_t word, other, lock;
static atomic_int order[16], taken, started;

static long futex(void *at, int op, uint32_t value, const void *timeout, void *second, uint32_t third)
{
    return syscall(SYS_futex, at, op, value, timeout, second, third);
}

static uint32_t own(void) { return (uint32_t)syscall(SYS_gettid); }

static void sleep_ms(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * MS };
    while (nanosleep(&t, &t))
        ;
}

/* Until the thread is asleep in its call. */
static void wait_until_asleep(pid_t tid)
{
    char path[64], text[512], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", tid);
    while (state != 'S') {
        sleep_ms(3);
        int fd = open(path, O_RDONLY);
        if (fd < 0) /* not there: time must do */
            break;
        long n = read(fd, text, sizeof text - 1);
        close(fd);
        text[n > 0 ? n : 0] = 0;
        char *end = strrchr(text, ')');
        state = end ? end[2] : 0;
    }
}

/* --- threads that wait, started one after the other --- */

struct waiter {
    pthread_t thread;
    int number, priority;
    int op; /* FUTEX_WAIT, _BITSET, _LOCK_PI, _WAIT_REQUEUE_PI, or -1: futex_waitv */
    uint32_t bitset;
    _Atomic pid_t tid;
    long result;
    int error;
    const struct timespec *timeout;
};

static void *run(void *p)
{
    struct waiter *w = p;
    struct sched_param param = { .sched_priority = w->priority };
    if (w->priority)
        sched_setscheduler(0, SCHED_FIFO, &param);
    w->tid = (pid_t)own();
    if (w->op == -1) {
        struct waitv two[2] = { { 0, (uintptr_t)&started, 2 | 128, 0 }, { 0, (uintptr_t)&word, 2 | 128, 0 } };
        two[0].value = (uint32_t)started;
        w->result = syscall(NR_WAITV, two, 2, 0, NULL, 0);
    } else if (w->op == FUTEX_LOCK_PI) {
        w->result = futex(&lock, w->op | 128, 0, w->timeout, NULL, 0);
    } else {
        w->result = futex(&word, w->op | 128, 0, w->timeout, &lock, w->bitset);
    }
    w->error = w->result < 0 ? errno : 0;
    order[taken++] = w->number;
    if (w->op == FUTEX_LOCK_PI || (w->op == FUTEX_WAIT_REQUEUE_PI && !w->result))
        futex(&lock, FUTEX_UNLOCK_PI | 128, 0, NULL, NULL, 0);
    return NULL;
}

static void start(struct waiter *w, int number, int op, int priority, uint32_t bitset)
{
    *w = (struct waiter){ .number = number, .op = op, .priority = priority, .bitset = bitset };
    pthread_create(&w->thread, NULL, run, w);
    while (!w->tid)
        sched_yield();
    wait_until_asleep(w->tid);
}

static void expect_taken(int count)
{
    while (taken < count)
        sleep_ms(1);
    sleep_ms(5);
}

static void show_order(const char *name)
{
    printf("%s:", name);
    for (int i = 0; i < taken; i++)
        printf(" %d", order[i]);
    printf("\n");
    fflush(stdout);
    taken = 0;
}

static void join(struct waiter *w, int count)
{
    for (int i = 0; i < count; i++)
        pthread_join(w[i].thread, NULL);
}

static void show_results(const char *name, struct waiter *w, int count)
{
    printf("%s:", name);
    for (int i = 0; i < count; i++)
        printf(" %ld/%d", w[i].result, w[i].error);
    printf("\n");
    fflush(stdout);
}

/* Wake them one by one. */
static void wake_all(const char *name, void *at, int count)
{
    for (int i = 1; i <= count; i++) {
        long result = futex(at, FUTEX_WAKE | 128, 1, NULL, NULL, 0);
        if (result != 1)
            show_result(name, result);
        expect_taken(i);
    }
    show_order(name);
}

/* The threads are made in another order than they begin to wait in. */
static atomic_int may_wait[4];
static void *run_when_told(void *p)
{
    struct waiter *w = p;
    while (!may_wait[w->number])
        sleep_ms(1);
    return run(p);
}

static void first_come(void)
{
    struct waiter w[4];
    static const int begin[4] = { 2, 0, 3, 1 };
    for (int i = 0; i < 4; i++) {
        w[i] = (struct waiter){ .number = i, .op = FUTEX_WAIT };
        pthread_create(&w[i].thread, NULL, run_when_told, &w[i]);
    }
    for (int i = 0; i < 4; i++) {
        may_wait[begin[i]] = 1;
        while (!w[begin[i]].tid)
            sched_yield();
        wait_until_asleep(w[begin[i]].tid);
    }
    wake_all("first come, first served", &word, 4);
    join(w, 4);
}

static void priorities(void)
{
    struct waiter w[5];
    static const int priority[5] = { 0, 3, 0, 7, 3 };
    for (int i = 0; i < 5; i++)
        start(&w[i], i, FUTEX_WAIT, priority[i], 0);
    wake_all("by priority", &word, 5);
    join(w, 5);
    start(&w[0], 0, FUTEX_WAIT, 0, 0);
    start(&w[1], 1, FUTEX_WAIT, 0, 0);
    struct sched_param param = { .sched_priority = 9 };
    CALL(sched_setscheduler(w[1].tid, SCHED_FIFO, &param)); /* too late */
    wake_all("as it was when the wait began", &word, 2);
    join(w, 2);
}

static void bitsets(void)
{
    struct waiter w[4];
    static const uint32_t bits[4] = { 1, 2, 3, 4 };
    for (int i = 0; i < 4; i++)
        start(&w[i], i, FUTEX_WAIT_BITSET, 0, bits[i]);
    CALL(futex(&word, FUTEX_WAKE_BITSET | 128, 1, NULL, NULL, 6));
    expect_taken(1);
    CALL(futex(&word, FUTEX_WAKE_BITSET | 128, 1, NULL, NULL, 2));
    expect_taken(2);
    CALL(futex(&word, FUTEX_WAKE_BITSET | 128, 9, NULL, NULL, 2));
    CALL(futex(&word, FUTEX_WAKE_BITSET | 128, 9, NULL, NULL, 0));
    CALL(futex(&word, FUTEX_WAKE | 128, (uint32_t)-1, NULL, NULL, 0)); /* one */
    expect_taken(3);
    CALL(futex(&word, FUTEX_WAKE | 128, 0, NULL, NULL, 0)); /* one, too */
    expect_taken(4);
    show_order("by bits");
    join(w, 4);
}

static void requeues(void)
{
    struct waiter w[6];
    for (int i = 0; i < 4; i++)
        start(&w[i], i, FUTEX_WAIT, i == 3 ? 5 : 0, 0);
    CALL(futex(&word, FUTEX_REQUEUE | 128, 0, (void *)2L, &other, 0)); /* 3, 0 */
    start(&w[4], 4, FUTEX_WAIT, 0, 0);
    CALL(futex(&other, FUTEX_CMP_REQUEUE | 128, 0, (void *)9L, &word, 1));
    CALL(futex(&other, FUTEX_CMP_REQUEUE | 128, 0, (void *)9L, &word, 0));
    CALL(futex(&word, FUTEX_CMP_REQUEUE | 128, 1, (void *)9L, &word, 0)); /* onto itself */
    expect_taken(1);
    for (int i = 2; i <= 5; i++) {
        CALL(futex(&word, FUTEX_WAKE | 128, 1, NULL, NULL, 0));
        expect_taken(i);
    }
    show_order("moved there and back");
    join(w, 5);
    CALL(futex(&word, FUTEX_REQUEUE | 128, (uint32_t)-1, (void *)2L, &other, 0));
    CALL(futex(&word, FUTEX_REQUEUE | 128, 1, (void *)0xffffffffL, &other, 0));
    CALL(futex(&word, FUTEX_REQUEUE | 128, 1, (void *)1L, (char *)&other + 1, 0));
    CALL(futex(&word, FUTEX_REQUEUE | 128, 1, (void *)1L, (void *)8, 0)); /* not looked at */
    CALL(futex(&word, FUTEX_REQUEUE, 1, (void *)1L, (void *)8, 0));
    CALL(futex(&word, FUTEX_REQUEUE | 128, 1, (void *)1L, (void *)-4096L, 0));
    CALL(futex((void *)8, FUTEX_CMP_REQUEUE | 128, 1, (void *)1L, &other, 0));
}

static void many_words(void)
{
    struct waiter w[3];
    start(&w[0], 0, FUTEX_WAIT, 0, 0);
    start(&w[1], 1, -1, 0, 0);
    start(&w[2], 2, FUTEX_WAIT, 0, 0);
    wake_all("one of them waits for two words", &word, 3);
    show("which", w[1].result);
    join(w, 3);
    start(&w[0], 0, -1, 0, 0);
    CALL(futex(&word, FUTEX_CMP_REQUEUE | 128, 0, (void *)9L, &other, 0));
    CALL(futex(&word, FUTEX_WAKE | 128, 1, NULL, NULL, 0));
    CALL(futex(&other, FUTEX_WAKE | 128, 1, NULL, NULL, 0));
    expect_taken(1);
    show("which, moved", w[0].result);
    taken = 0;
    join(w, 1);
}

static void wake_operations(void)
{
    struct waiter w[4];
    for (int i = 0; i < 4; i++)
        start(&w[i], i, FUTEX_WAIT, 0, 0);
    CALL(futex(&word, FUTEX_CMP_REQUEUE | 128, 0, (void *)2L, &other, 0));
    CALL(futex(&word, FUTEX_WAKE_OP | 128, 1, (void *)1L, &other, FUTEX_OP(FUTEX_OP_ADD, -1, FUTEX_OP_CMP_EQ, 0)));
    expect_taken(2);
    show("minus one", (int)other);
    CALL(futex(&word, FUTEX_WAKE_OP | 128, 1, (void *)1L, &other, FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_GE, 0)));
    expect_taken(3);
    CALL(futex(&word, FUTEX_WAKE_OP | 128, 1, (void *)0L, &other, FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_LE, 0)));
    expect_taken(4);
    printf("first of each: %d, then %d %d\n", order[0] + order[1], order[2], order[3]);
    taken = 0;
    join(w, 4);
    CALL(futex(&word, FUTEX_WAKE_OP | 128, 1, NULL, &other, 7u << 28));
    CALL(futex(&word, FUTEX_WAKE_OP | 128, 1, NULL, (void *)8, 7u << 28));
    CALL(futex(&word, FUTEX_WAKE_OP | 128, 1, NULL, &other, 9u << 24 | 5u << 12));
    show("changed before the comparison is found bad", other);
    other = 0;
    CALL(futex(&word, FUTEX_WAKE_OP | 128, 1, NULL, &other, FUTEX_OP((FUTEX_OP_OR | 8), 33, FUTEX_OP_CMP_EQ, 0)));
    show("shifted", other);
    other = 0;
    CALL(futex(&word, FUTEX_WAKE_OP | 128, 1, NULL, (void *)8, 0));
    CALL(futex(&word, FUTEX_WAKE_OP | 128, 1, NULL, (char *)&other + 2, 0));
    CALL(futex((void *)8, FUTEX_WAKE_OP | 128, 1, NULL, &other, 0));
    CALL(futex((void *)8, FUTEX_WAKE_OP, 1, NULL, &other, 0));
}

/* --- arguments --- */

static void arguments(void)
{
    const struct timespec bad = { 0, -1 }, short_one = { 0, 1000 };
    _Atomic uint32_t *read_only = pages(1, PROT_READ), *hole = pages(1, PROT_NONE);
    for (int command = 0; command < 16; command++) {
        if (command == FUTEX_LOCK_PI || command == LOCK_PI2 || command == FUTEX_TRYLOCK_PI)
            continue;
        bool counts = (command >= FUTEX_REQUEUE && command <= FUTEX_WAKE_OP) || command == FUTEX_CMP_REQUEUE_PI;
        const void *time = counts ? (void *)1L : &short_one, *bad_time = counts ? (void *)1L : &bad;
        printf("command %d\n", command);
        CALL(futex(&word, command | FUTEX_CLOCK_REALTIME | 128, 1, time, &other, 0));
        CALL(futex((char *)&word + 1, command | 128, 1, time, &other, 1));
        CALL(futex((void *)-4096L, command | 128, 1, time, &other, 1));
        CALL(futex((void *)8, command | 128, 1, time, &other, 1));
        CALL(futex((void *)8, command, 1, time, &other, 1));
        CALL(futex(&word, command | 128, 1, bad_time, &other, 0));
        CALL(futex(&word, command | 128, 1, (void *)8, &other, 0));
        CALL(futex(hole, command, 1, time, &other, 1));
        CALL(futex(hole, command | 128, 1, time, &other, 1));
        CALL(futex(read_only, command, 1, time, &other, 1));
    }
    CALL(futex(&word, FUTEX_WAIT | 512 | 128, 0, &short_one, NULL, 0));
    CALL(futex(&word, FUTEX_WAIT_BITSET | 128, 0, &short_one, NULL, 0));
    CALL(futex(&word, FUTEX_WAIT_BITSET | 128, 1, &short_one, NULL, 1));
    CALL(futex(&word, FUTEX_WAIT_BITSET | 128, 0, &short_one, NULL, 1));
    CALL(futex(&word, FUTEX_WAIT | 128, 0, &short_one, NULL, 0));
    CALL(futex(read_only, FUTEX_WAIT | 128, 0, &short_one, NULL, 0));
    CALL(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME | 128, 0, (void *)8, NULL, 0));
    CALL(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME | 128, 0, &bad, NULL, 0));
    CALL(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME | 128, 0, &bad, NULL, 0));
    lock = 0;
    CALL(futex(&lock, LOCK_PI2 | FUTEX_CLOCK_REALTIME | 128, 0, &short_one, NULL, 0));
    CALL(futex((char *)&lock + 1, FUTEX_UNLOCK_PI | 128, 0, NULL, NULL, 0));
    CALL(futex(&lock, FUTEX_TRYLOCK_PI | FUTEX_CLOCK_REALTIME | 128, 0, NULL, NULL, 0));
    CALL(futex(&lock, FUTEX_TRYLOCK_PI | 128, 0, (void *)8, NULL, 0));
    CALL(futex(&lock, FUTEX_LOCK_PI | 128, 0, (void *)8, NULL, 0));
    CALL(futex(&lock, FUTEX_UNLOCK_PI | 128, 0, (void *)8, NULL, 0));
    CALL(futex((char *)&lock + 1, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
    CALL(futex(read_only, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
    CALL(futex(read_only, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    lock = 0x3ffffff0; /* nobody */
    CALL(futex(&lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
    printf("marked: %#x\n", lock);
    lock = 0;
    munmap(read_only, PAGE);
    munmap(hole, PAGE);
}

/* A private wait and a shared wake are not of one word, though it is the same. */
static void private_and_shared(void)
{
    struct waiter w;
    start(&w, 1, FUTEX_WAIT, 0, 0);
    CALL(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
    CALL(futex(&word, FUTEX_WAKE | 128, 1, NULL, NULL, 0));
    pthread_join(w.thread, NULL);
    taken = 0;
}

/* --- locks with priority inheritance --- */

static void release_lock(const char *name, int count)
{
    CALL(futex(&lock, FUTEX_UNLOCK_PI | 128, 0, NULL, NULL, 0));
    expect_taken(count);
    show_order(name);
    show("free", lock == 0);
}

static void lock_order(void)
{
    struct waiter w[4];
    struct sched_param param = { .sched_priority = 9 };
    CALL(futex(&lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
    start(&w[0], 0, FUTEX_LOCK_PI, 0, 0);
    start(&w[1], 1, FUTEX_LOCK_PI, 0, 0);
    start(&w[2], 2, FUTEX_LOCK_PI, 4, 0);
    start(&w[3], 3, FUTEX_LOCK_PI, 4, 0);
    CALL(sched_setscheduler(w[1].tid, SCHED_FIFO, &param)); /* in time */
    CALL(futex(&lock, FUTEX_WAKE | 128, 1, NULL, NULL, 0));
    CALL(futex(&lock, FUTEX_WAIT | 128, 1, NULL, NULL, 0));
    CALL(futex(&lock, FUTEX_CMP_REQUEUE | 128, 0, (void *)1L, &other, lock));
    CALL(futex(&lock, FUTEX_WAKE_OP | 128, 1, (void *)1L, &other, 0));
    release_lock("the lock goes by priority", 4);
    join(w, 4);
    /* the word is changed behind the kernel's back */
    CALL(futex(&lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
    start(&w[0], 0, FUTEX_LOCK_PI, 0, 0);
    uint32_t saved = lock;
    lock = 0;
    CALL(futex(&lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
    CALL(futex(&lock, FUTEX_UNLOCK_PI | 128, 0, NULL, NULL, 0));
    lock = saved;
    release_lock("put right", 1);
    join(w, 1);
    /* a plain waiter where a lock is wanted */
    start(&w[0], 0, FUTEX_WAIT, 0, 0);
    CALL(futex(&word, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
    word = own();
    CALL(futex(&word, FUTEX_UNLOCK_PI | 128, 0, NULL, NULL, 0));
    word = 0;
    wake_all("the plain one", &word, 1);
    join(w, 1);
}

/* Two locks, taken in two orders. */
static _Atomic uint32_t second_lock;
static void *take_both(void *p)
{
    futex(&second_lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0);
    *(_Atomic pid_t *)p = (pid_t)own();
    futex(&lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0);
    futex(&lock, FUTEX_UNLOCK_PI | 128, 0, NULL, NULL, 0);
    futex(&second_lock, FUTEX_UNLOCK_PI | 128, 0, NULL, NULL, 0);
    return NULL;
}

static void deadlock(void)
{
    pthread_t thread;
    _Atomic pid_t tid = 0;
    CALL(futex(&lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
    pthread_create(&thread, NULL, take_both, (void *)&tid);
    while (!tid)
        sched_yield();
    wait_until_asleep(tid);
    CALL(futex(&second_lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
    CALL(futex(&second_lock, FUTEX_TRYLOCK_PI | 128, 0, NULL, NULL, 0));
    CALL(futex(&lock, FUTEX_UNLOCK_PI | 128, 0, NULL, NULL, 0));
    pthread_join(thread, NULL);
    show("both free", !lock && !second_lock);
}

/* The heir of a thread that has died is told so, robust list or not. */
static void *die_with_lock(void *p)
{
    (void)p;
    futex(&lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0);
    while (!(lock & FUTEX_WAITERS))
        sched_yield();
    sleep_ms(5);
    return NULL;
}

static void owner_death(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, die_with_lock, NULL);
    while (!lock)
        sched_yield();
    CALL(futex(&lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
    show("owner died", (lock & FUTEX_OWNER_DIED) != 0);
    show("this thread's", (lock & FUTEX_TID_MASK) == own());
    CALL(futex(&lock, FUTEX_UNLOCK_PI | 128, 0, NULL, NULL, 0));
    pthread_join(thread, NULL);
    show("free", lock == 0);
}

/* --- FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI --- */

static void moved_to_free_lock(void)
{
    struct waiter w[3];
    for (int i = 0; i < 3; i++)
        start(&w[i], i, FUTEX_WAIT_REQUEUE_PI, i == 2 ? 3 : 0, 0);
    CALL(futex(&word, FUTEX_WAKE | 128, 1, NULL, NULL, 0));
    CALL(futex(&word, FUTEX_REQUEUE | 128, 1, (void *)1L, &other, 0));
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &other, 0)); /* another lock */
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &lock, 5));
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)0L, &lock, 0));
    expect_taken(1);
    show("free", lock == 0);
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)9L, &lock, 0));
    expect_taken(3);
    show_order("one after the other");
    join(w, 3);
    show_results("results", w, 3);
    show("free", lock == 0);
}

static void moved_to_held_lock(void)
{
    struct waiter w[4];
    CALL(futex(&lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
    for (int i = 0; i < 3; i++)
        start(&w[i], i, FUTEX_WAIT_REQUEUE_PI, i == 2 ? 3 : 0, 0);
    start(&w[3], 3, FUTEX_LOCK_PI, 0, 0);
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &lock, 0)); /* none woken, two moved */
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)7L, &lock, 0));
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)7L, &lock, 0));
    show("marked", (lock & FUTEX_WAITERS) != 0);
    release_lock("the held lock", 4);
    join(w, 4);
    show_results("results", w, 4);
}

static void interrupt(int signo) { (void)signo; }

static void *timed(void *p)
{
    struct waiter *w = p;
    struct timespec soon;
    clock_gettime(w->number ? CLOCK_REALTIME : CLOCK_MONOTONIC, &soon);
    soon.tv_nsec += 60 * MS;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    w->timeout = &soon;
    w->op |= w->number ? FUTEX_CLOCK_REALTIME : 0;
    run(w);
    return NULL;
}

static void moves_that_fail(void)
{
    struct waiter w[2];
    struct sigaction action = { .sa_handler = interrupt };
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 2; i++) { /* not moved; moved */
        for (int j = 0; j < 2; j++) {
            w[0] = (struct waiter){ .number = j, .op = FUTEX_WAIT_REQUEUE_PI };
            CALL(futex(&lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
            pthread_create(&w[0].thread, NULL, timed, &w[0]);
            while (!w[0].tid)
                sched_yield();
            wait_until_asleep(w[0].tid);
            if (i)
                CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &lock, 0));
            join(w, 1);
            show_results("timed out", w, 1);
            CALL(futex(&lock, FUTEX_UNLOCK_PI | 128, 0, NULL, NULL, 0));
            show("free", lock == 0);
            taken = 0;
        }
    }
    CALL(futex(&lock, FUTEX_LOCK_PI | 128, 0, NULL, NULL, 0));
    start(&w[0], 0, FUTEX_WAIT_REQUEUE_PI, 0, 0);
    pthread_kill(w[0].thread, SIGUSR1); /* goes on waiting */
    sleep_ms(5);
    show("taken", taken);
    wait_until_asleep(w[0].tid);
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &lock, 0));
    pthread_kill(w[0].thread, SIGUSR1); /* gives up */
    join(w, 1);
    show_results("interrupted", w, 1);
    CALL(futex(&lock, FUTEX_UNLOCK_PI | 128, 0, NULL, NULL, 0));
    taken = 0;
    /* plain waiters cannot be moved to a lock */
    start(&w[0], 0, FUTEX_WAIT, 0, 0);
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &lock, 0));
    start(&w[1], 1, FUTEX_WAIT_REQUEUE_PI, 0, 0);
    CALL(futex(&word, FUTEX_WAKE | 128, 9, NULL, NULL, 0)); /* the first is woken, the second an error */
    expect_taken(1);
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &lock, 0));
    join(w, 2);
    taken = 0;
    /* the lock is the waiter's own */
    start(&w[0], 0, FUTEX_WAIT_REQUEUE_PI, 0, 0);
    lock = (uint32_t)w[0].tid;
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &lock, 0));
    lock = 0x3ffffff0;
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &lock, 0));
    lock = 0;
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &lock, 0));
    join(w, 1);
    taken = 0;
}

static void requeue_arguments(void)
{
    const struct timespec past = { 1, 0 };
    CALL(futex(&word, FUTEX_WAIT_REQUEUE_PI | 128, 0, &past, &word, 0));
    CALL(futex(&word, FUTEX_WAIT_REQUEUE_PI | 128, 0, &past, &lock, 0));
    CALL(futex(&word, FUTEX_WAIT_REQUEUE_PI | 128, 1, &past, &lock, 0));
    CALL(futex(&word, FUTEX_WAIT_REQUEUE_PI | 128, 0, &past, (char *)&lock + 1, 0));
    CALL(futex(&word, FUTEX_WAIT_REQUEUE_PI | 128, 0, &past, (void *)8, 0));
    CALL(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, &past, (void *)8, 0));
    CALL(futex((void *)8, FUTEX_WAIT_REQUEUE_PI | 128, 0, &past, &lock, 0));
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &word, 0));
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 0, (void *)1L, &lock, 0));
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 2, (void *)1L, &lock, 0));
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)-1L, &lock, 0));
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &lock, 1));
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &lock, 0)); /* nobody waits */
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, (void *)8, 0));
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1L, (void *)8, 0));
    CALL(futex((void *)8, FUTEX_CMP_REQUEUE_PI | 128, 1, (void *)1L, &lock, 0));
    show("nothing has changed", lock == 0 && word == 0);
}

/* --- a wait with a timeout goes on after a stop, and after a handler it does not --- */

static void stopped_wait(void)
{
    const struct timespec long_one = { 0, 300 * MS };
    pid_t parent = getpid();
    if (!fork()) {
        usleep(40000);
        kill(parent, SIGSTOP);
        usleep(40000);
        kill(parent, SIGCONT);
        _exit(0);
    }
    CALL(futex(&word, FUTEX_WAIT | 128, 0, &long_one, NULL, 0));
    wait(NULL);
    struct sigaction action = { .sa_handler = interrupt, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 30000 } }, NULL);
    CALL(futex(&word, FUTEX_WAIT | 128, 0, &long_one, NULL, 0));
}

/* --- robust lists --- */

struct robust {
    struct robust_list list;
    _Atomic uint32_t word;
};
static struct robust locks[3];
static struct robust_list_head head;

static void *hold_and_die(void *p)
{
    head.list.next = &locks[0].list;
    locks[0].list.next = &locks[1].list;
    locks[1].list.next = p ? NULL : &head.list; /* a broken list ends there */
    head.futex_offset = offsetof(struct robust, word);
    head.list_op_pending = &locks[2].list;
    locks[0].word = own();
    locks[1].word = own() | FUTEX_WAITERS;
    locks[2].word = own();
    CALL(syscall(SYS_set_robust_list, &head, sizeof head));
    syscall(SYS_exit, 0);
    return NULL;
}

static void robust(void)
{
    pthread_t thread;
    struct robust_list_head *got;
    size_t size;
    CALL(syscall(SYS_set_robust_list, &head, sizeof head - 1));
    for (long broken = 0; broken < 2; broken++) {
        pthread_create(&thread, NULL, hold_and_die, (void *)broken);
        pthread_join(thread, NULL);
        printf("%#x %#x, pending %d\n", locks[0].word, locks[1].word, locks[2].word == FUTEX_OWNER_DIED);
    }
    CALL(syscall(SYS_get_robust_list, 0, &got, &size));
    show("size", (long)size);
    CALL(syscall(SYS_get_robust_list, 0, 8, &size));
    CALL(syscall(SYS_get_robust_list, 0, &got, 8));
    CALL(syscall(SYS_get_robust_list, 999999, &got, &size));
}

/* A thread that executes another program lets go of its locks, too. */
static void exec_releases(const char *self)
{
    struct robust *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    if (!child) {
        head.list.next = &shared->list;
        shared->list.next = &head.list;
        head.futex_offset = offsetof(struct robust, word);
        head.list_op_pending = NULL;
        shared->word = own();
        syscall(SYS_set_robust_list, &head, sizeof head);
        execl(self, self, "executed", NULL);
        _exit(1);
    }
    while (shared->word != FUTEX_OWNER_DIED)
        sched_yield();
    int status;
    waitpid(child, &status, 0);
    show_status("the program", status);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return 0;
    arguments();
    requeue_arguments();
    first_come();
    priorities();
    bitsets();
    requeues();
    many_words();
    wake_operations();
    private_and_shared();
    lock_order();
    deadlock();
    owner_death();
    moved_to_free_lock();
    moved_to_held_lock();
    moves_that_fail();
    stopped_wait();
    robust();
    exec_releases(argv[0]);
    return 0;
}

/* Futexes with priority inheritance, robust ones among them, and futex_waitv. */
/* flags: -pthread */
#include "guest.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

struct waitv {
    uint64_t value, address;
    uint32_t flags, reserved;
};
#define NR_WAITV 449
#define SIZE_32 2
#define PRIVATE 128

static _Atomic uint32_t word, words[3];
static pthread_mutex_t mutex;
static atomic_int order[8], taken;

static long futex(int op, _Atomic uint32_t *at, uint32_t value, const struct timespec *timeout)
{
    return syscall(SYS_futex, at, op, value, timeout, NULL, 0);
}

static uint32_t own(void)
{
    return (uint32_t)syscall(SYS_gettid);
}

static void wait_until_contended(void)
{
    while (!(word & FUTEX_WAITERS))
        sched_yield();
}

/* --- one thread: results and what the word becomes --- */

static void alone(void)
{
    const struct timespec past = { 1, 0 }, bad = { 1, 2000000000 };
    word = 0;
    CALL(futex(FUTEX_LOCK_PI, &word, 0, NULL));
    show("the word is this thread", word == own());
    CALL(futex(FUTEX_LOCK_PI, &word, 0, NULL));
    CALL(futex(FUTEX_TRYLOCK_PI, &word, 0, NULL));
    CALL(futex(FUTEX_UNLOCK_PI, &word, 0, NULL));
    show("the word is free", word == 0);
    CALL(futex(FUTEX_UNLOCK_PI, &word, 0, NULL));
    CALL(futex(FUTEX_TRYLOCK_PI, &word, 0, NULL));
    show("the word is this thread", word == own());
    word = 0x3ffffff0; /* nobody */
    CALL(futex(FUTEX_LOCK_PI, &word, 0, NULL));
    CALL(futex(FUTEX_TRYLOCK_PI, &word, 0, NULL));
    CALL(futex(FUTEX_UNLOCK_PI, &word, 0, NULL));
    word = FUTEX_OWNER_DIED;
    CALL(futex(FUTEX_LOCK_PI, &word, 0, NULL));
    show("a dead owner's mark stays", word == (own() | FUTEX_OWNER_DIED));
    word = 0;
    CALL(futex(FUTEX_LOCK_PI, &word, 0, &bad));
    CALL(futex(FUTEX_LOCK_PI, &word, 0, &past));
    CALL(futex(FUTEX_UNLOCK_PI, &word, 0, NULL));
    CALL(futex(FUTEX_LOCK_PI, (_Atomic uint32_t *)8, 0, NULL));
    CALL(futex(FUTEX_UNLOCK_PI, (_Atomic uint32_t *)8, 0, NULL));
    CALL(futex(FUTEX_LOCK_PI, (_Atomic uint32_t *)((char *)&word + 1), 0, NULL));
    CALL(futex(FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, &word, 0, NULL));
}

/* --- contention: the unlocking thread hands over, in the order of waiting --- */

static void *contend(void *number)
{
    futex(FUTEX_LOCK_PI, &word, 0, NULL);
    order[taken++] = (int)(long)number;
    futex(FUTEX_UNLOCK_PI, &word, 0, NULL);
    return NULL;
}

static void *timed(void *unused)
{
    struct timespec soon;
    (void)unused;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 20000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    CALL(futex(FUTEX_LOCK_PI, &word, 0, &soon));
    return NULL;
}

static void contention(void)
{
    pthread_t threads[3];
    word = 0;
    futex(FUTEX_LOCK_PI, &word, 0, NULL);
    pthread_create(&threads[0], NULL, timed, NULL);
    pthread_join(threads[0], NULL);
    show("waiters are marked", (word & FUTEX_WAITERS) != 0);
    word = own();
    pthread_create(&threads[0], NULL, contend, (void *)1);
    wait_until_contended();
    CALL(futex(FUTEX_UNLOCK_PI, &word, 0, NULL));
    pthread_join(threads[0], NULL);
    show("taken", taken);
    show("free again", word == 0);
}

/* --- the end of an owner --- */

static void *die_with_lock(void *unused)
{
    (void)unused;
    futex(FUTEX_LOCK_PI, &word, 0, NULL);
    while (!(word & FUTEX_WAITERS))
        sched_yield();
    return NULL;
}

static void owner_death(void)
{
    pthread_t thread;
    word = 0;
    pthread_create(&thread, NULL, die_with_lock, NULL);
    while (!word)
        sched_yield();
    CALL(futex(FUTEX_LOCK_PI, &word, 0, NULL));
    show("the heir owns it", (word & FUTEX_TID_MASK) == own());
    CALL(futex(FUTEX_UNLOCK_PI, &word, 0, NULL));
    pthread_join(thread, NULL);
}

/* A waiter in another process is killed, and nobody has reaped it: the lock must not go to it. */
static void waiter_death(void)
{
    _Atomic uint32_t *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    siginfo_t info;
    CALL(futex(FUTEX_LOCK_PI, shared, 0, NULL));
    pid_t child = fork();
    if (!child)
        _exit(futex(FUTEX_LOCK_PI, shared, 0, NULL) != 0);
    while (!(*shared & FUTEX_WAITERS))
        sched_yield();
    kill(child, SIGKILL);
    CALL(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    CALL(futex(FUTEX_UNLOCK_PI, shared, 0, NULL));
    show("free again", *shared == 0);
    *shared = (uint32_t)child; /* a zombie owns nothing */
    CALL(futex(FUTEX_LOCK_PI, shared, 0, NULL));
    waitpid(child, NULL, 0);
    CALL(futex(FUTEX_LOCK_PI, shared, 0, NULL));
    munmap(shared, PAGE);
}

/* Nor is a waiter that was killed moved by a requeue. */
static void requeue_after_death(void)
{
    _Atomic uint32_t *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    siginfo_t info;
    pid_t child = fork();
    if (!child)
        _exit(futex(FUTEX_WAIT, shared, 0, NULL) != 0);
    while (syscall(SYS_futex, shared, FUTEX_CMP_REQUEUE, 0, 1L, shared + 1, 0) != 1) /* alive: moved */
        sched_yield();
    CALL(syscall(SYS_futex, shared + 1, FUTEX_CMP_REQUEUE, 0, 1L, shared, 0));
    kill(child, SIGKILL);
    CALL(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    CALL(syscall(SYS_futex, shared, FUTEX_CMP_REQUEUE, 0, 1L, shared + 1, 0));
    waitpid(child, NULL, 0);
    munmap(shared, PAGE);
}

static void *lock_and_die(void *unused)
{
    (void)unused;
    return (void *)(long)pthread_mutex_lock(&mutex);
}

static void mutexes(int robust)
{
    pthread_mutexattr_t attributes;
    pthread_t thread;
    pthread_mutexattr_init(&attributes);
    CALL(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
    pthread_mutexattr_setrobust(&attributes, robust);
    CALL(pthread_mutex_init(&mutex, &attributes));
    CALL(pthread_mutex_lock(&mutex));
    CALL(pthread_mutex_unlock(&mutex));
    if (robust == PTHREAD_MUTEX_ROBUST) {
        pthread_create(&thread, NULL, lock_and_die, NULL);
        pthread_join(thread, NULL);
        CALL(pthread_mutex_lock(&mutex) == EOWNERDEAD);
        CALL(pthread_mutex_consistent(&mutex));
        CALL(pthread_mutex_unlock(&mutex));
        CALL(pthread_mutex_lock(&mutex));
        CALL(pthread_mutex_unlock(&mutex));
    }
    pthread_mutex_destroy(&mutex);
}

static long shared_count;
static void *add(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3000; i++) {
        pthread_mutex_lock(&mutex);
        shared_count++;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void many_threads(void)
{
    pthread_mutexattr_t attributes;
    pthread_t threads[4];
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&mutex, &attributes);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, add, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    show("counted", shared_count);
}

/* --- futex_waitv --- */

static void *wake_later(void *which)
{
    struct timespec moment = { 0, 5000000 };
    nanosleep(&moment, NULL);
    words[(long)which] = 1;
    syscall(SYS_futex, &words[(long)which], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return NULL;
}

static void wait_for_one_of_three(void)
{
    struct waitv three[3];
    struct timespec until, bad = { 0, -1 };
    pthread_t thread;
    for (int i = 0; i < 3; i++)
        three[i] = (struct waitv){ 0, (uintptr_t)&words[i], SIZE_32 | PRIVATE, 0 };
    clock_gettime(CLOCK_MONOTONIC, &until);
    CALL(syscall(NR_WAITV, three, 3, 0, &until, CLOCK_MONOTONIC));
    CALL(syscall(NR_WAITV, three, 3, 1, &until, CLOCK_MONOTONIC));
    CALL(syscall(NR_WAITV, three, 0, 0, &until, CLOCK_MONOTONIC));
    CALL(syscall(NR_WAITV, three, 129, 0, &until, CLOCK_MONOTONIC));
    CALL(syscall(NR_WAITV, three, 3, 0, &until, CLOCK_BOOTTIME));
    CALL(syscall(NR_WAITV, three, 3, 0, &bad, CLOCK_MONOTONIC));
    CALL(syscall(NR_WAITV, three, 3, 0, (void *)8, CLOCK_MONOTONIC));
    CALL(syscall(NR_WAITV, NULL, 3, 0, &until, CLOCK_MONOTONIC));
    CALL(syscall(NR_WAITV, (void *)8, 3, 0, &until, CLOCK_MONOTONIC));
    three[1].flags = PRIVATE;
    CALL(syscall(NR_WAITV, three, 3, 0, &until, CLOCK_MONOTONIC));
    three[1].flags = SIZE_32 | PRIVATE;
    three[2].reserved = 1;
    CALL(syscall(NR_WAITV, three, 3, 0, &until, CLOCK_MONOTONIC));
    three[2].reserved = 0;
    three[2].value = 5;
    CALL(syscall(NR_WAITV, three, 3, 0, &until, CLOCK_MONOTONIC));
    three[2].value = 0;
    three[0].address = 8;
    CALL(syscall(NR_WAITV, three, 3, 0, &until, CLOCK_MONOTONIC));
    three[0].address = (uintptr_t)&words[0];
    pthread_create(&thread, NULL, wake_later, (void *)1);
    CALL(syscall(NR_WAITV, three, 3, 0, NULL, 0));
    pthread_join(thread, NULL);
    CALL(syscall(NR_WAITV, three, 3, 0, NULL, 0));
}

int main(void)
{
    alone();
    contention();
    owner_death();
    waiter_death();
    requeue_after_death();
    mutexes(PTHREAD_MUTEX_STALLED);
    mutexes(PTHREAD_MUTEX_ROBUST);
    many_threads();
    wait_for_one_of_three();
    return 0;
}

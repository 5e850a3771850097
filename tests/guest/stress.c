/* Many of everything, in the manner of stress-ng: forks, threads, pipes, signals, faults, maps. The argument names one
 * of them; "--stats" of ringfort run must be the same for every run. */
/* libc: both */
/* flags: -pthread */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <ucontext.h>

static char self[4096];

/* --- processes --- */

static void forks(void)
{
    long sum = 0;
    for (int round = 0; round < 20; round++) {
        pid_t pids[16];
        for (int i = 0; i < 16; i++) {
            pids[i] = fork();
            if (!pids[i])
                _exit((round * 16 + i) & 0x7f);
        }
        for (int i = 15; i >= 0; i--) {
            int status;
            if (waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status))
                sum += WEXITSTATUS(status);
        }
    }
    show("sum of statuses", sum);
    CALL(wait(NULL));
}

static void execs(void)
{
    volatile int good = 0;
    for (volatile int i = 0; i < 40; i++) {
        pid_t pid = i & 1 ? vfork() : fork();
        if (!pid) {
            char *argv[] = { self, "exit", NULL };
            execve(self, argv, NULL);
            _exit(1);
        }
        int status;
        good += waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 42;
    }
    show("good ends", good);
}

/* A line of processes, each a child of the one before. */
static int chain(int depth)
{
    if (!depth)
        return 1;
    pid_t pid = fork();
    if (!pid)
        _exit(chain(depth - 1) + 1);
    int status;
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

/* A bomb that RLIMIT_NPROC confines: every process forks until it is refused. */
static void bomb(void)
{
    int ends[2];
    if (pipe(ends) || prctl(PR_SET_CHILD_SUBREAPER, 1)) /* zombies count: none must be left */
        exit(98);
    pid_t pid = fork();
    if (!pid) {
        close(ends[0]);
        setrlimit(RLIMIT_NPROC, &(struct rlimit){ 24, 24 });
        if (setresgid(61234, 61234, 61234) || setresuid(61234, 61234, 61234))
            _exit(97);
        for (;;) {
            pid_t child = fork();
            if (child < 0) {
                if (errno != EAGAIN)
                    write(ends[1], "!", 1);
                break;
            }
            if (!child && write(ends[1], ".", 1) != 1)
                _exit(1);
        }
        write(ends[1], "e", 1); /* refused; stays, so that the number stays the most */
        for (;;)
            pause();
    }
    close(ends[1]);
    int born = 0, refused = 0, wrong = 0;
    char byte;
    while (refused < 24 && read(ends[0], &byte, 1) == 1) {
        born += byte == '.';
        refused += byte == 'e';
        wrong += byte == '!';
    }
    printf("born %d refused %d wrong %d\n", born, refused, wrong);
    fflush(stdout);
    pid_t killer = fork(); /* all of that user's, itself not */
    if (!killer) {
        if (setresuid(61234, 61234, 61234))
            _exit(97);
        kill(-1, SIGKILL);
        _exit(0);
    }
    int status;
    waitpid(killer, &status, 0);
    show_status("killer", status);
    waitpid(pid, &status, 0);
    show_status("bomb", status);
    int reaped = 0;
    while (wait(&status) > 0)
        reaped += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    show("reaped", reaped);
    show("all are gone", read(ends[0], &byte, 1));
}

/* --- threads --- */

static atomic_long total;
static void *short_life(void *number)
{
    atomic_fetch_add(&total, (long)number);
    return number;
}
static void storm(void)
{
    pthread_t threads[50];
    long sum = 0;
    for (int round = 0; round < 20; round++) {
        for (long i = 0; i < 50; i++)
            if (pthread_create(&threads[i], NULL, short_life, (void *)(round * 50 + i)))
                exit(98);
        for (int i = 0; i < 50; i++) {
            void *result;
            pthread_join(threads[i], &result);
            sum += (long)result;
        }
    }
    printf("threads: %ld %ld\n", sum, (long)total);
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    total = 0;
    for (int i = 0; i < 200; i++) {
        while (pthread_create(&threads[0], &detached, short_life, (void *)1))
            usleep(100);
    }
    while (total != 200)
        usleep(1000);
    printf("detached: %ld\n", (long)total);
}

static void *cancelled_in_loop(void *unused)
{
    for (;;)
        usleep(100000);
    return unused;
}
static void clean_up(void *count) { ++*(int *)count; }
static void *cleaned(void *count)
{
    pthread_cleanup_push(clean_up, count);
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    return NULL;
}
static void *spins(void *unused)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (volatile unsigned i = 0;; i++)
        ;
    return unused;
}
static void *refuses(void *gate)
{
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    sem_wait(gate);
    return (void *)5;
}
static void cancels(void)
{
    pthread_t thread;
    void *result;
    int count = 0, cancelled = 0;
    for (int i = 0; i < 30; i++) {
        void *(*const bodies[])(void *) = { cancelled_in_loop, cleaned, spins };
        pthread_create(&thread, NULL, bodies[i % 3], &count);
        if (i & 4)
            usleep(1000);
        pthread_cancel(thread);
        pthread_join(thread, &result);
        cancelled += result == PTHREAD_CANCELED;
    }
    sem_t gate;
    sem_init(&gate, 0, 0);
    pthread_create(&thread, NULL, refuses, &gate);
    usleep(2000);
    pthread_cancel(thread);
    sem_post(&gate);
    pthread_join(thread, &result);
    printf("cancelled %d, one refused: %ld\n", cancelled, (long)result);
}

/* Readers and writers, a barrier in rounds, mutexes of all kinds. */
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static long pair[2], torn, rounds_met;
static void *reads(void *unused)
{
    for (int i = 0; i < 300; i++) {
        pthread_rwlock_rdlock(&rwlock);
        if (pair[0] != pair[1])
            torn++;
        sched_yield();
        pthread_rwlock_unlock(&rwlock);
    }
    return unused;
}
static void *writes(void *unused)
{
    for (int i = 0; i < 150; i++) {
        pthread_rwlock_wrlock(&rwlock);
        pair[0]++;
        sched_yield();
        pair[1]++;
        pthread_rwlock_unlock(&rwlock);
    }
    return unused;
}
static void *rounds(void *unused)
{
    for (int i = 0; i < 100; i++)
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            rounds_met++;
    return unused;
}
static void locks(void)
{
    pthread_t threads[6];
    for (int i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, i % 3 ? reads : writes, NULL);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    printf("pair %ld %ld torn %ld\n", pair[0], pair[1], torn);
    pthread_barrier_init(&barrier, NULL, 6);
    for (int i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, rounds, NULL);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    printf("rounds %ld\n", rounds_met);

    static const int types[] = { PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK };
    for (int i = 0; i < 3; i++) {
        pthread_mutexattr_t attr;
        pthread_mutex_t mutex;
        pthread_mutexattr_init(&attr);
        pthread_mutexattr_settype(&attr, types[i]);
        pthread_mutex_init(&mutex, &attr);
        struct timespec past = { 1, 0 };
        printf("type %d: lock %d", i, pthread_mutex_lock(&mutex));
        printf(" timed %d", pthread_mutex_timedlock(&mutex, &past));
        printf(" try %d", pthread_mutex_trylock(&mutex));
        printf(" unlock %d\n", pthread_mutex_unlock(&mutex));
    }
}

/* A robust mutex in shared memory whose owner is killed; a condition and a semaphore between processes. */
struct between {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    sem_t semaphore;
    int turn;
};
static void between_processes(void)
{
    struct between *b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attr;
    pthread_condattr_t condattr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&b->mutex, &attr);
    pthread_condattr_init(&condattr);
    pthread_condattr_setpshared(&condattr, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&b->condition, &condattr);
    sem_init(&b->semaphore, 1, 0);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        pthread_mutex_lock(&b->mutex);
        sem_post(&b->semaphore);
        raise(SIGKILL);
    }
    sem_wait(&b->semaphore);
    printf("lock of a dead owner %d\n", pthread_mutex_lock(&b->mutex) == EOWNERDEAD);
    printf("consistent %d", pthread_mutex_consistent(&b->mutex));
    printf(" unlock %d\n", pthread_mutex_unlock(&b->mutex));
    waitpid(pid, NULL, 0);
    fflush(stdout);
    pid = fork();
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&b->mutex);
        while (b->turn % 2 != (pid != 0))
            pthread_cond_wait(&b->condition, &b->mutex);
        b->turn++;
        pthread_cond_broadcast(&b->condition);
        pthread_mutex_unlock(&b->mutex);
    }
    if (!pid)
        _exit(0);
    waitpid(pid, NULL, 0);
    printf("turns %d\n", b->turn);
}

/* --- pipes --- */

/* A ring of processes that pass a number round. */
static void ring(void)
{
    enum { MEMBERS = 20, ROUNDS = 50 };
    int ends[MEMBERS + 1][2];
    for (int i = 0; i <= MEMBERS; i++)
        if (pipe(ends[i]))
            exit(98);
    for (int i = 0; i < MEMBERS; i++)
        if (!fork()) {
            long value;
            for (int r = 0; r < ROUNDS; r++) {
                if (read(ends[i][0], &value, sizeof value) != sizeof value)
                    _exit(1);
                value += i;
                if (write(ends[i + 1][1], &value, sizeof value) != sizeof value)
                    _exit(2);
            }
            _exit(0);
        }
    long value = 0;
    for (int r = 0; r < ROUNDS; r++) {
        write(ends[0][1], &value, sizeof value);
        read(ends[MEMBERS][0], &value, sizeof value);
    }
    int bad = 0, status;
    while (wait(&status) > 0)
        bad += status != 0;
    printf("ring %ld, bad ends %d\n", value, bad);
}

/* Many writers, one reader: what is at most PIPE_BUF is never mixed. */
static void writers(void)
{
    int ends[2];
    if (pipe(ends))
        exit(98);
    for (int i = 0; i < 12; i++)
        if (!fork()) {
            char block[512];
            memset(block, 'a' + i, sizeof block);
            for (int n = 0; n < 40; n++)
                if (write(ends[1], block, sizeof block) != sizeof block)
                    _exit(1);
            _exit(0);
        }
    close(ends[1]);
    char block[512];
    long seen[12] = { 0 }, mixed = 0;
    for (;;) {
        size_t have = 0;
        ssize_t got;
        while (have < sizeof block && (got = read(ends[0], block + have, sizeof block - have)) > 0)
            have += (size_t)got;
        if (have < sizeof block)
            break;
        for (size_t i = 1; i < sizeof block; i++)
            mixed += block[i] != block[0];
        seen[block[0] - 'a']++;
    }
    long least = 1000, most = 0;
    for (int i = 0; i < 12; i++) {
        least = seen[i] < least ? seen[i] : least;
        most = seen[i] > most ? seen[i] : most;
    }
    printf("writers: least %ld most %ld mixed %ld\n", least, most, mixed);
    while (wait(NULL) > 0)
        ;
}

/* --- signals --- */

static volatile sig_atomic_t taken, order_broken, last_value;
static void count_signal(int signo) { (void)signo, taken++; }
static void check_order(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)context;
    if (info->si_value.sival_int != last_value + 1)
        order_broken++;
    last_value = info->si_value.sival_int;
}
static void signals(void)
{
    struct sigaction queued = { .sa_sigaction = check_order, .sa_flags = SA_SIGINFO };
    signal(SIGUSR1, count_signal);
    sigaction(SIGRTMIN, &queued, NULL);
    pid_t parent = getpid(), pid = fork();
    if (!pid) {
        for (int i = 1; i <= 2000; i++)
            while (sigqueue(parent, SIGRTMIN, (union sigval){ .sival_int = i }))
                sched_yield();
        _exit(0);
    }
    while (last_value < 2000)
        usleep(100);
    waitpid(pid, NULL, 0);
    printf("queued: last %d out of order %d\n", (int)last_value, (int)order_broken);
    /* each waits for the other's signal */
    sigset_t one, old;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    sigprocmask(SIG_BLOCK, &one, &old);
    taken = 0;
    pid = fork();
    pid_t other = pid ? pid : parent;
    for (int i = 0; i < 500; i++) {
        if (pid)
            kill(other, SIGUSR1);
        while (taken <= i)
            sigsuspend(&old);
        if (!pid)
            kill(other, SIGUSR1);
    }
    if (!pid)
        _exit(0);
    waitpid(pid, NULL, 0);
    printf("ping-pong: %d\n", (int)taken);
    sigprocmask(SIG_SETMASK, &old, NULL);
    /* to oneself, in a loop */
    taken = 0;
    for (int i = 0; i < 3000; i++)
        raise(SIGUSR1);
    printf("raised: %d\n", (int)taken);
}

static void *sends(void *target)
{
    for (int i = 0; i < 200; i++) {
        pthread_kill(*(pthread_t *)target, SIGUSR1);
        sched_yield();
    }
    return NULL;
}
static void thread_signals(void)
{
    pthread_t own = pthread_self(), threads[4];
    signal(SIGUSR1, count_signal);
    taken = 0;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, sends, &own);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    printf("signals to a thread: some %d, too many %d\n", taken > 0, taken > 800);
}

/* --- faults and maps --- */

static char *window;
static volatile long recovered;
static sigjmp_buf back;
static void opens(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)context;
    recovered++;
    mprotect((void *)((uintptr_t)info->si_addr & ~(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE);
}
static void jumps(int signo)
{
    recovered++;
    siglongjmp(back, signo);
}
static void skips(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)signo, (void)info;
    recovered++;
    uc->uc_mcontext.gregs[REG_RIP] += 2; /* ud2 */
}
static void faults(void)
{
    struct sigaction action = { .sa_sigaction = opens, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    window = pages(64, PROT_NONE);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 64; i++)
            window[(size_t)i * PAGE + (size_t)round]++;
        mprotect(window, 64 * PAGE, round & 1 ? PROT_READ : PROT_NONE);
    }
    printf("opened %ld\n", recovered);
    mprotect(window, 64 * PAGE, PROT_READ);
    long sum = 0;
    for (size_t i = 0; i < 64 * PAGE; i++)
        sum += window[i];
    printf("sum %ld\n", sum);
    recovered = 0;
    signal(SIGSEGV, jumps);
    for (int i = 0; i < 1000; i++) /* below every program */
        if (!sigsetjmp(back, 1))
            *(volatile char *)((uintptr_t)i * 4096) = 1;
    printf("jumped %ld\n", recovered);
    recovered = 0;
    action.sa_sigaction = skips;
    sigaction(SIGILL, &action, NULL);
    for (int i = 0; i < 2000; i++)
        __asm__ volatile("ud2");
    printf("skipped %ld\n", recovered);
}

static void maps(void)
{
    unsigned state = 1, done = 0;
    char *area = pages(256, PROT_NONE);
    for (int i = 0; i < 3000; i++) {
        state = state * 1103515245 + 12345;
        size_t at = state >> 16 & 255, length = (state >> 24 & 7) + 1;
        if (at + length > 256)
            length = 256 - at;
        char *p = area + at * PAGE;
        switch (state >> 10 & 3) {
        case 0: done += mprotect(p, length * PAGE, PROT_READ | PROT_WRITE) == 0; break;
        case 1: done += mmap(p, length * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p; p[0] = 1; break;
        case 2: done += munmap(p, length * PAGE) == 0; break;
        default: done += madvise(p, length * PAGE, MADV_DONTNEED) == 0; break;
        }
    }
    printf("maps: %u\n", done);
}

static const struct {
    const char *name;
    void (*run)(void);
} subjects[] = {
    { "forks", forks }, { "execs", execs }, { "bomb", bomb }, { "storm", storm }, { "cancels", cancels },
    { "locks", locks }, { "between", between_processes }, { "ring", ring }, { "writers", writers },
    { "signals", signals }, { "thread_signals", thread_signals }, { "faults", faults }, { "maps", maps },
};

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    if (!strcmp(argv[1], "exit"))
        return 42;
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return 98;
    if (!strcmp(argv[1], "chain")) {
        show("chain", chain(60));
        return 0;
    }
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        if (!strcmp(argv[1], subjects[i].name))
            return subjects[i].run(), 0;
    return 2;
}

/* Random system calls, with random and half good arguments, from processes and threads: run by fuzz-syscalls
 * in a machine, never natively. */
/* flags: -pthread */
#include "guest.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>

/* --- random numbers: xorshift64* --- */

struct random {
    uint64_t state;
};

static uint64_t next(struct random *r)
{
    uint64_t x = r->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    r->state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t below(struct random *r, uint64_t limit)
{
    return (next(r) >> 20) % limit;
}

/* --- memory that arguments point to --- */

#define BUFFER UINT64_C(0x10000000) /* readable and writable */
#define BUFFER_PAGES 32
#define READ_ONLY UINT64_C(0x10100000)
#define NO_ACCESS UINT64_C(0x10200000)
#define EDGE UINT64_C(0x10300000) /* one page, nothing behind it */
#define HOLE UINT64_C(0x10400000)
#define PATHS (BUFFER + PAGE) /* every 64 bytes */

static const char *const paths[] = {
    "/tmp/file", "/tmp/dir", "/tmp/dir/../file", "/tmp/link", "/tmp/fifo", "/tmp/new", "/tmp/dir/new", ".", "..", "",
    "/", "/proc/self/maps", "/proc/self/status", "/proc/self/fd", "/proc/self/exe", "/dev/null", "/dev/zero",
    "/dev/tty", "/tmp/absent/x", "file", "/proc/self/fd/3", "/tmp/loop", "/dev/urandom", "security.x", "user.y",
};

static void map(uint64_t at, size_t count, int prot)
{
    mmap((void *)at, count * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void make_memory(void)
{
    map(BUFFER, BUFFER_PAGES, PROT_READ | PROT_WRITE);
    map(READ_ONLY, 1, PROT_READ);
    map(NO_ACCESS, 1, PROT_NONE);
    map(EDGE, 1, PROT_READ | PROT_WRITE);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        strcpy((char *)(PATHS + 64 * i), paths[i]);
}

static uint64_t pointer(struct random *r)
{
    static const uint64_t bad[] = {
        0, 1, 8, HOLE, HOLE - 8, READ_ONLY, NO_ACCESS, UINT64_C(0x7ffffffff000), UINT64_C(0x7fffffffefff),
        UINT64_C(0xffff800000000000), UINT64_C(0xffffffff80000000), UINT64_C(0x8000000000000000), UINT64_MAX,
        UINT64_MAX - 7, UINT64_MAX - 4095, UINT64_C(0x800000000000),
    };
    switch (below(r, 10)) {
    case 0: return bad[below(r, sizeof bad / sizeof bad[0])];
    case 1: return EDGE + PAGE - below(r, 130);
    case 2: return (uint64_t)(uintptr_t)&bad; /* the program itself */
    case 3:
    case 4: return BUFFER + PAGE * (2 + below(r, BUFFER_PAGES - 2));
    default: return BUFFER + 2 * PAGE + 8 * below(r, 512 * (BUFFER_PAGES - 2));
    }
}

static uint64_t size(struct random *r)
{
    static const uint64_t sizes[] = { 0, 1, 2, 4, 7, 8, 12, 16, 24, 32, 48, 64, 80, 88, 128, 144, 256, 512, 1024, 4095,
                                      4096, 4097, 8192, 65536, 1 << 20, 1u << 31, UINT32_MAX, INT64_MAX, UINT64_MAX,
                                      UINT64_MAX - 4095 };
    return sizes[below(r, below(r, 4) ? 20 : sizeof sizes / sizeof sizes[0])];
}

static uint64_t bits(struct random *r)
{
    uint64_t value = 0;
    for (uint64_t n = below(r, 4); n; n--)
        value |= UINT64_C(1) << below(r, below(r, 8) ? 24 : 64);
    return value;
}

static uint64_t number(struct random *r)
{
    switch (below(r, 8)) {
    case 0: return bits(r);
    case 1: return size(r);
    case 2: return -below(r, 20);
    case 3: return next(r);
    default: return below(r, 40);
    }
}

static uint64_t descriptor(struct random *r)
{
    switch (below(r, 12)) {
    case 0: return (uint32_t)-100; /* AT_FDCWD */
    case 1: return number(r);
    default: return below(r, 32);
    }
}

static uint64_t process(struct random *r)
{
    switch (below(r, 6)) {
    case 0: return number(r);
    case 1: return (uint64_t)getppid();
    case 2: return 0;
    case 3: return 100 + below(r, 40);
    default: return (uint64_t)getpid();
    }
}

static uint64_t anything(struct random *r)
{
    static uint64_t (*const makers[])(struct random *) = { pointer, size, bits, number, descriptor, process };
    return makers[below(r, 6)](r);
}

/* Structures: a run of words, each of which may be a part of one. */
static void scribble(struct random *r)
{
    volatile uint64_t *at = (uint64_t *)(BUFFER + 2 * PAGE + 8 * below(r, 512 * (BUFFER_PAGES - 2) - 64));
    for (uint64_t n = 4 + below(r, 28); n; n--)
        *at++ = below(r, 3) ? anything(r) & (below(r, 2) ? UINT64_MAX : UINT32_MAX) : below(r, 8);
}

/* --- calls, with the kinds of their arguments --- */

struct call {
    uint16_t number;
    const char *kinds[6];
};
static const struct call calls[] = {
#define RF_SYSCALL(number, name, result, a, b, c, d, e, f) { number, { #a, #b, #c, #d, #e, #f } },
#include "../../src/abi/syscalls_x86_64.def"
#undef RF_SYSCALL
};

static bool has(const char *kind, const char *part)
{
    return strstr(kind, part);
}

static uint64_t moment(struct random *r)
{
    return below(r, 4) ? below(r, 3) : number(r);
}

/* One word of a good structure of a kind. */
static uint64_t word(struct random *r, const char *kind, unsigned at)
{
    if (has(kind, "IOVEC"))
        return at % 2 ? below(r, 300) : pointer(r);
    if (has(kind, "TIME"))
        return at % 2 ? below(r, 999999) : moment(r);
    if (!strcmp(kind, "ARGV") || !strcmp(kind, "ENVP"))
        return at < 3 ? PATHS + 64 * below(r, sizeof paths / sizeof paths[0]) : 0;
    if (has(kind, "POLLFDS"))
        return descriptor(r) | below(r, 64) << 32;
    if (has(kind, "SIGACTION"))
        return at == 0 ? below(r, 2) : bits(r);
    if (has(kind, "SIGSET") || has(kind, "FDSET"))
        return bits(r);
    if (has(kind, "OPEN_HOW"))
        return at ? 0 : below(r, 3) | (below(r, 2) ? O_CREAT : 0);
    if (has(kind, "CLONE_ARGS"))
        return at == 0 ? bits(r) & ~UINT64_C(255) : at == 4 ? SIGCHLD : 0;
    return below(r, 2) ? below(r, 32) : anything(r);
}

/* A filter that does something to some calls. */
static uint64_t filter(struct random *r)
{
    static const uint32_t verdicts[] = { 0x7fff0000, 0x7fff0000, 0x7ffc0000, 0x00050001, 0x00050009, 0x7fc00000,
                                         0x7ff00000, 0x00030000, 0 };
    uint64_t *at = (uint64_t *)(BUFFER + 2 * PAGE + 64 * below(r, 64));
    const uint64_t code[4] = {
        0x20,                                                              /* A = number */
        0x35 | UINT64_C(1) << 24 | below(r, 400) << 32,                    /* below it? */
        0x06 | (uint64_t)verdicts[below(r, 9)] << 32, 0x06 | UINT64_C(0x7fff0000) << 32,
    };
    memcpy(at + 2, code, sizeof code);
    at[0] = 4;
    at[1] = (uint64_t)(uintptr_t)(at + 2);
    return (uint64_t)(uintptr_t)at;
}

static uint64_t structure(struct random *r, const char *kind)
{
    volatile uint64_t *at = (uint64_t *)(BUFFER + 2 * PAGE + 64 * below(r, 64 * (BUFFER_PAGES - 2) - 2));
    for (unsigned i = 0; i < 8; i++)
        at[i] = word(r, kind, i);
    return (uint64_t)(uintptr_t)at;
}

static uint64_t argument(struct random *r, const char *kind)
{
    if (below(r, 12) == 0)
        return anything(r);
    if (!strcmp(kind, "NONE"))
        return next(r);
    if (has(kind, "PATH") || has(kind, "STR"))
        return below(r, 12) ? PATHS + 64 * below(r, sizeof paths / sizeof paths[0]) : pointer(r);
    if (!strcmp(kind, "FD") || !strcmp(kind, "DIRFD"))
        return descriptor(r);
    if (has(kind, "_OUT") || has(kind, "_IN") || !strcmp(kind, "PTR") || has(kind, "ARG") || has(kind, "FDS"))
        return below(r, 3) ? structure(r, kind) : below(r, 8) ? pointer(r) : number(r);
    if (!strcmp(kind, "ARGV") || !strcmp(kind, "ENVP") || has(kind, "OPEN_HOW"))
        return below(r, 3) ? structure(r, kind) : pointer(r);
    if (has(kind, "SIZE"))
        return below(r, 3) ? size(r) : 8;
    if (has(kind, "FLAGS") && below(r, 2))
        return 0;
    if (has(kind, "FLAGS") || has(kind, "MODE") || has(kind, "PROT") || has(kind, "MASK"))
        return below(r, 3) ? bits(r) : below(r, 16);
    if (has(kind, "SIGNAL"))
        return below(r, 66);
    if (!strcmp(kind, "INT") || !strcmp(kind, "LONG") || !strcmp(kind, "UINT"))
        return below(r, 4) ? number(r) : process(r);
    return below(r, 2) ? below(r, 8) : below(r, 3) ? below(r, 48) : number(r);
}

static int64_t raw(uint64_t nr, const uint64_t a[6])
{
    register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
    int64_t result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* --- what runs --- */

struct shared {
    volatile uint64_t calls, hash;
    volatile uint8_t absent[1024]; /* by number: there is no such call */
};
static struct shared *shared;

static void noted(int signo)
{
    (void)signo;
}

/* Calls that sleep are interrupted; unless a random call has spoilt that, too: the parent has patience for so long. */
static void wind_clock(void)
{
    struct sigaction action = { .sa_handler = noted };
    struct itimerval soon = { { 0, 1000 }, { 0, 1000 } };
    sigset_t none;
    sigemptyset(&none);
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGSYS, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Any call, but seldom one that is not there or ends the process. */
static const struct call *choose(struct random *r)
{
    const struct call *call = &calls[below(r, sizeof calls / sizeof calls[0])];
    bool dull = shared->absent[call->number] || call->number == SYS_exit || call->number == SYS_exit_group;
    return dull && below(r, 16) ? choose(r) : call;
}

static void one_call(struct random *r)
{
    const struct call *call = choose(r);
    uint64_t a[6], nr = below(r, 64) ? call->number : next(r);
    for (int i = 0; i < 6; i++)
        a[i] = argument(r, call->kinds[i]);
    if (nr == SYS_seccomp && below(r, 2))
        a[0] = 1, a[1] = below(r, 2) ? 0 : bits(r) & 63, a[2] = filter(r);
    if (below(r, 6) == 0)
        scribble(r);
    int64_t result = raw(nr, a);
    if (result == -ENOSYS && nr < sizeof shared->absent)
        shared->absent[nr] = 1;
    shared->calls++;
    shared->hash = (shared->hash ^ (uint64_t)result ^ nr << 32) * UINT64_C(0x100000001b3);
}

static void storm(struct random *r, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (i % 8 == 0)
            wind_clock();
        one_call(r);
    }
}

static void *thread_body(void *seed)
{
    struct random r = { (uint64_t)(uintptr_t)seed };
    storm(&r, 40);
    return NULL;
}

static void child(uint64_t seed)
{
    struct random r = { seed | 1 };
    pthread_t thread;
    for (uint64_t n = below(&r, 3); n; n--)
        pthread_create(&thread, NULL, thread_body, (void *)(uintptr_t)(next(&r) | 1));
    if (below(&r, 3) == 0)
        fork(); /* both go on, alike */
    storm(&r, 60);
    _exit(0);
}

/* Descriptors of every kind, from 3 on; those that cannot be made leave a gap. */
static void open_many(void)
{
    int ends[2];
    sigset_t usr;
    struct epoll_event event = { .events = EPOLLIN };
    close(open("/tmp/file", O_CREAT | O_RDWR, 0666));
    mkdir("/tmp/dir", 0777);
    symlink("/tmp/file", "/tmp/link");
    symlink("/tmp/loop", "/tmp/loop");
    mkfifo("/tmp/fifo", 0666);
    int file = open("/tmp/file", O_RDWR);
    write(file, paths, sizeof paths);
    open("/tmp", O_RDONLY | O_DIRECTORY);
    open("/tmp/fifo", O_RDWR | O_NONBLOCK);
    open("/proc/self/maps", O_RDONLY);
    open("/dev/zero", O_RDWR);
    open("/dev/null", O_RDWR);
    open("/tmp/file", O_PATH);
    pipe(ends);
    int counter = eventfd(0, 0), set = epoll_create1(0);
    epoll_ctl(set, EPOLL_CTL_ADD, counter, &event);
    epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event);
    timerfd_create(CLOCK_MONOTONIC, 0);
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR1);
    signalfd(-1, &usr, 0);
    memfd_create("memory", MFD_ALLOW_SEALING);
    syscall(SYS_pidfd_open, getpid(), 0);
}

/* Wait for a child, but not for long. */
static int wait_for(pid_t pid)
{
    int status = 0;
    const struct timespec moment = { 0, 500000 };
    for (int i = 0; i < 40; i++) {
        if (waitpid(pid, &status, WNOHANG | __WALL) == pid)
            return status;
        nanosleep(&moment, NULL);
    }
    kill(pid, SIGCONT);
    kill(pid, SIGKILL);
    waitpid(pid, &status, __WALL);
    return status;
}

int main(int argc, char **argv)
{
    struct utsname name;
    struct rlimit processes = { 64, 64 };
    struct random r = { argc > 1 ? strtoull(argv[1], NULL, 0) | 1 : 1 };
    int rounds = argc > 2 ? atoi(argv[2]) : 16;
    if (uname(&name) || !strstr(name.release, "ringfort")) {
        fputs("this program does harm to the system it runs on\n", stderr);
        return 2;
    }
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    setrlimit(RLIMIT_NPROC, &processes);
    make_memory();
    open_many();
    sigset_t all; /* only SIGKILL and SIGSTOP of a child's end it before its time */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int i = 0; i < rounds; i++) {
        uint64_t seed = next(&r);
        pid_t pid = fork();
        if (pid == 0)
            child(seed);
        int status = pid > 0 ? wait_for(pid) : -errno;
        printf("round %d: status %#x, %lu calls, %#lx\n", i, (unsigned)status, (unsigned long)shared->calls,
               (unsigned long)shared->hash);
        fflush(stdout);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    return 0;
}

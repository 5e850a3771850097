/* Signals by the book: the order of delivery, all 64 of them, queues and their limit, alternate stacks in odd cases,
 * stops of processes with threads, stops that others undo, sigaction's corners. */
/* flags: -pthread */
#include "guest.h"
#include "settle.h"
#include <pthread.h>
#include <setjmp.h>
#include <sys/resource.h>
#include <ucontext.h>

static char *volatile nowhere = (char *)8; /* volatile: the compiler does not look through it */
static int order[256];
static volatile int count;
static void record(int signo) { order[count++ & 255] = signo; }

static void handle(int signo, void (*handler)(int), int flags)
{
    /* nothing interrupts a handler */
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
    sigfillset(&action.sa_mask);
    sigaction(signo, &action, NULL);
}

static void show_order(const char *name)
{
    printf("%s:", name);
    for (int i = 0; i < count; i++)
        printf(" %d", order[i]);
    printf("\n");
    fflush(stdout);
    count = 0;
}

/* The kernel's own struct: C libraries keep signals 32 and 33 for themselves. */
struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};
__attribute__((naked)) static void restorer(void) { __asm__("mov $15, %eax; syscall"); }
static long kernel_set(int signo, void (*handler)(int))
{
    struct kernel_action action = { handler, 0x04000000, restorer, ~UINT64_C(0) };
    return syscall(SYS_rt_sigaction, signo, &action, NULL, 8);
}

static void all_signals(void)
{
    uint64_t all = ~UINT64_C(0), old, pending;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, 8);
    for (int signo = 1; signo <= 64; signo++) {
        errno = 0;
        long result = kernel_set(signo, record);
        if (result)
            printf("handler of %d: error %d\n", signo, errno);
    }
    pid_t self = getpid();
    for (int signo = 64; signo >= 1; signo--)
        if (signo != SIGKILL && signo != SIGSTOP)
            kill(self, signo);
    syscall(SYS_rt_sigpending, &pending, 8);
    printf("pending %016lx\n", pending);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, 8);
    show_order("all, by number, faults' first"); /* the last frame made runs first */
    /* to the thread come before those to the process */
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
    kill(self, SIGUSR1);
    kill(self, SIGHUP);
    raise(SIGUSR2);
    raise(SIGTERM);
    raise(SIGTERM);
    kill(self, SIGTERM);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, 8);
    show_order("thread's and process'");
    /* each alone, through sigtimedwait, in order */
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
    for (int signo = 1; signo <= 64; signo += 7)
        kill(self, signo), kill(self, signo);
    struct timespec none = { 0, 0 };
    for (;;) {
        long signo = syscall(SYS_rt_sigtimedwait, &all, NULL, &none, 8);
        if (signo < 0)
            break;
        record((int)signo);
    }
    show_order("waited for");
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, 8);
    CALL(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
    CALL(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8));
    CALL(syscall(SYS_rt_sigaction, -1, NULL, NULL, 8));
    CALL(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
    CALL(syscall(SYS_rt_sigaction, SIGUSR1, (void *)8, NULL, 8));
    CALL(syscall(SYS_rt_sigaction, SIGUSR1, NULL, (void *)8, 8));
    CALL(syscall(SYS_rt_sigaction, SIGKILL, NULL, &(struct kernel_action){ 0 }, 8));
    CALL(syscall(SYS_rt_sigprocmask, SIG_BLOCK, (void *)8, NULL, 8));
    CALL(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, (void *)8, 8));
    CALL(syscall(SYS_rt_sigprocmask, 7, &all, NULL, 8));
    CALL(syscall(SYS_rt_sigprocmask, 7, NULL, NULL, 8));
    CALL(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, 16));
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, 8);
    CALL(syscall(SYS_rt_sigpending, (void *)8, 8));
    CALL(syscall(SYS_rt_sigpending, &pending, 9));
    CALL(syscall(SYS_rt_sigpending, (void *)8, 0));
    CALL(syscall(SYS_rt_sigsuspend, &all, 4));
    CALL(syscall(SYS_rt_sigsuspend, (void *)8, 8));
    CALL(syscall(SYS_rt_sigtimedwait, (void *)8, NULL, NULL, 8));
    CALL(syscall(SYS_rt_sigtimedwait, &all, NULL, (void *)8, 8));
    CALL(syscall(SYS_rt_sigtimedwait, &all, NULL, &(struct timespec){ 0, 1000000000 }, 8));
    CALL(syscall(SYS_rt_sigtimedwait, &all, NULL, &(struct timespec){ -1, 0 }, 8));
    CALL(syscall(SYS_rt_sigqueueinfo, self, SIGUSR1, (void *)8));
    CALL(syscall(SYS_tgkill, self, self, 65));
    CALL(syscall(SYS_tgkill, self, 0, SIGUSR1));
    CALL(syscall(SYS_tgkill, 0, self, SIGUSR1));
    CALL(syscall(SYS_tgkill, 1, self, SIGUSR1));
    CALL(syscall(SYS_tkill, -1, SIGUSR1));
    CALL(syscall(SYS_tkill, 0x3fffffff, SIGUSR1));
    for (int signo = 1; signo <= 64; signo++)
        kernel_set(signo, SIG_DFL);
    count = 0;
}

static void limits(void)
{
    sigset_t block;
    sigemptyset(&block);
    sigaddset(&block, SIGRTMIN + 1);
    sigaddset(&block, SIGUSR1);
    pid_t pid = fork();
    if (pid) {
        waitpid(pid, NULL, 0);
        return;
    }
    sigprocmask(SIG_BLOCK, &block, NULL);
    setresuid(61235, 61235, 61235);
    CALL(setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){ 5, 5 }));
    int sent = 0;
    while (sent < 100 && !sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = sent }))
        sent++;
    printf("queued %d, then error %d\n", sent, errno);
    CALL(kill(getpid(), SIGUSR1)); /* goes all the same */
    CALL(kill(getpid(), SIGRTMIN + 1));
    CALL(sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 1 }));
    siginfo_t info;
    int got = 0;
    while (sigtimedwait(&block, &info, &(struct timespec){ 0, 0 }) > 0)
        printf("%d code %d value %d\n", info.si_signo == SIGUSR1, info.si_code, info.si_value.sival_int), got++;
    show("got", got);
    exit(0);
}

/* --- alternate stacks --- */

static char stack[65536] __attribute__((aligned(16)));
static bool on_stack(const void *p) { return (const char *)p >= stack && (const char *)p < stack + sizeof stack; }
static volatile int depth;
static void looks(int signo)
{
    char here;
    stack_t now;
    sigaltstack(NULL, &now);
    printf("signal %d: on it %d, flags %#x, size kept %d\n", signo, on_stack(&here), now.ss_flags, now.ss_size == sizeof stack);
    fflush(stdout);
    if (depth++ < 2)
        raise(SIGUSR2);
}
static sigjmp_buf back;
static void leaves(int signo) { (void)signo, siglongjmp(back, 1); }
static void sets_disable(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)signo, (void)info;
    printf("saved: flags %#x size %d\n", uc->uc_stack.ss_flags, uc->uc_stack.ss_size == sizeof stack);
    uc->uc_stack.ss_flags = SS_DISABLE; /* what sigreturn restores */
}
static int overflow(volatile char *from)
{
    if (!from)
        return 0;
    volatile char room[4000];
    room[0] = *from;
    return overflow(room) + room[0];
}
static void overflows(int signo)
{
    char here;
    printf("overflow: signal %d, on it %d\n", signo, on_stack(&here));
    fflush(stdout);
    siglongjmp(back, 1);
}
static void show_stack(const char *name)
{
    stack_t now;
    sigaltstack(NULL, &now);
    printf("%s: flags %#x base %d size %d\n", name, now.ss_flags, now.ss_sp == stack, now.ss_size == sizeof stack);
    fflush(stdout);
}
static void show_child(const char *name, pid_t pid)
{
    int status;
    waitpid(pid, &status, 0);
    show_status(name, status);
}
static void stacks(void)
{
    stack_t whole = { .ss_sp = stack, .ss_size = sizeof stack }, off = { .ss_flags = SS_DISABLE };
    CALL(syscall(SYS_sigaltstack, (void *)8, NULL));
    CALL(syscall(SYS_sigaltstack, &whole, (void *)8));
    show_stack("set all the same");
    for (int flags = 0; flags < 8; flags++) {
        stack_t odd = { .ss_sp = stack, .ss_size = sizeof stack, .ss_flags = flags };
        errno = 0;
        long result = sigaltstack(&odd, NULL);
        printf("flags %d: %ld %d\n", flags, result, errno);
    }
    stack_t small = { .ss_sp = stack, .ss_size = 2047 };
    CALL(sigaltstack(&small, NULL));
    CALL(sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = 0, .ss_flags = SS_DISABLE }, NULL));
    show_stack("off");
    sigaltstack(&whole, NULL);
    struct sigaction action = { .sa_handler = looks, .sa_flags = SA_ONSTACK | SA_NODEFER };
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR1); /* three deep, on one stack */
    show_stack("after nesting");
    action.sa_handler = leaves;
    sigaction(SIGUSR1, &action, NULL);
    if (!sigsetjmp(back, 1))
        raise(SIGUSR1);
    show_stack("after a jump out");
    whole.ss_flags = (int)(1u << 31); /* SS_AUTODISARM */
    sigaltstack(&whole, NULL);
    show_stack("disarming");
    depth = 0;
    action.sa_handler = looks;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    show_stack("armed again");
    action.sa_handler = leaves;
    sigaction(SIGUSR1, &action, NULL);
    if (!sigsetjmp(back, 1))
        raise(SIGUSR1);
    show_stack("a jump out leaves it disarmed");
    whole.ss_flags = 0;
    sigaltstack(&whole, NULL);
    struct sigaction informed = { .sa_sigaction = sets_disable, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigaction(SIGUSR1, &informed, NULL);
    raise(SIGUSR1);
    show_stack("sigreturn switched it off");
    sigaltstack(&whole, NULL);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        show_stack("inherited by fork");
        _exit(0);
    }
    show_child("forked", pid);
    setrlimit(RLIMIT_STACK, &(struct rlimit){ 1 << 18, 1 << 23 });
    action.sa_handler = overflows;
    sigaction(SIGSEGV, &action, NULL);
    if (!sigsetjmp(back, 1))
        show("never", overflow((char[]){ 0 }));
    sigaltstack(&off, NULL);
    fflush(stdout);
    pid = fork();
    if (!pid)
        _exit(overflow((char[]){ 0 }));
    show_child("overflow without a stack", pid);
    fflush(stdout);
    pid = fork();
    if (!pid) { /* the alternate stack itself cannot be written */
        whole.ss_sp = pages(16, PROT_READ);
        sigaltstack(&whole, NULL);
        action.sa_handler = looks;
        sigaction(SIGUSR1, &action, NULL);
        signal(SIGSEGV, SIG_IGN);
        raise(SIGUSR1);
        _exit(0);
    }
    show_child("stack not writable", pid);
    signal(SIGSEGV, SIG_DFL);
}

/* --- forced signals --- */

static void forced(void)
{
    static const int ways = 4;
    for (int way = 0; way < ways; way++) {
        fflush(stdout);
        pid_t pid = fork();
        if (!pid) {
            sigset_t all;
            sigfillset(&all);
            if (way & 1)
                sigprocmask(SIG_BLOCK, &all, NULL);
            signal(SIGSEGV, way & 2 ? SIG_IGN : record);
            if (!(way & 1) && !(way & 2))
                signal(SIGSEGV, SIG_DFL);
            *(volatile int *)nowhere = 1;
            _exit(0);
        }
        show_child("fault blocked or ignored", pid);
    }
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) { /* sent by kill it may be ignored */
        signal(SIGSEGV, SIG_IGN);
        raise(SIGSEGV);
        kill(getpid(), SIGSEGV);
        _exit(5);
    }
    show_child("sent and ignored", pid);
}

/* --- stops --- */

static volatile int *ticks;
static void *ticking(void *index)
{
    for (;;) {
        ticks[(long)index]++;
        usleep(300);
    }
    return NULL;
}
static void three_threads(void)
{
    pthread_t thread;
    for (long i = 1; i < 3; i++)
        pthread_create(&thread, NULL, ticking, (void *)i);
    ticking(NULL);
}
static int moving(void)
{
    int before[3], moved = 0;
    usleep(5000);
    for (int i = 0; i < 3; i++)
        before[i] = ticks[i];
    for (int tries = 0; tries < 20 && !moved; tries++)
        usleep(3000), moved = ticks[0] != before[0] || ticks[1] != before[1] || ticks[2] != before[2];
    return moved;
}
static void expect(const char *name, pid_t pid, int options)
{
    int status;
    errno = 0;
    pid_t got = waitpid(pid, &status, options);
    if (got == pid)
        show_status(name, status);
    else
        printf("%s: %d error %d\n", name, (int)got, errno);
}
static void stops(void)
{
    static const int signals[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
    ticks = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        setpgid(0, 0); /* its parent's session: no orphan */
        three_threads();
    }
    setpgid(pid, pid);
    while (!ticks[0] || !ticks[1] || !ticks[2])
        usleep(500);
    show("moves", moving());
    for (int i = 0; i < 4; i++) {
        kill(pid, signals[i]);
        expect("stopped", pid, WUNTRACED);
        show("moves", moving());
        kill(pid, SIGURG);
        expect("still stopped", pid, WNOHANG | WUNTRACED | WCONTINUED);
        kill(pid, signals[(i + 1) % 4]); /* a stopped process is not stopped again */
        expect("no second report", pid, WNOHANG | WUNTRACED);
        kill(pid, SIGCONT);
        expect("continued", pid, WCONTINUED);
        show("moves", moving());
    }
    kill(pid, SIGSTOP);
    kill(pid, SIGCONT);
    kill(pid, SIGSTOP);
    expect("stop, continue, stop", pid, WUNTRACED);
    kill(pid, SIGTERM); /* waits until it goes on */
    usleep(3000);
    expect("not dead yet", pid, WNOHANG);
    kill(pid, SIGCONT);
    expect("dead", pid, 0);
    memset((void *)ticks, 0, 3 * sizeof *ticks);
    fflush(stdout);
    pid = fork();
    if (!pid)
        three_threads();
    while (!ticks[0] || !ticks[1] || !ticks[2])
        usleep(500);
    kill(pid, SIGSTOP);
    expect("stopped", pid, WUNTRACED);
    kill(pid, SIGKILL);
    expect("killed while stopped", pid, 0);
    /* handlers and masks of the stopping signals */
    fflush(stdout);
    pid = fork();
    if (!pid) {
        sigset_t set;
        handle(SIGTSTP, record, 0);
        signal(SIGTTIN, SIG_IGN);
        handle(SIGCONT, record, 0);
        sigemptyset(&set);
        sigaddset(&set, SIGCONT);
        raise(SIGTSTP);
        raise(SIGTTIN);
        raise(SIGCONT);
        show_order("handled, not stopped");
        sigprocmask(SIG_BLOCK, &set, NULL);
        raise(SIGSTOP);
        sigset_t pending;
        sigpending(&pending);
        show("SIGCONT is pending though it has acted", sigismember(&pending, SIGCONT));
        signal(SIGTSTP, SIG_DFL);
        sigaddset(&set, SIGTSTP);
        sigprocmask(SIG_BLOCK, &set, NULL);
        raise(SIGTSTP);
        sigpending(&pending);
        printf("SIGTSTP drops SIGCONT: %d %d\n", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGCONT));
        raise(SIGCONT);
        sigpending(&pending);
        printf("SIGCONT drops SIGTSTP: %d %d\n", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGCONT));
        fflush(stdout);
        _exit(0);
    }
    expect("stopped by itself", pid, WUNTRACED);
    kill(pid, SIGCONT);
    expect("ends", pid, 0);
    /* an orphaned group is stopped by SIGSTOP alone */
    fflush(stdout);
    pid = fork();
    if (!pid) {
        setsid();
        raise(SIGTSTP);
        raise(SIGTTIN);
        raise(SIGTTOU);
        raise(SIGSTOP);
        _exit(3);
    }
    expect("orphaned", pid, WUNTRACED);
    kill(pid, SIGCONT);
    expect("ends", pid, 0);
}

/* A group that becomes an orphan while one of it is stopped: SIGHUP, SIGCONT. */
static void orphans(void)
{
    int ends[2];
    char text[8];
    if (pipe(ends))
        return;
    fflush(stdout);
    pid_t middle = fork();
    if (!middle) {
        pid_t pid = fork();
        if (!pid) {
            setpgid(0, 0);
            handle(SIGHUP, record, 0);
            handle(SIGCONT, record, 0);
            raise(SIGSTOP);
            dprintf(ends[1], "%d,%d", order[0], order[1]);
            _exit(0);
        }
        setpgid(pid, pid);
        int status;
        waitpid(pid, &status, WUNTRACED);
        _exit(0);
    }
    close(ends[1]);
    show_child("middle", middle);
    ssize_t got = read(ends[0], text, sizeof text);
    printf("orphan: %.*s\n", (int)got, text);
    close(ends[0]);
}

/* --- signals and threads --- */

static pthread_t first;
static volatile int by_first, by_other;
static void who(int signo)
{
    (void)signo;
    if (pthread_self() == first)
        by_first++;
    else
        by_other++;
}
static void *waits_blocked(void *set)
{
    int signo;
    sigwait(set, &signo);
    return (void *)(long)signo;
}
static void *unblocks(void *unused)
{
    sigset_t none;
    sigemptyset(&none);
    sigsuspend(&none);
    return unused;
}
static void threads(void)
{
    sigset_t set;
    pthread_t thread;
    void *result;
    first = pthread_self();
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    handle(SIGUSR1, who, 0);
    kill(getpid(), SIGUSR1);
    printf("main is asked first: %d %d\n", by_first, by_other);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_create(&thread, NULL, waits_blocked, &set);
    usleep(5000);
    kill(getpid(), SIGUSR1);
    pthread_join(thread, &result);
    printf("sigwait of a thread: %ld, handlers %d %d\n", (long)result, by_first, by_other);
    pthread_create(&thread, NULL, unblocks, NULL);
    usleep(5000);
    kill(getpid(), SIGUSR1);
    pthread_join(thread, NULL);
    printf("who does not block it: %d %d\n", by_first, by_other);
    pthread_create(&thread, NULL, unblocks, NULL);
    usleep(5000);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, NULL);
    printf("to one thread: %d %d\n", by_first, by_other);
    /* a thread that ends with a signal pending for it alone takes it along */
    sigset_t pending;
    pthread_create(&thread, NULL, waits_blocked, &set);
    usleep(3000);
    kill(getpid(), SIGUSR1);
    pthread_join(thread, NULL);
    sigpending(&pending);
    show("none is left", sigismember(&pending, SIGUSR1));
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGUSR1, SIG_DFL);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    all_signals();
    limits();
    forced();
    stops();
    orphans();
    threads();
    stacks();
    return 0;
}

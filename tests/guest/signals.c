/* Signals: masks, pending sets, queues, alternate stacks, restarting, handlers' frames. */
#include "guest.h"
#include <setjmp.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

static volatile int count, last, values[32], nested;
static char alt[65536] __attribute__((aligned(16)));
static volatile int on_alt;

static void counting(int signo)
{
    count++;
    last = signo;
}

static void informed(int signo, siginfo_t *info, void *context)
{
    (void)context;
    values[count++ % 32] = info->si_value.sival_int;
    printf("handler: signal %d code %d value %d self %d\n", signo, info->si_code, info->si_value.sival_int,
           info->si_pid == getpid());
    fflush(stdout);
}

static void stack_user(int signo, siginfo_t *info, void *context)
{
    char here;
    ucontext_t *uc = context;
    (void)signo, (void)info;
    on_alt = &here >= alt && &here < alt + sizeof alt;
    printf("on alternate stack %d, flags %d, frame aligned %d, uc flags %#lx\n", on_alt, uc->uc_stack.ss_flags,
           (int)((uintptr_t)__builtin_frame_address(0) % 16), uc->uc_flags & 6);
    stack_t s;
    sigaltstack(NULL, &s);
    show("inside: ss_flags", s.ss_flags);
    s.ss_flags = 0;
    CALL(sigaltstack(&s, NULL));
}

static void nesting(int signo)
{
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    nested++;
    printf("nested %d: usr1 blocked %d usr2 blocked %d\n", nested, sigismember(&now, SIGUSR1), sigismember(&now, SIGUSR2));
    fflush(stdout);
    if (signo == SIGUSR1 && nested < 2)
        raise(SIGUSR2);
}

static void set(int signo, void (*handler)(int), int flags)
{
    struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
    sigaction(signo, &a, NULL);
}

static void masks(void)
{
    sigset_t block, pending, old;
    set(SIGUSR1, counting, 0);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigaddset(&block, SIGKILL);
    CALL(sigprocmask(SIG_BLOCK, &block, &old));
    sigprocmask(SIG_BLOCK, NULL, &old);
    show("usr1 in mask", sigismember(&old, SIGUSR1));
    show("kill in mask", sigismember(&old, SIGKILL));
    raise(SIGUSR1);
    raise(SIGUSR1);
    sigpending(&pending);
    show("pending", sigismember(&pending, SIGUSR1));
    show("count before", count);
    CALL(sigprocmask(SIG_UNBLOCK, &block, NULL));
    show("count after", count); /* standard signals do not queue */
    CALL(sigprocmask(99, &block, NULL));
    CALL(kill(getpid(), 65));
    CALL(kill(getpid(), -1));
    CALL(kill(getpid(), 0));
    CALL(kill(0x3fffffff, 0));
    struct sigaction a;
    CALL(sigaction(SIGKILL, &(struct sigaction){ .sa_handler = counting }, NULL));
    CALL(sigaction(SIGSTOP, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL));
    CALL(sigaction(0, NULL, &a));
    CALL(sigaction(SIGUSR1, NULL, &a));
    show("handler kept", a.sa_handler == counting);
}

static void queues(void)
{
    sigset_t block;
    struct sigaction a = { .sa_sigaction = informed, .sa_flags = SA_SIGINFO };
    sigemptyset(&block);
    for (int i = 0; i < 3; i++) {
        sigaction(SIGRTMIN + i, &a, NULL);
        sigaddset(&block, SIGRTMIN + i);
    }
    sigaction(SIGUSR2, &a, NULL);
    sigaddset(&block, SIGUSR2);
    sigprocmask(SIG_BLOCK, &block, NULL);
    for (int i = 0; i < 6; i++)
        sigqueue(getpid(), SIGRTMIN + 2 - i % 3, (union sigval){ .sival_int = 100 + i });
    sigqueue(getpid(), SIGUSR2, (union sigval){ .sival_int = 7 });
    sigqueue(getpid(), SIGUSR2, (union sigval){ .sival_int = 8 });
    count = 0;
    sigprocmask(SIG_UNBLOCK, &block, NULL); /* each frame is pushed before the first handler runs */
    show("delivered", count);
    sigprocmask(SIG_BLOCK, &block, NULL);
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 55 });
    siginfo_t info;
    CALL(sigwaitinfo(&block, &info) - SIGRTMIN);
    show("waited value", info.si_value.sival_int);
    struct timespec little = { 0, 1000000 }, bad = { 0, -1 };
    CALL(sigtimedwait(&block, &info, &little));
    CALL(sigtimedwait(&block, &info, &bad));
    sigprocmask(SIG_UNBLOCK, &block, NULL);
}

static void stacks(void)
{
    stack_t s = { .ss_sp = alt, .ss_size = sizeof alt }, old;
    CALL(sigaltstack(NULL, &old));
    show("old flags", old.ss_flags);
    stack_t small = { .ss_sp = alt, .ss_size = 100 };
    CALL(sigaltstack(&small, NULL));
    stack_t wrong = { .ss_sp = alt, .ss_size = sizeof alt, .ss_flags = 64 };
    CALL(sigaltstack(&wrong, NULL));
    CALL(sigaltstack(&s, NULL));
    struct sigaction a = { .sa_sigaction = stack_user, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
    a.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
}

static void nests(void)
{
    struct sigaction a = { .sa_handler = nesting };
    sigaddset(&a.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &a, NULL);
    set(SIGUSR2, nesting, 0);
    raise(SIGUSR1);
    show("nested", nested);
    nested = 0;
    set(SIGUSR1, nesting, SA_NODEFER);
    raise(SIGUSR1);
    show("nested, no defer", nested);
    set(SIGUSR1, counting, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction now;
    sigaction(SIGUSR1, NULL, &now);
    show("reset", now.sa_handler == SIG_DFL);
}

static void restarts(void)
{
    int ends[2];
    char byte;
    if (pipe(ends))
        return;
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        set(SIGALRM, counting, flags);
        count = 0;
        pid_t child = fork();
        if (!child) {
            usleep(60000);
            _exit(write(ends[1], "x", 1) != 1);
        }
        struct itimerval soon = { .it_value = { 0, 20000 } };
        setitimer(ITIMER_REAL, &soon, NULL);
        CALL(read(ends[0], &byte, 1));
        show("alarms", count);
        if (!flags)
            CALL(read(ends[0], &byte, 1));
        waitpid(child, NULL, 0);
    }
    /* never restarted, whatever the flags */
    struct itimerval soon = { .it_value = { 0, 20000 } };
    setitimer(ITIMER_REAL, &soon, NULL);
    struct timespec t = { 2, 0 }, left = { 9, 9 };
    CALL(nanosleep(&t, &left));
    show("left", left.tv_sec);
    setitimer(ITIMER_REAL, &soon, NULL);
    CALL(pause());
    sigset_t none;
    sigemptyset(&none);
    setitimer(ITIMER_REAL, &soon, NULL);
    CALL(sigsuspend(&none));
    soon.it_value.tv_usec = 20000;
    setitimer(ITIMER_REAL, &soon, NULL);
    CALL(usleep(2000000));
}

/* Flags, the red zone and vector registers survive a handler. */
static void trashing(int signo)
{
    char room[256];
    memset(room, 0xee, sizeof room);
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm9, %%xmm9; std; cld; fninit" : : "r"(room) : "xmm0", "xmm9", "memory");
    last = signo;
}

static __attribute__((noinline)) void survival(void)
{
    set(SIGUSR1, trashing, 0);
    uint64_t zone, low, high, flags;
    __asm__ volatile("movq %5, %%xmm9\n\t"
                     "movq %6, %%xmm0\n\t"
                     "mov %7, -64(%%rsp)\n\t"
                     "fld1\n\t"
                     "stc\n\t"
                     "mov %4, %%eax\n\t"
                     "syscall\n\t"
                     "pushfq\n\t pop %3\n\t"
                     "fstp %%st(0)\n\t"
                     "movq %%xmm9, %1\n\t movq %%xmm0, %2\n\t"
                     "mov -64(%%rsp), %0"
                     : "=&r"(zone), "=&r"(low), "=&r"(high), "=&r"(flags)
                     : "i"(SYS_kill), "r"(UINT64_C(0x1234)), "r"(UINT64_C(0x5678)), "r"(UINT64_C(0x9abc)), "D"(getpid()), "S"(SIGUSR1)
                     : "rax", "rcx", "r11", "xmm0", "xmm9", "memory");
    printf("red zone kept %d, registers %lx %lx, carry %lu\n", zone == 0x9abc, low, high, flags & 1);
}

static sigjmp_buf jump;
static void jumping(int signo) { siglongjmp(jump, signo); }

int main(void)
{
    masks();
    queues();
    stacks();
    nests();
    restarts();
    survival();
    set(SIGUSR1, jumping, 0);
    int from = sigsetjmp(jump, 1);
    show("jumped", from);
    if (!from)
        raise(SIGUSR1);
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    show("mask restored", !sigismember(&now, SIGUSR1));
    return 0;
}

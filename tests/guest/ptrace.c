/* ptrace(2): stops at system calls, signals and events, registers, memory, steps, errors. */
/* flags: -pthread */
#include "guest.h"

#include <elf.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

static long request(int number, pid_t pid, unsigned long addr, unsigned long data)
{
    return syscall(SYS_ptrace, number, pid, addr, data);
}

/* What wait4 says of any task, without numbers that differ from run to run. */
static int await(const char *name, pid_t pid)
{
    int status = 0;
    pid_t got = waitpid(pid, &status, __WALL);
    if (got < 0)
        printf("%s: wait error %d\n", name, errno);
    else if (WIFSTOPPED(status))
        printf("%s: stopped by %d event %d\n", name, WSTOPSIG(status), status >> 16);
    else
        show_status(name, status);
    fflush(stdout);
    return status;
}

/* A child that waits for its tracer before it runs. */
static pid_t child(void (*body)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        body();
        _exit(0);
    }
    await("begins", pid);
    return pid;
}

static void do_calls(void)
{
    syscall(SYS_getppid);
    syscall(SYS_dup, 99);
    errno = 0;
    long result = syscall(SYS_gettid);
    _exit(result == 4242 ? 7 : 8);
}

/* Entries and exits in turn; the number, the arguments and the result can be changed. */
static void calls(void)
{
    pid_t pid = child(do_calls);
    CALL(request(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
    for (int i = 0; i < 20; i++) {
        if (request(PTRACE_SYSCALL, pid, 0, 0))
            break;
        int status;
        waitpid(pid, &status, __WALL);
        if (!WIFSTOPPED(status)) {
            show_status("calls end", status);
            break;
        }
        struct user_regs_struct regs;
        request(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
        struct __ptrace_syscall_info info;
        memset(&info, 0, sizeof info);
        long size = request(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, (unsigned long)&info);
        printf("stop %#x call %lld op %d size %ld", status >> 8, (long long)regs.orig_rax, info.op, size);
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
            printf(" rax %lld nr %lld ip %d", (long long)regs.rax, (long long)info.entry.nr,
                   info.instruction_pointer == regs.rip);
        else if (regs.orig_rax != SYS_getppid && regs.orig_rax != SYS_gettid)
            printf(" result %lld error %d", (long long)regs.rax, info.exit.is_error);
        puts("");
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY && regs.orig_rax == SYS_dup) {
            regs.orig_rax = SYS_lseek; /* another call, another argument */
            regs.rdi = (unsigned long)-1;
            request(PTRACE_SETREGS, pid, 0, (unsigned long)&regs);
        }
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY && regs.orig_rax == SYS_gettid) {
            regs.orig_rax = (unsigned long)-1; /* no call */
            request(PTRACE_SETREGS, pid, 0, (unsigned long)&regs);
        }
        if (info.op == PTRACE_SYSCALL_INFO_EXIT && regs.orig_rax == (unsigned long)-1) {
            regs.rax = 4242;
            request(PTRACE_SETREGS, pid, 0, (unsigned long)&regs);
        }
    }
}

static volatile sig_atomic_t seen, seen_code, seen_value;
static void handler(int signo, siginfo_t *info, void *context)
{
    (void)context;
    seen = signo;
    seen_code = info->si_code;
    seen_value = info->si_value.sival_int;
}
static void catch(int signo)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(signo, &action, NULL);
}

static void do_signals(void)
{
    catch(SIGUSR1), catch(SIGUSR2);
    raise(SIGUSR1);
    printf("handled %d\n", seen);
    seen = 0;
    raise(SIGUSR1);
    printf("then %d\n", seen);
    seen = 0;
    raise(SIGUSR1);
    printf("then %d code %d\n", seen, seen_code);
    sigqueue(getpid(), SIGUSR2, (union sigval){ .sival_int = 5 });
    printf("then %d code %d value %d\n", seen, seen_code, seen_value);
    fflush(stdout);
    raise(SIGTERM);
}

static void signals(void)
{
    pid_t pid = child(do_signals);
    siginfo_t info;
    CALL(request(PTRACE_CONT, pid, 0, 0)); /* without the SIGSTOP */
    await("first", pid);
    CALL(request(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info));
    printf("info %d code %d pid %d\n", info.si_signo, info.si_code, info.si_pid == pid);
    CALL(request(PTRACE_CONT, pid, 0, SIGUSR1));
    await("second", pid);
    CALL(request(PTRACE_CONT, pid, 0, 0)); /* suppressed */
    await("third", pid);
    CALL(request(PTRACE_CONT, pid, 0, SIGUSR2)); /* replaced */
    await("queued", pid);
    request(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info);
    printf("info %d code %d value %d\n", info.si_signo, info.si_code, info.si_value.sival_int);
    info.si_value.sival_int = 77;
    CALL(request(PTRACE_SETSIGINFO, pid, 0, (unsigned long)&info));
    CALL(request(PTRACE_CONT, pid, 0, SIGUSR2));
    await("deadly", pid);
    CALL(request(PTRACE_CONT, pid, 0, SIGTERM));
    await("dead", pid);
}

static void do_pending(void)
{
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 3; i++)
        sigqueue(getpid(), SIGRTMIN + i, (union sigval){ .sival_int = i });
    pthread_kill(pthread_self(), SIGUSR1);
    syscall(SYS_getppid);
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
}

static void pending(void)
{
    pid_t pid = child(do_pending);
    request(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    struct user_regs_struct regs = { 0 };
    while (regs.orig_rax != SYS_getppid) {
        int status;
        request(PTRACE_SYSCALL, pid, 0, 0);
        waitpid(pid, &status, 0);
        if (!WIFSTOPPED(status)) {
            puts("lost");
            return;
        }
        request(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
    }
    siginfo_t infos[8];
    struct __ptrace_peeksiginfo_args args = { 0, 1 /* shared */, 8 };
    long count = request(PTRACE_PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)infos);
    show_result("shared queue", count);
    for (long i = 0; i < count; i++)
        printf("%d value %d\n", infos[i].si_signo - SIGRTMIN, infos[i].si_value.sival_int);
    args = (struct __ptrace_peeksiginfo_args){ 0, 0, 8 };
    CALL(request(PTRACE_PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)infos));
    args.flags = 8;
    CALL(request(PTRACE_PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)infos));
    uint64_t mask = 0;
    CALL(request(PTRACE_GETSIGMASK, pid, 8, (unsigned long)&mask));
    printf("mask %#lx\n", (unsigned long)mask);
    CALL(request(PTRACE_GETSIGMASK, pid, 4, (unsigned long)&mask));
    mask = 1u << (SIGUSR1 - 1);
    CALL(request(PTRACE_SETSIGMASK, pid, 8, (unsigned long)&mask));
    request(PTRACE_CONT, pid, 0, 0);
    await("a real-time signal is free now", pid);
    CALL(request(PTRACE_KILL, pid, 0, 0));
    await("killed", pid);
}

static void do_fork(void)
{
    pid_t pid = fork();
    if (!pid)
        _exit(3);
    int status;
    waitpid(pid, &status, 0);
    pid = vfork();
    if (!pid)
        _exit(4);
    waitpid(pid, &status, 0);
    _exit(WEXITSTATUS(status));
}

static void events(void)
{
    pid_t pid = child(do_fork), born = 0;
    CALL(request(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT));
    unsigned long message;
    request(PTRACE_CONT, pid, 0, 0);
    for (int i = 0; i < 12; i++) {
        int status = await("parent", pid);
        if (!WIFSTOPPED(status))
            break;
        request(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&message);
        int event = status >> 16;
        if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
            born = (pid_t)message;
            await("child begins", born);
            request(PTRACE_CONT, born, 0, 0);
            await("child ends", born);
            request(PTRACE_GETEVENTMSG, born, 0, (unsigned long)&message);
            printf("status to be %#lx\n", message);
            request(PTRACE_CONT, born, 0, 0);
            await("child is dead", born);
        } else if (event == PTRACE_EVENT_VFORK_DONE) {
            show("the same child", born == (pid_t)message);
        } else if (event == PTRACE_EVENT_EXIT) {
            printf("status to be %#lx\n", message);
        }
        request(PTRACE_CONT, pid, 0, WSTOPSIG(status) == SIGCHLD ? SIGCHLD : 0);
    }
}

static void *thread_body(void *at)
{
    *(volatile int *)at = 1;
    return NULL;
}
static void do_threads(void)
{
    pthread_t thread;
    int done = 0;
    pthread_create(&thread, NULL, thread_body, &done);
    pthread_join(thread, NULL);
    _exit(done);
}

static void threads(void)
{
    pid_t pid = child(do_threads);
    request(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE);
    request(PTRACE_CONT, pid, 0, 0);
    await("clone", pid);
    unsigned long message = 0;
    request(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&message);
    pid_t thread = (pid_t)message;
    await("thread begins", thread);
    CALL(request(PTRACE_CONT, thread, 0, 0));
    await("thread ends", thread);
    CALL(request(PTRACE_CONT, pid, 0, 0));
    await("process ends", pid);
}

static void do_exec(void)
{
    char *const argv[] = { "/proc/self/exe", "--exec", NULL };
    execve("/proc/self/exe", argv, NULL);
    _exit(99);
}

static void execs(void)
{
    pid_t pid = child(do_exec);
    request(PTRACE_CONT, pid, 0, 0);
    await("SIGTRAP after exec", pid);
    request(PTRACE_CONT, pid, 0, 0);
    await("ends", pid);
    pid = child(do_exec);
    request(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC);
    request(PTRACE_CONT, pid, 0, 0);
    await("event of exec", pid);
    unsigned long message = 0;
    request(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&message);
    show("its own number", (pid_t)message == pid);
    request(PTRACE_CONT, pid, 0, 0);
    await("ends", pid);
}

static volatile long target = 41;
static void do_memory(void)
{
    _exit((int)target);
}

static void memory(void)
{
    pid_t pid = child(do_memory);
    errno = 0;
    show("peeked", ptrace(PTRACE_PEEKDATA, pid, (void *)&target, 0));
    CALL(request(PTRACE_POKEDATA, pid, (unsigned long)&target, 43));
    show("peeked", ptrace(PTRACE_PEEKTEXT, pid, (void *)&target, 0));
    long word;
    CALL(request(PTRACE_PEEKDATA, pid, 8, (unsigned long)&word));
    CALL(request(PTRACE_POKEDATA, pid, 8, 0));
    CALL(request(PTRACE_PEEKDATA, pid, (unsigned long)&target, 8));
    CALL(request(PTRACE_PEEKDATA, pid, 0xffff888000000000, (unsigned long)&word));
    /* a breakpoint in its code, which it shares with us until then */
    unsigned long at = (unsigned long)do_memory, old = (unsigned long)ptrace(PTRACE_PEEKTEXT, pid, (void *)at, 0);
    CALL(request(PTRACE_POKETEXT, pid, at, (old & ~0xfful) | 0xcc));
    show("ours is untouched", *(unsigned char *)at != 0xcc);
    request(PTRACE_CONT, pid, 0, 0);
    await("breakpoint", pid);
    struct user_regs_struct regs;
    request(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
    show("after it", (long)(regs.rip - at));
    siginfo_t info;
    request(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info);
    printf("code %d\n", info.si_code);
    CALL(request(PTRACE_POKETEXT, pid, at, old));
    regs.rip = at;
    CALL(request(PTRACE_SETREGS, pid, 0, (unsigned long)&regs));
    request(PTRACE_CONT, pid, 0, 0);
    await("ends", pid);
}

/* A known number of instructions, one of them a system call; the flag that traps stays hidden. */
static void do_steps(void)
{
    long flags, number = SYS_getppid;
    asm volatile("int3\n"
                 "mov $3, %%ecx\n"
                 "1: dec %%ecx\n"
                 "jnz 1b\n"
                 "syscall\n"
                 "pushf\n"
                 "pop %1\n"
                 "nop\n"
                 "int3"
                 : "+a"(number), "=r"(flags)::"rcx", "r11", "memory");
    _exit(flags & 0x100 ? 1 : 2);
}

static void steps(void)
{
    pid_t pid = child(do_steps);
    request(PTRACE_CONT, pid, 0, 0);
    await("begin", pid);
    struct user_regs_struct regs;
    siginfo_t info;
    int count = 0, hidden = 1;
    do {
        request(PTRACE_SINGLESTEP, pid, 0, 0);
        int status;
        waitpid(pid, &status, 0);
        if (!WIFSTOPPED(status)) {
            show_status("steps end", status);
            return;
        }
        request(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
        request(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info);
        hidden &= !(regs.eflags & 0x100);
        printf("%d.%d ", info.si_signo, info.si_code);
        count++;
    } while (count < 30 && info.si_code != SI_KERNEL);
    printf("\nsteps %d, TF hidden %d\n", count, hidden);
    request(PTRACE_CONT, pid, 0, 0);
    await("end", pid);
}

/* The first instruction of a handler is a stop of its own while stepping. */
static void do_step_handler(void)
{
    catch(SIGUSR1);
    raise(SIGUSR1);
    _exit(seen == SIGUSR1);
}

static void step_into_handler(void)
{
    pid_t pid = child(do_step_handler);
    request(PTRACE_CONT, pid, 0, 0);
    await("signal", pid);
    CALL(request(PTRACE_SINGLESTEP, pid, 0, SIGUSR1));
    await("handler", pid);
    struct user_regs_struct regs;
    siginfo_t info;
    request(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
    request(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info);
    printf("at the handler %d code %d\n", regs.rip == (unsigned long)handler, info.si_code);
    request(PTRACE_CONT, pid, 0, 0);
    await("ends", pid);
}

static void do_nothing(void) {}

static void registers(void)
{
    pid_t pid = child(do_nothing);
    struct user_regs_struct regs, other;
    struct user_fpregs_struct fp;
    long word;
    CALL(request(PTRACE_GETREGS, pid, 0, (unsigned long)&regs));
    printf("cs %llx ss %llx ds %llx orig %lld\n", regs.cs, regs.ss, regs.ds, (long long)regs.orig_rax);
    CALL(request(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), (unsigned long)&word));
    show("the same", word == (long)regs.rip);
    CALL(request(PTRACE_PEEKUSER, pid, 3, (unsigned long)&word));
    CALL(request(PTRACE_PEEKUSER, pid, sizeof(struct user), (unsigned long)&word));
    CALL(request(PTRACE_POKEUSER, pid, offsetof(struct user, regs.cs), 0x30));
    CALL(request(PTRACE_POKEUSER, pid, offsetof(struct user, regs.fs_base), -1));
    CALL(request(PTRACE_POKEUSER, pid, offsetof(struct user, regs.eflags), -1));
    CALL(request(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.eflags), (unsigned long)&word));
    printf("flags %#lx\n", word);
    CALL(request(PTRACE_POKEUSER, pid, offsetof(struct user, regs.eflags), regs.eflags));
    CALL(request(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), (unsigned long)&target));
    CALL(request(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[0]), (unsigned long)&word));
    show("address kept", word == (long)&target);
    CALL(request(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[1]), 0xffff888000000000));
    CALL(request(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[4]), 1));
    struct iovec iov = { &other, sizeof other };
    CALL(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov));
    printf("length %zu same %d\n", iov.iov_len, !memcmp(&regs, &other, sizeof regs));
    iov = (struct iovec){ &other, 16 };
    CALL(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov));
    printf("length %zu\n", iov.iov_len);
    iov.iov_len = 12;
    CALL(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov));
    iov.iov_len = 16;
    CALL(request(PTRACE_GETREGSET, pid, 0x999, (unsigned long)&iov));
    CALL(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, 8));
    CALL(request(PTRACE_GETFPREGS, pid, 0, (unsigned long)&fp));
    printf("cwd %#x mxcsr %#x\n", fp.cwd, fp.mxcsr);
    fp.xmm_space[0] = 0x1234;
    fp.cwd = 0x27f;
    CALL(request(PTRACE_SETFPREGS, pid, 0, (unsigned long)&fp));
    memset(&fp, 0, sizeof fp);
    CALL(request(PTRACE_GETFPREGS, pid, 0, (unsigned long)&fp));
    printf("cwd %#x xmm %#x\n", fp.cwd, fp.xmm_space[0]);
    fp.mxcsr = 0xffffffff;
    CALL(request(PTRACE_SETFPREGS, pid, 0, (unsigned long)&fp));
    CALL(request(PTRACE_GETREGS, pid, 0, 8));
    CALL(request(PTRACE_DETACH, pid, 0, 0));
    await("ends untraced", pid);
}

/* Data breakpoints by the debug registers. */
static void do_watched(void)
{
    target = 1;
    *(volatile long *)&target = 2;
    _exit(5);
}

static void watchpoints(void)
{
    pid_t pid = child(do_watched);
    CALL(request(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), (unsigned long)&target));
    CALL(request(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), 0xd0001)); /* 4 bytes, writes */
    for (int i = 0; i < 2; i++) {
        request(PTRACE_CONT, pid, 0, 0);
        if (!WIFSTOPPED(await("watched", pid)))
            return;
        siginfo_t info;
        long status;
        request(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info);
        request(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[6]), (unsigned long)&status);
        printf("code %d which %ld value %ld\n", info.si_code, status & 15, ptrace(PTRACE_PEEKDATA, pid, (void *)&target, 0));
    }
    request(PTRACE_CONT, pid, 0, 0);
    await("ends", pid);
}

static void sleeper(void)
{
    for (;;)
        pause();
}

static pid_t plain_child(void (*body)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        body();
        _exit(0);
    }
    return pid;
}

static void attach(void)
{
    pid_t pid = plain_child(sleeper);
    CALL(request(PTRACE_ATTACH, pid, 0, 0));
    await("attached", pid);
    CALL(request(PTRACE_ATTACH, pid, 0, 0));
    CALL(request(PTRACE_CONT, pid, 0, 999));
    CALL(request(PTRACE_DETACH, pid, 0, 999));
    CALL(request(PTRACE_INTERRUPT, pid, 0, 0));
    CALL(request(PTRACE_SETOPTIONS, pid, 0, 0x80000000));
    CALL(request(12345, pid, 0, 0));
    CALL(request(PTRACE_DETACH, pid, 0, 0));
    CALL(request(PTRACE_CONT, pid, 0, 0));
    kill(pid, SIGTERM);
    await("ends", pid);
    CALL(request(PTRACE_ATTACH, pid, 0, 0));
    CALL(request(PTRACE_ATTACH, getpid(), 0, 0));
    CALL(request(PTRACE_SEIZE, pid, 0, 0));
}

/* Stops of job control under PTRACE_SEIZE. */
static void seize(void)
{
    pid_t pid = plain_child(sleeper);
    CALL(request(PTRACE_SEIZE, pid, 1, 0));
    CALL(request(PTRACE_SEIZE, pid, 0, 0x80000000));
    CALL(request(PTRACE_SEIZE, pid, 0, 0));
    CALL(request(PTRACE_CONT, pid, 0, 0)); /* it runs */
    CALL(request(PTRACE_INTERRUPT, pid, 0, 0));
    await("interrupted", pid);
    siginfo_t info;
    request(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info);
    printf("info %d code %#x\n", info.si_signo, info.si_code);
    CALL(request(PTRACE_CONT, pid, 0, 0));
    kill(pid, SIGSTOP);
    await("signal stop", pid);
    CALL(request(PTRACE_LISTEN, pid, 0, 0)); /* no stop of the process yet */
    CALL(request(PTRACE_CONT, pid, 0, SIGSTOP));
    await("process stop", pid);
    CALL(request(PTRACE_LISTEN, pid, 0, 0));
    CALL(request(PTRACE_CONT, pid, 0, 0)); /* not to be talked to */
    int status;
    show("nothing to wait for", waitpid(pid, &status, WNOHANG | __WALL));
    kill(pid, SIGCONT);
    await("SIGCONT notice", pid);
    CALL(request(PTRACE_CONT, pid, 0, 0));
    await("SIGCONT itself", pid);
    CALL(request(PTRACE_CONT, pid, 0, SIGCONT));
    CALL(request(PTRACE_INTERRUPT, pid, 0, 0));
    await("interrupted", pid);
    kill(pid, SIGKILL);
    await("killed", pid);
}

/* A stopped process stays so when its tracer leaves it. */
static void detach_stopped(void)
{
    pid_t pid = plain_child(sleeper);
    request(PTRACE_SEIZE, pid, 0, 0);
    kill(pid, SIGTSTP);
    int status = await("signal stop", pid);
    request(PTRACE_CONT, pid, 0, (unsigned long)WSTOPSIG(status));
    await("process stop", pid);
    CALL(request(PTRACE_DETACH, pid, 0, 0));
    waitpid(pid, &status, WUNTRACED);
    printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(pid, SIGCONT);
    waitpid(pid, &status, WCONTINUED);
    show("continued", WIFCONTINUED(status));
    kill(pid, SIGTERM);
    await("ends", pid);
}

/* Attach to a process that is stopped already. */
static void attach_stopped(void)
{
    pid_t pid = plain_child(sleeper);
    int status;
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    CALL(request(PTRACE_ATTACH, pid, 0, 0));
    await("attached", pid);
    siginfo_t info;
    CALL(request(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info));
    kill(pid, SIGKILL);
    await("killed", pid);
}

/* The tracer's end: tracees go on, or die with PTRACE_O_EXITKILL. */
static void tracer_dies(unsigned long options)
{
    int ends[2], ready[2];
    pipe(ends), pipe(ready);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        char byte;
        close(ends[0]);
        read(ready[0], &byte, 1);
        usleep(200000);
        write(ends[1], "x", 1);
        _exit(0);
    }
    pid_t tracer = fork();
    if (!tracer) {
        request(PTRACE_SEIZE, pid, 0, options);
        write(ready[1], "r", 1);
        _exit(0);
    }
    waitpid(tracer, NULL, 0);
    await("child", pid);
    close(ends[1]);
    char byte;
    show("it wrote", read(ends[0], &byte, 1));
    close(ends[0]), close(ready[0]), close(ready[1]);
}

/* A child traced by another: its parent learns of its end when the tracer has. */
static void two_watchers(void)
{
    int go[2], told[2], reap[2];
    char byte;
    pipe(go), pipe(told), pipe(reap);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        read(go[0], &byte, 1);
        _exit(9);
    }
    pid_t tracer = fork();
    if (!tracer) {
        siginfo_t info;
        request(PTRACE_SEIZE, pid, 0, 0);
        write(go[1], "g", 1);
        waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | __WALL);
        printf("tracer sees %d %d\n", info.si_code, info.si_status);
        fflush(stdout);
        write(told[1], "t", 1);
        read(reap[0], &byte, 1);
        await("tracer", pid);
        _exit(0);
    }
    read(told[0], &byte, 1);
    int status;
    show("not yet", waitpid(pid, &status, WNOHANG));
    write(reap[1], "r", 1);
    await("tracer is gone", tracer);
    await("parent", pid);
}

static void errors(void)
{
    CALL(request(PTRACE_CONT, 1, 0, 0));
    CALL(request(PTRACE_CONT, 0x3fffffff, 0, 0));
    CALL(request(PTRACE_ATTACH, 0x3fffffff, 0, 0));
    CALL(request(PTRACE_SEIZE, 0x3fffffff, 5, 0));
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        CALL(request(PTRACE_TRACEME, 0, 0, 0));
        CALL(request(PTRACE_TRACEME, 0, 0, 0));
        _exit(0);
    }
    await("ends", pid);
    pid = fork();
    if (!pid) { /* without rights over a process of root */
        setresgid(1000, 1000, 1000);
        setresuid(1000, 1000, 1000);
        CALL(request(PTRACE_ATTACH, getppid(), 0, 0));
        CALL(request(PTRACE_SEIZE, getppid(), 0, 0));
        _exit(0);
    }
    await("ends", pid);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--exec"))
        return 6;
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (argc > 1 && !strcmp(argv[1], "--watch")) { /* not every host has breakpoints to give */
        watchpoints();
        return 0;
    }
    errors();
    calls();
    signals();
    pending();
    events();
    threads();
    execs();
    memory();
    steps();
    step_into_handler();
    registers();
    attach();
    seize();
    detach_stopped();
    attach_stopped();
    tracer_dies(0);
    tracer_dies(PTRACE_O_EXITKILL);
    two_watchers();
    return 0;
}

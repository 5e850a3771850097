/* seccomp(2): modes, filters, every action, precedence, threads; which programs are refused. */
/* flags: -pthread */
#include "seccomp.h"

#include <pthread.h>
#include <sys/resource.h>
#include <ucontext.h>

/* --- actions --- */

static void errno_action(void)
{
    CALL(on_call(0, SYS_getppid, SECCOMP_RET_ERRNO | 7));
    CALL(syscall(SYS_getppid));
    CALL(on_call(0, SYS_getuid, SECCOMP_RET_ERRNO | 0xffff));
    CALL(syscall(SYS_getuid)); /* at most MAX_ERRNO */
    CALL(on_call(0, SYS_getgid, SECCOMP_RET_ERRNO));
    CALL(syscall(SYS_getgid)); /* success: 0 */
    CALL(on_call(0, 5000, SECCOMP_RET_ERRNO | 9));
    CALL(syscall(5000));
    CALL(on_call(0, -1, SECCOMP_RET_ERRNO | 11));
    CALL(syscall(-1L));
    CALL(on_call(0, SYS_getegid, SECCOMP_RET_ERRNO | 512)); /* no restart comes of ERESTARTSYS */
    CALL(syscall(SYS_getegid));
}

static void trace_and_log(void)
{
    CALL(on_call(0, SYS_getppid, SECCOMP_RET_TRACE | 5)); /* nobody traces */
    CALL(syscall(SYS_getppid));
    CALL(on_call(0, SYS_sched_yield, SECCOMP_RET_LOG));
    CALL(syscall(SYS_sched_yield));
    CALL(on_call(0, SYS_getuid, SECCOMP_RET_USER_NOTIF)); /* nobody listens */
    CALL(syscall(SYS_getuid));
}

static volatile int traps;

static void on_sigsys(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    uintptr_t rip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
    SHOW(signo);
    SHOW(info->si_code);
    SHOW(info->si_errno);
    SHOW(info->si_syscall);
    SHOW(info->si_arch == AUDIT_ARCH_X86_64);
    SHOW((uintptr_t)info->si_call_addr == rip);
    SHOW(uc->uc_mcontext.gregs[REG_RAX]);
    SHOW(uc->uc_mcontext.gregs[REG_RDI]);
    uc->uc_mcontext.gregs[REG_RAX] = 4711;
    traps++;
}

static void trap_action(void)
{
    struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
    CALL(sigaction(SIGSYS, &action, NULL));
    CALL(on_call(0, SYS_getpgid, SECCOMP_RET_TRAP | 0xbeef));
    CALL(syscall(SYS_getpgid, 12));
    SHOW(traps);
}

static void trap_blocked(void)
{
    sigset_t set;
    struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
    sigaction(SIGSYS, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    sigprocmask(SIG_BLOCK, &set, NULL);
    on_call(0, SYS_getpgid, SECCOMP_RET_TRAP);
    syscall(SYS_getpgid, 12); /* cannot be blocked: dies */
    puts("survived");
}

static void trap_default(void)
{
    on_call(0, SYS_getpgid, SECCOMP_RET_TRAP);
    syscall(SYS_getpgid, 0);
    puts("survived");
}

static void kill_process(void)
{
    signal(SIGSYS, SIG_IGN);
    on_call(0, SYS_getppid, SECCOMP_RET_KILL_PROCESS);
    syscall(SYS_getppid);
    puts("survived");
}

static void kill_handled(void)
{
    struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
    sigaction(SIGSYS, &action, NULL);
    on_call(0, SYS_getppid, SECCOMP_RET_KILL_PROCESS);
    syscall(SYS_getppid);
    puts("survived");
}

static void kill_only_thread(void)
{
    on_call(0, SYS_getppid, SECCOMP_RET_KILL_THREAD);
    syscall(SYS_getppid);
    puts("survived");
}

static void unknown_action(void)
{
    on_call(0, SYS_getppid, 0x12340000);
    syscall(SYS_getppid);
    puts("survived");
}

static void *killed_thread(void *unused)
{
    syscall(SYS_getppid);
    puts("survived");
    return unused;
}

static void kill_one_thread(void)
{
    pthread_t thread;
    on_call(0, SYS_getppid, SECCOMP_RET_KILL_THREAD);
    pthread_create(&thread, NULL, killed_thread, NULL);
    pthread_join(thread, NULL);
    puts("the others live");
    exit(5);
}

static void kill_all_threads(void)
{
    pthread_t thread;
    on_call(0, SYS_getppid, SECCOMP_RET_KILL_PROCESS);
    pthread_create(&thread, NULL, killed_thread, NULL);
    pthread_join(thread, NULL);
    puts("survived");
}

/* --- strict mode --- */

static void strict_exits(void)
{
    int ends[2];
    char byte = 0;
    CALL(pipe(ends));
    CALL(prctl(PR_GET_SECCOMP));
    CALL(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 1, 2, 3));
    write(1, "strict\n", 7);
    write(ends[1], "x", 1);
    read(ends[0], &byte, 1);
    write(1, &byte, 1);
    write(1, "\n", 1);
    syscall(SYS_exit, 3);
}

static void strict_dies(void)
{
    seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL);
    syscall(SYS_getpid);
    syscall(SYS_write, 1, "survived\n", 9);
}

static void strict_exit_group(void)
{
    seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL);
    _exit(0);
}

static void strict_no_filter(void)
{
    struct sock_filter allow[] = { RETURN(SECCOMP_RET_ALLOW) };
    CALL(install_program(0, allow, 1));
    CALL(prctl(PR_GET_SECCOMP));
    CALL(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
    CALL(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL));
}

/* --- chains --- */

static void precedence(void)
{
    static const uint32_t verdicts[] = {
        SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_TRACE | 3, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_ERRNO | 21,
        SECCOMP_RET_ERRNO | 22,
    };
    for (size_t i = 0; i < LENGTH(verdicts); i++) {
        CALL(on_call(0, SYS_getpgid, verdicts[i]));
        CALL(syscall(SYS_getpgid, -5));
    }
    CALL(on_call(0, SYS_getpgid, SECCOMP_RET_ALLOW));
    CALL(syscall(SYS_getpgid, -5)); /* of equals the newest: 22 */
    struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
    sigaction(SIGSYS, &action, NULL);
    CALL(on_call(0, SYS_getpgid, SECCOMP_RET_TRAP | 1));
    CALL(syscall(SYS_getpgid, -5));
    CALL(on_call(0, SYS_getpgid, SECCOMP_RET_KILL_THREAD));
    CALL(syscall(SYS_getpgid, -5));
}

static void show_status_lines(void)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "Seccomp", 7) == 0 || strncmp(line, "NoNewPrivs", 10) == 0)
            printf("%s", line);
    fclose(file);
    fflush(stdout);
}

static void inherited(void)
{
    show_status_lines();
    on_call(0, SYS_getppid, SECCOMP_RET_ERRNO | 33);
    on_call(0, SYS_getuid, SECCOMP_RET_ERRNO | 34);
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    show_status_lines();
    pid_t child = fork();
    if (child == 0) {
        CALL(syscall(SYS_getppid));
        on_call(0, SYS_getgid, SECCOMP_RET_ERRNO | 35);
        show_status_lines();
        char *arguments[] = { "seccomp", "again", NULL };
        execv("/proc/self/exe", arguments);
        _exit(9);
    }
    waitpid(child, NULL, 0);
    CALL(syscall(SYS_getgid) != -1); /* the child's own */
}

static void after_exec(void)
{
    CALL(syscall(SYS_getppid));
    CALL(syscall(SYS_getuid));
    CALL(syscall(SYS_getgid));
    CALL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    show_status_lines();
}

/* The longest chain: the lengths of translated programs count. */
static void fill_chain(const struct sock_filter *pattern, size_t count)
{
    static struct sock_filter code[BPF_MAXINSNS];
    pid_t child = fork();
    if (child)  {
        waitpid(child, NULL, 0);
        return;
    }
    for (size_t i = 0; i < BPF_MAXINSNS; i++)
        code[i] = pattern[i % count];
    code[BPF_MAXINSNS - 1] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    code[BPF_MAXINSNS - 2] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW); /* jumps go no further */
    int filters = 0;
    while (install_program(0, code, BPF_MAXINSNS) == 0)
        filters++;
    show_result("long filter", -1);
    show("long filters", filters);
    size_t length = BPF_MAXINSNS;
    while (length && install_program(0, code + BPF_MAXINSNS - length, length))
        length--;
    show("longest that fits", (long)length);
    exit(0);
}

static void chain_limit(void)
{
    static const struct sock_filter load[] = { BPF_STMT(BPF_LD | BPF_IMM, 1) };
    static const struct sock_filter divide[] = { BPF_STMT(BPF_LDX | BPF_IMM, 1),
                                                 BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0) };
    static const struct sock_filter returns[] = { RETURN(SECCOMP_RET_ALLOW), BPF_STMT(BPF_LD | BPF_IMM, 1) };
    static const struct sock_filter branches[] = {
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), BPF_STMT(BPF_LD | BPF_IMM, 1),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x80000000, 1, 0), BPF_STMT(BPF_LD | BPF_IMM, 1),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 1), BPF_STMT(BPF_LD | BPF_IMM, 1),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_X, 0xffffffff, 1, 0), BPF_STMT(BPF_LD | BPF_IMM, 1),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0xffffffff, 1, 1), BPF_STMT(BPF_LD | BPF_IMM, 1),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_X, 0, 1, 1), BPF_STMT(BPF_LD | BPF_IMM, 1),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0, 0, 0), BPF_STMT(BPF_LD | BPF_IMM, 1),
    };
    fill_chain(load, LENGTH(load));
    fill_chain(divide, LENGTH(divide));
    fill_chain(returns, LENGTH(returns));
    fill_chain(branches, LENGTH(branches));
}

/* --- threads --- */

static int go[2], done[2];

static void *synchronised(void *own)
{
    char byte;
    if (own)
        on_call(0, SYS_getgid, SECCOMP_RET_ERRNO | 44);
    write(done[1], "1", 1);
    read(go[0], &byte, 1);
    CALL(syscall(SYS_getppid) == -1 ? errno : 0);
    CALL(prctl(PR_GET_SECCOMP));
    CALL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    return NULL;
}

static void with_thread(unsigned flags, bool own_filter)
{
    pthread_t thread;
    char byte;
    pipe(go);
    pipe(done);
    pthread_create(&thread, NULL, synchronised, own_filter ? &thread : NULL);
    read(done[0], &byte, 1);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    long result = on_call(flags, SYS_getppid, SECCOMP_RET_ERRNO | 55);
    show("TSYNC says a thread", result > 0);
    if (result <= 0)
        show_result("TSYNC", result);
    write(go[1], "1", 1);
    pthread_join(thread, NULL);
    SHOW(syscall(SYS_getppid) == -1 ? errno : 0);
}

static void tsync(void)
{
    with_thread(SECCOMP_FILTER_FLAG_TSYNC, false);
}

static void tsync_common(void)
{
    on_call(0, SYS_getuid, SECCOMP_RET_ERRNO | 66);
    with_thread(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW, false);
}

static void tsync_refused(void)
{
    with_thread(SECCOMP_FILTER_FLAG_TSYNC, true);
}

static void tsync_esrch(void)
{
    with_thread(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, true);
}

static void no_tsync(void)
{
    with_thread(0, false);
}

/* --- what a filter sees, and calculates --- */

static uint32_t calculated; /* the last 16 bits of the verdict */

static void calculate(const char *name, struct sock_filter *code, size_t length)
{
    pid_t child = fork();
    if (child) {
        waitpid(child, NULL, 0);
        return;
    }
    if (install_program(0, code, length)) {
        show_result(name, -1);
        _exit(0);
    }
    calculated = syscall(SYS_getpgid, 0x1122334455667788, 2, 3, 4, 5, UINT64_C(0xfedcba9876543210)) == -1 ? (unsigned)errno : 0;
    printf("%s: %u\n", name, calculated);
    fflush(stdout);
    exit(0);
}

/* The program's A, cut to 12 bits, as an error number of getpgid. */
#define CALCULATE(...)                                                                                  \
    do {                                                                                                \
        struct sock_filter code[] = {                                                                   \
            FIELD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 1, 0), RETURN(SECCOMP_RET_ALLOW), \
            __VA_ARGS__, BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x7ff),                                    \
            BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO), BPF_STMT(BPF_RET | BPF_A, 0),        \
        };                                                                                              \
        calculate(#__VA_ARGS__, code, LENGTH(code));                                                    \
    } while (0)
#define S BPF_STMT
#define J BPF_JUMP
#define ABS(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define A_IS(value) BPF_STMT(BPF_LD | BPF_IMM, value)
#define X_IS(value) BPF_STMT(BPF_LDX | BPF_IMM, value)

static void calculations(void)
{
    CALCULATE(ABS(0));
    CALCULATE(ABS(4));
    CALCULATE(ABS(4), S(BPF_ALU | BPF_RSH | BPF_K, 24));
    CALCULATE(ABS(16));
    CALCULATE(ABS(20));
    CALCULATE(ABS(60));
    CALCULATE(ABS(56));
    CALCULATE(ABS(48));
    CALCULATE(S(BPF_LD | BPF_W | BPF_LEN, 0));
    CALCULATE(S(BPF_LDX | BPF_W | BPF_LEN, 0), S(BPF_MISC | BPF_TXA, 0));
    CALCULATE(A_IS(100), X_IS(7), S(BPF_ALU | BPF_ADD | BPF_X, 0));
    CALCULATE(A_IS(100), X_IS(7), S(BPF_ALU | BPF_SUB | BPF_X, 0));
    CALCULATE(A_IS(100), X_IS(7), S(BPF_ALU | BPF_MUL | BPF_X, 0));
    CALCULATE(A_IS(100), X_IS(7), S(BPF_ALU | BPF_DIV | BPF_X, 0));
    CALCULATE(A_IS(100), X_IS(7), S(BPF_ALU | BPF_OR | BPF_X, 0));
    CALCULATE(A_IS(100), X_IS(7), S(BPF_ALU | BPF_AND | BPF_X, 0));
    CALCULATE(A_IS(100), X_IS(7), S(BPF_ALU | BPF_XOR | BPF_X, 0));
    CALCULATE(A_IS(100), X_IS(3), S(BPF_ALU | BPF_LSH | BPF_X, 0));
    CALCULATE(A_IS(100), X_IS(35), S(BPF_ALU | BPF_LSH | BPF_X, 0));
    CALCULATE(A_IS(100), X_IS(2), S(BPF_ALU | BPF_RSH | BPF_X, 0));
    CALCULATE(A_IS(100), X_IS(34), S(BPF_ALU | BPF_RSH | BPF_X, 0));
    CALCULATE(A_IS(100), S(BPF_ALU | BPF_NEG, 0));
    CALCULATE(A_IS(100), S(BPF_ALU | BPF_ADD | BPF_K, 0xfffffffe));
    CALCULATE(A_IS(100), S(BPF_ALU | BPF_SUB | BPF_K, 101));
    CALCULATE(A_IS(100), S(BPF_ALU | BPF_MUL | BPF_K, 0x10001));
    CALCULATE(A_IS(0xfffffff0), S(BPF_ALU | BPF_DIV | BPF_K, 0x1000001));
    CALCULATE(A_IS(100), S(BPF_ALU | BPF_XOR | BPF_K, 0xff));
    CALCULATE(A_IS(1), S(BPF_ALU | BPF_LSH | BPF_K, 10));
    CALCULATE(A_IS(0x80000000), S(BPF_ALU | BPF_RSH | BPF_K, 31));
    CALCULATE(A_IS(77), S(BPF_ST, 15), A_IS(1), S(BPF_LD | BPF_MEM, 15));
    CALCULATE(X_IS(78), S(BPF_STX, 0), X_IS(1), S(BPF_LDX | BPF_MEM, 0), S(BPF_MISC | BPF_TXA, 0));
    CALCULATE(A_IS(79), S(BPF_MISC | BPF_TAX, 0), A_IS(1), S(BPF_MISC | BPF_TXA, 0));
    CALCULATE(S(BPF_JMP | BPF_JA, 1), A_IS(5), A_IS(6));
    CALCULATE(A_IS(8), J(BPF_JMP | BPF_JEQ | BPF_K, 8, 0, 1), A_IS(81));
    CALCULATE(A_IS(8), J(BPF_JMP | BPF_JGT | BPF_K, 8, 0, 1), A_IS(82));
    CALCULATE(A_IS(8), J(BPF_JMP | BPF_JGE | BPF_K, 8, 0, 1), A_IS(83));
    CALCULATE(A_IS(8), J(BPF_JMP | BPF_JSET | BPF_K, 12, 0, 1), A_IS(84));
    CALCULATE(A_IS(0xffffffff), J(BPF_JMP | BPF_JGT | BPF_K, 0x80000000, 0, 1), A_IS(85));
    CALCULATE(A_IS(0xffffffff), X_IS(1), J(BPF_JMP | BPF_JGE | BPF_X, 0, 1, 0), A_IS(86));
    CALCULATE(A_IS(5), X_IS(5), J(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1), A_IS(87));
    CALCULATE(A_IS(5), X_IS(2), J(BPF_JMP | BPF_JSET | BPF_X, 0, 0, 1), A_IS(88));
    CALCULATE(S(BPF_MISC | BPF_TXA, 0)); /* X starts as 0 */
}

static void divide_by_zero(void)
{
    struct sock_filter code[] = {
        FIELD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0), RETURN(SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), RETURN(SECCOMP_RET_ALLOW),
    };
    CALL(install_program(0, code, LENGTH(code)));
    syscall(SYS_getppid); /* the program returns 0: KILL_THREAD */
    puts("survived");
}

/* --- refusals --- */

#define REFUSED(...)                                                    \
    do {                                                                \
        struct sock_filter code[] = { __VA_ARGS__ };                    \
        errno = 0;                                                      \
        show_result(#__VA_ARGS__, install_program(0, code, LENGTH(code))); \
    } while (0)
#define END RETURN(SECCOMP_RET_ALLOW)

static void refused_programs(void)
{
    REFUSED(A_IS(1));                                     /* no return at the end */
    REFUSED(END, A_IS(1));
    REFUSED(S(BPF_RET | BPF_X, 0));
    REFUSED(A_IS(SECCOMP_RET_ALLOW), S(BPF_RET | BPF_A, 0));
    REFUSED(ABS(64), END);                                /* past the data, not aligned, of other sizes */
    REFUSED(ABS(2), END);
    REFUSED(ABS(60), END);
    REFUSED(S(BPF_LD | BPF_H | BPF_ABS, 0), END);
    REFUSED(S(BPF_LD | BPF_B | BPF_ABS, 0), END);
    REFUSED(S(BPF_LD | BPF_W | BPF_IND, 0), END);
    REFUSED(S(BPF_LDX | BPF_B | BPF_MSH, 0), END);
    REFUSED(S(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_CPU), END);
    REFUSED(S(BPF_LDX | BPF_W | BPF_ABS, 0), END);        /* the checker's own translation */
    REFUSED(S(BPF_ALU | BPF_MOD | BPF_K, 3), END);        /* socket filters have it */
    REFUSED(S(BPF_ALU | BPF_MOD | BPF_X, 0), END);
    REFUSED(S(BPF_ALU | BPF_DIV | BPF_K, 0), END);
    REFUSED(S(BPF_ALU | BPF_LSH | BPF_K, 32), END);
    REFUSED(S(BPF_ALU | BPF_RSH | BPF_K, 32), END);
    REFUSED(S(BPF_ALU | BPF_LSH | BPF_K, 31), END);
    REFUSED(S(BPF_ALU | BPF_NEG | BPF_X, 0), END);
    REFUSED(S(BPF_ST, 16), END);                          /* cells: outside, not written on some way */
    REFUSED(S(BPF_STX, 16), END);
    REFUSED(S(BPF_LD | BPF_MEM, 0), END);
    REFUSED(S(BPF_LDX | BPF_MEM, 15), END);
    REFUSED(S(BPF_ST, 0), S(BPF_LD | BPF_MEM, 16), END);
    REFUSED(J(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), S(BPF_ST, 3), S(BPF_LD | BPF_MEM, 3), END);
    REFUSED(J(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2), S(BPF_ST, 3), S(BPF_JMP | BPF_JA, 1), S(BPF_ST, 3),
            S(BPF_LD | BPF_MEM, 3), END);
    REFUSED(S(BPF_JMP | BPF_JA, 1), END);                 /* jumps past the end */
    REFUSED(S(BPF_JMP | BPF_JA, 0xffffffff), END);
    REFUSED(S(BPF_JMP | BPF_JA, 0), END);
    REFUSED(J(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), END);
    REFUSED(J(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), END);
    REFUSED(J(BPF_JMP | BPF_JGE | BPF_X, 0, 255, 255), END);
    REFUSED(J(BPF_JMP | 0x50, 0, 0, 0), END);             /* no such instructions */
    REFUSED(S(0xff, 0), END);
    REFUSED(S(0x100, 0), END);
    REFUSED(S(0xffff, 0), END);
    REFUSED(S(BPF_MISC | 0x40, 0), END);
    REFUSED(S(BPF_LD | BPF_LEN, 12345), END);
}

/* Every code as the first instruction. */
static void all_codes(void)
{
    unsigned accepted = 0;
    uint32_t hash = 0;
    for (unsigned code = 0; code < 0x10000; code++) {
        struct sock_filter program[] = { { (uint16_t)code, 0, 0, 4 }, END, END, END, END, END };
        pid_t child = code < 0x200 ? fork() : -1;
        if (code >= 0x200) { /* none of these is left: no filter is installed */
            if (install_program(0, program, LENGTH(program)) == 0)
                puts("accepted");
            continue;
        }
        int status;
        if (child == 0)
            _exit(install_program(0, program, LENGTH(program)) == 0);
        waitpid(child, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 1) {
            accepted++;
            hash = hash * 31 + code;
        }
    }
    SHOW(accepted);
    SHOW(hash);
}

static void errors(void)
{
    struct sock_filter allow[] = { RETURN(SECCOMP_RET_ALLOW) };
    static struct sock_filter many[BPF_MAXINSNS + 1];
    struct sock_fprog good = { 1, allow }, none = { 0, allow }, nowhere = { 1, NULL };
    struct sock_fprog unmapped = { 1, (void *)8 }, too_long = { BPF_MAXINSNS + 1, many };
    char *edge = pages(2, PROT_READ | PROT_WRITE);
    munmap(edge + PAGE, PAGE);
    struct sock_fprog straddling = { 2, (void *)(edge + PAGE - 8) };
    uint32_t action = SECCOMP_RET_KILL_PROCESS, odd = SECCOMP_RET_ERRNO | 1, unknown = 0x12340000;
    memcpy(edge + PAGE - 8, allow, 8);
    CALL(seccomp(4, 0, NULL));
    CALL(seccomp(-1, 0, NULL));
    CALL(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL));
    CALL(seccomp(SECCOMP_SET_MODE_STRICT, 0, &good));
    CALL(seccomp(SECCOMP_SET_MODE_FILTER, 64, &good));
    CALL(seccomp(SECCOMP_SET_MODE_FILTER, 0x80000000, &good));
    CALL(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER, &good));
    CALL(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &good));
    CALL(seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL));
    CALL(seccomp(SECCOMP_SET_MODE_FILTER, 0, (void *)0xffff800000000000));
    CALL(seccomp(SECCOMP_SET_MODE_FILTER, 0, &none));
    CALL(seccomp(SECCOMP_SET_MODE_FILTER, 0, &nowhere));
    CALL(seccomp(SECCOMP_SET_MODE_FILTER, 0, &unmapped));
    CALL(seccomp(SECCOMP_SET_MODE_FILTER, 0, &straddling));
    CALL(seccomp(SECCOMP_SET_MODE_FILTER, 0, &too_long));
    CALL(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action));
    CALL(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &action));
    CALL(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &odd));
    CALL(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &unknown));
    CALL(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, NULL));
    static const uint32_t actions[] = { SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
                                        SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE, SECCOMP_RET_LOG,
                                        SECCOMP_RET_ALLOW };
    for (size_t i = 0; i < LENGTH(actions); i++)
        CALL(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, (void *)&actions[i]));
    struct seccomp_notif_sizes sizes;
    CALL(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
    SHOW(sizes.seccomp_notif);
    SHOW(sizes.seccomp_notif_resp);
    SHOW(sizes.seccomp_data);
    CALL(seccomp(SECCOMP_GET_NOTIF_SIZES, 1, &sizes));
    CALL(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, NULL));
    CALL(prctl(PR_SET_SECCOMP, 0, &good));
    CALL(prctl(PR_SET_SECCOMP, 3, &good));
    CALL(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL));
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 1));
    CALL(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CALL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    CALL(prctl(PR_GET_SECCOMP));
}

static void unprivileged(void)
{
    struct sock_filter allow[] = { RETURN(SECCOMP_RET_ALLOW) };
    CALL(syscall(SYS_setresuid, 1000, 1000, 1000));
    CALL(install_program(0, allow, 1));
    CALL(install_program(0, allow, 0));
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CALL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    CALL(install_program(0, allow, 1));
}

/* A filter sees a restarted call again. */
static void noted(int signo)
{
    (void)signo;
}

static void interrupted_call(void)
{
    int ends[2];
    char byte;
    pipe(ends);
    struct sigaction action = { .sa_handler = noted };
    sigaction(SIGALRM, &action, NULL);
    on_call(0, SYS_getppid, SECCOMP_RET_ERRNO | 5);
    ualarm(20000, 0);
    CALL(read(ends[0], &byte, 1));
    alarm(0);
}

int main(int argc, char **argv)
{
    (void)argv;
    struct rlimit no_core = { 0, 0 };
    setrlimit(RLIMIT_CORE, &no_core);
    if (argc > 1) {
        after_exec();
        return 0;
    }
    errors();
    IN_CHILD(refused_programs);
    IN_CHILD(errno_action);
    IN_CHILD(trace_and_log);
    IN_CHILD(trap_action);
    IN_CHILD(trap_blocked);
    IN_CHILD(trap_default);
    IN_CHILD(kill_process);
    IN_CHILD(kill_handled);
    IN_CHILD(kill_only_thread);
    IN_CHILD(unknown_action);
    IN_CHILD(kill_one_thread);
    IN_CHILD(kill_all_threads);
    IN_CHILD(strict_exits);
    IN_CHILD(strict_dies);
    IN_CHILD(strict_exit_group);
    IN_CHILD(strict_no_filter);
    IN_CHILD(precedence);
    IN_CHILD(inherited);
    IN_CHILD(chain_limit);
    IN_CHILD(tsync);
    IN_CHILD(tsync_common);
    IN_CHILD(tsync_refused);
    IN_CHILD(tsync_esrch);
    IN_CHILD(no_tsync);
    IN_CHILD(calculations);
    IN_CHILD(divide_by_zero);
    IN_CHILD(all_codes);
    IN_CHILD(unprivileged);
    IN_CHILD(interrupted_call);
    return 0;
}

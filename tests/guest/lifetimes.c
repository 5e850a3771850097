/* How processes and threads end, and what their parents learn: leaders that end first, statuses of groups, wait4 and
 * waitid with all their options, SIGCHLD, clone's exit signals and parents, vfork. */
/* flags: -pthread */
#include "guest.h"
#include "settle.h"
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

struct shared {
    volatile int flag[16];
};
static struct shared *shared;

static void wait_flag(int i)
{
    while (!shared->flag[i])
        usleep(500);
}

static pid_t child_of(void (*body)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        body();
        _exit(0);
    }
    return pid;
}

static void await(const char *name, pid_t pid, int options)
{
    int status = 0;
    errno = 0;
    pid_t got = waitpid(pid, &status, options);
    if (got <= 0)
        printf("%s: wait gives %d error %d\n", name, (int)got, errno);
    else
        show_status(name, status);
    fflush(stdout);
}

static void show_info(const char *name, long result, const siginfo_t *info, pid_t pid)
{
    printf("%s: result %ld error %d signo %d code %d status %d errno %d, its pid %d, uid %d\n", name, result,
           result ? errno : 0, info->si_signo, info->si_code, info->si_status, info->si_errno, info->si_pid == pid,
           info->si_signo ? info->si_uid == getuid() : -1);
    fflush(stdout);
}

static void look(const char *name, idtype_t type, pid_t id, pid_t pid, int options)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    long result = syscall(SYS_waitid, type, id, &info, options, NULL);
    show_info(name, result, &info, pid);
}

/* --- the end of threads and groups --- */

static void *ends_later(void *code)
{
    wait_flag(0);
    if ((long)code == 100)
        pthread_exit(NULL);
    if ((long)code == 200)
        raise(SIGTERM);
    if ((long)code == 300)
        syscall(SYS_exit, 5);
    if ((long)code == 400)
        raise(SIGSEGV);
    if ((long)code == 500)
        abort();
    exit((int)(long)code);
}
static long last_code;
static int leader_code;
static void leader_ends_first(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, ends_later, (void *)last_code);
    syscall(SYS_exit, leader_code);
}
static void leaders(void)
{
    static const long codes[] = { 100, 200, 300, 400, 500, 7 };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char name[40];
        memset(shared, 0, sizeof *shared);
        last_code = codes[i];
        leader_code = 33;
        pid_t pid = child_of(leader_ends_first);
        wait_for_state(pid, 'Z');
        sprintf(name, "leader first, %ld", codes[i]);
        await("too early", pid, WNOHANG);
        look("too early, waitid", P_PID, pid, pid, WEXITED | WNOHANG);
        show("exists", kill(pid, 0));
        shared->flag[0] = 1;
        await(name, pid, 0);
    }
    /* a signal to the process reaches the thread that is left */
    memset(shared, 0, sizeof *shared);
    last_code = 100;
    pid_t pid = child_of(leader_ends_first);
    wait_for_state(pid, 'Z');
    CALL(kill(pid, SIGUSR1));
    await("killed without leader", pid, 0);
    pid = child_of(leader_ends_first);
    wait_for_state(pid, 'Z');
    CALL(kill(pid, SIGSTOP));
    await("stopped without leader", pid, WUNTRACED);
    CALL(kill(pid, SIGCONT));
    await("continued without leader", pid, WCONTINUED);
    CALL(kill(pid, SIGKILL));
    await("killed at last", pid, 0);
}

static void *group_exits(void *code)
{
    syscall(SYS_exit_group, (int)(long)code);
    return NULL;
}
static void two_exit(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, group_exits, (void *)300);
    for (;;)
        pause();
}
static void *sleeps(void *unused)
{
    for (;;)
        pause();
    return unused;
}
static void thread_killed(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, sleeps, NULL);
    pthread_kill(thread, SIGUSR2);
    for (;;)
        pause();
}
static void exits_256(void) { _exit(0x1234567); }
static void returns_from_last(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, sleeps, NULL);
    syscall(SYS_exit_group, -1);
}
static void groups(void)
{
    await("exit_group of a thread", child_of(two_exit), 0);
    await("a thread is killed", child_of(thread_killed), 0);
    await("low bits", child_of(exits_256), 0);
    await("minus one", child_of(returns_from_last), 0);
}

/* --- wait options --- */

static void pauses(void) { sleeps(NULL); }
static void exits_9(void) { _exit(9); }

static void waitids(void)
{
    pid_t pid = child_of(pauses);
    look("runs", P_PID, pid, pid, WEXITED | WSTOPPED | WCONTINUED | WNOHANG);
    kill(pid, SIGSTOP);
    look("stopped, kept", P_PID, pid, pid, WSTOPPED | WNOWAIT);
    look("stopped, wrong option", P_PID, pid, pid, WEXITED | WNOHANG);
    look("stopped", P_ALL, 0, pid, WSTOPPED);
    look("stopped, again", P_ALL, 0, pid, WSTOPPED | WNOHANG);
    kill(pid, SIGSTOP);
    look("stopped twice", P_ALL, 0, pid, WSTOPPED | WNOHANG);
    kill(pid, SIGCONT);
    look("continued, kept", P_PID, pid, pid, WCONTINUED | WNOWAIT);
    look("continued", P_PID, pid, pid, WCONTINUED);
    look("continued, again", P_PID, pid, pid, WCONTINUED | WNOHANG);
    kill(pid, SIGCONT);
    look("continued while it runs", P_PID, pid, pid, WCONTINUED | WNOHANG);
    kill(pid, SIGSTOP);
    look("stopped", P_PGID, 0, pid, WSTOPPED);
    kill(pid, SIGKILL);
    look("killed", P_PGID, getpgrp(), pid, WEXITED | WNOWAIT);
    look("killed, no stop", P_PGID, getpgrp(), pid, WSTOPPED | WNOHANG);
    await("killed", pid, WUNTRACED);
    look("gone", P_PID, pid, pid, WEXITED);

    pid = child_of(exits_9);
    struct rusage usage;
    siginfo_t info;
    memset(&usage, 0xff, sizeof usage);
    CALL(syscall(SYS_waitid, P_PID, pid, &info, WEXITED | WNOWAIT, &usage));
    show("usage is given", usage.ru_nsignals == 0 && usage.ru_maxrss != -1);
    CALL(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, NULL) == 0);
    CALL(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, NULL));

    CALL(syscall(SYS_waitid, P_ALL, 0, NULL, 0, NULL));
    CALL(syscall(SYS_waitid, P_ALL, 0, NULL, WNOHANG, NULL));
    CALL(syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED | 0x10000, NULL));
    CALL(syscall(SYS_waitid, P_PID, 0, NULL, WEXITED, NULL));
    CALL(syscall(SYS_waitid, P_PID, -5, NULL, WEXITED, NULL));
    CALL(syscall(SYS_waitid, P_PGID, -5, NULL, WEXITED, NULL));
    CALL(syscall(SYS_waitid, P_PIDFD, -5, NULL, WEXITED, NULL));
    CALL(syscall(SYS_waitid, P_PIDFD, 1000, NULL, WEXITED, NULL));
    CALL(syscall(SYS_waitid, P_PIDFD, 0, NULL, WEXITED, NULL));
    CALL(syscall(SYS_waitid, 4, 0, NULL, WEXITED, NULL));
    CALL(syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED, NULL));
    CALL(syscall(SYS_waitid, P_ALL, -1, NULL, WEXITED | __WALL, NULL));
    CALL(syscall(SYS_wait4, -1, NULL, __WALL | __WCLONE | __WNOTHREAD | WNOHANG | WUNTRACED | WCONTINUED, NULL));
    CALL(syscall(SYS_wait4, -1, NULL, WEXITED, NULL));
    CALL(syscall(SYS_wait4, -1, NULL, WNOWAIT, NULL));
    CALL(syscall(SYS_wait4, (pid_t)0x80000000, NULL, 0, NULL));
    CALL(syscall(SYS_wait4, -0x7ffffff0, NULL, 0, NULL));
    CALL(syscall(SYS_wait4, 0, NULL, 0, NULL));
    CALL(syscall(SYS_wait4, getpid(), NULL, 0, NULL));
    CALL(syscall(SYS_wait4, 1, NULL, 0, NULL));

    /* bad pointers: the child is gone all the same */
    pid = child_of(exits_9);
    CALL(syscall(SYS_wait4, pid, (void *)8, 0, NULL));
    CALL(syscall(SYS_wait4, pid, NULL, 0, NULL));
    pid = child_of(exits_9);
    CALL(syscall(SYS_waitid, P_PID, pid, (void *)8, WEXITED, NULL));
    CALL(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, NULL));
    pid = child_of(exits_9);
    CALL(syscall(SYS_wait4, pid, NULL, 0, (void *)8));
    CALL(syscall(SYS_wait4, pid, NULL, 0, NULL));
    /* nothing has happened: zeros are written */
    pid = child_of(pauses);
    memset(&info, 0xff, sizeof info);
    CALL(syscall(SYS_waitid, P_PID, pid, &info, WEXITED | WNOHANG, NULL));
    printf("cleared: %d %d %d %d %d\n", info.si_signo, info.si_code, info.si_errno, info.si_pid, info.si_status);
    int status = 0x1234;
    CALL(syscall(SYS_wait4, pid, &status, WNOHANG, NULL));
    printf("left alone: %#x\n", status);
    kill(pid, SIGKILL);
    await("killed", pid, 0);
}

/* --- clone: exit signals, __WCLONE, parents --- */

static volatile int caught[65];
static void catches(int signo) { caught[signo]++; }

static pid_t clone3_child(uint64_t flags, uint64_t signo)
{
    struct clone_args args = { .flags = flags, .exit_signal = signo };
    fflush(stdout);
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}
/* The old call, which takes any number. */
static pid_t clone_child(unsigned long flags)
{
    fflush(stdout);
    return (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, 0);
}

static void exit_signals(void)
{
    static const int signals[] = { 0, SIGUSR1, SIGCHLD, 40, SIGKILL };
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        int signo = signals[i];
        if (signo && signo != SIGKILL)
            signal(signo, catches);
        if (signo == SIGKILL) {
            pid_t middle = child_of(pauses);
            kill(middle, SIGKILL);
            await("middle", middle, 0);
            fflush(stdout);
            middle = fork();
            if (!middle) {
                if (!clone_child(SIGKILL))
                    _exit(0);
                for (;;)
                    pause();
            }
            await("the end of a child kills", middle, 0);
            continue;
        }
        pid_t pid = clone_child((unsigned long)signo);
        if (!pid)
            _exit(20 + (int)i);
        while (state_of(pid) != 'Z')
            usleep(500);
        printf("exit signal %d: caught %d\n", signo, signo ? caught[signo] : 0);
        await("plain", pid, WNOHANG);
        await("__WCLONE", pid, WNOHANG | __WCLONE);
        await("__WALL", pid, WNOHANG | __WALL);
        if (signo)
            signal(signo, SIG_DFL);
    }
    memset((void *)caught, 0, sizeof caught);
    pid_t pid = clone_child(0xff); /* no signal has this number */
    if (!pid)
        _exit(3);
    await("exit signal 255, __WALL", pid, __WALL);
    CALL(clone3_child(0, 65));
    CALL(clone3_child(0, 1 << 20));
    CALL(clone3_child(CLONE_PARENT, SIGCHLD));
    CALL(clone3_child(CLONE_THREAD, SIGCHLD));
    CALL(clone3_child(CLONE_THREAD | CLONE_SIGHAND, 0));
    CALL(clone3_child(CLONE_SIGHAND, SIGCHLD));
    CALL(clone3_child(CLONE_SIGHAND | CLONE_CLEAR_SIGHAND | CLONE_VM, SIGCHLD));
    CALL(clone3_child(CLONE_DETACHED, SIGCHLD));
    CALL(clone3_child(UINT64_C(1) << 40, SIGCHLD));
    CALL(clone3_child(CLONE_NEWNS | CLONE_FS, SIGCHLD));
    CALL(syscall(SYS_clone3, NULL, 64));
    CALL(syscall(SYS_clone3, (void *)8, 64));
    CALL(syscall(SYS_clone3, (void *)8, 63));
    CALL(syscall(SYS_clone3, (void *)8, 5000));
    /* children with exec get SIGCHLD back */
    pid = clone_child(SIGUSR1);
    if (!pid) {
        char *argv[] = { "/proc/self/exe", "--exit", "4", NULL };
        execve(argv[0], argv, NULL);
        _exit(1);
    }
    signal(SIGUSR1, catches);
    signal(SIGCHLD, catches);
    await("execed", pid, __WALL); /* by then it may not have executed yet */
    printf("SIGUSR1 %d SIGCHLD %d\n", caught[SIGUSR1], caught[SIGCHLD]);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
}

static void siblings(void)
{
    /* a child makes another child of ours */
    memset(shared, 0, sizeof *shared);
    pid_t self = getpid();
    pid_t middle = clone_child(SIGCHLD);
    if (!middle) {
        pid_t pid = clone_child(CLONE_PARENT | SIGUSR2);
        if (!pid) {
            shared->flag[1] = getppid() == self ? 1 : 2;
            _exit(12);
        }
        shared->flag[2] = pid;
        CALL(waitpid(pid, NULL, 0));
        _exit(11);
    }
    await("middle", middle, 0);
    /* the exit signal is that of who made it */
    await("sibling", shared->flag[2], 0);
    show("its parent is ours", shared->flag[1]);
    CALL(waitpid(-1, NULL, WNOHANG));
}

static void clear_handlers(void)
{
    signal(SIGUSR1, catches);
    signal(SIGUSR2, SIG_IGN);
    for (int clear = 0; clear < 2; clear++) {
        pid_t pid = clone3_child(clear ? CLONE_CLEAR_SIGHAND : 0, SIGCHLD);
        if (!pid) {
            struct sigaction one, two;
            syscall(SYS_rt_sigaction, SIGUSR1, NULL, &one, 8);
            syscall(SYS_rt_sigaction, SIGUSR2, NULL, &two, 8);
            _exit((one.sa_handler == SIG_DFL) | (two.sa_handler == SIG_IGN) << 1);
        }
        await(clear ? "cleared" : "kept", pid, 0);
    }
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
}

/* --- children of threads --- */

static void *forks_one(void *unused)
{
    pid_t pid = fork();
    if (!pid) {
        wait_flag(0);
        _exit(21);
    }
    await("its own, __WNOTHREAD", pid, WNOHANG | __WNOTHREAD);
    shared->flag[3] = pid;
    wait_flag(4);
    return unused;
}
static void children_of_threads(void)
{
    pthread_t thread;
    memset(shared, 0, sizeof *shared);
    pthread_create(&thread, NULL, forks_one, NULL);
    wait_flag(3);
    pid_t pid = shared->flag[3];
    await("another thread's, __WNOTHREAD", pid, WNOHANG | __WNOTHREAD);
    await("another thread's", pid, WNOHANG);
    shared->flag[4] = 1;
    pthread_join(thread, NULL);
    usleep(5000);
    await("the thread has ended, __WNOTHREAD", pid, WNOHANG | __WNOTHREAD);
    shared->flag[0] = 1;
    await("another thread's, at last", pid, 0);
    /* threads are no children */
    memset(shared, 0, sizeof *shared);
}

/* --- SIGCHLD --- */

static volatile int infos;
static siginfo_t last_info;
static void informed(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)context;
    last_info = *info;
    infos++;
}
static void wait_infos(int count)
{
    while (infos < count)
        usleep(500);
}
static void told(const char *name, pid_t pid)
{
    printf("%s: times %d, signo %d code %d status %d errno %d, its pid %d uid %d\n", name, infos, last_info.si_signo,
           last_info.si_code, last_info.si_status, last_info.si_errno, last_info.si_pid == pid,
           last_info.si_uid == getuid());
    fflush(stdout);
}
static void exits_77(void) { _exit(77); }
static void dies(void) { raise(SIGTERM); }
static void tells(void)
{
    static const int flags[] = { 0, SA_NOCLDSTOP, SA_NOCLDWAIT, SA_NOCLDSTOP | SA_NOCLDWAIT };
    for (size_t i = 0; i < 4; i++) {
        struct sigaction action = { .sa_sigaction = informed, .sa_flags = SA_SIGINFO | SA_RESTART | flags[i] };
        sigaction(SIGCHLD, &action, NULL);
        printf("flags %#x\n", flags[i]);
        infos = 0;
        pid_t pid = child_of(exits_77);
        wait_infos(1);
        told("exited", pid);
        await("exited", pid, 0);
        infos = 0;
        pid = child_of(dies);
        wait_infos(1);
        told("killed", pid);
        await("killed", pid, 0);
        infos = 0;
        pid = child_of(pauses);
        kill(pid, SIGSTOP);
        if (flags[i] & SA_NOCLDSTOP)
            wait_for_state(pid, 'T');
        else
            wait_infos(1);
        told("stopped", pid);
        await("stopped", pid, WUNTRACED);
        kill(pid, SIGCONT);
        if (!(flags[i] & SA_NOCLDSTOP))
            wait_infos(2);
        told("continued", pid);
        await("continued", pid, WCONTINUED);
        kill(pid, SIGKILL);
        wait_infos(flags[i] & SA_NOCLDSTOP ? 1 : 3);
        told("killed at last", pid);
        await("killed at last", pid, 0);
    }
    /* ignored: waits until all are gone, then ECHILD */
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = child_of(pauses);
    kill(pid, SIGSTOP);
    await("ignored, stopped", pid, WUNTRACED);
    kill(pid, SIGKILL);
    await("ignored", pid, 0);
    signal(SIGCHLD, SIG_DFL);
    /* a zombie from before stays one */
    pid = child_of(exits_9);
    wait_for_state(pid, 'Z');
    signal(SIGCHLD, SIG_IGN);
    await("zombie from before", pid, 0);
    signal(SIGCHLD, SIG_DFL);
    /* blocked: one signal for several ends */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t many[3];
    for (int i = 0; i < 3; i++) {
        many[i] = child_of(exits_9);
        wait_for_state(many[i], 'Z');
    }
    siginfo_t info;
    show("taken", sigwaitinfo(&set, &info));
    show("the first's", info.si_pid == many[0]);
    CALL(sigtimedwait(&set, &info, &(struct timespec){ 0, 0 }));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    for (int i = 0; i < 3; i++)
        await("one of three", many[i], 0);
}

/* --- vfork --- */

static void vforks(void)
{
    static volatile int order;
    signal(SIGUSR1, catches);
    memset((void *)caught, 0, sizeof caught);
    pid_t self = getpid();
    fflush(stdout);
    pid_t pid = vfork();
    if (!pid) {
        kill(self, SIGUSR1); /* waits until the parent does not */
        usleep(20000);
        order = caught[SIGUSR1];
        _exit(1);
    }
    show("not while the child has the memory", order);
    show("afterwards", caught[SIGUSR1]);
    await("vfork", pid, 0);
    pid = vfork();
    if (!pid) {
        char *argv[] = { "/proc/self/exe", "--exit", "6", NULL };
        execve("/nowhere", argv, NULL);
        order = errno;
        execve(argv[0], argv, NULL);
        _exit(1);
    }
    show("errno of the failed exec", order);
    await("vfork and exec", pid, 0);
    pid = vfork();
    if (!pid) {
        raise(SIGKILL);
        _exit(1);
    }
    await("vfork and death", pid, 0);
    /* the parent of a vfork dies at once when it is killed */
    fflush(stdout);
    pid_t middle = fork();
    if (!middle) {
        prctl(PR_SET_CHILD_SUBREAPER, 0);
        if (!vfork())
            for (int i = 0; i < 20; i++)
                usleep(10000);
        _exit(1);
    }
    wait_for_state(middle, 'D');
    kill(middle, SIGUSR1);
    usleep(5000);
    show("it waits", waitpid(middle, NULL, WNOHANG));
    kill(middle, SIGKILL);
    await("parent of vfork", middle, 0);
    signal(SIGUSR1, SIG_DFL);
}

/* --- orphans and reapers --- */

static void reapers(void)
{
    memset(shared, 0, sizeof *shared);
    CALL(prctl(PR_SET_CHILD_SUBREAPER, 1));
    signal(SIGCHLD, catches);
    memset((void *)caught, 0, sizeof caught);
    pid_t middle = child_of(exits_9);
    await("plain", middle, 0);
    fflush(stdout);
    middle = fork();
    if (!middle) {
        pid_t below = clone_child(SIGUSR2); /* becomes a child with SIGCHLD */
        if (!below) {
            wait_flag(5);
            _exit(31);
        }
        shared->flag[6] = below;
        _exit(30);
    }
    await("middle", middle, 0);
    shared->flag[5] = 1;
    await("inherited", shared->flag[6], 0);
    show("SIGCHLD, all", caught[SIGCHLD]);
    /* a zombie is inherited, too */
    fflush(stdout);
    middle = fork();
    if (!middle) {
        pid_t below = fork();
        if (!below)
            _exit(32);
        wait_for_state(below, 'Z');
        shared->flag[7] = below;
        _exit(0);
    }
    await("middle", middle, 0);
    await("inherited zombie", shared->flag[7], 0);
    CALL(prctl(PR_SET_CHILD_SUBREAPER, 0));
    signal(SIGCHLD, SIG_DFL);
    /* a parent that ignores SIGCHLD leaves zombies to one that does not */
    CALL(waitpid(-1, NULL, 0));
}

int main(int argc, char **argv)
{
    if (argc > 2)
        return atoi(argv[2]);
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    leaders();
    groups();
    waitids();
    exit_signals();
    siblings();
    clear_handlers();
    children_of_threads();
    tells();
    vforks();
    reapers();
    return 0;
}

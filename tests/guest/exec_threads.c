/* execve from a process with several threads: the others end, the process keeps its number. */
/* flags: -pthread */
#include "guest.h"

#include <pthread.h>
#include <sched.h>
#include <sys/ptrace.h>

static char self[4096];

static void *sleeper(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return NULL;
}
static void *spinner(void *unused)
{
    (void)unused;
    for (volatile unsigned i = 0;; i++)
        ;
    return NULL;
}

static void run_again(const char *what)
{
    char number[16];
    snprintf(number, sizeof number, "%d", getpid());
    char *const argv[] = { self, (char *)what, number, NULL };
    execve(self, argv, NULL);
    printf("exec failed: %d\n", errno);
    fflush(stdout);
}

static void *execs(void *what)
{
    run_again(what);
    return NULL;
}

static void make_threads(void)
{
    pthread_t thread;
    for (int i = 0; i < 3; i++)
        pthread_create(&thread, NULL, i == 1 ? spinner : sleeper, NULL);
}

static void from_leader(void)
{
    make_threads();
    run_again("leader");
}

static void from_thread(void)
{
    pthread_t thread;
    make_threads();
    pthread_create(&thread, NULL, execs, "thread");
    sleeper(NULL);
}

/* The leader has ended before. */
static void from_orphan(void)
{
    pthread_t thread;
    make_threads();
    pthread_create(&thread, NULL, execs, "orphan");
    pthread_exit(NULL);
}

static void fails(void)
{
    make_threads();
    char *const argv[] = { "nothing", NULL };
    CALL(execve("/nowhere/nothing", argv, NULL));
    puts("the threads are still there");
    fflush(stdout);
    _exit(3);
}

/* The tracer is told which thread it was. */
static void *traced_exec(void *at)
{
    *(volatile pid_t *)at = (pid_t)syscall(SYS_gettid);
    run_again("traced");
    return NULL;
}
static void traced(void)
{
    pid_t *number = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        pthread_t thread;
        pthread_create(&thread, NULL, traced_exec, number);
        sleeper(NULL);
    }
    int status;
    waitpid(pid, &status, 0);
    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC);
    ptrace(PTRACE_CONT, pid, 0, 0);
    waitpid(pid, &status, __WALL);
    unsigned long message = 0;
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
    printf("status %#x\n", status);
    fflush(stdout);
    ptrace(PTRACE_CONT, pid, 0, 0);
    waitpid(pid, &status, 0);
    show_status("traced", status);
}

/* Handlers and descriptors shared with another process stay as they are for it. */
static int exec_with_shared(void *unused)
{
    (void)unused;
    run_again("shared");
    return 1;
}
static void shared(void)
{
    static char stack[65536];
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    signal(SIGUSR1, (void (*)(int))exit);
    fflush(stdout);
    pid_t pid = clone(exec_with_shared, stack + sizeof stack, CLONE_VM | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK | SIGCHLD, NULL);
    int status;
    waitpid(pid, &status, 0);
    show_status("shared", status);
    show("our descriptor is still open", fcntl(fd, F_GETFD) != -1);
    show("our handler is still there", signal(SIGUSR1, SIG_DFL) == (void (*)(int))exit);
}

static void in_child(const char *name, void (*body)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        body();
        _exit(1);
    }
    int status;
    show("number kept", waitpid(pid, &status, 0) == pid);
    show_status(name, status);
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        printf("%s: same process %d, leads %d\n", argv[1], getpid() == atoi(argv[2]), getpid() == syscall(SYS_gettid));
        return 5;
    }
    readlink("/proc/self/exe", self, sizeof self - 1);
    in_child("from leader", from_leader);
    in_child("from thread", from_thread);
    in_child("from orphan", from_orphan);
    in_child("fails", fails);
    traced();
    shared();
    return 0;
}

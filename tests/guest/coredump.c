/* Core files: when there is one, what wait says of it, limits. With the argument "crash" or "threads" it dies
 * itself, for a debugger to look at. */
/* flags: -g -O1 -pthread */
#include "guest.h"

#include <elf.h>
#include <pthread.h>
#include <sys/resource.h>

static double weight = 2.5;
static volatile int *nowhere;

__attribute__((noinline)) static void crashing_function(int number)
{
    weight *= number;
    *nowhere = number + (int)weight;
}

__attribute__((noinline)) static void middle_function(int number)
{
    crashing_function(number + 1);
    weight++;
}

__attribute__((noinline)) static void sleeping_function(void)
{
    for (;;)
        pause();
}

static void *sleeper(void *unused)
{
    sleeping_function();
    return unused;
}

static void limit_core(uint64_t limit)
{
    struct rlimit r = { limit, RLIM_INFINITY };
    setrlimit(RLIMIT_CORE, &r);
}

/* What is in "core": nothing, or an ELF core file, and how large it says it is. */
static void show_core(const char *name)
{
    struct stat st;
    Elf64_Ehdr header = { 0 };
    if (lstat("core", &st)) {
        printf("%s: no core\n", name);
        fflush(stdout);
        return;
    }
    int fd = open("core", O_RDONLY | O_NONBLOCK);
    ssize_t got = fd >= 0 ? read(fd, &header, sizeof header) : -1;
    close(fd);
    printf("%s: mode %o, %s, elf %d, type %d, machine %d\n", name, st.st_mode,
           st.st_size > 100000 ? "whole" : st.st_size > 4096 ? "cut" : "short", got == sizeof header &&
           !memcmp(header.e_ident, ELFMAG, 4), header.e_type, header.e_machine);
    fflush(stdout);
}

static void dies_by(int signo)
{
    siginfo_t info = { 0 };
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        raise(signo);
        sleeping_function();
    }
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    waitpid(child, &status, 0);
    printf("signal %d: code %d, status %d, core %d\n", signo, info.si_code, info.si_status, WCOREDUMP(status) != 0);
    show_core("left");
    unlink("core");
}

static void with_limit(uint64_t limit)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        limit_core(limit);
        abort();
    }
    waitpid(child, &status, 0);
    printf("limit %#lx: killed by %d, core %d\n", (unsigned long)limit, WTERMSIG(status), WCOREDUMP(status) != 0);
    show_core("left");
    unlink("core");
}

static void over(const char *what)
{
    printf("over %s: ", what);
    fflush(stdout);
    dies_by(SIGSEGV);
}

/* A handler's fault in a thread, others asleep. */
static void threads_die(void)
{
    pthread_t thread;
    int status;
    pid_t child = fork();
    if (child == 0) {
        pthread_create(&thread, NULL, sleeper, NULL);
        middle_function(1);
    }
    waitpid(child, &status, 0);
    printf("threads: killed by %d, core %d\n", WTERMSIG(status), WCOREDUMP(status) != 0);
    show_core("left");
}

int main(int argc, char **argv)
{
    limit_core(RLIM_INFINITY);
    if (argc > 1) {
        pthread_t thread;
        if (strcmp(argv[1], "threads") == 0) {
            pthread_create(&thread, NULL, sleeper, NULL);
            usleep(20000);
        }
        middle_function(41);
    }
    static const int signals[] = { SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ,
                                   SIGSYS, SIGTERM, SIGKILL, SIGHUP };
    unlink("core");
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        dies_by(signals[i]);
    static const uint64_t limits[] = { 0, 4095, 4096, 20000, 1 << 20, RLIM_INFINITY };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        with_limit(limits[i]);
    close(open("core", O_CREAT | O_WRONLY, 0600));
    over("an empty file");
    close(open("core", O_CREAT | O_WRONLY, 0644));
    over("a readable file");
    close(open("core", O_CREAT | O_WRONLY, 0600));
    link("core", "hard");
    over("a file with two names");
    unlink("hard");
    symlink("elsewhere", "core");
    over("a symbolic link");
    mkfifo("core", 0600);
    over("a FIFO");
    mkdir("core", 0700);
    over("a directory");
    rmdir("core");
    if (chown("core", 1000, 1000) == -1 && close(open("core", O_CREAT | O_WRONLY, 0600)) == 0)
        DONE(chown("core", 1000, 1000));
    over("a stranger's file");
    threads_die();
    unlink("core");
    return 0;
}

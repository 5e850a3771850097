/* A program for debuggers to look at: calls, a global variable, threads, a crash (tests/run_ptrace.sh). */
/* flags: -pthread -g -O0 -fno-omit-frame-pointer */
#include "guest.h"
#include <pthread.h>

int total;
static volatile int met;

__attribute__((noinline)) int add(int sum, int number)
{
    total += sum;
    return sum + number;
}

__attribute__((noinline)) int deep(int level) { return level ? deep(level - 1) + 1 : add(1, 2); }

static void *sleeps(void *unused)
{
    __atomic_add_fetch(&met, 1, __ATOMIC_SEQ_CST);
    for (;;)
        pause();
    return unused;
}

static void threads_met(void) { __asm__ volatile("nop"); }

static void threads(void)
{
    pthread_t thread;
    for (int i = 0; i < 3; i++)
        pthread_create(&thread, NULL, sleeps, NULL);
    while (met < 3)
        usleep(1000);
    usleep(10000);
    threads_met();
}

static void forks(void)
{
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (!pid) {
            raise(i ? SIGTERM : SIGUSR2);
            _exit(i);
        }
        waitpid(pid, NULL, 0);
    }
    raise(SIGWINCH);
}

static void reads(void)
{
    char text[8];
    int ends[2];
    if (pipe(ends) || write(ends[1], "a\n\tb\"c", 6) != 6)
        return;
    if (read(ends[0], text, sizeof text) != 6)
        return;
    open("/nowhere/at/all", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    read(ends[0], text, sizeof text);
    struct sigaction action = { .sa_handler = SIG_IGN, .sa_flags = SA_RESTART };
    sigaction(SIGUSR1, &action, NULL);
    kill(getpid(), SIGUSR1);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int sum = 0;
    if (!strcmp(what, "threads"))
        threads();
    else if (!strcmp(what, "forks"))
        forks();
    else if (!strcmp(what, "reads"))
        reads();
    else if (!strcmp(what, "crash"))
        *(volatile int *)(uintptr_t)(8 + deep(3) * 0) = 1;
    else if (!strcmp(what, "sleep"))
        for (;;)
            usleep(50000);
    for (int i = 1; i <= 5; i++)
        sum = add(sum, i);
    printf("sum %d total %d deep %d\n", sum, total, deep(4));
    return 0;
}

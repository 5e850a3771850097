/* Programs that use up a small machine's memory, one way for each argument. Run by tests/run_memory.sh. */
#include "guest.h"
#include <sched.h>

static void eat(size_t bytes)
{
    char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        exit(3);
    for (size_t i = 0; i < bytes; i += PAGE)
        at[i] = 1;
}

static void eat_everything(void)
{
    for (;;)
        eat(1 << 16);
}

/* A child that holds memory until it is told to go. */
static pid_t holder(size_t bytes, const char *adjustment, int ready, int go)
{
    char byte;
    pid_t pid = fork();
    if (pid)
        return pid;
    if (adjustment) {
        int fd = open("/proc/self/oom_score_adj", O_WRONLY);
        if (write(fd, adjustment, strlen(adjustment)) < 0)
            _exit(4);
        close(fd);
    }
    eat(bytes);
    write(ready, "r", 1);
    read(go, &byte, 1);
    _exit(0);
}

static void several(const char *first, const char *second)
{
    int ready[2], go[2], status;
    char bytes[2];
    pipe(ready);
    pipe(go);
    pid_t small = holder(1 << 19, first, ready[1], go[0]), large = holder(3 << 20, second, ready[1], go[0]);
    read(ready[0], bytes, 1);
    read(ready[0], bytes, 1);
    pid_t hungry = fork();
    if (!hungry)
        eat_everything();
    waitpid(hungry, &status, 0);
    show_status("hungry", status);
    write(go[1], "gg", 2);
    waitpid(small, &status, 0);
    show_status("small", status);
    waitpid(large, &status, 0);
    show_status("large", status);
}

static void forks(void)
{
    int pids = 0, error = 0, fd = open("/proc/self/oom_score_adj", O_WRONLY);
    write(fd, "-1000", 5);
    for (;;) {
        pid_t pid = fork();
        if (!pid) {
            fd = open("/proc/self/oom_score_adj", O_WRONLY);
            write(fd, "0", 1);
            for (;;)
                pause();
        }
        if (pid < 0) {
            error = errno;
            break;
        }
        pids++;
        sched_yield(); /* it may be killed from now on */
    }
    printf("more than 20: %d, error %d\n", pids > 20, error);
    fflush(stdout);
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    int ended = 0;
    while (wait(NULL) > 0)
        ended++;
    printf("all ended: %d\n", ended == pids);
}

static void tables(size_t step)
{
    char *at = mmap(NULL, 1ul << 45, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        exit(3);
    for (size_t i = 0; i < 1ul << 45; i += step)
        (void)*(volatile char *)(at + i);
}

static void shared(void)
{
    size_t size = 12 << 20;
    for (;;) {
        char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        for (size_t i = 0; i < size; i += PAGE)
            at[i] = 1;
    }
}

static void calls(void)
{
    int fd = open("/dev/zero", O_RDONLY);
    size_t size = 8 << 20;
    for (;;)
        if (read(fd, mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), size) < 0)
            puts("read failed, and the process lived");
}

static void locking(void)
{
    for (;;)
        if (mlock(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1 << 20))
            puts("mlock failed, and the process lived");
}

/* Memory that is given back is there again, and what maps and unmaps for ever needs no more and more. */
static void again(void)
{
    for (int i = 0; i < 300; i++) {
        size_t size = 4 << 20;
        char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, i & 1 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        for (size_t j = 0; j < size; j += PAGE)
            at[j] = 1;
        munmap(at, size);
        char *far = mmap((void *)(0x100000000000ul + (size_t)i * (1ul << 30)), PAGE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *far = 1;
        munmap(far, PAGE);
        if (!fork())
            _exit(0);
        wait(NULL);
    }
    puts("still here");
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    if (!strcmp(how, "alone"))
        eat_everything();
    if (!strcmp(how, "several"))
        several(NULL, NULL);
    if (!strcmp(how, "adjusted"))
        several("1000", "-1000");
    if (!strcmp(how, "forks"))
        forks();
    if (!strcmp(how, "tables"))
        tables(1ul << 21);
    if (!strcmp(how, "directories"))
        tables(1ul << 30);
    if (!strcmp(how, "shared"))
        shared();
    if (!strcmp(how, "calls"))
        calls();
    if (!strcmp(how, "locking"))
        locking();
    if (!strcmp(how, "again"))
        again();
    return 0;
}

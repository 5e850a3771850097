/* RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, vm.max_map_count, overcommitment, /proc/PID/oom_score_adj. */
#include "guest.h"
#include "status_line.h"
#include <setjmp.h>
#include <sys/resource.h>

#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf back;
static void caught(int signo) { siglongjmp(back, signo); }

static void limit_to(int which, size_t bytes)
{
    struct rlimit limit;
    getrlimit(which, &limit);
    limit.rlim_cur = bytes;
    setrlimit(which, &limit);
}

static void address_space(void)
{
    char *at = pages(16, PROT_READ | PROT_WRITE);
    size_t now = (size_t)status_line("VmSize:") * 1024;
    limit_to(RLIMIT_AS, now + 8 * PAGE);
    CALL((long)mmap(NULL, 9 * PAGE, PROT_NONE, PRIVATE, -1, 0));
    DONE(mmap(NULL, 8 * PAGE, PROT_NONE, PRIVATE, -1, 0));
    CALL((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    DONE(mmap(at, 16 * PAGE, PROT_READ, PRIVATE | MAP_FIXED, -1, 0)); /* takes the place of as much */
    CALL((long)mremap(at, 16 * PAGE, 17 * PAGE, MREMAP_MAYMOVE));
    CALL(sbrk(8 * PAGE));
    DONE(munmap(at + 8 * PAGE, PAGE));
    DONE(mmap(NULL, PAGE, PROT_READ, PRIVATE, -1, 0));
    limit_to(RLIMIT_AS, RLIM_INFINITY);
}

static void data(void)
{
    char *at = pages(8, PROT_READ);
    size_t now = (size_t)status_line("VmData:") * 1024;
    limit_to(RLIMIT_DATA, now + 4 * PAGE);
    CALL((long)mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, PRIVATE, -1, 0));
    char *more = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
    show("four fit", more != MAP_FAILED);
    CALL((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, PRIVATE, -1, 0));
    DONE(mmap(NULL, PAGE, PROT_READ, PRIVATE, -1, 0));
    DONE(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    CALL(mprotect(at, PAGE, PROT_READ | PROT_WRITE));
    CALL(mprotect(more, PAGE, PROT_READ));
    CALL(mprotect(at, PAGE, PROT_READ | PROT_WRITE));
    CALL((long)mremap(more + PAGE, 3 * PAGE, 8 * PAGE, MREMAP_MAYMOVE));
    CALL(sbrk(8 * PAGE));
    limit_to(RLIMIT_DATA, RLIM_INFINITY);
}

static void deep(int depth)
{
    volatile char room[16384];
    room[0] = (char)depth;
    if (depth)
        deep(depth - 1);
    room[1] = room[0];
}

static void stack(void)
{
    static char other[65536];
    sigaltstack(&(stack_t){ .ss_sp = other, .ss_size = sizeof other }, NULL);
    struct sigaction action = { .sa_handler = caught, .sa_flags = SA_ONSTACK };
    sigaction(SIGSEGV, &action, NULL);
    limit_to(RLIMIT_STACK, 1 << 20);
    if (!sigsetjmp(back, 1)) {
        deep(40);
        puts("640 KiB of stack");
        deep(100);
        puts("1.6 MiB of stack");
    } else {
        puts("stack limit");
    }
    limit_to(RLIMIT_STACK, 8 << 20);
    if (!sigsetjmp(back, 1)) {
        deep(100);
        puts("1.6 MiB of stack");
    }
}

static int count_maps(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int lines = 0;
    for (int c; (c = getc(maps)) != EOF;)
        lines += c == '\n';
    fclose(maps);
    return lines;
}

static void map_count(void)
{
    enum { MANY = 70000 };
    char *at = mmap(NULL, (size_t)MANY * PAGE, PROT_READ, PRIVATE | MAP_NORESERVE, -1, 0);
    int i = 1, before = count_maps();
    while (i < MANY && !mprotect(at + (size_t)i * PAGE, PAGE, PROT_NONE))
        i += 2;
    show("errno", errno);
    show("mappings, about", (before + i + 50) / 100);
    CALL(munmap(at + (size_t)(MANY - 10) * PAGE, PAGE));
    CALL(madvise(at + (size_t)(MANY - 10) * PAGE, PAGE, MADV_DONTFORK));
    CALL(mlock(at + (size_t)(MANY - 10) * PAGE, PAGE));
    CALL(mprotect(at, PAGE, PROT_NONE)); /* joins its neighbour */
    CALL(munmap(at, (size_t)MANY * PAGE));
    show("as before", count_maps() == before - 1);
}

static void overcommit(void)
{
    char text[8] = "";
    int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY);
    read(fd, text, sizeof text - 1);
    printf("%s", text);
    close(fd);
    CALL((long)mmap(NULL, 1ul << 46, PROT_READ | PROT_WRITE, PRIVATE, -1, 0));
    CALL((long)mmap(NULL, 1ul << 46, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    char *wide = mmap(NULL, 1ul << 46, PROT_READ, PRIVATE, -1, 0);
    show("read only is not counted", wide != MAP_FAILED);
    CALL(mprotect(wide, 1ul << 46, PROT_READ | PROT_WRITE));
    CALL(munmap(wide, 1ul << 46));
    wide = mmap(NULL, 1ul << 46, PROT_READ | PROT_WRITE, PRIVATE | MAP_NORESERVE, -1, 0);
    show("nor is what reserves nothing", wide != MAP_FAILED);
    CALL((long)mremap(wide, 1ul << 46, 3ul << 45, MREMAP_MAYMOVE) == -1);
    CALL(munmap(wide, 3ul << 45));
}

static long adjust(const char *text)
{
    int fd = open("/proc/self/oom_score_adj", O_RDWR);
    long result = fd < 0 ? -1 : write(fd, text, strlen(text));
    int error = errno;
    char now[16] = "";
    pread(fd, now, sizeof now - 1, 0);
    printf("%s", now);
    close(fd);
    errno = error;
    return result;
}

static void adjustments(void)
{
    CALL(adjust("500"));
    CALL(adjust("10\n"));
    CALL(adjust(" 0x20 "));
    CALL(adjust("1001"));
    CALL(adjust("-1001"));
    CALL(adjust("x"));
    CALL(adjust(""));
    CALL(adjust("5 5"));
    if (!fork()) {
        printf("inherited: ");
        CALL(adjust("33"));
        _exit(0);
    }
    wait(NULL);
    CALL(adjust("0"));
}

int main(void)
{
    address_space();
    data();
    stack();
    overcommit();
    map_count();
    fflush(stdout);
    adjustments();
    return 0;
}

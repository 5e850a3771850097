/* mmap, munmap, mprotect, brk: flags, refusals and their order, shared anonymous memory. */
#include "guest.h"
#include <setjmp.h>
#include <sys/resource.h>

#define MAP(address, length, prot, flags, fd, offset) \
    show_map(#address ", " #length ", " #prot ", " #flags ", " #offset, (char *)(address), length, prot, flags, fd, offset)

static sigjmp_buf back;
static int code;
static void caught(int signo, siginfo_t *info, void *context)
{
    (void)context;
    code = info->si_code;
    siglongjmp(back, signo);
}

static void *show_map(const char *what, char *address, size_t length, int prot, int flags, int fd, off_t offset)
{
    errno = 0;
    char *at = (char *)syscall(SYS_mmap, address, length, prot, flags, fd, offset);
    if (at == MAP_FAILED)
        printf("mmap(%s): error %d\n", what, errno);
    else
        printf("mmap(%s): %s\n", what, at == address ? "there" : "elsewhere");
    return at;
}

static void touch(const char *name, volatile char *at, bool write)
{
    int signo = sigsetjmp(back, 1);
    if (signo) {
        printf("%s: signal %d code %d\n", name, signo, code);
        return;
    }
    if (write)
        *at = 1;
    printf("%s: %d\n", name, *at);
}

static void refusals(void)
{
    char name[] = "/tmp/mmapXXXXXX";
    int fd = mkstemp(name), reader = open(name, O_RDONLY), writer = open(name, O_WRONLY), ends[2];
    int directory = open("/tmp", O_RDONLY), null = open("/dev/null", O_RDWR);
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    unlink(name);
    CALL(ftruncate(fd, 3 * PAGE));
    CALL(pipe(ends));
    char *area = mmap(NULL, 64 * PAGE, PROT_NONE, anonymous, -1, 0);
    CALL(munmap(area, 64 * PAGE));
    MAP(area, PAGE, PROT_READ, MAP_PRIVATE, -1, 0);
    MAP(area, PAGE, PROT_READ, MAP_PRIVATE, -1, 1);
    MAP(area, 0, PROT_READ, MAP_PRIVATE, -1, 0);
    MAP(area, 0, PROT_READ, anonymous, -1, 0);
    MAP(area, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0);
    MAP(area, PAGE, PROT_READ, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, -1, 0);
    MAP(area, PAGE, PROT_READ, MAP_ANONYMOUS | MAP_SHARED | MAP_GROWSDOWN, -1, 0);
    MAP(area, PAGE, PROT_READ, MAP_SHARED | MAP_GROWSDOWN, fd, 0);
    MAP(area, PAGE, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0);
    MAP(area, PAGE, PROT_READ, 4, fd, 0);
    MAP(area, PAGE, PROT_READ, 0, fd, 0);
    MAP(area, PAGE, PROT_WRITE, MAP_SHARED, reader, 0);
    MAP(area, PAGE, PROT_READ, MAP_PRIVATE, writer, 0);
    MAP(area, PAGE, PROT_READ, MAP_SHARED, writer, 0);
    MAP(area, PAGE, PROT_WRITE, MAP_SHARED_VALIDATE | 0x8000000, fd, 0);
    MAP(area, PAGE, PROT_WRITE, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
    MAP(area, PAGE, PROT_WRITE, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, fd, 0);
    MAP(area, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0);
    MAP(area, PAGE, PROT_READ, MAP_PRIVATE, directory, 0);
    MAP(area, PAGE, PROT_READ, MAP_SHARED, null, 0);
    MAP(area, PAGE, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, fd, 0);
    MAP(area, PAGE, PROT_READ, anonymous | MAP_HUGETLB | 5 << 26, -1, 0);
    MAP(area, PAGE, PROT_READ, MAP_PRIVATE, fd, (off_t)0x7ffffffffffff000);
    MAP(area, PAGE, PROT_READ, MAP_PRIVATE, fd, (off_t)0xfffffffffffff000);
    MAP(area, ~0ul, PROT_READ, anonymous, -1, 0);
    MAP(area, 1ul << 47, PROT_READ, anonymous, -1, 0);
    MAP(area + 5, PAGE, PROT_READ, anonymous | MAP_FIXED, -1, 0);
    MAP(~0ul, PAGE, PROT_READ, anonymous | MAP_FIXED, -1, 0);
    MAP(0x7ffffffff000, PAGE, PROT_READ, anonymous | MAP_FIXED, -1, 0);
    MAP(0xffff800000000000, PAGE, PROT_READ, anonymous, -1, 0);
    MAP(0x1000, PAGE, PROT_READ, anonymous, -1, 0);
    MAP(0x1000, PAGE, PROT_READ, anonymous | MAP_FIXED, -1, 0); /* root may */
    CALL(munmap((void *)0x1000, PAGE));
    close(fd), close(reader), close(writer), close(directory), close(null), close(ends[0]), close(ends[1]);
}

static void places(void)
{
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    char *area = mmap(NULL, 64 * PAGE, PROT_NONE, anonymous, -1, 0);
    munmap(area, 64 * PAGE);
    MAP(area, 4 * PAGE, PROT_READ, anonymous | MAP_FIXED_NOREPLACE, -1, 0);
    MAP(area + 3 * PAGE, 2 * PAGE, PROT_READ, anonymous | MAP_FIXED_NOREPLACE, -1, 0);
    MAP(area + 4 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, anonymous, -1, 0);
    MAP(area + 5 * PAGE, 2 * PAGE, PROT_READ, anonymous, -1, 0);
    MAP(area + 6 * PAGE + 123, PAGE, PROT_READ, anonymous, -1, 0);
    SHOW(munmap(area + 4 * PAGE, PAGE));
    touch("unmapped", area + 4 * PAGE, false);
    touch("the rest", area + 5 * PAGE, true);
    touch("read only", area, true);
    char *low = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, anonymous | MAP_32BIT, -1, 0);
    show("below 2 GiB", (uintptr_t)low >= 0x40000000 && (uintptr_t)low + 16 * PAGE <= 0x80000000);
    char *second = mmap(low, PAGE, PROT_READ | PROT_WRITE, anonymous | MAP_32BIT, -1, 0);
    show("the next one, too", second != low && (uintptr_t)second + PAGE <= 0x80000000);
    errno = 0;
    show("not 2 GiB of them", (long)mmap(NULL, 1ul << 31, PROT_NONE, anonymous | MAP_32BIT, -1, 0));
    show("errno", errno);
    char *top = mmap(NULL, PAGE, PROT_NONE, anonymous, -1, 0), *next = mmap(NULL, PAGE, PROT_READ, anonymous, -1, 0);
    show("top down", next < top);
    MAP(NULL, PAGE, PROT_READ, anonymous | MAP_LOCKED | MAP_POPULATE | MAP_NORESERVE | MAP_STACK, -1, 0);
    MAP(NULL, PAGE, PROT_READ, anonymous | MAP_SYNC | 0x40000000, -1, 0);
    MAP(NULL, PAGE, PROT_READ | 8 /* PROT_SEM */ | 0x12340, anonymous, -1, 0);
    /* the guard gap below memory that grows */
    char *grows = mmap(area + 32 * PAGE, PAGE, PROT_READ | PROT_WRITE, anonymous | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
    show("growing", grows == area + 32 * PAGE);
    char *near = mmap(area + 20 * PAGE, PAGE, PROT_READ, anonymous, -1, 0);
    show("a hint in the gap is not taken", near != area + 20 * PAGE);
    touch("grown", grows - 3 * PAGE, true);
    CALL(mprotect(grows, PAGE, PROT_READ | PROT_GROWSDOWN));
    touch("protected as far as it had grown", grows - 3 * PAGE, true);
    CALL(mprotect(area, PAGE, PROT_READ | PROT_GROWSDOWN));
    CALL(mprotect(area, PAGE, PROT_READ | PROT_GROWSUP));
    CALL(mprotect(area, PAGE, PROT_READ | PROT_GROWSUP | PROT_GROWSDOWN));
}

static void protections(void)
{
    char name[] = "/tmp/mmapXXXXXX";
    int fd = mkstemp(name), reader = open(name, O_RDONLY);
    unlink(name);
    CALL(ftruncate(fd, 3 * PAGE));
    char *at = mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, reader, 0);
    CALL(mprotect(at, PAGE, PROT_READ | PROT_WRITE));
    CALL(mprotect(at, PAGE, PROT_NONE));
    touch("none", at, false);
    char *private = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, reader, 0);
    CALL(mprotect(private, PAGE, PROT_READ | PROT_WRITE));
    touch("a copy", private, true);
    CALL(mprotect(private + PAGE, ~0ul, PROT_READ));
    CALL(mprotect(private + PAGE, ~0ul - 2 * PAGE, PROT_READ));
    CALL(mprotect(private + 1, 0, PROT_READ));
    CALL(mprotect(private, PAGE, 0x100));
    CALL(mprotect((void *)(1ul << 47), PAGE, PROT_READ));
    CALL(mprotect((void *)(1ul << 47), 0, PROT_READ));
    char *hole = pages(3, PROT_READ | PROT_WRITE);
    CALL(munmap(hole + PAGE, PAGE));
    CALL(mprotect(hole + PAGE, PAGE, PROT_NONE));
    CALL(mprotect(hole, 3 * PAGE, PROT_READ));
    touch("before the hole", hole, true);
    touch("after the hole", hole + 2 * PAGE, true);
    /* a shared mapping of a descriptor that cannot write, in the middle */
    char *mixed = pages(3, PROT_READ);
    mmap(mixed + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, reader, 0);
    CALL(mprotect(mixed, 3 * PAGE, PROT_READ | PROT_WRITE));
    touch("first", mixed, true);
    touch("last", mixed + 2 * PAGE, true);
    touch("past the end of the file", (char *)mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED, fd, 0) + 5 * PAGE, false);
    close(fd);
    close(reader);
}

/* Both sides of a fork see a page, whoever touches it first and whenever. */
static void shared(void)
{
    char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (fork() == 0) {
        strcpy(at + PAGE, "from the child");
        munmap(at, PAGE);
        _exit(0);
    }
    wait(NULL);
    printf("%s\n", at + PAGE);
    char *again = mremap(at + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE);
    printf("%s\n", again);
    strcpy(again + PAGE, "by the other name");
    printf("%s\n", at + 2 * PAGE);
    CALL(madvise(at + PAGE, PAGE, MADV_REMOVE));
    printf("removed: %d %d\n", at[PAGE], again[0]);
    CALL(madvise(at + 2 * PAGE, PAGE, MADV_DONTNEED));
    printf("%s\n", at + 2 * PAGE);
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], want[32];
    snprintf(want, sizeof want, "%lx-", (unsigned long)(uintptr_t)at);
    while (fgets(line, sizeof line, maps))
        if (!strncmp(line, want, strlen(want)))
            printf("%.4s%s", strchr(line, ' ') + 1, strstr(line, "/dev"));
    fclose(maps);
    munmap(at, 4 * PAGE);
    printf("%s\n", again + PAGE);
}

/* A word of shared memory is one futex, whatever its addresses; of private memory each copy is its own. */
static void futexes(void)
{
    int *word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *other = mremap(word, 0, PAGE, MREMAP_MAYMOVE);
    pid_t child = fork();
    if (!child) /* the page is not there yet, on either side */
        _exit(syscall(SYS_futex, word + 5, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0) ? 1 : 7);
    long woken;
    do {
        usleep(1000);
        woken = syscall(SYS_futex, other + 5, 1 /* FUTEX_WAKE */, 10, NULL, NULL, 0);
    } while (!woken);
    int status;
    waitpid(child, &status, 0);
    show("woken by another name", woken);
    show_status("who waited", status);
    int *private = pages(1, PROT_READ | PROT_WRITE);
    *private = 0;
    child = fork();
    if (!child) {
        struct timespec time = { 0, 50000000 };
        _exit(syscall(SYS_futex, private, 0, 0, &time, NULL, 0) && errno == ETIMEDOUT ? 7 : 1);
    }
    usleep(20000);
    show("nobody of this memory", syscall(SYS_futex, private, 1, 10, NULL, NULL, 0));
    waitpid(child, &status, 0);
    show_status("who waited", status);
}

static void breaks(void)
{
    char *start = sbrk(0), *page = (char *)(((uintptr_t)start + PAGE - 1) & ~(PAGE - 1));
    struct rlimit old, limit;
    SHOW(brk(page + 8 * PAGE));
    SHOW(brk(page + 2 * PAGE));
    touch("below", page + PAGE, true);
    touch("above", page + 2 * PAGE, true);
    mmap(page + 4 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CALL(brk(page + 3 * PAGE));
    CALL(brk(page + 4 * PAGE));
    CALL(brk(page + 6 * PAGE));
    munmap(page + 4 * PAGE, PAGE);
    getrlimit(RLIMIT_DATA, &old);
    limit = old;
    limit.rlim_cur = 64 * PAGE + (size_t)(page - start);
    setrlimit(RLIMIT_DATA, &limit);
    CALL(brk(page + 1000 * PAGE));
    setrlimit(RLIMIT_DATA, &old);
    DONE(brk(page + 1000 * PAGE));
    DONE(brk(start));
}

int main(void)
{
    static char stack[65536];
    sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof stack }, NULL);
    struct sigaction action = { .sa_sigaction = caught, .sa_flags = SA_ONSTACK | SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    refusals();
    places();
    protections();
    fflush(stdout);
    shared();
    futexes();
    breaks();
    return 0;
}

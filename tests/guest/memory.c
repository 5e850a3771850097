/* mmap, munmap, mprotect, mremap, brk, madvise, and what becomes of the pages. */
#include "guest.h"
#include <setjmp.h>

static sigjmp_buf back;
static void caught(int signo) { siglongjmp(back, signo); }

static char probe(volatile char *at, bool write)
{
    if (sigsetjmp(back, 1))
        return '-';
    if (write)
        *at = *at;
    else
        (void)*at;
    return write ? 'w' : 'r';
}

static void access_of(const char *name, char *at, size_t count)
{
    printf("%s: ", name);
    for (size_t i = 0; i < count; i++)
        printf("%c%c ", probe(at + i * PAGE, false), probe(at + i * PAGE, true));
    puts("");
    fflush(stdout);
}

static void protections(void)
{
    char *at = pages(6, PROT_READ | PROT_WRITE);
    memset(at, 'x', 6 * PAGE);
    access_of("all", at, 6);
    CALL(mprotect(at + PAGE, PAGE, PROT_READ));
    CALL(mprotect(at + 3 * PAGE, 2 * PAGE, PROT_NONE));
    access_of("parts", at, 6);
    CALL(munmap(at + 2 * PAGE, PAGE));
    access_of("a hole", at, 6);
    CALL(mprotect(at, 6 * PAGE, PROT_READ)); /* stops at the hole */
    access_of("up to the hole", at, 6);
    CALL(munmap(at, 6 * PAGE)); /* holes are no error */
    access_of("none", at, 6);
    CALL(mprotect(at, PAGE, PROT_READ));
    CALL(mprotect(at + 1, PAGE, PROT_READ));
    CALL(mprotect(at, 0, PROT_READ));
    CALL(mprotect(at, PAGE, 0x12340));
    CALL(munmap(at + 1, PAGE));
    CALL(munmap(at, 0));
    CALL(munmap(at, PAGE));
    CALL(munmap((void *)0xffff800000000000, PAGE));
}

static void fixed(void)
{
    char *at = pages(4, PROT_READ | PROT_WRITE);
    strcpy(at + PAGE, "old");
    char *over = mmap(at + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("over %d content %d\n", over == at + PAGE, at[PAGE]);
    CALL((long)mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    CALL((long)mmap(at + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    CALL((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
    CALL((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CALL((long)mmap(NULL, 1ul << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CALL((long)mmap((void *)(1ul << 47), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    char *hint = mmap(at + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    show("a taken hint is ignored", hint != at + 2 * PAGE && hint != MAP_FAILED);
    char *wide = mmap(NULL, 1ul << 36, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    show("64 GiB reserved", wide != MAP_FAILED);
    if (wide != MAP_FAILED) {
        wide[0] = wide[1ul << 35] = wide[(1ul << 36) - 1] = 1;
        CALL(munmap(wide, 1ul << 36));
    }
}

static void moves(void)
{
    char *at = pages(4, PROT_READ | PROT_WRITE);
    for (int i = 0; i < 4; i++)
        at[(size_t)i * PAGE] = (char)('a' + i);
    show("shrink", mremap(at, 4 * PAGE, 2 * PAGE, 0) == at);
    access_of("shrunk", at, 4);
    show("grow in place", mremap(at, 2 * PAGE, 3 * PAGE, 0) == at);
    printf("%c %c %d\n", at[0], at[PAGE], at[2 * PAGE]);
    char *big = mremap(at, 3 * PAGE, 1000 * PAGE, MREMAP_MAYMOVE);
    printf("%c %c %d\n", big[0], big[PAGE], big[999 * PAGE]);
    char *target = pages(4, PROT_READ | PROT_WRITE);
    target[2 * PAGE] = 'T';
    char *moved = mremap(big, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
    printf("moved %d %c %c %c\n", moved == target, target[0], target[PAGE], target[2 * PAGE]);
    access_of("moved away", big, 3);
    CALL((long)mremap(target + 1, PAGE, PAGE, 0));
    CALL((long)mremap(target, PAGE, 0, 0));
    CALL((long)mremap(target, PAGE, PAGE, 64));
    CALL((long)mremap(big, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    CALL((long)mremap(target, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target));
}

static void breaks(void)
{
    char *start = sbrk(0);
    show("aligned growth", sbrk(3 * PAGE) == start);
    memset(start, 'b', 3 * PAGE);
    show("shrink", sbrk(-2 * (intptr_t)PAGE) != (void *)-1);
    show("grow again", sbrk((intptr_t)PAGE) != (void *)-1);
    char *last = (char *)(((uintptr_t)start + 2 * PAGE - 1) & ~(PAGE - 1)); /* was given back */
    access_of("break", (char *)((uintptr_t)start & ~(PAGE - 1)), 1);
    show("new page is zero", *last == 0);
    CALL(brk((void *)8));
    show("refused break is kept", brk((void *)(1ul << 46)) == -1);
}

static void advice(void)
{
    char *at = pages(3, PROT_READ | PROT_WRITE);
    memset(at, 'x', 3 * PAGE);
    CALL(madvise(at + PAGE, PAGE, MADV_DONTNEED));
    printf("%d %d %d\n", at[0], at[PAGE], at[2 * PAGE]);
    CALL(madvise(at + 1, PAGE, MADV_DONTNEED));
    CALL(madvise(at, PAGE, 12345));
    CALL(madvise(at, PAGE, MADV_WILLNEED));
    munmap(at + PAGE, PAGE);
    CALL(madvise(at, 3 * PAGE, MADV_DONTNEED));
    CALL(msync(at + PAGE, PAGE, MS_SYNC));
    CALL(msync(at, PAGE, MS_SYNC | MS_ASYNC));
}

/* Advice does not take the contents of shared memory away: the other side still has it. */
static void shared_advice(void)
{
    char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(at, "parent");
    pid_t child = fork();
    if (!child) {
        CALL(madvise(at, PAGE, MADV_DONTNEED));
        strcpy(at + 8, at);
        at[8] = 'P';
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    CALL(madvise(at, PAGE, MADV_DONTNEED));
    printf("%s %s\n", at, at + 8);
}

/* Code that is written, run, changed and run again. */
static void code(void)
{
    unsigned char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int (*function)(void) = (int (*)(void))at;
    int sum = 0;
    for (int i = 0; i < 200; i++) {
        unsigned char body[] = { 0xb8, (unsigned char)i, 0, 0, 0, 0xc3 };
        memcpy(at + i % 3, body, sizeof body);
        function = (int (*)(void))(at + i % 3);
        sum += function();
    }
    show("rewritten code", sum);
    /* a loop that changes its own next instruction */
    static const unsigned char self[] = {
        0x31, 0xc0,                               /* xor eax, eax */
        0xb9, 5, 0, 0, 0,                         /* mov ecx, 5 */
        0xfe, 0x05, 1, 0, 0, 0,                   /* inc byte [rip + 1]: the addend below */
        0x04, 0,                                  /* add al, 0 */
        0xff, 0xc9,                               /* dec ecx */
        0x75, 0xf4,                               /* jnz inc */
        0xc3,
    };
    memcpy(at, self, sizeof self);
    function = (int (*)(void))at;
    show("self-modifying loop", function() & 0xff);
    CALL(mprotect(at, PAGE, PROT_READ | PROT_WRITE));
    if (!sigsetjmp(back, 1))
        function();
    else
        puts("no longer executable");
}

/* The pages past the new end of a file leave its mappings, private copies too. */
static void truncated(void)
{
    char name[] = "/tmp/truncatedXXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    CALL(ftruncate(fd, 4 * PAGE));
    char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
    for (size_t i = 0; i < 4; i++)
        shared[i * PAGE] = shared[i * PAGE + 9] = (char)('a' + i);
    private[0] = private[PAGE] = 'p';
    printf("%c %c %c\n", private[0], private[PAGE], private[2 * PAGE]);
    CALL(ftruncate(fd, PAGE + 5));
    access_of("shared", shared, 4);
    access_of("private", private, 3);
    printf("%c %d %c\n", shared[PAGE], shared[PAGE + 9], private[0]);
    CALL(ftruncate(fd, 4 * PAGE));
    printf("%d %d %d\n", shared[2 * PAGE], private[PAGE], private[2 * PAGE]);
    close(fd);
}

static void stack_growth(int depth)
{
    volatile char room[60000];
    room[0] = (char)depth;
    if (depth)
        stack_growth(depth - 1);
    room[1] = room[0];
}

int main(void)
{
    static char stack[65536];
    sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof stack }, NULL);
    struct sigaction action = { .sa_handler = caught, .sa_flags = SA_ONSTACK };
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    protections();
    fixed();
    moves();
    breaks();
    advice();
    fflush(stdout);
    shared_advice();
    code();
    truncated();
    stack_growth(100);
    puts("deep stack");
    if (!sigsetjmp(back, 1))
        stack_growth(1000);
    else
        puts("stack limit");
    return 0;
}

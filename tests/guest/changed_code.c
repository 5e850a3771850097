/* flags: -pthread */
/* Code that changes while it is executed: by itself, by the kernel, through another mapping, by
 * another thread, by a change of the mapping. Where the manuals ask for it a serializing
 * instruction stands between (SDM 3A, 9.1.3). */
#include "guest.h"
#include <pthread.h>
#include <setjmp.h>
#include <sys/uio.h>

static sigjmp_buf back;
static void caught(int signo)
{
    siglongjmp(back, signo);
}

static void serialize(void)
{
    unsigned eax = 0, ebx, ecx = 0, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx) : : "memory");
}

static unsigned call(void *at)
{
    unsigned result;
    __asm__ volatile("call *%1"
                     : "=a"(result)
                     : "r"(at)
                     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    return result;
}

/* The same, or the number of the signal. */
static int try(void *at)
{
    int signo = sigsetjmp(back, 1);
    return signo ? -signo : (int)call(at);
}

static uint8_t *rwx(size_t count)
{
    return pages(count, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static const uint8_t returns_1[] = {0xb8, 1, 0, 0, 0, 0xc3}; /* mov eax, 1; ret */

#define PUT(at, ...)                                                                               \
    memcpy(at, ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__}))

/* --- by itself --- */

static void next_instruction(uint8_t *at)
{
    PUT(at, 0xc6, 0x05, 1, 0, 0, 0, 7, /* mov byte [rip+1], 7 */
        0xb8, 1, 0, 0, 0, 0xc3);
    SHOW(call(at));
    at[8] = 3;
    SHOW(call(at));
    PUT(at, 0x31, 0xc0,                                  /* xor eax, eax */
        0x66, 0xc7, 0x05, 3, 0, 0, 0, 0x90, 0x90,        /* mov word [rip+3], nop nop */
        0xff, 0xc0, 0x90, 0xff, 0xc0, 0xff, 0xc0, 0xc3); /* inc eax; nop; inc inc; ret */
    SHOW(call(at));
    SHOW(call(at));
    /* the store is in the middle of the block, what it changes at its end: the displacement of
     * the jump */
    PUT(at, 0x31, 0xc0, 0xc6, 0x05, 3, 0, 0, 0, 2, 0xff, 0xc0, 0xeb, 0, 0xff, 0xc0, 0xff, 0xc0,
        0xc3);
    SHOW(call(at));
}

static void loops(uint8_t *at)
{
    PUT(at, 0x31, 0xc0, 0xb9, 9, 0, 0, 0,   /* xor eax, eax; mov ecx, 9 */
        0x04, 1,                            /* 7: add al, 1 */
        0xfe, 0x05, 0xf9, 0xff, 0xff, 0xff, /* inc byte of that immediate */
        0x80, 0x35, 1, 0, 0, 0, 8,          /* xor byte [the ModRM below], 8: add <-> or */
        0x81, 0xc0, 5, 0, 0, 0,             /* add eax, 5 */
        0xff, 0xc9, 0x75, 0xe7, 0xc3);      /* dec ecx; jnz 7; ret */
    SHOW(call(at));
    SHOW(call(at));
}

/* One store changes the last byte of a page and the first of the next, both executed. */
static void two_pages(uint8_t *at)
{
    uint8_t *end = at + PAGE;
    PUT(end - 12, 0x31, 0xc0,                  /* xor eax, eax */
        0x66, 0x89, 0x37,                      /* mov [rdi], si */
        0x90, 0x90, 0x90, 0x90, 0x90, 0x04, 1, /* add al, 1 */
        0x04, 10, 0xc3);                       /* add al, 10; ret */
    for (unsigned i = 0; i < 4; i++) {
        unsigned result, value = i & 1 ? 0x0402 + i : 0x2c05 + i; /* immediate; ADD or SUB */
        __asm__ volatile("call *%1"
                         : "=a"(result)
                         : "r"(end - 12), "D"(end - 1), "S"(value)
                         : "memory", "cc");
        show("across pages", (int8_t)result);
    }
    /* an instruction across the end, changed in either half */
    PUT(end - 2, 0xb8, 1, 0, 0, 0, 0xc3);
    SHOW(call(end - 2));
    end[-1] = 2;
    SHOW(call(end - 2));
    end[1] = 1;
    SHOW(call(end - 2));
    memset(end - 1, 1, 3);
    SHOW(call(end - 2));
}

/* String instructions over the code that follows. */
static void strings(uint8_t *at)
{
    static const uint8_t stos[] = {
        0x48, 0x8d, 0x3d, 16,   0,    0,    0,          /* lea rdi, [rip+16]: at 23 */
        0xb9, 4,    0,    0,    0,                      /* mov ecx, 4 */
        0xba, 0,    0,    0,    0,                      /* mov edx, 0 */
        0xb0, 0x90, 0xf3, 0xaa,                         /* mov al, nop; rep stosb */
        0xff, 0xc2, 0xff, 0xc2, 0xff, 0xc2, 0xff, 0xc2, /* inc edx */
        0x89, 0xd0, 0xc3};
    memcpy(at, stos, sizeof stos);
    SHOW(call(at));
    static const uint8_t movs[] = {
        0x48, 0x8d, 0x3d, 22,   0,    0,    0,                /* lea rdi: at 29 */
        0x48, 0x8d, 0x35, 27,   0,    0,    0,                /* lea rsi: at 41 */
        0xb9, 5,    0,    0,    0,    0x31, 0xc0,             /* mov ecx, 5; xor eax, eax */
        0xf3, 0xa4,                                           /* rep movsb */
        0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xb8, 1, 0, 0, 0, /* 29: mov eax, 1 */
        0x83, 0xc0, 100,  0xc3, 0,    0,    0,                /* add eax, 100; ret */
        0xb8, 42,   0,    0,    0};                           /* 41 */
    memcpy(at, movs, sizeof movs);
    SHOW(call(at));
}

/* --- by others --- */

static void other_mapping(void)
{
    char name[] = "/tmp/codeXXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    CALL(ftruncate(fd, PAGE));
    uint8_t *writable = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint8_t *shared = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    uint8_t *private = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    memcpy(writable, returns_1, sizeof returns_1);
    printf("%d %d\n", call(shared), call(private));
    for (unsigned i = 2; i < 5; i++) {
        writable[1] = (uint8_t)i;
        serialize();
        printf("%d %d\n", call(shared), call(private));
    }
    DONE(pwrite(fd, "\x09", 1, 1));
    serialize();
    printf("%d %d\n", call(shared), call(private));
    DONE(ftruncate(fd, 0));
    SHOW(try(shared));
    DONE(ftruncate(fd, PAGE));
    memcpy(writable, returns_1, sizeof returns_1);
    serialize();
    SHOW(try(shared));
    close(fd);
}

static void by_the_kernel(uint8_t *at)
{
    int ends[2];
    memcpy(at, returns_1, sizeof returns_1);
    SHOW(call(at));
    if (pipe(ends))
        return;
    DONE(write(ends[1], "\5\6\7", 3));
    CALL(read(ends[0], at + 1, 1));
    SHOW(call(at));
    struct iovec parts[2] = {{at + 1, 1}, {at + 2, 1}};
    CALL(readv(ends[0], parts, 2));
    SHOW(call(at));
    at[2] = 0;
    char name[] = "/tmp/codeXXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    CALL(write(fd, "\x0b", 1));
    CALL(pread(fd, at + 1, 1, 0));
    SHOW(call(at));
    close(fd);
    close(ends[0]);
    close(ends[1]);
}

static void mappings(uint8_t *at)
{
    memcpy(at, returns_1, sizeof returns_1);
    SHOW(try(at));
    CALL(mprotect(at, PAGE, PROT_READ | PROT_WRITE));
    SHOW(try(at));
    at[1] = 2;
    CALL(mprotect(at, PAGE, PROT_READ | PROT_EXEC));
    SHOW(try(at));
    CALL(mprotect(at, PAGE, PROT_NONE));
    SHOW(try(at));
    CALL(mprotect(at, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    SHOW(try(at));
    CALL(madvise(at, PAGE, MADV_DONTNEED)); /* zeroes: add [rax], al */
    memset(at, 0xc3, 64);
    memcpy(at, returns_1, sizeof returns_1);
    at[1] = 3;
    SHOW(try(at));
    void *again = mmap(at, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    SHOW(again == at);
    memcpy(at, returns_1, sizeof returns_1);
    at[1] = 4;
    SHOW(try(at));
    uint8_t *moved = mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, rwx(1));
    SHOW(try(moved));
    SHOW(try(at));
    munmap(moved, PAGE);
    SHOW(try(moved));
}

/* A copy after fork: neither sees what the other does to its code. */
static void after_fork(uint8_t *at)
{
    memcpy(at, returns_1, sizeof returns_1);
    SHOW(call(at));
    for (unsigned i = 2; i < 4; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            at[1] = (uint8_t)(i * 10);
            _exit((int)call(at));
        }
        at[1] = (uint8_t)i;
        show("parent", call(at));
        int status;
        waitpid(pid, &status, 0);
        show_status("child", status);
        show("parent", call(at));
    }
}

struct shared {
    pthread_mutex_t lock;
    pthread_cond_t turn;
    unsigned step;
    uint8_t *at;
};

static void wait_for(struct shared *s, unsigned step)
{
    while (s->step != step)
        pthread_cond_wait(&s->turn, &s->lock);
}

static void *runner(void *argument)
{
    struct shared *s = argument;
    pthread_mutex_lock(&s->lock);
    for (unsigned step = 1; step < 8; step += 2) {
        wait_for(s, step);
        serialize();
        show("thread", call(s->at));
        s->step++;
        pthread_cond_broadcast(&s->turn);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void other_thread(uint8_t *at)
{
    struct shared s = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, at};
    pthread_t thread;
    memcpy(at, returns_1, sizeof returns_1);
    pthread_create(&thread, NULL, runner, &s);
    pthread_mutex_lock(&s.lock);
    for (unsigned step = 0; step < 8; step += 2) {
        wait_for(&s, step);
        at[1] = (uint8_t)(step + 20);
        s.step++;
        pthread_cond_broadcast(&s.turn);
    }
    pthread_mutex_unlock(&s.lock);
    pthread_join(thread, NULL);
}

/* A thread in a loop without a call is let out by a change of its jump. */
static void *spinner(void *at)
{
    return (void *)(uintptr_t)call(at);
}

static void let_out(uint8_t *at)
{
    pthread_t thread;
    void *result;
    PUT(at, 0xb8, 5, 0, 0, 0, 0xeb, 0xfe, 0xc3); /* mov eax, 5; jmp itself; ret */
    pthread_create(&thread, NULL, spinner, at);
    usleep(20000);
    *(volatile uint8_t *)(at + 6) = 0;
    pthread_join(thread, &result);
    show("let out", (long)(uintptr_t)result);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = caught};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    uint8_t *at = rwx(2);
    memcpy(at, returns_1, sizeof returns_1);
    at[1] = argc > 1 ? 66 : 55;
    show(argc > 1 ? "after execve" : "first", call(at));
    if (argc > 1)
        return 0;
    next_instruction(at);
    loops(at);
    two_pages(at);
    strings(at);
    other_mapping();
    by_the_kernel(at);
    mappings(rwx(1));
    after_fork(at);
    other_thread(at);
    let_out(at);
    fflush(stdout);
    execl("/proc/self/exe", argv[0], "again", NULL);
    return 1;
}

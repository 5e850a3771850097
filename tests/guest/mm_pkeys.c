/* pkey_alloc, pkey_free, pkey_mprotect; where the CPU has protection keys, what they do. */
#include "guest.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static siginfo_t seen;
static unsigned in_handler;

static unsigned rdpkru(void)
{
    unsigned value, edx;
    __asm__ volatile(".byte 0x0f, 0x01, 0xee" : "=a"(value), "=d"(edx) : "c"(0));
    return value;
}

static void wrpkru(unsigned value)
{
    __asm__ volatile(".byte 0x0f, 0x01, 0xef" : : "a"(value), "c"(0), "d"(0) : "memory");
}

static void caught(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)context;
    seen = *info;
    in_handler = rdpkru();
    siglongjmp(back, 1);
}

static void touch(const char *name, volatile char *at, bool write)
{
    unsigned pkru = rdpkru();
    if (sigsetjmp(back, 1)) {
        printf("%s: code %d key %d, PKRU %#x before, %#x in the handler\n", name, seen.si_code,
               seen.si_code == 4 ? (int)seen.si_pkey : 0, pkru, in_handler);
        wrpkru(pkru);
        return;
    }
    if (write)
        *at = 1;
    printf("%s: %d\n", name, *at);
}

static long alloc(unsigned long flags, unsigned long rights) { return syscall(SYS_pkey_alloc, flags, rights); }
static long release(int key) { return syscall(SYS_pkey_free, key); }
static long protect(void *at, size_t size, int prot, int key) { return syscall(SYS_pkey_mprotect, at, size, prot, key); }

static void returning(int signo)
{
    (void)signo;
    in_handler = rdpkru();
    wrpkru(0); /* only for the handler */
}

static void keys(void)
{
    char *at = pages(4, PROT_READ | PROT_WRITE);
    struct sigaction action = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigaction(SIGSEGV, &action, NULL);
    printf("PKRU at start %#x\n", rdpkru());
    long first = alloc(0, 0), second = alloc(0, 1), third = alloc(0, 2);
    printf("keys %ld %ld %ld, PKRU %#x\n", first, second, third, rdpkru());
    CALL(protect(at, PAGE, PROT_READ | PROT_WRITE, (int)first));
    CALL(protect(at + PAGE, PAGE, PROT_READ | PROT_WRITE, (int)second));
    CALL(protect(at + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, (int)third));
    touch("open", at, true);
    touch("closed", at + PAGE, false);
    touch("closed, write", at + PAGE, true);
    touch("read only", at + 2 * PAGE, false);
    touch("read only, write", at + 2 * PAGE, true);
    CALL(write(1, at + PAGE, 1)); /* the kernel heeds them */
    int ends[2];
    pipe(ends);
    CALL(write(ends[1], "x", 1));
    CALL(read(ends[0], at + 2 * PAGE, 1));
    wrpkru(rdpkru() & ~(3u << second * 2));
    touch("opened", at + PAGE, true);
    CALL(mprotect(at, PAGE, PROT_READ)); /* the key stays */
    wrpkru(rdpkru() | 3u << first * 2);
    touch("with its key", at, false);
    touch("protection counts, too", at, true);
    CALL(protect(at, PAGE, PROT_READ | PROT_WRITE, 0));
    touch("key 0 again", at, true);
    /* signals */
    signal(SIGUSR1, returning);
    unsigned before = rdpkru();
    raise(SIGUSR1);
    printf("PKRU %#x before, %#x in the handler, %#x after\n", before, in_handler, rdpkru());
    /* inheritance */
    fflush(stdout);
    if (!fork()) {
        unsigned inherited = rdpkru();
        printf("the child's %#x, and a key: %ld\n", inherited, alloc(0, 0));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    CALL(release((int)second));
    CALL(release((int)second));
    CALL(protect(at, PAGE, PROT_READ, (int)second));
    printf("reused: %ld\n", alloc(0, 0));
    int n = 0;
    while (alloc(0, 0) >= 0)
        n++;
    printf("%d more keys, then error %d\n", n, errno);
    CALL(release(15));
    /* execute only takes a key of its own */
    unsigned char *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(code, "\xb8\x2a\0\0\0\xc3", 6);
    CALL(mprotect(code, PAGE, PROT_EXEC));
    printf("runs: %d\n", ((int (*)(void))(void *)code)());
    touch("but is not read", (char *)code, false);
    CALL(release(15));
    CALL(mprotect(code, PAGE, PROT_READ | PROT_EXEC));
    touch("until it may be", (char *)code, false);
}

int main(void)
{
    char *at = pages(1, PROT_READ | PROT_WRITE);
    CALL(alloc(1, 0));
    CALL(alloc(0, 4));
    CALL(protect(at, PAGE, PROT_READ, -1));
    CALL(protect(at, PAGE, PROT_READ, 16));
    CALL(protect(at, PAGE, PROT_READ, 5));
    CALL(protect(at, 0, PROT_READ, 5));
    CALL(protect(at + 1, PAGE, PROT_READ, 5));
    CALL(protect(at, PAGE, 0x100, 5));
    CALL(release(-1));
    CALL(release(5));
    CALL(release(16));
    long key = alloc(0, 0);
    if (key < 0) {
        printf("no keys: error %d\n", errno);
        CALL(release(0));
        CALL(protect(at, PAGE, PROT_READ, 0));
        CALL(mprotect(at, PAGE, PROT_EXEC));
        printf("readable: %d\n", *(volatile char *)at);
        return 0;
    }
    release((int)key);
    keys();
    return 0;
}

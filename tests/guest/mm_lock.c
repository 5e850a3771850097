/* mlock, mlock2, munlock, mlockall, MAP_LOCKED: limits, counts, refusals. */
#include "guest.h"
#include "status_line.h"
#include <sys/resource.h>

static void limit_to(size_t bytes)
{
    struct rlimit limit = { bytes, 1 << 20 };
    CALL(setrlimit(RLIMIT_MEMLOCK, &limit));
}

static void plain(void)
{
    char *at = pages(8, PROT_READ | PROT_WRITE);
    SHOW(status_line("VmLck:"));
    CALL(mlock(at, 3 * PAGE));
    SHOW(status_line("VmLck:"));
    CALL(mlock(at + PAGE + 7, PAGE));
    SHOW(status_line("VmLck:"));
    CALL(mlock(at + 5 * PAGE - 1, 2));
    SHOW(status_line("VmLck:"));
    CALL(munlock(at + PAGE + 1, 1));
    SHOW(status_line("VmLck:"));
    CALL(mlock(at, 0));
    CALL(mlock(NULL, 0));
    CALL(mlock(NULL, 1));
    CALL(mlock(at, ~0ul));
    CALL(mlock(at, ~0ul - 3 * PAGE));
    CALL(munlock(at, ~0ul - 3 * PAGE));
    CALL(munlock(NULL, 1));
    CALL(syscall(SYS_mlock2, at, PAGE, 2));
    CALL(syscall(SYS_mlock2, at, PAGE, 1));
    munmap(at + 6 * PAGE, PAGE);
    CALL(mlock(at, 8 * PAGE));
    SHOW(status_line("VmLck:"));
    CALL(munlock(at, 8 * PAGE));
    SHOW(status_line("VmLck:"));
    CALL(mlock(pages(1, PROT_NONE), PAGE));
    SHOW(status_line("VmLck:"));
    CALL(munlockall());
    SHOW(status_line("VmLck:"));
    char *fixed = mmap(at, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_LOCKED, -1, 0);
    show("mapped", fixed == at);
    SHOW(status_line("VmLck:"));
    if (!fork()) {
        SHOW(status_line("VmLck:"));
        _exit(0);
    }
    wait(NULL);
    munmap(at, PAGE);
    SHOW(status_line("VmLck:"));
    munmap(at, 8 * PAGE);
    SHOW(status_line("VmLck:"));
}

static void limited(void)
{
    char *at = pages(8, PROT_READ | PROT_WRITE);
    limit_to(4 * PAGE);
    CALL(setresuid(1000, 1000, 1000));
    CALL(mlock(at, 4 * PAGE));
    CALL(mlock(at + 4 * PAGE, PAGE));
    CALL(mlock(at + PAGE, 4 * PAGE));
    CALL(mlock(at + 3 * PAGE, PAGE));
    CALL((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
    CALL(munlock(at, PAGE));
    DONE(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
    SHOW(status_line("VmLck:"));
    CALL(mlockall(MCL_CURRENT));
    CALL(munlockall());
    CALL(mlockall(MCL_FUTURE));
    DONE(mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    DONE(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CALL(sbrk(3 * PAGE));
    CALL(munlockall());
    DONE(sbrk(3 * PAGE));
    limit_to(0);
    CALL(mlock(at, PAGE));
    CALL(mlock(at, 0));
    CALL(mlockall(MCL_FUTURE));
    CALL(munlock(at, PAGE));
    CALL((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
    CALL((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
    CALL((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
}

static void all(void)
{
    CALL(mlockall(0));
    CALL(mlockall(8));
    CALL(mlockall(MCL_ONFAULT));
    CALL(mlockall(MCL_CURRENT | MCL_ONFAULT));
    show("everything", status_line("VmLck:") > status_line("VmSize:") / 2);
    CALL(munlockall());
    SHOW(status_line("VmLck:"));
    CALL(mlockall(MCL_FUTURE));
    SHOW(status_line("VmLck:"));
    char *at = pages(3, PROT_READ | PROT_WRITE);
    unsigned char told[3];
    SHOW(status_line("VmLck:"));
    CALL(mincore(at, 3 * PAGE, told));
    printf("%d %d %d\n", told[0] & 1, told[1] & 1, told[2] & 1);
    CALL(mlockall(MCL_FUTURE | MCL_ONFAULT));
    at = pages(3, PROT_READ | PROT_WRITE);
    CALL(mincore(at, 3 * PAGE, told));
    printf("%d %d %d\n", told[0] & 1, told[1] & 1, told[2] & 1);
    SHOW(status_line("VmLck:"));
    at = mremap(at, 3 * PAGE, 6 * PAGE, MREMAP_MAYMOVE);
    SHOW(status_line("VmLck:"));
    at = mremap(at, 6 * PAGE, 2 * PAGE, 0);
    SHOW(status_line("VmLck:"));
    char *kept = mremap(at, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
    SHOW(kept != MAP_FAILED);
    SHOW(status_line("VmLck:"));
}

int main(void)
{
    plain();
    fflush(stdout);
    if (!fork()) {
        limited();
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    all();
    return 0;
}

/* mremap: growing, shrinking, moving, keeping; refusals and their order. */
#include "guest.h"
#include <sys/resource.h>

static long remap(void *old, size_t old_size, size_t new_size, int flags, void *target)
{
    return syscall(SYS_mremap, old, old_size, new_size, flags, target);
}

static int vmas(char *from, size_t count)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int n = 0;
    while (fgets(line, sizeof line, maps)) {
        unsigned long start = strtoul(line, NULL, 16);
        n += start >= (uintptr_t)from && start < (uintptr_t)from + count * PAGE;
    }
    fclose(maps);
    return n;
}

static void refusals(void)
{
    char *at = pages(8, PROT_READ | PROT_WRITE), *other = pages(8, PROT_READ);
    CALL(remap(at + 1, PAGE, PAGE, 0, NULL));
    CALL(remap(at, PAGE, 0, 0, NULL));
    CALL(remap(at, PAGE, PAGE, 8, NULL));
    CALL(remap(at, PAGE, PAGE, MREMAP_FIXED, other));
    CALL(remap(at, PAGE, PAGE, MREMAP_DONTUNMAP, other));
    CALL(remap(at, PAGE, 2 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, NULL));
    CALL(remap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other + 1));
    CALL(remap(at, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + PAGE));
    CALL(remap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x7ffffffff000));
    CALL(remap(at, PAGE, 1ul << 48, MREMAP_MAYMOVE | MREMAP_FIXED, other));
    CALL(remap(at, PAGE, 1ul << 46, MREMAP_MAYMOVE, NULL));
    CALL(remap(at, 0, PAGE, MREMAP_MAYMOVE, NULL));
    CALL(remap(at, PAGE, 2 * PAGE, 0, NULL));
    CALL(remap((void *)0x10000, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL));
    CALL(mprotect(at + 4 * PAGE, 4 * PAGE, PROT_READ));
    CALL(remap(at + 2 * PAGE, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE, NULL));
    DONE(remap(at + 2 * PAGE, 4 * PAGE, 4 * PAGE, 0, NULL));
    CALL(munmap(at + 6 * PAGE, PAGE));
    DONE(remap(at + 5 * PAGE, 3 * PAGE, PAGE, 0, NULL));
    CALL(vmas(at, 8));
    munmap(at, 8 * PAGE);
    munmap(other, 8 * PAGE);
}

static void movement(void)
{
    char *area = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(area, 64 * PAGE);
    char *at = mmap(area, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    for (int i = 0; i < 4; i++)
        at[(size_t)i * PAGE] = (char)('a' + i);
    show("in place", remap(at, 4 * PAGE, 6 * PAGE, 0, NULL) == (long)at);
    show("the tail only", remap(at + 4 * PAGE, 2 * PAGE, 3 * PAGE, 0, NULL) == (long)(at + 4 * PAGE));
    show("not from the middle", remap(at + PAGE, PAGE, 2 * PAGE, 0, NULL));
    show("one mapping", vmas(at, 16));
    char *moved = (char *)remap(at + PAGE, PAGE, 3 * PAGE, MREMAP_MAYMOVE, NULL);
    printf("moved from the middle: %c %d\n", moved[0], moved[PAGE]);
    show("what is left", vmas(at, 16));
    char *there = (char *)remap(at + 2 * PAGE, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + 20 * PAGE);
    printf("moved and cut: %d %c\n", there == at + 20 * PAGE, there[0]);
    show("two holes", vmas(at, 64));
    /* over something that is there */
    char *over = mmap(at + 30 * PAGE, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    there = (char *)remap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, over + PAGE);
    printf("over: %d %c %d\n", there == over + PAGE, there[0], there[PAGE]);
    /* kept, but empty */
    char *kept = pages(2, PROT_READ | PROT_WRITE);
    strcpy(kept, "kept");
    char *copy = (char *)remap(kept, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    printf("copy '%s', old '%s'\n", copy, kept);
    strcpy(kept, "again");
    copy = (char *)remap(kept, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, copy);
    printf("copy '%s', old '%s'\n", copy, kept);
}

static void of_files(void)
{
    char name[] = "/tmp/remapXXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    for (int i = 0; i < 4; i++)
        pwrite(fd, &(char){ (char)('a' + i) }, 1, (off_t)i * (off_t)PAGE);
    char *shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
    char *wider = mremap(shared, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE);
    printf("%c %c %c\n", wider[0], wider[PAGE], wider[2 * PAGE]);
    char *twin = mremap(wider + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE);
    printf("%c %c\n", twin[0], twin[PAGE]);
    twin[0] = 'T';
    printf("%c\n", wider[PAGE]);
    char *private = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    private[PAGE] = 'P';
    private = mremap(private, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    printf("%c %c %c %c\n", private[0], private[PAGE], private[2 * PAGE], private[3 * PAGE]);
    CALL(remap(private, 0, PAGE, MREMAP_MAYMOVE, NULL));
    close(fd);
}

static void limits(void)
{
    struct rlimit old, limit;
    char *at = pages(4, PROT_READ | PROT_WRITE);
    getrlimit(RLIMIT_AS, &old);
    limit = old;
    limit.rlim_cur = 1ul << 28;
    setrlimit(RLIMIT_AS, &limit);
    CALL(remap(at, 4 * PAGE, 1ul << 28, MREMAP_MAYMOVE, NULL));
    DONE(remap(at, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE, NULL));
    setrlimit(RLIMIT_AS, &old);
    fflush(stdout);
    if (fork() == 0) {
        limit = (struct rlimit){ 8 * PAGE, 8 * PAGE };
        setrlimit(RLIMIT_MEMLOCK, &limit);
        CALL(setresuid(1000, 1000, 1000));
        at = pages(4, PROT_READ | PROT_WRITE);
        CALL(mlock(at, 4 * PAGE));
        CALL(remap(at, 4 * PAGE, 9 * PAGE, MREMAP_MAYMOVE, NULL));
        DONE(at = mremap(at, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE));
        CALL(mlock(pages(1, PROT_READ), PAGE));
        CALL(munlock(at + 4 * PAGE, 4 * PAGE));
        CALL(mlock(pages(1, PROT_READ), PAGE));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

int main(void)
{
    refusals();
    movement();
    of_files();
    limits();
    return 0;
}

/* madvise, process_madvise, mincore, msync: what each advice does and where it is refused. */
#include "guest.h"
#include <setjmp.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static long advise(void *at, size_t size, int advice) { return syscall(SYS_madvise, at, size, advice); }

/* The two letters in VmFlags of the mapping that contains an address. */
static void flags_of(const char *name, void *at)
{
    static const char *const known[] = { "lo", "sr", "rr", "dc", "wf", "dd", "hg", "nh", "mg", "gd", "nr" };
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[1024];
    int inside = 0;
    printf("%s:", name);
    while (fgets(line, sizeof line, smaps)) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2 && strchr(line, '-') < strchr(line, ' '))
            inside = (uintptr_t)at >= start && (uintptr_t)at < end;
        if (!inside || strncmp(line, "VmFlags:", 8))
            continue;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            char want[5];
            snprintf(want, sizeof want, " %s ", known[i]);
            if (strstr(line, want))
                printf(" %s", known[i]);
        }
    }
    puts("");
    fflush(stdout);
    fclose(smaps);
}

static void residence(const char *name, void *at, size_t count)
{
    unsigned char told[16];
    if (mincore(at, count * PAGE, told)) {
        printf("%s: error %d\n", name, errno);
        return;
    }
    printf("%s:", name);
    for (size_t i = 0; i < count; i++)
        printf(" %d", told[i] & 1);
    puts("");
}

static void everywhere(const char *name, char *at)
{
    static const int all[] = { 0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24 };
    printf("%s:", name);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        printf(" %d=%d", all[i], advise(at, PAGE, all[i]) ? errno : 0);
    puts("");
    fflush(stdout);
}

static void refusals(void)
{
    char name[] = "/tmp/adviceXXXXXX";
    int fd = mkstemp(name), reader = open(name, O_RDONLY);
    unlink(name);
    CALL(ftruncate(fd, 2 * PAGE));
    everywhere("private", pages(1, PROT_READ | PROT_WRITE));
    everywhere("no access", pages(1, PROT_NONE));
    everywhere("read only", pages(1, PROT_READ));
    everywhere("shared", mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    char *locked = pages(1, PROT_READ | PROT_WRITE);
    CALL(mlock(locked, PAGE));
    everywhere("locked", locked);
    int memory = (int)syscall(SYS_memfd_create, "advice", 0);
    CALL(ftruncate(memory, 2 * PAGE));
    everywhere("shared file", mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0));
    everywhere("shared file, read only", mmap(NULL, PAGE, PROT_READ, MAP_SHARED, memory, 0));
    everywhere("private file", mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, memory, 0));
    char *end = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    CALL(advise(end + 2 * PAGE, PAGE, MADV_POPULATE_READ));
    CALL(advise(end + 2 * PAGE, PAGE, MADV_POPULATE_WRITE));
    CALL(advise(end + 1, PAGE, MADV_NORMAL));
    CALL(advise(end, ~0ul, MADV_NORMAL));
    CALL(advise(end, ~0ul - PAGE * 2, MADV_NORMAL));
    CALL(advise(end, 0, MADV_NORMAL));
    CALL(advise(end, 0, 12345));
    CALL(advise(end + 1, 0, MADV_NORMAL));
    CALL(advise(NULL, 0, MADV_NORMAL));
    CALL(advise(NULL, PAGE, MADV_NORMAL));
    CALL(advise((void *)(1ul << 47), PAGE, MADV_NORMAL));
    CALL(advise(end, PAGE, -1));
    CALL(advise(end, PAGE, 5));
    char *hole = pages(3, PROT_READ | PROT_WRITE);
    memset(hole, 1, 3 * PAGE);
    munmap(hole + PAGE, PAGE);
    CALL(advise(hole, 3 * PAGE, MADV_DONTNEED));
    printf("both sides: %d %d\n", hole[0], hole[2 * PAGE]);
    CALL(advise(hole, 3 * PAGE, MADV_POPULATE_WRITE));
    CALL(advise(hole + PAGE, PAGE, MADV_WILLNEED));
    close(fd);
    close(reader);
    close(memory);
}

static void effects(void)
{
    char *at = pages(6, PROT_READ | PROT_WRITE);
    residence("fresh", at, 6);
    at[PAGE] = 'x';
    residence("written", at, 6);
    CALL(advise(at + 2 * PAGE, PAGE, MADV_POPULATE_WRITE));
    residence("populated", at, 6);
    CALL(advise(at + PAGE, PAGE, MADV_DONTNEED));
    residence("dropped", at, 6);
    CALL(mlock2(at + 3 * PAGE, PAGE, MLOCK_ONFAULT));
    residence("locked on fault", at, 6);
    CALL(mlock(at + 4 * PAGE, PAGE));
    residence("locked", at, 6);
    strcpy(at + 4 * PAGE, "contents");
    CALL(advise(at + 4 * PAGE, PAGE, MADV_DONTNEED_LOCKED));
    printf("'%s'\n", at + 4 * PAGE);
    munlock(at, 6 * PAGE);
    CALL(mincore(at + 1, PAGE, (unsigned char *)at));
    CALL(mincore(at, 7 * PAGE, NULL));
    CALL(mincore(at, 6 * PAGE, (unsigned char *)8));
    CALL(mincore(at, ~0ul, (unsigned char *)at));
    CALL(mincore((void *)0x10000, PAGE, (unsigned char *)at));
    CALL(mincore(at, 0, NULL));
    char *shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared[PAGE] = 1;
    residence("shared", shared, 3);
    CALL(advise(shared + PAGE, PAGE, MADV_DONTNEED));
    residence("still in the object", shared, 3);
    CALL(advise(shared, 3 * PAGE, MADV_REMOVE));
    residence("removed", shared, 3);
}

static void forks(void)
{
    char *at = pages(4, PROT_READ | PROT_WRITE);
    memset(at, 'm', 4 * PAGE);
    CALL(advise(at, PAGE, MADV_DONTFORK));
    CALL(advise(at + PAGE, 2 * PAGE, MADV_WIPEONFORK));
    CALL(advise(at + 2 * PAGE, PAGE, MADV_KEEPONFORK));
    flags_of("not for children", at);
    flags_of("empty for children", at + PAGE);
    flags_of("as ever", at + 2 * PAGE);
    pid_t child = fork();
    if (!child) {
        unsigned char told;
        CALL(mincore(at, PAGE, &told));
        printf("%d %c %c\n", at[PAGE], at[2 * PAGE], at[3 * PAGE]);
        flags_of("grandchildren's, too", at + PAGE);
        fflush(stdout);
        at[PAGE] = 'c';
        if (!fork()) {
            printf("wiped again: %d\n", at[PAGE]);
            fflush(stdout);
            _exit(0);
        }
        wait(NULL);
        at[0] = 1;
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    show_status("the unmapped page", status);
    printf("%c %c\n", at[0], at[PAGE]);
    CALL(advise(at, 4 * PAGE, MADV_DOFORK));
    CALL(advise(at, 4 * PAGE, MADV_KEEPONFORK));
    CALL(advise(at, 2 * PAGE, MADV_DONTDUMP));
    CALL(advise(at, PAGE, MADV_RANDOM));
    CALL(advise(at + 2 * PAGE, PAGE, MADV_SEQUENTIAL));
    flags_of("0", at);
    flags_of("1", at + PAGE);
    flags_of("2", at + 2 * PAGE);
    CALL(advise(at, 4 * PAGE, MADV_NORMAL));
    CALL(advise(at, 4 * PAGE, MADV_DODUMP));
    flags_of("nothing", at);
}

static void syncing(void)
{
    char *at = pages(5, PROT_READ | PROT_WRITE);
    munmap(at + 2 * PAGE, PAGE);
    CALL(msync(at, PAGE, 0));
    CALL(msync(at, PAGE, 8));
    CALL(msync(at, PAGE, MS_SYNC | MS_ASYNC));
    CALL(msync(at + 1, PAGE, MS_SYNC));
    CALL(msync(at, ~0ul, MS_SYNC));
    CALL(msync(at, ~0ul - 4 * PAGE, MS_SYNC));
    CALL(msync(at, 0, MS_SYNC));
    CALL(msync(NULL, 0, MS_SYNC));
    CALL(msync(NULL, PAGE, MS_SYNC));
    CALL(msync(at, 4 * PAGE, MS_SYNC));
    CALL(msync(at, 4 * PAGE, MS_ASYNC));
    CALL(mlock(at + 4 * PAGE, PAGE));
    CALL(msync(at, 4 * PAGE, MS_INVALIDATE));
    CALL(msync(at, 5 * PAGE, MS_INVALIDATE));
    CALL(msync(at, 5 * PAGE, MS_ASYNC | MS_INVALIDATE));
    CALL(msync(at + 4 * PAGE, PAGE, MS_SYNC | MS_INVALIDATE));
}

static void processes(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    char *at = pages(2, PROT_READ | PROT_WRITE);
    struct iovec { void *base; size_t size; } vector[2] = { { at, PAGE }, { at + PAGE, PAGE } };
    CALL(syscall(SYS_process_madvise, fd, vector, 2, MADV_COLD, 0));
    CALL(syscall(SYS_process_madvise, fd, vector, 2, MADV_COLD, 1));
    CALL(syscall(SYS_process_madvise, -1, vector, 2, MADV_COLD, 0));
    CALL(syscall(SYS_process_madvise, fd, vector, 2000, MADV_COLD, 0));
    CALL(syscall(SYS_process_madvise, fd, NULL, 1, MADV_COLD, 0));
    CALL(syscall(SYS_process_madvise, 0, vector, 1, MADV_COLD, 0));
    munmap(at + PAGE, PAGE);
    CALL(syscall(SYS_process_madvise, fd, vector, 2, MADV_PAGEOUT, 0));
    CALL(syscall(SYS_process_madvise, fd, vector + 1, 1, MADV_PAGEOUT, 0));
    close(fd);
}

/* A hole punched in a file leaves its shared mappings; what was copied from it stays. */
static void holes(void)
{
    int fd = (int)syscall(SYS_memfd_create, "holes", 0);
    CALL(ftruncate(fd, 4 * PAGE));
    char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memset(shared, 's', 4 * PAGE);
    char *private = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    printf("%c %c\n", private[PAGE], private[2 * PAGE]);
    private[PAGE] = 'p';
    CALL(fallocate(fd, 3, (off_t)PAGE, 2 * (off_t)PAGE));
    printf("shared %d %d, private %c %d\n", shared[PAGE], shared[2 * PAGE], private[PAGE], private[2 * PAGE]);
    shared[2 * PAGE] = 'n';
    char got = 0;
    pread(fd, &got, 1, 2 * (off_t)PAGE);
    printf("%c %c\n", got, private[2 * PAGE]);
    close(fd);
}

int main(void)
{
    refusals();
    effects();
    forks();
    syncing();
    processes();
    holes();
    return 0;
}

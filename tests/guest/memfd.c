/* memfd_create and file seals. */
/* flags: -Wno-unused-result */
#include "guest.h"
#include <sys/resource.h>
#include <sys/uio.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#define MFD_EXEC 16u
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

static char buffer[3 * PAGE];

static void *map(int fd, size_t count, int prot, int flags)
{
    return mmap(NULL, count * PAGE, prot, flags, fd, 0);
}

static void creation(void)
{
    char *two = pages(2, PROT_READ | PROT_WRITE), name[300], path[64];
    struct stat s;
    munmap(two + PAGE, PAGE);
    memset(two, 'n', PAGE);
    CALL(memfd_create("x", 0x20));
    CALL(memfd_create("x", 0x80000000));
    CALL(memfd_create("x", MFD_EXEC | MFD_NOEXEC_SEAL));
    CALL(syscall(SYS_memfd_create, 8, 0));
    CALL(syscall(SYS_memfd_create, 8, 0x20));
    CALL(syscall(SYS_memfd_create, two + PAGE - 10, 0));
    memset(name, 'a', sizeof name);
    name[250] = 0;
    CALL(memfd_create(name, 0));
    name[249] = 0;
    int fd = memfd_create(name, MFD_CLOEXEC), other = memfd_create("a/b", 0);
    CALL(fcntl(fd, F_GETFD));
    CALL(fcntl(other, F_GETFD));
    CALL(fcntl(other, F_GETFL));
    for (int i = 0; i < 2; i++) {
        int which = i ? fd : other;
        fstat(which, &s);
        printf("mode %o links %d size %d blocks %d block size %d uid %d\n", s.st_mode, (int)s.st_nlink, (int)s.st_size,
               (int)s.st_blocks, (int)s.st_blksize, s.st_uid == getuid());
        memset(name, 0, sizeof name);
        snprintf(path, sizeof path, "/proc/self/fd/%d", which);
        readlink(path, name, sizeof name - 1);
        printf("%s\n", name);
    }
    CALL(fcntl(fd, F_GET_SEALS));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    CALL(fcntl(fd, F_ADD_SEALS, 0));
    CALL(write(fd, "hello", 5));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(read(fd, buffer, 10));
    CALL(ftruncate(fd, 2 * PAGE));
    CALL(lseek(fd, 0, SEEK_END));
    CALL(fchmod(fd, 0600));
    CALL(fchmod(other, 0));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDONLY);
    CALL(again < 0 ? -1 : 0);
    CALL(read(again, buffer, 5));
    printf("%.5s\n", buffer);
    CALL(write(again, "x", 1));
    CALL(fcntl(again, F_ADD_SEALS, F_SEAL_WRITE));
    CALL(fcntl(again, F_GET_SEALS));
    /* others have none */
    int ends[2], null = open("/dev/null", O_RDWR);
    pipe(ends);
    CALL(fcntl(ends[1], F_GET_SEALS));
    CALL(fcntl(ends[1], F_ADD_SEALS, F_SEAL_WRITE));
    CALL(fcntl(ends[0], F_ADD_SEALS, F_SEAL_WRITE));
    CALL(fcntl(null, F_GET_SEALS));
    CALL(fcntl(99, F_GET_SEALS));
    struct rlimit old, few;
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &few);
    CALL(memfd_create("x", 0));
    setrlimit(RLIMIT_NOFILE, &old);
    close(fd), close(other), close(again), close(null), close(ends[0]), close(ends[1]);
    /* executable bits */
    fd = memfd_create("x", MFD_NOEXEC_SEAL);
    fstat(fd, &s);
    printf("mode %o\n", s.st_mode);
    CALL(fcntl(fd, F_GET_SEALS));
    CALL(fchmod(fd, 0700));
    CALL(fchmod(fd, 0600));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    CALL(fcntl(fd, F_GET_SEALS));
    close(fd);
    fd = memfd_create("x", MFD_EXEC);
    fstat(fd, &s);
    printf("mode %o\n", s.st_mode);
    CALL(fcntl(fd, F_GET_SEALS));
    close(fd);
    fd = memfd_create("x", MFD_ALLOW_SEALING);
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
    CALL(fcntl(fd, F_GET_SEALS));
    close(fd);
}

static void sealed(int seals)
{
    printf("--- seals %#x\n", seals);
    struct iovec parts[2] = { { buffer, 2000 }, { buffer, PAGE } };
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
    memset(buffer, 'b', sizeof buffer);
    write(fd, buffer, PAGE + 100);
    CALL(fcntl(fd, F_GET_SEALS));
    CALL(fcntl(fd, F_ADD_SEALS, seals));
    CALL(fcntl(fd, F_GET_SEALS));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    CALL(fcntl(fd, F_ADD_SEALS, 0x40));
    CALL(fcntl(fd, F_GET_SEALS));
    CALL(pwrite(fd, "x", 1, 0));
    CALL(pwrite(fd, "x", 0, 0));
    CALL(pwrite(fd, "x", 1, PAGE + 99));
    CALL(pwrite(fd, "x", 1, PAGE + 100));
    CALL(pwrite(fd, "x", 1, 5 * PAGE));
    CALL(ftruncate(fd, 10 * PAGE));
    CALL(ftruncate(fd, 10 * PAGE));
    CALL(ftruncate(fd, PAGE + 100));
    CALL(pwritev(fd, parts, 2, PAGE - 2000)); /* whole pages first, then past the end */
    struct stat s;
    fstat(fd, &s);
    show("size", s.st_size);
    CALL(ftruncate(fd, 10));
    CALL(fallocate(fd, 0, 0, 10));
    CALL(fallocate(fd, 0, 0, 8 * PAGE));
    CALL(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20 * PAGE));
    CALL(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 10));
    CALL(fchmod(fd, 0600));
    fstat(fd, &s);
    show("size", s.st_size);
    static const int prots[] = { PROT_READ, PROT_READ | PROT_WRITE }, flags[] = { MAP_PRIVATE, MAP_SHARED };
    for (int i = 0; i < 4; i++) {
        char *at = map(fd, 1, prots[i & 1], flags[i >> 1]);
        printf("prot %d flags %d\n", prots[i & 1], flags[i >> 1]);
        DONE(at == MAP_FAILED ? -1 : 0);
        if (at == MAP_FAILED)
            continue;
        CALL(mprotect(at, PAGE, PROT_READ | PROT_WRITE));
        CALL(mprotect(at, PAGE, PROT_READ));
        munmap(at, PAGE);
    }
    close(fd);
}

static void mappings(void)
{
    int fd = memfd_create("mapped", MFD_ALLOW_SEALING), status;
    ftruncate(fd, 3 * PAGE);
    char *shared = map(fd, 3, PROT_READ | PROT_WRITE, MAP_SHARED), *own = map(fd, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    strcpy(shared, "through the mapping");
    CALL(pread(fd, buffer, 20, 0));
    printf("%s\n", buffer);
    pwrite(fd, "by write", 9, PAGE);
    printf("%s %s\n", shared + PAGE, own + PAGE);
    strcpy(own + PAGE, "mine");
    printf("%s %s\n", shared + PAGE, own + PAGE);
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)); /* busy */
    mprotect(shared, 3 * PAGE, PROT_READ);
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)); /* it may be made writable again */
    CALL(fcntl(fd, F_GET_SEALS));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    CALL(mprotect(shared, 3 * PAGE, PROT_READ | PROT_WRITE)); /* not a future mapping */
    strcpy(shared + 2 * PAGE, "still");
    CALL(pwrite(fd, "x", 1, 0));
    if (!fork()) {
        printf("child sees %s\n", shared + 2 * PAGE);
        strcpy(shared + 2 * PAGE, "child");
        munmap(shared, 3 * PAGE);
        CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)); /* the parent's mapping */
        _exit(0);
    }
    wait(&status);
    printf("parent sees %s\n", shared + 2 * PAGE);
    munmap(shared + PAGE, PAGE);
    munmap(shared, PAGE);
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    munmap(shared + 2 * PAGE, PAGE);
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
    CALL(fcntl(fd, F_GET_SEALS));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    CALL(ftruncate(fd, 2 * PAGE));
    printf("private after the seal: %s\n", own + PAGE);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        printf("run from memory: %s\n", argv[1]);
        return 7;
    }
    creation();
    static const int seals[] = { 0, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK | F_SEAL_GROW,
                                 F_SEAL_SEAL, F_SEAL_WRITE | F_SEAL_SEAL };
    for (size_t i = 0; i < sizeof seals / sizeof *seals; i++)
        sealed(seals[i]);
    mappings();
    /* a program in memory: that this descriptor may write it does not matter */
    int fd = memfd_create("program", MFD_CLOEXEC), self = open(argv[0], O_RDONLY);
    long got;
    while ((got = read(self, buffer, sizeof buffer)) > 0)
        write(fd, buffer, (size_t)got);
    close(self);
    char *const arguments[] = { "program", "yes", NULL };
    fflush(stdout);
    if (!fork()) {
        fexecve(fd, arguments, environ);
        _exit(9);
    }
    int status;
    wait(&status);
    show_status("child", status);
    return 0;
}

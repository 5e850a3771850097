/* Descriptors and files, in a new directory below /tmp or the directory given. */
#include "guest.h"
#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static void *volatile bad = (void *)8;
static volatile int minus_one = -1;

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path)
{
    DIR *directory = opendir(path);
    char *names[64];
    int count = 0;
    if (!directory) {
        show_result("opendir", -1);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) && count < 64;)
        if (asprintf(&names[count], "%s/%d", entry->d_name, entry->d_type) > 0)
            count++;
    closedir(directory);
    qsort(names, (size_t)count, sizeof *names, compare);
    printf("list %s:", path);
    for (int i = 0; i < count; i++) {
        printf(" %s", names[i]);
        free(names[i]);
    }
    puts("");
    fflush(stdout);
}

static void descriptors(void)
{
    int fd = open("data", O_RDWR | O_CREAT | O_EXCL, 0644);
    char buffer[64] = "";
    CALL(open("data", O_RDWR | O_CREAT | O_EXCL, 0644));
    CALL(write(fd, "0123456789", 10));
    CALL(lseek(fd, 3, SEEK_SET));
    CALL(read(fd, buffer, 4));
    printf("read %.4s\n", buffer);
    CALL(lseek(fd, -2, SEEK_CUR));
    CALL(lseek(fd, 2, SEEK_END));
    CALL(lseek(fd, -100, SEEK_SET));
    CALL(lseek(fd, 0, 77));
    CALL(pread(fd, buffer, 64, 5));
    CALL(pread(fd, buffer, 64, -5));
    CALL(pwrite(fd, "AB", 2, 20)); /* a hole before */
    CALL(pread(fd, buffer, 64, 8));
    printf("hole %d %d %c\n", buffer[2], buffer[11], buffer[12]);
    struct iovec parts[3] = { { buffer, 3 }, { buffer + 10, 0 }, { buffer + 20, 4 } };
    lseek(fd, 0, SEEK_SET);
    CALL(readv(fd, parts, 3));
    CALL(writev(fd, parts, 3));
    CALL(readv(fd, parts, minus_one));
    CALL(preadv(fd, parts, 3, 1));
    int other = dup(fd);
    CALL(lseek(other, 7, SEEK_SET));
    CALL(lseek(fd, 0, SEEK_CUR)); /* shared by the copy */
    CALL(dup2(fd, 50));
    CALL(dup2(50, 50));
    CALL(dup2(49, 50));
    CALL(dup3(fd, fd, 0));
    CALL(dup3(fd, 51, O_CLOEXEC));
    CALL(fcntl(51, F_GETFD));
    CALL(fcntl(50, F_GETFD));
    CALL(fcntl(fd, F_DUPFD, 60));
    CALL(fcntl(fd, F_DUPFD_CLOEXEC, 60));
    CALL(fcntl(61, F_GETFD));
    CALL(fcntl(61, F_SETFD, 0));
    CALL(fcntl(61, F_GETFD));
    CALL(fcntl(fd, F_DUPFD, 1 << 30));
    CALL(fcntl(fd, F_GETFL) & ~0100000);
    CALL(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
    CALL(fcntl(fd, F_GETFL) & ~0100000);
    CALL(fcntl(fd, 12345));
    CALL(fcntl(99, F_GETFD));
    CALL(close(61));
    CALL(close(61));
    CALL(ioctl(fd, TIOCGWINSZ, buffer));
    CALL(ftruncate(fd, 5));
    struct stat st;
    fstat(fd, &st);
    printf("size %ld mode %o links %lu blksize %ld\n", st.st_size, st.st_mode, st.st_nlink, (long)st.st_blksize);
    CALL(ftruncate(fd, -1));
    CALL(truncate("data", 3));
    CALL(truncate("none", 3));
    int reader = open("data", O_RDONLY);
    CALL(write(reader, "x", 1));
    CALL(ftruncate(reader, 1));
    int writer = open("data", O_WRONLY | O_APPEND);
    CALL(read(writer, buffer, 1));
    CALL(write(writer, "end", 3));
    CALL(pread(reader, buffer, 10, 0));
    printf("%.6s\n", buffer);
    CALL(fsync(fd));
    CALL(fdatasync(fd));
    CALL(read(reader, bad, 1));
    CALL(write(fd, bad, 1));
    CALL(read(reader, buffer, 0));
    for (int i = 3; i < 70; i++)
        close(i);
}

static void names(void)
{
    CALL(mkdir("dir", 0755));
    CALL(mkdir("dir", 0755));
    CALL(mkdir("no/dir", 0755));
    CALL(mkdir("data/dir", 0755));
    CALL(rmdir("data"));
    CALL(open("dir", O_WRONLY));
    CALL(open("dir", O_RDONLY | O_CREAT, 0600));
    CALL(open("data", O_RDONLY | O_DIRECTORY));
    CALL(open("data/", O_RDONLY));
    CALL(open("none", O_RDONLY));
    CALL(open("", O_RDONLY));
    CALL(close(creat("dir/inside", 0600)));
    CALL(rmdir("dir"));
    CALL(unlink("dir"));
    CALL(unlink("none"));
    CALL(rename("data", "moved"));
    CALL(rename("data", "moved"));
    CALL(rename("moved", "dir"));
    CALL(rename("dir", "moved"));
    CALL(rename("dir", "dir/below"));
    CALL(rename("moved", "dir/moved"));
    list(".");
    list("dir");
    CALL(link("dir/moved", "second"));
    struct stat st;
    stat("second", &st);
    show("links", (long)st.st_nlink);
    CALL(link("dir", "third"));
    CALL(symlink("second", "soft"));
    CALL(symlink("second", "soft"));
    CALL(symlink("around", "around"));
    CALL(symlink("nowhere", "dangling"));
    char target[32] = "";
    CALL(readlink("soft", target, sizeof target));
    printf("target %s\n", target);
    CALL(readlink("soft", target, 3));
    CALL(readlink("second", target, 3));
    CALL(lstat("soft", &st));
    printf("type %o size %ld\n", st.st_mode & S_IFMT, st.st_size);
    CALL(stat("soft", &st));
    printf("type %o\n", st.st_mode & S_IFMT);
    CALL(stat("around", &st));
    CALL(stat("dangling", &st));
    CALL(open("soft", O_RDONLY | O_NOFOLLOW));
    CALL(access("soft", R_OK | W_OK));
    CALL(access("dangling", F_OK));
    CALL(access("soft", X_OK));
    CALL(access("soft", 99));
    CALL(chmod("second", 0751));
    CALL(stat("second", &st));
    printf("mode %o\n", st.st_mode);
    CALL(chmod("none", 0751));
    char long_name[300];
    memset(long_name, 'n', 299);
    long_name[299] = '\0';
    CALL(open(long_name, O_RDONLY));
    char *path = malloc(6000);
    memset(path, '/', 5999);
    path[5999] = '\0';
    CALL(open(path, O_RDONLY));
    free(path);
    CALL(mkfifo("fifo", 0600));
    list(".");
    CALL(unlink("fifo"));
    CALL(unlink("soft"));
    CALL(unlink("around"));
    CALL(unlink("dangling"));
    CALL(unlink("second"));
    CALL(unlink("dir/moved"));
    CALL(unlink("dir/inside"));
    CALL(chdir("dir/inside"));
    CALL(chdir("dir"));
    CALL(rmdir("../dir"));
    CALL(open("gone", O_CREAT | O_WRONLY, 0600));
    char here[PATH_MAX];
    errno = 0;
    printf("getcwd %d %d\n", getcwd(here, sizeof here) == NULL, errno);
    CALL(chdir(".."));
    struct timespec times[2] = { { 1000, 5 }, { 2000, 7 } };
    CALL(close(creat("stamped", 0644)));
    CALL(utimensat(AT_FDCWD, "stamped", times, 0));
    stat("stamped", &st);
    printf("times %ld %ld\n", (long)st.st_atime, (long)st.st_mtime);
    CALL(umask(027));
    CALL(close(open("masked", O_CREAT | O_WRONLY, 0777)));
    stat("masked", &st);
    printf("masked %o\n", st.st_mode & 0777);
    CALL(umask(022));
}

/* An open file outlives its name. */
static void unlinked(void)
{
    int fd = open("temporary", O_RDWR | O_CREAT, 0600);
    char buffer[8] = "";
    CALL(write(fd, "kept", 4));
    CALL(unlink("temporary"));
    CALL(pread(fd, buffer, 8, 0));
    struct stat st;
    fstat(fd, &st);
    printf("%s links %lu\n", buffer, st.st_nlink);
    close(fd);
}

static void at_calls(void)
{
    CALL(mkdir("base", 0700));
    int base = open("base", O_RDONLY | O_DIRECTORY);
    int fd = openat(base, "file", O_CREAT | O_RDWR, 0600);
    DONE(fd);
    CALL(mkdirat(base, "sub", 0700));
    CALL(faccessat(base, "file", F_OK, 0));
    CALL(openat(fd, "x", O_RDONLY));
    CALL(openat(77, "x", O_RDONLY));
    CALL(renameat(base, "file", base, "sub/file"));
    CALL(unlinkat(base, "sub", 0));
    CALL(unlinkat(base, "sub", AT_REMOVEDIR));
    CALL(unlinkat(base, "sub/file", 0));
    CALL(unlinkat(base, "sub", AT_REMOVEDIR));
    CALL(unlinkat(base, "sub", 0x80));
    struct stat st;
    CALL(fstatat(base, "", &st, AT_EMPTY_PATH));
    CALL(fstatat(base, "", &st, 0));
    CALL(fchdir(base));
    list(".");
    CALL(fchdir(fd));
    CALL(chdir(".."));
    close(fd);
    close(base);
    CALL(rmdir("base"));
}

static void polls(void)
{
    int ends[2];
    if (pipe(ends))
        return;
    struct pollfd fds[3] = { { ends[0], POLLIN, 0 }, { ends[1], POLLOUT, 0 }, { -1, POLLIN, 0 } };
    CALL(poll(fds, 3, 0));
    printf("%x %x %x\n", fds[0].revents, fds[1].revents, fds[2].revents);
    CALL(write(ends[1], "x", 1));
    CALL(poll(fds, 1, -1));
    fds[2].fd = 99;
    CALL(poll(fds, 3, 10));
    printf("%x %x %x\n", fds[0].revents, fds[1].revents, fds[2].revents);
    close(ends[1]);
    char byte;
    CALL(read(ends[0], &byte, 1));
    CALL(poll(fds, 1, 10));
    printf("%x\n", fds[0].revents);
    CALL(poll(bad, 1, 0));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval now = { 0, 1000 };
    CALL(select(ends[0] + 1, &set, NULL, NULL, &now));
    FD_SET(40, &set);
    CALL(select(41, &set, NULL, NULL, &now));
    CALL(poll(NULL, 0, 5));
    close(ends[0]);
    if (pipe2(ends, O_NONBLOCK))
        return;
    CALL(read(ends[0], &byte, 1));
    static char block[70000];
    CALL(write(ends[1], block, sizeof block));
    CALL(write(ends[1], block, 1));
    fds[1].fd = ends[1];
    CALL(poll(fds + 1, 1, 0));
    close(ends[0]);
    CALL(poll(fds + 1, 1, 0));
    printf("%x\n", fds[1].revents);
    close(ends[1]);
}

static void mapped(void)
{
    int fd = open("mapped", O_RDWR | O_CREAT, 0600);
    char buffer[16] = "";
    CALL(write(fd, "abcdefgh", 8));
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *copy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    show("maps", shared != MAP_FAILED && copy != MAP_FAILED);
    if (shared == MAP_FAILED || copy == MAP_FAILED)
        return;
    printf("%.8s %.8s %d\n", shared, copy, shared[8]);
    shared[0] = 'S';
    copy[1] = 'P';
    CALL(msync(shared, PAGE, MS_SYNC));
    CALL(pread(fd, buffer, 8, 0));
    printf("%s %.8s %.8s\n", buffer, shared, copy);
    CALL(pwrite(fd, "W", 1, 2));
    printf("%.8s\n", shared);
    CALL((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, 99, 0));
    CALL((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 1));
    CALL((long)mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0));
    int reader = open("mapped", O_RDONLY);
    CALL((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0));
    close(reader);
    close(fd);
    munmap(shared, PAGE);
    munmap(copy, PAGE);
}

int main(int argc, char **argv)
{
    char directory[PATH_MAX];
    snprintf(directory, sizeof directory, "%s/filesXXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (!mkdtemp(directory) || chdir(directory)) {
        perror(directory);
        return 1;
    }
    umask(022);
    descriptors();
    names();
    unlinked();
    at_calls();
    polls();
    mapped();
    list(".");
    static const char *const left[] = { "stamped", "masked", "mapped" };
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        unlink(left[i]);
    CALL(chdir("/"));
    CALL(rmdir(directory));
    return 0;
}

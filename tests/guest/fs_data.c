/* Contents on one file system: holes, sizes, space, copies, positions, mappings, in a directory of the one given. */
#include "directory.h"
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/resource.h>

static volatile int minus_one = -1;

static int make(const char *name)
{
    return open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
}

/* What a range holds, as runs of one byte. */
static void runs(int fd, const char *what)
{
    struct stat st;
    fstat(fd, &st);
    printf("%s: size %ld:", what, (long)st.st_size);
    char byte, last = 0;
    long start = 0, at = 0;
    static char buffer[65536];
    for (long n; (n = pread(fd, buffer, sizeof buffer, at)) > 0;) {
        for (long i = 0; i < n; i++, at++) {
            byte = buffer[i];
            if (at && byte != last) {
                printf(" %ld*%d", at - start, last);
                start = at;
            }
            last = byte;
        }
    }
    if (at > start)
        printf(" %ld*%d", at - start, last);
    puts("");
    fflush(stdout);
}

static void sizes(void)
{
    int fd = make("sizes");
    CALL(write(fd, "hello", 5));
    CALL(ftruncate(fd, 10000));
    runs(fd, "grown");
    CALL(ftruncate(fd, 3));
    CALL(ftruncate(fd, 8));
    runs(fd, "cut and grown");
    CALL(ftruncate(fd, -1));
    CALL(truncate("sizes", -1));
    CALL(truncate("sizes", 4));
    CALL(truncate("none", 4));
    CALL(truncate(".", 4));
    CALL(lseek(fd, 100000, SEEK_SET));
    CALL(write(fd, "x", 1));
    runs(fd, "with a hole");
    CALL(lseek(fd, 0, SEEK_DATA) >= 0);
    CALL(lseek(fd, 200000, SEEK_DATA));
    CALL(lseek(fd, 200000, SEEK_HOLE));
    CALL(lseek(fd, 100000, SEEK_DATA));
    CALL(lseek(fd, 100000, SEEK_HOLE));
    CALL(lseek(fd, -5, SEEK_CUR));
    CALL(lseek(fd, -200000, SEEK_END));
    CALL(lseek(fd, 0, 9));
    CALL(pwrite(fd, "y", 1, -1));
    CALL(pread(fd, "y", 1, -1));
    CALL(pwrite(fd, "y", 1, 0x7fffffffffffffff));
    int rd = open("sizes", O_RDONLY);
    CALL(write(rd, "x", 1));
    CALL(ftruncate(rd, 0));
    CALL(open("sizes", O_RDONLY | O_TRUNC) >= 0);
    runs(fd, "cut at opening");
    close(rd);
    close(fd);
}

static void appending(void)
{
    int fd = make("append"), a = open("append", O_WRONLY | O_APPEND), b = open("append", O_WRONLY | O_APPEND);
    CALL(write(a, "one", 3));
    CALL(write(b, "two", 3));
    CALL(write(a, "three", 5));
    CALL(lseek(a, 0, SEEK_CUR));
    CALL(pwrite(a, "four", 4, 0));
    CALL(lseek(a, 0, SEEK_CUR));
    char text[64] = "";
    CALL(pread(fd, text, 63, 0));
    puts(text);
    struct iovec v[3] = { { "five", 4 }, { "", 0 }, { "six", 3 } };
    CALL(pwritev2(a, v, 3, 0, 0));
    CALL(pwritev2(fd, v, 3, 0, RWF_APPEND));
    CALL(pwritev2(fd, v, 3, 1, RWF_DSYNC));
    CALL(pwritev2(fd, v, 3, -1, RWF_SYNC));
    CALL(lseek(fd, 0, SEEK_CUR));
    CALL(pwritev2(fd, v, 3, 0, 0x4000));
    memset(text, 0, sizeof text);
    CALL(pread(fd, text, 63, 0));
    puts(text);
    CALL(preadv2(fd, v, 0, 0, 0));
    CALL(fallocate(a, 0, 0, 100));
    CALL(fallocate(a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    close(a);
    close(b);
    close(fd);
}

static void space(void)
{
    static char block[65536];
    struct stat st;
    int fd = make("space");
    memset(block, 'b', sizeof block);
    CALL(write(fd, block, sizeof block));
    CALL(fallocate(fd, 0, 0, 0));
    CALL(fallocate(fd, 0, -1, 10));
    CALL(fallocate(fd, 0, 10, -1));
    CALL(fallocate(fd, 0x80, 0, 10));
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10));
    CALL(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    CALL(fallocate(fd, 0, 0x7fffffffffffffff, 1));
    CALL(fallocate(minus_one, 0, 0, 1));
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 8192));
    runs(fd, "punched");
    CALL(lseek(fd, 0, SEEK_HOLE));
    CALL(lseek(fd, 8192, SEEK_DATA));
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 20000, 100));
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 60000, 1000000));
    runs(fd, "punched more");
    CALL(fallocate(fd, 0, 60000, 10000));
    runs(fd, "allocated");
    CALL(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1 << 20));
    fstat(fd, &st);
    SHOW(st.st_size);
    SHOW(st.st_blocks >= 2048);
    CALL(ftruncate(fd, 70000));
    CALL(ftruncate(fd, 0));
    fstat(fd, &st);
    SHOW(st.st_blocks);
    int rd = open("space", O_RDONLY), pipes[2];
    CALL(fallocate(rd, 0, 0, 1));
    CALL(fallocate(open(".", O_RDONLY), 0, 0, 1));
    CALL(pipe(pipes));
    CALL(fallocate(pipes[1], 0, 0, 1));
    CALL(posix_fallocate(fd, 100, 50));
    CALL(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    close(rd);
    close(fd);
}

static void limited(void)
{
    struct rlimit small = { 1000, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
    long results[6]; /* told once there is no limit any more: standard output may be a file */
    int fd = make("limited");
    static char block[2000];
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
#define RESULT(i, call) results[i] = (call) < 0 ? -errno : 0
    RESULT(0, write(fd, block, sizeof block));
    RESULT(1, write(fd, block, 1));
    RESULT(2, ftruncate(fd, 2000));
    RESULT(3, ftruncate(fd, 500));
    RESULT(4, fallocate(fd, 0, 0, 5000));
    RESULT(5, pwrite(fd, block, 10, 999));
    setrlimit(RLIMIT_FSIZE, &none);
    for (int i = 0; i < 6; i++)
        show("limited", results[i]);
    signal(SIGXFSZ, SIG_DFL);
    close(fd);
}

static void copies(void)
{
    int in = make("in"), out = make("out"), append = open("out", O_WRONLY | O_APPEND), pipes[2];
    static char block[100000];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i / 10000);
    CALL(write(in, block, sizeof block));
    off_t from = 5000, to = 0;
    CALL(copy_file_range(in, &from, out, &to, 30000, 0));
    show("from", from);
    show("to", to);
    runs(out, "copied");
    CALL(copy_file_range(in, NULL, out, NULL, 100, 0));
    CALL(lseek(in, 0, SEEK_SET));
    CALL(copy_file_range(in, NULL, out, NULL, 100, 0));
    CALL(lseek(in, 0, SEEK_CUR));
    CALL(lseek(out, 0, SEEK_CUR));
    from = 0, to = 50;
    CALL(copy_file_range(in, &from, in, &to, 100, 0));
    to = 200000;
    CALL(copy_file_range(in, &from, in, &to, 1000, 0));
    CALL(copy_file_range(in, &from, out, &to, 100, 1));
    CALL(copy_file_range(in, &from, append, NULL, 100, 0));
    CALL(copy_file_range(append, NULL, out, NULL, 100, 0));
    CALL(copy_file_range(open(".", O_RDONLY), NULL, out, NULL, 100, 0));
    from = 90000;
    CALL(lseek(out, 0, SEEK_SET));
    CALL(sendfile(out, in, &from, 5000));
    show("from", from);
    CALL(lseek(in, 1000, SEEK_SET));
    CALL(sendfile(out, in, NULL, 2000));
    CALL(lseek(in, 0, SEEK_CUR));
    runs(out, "sent");
    CALL(sendfile(append, in, NULL, 10));
    CALL(pipe(pipes));
    CALL(sendfile(pipes[1], in, NULL, 4000));
    CALL(sendfile(out, pipes[0], NULL, 10));
    from = -1;
    CALL(sendfile(out, in, &from, 10));
    close(in);
    close(out);
    close(append);
    close(pipes[0]);
    close(pipes[1]);
}

static void mapped(void)
{
    int fd = make("mapped");
    CALL(ftruncate(fd, 3 * PAGE));
    char *shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (shared == MAP_FAILED || private == MAP_FAILED) {
        show_result("mmap", -1);
        return;
    }
    shared[10] = 'm';
    char byte = 0;
    CALL(pread(fd, &byte, 1, 10));
    SHOW(byte);
    CALL(pwrite(fd, "w", 1, PAGE + 1));
    SHOW(shared[PAGE + 1]);
    SHOW(private[PAGE + 1]);
    private[PAGE + 1] = 'p';
    CALL(pwrite(fd, "v", 1, PAGE + 1));
    SHOW(shared[PAGE + 1]);
    SHOW(private[PAGE + 1]);
    CALL(msync(shared, 3 * PAGE, MS_SYNC));
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE));
    SHOW(shared[PAGE + 1]);
    SHOW(private[PAGE + 1]);
    CALL(ftruncate(fd, PAGE / 2));
    SHOW(shared[10]);
    CALL(ftruncate(fd, PAGE));
    CALL(pread(fd, &byte, 1, PAGE - 1));
    SHOW(byte);
    pid_t child = fork();
    if (child == 0)
        _exit(shared[2 * PAGE]);
    int status;
    waitpid(child, &status, 0);
    show_status("beyond the end", status);
    CALL(munmap(shared, 3 * PAGE));
    CALL(munmap(private, 3 * PAGE));
    CALL(fsync(fd));
    CALL(fdatasync(fd));
    CALL(syncfs(fd));
    runs(fd, "mapped");
    close(fd);
    fd = open("mapped", O_RDONLY);
    CALL((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == -1);
    CALL((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) == -1);
    close(fd);
}

static void large(void)
{
    int fd = make("large");
    off_t far = (off_t)5 << 30;
    CALL(pwrite(fd, "far", 3, far));
    char text[8] = "";
    CALL(pread(fd, text, 7, far - 2));
    SHOW(text[0] | text[2]);
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(lseek(fd, 0, SEEK_HOLE));
    SHOW(lseek(fd, 4096, SEEK_DATA) / 4096);
    CALL(ftruncate(fd, 1));
    SHOW(lseek(fd, 0, SEEK_END));
    close(fd);
}

int main(int argc, char **argv)
{
    directory_enter(argc, argv);
    sizes();
    appending();
    space();
    limited();
    copies();
    mapped();
    large();
    directory_leave();
    return 0;
}

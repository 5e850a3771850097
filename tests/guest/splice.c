/* splice, tee, vmsplice. */
#include "directory.h"
#include <sys/uio.h>

static volatile int minus_one = -1;
static void *volatile bad = (void *)8;

static void holds(int pipe, const char *what)
{
    static char text[200000];
    long n = read(pipe, text, sizeof text);
    printf("%s: %ld bytes", what, n);
    if (n > 0)
        printf(" '%.*s'", n < 40 ? (int)n : 40, text);
    puts("");
    fflush(stdout);
}

static void refusals(int file, int a[2], int b[2])
{
    loff_t at = 0;
    CALL(splice(minus_one, NULL, minus_one, NULL, 0, 0));
    CALL(splice(minus_one, NULL, a[1], NULL, 1, 0));
    CALL(splice(file, NULL, a[1], NULL, 1, 0x10));
    CALL(splice(file, NULL, file, NULL, 1, 0));
    CALL(splice(a[0], NULL, a[1], NULL, 1, SPLICE_F_NONBLOCK));
    CALL(splice(a[1], NULL, b[1], NULL, 1, SPLICE_F_NONBLOCK));
    CALL(splice(a[0], NULL, b[0], NULL, 1, SPLICE_F_NONBLOCK));
    CALL(splice(a[0], &at, b[1], NULL, 1, SPLICE_F_NONBLOCK));
    CALL(splice(a[0], NULL, b[1], &at, 1, SPLICE_F_NONBLOCK));
    CALL(splice(a[0], NULL, b[1], NULL, 1, SPLICE_F_NONBLOCK));
    CALL(splice(file, bad, b[1], NULL, 1, SPLICE_F_NONBLOCK));
    at = -1;
    CALL(splice(file, &at, b[1], NULL, 1, SPLICE_F_NONBLOCK));
    CALL(splice(open(".", O_RDONLY), NULL, b[1], NULL, 1, SPLICE_F_NONBLOCK));
    int append = open("file", O_WRONLY | O_APPEND);
    write(a[1], "x", 1);
    CALL(splice(a[0], NULL, append, NULL, 1, 0));
    holds(a[0], "still there");
    CALL(tee(a[0], b[1], 1, SPLICE_F_NONBLOCK));
    CALL(tee(a[0], b[1], 0, 0));
    CALL(tee(a[0], a[1], 1, SPLICE_F_NONBLOCK));
    CALL(tee(file, b[1], 1, 0));
    CALL(tee(a[0], b[1], 1, 0x10));
    CALL(vmsplice(minus_one, NULL, 0, 0));
    CALL(vmsplice(file, NULL, 0, 0));
    CALL(vmsplice(a[1], NULL, 0, 0x10));
    CALL(vmsplice(a[1], NULL, 0, 0));
    CALL(vmsplice(a[1], bad, 1, 0));
}

static void moving(int file, int a[2], int b[2])
{
    loff_t at = 5;
    static char block[100000];
    CALL(splice(file, &at, a[1], NULL, 10, 0));
    SHOW(at);
    holds(a[0], "ten from five on");
    CALL(splice(file, NULL, a[1], NULL, 4, SPLICE_F_MOVE));
    SHOW(lseek(file, 0, SEEK_CUR));
    CALL(tee(a[0], b[1], 100, 0));
    holds(a[0], "one");
    holds(b[0], "other");
    CALL(write(a[1], "hello world", 11));
    CALL(splice(a[0], NULL, b[1], NULL, 5, 0));
    holds(b[0], "five moved");
    at = 100;
    CALL(splice(a[0], NULL, file, &at, 100, 0));
    SHOW(at);
    char text[7] = "";
    CALL(pread(file, text, 6, 100));
    puts(text);
    CALL(lseek(file, 0, SEEK_END));
    CALL(splice(file, NULL, a[1], NULL, 100, 0)); /* at the end */
    CALL(splice(a[0], NULL, b[1], NULL, 5, SPLICE_F_NONBLOCK));
    memset(block, 'b', sizeof block);
    CALL(pwrite(file, block, sizeof block, 0));
    CALL(lseek(file, 0, SEEK_SET));
    CALL(splice(file, NULL, a[1], NULL, sizeof block, 0));
    CALL(splice(file, NULL, a[1], NULL, sizeof block, SPLICE_F_NONBLOCK));
    holds(a[0], "as much as fits");
    struct iovec v[2] = { { "vector", 6 }, { " and more", 9 } };
    CALL(vmsplice(a[1], v, 2, 0));
    holds(a[0], "gathered");
    struct iovec in[2] = { { text, 3 }, { text + 3, 3 } };
    CALL(write(a[1], "abcdef", 6));
    CALL(vmsplice(a[0], in, 2, 0));
    puts(text);
    CALL(vmsplice(a[0], in, 2, SPLICE_F_NONBLOCK));
}

static void waiting(int a[2], int b[2])
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(a[1]);
        long n = splice(a[0], NULL, b[1], NULL, 100, 0); /* waits for the first byte */
        n += splice(a[0], NULL, b[1], NULL, 100, 0) * 10; /* and for the end */
        _exit((int)n);
    }
    usleep(20000);
    CALL(write(a[1], "late", 4));
    usleep(20000);
    close(a[1]);
    waitpid(child, &status, 0);
    show_status("spliced", status);
    holds(b[0], "arrived");
    signal(SIGPIPE, SIG_IGN);
    int c[2];
    CALL(pipe(c));
    close(b[0]);
    CALL(write(c[1], "x", 1));
    CALL(splice(c[0], NULL, b[1], NULL, 1, 0));
    CALL(tee(c[0], b[1], 1, 0));
}

int main(int argc, char **argv)
{
    int a[2], b[2];
    directory_enter(argc, argv);
    int file = open("file", O_RDWR | O_CREAT, 0644);
    CALL(write(file, "the contents of a file", 22));
    lseek(file, 0, SEEK_SET);
    if (pipe(a) || pipe(b))
        return 1;
    refusals(file, a, b);
    lseek(file, 0, SEEK_SET);
    moving(file, a, b);
    waiting(a, b);
    directory_leave();
    return 0;
}

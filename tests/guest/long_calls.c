/* Calls that move or fill more in one go than a user waits for: the machine's cycle limit, or the death of the caller,
 * ends them (run_memory.sh). The argument says which call. */
#include "guest.h"
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define CHUNK (2UL << 20)
#define VECTORS 1024 /* 2 GiB, all into the same pages */

static struct iovec vectors[VECTORS];

static int sparse_file(void)
{
    int fd = open("/tmp/sparse", O_CREAT | O_RDWR | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)CHUNK * VECTORS))
        exit(98);
    return fd;
}

static long read_file(const char *path)
{
    return readv(open(path, O_RDONLY), vectors, VECTORS);
}

static long copy(void)
{
    return sendfile(open("/dev/null", O_WRONLY), sparse_file(), NULL, CHUNK * VECTORS);
}

static long fill(void)
{
    void *at = mmap(NULL, CHUNK * VECTORS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE,
                    -1, 0);
    return at == MAP_FAILED ? -1 : 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    char *buffer = pages(CHUNK / PAGE, PROT_READ | PROT_WRITE);
    int status;
    for (int i = 0; i < VECTORS; i++)
        vectors[i] = (struct iovec){ buffer, CHUNK };
    printf("%s\n", what);
    fflush(stdout);
    if (fork() == 0) {
        long result = strcmp(what, "zero") == 0     ? read_file("/dev/zero")
                      : strcmp(what, "random") == 0 ? read_file("/dev/urandom")
                      : strcmp(what, "sparse") == 0 ? readv(sparse_file(), vectors, VECTORS)
                      : strcmp(what, "copy") == 0   ? copy()
                                                    : fill();
        show("result", result);
        _exit(0);
    }
    wait(&status);
    show_status("child", status);
    return 0;
}

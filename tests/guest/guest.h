/* What the guest test programs share. They print what they observe, and nothing that may differ
 * between two correct kernels (addresses, process ids, times): run natively and in Ringfort the
 * output must be the same. */
#ifndef GUEST_H
#define GUEST_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL

static inline void show(const char *name, long value)
{
    printf("%s: %ld\n", name, value);
    fflush(stdout); /* before any fork */
}

/* A call's result: its value, or the name of its error. */
static inline void show_result(const char *name, long result)
{
    int error = errno;
    if (result == -1)
        printf("%s: error %d\n", name, error);
    else
        printf("%s: %ld\n", name, result);
    fflush(stdout);
}
#define CALL(expression) do { errno = 0; long result_ = (long)(expression); show_result(#expression, result_); } while (0)
/* The same where only success matters, not the value. */
#define DONE(expression) do { errno = 0; long result_ = (long)(expression); show_result(#expression, result_ == -1 ? -1 : 0); } while (0)
#define SHOW(expression) show(#expression, (long)(expression))

static inline void show_status(const char *name, int status)
{
    if (WIFEXITED(status))
        printf("%s: exited %d\n", name, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        printf("%s: killed by %d\n", name, WTERMSIG(status));
    else if (WIFSTOPPED(status))
        printf("%s: stopped by %d\n", name, WSTOPSIG(status));
    else if (WIFCONTINUED(status))
        printf("%s: continued\n", name);
    else
        printf("%s: status %#x\n", name, status);
    fflush(stdout);
}

static inline void *pages(size_t count, int prot)
{
    void *at = mmap(NULL, count * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        perror("mmap");
        exit(99);
    }
    return at;
}

#endif
